package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

// A refuted dispute stands beside earlier words whose facts need not differ from its
// own ("I never ordered that" beside an order).

const (
	leastRelevant = 0.45 // findings rest on statements that surely bear on the question
	// That something stayed open is said of what the question is about.
	leastUnconfirmed    = 0.60
	leastUnacknowledged = 0.40
)

// weighs says how much earlier words weigh against a dispute: what is restated in
// answer to it first, then what is about the same and what the question is about.
// The figures are round ones; a model fitted to the labelled disputes chose worse
// on those it had not seen.
func (p *pool) weighs(d, b *item) float64 {
	c := d.claimOf()
	same := b.side() == d.side()
	s := 8*p.restatedTo(d, b) + 2*math.Max(p.alike(d, b), p.similar(d, b)) + 2*p.alikeAbout(d, b) + 1.5*clipped(b.p2)
	for _, x := range [...]struct {
		is     bool
		weight float64
	}{
		{same && binds(b.s.Kind), 1}, // its own binding words
		{same && !samePerson(d, b), -1},
		{b.side() == Other, -1},
		{kindIn(b.s.Kind, c.deeds), 0.5},
		{differs(d, b), 1},
		{c.deny && agree(d, b), 1}, // it denies what they say
		{typed(d, b), 3},           // facts alone set the two against each other
	} {
		if x.is {
			s += x.weight
		}
	}
	return s
}

// differs reports whether d names a value of a slot that b names others of.
func differs(d, b *item) bool {
	for _, f := range d.s.Facts {
		if f.Type == statement.Reference || f.Type == statement.Duration {
			continue
		}
		other, same := false, false
		for _, g := range b.s.Facts {
			if isDay(f.Type) && isDay(g.Type) || f.Type == g.Type && factUnit(f) == factUnit(g) {
				same = same || sameValue(f, g)
				other = true
			}
		}
		if other && !same {
			return true
		}
	}
	return false
}

// toldKinds are what a side tells the other with.
var toldKinds = []statement.Kind{statement.Caveat, statement.Terms, statement.Confirmation, statement.Answer, statement.Delivery, statement.Assurance, statement.Commitment, statement.Dispute}

// binds reports whether a kind of statement commits whoever makes it.
func binds(k statement.Kind) bool {
	switch k {
	case statement.Approval, statement.Instruction, statement.Change, statement.Answer, statement.Terms, statement.Commitment:
		return true
	}
	return false
}

// deeds are the verbs of claims about words, with the kinds that do what they say:
// "I never agreed" is about an approval, "nobody warned me" about a caveat.
var deeds = func() map[string][]statement.Kind {
	m := map[string][]statement.Kind{}
	for verbs, kinds := range map[string][]statement.Kind{
		"agree agreed accept accepted approve approved sign signed ok'd allow allowed authorise authorised": {statement.Approval, statement.Terms},
		"pick picked choose chose chosen select selected":                                                   {statement.Approval, statement.Answer, statement.Instruction},
		"order ordered ask asked request requested want wanted instruct instructed book booked":             {statement.Instruction, statement.Change, statement.Approval},
		"warn warned inform informed mention mentioned":                                                     {statement.Caveat, statement.Terms},
		"promise promised":  {statement.Commitment},
		"confirm confirmed": {statement.Confirmation, statement.Delivery},
	} {
		for _, v := range strings.Fields(verbs) {
			m[v] = kinds
		}
	}
	return m
}()

// typed reports whether the facts alone set a claim about one's own words against
// those words: it denies a value that its own side wrote, or claims another.
func typed(d, b *item) bool {
	if d.claimOf().whose != ownWords || b.side() != d.side() || !binds(b.s.Kind) || !samePerson(d, b) {
		return false
	}
	if negative(d) {
		return agree(d, b)
	}
	fact, _, _ := conflict(d, b)
	return fact != "" && !agree(d, b)
}

// deniesDeed reports whether somebody denies to have agreed, ordered or promised
// what the same person's earlier words of that kind are about.
func (p *pool) deniesDeed(d, b *item) bool {
	return negative(d) && d.claimOf().whose == ownWords && b.side() == d.side() && samePerson(d, b) && kindIn(b.s.Kind, d.claimOf().deeds) && math.Max(p.alike(d, b), p.similar(d, b)) >= 0.25
}

func pick(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

// opposed reports whether a dispute and earlier words can be against each other at
// all: they do not bear it out.
func (p *pool) opposed(d, b *item) bool {
	if p.bearsOut(d, b) {
		return false
	}
	c := d.claimOf()
	same := b.side() == d.side()
	switch c.whose {
	case "":
		if !c.deny && !c.blames && !(differs(d, b) && math.Max(p.alike(d, b), p.alikeAbout(d, b)) > 0.1) {
			return false // it says nothing that words could speak against
		}
	case ownWords: // one's own side's words, or the other's record of them
		if !(same && binds(b.s.Kind) || b.s.Kind == statement.Confirmation || !same && b.s.Kind == statement.Assurance) {
			return false
		}
	case othersWords: // the other side's words, or one's own that took note of them
		if !(!same && b.side() != Other && (b.s.Kind == statement.Question || kindIn(b.s.Kind, toldKinds)) || same && c.deny && (b.s.Kind == statement.Confirmation || b.s.Kind == statement.Approval)) {
			return false
		}
	}
	// "I never said the 15th" beside words that name the 14th: they bear it out.
	fact, _, _ := conflict(d, b)
	return !(c.deny && c.whose == ownWords && !agree(d, b) && (fact != "" || d.slots()&b.slots()&slotDate != 0))
}

func (it *item) flagged(flag string) bool {
	for _, f := range it.s.Flags {
		if f == flag {
			return true
		}
	}
	return false
}

// agree reports whether two statements name the same amount, day or number.
func agree(a, b *item) bool {
	for _, x := range a.s.Facts {
		for _, y := range b.s.Facts {
			if sameValue(x, y) {
				return true
			}
		}
	}
	return false
}

// samePerson reports whether two statements have one author, who may write from
// several addresses under one first name or its short form.
func samePerson(a, b *item) bool {
	if a.m.author == b.m.author {
		return true
	}
	x, y := firstName(a), firstName(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	return len(x) >= 3 && strings.HasPrefix(y, x)
}

func firstName(it *item) string {
	if len(it.m.From) == 0 {
		return ""
	}
	n := it.m.From[0].Name
	if _, given, ok := strings.Cut(n, ", "); ok {
		n = given
	}
	if f := words(n); len(f) > 0 {
		return f[0]
	}
	return ""
}
