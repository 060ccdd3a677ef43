package imapsync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// What is told while the server is listened to, and what ends it.
func TestWatching(t *testing.T) {
	const idle = "CAPABILITY IMAP4rev1 IDLE"
	for _, tt := range []struct {
		name    string
		caps    string
		told    string // during the first IDLE
		over    map[string]string
		changed int
		kind    error
		words   []string
		sent    string
	}{
		{name: "nothing to listen to", caps: "CAPABILITY IMAP4rev1", kind: imapsync.ErrCannotWatch},
		{name: "IDLE refused", caps: idle, over: map[string]string{"IDLE": "$T NO not now\r\n"}, kind: imapsync.ErrCannotWatch, words: []string{"not now"}},
		{name: "new mail", caps: idle, told: "* 4 EXISTS\r\n* 1 RECENT\r\n", changed: 1},
		{name: "what is no news", caps: idle, told: "* OK Still here\r\n* 1 RECENT\r\n* FLAGS (\\Seen)\r\n* BAD odd\r\n\r\n"},
		{name: "gone", caps: idle, told: "* 2 EXPUNGE\r\n* VANISHED 3,5:7\r\n", changed: 2},
		{name: "flags", caps: idle, told: "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n", changed: 1},
		{name: "other folders", caps: idle + " NOTIFY", told: "* STATUS Work (MESSAGES 4 UIDNEXT 9 UIDVALIDITY 7)\r\n* LIST () \"/\" New\r\n", changed: 2, sent: "NOTIFY SET"},
		{name: "NOTIFY refused", caps: idle + " NOTIFY", over: map[string]string{"NOTIFY": "$T BAD what\r\n"}, told: "* 4 EXISTS\r\n", changed: 1, sent: "IDLE"},
		{name: "VANISHED asked for", caps: idle + " QRESYNC ENABLE", told: "* VANISHED 3\r\n", changed: 1, sent: "ENABLE QRESYNC"},
		{name: "the words of a BYE", caps: idle, told: "* 4 EXISTS\r\n* BYE Session expired\r\n", changed: 1, kind: imapsync.ErrUnreachable, words: []string{"Session expired"}},
		{name: "throttled", caps: idle, told: "* BYE Request is throttled. Suggested Backoff Time: 5000 milliseconds\r\n", kind: imapsync.ErrBusy},
		{name: "no INBOX", caps: idle, over: map[string]string{"EXAMINE": "$T NO no such folder\r\n"}, kind: imapsync.ErrCannotWatch, words: []string{"no such folder"}},
		{name: "not now", caps: idle, over: map[string]string{"EXAMINE": "$T NO [LIMIT] too many\r\n"}, kind: imapsync.ErrBusy, words: []string{"too many"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			answers := map[string]string{"CAPABILITY": "* " + tt.caps + "\r\n$T OK done\r\n", "IDLE": "+ idling\r\n" + tt.told + "$END"}
			for c, a := range tt.over {
				answers[c] = a
			}
			s, a := scripted(t, &box{three(), prefixed(answers)}, "")
			ready, changed := 0, 0
			err := imapsync.Watch(t.Context(), a, 2*time.Second, func() { ready++ }, func() { changed++ })
			if tt.kind == nil {
				tt.kind = imapsync.ErrUnreachable // the script ends the connection
			}
			if !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want kind %q", err, tt.kind)
			}
			for _, w := range tt.words {
				if !strings.Contains(fmt.Sprint(err), w) {
					t.Errorf("error %v, want %q in it", err, w)
				}
			}
			if changed != tt.changed {
				t.Errorf("told of %d changes, want %d", changed, tt.changed)
			}
			if listened := tt.over["IDLE"]+tt.over["EXAMINE"] == "" && tt.kind != imapsync.ErrCannotWatch; listened != (ready == 1) {
				t.Errorf("ready %d times", ready)
			}
			readOnly(t, s)
			if tt.sent != "" && !slices.ContainsFunc(s.Commands(), func(c string) bool { return strings.HasPrefix(c, tt.sent) }) {
				t.Errorf("sent %q, want %q among it", s.Commands(), tt.sent)
			}
		})
	}
}
