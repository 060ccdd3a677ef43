package search

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search/query"
	"inwriting/search/trail"
)

func (e *Engine) info(r *Record) trail.MessageInfo {
	m := r.Message
	info := trail.MessageInfo{Ref: r.Ref, MessageID: m.MessageID, Date: r.Date, Subject: m.Subject, To: addresses(m.To), Occurrences: []trail.Occurrence{}}
	if len(m.From) > 0 {
		info.From = m.From[0].Address
	}
	for _, o := range r.Occurrences {
		info.Occurrences = append(info.Occurrences, o.Occurrence)
	}
	for _, p := range m.Parts {
		if p.Inline {
			continue
		}
		info.Attachments = append(info.Attachments, trail.Attachment{Name: p.Name, Size: p.Size, SHA256: p.SHA256})
	}
	return info
}

func addresses(list []message.Address) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Address
	}
	return out
}

// statement is the nth statement of r as answers show it. Lists are never null.
func (e *Engine) statement(r *Record, n int) trail.Statement {
	return e.shown(r, &r.Statements[n])
}

func (e *Engine) shown(r *Record, s *Statement) trail.Statement {
	out := trail.Statement{
		ID: s.ID, Kind: s.Kind, Confidence: s.Confidence, Quote: s.Quote, Start: s.RuneStart, End: s.RuneEnd,
		Message: e.info(r), Corrected: s.Corrected, Answering: s.Answering,
		Facts: slices.Clone(s.Facts), Flags: slices.Clone(s.Flags), Why: slices.Clone(s.Why),
	}
	// RFC 5322 section 3.6.2: From is the author; Sender only posted it.
	if from := r.Message.From; len(from) > 0 {
		out.Speaker.Name, out.Speaker.Address = from[0].Name, from[0].Address
	}
	out.Speaker.Role, _ = e.people.Role(out.Speaker.Address)
	if out.Facts == nil {
		out.Facts = []statement.Fact{}
	}
	for i := range out.Facts {
		if out.Facts[i].Alternatives == nil {
			out.Facts[i].Alternatives = []string{}
		}
	}
	if out.Flags == nil {
		out.Flags = []string{}
	}
	if out.Why == nil {
		out.Why = []statement.Reason{}
	}
	if slices.Contains(out.Flags, statement.Reported) {
		out.Reported = e.people.Attribute(&out, r.Message.To, r.Message.Cc)
	}
	return out
}

func (e *Engine) statements(r *Record) []trail.Statement {
	out := make([]trail.Statement, len(r.Statements))
	for i := range r.Statements {
		out[i] = e.statement(r, i)
	}
	return out
}

func (e *Engine) trailRecord(r *Record) *trail.Record {
	m := r.Message
	t := &trail.Record{
		Ref: r.Ref, Info: e.info(r), From: m.From, To: m.To, Cc: m.Cc, Subject: m.Subject, MessageID: m.MessageID,
		Date: r.Date, Auto: m.Auto, NewHashes: r.NewHashes, QuotedHashes: r.QuotedHashes, Statements: e.statements(r),
		Attachments: m.Parts,
	}
	for _, list := range [][]string{m.InReplyTo, m.References} {
		for _, id := range list {
			if !slices.Contains(t.Refs, id) {
				t.Refs = append(t.Refs, id)
			}
		}
	}
	return t
}

func (e *Engine) document(r *Record) *MessageDoc {
	m := r.Message
	d := &MessageDoc{
		Schema: MessageSchema, Message: e.info(r), Cc: addresses(m.Cc), Text: m.Text, Truncated: m.Truncated,
		Zones: []Zone{}, Statements: e.statements(r), Parts: slices.Clone(m.Parts), Defects: slices.Clone(m.Defects),
		LedgerIndex: r.LedgerIndex, Size: r.Size, Authenticity: r.Authenticity, Signs: r.Signs,
	}
	if d.Parts == nil {
		d.Parts = []message.Part{}
	}
	if d.Defects == nil {
		d.Defects = []message.Defect{}
	}
	// Zones lie one after the other: the text is counted once.
	at, runes := 0, 0
	count := func(to int) int {
		to = min(max(to, at), len(m.Text))
		runes += utf8.RuneCountInString(m.Text[at:to])
		at = to
		return runes
	}
	for _, z := range m.Zones {
		start := count(z.Start)
		d.Zones = append(d.Zones, Zone{Kind: z.Kind, Start: start, End: count(z.End)})
	}
	d.Dates.Date, d.Dates.Received = known(m.Date), known(m.Received)
	for _, o := range r.Occurrences {
		if d.Dates.InternalDate == nil {
			d.Dates.InternalDate = known(o.InternalDate)
		}
		if t := known(o.Collected); t != nil && (d.Dates.Collected == nil || t.Before(*d.Dates.Collected)) {
			d.Dates.Collected = t
		}
	}
	d.Dates.Disagree = d.Dates.disagree()
	return d
}

// disagree allows for a wrong time zone, and for a night in which a server was down.
func (d *Dates) disagree() bool {
	var first, last *time.Time
	for _, t := range [...]*time.Time{d.Date, d.Received, d.InternalDate} {
		if t == nil {
			continue
		}
		if first == nil || t.Before(*first) {
			first = t
		}
		if last == nil || t.After(*last) {
			last = t
		}
	}
	const day = 24 * time.Hour
	return first != nil && (last.Sub(*first) > day || d.Collected != nil && last.Sub(*d.Collected) > day)
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// wordsOf are the lower-case words that a query looks for in text.
func wordsOf(n query.Node) []string {
	var out []string
	switch n := n.(type) {
	case query.Question:
		for _, w := range n.Words {
			out = append(out, strings.ToLower(w))
		}
	case query.And:
		for _, c := range n {
			out = append(out, wordsOf(c)...)
		}
	case query.Or:
		for _, c := range n {
			out = append(out, wordsOf(c)...)
		}
	case query.Word:
		out = append(out, strings.ToLower(n.Text))
	case query.Phrase:
		out = append(out, strings.Fields(strings.ToLower(n.Text))...)
	}
	return out
}

const maxExcerpt = 160 // code points

// excerpt is the line of the author's own words that holds most of words; the
// first where none does.
func excerpt(m *message.Message, words []string) string {
	best, most := "", -1
	for _, z := range m.Zones {
		if z.Kind != message.New || z.Start < 0 || z.End > len(m.Text) || z.Start > z.End {
			continue
		}
		for line := range strings.Lines(m.Text[z.Start:z.End]) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			n, lower := 0, strings.ToLower(line)
			for _, w := range words {
				if strings.Contains(lower, w) {
					n++
				}
			}
			if n > most {
				best, most = line, n
			}
		}
	}
	if utf8.RuneCountInString(best) > maxExcerpt {
		r := []rune(best)
		best = strings.TrimSpace(string(r[:maxExcerpt-1])) + "…"
	}
	return best
}
