package trail

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// findings compares the numbered statements. It knows typed facts, links, sides
// and the order of mail; it never concludes from prose.
func (p *pool) findings(entries []*item, ties []tie, number map[*item]int) []Finding {
	f := &finder{p: p, entries: entries, ties: ties, number: number}
	f.changed()
	f.contradictions()
	f.refuted()
	f.questions()
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

// changed: of what a later statement may have replaced, the likeliest.
func (f *finder) changed() {
	for i, b := range f.entries {
		if b.p2 < leastRelevant {
			continue
		}
		var best *item
		score := changeThreshold
		for _, a := range f.entries[:i] {
			s := f.p.replaces(a, b)
			if f.void(a) {
				s -= 0.3 // never was in force
			}
			if f.replacedBefore(a, b) {
				s -= 0.3 // no longer in force
			}
			if s > score+1e-9 {
				best, score = a, s
			}
		}
		if best == nil {
			continue
		}
		fact, was, now := conflict(best, b)
		if b.base != nil && best.firstDay() != nil {
			fact, was, now = statement.Date, *best.firstDay(), *b.day
		}
		text := f.ref(b) + " changes " + f.ref(best)
		if fact != "" {
			text += ": " + showFact(was) + " became " + showFact(now)
		}
		if authority(best, b) {
			f.add(Changed, best, b, nil, fact, text+".")
			continue
		}
		text = f.ref(b) + " speaks of changing " + f.ref(best)
		if fact != "" {
			text += ": " + showFact(was) + " to " + showFact(now)
		}
		f.add(Changed, best, b, nil, fact, text+". Its author's address is neither the client's nor ours; it is not applied.")
		f.found[len(f.found)-1].NotApplied = true
	}
}

// contradictions sets statements beside each other that cannot both hold: facts
// of one slot about the same thing, or a thing said and the same thing denied. What
// a change explains is no contradiction, unless a dispute has put the two against
// each other: then it is shown with the change that explains it.
func (f *finder) contradictions() {
	for i, b := range f.entries {
		if b.p2 < leastRelevant || b.flagged(statement.Conditional) || b.flagged(statement.Hedged) {
			continue
		}
		for _, a := range f.entries[:i] {
			if a.m == b.m || a.p2 < leastRelevant || a.side() == b.side() && samePerson(a, b) || !asserts(a) || a.flagged(statement.Conditional) || a.flagged(statement.Hedged) {
				continue
			}
			if !asserts(b) && b.s.Kind != statement.Dispute || f.p.alike(a, b) < 0.45 || f.changedBetween(a, b) {
				continue
			}
			if fact, x, y := conflict(a, b); fact != "" && fact != statement.Money && asserts(b) {
				f.add(Contradiction, a, b, nil, fact, f.num(a)+" says "+showFact(x)+", "+f.num(b)+" says "+showFact(y)+".")
			} else if fact == "" && a.flagged(statement.Negative) != b.flagged(statement.Negative) && negative(a) != negative(b) && f.p.alike(a, b) >= 0.8 {
				f.add(Contradiction, a, b, nil, "", f.ref(a)+" and "+f.ref(b)+" say the opposite of each other.")
			}
		}
	}
	f.explained()
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

// facts are the values that a change took away and put in place.
func (f *finder) facts(a, by *item) (was, now statement.Fact) {
	if by.base != nil && a.firstDay() != nil {
		return *a.firstDay(), *by.day
	}
	_, was, now = conflict(a, by)
	return was, now
}

func hasFact(it *item, f statement.Fact) bool {
	for _, g := range it.s.Facts {
		if sameValue(f, g) {
			return true
		}
	}
	return false
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

// conflict returns a type of fact on which two statements cannot both hold: each
// names one value for the slot, and not the same one in any reading. Where both
// name several days or sums they conflict if they agree in all but one.
func conflict(a, b *item) (statement.FactType, statement.Fact, statement.Fact) {
	for _, t := range []statement.FactType{statement.Date, statement.Money, statement.Quantity} {
		slots := []string{""}
		if t != statement.Date {
			slots = slotUnits(a, t)
		}
		for _, u := range slots {
			if x, y, ok := apart(values(a, t, u), values(b, t, u), t); ok {
				return t, x, y
			}
		}
	}
	// Clock times compare only within one day, or where neither names a day.
	if x, y, ok := apart(values(a, statement.DateTime, ""), values(b, statement.DateTime, ""), statement.DateTime); ok && x.Value[:10] == y.Value[:10] {
		return statement.DateTime, x, y
	}
	return "", statement.Fact{}, statement.Fact{}
}

// apart returns the one value of each side that the other does not name.
func apart(as, bs []statement.Fact, t statement.FactType) (x, y statement.Fact, ok bool) {
	if len(as) == 0 || len(bs) == 0 || len(as) > 1 && len(bs) == 1 || len(bs) > 1 && len(as) == 1 {
		return x, y, false
	}
	left := func(from, of []statement.Fact) (out []statement.Fact) {
		for _, f := range from {
			same := f.Mismatch // written two ways: nobody can say which it is
			for _, g := range of {
				same = same || sameReading(f, g, t)
			}
			if !same {
				out = append(out, f)
			}
		}
		return out
	}
	xs, ys := left(as, bs), left(bs, as)
	if len(xs) != 1 || len(ys) != 1 || xs[0].Mismatch || ys[0].Mismatch {
		return x, y, false
	}
	return xs[0], ys[0], true
}

func sameReading(f, g statement.Fact, t statement.FactType) bool {
	for _, x := range append([]string{f.Value}, f.Alternatives...) {
		for _, y := range append([]string{g.Value}, g.Alternatives...) {
			if t == statement.Date && len(x) >= 10 && len(y) >= 10 {
				x, y = x[:10], y[:10]
			}
			if x == y {
				return true
			}
		}
	}
	return false
}

// values are the different values that a statement names for a slot.
func values(it *item, t statement.FactType, u string) (out []statement.Fact) {
	if t == statement.Date && it.day != nil {
		return []statement.Fact{*it.day}
	}
	for _, f := range it.s.Facts {
		if f.Type != t && (t != statement.Date || f.Type != statement.DateTime) || t != statement.Date && t != statement.DateTime && factUnit(f) != u {
			continue
		}
		dup := false
		for _, g := range out {
			dup = dup || sameReading(f, g, t)
		}
		if !dup {
			out = append(out, f)
		}
	}
	return out
}

// slotUnits lists the units or currencies that a statement's facts of a type bear.
func slotUnits(it *item, t statement.FactType) (out []string) {
	for _, f := range it.s.Facts {
		if u := factUnit(f); f.Type == t && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

func factUnit(f statement.Fact) string {
	if f.Type == statement.Money {
		return currency(f)
	}
	return unit(f)
}

func unit(f statement.Fact) string {
	_, u, _ := strings.Cut(f.Value, " ")
	return stem(strings.ToLower(u))
}

func currency(f statement.Fact) string {
	c, _, _ := strings.Cut(f.Value, " ")
	return c
}

// refuted sets a dispute beside the earlier written words on the same point. Of
// the disputes of one mail against the same words, the one most against them.
func (f *finder) refuted() {
	type pair struct {
		d, b  *item
		score float64
	}
	var pairs []pair
	for i, d := range f.entries {
		if d.s.Kind != statement.Dispute || d.p2 < leastRelevant {
			continue
		}
		best := pair{d: d, score: refuteThreshold}
		for _, b := range f.entries[:i] {
			if b.m == d.m || b.s.Kind == statement.Dispute {
				continue
			}
			if !f.p.opposed(d, b) {
				continue
			}
			s := logistic(dot(f.p.refuteFeatures(d, b), refuteWeights))
			if typed(d, b) {
				s += 0.3
			} else if f.p.deniesDeed(d, b) {
				s += 0.2
			}
			if f.replacedBefore(b, d) {
				s *= 0.4 // no longer in force when the dispute was written
			}
			if s > best.score+1e-9 {
				best.b, best.score = b, s
			}
		}
		if best.b == nil {
			continue
		}
		if k := slices.IndexFunc(pairs, func(x pair) bool { return x.b == best.b && x.d.m == d.m }); k < 0 {
			pairs = append(pairs, best)
		} else if best.score > pairs[k].score+1e-9 {
			pairs[k] = best
		}
	}
	for _, x := range pairs {
		fact, _, _ := conflict(x.d, x.b)
		f.add(Refuted, x.d, x.b, nil, fact, f.ref(x.d)+" stands against "+f.ref(x.b)+", written on "+day(x.b.m.Date)+".")
	}
}

// replacedBefore reports whether a changed finding says that b was replaced before d.
func (f *finder) replacedBefore(b, d *item) bool {
	for _, x := range f.found {
		if x.Type == Changed && !x.NotApplied && x.A == f.number[b] && x.B < f.number[d] {
			return true
		}
	}
	return false
}

const (
	ownWords    = "own"    // about what the speaker said: "I never ordered", "I asked for"
	othersWords = "others" // about what the other side said or did not say: "you never told me"
)

// claimOf says whose words a dispute is about; "" where it speaks of no words.
func claimOf(d *item) string {
	ws := words(d.s.Quote)
	for i, w := range ws {
		if !sayWords[stem(w)] && !sayWords[w] {
			continue
		}
		// the nearest subject before the verb
		for j := i - 1; j >= 0 && j >= i-6; j-- {
			switch ws[j] {
			case "i", "we", "i'd", "i've", "we've", "we'd":
				for k := j + 1; k < i; k++ {
					if ws[k] == "was" || ws[k] == "were" || ws[k] == "been" {
						return othersWords
					}
				}
				return ownWords
			case "you", "you'd", "you've":
				return othersWords
			case "nobody":
				for _, x := range ws[i:] {
					if x == "me" || x == "us" {
						return othersWords
					}
				}
				return ownWords
			}
		}
	}
	for _, w := range ws {
		if w == "chance" || w == "warning" || w == "notice" || w == "idea" {
			return othersWords
		}
	}
	return ""
}

var sayWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`say said tell told ask asked order ordered approve approved agree agreed write wrote warn warned mention mentioned
 want wanted request requested instruct instructed book booked authorise authorised confirm confirmed promise promised mean meant give given gave
 receive received see saw know knew accept accepted sign signed choose chose pick picked allow allowed permit decide decided inform informed`) {
		m[w] = true
		m[stem(w)] = true
	}
	return m
}()

// questions reports those that nobody on the other side came back to.
func (f *finder) questions() {
	for _, a := range f.entries {
		if a.s.Kind != statement.Question && !a.asks() || a.m.Auto || a.m.role == Unknown || a.p2 < leastRelevant || f.answered(a) {
			continue
		}
		f.add(Unanswered, a, nil, nil, "", "No reply to "+f.ref(a)+" is in the record.")
	}
}

// asks reports whether an instruction of ours asks a client for word rather than
// for work: "tell me by noon if anything is off".
func (it *item) asks() bool {
	if it.s.Kind != statement.Instruction || it.side() != Us {
		return false
	}
	for _, x := range it.m.items {
		if x.s.Kind == statement.Question {
			return false // the question beside it is what waits for an answer
		}
	}
	s := " " + strings.Join(words(it.s.Quote), " ") + " "
	for _, w := range []string{" tell me ", " tell us ", " let me know ", " let us know ", " please confirm ", " reply ", " get back to "} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// replies lists later mail of other authors in a mail's thread: answers to it, and
// where headers are missing, the other side's next mail on the same subject.
func (f *finder) replies(m *mail) []*mail {
	var out []*mail
	for _, c := range f.p.mails[m.index+1:] {
		if c.Auto || side(c.role) == side(m.role) || c.thread != m.thread {
			continue
		}
		if !addressed(m, c.author, f.p) && side(c.role) != Other {
			continue // a third party's answer counts whoever passed the question on
		}
		out = append(out, c)
	}
	return out
}

// addressed reports whether a mail was written to an author, or to somebody of
// the author's party.
func addressed(m *mail, author string, p *pool) bool {
	role, party := p.people.Role(author)
	for _, a := range m.everybody() {
		if a == author {
			return true
		}
		if r, q := p.people.Role(a); r == role && r != Unknown && q == party {
			return true
		}
	}
	return false
}

func side(r Role) Role {
	if r == Us || r == Client {
		return r
	}
	return Other
}

func (f *finder) answered(a *item) bool {
	replies := f.replies(a.m)
	for i, c := range replies {
		// The other side's next mail of the thread is a reply also where its header
		// points elsewhere, if it comes while the question is fresh.
		next := i == 0 && c.Date.Sub(a.m.Date) < 24*time.Hour
		direct := c.parent == a.m || c.parent == nil || next
		if direct && len(c.items) == 0 {
			return true // it was answered in words that no statement was read in
		}
		for _, it := range c.items {
			switch it.s.Kind {
			case statement.Answer, statement.Approval, statement.Confirmation, statement.Change:
				if direct || f.p.alike(a, it) > 0.1 {
					return true
				}
			case statement.Instruction, statement.Delivery, statement.Terms, statement.Dispute, statement.Commitment, statement.Assurance:
				if c.parent == a.m || next && f.p.alike(a, it) > 0.1 {
					return true
				}
			}
		}
	}
	// The answer may come in a new mail of whoever was asked.
	for _, c := range f.p.mails[a.m.index+1:] {
		if c.thread == a.m.thread || side(c.role) == side(a.m.role) || !addressed(a.m, c.author, f.p) || c.Date.Sub(a.m.Date) > 21*24*time.Hour {
			continue
		}
		for _, it := range c.items {
			switch it.s.Kind {
			case statement.Answer, statement.Approval, statement.Terms, statement.Delivery:
				if f.p.alike(a, it) > 0.15 || c.role != Client && c.role != Us {
					return true
				}
			}
		}
	}
	return false
}

// instructions reports those that nobody confirmed, carried out or declined. A
// change asks for nothing unless it replaces something.
func (f *finder) instructions() {
	for _, a := range f.entries {
		if a.s.Kind != statement.Instruction && (a.s.Kind != statement.Change || !f.replaced(a)) || a.m.Auto || a.m.role == Unknown || a.p2 < leastOpen {
			continue
		}
		if a.s.Kind == statement.Change && (a.side() == Us || a.flagged(statement.Hedged)) || a.asks() {
			continue
		}
		open := true
		for _, c := range f.p.mails[a.m.index+1:] {
			if c.Auto || side(c.role) == side(a.m.role) || !addressed(a.m, c.author, f.p) {
				continue
			}
			open = open && c.thread != a.m.thread && c.parent != a.m
			for _, it := range c.items {
				if f.p.alike(a, it) > 0.1 || agree(a, it) || sharesNumber(a, it) {
					open = false
				}
			}
		}
		if open {
			f.add(Unconfirmed, a, nil, nil, "", f.ref(a)+" is not confirmed, carried out or declined in the record.")
		}
	}
}

// sharesNumber reports whether two statements name one number of two digits or more.
func sharesNumber(a, b *item) bool {
	for t := range a.terms {
		if strings.HasPrefix(t, "n:") && len(t) >= 4 && b.terms[t] > 0 {
			return true
		}
	}
	return false
}

// void reports whether a statement is a change that was not applied.
func (f *finder) void(a *item) bool {
	for _, x := range f.found {
		if x.NotApplied && x.B == f.number[a] {
			return true
		}
	}
	return false
}

// replaced reports whether a changed finding names b as what came in its place.
func (f *finder) replaced(b *item) bool {
	for _, x := range f.found {
		if x.Type == Changed && !x.NotApplied && x.B == f.number[b] {
			return true
		}
	}
	return false
}

// recaps reports recaps and caveats of ours that the other side never came back
// to. A confirmation that answers a client's mail closes an exchange and waits
// for nothing; a caveat beside a question is the question's business.
func (f *finder) recaps() {
	best := map[*mail]*item{}
	for _, a := range f.entries {
		if a.side() != Us || a.p2 < leastOpen {
			continue
		}
		switch a.s.Kind {
		case statement.Confirmation:
			if a.m.parent != nil && a.m.parent.role != Us || len(f.p.pointsAt(a)) > 0 || f.closes(a) {
				continue
			}
		case statement.Caveat:
			asks := false
			for _, x := range a.m.items {
				asks = asks || x.s.Kind == statement.Question
			}
			if asks {
				continue
			}
		default:
			continue
		}
		toClient := false
		for _, x := range a.m.everybody() {
			toClient = toClient || f.p.role(x) == Client
		}
		if !toClient || len(f.replies(a.m)) > 0 {
			continue
		}
		later, taken := false, false
		for _, c := range f.p.mails[a.m.index+1:] {
			if c.role != Client || c.Auto {
				continue
			}
			later = true // the silence had an end
			for _, it := range c.items {
				switch it.s.Kind {
				case statement.Dispute, statement.Question:
				default:
					taken = taken || f.p.alike(a, it) > 0.3 || f.p.sharedFacts(a, it) > 0.5
				}
			}
		}
		if b := best[a.m]; later && !taken && (b == nil || a.p2 > b.p2) {
			best[a.m] = a
		}
	}
	for _, a := range f.entries {
		if best[a.m] == a { // once a mail
			f.add(Unacknowledged, a, nil, nil, "", "No reply to "+f.ref(a)+" is in the record.")
		}
	}
}

// closes reports whether a confirmation repeats what the client has just accepted,
// in a mail of the days before: it waits for nothing.
func (f *finder) closes(a *item) bool {
	for _, c := range f.p.items[:a.index] {
		if c.side() == Client && a.m.Date.Sub(c.m.Date) < 3*24*time.Hour && (c.s.Kind == statement.Approval || c.s.Kind == statement.Answer) &&
			(agree(a, c) || f.p.alike(a, c) > 0.3) {
			return true
		}
	}
	return false
}

// commitments reports those whose day passed before they were kept.
func (f *finder) commitments() {
	for _, a := range f.entries {
		if a.s.Kind != statement.Commitment || a.p2 < leastRelevant {
			continue
		}
		due, ok := dueDay(a)
		if !ok {
			continue
		}
		var kept, complaint *item
		inTime := false
		for _, b := range f.p.items[a.index+1:] {
			if b.m == a.m {
				continue
			}
			alike := math.Max(f.p.alike(a, b), f.p.similar(a, b))
			if b.s.Kind == statement.Delivery && b.side() == a.side() && kept == nil && (alike > 0.1 || b.m.thread == a.m.thread) {
				if f.number[b] > 0 {
					kept = b
				} else if !b.m.Date.After(due) && alike > 0.2 {
					inTime = true
				}
			}
			if f.number[b] == 0 {
				continue
			}
			if b.side() != a.side() && complaint == nil && b.m.Date.After(due) && b.s.Kind != statement.Terms && negative(b) && (alike > 0.15 || b.m.thread == a.m.thread && b.s.Kind == statement.Dispute) {
				complaint = b
			}
		}
		switch {
		case inTime:
		case kept != nil && kept.m.Date.After(due):
			f.add(Missed, a, kept, nil, statement.Date, f.ref(a)+" names "+day(due.Add(-24*time.Hour))+"; "+f.ref(kept)+" is of "+day(kept.m.Date)+".")
		case kept == nil && complaint != nil:
			f.add(Missed, a, nil, nil, statement.Date, f.ref(a)+" names "+day(due.Add(-24*time.Hour))+"; nothing in the record keeps it before "+f.ref(complaint)+" of "+day(complaint.m.Date)+".")
		}
	}
}

// dueDay is the end of the day by which a commitment is to be kept.
func dueDay(a *item) (time.Time, bool) {
	var last time.Time
	for _, x := range a.s.Facts {
		if !isDay(x.Type) || len(x.Value) < 10 {
			continue
		}
		d, err := time.ParseInLocation("2006-01-02", x.Value[:10], a.m.Date.Location())
		if err == nil && d.After(last) {
			last = d
		}
	}
	if last.IsZero() {
		return last, false
	}
	return last.Add(24 * time.Hour), true
}

// negative reports whether a statement says that something is not there.
func negative(b *item) bool {
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
