package outlook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Magic is how a compound file begins.
const Magic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// Special sector numbers (MS-CFB section 2.1).
const (
	maxSector  = 0xfffffffa
	endOfChain = 0xfffffffe
	noStream   = 0xffffffff
)

// errCut means that a chain leads out of the file or in a circle.
var errCut = errors.New("the file is damaged or cut short")

// compound is an opened compound file (MS-CFB): folders and streams in one file,
// made of sectors that tables chain together.
type compound struct {
	b       []byte
	sector  int // octets in one
	mini    int
	cutoff  uint64 // smaller streams lie in the mini stream
	fat     []uint32
	miniFAT []uint32
	miniRun []byte
	root    *node
}

// node is a folder or a stream.
type node struct {
	name     string
	folder   bool
	start    uint32
	size     uint64
	children map[string]*node // by lower-case name
	order    []*node          // in the order of the directory
}

func (n *node) child(name string) *node { return n.children[strings.ToLower(name)] }

// openCompound reads the tables of a file.
func openCompound(b []byte) (*compound, error) {
	if len(b) < 512 || string(b[:8]) != Magic {
		return nil, errors.New("no compound file")
	}
	le := binary.LittleEndian
	c := &compound{b: b, cutoff: uint64(le.Uint32(b[56:])), mini: 64}
	switch shift := le.Uint16(b[30:]); shift {
	case 9, 12:
		c.sector = 1 << shift
	default:
		return nil, fmt.Errorf("sectors of 2^%d octets", shift)
	}
	if le.Uint16(b[32:]) != 6 || c.cutoff != 4096 {
		return nil, errors.New("an unusual compound file")
	}
	// Section 2.5: the sectors of the FAT stand in the header, then in a chain.
	var tables []uint32
	for i := range 109 {
		tables = append(tables, le.Uint32(b[76+4*i:]))
	}
	next := le.Uint32(b[68:])
	for n := 0; next <= maxSector; n++ {
		s := c.at(next)
		if s == nil || n > len(b)/c.sector {
			return nil, errCut
		}
		for i := 0; i < c.sector-4; i += 4 {
			tables = append(tables, le.Uint32(s[i:]))
		}
		next = le.Uint32(s[c.sector-4:])
	}
	for _, t := range tables {
		if t > maxSector {
			continue
		}
		s := c.at(t)
		if s == nil {
			return nil, errCut
		}
		for i := 0; i < c.sector; i += 4 {
			c.fat = append(c.fat, le.Uint32(s[i:]))
		}
		if len(c.fat) > len(b)/c.sector+c.sector { // more entries than there are sectors
			break
		}
	}
	dir, err := c.chain(le.Uint32(b[48:]), 0)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	mini, err := c.chain(le.Uint32(b[60:]), 0)
	if err != nil {
		return nil, fmt.Errorf("table of small streams: %w", err)
	}
	for i := 0; i+4 <= len(mini); i += 4 {
		c.miniFAT = append(c.miniFAT, le.Uint32(mini[i:]))
	}
	if err := c.tree(dir); err != nil {
		return nil, err
	}
	if c.miniRun, err = c.chain(c.root.start, c.root.size); err != nil {
		return nil, fmt.Errorf("small streams: %w", err)
	}
	return c, nil
}

// at returns a sector, nil when it lies outside the file. The last one may be cut.
func (c *compound) at(n uint32) []byte {
	from := (int64(n) + 1) * int64(c.sector)
	if n > maxSector || from >= int64(len(c.b)) {
		return nil
	}
	s := c.b[from:min(from+int64(c.sector), int64(len(c.b)))]
	if len(s) < c.sector { // seen in practice: the file ends with the last octet used
		s = append(s[:len(s):len(s)], make([]byte, c.sector-len(s))...)
	}
	return s
}

// chain returns the octets of a chain of sectors; size 0 is all of it.
func (c *compound) chain(start uint32, size uint64) ([]byte, error) {
	var out []byte
	for n := start; n <= maxSector; {
		s := c.at(n)
		if s == nil || len(out) > len(c.b) { // longer than the file: a circle
			return nil, errCut
		}
		out = append(out, s...)
		if size > 0 && uint64(len(out)) >= size {
			return out[:size], nil
		}
		if int(n) >= len(c.fat) {
			return nil, errCut
		}
		n = c.fat[n]
	}
	if size > uint64(len(out)) {
		return nil, errCut
	}
	return out, nil
}

// data returns the octets of a stream.
func (c *compound) data(n *node) ([]byte, error) {
	if n.size == 0 {
		return nil, nil
	}
	if n.size >= c.cutoff {
		return c.chain(n.start, n.size)
	}
	var out []byte
	for s := n.start; s <= maxSector; {
		from := int(s) * c.mini
		if from+c.mini > len(c.miniRun) || len(out) > len(c.miniRun) || int(s) >= len(c.miniFAT) {
			// The mini stream may end within its last sector.
			if from < len(c.miniRun) && uint64(len(out)+len(c.miniRun)-from) >= n.size {
				return append(out, c.miniRun[from:]...)[:n.size], nil
			}
			return nil, errCut
		}
		out = append(out, c.miniRun[from:from+c.mini]...)
		if uint64(len(out)) >= n.size {
			return out[:n.size], nil
		}
		s = c.miniFAT[s]
	}
	return nil, errCut
}

const entryLen = 128

// tree reads the directory (section 2.6): entries in trees of siblings, each with a
// tree of children.
func (c *compound) tree(dir []byte) error {
	le := binary.LittleEndian
	count := len(dir) / entryLen
	if count == 0 {
		return errCut
	}
	seen := make([]bool, count)
	read := func(i uint32) *node {
		e := dir[int(i)*entryLen:]
		units := min(int(le.Uint16(e[64:]))/2, 32)
		var name []uint16
		for k := range units {
			if u := le.Uint16(e[2*k:]); u != 0 {
				name = append(name, u)
			}
		}
		n := &node{name: string(utf16.Decode(name)), folder: e[66] == 1 || e[66] == 5, start: le.Uint32(e[116:]), size: le.Uint64(e[120:]), children: map[string]*node{}}
		if c.sector == 512 {
			n.size &= 0xffffffff // section 2.6.3: the upper half may be anything
		}
		return n
	}
	seen[0] = true
	c.root = read(0)
	// An explicit stack: a hostile directory is as deep as it likes.
	type step struct {
		parent *node
		entry  uint32
	}
	todo := []step{{c.root, le.Uint32(dir[76:])}}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.entry == noStream || int64(s.entry) >= int64(count) || seen[s.entry] {
			continue
		}
		seen[s.entry] = true
		e := dir[int(s.entry)*entryLen:]
		n := read(s.entry)
		if t := e[66]; t == 1 || t == 2 {
			s.parent.children[strings.ToLower(n.name)] = n
			s.parent.order = append(s.parent.order, n)
		}
		todo = append(todo, step{s.parent, le.Uint32(e[68:])}, step{s.parent, le.Uint32(e[72:])})
		if n.folder {
			todo = append(todo, step{n, le.Uint32(e[76:])})
		}
	}
	return nil
}
