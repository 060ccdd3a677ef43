package imapsync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// A real server tells of new mail, in INBOX and elsewhere, of flags and of what
// is gone; and stopping takes no time.
func TestWatch(t *testing.T) {
	leakCheck(t)
	s := imaptest.Dovecot(t)
	fill(t, s, "nora", "INBOX", 0, 3)
	fill(t, s, "nora", "Work/Hale", 300, 302)
	ctx, cancel := context.WithCancel(t.Context())
	ready, changed, done := make(chan struct{}), make(chan struct{}, 100), make(chan error, 1)
	go func() {
		done <- imapsync.Watch(ctx, s.Account("nora"), 0, func() { close(ready) }, func() { changed <- struct{}{} })
	}()
	wait := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case err := <-done:
			t.Fatalf("%s: the watch ended: %v", what, err)
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nothing was told", what)
		}
		for { // what else belongs to it
			select {
			case <-changed:
				continue
			case <-time.After(300 * time.Millisecond):
			}
			return
		}
	}
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	if err := s.Deliver("nora", "INBOX", mail(10)); err != nil {
		t.Fatal(err)
	}
	wait("new mail in INBOX")
	if _, err := s.Do("nora", "INBOX", `COPY 1 "Work/Hale"`); err != nil {
		t.Fatal(err)
	}
	wait("a message put into another folder")
	if _, err := s.Do("nora", "INBOX", `STORE 1 +FLAGS (\Flagged)`); err != nil {
		t.Fatal(err)
	}
	wait("a flag")
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not stop")
	}
}
