package trail

import (
	"hash/maphash"
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
func (p *pool) similar(a, b *item) float64 { return p.cosine(a, b, false) }

// alike is similar without the numbers and days: whether two statements speak of
// the same thing, whatever they say of it.
func (p *pool) alike(a, b *item) float64 { return p.cosine(a, b, true) }

func (p *pool) cosine(a, b *item, plain bool) float64 {
	x, y := p.measure(a), p.measure(b)
	aa, bb := x.all, y.all
	if plain {
		aa, bb = x.plain, y.plain
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	ab := 0.0
	if x.sieve&y.sieve|x.classes&y.classes != 0 {
		for i := range x.terms {
			t := &x.terms[i]
			if plain && !t.plain {
				continue
			}
			if t.bit&y.sieve != 0 && b.terms[t.term] > 0 {
				ab += t.rarity * t.rarity
			} else if t.classBit&y.classes != 0 && b.syn[t.class] {
				ab += 0.5 * t.rarity * t.rarity
			}
		}
	}
	return ab / math.Sqrt(aa*bb)
}

// measured is what comparing needs of a bag of terms. Most have no term in common:
// the sieves, in which each term is one bit of 64, tell that at once.
type measured struct {
	counts         int    // of the pool, when it was measured
	terms          []mark // in order
	sieve, classes uint64
	all, plain     float64 // sums of the squares of the rarities, of the words alone
}

type mark struct {
	term, class   term // class of synonyms, "" without
	rarity        float64
	bit, classBit uint64
	plain         bool // a word, neither number nor day
}

var sieveSeed = maphash.MakeSeed()

func sieveBit(t term) uint64 { return 1 << (maphash.String(sieveSeed, t) & 63) }

// marked is a term as it is compared.
func (p *pool) marked(t term) mark {
	m := mark{term: t, rarity: p.idf(t), bit: sieveBit(t), plain: !strings.Contains(t, ":")}
	if c, ok := synonymOf[t]; ok {
		m.class, m.classBit = c, sieveBit(c)
	}
	return m
}

func (p *pool) measure(it *item) *measured {
	m := &it.measured
	if m.counts == p.counts {
		return m
	}
	*m = measured{counts: p.counts, terms: make([]mark, len(it.sorted))}
	for i, t := range it.sorted {
		x := p.marked(t)
		m.terms[i] = x
		m.sieve |= x.bit
		m.classes |= x.classBit
		m.all += x.rarity * x.rarity
		if x.plain {
			m.plain += x.rarity * x.rarity
		}
	}
	return m
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
	if b := it.before(); b != nil && it.firstDay() == nil {
		return p.pointsAt(b)
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
