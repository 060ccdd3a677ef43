package imapsync_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// A probe counts what a pass would collect, and leaves no trace.
func TestProbe(t *testing.T) {
	leakCheck(t)
	s := imaptest.Dovecot(t)
	fill(t, s, "nora", "INBOX", 0, 12)
	fill(t, s, "nora", "Work/Hale", 300, 305)
	fill(t, s, "nora", "Lists/go", 400, 403)
	before := status(t, s, "nora", "INBOX")
	a := s.Account("nora")
	a.Exclude = []string{"Lists/*"}
	r, err := imapsync.Probe(t.Context(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	left := slices.ContainsFunc(r.Folders, func(f imapsync.FolderInfo) bool { return f.Name == "Lists/go" && f.Excluded })
	if !r.ReadOnly || r.Messages != 17 || !left || !slices.Contains(r.Capabilities, "IDLE") {
		t.Errorf("%d messages, read-only %v, Lists/go left out %v, capabilities %v", r.Messages, r.ReadOnly, left, r.Capabilities)
	}
	if got := status(t, s, "nora", "INBOX"); got != before {
		t.Errorf("the mailbox changed: before %+v, after %+v", before, got)
	}

	wrong := a
	wrong.Password = func(context.Context) (string, error) { return "wrong", nil }
	if _, err := imapsync.Probe(t.Context(), wrong, 0); !errors.Is(err, imapsync.ErrAuth) {
		t.Errorf("wrong password: %v", err)
	}
	wrong = a
	wrong.Server = "insecure://127.0.0.1:1"
	if _, err := imapsync.Probe(t.Context(), wrong, 0); !errors.Is(err, imapsync.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := imapsync.Probe(ctx, a, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no time: %v", err)
	}
}
