package trail

import (
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

// WaitingType says what a statement left open.
type WaitingType string

const (
	Promise       WaitingType = "promise"     // a commitment with a day, not kept in the record
	NoConfirm     WaitingType = "instruction" // never confirmed, carried out or declined
	NoAnswer      WaitingType = "question"    // nobody came back to it
	NoAcknowledge WaitingType = "recap"       // ours, to a client, never acknowledged
)

// Waiting is a statement of a client's business that something is missing after.
type Waiting struct {
	Type      WaitingType
	Statement string // its id
	Ref       archive.Ref
	Client    string
	Due       string // of a promise, YYYY-MM-DD
	Date      time.Time
}

// leastWaiting is the confidence below which a reading is not counted.
const leastWaiting = 0.5

// leastKept is how like a promise a delivery in another thread has to be. A promise
// that is listed though it was kept costs a look; one that is not listed, a client.
const leastKept = 0.2

// WaitingIn says what the messages in of left open. records are these and all
// mail in which it may have been closed since; the findings' rules decide. The
// order is that of the mail.
func WaitingIn(records []*Record, of map[archive.Ref]bool, people People) []Waiting {
	p := newPool(records, people)
	f := &finder{p: p, number: map[*item]int{}, loose: true}
	for _, it := range p.items {
		it.p2 = 1 // everything bears on the question what is open
		if of[it.m.Ref] && !it.m.Auto && it.s.Confidence >= leastWaiting && p.clientOf(it.m) != "" {
			f.entries = append(f.entries, it)
			f.number[it] = len(f.entries)
		}
	}
	found := len(f.found)
	f.questions()
	f.instructions()
	open := map[*item]WaitingType{}
	for _, x := range f.found[found:] {
		it := f.entries[x.A-1]
		switch x.Type {
		case Unanswered:
			open[it] = NoAnswer
		case Unconfirmed:
			open[it] = NoConfirm
		}
	}
	told := map[*mail]bool{}
	for _, it := range f.entries {
		switch {
		case it.s.Kind == statement.Commitment && f.promised(it):
			open[it] = Promise
		case !told[it.m] && f.unacknowledged(it):
			told[it.m] = true // once a mail
			open[it] = NoAcknowledge
		}
	}
	var out []Waiting
	for _, it := range f.entries {
		t, ok := open[it]
		if !ok {
			continue
		}
		w := Waiting{Type: t, Statement: it.s.ID, Ref: it.m.Ref, Client: p.clientOf(it.m), Date: it.m.Date}
		if t == Promise {
			due, _ := dueDay(it)
			w.Due = due.Add(-24 * time.Hour).Format(time.DateOnly)
		}
		out = append(out, w)
	}
	return out
}

// clientOf names the client whose business a mail is; "" when nothing says so.
func (p *pool) clientOf(m *mail) string {
	if role, party := p.people.Role(m.author); role == Client {
		return party
	}
	for _, a := range m.everybody() {
		if role, party := p.people.Role(a); role == Client {
			return party
		}
	}
	return m.party
}

// promised reports whether a commitment names a day and nothing kept it since.
func (f *finder) promised(a *item) bool {
	if _, ok := dueDay(a); !ok || a.flagged(statement.Conditional) {
		return false
	}
	for _, b := range f.p.items[a.index+1:] {
		if b.m != a.m && b.s.Kind == statement.Delivery && b.side() == a.side() && (b.m.thread == a.m.thread || f.p.alike(a, b) > leastKept) {
			return false
		}
	}
	return true
}
