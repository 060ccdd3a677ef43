package web

import (
	"html/template"
	"net/http"
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
