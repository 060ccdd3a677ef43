package textindex

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
)

// Bounds on what one word may stand for.
const (
	maxTerms   = 20000 // terms the words of a request may stand for, together
	maxScanned = 5000  // dictionary entries looked at for the forms of a word
	maxForms   = 64
	maxScoring = 24 // terms of one word that ranking looks at: the most frequent
)

// compiler turns a request's tree into bleve's, and notes on the way which
// words ranking looks at and which phrases are left to check.
type compiler struct {
	ctx        context.Context
	r          index.IndexReader
	statements bool
	docs       float64

	terms     int // so far
	groups    []group
	phrases   [][]*phraseCheck // each: any of them must hold
	corrected map[string]string
	closers   []func() error
}

func (c *compiler) close() error {
	var err error
	for _, f := range c.closers {
		err = errors.Join(err, f())
	}
	return err
}

// term is a term in a field, as an index into scored when ranking looks at it.
type term struct {
	field string
	text  string
	count uint64
}

// compile translates q. must says that everything that fits the request has to
// fit q: only then may the check of a phrase be put off to the end.
func (c *compiler) compile(q Query, must bool) (query.Query, error) {
	switch q := q.(type) {
	case All:
		return query.NewMatchAllQuery(), nil
	case And:
		if len(q) == 0 {
			return query.NewMatchAllQuery(), nil
		}
		var yes, no []query.Query
		for _, child := range q {
			if n, ok := child.(Not); ok {
				t, err := c.compileNot(n)
				if err != nil {
					return nil, err
				}
				no = append(no, t)
				continue
			}
			t, err := c.compile(child, must)
			if err != nil {
				return nil, err
			}
			yes = append(yes, t)
		}
		if len(yes) == 0 {
			yes = append(yes, query.NewMatchAllQuery())
		}
		if len(no) > 0 {
			return query.NewBooleanQuery(yes, nil, no), nil
		}
		if len(yes) == 1 {
			return yes[0], nil
		}
		return query.NewConjunctionQuery(yes), nil
	case Or:
		return c.anyOf(len(q), 1, func(i int) (query.Query, error) { return c.compile(q[i], must && len(q) == 1) })
	case Not:
		t, err := c.compileNot(q)
		if err != nil {
			return nil, err
		}
		return query.NewBooleanQuery([]query.Query{query.NewMatchAllQuery()}, nil, []query.Query{t}), nil
	case Best:
		return c.anyOf(len(q.Words), max(1, min(q.Min, len(q.Words))), func(i int) (query.Query, error) { return c.word(q.Words[i]) })
	case Word:
		return c.word(q)
	case Phrase:
		return c.phrase(q, must)
	case Key:
		return c.keys(q.Field, q.Values), nil
	case Who:
		var any []query.Query
		for _, f := range []struct {
			on   bool
			name string
		}{{q.From, FieldFrom}, {q.To, FieldTo}} {
			if f.on {
				any = append(any, c.keys(f.name, q.Addresses))
			}
		}
		return query.NewDisjunctionQuery(any), nil
	case Messages:
		if c.statements {
			return c.keys(fieldMessage, q.IDs), nil
		}
		return query.NewDocIDQuery(q.IDs), nil
	case Dates:
		if q.From.IsZero() && q.To.IsZero() {
			return query.NewMatchAllQuery(), nil
		}
		var lo, hi *float64
		if !q.From.IsZero() {
			// Whole seconds: a message dated within From's second began before
			// it only if From has a fraction.
			v := float64(q.From.Unix())
			lo = &v
		}
		if !q.To.IsZero() {
			v := float64(q.To.Unix())
			hi = &v
		}
		return numbers(fieldDate, lo, hi, false), nil
	case Amounts:
		lo, hi := &q.Min, &q.Max
		if math.IsInf(q.Min, -1) {
			lo = nil
		}
		if math.IsInf(q.Max, 1) {
			hi = nil
		}
		return numbers(fieldAmount, lo, hi, true), nil
	case FactIs:
		var keys []string
		for _, f := range q {
			keys = append(keys, factKey(f.Type, f.Value))
		}
		return c.keys(fieldFact, keys), nil
	}
	return nil, fmt.Errorf("unknown query %T", q)
}

// compileNot translates what must not fit: no ranking, and phrases are checked
// on the spot.
func (c *compiler) compileNot(n Not) (query.Query, error) {
	groups := c.groups
	c.groups = nil
	t, err := c.compile(n.Query, false)
	c.groups = groups
	return t, err
}

func (c *compiler) anyOf(n, least int, f func(int) (query.Query, error)) (query.Query, error) {
	if n == 0 {
		return query.NewMatchNoneQuery(), nil
	}
	var any []query.Query
	for i := range n {
		t, err := f(i)
		if err != nil {
			return nil, err
		}
		any = append(any, t)
	}
	if n == 1 {
		return any[0], nil
	}
	d := query.NewDisjunctionQuery(any)
	d.SetMin(float64(least))
	return d, nil
}

func numbers(field string, lo, hi *float64, inclusive bool) query.Query {
	yes := true
	q := query.NewNumericRangeInclusiveQuery(lo, hi, &yes, &inclusive)
	q.SetField(field)
	return unmapped{q}
}

// unmapped drops the mapping, which bleve asks only for the name of a default
// field.
type unmapped struct{ *query.NumericRangeQuery }

func (u unmapped) Searcher(ctx context.Context, r index.IndexReader, _ mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	return u.NumericRangeQuery.Searcher(ctx, r, nil, o)
}

func (c *compiler) keys(field string, values []string) query.Query {
	terms := make([]string, 0, len(values))
	for _, v := range values {
		terms = append(terms, strings.ToLower(v))
	}
	slices.Sort(terms)
	return anyTerm{field: field, terms: slices.Compact(terms)}
}

// anyTerm fits documents that hold any of the terms in the field.
type anyTerm struct {
	field string
	terms []string
}

func (q anyTerm) Searcher(ctx context.Context, r index.IndexReader, _ mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	switch len(q.terms) {
	case 0:
		return searcher.NewMatchNoneSearcher(r)
	case 1:
		return searcher.NewTermSearcher(ctx, r, q.terms[0], q.field, 1, o)
	}
	return searcher.NewMultiTermSearcher(ctx, r, q.terms, q.field, 1, o, false)
}

func (c *compiler) fields(named []string) []string {
	if len(named) > 0 {
		return named
	}
	var out []string
	for _, f := range scored {
		if c.statements && f.statements || !c.statements && f.messages {
			out = append(out, f.name)
		}
	}
	return out
}

// word translates a word with everything that stands for it, and makes it one
// group for ranking.
func (c *compiler) word(w Word) (query.Query, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	fields := c.fields(w.Fields)
	var all []term
	var any []query.Query
	for i, text := range append([]string{w.Text}, w.Also...) {
		match := w.Match
		if i > 0 && match != Exact {
			match = Forms
		}
		terms, rest, err := c.expand(text, fields, match, i == 0)
		if err != nil {
			return nil, err
		}
		all = append(all, terms...)
		any = append(any, rest...)
	}
	for _, a := range w.Addresses {
		all = append(all, term{field: FieldFrom, text: strings.ToLower(a)}, term{field: FieldTo, text: strings.ToLower(a)})
	}
	slices.SortFunc(all, func(a, b term) int {
		return compareStrings(a.field, b.field, a.text, b.text)
	})
	all = slices.CompactFunc(all, func(a, b term) bool { return a.field == b.field && a.text == b.text })
	if c.terms += len(all); c.terms > maxTerms {
		return nil, fmt.Errorf("%q and what stands beside it: more than %d: %w", w.Text, maxTerms, ErrTooBroad)
	}
	// A word of several parts is ranked by its parts; one that nobody wrote
	// still counts among the words asked for.
	if len(all) > 0 || len(any) == 0 {
		if err := c.rank(all); err != nil {
			return nil, err
		}
	}
	for i := 0; i < len(all); {
		t := anyTerm{field: all[i].field}
		for ; i < len(all) && all[i].field == t.field; i++ {
			t.terms = append(t.terms, all[i].text)
		}
		any = append(any, t)
	}
	switch len(any) {
	case 0:
		return query.NewMatchNoneQuery(), nil
	case 1:
		return any[0], nil
	}
	return query.NewDisjunctionQuery(any), nil
}

func compareStrings(a, b, c, d string) int {
	if a != b {
		return strings.Compare(a, b)
	}
	return strings.Compare(c, d)
}

// expand gives the terms that stand for text in the fields. What falls into
// several terms comes back as queries instead, whose parts are ranked when rank
// is set.
func (c *compiler) expand(text string, fields []string, match Match, rank bool) (terms []term, rest []query.Query, err error) {
	runs := runsOf(text)
	if len(runs) == 0 {
		return nil, nil, nil
	}
	if len(runs) > 1 || runs[0].whole == "" && len(runs[0].parts) > 1 && match != Prefix {
		groups := c.groups
		q, err := c.phrase(Phrase{Fields: fields, Text: text}, false)
		if !rank {
			c.groups = groups
		}
		return nil, []query.Query{q}, err
	}
	r := runs[0]
	var want []string
	switch {
	case r.whole != "":
		want = append(want, r.whole)
		if r.plain != "" {
			want = append(want, r.plain)
		}
	case len(r.parts) > 0:
		want = append(want, r.parts[len(r.parts)-1])
	}
	for _, f := range fields {
		for _, w := range want {
			var found []term
			switch {
			case match == Prefix:
				found, err = c.scan(f, w, maxTerms-c.terms, true, func(string) bool { return true })
			case match == Fuzzy:
				found, err = c.near(f, w)
			case (match == Forms || match == Forgiven) && r.whole == "":
				found, err = c.forms(f, w)
			default:
				found = []term{{field: f, text: w}}
			}
			if err != nil {
				return nil, nil, err
			}
			terms = append(terms, found...)
		}
	}
	if match == Forgiven && r.whole == "" && len(terms) == 0 {
		for _, f := range fields {
			found, err := c.near(f, want[0])
			if err != nil {
				return nil, nil, err
			}
			terms = append(terms, found...)
		}
		if len(terms) > 0 {
			best := slices.MaxFunc(terms, func(a, b term) int {
				if a.count != b.count {
					return int(min(a.count, math.MaxInt32)) - int(min(b.count, math.MaxInt32))
				}
				return strings.Compare(b.text, a.text)
			})
			if c.corrected == nil {
				c.corrected = map[string]string{}
			}
			c.corrected[text] = best.text
		}
	}
	return terms, rest, nil
}

// scan walks the dictionary of a field below a prefix.
func (c *compiler) scan(field, prefix string, limit int, strict bool, keep func(string) bool) ([]term, error) {
	d, err := c.r.FieldDictPrefix(field, []byte(prefix))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []term
	for n := 0; ; n++ {
		e, err := d.Next()
		if err != nil || e == nil {
			return out, err
		}
		if n%1024 == 1023 && c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		if n >= limit {
			if strict {
				return nil, fmt.Errorf("%q*: more than %d: %w", prefix, maxTerms, ErrTooBroad)
			}
			return out, nil
		}
		if keep(e.Term) {
			out = append(out, term{field: field, text: strings.Clone(e.Term), count: e.Count})
		}
	}
}

// forms gives the words of the dictionary that share the word's stem. The stem
// is taken when somebody asks and not when mail is indexed: a second, stemmed
// field would double the index.
func (c *compiler) forms(field, word string) ([]term, error) {
	stem := stemOf(word)
	// A stem ends in i where the word ends in y: reply, replies, replied.
	prefix := strings.TrimSuffix(stem, "i")
	if len(prefix) < 3 || strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) >= 0 {
		return c.exact(field, word)
	}
	found, err := c.scan(field, prefix, maxScanned, false, func(t string) bool { return t == word || stemOf(t) == stem })
	if err != nil || len(found) == 0 {
		return found, err
	}
	if len(found) > maxForms {
		found = found[:maxForms]
	}
	if !slices.ContainsFunc(found, func(t term) bool { return t.text == word }) {
		exact, err := c.exact(field, word) // beyond what was looked at
		return append(found, exact...), err
	}
	return found, nil
}

// exact gives the word when somebody wrote it.
func (c *compiler) exact(field, word string) ([]term, error) {
	d, err := c.r.FieldDictRange(field, []byte(word), []byte(word))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	e, err := d.Next()
	if err != nil || e == nil || e.Term != word {
		return nil, err
	}
	return []term{{field: field, text: word, count: e.Count}}, nil
}

func stemOf(word string) string {
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

// near gives the words one slip away: a letter more, less or wrong, or two
// swapped. Words of three letters and less are left alone, and so is the first
// letter of the others, which people rarely get wrong.
func (c *compiler) near(field, word string) ([]term, error) {
	runes := []rune(word)
	if len(runes) < 4 {
		return c.exact(field, word)
	}
	fr, ok := c.r.(index.IndexReaderFuzzy)
	if !ok {
		return c.exact(field, word)
	}
	var out []term
	d, err := fr.FieldDictFuzzy(field, word, 1, string(runes[:1]))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for {
		e, err := d.Next()
		if err != nil {
			return nil, err
		}
		if e == nil || len(out) >= maxTerms {
			break
		}
		out = append(out, term{field: field, text: strings.Clone(e.Term), count: e.Count})
	}
	for i := 1; i+1 < len(runes); i++ {
		s := slices.Clone(runes)
		s[i], s[i+1] = s[i+1], s[i]
		if s[i] == s[i+1] {
			continue
		}
		found, err := c.exact(field, string(s))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// rank makes one group of the terms.
func (c *compiler) rank(terms []term) error {
	g := group{}
	df := 0.0
	// Ranking a prefix by its thousand rarest words would cost more than it tells.
	if len(terms) > maxScoring {
		terms = slices.Clone(terms)
		slices.SortStableFunc(terms, func(a, b term) int {
			switch {
			case a.count > b.count:
				return -1
			case a.count < b.count:
				return 1
			}
			return compareStrings(a.field, b.field, a.text, b.text)
		})
		terms = terms[:maxScoring]
	}
	for _, t := range terms {
		f := slices.IndexFunc(scored, func(s struct {
			name       string
			average    float64
			weight     float64
			statements bool
			messages   bool
		}) bool {
			return s.name == t.field
		})
		if f < 0 {
			continue
		}
		tfr, err := c.r.TermFieldReader(c.ctx, []byte(t.text), t.field, true, true, false)
		if err != nil {
			return err
		}
		c.closers = append(c.closers, tfr.Close)
		n := float64(tfr.Count())
		if n == 0 {
			continue
		}
		if t.field == FieldText || len(terms) == 1 {
			df += n
		} else {
			df = max(df, n)
		}
		g.terms = append(g.terms, weighted{field: f, weight: 1, tfr: tfr})
	}
	df = min(df, c.docs)
	g.idf = math.Log(1 + (c.docs-df+0.5)/(df+0.5))
	c.groups = append(c.groups, g)
	return nil
}
