package indexer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// jumping is a clock that is set forth and back by years, at every look if wild.
type jumping struct {
	looks atomic.Int64
	by    atomic.Int64 // seconds
	wild  atomic.Bool
}

const year = 365 * 24 * time.Hour

func (j *jumping) now() time.Time {
	at := time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC).Add(time.Duration(j.by.Load()) * time.Second)
	if n := j.looks.Add(1); j.wild.Load() {
		at = at.Add([]time.Duration{0, -7 * year, 3 * year, time.Hour, -time.Hour}[n%5])
	}
	return at
}

func (j *jumping) set(d time.Duration) { j.by.Store(int64(d / time.Second)) }

// A clock that jumps, between passes and within them, loses nothing and doubles
// nothing; the ledger keeps the order in which things were recorded.
func TestClockJumps(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	dir := t.TempDir()
	clock := &jumping{}
	v, err := Open(dir, Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { v.Close() }()
	n, want := 0, map[string]int{}
	for i, at := range []time.Duration{0, 8 * year, -5 * year, time.Minute, -2 * year, 30 * year, 0} {
		clock.set(at)
		clock.wild.Store(i%2 == 1)
		deliver(t, s, "nora", "INBOX", n, n+5)
		n += 5
		want["INBOX"] += 5
		if i > 0 {
			if err := s.Expunge("nora", "INBOX", fmt.Sprint(n-7)); err != nil {
				t.Fatal(err)
			}
			want["INBOX"]--
		}
		if err := s.Move("nora", "INBOX", fmt.Sprint(n-1), "Orders"); i == 0 && err == nil {
			t.Fatal("there is no such folder yet")
		}
		for range 2 {
			if f, _ := syncOnce(t, v, a); !f["INBOX"].Clean || f["INBOX"].Quarantined+f["INBOX"].Left > 0 {
				t.Errorf("clock at %v: %+v", at, f["INBOX"])
			}
		}
		if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("clock at %v: live %v, want %v", at, got, want)
		}
	}
	if r, err := v.Verify(t.Context()); err != nil || !r.OK || r.Messages != n || r.Intact != n {
		t.Errorf("verify: %+v, %v; want %d messages", r, err, n)
	}
	// What was seen is in the ledger before what was gone, whatever the times say.
	seen := map[int64]bool{}
	err = v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		at := int64(0)
		return l.Entries(0, func(i int64, line []byte) error {
			e, err := ledger.Decode(line)
			if i != at {
				t.Errorf("entry %d comes as the %dth", i, at)
			}
			at++
			switch f := e.Fact.(type) {
			case ledger.MsgSeen:
				seen[int64(f.UID)] = true
			case ledger.MsgGone:
				if !seen[int64(f.UID)] {
					t.Errorf("UID %d is gone before it was seen", f.UID)
				}
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err = Open(dir, Options{FreshCatalog: true, Now: clock.now}); err != nil {
		t.Fatal(err)
	}
	if got := live(t, v); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("a catalog made again: live %v, want %v", got, want)
	}
}

// What is to be done after some time is done although the clock went back since: a
// quarantined message is asked for again, and fingerprints are compared.
func TestClockGoesBack(t *testing.T) {
	const body = "Subject: a\r\n\r\nb\r\n"
	var healed atomic.Bool
	audits := 0
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string {
		describe := func(uid int) string {
			return fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d)\r\n", uid, uid, len(body))
		}
		switch {
		case strings.HasPrefix(cmd, "CAPABILITY"):
			return "* CAPABILITY IMAP4rev1 CONDSTORE\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			return "* LIST () \"/\" INBOX\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "STATUS"):
			return "* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 HIGHESTMODSEQ 9)\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "EXAMINE"):
			return "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 3] next\r\n* OK [HIGHESTMODSEQ 9] seq\r\n$T OK [READ-ONLY] opened\r\n"
		case strings.HasPrefix(cmd, "UID SEARCH"):
			return "* SEARCH 1 2\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "UID FETCH") && strings.Contains(cmd, "BODY.PEEK[]"):
			out := ""
			for uid := 1; uid <= 2; uid++ {
				if set := strings.Fields(cmd)[2]; (uid == 1 || healed.Load()) && (strings.Contains(set, fmt.Sprint(uid)) || strings.Contains(set, ":")) {
					out += fmt.Sprintf("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", uid, uid, len(body), strings.Replace(body, "a", fmt.Sprint(uid), 1))
				}
			}
			return out + "$T OK done\r\n"
		case strings.HasPrefix(cmd, "UID FETCH"):
			audits++
			return describe(1) + describe(2) + "$T OK done\r\n"
		}
		return "$T OK done\r\n"
	}}).Start(t)
	a := imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }}
	clock := &jumping{}
	clock.set(8 * year)
	v, err := Open(t.TempDir(), Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if f, _ := syncOnce(t, v, a); f["INBOX"].Quarantined != 1 {
		t.Fatalf("%+v", f["INBOX"])
	}
	healed.Store(true)
	clock.set(8*year + time.Hour)
	if f, _ := syncOnce(t, v, a); f["INBOX"].Held != 1 || !f["INBOX"].Unchanged {
		t.Errorf("after an hour: %+v", f["INBOX"])
	}
	clock.set(0) // somebody put it right
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 1 || f["INBOX"].Held+f["INBOX"].Quarantined > 0 {
		t.Errorf("eight years earlier: %+v", f["INBOX"])
	}
	clock.set(8 * year)
	syncOnce(t, v, a) // audited then
	clock.set(time.Hour)
	before := audits
	if syncOnce(t, v, a); audits == before {
		t.Error("after the clock went back no fingerprints are compared")
	}
}
