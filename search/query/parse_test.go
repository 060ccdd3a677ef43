package query

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	london, _ = time.LoadLocation("Europe/London")
	now       = time.Date(2023, 3, 15, 10, 30, 0, 0, time.FixedZone("", 0))
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, now.Location()) }

func TestParse(t *testing.T) {
	q := func(w ...string) Question { return Question{Words: w} }
	w := func(s string) Word { return Word{Text: s} }
	for _, tt := range []struct {
		in    string
		want  Node
		print string // "" when it is in
	}{
		{"", All{}, "*"},
		{"  ?! ", All{}, "*"},
		{"*", All{}, ""},
		{"what date did Martin want to fly?", q("date", "Martin", "fly"), "date Martin fly"},
		{"the flight (the one on the 15th), please", q("flight", "one", "15th"), "flight one 15th"},
		{"didn't Martin’s flight leave at 9:30?", q("Martin’s", "flight", "leave", "9:30"), "Martin’s flight leave 9:30"},
		{"to be or not to be", q("to", "be", "or", "not"), "to be or not"},
		{"flight Flight FLIGHT", q("flight"), "flight"},
		{"INV-2018-52225", q("INV-2018-52225"), ""},
		{"£1,162.00", q("1,162.00"), "1,162.00"},
		{"see https://www.example.com/a?b=1 note:this", q("see", "https://www.example.com/a?b=1", "note:this"), "see https://www.example.com/a?b=1 note:this"},
		{"(flight)", q("flight"), "flight"},
		{"**urgent** refund", q("urgent", "refund"), "urgent refund"},
		{"well-known - but not booked", q("well-known", "booked"), "well-known booked"},
		{`"first flight out"`, Phrase{"first flight out"}, ""},
		{`“first  flight out”`, Phrase{"first flight out"}, `"first flight out"`},
		{`"!" hotel`, q("hotel"), "hotel"},
		{"flight -train", And{q("flight"), Not{w("train")}}, ""},
		{"-train flight", And{q("flight"), Not{w("train")}}, "flight -train"},
		{"--train", q("train"), "train"},
		{"invoi* vienna~ flight", And{q("flight"), Word{Text: "invoi", Prefix: true}, Word{Text: "vienna", Fuzzy: true}}, "flight invoi* vienna~"},
		{"hotel AND refund", And{w("hotel"), w("refund")}, ""},
		{"hotel refund OR credit", Or{And{w("hotel"), w("refund")}, w("credit")}, "(hotel AND refund) OR credit"},
		{"hotel AND (refund OR (credit OR voucher))", And{w("hotel"), Or{w("refund"), w("credit"), w("voucher")}}, "hotel AND (refund OR credit OR voucher)"},
		{"flight NEAR vienna", Near{[]string{"flight", "vienna"}, 10}, "flight NEAR/10 vienna"},
		{"flight NEAR/3 vienna NEAR/3 march from:a", And{Near{[]string{"flight", "vienna", "march"}, 3}, Field{Name: "from", Text: "a"}}, "flight NEAR/3 vienna NEAR/3 march from:a"},
		{"-(a NEAR/2 b) OR c", Or{Not{Near{[]string{"a", "b"}, 2}}, w("c")}, "-a NEAR/2 b OR c"},
		{"'NEAR/2' near", q("near/2", "near"), "near/2 near"},
		{"hotel NOT train", And{w("hotel"), Not{w("train")}}, "hotel AND -train"},
		{"NOT (NOT hotel)", q("hotel"), "hotel"},
		{"NOT *", Not{All{}}, ""},
		{"-(a OR b) c", And{Not{Or{w("a"), w("b")}}, w("c")}, "-(a OR b) AND c"},
		{"'AND' then", q("and", "then"), "and then"},
		{"'from:martin'", q("martin"), "martin"},
		{"from:Martin, flight", And{q("flight"), Field{Name: "from", Text: "Martin"}}, "flight from:Martin"},
		{`FROM:"Martin Hale"`, Field{Name: "from", Text: "Martin Hale", Quoted: true}, `from:"Martin Hale"`},
		{"from:@hale.example", Field{Name: "from", Text: "@hale.example"}, ""},
		{"(from:a OR from:b) subject:invoi*", And{Or{Field{Name: "from", Text: "a"}, Field{Name: "from", Text: "b"}}, Field{Name: "subject", Text: "invoi", Prefix: true}}, "(from:a OR from:b) AND subject:invoi*"},
		{"kind:Change", Field{Name: "kind", Text: "change"}, "kind:change"},
		{`folder:"Clients (old)."`, Field{Name: "folder", Text: "Clients (old)."}, ""},
		{`folder:"INBOX"`, Field{Name: "folder", Text: "INBOX"}, "folder:INBOX"},
		{"thread:<abc@def.example>", Field{Name: "thread", Text: "<abc@def.example"}, `thread:<abc@def.example`},
		{"since:2023-03-01", Field{Name: "since", Text: "2023-03-01", From: day(2023, 3, 1)}, ""},
		{"until:2023", Field{Name: "until", Text: "2023", To: day(2024, 1, 1)}, ""},
		{"date:2023-03", Field{Name: "date", Text: "2023-03", From: day(2023, 3, 1), To: day(2023, 4, 1)}, ""},
		{"date:2023-01..", Field{Name: "date", Text: "2023-01..", From: day(2023, 1, 1)}, ""},
		{`date:"last March"`, Field{Name: "date", Text: "last March", From: day(2022, 3, 1), To: day(2022, 4, 1)}, ""},
		{"amount:£120", Field{Name: "amount", Text: "£120", Min: 120, Max: 120, Currency: "GBP"}, ""},
		{"amount:120€", Field{Name: "amount", Text: "120€", Min: 120, Max: 120, Currency: "EUR"}, ""},
		{`amount:"GBP 1,162.50"`, Field{Name: "amount", Text: "GBP 1,162.50", Min: 1162.5, Max: 1162.5, Currency: "GBP"}, ""},
		{"amount:100..260", Field{Name: "amount", Text: "100..260", Min: 100, Max: 260}, ""},
		{"amount:>=100", Field{Name: "amount", Text: ">=100", Min: 100, Max: math.Inf(1)}, ""},
		{"has:attachment is:hedged", And{Field{Name: "has", Text: "attachment"}, Field{Name: "is", Text: "hedged"}}, ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := Parse(tt.in, Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("tree (-want +got):\n%s", d)
			}
			want := tt.print
			if want == "" {
				want = tt.in
			}
			if got.String() != want {
				t.Errorf("printed %q, want %q", got.String(), want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		in, want string
	}{
		{"flight form:martin", `column 8: unknown field "form"; did you mean from:?`},
		{"Zürich *ment", "column 8: a word cannot begin with *; write the first letters of the word, then *"},
		{"in*ce", "column 1: a * can only stand at the end of a word"},
		{"hotel co*", `column 7: "co*" would fit too many words; give at least three letters before the *`},
		{"from:co*", `column 6: "co*" would fit too many words; give at least three letters before the *`},
		{"subject:*ment", "column 9: a word cannot begin with *; write the first letters of the word, then *"},
		{"mailbox:nora*", "column 13: mailbox: takes no *"},
		{`say "first flight`, `column 5: the quotation does not end; write a " after its last word`},
		{"AND hotel", `column 1: AND needs something before it; to look for the word itself write "and"`},
		{"hotel AND", `column 7: AND needs something after it; to look for the word itself write "and"`},
		{"hotel AND OR refund", `column 7: AND needs something after it; to look for the word itself write "and"`},
		{"hotel OR", `column 7: OR needs something after it; to look for the word itself write "or"`},
		{"OR hotel", `column 1: OR needs something before it; to look for the word itself write "or"`},
		{"NEAR vienna", `column 1: NEAR needs something before it; to look for the word itself write "near"`},
		{"flight NEAR/3", `column 8: NEAR/3 needs something after it; to look for the word itself write "near/3"`},
		{"flight NEAR/0 vienna", "column 8: NEAR/0: how many words apart?; from 1 to 100, as in flight NEAR/5 vienna"},
		{"flight NEAR/x vienna", "column 8: NEAR/x: how many words apart?; from 1 to 100, as in flight NEAR/5 vienna"},
		{"flight NEAR from:a", "column 13: NEAR stands between words; as in flight NEAR/5 vienna"},
		{`"a b" NEAR c`, "column 1: NEAR stands between words; as in flight NEAR/5 vienna"},
		{"a NEAR/2 b NEAR/3 c", "column 12: NEAR/3 beside NEAR/2; one number for all of the words"},
		{"a AND NEAR b", `column 7: NEAR needs something before it; to look for the word itself write "near"`},
		{"NOT", `column 1: NOT needs something after it; to look for the word itself write "not"`},
		{"(hotel AND refund", `column 1: "(" without ")"`},
		{"hotel AND refund)", `column 17: ")" without "("`},
		{"kind:changes", `column 6: unknown kind "changes"; did you mean change?`},
		{"is:missing", `column 4: unknown is "missing"; one of negative, conditional, hedged, reported, auto`},
		{"from: martin", "column 6: from: needs a value; as in from:martin"},
		{"from:(a OR b)", "column 6: from: takes one value; write (from:one OR from:other)"},
		{"since:soon", `column 7: "soon" is no date; as in 2023-03-14, 2023-03, march 2023, last week`},
		{"since:2023-02-30", `column 7: "2023-02-30" is no date; as in 2023-03-14, 2023-03, march 2023, last week`},
		{"date:2023..2022", `column 6: "2023..2022" ends before it begins; as in 2023-03-14, 2023-03, march 2023, last week`},
		{"amount:lots", `column 8: "lots" is no amount; as in 120, >100, 100..260, £120`},
		{strings.Repeat("(", 40) + "a" + strings.Repeat(")", 40) + " OR b", "column 33: too deeply nested"},
		{strings.Repeat("x", MaxText+1), "column 1: the query is longer than 4096 bytes"},
	} {
		t.Run(tt.in[:min(len(tt.in), 40)], func(t *testing.T) {
			n, err := Parse(tt.in, Options{Now: now})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, %v; want an *Error", n, err)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDays(t *testing.T) {
	for _, tt := range []struct {
		in       string
		from, to time.Time
	}{
		{"today", day(2023, 3, 15), day(2023, 3, 16)},
		{"yesterday", day(2023, 3, 14), day(2023, 3, 15)},
		{"this week", day(2023, 3, 13), day(2023, 3, 20)},
		{"last week", day(2023, 3, 6), day(2023, 3, 13)},
		{"last month", day(2023, 2, 1), day(2023, 3, 1)},
		{"this month", day(2023, 3, 1), day(2023, 4, 1)},
		{"last year", day(2022, 1, 1), day(2023, 1, 1)},
		{"3 days ago", day(2023, 3, 12), day(2023, 3, 13)},
		{"two", time.Time{}, time.Time{}},
		{"2-weeks-ago", day(2023, 3, 1), day(2023, 3, 2)},
		{"a month ago", day(2023, 2, 15), day(2023, 2, 16)},
		{"monday", day(2023, 3, 13), day(2023, 3, 14)},
		{"wednesday", day(2023, 3, 15), day(2023, 3, 16)},
		{"last wednesday", day(2023, 3, 8), day(2023, 3, 9)},
		{"march", day(2023, 3, 1), day(2023, 4, 1)},
		{"last march", day(2022, 3, 1), day(2022, 4, 1)},
		{"april", day(2022, 4, 1), day(2022, 5, 1)},
		{"14 March", day(2023, 3, 14), day(2023, 3, 15)},
		{"16 March", day(2022, 3, 16), day(2022, 3, 17)},
		{"march 14th, 2021", day(2021, 3, 14), day(2021, 3, 15)},
		{"sept 2021", day(2021, 9, 1), day(2021, 10, 1)},
		{"29 february", day(2020, 2, 29), day(2020, 3, 1)},
		{"30 february", time.Time{}, time.Time{}},
		{"2023-03-14..2023-03-15", day(2023, 3, 14), day(2023, 3, 16)},
		{"..2023", time.Time{}, day(2024, 1, 1)},
		{"..", time.Time{}, time.Time{}},
		{"14/03/2023", time.Time{}, time.Time{}},
		{"march march", time.Time{}, time.Time{}},
	} {
		from, to, err := Days(tt.in, now)
		if tt.to.IsZero() && tt.from.IsZero() {
			if err == nil {
				t.Errorf("%q: got %v to %v, want an error", tt.in, from, to)
			}
			continue
		}
		if err != nil || !from.Equal(tt.from) || !to.Equal(tt.to) {
			t.Errorf("%q: got %v to %v, %v; want %v to %v", tt.in, from, to, err, tt.from, tt.to)
		}
	}
}

// A day is the zone's own, also when the clocks change.
func TestDaysZone(t *testing.T) {
	if london == nil {
		t.Skip("no time zone data")
	}
	from, to, err := Days("2023-03-26", time.Date(2023, 6, 1, 0, 0, 0, 0, london))
	if err != nil || to.Sub(from) != 23*time.Hour {
		t.Errorf("got %v to %v, %v; want the 23 hours of that day", from, to, err)
	}
}

// The help names every field, and every example in the tables parses.
func TestFields(t *testing.T) {
	help := Help()
	for _, f := range Fields {
		if !strings.Contains(help, "  "+f.Example) {
			t.Errorf("help lacks %s", f.Example)
		}
		if n, err := Parse(f.Example, Options{Now: now}); err != nil {
			t.Errorf("%s: %v", f.Example, err)
		} else if got, ok := n.(Field); !ok || got.Name != f.Name {
			t.Errorf("%s: got %#v, want field %s", f.Example, n, f.Name)
		}
	}
	for _, o := range Operators {
		for _, s := range strings.Split(o[0], "   ") {
			if _, err := Parse(s, Options{Now: now}); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"what date did Martin want to fly?", `flight -"no train" by:us since:2023`, "a AND (b OR NOT c) OR -(d e)",
		"invoi* fuzzy~ subject:x* amount:£1,2..3", `from:"a b" 'AND' "from:x" “x”`, "--a NOT NOT b -( ) (", "*a* **b** c*~ ~d~ e:f:g",
		`date:"last march" until:.. is:auto thread:<a@b>`, "- -- -* NOT * \x80a\xffb:c", `folder:"a.b." to:a.. ref:“q”`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s, Options{Now: now})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: %v is no *Error", s, err)
			}
			if e.Column < 1 || e.Column > len(s)+1 {
				t.Fatalf("%q: column %d", s, e.Column)
			}
			return
		}
		printed := n.String()
		if len(printed) > MaxText {
			return // ANDs made it longer than what is read
		}
		again, err := Parse(printed, Options{Now: now})
		if err != nil {
			t.Fatalf("%q prints as %q: %v", s, printed, err)
		}
		if d := cmp.Diff(n, again); d != "" {
			t.Fatalf("%q prints as %q, which is another tree (-first +second):\n%s", s, printed, d)
		}
	})
}
