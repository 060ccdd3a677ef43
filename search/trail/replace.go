package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

// pair is what is compared of two statements, found once.
type pair struct {
	fits                  bool // the later may have taken the place of the earlier
	fact                  statement.FactType
	turn                  bool
	alike, about, similar float64
}

func (p *pool) pair(a, b *item) *pair {
	k := [2]int{a.index, b.index}
	if x := p.pairs[k]; x != nil {
		return x
	}
	x := &pair{}
	x.fact, _, _ = conflict(a, b)
	_, kb, fits := replacing(a, b)
	if fits {
		ka, _, _ := replacing(a, b)
		x.turn = turns(a, b)
		switch {
		case a.side() == Other && b.side() != Other:
			fits = false // what a third party said, the third party changes
		case kb[1] == 1 && (ka[2] == 0 || a.side() != Us || x.fact == "" && !x.turn):
			fits = false // "Good, then 720": terms accepted that differ from those offered
		case (kb[2] == 1 || kb[3] == 1) && (a.side() != b.side() || ka[4] == 1):
			fits = false // another number or day, from the side that gave the first
		}
	}
	if x.fits = fits; fits {
		x.alike, x.about, x.similar = p.alike(a, b), p.alikeAbout(a, b), p.similar(a, b)
	}
	if p.pairs == nil {
		p.pairs = map[[2]int]*pair{}
	}
	p.pairs[k] = x
	return x
}

// asksOrAllows reports whether a statement says what shall be.
func asksOrAllows(c *item) bool {
	switch c.s.Kind {
	case statement.Change, statement.Instruction, statement.Approval, statement.Answer:
		return true
	}
	return false
}

// replacing gives the kinds of two statements as the models see them, and whether
// one of these kinds may replace the other.
func replacing(a, b *item) (ka, kb [6]float64, ok bool) {
	if a.m == b.m || b.flagged(statement.Hedged) {
		return ka, kb, false
	}
	switch b.s.Kind {
	case statement.Change:
		kb[0] = 1
	case statement.Approval:
		kb[1] = 1
	case statement.Answer:
		kb[2] = 1
	case statement.Instruction:
		kb[3] = 1
	case statement.Confirmation, statement.Delivery:
		kb[4] = 1
	case statement.Terms, statement.Commitment, statement.Assurance:
		kb[5] = 1
	default:
		return ka, kb, false
	}
	switch a.s.Kind {
	case statement.Instruction:
		ka[0] = 1
	case statement.Change:
		ka[1] = 1
	case statement.Terms:
		ka[2] = 1
	case statement.Approval, statement.Answer:
		ka[3] = 1
	case statement.Confirmation, statement.Delivery, statement.Commitment:
		ka[4] = 1
	case statement.Assurance:
		ka[5] = 1
	case statement.Dispute:
		if a.side() != b.side() || !negative(a) || negative(b) {
			return ka, kb, false
		}
	default:
		return ka, kb, false
	}
	return ka, kb, true
}

// displaces says how likely b took the place of a, of what it may have; not ok where it
// cannot. The figures are round ones, as those of weighs are.
func (p *pool) displaces(a, b *item) (float64, bool) {
	x := p.pair(a, b)
	if !x.fits {
		return 0, false
	}
	near := math.Max(x.alike, x.about)
	s := 4*near + x.similar + 1.5*clipped(a.p2)
	between := false
	if x.fact != "" {
		for _, c := range p.items[a.index+1 : b.index] {
			if c.p2 >= leastJudged && c.m != a.m && c.m != b.m && asksOrAllows(c) && p.pair(a, c).fact == x.fact {
				between = true
				break
			}
		}
	}
	for _, w := range [...]struct {
		is     bool
		weight float64
	}{
		{b.base == a, 100},
		{x.fact != "", 2},
		{between, -1.5}, // another value came between
		{x.turn, 2},
		{a.s.Kind == statement.Instruction || a.s.Kind == statement.Change, 1},
		{a.s.Kind == statement.Terms && b.s.Kind == statement.Approval, 1},
		{a.side() == b.side(), 0.5},
		{a.side() == Other, -1},
		{a.m.thread == b.m.thread, 0.5},
		{x.fact == "" && agree(a, b), -1},
	} {
		if w.is {
			s += w.weight
		}
	}
	return s, true
}

// changeFeatures describes an earlier statement and a later one that may have taken
// its place; nil where it cannot.
func (p *pool) changeFeatures(a, b *item) []float64 {
	x := p.pair(a, b)
	if !x.fits {
		return nil
	}
	near := math.Max(x.alike, x.about)
	same := a.m.thread == b.m.thread
	on := same || near > 0.15 || b.base == a
	latest := true
	if x.fact != "" {
		for _, c := range p.items[a.index+1 : b.index] {
			if c.p2 >= leastJudged && c.m != a.m && c.m != b.m && c.side() == a.side() && asksOrAllows(c) && p.pair(a, c).fact == x.fact {
				latest = false
				break
			}
		}
	}
	one := func(b bool) float64 { return pick(b, 1, 0) }
	slot := x.fact != "" && on
	change := b.s.Kind == statement.Change
	firm := !b.flagged(statement.Conditional)
	asked := a.s.Kind == statement.Instruction || a.s.Kind == statement.Change
	return []float64{1,
		one(slot && change), one(slot && !change && cued(b)), one(slot && !change && !cued(b)), one(x.fact != "" && !on), one(slot && !latest),
		one(slot && b.s.Kind == statement.Approval && a.s.Kind == statement.Terms && a.side() != b.side()),
		one(x.fact == statement.Money && slot && b.s.Kind != statement.Approval),
		one(x.turn), one(x.turn && change), one(change), one(change && x.fact == "" && !x.turn) * near, one(cued(b)),
		one(firm), one(asked), one(asked && a.side() == b.side() && change), one(a.s.Kind == statement.Terms), near, one(same), one(a.side() == b.side()), one(a.side() == Other || b.side() == Other),
		clipped(a.p2), clipped(b.p2), one(b.base == a), one(negative(a) != negative(b)) * near, one(x.fact == "" && agree(a, b)),
		math.Log1p(float64(b.m.index - a.m.index)), math.Max(a.lex, b.lex),
	}
}

// tied reports whether two statements are surely about one thing: a day alone is no tie.
func (p *pool) tied(a, b *item) bool {
	x := p.pair(a, b)
	return b.base == a || a.m.thread == b.m.thread || math.Max(x.similar, x.about) >= leastTied || x.fact == statement.Quantity || x.fact == statement.Money
}

// replaces reports whether b takes the place of a beyond doubt: it names another value
// for the same slot of the same thing, or takes away what a asks for, and speaks of
// what shall be.
func (p *pool) replaces(a, b *item) bool {
	if b.base == a {
		return true
	}
	x := p.pair(a, b)
	if b.flagged(statement.Hedged) || b.flagged(statement.Conditional) || a.s.Kind == statement.Dispute {
		return false
	}
	near := math.Max(x.alike, x.about)
	if near < 0.2 && !(a.m.thread == b.m.thread && near > 0) {
		return false
	}
	switch b.s.Kind {
	case statement.Change:
		return x.fact != "" || x.turn
	case statement.Instruction:
		return x.fact != "" && x.fact != statement.Money && a.side() == b.side() && asksOrAllows(a) && cued(b)
	case statement.Answer:
		return x.fact != "" && x.fact != statement.Money && a.side() == b.side() && asksOrAllows(a)
	case statement.Approval:
		return (x.fact == statement.Money || x.turn) && a.s.Kind == statement.Terms && a.side() != b.side()
	}
	return false
}

// passesOn reports whether b only repeats what somebody else said before it in a's
// place.
func (p *pool) passesOn(a, b *item, wide []*item) bool {
	x := p.pair(a, b)
	if x.fact == "" && agree(a, b) && !x.turn && b.base != a {
		return true // it says the same as a
	}
	if b.side() == Client || x.fact == "" {
		return false
	}
	for _, c := range wide {
		if c.index > a.index && c.index < b.index && c.side() == Client && agree(c, b) && p.pair(a, c).fact == x.fact {
			return true
		}
	}
	return false
}

// turns reports whether one of two statements takes away what the other asks for,
// by name: "not red", later "in red"; training included, later "without training".
func turns(a, b *item) bool {
	no, _ := a.denied()
	too, _ := b.denied()
	for t := range no {
		if too[t] && !weakWords[t] {
			return false // both take the same away
		}
	}
	return crosses(a, b) || crosses(b, a)
}

// crosses reports whether a names something with a denial that b names without one.
func crosses(a, b *item) bool {
	no, _ := a.denied()
	_, yes := b.denied()
	for t := range no {
		if yes[t] && !weakWords[t] {
			return true
		}
	}
	return false
}

// denied is deniedTerms, found once.
func (it *item) denied() (no, yes map[term]bool) {
	if it.no == nil {
		it.no, it.yes = deniedTerms(it)
	}
	return it.no, it.yes
}

// deniedTerms are the words of a statement that stand just behind a denial or a
// word for leaving out, and the others.
func deniedTerms(it *item) (no, yes map[term]bool) {
	no, yes = map[term]bool{}, map[term]bool{}
	ws := words(it.s.Quote)
	last := -10
	for i, w := range ws {
		switch {
		case denying[w] || strings.HasSuffix(w, "n't"):
			last = i
			continue
		case w == "out" && i > 0 && (ws[i-1] == "leave" || ws[i-1] == "left" || ws[i-1] == "leaving"):
			last = i
			continue
		case w == "off" && i > 0 && ws[i-1] == "hold":
			last = i
			continue
		case w == "but":
			last = -10
		}
		if stopWords[w] || isNumber(w) {
			continue
		}
		if s := stem(w); i-last <= 4 {
			no[s] = true
		} else {
			yes[s] = true
		}
	}
	return no, yes
}

var denying = set(`not no never without cancel drop scrap skip omit minus except stop nothing none nor`)
