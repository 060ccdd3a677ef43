package trail

import (
	"slices"
	"sort"

	"inwriting/indexer/statement"
)

// Which earlier statement a change or a dispute is about is chosen by what weighs most;
// whether a finding is made of the two, by rules, and for changes and unanswered
// questions also by the odds of a small linear model. They look a little beyond the
// entries: what a finding rests on belongs into the answer.

const (
	leastJudged    = 0.20 // of relevance
	leastPaired    = 0.30 // of relevance, of what a statement is described beside
	bothChanged    = 1.2  // of their relevances, where words leave no doubt
	leastTied      = 0.03 // likeness: hardly more than a word in common
	leastChange    = 0.22
	leastRestated  = 0.12 // how surely an answer restates what speaks against a claim about words
	leastAnswered  = 0.50 // the same, of a claim about anything else
	besideThePoint = 0.30 // less relevant by so much than another dispute, one is about something else
	leastNearby    = 0.30 // how alike they are where nothing restates it
	leastSilent    = 0.36
	leastPromise   = 0.08
	maxJudged      = 120 // statements

	leastOpposed = 0.30 // of each relevance, unless the other is sure
	sureOpposed  = 0.90
	bothOpposed  = 0.80 // of their sum
)

// verdict is a pair of statements that a finding sets beside each other: b took
// the place of a, or a is a dispute and b stands against it.
type verdict struct {
	a, b  *item
	score float64
}

// judged are the verdicts of a pool, in time order.
type judged struct {
	changed, refuted, opposed []verdict
	silent                    []*item        // questions that nobody answered
	missed                    map[*item]bool // promises that a question about promises asks for
}

// judge decides about the entries and what lies near them, and returns the entries
// with what the verdicts rest on.
func (p *pool) judge(q *query, entries []*item) []*item {
	f := &finder{p: p, entries: entries}
	wide := f.wide()
	in := map[*item]bool{}
	for _, it := range entries {
		in[it] = true
	}
	p.judged.changed = f.judgeChanges(wide, in)
	p.judged.refuted = f.judgeDisputes(wide, in)
	p.judged.opposed = f.judgeOpposites(wide, in)
	for _, a := range wide {
		if x := f.silenceFeatures(a); x != nil && logistic(dot(x, openWeights)) >= leastSilent {
			p.judged.silent = append(p.judged.silent, a)
		}
	}
	for _, v := range slices.Concat(p.judged.changed, p.judged.refuted, p.judged.opposed) {
		for _, it := range []*item{v.a, v.b} {
			if !in[it] {
				in[it] = true
				entries = append(entries, it)
			}
		}
	}
	for _, it := range p.judged.silent {
		if !in[it] {
			in[it] = true
			entries = append(entries, it)
		}
	}
	if len(entries) > 0 && q.kinds[statement.Commitment] {
		entries = f.askedPromises(q, entries, in)
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].index < entries[j].index })
	return entries
}

// wide are the entries and what lies near them, in time order.
func (f *finder) wide() []*item {
	in := map[*item]bool{}
	for _, it := range f.entries {
		in[it] = true
	}
	var wide []*item
	for _, it := range f.p.items {
		if in[it] || it.p2 >= leastJudged {
			wide = append(wide, it)
		}
	}
	if len(wide) > maxJudged {
		sort.SliceStable(wide, func(i, j int) bool { return wide[i].p2 > wide[j].p2 })
		wide = wide[:maxJudged]
		sort.SliceStable(wide, func(i, j int) bool { return wide[i].index < wide[j].index })
	}
	return wide
}

// askedPromises adds the promises that passed without being kept, where a question
// asks for the promises of a side: they need not name what it names.
func (f *finder) askedPromises(q *query, entries []*item, in map[*item]bool) []*item {
	f.number = map[*item]int{}
	f.p.judged.missed = map[*item]bool{}
	for i, it := range entries {
		f.number[it] = i + 1
	}
	put := func(it *item) {
		if !in[it] {
			in[it] = true
			entries = append(entries, it)
		}
	}
	for _, a := range f.p.items {
		if a.s.Kind != statement.Commitment || q.speaker != "" && a.role != q.speaker || a.p2 < leastPromise {
			continue
		}
		kept, complaint, _ := f.missed(a, true)
		if kept == nil && complaint == nil {
			continue
		}
		f.p.judged.missed[a] = true
		put(a)
		if complaint != nil {
			put(complaint)
		} else {
			put(kept)
		}
	}
	return entries
}

// changes pairs what may change something with what it likeliest took the place of.
func (f *finder) changes(wide []*item, in map[*item]bool) []verdict {
	var all []verdict
	for _, b := range wide {
		if !in[b] {
			continue
		}
		if a := f.replacedBy(b, wide); a != nil {
			if a = f.inForce(a, b, wide); f.p.passesOn(a, b, wide) || !f.p.tied(a, b) {
				continue
			}
			score := logistic(dot(f.p.changeFeatures(a, b), changeWeights))
			if a.p2+b.p2 >= bothChanged && f.p.replaces(a, b) {
				score += leastChange
			}
			all = append(all, verdict{a, b, score})
		}
	}
	return all
}

// replacedBy is the earlier statement whose place a later one likeliest took; nil
// where there is none.
func (f *finder) replacedBy(b *item, wide []*item) (a *item) {
	best := 0.0
	for _, c := range wide {
		if c.index >= b.index {
			break
		}
		if s, ok := f.p.displaces(c, b); ok && (a == nil || s > best) {
			a, best = c, s
		}
	}
	return a
}

// judgeChanges keeps the likely changes; nothing is replaced twice.
func (f *finder) judgeChanges(wide []*item, in map[*item]bool) []verdict {
	var all []verdict
	for _, v := range f.changes(wide, in) {
		if v.score >= leastChange {
			all = append(all, v)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].score > all[j].score })
	gone := map[*item]bool{}
	var out []verdict
	for _, v := range all {
		void := !authority(v.a, v.b)
		if gone[v.a] && !void {
			continue
		}
		if !void {
			gone[v.a] = true
		}
		out = append(out, v)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].b.index < out[j].b.index })
	return out
}

// inForce is what b replaces where it follows from a: of a chain of values the last,
// the client's words before ours that pass them on, an offer before its approval.
func (f *finder) inForce(a, b *item, wide []*item) *item {
	if b.base == a || b.s.Kind == statement.Approval {
		return a
	}
	if a.s.Kind == statement.Approval && a.side() != b.side() {
		if o := f.p.answersTo(a); o != nil && o.side() == b.side() && (o.s.Kind == statement.Terms || o.s.Kind == statement.Answer) && slices.Contains(wide, o) {
			return o
		}
	}
	if a.side() == Us && a.s.Kind != statement.Terms {
		for _, c := range wide {
			if c.index < a.index && c.side() == Client && agree(c, a) && (c.s.Kind == statement.Instruction || c.s.Kind == statement.Approval || c.s.Kind == statement.Change) && f.p.pair(c, b).fits {
				return c
			}
		}
	}
	fact, _, _ := conflict(a, b)
	if fact == "" {
		return a
	}
	last := a
	for _, c := range wide {
		if c.index <= a.index || c.index >= b.index || c.m == b.m || c.side() != a.side() {
			continue
		}
		switch c.s.Kind {
		case statement.Change, statement.Instruction, statement.Answer, statement.Approval:
		default:
			continue
		}
		x, _, _ := conflict(a, c)
		y, _, _ := conflict(c, b)
		if x == fact && y == fact && !c.flagged(statement.Hedged) {
			last = c
		}
	}
	return last
}

// against is the earlier statement that stands most against a dispute; nil where
// none does, or where the record bears out what it claims.
func (f *finder) against(d *item, wide []*item) (b *item) {
	if f.borneOut(d) {
		return nil
	}
	best := 0.0
	for _, c := range wide {
		if c.index >= d.index {
			break
		}
		if c.m == d.m || c.s.Kind == statement.Dispute && (c.side() == d.side() || d.claimOf().whose != othersWords) || !f.p.opposed(d, c) {
			continue
		}
		s := f.p.weighs(d, c)
		for _, v := range f.p.judged.changed {
			if v.a == c && v.b.index < d.index && authority(v.a, v.b) {
				s -= 2 // no longer in force when the dispute was written
			}
		}
		if b == nil || s > best {
			b, best = c, s
		}
	}
	return b
}

// judgeDisputes pairs disputes with the earlier words that stand against them. Of
// the disputes of one mail against the same words, the one most against them.
func (f *finder) judgeDisputes(wide []*item, in map[*item]bool) []verdict {
	var all []verdict
	for _, d := range wide {
		if !in[d] || d.s.Kind != statement.Dispute || d.p2 < leastRelevant {
			continue
		}
		b := f.against(d, wide)
		if b == nil {
			continue
		}
		if score, ok := f.refutes(d, b); ok {
			all = append(all, verdict{d, b, score})
		}
	}
	var out []verdict
	for _, v := range all {
		worse := false
		for _, o := range all {
			worse = worse || o.a.p2 > v.a.p2+besideThePoint
			worse = worse || o.b == v.b && o.a.m == v.a.m && (o.score > v.score || o.score == v.score && o.a.index < v.a.index)
		}
		if !worse {
			out = append(out, v)
		}
	}
	return out
}
