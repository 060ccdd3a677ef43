package trail

import (
	"math"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// openFeatures describes a statement that something may be missing after, by the
// finding it would be.
func (f *finder) openFeatures(q *query, a *item) (FindingType, []float64) {
	if a.m.Auto || a.m.role == Unknown {
		return "", nil
	}
	var kind FindingType
	switch a.s.Kind {
	case statement.Question:
		kind = Unanswered
	case statement.Instruction, statement.Change:
		kind = Unconfirmed
		if a.asks() {
			kind = Unanswered
		}
	case statement.Confirmation, statement.Caveat:
		if a.side() != Us {
			return "", nil
		}
		kind = Unacknowledged
	default:
		return "", nil
	}
	r := f.response(a)
	top := 0.0
	rank := 0.0
	for _, it := range f.entries {
		top = math.Max(top, it.p2)
		if it != a && it.s.Kind == a.s.Kind && it.p2 > a.p2 {
			rank++
		}
	}
	one := func(b bool) float64 { return pick(b, 1, 0) }
	x := []float64{1, one(a.s.Kind == statement.Change), one(a.s.Kind == statement.Caveat), one(a.s.Kind == statement.Instruction && kind == Unanswered),
		clipped(a.p2), a.p2 - top, math.Min(rank, 4), one(rank == 0),
		one(a.side() == Us), one(a.side() == Client), one(toClient(f.p, a)),
		one(r.direct), one(r.replied), one(r.next), r.best, one(r.answers), one(r.promised), one(r.shared), one(r.later), one(r.lastMail),
		one(r.missed), one(a.flagged(statement.Hedged)), one(a.flagged(statement.Conditional)),
		math.Min(1, r.questions/3), one(q != nil && (q.kinds[statement.Question])), a.lex, one(r.auto), one(r.done),
	}
	// The three share a model: there is one way of being left without a word.
	u, w := one(kind == Unconfirmed), one(kind == Unacknowledged)
	return kind, append(x, one(kind == Unanswered), u, w, u*clipped(a.p2), w*clipped(a.p2))
}

func toClient(p *pool, a *item) bool {
	for _, x := range a.m.everybody() {
		if p.role(x) == Client {
			return true
		}
	}
	return false
}

// response is what came back after a statement.
type response struct {
	direct, replied, next                      bool    // a reply to its mail, a later mail of the thread, of whoever was addressed at all
	best                                       float64 // how like it the likest later words of the other side are
	answers, promised, shared, later, lastMail bool
	missed                                     bool // its author says later that nothing came
	questions                                  float64
	auto, done                                 bool
}

func (f *finder) response(a *item) (r response) {
	r.lastMail = true
	for _, x := range a.m.items {
		if x.s.Kind == statement.Question {
			r.questions++
		}
	}
	for _, c := range f.p.mails[a.m.index+1:] {
		if side(c.role) == side(a.m.role) {
			for _, it := range c.items {
				s := it.folds()
				if f.p.alikeAbout(a, it) > 0.12 || f.p.cites(it, a) {
					for _, w := range silences {
						r.missed = r.missed || strings.Contains(s, w)
					}
				}
				if it.s.Kind == statement.Delivery && f.p.alike(a, it) > 0.2 {
					r.done = true
				}
			}
			continue
		}
		if c.Auto {
			r.auto = r.auto || c.parent == a.m
			continue
		}
		to := addressed(a.m, c.author, f.p)
		if !to && side(c.role) != Other {
			continue
		}
		if !to && c.thread != a.m.thread {
			continue
		}
		r.lastMail = false
		fresh := !r.next && c.Date.Sub(a.m.Date) < 48*time.Hour
		r.next = true
		direct := c.parent == a.m
		inThread := c.thread == a.m.thread
		r.direct = r.direct || direct
		r.replied = r.replied || inThread
		for _, it := range c.items {
			s := math.Max(f.p.alike(a, it), f.p.similar(a, it))
			r.best = math.Max(r.best, s)
			r.shared = r.shared || agree(a, it) || sharesNumber(a, it)
			switch it.s.Kind {
			case statement.Answer, statement.Approval, statement.Confirmation, statement.Change, statement.Delivery:
				if direct || inThread && fresh || s > 0.15 && c.Date.Sub(a.m.Date) < 21*24*time.Hour {
					r.answers = true
				}
			case statement.Commitment, statement.Instruction, statement.Terms:
				if direct || inThread && fresh {
					r.promised = true
				}
			}
			r.later = r.later || s > 0.3
		}
	}
	return r
}

// cites reports whether a later statement points at the day of an earlier one's mail.
func (p *pool) cites(it, a *item) bool {
	for _, m := range p.pointsAt(it) {
		if m == a.m {
			return true
		}
	}
	return false
}

var silences = []string{" no answer ", " no reply ", " not answered ", " never heard ", " not heard ", " no response ", " unanswered ", " without an answer ", " without answer ", " not replied ", " didn't answer ", " didn't reply ", " did not answer ", " did not reply ", " haven't heard ", " got no ", " never answered ", " never replied ", " heard nothing ", " still waiting "}
