package trail

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// A said is one statement of an invented mail: kind, words, facts as type=value.
type said struct {
	kind  statement.Kind
	quote string
	facts string
}

// A letter is one invented mail. Answers is the number of the mail it answers, 0 for none.
type letter struct {
	from, to string
	date     string
	subject  string
	answers  int
	said     []said
}

var names = map[string]string{
	"nora": "Nora Lindqvist <nora@deskandco.example>", "martin": "Martin Hale <martin@halearchitects.example>",
	"air": "Alpenair <tickets@alpenair.example>", "olga": "Olga Perrin <olga@perrin.example>",
}

var deskPeople = People{
	Us: []string{"nora@deskandco.example"},
	Clients: []Party{
		{Name: "Hale Architects", Addresses: []string{"martin@halearchitects.example"}, Domains: []string{"halearchitects.example"}},
		{Name: "Perrin & Daughters", Addresses: []string{"olga@perrin.example"}},
	},
}

func post(t testing.TB, letters []letter) []*Record {
	t.Helper()
	address := func(s string) message.Address {
		name, a, _ := strings.Cut(strings.TrimSuffix(names[s], ">"), " <")
		return message.Address{Name: name, Address: a}
	}
	var out []*Record
	for i, l := range letters {
		date, err := time.Parse("2006-01-02 15:04", l.date)
		if err != nil {
			t.Fatal(err)
		}
		r := &Record{Ref: sha256.Sum256([]byte(fmt.Sprint(i, l))), From: []message.Address{address(l.from)}, To: []message.Address{address(l.to)},
			Subject: l.subject, MessageID: fmt.Sprintf("%d@mini.example", i+1), Date: date}
		if l.answers > 0 {
			r.Refs = []string{fmt.Sprintf("%d@mini.example", l.answers)}
		}
		r.Info = MessageInfo{Ref: r.Ref, MessageID: r.MessageID, Date: date, Subject: l.subject, From: r.From[0].Address, To: []string{r.To[0].Address}}
		role, _ := deskPeople.Role(r.From[0].Address)
		for k, s := range l.said {
			st := Statement{ID: fmt.Sprintf("s-%d-%d", i+1, k+1), Kind: s.kind, Confidence: 1, Quote: s.quote, Start: 200 * k, End: 200*k + len(s.quote),
				Speaker: Speaker{r.From[0].Name, r.From[0].Address, role}, Message: r.Info}
			for _, f := range strings.Split(s.facts, "; ") {
				if typ, value, ok := strings.Cut(f, "="); ok {
					st.Facts = append(st.Facts, statement.Fact{Type: statement.FactType(typ), Text: value, Value: value})
				}
			}
			r.Statements = append(r.Statements, st)
		}
		out = append(out, r)
	}
	return out
}

var vienna = []letter{
	{"martin", "nora", "2023-03-02 09:12", "Vienna trip", 0, []said{
		{statement.Instruction, "Please book me London to Vienna on Tuesday 14 March, first flight out.", "date=2023-03-14"}}},
	{"nora", "martin", "2023-03-02 09:53", "Re: Vienna trip", 1, []said{
		{statement.Confirmation, "Confirming: flight London to Vienna on Tuesday 14 March, first flight out.", "date=2023-03-14"}}},
	{"martin", "nora", "2023-03-02 18:47", "Lunch with Kessler", 0, []said{
		{statement.Change, "Kessler has moved to Thursday lunch, so make that Vienna flight a day later.", "date=2023-03-15"}}},
	{"nora", "martin", "2023-03-02 19:01", "Re: Lunch with Kessler", 3, []said{
		{statement.Confirmation, "Will do: Vienna flight on Wednesday 15 March instead.", "date=2023-03-15"}}},
	{"air", "nora", "2023-03-03 16:20", "Your booking QX7T2L", 0, []said{
		{statement.Delivery, "Booking QX7T2L is confirmed: flight to Vienna on Wed 15 March 2023.", "reference=QX7T2L; date=2023-03-15"}}},
	{"nora", "martin", "2023-03-03 16:31", "Vienna ticket", 0, []said{
		{statement.Delivery, "Booked, Vienna ticket attached: out on Wednesday 15 March.", "date=2023-03-15"},
		{statement.Question, "Shall the office printer have new toner as well?", ""}}},
	{"martin", "nora", "2023-03-13 07:41", "This is not what I asked for", 0, []said{
		{statement.Dispute, "I never said the 15th for the Vienna flight, I asked for Tuesday 14 March.", "date=2023-03-15; date=2023-03-14"}}},
	// other work of the same client, and another client
	{"martin", "nora", "2023-03-06 10:00", "Printer toner", 0, []said{
		{statement.Instruction, "Please order two toner cartridges for the office printer.", "quantity=2 cartridges"}}},
	{"nora", "martin", "2023-03-06 11:00", "Re: Printer toner", 8, []said{
		{statement.Delivery, "Toner ordered, two cartridges.", "quantity=2 cartridges"}}},
	{"olga", "nora", "2023-03-05 08:00", "Garden party", 0, []said{
		{statement.Instruction, "Please book a string quartet for our garden party on 1 July.", "date=2023-07-01"}}},
	{"nora", "olga", "2023-03-05 09:00", "Re: Garden party", 10, []said{
		{statement.Confirmation, "Noted, a string quartet for the garden party.", ""}}},
}

func ask(t testing.TB, letters []letter, question string) *Trail {
	t.Helper()
	tr, err := Build(context.Background(), newMemory(post(t, letters)), deskPeople, question, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestTrail(t *testing.T) {
	tr := ask(t, vienna, "which day did martin ask for the vienna flight, the 14th or the 15th?")
	var got []string
	for _, e := range tr.Entries {
		s := fmt.Sprint(e.N, " ", e.Statement.ID)
		for _, l := range e.Links {
			s += fmt.Sprint(" ", l.Rel, " ", l.N)
		}
		got = append(got, s)
	}
	want := []string{
		"1 s-1-1",
		"2 s-2-1 confirms 1",
		"3 s-3-1 changes 1",
		"4 s-4-1 confirms 3",
		"5 s-5-1 fulfils 3",
		"6 s-6-1 fulfils 3",
		"7 s-7-1 disputes 4",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("entries and links (-want +got):\n%s", d)
	}
	var findings []string
	for _, f := range tr.Findings {
		findings = append(findings, fmt.Sprint(f.Type, " ", f.A, " ", f.B, ": ", f.Text))
	}
	wantFindings := []string{
		"contradiction 1 5: 1 says Tue 14 March, 5 says Wed 15 March; explained by 3.",
		"changed 1 3: Martin's change (3) changes Martin's instruction (1): Tue 14 March became Wed 15 March.",
		"refuted 7 3: Martin's dispute (7) stands against Martin's change (3), written on 2 March 2023.",
	}
	if d := cmp.Diff(wantFindings, findings); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	wantSummary := Summary{"Martin moved the flight from Tuesday 14 to Wednesday 15 March in writing on 2 March (3). You confirmed the new date 14 minutes later (4). " +
		"Martin's dispute of 13 March (7) stands against it.", []int{3, 4, 7}}
	if d := cmp.Diff(wantSummary, tr.Summary); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}
}

func TestGap(t *testing.T) {
	// The toner mail of 6 March breaks the silence although it is not in the trail.
	if got := ask(t, vienna, "which day did martin ask for the vienna flight, the 14th or the 15th?").Gaps; len(got) != 0 {
		t.Errorf("gaps with mail between: %v", got)
	}
	quiet := append([]letter(nil), vienna[:7]...)
	want := []Gap{{time.Date(2023, 3, 3, 16, 31, 0, 0, time.UTC), time.Date(2023, 3, 13, 7, 41, 0, 0, time.UTC), 9}}
	if d := cmp.Diff(want, ask(t, quiet, "which day did martin ask for the vienna flight, the 14th or the 15th?").Gaps); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
}

func TestNothingInWriting(t *testing.T) {
	short := []letter{
		{"martin", "nora", "2023-03-02 09:12", "Trip", 0, []said{{statement.Instruction, "Please book me a flight from London to Vienna on Tuesday 14 March.", "date=2023-03-14"}}},
		{"nora", "martin", "2023-03-02 09:53", "Re: Trip", 1, []said{{statement.Confirmation, "Confirming: flight London to Vienna on Tuesday 14 March.", "date=2023-03-14"}}},
		{"martin", "nora", "2023-03-02 18:47", "Re: Trip", 2, []said{{statement.Change, "Please move the flight to Wednesday 15 March.", "date=2023-03-15"}}},
	}
	for _, tt := range []struct {
		letters []letter
		ask     string
		some    bool
	}{
		{short, "what date did Martin want to fly", true},
		{short, "what date did Martin want to fly?", true},
		{short, "when does martin fly to vienna", true},
		{short, "did martin move his trip", true},
		{short, "which day is the plane", true},
		{short, "what did martin ask for", true},
		{short, "what did hale want", true},
		{short, "did I confirm the 14th", true},
		{short, "vienna", true},
		{short, "15 march", true},
		{short, "did martin ask for a refund of the hotel", false},
		{short, "when does the zeppelin leave", false},
		{short, "what did martin say about the zeppelin", false},
		{short, "what date did olga want the quartet", false},
		{short, "how much was the deposit for the garden", false},
		{short, "who approved the catering invoice", false},
		{vienna, "did martin ask for a refund of the hotel in Zurich", false},
		{vienna, "who approved the catering invoice", false},
		{vienna, "what about the parking permits", false},
		{vienna, "how many toner cartridges", true},
		{vienna, "what date is the party", true},
		{vienna, "", false},
		{vienna, "???", false},
	} {
		tr := ask(t, tt.letters, tt.ask)
		if tt.some {
			if len(tr.Entries) == 0 {
				t.Errorf("%q: %s", tt.ask, tr.Summary.Text)
			}
			continue
		}
		want := &Trail{Schema: Schema, Question: tt.ask, Summary: Summary{strings.TrimSpace("Nothing in writing about: " + tt.ask), []int{}},
			Entries: []Entry{}, Findings: []Finding{}, Gaps: []Gap{}, Coverage: Coverage{Mailboxes: []MailboxCoverage{}, Absent: []string{}}}
		if d := cmp.Diff(want, tr); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.ask, d)
		}
	}
}

func TestCopiesFold(t *testing.T) {
	records := post(t, vienna)
	copied := func(i int, change func(*Record)) *Record {
		r := *records[i]
		r.Ref = sha256.Sum256([]byte(fmt.Sprint("copy of ", i)))
		r.Info.Ref = r.Ref
		r.Info.Occurrences = []Occurrence{{Mailbox: "nora@deskandco.example", Folder: "Sent"}}
		r.Statements = append([]Statement(nil), r.Statements...)
		change(&r)
		for k := range r.Statements {
			r.Statements[k].ID += "-copy"
			r.Statements[k].Message = r.Info
		}
		return &r
	}
	const question = "which day did martin ask for the vienna flight, the 14th or the 15th?"
	for _, tt := range []struct {
		name   string
		change func(*Record)
		more   int // entries that the copy adds
	}{
		{"the same words under other headers", func(*Record) {}, 0},
		{"white space apart", func(r *Record) { r.Statements[0].Quote = strings.ReplaceAll(r.Statements[0].Quote, " ", "\n ") }, 0},
		{"other words under the same Message-ID", func(r *Record) {
			r.Statements[0].Quote = "Confirming: flight London to Vienna on Thursday 16 March, first flight out."
		}, 1},
		{"another author under the same Message-ID", func(r *Record) {
			r.From = []message.Address{{Name: "Olga Perrin", Address: "olga@halearchitects.example"}}
		}, 1},
		{"no Message-ID", func(r *Record) { r.MessageID = "" }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, err := Build(context.Background(), newMemory(records), deskPeople, question, Options{})
			if err != nil {
				t.Fatal(err)
			}
			all := append(append([]*Record(nil), records...), copied(1, tt.change))
			after, err := Build(context.Background(), newMemory(all), deskPeople, question, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(after.Entries) - len(before.Entries); got != tt.more {
				t.Errorf("%d entries more, want %d", got, tt.more)
			}
			check(t, after)
			if tt.more == 0 {
				occurrences := 0
				for _, e := range after.Entries {
					occurrences += len(e.Statement.Message.Occurrences)
				}
				if occurrences != 1 {
					t.Errorf("%d occurrences, want the copy's", occurrences)
				}
			}
		})
	}
	// A question is answered although only one of its copies was.
	letters := []letter{
		{"nora", "martin", "2023-03-01 09:00", "Seat on the Vienna flight", 0, []said{{statement.Question, "Do you want an aisle seat on the Vienna flight?", ""}}},
		{"martin", "nora", "2023-03-04 09:00", "Re: Seat on the Vienna flight", 1, []said{{statement.Answer, "Aisle seat, yes.", ""}}},
	}
	records = post(t, letters)
	records = append(records, copied(0, func(*Record) {}))
	tr, err := Build(context.Background(), newMemory(records), deskPeople, "did martin answer about the seat on the vienna flight", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Findings) > 0 {
		t.Errorf("findings beside a folded copy: %v", tr.Findings)
	}
}

func TestShift(t *testing.T) {
	for _, tt := range []struct {
		quote string
		words string
		days  int
	}{
		{"make that flight a day later", "a day later", 1},
		{"please move it forward by two days.", "forward by two days", -2},
		{"Make it one week earlier", "one week earlier", -7},
		{"push it back by 3 days", "back by 3 days", 3},
		{"make that a\nday later please", "a\nday later", 1},
		{"see you later", "", 0},
		{"a day to remember", "", 0},
		{"0 days later", "", 0},
	} {
		words, days, ok := shiftOf(tt.quote)
		if words != tt.words && ok || days != tt.days || ok != (tt.days != 0) {
			t.Errorf("%q: %q %d %v, want %q %d", tt.quote, words, days, ok, tt.words, tt.days)
		}
	}
}

func TestSettle(t *testing.T) {
	letters := []letter{
		{"martin", "nora", "2023-03-02 09:12", "Vienna trip", 0, []said{{statement.Instruction, "Please book me a flight London to Vienna on Tuesday 14 March, back on Thursday 16 March.", "date=2023-03-14; date=2023-03-16"}}},
		{"nora", "martin", "2023-03-02 09:53", "Re: Vienna trip", 1, []said{{statement.Confirmation, "Confirming: flight to Vienna on Tuesday 14 March, back on 16 March.", "date=2023-03-14; date=2023-03-16"}}},
		{"martin", "nora", "2023-03-02 18:47", "Lunch with Kessler", 0, []said{{statement.Change, "Kessler has moved to lunch, so make that flight a day later.", "duration=1 day"}}},
		{"martin", "nora", "2023-03-13 07:41", "Vienna trip", 0, []said{{statement.Dispute, "I never said the 15th for the Vienna flight.", "date=2023-02-15"}}},
	}
	records := post(t, letters)
	records[2].Statements[0].Facts[0].Text = "a day"
	records[3].Statements[0].Facts[0].Text = "the 15th"
	tr, err := Build(context.Background(), newMemory(records), deskPeople, "what date did Martin want to fly to Vienna", Options{})
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	for _, e := range tr.Entries {
		for _, f := range e.Statement.Facts {
			facts[e.Statement.ID] += fmt.Sprint(f.Text, "=", f.Value, f.Alternatives, " ")
		}
	}
	for id, want := range map[string]string{"s-3-1": "a day later=2023-03-15[] ", "s-4-1": "the 15th=2023-03-15[2023-02-15] "} {
		if facts[id] != want {
			t.Errorf("facts of %s: %q, want %q", id, facts[id], want)
		}
	}
	if got := records[3].Statements[0].Facts[0].Value; got != "2023-02-15" {
		t.Errorf("the source's fact became %s", got)
	}
	if len(tr.Findings) == 0 || tr.Findings[0].Type != Changed || tr.Findings[0].A != 1 {
		t.Errorf("findings %v, want the change of 1 first", tr.Findings)
	}
}

func TestOtherClientsStayOut(t *testing.T) {
	for _, q := range []string{"did olga order a string quartet", "string quartet for the garden party"} {
		tr := ask(t, vienna, q)
		var got []string
		for _, e := range tr.Entries {
			got = append(got, e.Statement.ID)
		}
		if d := cmp.Diff([]string{"s-10-1", "s-11-1"}, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", q, d)
		}
	}
}

func TestFindings(t *testing.T) {
	for _, tt := range []struct {
		name, ask string
		letters   []letter
		want      []string // type, ids of a and b
	}{
		{"a question nobody came back to", "did martin answer about the seat on the vienna flight", []letter{
			{"nora", "martin", "2023-03-01 09:00", "Seat on the Vienna flight", 0, []said{{statement.Question, "Do you want an aisle seat on the Vienna flight?", ""}}},
			{"martin", "nora", "2023-03-04 09:00", "Printer", 0, []said{{statement.Instruction, "Please order toner.", ""}}},
		}, []string{"unanswered s-1-1"}},
		{"an answered question", "did martin answer about the seat on the vienna flight", []letter{
			{"nora", "martin", "2023-03-01 09:00", "Seat on the Vienna flight", 0, []said{{statement.Question, "Do you want an aisle seat on the Vienna flight?", ""}}},
			{"martin", "nora", "2023-03-04 09:00", "Re: Seat on the Vienna flight", 1, []said{{statement.Answer, "Aisle seat, yes.", ""}}},
		}, nil},
		{"an answer from a second address without headers", "did martin answer about the seat on the vienna flight", []letter{
			{"nora", "martin", "2023-03-01 09:00", "Seat on the Vienna flight", 0, []said{{statement.Question, "Do you want an aisle seat on the Vienna flight?", ""}}},
			{"martin", "nora", "2023-03-04 09:00", "Seat on the Vienna flight", 0, []said{{statement.Approval, "Aisle seat, yes.", ""}}},
		}, nil},
		{"a promise kept late", "when did we promise the floor plans", []letter{
			{"martin", "nora", "2023-03-01 09:00", "Floor plans", 0, []said{{statement.Instruction, "Please send the floor plans.", ""}}},
			{"nora", "martin", "2023-03-01 10:00", "Re: Floor plans", 1, []said{{statement.Commitment, "I will send the floor plans by Friday 3 March.", "date=2023-03-03"}}},
			{"nora", "martin", "2023-03-07 10:00", "Re: Floor plans", 1, []said{{statement.Delivery, "The floor plans are attached.", ""}}},
		}, []string{"missed s-2-1 s-3-1"}},
		{"a promise kept in time", "when did we promise the floor plans", []letter{
			{"martin", "nora", "2023-03-01 09:00", "Floor plans", 0, []said{{statement.Instruction, "Please send the floor plans.", ""}}},
			{"nora", "martin", "2023-03-01 10:00", "Re: Floor plans", 1, []said{{statement.Commitment, "I will send the floor plans by Friday 3 March.", "date=2023-03-03"}}},
			{"nora", "martin", "2023-03-03 10:00", "Re: Floor plans", 1, []said{{statement.Delivery, "The floor plans are attached.", ""}}},
		}, nil},
		{"an instruction that moves a day", "what date did martin want to fly", []letter{
			{"martin", "nora", "2023-03-02 09:12", "Trip", 0, []said{{statement.Instruction, "Please book me a flight from London to Vienna on Tuesday 14 March.", "date=2023-03-14"}}},
			{"nora", "martin", "2023-03-02 09:53", "Re: Trip", 1, []said{{statement.Confirmation, "Confirming: flight London to Vienna on Tuesday 14 March.", "date=2023-03-14"}}},
			{"martin", "nora", "2023-03-02 18:47", "Re: Trip", 2, []said{{statement.Instruction, "Please move the flight to Wednesday 15 March.", "date=2023-03-15"}}},
		}, []string{"changed s-1-1 s-3-1", "unconfirmed s-3-1"}},
		{"two statements that cannot both hold", "how many chairs were delivered for the reception", []letter{
			{"nora", "martin", "2023-03-01 09:00", "Reception chairs", 0, []said{{statement.Delivery, "The chairs for the reception were delivered: 40 chairs.", "quantity=40 chairs"}}},
			{"martin", "nora", "2023-03-02 09:00", "Re: Reception chairs", 1, []said{{statement.Assurance, "The chairs for the reception delivered here are 30 chairs.", "quantity=30 chairs"}}},
		}, []string{"contradiction s-1-1 s-2-1"}},
		{"a change between explains the difference", "how many chairs were delivered for the reception", []letter{
			{"nora", "martin", "2023-03-01 09:00", "Reception chairs", 0, []said{{statement.Confirmation, "The chairs for the reception: 40 chairs to be delivered, noted.", "quantity=40 chairs"}}},
			{"martin", "nora", "2023-03-01 12:00", "Re: Reception chairs", 1, []said{{statement.Change, "Make that 30 chairs for the reception.", "quantity=30 chairs"}}},
			{"nora", "martin", "2023-03-02 09:00", "Re: Reception chairs", 1, []said{{statement.Confirmation, "The chairs for the reception were delivered, 30 chairs.", "quantity=30 chairs"}}},
		}, []string{"changed s-1-1 s-2-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := ask(t, tt.letters, tt.ask)
			var got []string
			for _, f := range tr.Findings {
				s := string(f.Type) + " " + tr.Entries[f.A-1].Statement.ID
				if f.B > 0 {
					s += " " + tr.Entries[f.B-1].Statement.ID
				}
				got = append(got, s)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			check(t, tr)
		})
	}
}

// check holds what is true of every trail.
func check(t testing.TB, tr *Trail) {
	t.Helper()
	if tr.Entries == nil || tr.Findings == nil || tr.Gaps == nil || tr.Summary.Statements == nil {
		t.Error("a list is nil")
	}
	for i, e := range tr.Entries {
		if e.N != i+1 {
			t.Errorf("entry %d has number %d", i+1, e.N)
		}
		if i > 0 && e.Statement.Message.Date.Before(tr.Entries[i-1].Statement.Message.Date) {
			t.Errorf("entry %d is earlier than the one before it", e.N)
		}
		for _, l := range e.Links {
			if l.N < 1 || l.N >= e.N {
				t.Errorf("entry %d links to %d", e.N, l.N)
			}
		}
	}
	for _, f := range tr.Findings {
		for _, n := range []int{f.A, f.B} {
			if n < 0 || n > len(tr.Entries) {
				t.Errorf("finding %q names statement %d of %d", f.Text, n, len(tr.Entries))
			}
		}
		if f.A == 0 || !strings.Contains(f.Text, itoa(f.A)) {
			t.Errorf("finding %q does not carry number %d", f.Text, f.A)
		}
		for _, w := range []string{"lied", "wrong", "ignored", "guilty"} {
			if strings.Contains(f.Text, w) {
				t.Errorf("finding %q judges", f.Text)
			}
		}
	}
	for _, n := range tr.Summary.Statements {
		if n < 1 || n > len(tr.Entries) || !strings.Contains(tr.Summary.Text, "("+itoa(n)+")") && !strings.Contains(tr.Summary.Text, itoa(n)) {
			t.Errorf("summary %q rests on %d", tr.Summary.Text, n)
		}
	}
}

func TestSameBytes(t *testing.T) {
	letters := append([]letter(nil), vienna...)
	first := ask(t, letters, "what did martin want for the vienna flight")
	check(t, first)
	records := post(t, vienna)
	for i := range records { // another order of the store
		j := (i * 7) % len(records)
		records[i], records[j] = records[j], records[i]
	}
	second, err := Build(context.Background(), newMemory(records), deskPeople, "what did martin want for the vienna flight", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("the same mail in another order (-first +second):\n%s", d)
	}
}

func FuzzBuild(f *testing.F) {
	for _, q := range []string{"", "which day, the 14th or 15 March?", "price of 1.050,00 €", "who's \"said\" it: £2,000", "é’s 12th of may"} {
		f.Add(q, "We agreed “£1,050.00” for the 14th.")
	}
	f.Fuzz(func(t *testing.T, question, quote string) {
		letters := append([]letter(nil), vienna...)
		letters[2].said = append(letters[2].said, said{statement.Dispute, quote, ""})
		check(t, ask(t, letters, question))
	})
}

func BenchmarkBuild(b *testing.B) {
	var letters []letter
	for i := 0; i < 300; i++ {
		l := vienna[i%len(vienna)]
		d, _ := time.Parse("2006-01-02 15:04", l.date)
		l.date = d.Add(time.Duration(i) * time.Hour).Format("2006-01-02 15:04")
		l.answers = 0
		l.said = append(append([]said(nil), l.said...), said{statement.Terms, fmt.Sprintf("Item %d costs £%d for the Vienna trip.", i, i), fmt.Sprintf("money=GBP %d.00", i)},
			said{statement.Dispute, fmt.Sprintf("I never agreed to item %d of the Vienna trip.", i), ""})
		letters = append(letters, l)
	}
	src := newMemory(post(b, letters))
	for b.Loop() {
		if _, err := Build(context.Background(), src, deskPeople, "what did martin agree for the vienna trip", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
