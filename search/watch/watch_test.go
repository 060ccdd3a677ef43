package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search/trail"
)

var people = trail.People{Us: []string{"nora@deskandco.example"}, Clients: []trail.Party{
	{Name: "Hale Architects", Domains: []string{"halearchitects.example"}}, {Name: "Falk", Addresses: []string{"lena@falk.example"}}}}

// mail is an invented business of a few weeks, one message an element, in the order
// in which it was written.
func mail() []string {
	var out []string
	at := time.Date(2023, 3, 2, 9, 0, 0, 0, time.UTC)
	write := func(id, from, to, subject, reply, text string) {
		at = at.Add(7 * time.Hour)
		if reply != "" {
			reply = "In-Reply-To: <" + reply + ">\r\n"
		}
		out = append(out, fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s>\r\n%s\r\n%s\r\n", from, to, subject, at.Format(time.RFC1123Z), id, reply, text))
	}
	const nora, martin, lena = "Nora Lindqvist <nora@deskandco.example>", "Martin Hale <martin@halearchitects.example>", "Lena Falk <lena@falk.example>"
	write("q1", nora, martin, "Vienna", "", "Which hotel would you like in Vienna?")
	write("p1", nora, martin, "Expenses", "", "I will send you the expense report by Friday 17 March.")
	write("i1", martin, nora, "Printer", "", "Please order two boxes of toner for the printer.")
	write("q2", lena, nora, "Receipts", "", "Could you tell me where the receipts for October are?")
	write("n1", "News <list@news.example>", nora, "News", "", "Would you like to read more?")
	write("a1", martin, nora, "Re: Vienna", "q1", "The Hotel Altstadt in Vienna, please.")
	write("q3", lena, nora, "Chairs", "", "How many chairs do we need for the reading on 4 April?")
	write("p2", nora, lena, "Binder", "", "I will post the blue binder by Monday 20 March.")
	write("d1", nora, martin, "The expense report", "", "Attached is the expense report for February.")
	write("a2", nora, lena, "Your receipts", "", "The receipts for October are in the blue folder, I attached the list of receipts.")
	write("c1", nora, martin, "Re: Printer", "i1", "Confirmed: two boxes of toner for the printer are ordered.")
	return out
}

func vault(t *testing.T) *indexer.Vault {
	t.Helper()
	v, err := indexer.Open(t.TempDir(), indexer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func add(t *testing.T, v *indexer.Vault, n int, raw string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.eml", n))
	if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Import(context.Background(), "nora@deskandco.example", []string{path}, importer.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, w *Watcher) []string {
	t.Helper()
	list, err := w.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, o := range list {
		out = append(out, fmt.Sprint(o.Client, " ", o.Type, " ", o.Statement, " ", o.Due))
	}
	return out
}

func watcher(v *indexer.Vault) *Watcher {
	return &Watcher{Vault: v, People: func() trail.People { return people }}
}

// TestStepByStep: looking at each message as it comes gives what looking at all of
// them at once gives.
func TestStepByStep(t *testing.T) {
	all := mail()
	v := vault(t)
	w := watcher(v)
	most := 0
	for i, raw := range all {
		add(t, v, i, raw)
		got := open(t, w)
		most = max(most, len(got))
		whole := watcher(v)
		err := whole.catalog(func(c *catalog.Catalog) error { return c.ResetOpen("another") })
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(open(t, whole), got); d != "" {
			t.Errorf("after message %d (-all at once +step by step):\n%s", i+1, d)
		}
	}
	if most < 4 {
		t.Errorf("at most %d were open at once, want 4 or more", most)
	}
	// The chairs were never counted, the binder never sent, and nobody confirmed the
	// hotel.
	var got []string
	for _, s := range open(t, w) {
		got = append(got, regexp.MustCompile(` s-[0-9a-z]{10}`).ReplaceAllString(s, ""))
	}
	if d := cmp.Diff([]string{"Falk question ", "Falk promise 2023-03-20", "Hale Architects instruction "}, got); d != "" {
		t.Errorf("open in the end (-want +got):\n%s", d)
	}
}

func TestOnlyWhatIsNewIsLookedAt(t *testing.T) {
	v := vault(t)
	w := watcher(v)
	for i, raw := range mail()[:4] {
		add(t, v, i, raw)
	}
	before := open(t, w)
	// Rows that no rule made: they stay while nothing is new, and go with a rebuild.
	err := w.catalog(func(c *catalog.Catalog) error {
		at, version, err := c.Watched()
		if err != nil {
			return err
		}
		return c.SaveOpen(at, at, version, nil, nil, []catalog.OpenItem{{Statement: "s-0", Blob: 1, Type: "mark", Client: "Z"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := open(t, w); len(got) != len(before)+1 {
		t.Errorf("%d open, want %d and the mark: it was all looked at again", len(got), len(before))
	}
	if err := v.RebuildCatalog(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, open(t, w)); d != "" {
		t.Errorf("after a rebuild (-want +got):\n%s", d)
	}
	// A cursor that somebody else moved.
	err = w.catalog(func(c *catalog.Catalog) error { return c.SaveOpen(1, 2, "x", nil, nil, nil) })
	if err != catalog.ErrMoved {
		t.Errorf("saving over a moved cursor: %v, want ErrMoved", err)
	}
}

func TestACorrectionIsLookedAt(t *testing.T) {
	v := vault(t)
	w := watcher(v)
	add(t, v, 0, mail()[0])
	if got := open(t, w); len(got) != 1 {
		t.Fatalf("open %q, want the question", got)
	}
	var st catalog.Statement
	var ref archive.Ref
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			m, err := c.Message(b.Ref)
			if err == nil {
				ref, st = b.Ref, m.Doc.Statements[0]
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	k := ledger.Correction{Statement: st.ID, Blob: ref.Hex(), Was: string(st.Kind), Kind: "answer", By: "nora"}
	if err := v.Correct(k); err != nil {
		t.Fatal(err)
	}
	if got := open(t, w); len(got) != 0 {
		t.Errorf("open %q after the question was corrected", got)
	}
	k.Kind = ""
	if err := v.Correct(k); err != nil {
		t.Fatal(err)
	}
	if got := open(t, w); len(got) != 1 {
		t.Errorf("open %q after the correction was taken back", got)
	}
}
