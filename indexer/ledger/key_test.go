package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"inwriting/indexer/durable"
)

func twoFacts(n int) []Fact {
	return []Fact{MsgSeen{Blob: strings.Repeat(fmt.Sprint(n%10), 64), Size: 1, UID: uint32(n)}, Sync{Mailbox: int64(n), Ended: "2023-03-02T09:12:00Z"}}
}

// notes/evidence.md, section 3.1 and 9: a change of keys is an entry, and what was
// signed before stays checkable.
func TestChangeKey(t *testing.T) {
	dir := t.TempDir()
	ld, kd := filepath.Join(dir, "ledger"), filepath.Join(dir, "keys")
	l, err := Open(ld, kd, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { l.Close() }()
	var notes [][]byte
	var proofs [][2][]byte
	state := func() {
		t.Helper()
		at, err := l.Append(twoFacts(len(notes)))
		if err != nil {
			t.Fatal(err)
		}
		cp, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		p, err := l.Prove(at)
		if err != nil {
			t.Fatal(err)
		}
		line, err := l.Line(at)
		if err != nil {
			t.Fatal(err)
		}
		notes, proofs = append(notes, cp.Note), append(proofs, [2][]byte{p, line})
		if err := l.KeepAnchor(Anchored{Size: cp.Size, Authority: "one", Checkpoint: cp.Note}); err != nil {
			t.Fatal(err)
		}
	}
	first := l.VKey()
	state()
	if _, err := l.Append(twoFacts(9)); err != nil { // not signed yet
		t.Fatal(err)
	}
	old, second, err := l.ChangeKey(kd, "yearly", true)
	if err != nil {
		t.Fatal(err)
	}
	if old != first || second == first || l.VKey() != second || l.Origin() != strings.SplitN(first, "+", 2)[0] {
		t.Fatalf("changed %q to %q, the ledger says %q", old, second, l.VKey())
	}
	state()
	if err := os.Remove(keyPath(kd)); err != nil { // the key is lost
		t.Fatal(err)
	}
	reopen := func() {
		t.Helper()
		l.Close()
		if l, err = Open(ld, kd, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	if _, third, err := l.ChangeKey(kd, "lost", true); err != nil || third == second {
		t.Fatal(third, err)
	}
	state()
	reopen()
	if len(l.Repairs()) > 0 {
		t.Errorf("repairs %q", l.Repairs())
	}
	keys := l.Keys()
	if len(keys) != 3 || keys[0].VKey != first || keys[1].VKey != second || keys[2].VKey != l.VKey() {
		t.Fatalf("keys %+v", keys)
	}
	for i, n := range notes {
		cp, err := ParseSigned(n, keys)
		if err != nil {
			t.Fatalf("state %d: %v", i, err)
		}
		if root, err := l.RootAt(cp.Size); err != nil || root != cp.Root {
			t.Errorf("state %d: %v", i, err)
		}
		if _, err := VerifyProof(proofs[i][0], proofs[i][1], keys[i].VKey); err != nil {
			t.Errorf("proof %d: %v", i, err)
		}
		if _, err := ParseCheckpoint(n, keys[(i+1)%3].VKey); !errors.Is(err, ErrProof) {
			t.Errorf("state %d is taken with another key: %v", i, err)
		}
	}
	changes, err := l.KeyChanges()
	if err != nil || len(changes) != 2 || !changes[0].Vouched || changes[1].Vouched {
		t.Fatalf("%+v, %v", changes, err)
	}
	for i, c := range changes {
		line, err := l.Line(c.Entry)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := Decode(line)
		if f, ok := e.Fact.(KeyAdded); !ok || f.VKey != c.New || c.Old != keys[i].VKey || !strings.HasPrefix(f.Fingerprint, "SHA256:") {
			t.Errorf("entry %d: %s", c.Entry, line)
		}
		if line, _ = l.Line(c.Entry + 1); !bytes.Contains(line, []byte(`"type":"key.retired"`)) {
			t.Errorf("entry %d: %s", c.Entry+1, line)
		}
	}
	// With stock words: two signature lines under one text.
	for _, v := range []string{first, second} {
		verifier, _ := note.NewVerifier(v)
		if _, err := note.Open(changes[0].Note, note.VerifierList(verifier)); err != nil {
			t.Errorf("the first change is not signed by %s: %v", v, err)
		}
	}
	if k, err := readKey(retiredKeyPath(kd, first)); err != nil || k == nil {
		t.Errorf("the retired key is not kept: %v", err)
	}
	if got := whatIsWrong(t, ld); len(got) != 0 {
		t.Errorf("%v", got)
	}
	// A note that was taken away or replaced by another shows.
	path := keyChangePath(ld, changes[0].Size)
	if err := os.WriteFile(path, notes[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if got := whatIsWrong(t, ld); len(got) == 0 {
		t.Error("a false note of the change is not noticed")
	}
	os.Remove(path)
	if got := whatIsWrong(t, ld); len(got) != 1 || !strings.Contains(got[0], "missing") {
		t.Errorf("without the note of the change: %v", got)
	}
}

func whatIsWrong(t *testing.T, dir string) (out []string) {
	t.Helper()
	if _, err := Check(dir, func(p Problem) { out = append(out, fmt.Sprintf("%s %s: %s", p.Kind, p.File, p.Text)) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A change that is broken off anywhere leaves one key or the other in force, and a
// ledger that goes on.
func TestChangeKeyKilled(t *testing.T) {
	t.Run("within a line", func(t *testing.T) { changeKeyKilled(t, false) })
	t.Run("between lines", func(t *testing.T) { changeKeyKilled(t, true) })
}

func changeKeyKilled(t *testing.T, lines bool) {
	for step := 0; ; step++ {
		dir := t.TempDir()
		ld, kd := filepath.Join(dir, "ledger"), filepath.Join(dir, "keys")
		l, err := Open(ld, kd, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(twoFacts(1)); err != nil {
			t.Fatal(err)
		}
		before, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		files := &failAfter{left: step, lines: lines}
		if l, err = Open(ld, kd, Options{FS: files}); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		files.armed = true
		first := l.VKey()
		_, second, failed := l.ChangeKey(kd, "yearly", true)
		files.armed = false
		l.Close()
		if l, err = Open(ld, kd, Options{}); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if failed == nil && l.VKey() != second {
			t.Errorf("step %d: the change came back, and %s is in force", step, l.VKey())
		}
		if _, err := l.Append(twoFacts(2)); err != nil {
			t.Fatal(err)
		}
		after, err := l.Checkpoint()
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		for _, cp := range []Checkpoint{before, after} {
			if _, err := ParseSigned(cp.Note, l.Keys()); err != nil {
				t.Errorf("step %d: %v", step, err)
			}
		}
		if l.VKey() != first {
			changes, err := l.KeyChanges()
			if err != nil || len(changes) != 1 || !changes[0].Vouched {
				t.Errorf("step %d: %+v, %v", step, changes, err)
			}
		}
		l.Close()
		if got := whatIsWrong(t, ld); len(got) != 0 {
			t.Errorf("step %d: %v", step, got)
		}
		if failed == nil {
			if step < 8 {
				t.Errorf("only %d steps were broken off", step)
			}
			return
		}
	}
}

func TestKeyAt(t *testing.T) {
	keys := []Key{{"a", 0}, {"b", 10}, {"c", 20}}
	var got []string
	for _, size := range []int64{-1, 0, 1, 9, 10, 11, 20, 21, 99} {
		got = append(got, keyAt(keys, size))
	}
	if want := []string{"a", "a", "a", "a", "a", "b", "b", "c", "c"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// failAfter is a file system that stops taking anything after so many calls, as a
// process that was killed does.
type failAfter struct {
	left  int
	armed bool
	lines bool // a torn write ends with a line
}

var errKilled = errors.New("killed")

func (f *failAfter) call() error {
	if !f.armed {
		return nil
	}
	if f.left--; f.left < 0 {
		return errKilled
	}
	return nil
}

func (f *failAfter) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	if err := f.call(); err != nil {
		return nil, err
	}
	file, err := durable.OS.OpenFile(name, flag, perm)
	return killedFile{file, f}, err
}

func (f *failAfter) Rename(from, to string) error {
	if err := f.call(); err != nil {
		return err
	}
	return durable.OS.Rename(from, to)
}

func (f *failAfter) SyncDir(dir string) error {
	if err := f.call(); err != nil {
		return err
	}
	return durable.OS.SyncDir(dir)
}

type killedFile struct {
	durable.File
	fs *failAfter
}

func (f killedFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fs.call(); err != nil {
		part := b[:len(b)/2]
		if i := bytes.IndexByte(b, '\n'); f.fs.lines && i >= 0 {
			part = b[:i+1]
		}
		n, _ := f.File.WriteAt(part, off)
		return n, err
	}
	return f.File.WriteAt(b, off)
}

func (f killedFile) Sync() error {
	if err := f.fs.call(); err != nil {
		return err
	}
	return f.File.Sync()
}
