package textindex

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"math/bits"
	"slices"
	"sort"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"
)

// postings walks the messages that hold one term in one field. Messages are asked
// for in ascending order; asking twice for the same costs nothing, so that all
// parts of a search share one walk.
type postings struct {
	tfr   index.TermFieldReader
	doc   index.TermFieldDoc
	at    uint64 // message it stands on
	moved bool
	done  bool
}

// advance moves to the message or beyond and reports whether the message holds
// the term. Then doc tells where.
func (p *postings) advance(d *candidateDoc) (bool, error) {
	if !p.done && (!p.moved || p.at < d.n) {
		found, err := p.tfr.Advance(d.id, p.doc.Reset())
		if err != nil {
			return false, err
		}
		p.moved = true
		if p.done = found == nil; !p.done {
			p.doc, p.at = *found, found.ID.Value()
		}
	}
	return !p.done && p.at == d.n, nil
}

// within counts the places of the term in a range of positions. They ascend.
func (p *postings) within(s span) int {
	v := p.doc.Vectors
	from := sort.Search(len(v), func(i int) bool { return v[i].Pos >= s.from })
	n := 0
	for _, at := range v[from:] {
		if at.Pos >= s.to {
			break
		}
		n++
	}
	return n
}

// span is a range of positions in a message's text, to not included.
type span struct{ from, to uint64 }

// candidateDoc is a message that may fit. A search for statements looks at the
// spans of its statements, any other at one span that holds everything.
type candidateDoc struct {
	id    index.IndexInternalID
	n     uint64
	spans []span
}

// whole is the span of a message of which no parts are told apart.
var whole = []span{{0, ^uint64(0)}}

func (d *candidateDoc) whole() bool { return len(d.spans) == 1 && d.spans[0] == whole[0] }

// set holds numbers of spans.
type set []uint64

func (s *set) reset(n int) set {
	words := (n + 63) / 64
	if cap(*s) < words {
		*s = make(set, words)
	}
	*s = (*s)[:words]
	clear(*s)
	return *s
}

func (s *set) all(n int) set {
	s.reset(n)
	for i := range n {
		s.add(i)
	}
	return *s
}

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// check tells which spans of a message fit. The result is the check's own and
// lasts until it is asked again.
type check interface {
	fits(d *candidateDoc) (set, error)
}

// docCheck fits all of a message or nothing.
type docCheck struct {
	searcher search.Searcher
	ctx      *search.SearchContext
	at       uint64
	moved    bool
	done     bool
	set      set
}

func (c *docCheck) fits(d *candidateDoc) (set, error) {
	if !c.done && (!c.moved || c.at < d.n) {
		m, err := c.searcher.Advance(c.ctx, d.id)
		if err != nil {
			return nil, err
		}
		c.moved = true
		if c.done = m == nil; !c.done {
			c.at = m.IndexInternalID.Value()
			c.ctx.DocumentMatchPool.Put(m)
		}
	}
	if !c.done && c.at == d.n {
		return c.set.all(len(d.spans)), nil
	}
	return c.set.reset(len(d.spans)), nil
}

// allOf fits what fits each.
type allOf struct {
	checks []check
	set    set
}

func (c *allOf) fits(d *candidateDoc) (set, error) {
	out := c.set.all(len(d.spans))
	for _, each := range c.checks {
		s, err := each.fits(d)
		if err != nil {
			return nil, err
		}
		any := uint64(0)
		for i := range out {
			out[i] &= s[i]
			any |= out[i]
		}
		if any == 0 {
			break
		}
	}
	return out, nil
}

// someOf fits what fits at least a number of checks.
type someOf struct {
	checks []check
	least  int
	counts []int
	set    set
}

func (c *someOf) fits(d *candidateDoc) (set, error) {
	out := c.set.reset(len(d.spans))
	if cap(c.counts) < len(d.spans) {
		c.counts = make([]int, len(d.spans))
	}
	counts := c.counts[:len(d.spans)]
	clear(counts)
	for _, each := range c.checks {
		s, err := each.fits(d)
		if err != nil {
			return nil, err
		}
		for i := range counts {
			if s.has(i) {
				if counts[i]++; counts[i] == c.least {
					out.add(i)
				}
			}
		}
	}
	return out, nil
}

// noneOf fits what does not fit.
type noneOf struct {
	check check
	set   set
}

func (c *noneOf) fits(d *candidateDoc) (set, error) {
	s, err := c.check.fits(d)
	if err != nil {
		return nil, err
	}
	out := c.set.all(len(d.spans))
	for i := range out {
		out[i] &^= s[i]
	}
	return out, nil
}

// union fits what holds any of its terms: in the text at the place of the span,
// in a field of numbers at the number, in any other field of the message.
type union struct {
	text, numbers, other walks
	set                  set
}

func (c *union) fits(d *candidateDoc) (set, error) {
	out := c.set.reset(len(d.spans))
	for p, err := range c.other.in(d) {
		if err != nil || p != nil {
			return c.set.all(len(d.spans)), err
		}
	}
	for p, err := range c.numbers.in(d) {
		if err != nil {
			return nil, err
		}
		for _, v := range p.doc.Vectors {
			if v.Pos == 0 {
				return c.set.all(len(d.spans)), nil
			}
			if i := int(v.Pos) - 1; i < len(d.spans) {
				out.add(i)
			}
		}
	}
	for p, err := range c.text.in(d) {
		if err != nil {
			return nil, err
		}
		for i, s := range d.spans {
			if !out.has(i) && p.within(s) > 0 {
				out.add(i)
			}
		}
	}
	return out, nil
}

// walks are side by side, the one that is furthest behind on top of a heap: a
// prefix may stand for thousands of words, few of which any message holds.
type walks []walk

type walk struct {
	p  *postings
	at int64 // where it was when the heap saw it last, from -1: others walk p, too
}

func (w walks) Len() int           { return len(w) }
func (w walks) Less(i, j int) bool { return w[i].at < w[j].at }
func (w walks) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *walks) Push(v any)        { *w = append(*w, v.(walk)) }
func (w *walks) Pop() any          { *w = (*w)[:len(*w)-1]; return nil }

// in yields the walks that stand on the message.
func (w *walks) in(d *candidateDoc) iter.Seq2[*postings, error] {
	return func(yield func(*postings, error) bool) {
		for len(*w) > 0 && (*w)[0].at < int64(d.n) {
			p := (*w)[0].p
			if _, err := p.advance(d); err != nil {
				yield(nil, err)
				return
			}
			if p.done {
				heap.Remove(w, 0)
				continue
			}
			(*w)[0].at = int64(p.at)
			heap.Fix(w, 0)
		}
		w.visit(0, d, yield)
	}
}

// visit walks down from the top as far as walks stand on the message.
func (w *walks) visit(i int, d *candidateDoc, yield func(*postings, error) bool) bool {
	if i >= len(*w) || (*w)[i].at != int64(d.n) {
		return true
	}
	return yield((*w)[i].p, nil) && w.visit(2*i+1, d, yield) && w.visit(2*i+2, d, yield)
}

// phraseCheck fits what holds words one after the other in one field.
type phraseCheck struct {
	words  []*postings
	inText bool // else a field of the message
	at, to []uint64
	set    set
}

func (c *phraseCheck) fits(d *candidateDoc) (set, error) {
	out := c.set.reset(len(d.spans))
	for _, w := range c.words {
		ok, err := w.advance(d)
		if err != nil || !ok {
			return out, err
		}
	}
	c.at = c.at[:0]
	for _, v := range c.words[0].doc.Vectors {
		c.at = append(c.at, v.Pos)
	}
	for _, w := range c.words[1:] {
		c.to = c.to[:0]
		j := 0 // both lists ascend
		for _, v := range w.doc.Vectors {
			for j < len(c.at) && c.at[j]+1 < v.Pos {
				j++
			}
			if j < len(c.at) && c.at[j]+1 == v.Pos {
				c.to = append(c.to, v.Pos)
			}
		}
		c.at, c.to = c.to, c.at
	}
	if !c.inText && len(c.at) > 0 {
		return c.set.all(len(d.spans)), nil
	}
	length := uint64(len(c.words))
	for i, s := range d.spans {
		for _, last := range c.at {
			if last < s.to && last+1 >= s.from+length {
				out.add(i)
				break
			}
		}
	}
	return out, nil
}

// nearCheck fits what holds all words, the outermost two at most so far apart.
type nearCheck struct {
	words  []walks
	within uint64
	at     []place
	last   []uint64
	set    set
}

// place is where one of the words stands.
type place struct {
	pos  uint64
	word int
}

func (c *nearCheck) fits(d *candidateDoc) (set, error) {
	out := c.set.reset(len(d.spans))
	c.at = c.at[:0]
	for i := range c.words {
		before := len(c.at)
		for p, err := range c.words[i].in(d) {
			if err != nil {
				return nil, err
			}
			for _, v := range p.doc.Vectors {
				c.at = append(c.at, place{v.Pos, i})
			}
		}
		if len(c.at) == before {
			return out, nil
		}
	}
	slices.SortFunc(c.at, func(a, b place) int { return cmp.Compare(a.pos, b.pos) })
	for i, s := range d.spans {
		// Where each word stood last, from 1: the place that reaches furthest back
		// decides.
		c.last = append(c.last[:0], make([]uint64, len(c.words))...)
		for _, at := range c.at {
			if at.pos < s.from || at.pos >= s.to {
				continue
			}
			c.last[at.word] = at.pos + 1
			if first := slices.Min(c.last); first > 0 && at.pos+1-first <= c.within {
				out.add(i)
				break
			}
		}
	}
	return out, nil
}

// newDocCheck runs a query beside the search.
func newDocCheck(ctx context.Context, r index.IndexReader, q query.Query) (*docCheck, error) {
	s, err := q.Searcher(ctx, r, nil, search.SearcherOptions{Score: "none"})
	if err != nil {
		return nil, err
	}
	return &docCheck{searcher: s, ctx: &search.SearchContext{
		DocumentMatchPool: search.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0), IndexReader: r}}, nil
}
