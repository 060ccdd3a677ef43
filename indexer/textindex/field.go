package textindex

import (
	"slices"
	"sync"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"
)

// field is a field of terms, from text that is analysed when its batch is
// committed or from terms that are ready. bleve's own text field makes a token of
// every word first; this one counts them as it reads, which takes half the memory.
type field struct {
	name    string
	options index.FieldIndexingOptions
	text    []byte  // ours: analysis works in it
	cuts    []int   // offsets into text, ascending
	ready   []token // instead of text

	at     []int // position of the first term at or behind each cut
	length int
	freqs  index.TokenFrequencies
}

// token is a term and its position, from 1.
type token struct {
	term []byte
	pos  int
}

var _ document.Field = (*field)(nil)

func (f *field) Name() string                                     { return f.name }
func (f *field) Value() []byte                                    { return nil } // nothing is stored
func (f *field) ArrayPositions() []uint64                         { return nil }
func (f *field) EncodedFieldType() byte                           { return 't' }
func (f *field) Options() index.FieldIndexingOptions              { return f.options }
func (f *field) AnalyzedLength() int                              { return f.length }
func (f *field) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.freqs }
func (f *field) NumPlainTextBytes() uint64                        { return uint64(len(f.text)) }
func (f *field) Size() int                                        { return 128 + len(f.text) + 64*len(f.ready) }

// spans is the field of the statements of a message: one term, placed once for
// every statement, from the statement's first position in the text to the one
// behind its last. It is analysed after the text.
type spans struct {
	field
	of     *field
	bounds [][2]int // offsets into of.text, both among of.cuts
}

var _ document.Field = (*spans)(nil)

// Analyze places the statements.
func (f *spans) Analyze() {
	place := func(cut int) int {
		i, _ := slices.BinarySearch(f.of.cuts, cut)
		return f.of.at[i]
	}
	tf := &index.TokenFreq{Term: []byte(spanTerm)}
	tf.SetFrequency(len(f.bounds))
	locations := make([]index.TokenLocation, len(f.bounds))
	for i, b := range f.bounds {
		locations[i] = index.TokenLocation{Position: i + 1, Start: place(b[0]), End: place(b[1])}
		tf.Locations = append(tf.Locations, &locations[i])
	}
	f.length = len(f.bounds)
	f.freqs = index.TokenFrequencies{spanTerm: tf}
}

// occurrence is where a term was met: the nth distinct term, at a position.
type occurrence struct{ n, pos int32 }

// scratch is what analysis needs and does not keep.
type scratch struct {
	seen  []occurrence
	freqs []*index.TokenFreq
	ids   map[string]int32
}

var scratches = sync.Pool{New: func() any { return &scratch{ids: map[string]int32{}} }}

// Analyze counts the terms and, where the field keeps positions, lists them.
func (f *field) Analyze() {
	s := scratches.Get().(*scratch)
	s.seen, s.freqs = s.seen[:0], s.freqs[:0]
	clear(s.ids)
	var slab []index.TokenFreq
	f.freqs = make(index.TokenFrequencies, max(len(f.ready), len(f.text)/16))
	meet := func(term []byte, pos, _ int) {
		n, ok := s.ids[string(term)]
		if !ok {
			n = int32(len(s.freqs))
			if len(slab) == 0 {
				slab = make([]index.TokenFreq, min(max(len(f.ready), len(f.text)/32, 4), 256))
			}
			tf := &slab[0]
			slab = slab[1:]
			tf.Term = term
			key := string(term)
			s.ids[key] = n
			f.freqs[key] = tf
			s.freqs = append(s.freqs, tf)
		}
		if tf := s.freqs[n]; !f.options.SkipFreqNorm() {
			tf.SetFrequency(tf.Frequency() + 1)
		}
		s.seen = append(s.seen, occurrence{n, int32(pos)})
	}
	if f.ready != nil {
		for _, t := range f.ready {
			meet(t.term, t.pos, 0)
		}
	} else {
		last := 0
		f.at = make([]int, 0, len(f.cuts))
		scan(f.text, func(term []byte, pos, at int) {
			for len(f.at) < len(f.cuts) && f.cuts[len(f.at)] <= at {
				f.at = append(f.at, pos)
			}
			last = max(last, pos)
			meet(term, pos, at)
		}, nil)
		for len(f.at) < len(f.cuts) {
			f.at = append(f.at, last+1)
		}
	}
	f.length = len(s.seen)

	if f.options.IncludeTermVectors() {
		locations := make([]index.TokenLocation, len(s.seen))
		list := make([]*index.TokenLocation, len(s.seen))
		for _, tf := range s.freqs {
			n := tf.Frequency()
			tf.Locations, list = list[:0:n], list[n:]
		}
		for i, o := range s.seen {
			// Offsets are left out: an excerpt is found by reading the text again.
			locations[i].Position = int(o.pos)
			tf := s.freqs[o.n]
			tf.Locations = append(tf.Locations, &locations[i])
		}
	}
	clear(s.freqs)
	if cap(s.seen) <= 1<<16 {
		scratches.Put(s)
	}
}
