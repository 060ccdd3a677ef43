package statement

import (
	"fmt"
	"time"
)

// lastDay is what the sentence before says of days: a time in the next one may be
// of that day.
type lastDay struct {
	end   int // of that sentence, in the text
	day   time.Time
	other time.Time // the first of two
	count int       // days that it names
}

// lendDays gives times without a day beside them the day of the range that they
// open or close ("tomorrow from 2:00 until 3:00", "10:00 - 10:30 on Thursday"),
// else the one day that the clause names, else the day that the sentence before or
// the subject speaks of, else the next time the clock shows it.
func (f *factReader) lendDays(in []found, toks []token) {
	var only *found
	several, lasts := false, false
	for k := range in {
		lasts = lasts || in[k].Type == Duration
		if x := &in[k]; x.Type == Date || x.Type == DateTime {
			several = several || only != nil && !only.day.Equal(x.day)
			only = x
		}
	}
	for k := range in {
		t := &in[k]
		if t.Type != Time || t.named {
			continue
		}
		var d *found
		switch {
		case k > 0 && in[k-1].Type == DateTime && f.rangeBetween(toks, in[k-1].to, t.from):
			d = &in[k-1]
		case k+1 < len(in) && in[k+1].Type == DateTime && f.rangeBetween(toks, t.to, in[k+1].from):
			d = &in[k+1]
		case only != nil && !several && !t.loose && f.sameClause(toks, only, t):
			d = only
		case only == nil && !t.loose:
			f.occasion(t, toks, lasts)
			continue
		default:
			continue
		}
		day := *d
		day.Value = d.day.Format("2006-01-02")
		if d.Type == DateTime {
			day.Alternatives = nil
			if t.half == 0 && d.half == 2 && t.clock < d.clock && d.clock < t.clock+12*60 && k > 0 && d == &in[k-1] {
				// "leaves at 6:45 pm, there at 10:09"
				t.clock += 12 * 60
				t.Value = hourMinute(t.clock)
			}
		}
		t.Alternatives = bothReadings(&day, t)
		t.Type, t.Value, t.day, t.full = DateTime, day.Value+"T"+t.Value, d.day, d.full
	}
}

func hourMinute(clock int) string { return fmt.Sprintf("%02d:%02d", clock/60, clock%60) }

const clauseReach = 12 // tokens

// sameClause reports whether no comma, no joining word and no new subject stands
// between a day and a time.
func (f *factReader) sameClause(toks []token, d, t *found) bool {
	i, j := d.to, t.from
	if j < i {
		i, j = t.to, d.from
	}
	if j-i > clauseReach {
		return false
	}
	for k := i; k < j; k++ {
		if f.is(toks, k, ",", ";", ".", ":", "i", "we", "you", "he", "she", "they", "it") || toks[k].cls&clsReport != 0 {
			return false
		}
		if j-i > 4 && (f.is(toks, k, "-", "and", "but", "or", "so", "then", "while", "because", "if", "that", "which", "who") || toks[k].cls&clsZone != 0 && !f.is(toks, k, "time")) {
			return false
		}
	}
	return true
}

func (f *factReader) rangeBetween(toks []token, i, j int) bool {
	return j-i == 1 && f.is(toks, i, "-", "to", "until", "till", "and", "or", "through")
}

// occasion finds the day of a time in a sentence that names none. A time on
// another clock, one that was said or one that is gone by stays a time; so does "noon, two days
// after" where nothing but the clock could tell the day.
func (f *factReader) occasion(t *found, toks []token, lasts bool) {
	if f.anchor.IsZero() || f.otherClock(toks) || f.isGoneBy(toks, t) {
		return
	}
	if l := f.last; l.count > 0 && l.count <= 2 && f.adjoins(l.end, toks[0].start) && !l.day.Before(f.anchor) {
		value := t.Value
		f.lend(t, l.day)
		if l.count == 2 && !l.other.IsZero() {
			t.Alternatives = append(t.Alternatives, l.other.Format("2006-01-02")+"T"+value)
		}
		return
	}
	if d, ok := f.subjectDay(); ok {
		f.lend(t, d)
		return
	}
	if lasts || !f.arranges(toks) {
		return
	}
	// Of two days the next on which it is yet to come; the one after is the other.
	wrote := f.m.Date.Hour()*60 + f.m.Date.Minute()
	d := f.anchor
	switch {
	case t.clock > wrote:
	case wrote >= evening && t.clock <= 12*60:
		d = d.Add(day)
	default:
		return
	}
	value := t.Value
	f.lend(t, d)
	t.Alternatives = append(t.Alternatives, d.Add(day).Format("2006-01-02")+"T"+value)
}

const evening = 17 * 60 // minutes: who writes so late speaks of the next morning

// lend makes t a time of day d.
func (f *factReader) lend(t *found, d time.Time) {
	x := f.dated(d, t.from, t.to)
	t.Alternatives = bothReadings(&x, t)
	t.Type, t.Value, t.day = DateTime, x.Value+"T"+t.Value, d
}

// otherClock: "your time", "noon in New York", "London": the day there may be
// another, and the time is named to compare.
func (f *factReader) otherClock(toks []token) bool {
	for k := range toks {
		if toks[k].cls&clsZone != 0 && !f.is(toks, k, "time", "us", "la", "los", "new", "angeles") || f.is(toks, k, "time") && f.is(toks, k-1, "your", "my", "our", "her", "his", "their", "local") {
			return true
		}
	}
	return false
}

// isGoneBy: the clause tells of the past, or of what was said. "Confirmed for 8:30"
// and "I've asked him to come at 9:15" speak of what is to come.
func (f *factReader) isGoneBy(toks []token, t *found) bool {
	for k := t.from - 1; k >= 0; k-- {
		switch f.tense(toks, k) {
		case 1:
			return false
		case -1:
			perfect := f.is(toks, k-1, "have", "has", "i've", "we've", "you've", "they've", "he's", "she's")
			return k > 0 && !(perfect && toks[k].cls&clsReport != 0)
		}
	}
	for k := t.to; k < len(toks); k++ {
		if n := f.tense(toks, k); n != 0 {
			return n < 0
		}
	}
	return false
}

// arranges: the sentence fixes something with somebody, and not a habit.
func (f *factReader) arranges(toks []token) bool {
	yes := false
	for k := range toks {
		if f.is(toks, k, "every", "each", "daily", "usually", "normally", "always", "hours", "open", "opens", "closes", "weekdays", "mornings", "mon-fri", "week", "weekend", "month") {
			return false
		}
		yes = yes || toks[k].cls&clsFuture != 0 && !f.is(toks, k, "is", "are", "isn't", "aren't", "goes", "make", "send", "deadline") ||
			f.is(toks, k, "confirmed", "confirm", "ok", "okay", "see", "works", "work", "scheduled", "meet", "call", "asked", "have", "having")
	}
	return yes
}

// adjoins: only blanks and one line break at most stand between two sentences.
func (f *factReader) adjoins(end, start int) bool {
	if end == 0 || start < end || start-end > 8 {
		return false
	}
	lines := 0
	for i := end; i < start; i++ {
		if f.text[i] == '\n' {
			lines++
		}
	}
	return lines <= 1
}

// remember keeps the days of a sentence for the next one.
func (f *factReader) remember(in []found, end int) {
	f.last = lastDay{end: end}
	for k := range in {
		if x := &in[k]; (x.Type == Date || x.Type == DateTime) && !x.day.IsZero() && (f.last.count == 0 || !x.day.Equal(f.last.day)) {
			f.last.other, f.last.day = f.last.day, x.day
			f.last.count++
		}
	}
}

// subjectDay is the day to come that the subject names, where it names one alone.
// "Tonight" in the subject of an answer is the night of the first mail.
func (f *factReader) subjectDay() (time.Time, bool) {
	if f.subjectKnown {
		return f.ofSubject, !f.ofSubject.IsZero()
	}
	f.subjectKnown = true
	sub := f.m.Subject[:min(len(f.m.Subject), maxSubject)]
	if sub == "" {
		return time.Time{}, false
	}
	f.gatherContext() // while text is the mail's
	text, explicit := f.text, f.explicit
	f.text = sub
	toks := f.scan.scan(nil, sub, 0, len(sub))
	first := len(f.m.InReplyTo) == 0 && len(f.m.References) == 0 && !f.is(toks, 0, "re", "aw", "fw", "fwd", "sv", "antw")
	var got []found
	for i := 0; i < len(toks); {
		n := 0
		if c := toks[i].cls; toks[i].digits || c&clsMonth != 0 || first && c&(clsWeekday|clsRelDay) != 0 {
			got, n = f.dates(got, toks, i)
		}
		i += max(n, 1)
	}
	f.text, f.explicit = text, explicit
	if len(got) == 1 && got[0].Type == Date && len(got[0].Alternatives) == 0 && !got[0].day.Before(f.anchor) {
		f.ofSubject = got[0].day
	}
	return f.ofSubject, !f.ofSubject.IsZero()
}

// halves gives the first time of "6:30 to 8:30 pm" the half of the day that the
// second one names, where it then comes before it.
func (f *factReader) halves(in []found, toks []token) {
	for k := 0; k+1 < len(in); k++ {
		a, b := &in[k], &in[k+1]
		if a.Type != Time || b.Type != Time || !f.rangeBetween(toks, a.to, b.from) || a.half != 0 || b.half != 2 {
			continue
		}
		if c := a.clock%(12*60) + 12*60; c < b.clock {
			a.clock, a.Value, a.Alternatives = c, hourMinute(c), nil
		} else {
			a.Alternatives = nil // "10:00 - 1:00 pm"
		}
	}
}
