package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/trail"
)

// secondHand reads what a message repeats of others, for explain, which knows no other
// mail: all of it counts as not kept.
func secondHand(m *message.Message, info trail.MessageInfo, ref archive.Ref, people trail.People) []trail.Statement {
	var out []trail.Statement
	if m.PointsBelow() {
		return nil // some of it is the author's, and nothing tells which
	}
	for _, p := range m.Passages() {
		speaker := trail.Speaker{Name: p.From.Name, Address: p.From.Address}
		speaker.Role, _ = people.Role(p.From.Address)
		mark := &trail.SecondHand{Written: p.DateRaw, Forwarded: p.Forwarded}
		if !p.Date.IsZero() {
			mark.Date = &p.Date
		}
		for _, st := range statement.Read(p.View).Statements {
			start, end := message.CodePoints(m.Text, st.Start), message.CodePoints(m.Text, st.End)
			s := trail.Statement{ID: catalog.StatementID(ref, start, end), Kind: st.Kind, Confidence: st.Confidence, Quote: m.Text[st.Start:st.End], Start: start, End: end,
				Speaker: speaker, Message: info, Facts: st.Facts, Flags: append(st.Flags, statement.SecondHand), Why: st.Why, SecondHand: mark}
			if s.Facts == nil {
				s.Facts = []statement.Fact{}
			}
			out = append(out, s)
		}
	}
	return out
}

// answering is what the statement at a byte offset was written under.
func answering(m *message.Message, at int) *trail.Quoted {
	s, ok := m.Answered(at)
	if !ok {
		return nil
	}
	return &trail.Quoted{Start: message.CodePoints(m.Text, s.Start), End: message.CodePoints(m.Text, s.End), Quote: m.Text[s.Start:s.End]}
}

// zonesOf puts the zones that a vault knows, which other mail may have changed, in the
// place of those that m shows by itself.
func zonesOf(m *message.Message, zones []search.Zone) []message.Zone {
	var out []message.Zone
	runes, at := 0, 0
	offset := func(to int) int {
		for at < len(m.Text) && runes < to {
			at++
			for at < len(m.Text) && m.Text[at]&0xC0 == 0x80 {
				at++
			}
			runes++
		}
		return at
	}
	for _, z := range zones {
		start := offset(z.Start)
		out = append(out, message.Zone{Kind: z.Kind, Start: start, End: offset(z.End)})
	}
	return out
}

// unmarked is a quotation of several lines without the marks before them.
func unmarked(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(l, "> |\t")
	}
	return clean(strings.Join(lines, " "))
}

// renderSecondHand lists statements that are known only on somebody else's word.
func renderSecondHand(w io.Writer, t terminal, title string, list []trail.Statement) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", t.bold(title))
	for _, s := range list {
		when := "no date"
		switch h := s.SecondHand; {
		case h.Date != nil:
			when = h.Date.Format("2 January 2006 15:04")
		case h.Written != "":
			when = clean(h.Written)
		}
		who := orNoName(clean(s.Speaker.Name))
		if s.Speaker.Name == "" && s.Speaker.Address != "" {
			who = clean(s.Speaker.Address)
		}
		fmt.Fprintln(w, wrap(fmt.Sprintf("%s, said to be of %s, %s, in mail from %s: %s", kindName(s.Kind), who, when, clean(s.Message.From), t.quote(unmarked(s.Quote))), t.width, "  ", "    "))
	}
}

// timesDisagree tells the times of a message that lie too far apart.
func timesDisagree(d search.Dates) string {
	var parts []string
	add := func(name string, at *time.Time) {
		if at != nil {
			parts = append(parts, name+" "+at.Format("2 January 2006, 15:04 -0700"))
		}
	}
	add("the author's", d.Date)
	add("passed on", d.Received)
	add("the server's", d.InternalDate)
	add("kept here", d.Collected)
	return "they disagree: " + strings.Join(parts, "; ")
}
