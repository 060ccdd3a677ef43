package trail

import (
	"math"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// slots of the facts a statement carries.
func (it *item) slots() slot {
	var s slot
	for _, f := range it.s.Facts {
		switch f.Type {
		case statement.Date:
			s |= slotDate
		case statement.DateTime:
			s |= slotDate | slotTime
		case statement.Time:
			s |= slotTime
		case statement.Money:
			s |= slotMoney
		case statement.Quantity:
			s |= slotQuantity
		}
	}
	return s
}

// similar is the cosine of two statements' terms, weighted by rarity, with
// synonyms at half weight.
func (p *pool) similar(a, b *item) float64 {
	return p.cosine(a, b, func(term) bool { return true })
}

// alike is similar without the numbers and days: whether two statements speak of
// the same thing, whatever they say of it.
func (p *pool) alike(a, b *item) float64 {
	return p.cosine(a, b, func(t term) bool { return !strings.Contains(t, ":") })
}

func (p *pool) cosine(a, b *item, counts func(term) bool) float64 {
	var ab, aa, bb float64
	for _, t := range a.sorted {
		if !counts(t) {
			continue
		}
		w := p.idf(t)
		aa += w * w
		if b.terms[t] > 0 {
			ab += w * w
		} else if c, ok := synonymOf[t]; ok && b.syn[c] {
			ab += 0.5 * w * w
		}
	}
	for _, t := range b.sorted {
		if counts(t) {
			w := p.idf(t)
			bb += w * w
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

func sortedTerms(m map[term]float64) []term {
	ts := make([]term, 0, len(m))
	for t := range m {
		ts = append(ts, t)
	}
	sort.Strings(ts)
	return ts
}

// sharedFacts is 1 where two statements name a fact that few others do, less
// where it is a common one.
func (p *pool) sharedFacts(a, b *item) float64 {
	best := 0.0
	for _, fa := range a.s.Facts {
		for _, fb := range b.s.Facts {
			if !sameValue(fa, fb) {
				continue
			}
			ts := factTerms(fa)
			if len(ts) == 0 {
				continue
			}
			best = math.Max(best, math.Min(1, 3/float64(1+p.df[ts[0]])))
		}
	}
	return best
}

func sameValue(a, b statement.Fact) bool {
	if isDay(a.Type) && isDay(b.Type) {
		return len(a.Value) >= 10 && len(b.Value) >= 10 && a.Value[:10] == b.Value[:10]
	}
	return a.Type == b.Type && a.Value == b.Value
}

func isDay(t statement.FactType) bool { return t == statement.Date || t == statement.DateTime }

// pointsAt returns the earlier mails that a statement cites by their day: "on
// 2 March you wrote …".
func (p *pool) pointsAt(it *item) []*mail {
	if !it.pointed {
		it.points, it.pointed = p.findPoints(it), true
	}
	return it.points
}

func (p *pool) findPoints(it *item) []*mail {
	switch it.s.Kind {
	case statement.Confirmation, statement.Dispute, statement.Answer, statement.Assurance:
	default:
		return nil
	}
	var out []*mail
	for _, f := range it.s.Facts {
		if !isDay(f.Type) || len(f.Value) < 10 {
			continue
		}
		d, err := time.ParseInLocation("2006-01-02", f.Value[:10], it.m.Date.Location())
		if err != nil || !d.Before(it.m.Date.Add(-24*time.Hour)) && !strings.Contains(f.Text, "yesterday") {
			continue
		}
		for _, m := range p.mails[:it.m.index] {
			if m.Date.In(d.Location()).Format("2006-01-02") == f.Value[:10] && len(m.items) > 0 && p.shareParty(it.m, m) {
				out = append(out, m)
			}
		}
	}
	return out
}
