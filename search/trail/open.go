package trail

import (
	"math"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// silenceFeatures describes a question that went unanswered, or an instruction that
// asked for word: whether it is what the trail's question is about. nil for anything else.
func (f *finder) silenceFeatures(a *item) []float64 {
	if !f.open(a) {
		return nil
	}
	rank := 0.0
	for _, it := range f.entries {
		if it != a && it.p2 > a.p2 && f.open(it) {
			rank++
		}
	}
	r := f.response(a)
	one := func(b bool) float64 { return pick(b, 1, 0) }
	return []float64{1, one(a.s.Kind == statement.Instruction), clipped(a.p2), math.Min(rank, 3), a.lex, one(a.side() == Us), one(r.lastMail), one(r.missed), r.best}
}

// open reports whether a question, or an instruction that asks for word, got no answer.
func (f *finder) open(a *item) bool {
	if a.s.Kind != statement.Question && !a.asks() || a.m.Auto || a.m.role == Unknown {
		return false
	}
	if a.s.Kind != statement.Question {
		for _, x := range a.m.items {
			if x != a && x.s.Kind == statement.Confirmation && f.unacknowledged(x) {
				return false // the recap beside it is what waits
			}
		}
	}
	if a.answered == 0 {
		a.answered = -1
		if f.answered(a) {
			a.answered = 1
		}
	}
	return a.answered < 0
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
	direct, replied, next bool    // a reply to its mail, a later mail of the thread, of whoever was addressed at all
	best                  float64 // how like it the likest later words of the other side are
	answers, lastMail     bool
	missed                bool // its author says later that nothing came
	questions             float64
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
			}
			continue
		}
		if c.Auto {
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
			switch it.s.Kind {
			case statement.Answer, statement.Approval, statement.Confirmation, statement.Change, statement.Delivery:
				if direct || inThread && fresh || s > 0.15 && c.Date.Sub(a.m.Date) < 21*24*time.Hour {
					r.answers = true
				}
			case statement.Terms: // a quotation that was asked for
				if s > 0.3 && c.Date.Sub(a.m.Date) < 21*24*time.Hour {
					r.answers = true
				}
			}
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
