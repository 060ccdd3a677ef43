package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/ledger"
	"inwriting/search/bundle"
	"inwriting/search/trail"
)

// notes/evidence.md, section 4.2: coverage.json says of each folder since when it is
// read and since when something of it is gone.
func TestCollected(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = l.Append([]ledger.Fact{
		ledger.AccountAdded{Account: 1, Address: "nora@deskandco.example", Host: "imap.deskandco.example:993", Source: "imap"},
		ledger.AccountRole{Account: 1, Role: "controller"},
		ledger.MailboxAdded{Mailbox: 1, Account: 1, Name: "INBOX", Display: "INBOX"},
		ledger.MailboxAdded{Mailbox: 2, Account: 1, Name: "Old", Display: "Old"},
		ledger.MailboxAdded{Mailbox: 3, Account: 1, Name: "Spam", Display: "Spam"},
		ledger.Sync{Mailbox: 1, UIDValidity: 7, UIDNext: 10, Ended: "2023-03-01T07:00:00Z"},
		ledger.Acquisition{Account: 1, Ended: "2023-03-01T07:00:01Z"},
		ledger.Sync{Mailbox: 2, Ended: "2023-03-01T07:00:01Z"},
		ledger.Sync{Mailbox: 1, UIDValidity: 7, UIDNext: 14, New: 3, Ended: "2023-03-05T07:00:00Z"}, // one came and went
		ledger.MsgGone{Mailbox: 1, FirstMissed: "2023-03-05T07:00:00Z"},
		ledger.MsgGone{Mailbox: 1, FirstMissed: "2023-03-04T07:00:00Z"},
		ledger.Acquisition{Account: 1, Ended: "2023-03-05T07:00:01Z"},
		ledger.Sync{Mailbox: 1, UIDValidity: 7, UIDNext: 16, New: 2, Ended: "2023-03-09T07:00:00Z"},
		ledger.Acquisition{Account: 1, Ended: "2023-03-09T07:00:01Z"},
		ledger.Sync{Mailbox: 1, UIDValidity: 8, UIDNext: 16, New: 15, Ended: "2023-03-12T07:00:00Z"},
		ledger.Acquisition{Account: 1, Ended: "2023-03-12T07:00:01Z"},
		ledger.ClockSkew{Authority: "one", Clock: 7000},
	})
	if err != nil {
		t.Fatal(err)
	}
	size := l.Size()
	if _, err := l.Append([]ledger.Fact{ledger.MsgGone{Mailbox: 2, FirstMissed: "2023-03-06T07:00:00Z"}}); err != nil {
		t.Fatal(err)
	}
	in := bundle.Input{Trail: &trail.Trail{Coverage: trail.Coverage{Mailboxes: []trail.MailboxCoverage{{Address: "Nora@deskandco.example",
		Folders: []trail.FolderCoverage{{Name: "INBOX", Gone: 2}, {Name: "Old"}, {Name: "Spam", Excluded: true}}}}}}}
	if err := collected(l, size, &in); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(in.Trail.Coverage.Mailboxes[0].Folders)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"first_sync":"2023-03-01T07:00:00Z","gone_since":"2023-03-04T07:00:00Z"}`, `"first_sync":"2023-03-01T07:00:01Z"}`, `"reason":"left out by its owner's settings"}`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if len(in.Accounts) != 1 || in.Accounts[0].Passes != 4 || len(in.Accounts[0].Gaps) != 3 || in.Accounts[0].Role != "controller" || len(in.Skews) != 1 {
		t.Errorf("%+v %+v", in.Accounts, in.Skews)
	}
	for i, want := range []bundle.SyncGap{{Unseen: 1}, {Continuous: true}, {}} {
		if g := in.Accounts[0].Gaps[i]; g.Unseen != want.Unseen || g.Continuous != want.Continuous {
			t.Errorf("gap %d: %+v, want %+v", i, g, want)
		}
	}
	if at := in.Accounts[0].First; !at.Equal(time.Date(2023, 3, 1, 7, 0, 1, 0, time.UTC)) {
		t.Errorf("first pass %v", at)
	}
}
