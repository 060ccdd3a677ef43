package trail

import (
	"inwriting/indexer/statement"
)

// What a question asks for says which statements answer it: "did I warn" our
// caveats, "what did it cost" statements with an amount. Relevance has a weight for
// each sort of question beside each trait of a statement.

// sorts lists which of the sorts of question one is of.
func (q *query) sorts() [sorts]bool {
	s := [sorts]bool{
		q.slots&slotDate != 0, q.slots&slotTime != 0, q.slots&slotMoney != 0, q.slots&slotQuantity != 0,
		q.denial, q.speaker == Us, q.speaker == Client, false, false,
	}
	ws := words(q.text)
	for i, w := range ws {
		s[7] = s[7] || w == "who" && i == 0
		s[8] = s[8] || w == "or"
	}
	n := 9
	for _, k := range [...]statement.Kind{statement.Caveat, statement.Commitment, statement.Terms, statement.Approval, statement.Instruction,
		statement.Answer, statement.Confirmation, statement.Delivery, statement.Change, statement.Dispute} {
		s[n] = q.kinds[k]
		n++
	}
	return s
}

// traits lists which traits a statement has; bears says that it has one of the question's words.
func (it *item) traits(bears bool) [traits]bool {
	slots := it.slots()
	t := [traits]bool{it.role == Us, it.role == Client, it.role != Us && it.role != Client,
		slots&slotMoney != 0, slots&slotQuantity != 0, slots&slotDate != 0, slots&slotTime != 0, bears}
	for k, kind := range statement.Kinds {
		t[8+k] = it.s.Kind == kind
	}
	return t
}

const (
	sorts  = 19
	traits = 8 + 12 // and the kinds, in statement.Kinds order
)
