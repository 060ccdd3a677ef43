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

// between lists the terms of a field from lo to hi.
func (c *compiler) between(field, lo, hi string) ([]string, error) {
	d, err := c.r.FieldDictRange(field, []byte(lo), []byte(hi))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []string
	for {
		e, err := d.Next()
		if err != nil || e == nil {
			return out, err
		}
		if len(out) == maxTerms {
			return nil, fmt.Errorf("more than %d amounts: %w", maxTerms, ErrTooBroad)
		}
		out = append(out, strings.Clone(e.Term))
	}
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
func (c *compiler) word(w Word) (plan, error) {
	if err := c.ctx.Err(); err != nil {
		return plan{}, err
	}
	fields := c.fields(w.Fields)
	var all []term
	var phrases []plan
	for i, text := range append([]string{w.Text}, w.Also...) {
		match := w.Match
		if i > 0 && match != Exact {
			match = Forms
		}
		terms, phrase, err := c.expand(text, fields, match, i == 0)
		if err != nil {
			return plan{}, err
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
		return plan{}, fmt.Errorf("%q and what stands beside it: more than %d: %w", w.Text, limit, ErrTooBroad)
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

// slips gives the words one slip away: a letter more, less or wrong, or two
// swapped. Words of three letters and less are left alone, and so is the first
// letter of the others, which people rarely get wrong.
func (c *compiler) slips(field, word string) ([]term, error) {
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
