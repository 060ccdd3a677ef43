package indexer

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// Where folders are labels, a message is downloaded once: from the folder that has
// all of them. In the others it is known by size, date and header.
func TestLabels(t *testing.T) {
	bodies := []string{"Subject: a\r\n\r\nthe first\r\n", "Subject: b\r\n\r\nthe other\r\n"}
	fetched := 0
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string {
		switch {
		case cmd == "CAPABILITY":
			return "* CAPABILITY IMAP4rev1 X-GM-EXT-1\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			return "* LIST () \"/\" INBOX\r\n* LIST (\\HasNoChildren) \"/\" Orders\r\n* LIST (\\All) \"/\" \"[Gmail]/All Mail\"\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "EXAMINE"):
			return "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 3] next\r\n$T OK [READ-ONLY] opened\r\n"
		case strings.HasPrefix(cmd, "UID SEARCH"):
			return "* SEARCH 1 2\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "UID FETCH"):
			out := ""
			for i, b := range bodies {
				out += fmt.Sprintf("* %d FETCH (UID %d", i+1, i+1)
				if strings.Contains(cmd, "FLAGS") {
					out += fmt.Sprintf(" FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d", len(b))
				}
				if strings.Contains(cmd, "PEEK[HEADER]") {
					out += fmt.Sprintf(" BODY[HEADER] {%d}\r\n%s", strings.Index(b, "the"), b[:strings.Index(b, "the")])
				}
				if strings.Contains(cmd, "PEEK[]") {
					fetched++
					out += fmt.Sprintf(" BODY[] {%d}\r\n%s", len(b), b)
				}
				out += ")\r\n"
			}
			return out + "$T OK done\r\n"
		}
		return "$T OK done\r\n"
	}}).Start(t)
	a := imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }}
	v := openVault(t, t.TempDir())
	f, _ := syncOnce(t, v, a)
	if fetched != 2 || f["[Gmail]/All Mail"].New != 2 || f["INBOX"].Relinked != 2 || f["Orders"].Relinked != 2 {
		t.Errorf("%d messages downloaded, want 2: %+v", fetched, f)
	}
	if got, want := fmt.Sprint(live(t, v)), "map[INBOX:2 Orders:2 [Gmail]/All Mail:2]"; got != want {
		t.Errorf("live occurrences %s, want %s", got, want)
	}
}
