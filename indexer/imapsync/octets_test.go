package imapsync_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// odd are messages that programs have stumbled over.
func odd() map[string][]byte {
	nested := "Subject: parts in parts\r\nMIME-Version: 1.0\r\n"
	for n := range 1000 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", n, n)
	}
	return map[string][]byte{
		"plain":             []byte("Subject: plain\r\n\r\nYes.\r\n"),
		"empty":             {},
		"one octet":         []byte("x"),
		"no header":         []byte("\r\nthe body comes first\r\n"),
		"no body":           []byte("Subject: no body\r\n"),
		"no line end":       []byte("Subject: no line end\r\n\r\nno line end"),
		"a lone CR":         []byte("Subject: a lone CR\r\n\r\nhere \r and at the end\r"),
		"bare LF":           []byte("Subject: bare LF\n\none\ntwo\n"),
		"NUL":               []byte("Subject: NUL\r\n\r\nbetween\x00words\r\n"),
		"eight-bit header":  []byte("Subject: Entw\xfcrfe \xff\r\n\r\nlatin\r\n"),
		"UTF-8 header":      []byte("From: J\u00f6rg <j@deskandco.example>\r\nSubject: Entw\u00fcrfe \u2014 neu\r\n\r\nyes\r\n"),
		"UTF-8 body":        []byte("Subject: UTF-8 body\r\n\r\nEntw\u00fcrfe \u2014 neu\r\n"),
		"looks like IMAP":   []byte("Subject: {3}\r\n\r\n)\r\n* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\nT1 OK done\r\n"),
		"a line of 1 MB":    []byte("Subject: a line of 1 MB\r\n\r\n" + strings.Repeat("x", 1<<20) + "\r\n"),
		"1,000 parts":       []byte(nested + "\r\ntext\r\n"),
		"dots and From":     []byte("Subject: dots\r\n\r\n.\r\n..\r\nFrom here on\r\n"),
		"spaces at the end": []byte("Subject: spaces   \r\n\r\nspaces   \t\r\n \r\n\r\n\r\n"),
	}
}

// What a server gives is kept to the octet, whatever it is, and what it was given it
// gives, but for what is named here.
func TestOctets(t *testing.T) {
	changes := map[string]string{ // by server and message: what the server makes of it
		"cyrus empty":         "refused",
		"cyrus one octet":     "refused",
		"courier NUL":         "sends the NUL, which IMAP forbids",
		"courier a lone CR":   "leaves out the last one",
		"courier 1,000 parts": "ends at the 150th",
	}
	eachServer(t, func(t *testing.T, s *imaptest.Server) {
		const user = "odd"
		delivered := map[string]archive.Ref{}
		for name, raw := range odd() {
			if err := s.DeliverSeen(user, "INBOX", "S", raw); err != nil {
				if changes[s.Brand+" "+name] != "refused" {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			delivered[name] = ref(raw)
		}
		settle(t, s, user, "INBOX")
		held, err := s.Held(user, "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		if len(held) != len(delivered) {
			t.Errorf("%d messages on the server, %d delivered", len(held), len(delivered))
		}
		for name, want := range delivered {
			same := false
			for _, raw := range held {
				same = same || sha256.Sum256(raw) == want
			}
			if same != (changes[s.Brand+" "+name] == "") {
				for uid, raw := range held {
					if bytes.Contains(raw, odd()[name][:min(14, len(odd()[name]))]) {
						t.Logf("UID %d: %.300q", uid, raw)
					}
				}
				t.Errorf("%q: the server gives what it was given: %v", name, same)
			}
		}
		st := imaptest.NewStore()
		res := run(t, s.Account(user), st, imapsync.Options{})
		if f := folder(t, res, "INBOX"); !f.Clean || f.Quarantined+f.Left > 0 {
			t.Errorf("%s\n%v", counts(f), st.Events)
		}
		for uid, raw := range held {
			got := st.Refs("INBOX")[uid]
			if want := archive.Ref(sha256.Sum256(raw)); len(got) != 1 || got[0] != want {
				t.Errorf("UID %d: kept %v, the server gives %v: %.80q", uid, got, want, raw)
			}
		}
		if f := folder(t, run(t, s.Account(user), st, imapsync.Options{}), "INBOX"); f.New+f.Flags+f.Reused+f.Gone > 0 {
			t.Errorf("second pass: %s", counts(f))
		}
	})
}
