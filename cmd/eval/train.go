package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	half     bool
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

	minAsking    = 3 // public sentences that a feature must stand in
	askingEpochs = 10
	askingParts  = 4
	aside        = 0.15 // how far a public sentence's kind may be another than its judges' word tells
	publicWeight = 0.3  // a public sentence beside a case's

	lessonWeight = 0.5 // an invented line beside a case's sentence
	silverWeight = 0.3 // a sentence that one reader labelled for teaching
	lessonGroups = 40
)

// shift makes kinds likelier that held-out cases and held-out mail both miss more
// often than they are wrongly read, and the others less likely.
var shift = map[statement.Kind]float64{statement.Change: 0.3, statement.Confirmation: 0.3, statement.Dispute: 0.1, statement.Instruction: 0.05,
	statement.Caveat: 0.1, statement.Terms: 0.1, statement.Answer: -0.1, statement.Assurance: -0.35, statement.None: 0.1}

// reach is how far a feature of each sort may speak: the many small ones would
// otherwise learn everything by heart before a rule has moved.
var reach = map[statement.FeatureSort]float64{
	statement.RuleFeature: 1, statement.PriorFeature: 1, statement.RuleKind: 1, statement.PlaceFeature: 0.5,
	statement.WordFeature: 0.3, statement.PairFeature: 0.2, statement.FormFeature: 0.15,
	statement.FamilyFeature: 0.2, statement.FamilyPair: 0.15, statement.NearFeature: 0.3, statement.AskingFeature: 0.25,
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
		x := example{group: group, features: e.Features, sorts: e.Sorts, weight: weight, half: e.Half}
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

// publicSentence is one that is labelled as asking something or not, and that
// says little else of its kind.
type publicSentence struct {
	example
	asks bool
}

// public lists Parakweet's sentences (Apache-2.0; judged again in
// enron_intent_dataset_verified, MIT), where both judgements agree. Their official
// test part is not among them.
func public(corpora string) ([]publicSentence, error) {
	first := map[string]string{}
	var out []publicSentence
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
			if x, ok := alone(words, ""); ok {
				x.group = fmt.Sprintf("public:%d", n%lessonGroups)
				out = append(out, publicSentence{x, intent == "yes"})
			}
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

// held is what models say of mail that they have not seen.
type held struct {
	cases  map[string]*result // by case
	gold   *result
	real   *result
	public intent // by the column of asking
	kinds  intent // by the kinds
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
		var xs []example
		for _, x := range all {
			if part(x.group) != p {
				xs = append(xs, x)
			}
		}
		var in, out []publicSentence
		for _, x := range t.asks {
			if part(x.group) != p {
				in = append(in, x)
			} else {
				out = append(out, x)
			}
		}
		m := train(xs, in)
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
		scoreAsking(m, out, &h.public, &h.kinds)
	}
	return h
}

var detailOut io.Writer

// taught is all that a model may learn from.
type taught struct {
	cases []*Gold
	mails []*realMail
	more  []example // lessons and silver labels
	asks  []publicSentence

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
	if t.asks, err = public(corpora); err != nil {
		return nil, err
	}
	for _, l := range [...]func(string) ([]example, error){lessons, silver} {
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
		fmt.Fprintf(w, "public sentences held out: F1 %.3f, AUC %.3f of %d; by their kinds alone %.3f, %.3f\n",
			h.public.f1(), h.public.auc(), len(h.public.of), h.kinds.f1(), h.kinds.auc())
	}
	if out == "" {
		return nil
	}
	xs := t.examples()
	b := trainFile(xs, t.asks)
	fmt.Fprintf(w, "model: %d examples and %d public sentences, %d octets\n", len(xs), len(t.asks), len(b))
	return os.WriteFile(out, b, 0o644)
}
