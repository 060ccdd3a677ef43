package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// mailDir writes n invented messages and returns their folder.
func mailDir(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		raw := fmt.Sprintf("From: Martin Hale <martin@halearchitects.example>\r\nTo: nora@deskandco.example\r\nSubject: Trip %d\r\nDate: Thu, 2 Mar 2023 09:%02d:00 +0000\r\nMessage-ID: <m%d@halearchitects.example>\r\n\r\nPlease book flight number %d to Vienna on Tuesday 14 March.\r\n", i, i%60, i, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.eml", i)), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openVault(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func importAndRead(t *testing.T, v *Vault, path string) ImportResult {
	t.Helper()
	r, err := v.Import(context.Background(), "nora@deskandco.example", []string{path}, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// state is what a vault answers from, as text.
func state(t *testing.T, v *Vault) string {
	t.Helper()
	s := ""
	err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
		messages, err := ix.Count()
		if err != nil {
			return err
		}
		statements, err := ix.Search(context.Background(), textindex.Request{Statements: true})
		if err != nil {
			return err
		}
		s += fmt.Sprintf("index %d %d ledger %d\n", messages, statements.Total, l.Size())
		return c.Blobs(func(b catalog.Blob) error {
			m, err := c.Message(b.Ref)
			if err != nil {
				return err
			}
			s += fmt.Sprintf("%v %d %+v %+v\n", b.Ref, b.Entry, m.Doc, m.Places)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestImportTwiceAddsNothing(t *testing.T) {
	mail := mailDir(t, 30)
	v := openVault(t, t.TempDir())
	r := importAndRead(t, v, mail)
	if r.New != 30 || r.Duplicates != 0 {
		t.Fatalf("first import: %d new, %d duplicates, want 30 and 0", r.New, r.Duplicates)
	}
	r = importAndRead(t, v, mail)
	if r.New != 0 || r.Duplicates != 30 {
		t.Fatalf("second import: %d new, %d duplicates, want 0 and 30", r.New, r.Duplicates)
	}
}

func TestRebuildAnswersTheSame(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	importAndRead(t, v, mailDir(t, 30))
	want := state(t, v)
	if err := v.RebuildIndex(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got := state(t, v); got != want {
		t.Errorf("after rebuilding the index:\n%s\nwant\n%s", got, want)
	}
	if err := v.RebuildCatalog(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got := state(t, v); got != want {
		t.Errorf("after rebuilding the catalog:\n%s\nwant\n%s", got, want)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	// A catalog that is not there is the same as one that lags behind.
	for _, name := range []string{"catalog.db", "catalog.db-wal", "catalog.db-shm"} {
		os.Remove(filepath.Join(dir, name))
	}
	v = openVault(t, dir)
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got := state(t, v); got != want {
		t.Errorf("after removing the catalog:\n%s\nwant\n%s", got, want)
	}
}

// What the index lost, and nobody else, is read again at the next opening; an
// index of another catalog is made again.
func TestIndexIsCompared(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	importAndRead(t, v, mailDir(t, 30))
	want := state(t, v)
	change := func(f func(c *catalog.Catalog, b *textindex.Batch) error) {
		t.Helper()
		err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
			b := ix.NewBatch()
			if err := f(c, b); err != nil {
				return err
			}
			return b.Commit()
		})
		if err != nil {
			t.Fatal(err)
		}
		if state(t, v) == want {
			t.Fatal("the index is as it was")
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = openVault(t, dir)
		if err := v.Read(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	change(func(c *catalog.Catalog, b *textindex.Batch) error {
		return c.Blobs(func(blob catalog.Blob) error {
			if n++; n%7 == 0 {
				b.Delete(blob.Ref.Hex())
			}
			return nil
		})
	})
	if got := state(t, v); got != want {
		t.Errorf("after losing messages:\n%s\nwant\n%s", got, want)
	}
	change(func(_ *catalog.Catalog, b *textindex.Batch) error {
		return b.Put(&textindex.Message{ID: "of another vault"})
	})
	if got := state(t, v); got != want {
		t.Errorf("after a message of another vault:\n%s\nwant\n%s", got, want)
	}
}

// Passes write side by side, and whoever needs the vault alone gets it though they
// never stop coming.
func TestSideBySide(t *testing.T) {
	v := openVault(t, t.TempDir())
	importAndRead(t, v, mailDir(t, 5))
	before := v.ledger.Size()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var noted atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := v.Note(ledger.Export{Selection: "side by side"}); err != nil {
					t.Error(err)
					return
				}
				noted.Add(1)
			}
		})
	}
	for range 3 {
		if r, err := v.Verify(context.Background()); err != nil || !r.OK {
			t.Errorf("verifying beside them: %+v, %v", r, err)
		}
	}
	close(stop)
	wg.Wait()
	if got := v.ledger.Size() - before; got != noted.Load() || got == 0 {
		t.Errorf("%d entries, want %d", got, noted.Load())
	}
	if r, err := v.Verify(context.Background()); err != nil || !r.OK {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
	v.Close()
	if err := v.Note(ledger.Export{}); !errors.Is(err, errClosed) {
		t.Errorf("a closed vault: %v", err)
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	importAndRead(t, v, mailDir(t, 30))
	r, err := v.Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK || r.Messages != 30 || r.Intact != 30 {
		t.Errorf("got %+v, want 30 of 30 intact", r)
	}
	v.Close()

	segment := filepath.Join(dir, "archive", "000001.tar.zst")
	flip(t, segment, -40)
	v = openVault(t, dir)
	if r, err = v.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	if r.OK || len(r.Damage) == 0 || r.Intact == r.Messages {
		t.Errorf("one bit of the archive flipped: got %+v, want damage", r)
	}
	flip(t, segment, -40)
	v.Close()

	entries := filepath.Join(dir, "ledger", "entries.jsonl")
	flip(t, entries, -300)
	v, err = Open(dir, Options{})
	if err == nil {
		r, err = v.Verify(context.Background())
		v.Close()
	} else {
		r, err = Verify(context.Background(), dir, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.OK || len(r.Ledger) == 0 {
		t.Errorf("one bit of the ledger flipped: got %+v, want a problem", r)
	}
}

// flip changes one bit, counted from the end where at is negative.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(path, 0o600)
	if err := os.WriteFile(path, b, st.Mode()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	openVault(t, dir)
	if _, err := Open(dir, Options{}); err == nil {
		t.Fatal("a vault was opened twice")
	}
}
