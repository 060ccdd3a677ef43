package imapsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	batchUIDs    = 1000
	batchOctets  = 16 << 20
	aloneOctets  = 4 << 20  // a message above this is fetched alone
	rawOctets    = 16 << 20 // of a message that is read without go-imap: it is in memory as a whole
	killsAlone   = 3        // connections a UID may end before it is quarantined
	killedInRow  = 3        // such UIDs, with no message given between, before the folder is left
	singles      = 8        // messages missing from a batch that are asked for one by one; more, in smaller batches
	refusedInRow = 20       // refused messages, none given, before the folder is left
)

// manner is how a message is asked for.
type manner int

const (
	inFull manner = iota // with its FLAGS, INTERNALDATE and RFC822.SIZE
	bare                 // only with its UID: nothing else can spoil the response
	byHand               // the same, read without go-imap, which drops what it did not expect
)

// manner is how a message is asked for next that ended the connection before.
func (r *folderRun) manner(uid uint32) manner { return manner(min(r.kills[uid], int(byHand))) }

// download is the fetching of a folder's messages.
type download struct {
	*pass
	r      *folderRun
	f      Folder
	total  int
	wanted map[uint32]item   // of the command in flight: what has not come
	why    map[uint32]string // a message did not come
}

// download fetches queue in batches and again one by one. It returns how many
// were not obtained and not quarantined.
func (p *pass) download(ctx context.Context, r *folderRun, f Folder, queue, again []item) (left int, err error) {
	d := &download{p, r, f, r.given + len(queue) + len(again), make(map[uint32]item, batchUIDs), map[uint32]string{}}
	r.res.Asked = d.total
	d.progress()
	if len(queue)+len(again) > 0 && p.opt.MarksSeen && !p.account.AllowNotReadOnly {
		return len(queue) + len(again), p.marksSeen(r)
	}
	if queue, err = d.refuseLarge(ctx, queue); err != nil {
		return len(queue) + len(again), err
	}
	if again, err = d.refuseLarge(ctx, again); err != nil {
		return len(queue) + len(again), err
	}
	missing, left, err := d.batches(ctx, queue)
	if err != nil {
		return left + len(again), err
	}
	failed, left, err := d.singly(ctx, slices.Concat(again, missing))
	if err != nil || len(failed) == 0 {
		return left, err
	}
	return d.judge(ctx, failed)
}

func (d *download) progress() {
	d.opt.Progress(Progress{d.account.Address, d.r.info.Display, d.r.given, d.total, d.result.Bytes})
}

// refuseLarge quarantines what is over the limit and returns the rest.
func (d *download) refuseLarge(ctx context.Context, items []item) ([]item, error) {
	tooLarge := func(it item) bool { return it.size > d.opt.MaxMessage }
	for _, it := range items {
		if tooLarge(it) {
			if err := d.quarantine(ctx, d.r, d.f, it.uid, fmt.Sprintf("%d octets are over the limit of %d", it.size, d.opt.MaxMessage)); err != nil {
				return items, err
			}
		}
	}
	return slices.DeleteFunc(items, tooLarge), nil
}

// batches fetches queue and returns what did not come with its batch.
func (d *download) batches(ctx context.Context, queue []item) (missing []item, left int, err error) {
	for len(queue) > 0 {
		if err := d.withinBudget(d.r); err != nil {
			return nil, len(queue) + len(missing), err
		}
		batch := queue[:batchLen(queue, d.r.limit)]
		look := d.lookAtSeen(queue, len(batch))
		if look != nil {
			batch = queue[:look.end]
		}
		how := inFull
		if len(batch) == 1 {
			how = d.r.manner(batch[0].uid)
		}
		no, err := d.get(ctx, batch, how)
		if err != nil {
			return nil, len(queue) - len(batch) + len(d.wanted) + len(missing), err
		}
		if no != nil && no.c.status == "BAD" && len(d.wanted) == len(batch) && !d.s.bare {
			// IONOS and its kin take only some items; the message is what counts.
			d.s.bare = true
			continue
		}
		if look != nil {
			if err := d.seenBy(look); err != nil {
				return nil, len(queue) - len(batch) + len(d.wanted) + len(missing), err
			}
		}
		d.r.limit = min(d.r.limit*2, batchUIDs)
		queue = queue[len(batch):]
		if len(d.wanted) == 0 {
			continue
		}
		rest := d.notCome(batch, no)
		if len(rest) > singles {
			// One message may have spoilt the answer for many (Gmail).
			d.r.limit = len(rest) / singles
			queue = slices.Concat(rest, queue)
		} else {
			missing = append(missing, rest...)
		}
	}
	return missing, 0, nil
}

// notCome returns the items of a batch that are still wanted.
func (d *download) notCome(batch []item, no *refusal) (rest []item) {
	why := "OK"
	if no != nil {
		why = no.Error()
	}
	d.event(EventRefetch, d.r.info.Name, fmt.Sprintf("%d of %d messages did not come: %s", len(d.wanted), len(batch), why))
	for _, it := range batch {
		if _, ok := d.wanted[it.uid]; ok {
			rest = append(rest, it)
		}
	}
	return rest
}

// singly asks for messages one by one, each in every manner until it comes, and
// returns the UIDs of those that did not.
func (d *download) singly(ctx context.Context, again []item) (failed []uint32, left int, err error) {
	for i := range again {
		if err := d.withinBudget(d.r); err != nil {
			return nil, len(failed) + len(again) - i, err
		}
		it := again[i]
		var no *refusal
		d.wanted = map[uint32]item{it.uid: it}
		first := d.r.manner(it.uid)
		for how := first; how <= byHand && len(d.wanted) > 0; how++ {
			if d.s.g.hasVanished(it.uid) {
				break // so the server says; judge asks it for the list
			}
			if how == byHand && how > first && (no != nil || it.size > rawOctets) {
				break // refused by name, or too large to be held
			}
			if no, err = d.get(ctx, again[i:i+1], how); err != nil {
				return nil, len(failed) + len(again) - i, err
			}
		}
		if len(d.wanted) == 0 {
			continue
		}
		failed = append(failed, it.uid)
		d.why[it.uid] = "the server says OK and does not send the message"
		if no != nil {
			d.why[it.uid] = no.Error()
		}
		if d.r.given == 0 && len(failed) >= refusedInRow {
			return nil, len(failed) + len(again) - i - 1, d.err(ErrFolder, "fetching messages of "+quoted(d.r),
				fmt.Errorf("none of %d was given: %s", len(failed), d.why[it.uid]), "it is tried again in the next pass")
		}
	}
	return failed, 0, nil
}

// judge lists the folder again: what failed is gone in the meantime, which the next
// pass sees, or there and not to be had.
func (d *download) judge(ctx context.Context, failed []uint32) (left int, err error) {
	if err := d.s.noop(); err != nil {
		return len(failed), d.folderErr(d.r, "listing the messages of", "", err)
	}
	uids, agreed, err := d.enumerate(d.r)
	if err != nil {
		return len(failed), err
	}
	for _, u := range failed {
		if _, on := slices.BinarySearch(uids, u); !on && agreed {
			left++
			continue
		}
		if err := d.quarantine(ctx, d.r, d.f, u, d.why[u]); err != nil {
			return left, err
		}
	}
	return left, nil
}

// get asks for a batch; what is still in wanted afterwards did not come. byHand is
// for a batch of one.
func (d *download) get(ctx context.Context, batch []item, how manner) (*refusal, error) {
	clear(d.wanted)
	uids := make([]uint32, len(batch))
	for i, it := range batch {
		uids[i], d.wanted[it.uid] = it.uid, it
	}
	accept := func(m delivery) error { return d.accept(ctx, m) }
	var err error
	if how == byHand && batch[0].size <= rawOctets {
		err = d.getByHand(batch[0], accept)
	} else {
		err = d.s.fetch(uids, d.s.bare || how != inFull, d.stage, accept)
	}
	d.report(d.s)
	var no *refusal
	var se stageError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &no):
		if busy(no.c) {
			return nil, d.folderErr(d.r, "fetching messages of", "", err)
		}
		return no, nil
	case errors.As(err, &se):
		return nil, d.storing("taking in a message of "+quoted(d.r), se.error)
	case errors.Is(err, ErrStore) || ctx.Err() != nil:
		return nil, err
	}
	return nil, d.broke(ctx, batch, err)
}

// getByHand asks for one message without go-imap, which drops one whose UID comes
// after its octets or not at all.
func (d *download) getByHand(it item, accept func(delivery) error) error {
	body, ok, err := d.s.fetchRaw(it)
	if err != nil || !ok {
		return err
	}
	blob, err := d.stage.Read(bytes.NewReader(body))
	if err != nil {
		return stageError{err}
	}
	return accept(delivery{uid: it.uid, blob: blob, size: -1})
}

// broke is what is done about a FETCH that lost the connection. Small batches find
// the message that does it, if it is one.
func (d *download) broke(ctx context.Context, batch []item, err error) error {
	d.r.limit = 1
	if len(batch) == 1 && len(d.wanted) == 1 && !errors.Is(err, errDrips) {
		u := batch[0].uid
		d.r.kills[u]++
		if d.r.kills[u] >= killsAlone {
			bye := d.s.g.farewell()
			why := err.Error()
			if bye != "" {
				why += ": " + bye
			}
			if qerr := d.quarantine(ctx, d.r, d.f, u, why); qerr != nil {
				return qerr
			}
			delete(d.wanted, u)
			if d.r.killed++; d.r.killed >= killedInRow {
				// It is not the messages. The rest stays listed.
				return &Error{Kind: ErrFolder, Account: d.account.Address, Doing: "fetching messages of " + quoted(d.r), Server: bye,
					Err: fmt.Errorf("the connection ends at every message: %w", err), Hint: "it is tried again in the next pass"}
			}
		}
	}
	return d.folderErr(d.r, "fetching messages of", "", err)
}

// accept takes one complete message, if it is wanted.
func (d *download) accept(ctx context.Context, m delivery) error {
	it, ok := d.wanted[m.uid]
	announced := m.size
	if announced < 0 {
		announced = it.size
	}
	if !ok || m.blob.Size() == 0 && announced != 0 || vanished(m.blob, it.size) {
		m.blob.Discard() // not asked for, or a stand-in for a message
		return nil
	}
	delete(d.wanted, m.uid)
	if m.blob.Size() != announced && announced != 0 {
		d.r.differ++
	}
	a := Accepted{UID: m.uid, Blob: m.blob, InternalDate: m.internalDate, Flags: m.flags, SizeAnnounced: announced}
	if a.InternalDate.IsZero() {
		a.InternalDate = it.date
	}
	if !m.hasFlags {
		a.Flags = it.flags
	}
	size := m.blob.Size()
	if a.StandIn = standIn(m.blob); a.StandIn {
		d.r.res.Quarantined++
		d.event(EventStandIn, d.r.info.Name, fmt.Sprintf("UID %d", m.uid))
	}
	if err := d.f.Accept(ctx, a); err != nil {
		return d.storing("storing messages of "+quoted(d.r), err)
	}
	d.moved++
	d.r.given++
	d.r.killed = 0
	d.r.res.New++
	d.r.res.Bytes += size
	d.result.Bytes += size
	d.progress()
	return nil
}

// withinBudget is an error of kind ErrBusy when the pass may fetch no more. What
// was not fetched stays listed.
func (p *pass) withinBudget(r *folderRun) error {
	if p.opt.Budget == 0 || p.result.Bytes < p.opt.Budget {
		return nil
	}
	now := p.opt.Now().UTC()
	return &Error{Kind: ErrBusy, Account: p.account.Address, Doing: "fetching messages of " + quoted(r),
		Err: errors.New("the octets that may be fetched in a day are used up"), Wait: now.Truncate(24 * time.Hour).Add(24*time.Hour + time.Minute).Sub(now),
		Hint: "it goes on tomorrow where it stopped"}
}

// batchLen is how many of the first items go into one FETCH.
func batchLen(queue []item, limit int) int {
	var octets int64
	span := 0
	for i, it := range queue {
		octets += it.size
		if i == 0 || queue[i-1].uid+1 != it.uid {
			span += 22 // of the command line, at worst: a range
		}
		if i > 0 && (i >= limit || octets > batchOctets || it.size > aloneOctets || queue[0].size > aloneOctets || span > setOctets) {
			return i
		}
	}
	return len(queue)
}
