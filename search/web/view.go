package web

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"

	"inwriting/indexer/statement"
	"inwriting/search/access"
	"inwriting/search/trail"
)

// head is what every page begins with.
type head struct {
	Title      string
	Question   string // in the box
	Nav        string // which entry of the navigation is this page
	State      string // coverage in a few words
	StateClass string
	BigBox     bool // the page has its own box, or none
	Slim       bool
	Outside    bool   // nobody is signed in: no navigation
	Refresh    bool   // without a script it loads itself again while something runs
	Soon       bool   // the same, every few seconds
	Live       bool   // the script listens to what the daemon does
	Scheme     string // light or dark where it is forced
	NoKeys     bool
	Crumbs     []crumb
	Person     string // who is signed in
	Role       string
	Foot       string // of the printed page
	Alarm      string // tampering that nobody has looked at
}

type crumb struct{ Text, URL string }

// look is the cookie in which a browser keeps how the pages look in it.
const look = "look"

func (w *site) head(r *http.Request, title string) head {
	h := head{Title: title}
	if c, err := r.Cookie(look); err == nil {
		for _, word := range strings.Split(c.Value, ".") {
			switch word {
			case "light", "dark":
				h.Scheme = word
			case "nokeys":
				h.NoKeys = true
			}
		}
	}
	if p := access.PersonOf(r.Context()); p != nil {
		h.Person, h.Role = p.Name, string(p.Role)
	}
	if w.o.Desk != nil {
		if c := w.o.Desk.Last(); c != nil && !c.Running && !c.OK {
			h.Alarm = "The check of " + w.when(c.At) + " found that the archive is not as it was sealed."
			if n := len(c.Altered); n > 0 {
				h.Alarm = "The check of " + w.when(c.At) + " found " + plural(n, "message", "messages") + " altered: " + clip(strings.Join(c.Altered, ", "), 200) + ". All other evidence stays usable."
			}
		}
	}
	return h
}

// stands puts coverage into the corner of a page: in full, or only the trouble.
func (h *head) stands(c coverageView, full bool) {
	h.State = c.short(full)
	switch {
	case c.Mailboxes == 0:
		h.StateClass = "none"
	case len(c.Trouble) > 0:
		h.StateClass = "needs"
	}
}

// cornerTime bounds the wait for coverage on a page that shows nothing else of it.
const cornerTime = 2 * time.Second

// corner fills in the state of a page that has no coverage of its own.
func (w *site) corner(ctx context.Context, h *head) {
	ctx, cancel := context.WithTimeout(ctx, cornerTime)
	defer cancel()
	if cov, err := w.s.Coverage(ctx); err == nil {
		h.stands(w.coverage(*cov), false)
	}
}

type errorView struct {
	Page     head
	What     string // what happened
	Means    string // what it means
	Line     string // the technical line
	Back     string
	BackWord string
}

func (w *site) funcs() template.FuncMap {
	return template.FuncMap{
		"icon":      icon,
		"asset":     assets.url,
		"words":     words,
		"plural":    plural,
		"thousands": thousands,
		"upper":     func(s any) string { return upper(fmt.Sprint(s)) },
		"slug":      slug,
		"linked":    linked,
		"tick": func(name string, b box) any {
			return struct {
				Name string
				Box  box
			}{name, b}
		},
	}
}

// linked is a text in which addresses of pages are links.
func linked(s string) template.HTML {
	var out []string
	for _, word := range strings.Split(s, " ") {
		address := strings.TrimRight(word, ".,;:")
		text := template.HTMLEscapeString(word)
		if strings.HasPrefix(address, "https://") {
			a := template.HTMLEscapeString(address)
			text = `<a href="` + a + `" rel="noreferrer noopener" target="_blank">` + a + `</a>` + template.HTMLEscapeString(word[len(address):])
		}
		out = append(out, text)
	}
	return template.HTML(strings.Join(out, " "))
}

// slug is a question as the name of a trail's address; the words come back by
// turning the hyphens around.
func slug(q string) string {
	f := strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	s := strings.Join(f, "-")
	if len(s) > 80 {
		s = s[:80]
		s = s[:max(strings.LastIndexByte(s, '-'), 1)]
	}
	if s == "" {
		return "trail"
	}
	return s
}

func (w *site) date(t time.Time) string { return t.In(w.o.Location).Format("2\u00a0January 2006") }
func (w *site) day(t time.Time) string {
	return t.In(w.o.Location).Format("Monday 2\u00a0January 2006")
}
func (w *site) clock(t time.Time) string { return t.In(w.o.Location).Format("15:04") }
func (w *site) when(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.In(w.o.Location).Format("2\u00a0January 2006, 15:04")
}

// ago is how long ago something was, for less than two days; "" after that.
func (w *site) ago(t time.Time) string {
	switch d := w.o.Now().Sub(t); {
	case t.IsZero() || d < 0 || d >= 48*time.Hour:
		return ""
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes") + " ago"
	default:
		return plural(int(d.Hours()), "hour", "hours") + " ago"
	}
}

// today is "today" or "yesterday" for a day that is.
func (w *site) today(t time.Time) string {
	day := func(t time.Time) string { return t.In(w.o.Location).Format(time.DateOnly) }
	switch day(t) {
	case day(w.o.Now()):
		return "today"
	case day(w.o.Now().AddDate(0, 0, -1)):
		return "yesterday"
	}
	return ""
}

// lately is a time in as few words as it takes.
func (w *site) lately(t time.Time) string {
	if s := w.ago(t); s != "" {
		return s
	}
	return w.when(t)
}

// who is a speaker: shape, name and role say the same thing.
type who struct {
	Initials string
	Name     string
	Role     string // in words
	Class    string // us, client, other, unknown
}

func speaker(s trail.Speaker) who {
	v := who{Initials: initials(s.Name, s.Address), Name: s.Name, Class: string(s.Role)}
	if v.Name == "" {
		v.Name = s.Address
	}
	if v.Name == "" {
		v.Name = "somebody without an address"
	}
	switch s.Role {
	case trail.Us:
		v.Role = "you"
	case trail.Client:
		v.Role = "client"
	case trail.Other:
		v.Role = "third party"
	default:
		v.Class, v.Role, v.Initials = "unknown", "role unknown", "?"
	}
	return v
}

// statementView is one statement anywhere on a page.
type statementView struct {
	ID, Address  string
	Message      string // its address alone
	N            int
	Kind, Family string
	Icon         string
	Quote        template.HTML
	Who          who
	When, ISO    string
	Ago          string
	Subject      string
	Place        string // "nora@deskandco.example › INBOX"
	Gone         bool
	Perhaps      bool   // read with little confidence
	Corrected    string // what it was read as, and who reads it differently
	Own          bool
	Links        []linkWords
	Seal         *sealView
	Due          string // of a promise that is late
	Citation     string
}

type linkWords struct {
	Icon, Class, Text string
	N                 int
	After             string // "41 minutes later"
}

// unsure is the confidence below which a reading is shown as "perhaps".
const unsure = 0.5

func (w *site) statement(s trail.Statement, hot map[string]bool) statementView {
	v := statementView{
		ID: s.ID, Address: messageURL(s.Message) + "#" + s.ID, Message: messageURL(s.Message),
		Kind: upper(string(s.Kind)), Family: family(s.Kind), Icon: string(s.Kind),
		Quote: quote(s.Quote, s.Facts, w.o.Location, hot),
		Who:   speaker(s.Speaker), When: w.when(s.Message.Date), ISO: iso(s.Message.Date), Ago: w.ago(s.Message.Date),
		Subject: s.Message.Subject, Place: place(s.Message), Gone: gone(s.Message),
		Perhaps: s.Confidence < unsure, Own: s.Speaker.Role == trail.Us, Citation: w.citation(s),
	}
	if v.Subject == "" {
		v.Subject = "(no subject)"
	}
	if k := s.Corrected; k != nil {
		v.Perhaps = false // somebody has looked
		v.Corrected = "read as " + string(k.Was) + ", corrected by " + k.By + " on " + w.date(k.At)
		if k.Note != "" {
			v.Corrected += ": " + k.Note
		}
	}
	return v
}

// citation is a statement as it is quoted elsewhere: the words, who, when, where.
func (w *site) citation(s trail.Statement) string {
	zone := s.Message.Date.In(w.o.Location).Format("2 January 2006, 15:04 MST")
	by := s.Speaker.Address
	if s.Speaker.Name != "" {
		by = s.Speaker.Name + " <" + s.Speaker.Address + ">"
	}
	c := fmt.Sprintf("“%s”\n%s, %s, “%s”", clip(strings.Join(strings.Fields(s.Quote), " "), maxQuote), by, zone, clip(s.Message.Subject, 200))
	if s.Message.MessageID != "" {
		c += ", Message-ID <" + strings.Trim(s.Message.MessageID, "<>") + ">"
	}
	return c + ", SHA-256 " + s.Message.Ref.Hex() + ", statement " + s.ID
}

func iso(t time.Time) string { return t.Format(time.RFC3339) }

func messageURL(m trail.MessageInfo) string { return "/message/" + m.Ref.String() }

// shortURL is messageURL by as many digits as no other message has, where octets count.
func shortURL(m trail.MessageInfo) string { return messageURL(m)[:len("/message/sha256-")+16] }

func place(m trail.MessageInfo) string {
	if len(m.Occurrences) == 0 {
		return ""
	}
	o := m.Occurrences[0]
	s := o.Mailbox + " › " + o.Folder
	if n := len(m.Occurrences) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

func gone(m trail.MessageInfo) bool {
	for _, o := range m.Occurrences {
		if !o.Gone {
			return false
		}
	}
	return len(m.Occurrences) > 0
}

// kinds are those that a statement can be corrected to.
var kinds = statement.Kinds
