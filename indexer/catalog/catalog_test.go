package catalog

import (
	"bytes"
	order "cmp"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

var now = time.Date(2023, 3, 13, 7, 41, 0, 0, time.UTC)

func open(t *testing.T) *Catalog {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func ref(s string) archive.Ref { return sha256.Sum256([]byte(s)) }

// commit records facts, with a blob for each of texts.
func commit(t *testing.T, c *Catalog, texts []string, facts ...ledger.Fact) {
	t.Helper()
	end, first, err := c.Position()
	if err != nil {
		t.Fatal(err)
	}
	var blobs []archive.Entry
	for _, s := range texts {
		end.Offset += 100
		blobs = append(blobs, archive.Entry{Ref: ref(s), Size: int64(len(s)), Place: archive.Place{Segment: 1, FrameOffset: end.Offset - 100, FrameLength: 100}})
	}
	end.Segment = 1
	var entries []ledger.Entry
	for _, f := range facts {
		entries = append(entries, ledger.Entry{Type: f.EntryType(), Time: now, Fact: f})
	}
	if err := c.Commit(end, blobs, first, entries); err != nil {
		t.Fatal(err)
	}
}

func seen(text string, uid uint32) ledger.MsgSeen {
	r := ref(text)
	return ledger.MsgSeen{Blob: r.Hex(), Size: int64(len(text)), Mailbox: 1, UIDValidity: 7, UID: uid, InternalDate: "2023-03-02T09:12:00+01:00", Flags: []string{`\Seen`}}
}

func base(t *testing.T) *Catalog {
	c := open(t)
	commit(t, c, nil, ledger.AccountAdded{Account: 1, Address: "nora@deskandco.example", Host: "imap", Source: "imap"},
		ledger.MailboxAdded{Mailbox: 1, Account: 1, Name: "INBOX", Display: "INBOX", Delim: "/"}, ledger.MailboxReset{Mailbox: 1, New: 7})
	return c
}

func states(t *testing.T, c *Catalog) map[uint32]string {
	t.Helper()
	uids, err := c.UIDs(1, 7)
	if err != nil {
		t.Fatal(err)
	}
	m := map[uint32]string{}
	for _, u := range uids {
		m[u.UID] = u.State
		if u.Missed != "" {
			m[u.UID] += " missed"
		}
	}
	return m
}

// A full disk says so, and what was there stays.
func TestFullDisk(t *testing.T) {
	c := open(t)
	if _, err := c.wc.ExecContext(t.Context(), "PRAGMA max_page_count = 100"); err != nil {
		t.Fatal(err)
	}
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = c.Update(func(tx *Tx) error { return tx.SetMeta(fmt.Sprint("key ", n), strings.Repeat("x", 4000)) })
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d values: %v", n, err)
	}
	if v, err := c.Meta("key 0"); err != nil || len(v) != 4000 {
		t.Errorf("the first value: %d octets, %v", len(v), err)
	}
}

func TestLifeOfUIDs(t *testing.T) {
	c := base(t)
	date := time.Date(2023, 3, 2, 9, 12, 0, 0, time.FixedZone("", 3600))
	listed := []UIDState{{UID: 1, Size: 3, InternalDate: date}, {UID: 2, Size: 3, InternalDate: date}, {UID: 3, Size: 3, InternalDate: date}}
	if err := c.List(1, 7, listed); err != nil {
		t.Fatal(err)
	}
	check := func(what string, want map[uint32]string) {
		t.Helper()
		if d := cmp.Diff(want, states(t, c)); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	check("listed", map[uint32]string{1: Listed, 2: Listed, 3: Listed})
	commit(t, c, []string{"one", "two"}, seen("one", 1), seen("two", 2))
	commit(t, c, nil, ledger.MsgQuarantined{Mailbox: 1, UIDValidity: 7, UID: 3, Size: 3, InternalDate: "2023-03-02T09:12:00+01:00", Why: "the server will not"})
	check("after a pass", map[uint32]string{1: Stored, 2: Stored, 3: Quarantined})
	if n, q, err := c.Pending(1, 7, now.Add(-time.Hour), now); err != nil || n != 0 || q != 1 {
		t.Errorf("an hour after the last try: %d pending, %d quarantined, %v; want 0 and 1", n, q, err)
	}
	if n, q, err := c.Pending(1, 7, now, now); err != nil || n != 1 || q != 1 {
		t.Errorf("when the retry is due: %d pending, %d quarantined, %v; want 1 and 1", n, q, err)
	}

	// Missed once is a mark, seen again clears it, missed by two sessions is gone.
	enumerate := func(session string, missing ...uint32) []Gone {
		t.Helper()
		gone, _, err := c.Enumerated(1, 7, session, missing, now)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	}
	enumerate("a", 1, 3)
	check("missed once", map[uint32]string{1: "stored missed", 2: Stored, 3: "quarantined missed"})
	if gone := enumerate("a", 1, 3); len(gone) != 0 {
		t.Errorf("the same session twice made %v gone", gone)
	}
	enumerate("b", 3)
	check("one is back", map[uint32]string{1: Stored, 2: Stored, 3: "vanished missed"})
	enumerate("c", 1)
	if gone := enumerate("d", 1); len(gone) != 1 || gone[0].UID != 1 || gone[0].Ref != ref("one") {
		t.Errorf("missed by two sessions: got %v, want UID 1", gone)
	}
	commit(t, c, nil, ledger.MsgGone{Mailbox: 1, UIDValidity: 7, UID: 1, Blob: ref("one").Hex()})
	check("gone", map[uint32]string{1: "vanished missed", 2: Stored, 3: Vanished})

	// Another message under the same number: the old one stays, as it was.
	if err := c.List(1, 7, []UIDState{{UID: 2, Size: 99, InternalDate: date}}); err != nil {
		t.Fatal(err)
	}
	check("a number used again", map[uint32]string{1: "vanished missed", 2: Listed, 3: Vanished})
	commit(t, c, []string{"other"}, seen("other", 2))
	for text, gone := range map[string]bool{"two": true, "other": false} {
		b, err := c.Blob(ref(text))
		if err != nil {
			t.Fatal(err)
		}
		places, err := c.Places(b.ID)
		if err != nil || len(places) != 1 || places[0].Gone != gone || places[0].UID != 2 {
			t.Errorf("%s lies in %+v, %v; want UID 2, gone %v", text, places, err, gone)
		}
	}
}

// Recording the same entries twice, as a start after a crash may, changes nothing.
func TestCommitTwice(t *testing.T) {
	c := base(t)
	commit(t, c, []string{"one"}, seen("one", 1))
	end, n, err := c.Position()
	if err != nil {
		t.Fatal(err)
	}
	f := seen("one", 1)
	blob := archive.Entry{Ref: ref("one"), Size: 3, Place: archive.Place{Segment: 1, FrameLength: 100}}
	if err := c.Commit(end, []archive.Entry{blob}, n-1, []ledger.Entry{{Type: f.EntryType(), Time: now, Fact: f}}); err != nil {
		t.Fatal(err)
	}
	b, err := c.Blob(ref("one"))
	if err != nil {
		t.Fatal(err)
	}
	places, err := c.Places(b.ID)
	if err != nil || len(places) != 1 {
		t.Errorf("%d places, %v; want 1", len(places), err)
	}
	if messages, _, err := c.Totals(); err != nil || messages != 1 {
		t.Errorf("%d messages, %v; want 1", messages, err)
	}
}

func TestLedgerNamesWhatIsNotThere(t *testing.T) {
	c := base(t)
	end, n, err := c.Position()
	if err != nil {
		t.Fatal(err)
	}
	f := seen("never stored", 1)
	err = c.Commit(end, nil, n, []ledger.Entry{{Type: f.EntryType(), Time: now, Fact: f}})
	if !errors.Is(err, ErrNoBlob) {
		t.Errorf("got %v, want ErrNoBlob", err)
	}
	if _, after, _ := c.Position(); after != n {
		t.Errorf("the cursor moved from %d to %d", n, after)
	}
}

func TestReadings(t *testing.T) {
	c := base(t)
	commit(t, c, []string{"one", "two"}, seen("one", 1), seen("two", 2))
	blobs, err := c.BlobsAfter(0, 10)
	if err != nil || len(blobs) != 2 {
		t.Fatalf("%d blobs, %v; want 2", len(blobs), err)
	}
	doc := func(mid string, cites ...string) Doc {
		return Doc{MessageID: mid, References: cites, From: []message.Address{{Name: "Martin Hale", Address: "martin@halearchitects.example"}}, Subject: "Trip",
			Statements: []Statement{{ID: StatementID(ref(mid), 0, 4), Kind: statement.Instruction, Quote: "Book", End: 4}}}
	}
	reads := []Read{{Blob: blobs[0].ID, Doc: doc("a@x.example", "lost@x.example"), Subject: "trip", Date: now}, {Blob: blobs[1].ID, Doc: doc("b@x.example", "a@x.example"), Subject: "trip", Date: now.Add(time.Hour)}}
	for range 2 { // keeping a reading again replaces it
		if err := c.SaveReadings(reads); err != nil {
			t.Fatal(err)
		}
	}
	related, err := c.Related([]archive.Ref{ref("two")}, 10)
	if err != nil || len(related) != 2 {
		t.Errorf("related to two: %v, %v; want both", related, err)
	}
	if got, err := c.Absent(10); err != nil || !cmp.Equal(got, []string{"lost@x.example"}) {
		t.Errorf("absent: %v, %v", got, err)
	}
	if got, err := c.With([]string{"MARTIN@halearchitects.example"}, now, now.Add(time.Hour), 10); err != nil || len(got) != 1 || got[0] != ref("one") {
		t.Errorf("with Martin in [now, an hour later): %v, %v; want one", got, err)
	}
	id := StatementID(ref("a@x.example"), 0, 4)
	if got, _, err := c.Statement(id); err != nil || got != ref("one") {
		t.Errorf("statement %s stands in %v, %v", id, got, err)
	}
	m, err := c.Message(ref("one"))
	if err != nil || m.Doc.Subject != "Trip" || len(m.Places) != 1 || !m.Places[0].InternalDate.Equal(time.Date(2023, 3, 2, 8, 12, 0, 0, time.UTC)) {
		t.Errorf("message one: %+v, %v", m, err)
	}
	if err := c.ResetDerived(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Message(ref("one")); !errors.Is(err, ErrNotFound) {
		t.Errorf("after dropping the readings: %v, want ErrNotFound", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d", Format+1)); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(path); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v, want ErrNewer", err)
	}
}

// A stand-in is kept, and the UID is not stored before the message itself comes.
func TestStandIn(t *testing.T) {
	c := base(t)
	excuse := seen("excuse", 1)
	excuse.StandIn = true
	commit(t, c, []string{"excuse"}, excuse)
	if d := cmp.Diff(map[uint32]string{1: Quarantined}, states(t, c)); d != "" {
		t.Errorf("with the stand-in (-want +got):\n%s", d)
	}
	n, err := c.Count(1, 7, 0)
	if err != nil || n.Quarantined != 1 || n.Stored != 0 {
		t.Errorf("counted: %+v, %v", n, err)
	}
	commit(t, c, nil, excuse) // a week later
	if d := cmp.Diff(map[uint32]string{1: Quarantined}, states(t, c)); d != "" {
		t.Errorf("with the stand-in again (-want +got):\n%s", d)
	}
	commit(t, c, []string{"message"}, seen("message", 1))
	if d := cmp.Diff(map[uint32]string{1: Stored}, states(t, c)); d != "" {
		t.Errorf("with the message (-want +got):\n%s", d)
	}
	for text, gone := range map[string]bool{"excuse": true, "message": false} {
		b, err := c.Blob(ref(text))
		if err != nil {
			t.Fatal(err)
		}
		places, err := c.Places(b.ID)
		if err != nil || len(places) != 1 || places[0].Gone != gone {
			t.Errorf("%s lies in %+v, %v; want gone %v", text, places, err, gone)
		}
	}
}

// With merges the mail of many addresses as one sorted question would find it.
func TestWithManyAddresses(t *testing.T) {
	c := base(t)
	var names []string
	var all []ledger.Fact
	for i := range 60 {
		names = append(names, fmt.Sprint("mail ", i))
		all = append(all, seen(names[i], uint32(i+1)))
	}
	commit(t, c, names, all...)
	type mail struct {
		date int64
		ref  archive.Ref
	}
	var reads []Read
	var want []mail
	people := []string{"a@x.example", "b@x.example", "c@x.example"}
	for i, name := range names {
		b, err := c.Blob(ref(name))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1_700_000_000+int64(i*7919%60/4), 0) // four at each moment
		d := Doc{}
		for k, p := range people {
			if i%(k+2) == 0 {
				d.To = append(d.To, message.Address{Address: p})
			}
		}
		if len(d.To) > 0 {
			want = append(want, mail{at.Unix(), b.Ref})
		}
		reads = append(reads, Read{Blob: b.ID, Doc: d, Date: at})
	}
	if err := c.SaveReadings(reads); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, func(a, b mail) int {
		return order.Or(int(a.date-b.date), bytes.Compare(a.ref[:], b.ref[:]))
	})
	for _, limit := range []int{1, 2, 3, 10, 11, 12, 13, 30, 100} {
		got, err := c.With(append(people, "B@X.example", "nobody@x.example"), time.Time{}, time.Time{}, limit)
		if err != nil {
			t.Fatal(err)
		}
		var refs []archive.Ref
		for _, m := range want[:min(limit, len(want))] {
			refs = append(refs, m.ref)
		}
		if !slices.Equal(got, refs) {
			t.Errorf("the first %d are not the oldest", limit)
		}
	}
}

func TestRefsWithPrefix(t *testing.T) {
	c := base(t)
	var names []string
	var all []ledger.Fact
	for i := range 40 {
		names = append(names, fmt.Sprint("mail ", i))
		all = append(all, seen(names[i], uint32(i+1)))
	}
	commit(t, c, names, all...)
	whole := ref(names[3]).Hex()
	for _, prefix := range []string{"", "0", "f", "ff", whole[:1], whole[:2], whole[:5], whole, whole + "0", "xyz", strings.ToUpper("abc")} {
		var want []archive.Ref
		for _, n := range names {
			if r := ref(n); strings.HasPrefix(r.Hex(), prefix) {
				want = append(want, r)
			}
		}
		slices.SortFunc(want, func(a, b archive.Ref) int { return bytes.Compare(a[:], b[:]) })
		got, err := c.RefsWithPrefix(prefix, 100)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %d refs, %v; want %d", prefix, len(got), err, len(want))
		}
	}
}
