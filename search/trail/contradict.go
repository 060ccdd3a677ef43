package trail

import (
	"math"
	"strings"
	"time"

	"inwriting/indexer/statement"
)

// judgeOpposites pairs statements that cannot both hold: facts of one slot about
// the same thing, or a thing said and the same thing denied, by forms of words that
// leave nothing to be read between them. What a change explains is no contradiction.
// A statement is set against the nearest only.
func (f *finder) judgeOpposites(wide []*item, in map[*item]bool) []verdict {
	told := map[*item]bool{}
	var out []verdict
	for i, b := range wide {
		if b.flagged(statement.Conditional) || b.flagged(statement.Hedged) {
			continue
		}
		for k := i - 1; k >= 0 && !told[b]; k-- {
			a := wide[k]
			if a.m == b.m || told[a] || !in[a] && !in[b] || math.Min(a.p2, b.p2) < leastOpposed && math.Max(a.p2, b.p2) < sureOpposed || math.Min(a.p2, b.p2) < leastJudged || a.p2+b.p2 < bothOpposed || a.flagged(statement.Conditional) || a.flagged(statement.Hedged) {
				continue
			}
			if _, _, _, ok := f.apart(a, b); ok || f.opposite(a, b) {
				out = append(out, verdict{a: a, b: b})
				told[a], told[b] = true, true
			}
		}
	}
	return out
}

// contradictions tells what cannot stand beside each other. Where a dispute has put
// against each other what a change explains, it is shown with the change.
func (f *finder) contradictions() {
	for _, v := range f.p.judged.opposed {
		if f.number[v.a] == 0 || f.number[v.b] == 0 {
			continue
		}
		if fact, x, y, ok := f.apart(v.a, v.b); ok {
			f.add(Contradiction, v.a, v.b, nil, fact, f.num(v.a)+" says "+showFact(x)+", "+f.num(v.b)+" says "+showFact(y)+".")
			continue
		}
		f.add(Contradiction, v.a, v.b, nil, "", f.ref(v.a)+" and "+f.ref(v.b)+" say the opposite of each other.")
	}
	f.explained()
}

// apart reports whether two statements say how things are and name different
// values for one slot of the same thing.
func (f *finder) apart(a, b *item) (fact statement.FactType, x, y statement.Fact, ok bool) {
	if a.p2 < leastRelevant || b.p2 < leastRelevant || a.side() == b.side() && samePerson(a, b) || !asserts(a) || !asserts(b) || f.p.alike(a, b) < 0.45 {
		return "", x, y, false
	}
	fact, x, y = conflict(a, b)
	return fact, x, y, fact != "" && fact != statement.Money && !f.changedBetween(a, b)
}

// opposite reports whether one of two statements says what the other denies.
func (f *finder) opposite(a, b *item) bool {
	if a.s.Kind == statement.Question || b.s.Kind == statement.Question {
		return false
	}
	return (f.denied(a, b) || f.namedDenies(a, b) || f.ownDeed(a, b) || f.notArrived(a, b) || f.didArrive(a, b) || f.blames(a, b) || f.leftOut(a, b) || f.foundFaulty(a, b)) && !f.changedBetween(a, b)
}

// denied: the same words, once with and once without a denial.
func (f *finder) denied(a, b *item) bool {
	if a.p2 < leastRelevant || b.p2 < leastRelevant || a.side() == b.side() && samePerson(a, b) || !asserts(a) || !asserts(b) && b.s.Kind != statement.Dispute {
		return false
	}
	fact, _, _ := conflict(a, b)
	return fact == "" && a.flagged(statement.Negative) != b.flagged(statement.Negative) && negative(a) != negative(b) && f.p.alike(a, b) >= 0.8
}

// namedDenies: one says of somebody by name what that person denies.
func (f *finder) namedDenies(a, b *item) bool {
	if a.side() != b.side() || !asserts(a) && a.s.Kind != statement.Answer || negative(a) || a.m.author == b.m.author || !says(b, firstPersonDenials) {
		return false
	}
	named := false
	for _, w := range words(a.s.Quote) {
		for _, addr := range f.p.called(w) {
			named = named || addr == b.m.author
		}
	}
	return named && f.p.alikeAbout(a, b) > 0.08
}

// ownDeed: who reported to have done something says never to have done any such thing.
func (f *finder) ownDeed(a, b *item) bool {
	return a.s.Kind == statement.Delivery && samePerson(a, b) && a.side() == b.side() && b.s.Kind == statement.Dispute && says(b, deedDenials) && a.m.speaksOf(b)
}

// notArrived: one side says that it has paid or sent, the other that nothing came.
func (f *finder) notArrived(a, b *item) bool {
	if a.side() == b.side() || a.s.Kind == statement.Instruction || a.s.Kind == statement.Terms || a.s.Kind == statement.Commitment || negative(a) {
		return false
	}
	near := b.m.parent == a.m || b.m.thread == a.m.thread && b.m.Date.Sub(a.m.Date) < 10*24*time.Hour
	return near && says(a, sentWords) && says(b, arrivedNot) && !f.p.paidBetween(a, b)
}

// didArrive: one side never received what the other shows to have arrived.
func (f *finder) didArrive(a, b *item) bool {
	return a.side() != b.side() && a.s.Kind == statement.Dispute && says(a, receivedNot) && says(b, arrivedWords) && !negative(b) && (b.m.parent == a.m || b.m.thread == a.m.thread)
}

// blames: each says that the other did it.
func (f *finder) blames(a, b *item) bool {
	return a.side() != b.side() && b.m.parent == a.m && says(a, notMe) && says(b, wasYou)
}

// leftOut: who confirmed every one of a kind of thing says that they were left out.
func (f *finder) leftOut(a, b *item) bool {
	if a.side() != b.side() || a.s.Kind != statement.Confirmation && a.s.Kind != statement.Commitment && a.s.Kind != statement.Assurance || !says(a, everyWords) || !says(b, leftWords) {
		return false
	}
	return f.p.alike(a, b) > 0.15
}

// foundFaulty: who said that work is right says of the same work that it is full of faults.
func (f *finder) foundFaulty(a, b *item) bool {
	return a.side() == b.side() && samePerson(a, b) && a.s.Kind != statement.Instruction && b.s.Kind == statement.Dispute && says(a, rightWords) && !negative(a) && says(b, faultWords) &&
		a.m.parent != nil && side(a.m.parent.role) != side(a.m.role) && delivers(a.m.parent)
}

// speaksOf reports whether a mail, its subject included, has a word of a statement.
func (m *mail) speaksOf(it *item) bool {
	own, _ := m.union()
	for t := range it.terms {
		if own[t] > 0 && !weakWords[t] && !strings.Contains(t, ":") {
			return true
		}
	}
	return false
}

func delivers(m *mail) bool {
	for _, it := range m.items {
		if it.s.Kind == statement.Delivery {
			return true
		}
	}
	return false
}

// paidBetween reports whether the side that was waiting says between two
// statements that it has received something.
func (p *pool) paidBetween(a, b *item) bool {
	for _, c := range p.items[a.index+1 : b.index] {
		if c.side() == b.side() && says(c, arrivedWords) && !negative(c) {
			return true
		}
	}
	return false
}

func says(it *item, list []string) bool {
	s := it.folds()
	for _, w := range list {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func forms(s string) []string {
	var out []string
	for _, w := range strings.Split(s, ",") {
		out = append(out, " "+strings.TrimSpace(w)+" ")
	}
	return out
}

var (
	firstPersonDenials = forms(`i was never, i never, i'd never, i have never, i've never, i had not, i hadn't, i have not, i haven't, i did not, i didn't, i was not, i wasn't, i am not, i'm not, i would never, i would not, i wouldn't, we never, we have never, we did not, we didn't, we were never, nobody asked me`)
	deedDenials        = forms(`i never touched, i have never touched, i've never touched, i never changed, i have never changed, i've never changed, i did not touch, i didn't touch, i did not change, i didn't change, i never did, i have never done, i've never done, i did nothing, i changed nothing, i touched nothing, i never removed, i have never removed, i didn't remove, i did not remove, i never deleted, i didn't delete, i did not delete, i never sent, i have never sent, i didn't send, i did not send, i never moved, i have never moved, i didn't move, i did not move, i never edited, i have never edited`)
	sentWords          = forms(`have paid, has paid, i paid, we paid, was paid, were paid, has been paid, have been paid, is paid, are paid, have sent, has been sent, i sent, we sent, was sent, have transferred, i transferred, we transferred, has been transferred, was transferred, went out, have posted, i posted, was posted, was delivered, were delivered, has been delivered`)
	arrivedNot         = forms(`nothing has arrived, nothing arrived, nothing came, nothing has come, has not arrived, hasn't arrived, have not arrived, haven't arrived, not arrived, did not arrive, didn't arrive, never arrived, nothing here, not here, not received, haven't received, have received nothing, received nothing, never received, no payment, no money, not in my account, not in our account, is not there, nothing is there`)
	receivedNot        = forms(`never received, i never got, we never got, never reached, did not receive, didn't receive, never arrived, have not received, haven't received, received nothing, did not get, didn't get`)
	arrivedWords       = forms(`arrived, did arrive, it arrived, has arrived, have arrived, was delivered, were delivered, answered that very mail, answered automatically, automatic reply, automatic answer, out of office, you answered, you replied, your reply, your answer, signed for, received`)
	notMe              = forms(`not me, wasn't me, not us, wasn't us, i did not, i didn't, we did not, we didn't, not my doing, not our doing`)
	wasYou             = forms(`you must have, it was you, was you, you did, you have done, must have been you, only you, your doing, your side`)
	everyWords         = forms(`every, all, each, any, complete, completely, in full, nothing left out, without exception`)
	leftWords          = forms(`left out, leaves out, leave out, left off, without, skipped, omitted, dropped, is missing, are missing, were not, was not, not included, forgot`)
	rightWords         = forms(`all looks good, looks good, look good, looks fine, all fine, all good, looks great, looks perfect, looks right, all correct, all in order, everything fine, is perfect, works very good, works well, works great, very happy, happy with it, happy with them, no complaints, spot on`)
	faultWords         = forms(`full of errors, full of mistakes, errors, mistakes, full of faults, unusable, useless, all wrong, is wrong, are wrong, riddled, does not work, doesn't work, not usable, poor quality, sloppy`)
)
