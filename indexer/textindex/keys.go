package textindex

import (
	"context"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"
)

func dates(q Dates) query.Query {
	if q.From.IsZero() && q.To.IsZero() {
		return nil
	}
	var lo, hi *float64
	if !q.From.IsZero() {
		// Whole seconds: a message dated within From's second began before it
		// only if From has a fraction.
		v := float64(q.From.Unix())
		lo = &v
	}
	if !q.To.IsZero() {
		v := float64(q.To.Unix())
		hi = &v
	}
	yes, no := true, false
	n := query.NewNumericRangeInclusiveQuery(lo, hi, &yes, &no)
	n.SetField(fieldDate)
	return unmapped{n}
}

// unmapped drops the mapping, which bleve asks only for the name of a default
// field.
type unmapped struct{ *query.NumericRangeQuery }

func (u unmapped) Searcher(ctx context.Context, r index.IndexReader, _ mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	return u.NumericRangeQuery.Searcher(ctx, r, nil, o)
}

func lowered(values []string) []string {
	terms := make([]string, 0, len(values))
	for _, v := range values {
		terms = append(terms, strings.ToLower(v))
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

func (c *compiler) keys(field string, values []string) (plan, error) {
	terms := lowered(values)
	switch field {
	case FieldKind, FieldIs, FieldNames, fieldFact:
		return c.numbered(field, terms)
	}
	return plan{docs: anyTerm{field, terms}}, nil
}

// numbered looks for terms that stand at the numbers of statements.
func (c *compiler) numbered(field string, terms []string) (plan, error) {
	p := plan{docs: anyTerm{field, terms}}
	if !c.statements {
		return p, nil
	}
	u := &union{}
	for _, t := range terms {
		w, err := c.walk(field, t, true)
		if err != nil {
			return plan{}, err
		}
		u.numbers = append(u.numbers, walk{w, -1})
	}
	p.check, p.alone = u, true
	return p, nil
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
