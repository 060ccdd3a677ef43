package search

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"inwriting/indexer/textindex"
	"inwriting/search/trail"
)

// maxFacet bounds the values of a facet that are told.
const maxFacet = 30

// facets are the filters that are counted, with the index's field for each.
var facets = []struct {
	field, index string
	list         func(*Query) *[]string
}{
	{"by", textindex.FieldAuthor, func(q *Query) *[]string { return &q.By }},
	{"kind", textindex.FieldKind, func(q *Query) *[]string { return &q.Kind }},
	{"date", textindex.FieldMonth, func(q *Query) *[]string { return &q.Date }},
	{"names", textindex.FieldNames, func(q *Query) *[]string { return &q.Names }},
	{"mailbox", textindex.FieldMailbox, func(q *Query) *[]string { return &q.Mailbox }},
}

// facetFields lists the index's fields of the facets whose filter q does not use.
func facetFields(q Query) []string {
	var fields []string
	for _, f := range facets {
		if len(*f.list(&q)) == 0 {
			fields = append(fields, f.index)
		}
	}
	return fields
}

// facets makes the facets of what counted has of them; those whose filter is in
// use are counted without it.
func (e *Engine) facets(ctx context.Context, q Query, counted map[string]map[string]int, hits []Hit) ([]Facet, error) {
	names := map[string]string{}
	for _, h := range hits {
		if s := h.Statement; s != nil && s.Speaker.Name != "" {
			names[strings.ToLower(s.Speaker.Address)] = s.Speaker.Name
		}
	}
	out := make([]Facet, 0, len(facets))
	for _, f := range facets {
		counts := counted[f.index]
		if used := *f.list(&q); len(used) > 0 {
			without := q
			*f.list(&without) = nil
			n, err := e.Parse(without)
			if err != nil {
				return nil, err
			}
			p := &planner{e: e, ctx: ctx, text: q.Text}
			tree, err := p.node(n)
			if err != nil {
				return nil, err
			}
			found, err := e.find(ctx, e.opts.Timeout, textindex.Request{Query: tree, Statements: !q.Messages, Facets: []string{f.index}})
			if err != nil {
				return nil, err
			}
			counts = found.Facets[f.index]
		}
		if f.field == "by" {
			// All addresses of ours are us, as by:us is.
			for v, n := range counts {
				if role, _ := e.people.Role(v); role == trail.Us {
					delete(counts, v)
					counts["us"] += n
				}
			}
		}
		facet := Facet{Field: f.field, Values: make([]FacetValue, 0, len(counts))}
		for v, n := range counts {
			if v == "" {
				continue
			}
			value := FacetValue{Value: v, Count: n}
			switch {
			case f.field != "by":
			case v == "us":
				value.Role = trail.Us
			default:
				value.Name = names[v]
				value.Role, _ = e.people.Role(v)
			}
			facet.Values = append(facet.Values, value)
		}
		slices.SortFunc(facet.Values, func(a, b FacetValue) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		if f.field == "date" {
			slices.SortFunc(facet.Values, func(a, b FacetValue) int { return cmp.Compare(a.Value, b.Value) })
		} else {
			facet.Values = facet.Values[:min(len(facet.Values), maxFacet)]
		}
		out = append(out, facet)
	}
	return out, nil
}
