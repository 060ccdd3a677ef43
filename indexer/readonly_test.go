package indexer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// Check 10 in notes/evidence.md, section 12: a server that takes offence at every verb
// that writes hears none, and a real one is after a pass what it was before.
func TestCheck10NothingIsWritten(t *testing.T) {
	const body = "Subject: a\r\n\r\nb\r\n"
	var mu sync.Mutex
	var heard []string
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string {
		verb := strings.ToUpper(strings.TrimPrefix(strings.ToUpper(cmd), "UID "))
		verb, _, _ = strings.Cut(verb, " ")
		mu.Lock()
		heard = append(heard, verb)
		mu.Unlock()
		switch verb {
		case "CAPABILITY":
			return "* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS CONDSTORE\r\n$T OK done\r\n"
		case "LIST":
			return "* LIST () \"/\" INBOX\r\n$T OK done\r\n"
		case "EXAMINE":
			return "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 2] next\r\n$T OK [READ-ONLY] opened\r\n"
		case "SEARCH":
			return "* SEARCH 1\r\n$T OK done\r\n"
		case "FETCH":
			if strings.Contains(cmd, "BODY[") || strings.Contains(cmd, "RFC822.TEXT") {
				t.Errorf("%s sets \\Seen", cmd)
			}
			if strings.Contains(cmd, "BODY.PEEK[]") {
				return fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n$T OK done\r\n", len(body), body)
			}
			return fmt.Sprintf("* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d)\r\n$T OK done\r\n", len(body))
		case "SELECT", "STORE", "APPEND", "EXPUNGE", "MOVE", "COPY", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "CLOSE", "SETACL", "SETQUOTA", "SETMETADATA", "REPLACE":
			t.Errorf("%s: a verb that writes", cmd)
			return "$T BAD you must not write\r\n"
		}
		return "$T OK done\r\n"
	}}).Start(t)
	v := openVault(t, t.TempDir())
	f, _ := syncOnce(t, v, imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }})
	if f["INBOX"].New != 1 {
		t.Errorf("%+v", f)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(heard, "EXAMINE") || !slices.Contains(heard, "FETCH") {
		t.Errorf("the server heard %q", heard)
	}
}

func TestCheck10FlagsStay(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 5)
	if _, err := s.Do("nora", "INBOX", `UID STORE 1 +FLAGS (\Seen)`, `UID STORE 2 +FLAGS (\Flagged \Draft)`); err != nil {
		t.Fatal(err)
	}
	before, err := s.Snapshot("nora", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	v := openVault(t, t.TempDir())
	for range 2 {
		syncOnce(t, v, a)
	}
	after, err := s.Snapshot("nora", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
