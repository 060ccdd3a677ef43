package trail

import (
	"math"
	"slices"
	"sort"
	"strings"

	"inwriting/indexer/statement"
)

// tie is a link with the summands that speak for it.
type tie struct {
	rel      Rel
	from, to *item // from is the later one
	score    float64
}

// rels says what a statement of one kind can do to an earlier one of another.
// sides: 'o' the two stand on different sides, 's' on the same, 'a' any.
var rels = []struct {
	from  statement.Kind
	rel   Rel
	to    []statement.Kind
	sides byte
}{
	{statement.Confirmation, Confirms, []statement.Kind{statement.Instruction, statement.Change, statement.Approval, statement.Commitment, statement.Terms, statement.Answer, statement.Caveat}, 'o'},
	{statement.Commitment, Confirms, []statement.Kind{statement.Instruction, statement.Change}, 'o'},
	{statement.Approval, Approves, []statement.Kind{statement.Question, statement.Terms, statement.Delivery, statement.Caveat, statement.Commitment, statement.Change}, 'o'},
	{statement.Answer, Answers, []statement.Kind{statement.Question}, 'o'},
	{statement.Change, Changes, []statement.Kind{statement.Instruction, statement.Confirmation, statement.Terms, statement.Approval, statement.Change, statement.Delivery, statement.Commitment, statement.Assurance}, 'a'},
	{statement.Delivery, Fulfils, []statement.Kind{statement.Instruction, statement.Change, statement.Approval}, 'o'},
	{statement.Delivery, Fulfils, []statement.Kind{statement.Commitment}, 's'},
	{statement.Dispute, Disputes, []statement.Kind{statement.Delivery, statement.Terms, statement.Confirmation, statement.Commitment, statement.Caveat, statement.Assurance, statement.Answer, statement.Dispute, statement.Question}, 'o'},
}

// side folds everybody who is neither us nor a client into one.
func (it *item) side() Role {
	if it.role == Us || it.role == Client {
		return it.role
	}
	return Other
}

func sidesFit(sides byte, a, b *item) bool {
	switch sides {
	case 'o':
		return a.side() != b.side()
	case 's':
		return a.side() == b.side()
	}
	return true
}

const linkThreshold = 1.2

// link ties every entry to earlier ones: the best for each relation, and what it
// points at by day or by quotation.
func (p *pool) link(entries []*item) []tie {
	var out []tie
	for i, it := range entries {
		best := map[Rel]tie{}
		for _, r := range rels {
			if r.from != it.s.Kind {
				continue
			}
			between := map[*mail]bool{} // mails with a candidate between the two
			for j := i - 1; j >= 0; j-- {
				c := entries[j]
				if c.m == it.m || !kindIn(c.s.Kind, r.to) || !sidesFit(r.sides, it, c) {
					continue
				}
				passed := 0.6
				if r.rel == Disputes {
					passed = 0.1 // whoever disputes reaches back over much mail
				}
				s := p.linkScore(it, c) - passed*math.Min(float64(len(between)), 3)
				if r.rel == Disputes && it.side() == Client && c.side() == Other {
					s -= 0.3 // a client's quarrel is with us before it is with others
				}
				if r.rel != Disputes && p.sharedFacts(it, c) >= 0.5 {
					s += 0.3 * math.Min(float64(len(between)), 3) // nor does other mail part what names one day
				}
				if r.rel == Changes {
					continue // judged
				}
				between[c.m] = true
				if s >= linkThreshold && s > best[r.rel].score+1e-9 {
					best[r.rel] = tie{r.rel, it, c, s}
				}
			}
		}
		for _, v := range p.judged.changed {
			if v.b == it && slices.Contains(entries[:i], v.a) {
				best[Changes] = tie{Changes, it, v.a, linkThreshold + 2}
			}
		}
		if b := p.cited(it, entries[:i]); b != nil {
			best[Refers] = tie{Refers, it, b, 3}
		}
		for _, rel := range []Rel{Confirms, Approves, Answers, Changes, Fulfils, Disputes, Refers} {
			if t, ok := best[rel]; ok {
				if rel == Refers {
					dup := false
					for _, o := range best {
						dup = dup || o.rel != Refers && o.to == t.to
					}
					if dup {
						continue
					}
				}
				out = append(out, t)
			}
		}
	}
	return out
}

// linkScore adds up what speaks for a link from a later statement to an earlier one.
func (p *pool) linkScore(it, c *item) float64 {
	s := 0.0
	switch {
	case it.m.parent == c.m:
		s += 2
	case it.m.thread == c.m.thread:
		s += 0.8
	}
	for _, f := range it.s.Facts {
		for _, g := range c.s.Facts {
			if f.Type == statement.Reference && sameValue(f, g) {
				s += 1.5
			}
		}
	}
	s += math.Min(1.2, 2.5*p.alike(it, c))
	if p.sharedFacts(it, c) > 0 {
		s++
	} else if fact, _, _ := conflict(it, c); fact != "" && it.s.Kind == statement.Dispute {
		s += 0.8 // a dispute disagrees with what it disputes
	}
	days := it.m.Date.Sub(c.m.Date).Hours() / 24
	return s - math.Min(1, days/45)
}

// cited returns the earlier statement that one quotes, or the statement most like
// it in a mail whose day it names.
func (p *pool) cited(it *item, earlier []*item) *item {
	if q := p.quotedBy(it, earlier); q != nil {
		return q
	}
	mails := p.pointsAt(it)
	var best *item
	score := 0.0
	for _, m := range mails {
		for _, c := range earlier {
			if c.m != m {
				continue
			}
			if s := 0.05 + p.similar(it, c); s > score {
				best, score = c, s
			}
		}
	}
	return best
}

// quotes reports whether a statement holds words in quotation marks, and finds them.
func (p *pool) quotes(it *item) bool {
	if !it.quoted {
		it.quoted = true
		for _, q := range quotations(it.s.Quote) {
			if q = strings.Join(words(q), " "); len(q) >= 6 {
				it.quotes = append(it.quotes, q)
			}
		}
	}
	return len(it.quotes) > 0
}

// quotedBy returns the latest earlier statement whose words stand in quotation marks in it.
func (p *pool) quotedBy(it *item, earlier []*item) *item {
	p.quotes(it)
	for _, want := range it.quotes {
		// A quotation may run on over two statements; its start is enough.
		start := ""
		if ws := strings.Fields(want); len(ws) >= 4 {
			start = " " + strings.Join(ws[:3], " ") + " "
		}
		want = " " + want + " "
		for i := len(earlier) - 1; i >= 0; i-- {
			c := earlier[i]
			if c.m == it.m {
				continue
			}
			if f := c.folds(); strings.Contains(f, want) || start != "" && strings.Contains(f, start) {
				return c
			}
		}
	}
	return nil
}

var quoteMarks = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`)

func quotations(s string) []string {
	parts := strings.Split(quoteMarks.Replace(s), `"`)
	var out []string
	for i := 1; i < len(parts); i += 2 {
		out = append(out, parts[i]) // a quotation cut off at the sentence's end counts too
	}
	return out
}

func kindIn(k statement.Kind, list []statement.Kind) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// linksOf gives the links of one entry, by number.
func linksOf(it *item, ties []tie, number map[*item]int) []Link {
	out := []Link{}
	for _, t := range ties {
		if t.from == it {
			out = append(out, Link{t.rel, number[t.to]})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].N < out[j].N })
	return out
}

// tiesBack lists what a statement may do to statements of the mail it answers and
// of the mails just before it in its thread, with what speaks for it.
func (p *pool) tiesBack(it *item) (out []tie) {
	seen := 0
	for i := it.m.index - 1; i >= 0 && seen < 4; i-- {
		m := p.mails[i]
		if m.thread != it.m.thread {
			continue
		}
		seen++
		for _, c := range m.items {
			for _, r := range rels {
				if r.from == it.s.Kind && kindIn(c.s.Kind, r.to) && sidesFit(r.sides, it, c) {
					if s := p.linkScore(it, c); s > 0 {
						out = append(out, tie{r.rel, it, c, s})
					}
					break
				}
			}
		}
	}
	return out
}
