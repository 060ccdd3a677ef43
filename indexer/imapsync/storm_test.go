package imapsync_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// Whatever happens in whatever order, on the wire and in the mailbox, one clean
// pass leaves what the server holds, each message once under its UID, and nothing
// that was never there. INWRITING_FAULTS sets how many faults act (make faults),
// INWRITING_SEED repeats a run.
func TestStorm(t *testing.T) {
	faults, seed := imaptest.StormSize(t, 150)
	for i, brand := range imaptest.Brands {
		t.Run(brand, func(t *testing.T) {
			leakCheck(t)
			s := imaptest.Start(t, brand)
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			share := faults / len(imaptest.Brands)
			acted, kinds := 0, map[string]int{}
			for n := 0; acted < share && !t.Failed(); n++ {
				// A mailbox of its own for each few hundred: its past epochs only grow.
				acted += storm(t, imaptest.NewStorm(t, s, fmt.Sprintf("storm%d", n), rnd), min(share-acted, 400), kinds)
			}
			t.Logf("%d faults: %v", acted, kinds)
		})
	}
}

// storm lets faults act on passes over one mailbox until they are enough, and
// returns how many acted.
func storm(t *testing.T, w *imaptest.Storm, enough int, kinds map[string]int) int {
	st := imaptest.NewStore()
	st.Octets = func(folder string, uid uint32, octets []byte) {
		if !w.Known(sha256.Sum256(octets)) {
			t.Errorf("UID %d of %s was never on the server: %q", uid, folder, octets)
		}
	}
	stage := newStage(t)
	acted, passes := 0, 0
	for acted < enough && !t.Failed() {
		var log []string
		change := func() {
			what, err := w.Change()
			if log = append(log, what); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 1 + w.Rand.IntN(4) {
			for range w.Rand.IntN(4) {
				change()
			}
			if err := w.Deliver(w.Rand.IntN(16)); err != nil {
				t.Fatal(err)
			}
			log = append(log, "a pass")
			// Now and then the other program is at it while the pass runs, too. When it is
			// not, nobody may change anything.
			before := ""
			if st.OnAccept = nil; w.Rand.IntN(4) == 0 {
				before = snapshotOf(t, w)
			} else {
				st.OnAccept = func(string, uint32) {
					if w.Rand.IntN(40) == 0 {
						change()
					}
				}
			}
			a, p := w.Account(t, 20)
			acted += spoilt(t, w, a, st, stage, p, &log)
			if before != "" {
				if d := cmp.Diff(before, snapshotOf(t, w)); d != "" {
					t.Errorf("the mailbox changed (-before +after):\n%s", d)
				}
			}
			passes++
			for k, n := range p.Kinds() {
				kinds[k] += n
			}
		}
		st.OnAccept = nil
		if err := w.Settle(); err != nil {
			t.Fatal(err)
		}
		// What was listed in a pass that was stopped is missing for the first time
		// in one pass and gone in the next connection's.
		for range 2 {
			st.MakeDue()
			if _, err := imapsync.Run(t.Context(), w.Server.Account(w.User), st, stage, imapsync.Options{RetryDelay: time.Millisecond, AuditEvery: time.Nanosecond}); err != nil {
				t.Errorf("clean pass: %v", err)
			}
		}
		calm(t, w, st)
		if t.Failed() {
			t.Fatalf("after %d faults; the last rounds:\n%s", acted, strings.Join(log, "\n"))
		}
	}
	t.Logf("%s: %d faults in %d passes, %d messages", w.User, acted, passes, w.Delivered())
	return acted
}

func snapshotOf(t *testing.T, w *imaptest.Storm) string {
	t.Helper()
	err := w.Settle()
	if err != nil {
		t.Fatal(err)
	}
	snap, err := w.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// spoilt makes a pass on which faults act. It may fail as it likes, and be stopped.
func spoilt(t *testing.T, w *imaptest.Storm, a imapsync.Account, st *imaptest.Store, stage *archive.Stage, p *imaptest.Proxy, log *[]string) int {
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stopped time.Time
	if w.Rand.IntN(8) == 0 {
		timer := time.AfterFunc(time.Duration(w.Rand.IntN(60))*time.Millisecond, func() {
			stopped = time.Now()
			cancel()
		})
		defer timer.Stop()
	}
	running := len(ours())
	_, err := imapsync.Run(ctx, a, st, stage, imapsync.Options{Idle: 100 * time.Millisecond, RetryDelay: time.Millisecond})
	if errors.Is(err, context.Canceled) && time.Since(stopped) > 5*time.Second {
		t.Errorf("stopping took %v", time.Since(stopped))
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		left := ours()
		if len(left) <= running {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("goroutines left by a pass:\n%s", strings.Join(left, "\n\n"))
			break
		}
	}
	*log = append(*log, fmt.Sprintf("%v: %v", slices.Sorted(maps.Keys(p.Kinds())), err))
	for _, v := range p.Violations() {
		t.Errorf("not read-only: %s", v)
	}
	return p.Acted()
}

// calm checks what must hold after a clean pass.
func calm(t *testing.T, w *imaptest.Storm, st *imaptest.Store) {
	t.Helper()
	held, err := w.Held()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range held {
		got, rows, refs := map[uint32]archive.Ref{}, st.Rows(name), st.Refs(name)
		for uid, r := range rows {
			if r.State == imapsync.Stored {
				got[uid] = refs[uid][len(refs[uid])-1]
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-server +store):\n%s", name, d)
		}
	}
	noProblems(t, st)
}
