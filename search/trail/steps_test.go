package trail

import (
	"testing"

	"inwriting/indexer/statement"
)

func TestSteps(t *testing.T) {
	date := func(v ...string) (f []statement.Fact) {
		for _, v := range v {
			kind := statement.Date
			if len(v) > 10 {
				kind = statement.DateTime
			}
			f = append(f, statement.Fact{Type: kind, Value: v})
		}
		return f
	}
	entry := func(n int, facts []statement.Fact) Entry { return Entry{N: n, Statement: Statement{Facts: facts}} }
	tr := &Trail{
		Summary: Summary{Statements: []int{3, 2}},
		Entries: []Entry{entry(1, date("2023-03-14")), entry(2, date("2023-03-09", "2023-03-15")), entry(3, date("2023-03-15")),
			entry(4, nil), entry(5, date("2023-03-15T06:50")), entry(6, date("2023-03-14"))},
		Findings: []Finding{{Type: Contradiction, A: 1, B: 5, ExplainedBy: 2, Fact: statement.Date}, {Type: Unanswered, A: 4}, {Type: Refuted, A: 6, B: 2}},
	}
	got := ""
	for _, s := range tr.Steps(8) {
		got += s.Fact.Value + " "
	}
	if want := "2023-03-14 2023-03-15 2023-03-15 2023-03-15T06:50 2023-03-14 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// The way back that all of them name is not what the finding compares.
	tr.Findings[0].Text = "1 says Tue 14 March, 5 says Wed 15 March 06:50; explained by 2."
	tr.Entries[0].Statement.Facts = date("2023-03-14", "2023-03-16")
	tr.Entries[2].Statement.Facts = date("2023-03-15", "2023-03-16")
	tr.Entries[4].Statement.Facts = date("2023-03-15T06:50", "2023-03-16T19:35")
	if got := tr.Steps(8)[0].Fact.Value; got != "2023-03-14" {
		t.Errorf("first step shows %s, want 2023-03-14", got)
	}
	short := tr.Steps(3)
	if len(short) != 3 || short[2].Entry.N != 6 {
		t.Errorf("three steps: got %d, ending in %d; want 3, ending in 6", len(short), short[len(short)-1].Entry.N)
	}
}
