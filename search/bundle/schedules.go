package bundle

import (
	"strconv"
	"strings"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// Tables that courts ask the parties to fill in together: a chronology that both sides
// can agree to, and a schedule of items in the manner of Scott. What a side says is
// left blank; the words are those of the messages.

// event says what happened, without a word of its own about it.
func event(e trail.Entry) string {
	s := e.Statement
	who := plain(s.Speaker.Name)
	if who == "" {
		who = plain(s.Speaker.Address)
	}
	what := map[statement.Kind]string{statement.Instruction: "asks", statement.Change: "asks for a change", statement.Approval: "approves", statement.Confirmation: "confirms",
		statement.Question: "asks a question", statement.Answer: "answers", statement.Commitment: "says what will be done", statement.Delivery: "says what was done",
		statement.Terms: "names terms", statement.Caveat: "warns", statement.Assurance: "gives an assurance", statement.Dispute: "objects"}[s.Kind]
	if what == "" {
		what = "writes"
	}
	return who + " " + what
}

func (b *bag) agreed() []byte {
	var t table
	t.row("no", "date_time_local", "date_time_utc", "from", "to", "event", "exact_words", "kind", "exhibit", "page", "agreed_y_n", "other_party_note")
	for _, e := range b.in.Trail.Entries {
		s := e.Statement
		x := b.byRef[s.Message.Ref]
		t.row(strconv.Itoa(e.N), local(s.Message.Date), utc(s.Message.Date), plain(s.Message.From), plain(strings.Join(s.Message.To, "; ")), event(e), s.Quote, string(s.Kind),
			x.name, strconv.Itoa(b.pageOf(e.N, x)), "", "")
	}
	return []byte(t.b.String())
}

// scott lists what was asked for, and the sums that were named in it.
func (b *bag) scott() []byte {
	var t table
	t.row("item", "instruction_relied_on", "exhibit", "page", "our_case", "their_case", "money", "tribunal")
	n := 0
	for _, e := range b.in.Trail.Entries {
		s := e.Statement
		if s.Kind != statement.Instruction && s.Kind != statement.Change && s.Kind != statement.Terms {
			continue
		}
		var money []string
		for _, f := range s.Facts {
			if f.Type == statement.Money && f.Value != "" {
				money = append(money, plain(f.Value))
			}
		}
		x := b.byRef[s.Message.Ref]
		n++
		t.row(strconv.Itoa(n), s.Quote, x.name, strconv.Itoa(b.pageOf(e.N, x)), "", "", strings.Join(money, "; "), "")
	}
	return []byte(t.b.String())
}
