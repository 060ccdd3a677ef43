package message

import (
	"strings"
	"time"
)

// parseDate reads a date-time as RFC 5322 section 3.3 has it and as mailers
// write it: two-digit years, no weekday, month before day, asctime, ISO 8601,
// dots in the time, AM and PM, named zones, "GMT+0100", comments. The time is in
// the zone that is written; without one it is in UTC.
func parseDate(s string) (time.Time, bool) {
	var d dateReader
	return d.read(s)
}

type dateReader struct {
	year, month, day  int
	hour, minute, sec int
	clock             bool
	offset            int // seconds east
	zoned             bool
	zone              string
	pm, am            bool
	nums              [4]int // bare numbers that found no place, in order
	n                 int
}

func (d *dateReader) read(s string) (time.Time, bool) {
	if len(s) > 200 {
		s = s[:200]
	}
	depth := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '(':
			depth++
			i++
		case c == ')':
			depth = max(0, depth-1)
			i++
		case depth > 0:
			i++
		case isDigit(c):
			i += d.number(s, i)
		case isLetter(c) || c >= 0x80:
			j := i
			for j < len(s) && (isLetter(s[j]) || s[j] >= 0x80) {
				j++
			}
			d.word(strings.ToLower(s[i:j]))
			i = j
		case (c == '+' || c == '-') && d.clock && i+1 < len(s) && isDigit(s[i+1]):
			i += d.numericZone(s, i)
		default:
			i++
		}
	}
	return d.result()
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digits(s string) (v, n int) {
	for n < len(s) && isDigit(s[n]) && n < 9 {
		v = v*10 + int(s[n]-'0')
		n++
	}
	return v, n
}

// number takes what begins with a digit at i and gives its length.
func (d *dateReader) number(s string, i int) int {
	v, n := digits(s[i:])
	rest := s[i+n:]
	at := func(k int) byte {
		if k < len(rest) {
			return rest[k]
		}
		return 0
	}
	// A clock: 10:21:00, 10.21.00, 10:21.
	if (at(0) == ':' || at(0) == '.') && n <= 2 && isDigit(at(1)) && !d.clock {
		m, k := digits(rest[1:])
		after := 1 + k
		sep := at(0)
		if sep == ':' || (d.month > 0 || d.n > 0) && at(after) == '.' || (d.month > 0 && d.year > 0) {
			if v <= 24 && m < 60 && k <= 2 {
				d.hour, d.minute, d.clock = v, m, true
				if at(after) == sep || at(after) == ':' {
					sec, q := digits(rest[min(after+1, len(rest)):])
					if q > 0 {
						d.sec = sec
						after += 1 + q
					}
				}
				if at(after) == '.' || at(after) == ',' { // fraction
					if _, q := digits(rest[min(after+1, len(rest)):]); q > 0 {
						after += 1 + q
					}
				}
				return n + after
			}
		}
	}
	// ISO 8601: 2001-12-31.
	if n == 4 && (at(0) == '-' || at(0) == '/') && d.month == 0 && isDigit(at(1)) {
		mo, k := digits(rest[1:])
		if sep := at(1 + k); sep == at(0) && mo >= 1 && mo <= 12 {
			if day, q := digits(rest[min(2+k, len(rest)):]); q > 0 && day >= 1 && day <= 31 {
				d.year, d.month, d.day = v, mo, day
				return n + 2 + k + q
			}
		}
	}
	switch {
	case n == 4 && d.year == 0 && (d.month > 0 || d.n > 0 || v > 1900):
		d.year = v
		if v < 100 {
			d.year = twoDigitYear(v) // "0002", seen in practice
		}
	case n == 3 && d.month > 0 && d.day > 0 && d.year == 0:
		d.year = 1900 + v // RFC 5322 section 4.3
	case n <= 2 && d.month > 0 && d.day == 0:
		d.day = v
	case n <= 2 && d.month > 0 && d.day > 0 && d.year == 0:
		d.year = twoDigitYear(v)
	case d.n < len(d.nums):
		d.nums[d.n] = v
		d.n++
	}
	return n
}

// twoDigitYear follows RFC 5322 section 4.3.
func twoDigitYear(v int) int {
	if v < 50 {
		return 2000 + v
	}
	return 1900 + v
}

func (d *dateReader) numericZone(s string, i int) int {
	v, n := digits(s[i+1:])
	used := 1 + n
	h, m := v/100, v%100
	if n <= 2 {
		h, m = v, 0
		if i+used < len(s) && s[i+used] == ':' {
			mm, k := digits(s[i+used+1:])
			m = mm
			used += 1 + k
		}
	}
	if n == 4 && (!d.zoned || d.offset == 0) || n <= 2 && n > 0 && !d.zoned || n <= 2 && d.zone == "gmt" {
		if h <= 14 && m < 60 {
			d.offset = h*3600 + m*60
			if s[i] == '-' {
				d.offset = -d.offset
			}
			d.zoned = true
		}
		return used
	}
	// "-2001" after a month: a year, not a zone.
	if n == 4 && d.year == 0 {
		d.year = v
	}
	return used
}

var zoneHours = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0,
	"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "hst": -10, "akst": -9, "akdt": -8,
	"cet": 1, "met": 1, "mez": 1, "cest": 2, "mest": 2, "mesz": 2, "bst": 1, "west": 1, "eet": 2, "eest": 3, "msk": 3,
	"jst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "sast": 2,
}

func (d *dateReader) word(w string) {
	switch w {
	case "am", "a":
		d.am = d.clock
		return
	case "pm", "p":
		d.pm = d.clock
		return
	case "t":
		return
	}
	if d.clock && !d.zoned {
		if h, ok := zoneHours[w]; ok {
			d.offset, d.zoned, d.zone = h*3600, true, w
			if h == 0 {
				d.zone = "gmt"
			}
			return
		}
	}
	// A second name corrects the first: "mar, 15 ene" began with a weekday.
	if d.month == 0 || d.year == 0 {
		if m := monthNumber(w); m > 0 {
			d.month = m
			// "15 Dec": what stood before is the day. "2001 Dec 15" has its year already.
			if d.n > 0 && d.day == 0 {
				d.day = d.nums[d.n-1]
				d.n = 0
			}
		}
	}
}

var monthNames = [12][]string{
	{"jan", "ene", "gen", "янв"}, {"feb", "fév", "fev", "fév", "фев"}, {"mar", "mär", "mrt", "maa", "мар"}, {"apr", "avr", "abr", "апр"},
	{"may", "mai", "mei", "mag", "maj", "мая", "май"}, {"jun", "juin", "giu", "июн"}, {"jul", "juil", "lug", "июл"}, {"aug", "aoû", "aou", "ago", "авг"},
	{"sep", "set", "сен"}, {"oct", "okt", "ott", "out", "окт"}, {"nov", "ноя"}, {"dec", "dez", "déc", "dic", "дек"},
}

func monthNumber(w string) int {
	for m, names := range monthNames {
		for _, n := range names {
			if strings.HasPrefix(w, n) {
				return m + 1
			}
		}
	}
	return 0
}

func (d *dateReader) result() (time.Time, bool) {
	if d.month == 0 && d.n >= 2 {
		// 12/31/2001 or 31.12.2001. Where both could be meant, AM or PM says
		// that an American program wrote it; else the date stays unreadable.
		a, b := d.nums[0], d.nums[1]
		if d.year == 0 && d.n >= 3 {
			d.year = twoDigitYear(d.nums[2] % 100)
		}
		switch {
		case a > 12 && a <= 31 && b <= 12:
			d.day, d.month = a, b
		case b > 12 && b <= 31 && a <= 12, a == b, d.am || d.pm:
			d.month, d.day = a, b
		}
	}
	if d.pm && d.hour < 12 {
		d.hour += 12
	} else if d.am && d.hour == 12 {
		d.hour = 0
	}
	if d.year < 1970 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || d.hour > 24 || d.sec > 60 {
		return time.Time{}, false
	}
	loc := time.UTC
	if d.offset != 0 {
		loc = fixedZone(d.offset)
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.sec, 0, loc)
	if t.Day() != d.day && d.hour < 24 && d.sec < 60 { // 31 February
		return time.Time{}, false
	}
	return t, true
}

var wholeHours = func() (z [29]*time.Location) {
	for i := range z {
		z[i] = time.FixedZone("", (i-14)*3600)
	}
	return z
}()

func fixedZone(offset int) *time.Location {
	if h := offset / 3600; offset%3600 == 0 && h >= -14 && h <= 14 {
		return wholeHours[h+14]
	}
	return time.FixedZone("", offset)
}
