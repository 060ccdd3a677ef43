package trail

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
)

// score is what gold/README.md counts, over some questions.
type score struct {
	recall, precision float64
	n, size           int
	hit, found, gold  map[string]int
}

func newScore() *score {
	return &score{hit: map[string]int{}, found: map[string]int{}, gold: map[string]int{}}
}

func (s *score) String() string {
	n := float64(s.n)
	sum := func(m map[string]int) (t int) {
		for _, v := range m {
			t += v
		}
		return t
	}
	return fmt.Sprintf("recall of must %.3f  precision %.3f  size %4.1f  findings %d of %d right, of %d labelled", s.recall/n, s.precision/n, float64(s.size)/n, sum(s.hit), sum(s.found), sum(s.gold))
}

func (s *score) types() string {
	var b strings.Builder
	for _, t := range []string{"contradiction", "changed", "refuted", "missed", "unanswered", "unconfirmed", "unacknowledged"} {
		fmt.Fprintf(&b, "  %-14s right %2d  found %2d  labelled %2d\n", t, s.hit[t], s.found[t], s.gold[t])
	}
	return b.String()
}

func (c *goldCase) matchFinding(f Finding, g goldFinding, tr *Trail) bool {
	if string(f.Type) != g.Type {
		return false
	}
	is := func(n int, r *goldRef) bool {
		if r == nil {
			return true
		}
		if n == 0 {
			return false
		}
		s := tr.Entries[n-1].Statement
		return c.files[s.Message.Ref] == r.File && covers(s.Quote, r.Quote, false)
	}
	return is(f.A, g.A) && is(f.B, g.B) || g.Type == "contradiction" && is(f.A, g.B) && is(f.B, g.A)
}

func (s *score) add(c *goldCase, q goldQuestion, tr *Trail) string {
	s.n++
	s.size += len(tr.Entries)
	hit, good := 0, 0
	for _, m := range q.Must {
		for _, e := range tr.Entries {
			if c.files[e.Statement.Message.Ref] == m.File && covers(e.Statement.Quote, m.Quote, false) {
				hit++
				break
			}
		}
	}
	for _, e := range tr.Entries {
		f := c.files[e.Statement.Message.Ref]
		if c.has(q.Must, f, e.Statement.Quote) || c.has(q.May, f, e.Statement.Quote) {
			good++
		}
	}
	s.recall += float64(hit) / float64(len(q.Must))
	if len(tr.Entries) > 0 {
		s.precision += float64(good) / float64(len(tr.Entries))
	}
	var log strings.Builder
	taken := map[int]bool{}
	for _, f := range tr.Findings {
		s.found[string(f.Type)]++
		ok := false
		for i, g := range q.Findings {
			if !taken[i] && c.matchFinding(f, g, tr) {
				taken[i], ok = true, true
				s.hit[string(f.Type)]++
				break
			}
		}
		fmt.Fprintf(&log, "    %v %s\n", ok, f.Text)
		if !ok {
			fmt.Fprintf(&log, "        a %s\n", oneLine(tr.Entries[f.A-1]))
			if f.B > 0 {
				fmt.Fprintf(&log, "        b %s\n", oneLine(tr.Entries[f.B-1]))
			}
		}
	}
	for i, g := range q.Findings {
		s.gold[g.Type]++
		if !taken[i] {
			fmt.Fprintf(&log, "    lacks %s a %q", g.Type, g.A.Quote)
			if g.B != nil {
				fmt.Fprintf(&log, " b %q", g.B.Quote)
			}
			log.WriteByte('\n')
		}
	}
	return fmt.Sprintf("  %d/%d must, %d/%d good  %s\n    = %s\n%s", hit, len(q.Must), good, len(tr.Entries), q.Ask, tr.Summary.Text, log.String())
}

func oneLine(e Entry) string {
	return fmt.Sprintf("%s %s: %s", e.Statement.Message.Date.Format("2 Jan"), e.Statement.Kind, strings.Join(strings.Fields(e.Statement.Quote), " "))
}

func (s *score) merge(o *score) {
	s.recall += o.recall
	s.precision += o.precision
	s.n += o.n
	s.size += o.size
	for k, v := range o.hit {
		s.hit[k] += v
	}
	for k, v := range o.found {
		s.found[k] += v
	}
	for k, v := range o.gold {
		s.gold[k] += v
	}
}

// measure runs every question of every case; with mixed, over all cases' mail at once.
func measure(t *testing.T, cases []*goldCase, of func(*goldCase) []*Record, mixed bool) *score {
	ctx := context.Background()
	all := newScore()
	var everything []*Record
	var everybody People
	for _, c := range cases {
		everything = append(everything, of(c)...)
		p := c.people()
		everybody.Us = append(everybody.Us, p.Us...)
		everybody.Clients = append(everybody.Clients, p.Clients...)
	}
	detail := os.Getenv("INWRITING_DETAIL")
	for _, c := range cases {
		records, people := of(c), c.people()
		if mixed {
			records, people = everything, everybody
		}
		src := newMemory(records)
		s := newScore()
		var log strings.Builder
		for _, q := range c.Questions {
			tr, err := Build(ctx, src, people, q.Ask, Options{})
			if err != nil {
				t.Fatal(err)
			}
			log.WriteString(s.add(c, q, tr))
		}
		t.Logf("%-24s %s", c.ID, s)
		if detail != "" && strings.Contains(c.ID, detail) || detail == "all" {
			t.Log("\n" + log.String())
		}
		all.merge(s)
	}
	t.Logf("%-24s %s\n%s", "all", all, all.types())
	return all
}

// foreign asks every case the questions of the others: the right answer is nothing.
func foreign(t *testing.T, cases []*goldCase, of func(*goldCase) []*Record) (nothing, asked int) {
	var worst []string
	for _, c := range cases {
		people := c.people()
		src := newMemory(of(c))
		for _, o := range cases {
			if o == c {
				continue
			}
			for _, q := range o.Questions {
				tr, err := Build(context.Background(), src, people, q.Ask, Options{})
				if err != nil {
					t.Fatal(err)
				}
				asked++
				if len(tr.Entries) == 0 {
					nothing++
				} else {
					worst = append(worst, fmt.Sprintf("%2d entries in %s for %q", len(tr.Entries), c.ID, q.Ask))
				}
			}
		}
	}
	if os.Getenv("INWRITING_DETAIL") != "" {
		sort.Strings(worst)
		t.Log("\n" + strings.Join(worst, "\n"))
	}
	return nothing, asked
}

// TestGold measures. The floors lie a little under what was reached when they
// were written, so that a change that costs much is seen.
func TestGold(t *testing.T) {
	cases := loadGold(t)
	labelled := func(c *goldCase) []*Record { return c.records }
	read := func(c *goldCase) []*Record { return c.read }
	for _, tt := range []struct {
		name              string
		of                func(*goldCase) []*Record
		mixed             bool
		recall, precision float64
	}{
		{"labelled", labelled, false, 0.85, 0.63},
		{"labelled, one mailbox", labelled, true, 0.85, 0.62},
		{"read", read, false, 0.82, 0.61},
		{"read, one mailbox", read, true, 0.82, 0.60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := measure(t, cases, tt.of, tt.mixed)
			if r := s.recall / float64(s.n); r < tt.recall {
				t.Errorf("recall of must %.3f, floor %.3f", r, tt.recall)
			}
			if p := s.precision / float64(s.n); p < tt.precision {
				t.Errorf("precision %.3f, floor %.3f", p, tt.precision)
			}
		})
	}
	for _, tt := range []struct {
		name string
		of   func(*goldCase) []*Record
	}{{"labelled, questions of other cases", labelled}, {"read, questions of other cases", read}} {
		t.Run(tt.name, func(t *testing.T) {
			n, of := foreign(t, cases, tt.of)
			t.Logf("nothing in writing: %d of %d", n, of)
			if float64(n) < 0.92*float64(of) {
				t.Errorf("nothing in writing for %d of %d, floor 92 %%", n, of)
			}
		})
	}
}
