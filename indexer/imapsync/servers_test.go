package imapsync_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

func snapshot(t *testing.T, s *imaptest.Server, user string, folders ...string) string {
	t.Helper()
	snap, err := s.Snapshot(user, folders...)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// settle lets a mail program open the folders, as there is one wherever there is a
// mailbox. Courier keeps the UIDs and the UIDVALIDITY that it tells only then.
func settle(t *testing.T, s *imaptest.Server, user string, folders ...string) {
	t.Helper()
	for _, f := range folders {
		do(t, s, user, f, "NOOP")
	}
}

// A mailbox over its life: first pass, no change, new mail, flags, an expunge,
// a move. The pass that looks changes nothing that can be seen.
func TestLife(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		leakCheck(t)
		const user = "life"
		inbox := fill(t, s, user, "INBOX", 0, 300)
		work := fill(t, s, user, "Work/Hale", 300, 320)
		if err := s.MakeFolder(user, "Empty"); err != nil {
			t.Fatal(err)
		}
		settle(t, s, user, "INBOX", "Work/Hale", "Empty")
		fill(t, s, user, "INBOX", 900, 905)
		inbox = append(inbox, refsOf(900, 905)...)
		if s.Brand == "courier" { // new mail has no lasting number before a program takes it out of new/
			settle(t, s, user, "INBOX")
		}
		p := imaptest.NewProxy(t, s.Addr, imaptest.Fault{})
		a := s.Account(user)
		a.Server = "insecure://" + p.Addr
		st := imaptest.NewStore()
		before := snapshot(t, s, user, "INBOX", "Work/Hale", "Empty")

		res := run(t, a, st, imapsync.Options{})
		if got, want := counts(folder(t, res, "INBOX")), "server 305 new 305 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
			t.Errorf("first pass: got %s, want %s", got, want)
		}
		holds(t, st, "INBOX", inbox)
		holds(t, st, s.Name("Work/Hale"), work)
		if d := cmp.Diff(before, snapshot(t, s, user, "INBOX", "Work/Hale", "Empty")); d != "" {
			t.Errorf("the mailbox changed (-before +after):\n%s", d)
		}

		res = run(t, a, st, imapsync.Options{})
		for _, f := range res.Folders {
			if f.Noselect {
				continue
			}
			// Without CONDSTORE every pass has to look.
			if f.New+f.Gone+f.Flags+f.Reused > 0 || !f.Clean || s.ModSeq() != f.Unchanged {
				t.Errorf("second pass: %s: %s", f.Name, counts(f))
			}
		}
		if res.Bytes != 0 {
			t.Errorf("second pass: %d octets of messages", res.Bytes)
		}

		// New mail, and another program that reads, deletes and moves.
		fill(t, s, user, "INBOX", 1000, 1003)
		do(t, s, user, "INBOX", `UID STORE 5:6 +FLAGS (\Seen \Flagged)`)
		if err := s.Expunge(user, "INBOX", "7"); err != nil {
			t.Fatal(err)
		}
		if err := s.Move(user, "INBOX", "10", "Work/Hale"); err != nil {
			t.Fatal(err)
		}
		settle(t, s, user, "INBOX", "Work/Hale")
		before = snapshot(t, s, user, "INBOX", "Work/Hale", "Empty")
		res = run(t, a, st, imapsync.Options{})
		if got, want := counts(folder(t, res, "INBOX")), "server 306 new 3 gone 2 flags 2 reused 0 quarantined 0 left 0 clean"; got != want {
			t.Errorf("after changes: INBOX: got %s, want %s", got, want)
		}
		if got, want := counts(folder(t, res, s.Name("Work/Hale"))), "server 21 new 1 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
			t.Errorf("after changes: Work/Hale: got %s, want %s", got, want)
		}
		rows := st.Rows("INBOX")
		for _, f := range []string{`\Flagged`, `\Seen`} {
			if !slices.Contains(rows[5].Flags, f) {
				t.Errorf("flags of UID 5: %q", rows[5].Flags)
			}
		}
		for _, u := range []uint32{7, 10} {
			if rows[u].State != imapsync.Vanished || len(st.Refs("INBOX")[u]) != 1 {
				t.Errorf("UID %d: state %s with %d messages, want vanished with its message kept", u, rows[u].State, len(st.Refs("INBOX")[u]))
			}
		}
		moved := st.Refs("INBOX")[10][0]
		if !slices.ContainsFunc(slices.Collect(mapValues(st.Refs(s.Name("Work/Hale")))), func(r []archive.Ref) bool { return r[0] == moved }) {
			t.Error("the moved message is not in its new folder")
		}
		res = run(t, a, st, imapsync.Options{})
		if f := folder(t, res, "INBOX"); f.New+f.Gone+f.Flags > 0 || s.ModSeq() != f.Unchanged {
			t.Errorf("after it all: %s", counts(f))
		}
		if d := cmp.Diff(before, snapshot(t, s, user, "INBOX", "Work/Hale", "Empty")); d != "" {
			t.Errorf("the mailbox changed (-before +after):\n%s", d)
		}
	})
}

func refsOf(from, to int) (refs []archive.Ref) {
	for n := from; n < to; n++ {
		refs = append(refs, ref(mail(n)))
	}
	return refs
}

// A new UIDVALIDITY opens an epoch and deletes nothing.
func TestUIDValidity(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		leakCheck(t)
		const user, name = "renumbered", "Work/Hale"
		refs := fill(t, s, user, name, 0, 10)
		settle(t, s, user, name)
		st := imaptest.NewStore()
		run(t, s.Account(user), st, imapsync.Options{})
		old := uint32(status(t, s, user, name).UIDValidity)
		if err := s.Renumber(user, name, old+1000); err != nil {
			t.Fatal(err)
		}
		settle(t, s, user, name)
		now := uint32(status(t, s, user, name).UIDValidity)
		if now == old {
			t.Fatalf("still UIDVALIDITY %d", old)
		}
		res := run(t, s.Account(user), st, imapsync.Options{})
		if got, want := counts(folder(t, res, s.Name(name))), "server 10 new 10 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		holds(t, st, s.Name(name), refs)
		if got, want := st.Epochs(s.Name(name)), []uint32{old, now}; !slices.Equal(got, want) {
			t.Errorf("epochs %v, want %v", got, want)
		}
	})
}

// Other programs are at the mailbox while a pass runs: flags storm, messages
// go, messages come. Nothing is stored twice, nothing that stays is missed.
func TestBusyMailbox(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		const user = "busy"
		fill(t, s, user, "INBOX", 0, 600)
		settle(t, s, user, "INBOX")
		a := s.Account(user)
		st := imaptest.NewStore()
		n := 0
		st.OnAccept = func(string, uint32) {
			switch n++; n {
			case 10, 200, 300:
				do(t, s, user, "INBOX", `UID STORE 1:* +FLAGS (\Flagged)`, `UID STORE 1:* -FLAGS (\Flagged)`)
			case 20:
				if err := s.Expunge(user, "INBOX", "100:120,400:420,600"); err != nil {
					t.Error(err)
				}
			case 320:
				fill(t, s, user, "INBOX", 2000, 2010)
			}
		}
		run(t, a, st, imapsync.Options{})
		st.OnAccept = nil
		settle(t, s, user, "INBOX")
		for range 2 {
			run(t, a, st, imapsync.Options{})
		}
		want := heldBy(t, s, user, "INBOX")
		if len(want) != 600-43+10 {
			t.Fatalf("%d messages on the server", len(want))
		}
		holds(t, st, "INBOX", want)
		for u, r := range st.Rows("INBOX") {
			if r.State != imapsync.Stored && r.State != imapsync.Vanished || len(st.Refs("INBOX")[u]) > 1 {
				t.Errorf("UID %d is %s, stored %d times", u, r.State, len(st.Refs("INBOX")[u]))
			}
		}
	})
}

// Messages that another program deletes while they are fetched are gone, and what a
// server may say in their place is not taken for them.
func TestExpungedUnderway(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		const user = "underway"
		for n := range 40 {
			raw := append(mail(n), bytes.Repeat([]byte("The drawing, line by line, as it was agreed upon.\r\n"), 4000)...)
			if err := s.DeliverSeen(user, "INBOX", "S", raw); err != nil {
				t.Fatal(err)
			}
		}
		settle(t, s, user, "INBOX")
		sent := map[archive.Ref]bool{}
		for _, r := range heldBy(t, s, user, "INBOX") {
			sent[r] = true
		}
		st := imaptest.NewStore()
		n := 0
		st.OnAccept = func(string, uint32) {
			if n++; n == 3 {
				if err := s.Expunge(user, "INBOX", "15:38"); err != nil {
					t.Error(err)
				}
			}
		}
		run(t, s.Account(user), st, imapsync.Options{})
		st.OnAccept = nil
		for range 2 {
			run(t, s.Account(user), st, imapsync.Options{})
		}
		want := heldBy(t, s, user, "INBOX")
		if len(want) != 16 {
			t.Fatalf("%d messages on the server", len(want))
		}
		holds(t, st, "INBOX", want)
		for uid, refs := range st.Refs("INBOX") {
			for _, r := range refs {
				if !sent[r] {
					t.Errorf("UID %d: %v was never on the server", uid, r)
				}
			}
		}
		for uid, r := range st.Rows("INBOX") {
			if r.State == imapsync.Quarantined {
				t.Errorf("UID %d is quarantined", uid)
			}
		}
	})
}

// The servers tell of new mail as it arrives, and stopping takes no time.
func TestWatchServers(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		leakCheck(t)
		const user = "watched"
		fill(t, s, user, "INBOX", 0, 3)
		settle(t, s, user, "INBOX")
		ctx, cancel := context.WithCancel(t.Context())
		ready, changed, done := make(chan struct{}), make(chan struct{}, 100), make(chan error, 1)
		go func() {
			done <- imapsync.Watch(ctx, s.Account(user), 0, func() { close(ready) }, func() { changed <- struct{}{} })
		}()
		for n, wait := range []<-chan struct{}{ready, changed} {
			if n == 1 {
				fill(t, s, user, "INBOX", 10, 11)
			}
			select {
			case <-wait:
			case err := <-done:
				t.Fatalf("the watch ended: %v", err)
			case <-time.After(20 * time.Second):
				t.Fatal("nothing was told")
			}
		}
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("stopped: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("it does not stop")
		}
	})
}

// heldBy hashes what the server holds in a folder.
func heldBy(t *testing.T, s *imaptest.Server, user, folder string) (refs []archive.Ref) {
	t.Helper()
	held, err := s.Held(user, folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range held {
		refs = append(refs, ref(raw))
	}
	return refs
}

// A pass that is stopped stops soon, keeps what was accepted and leaves nothing
// running; the next one goes on from there.
func TestCancel(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		const user = "cancel"
		refs := fill(t, s, user, "INBOX", 0, 400)
		settle(t, s, user, "INBOX")
		leakCheck(t)
		for _, at := range []int{1, 150, 399} {
			ctx, cancel := context.WithCancel(t.Context())
			st := imaptest.NewStore()
			n := 0
			st.OnAccept = func(string, uint32) {
				if n++; n == at {
					cancel()
				}
			}
			start := time.Now()
			_, err := imapsync.Run(ctx, s.Account(user), st, newStage(t), imapsync.Options{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("at %d: error %v, want context.Canceled", at, err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("at %d: took %v", at, d)
			}
			if got := len(st.Refs("INBOX")); got < at || got > at+1 {
				t.Errorf("at %d: %d messages kept", at, got)
			}
			st.OnAccept = nil
			if res := run(t, s.Account(user), st, imapsync.Options{}); folder(t, res, "INBOX").New > 400-at {
				t.Errorf("at %d: %d messages fetched by the next pass", at, folder(t, res, "INBOX").New)
			}
			holds(t, st, "INBOX", refs)
		}
	})
}
