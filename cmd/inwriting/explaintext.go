package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

func orNoName(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}

var zoneMark = map[message.ZoneKind]string{message.New: "new", message.Quoted: "quoted", message.Forwarded: "forwarded", message.Signature: "signature", message.Legal: "legal"}

// renderExplain shows the zones in the margin, statements underlined, reasons
// below.
func (a *app) renderExplain(d *explainDoc) {
	t := a.outTerm()
	w := a.out
	if d.Path != "" {
		fmt.Fprintln(w, t.dim(d.Path))
	}
	fmt.Fprintf(w, "%s  %s  %s\n\n", t.bold(subject(d.Message.Subject)), clean(d.Message.From), moment(d.Message.Date))
	renderZones(w, t, d)
	if len(d.Statements) == 0 {
		fmt.Fprintln(w, "\nno statement in the author's own words")
	}
	unread := map[string]int{}
	for _, x := range d.Sentences {
		if x.Language != "" {
			unread[x.Language]++
		}
	}
	for _, code := range slices.Sorted(maps.Keys(unread)) {
		fmt.Fprintf(w, "\nunread: sentences in another language (%s): %d\n", code, unread[code])
	}
	for i, s := range d.Statements {
		renderRead(w, t, i+1, s)
	}
	renderSecondHand(w, t, "SECOND-HAND, QUOTED OR FORWARDED HERE", d.SecondHand)
	for _, p := range d.Parts {
		fmt.Fprintf(w, "\npart %s  %s  %s, %d octets\n", p.Number, clean(orNoName(p.Name)), clean(p.ContentType), p.Size)
	}
	if d.Times.Disagree {
		fmt.Fprintf(w, "\ntimes disagree: the author's %s, received %s\n", clean(d.Times.Date), moment(*d.Times.Received))
	}
	for _, x := range d.Defects {
		fmt.Fprintf(w, "\ndefect %s: %s\n", x.Code, clean(x.Text))
	}
	fmt.Fprintln(w)
}

// renderRead shows one statement: what it does and how sure that is, its words, its
// facts, and what decided.
func renderRead(w io.Writer, t terminal, n int, s trail.Statement) {
	text, reading := t.quoteText(s)
	flags := ""
	if len(s.Flags) > 0 {
		flags = "  " + strings.Join(s.Flags, ", ")
	}
	sure := ""
	if s.Confidence >= statement.Firm {
		sure = " firm"
	}
	fmt.Fprintf(w, "\n%2d %s  %.2f%s%s\n", n, t.bold(kindName(s.Kind)), s.Confidence, sure, flags)
	if s.Corrected != nil {
		fmt.Fprintln(w, "    "+correctedWords(*s.Corrected))
	}
	fmt.Fprintln(w, wrap(text, t.width, "   ", "    "))
	if reading != "" {
		fmt.Fprintln(w, "    "+t.dim(reading))
	}
	if s.Reported != nil {
		fmt.Fprintln(w, wrap(t.reportedWords(s.Reported, s.Speaker), t.width, "    ", "      "))
	}
	if s.Answering != nil {
		fmt.Fprintln(w, wrap(t.dim("under: "+unmarked(s.Answering.Quote)), t.width, "    ", "    "))
	}
	for _, f := range s.Facts {
		more := ""
		if f.Deadline {
			more = " (at the latest)"
		}
		if len(f.Alternatives) > 0 {
			more += " or " + strings.Join(f.Alternatives, " or ")
		}
		if f.Mismatch {
			more += "  (weekday and date disagree)"
		}
		fmt.Fprintf(w, "    %s %s%s  %s\n", pad(string(f.Type), 10), f.Value, more, t.dim(clean(f.Text)))
	}
	for _, y := range reasons(s.Why) {
		fmt.Fprintf(w, "    %s\n", t.dim(fmt.Sprintf("%s %+.2f  %s", pad(reasonName(y.Rule), 24), y.Weight, clean(y.Text))))
	}
}

// reasonName puts what the model weighs beside single rules into words.
func reasonName(rule string) string {
	switch rule {
	case "rules":
		return "rules together"
	case "place":
		return "where it stands"
	case "word", "words":
		return "its words"
	}
	return rule
}

// reasons are those of a statement with the weights of one rule added up: a rule
// counts for itself and for each way in which it matched.
func reasons(why []statement.Reason) []statement.Reason {
	var out []statement.Reason
	at := map[string]int{}
	for _, y := range why {
		k, seen := at[y.Rule]
		if !seen {
			at[y.Rule] = len(out)
			out = append(out, y)
			continue
		}
		out[k].Weight += y.Weight
		if out[k].Text == "" {
			out[k].Text = y.Text
		}
	}
	slices.SortStableFunc(out, func(a, b statement.Reason) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return 0
	})
	return out
}

const marginWidth = 12 // columns of the zone's name and the rail

// renderZones shows the text with the zone of each line in the margin. Long lines
// are broken between words, so that the margin stays whole; each statement has its
// number behind it.
func renderZones(w io.Writer, t terminal, d *explainDoc) {
	runes := []rune(d.Text)
	rail := t.dim(t.glyph("│", "|"))
	for _, z := range d.Zones {
		mark := t.dim(pad(zoneMark[z.Kind], 9)) + " " + rail + " "
		for at := z.Start; at < z.End; {
			end := at
			for end < z.End && runes[end] != '\n' {
				end++
			}
			for from := at; ; {
				to := breakAt(runes, from, end, max(20, t.width-marginWidth))
				fmt.Fprintf(w, "%s%s\n", mark, underline(t, runes, from, to, d.Statements))
				for from = to; from < end && runes[from] == ' '; from++ {
				}
				if from >= end {
					break
				}
			}
			at = end + 1
		}
	}
}

// breakAt is where a line that begins at from ends: at end, or at the last blank
// within width columns, or, in a word that is longer, after it.
func breakAt(runes []rune, from, end, width int) int {
	last, col := -1, 0
	for i := from; i < end; i++ {
		if runes[i] == ' ' && i > from {
			last = i
		}
		if col += columns(cleanLine(string(runes[i]))); col <= width {
			continue
		}
		if last > from {
			return last
		}
		for i < end && runes[i] != ' ' {
			i++
		}
		return i
	}
	return end
}

// underline shows runes[from:to] with the statements in it underlined, or between
// marks where there is no colour, and numbered where they end.
func underline(t terminal, runes []rune, from, to int, statements []trail.Statement) string {
	var b strings.Builder
	at := from
	for i, s := range statements {
		start, end := max(s.Start, from), min(s.End, to)
		if start >= end || start < at {
			continue
		}
		b.WriteString(cleanLine(string(runes[at:start])))
		words := cleanLine(string(runes[start:end]))
		if t.color {
			b.WriteString(t.esc("4", words))
		} else {
			b.WriteString("_" + words + "_")
		}
		if end == s.End {
			b.WriteString(t.dim(fmt.Sprintf(" (%d)", i+1)))
		}
		at = end
	}
	b.WriteString(cleanLine(string(runes[at:to])))
	return b.String()
}
