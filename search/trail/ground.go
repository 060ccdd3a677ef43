package trail

import (
	"maps"
	"strings"
	"time"
)

// Whether anything was written about a question is asked before what. Evidence is
// counted mail by mail, each with the mail it answers: the question's words and
// their synonyms, and for the words that are about mail rather than things (names,
// "date", "promised") that a mail is from or to the one named, names a fact of the
// slot asked for, or holds a statement of the kind. Things have to be found
// themselves: who, when and how much are written in any mail.

const (
	leastGround = 0.60 // of the whole question
	leastAnchor = 0.50 // of it, in a thread of the work; in any mail where all its things are written somewhere
	leastThings = 0.50 // of its things
	nearWord    = 0.7  // what a synonym counts
)

// grounded is the rule for "nothing in writing". A question that is about nothing
// but people ("what does Priya want from me now") is grounded in any mail of theirs.
func (q *query) grounded(p *pool) bool {
	if len(q.people)+len(q.parties) > 0 && !q.specific() {
		for _, m := range p.mails {
			if len(m.items) > 0 && (q.people[m.author] || q.parties[m.party]) {
				return true
			}
		}
	}
	best := q.ground(p)
	return best >= leastGround || best >= leastAnchor && q.allFound(p)
}

// allFound reports whether each of a question's things is written somewhere.
func (q *query) allFound(p *pool) bool {
	for _, t := range q.order {
		if q.thing(t) && p.df[t] == 0 {
			return false
		}
	}
	return true
}

// specific reports whether the question names a thing, not only people and deeds.
func (q *query) specific() bool {
	for _, t := range q.order {
		if q.thing(t) {
			return true
		}
	}
	return false
}

// thing reports whether a term names what a question is about: no person, no
// weekday or month, no small number. Words for money ("price", "pay") are things
// only where a question has no others: every client's mail speaks of money.
func (q *query) thing(t term) bool {
	if !q.bare(t) {
		return false
	}
	if q.asks[t] == 0 || moneyThings[t] {
		return true
	}
	for _, o := range q.order {
		if q.bare(o) && q.asks[o] == 0 {
			return false
		}
	}
	return true
}

// moneyThings are papers and sums that a client has few of.
var moneyThings = func() map[term]bool {
	m := map[term]bool{}
	for w := range set(`invoice bill refund surcharge discount deduct`) {
		m[stem(w)] = true
	}
	return m
}()

func (q *query) bare(t term) bool {
	return q.content[t] >= 1 && q.who[t] == nil && !strings.HasPrefix(t, "w:") && !strings.HasPrefix(t, "m:") && !strings.HasPrefix(t, "md:") && !smallNumber(t)
}

func smallNumber(t term) bool {
	n, ok := strings.CutPrefix(t, "n:")
	return ok && isNumber(n) && atoi(n) <= 12
}

// ground is the share of the question that the best mail covers; 0 where its
// things are not found.
func (q *query) ground(p *pool) float64 {
	best := 0.0
	for _, m := range p.mails {
		if len(m.items) == 0 {
			continue
		}
		if c := q.share(p, m); c > best {
			best = c
		}
	}
	return best
}

func (q *query) share(p *pool, m *mail) float64 {
	ts, syn := m.union()
	of := []*mail{m}
	if m.parent != nil {
		pt, ps := m.parent.union()
		ts, syn = maps.Clone(ts), maps.Clone(syn)
		for t, n := range pt {
			ts[t] += n
		}
		for c := range ps {
			syn[c] = true
		}
		of = append(of, m.parent)
	}
	var sum, total, things, found float64
	for _, t := range q.order {
		w := q.content[t]
		if w >= 1 && !q.thing(t) && q.who[t] == nil {
			w = 0.35 // "15 March" is one thing, not three
		}
		x := termMatch(t, ts, syn)
		if 0 < x && x < 1 {
			x = nearWord
		}
		if x < 1 && (q.attested(t, of)) {
			x = 1
		}
		sum, total = sum+w*x, total+w
		if q.thing(t) {
			things, found = things+w, found+w*x
		}
	}
	if total == 0 || things > 0 && found < leastThings*things {
		return 0
	}
	return sum / total
}

// attested reports whether a mail bears out a term that need not stand in it.
func (q *query) attested(t term, of []*mail) bool {
	for _, m := range of {
		if who := q.who[t]; who != nil {
			if who[m.party] && m.party != "" {
				return true
			}
			for _, a := range m.everybody() {
				if who[a] {
					return true
				}
			}
		}
		if q.content[t] >= 1 {
			continue
		}
		for _, it := range m.items {
			if q.asks[t]&it.slots() != 0 {
				return true
			}
			for _, k := range q.wants[t] {
				if k == it.s.Kind {
					return true
				}
			}
		}
	}
	return false
}

// connected drops what is about other work: mail far in time from the threads in
// which the question's things are found together, that names none of the things
// itself nor shares a rare fact, a citation or a move with them.
func (q *query) connected(p *pool, items []*item) []*item {
	if !q.specific() {
		return items
	}
	anchor := map[int]bool{}
	for _, m := range p.mails {
		if len(m.items) > 0 && q.share(p, m) >= leastAnchor {
			anchor[m.thread] = true
		}
	}
	var from, to time.Time
	var anchors []*item
	for _, it := range items {
		if anchor[it.m.thread] {
			anchors = append(anchors, it)
			if from.IsZero() || it.m.Date.Before(from) {
				from = it.m.Date
			}
			if it.m.Date.After(to) {
				to = it.m.Date
			}
		}
	}
	if len(anchors) == 0 {
		return items
	}
	var out []*item
	for _, it := range items {
		if anchor[it.m.thread] || !it.m.Date.Before(from.Add(-nearTime)) && !it.m.Date.After(to.Add(nearTime)) || q.touches(p, it, anchors) {
			out = append(out, it)
		}
	}
	return out
}

const nearTime = 21 * 24 * time.Hour

func (q *query) touches(p *pool, it *item, anchors []*item) bool {
	for _, t := range q.order {
		if q.thing(t) && termMatch(t, it.terms, it.syn) == 1 {
			return true
		}
	}
	for _, a := range anchors {
		if a == it.base || a.base == it || p.sharedFacts(it, a) >= 0.5 {
			return true
		}
		for _, m := range p.pointsAt(it) {
			if m == a.m {
				return true
			}
		}
	}
	return false
}
