package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// alteredMail is a mailbox whose mail is changed under our eyes.
type alteredMail struct {
	t *testing.T
	s *imaptest.Server
	v *indexer.Vault
}

func (m *alteredMail) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *alteredMail) message(id string) []byte {
	return fmt.Appendf(nil, "From: martin@halearchitects.example\r\nTo: nora@deskandco.example\r\nSubject: %s\r\nDate: Fri, 5 Jan 2001 09:00:00 +0000\r\nMessage-ID: <%s@halearchitects.example>\r\n\r\nPlease book Tuesday for %s.\r\n", id, id, id)
}

// pass reads the mailbox and then the messages.
func (m *alteredMail) pass() {
	m.t.Helper()
	_, err := m.v.Sync(m.t.Context(), m.s.Account("nora"), true, imapsync.Options{})
	m.must(err)
	m.must(m.v.Read(m.t.Context(), nil))
}

// edit changes a message in the server's own files, behind its back.
func (m *alteredMail) edit(id string) {
	m.t.Helper()
	edited := 0
	m.must(filepath.WalkDir(m.s.Maildir("nora"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "<"+id+"@") {
			return err
		}
		edited++
		return os.WriteFile(path, []byte(strings.Replace(string(b), "Tuesday", "Mondays", 1)), 0o600)
	}))
	if edited != 1 {
		m.t.Fatalf("%d files were edited", edited)
	}
}

func (m *alteredMail) append(raw []byte, date string) {
	m.t.Helper()
	_, err := m.s.Do("nora", "INBOX", fmt.Sprintf("APPEND INBOX %q {%d+}\r\n%s", date, len(raw), raw))
	m.must(err)
}

func (m *alteredMail) stores(fn func(*archive.Archive, *ledger.Ledger, *catalog.Catalog) error) {
	m.t.Helper()
	m.must(m.v.Stores(func(a *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return fn(a, l, c)
	}))
}

// signs is what is said of the messages with an id, a line each.
func (m *alteredMail) signs(id string) string {
	m.t.Helper()
	searcher := search.NewVaultSearcher(m.v, func() trail.People { return trail.People{} }, search.Options{})
	out := ""
	m.stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog) error {
		refs, err := c.RefsOfMessageID(id+"@halearchitects.example", 9)
		for _, ref := range refs {
			doc, err := searcher.Message(context.Background(), ref.String())
			if err != nil {
				return err
			}
			for _, sign := range doc.Signs {
				out += sign.Kind + ": " + sign.Text + "\n"
			}
		}
		return err
	})
	return out
}

// Check 11 in notes/evidence.md, section 12: mail that was edited in place, appended
// anew, backdated, kept in two versions, moved, expunged, renumbered: the right entry
// in the ledger, and the right words.
func TestCheck11AlteredMail(t *testing.T) {
	m := &alteredMail{t: t, s: imaptest.Dovecot(t)}
	m.must(m.s.MakeFolder("nora", "Archive"))
	for _, id := range []string{"edited", "twice", "moved", "deleted"} {
		m.must(m.s.Deliver("nora", "INBOX", m.message(id)))
	}
	var err error
	m.v, err = indexer.Open(t.TempDir(), indexer.Options{})
	m.must(err)
	defer m.v.Close()
	m.pass()
	m.edit("edited")
	m.append([]byte(strings.Replace(string(m.message("twice")), "Tuesday", "Wednesday", 1)), "05-Jan-2030 09:00:00 +0000")
	m.append(m.message("late"), "05-Jan-2001 09:00:00 +0000")
	m.must(m.s.Move("nora", "INBOX", "3", "Archive"))
	m.must(m.s.Expunge("nora", "INBOX", "4"))
	m.pass()
	m.pass() // two enumerations make it gone

	for _, tt := range []struct{ id, want, not string }{
		{"edited", "dates: the sender's date is", "gone"}, // kept as it was collected: see below
		{"twice", "variant: another message with the same Message-ID and other octets is kept too", "gone"},
		{"late", "order: in INBOX, messages received up to", "gone"},
		{"moved", "moved: it was in INBOX and is now in Archive: moved, not deleted", "gone"},
		{"deleted", "gone: no longer on the server: missing in INBOX since", "moved"},
	} {
		if got := m.signs(tt.id); !strings.Contains(got, tt.want) || strings.Contains(got, tt.not+":") {
			t.Errorf("%s: %q, want %q and no %q", tt.id, got, tt.want, tt.not)
		}
	}
	if got := m.signs("twice"); strings.Count(got, "variant:") != 2 {
		t.Errorf("twice: %s", got)
	}
	m.checkKept()

	// A server that numbers a folder anew.
	st, err := m.s.Status("nora", "INBOX")
	m.must(err)
	m.must(m.s.Renumber("nora", "INBOX", uint32(st.UIDValidity)+1000))
	m.pass()
	if got := m.signs("late"); !strings.Contains(got, "renumbered: the server numbered INBOX anew; it is there under another number") || strings.Contains(got, "gone:") {
		t.Errorf("renumbered: %q", got)
	}
	if r, err := m.v.Verify(t.Context()); err != nil || !r.OK {
		t.Errorf("verify: %+v, %v", r, err)
	}
}

// checkKept: the edited message is kept as it was collected, and the ledger has an
// entry for everything that happened.
func (m *alteredMail) checkKept() {
	m.t.Helper()
	entries := map[string]int{}
	m.stores(func(a *archive.Archive, l *ledger.Ledger, c *catalog.Catalog) error {
		refs, err := c.RefsOfMessageID("edited@halearchitects.example", 9)
		if err != nil || len(refs) != 1 {
			return fmt.Errorf("%d versions of the edited one: %w", len(refs), err)
		}
		b, err := c.Blob(refs[0])
		m.must(err)
		body, _, err := a.OpenAt(b.Ref, b.Place)
		m.must(err)
		raw, err := io.ReadAll(body)
		if !strings.Contains(string(raw), "Tuesday") {
			m.t.Errorf("the edited message is kept as %q", raw)
		}
		return errors.Join(err, body.Close(), l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			entries[e.Type]++
			return err
		}))
	})
	if entries["msg.gone"] != 2 || entries["msg.seen"] != 7 {
		m.t.Errorf("entries: %v", entries)
	}
}
