package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func codes(m *Message) string {
	var cs []string
	for _, d := range m.Defects {
		cs = append(cs, d.Code)
	}
	return strings.Join(cs, " ")
}

// raw gives lines CRLF ends.
func raw(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

const head = "From: Ann Example <ann@desk.example>\r\nDate: Tue, 14 Mar 2023 09:00:00 +0000\r\nMessage-ID: <1@desk.example>\r\n"

func TestEnvelope(t *testing.T) {
	m := Parse([]byte(raw(
		"Return-Path: <ann@desk.example>",
		"Received: from mx.desk.example by in.hale.example; Tue, 14 Mar 2023 09:00:07 +0000",
		"Received: from client by mx.desk.example; Tue, 14 Mar 2023 09:00:03 +0000",
		"From: =?utf-8?Q?Ann_=C3=89xample?= <Ann@Desk.example>",
		"To: \"Hale, Martin\" <martin@hale.example>,",
		"\tkim@other.example (Kim)",
		"Subject: =?iso-8859-1?Q?Caf=E9?= =?iso-8859-1?Q?_bill?=",
		"Date: Tue, 14 Mar 2023 10:00:00 +0100",
		"Message-ID: <a.1@desk.example>",
		"In-Reply-To: <b@hale.example>",
		"References: <a@hale.example>",
		" <b@hale.example>",
		"Thread-Index: AdlWxyz0",
		"User-Agent: Example Mail 3",
		"",
		"Hello.",
	)))
	want := &Message{
		From:    []Address{{"Ann Éxample", "ann@desk.example"}},
		To:      []Address{{"Hale, Martin", "martin@hale.example"}, {"Kim", "kim@other.example"}},
		Subject: "Café bill", MessageID: "a.1@desk.example", InReplyTo: []string{"b@hale.example"}, References: []string{"a@hale.example", "b@hale.example"},
		Date: time.Date(2023, 3, 14, 10, 0, 0, 0, time.FixedZone("", 3600)), DateRaw: "Tue, 14 Mar 2023 10:00:00 +0100",
		Received: time.Date(2023, 3, 14, 9, 0, 7, 0, time.UTC), ThreadIndex: "01d956c72cf4", Mailer: "Example Mail 3",
		Text: "Hello.\n", Zones: []Zone{{New, 0, 7}}, Size: m.Size,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, off := m.Date.Zone(); off != 3600 {
		t.Errorf("the date is %d s east, want 3600", off)
	}
}

func TestHeaderDefects(t *testing.T) {
	for _, tt := range []struct {
		name, in, subject, text, codes string
	}{
		{"mbox line", "From ann Tue Mar 14 09:00:00 2023\n" + head + "Subject: s\n\nt\n", "s", "t\n", "mbox-from-line"},
		{"quoted mbox line", ">From ann Tue Mar 14 09:00:00 2023\n" + head + "Subject: s\n\nt\n", "s", "t\n", "mbox-from-line"},
		{"malformed line", head + "this is no field\nSubject: s\n\nt\n", "s", "t\n", "header-line-malformed"},
		{"lost empty line", head + "Subject: s\nDear all,\n\nt\n", "s", "Dear all,\n\nt\n", "header-unclosed"},
		{"lost empty line, long", head + "Subject: s\nOne.\nTwo.\nThree.\nNote: four\n", "s", "One.\nTwo.\nThree.\nNote: four\n", "header-unclosed"},
		{"white space for empty line", head + "Subject: s\n \nDear all,\nNote: t\n", "s", "Dear all,\nNote: t\n", "header-unclosed"},
		{"CR alone", strings.ReplaceAll(head+"Subject: s\r\n\r\nt\r\nu\r\n", "\r\n", "\r"), "s", "t\nu\n", "line-end-cr"},
		{"CR within the section", head + "Subject: s\rTo: x@y.example\n\nt\n", "s", "t\n", "line-end-mixed"},
		{"mixed ends in the body", head + "Subject: s\n\na\r\nb\rc\nd\r\r\n", "s", "a\nb\nc\nd\n", ""},
		{"repeated field", head + "Subject: s\nSubject: other\n\nt\n", "s", "t\n", "field-repeated"},
		{"raw 8-bit subject", head + "Subject: Caf\xe9\n\nt\n", "Café", "t\n", "header-8bit"},
		{"raw UTF-8 subject", head + "Subject: Café\n\nt\n", "Café", "t\n", "header-8bit"},
		{"word in the middle of a character", head + "Subject: =?utf-8?B?w4M=?= =?utf-8?Q?=C3?= =?utf-8?Q?=A9?=\n\nt\n", "Ãé", "t\n", ""},
		{"broken word", head + "Subject: =?utf-8?Q?a=?\n\nt\n", "=?utf-8?Q?a=?", "t\n", ""},
		{"word with spaces", head + "Subject: =?utf-8?Q?a b_c?= d\n\nt\n", "a b c d", "t\n", ""},
		{"unknown charset", head + "Subject: =?x-none?Q?a?=\n\nt\n", "a", "t\n", "charset-unknown"},
		{"no body", head + "Subject: s\n", "s", "", "body-missing"},
		{"nothing", "", "", "", "empty header-missing message-id-missing date-missing from-missing"},
		{"prose alone", "Hello there,\nhow are you?\n\nAnn\n", "", "Hello there,\nhow are you?\n\nAnn\n", "header-unclosed header-missing message-id-missing date-missing from-missing"},
		{"lost indent", head + "Subject: s\nTo: a@b.example,\nc@d.example\n\nt\n", "s", "t\n", "header-line-malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Parse([]byte(tt.in))
			if m.Subject != tt.subject || m.Text != tt.text || codes(m) != tt.codes {
				t.Errorf("subject %q, text %q, defects %q\nwant    %q,      %q,         %q", m.Subject, m.Text, codes(m), tt.subject, tt.text, tt.codes)
			}
		})
	}
}

func TestParts(t *testing.T) {
	alternative := []string{
		"Content-Type: multipart/alternative; boundary=A", "",
		"--A", "Content-Type: text/plain; charset=utf-8", "", "Plain words.", "",
		"--A", "Content-Type: text/html; charset=utf-8", "", "<p>Marked <b>words</b>.</p>", "",
		"--A--",
	}
	for _, tt := range []struct {
		name, in, text string
		parts          []Part
		codes          string
	}{
		{"alternative", raw(alternative...), "Plain words.\n", nil, ""},
		{"placeholder for HTML", raw(
			"Content-Type: multipart/alternative; boundary=A", "",
			"--A", "Content-Type: text/plain", "", "Your client does not support HTML.", "",
			"--A", "Content-Type: text/html", "", "<p>Marked words.</p>", "--A--"), "Marked words.\n", nil, ""},
		{"attachment", raw(
			"Content-Type: multipart/mixed; boundary=\"M x\"", "", "preamble",
			"--M x", "", "Text.",
			"--M x", "Content-Type: application/pdf; name*0*=utf-8''r%C3%A9; name*1=sume.pdf", "Content-Disposition: attachment", "Content-Transfer-Encoding: base64", "", "aGVsbG8=",
			"--M x--"), "Text.", []Part{{Number: "2", ContentType: "application/pdf", Name: "résume.pdf", Size: 5, SHA256: sum("hello")}}, ""},
		{"the line end before a delimiter is not content", raw(
			"Content-Type: multipart/mixed; boundary=M", "",
			"--M", "", "Text.",
			"--M", "Content-Type: application/octet-stream", "", "a", "b", "", "--M--"), "Text.", []Part{{Number: "2", ContentType: "application/octet-stream", Size: 6, SHA256: sum("a\r\nb\r\n")}}, ""},
		{"named text is an attachment", raw(
			"Content-Type: multipart/mixed; boundary=M", "",
			"--M", "", "Text.",
			"--M", "Content-Type: text/csv; name=a.csv", "", "1,2",
			"--M", "Content-Type: text/plain; name=\"=?utf-8?Q?n=C3=B6te.txt?=\"", "", "note",
			"--M--"), "Text.", []Part{{Number: "2", ContentType: "text/csv", Name: "a.csv", Size: 3, SHA256: sum("1,2")}, {Number: "3", ContentType: "text/plain", Name: "nöte.txt", Size: 4, SHA256: sum("note")}}, ""},
		{"named text alone is the text", "Content-Type: text/plain; name=body.txt\n\nText.\n", "Text.\n", nil, ""},
		{"inline image of HTML", raw(
			"Content-Type: multipart/related; boundary=R", "",
			"--R", "Content-Type: text/html", "", "<p>See <img src=\"cid:x@y\"></p>",
			"--R", "Content-Type: image/png", "Content-ID: <x@y>", "", "png", "--R--"), "See\n", []Part{{Number: "2", ContentType: "image/png", ContentID: "x@y", Inline: true, Size: 3, SHA256: sum("png")}}, ""},
		{"message within", raw(
			"Content-Type: multipart/mixed; boundary=M", "",
			"--M", "", "See below.",
			"--M", "Content-Type: message/rfc822", "", "Subject: inner", "Content-Type: multipart/mixed; boundary=I", "", "--I", "", "Not hers.", "--I", "Content-Type: image/gif", "", "gif", "--I--", "",
			"--M--"), "See below.", []Part{
			{Number: "2", ContentType: "message/rfc822", Size: 123, SHA256: sum("Subject: inner\r\nContent-Type: multipart/mixed; boundary=I\r\n\r\n--I\r\n\r\nNot hers.\r\n--I\r\nContent-Type: image/gif\r\n\r\ngif\r\n--I--\r\n")},
			{Number: "2.2", ContentType: "image/gif", Size: 3, SHA256: sum("gif")}}, ""},
		{"calendar", raw(
			"Content-Type: multipart/alternative; boundary=A", "",
			"--A", "", "You are invited.",
			"--A", "Content-Type: text/calendar; method=REQUEST", "", "BEGIN:VCALENDAR", "--A--"), "You are invited.", []Part{{Number: "2", ContentType: "text/calendar", Size: 15, SHA256: sum("BEGIN:VCALENDAR")}}, ""},
		{"unclosed", raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "", "Text."), "Text.\n", nil, "boundary-unclosed"},
		{"doubled delimiter", raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "--M", "", "Text.", "--M--"), "Text.", nil, "boundary-doubled"},
		{"no boundary parameter", raw("Content-Type: multipart/mixed", "", "--=_abcdef", "", "Text.", "--=_abcdef--"), "Text.", nil, "boundary-missing"},
		{"boundary never comes", raw("Content-Type: multipart/mixed; boundary=M", "", "Text."), "Text.\n", nil, "boundary-unclosed multipart-empty"},
		{"outer delimiter closes inner", raw(
			"Content-Type: multipart/mixed; boundary=M", "", "--M", "Content-Type: multipart/alternative; boundary=MA", "", "--MA", "", "Text.",
			"--M", "Content-Type: application/x-a", "", "a", "--M--"), "Text.", []Part{{Number: "2", ContentType: "application/x-a", Size: 1, SHA256: sum("a")}}, "boundary-unclosed"},
		{"part after the last", raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "", "Text.", "--M--", "--M", "", "More.", "--M--"), "Text.\nMore.", nil, "part-after-close"},
		{"epilogue", raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "", "Text.", "--M--", "after"), "Text.", nil, "epilogue"},
		{"encrypted", raw(
			"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=E", "",
			"--E", "Content-Type: application/pgp-encrypted", "", "Version: 1", "--E--"), "", []Part{{Number: "1", ContentType: "application/pgp-encrypted", Size: 10, SHA256: sum("Version: 1")}}, "encrypted"},
		{"S/MIME", raw("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "Content-Transfer-Encoding: base64", "", "AAAA"),
			"", []Part{{Number: "1", ContentType: "application/pkcs7-mime", Name: "smime.p7m", Size: 3, SHA256: sum("\x00\x00\x00")}}, "smime"},
		{"inline OpenPGP", "\n-----BEGIN PGP MESSAGE-----\n", "-----BEGIN PGP MESSAGE-----\n", nil, "encrypted header-missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in
			if in[0] != '\n' {
				in = head + in
			}
			m := Parse([]byte(in))
			wellFormed(t, tt.name, m, len(in))
			if m.Text != tt.text {
				t.Errorf("text %q, want %q", m.Text, tt.text)
			}
			if diff := cmp.Diff(tt.parts, m.Parts); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			for _, c := range strings.Fields(tt.codes) {
				if !strings.Contains(codes(m), c) {
					t.Errorf("defects %q, want %s among them", codes(m), c)
				}
			}
			if tt.codes == "" && len(m.Defects) > 0 {
				t.Errorf("defects %v, want none", m.Defects)
			}
		})
	}
}

func TestDecoding(t *testing.T) {
	for _, tt := range []struct {
		name, ctype, cte, body, text, codes string
	}{
		{"quoted-printable", "text/plain; charset=utf-8", "quoted-printable", "caf=C3=A9 =\r\nbill=20\r\ntrailing  \r\nend", "café bill \ntrailing\nend", ""},
		{"broken quoted-printable", "text/plain", "quoted-printable", "a = b =ZZ =3D=\nend=", "a = b =ZZ =end", "encoding-broken"},
		{"base64", "text/plain; charset=utf-8", "base64", "Y2Fm\r\nw6k=\r\n", "café", ""},
		{"base64 in chunks", "text/plain", "base64", "YQ==\nYmM=\nZGVm\n", "abcdef", ""},
		{"unknown encoding", "text/plain", "x-mine", "as is\n", "as is\n", "encoding-unknown"},
		{"uuencode", "text/plain", "x-uuencode", "begin 644 a\n#86)C\n`\nend\n", "abc", ""},
		{"UTF-8 that is Windows", "text/plain; charset=utf-8", "8bit", "\x93quoted\x94 caf\xe9\n", "“quoted” café\n", "charset-false-label"},
		{"cut UTF-8", "text/plain; charset=utf-8", "8bit", "café über naïve \xc3", "café über naïve \uFFFD", "charset-broken"},
		{"Latin 1 that is UTF-8", "text/plain; charset=iso-8859-1", "8bit", "café\n", "café\n", "charset-false-label"},
		{"Latin 1 with Windows octets", "text/plain; charset=iso-8859-1", "8bit", "\x80 5\n", "€ 5\n", ""},
		{"no label, UTF-8", "text/plain", "8bit", "café\n", "café\n", "charset-8bit-unlabelled"},
		{"ASCII, Windows octets", "text/plain; charset=us-ascii", "8bit", "caf\xe9\n", "café\n", "charset-8bit-unlabelled"},
		{"unknown label", "text/plain; charset=x-mine", "8bit", "caf\xe9\n", "café\n", "charset-unknown"},
		{"KOI8", "text/plain; charset=koi8-r", "8bit", "\xf0\xd2\xc9\n", "При\n", ""},
		{"ISO-2022-JP", "text/plain; charset=iso-2022-jp", "7bit", "\x1b$B$\"\x1b(B\n", "あ\n", ""},
		{"UTF-7", "text/plain; charset=utf-7", "7bit", "caf+AOk- +- +2D3eAA-\n", "café + 😀\n", ""},
		{"UTF-16", "text/plain; charset=utf-16", "base64", "/v8AYQBi", "ab", ""},
		{"byte order mark", "text/plain; charset=utf-8", "8bit", "\uFEFFa\uFEFFb\n", "a\uFEFFb\n", ""},
		{"NUL", "text/plain", "7bit", "a\x00b\n", "ab\n", "nul-octets"},
		{"not normalised", "text/plain; charset=utf-8", "8bit", "e\u0301\n", "e\u0301\n", ""},
		{"HTML charset of its own", "text/html", "8bit", "<meta charset=koi8-r>\xf0\xd2\xc9", "При\n", ""},
		{"HTML as plain", "text/plain", "7bit", "<html><p>a<p>b</html>", "a\n\nb\n", "html-in-plain"},
		{"enriched", "text/enriched", "7bit", "<bold>a</bold> <<b <param>x</param>c", "a <b c", ""},
		{"flowed", "text/plain; format=flowed", "7bit", "One \ntwo\n> quoted \n> on\n>> deep\n stuffed\n-- \nAnn\n", "One two\n> quoted on\n>> deep\nstuffed\n-- \nAnn\n", ""},
		{"flowed, spaces deleted", "text/plain; format=flowed; delsp=yes", "7bit", "One \ntwo\n", "Onetwo\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := head + "Content-Type: " + tt.ctype + "\r\nContent-Transfer-Encoding: " + tt.cte + "\r\n\r\n" + tt.body
			m := Parse([]byte(in))
			wellFormed(t, tt.name, m, len(in))
			if m.Text != tt.text || codes(m) != tt.codes {
				t.Errorf("text %q, defects %q, want %q, %q", m.Text, codes(m), tt.text, tt.codes)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"Tue, 14 Mar 2023 09:00:01 +0530":          "2023-03-14T09:00:01+05:30",
		"14 Mar 2023 09:00 -0800 (PST)":            "2023-03-14T09:00:00-08:00",
		"Tue, 14 Mar 23 09:00:00 GMT":              "2023-03-14T09:00:00Z",
		"Tue, 4 Apr 95 09:00:00 EDT":               "1995-04-04T09:00:00-04:00",
		"14 Mar 103 09:00:00 +0000":                "2003-03-14T09:00:00Z",
		"Tue Mar 14 09:00:00 2023":                 "2023-03-14T09:00:00Z",
		"Tue Mar 14 09:00:00 CET 2023":             "2023-03-14T09:00:00+01:00",
		"March 14, 2023 9:00:00 PM":                "2023-03-14T21:00:00Z",
		"Tue, 14 Mar 2023 09.00.05 +0100":          "2023-03-14T09:00:05+01:00",
		"Tue, 14 Mar 2023 09:00:00 GMT+0100":       "2023-03-14T09:00:00+01:00",
		"Tue, 14 Mar 2023 09:00:00 UTC+02:00":      "2023-03-14T09:00:00+02:00",
		"Tue, 14 Mar 2023 09:00:00 +0000 (GMT)":    "2023-03-14T09:00:00Z",
		"Tue, 14 Mar 2023 09:00:00 -0000":          "2023-03-14T09:00:00Z",
		"2023-03-14T09:00:00Z":                     "2023-03-14T09:00:00Z",
		"2023-03-14 09:00:00.123 +0100":            "2023-03-14T09:00:00+01:00",
		"Di, 14 Mär 2023 09:00:00 +0100":           "2023-03-14T09:00:00+01:00",
		"mar, 14 déc 2023 09:00:00 +0100":          "2023-12-14T09:00:00+01:00",
		"(comment 3) Tue, 14 Mar 2023 09:00 +0000": "2023-03-14T09:00:00Z",
		"14-Mar-2023 09:00:00 +0000":               "2023-03-14T09:00:00Z",
		"3/14/2023 9:00:00 AM":                     "2023-03-14T09:00:00Z",
		"14.03.2023 09:00":                         "2023-03-14T09:00:00Z",
		"3/4/2023 09:00":                           "", // March or April
		"Tue, 31 Feb 2023 09:00:00 +0000":          "",
		"yesterday":                                "",
		"":                                         "",
		"Tue, 14 Mar 2023":                         "2023-03-14T00:00:00Z",
		"Tue, 14 Mar 2023 25:00:00 +0000":          "2023-03-14T00:00:00Z",
	} {
		got := ""
		if d, ok := parseDate(in); ok {
			got = d.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("parseDate(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string][]Address{
		"":                                      nil,
		"a@b.example":                           {{"", "a@b.example"}},
		"A B <A@B.example>":                     {{"A B", "a@b.example"}},
		`"Hale, M." <m@h.example>, k@o.example`: {{"Hale, M.", "m@h.example"}, {"", "k@o.example"}},
		"Hale, M. <m@h.example>":                {{"Hale, M.", "m@h.example"}},
		`"Quo\"te" <q@h.example>`:               {{`Quo"te`, "q@h.example"}},
		"m@h.example (Martin (of) Hale)":        {{"Martin (of) Hale", "m@h.example"}},
		"undisclosed-recipients:;":              nil,
		"Team: a@b.example, c@d.example; e@f.example": {{"", "a@b.example"}, {"", "c@d.example"}, {"", "e@f.example"}},
		"a@b.example; c@d.example":                    {{"", "a@b.example"}, {"", "c@d.example"}},
		"<@route.example:a@b.example>":                {{"", "a@b.example"}},
		"mailto:a@b.example":                          {{"", "a@b.example"}},
		"e-mail <.melissa@b.example>":                 {{"e-mail", ".melissa@b.example"}},
		"Lost <a@b.example":                           {{"Lost", "a@b.example"}},
		`Lost "quote <a@b.example>`:                   {{"Lost quote", "a@b.example"}},
		"'a@b.example' <a@b.example>":                 {{"", "a@b.example"}},
		"root":                                        {{"", "root"}},
		"Martin Hale":                                 {{"Martin Hale", ""}},
		"=?utf-8?Q?M=C3=A4x?= <m@h.example>":          {{"Mäx", "m@h.example"}},
		"M\xe4x <m@h.example>":                        {{"Mäx", "m@h.example"}},
		" , ;, ":                                      nil,
	} {
		p := &parser{m: &Message{}}
		if diff := cmp.Diff(want, p.addresses(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for in, want := range map[string][]string{
		"<a@b>":                        {"a@b"},
		"<a@b><c@d> (x)\t<e @f>":       {"a@b", "c@d", "e@f"},
		"a@b":                          {"a@b"},
		"Your message of Monday <a@b>": {"a@b"},
		"Message from ann":             nil,
		"<":                            nil,
	} {
		if diff := cmp.Diff(want, messageIDs(in, false)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func TestAuto(t *testing.T) {
	for in, want := range map[string]bool{
		"From: ann@desk.example":                          false,
		"From: ann@desk.example\nAuto-Submitted: no":      false,
		"From: a@b.example\nAuto-Submitted: auto-replied": true,
		"From: a@b.example\nPrecedence: bulk":             true,
		"From: a@b.example\nList-Id: <l.example>":         true,
		"From: a@b.example\nReturn-Path: <>":              true,
		"From: no-reply@b.example":                        true,
		"From: Do.Not.Reply@b.example":                    true,
		"From: noreply-7@b.example":                       true,
		"From: nora@b.example":                            false,
	} {
		if got := Parse([]byte(in + "\n\nx\n")).Auto; got != want {
			t.Errorf("%q: Auto = %v, want %v", in, got, want)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, n := range []int{0, 10, 5000} {
		r := io.MultiReader(strings.NewReader(strings.Repeat("Subject: s\n", 500)[:n]), iotest.ErrReader(broken))
		if m, err := Read(r); !errors.Is(err, broken) || m != nil {
			t.Errorf("after %d octets: %v, %v, want no message and the reader's error", n, m, err)
		}
	}
}

// filler is an endless base64 body.
type filler struct{ left int }

func (f *filler) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	const line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\n"
	n := 0
	for n+len(line) <= len(b) && f.left > 0 {
		n += copy(b[n:], line)
		f.left -= min(f.left, len(line))
	}
	return n, nil
}

func TestReadBig(t *testing.T) {
	size := 40 << 20
	if os.Getenv("INWRITING_BIG") != "" {
		size = 150 << 20
	}
	for name, typ := range map[string]string{"attachment": "application/zip", "text": "text/plain"} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m, err := Read(io.MultiReader(
			strings.NewReader(head+raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "", "See the file.", "--M", "Content-Type: "+typ, "Content-Transfer-Encoding: base64", "")),
			&filler{size},
			strings.NewReader("--M--\n")))
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(m.Text, "See the file.") {
			t.Errorf("%s: text %q", name, m.Text[:min(len(m.Text), 40)])
		}
		switch name {
		case "attachment":
			if len(m.Parts) != 1 || m.Parts[0].Size < int64(size)*7/10 {
				t.Errorf("parts %+v", m.Parts)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 2 {
				t.Errorf("%d MB allocated for an attachment of %d", used, size>>20)
			}
		case "text":
			if !m.Truncated || len(m.Text) > MaxText {
				t.Errorf("%d octets of text, truncated %v", len(m.Text), m.Truncated)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 60 {
				t.Errorf("%d MB allocated for a text of %d", used, size>>20)
			}
		}
	}
}

// TestHostile feeds what makes careless parsers slow. A quadratic step would take
// minutes and run into the test's time limit.
func TestHostile(t *testing.T) {
	rep := strings.Repeat
	nest := ""
	for i := range 300 {
		b := "b" + rep("x", i%50) + string(rune('a'+i%26))
		nest += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n"
	}
	for name, in := range map[string]string{
		"nested multiparts":      nest + "\ntext\n",
		"nested messages":        rep("Content-Type: message/rfc822\n\n", 10000),
		"many parts":             "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\n\nx\n", 25000),
		"many alternatives":      "Content-Type: multipart/alternative; boundary=b\n\n" + rep("--b\nContent-Type: text/html\n\nx\n", 10000),
		"many attachments":       "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\nContent-Type: a/b\n\nx\n", 25000),
		"many fields":            rep("X: y\n", 50000) + "\n",
		"long field":             "Subject: " + rep("a", 1<<20) + "\n\nx",
		"unclosed words":         "Subject: " + rep("=?a?q?", 20000) + "\n\nx",
		"unclosed brackets":      "To: " + rep("<,", 60000) + "\n\nx",
		"escaped quotes":         "To: " + rep(`\"`, 60000) + "\n\nx",
		"open comments":          "To: " + rep("(", 100000) + "\n\nx",
		"many addresses":         "To: " + rep("a@b,", 30000) + "\n\nx",
		"many parameters":        "Content-Type: text/plain" + rep("; a=b", 25000) + "\n\nx",
		"many references":        "References: " + rep("<a@b>", 25000) + "\n\nx",
		"signature delimiters":   "\n" + rep("--\n", 150000),
		"quotation marks":        "\n" + rep(">", 450000),
		"quoted lines":           "\n" + rep("> a\n", 100000),
		"attributions":           "\n" + rep("On 3 May 2023 at 10:00 Ann <a@b.example>\n", 10000),
		"labels":                 "\n" + rep("To: a\n", 75000),
		"header blocks":          "\n" + rep("Date: a\n\n", 50000),
		"legal paragraphs":       "\n" + rep("This message is confidential and intended for the addressee; delete it if you received it in error.\n\n"+rep("word word word\n", 15), 3000),
		"legal words":            "\n" + rep("virus ", 85000),
		"blank lines":            "\n" + rep("\n", 500000),
		"blank lines and labels": "\nTo: a\n" + rep("\n", 150000) + "Subject: b\n" + rep("\n", 150000) + "From: c\n",
		"closings":               "\n" + rep("Thanks,\n", 60000),
		"open tags":              "Content-Type: text/html\n\n" + rep("<div><b>", 150000) + "x",
		"open quotes":            "Content-Type: text/html\n\n" + rep("<blockquote>a<br>", 75000),
		"open tables":            "Content-Type: text/html\n\n" + rep("<table><tr><td>a", 75000),
		"open lists":             "Content-Type: text/html\n\n" + rep("<ul><li>a", 100000),
		"end tags":               "Content-Type: text/html\n\n" + rep("<div>", 1000) + rep("</p></b></td>", 100000),
		"attributes":             "Content-Type: text/html\n\n<div " + rep("class='a b' ", 100000) + ">x",
		"entities":               "Content-Type: text/html\n\n" + rep("&amp;&#65;&bogus;", 50000),
		"open parameters":        "Content-Type: text/enriched\n\n" + rep("<param>", 100000),
		"uuencode":               "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n" + rep("M", 250000),
		"soft line breaks":       "Content-Transfer-Encoding: quoted-printable\n\n" + rep("=\n", 200000) + rep("= ", 150000),
		"flowed":                 "Content-Type: text/plain; format=flowed\n\n" + rep("> a \n>> b \n", 45000),
	} {
		m := Parse([]byte(in))
		wellFormed(t, name, m, len(in))
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		head + "Subject: =?utf-8?Q?a=C3?= =?utf-8?Q?=A9?=\r\n\r\nHi,\r\n\r\nText.\r\n\r\nThanks,\r\nAnn\r\n-- \r\nAnn\r\n",
		head + raw("Content-Type: multipart/mixed; boundary=M", "", "--M", "", "On 3 May 2023, Ann <a@b.example> wrote:", "> x", "--M", "Content-Type: text/html; name*0*=utf-8''a%20b", "Content-Transfer-Encoding: base64", "", "PGI+eA==", "--M--"),
		head + raw("Content-Type: text/html", "", "<blockquote type=cite><p>a<br>b</p><ul><li>c</ul></blockquote><table><tr><td>d<td>e</table><div id=Signature>f</div>"),
		head + raw("Content-Type: message/rfc822", "", "Content-Type: multipart/alternative; boundary=A", "", "--A", "", "x", "--A--"),
		"From x\rSubject: a\r\rb\r", "a\nb\n\nc", "", "\n", "Content-Type: text/plain; format=flowed\n\n> a \n> b \n-- \n",
		"Subject: FW: x\n\n-----Original Message-----\nFrom: a\nSent: b\nTo: c\nSubject: d\n\nThis message is confidential, intended for the addressee; delete if received in error.\n",
		"Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-16\n\na=\n=20=ZZ\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		m := Parse(b)
		if !bytes.Equal(before, b) {
			t.Fatal("the octets were changed")
		}
		wellFormed(t, "input", m, len(b))
		one, err := Read(iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, one); diff != "" {
			t.Errorf("octet by octet it reads otherwise (-whole +octets):\n%s", diff)
		}
	})
}
