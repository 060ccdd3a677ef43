package trail

import (
	"math"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// commitments reports those whose day passed before they were kept. Of several
// that one delivery kept, the one nearest to the question.
func (f *finder) commitments() {
	best := map[*item]*item{}
	for _, a := range f.entries {
		if a.s.Kind != statement.Commitment || a.p2 < leastRelevant && !f.p.judged.missed[a] {
			continue
		}
		if kept, _, _ := f.missed(a, false); kept != nil && (best[kept] == nil || a.p2 > best[kept].p2) {
			best[kept] = a
		}
	}
	for _, a := range f.entries {
		if a.s.Kind != statement.Commitment || a.p2 < leastRelevant && !f.p.judged.missed[a] {
			continue
		}
		kept, complaint, due := f.missed(a, false)
		switch {
		case kept != nil && best[kept] == a:
			f.add(Missed, a, kept, nil, statement.Date, f.ref(a)+" names "+day(due.Add(-24*time.Hour))+"; "+f.ref(kept)+" is of "+day(kept.m.Date)+".")
		case complaint != nil:
			f.add(Missed, a, nil, nil, statement.Date, f.ref(a)+" names "+day(due.Add(-24*time.Hour))+"; nothing in the record keeps it before "+f.ref(complaint)+" of "+day(complaint.m.Date)+".")
		}
	}
}

// missed returns the entry that kept a commitment after its day, or where none of
// the entries did, the one that complains of it. With wide, any statement may.
func (f *finder) missed(a *item, wide bool) (kept, complaint *item, due time.Time) {
	due, ok := dueDay(a)
	if !ok || a.flagged(statement.Conditional) || a.lasts() {
		return nil, nil, due
	}
	for _, b := range f.p.items[a.index+1:] {
		if b.m == a.m {
			continue
		}
		alike := math.Max(f.p.alike(a, b), f.p.similar(a, b))
		if b.s.Kind == statement.Delivery && b.side() == a.side() && kept == nil && (alike > 0.1 || b.m.thread == a.m.thread) && !partOf(b, a) {
			if wide || f.number[b] > 0 {
				kept = b
			} else if !b.m.Date.After(due) && alike > 0.2 {
				return nil, nil, due
			}
		}
		if !wide && f.number[b] == 0 {
			continue
		}
		if complaint == nil && b.m.Date.After(due) && f.complains(b, a, due, alike) {
			complaint = b
		}
	}
	switch {
	case kept == nil:
		return nil, complaint, due
	case complaint != nil && complaint.index < kept.index && math.Max(f.p.alike(a, kept), f.p.similar(a, kept)) < 0.1:
		return nil, complaint, due // what came was something else
	case kept.m.Date.After(due):
		return kept, nil, due
	}
	return nil, nil, due
}

// complains reports whether b says that what a promised has not come: it says so of
// the same thing, of the day it was due, or in the weeks after.
func (f *finder) complains(b, a *item, due time.Time, alike float64) bool {
	if b.side() == a.side() || b.s.Kind == statement.Terms || b.m.party != a.m.party || !negative(b) {
		return false
	}
	if alike > 0.15 && (b.s.Kind == statement.Dispute || b.s.Kind == statement.Question) {
		return true
	}
	if !says(b, arrivedNot) {
		return false
	}
	for _, x := range b.s.Facts {
		if isDay(x.Type) && len(x.Value) >= 10 && x.Value[:10] == due.Add(-24*time.Hour).Format(time.DateOnly) {
			return true
		}
	}
	return alike > 0.15 || b.m.thread == a.m.thread || b.m.Date.Sub(due) < 30*24*time.Hour
}

// lasts reports whether a promise says how long something will stay as it is, not by
// when something will be done.
func (it *item) lasts() bool {
	s := it.folds()
	if !strings.Contains(s, " until ") && !strings.Contains(s, " till ") {
		return false
	}
	for _, w := range [...]string{" hold ", " holds ", " keep ", " keeps ", " stays ", " stay ", " valid ", " wait ", " reserve "} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// partOf reports whether a delivery names less of the same than was promised.
func partOf(b, a *item) bool {
	for _, x := range a.s.Facts {
		for _, y := range b.s.Facts {
			if x.Type == statement.Quantity && y.Type == x.Type && factUnit(x) == factUnit(y) && amount(y) < amount(x) {
				return true
			}
		}
	}
	return false
}

// amount is a quantity's number; 0 where it is not a whole one.
func amount(f statement.Fact) int {
	n, _, _ := strings.Cut(f.Value, " ")
	return atoi(n)
}

// dueDay is the end of the day by which a commitment is to be kept.
func dueDay(a *item) (time.Time, bool) {
	var last time.Time
	for _, x := range a.s.Facts {
		if !isDay(x.Type) || len(x.Value) < 10 {
			continue
		}
		d, err := time.ParseInLocation("2006-01-02", x.Value[:10], a.m.Date.Location())
		if err == nil && d.After(last) {
			last = d
		}
	}
	if last.IsZero() {
		last = impliedDay(a)
	}
	if last.IsZero() {
		return last, false
	}
	return last.Add(24 * time.Hour), true
}

// impliedDay is the day that a promise without a date names by what stands around
// it: "this week" ends on Sunday, "that same day" is the day named just before.
func impliedDay(a *item) time.Time {
	s := a.folds()
	y, m, d := a.m.Date.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, a.m.Date.Location())
	switch {
	case strings.Contains(s, " this week "):
		return today.AddDate(0, 0, (7-int(today.Weekday()))%7)
	case strings.Contains(s, " next week "):
		return today.AddDate(0, 0, (7-int(today.Weekday()))%7+7)
	case strings.Contains(s, " same day ") || strings.Contains(s, " that day "):
		for i := a.pos - 1; i >= 0; i-- {
			if f := a.m.items[i].firstDay(); f != nil {
				if t, err := time.ParseInLocation(time.DateOnly, f.Value[:10], today.Location()); err == nil && !t.Before(today) {
					return t
				}
			}
		}
	}
	return time.Time{}
}
