package web

import (
	"cmp"
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
	S *statementView
	M *mailView
}

type mailView struct {
	Subject, From, When, ISO, Address, Place, Excerpt string
	To                                                []string
	Gone                                              bool
}

func (w *site) askView(r *http.Request, q search.Query, res *search.Results) askView {
	v := askView{Page: w.head(r, "Ask"), Query: q, Total: res.Total, Coverage: w.coverage(res.Coverage), Said: q.Text,
		Since: q.Since, Until: q.Until}
	v.Page.Nav, v.Page.State, v.Page.Question, v.Page.BigBox = "ask", v.Coverage.short(), q.Text, true
	if v.Said == "" {
		v.Said = "these filters"
	} else {
		v.Page.Title = clip(q.Text, 80)
		v.Trail = "/m/" + slug(q.Text) + "?q=" + url.QueryEscape(q.Text)
	}
	var from, to time.Time
	for _, h := range res.Hits {
		var at time.Time
		switch {
		case h.Statement != nil:
			s := w.statement(*h.Statement, nil)
			v.Hits = append(v.Hits, hitView{S: &s})
			at = h.Statement.Message.Date
		case h.Message != nil:
			m := h.Message
			v.Hits = append(v.Hits, hitView{M: &mailView{Subject: m.Subject, From: m.From, To: m.To, When: w.when(m.Date), ISO: iso(m.Date),
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
		v.Span = w.date(from)
		if t := w.date(to); t != v.Span {
			v.Span += " to " + t
		}
	}
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
