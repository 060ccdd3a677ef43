package search

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/textindex"
	"inwriting/search/query"
	"inwriting/search/trail"
)

// Index finds ids by words. *textindex.Index is one.
type Index interface {
	Search(ctx context.Context, req textindex.Request) (*textindex.Result, error)
}

// Options of an Engine. The zero value is what everybody should use.
type Options struct {
	Now     func() time.Time // today, in the zone that days are meant in; nil is time.Now
	Timeout time.Duration    // bounds one look into the index; 0 is one second
}

// Engine is the Searcher over an index and a store. It is safe for concurrent
// use and holds nothing open; whoever opened the two closes them.
type Engine struct {
	store  Store
	index  Index
	people trail.People
	opts   Options
}

// NewEngine returns an engine.
func NewEngine(store Store, index Index, people trail.People, opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Timeout <= 0 {
		opts.Timeout = time.Second
	}
	return &Engine{store: store, index: index, people: people, opts: opts}
}

var _ Searcher = (*Engine)(nil)

// FilterError is a mistake in a filter of a Query. Err is a *query.Error.
type FilterError struct {
	Name, Value string
	Err         error
}

// Error implements error.
func (e *FilterError) Error() string {
	var q *query.Error
	if errors.As(e.Err, &q) {
		s := fmt.Sprintf("%s %q: %s", e.Name, e.Value, q.Text)
		if q.Hint != "" {
			s += "; " + q.Hint
		}
		return s
	}
	return fmt.Sprintf("%s %q: %v", e.Name, e.Value, e.Err)
}

// Unwrap returns Err.
func (e *FilterError) Unwrap() error { return e.Err }

// Parse returns the tree that Search makes of q, filters included.
func (e *Engine) Parse(q Query) (query.Node, error) {
	opts := query.Options{Now: e.opts.Now()}
	n, err := query.Parse(q.Text, opts)
	if err != nil {
		return nil, err
	}
	more, err := filters(q, opts)
	if err != nil || len(more) == 0 {
		return n, err
	}
	all := query.And{}
	switch n := n.(type) {
	case query.All:
	case query.And:
		all = append(all, n...)
	default:
		all = append(all, n)
	}
	if all = append(all, more...); len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// Search implements Searcher.
func (e *Engine) Search(ctx context.Context, q Query) (*Results, error) {
	if q.Limit == 0 {
		q.Limit = 20
	}
	if q.Limit < 0 || q.Limit > MaxLimit || q.Offset < 0 || q.Offset > 10*MaxLimit-q.Limit {
		return nil, fmt.Errorf("limit %d, offset %d: %w", q.Limit, q.Offset, ErrRange)
	}
	n, err := e.Parse(q)
	if err != nil {
		return nil, err
	}
	p := &planner{e: e, ctx: ctx, text: q.Text}
	tree, err := p.node(n)
	if err != nil {
		return nil, err
	}
	req := textindex.Request{Query: tree, Statements: !q.Messages, Limit: q.Limit, Offset: q.Offset}
	switch q.Sort {
	case "", Closest:
	case Newest:
		req.Sort = textindex.Newest
	case Oldest:
		req.Sort = textindex.Oldest
	default:
		return nil, fmt.Errorf("sort %q: %w", q.Sort, ErrRange)
	}
	if q.Facets {
		req.Facets = facetFields(q)
	}
	start := time.Now()
	found, err := e.find(ctx, e.opts.Timeout, req)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	res := &Results{Schema: ResultsSchema, Query: shown(q, n), Total: found.Total, Hits: []Hit{}, Corrected: found.Corrected}
	if q.Explain {
		res.Explain = e.explain(n, found.Corrected, took)
	}
	if q.Messages {
		res.Hits, err = e.messageHits(ctx, found.Hits, n)
	} else {
		res.Hits, err = e.statementHits(ctx, found.Hits)
	}
	if err != nil {
		return nil, err
	}
	if q.Facets {
		if res.Facets, err = e.facets(ctx, q, found.Facets, res.Hits); err != nil {
			return nil, err
		}
	}
	cov, err := e.Coverage(ctx)
	if err != nil {
		return nil, err
	}
	res.Coverage = *cov
	return res, nil
}

func (e *Engine) explain(n query.Node, corrected map[string]string, took time.Duration) *Explanation {
	x := &Explanation{Tree: n.String(), Took: took.Round(10 * time.Microsecond).String()}
	list := []query.Node{n}
	if a, ok := n.(query.And); ok {
		list = a
	}
	for _, n := range list {
		if q, ok := n.(query.Question); ok {
			x.Least = least(len(q.Words))
			for _, w := range e.question(q, x.Least).Words {
				x.Words = append(x.Words, WordRead{Word: w.Text, Also: w.Also, Addresses: w.Addresses, Corrected: corrected[w.Text]})
			}
		}
	}
	return x
}

// shown is the query as people see it: as typed, or with its filters written out.
func shown(q Query, n query.Node) string {
	q.Sort, q.Messages, q.Facets, q.Explain, q.Limit, q.Offset = "", false, false, false, 0, 0
	if reflect.DeepEqual(q, Query{Text: q.Text}) {
		return strings.TrimSpace(q.Text)
	}
	return n.String()
}

// find asks the index, within so much time.
func (e *Engine) find(ctx context.Context, within time.Duration, req textindex.Request) (*textindex.Result, error) {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	found, err := e.index.Search(limited, req)
	switch {
	case err == nil:
		return found, nil
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: more than %v", ErrTimeout, within)
	case errors.Is(err, textindex.ErrNotOneWord):
		return nil, &query.Error{Column: 1, Text: "NEAR: " + err.Error(), Hint: "leave its punctuation out"}
	case errors.Is(err, textindex.ErrTooBroad):
		return nil, fmt.Errorf("%w: give more letters before the *", ErrTooBroad)
	}
	return nil, err
}

func (e *Engine) statementHits(ctx context.Context, found []textindex.Hit) ([]Hit, error) {
	places := make([]Place, len(found))
	refs := make([]archive.Ref, len(found))
	for i, h := range found {
		p, err := placeOf(h)
		if err != nil {
			return nil, err
		}
		places[i], refs[i] = p, p.Ref
	}
	records, err := e.records(ctx, refs, false)
	if err != nil {
		return nil, err
	}
	hits := []Hit{}
	for i, p := range places {
		// The index may be ahead of the catalog, or behind.
		if r := records[p.Ref]; r != nil && p.N < len(r.Statements) {
			s := e.statement(r, p.N)
			hits = append(hits, Hit{Score: finite(found[i].Score), Statement: &s})
		}
	}
	return hits, nil
}

// placeOf tells where a hit stands.
func placeOf(h textindex.Hit) (Place, error) {
	ref, err := archive.ParseRef(h.ID)
	if err != nil {
		return Place{}, fmt.Errorf("reading the index: %w", err)
	}
	return Place{Ref: ref, N: h.N}, nil
}

func (e *Engine) messageHits(ctx context.Context, found []textindex.Hit, n query.Node) ([]Hit, error) {
	refs := make([]archive.Ref, len(found))
	for i, h := range found {
		p, err := placeOf(h)
		if err != nil {
			return nil, err
		}
		refs[i] = p.Ref
	}
	records, err := e.records(ctx, refs, true)
	if err != nil {
		return nil, err
	}
	hits := []Hit{}
	words := wordsOf(n)
	for i, h := range found {
		if r := records[refs[i]]; r != nil {
			hits = append(hits, Hit{Score: finite(h.Score), Message: &MessageHit{MessageInfo: e.info(r), Excerpt: excerpt(r.Message, words)}})
		}
	}
	return hits, nil
}

// records reads each ref once.
func (e *Engine) records(ctx context.Context, refs []archive.Ref, full bool) (map[archive.Ref]*Record, error) {
	m := make(map[archive.Ref]*Record, len(refs))
	var once []archive.Ref
	for _, r := range refs {
		if _, ok := m[r]; !ok && !r.IsZero() {
			m[r] = nil
			once = append(once, r)
		}
	}
	if len(once) == 0 {
		return m, nil
	}
	list, err := e.store.Records(ctx, once, full)
	if err != nil {
		return nil, fmt.Errorf("reading %d messages: %w", len(once), err)
	}
	for i, r := range list {
		m[once[i]] = r
	}
	return m, nil
}

const minRef = 6 // digits of a ref's prefix

// ref finds the one message that id names.
func (e *Engine) ref(ctx context.Context, id string) (archive.Ref, error) {
	id = strings.TrimSpace(id)
	hex, prefixed := strings.CutPrefix(strings.ToLower(id), "sha256-")
	if isHex(hex) && (prefixed || len(hex) >= minRef) {
		if len(hex) < minRef {
			return archive.Ref{}, fmt.Errorf("message %q: %w: give at least %d digits", id, ErrNotFound, minRef)
		}
		refs, err := e.store.RefsByPrefix(ctx, hex, 4)
		if err != nil {
			return archive.Ref{}, fmt.Errorf("finding message %q: %w", id, err)
		}
		if len(refs) > 0 || prefixed {
			return one("message", id, refs)
		}
	}
	if prefixed {
		return archive.Ref{}, fmt.Errorf("message %q: %w", id, ErrNotFound)
	}
	mid := strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
	if mid == "" {
		return archive.Ref{}, fmt.Errorf("message %q: %w", id, ErrNotFound)
	}
	refs, err := e.store.RefsByMessageID(ctx, mid, 4)
	if err != nil {
		return archive.Ref{}, fmt.Errorf("finding message %q: %w", id, err)
	}
	return one("message", id, refs)
}

func isHex(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
}

// one returns the only element, or says that there is none, or names some.
func one[T any](what, id string, list []T) (T, error) {
	var zero T
	switch len(list) {
	case 0:
		return zero, fmt.Errorf("%s %q: %w", what, id, ErrNotFound)
	case 1:
		return list[0], nil
	}
	var b strings.Builder
	for i, v := range list {
		if i == 3 {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, v)
	}
	return zero, fmt.Errorf("%s %q: %w: %s", what, id, ErrAmbiguous, b.String())
}

// Message implements Searcher.
func (e *Engine) Message(ctx context.Context, id string) (*MessageDoc, error) {
	ref, err := e.ref(ctx, id)
	if err != nil {
		return nil, err
	}
	records, err := e.records(ctx, []archive.Ref{ref}, true)
	if err != nil {
		return nil, err
	}
	r := records[ref]
	if r == nil {
		return nil, fmt.Errorf("message %q: %w", id, ErrNotFound)
	}
	d := e.document(r)
	d.SecondHand, err = e.secondHand(ctx, r)
	return d, err
}

// Statement implements Searcher.
func (e *Engine) Statement(ctx context.Context, id string) (*trail.Statement, error) {
	id = strings.TrimSpace(id)
	if len(id) < len("s-")+1 || !strings.HasPrefix(id, "s-") {
		return nil, fmt.Errorf("statement %q: %w", id, ErrNotFound)
	}
	ids, err := e.store.StatementIDs(ctx, id, 4)
	if err != nil {
		return nil, fmt.Errorf("finding statement %q: %w", id, err)
	}
	if len(ids) > 0 && ids[0] == id {
		ids = ids[:1] // a whole id may be the prefix of another
	}
	full, err := one("statement", id, ids)
	if err != nil {
		return nil, err
	}
	p, err := e.store.Place(ctx, full)
	if err != nil {
		return nil, fmt.Errorf("placing statement %q: %w", id, err)
	}
	records, err := e.records(ctx, []archive.Ref{p.Ref}, false)
	if err != nil {
		return nil, err
	}
	r := records[p.Ref]
	if r == nil || p.N >= len(r.Statements) {
		return nil, fmt.Errorf("statement %q: %w", id, ErrNotFound)
	}
	s := e.statement(r, p.N)
	return &s, nil
}

// Raw implements Searcher.
func (e *Engine) Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	return e.store.Raw(ctx, ref)
}

// Coverage implements Searcher.
func (e *Engine) Coverage(ctx context.Context) (*trail.Coverage, error) {
	c, err := e.store.Coverage(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	if c.Mailboxes == nil {
		c.Mailboxes = []trail.MailboxCoverage{}
	}
	if c.Absent == nil {
		c.Absent = []string{}
	}
	return c, nil
}

// Trail implements Searcher.
func (e *Engine) Trail(ctx context.Context, q TrailQuery) (*trail.Trail, error) {
	opts, err := e.trailOptions(q)
	if err != nil {
		return nil, err
	}
	return e.trail(ctx, q.Question, opts)
}

func (e *Engine) trailOptions(q TrailQuery) (trail.Options, error) {
	var opts trail.Options
	if q.Near < 0 || q.Near > MaxNear {
		return opts, fmt.Errorf("near %d: %w", q.Near, ErrRange)
	}
	opts.Near = q.Near
	if q.AsOf == "" {
		return opts, nil
	}
	f, err := query.ParseField("until", q.AsOf, query.Options{Now: e.opts.Now()})
	if err != nil {
		return opts, &FilterError{Name: "as-of", Value: q.AsOf, Err: err}
	}
	opts.AsOf = f.To.Add(-time.Nanosecond) // To is the first moment that does not count
	return opts, nil
}

func (e *Engine) trail(ctx context.Context, question string, opts trail.Options) (*trail.Trail, error) {
	type answer struct {
		c   *trail.Coverage
		err error
	}
	covered := make(chan answer, 1) // counting a vault takes as long as answering
	go func() {
		c, err := e.Coverage(ctx)
		covered <- answer{c, err}
	}()
	t, err := trail.Build(ctx, e.Source(), e.people, question, opts)
	a := <-covered
	switch {
	case err != nil:
		return nil, fmt.Errorf("building the trail: %w", err)
	case a.err != nil:
		return nil, a.err
	}
	t.Coverage = *a.c
	return t, nil
}
