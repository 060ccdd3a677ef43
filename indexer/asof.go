package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
)

// asOfDir is where a vault of an earlier state is made. There is one at a time, and
// what a crash leaves of it is removed by the next.
const asOfDir = "as-of"

// AsOf makes the vault again as it was when its ledger had size entries, calls fn with
// it and takes it away. Catalog and index come from archive and ledger alone, by the
// functions that a rebuild uses: the same size gives the same answers, whatever was
// added since. What was erased since stays erased. What only settings know, such as
// folders left out, is not in it. fn must not add to it.
func (v *Vault) AsOf(ctx context.Context, size int64, progress func(ReadProgress), fn func(*Vault) error) error {
	v.past.Lock()
	defer v.past.Unlock()
	dir := filepath.Join(v.dir, asOfDir)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("making the vault of %d entries again: %w", size, err)
	}
	defer os.RemoveAll(dir)
	past, err := v.asOf(size, dir)
	if err == nil {
		err = past.ReadFast(ctx, progress)
	}
	if err != nil {
		err = fmt.Errorf("making the vault of %d entries again: %w", size, err)
	} else {
		err = fn(past)
	}
	if past != nil {
		past.archive = nil // it is v's
		err = errors.Join(err, past.Close())
	}
	return err
}

func (v *Vault) asOf(size int64, dir string) (*Vault, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return nil, errClosed
	}
	ledgerDir, keys := filepath.Join(dir, "ledger"), filepath.Join(dir, "keys")
	if err := v.ledger.CopyPrefix(size, filepath.Join(v.dir, "keys"), ledgerDir, keys); err != nil {
		return nil, err
	}
	opt := v.opt
	opt.Attest, opt.FreshCatalog = Attest{}, false
	p := newVault(dir, opt)
	p.archive = v.archive
	var err error
	if p.ledger, err = ledger.Open(ledgerDir, keys, ledger.Options{Now: v.now}); err != nil {
		return p, err
	}
	if p.catalog, err = catalog.Open(filepath.Join(dir, "catalog.db")); err != nil {
		return p, err
	}
	// In the order of arrival, which the numbers of messages follow. Those that the
	// entries do not name are never read.
	var blobs []archive.Entry
	err = v.catalog.Blobs(func(b catalog.Blob) error {
		if b.Entry < size {
			blobs = append(blobs, archive.Entry{Ref: b.Ref, Size: b.Size, Place: b.Place})
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	if err := p.record(blobs, v.archive.End()); err != nil {
		return p, err
	}
	return p, p.openIndex()
}
