package textindex

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func day(d int) time.Time { return time.Date(2023, 3, d, 9, 12, 0, 0, time.UTC) }

var (
	martin = Address{"Martin Hale", "martin@halearchitects.example"}
	nora   = Address{"Nora Lind", "nora@deskandco.example"}
	air    = Address{"Alpenair", "bookings@mail.alpenair.example"}
)

// trip is a small dispute; ids are short so that tables stay readable.
var trip = []Message{
	says(Message{ID: "m1", Date: day(2), Subject: "Vienna trip", From: []Address{martin}, To: []Address{nora}, Mailboxes: []string{"nora@deskandco.example"}, Folders: []string{"INBOX"},
		Text: "Hi Nora,\nPlease book me London to Vienna on Tuesday 14 March, first flight out. Keep it under £260.00.\nThanks for the help\nMartin"}, []said{{ID: "s-1", Kind: "instruction", Quote: "Please book me London to Vienna on Tuesday 14 March, first flight out.",
		Facts: []Fact{{"date", "2023-03-14"}}}, {ID: "s-2", Kind: "terms", Quote: "Keep it under £260.00.", Facts: []Fact{{"money", "GBP 260.00"}}}}),
	says(Message{ID: "m2", Date: day(3), Subject: "Lunch with Kessler", From: []Address{martin}, To: []Address{nora}, Mailboxes: []string{"nora@deskandco.example"}, Folders: []string{"Clients/Hale"},
		Text: "Kessler has moved to Thursday lunch, so make that flight a day later.\nThe invoice for the hotel can wait."}, []said{{ID: "s-3", Kind: "change", Quote: "Kessler has moved to Thursday lunch, so make that flight a day later.",
		Facts: []Fact{{"date", "2023-03-15"}}, Is: []string{"conditional"}}}),
	says(Message{ID: "m3", Date: day(4), Subject: "Booking confirmation INV-2018-52225", From: []Address{air}, To: []Address{nora}, Mailboxes: []string{"travel@deskandco.example"}, Folders: []string{"INBOX"},
		Text: "Your flights are booked for Wednesday 15 March. Total GBP 1,162.00.", Attachments: []string{"Rechnung_7.pdf"}, Is: []string{"auto"}}, []said{{ID: "s-4", Kind: "confirmation", Quote: "Your flights are booked for Wednesday 15 March.", Facts: []Fact{{"date", "2023-03-15"}}},
		{ID: "s-5", Kind: "terms", Quote: "Total GBP 1,162.00.", Facts: []Fact{{"money", "GBP 1162.00"}, {"reference", "INV-2018-52225"}}}}),
	says(Message{ID: "m4", Date: day(13), Subject: "Re: Vienna trip", From: []Address{martin}, To: []Address{nora}, Mailboxes: []string{"nora@deskandco.example", "travel@deskandco.example"}, Folders: []string{"INBOX"},
		Text: "I never said the 15th. This is not what I asked for.\n> Please book me London to Vienna on Tuesday 14 March"}, []said{{ID: "s-6", Kind: "dispute", Quote: "I never said the 15th. This is not what I asked for.", Is: []string{"negative"}}}),
	says(Message{ID: "m5", Date: time.Time{}, Subject: "", From: []Address{nora}, To: []Address{martin}, Mailboxes: []string{"nora@deskandco.example"}, Folders: []string{"Sent"},
		Text: "Zürich hotel: café, the breakfast. for now the rest."}, nil),
}

// said is a statement by its words.
type said struct {
	ID, Kind, Quote string
	Is              []string
	Facts           []Fact
}

// says places what is said in the text of the message.
func says(m Message, list []said) Message {
	for i, s := range list {
		at := strings.Index(m.Text, s.Quote)
		if at < 0 {
			panic("not in the text: " + s.Quote)
		}
		m.Statements = append(m.Statements, Statement{Start: at, End: at + len(s.Quote), Kind: s.Kind, Is: s.Is, Facts: s.Facts})
		names[fmt.Sprint(m.ID, i)] = s.ID
	}
	return m
}

// names are the ids of the statements of trip, by message and number.
var names = map[string]string{}

func open(t testing.TB, dir string) *Index {
	t.Helper()
	ix, err := Open(dir, Options{Reader: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}

func put(t testing.TB, ix *Index, messages ...Message) {
	t.Helper()
	b := ix.NewBatch()
	for i := range messages {
		if err := b.Put(&messages[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB, ix *Index, req Request) *Result {
	t.Helper()
	res, err := ix.Search(context.Background(), req)
	if err != nil {
		t.Fatalf("%+v: %v", req.Query, err)
	}
	return res
}

func ids(res *Result) string {
	var out []string
	for _, h := range res.Hits {
		out = append(out, h.ID)
	}
	return strings.Join(out, " ")
}

// statementIDs names the statements among trip's that fit.
func statementIDs(res *Result) string {
	var out []string
	for _, h := range res.Hits {
		out = append(out, names[fmt.Sprint(h.ID, h.N)])
	}
	return strings.Join(out, " ")
}

func TestSearch(t *testing.T) {
	ix := open(t, t.TempDir())
	put(t, ix, trip...)
	word := func(s string) Word { return Word{Text: s, Match: Forms} }
	key := func(f string, v ...string) Key { return Key{Field: f, Values: v} }
	for _, tt := range []struct {
		name       string
		q          Query
		messages   string // newest first
		statements string
	}{
		{"all", All{}, "m4 m3 m2 m1 m5", "s-6 s-4 s-5 s-3 s-1 s-2"},
		{"nothing", Or{}, "", ""},
		{"exact word", Word{Text: "flight"}, "m2 m1", "s-3 s-1"},
		{"forms", word("Flights"), "m3 m2 m1", "s-4 s-3 s-1"},
		// The subject of m3 says booking, and that of its statements does too.
		{"forms of book", word("booked"), "m4 m3 m1", "s-4 s-5 s-1"},
		{"accent", word("zurich"), "m5", ""},
		{"umlaut asked", word("CAFÉ"), "m5", ""},
		{"not there", word("train"), "", ""},
		{"forgiven", Word{Text: "fligth", Match: Forgiven}, "m2 m1", "s-3 s-1"},
		{"forgiven leaves known words", Word{Text: "flights", Match: Forgiven}, "m3 m2 m1", "s-4 s-3 s-1"},
		{"fuzzy", Word{Text: "flght", Match: Fuzzy}, "m2 m1", "s-3 s-1"},
		{"prefix", Word{Text: "boo", Match: Prefix}, "m4 m3 m1", "s-4 s-5 s-1"},
		{"synonym", Word{Text: "reserve", Also: []string{"book"}, Match: Forgiven}, "m4 m3 m1", "s-4 s-5 s-1"},
		{"id", word("inv-2018-52225"), "m3", "s-4 s-5"},
		{"part of id", word("52225"), "m3", "s-4 s-5"},
		{"amount as written", word("1,162.00"), "m3", "s-5"},
		{"amount plain", word("1162"), "m3", "s-5"},
		{"address", word("nora@deskandco.example"), "m4 m3 m2 m1 m5", ""},
		{"attachment name", word("rechnung"), "m3", ""},
		{"phrase", Phrase{Text: "make that flight"}, "m2", "s-3"},
		{"phrase not in this order", Phrase{Text: "flight that make"}, "", ""},
		{"phrase of stop words", Phrase{Text: "for the"}, "m2 m1", ""},
		{"phrase across lines", Phrase{Text: "first flight out"}, "m1", "s-1"},
		{"phrase does not cross subject and names", Phrase{Text: "trip martin"}, "", ""},
		{"phrase in subject", Phrase{Fields: []string{FieldSubject}, Text: "vienna trip"}, "m4 m1", "s-6 s-1 s-2"},
		{"near", Near{Words: []Word{word("flight"), word("day")}, Within: 2}, "m2", "s-3"},
		{"near, too far", Near{Words: []Word{word("flight"), word("day")}, Within: 1}, "", ""},
		{"near, either order", Near{Words: []Word{word("later"), word("lunch"), word("flight")}, Within: 8}, "m2", "s-3"},
		{"near, across statements", Near{Words: []Word{word("out"), word("keep")}, Within: 5}, "m1", ""},
		{"near, forms", Near{Words: []Word{word("booking"), word("london")}, Within: 2}, "m4 m1", "s-1"},
		{"near below not", And{word("flight"), Not{Near{Words: []Word{word("flight"), word("day")}, Within: 3}}}, "m3 m1", "s-4 s-1"},
		{"names", key(FieldNames, "money"), "m3 m1", "s-5 s-2"},
		{"phrase below or", Or{Phrase{Text: "make that flight"}, word("café")}, "m2 m5", "s-3"},
		{"phrase below not", And{word("flight"), Not{Phrase{Text: "make that flight"}}}, "m3 m1", "s-4 s-1"},
		{"and", And{word("vienna"), word("14")}, "m4 m1", "s-1"},
		{"and across statements", And{word("london"), word("under")}, "m1", ""},
		{"or", Or{word("kessler"), word("total")}, "m3 m2", "s-5 s-3"},
		{"not", Not{word("flight")}, "m4 m5", "s-6 s-5 s-2"},
		{"and not", And{word("vienna"), Not{word("flight")}}, "m4", "s-6 s-2"},
		{"only nots", And{Not{word("flight")}, Not{word("zurich")}}, "m4", "s-6 s-5 s-2"},
		{"best of two, one needed", Best{Words: []Word{word("kessler"), word("total")}}, "m3 m2", "s-5 s-3"},
		{"best of two, both needed", Best{Words: []Word{word("kessler"), word("lunch")}, Min: 2}, "m2", "s-3"},
		{"best, one unknown, both needed", Best{Words: []Word{word("kessler"), word("zebra")}, Min: 2}, "", ""},
		{"best with filter", And{Best{Words: []Word{word("kessler"), word("vienna")}}, key(FieldKind, "change")}, "m2", "s-3"},
		{"kind", key(FieldKind, "Dispute", "change"), "m4 m2", "s-6 s-3"},
		{"mailbox", key(FieldMailbox, "travel@deskandco.example"), "m4 m3", "s-6 s-4 s-5"},
		{"folder", key(FieldFolder, "inbox"), "m4 m3 m1", "s-6 s-4 s-5 s-1 s-2"},
		{"folder by last name", key(FieldFolder, "hale"), "m2", "s-3"},
		{"has", key(FieldHas, "attachment"), "m3", "s-4 s-5"},
		{"is, of a message or a statement", key(FieldIs, "auto", "negative"), "m4 m3", "s-6 s-4 s-5"},
		{"from address", Who{From: true, Addresses: []string{"Martin@HaleArchitects.example"}}, "m4 m2 m1", "s-6 s-3 s-1 s-2"},
		{"from domain above", Who{From: true, Addresses: []string{"@alpenair.example"}}, "m3", "s-4 s-5"},
		{"to", Who{To: true, Addresses: []string{"martin@halearchitects.example"}}, "m5", ""},
		{"from or to", Who{From: true, To: true, Addresses: []string{"@halearchitects.example"}}, "m4 m2 m1 m5", "s-6 s-3 s-1 s-2"},
		{"from name", Phrase{Fields: []string{FieldFrom}, Text: "martin hale"}, "m4 m2 m1", "s-6 s-3 s-1 s-2"},
		{"word or who it names", Word{Text: "hale", Addresses: []string{"@halearchitects.example"}}, "m4 m2 m1 m5", "s-6 s-3 s-1 s-2"},
		{"by id", Messages{IDs: []string{"m2", "m3", "none"}}, "m3 m2", "s-4 s-5 s-3"},
		{"dates", Dates{From: day(3), To: day(4)}, "m2", "s-3"},
		{"dates open", Dates{From: day(4)}, "m4 m3", "s-6 s-4 s-5"},
		{"dates until", Dates{To: day(3)}, "m1 m5", "s-1 s-2"},
		{"amounts", Amounts{Min: 200, Max: 300}, "m1", "s-2"},
		{"amounts open", Amounts{Min: 260, Max: math.Inf(1)}, "m3 m1", "s-5 s-2"},
		{"fact", FactIs{{"date", "2023-03-15"}}, "m3 m2", "s-4 s-3"},
		{"reference", FactIs{{"reference", "inv-2018-52225"}}, "m3", "s-5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, statements := range []bool{false, true} {
				want, ids := tt.messages, ids
				if statements {
					want, ids = tt.statements, statementIDs
				}
				res := find(t, ix, Request{Query: tt.q, Statements: statements, Sort: Newest, Limit: 50})
				if got := ids(res); got != want || res.Total != len(strings.Fields(want)) {
					t.Errorf("statements %v: got %q, total %d; want %q", statements, got, res.Total, want)
				}
				// Whatever the order, the same things fit.
				byScore := strings.Fields(ids(find(t, ix, Request{Query: tt.q, Statements: statements, Limit: 50})))
				wanted := strings.Fields(want)
				slices.Sort(byScore)
				slices.Sort(wanted)
				if !slices.Equal(byScore, wanted) {
					t.Errorf("statements %v by score: got %q, want %q", statements, byScore, wanted)
				}
			}
		})
	}
}

func TestRanking(t *testing.T) {
	ix := open(t, t.TempDir())
	put(t, ix, trip...)
	q := Best{}
	for _, w := range []string{"date", "martin", "flight", "march"} {
		q.Words = append(q.Words, Word{Text: w, Match: Forgiven})
	}
	res := find(t, ix, Request{Query: q, Statements: true, Limit: 3})
	if got := statementIDs(res); !strings.HasPrefix(got, "s-1 ") {
		t.Errorf("got %q, want the statement with most of the words first", got)
	}
	if h := res.Hits[0]; h.Words != 3 || h.Score <= 0 || math.Round(h.Score*1e4) != h.Score*1e4 && math.Abs(math.Round(h.Score*1e4)-h.Score*1e4) > 1e-6 {
		t.Errorf("first hit %+v: want 3 words and a score of four decimals", h)
	}
	all := find(t, ix, Request{Query: q, Statements: true, Limit: 50})
	rest := find(t, ix, Request{Query: q, Statements: true, Limit: 2, Offset: 2})
	if d := cmp.Diff(all.Hits[2:4], rest.Hits); d != "" || rest.Total != all.Total {
		t.Errorf("second page, total %d of %d (-want +got):\n%s", rest.Total, all.Total, d)
	}
	if res := find(t, ix, Request{Query: q, Statements: true, Limit: 5, Offset: 500}); len(res.Hits) != 0 || res.Total != all.Total {
		t.Errorf("beyond the end: %+v", res)
	}
	oldest := find(t, ix, Request{Query: All{}, Sort: Oldest, Limit: 2})
	if got := ids(oldest); got != "m5 m1" {
		t.Errorf("oldest: got %q", got)
	}
	corrected := find(t, ix, Request{Query: Word{Text: "Viena", Match: Forgiven}, Limit: 5})
	if d := cmp.Diff(map[string]string{"Viena": "vienna"}, corrected.Corrected); d != "" {
		t.Errorf("corrected (-want +got):\n%s", d)
	}
	if n := find(t, ix, Request{Query: All{}}); n.Total != 5 || len(n.Hits) != 0 {
		t.Errorf("counting: %+v", n)
	}
}

func TestFacets(t *testing.T) {
	ix := open(t, t.TempDir())
	put(t, ix, trip...)
	fields := []string{FieldKind, FieldNames, FieldMailbox, FieldAuthor, FieldMonth}
	for _, tt := range []struct {
		req  Request
		want map[string]map[string]int
	}{
		{Request{Statements: true}, map[string]map[string]int{
			FieldKind:    {"instruction": 1, "terms": 2, "change": 1, "confirmation": 1, "dispute": 1},
			FieldNames:   {"date": 3, "money": 2, "reference": 1},
			FieldMailbox: {"nora@deskandco.example": 4, "travel@deskandco.example": 3},
			FieldAuthor:  {martin.Address: 4, air.Address: 2},
			FieldMonth:   {"2023-03": 6},
		}},
		{Request{Statements: true, Query: Or{Word{Text: "flight"}, Word{Text: "total"}}}, map[string]map[string]int{
			FieldKind:    {"instruction": 1, "change": 1, "terms": 1},
			FieldNames:   {"date": 2, "money": 1, "reference": 1},
			FieldMailbox: {"nora@deskandco.example": 2, "travel@deskandco.example": 1},
			FieldAuthor:  {martin.Address: 2, air.Address: 1},
			FieldMonth:   {"2023-03": 3},
		}},
		{Request{Query: Word{Text: "flight"}}, map[string]map[string]int{
			FieldKind:    {"instruction": 1, "terms": 1, "change": 1},
			FieldNames:   {"date": 2, "money": 1},
			FieldMailbox: {"nora@deskandco.example": 2},
			FieldAuthor:  {martin.Address: 2},
			FieldMonth:   {"2023-03": 2},
		}},
		{Request{Query: Or{}}, map[string]map[string]int{FieldKind: {}, FieldNames: {}, FieldMailbox: {}, FieldAuthor: {}, FieldMonth: {}}},
	} {
		tt.req.Facets = fields
		if d := cmp.Diff(tt.want, find(t, ix, tt.req).Facets); d != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.req, d)
		}
	}
}

// The same documents answer alike however they came: in any order, in batches
// of any size, some of them twice, some after a deletion.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	messages := generate(rnd, 250)
	questions := []Query{
		Best{Words: []Word{{Text: "wordb", Match: Forgiven}, {Text: "wordd", Match: Forms}, {Text: "wordz", Match: Forms}}},
		Or{Word{Text: "worda"}, Word{Text: "wordc"}, Word{Text: "wordk"}},
		Word{Text: "wor", Match: Prefix},
		Phrase{Text: "worda wordb"},
		And{Word{Text: "worda"}, Not{Word{Text: "wordb"}}},
	}
	var want string
	for round := range 4 {
		ix := open(t, t.TempDir())
		order := rnd.Perm(len(messages))
		b := ix.NewBatch()
		commit := func() {
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		for n, i := range order {
			if err := b.Put(&messages[i]); err != nil {
				t.Fatal(err)
			}
			if n%(7+40*round) == 0 {
				commit()
			}
			if round > 1 && n%9 == 0 {
				commit()
				b.Delete(messages[i].ID)
				commit()
				if err := b.Put(&messages[i]); err != nil {
					t.Fatal(err)
				}
			}
			if round > 0 && n%5 == 0 {
				if err := b.Put(&messages[order[n/2]]); err != nil {
					t.Fatal(err)
				}
			}
		}
		commit()
		var got strings.Builder
		for _, q := range questions {
			for _, statements := range []bool{false, true} {
				for _, s := range []Sort{ByScore, Newest} {
					fmt.Fprintf(&got, "%+v\n", find(t, ix, Request{Query: q, Statements: statements, Sort: s, Limit: 60, Offset: 3}))
				}
			}
		}
		if round == 0 {
			want = got.String()
			if strings.Count(want, "{ID:") < 300 {
				t.Fatalf("too few hits to tell:\n%s", want)
			}
		} else if d := cmp.Diff(want, got.String()); d != "" {
			t.Errorf("round %d (-first +now):\n%s", round, d)
		}
	}
}

// generate makes messages of a few words, many of them alike in length and
// date, so that ties are common.
func generate(rnd *rand.Rand, n int) []Message {
	text := func(words int) string {
		var b strings.Builder
		for range words {
			fmt.Fprintf(&b, "word%c ", 'a'+rune(rnd.ExpFloat64()*4)%26)
		}
		return b.String()
	}
	out := make([]Message, n)
	for i := range out {
		m := &out[i]
		m.ID = fmt.Sprintf("%064x", i*7919)
		m.Date = day(1 + rnd.IntN(9))
		m.Subject = text(2)
		m.Text = text(10 + rnd.IntN(3))
		m.From, m.To = []Address{martin}, []Address{nora}
		for k := range rnd.IntN(3) {
			m.Statements = append(m.Statements, Statement{Start: 24 * k, End: 24*k + 5*6, Kind: "terms"})
		}
	}
	return out
}

func TestReplaceAndDelete(t *testing.T) {
	ix := open(t, t.TempDir())
	put(t, ix, trip...)
	moved := trip[0]
	moved.Folders = []string{"Archive"}
	put(t, ix, moved)
	if got := statementIDs(find(t, ix, Request{Query: Key{FieldFolder, []string{"archive"}}, Statements: true, Limit: 9})); got != "s-1 s-2" {
		t.Errorf("after moving: got %q", got)
	}
	b := ix.NewBatch()
	b.Delete("m1")
	b.Delete("none")
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	n, err := ix.Count()
	if s := find(t, ix, Request{Statements: true}).Total; err != nil || n != 4 || s != 4 {
		t.Errorf("after deleting: %d messages, %d statements, %v; want 4, 4", n, s, err)
	}
	missing, err := ix.Missing([]string{"m1", "m2", "m9"})
	if d := cmp.Diff([]string{"m1", "m9"}, missing); d != "" || err != nil {
		t.Errorf("missing: %v (-want +got):\n%s", err, d)
	}
	if ok, err := ix.Has("m2"); !ok || err != nil {
		t.Errorf("Has(m2) = %v, %v", ok, err)
	}
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	ix, err := Open(dir, Options{Reader: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, ix, trip...)
	if _, err := Open(dir, Options{Reader: "r1"}); !errors.Is(err, ErrLocked) {
		t.Errorf("opening it twice: %v, want ErrLocked", err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := ix.Search(context.Background(), Request{}); !errors.Is(err, ErrClosed) {
		t.Errorf("searching a closed index: %v", err)
	}
	b := ix.NewBatch()
	b.Delete("m1")
	if err := b.Commit(); !errors.Is(err, ErrClosed) {
		t.Errorf("committing to a closed index: %v", err)
	}

	if _, err := Open(dir, Options{Reader: "r2"}); !errors.Is(err, ErrFormat) {
		t.Errorf("another reader: %v, want ErrFormat", err)
	}
	ix, err = Open(dir, Options{Reader: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := ix.Count()
	if s := find(t, ix, Request{Statements: true}).Total; n != 5 || s != 6 || err != nil {
		t.Errorf("reopened: %d messages, %d statements, %v; want 5, 6", n, s, err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}

	for name, spoil := range map[string]struct {
		f    func(dir string) error
		want error
	}{
		"format of the future": {func(d string) error {
			return os.WriteFile(filepath.Join(d, formatName), []byte(`{"format":999,"reader":"r1"}`), 0o600)
		}, ErrFormat},
		"format unreadable": {func(d string) error { return os.WriteFile(filepath.Join(d, formatName), []byte("\x00"), 0o600) }, ErrFormat},
		"never finished":    {func(d string) error { return os.Remove(filepath.Join(d, formatName)) }, ErrFormat},
		"half gone":         {func(d string) error { return os.RemoveAll(filepath.Join(d, bleveName)) }, ErrDamaged},
		"root lost":         {func(d string) error { return os.Truncate(filepath.Join(d, bleveName, "store", "root.bolt"), 0) }, ErrDamaged},
		"root flipped": {func(d string) error {
			p := filepath.Join(d, bleveName, "store", "root.bolt")
			return os.WriteFile(p, []byte(strings.Repeat("x", 32768)), 0o600)
		}, ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			broken := t.TempDir()
			if err := os.CopyFS(broken, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := spoil.f(broken); err != nil {
				t.Fatal(err)
			}
			ix, err := Open(broken, Options{Reader: "r1"})
			if err == nil {
				ix.Close()
			}
			if !errors.Is(err, spoil.want) {
				t.Errorf("got %v, want %v", err, spoil.want)
			}
		})
	}
}

// What goes wrong behind the caller's back reaches the pipeline.
func TestFailed(t *testing.T) {
	ix := open(t, t.TempDir())
	select {
	case <-ix.Failed():
		t.Fatal("failed at once")
	default:
	}
	ix.fail(errors.New("merging: no space"))
	ix.fail(errors.New("second"))
	<-ix.Failed()
	if err := ix.Err(); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("got %v", err)
	}
	b := ix.NewBatch()
	b.Delete("m1")
	if err := b.Commit(); err == nil {
		t.Error("a batch was committed to a failed index")
	}
}

func TestSearchEnds(t *testing.T) {
	ix := open(t, t.TempDir())
	put(t, ix, trip...)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, q := range []Query{All{}, Word{Text: "flight", Match: Forms}, Word{Text: "fli", Match: Prefix}, Phrase{Text: "first flight"}} {
		if _, err := ix.Search(ctx, Request{Query: q, Limit: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v: got %v, want context.Canceled", q, err)
		}
	}
}

func TestTooBroad(t *testing.T) {
	ix := open(t, t.TempDir())
	var b strings.Builder
	for n := range maxTerms/2 + 10 {
		fmt.Fprintf(&b, "wide%05d ", n)
	}
	put(t, ix, Message{ID: "m1", Text: b.String()})
	wide := Word{Text: "wide", Match: Prefix}
	if res := find(t, ix, Request{Query: wide}); res.Total != 1 {
		t.Errorf("half of what is allowed: %+v", res)
	}
	_, err := ix.Search(context.Background(), Request{Query: Or{wide, Word{Text: "wide0", Match: Prefix}, Word{Text: "wid", Match: Prefix}}})
	if !errors.Is(err, ErrTooBroad) {
		t.Errorf("got %v, want ErrTooBroad", err)
	}
}
