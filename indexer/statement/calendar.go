package statement

import "time"

// resolve gives a written day its year, and its month where none is written.
func (f *factReader) resolve(dst []found, toks []token, i int, w written) ([]found, int) {
	tense := f.clauseTense(toks, i, i+w.n)
	past := tense < 0
	if w.month == 0 {
		return f.resolveNumber(dst, toks, i, w, tense)
	}
	if w.year == 0 && f.opened > 0 {
		w.year = f.opened
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
	if w.till > 0 {
		if t2, ok := date(t.Year(), int(t.Month()), w.till); ok {
			y := f.dated(t2, i, i+n)
			y.full = true
			return append(dst, x, y), n
		}
	}
	// "March 16 - 31", "Nov 8 to 11": the second day shares the month.
	if w.month > 0 && w.weekday < 0 {
		j := i + n
		if f.is(toks, j, "-", "to", "through", "thru", "and", "or", "&") && j+1 < len(toks) {
			if d, _ := f.dayNumber(toks, j+1); d > w.day && f.monthName(toks, j+2) == 0 && f.endsNumber(toks, j+2) && f.monthName(toks, i) > 0 {
				y, more := f.yearAt(toks, j+2, false)
				if y > 0 && w.year == 0 { // "September 27 and 28, 2001"
					if first, ok := date(y, int(t.Month()), w.day); ok {
						t, f.explicit = first, first
						x.day, x.Value = t, t.Format("2006-01-02")
					}
				}
				if t2, ok := date(t.Year(), int(t.Month()), d); ok {
					dst = append(dst, x)
					return append(dst, f.dated(t2, j+1, j+2+more)), n + 2 + more
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

// resolveNumber gives "the 14th" its month.
func (f *factReader) resolveNumber(dst []found, toks []token, i int, w written, tense int) ([]found, int) {
	t, ok := f.followingDay(dst, toks, i, w)
	follows := ok
	if !ok {
		t, ok = f.namedDay(w.day, w.weekday)
	}
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
	x.full = x.full || follows
	if !other.IsZero() {
		x.Alternatives = []string{other.Format("2006-01-02")}
	}
	return append(dst, x), w.n
}

// followingDay finds the day that "the 24th" is in "from 20 February to the 24th
// or the 25th": one of the month of the day before it, or of the next month.
func (f *factReader) followingDay(dst []found, toks []token, i int, w written) (time.Time, bool) {
	k := len(dst) - 1
	if k < 0 || dst[k].Type != Date || !dst[k].full || i-dst[k].to > 3 || i <= dst[k].to-1 {
		return time.Time{}, false
	}
	for j := dst[k].to; j < i; j++ {
		if !f.is(toks, j, "to", "the", "or", "and", "-", "through", "thru", "until", "till", ",", "/") {
			return time.Time{}, false
		}
	}
	prev := dst[k].day
	y, m := prev.Year(), int(prev.Month())
	if w.day <= prev.Day() {
		if m++; m > 12 {
			y, m = y+1, 1
		}
	}
	t, ok := date(y, m, w.day)
	if !ok || w.weekday >= 0 && int(t.Weekday()) != w.weekday {
		return time.Time{}, false
	}
	return t, true
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
