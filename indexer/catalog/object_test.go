package catalog

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
)

// A catalog of the second format opens, with what it held.
func TestSecondFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ {
		text, err := migrations.ReadFile(fmt.Sprintf("migrations/%03d.sql", n))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"PRAGMA user_version = 2", `INSERT INTO account (id, address, host, source) VALUES (1, 'nora@deskandco.example', 'imap.deskandco.example:993', 'imap')`,
		`INSERT INTO mailbox (id, account, name, display, delim, uidvalidity) VALUES (4, 1, CAST('INBOX' AS BLOB), 'INBOX', '/', 7)`} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m, err := c.Mailbox(1, "INBOX")
	if err != nil || m.ID != 4 || m.UIDValidity != 7 || m.ObjectID != "" || m.Resets != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// What a server calls a message holds within its account.
func TestObjects(t *testing.T) {
	c := base(t)
	other := seen("other", 1)
	other.Mailbox = 2
	commit(t, c, []string{"one", "two", "other"}, ledger.AccountAdded{Account: 2, Address: "b@deskandco.example", Source: "imap"},
		ledger.MailboxAdded{Mailbox: 2, Account: 2, Name: "INBOX", Display: "INBOX"}, seen("one", 1), seen("two", 2), other)
	for mailbox, objects := range map[int64][]Object{1: {{UID: 1, ID: "M1", Thread: "T1"}, {UID: 2, ID: "M9", Thread: "T1", Labels: []string{"a", "b c"}}, {UID: 3, ID: "M3"}}, 2: {{UID: 1, ID: "M1", Thread: "T1"}}} {
		if err := c.SetObjects(mailbox, 7, objects); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetObjects(1, 7, []Object{{UID: 2, ID: "M2", Thread: "T1"}}); err != nil {
		t.Fatal(err)
	}
	for mailbox, want := range map[int64]string{1: fmt.Sprint("M1 ", ref("one"), " M2 ", ref("two")), 2: fmt.Sprint("M1 ", ref("other"))} {
		got := ""
		err := c.Named(mailbox, []string{"M1", "M2", "M3", "M9"}, func(id string, u UIDState) { got += fmt.Sprint(" ", id, " ", u.Ref) })
		if err != nil || got != " "+want {
			t.Errorf("mailbox %d: %s, %v; want %s", mailbox, got, err, want)
		}
	}
	one, err := c.Blob(ref("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Blob(ref("two"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.ServerThread(two.ID); err != nil || !slices.Equal(got, []int64{one.ID, two.ID}) {
		t.Errorf("thread %v, %v", got, err)
	}

	// Threads are asked: nothing but the server joins the two, and the other account's
	// thread of that name is another.
	var reads []Read
	for i, blob := range []int64{one.ID, two.ID} {
		reads = append(reads, Read{Blob: blob, Doc: Doc{Subject: fmt.Sprint("Subject ", i)}, Date: now.Add(time.Duration(i) * time.Hour)})
	}
	if err := c.SaveReadings(reads); err != nil {
		t.Fatal(err)
	}
	related, err := c.Related([]archive.Ref{ref("two")}, 10)
	if err != nil || !slices.Equal(related, []archive.Ref{ref("two"), ref("one")}) {
		t.Errorf("related %v, %v; want two and one", related, err)
	}
	links, err := c.Links([]archive.Ref{ref("one")}, 10)
	want := []Link{{Msg: ref("two"), Parent: ref("one"), Thread: true, Reason: "stands in one thread with it on the server"}}
	if err != nil || !slices.Equal(links, want) {
		t.Errorf("links %v, %v; want %v", links, err, want)
	}
}

// A UIDVALIDITY that changes once is a change, and one that does again and again is
// unstable.
func TestResets(t *testing.T) {
	c := base(t)
	at := now
	for i, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Hour, 2}, {47 * time.Hour, 3}, {49 * time.Hour, 1}, {time.Minute, 2}} {
		at = at.Add(step.after)
		end, first, err := c.Position()
		if err != nil {
			t.Fatal(err)
		}
		f := ledger.MailboxReset{Mailbox: 1, Old: uint32(7 + i), New: uint32(8 + i)}
		if err := c.Commit(end, nil, first, []ledger.Entry{{Type: f.EntryType(), Time: at, Fact: f}}); err != nil {
			t.Fatal(err)
		}
		all, err := c.Mailboxes(1)
		if err != nil || all[0].Resets != step.want || all[0].UIDValidity != f.New {
			t.Errorf("change %d: %+v, %v; want %d", i+1, all, err, step.want)
		}
	}
}
