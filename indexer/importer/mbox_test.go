package importer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const fromA = "From nora@deskandco.example Thu Mar  2 09:12:07 2023\n"
const fromB = "From martin@hale.example Thu Mar  2 18:47:09 2023\n"

// split reads a whole mbox and returns its messages and where they lay.
func split(t testing.TB, data []byte, at io.ReaderAt) (msgs []string, ext []extent, m *mboxReader, err error) {
	t.Helper()
	m = newMbox(bytes.NewReader(data), at)
	defer m.close()
	for {
		err := m.next()
		if err == io.EOF {
			return msgs, ext, m, nil
		}
		if err != nil {
			return msgs, ext, m, err
		}
		b, err := io.ReadAll(m)
		if err != nil {
			return msgs, ext, m, err
		}
		msgs = append(msgs, string(b))
		ext = append(ext, m.extent)
	}
}

func TestMboxSplit(t *testing.T) {
	long := strings.Repeat("x", 3*bufLen)
	tests := []struct {
		name, in string
		want     []string
		torn     string
	}{
		{"two", fromA + "Subject: a\n\nbody\n\n" + fromB + "Subject: b\n\nmore\n\n", []string{"Subject: a\n\nbody\n", "Subject: b\n\nmore\n"}, ""},
		{"no empty line at the end", fromA + "Subject: a\n\nbody\n", []string{"Subject: a\n\nbody\n"}, ""},
		{"message that ends in empty lines", fromA + "Subject: a\n\nbody\n\n\n\n" + fromB + "S: b\n\nx\n\n\n", []string{"Subject: a\n\nbody\n\n\n", "S: b\n\nx\n\n"}, ""},
		{"CRLF", strings.ReplaceAll(fromA+"Subject: a\n\nbody\n\n"+fromB+"Subject: b\n\n>From me\n\n", "\n", "\r\n"), []string{"Subject: a\r\n\r\nbody\r\n", "Subject: b\r\n\r\nFrom me\r\n"}, ""},
		{"mboxrd quoting, one level", fromA + "Subject: a\n\n>From x\n>>From y\n> From z\n>Fromage\nx >From\n\n", []string{"Subject: a\n\nFrom x\n>From y\n> From z\n>Fromage\nx >From\n"}, ""},
		{"quoted line right after the header", fromA + "Subject: a\n\n>From x\n\n", []string{"Subject: a\n\nFrom x\n"}, ""},
		{"text that begins with From", fromA + "Subject: a\n\nHi,\n\nFrom Monday on we are closed.\n\nFrom here: on\n\n" + fromB + "S: b\n\n\n",
			[]string{"Subject: a\n\nHi,\n\nFrom Monday on we are closed.\n\nFrom here: on\n", "S: b\n\n"}, ""},
		{"a From_ line needs an empty line before it", fromA + "Subject: a\n\nHi\n" + fromB + "x\n\n", []string{"Subject: a\n\nHi\n" + fromB + "x\n"}, ""},
		{"no date in the From_ line", "From -\nSubject: a\n\nx\n\nFrom \nSubject: b\n\ny\n\n", []string{"Subject: a\n\nx\n", "Subject: b\n\ny\n"}, ""},
		{"a patch in the text", fromA + "Subject: a\n\nsee\n\nFrom 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: N\nSubject: p\n\n",
			[]string{"Subject: a\n\nsee\n\nFrom 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: N\nSubject: p\n"}, ""},
		{"a file of patches", "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: N\n\nx\n\nFrom 0123456789abcdef0123456789abcdef01234568 Mon Sep 17 00:00:00 2001\nFrom: M\n\ny\n\n",
			[]string{"From: N\n\nx\n", "From: M\n\ny\n"}, ""},
		{"Content-Length that fits: nothing is unquoted", fromA + "Content-Length: 40\n\nline\n\n" + "From x@y.example Thu Mar  2 09:12\n" + "\n" + fromB + "S: b\n\n>From q\n\n",
			[]string{"Content-Length: 40\n\nline\n\nFrom x@y.example Thu Mar  2 09:12\n", "S: b\n\nFrom q\n"}, ""},
		{"Content-Length that fits the end", fromA + "Content-Length: 7\n\n>From \n", []string{"Content-Length: 7\n\n>From \n"}, ""},
		{"Content-Length 0", fromA + "Content-Length: 0\n\n\n" + fromB + "S: b\n\nx\n\n", []string{"Content-Length: 0\n\n", "S: b\n\nx\n"}, ""},
		{"Content-Length without a last line end", fromA + "Content-Length: 2\n\nab\n\n" + fromB + "S: b\n\nx\n\n", []string{"Content-Length: 2\n\nab", "S: b\n\nx\n"}, ""},
		{"false Content-Length", fromA + "Content-Length: 3\n\nbody\n>From x\n\n" + fromB + "Content-Length: 99999999999999999999\n\nx\n\n",
			[]string{"Content-Length: 3\n\nbody\nFrom x\n", "Content-Length: 99999999999999999999\n\nx\n"}, ""},
		{"empty message", fromA + fromB + "S: b\n\nx\n\n", []string{"", "S: b\n\nx\n"}, ""},
		{"empty lines first", "\n\r\n" + fromA + "S: a\n\nx\n\n\n\n", []string{"S: a\n\nx\n\n\n"}, ""},
		{"lines longer than the buffer", fromA + "S: a\n\n>From " + long + "\n" + long + "\n\n" + fromB + "S: b\n\n" + long, []string{"S: a\n\nFrom " + long + "\n" + long + "\n", "S: b\n\n" + long}, "middle of a line"},
		{"torn in a line", fromA + "S: a\n\nbo", []string{"S: a\n\nbo"}, "middle of a line"},
		{"torn in a multipart", fromA + "Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\n\nx\n", []string{"Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\n\nx\n"}, "last part"},
		{"whole multipart", fromA + "Content-Type: multipart/mixed;\n boundary=b\n\n--b\n\nx\n--b--\n\n", []string{"Content-Type: multipart/mixed;\n boundary=b\n\n--b\n\nx\n--b--\n"}, ""},
		{"torn before the stated length", fromA + "Content-Length: 2\n\nx\n\n" + fromB + "Content-Length: 20\n\ny\n", []string{"Content-Length: 2\n\nx\n", "Content-Length: 20\n\ny\n"}, "length"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.in)
			got, _, m, err := split(t, data, bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
			if torn := m.torn(); (tt.torn == "") != (torn == "") || !strings.Contains(torn, tt.torn) {
				t.Errorf("torn %q, want %q", torn, tt.torn)
			}
			// A packed file gives the same without reading ahead elsewhere, and a
			// slow one the same as a fast one.
			again, _, _, err := split(t, data, nil)
			if err != nil || !cmp.Equal(got, again) {
				t.Errorf("without random access: %v, %s", err, cmp.Diff(got, again))
			}
			m = newMbox(iotest.OneByteReader(bytes.NewReader(data)), nil)
			for i := 0; m.next() == nil; i++ {
				b, err := io.ReadAll(iotest.OneByteReader(m))
				if err != nil || i >= len(got) || string(b) != got[i] {
					t.Fatalf("octet by octet, message %d: %v, %.80q", i, err, b)
				}
			}
		})
	}
}

// A length that leads past the buffer is checked by reading the file elsewhere,
// or from a copy: both must agree, and octets after the copy must not be lost.
func TestMboxLongLength(t *testing.T) {
	body := strings.Repeat(">From the start, a line\n", 20_000)
	var in bytes.Buffer
	var want []string
	for range 3 {
		msg := "Content-Length: " + itoa(len(body)) + "\n\n" + body
		in.WriteString(fromA + msg + "\n")
		want = append(want, msg)
	}
	in.WriteString(fromB + "Content-Length: " + itoa(len(body)) + "\n\nshort\n\n")
	want = append(want, "Content-Length: "+itoa(len(body))+"\n\nshort\n")
	for name, at := range map[string]io.ReaderAt{"file": bytes.NewReader(in.Bytes()), "packed": nil} {
		got, _, m, err := split(t, in.Bytes(), at)
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s: %v, %d messages of %d, or not as they were", name, err, len(got), len(want))
		}
		if m.believe != 3 {
			t.Errorf("%s: believed %d lengths, want 3", name, m.believe)
		}
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "inwriting-import-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func itoa(n int) string { return string(appendInt(nil, n)) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

func TestMboxReadError(t *testing.T) {
	bad := errors.New("bad sector")
	r := io.MultiReader(strings.NewReader(fromA+"S: a\n\nx\n\n"+fromB+"S: b\n\nhalf"), iotest.ErrReader(bad))
	m := newMbox(r, nil)
	var got []string
	var err error
	for err == nil {
		if err = m.next(); err == nil {
			var b []byte
			b, err = io.ReadAll(m)
			if err == nil {
				got = append(got, string(b))
			}
		}
	}
	if !errors.Is(err, bad) || len(got) != 1 {
		t.Errorf("got %q and %v; want the first message and the error", got, err)
	}
	if err := m.next(); !errors.Is(err, bad) {
		t.Errorf("next after the error: %v", err)
	}
}

func TestParseFrom(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string // date, "-" for a From_ line without one, "" for none
	}{
		{"From nora@x.example Thu Mar  2 09:12:07 2023", "2023-03-02 09:12:07"},
		{"From nora@x.example Thu Mar 02 09:12:07 2023\r", "2023-03-02 09:12:07"},
		{"From 1757@xxx Mon Nov 11 08:23:01 +0000 2019", "2019-11-11 08:23:01"},
		{"From x Mon Nov 11 08:23:01 -0500 2019", "2019-11-11 13:23:01"},
		{"From \"a b\"@x Mon Nov 11 08:23:01 2019", "2019-11-11 08:23:01"},
		{"From x  Mon Nov 11 08:23:01 GMT 2019", "2019-11-11 08:23:01"},
		{"From x Mon Nov 11 08:23:01 2019 remote from y", "2019-11-11 08:23:01"},
		{"From mboxrd@z Thu Jan  1 00:00:00 1970", "1970-01-01 00:00:00"},
		{"From - Tue Apr  4 10:00:00 2023", "2023-04-04 10:00:00"},
		{"From -", "-"}, {"From ", "-"}, {"From nobody", "-"},
		{"From Monday on we meet", ""}, {"From: x", ""}, {"from x Mon Nov 11 08:23:01 2019", ""}, {"From the Mon is far", ""},
	} {
		f, ok := parseFrom([]byte(tt.in))
		got := ""
		if ok {
			got = "-"
		}
		if f.dated {
			got = f.date.Format("2006-01-02 15:04:05")
		}
		if got != tt.want {
			t.Errorf("parseFrom(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestMboxFields(t *testing.T) {
	for _, tt := range []struct {
		header, folder string // folder: with the others behind it
		flags          []string
	}{
		{"X-GM-THRID: 1\nX-Gmail-Labels: Vienna,Inbox,Clients/Hale,Sent,Important\n", "Sent Inbox Vienna Clients/Hale", []string{`\Seen`}},
		{"Subject: x\nStatus: RO\nX-Status: AF\n", "f", []string{`\Seen`, `\Answered`, `\Flagged`}},
		{"X-Mozilla-Status: 0009\n", "f", []string{`\Seen`, `\Deleted`}},
		{"X-GM-THRID: 1\nX-Gmail-Labels: Inbox,Opened,Starred\n", "Inbox", []string{`\Flagged`, `\Seen`}},
		{"X-GM-THRID: 1\nX-Gmail-Labels: Unread,Category promotions,Clients/Hale,\n Archived\n", "Clients/Hale", nil},
		{"X-GM-THRID: 1\nX-Gmail-Labels: =?UTF-8?Q?Posteingang,K=C3=BCche?=\n", "Posteingang Küche", []string{`\Seen`}},
		{"X-GM-THRID: 1\nX-Gmail-Labels: Inbox,Sent\n", "Sent Inbox", []string{`\Seen`}},
		{"Subject: x\nX-GM-THRID: 1\nX-Gmail-Labels: Spam\n", "f", nil},
	} {
		it := Item{Folder: "f"}
		mboxFields([]byte(tt.header), &it)
		it.Folder = strings.Join(append([]string{it.Folder}, it.Also...), " ")
		if it.Folder != tt.folder || !cmp.Equal(it.Flags, tt.flags) {
			t.Errorf("%q: folder %q flags %q, want %q %q", tt.header, it.Folder, it.Flags, tt.folder, tt.flags)
		}
	}
}

var quotedLine = regexp.MustCompile(`(?m)^>(>*From )`)

// FuzzMbox holds the splitter to its account: every octet belongs to the lines
// before the first message, to a From_ line, to a message or to the line
// between, in order and without overlap; and a message is its stretch with one
// level of quotation taken off, or as it stands where its length was stated.
func FuzzMbox(f *testing.F) {
	f.Add([]byte(fromA + "Subject: a\n\nbody\n\n" + fromB + "S: b\n\n>From x\n\n"))
	f.Add([]byte("\n\n" + fromA + "Content-Length: 5\n\nabcd\n\n" + fromB))
	f.Add([]byte(strings.ReplaceAll(fromA+fromB+"\n\n>>From \n\nFrom -\nA: b\n", "\n", "\r\n")))
	f.Add([]byte(fromA + "Content-Type: multipart/x; boundary=b\nContent-Length: 3\n\n--b--\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		msgs, ext, m, err := split(t, data, bytes.NewReader(data))
		if err != nil {
			if bytes.HasPrefix(bytes.TrimLeft(data, "\r\n"), []byte("From ")) && !strings.Contains(err.Error(), "want a line") {
				t.Fatalf("failed on an mbox: %v", err)
			}
			return
		}
		if m.off != int64(len(data)) {
			t.Fatalf("consumed %d of %d octets", m.off, len(data))
		}
		blank := func(from, to int64, most int) {
			t.Helper()
			between := string(data[from:to])
			if strings.Trim(between, "\r\n") != "" || most > 0 && strings.Count(between, "\n") > most {
				t.Fatalf("[%d,%d) %q is nobody's", from, to, between)
			}
		}
		pos := int64(0)
		for i, e := range ext {
			blank(pos, e.start, 0)
			if e.start > e.body || e.body > e.end || e.end > int64(len(data)) || e.start < pos {
				t.Fatalf("message %d: extent %+v after %d", i, e, pos)
			}
			if line := data[e.start:e.body]; !bytes.HasPrefix(line, []byte("From ")) || bytes.IndexByte(line, '\n') >= 0 && bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Fatalf("message %d: From_ line %q", i, line)
			}
			written := string(data[e.body:e.end])
			if msgs[i] != written && msgs[i] != quotedLine.ReplaceAllString(written, "$1") {
				t.Fatalf("message %d: %q was made of %q", i, msgs[i], written)
			}
			pos = e.end
		}
		blank(pos, int64(len(data)), 0)

		packed, _, _, err := split(t, data, nil)
		if err != nil || !cmp.Equal(packed, msgs) {
			t.Fatalf("without random access: %v\n%s", err, cmp.Diff(msgs, packed))
		}
	})
}
