package people

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inwriting/search/trail"
)

var known = trail.People{
	Us:      []string{"nora@deskandco.example"},
	Clients: []trail.Party{{Name: "Hale Architects", Addresses: []string{"martin@halearchitects.example"}}, {Name: "Falk", Domains: []string{"falk.example"}}},
	Others:  []trail.Party{{Name: "Alpenair", Domains: []string{"alpenair.example"}}},
}

func public(d string) bool { return d == "post.example" }

func day(n int) time.Time { return time.Date(2023, 3, n, 9, 0, 0, 0, time.UTC) }

func learn(letters ...Letter) Found {
	l := New(known, public)
	for _, m := range letters {
		l.Add(m)
	}
	return l.Found()
}

func to(addresses ...string) (out []Address) {
	for _, a := range addresses {
		out = append(out, Address{Address: a})
	}
	return out
}

func TestSuggestions(t *testing.T) {
	nora := []Address{{"Nora Lind", "nora@deskandco.example"}}
	martin := []Address{{"Martin Hale", "martin@halearchitects.example"}}
	other := []Address{{"Hale, Martin", "m.hale@post.example"}}
	jo := []Address{{"Jo Webb", "jo@webb.example"}}
	bot := []Address{{"Shop", "noreply@shop.example"}}
	for _, tt := range []struct {
		name    string
		letters []Letter
		want    []Suggestion
	}{
		{"nobody new", []Letter{{Date: day(1), From: martin, To: nora}, {Date: day(2), From: nora, To: martin, Sent: true}}, []Suggestion{}},
		{"a second address", []Letter{{Date: day(1), From: martin, To: nora}, {Date: day(2), From: other, To: append(to("martin@halearchitects.example"), nora...)}},
			[]Suggestion{{Kind: Same, Who: []string{"m.hale@post.example"}, Name: "Hale, Martin", Party: "Hale Architects", Role: trail.Client, Letters: 1}}},
		{"one of ours", []Letter{{Date: day(1), From: []Address{{"", "booking@deskandco.example"}}, To: martin, Sent: true}},
			[]Suggestion{{Kind: Ours, Who: []string{"booking@deskandco.example"}, Role: trail.Us, Letters: 1}}},
		{"our name elsewhere", []Letter{{Date: day(1), From: nora, To: martin}, {Date: day(2), From: []Address{{"Nora Lind", "nora.l@post.example"}}, To: martin}},
			[]Suggestion{{Kind: Ours, Who: []string{"nora.l@post.example"}, Name: "Nora Lind", Role: trail.Us, Letters: 1}}},
		{"a colleague", []Letter{{Date: day(1), From: []Address{{"Ida Berg", "ida@halearchitects.example"}}, To: nora}},
			[]Suggestion{{Kind: Domain, Who: []string{"@halearchitects.example"}, Party: "Hale Architects", Role: trail.Client, Letters: 1}}},
		{"somebody unknown", []Letter{{Date: day(1), From: jo, To: nora}, {Date: day(2), From: nora, To: jo}, {Date: day(3), From: jo, To: nora}, {Date: day(4), From: nora, To: jo}},
			[]Suggestion{{Kind: Unknown, Who: []string{"@webb.example"}, Role: trail.Unknown, Letters: 4}}},
		{"one letter is nothing", []Letter{{Date: day(1), From: jo, To: nora}, {Date: day(2), From: nora, To: jo}}, []Suggestion{}},
		{"a program", []Letter{{Date: day(1), From: bot, To: nora, Auto: true}, {Date: day(2), From: bot, To: nora, Auto: true}, {Date: day(3), From: nora, To: bot}, {Date: day(4), From: nora, To: bot}}, []Suggestion{}},
		{"a name that two sides have", []Letter{{Date: day(1), From: []Address{{"Alex Kim", "a@falk.example"}}, To: nora}, {Date: day(2), From: []Address{{"Alex Kim", "b@alpenair.example"}}, To: nora},
			{Date: day(3), From: []Address{{"Alex Kim", "alex@post.example"}}, To: nora}}, []Suggestion{}},
		{"a first name is nobody", []Letter{{Date: day(1), From: []Address{{"Martin", "martin@halearchitects.example"}}, To: nora}, {Date: day(2), From: []Address{{"Martin", "martin@post.example"}}, To: nora}}, []Suggestion{}},
	} {
		got := learn(tt.letters...)
		if d := cmp.Diff(tt.want, got.Suggestions, cmpopts.IgnoreFields(Suggestion{}, "ID", "Why")); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		for _, s := range got.Suggestions {
			if len(s.ID) != 8 || s.Why == "" {
				t.Errorf("%s: %+v", tt.name, s)
			}
		}
		if again := learn(tt.letters...); !cmp.Equal(again.Suggestions, got.Suggestions) {
			t.Errorf("%s: another answer the second time", tt.name)
		}
	}
}

func TestPeople(t *testing.T) {
	got := learn(
		Letter{Date: day(3), From: []Address{{"Martin Hale", "Martin@halearchitects.example"}}, To: to("nora@deskandco.example", "x@falk.example")},
		Letter{Date: day(1), From: to("nora@deskandco.example"), To: to("martin@halearchitects.example"), Sent: true},
	)
	want := []Person{
		{Address: "martin@halearchitects.example", Name: "Martin Hale", Role: trail.Client, Party: "Hale Architects", Wrote: 1, Got: 1, First: day(1), Last: day(3)},
		{Address: "nora@deskandco.example", Role: trail.Us, Wrote: 1, BySent: 1, First: day(1), Last: day(3)},
		{Address: "x@falk.example", Role: trail.Client, Party: "Falk", First: day(3), Last: day(3)},
	}
	if d := cmp.Diff(want, got.People, cmpopts.IgnoreUnexported(Person{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func FuzzNameKey(f *testing.F) {
	f.Add("Hale, Martin (Architects)", "Martin Hale")
	f.Fuzz(func(t *testing.T, a, b string) {
		if nameKey(a) != nameKey(tidy(a)) && nameKey(tidy(a)) == "" {
			t.Errorf("%q", a)
		}
		l := New(known, public)
		l.Add(Letter{From: []Address{{a, "a@x.example"}}, To: []Address{{b, b}}})
		for _, s := range l.Found().Suggestions {
			if len(s.Who) == 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}
