package indexer

import (
	"os"
	"path/filepath"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// A message that was made from another form has its original beside it, named in
// the ledger, and is found like any other.
func TestImportConverted(t *testing.T) {
	v, err := Open(filepath.Join(t.TempDir(), "vault"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, want := range []ImportResult{{Messages: 1, New: 1, Converted: 1}, {Messages: 1, Duplicates: 1, Converted: 1}} {
		r, err := v.Import(t.Context(), "nora@deskandco.example", []string{"outlook/testdata/invented.msg"}, importer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Messages != want.Messages || r.New != want.New || r.Duplicates != want.Duplicates || r.Converted != want.Converted {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if err := v.Read(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("outlook/testdata/invented.msg")
	if err != nil {
		t.Fatal(err)
	}
	err = v.Stores(func(a *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
		found := 0
		err := l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			if err != nil {
				return err
			}
			f, ok := e.Fact.(ledger.Converted)
			if !ok {
				return nil
			}
			found++
			ref, err := archive.ParseRef(f.Original)
			if err != nil {
				return err
			}
			b, err := c.Blob(ref)
			if err != nil {
				return err
			}
			r, size, err := a.OpenAt(b.Ref, b.Place)
			if err != nil {
				return err
			}
			defer r.Close()
			if !f.Kept || f.Form != "msg" || size != int64(len(file)) || f.Size != size {
				t.Errorf("%+v, %d octets kept", f, size)
			}
			return nil
		})
		if found != 1 {
			t.Errorf("%d conversions in the ledger", found)
		}
		n, _, terr := c.Totals()
		indexed, ierr := ix.Count()
		if n != 1 || indexed != 1 || terr != nil || ierr != nil {
			t.Errorf("%d messages, %d indexed: %v, %v", n, indexed, terr, ierr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
