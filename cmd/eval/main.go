// Command eval measures the reader and the trails against the gold set of
// ../shared/gold and prints the tables that its README defines.
//
//	eval [-gold DIR] [-corpora DIR] [-case ID] [-parts N] [-v] [-statements]
//	eval train [-parts N] [-o FILE]
//	eval families -vectors FILE -o FILE
//
// The first scores the reader and, where the build has a vault to ask, the
// trails, and ends with the table of targets. The second trains the reader's model
// and writes the one that has seen everything, which is
// indexer/statement/english.model. -parts 0 trains nothing to measure it. The
// third makes indexer/statement/english.families, on which both build.
//
// Everything it reads is development data: the sixteen invented cases and the
// labelled real mail were before our eyes when the rules were written, and the
// model's weights were learnt from them; the invented lines of lessons.txt were
// written after looking at what was missed. The figures that say something about
// unseen mail are those of the table of targets: cases and senders are dealt into
// parts, and each part is scored by a model that has seen the other parts only.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// theAsker answers questions from a whole vault; nil means that only statements
// are scored.
var theAsker Asker

func run(args []string, stdout, stderr io.Writer) int {
	training := len(args) > 0 && args[0] == "train"
	dividing := len(args) > 0 && args[0] == "families"
	if training || dividing {
		args = args[1:]
	}
	fs := flag.NewFlagSet("eval", flag.ContinueOnError)
	fs.SetOutput(stderr)
	gold := fs.String("gold", sharedDir("gold"), "the gold set's folder")
	corpora := fs.String("corpora", sharedDir("corpora"), "the corpora's folder, for the labelled real mail")
	only := fs.String("case", "", "score this case alone")
	verbose := fs.Bool("v", false, "list every error")
	noTrail := fs.Bool("statements", false, "score statements only, ask no questions")
	out := fs.String("o", "", "train, families: write the model, or the word families, here")
	vectors := fs.String("vectors", "", "families: the word vectors, a word a line, the most frequent first")
	parts := fs.Int("parts", 8, "measure with each of so many parts held out once; 0 leaves it")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if _, err := os.Stat(*gold); err != nil {
		fmt.Fprintf(stdout, "eval: no gold set at %q: nothing measured (give its folder with -gold)\n", *gold)
		return 0
	}
	if dividing {
		if err := familiesCommand(*vectors, *corpora, *out, stdout); err != nil {
			fmt.Fprintf(stderr, "eval: error: dividing words into families: %v\n", err)
			return 1
		}
		return 0
	}
	if training {
		if *verbose {
			detailOut = stdout
		}
		if err := trainCommand(*gold, *corpora, *out, *parts, stdout); err != nil {
			fmt.Fprintf(stderr, "eval: error: training: %v\n", err)
			return 1
		}
		return 0
	}
	if err := evaluate(*gold, *corpora, *only, *verbose, *noTrail, *parts, stdout); err != nil {
		fmt.Fprintf(stderr, "eval: error: %v\n", err)
		return 1
	}
	return 0
}

func sharedDir(name string) string {
	if d := os.Getenv("INWRITING_SHARED"); d != "" {
		return filepath.Join(d, name)
	}
	return filepath.Join("..", "shared", name)
}

func refOf(octets []byte) archive.Ref { return sha256.Sum256(octets) }

func readMail(ml *mail) []statement.Statement { return statement.Read(ml.m).Statements }

func evaluate(gold, corpora, only string, verbose, statementsOnly bool, parts int, w io.Writer) error {
	cases, err := loadCases(gold, only)
	if err != nil {
		return fmt.Errorf("loading the gold cases: %w", err)
	}
	var detail io.Writer
	if verbose {
		detail = w
	}
	fmt.Fprintf(w, "inwriting eval: reader %s. All of this is DEVELOPMENT data: the rules were written with it in view and the model's\n"+
		"weights were learnt from it, so these figures flatter. The table of targets at the end holds cases and senders out.\n\n", statement.Version)
	total := newResult()
	fmt.Fprintf(w, "%-24s %5s %5s %5s  %5s  %5s  %7s %5s %5s  %6s\n", "case", "P", "R", "F1", "macro", "span", "speaker", "factP", "factR", "absent")
	for _, g := range cases {
		r := scoreCase(g, readMail, detail)
		total.add(r)
		printLine(w, g.ID, r)
	}
	printLine(w, "all cases", total)
	printKinds(w, "statements by kind, gold cases", total)
	printFacts(w, "facts, gold cases", total)
	if only == "" {
		mails, absent, err := loadReal(gold, corpora)
		if err != nil {
			return fmt.Errorf("loading the labelled real mail: %w", err)
		}
		if absent > 0 {
			fmt.Fprintf(w, "\nreal mail: %d labelled mails are not in the corpora at %q\n", absent, corpora)
		}
		if len(mails) > 0 {
			fmt.Fprintln(w)
			for _, part := range [...]struct {
				name string
				keep func(*realMail) bool
			}{
				{"real, random part", (*realMail).random},
				{"real, keyword part", func(r *realMail) bool { return !r.random() }},
				{"real, all", func(*realMail) bool { return true }},
			} {
				var d io.Writer
				if part.name == "real, all" {
					d = detail
				}
				r, n := scoreReal(mails, readMail, part.keep, d)
				printLine(w, fmt.Sprintf("%s (%d)", part.name, n), r)
				if part.name == "real, all" {
					printKinds(w, "statements by kind, real mail", r)
					printFacts(w, "facts, real mail", r)
				}
			}
		}
	}
	if !statementsOnly {
		if err := askAll(gold, corpora, only, cases, detail, w); err != nil {
			return err
		}
	}
	if only != "" || parts < 2 {
		return nil
	}
	t, err := loadTaught(gold, corpora, "")
	if err != nil {
		return err
	}
	h := holdOut(t, parts)
	printKinds(w, "statements by kind, gold cases held out", h.gold)
	printKinds(w, "statements by kind, real mail, senders held out", h.real)
	return table(t, h, corpora, w)
}

// askAll scores the trails.
func askAll(gold, corpora, only string, cases []*Gold, detail, w io.Writer) error {
	if theAsker == nil {
		fmt.Fprintf(w, "\ntrail and findings: not measured, this build has no vault to ask\n")
		return nil
	}
	sum := newTrailResult()
	fmt.Fprintf(w, "\n%-24s %8s %6s %9s  %8s %8s\n", "trail", "answered", "recall", "precision", "findingP", "findingR")
	for _, g := range cases {
		answers, err := theAsker.Ask(filepath.Join(gold, g.ID), g)
		if err != nil {
			return fmt.Errorf("asking case %q: %w", g.ID, err)
		}
		r := scoreTrails(g, answers, detail)
		sum.add(r)
		printTrail(w, g.ID, r)
	}
	printTrail(w, "all cases", sum)
	fmt.Fprintf(w, "\nfindings by type\n%-16s %5s %5s %5s %6s\n", "", "P", "R", "F1", "labels")
	for _, t := range sortedKeys(sum.findings) {
		p := sum.findings[t]
		fmt.Fprintf(w, "%-16s %5.3f %5.3f %5.3f %6.0f\n", t, p.precision(), p.recall(), p.f1(), p.labelled)
	}
	if only == "" {
		return askCrowd(cases, gold, corpora, detail, w)
	}
	return nil
}

func printTrail(w io.Writer, name string, r *trailResult) {
	fmt.Fprintf(w, "%-24s %4d/%-3d %6.3f %9.3f  %8.3f %8.3f\n", name, r.answered, r.questions, r.recall.recall(), r.precision.precision(), r.all.precision(), r.all.recall())
}

func printLine(w io.Writer, name string, r *result) {
	fmt.Fprintf(w, "%-24s %5.3f %5.3f %5.3f  %5.3f  %5.3f  %7.3f %5.3f %5.3f  %6d\n", name,
		r.all.precision(), r.all.recall(), r.all.f1(), r.macro(), r.span.recall(), r.speaker.precision(), r.factAll.precision(), r.factAll.recall(), r.missing)
}

// macro is the mean F1 of the kinds that are labelled.
func (r *result) macro() float64 {
	sum, n := 0.0, 0
	for _, k := range statement.Kinds {
		if p := r.kinds[k]; p != nil && p.labelled > 0 {
			sum += p.f1()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func printKinds(w io.Writer, title string, r *result) {
	fmt.Fprintf(w, "\n%s\n%-14s %5s %5s %5s %7s %7s %7s   taken for (label -> returned)\n", title, "", "P", "R", "F1", "labels", "missed", "onnone")
	for _, k := range statement.Kinds {
		p := r.kind(k)
		fmt.Fprintf(w, "%-14s %5.3f %5.3f %5.3f %7.0f %7d %7d  ", k, p.precision(), p.recall(), p.f1(), p.labelled, r.missed[k], r.false_[k])
		for _, o := range statement.Kinds {
			if n := r.confuse[[2]statement.Kind{k, o}]; n > 0 {
				fmt.Fprintf(w, " %s %d", o, n)
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%-14s %29s %.3f\n", "macro F1", "", r.macro())
	fmt.Fprintf(w, "%-14s %5.3f %5.3f %5.3f\n", "statement?", r.said.precision(), r.said.recall(), r.said.f1())
	fmt.Fprintf(w, "%-14s", "right kind at")
	for _, c := range [...]int{50, 60, 70, 80, 90, 95, 99} {
		p := r.above(c)
		fmt.Fprintf(w, "  .%d %.3f of %.0f", c, p.precision(), p.returned)
	}
	fmt.Fprintln(w)
}

func printFacts(w io.Writer, title string, r *result) {
	fmt.Fprintf(w, "\n%s (neither times without a day nor, in gold cases, percentages are labelled and counted)\n%-14s %5s %5s %5s %7s\n", title, "", "P", "R", "F1", "labels")
	for _, t := range sortedKeys(r.facts) {
		p := r.facts[t]
		fmt.Fprintf(w, "%-14s %5.3f %5.3f %5.3f %7.0f\n", t, p.precision(), p.recall(), p.f1(), p.labelled)
	}
}
