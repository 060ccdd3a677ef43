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
	Messages  int
	Trouble   []string // mailboxes that are not complete
	From, To  string
}

type coverageLine struct{ Icon, Class, Text string }

func (w *site) coverage(c trail.Coverage) coverageView {
	v := coverageView{Mailboxes: len(c.Mailboxes)}
	var first, last time.Time
	add := func(icon, class, text string) { v.Lines = append(v.Lines, coverageLine{icon, class, text}) }
	var excluded []string
	unreadable, waiting := 0, 0
	for _, m := range c.Mailboxes {
		stored, server := 0, 0
		var from, to, synced time.Time
		for _, f := range m.Folders {
			if f.Excluded {
				excluded = append(excluded, m.Address+" "+f.Name)
				continue
			}
			stored, server = stored+f.Stored, server+f.Server
			unreadable += f.Quarantined
			if n := f.Stored - f.Indexed - f.Quarantined; n > 0 {
				waiting += n
			}
			if f.From != nil && (from.IsZero() || f.From.Before(from)) {
				from = *f.From
			}
			if f.To != nil && f.To.After(to) {
				to = *f.To
			}
			if f.LastSync != nil && f.LastSync.After(synced) {
				synced = *f.LastSync
			}
		}
		v.Messages += stored
		if !from.IsZero() && (first.IsZero() || from.Before(first)) {
			first = from
		}
		if to.After(last) {
			last = to
		}
		span := ""
		if !from.IsZero() && !to.IsZero() {
			span = ", " + w.date(from) + " to " + w.date(to)
		}
		kept := plural(stored, "message", "messages") + span
		switch m.State {
		case "up to date":
			add("check", "ok", m.Address+": "+kept)
		case "imported":
			add("check", "ok", m.Address+": "+kept+", from files; what came later is not in them")
		default:
			v.Trouble = append(v.Trouble, m.Address)
			text := m.Address + ": " + m.State
			if m.Detail != "" {
				text += " (" + m.Detail + ")"
			}
			switch {
			case !synced.IsZero():
				text += "; mail after " + w.date(synced) + " is missing here"
			case m.State == "never read":
				text += "; nothing from it is in this answer"
			}
			if server > stored {
				text += "; " + plural(server-stored, "message", "messages") + " still to come"
			}
			if stored > 0 {
				text += "; " + kept + " kept"
			}
			add("warning", "warn", text)
		}
	}
	if !first.IsZero() {
		v.From, v.To = w.date(first), w.date(last)
	}
	if unreadable > 0 {
		add("warning", "warn", plural(unreadable, "message", "messages")+" could not be fetched or read")
	}
	if waiting > 0 {
		add("warning", "warn", plural(waiting, "message is", "messages are")+" kept but not yet read")
	}
	if len(excluded) > 0 {
		add("unseen", "mute", "Left out by choice: "+clip(strings.Join(excluded, ", "), 300))
	}
	if n := len(c.Absent); n > 0 {
		add("dashed", "mute", plural(n, "message is", "messages are")+" cited by others but not kept here")
	}
	if c.Checkpoint != nil {
		add("sealed", "ok", "Ledger of "+plural(int(c.Checkpoint.Size), "entry", "entries")+", signed "+w.when(c.Checkpoint.Time))
	}
	add("unseen", "mute", "Not seen: phone calls, chats, mail to addresses you did not add")
	return v
}

func (c coverageView) short() string {
	switch n := len(c.Trouble); {
	case c.Mailboxes == 0:
		return "No mailbox yet"
	case n == 1:
		return plural(c.Mailboxes, "mailbox", "mailboxes") + ", 1 needs you"
	case n > 1:
		return fmt.Sprintf("%s, %d need you", plural(c.Mailboxes, "mailbox", "mailboxes"), n)
	}
	return plural(c.Mailboxes, "mailbox", "mailboxes") + " read"
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
	if len(c.Trouble) > 0 {
		s += " Not complete: " + strings.Join(c.Trouble, ", ") + "."
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
