package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

// claimFeatures describes a dispute: whether what it says of the past is of a kind
// that earlier written words can speak against.
func (f *finder) claimFeatures(q *query, d *item) []float64 {
	claim, deny := claimOf(d), negative(d) || denies(d)
	s := d.folds()
	ever := strings.Contains(s, " never ") || strings.Contains(s, " nobody ") || strings.Contains(s, " no one ") || strings.Contains(s, " at no point ") || strings.Contains(s, " not once ")
	refuses := false
	for _, w := range []string{" won't ", " will not ", " not paying ", " not going to ", " want ", " taking ", " i shall ", " we shall ", " refuse ", " expect ", " demand "} {
		refuses = refuses || strings.Contains(s, w)
	}
	blames := false
	for _, w := range []string{" you must have ", " your mistake ", " your fault ", " your end ", " you put ", " you clicked ", " wrong ", " by accident ", " on you ", " you should "} {
		blames = blames || strings.Contains(s, w)
	}
	first, second := false, false
	for _, w := range strings.Fields(s) {
		switch w {
		case "i", "we", "my", "our", "i've", "i'd", "i'm", "we've":
			first = true
		case "you", "your", "you've", "you'd":
			second = true
		}
	}
	past := false
	for _, w := range strings.Fields(s) {
		past = past || w == "was" || w == "were" || w == "had" || w == "did" || len(w) > 4 && strings.HasSuffix(w, "ed")
	}
	top, rank, other := 0.0, 0.0, 0.0
	for _, it := range f.entries {
		if it.s.Kind == statement.Dispute && it != d {
			top = math.Max(top, it.p2)
			if it.p2 > d.p2 {
				rank++
			}
			if it.m == d.m {
				other++
			}
		}
	}
	likest, answered, kept := 0.0, 0.0, 0.0
	for _, b := range f.p.items[:d.index] {
		if b.m == d.m || b.p2 < leastPaired || b.s.Kind == statement.Dispute {
			continue
		}
		likest = math.Max(likest, f.p.alikeAbout(d, b)*pick(b.side() == d.side() && binds(b.s.Kind), 1, 0.6))
		quoted, dated := f.p.citedIn(d, b)
		answered = math.Max(answered, math.Max(quoted, dated))
		if typed(d, b) || f.p.deniesDeed(d, b) {
			kept = 1
		}
	}
	one := func(b bool) float64 { return pick(b, 1, 0) }
	return []float64{1, clipped(d.p2), d.p2 - top, math.Min(rank, 4), math.Min(other, 3),
		one(claim == ownWords && deny), one(claim == othersWords && deny), one(claim == ownWords && !deny), one(claim == othersWords && !deny), one(claim == "" && ever), one(claim == "" && !ever && deny), one(claim == "" && !deny),
		one(ever), one(refuses), one(refuses && claim == ""), one(blames), one(first), one(second), one(past), one(strings.HasSuffix(strings.TrimSpace(d.s.Quote), "?")),
		one(d.side() == Us), one(d.side() == Other), likest, answered, kept, one(q != nil && q.denial), d.lex, one(len(d.s.Facts) > 0),
	}
}
