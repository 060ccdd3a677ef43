package imapsync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// withStatus makes a box tell the state of its folders along with their list.
func withStatus(b *box, more func(string) string) {
	b.over = func(cmd string) string {
		if more != nil {
			if a := more(cmd); a != "" {
				return a
			}
		}
		switch {
		case cmd == "CAPABILITY":
			return "* CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS CONDSTORE\r\n$T OK done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			return fmt.Sprintf("* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES %d UIDNEXT 100 UIDVALIDITY 7 HIGHESTMODSEQ 9)\r\n$T OK done\r\n", len(b.msgs))
		case strings.HasPrefix(cmd, "EXAMINE"):
			return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 100] next\r\n* OK [HIGHESTMODSEQ 9] seq\r\n$T OK [READ-ONLY] opened\r\n", len(b.msgs))
		}
		return ""
	}
}

// verbs returns what was sent after the login, arguments cut off.
func verbs(s *imaptest.Script) []string {
	var out []string
	for _, c := range s.Commands() {
		w := strings.Fields(c)
		if w[0] == "UID" {
			w[0] += " " + w[1]
		}
		if isBodies(c) {
			w[0] += " BODY"
		}
		if w[0] != "CAPABILITY" && w[0] != "LOGIN" && w[0] != "LOGOUT" {
			out = append(out, w[0])
		}
	}
	return out
}

// A folder seen for the first time costs two round trips, whatever it holds, and the
// first one of a pass another, for a look at what became of the unread.
func TestRoundTrips(t *testing.T) {
	const look = "UID FETCH"
	want := []archive.Ref{ref([]byte("one\r\n")), ref([]byte("two\r\n")), ref([]byte("five\r\n"))}
	for _, tt := range []struct {
		name string
		over func(*box) func(string) string
		want []string
	}{
		{"both answered", nil, []string{"LIST", "EXAMINE", "UID FETCH", "UID FETCH BODY", look}},
		{"the second refused", func(*box) func(string) string {
			return prefixed(map[string]string{"UID FETCH 1:* (UID FLAGS": "$T BAD not now\r\n"})
		}, []string{"LIST", "EXAMINE", "UID FETCH", "UID SEARCH", "UID FETCH", "UID FETCH BODY", look}},
		{"one left out", func(*box) func(string) string {
			return prefixed(map[string]string{"UID FETCH 1:* (UID FLAGS": "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE 5)\r\n$T OK done\r\n"})
		}, []string{"LIST", "EXAMINE", "UID FETCH", "UID SEARCH", "UID FETCH", "UID FETCH BODY", look}},
		{"the connection ends at the second", func(*box) func(string) string {
			return prefixed(map[string]string{"UID FETCH 1:* (UID FLAGS": "-"})
		}, []string{"LIST", "EXAMINE", "UID FETCH", "EXAMINE", "UID SEARCH", "UID FETCH", "UID FETCH BODY", look}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			b := &box{msgs: three()}
			var over func(string) string
			if tt.over != nil {
				over = tt.over(b)
			}
			withStatus(b, over)
			s, a := scripted(t, b, "")
			st := imaptest.NewStore()
			res := run(t, a, st, imapsync.Options{RetryDelay: 1})
			if f := folder(t, res, "INBOX"); !f.Clean || f.New != 3 {
				t.Errorf("%+v", f)
			}
			holds(t, st, "INBOX", want)
			if got := verbs(s); !slices.Equal(got, tt.want) {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

// One message for which the server refuses a whole batch costs few commands, and
// only that one is quarantined.
func testSpoiltBatch(t *testing.T) {
	leakCheck(t)
	b := &box{}
	for i := range 300 {
		b.msgs = append(b.msgs, message{uid: uint32(i + 1), body: fmt.Sprintf("message %d\r\n", i)})
	}
	b.over = func(cmd string) string {
		if isBodies(cmd) && inSet(strings.Fields(cmd)[2], 77) {
			return "$T NO Some messages could not be FETCHed (Failure)\r\n"
		}
		return ""
	}
	s, a := scripted(t, b, "")
	st := imaptest.NewStore()
	res := run(t, a, st, imapsync.Options{})
	if f := folder(t, res, "INBOX"); f.New != 299 || f.Quarantined != 1 {
		t.Errorf("%+v", f)
	}
	n := 0
	for _, c := range s.Commands() {
		if isBodies(c) {
			n++
		}
	}
	if n > 40 {
		t.Errorf("%d commands for the messages, want 40 at most", n)
	}
}

// A pass that finds nothing new in a hundred folders waits three times for the
// server's answer: to the login, to the introduction and to the list.
func TestRoundTripsUnchanged(t *testing.T) {
	leakCheck(t)
	const caps = "CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE"
	b := &box{msgs: three()}
	withStatus(b, func(cmd string) string {
		switch {
		case strings.HasPrefix(cmd, "AUTHENTICATE"):
			return "$T OK [" + caps + "] done\r\n"
		case strings.HasPrefix(cmd, "LIST"):
			var out strings.Builder
			for i := range 100 {
				fmt.Fprintf(&out, "* LIST () \"/\" F%d\r\n* STATUS F%d (MESSAGES 3 UIDNEXT 100 UIDVALIDITY 7 HIGHESTMODSEQ 9)\r\n", i, i)
			}
			return out.String() + "$T OK done\r\n"
		}
		return ""
	})
	s, a := scripted(t, b, "* OK ["+caps+"] ready\r\n")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	before := len(s.Commands())
	for _, f := range run(t, a, st, imapsync.Options{}).Folders {
		if !f.Unchanged {
			t.Fatalf("%+v", f)
		}
	}
	var got []string
	for _, c := range s.Commands()[before:] {
		if verb, _, _ := strings.Cut(c, " "); verb != "LOGOUT" { // not waited for
			got = append(got, verb)
		}
	}
	if want := []string{"AUTHENTICATE", "ID", "LIST"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
