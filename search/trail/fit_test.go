package trail

import (
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"testing"
)

// fit is logistic regression with a ridge, by Newton's method.
func fit(xs [][]float64, ys, ws []float64, ridge float64) []float64 {
	n := len(xs[0])
	w := make([]float64, n)
	for iter := 0; iter < 25; iter++ {
		h := make([][]float64, n)
		for i := range h {
			h[i] = make([]float64, n+1)
			h[i][i] = ridge
			h[i][n] = -ridge * w[i]
		}
		h[0][0] -= ridge * 0.99
		h[0][n] += ridge * 0.99 * w[0]
		for k, x := range xs {
			p := logistic(dot(x, w))
			g := ws[k] * (ys[k] - p)
			v := ws[k] * math.Max(p*(1-p), 1e-6)
			for i := range x {
				if x[i] == 0 {
					continue
				}
				h[i][n] += g * x[i]
				for j := range x {
					h[i][j] += v * x[i] * x[j]
				}
			}
		}
		step := solve(h)
		norm := 0.0
		for i := range w {
			w[i] += step[i]
			norm += step[i] * step[i]
		}
		if norm < 1e-12 {
			break
		}
	}
	return w
}

func solve(a [][]float64) []float64 {
	n := len(a)
	for i := 0; i < n; i++ {
		p := i
		for r := i; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		for r := i + 1; r < n; r++ {
			f := a[r][i] / a[i][i]
			for c := i; c <= n; c++ {
				a[r][c] -= f * a[i][c]
			}
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = a[i][n]
		for c := i + 1; c < n; c++ {
			x[i] -= a[i][c] * x[c]
		}
		x[i] /= a[i][i]
	}
	return x
}

// TestFit fits the weights of weights.go, leaving one case out at a time to say
// how they do on a case they have not seen. It runs on demand: INWRITING_FIT=1.
func TestFit(t *testing.T) {
	if os.Getenv("INWRITING_FIT") == "" {
		t.Skip("set INWRITING_FIT=1 to fit the weights anew")
	}
	cases := loadGold(t)
	type qcase struct {
		read         bool
		c            *goldCase
		q            goldQuestion
		p            *pool
		qu           *query
		y, w, p1, p2 []float64
		must         []int // index of must label of item, -1 none
		n            int
	}
	var qs []*qcase
	for k := 0; k < 2*len(cases); k++ {
		c := cases[k%len(cases)]
		records := c.records
		if k >= len(cases) {
			records = c.read // the same questions over what the reader makes of the mail
		}
		for _, q := range c.Questions {
			people := c.people()
			p := newPool(records, people)
			x := &qcase{c: c, read: k >= len(cases), q: q, p: p, qu: understand(q.Ask, people, p), n: len(q.Must)}
			for _, it := range p.items {
				y, w := 0.0, 1.0
				file := c.files[it.m.Ref]
				if c.has(q.Must, file, it.s.Quote) {
					y, w = 1, 2
					x.must = append(x.must, 1)
				} else {
					x.must = append(x.must, 0)
					if c.has(q.May, file, it.s.Quote) {
						y = 1
					}
				}
				x.y, x.w = append(x.y, y), append(x.w, w)
			}
			qs = append(qs, x)
		}
	}
	zero := make([]float64, allFeatures)
	train := func(skip string) (ws [2][]float64) {
		for stage := range ws {
			var xs [][]float64
			var ys, weights []float64
			for _, x := range qs {
				if x.c.ID == skip {
					continue
				}
				f := x.qu.alone(x.p, zero)
				if stage > 0 {
					f = x.qu.alone(x.p, ws[0])
					for _, w := range append(append([][]float64(nil), ws[1:stage]...), zero) {
						x.p.advance()
						f = x.qu.context(x.p, f, w)
					}
				}
				for i := range f {
					if stage == 0 {
						f[i] = f[i][:firstFeatures]
					}
					xs = append(xs, f[i])
				}
				ys, weights = append(ys, x.y...), append(weights, x.w...)
			}
			ws[stage] = fit(xs, ys, weights, 3)
		}
		return ws
	}
	// leave one case out
	for _, c := range cases {
		ws := train(c.ID)
		for _, x := range qs {
			if x.c != c {
				continue
			}
			keep := func(to *[]float64) {
				*to = (*to)[:0]
				for _, it := range x.p.items {
					*to = append(*to, it.p2)
				}
			}
			f := x.qu.alone(x.p, ws[0])
			keep(&x.p1)
			x.p.advance()
			x.qu.context(x.p, f, ws[1])
			keep(&x.p2)
		}
	}
	for _, stage := range []string{"p1", "p2", "read p1", "read p2"} {
		for _, th := range []float64{0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6} {
			var rec, prec, size, k float64
			for _, x := range qs {
				if x.read != strings.HasPrefix(stage, "read") {
					continue
				}
				k++
				hit, good, n := 0, 0, 0
				for i := range x.p.items {
					v := x.p1[i]
					if strings.HasSuffix(stage, "p2") {
						v = x.p2[i]
					}
					if v >= th {
						n++
						if x.y[i] > 0 {
							good++
						}
						if x.must[i] > 0 {
							hit++
						}
					}
				}
				rec += math.Min(1, float64(hit)/float64(x.n))
				if n > 0 {
					prec += float64(good) / float64(n)
				}
				size += float64(n)
			}
			fmt.Printf("%s th %.2f  recall of must %.3f  precision %.3f  size %.1f\n", stage, th, rec/k, prec/k, size/k)
		}
	}
	ws := train("")
	firstWeights, secondWeights = ws[0], ws[1]
	if os.Getenv("INWRITING_FIT") == "worst" {
		sort.SliceStable(qs, func(i, j int) bool { return qs[i].c.ID < qs[j].c.ID })
		for _, x := range qs {
			fmt.Println("##", x.read, x.c.ID, x.q.Ask)
			for i, it := range x.p.items {
				if x.y[i] > 0 || x.p2[i] > 0.02 {
					fmt.Printf("   %v %.2f %.2f lex %.2f  %s | %s\n", x.y[i]*x.w[i], x.p1[i], x.p2[i], it.lex, it.s.Kind, it.s.Quote)
				}
			}
		}
	}
	refuteWeights = fitPairs(t, cases)
	writeWeights(t)
}

// fitPairs fits the pair model, reporting how it does on cases left out.
func fitPairs(t *testing.T, cases []*goldCase) []float64 {
	type pair struct {
		c   string
		key string // question and later statement
		x   []float64
		y   float64
	}
	var rs []pair
	for _, c := range cases {
		for qi, g := range c.Questions {
			people := c.people()
			p := newPool(c.records, people)
			q := understand(g.Ask, people, p)
			q.score(p)
			is := func(it *item, r *goldRef) bool {
				return r != nil && c.files[it.m.Ref] == r.File && covers(it.s.Quote, r.Quote, false)
			}
			labelled := func(typ string, a, b *item) float64 {
				for _, f := range g.Findings {
					if f.Type == typ && is(a, f.A) && is(b, f.B) {
						return 1
					}
				}
				return 0
			}
			for i, d := range p.items {
				if d.p2 < 0.35 {
					continue
				}
				for _, b := range p.items[:i] {
					if b.p2 < 0.35 || b.m == d.m {
						continue
					}
					key := fmt.Sprint(c.ID, qi, i)
					if d.s.Kind == "dispute" && b.s.Kind != "dispute" {
						rs = append(rs, pair{c.ID, key, p.refuteFeatures(d, b), labelled("refuted", d, b)})
					}
				}
			}
		}
	}
	run := func(name string, ps []pair) []float64 {
		train := func(skip string) []float64 {
			var xs [][]float64
			var ys, ws []float64
			for _, p := range ps {
				if p.c != skip {
					xs, ys, ws = append(xs, p.x), append(ys, p.y), append(ws, 1)
				}
			}
			return fit(xs, ys, ws, 2)
		}
		best := map[string]float64{}
		right := map[string]float64{}
		pos := 0.0
		for _, c := range cases {
			w := train(c.ID)
			for _, p := range ps {
				if p.c == c.ID {
					pos += p.y
					if s := logistic(dot(p.x, w)); s > best[p.key] {
						best[p.key], right[p.key] = s, p.y
					}
				}
			}
		}
		for _, th := range []float64{0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5} {
			n, ok := 0.0, 0.0
			for k, s := range best {
				if s >= th {
					n++
					ok += right[k]
				}
			}
			fmt.Printf("%s th %.2f right %2.0f found %2.0f reachable %2.0f\n", name, th, ok, n, pos)
		}
		return train("")
	}
	return run("refuted", rs)
}

func writeWeights(t *testing.T) {
	f, err := os.Create("weights.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "package trail\n\n// Made by fit_test.go from labelled cases: INWRITING_FIT=1 go test -run TestFit.\n")
	for _, v := range []struct {
		name string
		w    []float64
	}{{"firstWeights", firstWeights}, {"secondWeights", secondWeights}, {"refuteWeights", refuteWeights}} {
		fmt.Fprintf(f, "\nvar %s = []float64{\n", v.name)
		for _, x := range v.w {
			fmt.Fprintf(f, "\t%.3f,\n", x)
		}
		fmt.Fprint(f, "}\n")
	}
}
