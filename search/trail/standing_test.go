package trail

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/statement"
)

var berlin = []letter{
	{"martin", "nora", "2023-05-02 09:00", "Berlin hotel", 0, []said{
		{statement.Instruction, "Please book the Berlin hotel for 14 June.", "date=2023-06-14"}}},
	{"air", "nora", "2023-05-03 09:00", "Re: Berlin hotel", 1, []said{
		{statement.Change, "The Berlin hotel booking is changed to 16 June.", "date=2023-06-16"}}},
	{"martin", "nora", "2023-05-09 09:00", "Re: Berlin hotel", 1, []said{
		{statement.Change, "Please change the Berlin hotel booking to 15 June instead.", "date=2023-06-15"}}},
}

func TestAsOf(t *testing.T) {
	people := deskPeople
	for _, tt := range []struct {
		name string
		asOf string
		want []Standing
	}{
		{"before the change", "2023-05-02T23:59:59Z", []Standing{{N: 1, InForce: true}}},
		{"a third party's change is not applied", "2023-05-08T23:59:59Z", []Standing{
			{N: 1, InForce: true, NotApplied: []int{2}}, {N: 2}}},
		{"the client's is", "2023-05-31T23:59:59Z", []Standing{
			{N: 1, ReplacedBy: []int{3}, NotApplied: []int{2}}, {N: 2}, {N: 3, InForce: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			then, err := time.Parse(time.RFC3339, tt.asOf)
			if err != nil {
				t.Fatal(err)
			}
			tr, err := Build(context.Background(), newMemory(post(t, berlin)), people, "berlin hotel booking", Options{AsOf: then})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, tr.Standings); d != "" {
				t.Errorf("standings (-want +got):\n%s", d)
			}
			if tr.AsOf == nil || !tr.AsOf.Equal(then) {
				t.Errorf("as of %v, want %v", tr.AsOf, then)
			}
			for _, e := range tr.Entries {
				if e.Statement.Message.Date.After(then) {
					t.Errorf("entry %d is of %v, after %v", e.N, e.Statement.Message.Date, then)
				}
			}
		})
	}
}

func TestNear(t *testing.T) {
	letters := append([]letter{{"olga", "nora", "2023-05-04 09:00", "Garden party", 0, []said{
		{statement.Question, "Is the marquee for the garden party paid?", ""}}}}, berlin...)
	build := func(o Options) *Trail {
		tr, err := Build(context.Background(), newMemory(post(t, letters)), deskPeople, "berlin hotel booking", o)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	if n := build(Options{}).Near; n != nil {
		t.Errorf("near matches that nobody asked for: %v", n)
	}
	all := build(Options{})
	first := all.Entries[0].Statement
	taken := build(Options{Near: 5, Excluded: []Item{{Ref: first.Message.Ref, Statement: first.ID}}})
	in := map[string]bool{first.ID: true}
	for _, e := range taken.Entries {
		in[e.Statement.ID] = true
	}
	for _, s := range taken.Near {
		if in[s.ID] {
			t.Errorf("%q is an entry or was taken out, and near as well", s.Quote)
		}
	}
}

// Words that stand together in the question weigh more where they stand together.
func TestPhrased(t *testing.T) {
	letters := []letter{
		{"olga", "nora", "2023-05-01 09:00", "Green paper", 0, []said{
			{statement.Instruction, "Print the green paper on Friday, please.", ""}}},
		{"martin", "nora", "2023-05-02 09:00", "Catalogue", 0, []said{
			{statement.Instruction, "Use paper for the catalogue, green if they have it.", ""}}},
	}
	p := newPool(post(t, letters), deskPeople)
	q := understand("who ordered the green paper", deskPeople, p)
	for party, want := range map[string]float64{"Perrin & Daughters": 1, "Hale Architects": 0} {
		if got := q.phrased(p, party); got != want {
			t.Errorf("%s: %v of the question's pairs, want %v", party, got, want)
		}
	}
}
