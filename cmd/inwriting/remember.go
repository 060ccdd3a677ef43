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

// remembered is a Searcher that keeps trails and results for as long as they would
// come out the same: until mail is read, somebody decides something, or a day ends.
// While mail pours in they are as good as new for a few seconds, and their coverage
// says what they were drawn from. What many ask at once is worked out once; whoever
// asks while it is worked out anew gets what there was before.
type remembered struct {
	search.Searcher
	people func() trail.People
	// decided counts what people decided; a new number forgets everything.
	decided *atomic.Int64

	mu     sync.Mutex
	trails map[search.TrailQuery]*recall[trail.Trail]
	found  map[string]*recall[search.Results] // by the query as JSON
}

// recall is one answer.
type recall[T any] struct {
	working sync.Mutex // held while it is worked out

	mu     sync.Mutex
	answer *T
	state  string // of the record that it was drawn from
	basis  string // what else it rests on
	at     time.Time
}

const (
	recallFresh = 10 * time.Second
	recallOld   = time.Minute // while it is worked out anew
	recallMost  = 200
)

// recallOf returns what is remembered under a key.
func recallOf[K comparable, T any](r *remembered, all *map[K]*recall[T], key K) *recall[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *all == nil || len(*all) > recallMost {
		*all = map[K]*recall[T]{}
	}
	k := (*all)[key]
	if k == nil {
		k = &recall[T]{}
		(*all)[key] = k
	}
	return k
}

// get returns the answer unless it rests on something else, or is drawn from another
// state and older than most; same reports whether it is drawn from this one.
func (k *recall[T]) get(state, basis string, most time.Duration) (answer *T, same bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	same = k.state == state
	if k.answer == nil || k.basis != basis || !same && time.Since(k.at) >= most {
		return nil, false
	}
	a := *k.answer
	return &a, same
}

// of returns a copy of the answer, worked out by work where need be. same reports
// whether it is drawn from state.
func (k *recall[T]) of(state, basis string, work func() (*T, error)) (answer *T, same bool, err error) {
	if a, same := k.get(state, basis, recallFresh); a != nil {
		return a, same, nil
	}
	if !k.working.TryLock() {
		if a, same := k.get(state, basis, recallOld); a != nil {
			return a, same, nil
		}
		k.working.Lock()
	}
	defer k.working.Unlock()
	if a, same := k.get(state, basis, recallFresh); a != nil {
		return a, same, nil
	}
	a, err := work()
	if err != nil {
		return nil, false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer, k.state, k.basis, k.at = a, state, basis, time.Now()
	out := *a
	return &out, false, nil
}

// now tells what an answer would be drawn from and rest on.
func (r *remembered) now(ctx context.Context) (cov *trail.Coverage, state, basis string, err error) {
	cov, err = r.Coverage(ctx)
	if err != nil {
		return nil, "", "", err
	}
	raw, err := json.Marshal([]any{cov.Mailboxes, cov.Checkpoint, len(cov.Absent)})
	if err != nil {
		return nil, "", "", err
	}
	people, err := json.Marshal(r.people())
	if err != nil {
		return nil, "", "", err
	}
	return cov, string(raw), fmt.Sprint(r.decided.Load(), now().Format(time.DateOnly), string(people)), nil
}

func (r *remembered) Trail(ctx context.Context, q search.TrailQuery) (*trail.Trail, error) {
	cov, state, basis, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	t, same, err := recallOf(r, &r.trails, q).of(state, basis, func() (*trail.Trail, error) { return r.Searcher.Trail(ctx, q) })
	if same {
		t.Coverage = *cov
	}
	return t, err
}

func (r *remembered) Search(ctx context.Context, q search.Query) (*search.Results, error) {
	key, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	_, state, basis, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	res, _, err := recallOf(r, &r.found, string(key)).of(state, basis, func() (*search.Results, error) { return r.Searcher.Search(ctx, q) })
	return res, err
}
