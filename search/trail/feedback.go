package trail

import (
	"math"
	"sort"
)

// What is relevant is told in words that the question need not have: a statement
// is likelier the more it shares with those that are likely, and with none that
// are not. Priors are smoothed over what statements share, by kernel ridge
// regression: of two with the same words and ties, neither is far from the other.

const (
	taught      = 150  // statements that teach, the likeliest: all of most pools
	middling    = -1.5 // logit of a statement that shares nothing with any of them
	distrust    = 2.0  // of a prior, beside what its neighbours say
	tieShare    = 0.5  // what a tie counts beside the same words
	lightWeight = 8.0  // of words, above which a statement does not lean on what it answers
)

// mass is how much a statement says in words of its own, by their rarity.
func (p *pool) mass(it *item) float64 {
	sum := 0.0
	for _, t := range p.measure(it).terms {
		sum += t.rarity
	}
	return sum
}

// profile is a statement's terms by rarity and, the less it says itself, those of what
// it answers; of length 1.
type profile struct {
	terms []term
	w     map[term]float64
}

func (p *pool) profile(it *item) profile {
	b := profile{w: make(map[term]float64, len(it.sorted))}
	put := func(of *item, share float64) {
		for _, t := range p.measure(of).terms {
			if b.w[t.term] == 0 {
				b.terms = append(b.terms, t.term)
			}
			b.w[t.term] += float64(share * t.rarity)
		}
	}
	put(it, 1)
	if a := p.answersTo(it); a != nil {
		put(a, 1/(1+p.mass(it)/lightWeight))
		sort.Strings(b.terms)
	}
	norm := 0.0
	for _, t := range b.terms {
		norm += float64(b.w[t] * b.w[t])
	}
	norm = math.Sqrt(norm)
	for _, t := range b.terms {
		b.w[t] /= norm
	}
	return b
}

func (b profile) dot(w map[term]float64) float64 {
	sum := 0.0
	for _, t := range b.terms {
		sum += float64(b.w[t] * w[t])
	}
	return sum
}

// smooth returns the logits of all items' priors after what each shares with the
// likeliest: words, and the ties given as pairs of items with their strength.
func (p *pool) smooth(ties map[[2]int]float64) []float64 {
	top := append([]*item(nil), p.items...)
	sort.SliceStable(top, func(i, j int) bool { return top[i].prior > top[j].prior })
	top = top[:min(taught, len(top))]
	profiles := make([]profile, len(p.items))
	for i, it := range p.items {
		profiles[i] = p.profile(it)
	}
	shared := func(a, b int, words float64) float64 {
		if a == b {
			return 1
		}
		return (words + float64(tieShare*ties[[2]int{min(a, b), max(a, b)}])) / (1 + tieShare)
	}
	n := len(top)
	m := make([][]float64, n)
	for i, a := range top {
		m[i] = make([]float64, n+1)
		m[i][n] = logit(a.prior) - middling
	}
	for i, a := range top {
		for j, b := range top[:i+1] {
			s := shared(a.index, b.index, profiles[a.index].dot(profiles[b.index].w))
			m[i][j], m[j][i] = s, s
		}
		m[i][i] += distrust
	}
	say := solve(m)
	words := map[term]float64{}
	for i, a := range top {
		for _, t := range profiles[a.index].terms {
			words[t] += float64(say[i] * profiles[a.index].w[t])
		}
	}
	out := make([]float64, len(p.items))
	for i := range p.items {
		out[i] = middling + profiles[i].dot(words)/(1+tieShare)
	}
	for i, a := range top {
		own := 1 - profiles[a.index].dot(profiles[a.index].w)/(1+tieShare) // shared counts a statement with itself as 1
		out[a.index] += float64(say[i] * own)
	}
	of := make([]int, len(p.items))
	for i, a := range top {
		of[a.index] = i + 1
	}
	pairs := make([][2]int, 0, len(ties))
	for k := range ties {
		pairs = append(pairs, k)
	}
	sort.Slice(pairs, func(i, j int) bool {
		return pairs[i][0] < pairs[j][0] || pairs[i][0] == pairs[j][0] && pairs[i][1] < pairs[j][1]
	})
	for _, k := range pairs {
		for _, d := range [][2]int{{k[0], k[1]}, {k[1], k[0]}} {
			if j := of[d[1]]; j > 0 && d[0] != d[1] {
				out[d[0]] += float64(say[j-1] * tieShare / (1 + tieShare) * ties[k])
			}
		}
	}
	return out
}

// solve solves the linear equations of a, whose last column is the right side, and
// overwrites a.
func solve(a [][]float64) []float64 {
	n := len(a)
	for i := range n {
		p := i
		for r := i; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		for r := i + 1; r < n; r++ {
			f := a[r][i] / a[i][i]
			if f == 0 {
				continue
			}
			for c := i; c <= n; c++ {
				a[r][c] -= float64(f * a[i][c])
			}
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = a[i][n]
		for c := i + 1; c < n; c++ {
			x[i] -= float64(a[i][c] * x[c])
		}
		x[i] /= a[i][i]
	}
	return x
}
