package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

// Two findings set a pair of statements side by side whose facts need not differ
// in writing ("I never ordered that" beside an order). Which earlier statement a
// later one is about is decided by a linear model over what ties the two; the
// weights are in weights.go.

const (
	leastRelevant = 0.45 // findings rest on statements that surely bear on the question
	leastOpen     = 0.60 // that something stayed open is said of what the question is about
)

// refuteFeatures describes a dispute and earlier words that may speak against it.
func (p *pool) refuteFeatures(d, b *item) []float64 {
	same := b.side() == d.side()
	claim := claimOf(d)
	own := claim == ownWords
	// Words that bind their speaker weigh against the same speaker's denial;
	// words that inform weigh against "nobody told me".
	fit := 0.0
	switch b.s.Kind {
	case statement.Approval, statement.Change:
		fit = pick(same, 1, 0.1)
		if claim == othersWords && same {
			fit = 0.4
		}
	case statement.Instruction, statement.Commitment, statement.Answer:
		fit = pick(same, 0.7, 0.3)
		if claim == othersWords {
			fit = 0.3
		}
	case statement.Confirmation:
		fit = 0.5
	case statement.Caveat, statement.Terms:
		fit = pick(same, 0.2, 0.7)
		if own && same {
			fit = 0.5
		} else if own {
			fit = 0.2
		}
	case statement.Question:
		fit = pick(same, 0, 0.3)
	case statement.Delivery, statement.Assurance:
		fit = 0.2
	}
	about := 0.0
	switch {
	case own && same && !samePerson(d, b):
		fit *= 0.5 // "I never said" is about one's own words, not a colleague's
	case own && same, claim == othersWords && !same:
		about = 1
	case claim == "":
		about = 0.3
	}
	fact, _, _ := conflict(d, b)
	deny := negative(d) || denies(d)
	quoted, dated := p.citedIn(d, b)
	binding := same && binds(b.s.Kind)
	return []float64{1, logit(d.p2), logit(b.p2), math.Max(p.alike(d, b), p.similar(d, b)), fit, about, pick(fact != "", 1, 0), pick(claim != "", 1, 0), quoted, dated,
		pick(!deny && fact == "", 1, 0),  // it complains, and denies nothing
		pick(!deny && agree(d, b), 1, 0), // it claims what b says
		pick(strings.HasSuffix(strings.TrimSpace(d.s.Quote), "?"), 1, 0),
		pick(binding && deny && own, 1, 0), // its own binding words
		pick(claim == othersWords && !same && b.s.Kind != statement.Question, 1, 0),
		pick(b.side() == Other, 1, 0),
		pick(d.side() == Us, 1, 0),
		pick(deny && agree(d, b) && same, 1, 0), // it denies a value that its own side wrote
		pick(deedFits(d, b), 1, 0),
		pick(deedFits(d, b) && (own && same || claim == othersWords && !same), 1, 0),
		p.alikeAbout(d, b), pick(same && binds(b.s.Kind), 1, 0), pick(b.s.Kind == statement.Approval && same, 1, 0), pick(b.s.Kind == statement.Question, 1, 0),
		math.Log1p(float64(d.m.index - b.m.index)), pick(b.s.Kind == statement.Delivery && same, 1, 0), pick(b.s.Kind == statement.Confirmation && !same, 1, 0),
		pick(typed(d, b), 1, 0), pick(p.deniesDeed(d, b), 1, 0),
	}
}

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

func deedFits(d, b *item) bool {
	for _, w := range words(d.s.Quote) {
		if kindIn(b.s.Kind, deeds[w]) {
			return true
		}
	}
	return false
}

// typed reports whether the facts alone set a claim about one's own words against
// those words: it denies a value that its own side wrote, or claims another.
func typed(d, b *item) bool {
	if claimOf(d) != ownWords || b.side() != d.side() || !binds(b.s.Kind) || !samePerson(d, b) {
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
	return negative(d) && claimOf(d) == ownWords && b.side() == d.side() && samePerson(d, b) && deedFits(d, b) && math.Max(p.alike(d, b), p.similar(d, b)) >= 0.25
}

// denies reports whether a statement denies without a negative word.
func denies(d *item) bool {
	for _, w := range words(d.s.Quote) {
		switch w {
		case "nobody", "neither", "nor", "none", "cannot", "deny", "inadvertent", "error":
			return true
		}
	}
	return false
}

func pick(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

// citations are the statements that quote something or point at the day of a mail.
func (p *pool) citations() []*item {
	if !p.sought {
		p.sought = true
		for _, r := range p.items {
			if p.quotes(r) || len(p.pointsAt(r)) > 0 {
				p.citing = append(p.citing, r)
			}
		}
	}
	return p.citing
}

// citedIn looks among the other side's later words for a citation of b: whoever
// answers a dispute by citing words says that the two belong together.
func (p *pool) citedIn(d, b *item) (quoted, dated float64) {
	for _, r := range p.citations() {
		if r.index <= d.index || r.m == d.m || r.side() == d.side() {
			continue
		}
		w := 0.5
		if r.m.parent == d.m {
			w = 1
		}
		if p.quotedBy(r, []*item{b}) != nil {
			quoted = math.Max(quoted, w)
		}
		for _, m := range p.pointsAt(r) {
			if m == b.m {
				dated = math.Max(dated, w*(0.4+p.similar(r, b)))
			}
		}
	}
	return quoted, dated
}

// movesWords reports whether an instruction speaks of moving what was asked before.
func movesWords(b *item) bool {
	for _, w := range words(b.s.Quote) {
		switch w {
		case "move", "shift", "change", "switch", "swap", "postpone", "reschedule", "rebook", "instead", "rather":
			return true
		}
	}
	return false
}

// opposed reports whether a dispute and earlier words are against each other at
// all: it denies, or speaks of what was said, or names another value; whoever
// repeats a value without a denial agrees with it.
func (p *pool) opposed(d, b *item) bool {
	deny := negative(d) || denies(d)
	fact, _, _ := conflict(d, b)
	if !deny && fact == "" {
		if agree(d, b) {
			return false
		}
		quoted, dated := p.citedIn(d, b)
		return claimOf(d) != "" || quoted+dated > 0
	}
	// "I never said the 15th" beside words that name the 14th: they bear it out.
	return !(negative(d) && claimOf(d) == ownWords && !agree(d, b) && (fact != "" || d.slots()&b.slots()&slotDate != 0))
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
