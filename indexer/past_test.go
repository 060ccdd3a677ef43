package indexer

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// Vaults as earlier versions wrote them, without their keys: testdata/vault-N.tar.zst
// is of catalog format N. They open, are intact, and are read, as they are and with a
// catalog made anew.
func TestPastVaults(t *testing.T) {
	files, err := filepath.Glob("testdata/vault-*.tar.zst")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		for _, fresh := range []bool{false, true} {
			dir := t.TempDir()
			unpackVault(t, file, dir)
			v, err := Open(dir, Options{FreshCatalog: fresh})
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if err := v.Read(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			r, err := v.Verify(context.Background())
			if err != nil || !r.OK || r.Messages != 5 || r.Signed != 11 {
				t.Errorf("%s: %+v, %v", file, r, err)
			}
			err = v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
				m, err := c.Matter("trip")
				if err == nil && (len(m.Items) != 1 || len(m.Exhibits) != 1) {
					t.Errorf("%s: the matter holds %+v", file, m)
				}
				if n, err := ix.Count(); n != 4 || err != nil {
					t.Errorf("%s: the index has %d messages, %v", file, n, err)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			// Nothing can be signed without the key, so nothing is erased.
			if _, err := v.Erase(context.Background(), EraseRequest{Refs: firstRefs(t, v)}); !errors.Is(err, ledger.ErrNoKey) {
				t.Errorf("%s: erasing without the key: %v", file, err)
			}
			v.Close()
		}
	}
}

func firstRefs(t *testing.T, v *Vault) []archive.Ref {
	t.Helper()
	ref, err := archive.ParseRef(entriesOf[ledger.MsgSeen](t, v)[0].Blob)
	if err != nil {
		t.Fatal(err)
	}
	return []archive.Ref{ref}
}

func unpackVault(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if strings.HasSuffix(h.Name, "/") {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, b, h.FileInfo().Mode().Perm()|0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
