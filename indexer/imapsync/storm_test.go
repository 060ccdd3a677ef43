package imapsync_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// onDisk hashes what the server holds in INBOX, as the wire shows it.
func onDisk(t *testing.T, s *imaptest.Server, user string) []archive.Ref {
	t.Helper()
	var refs []archive.Ref
	for _, sub := range []string{"cur", "new"} {
		files, err := filepath.Glob(filepath.Join(s.Maildir(user), sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, ref(raw))
		}
	}
	return refs
}

// Whatever happens in whatever order, on the wire and in the mailbox, one clean
// pass leaves what the server holds, each message once, and nothing that was never
// there. INWRITING_FAULTS sets how many faults act (make faults: 10,000),
// INWRITING_SEED repeats a run.
func TestStorm(t *testing.T) {
	leakCheck(t)
	want := 80
	if v := os.Getenv("INWRITING_FAULTS"); v != "" {
		var err error
		if want, err = strconv.Atoi(v); err != nil {
			t.Fatalf("INWRITING_FAULTS: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("INWRITING_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("INWRITING_SEED: %v", err)
		}
	}
	t.Logf("INWRITING_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))

	s := imaptest.Dovecot(t)
	acted := 0
	for n := 0; acted < want && !t.Failed(); n++ {
		// A mailbox of its own for each few hundred: its past epochs only grow.
		acted += storm(t, s, fmt.Sprintf("storm%d", n), rnd, min(want-acted, 400))
	}
	t.Logf("%d faults", acted)
}

// storm lets faults act on passes over one mailbox until they are enough, and
// returns how many acted.
func storm(t *testing.T, s *imaptest.Server, user string, rnd *rand.Rand, enough int) int {
	known := map[archive.Ref]bool{}
	next := 0
	deliver := func() {
		raw := mail(next)
		next++
		known[sha256.Sum256(imaptest.Wire(raw))] = true
		if err := s.Deliver(user, "INBOX", raw); err != nil {
			t.Fatal(err)
		}
	}
	for range 25 {
		deliver()
	}
	st := imaptest.NewStore()
	a := s.Account(user)
	// Somebody else changes the mailbox.
	change := func() {
		n := int(status(t, s, user, "INBOX").Messages)
		var err error
		switch k := rnd.IntN(10); {
		case k < 5 || n < 15:
			deliver()
		case k < 7:
			_, err = s.Do(user, "INBOX", fmt.Sprintf(`STORE %d +FLAGS (\Flagged)`, 1+rnd.IntN(n)))
		case k < 9:
			_, err = s.Do(user, "INBOX", fmt.Sprintf(`STORE %d +FLAGS (\Deleted)`, 1+rnd.IntN(n)), "EXPUNGE")
		default:
			err = s.Renumber(user, "INBOX", uint32(status(t, s, user, "INBOX").UIDValidity)+1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	acted, rounds := 0, 0
	for acted < enough && !t.Failed() {
		var log []string
		for range 1 + rnd.IntN(6) {
			for range rnd.IntN(6) {
				change()
			}
			f := imaptest.Fault{Kind: imaptest.Faults[rnd.IntN(len(imaptest.Faults))], At: 1 + rnd.IntN(4), Times: 1 + rnd.IntN(3)}
			log = append(log, fmt.Sprintf("%+v", f))
			p := imaptest.NewProxy(t, s.Addr, f)
			through := a
			through.Server = "insecure://" + p.Addr
			// A pass may fail as it likes, and be stopped.
			ctx, cancel := context.WithCancel(t.Context())
			if rnd.IntN(8) == 0 {
				time.AfterFunc(time.Duration(rnd.IntN(60))*time.Millisecond, cancel)
			}
			started := time.Now()
			_, err := imapsync.Run(ctx, through, st, newStage(t), imapsync.Options{Idle: 300 * time.Millisecond, RetryDelay: time.Millisecond})
			if ctx.Err() != nil && time.Since(started) > 10*time.Second {
				t.Errorf("%s: stopping took %v", log[len(log)-1], time.Since(started))
			}
			cancel()
			if err != nil {
				log = append(log, err.Error())
			}
			acted += p.Acted()
			rounds++
			for _, v := range p.Violations() {
				t.Errorf("%+v: %s", f, v)
			}
			p.Close()
		}
		// What was listed in a pass that was stopped is missing for the first time
		// in one pass and gone in the next connection's.
		for range 2 {
			st.MakeDue()
			if _, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{RetryDelay: time.Millisecond, AuditEvery: time.Nanosecond}); err != nil {
				t.Errorf("clean pass: %v", err)
			}
		}
		holds(t, st, "INBOX", onDisk(t, s, user))
		for u, rs := range st.Refs("INBOX") {
			for _, r := range rs {
				if !known[r] {
					t.Errorf("UID %d: %v was never on the server", u, r)
				}
			}
			if len(slices.Compact(slices.Clone(rs))) != len(rs) {
				t.Errorf("UID %d stored %d times", u, len(rs))
			}
		}
		noProblems(t, st)
		if t.Failed() {
			t.Fatalf("after %d faults, the last rounds: %s", acted, strings.Join(log, "; "))
		}
	}
	t.Logf("%s: %d faults in %d passes, %d messages", user, acted, rounds, next)
	return acted
}
