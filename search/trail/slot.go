package trail

import (
	"slices"
	"strings"

	"inwriting/indexer/statement"
)

// facts are the values that a change took away and put in place.
func (f *finder) facts(a, by *item) (was, now statement.Fact) {
	if by.base != nil && a.firstDay() != nil {
		return *a.firstDay(), *by.day
	}
	_, was, now = conflict(a, by)
	return was, now
}

func hasFact(it *item, f statement.Fact) bool {
	for _, g := range it.s.Facts {
		if sameValue(f, g) {
			return true
		}
	}
	return false
}

// conflict returns a type of fact on which two statements cannot both hold: each
// names one value for the slot, and not the same one in any reading. Where both
// name several days or sums they conflict if they agree in all but one.
func conflict(a, b *item) (statement.FactType, statement.Fact, statement.Fact) {
	for _, t := range []statement.FactType{statement.Date, statement.Money, statement.Quantity} {
		slots := []string{""}
		if t != statement.Date {
			slots = slotUnits(a, t)
		}
		for _, u := range slots {
			if x, y, ok := apart(values(a, t, u), values(b, t, u), t); ok {
				return t, x, y
			}
		}
	}
	if x, y, ok := bareQuantity(a, b); ok {
		return statement.Quantity, x, y
	}
	// Clock times compare only within one day, or where neither names a day.
	if x, y, ok := apart(values(a, statement.DateTime, ""), values(b, statement.DateTime, ""), statement.DateTime); ok && x.Value[:10] == y.Value[:10] {
		return statement.DateTime, x, y
	}
	return "", statement.Fact{}, statement.Fact{}
}

// bareQuantity compares the one quantity that a names with the one number that b
// names without saying of what: "make it 85".
func bareQuantity(a, b *item) (x, y statement.Fact, ok bool) {
	units := slotUnits(a, statement.Quantity)
	n := b.bareNumber()
	if len(units) != 1 || n == "" {
		return x, y, false
	}
	vs := values(a, statement.Quantity, units[0])
	if len(vs) != 1 {
		return x, y, false
	}
	was, unit, _ := strings.Cut(vs[0].Value, " ")
	if was == n || !isNumber(was) {
		return x, y, false
	}
	return vs[0], statement.Fact{Type: statement.Quantity, Text: n, Value: n + " " + unit}, true
}

// bareNumber is the one number of two digits or more that a statement names and
// that no fact of it is made of; "" where there is none or several.
func (it *item) bareNumber() string {
	if it.number == "" {
		it.number = it.findBareNumber()
		if it.number == "" {
			it.number = "-"
		}
	}
	if it.number == "-" {
		return ""
	}
	return it.number
}

func (it *item) findBareNumber() string {
	n := ""
	for _, t := range it.sorted {
		v, ok := strings.CutPrefix(t, "n:")
		if !ok || len(v) < 2 || !isNumber(v) {
			continue
		}
		for _, f := range it.s.Facts {
			if strings.Contains(" "+strings.Join(words(f.Text), " ")+" ", " "+v+" ") || strings.Contains(" "+strings.Join(words(f.Text), " ")+" ", " "+v+"th ") {
				ok = false
			}
		}
		if !ok {
			continue
		}
		if n != "" {
			return ""
		}
		n = v
	}
	return n
}

// apart returns the one value of each side that the other does not name.
func apart(as, bs []statement.Fact, t statement.FactType) (x, y statement.Fact, ok bool) {
	if len(as) == 0 || len(bs) == 0 || len(as) > 1 && len(bs) == 1 || len(bs) > 1 && len(as) == 1 {
		return x, y, false
	}
	left := func(from, of []statement.Fact) (out []statement.Fact) {
		for _, f := range from {
			same := f.Mismatch // written two ways: nobody can say which it is
			for _, g := range of {
				same = same || sameReading(f, g, t)
			}
			if !same {
				out = append(out, f)
			}
		}
		return out
	}
	xs, ys := left(as, bs), left(bs, as)
	if len(xs) != 1 || len(ys) != 1 || xs[0].Mismatch || ys[0].Mismatch {
		return x, y, false
	}
	return xs[0], ys[0], true
}

func sameReading(f, g statement.Fact, t statement.FactType) bool {
	for _, x := range append([]string{f.Value}, f.Alternatives...) {
		for _, y := range append([]string{g.Value}, g.Alternatives...) {
			if t == statement.Date && len(x) >= 10 && len(y) >= 10 {
				x, y = x[:10], y[:10]
			}
			if x == y {
				return true
			}
		}
	}
	return false
}

// values are the different values that a statement names for a slot.
func values(it *item, t statement.FactType, u string) (out []statement.Fact) {
	if t == statement.Date && it.day != nil {
		return []statement.Fact{*it.day}
	}
	for _, f := range it.s.Facts {
		if f.Type != t && (t != statement.Date || f.Type != statement.DateTime) || t != statement.Date && t != statement.DateTime && factUnit(f) != u {
			continue
		}
		dup := false
		for _, g := range out {
			dup = dup || sameReading(f, g, t)
		}
		if !dup {
			out = append(out, f)
		}
	}
	return out
}

// slotUnits lists the units or currencies that a statement's facts of a type bear.
func slotUnits(it *item, t statement.FactType) (out []string) {
	for _, f := range it.s.Facts {
		if u := factUnit(f); f.Type == t && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

func factUnit(f statement.Fact) string {
	if f.Type == statement.Money {
		return currency(f)
	}
	return unit(f)
}

func unit(f statement.Fact) string {
	_, u, _ := strings.Cut(f.Value, " ")
	return stem(strings.ToLower(u))
}

func currency(f statement.Fact) string {
	c, _, _ := strings.Cut(f.Value, " ")
	return c
}
