package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// figure is one line of the table of targets: what was measured beside what must
// be and what is aimed at. A must of 0 is none.
type figure struct {
	what      string
	got       float64
	must, aim float64
	of        string // how many it is counted over, and what people reach
}

func (f figure) String() string {
	verdict := ""
	switch {
	case f.must == 0:
	case f.got >= f.aim:
		verdict = "aim"
	case f.got >= f.must:
		verdict = "must"
	default:
		verdict = "BELOW"
	}
	number := func(x float64) string {
		switch {
		case x == 0:
			return ""
		case x > 10:
			return fmt.Sprintf("%.0f", x)
		}
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", x), "0"), ".")
	}
	return fmt.Sprintf("%-38s %7s  %6s %6s  %-5s  %s", f.what, number(f.got), number(f.must), number(f.aim), verdict, f.of)
}

// table prints every target of the reader. Kinds are measured on cases and
// senders that the model has not seen; dates, sums and zones have no model, and
// the rules for them were written with these mails in view.
func table(t *taught, h *held, corpora string, w io.Writer) error {
	line := func(f figure) { fmt.Fprintln(w, f) }
	fmt.Fprintf(w, "\nTARGETS: cases and senders held out in parts; silver.tsv, lessons.txt and public sentences teach only.\n"+
		"How far kinds are shifted and confidences lowered was chosen on the same parts.\n%-38s %7s  %6s %6s\n", "", "got", "must", "aim")
	n := func(r *result) string { return fmt.Sprintf("%.0f labels", r.said.labelled) }
	line(figure{"statement or not, F1, gold cases", h.gold.said.f1(), 0.88, 0.94, n(h.gold)})
	line(figure{"                      real mail", h.real.said.f1(), 0.80, 0.90, n(h.real) + "; the labeller again: 0.956 alike"})
	line(figure{"kind, macro-F1 of 12, gold cases", h.gold.macro(), 0.75, 0.85, n(h.gold)})
	line(figure{"                      real mail", h.real.macro(), 0.60, 0.75, n(h.real) + "; the labeller again, 227 sentences: kappa 0.92, two people on public sets 0.3 to 0.6"})
	line(figure{"instruction, F1, gold cases", h.gold.kind(statement.Instruction).f1(), 0.85, 0.92, fmt.Sprintf("%.0f labels", h.gold.kind(statement.Instruction).labelled)})
	line(figure{"                 real mail", h.real.kind(statement.Instruction).f1(), 0.75, 0.85, fmt.Sprintf("%.0f labels; the labeller again: kappa 0.90", h.real.kind(statement.Instruction).labelled)})
	sure := statement.Firm
	firm := int(sure*100 + 0.5)
	for _, x := range [...]struct {
		name string
		r    *result
	}{{"firm (confidence %.2f or more), gold", h.gold}, {"                              real", h.real}} {
		p := x.r.above(firm)
		name := x.name
		if strings.Contains(name, "%") {
			name = fmt.Sprintf(name, statement.Firm)
		}
		line(figure{name, p.precision(), 0.95, 0.99, fmt.Sprintf("%.0f of %.0f returned", p.returned, x.r.all.returned)})
	}
	line(figure{"speaker role, gold cases", h.gold.speaker.precision(), 0.98, 0.998, fmt.Sprintf("%.0f labels", h.gold.speaker.labelled)})
	for _, x := range [...]struct {
		name  string
		types []string
		must  float64
		aim   float64
	}{{"dates and times exact", []string{"date", "datetime"}, 0.93, 0.985}, {"money exact", []string{"money"}, 0.97, 0.995}, {"references exact", []string{"reference"}, 0.93, 0.98}} {
		for k, r := range [...]*result{h.gold, h.real} {
			var p prf
			for _, ft := range x.types {
				p.add(*r.fact(ft))
			}
			line(figure{x.name + [...]string{", gold cases", ", real mail"}[k], p.recall(), x.must, x.aim, fmt.Sprintf("found of %.0f; %.3f of %.0f returned are labelled", p.labelled, p.precision(), p.returned)})
		}
	}
	if err := zoneTable(corpora, line); err != nil {
		return err
	}
	line(figure{"public sentences that ask, F1", h.public.f1(), 0.76, 0.80, fmt.Sprintf("%d held out in parts, both judges alike; two judges reach 0.75 (kappa 0.58)", len(h.public.of))})
	line(figure{"                           AUC", h.public.auc(), 0.91, 0.94, "the makers' test part is not in the corpora: this is the training part"})
	line(figure{"  the same by their kinds alone, F1", h.kinds.f1(), 0.76, 0.80, "instruction, question, change or commitment, whatever the sentence asks"})
	line(figure{"                           AUC", h.kinds.auc(), 0, 0, ""})
	rate, wall, mails, err := speed(corpora)
	if err != nil {
		return err
	}
	if mails > 0 {
		line(figure{"mails read a second, two cores", 2 * rate, 2500, 6000, fmt.Sprintf("%d mails from raw octets; by processor time, wall clock %.0f", mails, wall)})
	}
	return nil
}

func zoneTable(corpora string, line func(figure)) error {
	sets, err := zoneSets(corpora, nil)
	if err != nil {
		return fmt.Errorf("scoring zones: %w", err)
	}
	mails, right := 0, 0
	for _, z := range sets {
		mails, right = mails+z.mails, right+z.right
	}
	if mails == 0 {
		return nil
	}
	line(figure{"every line in its zone, all of replies", ratio(float64(right), float64(mails)), 0.92, 0.98, fmt.Sprintf("%d mails", mails)})
	for _, z := range sets {
		of := fmt.Sprintf("%d mails, %s", z.mails, z.what)
		if z.test {
			of += ", the makers' test part"
		}
		if z.below > 0 {
			of += fmt.Sprintf("; in %d the makers call an answer below the quotation history", z.below)
		}
		line(figure{"  " + z.set, ratio(float64(z.right), float64(z.mails)), 0, 0, of})
	}
	return nil
}

const speedMails = 4000

// speed reads real mail from its octets on two goroutines: mails per second of
// processor time, and per second.
func speed(corpora string) (rate, wall float64, mails int, err error) {
	path := filepath.Join(corpora, "bulk/enron-inbox.tar.zst")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return 0, 0, 0, nil
	}
	var raw [][]byte
	if err := fromTar(path, func(_ string, b []byte) { raw = append(raw, b) }, func(string) bool { return len(raw) < speedMails }); err != nil {
		return 0, 0, 0, err
	}
	used, start := processorTime(), time.Now()
	var g sync.WaitGroup
	for k := range 2 {
		g.Go(func() {
			for i := k; i < len(raw); i += 2 {
				statement.Read(message.Parse(raw[i]))
			}
		})
	}
	g.Wait()
	took := time.Since(start).Seconds()
	rate = float64(len(raw)) / took / 2
	if cpu := (processorTime() - used).Seconds(); cpu > 0 {
		rate = float64(len(raw)) / cpu
	}
	return rate, float64(len(raw)) / took, len(raw), nil
}
