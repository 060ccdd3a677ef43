package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"

	"inwriting/search/trail"
)

// head is what every page begins with.
type head struct {
	Title    string
	Question string // in the box
	Nav      string // which entry of the navigation is this page
	State    string // coverage in a few words
	BigBox   bool   // the page has its own box
}

func (w *site) head(r *http.Request, title string) head {
	return head{Title: title}
}

type homeView struct {
	Page     head
	Matters  []Matter
	Coverage coverageView
}

type errorView struct {
	Page  head
	What  string // what happened
	Means string // what it means
	Line  string // the technical line
}

func (w *site) funcs() template.FuncMap {
	return template.FuncMap{
		"icon":   icon,
		"asset":  assets.url,
		"words":  words,
		"plural": plural,
		"slug":   slug,
		"tick": func(name string, b box) any {
			return struct {
				Name string
				Box  box
			}{name, b}
		},
	}
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
	Subject      string
	Place        string // "nora@deskandco.example › INBOX"
	Gone         bool
	Perhaps      bool   // read with little confidence
	Corrected    string // what it was read as, and who reads it differently
	Own          bool
	Links        []linkWords
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
		Who:   speaker(s.Speaker), When: w.when(s.Message.Date), ISO: iso(s.Message.Date),
		Subject: s.Message.Subject, Place: place(s.Message), Gone: gone(s.Message),
		Perhaps: s.Confidence < unsure, Own: s.Speaker.Role == trail.Us,
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

func iso(t time.Time) string { return t.Format(time.RFC3339) }

func messageURL(m trail.MessageInfo) string { return "/message/" + m.Ref.String() }

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
