package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"inwriting/indexer/catalog"
)

// RebuildIndex drops the readings and the index and makes them again from the
// archive.
func (v *Vault) RebuildIndex(ctx context.Context, progress func(ReadProgress)) error {
	if err := v.replaceIndex(); err != nil {
		return fmt.Errorf("rebuilding the index: %w", err)
	}
	return v.ReadFast(ctx, progress)
}

func (v *Vault) replaceIndex() error {
	defer v.withdraw()()
	if v.catalog == nil {
		return errClosed
	}
	v.index.Close() // whatever it says: it goes away
	return v.resetIndex()
}

// RebuildCatalog makes the catalog again from archive and ledger alone, by the
// functions that start-up uses, and then the index. The old catalog is kept as
// catalog.db.old until the new one stands.
func (v *Vault) RebuildCatalog(ctx context.Context, progress func(ReadProgress)) error {
	if err := v.replaceCatalog(); err != nil {
		return fmt.Errorf("rebuilding the catalog: %w", err)
	}
	return v.ReadFast(ctx, progress)
}

func (v *Vault) replaceCatalog() error {
	defer v.still()()
	if v.catalog == nil {
		return errClosed
	}
	keep, err := v.catalog.Meta(peopleKey)
	if err != nil {
		v.log.Warn("the people kept in the catalog cannot be read", "err", err)
	}
	err = errors.Join(v.index.Close(), v.catalog.Close())
	v.catalog, v.index = nil, nil
	if err != nil {
		v.log.Warn("closing the old catalog", "err", err)
	}
	if err := setCatalogAside(v.dir); err != nil {
		return err
	}
	if v.catalog, err = catalog.Open(filepath.Join(v.dir, "catalog.db")); err != nil {
		return err
	}
	if err := v.recover(); err != nil {
		return err
	}
	if keep != "" {
		if err := v.catalog.Update(func(t *catalog.Tx) error { return t.SetMeta(peopleKey, keep) }); err != nil {
			return err
		}
	}
	if err := v.resetIndex(); err != nil {
		return err
	}
	return dropCatalogAside(v.dir)
}

// setCatalogAside renames catalog.db and its journals; dropCatalogAside removes
// what that left.
func setCatalogAside(dir string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		path := filepath.Join(dir, "catalog.db")
		err := os.Rename(path+suffix, path+".old"+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func dropCatalogAside(dir string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, "catalog.db.old"+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// peopleKey is where the catalog keeps who is who, when it was said on a command
// line and not in a configuration file. Nothing else knows it, so a rebuild
// carries it over.
const peopleKey = "people"

// People returns what SetPeople kept, "" before.
func (v *Vault) People() (string, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return "", errClosed
	}
	return v.catalog.Meta(peopleKey)
}

// SetPeople keeps who is who, in the caller's own form.
func (v *Vault) SetPeople(text string) error {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return errClosed
	}
	return v.catalog.Update(func(t *catalog.Tx) error { return t.SetMeta(peopleKey, text) })
}
