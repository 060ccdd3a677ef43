package search

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inwriting/search/trail"
)

func TestCoverageIsCountedOnce(t *testing.T) {
	stored := 1
	var times atomic.Int64
	count := func() (*trail.Coverage, error) {
		times.Add(1)
		time.Sleep(10 * time.Millisecond)
		return &trail.Coverage{Mailboxes: []trail.MailboxCoverage{{Folders: []trail.FolderCoverage{{Stored: stored}}}}}, nil
	}
	var k counted
	ask := func(changes uint64) *trail.Coverage {
		t.Helper()
		c, err := k.of(t.Context(), coverageBasis{changes: changes}, count)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	want := func(what string, n int64) {
		t.Helper()
		if got := times.Load(); got != n {
			t.Errorf("%s: counted %d times, want %d", what, got, n)
		}
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { ask(1) })
	}
	wg.Wait()
	want("twenty at once", 1)
	ask(1).Absent = []string{"<a@x.example>"}
	if len(ask(1).Absent) != 0 {
		t.Error("what one answer adds is in the next")
	}
	stored = largeVault
	if c := ask(2); c.Mailboxes[0].Folders[0].Stored != largeVault {
		t.Error("a small vault's coverage is old")
	}
	want("after a change", 2)
	ask(3)
	want("another change of a large vault, a moment later", 2)
	k.at = time.Now().Add(-time.Minute)
	ask(4)
	want("a minute later", 3)

	failed := errors.New("no disk")
	_, err := (&counted{}).of(t.Context(), coverageBasis{}, func() (*trail.Coverage, error) { return nil, failed })
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	busy := &counted{making: make(chan struct{})}
	if _, err := busy.of(ctx, coverageBasis{}, count); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gave up waits on: %v", err)
	}
}
