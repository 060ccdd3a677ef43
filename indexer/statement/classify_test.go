package statement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
)

// TestKinds holds plain examples of each kind, none of them from a gold case.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		text string
		want Kind
	}{
		{"Please book the early train for Monday.", Instruction},
		{"Could you send me the signed copy by Friday?", Instruction},
		{"Don't print anything before I have seen the proof.", Instruction},
		{"Please cancel the second room.", Change},
		{"Make it three nights instead of two.", Change},
		{"Approved, go ahead.", Approval},
		{"Sounds good, please go ahead.", Approval},
		{"Noted: two copies, blue cover, delivery on Monday.", Confirmation},
		{"On 3 February you wrote \"go ahead with the blue one\".", Confirmation},
		{"What time does the hall open?", Question},
		{"Which colour would you like?", Question},
		{"I'll send you the revised draft tomorrow.", Commitment},
		{"You will have the texts by Thursday.", Commitment},
		{"Attached is the revised brochure.", Delivery},
		{"I have uploaded all the photos to the folder.", Delivery},
		{"My rate is £40 an hour, payable within 14 days.", Terms},
		{"I can't guarantee that the printer will be ready in time.", Caveat},
		{"Please note that this fare cannot be refunded.", Caveat},
		{"I never agreed to this price.", Dispute},
		{"We will not pay for this.", Dispute},
		{"This is not what I asked for.", Dispute},
		{"The fitter has moved to Friday, so make that visit a day later.", Change},
		{"Will do: Monday 6 May instead, early train.", Commitment},
		{"I said Monday 6 May, and I expect you to cover the second van.", Dispute},
		{"€40 an hour is fine for me.", Approval},
		{"Please start with the October folder.", Instruction},
		{"A few letters cannot cost €900.", Dispute},
		{"All nine chapters are in the folder now: 340 pages.", Delivery},
		{"Return Mon 6 May 2024, 18:20.", Confirmation},
		{"Passenger: MS ANNA BELL.", None},
		{"Hope you had a lovely weekend!", None},
		{"Thanks so much for your help.", None},
		{"Please do not hesitate to contact me.", None},
		{"Have a great weekend!", None},
		{"If you have received this message in error, please notify the sender and delete it.", None},
	} {
		t.Run(c.text, func(t *testing.T) {
			r := Read(mailOf(c.text))
			if len(r.Sentences) == 0 {
				t.Fatalf("no sentence in %q", c.text)
			}
			if got := r.Sentences[0].Kind; got != c.want {
				t.Errorf("kind of %q: got %s, want %s; %+v", c.text, got, c.want, r.Statements)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Please do not book the late flight.", []string{Negative}},
		{"If the early one is gone, please take the late one.", []string{Conditional}},
		{"It should be there by Monday, probably.", []string{Hedged}},
		{"You told me to hold two rooms.", []string{Reported}},
		{"Please book it.", []string{}},
	} {
		r := &reader{model: theModel}
		segs := r.read(mailOf(c.text))
		if d := cmp.Diff(c.want, r.flags(&segs[0])); d != "" {
			t.Errorf("flags of %q (-want +got):\n%s", c.text, d)
		}
	}
}

func TestTwoActsAreCut(t *testing.T) {
	r := Read(mailOf("I have attached the signed contract, and please send me the invoice by Friday."))
	var got []string
	for _, s := range r.Statements {
		got = append(got, string(s.Kind)+": "+s.Quote)
	}
	want := []string{"delivery: I have attached the signed contract,", "instruction: and please send me the invoice by Friday."}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAutomaticMailSaysNothing(t *testing.T) {
	m := mailOf("I am away until Monday 13 March. For anything urgent please ring the office.")
	m.Auto, m.Subject = true, "Automatic reply: hotel"
	if r := Read(m); len(r.Statements) != 0 {
		t.Errorf("an absence note: got %+v, want no statement", r.Statements)
	}
	m = mailOf("Your booking ABC123 is confirmed.\n\nTotal GBP 248.00, no refund.")
	m.Auto = true
	if r := Read(m); len(r.Statements) == 0 {
		t.Error("a booking engine's confirmation: got no statement")
	}
}

func TestShortReplyTakesItsMeaningFromTheQuestion(t *testing.T) {
	text := "Yes please.\n\n> Shall I book the hall for Friday?\n"
	m := mailOf(text)
	m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: 13}, {Kind: message.Quoted, Start: 13, End: len(text)}}
	r := Read(m)
	if len(r.Statements) != 1 || r.Statements[0].Kind != Approval {
		t.Errorf("a yes under a request for one: got %+v, want an approval", r.Statements)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, bad := range []string{
		"wish 10 x : a", "terms ten x : a", "terms 10 x +nothing : a", "terms 10 x : @nobody", "terms 10 x", "terms 10 x : a\nterms 5 x : b", "terms 10 x : ..z",
	} {
		if _, err := compile(bad); err == nil {
			t.Errorf("compile(%q): got no error", bad)
		}
	}
}

func TestModelFile(t *testing.T) {
	rows := map[uint32][Columns]int8{7: {1, -2, 3}, 9: {12: 100}}
	b := AppendModel(nil, 25, rows)
	m, err := ParseModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if r := m.row(9); r == nil || r[12] != 100 {
		t.Errorf("row 9: got %v", r)
	}
	if r := m.row(8); r != nil {
		t.Errorf("row 8: got %v, want none", r)
	}
	for n := range b {
		if n == 0 {
			continue // an empty file is the empty model
		}
		if _, err := ParseModel(b[:n]); err == nil {
			t.Errorf("a file cut at %d octets: got no error", n)
		}
	}
}

func TestConfidenceIsLogistic(t *testing.T) {
	for _, c := range []struct{ lead, want int }{{0, 50}, {1000, 73}, {2197, 90}, {9000, 99}} {
		if got := confidence(c.lead); got != c.want {
			t.Errorf("confidence(%d): got %d, want %d", c.lead, got, c.want)
		}
	}
}
