package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

// head is what every page begins with.
type head struct {
	Title    string
	Question string // in the box
	Nav      string // which entry of the navigation is this page
	State    string // coverage in a few words
	CSS      string // address of the stylesheet
	BigBox   bool   // the page has its own box
}

func (w *site) head(r *http.Request, title string) head {
	return head{Title: title, CSS: "/static/app.css?v=" + w.ver}
}

type homeView struct {
	Page     head
	Matters  []Matter
	Coverage coverageView
}

type errorView struct {
	Page  head
	What  string // what happened
	Means string // what it means
	Line  string // the technical line
}

func (w *site) funcs() template.FuncMap {
	return template.FuncMap{
		"icon":   icon,
		"sprite": func() template.HTML { return sprite },
		"words":  words,
		"plural": plural,
		"slug":   slug,
		"tick": func(name string, b box) any {
			return struct {
				Name string
				Box  box
			}{name, b}
		},
	}
}

// slug is a question as the name of a trail's address; the words come back by
// turning the hyphens around.
func slug(q string) string {
	f := strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	s := strings.Join(f, "-")
	if len(s) > 80 {
		s = s[:80]
		s = s[:max(strings.LastIndexByte(s, '-'), 1)]
	}
	if s == "" {
		return "trail"
	}
	return s
}

func (w *site) date(t time.Time) string { return t.In(w.o.Location).Format("2\u00a0January 2006") }
func (w *site) day(t time.Time) string {
	return t.In(w.o.Location).Format("Monday 2\u00a0January 2006")
}
func (w *site) clock(t time.Time) string { return t.In(w.o.Location).Format("15:04") }
func (w *site) when(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.In(w.o.Location).Format("2\u00a0January 2006, 15:04")
}

// coverageView says what an answer was drawn from.
type coverageView struct {
	Lines     []coverageLine
	Mailboxes int
	Messages  int
	Trouble   []string // mailboxes that are not complete
	From, To  string
}

type coverageLine struct{ Icon, Class, Text string }

func (w *site) coverage(c trail.Coverage) coverageView {
	v := coverageView{Mailboxes: len(c.Mailboxes)}
	var first, last time.Time
	add := func(icon, class, text string) { v.Lines = append(v.Lines, coverageLine{icon, class, text}) }
	var excluded []string
	unreadable, waiting := 0, 0
	for _, m := range c.Mailboxes {
		stored, server := 0, 0
		var from, to, synced time.Time
		for _, f := range m.Folders {
			if f.Excluded {
				excluded = append(excluded, m.Address+" "+f.Name)
				continue
			}
			stored, server = stored+f.Stored, server+f.Server
			unreadable += f.Quarantined
			if n := f.Stored - f.Indexed - f.Quarantined; n > 0 {
				waiting += n
			}
			if f.From != nil && (from.IsZero() || f.From.Before(from)) {
				from = *f.From
			}
			if f.To != nil && f.To.After(to) {
				to = *f.To
			}
			if f.LastSync != nil && f.LastSync.After(synced) {
				synced = *f.LastSync
			}
		}
		v.Messages += stored
		if !from.IsZero() && (first.IsZero() || from.Before(first)) {
			first = from
		}
		if to.After(last) {
			last = to
		}
		span := ""
		if !from.IsZero() && !to.IsZero() {
			span = ", " + w.date(from) + " to " + w.date(to)
		}
		kept := plural(stored, "message", "messages") + span
		switch m.State {
		case "up to date":
			add("check", "ok", m.Address+": "+kept)
		case "imported":
			add("check", "ok", m.Address+": "+kept+", from files; what came later is not in them")
		default:
			v.Trouble = append(v.Trouble, m.Address)
			text := m.Address + ": " + m.State
			if m.Detail != "" {
				text += " (" + m.Detail + ")"
			}
			switch {
			case !synced.IsZero():
				text += "; mail after " + w.date(synced) + " is missing here"
			case m.State == "never read":
				text += "; nothing from it is in this answer"
			}
			if server > stored {
				text += "; " + plural(server-stored, "message", "messages") + " still to come"
			}
			if stored > 0 {
				text += "; " + kept + " kept"
			}
			add("warning", "warn", text)
		}
	}
	if !first.IsZero() {
		v.From, v.To = w.date(first), w.date(last)
	}
	if unreadable > 0 {
		add("warning", "warn", plural(unreadable, "message", "messages")+" could not be fetched or read")
	}
	if waiting > 0 {
		add("warning", "warn", plural(waiting, "message is", "messages are")+" kept but not yet read")
	}
	if len(excluded) > 0 {
		add("unseen", "mute", "Left out by choice: "+clip(strings.Join(excluded, ", "), 300))
	}
	if n := len(c.Absent); n > 0 {
		add("dashed", "mute", plural(n, "message is", "messages are")+" cited by others but not kept here")
	}
	if c.Checkpoint != nil {
		add("sealed", "ok", "Ledger of "+plural(int(c.Checkpoint.Size), "entry", "entries")+", signed "+w.when(c.Checkpoint.Time))
	}
	add("unseen", "mute", "Not seen: phone calls, chats, mail to addresses you did not add")
	return v
}

func (c coverageView) short() string {
	switch n := len(c.Trouble); {
	case c.Mailboxes == 0:
		return "No mailbox yet"
	case n == 1:
		return plural(c.Mailboxes, "mailbox", "mailboxes") + ", 1 needs you"
	case n > 1:
		return fmt.Sprintf("%s, %d need you", plural(c.Mailboxes, "mailbox", "mailboxes"), n)
	}
	return plural(c.Mailboxes, "mailbox", "mailboxes") + " read"
}

// Searched is the last line of a list: what was looked through.
func (c coverageView) Searched() string {
	if c.Mailboxes == 0 {
		return "No mailbox was searched: none has been read yet."
	}
	s := fmt.Sprintf("Searched %s in %s", plural(c.Messages, "message", "messages"), plural(c.Mailboxes, "mailbox", "mailboxes"))
	if c.From != "" {
		s += ", " + c.From + " to " + c.To
	}
	s += "."
	if len(c.Trouble) > 0 {
		s += " Not complete: " + strings.Join(c.Trouble, ", ") + "."
	}
	return s
}

// Gaps lists what could not be seen.
func (c coverageView) Gaps() []coverageLine {
	var out []coverageLine
	for _, l := range c.Lines {
		if l.Class != "ok" {
			out = append(out, l)
		}
	}
	return out
}

// who is a speaker: shape, name and role say the same thing.
type who struct {
	Initials string
	Name     string
	Role     string // in words
	Class    string // us, client, other, unknown
}

func speaker(s trail.Speaker) who {
	v := who{Initials: initials(s.Name, s.Address), Name: s.Name, Class: string(s.Role)}
	if v.Name == "" {
		v.Name = s.Address
	}
	if v.Name == "" {
		v.Name = "somebody without an address"
	}
	switch s.Role {
	case trail.Us:
		v.Role = "you"
	case trail.Client:
		v.Role = "client"
	case trail.Other:
		v.Role = "third party"
	default:
		v.Class, v.Role, v.Initials = "unknown", "role unknown", "?"
	}
	return v
}

// statementView is one statement anywhere on a page.
type statementView struct {
	ID, Address  string
	Message      string // its address alone
	N            int
	Kind, Family string
	Icon         string
	Quote        template.HTML
	Who          who
	When, ISO    string
	Subject      string
	Place        string // "nora@deskandco.example › INBOX"
	Gone         bool
	Perhaps      bool   // read with little confidence
	Corrected    string // what it was read as, and who reads it differently
	Own          bool
	Links        []linkWords
}

type linkWords struct {
	Icon, Class, Text string
	N                 int
	After             string // "41 minutes later"
}

// unsure is the confidence below which a reading is shown as "perhaps".
const unsure = 0.5

func (w *site) statement(s trail.Statement, hot map[string]bool) statementView {
	v := statementView{
		ID: s.ID, Address: messageURL(s.Message) + "#" + s.ID, Message: messageURL(s.Message),
		Kind: upper(string(s.Kind)), Family: family(s.Kind), Icon: string(s.Kind),
		Quote: quote(s.Quote, s.Facts, w.o.Location, hot),
		Who:   speaker(s.Speaker), When: w.when(s.Message.Date), ISO: iso(s.Message.Date),
		Subject: s.Message.Subject, Place: place(s.Message), Gone: gone(s.Message),
		Perhaps: s.Confidence < unsure, Own: s.Speaker.Role == trail.Us,
	}
	if v.Subject == "" {
		v.Subject = "(no subject)"
	}
	if k := s.Corrected; k != nil {
		v.Perhaps = false // somebody has looked
		v.Corrected = "read as " + string(k.Was) + ", corrected by " + k.By + " on " + w.date(k.At)
		if k.Note != "" {
			v.Corrected += ": " + k.Note
		}
	}
	return v
}

func iso(t time.Time) string { return t.Format(time.RFC3339) }

func messageURL(m trail.MessageInfo) string { return "/message/" + m.Ref.String() }

func place(m trail.MessageInfo) string {
	if len(m.Occurrences) == 0 {
		return ""
	}
	o := m.Occurrences[0]
	s := o.Mailbox + " › " + o.Folder
	if n := len(m.Occurrences) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

func gone(m trail.MessageInfo) bool {
	for _, o := range m.Occurrences {
		if !o.Gone {
			return false
		}
	}
	return len(m.Occurrences) > 0
}

// Ask.

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

// Trail.

type trailView struct {
	Page     head
	Title    string
	Question string          // when the title is another
	Claim    []statementView // the disputes of the last message that disputes
	First    template.HTML
	Rest     template.HTML
	Rests    []int // statements the summary rests on that its words do not name
	Steps    []step
	Findings []findingView
	Rows     []row
	Count    int
	Mails    int
	Coverage coverageView
	Unsure   []statementView
	Decided  decidedView
	Twin     string // the messages that mention the words, for when nothing was found
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
	Letter *letter
	Gap    *gapView
	Lanes  []lane
}

type letter struct {
	Time, ISO, Address string
	Who                who
	To                 []string
	Own                bool
	Subject            string
	Other              bool // under another subject than most of the trail
	Place              string
	Gone               bool
	Rows               []statementView
	Notes              []note
	date               time.Time
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

func (w *site) trailView(r *http.Request, title string, t *trail.Trail) trailView {
	v := trailView{Page: w.head(r, t.Question), Title: title, Count: len(t.Entries), Coverage: w.coverage(t.Coverage), Decided: w.decided(t)}
	if v.Title == "" {
		v.Title = upper(t.Question)
	} else {
		v.Question = t.Question
		v.Page.Title = title
	}
	v.Title = clip(v.Title, 200)
	v.Page.Nav, v.Page.State = "home", v.Coverage.short()
	v.Twin = "/ask?" + httpapi.EncodeQuery(search.Query{Text: t.Question, Messages: true}).Encode()
	if v.Count == 0 {
		return v
	}

	first, rest := sentences(t.Summary.Text)
	v.First, v.Rest = numbered(first, v.Count), numbered(rest, v.Count)
	if !refs.MatchString(t.Summary.Text) {
		v.Rests = t.Summary.Statements
	}

	entry := map[int]trail.Entry{}
	hot := map[int]map[string]bool{}
	changed := map[int]bool{}
	for _, e := range t.Entries {
		entry[e.N] = e
		for _, l := range e.Links {
			if l.Rel == trail.Changes {
				changed[l.N] = true
			}
		}
	}
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
	views := map[int]statementView{}
	for _, e := range t.Entries {
		s := w.statement(e.Statement, hot[e.N])
		s.N = e.N
		views[e.N] = s
		if s.Perhaps {
			v.Unsure = append(v.Unsure, s)
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
		if e.Statement.Kind == statement.Change {
			st.Class = "warns" // the step one looks for
		}
		if x.Fact != nil {
			st.Fact = brief(*x.Fact)
		}
		v.Steps = append(v.Steps, st)
	}
	for _, f := range t.Findings {
		v.Findings = append(v.Findings, w.finding(f, views, v.Count))
	}
	w.rows(&v, t, views)
	return v
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

// links puts each link into words on both ends.
func (w *site) links(t *trail.Trail, views map[int]statementView) {
	passive := map[trail.Rel][3]string{ // words, icon, class
		trail.Confirms: {"Confirmed by", "confirmation", "agrees"},
		trail.Approves: {"Approved by", "approval", "agrees"},
		trail.Answers:  {"Answered by", "answer", "agrees"},
		trail.Changes:  {"Changed by", "change", "warns"},
		trail.Fulfils:  {"Fulfilled by", "delivery", "agrees"},
		trail.Disputes: {"Disputed by", "dispute", "warns"},
		trail.Refers:   {"Referred to by", "link", "hands"},
	}
	dates := map[int]time.Time{}
	for _, e := range t.Entries {
		dates[e.N] = e.Statement.Message.Date
	}
	for _, e := range t.Entries {
		for _, l := range e.Links {
			p, known := passive[l.Rel]
			if !known {
				continue
			}
			old, ok := views[l.N]
			if !ok {
				continue
			}
			after := apart(dates[l.N], dates[e.N])
			if after != "" && after != "the same minute" {
				after += " later"
			}
			old.Links = append(old.Links, linkWords{p[1], p[2], p[0], e.N, after})
			views[l.N] = old
			cur := views[e.N]
			cur.Links = append(cur.Links, linkWords{Icon: "link", Class: "hands", Text: upper(string(l.Rel)), N: l.N})
			views[e.N] = cur
		}
	}
	// What waits still is said by its finding.
	for _, f := range t.Findings {
		words := ""
		switch f.Type {
		case trail.Unanswered:
			words = "No answer"
		case trail.Unconfirmed:
			words = "Not confirmed"
		case trail.Unacknowledged:
			words = "Not acknowledged"
		case trail.Missed:
			words = "Not kept"
		}
		if s, ok := views[f.A]; ok && words != "" {
			s.Links = append(s.Links, linkWords{Icon: "waiting", Class: "waits", Text: words})
			views[f.A] = s
		}
	}
}

func (w *site) finding(f trail.Finding, views map[int]statementView, count int) findingView {
	v := findingView{Text: numbered(f.Text, count), Icon: "waiting", Class: "waits"}
	switch f.Type {
	case trail.Contradiction:
		v.Title, v.Icon, v.Class = "Two things in writing that do not agree", "contradicts", "pencil"
		if f.Fact != "" {
			v.Title = map[statement.FactType]string{
				statement.Date: "Two dates in writing", statement.DateTime: "Two dates in writing", statement.Time: "Two times in writing",
				statement.Money: "Two amounts in writing", statement.Quantity: "Two numbers in writing",
				statement.Duration: "Two durations in writing", statement.Reference: "Two references in writing",
			}[f.Fact]
		}
		v.State = "not explained in writing"
	case trail.Changed:
		v.Title, v.Icon, v.Class = "Changed in writing", "change", "warns"
	case trail.Unconfirmed:
		v.Title = "Never confirmed"
	case trail.Unanswered:
		v.Title = "Never answered"
	case trail.Unacknowledged:
		v.Title = "Never acknowledged"
	case trail.Missed:
		v.Title = "Promised and not kept"
	case trail.Refuted:
		v.Title, v.Icon, v.Class = "The record says otherwise", "contradicts", "pencil"
	default:
		v.Title, v.Icon = upper(string(f.Type)), "dashed"
	}
	if f.ExplainedBy > 0 {
		v.State = fmt.Sprintf("explained by %d", f.ExplainedBy)
		v.Class += " explained"
	}
	nums := []int{}
	for _, n := range []int{f.A, f.ExplainedBy, f.B} {
		if _, ok := views[n]; ok && !slices.Contains(nums, n) {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	if !refs.MatchString(f.Text) {
		v.Refs = nums
	}
	if f.Type == trail.Contradiction || f.Type == trail.Refuted || f.Type == trail.Changed {
		for _, n := range nums {
			v.Sides = append(v.Sides, side{views[n], n == f.ExplainedBy})
		}
	}
	if len(v.Sides) < 2 {
		v.Sides = nil
	}
	return v
}

// rows lays the trail out by day: letters hold the statements of one message,
// and silences stand between them.
func (w *site) rows(v *trailView, t *trail.Trail, views map[int]statementView) {
	var letters []*letter
	at := map[int]int{} // entry number to letter
	last := ""
	for _, e := range t.Entries {
		m := e.Statement.Message
		s := views[e.N]
		// Two authors can stand in one message: a forwarded statement is not the sender's.
		key := m.Ref.String() + e.Statement.Speaker.Address
		if key != last {
			letters = append(letters, &letter{Time: w.clock(m.Date), ISO: iso(m.Date), Address: messageURL(m), Who: s.Who, To: m.To, Own: s.Own,
				Subject: s.Subject, Place: s.Place, Gone: s.Gone, date: m.Date})
			last = key
		}
		l := letters[len(letters)-1]
		l.Rows = append(l.Rows, s)
		at[e.N] = len(letters) - 1
	}
	// The change that everybody overlooked tends to stand under another subject.
	subjects, most := map[string]int{}, ""
	for _, l := range letters {
		b := baseSubject(l.Subject)
		if subjects[b]++; subjects[b] > subjects[most] {
			most = b
		}
	}
	mails := map[string]bool{}
	for _, l := range letters {
		l.Other = baseSubject(l.Subject) != most
		mails[l.Address] = true
	}
	v.Mails = len(mails)
	for i, f := range v.Findings {
		tf := t.Findings[i]
		if n, ok := at[tf.A]; ok && f.Class == "waits" {
			letters[n].Notes = append(letters[n].Notes, note{f.Icon, f.Class, f.Title, f.Text})
		}
		if n, ok := at[tf.ExplainedBy]; ok && tf.ExplainedBy > 0 {
			letters[n].Notes = append(letters[n].Notes, note{"change", "warns", "This explains " + strings.ToLower(f.Title), f.Text})
		}
	}

	rails := lanes(t, at)
	between := func(i int) []lane { // what passes on the way from letter i-1 to i
		var out []lane
		for _, ra := range rails {
			if ra.from < i && ra.to >= i {
				out = append(out, lane{ra.class("pass")})
			}
		}
		return out
	}
	day, gap := "", 0
	for i, l := range letters {
		for gap < len(t.Gaps) && !t.Gaps[gap].To.After(l.date) {
			g := t.Gaps[gap]
			v.Rows = append(v.Rows, row{Gap: &gapView{g.Days, w.when(g.From), w.when(g.To), v.Coverage.Trouble}, Lanes: between(i)})
			gap++
		}
		if d := w.day(l.date); d != day && !l.date.IsZero() {
			day = d
			v.Rows = append(v.Rows, row{Day: d, Lanes: between(i)})
		}
		var ls []lane
		for _, ra := range rails {
			switch {
			case ra.from == i && ra.to == i:
			case ra.from == i:
				ls = append(ls, lane{ra.class("from")})
			case ra.to == i:
				ls = append(ls, lane{ra.class("to")})
			case ra.from < i && i < ra.to:
				ls = append(ls, lane{ra.class("pass")})
			}
		}
		v.Rows = append(v.Rows, row{Letter: l, Lanes: ls})
	}
	for ; gap < len(t.Gaps); gap++ {
		g := t.Gaps[gap]
		v.Rows = append(v.Rows, row{Gap: &gapView{g.Days, w.when(g.From), w.when(g.To), v.Coverage.Trouble}})
	}
}

// rail is a link drawn beside the trail, from letter to letter.
type rail struct {
	from, to, lane int
	family         string
}

func (r rail) class(state string) string { return fmt.Sprintf("l%d %s %s", r.lane, r.family, state) }

// lanes draws what fits into two lanes; a third link at the same height is told
// in words only. Changes come first: they are what is looked for.
func lanes(t *trail.Trail, at map[int]int) []rail {
	var all []rail
	for _, e := range t.Entries {
		for _, l := range e.Links {
			from, ok := at[l.N]
			to, ok2 := at[e.N]
			if !ok || !ok2 || from >= to {
				continue
			}
			switch l.Rel {
			case trail.Changes:
				all = append(all, rail{from, to, 0, "warns"})
			case trail.Confirms, trail.Approves, trail.Answers, trail.Fulfils:
				all = append(all, rail{from, to, 0, "agrees"})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b rail) int {
		if a.family != b.family {
			return strings.Compare(b.family, a.family) // "warns" before "agrees"
		}
		if d := (a.to - a.from) - (b.to - b.from); d != 0 {
			return d
		}
		return a.from - b.from
	})
	var out []rail
	for _, r := range all {
		order := []int{0, 1}
		if r.family == "warns" {
			order = []int{1, 0}
		}
		for _, n := range order {
			free := true
			for _, o := range out {
				if o.lane == n && r.from < o.to && o.from < r.to {
					free = false
				}
				if o.from == r.from && o.to == r.to { // two links between the same letters are one line
					free, n = false, 2
				}
			}
			if free {
				r.lane = n
				out = append(out, r)
				break
			}
			if n == 2 {
				break
			}
		}
	}
	return out
}

// baseSubject takes reply and forward marks off, for comparing.
func baseSubject(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	for {
		head, rest, ok := strings.Cut(s, ":")
		if !ok || !slices.Contains([]string{"re", "fw", "fwd", "aw", "wg", "sv", "vs", "tr", "antw"}, strings.TrimSpace(head)) {
			return s
		}
		s = strings.TrimSpace(rest)
	}
}

// Message.

type messageView struct {
	Page       head
	Subject    string
	From       string
	Who        who
	To, Cc     []string
	Dates      []datedLine
	Zones      []zoneView
	Truncated  bool
	Statements []readView
	Parts      []partView
	Defects    []message.Defect
	Ref        string
	SHA        []string
	Raw        string
	Ledger     int64
	Size       string
	MessageID  string
	Places     []trail.Occurrence
	Gone       bool
}

type datedLine struct{ Label, When, ISO string }

type zoneView struct {
	Kind  string
	Lines int
	HTML  template.HTML
}

// readView says why words count.
type readView struct {
	statementView
	Why   []statement.Reason
	Facts []factView
	Flags []string
}

// mostReasons are shown, the heaviest; the document has all of them.
const mostReasons = 4

type factView struct{ Type, Text, Value string }

type partView struct{ Name, Type, Size string }

func (w *site) messageView(r *http.Request, d *search.MessageDoc) messageView {
	m := d.Message
	v := messageView{Page: w.head(r, clip(m.Subject, 80)), Subject: m.Subject, From: m.From, To: m.To, Cc: d.Cc, Truncated: d.Truncated,
		Defects: d.Defects, Ref: m.Ref.String(), Raw: messageURL(m) + "/raw", Ledger: d.LedgerIndex, Size: octets(d.Size),
		MessageID: m.MessageID, Places: m.Occurrences, Gone: gone(m)}
	v.Page.State = w.corner(r.Context())
	if v.Subject == "" {
		v.Subject, v.Page.Title = "(no subject)", "Message"
	}
	v.Who = who{Initials: initials(m.From, m.From), Class: "unknown"}
	for _, s := range d.Statements {
		if strings.Contains(strings.ToLower(m.From), strings.ToLower(s.Speaker.Address)) && s.Speaker.Address != "" {
			v.Who = speaker(s.Speaker)
			if strings.EqualFold(m.From, s.Speaker.Address) && s.Speaker.Name != "" {
				v.From = s.Speaker.Name + " <" + s.Speaker.Address + ">"
			}
		}
	}
	add := func(label string, t *time.Time) {
		if t != nil && !t.IsZero() {
			// The zone is part of what was written.
			v.Dates = append(v.Dates, datedLine{label, t.Format("Monday 2\u00a0January 2006, 15:04:05 -07:00"), iso(*t)})
		}
	}
	add("Sent, by its author’s clock", d.Dates.Date)
	add("Passed on, by a server’s clock", d.Dates.Received)
	add("Received, by the mailbox’s clock", d.Dates.InternalDate)
	add("Kept, by this computer’s clock", d.Dates.Collected)

	hex := m.Ref.Hex()
	for i := 0; i < len(hex); i += 4 {
		v.SHA = append(v.SHA, hex[i:i+4])
	}
	for _, p := range d.Parts {
		name := p.Name
		if name == "" {
			name = "part " + p.Number
		}
		v.Parts = append(v.Parts, partView{name, p.ContentType, octets(p.Size)})
	}
	for i, s := range d.Statements {
		rv := readView{statementView: w.statement(s, nil), Why: s.Why[:min(len(s.Why), mostReasons)], Flags: s.Flags}
		rv.N = i + 1
		for _, f := range s.Facts {
			fv := factView{string(f.Type), f.Text, f.Value}
			if len(f.Alternatives) > 0 {
				fv.Value += " or " + strings.Join(f.Alternatives, " or ")
			}
			rv.Facts = append(rv.Facts, fv)
		}
		v.Statements = append(v.Statements, rv)
	}
	v.Zones = w.zones(d)
	return v
}

// zones renders the text zone by zone, with statements underlined in place.
// Offsets are code points; ones that do not fit the text are left out rather
// than trusted.
func (w *site) zones(d *search.MessageDoc) []zoneView {
	text := []rune(d.Text)
	zones := d.Zones
	if len(zones) == 0 {
		zones = []search.Zone{{Kind: message.New, Start: 0, End: len(text)}}
	}
	var out []zoneView
	next := 0
	for _, z := range zones {
		if z.Start < next || z.End > len(text) || z.Start > z.End {
			continue
		}
		var b strings.Builder
		pos := z.Start
		for i, s := range d.Statements {
			if s.Start < pos || s.End > z.End || s.Start >= s.End {
				continue
			}
			verbatim(&b, string(text[pos:s.Start]))
			fmt.Fprintf(&b, `<span class="st %s" id="%s"><a class="no" href="#why-%d">%d</a> `, family(s.Kind), template.HTMLEscapeString(s.ID), i+1, i+1)
			b.WriteString(string(quote(string(text[s.Start:s.End]), s.Facts, w.o.Location, nil)))
			b.WriteString("</span>")
			pos = s.End
		}
		verbatim(&b, string(text[pos:z.End]))
		next = z.End
		body := strings.Trim(string(text[z.Start:z.End]), "\n")
		out = append(out, zoneView{Kind: string(z.Kind), Lines: strings.Count(body, "\n") + 1, HTML: template.HTML(b.String())})
	}
	return out
}

func octets(n int64) string {
	switch {
	case n < 1<<10:
		return plural(int(n), "byte", "bytes")
	case n < 1<<20:
		return fmt.Sprintf("%d KB", (n+512)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
