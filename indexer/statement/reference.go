package statement

import (
	"strings"
)

// references reads "invoice JF-118", "order no. 77120", "KX7P2L".
func (f *factReader) references(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	if t.cls&clsRefWord != 0 {
		j := i + 1
		for n := 0; n < 3 && j < len(toks); n++ {
			if f.is(toks, j, "no", "number", "nr", "ref", "reference", "id", "code", "#", ":", "nos", "is") || j > i+1 && f.is(toks, j, ".") {
				j++
				continue
			}
			break
		}
		if j >= len(toks) || !toks[j].digits {
			return dst, 0
		}
		x := &toks[j]
		s := f.text[x.start:x.end]
		if x.shape == shapeNumber && !plainIdentifier(s, j > i+1) || f.looksLikeValue(toks, j) {
			return dst, 0
		}
		if x.shape == shapeWord && !hasCodeShape(s) && j == i+1 {
			return dst, 0
		}
		return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: j + 1, clock: -1}), j + 1 - i
	}
	if !t.digits {
		return dst, 0
	}
	s := f.text[t.start:t.end]
	if t.shape == shapeNumber && f.isNumberOfPaper(toks, i, s) {
		return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: i + 1, clock: -1}), 1
	}
	if t.shape == shapeSymbol || !standsAsCode(s) {
		return dst, 0
	}
	if i > 0 && toks[i-1].shape == shapeSymbol && toks[i-1].end == t.start && f.text[toks[i-1].start:toks[i-1].end] != "#" {
		return dst, 0
	}
	return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: i + 1, clock: -1}), 1
}

// isNumberOfPaper: "#2891", "DMS 10444", "Sitara 824147", and a long number
// where the sentence spoke of a deal, an order or the like before.
func (f *factReader) isNumberOfPaper(toks []token, i int, s string) bool {
	for k := 0; k < len(s); k++ {
		if !isDigit(s[k]) {
			return false
		}
	}
	if i == 0 || len(s) < 3 || f.looksLikeValue(toks, i) {
		return false
	}
	p := &toks[i-1]
	if p.shape == shapeSymbol && p.end == toks[i].start {
		return f.text[p.start:p.end] == "#"
	}
	if len(s) < 5 || len(s) > 10 {
		return false
	}
	if p.shape == shapeWord && (p.caps || p.upper && len(s) > 5) && i > 1 && p.cls&(clsFunction|clsMonth|clsWeekday|clsCurrency) == 0 {
		return true
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
	letters, digits, turns := 0, 0, 0
	for k := 0; k < len(s); k++ {
		switch c := s[k]; {
		case c == '_':
			return false
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
	if letters == 1 && digits >= 5 && isLetter(s[0]) && s[0]|0x20 != 'x' && turns == 1 {
		return true // "p505520", not the extension "x36007"
	}
	return hasCodeShape(s) && (turns > 1 || digits > 2 && letters+digits > 4)
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
	return n.shape == shapeWord && (n.cls&clsUnit != 0 || isPluralNoun(f.low(n), n) && !f.is(toks, j+1, "is", "was", "has"))
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
