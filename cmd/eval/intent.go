package main

import (
	"math"
	"slices"
	"sort"

	"inwriting/indexer/statement"
)

// intent compares what a model makes of the public sentences with whether they
// ask, offer or arrange something, as their makers say.
type intent struct {
	of []asked
}

type asked struct {
	score float64 // the model's share for the kinds that ask or offer
	yes   bool
}

// asking are the kinds that answer the public sets' "yes".
var asking = []statement.Kind{statement.Instruction, statement.Question, statement.Change, statement.Commitment}

// score adds held-out sentences.
func (t *intent) score(m *statement.Model, xs []example) {
	for _, x := range xs {
		s := m.Scores(x.features)
		top, sum, ask := slices.Max(s[:]), 0.0, 0.0
		for k, v := range s {
			e := math.Exp(float64(v-top) / 1000)
			sum += e
			if slices.Contains(asking, statement.KindOrder()[k]) {
				ask += e
			}
		}
		t.of = append(t.of, asked{ask / sum, x.accept[kindNumber[statement.Instruction]] == 1})
	}
}

// f1 is that of "yes" where more than half speaks for it.
func (t *intent) f1() float64 {
	var p prf
	for _, a := range t.of {
		got := a.score > 0.5
		if got {
			p.returned++
		}
		if a.yes {
			p.labelled++
		}
		if got && a.yes {
			p.hit++
			p.found++
		}
	}
	return p.f1()
}

// auc is the chance that a "yes" scores above a "no".
func (t *intent) auc() float64 {
	s := append([]asked(nil), t.of...)
	sort.Slice(s, func(i, j int) bool { return s[i].score < s[j].score })
	yes, no, sum := 0.0, 0.0, 0.0
	for i := 0; i < len(s); {
		j, y := i, 0.0
		for ; j < len(s) && s[j].score == s[i].score; j++ {
			if s[j].yes {
				y++
			}
		}
		n := float64(j-i) - y
		sum += y * (no + n/2) // of equal scores, half
		yes, no, i = yes+y, no+n, j
	}
	return ratio(sum, yes*no)
}
