package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var months = map[string]time.Month{}
var weekdays = map[string]time.Weekday{}

func init() {
	for m := time.January; m <= time.December; m++ {
		name := strings.ToLower(m.String())
		months[name], months[name[:3]] = m, m
	}
	months["sept"] = time.September
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		weekdays[name], weekdays[name[:3]] = d, d
	}
}

// Days reads a day, a month, a year, a week or a range ("2023-01..2023-03",
// "march..", "..yesterday") as the time [from, to) in now's zone. An open end is
// zero. What could be any year's is the latest that has begun: in February 2023
// "march" is March 2022.
func Days(text string, now time.Time) (from, to time.Time, err error) {
	lo, hi, ranged := strings.Cut(text, "..")
	if !ranged {
		return days(text, now)
	}
	if strings.TrimSpace(lo) == "" && strings.TrimSpace(hi) == "" {
		return from, to, fmt.Errorf("%q is no date", text)
	}
	if strings.TrimSpace(lo) != "" {
		if from, _, err = days(lo, now); err != nil {
			return from, to, err
		}
	}
	if strings.TrimSpace(hi) != "" {
		if _, to, err = days(hi, now); err != nil {
			return time.Time{}, to, err
		}
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return time.Time{}, time.Time{}, fmt.Errorf("%q ends before it begins", text)
	}
	return from, to, nil
}

func days(text string, now time.Time) (from, to time.Time, err error) {
	bad := func() (time.Time, time.Time, error) {
		return time.Time{}, time.Time{}, fmt.Errorf("%q is no date", strings.TrimSpace(text))
	}
	zone := now.Location()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	span := func(y int, m time.Month, d, years, mons, ds int) (time.Time, time.Time, error) {
		f := day(y, m, d)
		return f, day(y+years, m+time.Month(mons), d+ds), nil
	}
	y, m, d := now.Date()

	s := strings.ToLower(strings.TrimSpace(text))
	for _, f := range []struct {
		layout  string
		y, m, d int
	}{{"2006-01-02", 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if t, err := time.Parse(f.layout, s); err == nil {
			if t.Year() < 1000 {
				return bad()
			}
			return span(t.Year(), t.Month(), t.Day(), f.y, f.m, f.d)
		}
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '-' || r == '_' || r == ',' })
	if len(words) == 0 || len(words) > 4 {
		return bad()
	}
	switch s = strings.Join(words, " "); s {
	case "today":
		return span(y, m, d, 0, 0, 1)
	case "yesterday":
		return span(y, m, d-1, 0, 0, 1)
	}
	monday := d - (int(now.Weekday())+6)%7
	last := words[0] == "last"
	if len(words) == 2 && (last || words[0] == "this") {
		back := 0
		if last {
			back = 1
		}
		switch words[1] {
		case "week":
			return span(y, m, monday-7*back, 0, 0, 7)
		case "month":
			return span(y, m-time.Month(back), 1, 0, 1, 0)
		case "year":
			return span(y-back, 1, 1, 1, 0, 0)
		}
	}
	if len(words) == 3 && words[2] == "ago" {
		n, err := strconv.Atoi(words[0])
		if words[0] == "a" || words[0] == "an" || words[0] == "one" {
			n, err = 1, nil
		}
		if err != nil || n < 0 || n > 100000 {
			return bad()
		}
		switch strings.TrimSuffix(words[1], "s") {
		case "day":
			return span(y, m, d-n, 0, 0, 1)
		case "week":
			return span(y, m, d-7*n, 0, 0, 1)
		case "month":
			// The same day of that month, or its last.
			if f := day(y, m-time.Month(n)+1, 0); f.Day() < d {
				d = f.Day()
			}
			return span(y, m-time.Month(n), d, 0, 0, 1)
		case "year":
			if f := day(y-n, m+1, 0); f.Day() < d {
				d = f.Day()
			}
			return span(y-n, m, d, 0, 0, 1)
		}
		return bad()
	}
	if last {
		words = words[1:]
	}
	if len(words) == 1 {
		if w, ok := weekdays[words[0]]; ok {
			back := (int(now.Weekday()) - int(w) + 7) % 7
			if back == 0 && last {
				back = 7
			}
			return span(y, m, d-back, 0, 0, 1)
		}
	}

	// Day, month and year in any order that people write: a month has a name.
	var month time.Month
	dd, yy := 0, 0
	for _, w := range words {
		if mm, ok := months[w]; ok && month == 0 {
			month = mm
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(w, "st"), "nd"), "rd"), "th"))
		switch {
		case err != nil:
			return bad()
		case len(w) == 4 && n >= 1000 && yy == 0:
			yy = n
		case n >= 1 && n <= 31 && dd == 0:
			dd = n
		default:
			return bad()
		}
	}
	if month == 0 || last && yy != 0 {
		return bad()
	}
	begins := max(dd, 1)
	if yy == 0 {
		yy = y
		// "last march" in March is the one before.
		for range 9 { // 29 February may lie eight years back
			if f := day(yy, month, begins); f.Month() == month && !f.After(now) && !(last && !day(yy, month+1, 1).Before(day(y, m, d+1))) {
				break
			}
			yy--
		}
	}
	if dd == 0 {
		return span(yy, month, 1, 0, 1, 0)
	}
	if day(yy, month, dd).Month() != month {
		return bad()
	}
	return span(yy, month, dd, 0, 0, 1)
}
