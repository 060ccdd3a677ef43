package trail

import "math"

// topics says of each term how much those bear on the question that use it.
type topics struct {
	sum, n map[term]float64
	mean   float64
}

func (p *pool) topics() *topics {
	t := &topics{sum: map[term]float64{}, n: map[term]float64{}}
	for _, it := range p.items {
		for _, x := range sortedTerms(it.terms) {
			t.sum[x] += it.prior
			t.n[x]++
		}
		t.mean += it.prior / float64(len(p.items))
	}
	return t
}

const topicPrior = 1.0 // how many statements of mean relevance a term starts with

// of is the mean bearing of a statement's terms as others use them, the greatest,
// and the share of its words that others use of other things.
func (t *topics) of(p *pool, it *item) (mean, most, foreign float64) {
	weight := 0.0
	for _, x := range sortedTerms(it.terms) {
		w := p.idf(x)
		b := (t.sum[x] - it.prior + topicPrior*t.mean) / (t.n[x] - 1 + topicPrior)
		mean += w * b
		weight += w
		most = math.Max(most, b)
		if t.n[x] > 1 && b < t.mean*0.7 {
			foreign += w
		}
	}
	if weight == 0 {
		return t.mean, t.mean, 0
	}
	return mean / weight, most, foreign / weight
}

// mail is the same of a mail's words as others use them.
func (t *topics) mail(p *pool, m *mail) float64 {
	own := map[term]float64{}
	count := map[term]float64{}
	for _, it := range m.items {
		for x := range it.terms {
			own[x] += it.prior
			count[x]++
		}
	}
	mean, weight := 0.0, 0.0
	for _, x := range sortedTerms(own) {
		w := p.idf(x)
		mean += w * (t.sum[x] - own[x] + topicPrior*t.mean) / (t.n[x] - count[x] + topicPrior)
		weight += w
	}
	if weight == 0 {
		return t.mean
	}
	return mean / weight
}
