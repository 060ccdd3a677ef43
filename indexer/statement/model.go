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
// for each feature a row of thirteen small weights. Sums are of whole numbers, so
// every machine computes the same. A Model is only read and may be shared.
type Model struct {
	scale int // thousandths of a natural logarithm per unit of a row
	rows  [][kindCount]int8
	slots []slot   // open addressing
	maybe []uint64 // a bit for the low half of each key: most features have no row
	shift int
}

// slot is a place of a Model's table; a key of 0 is an empty one.
type slot struct {
	key uint32
	row int32
}

// The file: magic, scale (uint16), number of rows (uint32), then rows in rising
// order of their hash: hash (uint32), thirteen int8. All little-endian.
const modelMagic = "iwsm1\n"

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
	if len(b) != n*(4+kindCount) {
		return nil, fmt.Errorf("reading model: %d rows want %d octets, got %d", n, n*(4+kindCount), len(b))
	}
	m.shift = 32 - bits.Len(uint(max(1, n)*2))
	m.slots = make([]slot, 1<<(32-m.shift))
	m.maybe = make([]uint64, 1<<16/64)
	m.rows = make([][kindCount]int8, n)
	for i := range n {
		h := binary.LittleEndian.Uint32(b)
		for k := range kindCount {
			m.rows[i][k] = int8(b[4+k])
		}
		b = b[4+kindCount:]
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
func AppendModel(dst []byte, scale int, rows map[uint32][kindCount]int8) []byte {
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

// row returns the weights of a feature, or nil.
func (m *Model) row(h uint32) *[kindCount]int8 {
	if m.maybe[h&0xFFFF>>6]&(1<<(h&63)) == 0 {
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

// FeatureSort says what sort of thing a feature is.
type FeatureSort uint8

const (
	RuleFeature  FeatureSort = iota // a rule, or one pattern of it
	WordFeature                     // one word
	PairFeature                     // two words
	FormFeature                     // two or three words by their class alone
	PlaceFeature                    // where it stands, its length, its marks
	PriorFeature                    // true of every sentence
	RuleKind                        // what the rules' hand weights come to
)

var featureNames = [...]string{"", "word", "words", "form", "place", "prior", "rules"}

// feature is something true of a sentence: a rule, a word, a pair of words, the
// form of three words in a row, or a condition.
type feature struct {
	hash     uint32
	sort     FeatureSort
	from, to int // tokens; for a rule, from is the rule
	hit      int // of a rule: its place in segment.hits
}

// name is how a reason names the feature. Rules go by their own names.
func (f *feature) name() string {
	if f.sort == RuleFeature {
		return vocabulary.rules[f.from].id
	}
	return featureNames[f.sort]
}

func (f *feature) words(r *reader, g *segment) string {
	switch f.sort {
	case RuleFeature:
		h := g.hits[f.hit]
		return r.words(g, h.from, h.to)
	case WordFeature, PairFeature, FormFeature:
		return r.words(g, f.from, f.to)
	case PlaceFeature:
		for n, c := range conditionNames {
			if condHash(c) == f.hash {
				return n
			}
		}
	}
	return ""
}

// Salts keep the hashes of the different sorts apart.
const (
	saltRule   = 0x9E3779B1
	saltPair   = 0x85EBCA6B
	saltSkip   = 0xC2B2AE35
	saltForm   = 0x27D4EB2F
	saltPlace  = 0x165667B1
	saltFirst  = 0x2545F491
	saltPrior  = 0x51ED270B
	saltRules  = 0x7FEB352D
	saltBefore = 0x846CA68B
	saltClause = 0x1B873593
	saltRuled  = 0xCC9E2D51
)

func mix(a, b uint32) uint32 {
	h := a*0x01000193 ^ (b + 0x9E3779B9 + a<<6 + a>>2)
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	if h == 0 {
		return 1
	}
	return h
}

func hashString(s string) uint32 {
	h := uint32(fnvOffset)
	for i := 0; i < len(s); i++ {
		h = fnv(h, s[i])
	}
	return h
}

func condHash(c condition) uint32 { return mix(saltPlace, uint32(bits.TrailingZeros32(uint32(c)))+1) }

// patternHash is one pattern of a rule: some are surer than others.
func patternHash(rule uint32, pattern int) uint32 { return mix(rule, uint32(pattern)+1) }

// Stand-ins for words whose own letters say nothing about what a sentence does.
var (
	symDate     = hashString("<date>")
	symTime     = hashString("<time>")
	symMoney    = hashString("<money>")
	symQuantity = hashString("<quantity>")
	symDuration = hashString("<duration>")
	symRef      = hashString("<reference>")
	symNumber   = hashString("<number>")
	symName     = hashString("<name>")
	symBegin    = hashString("<begin>")
	symEnd      = hashString("<end>")
)

// unit is a token, or a whole fact, as the features see it.
type unit struct {
	word, form uint32
	from, to   int
}

// form is the coarse sort of a token: small words and marks stand for
// themselves, the rest for their class.
func formOf(t *token, word uint32) uint32 {
	switch {
	case word == symName || t.cls&clsFunction != 0 || t.shape == shapePunct:
		return word
	case t.shape == shapeNumber:
		return symNumber
	}
	c := t.cls &^ (clsAny | clsLeadIn | clsWithin)
	if c == 0 {
		return 7
	}
	return 100 + uint32(bits.TrailingZeros64(uint64(c)))
}

// clause says who acts in g, whether in the past, now or to come, and whether it
// is denied: "I did not", "you will", "it is".
func (g *segment) clause() uint32 {
	who, when, denied := uint32(0), uint32(0), uint32(0)
	for i := range g.toks {
		t := &g.toks[i]
		if i > 12 && who != 0 {
			break
		}
		if who == 0 {
			switch {
			case t.cls&clsFirst != 0:
				who = 1
			case t.cls&clsSecond != 0:
				who = 2
			case t.cls&clsThird != 0:
				who = 3
			case t.shape == shapeWord && t.cls&(clsFunction|clsVBD|clsVBG) == 0 && t.cls&clsPast == 0:
				if i == 0 {
					who = 4
				}
			}
		}
		if when == 0 {
			switch {
			case t.cls&clsPast != 0:
				when = 1
			case t.cls&clsFuture != 0:
				when = 2
			case t.cls&clsPresent != 0:
				when = 3
			}
		}
		if t.cls&clsNegation != 0 {
			denied = 1
		}
	}
	return who*100 + when*10 + denied
}

// features lists what is true of g. Rules must have fired already.
func (r *reader) features(g *segment) []feature {
	if r.featsOf == g.span && len(r.feats) > 0 {
		return r.feats // asked for the score, and again for the reasons
	}
	r.featsOf = g.span
	fs := r.feats[:0]
	fs = append(fs, feature{hash: mix(saltPrior, 1), sort: PriorFeature})
	for i, h := range g.hits {
		if vocabulary.rules[h.rule].flag == "" {
			x := vocabulary.rules[h.rule].hash
			fs = append(fs, feature{hash: x, sort: RuleFeature, from: h.rule, hit: i},
				feature{hash: patternHash(x, h.pattern), sort: RuleFeature, from: h.rule, hit: i})
		} else {
			fs = append(fs, feature{hash: vocabulary.rules[h.rule].hash, sort: PlaceFeature})
		}
	}
	for c := g.cond; c != 0; c &= c - 1 {
		fs = append(fs, feature{hash: condHash(c & -c), sort: PlaceFeature})
	}
	fs = append(fs, feature{hash: mix(mix(saltRules, uint32(g.first)), 9), sort: RuleKind},
		feature{hash: mix(mix(saltRules, uint32(g.first)), uint32(g.lead)), sort: RuleKind},
		feature{hash: mix(saltBefore, uint32(g.prev+1)), sort: PlaceFeature})
	for k, w := range g.ruled {
		if w > 0 {
			fs = append(fs, feature{hash: mix(mix(saltRuled, uint32(k)), uint32(min(w/60, 3))), sort: RuleKind})
		}
	}
	fs = append(fs, feature{hash: mix(saltClause, 1000+g.clause()), sort: PlaceFeature})
	us := r.units[:0]
	for i := 0; i < len(g.toks); {
		t := &g.toks[i]
		j := i + 1
		var u unit
		if c := t.cls & factClasses; c != 0 {
			switch {
			case c&clsDateFact != 0:
				u.word = symDate
			case c&clsTimeFact != 0:
				u.word = symTime
			case c&clsMoneyFact != 0:
				u.word = symMoney
			case c&clsQuantityFact != 0:
				u.word = symQuantity
			case c&clsDurationFact != 0:
				u.word = symDuration
			default:
				u.word = symRef
			}
			u.form = u.word
			for j < len(g.toks) && g.toks[j].cls&factClasses == c {
				j++
			}
		} else {
			u.word = t.hash
			switch {
			case t.shape == shapeNumber:
				u.word = symNumber
			case t.shape == shapeWord && t.upper && t.id == 0 && t.cls&^clsAny == 0 && i > 0 && !t.caps:
				u.word = symName
			case t.digits && t.shape == shapeWord:
				u.word = symRef
			}
			u.form = formOf(t, u.word)
		}
		u.from, u.to = i, j
		us = append(us, u)
		i = j
	}
	r.units = us
	n := len(us)
	at := func(i int) unit {
		switch {
		case i < 0:
			return unit{symBegin, symBegin, 0, 0}
		case i >= n:
			return unit{symEnd, symEnd, len(g.toks), len(g.toks)}
		}
		return us[i]
	}
	for i := range us {
		u := &us[i]
		fs = append(fs, feature{hash: mix(u.word, 0), sort: WordFeature, from: u.from, to: u.to})
	}
	for i := -1; i < n; i++ {
		a, b, c := at(i), at(i+1), at(i+2)
		fs = append(fs, feature{hash: mix(mix(a.word, saltPair), b.word), sort: PairFeature, from: a.from, to: b.to})
		fs = append(fs, feature{hash: mix(mix(a.word, saltSkip), c.word), sort: PairFeature, from: a.from, to: c.to})
		fs = append(fs, feature{hash: mix(mix(a.form, saltForm), b.form), sort: FormFeature, from: a.from, to: b.to})
		fs = append(fs, feature{hash: mix(mix(mix(a.form, saltForm), b.form), c.form), sort: FormFeature, from: a.from, to: c.to})
	}
	// How long it is, and the first words once more: what opens a sentence weighs
	// more than the same word in its middle.
	fs = append(fs, feature{hash: mix(saltFirst, uint32(bits.Len(uint(n)))), sort: PlaceFeature})
	k := r.leadIns(g.toks)
	for _, i := range k {
		if i >= 0 && i < len(g.toks) {
			fs = append(fs, feature{hash: mix(mix(saltFirst, 77), g.toks[i].hash), sort: WordFeature, from: i, to: i + 1})
		}
	}
	r.feats = fs
	return fs
}

// Scores sums the rows of features, in thousandths of a natural logarithm, in the
// order of KindOrder. It is there to measure models.
func (m *Model) Scores(features []uint32) (sum [kindCount]int) {
	for _, f := range features {
		if w := m.row(f); w != nil {
			for k := range sum {
				sum[k] += int(w[k]) * m.scale
			}
		}
	}
	return sum
}

// score weighs g with the model.
func (r *reader) score(g *segment) {
	var sum [kindCount]int
	for _, f := range r.features(g) {
		if w := r.model.row(f.hash); w != nil {
			for k := range sum {
				sum[k] += int(w[k])
			}
		}
	}
	for k := range sum {
		g.score[k] = sum[k] * r.model.scale
	}
}
