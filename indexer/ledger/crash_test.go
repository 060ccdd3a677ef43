package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"inwriting/indexer/durable/durabletest"
)

// A program killed at any octet of a write leaves a prefix of it, and no hashes.
func TestKilledAtEveryOctet(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	mustAppend(t, l, seen(1), seen(2))
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before, hashes := v.read(t, "entries.jsonl"), v.read(t, "hashes")
	mustAppend(t, l, seen(3), seen(4))
	l.Close()
	after, full := v.read(t, "entries.jsonl"), v.read(t, "hashes")
	for cut := len(before); cut <= len(after); cut++ {
		if cut%3 != 0 && after[cut-1] != '\n' && (cut == len(after) || after[cut] != '\n') {
			continue // every third octet and all around line feeds
		}
		for _, zeros := range []int{0, 9} { // a file system may also leave NULs
			c := v.copy(t)
			c.write(t, "entries.jsonl", append(bytes.Clone(after[:cut]), make([]byte, zeros)...))
			c.write(t, "hashes", hashes)
			l := c.open(t)
			want := int64(3 + bytes.Count(after[len(before):cut], []byte("\n")))
			if l.Size() != want {
				t.Fatalf("cut at %d: %d entries, want %d", cut, l.Size(), want)
			}
			whole := bytes.LastIndexByte(after[:cut], '\n') + 1
			if tail := append(bytes.Clone(after[whole:cut]), make([]byte, zeros)...); len(tail) > 0 {
				aside, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("torn-%d", whole)))
				if err != nil || !bytes.Equal(aside, tail) {
					t.Fatalf("cut at %d: kept aside %q, %v; want %q", cut, aside, err, tail)
				}
				if len(l.Repairs()) == 0 {
					t.Errorf("cut at %d: nothing said about it", cut)
				}
			}
			if cut%15 == 0 || cut == len(after) {
				mustAppend(t, l, seen(9))
				if _, err := l.Checkpoint(); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Verify(func(p Problem) { t.Errorf("cut at %d: %+v", cut, p) }); err != nil {
					t.Fatal(err)
				}
			}
			l.Close()
		}
	}
	// The hashes are written last and without fsync: any prefix, or a hole.
	for cut := len(hashes); cut <= len(full); cut += 8 {
		for name, h := range map[string][]byte{
			"cut":  full[:cut],
			"hole": append(append(bytes.Clone(hashes), make([]byte, (cut-len(hashes))/32*32)...), full[len(hashes)+(cut-len(hashes))/32*32:]...),
			"long": append(bytes.Clone(full), make([]byte, cut)...),
		} {
			c := v.copy(t)
			c.write(t, "hashes", h)
			l := c.open(t)
			if l.Size() != 5 {
				t.Fatalf("%s at %d: %d entries", name, cut, l.Size())
			}
			l.Close()
			if got := c.read(t, "hashes"); !bytes.Equal(got, full) {
				t.Fatalf("%s at %d: hashes were not made again", name, cut)
			}
		}
	}
	c := v.copy(t)
	os.Remove(filepath.Join(c.dir, "hashes"))
	l = c.open(t)
	if !bytes.Equal(c.read(t, "hashes"), full) || len(l.Repairs()) != 1 {
		t.Errorf("hashes missing: repairs %q", l.Repairs())
	}
}

func TestDiskFull(t *testing.T) {
	for n := 1; n <= 2; n++ {
		for _, short := range []int{0, 1, 200, 700} {
			v := newVault(t)
			fs := &durabletest.FS{}
			o := v.options()
			o.FS = fs
			l, err := Open(v.dir, v.keys, o)
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, l, seen(1))
			if _, err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
			w, _ := fs.Counts()
			fs.FailWrite, fs.Short = w+n, short
			_, err = l.Append([]Fact{seen(2), seen(3)})
			durable := n == 2 // the entries are written and synced; only their hashes are not
			if durable != (err == nil) {
				t.Errorf("write %d: %v", n, err)
			}
			fs.Heal()
			if _, err := l.Append([]Fact{seen(4)}); !errors.Is(err, ErrFailed) {
				t.Errorf("write %d: second Append: %v, want ErrFailed", n, err)
			}
			if line, err := l.Line(1); err != nil || !bytes.Contains(line, []byte("msg.seen")) {
				t.Errorf("write %d: earlier entry: %s, %v", n, line, err)
			}
			l.Close()
			l = v.open(t)
			size := l.Size()
			if durable && size != 4 || size < 2 {
				t.Errorf("write %d, short %d: %d entries after reopening", n, short, size)
			}
			mustAppend(t, l, seen(5))
			if _, err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Verify(func(p Problem) { t.Errorf("write %d: %+v", n, p) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFsyncFails(t *testing.T) {
	v := newVault(t)
	fs := &durabletest.FS{}
	o := v.options()
	o.FS = fs
	l, err := Open(v.dir, v.keys, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, s := fs.Counts()
	fs.FailSync = s + 1
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, durabletest.ErrSync) {
		t.Errorf("Append: %v", err)
	}
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, ErrFailed) || !errors.Is(err, durabletest.ErrSync) {
		t.Errorf("second Append: %v", err)
	}
	if _, err := l.Checkpoint(); !errors.Is(err, ErrFailed) {
		t.Errorf("Checkpoint: %v", err)
	}
	if l.Size() != 1 {
		t.Errorf("size %d", l.Size())
	}
}

// A crash while the ledger is being created leaves something that opens.
func TestKilledWhileCreating(t *testing.T) {
	for n := 1; ; n++ {
		v := newVault(t)
		fs := &durabletest.FS{FailWrite: n, Short: n % 3}
		o := v.options()
		o.FS = fs
		l, err := Open(v.dir, v.keys, o)
		if err == nil {
			l.Close()
			if n < 4 {
				t.Errorf("only %d writes", n)
			}
			return
		}
		l = v.open(t)
		mustAppend(t, l, seen(1))
		l.Close()
	}
}
