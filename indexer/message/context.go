package message

import (
	"fmt"
	"slices"
	"strings"
)

// Context is what other mail tells about a message. The zero Context tells nothing.
type Context struct {
	Parents []string // texts of the mails that it answers, whole, in any order
	// Closing holds what ClosingLines gives of lines by which other mail of the same
	// author ends.
	Closing map[uint64]bool
}

// InContext reads the zones of m again with c known, and tells whether that changed
// anything. Equal messages and contexts give equal zones. m is changed only in its
// Zones, and its Defects where a quotation differs from what it quotes.
func (m *Message) InContext(c Context) bool {
	changed := false
	if own, differs := m.typedIn(c.Parents); len(own) > 0 || len(differs) > 0 {
		m.Zones = overlay(m.Zones, own, New)
		for _, d := range differs {
			m.Defects = append(m.Defects, Defect{Code: "quote-differs", Text: fmt.Sprintf("a quoted line differs from the mail that it quotes: %q", clip(m.Text[d.Start:d.End], 120))})
		}
		changed = true
	}
	if s, ok := m.closes(c.Closing); ok {
		m.Zones = overlay(m.Zones, []Span{s}, Signature)
		changed = true
	}
	return changed
}

// overlay gives the spans, which are in order, a kind of their own.
func overlay(zones []Zone, spans []Span, kind ZoneKind) []Zone {
	out := make([]Zone, 0, len(zones)+2*len(spans))
	add := func(k ZoneKind, a, b int) {
		if a >= b {
			return
		}
		if n := len(out); n > 0 && out[n-1].Kind == k {
			out[n-1].End = b
			return
		}
		out = append(out, Zone{Kind: k, Start: a, End: b})
	}
	for _, z := range zones {
		at := z.Start
		for _, s := range spans {
			if s.End <= at || s.Start >= z.End {
				continue
			}
			add(z.Kind, at, max(s.Start, at))
			add(kind, max(s.Start, at), min(s.End, z.End))
			at = min(s.End, z.End)
		}
		add(z.Kind, at, z.End)
	}
	return out
}

// PointsBelow tells whether the author says above the quotation that answers stand in it.
func (m *Message) PointsBelow() bool {
	low := strings.ToLower(m.top())
	for _, w := range [...]string{"below", "inline", "in line", "in-line", "in red", "in blue", "in green", "in bold", "in caps", "in capitals", "in colour", "in color", "in between", "interspersed", "embedded",
		"my answers", "my replies", "my comments", "answers in", "unten", "in rot", "in blau", "ci-dessous", "en rouge", "en bleu", "abajo", "en rojo", "hieronder", "in het rood", "in rosso", "sotto"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// top is what the author wrote above the first quotation.
func (m *Message) top() string {
	var b strings.Builder
	for _, z := range m.Zones {
		if z.Kind == Quoted || z.Kind == Forwarded {
			return b.String()
		}
		if z.Kind == New {
			b.WriteString(m.ZoneText(z))
		}
	}
	return ""
}

// wholeLines extends s to its marks and its punctuation, and over line ends where it
// fills its lines.
func (m *Message) wholeLines(s Span) Span {
	a := s.Start
	for a > 0 && m.Text[a-1] != '\n' && !strings.ContainsRune(" \t?!:;.", rune(m.Text[a-1])) {
		a--
	}
	if i := strings.LastIndexByte(m.Text[:a], '\n') + 1; strings.Trim(m.Text[i:a], "> |\t*-•·") == "" {
		a = i
	}
	b := s.End
	for b < len(m.Text) && m.Text[b] != '\n' && m.Text[b] != ' ' && m.Text[b] != '\t' {
		b++
	}
	if i := strings.IndexByte(m.Text[b:], '\n'); i >= 0 && strings.TrimSpace(m.Text[b:b+i]) == "" {
		b += i + 1
	} else if i < 0 && strings.TrimSpace(m.Text[b:]) == "" {
		b = len(m.Text)
	}
	return Span{a, b}
}

const maxClosingLines = 8

// ClosingLines names the last lines of the author's own words, from the last one up: a
// line that ends several mails of one author is part of a signature. Programs have
// none.
func (m *Message) ClosingLines() []uint64 {
	if m.Auto || len(m.From) == 0 {
		return nil
	}
	var out []uint64
	m.lastLines(func(_ Span, s string) bool {
		out = append(out, lineHash(s))
		return len(out) < maxClosingLines
	})
	return out
}

// lastLines calls each for the lines of the last zone of own words, from the end, but
// for those that are blank.
func (m *Message) lastLines(each func(at Span, line string) bool) {
	for i := len(m.Zones) - 1; i >= 0; i-- {
		z := m.Zones[i]
		if z.Kind != New || strings.TrimSpace(m.ZoneText(z)) == "" {
			continue
		}
		for end := z.End; end > z.Start; {
			start := strings.LastIndexByte(m.Text[z.Start:end-1], '\n') + 1 + z.Start
			s := strings.Join(strings.Fields(m.Text[start:end]), " ")
			if s != "" && !each(Span{start, end}, s) {
				return
			}
			end = start
		}
		return
	}
}

func lineHash(s string) uint64 {
	h := uint64(hashSeed)
	for _, r := range strings.ToLower(s) {
		h = hashStep(h, uint64(r))
	}
	return h
}

// closes finds the lines at the end of the author's words that other mail of the same
// author ends with. What reads as said to the reader stays: a request that is made
// often is one. So do terms, and a mail that would have no other words.
func (m *Message) closes(known map[uint64]bool) (Span, bool) {
	if len(known) == 0 {
		return Span{}, false
	}
	var lines []Span
	var words []string
	whole := true
	m.lastLines(func(at Span, s string) bool {
		if len(lines) == maxClosing || !known[lineHash(s)] {
			whole = false
			return false
		}
		lines, words = append(lines, at), append(words, s)
		return true
	})
	n := len(lines)
	if n > 0 && whole && len(m.ZonesOf(New)) == 1 {
		n-- // something was said
	}
	for n > 0 && (speaks(words[n-1]) || sentence(words[n-1])) {
		n--
	}
	if n == 0 || slices.ContainsFunc(words[:n], func(s string) bool { return bargains(s) }) {
		return Span{}, false
	}
	return Span{lines[n-1].Start, lines[0].End}, true
}

// Answered gives the quoted sentence that stands right above the own words at a byte
// offset: what they answer. Words below all of a quotation answer its last sentence
// only where it asks.
func (m *Message) Answered(at int) (Span, bool) {
	i := slices.IndexFunc(m.Zones, func(z Zone) bool { return z.Start <= at && at < z.End })
	if i < 1 || m.Zones[i].Kind != New || m.Zones[i-1].Kind != Quoted && m.Zones[i-1].Kind != Forwarded {
		return Span{}, false
	}
	z := m.Zones[i-1]
	words := wordsOf(nil, m.Text, z.Start, z.End)
	if len(words) == 0 {
		return Span{}, false
	}
	// The last sentence, over the lines that it takes, up to a blank one.
	last := len(words) - 1
	from := last
	for from > 0 && last-from < 60 {
		between := m.Text[words[from-1].end:words[from].start]
		if divides(between) || strings.ContainsAny(between, ".?!") && strings.Contains(between, "\n") || blankLine(between) {
			break
		}
		from--
	}
	s := Span{words[from].start, words[last].end}
	for s.End < z.End && strings.IndexByte(".?!)\"'", m.Text[s.End]) >= 0 {
		s.End++
	}
	if m.programs(s.Start) {
		return Span{}, false
	}
	between := slices.ContainsFunc(m.Zones[i+1:], func(z Zone) bool { return z.Kind == Quoted || z.Kind == Forwarded })
	return s, between || strings.HasSuffix(m.Text[s.Start:s.End], "?")
}

// blankLine tells whether a line without words lies between two words.
func blankLine(between string) bool {
	lines := strings.Split(between, "\n")
	for _, l := range lines[1:max(1, len(lines)-1)] {
		if strings.Trim(l, "> |\t\r") == "" {
			return true
		}
	}
	return false
}
