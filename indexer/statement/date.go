package statement

import (
	"strings"
	"time"
)

var months = map[string]time.Month{
	"january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6, "jun": 6,
	"july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sep": 9, "sept": 9, "october": 10, "oct": 10,
	"november": 11, "nov": 11, "december": 12, "dec": 12,
}

var weekdays = map[string]time.Weekday{
	"monday": 1, "mon": 1, "tuesday": 2, "tue": 2, "tues": 2, "wednesday": 3, "wed": 3, "weds": 3, "thursday": 4, "thu": 4, "thur": 4,
	"thurs": 4, "friday": 5, "fri": 5, "saturday": 6, "sat": 6, "sunday": 0, "sun": 0,
	"monday's": 1, "tuesday's": 2, "wednesday's": 3, "thursday's": 4, "friday's": 5, "saturday's": 6, "sunday's": 0,
}

const day = 24 * time.Hour

// written is a day as it stands in the text, before it is resolved.
type written struct {
	day, month, year int // year 0 when not written, month 0 for "the 14th"
	weekday          int // -1 when not written
	till             int // the last day of "17-30", else 0
	swap             bool
	n                int // tokens
}

func (f *factReader) dates(dst []found, toks []token, i int) ([]found, int) {
	if f.anchor.IsZero() {
		// Without a Date only full dates can be resolved.
		w := f.calendar(toks, i)
		if w.n == 0 || w.year == 0 || w.month == 0 {
			return dst, 0
		}
		return f.resolve(dst, toks, i, w)
	}
	if d, n := f.relative(dst, toks, i); n > 0 {
		return d, n
	}
	wd, n := f.weekday(toks, i)
	if n > 0 {
		j := i + n
		if f.is(toks, j, "morning", "afternoon", "evening", "night") {
			if w := f.calendar(toks, j+1); w.n > 0 && w.month > 0 {
				j++ // "Sunday evening November 11"
			}
		}
		if f.is(toks, j, "(") && j+1 < len(toks) { // "Monday (2/11)"
			if w := f.calendar(toks, j+1); w.n > 0 && w.month > 0 && f.is(toks, j+1+w.n, ")") {
				w.weekday = int(wd)
				w.n += j + 2 - i
				return f.resolve(dst, toks, i, w)
			}
		}
		if f.is(toks, j, ",") || f.is(toks, j, ".") {
			j++
		}
		if j < len(toks) {
			if w := f.calendar(toks, j); w.n > 0 {
				w.weekday = int(wd)
				w.n += j - i
				return f.resolve(dst, toks, i, w)
			}
			// "Thursday 16", "Friday 13": a day of the month that agrees with the
			// weekday.
			if d, ord := f.dayNumber(toks, j); d > 0 && j == i+n && !ord && f.endsNumber(toks, j+1) {
				if t, ok := f.agreeing(d, wd); ok {
					dst = append(dst, f.dated(t, i, j+1))
					return dst, j + 1 - i
				}
			}
		}
		return f.bareWeekday(dst, toks, i, wd, n)
	}
	w := f.calendar(toks, i)
	if w.n == 0 {
		return dst, 0
	}
	if j := i + w.n; w.month > 0 && f.is(toks, j, "(") && f.is(toks, j+2, ")") { // "17 March (Friday)"
		if wd, ok := weekdays[f.low(&toks[j+1])]; ok {
			w.weekday = int(wd)
			w.n += 3
		}
	}
	return f.resolve(dst, toks, i, w)
}

// endsNumber reports that token j does not make a count of the number before.
func (f *factReader) endsNumber(toks []token, j int) bool {
	if j >= len(toks) {
		return true
	}
	t := &toks[j]
	return t.shape == shapePunct || t.cls&(clsFunction|clsFuture|clsPast|clsMonth) != 0 || t.shape == shapeWord && t.cls&(clsUnit|clsCurrency) == 0 && !isPluralNoun(f.low(t), t) || f.is(toks, j, "stays", "works")
}

// weekday reads a weekday name that stands for a day.
func (f *factReader) weekday(toks []token, i int) (time.Weekday, int) {
	t := &toks[i]
	if t.cls&clsWeekday == 0 {
		return 0, 0
	}
	w := f.low(t)
	wd, ok := weekdays[w]
	if !ok {
		return 0, 0
	}
	if f.is(toks, i-1, "black", "good", "cyber", "every", "each", "casual", "happy") {
		return 0, 0
	}
	if len(w) <= 5 && len(w) > 0 && w != "friday" { // an abbreviation
		lead := f.is(toks, i-1, "on", "by", "this", "next", "last", "until", "till", "or", "for", "from", "-", "before", "after", "and", "(", ",", "to")
		follows := i+1 < len(toks) && (toks[i+1].shape == shapeNumber || toks[i+1].cls&clsMonth != 0) || f.is(toks, i+1, "the", "morning", "night", "-", "at", "/")
		if !t.upper && !lead && !follows {
			return 0, 0
		}
		switch w {
		case "sun", "sat", "wed", "mon":
			if !follows && !(lead && t.upper) && !(i == 0 && i+1 < len(toks) && toks[i+1].shape == shapePunct) {
				return 0, 0
			}
		}
	}
	n := 1
	return wd, n
}

// dayNumber reads 1 to 31, with or without its ordinal ending.
func (f *factReader) dayNumber(toks []token, i int) (d int, ordinal bool) {
	if i < 0 || i >= len(toks) || toks[i].shape != shapeNumber {
		return 0, false
	}
	s := f.text[toks[i].start:toks[i].end]
	k := 0
	for k < len(s) && isDigit(s[k]) {
		d = d*10 + int(s[k]-'0')
		k++
		if k > 2 {
			return 0, false
		}
	}
	switch strings.ToLower(s[k:]) {
	case "":
	case "st", "nd", "rd", "th":
		ordinal = true
	default:
		return 0, false
	}
	if d < 1 || d > 31 {
		return 0, false
	}
	return d, ordinal
}

// twoDays reads what stands after a month: "17-30" and "28/29", which are two
// days, and "2/02" and "11,2012", which are a day with its year.
func (f *factReader) twoDays(s string) (from, till, year int) {
	k := strings.IndexAny(s, "-/,")
	if k < 1 || k > 2 || len(s)-k-1 < 1 || len(s)-k-1 > 2 && !(s[k] == ',' && len(s)-k-1 == 4) {
		return 0, 0, 0
	}
	for i := range s {
		if i != k && !isDigit(s[i]) {
			return 0, 0, 0
		}
	}
	from, till = digitsOf(s[:k]), digitsOf(s[k+1:])
	switch {
	case from < 1 || from > 31:
		return 0, 0, 0
	case s[k] == ',' && (till < 1970 || till > 2100):
		return 0, 0, 0
	case s[k] == ',':
		return from, 0, till
	case s[k] == '/' && s[k+1] == '0' && till > 0:
		return from, 0, 2000 + till
	case till <= from || till > 31:
		return 0, 0, 0
	}
	return from, till, 0
}

// gluedDay reads a month and its day in one word: "Nov16-30", "Oct15". "Dec01" and
// "Mar23" in 2023 are a month of a year.
func (f *factReader) gluedDay(toks []token, i int) written {
	w := written{weekday: -1}
	s := f.low(&toks[i])
	k := 0
	for k < len(s) && isLetter(s[k]) {
		k++
	}
	m := months[s[:k]]
	if m == 0 || k == len(s) || s[k] == '0' {
		return w
	}
	d, till := 0, 0
	if s = s[k:]; strings.Trim(s, "0123456789") == "" && len(s) <= 2 {
		d = digitsOf(s)
		if y := f.anchor.Year() % 100; d >= y-1 && d <= y+2 {
			return w
		}
	} else {
		d, till, _ = f.twoDays(s)
	}
	if d < 1 || d > 31 {
		return w
	}
	w.day, w.till, w.month, w.n = d, till, int(m), 1
	return w
}

func (f *factReader) monthName(toks []token, i int) time.Month {
	if i < 0 || i >= len(toks) || toks[i].cls&clsMonth == 0 {
		return 0
	}
	return months[f.low(&toks[i])]
}

// yearAt reads a year at j: "2023", "'23", or "01" after a day and a month.
func (f *factReader) yearAt(toks []token, j int, short bool) (int, int) {
	n := 0
	if f.is(toks, j, ",") {
		j++
		n++
	}
	if f.is(toks, j, "'") {
		j++
		n++
		short = true
	}
	if j >= len(toks) || toks[j].shape != shapeNumber {
		return 0, 0
	}
	s := f.text[toks[j].start:toks[j].end]
	y := 0
	for k := 0; k < len(s); k++ {
		if !isDigit(s[k]) {
			return 0, 0
		}
		y = y*10 + int(s[k]-'0')
	}
	switch {
	case len(s) == 4 && y >= 1970 && y <= 2100:
		if n == 0 || !f.is(toks, j+1, "people", "words", "rooms") {
			return y, n + 1
		}
	case len(s) == 2 && short && (n > 0 && !f.is(toks, j-1, ",") || s[0] == '0'):
		return 2000 + y, n + 1
	}
	return 0, 0
}

// calendar reads a day of the calendar at i: "14 March 2023", "14th of March",
// "March 14th, 2023", "the 14th", "2023-03-14", "14/3/23", "3/14".
func (f *factReader) calendar(toks []token, i int) written {
	w := written{weekday: -1}
	if f.is(toks, i, "the") {
		if f.is(toks, i+1, "first") && f.is(toks, i+2, "of") && f.monthName(toks, i+3) > 0 {
			w.day, w.month, w.n = 1, int(f.monthName(toks, i+3)), 4
			return w
		}
		if d, ord := f.dayNumber(toks, i+1); d > 0 && ord {
			in := f.calendar(toks, i+1)
			if in.n > 0 {
				in.n++
				return in
			}
			if f.ordinalIsDay(toks, i+1) {
				w.day, w.n = d, 2
				return w
			}
		}
		return w
	}
	if i < len(toks) && toks[i].shape == shapeWord && toks[i].digits {
		return f.gluedDay(toks, i)
	}
	if m := f.monthName(toks, i); m > 0 {
		j := i + 1
		if f.is(toks, j, ".") {
			j++
		}
		if f.is(toks, j, "the") {
			j++
		}
		d, ord := f.dayNumber(toks, j)
		if d == 0 && j < len(toks) {
			d, w.till, w.year = f.twoDays(f.word(toks, j))
		}
		if d == 0 {
			return w
		}
		if name := f.low(&toks[i]); (name == "may" || name == "mar" || name == "march") && !toks[i].upper && !ord {
			return w
		}
		w.day, w.month, w.n = d, int(m), j+1-i
		if y, n := f.yearAt(toks, j+1, false); n > 0 && w.year == 0 {
			w.year = y
			w.n += n
		}
		return w
	}
	if i >= len(toks) || toks[i].shape != shapeNumber {
		return w
	}
	s := f.text[toks[i].start:toks[i].end]
	if d, ord := f.dayNumber(toks, i); d > 0 {
		j := i + 1
		if f.is(toks, j, "of") {
			j++
		}
		if f.is(toks, j, ".") && f.monthName(toks, j+1) > 0 && toks[j].start == toks[i].end {
			j++ // "23. Dezember", "14. March"
		}
		if m := f.monthName(toks, j); m > 0 && (f.low(&toks[j]) != "may" || toks[j].upper || ord || j+1 == len(toks) || toks[j+1].shape == shapePunct) {
			w.day, w.month, w.n = d, int(m), j+1-i
			j++
			if f.is(toks, j, ".") && toks[j].start == toks[j-1].end && j+1 < len(toks) && toks[j+1].shape == shapeNumber {
				j++
				w.n++
			}
			if y, n := f.yearAt(toks, j, true); n > 0 {
				w.year = y
				w.n += n
			}
			return w
		}
		if ord && f.ordinalIsDay(toks, i) && (f.is(toks, i-1, "on", "by", "until", "till", "before", "from", "to", "and", "or", "-", "through", "thru", "after", "since", "of") || i == 0 || toks[i-1].cls&clsWeekday != 0) && !f.is(toks, i-1, "the") {
			w.day, w.n = d, 1
			return w
		}
		return w
	}
	return f.numeric(s, toks, i)
}

// ordinalIsDay tells "the 14th" from "the 14th floor".
func (f *factReader) ordinalIsDay(toks []token, i int) bool {
	if i+1 >= len(toks) {
		return true
	}
	n := &toks[i+1]
	if n.shape != shapeWord || n.cls&clsFunction != 0 || n.cls&(clsPast|clsFuture) != 0 {
		return true
	}
	return f.is(toks, i+1, "please", "works", "morning", "afternoon", "evening", "instead", "suits", "because", "too", "also", "then", "now",
		"is", "was", "when", "if", "so", "latest", "onwards", "onward", "already", "does", "it", "midday", "noon", "unless")
}

// numeric reads "2023-03-14", "14/03/2023", "14.3.2023", "3/14", "14-03-23".
func (f *factReader) numeric(s string, toks []token, i int) written {
	w := written{weekday: -1}
	var part [3]int
	var size [3]int
	p := 0
	var sep byte
	for k := 0; k < len(s); k++ {
		c := s[k]
		switch {
		case isDigit(c):
			part[p] = part[p]*10 + int(c-'0')
			size[p]++
			if size[p] > 4 {
				return w
			}
		case c == '/' || c == '-' || c == '.':
			if sep != 0 && c != sep || p == 2 {
				return w
			}
			sep = c
			p++
		case c == 't' && p == 2 && sep == '-': // ISO with a time: the day alone
			k = len(s)
		default:
			return w
		}
	}
	if p == 0 || size[0] == 0 || size[p] == 0 {
		return w
	}
	if p == 2 && size[0] == 4 {
		w.year, w.month, w.day, w.n = part[0], part[1], part[2], 1
		if !valid(w) {
			return written{weekday: -1}
		}
		return w
	}
	if size[0] > 2 || size[1] > 2 {
		return w
	}
	a, b := part[0], part[1]
	if p == 1 {
		if !f.isPair(s, toks, i, sep, a, b, size[0] == 1 && size[1] == 1, size[1]) {
			return w
		}
	} else {
		switch size[2] {
		case 2:
			w.year = 2000 + part[2]
			if part[2] >= 70 {
				w.year = 1900 + part[2]
			}
		case 4:
			w.year = part[2]
		default:
			return w
		}
	}
	monthFirst := f.order(sep)
	switch {
	case a > 12 && b <= 12:
		monthFirst = false
	case b > 12 && a <= 12:
		monthFirst = true
	case a > 12 && b > 12 || a == 0 || b == 0:
		return written{weekday: -1}
	default:
		w.swap = a != b
	}
	if monthFirst {
		w.month, w.day = a, b
	} else {
		w.month, w.day = b, a
	}
	if w.day > 31 || w.month > 12 {
		return written{weekday: -1}
	}
	w.n = 1
	return w
}

// isPair: two numbers are a day and a month only with a slash, or where a weekday
// stands before; "1.40", "3-4" and "10-18" are no dates, nor are fractions.
func (f *factReader) isPair(s string, toks []token, i int, sep byte, a, b int, short bool, width int) bool {
	weekdayBefore := i > 0 && (toks[i-1].cls&clsWeekday != 0 || f.is(toks, i-1, ",") && i > 1 && toks[i-2].cls&clsWeekday != 0)
	switch {
	case sep == '-' && f.isSpan(s, toks, i):
	case sep == '.' && weekdayBefore && b <= 12 && width == 1:
	case sep != '/':
		return false
	}
	return !(f.is(toks, i-1, "and") && f.is(toks, i-2, "one", "two") || a == 24 && b == 7 || a == b && a == 50 ||
		a == 1 && b >= 2 && b <= 4 && short && !weekdayBefore && !f.isDateLead(toks, i))
}

// isSpan: "10-15 thru 10-19", two days of one month, or of two that follow.
func (f *factReader) isSpan(s string, toks []token, i int) bool {
	lo, hi := s, ""
	switch {
	case f.is(toks, i+1, "thru", "through") && i+2 < len(toks):
		hi = f.word(toks, i+2)
	case f.is(toks, i-1, "thru", "through") && i > 1:
		lo, hi = f.word(toks, i-2), s
	}
	a, b, ok1 := strings.Cut(lo, "-")
	c, d, ok2 := strings.Cut(hi, "-")
	if !ok1 || !ok2 || strings.Trim(a+b+c+d, "0123456789") != "" || len(a+b+c+d) > 8 {
		return false
	}
	return a == c && digitsOf(b) < digitsOf(d) || digitsOf(c) == digitsOf(a)+1
}

func (f *factReader) isDateLead(toks []token, i int) bool {
	return f.is(toks, i-1, "on", "by", "until", "till", "before", "from", "since", "dated", "due", "for")
}

func valid(w written) bool {
	return w.month >= 1 && w.month <= 12 && w.day >= 1 && w.day <= 31 && w.year >= 1970 && w.year <= 2100
}

// order says whether the author writes the month first. An unambiguous date in
// the same mail decides; else the address; else the clock: North America.
func (f *factReader) order(sep byte) bool {
	if f.orderKnown {
		return f.monthFirst
	}
	f.orderKnown = true
	dm, md := 0, 0
	for k := 0; k+4 < len(f.text); k++ {
		if f.text[k] != '/' || k == 0 || !isDigit(f.text[k-1]) || !isDigit(f.text[k+1]) {
			continue
		}
		a, ok1 := twoBefore(f.text, k)
		b, ok2 := twoAfter(f.text, k+1)
		if !ok1 || !ok2 {
			continue
		}
		if a > 12 && a <= 31 && b <= 12 && b > 0 {
			dm++
		}
		if b > 12 && b <= 31 && a <= 12 && a > 0 {
			md++
		}
	}
	if dm != md && (dm == 0 || md == 0) {
		f.monthFirst, f.orderCertain = md > 0, true
		return f.monthFirst
	}
	for _, a := range f.m.From {
		switch tld(a.Address) {
		case "uk", "ie", "au", "nz", "za", "de", "fr", "nl", "es", "it", "pt", "be", "at", "ch", "in", "eu":
			f.monthFirst = false
			return false
		case "us", "gov", "mil":
			f.monthFirst = true
			return true
		}
	}
	if !f.m.Date.IsZero() {
		_, off := f.m.Date.Zone()
		f.monthFirst = off <= -4*3600 && off >= -10*3600
	}
	return f.monthFirst
}

func twoBefore(s string, k int) (int, bool) {
	a := k
	for a > 0 && isDigit(s[a-1]) {
		a--
	}
	if k-a > 2 || a > 0 && s[a-1] == '/' {
		return 0, false
	}
	return digitsOf(s[a:k]), true
}

func twoAfter(s string, k int) (int, bool) {
	b := k
	for b < len(s) && isDigit(s[b]) {
		b++
	}
	if b-k > 2 || b == k {
		return 0, false
	}
	return digitsOf(s[k:b]), true
}

func digitsOf(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// dated makes a date fact.
func (f *factReader) dated(t time.Time, from, to int) found {
	return found{Fact: Fact{Type: Date, Value: t.Format("2006-01-02")}, from: from, to: to, day: t, clock: -1}
}

func date(y, m, d int) (time.Time, bool) {
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == d && int(t.Month()) == m
}
