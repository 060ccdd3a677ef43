package indexer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// entriesOf returns the facts of one type, in order.
func entriesOf[T ledger.Fact](t *testing.T, v *Vault) []T {
	t.Helper()
	var out []T
	err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		return l.Entries(0, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			if f, ok := e.Fact.(T); ok {
				out = append(out, f)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A pass leaves an entry with whom it asked and what came of it.
func TestAcquisition(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 3)
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	got := entriesOf[ledger.Acquisition](t, v)
	if len(got) != 1 {
		t.Fatalf("%d entries, want 1", len(got))
	}
	x := got[0]
	if x.Server != s.Addr || x.Asked != 3 || x.Stored != 3 || x.Exists != 3 || x.Quarantined+x.Left != 0 || x.State != "" || x.Connections != 1 {
		t.Errorf("%+v", x)
	}
	if x.Greeting == "" || !strings.Contains(fmt.Sprint(x.Capabilities), "IDLE") || x.Received == 0 || x.User == "" {
		t.Errorf("of the server: %+v", x)
	}
	// A daemon that finds nothing new does not repeat itself.
	if _, err := v.Sync(t.Context(), a, false, imapsync.Options{}); err != nil {
		t.Fatal(err)
	}
	if n := len(entriesOf[ledger.Acquisition](t, v)); n != 1 {
		t.Errorf("%d entries after a pass without news, want 1", n)
	}
}

// What a server would not give is in the ledger, and known to a catalog that is
// made again; the next passes count it until it comes.
func TestQuarantineIsRecorded(t *testing.T) {
	const body = "Subject: a\r\n\r\nb\r\n"
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string {
		switch {
		case strings.HasPrefix(cmd, "CAPABILITY"):
			return "* CAPABILITY IMAP4rev1\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			return "* LIST () \"/\" INBOX\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "EXAMINE"):
			return "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 3] next\r\n$T OK [READ-ONLY] opened\r\n"
		case strings.HasPrefix(cmd, "UID SEARCH"):
			return "* SEARCH 1 2\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "UID FETCH") && strings.Contains(cmd, "BODY.PEEK[]"):
			out := ""
			if f := strings.Fields(cmd)[2]; f != "2" {
				out = fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n", len(body), body)
			}
			return out + "$T NO [UNAVAILABLE] UID FETCH Server error\r\n"
		case strings.HasPrefix(cmd, "UID FETCH"):
			d := `INTERNALDATE "01-Mar-2024 10:00:00 +0000"`
			return fmt.Sprintf("* 1 FETCH (UID 1 FLAGS () %s RFC822.SIZE %d)\r\n* 2 FETCH (UID 2 FLAGS () %s RFC822.SIZE 99)\r\n$T OK done\r\n", d, len(body), d)
		}
		return "$T OK done\r\n"
	}}).Start(t)
	a := imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }}
	dir := t.TempDir()
	v := openVault(t, dir)
	f, _ := syncOnce(t, v, a)
	if in := f["INBOX"]; in.Quarantined != 1 || in.Held != 0 || in.New != 1 {
		t.Errorf("first pass: %+v", in)
	}
	q := entriesOf[ledger.MsgQuarantined](t, v)
	if len(q) != 1 || q[0].UID != 2 || q[0].Size != 99 || !strings.Contains(q[0].Why, "Server error") {
		t.Errorf("%+v", q)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v, err := Open(dir, Options{FreshCatalog: true})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, _ = syncOnce(t, v, a)
	if in := f["INBOX"]; in.Quarantined != 0 || in.Held != 1 || in.New != 0 {
		t.Errorf("second pass, with a catalog made again: %+v", in)
	}
	x := entriesOf[ledger.Acquisition](t, v)
	if len(x) != 2 || x[1].Quarantined != 1 || x[1].State != "incomplete" {
		t.Errorf("%+v", x)
	}
}

// An account fetches no more in a day than it may, over all passes, and goes on the
// day after.
func TestDailyBytes(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	a.DailyBytes = 10_000
	deliver(t, s, "nora", "INBOX", 0, 3)
	now := time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC)
	v, err := Open(t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	syncOnce(t, v, a)
	if got := live(t, v)["INBOX"]; got != 3 {
		t.Fatalf("%d messages, want the first batch", got)
	}
	deliver(t, s, "nora", "INBOX", 3, 4)
	now = now.Add(time.Hour)
	if _, err := v.Sync(t.Context(), a, true, imapsync.Options{}); !errors.Is(err, imapsync.ErrBusy) {
		t.Errorf("the same day: %v", err)
	}
	if got := live(t, v)["INBOX"]; got != 3 {
		t.Errorf("%d messages on the same day, want 3", got)
	}
	now = now.Add(24 * time.Hour)
	syncOnce(t, v, a)
	if got := live(t, v)["INBOX"]; got != 4 {
		t.Errorf("%d messages on the next day, want 4", got)
	}
}
