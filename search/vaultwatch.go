package search

import (
	"errors"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/search/trail"
	"inwriting/search/watch"
)

// NewVaultWatcher returns the watch over a vault.
func NewVaultWatcher(v Stores, people func() trail.People) *watch.Watcher {
	return &watch.Watcher{Store: vaultWatch{VaultStore{Vault: v}}, People: people,
		Source: func(p trail.People) trail.Source {
			return NewEngine(VaultStore{Vault: v}, vaultIndex{v}, p, Options{}).Source()
		}}
}

// vaultWatch is the watch.Store of a vault's catalog.
type vaultWatch struct{ s VaultStore }

func (w vaultWatch) Position() (at, read int64, version string, err error) {
	err = w.s.catalog(func(c *catalog.Catalog) error {
		if at, version, err = c.Watched(); err != nil {
			return err
		}
		read, _, err = c.Cursor("read")
		return err
	})
	return at, read, version, err
}

func (w vaultWatch) Reset(version string) error {
	return w.s.catalog(func(c *catalog.Catalog) error { return c.ResetOpen(version) })
}

func (w vaultWatch) Next(at, read int64, limit int) (fresh, again []watch.Message, err error) {
	err = w.s.catalog(func(c *catalog.Catalog) error {
		list, err := c.WatchAgain(at, limit)
		for _, b := range list {
			again = append(again, watch.Message{N: b.ID, Ref: b.Ref})
		}
		if err != nil {
			return err
		}
		list, err = c.BlobsAfter(at, limit)
		for _, b := range list {
			if b.ID <= read {
				fresh = append(fresh, watch.Message{N: b.ID, Ref: b.Ref})
			}
		}
		return err
	})
	return fresh, again, err
}

func (w vaultWatch) Save(s watch.Step) error {
	return w.s.catalog(func(c *catalog.Catalog) error {
		ids := map[archive.Ref]int64{}
		var blobs, again []int64
		for _, ref := range s.Looked {
			b, err := c.Blob(ref)
			if err != nil {
				return err
			}
			ids[ref] = b.ID
			blobs = append(blobs, b.ID)
		}
		for _, m := range s.Again {
			again = append(again, m.N)
		}
		items := make([]catalog.OpenItem, len(s.Open))
		for i, o := range s.Open {
			items[i] = catalog.OpenItem{Statement: o.Statement, Blob: ids[o.Ref], Type: string(o.Type), Client: o.Client, Due: o.Due, Date: o.Date}
		}
		err := c.SaveOpen(s.From, s.To, s.Version, blobs, again, items)
		if errors.Is(err, catalog.ErrMoved) {
			return watch.ErrMoved
		}
		return err
	})
}

func (w vaultWatch) Open() ([]trail.Waiting, error) {
	return w.waiting(func(c *catalog.Catalog) ([]catalog.OpenItem, error) { return c.Opens() })
}

func (w vaultWatch) Since(client string, from time.Time) ([]trail.Waiting, error) {
	return w.waiting(func(c *catalog.Catalog) ([]catalog.OpenItem, error) { return c.OpensOf(client, from) })
}

func (w vaultWatch) waiting(list func(*catalog.Catalog) ([]catalog.OpenItem, error)) (out []trail.Waiting, err error) {
	err = w.s.catalog(func(c *catalog.Catalog) error {
		items, err := list(c)
		if err != nil {
			return err
		}
		for _, o := range items {
			b, err := c.BlobByID(o.Blob)
			if err != nil {
				return err
			}
			out = append(out, trail.Waiting{Type: trail.WaitingType(o.Type), Statement: o.Statement, Ref: b.Ref, Client: o.Client, Due: o.Due, Date: o.Date})
		}
		return nil
	})
	return out, err
}
