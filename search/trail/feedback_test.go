package trail

import (
	"slices"
	"testing"

	"inwriting/indexer/statement"
)

// Words that the question need not have: what shares them with a likely statement
// rises, what answers one rises with it, and what shares nothing stays.
func TestSmooth(t *testing.T) {
	p := newPool(post(t, []letter{
		{from: "martin", to: "nora", date: "2026-03-02 09:00", subject: "Vienna", said: []said{
			{statement.Instruction, "Please book the aisle seat near the front of the aeroplane.", ""},
			{statement.Question, "Did the printer deliver our brochures?", ""},
		}},
		{from: "nora", to: "martin", date: "2026-03-02 10:00", subject: "Re: Vienna", answers: 1, said: []said{
			{statement.Confirmation, "The aisle seat near the front is yours.", ""},
			{statement.Answer, "Two hundred arrived yesterday.", ""},
		}},
	}), deskPeople)
	likely := p.items[0]
	for _, it := range p.items {
		it.prior = 0.05
	}
	likely.prior = 0.9
	got := p.smooth(nil)
	printer, seat, arrived := got[1], got[2], got[3]
	if got[0] <= seat || seat <= printer+0.2 {
		t.Errorf("smoothed %.2f: want the first above the third, and that above the second", got)
	}
	tied := p.smooth(map[[2]int]float64{{0, 3}: 1})
	if tied[3] <= arrived+0.2 {
		t.Errorf("a tie to a likely statement: %.2f, without it %.2f", tied[3], arrived)
	}
	if again := p.smooth(map[[2]int]float64{{0, 3}: 1}); !slices.Equal(tied, again) {
		t.Errorf("%v, then %v", tied, again)
	}
	if got := newPool(nil, deskPeople).smooth(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestSolve(t *testing.T) {
	// The first row begins with 0: it must change its place.
	if got := solve([][]float64{{0, 2, 4}, {1, 1, 5}}); !slices.Equal(got, []float64{3, 2}) {
		t.Errorf("solved %v, want 3 and 2", got)
	}
}

func TestSorts(t *testing.T) {
	p := newPool(post(t, vienna), deskPeople)
	for _, tt := range []struct {
		ask  string
		want []int
	}{
		{"did I warn Martin about the fare", []int{5, 9}},
		{"who approved the quote", []int{6, 7, 12, 14}},
		{"how many seats, two or three", []int{3, 8}},
		{"when was the deposit due", []int{0, 6}},
	} {
		var got []int
		for i, is := range understand(tt.ask, deskPeople, p).sorts() {
			if is {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q is of the sorts %v, want %v", tt.ask, got, tt.want)
		}
	}
}

// A day is one thing, not three.
func TestHalve(t *testing.T) {
	p := newPool(post(t, vienna), deskPeople)
	q := understand("what did we agree on 19 April for 5000 and 5 seats", deskPeople, p)
	for _, tt := range []struct {
		term term
		want float64
	}{{"d:4-19", 1}, {"n:19", 0.15}, {"md:4", 0.15}, {"n:5000", 1}, {"n:5", 0.5}, {"agre", 0.35}} {
		if got := q.weight(p, tt.term) / p.idf(tt.term); got < tt.want-1e-9 || got > tt.want+1e-9 {
			t.Errorf("%q counts %v, want %v", tt.term, got, tt.want)
		}
	}
}
