package main

import (
	"fmt"
	"io"
	"strings"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// prf counts right answers, returned ones and labelled ones.
type prf struct {
	hit      float64 // right, counted on the returned side
	returned float64
	found    float64 // right, counted on the labelled side
	labelled float64
}

func (p *prf) add(q prf) {
	p.hit += q.hit
	p.returned += q.returned
	p.found += q.found
	p.labelled += q.labelled
}

func (p prf) precision() float64 { return ratio(p.hit, p.returned) }
func (p prf) recall() float64    { return ratio(p.found, p.labelled) }
func (p prf) f1() float64 {
	a, b := p.precision(), p.recall()
	if a+b == 0 {
		return 0
	}
	return 2 * a * b / (a + b)
}

// above adds up the statements of at least this confidence, in hundredths.
func (r *result) above(hundredths int) (p prf) {
	for i := hundredths; i < len(r.sure); i++ {
		p.add(r.sure[i])
	}
	return p
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// result is what one case, or a set of them, scores.
type result struct {
	all     prf
	kinds   map[statement.Kind]*prf
	confuse map[[2]statement.Kind]int // label, returned
	speaker prf
	facts   map[string]*prf
	factAll prf
	missing int // labels whose words are not in the text as parsed
	missed  map[statement.Kind]int
	false_  map[statement.Kind]int // returned on a none sentence
	span    prf                    // a statement of any kind where one is labelled
	said    prf                    // statement or not: the kind does not count
	sure    [101]prf               // by confidence in hundredths: right kind of those returned
}

func newResult() *result {
	return &result{kinds: map[statement.Kind]*prf{}, confuse: map[[2]statement.Kind]int{}, facts: map[string]*prf{},
		missed: map[statement.Kind]int{}, false_: map[statement.Kind]int{}}
}

func (r *result) kind(k statement.Kind) *prf {
	p := r.kinds[k]
	if p == nil {
		p = &prf{}
		r.kinds[k] = p
	}
	return p
}

func (r *result) fact(t string) *prf {
	p := r.facts[t]
	if p == nil {
		p = &prf{}
		r.facts[t] = p
	}
	return p
}

func (r *result) add(o *result) {
	r.all.add(o.all)
	r.span.add(o.span)
	r.said.add(o.said)
	for i := range o.sure {
		r.sure[i].add(o.sure[i])
	}
	r.speaker.add(o.speaker)
	r.factAll.add(o.factAll)
	r.missing += o.missing
	for k, p := range o.kinds {
		r.kind(k).add(*p)
	}
	for t, p := range o.facts {
		r.fact(t).add(*p)
	}
	for k, n := range o.confuse {
		r.confuse[k] += n
	}
	for k, n := range o.missed {
		r.missed[k] += n
	}
	for k, n := range o.false_ {
		r.false_[k] += n
	}
}

// scored is one label with its place in the mail.
type scored struct {
	*Label
	at      [2]int
	none    bool
	matched bool
	right   bool
}

// scoreMail scores one mail's reading against its labels. Where strictNone is
// false a label that may as well be none is not missed when nothing came.
func scoreMail(res *result, ml *mail, got []statement.Statement, labels []*Label, ordinary []*Label, optionalNone bool, verbose io.Writer, name string) {
	taken := map[[2]int]bool{}
	place := func(l *Label, none bool) *scored {
		places := ml.flat.find(l.Quote)
		if len(places) == 0 {
			res.missing++
			if verbose != nil {
				fmt.Fprintf(verbose, "%s  absent    %q\n", name, l.Quote)
			}
			return nil
		}
		at := places[0]
		for _, p := range places {
			if !taken[p] && ml.isNew(p) {
				at = p
				break
			}
		}
		taken[at] = true
		return &scored{Label: l, at: at, none: none}
	}
	var ls []*scored
	for _, l := range labels {
		if s := place(l, false); s != nil {
			ls = append(ls, s)
		} else {
			res.all.labelled++
			res.said.labelled++
			res.kind(l.Kind).labelled++
		}
	}
	for _, l := range ordinary {
		if s := place(l, true); s != nil {
			ls = append(ls, s)
		}
	}
	var factsGot []statement.Fact
	for i := range got {
		g := &got[i]
		at := [2]int{ml.flat.at[g.Start], ml.flat.at[g.End]}
		counted, right, real := false, false, false
		var wrongOf *scored
		for _, s := range ls {
			if !matches(at, s.at) {
				continue
			}
			counted = true
			s.matched = true
			if !s.none {
				real = true
			}
			if s.accepts(g.Kind) {
				right = true
				s.right = true
			} else {
				wrongOf = s
			}
		}
		if real {
			factsGot = append(factsGot, g.Facts...)
		}
		if !counted {
			if verbose != nil {
				fmt.Fprintf(verbose, "%s  unlabelled %-12s %q\n", name, g.Kind, squash(g.Quote))
			}
			continue
		}
		res.all.returned++
		res.kind(g.Kind).returned++
		res.said.returned++
		if real {
			res.said.hit++
		}
		sure := &res.sure[int(g.Confidence*100+0.5)]
		sure.returned++
		if right {
			sure.hit++
			res.all.hit++
			res.kind(g.Kind).hit++
			continue
		}
		if wrongOf != nil {
			want := wrongOf.Kind
			if wrongOf.none {
				want = statement.None
				res.false_[g.Kind]++
			}
			res.confuse[[2]statement.Kind{want, g.Kind}]++
			if verbose != nil {
				fmt.Fprintf(verbose, "%s  wrong     want %-12s got %-12s %.2f %q %v\n", name, want, g.Kind, g.Confidence, squash(g.Quote), why(g))
			}
		}
	}
	var want []LabelFact
	for _, s := range ls {
		if s.none {
			continue
		}
		optional := optionalNone && s.accepts(statement.None)
		if s.matched {
			want = append(want, s.Facts...)
			res.span.found++
			res.said.found++
		}
		res.span.labelled++
		if s.right {
			res.all.found++
			res.kind(s.Kind).found++
		} else if optional && !s.matched {
			continue
		}
		res.all.labelled++
		res.said.labelled++
		res.kind(s.Kind).labelled++
		if !s.matched {
			res.missed[s.Kind]++
			if verbose != nil {
				fmt.Fprintf(verbose, "%s  missed    want %-12s %q\n", name, s.Kind, squash(s.Quote))
			}
		}
	}
	scoreFacts(res, factsGot, want, optionalNone, verbose, name)
}

func why(g *statement.Statement) string {
	s := ""
	for i, w := range g.Why {
		if i == 3 {
			break
		}
		s += fmt.Sprintf(" %s:%.2f", w.Rule, w.Weight)
	}
	return s
}

// isNew reports whether a place in the flat text lies in the author's own words.
func (ml *mail) isNew(at [2]int) bool {
	for _, z := range ml.m.Zones {
		if z.Kind == "new" && ml.flat.at[z.Start] <= at[0] && at[1] <= ml.flat.at[z.End] {
			return true
		}
	}
	return false
}

// scoreFacts compares two bags of facts. Times without a day are labelled nowhere
// and are left out; so are percentages in the gold cases, where they are not
// labelled either (real mail labels them).
func scoreFacts(res *result, got []statement.Fact, want []LabelFact, shares bool, verbose io.Writer, name string) {
	used := make([]bool, len(want))
	var rest []statement.Fact
	credit := func(t string, c float64) {
		p := res.fact(t)
		p.hit += c
		p.found += c
		res.factAll.hit += c
		res.factAll.found += c
	}
	for _, g := range got {
		if g.Type == statement.Time || !shares && g.Type == statement.Quantity && strings.HasSuffix(g.Value, "%") {
			continue
		}
		res.fact(string(g.Type)).returned++
		res.factAll.returned++
		ok := false
		for i, w := range want {
			if !used[i] && w.Type == string(g.Type) && w.Value == g.Value {
				used[i], ok = true, true
				credit(w.Type, 1)
				break
			}
		}
		if !ok {
			rest = append(rest, g)
		}
	}
	for _, g := range rest {
		half := false
		for i, w := range want {
			if !used[i] && w.Type == "datetime" && g.Type == statement.Date && len(w.Value) > 10 && w.Value[:10] == g.Value {
				used[i], half = true, true
				res.fact("date").hit += 0.5
				res.fact("datetime").found += 0.5
				res.factAll.hit += 0.5
				res.factAll.found += 0.5
				break
			}
		}
		if !half && verbose != nil {
			fmt.Fprintf(verbose, "%s  fact extra %s %q %s\n", name, g.Type, g.Text, g.Value)
		}
	}
	for i, w := range want {
		res.fact(w.Type).labelled++
		res.factAll.labelled++
		if !used[i] && verbose != nil {
			fmt.Fprintf(verbose, "%s  fact missed %s %q %s\n", name, w.Type, w.Text, w.Value)
		}
	}
}

// scoreCase scores the statements, speakers and facts of one case.
func scoreCase(g *Gold, read func(*mail) []statement.Statement, verbose io.Writer) *result {
	res := newResult()
	people := g.people()
	byFile := map[string][2][]*Label{}
	for i := range g.Labels {
		l := &g.Labels[i]
		v := byFile[l.File]
		v[0] = append(v[0], l)
		byFile[l.File] = v
	}
	for i := range g.Ordinary {
		l := &g.Ordinary[i]
		v := byFile[l.File]
		v[1] = append(v[1], l)
		byFile[l.File] = v
	}
	for _, file := range g.files() {
		ml := g.mails[file]
		ls := byFile[file]
		got := read(ml)
		scoreMail(res, ml, got, ls[0], ls[1], false, verbose, g.ID+"/"+file)
		role := trail.Unknown
		if len(ml.m.From) > 0 {
			role, _ = people.Role(ml.m.From[0].Address)
		}
		if role == trail.Unknown {
			role = trail.Other
		}
		for _, l := range ls[0] {
			res.speaker.labelled++
			res.speaker.returned++
			if string(role) == l.Speaker {
				res.speaker.hit++
				res.speaker.found++
			}
		}
	}
	return res
}
