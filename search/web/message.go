package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/trail"
)

type messageView struct {
	Page       head
	Subject    string
	From       string
	Who        who
	To, Cc     []string
	Dates      []datedLine
	Zones      []zoneView
	Truncated  bool
	Statements []readView
	Parts      []partView
	Defects    []message.Defect
	Ref        string
	SHA        []string
	Raw        string
	Ledger     int64
	Size       string
	MessageID  string
	Places     []trail.Occurrence
	Gone       bool
}

type datedLine struct{ Label, When, ISO string }

type zoneView struct {
	Kind  string
	Lines int
	HTML  template.HTML
}

// readView says why words count.
type readView struct {
	statementView
	Why   []statement.Reason
	Facts []factView
	Flags []string
}

// mostReasons are shown, the heaviest; the document has all of them.
const mostReasons = 4

type factView struct{ Type, Text, Value string }

type partView struct{ Name, Type, Size string }

func (w *site) messageView(r *http.Request, d *search.MessageDoc) messageView {
	m := d.Message
	v := messageView{Page: w.head(r, clip(m.Subject, 80)), Subject: m.Subject, From: m.From, To: m.To, Cc: d.Cc, Truncated: d.Truncated,
		Defects: d.Defects, Ref: m.Ref.String(), Raw: messageURL(m) + "/raw", Ledger: d.LedgerIndex, Size: octets(d.Size),
		MessageID: m.MessageID, Places: m.Occurrences, Gone: gone(m)}
	v.Page.State = w.corner(r.Context())
	if v.Subject == "" {
		v.Subject, v.Page.Title = "(no subject)", "Message"
	}
	v.Who = who{Initials: initials(m.From, m.From), Class: "unknown"}
	for _, s := range d.Statements {
		if strings.Contains(strings.ToLower(m.From), strings.ToLower(s.Speaker.Address)) && s.Speaker.Address != "" {
			v.Who = speaker(s.Speaker)
			if strings.EqualFold(m.From, s.Speaker.Address) && s.Speaker.Name != "" {
				v.From = s.Speaker.Name + " <" + s.Speaker.Address + ">"
			}
		}
	}
	add := func(label string, t *time.Time) {
		if t != nil && !t.IsZero() {
			// The zone is part of what was written.
			v.Dates = append(v.Dates, datedLine{label, t.Format("Monday 2\u00a0January 2006, 15:04:05 -07:00"), iso(*t)})
		}
	}
	add("Sent, by its author’s clock", d.Dates.Date)
	add("Passed on, by a server’s clock", d.Dates.Received)
	add("Received, by the mailbox’s clock", d.Dates.InternalDate)
	add("Kept, by this computer’s clock", d.Dates.Collected)

	hex := m.Ref.Hex()
	for i := 0; i < len(hex); i += 4 {
		v.SHA = append(v.SHA, hex[i:i+4])
	}
	for _, p := range d.Parts {
		name := p.Name
		if name == "" {
			name = "part " + p.Number
		}
		v.Parts = append(v.Parts, partView{name, p.ContentType, octets(p.Size)})
	}
	for i, s := range d.Statements {
		rv := readView{statementView: w.statement(s, nil), Why: s.Why[:min(len(s.Why), mostReasons)], Flags: s.Flags}
		rv.N = i + 1
		for _, f := range s.Facts {
			fv := factView{string(f.Type), f.Text, f.Value}
			if len(f.Alternatives) > 0 {
				fv.Value += " or " + strings.Join(f.Alternatives, " or ")
			}
			rv.Facts = append(rv.Facts, fv)
		}
		v.Statements = append(v.Statements, rv)
	}
	v.Zones = w.zones(d)
	return v
}

// zones renders the text zone by zone, with statements underlined in place.
// Offsets are code points; ones that do not fit the text are left out rather
// than trusted.
func (w *site) zones(d *search.MessageDoc) []zoneView {
	text := []rune(d.Text)
	zones := d.Zones
	if len(zones) == 0 {
		zones = []search.Zone{{Kind: message.New, Start: 0, End: len(text)}}
	}
	var out []zoneView
	next := 0
	for _, z := range zones {
		if z.Start < next || z.End > len(text) || z.Start > z.End {
			continue
		}
		var b strings.Builder
		pos := z.Start
		for i, s := range d.Statements {
			if s.Start < pos || s.End > z.End || s.Start >= s.End {
				continue
			}
			verbatim(&b, string(text[pos:s.Start]))
			fmt.Fprintf(&b, `<span class="st %s" id="%s"><a class="no" href="#why-%d">%d</a> `, family(s.Kind), template.HTMLEscapeString(s.ID), i+1, i+1)
			b.WriteString(string(quote(string(text[s.Start:s.End]), s.Facts, w.o.Location, nil)))
			b.WriteString("</span>")
			pos = s.End
		}
		verbatim(&b, string(text[pos:z.End]))
		next = z.End
		body := strings.Trim(string(text[z.Start:z.End]), "\n")
		out = append(out, zoneView{Kind: string(z.Kind), Lines: strings.Count(body, "\n") + 1, HTML: template.HTML(b.String())})
	}
	return out
}

func octets(n int64) string {
	switch {
	case n < 1<<10:
		return plural(int(n), "byte", "bytes")
	case n < 1<<20:
		return fmt.Sprintf("%d KB", (n+512)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
