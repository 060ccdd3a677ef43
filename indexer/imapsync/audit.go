package imapsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// item is a message to fetch.
type item struct {
	uid   uint32
	size  int64
	date  time.Time
	flags []string
}

// describe brings the rows up to date with what the server says about the UIDs
// and returns what is to be fetched: queue in batches, again one by one.
//
// New UIDs get their rows here, before anything is fetched. Of the known ones
// all are compared once in AuditEvery, and in every pass when the server has
// no HIGHESTMODSEQ to tell that nothing changed; else the last ones, and those
// the server says have changed.
func (p *pass) describe(ctx context.Context, r *folderRun, f Folder, uids []uint32, st status, last CleanState, wasClean bool) (queue, again []item, err error) {
	full := !r.audited && (!wasClean || last.UIDValidity != st.uidValidity || st.uidNext == 0 ||
		st.modSeq == 0 || last.HighestModSeq == 0 || p.auditDue(last))
	var changed map[uint32]bool
	if wasClean && !full && !r.audited && st.modSeq != last.HighestModSeq && len(r.known) > 0 && len(uids) > 0 {
		// RFC 7162 section 3.1.4.1. The list is short, its UIDs are then
		// described like the new ones.
		changed = map[uint32]bool{}
		err := p.s.describe("1:*", last.HighestModSeq, func(m ListedMessage) { changed[m.UID] = true })
		var no *refusal
		if errors.As(err, &no) {
			full, err = true, nil
		}
		if err != nil {
			return nil, nil, p.folderErr(r, "asking what changed in", "", err)
		}
	}
	r.res.Held = 0
	recent := len(r.known) - recentUIDs
	var chunk []uint32
	var ranges []uidRange
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		got := r.pre
		var err error
		if got == nil {
			got = make(map[uint32]ListedMessage, len(chunk))
			err = p.s.describe(setText(ranges), 0, func(m ListedMessage) { got[m.UID] = m })
		}
		if err != nil {
			var no *refusal
			if !errors.As(err, &no) || busy(no.c) {
				return p.folderErr(r, "reading the messages' sizes and dates in", "", err)
			}
			// One bad message may spoil the answer for all; what came counts,
			// and the rest gets a row without size and date.
			p.event(EventRefetch, r.info.Name, "FETCH of sizes and dates: "+no.Error())
		}
		q, a, err := p.compare(ctx, r, f, chunk, got)
		queue, again = append(queue, q...), append(again, a...)
		chunk, ranges = chunk[:0], ranges[:0]
		return err
	}
	adjacent := false // the UID before this one on the server is in the chunk
	for _, u := range uids {
		k := r.row(u)
		want := k == nil || full || changed[u] || (recent <= 0 || u >= r.known[max(recent, 0)].uid)
		if !want {
			adjacent = false
			it := item{uid: u, size: k.size}
			it.fill(k)
			switch {
			case r.gaveUp[u]:
			case k.state == Listed:
				queue = append(queue, it)
			case k.state == Quarantined && k.due:
				again = append(again, it)
			case k.state == Quarantined:
				r.res.Held++
			}
			continue
		}
		if len(chunk) >= chunkUIDs || len(ranges)*22 >= setOctets {
			if err := flush(); err != nil {
				return nil, nil, err
			}
			adjacent = false
		}
		chunk = append(chunk, u)
		if adjacent {
			ranges[len(ranges)-1].hi = u
		} else {
			ranges = append(ranges, uidRange{u, u})
		}
		adjacent = true
	}
	if err := flush(); err != nil {
		return nil, nil, err
	}
	r.pre = nil // the next enumeration is a new one
	r.audited = r.audited || full
	slices.SortFunc(queue, func(a, b item) int { return int(int64(a.uid) - int64(b.uid)) })
	return queue, again, nil
}

// fill takes date and flags from a row, for a message that comes without.
func (it *item) fill(k *row) {
	if k.date != noDate {
		it.date = time.Unix(k.date, 0).UTC()
	}
	it.flags = strings.Fields(k.flags)
}

// compare works out one chunk of described UIDs.
func (p *pass) compare(ctx context.Context, r *folderRun, f Folder, chunk []uint32, got map[uint32]ListedMessage) (queue, again []item, err error) {
	var list []ListedMessage
	var flags []FlagChange
	for _, u := range chunk {
		m, ok := got[u]
		k := r.row(u)
		if k == nil {
			if !ok {
				m = ListedMessage{UID: u}
			}
			list = append(list, m)
			queue = append(queue, item{u, m.Size, m.InternalDate, m.Flags})
			continue
		}
		it := item{uid: u, size: k.size}
		it.fill(k)
		if ok {
			it = item{u, m.Size, m.InternalDate, m.Flags}
			if another(k, m) {
				// The UID was used again: not allowed, and Courier does it.
				list = append(list, m)
				queue = append(queue, it)
				if k.state != Listed {
					r.res.Reused++
					p.event(EventReused, r.info.Name, fmt.Sprintf("UID %d: size %d → %d", u, k.size, m.Size))
				}
				continue
			}
		}
		switch {
		case r.gaveUp[u]:
		case k.state == Listed:
			queue = append(queue, it)
		case k.state == Quarantined && k.due:
			again = append(again, it)
		case k.state == Quarantined:
			r.res.Held++
		case k.state == Stored && ok && flagKey(m.Flags) != k.flags:
			flags = append(flags, FlagChange{u, m.Flags})
		}
	}
	if len(list) > 0 {
		if err := f.List(ctx, list); err != nil {
			return nil, nil, p.storing("listing messages of "+quoted(r), err)
		}
		p.moved += len(list)
	}
	if len(flags) > 0 {
		if err := f.Flags(ctx, flags); err != nil {
			return nil, nil, p.storing("recording flags of "+quoted(r), err)
		}
		r.res.Flags += len(flags)
	}
	return queue, again, nil
}

// another reports whether the server describes a message other than the one in
// the row. What either side does not know is no difference.
func another(k *row, m ListedMessage) bool {
	date := seconds(m.InternalDate)
	return k.size != 0 && m.Size != 0 && k.size != m.Size || k.date != noDate && date != noDate && k.date != date
}
