package trail

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

func TestAttribute(t *testing.T) {
	people := People{Us: []string{"nora@desk.example", "ben@desk.example"},
		Clients: []Party{{Name: "Hale Architects", Domains: []string{"hale.example"}}}}
	nora := Speaker{"Nora", "nora@desk.example", Us}
	ben := message.Address{Name: "Ben", Address: "ben@desk.example"}
	martin := message.Address{Name: "Martin Hale", Address: "martin@hale.example"}
	anna := message.Address{Name: "Hale, Anna", Address: "anna@hale.example"}
	for _, c := range []struct {
		name, quote string
		by          Speaker
		to, cc      []message.Address
		want        *Reported
	}{
		{"the one addressee", "You asked me to hold two rooms.", nora, []message.Address{martin}, nil,
			&Reported{Who: "You", Name: "Martin Hale", Address: "martin@hale.example", Role: Client, Kind: statement.Instruction, Text: "to hold two rooms", Start: 113, End: 130}},
		{"the one on the other side", "You asked me to hold two rooms.", nora, []message.Address{ben, martin}, nil,
			&Reported{Who: "You", Name: "Martin Hale", Address: "martin@hale.example", Role: Client, Kind: statement.Instruction, Text: "to hold two rooms", Start: 113, End: 130}},
		{"two of them", "You asked me to hold two rooms.", nora, []message.Address{anna, martin}, nil,
			&Reported{Who: "You", Role: Client, Kind: statement.Instruction, Text: "to hold two rooms", Start: 113, End: 130, Unresolved: "one of 2 addressees"}},
		{"nobody", "You asked me to hold two rooms.", nora, nil, nil,
			&Reported{Who: "You", Role: Unknown, Kind: statement.Instruction, Text: "to hold two rooms", Start: 113, End: 130, Unresolved: "no addressee"}},
		{"a name in copy", "Anna said it is due.", nora, []message.Address{martin}, []message.Address{anna},
			&Reported{Who: "Anna", Name: "Hale, Anna", Address: "anna@hale.example", Role: Client, Text: "it is due", Start: 110, End: 119}},
		{"a name from outside", "Tom said it is due.", nora, []message.Address{martin}, nil,
			&Reported{Who: "Tom", Name: "Tom", Role: Unknown, Text: "it is due", Start: 109, End: 118, Unresolved: "nobody of that name in this mail"}},
		{"the author", "I told you that it is due.", nora, []message.Address{martin}, nil,
			&Reported{Who: "I", Name: "Nora", Address: "nora@desk.example", Role: Us, Text: "it is due", Start: 116, End: 125}},
		{"no name", "He said it is due.", nora, []message.Address{martin}, nil,
			&Reported{Who: "He", Role: Unknown, Text: "it is due", Start: 108, End: 117, Unresolved: "the statement names nobody"}},
		{"nothing", "Please hold two rooms.", nora, []message.Address{martin}, nil, nil},
	} {
		s := &Statement{Quote: c.quote, Start: 100, Speaker: c.by}
		if d := cmp.Diff(c.want, people.Attribute(s, c.to, c.cc)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
