package ledger

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of the tree: the roots of its complete subtrees, the
// largest first. With it a leaf is added, and the root computed, without
// reading anything back.
type edge struct {
	size  int64
	roots []tlog.Hash
}

// add appends a leaf and returns out with the hashes to store for it, in the
// order of tlog.StoredHashIndex.
func (e *edge) add(h tlog.Hash, out []tlog.Hash) []tlog.Hash {
	out = append(out, h)
	// RFC 6962 section 2.1: each trailing one bit of the index completes a subtree.
	for range bits.TrailingZeros64(uint64(e.size) + 1) {
		left := e.roots[len(e.roots)-1]
		e.roots = e.roots[:len(e.roots)-1]
		h = tlog.NodeHash(left, h)
		out = append(out, h)
	}
	e.roots = append(e.roots, h)
	e.size++
	return out
}

// root returns the tree's root hash.
func (e *edge) root() tlog.Hash {
	if e.size == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := e.roots[len(e.roots)-1]
	for i := len(e.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.roots[i], h)
	}
	return h
}

func (e *edge) clone() edge {
	return edge{e.size, append([]tlog.Hash(nil), e.roots...)}
}

// edgeAt reads the edge of the tree with n leaves out of stored hashes.
func edgeAt(n int64, r tlog.HashReader) (edge, error) {
	e := edge{size: n}
	var idx []int64
	for lo, left := int64(0), n; left > 0; {
		level := bits.Len64(uint64(left)) - 1
		idx = append(idx, tlog.StoredHashIndex(level, lo>>level))
		lo += 1 << level
		left -= 1 << level
	}
	var err error
	e.roots, err = r.ReadHashes(idx)
	return e, err
}

// storedHashes reads the hashes file.
type storedHashes struct {
	r io.ReaderAt
}

// ReadHashes implements tlog.HashReader.
func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if _, err := s.r.ReadAt(out[i][:], x*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("reading ledger hash %d: %w", x, err)
		}
	}
	return out, nil
}

// leavesOf returns how many leaves a hashes file of n octets holds whole.
func leavesOf(n int64) int64 {
	count := n / tlog.HashSize
	leaves := count / 2
	for tlog.StoredHashCount(leaves+1) <= count {
		leaves++
	}
	return leaves
}

// lines reads a file line by line from off. The slice that next returns is valid
// until the next call.
type lines struct {
	r           io.ReaderAt
	off         int64 // of the line that next returns
	end         int64 // read no further
	buf         []byte
	start, fill int
	pos         int64 // file offset of buf[fill]
	eof         bool
}

func newLines(r io.ReaderAt, off, end int64) *lines { return newLinesBuffer(r, off, end, 256<<10) }

// newLinesBuffer is newLines with a first buffer of n octets.
func newLinesBuffer(r io.ReaderAt, off, end int64, n int) *lines {
	return &lines{r: r, off: off, pos: off, end: end, buf: make([]byte, n)}
}

// next returns the next line without its line feed, and its offset. whole is
// false for octets at the end that no line feed follows. io.EOF ends it.
func (l *lines) next() (line []byte, off int64, whole bool, err error) {
	from := l.start
	for {
		if i := bytes.IndexByte(l.buf[from:l.fill], '\n'); i >= 0 {
			line = l.buf[l.start : from+i]
			off = l.off
			l.start = from + i + 1
			l.off += int64(len(line)) + 1
			return line, off, true, nil
		}
		from = l.fill
		if l.eof {
			if l.start == l.fill {
				return nil, l.off, false, io.EOF
			}
			line, off = l.buf[l.start:l.fill], l.off
			l.start = l.fill
			l.off += int64(len(line))
			return line, off, false, nil
		}
		if l.start > 0 {
			copy(l.buf, l.buf[l.start:l.fill])
			l.fill -= l.start
			from -= l.start
			l.start = 0
		}
		if l.fill == len(l.buf) {
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		want := min(int64(len(l.buf)-l.fill), l.end-l.pos)
		n := 0
		if want > 0 {
			n, err = l.r.ReadAt(l.buf[l.fill:l.fill+int(want)], l.pos)
			if err != nil && err != io.EOF {
				return nil, l.off, false, err
			}
		}
		l.fill += n
		l.pos += int64(n)
		if n == 0 || l.pos >= l.end {
			l.eof = true
		}
	}
}
