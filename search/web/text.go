package web

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"inwriting/indexer/statement"
)

// verbatim escapes somebody's words for HTML, character for character, except
// for what cannot be seen: control characters and the marks that turn the
// direction of writing around are named, so that what is read is what is there.
func verbatim(b *strings.Builder, s string) {
	from := 0
	for i, r := range s {
		var as string
		switch {
		case r == '\n' || r == '\t':
			continue
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n > 1 {
				continue // the character itself was written
			}
			b.WriteString(html.EscapeString(s[from:i]))
			b.WriteString("\uFFFD")
			from = i + 1
			continue
		case hiding(r):
			as = fmt.Sprintf(`<span class="unseen" title="a character that cannot be seen">U+%04X</span>`, r)
		default:
			continue
		}
		b.WriteString(html.EscapeString(s[from:i]))
		b.WriteString(as)
		from = i + utf8.RuneLen(r)
	}
	b.WriteString(html.EscapeString(s[from:]))
}

// hiding reports whether r cannot be seen and can make a text look like another.
func hiding(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0xfeff || r >= 0xfff9 && r <= 0xfffb
}

// reveal names the hiding characters of a finished page that came in by a way
// other than verbatim: a title, an attribute, a question. No page has any.
func reveal(page []byte) []byte {
	if bytes.IndexFunc(page, hiding) < 0 {
		return page
	}
	var b bytes.Buffer
	for _, r := range string(page) { // what is not UTF-8 becomes U+FFFD
		if hiding(r) {
			fmt.Fprintf(&b, "U+%04X", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}

// words is verbatim for one line of a header: bounded, and isolated so that its
// writing direction stays its own.
func words(s string) template.HTML {
	var b strings.Builder
	b.WriteString("<bdi>")
	verbatim(&b, clip(strings.Join(strings.Fields(s), " "), 300))
	b.WriteString("</bdi>")
	return template.HTML(b.String())
}

// clip cuts s to n characters and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	i := 0
	for p := range s {
		if i == n {
			return s[:p] + "…"
		}
		i++
	}
	return s
}

// maxQuote bounds a statement's words in a list, in characters. The message page
// has them in full.
const maxQuote = 1500

// quote shows a statement's words with its facts under the marker.
func quote(q string, facts []statement.Fact, loc *time.Location, hot map[string]bool) template.HTML {
	var b strings.Builder
	text := clip(q, maxQuote)
	rest := text
	for _, f := range facts {
		i := strings.Index(rest, f.Text)
		if f.Text == "" || i < 0 {
			continue
		}
		verbatim(&b, rest[:i])
		class := "fact"
		if hot[string(f.Type)+" "+f.Value] {
			class += " hot"
		}
		b.WriteString(`<mark class="` + class + `">`)
		verbatim(&b, f.Text)
		b.WriteString("</mark>")
		if g := gloss(f); g != "" {
			b.WriteString(` <span class="read">` + html.EscapeString(g) + `</span>`)
		}
		rest = rest[i+len(f.Text):]
	}
	verbatim(&b, rest)
	return template.HTML(b.String())
}

// gloss says what a fact was read as where the words alone do not: "= Wed 15 March".
// Where more than one reading stands, all are given.
func gloss(f statement.Fact) string {
	var all []string
	for _, v := range append([]string{f.Value}, f.Alternatives...) {
		s, plain := value(f.Type, v, f.Text)
		if plain && len(f.Alternatives) == 0 && !f.Mismatch {
			return ""
		}
		all = append(all, s)
	}
	out := "= " + strings.Join(all, " or ")
	if f.Mismatch {
		out += ", but the weekday is another"
	}
	return out
}

// value shows a fact's value; plain means that the words already say it.
func value(t statement.FactType, v, text string) (s string, plain bool) {
	if t != statement.Date && t != statement.DateTime {
		return v, true
	}
	for _, l := range []struct{ in, out string }{
		{"2006-01-02", "Mon 2\u00a0January"}, {"2006-01-02T15:04", "Mon 2\u00a0January, 15:04"}, {"2006-01-02T15:04:05", "Mon 2\u00a0January, 15:04"},
	} {
		d, err := time.Parse(l.in, v)
		if err != nil {
			continue
		}
		named := strings.Contains(strings.ToLower(text), strings.ToLower(d.Format("Jan")))
		numbered := regexp.MustCompile(`(^|\D)0?` + strconv.Itoa(d.Day()) + `(\D|$)`).MatchString(text)
		return d.Format(l.out), named && numbered
	}
	return v, true
}

// brief is a fact's value for the short version.
func brief(f statement.Fact) string {
	if s, _ := value(f.Type, f.Value, ""); f.Type == statement.Date || f.Type == statement.DateTime {
		return s
	}
	return clip(f.Text, 40)
}

var refs = regexp.MustCompile(`\(\d+(?:(?:, | and )\d+)*\)|\b(?:explained by|statement|statements) \d+\b`)

// numbered escapes a sentence of ours and turns its statement numbers into
// links.
func numbered(s string, count int) template.HTML {
	var b strings.Builder
	last := 0
	for _, m := range refs.FindAllStringIndex(s, -1) {
		b.WriteString(html.EscapeString(s[last:m[0]]))
		b.WriteString(digits.ReplaceAllStringFunc(s[m[0]:m[1]], func(n string) string {
			if i, _ := strconv.Atoi(n); i < 1 || i > count {
				return n
			}
			return `<a class="ref" href="#s` + n + `">` + n + `</a>`
		}))
		last = m[1]
	}
	b.WriteString(html.EscapeString(s[last:]))
	return template.HTML(b.String())
}

var digits = regexp.MustCompile(`\d+`)

// sentences splits our own text after the first sentence, which is set bold.
func sentences(s string) (first, rest string) {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '.' && s[i+1] == ' ' && unicode.IsUpper(rune(s[i+2])) && i > 1 && !unicode.IsUpper(rune(s[i-1])) {
			return s[:i+1], s[i+2:]
		}
	}
	return s, ""
}

// initials are the two letters of a monogram.
func initials(name, address string) string {
	var out []rune
	for _, w := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(w)
		if unicode.IsLetter(r) {
			out = append(out, unicode.ToUpper(r))
		}
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	if len(out) == 0 {
		r, _ := utf8.DecodeRuneInString(address)
		if !unicode.IsLetter(r) {
			return "?"
		}
		out = []rune{unicode.ToUpper(r)}
	}
	return string(out)
}

func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// plural counts things: "1 message", "18,412 messages".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// apart is a span between two mails: "14 minutes", "9 days".
func apart(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case d < 0:
		return ""
	case d < time.Minute:
		return "the same minute"
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour", "hours")
	}
	return plural(int(d.Hours()/24), "day", "days")
}
