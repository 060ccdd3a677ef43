package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inwriting/search"
	"inwriting/search/trail"
)

// workbench counts how often a trail is worked out.
type workbench struct {
	search.Searcher
	cov   trail.Coverage
	asked atomic.Int64
}

func (w *workbench) Coverage(context.Context) (*trail.Coverage, error) { c := w.cov; return &c, nil }
func (w *workbench) Trail(_ context.Context, q search.TrailQuery) (*trail.Trail, error) {
	w.asked.Add(1)
	time.Sleep(20 * time.Millisecond)
	return &trail.Trail{Question: q.Question, Coverage: w.cov}, nil
}

func (w *workbench) Search(_ context.Context, q search.Query) (*search.Results, error) {
	w.asked.Add(1)
	return &search.Results{Query: q.Text, Coverage: w.cov}, nil
}

func TestRemembered(t *testing.T) {
	box := func(n int) trail.Coverage {
		return trail.Coverage{Mailboxes: []trail.MailboxCoverage{{Address: "nora@deskandco.example", Folders: []trail.FolderCoverage{{Stored: n}}}}}
	}
	w := &workbench{cov: box(1)}
	var decided atomic.Int64
	people := trail.People{}
	r := &remembered{Searcher: w, people: func() trail.People { return people }, decided: &decided}
	ask := func(q string) *trail.Trail {
		t.Helper()
		tr, err := r.Trail(t.Context(), search.TrailQuery{Question: q})
		if err != nil || tr.Question != q {
			t.Fatalf("%v %v", tr, err)
		}
		return tr
	}
	times := func(what string, want int64) {
		t.Helper()
		if got := w.asked.Load(); got != want {
			t.Errorf("%s: worked out %d times, want %d", what, got, want)
		}
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { ask("a") })
	}
	wg.Wait()
	times("twenty at once", 1)
	ask("b")
	times("another question", 2)
	w.cov = box(2) // mail pours in
	if tr := ask("a"); tr.Coverage.Mailboxes[0].Folders[0].Stored != 1 {
		t.Error("a trail of a moment ago claims to be drawn from what came since")
	}
	times("a moment later", 2)
	old := r.trails[search.TrailQuery{Question: "a"}]
	old.at = time.Now().Add(-recallOld / 2)
	old.working.Lock() // somebody works it out anew
	if tr := ask("a"); tr.Coverage.Mailboxes[0].Folders[0].Stored != 1 {
		t.Error("whoever asks meanwhile waits")
	}
	old.working.Unlock()
	times("while it is worked out anew", 2)
	if tr := ask("a"); tr.Coverage.Mailboxes[0].Folders[0].Stored != 2 {
		t.Error("the coverage is old")
	}
	times("after mail", 3)
	decided.Add(1)
	ask("a")
	times("after a decision", 4)
	people.Us = []string{"nora@deskandco.example"}
	ask("a")
	times("after people changed", 5)
	ask("a")
	times("with nothing new", 5)

	look := func(q search.Query) {
		t.Helper()
		if res, err := r.Search(t.Context(), q); err != nil || res.Query != q.Text {
			t.Fatalf("%v %v", res, err)
		}
	}
	for range 3 {
		look(search.Query{Text: "flight", Client: []string{"Hale"}})
		look(search.Query{Text: "flight", Client: []string{"Brook"}})
	}
	times("two searches, three times", 7)
}
