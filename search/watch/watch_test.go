package watch_test

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
	"inwriting/search"
	"inwriting/search/trail"
	"inwriting/search/watch"
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

func open(t *testing.T, w *watch.Watcher) []string {
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

func watcher(v *indexer.Vault) *watch.Watcher {
	return search.NewVaultWatcher(v, func() trail.People { return people })
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
		if err := whole.Store.Reset("another"); err != nil {
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
	at, _, version, err := w.Store.Position()
	if err != nil {
		t.Fatal(err)
	}
	ref, st := firstStatement(t, v)
	err = w.Store.Save(watch.Step{From: at, To: at, Version: version, Looked: []archive.Ref{ref}, Open: []trail.Waiting{
		{Type: trail.NoAnswer, Statement: st.ID, Ref: ref, Client: "Hale Architects"}, {Type: "mark", Statement: st.ID, Ref: ref, Client: "Z"}}})
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
	if err := w.Store.Save(watch.Step{From: 1, To: 2, Version: "x"}); err != watch.ErrMoved {
		t.Errorf("saving over a moved cursor: %v, want ErrMoved", err)
	}
}

// firstStatement returns the first statement of the first message.
func firstStatement(t *testing.T, v *indexer.Vault) (ref archive.Ref, st catalog.Statement) {
	t.Helper()
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			m, err := c.Message(b.Ref)
			if err == nil && st.ID == "" {
				ref, st = b.Ref, m.Doc.Statements[0]
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref, st
}

func TestACorrectionIsLookedAt(t *testing.T) {
	v := vault(t)
	w := watcher(v)
	add(t, v, 0, mail()[0])
	if got := open(t, w); len(got) != 1 {
		t.Fatalf("open %q, want the question", got)
	}
	ref, st := firstStatement(t, v)
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

// TestAmongStrangers: mail that no client takes part in changes nothing, however
// much of it there is.
func TestAmongStrangers(t *testing.T) {
	v, alone := vault(t), vault(t)
	dir := t.TempDir()
	for i := range 150 {
		raw := fmt.Sprintf("From: s%d@stranger.example\r\nTo: nora@deskandco.example\r\nSubject: News %d\r\nDate: Thu, 2 Mar 2023 10:00:00 +0000\r\nMessage-ID: <s%d@stranger.example>\r\n\r\nWould you like to read part %d?\r\n", i, i, i, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.eml", i)), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Import(context.Background(), "nora@deskandco.example", []string{dir}, importer.Options{}); err != nil {
		t.Fatal(err)
	}
	for i, raw := range mail() {
		add(t, v, i, raw)
		add(t, alone, i, raw)
	}
	want := open(t, watcher(alone))
	if len(want) == 0 {
		t.Fatal("nothing is open")
	}
	if d := cmp.Diff(want, open(t, watcher(v))); d != "" {
		t.Errorf("open among strangers (-want +got):\n%s", d)
	}
}
