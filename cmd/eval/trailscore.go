package main

import (
	"fmt"
	"io"
	"sort"

	"inwriting/indexer/archive"
	"inwriting/search/trail"
)

// Asker answers a case's questions as a user of that mailbox would see them
// answered: the case's mail imported into a vault of its own, its people
// configured, each question asked once. The map is by the question's words; a
// question without an answer is absent.
type Asker interface {
	Ask(caseDir string, g *Gold) (map[string]*trail.Trail, error)
}

// trailResult is what the answers of one case, or a set, score.
type trailResult struct {
	recall    prf // must
	precision prf // must or may
	questions int
	answered  int
	findings  map[string]*prf
	all       prf
}

func newTrailResult() *trailResult { return &trailResult{findings: map[string]*prf{}} }

func (r *trailResult) finding(t string) *prf {
	p := r.findings[t]
	if p == nil {
		p = &prf{}
		r.findings[t] = p
	}
	return p
}

func (r *trailResult) add(o *trailResult) {
	r.recall.add(o.recall)
	r.precision.add(o.precision)
	r.questions += o.questions
	r.answered += o.answered
	r.all.add(o.all)
	for t, p := range o.findings {
		r.finding(t).add(*p)
	}
}

// placed is an entry's place: which file, and where in its squashed text.
type placed struct {
	file string
	at   [2]int
}

// locate finds where an entry's quote stands. The message is known by its ref,
// the place by the words, the nearest one to Start where they occur twice.
func locate(g *Gold, byRef map[archive.Ref]string, s *trail.Statement) (placed, bool) {
	file, ok := byRef[s.Message.Ref]
	if !ok {
		return placed{}, false
	}
	places := g.mails[file].flat.find(s.Quote)
	if len(places) == 0 {
		return placed{}, false
	}
	best := places[0]
	for _, p := range places {
		if g.mails[file].isNew(p) {
			best = p
			break
		}
	}
	return placed{file, best}, true
}

// overlaps reports whether a returned place answers a labelled one.
func overlaps(g *Gold, p placed, want *Place) bool {
	if want == nil || p.file != want.File {
		return false
	}
	ml, ok := g.mails[want.File]
	if !ok {
		return false
	}
	for _, w := range ml.flat.find(want.Quote) {
		if matches(p.at, w) {
			return true
		}
	}
	return false
}

// scoreTrails scores the answers to one case's questions.
func scoreTrails(g *Gold, answers map[string]*trail.Trail, verbose io.Writer) *trailResult {
	res := newTrailResult()
	byRef := map[archive.Ref]string{}
	for _, f := range g.files() {
		byRef[g.mails[f].ref] = f
	}
	for qi := range g.Questions {
		q := &g.Questions[qi]
		res.questions++
		t := answers[q.Ask]
		var entries []placed
		byN := map[int]placed{}
		if t != nil {
			if len(t.Entries) > 0 {
				res.answered++
			}
			for i := range t.Entries {
				p, ok := locate(g, byRef, &t.Entries[i].Statement)
				if !ok {
					p = placed{file: "?"}
				}
				entries = append(entries, p)
				byN[t.Entries[i].N] = p
			}
		}
		for i := range q.Must {
			res.recall.labelled++
			ok := false
			for _, p := range entries {
				ok = ok || overlaps(g, p, &q.Must[i])
			}
			if ok {
				res.recall.found++
			} else if verbose != nil {
				fmt.Fprintf(verbose, "%s q%d missing must %s %q\n", g.ID, qi+1, q.Must[i].File, q.Must[i].Quote)
			}
		}
		for ei, p := range entries {
			res.precision.returned++
			ok := false
			for i := range q.Must {
				ok = ok || overlaps(g, p, &q.Must[i])
			}
			for i := range q.May {
				ok = ok || overlaps(g, p, &q.May[i])
			}
			if ok {
				res.precision.hit++
			} else if verbose != nil {
				fmt.Fprintf(verbose, "%s q%d noise %s %q\n", g.ID, qi+1, p.file, t.Entries[ei].Statement.Quote)
			}
		}
		if t == nil {
			for i := range q.Findings {
				res.finding(q.Findings[i].Type).labelled++
				res.all.labelled++
			}
			continue
		}
		scoreFindings(res, g, q, t, byN, verbose)
	}
	return res
}

func scoreFindings(res *trailResult, g *Gold, q *GoldQuestion, t *trail.Trail, byN map[int]placed, verbose io.Writer) {
	same := func(f *trail.Finding, w *GoldFinding) bool {
		if string(f.Type) != w.Type {
			return false
		}
		a, b := byN[f.A], byN[f.B]
		if w.B == nil {
			return overlaps(g, a, w.A)
		}
		if overlaps(g, a, w.A) && overlaps(g, b, w.B) {
			return true
		}
		return w.Type == string(trail.Contradiction) && overlaps(g, b, w.A) && overlaps(g, a, w.B)
	}
	for i := range t.Findings {
		f := &t.Findings[i]
		ok := false
		for k := range q.Findings {
			ok = ok || same(f, &q.Findings[k])
		}
		res.finding(string(f.Type)).returned++
		res.all.returned++
		if ok {
			res.finding(string(f.Type)).hit++
			res.all.hit++
		} else if verbose != nil {
			fmt.Fprintf(verbose, "%s wrong finding %s %d %d: %s\n", g.ID, f.Type, f.A, f.B, f.Text)
		}
	}
	for k := range q.Findings {
		w := &q.Findings[k]
		res.finding(w.Type).labelled++
		res.all.labelled++
		ok := false
		for i := range t.Findings {
			ok = ok || same(&t.Findings[i], w)
		}
		if ok {
			res.finding(w.Type).found++
			res.all.found++
		} else if verbose != nil {
			fmt.Fprintf(verbose, "%s missed finding %s: %s\n", g.ID, w.Type, w.About)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
