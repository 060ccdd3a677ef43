package main

import (
	"math"
	"math/rand/v2"
	"sort"
	"sync"

	"inwriting/indexer/statement"
)

// train fits a model by gradient descent. The start is the hand weights of the
// rules, and what is learnt is pulled back towards it.
func train(xs []example, asks []publicSentence) *statement.Model {
	m, err := statement.ParseModel(trainFile(xs, asks))
	if err != nil {
		panic(err)
	}
	return m
}

// trainFile fits the column of asking first. What it says of the examples is then
// evidence for their kinds. It has seen none of them but the public sentences: of
// those, each part is told what a column says that was fitted on the others.
func trainFile(xs []example, asks []publicSentence) []byte {
	rows := map[uint32][statement.Columns]int8{}
	askingRows(rows, asks)
	all := tell(nil, rows, xs)
	for part := range askingParts {
		var in []publicSentence
		var out []example
		for _, x := range asks {
			if partOf(x.group, askingParts) != part {
				in = append(in, x)
			} else {
				out = append(out, x.kinds())
			}
		}
		r := map[uint32][statement.Columns]int8{}
		askingRows(r, in)
		all = tell(all, r, out)
	}
	kindRows(rows, all)
	return statement.AppendModel(nil, modelScale, rows)
}

// tell appends examples with what a column of asking says of them.
func tell(dst []example, rows map[uint32][statement.Columns]int8, xs []example) []example {
	m, err := statement.ParseModel(statement.AppendModel(nil, modelScale, rows))
	if err != nil {
		panic(err)
	}
	for _, x := range xs {
		_, a := m.Scores(x.features)
		x.features = x.features[:len(x.features):len(x.features)]
		x.sorts = x.sorts[:len(x.sorts):len(x.sorts)]
		for _, f := range statement.AskingFeatures(a) {
			x.features, x.sorts = append(x.features, f), append(x.sorts, statement.AskingFeature)
		}
		dst = append(dst, x)
	}
	return dst
}

// kinds is what the sentence teaches of the kinds: that it is one of those that
// ask, or one of the others.
func (p *publicSentence) kinds() example {
	x := p.example
	x.weight, x.partial = publicWeight, true
	for i, k := range statement.KindOrder() {
		asking := aside
		switch k {
		case statement.Instruction, statement.Question:
			asking = 1 - aside
		case statement.Change, statement.Commitment, statement.Confirmation:
			asking = 0.5 // "let's meet at two", "I'll call at two": either way
		}
		x.accept[i] = asking
		if !p.asks {
			x.accept[i] = 1 - asking
		}
	}
	return x
}

// featureTable numbers the features that may have a row.
type featureTable struct {
	hashes []uint32
	value  []float64 // how far each speaks
	of     [][]int   // by example: its features
}

// tabulate keeps the features that keep says yes to, of the examples that at gives.
func tabulate(n int, at func(int) *example, keep func(uint32) bool) *featureTable {
	t := &featureTable{of: make([][]int, n)}
	index := map[uint32]int{}
	value := map[uint32]float64{}
	for i := range n {
		x := at(i)
		for k, f := range x.features {
			if _, ok := value[f]; !ok && keep(f) {
				value[f] = reach[x.sorts[k]]
				t.hashes = append(t.hashes, f)
			}
		}
	}
	sort.Slice(t.hashes, func(i, j int) bool { return t.hashes[i] < t.hashes[j] })
	for i, h := range t.hashes {
		index[h] = i
		t.value = append(t.value, value[h])
	}
	for i := range n {
		seen := map[int]bool{}
		for _, f := range at(i).features {
			if k, ok := index[f]; ok && !seen[k] {
				seen[k] = true
				t.of[i] = append(t.of[i], k)
			}
		}
	}
	return t
}

// weightOf is a weight as a model has it.
func weightOf(w float64) int8 {
	return int8(max(-127, min(127, math.Round(w*1000/float64(modelScale)))))
}

// askingRows fits the last column: whether a sentence asks something. A lone
// sentence has no neighbours, so what stands beside it may not speak.
func askingRows(rows map[uint32][statement.Columns]int8, xs []publicSentence) {
	count := map[uint32]int{}
	for i := range xs {
		for k, f := range xs[i].features {
			if xs[i].sorts[k] != statement.NearFeature {
				count[f]++
			}
		}
	}
	t := tabulate(len(xs), func(i int) *example { return &xs[i].example }, func(f uint32) bool { return count[f] >= minAsking })
	sum := make([]float64, len(t.hashes))
	for seed := range orders {
		rng := rand.New(rand.NewPCG(uint64(seed+1), 3))
		w, grad := make([]float64, len(sum)), make([]float64, len(sum))
		for range askingEpochs {
			for _, i := range rng.Perm(len(xs)) {
				s := 0.0
				for _, f := range t.of[i] {
					s += w[f] * t.value[f]
				}
				miss := 1 / (1 + math.Exp(-s))
				if xs[i].asks {
					miss--
				}
				for _, f := range t.of[i] {
					d := miss*t.value[f] + w[f]/float64(len(xs))
					grad[f] += d * d
					w[f] -= rate * d / math.Sqrt(1+grad[f])
				}
			}
		}
		for f := range w {
			sum[f] += w[f] / float64(orders)
		}
	}
	for f, h := range t.hashes {
		if v := weightOf(sum[f] * t.value[f]); v != 0 {
			row := rows[h]
			row[statement.Columns-1] = v
			rows[h] = row
		}
	}
}

// kindRows fits the columns of the kinds.
func kindRows(rows map[uint32][statement.Columns]int8, xs []example) {
	groups := map[uint32]map[string]bool{}
	for i := range xs {
		for _, f := range xs[i].features {
			g := groups[f]
			if g == nil {
				g = map[string]bool{}
				groups[f] = g
			}
			if len(g) < minGroups {
				g[xs[i].group] = true
			}
		}
	}
	prior := statement.RuleFeatures()
	t := tabulate(len(xs), func(i int) *example { return &xs[i] }, func(f uint32) bool {
		_, rule := prior[f]
		return rule || len(groups[f]) >= minGroups
	})
	fit := newKindFit(xs, t, prior)
	// One pass over the examples in each of several orders: the mean of what they
	// come to hangs less on chance than any of them.
	runs := make([][][kinds]float64, orders)
	var wait sync.WaitGroup
	for n := range runs {
		wait.Go(func() { runs[n] = fit.run(uint64(n + 1)) })
	}
	wait.Wait()
	for i, h := range t.hashes {
		row, any := rows[h], false
		for k := range kinds {
			w := 0.0
			for _, run := range runs {
				w += run[i][k] / float64(orders)
			}
			if h == statement.Prior {
				w += shift[statement.KindOrder()[k]] / t.value[i]
			}
			row[k] = weightOf(w * t.value[i])
			any = any || row[k] != 0
		}
		if any {
			rows[h] = row
		}
	}
}

// kindFit is what all orders share.
type kindFit struct {
	xs    []example
	t     *featureTable
	start [][kinds]float64
	class [kinds]float64 // what an example of a kind weighs more for its rarity
	kept  []float64      // of a weight's distance from the start, by steps since it was last looked at
}

func newKindFit(xs []example, t *featureTable, prior map[uint32][2]int) *kindFit {
	f := &kindFit{xs: xs, t: t, start: make([][kinds]float64, len(t.hashes)), kept: make([]float64, len(xs)*epochs+1)}
	for i, h := range t.hashes {
		if p, ok := prior[h]; ok {
			f.start[i][p[0]] = rulePrior * float64(p[1]) / 100
		}
	}
	var mass [kinds]float64
	heavy := 0.0
	for i := range xs {
		if xs[i].partial {
			continue
		}
		k := xs[i].label()
		mass[k] += xs[i].weight
		heavy = max(heavy, mass[k])
	}
	for k := range f.class {
		f.class[k] = math.Pow(heavy/max(1, mass[k]), balance)
	}
	lambda := decay / float64(len(xs))
	f.kept[0] = 1
	for i := 1; i < len(f.kept); i++ {
		f.kept[i] = f.kept[i-1] * (1 - lambda)
	}
	return f
}

// miss is how far the weights are off for example i, by kind, and the most of it.
func (f *kindFit) miss(w [][kinds]float64, i int) (miss [kinds]float64, most float64) {
	x := &f.xs[i]
	var s [kinds]float64
	for _, k := range f.t.of[i] {
		for c := range s {
			s[c] += w[k][c] * f.t.value[k]
		}
	}
	top := s[0]
	for _, v := range s {
		top = max(top, v)
	}
	sum, good := 0.0, 0.0
	var p, right [kinds]float64
	for k := range s {
		p[k] = math.Exp(s[k] - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
		right[k] = p[k] * x.accept[k]
		good += right[k]
	}
	if good == 0 {
		return miss, 0
	}
	weight := x.weight
	if !x.partial {
		weight *= f.class[x.label()]
	}
	for k := range p {
		miss[k] = weight * (p[k] - right[k]/good)
		most = max(most, math.Abs(miss[k]))
	}
	return miss, most
}

// run fits the weights with the examples in the order of a seed.
func (f *kindFit) run(seed uint64) [][kinds]float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	w := make([][kinds]float64, len(f.start))
	copy(w, f.start)
	grad := make([][kinds]float64, len(w)) // sums of squares, for AdaGrad
	last := make([]int, len(w))            // the step at which the pull was last applied
	step := 0
	for range epochs {
		for _, i := range rng.Perm(len(f.xs)) {
			step++
			miss, most := f.miss(w, i)
			if most < negligible {
				continue // nothing to learn; the pull waits for the next time
			}
			for _, k := range f.t.of[i] {
				shrink := 0.0
				if f.t.hashes[k] != statement.Prior {
					shrink = 1 - f.kept[step-last[k]]
				}
				last[k] = step
				wk, gk, sk := &w[k], &grad[k], &f.start[k]
				for c := range miss {
					wk[c] -= shrink * (wk[c] - sk[c])
					if math.Abs(miss[c]) < negligible {
						continue
					}
					d := miss[c] * f.t.value[k]
					gk[c] += d * d
					wk[c] -= rate * d / math.Sqrt(1+gk[c])
				}
			}
		}
	}
	return w
}
