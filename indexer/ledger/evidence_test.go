package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// These tests are the ledger's part of the acceptance checks in notes/evidence.md,
// section 12, by their numbers there.

// lineOf returns where line i starts and ends in entries.jsonl, without its line feed.
func lineOf(t testing.TB, b []byte, i int) (start, end int) {
	t.Helper()
	for range i {
		start += bytes.IndexByte(b[start:], '\n') + 1
	}
	return start, start + bytes.IndexByte(b[start:], '\n')
}

// Check 4: every entry's proof holds, every earlier checkpoint is consistent; a
// line that is dropped, moved or changed makes them fail.
func TestCheck4ProofsAndDroppedLines(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	var signed []Checkpoint
	for i := range 23 {
		mustAppend(t, l, seen(i))
		if i%5 == 0 {
			cp, err := l.Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			signed = append(signed, cp)
		}
	}
	last, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for i := range last.Size {
		line, err := l.Line(i)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := l.Prove(i)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyProof(proof, line, l.VKey()); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	for _, old := range append(signed, last) {
		proof, err := l.Consistency(old.Size)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := VerifyConsistency(proof, old, l.VKey()); err != nil || c.Size != last.Size {
			t.Errorf("from %d: %v, %v", old.Size, c.Size, err)
		}
		other := old
		other.Root = last.Root
		if old.Size != last.Size {
			if _, err := VerifyConsistency(proof, other, l.VKey()); !errors.Is(err, ErrProof) {
				t.Errorf("from %d with another root: %v", old.Size, err)
			}
		}
	}
	l.Close()
	spoiltLines(t, v)
}

// spoiltLines drops, moves and changes line 7: each makes Check fail, and no proof of it is
// given.
func spoiltLines(t *testing.T, v vault) {
	file := v.read(t, "entries.jsonl")
	for _, tt := range []struct {
		name   string
		change func(lines [][]byte) [][]byte
	}{
		{"dropped", func(l [][]byte) [][]byte { return append(l[:7:7], l[8:]...) }},
		{"swapped", func(l [][]byte) [][]byte { l[7], l[8] = l[8], l[7]; return l }},
		{"repeated", func(l [][]byte) [][]byte { return append(l[:8:8], l[7:]...) }},
		{"changed", func(l [][]byte) [][]byte {
			l[7] = bytes.Replace(l[7], []byte(`"uid":`), []byte(`"uid":1`), 1)
			return l
		}},
		{"blanked", func(l [][]byte) [][]byte {
			h := leafHash(bytes.TrimSuffix(l[7], []byte("\n")))
			b, err := blankLine(h, len(l[7])-1)
			if err != nil {
				t.Fatal(err)
			}
			l[7] = append(b, '\n')
			return l
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := v.copy(t)
			w.write(t, "entries.jsonl", bytes.Join(tt.change(bytes.SplitAfter(bytes.Clone(file), []byte("\n"))), nil))
			got := problems(t, w)
			if len(got) == 0 {
				t.Fatal("Check reports nothing")
			}
			if got[0].Index != 7 && tt.name != "repeated" {
				t.Errorf("Check reports entry %d: %v", got[0].Index, got)
			}
			l, err := Open(w.dir, w.keys, w.options())
			if err != nil {
				return // Open saw it too
			}
			defer l.Close()
			if _, err := l.Prove(7); err == nil {
				t.Error("Prove gives a proof")
			}
		})
	}
}

// Check 15, the ledger's half: the lines are gone, the tree and all other proofs
// are as they were.
func TestCheck15Blank(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	for i := range 40 {
		mustAppend(t, l, seen(i))
	}
	before, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	proofs := map[int64][]byte{}
	for i := range before.Size {
		if proofs[i], err = l.Prove(i); err != nil {
			t.Fatal(err)
		}
	}
	gone := []int64{3, 17}
	x := Erase{Commitment: strings.Repeat("0", 64), Entries: gone, Places: []string{"1/1/3"}, Reason: "asked", By: "nora"}
	var secrets [][]byte
	for _, i := range gone {
		line, err := l.Line(i)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, line)
		h, _ := LeafHash(line)
		x.Leaves = append(x.Leaves, h)
	}
	entry := mustAppend(t, l, x)
	if err := l.Blank(entry); !errors.Is(err, ErrNotAnnounced) {
		t.Fatalf("Blank before the erase entry is signed: %v", err)
	}
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	length := len(v.read(t, "entries.jsonl"))
	for range 2 { // a repeated step does no harm
		if err := l.Blank(entry); err != nil {
			t.Fatal(err)
		}
	}
	check := func(t *testing.T, l *Ledger) { t.Helper(); stillProved(t, v, l, before, proofs, gone, secrets, length) }
	check(t, l)
	l.Close()
	t.Run("opened again", func(t *testing.T) { l = v.open(t); check(t, l); l.Close() })
	t.Run("hashes made again", func(t *testing.T) {
		if err := os.Remove(filepath.Join(v.dir, "hashes")); err != nil {
			t.Fatal(err)
		}
		l = v.open(t)
		check(t, l)
		l.Close()
	})
	t.Run("torn", func(t *testing.T) {
		// A crash in the middle of overwriting a line.
		file := v.read(t, "entries.jsonl")
		start, end := lineOf(t, file, 17)
		copy(file[(start+end)/2:end], secrets[1][(end-start)/2:])
		v.write(t, "entries.jsonl", file)
		if p := problems(t, v); len(p) == 0 {
			t.Error("Check does not see half a line")
		}
		l = v.open(t)
		defer l.Close()
		if err := l.Blank(entry); err != nil {
			t.Fatal(err)
		}
		check(t, l)
	})
}

// stillProved checks that the lines gone are, and that everything else holds.
func stillProved(t *testing.T, v vault, l *Ledger, before Checkpoint, proofs map[int64][]byte, gone []int64, secrets [][]byte, length int) {
	t.Helper()
	file := v.read(t, "entries.jsonl")
	if len(file) != length {
		t.Errorf("the file has %d octets, had %d", len(file), length)
	}
	for _, s := range secrets {
		if bytes.Contains(file, s) || bytes.Contains(file, s[len(s)/2:]) {
			t.Error("a line is still there")
		}
	}
	for i, proof := range proofs {
		line, err := l.Line(i)
		if err != nil {
			t.Fatal(err)
		}
		_, err = VerifyProof(proof, line, l.VKey())
		_, nerr := l.Prove(i)
		if i == gone[0] || i == gone[1] {
			if e, derr := Decode(line); derr != nil || e.Type != "erased" {
				t.Errorf("entry %d: %v, %v", i, e, derr)
			}
			if err == nil || !errors.Is(nerr, ErrErased) {
				t.Errorf("entry %d is proved: %v, %v", i, err, nerr)
			}
		} else if err != nil || nerr != nil {
			t.Errorf("entry %d: %v, %v", i, err, nerr)
		}
	}
	if p := problems(t, v); len(p) != 0 {
		t.Errorf("Check: %v", p)
	}
	proof, err := l.Consistency(before.Size)
	if err == nil {
		_, err = VerifyConsistency(proof, before, l.VKey())
	}
	if err != nil {
		t.Error(err)
	}
}

func TestBlankRefuses(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	defer l.Close()
	mustAppend(t, l, seen(1), seen(2))
	leaf := func(i int64) string {
		line, err := l.Line(i)
		if err != nil {
			t.Fatal(err)
		}
		h, _ := LeafHash(line)
		return h
	}
	for _, x := range []Erase{
		{Entries: []int64{0}, Leaves: []string{leaf(0)}},
		{Entries: []int64{1}, Leaves: []string{leaf(2)}},
		{Entries: []int64{1}, Leaves: nil},
		{Entries: []int64{99}, Leaves: []string{leaf(2)}},
	} {
		n := mustAppend(t, l, x)
		if _, err := l.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		if err := l.Blank(n); err == nil {
			t.Errorf("%v: no error", x)
		}
	}
	if err := l.Blank(1); !errors.Is(err, ErrNotAnnounced) {
		t.Errorf("an entry of another type: %v", err)
	}
	if p := problems(t, v); len(p) != 0 {
		t.Errorf("Check: %v", p)
	}
}

func TestAnchorsAreKept(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	defer l.Close()
	if got, err := l.Anchors(); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	cp, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	want := []Anchored{
		{Size: cp.Size, Authority: "one", Checkpoint: cp.Note, Token: []byte("t1"), Chain: []byte("c1")},
		{Size: cp.Size, Authority: "two-2", Checkpoint: cp.Note, Token: []byte("t2"), Chain: []byte("c2")},
	}
	for _, a := range want {
		if err := l.KeepAnchor(a); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "../up", "A", "a.b", "-rf", strings.Repeat("a", 41)} {
		if err := l.KeepAnchor(Anchored{Size: 1, Authority: name}); err == nil {
			t.Errorf("authority %q is taken", name)
		}
	}
	got, err := l.Anchors()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSSHKey(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	defer l.Close()
	line, fingerprint, err := SSHKey(l.VKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Fatal("ssh-keygen is not installed; on Debian: apt-get install openssh-client")
	}
	file := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(file, []byte(line+" vault\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-lf", file).CombinedOutput()
	if want := fmt.Sprintf("256 %s vault (ED25519)\n", fingerprint); err != nil || string(out) != want {
		t.Errorf("ssh-keygen: %q, %v; want %q", out, err, want)
	}
}

func FuzzVerifyConsistency(f *testing.F) {
	v := newVault(f)
	l := v.open(f)
	defer l.Close()
	mustAppend(f, l, seen(1), seen(2), seen(3))
	old, err := l.Checkpoint()
	if err != nil {
		f.Fatal(err)
	}
	mustAppend(f, l, seen(4), seen(5))
	last, err := l.Checkpoint()
	if err != nil {
		f.Fatal(err)
	}
	proof, err := l.Consistency(old.Size)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(proof)
	f.Fuzz(func(t *testing.T, b []byte) {
		// A note may carry other signatures as well; what it says cannot change.
		if c, err := VerifyConsistency(b, old, l.VKey()); err == nil && (c.Size != last.Size || c.Root != last.Root) {
			t.Errorf("another proof holds: %q", b)
		}
	})
}

func FuzzErasedLeaf(f *testing.F) {
	f.Add([]byte(`{"erased":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="   }`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, ok := erasedLeaf(line)
		if !ok {
			return
		}
		again, err := blankLine(h, len(line))
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("%q is written as %q, %v", line, again, err)
		}
	})
}
