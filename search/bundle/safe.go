package bundle

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible shows every character that cannot be seen, or that turns the direction
// of what follows it, as its number: ⟨U+202E⟩. A display name with such a
// character in it could otherwise make a line read as something else. keep is
// what may stay, such as line breaks in a quote.
func visible(s, keep string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return hidden(r) && !strings.ContainsRune(keep, r) }) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			fmt.Fprintf(&b, "⟨%02X⟩", s[i])
			continue
		}
		if hidden(r) && !strings.ContainsRune(keep, r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool {
	switch r {
	case 0x200C, 0x200D: // joiners: Persian words and emoji are made with them
		return false
	case 0x2028, 0x2029, 0x115F, 0x1160, 0x3164, 0xFFA0: // separators, and letters that are blank
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf)
}

// plain is visible for one-line fields.
func plain(s string) string { return visible(s, "") }

// cell writes one CSV cell, always quoted. What a spreadsheet might take for a
// formula gets an apostrophe in front, and so does what begins with one: uncell
// takes exactly that away again.
func cell(s string) string {
	if guarded(s) {
		s = "'" + s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func guarded(s string) bool {
	if strings.HasPrefix(s, "'") {
		return true
	}
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	return strings.ContainsRune("=+-@\uFF1D\uFF0B\uFF0D\uFF20", r) && r != utf8.RuneError ||
		strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r")
}

func uncell(s string) string { return strings.TrimPrefix(s, "'") }

// table writes rows as CSV (RFC 4180): all cells quoted, CRLF.
type table struct{ b strings.Builder }

func (t *table) row(cells ...string) {
	for i, c := range cells {
		if i > 0 {
			t.b.WriteByte(',')
		}
		t.b.WriteString(cell(c))
	}
	t.b.WriteString("\r\n")
}

// slug makes a name for a folder: ASCII letters, digits and hyphens.
func slug(s string, n int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= n {
			break
		}
	}
	if out := strings.Trim(b.String(), "-"); out != "" {
		return out
	}
	return "trail"
}
