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
	score float64 // the model's share for asking
	yes   bool
}

// asking are the kinds that answer the public sets' "yes".
var asking = []statement.Kind{statement.Instruction, statement.Question, statement.Change, statement.Commitment}

// scoreAsking adds held-out sentences, as the column of asking has them and as the
// kinds have them.
func scoreAsking(m *statement.Model, xs []publicSentence, asks, kinds *intent) {
	for _, x := range xs {
		s, a := m.Scores(x.features)
		top, sum, share := slices.Max(s[:]), 0.0, 0.0
		for k, v := range s {
			e := math.Exp(float64(v-top) / 1000)
			sum += e
			if slices.Contains(asking, statement.KindOrder()[k]) {
				share += e
			}
		}
		kinds.of = append(kinds.of, asked{share / sum, x.asks})
		asks.of = append(asks.of, asked{1 / (1 + math.Exp(-float64(a)/1000)), x.asks})
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
