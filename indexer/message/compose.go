package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// compose chooses and converts the text and cuts it into zones.
func (p *parser) compose() {
	chosen := p.choose()
	var b composer
	for i := range p.leaves {
		l := &p.leaves[i]
		switch {
		case chosen[i]:
			text, says := p.convert(l)
			p.m.FromHTML = p.m.FromHTML || l.typ == "text/html"
			b.add(text, says)
		case l.inside:
		case l.named:
			if l.part.SHA256 == "" {
				sum := sha256.Sum256(l.data)
				l.part.SHA256 = hex.EncodeToString(sum[:])
			}
			p.addPart(l.part)
		}
		l.data = nil
	}
	text, hints := string(b.text), b.hints
	if len(text) > MaxText {
		cut := strings.LastIndexByte(text[:MaxText], '\n') + 1
		if cut == 0 {
			for cut = MaxText; cut > 0 && !utf8.RuneStart(text[cut]); cut-- {
			}
		}
		text = strings.Clone(text[:cut])
		p.m.Truncated = true
	}
	if p.m.Truncated {
		p.defect("text-truncated", "the text is longer than %d octets and was cut", MaxText)
	}
	p.m.Text = text
	switch {
	case strings.Contains(text, "-----BEGIN PGP MESSAGE-----"):
		p.defect("encrypted", "the text is encrypted (OpenPGP)")
	}
	p.m.Zones = zones(text, hints, authorOfMail(p.m.From), passedOn(p.m.Subject))
	p.m.tinted(b.runs)
	p.sortParts()
}

// sortParts brings named texts, which are filed last, to their place.
func (p *parser) sortParts() {
	ps := p.m.Parts
	for i := 1; i < len(ps); i++ {
		for j := i; j > 0 && numberLess(ps[j].Number, ps[j-1].Number); j-- {
			ps[j], ps[j-1] = ps[j-1], ps[j]
		}
	}
}

// numberLess compares part numbers: "2" before "10", "1" before "1.1".
func numberLess(a, b string) bool {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x != y {
			if len(x) != len(y) {
				return len(x) < len(y)
			}
			return x < y
		}
	}
	return a == "" && b != ""
}

// choose tells which leaves make the text. Of alternatives (RFC 2046 section
// 5.1.4) the plain one wins where it says something; named leaves are attachments
// unless there is nothing else.
func (p *parser) choose() []bool {
	chosen := make([]bool, len(p.leaves))
	any := false
	for i := range p.leaves {
		l := &p.leaves[i]
		if l.named {
			continue
		}
		if l.alt == 0 {
			chosen[i] = true
			any = any || len(l.data) > 0
			continue
		}
		if i > 0 && p.seenAlt(i) {
			continue
		}
		if b := p.bestBranch(l.alt); b >= 0 {
			for j := i; j < len(p.leaves); j++ {
				if k := &p.leaves[j]; k.alt == l.alt && k.branch == b && !k.named {
					chosen[j] = true
					any = any || len(k.data) > 0
				}
			}
		}
	}
	if !any {
		for i := range p.leaves {
			if p.leaves[i].named && len(p.leaves[i].data) > 0 {
				chosen[i] = true
				break
			}
		}
	}
	return chosen
}

func (p *parser) seenAlt(i int) bool {
	for j := range i {
		if p.leaves[j].alt == p.leaves[i].alt && !p.leaves[j].named {
			return true
		}
	}
	return false
}

// bestBranch picks among the alternatives of one multipart/alternative.
func (p *parser) bestBranch(alt int) int {
	type branch struct {
		id   int
		html bool
		data []byte
	}
	var bs []branch
	for i := range p.leaves {
		l := &p.leaves[i]
		if l.alt != alt || l.named {
			continue
		}
		if n := len(bs); n == 0 || bs[n-1].id != l.branch {
			bs = append(bs, branch{id: l.branch})
		}
		b := &bs[len(bs)-1]
		b.html = b.html || l.typ == "text/html"
		if len(b.data) == 0 {
			b.data = l.data
		}
	}
	best := -1
	for _, b := range bs {
		if b.html {
			if len(b.data) > 0 || best < 0 {
				best = b.id
			}
			continue
		}
		if saysSomething(b.data) {
			return b.id
		}
		if best < 0 {
			best = b.id
		}
	}
	return best
}

// saysSomething tells a plain alternative from a placeholder for one.
func saysSomething(b []byte) bool {
	if len(b) > 4000 {
		return true
	}
	s := strings.ToLower(strings.Join(strings.Fields(string(b)), " "))
	if len(s) < 2 || strings.HasPrefix(s, "<html") || strings.HasPrefix(s, "<!doctype") {
		return false
	}
	if len(s) > 400 || !strings.Contains(s, "html") {
		return true
	}
	for _, w := range []string{"view", "support", "display", "client", "reader", "browser", "format", "enable", "anzeigen", "afficher"} {
		if strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// convert makes text of a leaf.
func (p *parser) convert(l *textLeaf) (string, marks) {
	label := l.charset
	if l.typ == "text/html" && (label == "" || label == "us-ascii") {
		if m := metaCharset(l.data); m != "" {
			label = m
		}
	}
	text, wrong := toUTF8(l.data, label)
	if wrong != "" {
		p.charsetDefect(wrong, label, "part "+orElse(l.part.Number, "1"))
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	if l.typ == calendarType {
		text = calendarText(text)
	}
	if strings.IndexByte(text, 0) >= 0 {
		p.defect("nul-octets", "part %s has NUL characters; they are not shown", orElse(l.part.Number, "1"))
		text = strings.ReplaceAll(text, "\x00", "")
	}
	switch l.typ {
	case "text/html":
		return htmlText(text)
	case "text/enriched", "text/richtext":
		return enrichedText(lineEnds(text)), marks{}
	}
	text = lineEnds(text)
	if looksHTML(text) {
		p.defect("html-in-plain", "part %s is HTML under the label text/plain", orElse(l.part.Number, "1"))
		p.m.FromHTML = true
		return htmlText(text)
	}
	if l.flowed {
		text = unflow(text, l.delsp)
	}
	return text, marks{}
}

func looksHTML(s string) bool {
	s = strings.TrimLeft(s[:min(len(s), 300)], " \t\n")
	return hasPrefixFold(s, "<html") || hasPrefixFold(s, "<!doctype html") || hasPrefixFold(s, "<head>") || hasPrefixFold(s, "<body>")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// lineEnds makes every line end LF.
func lineEnds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\r')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		for strings.HasPrefix(s, "\r\n") { // CR CR LF: one line end that two programs worked on
			s = s[1:]
		}
		s = strings.TrimPrefix(s, "\n")
		b.WriteByte('\n')
	}
}

// unflow undoes format=flowed (RFC 3676 section 4).
func unflow(s string, delsp bool) string {
	var b strings.Builder
	b.Grow(len(s))
	open, depth := false, 0 // a paragraph goes on, at that depth
	for len(s) > 0 {
		line, rest, nl := strings.Cut(s, "\n")
		s = rest
		q := 0
		for q < len(line) && line[q] == '>' {
			q++
		}
		body := strings.TrimPrefix(line[q:], " ") // space-stuffing
		sig := body == "-- "
		if open && (q != depth || sig) {
			b.WriteByte('\n')
			open = false
		}
		if !open && q > 0 {
			b.WriteString(strings.Repeat(">", q))
			if body != "" {
				b.WriteByte(' ')
			}
		}
		flowed := strings.HasSuffix(body, " ") && !sig
		if flowed && delsp {
			body = body[:len(body)-1]
		}
		b.WriteString(body)
		open, depth = flowed, q
		if !flowed && nl {
			b.WriteByte('\n')
		}
	}
	if open {
		b.WriteByte('\n')
	}
	return b.String()
}

// enrichedText takes the commands out of text/enriched (RFC 1896).
func enrichedText(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		if strings.HasPrefix(s, "<<") {
			b.WriteByte('<')
			s = s[2:]
			continue
		}
		j := strings.IndexByte(s, '>')
		if j < 0 {
			break
		}
		if strings.EqualFold(s[:j+1], "<param>") {
			if k := strings.Index(strings.ToLower(s[:min(len(s), 200)]), "</param>"); k > 0 {
				j = k + len("</param>") - 1
			}
		}
		s = s[j+1:]
	}
	b.WriteString(s)
	return b.String()
}

// composer joins texts, each beginning on a line of its own.
type composer struct {
	text []byte
	marks
}

func (c *composer) add(text string, says marks) {
	if text == "" {
		return
	}
	if n := len(c.text); n > 0 && c.text[n-1] != '\n' {
		c.text = append(c.text, '\n')
	}
	if len(says.hints) > 0 {
		for n := bytes.Count(c.text, []byte{'\n'}); len(c.hints) < n; {
			c.hints = append(c.hints, 0)
		}
		c.hints = append(c.hints, says.hints...)
	}
	for _, r := range says.runs {
		c.runs = append(c.runs, run{Span{r.Start + len(c.text), r.End + len(c.text)}, r.tint})
	}
	c.text = append(c.text, text...)
}

// passedOn tells whether the outermost mark of a subject says that something is
// passed on: "Fwd: Re: Offer" does, "Re: Fwd: Offer" answers.
func passedOn(s string) bool {
	for {
		s = strings.TrimLeft(s, " \t")
		if strings.HasPrefix(s, "[") {
			if i := strings.IndexByte(s, ']'); i > 0 && i < 60 {
				s = s[i+1:]
				continue
			}
		}
		i := strings.IndexAny(s, ":[(")
		if i < 1 || i > 12 {
			return false
		}
		switch strings.ToLower(strings.TrimSpace(s[:i])) {
		case "fw", "fwd", "wg", "tr", "rv", "enc", "doorst", "i", "vb", "vl", "pd", "weitergeleitet":
			return true
		}
		return false
	}
}
