package main

import (
	"bytes"
	"strings"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/corpora"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

const mailA = "From: client@dunmore.example\r\nDate: Wed, 1 Mar 2023 09:00:00 +0000\r\n\r\nBook two rooms\r\nfor Friday. Lovely weather here. Is breakfast included?\r\n"

func caseOf() *Gold {
	return &Gold{ID: "invented", Client: Person{Name: "Dunmore", Domains: []string{"dunmore.example"}},
		mails: map[string]*mail{"001.eml": newMail([]byte(mailA))},
		Labels: []Label{
			{File: "001.eml", Quote: "Book two rooms for Friday.", Kind: statement.Instruction, Speaker: "client",
				Facts: []LabelFact{{Type: "quantity", Value: "2 rooms"}, {Type: "datetime", Value: "2023-03-03T10:00"}}},
			{File: "001.eml", Quote: "Is breakfast included?", Kind: statement.Question, Or: []string{"instruction"}, Speaker: "client"},
		},
		Ordinary: []Label{{File: "001.eml", Quote: "Lovely weather here."}},
	}
}

// returned makes a statement of the words of a mail.
func returned(ml *mail, kind statement.Kind, words string, facts ...statement.Fact) statement.Statement {
	at := strings.Index(ml.m.Text, words)
	if at < 0 {
		panic("no such words: " + words)
	}
	return statement.Statement{Kind: kind, Start: at, End: at + len(words), Quote: words, Facts: facts}
}

func TestScoreCase(t *testing.T) {
	for _, c := range []struct {
		name                 string
		kinds                [3]statement.Kind // of the first, the second and the ordinary sentence; "" for not returned
		precision, recall    float64
		factRight, factAsked float64
	}{
		{"all right", [3]statement.Kind{"instruction", "question", ""}, 1, 1, 1.5, 2},
		{"or counts", [3]statement.Kind{"instruction", "instruction", ""}, 1, 1, 1.5, 2},
		{"wrong kind", [3]statement.Kind{"terms", "question", ""}, 0.5, 0.5, 1.5, 2},
		{"on an ordinary sentence", [3]statement.Kind{"instruction", "question", "answer"}, 2.0 / 3, 1, 1.5, 2},
		{"nothing", [3]statement.Kind{}, 0, 0, 0, 0},
	} {
		g := caseOf()
		ml := g.mails["001.eml"]
		r := scoreCase(g, func(*mail) []statement.Statement {
			var out []statement.Statement
			for i, words := range [...]string{"Book two rooms\nfor Friday.", "Is breakfast included?", "Lovely weather here."} {
				if c.kinds[i] == "" {
					continue
				}
				var fs []statement.Fact
				if i == 0 {
					fs = []statement.Fact{{Type: statement.Quantity, Value: "2 rooms"}, {Type: statement.Date, Value: "2023-03-03"}, {Type: statement.Time, Value: "10:00"}}
				}
				out = append(out, returned(ml, c.kinds[i], words, fs...))
			}
			return out
		}, nil)
		if r.all.precision() != c.precision || r.all.recall() != c.recall {
			t.Errorf("%s: got precision %v, recall %v, want %v, %v", c.name, r.all.precision(), r.all.recall(), c.precision, c.recall)
		}
		if r.factAll.hit != c.factRight || r.factAll.labelled != c.factAsked {
			t.Errorf("%s: facts: got %v of %v right, want %v of %v", c.name, r.factAll.hit, r.factAll.labelled, c.factRight, c.factAsked)
		}
		if r.speaker.precision() != 1 {
			t.Errorf("%s: speaker: got %v, want 1", c.name, r.speaker.precision())
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		got, want [2]int
		ok        bool
	}{
		{[2]int{0, 10}, [2]int{0, 10}, true},
		{[2]int{0, 6}, [2]int{0, 10}, true},
		{[2]int{0, 5}, [2]int{0, 10}, false},
		{[2]int{0, 30}, [2]int{5, 15}, true},
		{[2]int{0, 31}, [2]int{5, 15}, false},
		{[2]int{20, 30}, [2]int{0, 10}, false},
	} {
		if got := matches(c.got, c.want); got != c.ok {
			t.Errorf("matches(%v, %v): got %v, want %v", c.got, c.want, got, c.ok)
		}
	}
}

func TestScoreTrails(t *testing.T) {
	g := caseOf()
	ref := g.mails["001.eml"].ref
	other := archive.Ref{1}
	g.Questions = []GoldQuestion{{
		Ask:  "how many rooms",
		Must: []Place{{File: "001.eml", Quote: "Book two rooms for Friday."}},
		May:  []Place{{File: "001.eml", Quote: "Is breakfast included?"}},
		Findings: []GoldFinding{
			{Type: "unanswered", A: &Place{File: "001.eml", Quote: "Is breakfast included?"}},
			{Type: "contradiction", A: &Place{File: "001.eml", Quote: "Book two rooms for Friday."}, B: &Place{File: "001.eml", Quote: "Is breakfast included?"}},
		},
	}, {Ask: "never answered", Must: []Place{{File: "001.eml", Quote: "Book two rooms for Friday."}}}}
	entry := func(n int, r archive.Ref, quote string) trail.Entry {
		return trail.Entry{N: n, Statement: trail.Statement{Quote: quote, Message: trail.MessageInfo{Ref: r}}}
	}
	r := scoreTrails(g, map[string]*trail.Trail{"how many rooms": {
		Entries: []trail.Entry{entry(1, ref, "Book two rooms\nfor Friday."), entry(2, ref, "Is breakfast included?"), entry(3, other, "Book two rooms\nfor Friday.")},
		Findings: []trail.Finding{
			{Type: trail.Unanswered, A: 2, B: 3},
			{Type: trail.Contradiction, A: 2, B: 1}, // swapped: allowed for contradictions
			{Type: trail.Changed, A: 1, B: 2},
		},
	}}, nil)
	if got := r.recall.recall(); got != 0.5 {
		t.Errorf("recall: got %v, want 0.5 (one question has no answer)", got)
	}
	if got := r.precision.precision(); got != 2.0/3 {
		t.Errorf("precision: got %v, want 2/3 (an entry of a foreign message is noise)", got)
	}
	if r.all.hit != 2 || r.all.returned != 3 || r.all.found != 2 || r.all.labelled != 2 {
		t.Errorf("findings: got %+v, want 2 of 3 returned right, 2 of 2 found", r.all)
	}
}

func TestWithoutGoldSaysSo(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"-gold", t.TempDir() + "/none"}, &out, &errs); code != 0 || !strings.Contains(out.String(), "no gold set") {
		t.Errorf("got exit %d, stdout %q, stderr %q; want 0 and a clear word", code, out.String(), errs.String())
	}
}

func TestLessonsAreRead(t *testing.T) {
	got, err := lessons("")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, l := range strings.Split(lessonsText, "\n") {
		if l != "" && l[0] != '#' {
			lines++
		}
	}
	// A line that the reader cuts in two, or takes for a greeting, teaches nothing.
	if len(got) < lines*95/100 {
		t.Errorf("lessons: %d of %d lines were read as one sentence", len(got), lines)
	}
}

// TestSilverIsRead: a reader that cuts sentences elsewhere no longer finds the
// labels of those it was labelled with.
func TestSilverIsRead(t *testing.T) {
	got, err := silver(corpora.Path(t, "corpora"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Count(silverText, "\t")
	if len(got) < want*9/10 {
		t.Errorf("silver labels: %d examples of %d labels", len(got), want)
	}
}

// TestZones holds the reader of zones to what it has reached.
func TestZones(t *testing.T) {
	sets, err := zoneSets(corpora.Path(t, "corpora"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) == 0 {
		t.Fatal("no labelled zones in the corpora")
	}
	want := map[string]float64{"quagga-enron/train": 0.97, "quagga-enron/eval": 0.95, "quagga-asf/train": 0.84, "quagga-asf/eval": 0.82,
		"enron-zone-lines": 0.91, "forge-signatures": 0.86, "email_reply_trimmer": 0.85, "talon": 1, "crisp-email-reply-parser": 0.95}
	mails, right := 0, 0
	for _, z := range sets {
		mails, right = mails+z.mails, right+z.right
		if got := ratio(float64(z.right), float64(z.mails)); got < want[z.set] {
			t.Errorf("%s: %d of %d mails right, want %.2f", z.set, z.right, z.mails, want[z.set])
		}
	}
	t.Logf("%d of %d mails right", right, mails)
	if float64(right) < 0.92*float64(mails) {
		t.Errorf("%d of %d mails right, want 0.92", right, mails)
	}
}
