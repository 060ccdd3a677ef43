package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/textindex"
	"inwriting/search/query"
	"inwriting/search/trail"

	"github.com/google/go-cmp/cmp"
)

// hits names each hit by its message and its kind.
func hits(res *Results) string {
	var out []string
	for _, h := range res.Hits {
		if h.Statement != nil {
			out = append(out, h.Statement.Message.MessageID+"/"+string(h.Statement.Kind))
		} else {
			out = append(out, h.Message.MessageID)
		}
	}
	return strings.Join(out, " ")
}

func TestSearch(t *testing.T) {
	e, _ := vault(t)
	for _, tt := range []struct {
		q     Query
		first string // the best hit; "" for none
		total int
	}{
		{Query{Text: "what date did Martin want to fly to Vienna?"}, "trip-1@hale/instruction", 6},
		{Query{Text: "refund hotel"}, "", 0},
		{Query{Text: "receipts hotel"}, "brook-1@brook/question", 1},
		{Query{Text: "book hotel"}, "brook-1@brook/question", 1}, // "reserve" is one word with "book"
		{Query{Text: "bill payment"}, "brook-1@brook/commitment", 1},
		{Query{Text: "Viena fligth"}, "", 3},
		{Query{Text: `"make that flight"`}, "lunch-1@hale/change", 1},
		{Query{Text: "flight -london"}, "", 2},
		{Query{Text: "kessler OR total"}, "", 2},
		{Query{Text: "vienna NEAR/3 booked"}, "air-1@alpenair/confirmation", 1},
		{Query{Text: "names:money", Date: []string{"2023-03-02", "2023-01"}}, "trip-1@hale/terms", 1},
		{Query{Names: []string{"money"}, By: []string{"client"}}, "trip-1@hale/terms", 1},
		{Query{Text: "by:us"}, "trip-2@desk/confirmation", 1},
		{Query{Text: "kind:change from:martin"}, "lunch-1@hale/change", 1},
		{Query{Text: "client:hale flight", Sort: Oldest}, "trip-1@hale/instruction", 3},
		{Query{Text: `client:"Hale Architects" kind:dispute`}, "trip-3@hale/dispute", 1},
		{Query{Text: "by:client", Sort: Newest}, "trip-3@hale/dispute", 6},
		{Query{Text: "from:Alpenair"}, "", 2},
		{Query{Text: "from:@brook.example", Sort: Oldest}, "brook-1@brook/question", 2},
		{Query{Text: "to:martin@halearchitects.example"}, "trip-2@desk/confirmation", 1},
		{Query{Text: "amount:200..250"}, "air-1@alpenair/terms", 1},
		{Query{Text: "amount:£260"}, "trip-1@hale/terms", 1},
		{Query{Text: "ref:alp-77120 kind:terms"}, "air-1@alpenair/terms", 1},
		{Query{Text: "date:2023-03-02"}, "", 4},
		{Query{Text: "since:2023-03-03 flight"}, "air-1@alpenair/confirmation", 1},
		{Query{Text: "until:february"}, "", 2},
		{Query{Text: "folder:bookings"}, "", 2},
		{Query{Text: "thread:trip-2@desk", Sort: Newest}, "trip-3@hale/dispute", 4},
		{Query{From: []string{"martin"}, Kind: []string{"change", "dispute"}, Since: "2023-03-01", Sort: Newest}, "trip-3@hale/dispute", 2},
		{Query{Text: "flight", Client: []string{"brook"}}, "", 0},
		{Query{Text: "vienna", Messages: true, Sort: Oldest}, "trip-1@hale", 4},
		{Query{Text: "confirming", Messages: true, Sort: Newest}, "trip-3@hale", 2}, // quoted there
		{Query{Text: "", Messages: true}, "trip-3@hale", 8},
		{Query{Text: "ZZZunknown"}, "", 0},
	} {
		t.Run(fmt.Sprint(tt.q), func(t *testing.T) {
			res, err := e.Search(context.Background(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if res.Total != tt.total || len(res.Hits) != tt.total {
				t.Errorf("total %d, want %d: %s", res.Total, tt.total, hits(res))
			}
			if got, _, _ := strings.Cut(hits(res), " "); tt.first != "" && got != tt.first {
				t.Errorf("got %s, want %s first", hits(res), tt.first)
			}
		})
	}
}

// A filter in use is left out of its own count.
func TestFacets(t *testing.T) {
	e, _ := vault(t)
	res, err := e.Search(context.Background(), Query{Text: "flight OR total OR london", Kind: []string{"change"}, Facets: true, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range res.Facets {
		for _, v := range f.Values {
			got[f.Field] += fmt.Sprintf("%s %s %s %d; ", v.Value, v.Name, v.Role, v.Count)
		}
	}
	want := map[string]string{
		"by":      "martin.private@post.example Martin Hale client 1; ",
		"kind":    "confirmation   2; change   1; instruction   1; terms   1; ",
		"date":    "2023-03   1; ",
		"names":   "date   1; ",
		"mailbox": "nora@deskandco.example   1; ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if res.Explain == nil || res.Explain.Tree != "(flight OR total OR london) AND kind:change" {
		t.Errorf("explained as %+v", res.Explain)
	}
	res, err = e.Search(context.Background(), Query{Text: "vienna", Facets: true})
	if err != nil {
		t.Fatal(err)
	}
	if v := res.Facets[0].Values; len(v) != 3 || !slices.ContainsFunc(v, func(x FacetValue) bool { return x == FacetValue{Value: "us", Count: 1, Role: trail.Us} }) {
		t.Errorf("said by: %+v", v)
	}
}

func TestExplain(t *testing.T) {
	e, _ := vault(t)
	res, err := e.Search(context.Background(), Query{Text: "when did Brook reserve the fligth", Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	x := *res.Explain
	if x.Took == "" {
		t.Error("it took no time")
	}
	x.Took = ""
	want := Explanation{Tree: "Brook reserve fligth", Least: 2, Words: []WordRead{
		{Word: "Brook", Addresses: []string{"@brook.example"}},
		{Word: "reserve", Also: x.Words[1].Also},
		{Word: "fligth", Corrected: "flight"},
	}}
	if d := cmp.Diff(want, x); d != "" || !slices.Contains(x.Words[1].Also, "book") {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSearchErrors(t *testing.T) {
	e, _ := vault(t)
	for _, tt := range []struct {
		q    Query
		want string
	}{
		{Query{Text: "flight client:nobody"}, `column 15: no client is called "nobody"; the clients are Hale Architects, Brook & Sons`},
		{Query{Text: "thread:none@none.example"}, `column 8: no message is called "none@none.example"`},
		{Query{Text: "thread:same@id"}, `column 8: more than one message is called "same@id"; give more of it`},
		{Query{Text: "form:martin"}, `column 1: unknown field "form"; did you mean from:?`},
		{Query{Text: "flight", Since: "soon"}, `since "soon": "soon" is no date; as in 2023-03-14, 2023-03, march 2023, last week`},
		{Query{Text: "flight", Kind: []string{"chnge"}}, `kind "chnge": unknown kind "chnge"; did you mean change?`},
		{Query{Text: "flight", Limit: MaxLimit + 1}, "limit 1001, offset 0: out of range"},
		{Query{Text: "flight", Offset: -1}, "limit 20, offset -1: out of range"},
		{Query{Text: "flight", Sort: "best"}, `sort "best": out of range`},
	} {
		_, err := e.Search(context.Background(), tt.q)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%+v:\n got %v\nwant %s", tt.q, err, tt.want)
		}
		var q *query.Error
		if tt.q.Limit == 0 && tt.q.Offset == 0 && tt.q.Sort == "" && !errors.As(err, &q) {
			t.Errorf("%+v: %T is no *query.Error", tt.q, err)
		}
	}
}

// slow is an index that ends when its context does.
type slow struct{}

func (slow) Search(ctx context.Context, _ textindex.Request) (*textindex.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSearchIsBounded(t *testing.T) {
	_, store := vault(t)
	e := NewEngine(store, slow{}, people, Options{Timeout: time.Millisecond})
	if _, err := e.Search(context.Background(), Query{Text: "x"}); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Search(ctx, Query{Text: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestResultsDocument(t *testing.T) {
	e, _ := vault(t)
	res, err := e.Search(context.Background(), Query{Text: " Viena lunch? ", Kind: []string{"change"}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Query != "Viena lunch kind:change" {
		t.Errorf("query %q", res.Query)
	}
	res, err = e.Search(context.Background(), Query{Text: "Kesler lunch?", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(res, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	s := res.Hits[0].Statement
	want := `{
 "schema": "inwriting.search/v1",
 "query": "Kesler lunch?",
 "total": 1,
 "hits": [
  {
   "score": ` + fmt.Sprint(res.Hits[0].Score) + `,
   "statement": {
    "id": "s-7k03xx",
    "kind": "change",
    "confidence": 0.9,
    "quote": "Kessler has moved to Thursday lunch, so make that flight a day later.",
    "start": 0,
    "end": 69,
    "speaker": {
     "name": "Martin Hale",
     "address": "martin.private@post.example",
     "role": "client"
    },
    "message": {
     "ref": "` + s.Message.Ref.String() + `",
     "message_id": "lunch-1@hale",
     "date": "2023-03-02T18:47:09Z",
     "from": "martin.private@post.example",
     "to": [
      "nora@deskandco.example"
     ],
     "subject": "Lunch with Kessler",
     "occurrences": [
      {
       "mailbox": "nora@deskandco.example",
       "folder": "INBOX",
       "uid": 3
      }
     ]
    },
    "facts": [
     {
      "type": "date",
      "text": "",
      "value": "2023-03-15",
      "alternatives": []
     }
    ],
    "flags": [],
    "why": [
     {
      "rule": "test",
      "weight": 1
     }
    ]
   }
  }
 ],
 "corrected": {
  "Kesler": "kessler"
 },
 "coverage": {
  "mailboxes": [
   {
    "address": "nora@deskandco.example",
    "state": "up to date",
    "folders": null
   }
  ],
  "absent": [],
  "checkpoint": null
 }
}`
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	again, err := e.Search(context.Background(), Query{Text: "Kesler lunch?", Limit: 1})
	if d := cmp.Diff(res, again); d != "" || err != nil {
		t.Errorf("asked again: %v\n%s", err, d)
	}
}

func TestMessage(t *testing.T) {
	e, store := vault(t)
	dispute := store.records[4]
	for _, id := range []string{dispute.Ref.String(), "sha256-" + dispute.Ref.Hex()[:8], dispute.Ref.Hex()[:6], strings.ToUpper(dispute.Ref.Hex()), "<trip-3@hale>", "trip-3@hale"} {
		d, err := e.Message(context.Background(), id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if d.Message.Ref != dispute.Ref || d.Schema != MessageSchema {
			t.Errorf("%s: got %v", id, d.Message.Ref)
		}
	}
	d, err := e.Message(context.Background(), "trip-3@hale")
	if err != nil {
		t.Fatal(err)
	}
	runes := []rune(d.Text)
	if len(d.Zones) != 2 || d.Zones[1].End != len(runes) || !strings.HasPrefix(string(runes[d.Zones[1].Start:]), "On 2 March") {
		t.Errorf("zones %+v do not cover the %d code points of the text", d.Zones, len(runes))
	}
	for _, s := range d.Statements {
		if got := string(runes[s.Start:s.End]); got != s.Quote {
			t.Errorf("statement at %d to %d is %q, its quote %q", s.Start, s.End, got, s.Quote)
		}
	}
	if d.Dates.Date == nil || d.Dates.Received != nil || d.Dates.Collected == nil || d.LedgerIndex != 4 || d.Size != dispute.Size {
		t.Errorf("got %+v", d)
	}
	for id, want := range map[string]error{
		"same@id": ErrAmbiguous, "none@id": ErrNotFound, "": ErrNotFound, "<>": ErrNotFound, "sha256-": ErrNotFound,
		"sha256-12": ErrNotFound, "sha256-zz": ErrNotFound, "sha256-00000000": ErrNotFound, "s-7k00xx": ErrNotFound,
	} {
		if _, err := e.Message(context.Background(), id); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", id, err, want)
		}
	}
}

func TestStatement(t *testing.T) {
	e, _ := vault(t)
	for _, id := range []string{"s-7k03xx", "s-7k03"} {
		s, err := e.Statement(context.Background(), id)
		if err != nil || s.ID != "s-7k03xx" {
			t.Errorf("%s: got %+v, %v", id, s, err)
		}
	}
	for id, want := range map[string]error{"s-7k": ErrAmbiguous, "s-9": ErrNotFound, "s-": ErrNotFound, "": ErrNotFound, "7k03xx": ErrNotFound} {
		if _, err := e.Statement(context.Background(), id); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", id, err, want)
		}
	}
}

func TestRaw(t *testing.T) {
	e, store := vault(t)
	r, n, err := e.Raw(context.Background(), store.records[0].Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != n || string(b) != string(store.raw[store.records[0].Ref]) {
		t.Errorf("got %d of %d octets, %v", len(b), n, err)
	}
	if _, _, err := e.Raw(context.Background(), archive.Ref{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown ref: %v", err)
	}
}

// The index may name what the catalog does not know, yet or any more.
func TestIndexAheadOfCatalog(t *testing.T) {
	e, store := vault(t)
	store.records = append(store.records[:2:2], store.records[3:]...) // without lunch-1
	res, err := e.Search(context.Background(), Query{Text: "flight", Sort: Oldest})
	if err != nil || hits(res) != "trip-1@hale/instruction trip-2@desk/confirmation air-1@alpenair/confirmation" {
		t.Errorf("got %s, %v", hits(res), err)
	}
	list, err := e.Source().Search(context.Background(), "flight", 10)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(list, archive.Ref.IsZero) {
		t.Errorf("a hit without a message: %v", list)
	}
}

func TestSource(t *testing.T) {
	e, store := vault(t)
	src := e.Source()
	ctx := context.Background()
	found, err := src.Search(ctx, "what did Martin say about the flight (kind:nonsense OR", 10)
	if err != nil || len(found) == 0 || found[0].IsZero() {
		t.Fatalf("got %+v, %v: a trail's question is never a mistake", found, err)
	}
	related, err := src.Related(ctx, []archive.Ref{store.records[0].Ref}, 10)
	if err != nil || len(related) != 3 {
		t.Errorf("related: %v, %v", related, err)
	}
	records, err := src.Records(ctx, append(related, archive.Ref{9}, related[0]))
	if err != nil || len(records) != 3 {
		t.Fatalf("records: %v, %v", records, err)
	}
	r := records[0]
	if r.Info.Ref != related[0] || r.MessageID != "trip-1@hale" || len(r.Statements) != 2 || r.Statements[0].Speaker.Role != trail.Client {
		t.Errorf("got %+v", r)
	}
	between, err := src.Between(ctx, []string{"ada@brook.example"}, time.Time{}, time.Time{}, 10)
	if err != nil || len(between) != 3 {
		t.Errorf("between: %v, %v", between, err)
	}
	if none, err := src.Search(ctx, " ?! ", 10); err != nil || len(none) != 0 {
		t.Errorf("an empty question: %v, %v", none, err)
	}
}

// What was in force at a date: before the change, and on its day.
func TestTrailAsOf(t *testing.T) {
	e, _ := vault(t)
	for _, tt := range []struct {
		asOf  string
		quote string // of what was in force
		not   string // of what was not, or not written yet
	}{
		{"2 march 2023", "make that flight a day later", ""},
		{"1 march 2023", "", "Please book me London"},
	} {
		tr, err := e.Trail(context.Background(), TrailQuery{Question: "what date did Martin want to fly to Vienna?", AsOf: tt.asOf, Near: 3})
		if err != nil {
			t.Fatal(err)
		}
		in := ""
		for _, s := range tr.Standings {
			if s.InForce {
				in += tr.Entries[s.N-1].Statement.Quote
			}
		}
		for _, x := range tr.Entries {
			if d := x.Statement.Message.Date; d.After(*tr.AsOf) {
				t.Errorf("as of %s: an entry of %v", tt.asOf, d)
			}
			if tt.not != "" && strings.Contains(x.Statement.Quote, tt.not) {
				t.Errorf("as of %s: %q", tt.asOf, x.Statement.Quote)
			}
		}
		if !strings.Contains(in, tt.quote) {
			t.Errorf("as of %s, in force: %q, want %q", tt.asOf, in, tt.quote)
		}
	}
	var f *FilterError
	if _, err := e.Trail(context.Background(), TrailQuery{Question: "flight", AsOf: "someday"}); !errors.As(err, &f) || f.Name != "as-of" {
		t.Errorf("no date: %v", err)
	}
	if _, err := e.Trail(context.Background(), TrailQuery{Question: "flight", Near: -1}); !errors.Is(err, ErrRange) {
		t.Errorf("near -1: %v", err)
	}
}

func TestTrail(t *testing.T) {
	e, _ := vault(t)
	got, err := e.Trail(context.Background(), TrailQuery{Question: "what date did Martin want to fly to Vienna?"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Entries) == 0 || len(got.Coverage.Mailboxes) != 1 || got.Schema != trail.Schema {
		t.Errorf("got %d entries, coverage %+v", len(got.Entries), got.Coverage)
	}
	none, err := e.Trail(context.Background(), TrailQuery{Question: "zebra crossing paint"})
	if err != nil || len(none.Entries) != 0 || len(none.Coverage.Mailboxes) != 1 {
		t.Errorf("nothing in writing: %+v, %v", none, err)
	}
}

func TestExcerpt(t *testing.T) {
	e, _ := vault(t)
	res, err := e.Search(context.Background(), Query{Text: "asked 15th", Messages: true})
	if err != nil || len(res.Hits) == 0 {
		t.Fatal(err)
	}
	if got := res.Hits[0].Message.Excerpt; got != "This is not what I asked for. I never said the 15th." {
		t.Errorf("got %q", got)
	}
}

// Whatever is typed is answered or refused with a reason.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"what did Martin say", `"make that" OR (kind:change -"a day" from:hale)`, "fli* ~ viena~ 'x' by:us to:client", "NOT (NOT flight) amount:>1 date:..2024",
		`thread:trip-1@hale ref:ALP-77120 subject:"re: vienna"`, "client:hale is:hedged has:attachment folder:a/b.c", "\x00 \xff \u00ad \u0301 会議 \x1f",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	e, _ := vault(f)
	f.Fuzz(func(t *testing.T, text string, messages bool) {
		for _, sort := range []Sort{Closest, Newest} {
			res, err := e.Search(context.Background(), Query{Text: text, Messages: messages, Sort: sort})
			var q *query.Error
			if err != nil && !errors.As(err, &q) && !errors.Is(err, ErrTooBroad) && !errors.Is(err, ErrTimeout) {
				t.Fatalf("%q: %v", text, err)
			}
			if err == nil && (len(res.Hits) != min(res.Total, 20)) {
				t.Fatalf("%q: %d hits of %d", text, len(res.Hits), res.Total)
			}
		}
		if _, err := e.Source().Search(context.Background(), text, 5); err != nil && !errors.Is(err, ErrTimeout) {
			t.Fatalf("as a trail's question, %q: %v", text, err)
		}
	})
}
