package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// streams are what a command reads and writes. Results go to out, everything
// else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// terminal is how text looks where it goes. Facts are bold; without colour they
// stand in brackets, so that nothing is said by colour alone.
type terminal struct {
	width int
	color bool
	utf8  bool
	tty   bool
}

func terminalOf(w io.Writer, env func(string) string, color string) terminal {
	t := terminal{width: 80, utf8: true}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.tty = true
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
			t.width = min(n, 100)
		}
	}
	t.color = t.tty && env("NO_COLOR") == "" && env("TERM") != "dumb"
	switch color {
	case "never":
		t.color = false
	case "always":
		t.color = true
	}
	for _, k := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(k); v != "" {
			v = strings.ToLower(v)
			t.utf8 = strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
			break
		}
	}
	return t
}

func (t terminal) esc(code, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t terminal) bold(s string) string { return t.esc("1", s) }
func (t terminal) dim(s string) string  { return t.esc("2", s) }

// fact shows a fact: bold, or in brackets where there is no colour.
func (t terminal) fact(s string) string {
	if t.color {
		return t.esc("1", s)
	}
	return "[" + s + "]"
}

// quote puts words somebody wrote between quotation marks.
func (t terminal) quote(s string) string {
	if t.utf8 {
		return "“" + s + "”"
	}
	return `"` + s + `"`
}

// glyph is u, or a where the locale has no UTF-8.
func (t terminal) glyph(u, a string) string {
	if t.utf8 {
		return u
	}
	return a
}

// clean makes words from mail safe on a terminal: one line, no control
// characters, no bidirectional overrides.
func clean(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfeff:
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wrap breaks text into lines of at most width columns, hanging each after the
// first by indent.
func wrap(s string, width int, first, indent string) string {
	var b strings.Builder
	b.WriteString(first)
	col := columns(first)
	start := true
	for _, word := range strings.Fields(s) {
		n := columns(word)
		if !start && col+1+n > width {
			b.WriteString("\n" + indent)
			col = columns(indent)
			start = true
		}
		if !start {
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += n
		start = false
	}
	return b.String()
}

// columns counts what a string takes on the screen, without escape sequences.
func columns(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] == 0x1b {
			j := strings.IndexByte(s[i:], 'm')
			if j < 0 {
				return n
			}
			i += j + 1
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if !unicode.Is(unicode.Mn, r) {
			n++
		}
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff) {
			n++
		}
	}
	return n
}

func pad(s string, width int) string {
	if n := width - columns(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

func day(t time.Time) string      { return t.Format("2 January 2006") }
func shortDay(t time.Time) string { return t.Format("2 Jan 2006") }
func moment(t time.Time) string   { return t.Format("2 Jan 2006 15:04") }

// number writes n with commas.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is "1 message" or "2,111 messages".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// bytesText is a size for people.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000_000:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
