package textindex

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"
)

// Search answers a request from what was committed when it was called. It ends
// soon after ctx does, with its error; no hit is not an error.
func (ix *Index) Search(ctx context.Context, req Request) (*Result, error) {
	var res *Result
	err := ix.read(func(r index.IndexReader) error {
		var err error
		res, err = answer(ctx, r, req)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	return res, nil
}

func answer(ctx context.Context, r index.IndexReader, req Request) (_ *Result, err error) {
	n, err := r.DocCount()
	if err != nil {
		return nil, err
	}
	c := &compiler{ctx: ctx, r: r, statements: req.Statements, docs: float64(n)}
	defer func() { err = errors.Join(err, c.close()) }()
	q := req.Query
	if q == nil {
		q = All{}
	}
	p, err := c.compile(q)
	if err != nil {
		return nil, err
	}
	docs, said, err := c.among(p)
	if err != nil {
		return nil, err
	}
	d := &candidateDoc{}
	if said == nil {
		d.spans = whole
	}
	// The query only decides what may fit: without scores bleve joins whole
	// posting lists as bitmaps.
	s, err := docs.Searcher(ctx, r, nil, search.SearcherOptions{Score: "none"})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	col := &collector{r: r, sort: req.Sort, keep: max(0, req.Limit) + max(0, req.Offset)}
	if req.Limit <= 0 {
		col.keep = 0
	}
	if col.dates, err = r.DocValueReader([]string{fieldWhen}); err != nil {
		return nil, err
	}
	sctx := &search.SearchContext{
		DocumentMatchPool: search.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0),
		IndexReader:       r,
	}
	facets, err := c.facets(req.Facets)
	if err != nil {
		return nil, err
	}
	res := &Result{Corrected: c.corrected, Hits: []Hit{}}
	for seen := 0; ; seen++ {
		if seen%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m, err := s.Next(sctx)
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		d.id, d.n = m.IndexInternalID, m.IndexInternalID.Value()
		if said != nil {
			if err := d.place(said); err != nil {
				return nil, err
			}
		}
		if err := c.collect(d, p.check, req.Sort, col, facets, res); err != nil {
			return nil, err
		}
		sctx.DocumentMatchPool.Put(m)
	}
	for _, f := range facets {
		if res.Facets == nil {
			res.Facets = map[string]map[string]int{}
		}
		res.Facets[f.name] = f.counts
	}
	hits, err := col.take()
	if err != nil {
		return nil, err
	}
	if req.Offset < len(hits) {
		res.Hits = hits[max(0, req.Offset):]
	}
	return res, nil
}

// among tells which messages are looked at, and where statements are wanted walks the
// places of those.
func (c *compiler) among(p plan) (docs query.Query, said *postings, err error) {
	var all query.Query = query.NewMatchAllQuery()
	if c.statements {
		if said, err = c.walk(fieldSpan, spanTerm, true); err != nil {
			return nil, nil, err
		}
		all = anyTerm{fieldSpan, []string{spanTerm}}
	}
	switch docs = p.docs; {
	case docs == nil:
		docs = all
	case c.statements:
		docs = query.NewConjunctionQuery([]query.Query{docs, all})
	}
	return docs, said, nil
}

// place reads where the statements of the message stand.
func (d *candidateDoc) place(said *postings) error {
	d.spans = d.spans[:0]
	ok, err := said.advance(d)
	if err != nil || !ok {
		return err
	}
	for _, v := range said.doc.Vectors {
		d.spans = append(d.spans, span{v.Start, v.End})
	}
	return nil
}

// collect offers what of the message fits.
func (c *compiler) collect(d *candidateDoc, k check, sort Sort, col *collector, facets []*facet, res *Result) error {
	var fits set
	if k != nil {
		var err error
		if fits, err = k.fits(d); err != nil {
			return err
		}
		res.Total += fits.count()
	} else {
		res.Total += len(d.spans)
	}
	for _, f := range facets {
		if err := f.count(d, k != nil, fits); err != nil {
			return err
		}
	}
	if col.keep == 0 {
		return nil
	}
	for i := range d.spans {
		if k != nil && !fits.has(i) {
			continue
		}
		cand := candidate{doc: d.n, n: i}
		if sort == ByScore {
			var err error
			if cand.score, cand.words, err = c.score(d, i); err != nil {
				return err
			}
		}
		took, err := col.offer(cand)
		if err != nil {
			return err
		}
		if !took && (sort != ByScore || len(c.groups) == 0) {
			return nil // the others of the message come after this one
		}
	}
	return nil
}

// group is one word of the query as far as ranking goes: all terms that stand
// for it.
type group struct {
	terms []weighted
	idf   float64
}

// weighted is a term in one of the scored fields.
type weighted struct {
	field int // index into scored
	p     *postings
}

type scoredField struct {
	name       string
	average    float64
	weight     float64
	statements bool // searched for statements when no field is named
	messages   bool
}

// scored are the fields that ranking looks at, with the average length of each.
// The averages are fixed so that a score does not depend on what else is in the
// index more than through the number of documents that hold a word.
var scored = []scoredField{
	{FieldText, 24, 1, true, true},
	{FieldSubject, 6, 0.4, true, false}, // a message's text holds its subject
	{FieldFrom, 8, 0.5, true, false},
	{FieldTo, 8, 0.3, false, false},
}

const (
	messageAverage = 400 // terms in a message's text
	bm25K          = 1.2
	bm25B          = 0.75
)

// score is BM25, word by word, times the share of the query's words that the
// message or the statement holds: what holds them all comes first.
func (c *compiler) score(d *candidateDoc, n int) (float64, int, error) {
	sum, words := 0.0, 0
	for gi := range c.groups {
		g := &c.groups[gi]
		best := 0.0
		for f := range scored {
			tf, length := 0.0, 0.0
			for _, t := range g.terms {
				if t.field != f {
					continue
				}
				ok, err := t.p.advance(d)
				if err != nil {
					return 0, 0, err
				}
				switch {
				case !ok:
				case c.statements && scored[f].name == FieldText:
					tf += float64(t.p.within(d.spans[n]))
					length = float64(d.spans[n].to - d.spans[n].from)
				default:
					tf += float64(t.p.doc.Freq)
					if t.p.doc.Norm > 0 {
						length = math.Round(1 / (t.p.doc.Norm * t.p.doc.Norm))
					}
				}
			}
			if tf > 0 {
				average := scored[f].average
				if f == 0 && !c.statements {
					average = messageAverage
				}
				best = max(best, scored[f].weight*tf*(bm25K+1)/(tf+bm25K*(1-bm25B+bm25B*length/average)))
			}
		}
		if best > 0 {
			words++
			sum += g.idf * best
		}
	}
	if len(c.groups) > 0 {
		sum *= float64(words) / float64(len(c.groups))
	}
	return math.Round(sum*1e4) / 1e4, words, nil
}

// candidate is a fitting document; date and id are looked up when they matter.
type candidate struct {
	doc     uint64
	n       int // of the statement
	score   float64
	words   int
	when    int64
	hasWhen bool
	id      string
}

// collector keeps the best candidates; the worst kept lies on top of the heap.
type collector struct {
	r     index.IndexReader
	dates index.DocValueReader
	sort  Sort
	keep  int
	heap  []*candidate
	err   error
	buf   index.IndexInternalID
}

// offer keeps n if it is among the best, and tells whether it is.
func (c *collector) offer(n candidate) (bool, error) {
	took := true
	if len(c.heap) < c.keep {
		heap.Push(c, &n)
	} else if took = c.before(&n, c.heap[0]); took {
		c.heap[0] = &n
		heap.Fix(c, 0)
	}
	return took, c.err
}

func (c *collector) take() ([]Hit, error) {
	out := make([]Hit, len(c.heap))
	slices.SortFunc(c.heap, func(a, b *candidate) int {
		if c.before(a, b) {
			return -1
		}
		return 1
	})
	for i, n := range c.heap {
		out[i] = Hit{ID: c.idOf(n), N: n.n, Score: n.score, Words: n.words}
	}
	return out, c.err
}

// before reports whether a comes before b in the answer.
func (c *collector) before(a, b *candidate) bool {
	if c.sort == ByScore && a.score != b.score {
		return a.score > b.score
	}
	if a.doc == b.doc {
		return a.n < b.n
	}
	if wa, wb := c.whenOf(a), c.whenOf(b); wa != wb {
		return (wa > wb) != (c.sort == Oldest)
	}
	return c.idOf(a) < c.idOf(b)
}

func (c *collector) whenOf(n *candidate) int64 {
	if !n.hasWhen {
		n.hasWhen = true
		c.buf = index.NewIndexInternalID(c.buf, n.doc)
		err := c.dates.VisitDocValues(c.buf, func(_ string, term []byte) {
			if v, err := strconv.ParseInt(string(term), 16, 64); err == nil {
				n.when = v
			}
		})
		c.err = errors.Join(c.err, err)
	}
	return n.when
}

func (c *collector) idOf(n *candidate) string {
	if n.id == "" {
		c.buf = index.NewIndexInternalID(c.buf, n.doc)
		id, err := c.r.ExternalID(c.buf)
		c.err = errors.Join(c.err, err)
		n.id = strings.Clone(id)
	}
	return n.id
}

// heap.Interface

func (c *collector) Len() int           { return len(c.heap) }
func (c *collector) Less(i, j int) bool { return c.before(c.heap[j], c.heap[i]) }
func (c *collector) Swap(i, j int)      { c.heap[i], c.heap[j] = c.heap[j], c.heap[i] }
func (c *collector) Push(x any)         { c.heap = append(c.heap, x.(*candidate)) }
func (c *collector) Pop() any {
	x := c.heap[len(c.heap)-1]
	c.heap = c.heap[:len(c.heap)-1]
	return x
}
