package imapsync_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// leakCheck fails the test if goroutines of ours outlive it. Those of the servers are
// not ours.
func leakCheck(t *testing.T) {
	t.Helper()
	before := len(ours())
	t.Cleanup(func() {
		deadline := time.Now().Add(5 * time.Second)
		for {
			after := ours()
			if len(after) <= before {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("goroutines: %d before, %d after\n%s", before, len(after), strings.Join(after, "\n\n"))
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// ours returns the stacks of goroutines that a pass has started.
func ours() (stacks []string) {
	buf := make([]byte, 1<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "inwriting/indexer/imapsync.") || strings.Contains(g, "/imapclient.") {
			stacks = append(stacks, g)
		}
	}
	return stacks
}

func newStage(t testing.TB) *archive.Stage {
	t.Helper()
	s, err := archive.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mail makes invented messages of many shapes; they are distinct by n.
func mail(n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "From: Nora <nora@deskandco.example>\r\nTo: martin@halearchitects.example\r\n")
	fmt.Fprintf(&b, "Subject: Drawing %d\r\nMessage-ID: <%d@deskandco.example>\r\n\r\n", n, n)
	switch n % 5 {
	case 0:
		b.WriteString(strings.Repeat("The door is on the left, as agreed.\r\n", n%40+1))
	case 1:
		b.WriteString("no line end at the end")
	case 2: // what looks like IMAP
		fmt.Fprintf(&b, ")\r\n* %d FETCH (UID %d FLAGS (\\Seen))\r\nT2 OK done\r\n{5}\r\n", n, n)
	case 3:
		b.WriteString("\xff\xfe eight bits \x80\x01 and a lone \r in a line\r\n")
	case 4:
		b.WriteString(strings.Repeat("x", 3000) + "\r\n")
	}
	return []byte(b.String())
}

func ref(raw []byte) archive.Ref { return sha256.Sum256(imaptest.Wire(raw)) }

// run makes a pass that must not fail.
func run(t *testing.T, a imapsync.Account, st *imaptest.Store, opt imapsync.Options) imapsync.Result {
	t.Helper()
	if opt.RetryDelay == 0 {
		opt.RetryDelay = time.Millisecond
	}
	res, err := imapsync.Run(t.Context(), a, st, newStage(t), opt)
	if err != nil {
		t.Fatalf("Run: %v\nevents: %v", err, st.Events)
	}
	noProblems(t, st)
	return res
}

func noProblems(t *testing.T, st *imaptest.Store) {
	t.Helper()
	for _, p := range st.Problems() {
		t.Errorf("contract of Store: %s", p)
	}
}

func folder(t *testing.T, res imapsync.Result, name string) imapsync.FolderResult {
	t.Helper()
	for _, f := range res.Folders {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no folder %q in %+v", name, res.Folders)
	return imapsync.FolderResult{}
}

// counts is the part of a FolderResult that tests compare.
func counts(f imapsync.FolderResult) string {
	s := fmt.Sprintf("server %d new %d gone %d flags %d reused %d quarantined %d left %d", f.Server, f.New, f.Gone, f.Flags, f.Reused, f.Quarantined, f.Left)
	if f.Clean {
		s += " clean"
	}
	if f.Unchanged {
		s += " unchanged"
	}
	return s
}

// holds checks that the folder's live rows hold exactly the wanted messages,
// each once.
func holds(t *testing.T, st *imaptest.Store, name string, want []archive.Ref) {
	t.Helper()
	rows := st.Rows(name)
	var got []archive.Ref
	for u, refs := range st.Refs(name) {
		if rows[u].State == imapsync.Stored {
			got = append(got, refs[len(refs)-1])
		}
	}
	less := func(a, b archive.Ref) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, less)
	want = slices.SortedFunc(slices.Values(want), less)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: messages (-want +got):\n%s", name, d)
	}
}

func fill(t *testing.T, s *imaptest.Server, user, name string, from, to int) (refs []archive.Ref) {
	t.Helper()
	for n := from; n < to; n++ {
		raw := mail(n)
		var err error
		if n%3 == 0 {
			err = s.DeliverSeen(user, name, "S", raw)
		} else {
			err = s.Deliver(user, name, raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref(raw))
	}
	return refs
}

func status(t *testing.T, s *imaptest.Server, user, name string) imaptest.Status {
	t.Helper()
	st, err := s.Status(user, name)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func do(t *testing.T, s *imaptest.Server, user, name string, commands ...string) {
	t.Helper()
	if _, err := s.Do(user, name, commands...); err != nil {
		t.Fatal(err)
	}
}

func mapValues[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func TestTLS(t *testing.T) {
	leakCheck(t)
	s := imaptest.Dovecot(t)
	refs := fill(t, s, "nora", "INBOX", 0, 5)
	_, plainPort, _ := strings.Cut(s.Addr, ":")
	for _, server := range []string{s.TLSAddr, "starttls://localhost:" + plainPort} {
		t.Run(strings.Split(server, ":")[0], func(t *testing.T) {
			a := s.Account("nora")
			a.Server, a.TLS = server, s.TLSConfig()
			st := imaptest.NewStore()
			run(t, a, st, imapsync.Options{})
			holds(t, st, "INBOX", refs)

			a.TLS = nil // the system does not know the authority
			_, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{})
			wantError(t, err, imapsync.ErrTLS, "certificate")
		})
	}
}

func wantError(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want kind %q", err, kind)
	}
	var e *imapsync.Error
	if !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("%v: no hint", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error()+" "+e.Hint, w) {
			t.Errorf("error %q, hint %q: want %q in it", err, e.Hint, w)
		}
	}
	if strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("error %q tells the password", err)
	}
}

func TestRefusals(t *testing.T) {
	leakCheck(t)
	s := imaptest.Dovecot(t)
	_, port, _ := strings.Cut(s.Addr, ":")
	_, tlsPort, _ := strings.Cut(s.TLSAddr, ":")
	secret := func(context.Context) (string, error) { return "wrong-secret", nil }
	tests := []struct {
		name  string
		edit  func(*imapsync.Account)
		kind  error
		words []string
	}{
		{"password", func(a *imapsync.Account) { a.Password = secret }, imapsync.ErrAuth, []string{`as "nora"`, "app password"}},
		{"port", func(a *imapsync.Account) { a.Server = "insecure://127.0.0.1:1" }, imapsync.ErrUnreachable, []string{"127.0.0.1:1", "refused", "993"}},
		{"no port", func(a *imapsync.Account) { a.Server = "imap.deskandco.example" }, imapsync.ErrConfig, []string{"host:port"}},
		{"scheme", func(a *imapsync.Account) { a.Server = "http://localhost:1" }, imapsync.ErrConfig, []string{"starttls"}},
		{"plain port with TLS", func(a *imapsync.Account) { a.Server = "localhost:" + port }, imapsync.ErrTLS, []string{"starttls://localhost:" + port}},
		{"TLS port in the clear", func(a *imapsync.Account) { a.Server = "insecure://localhost:" + tlsPort }, imapsync.ErrUnreachable, []string{"TLS"}},
		{"other name", func(a *imapsync.Account) { a.Server = "127.0.0.1:" + tlsPort; a.TLS = s.TLSConfig() }, imapsync.ErrTLS, []string{"127.0.0.1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.Account("nora")
			tt.edit(&a)
			_, err := imapsync.Run(t.Context(), a, imaptest.NewStore(), newStage(t), imapsync.Options{Idle: time.Second})
			wantError(t, err, tt.kind, tt.words...)
		})
	}
	t.Run("insecure elsewhere", func(t *testing.T) {
		a := s.Account("nora")
		a.Server = "insecure://imap.deskandco.example:143"
		_, err := imapsync.Run(t.Context(), a, imaptest.NewStore(), newStage(t), imapsync.Options{})
		wantError(t, err, imapsync.ErrConfig, "password in the clear")
	})
}
