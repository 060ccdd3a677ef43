package bundle

import (
	"fmt"
	"strings"
	"time"

	"inwriting/search/bundle/pdf"
	"inwriting/search/trail"
)

// What the trail found, beside the words that it was found from.

func (p *printer) findings() {
	if len(p.v.Findings) == 0 {
		return
	}
	p.section("Findings", 70)
	for i, f := range p.v.Findings {
		color := map[string]pdf.Color{"hard": pencil, "good": green}[f.Class]
		if color == 0 {
			color = amber
		}
		sign := para(styled(pdf.Style{Font: pdf.SansBold, Size: 10, Leading: 13}, color), pdf.Span{Text: f.Sign})
		sign.Tag, sign.Align = "Artifact", pdf.Center
		side := para(styled(quiet, color), pdf.Span{Text: f.Side})
		side.Align = pdf.End
		what := para(strong, pdf.Span{Text: f.Type})
		what.Tag = "H3"
		said := para(text, append([]pdf.Span{own(f.Text), {Text: "  See "}}, p.rowLinks(f.Rows)...)...)
		if len(f.Rows) == 0 {
			said = para(text, own(f.Text))
		}
		body := []pdf.Block{&pdf.Row{Gap: 8, Cols: []pdf.Col{col(0, what), col(120, side)}}, said}
		if q := p.sideBySide(p.b.in.Trail.Findings[i]); q != nil {
			body = append(body, q)
		}
		p.d.Add(&pdf.Group{Tag: "Sect", Box: &roundBox, Pad: [4]float64{8, 12, 8, 10}, After: 6, Blocks: []pdf.Block{&pdf.Row{Gap: 10, Cols: []pdf.Col{col(14, sign), col(0, body...)}}}})
	}
	p.d.End()
}

// sideBySide are the words that a finding compares, in the order in which they were
// written; nil where it is about one statement.
func (p *printer) sideBySide(f trail.Finding) pdf.Block {
	r := &pdf.Row{Gap: 10}
	for _, e := range p.b.in.Trail.Entries {
		if e.N != f.A && e.N != f.B && e.N != f.ExplainedBy {
			continue
		}
		s := e.Statement
		head := para(small, p.to(e.N, heading), pdf.Span{Text: "  " + title(string(s.Kind))})
		quote := pdf.Style{Font: pdf.Serif, Size: 8.5, Leading: 12, Color: ink}
		var spans []pdf.Span
		for _, q := range cutSpans(s, 120) {
			span := own(q.Text)
			if q.Fact != "" {
				span.Mark = yellow
			}
			spans = append(spans, span)
		}
		words := para(quote, p.blackened(quote, append(append([]pdf.Span{{Text: "“"}}, spans...), pdf.Span{Text: "”"}))...)
		who := plain(s.Speaker.Name)
		if who == "" {
			who = plain(s.Speaker.Address)
		}
		when := "no date"
		if d := s.Message.Date; !d.IsZero() {
			when = d.Format("2 Jan 2006, 15:04")
		}
		r.Cols = append(r.Cols, col(0, head, words, para(small, own(who), pdf.Span{Text: ", " + when})))
	}
	if len(r.Cols) < 2 {
		return nil
	}
	return &pdf.Group{Before: 5, Box: &pdf.Box{Fill: white, Stroke: line1, Radius: 5}, Pad: [4]float64{5, 9, 5, 9}, Blocks: []pdf.Block{r}}
}

// cutSpans are the words of a statement, cut to about n characters around its first
// fact.
func cutSpans(s trail.Statement, n int) []span {
	r := []rune(s.Quote)
	if len(r) <= n {
		return spans(s.Quote, s.Facts)
	}
	from := 0
	if len(s.Facts) > 0 {
		if i := strings.Index(s.Quote, s.Facts[0].Text); i > 0 {
			from = max(0, len([]rune(s.Quote[:i]))-n/2)
		}
	}
	to := min(len(r), from+n)
	cut := string(r[from:to])
	if from > 0 {
		cut = "… " + cut
	}
	if to < len(r) {
		cut += " …"
	}
	return spans(cut, s.Facts)
}

// claimed is the statement that the bundle answers, in front of everything: what is
// in dispute, in the words of whoever disputes it.
func (p *printer) claimed() {
	e := p.b.claim()
	if e == nil {
		return
	}
	s := e.Statement
	who := plain(s.Speaker.Name)
	if who == "" {
		who = plain(s.Speaker.Address)
	}
	badge := &pdf.Para{Style: pdf.Style{Font: pdf.SansBold, Size: 7.5, Leading: 14, Color: white}, Align: pdf.Center, Pad: [2]float64{0, 2}, Tag: "Artifact",
		Box: &pdf.Box{Fill: ink, Radius: 4}, Spans: []pdf.Span{own(initials(who))}}
	badge.Before = 2
	said := para(asked, p.blackened(asked, []pdf.Span{own("“" + visible(s.Quote, "\n\t") + "”")})...)
	x := p.b.byRef[s.Message.Ref]
	from := para(quiet, own(who), pdf.Span{Text: ", " + claimDate(s.Message.Date) + ", "}, p.to(e.N, heading), pdf.Span{Text: ", p.\u00a0"}, page(x.name, heading))
	from.After = 8
	p.d.Add(&pdf.Row{Gap: 8, Cols: []pdf.Col{col(18, badge), col(0, para(quiet, pdf.Span{Text: "What is in dispute"}), said, from)}})
}

func claimDate(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.Format("Monday 2 January 2006, 15:04") + " " + zone(t)
}

// relBack says of a statement what a later one did about it.
var relBack = map[trail.Rel]string{trail.Confirms: "Confirmed by", trail.Approves: "Approved by", trail.Answers: "Answered by", trail.Changes: "Changed by",
	trail.Fulfils: "Fulfilled by", trail.Disputes: "Disputed by"}

func linkColor(r trail.Rel) pdf.Color {
	switch r {
	case trail.Confirms, trail.Approves, trail.Answers, trail.Fulfils:
		return green
	case trail.Changes:
		return amber
	case trail.Disputes:
		return pencil
	}
	return ink2
}

// answered are the links that lead to a statement, with the time that went by.
func answered(t *trail.Trail, e trail.Entry) []linkView {
	var out []linkView
	for _, o := range t.Entries {
		for _, l := range o.Links {
			word := relBack[l.Rel]
			if l.N != e.N || word == "" || len(out) == 4 {
				continue
			}
			out = append(out, linkView{Word: word, N: o.N, Rel: l.Rel, After: later(e.Statement.Message.Date, o.Statement.Message.Date)})
		}
	}
	return out
}

// later is the time from one message to another; "" where it says nothing.
func later(from, to time.Time) string {
	if from.IsZero() || to.IsZero() || !to.After(from) {
		return ""
	}
	switch d := to.Sub(from); {
	case d < time.Minute:
		return ""
	case d < time.Hour:
		return ", " + plural(int(d.Minutes()), "minute", "minutes") + " later"
	case d < 48*time.Hour:
		return ", " + plural(int(d.Hours()), "hour", "hours") + " later"
	default:
		return fmt.Sprintf(", %d days later", int(d.Hours()/24))
	}
}
