package indexer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

func TestPermit(t *testing.T) {
	dir := t.TempDir()
	v, err := Open(filepath.Join(dir, "vault"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	a := imapsync.Account{Address: "martin@halearchitects.example", Server: "imap.halearchitects.example:993"}
	file := filepath.Join(dir, "permission.txt")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	permit := func(role, file string) {
		t.Helper()
		if err := v.Permit(t.Context(), a, role, file); err != nil {
			t.Fatal(err)
		}
	}
	permit("controller", "") // what goes without saying is not said
	write("You may read my mail. M.\n")
	permit("processor", file)
	permit("processor", file)
	write("You may read my mail until June. M.\n")
	permit("processor", file)
	permit("controller", "")
	if err := v.Permit(t.Context(), a, "processor", filepath.Join(dir, "none")); err == nil {
		t.Error("a permission that is not there")
	}
	if err := v.Permit(t.Context(), a, "processor", dir); err == nil {
		t.Error("a folder as a permission")
	}
	var roles []string
	err = v.Stores(func(ar *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		err := l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			if err != nil {
				return err
			}
			f, ok := e.Fact.(ledger.AccountRole)
			if !ok {
				return nil
			}
			roles = append(roles, f.Role)
			if f.Authority == "" {
				return nil
			}
			ref, err := archive.ParseRef(f.Authority)
			if err != nil {
				return err
			}
			b, err := c.Blob(ref)
			if err != nil {
				return err
			}
			r, _, err := ar.OpenAt(b.Ref, b.Place)
			if err != nil {
				return err
			}
			return r.Close()
		})
		if err != nil {
			return err
		}
		n, _, err := c.Totals()
		if n != 0 {
			t.Errorf("a permission counts as a message: %d", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"processor", "processor", "controller"}, roles); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	report, err := v.Verify(t.Context())
	if err != nil {
		t.Fatalf("%v %+v", err, report)
	}
}
