package trail

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// A statement is read from its own message alone. Two ways of naming a day need
// other messages, and are settled here: "a day later" counts from the day of
// whatever is moved, and "the 15th" is the 15th that the work is about. Both are
// shown with the words they were read from; neither is settled where earlier
// statements leave more than one day open.

var shift = regexp.MustCompile(`(?i)\b(?:(a|an|one|two|three|four|five|six|seven|\d{1,2})\s+(day|week)s?\s+(later|earlier|sooner|forward|forwards|back)|(later|earlier|forward|forwards|back)\s+by\s+(a|an|one|two|three|four|five|six|seven|\d{1,2})\s+(day|week)s?)\b`)

// shiftOf reads "a day later", "forward by two days": the words as written and how many days
// they move. "Forward" brings a day nearer, as "earlier" does; "back" puts it off.
func shiftOf(quote string) (words string, days int, ok bool) {
	if l := strings.ToLower(quote); !strings.Contains(l, "day") && !strings.Contains(l, "week") {
		return "", 0, false
	}
	m := shift.FindStringSubmatch(quote)
	if m == nil {
		return "", 0, false
	}
	count, unit, way := m[1], m[2], m[3]
	if count == "" {
		way, count, unit = m[4], m[5], m[6]
	}
	count = strings.ToLower(count)
	n, err := strconv.Atoi(count)
	if err != nil {
		switch count {
		case "a", "an", "one":
			n = 1
		default:
			n = atoi(numberWords[count])
		}
	}
	if strings.EqualFold(unit, "week") {
		n *= 7
	}
	switch strings.ToLower(way) {
	case "earlier", "sooner", "forward", "forwards":
		n = -n
	}
	return m[0], n, n != 0
}

// settle resolves what the pool's statements name relative to each other, in time
// order, so that a move may count from an earlier move.
func (p *pool) settle() {
	for _, it := range p.items {
		changed := false
		if words, days, ok := shiftOf(it.s.Quote); ok && it.moves() {
			if from, base := p.moved(it); from != nil {
				it.base = from
				d := base.AddDate(0, 0, days)
				f := statement.Fact{Type: statement.Date, Text: words, Value: d.Format("2006-01-02")}
				it.day = &f
				it.own()
				facts := []statement.Fact{f} // first: it is what the statement is about
				for _, x := range it.s.Facts {
					// "a day" in "a day later" is no duration of its own.
					if x.Type != statement.Duration || !strings.Contains(words, x.Text) {
						facts = append(facts, x)
					}
				}
				it.s.Facts = facts
				changed = true
			}
		}
		for i, f := range it.s.Facts {
			if f.Type != statement.Date && f.Type != statement.DateTime || !bareDay(f.Text) || len(f.Value) < 10 {
				continue
			}
			if value := p.dayMeant(it, f); value != "" && value != f.Value[:10] {
				it.own()
				g := f
				g.Alternatives = append(append([]string{}, f.Alternatives...), f.Value)
				g.Value = value + f.Value[10:]
				it.s.Facts = append([]statement.Fact(nil), it.s.Facts...)
				it.s.Facts[i] = g
				changed = true
			}
		}
		if changed {
			p.describe(it)
		}
	}
}

// own gives an item a statement of its own to change: the source's stays as it is.
func (it *item) own() {
	s := *it.s
	it.s = &s
}

// moves reports whether a statement may move a day: a promise to be "a day later"
// with something does not.
func (it *item) moves() bool {
	switch it.s.Kind {
	case statement.Change, statement.Instruction, statement.Approval, statement.Confirmation:
		return true
	}
	return false
}

// moved is the statement and the day that a move counts from: the first day that
// the earlier statement most like it names, of those that ask, agree or report something done.
func (p *pool) moved(it *item) (from *item, day time.Time) {
	score := 0.0
	for _, c := range p.items[:it.index] {
		if c.m == it.m || !p.shareSide(it, c) {
			continue
		}
		switch c.s.Kind {
		case statement.Instruction, statement.Change, statement.Confirmation, statement.Approval, statement.Delivery, statement.Commitment:
		default:
			continue
		}
		f := c.firstDay()
		if f == nil || len(f.Alternatives) > 0 {
			continue
		}
		d, err := time.Parse("2006-01-02", f.Value[:10])
		if err != nil || d.Before(it.m.Date.AddDate(0, 0, -1)) || it.m.Date.Sub(c.m.Date) > 120*24*time.Hour {
			continue
		}
		s := p.alike(it, c)
		if s <= 0.02 {
			continue
		}
		if c.m.thread == it.m.thread {
			s += 0.05
		}
		// Of two that are as near, the later is in force.
		if s >= score*0.8 {
			from, day = c, d
			if s > score {
				score = s
			}
		}
	}
	// What is moved is what was asked for; a confirmation only repeats it.
	for i := 0; from != nil && from.s.Kind != statement.Instruction && i < from.index; i++ {
		c := p.items[i]
		if f := c.firstDay(); f != nil && c.s.Kind == statement.Instruction && c.side() == it.side() && p.shareSide(it, c) &&
			f.Value[:10] == day.Format("2006-01-02") && p.alike(it, c) >= score*0.5 {
			return c, day
		}
	}
	return from, day
}

// firstDay is the first day a statement names, or the day it moves to.
func (it *item) firstDay() *statement.Fact {
	if it.day != nil {
		return it.day
	}
	for i, f := range it.s.Facts {
		if isDay(f.Type) && len(f.Value) >= 10 {
			return &it.s.Facts[i]
		}
	}
	return nil
}

// shareSide reports whether two statements' mails concern the same client.
func (p *pool) shareSide(a, b *item) bool {
	return a.m.party == b.m.party || a.m.party == "" || b.m.party == ""
}

var bareOrdinal = regexp.MustCompile(`(?i)^(?:on |for |by |from |until )?the \d{1,2}(?:st|nd|rd|th)$`)

func bareDay(text string) bool {
	return bareOrdinal.MatchString(strings.Join(strings.Fields(text), " "))
}

// dayMeant reads a day without a month by what was written before: the same day of
// a month that earlier statements of the work name, where they name one only and
// none names the reader's.
func (p *pool) dayMeant(it *item, f statement.Fact) string {
	meant := ""
	for _, c := range p.items[:it.index] {
		if it.m.Date.Sub(c.m.Date) > 60*24*time.Hour || !p.shareSide(it, c) {
			continue
		}
		for _, x := range c.s.Facts {
			if !isDay(x.Type) || len(x.Value) < 10 || x.Value[8:10] != f.Value[8:10] || bareDay(x.Text) {
				continue
			}
			v := x.Value[:10]
			if v == f.Value[:10] || meant != "" && v != meant {
				return ""
			}
			meant = v
		}
	}
	return meant
}
