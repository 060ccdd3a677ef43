package trail

import (
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// unanswered reports the questions that were judged so.
func (f *finder) unanswered() {
	for _, a := range f.p.judged.silent {
		if f.number[a] > 0 {
			f.add(Unanswered, a, nil, nil, "", "No reply to "+f.ref(a)+" is in the record.")
		}
	}
}

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

// answered reports whether the other side came back to a question with what may be an
// answer.
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
				if direct && f.answers(it, a) || f.p.alike(a, it) > 0.1 {
					return true
				}
			case statement.Commitment: // "I'll find out by Monday" answers when, not what
				if c.parent == a.m && asksWhen(a) || next && f.p.alike(a, it) > 0.1 && asksWhen(a) {
					return true
				}
			case statement.Instruction, statement.Delivery, statement.Terms, statement.Dispute, statement.Assurance:
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

// answers reports whether an answer may be one to a, of the questions that its mail
// asks: where there are fewer answers than questions, each belongs to the likest.
func (f *finder) answers(it, a *item) bool {
	asked, got := 0, 0
	for _, x := range a.m.items {
		if x.s.Kind == statement.Question {
			asked++
		}
	}
	for _, x := range it.m.items {
		switch x.s.Kind {
		case statement.Answer, statement.Approval, statement.Confirmation, statement.Change, statement.Terms, statement.Assurance:
			got++
		}
	}
	if asked < 2 || got >= asked {
		return true
	}
	own := f.p.alikeAbout(it, a)
	for _, x := range a.m.items {
		if x != a && x.s.Kind == statement.Question && f.p.alikeAbout(it, x) > own {
			return false
		}
	}
	return true
}

// asksWhen reports whether a question asks when or whether something will be done.
func asksWhen(a *item) bool {
	for _, w := range words(a.s.Quote) {
		switch w {
		case "when", "will", "can", "could", "would", "shall", "until", "by":
			return true
		}
	}
	return false
}

// instructions reports those that nobody confirmed, carried out or declined.
func (f *finder) instructions() {
	for _, a := range f.entries {
		if a.p2 >= leastUnconfirmed && f.unconfirmed(a) {
			f.add(Unconfirmed, a, nil, nil, "", f.ref(a)+" is not confirmed, carried out or declined in the record.")
		}
	}
}

// unconfirmed reports whether nobody on the other side came back to an instruction. A
// change asks for nothing unless it replaces what somebody was to do.
func (f *finder) unconfirmed(a *item) bool {
	switch {
	case a.m.Auto || a.m.role == Unknown || a.asks():
		return false
	case a.s.Kind == statement.Change:
		if a.side() == Us || a.flagged(statement.Hedged) || !f.replaced(a) {
			return false
		}
	case a.s.Kind != statement.Instruction:
		return false
	}
	for _, c := range f.p.mails[a.m.index+1:] {
		if c.Auto || side(c.role) == side(a.m.role) || !addressed(a.m, c.author, f.p) {
			continue
		}
		if c.thread == a.m.thread || c.parent == a.m {
			return false
		}
		for _, it := range c.items {
			if f.p.alike(a, it) > 0.1 || agree(a, it) || sharesNumber(a, it) {
				return false
			}
		}
	}
	return true
}

// sharesNumber reports whether two statements name one number of two digits or more.
func sharesNumber(a, b *item) bool {
	for t := range a.terms {
		n, ok := strings.CutPrefix(t, "n:")
		if ok && len(strings.TrimSuffix(n, "%")) >= 2 && b.terms[t] > 0 {
			return true
		}
	}
	return false
}

// replaced reports whether a changed finding names b as what came in the place of
// what somebody was to do.
func (f *finder) replaced(b *item) bool {
	if f.loose {
		return cued(b)
	}
	for _, x := range f.found {
		if x.Type == Changed && !x.NotApplied && x.B == f.number[b] && f.entries[x.A-1].s.Kind != statement.Dispute {
			return true
		}
	}
	return false
}

// recaps reports recaps and caveats of ours that the other side never came back to
// though it wrote again, once a mail: of those that bear on the question alike, the
// one that comes first.
func (f *finder) recaps() {
	best := map[*mail]*item{}
	for _, a := range f.entries {
		if a.p2 < leastUnacknowledged || !f.unacknowledged(a) || !f.wroteAgain(a) {
			continue
		}
		if b := best[a.m]; b == nil || a.p2 > b.p2+likeRelevant {
			best[a.m] = a
		}
	}
	for _, a := range f.entries {
		if best[a.m] == a {
			f.add(Unacknowledged, a, nil, nil, "", "No reply to "+f.ref(a)+" is in the record.")
		}
	}
}

// likeRelevant is how far relevances lie apart that say nothing of which is nearer.
const likeRelevant = 0.2

// wroteAgain reports whether a client wrote after a statement: the silence had an end.
func (f *finder) wroteAgain(a *item) bool {
	for _, c := range f.p.mails[a.m.index+1:] {
		if c.role == Client && !c.Auto {
			return true
		}
	}
	return false
}

// unacknowledged reports whether a recap or caveat of ours to a client has had no
// reply, and no later mail of theirs that takes it up. A confirmation that answers
// a client's mail closes an exchange and waits for nothing; a caveat beside a
// question is the question's business.
func (f *finder) unacknowledged(a *item) bool {
	if a.side() != Us || a.m.Auto {
		return false
	}
	switch a.s.Kind {
	case statement.Confirmation:
		if a.m.parent != nil && a.m.parent.role != Us || len(f.p.pointsAt(a)) > 0 || f.closes(a) {
			return false
		}
	case statement.Caveat:
		for _, x := range a.m.items {
			if x.s.Kind == statement.Question {
				return false
			}
		}
	default:
		return false
	}
	if !toClient(f.p, a) || len(f.replies(a.m)) > 0 {
		return false
	}
	for _, c := range f.p.mails[a.m.index+1:] {
		if c.role != Client || c.Auto {
			continue
		}
		for _, it := range c.items {
			if f.takesUp(it, a) {
				return false
			}
		}
	}
	return true
}

// takesUp reports whether a later statement shows that its author has read a. Whoever
// asks again, or denies what was said, has not.
func (f *finder) takesUp(it, a *item) bool {
	switch it.s.Kind {
	case statement.Question:
		return false
	case statement.Dispute:
		c := it.claimOf()
		return !(c.deny && c.whose != "") && !differs(it, a) && f.p.alike(a, it) > 0.25
	}
	return f.p.alike(a, it) > 0.3 || f.p.sharedFacts(a, it) > 0.5
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
