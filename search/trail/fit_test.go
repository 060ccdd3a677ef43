package trail

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"
)

// fit is logistic regression with a ridge, by Newton's method.
func fit(xs [][]float64, ys, ws []float64, ridge float64) []float64 {
	n := len(xs[0])
	w := make([]float64, n)
	var has []int
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
			has = has[:0]
			for i := range x {
				if x[i] != 0 {
					has = append(has, i)
				}
			}
			for _, i := range has {
				h[i][n] += g * x[i]
				for _, j := range has {
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

// fitted are the weights that a fit gives.
type fitted struct{ first, second, change, open []float64 }

func (w fitted) use() {
	firstWeights, secondWeights = w.first, w.second
	changeWeights, openWeights = w.change, w.open
}

// asked is one question over one case's mail with its labels, item by item.
type asked struct {
	c    *goldCase
	read bool
	p    *pool
	q    *query
	y, w []float64
}

func askAll(cases []*goldCase) (out []*asked) {
	for k := 0; k < 2*len(cases); k++ {
		c := cases[k%len(cases)]
		records := c.records
		if k >= len(cases) {
			records = c.read // the same questions over what the reader makes of the mail
		}
		for _, g := range c.Questions {
			p := newPool(records, c.people())
			x := &asked{c: c, read: k >= len(cases), p: p, q: understand(g.Ask, c.people(), p)}
			for _, it := range p.items {
				y, w := 0.0, 1.0
				if file := c.files[it.m.Ref]; c.has(g.Must, file, it.s.Quote) {
					y, w = 1, mustWeight
				} else if c.has(g.May, file, it.s.Quote) {
					y, w = 1, mayWeight
				}
				x.y, x.w = append(x.y, y), append(x.w, w)
			}
			out = append(out, x)
		}
	}
	return out
}

const (
	mustWeight  = 2.7 // beside 1 of what does not belong
	mayWeight   = 0.67
	firstRidge  = 40
	secondRidge = 30
	innerFolds  = 5
	judgeRidge  = 3
)

// train fits both models without one case. The second must not see priors that
// the first learnt by heart: those of a case come from a first model that was
// fitted without it.
func train(qs []*asked, cases []*goldCase, skip string) (first, second []float64) {
	fold := map[string]int{}
	for i, c := range cases {
		fold[c.ID] = i % innerFolds
	}
	one := func(leave int) []float64 {
		var xs [][]float64
		var ys, ws []float64
		zero := make([]float64, firstFeatures)
		for _, x := range qs {
			if x.c.ID == skip || fold[x.c.ID] == leave {
				continue
			}
			xs = append(xs, x.q.alone(x.p, zero)...)
			ys, ws = append(ys, x.y...), append(ws, x.w...)
		}
		return fit(xs, ys, ws, firstRidge)
	}
	first = one(-1)
	var xs [][]float64
	var ys, ws []float64
	zero := make([]float64, allFeatures)
	for k := 0; k < innerFolds; k++ {
		w := one(k)
		for _, x := range qs {
			if x.c.ID == skip || fold[x.c.ID] != k {
				continue
			}
			f := x.q.alone(x.p, w)
			x.p.advance()
			xs = append(xs, x.q.context(x.p, f, zero)...)
			ys, ws = append(ys, x.y...), append(ws, x.w...)
		}
	}
	return first, fit(xs, ys, ws, secondRidge)
}

// TestFit fits the weights of weights.go: INWRITING_FIT=1, or INWRITING_FIT=findings
// where those of relevance shall stay. INWRITING_FIT=loo only says how a case fares
// with weights fitted to the other cases, through the whole of Build.
func TestFit(t *testing.T) {
	mode := os.Getenv("INWRITING_FIT")
	if mode != "1" && mode != "findings" && mode != "loo" {
		t.Skip("set INWRITING_FIT=1 to fit the weights anew")
	}
	cases := loadGold(t)
	qs := askAll(cases)
	old := fitted{firstWeights, secondWeights, changeWeights, openWeights}
	without := map[string]fitted{}
	samples := map[string]*samples{}
	for _, c := range cases {
		w := old
		w.first, w.second = train(qs, cases, c.ID)
		w.use()
		without[c.ID], samples[c.ID] = w, sampleCase(c)
	}
	all := map[string]*score{"labelled": newScore(), "read": newScore()}
	for _, c := range cases {
		w := without[c.ID]
		w.judges(samples, cases, c.ID)
		w.use()
		for name, records := range map[string][]*Record{"labelled": c.records, "read": c.read} {
			src := newMemory(records)
			s := newScore()
			log := ""
			for _, g := range c.Questions {
				tr, err := Build(context.Background(), src, c.people(), g.Ask, Options{})
				if err != nil {
					t.Fatal(err)
				}
				log += s.add(c, g, tr)
			}
			if d := os.Getenv("INWRITING_DETAIL"); d == name || d == name+"/"+c.ID {
				fmt.Printf("%s %s %s\n%s", name, c.ID, s, log)
			}
			all[name].merge(s)
		}
	}
	for _, name := range []string{"labelled", "read"} {
		fmt.Printf("left out, %-9s %s\n%s", name, all[name], all[name].types())
	}
	old.use()
	if mode == "loo" {
		return
	}
	w := old
	if mode == "1" {
		w.first, w.second = train(qs, cases, "")
	}
	w.judges(samples, cases, "")
	w.use()
	writeWeights(t)
}

// sample is what a model that accepts or refuses learns from.
type sample struct {
	xs     [][]float64
	ys, ws []float64
}

func (s *sample) add(x []float64, y bool) {
	if x != nil {
		s.xs, s.ys, s.ws = append(s.xs, x), append(s.ys, pick(y, 1, 0)), append(s.ws, 1)
	}
}

func (s *sample) join(o *sample) {
	s.xs, s.ys, s.ws = append(s.xs, o.xs...), append(s.ys, o.ys...), append(s.ws, o.ws...)
}

// samples are what one case teaches, with the relevances of models that have not
// seen it.
type samples struct {
	change, open sample
}

func sampleCase(c *goldCase) *samples {
	out := &samples{}
	for k := 0; k < 2*len(c.Questions); k++ {
		g, records := c.Questions[k/2], c.records
		if k%2 == 1 {
			records = c.read
		}
		p := newPool(records, c.people())
		q := understand(g.Ask, c.people(), p)
		q.score(p)
		f := &finder{p: p, entries: q.pick(p)}
		is := func(it *item, r *goldRef) bool {
			return r != nil && c.files[it.m.Ref] == r.File && covers(it.s.Quote, r.Quote, false)
		}
		labelled := func(t FindingType, a, b *item) bool {
			for _, f := range g.Findings {
				if f.Type == string(t) && (a == nil || is(a, f.A)) && (b == nil || is(b, f.B)) {
					return true
				}
			}
			return false
		}
		for _, b := range p.items {
			if b.p2 < leastJudged {
				continue
			}
			if a := f.replacedBy(b, f.wide()); a != nil {
				out.change.add(p.changeFeatures(a, b), labelled(Changed, nil, b))
			}
			out.open.add(f.silenceFeatures(b), labelled(Unanswered, b, nil))
		}
	}
	return out
}

// judges fits the models of the findings on the samples of all cases but one.
func (w *fitted) judges(of map[string]*samples, cases []*goldCase, skip string) {
	var all samples
	for _, c := range cases {
		if s := of[c.ID]; c.ID != skip {
			all.change.join(&s.change)
			all.open.join(&s.open)
		}
	}
	w.open = fit(all.open.xs, all.open.ys, all.open.ws, judgeRidge)
	w.change = fit(all.change.xs, all.change.ys, all.change.ws, judgeRidge)
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
	}{{"firstWeights", firstWeights}, {"secondWeights", secondWeights},
		{"changeWeights", changeWeights}, {"openWeights", openWeights}} {
		fmt.Fprintf(f, "\nvar %s = []float64{\n", v.name)
		for _, x := range v.w {
			fmt.Fprintf(f, "\t%.3f,\n", x)
		}
		fmt.Fprint(f, "}\n")
	}
}
