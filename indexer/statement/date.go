package statement

import (
	"fmt"
	"strings"
	"time"

	"inwriting/indexer/message"
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
	if m := f.monthName(toks, i); m > 0 {
		j := i + 1
		if f.is(toks, j, ".") {
			j++
		}
		if f.is(toks, j, "the") {
			j++
		}
		d, ord := f.dayNumber(toks, j)
		if d == 0 {
			return w
		}
		if name := f.low(&toks[i]); (name == "may" || name == "mar" || name == "march") && !toks[i].upper && !ord {
			return w
		}
		w.day, w.month, w.n = d, int(m), j+1-i
		if y, n := f.yearAt(toks, j+1, false); n > 0 {
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
		if ord && f.ordinalIsDay(toks, i) && (f.is(toks, i-1, "on", "by", "until", "till", "before", "from", "to", "and", "-", "after", "since", "of") || i == 0 || toks[i-1].cls&clsWeekday != 0) && !f.is(toks, i-1, "the") {
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
		// Two parts: only with a slash, or where a weekday stands before; "1.40",
		// "3-4" and "10-18" are no dates.
		weekdayBefore := i > 0 && (toks[i-1].cls&clsWeekday != 0 || f.is(toks, i-1, ",") && i > 1 && toks[i-2].cls&clsWeekday != 0)
		if sep != '/' && !(weekdayBefore && sep == '.' && size[1] > 0 && b <= 12 && size[1] == 1) {
			return w
		}
		if f.is(toks, i-1, "and") && f.is(toks, i-2, "one", "two") || (a == 24 && b == 7) || (a == 1 && b <= 4 && b >= 2 && size[0] == 1 && size[1] == 1 && !weekdayBefore && !f.isDateLead(toks, i)) || a == b && a == 50 {
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

// resolve gives a written day its year, and its month where none is written.
func (f *factReader) resolve(dst []found, toks []token, i int, w written) ([]found, int) {
	tense := f.clauseTense(toks, i, i+w.n)
	past := tense < 0
	if w.month == 0 {
		t, ok := f.namedDay(w.day, w.weekday)
		var other time.Time
		if !ok {
			t, other, ok = f.dayOfMonth(w.day, w.weekday, tense)
		}
		if !ok {
			return dst, 0
		}
		x := f.dated(t, i, i+w.n)
		x.Mismatch = w.weekday >= 0 && int(t.Weekday()) != w.weekday
		if w.weekday >= 0 && !x.Mismatch { // "Tue 25th" leaves no doubt either
			x.full, f.explicit = true, t
		}
		if !other.IsZero() {
			x.Alternatives = []string{other.Format("2006-01-02")}
		}
		return append(dst, x), w.n
	}
	t, ok := f.year(w.year, w.month, w.day, w.weekday, past)
	var alt time.Time
	hasAlt := false
	if w.swap {
		alt, hasAlt = f.year(w.year, w.day, w.month, w.weekday, past)
		// The weekday decides between the two orders.
		if w.weekday >= 0 && hasAlt {
			fit, altFit := ok && int(t.Weekday()) == w.weekday, int(alt.Weekday()) == w.weekday
			if fit != altFit {
				if altFit {
					t, ok = alt, true
				}
				hasAlt = false
			}
		}
		if f.orderCertain {
			hasAlt = false
		}
	}
	if !ok {
		return dst, 0
	}
	x := f.dated(t, i, i+w.n)
	x.full = true
	f.explicit = t
	x.Mismatch = w.weekday >= 0 && int(t.Weekday()) != w.weekday
	if hasAlt && !alt.Equal(t) {
		x.Alternatives = []string{alt.Format("2006-01-02")}
	}
	n := w.n
	// "March 16 - 31", "Nov 8 to 11": the second day shares the month.
	if w.month > 0 && w.weekday < 0 {
		j := i + n
		if f.is(toks, j, "-", "to", "through", "thru") && j+1 < len(toks) {
			if d, _ := f.dayNumber(toks, j+1); d > w.day && f.monthName(toks, j+2) == 0 && f.endsNumber(toks, j+2) && f.monthName(toks, i) > 0 {
				if t2, ok := date(t.Year(), int(t.Month()), d); ok {
					dst = append(dst, x)
					return append(dst, f.dated(t2, j+1, j+2)), n + 2
				}
			}
		}
	}
	// "Thursday 6 to Sunday 9 June": a day before that had no month takes this one.
	if k := len(dst) - 1; k >= 0 && dst[k].Type == Date && f.is(toks, i-1, "to", "-", "until", "till", "and") && dst[k].to == i-1 && f.monthName(toks, dst[k].to-1) == 0 {
		if d, _ := f.dayNumber(toks, dst[k].to-1); d > 0 {
			if t2, ok := date(t.Year(), int(t.Month()), d); ok && !t2.After(t) {
				prev := &dst[k]
				prev.day, prev.Value = t2, t2.Format("2006-01-02")
			}
		}
	}
	return append(dst, x), n
}

// year chooses the year nearest to the anchor; a weekday that fits only one near
// year decides first.
func (f *factReader) year(y, m, d, wd int, past bool) (time.Time, bool) {
	if y > 0 {
		return date(y, m, d)
	}
	if f.anchor.IsZero() {
		return time.Time{}, false
	}
	var best time.Time
	bestScore := int64(-1)
	for k := -1; k <= 1; k++ {
		t, ok := date(f.anchor.Year()+k, m, d)
		if !ok {
			continue
		}
		diff := int64(t.Sub(f.anchor) / day)
		score := diff
		if diff < 0 {
			score = -diff
		}
		if past && diff > 0 {
			score += 150
		}
		if wd >= 0 && int(t.Weekday()) != wd {
			score += 200
		}
		if bestScore < 0 || score < bestScore {
			best, bestScore = t, score
		}
	}
	return best, bestScore >= 0
}

// namedDay finds "the 24th" among the full dates of the same mail and of the one
// it quotes, where exactly one near the anchor has that number.
func (f *factReader) namedDay(d, wd int) (time.Time, bool) {
	f.gatherContext()
	var best time.Time
	n := 0
	for _, t := range f.context {
		if t.Day() != d || wd >= 0 && int(t.Weekday()) != wd || abs(int(t.Sub(f.anchor)/day)) > 62 || n > 0 && t.Equal(best) {
			continue
		}
		best = t
		n++
	}
	return best, n == 1
}

// dayOfMonth resolves "the 14th": the nearest such day, a coming one sooner than
// one gone by, unless the clause speaks of the past or of what is to come. Where
// it speaks of neither, the day on the other side of today is the other reading.
func (f *factReader) dayOfMonth(d, wd, tense int) (best, other time.Time, ok bool) {
	const (
		behind = 8  // days that a day gone by must be nearer
		wrong  = 40 // against what the tense says
	)
	bestScore := -1
	for k := -2; k <= 2; k++ {
		t, ok := date(f.anchor.Year(), int(f.anchor.Month())+k, d)
		if !ok && t.Day() != d {
			continue
		}
		diff := int(t.Sub(f.anchor) / day)
		score := abs(diff)
		switch {
		case tense < 0 && diff > 0, tense > 0 && diff < 0:
			score += wrong
		case tense == 0 && diff < 0:
			score += behind
		}
		if wd >= 0 && int(t.Weekday()) != wd {
			score += 100
		}
		if bestScore < 0 || score < bestScore {
			best, bestScore = t, score
		}
	}
	if tense == 0 && wd < 0 && bestScore >= 0 {
		// The month on the other side of the author's day.
		for k := 1; k <= 2 && other.IsZero(); k++ {
			n := k
			if !best.Before(f.anchor) {
				n = -k
			}
			if t, _ := date(best.Year(), int(best.Month())+n, d); t.Day() == d {
				other = t
			}
		}
	}
	return best, other, bestScore >= 0
}

// agreeing finds the day of a month near the anchor on which that weekday falls.
func (f *factReader) agreeing(d int, wd time.Weekday) (time.Time, bool) {
	var best time.Time
	bestDiff := -1
	for k := -4; k <= 7; k++ {
		y, m := f.anchor.Year(), int(f.anchor.Month())+k
		for m < 1 {
			m, y = m+12, y-1
		}
		for m > 12 {
			m, y = m-12, y+1
		}
		t, ok := date(y, m, d)
		if !ok || t.Weekday() != wd {
			continue
		}
		diff := int(t.Sub(f.anchor) / day)
		if diff < 0 {
			diff = -diff + 30
		}
		if bestDiff < 0 || diff < bestDiff {
			best, bestDiff = t, diff
		}
	}
	return best, bestDiff >= 0
}

// bareWeekday resolves a weekday with no date beside it.
func (f *factReader) bareWeekday(dst []found, toks []token, i int, wd time.Weekday, n int) ([]found, int) {
	from, to := i, i+n
	mod := ""
	if i > 0 {
		switch m := f.low(&toks[i-1]); m {
		case "next", "this", "last", "the", "coming", "past", "following", "that":
			mod = m
			from = i - 1
		}
	}
	if f.is(toks, to, "morning", "afternoon", "evening", "night", "lunchtime") {
		to++
	}
	week := 0
	if f.is(toks, to, "of") && f.is(toks, to+1, "this", "next", "last") && f.is(toks, to+2, "week") {
		switch f.low(&toks[to+1]) {
		case "next":
			week = 7
		case "last":
			week = -7
		default:
			week = 1
		}
		to += 3
	} else if f.is(toks, to, "next", "last") && f.is(toks, to+1, "week") {
		week = 7
		if f.is(toks, to, "last") {
			week = -7
		}
		to += 2
	} else if f.is(toks, to, "week") && !f.is(toks, to-1, "the") {
		to++ // "Monday week"
		week = 8
	}
	ahead := (int(wd) - int(f.anchor.Weekday()) + 7) % 7 // 0: today
	t := f.anchor.Add(time.Duration(ahead) * day)
	tense := f.clauseTense(toks, from, to)
	past := tense < 0
	x := found{}
	if c, ok := f.tripDay(dst, toks, from, wd, mod == "the" || mod == "that"); ok && week == 0 && !past && (mod == "" || mod == "the" || mod == "that" || mod == "following") {
		x = f.dated(c, from, to)
		if ahead == 0 {
			t = t.Add(7 * day)
		}
		if mod == "" && !t.Equal(c) {
			x.Alternatives = []string{t.Format("2006-01-02")}
		}
		return append(dst, x), to - i
	}
	if week == 0 && (mod == "" || mod == "the" || mod == "that") && tense == 0 && f.isRetold(toks, from) {
		// "I said Friday": the nearest one, a coming one sooner; the other stands too.
		if ahead == 0 {
			t = t.Add(7 * day)
			ahead = 7
		}
		other := t.Add(-7 * day)
		if mod != "" || ahead > 7-ahead+2 { // "the Wednesday" was spoken of before
			t, other = other, t
		}
		x = f.dated(t, from, to)
		x.Alternatives = []string{other.Format("2006-01-02")}
		return append(dst, x), to - i
	}
	switch {
	case week == 1:
		monday := (int(f.anchor.Weekday()) + 6) % 7
		t = f.anchor.Add(time.Duration((int(wd)+6)%7-monday) * day)
	case week == 7 || week == -7:
		monday := (int(f.anchor.Weekday()) + 6) % 7
		t = f.anchor.Add(time.Duration((int(wd)+6)%7-monday+week) * day)
	case week == 8:
		if ahead == 0 {
			t = t.Add(7 * day)
		}
		t = t.Add(7 * day)
	case mod == "last" || mod == "past":
		t = t.Add(-7 * day)
	case mod == "next":
		if ahead == 0 {
			t = t.Add(7 * day)
		}
		// "next Friday" on a Monday: the coming one, or the one after. Both stand.
		other := t.Add(7 * day)
		if int(wd) != 0 && ahead > 0 && (int(wd)+6)%7 > (int(f.anchor.Weekday())+6)%7 {
			// The coming one falls in this week: English has two minds.
			t, other = other, t
		}
		x = f.dated(t, from, to)
		x.Alternatives = []string{other.Format("2006-01-02")}
		return append(dst, x), to - i
	case mod == "the" || mod == "that" || past:
		if c, ok := f.near(dst, wd); ok && mod != "" {
			t = c
		} else if past {
			if ahead != 0 || f.is(toks, from-1, "on") || mod == "the" {
				t = t.Add(-7 * day)
			}
		} else if ahead == 0 {
			t = t.Add(7 * day)
		}
	case ahead == 0 && mod != "this":
		t = t.Add(7 * day)
	}
	return append(dst, f.dated(t, from, to)), to - i
}

const tripReach = 60 // days ahead within which a trip's week may lie

// tripDay finds the day that a weekday means where the message speaks of a day to
// come: "out on Tuesday 14 March and back on Thursday" is the Thursday after; a
// Wednesday is the one that the author, the subject or the quoted mail names in
// full. "by Monday" is a deadline of the week it was written in.
func (f *factReader) tripDay(dst []found, toks []token, from int, wd time.Weekday, article bool) (time.Time, bool) {
	if f.is(toks, from-1, "by", "before", "this", "until", "till", "every") {
		return time.Time{}, false
	}
	after := func(d time.Time) (time.Time, bool) {
		ahead := int(d.Sub(f.anchor) / day)
		if ahead < 0 || ahead > tripReach {
			return d, false
		}
		n := (int(wd) - int(d.Weekday()) + 7) % 7
		if n == 0 {
			return d, true
		}
		return d.Add(time.Duration(n) * day), true
	}
	retold := f.isRetold(toks, from)
	if article || retold {
		for k := len(dst) - 1; k >= 0 && retold; k-- {
			if dst[k].full && dst[k].day.Before(f.anchor) {
				n := (int(wd) - int(dst[k].day.Weekday()) + 7) % 7
				return dst[k].day.Add(time.Duration(n) * day), true
			}
		}
		return f.near(dst, wd)
	}
	for k := len(dst) - 1; k >= 0 && !f.explicit.IsZero(); k-- {
		if dst[k].full {
			return after(dst[k].day)
		}
	}
	f.gatherContext()
	for _, t := range f.context {
		if ahead := int(t.Sub(f.anchor) / day); t.Weekday() == wd && ahead >= 0 && ahead <= tripReach {
			return t, true
		}
	}
	if !f.explicit.IsZero() {
		for k := max(0, from-8); k < min(len(toks), from+6); k++ {
			if f.is(toks, k, "back", "return", "returning", "home", "flight", "train", "leave", "leaving", "night", "stay", "checkout") {
				return after(f.explicit)
			}
		}
	}
	return time.Time{}, false
}

// base finds the day that "a day later" and "the day after" count from: the last
// one named in full before, else one of the subject, else of the quoted mail.
func (f *factReader) base(dst []found) (time.Time, bool) {
	for k := len(dst) - 1; k >= 0; k-- {
		if dst[k].full || dst[k].Type == DateTime && !dst[k].day.IsZero() {
			return dst[k].day, true
		}
	}
	if !f.explicit.IsZero() {
		return f.explicit, true
	}
	f.gatherContext()
	for _, t := range f.context[min(f.ownDates, len(f.context)):] {
		if d := int(t.Sub(f.anchor) / day); d >= -tripReach && d <= 2*tripReach {
			return t, true
		}
	}
	return time.Time{}, false
}

// shifted adds the day that "a day later", "two weeks earlier" comes to, where
// the message says from which day.
func (f *factReader) shifted(dst []found, toks []token) []found {
	k := len(dst) - 1
	if k < 0 || dst[k].Type != Duration || f.anchor.IsZero() {
		return dst
	}
	x := &dst[k]
	sign := 0
	switch {
	case f.is(toks, x.to, "later"):
		sign = 1
	case f.is(toks, x.to, "earlier", "sooner"):
		sign = -1
	default:
		return dst
	}
	count, unit, _ := strings.Cut(x.Value, " ")
	n := 0
	for i := 0; i < len(count) && n < 100; i++ {
		if !isDigit(count[i]) {
			return dst
		}
		n = n*10 + int(count[i]-'0')
	}
	switch unit {
	case "day", "days":
	case "week", "weeks":
		n *= 7
	case "fortnight", "fortnights":
		n *= 14
	default:
		return dst
	}
	if n > 100 {
		return dst
	}
	t, ok := f.base(dst[:k])
	if !ok {
		return dst
	}
	return append(dst, f.dated(t.Add(time.Duration(sign*n)*day), x.from, x.to+1))
}

// near finds the day that "the Thursday" means: a Thursday that this mail, or
// the mail it quotes, names in full.
func (f *factReader) near(dst []found, wd time.Weekday) (time.Time, bool) {
	f.gatherContext()
	var closest time.Time
	bestDiff := -1
	for _, t := range f.context {
		if t.Weekday() == wd {
			return t, true
		}
	}
	for _, t := range f.context {
		d := (int(wd) - int(t.Weekday()) + 7) % 7
		if d > 3 {
			d -= 7
		}
		c := t.Add(time.Duration(d) * day)
		if a := abs(d); bestDiff < 0 || a < bestDiff {
			closest, bestDiff = c, a
		}
	}
	return closest, bestDiff >= 0 && bestDiff <= 3
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

const (
	maxContext = 16 << 10 // bytes of other zones that are looked through
	maxSubject = 200
	dateReach  = 24  // bytes on either side of a digit that may belong to its date
	maxNamed   = 256 // days that are kept of them
)

// gatherContext lists the full dates of the author's own text, then of the
// subject, then of the quoted text.
func (f *factReader) gatherContext() {
	if f.contextKnown || f.anchor.IsZero() {
		return
	}
	f.contextKnown = true
	f.order('/') // while text is the mail's
	own := func(z message.Zone) bool { return z.Kind == message.New }
	f.contextOfZones(own)
	f.ownDates = len(f.context)
	text := f.text
	f.text = f.m.Subject[:min(len(f.m.Subject), maxSubject)]
	f.contextOf(0, len(f.text), true)
	f.text = text
	f.contextOfZones(func(z message.Zone) bool { return !own(z) })
}

func (f *factReader) contextOfZones(wanted func(message.Zone) bool) {
	budget := maxContext
	for _, z := range f.m.Zones {
		if !wanted(z) || z.Kind == message.Legal || z.Kind == message.Signature || budget <= 0 {
			continue
		}
		end := min(z.End, z.Start+budget)
		budget -= end - z.Start
		f.contextOf(z.Start, end, z.Kind == message.New)
	}
}

// contextOf reads the days around the digits of a stretch of text: no full date
// is without one.
func (f *factReader) contextOf(start, end int, own bool) {
	done := start
	for i := start; i < end && len(f.context) < maxNamed; i++ {
		if !isDigit(f.text[i]) {
			continue
		}
		from := max(done, i-dateReach)
		for from > done && f.text[from-1] > ' ' {
			from--
		}
		to := i + 1
		for to < end && (to < i+dateReach || f.text[to] > ' ' && to < i+4*dateReach) {
			if isDigit(f.text[to]) {
				i = to // the next date begins within reach of this one
			}
			to++
		}
		f.daysOf(from, to, own)
		done, i = to, to-1
	}
}

func (f *factReader) daysOf(start, end int, own bool) {
	toks := f.scan.scan(f.toks[:0], f.text, start, end)
	f.toks = toks
	for i := 0; i < len(toks); {
		if toks[i].shape != shapeNumber && toks[i].cls&clsMonth == 0 {
			i++
			continue
		}
		w := f.calendar(toks, i)
		if w.n == 0 {
			i++
			continue
		}
		if w.month > 0 {
			if t, ok := f.year(w.year, w.month, w.day, w.weekday, false); ok {
				// Attribution lines hold the day on which a mail was sent, with its
				// year; what lies ahead is meant.
				if len(f.context) < maxNamed && (own || w.year == 0 || t.After(f.anchor)) {
					f.context = append(f.context, t)
				}
			}
		}
		i += w.n
	}
}

const tenseReach = 40 // tokens

// past reports whether the clause around [from,to) tells of the past.
func (f *factReader) past(toks []token, from, to int) bool { return f.clauseTense(toks, from, to) < 0 }

// clauseTense says whether the clause around [from,to) tells of the past (-1), of
// what is to come (1) or of neither. The nearest tell-tale word before the date
// decides, then the nearest after it. "I never said the 15th" and "you asked for
// Friday" tell when it was said, not when the day is; "you told me on Friday"
// does both.
func (f *factReader) clauseTense(toks []token, from, to int) int {
	if f.is(toks, to, "has", "have", "had", "is", "was") && f.is(toks, to+1, "passed", "gone", "past", "over", "been") {
		return -1
	}
	for k := from - 1; k >= max(0, from-tenseReach); k-- {
		t := &toks[k]
		if n := f.tense(toks, k); n != 0 {
			if n < 0 && f.retold(toks, k, from) {
				return 0
			}
			return n
		}
		if t.shape == shapePunct && f.is(toks, k, ";", ":", ",", ".", "?", "!") {
			break
		}
	}
	for k := to; k < min(len(toks), to+tenseReach); k++ {
		if n := f.tense(toks, k); n != 0 {
			return n
		}
		if f.is(toks, k, ";", ",", ".", "?", "!", "and", "but") {
			break
		}
	}
	return 0
}

// retold: the word at k tells that something was said, and the day at from is
// what was said, not when.
func (f *factReader) retold(toks []token, k, from int) bool {
	return toks[k].cls&clsReport != 0 && !(f.is(toks, from-1, "on", "last") && from-k <= 4)
}

// isRetold looks for a word of saying before from in its clause.
func (f *factReader) isRetold(toks []token, from int) bool {
	for k := from - 1; k >= max(0, from-tenseReach); k-- {
		if f.tense(toks, k) != 0 {
			return f.retold(toks, k, from)
		}
	}
	return false
}

// tense: -1 past, +1 future or order, 0 says nothing.
func (f *factReader) tense(toks []token, k int) int {
	t := &toks[k]
	switch {
	case t.cls&clsFuture != 0:
		return 1
	case t.cls&clsPast != 0 && k > 0 && f.is(toks, k, "got") && f.is(toks, k-1, "have", "has", "i've", "we've", "you've", "they've", "he's", "she's", "it's"):
		return 0 // has
	case t.cls&clsPast != 0:
		return -1
	case t.cls&clsVBD != 0 && k > 0 && f.is(toks, k-1, "i", "we", "you", "he", "she", "they", "it", "who", "and", "never", "also", "only", "just"):
		return -1
	}
	return 0
}

// relative reads "today", "tomorrow evening", "this morning", "the day after
// tomorrow", "last night", "end of April".
func (f *factReader) relative(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	if t.cls&clsRelDay != 0 {
		off := 0
		n := 1
		switch f.low(t) {
		case "tomorrow", "tmrw", "tomorow", "tommorow", "tomorrow's", "tmr", "2moro", "tmw", "tommorrow":
			off = 1
		case "yesterday", "yesterday's":
			off = -1
		}
		if off != 0 || f.is(toks, i, "today") {
			if f.is(toks, i+1, "morning", "afternoon", "evening", "night", "lunchtime") {
				n = 2
			}
		}
		from := i
		if off == 1 && f.is(toks, i-1, "after") && f.is(toks, i-2, "day") {
			off, from = 2, i-2
		}
		if off == -1 && f.is(toks, i-1, "before") && f.is(toks, i-2, "day") {
			off, from = -2, i-2
		}
		return append(dst, f.dated(f.anchor.Add(time.Duration(off)*day), from, i+n)), n
	}
	if f.is(toks, i, "this") && f.is(toks, i+1, "morning", "afternoon", "evening", "lunchtime") {
		return append(dst, f.dated(f.anchor, i, i+2)), 2
	}
	if f.is(toks, i, "the") {
		n, off := 0, 0
		switch {
		case f.is(toks, i+1, "following", "next", "same") && f.is(toks, i+2, "day"):
			n, off = 3, 1
			if f.is(toks, i+1, "same") {
				off = 0
			}
		case f.is(toks, i+1, "day") && f.is(toks, i+2, "after", "before"):
			n, off = 3, 1
			if f.is(toks, i+2, "before") {
				off = -1
			}
			if f.is(toks, i+3, "that") {
				n++
			} else if i+3 < len(toks) && toks[i+3].shape != shapePunct && !f.is(toks, i+3, "and", "but", "or", "instead", "at", "please", "too", "in", "so", "if", "because", "with", "for") {
				n = 0 // the day after something
			}
		}
		if n > 0 {
			if t, ok := f.base(dst); ok {
				return append(dst, f.dated(t.Add(time.Duration(off)*day), i, i+n)), n
			}
		}
	}
	if f.is(toks, i, "last") && f.is(toks, i+1, "night") {
		return append(dst, f.dated(f.anchor.Add(-day), i, i+2)), 2
	}
	if f.is(toks, i, "end") && f.is(toks, i+1, "of") {
		j := i + 2
		if f.is(toks, j, "the", "this") {
			j++
		}
		y, m := f.anchor.Year(), int(f.anchor.Month())
		switch {
		case f.is(toks, j, "month"):
		case f.is(toks, j, "year"):
			m = 12
		default:
			mo := f.monthName(toks, j)
			if mo == 0 || f.calendar(toks, j).n > 0 {
				return dst, 0
			}
			c, _ := f.year(0, int(mo), 15, -1, f.past(toks, i, j+1))
			y, m = c.Year(), int(mo)
		}
		last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC)
		return append(dst, f.dated(last, i, j+1)), j + 1 - i
	}
	return dst, 0
}

// ---- times of day

// times reads a clock time at i. A number that is one only beside a day is
// marked loose.
func (f *factReader) times(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	x := found{Fact: Fact{Type: Time}, from: i, to: i + 1, clock: -1}
	if t.shape == shapeWord {
		if t.cls&clsNoon == 0 {
			return dst, 0
		}
		x.clock, x.Value = 12*60, "12:00"
		if f.is(toks, i, "midnight") {
			x.clock, x.Value = 0, "00:00"
		}
		return append(dst, x), 1
	}
	s := strings.ToLower(f.text[t.start:t.end])
	h, m, half, shape := clock(s)
	if shape == notClock {
		return dst, 0
	}
	n := 1
	if half == 0 {
		switch {
		case f.is(toks, i+1, "am", "a.m"):
			half, n = 1, 2
		case f.is(toks, i+1, "pm", "p.m"):
			half, n = 2, 2
		case f.is(toks, i+1, "o'clock"):
			n = 2
			shape = colon
		case f.is(toks, i+1, "uhr", "hrs"):
			if shape == bare && f.is(toks, i+1, "hrs") {
				return dst, 0
			}
			n = 2
			shape = colon
		}
		if n == 2 && f.is(toks, i+2, ".") && toks[i+2].start == toks[i+1].end && (f.is(toks, i+1, "a.m", "p.m")) && i+3 < len(toks) {
			n = 3
		}
	}
	switch half {
	case 1:
		if h > 12 {
			return dst, 0
		}
		h %= 12
	case 2:
		if h < 12 {
			h += 12
		}
	default:
		switch shape {
		case bare:
			if !f.is(toks, i-1, "at", "by", "@", "around") && !(i+1 < len(toks) && toks[i+1].cls&clsRelDay != 0) {
				return dst, 0
			}
			if i+1 < len(toks) {
				nx := &toks[i+1]
				if nx.cls&(clsUnit|clsMonth|clsCurrency) != 0 || nx.shape == shapeWord && isPluralNoun(f.low(nx), nx) || nx.shape == shapeSymbol {
					return dst, 0
				}
			}
			x.loose = true
			fallthrough
		case dotted:
			if shape == dotted && !f.is(toks, i-1, "at", "by", "the", "from", "until", "till", "@", "-", "to", "before", "after") {
				return dst, 0
			}
			if h < 8 && h > 0 && (shape == bare || h < 6) {
				h += 12 // "at 4", "at 4.30": office hours
			}
			if shape == dotted {
				x.loose = true
			}
		}
	}
	if h > 23 || m > 59 {
		return dst, 0
	}
	if f.is(toks, i-1, "the") && half == 0 {
		x.named = true
	}
	x.clock = h*60 + m
	x.Value = fmt.Sprintf("%02d:%02d", h, m)
	x.to = i + n
	return append(dst, x), n
}

type clockShape int

const (
	notClock clockShape = iota
	bare                // 4
	dotted              // 8.30
	colon               // 8:30, 10am
)

// clock reads "10am", "10.30am", "10:30", "830pm", "16h", "14h30", "8.30", "4".
// half is 1 for am, 2 for pm.
func clock(s string) (h, m, half int, shape clockShape) {
	switch {
	case strings.HasSuffix(s, "am"):
		half, s = 1, s[:len(s)-2]
	case strings.HasSuffix(s, "pm"):
		half, s = 2, s[:len(s)-2]
	}
	var part [2]int
	var size [2]int
	p := 0
	var sep byte
	for k := 0; k < len(s); k++ {
		c := s[k]
		switch {
		case isDigit(c):
			part[p] = part[p]*10 + int(c-'0')
			size[p]++
			if size[p] > 4 {
				return 0, 0, 0, notClock
			}
		case (c == ':' || c == '.' || c == 'h') && p == 0 && size[0] > 0:
			sep = c
			p = 1
		case c == ':' && p == 1: // seconds
			k = len(s)
		default:
			return 0, 0, 0, notClock
		}
	}
	if size[0] == 0 {
		return 0, 0, 0, notClock
	}
	switch {
	case p == 0 && half > 0 && size[0] >= 3:
		h, m = part[0]/100, part[0]%100
	case p == 0 && size[0] <= 2:
		h = part[0]
	case p == 1 && size[0] <= 2 && (size[1] == 2 || sep == 'h' && size[1] == 0):
		h, m = part[0], part[1]
	default:
		return 0, 0, 0, notClock
	}
	if h > 24 || m > 59 {
		return 0, 0, 0, notClock
	}
	switch {
	case half > 0 || sep == ':' || sep == 'h':
		shape = colon
	case sep == '.':
		shape = dotted
	default:
		shape = bare
	}
	return h, m, half, shape
}

// joinTimes makes a datetime of a day and a time that stand together, drops
// loose times without a day, and keeps the rest as times.
func (f *factReader) joinTimes(in []found, toks []token) []found {
	for k := 0; k+1 < len(in); k++ {
		a, b := &in[k], &in[k+1]
		var d, t *found
		switch {
		case a.Type == Date && b.Type == Time:
			d, t = a, b
		case a.Type == Time && b.Type == Date:
			d, t = b, a
		default:
			continue
		}
		if t.named || !f.bridge(toks, a.to, b.from) {
			continue
		}
		// "Tuesday 9am, Wednesday 10am": a time between two days belongs to the
		// one before it unless "on" leads to the one after.
		if a.Type == Time && k > 0 && in[k-1].Type == DateTime && in[k-1].to == a.to {
			continue
		}
		x := *d
		x.Type = DateTime
		x.Value = d.Value + "T" + t.Value
		alts := make([]string, 0, len(d.Alternatives))
		for _, alt := range d.Alternatives {
			alts = append(alts, alt+"T"+t.Value)
		}
		x.Alternatives = alts
		x.from, x.to = min(a.from, b.from), max(a.to, b.to)
		x.clock = t.clock
		if strings.HasSuffix(f.text[toks[d.from].start:toks[d.to-1].end], "night") || f.is(toks, d.from, "tonight") {
			if t.loose && t.clock < 12*60 && t.clock >= 6*60 {
				x.Value = d.Value + fmt.Sprintf("T%02d:%02d", (t.clock+720)/60, t.clock%60)
			}
		}
		in[k] = x
		in = append(in[:k+1], in[k+2:]...)
	}
	out := in[:0]
	for _, x := range in {
		if x.Type == Time && x.loose {
			continue
		}
		out = append(out, x)
	}
	return out
}

// bridge reports whether the tokens between a day and a time only join them.
func (f *factReader) bridge(toks []token, i, j int) bool {
	if j-i > 4 {
		return false
	}
	for k := i; k < j; k++ {
		if toks[k].cls&clsZone != 0 || f.is(toks, k, "at", "on", "by", ",", "from", "-", "(", "@", "around", "about", ".", "this", "next", "the", "before", "until", "for", "your", "my", "his", "her", "our", "time") {
			continue
		}
		return false
	}
	return true
}
