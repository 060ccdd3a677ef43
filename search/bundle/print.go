package bundle

import (
	"archive/zip"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"inwriting/search/bundle/pdf"
	"inwriting/search/trail"
)

// The printed page in its colours and sizes; design/screens/11 is what it follows.
var (
	ink, ink2, ink3      = pdf.RGB(0x1E1B17), pdf.RGB(0x4F4941), pdf.RGB(0x6B645A)
	line1, line2         = pdf.RGB(0xE6E0D5), pdf.RGB(0xCFC7B9)
	white, carbon        = pdf.RGB(0xFFFFFF), pdf.RGB(0xF7F4ED)
	yellow               = pdf.RGB(0xFCE8A2)
	pencil, amber, green = pdf.RGB(0xAE2A1E), pdf.RGB(0x7E4C00), pdf.RGB(0x14664A)
	blue, blueWash       = pdf.RGB(0x1D4E89), pdf.RGB(0xEAF0F7)

	h1      = pdf.Style{Font: pdf.SansBold, Size: 16.5, Leading: 22, Color: ink}
	h2      = pdf.Style{Font: pdf.SansBold, Size: 11.5, Leading: 16, Color: ink}
	asked   = pdf.Style{Font: pdf.Serif, Size: 13, Leading: 18.5, Color: ink}
	lead    = pdf.Style{Font: pdf.SansBold, Size: 10, Leading: 15, Color: ink}
	text    = pdf.Style{Font: pdf.Sans, Size: 8.5, Leading: 13, Color: ink2}
	strong  = pdf.Style{Font: pdf.SansBold, Size: 8.5, Leading: 13, Color: ink}
	quiet   = pdf.Style{Font: pdf.Sans, Size: 8, Leading: 12, Color: ink3}
	small   = pdf.Style{Font: pdf.Sans, Size: 7.5, Leading: 11, Color: ink3}
	heading = pdf.Style{Font: pdf.SansBold, Size: 7.5, Leading: 11, Color: ink}
	words   = pdf.Style{Font: pdf.Serif, Size: 10, Leading: 15, Color: ink}
	code    = pdf.Style{Font: pdf.Mono, Size: 6.2, Leading: 11, Color: ink2}
)

var roundBox = pdf.Box{Fill: white, Stroke: line2, Radius: 6}

func styled(s pdf.Style, c pdf.Color) pdf.Style { s.Color = c; return s }

// own is what somebody else wrote, between our words: its direction is its own.
func own(s string) pdf.Span { return pdf.Span{Text: s, Isolate: true} }

func para(s pdf.Style, spans ...pdf.Span) *pdf.Para { return &pdf.Para{Style: s, Spans: spans} }

func col(w float64, bs ...pdf.Block) pdf.Col { return pdf.Col{Width: w, Blocks: bs} }

// printer draws the bundle as a PDF.
type printer struct {
	d *pdf.Document
	v *pageView
	b *bag

	numbers map[int]bool               // of the statements
	said    map[*exhibit][]trail.Entry // by message
}

// printed writes the whole bundle on numbered pages: what the record shows, an index,
// the chronology, every message, and what a reader needs to judge them.
func (b *bag) printed() error {
	e, err := b.p.create("data/bundle.pdf", quick, zip.Deflate)
	if err != nil {
		return err
	}
	v := b.view()
	opt := pdf.Options{Title: v.Title + ": what the e-mails say", Producer: "inwriting " + b.in.Version, Created: b.time,
		Footer: plain(b.in.Title) + " · drawn from mailbox copies by inwriting", Paper: b.paper(), First: b.in.First, Number: "Bundle p. %d of %d"}
	if len(b.redact) > 0 {
		opt.Footer += " · redacted"
		opt.Inspect = func(text string) { b.gate("data/bundle.pdf", text) }
	}
	p := &printer{d: pdf.New(e, opt), v: v, b: b, numbers: map[int]bool{}, said: map[*exhibit][]trail.Entry{}}
	for _, e := range b.in.Trail.Entries {
		p.numbers[e.N] = true
		x := b.byRef[e.Statement.Message.Ref]
		p.said[x] = append(p.said[x], e)
	}
	p.front()
	p.contents()
	p.findings()
	p.drawnFrom()
	p.insured()
	p.documents()
	p.trail()
	for i, x := range b.exhibits {
		b.tell("pages", i, len(b.exhibits))
		p.exhibit(x)
	}
	p.d.NewPage()
	p.outside()
	p.leftOut()
	p.withheld()
	p.threads()
	p.certificates()
	p.check()
	if err := p.d.Close(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	b.pages = p.d.Destinations()
	b.sum.PDFSize, b.sum.Pages, b.sum.Unshown = e.done().size, p.d.Pages(), p.d.Unshown()
	for _, f := range p.d.Fonts() {
		b.fonts = append(b.fonts, indexFont{f.Name, f.SHA256, f.Licence})
	}
	return nil
}

func (b *bag) paper() pdf.Paper {
	if b.in.Profile == "court-us" {
		return pdf.Letter
	}
	return pdf.A4
}

func (b *bag) paperName() string {
	if b.in.Profile == "court-us" {
		return "Letter"
	}
	return "A4"
}

// page writes the number of the page on which something stands, leading there.
func page(dest string, s pdf.Style) pdf.Span { return pdf.Span{Page: dest, Link: dest, Style: s} }

// section begins one with a heading and a bookmark. keep is what must stand below
// it on the same page.
func (p *printer) section(title string, keep float64) {
	p.d.Begin("Sect", nil)
	h := sectionHead(title)
	h.Keep = keep
	p.d.Add(h)
}

func sectionHead(title string) *pdf.Para {
	return &pdf.Para{Style: h2, Spans: []pdf.Span{{Text: title}}, Tag: "H2", Bookmark: title, Dest: "s:" + title, Before: 16, After: 6}
}

// to leads to a numbered statement; one that is not here is only named.
func (p *printer) to(n int, s pdf.Style) pdf.Span {
	span := pdf.Span{Text: fmt.Sprint(n), Style: s}
	if p.numbers[n] {
		span.Link = fmt.Sprintf("n%d", n)
	}
	return span
}

func (p *printer) rowLinks(ns []int) []pdf.Span {
	var out []pdf.Span
	for i, n := range ns {
		if i > 0 {
			out = append(out, pdf.Span{Text: ", "})
		}
		out = append(out, p.to(n, strong))
	}
	return out
}

// row is a table row of short texts; a header when th.
func tableRow(widths []float64, th bool, cells ...*pdf.Para) *pdf.Row {
	r := &pdf.Row{Tag: "TR", Gap: 8, Rule: line1, Before: 3, After: 0}
	tag := "TD"
	if th {
		tag, r.Rule = "TH", line2
	}
	for i, c := range cells {
		c.After = 3
		r.Cols = append(r.Cols, pdf.Col{Width: widths[i], Tag: tag, Blocks: []pdf.Block{c}})
	}
	return r
}

func headings(names ...string) []*pdf.Para {
	var out []*pdf.Para
	for _, n := range names {
		out = append(out, para(heading, pdf.Span{Text: n}))
	}
	return out
}

func cells(ss ...string) []*pdf.Para {
	var out []*pdf.Para
	for _, s := range ss {
		out = append(out, para(small, own(s)))
	}
	return out
}

func (p *printer) drawnFrom() {
	p.section("What this was drawn from", 90)
	widths := []float64{0, 62, 36, 28, 98, 108}
	p.d.Begin("Table", tableRow(widths, true, headings("Mailbox", "State", "Folders", "Kept", "Period", "Last read")...))
	for _, m := range p.v.Mailboxes {
		state := m.State
		if m.Detail != "" {
			state += ": " + m.Detail
		}
		p.d.Add(tableRow(widths, false, cells(m.Address, state, m.Folders, fmt.Sprint(m.Kept), m.Period, m.LastRead)...))
	}
	p.d.End()
	if len(p.v.Mailboxes) == 0 {
		p.d.Add(para(text, pdf.Span{Text: "No mailbox was searched."}))
	}
	p.list(append(append([]string{}, p.v.Missing...), notSeen), 8)
	p.d.End()
}

// list is one with bullets.
func (p *printer) list(items []string, before float64) {
	p.d.Begin("L", nil)
	for _, s := range items {
		dot := para(styled(text, ink3), pdf.Span{Text: "•"})
		dot.Tag = "Lbl"
		body := col(0, para(text, own(s)))
		body.Tag = "LBody"
		p.d.Add(&pdf.Row{Tag: "LI", Gap: 4, Before: before, After: 2, Cols: []pdf.Col{col(8, dot), body}})
		before = 0
	}
	p.d.End()
}

const timeWidth = 50.0

func (p *printer) trail() {
	if len(p.v.Rows) == 0 {
		p.section("The trail", 40)
		p.d.Add(para(text, pdf.Span{Text: "Nothing in writing was found."}))
		p.d.End()
		return
	}
	p.d.Begin("Sect", nil)
	head := []pdf.Block{sectionHead("The trail")} // what stays with the next letter
	for i := range p.v.Rows {
		r := &p.v.Rows[i]
		if r.Gap != "" {
			g := para(styled(small, amber), pdf.Span{Text: r.Gap})
			head = append(head, &pdf.Row{Before: 2, After: 8, Cols: []pdf.Col{col(timeWidth), col(0, &pdf.Group{Box: &pdf.Box{Bar: amber}, Pad: [4]float64{2, 8, 2, 8}, Blocks: []pdf.Block{g}})}})
		}
		if r.Day != "" {
			h := para(pdf.Style{Font: pdf.SansBold, Size: 9.5, Leading: 14, Color: ink}, pdf.Span{Text: r.Day})
			h.Tag = "H3"
			head = append(head, &pdf.Group{Before: 7, After: 5, Pad: [4]float64{0, 0, 0, timeWidth}, Blocks: []pdf.Block{h}})
		}
		p.d.Add(&pdf.Group{Blocks: append(head, p.letter(r))})
		head = nil
	}
	p.d.End()
}

// letter is a message with what was said in it.
func (p *printer) letter(r *rowView) pdf.Block {
	clock := para(pdf.Style{Font: pdf.SansBold, Size: 9, Leading: 12, Color: ink}, pdf.Span{Text: r.Clock})
	clock.Before = 9
	times := []pdf.Block{clock, para(styled(pdf.Style{Font: pdf.Sans, Size: 6.5, Leading: 9}, ink3), pdf.Span{Text: r.Zone})}

	box := roundBox
	indent := 0.0
	badge := &pdf.Para{Style: pdf.Style{Font: pdf.SansBold, Size: 7, Leading: 13, Color: ink}, Align: pdf.Center, Pad: [2]float64{0, 1.5}, Tag: "Artifact", Spans: []pdf.Span{own(initials(r.Name))}}
	switch r.Role {
	case string(trail.Us):
		box.Fill, indent = carbon, 14
		badge.Box = &pdf.Box{Fill: white, Stroke: ink, Radius: 8}
	case string(trail.Client):
		badge.Box = &pdf.Box{Fill: ink, Radius: 4}
		badge.Style.Color = white
	default:
		box.Dashed = true
		badge.Box = &pdf.Box{Stroke: ink3, Dashed: true, Radius: 8}
	}
	who := []pdf.Span{{Text: r.Name, Isolate: true, Style: strong}, {Text: "  " + r.RoleWord + " "}, own(r.Address)}
	if r.To != "" {
		who = append(who, pdf.Span{Text: " to "}, own(r.To))
	}
	wp := para(quiet, who...)
	wp.Before = 2
	blocks := []pdf.Block{&pdf.Row{Gap: 7, After: 5, Cols: []pdf.Col{col(16, badge), col(0, wp)}}}
	for i, s := range r.Said {
		if i > 0 {
			blocks = append(blocks, &pdf.Rule{Color: line1, Before: 5, After: 6})
		}
		n := &pdf.Para{Style: pdf.Style{Font: pdf.SansBold, Size: 7.5, Leading: 11, Color: ink}, Align: pdf.Center, Pad: [2]float64{1, 1.5}, Box: &pdf.Box{Fill: white, Stroke: line2, Radius: 3},
			Before: 1, Spans: []pdf.Span{{Text: fmt.Sprint(s.N)}}}
		quote := []pdf.Span{{Text: "“"}}
		for _, q := range s.Quote {
			span := own(q.Text)
			if q.Fact != "" {
				span.Mark = yellow
			}
			quote = append(quote, span)
		}
		quote = append(quote, pdf.Span{Text: "”"})
		if len(s.Quote) == 1 { // one direction for the marks too
			quote = []pdf.Span{{Text: "“" + s.Quote[0].Text + "”", Mark: quote[1].Mark}}
			if s.Quote[0].Fact == "" {
				quote[0].Mark = 0
			}
		}
		n.Spans[0].Link = fmt.Sprintf("q%d", s.N)
		kind := &pdf.Para{Style: pdf.Style{Font: pdf.Sans, Size: 7.5, Leading: 11, Color: kindColor(s.Kind)}, Hug: true, Pad: [2]float64{5, 1}, Box: &pdf.Box{Fill: blueWash, Stroke: line2, Radius: 4}, Before: 1, After: 2,
			Spans: []pdf.Span{{Text: s.KindWord}}}
		side := []pdf.Block{kind}
		for _, l := range s.Links {
			line := styled(small, linkColor(l.Rel))
			side = append(side, para(line, pdf.Span{Text: l.Word + " "}, p.to(l.N, styled(heading, line.Color))))
			if l.After != "" {
				side = append(side, para(small, pdf.Span{Text: strings.TrimPrefix(l.After, ", ")}))
			}
		}
		blocks = append(blocks, &pdf.Row{Gap: 9, Dest: fmt.Sprintf("n%d", s.N), Cols: []pdf.Col{col(20, n), {Tag: "BlockQuote", Blocks: []pdf.Block{para(words, p.blackened(words, quote)...)}}, col(96, side...)}})
	}
	foot := para(small, pdf.Span{Text: r.Exhibit, Link: r.Exhibit, Style: heading}, pdf.Span{Text: "  ·  "}, own(r.Subject), pdf.Span{Text: "  ·  "}, own(r.Place), pdf.Span{Text: fmt.Sprintf("  ·  ledger entry %d  ·  ", r.Ledger)},
		pdf.Span{Text: "p.\u00a0", Link: r.Exhibit, Style: heading}, page(r.Exhibit, heading))
	foot.Before = 5
	blocks = append(blocks, &pdf.Group{Pad: [4]float64{0, 0, 0, 29}, Blocks: []pdf.Block{foot}})

	mark := r.Exhibit + ", " + r.Moment + ", " + r.Name
	return &pdf.Row{Tag: "Sect", After: 7, Cols: []pdf.Col{col(timeWidth+indent, times...),
		col(0, &pdf.Group{Box: &box, Pad: [4]float64{8, 12, 7, 11}, Bookmark: mark, Level: 1, Blocks: blocks})}}
}

func kindColor(kind string) pdf.Color {
	switch kind {
	case "dispute":
		return pencil
	case "change", "caveat":
		return amber
	case "confirmation", "approval":
		return green
	}
	return blue
}

// initials are two letters at most.
func initials(name string) string {
	var out []rune
	for _, w := range strings.Fields(name) {
		if r, _ := utf8.DecodeRuneInString(w); unicode.IsLetter(r) {
			out = append(out, unicode.ToUpper(r))
		}
	}
	switch len(out) {
	case 0:
		return "?"
	case 1:
		return string(out)
	}
	return string([]rune{out[0], out[len(out)-1]})
}

// documents is the index: every document with the page it begins on.
func (p *printer) documents() {
	p.section("The documents", 70)
	widths := []float64{32, 96, 150, 0, 34}
	names := headings("No.", "Date", "From and to", "Subject", "Page")
	names[4].Align = pdf.End
	p.d.Begin("Table", tableRow(widths, true, names...))
	for _, x := range p.b.exhibits {
		no := para(small, pdf.Span{Text: x.name, Link: x.name, Style: heading})
		from := plain(x.Info.From)
		if to := plain(strings.Join(x.Info.To, ", ")); to != "" {
			from += " to " + to
		}
		c := append([]*pdf.Para{no}, cells(moment(x.Info.Date), clip(from, 90), clip(plain(x.Info.Subject), 120))...)
		c[3].Spans[0].Link = x.name
		c = append(c, &pdf.Para{Style: small, Align: pdf.End, Spans: []pdf.Span{page(x.name, heading)}})
		p.d.Add(tableRow(widths, false, c...))
	}
	p.d.End()
	if len(p.b.exhibits) == 0 {
		p.d.Add(para(text, pdf.Span{Text: "There are none."}))
	}
	p.d.End()
}

// clip cuts what would make a row of a list into a page.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (p *printer) outside() {
	if len(p.v.Outside) == 0 {
		return
	}
	p.section("From outside the mail", 90)
	about := para(quiet, pdf.Span{Text: outsideNote})
	about.After = 4
	p.d.Add(about)
	widths := []float64{32, 0, 100, 92, 128}
	p.d.Begin("Table", tableRow(widths, true, headings("No.", "File", "Note", "Taken in", "SHA-256")...))
	for _, x := range p.v.Outside {
		c := cells(x.Name, x.Title, x.Note, x.Taken)
		p.d.Add(tableRow(widths, false, append(c, para(code, pdf.Span{Text: x.SHA}))...))
	}
	p.d.End()
	p.d.End()
}

func (p *printer) leftOut() {
	if len(p.v.LeftOut) == 0 {
		return
	}
	p.section("Left out", 40)
	p.list(p.v.LeftOut, 0)
	p.d.End()
}

func (p *printer) check() {
	p.section("What is not claimed", 60)
	p.list(notClaimed(), 0)
	p.d.End()
	p.section("How to check it", 60)
	p.d.Add(para(text, pdf.Span{Text: checkNote}))
	seal := para(quiet, pdf.Span{Text: fmt.Sprintf("Sealed in the ledger %s of %d entries, root ", plain(p.v.Origin), p.v.Size)}, pdf.Span{Text: p.v.Root, Style: code}, pdf.Span{Text: ", signed with the key "}, pdf.Span{Text: p.v.KeyID, Style: code}, pdf.Span{Text: "."})
	seal.Before = 4
	p.d.Add(seal)
	p.d.End()
}

// notClaimed are the items of VERIFY.txt's last section: they are written once.
func notClaimed() []string {
	data, err := files.ReadFile("files/VERIFY.txt")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(data), "WHAT IS NOT CLAIMED\n===================\n")
	var out []string
	for _, item := range strings.Split("\n"+strings.TrimSpace(rest), "\n- ")[1:] {
		out = append(out, strings.Join(strings.Fields(item), " "))
	}
	return out
}
