package indexer

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"inwriting/indexer/archive"
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

// record brings the catalog up to end in the archive and to the end of the
// ledger: blobs are those the archive has taken since, the entries are read from
// the ledger.
func (v *Vault) record(blobs []archive.Entry, end archive.End) error {
	_, from, err := v.catalog.Position()
	if err != nil {
		return err
	}
	var entries []ledger.Entry
	first := from
	flush := func() error {
		err := v.catalog.Commit(end, blobs, first, entries)
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

// committer gathers messages and facts into groups and commits them in order.
// While one group fills, the one before goes into the archive and the one before
// that into ledger and catalog; each group takes its own three steps in turn.
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

// join returns the committer that all passes under way share, so that accounts are
// collected side by side while groups stay in one order. The caller calls leave.
func (v *Vault) join() (*committer, error) {
	v.joining.Lock()
	defer v.joining.Unlock()
	for v.joined > 0 && v.waiting.Load() > 0 {
		v.ended.Wait() // or passes that overlap would keep the vault for ever
	}
	if v.joined == 0 {
		v.write.Lock()
		v.stores.RLock()
		closed := v.catalog == nil
		v.stores.RUnlock()
		if closed {
			v.write.Unlock()
			return nil, errClosed
		}
		v.joint = v.newCommitter()
	}
	v.joined++
	return v.joint, nil
}

// leave flushes, and after the last pass ends the committer. Its error is that of
// any group: after one, nothing is written.
func (v *Vault) leave(c *committer) error {
	err := c.flush()
	v.joining.Lock()
	defer v.joining.Unlock()
	if v.joined--; v.joined == 0 {
		err = errors.Join(err, c.close())
		v.joint = nil
		v.write.Unlock()
		v.ended.Broadcast()
	}
	return err
}

// alone waits for the passes under way and keeps others from writing until the
// returned function is called.
func (v *Vault) alone() func() {
	v.waiting.Add(1)
	v.write.Lock() // there are no passes when it is got
	v.waiting.Add(-1)
	return v.write.Unlock
}

type group struct {
	blobs []*archive.Blob
	facts []ledger.Fact
	ack   chan error // nil unless somebody waits

	entries []archive.Entry // of the blobs, once the archive has them
	end     archive.End     // behind them
}

// newCommitter starts a committer; v.write is held until close returns.
func (v *Vault) newCommitter() *committer {
	c := &committer{v: v, groups: make(chan group), done: make(chan struct{})}
	archived := make(chan group)
	go c.store(archived)
	go c.name(archived)
	return c
}

// store is step 1.
func (c *committer) store(out chan<- group) {
	defer close(out)
	end := c.v.archive.End()
	// What the archive has and the catalog perhaps not yet: the group before. The
	// one before that was recorded, or name would not have taken its successor.
	var recent map[archive.Ref]bool
	for g := range c.groups {
		if c.failed() == nil {
			fresh, err := c.fresh(g.blobs, recent)
			recent = make(map[archive.Ref]bool, len(fresh))
			if err == nil && len(fresh) > 0 {
				var places []archive.Place
				if places, err = c.v.archive.Append(fresh); err == nil {
					for i, b := range fresh {
						recent[b.Ref()] = true
						g.entries = append(g.entries, archive.Entry{Ref: b.Ref(), Size: b.Size(), Place: places[i]})
					}
					end = archive.EndOf(places[len(places)-1])
				}
			}
			c.fail(err)
		}
		for _, b := range g.blobs {
			b.Discard()
		}
		g.blobs, g.end = nil, end
		out <- g
	}
}

// fresh returns those of blobs that the vault does not have, each once.
func (c *committer) fresh(blobs []*archive.Blob, recent map[archive.Ref]bool) ([]*archive.Blob, error) {
	refs := make([]archive.Ref, len(blobs))
	for i, b := range blobs {
		refs[i] = b.Ref()
	}
	have, err := c.v.catalog.Have(refs)
	if err != nil {
		return nil, err
	}
	out := make([]*archive.Blob, 0, len(blobs))
	for _, b := range blobs {
		if ref := b.Ref(); !have[ref] && !recent[ref] {
			have[ref] = true
			out = append(out, b)
		}
	}
	return out, nil
}

// name is steps 2 and 3.
func (c *committer) name(in <-chan group) {
	defer close(c.done)
	for g := range in {
		err := c.failed()
		if err == nil && len(g.facts) > 0 {
			if _, err = c.v.ledger.Append(g.facts); err == nil {
				err = c.v.record(g.entries, g.end)
			}
			c.fail(err)
		}
		if g.ack != nil {
			g.ack <- err
		}
	}
}

func (c *committer) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail keeps the first error: nothing is written after it.
func (c *committer) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// add takes over blob (nil for a fact alone) and the fact that names it. It
// blocks while the groups before are on their way.
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

// send hands the gathered group to store. mu is not held while it waits, so that
// add can go on filling the next one.
func (c *committer) send(ack chan error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	g := group{blobs: c.blobs, facts: c.facts, ack: ack}
	c.blobs, c.facts, c.bytes = nil, nil, 0
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.mu.Unlock()
	if len(g.facts) > 0 || ack != nil {
		c.groups <- g // every group is taken, also after an error
	}
}

// flush returns when everything added is durable in archive, ledger and catalog.
func (c *committer) flush() error {
	ack := make(chan error, 1)
	c.send(ack)
	return <-ack
}

// close flushes and stops the goroutines.
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
	c, err := v.join()
	if err != nil {
		return err
	}
	err = c.add(nil, fact)
	return errors.Join(err, v.leave(c))
}
