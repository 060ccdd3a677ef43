package textindex

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/search/query"
)

// near translates words that stand near each other.
func (c *compiler) near(q Near) (plan, error) {
	check := &nearCheck{within: uint64(max(0, q.Within))}
	var docs []query.Query
	for _, w := range q.Words {
		terms, phrases, err := c.expand(w.Text, []string{FieldText}, w.Match, false)
		if err != nil {
			return plan{}, err
		}
		if len(phrases) > 0 {
			return plan{}, fmt.Errorf("%q: %w", w.Text, ErrNotOneWord)
		}
		if err := c.rank(terms); err != nil {
			return plan{}, err
		}
		if c.terms += len(terms); c.terms > maxWalks {
			return plan{}, fmt.Errorf("%q: more than %d: %w", w.Text, maxWalks, ErrTooBroad)
		}
		any := anyTerm{field: FieldText}
		var word walks
		for _, t := range terms {
			p, err := c.walk(FieldText, t.text, true)
			if err != nil {
				return plan{}, err
			}
			any.terms = append(any.terms, t.text)
			word = append(word, walk{p, -1})
		}
		docs = append(docs, any)
		check.words = append(check.words, word)
	}
	if len(docs) == 0 {
		return plan{docs: query.NewMatchNoneQuery()}, nil
	}
	return plan{docs: query.NewConjunctionQuery(docs), check: check, alone: true}, nil
}

// word translates a word with everything that stands for it, and makes it one
// group for ranking.
func (c *compiler) word(w Word) (plan, error) {
	all, phrases, err := c.standFor(w)
	if err != nil {
		return plan{}, err
	}
	// A word of several parts is ranked by its parts; one that nobody wrote
	// still counts among the words asked for.
	if len(all) > 0 || len(phrases) == 0 {
		if err := c.rank(all); err != nil {
			return plan{}, err
		}
	}
	var docs []query.Query
	u := &union{}
	placed := false
	for i := 0; i < len(all); {
		t := anyTerm{field: all[i].field}
		for ; i < len(all) && all[i].field == t.field; i++ {
			t.terms = append(t.terms, all[i].text)
		}
		docs = append(docs, t)
		placed = placed || c.statements && t.field == FieldText
	}
	if placed || len(phrases) > 0 {
		for _, t := range all {
			inText := c.statements && t.field == FieldText
			w, err := c.walk(t.field, t.text, inText)
			if err != nil {
				return plan{}, err
			}
			if inText {
				u.text = append(u.text, walk{w, -1})
			} else {
				u.other = append(u.other, walk{w, -1})
			}
		}
	}
	out := plan{}
	for _, p := range phrases {
		docs = append(docs, p.docs)
	}
	switch len(docs) {
	case 0:
		out.docs = query.NewMatchNoneQuery()
	case 1:
		out.docs = docs[0]
	default:
		out.docs = query.NewDisjunctionQuery(docs)
	}
	switch {
	case len(phrases) > 0:
		any := &someOf{least: 1, checks: []check{u}}
		for _, p := range phrases {
			any.checks = append(any.checks, p.check)
		}
		out.check, out.alone = any, true
	case placed:
		out.check, out.alone = u, true
	}
	return out, nil
}

// standFor gives the terms that count as the word, in order, and the phrases of what
// falls into several.
func (c *compiler) standFor(w Word) (all []term, phrases []plan, err error) {
	if err := c.ctx.Err(); err != nil {
		return nil, nil, err
	}
	fields := c.fields(w.Fields)
	for i, text := range append([]string{w.Text}, w.Also...) {
		match := w.Match
		if i > 0 && match != Exact {
			match = Forms
		}
		terms, phrase, err := c.expand(text, fields, match, i == 0)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, terms...)
		phrases = append(phrases, phrase...)
	}
	for _, a := range w.Addresses {
		all = append(all, term{field: FieldFrom, text: strings.ToLower(a)}, term{field: FieldTo, text: strings.ToLower(a)})
	}
	slices.SortFunc(all, func(a, b term) int {
		return compareStrings(a.field, b.field, a.text, b.text)
	})
	all = slices.CompactFunc(all, func(a, b term) bool { return a.field == b.field && a.text == b.text })
	limit := maxTerms
	if c.statements {
		limit = maxWalks
	}
	if c.terms += len(all); c.terms > limit {
		return nil, nil, fmt.Errorf("%q and what stands beside it: more than %d: %w", w.Text, limit, ErrTooBroad)
	}
	return all, phrases, nil
}

// phrase translates a phrase: bleve looks for its words, and their order is
// checked in what holds them all. bleve's own phrase searcher, asked whether one
// document fits, runs on to the next that does.
func (c *compiler) phrase(p Phrase) (plan, error) {
	var words []string
	for _, r := range runsOf(p.Text) {
		words = append(words, r.parts...)
	}
	fields := c.fields(p.Fields)
	switch len(words) {
	case 0:
		return plan{docs: query.NewMatchNoneQuery()}, nil
	case 1:
		return c.word(Word{Fields: fields, Text: words[0]})
	}
	if c.terms += len(words); c.terms > maxTerms {
		return plan{}, fmt.Errorf("a phrase of %d words: %w", len(words), ErrTooBroad)
	}
	for _, w := range words {
		if err := c.ctx.Err(); err != nil {
			return plan{}, err
		}
		var terms []term
		for _, f := range fields {
			terms = append(terms, term{field: f, text: w})
		}
		if err := c.rank(terms); err != nil {
			return plan{}, err
		}
	}
	var docs []query.Query
	any := &someOf{least: 1}
	for _, f := range fields {
		var all []query.Query
		check := &phraseCheck{inText: f == FieldText}
		for _, w := range words {
			all = append(all, anyTerm{field: f, terms: []string{w}})
			p, err := c.walk(f, w, true)
			if err != nil {
				return plan{}, err
			}
			check.words = append(check.words, p)
		}
		docs = append(docs, query.NewConjunctionQuery(all))
		any.checks = append(any.checks, check)
	}
	out := plan{docs: docs[0], check: any.checks[0], alone: true}
	if len(docs) > 1 {
		out.docs, out.check = query.NewDisjunctionQuery(docs), any
	}
	return out, nil
}

func compareStrings(a, b, c, d string) int {
	if a != b {
		return strings.Compare(a, b)
	}
	return strings.Compare(c, d)
}

// expand gives the terms that stand for text in the fields. What falls into
// several terms comes back as a phrase instead, whose parts are ranked when rank
// is set.
func (c *compiler) expand(text string, fields []string, match Match, rank bool) (terms []term, phrases []plan, err error) {
	runs := runsOf(text)
	if len(runs) == 0 {
		return nil, nil, nil
	}
	if len(runs) > 1 || runs[0].whole == "" && len(runs[0].parts) > 1 && match != Prefix {
		groups := c.groups
		p, err := c.phrase(Phrase{Fields: fields, Text: text})
		if !rank {
			c.groups = groups
		}
		if p.check == nil { // nothing of it is a word
			return nil, nil, err
		}
		return nil, []plan{p}, err
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
				found, err = c.slips(f, w)
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
			found, err := c.slips(f, want[0])
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
	return terms, nil, nil
}
