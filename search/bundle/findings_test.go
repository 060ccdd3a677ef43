package bundle

import (
	"strings"
	"testing"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

func TestClaimStandsInFront(t *testing.T) {
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: strings.Replace(booking, "Please book the flight for Tuesday.", "I never asked for Tuesday.", 1), said: "I never asked for Tuesday.", kind: "dispute", role: trail.Client})
	in.Trail.Entries[1].Links = []trail.Link{{Rel: trail.Disputes, N: 1}}
	in.Trail.Findings = []trail.Finding{{Type: trail.Contradiction, A: 1, B: 2, Text: "2 says otherwise than 1."}}
	bag, _ := bagOf(t, in)
	said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "-l", "1", "FILE", "-"))
	for _, want := range []string{"What is in dispute “I never asked for Tuesday.”", "See 1, 2 1 Instruction 2 Dispute “Please book the flight for Tuesday.” “I never asked for Tuesday.”"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not on the first page:\n%s", want, said)
		}
	}
	if !strings.Contains(bag["data/chronology.html"], `Disputed by <a href="#n2">2</a>`) {
		t.Error("what answers a statement is not said beside it")
	}
}

func TestLater(t *testing.T) {
	from := time.Date(2023, 3, 2, 9, 12, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{0: "", -time.Hour: "", 30 * time.Second: "", time.Minute: ", 1 minute later", 41 * time.Minute: ", 41 minutes later", 90 * time.Minute: ", 1 hour later", 50 * time.Hour: ", 2 days later"} {
		if got := later(from, from.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if later(time.Time{}, from)+later(from, time.Time{}) != "" {
		t.Error("no date says how much later")
	}
}

func TestCutSpans(t *testing.T) {
	fact := []statement.Fact{{Type: statement.Date, Text: "Tuesday", Value: "2023-03-14"}}
	long := strings.Repeat("ä ", 100) + "on Tuesday" + strings.Repeat(" ö", 100)
	for _, tt := range []struct{ quote, want string }{
		{"on Tuesday", "on Tuesday"},
		{long, "… "},
	} {
		var text, marked string
		for _, s := range cutSpans(trail.Statement{Quote: tt.quote, Facts: fact}, 60) {
			text += s.Text
			if s.Fact != "" {
				marked += s.Text
			}
		}
		if !strings.HasPrefix(text, tt.want) || marked != "Tuesday" || len([]rune(text)) > 64 {
			t.Errorf("%q, marked %q", text, marked)
		}
	}
}
