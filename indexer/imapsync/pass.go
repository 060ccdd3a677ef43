package imapsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
)

const (
	batchUIDs    = 1000
	batchOctets  = 16 << 20
	aloneOctets  = 4 << 20 // a message above this is fetched alone
	chunkUIDs    = 5000    // UIDs described at a time
	setOctets    = 4 << 10 // of a UID set in a command
	recentUIDs   = 50      // fingerprints compared in every pass
	killsAlone   = 3       // connections a UID may end before it is quarantined
	maxStalls    = 6       // connections in a row that bring nothing, before the folder is left
	maxDead      = 3       // such folders in a row before the pass ends
	killedInRow  = 3       // such UIDs, with no message given between, before the folder is left
	singles      = 8       // messages missing from a batch that are asked for one by one; more, in smaller batches
	refusedInRow = 20      // refused messages, none given, before the folder is left
)

// Run makes one pass over all folders of the account: it lists them, compares
// each with the store, fetches what is missing and records the rest. It returns
// when the pass is over, when ctx is done, or at an error that ends it; what
// the store accepted until then is durable. A folder that fails does not keep
// the others from being collected: Run then returns an error of kind ErrFolder
// and Result tells which.
//
// Run may be called at once for different accounts, not twice for one.
func Run(ctx context.Context, a Account, st Store, stage Stager, opt Options) (Result, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	orDefault(&opt.MaxMessage, 1<<30)
	orDefault(&opt.Idle, time.Minute)
	orDefault(&opt.AuditEvery, 24*time.Hour)
	orDefault(&opt.RetryDelay, time.Second)
	p := &pass{store: st, stage: stage, opt: opt, log: opt.Logger.With("account", a.Address)}
	p.dialer = &dialer{
		account: a,
		lim:     limits{idle: opt.Idle, line: lineLimit, search: searchLimit, literal: opt.MaxMessage, small: smallLimit},
		event: func(kind, folder, detail string) {
			st.Event(context.WithoutCancel(ctx), kind, folder, detail)
		},
	}
	err := p.run(ctx)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("collecting %s: %w", a.Address, ctx.Err())
	}
	p.hangUp(err == nil)
	return p.result, err
}

func orDefault[T int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// pass is one run over an account.
type pass struct {
	*dialer
	store Store
	stage Stager
	opt   Options
	log   *slog.Logger

	s      *session // nil when there is no connection
	moved  int      // grows with everything that brings the pass forward
	stalls int      // connections in a row that did not
	dead   int      // folders in a row that were given up for that
	result Result
}

// folderRun is the work on one folder. It outlives connections.
type folderRun struct {
	info  FolderInfo
	st    *status // from LIST-STATUS, nil if not known
	res   *FolderResult
	known []row // of the attempt under way

	audited bool                     // all fingerprints were compared in this pass
	limit   int                      // UIDs in the next batch
	kills   map[uint32]int           // connections that ended while a UID was fetched alone
	killed  int                      // UIDs quarantined for that since the last message given
	gaveUp  map[uint32]bool          // quarantined in this pass
	given   int                      // messages accepted in this pass
	missed  int                      // rows first missed by this pass
	clean   CleanState               // what to record once the folder is clean
	ready   bool                     // clean, but for missed
	pre     map[uint32]ListedMessage // all messages, described as the folder was opened; nil if they were not
	tried   bool                     // an attempt was made
	relinks int                      // attempts to know messages by their headers
	differ  int                      // messages whose length is not RFC822.SIZE
}

func (p *pass) run(ctx context.Context) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	var runs []*folderRun
	err := p.persist(ctx, nil, func() error {
		folders, stats, err := p.s.list()
		if err != nil {
			return p.sessionErr("listing the folders", err)
		}
		runs = runs[:0]
		p.result.Folders = make([]FolderResult, len(folders))
		for i, f := range folders {
			f.Excluded = excluded(f, p.account.Exclude)
			folders[i] = f
			r := &folderRun{info: f, res: &p.result.Folders[i], limit: batchUIDs, kills: map[uint32]int{}, gaveUp: map[uint32]bool{}}
			*r.res = FolderResult{Name: f.Name, Display: f.Display, Excluded: f.Excluded, Noselect: !f.Selectable(), Server: -1}
			if st, ok := stats[f.Name]; ok {
				r.st = &st
			}
			if f.Selectable() && !f.Excluded {
				runs = append(runs, r)
			} else {
				r.res.Clean = true
			}
		}
		if p.s.labels() {
			// What has all messages comes first: the others are known by them.
			slices.SortStableFunc(runs, func(a, b *folderRun) int {
				switch all, other := a.info.has(`\All`), b.info.has(`\All`); {
				case all && !other:
					return -1
				case other && !all:
					return 1
				}
				return 0
			})
		}
		return p.storing("recording the folders", p.store.Folders(ctx, folders))
	})
	if err != nil {
		return err
	}
	for _, r := range runs {
		err := p.persist(ctx, r, func() error { return p.folder(ctx, r) })
		if err := p.settle(ctx, r, err); err != nil {
			return err
		}
	}
	if err := p.confirm(ctx, runs); err != nil {
		return err
	}
	return p.folderErrors()
}

// settle keeps a folder's own failure with the folder and returns what ends the
// pass.
func (p *pass) settle(ctx context.Context, r *folderRun, err error) error {
	if r.differ > 0 {
		p.event(EventSizeDiffers, r.info.Name, fmt.Sprintf("%d messages are not as long as RFC822.SIZE says", r.differ))
		r.differ = 0
	}
	if err != nil && ctx.Err() == nil && errors.Is(err, ErrFolder) {
		r.res.Err = err
		p.event(EventRefused, r.info.Name, err.Error())
		return nil
	}
	return err
}

func (p *pass) folderErrors() error {
	var bad []string
	var first error
	for _, f := range p.result.Folders {
		if f.Err != nil {
			bad = append(bad, fmt.Sprintf("%q", f.Display))
			if first == nil {
				first = f.Err
			}
		}
	}
	if len(bad) < 2 {
		return first
	}
	var e *Error
	hint := ""
	if errors.As(first, &e) {
		hint = e.Hint
	}
	return p.err(ErrFolder, fmt.Sprintf("collecting %d folders (%s)", len(bad), strings.Join(bad, ", ")), first, hint)
}

// --- connections

func (p *pass) connect(ctx context.Context) error {
	s, err := p.dial(ctx)
	if err == nil {
		p.s = s
		p.result.Server = s.info
		p.result.Connections++
	}
	return err
}

func (p *pass) hangUp(polite bool) {
	if p.s == nil {
		return
	}
	p.result.Received += p.s.g.received.Load()
	p.report(p.s)
	p.s.close(polite)
	p.s = nil
}

// persist calls work until it ends otherwise than by a lost connection. Work
// starts from what the store knows each time, so that the way back after a
// failure is the normal way. r is the folder worked on, or nil.
func (p *pass) persist(ctx context.Context, r *folderRun, work func() error) error {
	for {
		before := p.moved
		var err error
		if p.s == nil {
			err = p.connect(ctx)
		}
		connected := err == nil
		if connected {
			err = work()
		}
		lost := p.s == nil || p.s.g.failure() != nil
		if p.s != nil && lost {
			p.log.Debug("connection lost", "err", p.s.g.failure(), "transcript", p.s.g.trace.String())
			p.hangUp(false)
		}
		if err == nil {
			p.stalls, p.dead = 0, 0
			return nil
		}
		if ctx.Err() != nil || !lost || !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrProtocol) {
			return err
		}
		if p.stalls++; p.moved != before {
			p.stalls = 0
		}
		if p.stalls >= maxStalls {
			// The server is there and this folder ends the connection: the
			// others get their turn, unless it is so with all of them.
			if p.dead++; connected && r != nil && p.dead < maxDead {
				p.stalls = 0
				return p.err(ErrFolder, fmt.Sprintf("collecting folder %s, %d connections in a row", quoted(r), maxStalls), err,
					"exclude the folder if it stays so")
			}
			return err
		}
		p.result.Reconnects++
		p.event(EventRetry, "", err.Error())
		p.log.Info("connecting again", "err", err, "stalls", p.stalls)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.opt.RetryDelay << p.stalls / 2):
		}
	}
}

// sessionErr names what was being done when a command failed. A refusal of a
// command that concerns no folder ends the pass.
func (p *pass) sessionErr(doing string, err error) error {
	var no *refusal
	if errors.As(err, &no) {
		if busy(no.c) {
			return &Error{Kind: ErrBusy, Account: p.account.Address, Doing: doing, Err: no, Wait: waitFor(no.c.text),
				Hint: "try again later; what was collected is kept"}
		}
		return p.err(ErrProtocol, doing, no, "")
	}
	return p.connErr(p.s, doing, err, "")
}

// folderErr is sessionErr for a command that concerns one folder: a refusal
// leaves the connection and the other folders alone.
func (p *pass) folderErr(r *folderRun, doing, hint string, err error) error {
	doing = fmt.Sprintf("%s %q", doing, r.info.Display)
	var no *refusal
	if errors.As(err, &no) && !busy(no.c) {
		return p.err(ErrFolder, doing, no, hint)
	}
	return p.sessionErr(doing, err)
}

// storing makes an error of the store one of ours.
func (p *pass) storing(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return p.err(ErrStore, doing, err, "")
}

// --- one folder

// folder makes one attempt at a folder, from what the store knows to clean.
func (p *pass) folder(ctx context.Context, r *folderRun) (err error) {
	last, wasClean, err := p.store.LastClean(ctx, r.info.Name)
	if err != nil {
		return p.storing("reading the state of "+quoted(r), err)
	}
	if wasClean && p.s.condstore() {
		if r.st == nil {
			st, err := p.s.status(r.info.Name)
			if err != nil {
				return p.folderErr(r, "asking for the state of", "", err)
			}
			r.st = &st
		}
		if p.unchanged(*r.st, last) {
			r.res.Unchanged, r.res.Clean, r.res.Server = true, true, int(r.st.exists)
			r.res.Held = last.Quarantined
			return nil
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

	st, f, err := p.open(ctx, r)
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
	if !wasClean || last.UIDValidity != st.uidValidity {
		if queue, err = p.relink(ctx, r, f, queue); err != nil {
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

func (p *pass) auditDue(last CleanState) bool {
	return p.opt.Now().Sub(last.LastAudit) >= p.opt.AuditEvery
}

// open examines the folder and opens its epoch.
func (p *pass) open(ctx context.Context, r *folderRun) (status, Folder, error) {
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
		return st, nil, p.folderErr(r, "opening folder", "check whether this login may read the folder, or exclude it", err)
	}
	r.res.Server = int(st.exists)
	if !readOnly {
		p.event(EventNotReadOnly, r.info.Name, "EXAMINE was not answered with READ-ONLY")
		if !p.account.AllowNotReadOnly {
			return st, nil, p.err(ErrFolder, "opening folder "+quoted(r),
				errors.New("the server does not confirm that it is open for reading only"),
				"exclude the folder, or allow it in the settings of the mailbox")
		}
	}
	if st.uidValidity == 0 {
		// 0 is unknown, never "changed" (RFC 9051 section 2.3.1.1 wants it non-zero).
		p.event(EventUIDValidity, r.info.Name, "the server did not say the UIDVALIDITY")
		return st, nil, p.err(ErrFolder, "opening folder "+quoted(r),
			errors.New("the server does not say its UIDVALIDITY"), "it is tried again in the next pass")
	}
	f, err := p.store.Folder(ctx, r.info, st.uidValidity)
	if err != nil {
		return st, nil, p.storing("opening the records of "+quoted(r), err)
	}
	return st, f, nil
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

// enumerate returns the UIDs of the open folder, ascending, and whether their
// number is what the server counts.
func (p *pass) enumerate(r *folderRun) (uids []uint32, agreed bool, err error) {
	s := p.s
	if r.pre != nil {
		return slices.Sorted(maps.Keys(r.pre)), true, nil
	}
	for range 3 {
		if s.g.exists == 0 {
			return nil, true, nil
		}
		uids, err = s.search()
		var no *refusal
		switch {
		case errors.As(err, &no) && s.caps["ESEARCH"]:
			delete(s.caps, "ESEARCH") // offered, and not kept
			continue
		case err != nil:
			return nil, false, p.folderErr(r, "listing the messages of", "", err)
		case len(uids) == int(s.g.exists):
			return uids, true, nil
		}
		delete(s.caps, "ESEARCH") // broken on iCloud
		if err := s.noop(); err != nil {
			return nil, false, p.folderErr(r, "listing the messages of", "", err)
		}
	}
	all := map[uint32]bool{}
	for _, u := range uids {
		all[u] = true
	}
	if err := s.uids(all); err != nil {
		return nil, false, p.folderErr(r, "listing the messages of", "", err)
	}
	p.event(EventCount, r.info.Name, fmt.Sprintf("the server counts %d messages, SEARCH lists %d, with FETCH %d", s.g.exists, len(uids), len(all)))
	uids = uids[:0]
	for u := range all {
		uids = append(uids, u)
	}
	slices.Sort(uids)
	return uids, len(uids) == int(s.g.exists), nil
}

// missing tells the store which known UIDs this enumeration lacked.
func (p *pass) missing(ctx context.Context, r *folderRun, f Folder, uids []uint32, st status) (gone int, err error) {
	e := Enumeration{Session: p.s.name, Exists: uint32(len(uids)), UIDNext: st.uidNext}
	marked := false
	r.missed = 0
	for _, k := range r.known {
		marked = marked || k.missed != ""
		if _, on := slices.BinarySearch(uids, k.uid); !on {
			e.Missing = append(e.Missing, k.uid)
			if k.missed == "" || k.missed == p.s.name {
				r.missed++
			}
		}
	}
	if len(e.Missing) == 0 && !marked {
		return 0, nil
	}
	gone, err = f.Enumerated(ctx, e)
	r.res.Gone += gone
	return gone, p.storing("recording what is gone from "+quoted(r), err)
}

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

// --- messages

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

// excuse is what Exchange sends as the text of a message that it cannot convert.
const excuse = "Retrieval using the IMAP4 protocol failed for the following message"

// standIn reports whether a blob is such an excuse. A short mail that quotes it is
// taken for one; nothing is lost by that, as it is kept like any.
func standIn(b *archive.Blob) bool {
	octets, ok := b.Bytes()
	return ok && len(octets) < 4<<10 && bytes.Contains(octets, []byte(excuse))
}

func (p *pass) quarantine(ctx context.Context, r *folderRun, f Folder, uid uint32, why string) error {
	if err := f.Quarantine(ctx, uid, why); err != nil {
		return p.storing("recording a message not obtained from "+quoted(r), err)
	}
	p.event(EventQuarantined, r.info.Name, fmt.Sprintf("UID %d: %s", uid, why))
	r.gaveUp[uid] = true
	r.res.Quarantined++
	p.moved++
	return nil
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

// confirm lists again, over a second connection, the folders that missed
// something for the first time: gone is only what two sessions agree on.
func (p *pass) confirm(ctx context.Context, runs []*folderRun) error {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *folderRun) bool { return r.missed == 0 || r.res.Err != nil })
	if len(runs) == 0 {
		return nil
	}
	p.hangUp(true)
	for _, r := range runs {
		err := p.persist(ctx, r, func() error {
			st, f, err := p.open(ctx, r)
			if err != nil {
				return err
			}
			if r.known, err = load(ctx, f); err != nil {
				return p.storing("reading what is known of "+quoted(r), err)
			}
			uids, agreed, err := p.enumerate(r)
			if err != nil || !agreed {
				return err // the next pass asks again
			}
			if _, err := p.missing(ctx, r, f, uids, st); err != nil {
				return err
			}
			if r.ready && r.missed == 0 && r.clean.UIDValidity == st.uidValidity {
				return p.markClean(ctx, r, f)
			}
			return nil
		})
		if err := p.settle(ctx, r, err); err != nil {
			return err
		}
	}
	return nil
}

func quoted(r *folderRun) string { return fmt.Sprintf("%q", r.info.Display) }

// excluded reports whether the settings leave a folder out.
func excluded(f FolderInfo, patterns []string) bool {
	for _, x := range patterns {
		if strings.HasPrefix(x, `\`) && f.has(x) || glob(x, f.Display) || x == f.Name {
			return true
		}
	}
	return false
}

// glob matches "*" with any run of characters and everything else with itself.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}
