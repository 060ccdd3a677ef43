package bundle

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"inwriting/indexer/message"
	"inwriting/search/bundle/pdf"
	"inwriting/search/trail"
)

// How the zones of a message look: what its author wrote stands out, history is
// grey and never left out.
var (
	quotedStyle = pdf.Style{Font: pdf.Serif, Size: 9, Leading: 13.5, Color: ink3}
	passedStyle = pdf.Style{Font: pdf.Serif, Size: 9.5, Leading: 14, Color: ink2}
	signStyle   = pdf.Style{Font: pdf.Sans, Size: 8, Leading: 12, Color: ink3}
	legalStyle  = pdf.Style{Font: pdf.Sans, Size: 7, Leading: 10, Color: ink3}
	subjectHead = pdf.Style{Font: pdf.Serif, Size: 14, Leading: 19, Color: ink}
	badgeStyle  = pdf.Style{Font: pdf.SansBold, Size: 8, Leading: 12, Color: white}
)

const margin = 22.0 // of the numbers beside the text of a message

// exhibit prints one message from a new page on.
func (p *printer) exhibit(x *exhibit) {
	d := p.d
	d.NewPage()
	if x == p.b.exhibits[0] {
		d.Mark("The messages", 0)
	}
	d.Begin("Sect", nil)
	p.strip(x)
	x.first = d.Pages() - 1 + p.b.in.First
	subject := x.m.Subject
	if strings.TrimSpace(subject) == "" {
		subject = "(no subject)"
	}
	h := para(subjectHead, p.blackened(subjectHead, []pdf.Span{own(plain(subject))})...)
	h.Tag, h.Before, h.After = "H2", 10, 6
	d.Add(h)
	p.headers(x)
	d.Add(&pdf.Rule{Color: line2, Before: 6, After: 9})
	p.body(x)
	p.otherwise(x)
	p.attachments(x)
	p.provenance(x)
	d.End()
	x.last = d.Pages() - 1 + p.b.in.First
}

// strip is the line at the head of a message.
func (p *printer) strip(x *exhibit) {
	badge := &pdf.Para{Style: badgeStyle, Align: pdf.Center, Box: &pdf.Box{Fill: ink, Radius: 4}, Pad: [2]float64{2, 2}, Spans: []pdf.Span{{Text: x.name}}}
	id := para(small, pdf.Span{Text: "SHA-256 "}, pdf.Span{Text: x.Ref.Hex()[:16], Style: code}, pdf.Span{Text: fmt.Sprintf(" …  ·  ledger entry %d", x.LedgerIndex)})
	id.Before = 2.5
	right := "as it came"
	switch {
	case x.redacted:
		right = "redacted"
	case x.converted != "":
		right = "converted"
	case x.seen.StandIn:
		right = "stand-in"
	}
	if ns := p.said[x]; len(ns) > 0 {
		right += "  ·  "
	}
	spans := []pdf.Span{{Text: right}}
	for i, e := range p.said[x] {
		if i == 0 {
			spans = append(spans, pdf.Span{Text: "trail "})
		} else {
			spans = append(spans, pdf.Span{Text: ", "})
		}
		if i == 12 {
			spans = append(spans, pdf.Span{Text: "…"})
			break
		}
		spans = append(spans, p.to(e.N, heading))
	}
	side := para(small, spans...)
	side.Align, side.Before = pdf.End, 2.5
	mark := x.name + ", " + moment(x.Info.Date) + ", " + plain(x.Info.From)
	p.d.Add(&pdf.Group{Box: &pdf.Box{Fill: carbon, Stroke: line2, Radius: 6}, Pad: [4]float64{4, 9, 4, 5}, Dest: x.name, Bookmark: mark, Level: 1, Blocks: []pdf.Block{
		&pdf.Row{Gap: 9, Cols: []pdf.Col{col(44, badge), col(0, id), col(170, side)}}}})
}

// fieldRow is a name and what it says.
func fieldRow(name string, w float64, blocks ...pdf.Block) pdf.Block {
	return &pdf.Row{Gap: 8, After: 2, Cols: []pdf.Col{col(w, para(quiet, pdf.Span{Text: name})), col(0, blocks...)}}
}

func (p *printer) headers(x *exhibit) {
	const w = 50
	for _, l := range []struct {
		name string
		list []message.Address
	}{{"From", x.m.From}, {"To", x.m.To}, {"Cc", x.m.Cc}, {"Bcc", x.m.Bcc}} {
		if len(l.list) == 0 {
			continue
		}
		var spans []pdf.Span
		for i, a := range l.list {
			if i > 0 {
				spans = append(spans, pdf.Span{Text: ", "})
			}
			if a.Name != "" {
				spans = append(spans, pdf.Span{Text: plain(a.Name), Isolate: true, Style: strong}, pdf.Span{Text: " "})
			}
			spans = append(spans, own("<"+plain(a.Address)+">"))
		}
		p.d.Add(fieldRow(l.name, w, para(text, spans...)))
	}
	at := para(text, own(orNone(plain(x.m.DateRaw))))
	blocks := []pdf.Block{at}
	if t := x.Info.Date; !t.IsZero() {
		blocks = append(blocks, para(quiet, pdf.Span{Text: t.Format("Monday 2 January 2006, 15:04:05") + ", UTC" + t.Format("-07:00") + ", which is " + t.UTC().Format("2 January 2006, 15:04:05") + " UTC"}))
	}
	if n := x.dateNote(); n != "" {
		blocks = append(blocks, para(styled(quiet, amber), pdf.Span{Text: n}))
	}
	p.d.Add(fieldRow("Date", w, blocks...))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// said is a statement in the text of its message, in bytes.
type said struct{ n, from, to int }

// spots are where a message's statements stand in its text.
func (p *printer) spots(x *exhibit) []said {
	var out []said
	entries := slices.Clone(p.said[x])
	slices.SortStableFunc(entries, func(a, b trail.Entry) int { return a.Statement.Start - b.Statement.Start })
	at, runes := 0, 0
	to := func(n int) int {
		for runes < n && at < len(x.Text) {
			_, size := utf8.DecodeRuneInString(x.Text[at:])
			at += size
			runes++
		}
		return at
	}
	for _, e := range entries {
		if e.Statement.Start < runes { // they overlap
			at, runes = 0, 0
		}
		from := to(e.Statement.Start)
		out = append(out, said{e.N, from, to(e.Statement.End)})
	}
	return out
}

// body prints the text, zone by zone, with the statements of the trail marked and
// numbered where they stand.
func (p *printer) body(x *exhibit) {
	if strings.TrimSpace(x.Text) == "" {
		p.d.Add(para(quiet, pdf.Span{Text: "The message has no text."}))
		return
	}
	if x.m.FromHTML {
		n := para(quiet, pdf.Span{Text: "This is the text of the message’s HTML, without its layout. Nothing was loaded from elsewhere."})
		n.After = 6
		p.d.Add(n)
	}
	spots := p.spots(x)
	for _, z := range textZones(x) {
		style, bar := words, pdf.Color(0)
		switch z.Kind {
		case message.Quoted:
			style, bar = quotedStyle, line2
		case message.Forwarded:
			style, bar = passedStyle, line2
		case message.Signature:
			style = signStyle
		case message.Legal:
			style = legalStyle
		}
		p.zone(x, z.Start, z.End, style, bar, spots)
	}
	if x.m.Truncated {
		p.d.Add(para(styled(quiet, amber), pdf.Span{Text: "The text goes on in the original; it is printed up to here."}))
	}
}

// textZones are the zones as far as they fit the text.
func textZones(x *exhibit) []message.Zone {
	var out []message.Zone
	at := 0
	for _, z := range x.m.Zones {
		if z.Start != at || z.End < z.Start || z.End > len(x.Text) {
			break
		}
		out = append(out, z)
		at = z.End
	}
	if at < len(x.Text) {
		out = append(out, message.Zone{Kind: message.New, Start: at, End: len(x.Text)})
	}
	return out
}

// zone prints a stretch of the text in pieces of a few lines, so that pages fill.
func (p *printer) zone(x *exhibit, from, to int, style pdf.Style, bar pdf.Color, spots []said) {
	const most = 10 // lines of a piece
	start, lines := from, 0
	flush := func(end int) {
		if end > start {
			p.piece(x, start, end, style, bar, spots)
		}
		start, lines = end, 0
	}
	for at := from; at < to; {
		end := to
		if i := strings.IndexByte(x.Text[at:to], '\n'); i >= 0 {
			end = at + i + 1
		}
		if at > start && slices.ContainsFunc(spots, func(s said) bool { return s.from >= at && s.from < end }) {
			flush(at)
		}
		lines++
		at = end
		if lines >= most || strings.TrimSpace(x.Text[start:at]) != "" && strings.TrimSpace(x.Text[at:min(at+1, to)]) == "" {
			flush(at)
		}
	}
	flush(to)
}

// piece prints some lines with the numbers of the statements that begin in them.
func (p *printer) piece(x *exhibit, from, to int, style pdf.Style, bar pdf.Color, spots []said) {
	for from < to && x.Text[from] == '\n' {
		from++
	}
	end := from + len(strings.TrimRight(x.Text[from:to], "\n "))
	before := 0.0
	if from > 0 && strings.HasSuffix(x.Text[:from], "\n\n") {
		before = style.Leading * 0.6
	}
	if from >= end {
		return
	}
	var spans []pdf.Span
	var nums []said
	at := from
	for _, s := range spots {
		a, z := max(s.from, at), min(s.to, end)
		if s.from >= from && s.from < end {
			nums = append(nums, s)
		}
		if a >= z {
			continue
		}
		if a > at {
			spans = append(spans, pdf.Span{Text: x.Text[at:a]})
		}
		spans = append(spans, pdf.Span{Text: x.Text[a:z], Mark: yellow})
		at = z
	}
	if at < end {
		spans = append(spans, pdf.Span{Text: x.Text[at:end]})
	}
	tx := para(style, p.blackened(style, spans)...)
	if bar != 0 {
		tx.Tag = "BlockQuote"
	}
	var block pdf.Block = tx
	if bar != 0 {
		block = &pdf.Group{Box: &pdf.Box{Bar: bar}, Pad: [4]float64{1, 0, 1, 8}, Blocks: []pdf.Block{tx}}
	}
	if len(nums) == 0 {
		p.d.Add(&pdf.Group{Before: before, Pad: [4]float64{0, 0, 0, margin + 8}, Blocks: []pdf.Block{block}})
		return
	}
	var chips []pdf.Block
	for _, n := range nums {
		chips = append(chips, &pdf.Para{Style: pdf.Style{Font: pdf.SansBold, Size: 7, Leading: 10, Color: ink}, Align: pdf.Center, Pad: [2]float64{1, 1}, Box: &pdf.Box{Fill: white, Stroke: line2, Radius: 3},
			Before: 1.5, Dest: fmt.Sprintf("q%d", n.n), Spans: []pdf.Span{p.to(n.n, pdf.Style{Font: pdf.SansBold, Size: 7, Leading: 10, Color: ink})}})
	}
	p.d.Add(&pdf.Row{Gap: 8, Before: before, Cols: []pdf.Col{col(margin, chips...), col(0, block)}})
}

// blackened shows what stands for redacted words as a label that nobody overlooks.
func (p *printer) blackened(style pdf.Style, spans []pdf.Span) []pdf.Span {
	if len(p.b.redact) == 0 {
		return spans
	}
	var out []pdf.Span
	for _, s := range spans {
		for s.Text != "" {
			at, token := -1, ""
			for _, r := range p.b.redact {
				if i := strings.Index(s.Text, r.token); i >= 0 && (at < 0 || i < at) {
					at, token = i, r.token
				}
			}
			if at < 0 {
				break
			}
			before, label := s, s
			before.Text, label.Text, label.Mark = s.Text[:at], token, ink
			if label.Style.Size == 0 {
				label.Style = style
			}
			label.Style.Color = white
			if at > 0 {
				out = append(out, before)
			}
			out = append(out, label)
			s.Text = s.Text[at+len(token):]
		}
		if s.Text != "" {
			out = append(out, s)
		}
	}
	return out
}

func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return plural(int(n), "octet", "octets")
}

func (p *printer) attachments(x *exhibit) {
	if len(x.files) == 0 {
		return
	}
	h := para(strong, pdf.Span{Text: plural(len(x.files), "attachment", "attachments")})
	h.Before, h.After, h.Tag, h.Keep = 14, 2, "H3", 40
	p.d.Add(h)
	widths := []float64{0, 92, 46, 128}
	p.d.Begin("Table", tableRow(widths, true, headings("Name", "Type", "Size", "SHA-256")...))
	for _, a := range x.files {
		name := plain(a.Name)
		switch {
		case name == "":
			name = "(no name)"
		}
		c := cells(clip(name, 120), a.ContentType, size(a.Size))
		if a.why != "" {
			c[0].Spans = append(c[0].Spans, pdf.Span{Text: ", only in the message: " + a.why, Style: styled(small, amber)})
			if x.redacted {
				c[0].Spans[1].Text = ", withheld: " + a.why
			}
		}
		p.d.Add(tableRow(widths, false, append(c, para(code, pdf.Span{Text: a.SHA256}))...))
	}
	p.d.End()
	if slices.ContainsFunc(x.m.Defects, func(d message.Defect) bool { return d.Code == "too-many-parts" }) {
		p.d.Add(para(styled(quiet, amber), pdf.Span{Text: "The message has more than these; they are in the original only."}))
	}
}

// provenance says where the message was found, and what is known of how it came.
func (p *printer) provenance(x *exhibit) {
	const w = 92
	line := func(name, s string) pdf.Block { return fieldRow(name, w, para(small, own(s))) }
	var blocks []pdf.Block
	for i, o := range x.Info.Occurrences {
		if i == 6 {
			blocks = append(blocks, line("", plural(len(x.Info.Occurrences)-i, "more place", "more places")))
			break
		}
		s := plain(fmt.Sprintf("%s, folder %s, UID %d", o.Mailbox, o.Folder, o.UID))
		if o.UID == x.seen.UID && x.seen.UIDValidity > 1 {
			s += fmt.Sprintf(" of UIDVALIDITY %d", x.seen.UIDValidity)
		}
		if o.Gone {
			s += "; no longer on the server, kept here"
		}
		name := "Found in"
		if i > 0 {
			name = ""
		}
		blocks = append(blocks, line(name, s))
	}
	when := "collected " + moment(x.logged.UTC())
	if t := x.internal(); !t.IsZero() {
		when = "received by the server " + moment(t) + "; " + when + ", " + humanLag(x)
	}
	blocks = append(blocks, line("When", when))
	blocks = append(blocks, line("Signature (DKIM)", p.dkim(x)))
	if s := x.stated(); s != "" {
		blocks = append(blocks, line("Receiving server says", clip(s, 260)))
	}
	blocks = append(blocks, line("Message-ID", orNone(plain(x.m.MessageID))))
	if len(x.m.InReplyTo) > 0 {
		blocks = append(blocks, line("In reply to", clip(plain(strings.Join(x.m.InReplyTo, " ")), 200)))
	}
	if v := p.b.variants(x); len(v) > 0 {
		blocks = append(blocks, line("Same Message-ID", strings.Join(v, ", ")+": other octets, shown there"))
	}
	sum := "SHA-256"
	if x.redacted {
		sum = "SHA-256 of the original"
	}
	blocks = append(blocks, fieldRow(sum, w, para(code, pdf.Span{Text: x.Ref.Hex()})))
	if x.converted != "" {
		blocks = append(blocks, line("Converted", clip(x.converted, 200)+". The octets to rely on are those it was made from."))
	}
	if x.seen.StandIn {
		blocks = append(blocks, line("Stand-in", "the server could not give this message; these octets are what it gave in its place"))
	}
	if x.seen.Relinked != "" {
		blocks = append(blocks, line("Known by", plain(x.seen.Relinked)+", and not fetched again"))
	}
	if x.redacted {
		what := "the original and its attachments are not in this copy"
		if !x.blacked {
			what = "nothing was taken out of its text; the original is not in this copy, since it holds what cannot be searched for words"
		}
		blocks = append(blocks, line("Redacted", what+". It is kept, and proof/"+x.name+".entry names its hash"))
	}
	p.d.Add(&pdf.Group{Tag: "Sect", Box: &pdf.Box{Stroke: line1, Radius: 6}, Before: 16, Pad: [4]float64{7, 10, 6, 10}, Blocks: blocks})
}

func humanLag(x *exhibit) string {
	d := x.logged.Sub(x.internal())
	switch {
	case d < 0:
		return "before that, by this machine's clock"
	case d.Hours() < 1:
		return plural(int(d.Minutes()), "minute", "minutes") + " later"
	case d.Hours() < 48:
		return plural(int(d.Hours()), "hour", "hours") + " later"
	}
	return plural(int(d.Hours()/24), "day", "days") + " later"
}

// dkim says it in words: what was checked, when, and what it does not cover.
func (p *printer) dkim(x *exhibit) string {
	a := x.Auth
	if a == nil {
		return "nothing was recorded at arrival; the message has it, if it was signed"
	}
	if len(a.Signatures) == 0 {
		return plain(strings.TrimSuffix(a.State+": "+a.Why, ": "))
	}
	var out []string
	for _, s := range a.Signatures {
		t := fmt.Sprintf("%s, by the domain %s", s.State, s.Domain)
		if s.Why != "" {
			t += " (" + s.Why + ")"
		}
		if s.Uncovered != "" {
			t += "; not covered: " + s.Uncovered
		}
		out = append(out, t)
	}
	return plain(strings.Join(out, ". ") + ". It vouches for a domain, not for a person.")
}
