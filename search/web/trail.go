package web

import (
	"context"
	"fmt"
	"html/template"
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

type trailView struct {
	Page     head
	Title    string
	Question string          // when the title is another
	Claim    []statementView // the disputes of the last message that disputes
	First    template.HTML
	Rest     template.HTML
	Rests    []int // statements the summary rests on that its words do not name
	Steps    []step
	Short    string // the short version as plain text
	Findings []findingView
	Rows     []row
	Count    int
	Mails    int
	Coverage coverageView
	Drawn    []coverageLine
	Unsure   []statementView
	Guessed  []template.HTML // what vague words were read as
	Near     []statementView
	Filters  []filterView
	Decided  decidedView
	Twin     string // the messages that mention the words, for when nothing was found
	Bundle   string // address that makes a bundle of it; "" when that is not offered
	Keep     string // address that keeps the question; "" when it is kept
}

// filterView is one way to see less of a trail. Numbers never change with it.
type filterView struct {
	Text, URL string
	Count     int
	On        bool
}

type step struct {
	N     int
	Did   string
	Class string
	Fact  string
	Old   bool // changed later
	Name  string
	When  string
}

type findingView struct {
	Icon, Class, Title string
	Text               template.HTML
	Refs               []int
	State              string
	Sides              []side
}

type side struct {
	statementView
	Middle bool // it explains the other two
}

// row is one line of the trail: a day, a letter or a silence.
type row struct {
	Day    string
	Ago    string // today, yesterday
	Letter *letter
	Gap    *gapView
	Lanes  []lane
}

type letter struct {
	Time, Address string
	Who           who
	To            []string
	Own           bool
	Subject       string
	Other         bool // under another subject than most of the trail
	Place         string
	Gone          bool
	Files         []fileView
	Joined        []joinedView // why it belongs here though it is of another conversation
	Rows          []statementView
	Notes         []note
	Seal          *sealView
	Whole         template.HTML // the full text, where whole messages are asked for
	Claims        bool          // it disputes
	date          time.Time
	info          trail.MessageInfo
}

// fileView is an attachment, with the earlier entry whose message had the same file.
type fileView struct {
	Name, Size string
	Same       int
}

type joinedView struct {
	N      int // the entry it is tied to
	Reason string
}

type note struct {
	Icon, Class, Title string
	Text               template.HTML
}

type gapView struct {
	Days     int
	From, To string
	Trouble  []string
}

// lane is one stretch of a line beside the trail: it begins here, passes or ends.
type lane struct {
	Class string // "l0 agrees pass"
}

func (w *site) trail(rw http.ResponseWriter, r *http.Request) {
	m, question, err := w.named(r)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	q := search.TrailQuery{Question: question, AsOf: strings.TrimSpace(r.URL.Query().Get("as_of")), Near: nearMost}
	if n := r.URL.Query().Get("near"); n != "" && wantsJSON(r) {
		if q.Near, err = strconv.Atoi(n); err != nil || q.Near < 0 {
			w.fail(rw, r, httpapi.BadRequest("near: want a number"))
			return
		}
	} else if wantsJSON(r) {
		q.Near = 0
	}
	tr, err := w.s.Trail(r.Context(), q)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if wantsJSON(r) {
		w.page(rw, r, http.StatusOK, "trail", nil, tr)
		return
	}
	w.page(rw, r, http.StatusOK, "trail", w.trailView(r, m, tr), nil)
}

// nearMost is how many near matches a trail's page has.
const nearMost = 2

// named is the matter that an address names, and the question of its trail.
func (w *site) named(r *http.Request) (m Matter, question string, err error) {
	m.Name = r.PathValue("name")
	if question = strings.TrimSpace(r.FormValue("q")); question != "" {
		m.Question = question
		return m, question, nil
	}
	question = strings.TrimSpace(strings.ReplaceAll(m.Name, "-", " "))
	matters, err := w.matters(r.Context())
	for _, x := range matters {
		if x.Name == m.Name {
			m = x
			if question = x.Question; x.Kept {
				question = x.Name // with what was decided about it
			}
		}
	}
	return m, question, err
}

// trailHead is what a trail's page has whatever was found.
func (w *site) trailHead(r *http.Request, m Matter, t *trail.Trail) trailView {
	v := trailView{Page: w.head(r, t.Question), Title: m.Title, Count: len(t.Entries), Coverage: w.coverage(t.Coverage), Decided: w.decided(t)}
	if v.Title == "" {
		v.Title = upper(t.Question)
	} else {
		v.Question = t.Question
		v.Page.Title = m.Title
	}
	v.Title = clip(v.Title, 200)
	v.Page.Nav = ""
	v.Page.stands(v.Coverage, false)
	v.Page.Crumbs = []crumb{{"Matters", "/"}}
	if t.Matter != nil && t.Matter.Client != "" {
		v.Page.Crumbs = append(v.Page.Crumbs, crumb{t.Matter.Client, "/ask?" + httpapi.EncodeQuery(search.Query{Client: []string{t.Matter.Client}, Sort: search.Newest}).Encode()})
	}
	v.Page.Crumbs = append(v.Page.Crumbs, crumb{clip(v.Title, 80), ""})
	v.Twin = "/ask?" + httpapi.EncodeQuery(search.Query{Text: t.Question, Messages: true}).Encode()
	if w.o.Desk != nil {
		v.Bundle = "/bundle/" + url.PathEscape(m.Name)
		if !m.Kept && m.Title == "" {
			v.Bundle += "?q=" + url.QueryEscape(t.Question)
			if mayChange(r.Context()) {
				v.Keep = "/new?q=" + url.QueryEscape(t.Question)
			}
		}
	}
	return v
}

func (w *site) trailView(r *http.Request, m Matter, t *trail.Trail) trailView {
	v := w.trailHead(r, m, t)
	if v.Count == 0 {
		v.Drawn = v.Coverage.Lines
		return v
	}

	first, rest := sentences(t.Summary.Text)
	v.First, v.Rest = numbered(first, v.Count), numbered(rest, v.Count)
	if !refs.MatchString(t.Summary.Text) {
		v.Rests = t.Summary.Statements
	}

	entry := map[int]trail.Entry{}
	changed := map[int]bool{}
	for _, e := range t.Entries {
		entry[e.N] = e
		for _, l := range e.Links {
			if l.Rel == trail.Changes {
				changed[l.N] = true
			}
		}
	}
	hot := hotFacts(t, entry)
	views := map[int]statementView{}
	for _, e := range t.Entries {
		s := w.statement(e.Statement, hot[e.N])
		s.N = e.N
		views[e.N] = s
		if s.Perhaps {
			v.Unsure = append(v.Unsure, s)
		}
		for _, x := range e.Statement.Facts {
			if g := gloss(x); hot[e.N][string(x.Type)+" "+x.Value] && g != "" && len(v.Guessed) < 4 {
				v.Guessed = append(v.Guessed, template.HTML("“"+string(words(x.Text))+"” in "+numberLink(e.N)+" was read as "+template.HTMLEscapeString(strings.TrimPrefix(g, "= "))+"."))
			}
		}
		if e.Statement.Kind == statement.Dispute {
			if n := len(v.Claim); n > 0 && v.Claim[n-1].Message != s.Message {
				v.Claim = nil
			}
			v.Claim = append(v.Claim, s)
		}
	}
	w.links(t, views)

	for _, x := range t.Steps(6) {
		e := x.Entry
		st := step{N: e.N, Did: did(e.Statement.Kind), Class: family(e.Statement.Kind), Old: changed[e.N],
			Name: views[e.N].Who.Name, When: w.when(e.Statement.Message.Date)}
		if e.Statement.Speaker.Role == trail.Us {
			st.Name = "you"
		}
		switch e.Statement.Kind {
		case statement.Change:
			st.Class = "warns" // the step one looks for
		case statement.Dispute:
			st.Class = "disputes"
		}
		if x.Fact != nil {
			st.Fact = brief(*x.Fact)
		}
		v.Steps = append(v.Steps, st)
	}
	for _, f := range t.Findings {
		v.Findings = append(v.Findings, w.finding(f, views, v.Count))
	}
	if everything := w.agreement(t, views); everything != nil {
		v.Findings = append(v.Findings, *everything)
	}
	for _, s := range t.Near {
		x := w.statement(s, nil)
		x.Citation, x.Place, x.Subject = "", "", "" // its message has them
		x.Address = shortURL(s.Message) + "#" + s.ID
		v.Near = append(v.Near, x)
	}
	v.Short = w.shortVersion(m, t, &v)
	show := w.filters(r, &v, t, views)
	w.rows(r.Context(), &v, t, views, show)
	v.Page.Foot = clip(v.Title, 80) + " · chronology · drawn from " + plural(v.Coverage.Messages, "archived message", "archived messages")
	v.Drawn = w.drawn(r.Context(), &v, t)
	return v
}

// hotFacts are the facts that contradictions turn on, by entry.
func hotFacts(t *trail.Trail, entry map[int]trail.Entry) map[int]map[string]bool {
	hot := map[int]map[string]bool{}
	for _, f := range t.Findings {
		if f.Type != trail.Contradiction && f.Type != trail.Refuted {
			continue
		}
		for _, n := range []int{f.A, f.B, f.ExplainedBy} {
			for _, x := range entry[n].Statement.Facts {
				if near(x.Type, f.Fact) {
					if hot[n] == nil {
						hot[n] = map[string]bool{}
					}
					hot[n][string(x.Type)+" "+x.Value] = true
				}
			}
		}
	}
	return hot
}

func numberLink(n int) string { return fmt.Sprintf(`<a class="ref" href="#s%d">%d</a>`, n, n) }

// drawn says what a trail was drawn from, beside coverage what belongs here.
func (w *site) drawn(ctx context.Context, v *trailView, t *trail.Trail) []coverageLine {
	var out []coverageLine
	kept := line("check", "ok", fmt.Sprintf("%s since %s; %d of them belong here", plural(v.Coverage.Messages, "message", "messages"), v.Coverage.From, v.Mails))
	if v.Coverage.From == "" {
		kept.Text = plural(v.Coverage.Messages, "message", "messages") + "; " + strconv.Itoa(v.Mails) + " of them belong here"
	}
	placed := false
	for _, l := range v.Coverage.Lines {
		if !placed && l.Class == "mute" || l.Icon == "unseen" && !placed {
			out, placed = append(out, kept), true
		}
		out = append(out, l)
	}
	if w.o.Desk != nil {
		if c := w.o.Desk.Last(); c != nil && !c.Running && c.OK {
			out = append(out, line("check", "ok", "Archive checked "+w.lately(c.At)+": nothing altered or missing"))
		}
	}
	if n := len(v.Near); n > 0 {
		l := line("dashed", "mute", plural(n, "near match", "near matches")+" left out.")
		l.Link, l.Word = "#near", "Look at it"
		if n == nearMost {
			l.Text, l.Word = "Near matches left out.", "Look at the nearest"
		}
		out = append(out, l)
	}
	return out
}

// shortVersion is what the record shows, as plain text to paste.
func (w *site) shortVersion(m Matter, t *trail.Trail, v *trailView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", v.Title, t.Summary.Text)
	for _, s := range v.Steps {
		fmt.Fprintf(&b, "%d  %s", s.N, s.Did)
		if s.Fact != "" {
			b.WriteString(": " + s.Fact)
		}
		fmt.Fprintf(&b, " (%s, %s)\n", s.Name, s.When)
	}
	fmt.Fprintf(&b, "\n%s\n", v.Coverage.Searched())
	return strings.ReplaceAll(b.String(), "\u00a0", " ")
}

// filters are the ways to see less, and which statements are seen now. A letter is
// shown whole when one of its statements is.
func (w *site) filters(r *http.Request, v *trailView, t *trail.Trail, views map[int]statementView) func(trail.Entry) bool {
	q := r.URL.Query()
	only, by := q.Get("only"), q.Get("by")
	link := func(change func(url.Values)) string {
		c := url.Values{}
		for _, k := range []string{"q", "as_of", "whole"} {
			if q.Get(k) != "" {
				c.Set(k, q.Get(k))
			}
		}
		change(c)
		if len(c) == 0 {
			return r.URL.Path + "#trail"
		}
		return r.URL.Path + "?" + c.Encode() + "#trail"
	}
	v.Filters = []filterView{{Text: "All", URL: link(func(url.Values) {}), Count: v.Count, On: only == "" && by == ""}}
	var typ statement.FactType
	for _, f := range t.Findings {
		if f.Fact != "" && f.Type == trail.Contradiction {
			typ = f.Fact
			break
		}
	}
	has := func(e trail.Entry, typ statement.FactType) bool {
		return slices.ContainsFunc(e.Statement.Facts, func(x statement.Fact) bool { return near(x.Type, typ) })
	}
	if typ != "" {
		n := 0
		for _, e := range t.Entries {
			if has(e, typ) {
				n++
			}
		}
		word := map[statement.FactType]string{statement.Date: "date", statement.DateTime: "date", statement.Money: "amount"}[typ]
		if word == "" {
			word = string(typ)
		}
		v.Filters = append(v.Filters, filterView{Text: "Only the " + word, URL: link(func(c url.Values) { c.Set("only", string(typ)) }), Count: n, On: only == string(typ)})
	}
	type voice struct {
		name  string
		role  trail.Role
		count int
	}
	var voices []voice
	for _, e := range t.Entries {
		s := e.Statement.Speaker
		name := s.Address
		if s.Role == trail.Us {
			name = "us"
		}
		i := slices.IndexFunc(voices, func(x voice) bool { return x.name == name })
		if i < 0 {
			voices = append(voices, voice{name, s.Role, 0})
			i = len(voices) - 1
		}
		voices[i].count++
	}
	for _, x := range voices[:min(len(voices), 4)] {
		text := "You"
		if x.role != trail.Us {
			for _, e := range t.Entries {
				if e.Statement.Speaker.Address == x.name {
					text = strings.Fields(views[e.N].Who.Name + " ")[0]
				}
			}
		}
		v.Filters = append(v.Filters, filterView{Text: text, URL: link(func(c url.Values) { c.Set("by", x.name) }), Count: x.count, On: by == x.name})
	}
	whole := filterView{Text: "Whole messages", On: q.Get("whole") != ""}
	whole.URL = link(func(c url.Values) {
		if whole.On {
			c.Del("whole")
		} else {
			c.Set("whole", "1")
		}
	})
	v.Filters = append(v.Filters, whole)
	return func(e trail.Entry) bool {
		s := e.Statement.Speaker
		return (only == "" || has(e, statement.FactType(only))) && (by == "" || by == s.Address || by == "us" && s.Role == trail.Us)
	}
}

// near compares fact types as findings do: a day with and without a time of day
// are the same kind of thing.
func near(a, b statement.FactType) bool {
	if a == statement.DateTime {
		a = statement.Date
	}
	if b == statement.DateTime {
		b = statement.Date
	}
	return a == b
}
