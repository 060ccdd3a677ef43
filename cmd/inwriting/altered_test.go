package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/trail"
)

// Check 11 in notes/evidence.md, section 12: mail that was edited in place, appended
// anew, backdated, kept in two versions, moved, expunged, renumbered: the right entry
// in the ledger, and the right words.
func TestCheck11AlteredMail(t *testing.T) {
	ctx := context.Background()
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	mail := func(id, date, subject string) []byte {
		return fmt.Appendf(nil, "From: martin@halearchitects.example\r\nTo: nora@deskandco.example\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@halearchitects.example>\r\n\r\nPlease book Tuesday for %s.\r\n", subject, date, id, subject)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.MakeFolder("nora", "Archive"))
	const before = "Fri, 5 Jan 2001 09:00:00 +0000"
	for _, id := range []string{"edited", "twice", "moved", "deleted"} {
		must(s.Deliver("nora", "INBOX", mail(id, before, id)))
	}
	v, err := indexer.Open(t.TempDir(), indexer.Options{})
	must(err)
	defer v.Close()
	pass := func() {
		t.Helper()
		_, err := v.Sync(ctx, a, true, imapsync.Options{})
		must(err)
		must(v.Read(ctx, nil))
	}
	pass()

	edited := 0
	must(filepath.WalkDir(s.Maildir("nora"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "<edited@") {
			return err
		}
		edited++
		return os.WriteFile(path, []byte(strings.Replace(string(b), "Tuesday", "Mondays", 1)), 0o600)
	}))
	if edited != 1 {
		t.Fatalf("%d files were edited", edited)
	}
	appended := func(raw []byte, date string) string {
		return fmt.Sprintf("APPEND INBOX %q {%d+}\r\n%s", date, len(raw), raw)
	}
	_, err = s.Do("nora", "INBOX", appended([]byte(strings.Replace(string(mail("twice", before, "twice")), "Tuesday", "Wednesday", 1)), "05-Jan-2030 09:00:00 +0000"),
		appended(mail("late", before, "late"), "05-Jan-2001 09:00:00 +0000"))
	must(err)
	must(s.Move("nora", "INBOX", "3", "Archive"))
	must(s.Expunge("nora", "INBOX", "4"))
	pass()
	pass() // two enumerations make it gone

	searcher := search.NewVaultSearcher(v, func() trail.People { return trail.People{} }, search.Options{})
	signs := func(text string) string {
		t.Helper()
		var out []string
		must(v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
			refs, err := c.RefsOfMessageID(text+"@halearchitects.example", 9)
			for _, ref := range refs {
				doc, err := searcher.Message(ctx, ref.String())
				if err != nil {
					return err
				}
				line := ""
				for _, sign := range doc.Signs {
					line += sign.Kind + ": " + sign.Text + "\n"
				}
				out = append(out, line)
			}
			return err
		}))
		return strings.Join(out, "--\n")
	}
	for _, tt := range []struct {
		id, want string
		not      string
	}{
		{"edited", "dates: the sender's date is", "gone"}, // kept as it was collected; see below
		{"twice", "variant: another message with the same Message-ID and other octets is kept too", "gone"},
		{"late", "order: in INBOX, messages received up to", "gone"},
		{"moved", "moved: it was in INBOX and is now in Archive: moved, not deleted", "gone"},
		{"deleted", "gone: no longer on the server: missing in INBOX since", "moved"},
	} {
		got := signs(tt.id)
		if !strings.Contains(got, tt.want) || strings.Contains(got, tt.not+":") {
			t.Errorf("%s: %q, want %q and no %q", tt.id, got, tt.want, tt.not)
		}
	}
	if strings.Count(signs("twice"), "variant:") != 2 {
		t.Errorf("twice: %s", signs("twice"))
	}
	entries := map[string]int{}
	octets := ""
	must(v.Stores(func(ar *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		refs, err := c.RefsOfMessageID("edited@halearchitects.example", 9)
		if err != nil || len(refs) != 1 {
			return fmt.Errorf("%d versions of the edited one: %w", len(refs), err)
		}
		b, err := c.Blob(refs[0])
		must(err)
		body, _, err := ar.OpenAt(b.Ref, b.Place)
		must(err)
		defer body.Close()
		raw := make([]byte, b.Size)
		_, err = body.Read(raw)
		octets = string(raw)
		return errors.Join(err, l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			entries[e.Type]++
			return err
		}))
	}))
	if !strings.Contains(octets, "Tuesday") {
		t.Errorf("the edited message is kept as %q", octets)
	}
	if entries["msg.gone"] != 2 || entries["msg.seen"] != 7 {
		t.Errorf("entries: %v", entries)
	}

	// A server that numbers a folder anew.
	st, err := s.Status("nora", "INBOX")
	must(err)
	must(s.Renumber("nora", "INBOX", uint32(st.UIDValidity)+1000))
	pass()
	if got := signs("late"); !strings.Contains(got, "renumbered: the server numbered INBOX anew; it is there under another number") || strings.Contains(got, "gone:") {
		t.Errorf("renumbered: %q", got)
	}
	if r, err := v.Verify(ctx); err != nil || !r.OK {
		t.Errorf("verify: %+v, %v", r, err)
	}
}
