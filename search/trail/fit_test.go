package trail

import (
	"fmt"
	"math"
	"os"
	"sort"
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
		c            *goldCase
		q            goldQuestion
		p            *pool
		qu           *query
		y, w, p1, p2 []float64
		must         []int // index of must label of item, -1 none
		n            int
	}
	var qs []*qcase
	for _, c := range cases {
		for _, q := range c.Questions {
			people := c.people()
			p := newPool(c.records, people)
			x := &qcase{c: c, q: q, p: p, qu: understand(q.Ask, people, p), n: len(q.Must)}
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
	zero1, zero2 := make([]float64, firstFeatures), make([]float64, allFeatures)
	train := func(skip string) ([]float64, []float64) {
		var xs [][]float64
		var ys, ws []float64
		for _, x := range qs {
			if x.c.ID == skip {
				continue
			}
			f, _ := x.qu.score(x.p, zero1, zero2)
			for i := range f {
				xs = append(xs, f[i][:firstFeatures])
			}
			ys, ws = append(ys, x.y...), append(ws, x.w...)
		}
		w1 := fit(xs, ys, ws, 3)
		xs = nil
		for _, x := range qs {
			if x.c.ID == skip {
				continue
			}
			_, f := x.qu.score(x.p, w1, zero2)
			xs = append(xs, f...)
		}
		return w1, fit(xs, ys, ws, 3)
	}
	// leave one case out
	for _, c := range cases {
		w1, w2 := train(c.ID)
		for _, x := range qs {
			if x.c == c {
				x.qu.score(x.p, w1, w2)
				x.p1, x.p2 = x.p1[:0], x.p2[:0]
				for _, it := range x.p.items {
					x.p1, x.p2 = append(x.p1, it.p1), append(x.p2, it.p2)
				}
			}
		}
	}
	for _, stage := range []string{"p1", "p2"} {
		for _, th := range []float64{0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6} {
			var rec, prec, size float64
			for _, x := range qs {
				hit, good, n := 0, 0, 0
				for i := range x.p.items {
					v := x.p1[i]
					if stage == "p2" {
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
				rec += float64(hit) / float64(x.n)
				if n > 0 {
					prec += float64(good) / float64(n)
				}
				size += float64(n)
			}
			k := float64(len(qs))
			fmt.Printf("%s th %.2f  recall of must %.3f  precision %.3f  size %.1f\n", stage, th, rec/k, prec/k, size/k)
		}
	}
	w1, w2 := train("")
	for i := range w2 {
		a := 0.0
		if i < len(w1) {
			a = w1[i]
		}
		fmt.Printf("%2d %7.3f %7.3f\n", i, a, w2[i])
	}
	if os.Getenv("INWRITING_FIT") == "worst" {
		sort.SliceStable(qs, func(i, j int) bool { return qs[i].c.ID < qs[j].c.ID })
		for _, x := range qs {
			fmt.Println("##", x.c.ID, x.q.Ask)
			for i, it := range x.p.items {
				if x.y[i] > 0 || x.p2[i] > 0.3 {
					fmt.Printf("   %v %.2f %.2f lex %.2f  %s | %s\n", x.y[i]*x.w[i], x.p1[i], x.p2[i], it.lex, it.s.Kind, it.s.Quote)
				}
			}
		}
	}
	writeWeights(t, w1, w2)
}

func writeWeights(t *testing.T, w1, w2 []float64) {
	f, err := os.Create("weights.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "package trail\n\n// Made by fit_test.go from labelled cases: INWRITING_FIT=1 go test -run TestFit.\n")
	for _, v := range []struct {
		name string
		w    []float64
	}{{"firstWeights", w1}, {"secondWeights", w2}} {
		fmt.Fprintf(f, "\nvar %s = []float64{\n", v.name)
		for _, x := range v.w {
			fmt.Fprintf(f, "\t%.3f,\n", x)
		}
		fmt.Fprint(f, "}\n")
	}
}
