package bundle

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever a message is made of, its bundle is written, verifies, and is the same
// again; redacted, it has nothing left of the words.
func FuzzWrite(f *testing.F) {
	f.Add(booking, "Tuesday")
	f.Add(attach("a/../b.exe", "application/octet-stream", "AAAA"), "b.exe")
	f.Add(strings.Replace(attach("x.eml", "message/rfc822", ""), "Content-Transfer-Encoding: base64\n", "", 1)+"Subject: inner\n\ninner words\n", "inner")
	f.Add("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png; name=\"=?utf-8?Q?=00=2F?=\"\n\n--b--\n--a\n--a\nContent-Type: message/rfc822\n\nContent-Type: text/html; name=x.html\n\n<p hidden>words</p>\n--a--", "words")
	f.Add("\x00", "abc")
	f.Fuzz(func(t *testing.T, raw, words string) {
		if len(raw) > 20_000 {
			return
		}
		in := mailOf(t, note{raw: raw})
		for _, r := range []string{"", words} {
			if r != "" {
				if _, err := redactions([]Redaction{{Words: r, Reason: "x"}}); err != nil {
					return
				}
				in.Redactions = []Redaction{{Words: r, Reason: "x"}}
			}
			in.Decisions = []Decision{{ID: in.Exhibits[0].Ref.Hex(), Reason: "released"}}
			var a, b bytes.Buffer
			if _, err := Write(&a, in); err != nil {
				if r == "" || !strings.Contains(err.Error(), ErrRedaction.Error()) {
					t.Fatal(err)
				}
				return // it stands in what cannot be made anew
			}
			if _, err := Write(&b, in); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatalf("two bundles differ: %v", err)
			}
			if r := verified(t, a.Bytes()); !r.OK {
				t.Fatalf("%s", strings.Join(r.Lines(), "\n"))
			}
		}
	})
}
