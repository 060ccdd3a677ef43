package bundle

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// A redacted bundle is made anew from the text. A message that holds a redacted word
// anywhere loses its octets and attachments; its ledger proof stays, so that whoever
// is shown the original can check it. So does a message with something in it that
// cannot be looked into (dark.go).

// Redaction is words that must not leave, and what is said in their place.
type Redaction struct {
	Words  string
	Reason string // "bank details": the bundle says [REDACTED: bank details]
}

// ReadRedactions reads a list: one a line, "reason: words"; empty lines and those
// that begin with # say nothing. The words run to the end of the line.
func ReadRedactions(r io.Reader) ([]Redaction, error) {
	var out []Redaction
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(s.Text(), "\uFEFF"))
		if line == "" || line[0] == '#' {
			continue
		}
		reason, words, ok := strings.Cut(line, ":")
		reason, words = strings.TrimSpace(reason), strings.TrimSpace(words)
		if !ok || reason == "" || words == "" {
			return nil, fmt.Errorf("line %d: want \"reason: words to redact\"", n)
		}
		out = append(out, Redaction{Words: words, Reason: reason})
	}
	return out, s.Err()
}

// maker finds words that are known by their form.
type maker struct {
	form *regexp.Regexp
	ok   func(string) bool
	why  string
}

var makers = map[string]maker{
	"iban":      {regexp.MustCompile(`(?i)\b[A-Z]{2}[0-9]{2}(?:[ \t]?[0-9A-Z]{2,4}){3,8}\b`), iban, "bank details"},
	"sort-code": {regexp.MustCompile(`\b[0-9]{2}[- ][0-9]{2}[- ][0-9]{2}\b`), func(string) bool { return true }, "bank details"},
	"card":      {regexp.MustCompile(`\b(?:[0-9][ -]?){13,19}\b`), luhn, "card number"},
}

// Forms lists what Find knows by its form.
func Forms() []string {
	var out []string
	for k := range makers {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Find lists the words of a form in a text, each once.
func Find(form, text string) []Redaction {
	m, ok := makers[form]
	if !ok {
		return nil
	}
	var out []Redaction
	for _, s := range m.form.FindAllString(text, -1) {
		for ; len(s) > 0; s = s[:max(0, strings.LastIndexAny(s, " \t"))] { // the form may run on into the next word
			if m.ok(s) {
				if r := (Redaction{s, m.why}); !slices.Contains(out, r) {
					out = append(out, r)
				}
				break
			}
		}
	}
	return out
}

// iban checks the digits of ISO 13616.
func iban(s string) bool {
	s = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, s))
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			rest = (rest*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// luhn checks the digits of ISO/IEC 7812.
func luhn(s string) bool {
	sum, n := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		d := int(s[i]) - '0'
		if d < 0 || d > 9 {
			continue
		}
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 13 && sum%10 == 0
}

// redaction is a Redaction with what it is found by.
type redaction struct {
	needles []needle
	token   string
}

func redactions(list []Redaction) ([]redaction, error) {
	var out []redaction
	for _, r := range list {
		n := newNeedle(r.Words, false)
		if utf8.RuneCountInString(n.s) < 3 {
			return nil, fmt.Errorf("redacting %q: fewer than three characters would be found everywhere", r.Words)
		}
		token := "[REDACTED: " + plain(r.Reason) + "]"
		if (&haystack{text: token}).has(n) {
			return nil, fmt.Errorf("redacting %q: its reason, %q, says it", r.Words, r.Reason)
		}
		out = append(out, redaction{[]needle{n}, token})
	}
	return out, nil
}

type cut struct {
	from, to int
	token    string
}

// redacted gives a text without the words, and where a byte of the old text went.
func (b *bag) redacted(text string) (string, func(at int, end bool) int) {
	same := func(at int, _ bool) int { return at }
	if len(b.redact) == 0 || text == "" {
		return text, same
	}
	h := haystack{text: text}
	var cuts []cut
	for _, r := range b.redact {
		for _, n := range r.needles {
			for _, f := range h.find(n) {
				cuts = append(cuts, cut{f[0], f[1], r.token})
			}
		}
	}
	if len(cuts) == 0 {
		return text, same
	}
	slices.SortStableFunc(cuts, func(a, b cut) int { return a.from - b.from })
	merged := cuts[:1]
	for _, c := range cuts[1:] {
		if last := &merged[len(merged)-1]; c.from < last.to {
			last.to = max(last.to, c.to)
		} else {
			merged = append(merged, c)
		}
	}
	var out strings.Builder
	starts := make([]int, len(merged)) // of the tokens
	at := 0
	for i, c := range merged {
		out.WriteString(text[at:c.from])
		starts[i] = out.Len()
		out.WriteString(c.token)
		at = c.to
	}
	out.WriteString(text[at:])
	return out.String(), func(at int, end bool) int {
		shift := 0
		for i, c := range merged {
			switch {
			case at >= c.to:
				shift = starts[i] + len(c.token) - c.to
			case at > c.from && end:
				return starts[i] + len(c.token)
			case at > c.from:
				return starts[i]
			}
		}
		return at + shift
	}
}

// hide is redacted for short texts.
func (b *bag) hide(s string) string {
	out, _ := b.redacted(s)
	return out
}

// hideText redacts an exhibit and the quotes from it.
func (b *bag) hideText(x *exhibit) {
	old := x.Text
	text, to := b.redacted(old)
	place := func(rune int, end bool) int {
		at := 0
		for range rune {
			_, n := utf8.DecodeRuneInString(old[at:])
			at += n
		}
		return to(at, end)
	}
	for i := range b.in.Trail.Entries {
		s := &b.in.Trail.Entries[i].Statement
		if s.Message.Ref != x.Ref {
			continue
		}
		from, end := place(s.Start, false), place(s.End, true)
		s.Quote = text[from:end]
		s.Start = utf8.RuneCountInString(text[:from])
		s.End = s.Start + utf8.RuneCountInString(s.Quote)
	}
	for i := range x.m.Zones {
		z := &x.m.Zones[i]
		z.Start, z.End = to(min(z.Start, len(old)), false), to(min(z.End, len(old)), false)
	}
	x.Text = text
	x.Info.Subject = b.hide(x.Info.Subject)
	x.Info.From, x.Info.MessageID = b.hide(x.Info.From), b.hide(x.Info.MessageID)
	for i := range x.Info.To {
		x.Info.To[i] = b.hide(x.Info.To[i])
	}
	m := x.m
	m.Subject, m.MessageID, m.DateRaw = b.hide(m.Subject), b.hide(m.MessageID), b.hide(m.DateRaw)
	for _, list := range []*[]string{&m.InReplyTo, &m.References} {
		for i := range *list {
			(*list)[i] = b.hide((*list)[i])
		}
	}
	for _, list := range [][]message.Address{m.From, m.To, m.Cc, m.Bcc} {
		for i := range list {
			list[i].Name, list[i].Address = b.hide(list[i].Name), b.hide(list[i].Address)
		}
	}
	for i := range x.files {
		f := &x.files[i]
		f.Name, f.ContentID = b.hide(f.Name), b.hide(f.ContentID)
		if x.blacked && f.dark == nil {
			f.SHA256 = "" // of few words a hash gives them away
		}
	}
	for i := range x.Info.Occurrences {
		x.Info.Occurrences[i].Folder = b.hide(x.Info.Occurrences[i].Folder)
	}
	x.converted = b.hide(x.converted)
	x.head, x.other = nil, otherwise{} // words out of their order cannot be searched through
}

// hideTrail redacts everything that the trail says, quotes excepted: those are
// hideText's.
func (b *bag) hideTrail() error {
	var v any
	raw, err := json.Marshal(b.in.Trail)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return err
	}
	quotes := map[int][3]any{}
	for i, e := range b.in.Trail.Entries {
		quotes[i] = [3]any{e.Statement.Quote, e.Statement.Start, e.Statement.End}
	}
	raw, err = json.Marshal(b.walk(v))
	if err != nil {
		return err
	}
	t := &trail.Trail{}
	if err := json.Unmarshal(raw, t); err != nil {
		return fmt.Errorf("redacting the trail: %w", err)
	}
	for i := range t.Entries {
		s := &t.Entries[i].Statement
		s.Quote, s.Start, s.End = quotes[i][0].(string), quotes[i][1].(int), quotes[i][2].(int)
		for j := range s.Facts { // what was read from a word says it too
			if f := &s.Facts[j]; !strings.Contains(s.Quote, f.Text) || strings.Contains(f.Text, "[REDACTED") {
				s.Facts[j].Text, s.Facts[j].Value, s.Facts[j].Alternatives = "", "", nil
			}
		}
		s.Why = nil
		if x := b.byRef[s.Message.Ref]; x != nil && x.blacked {
			for j := range s.Message.Attachments { // of few words a hash gives them away
				a := &s.Message.Attachments[j]
				if !slices.ContainsFunc(x.dark, func(d dark) bool { return d.sum == a.SHA256 }) {
					a.SHA256 = ""
				}
			}
		}
	}
	b.in.Trail = t
	return nil
}

// walk redacts every string in a JSON value.
func (b *bag) walk(v any) any {
	switch v := v.(type) {
	case string:
		return b.hide(v)
	case []any:
		for i := range v {
			v[i] = b.walk(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = b.walk(v[k])
		}
	}
	return v
}

// raw looks for redacted words in octets as they stream by.
type raw struct {
	b    *bag
	x    *exhibit
	tail []byte
}

const overlap = 4096 // octets that a word, cut by two writes, may be long

func (r *raw) Write(p []byte) (int, error) {
	if r.x.blacked {
		return len(p), nil
	}
	r.tail = append(r.tail, p...)
	for _, h := range []haystack{{text: string(r.tail)}, {text: unencoded(string(r.tail))}} {
		for _, d := range r.b.redact {
			r.x.blacked = r.x.blacked || h.text != "" && slices.ContainsFunc(d.needles, h.has)
		}
	}
	r.tail = append(r.tail[:0], r.tail[max(0, len(r.tail)-overlap):]...)
	return len(p), nil
}

// gate looks for redacted words in what is about to be written.
func (b *bag) gate(file, text string) {
	if len(b.redact) == 0 || b.leak != nil {
		return
	}
	h := haystack{text: text}
	for i, r := range b.redact {
		for _, n := range r.needles {
			if h.has(n) {
				b.leak = fmt.Errorf("%w: number %d of the list stands in %s", ErrRedaction, i+1, file)
				return
			}
		}
	}
}
