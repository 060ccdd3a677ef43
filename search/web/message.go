package web

import (
	"cmp"
	"context"
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
	Homograph  string // the address is made to look like another
	Who        who
	To, Cc     []string
	Dates      []datedLine
	Views      []filterView
	Remote     string // what was not loaded
	Frame      string // address of the message's own HTML
	Octets     string // header section or source
	OctetsName string
	Cut        bool
	Zones      []zoneView
	Truncated  bool
	Statements []readView
	Second     []string // statements of others, known only from this message
	Parts      []partView
	Defects    []message.Defect
	Raw        string
	Thread     []threadView
	Verdict    verdictView
	Checks     []checkView
	Citation   string
	CanCorrect bool
	Kinds      []statement.Kind
}

type verdictView struct{ Class, Icon, Title string }

// checkView is one plain sentence about a message's proof.
type checkView struct {
	Class, Icon, Title, Text string
	SHA                      []string
}

type threadView struct {
	Time, ISO, Subject, URL string
	Who                     who
	Here                    bool
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
	Because []coverageLine
}

// mostReasons are shown, the heaviest; the document has all of them.
const mostReasons = 4

type partView struct{ Name, Type, Size, Icon string }

func (w *site) message(rw http.ResponseWriter, r *http.Request) {
	doc, err := w.s.Message(r.Context(), r.PathValue("ref"))
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if wantsJSON(r) {
		w.page(rw, r, http.StatusOK, "message", nil, doc)
		return
	}
	v := w.messageView(r, doc)
	if err := w.shown(r, doc, &v); err != nil {
		w.fail(rw, r, err)
		return
	}
	w.page(rw, r, http.StatusOK, "message", v, nil)
}

// shown fills in the view that is asked for: as it is read, as it was sent, its
// header section, or its source.
func (w *site) shown(r *http.Request, d *search.MessageDoc, v *messageView) error {
	view := r.URL.Query().Get("view")
	base := messageURL(d.Message)
	v.Views = []filterView{{Text: "Reading view", URL: base, On: view == ""}, {Text: "As sent", URL: base + "?view=sent", On: view == "sent"},
		{Text: "Headers", URL: base + "?view=headers", On: view == "headers"}, {Text: "Source", URL: base + "?view=source", On: view == "source"}}
	if view == "" {
		return nil
	}
	l, err := w.leaves(r.Context(), d.Message.Ref)
	if err != nil {
		return err
	}
	switch view {
	case "sent":
		_, remote := sanitise(l.html)
		if remote > 0 {
			v.Remote = plural(remote, "remote picture", "remote pictures") + " not loaded"
		}
		v.Frame = base + "/frame"
	case "headers":
		v.Octets, v.OctetsName, v.Cut = visible(l.header), "Header section", l.headerCut
	case "source":
		v.Octets, v.OctetsName, v.Cut = visible(l.source), "Source", l.sourceCut
	}
	return nil
}

func (w *site) messageView(r *http.Request, d *search.MessageDoc) messageView {
	m := d.Message
	v := messageView{Page: w.head(r, clip(m.Subject, 80)), Subject: m.Subject, From: m.From, To: m.To, Cc: d.Cc, Truncated: d.Truncated,
		Defects: d.Defects, Raw: messageURL(m) + "/raw", Kinds: kinds, CanCorrect: w.o.Desk != nil && mayChange(r.Context())}
	w.corner(r.Context(), &v.Page)
	v.Page.Crumbs = []crumb{{"Matters", "/"}, {"Message of " + w.when(m.Date), ""}}
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
	v.Homograph = homograph(m.From)
	add := func(label string, t *time.Time) {
		if t != nil && !t.IsZero() {
			// The zone is part of what was written.
			v.Dates = append(v.Dates, datedLine{label, t.Format("Monday 2\u00a0January 2006, 15:04:05 -07:00"), iso(*t)})
		}
	}
	add("Sent", d.Dates.Date)
	add("Passed on", d.Dates.Received)
	add("Received", d.Dates.InternalDate)
	add("Kept here", d.Dates.Collected)
	for _, p := range d.Parts {
		name, ic := p.Name, "attachment"
		if name == "" {
			name = "part " + p.Number
		}
		switch {
		case strings.HasPrefix(p.ContentType, "text/calendar"):
			ic = "calendar"
		case strings.HasPrefix(p.ContentType, "text/"), strings.HasSuffix(p.ContentType, "pdf"):
			ic = "document"
		}
		v.Parts = append(v.Parts, partView{name, p.ContentType, octets(p.Size), ic})
	}
	for i, s := range d.Statements {
		rv := readView{statementView: w.statement(s, nil), Because: because(s)}
		rv.N = i + 1
		v.Statements = append(v.Statements, rv)
	}
	for _, s := range d.SecondHand {
		v.Second = append(v.Second, w.secondHand(s))
	}
	v.Zones = w.zones(d)
	if len(d.Statements) > 0 {
		v.Citation = w.citation(d.Statements[0])
	} else {
		v.Citation = w.citation(trail.Statement{Quote: m.Subject, Message: m, ID: "none"})
	}
	w.proof(r.Context(), d, &v)
	v.Thread = w.thread(r.Context(), m)
	return v
}

// secondHand tells a statement that somebody else is said to have made.
func (w *site) secondHand(s trail.Statement) string {
	by := cmp.Or(s.Speaker.Name, s.Speaker.Address, "somebody without a name")
	if s.SecondHand.Written != "" {
		by += " (" + s.SecondHand.Written + ")"
	}
	return string(s.Kind) + ", said to be of " + by + ": “" + clip(strings.Join(strings.Fields(strings.ReplaceAll(s.Quote, "\n>", " ")), " "), 300) + "”"
}

// because is why words count, the heaviest reasons first.
func because(s trail.Statement) []coverageLine {
	var out []coverageLine
	for _, x := range s.Why[:min(len(s.Why), mostReasons)] {
		text := x.Rule
		if x.Text != "" {
			text = "“" + clip(x.Text, 120) + "” (" + x.Rule + ")"
		}
		out = append(out, line(string(s.Kind), "", text))
	}
	for _, f := range s.Facts {
		value := f.Value
		if len(f.Alternatives) > 0 {
			value += " or " + strings.Join(f.Alternatives, " or ")
		}
		ic := "link"
		if near(f.Type, statement.Date) || f.Type == statement.Time {
			ic = "calendar"
		}
		out = append(out, line(ic, "", "“"+clip(f.Text, 120)+"” is read as "+string(f.Type)+" "+value))
	}
	by := map[trail.Role]string{trail.Us: "by you", trail.Client: "by the client", trail.Other: "by a third party"}[s.Speaker.Role]
	if by == "" {
		by = "by somebody whom nobody configured"
	}
	out = append(out, line("person", "", "written "+by+", in the new text, not in a quotation"))
	if s.Answering != nil {
		out = append(out, line("quote", "", "written under “"+clip(s.Answering.Quote, 120)+"”"))
	}
	for _, f := range s.Flags {
		out = append(out, line("dashed", "", f))
	}
	return out
}

// proof says what is known of the original, in plain sentences.
func (w *site) proof(ctx context.Context, d *search.MessageDoc, v *messageView) {
	m := d.Message
	v.Verdict = verdictView{"ok", "sealed", "Verified, nothing altered"}
	same := checkView{Icon: "sealed", Title: "Same bytes as when archived.", Text: "SHA-256, " + octets(d.Size) + ", read again at " + w.clock(w.o.Now()) + ".", SHA: groups(m.Ref)}
	s, ok := w.seals.check(ctx, m.Ref, 256<<20)
	switch {
	case !ok:
		v.Verdict = verdictView{"", "dashed", "Kept, not compared just now"}
		same.Class, same.Icon, same.Title, same.Text = "mute", "dashed", "Not compared just now.", "The archive did not give the octets in time. This is their SHA-256:"
	case s.altered:
		v.Verdict = verdictView{"bad", "warning", "Altered"}
		same = checkView{Class: "pencil", Icon: "warning", Title: "These are not the bytes that were sealed.", Text: "Do not rely on this message. Restore the archive from a backup and have it checked again. Its SHA-256 must be:", SHA: groups(m.Ref)}
	}
	v.Checks = append(v.Checks, same)
	if d.LedgerIndex >= 0 {
		c := checkView{Icon: "sealed", Title: "In the ledger.", Text: "Entry " + thousands(int(d.LedgerIndex)) + "."}
		if d.Dates.Collected != nil {
			c.Text = "Entry " + thousands(int(d.LedgerIndex)) + ", sealed " + w.when(*d.Dates.Collected) + "."
		}
		v.Checks = append(v.Checks, c)
	} else {
		v.Checks = append(v.Checks, checkView{Class: "mute", Icon: "dashed", Title: "No entry in the ledger.", Text: "It was kept without one."})
	}
	if a := d.Authenticity; a != nil {
		v.Checks = append(v.Checks, signed(a))
	}
	if a, b := d.Dates.Date, d.Dates.Received; a != nil && b != nil {
		diff := b.Sub(*a).Abs()
		c := checkView{Icon: "sealed", Title: "Clocks agree.", Text: "The writer’s computer and the mail server are " + span(diff) + " apart."}
		if diff > time.Hour {
			c = checkView{Class: "mute", Icon: "waiting", Title: "Clocks differ.", Text: "The writer’s date and the mail server’s are " + span(diff) + " apart. The mail may have waited, or a clock was wrong."}
		}
		v.Checks = append(v.Checks, c)
	}
	still := checkView{Icon: "sealed", Title: "Still in your mailbox."}
	if gone(m) {
		still = checkView{Class: "mute", Icon: "archive", Title: "Gone from the server.", Text: "It is kept here. It lay in "}
	}
	var places []string
	for _, o := range m.Occurrences {
		p := o.Mailbox + ", " + o.Folder
		if o.UID > 0 {
			p += fmt.Sprintf(", UID %d", o.UID)
		}
		places = append(places, p)
	}
	if len(places) == 0 {
		still = checkView{Class: "mute", Icon: "archive", Title: "Kept here.", Text: "No mailbox holds it now."}
	}
	still.Text += strings.Join(places, "; ")
	if m.MessageID != "" {
		still.SHA = []string{"<" + strings.Trim(m.MessageID, "<>") + ">"}
	}
	v.Checks = append(v.Checks, still)
}

// signed says what a message's own signatures prove.
func signed(a *search.Authenticity) checkView {
	for _, x := range a.Signatures {
		if x.State != "verified" {
			continue
		}
		c := checkView{Icon: "sealed", Title: "Signed by " + x.Domain + ".", Text: "DKIM passed when it was archived (selector " + x.Selector + ")."}
		if !x.Aligned {
			c.Text += " That is not the sender’s own domain."
		}
		if len(x.Uncovered) > 0 {
			c.Text += " Not covered: " + strings.Join(x.Uncovered, ", ") + "."
		}
		return c
	}
	switch {
	case a.State == "failed":
		return checkView{Class: "pencil", Icon: "warning", Title: "The signature does not fit.", Text: upper(a.Why) + ". A mailing list or a filter may have changed it on the way; its bytes are still those that arrived."}
	case len(a.Signatures) == 0:
		return checkView{Class: "mute", Icon: "dashed", Title: "Not signed by its sender.", Text: "Many providers do not sign. That says nothing against it."}
	}
	return checkView{Class: "mute", Icon: "dashed", Title: "Signature not checked.", Text: upper(a.Why) + "."}
}

// span is a stretch of time in words.
func span(d time.Duration) string {
	if d < 2*time.Minute {
		return plural(int(d.Seconds()), "second", "seconds")
	}
	return strings.Replace(apart(time.Time{}, time.Time{}.Add(d)), "the same minute", "less than a minute", 1)
}

// threadMost is how many messages of a thread are listed.
const threadMost = 40

// thread lists the messages that a message hangs together with, oldest first.
func (w *site) thread(ctx context.Context, m trail.MessageInfo) []threadView {
	res, err := w.s.Search(ctx, search.Query{Text: "thread:" + m.Ref.String(), Messages: true, Sort: search.Oldest, Limit: threadMost})
	if err != nil || len(res.Hits) < 2 {
		return nil
	}
	var out []threadView
	day := ""
	for _, h := range res.Hits {
		if h.Message == nil {
			continue
		}
		x := h.Message
		t := threadView{Time: w.clock(x.Date), ISO: iso(x.Date), Subject: clip(x.Subject, 120), URL: messageURL(x.MessageInfo), Here: x.Ref == m.Ref,
			Who: who{Initials: initials(personal(x.From), x.From), Class: "unknown"}}
		if x.Excerpt != "" {
			t.Subject = clip(strings.Join(strings.Fields(x.Excerpt), " "), 90)
		}
		if d := x.Date.In(w.o.Location).Format("2\u00a0Jan"); d != day {
			day, t.Time = d, d
		}
		out = append(out, t)
	}
	return out
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
