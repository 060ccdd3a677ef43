package trail

import (
	"math"
	"sort"
	"strings"

	"inwriting/indexer/statement"
)

// What a statement is about is often said elsewhere: "Yes, all of them." is about
// what the question before it asks, "Shall I?" about the sentence before it.

// context gives the terms of a statement with those of the statements that it
// answers or leans on, at a lesser weight.
func (p *pool) context(it *item) map[term]float64 {
	if it.about != nil {
		return it.about
	}
	about := map[term]float64{}
	put := func(ts map[term]float64, w float64) {
		for t := range ts {
			about[t] = math.Max(about[t], w)
		}
	}
	put(it.terms, 1)
	if it.short() {
		put(it.m.subject, 0.3)
		if it.pos > 0 {
			put(it.m.items[it.pos-1].terms, 0.4)
		}
	}
	if a := p.answersTo(it); a != nil {
		put(a.terms, 0.6)
		if a.short() && a.pos > 0 {
			put(a.m.items[a.pos-1].terms, 0.5) // "… for €60. Shall I?"
		}
	}
	it.about = about
	return about
}

// answersTo is the statement of the mail before that a reply most likely answers:
// the likest of those that ask, offer or tell, else the last of them.
func (p *pool) answersTo(it *item) *item {
	switch it.s.Kind {
	case statement.Approval, statement.Answer, statement.Confirmation, statement.Change, statement.Instruction:
	default:
		return nil
	}
	if it.m.parent == nil || it.m.parent.role == it.m.role && it.m.role != Other {
		return nil
	}
	var best *item
	score := 0.0
	for _, c := range it.m.parent.items {
		s := 0.0
		switch c.s.Kind {
		case statement.Question:
			s = 0.3
		case statement.Terms, statement.Caveat, statement.Delivery:
			s = 0.2
		case statement.Instruction, statement.Change, statement.Commitment:
			s = 0.1
		default:
			continue
		}
		s += p.alike(it, c) + 0.01*float64(c.pos)
		if s > score {
			best, score = c, s
		}
	}
	return best
}

// alikeAbout is alike with what the two statements are about.
func (p *pool) alikeAbout(a, b *item) float64 {
	x, y := p.measureAbout(a), p.measureAbout(b)
	if x.all == 0 || y.all == 0 {
		return 0
	}
	ab := 0.0
	if x.sieve&y.sieve|x.classes&y.classes != 0 {
		for i := range x.terms {
			t := &x.terms[i]
			w := t.rarity * a.about[t.term]
			if v := y.sieve & t.bit; v != 0 && b.about[t.term] > 0 {
				ab += w * t.rarity * b.about[t.term]
			} else if y.classes&t.classBit != 0 {
				best := 0.0
				for _, o := range classTerms[t.class] {
					best = math.Max(best, b.about[o])
				}
				ab += 0.5 * w * t.rarity * best
			}
		}
	}
	return math.Min(1, ab/math.Sqrt(x.all*y.all))
}

// measureAbout measures the words of what a statement is about, at their weights.
func (p *pool) measureAbout(it *item) *measured {
	about := p.context(it)
	m := &it.aboutMarks
	if m.counts == p.counts {
		return m
	}
	*m = measured{counts: p.counts, terms: make([]mark, 0, len(about))}
	for _, t := range sortedTerms(about) {
		x := p.marked(t)
		if !x.plain {
			continue
		}
		m.terms = append(m.terms, x)
		m.sieve |= x.bit
		m.classes |= x.classBit
		w := x.rarity * about[t]
		m.all += w * w
	}
	return m
}

// classTerms lists the stems of a synonym class.
var classTerms = func() map[string][]term {
	m := map[string][]term{}
	for t, c := range synonymOf {
		m[c] = append(m[c], t)
	}
	for _, ts := range m {
		sort.Strings(ts)
	}
	return m
}()

// cues of a change, in the words of whoever makes it.
var changeCues = []string{"instead", "rather than", "forget", "hold off", "scrap", "cancel", "no longer", "any more", "anymore", "after all", "make it", "make that", "change", "changed", "move", "moved", "shift", "switch", "swap",
	"postpone", "reschedule", "rebook", "bring forward", "put back", "final", "leave out", "drop", "without", "updated", "new date", "new time", "now", "as well", "not any", "wait", "stop", "go back", "on second thoughts", "withdraw",
	"replace", "increase", "reduce", "decided", "of course", "taking off", "off the invoice", "actually", "correction", "meant"}

func cued(it *item) bool {
	if it.cue == 0 {
		it.cue = -1
		if findCue(it) {
			it.cue = 1
		}
	}
	return it.cue > 0
}

func findCue(it *item) bool {
	s := it.folds()
	for _, c := range changeCues {
		if strings.Contains(s, " "+c+" ") {
			return true
		}
	}
	return false
}

// folds is a statement's words between spaces.
func (it *item) folds() string {
	if it.bag.folded == "" {
		it.bag.folded = " " + strings.Join(it.bag.words, " ") + " "
	}
	return it.bag.folded
}

// clipped is the logit of a relevance, kept where the models have seen it.
func clipped(p float64) float64 { return math.Max(-1.5, math.Min(2.5, logit(p))) }
