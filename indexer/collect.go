package indexer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
)

// retryQuarantined is how long a UID that the server would not give is left
// alone.
const retryQuarantined = 24 * time.Hour

// retryStandIn is the same for one in whose place it gave an excuse.
const retryStandIn = 7 * 24 * time.Hour

// ago says that t lies wait or more back, or ahead: then the clock was set back since,
// and nobody knows how long ago it was.
func ago(now, t time.Time, wait time.Duration) bool {
	since := now.Sub(t)
	return since >= wait || since < 0
}

// Sync runs one pass over the mailboxes of an account. On return everything that
// was accepted is durable, also when the pass failed half way. The reading of new
// messages is Read's business.
//
// It may be called at once for different accounts, not twice for one.
//
// Always says whether to write a sync entry for folders where nothing changed,
// too; a daemon that looks every few minutes does not.
func (v *Vault) Sync(ctx context.Context, a imapsync.Account, always bool, opt imapsync.Options) (imapsync.Result, error) {
	c, err := v.join()
	if err != nil {
		return imapsync.Result{}, err
	}
	res, err := v.sync(ctx, c, a, always, opt)
	if e := v.leave(c); e != nil && !errors.Is(err, e) {
		err = errors.Join(e, err)
	}
	return res, err
}

func (v *Vault) sync(ctx context.Context, c *committer, a imapsync.Account, always bool, opt imapsync.Options) (imapsync.Result, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if opt.Logger == nil {
		opt.Logger = v.log
	}
	if opt.Now == nil {
		opt.Now = v.now
	}
	id, err := v.account(c, a.Address, a.Server, "imap")
	if err != nil {
		return imapsync.Result{}, err
	}
	if err := v.chosen(c, id, a); err != nil {
		return imapsync.Result{}, err
	}
	s := &accountStore{v: v, c: c, id: id, address: a.Address, always: always}
	started := v.now()
	if opt.Budget, err = v.budget(id, a, started); err != nil {
		return imapsync.Result{}, err
	}
	seen, err := v.seen(id)
	if err != nil {
		return imapsync.Result{}, err
	}
	opt.MarksSeen = seen >= imapsync.SeenProven
	res, err := imapsync.Run(ctx, a, s, v.stage, opt)
	if e := v.keepSeen(id, seen, res.Seen); e != nil {
		err = errors.Join(err, e)
	}
	if e := v.spend(id, started, res.Bytes); e != nil {
		err = errors.Join(err, e)
	}
	if e := v.acquired(c, id, a, res, started, always, err); e != nil {
		err = errors.Join(e, err)
	}
	state, detail := AccountState(err), ""
	if err != nil && state != "interrupted" {
		detail = err.Error()
	}
	if e := v.catalog.SetAccountState(id, state, detail); e != nil {
		err = errors.Join(err, e)
	}
	if _, e := v.ledger.Checkpoint(); e != nil {
		err = errors.Join(err, e)
	}
	return res, err
}

// providerBytes are daily limits that providers keep to by shutting an account out
// for a day: ours stay below.
var providerBytes = map[string]int64{
	"imap.gmail.com":      2_000_000_000,
	"imap.googlemail.com": 2_000_000_000,
}

// budget returns how much an account may fetch now, in the sense of
// imapsync.Options.
func (v *Vault) budget(id int64, a imapsync.Account, at time.Time) (int64, error) {
	limit := a.DailyBytes
	if limit == 0 {
		server := a.Server[strings.LastIndex(a.Server, "/")+1:]
		host, _, _ := strings.Cut(server, ":")
		limit = providerBytes[strings.ToLower(host)]
	}
	if limit <= 0 {
		return 0, nil
	}
	used, err := v.spent(id, at)
	if left := limit - used; left > 0 {
		return left, err
	}
	return -1, err
}

// spent returns the octets of messages that an account fetched on the day of at, in
// UTC, and spend adds to them.
func (v *Vault) spent(id int64, at time.Time) (int64, error) {
	text, err := v.catalog.Meta(spentKey(id))
	if err != nil {
		return 0, err
	}
	day, n, _ := strings.Cut(text, " ")
	if day != at.UTC().Format(time.DateOnly) {
		return 0, nil
	}
	return strconv.ParseInt(n, 10, 64)
}

func (v *Vault) spend(id int64, at time.Time, octets int64) error {
	if octets == 0 {
		return nil
	}
	before, err := v.spent(id, at)
	if err != nil {
		return err
	}
	return v.catalog.Update(func(t *catalog.Tx) error {
		return t.SetMeta(spentKey(id), fmt.Sprintf("%s %d", at.UTC().Format(time.DateOnly), before+octets))
	})
}

// seen returns how much speaks for it that the server of an account marks messages as
// read when they are fetched: what imapsync.Result.Seen said, added up. keepSeen adds to
// it; one pass after which they were unread ends all doubt.
func (v *Vault) seen(id int64) (int, error) {
	text, err := v.catalog.Meta(seenKey(id))
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.Atoi(text)
}

func (v *Vault) keepSeen(id int64, before, now int) error {
	if now < 0 {
		now = -before
	}
	if now == 0 {
		return nil
	}
	return v.catalog.Update(func(t *catalog.Tx) error { return t.SetMeta(seenKey(id), strconv.Itoa(before+now)) })
}

func seenKey(account int64) string { return fmt.Sprintf("seen %d", account) }

func spentKey(account int64) string { return fmt.Sprintf("spent %d", account) }

// acquired flushes and records what the pass asked for and got. A daemon's pass in
// which nothing happened is recorded once an hour.
func (v *Vault) acquired(c *committer, id int64, a imapsync.Account, res imapsync.Result, started time.Time, always bool, cause error) error {
	if err := c.flush(); err != nil {
		return err
	}
	x := ledger.Acquisition{Account: id, Server: res.Server.Addr, Transport: res.Server.Transport, Certificate: res.Server.Certificate, User: res.Server.User,
		Greeting: shorten(res.Server.Greeting, 300), Capabilities: res.Server.Capabilities, Received: res.Received, Bytes: res.Bytes,
		State: AccountState(cause), Started: dateText(started), Ended: dateText(v.now())}
	if x.Server == "" {
		x.Server = a.Server
	} else {
		x.Connections = int64(res.Connections)
	}
	for _, f := range res.Folders {
		if f.Excluded || f.Noselect {
			continue
		}
		x.Folders++
		x.Exists += int64(max(f.Server, 0))
		x.Asked += int64(f.Asked)
		x.Stored += int64(f.New)
		x.Relinked += int64(f.Relinked)
		x.Quarantined += int64(f.Quarantined + f.Held)
		x.Left += int64(f.Left)
		x.LeftOut += int64(f.LeftOut + f.NotChosen)
	}
	if x.State == "" && x.Quarantined+x.Left > 0 {
		x.State = "incomplete"
	}
	v.naming.Lock()
	last := v.recorded[id]
	due := always || cause != nil || x.Asked+x.Relinked > 0 || ago(v.now(), last, time.Hour)
	if due {
		v.recorded[id] = v.now()
	}
	v.naming.Unlock()
	if !due {
		return nil
	}
	if err := c.add(nil, x); err != nil {
		return err
	}
	return c.flush()
}

// AccountState is what a pass ended with, in the words of coverage; "" when it was
// clean.
func AccountState(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, imapsync.ErrAuth):
		return "sign-in refused"
	case errors.Is(err, imapsync.ErrUnreachable), errors.Is(err, imapsync.ErrTLS):
		return "unreachable"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return "incomplete"
}

var errClosed = errors.New("the vault is closed")

// account returns the id of an account and records it when it is new.
func (v *Vault) account(c *committer, address, host, source string) (int64, error) {
	v.naming.Lock()
	defer v.naming.Unlock()
	all, err := v.catalog.Accounts()
	if err != nil {
		return 0, err
	}
	for _, a := range all {
		if a.Address == address && a.Source == source {
			return a.ID, nil
		}
	}
	id, _, err := v.catalog.Next()
	if err != nil {
		return 0, err
	}
	if err := c.add(nil, ledger.AccountAdded{Account: id, Address: address, Host: host, Source: source}); err != nil {
		return 0, err
	}
	return id, c.flush()
}

// mailbox returns a folder of an account and records it when it is new.
func (v *Vault) mailbox(c *committer, account int64, name, display, delim string) (catalog.Mailbox, error) {
	m, err := v.catalog.Mailbox(account, name)
	if !errors.Is(err, catalog.ErrNotFound) {
		return m, err
	}
	v.naming.Lock()
	defer v.naming.Unlock()
	_, id, err := v.catalog.Next()
	if err != nil {
		return m, err
	}
	if err := c.add(nil, ledger.MailboxAdded{Mailbox: id, Account: account, Name: name, Display: display, Delim: delim}); err != nil {
		return m, err
	}
	if err := c.flush(); err != nil {
		return m, err
	}
	if m, err = v.catalog.Mailbox(account, name); err != nil {
		err = fmt.Errorf("mailbox %q was recorded: %w", display, err)
	}
	return m, err
}

// accountStore is the imapsync.Store of one pass.
type accountStore struct {
	v       *Vault
	c       *committer
	id      int64
	address string
	always  bool
}

func (s *accountStore) Folders(ctx context.Context, all []imapsync.FolderInfo) error {
	listed, excluded := map[int64]bool{}, map[int64]bool{}
	for _, f := range all {
		if !f.Selectable() {
			continue
		}
		m, err := s.v.mailbox(s.c, s.id, f.Name, f.Display, f.Delim)
		if err != nil {
			return err
		}
		listed[m.ID], excluded[m.ID] = true, f.Excluded
	}
	known, err := s.v.catalog.Mailboxes(s.id)
	if err != nil {
		return err
	}
	changed := false
	for _, m := range known {
		if !listed[m.ID] && m.Listed {
			s.Event(ctx, "folder-gone", string(m.Name), "the server does not list it any more; everything kept of it stays")
		}
		if m.Listed != listed[m.ID] || m.Excluded != excluded[m.ID] {
			if err := s.c.add(nil, ledger.MailboxListed{Mailbox: m.ID, Listed: listed[m.ID], Excluded: excluded[m.ID]}); err != nil {
				return err
			}
			changed = true
		}
	}
	if changed { // before the catalog knows: what a crash leaves is said again
		if err := s.c.flush(); err != nil {
			return err
		}
	}
	return s.v.catalog.SetListed(s.id, listed, excluded)
}

func (s *accountStore) Folder(ctx context.Context, info imapsync.FolderInfo, uidValidity uint32) (imapsync.Folder, error) {
	m, err := s.v.mailbox(s.c, s.id, info.Name, info.Display, info.Delim)
	if err != nil {
		return nil, err
	}
	if m.UIDValidity != uidValidity {
		// The first value is recorded as a change from 0.
		if err := s.c.add(nil, ledger.MailboxReset{Mailbox: m.ID, Old: m.UIDValidity, New: uidValidity}); err != nil {
			return nil, err
		}
		if err := s.c.flush(); err != nil {
			return nil, err
		}
	}
	if info.ID != "" && m.ObjectID != info.ID {
		if err := s.v.catalog.SetMailboxID(m.ID, info.ID); err != nil {
			return nil, err
		}
	}
	return &folder{s: s, m: m, uidValidity: uidValidity, started: s.v.now(), fresh: m.LastSync.IsZero() || m.UIDValidity != uidValidity}, nil
}

func (s *accountStore) LastClean(ctx context.Context, name string) (imapsync.CleanState, bool, error) {
	m, err := s.v.catalog.Mailbox(s.id, name)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && m.Clean.IsZero() {
		return imapsync.CleanState{}, false, nil
	}
	if err != nil {
		return imapsync.CleanState{}, false, err
	}
	now := s.v.now()
	n, held, err := s.v.catalog.Pending(m.ID, m.UIDValidity, now.Add(-retryQuarantined), now)
	return imapsync.CleanState{UIDValidity: m.UIDValidity, UIDNext: m.UIDNext, Exists: m.Exists, HighestModSeq: m.ModSeq,
		Pending: n, Quarantined: held, Resets: m.Resets, LastAudit: m.LastAudit, At: m.Clean}, true, err
}

func (s *accountStore) Event(ctx context.Context, kind, folder, detail string) {
	err := s.v.catalog.AddEvent(catalog.Event{Time: s.v.now(), Account: s.address, Mailbox: folder, Kind: kind, Detail: detail})
	if err != nil {
		s.v.log.Error("an event was not kept", "kind", kind, "err", err)
	}
}

// shorten cuts s to n octets at most, at the beginning of a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

var (
	_ imapsync.Relinker = (*folder)(nil)
	_ imapsync.Objects  = (*folder)(nil)
)

// folder is the imapsync.Folder of one pass over one mailbox.
type folder struct {
	s           *accountStore
	m           catalog.Mailbox
	uidValidity uint32
	started     time.Time
	fresh       bool // no sync entry yet for this epoch

	exists, uidNext uint32
	seen, gone      int
	flags           int
	relinked        int
}

func (f *folder) Known(ctx context.Context) iter.Seq2[imapsync.Known, error] {
	return func(yield func(imapsync.Known, error) bool) {
		uids, err := f.s.v.catalog.UIDs(f.m.ID, f.uidValidity)
		if err != nil {
			yield(imapsync.Known{}, err)
			return
		}
		for _, u := range uids {
			wait := retryQuarantined
			if u.Ref != (archive.Ref{}) {
				wait = retryStandIn
			}
			k := imapsync.Known{UID: u.UID, State: imapsync.State(u.State), Size: u.Size, InternalDate: u.InternalDate, Flags: u.Flags,
				Missed: u.Missed, Tries: u.Tries, Ref: u.Ref, Due: u.State == catalog.Quarantined && ago(f.s.v.now(), u.Tried, wait)}
			if !yield(k, nil) {
				return
			}
		}
	}
}

func (f *folder) List(ctx context.Context, uids []imapsync.ListedMessage) error {
	rows := make([]catalog.UIDState, len(uids))
	for i, u := range uids {
		rows[i] = catalog.UIDState{UID: u.UID, Size: u.Size, InternalDate: u.InternalDate, Flags: u.Flags}
	}
	return f.s.v.catalog.List(f.m.ID, f.uidValidity, rows)
}

func (f *folder) Accept(ctx context.Context, m imapsync.Accepted) error {
	f.seen++
	return f.s.c.add(m.Blob, ledger.MsgSeen{Blob: m.Blob.Ref().Hex(), Size: m.SizeAnnounced, Mailbox: f.m.ID, UIDValidity: f.uidValidity,
		UID: m.UID, InternalDate: dateText(m.InternalDate), Flags: m.Flags, StandIn: m.StandIn})
}

// Earlier implements imapsync.Relinker.
func (f *folder) Earlier(ctx context.Context, labels bool, each func(imapsync.Earlier)) error {
	return f.s.v.catalog.Earlier(f.m.ID, f.uidValidity, labels, func(u catalog.UIDState) {
		each(imapsync.Earlier{Ref: u.Ref, Size: u.Size, InternalDate: u.InternalDate})
	})
}

// Named implements imapsync.Relinker.
func (f *folder) Named(ctx context.Context, ids []string, each func(string, imapsync.Earlier)) error {
	return f.s.v.catalog.Named(f.m.ID, ids, func(id string, u catalog.UIDState) {
		each(id, imapsync.Earlier{Ref: u.Ref, Size: u.Size, InternalDate: u.InternalDate})
	})
}

// Objects implements imapsync.Objects.
func (f *folder) Objects(ctx context.Context, of []imapsync.ListedMessage) error {
	objects := make([]catalog.Object, len(of))
	for i, m := range of {
		objects[i] = catalog.Object{UID: m.UID, ID: m.Object.ID, Thread: m.Object.Thread, Labels: m.Object.Labels}
	}
	return f.s.v.catalog.SetObjects(f.m.ID, f.uidValidity, objects)
}

// Header implements imapsync.Relinker.
func (f *folder) Header(ctx context.Context, ref archive.Ref) ([]byte, error) {
	b, err := f.s.v.catalog.Blob(ref)
	if err != nil {
		return nil, err
	}
	body, _, err := f.s.v.archive.OpenAt(b.Ref, b.Place)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	r := bufio.NewReader(body)
	var header []byte
	for {
		line, err := r.ReadSlice('\n')
		header = append(header, line...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return header, nil // a message without a body
		case errors.Is(err, archive.ErrAltered):
			return nil, nil // like none: it is fetched again
		case err != nil:
			return nil, err
		case len(header) == 2 && string(header) == "\r\n" || bytes.HasSuffix(header, []byte("\r\n\r\n")):
			return header, nil
		}
	}
}

// Relink implements imapsync.Relinker.
func (f *folder) Relink(ctx context.Context, m imapsync.Relinked) error {
	f.seen++
	f.relinked++
	return f.s.c.add(nil, ledger.MsgSeen{Blob: m.Ref.Hex(), Size: m.Size, Mailbox: f.m.ID, UIDValidity: f.uidValidity,
		UID: m.UID, InternalDate: dateText(m.InternalDate), Flags: m.Flags, Relinked: m.By})
}

func (f *folder) Flush(ctx context.Context) error { return f.s.c.flush() }

func (f *folder) Flags(ctx context.Context, changes []imapsync.FlagChange) error {
	for _, c := range changes {
		f.flags++
		if err := f.s.c.add(nil, ledger.MsgFlags{Mailbox: f.m.ID, UIDValidity: f.uidValidity, UID: c.UID, Flags: c.Flags}); err != nil {
			return err
		}
	}
	return f.s.c.flush()
}

func (f *folder) Enumerated(ctx context.Context, e imapsync.Enumeration) (int, error) {
	f.exists, f.uidNext = e.Exists, e.UIDNext
	now := f.s.v.now()
	gone, vanished, err := f.s.v.catalog.Enumerated(f.m.ID, f.uidValidity, e.Session, e.Missing, now)
	if err != nil {
		return 0, err
	}
	for _, g := range gone {
		fact := ledger.MsgGone{Mailbox: f.m.ID, UIDValidity: f.uidValidity, UID: g.UID, Blob: g.Ref.Hex(),
			LastSeen: dateText(f.m.LastSync), FirstMissed: dateText(g.FirstMissed)}
		if err := f.s.c.add(nil, fact); err != nil {
			return 0, err
		}
	}
	f.gone += len(gone)
	return len(gone) + vanished, f.s.c.flush()
}

func (f *folder) Quarantine(ctx context.Context, uid uint32, why string) error {
	fact := ledger.MsgQuarantined{Mailbox: f.m.ID, UIDValidity: f.uidValidity, UID: uid, Why: shorten(why, 300)}
	u, err := f.s.v.catalog.UID(f.m.ID, f.uidValidity, uid)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	fact.Size, fact.InternalDate = u.Size, dateText(u.InternalDate)
	return f.s.c.add(nil, fact)
}

func (f *folder) Clean(ctx context.Context, c imapsync.CleanState) error {
	// A sync entry says that we looked and what the server held. Where nothing
	// changed it says little that the one before did not.
	if f.fresh || f.s.always || f.seen+f.gone+f.flags > 0 || ago(f.s.v.now(), f.m.LastSync, time.Hour) {
		fact := ledger.Sync{Mailbox: f.m.ID, UIDValidity: f.uidValidity, UIDNext: c.UIDNext, HighestModSeq: c.HighestModSeq, Exists: int64(c.Exists),
			New: int64(f.seen), Gone: int64(f.gone), Started: dateText(f.started), Ended: dateText(f.s.v.now())}
		if err := f.s.c.add(nil, fact); err != nil {
			return err
		}
		if err := f.s.c.flush(); err != nil {
			return err
		}
	}
	if f.relinked > 0 {
		if err := f.renamed(ctx); err != nil {
			return err
		}
	}
	return f.s.v.catalog.SetClean(f.m.ID, f.uidValidity, c.UIDNext, c.Exists, c.HighestModSeq, c.LastAudit, c.At)
}

// renamed records it when the folder is one that was known under another name.
func (f *folder) renamed(ctx context.Context) error {
	old, n, err := f.s.v.catalog.RenamedFrom(f.m.ID, f.uidValidity)
	if err != nil || old == 0 {
		return err
	}
	if err := f.s.c.add(nil, ledger.MailboxRenamed{Mailbox: f.m.ID, From: old, UIDValidity: f.uidValidity, Messages: int64(n)}); err != nil {
		return err
	}
	f.s.Event(ctx, "folder-renamed", string(f.m.Name), fmt.Sprintf("it holds the %d messages of a folder that is not listed any more, under the same numbers", n))
	return f.s.c.flush()
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
