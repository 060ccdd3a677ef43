package statement

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sort"
)

// Model is a linear model over the rules that fired, the words and their order:
// for each feature a row of fourteen small weights, one for each kind and one for
// whether something is asked of the reader. Sums are of whole numbers, so every
// machine computes the same. A Model is only read and may be shared.
type Model struct {
	scale int // thousandths of a natural logarithm per unit of a row
	rows  [][Columns]int8
	slots []slot   // open addressing
	maybe []uint64 // a bit for the low half of each key: most features have no row
	shift int
}

// Columns is the length of a row: the kinds in the order of KindOrder, then the
// column of asking. What that one comes to is itself evidence for the kinds, see
// AskingFeatures.
const (
	Columns = kindCount + 1
	asking  = kindCount
)

// slot is a place of a Model's table; a key of 0 is an empty one.
type slot struct {
	key uint32
	row int32
}

// The file: magic, scale (uint16), number of rows (uint32), then rows in rising
// order of their hash: hash (uint32), fourteen int8. All little-endian.
const modelMagic = "iwsm2\n"

//go:embed english.model
var englishModel []byte

var theModel = func() *Model {
	m, err := ParseModel(englishModel)
	if err != nil {
		panic(err) // the file is part of the program; a test reads it
	}
	return m
}()

// ParseModel reads a model file.
func ParseModel(b []byte) (*Model, error) {
	if len(b) == 0 {
		return &Model{}, nil
	}
	const head = len(modelMagic) + 2 + 4
	if len(b) < head || string(b[:len(modelMagic)]) != modelMagic {
		return nil, errors.New("reading model: not a model file")
	}
	m := &Model{scale: int(binary.LittleEndian.Uint16(b[len(modelMagic):]))}
	n := int(binary.LittleEndian.Uint32(b[len(modelMagic)+2:]))
	b = b[head:]
	if len(b) != n*(4+Columns) {
		return nil, fmt.Errorf("reading model: %d rows want %d octets, got %d", n, n*(4+Columns), len(b))
	}
	m.shift = 32 - bits.Len(uint(max(1, n)*2))
	m.slots = make([]slot, 1<<(32-m.shift))
	m.maybe = make([]uint64, 1<<16/64)
	m.rows = make([][Columns]int8, n)
	for i := range n {
		h := binary.LittleEndian.Uint32(b)
		for k := range Columns {
			m.rows[i][k] = int8(b[4+k])
		}
		b = b[4+Columns:]
		if h == 0 {
			return nil, fmt.Errorf("reading model: row %d has no hash", i)
		}
		for s := m.slot(h); ; s = (s + 1) & (len(m.slots) - 1) {
			if m.slots[s].key == h {
				return nil, fmt.Errorf("reading model: row %d given twice", i)
			}
			if m.slots[s].key == 0 {
				m.slots[s] = slot{h, int32(i)}
				m.maybe[h&0xFFFF>>6] |= 1 << (h & 63)
				break
			}
		}
	}
	return m, nil
}

// AppendModel writes a model file with these rows, which must have distinct
// hashes other than 0.
func AppendModel(dst []byte, scale int, rows map[uint32][Columns]int8) []byte {
	dst = append(dst, modelMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(scale))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(rows)))
	hashes := make([]uint32, 0, len(rows))
	for h := range rows {
		hashes = append(hashes, h)
	}
	sort.Slice(hashes, func(i, j int) bool { return hashes[i] < hashes[j] })
	for _, h := range hashes {
		dst = binary.LittleEndian.AppendUint32(dst, h)
		for _, w := range rows[h] {
			dst = append(dst, byte(w))
		}
	}
	return dst
}

func (m *Model) slot(h uint32) int { return int(h * 2654435769 >> m.shift) }

// may reports whether a feature can have a row.
func (m *Model) may(h uint32) bool { return m.maybe[h&0xFFFF>>6]&(1<<(h&63)) != 0 }

// row returns the weights of a feature, or nil.
func (m *Model) row(h uint32) *[Columns]int8 {
	if !m.may(h) {
		return nil
	}
	for s := m.slot(h); ; s = (s + 1) & (len(m.slots) - 1) {
		switch m.slots[s].key {
		case h:
			return &m.rows[m.slots[s].row]
		case 0:
			return nil
		}
	}
}

// Scores sums the rows of features, in thousandths of a natural logarithm: the
// kinds in the order of KindOrder, and whether something is asked. It is there to
// measure models and to train them.
func (m *Model) Scores(features []uint32) (kinds [kindCount]int, asks int) {
	var sum [Columns]int
	add := func(f uint32) {
		if w := m.row(f); w != nil {
			for k := range sum {
				sum[k] += int(w[k])
			}
		}
	}
	for _, f := range features {
		add(f)
	}
	asks = sum[asking] * m.scale
	for _, f := range AskingFeatures(asks) {
		add(f)
	}
	for k := range kinds {
		kinds[k] = sum[k] * m.scale
	}
	return kinds, asks
}

// evidence lists the features of g that the model has a row for, those of asking
// last.
func (r *reader) evidence(g *segment) []feature {
	if r.featsOf == g.span && len(r.feats) > 0 {
		return r.feats // asked for the score, and again for the reasons
	}
	all := r.features(r.feats[:0], g)
	fs, asks := all[:0], 0
	for i := range all {
		if w := r.model.row(all[i].hash); w != nil {
			all[i].row = w
			asks += int(w[asking])
			fs = append(fs, all[i])
		}
	}
	g.asks = asks * r.model.scale
	for _, h := range AskingFeatures(g.asks) {
		if w := r.model.row(h); w != nil {
			fs = append(fs, feature{hash: h, sort: AskingFeature, row: w})
		}
	}
	r.feats, r.featsOf = fs, g.span
	return fs
}

// score weighs g with the model.
func (r *reader) score(g *segment) {
	var sum [kindCount]int
	fs := r.evidence(g)
	for i := range fs {
		for k := range sum {
			sum[k] += int(fs[i].row[k])
		}
	}
	for k := range sum {
		g.score[k] = sum[k] * r.model.scale
	}
}
