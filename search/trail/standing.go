package trail

import (
	"sort"
	"time"

	"inwriting/indexer/statement"
)

// Standing says of an entry that tells somebody what to do, or on what terms,
// whether it held at the date a trail was asked for.
type Standing struct {
	N          int   `json:"n"`
	InForce    bool  `json:"in_force"`
	ReplacedBy []int `json:"replaced_by,omitempty"` // the changes that took its place, in time order
	NotApplied []int `json:"not_applied,omitempty"` // changes by somebody who is neither us nor speaks for the client
}

// authority reports whether the author of b may change what a says. What a client
// has said, the client and we may change (a change of ours is told as ours, and
// the client sees whose it is); a third party or an address that nobody has
// configured may not, nor somebody of the client who did not speak for it then.
// What is not the client's own anybody may change who said it.
func authority(a, b *item) bool {
	return a.side() != Client || b.side() == Us || b.side() == Client && b.m.speaks
}

// standings lists the entries that instruct or set terms, and what became of them.
func standings(entries []*item, findings []Finding) []Standing {
	out := []Standing{}
	for i, it := range entries {
		switch it.s.Kind {
		case statement.Instruction, statement.Change, statement.Approval, statement.Terms:
		default:
			continue
		}
		s := Standing{N: i + 1}
		for _, f := range findings {
			switch {
			case f.Type != Changed || f.A != s.N:
			case f.NotApplied:
				s.NotApplied = append(s.NotApplied, f.B)
			default:
				s.ReplacedBy = append(s.ReplacedBy, f.B)
			}
		}
		// A change without authority is itself never in force.
		void := false
		for _, f := range findings {
			void = void || f.Type == Changed && f.B == s.N && f.NotApplied
		}
		s.InForce = len(s.ReplacedBy) == 0 && !void
		out = append(out, s)
	}
	return out
}

// until keeps the records that were written by then.
func until(records []*Record, then time.Time) []*Record {
	if then.IsZero() {
		return records
	}
	var out []*Record
	for _, r := range records {
		if r != nil && !r.Date.After(then) {
			out = append(out, r)
		}
	}
	return out
}

const leastNear = 0.30 // of relevance

// near lists the statements that came closest and were left out, the nearest
// first. What a person took out is told elsewhere, with the reason.
func (p *pool) near(q *query, entries []*item, o Options) []Statement {
	if o.Near <= 0 || len(p.items) == 0 {
		return nil
	}
	if len(entries) == 0 {
		q.score(p) // nothing was grounded, so nothing was scored
	}
	out := map[*item]bool{}
	for _, it := range entries {
		out[it] = true
	}
	for _, want := range o.Excluded {
		for _, it := range p.find(want) {
			out[it] = true
		}
	}
	var list []*item
	for _, it := range p.items {
		if !out[it] && it.p2 >= leastNear {
			list = append(list, it)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].p2 > list[j].p2 })
	var near []Statement
	for _, it := range list[:min(o.Near, len(list))] {
		near = append(near, it.shown())
	}
	return near
}
