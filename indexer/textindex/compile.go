package textindex

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"
)

// Bounds on what one word may stand for.
const (
	maxTerms   = 20000 // terms the words of a request may stand for, together
	maxWalks   = 5000  // the same where the places of each are looked at
	maxScanned = 5000  // dictionary entries looked at for the forms of a word
	maxForms   = 64
	maxScoring = 24 // terms of one word that ranking looks at: the most frequent
)

// compiler turns a request's tree into a plan, and notes on the way which words
// ranking looks at.
type compiler struct {
	ctx        context.Context
	r          index.IndexReader
	statements bool
	docs       float64

	terms     int // so far
	groups    []group
	corrected map[string]string
	walks     map[walkKey]*postings
	closers   []func() error
}

type walkKey struct {
	field, term string
	places      bool
}

func (c *compiler) close() error {
	var err error
	for _, f := range c.closers {
		err = errors.Join(err, f())
	}
	return err
}

// walk returns the walk of a term, with the places of the term when they are
// wanted.
func (c *compiler) walk(field, text string, places bool) (*postings, error) {
	k := walkKey{field, text, places}
	if p := c.walks[k]; p != nil {
		return p, nil
	}
	tfr, err := c.r.TermFieldReader(c.ctx, []byte(text), field, true, true, places)
	if err != nil {
		return nil, err
	}
	c.closers = append(c.closers, tfr.Close)
	if c.walks == nil {
		c.walks = map[walkKey]*postings{}
	}
	p := &postings{tfr: tfr}
	c.walks[k] = p
	return p, nil
}

// term is a term in a field.
type term struct {
	field string
	text  string
	count uint64
}

// plan is how a query is answered: docs finds the messages of which something may
// fit, check tells what of them does.
type plan struct {
	docs  query.Query // nil: any message
	check check       // nil: all of what docs finds fits
	alone bool        // check needs no docs to be right
}

// checked turns the whole of a plan into a check.
func (c *compiler) checked(p plan) (check, error) {
	if p.alone || p.docs == nil && p.check != nil {
		return p.check, nil
	}
	docs := p.docs
	if docs == nil {
		docs = query.NewMatchAllQuery()
	}
	d, err := newDocCheck(c.ctx, c.r, docs)
	if err != nil {
		return nil, err
	}
	c.closers = append(c.closers, d.searcher.Close)
	if p.check == nil {
		return d, nil
	}
	return &allOf{checks: []check{d, p.check}}, nil
}

// compile translates q.
func (c *compiler) compile(q Query) (plan, error) {
	switch q := q.(type) {
	case All:
		return plan{}, nil
	case And:
		return c.and(q)
	case Or:
		return c.some(len(q), 1, func(i int) (plan, error) { return c.compile(q[i]) })
	case Not:
		return c.and(And{q})
	case Best:
		return c.some(len(q.Words), max(1, min(q.Min, len(q.Words))), func(i int) (plan, error) { return c.word(q.Words[i]) })
	case Word:
		return c.word(q)
	case Phrase:
		return c.phrase(q)
	case Near:
		return c.near(q)
	case Key:
		return c.keys(q.Field, q.Values)
	case Who:
		var any []query.Query
		for _, f := range []struct {
			on   bool
			name string
		}{{q.From, FieldFrom}, {q.To, FieldTo}} {
			if f.on {
				any = append(any, anyTerm{f.name, lowered(q.Addresses)})
			}
		}
		return plan{docs: query.NewDisjunctionQuery(any)}, nil
	case Messages:
		return plan{docs: query.NewDocIDQuery(q.IDs)}, nil
	case Dates:
		return plan{docs: dates(q)}, nil
	case Amounts:
		found, err := c.between(fieldAmount, amountKey(q.Min), amountKey(q.Max))
		if err != nil {
			return plan{}, err
		}
		return c.numbered(fieldAmount, found)
	case FactIs:
		var keys []string
		for _, f := range q {
			keys = append(keys, factKey(f.Type, f.Value))
		}
		return c.keys(fieldFact, keys)
	}
	return plan{}, fmt.Errorf("unknown query %T", q)
}

func (c *compiler) and(q And) (plan, error) {
	var yes, no []query.Query
	var checks []check
	alone := true
	for _, child := range q {
		n, not := child.(Not)
		var p plan
		var err error
		if not {
			// What must not fit is not ranked by.
			groups := c.groups
			p, err = c.compile(n.Query)
			c.groups = groups
		} else {
			p, err = c.compile(child)
		}
		if err != nil {
			return plan{}, err
		}
		switch {
		case not && p.check == nil:
			alone = false
			if p.docs == nil {
				p.docs = query.NewMatchAllQuery()
			}
			no = append(no, p.docs)
		case not:
			k, err := c.checked(p)
			if err != nil {
				return plan{}, err
			}
			checks = append(checks, &noneOf{check: k})
		default:
			alone = alone && p.alone
			if p.docs != nil {
				yes = append(yes, p.docs)
			}
			if p.check != nil {
				checks = append(checks, p.check)
			}
		}
	}
	var out plan
	switch {
	case len(no) > 0:
		if len(yes) == 0 {
			yes = append(yes, query.NewMatchAllQuery())
		}
		out.docs = query.NewBooleanQuery(yes, nil, no)
	case len(yes) == 1:
		out.docs = yes[0]
	case len(yes) > 1:
		out.docs = query.NewConjunctionQuery(yes)
	}
	switch len(checks) {
	case 0:
	case 1:
		out.check, out.alone = checks[0], alone
	default:
		out.check, out.alone = &allOf{checks: checks}, alone
	}
	return out, nil
}

// some translates a choice of n, of which at least some have to fit.
func (c *compiler) some(n, least int, f func(int) (plan, error)) (plan, error) {
	plans := make([]plan, n)
	whole, any := true, false
	for i := range plans {
		var err error
		if plans[i], err = f(i); err != nil {
			return plan{}, err
		}
		whole = whole && plans[i].check == nil
		any = any || plans[i].docs == nil
	}
	switch n {
	case 0:
		return plan{docs: query.NewMatchNoneQuery()}, nil
	case 1:
		return plans[0], nil
	}
	var out plan
	if any && whole && least == 1 {
		return out, nil
	}
	docs := make([]query.Query, n)
	for i, p := range plans {
		if docs[i] = p.docs; p.docs == nil {
			docs[i] = query.NewMatchAllQuery()
		}
	}
	d := query.NewDisjunctionQuery(docs)
	d.SetMin(float64(least))
	out.docs = d
	if whole {
		return out, nil
	}
	s := &someOf{least: least}
	for _, p := range plans {
		k, err := c.checked(p)
		if err != nil {
			return plan{}, err
		}
		s.checks = append(s.checks, k)
	}
	out.check, out.alone = s, true
	return out, nil
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
		f := slices.IndexFunc(scored, func(s scoredField) bool { return s.name == t.field })
		if f < 0 {
			continue
		}
		p, err := c.walk(t.field, t.text, c.statements && t.field == FieldText)
		if err != nil {
			return err
		}
		n := float64(p.tfr.Count())
		if n == 0 {
			continue
		}
		if t.field == FieldText || len(terms) == 1 {
			df += n
		} else {
			df = max(df, n)
		}
		g.terms = append(g.terms, weighted{field: f, p: p})
	}
	df = min(df, c.docs)
	g.idf = math.Log(1 + (c.docs-df+0.5)/(df+0.5))
	c.groups = append(c.groups, g)
	return nil
}
