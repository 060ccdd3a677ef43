package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"inwriting/search"
	"inwriting/search/trail"
)

// remembered is a Searcher that keeps trails for as long as they would come out the
// same: until mail is read, somebody decides something, or a day ends. While mail
// pours in a trail is as good as new for a few seconds, and its coverage says what
// it was drawn from. A question that many ask at once is worked out once.
type remembered struct {
	search.Searcher
	people func() trail.People
	// decided counts what people decided; a new number forgets everything.
	decided *atomic.Int64

	mu    sync.Mutex
	known map[search.TrailQuery]*recall
}

type recall struct {
	mu    sync.Mutex // held while it is worked out
	trail *trail.Trail
	state string // of the record that it was drawn from
	basis string // what else it rests on
	at    time.Time
}

const (
	recallFresh = 10 * time.Second
	recallMost  = 200
)

func (r *remembered) Trail(ctx context.Context, q search.TrailQuery) (*trail.Trail, error) {
	cov, err := r.Coverage(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal([]any{cov.Mailboxes, cov.Checkpoint, len(cov.Absent)})
	if err != nil {
		return nil, err
	}
	state := string(raw)
	people, err := json.Marshal(r.people())
	if err != nil {
		return nil, err
	}
	basis := fmt.Sprint(r.decided.Load(), now().Format(time.DateOnly), string(people))
	r.mu.Lock()
	if r.known == nil || len(r.known) > recallMost {
		r.known = map[search.TrailQuery]*recall{}
	}
	k := r.known[q]
	if k == nil {
		k = &recall{}
		r.known[q] = k
	}
	r.mu.Unlock()

	k.mu.Lock()
	defer k.mu.Unlock()
	if k.trail != nil && k.basis == basis {
		switch {
		case k.state == state:
			t := *k.trail
			t.Coverage = *cov
			return &t, nil
		case time.Since(k.at) < recallFresh:
			t := *k.trail
			return &t, nil
		}
	}
	t, err := r.Searcher.Trail(ctx, q)
	if err != nil {
		return nil, err
	}
	k.trail, k.state, k.basis, k.at = t, state, basis, time.Now()
	out := *t
	return &out, nil
}
