package indexer

import (
	"fmt"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// deliver puts n messages of some length into a folder.
func deliver(t *testing.T, s *imaptest.Server, user, folder string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := s.Deliver(user, folder, order(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func order(i int) []byte {
	return fmt.Appendf(nil, "From: ben@quarry.example\nTo: nora@deskandco.example\nSubject: Order %d\nMessage-ID: <%d@quarry.example>\nDate: Mon, 4 Mar 2024 10:00:00 +0000\n\n%s", i, i, filler(i))
}

func filler(i int) []byte {
	var b []byte
	for n := range 200 {
		b = fmt.Appendf(b, "Line %d of %d about the stone.\n", n, i)
	}
	return b
}

func syncOnce(t *testing.T, v *Vault, a imapsync.Account) (map[string]imapsync.FolderResult, imapsync.Result) {
	t.Helper()
	res, err := v.Sync(t.Context(), a, true, imapsync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]imapsync.FolderResult{}
	for _, f := range res.Folders {
		out[f.Display] = f
	}
	return out, res
}

// live counts the occurrences that are on the server, by folder.
func live(t *testing.T, v *Vault) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			places, err := c.Places(b.ID)
			for _, p := range places {
				if !p.Gone {
					out[p.Folder]++
				}
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A folder with a new UIDVALIDITY, and one with a new name, are known by their
// messages' sizes, dates and headers: nothing is downloaded again, and what is new
// among them is. A catalog made again knows the same.
func TestRelink(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 30)
	if err := s.MakeFolder("nora", "Orders"); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "nora", "Orders", 100, 120)
	dir := t.TempDir()
	v := openVault(t, dir)
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 30 || f["Orders"].New != 20 {
		t.Fatalf("first pass: %+v", f)
	}

	st, err := s.Status("nora", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "nora", "INBOX", 30, 32)
	if err := s.Renumber("nora", "INBOX", uint32(st.UIDValidity)+1000); err != nil {
		t.Fatal(err)
	}
	f, res := syncOnce(t, v, a)
	if in := f["INBOX"]; in.Relinked != 30 || in.New != 2 || !in.Clean || res.Bytes > 20<<10 {
		t.Errorf("after a new UIDVALIDITY: %+v, %d octets of messages; want 30 known and 2 fetched", in, res.Bytes)
	}

	if _, err := s.Do("nora", "INBOX", `RENAME Orders "Orders 2024"`); err != nil {
		t.Fatal(err)
	}
	f, res = syncOnce(t, v, a)
	if o := f["Orders 2024"]; o.Relinked != 20 || o.New != 0 || !o.Clean || res.Bytes != 0 {
		t.Errorf("after a rename: %+v, %d octets of messages; want 20 known", o, res.Bytes)
	}
	renamed := 0
	if err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		return l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			if r, ok := e.Fact.(ledger.MailboxRenamed); ok && r.Messages == 20 {
				renamed++
			}
			return err
		})
	}); err != nil || renamed != 1 {
		t.Errorf("%d entries about the rename, %v; want 1", renamed, err)
	}
	want := map[string]int{"INBOX": 32, "Orders 2024": 20}
	if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("live occurrences %v, want %v", got, want)
	}
	f, res = syncOnce(t, v, a)
	if !f["INBOX"].Unchanged || !f["Orders 2024"].Unchanged || res.Bytes != 0 {
		t.Errorf("the next pass: %+v", f)
	}

	// And back again, from a state that is the one of before.
	if _, err := s.Do("nora", "INBOX", `RENAME "Orders 2024" Orders`); err != nil {
		t.Fatal(err)
	}
	f, res = syncOnce(t, v, a)
	if o := f["Orders"]; o.Relinked != 20 || o.New != 0 || !o.Clean || res.Bytes != 0 {
		t.Errorf("renamed back: %+v, %d octets of messages; want 20 known", o, res.Bytes)
	}
	want = map[string]int{"INBOX": 32, "Orders": 20}
	if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("renamed back: live occurrences %v, want %v", got, want)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v, err = Open(dir, Options{FreshCatalog: true})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("live occurrences in a catalog made again: %v, want %v", got, want)
	}
}

// Each server's way to rename a folder, to copy within the mailbox and to number
// anew is known for what it is: nothing is fetched twice.
func TestRelinkServers(t *testing.T) {
	for _, brand := range imaptest.Brands {
		t.Run(brand, func(t *testing.T) {
			s := imaptest.Start(t, brand)
			a := s.Account("nora")
			deliver(t, s, "nora", "INBOX", 0, 3)
			deliver(t, s, "nora", "Orders", 100, 120)
			open := func(folders ...string) {
				t.Helper()
				for _, f := range folders {
					if _, err := s.Do("nora", f, "NOOP"); err != nil {
						t.Fatal(err)
					}
				}
			}
			open("INBOX", "Orders")
			v := openVault(t, t.TempDir())
			syncOnce(t, v, a)
			check := func(what, folder string, relinked int, want map[string]int) {
				t.Helper()
				f, res := syncOnce(t, v, a)
				if o := f[s.Name(folder)]; o.Relinked != relinked || o.New != 0 || !o.Clean || res.Bytes != 0 {
					t.Errorf("%s: %+v, %d octets of messages; want %d known", what, o, res.Bytes, relinked)
				}
				if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: live occurrences %v, want %v", what, got, want)
				}
			}
			if _, err := s.Do("nora", "INBOX", fmt.Sprintf("RENAME %q %q", s.Name("Orders"), s.Name("Orders 2024"))); err != nil {
				t.Fatal(err)
			}
			open("Orders 2024")
			check("renamed", "Orders 2024", 20, map[string]int{"INBOX": 3, s.Name("Orders 2024"): 20})
			st, err := s.Status("nora", "Orders 2024")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Renumber("nora", "Orders 2024", uint32(st.UIDValidity)+1000); err != nil {
				t.Fatal(err)
			}
			open("Orders 2024")
			check("numbered anew", "Orders 2024", 20, map[string]int{"INBOX": 3, s.Name("Orders 2024"): 20})
		})
	}
}

// A message of the same size, second and header under a new UIDVALIDITY is not
// taken for the stored one unless all three agree.
func TestRelinkAsksForTheHeader(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	raw := func(n int) []byte {
		return fmt.Appendf(nil, "From: ben@quarry.example\nSubject: Order %d\nMessage-ID: <%d@quarry.example>\n\nYes.\n", n, n)
	}
	for i := 1; i < 6; i++ {
		if err := s.Deliver("nora", "INBOX", raw(i)); err != nil {
			t.Fatal(err)
		}
	}
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	st, err := s.Status("nora", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver("nora", "INBOX", raw(7)); err != nil { // of the same size, perhaps of the same second
		t.Fatal(err)
	}
	if err := s.Renumber("nora", "INBOX", uint32(st.UIDValidity)+7); err != nil {
		t.Fatal(err)
	}
	f, _ := syncOnce(t, v, a)
	if in := f["INBOX"]; in.Relinked != 5 || in.New != 1 {
		t.Errorf("%+v; want 5 known and 1 fetched", in)
	}
	if got := live(t, v)["INBOX"]; got != 6 {
		t.Errorf("%d live, want 6", got)
	}
}
