package indexer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
)

// LeaveOut implements imapsync.Selector.
func (f *folder) LeaveOut(ctx context.Context, uids []uint32) error {
	return f.s.v.catalog.LeaveOut(f.m.ID, f.uidValidity, uids)
}

// chosen records a change of what the settings leave out of an account, and has
// what was left out looked at again.
func (v *Vault) chosen(c *committer, id int64, a imapsync.Account) error {
	now := selection(a)
	key := fmt.Sprintf("selection %d", id)
	was, err := v.catalog.Meta(key)
	if err != nil || was == now {
		return err
	}
	if err := c.add(nil, ledger.Config{Setting: "selection of " + a.Address, Old: was, New: now}); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	if err := v.catalog.Reconsider(id); err != nil {
		return err
	}
	return v.catalog.Update(func(t *catalog.Tx) error { return t.SetMeta(key, now) })
}

// selection says what of an account is read; "" for everything.
func selection(a imapsync.Account) string {
	var words []string
	if !a.Since.IsZero() {
		words = append(words, "since "+a.Since.Format(time.RFC3339))
	}
	if len(a.Include) > 0 {
		words = append(words, fmt.Sprintf("only %q", a.Include))
	}
	if len(a.Exclude) > 0 {
		words = append(words, fmt.Sprintf("without %q", a.Exclude))
	}
	return strings.Join(words, ", ")
}
