package imapsync_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// shared are servers for tests that need none of their own; each test uses a user
// of its own.
var shared struct {
	sync.Mutex
	servers map[string]*imaptest.Server
	dirs    []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range shared.servers {
		s.Close()
	}
	for _, d := range shared.dirs {
		os.RemoveAll(d)
	}
	os.Exit(code)
}

func sharedServer(t testing.TB, brand string) *imaptest.Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if s := shared.servers[brand]; s != nil {
		return s
	}
	dir, err := imaptest.TempDir(brand)
	if err != nil {
		t.Fatal(err)
	}
	s, err := imaptest.StartIn(dir, brand)
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	if shared.servers == nil {
		shared.servers = map[string]*imaptest.Server{}
	}
	shared.servers[brand], shared.dirs = s, append(shared.dirs, dir)
	return s
}

func sharedDovecot(t testing.TB) *imaptest.Server {
	t.Helper()
	return sharedServer(t, "dovecot")
}

// eachServer runs a test against every server there is.
func eachServer(t *testing.T, test func(*testing.T, *imaptest.Server)) {
	for _, brand := range imaptest.Brands {
		t.Run(brand, func(t *testing.T) { test(t, sharedServer(t, brand)) })
	}
}

const faultMessages = 60

// After any fault and the pass that met it, at most one more pass leaves every
// message stored exactly once, none that is not on the server, and the mailbox
// as it was.
func TestFaults(t *testing.T) {
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		const user = "faults"
		refs := fill(t, s, user, "INBOX", 0, faultMessages)
		settle(t, s, user, "INBOX")
		before := snapshot(t, s, user, "INBOX")
		for _, kind := range imaptest.Faults {
			for _, times := range []int{1, 3} {
				if times > 1 && s.Brand != "dovecot" {
					continue // what repetition does, it does to us
				}
				name := kind
				if times > 1 {
					name += "-repeated"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					meets(t, s, user, imaptest.Fault{Kind: kind, At: 37, Times: times}, refs)
				})
			}
		}
		t.Cleanup(func() {
			if d := cmp.Diff(before, snapshot(t, s, user, "INBOX")); d != "" {
				t.Errorf("the mailbox changed (-before +after):\n%s", d)
			}
		})
	})
}

// meets lets a pass meet a fault.
func meets(t *testing.T, s *imaptest.Server, user string, fault imaptest.Fault, refs []archive.Ref) {
	var size int64
	for n := range faultMessages {
		size += int64(len(imaptest.Wire(mail(n))))
	}
	idle := 10 * time.Second
	if strings.HasPrefix(fault.Kind, "stall") || fault.Kind == "swallow-ok" {
		if fault.Times > 1 {
			t.Skip("one silence tells as much as three")
		}
		idle = 500 * time.Millisecond
	}
	// These act on what there is one of in a pass.
	rare := slices.Contains([]string{"search-short", "search-empty", "uidvalidity", "no-uidvalidity", "no-uidnext", "list-short"}, fault.Kind)
	if rare {
		fault.At = 1
	}
	p := imaptest.NewProxy(t, s.Addr, fault)
	a := s.Account(user)
	a.Server = "insecure://" + p.Addr
	st := imaptest.NewStore()
	res, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{Idle: idle, RetryDelay: time.Millisecond})
	noProblems(t, st)
	for _, rs := range st.Refs("INBOX") {
		for _, r := range rs {
			if !slices.Contains(refs, r) {
				t.Errorf("%v is not a message of the server", r)
			}
		}
	}
	if !rare {
		if err != nil {
			t.Errorf("first pass: %v", err)
		}
		if p.Acted() != fault.Times {
			t.Errorf("the fault acted %d times, want %d", p.Acted(), fault.Times)
		}
		f := folder(t, res, "INBOX")
		if !f.Clean || f.Quarantined > 0 && fault.Times == 1 {
			t.Errorf("first pass: %s", counts(f))
		}
		// These do not even cost a second look.
		harmless := []string{"flags-first", "flags-after", "unknown", "vanished", "blank", "dup", "slow", "no"}
		if slices.Contains(harmless, fault.Kind) && (res.Reconnects > 0 || st.Kinds()[imapsync.EventRefetch] > 0) {
			t.Errorf("%d reconnections, events %v", res.Reconnects, st.Kinds())
		}
	}
	p.Heal()
	st.MakeDue()
	run(t, a, st, imapsync.Options{})
	holds(t, st, "INBOX", refs)
	for u, rs := range st.Refs("INBOX") {
		if len(rs) != 1 {
			t.Errorf("UID %d stored %d times", u, len(rs))
		}
	}
	// A batch is everything here, so each fault may cost one mailbox, and what is
	// told of it.
	if limit := size*int64(fault.Times+2) + 200_000; fault.Kind != "long-line" && p.Octets() > limit {
		t.Errorf("%d octets for a mailbox of %d, want at most %d", p.Octets(), size, limit)
	}
}

// A message that can never be had is quarantined by its UID; the others come,
// and when the server thinks better of it the message comes too.
func TestPoison(t *testing.T) {
	s := sharedDovecot(t)
	refs := fill(t, s, "poison", "INBOX", 0, 20)
	for _, kind := range []string{"cut", "cut-literal", "no-early", "drop", "nil-body", "no-body", "empty-body", "wrong-uid", "lie-long", "lie-short", "huge-literal", "long-line"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := imaptest.NewProxy(t, s.Addr, imaptest.Fault{Kind: kind, UID: 9})
			a := s.Account("poison")
			a.Server = "insecure://" + p.Addr
			st := imaptest.NewStore()
			res := run(t, a, st, imapsync.Options{Idle: 5 * time.Second})
			f := folder(t, res, "INBOX")
			if got, want := counts(f), "server 20 new 19 gone 0 flags 0 reused 0 quarantined 1 left 0 clean"; got != want {
				t.Errorf("got %s, want %s\nevents: %v", got, want, st.Events)
			}
			if row := st.Rows("INBOX")[9]; row.State != imapsync.Quarantined || row.Tries != 1 {
				t.Errorf("row of the message: %+v", row)
			}
			// Not due: the folder is passed over.
			if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); !f.Unchanged {
				t.Errorf("second pass: %s", counts(f))
			}
			p.Heal()
			st.MakeDue()
			res = run(t, a, st, imapsync.Options{})
			if got, want := counts(folder(t, res, "INBOX")), "server 20 new 1 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
				t.Errorf("healed: got %s, want %s", got, want)
			}
			holds(t, st, "INBOX", refs)
		})
	}
}

// A server that falls silent is left when the context ends, not only when the
// idle time is over.
func TestCancelSilence(t *testing.T) {
	s := sharedDovecot(t)
	fill(t, s, "silence", "INBOX", 0, 10)
	leakCheck(t)
	for _, kind := range []string{"stall", "stall-literal", "swallow-ok"} {
		p := imaptest.NewProxy(t, s.Addr, imaptest.Fault{Kind: kind, At: 5})
		a := s.Account("silence")
		a.Server = "insecure://" + p.Addr
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		start := time.Now()
		_, err := imapsync.Run(ctx, a, imaptest.NewStore(), newStage(t), imapsync.Options{})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 4*time.Second {
			t.Errorf("%s: error %v after %v", kind, err, time.Since(start))
		}
		p.Close()
	}
}

// A store that fails ends the pass with its own error and loses nothing.
func TestStoreFails(t *testing.T) {
	s := sharedDovecot(t)
	refs := fill(t, s, "full", "INBOX", 0, 50)
	leakCheck(t)
	st := imaptest.NewStore()
	st.Fail = func(_ string, uid uint32) error {
		if uid == 30 {
			return imaptest.ErrFull
		}
		return nil
	}
	_, err := imapsync.Run(t.Context(), s.Account("full"), st, newStage(t), imapsync.Options{})
	if !errors.Is(err, imapsync.ErrStore) || !errors.Is(err, imaptest.ErrFull) {
		t.Fatalf("got error %v", err)
	}
	if got := len(st.Refs("INBOX")); got != 29 {
		t.Errorf("%d messages kept, want 29", got)
	}
	st.Fail = nil
	run(t, s.Account("full"), st, imapsync.Options{})
	holds(t, st, "INBOX", refs)
}

// A message that was given up under one UIDVALIDITY is not under another, in the same
// pass: its UID means something else there.
func TestGivenUpElsewhere(t *testing.T) {
	leakCheck(t)
	b := &box{msgs: three()}
	st := imaptest.NewStore()
	st.Fail = func(_ string, uid uint32) error {
		if uid > 1 {
			return imaptest.ErrFull
		}
		return nil
	}
	_, a := scripted(t, b, "")
	if _, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{}); !errors.Is(err, imapsync.ErrStore) {
		t.Fatal(err)
	}
	st.Fail = nil
	opened := 0
	b.over = func(cmd string) string {
		strange := "* 3 EXISTS\r\n* OK [UIDVALIDITY 8] valid\r\n* OK [UIDNEXT 100] next\r\n$T OK [READ-ONLY] opened\r\n"
		switch {
		case strings.HasPrefix(cmd, "EXAMINE"):
			if opened++; opened <= 5 {
				return strange
			}
		case isBodies(cmd) && opened <= 6 && inSet(strings.Fields(cmd)[2], 2):
			return "-"
		}
		return ""
	}
	res := run(t, a, st, imapsync.Options{})
	if f := folder(t, res, "INBOX"); !f.Clean || opened != 7 || st.Kinds()[imapsync.EventQuarantined] == 0 {
		t.Errorf("%s, opened %d times, %v", counts(f), opened, st.Kinds())
	}
	holds(t, st, "INBOX", []archive.Ref{ref([]byte("one\r\n")), ref([]byte("two\r\n")), ref([]byte("five\r\n"))})
}

// fullStage has no room for what is longer than most.
type fullStage struct {
	*archive.Stage
	most int64
}

func (s fullStage) Read(r io.Reader) (*archive.Blob, error) {
	b, err := s.Stage.Read(io.LimitReader(r, s.most+1))
	if err != nil || b.Size() <= s.most {
		return b, err
	}
	b.Discard()
	return nil, &fs.PathError{Op: "write", Path: "stage", Err: syscall.ENOSPC}
}

// A disk that is full while a message is on its way to it ends the pass with the
// disk's own error: it is not the message's fault, nor the connection's.
func TestStageFails(t *testing.T) {
	s := sharedDovecot(t)
	refs := fill(t, s, "stage", "INBOX", 0, 10)
	large := []byte("Subject: large\r\n\r\n" + strings.Repeat("line by line\r\n", 100_000))
	if err := s.Deliver("stage", "INBOX", large); err != nil {
		t.Fatal(err)
	}
	refs = append(refs, ref(large))
	leakCheck(t)
	st := imaptest.NewStore()
	_, err := imapsync.Run(t.Context(), s.Account("stage"), st, fullStage{newStage(t), 100_000}, imapsync.Options{RetryDelay: time.Millisecond})
	if !errors.Is(err, imapsync.ErrStore) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got error %v, want the disk's", err)
	}
	noProblems(t, st)
	for uid, r := range st.Rows("INBOX") {
		if r.State == imapsync.Quarantined {
			t.Errorf("UID %d is quarantined", uid)
		}
	}
	run(t, s.Account("stage"), st, imapsync.Options{})
	holds(t, st, "INBOX", refs)
}

func TestExclude(t *testing.T) {
	s := sharedDovecot(t)
	fill(t, s, "exclude", "INBOX", 0, 1)
	fill(t, s, "exclude", "Sent", 1, 2)
	fill(t, s, "exclude", "Junk", 2, 3)
	fill(t, s, "exclude", "Lists/go", 3, 4)
	a := s.Account("exclude")
	a.Exclude = []string{`\junk`, "Lists/*"}
	res := run(t, a, imaptest.NewStore(), imapsync.Options{})
	var in []string
	for _, f := range res.Folders {
		if !f.Excluded && !f.Noselect {
			in = append(in, f.Display)
		}
	}
	slices.Sort(in)
	if want := []string{"INBOX", "Sent"}; !slices.Equal(in, want) {
		t.Errorf("collected %q, want %q", in, want)
	}
}
