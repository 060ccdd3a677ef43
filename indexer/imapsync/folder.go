package imapsync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// folder makes one attempt at a folder, from what the store knows to clean.
func (p *pass) folder(ctx context.Context, r *folderRun) (err error) {
	last, wasClean, err := p.store.LastClean(ctx, r.info.Name)
	if err != nil {
		return p.storing("reading the state of "+quoted(r), err)
	}
	if wasClean && p.s.condstore() {
		if same, err := p.same(r, last); err != nil || same {
			return err
		}
	}
	// A folder to be described in full is so as it is opened, once: a server that
	// cannot have two commands at a time gets them one by one the next time.
	r.pre = nil
	if !wasClean && !r.tried && r.st != nil && r.st.exists > 0 && r.st.exists <= chunkUIDs {
		r.pre = make(map[uint32]ListedMessage, r.st.exists)
	}
	r.tried = true
	r.st = nil // it is older than what EXAMINE says

	st, err := p.examine(r)
	if err != nil {
		return err
	}
	if st.uidValidity == 0 {
		r.res.Clean = true // empty, and all that there is to know of it
		return nil
	}
	if wasClean && st.uidValidity != last.UIDValidity && last.Resets > 1 {
		r.res.Unstable = true
		if same, err := p.sameUnderOtherUIDs(ctx, r, last); err != nil || same {
			return err
		}
		p.event(EventUIDValidity, r.info.Name, fmt.Sprintf("unstable: %d changes, each within two days of the one before", last.Resets))
	}
	f, err := p.epoch(ctx, r, st)
	if err != nil {
		return err
	}
	defer func() {
		// What was accepted stays, whatever ended the attempt.
		if err != nil {
			if ferr := f.Flush(context.WithoutCancel(ctx)); ferr != nil && !errors.Is(err, ErrStore) {
				err = p.storing("storing messages of "+quoted(r), ferr)
			}
		}
	}()
	return p.reconcile(ctx, r, f, st, last, wasClean)
}

// same reports whether nothing changed in a folder since the last clean pass, as far
// as the server's STATUS tells; it need not be opened then.
func (p *pass) same(r *folderRun, last CleanState) (bool, error) {
	if r.st == nil {
		st, err := p.s.status(r.info.Name)
		var no *refusal
		if errors.As(err, &no) && !busy(no.c) {
			return false, nil // EXAMINE tells more
		}
		if err != nil {
			return false, p.folderErr(r, "asking for the state of", "", err)
		}
		r.st = &st
	}
	if !p.unchanged(*r.st, last) {
		return false, nil
	}
	r.res.Unchanged, r.res.Clean, r.res.Server = true, true, int(r.st.exists)
	r.res.Held = last.Quarantined
	return true, nil
}

// reconcile makes the store hold what the open folder holds.
func (p *pass) reconcile(ctx context.Context, r *folderRun, f Folder, st status, last CleanState, wasClean bool) (err error) {
	if r.known, err = load(ctx, f); err != nil {
		return p.storing("reading what is known of "+quoted(r), err)
	}
	uids, agreed, err := p.enumerate(r)
	if err != nil {
		return err
	}
	if agreed {
		if _, err := p.missing(ctx, r, f, uids, st); err != nil {
			return err
		}
	}
	queue, again, err := p.describe(ctx, r, f, uids, st, last, wasClean)
	if err != nil {
		return err
	}
	if queue, err = p.choose(ctx, r, f, queue); err != nil {
		return err
	}
	if fresh := !wasClean || last.UIDValidity != st.uidValidity; fresh || p.s.objects() != "" {
		if queue, err = p.relink(ctx, r, f, queue, fresh); err != nil {
			return err
		}
	}
	left, err := p.download(ctx, r, f, queue, again)
	r.res.Left = left
	if err != nil {
		return err
	}
	if err := f.Flush(ctx); err != nil {
		return p.storing("storing messages of "+quoted(r), err)
	}
	if !agreed {
		return p.err(ErrFolder, fmt.Sprintf("listing %s", quoted(r)),
			fmt.Errorf("the server counts %d messages and lists %d", p.s.g.exists, len(uids)),
			"messages may be missing that only the server knows of; it is tried again in the next pass")
	}
	if left > 0 {
		return nil // gone while we asked; the next pass sees it
	}
	r.clean = CleanState{
		UIDValidity: st.uidValidity, UIDNext: st.uidNext, Exists: uint32(len(uids)),
		HighestModSeq: st.modSeq, LastAudit: last.LastAudit,
	}
	if r.audited {
		r.clean.LastAudit = p.opt.Now()
	}
	if r.missed > 0 {
		r.ready = true
		return nil
	}
	return p.markClean(ctx, r, f)
}

func (p *pass) markClean(ctx context.Context, r *folderRun, f Folder) error {
	r.clean.At = p.opt.Now()
	if err := f.Clean(ctx, r.clean); err != nil {
		return p.storing("closing the pass over "+quoted(r), err)
	}
	r.res.Clean = true
	p.moved++
	return nil
}

// unchanged reports whether a folder need not be opened. Counts alone never
// say so: an expunge and an arrival leave them as they were.
func (p *pass) unchanged(st status, last CleanState) bool {
	return st.uidValidity != 0 && st.uidValidity == last.UIDValidity &&
		st.uidNext != 0 && st.uidNext == last.UIDNext &&
		st.modSeq != 0 && st.modSeq == last.HighestModSeq &&
		st.hasExists && st.exists == last.Exists &&
		last.Pending == 0 && !p.auditDue(last)
}

// auditDue holds also when the last audit lies ahead: the clock was set back since.
func (p *pass) auditDue(last CleanState) bool {
	since := p.opt.Now().Sub(last.LastAudit)
	return since >= p.opt.AuditEvery || since < 0
}

// examine opens the folder for reading. A UIDVALIDITY of 0 is that of an empty folder.
func (p *pass) examine(r *folderRun) (status, error) {
	var st status
	var readOnly bool
	var err error
	if r.pre != nil {
		var ok bool
		st, readOnly, ok, err = p.s.examineAndDescribe(r.info.Name, func(m ListedMessage) { r.pre[m.UID] = m })
		if !ok || len(r.pre) != int(p.s.g.exists) {
			r.pre = nil
		}
	} else {
		st, readOnly, err = p.s.examine(r.info.Name)
	}
	if err != nil {
		return st, p.folderErr(r, "opening folder", "check whether this login may read the folder, or exclude it", err)
	}
	r.res.Server = int(st.exists)
	if !readOnly {
		p.event(EventNotReadOnly, r.info.Name, "EXAMINE was not answered with READ-ONLY")
		if !p.account.AllowNotReadOnly {
			return st, p.err(ErrFolder, "opening folder "+quoted(r),
				errors.New("the server does not confirm that it is open for reading only"),
				"exclude the folder, or allow it with allow_not_read_only in the settings of the mailbox")
		}
	}
	// Zimbra and UW say no UIDVALIDITY for a folder without messages, and none is
	// needed. Else 0 is unknown, never "changed" (RFC 9051 section 2.3.1.1 wants it
	// non-zero).
	if st.uidValidity == 0 && st.exists > 0 {
		p.event(EventUIDValidity, r.info.Name, "the server did not say the UIDVALIDITY")
		return st, p.err(ErrFolder, "opening folder "+quoted(r),
			errors.New("the server does not say its UIDVALIDITY"), "it is tried again in the next pass")
	}
	r.info.ID = st.id
	return st, nil
}

// epoch opens the records of the folder that was examined.
func (p *pass) epoch(ctx context.Context, r *folderRun, st status) (Folder, error) {
	f, err := p.store.Folder(ctx, r.info, st.uidValidity)
	if err != nil {
		return nil, p.storing("opening the records of "+quoted(r), err)
	}
	if r.uidValidity != st.uidValidity {
		r.uidValidity = st.uidValidity
		clear(r.gaveUp) // of other messages
		clear(r.kills)
		r.audited = false
	}
	return f, nil
}

// row is what a pass keeps of a Known: a folder may have millions.
type row struct {
	uid    uint32
	state  State
	due    bool
	missed string
	size   int64
	date   int64 // seconds since 1970; noDate
	flags  string
}

const noDate = math.MinInt64

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return noDate
	}
	return t.Unix()
}

// flagKey makes a comparable value of a set of flags. Flags contain no spaces.
func flagKey(flags []string) string {
	if !slices.IsSorted(flags) {
		flags = slices.Sorted(slices.Values(flags))
	}
	return strings.Join(flags, " ")
}

// load reads the rows of the epoch, in ascending order of UID.
func load(ctx context.Context, f Folder) ([]row, error) {
	var rows []row
	same := map[string]string{}
	for k, err := range f.Known(ctx) {
		if err != nil {
			return nil, err
		}
		if k.State == Vanished {
			continue
		}
		fl := flagKey(k.Flags)
		if s, ok := same[fl]; ok {
			fl = s
		} else {
			same[fl] = fl
		}
		r := row{uid: k.UID, state: k.State, due: k.Due, missed: k.Missed, size: k.Size, date: seconds(k.InternalDate), flags: fl}
		if n := len(rows); n > 0 && rows[n-1].uid >= r.uid {
			return nil, fmt.Errorf("rows out of order: UID %d after %d", r.uid, rows[n-1].uid)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (r *folderRun) row(uid uint32) *row {
	i, ok := slices.BinarySearchFunc(r.known, uid, func(e row, u uint32) int {
		switch {
		case e.uid < u:
			return -1
		case e.uid > u:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &r.known[i]
}
