package statement

import (
	"testing"
)

func TestReportOf(t *testing.T) {
	for _, c := range []struct {
		quote, who string
		person     Person
		kind       Kind
		words      string
	}{
		{"You asked me to hold two rooms.", "You", Reader, Instruction, "to hold two rooms"},
		{"On the phone you confirmed that Tuesday suits.", "you", Reader, Confirmation, "Tuesday suits"},
		{"As you told us on Monday, the blue one stays.", "you", Reader, "", "the blue one stays"},
		{"Martin said he would pay by Friday.", "Martin", Named, "", "he would pay by Friday"},
		{"On 12 May Martin Hale has also approved the quote.", "Martin Hale", Named, Approval, "the quote"},
		{"Per your email of 3 May you wanted three nights.", "you", Reader, Instruction, "three nights"},
		{"As per Martin's mail, we book the 7.40.", "Martin", Named, "", "we book the 7.40"},
		{"Per your request, the logo is blue.", "you", Reader, "", "the logo is blue"},
		{"According to Anna, nothing is due.", "Anna", Named, "", "nothing is due"},
		{"The logo stays blue, as per your email.", "you", Reader, "", "The logo stays blue"},
		{"I told you on 11 May that it was unchanged.", "I", Self, "", "on 11 May that it was unchanged"},
		{"On 2 March you wrote \"B looks good\".", "you", Reader, "", "B looks good"},
		{"She promised me the draft.", "She", Absent, Commitment, "the draft"},
		{"We've agreed 600 all in.", "We", OurOwn, Approval, "600 all in"},
		{"Two rooms, you said.", "you", Reader, "", "Two rooms"},
		{"Anna Hale of Hale Architects has said that it is due;", "Anna Hale", Named, "", "it is due"},
		{"Anna and Tom mentioned a ramp.", "Anna and Tom", Named, "", "a ramp"},
		{"As Dan said -- it is due.", "Dan", Named, "", "it is due"},
		{"Gordon says you told him it is refundable.", "Gordon", Named, "", "you told him it is refundable"},
	} {
		r, ok := ReportOf(c.quote)
		if !ok || r.Who != c.who || r.Person != c.person || r.Kind != c.kind || c.quote[r.Start:r.End] != c.words {
			t.Errorf("%q: %v %+v %q, want %+v", c.quote, ok, r, c.quote[r.Start:r.End], c)
		}
	}
	for _, quote := range []string{"I never said that.", "Did you say Friday?", "If he agreed, book it.", "Please book two rooms.", "Who told you to publish it?", "You said.",
		"You did not ask me about it.", "He told.", "Per person it is £20.", "Nobody told us.", "", "Thanks, Martin.", "Itinerary confirmed for Friday.", "Payment agreed.", "I wanted to ask you.",
		"That is what you said about it.", "The fee (as you mentioned the cap) is low."} {
		if r, ok := ReportOf(quote); ok {
			t.Errorf("%q reports %+v %q", quote, r, quote[r.Start:r.End])
		}
	}
}

func FuzzReportOf(f *testing.F) {
	f.Add("As you told us on Monday, the blue one stays.")
	f.Add("Per Martin’s e-mail: \"no\", you’ve said")
	f.Fuzz(func(t *testing.T, quote string) {
		r, ok := ReportOf(quote)
		if ok && (r.Start < 0 || r.Start >= r.End || r.End > len(quote) || r.Who == "" || r.Person == 0) {
			t.Fatalf("%q: %+v", quote, r)
		}
	})
}
