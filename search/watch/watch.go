// Package watch keeps current what waits for somebody, over a whole vault:
// promises with a day, instructions never confirmed, questions nobody answered,
// recaps never acknowledged, for each client.
//
// It is a derived stage like the reader: a cursor in the catalog names the last
// message that was looked at, and each step looks only at the threads that new
// messages belong to, and at what was open with the same clients shortly before.
// What closes something is decided by the rules of trail's findings.
package watch

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/trail"
)

// format counts the changes to the rules; the reader's own version resets the
// catalog's cursors, ours among them.
const format = "1"

const (
	step      = 500 // messages looked at before the cursor moves
	maxThread = 100
	maxAround = 150
	around    = 60 * 24 * time.Hour // mail outside the thread closes something within this time
)

// Watcher keeps one vault's list. Its methods may be called at once.
type Watcher struct {
	Vault  search.Stores
	People func() trail.People

	mu sync.Mutex // held by the one Update that runs
}

// Update looks at every message that was read since the last Update. It is durable
// step by step; cancelling loses the step in hand.
func (w *Watcher) Update(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		err := w.update(ctx)
		if !errors.Is(err, catalog.ErrMoved) {
			return err
		}
		if ctx.Err() != nil { // a rebuild got in between
			return ctx.Err()
		}
	}
}

// Open returns what is open, after an Update, by client and date.
func (w *Watcher) Open(ctx context.Context) (out []catalog.OpenItem, err error) {
	if err := w.Update(ctx); err != nil {
		return nil, err
	}
	err = w.catalog(func(c *catalog.Catalog) error {
		out, err = c.Opens()
		return err
	})
	return out, err
}

func (w *Watcher) catalog(fn func(*catalog.Catalog) error) error {
	return w.Vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error { return fn(c) })
}

// version changes when somebody else is a client: then everything is looked at
// again.
func version(p trail.People) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", p)
	return fmt.Sprintf("%s/%x", format, h.Sum64())
}

func (w *Watcher) update(ctx context.Context) error {
	people := w.People()
	run := &run{w: w, people: people, version: version(people), done: map[archive.Ref]bool{}, checked: map[string]bool{},
		src: search.NewEngine(search.VaultStore{Vault: w.Vault}, nil, people, search.Options{}).Source()}
	var cursor, read int64
	err := w.catalog(func(c *catalog.Catalog) error {
		at, have, err := c.Watched()
		if err != nil {
			return err
		}
		if have != run.version {
			at = 0
			if err := c.ResetOpen(run.version); err != nil {
				return err
			}
		}
		cursor = at
		read, _, err = c.Cursor("read")
		return err
	})
	for err == nil {
		var fresh, again []catalog.Blob
		err = w.catalog(func(c *catalog.Catalog) (err error) {
			if again, err = c.WatchAgain(cursor, step); err != nil {
				return err
			}
			fresh, err = c.BlobsAfter(cursor, step)
			return err
		})
		if i := slices.IndexFunc(fresh, func(b catalog.Blob) bool { return b.ID > read }); i >= 0 {
			fresh = fresh[:i]
		}
		if err != nil || len(fresh)+len(again) == 0 {
			break
		}
		to := cursor
		if len(fresh) > 0 {
			to = fresh[len(fresh)-1].ID
		}
		for _, b := range again {
			delete(run.done, b.Ref)
		}
		if err = run.look(ctx, cursor, to, fresh, again); err == nil {
			cursor = to
		}
	}
	if err != nil && !errors.Is(err, catalog.ErrMoved) && ctx.Err() == nil {
		err = fmt.Errorf("watching what is open: %w", err)
	}
	return err
}

// run is one Update: every thread is looked at once, with all the mail there is.
type run struct {
	w       *Watcher
	src     trail.Source
	people  trail.People
	version string
	done    map[archive.Ref]bool
	checked map[string]bool // earlier open statements
}

func (r *run) look(ctx context.Context, from, to int64, fresh, again []catalog.Blob) error {
	refs := make([]archive.Ref, 0, len(fresh)+len(again))
	for _, b := range slices.Concat(again, fresh) {
		refs = append(refs, b.Ref)
	}
	records, err := r.src.Records(ctx, refs)
	if err != nil {
		return err
	}
	var blobs []int64
	var items []catalog.OpenItem
	look := func(ref archive.Ref) error {
		if r.done[ref] {
			return nil
		}
		b, i, err := r.thread(ctx, ref)
		blobs, items = append(blobs, b...), append(items, i...)
		return err
	}
	for _, rec := range records {
		client := r.client(rec)
		if client == "" {
			continue
		}
		if err := look(rec.Ref); err != nil {
			return err
		}
		// It may close what was open before, in another thread.
		earlier, err := r.earlier(client, rec.Date)
		if err != nil {
			return err
		}
		for _, ref := range earlier {
			if err := look(ref); err != nil {
				return err
			}
		}
	}
	return r.w.catalog(func(c *catalog.Catalog) error { return c.SaveOpen(from, to, r.version, blobs, again, items) })
}

// earlier lists the messages that left something open with a client in the time
// before date.
func (r *run) earlier(client string, date time.Time) (refs []archive.Ref, err error) {
	err = r.w.catalog(func(c *catalog.Catalog) error {
		list, err := c.OpensOf(client, date.Add(-around))
		if err != nil {
			return err
		}
		for _, o := range list {
			if o.Date.After(date) || r.checked[o.Statement] {
				continue
			}
			r.checked[o.Statement] = true
			b, err := c.BlobByID(o.Blob)
			if err != nil {
				return err
			}
			refs = append(refs, b.Ref)
		}
		return nil
	})
	return refs, err
}

// client names the client who takes part in a message, "" where none does.
func (r *run) client(rec *trail.Record) string {
	for _, list := range [][]message.Address{rec.From, rec.To, rec.Cc} {
		for _, a := range list {
			if role, party := r.people.Role(a.Address); role == trail.Client {
				return party
			}
		}
	}
	return ""
}

// thread works out what the thread of ref left open.
func (r *run) thread(ctx context.Context, ref archive.Ref) (blobs []int64, items []catalog.OpenItem, err error) {
	refs, err := r.src.Related(ctx, []archive.Ref{ref}, maxThread)
	if err != nil {
		return nil, nil, err
	}
	of := map[archive.Ref]bool{}
	for _, x := range append(refs, ref) {
		of[x], r.done[x] = true, true
	}
	records, err := r.src.Records(ctx, refs)
	if err != nil {
		return nil, nil, err
	}
	with, first, last := r.counterparts(records)
	if len(with) > 0 {
		more, err := r.src.Between(ctx, with, first, last.Add(around), maxAround)
		if err != nil {
			return nil, nil, err
		}
		more = slices.DeleteFunc(more, func(x archive.Ref) bool { return of[x] })
		beside, err := r.src.Records(ctx, more)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, beside...)
	}
	ids := map[archive.Ref]int64{}
	err = r.w.catalog(func(c *catalog.Catalog) error {
		for x := range of {
			b, err := c.Blob(x)
			if err != nil {
				return err
			}
			ids[x] = b.ID
			blobs = append(blobs, b.ID)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, o := range trail.WaitingIn(records, of, r.people) {
		items = append(items, catalog.OpenItem{Statement: o.Statement, Blob: ids[o.Ref], Type: string(o.Type), Client: o.Client, Due: o.Due, Date: o.Date})
	}
	return blobs, items, nil
}

// counterparts lists everybody but us who takes part in records, all addresses of
// a client together, and the time they span.
func (r *run) counterparts(records []*trail.Record) (with []string, first, last time.Time) {
	put := func(a string) {
		if a = strings.ToLower(a); a != "" && !slices.Contains(with, a) && len(with) < 50 {
			with = append(with, a)
		}
	}
	for _, rec := range records {
		if first.IsZero() || rec.Date.Before(first) {
			first = rec.Date
		}
		if rec.Date.After(last) {
			last = rec.Date
		}
		for _, list := range [][]message.Address{rec.From, rec.To, rec.Cc} {
			for _, a := range list {
				role, party := r.people.Role(a.Address)
				if role == trail.Us {
					continue
				}
				put(a.Address)
				for _, c := range r.people.Clients {
					if role == trail.Client && c.Name == party {
						for _, x := range c.Addresses {
							put(x)
						}
					}
				}
			}
		}
	}
	return with, first, last
}
