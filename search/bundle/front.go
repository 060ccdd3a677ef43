package bundle

import (
	"fmt"
	"strings"
	"time"

	"inwriting/search/bundle/pdf"
)

// The first page.

func (p *printer) front() {
	v := p.v
	p.d.Begin("Sect", nil)
	h := para(h1, own(v.Title))
	h.Tag, h.Bookmark, h.After = "H1", v.Title, 6
	p.d.Add(h)
	p.claimed()
	if v.Title != v.Question {
		q := para(asked, own("“"+v.Question+"”"))
		q.After = 5
		p.d.Add(&pdf.Group{Blocks: []pdf.Block{para(quiet, pdf.Span{Text: "What was asked"}), q}})
	}
	as := para(quiet, pdf.Span{Text: "As the mailboxes stood on " + v.AsOf + ". Times are the writer’s own, with the writer’s offset from UTC. Words between “ ” are verbatim. " +
		p.words()})
	as.After = 10
	p.d.Add(as)

	if c := strings.TrimSpace(p.b.in.Cover); c != "" {
		said := para(words, own(visible(c, "\n")))
		p.d.Add(&pdf.Group{Tag: "Sect", Box: &pdf.Box{Bar: blue}, Pad: [4]float64{1, 0, 2, 10}, After: 10, Blocks: []pdf.Block{
			para(quiet, pdf.Span{Text: "In the words of whoever made this bundle"}), said}})
	}
	l := para(lead, own(v.Summary))
	l.Before, l.After = 3, 3
	blocks := []pdf.Block{para(quiet, pdf.Span{Text: "What the record shows"}), l}
	if len(v.SummaryRows) > 0 {
		from := para(text, append([]pdf.Span{{Text: "From "}}, p.rowLinks(v.SummaryRows)...)...)
		blocks = append(blocks, from)
	}
	if r := p.steps(); r != nil {
		blocks = append(blocks, r)
	}
	p.d.Add(&pdf.Group{Tag: "Sect", Box: &roundBox, Pad: [4]float64{10, 14, 11, 14}, Blocks: blocks})
	p.d.End()
}

// words say what the pages are.
func (p *printer) words() string {
	b := p.b
	s := "The first pages help in finding; the messages behind them are the evidence. They were printed from the octets in data/eml."
	if len(b.redact) > 0 {
		s = fmt.Sprintf("This copy is redacted: where [REDACTED: …] stands, words were taken out and the reason is given. %s kept by whoever made it; the record of the originals is in proof/.",
			plural(b.redactedCount(), "original is", "originals are"))
	}
	if b.hasDark() {
		s += " Attachments in which words cannot be searched for are withheld, unless somebody looked at them; data/attachments-withheld.csv lists them."
	}
	if b.in.Core {
		s += " This is the core: the messages that the summary and the findings rest on. The full bundle has the others; data/population.csv lists them."
	}
	if n := len(b.withheld); n > 0 {
		s += " " + plural(n, "message is", "messages are") + " withheld and listed."
	}
	return s
}

func (b *bag) redactedCount() int {
	n := 0
	for _, x := range b.exhibits {
		if x.redacted {
			n++
		}
	}
	return n
}

// steps are the short version: at most six columns, what each step held below it.
func (p *printer) steps() pdf.Block {
	steps := p.b.in.Trail.Steps(6)
	if len(steps) < 2 {
		return nil
	}
	r := &pdf.Row{Gap: 9, Before: 10}
	for _, s := range steps {
		st := s.Entry.Statement
		sign, color := "●", ink
		switch string(st.Kind) {
		case "change", "caveat":
			sign, color = "◆", amber
		case "confirmation", "approval":
			sign, color = "○", green
		case "dispute":
			sign, color = "■", pencil
		}
		mark := para(styled(pdf.Style{Font: pdf.Sans, Size: 8, Leading: 11}, color), pdf.Span{Text: sign})
		mark.Tag = "Artifact"
		blocks := []pdf.Block{mark, para(small, pdf.Span{Text: title(string(st.Kind)) + " "}, p.to(s.Entry.N, heading))}
		if s.Fact != nil {
			held := para(pdf.Style{Font: pdf.Serif, Size: 9, Leading: 14, Color: ink}, pdf.Span{Text: plain(stepFact(s.Fact.Value)), Mark: yellow, Isolate: true})
			held.Pad[0] = 1
			blocks = append(blocks, held)
		}
		who := plain(st.Speaker.Name)
		if who == "" {
			who = plain(st.Speaker.Address)
		}
		when := "no date"
		if d := st.Message.Date; !d.IsZero() {
			when = d.Format("2 Jan 2006, 15:04")
		}
		blocks = append(blocks, para(small, own(who), pdf.Span{Text: ", " + when}))
		r.Cols = append(r.Cols, col(0, blocks...))
	}
	// One or two steps need not fill the card.
	for len(r.Cols) < 4 {
		r.Cols = append(r.Cols, col(0))
	}
	return &pdf.Group{Blocks: []pdf.Block{&pdf.Rule{Color: line1, Before: 9}, r}}
}

// stepFact writes a day in words.
func stepFact(value string) string {
	day, clock, _ := strings.Cut(value, "T")
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return value
	}
	s := d.Format("Mon 2 Jan 2006")
	if len(clock) >= 5 {
		s += ", " + clock[:5]
	}
	return s
}

// contents lists the parts of the bundle with their pages.
func (p *printer) contents() {
	var parts []string
	add := func(ok bool, title string) {
		if ok {
			parts = append(parts, title)
		}
	}
	add(len(p.v.Findings) > 0, "Findings")
	add(true, "What this was drawn from")
	add(p.b.in.Profile == "insurer", "For the insurer")
	add(true, "The documents")
	add(true, "The trail")
	add(len(p.v.Outside) > 0, "From outside the mail")
	add(len(p.v.LeftOut) > 0, "Left out")
	add(len(p.b.withheld) > 0, "Withheld")
	add(p.hasThreads(), "Thread map")
	add(p.b.hasCertificates(), "Certificates, as drafts")
	add(true, "What is not claimed")
	add(true, "How to check it")
	half := (len(parts) + 1) / 2
	cols := []pdf.Col{col(0), col(0)}
	for i, t := range parts {
		r := &pdf.Row{Rule: line1, Before: 2, Cols: []pdf.Col{
			col(0, para(text, pdf.Span{Text: t, Link: "s:" + t})), {Width: 34, Blocks: []pdf.Block{&pdf.Para{Style: text, Align: pdf.End, Spans: []pdf.Span{page("s:"+t, text)}}}}}}
		cols[i/half].Blocks = append(cols[i/half].Blocks, r)
	}
	h := para(heading, pdf.Span{Text: "In this bundle"})
	h.After = 3
	p.d.Add(&pdf.Group{Tag: "Sect", Before: 14, Blocks: []pdf.Block{h, &pdf.Row{Gap: 24, Cols: cols}}})
}
