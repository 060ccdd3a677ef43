package bundle

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// chronologyPage is the printable page. It is self-contained: no script, no font,
// no picture, nothing from elsewhere.
var chronologyPage = template.Must(template.ParseFS(files, "files/chronology.html"))

type pageView struct {
	Title, Question, AsOf, Summary  string
	NotSeen, OutsideNote, CheckNote string
	SummaryRows                     []int
	Findings                        []findingView
	Mailboxes                       []mailboxView
	Missing                         []string
	Rows                            []rowView
	Exhibits                        []exhibitView
	Outside                         []outsideView
	LeftOut                         []string
	Origin, Root, KeyID             string
	Size                            int64
}

type findingView struct {
	Class, Sign, Type, Side, Text string
	Rows                          []int
}

type mailboxView struct {
	Address, State, Detail, Folders, Period, LastRead string
	Kept                                              int
}

// rowView is a letter: consecutive statements of one message.
type rowView struct {
	Gap, Day, ISO, Clock, Zone, Moment string
	Role, RoleWord, Name, Address, To  string
	Said                               []saidView
	Exhibit, File, Subject, Place      string
	Ledger                             int64
}

type saidView struct {
	N              int
	Quote          []span
	Kind, KindWord string
	Links          []linkView
}

// span is a stretch of a quote; Fact is the value it was read as, or "".
type span struct{ Text, Fact string }

type linkView struct {
	Word  string
	N     int
	Rel   trail.Rel
	After string // ", 14 minutes later"
}

type outsideView struct{ Name, File, Title, Note, Taken, SHA string }

type exhibitView struct {
	Name, Date, From, Subject, SHA, File string
}

var findingWords = map[trail.FindingType]struct{ class, sign, word string }{
	trail.Contradiction:  {"hard", "≠", "Contradiction"},
	trail.Changed:        {"", "→", "Changed"},
	trail.Unconfirmed:    {"", "?", "Not confirmed"},
	trail.Unanswered:     {"", "?", "No answer in the record"},
	trail.Unacknowledged: {"", "?", "Not acknowledged"},
	trail.Missed:         {"hard", "!", "Date missed"},
	trail.Refuted:        {"hard", "≠", "The record says otherwise"},
}

var roleWords = map[trail.Role]string{trail.Us: "us", trail.Client: "client", trail.Other: "third party", trail.Unknown: "not a configured person"}

var relWords = map[trail.Rel]string{trail.Confirms: "Confirms", trail.Approves: "Approves", trail.Answers: "Answers", trail.Changes: "Changes",
	trail.Fulfils: "Fulfils", trail.Disputes: "Disputes", trail.Refers: "Refers to"}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// What the page and its print both say.
const (
	notSeen     = "Not seen by inwriting: telephone calls, meetings, chat and text messages, and mailboxes that are not listed."
	outsideNote = "Files that somebody gave; inwriting only says that they have not changed since. Treat them as you treat any file from others."
	checkNote   = "VERIFY.txt in the folder above says how, with tools that every system has, and what is not claimed."
)

func (b *bag) page(v *pageView) ([]byte, error) {
	var buf bytes.Buffer
	if err := chronologyPage.Execute(&buf, v); err != nil {
		return nil, fmt.Errorf("chronology page: %w", err)
	}
	return buf.Bytes(), nil
}

// view is what there is to show, for the page and for print.
func (b *bag) view() *pageView {
	t := b.in.Trail
	v := &pageView{Title: plain(b.in.Title), Question: plain(t.Question), AsOf: moment(b.time), Summary: plain(t.Summary.Text),
		SummaryRows: t.Summary.Statements, NotSeen: notSeen, OutsideNote: outsideNote, CheckNote: checkNote, Origin: b.cp.Origin, Root: b.cp.Root, Size: b.cp.Size, KeyID: keyID(b.in.VKey)}
	for _, f := range t.Findings {
		w, ok := findingWords[f.Type]
		if !ok {
			w.sign, w.word = "·", title(string(f.Type))
		}
		fv := findingView{Class: w.class, Sign: w.sign, Type: w.word, Text: plain(f.Text)}
		if f.Fact != "" {
			fv.Side = string(f.Fact)
		}
		if f.ExplainedBy > 0 {
			fv.Side, fv.Class = fmt.Sprintf("explained by %d", f.ExplainedBy), "good"
		}
		for _, n := range []int{f.A, f.B, f.ExplainedBy} {
			if n > 0 {
				fv.Rows = append(fv.Rows, n)
			}
		}
		v.Findings = append(v.Findings, fv)
	}
	b.coverageView(v)

	gaps := slices.Clone(t.Gaps)
	var day string
	var last *exhibit
	for _, e := range t.Entries {
		s := e.Statement
		x := b.byRef[s.Message.Ref]
		d := s.Message.Date
		said := saidView{N: e.N, Quote: spans(s.Quote, s.Facts), Kind: string(s.Kind), KindWord: title(string(s.Kind))}
		for _, l := range e.Links {
			w := relWords[l.Rel]
			if w == "" {
				w = title(string(l.Rel))
			}
			said.Links = append(said.Links, linkView{Word: w, N: l.N, Rel: l.Rel})
		}
		said.Links = append(said.Links, answered(t, e)...)
		if x == last {
			r := &v.Rows[len(v.Rows)-1]
			r.Said = append(r.Said, said)
			continue
		}
		last = x
		r := rowView{Said: []saidView{said}, Role: string(s.Speaker.Role), RoleWord: roleWords[s.Speaker.Role], Name: plain(s.Speaker.Name), Address: plain(s.Speaker.Address),
			To: plain(strings.Join(s.Message.To, ", ")), Exhibit: x.name, File: x.file(), Subject: plain(s.Message.Subject), Ledger: x.LedgerIndex, Clock: "no date", Moment: moment(d), Place: place(s.Message.Occurrences)}
		if r.Name == "" {
			r.Name, r.Address = r.Address, ""
		}
		if !d.IsZero() {
			r.ISO, r.Clock, r.Zone = d.Format(time.RFC3339), d.Format("15:04"), zone(d)
			for i, g := range gaps {
				if !d.Before(g.To) {
					r.Gap = fmt.Sprintf("No mail between the people of this trail for %s, %s to %s", plural(g.Days, "day", "days"), moment(g.From), moment(g.To))
					gaps = slices.Delete(gaps, i, i+1)
					break
				}
			}
			if now := d.Format("Monday 2 January 2006"); now != day {
				day, r.Day = now, now
			}
		}
		v.Rows = append(v.Rows, r)
	}
	for _, x := range b.exhibits {
		v.Exhibits = append(v.Exhibits, exhibitView{x.name, moment(x.Info.Date), plain(x.Info.From), plain(x.Info.Subject), x.Ref.Hex(), x.file()})
	}
	for i, x := range b.outside {
		o := b.in.Outside[i]
		v.Outside = append(v.Outside, outsideView{x.name, strings.TrimPrefix(x.path(), "data/"), plain(o.Name), plain(o.Note), moment(o.Taken.UTC()), x.Ref.Hex()})
	}
	for _, x := range t.LeftOut {
		v.LeftOut = append(v.LeftOut, leftOut(x))
	}
	return v
}

// file is where a reader of the page finds the message.
func (x *exhibit) file() string {
	if x.redacted {
		return "text/" + x.name + ".txt"
	}
	return "eml/" + x.name + ".eml"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	if _, off := t.Zone(); off == 0 {
		return t.Format("2 January 2006, 15:04") + " UTC"
	}
	return t.Format("2 January 2006, 15:04 -07:00")
}

func zone(t time.Time) string {
	if _, off := t.Zone(); off == 0 {
		return "UTC"
	}
	return t.Format("-07:00")
}

func place(os []trail.Occurrence) string {
	if len(os) == 0 {
		return "not in a mailbox now"
	}
	s := plain(os[0].Mailbox + "/" + os[0].Folder)
	if os[0].Gone {
		s += ", no longer on the server"
	}
	if n := len(os) - 1; n > 0 {
		s += fmt.Sprintf(" and %s more", plural(n, "place", "places"))
	}
	return s
}

// keyID is the short id in the middle of a verifier key.
func keyID(vkey string) string {
	// The key behind the second plus sign is base64, and may hold more of them.
	if p := strings.SplitN(vkey, "+", 3); len(p) == 3 {
		return p[1]
	}
	return ""
}

func (b *bag) coverageView(v *pageView) {
	c := b.in.Trail.Coverage
	for _, m := range c.Mailboxes {
		mv := mailboxView{Address: plain(m.Address), State: plain(m.State), Detail: plain(m.Detail)}
		var from, to, read time.Time
		read1 := 0
		for _, f := range m.Folders {
			if f.Excluded {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Left out on purpose: %s, folder %s.", m.Address, f.Name)))
				continue
			}
			read1++
			mv.Kept += f.Stored
			if f.From != nil && (from.IsZero() || f.From.Before(from)) {
				from = *f.From
			}
			if f.To != nil && f.To.After(to) {
				to = *f.To
			}
			if f.LastSync != nil && (read.IsZero() || f.LastSync.Before(read)) {
				read = *f.LastSync
			}
			if f.Quarantined > 0 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Could not be fetched: %s in %s, folder %s.", plural(f.Quarantined, "message", "messages"), m.Address, f.Name)))
			}
			if f.NotChosen > 0 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Left out on purpose: %s in %s, folder %s, not from or to a chosen client.", plural(f.NotChosen, "message", "messages"), m.Address, f.Name)))
			}
			if f.LeftOut > 0 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Left out on purpose: %s in %s, folder %s, older than the mailbox is read.", plural(f.LeftOut, "message", "messages"), m.Address, f.Name)))
			}
			if n := f.Server - f.Stored - f.NotChosen - f.LeftOut; n > 0 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("On the server but not kept yet: %s in %s, folder %s.", plural(n, "message", "messages"), m.Address, f.Name)))
			}
			if n := f.Stored - f.Indexed - f.Quarantined; n > 0 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Kept but not searched yet: %s in %s, folder %s.", plural(n, "message", "messages"), m.Address, f.Name)))
			}
		}
		mv.Folders = fmt.Sprint(read1)
		if !from.IsZero() {
			mv.Period = from.UTC().Format("2 Jan 2006") + " to " + to.UTC().Format("2 Jan 2006")
		}
		if !read.IsZero() {
			mv.LastRead = moment(read.UTC())
		}
		v.Mailboxes = append(v.Mailboxes, mv)
	}
	for _, a := range b.in.Accounts {
		for i, g := range a.Gaps {
			if i == 5 {
				v.Missing = append(v.Missing, plain(fmt.Sprintf("Not read: %s, %s more; coverage.json lists them.", a.Address, plural(len(a.Gaps)-i, "time", "times"))))
				break
			}
			v.Missing = append(v.Missing, plain(fmt.Sprintf("Not read: %s, from %s to %s. What came and was deleted in between was not seen.", a.Address, moment(g.From.UTC()), moment(g.To.UTC()))))
		}
	}
	for _, k := range b.in.Skews {
		v.Missing = append(v.Missing, fmt.Sprintf("This machine’s clock differed from the one of %s by %.1f seconds on %s.", plain(k.Authority), float64(k.Milliseconds)/1000, moment(k.At.UTC())))
	}
	if n := len(c.Absent); n > 0 {
		are := "are"
		if n == 1 {
			are = "is"
		}
		v.Missing = append(v.Missing, fmt.Sprintf("%s that kept mail refers to %s not kept; coverage.json lists them.", plural(n, "message", "messages"), are))
	}
}

// spans cuts a quote at the words that facts were read from. What cannot be found
// again in the quote is not marked.
func spans(quote string, facts []statement.Fact) []span {
	type cut struct {
		from, to int
		fact     string
	}
	var cuts []cut
	for _, f := range facts {
		if f.Text == "" {
			continue
		}
		for at := 0; at <= len(quote); {
			i := strings.Index(quote[at:], f.Text)
			if i < 0 {
				break
			}
			c := cut{at + i, at + i + len(f.Text), f.Value}
			if !slices.ContainsFunc(cuts, func(o cut) bool { return c.from < o.to && o.from < c.to }) {
				cuts = append(cuts, c)
				break
			}
			at = c.to
		}
	}
	slices.SortFunc(cuts, func(a, b cut) int { return a.from - b.from })
	var out []span
	at := 0
	show := func(s string) string { return visible(s, "\n\t") }
	for _, c := range cuts {
		if c.from > at {
			out = append(out, span{Text: show(quote[at:c.from])})
		}
		fact := c.fact
		if fact == "" {
			fact = "fact"
		}
		out = append(out, span{show(quote[c.from:c.to]), plain(fact)})
		at = c.to
	}
	if at < len(quote) {
		out = append(out, span{Text: show(quote[at:])})
	}
	return out
}
