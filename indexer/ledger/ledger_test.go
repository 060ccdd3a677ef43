package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
)

type vault struct{ dir, keys string }

func newVault(t testing.TB) vault {
	d := t.TempDir()
	return vault{filepath.Join(d, "ledger"), filepath.Join(d, "keys")}
}

func (v vault) options() Options {
	clock := time.Date(2023, 3, 2, 9, 12, 0, 7e6, time.UTC)
	return Options{Origin: "desk.example", Rand: rand.NewChaCha8([32]byte{1}), Now: func() time.Time {
		clock = clock.Add(1500 * time.Millisecond)
		return clock
	}}
}

func (v vault) open(t testing.TB) *Ledger {
	t.Helper()
	l, err := Open(v.dir, v.keys, v.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (v vault) read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(v.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vault) write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copy gives a vault with the same files, to be spoilt.
func (v vault) copy(t testing.TB) vault {
	t.Helper()
	c := newVault(t)
	for from, to := range map[string]string{v.dir: c.dir, v.keys: c.keys} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func seen(i int) Fact {
	return MsgSeen{Blob: fmt.Sprintf("%064x", i), Size: int64(i), Mailbox: 3, UIDValidity: 1700000001, UID: uint32(i + 1),
		InternalDate: "2023-03-02T09:12:00+01:00", Flags: []string{`\Seen`}}
}

func mustAppend(t testing.TB, l *Ledger, facts ...Fact) int64 {
	t.Helper()
	n, err := l.Append(facts)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func problems(t testing.TB, v vault) []Problem {
	t.Helper()
	var got []Problem
	stats, err := Check(v.dir, func(p Problem) { got = append(got, p) })
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	if stats.Problems != len(got) {
		t.Errorf("Check counts %d problems, reported %d", stats.Problems, len(got))
	}
	return got
}

func TestLedger(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	if !strings.HasPrefix(l.Origin(), "desk.example/") {
		t.Errorf("origin %q", l.Origin())
	}
	if fi, _ := os.Stat(filepath.Join(v.keys, "ed25519")); fi.Mode() != 0o600 {
		t.Errorf("key has mode %v", fi.Mode())
	}
	if first := mustAppend(t, l, seen(1), seen(2)); first != 1 {
		t.Errorf("first index %d, want 1", first)
	}
	c, err := l.Checkpoint()
	if err != nil || c.Size != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	again, err := l.Checkpoint()
	if err != nil || !bytes.Equal(again.Note, c.Note) {
		t.Errorf("a second checkpoint of the same tree: %q, %v", again.Note, err)
	}
	mustAppend(t, l, seen(3))
	for i := 4; i < 100; i++ {
		mustAppend(t, l, seen(i))
	}
	vkey := l.VKey()
	l.Close()
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, ErrFailed) {
		t.Errorf("Append after Close: %v", err)
	}

	l = v.open(t)
	if l.VKey() != vkey || l.Size() != 100 || len(l.Repairs()) != 0 {
		t.Errorf("reopened: %q, %d entries, repairs %q", l.VKey(), l.Size(), l.Repairs())
	}
	if d := cmp.Diff(c, l.Signed()); d != "" {
		t.Errorf("Signed (-want +got):\n%s", d)
	}
	readsBack(t, l)
	if _, err := l.Prove(50); err == nil {
		t.Error("Prove of an entry that no checkpoint commits to: no error")
	}
	if c, err = l.Checkpoint(); err != nil || c.Size != 100 {
		t.Fatalf("%+v, %v", c, err)
	}
	last, _ := l.Line(99)
	e, _ := Decode(last)
	if !c.Time.Equal(e.Time) {
		t.Errorf("checkpoint time %v, newest entry %v", c.Time, e.Time)
	}
	stats, err := l.Verify(func(p Problem) { t.Errorf("Verify: %+v", p) })
	if err != nil || stats.Entries != 100 || stats.Signed != 100 {
		t.Errorf("Verify: %+v, %v", stats, err)
	}
	if err := l.Entries(0, func(i int64, line []byte) error { canonical(t, line); return nil }); err != nil {
		t.Error(err)
	}
}

// readsBack reads the 100 entries of TestLedger from many places on.
func readsBack(t *testing.T, l *Ledger) {
	t.Helper()
	for _, from := range []int64{0, 1, 31, 32, 33, 64, 99, 100} {
		n := from
		err := l.Entries(from, func(i int64, line []byte) error {
			e, err := Decode(line)
			if err != nil || i != n {
				t.Errorf("entry %d: index %d, %v", n, i, err)
			}
			if m, ok := e.Fact.(MsgSeen); ok && m.Size != i {
				t.Errorf("entry %d is %+v", i, m)
			}
			got, err := l.Line(i)
			if err != nil || !bytes.Equal(got, line) {
				t.Errorf("Line(%d) = %s, %v", i, got, err)
			}
			n++
			return nil
		})
		if err != nil || n != 100 {
			t.Errorf("Entries(%d) ended at %d, %v", from, n, err)
		}
	}
	for _, bad := range []int64{-1, 101} {
		if err := l.Entries(bad, nil); err == nil {
			t.Errorf("Entries(%d): no error", bad)
		}
		if _, err := l.Line(bad); err == nil {
			t.Errorf("Line(%d): no error", bad)
		}
	}
}

// Tree, stored hashes and proofs agree with x/mod's own.
func TestTreeAgainstTlog(t *testing.T) {
	var e edge
	var mine, theirs []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, theirs[i])
		}
		return out, nil
	})
	for n := int64(0); n < 300; n++ {
		line := fmt.Appendf(nil, "line %d", n)
		mine = e.add(tlog.RecordHash(line), mine)
		hs, err := tlog.StoredHashes(n, line, reader)
		if err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, hs...)
		if !slices.Equal(theirs, mine) {
			t.Fatalf("stored hashes differ at %d", n)
		}
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || root != e.root() {
			t.Fatalf("root at %d: %v, want %v (%v)", n+1, e.root(), root, err)
		}
		at, err := edgeAt(n+1, storedHashes{bytes.NewReader(hashBytes(mine))})
		if err != nil || at.root() != root {
			t.Fatalf("edgeAt(%d): %v, %v", n+1, at.root(), err)
		}
		for k := range int64(tlog.HashSize) {
			if got := leavesOf(int64(len(mine))*tlog.HashSize + k); got != n+1 {
				t.Fatalf("leavesOf %d hashes = %d, want %d", len(mine), got, n+1)
			}
		}
	}
}

func TestProofs(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	for n := 1; n <= 20; n++ {
		c, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		for i := range l.Size() {
			proof, err := l.Prove(i)
			if err != nil {
				t.Fatal(err)
			}
			line, _ := l.Line(i)
			p, err := VerifyProof(proof, line, l.VKey())
			if err != nil || p.Index != i || p.Checkpoint.Size != c.Size || p.Checkpoint.Root != c.Root {
				t.Fatalf("entry %d of %d: %+v, %v\n%s", i, n, p, err, proof)
			}
			for name, bad := range map[string][]byte{
				"line": append(bytes.Clone(line), ' '),
			} {
				if _, err := VerifyProof(proof, bad, l.VKey()); !errors.Is(err, ErrProof) {
					t.Errorf("another %s: %v", name, err)
				}
			}
		}
		mustAppend(t, l, seen(n))
	}
	// Every single changed octet of a proof is noticed.
	l.Checkpoint()
	proof, err := l.Prove(5)
	if err != nil {
		t.Fatal(err)
	}
	line, _ := l.Line(5)
	for i := range proof {
		for _, x := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(proof)
			bad[i] ^= x
			if _, err := VerifyProof(bad, line, l.VKey()); err == nil {
				t.Errorf("octet %d changed to %q: no error", i, bad[i])
			}
		}
		if _, err := VerifyProof(proof[:i], line, l.VKey()); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	other := newVault(t)
	o := other.options()
	o.Rand = rand.NewChaCha8([32]byte{2})
	k, err := Open(other.dir, other.keys, o)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := VerifyProof(proof, line, k.VKey()); !errors.Is(err, ErrProof) {
		t.Errorf("another key: %v", err)
	}
	if _, err := VerifyProof(proof, line, "nonsense"); err == nil {
		t.Error("no key: no error")
	}
}

func TestKeys(t *testing.T) {
	v := signedVault(t)
	t.Run("missing key", func(t *testing.T) {
		c := v.copy(t)
		os.Remove(filepath.Join(c.keys, "ed25519"))
		l := c.open(t)
		mustAppend(t, l, seen(50))
		if _, err := l.Checkpoint(); !errors.Is(err, ErrNoKey) {
			t.Errorf("Checkpoint: %v", err)
		}
	})
	t.Run("another key", func(t *testing.T) {
		c, o := v.copy(t), newVault(t)
		opts := o.options()
		opts.Rand = rand.NewChaCha8([32]byte{5})
		l, err := Open(o.dir, o.keys, opts)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		b, _ := os.ReadFile(filepath.Join(o.keys, "ed25519"))
		os.WriteFile(filepath.Join(c.keys, "ed25519"), b, 0o600)
		if _, err := Open(c.dir, c.keys, c.options()); err == nil || !strings.Contains(err.Error(), "not the one") {
			t.Errorf("Open: %v", err)
		}
	})
	t.Run("vkey missing", func(t *testing.T) {
		c := v.copy(t)
		want := c.read(t, "log.vkey")
		os.Remove(filepath.Join(c.dir, "log.vkey"))
		c.open(t)
		if !bytes.Equal(c.read(t, "log.vkey"), want) {
			t.Error("not written again")
		}
	})
	t.Run("bad origin", func(t *testing.T) {
		c := newVault(t)
		o := c.options()
		o.Origin = "two words"
		if _, err := Open(c.dir, c.keys, o); err == nil || !strings.Contains(err.Error(), "two words") {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	l := newVault(t).open(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := l.Append([]Fact{seen(g*100 + i), seen(i)}); err != nil {
					t.Error(err)
				}
				if i%7 == 0 {
					l.Checkpoint()
				}
			}
		})
		wg.Go(func() {
			for range 10 {
				n := int64(0)
				if err := l.Entries(0, func(i int64, line []byte) error { n++; return nil }); err != nil {
					t.Error(err)
				}
				l.Line(n - 1)
				l.Signed()
			}
		})
	}
	wg.Wait()
	if l.Size() != 161 {
		t.Errorf("%d entries", l.Size())
	}
	if _, err := l.Verify(func(p Problem) { t.Errorf("%+v", p) }); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	v := signedVault(f)
	e, h, c := v.read(f, "entries.jsonl"), v.read(f, "hashes"), v.read(f, "checkpoint")
	f.Add(e, h, c)
	f.Add(e[:len(e)-5], h, c)
	f.Add(e, h[:40], c)
	f.Add([]byte("{}\n"), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, entries, hashes, checkpoint []byte) {
		c := v.copy(t)
		c.write(t, "entries.jsonl", entries)
		c.write(t, "hashes", hashes)
		c.write(t, "checkpoint", checkpoint)
		stats, err := Check(c.dir, func(Problem) {})
		if err != nil {
			t.Fatalf("Check: %v", err)
		}
		if stats.Problems == 0 && stats.Signed == 10 && !bytes.HasPrefix(entries, bytes.Join(bytes.SplitAfter(e, []byte("\n"))[:10], nil)) {
			t.Fatal("Check is content with entries that nobody signed")
		}
		l, err := Open(c.dir, c.keys, c.options())
		if err != nil {
			return
		}
		defer l.Close()
		// What opens works, and is sound if it was sound.
		mustAppend(t, l, seen(77))
		if _, err := l.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		for i := range l.Size() {
			line, err := l.Line(i)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := l.Prove(i)
			if err != nil {
				if !errors.Is(err, ErrAltered) {
					t.Fatal(err)
				}
				continue
			}
			if _, err := VerifyProof(proof, line, l.VKey()); err != nil {
				t.Fatalf("a proof that does not hold: %v", err)
			}
		}
		after, err := l.Verify(func(p Problem) {
			if stats.Problems == 0 {
				t.Errorf("%+v", p)
			}
		})
		if err != nil {
			t.Fatalf("Verify: %+v, %v", after, err)
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	l := newVault(f).open(f)
	mustAppend(f, l, seen(1), seen(2), seen(3))
	l.Checkpoint()
	proof, _ := l.Prove(2)
	line, _ := l.Line(2)
	f.Add(proof, line)
	f.Fuzz(func(t *testing.T, p, ln []byte) {
		got, err := VerifyProof(p, ln, l.VKey())
		if err != nil {
			return
		}
		want, err := l.Line(got.Index)
		if err != nil || !bytes.Equal(want, ln) {
			t.Errorf("%q is proved to be entry %d, which is %q", ln, got.Index, want)
		}
	})
}

func BenchmarkAppend20000(b *testing.B) {
	v := newVault(b)
	l, err := Open(v.dir, v.keys, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var facts []Fact
	for i := range 500 {
		facts = append(facts, seen(i))
	}
	for b.Loop() {
		for range 40 {
			if _, err := l.Append(facts); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	v := newVault(b)
	l := v.open(b)
	var facts []Fact
	for i := range 100000 {
		facts = append(facts, seen(i))
	}
	mustAppend(b, l, facts...)
	l.Checkpoint()
	l.Close()
	for b.Loop() {
		l, err := Open(v.dir, v.keys, v.options())
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
