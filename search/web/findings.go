package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

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

// agreement says which facts the two sides wrote alike, where something else is in
// dispute; nil when there is nothing of the kind.
func (w *site) agreement(t *trail.Trail, views map[int]statementView) *findingView {
	if len(t.Findings) == 0 {
		return nil
	}
	disputed := map[string]bool{}
	for _, f := range t.Findings {
		for _, n := range []int{f.A, f.B, f.ExplainedBy} {
			for _, e := range t.Entries {
				if e.N != n {
					continue
				}
				for _, x := range e.Statement.Facts {
					if f.Fact == "" || near(x.Type, f.Fact) {
						disputed[string(x.Type)+" "+x.Value] = true
					}
				}
			}
		}
	}
	type side struct {
		words  string
		us     bool
		others bool
		at     []int
	}
	facts := map[string]*side{}
	var order []string
	for _, e := range t.Entries {
		for _, x := range e.Statement.Facts {
			k := string(x.Type) + " " + x.Value
			if x.Value == "" || disputed[k] || len(x.Alternatives) > 0 || x.Type == statement.Time {
				continue
			}
			f := facts[k]
			if f == nil {
				f = &side{words: x.Text}
				facts[k] = f
				order = append(order, k)
			}
			if e.Statement.Speaker.Role == trail.Us {
				f.us = true
			} else {
				f.others = true
			}
			if !slices.Contains(f.at, e.N) {
				f.at = append(f.at, e.N)
			}
		}
	}
	var parts []string
	for _, k := range order {
		f := facts[k]
		if !f.us || !f.others || len(f.at) < 2 || len(parts) == 4 {
			continue
		}
		var nums []string
		for _, n := range f.at[:min(len(f.at), 4)] {
			nums = append(nums, numberLink(n))
		}
		parts = append(parts, "“"+string(words(f.words))+"” ("+strings.Join(nums, ", ")+")")
	}
	if len(parts) == 0 {
		return nil
	}
	return &findingView{Icon: "confirmation", Class: "agrees", Title: "Both sides wrote the same", State: plural(len(parts), "fact", "facts") + " compared",
		Text: template.HTML("Written by both, and nothing in the record says otherwise: " + strings.Join(parts, ", ") + ".")}
}
