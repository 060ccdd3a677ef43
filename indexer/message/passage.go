package message

import (
	"strconv"
	"strings"
	"time"
)

// A Passage is what a message repeats of another mail that says whose it is.
type Passage struct {
	From      Address   // one of Name and Address may be empty
	Date      time.Time // as the header or the attribution line has it; zero when unreadable
	DateRaw   string
	Forwarded bool
	// View is the passage as a mail of its own: its author's words are its zones of
	// kind New, at their place in the whole text. That text is the message's with
	// quotation marks blanked, so offsets are the same in both.
	View *Message
}

const (
	maxPassages    = 8
	maxPassageText = 64 << 10 // of a text that is looked into
)

// Passages lists what m repeats of other mail, in text order. History that nothing
// attributes to an author is left out, and so is what m's own author says there.
func (m *Message) Passages() []Passage {
	any := false
	for _, z := range m.Zones {
		any = any || z.Kind == Quoted || z.Kind == Forwarded
	}
	if !any {
		return nil
	}
	r := passageReader{m: m, text: m.Text[:min(len(m.Text), maxPassageText)]}
	r.blank()
	r.read()
	return r.out
}

type passageReader struct {
	m      *Message
	text   string // quotation marks blanked
	z      zoner
	depth  []int
	within []bool // the line is history
	owner  []int  // by line: the passage that it belongs to, -1 for none
	out    []Passage
}

// blank takes the marks off and cuts the text into lines.
func (r *passageReader) blank() {
	b := []byte(r.text)
	zone := 0
	for at := 0; at < len(b); {
		end := at
		for end < len(b) && b[end] != '\n' {
			end++
		}
		for zone < len(r.m.Zones) && r.m.Zones[zone].End <= at {
			zone++
		}
		kind := New
		if zone < len(r.m.Zones) {
			kind = r.m.Zones[zone].Kind
		}
		depth := 0
		if kind == Quoted || kind == Forwarded {
			for i := at; i < end && (b[i] == '>' || b[i] == ' ' || b[i] == '\t'); i++ {
				if b[i] == '>' {
					b[i] = ' '
					depth++
				}
			}
		}
		r.depth = append(r.depth, depth)
		r.within = append(r.within, kind == Quoted || kind == Forwarded)
		at = end + 1
	}
	r.text = string(b)
	r.z = zoner{text: r.text}
	r.z.split(nil)
	r.owner = make([]int, len(r.z.lines))
	for i := range r.owner {
		r.owner[i] = -1
	}
}

// read finds the heads and gives each line to the nearest head above it that speaks
// of its depth.
func (r *passageReader) read() {
	type open struct{ passage, depth int }
	var heads []open
	for i := 0; i < len(r.z.lines); {
		if !r.within[i] {
			i++ // an answer between the lines: the history goes on below it
			continue
		}
		if r.z.lines[i].blank {
			i++
			continue
		}
		if p, end, ok := r.head(i); ok && len(r.out) < maxPassages {
			next := r.z.next(end)
			if next < len(r.depth) && r.within[next] {
				for len(heads) > 0 && heads[len(heads)-1].depth >= r.depth[next] {
					heads = heads[:len(heads)-1]
				}
				heads = append(heads, open{len(r.out), r.depth[next]})
				r.out = append(r.out, p)
			}
			i = max(end, i+1)
			continue
		}
		for len(heads) > 0 && heads[len(heads)-1].depth > r.depth[i] {
			heads = heads[:len(heads)-1]
		}
		if n := len(heads); n > 0 && heads[n-1].depth == r.depth[i] {
			r.owner[i] = heads[n-1].passage
		}
		i++
	}
	r.views()
}

// head reads who wrote what follows line i, if line i begins to say so.
func (r *passageReader) head(i int) (p Passage, end int, ok bool) {
	s := r.z.at(i)
	from := i
	if k, kind := r.z.separator(i, s); k > 0 {
		p.Forwarded = kind == isForwarded
		if h := r.z.next(i + k); h < len(r.z.lines) {
			from = h
			s = r.z.at(h)
		}
	}
	if start, k := r.z.headerBlock(from, s); k > 0 {
		for j := start; j < from+k; j++ {
			r.field(&p, r.z.at(j))
		}
		if p.From == (Address{}) && start < from {
			p.From, p.DateRaw = lotusAuthor(r.z.at(start), r.z.at(r.z.next(start+1)))
		}
		return r.dated(p), from + k, p.From != (Address{})
	}
	if from != i {
		return p, 0, false
	}
	if k, _ := r.z.attribution(i, s); k > 0 {
		joined := s
		for j := i + 1; j < i+k; j++ {
			joined += " " + r.z.at(j)
		}
		p.From, p.DateRaw = attributed(joined)
		return r.dated(p), i + k, p.From != (Address{})
	}
	return p, 0, false
}

func (r *passageReader) dated(p Passage) Passage {
	if t, ok := parseDate(spelled(p.DateRaw)); ok {
		p.Date = t
	}
	return p
}

// spelled writes 4.3.2024 as 4 Mar 2024: dots go between day and month in one order only.
func spelled(s string) string {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			continue
		}
		d, n := digits(s[i:])
		j := i + n
		if n <= 2 && d <= 31 && j+1 < len(s) && s[j] == '.' && isDigit(s[j+1]) {
			m, k := digits(s[j+1:])
			e := j + 1 + k
			if m >= 1 && m <= 12 && e < len(s) && s[e] == '.' {
				return s[:i] + strconv.Itoa(d) + " " + time.Month(m).String()[:3] + " " + s[e+1:]
			}
		}
		i = j
	}
	return s
}

// field takes a line of a header block.
func (r *passageReader) field(p *Passage, s string) {
	kind := label(s)
	_, v, found := strings.Cut(s, ":")
	if !found {
		_, v, _ = strings.Cut(s, "：")
	}
	v = strings.Trim(v, "* \t\u00a0")
	switch {
	case kind&labelFrom != 0 && p.From == (Address{}) && v != "":
		p.From = authorOf(v)
	case kind&labelDate != 0 && p.DateRaw == "" && hasDigit(v):
		p.DateRaw = clip(v, 100)
	}
}

// authorOf reads a name with an address as header blocks have it: "Ann <a@x>",
// "Ann [mailto:a@x]", "a@x", "Ann/DESK@DESK", "Ann".
func authorOf(v string) Address {
	var a Address
	at := strings.IndexByte(v, '@')
	if at > 0 {
		i, j := at, at
		for i > 0 && !strings.ContainsRune("<[(:;, \"'", rune(v[i-1])) {
			i--
		}
		for j < len(v) && !strings.ContainsRune(">]);, \"'", rune(v[j])) {
			j++
		}
		if word := v[i:j]; strings.IndexByte(word[strings.IndexByte(word, '@'):], '.') > 0 {
			a.Address = strings.ToLower(strings.TrimRight(word, "."))
			v = v[:i]
		} else {
			v = v[:at] // Lotus Notes: the rest is a server
		}
	}
	v = strings.TrimSuffix(strings.TrimSpace(v), "mailto:")
	if i := strings.Index(strings.ToLower(v), " on behalf of "); i > 0 && len(v) > i+14 {
		v = v[i+14:]
	}
	if i := strings.IndexByte(v, '/'); i > 0 && a.Address == "" {
		v = v[:i]
	}
	a.Name = clip(strings.Trim(v, " \t\"'<>[](),;:*|"), 100)
	if a.Name == "you" || !strings.ContainsFunc(a.Name, func(r rune) bool { return r >= 0x80 || isLetter(byte(r)) }) {
		a.Name = ""
	}
	return a
}

// lotusAuthor reads "Ann Example@DESK on 05/03/2001 09:15:00 AM", or a name with the
// date below it.
func lotusAuthor(s, below string) (Address, string) {
	if i := strings.LastIndex(s, " on "); i > 0 && hasDigit(s[i:]) {
		return authorOf(s[:i]), s[i+4:]
	}
	for i := range len(s) {
		if isDigit(s[i]) {
			if i == 0 {
				return Address{}, s
			}
			return authorOf(s[:i]), s[i:]
		}
	}
	return authorOf(s), below
}

// attributed takes an attribution line apart: "On Mon, 4 Mar 2024 at 10:00, Ann <a@x>
// wrote:".
func attributed(s string) (Address, string) {
	s = strings.TrimSpace(strings.TrimRight(s, " :"))
	head := s
	// The author stands before the verb; some languages put the date behind it.
	low := strings.ToLower(s)
	if len(low) == len(s) {
		best := -1
		for _, v := range verbs {
			if i := strings.LastIndex(low, v); i > 0 && i > best && wordEdge(low[i-1]) && !(v == "sent" || v == "said") {
				best = i
			}
		}
		if best > 0 {
			head = strings.TrimSpace(s[:best])
			if best < len(s)/3 { // "Am … schrieb Ann:", or the verb first
				head = s
			} else if tail := s[best:]; strings.Contains(tail, "@") || !strings.Contains(head, "@") && !strings.Contains(head, ",") {
				_, after, _ := strings.Cut(tail, " ")
				return authorOf(after), trimOn(head)
			}
		}
	}
	if i := strings.IndexAny(head, "<["); i > 0 && strings.Contains(head[i:], "@") {
		date, name := parted(head[:i])
		a := authorOf(head[i:])
		a.Name = authorOf(name).Name
		return a, date
	}
	if i := strings.IndexByte(head, '@'); i > 0 {
		j := i
		for j > 0 && !strings.ContainsRune(" ,:;(", rune(head[j-1])) {
			j--
		}
		date, name := parted(head[:j])
		a := authorOf(head[j:])
		if n := authorOf(name).Name; n != "" {
			a.Name = n
		}
		return a, date
	}
	date, name := parted(head)
	return authorOf(name), date
}

// parted cuts "On Mon, 4 Mar 2024 at 10:00, Ann Example" into date and name: the name
// begins after the last part with a digit.
func parted(s string) (date, name string) {
	last := -1
	for i := range len(s) {
		if isDigit(s[i]) {
			last = i
		}
	}
	if last < 0 {
		return "", trimOn(s)
	}
	rest := s[last+1:]
	// "10:00 AM, Ann", "10:00 +0100, Ann", "10:00 GMT+01:00 Ann", "2024 kl. 10.00 skrev Ann".
	cut := strings.IndexByte(rest, ',')
	if cut < 0 {
		cut = 0
		for _, w := range [...]string{" AM", " PM", " am", " pm", " a.m.", " p.m.", " Uhr", " uhr"} {
			if strings.HasPrefix(rest, w) {
				cut = len(w)
			}
		}
		if cut == 0 && rest != "" && rest[0] != ' ' {
			cut = max(0, strings.IndexByte(rest, ' '))
		}
	}
	date = trimOn(s[:last+1] + rest[:cut])
	name = strings.Trim(rest[cut:], " ,")
	for _, w := range [...]string{"UTC", "GMT", "EST", "CET", "schrieb", "skrev", "kirjoitti", "wrote", "from", "by", "von"} {
		name = strings.TrimSpace(strings.TrimPrefix(name, w))
	}
	return date, name
}

func trimOn(s string) string {
	first, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	if ok && !hasDigit(first) && len(first) <= 4 && begins(s) && !strings.HasSuffix(first, ",") {
		s = rest
	}
	return strings.Trim(s, " ,-*")
}

// views makes a mail of each passage.
func (r *passageReader) views() {
	kept := r.out[:0]
	for p := range r.out {
		x := r.out[p]
		if len(r.m.From) > 0 && x.From.Address != "" && x.From.Address == r.m.From[0].Address {
			continue // what the author repeats of himself he may have said anywhere
		}
		r.z.author = authorOfMail([]Address{x.From})
		for i := range r.z.lines {
			r.z.lines[i].kind = isLegal
			if r.owner[i] == p {
				r.z.lines[i].kind = isNew
			}
		}
		for i := range r.z.lines {
			if r.z.lines[i].blank && i > 0 && r.z.lines[i-1].kind == isNew {
				r.z.lines[i].kind = isNew
			}
		}
		for a := 0; a < len(r.z.lines); {
			b := a
			for b < len(r.z.lines) && r.z.lines[b].kind == isNew {
				b++
			}
			if b > a {
				r.z.own(a, b)
			}
			a = max(b, a+1)
		}
		x.View = &Message{From: []Address{x.From}, Subject: r.m.Subject, Date: x.Date, DateRaw: x.DateRaw, Text: r.text, Zones: r.z.merge()}
		for i := range x.View.Zones {
			if z := &x.View.Zones[i]; z.Kind != New {
				z.Kind = Legal
			}
		}
		if len(x.View.ZonesOf(New)) > 0 {
			kept = append(kept, x)
		}
	}
	r.out = kept
}

// These bound the lines that say whose words follow: an attribution, or a header.
const (
	maxAttribution  = 4
	maxIntroduction = 20
)

// Repeated is the text of z, a zone of kind Quoted or Forwarded, from where the other
// mail's words begin: without the lines above them that say whose they are, which
// stand in no other mail.
func (m *Message) Repeated(z Zone) string {
	text := m.ZoneText(z)
	rest, from := text, 0
	for n := range maxIntroduction {
		line, _, whole := strings.Cut(rest, "\n")
		s := strings.TrimSpace(line)
		if !whole || strings.HasPrefix(s, ">") {
			break
		}
		rest = rest[len(line)+1:]
		if n < maxAttribution && isAttributionEnd(s) || label(s) != 0 {
			from = len(text) - len(rest)
		}
	}
	return text[from:]
}
