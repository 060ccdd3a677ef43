package trail

import (
	"slices"
	"strings"

	"inwriting/indexer/statement"
)

// Step is one step of a trail's short version: an entry and the value it holds.
type Step struct {
	Entry Entry
	Fact  *statement.Fact // nil when the entry names none
}

// Steps is the short version of a trail, at most limit steps in time order: what
// the summary rests on, and what contradictions, changes and refuted disputes set
// beside each other.
func (t *Trail) Steps(limit int) []Step {
	want := slices.Clone(t.Summary.Statements)
	about := map[statement.FactType]bool{}
	told := map[int]string{} // what findings say of an entry
	for _, f := range t.Findings {
		switch f.Type {
		case Contradiction, Changed, Refuted:
			want = append(want, f.A, f.B, f.ExplainedBy)
			if f.Fact != "" {
				about[kindOfDay(f.Fact)] = true
				if f.Type != Refuted {
					told[f.A] += f.Text
					told[f.B] += f.Text
				}
			}
		}
	}
	// Of several values an entry names, the one that a finding compares; else the
	// one that the other entries speak of.
	named := map[string]int{}
	for _, e := range t.Entries {
		for _, v := range valuesOf(e.Statement.Facts) {
			named[v]++
		}
	}
	var out []Step
	for _, e := range t.Entries {
		if !slices.Contains(want, e.N) {
			continue
		}
		s := Step{Entry: e}
		best := 0
		for i := range e.Statement.Facts {
			f := &e.Statement.Facts[i]
			n := 1
			if named[valueOf(*f)] > 1 {
				n++
			}
			if about[kindOfDay(f.Type)] {
				n += 2
				if strings.Contains(told[e.N], showFact(*f)) {
					n += 2
				}
			}
			if n > best {
				best, s.Fact = n, f
			}
		}
		out = append(out, s)
	}
	if len(out) > limit && limit > 1 {
		out = append(out[:limit-1:limit-1], out[len(out)-1]) // the last word is part of any short version
	}
	return out
}

// kindOfDay makes a day with and without a time one kind of thing.
func kindOfDay(t statement.FactType) statement.FactType {
	if t == statement.DateTime {
		return statement.Date
	}
	return t
}

func valueOf(f statement.Fact) string {
	v := f.Value
	if f.Type == statement.DateTime && len(v) > len("2006-01-02") {
		v = v[:len("2006-01-02")]
	}
	return string(kindOfDay(f.Type)) + " " + v
}

// valuesOf lists the values of facts, each once.
func valuesOf(facts []statement.Fact) []string {
	var out []string
	for _, f := range facts {
		if v := valueOf(f); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
