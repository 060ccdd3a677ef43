package imapsync

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"inwriting/indexer/archive"
)

type memStage struct{}

func (memStage) Read(r io.Reader) (*archive.Blob, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return new(archive.Stage).Bytes(b), nil
}

func octets(t testing.TB, b *archive.Blob) []byte {
	t.Helper()
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whatever a server sends, what is accepted is a whole literal of it, asked
// for, and accepted once.
func FuzzFetch(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\nT1 OK done\r\n",
		"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 2 BODY[] {4}\r\nabcd)\r\nT1 NO some\r\n",
		"* 1 FETCH (UID 1 BODY[] {3}\r\nab",
		"* 1 FETCH (UID 1 BODY[] {1000}\r\nabc)\r\nT1 OK done\r\n",
		"* 1 FETCH (UID 1 BODY[] {2}\r\nabc)\r\nT1 OK done\r\n",
		"* 1 FETCH (UID 1 FLAGS ())\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\nT1 OK\r\n",
		"* 1 FETCH (BODY[] {3}\r\nabc UID 1)\r\n* VANISHED 4\r\n\r\nT1 BAD\r\n",
		"* 1 FETCH (UID 1 BODY[] \"abc\")\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nxyz)\r\nT1 OK\r\n",
		"* BYE gone\r\n", "T1 OK [X", "* ESEARCH (TAG \"T1\") UID ALL 1:*\r\nT1 OK\r\n", "+ go\r\nT2 OK\r\n",
		"* ESEARCH (TAG \"T1 UID ALL 1:*\r\nT1 OK\r\n", "* 1 FETCH (UID 1 INTERNALDATE \"01 BODY[] {3}\r\nabc)\r\nT1 OK\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, w := newSession(in)
		got := map[uint32]bool{}
		err := s.fetch([]uint32{1, 2, 3}, false, memStage{}, func(d delivery) error {
			if d.uid < 1 || d.uid > 3 || got[d.uid] {
				t.Errorf("UID %d accepted, or twice", d.uid)
			}
			got[d.uid] = true
			b := octets(t, d.blob)
			if q, ok := quote(string(b)); !strings.Contains(in, "}\r\n"+string(b)) && !strings.Contains(in, "}\n"+string(b)) &&
				!(ok && strings.Contains(in, q)) && !strings.Contains(in, `"`) {
				t.Errorf("accepted %q, which is no literal of %q", b, in)
			}
			return nil
		})
		s.close(false)
		var no *refusal
		if err != nil && !errors.As(err, &no) && s.g.failure() == nil {
			t.Errorf("error %v and the connection goes on", err)
		}
		// This server talks before it is asked, and may end things that early.
		if sent := w.sent.String(); !(sent == "" && err != nil) && (!strings.HasPrefix(sent, "T1 UID FETCH 1:3 (") || strings.Count(sent, "\n") != 1) {
			t.Errorf("sent %q", sent)
		}
	})
}

// Whatever a server answers to SEARCH, it comes to an end, and what comes of it are
// UIDs in order.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"* SEARCH 1 2 5\r\nT1 OK done\r\n", "* ESEARCH (TAG \"T1\") UID ALL 1:2,5\r\nT1 OK\r\n", "* SEARCH 5 0 1 1\r\nT1 OK\r\n", "* ESEARCH UID\r\nT1 OK\r\n",
		"* ESEARCH (TAG \"T1\") UID ALL 1:*\r\nT1 OK\r\n", "* ESEARCH (TAG \"T1\") UID ALL 9:4294967295\r\nT1 OK\r\n", "* SEARCH\r\n* SEARCH 1\r\nT1 NO x\r\n",
		"* ESEARCH (TAG {2}\r\nT1) UID ALL {3}\r\n1:2\r\nT1 OK\r\n", "* SEARCH 1 (MODSEQ 7)\r\nT1 OK\r\n", "* SEARCH \"1\r\nT1 OK\r\n", "* EXISTS\r\nT1 OK [X \"y] z\r\n",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, in string, esearch bool) {
		s, w := newSession(in)
		if esearch {
			s.caps["ESEARCH"] = true
		}
		uids, err := s.search()
		s.close(false)
		var no *refusal
		if err != nil && !errors.As(err, &no) && s.g.failure() == nil {
			t.Errorf("error %v and the connection goes on", err)
		}
		for i, u := range uids {
			if u == 0 || i > 0 && uids[i-1] >= u {
				t.Errorf("%q: %v", in, uids)
				break
			}
		}
		if sent := w.sent.String(); sent != "" && (!strings.HasPrefix(sent, "T1 UID SEARCH ") || !strings.HasSuffix(sent, "UID 1:*\r\n") || strings.Count(sent, "\n") != 1) {
			t.Errorf("sent %q", sent)
		}
	})
}

// What is read without go-imap is no more than what the server sent.
func FuzzRaw(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\nA1 OK done\r\n", "* 1 FETCH (BODY[] {3}\r\nabc UID 1)\r\nA1 NO x\r\n", "* 1 FETCH (BODY[] \"abc\") UID 1)\r\nA1 OK\r\n",
		"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* VANISHED 1:4\r\nA1 OK\r\n", "+ go\r\nA1 BAD\r\n", "* LIST () NIL {1}\r\nx\r\nA1 OK [X\r\n", "* 3 EXISTS\r\n* OK [MAILBOXID (F1)] x\r\nA1 OK [READ-ONLY]\r\n",
	} {
		for what := range byte(4) {
			f.Add(s, what)
		}
	}
	f.Fuzz(func(t *testing.T, in string, what byte) {
		s, _ := newSession(in)
		s.caps["OBJECTID"] = true
		var err error
		switch what % 4 {
		case 0:
			var body []byte
			var ok bool
			if body, ok, err = s.fetchRaw(item{uid: 1, size: 3}); ok && len(body) > len(in) {
				t.Errorf("%q is not in %q", body, in)
			}
		case 1:
			err = s.describe("1:*", 0, func(m ListedMessage) {
				if m.UID == 0 || m.Size < 0 {
					t.Errorf("%q describes %+v", in, m)
				}
			})
		case 2:
			var folders []FolderInfo
			if folders, _, err = s.list(); len(folders) > len(in) {
				t.Errorf("%q lists %d folders", in, len(folders))
			}
		case 3:
			_, _, err = s.examine("INBOX")
		}
		var no *refusal
		if err != nil && !errors.As(err, &no) && s.g.failure() == nil {
			t.Errorf("error %v and the connection goes on", err)
		}
		s.close(false)
	})
}

func FuzzReadValues(f *testing.F) {
	for _, s := range []string{
		`(\HasNoChildren) "/" INBOX`, `(\A \B) NIL "a \"b\""`, "() \"/\" {3}\r\na\r\n", "((((", `"`, "{9}\r\na", "{1}", "a]b (c{1}\r\n)",
		"(UID 1 FLAGS (\\Seen a]b) INTERNALDATE \"\" RFC822.SIZE -1)", strings.Repeat("(", 40),
		"1,3:5,9:7,*,0,4294967295:4294967296", "(UID 1 EMAILID (M1) THREADID NIL X-GM-LABELS (\\Inbox {1}\r\nx))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, _ := readValues([]byte(s))
		var size func([]value) int
		size = func(l []value) (n int) {
			for _, e := range l {
				n += len(e.s) + size(e.list)
			}
			return n
		}
		if n := size(v); n > len(s) {
			t.Errorf("%d octets of values in %d octets", n, len(s))
		}
		readList([]byte(s))
		readStatus([]byte(s))
		readDescription([]byte(s), new(ListedMessage))
		readCondition([]byte(s))
		response(s).numbered("FETCH")
		for _, r := range readUIDSet(s) {
			if r.lo == 0 || r.lo > r.hi {
				t.Errorf("readUIDSet(%q) has %v", s, r)
			}
		}
		each := described(func(m ListedMessage) {
			if m.UID == 0 || m.Size < 0 {
				t.Errorf("%q describes %+v", s, m)
			}
		})
		for range 2 { // in fragments, too
			if err := each(response("* 1 FETCH " + s)); err != nil {
				t.Error(err)
			}
		}
		// What we send reads back as it was.
		if q, ok := quote(s); ok {
			if back, err := readValues([]byte(q)); err != nil || len(back) != 1 || back[0].s != s {
				t.Errorf("quote(%q) = %s, read back as %+v, %v", s, q, back, err)
			}
		}
	})
}

// encodeName is modified UTF-7 the other way, for the tests.
func encodeName(s string) string {
	var b strings.Builder
	var run []rune
	flush := func() {
		if len(run) == 0 {
			return
		}
		var bits, n uint32
		b.WriteByte('&')
		for _, u := range utf16.Encode(run) {
			bits, n = bits<<16|uint32(u), n+16
			for n >= 6 {
				n -= 6
				b.WriteByte(utf7Alphabet[bits>>n&63])
			}
			bits &= 1<<n - 1
		}
		if n > 0 {
			b.WriteByte(utf7Alphabet[bits<<(6-n)&63])
		}
		b.WriteByte('-')
		run = nil
	}
	for _, r := range s {
		switch {
		case r == '&':
			flush()
			b.WriteString("&-")
		case r >= 0x20 && r < 0x7f:
			flush()
			b.WriteRune(r)
		default:
			run = append(run, r)
		}
	}
	flush()
	return b.String()
}

func FuzzDisplayName(f *testing.F) {
	for _, s := range []string{"INBOX", "Entw&APw-rfe", "&-", "&", "R&D", "a & b", "&2D3eAA-", "&AAA-", "&AGE-", "\xff", "&Jjo!", "台北/日本語"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := displayName(s)
		if !utf8.ValidString(d) && ok {
			t.Errorf("displayName(%q) = %q is not UTF-8", s, d)
		}
		if ok {
			if again, ok := displayName(encodeName(d)); !ok || again != d {
				t.Errorf("displayName(%q) = %q, which encodes to %q and that is %q", s, d, encodeName(d), again)
			}
		}
		if utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError) {
			if back, ok := displayName(encodeName(s)); s != "" && (!ok || back != s) {
				t.Errorf("%q encodes to %q, read back as %q", s, encodeName(s), back)
			}
		}
	})
}
