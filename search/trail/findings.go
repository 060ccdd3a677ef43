package trail

import (
	"sort"
	"strings"

	"inwriting/indexer/statement"
)

// findings compares the numbered statements. It knows typed facts, links, sides
// and the order of mail; it never concludes from prose.
func (p *pool) findings(entries []*item, ties []tie, number map[*item]int) []Finding {
	f := &finder{p: p, entries: entries, ties: ties, number: number}
	f.changed()
	f.contradictions()
	f.refuted()
	f.unanswered()
	f.instructions()
	f.recaps()
	f.commitments()
	out := f.found
	order := map[FindingType]int{Contradiction: 0, Changed: 1, Refuted: 2, Missed: 3, Unanswered: 4, Unconfirmed: 5, Unacknowledged: 6}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Type != b.Type {
			return order[a.Type] < order[b.Type]
		}
		if a.A != b.A {
			return a.A < b.A
		}
		return a.B < b.B
	})
	if out == nil {
		out = []Finding{}
	}
	return out
}

type finder struct {
	p       *pool
	entries []*item
	ties    []tie
	number  map[*item]int
	found   []Finding
	loose   bool // nothing was judged: a change is what says so
}

func (f *finder) add(t FindingType, a, b, by *item, fact statement.FactType, text string) {
	x := Finding{Type: t, A: f.number[a], Fact: fact, Text: upper(text)}
	if b != nil {
		x.B = f.number[b]
	}
	if by != nil {
		x.ExplainedBy = f.number[by]
	}
	f.found = append(f.found, x)
}

// changed tells what took the place of what.
func (f *finder) changed() {
	for _, v := range f.p.judged.changed {
		if f.number[v.a] > 0 && f.number[v.b] > 0 {
			f.change(v.a, v.b)
		}
	}
}

// change tells that b replaced a.
func (f *finder) change(a, b *item) {
	fact, was, now := conflict(a, b)
	if b.base != nil && a.firstDay() != nil {
		fact, was, now = statement.Date, *a.firstDay(), *b.day
	}
	if authority(a, b) {
		text := f.ref(b) + " changes " + f.ref(a)
		if fact != "" {
			text += ": " + showFact(was) + " became " + showFact(now)
		}
		f.add(Changed, a, b, nil, fact, text+".")
		return
	}
	text := f.ref(b) + " speaks of changing " + f.ref(a)
	if fact != "" {
		text += ": " + showFact(was) + " to " + showFact(now)
	}
	why := "Its author's address is neither the client's nor ours"
	if b.side() == Client {
		why = "Its author did not speak for the client then"
	}
	f.add(Changed, a, b, nil, fact, text+". "+why+"; it is not applied.")
	f.found[len(f.found)-1].NotApplied = true
}

// asserts reports whether a statement says how things are, not how they shall be.
func asserts(it *item) bool {
	switch it.s.Kind {
	case statement.Assurance, statement.Confirmation, statement.Delivery:
		return true
	}
	return false
}

// explained shows what was first asked beside what was delivered in the end, where
// a change between them explains the difference and a later dispute does not know
// it: it names the old value, or denies the new one.
func (f *finder) explained() {
	for _, x := range f.found {
		if x.Type != Changed || x.NotApplied || x.Fact != statement.Date { // "cancel six" of fourteen takes away, it does not replace
			continue
		}
		a, by := f.entries[x.A-1], f.entries[x.B-1]
		if a.m.thread == by.m.thread && by.base == nil {
			continue // who reads the thread has read the change
		}
		was, now := f.facts(a, by)
		disputed := false
		for _, d := range f.entries {
			if d.index > by.index && (d.s.Kind == statement.Dispute || d.m.disputes()) && (hasFact(d, was) && !hasFact(d, now) || hasFact(d, now) && negative(d)) {
				disputed = true
			}
		}
		if !disputed {
			continue
		}
		for _, b := range f.entries {
			if b.index > by.index && (b.s.Kind == statement.Delivery || b.s.Kind == statement.Confirmation && b.side() == Other) && hasFact(b, now) && !hasFact(b, was) {
				f.add(Contradiction, a, b, by, x.Fact, f.num(a)+" says "+showFact(was)+", "+f.num(b)+" says "+showFact(now)+"; explained by "+f.num(by)+".")
				break
			}
		}
	}
}

// disputes reports whether a mail holds a dispute.
func (m *mail) disputes() bool {
	for _, it := range m.items {
		if it.s.Kind == statement.Dispute {
			return true
		}
	}
	return false
}

func (f *finder) changedBetween(a, b *item) bool {
	for _, c := range f.p.items[a.index+1 : b.index] {
		if c.s.Kind == statement.Change && (f.p.alike(c, a) > 0 || c.m.thread == a.m.thread || c.m.thread == b.m.thread) {
			return true
		}
	}
	return false
}

// refuted sets a dispute beside the earlier written words on the same point.
func (f *finder) refuted() {
	for _, v := range f.p.judged.refuted {
		if f.number[v.a] > 0 && f.number[v.b] > 0 {
			fact, _, _ := conflict(v.a, v.b)
			f.add(Refuted, v.a, v.b, nil, fact, f.ref(v.a)+" stands against "+f.ref(v.b)+", written on "+day(v.b.m.Date)+".")
		}
	}
}

// negative reports whether a statement says that something is not there.
func negative(b *item) bool {
	if b.neg == 0 {
		b.neg = -1
		if findNegative(b) {
			b.neg = 1
		}
	}
	return b.neg > 0
}

func findNegative(b *item) bool {
	for _, w := range words(b.s.Quote) {
		switch w {
		case "not", "no", "nothing", "never", "still", "open", "missing", "late", "without", "overdue", "unpaid":
			return true
		}
		if strings.HasSuffix(w, "n't") {
			return true
		}
	}
	return false
}

func (f *finder) num(it *item) string { return itoa(f.number[it]) }

// ref names a statement by what it is, whose, and its number.
func (f *finder) ref(it *item) string {
	return f.p.possessive(it) + " " + noun(it.s.Kind) + " (" + f.num(it) + ")"
}
