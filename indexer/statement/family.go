package statement

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sort"
)

// A family is a set of words that are used alike: what the model learns of one
// holds a little for the others, also for those that no labelled mail has. There
// are two divisions: by vectors learnt from the news and the web, which bring
// together what is spoken of together, and by the neighbours that words have in
// business mail, which bring together what may stand in the same place.
// english.families.LICENSE says where they come from, "eval families" makes them.

//go:embed english.families
var englishFamilies []byte

// families is a word's number in each division; 0 is none.
type families [2]uint8

// familyFile: magic, number of words (uint32, little-endian), then in rising order
// of their hashes: hash (uint32), a number for each division.
const familyMagic = "iwwf1\n"

// familyTable finds the families of a word by its hash: open addressing. An empty
// place has a hash of 0.
type familyTable struct {
	hashes []uint32
	of     []families
	shift  int
}

var theFamilies = func() *familyTable {
	t, err := parseFamilies(englishFamilies)
	if err != nil {
		panic(err) // the file is part of the program; a test reads it
	}
	return t
}()

func parseFamilies(b []byte) (*familyTable, error) {
	const head, row = len(familyMagic) + 4, 4 + len(families{})
	if len(b) < head || string(b[:len(familyMagic)]) != familyMagic {
		return nil, errors.New("reading word families: not such a file")
	}
	n := int(binary.LittleEndian.Uint32(b[len(familyMagic):]))
	if b = b[head:]; len(b) != n*row {
		return nil, fmt.Errorf("reading word families: %d words want %d octets, got %d", n, n*row, len(b))
	}
	t := &familyTable{shift: 32 - bits.Len(uint(max(1, n)*2))}
	t.hashes = make([]uint32, 1<<(32-t.shift))
	t.of = make([]families, len(t.hashes))
	for ; len(b) > 0; b = b[row:] {
		h := binary.LittleEndian.Uint32(b)
		if h == 0 {
			return nil, errors.New("reading word families: a word has no hash")
		}
		at := t.place(h)
		if t.hashes[at] == h {
			return nil, fmt.Errorf("reading word families: %08x given twice", h)
		}
		t.hashes[at], t.of[at] = h, families(b[4:row])
	}
	return t, nil
}

// place is where h is, or would be.
func (t *familyTable) place(h uint32) int {
	at := int(h * 2654435769 >> t.shift)
	for t.hashes[at] != 0 && t.hashes[at] != h {
		at = (at + 1) & (len(t.hashes) - 1)
	}
	return at
}

// AppendFamilies writes a file of word families: for each division the number of
// its words, 1 to 255. Of two words with one hash the one that sorts first stays.
func AppendFamilies(dst []byte, divisions [2]map[string]uint8) []byte {
	of := map[uint32]families{}
	for i, d := range divisions {
		words := make([]string, 0, len(d))
		for w := range d {
			words = append(words, w)
		}
		sort.Strings(words)
		for _, w := range words {
			h := hashString(w)
			if f := of[h]; f[i] == 0 && h != 0 {
				f[i] = d[w]
				of[h] = f
			}
		}
	}
	hashes := make([]uint32, 0, len(of))
	for h := range of {
		hashes = append(hashes, h)
	}
	sort.Slice(hashes, func(i, j int) bool { return hashes[i] < hashes[j] })
	dst = append(dst, familyMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(hashes)))
	for _, h := range hashes {
		f := of[h]
		dst = append(binary.LittleEndian.AppendUint32(dst, h), f[0], f[1])
	}
	return dst
}
