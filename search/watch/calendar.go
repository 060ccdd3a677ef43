package watch

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is a promise in a calendar: a whole day.
type Event struct {
	UID     string    // the same for the same promise, for good
	Stamp   time.Time // when it was written
	Day     time.Time
	Summary string
	Text    string
}

// WriteCalendar writes events as an iCalendar object (RFC 5545) that calendar
// programs can subscribe to. The same events give the same bytes.
func WriteCalendar(w io.Writer, events []Event) error {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(fold(strings.ToValidUTF8(name+":"+value, "\uFFFD"))) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//inwriting//open//EN")
	line("CALSCALE", "GREGORIAN")
	line("METHOD", "PUBLISH")
	line("X-WR-CALNAME", "Promises")
	for _, e := range events {
		line("BEGIN", "VEVENT")
		line("UID", e.UID)
		line("DTSTAMP", e.Stamp.UTC().Format("20060102T150405Z"))
		// RFC 5545 section 3.6.1: without DTEND a date lasts that one day.
		line("DTSTART;VALUE=DATE", e.Day.Format("20060102"))
		line("SUMMARY", text(e.Summary))
		line("DESCRIPTION", text(e.Text))
		line("TRANSP", "TRANSPARENT")
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the calendar: %w", err)
	}
	return nil
}

// text is a TEXT value, RFC 5545 section 3.3.11. Control characters that it does
// not allow are dropped.
func text(s string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t' || r >= ' ' && r != 0x7f:
			b.WriteRune(r) // what is not UTF-8 becomes U+FFFD
		}
	}
	return b.String()
}

// fold ends a content line, in pieces of at most 75 octets that part no character
// (RFC 5545 section 3.1).
func fold(s string) string {
	const limit = 75
	var b strings.Builder
	for n := limit; len(s) > n; n = limit - 1 { // the space in front of a continuation counts
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		b.WriteString(s[:n] + "\r\n ")
		s = s[n:]
	}
	b.WriteString(s + "\r\n")
	return b.String()
}
