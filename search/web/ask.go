package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

type askView struct {
	Page      head
	Empty     bool // nothing was asked
	Query     search.Query
	Narrowed  bool   // by more than words
	Said      string // the question in words
	Total     int
	Hits      []hitView
	Corrected []string
	Span      string
	Coverage  coverageView
	By        []box
	Kinds     []box
	Names     []box
	Mailboxes []box
	When      *histogram // nil when all is of one month
	Date      []box      // the months chosen
	Since     string
	Until     string
	Trail     string // address of the trail that answers the same words
	Keep      string // address that keeps the question; "" when it cannot be kept
	ToStates  string // address of the same question for statements
	ToMails   string // and for messages
	More      string
	Back      string
	MoreCount int
}

// box is a value that narrows the answer to it when it is ticked.
type box struct {
	Value, Word, Family string
	Count               int
	On                  bool
}

// histogram shows how much was said when, a bar a month, or a year.
type histogram struct {
	Bars        []bar
	First, Last string
}

// bar is drawn in a field of 100 by 40.
type bar struct {
	X, Y, W, H string
	Title, URL string
}

type hitView struct {
	S         *statementView
	M         *mailView
	Pair      *statementView // what answered S, as one joined result
	PairWord  string
	PairApart string
}

type mailView struct {
	Subject, From, When, ISO, Address, Place, Excerpt string
	To                                                []string
	Gone                                              bool
}

func (w *site) ask(rw http.ResponseWriter, r *http.Request) {
	q, err := httpapi.DecodeQuery(r.URL.Query())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if !q.Asks() && !wantsJSON(r) { // the empty box
		cov, err := w.s.Coverage(r.Context())
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		v := askView{Page: w.head(r, "Ask"), Coverage: w.coverage(*cov), Empty: true}
		v.Page.Nav, v.Page.BigBox = "ask", true
		v.Page.stands(v.Coverage, true)
		w.page(rw, r, http.StatusOK, "ask", v, nil)
		return
	}
	if q.Limit == 0 {
		q.Limit = 20
	}
	q.Facets = true
	res, err := w.s.Search(r.Context(), q)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if wantsJSON(r) {
		w.page(rw, r, http.StatusOK, "ask", nil, res)
		return
	}
	w.page(rw, r, http.StatusOK, "ask", w.askView(r, q, res), nil)
}

func (w *site) askView(r *http.Request, q search.Query, res *search.Results) askView {
	v := askView{Page: w.head(r, "Ask"), Query: q, Total: res.Total, Coverage: w.coverage(res.Coverage), Said: strings.TrimRight(q.Text, "?! "),
		Since: q.Since, Until: q.Until}
	v.Page.Nav, v.Page.Question, v.Page.BigBox = "ask", q.Text, true
	v.Page.stands(v.Coverage, true)
	v.Narrowed = len(q.By)+len(q.Kind)+len(q.Mailbox)+len(q.Names)+len(q.Date)+len(q.From)+len(q.To)+len(q.Client)+len(q.Folder) > 0 || q.Since+q.Until != ""
	if v.Said == "" {
		v.Said = "these filters"
	} else {
		v.Page.Title = clip(q.Text, 80)
		v.Trail = "/m/" + slug(q.Text) + "?q=" + url.QueryEscape(q.Text)
		if w.o.Desk != nil && mayChange(r.Context()) {
			v.Keep = "/new?q=" + url.QueryEscape(q.Text)
		}
	}
	v.Hits, v.Span = w.hits(r.Context(), q, res)
	for word, other := range res.Corrected {
		v.Corrected = append(v.Corrected, fmt.Sprintf("Nobody wrote “%s”; searched for “%s”.", word, other))
	}
	slices.Sort(v.Corrected)

	link := func(change func(*search.Query)) string {
		c := q
		c.Facets = false // the page counts them by itself
		change(&c)
		if c.Limit == 20 {
			c.Limit = 0
		}
		return "/ask?" + httpapi.EncodeQuery(c).Encode()
	}
	v.narrow(q, res.Facets, link)
	v.ToStates = link(func(c *search.Query) { c.Messages, c.Offset = false, 0 })
	v.ToMails = link(func(c *search.Query) { c.Messages, c.Offset = true, 0 })
	if rest := res.Total - q.Offset - len(res.Hits); rest > 0 && len(res.Hits) > 0 {
		v.MoreCount = min(rest, q.Limit)
		v.More = link(func(c *search.Query) { c.Offset += len(res.Hits) })
	}
	if q.Offset > 0 {
		v.Back = link(func(c *search.Query) { c.Offset = max(0, c.Offset-q.Limit) })
	}
	return v
}

// hits are the results as they are shown, and the time they span.
func (w *site) hits(ctx context.Context, q search.Query, res *search.Results) (out []hitView, span string) {
	var from, to time.Time
	seals := w.sealing(ctx, res.Coverage)
	pairs := w.pairs(ctx, q, res)
	joined := map[string]bool{}
	for _, p := range pairs {
		joined[p.second.ID] = true
	}
	view := func(s trail.Statement) *statementView {
		v := w.statement(s, nil)
		v.Seal = seals.seal(s.Message)
		return &v
	}
	for _, h := range res.Hits {
		var at time.Time
		switch {
		case h.Statement != nil:
			at = h.Statement.Message.Date
			if joined[h.Statement.ID] {
				break
			}
			hv := hitView{S: view(*h.Statement)}
			if p, ok := pairs[h.Statement.ID]; ok {
				hv.Pair, hv.PairWord = view(p.second), p.word
				hv.PairApart = w.day(p.second.Message.Date)
				if a := apart(at, p.second.Message.Date); a != "" {
					hv.PairApart = a + " apart, " + hv.PairApart
				}
			}
			out = append(out, hv)
		case h.Message != nil:
			m := h.Message
			out = append(out, hitView{M: &mailView{Subject: m.Subject, From: m.From, To: m.To, When: w.when(m.Date), ISO: iso(m.Date),
				Address: messageURL(m.MessageInfo), Place: place(m.MessageInfo), Excerpt: m.Excerpt, Gone: gone(m.MessageInfo)}})
			at = m.Date
		}
		if !at.IsZero() && (from.IsZero() || at.Before(from)) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	if !from.IsZero() {
		span = w.date(from)
		if t := w.date(to); t != span {
			span += " to " + t
		}
	}
	return out, span
}

// pair is a statement that accepts another one.
type pair struct {
	second trail.Statement
	word   string
}

// pairs are the results that belong together, by the id of the first: a proposal
// and the reply that accepted it. The trail's links decide, never a guess here.
func (w *site) pairs(ctx context.Context, q search.Query, res *search.Results) map[string]pair {
	if q.Text == "" || q.Messages || q.Offset > 0 || len(res.Hits) == 0 {
		return nil
	}
	t, err := w.s.Trail(ctx, search.TrailQuery{Question: q.Text})
	if err != nil {
		return nil // the question has words only a search understands
	}
	hit := map[string]bool{}
	for _, h := range res.Hits {
		if h.Statement != nil {
			hit[h.Statement.ID] = true
		}
	}
	by := map[int]trail.Statement{}
	for _, e := range t.Entries {
		by[e.N] = e.Statement
	}
	out := map[string]pair{}
	used := map[string]bool{}
	for _, e := range t.Entries {
		for _, l := range e.Links {
			first := by[l.N]
			if !hit[first.ID] || !hit[e.Statement.ID] || used[first.ID] || used[e.Statement.ID] {
				continue
			}
			word := map[trail.Rel]string{trail.Approves: "Offered and accepted in writing", trail.Confirms: "Asked and confirmed in writing"}[l.Rel]
			if l.Rel == trail.Approves && first.Kind != statement.Terms && first.Kind != statement.Commitment {
				word = "Asked and approved in writing"
			}
			if word == "" {
				continue
			}
			used[first.ID], used[e.Statement.ID] = true, true
			out[first.ID] = pair{e.Statement, word}
		}
	}
	return out
}

// narrow makes the boxes of the facets. What is chosen stays, whatever it counts.
func (v *askView) narrow(q search.Query, facets []search.Facet, link func(func(*search.Query)) string) {
	boxes := func(f search.Facet, chosen []string, word func(search.FacetValue) string) []box {
		var out []box
		for _, x := range f.Values {
			on := slices.ContainsFunc(chosen, func(c string) bool { return strings.EqualFold(c, x.Value) })
			out = append(out, box{Value: x.Value, Word: word(x), Count: x.Count, On: on})
		}
		for _, c := range chosen {
			if !slices.ContainsFunc(out, func(b box) bool { return strings.EqualFold(b.Value, c) }) {
				out = append(out, box{Value: c, Word: word(search.FacetValue{Value: c}), On: true})
			}
		}
		return out
	}
	for _, f := range facets {
		switch f.Field {
		case "by":
			v.By = boxes(f, q.By, func(x search.FacetValue) string {
				switch {
				case x.Role == trail.Us:
					return "You"
				case x.Name != "" && (x.Role == trail.Client || x.Role == trail.Other):
					return x.Name + ", " + string(x.Role)
				}
				return cmp.Or(x.Name, x.Value)
			})
		case "kind":
			v.Kinds = boxes(f, q.Kind, func(x search.FacetValue) string { return upper(x.Value) })
			slices.SortStableFunc(v.Kinds, func(a, b box) int {
				return slices.Index(statement.Kinds, statement.Kind(a.Value)) - slices.Index(statement.Kinds, statement.Kind(b.Value))
			})
			for i := range v.Kinds {
				v.Kinds[i].Family = family(statement.Kind(v.Kinds[i].Value))
			}
		case "names":
			v.Names = boxes(f, q.Names, func(x search.FacetValue) string {
				return cmp.Or(map[string]string{"money": "money amount", "datetime": "date and time"}[x.Value], x.Value)
			})
		case "mailbox":
			v.Mailboxes = boxes(f, q.Mailbox, func(x search.FacetValue) string { return x.Value })
		case "date":
			v.When = draw(f.Values, link)
			for _, c := range q.Date {
				v.Date = append(v.Date, box{Value: c, Word: monthWords(c), On: true})
			}
		}
	}
}

// maxMonths is how many months a histogram shows before it shows years.
const maxMonths = 36

// draw draws a histogram from the first month to the last.
func draw(values []search.FacetValue, link func(func(*search.Query)) string) *histogram {
	const form = "2006-01"
	counts := map[string]int{}
	var first, last time.Time
	for _, v := range values {
		at, err := time.Parse(form, v.Value)
		if err != nil {
			continue
		}
		counts[v.Value] = v.Count
		if first.IsZero() {
			first = at
		}
		last = at
	}
	if first.Equal(last) {
		return nil
	}
	step, show := 1, form
	if months := 12*(last.Year()-first.Year()) + int(last.Month()-first.Month()); months >= maxMonths {
		step, show = 12, "2006"
		years := map[string]int{}
		for m, n := range counts {
			years[m[:4]] += n
		}
		counts, first = years, time.Date(first.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	h := &histogram{}
	most, n := 0, 0
	for at := first; !at.After(last); at = at.AddDate(0, step, 0) {
		most = max(most, counts[at.Format(show)])
		n++
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
	i := 0
	for at := first; !at.After(last); at = at.AddDate(0, step, 0) {
		value := at.Format(show)
		c := counts[value]
		height := 1.0 // a month of silence is seen, too
		if c > 0 {
			height = 2 + 38*float64(c)/float64(most)
		}
		width := 100 / float64(n)
		b := bar{X: number(float64(i) * width), W: number(width * 0.86), Y: number(40 - height), H: number(height), Title: monthWords(value) + ": " + strconv.Itoa(c)}
		if c > 0 {
			b.URL = link(func(q *search.Query) { q.Date, q.Offset = []string{value}, 0 })
		}
		h.Bars = append(h.Bars, b)
		i++
	}
	words := "Jan 2006"
	if step == 12 {
		words = "2006"
	}
	h.First, h.Last = first.Format(words), last.Format(words)
	return h
}

// monthWords is "March 2023" for "2023-03"; anything else stays as it is.
func monthWords(value string) string {
	if at, err := time.Parse("2006-01", value); err == nil {
		return at.Format("January 2006")
	}
	return value
}
