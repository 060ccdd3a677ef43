package indexer

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
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

func note(from, to string, n int) []byte {
	return fmt.Appendf(nil, "From: %s\nTo: %s\nSubject: Letter %d\nMessage-ID: <l%d@desk.example>\nDate: Mon, 4 Mar 2024 10:00:00 +0000\n\nWords of %s.\n", from, to, n, n, from)
}

func counts(t *testing.T, v *Vault, folder string) (n catalog.Counts, server int) {
	t.Helper()
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		boxes, err := c.Mailboxes(1)
		for _, m := range boxes {
			if m.Display == folder {
				if n, err = c.Count(m.ID, m.UIDValidity, 0); err == nil {
					server = m.Server
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, server
}

// wanting is an account that keeps what names one of these in its header.
func wanting(a imapsync.Account, who ...string) imapsync.Account {
	a.Wanted = "only " + strings.Join(who, " ")
	a.Want = func(header []byte) bool {
		for _, w := range who {
			if bytes.Contains(header, []byte(w)) {
				return true
			}
		}
		return false
	}
	return a
}

// A mailbox limited to some people: the rest is counted and never fetched, the
// decision is kept, and a wider choice brings in what was left out.
func TestChosenPeople(t *testing.T) {
	for _, brand := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(brand, func(t *testing.T) {
			s := imaptest.Start(t, brand)
			p := imaptest.NewProxy(t, s.Addr, imaptest.Fault{})
			a := s.Account("nora")
			a.Server = "insecure://" + p.Addr
			for i, who := range []string{"martin@hale.example", "bank@bank.example", "ben@quarry.example", "doctor@clinic.example", "martin@hale.example"} {
				if err := s.Deliver("nora", "INBOX", note(who, "nora@deskandco.example", i)); err != nil {
					t.Fatal(err)
				}
			}
			v := openVault(t, t.TempDir())
			f, _ := syncOnce(t, v, wanting(a, "hale.example"))
			if in := f["INBOX"]; in.New != 2 || in.NotChosen != 3 || !in.Clean || in.Left != 0 {
				t.Errorf("first pass: %+v", in)
			}
			if n, server := counts(t, v, "INBOX"); n.Stored != 2 || n.NotChosen != 3 || n.Listed != 0 || server != 5 {
				t.Errorf("counted: %+v of %d", n, server)
			}
			if x := entriesOf[ledger.Acquisition](t, v); len(x) != 1 || x[0].LeftOut != 3 || x[0].Asked != 2 || x[0].Exists != 5 {
				t.Errorf("of the record: %+v", x)
			}
			before := p.Octets()
			f, _ = syncOnce(t, v, wanting(a, "hale.example"))
			// Courier renumbers what is new in each session: it is told anew there.
			renumbers := brand == "courier"
			if in := f["INBOX"]; in.New != 0 || in.NotChosen != 0 && !renumbers {
				t.Errorf("decided twice: %+v", in)
			}
			if again := p.Octets() - before; again > 4000 && !renumbers {
				t.Errorf("a pass without news took %d octets: were the headers asked for again?", again)
			}
			// Somebody is added: what was left out of theirs comes in, and only that.
			f, _ = syncOnce(t, v, wanting(a, "hale.example", "quarry.example"))
			if in := f["INBOX"]; in.New != 1 || in.NotChosen != 2 || !in.Clean {
				t.Errorf("after one was added: %+v", in)
			}
			if c := entriesOf[ledger.Config](t, v); len(c) != 2 || !strings.Contains(c[1].New, "quarry.example") || c[1].Old != c[0].New {
				t.Errorf("changes of the choice: %+v", c)
			}
			// Without a limit everything comes; with one again nothing kept is lost.
			f, _ = syncOnce(t, v, a)
			if in := f["INBOX"]; in.New != 2 || !in.Clean {
				t.Errorf("without a limit: %+v", in)
			}
			syncOnce(t, v, wanting(a, "hale.example"))
			if n, _ := counts(t, v, "INBOX"); n.Stored != 5 || n.NotChosen != 0 {
				t.Errorf("a limit took something away: %+v", n)
			}
			if bad := p.Violations(); len(bad) > 0 {
				t.Errorf("sent: %v", bad)
			}
		})
	}
}

// What is older is left out by its date, without a look at its header.
func TestChosenDate(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	for i, who := range []string{"martin@hale.example", "martin@hale.example", "bank@bank.example"} {
		if err := s.Deliver("nora", "INBOX", note(who, "nora@deskandco.example", i)); err != nil {
			t.Fatal(err)
		}
	}
	a.Since = time.Unix(1700000002, 0) // the first was a second earlier
	v := openVault(t, t.TempDir())
	f, _ := syncOnce(t, v, wanting(a, "hale.example"))
	if in := f["INBOX"]; in.New != 1 || in.LeftOut != 1 || in.NotChosen != 1 || !in.Clean {
		t.Errorf("%+v", in)
	}
	a.Since = time.Time{}
	f, _ = syncOnce(t, v, wanting(a, "hale.example"))
	if in := f["INBOX"]; in.New != 1 || in.NotChosen != 1 || !in.Clean {
		t.Errorf("without a date: %+v", in)
	}
}

// A header that spoils the answer for the others is asked for in ever smaller
// batches; a message that cannot be judged is kept.
func TestChosenUnreadable(t *testing.T) {
	who := []string{"hale", "bank", "broken", "bank", "silent", "hale"}
	var bodies []string
	uids := regexp.MustCompile(`UID FETCH (\S+) `)
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string {
		switch {
		case cmd == "CAPABILITY":
			return "* CAPABILITY IMAP4rev1\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			return "* LIST () \"/\" INBOX\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "EXAMINE"):
			return "* 6 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 7] next\r\n$T OK [READ-ONLY] opened\r\n"
		case strings.HasPrefix(cmd, "UID SEARCH"):
			return "* SEARCH 1 2 3 4 5 6\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "UID FETCH"):
			out, wanted := "", asked(uids.FindStringSubmatch(cmd)[1])
			for i, w := range who {
				if !wanted[i+1] {
					continue
				}
				head := "From: x@" + w + ".example\r\nSubject: " + fmt.Sprint(i) + "\r\n\r\n"
				switch {
				case strings.Contains(cmd, "PEEK[HEADER]") && w == "broken":
					return out + "$T NO [SERVERBUG] some messages could not be fetched\r\n"
				case strings.Contains(cmd, "PEEK[HEADER]") && w == "silent":
				case strings.Contains(cmd, "PEEK[HEADER]"):
					out += fmt.Sprintf("* %d FETCH (UID %d BODY[HEADER] {%d}\r\n%s)\r\n", i+1, i+1, len(head), head)
				case strings.Contains(cmd, "PEEK[]"):
					bodies = append(bodies, w)
					out += fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, len(head), len(head), head)
				default:
					out += fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d)\r\n", i+1, i+1, len(head))
				}
			}
			return out + "$T OK done\r\n"
		}
		return "$T OK done\r\n"
	}}).Start(t)
	a := imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }}
	v := openVault(t, t.TempDir())
	f, _ := syncOnce(t, v, wanting(a, "hale.example"))
	if got := fmt.Sprint(bodies); got != "[hale broken silent hale]" {
		t.Errorf("fetched %s, want the two of hale and the two that cannot be judged", got)
	}
	if in := f["INBOX"]; in.New != 4 || in.NotChosen != 2 || !in.Clean {
		t.Errorf("%+v", in)
	}
}

// asked reads a set of UIDs.
func asked(set string) map[int]bool {
	out := map[int]bool{}
	for _, part := range strings.Split(set, ",") {
		lo, hi := 0, 0
		if n, _ := fmt.Sscanf(part, "%d:%d", &lo, &hi); n == 1 {
			hi = lo
		}
		for u := lo; u <= hi; u++ {
			out[u] = true
		}
	}
	return out
}
