package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
)

// Permit records in which role an account is read: as "processor" of somebody
// else's mailbox by the written permission in a file, which goes into the archive
// with its hash in the ledger, or as "controller" of our own without one. It does
// nothing when that was recorded before; a permission that changed is recorded
// beside the old one. Durable on return.
func (v *Vault) Permit(ctx context.Context, a imapsync.Account, role, permission string) error {
	c, err := v.join()
	if err != nil {
		return err
	}
	err = v.permit(ctx, c, a, role, permission)
	if err = errors.Join(err, v.leave(c)); err != nil {
		return fmt.Errorf("recording the permission to read %s: %w", a.Address, err)
	}
	return nil
}

func (v *Vault) permit(ctx context.Context, c *committer, a imapsync.Account, role, permission string) error {
	v.stores.RLock()
	defer v.stores.RUnlock()
	id, err := v.account(c, a.Address, a.Server, "imap")
	if err != nil {
		return err
	}
	fact := ledger.AccountRole{Account: id, Role: role}
	key := fmt.Sprintf("role %d", id)
	was, err := v.catalog.Meta(key)
	if err != nil {
		return err
	}
	if permission == "" {
		if was == role || was == "" && role == "controller" {
			return nil
		}
		if err := c.add(nil, fact); err != nil {
			return err
		}
		return errors.Join(c.flush(), v.keep(key, role))
	}
	f, err := os.Open(permission)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil {
		return err
	} else if !fi.Mode().IsRegular() {
		return fmt.Errorf("%q: %w", permission, ErrNotAFile)
	}
	blob, err := v.stage.Read(contextReader{ctx, f})
	if err != nil {
		return err
	}
	fact.Authority = blob.Ref().Hex()
	if was == role+" "+fact.Authority {
		blob.Discard()
		return nil
	}
	if err := c.add(blob, fact); err != nil {
		return err
	}
	return errors.Join(c.flush(), v.keep(key, role+" "+fact.Authority))
}

func (v *Vault) keep(key, value string) error {
	return v.catalog.Update(func(t *catalog.Tx) error { return t.SetMeta(key, value) })
}
