package statement

import (
	"strings"
	"time"

	"inwriting/indexer/message"
)

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
	aimed := mod == "" && f.is(toks, from-1, "to", "for", "until", "till") && !strings.HasSuffix(f.low(&toks[i]), "s")
	week, to := f.weekTail(toks, to)
	ahead := (int(wd) - int(f.anchor.Weekday()) + 7) % 7 // 0: today
	t := f.anchor.Add(time.Duration(ahead) * day)
	tense := f.clauseTense(toks, from, to)
	past := tense < 0
	x := found{}
	if c, ok := f.entryDay(dst, toks, wd); ok && week == 0 && mod == "" {
		return append(dst, f.dated(c, from, to)), to - i
	}
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
		return append(dst, f.retoldWeekday(ahead, mod != "", from, to)), to - i
	}
	if past && aimed && week == 0 && f.isSet(toks, from) {
		// "was moved to Friday": where it was moved to, or when it was to be.
		if ahead == 0 {
			t = t.Add(7 * day)
		}
		x = f.dated(t, from, to)
		x.Alternatives = []string{t.Add(-7 * day).Format("2006-01-02")}
		return append(dst, x), to - i
	}
	switch {
	case week == 1:
		monday := (int(f.anchor.Weekday()) + 6) % 7
		t = f.anchor.Add(time.Duration((int(wd)+6)%7-monday) * day)
		f.shareWeek(dst, toks, from, t)
	case week == 7 || week == -7:
		monday := (int(f.anchor.Weekday()) + 6) % 7
		t = f.anchor.Add(time.Duration((int(wd)+6)%7-monday+week) * day)
		f.shareWeek(dst, toks, from, t)
	case week == 8:
		if ahead == 0 {
			t = t.Add(7 * day)
		}
		t = t.Add(7 * day)
	case mod == "last" || mod == "past":
		t = t.Add(-7 * day)
	case mod == "next":
		return append(dst, f.nextWeekday(wd, ahead, from, to)), to - i
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
		if to < len(toks) && toks[to].cls&clsZone != 0 {
			// "8am Friday London": where it is that day still, or not yet.
			x = f.dated(t.Add(-7*day), from, to)
			x.Alternatives = []string{t.Format("2006-01-02")}
			return append(dst, x), to - i
		}
	}
	return append(dst, f.dated(t, from, to)), to - i
}

// weekTail reads "of next week", "last week", "week" after a weekday at to: 7 days on,
// 7 back, 1 for this week, 8 for a week after the coming one, 0 for none.
func (f *factReader) weekTail(toks []token, to int) (week, end int) {
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
	return week, to
}

// nextWeekday: "next Friday" on a Monday is the coming one, or the one after. Both
// stand.
func (f *factReader) nextWeekday(wd time.Weekday, ahead, from, to int) found {
	t := f.anchor.Add(time.Duration(ahead) * day)
	if ahead == 0 {
		t = t.Add(7 * day)
	}
	other := t.Add(7 * day)
	if int(wd) != 0 && ahead > 0 && (int(wd)+6)%7 > (int(f.anchor.Weekday())+6)%7 {
		// The coming one falls in this week: English has two minds.
		t, other = other, t
	}
	x := f.dated(t, from, to)
	x.Alternatives = []string{other.Format("2006-01-02")}
	return x
}

// retoldWeekday: "I said Friday" is the nearest one, a coming one sooner; the other
// stands too. "The Wednesday" was spoken of before.
func (f *factReader) retoldWeekday(ahead int, article bool, from, to int) found {
	if ahead == 0 {
		ahead = 7
	}
	t := f.anchor.Add(time.Duration(ahead) * day)
	other := t.Add(-7 * day)
	if article || ahead > 7-ahead+2 {
		t, other = other, t
	}
	x := f.dated(t, from, to)
	x.Alternatives = []string{other.Format("2006-01-02")}
	return x
}

// shareWeek gives the week of "Thursday of this week" to the weekday before it in
// "Wednesday or Thursday of this week".
func (f *factReader) shareWeek(dst []found, toks []token, from int, t time.Time) {
	k := len(dst) - 1
	if k < 0 || dst[k].Type != Date || dst[k].full || dst[k].to != from-1 || !f.is(toks, from-1, "or", "and", "to", "-", ",", "&", "through", "thru") || toks[dst[k].from].cls&clsWeekday == 0 {
		return
	}
	x := &dst[k]
	d := (int(t.Weekday())+6)%7 - (int(x.day.Weekday())+6)%7
	if d > 0 {
		x.day = t.Add(-time.Duration(d) * day)
		x.Value, x.Alternatives = x.day.Format("2006-01-02"), nil
	}
}

// entryDay finds the day that a weekday means in an entry of a chronicle, which
// looks ahead from its own day: "19 February: the money in my account by Friday."
func (f *factReader) entryDay(dst []found, toks []token, wd time.Weekday) (time.Time, bool) {
	if len(dst) == 0 || dst[0].from != 0 || !dst[0].full || !dst[0].day.Before(f.anchor) || !f.is(toks, dst[0].to, ":") {
		return time.Time{}, false
	}
	n := (int(wd) - int(dst[0].day.Weekday()) + 7) % 7
	return dst[0].day.Add(time.Duration(n) * day), true
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
