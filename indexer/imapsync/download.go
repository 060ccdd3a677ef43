package imapsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// download fetches queue in batches and again one by one. It returns how many
// were not obtained and not quarantined.
func (p *pass) download(ctx context.Context, r *folderRun, f Folder, queue, again []item) (left int, err error) {
	total := r.given + len(queue) + len(again)
	r.res.Asked = total
	wanted := make(map[uint32]item, batchUIDs)
	accept := func(d delivery) error {
		it, ok := wanted[d.uid]
		announced := d.size
		if announced < 0 {
			announced = it.size
		}
		if !ok || d.blob.Size() == 0 && announced != 0 {
			d.blob.Discard() // not asked for, or an empty stand-in for a message
			return nil
		}
		delete(wanted, d.uid)
		if d.blob.Size() != announced && announced != 0 {
			r.differ++
		}
		m := Accepted{UID: d.uid, Blob: d.blob, InternalDate: d.internalDate, Flags: d.flags, SizeAnnounced: announced}
		if m.InternalDate.IsZero() {
			m.InternalDate = it.date
		}
		if !d.hasFlags {
			m.Flags = it.flags
		}
		size := d.blob.Size()
		if m.StandIn = standIn(d.blob); m.StandIn {
			r.res.Quarantined++
			p.event(EventStandIn, r.info.Name, fmt.Sprintf("UID %d", d.uid))
		}
		if err := f.Accept(ctx, m); err != nil {
			return p.storing("storing messages of "+quoted(r), err)
		}
		p.moved++
		r.given++
		r.killed = 0
		r.res.New++
		r.res.Bytes += size
		p.result.Bytes += size
		p.opt.Progress(Progress{p.account.Address, r.info.Display, r.given, total, p.result.Bytes})
		return nil
	}
	// get fetches one batch; what is still in wanted afterwards did not come.
	get := func(batch []item, bare bool) (*refusal, error) {
		clear(wanted)
		uids := make([]uint32, len(batch))
		for i, it := range batch {
			uids[i], wanted[it.uid] = it.uid, it
		}
		err := p.s.fetch(uids, bare, p.stage, accept)
		p.report(p.s)
		var no *refusal
		var se stageError
		switch {
		case err == nil:
			return nil, nil
		case errors.As(err, &no):
			if busy(no.c) {
				return nil, p.folderErr(r, "fetching messages of", "", err)
			}
			return no, nil
		case errors.As(err, &se):
			return nil, p.storing("taking in a message of "+quoted(r), se.error)
		case errors.Is(err, ErrStore) || ctx.Err() != nil:
			return nil, err
		}
		// The connection broke. Small batches find the message that does it.
		r.limit = 1
		if len(batch) == 1 && len(wanted) == 1 {
			u := batch[0].uid
			r.kills[u]++
			if r.kills[u] >= killsAlone {
				if qerr := p.quarantine(ctx, r, f, u, err.Error()); qerr != nil {
					return nil, qerr
				}
				delete(wanted, u)
				if r.killed++; r.killed >= killedInRow {
					// It is not the messages. The rest stays listed.
					return nil, p.err(ErrFolder, "fetching messages of "+quoted(r),
						fmt.Errorf("the connection ends at every message: %w", err), "it is tried again in the next pass")
				}
			}
		}
		return nil, p.folderErr(r, "fetching messages of", "", err)
	}

	p.opt.Progress(Progress{p.account.Address, r.info.Display, r.given, total, p.result.Bytes})
	tooLarge := func(it item) bool { return it.size > p.opt.MaxMessage }
	for _, it := range slices.Concat(queue, again) {
		if tooLarge(it) {
			if err := p.quarantine(ctx, r, f, it.uid, fmt.Sprintf("%d octets are over the limit of %d", it.size, p.opt.MaxMessage)); err != nil {
				return len(queue) + len(again), err
			}
		}
	}
	queue = slices.DeleteFunc(queue, tooLarge)
	again = slices.DeleteFunc(again, tooLarge)
	for len(queue) > 0 {
		if err := p.withinBudget(r); err != nil {
			return len(queue) + len(again), err
		}
		batch := queue[:batchLen(queue, r.limit)]
		no, err := get(batch, p.s.bare)
		if err != nil {
			return len(queue) - len(batch) + len(wanted) + len(again), err
		}
		if no != nil && no.c.status == "BAD" && len(wanted) == len(batch) && !p.s.bare {
			// IONOS and its kin take only some items; the message is what counts.
			p.s.bare = true
			continue
		}
		r.limit = min(r.limit*2, batchUIDs)
		queue = queue[len(batch):]
		if len(wanted) > 0 {
			why := "OK"
			if no != nil {
				why = no.Error()
			}
			p.event(EventRefetch, r.info.Name, fmt.Sprintf("%d of %d messages did not come: %s", len(wanted), len(batch), why))
			var missing []item
			for _, it := range batch {
				if _, ok := wanted[it.uid]; ok {
					missing = append(missing, it)
				}
			}
			if len(missing) > singles {
				// One message may have spoilt the answer for many (Gmail).
				r.limit = len(missing) / singles
				queue = slices.Concat(missing, queue)
			} else {
				again = append(again, missing...)
			}
		}
	}

	var failed []uint32
	why := map[uint32]string{}
	for i, it := range again {
		if err := p.withinBudget(r); err != nil {
			return len(failed) + len(again) - i, err
		}
		var no *refusal
		for try := range 2 {
			if no, err = get(again[i:i+1], p.s.bare || try == 1); err != nil {
				return len(failed) + len(again) - i, err
			}
			if len(wanted) == 0 {
				break
			}
		}
		if len(wanted) > 0 && no == nil && it.size <= rawOctets {
			// It may have come in a way that go-imap does not see.
			if err = p.getRaw(it, r, accept); err != nil {
				return len(failed) + len(again) - i, err
			}
		}
		if len(wanted) == 0 {
			continue
		}
		failed = append(failed, it.uid)
		why[it.uid] = "the server says OK and does not send the message"
		if no != nil {
			why[it.uid] = no.Error()
		}
		if r.given == 0 && len(failed) >= refusedInRow {
			return len(failed) + len(again) - i - 1, p.err(ErrFolder, "fetching messages of "+quoted(r),
				fmt.Errorf("none of %d was given: %s", len(failed), why[it.uid]), "it is tried again in the next pass")
		}
	}
	if len(failed) == 0 {
		return 0, nil
	}
	// Gone in the meantime, or there and not to be had.
	if err := p.s.noop(); err != nil {
		return len(failed), p.folderErr(r, "listing the messages of", "", err)
	}
	uids, agreed, err := p.enumerate(r)
	if err != nil {
		return len(failed), err
	}
	for _, u := range failed {
		if _, on := slices.BinarySearch(uids, u); !on && agreed {
			left++
			continue
		}
		if err := p.quarantine(ctx, r, f, u, why[u]); err != nil {
			return left, err
		}
	}
	return left, nil
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

// rawOctets is the greatest message that is read without go-imap: it is in memory
// as a whole.
const rawOctets = 16 << 20

// getRaw asks for one message without go-imap, which drops one whose UID comes
// after its octets or not at all. If it comes, it is accepted.
func (p *pass) getRaw(it item, r *folderRun, accept func(delivery) error) error {
	body, ok, err := p.s.fetchRaw(it)
	var no *refusal
	if errors.As(err, &no) && !busy(no.c) {
		return nil
	}
	if err != nil {
		return p.folderErr(r, "fetching messages of", "", err)
	}
	if !ok {
		return nil
	}
	blob, err := p.stage.Read(bytes.NewReader(body))
	if err != nil {
		return p.storing("taking in a message of "+quoted(r), err)
	}
	return accept(delivery{uid: it.uid, blob: blob, size: -1})
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
