package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/trail"
)

// writeJSON writes one document.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// plainLine writes one tab-separated record; fields are made one-line.
func plainLine(w io.Writer, fields ...string) {
	for i, f := range fields {
		fields[i] = clean(f)
	}
	fmt.Fprintln(w, strings.Join(fields, "\t"))
}

func kindName(k statement.Kind) string {
	if k == "" {
		return ""
	}
	return strings.ToUpper(string(k[:1])) + string(k[1:])
}

// who is "Martin Hale, client", or "you".
func who(s trail.Speaker) string {
	name := clean(s.Name)
	if name == "" {
		name = clean(s.Address)
	}
	switch s.Role {
	case trail.Us:
		return "you"
	case trail.Client:
		return name + ", client"
	case trail.Other:
		return name + ", third party"
	}
	return name
}

// shortWho is "Martin", or "you".
func shortWho(s trail.Speaker) string {
	if s.Role == trail.Us {
		return "you"
	}
	name := clean(s.Name)
	if name == "" {
		return clean(s.Address)
	}
	if first, _, ok := strings.Cut(name, " "); ok {
		return first
	}
	return name
}

// quoteText is a quote with its facts marked and, behind it, what a vague date
// was read as.
func (t terminal) quoteText(s trail.Statement) (text, reading string) {
	text = clean(s.Quote)
	var readings []string
	at := 0
	var b strings.Builder
	for _, f := range s.Facts {
		word := clean(f.Text)
		i := strings.Index(text[at:], word)
		if word == "" || i < 0 {
			continue
		}
		b.WriteString(text[at : at+i])
		// Marks must survive wrapping word by word.
		b.WriteString(t.fact(word))
		at += i + len(word)
		if r := factReading(f); r != "" {
			readings = append(readings, r)
		}
	}
	b.WriteString(text[at:])
	return t.quote(b.String()), strings.Join(readings, ", ")
}

// factReading is what a date was read as, where the words do not say it in full.
func factReading(f statement.Fact) string {
	if f.Type != statement.Date && f.Type != statement.DateTime {
		return ""
	}
	d, clock, ok := parseFactDate(f.Value)
	if !ok || strings.Contains(f.Text, d.Format("2006")) {
		return ""
	}
	s := "= " + d.Format("Mon 2 January 2006") + clock
	for _, a := range f.Alternatives {
		if d, clock, ok := parseFactDate(a); ok {
			s += " or " + d.Format("Mon 2 January 2006") + clock
		}
	}
	return s
}

func parseFactDate(v string) (time.Time, string, bool) {
	if d, err := time.Parse("2006-01-02T15:04", v); err == nil {
		return d, d.Format(", 15:04"), true
	}
	d, err := time.Parse("2006-01-02", v)
	return d, "", err == nil
}

// place is "nora@deskandco.example/INBOX".
func place(m trail.MessageInfo) string {
	if len(m.Occurrences) == 0 {
		return ""
	}
	o := m.Occurrences[0]
	s := o.Mailbox + "/" + o.Folder
	if o.Gone {
		s += " (gone from the server, kept here)"
	}
	return clean(s)
}

func subject(s string) string {
	if s = clean(s); s == "" {
		return "(no subject)"
	}
	return s
}

// renderHits writes search results for people.
func renderHits(w io.Writer, t terminal, r *search.Results, shown int) {
	if r.Total == 0 {
		return
	}
	what, many := "statement", "statements"
	if r.Hits[0].Message != nil {
		what, many = "message", "messages"
	}
	from, to := span(r.Hits)
	fmt.Fprintf(w, "%s, %s, closest words first\n", plural(r.Total, what, many), period(from, to))
	for _, h := range r.Hits {
		fmt.Fprintln(w)
		if m := h.Message; m != nil {
			fmt.Fprintf(w, " %s  %s  %s\n", t.dim(m.Ref.String()[:19]), pad(clean(m.From), 38), moment(m.Date))
			fmt.Fprintln(w, wrap(subject(m.Subject), t.width, "    ", "    "))
			if e := clean(m.Excerpt); e != "" {
				fmt.Fprintln(w, wrap(t.quote(e), t.width, "    ", "     "))
			}
			fmt.Fprintln(w, "    "+t.dim(place(m.MessageInfo)))
			continue
		}
		s := *h.Statement
		fmt.Fprintf(w, " %s  %s %s %s\n", t.dim(s.ID), pad(t.bold(kindName(s.Kind)), 13), pad(who(s.Speaker), 34), moment(s.Message.Date))
		text, reading := t.quoteText(s)
		fmt.Fprintln(w, wrap(text, t.width, "    ", "     "))
		if reading != "" {
			fmt.Fprintln(w, "     "+t.dim(reading))
		}
		fmt.Fprintln(w, "    "+t.dim(subject(s.Message.Subject)+" · "+place(s.Message)))
	}
	renderFacets(w, r.Facets)
	if n := r.Total - shown; n > 0 {
		fmt.Fprintf(w, "\n %s %d more (--limit %d)\n", t.glyph("…", "..."), n, r.Total)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, wrap(searched(r.Coverage), t.width, "", ""))
}

var facetWords = map[string]string{"by": "said by", "kind": "what it is", "date": "when", "names": "names a", "mailbox": "mailbox"}

func renderFacets(w io.Writer, facets []search.Facet) {
	for _, f := range facets {
		if len(f.Values) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n %s\n", facetWords[f.Field])
		for _, v := range f.Values {
			fmt.Fprintf(w, " %7s  %s\n", number(v.Count), clean(v.Value))
		}
	}
}

// renderExplanation tells how a query was read.
func renderExplanation(w io.Writer, t terminal, x *search.Explanation) {
	if x == nil {
		return
	}
	fmt.Fprintf(w, "read as  %s  %s\n", x.Tree, t.dim("("+x.Took+")"))
	if len(x.Words) > 1 {
		fmt.Fprintf(w, "         at least %d of these words, those with most of them first\n", x.Least)
	}
	for _, word := range x.Words {
		line := word.Word
		if word.Corrected != "" {
			line += ": nobody wrote it; " + word.Corrected
		}
		if len(word.Also) > 0 {
			line += " or " + strings.Join(word.Also, ", ")
		}
		if len(word.Addresses) > 0 {
			line += " or mail of " + strings.Join(word.Addresses, ", ")
		}
		fmt.Fprintln(w, wrap(line, t.width, "         ", "           "))
	}
	fmt.Fprintln(w)
}

func span(hits []search.Hit) (from, to time.Time) {
	for _, h := range hits {
		var d time.Time
		if h.Message != nil {
			d = h.Message.Date
		} else {
			d = h.Statement.Message.Date
		}
		if from.IsZero() || d.Before(from) {
			from = d
		}
		if d.After(to) {
			to = d
		}
	}
	return
}

func period(from, to time.Time) string {
	switch {
	case from.IsZero():
		return "no date"
	case day(from) == day(to):
		return day(from)
	case from.Year() == to.Year() && from.Month() == to.Month():
		return from.Format("2") + " to " + day(to)
	case from.Year() == to.Year():
		return from.Format("2 January") + " to " + day(to)
	}
	return day(from) + " to " + day(to)
}

// searched is the last line of every answer: what it was drawn from.
func searched(c trail.Coverage) string {
	stored, indexed, quarantined, erased, older, others := 0, 0, 0, 0, 0, 0
	var trouble []string
	for _, m := range c.Mailboxes {
		for _, f := range m.Folders {
			stored += f.Stored
			indexed += f.Indexed
			quarantined += f.Quarantined
			erased += f.Erased
			older += f.LeftOut
			others += f.NotChosen
		}
		if !m.Complete() {
			trouble = append(trouble, m.Address+": "+m.State+".")
		}
	}
	s := fmt.Sprintf("Searched %s in %s.", plural(indexed, "message", "messages"), plural(len(c.Mailboxes), "mailbox", "mailboxes"))
	if n := stored - indexed; n > 0 {
		s += fmt.Sprintf(" %s kept and not read yet.", plural(n, "message", "messages"))
	}
	if quarantined > 0 {
		s += fmt.Sprintf(" %s that the server would not give.", plural(quarantined, "message", "messages"))
	}
	if erased > 0 {
		s += fmt.Sprintf(" %s erased for good.", plural(erased, "message", "messages"))
	}
	if older > 0 {
		s += fmt.Sprintf(" %s left out by the settings.", plural(older, "older message", "older messages"))
	}
	if others > 0 {
		s += fmt.Sprintf(" %s not kept by choice: not from or to a chosen client.", plural(others, "message", "messages"))
	}
	if len(trouble) > 0 {
		s += " " + strings.Join(trouble, " ")
	}
	return s
}

// The word a trail's short version uses for a kind.
var stepWord = map[statement.Kind]string{
	statement.Instruction: "asked", statement.Change: "changed", statement.Approval: "approved", statement.Confirmation: "confirmed",
	statement.Question: "asked", statement.Answer: "answered", statement.Commitment: "promised", statement.Delivery: "delivered",
	statement.Terms: "terms", statement.Caveat: "warned", statement.Assurance: "assured", statement.Dispute: "disputed",
}

var findingGlyph = map[trail.FindingType][2]string{
	trail.Contradiction: {"≠", "!"}, trail.Changed: {"→", ">"}, trail.Unconfirmed: {"?", "?"}, trail.Unanswered: {"?", "?"},
	trail.Unacknowledged: {"?", "?"}, trail.Missed: {"×", "x"}, trail.Refuted: {"≠", "!"},
}

// renderTrail writes a trail for people.
func renderTrail(w io.Writer, t terminal, title string, tr *trail.Trail) {
	if len(tr.Entries) == 0 {
		fmt.Fprintln(w, wrap(tr.Summary.Text, t.width, "", ""))
		fmt.Fprintln(w, wrap(searched(tr.Coverage), t.width, "", ""))
		renderDecided(w, t, tr)
		return
	}
	head := t.bold(clean(title))
	if m := tr.Matter; m != nil {
		if head = t.bold(clean(m.Title)); m.Client != "" {
			head += " · " + clean(m.Client)
		}
	}
	fmt.Fprintln(w, head)
	if d := lastDispute(tr); d != nil {
		fmt.Fprintln(w, wrap(t.quote(clean(d.Statement.Quote))+"   "+who(d.Statement.Speaker)+", "+moment(d.Statement.Message.Date)+fmt.Sprintf(" (%d)", d.N), t.width, "", ""))
	}
	fmt.Fprintf(w, "\n%s\n", t.bold("WHAT THE RECORD SHOWS"))
	fmt.Fprintln(w, wrap(tr.Summary.Text, t.width, "  ", "  "))
	if len(tr.Steps(2)) > 1 {
		fmt.Fprintln(w)
		renderSteps(w, t, tr)
	}
	renderStandings(w, t, tr)
	if len(tr.Findings) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("FINDINGS"))
		for _, f := range tr.Findings {
			g := findingGlyph[f.Type]
			fmt.Fprintln(w, wrap(f.Text, t.width, "  "+t.glyph(g[0], g[1])+" "+pad(string(f.Type), 15)+" ", strings.Repeat(" ", 20)))
		}
	}
	fmt.Fprintf(w, "\n%s\n", t.bold("THE TRAIL"))
	rail := t.glyph("│", "|")
	var last time.Time
	var ref string
	for _, e := range tr.Entries {
		s := e.Statement
		d := s.Message.Date
		for _, g := range tr.Gaps {
			if !last.IsZero() && g.From.Before(d) && !g.To.After(d) && !g.From.Before(last) {
				fmt.Fprintf(w, "  %s\n", t.dim(fmt.Sprintf("%s no mail between you for %s, %s to %s %s", strings.Repeat(t.glyph("┄", "-"), 9), plural(g.Days, "day", "days"),
					g.From.Format("2 Jan 15:04"), g.To.Format("2 Jan 15:04"), strings.Repeat(t.glyph("┄", "-"), 9))))
			}
		}
		if last.IsZero() || d.Format(time.DateOnly) != last.Format(time.DateOnly) {
			fmt.Fprintf(w, "  %s\n", t.bold(d.Format("Monday 2 January 2006")))
		}
		clock, begins := "     ", s.Message.Ref.String() != ref
		if begins {
			clock = d.Format("15:04")
		}
		ref, last = s.Message.Ref.String(), d
		fmt.Fprintf(w, "  %s %s %2d %s %s  %s\n", clock, rail, e.N, pad(t.bold(kindName(s.Kind)), 13), pad(who(s.Speaker), 26), t.dim(subject(s.Message.Subject)))
		text, reading := t.quoteText(s)
		indent := "        " + rail + "      "
		fmt.Fprintln(w, wrap(text, t.width, "        "+rail+"     ", indent))
		if reading != "" {
			fmt.Fprintln(w, indent+t.dim(reading))
		}
		if s.Reported != nil {
			fmt.Fprintln(w, wrap(t.reportedWords(s.Reported, s.Speaker), t.width, indent, indent+"  "))
		}
		if s.Corrected != nil {
			fmt.Fprintln(w, indent+t.dim(correctedWords(*s.Corrected)))
		}
		if begins {
			for _, a := range s.Message.Attachments {
				fmt.Fprintln(w, indent+t.dim("with "+cmp.Or(clean(a.Name), "a file without a name")+", "+bytesText(a.Size)))
			}
		}
		if len(e.Links) > 0 {
			var words []string
			for _, l := range e.Links {
				words = append(words, fmt.Sprintf("%s %d", l.Rel, l.N))
			}
			fmt.Fprintln(w, indent+t.dim(strings.Join(words, ", ")))
		}
	}
	if len(tr.Joined) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("ONE PIECE OF WORK"))
		for _, j := range tr.Joined {
			fmt.Fprintln(w, wrap(fmt.Sprintf("%d belongs to %d: %s", j.B, j.A, clean(j.Reason)), t.width, "  ", "    "))
		}
	}
	renderSecondHand(w, t, "SECOND-HAND, FROM MAIL THAT IS NOT KEPT", tr.Second)
	if len(tr.Near) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("NEAR, AND LEFT OUT"))
		for _, s := range tr.Near {
			fmt.Fprintln(w, wrap(fmt.Sprintf("%s, %s: %s", who(s.Speaker), moment(s.Message.Date), t.quote(clean(s.Quote))), t.width, "  "+t.dim(s.ID)+"  ", strings.Repeat(" ", 4+len(s.ID))))
		}
	}
	renderDecided(w, t, tr)
	fmt.Fprintf(w, "\n%s\n", t.bold("COVERAGE"))
	fmt.Fprintln(w, wrap(searched(tr.Coverage), t.width, "  ", "  "))
	if n := len(tr.Coverage.Absent); n > 0 {
		fmt.Fprintln(w, wrap(fmt.Sprintf("%s by mail in this trail and not kept here (--json names them).", plural(n, "message is cited", "messages are cited")), t.width, "  ", "  "))
	}
	fmt.Fprintln(w, t.dim("  inwriting reports what the mail says. It does not decide who is right."))
}

// renderStandings says what was in force at the date asked for.
func renderStandings(w io.Writer, t terminal, tr *trail.Trail) {
	if tr.AsOf == nil {
		return
	}
	fmt.Fprintf(w, "\n%s\n", t.bold("IN FORCE ON "+strings.ToUpper(tr.AsOf.Format("2 January 2006"))))
	if len(tr.Standings) == 0 {
		fmt.Fprintln(w, "  No instruction, change, approval or term was in writing by then.")
	}
	for _, s := range tr.Standings {
		if s.N < 1 || s.N > len(tr.Entries) {
			continue
		}
		e := tr.Entries[s.N-1].Statement
		state := "in force"
		switch {
		case len(s.ReplacedBy) > 0:
			state = "replaced by " + numbers(s.ReplacedBy)
		case !s.InForce:
			state = "by somebody without a say in it, not in force"
		}
		if len(s.NotApplied) > 0 {
			state += "; not changed by " + numbers(s.NotApplied) + ", whose author has no say in it"
		}
		fmt.Fprintln(w, wrap(fmt.Sprintf("%s, %s: %s", kindName(e.Kind), state, t.quote(clean(e.Quote))), t.width, fmt.Sprintf("  %2d  ", s.N), "      "))
	}
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

func lastDispute(tr *trail.Trail) *trail.Entry {
	for i := len(tr.Entries) - 1; i >= 0; i-- {
		if tr.Entries[i].Statement.Kind == statement.Dispute {
			return &tr.Entries[i]
		}
	}
	return nil
}

// renderSteps writes the short version of a trail.
func renderSteps(w io.Writer, t terminal, tr *trail.Trail) {
	for _, st := range tr.Steps(8) {
		s := st.Entry.Statement
		fact := ""
		if st.Fact != nil {
			fact = stepFact(*st.Fact)
		}
		fmt.Fprintf(w, "  %2d  %s %s %s %s\n", st.Entry.N, pad(stepWord[s.Kind], 11), pad(t.bold(fact), 22), pad(shortWho(s.Speaker), 11), s.Message.Date.Format("_2 Jan 15:04"))
	}
}

func stepFact(f statement.Fact) string {
	if d, clock, ok := parseFactDate(f.Value); ok {
		return d.Format("Mon 2 January") + clock
	}
	return f.Value
}
