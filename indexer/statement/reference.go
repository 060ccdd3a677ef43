package statement

import (
	"strings"
)

// references reads "invoice JF-118", "order no. 77120", "KX7P2L", and numbers
// that stand in a row with one or were one before in the same mail.
func (f *factReader) references(dst []found, toks []token, i int) ([]found, int) {
	if j := f.labelled(toks, i); j > 0 {
		return f.referred(dst, toks, i, j)
	}
	if t := &toks[i]; t.cls&clsRefWord != 0 || !t.digits {
		return dst, 0
	}
	if k := f.marked(toks, i); k >= 0 && (len(dst) == 0 || dst[len(dst)-1].to <= k) {
		d, _ := f.referred(dst, toks, k, i)
		return d, 1
	}
	if f.isReference(dst, toks, i) {
		return f.referred(dst, toks, i, i)
	}
	return dst, 0
}

// referred appends the reference of token j whose words begin at i.
func (f *factReader) referred(dst []found, toks []token, i, j int) ([]found, int) {
	s := f.text[toks[j].start:toks[j].end]
	if len(s) >= 5 && !f.knows(s) && len(f.known) < maxNamed {
		f.known = append(f.known, s)
	}
	return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: j + 1, clock: -1}), j + 1 - i
}

// labelled returns the token of the identifier that a word of papers at i
// announces: "invoice 1187", "order no. 77120"; else 0.
func (f *factReader) labelled(toks []token, i int) int {
	if toks[i].cls&clsRefWord == 0 {
		return 0
	}
	j := i + 1
	for n := 0; n < 4 && j < len(toks) && (f.isMarker(toks, j) || f.is(toks, j, "is")); n++ {
		j++
	}
	if j >= len(toks) || !toks[j].digits {
		return 0
	}
	x := &toks[j]
	s := f.text[x.start:x.end]
	if x.shape == shapeNumber && !plainIdentifier(s, j > i+1) || x.shape == shapeWord && j == i+1 && !hasCodeShape(s) || f.isPhone(toks, j) || f.looksLikeValue(toks, j) {
		return 0
	}
	return j
}

// isMarker: "no.", "number", "#", "'s" between the name of a paper and what stands
// on it.
func (f *factReader) isMarker(toks []token, i int) bool {
	return f.is(toks, i, "no", "number", "numbers", "nr", "nos", "ref", "reference", "id", "code", "#", ":", ".", "'", "'s", "s")
}

// marked returns the word that makes the number at i that of some thing, whatever
// the thing is: "tax ID # is 84-1480000", "Tag number 6181"; else -1.
func (f *factReader) marked(toks []token, i int) int {
	if f.is(toks, i-1, "%", "$") {
		return -1
	}
	s := f.text[toks[i].start:toks[i].end]
	if toks[i].shape == shapeNumber && !plainIdentifier(s, false) || toks[i].shape == shapeWord && !hasCodeShape(s) || f.isPhone(toks, i) || f.looksLikeValue(toks, i) {
		return -1
	}
	k := i - 1
	for k >= 0 && i-k <= 4 && (f.isMarker(toks, k) || k == i-1 && f.is(toks, k, "is", "was")) {
		k--
	}
	if k < 0 || k == i-1 || !f.is(toks, k+1, "number", "numbers", "nr", "nos", "id", "#", "no") || f.is(toks, k+1, "no") && !f.is(toks, k+2, ".", ":") {
		return -1
	}
	t := &toks[k]
	if t.shape != shapeWord || t.digits || t.cls&clsFunction != 0 || f.isReached(toks, k) || f.isReached(toks, k-1) {
		return -1
	}
	return k
}

// isReached: the number after such a word is for reaching or letting in somebody,
// or a place, and names no paper.
func (f *factReader) isReached(toks []token, i int) bool {
	return f.is(toks, i, "phone", "telephone", "tel", "fax", "cell", "cellular", "mobile", "pager", "contact", "extension", "ext", "direct", "dial", "dial-in", "call",
		"call-in", "home", "office", "work", "bridge", "access", "pass", "passcode", "password", "pin", "login", "user", "host", "participant", "conference", "toll", "free",
		"room", "floor", "suite", "flight", "page", "line", "week", "day", "version", "total", "unit", "gate")
}

// isReference tells an identifier that no word announces.
func (f *factReader) isReference(dst []found, toks []token, i int) bool {
	t := &toks[i]
	s := f.text[t.start:t.end]
	if t.shape == shapeSymbol || f.isAddress(toks, i) || f.isPhone(toks, i) || t.shape == shapeWord && f.gluedDay(toks, i).n > 0 {
		return false
	}
	if f.continues(dst, toks, i, s) || f.knows(s) && !f.looksLikeValue(toks, i) {
		return true
	}
	if t.shape == shapeNumber && f.isNumberOfPaper(toks, i, s) {
		return true
	}
	if !standsAsCode(s) || isQuarter(s) {
		return false
	}
	return i == 0 || toks[i-1].shape != shapeSymbol || toks[i-1].end < t.start || f.text[toks[i-1].start:toks[i-1].end] == "#"
}

// isAddress: a building, a room, or the postal code after a state.
func (f *factReader) isAddress(toks []token, i int) bool {
	if f.is(toks, i-1, "building", "bldg", "room", "rm", "suite", "ste", "floor", "box", "apt", "mailstop") {
		return true
	}
	if i == 0 || toks[i].end-toks[i].start != 5 || toks[i].shape != shapeNumber {
		return false
	}
	p := &toks[i-1]
	return p.caps && i > 1 && (f.is(toks, i-2, ",") || toks[i-2].upper) && strings.Contains(states, " "+f.text[p.start:p.end]+" ")
}

// states are the postal abbreviations that stand before an American postal code.
const states = " AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC "

// continues: the number stands in a row with a reference of its own make:
// "deals 599461 and 1022740".
func (f *factReader) continues(dst []found, toks []token, i int, s string) bool {
	k := len(dst) - 1
	if k < 0 || dst[k].Type != Reference || dst[k].to >= i || i-dst[k].to > 2 || f.looksLikeValue(toks, i) {
		return false
	}
	for j := dst[k].to; j < i; j++ {
		if !f.is(toks, j, "and", "or", "&", ",", "/", "to", "through", "thru") {
			return false
		}
	}
	v := dst[k].Value
	if len(s) < 4 || abs(len(s)-len(v)) > 1 {
		return false
	}
	digits := strings.TrimLeft(s, "0123456789") == ""
	return digits && strings.TrimLeft(v, "0123456789") == "" || hasCodeShape(s) && hasCodeShape(v)
}

// knows: the mail has named this identifier before, or its subject is nothing
// else ("Re: M227").
func (f *factReader) knows(s string) bool {
	for _, k := range f.known {
		if k == s {
			return true
		}
	}
	sub := f.m.Subject
	for {
		head, rest, ok := strings.Cut(sub, ":")
		if !ok || len(head) > 3 {
			break
		}
		sub = rest
	}
	sub = strings.TrimSpace(sub)
	return len(sub) == len(s) && isLetter(s[0]) && strings.EqualFold(sub, s) && hasCodeShape(strings.ToUpper(s))
}

// isNumberOfPaper: "#2891", "DMS 10444", "Sitara 824147", "246859.1", and a long
// number where the sentence spoke of a deal, an order or the like before.
func (f *factReader) isNumberOfPaper(toks []token, i int, s string) bool {
	whole, part, dotted := strings.Cut(s, ".")
	if strings.Trim(whole, "0123456789") != "" || strings.Trim(part, "0123456789") != "" || f.looksLikeValue(toks, i) {
		return false
	}
	if dotted { // six figures in a row and one behind the dot: no amount is written so
		return len(whole) >= 6 && len(part) == 1 && (i == 0 || toks[i-1].cls&(clsCurrency|clsFunction) == 0 && (toks[i-1].shape != shapeSymbol || f.is(toks, i-1, "#")))
	}
	if i == 0 || len(s) < 3 {
		return false
	}
	p := &toks[i-1]
	if p.shape == shapeSymbol && p.end == toks[i].start {
		// "&#174;" is a letter of a page and "#003300" in quotes its colour.
		return f.text[p.start:p.end] == "#" && !f.is(toks, i-2, "&", "\"", "=")
	}
	if len(s) < 5 || len(s) > 10 || p.shape == shapeNumber {
		return false
	}
	if p.shape == shapeWord && (p.caps || p.upper && len(s) > 5) && p.cls&(clsFunction|clsMonth|clsWeekday|clsCurrency) == 0 && !f.isReached(toks, i-1) {
		// At the start of a sentence any word has its capital: "Approximately
		// 250000", "Sitara 824147".
		return !p.digits && (i > 1 || p.caps || p.id == 0 && s[len(s)-2:] != "00")
	}
	for k := i - 1; k >= 0 && k >= i-8; k-- {
		if toks[k].cls&clsRefWord != 0 {
			return true
		}
	}
	return false
}

// standsAsCode: a code that needs no word to say so. A letter and a few digits
// name a model or an hour, not a paper.
func standsAsCode(s string) bool {
	letters, digits, turns, joins := 0, 0, 0, 0
	for k := 0; k < len(s); k++ {
		switch c := s[k]; {
		case c == '_':
			joins++
			turns++
		case isDigit(c):
			digits++
			if k > 0 && isLetter(s[k-1]) {
				turns++
			}
		case isLetter(c):
			letters++
			if k > 0 && isDigit(s[k-1]) {
				turns++
			}
		default:
			turns++
		}
	}
	if joins > 0 { // "EPX_CISO_7001", not the name of a file
		return hasCodeShape(s) && isDigit(s[len(s)-1]) && digits >= 3
	}
	if letters == 1 && digits >= 5 && isLetter(s[0]) && s[0]|0x20 != 'x' && turns == 1 {
		return true // "p505520", not the extension "x36007"
	}
	return hasCodeShape(s) && (turns > 1 || digits > 2 && letters+digits > 4)
}

// isQuarter: "3Q01", "F1Q02".
func isQuarter(s string) bool {
	s = strings.TrimPrefix(s, "F")
	return len(s) >= 4 && len(s) <= 6 && isDigit(s[0]) && s[1] == 'Q' && strings.Trim(s[2:], "0123456789") == ""
}

// plainIdentifier tells the number of a paper from a count: "invoice 1187",
// "2024-011"; not "invoice 2 people", "order 14/3".
func plainIdentifier(s string, marked bool) bool {
	digits := 0
	if strings.Count(s, ".") > 1 {
		return false // an address of a machine
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case c == '-' || c == '.' && i > 2:
		default:
			return isLetter(c) && hasCodeShape(s)
		}
	}
	return digits >= 3 || marked && digits >= 1
}

// isPhone: "713-555-3003", "555-3003", "1-800-4SALES", "X37324", and the first
// part of "713 555 3003".
func (f *factReader) isPhone(toks []token, i int) bool {
	s := f.text[toks[i].start:toks[i].end]
	parts := strings.Split(s, "-")
	last := len(parts) - 1
	switch {
	case last == 0 && s[0]|0x20 == 'x':
		return len(s) == 6 && strings.Trim(s[1:], "0123456789") == ""
	case last == 0:
		return len(s) == 3 && i+2 < len(toks) && len(f.word(toks, i+1)) == 3 && len(f.word(toks, i+2)) == 4 && toks[i+1].shape == shapeNumber && toks[i+2].shape == shapeNumber
	case last == 1:
		return len(parts[0]) == 3 && len(parts[1]) == 4
	}
	digits := func(s string) bool { return len(s) == 3 && strings.Trim(s, "0123456789") == "" }
	return parts[0] == "1" && digits(parts[1]) || digits(parts[0]) && digits(parts[1])
}

// word is token i as written.
func (f *factReader) word(toks []token, i int) string { return f.text[toks[i].start:toks[i].end] }

// looksLikeValue: the number after "order" or "ticket" belongs to something
// else ("invoice 250 euros", "order 5,000 flyers").
func (f *factReader) looksLikeValue(toks []token, j int) bool {
	if j+1 >= len(toks) {
		return false
	}
	if _, ok := f.currency(toks, j+1); ok {
		return true
	}
	n := &toks[j+1]
	if n.shape == shapeSymbol {
		return f.is(toks, j+1, "%")
	}
	return n.shape == shapeWord && (n.cls&clsUnit != 0 || isMeasure(f.low(n)) || isPluralNoun(f.low(n), n) && !f.is(toks, j+1, "is", "was", "has"))
}

// hasCodeShape: capitals and digits mixed, four characters or more, not an
// ordinal, a time, a paper size, a version or a measure. "KX7P2L", "JF-118",
// "QI6807.1", "2024-011" is one only after a word that says so.
func hasCodeShape(s string) bool {
	upper, lower, digit := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digit++
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		case c == '-' || c == '_' || c == '.' || c == '/':
		default:
			return false
		}
	}
	return upper >= 1 && digit >= 2 && lower == 0 && upper+digit >= 4 && !timeLike(s)
}

// timeLike: "10AM", "330PM", "2000MW".
func timeLike(s string) bool {
	k := len(s)
	for k > 0 && isLetter(s[k-1]) {
		k--
	}
	if k == len(s) {
		return false
	}
	for i := 0; i < k; i++ {
		if !isDigit(s[i]) && s[i] != '.' && s[i] != ',' {
			return false
		}
	}
	return true // digits, then letters: a measure or a time
}
