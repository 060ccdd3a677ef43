package ledger

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
)

// signedVault has 12 entries; a checkpoint commits to 10 of them.
func signedVault(t testing.TB) vault {
	t.Helper()
	v := newVault(t)
	l := v.open(t)
	for i := 1; i < 10; i++ {
		mustAppend(t, l, seen(i))
	}
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, seen(10), seen(11))
	l.Close()
	return v
}

// linesOf returns the twelve lines of a signedVault and where each begins.
func linesOf(t *testing.T, v vault) (lines [][]byte, offset func(int) int64) {
	lines = bytes.SplitAfter(v.read(t, "entries.jsonl"), []byte("\n"))[:12]
	return lines, func(i int) (n int64) {
		for _, l := range lines[:i] {
			n += int64(len(l))
		}
		return n
	}
}

func change(line []byte) []byte { return bytes.Replace(line, []byte(`\\Seen`), []byte(`\\Sean`), 1) }

func TestCheckNames(t *testing.T) {
	v := signedVault(t)
	entries := v.read(t, "entries.jsonl")
	lines, offset := linesOf(t, v)
	join := func(ls ...[]byte) []byte { return bytes.Join(ls, nil) }
	foreign := change(lines[3])
	type p struct {
		Kind   ProblemKind
		Index  int64
		Offset int64
		Length int64
	}
	for _, test := range []struct {
		name    string
		file    string
		content []byte
		want    []p
		open    error // nil: opens all the same
	}{
		{"as written", "entries.jsonl", entries, nil, nil},
		{"altered", "entries.jsonl", join(join(lines[:4]...), change(lines[4]), join(lines[5:]...)),
			[]p{{Altered, 4, offset(4), int64(len(lines[4]))}}, nil},
		{"two altered", "entries.jsonl", join(join(lines[:4]...), change(lines[4]), lines[5], change(lines[6]), join(lines[7:]...)),
			[]p{{Altered, 4, offset(4), int64(len(lines[4]))}, {Altered, 6, offset(6), int64(len(lines[6]))}}, nil},
		{"first altered", "entries.jsonl", join(bytes.Replace(lines[0], []byte(`"v":1`), []byte(`"v":2`), 1), join(lines[1:]...)),
			[]p{{Altered, 0, 0, int64(len(lines[0]))}}, ErrAltered},
		{"missing", "entries.jsonl", join(join(lines[:4]...), join(lines[6:]...)),
			[]p{{Missing, 4, offset(4), 0}, {Missing, 5, offset(4), 0}}, ErrShort},
		{"missing, and others in their place", "entries.jsonl", join(join(lines[:4]...), join(lines[6:]...), lines[10], lines[11]),
			[]p{{Missing, 4, offset(4), 0}, {Missing, 5, offset(4), 0}}, ErrAltered},
		{"added", "entries.jsonl", join(join(lines[:4]...), foreign, join(lines[4:]...)),
			[]p{{Added, 4, offset(4), int64(len(foreign))}}, ErrAltered},
		{"repeated", "entries.jsonl", join(join(lines[:4]...), lines[2], join(lines[4:]...)),
			[]p{{Added, 4, offset(4), int64(len(lines[2]))}}, ErrAltered},
		{"unsigned line altered", "entries.jsonl", join(join(lines[:11]...), change(lines[11])),
			[]p{{Altered, 11, offset(11), int64(len(lines[11]))}}, ErrAltered},
		{"unsigned line missing", "entries.jsonl", join(lines[:11]...),
			[]p{{Missing, 11, offset(11), 0}}, ErrShort},
		{"cut below the checkpoint", "entries.jsonl", join(lines[:8]...),
			[]p{{Missing, 8, offset(8), 0}, {Missing, 9, offset(8), 0}, {Missing, 10, offset(8), 0}, {Missing, 11, offset(8), 0}}, ErrShort},
		{"torn", "entries.jsonl", join(entries, []byte(`{"half`)), []p{{Torn, -1, int64(len(entries)), 6}}, nil},
		{"all gone", "entries.jsonl", nil, nil, ErrShort},
		{"hash altered", "hashes", func() []byte { b := v.read(t, "hashes"); b[5*32+3] ^= 1; return b }(), []p{{Hashes, -1, 5 * 32, 32}}, nil},
		{"hashes of the tail altered", "hashes", func() []byte { b := v.read(t, "hashes"); b[len(b)-1] ^= 1; return b }(), nil, ErrAltered},
		{"checkpoint altered", "checkpoint", bytes.Replace(v.read(t, "checkpoint"), []byte("\n10\n"), []byte("\n11\n"), 1), []p{{BadCheckpoint, -1, 0, int64(len(v.read(t, "checkpoint")))}}, ErrAltered},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := v.copy(t)
			c.write(t, test.file, test.content)
			var got []p
			for _, x := range problems(t, c) {
				got = append(got, p{x.Kind, x.Index, x.Offset, x.Length})
			}
			switch test.name {
			case "all gone":
				if len(got) != 12 {
					t.Errorf("%+v", got)
				}
			case "hashes of the tail altered":
				if len(got) == 0 {
					t.Error("nothing found")
				}
			default:
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
			l, err := Open(c.dir, c.keys, c.options())
			if err == nil {
				l.Close()
			} else if now := c.read(t, test.file); !bytes.Equal(now, test.content) {
				t.Errorf("Open refused, but changed %s", test.file)
			}
			if !errors.Is(err, test.open) {
				t.Errorf("Open: %v, want %v", err, test.open)
			}
		})
	}
}

// What an altered ledger does not give, and what it says.
func TestCheckRefusals(t *testing.T) {
	v := signedVault(t)
	lines, _ := linesOf(t, v)
	join := func(ls ...[]byte) []byte { return bytes.Join(ls, nil) }
	t.Run("a proof from altered hashes is not given out", func(t *testing.T) {
		c := v.copy(t)
		h := c.read(t, "hashes")
		h[tlog.StoredHashIndex(1, 1)*32] ^= 1
		c.write(t, "hashes", h)
		l := c.open(t)
		if _, err := l.Prove(0); !errors.Is(err, ErrAltered) {
			t.Errorf("Prove: %v", err)
		}
	})
	t.Run("both numbers are printed", func(t *testing.T) {
		c := v.copy(t)
		c.write(t, "entries.jsonl", join(lines[:8]...))
		_, err := Open(c.dir, c.keys, c.options())
		if err == nil || !strings.Contains(err.Error(), "ledger has 8 entries, checkpoint commits to 10") {
			t.Errorf("%v", err)
		}
	})
	t.Run("lines and hashes altered together", func(t *testing.T) {
		c := v.copy(t)
		bad := slices.Clone(lines)
		bad[4] = change(lines[4])
		c.write(t, "entries.jsonl", join(bad...))
		var e edge
		var hs []tlog.Hash
		for _, l := range bad {
			hs = e.add(tlog.RecordHash(bytes.TrimSuffix(l, []byte("\n"))), hs)
		}
		c.write(t, "hashes", hashBytes(hs))
		got := problems(t, c)
		if len(got) != 1 || got[0].Kind != Unsound {
			t.Errorf("%+v", got)
		}
		if _, err := Open(c.dir, c.keys, c.options()); !errors.Is(err, ErrAltered) {
			t.Errorf("Open: %v", err)
		}
	})
}

// Every flipped bit in every file of the ledger is found.
func TestFlippedBits(t *testing.T) {
	v := signedVault(t)
	for _, name := range []string{"entries.jsonl", "hashes", "checkpoint", "log.vkey"} {
		good := v.read(t, name)
		for i := range good {
			if name == "log.vkey" && i == len(good)-1 {
				continue // its final line feed means nothing
			}
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			v.write(t, name, bad)
			if got := problems(t, v); len(got) == 0 {
				t.Errorf("%s: octet %d, %q to %q: not found", name, i, good[i], bad[i])
			}
		}
		v.write(t, name, good)
	}
}
