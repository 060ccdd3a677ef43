package indexer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
)

// decisions is what people decided, as the catalog has it.
func decisions(t *testing.T, v *Vault) (m *catalog.Matter, corrections map[string]catalog.Correction) {
	t.Helper()
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) (err error) {
		if m, err = c.Matter("vienna-flight"); err != nil {
			return err
		}
		corrections, err = c.Corrections()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, corrections
}

func first(t *testing.T, v *Vault) (archive.Ref, catalog.Statement) {
	t.Helper()
	var ref archive.Ref
	var st catalog.Statement
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			if m, err := c.Message(b.Ref); err == nil && st.ID == "" && len(m.Doc.Statements) > 0 {
				ref, st = b.Ref, m.Doc.Statements[0]
			}
			return nil
		})
	})
	if err != nil || st.ID == "" {
		t.Fatalf("no statement, %v", err)
	}
	return ref, st
}

// kindHits counts the statements that the index has under a kind.
func kindHits(t *testing.T, v *Vault, k statement.Kind) (n int) {
	t.Helper()
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, _ *catalog.Catalog, ix *textindex.Index) error {
		r, err := ix.Search(context.Background(), textindex.Request{Query: textindex.Key{Field: "kind", Values: []string{string(k)}}, Statements: true, Limit: 100})
		if err == nil {
			n = r.Total
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDecisionsSurviveARebuild(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	v := openVault(t, dir)
	importAndRead(t, v, mailDir(t, 3))
	ref, st := first(t, v)
	shot := filepath.Join(t.TempDir(), "chat.png")
	if err := os.WriteFile(shot, []byte("\x89PNG\r\n\x1a\nnot really"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []ledger.Fact{
		ledger.MatterOpened{Matter: "vienna-flight", Title: "Vienna", Question: "what date?", Client: "Hale Architects", By: "nora"},
		ledger.MatterItem{Matter: "vienna-flight", Item: st.ID, Decision: catalog.Excluded, Reason: "private", By: "nora"},
		ledger.MatterItem{Matter: "vienna-flight", Item: ref.String(), Decision: catalog.Pinned, By: "nora"},
		ledger.MatterItem{Matter: "vienna-flight", Item: "s-0000000000", Decision: catalog.Pinned, By: "nora"},
		ledger.MatterItem{Matter: "vienna-flight", Item: "s-0000000000", By: "nora"},
		ledger.MatterNote{Matter: "vienna-flight", Text: "ask again", By: "nora"},
		ledger.MatterClosed{Matter: "vienna-flight", Reason: "settled", By: "nora"},
	} {
		if err := v.Decide(f); err != nil {
			t.Fatal(err)
		}
	}
	x, err := v.AddExhibit(ctx, shot, ledger.MatterExhibit{Matter: "vienna-flight", Note: "sent by phone", By: "nora"})
	if err != nil {
		t.Fatal(err)
	}
	if x.Name != "chat.png" || x.Media != "image/png" || x.Size != 18 {
		t.Errorf("exhibit %+v", x)
	}
	questions := kindHits(t, v, statement.Question)
	if err := v.Correct(ledger.Correction{Statement: st.ID, Blob: ref.Hex(), Was: string(st.Kind), Kind: "question", By: "nora"}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := kindHits(t, v, statement.Question); got != questions+1 {
		t.Errorf("%d questions in the index, want %d", got, questions+1)
	}
	m, k := decisions(t, v)
	if len(m.Items) != 2 || len(m.Exhibits) != 1 || len(m.Notes) != 1 || m.Closed.IsZero() || len(k) != 1 {
		t.Fatalf("got %+v, %+v", m, k)
	}
	if err := v.RebuildCatalog(ctx, nil); err != nil {
		t.Fatal(err)
	}
	m2, k2 := decisions(t, v)
	if d := cmp.Diff(m, m2); d != "" {
		t.Errorf("matter after a rebuild (-want +got):\n%s", d)
	}
	if d := cmp.Diff(k, k2); d != "" {
		t.Errorf("corrections after a rebuild (-want +got):\n%s", d)
	}
	if got := kindHits(t, v, statement.Question); got != questions+1 {
		t.Errorf("%d questions in the index after a rebuild, want %d", got, questions+1)
	}
	r, err := v.Verify(ctx)
	if err != nil || !r.OK || r.Messages != 4 {
		t.Errorf("verify: %+v, %v; want 3 messages and an exhibit, all in order", r, err)
	}

	if err := v.Correct(ledger.Correction{Statement: st.ID, Blob: ref.Hex(), Was: string(st.Kind), By: "nora"}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := kindHits(t, v, statement.Question); got != questions {
		t.Errorf("%d questions after taking the correction back, want %d", got, questions)
	}
}

func TestAnExhibitThatIsCollectedLaterIsRead(t *testing.T) {
	v := openVault(t, t.TempDir())
	mail := mailDir(t, 2)
	late := filepath.Join(mail, "0001.eml")
	if _, err := v.AddExhibit(context.Background(), late, ledger.MatterExhibit{Matter: "m"}); err != nil {
		t.Fatal(err)
	}
	importAndRead(t, v, filepath.Join(mail, "0000.eml"))
	count := func() (n int) {
		v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, _ *catalog.Catalog, ix *textindex.Index) (err error) {
			n, err = ix.Count()
			return err
		})
		return n
	}
	if n := count(); n != 1 {
		t.Fatalf("%d messages in the index, want the one that was imported", n)
	}
	if _, err := v.Import(context.Background(), "nora@deskandco.example", []string{late}, importer.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 2 {
		t.Errorf("%d messages in the index, want 2", n)
	}
}

func TestAnExhibitIsAFile(t *testing.T) {
	v := openVault(t, t.TempDir())
	if _, err := v.AddExhibit(context.Background(), t.TempDir(), ledger.MatterExhibit{Matter: "m"}); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a folder: %v, want ErrNotAFile", err)
	}
	if _, err := v.AddExhibit(context.Background(), filepath.Join(t.TempDir(), "absent"), ledger.MatterExhibit{Matter: "m"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v, want os.ErrNotExist", err)
	}
}
