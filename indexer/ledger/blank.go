package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// An erased line keeps its place and its length, so that no other line moves:
//
//	{"erased":"<leaf hash, base64>"          }
//
// The leaf hash is that of the line that was there. With the salt of that line gone
// it tells nothing; the tree above it stays as it was signed.
const (
	erasedStart = `{"erased":"`
	hashDigits  = 44 // 32 octets in base64
)

// erasedLeaf returns the leaf hash that an erased line stands for.
func erasedLeaf(line []byte) (tlog.Hash, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(erasedStart))
	if !ok || len(rest) < hashDigits+2 {
		return tlog.Hash{}, false
	}
	h, err := parseHash(string(rest[:hashDigits]))
	tail := rest[hashDigits:]
	if err != nil || tail[0] != '"' || tail[len(tail)-1] != '}' || len(bytes.Trim(tail[1:len(tail)-1], " ")) != 0 {
		return tlog.Hash{}, false
	}
	return h, true
}

// leafHash is the hash under which a line stands in the tree.
func leafHash(line []byte) tlog.Hash {
	if h, ok := erasedLeaf(line); ok {
		return h
	}
	return tlog.RecordHash(line)
}

// LeafHash returns the leaf hash of a line, in base64, and whether the line is
// erased: then it is the hash of what was there.
func LeafHash(line []byte) (hash string, erased bool) {
	_, erased = erasedLeaf(line)
	return leafHash(line).String(), erased
}

func blankLine(h tlog.Hash, length int) ([]byte, error) {
	b := append([]byte(erasedStart), h.String()...)
	b = append(b, '"')
	if len(b)+1 > length {
		return nil, fmt.Errorf("a line of %d octets is too short to be erased", length)
	}
	b = append(b, bytes.Repeat([]byte{' '}, length-len(b)-1)...)
	return append(b, '}'), nil
}

// ErrNotAnnounced: a line is to be erased that no signed erase entry names.
var ErrNotAnnounced = errors.New("no signed erase entry names it")

// Blank overwrites the lines that an erase entry names with their leaf hashes. The
// entry must be in the ledger and under the signed checkpoint: what goes was
// announced first. On return the lines are gone from the file, durably; a line that
// is erased already stays so. A crash half way is made good by calling it again.
func (l *Ledger) Blank(entry int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fail := func(err error) error { return fmt.Errorf("erasing the lines that entry %d names: %w", entry, err) }
	if l.failed != nil {
		return fail(fmt.Errorf("%w: %w", ErrFailed, l.failed))
	}
	line, err := l.line(entry)
	if err != nil {
		return fail(err)
	}
	e, err := Decode(line)
	if err != nil {
		return fail(err)
	}
	x, ok := e.Fact.(Erase)
	if !ok || entry >= l.signed.Size || len(x.Entries) != len(x.Leaves) {
		return fail(ErrNotAnnounced)
	}
	// From here on the tree of these leaves rests on the hashes file.
	if err := l.hashes.Sync(); err != nil {
		l.failed = err
		return fail(err)
	}
	for i, index := range x.Entries {
		if index >= entry || index <= 0 {
			return fail(fmt.Errorf("entry %d cannot be erased by it", index))
		}
		h, err := parseHash(x.Leaves[i])
		if err != nil {
			return fail(err)
		}
		stored, err := storedHashes{l.hashes}.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return fail(err)
		}
		if stored[0] != h {
			return fail(fmt.Errorf("%w: entry %d has leaf %v, the erase entry says %v", ErrAltered, index, stored[0], h))
		}
		old, err := l.lineAt(index)
		if err != nil {
			return fail(err)
		}
		b, err := blankLine(h, len(old))
		if err != nil {
			return fail(err)
		}
		off, err := l.offset(index)
		if err == nil {
			_, err = l.entries.WriteAt(b, off)
		}
		if err != nil {
			l.failed = err
			return fail(err)
		}
	}
	if err := l.entries.Sync(); err != nil {
		l.failed = err
		return fail(err)
	}
	return nil
}

// RemoveTorn removes the files that Open set aside: they may hold half of any entry,
// and none that was ever recorded. It returns their names.
func (l *Ledger) RemoveTorn() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(l.dir, "torn-*"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return names, fmt.Errorf("removing what a crash left: %w", err)
		}
		names = append(names, filepath.Base(f))
	}
	return names, l.fs.SyncDir(l.dir)
}
