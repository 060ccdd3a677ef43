package main

import (
	"context"
	"strings"
	"sync"
)

// turns let one pass at a time over each mailbox: a daemon's own and those that
// commands and pages ask for.
type turns struct {
	mu sync.Mutex
	m  map[string]turn
}

type turn struct {
	free chan struct{} // holds one while nobody reads the mailbox
	wake bell          // has the daemon read it now, whatever it waits for
}

func (t *turns) of(address string) turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := strings.ToLower(address)
	if _, ok := t.m[key]; !ok {
		if t.m == nil {
			t.m = map[string]turn{}
		}
		t.m[key] = turn{make(chan struct{}, 1), newBell()}
		t.m[key].free <- struct{}{}
	}
	return t.m[key]
}

// take waits for the turn, and leave gives it back.
func (t turn) take(ctx context.Context) error {
	select {
	case <-t.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) leave() { t.free <- struct{}{} }
