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
	uid    uint32
	size   int64
	date   time.Time
	flags  []string
	object string // Object.ID
}

// fill takes date and flags from a row, for a message that comes without.
func (it *item) fill(k *row) {
	if k.date != noDate {
		it.date = time.Unix(k.date, 0).UTC()
	}
	it.flags = strings.Fields(k.flags)
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
	a := &audit{pass: p, r: r, f: f}
	recent := len(r.known) - recentUIDs
	for _, u := range uids {
		k := r.row(u)
		if k == nil || full || changed[u] || recent <= 0 || u >= r.known[recent].uid {
			err = a.ask(ctx, u)
		} else {
			a.adjacent = false
			it := item{uid: u, size: k.size}
			it.fill(k)
			a.sort(k, it)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if err := a.flush(ctx); err != nil {
		return nil, nil, err
	}
	r.pre = nil // the next enumeration is a new one
	r.audited = r.audited || full
	slices.SortFunc(a.queue, func(a, b item) int { return int(int64(a.uid) - int64(b.uid)) })
	return a.queue, a.again, nil
}

// audit is the comparing of a folder's rows with what the server says.
type audit struct {
	*pass
	r            *folderRun
	f            Folder
	queue, again []item

	chunk    []uint32 // to be asked for
	ranges   []uidRange
	adjacent bool // the UID before this one on the server is in the chunk
}

// ask has a UID described with others.
func (a *audit) ask(ctx context.Context, uid uint32) error {
	if len(a.chunk) >= chunkUIDs || len(a.ranges)*22 >= setOctets {
		if err := a.flush(ctx); err != nil {
			return err
		}
		a.adjacent = false
	}
	a.chunk = append(a.chunk, uid)
	if a.adjacent {
		a.ranges[len(a.ranges)-1].hi = uid
	} else {
		a.ranges = append(a.ranges, uidRange{uid, uid})
	}
	a.adjacent = true
	return nil
}

// flush asks for what is to be asked for and compares it.
func (a *audit) flush(ctx context.Context) error {
	if len(a.chunk) == 0 {
		return nil
	}
	got := a.r.pre
	var err error
	if got == nil {
		got = make(map[uint32]ListedMessage, len(a.chunk))
		err = a.s.describe(setText(a.ranges), 0, func(m ListedMessage) { got[m.UID] = m })
	}
	if err != nil {
		var no *refusal
		if !errors.As(err, &no) || busy(no.c) {
			return a.folderErr(a.r, "reading the messages' sizes and dates in", "", err)
		}
		// One bad message may spoil the answer for all; what came counts,
		// and the rest gets a row without size and date.
		a.event(EventRefetch, a.r.info.Name, "FETCH of sizes and dates: "+no.Error())
	}
	err = a.compare(ctx, got)
	a.chunk, a.ranges = a.chunk[:0], a.ranges[:0]
	return err
}

// sort puts a known message where it belongs.
func (a *audit) sort(k *row, it item) {
	switch {
	case a.r.gaveUp[k.uid]:
	case k.state == Listed:
		a.queue = append(a.queue, it)
	case k.state == Quarantined && k.due:
		a.again = append(a.again, it)
	case k.state == Quarantined:
		a.r.res.Held++
	}
}

// compare works out one chunk of described UIDs.
func (a *audit) compare(ctx context.Context, got map[uint32]ListedMessage) error {
	var list, named []ListedMessage
	var flags []FlagChange
	for _, u := range a.chunk {
		m, ok := got[u]
		if m.Object.ID != "" {
			named = append(named, m)
		}
		k := a.r.row(u)
		if k == nil {
			if !ok {
				m = ListedMessage{UID: u}
			}
			list = append(list, m)
			a.queue = append(a.queue, item{u, m.Size, m.InternalDate, m.Flags, m.Object.ID})
			continue
		}
		it := item{uid: u, size: k.size}
		it.fill(k)
		if ok {
			it = item{u, m.Size, m.InternalDate, m.Flags, m.Object.ID}
			if another(k, m) {
				// The UID was used again: not allowed, and Courier does it.
				list = append(list, m)
				a.queue = append(a.queue, it)
				if k.state != Listed {
					a.r.res.Reused++
					a.event(EventReused, a.r.info.Name, fmt.Sprintf("UID %d: size %d → %d", u, k.size, m.Size))
				}
				continue
			}
		}
		a.sort(k, it)
		if k.state == Stored && ok && m.Flags != nil && flagKey(m.Flags) != k.flags {
			flags = append(flags, FlagChange{u, m.Flags})
		}
	}
	if len(list) > 0 {
		if err := a.f.List(ctx, list); err != nil {
			return a.storing("listing messages of "+quoted(a.r), err)
		}
		a.moved += len(list)
	}
	if o, ok := a.f.(Objects); ok && len(named) > 0 {
		if err := o.Objects(ctx, named); err != nil {
			return a.storing("recording what the server calls the messages of "+quoted(a.r), err)
		}
	}
	if len(flags) > 0 {
		if err := a.f.Flags(ctx, flags); err != nil {
			return a.storing("recording flags of "+quoted(a.r), err)
		}
		a.r.res.Flags += len(flags)
	}
	return nil
}

// another reports whether the server describes a message other than the one in
// the row. What either side does not know is no difference.
func another(k *row, m ListedMessage) bool {
	date := seconds(m.InternalDate)
	return k.size != 0 && m.Size != 0 && k.size != m.Size || k.date != noDate && date != noDate && k.date != date
}
