package catalog

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
)

// Occurrence states.
const (
	Listed      = "listed"      // the server has it, we do not yet
	Stored      = "stored"      // durable in archive and ledger
	Quarantined = "quarantined" // the server would not give it
	Vanished    = "vanished"    // gone before it could be stored
)

// Blob is a message in the archive.
type Blob struct {
	ID    int64
	Ref   archive.Ref
	Size  int64
	Place archive.Place
	Entry int64     // ledger index of the entry that first saw it, -1 before there is one
	Seen  time.Time // that entry's time: our clock
}

// Commit records one group: blobs that the archive made durable up to end, and
// the ledger entries from index first on that name them. It is the only way
// messages become "stored", on the normal path and at start-up alike; a blob or
// entry that is already recorded changes nothing.
func (c *Catalog) Commit(end archive.End, blobs []archive.Entry, first int64, entries []ledger.Entry) error {
	// A blob and the entry that first saw it mostly come together: one row, once.
	type sight struct {
		entry int64
		at    time.Time
	}
	sights := map[string]sight{}
	if len(blobs) > 0 {
		for i, e := range entries {
			if f, ok := e.Fact.(ledger.MsgSeen); ok {
				if _, have := sights[f.Blob]; !have {
					sights[f.Blob] = sight{first + int64(i), e.Time}
				}
			}
		}
	}
	return c.Update(func(t *Tx) error {
		for _, b := range blobs {
			entry, seen := int64(-1), int64(0)
			if s, ok := sights[b.Ref.Hex()]; ok {
				entry, seen = s.entry, s.at.UnixMilli()
			}
			err := t.exec(`INSERT INTO blob (ref, size, segment, frame_offset, frame_length, entry_offset, entry, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (ref) DO NOTHING`, b.Ref[:], b.Size, b.Place.Segment, b.Place.FrameOffset, b.Place.FrameLength, b.Place.EntryOffset, entry, seen)
			if err != nil {
				return fmt.Errorf("recording %v: %w", b.Ref, err)
			}
		}
		for i, e := range entries {
			if err := t.apply(first+int64(i), e); err != nil {
				return fmt.Errorf("recording ledger entry %d (%s): %w", first+int64(i), e.Type, err)
			}
		}
		if err := t.SetMeta("archive_end", fmt.Sprintf("%d %d", end.Segment, end.Offset)); err != nil {
			return err
		}
		return t.SetMeta("ledger_cursor", strconv.FormatInt(first+int64(len(entries)), 10))
	})
}

// Position returns how far into archive and ledger the catalog has recorded.
func (c *Catalog) Position() (end archive.End, entries int64, err error) {
	s, err := c.Meta("archive_end")
	if err != nil {
		return end, 0, err
	}
	if s != "" {
		if _, err := fmt.Sscanf(s, "%d %d", &end.Segment, &end.Offset); err != nil {
			return end, 0, fmt.Errorf("catalog: reading archive_end %q: %w", s, err)
		}
	}
	if s, err = c.Meta("ledger_cursor"); err != nil || s == "" {
		return end, 0, err
	}
	entries, err = strconv.ParseInt(s, 10, 64)
	return end, entries, err
}

// apply records one ledger entry.
func (t *Tx) apply(index int64, e ledger.Entry) error {
	switch f := e.Fact.(type) {
	case ledger.AccountAdded:
		return t.exec(`INSERT INTO account (id, address, host, source) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, f.Account, f.Address, f.Host, f.Source)
	case ledger.MailboxAdded:
		return t.exec(`INSERT INTO mailbox (id, account, name, display, delim) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.Mailbox, f.Account, []byte(f.Name), f.Display, f.Delim)
	case ledger.MailboxReset:
		return t.reset(f.Mailbox, f.Old, f.New, e.Time)
	case ledger.MailboxListed:
		return t.exec(`UPDATE mailbox SET listed = ?, excluded = ? WHERE id = ?`, f.Listed, f.Excluded, f.Mailbox)
	case ledger.MailboxRenamed:
		// Its messages live under the new name, which has entries of its own.
		if err := t.exec(`UPDATE mailbox SET server = 0, clean = 0 WHERE id = ?`, f.From); err != nil {
			return err
		}
		return t.exec(`UPDATE occurrence SET gone = ?, state = 'vanished' WHERE mailbox = ? AND state = 'stored' AND gone = 0`, e.Time.UnixMilli(), f.From)
	case ledger.MsgSeen:
		if err := t.seen(index, e.Time, f); err != nil || !f.StandIn {
			return err
		}
		return t.exec(`UPDATE occurrence SET state = 'quarantined', tries = tries + 1, tried_at = ?, error = 'the server gave a stand-in for the message'
			WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, e.Time.UnixMilli(), f.Mailbox, f.UIDValidity, f.UID)
	case ledger.MsgQuarantined:
		date, zone, err := dateText(f.InternalDate)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO occurrence (mailbox, uidvalidity, uid, state, size, internaldate, zone, flags, tries, tried_at, error)
			VALUES (?, ?, ?, 'quarantined', ?, ?, ?, '', 1, ?, ?)
			ON CONFLICT DO UPDATE SET state = 'quarantined', tries = tries + 1, tried_at = excluded.tried_at, error = excluded.error WHERE state <> 'stored'`,
			f.Mailbox, f.UIDValidity, f.UID, f.Size, date, zone, e.Time.UnixMilli(), f.Why)
	case ledger.MsgFlags:
		return t.exec(`UPDATE occurrence SET flags = ? WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, flagText(f.Flags), f.Mailbox, f.UIDValidity, f.UID)
	case ledger.MsgGone:
		return t.exec(`UPDATE occurrence SET gone = ?, state = 'vanished' WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, e.Time.UnixMilli(), f.Mailbox, f.UIDValidity, f.UID)
	case ledger.Sync:
		ended, err := time.Parse(time.RFC3339, f.Ended)
		if err != nil {
			return err
		}
		return t.exec(`UPDATE mailbox SET server = ?, last_sync = ?, uidvalidity = ? WHERE id = ?`, f.Exists, ended.UnixMilli(), f.UIDValidity, f.Mailbox)
	case ledger.Import:
		ended, err := time.Parse(time.RFC3339, f.Ended)
		if err != nil {
			return err
		}
		return t.exec(`UPDATE mailbox SET last_sync = ? WHERE account = ?`, ended.UnixMilli(), f.Account)
	}
	return t.decided(index, e)
}

func (t *Tx) seen(index int64, at time.Time, f ledger.MsgSeen) error {
	ref, err := archive.ParseRef(f.Blob)
	if err != nil {
		return err
	}
	var blob, entry int64
	err = t.scan(`SELECT id, entry FROM blob WHERE ref = ?`, []any{ref[:]}, &blob, &entry)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%v: %w", ref, ErrNoBlob)
	}
	if err != nil {
		return err
	}
	date, zone, err := dateText(f.InternalDate)
	if err != nil {
		return err
	}
	switch {
	case entry < 0:
		err = t.exec(`UPDATE blob SET entry = ?, seen = ? WHERE id = ?`, index, at.UnixMilli(), blob)
		if err == nil {
			// It may lie behind the reader's cursor: an exhibit is not read.
			err = t.markStale(blob)
		}
	case entry != index:
		err = t.markStale(blob)
	}
	if err != nil {
		return err
	}
	stored, err := t.change(`INSERT INTO occurrence (mailbox, uidvalidity, uid, state, blob, size, internaldate, zone, flags, path) VALUES (?, ?, ?, 'stored', ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET state = 'stored', blob = excluded.blob, size = excluded.size, internaldate = excluded.internaldate,
			zone = excluded.zone, flags = excluded.flags, path = excluded.path, error = '', missed = '', missed_at = 0, gone = 0
			WHERE blob IS NULL OR blob = excluded.blob`,
		f.Mailbox, f.UIDValidity, f.UID, blob, f.Size, date, zone, flagText(f.Flags), f.Path)
	if err != nil || stored > 0 {
		return err
	}
	// Another message under the same UID: the server used the number again. What
	// was there before stays, as an earlier version.
	err = t.exec(`INSERT INTO occurrence (mailbox, uidvalidity, uid, version, state, blob, size, internaldate, zone, flags, path, gone)
		SELECT mailbox, uidvalidity, uid, (SELECT max(version) + 1 FROM occurrence v WHERE v.mailbox = o.mailbox AND v.uidvalidity = o.uidvalidity AND v.uid = o.uid),
			'vanished', blob, size, internaldate, zone, flags, path, CASE WHEN gone = 0 THEN ? ELSE gone END
		FROM occurrence o WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0 AND blob <> ?`,
		at.UnixMilli(), f.Mailbox, f.UIDValidity, f.UID, blob)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE occurrence SET state = 'stored', blob = ?, size = ?, internaldate = ?, zone = ?, flags = ?, path = ?, error = '', missed = '', missed_at = 0, gone = 0
		WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`,
		blob, f.Size, date, zone, flagText(f.Flags), f.Path, f.Mailbox, f.UIDValidity, f.UID)
}

// dateText reads a date of an entry; "" is unknown.
func dateText(s string) (unix int64, zone int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	unix, zone = dateOut(t)
	return unix, zone, err
}

func flagText(flags []string) string { return strings.Join(flags, " ") }

func flagList(s string) []string { return strings.Fields(s) }

// Account is one source of mail.
type Account struct {
	ID            int64
	Address, Host string
	Source        string // imap | import
	State, Detail string // last trouble, "" when the last pass was clean
}

// Accounts returns all accounts in order of their first use.
func (c *Catalog) Accounts() ([]Account, error) {
	rows, err := c.r.Query(`SELECT id, address, host, source, state, detail FROM account ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Account
	for rows.Next() {
		var a Account
		if err := rows.Scan(&a.ID, &a.Address, &a.Host, &a.Source, &a.State, &a.Detail); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// SetAccountState keeps what the last pass over an account ended with.
func (c *Catalog) SetAccountState(id int64, state, detail string) error {
	return c.Update(func(t *Tx) error {
		return t.exec(`UPDATE account SET state = ?, detail = ? WHERE id = ?`, state, detail, id)
	})
}

// Mailbox is one folder of an account. The last clean pass is zero before there
// was one.
type Mailbox struct {
	ID, Account int64
	Name        []byte // as on the wire
	Display     string
	UIDValidity uint32
	UIDNext     uint32
	ModSeq      uint64
	Exists      uint32
	Clean       time.Time // end of the last clean pass
	LastAudit   time.Time
	Server      int
	LastSync    time.Time
	Excluded    bool
	Listed      bool   // the last LIST showed it
	ObjectID    string // MAILBOXID, "" when it is not known
	Resets      int    // how often the UIDVALIDITY changed, each time within two days of the one before
}

const mailboxColumns = `id, account, name, display, uidvalidity, uidnext, modseq, clean_exists, clean, last_audit, server, last_sync, excluded, listed, objectid, resets`

func scanMailbox(row interface{ Scan(...any) error }) (Mailbox, error) {
	var m Mailbox
	var clean, audit, last int64
	err := row.Scan(&m.ID, &m.Account, &m.Name, &m.Display, &m.UIDValidity, &m.UIDNext, &m.ModSeq, &m.Exists, &clean, &audit, &m.Server, &last, &m.Excluded, &m.Listed, &m.ObjectID, &m.Resets)
	m.Clean, m.LastAudit, m.LastSync = milli(clean), milli(audit), milli(last)
	return m, err
}

// Mailboxes returns the mailboxes of one account in order of their first use.
func (c *Catalog) Mailboxes(account int64) ([]Mailbox, error) {
	rows, err := c.r.Query(`SELECT `+mailboxColumns+` FROM mailbox WHERE account = ? ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Mailbox
	for rows.Next() {
		m, err := scanMailbox(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// Mailbox returns the mailbox of an account with that name, as on the wire, or
// ErrNotFound.
func (c *Catalog) Mailbox(account int64, name string) (Mailbox, error) {
	m, err := scanMailbox(c.r.QueryRow(`SELECT `+mailboxColumns+` FROM mailbox WHERE account = ? AND name = ?`, account, []byte(name)))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return m, err
}

// Next returns the ids that the next new account and mailbox get.
func (c *Catalog) Next() (account, mailbox int64, err error) {
	err = c.r.QueryRow(`SELECT (SELECT coalesce(max(id), 0) + 1 FROM account), (SELECT coalesce(max(id), 0) + 1 FROM mailbox)`).Scan(&account, &mailbox)
	return
}

// NextUID returns the number that the next imported message of a mailbox gets.
func (c *Catalog) NextUID(mailbox int64) (uint32, error) {
	var n uint32
	err := c.r.QueryRow(`SELECT coalesce(max(uid), 0) + 1 FROM occurrence WHERE mailbox = ? AND uidvalidity = 0`, mailbox).Scan(&n)
	return n, err
}

// CountAccount counts what was stored of an account.
func (c *Catalog) CountAccount(account int64) (n int, err error) {
	err = c.r.QueryRow(`SELECT count(*) FROM occurrence o JOIN mailbox m ON m.id = o.mailbox WHERE m.account = ? AND o.blob IS NOT NULL`, account).Scan(&n)
	return n, err
}

// Holds reports whether a mailbox has an occurrence of ref.
func (c *Catalog) Holds(mailbox int64, ref archive.Ref) (bool, error) {
	var n int
	err := c.r.QueryRow(`SELECT count(*) FROM occurrence o JOIN blob b ON b.id = o.blob WHERE b.ref = ? AND o.mailbox = ?`, ref[:], mailbox).Scan(&n)
	return n > 0, err
}

// UIDState is what is known of one UID of the current epoch.
type UIDState struct {
	UID          uint32
	State        string
	Size         int64
	InternalDate time.Time
	Flags        []string
	Missed       string // session that missed it first, "" when none did
	Tries        int
	Tried        time.Time
	Ref          archive.Ref // zero until stored
}

// UIDs returns the known UIDs of one epoch.
func (c *Catalog) UIDs(mailbox int64, uidValidity uint32) ([]UIDState, error) {
	rows, err := c.r.Query(`SELECT o.uid, o.state, o.size, o.internaldate, o.zone, o.flags, o.missed, o.tries, o.tried_at, b.ref
		FROM occurrence o LEFT JOIN blob b ON b.id = o.blob WHERE o.mailbox = ? AND o.uidvalidity = ? AND o.version = 0 ORDER BY o.uid`, mailbox, uidValidity)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []UIDState
	for rows.Next() {
		var u UIDState
		var date, tried int64
		var zone int
		var flags string
		var ref []byte
		if err := rows.Scan(&u.UID, &u.State, &u.Size, &date, &zone, &flags, &u.Missed, &u.Tries, &tried, &ref); err != nil {
			return nil, err
		}
		u.InternalDate, u.Flags, u.Tried = dateIn(date, zone), flagList(flags), milli(tried)
		copy(u.Ref[:], ref)
		out = append(out, u)
	}
	return out, rows.Err()
}

// UID returns size and internal date of one UID of an epoch, or ErrNotFound.
func (c *Catalog) UID(mailbox int64, uidValidity, uid uint32) (UIDState, error) {
	u := UIDState{UID: uid}
	var date int64
	var zone int
	err := c.r.QueryRow(`SELECT state, size, internaldate, zone FROM occurrence WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, mailbox, uidValidity, uid).
		Scan(&u.State, &u.Size, &date, &zone)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	u.InternalDate = dateIn(date, zone)
	return u, err
}

// List inserts UIDs as listed, in one transaction: these rows are what makes a
// loss visible after a crash, so they stand before anything is downloaded. A UID
// that is known already is listed again when it had vanished, or when its size or
// internal date says that the server shows another message under its number.
func (c *Catalog) List(mailbox int64, uidValidity uint32, uids []UIDState) error {
	return c.Update(func(t *Tx) error {
		for _, u := range uids {
			date, zone := dateOut(u.InternalDate)
			err := t.exec(`INSERT INTO occurrence (mailbox, uidvalidity, uid, state, size, internaldate, zone, flags) VALUES (?, ?, ?, 'listed', ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET state = 'listed', missed = '', missed_at = 0,
						size = CASE WHEN state IN ('left out', 'not chosen') THEN excluded.size ELSE size END,
						internaldate = CASE WHEN state IN ('left out', 'not chosen') THEN excluded.internaldate ELSE internaldate END
					WHERE state = 'vanished' OR (state IN ('stored', 'quarantined', 'left out', 'not chosen') AND (size <> excluded.size OR internaldate <> excluded.internaldate))`,
				mailbox, uidValidity, u.UID, u.Size, date, zone, flagText(u.Flags))
			if err != nil {
				return fmt.Errorf("listing UID %d: %w", u.UID, err)
			}
		}
		return nil
	})
}

// Gone is a stored UID that two sessions did not see any more.
type Gone struct {
	UID         uint32
	Ref         archive.Ref
	FirstMissed time.Time
}

// Enumerated tells which known UIDs one complete enumeration lacked. One missed
// for the first time is marked with the session; one that another session missed
// before is gone: it is returned, for the ledger to say so, when it was stored,
// and has vanished when it never was. All others lose their mark.
func (c *Catalog) Enumerated(mailbox int64, uidValidity uint32, session string, missing []uint32, now time.Time) (gone []Gone, vanished int, err error) {
	err = c.Update(func(t *Tx) error {
		gone, vanished = nil, 0
		miss := make(map[uint32]bool, len(missing))
		for _, uid := range missing {
			miss[uid] = true
		}
		marked, err := t.marked(mailbox, uidValidity)
		if err != nil {
			return err
		}
		for _, uid := range marked {
			if !miss[uid] {
				if err := t.exec(`UPDATE occurrence SET missed = '', missed_at = 0 WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, mailbox, uidValidity, uid); err != nil {
					return err
				}
			}
		}
		for _, uid := range missing {
			var state, missed string
			var at int64
			var ref []byte
			err := t.scan(`SELECT o.state, o.missed, o.missed_at, b.ref FROM occurrence o LEFT JOIN blob b ON b.id = o.blob
				WHERE o.mailbox = ? AND o.uidvalidity = ? AND o.uid = ? AND o.version = 0`, []any{mailbox, uidValidity, uid}, &state, &missed, &at, &ref)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			switch {
			case state == Vanished || missed == session:
			case missed == "":
				err = t.exec(`UPDATE occurrence SET missed = ?, missed_at = ? WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, session, now.UnixMilli(), mailbox, uidValidity, uid)
			case state == Stored:
				g := Gone{UID: uid, FirstMissed: milli(at)}
				copy(g.Ref[:], ref)
				gone = append(gone, g)
			default:
				vanished++
				err = t.exec(`UPDATE occurrence SET state = 'vanished' WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0`, mailbox, uidValidity, uid)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return gone, vanished, err
}

func (t *Tx) marked(mailbox int64, uidValidity uint32) ([]uint32, error) {
	s, err := t.stmt(`SELECT uid FROM occurrence WHERE mailbox = ? AND uidvalidity = ? AND version = 0 AND missed <> ''`)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(mailbox, uidValidity)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []uint32
	for rows.Next() {
		var uid uint32
		if err := rows.Scan(&uid); err != nil {
			return nil, err
		}
		out = append(out, uid)
	}
	return out, rows.Err()
}

// SetClean keeps the state of a clean pass; it is what lets the next pass skip a
// mailbox, and nothing else.
func (c *Catalog) SetClean(mailbox int64, uidValidity, uidNext, exists uint32, modSeq uint64, audited, at time.Time) error {
	return c.Update(func(t *Tx) error {
		return t.exec(`UPDATE mailbox SET uidvalidity = ?, uidnext = ?, clean_exists = ?, modseq = ?, clean = ?, last_audit = ? WHERE id = ?`,
			uidValidity, uidNext, exists, int64(modSeq), milliOut(at), milliOut(audited), mailbox)
	})
}

// Event is one line of the record of collection, for people.
type Event struct {
	Time                           time.Time
	Account, Mailbox, Kind, Detail string
}

// AddEvent appends to the record of collection.
func (c *Catalog) AddEvent(e Event) error {
	return c.Update(func(t *Tx) error {
		return t.exec(`INSERT INTO event (time, account, mailbox, kind, detail) VALUES (?, ?, ?, ?, ?)`, e.Time.UnixMilli(), e.Account, e.Mailbox, e.Kind, e.Detail)
	})
}

// SetListed keeps which mailboxes of an account the server lists, and which of
// them the configuration leaves out.
func (c *Catalog) SetListed(account int64, listed map[int64]bool, excluded map[int64]bool) error {
	all, err := c.Mailboxes(account)
	if err != nil {
		return err
	}
	return c.Update(func(t *Tx) error {
		for _, m := range all {
			if err := t.exec(`UPDATE mailbox SET listed = ?, excluded = ? WHERE id = ?`, listed[m.ID], excluded[m.ID], m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pending counts the rows of an epoch that still want work, which are those listed,
// those quarantined and last tried before due (or after now, by a clock that was set
// back), and those missed by one session; and all that are quarantined.
func (c *Catalog) Pending(mailbox int64, uidValidity uint32, due, now time.Time) (pending, quarantined int, err error) {
	err = c.r.QueryRow(`SELECT count(CASE WHEN state = 'listed' OR (state = 'quarantined' AND (tried_at <= ? OR tried_at > ?)) OR (missed <> '' AND state <> 'vanished') THEN 1 END),
			count(CASE WHEN state = 'quarantined' THEN 1 END)
		FROM occurrence WHERE mailbox = ? AND uidvalidity = ? AND version = 0`, due.UnixMilli(), now.UnixMilli(), mailbox, uidValidity).Scan(&pending, &quarantined)
	return pending, quarantined, err
}

func dateIn(unix int64, zone int) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	if zone == 0 {
		return time.Unix(unix, 0).UTC()
	}
	return time.Unix(unix, 0).In(time.FixedZone("", zone))
}

func dateOut(t time.Time) (unix int64, zone int) {
	if t.IsZero() {
		return 0, 0
	}
	_, zone = t.Zone()
	return t.Unix(), zone
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func milliOut(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
