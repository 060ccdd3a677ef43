package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

const kinds = 13

// example is one segment of a labelled mail.
type example struct {
	group    string // case or sender: what is held out together
	features []uint32
	sorts    []statement.FeatureSort
	accept   [kinds]float64 // 1 for the label, less for its "or", 0 for wrong
	weight   float64
	partial  bool // only some kinds are known to be wrong
}

var kindNumber = func() map[statement.Kind]int {
	m := map[statement.Kind]int{}
	for i, k := range statement.KindOrder() {
		m[k] = i
	}
	return m
}()

var (
	orShare    = 0.5 // how good an "or" label is beside the label
	realWeight = 0.5 // a real mail's sentence beside a case's: another trade, other habits
	halfWeight = 0.7 // a part of a sentence, which is often not cut
	rulePrior  = 0.8 // how much of a rule's hand weight the model starts from
	minGroups  = 4   // a word must be known from so many cases or senders
	decay      = 0.1 // pull towards the start, per example of weight one
	epochs     = 15
	modelScale = 25   // thousandths per unit
	balance    = 0.25 // power of a kind's rarity in its examples' weight
	rate       = 0.08
	orders     = 4 // of the examples, averaged
	negligible = 0.003

	lessonWeight = 0.5 // an invented line beside a case's sentence
	publicWeight = 0.3 // a publicly labelled one, which is only known to ask or not
	silverWeight = 0.3 // a sentence that one reader labelled for teaching
	lessonGroups = 40
)

// shift makes kinds likelier that held-out cases and held-out mail both miss more
// often than they are wrongly read, and the others less likely.
var shift = map[statement.Kind]float64{statement.Change: 0.3, statement.Confirmation: 0.3, statement.Dispute: 0.3, statement.Instruction: 0.12,
	statement.Caveat: 0.1, statement.Terms: 0.1, statement.Answer: -0.1, statement.Assurance: -0.35, statement.None: 0.1}

// reach is how far a feature of each sort may speak: the many small ones would
// otherwise learn everything by heart before a rule has moved.
var reach = map[statement.FeatureSort]float64{
	statement.RuleFeature: 1, statement.PriorFeature: 1, statement.RuleKind: 1, statement.PlaceFeature: 0.5,
	statement.WordFeature: 0.3, statement.PairFeature: 0.2, statement.FormFeature: 0.15,
}

// examplesOf lists what one mail teaches.
func examplesOf(group string, ml *mail, labels, ordinary []*Label, weight float64) []example {
	type placedLabel struct {
		at   [2]int
		l    *Label
		none bool
	}
	var ps []placedLabel
	for i, set := range [...][]*Label{labels, ordinary} {
		for _, l := range set {
			for _, at := range ml.flat.find(l.Quote) {
				if ml.isNew(at) {
					ps = append(ps, placedLabel{at, l, i == 1})
					break
				}
			}
		}
	}
	var out []example
	for _, e := range statement.Examples(ml.m) {
		at := [2]int{ml.flat.at[e.Start], ml.flat.at[e.End]}
		x := example{group: group, features: e.Features, sorts: e.Sorts, weight: weight}
		if e.Half {
			x.weight *= halfWeight
		}
		ok := false
		for _, p := range ps {
			if !matches(at, p.at) {
				continue
			}
			// A half of a label that was not cut says little.
			if e.Half && float64(min(at[1], p.at[1])-max(at[0], p.at[0])) < 0.6*float64(p.at[1]-p.at[0]) {
				continue
			}
			ok = true
			if p.none {
				x.accept[kinds-1] = max(x.accept[kinds-1], 1)
			} else {
				x.accept[kindNumber[p.l.Kind]] = 1
			}
			for _, o := range p.l.Or {
				if k, known := kindNumber[statement.Kind(o)]; known {
					x.accept[k] = max(x.accept[k], orShare)
				}
			}
		}
		if ok {
			out = append(out, x)
		}
	}
	return out
}

func caseExamples(g *Gold) []example {
	byFile := map[string][2][]*Label{}
	for i := range g.Labels {
		v := byFile[g.Labels[i].File]
		v[0] = append(v[0], &g.Labels[i])
		byFile[g.Labels[i].File] = v
	}
	for i := range g.Ordinary {
		l := &g.Ordinary[i]
		l.Kind = statement.None
		v := byFile[l.File]
		v[1] = append(v[1], l)
		byFile[l.File] = v
	}
	var out []example
	for _, f := range g.files() {
		out = append(out, examplesOf(g.ID, g.mails[f], byFile[f][0], byFile[f][1], 1)...)
	}
	return out
}

func realExamples(r *realMail) []example {
	ls, none := r.labels()
	return examplesOf(r.group(), r.mail, ls, none, realWeight)
}

func (r *realMail) group() string { return r.Source + ":" + r.From }

//go:embed lessons.txt
var lessonsText string

// lessons lists what lessons.txt teaches. Their groups are made up, so that a
// word must stand in several lines, or in mail as well, to count.
func lessons(string) ([]example, error) {
	var out []example
	for n, line := range strings.Split(lessonsText, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		name, words, ok := strings.Cut(line, " ")
		asked := strings.HasPrefix(name, "q:")
		kind, known := kindNumber[statement.Kind(strings.TrimPrefix(name, "q:"))]
		if !ok || !known {
			return nil, fmt.Errorf("reading lessons.txt, line %d: no kind in %q", n+1, line)
		}
		after := ""
		if asked {
			after = "\n\n> Which one is it?\n"
		}
		if x, ok := alone(words, after); ok {
			x.group, x.weight = fmt.Sprintf("lesson:%d", n%lessonGroups), lessonWeight
			x.accept[kind] = 1
			out = append(out, x)
		}
	}
	return out, nil
}

// alone makes an example of a sentence that stands in no mail, if it is one
// sentence. Its neighbours keep it from being first, last and alone.
func alone(words, quoted string) (example, bool) {
	before, after := "Hello there, it is me.\n\n", "\n\nThat is it for today."
	m := &message.Message{Text: before + words + after, Date: lessonDay}
	m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: len(m.Text)}}
	if quoted != "" {
		m.Zones = append(m.Zones, message.Zone{Kind: message.Quoted, Start: len(m.Text), End: len(m.Text) + len(quoted)})
		m.Text += quoted
	}
	for _, e := range statement.Examples(m) {
		if !e.Half && e.Start == len(before) && e.End == len(before)+len(words) {
			return example{features: e.Features, sorts: e.Sorts}, true
		}
	}
	return example{}, false
}

// public lists what Parakweet's sentences teach (Apache-2.0; judged again in
// enron_intent_dataset_verified, MIT), where both judgements agree: whether
// something is asked, and nothing on the other kinds. Their official test part is
// not among them.
func public(corpora string) ([]example, error) {
	first := map[string]string{}
	var out []example
	for pass, folder := range [...]string{"parakweet", "parakweet-verified"} {
		b, err := os.ReadFile(filepath.Join(corpora, "acts", folder, "train.tsv"))
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for n, line := range strings.Split(string(b), "\n") {
			intent, words, ok := strings.Cut(strings.TrimSpace(line), "\t")
			if !ok || n == 0 {
				continue
			}
			if pass == 0 {
				first[words] = intent
				continue
			}
			if first[words] != intent {
				continue
			}
			x, ok := alone(words, "")
			if !ok {
				continue
			}
			x.group, x.weight, x.partial = fmt.Sprintf("public:%d", n%lessonGroups), publicWeight, true
			for i, k := range statement.KindOrder() {
				switch k {
				case statement.Instruction, statement.Question:
					if intent == "yes" {
						x.accept[i] = 1
					}
				case statement.Change, statement.Commitment, statement.Confirmation:
					x.accept[i] = 0.6 // "let's meet at two", "I'll call at two": either way
					if intent == "yes" {
						x.accept[i] = 0.3
					}
				default:
					if intent != "yes" {
						x.accept[i] = 1
					}
				}
			}
			out = append(out, x)
		}
	}
	return out, nil
}

var lessonDay = time.Date(2024, 4, 10, 9, 0, 0, 0, time.UTC)

// label is the example's best kind.
func (x *example) label() int {
	for k, v := range x.accept {
		if v == 1 {
			return k
		}
	}
	return kinds - 1
}

// train fits a model by gradient descent. The start is the hand weights of the
// rules, and what is learnt is pulled back towards it.
func train(xs []example) *statement.Model {
	m, err := statement.ParseModel(trainFile(xs))
	if err != nil {
		panic(err)
	}
	return m
}

func trainFile(xs []example) []byte {
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
	index := map[uint32]int{}
	var hashes []uint32
	prior := statement.RuleFeatures()
	for f, g := range groups {
		if _, rule := prior[f]; rule || len(g) >= minGroups {
			hashes = append(hashes, f)
		}
	}
	sort.Slice(hashes, func(i, j int) bool { return hashes[i] < hashes[j] })
	for i, h := range hashes {
		index[h] = i
	}
	start := make([][kinds]float64, len(hashes))
	for i, h := range hashes {
		if p, ok := prior[h]; ok {
			start[i][p[0]] = rulePrior * float64(p[1]) / 100
		}
	}
	feats := make([][]int, len(xs))
	value := make([]float64, len(hashes))
	for i := range xs {
		seen := map[int]bool{}
		for n, f := range xs[i].features {
			if k, ok := index[f]; ok && !seen[k] {
				seen[k] = true
				feats[i] = append(feats[i], k)
				value[k] = reach[xs[i].sorts[n]]
			}
		}
	}
	var mass [kinds]float64
	for i := range xs {
		if !xs[i].partial {
			mass[xs[i].label()] += xs[i].weight
		}
	}
	heavy := 0.0
	for _, v := range mass {
		heavy = max(heavy, v)
	}
	var class [kinds]float64
	for k := range class {
		class[k] = math.Pow(heavy/max(1, mass[k]), balance)
	}
	lambda := decay / float64(len(xs))
	kept := make([]float64, len(xs)*epochs+1) // of a weight's distance from the start, by steps since it was last looked at
	kept[0] = 1
	for i := 1; i < len(kept); i++ {
		kept[i] = kept[i-1] * (1 - lambda)
	}
	// One pass over the examples in each of several orders: the mean of what they
	// come to hangs less on chance than any of them.
	fit := func(seed uint64) [][kinds]float64 {
		rng := rand.New(rand.NewPCG(seed, 2))
		perm := make([]int, len(xs))
		for i := range perm {
			perm[i] = i
		}
		w := make([][kinds]float64, len(hashes))
		copy(w, start)
		grad := make([][kinds]float64, len(hashes)) // sums of squares, for AdaGrad
		last := make([]int, len(hashes))            // the step at which the pull was last applied
		step := 0
		for e := 0; e < epochs; e++ {
			rng.Shuffle(len(perm), func(i, j int) { perm[i], perm[j] = perm[j], perm[i] })
			for _, i := range perm {
				x := &xs[i]
				step++
				weight := x.weight
				if !x.partial {
					weight *= class[x.label()]
				}
				var s [kinds]float64
				for _, f := range feats[i] {
					for k := range s {
						s[k] += w[f][k] * value[f]
					}
				}
				top := s[0]
				for _, v := range s {
					top = max(top, v)
				}
				sum, good := 0.0, 0.0
				var p, t [kinds]float64
				for k := range s {
					p[k] = math.Exp(s[k] - top)
					sum += p[k]
				}
				for k := range p {
					p[k] /= sum
					t[k] = p[k] * x.accept[k]
					good += t[k]
				}
				if good == 0 {
					continue
				}
				var miss [kinds]float64
				for k := range p {
					miss[k] = weight * (p[k] - t[k]/good)
				}
				for _, f := range feats[i] {
					shrink := 0.0
					if hashes[f] != statement.Prior {
						shrink = 1 - kept[step-last[f]]
					}
					last[f] = step
					wf, gf, sf := &w[f], &grad[f], &start[f]
					for k := range p {
						wf[k] -= shrink * (wf[k] - sf[k])
						if math.Abs(miss[k]) < negligible {
							continue
						}
						d := miss[k] * value[f]
						gf[k] += d * d
						wf[k] -= rate * d / math.Sqrt(1+gf[k])
					}
				}
			}
		}
		return w
	}
	runs := make([][][kinds]float64, orders)
	var wait sync.WaitGroup
	for n := range runs {
		wait.Go(func() { runs[n] = fit(uint64(n + 1)) })
	}
	wait.Wait()
	w := make([][kinds]float64, len(hashes))
	for _, run := range runs {
		for i := range w {
			for k := range w[i] {
				w[i][k] += run[i][k] / float64(orders)
			}
		}
	}
	for i := range w {
		if hashes[i] == statement.Prior {
			for k, by := range shift {
				w[i][kindNumber[k]] += by / value[i]
			}
		}
	}
	rows := map[uint32][kinds]int8{}
	for i, h := range hashes {
		var row [kinds]int8
		any := false
		for k := range row {
			v := math.Round(w[i][k] * value[i] * 1000 / float64(modelScale))
			row[k] = int8(max(-127, min(127, v)))
			any = any || row[k] != 0
		}
		if any {
			rows[h] = row
		}
	}
	return statement.AppendModel(nil, modelScale, rows)
}

// held is what models say of mail that they have not seen.
type held struct {
	cases  map[string]*result // by case
	gold   *result
	real   *result
	public intent
}

// partOf deals what is held out together into parts.
func partOf(group string, parts int) int {
	h := 0
	for _, c := range group {
		h = (h*31 + int(c)) % 1000003
	}
	return h % parts
}

// holdOut deals the cases, the senders of real mail and the public sentences into
// parts, and scores each part with a model that has seen the other parts only.
// Nothing that a held-out sender wrote teaches, whoever labelled it.
func holdOut(t *taught, parts int) *held {
	h := &held{cases: map[string]*result{}, gold: newResult(), real: newResult()}
	caseOf := map[string]int{}
	for i, g := range t.cases {
		caseOf[g.ID] = i % parts
	}
	part := func(group string) int {
		if i, ok := caseOf[group]; ok {
			return i
		}
		if strings.HasPrefix(group, "lesson:") {
			return -1
		}
		return partOf(group, parts)
	}
	all := t.examples()
	for p := range parts {
		var xs, out []example
		for _, x := range all {
			if part(x.group) != p {
				xs = append(xs, x)
			} else if x.partial {
				out = append(out, x)
			}
		}
		m := train(xs)
		read := func(ml *mail) []statement.Statement { return statement.ReadWith(m, ml.m).Statements }
		for _, g := range t.cases {
			if part(g.ID) == p {
				r := scoreCase(g, read, detailOut)
				h.cases[g.ID] = r
				h.gold.add(r)
			}
		}
		r, _ := scoreReal(t.mails, read, func(r *realMail) bool { return part(r.group()) == p }, detailOut)
		h.real.add(r)
		h.public.score(m, out)
	}
	return h
}

var detailOut io.Writer

// taught is all that a model may learn from.
type taught struct {
	cases []*Gold
	mails []*realMail
	more  []example // lessons, public and silver labels

	absent int // labelled real mails that are not in the corpora
}

func loadTaught(gold, corpora, only string) (*taught, error) {
	t := &taught{}
	var err error
	if t.cases, err = loadCases(gold, only); err != nil {
		return nil, fmt.Errorf("loading the gold cases: %w", err)
	}
	if t.mails, t.absent, err = loadReal(gold, corpora); err != nil {
		return nil, fmt.Errorf("loading the labelled real mail: %w", err)
	}
	for _, l := range [...]func(string) ([]example, error){lessons, public, silver} {
		xs, err := l(corpora)
		if err != nil {
			return nil, err
		}
		t.more = append(t.more, xs...)
	}
	return t, nil
}

// examples lists them all.
func (t *taught) examples() []example {
	xs := append([]example(nil), t.more...)
	for _, g := range t.cases {
		xs = append(xs, caseExamples(g)...)
	}
	for _, r := range t.mails {
		xs = append(xs, realExamples(r)...)
	}
	return xs
}

// trainCommand writes the model that has seen everything; measuring comes first.
func trainCommand(gold, corpora, out string, parts int, w io.Writer) error {
	t, err := loadTaught(gold, corpora, "")
	if err != nil {
		return err
	}
	if parts > 1 {
		h := holdOut(t, parts)
		fmt.Fprintf(w, "%-24s %5s %5s %5s  %5s  %5s  %7s %5s %5s  %6s\n", "", "P", "R", "F1", "macro", "span", "speaker", "factP", "factR", "absent")
		for _, id := range sortedKeys(h.cases) {
			printLine(w, id, h.cases[id])
		}
		printLine(w, "cases held out", h.gold)
		printKinds(w, "cases held out", h.gold)
		printLine(w, "real, senders held out", h.real)
		printKinds(w, "real, senders held out", h.real)
		f1, auc := h.public.f1(), h.public.auc()
		fmt.Fprintf(w, "public sentences held out: F1 %.3f, AUC %.3f of %d\n", f1, auc, len(h.public.of))
	}
	if out == "" {
		return nil
	}
	xs := t.examples()
	b := trainFile(xs)
	fmt.Fprintf(w, "model: %d examples, %d octets\n", len(xs), len(b))
	return os.WriteFile(out, b, 0o644)
}
