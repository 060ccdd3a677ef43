package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

// Whoever answers a dispute, or reports what was agreed, restates earlier words: by
// quotation, by the day of the mail they stand in, by who said them. Which earlier
// statement is meant is what such a sentence says itself, so it weighs more than
// how like two statements are.

// restates is how surely r restates b, from 0 to 1.
func (p *pool) restates(r, b *item) float64 {
	if r.m == b.m || r.index <= b.index {
		return 0
	}
	sure := 0.0
	if p.quotes(r) {
		for _, q := range r.quotes {
			sure = math.Max(sure, sameWords(q, b.folds()))
		}
	}
	if sure < 1 && p.cites(r, b) {
		like, deed := p.similar(r, b), kindIn(b.s.Kind, r.claimOf().deeds)
		if like > 0 || deed { // other mail may have passed that day
			sure = math.Max(sure, 0.2+0.5*math.Min(1, 2*like)+pick(deed, 0.3, 0))
		}
	}
	if sure > 0 && sure < 1 && !p.spokenBy(r, b) {
		sure *= 0.3
	}
	return sure
}

// sameWords is 1 where one of a quotation and a statement holds the other, less
// where only the start of the quotation stands in the statement: it runs on.
func sameWords(quote, folded string) float64 {
	own := strings.TrimSpace(folded)
	switch ws := strings.Fields(quote); {
	case len(ws) >= 2 && strings.Contains(folded, " "+quote+" "):
		return 1
	case strings.Count(own, " ") >= 2 && strings.Contains(" "+quote+" ", " "+own+" "):
		return 1
	case len(ws) >= 4 && strings.Contains(folded, " "+strings.Join(ws[:3], " ")+" "):
		return 0.9
	}
	return 0
}

// spokenBy reports whether r names b's author as who said what it restates; it does
// not say no where r names nobody.
func (p *pool) spokenBy(r, b *item) bool {
	named := false
	for _, w := range r.bag.words {
		switch w {
		case "you", "your", "yours", "you'd", "you've":
			if named = true; b.side() != r.side() {
				return true
			}
		case "i", "my", "mine", "i'd", "i've", "we", "our", "me":
			if named = true; b.side() == r.side() {
				return true
			}
		default:
			for _, a := range p.called(w) {
				if named = true; a == b.m.author || p.sameParty(a, b.m.author) && samePersonName(w, b) {
					return true
				}
			}
		}
	}
	return !named
}

// sameParty reports whether two addresses stand on one configured side.
func (p *pool) sameParty(a, b string) bool {
	r, x := p.people.Role(a)
	s, y := p.people.Role(b)
	return r == s && x == y && r != Unknown
}

func samePersonName(w string, b *item) bool {
	n := firstName(b)
	if len(w) > len(n) {
		w, n = n, w
	}
	return len(w) >= 3 && strings.HasPrefix(n, w)
}

// answering is how surely r speaks to the dispute d: it answers its mail, or is what
// d answers, or comes later from the other side.
func answering(r, d *item) float64 {
	switch {
	case r.m == d.m || r.side() == d.side():
		return 0
	case r.m.parent == d.m:
		return 1
	case d.m.parent == r.m:
		return 0.8
	case r.index < d.index:
		return 0
	case r.m.thread == d.m.thread:
		return 0.5
	}
	return 0.25
}

// restatedTo looks for b among the words restated in answer to d, by how surely it
// is meant there. Where one mail answers several disputes, what is like d counts.
func (p *pool) restatedTo(d, b *item) float64 {
	best := 0.0
	for _, r := range p.answersBack(d) {
		if r.weight > best {
			best = math.Max(best, r.weight*p.restates(r.item, b))
		}
	}
	return best
}

// reply is a statement that restates something in answer to another, and how surely
// it speaks to that one's point.
type reply struct {
	*item
	weight float64
}

// answersBack lists what restates something in answer to d, found once.
func (p *pool) answersBack(d *item) []reply {
	if !d.replied {
		d.replied = true
		for _, r := range p.restating() {
			if w := answering(r, d); w > 0 {
				d.replies = append(d.replies, reply{r, w * (0.25 + 0.75*p.onPoint(d, r))})
			}
		}
	}
	return d.replies
}

// onPoint is how like a dispute is what answers it, with what that leans on.
func (p *pool) onPoint(d, r *item) float64 {
	s := math.Max(p.alikeAbout(d, r), p.similar(d, r))
	if b := r.before(); b != nil {
		s = math.Max(s, math.Max(p.alikeAbout(d, b), p.similar(d, b)))
	}
	return math.Min(1, 2*s)
}

// before is the statement that one goes on from: "… and you answered that it was fine".
func (it *item) before() *item {
	if it.pos == 0 {
		return nil
	}
	for _, w := range [...]string{" and ", " but "} {
		if strings.HasPrefix(it.folds(), w) {
			return it.m.items[it.pos-1]
		}
	}
	return nil
}

// restating are the statements that quote something or point at the day of a mail.
func (p *pool) restating() []*item {
	if !p.sought {
		p.sought = true
		for _, r := range p.items {
			if r.s.Kind != statement.Question && (p.quotes(r) || len(p.pointsAt(r)) > 0) {
				p.citing = append(p.citing, r)
			}
		}
	}
	return p.citing
}
