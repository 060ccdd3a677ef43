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
	x, y := p.context(a), p.context(b)
	var ab, aa, bb float64
	for _, t := range sortedTerms(x) {
		if strings.Contains(t, ":") {
			continue
		}
		w := p.idf(t) * x[t]
		aa += w * w
		if v := y[t]; v > 0 {
			ab += w * p.idf(t) * v
		} else if c, ok := synonymOf[t]; ok {
			best := 0.0
			for _, o := range classTerms[c] {
				best = math.Max(best, y[o])
			}
			ab += 0.5 * w * p.idf(t) * best
		}
	}
	for _, t := range sortedTerms(y) {
		if !strings.Contains(t, ":") {
			w := p.idf(t) * y[t]
			bb += w * w
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return math.Min(1, ab/math.Sqrt(aa*bb))
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
	if it.folded == "" {
		it.folded = " " + strings.Join(words(it.s.Quote), " ") + " "
	}
	return it.folded
}

// clipped is the logit of a relevance, kept where the models have seen it.
func clipped(p float64) float64 { return math.Max(-1.5, math.Min(2.5, logit(p))) }
