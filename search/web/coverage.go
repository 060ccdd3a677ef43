package web

import (
	"fmt"
	"strings"
	"time"

	"inwriting/search/trail"
)

// coverageView says what an answer was drawn from.
type coverageView struct {
	Lines     []coverageLine
	Mailboxes int
	Whole     int // mailboxes of which nothing is missing
	Messages  int
	Trouble   []string // mailboxes that are not complete
	Missing   []string // what that means, a sentence each
	From, To  string
	Read      time.Time // when the whole ones were last read, the oldest of them
}

type coverageLine struct{ Icon, Class, Text, Link, Word string }

func line(icon, class, text string) coverageLine {
	return coverageLine{Icon: icon, Class: class, Text: text}
}

// boxCoverage is one mailbox, its folders taken together.
type boxCoverage struct {
	stored, server, unreadable, waiting int
	older, notChosen                    int // left out by choice; not in server
	from, to, synced                    time.Time
	excluded                            []string
}

func sum(m trail.MailboxCoverage) (b boxCoverage) {
	for _, f := range m.Folders {
		if f.Excluded {
			b.excluded = append(b.excluded, m.Address+" "+f.Name)
			continue
		}
		b.stored, b.server = b.stored+f.Stored, b.server+wanted(f)
		b.older, b.notChosen = b.older+f.LeftOut, b.notChosen+f.NotChosen
		b.unreadable += f.Quarantined
		b.waiting += max(0, f.Stored-f.Indexed-f.Quarantined)
		if f.From != nil && (b.from.IsZero() || f.From.Before(b.from)) {
			b.from = *f.From
		}
		if f.To != nil && f.To.After(b.to) {
			b.to = *f.To
		}
		if f.LastSync != nil && f.LastSync.After(b.synced) {
			b.synced = *f.LastSync
		}
	}
	return b
}

// wanted is how many messages of a folder are on the server and to be kept.
func wanted(f trail.FolderCoverage) int {
	return max(0, f.Server-f.LeftOut-f.NotChosen-f.Erased)
}

func (w *site) coverage(c trail.Coverage) coverageView {
	v := coverageView{Mailboxes: len(c.Mailboxes)}
	var first, last time.Time
	add := func(icon, class, text string) { v.Lines = append(v.Lines, line(icon, class, text)) }
	var excluded, whole, imported []string
	var trouble []coverageLine
	unreadable, waiting, older, notChosen := 0, 0, 0, 0
	for _, m := range c.Mailboxes {
		b := sum(m)
		excluded = append(excluded, b.excluded...)
		unreadable, waiting = unreadable+b.unreadable, waiting+b.waiting
		older, notChosen = older+b.older, notChosen+b.notChosen
		v.Messages += b.stored
		if !b.from.IsZero() && (first.IsZero() || b.from.Before(first)) {
			first = b.from
		}
		if b.to.After(last) {
			last = b.to
		}
		switch m.State {
		case "up to date":
			whole = append(whole, m.Address)
			if v.Read.IsZero() || b.synced.Before(v.Read) {
				v.Read = b.synced
			}
		case "imported":
			imported = append(imported, m.Address)
		default:
			v.Trouble = append(v.Trouble, m.Address)
			text := m.Address + ": " + m.State
			if m.Detail != "" {
				text += " (" + m.Detail + ")"
			}
			switch {
			case !b.synced.IsZero():
				text += "; mail after " + w.date(b.synced) + " is missing here"
				v.Missing = append(v.Missing, m.Address+" could not be read after "+w.date(b.synced)+".")
			case m.State == "never read":
				text += "; nothing from it is in this answer"
				v.Missing = append(v.Missing, m.Address+" was never read.")
			default:
				v.Missing = append(v.Missing, m.Address+" is not complete.")
			}
			if b.server > b.stored {
				text += "; " + plural(b.server-b.stored, "message", "messages") + " still to come"
			}
			l := line("warning", "warn", text)
			l.Link, l.Word = "/mailboxes", "Mend it"
			trouble = append(trouble, l)
		}
	}
	v.Whole = len(whole)
	switch until := w.lately(v.Read); {
	case len(whole) == 1:
		add("check", "ok", whole[0]+", read without a break until "+until)
	case len(whole) > 1:
		add("check", "ok", plural(len(whole), "mailbox", "mailboxes")+", read without a break until "+until)
	}
	for _, m := range imported {
		add("check", "ok", m+", from files; what came later is not in them")
	}
	v.Lines = append(v.Lines, trouble...)
	if !first.IsZero() {
		v.From, v.To = w.date(first), w.date(last)
	}
	if unreadable > 0 {
		add("warning", "warn", plural(unreadable, "message", "messages")+" could not be fetched or read")
	}
	if waiting > 0 {
		add("warning", "warn", plural(waiting, "message is", "messages are")+" kept but not yet read")
	}
	if notChosen > 0 {
		add("unseen", "mute", plural(notChosen, "message is", "messages are")+" not kept by choice: not from or to a chosen client")
	}
	if older > 0 {
		add("unseen", "mute", plural(older, "message is", "messages are")+" not kept by choice: older than the mailbox is read")
	}
	if len(excluded) > 0 {
		add("unseen", "mute", "Left out by choice: "+clip(strings.Join(excluded, ", "), 300))
	}
	if n := len(c.Absent); n > 0 {
		add("dashed", "mute", plural(n, "message is", "messages are")+" cited by others but not kept here")
	}
	if c.Checkpoint != nil {
		add("check", "ok", "Ledger of "+plural(int(c.Checkpoint.Size), "entry", "entries")+", signed "+w.when(c.Checkpoint.Time))
	}
	add("unseen", "warn", "Not seen: phone calls, chats, mail to addresses you did not add")
	return v
}

// short is coverage in a few words: in full, or no more than what is amiss.
func (c coverageView) short(full bool) string {
	n := len(c.Trouble)
	needs := fmt.Sprintf("%d need you", n)
	if n == 1 {
		needs = "1 needs you"
	}
	switch {
	case c.Mailboxes == 0:
		return "No mailbox yet"
	case n == 0:
		return plural(c.Mailboxes, "mailbox", "mailboxes") + " read"
	case !full && n == 1:
		return "1 mailbox needs you"
	case !full:
		return plural(n, "mailbox", "mailboxes") + " need you"
	case c.Mailboxes == n:
		return plural(n, "mailbox", "mailboxes") + ", " + needs
	}
	return plural(c.Mailboxes-n, "mailbox", "mailboxes") + " read, " + needs
}

// Searched is the last line of a list: what was looked through.
func (c coverageView) Searched() string {
	if c.Mailboxes == 0 {
		return "No mailbox was searched: none has been read yet."
	}
	s := fmt.Sprintf("Searched %s in %s", plural(c.Messages, "message", "messages"), plural(c.Mailboxes, "mailbox", "mailboxes"))
	if c.From != "" {
		s += ", " + c.From + " to " + c.To
	}
	s += "."
	if len(c.Missing) > 0 {
		s += " Not complete: " + strings.Join(c.Missing, " ")
	}
	return s
}

// Gaps lists what could not be seen.
func (c coverageView) Gaps() []coverageLine {
	var out []coverageLine
	for _, l := range c.Lines {
		if l.Class != "ok" {
			out = append(out, l)
		}
	}
	return out
}
