package indexer

import (
	"fmt"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
)

// The order of a group commit, and why:
//
//  1. the archive appends the new messages and fsyncs;
//  2. the ledger appends the entries that name them and fsyncs;
//  3. one catalog transaction records both and moves its cursors.
//
// Each step only names what the step before made durable. A crash after 1 leaves
// messages that nothing names: adopted at the next start, and found by hash when
// they are fetched again. A crash after 2 leaves entries that the catalog lacks:
// record reads them from the ledger's file, as it does on every commit, so start-up
// is not another way of writing but the same one. Only after 3 is a message
// "stored". A failed write or fsync stops the vault's writing for good: what the
// kernel dropped is not asked for again.

// One group: whatever comes first.
const (
	groupMessages = 500
	groupBytes    = 16 << 20 // two groups are in memory at once: one filling, one being written
	groupTime     = 2 * time.Second
)

// record brings the catalog up to the end of archive and ledger: blobs are those
// the archive has taken since, the entries are read from the ledger.
func (v *Vault) record(blobs []archive.Entry) error {
	_, from, err := v.catalog.Position()
	if err != nil {
		return err
	}
	var entries []ledger.Entry
	first := from
	flush := func() error {
		err := v.catalog.Commit(v.archive.End(), blobs, first, entries)
		first += int64(len(entries))
		blobs, entries = nil, entries[:0]
		return err
	}
	err = v.ledger.Entries(from, func(index int64, line []byte) error {
		e, err := ledger.Decode(line)
		if err != nil {
			return fmt.Errorf("ledger entry %d: %w", index, err)
		}
		if entries = append(entries, e); len(entries) == 10000 { // a whole ledger need not fit in memory
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// commit writes one group. v.write is held.
func (v *Vault) commit(blobs []*archive.Blob, facts []ledger.Fact) error {
	fresh := make([]*archive.Blob, 0, len(blobs))
	seen := make(map[archive.Ref]bool, len(blobs))
	for _, b := range blobs {
		if seen[b.Ref()] {
			continue
		}
		seen[b.Ref()] = true
		_, err := v.catalog.Blob(b.Ref())
		if err == nil {
			continue
		}
		if err != catalog.ErrNotFound {
			return err
		}
		fresh = append(fresh, b)
	}
	var entries []archive.Entry
	if len(fresh) > 0 {
		places, err := v.archive.Append(fresh)
		if err != nil {
			return err
		}
		for i, b := range fresh {
			entries = append(entries, archive.Entry{Ref: b.Ref(), Size: b.Size(), Place: places[i]})
		}
	}
	if _, err := v.ledger.Append(facts); err != nil {
		return err
	}
	return v.record(entries)
}

// committer gathers messages and facts into groups and commits them in order, one
// behind: while a group is written the next one fills.
type committer struct {
	v *Vault

	sending sync.Mutex // held from taking a group to handing it over: groups stay in order

	mu    sync.Mutex
	blobs []*archive.Blob
	facts []ledger.Fact
	bytes int64
	timer *time.Timer
	err   error // sticky

	groups chan group
	done   chan struct{}
}

type group struct {
	blobs []*archive.Blob
	facts []ledger.Fact
	ack   chan error // nil unless somebody waits
}

// newCommitter starts a committer; the caller holds v.write until close returns.
func (v *Vault) newCommitter() *committer {
	c := &committer{v: v, groups: make(chan group), done: make(chan struct{})}
	go c.run()
	return c
}

func (c *committer) run() {
	defer close(c.done)
	for g := range c.groups {
		c.mu.Lock()
		err := c.err
		c.mu.Unlock()
		if err == nil && len(g.facts) > 0 {
			if err = c.v.commit(g.blobs, g.facts); err != nil {
				c.mu.Lock()
				c.err = err
				c.mu.Unlock()
			}
		}
		for _, b := range g.blobs {
			b.Discard()
		}
		if g.ack != nil {
			g.ack <- err
		}
	}
}

// add takes over blob (nil for a fact alone) and the fact that names it. It
// blocks while two groups are full.
func (c *committer) add(blob *archive.Blob, fact ledger.Fact) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		if blob != nil {
			blob.Discard()
		}
		return c.err
	}
	if blob != nil {
		c.blobs = append(c.blobs, blob)
		if b, ok := blob.Bytes(); ok {
			c.bytes += int64(len(b))
		} else {
			c.bytes += blob.Size() / 8 // on disk: what counts is the time it takes
		}
	}
	c.facts = append(c.facts, fact)
	if c.timer == nil {
		c.timer = time.AfterFunc(groupTime, func() { c.send(nil) })
	}
	full := len(c.facts) >= groupMessages || c.bytes >= groupBytes
	c.mu.Unlock()
	if full {
		c.send(nil)
	}
	return nil
}

// send hands the gathered group to run. mu is not held while it waits, so that
// add can go on filling the next one.
func (c *committer) send(ack chan error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	g := group{c.blobs, c.facts, ack}
	c.blobs, c.facts, c.bytes = nil, nil, 0
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.mu.Unlock()
	if len(g.facts) > 0 || ack != nil {
		c.groups <- g // run takes every group, also after an error
	}
}

// flush returns when everything added is durable in archive, ledger and catalog.
func (c *committer) flush() error {
	ack := make(chan error, 1)
	c.send(ack)
	return <-ack
}

// close flushes and stops the goroutine.
func (c *committer) close() error {
	err := c.flush()
	c.mu.Lock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	close(c.groups)
	<-c.done
	return err
}

// Note appends one fact to the ledger, durable on return.
func (v *Vault) Note(fact ledger.Fact) error {
	v.write.Lock()
	defer v.write.Unlock()
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return errClosed
	}
	return v.commit(nil, []ledger.Fact{fact})
}
