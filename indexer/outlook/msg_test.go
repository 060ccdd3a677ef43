package outlook

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"inwriting/indexer/corpora"
)

// box is a folder of a compound file that a test makes.
type box map[string]any // []byte or box

// compoundFile writes a compound file: every stream below 4096 octets in the mini
// stream, the others in sectors of 512.
func compoundFile(root box) []byte {
	le := binary.LittleEndian
	var fat []uint32
	var sectors bytes.Buffer
	add := func(b []byte) uint32 {
		if len(b) == 0 {
			return endOfChain
		}
		first := uint32(len(fat))
		for len(b) > 0 {
			n := min(512, len(b))
			s := make([]byte, 512)
			copy(s, b[:n])
			sectors.Write(s)
			b = b[n:]
			fat = append(fat, uint32(len(fat)+1))
		}
		fat[len(fat)-1] = endOfChain
		return first
	}
	var mini bytes.Buffer
	var miniFAT []uint32
	type entry struct {
		name               string
		kind               byte
		left, right, child uint32
		start              uint32
		size               uint64
	}
	entries := []entry{{name: "Root Entry", kind: 5, left: noStream, right: noStream, child: noStream}}
	var put func(parent int, b box)
	put = func(parent int, b box) {
		var names []string
		for n := range b {
			names = append(names, n)
		}
		sort.Strings(names)
		prev := -1
		for _, n := range names {
			e := entry{name: n, kind: 2, left: noStream, right: noStream, child: noStream}
			i := len(entries)
			switch v := b[n].(type) {
			case box:
				e.kind = 1
			case []byte:
				e.size = uint64(len(v))
				if len(v) >= 4096 {
					e.start = add(v)
				} else if len(v) > 0 {
					e.start = uint32(len(miniFAT))
					for len(v) > 0 {
						s := make([]byte, 64)
						k := copy(s, v)
						mini.Write(s)
						v = v[k:]
						miniFAT = append(miniFAT, uint32(len(miniFAT)+1))
					}
					miniFAT[len(miniFAT)-1] = endOfChain
				}
			}
			entries = append(entries, e)
			if prev < 0 {
				entries[parent].child = uint32(i)
			} else {
				entries[prev].right = uint32(i)
			}
			prev = i
			if v, ok := b[n].(box); ok {
				put(i, v)
			}
		}
	}
	put(0, root)
	entries[0].start, entries[0].size = add(mini.Bytes()), uint64(mini.Len())
	var table bytes.Buffer
	for _, v := range miniFAT {
		binary.Write(&table, le, v)
	}
	miniStart := add(table.Bytes())
	var dir bytes.Buffer
	for _, e := range entries {
		b := make([]byte, entryLen)
		u := utf16.Encode([]rune(e.name))
		for i, c := range u {
			le.PutUint16(b[2*i:], c)
		}
		le.PutUint16(b[64:], uint16(2*len(u)+2))
		b[66] = e.kind
		le.PutUint32(b[68:], e.left)
		le.PutUint32(b[72:], e.right)
		le.PutUint32(b[76:], e.child)
		le.PutUint32(b[116:], e.start)
		le.PutUint64(b[120:], e.size)
		dir.Write(b)
	}
	dirStart := add(dir.Bytes())
	fatStart := uint32(len(fat))
	fatSectors := (len(fat) + 1 + 127) / 128
	for (len(fat)+fatSectors+127)/128 > fatSectors {
		fatSectors++
	}
	for range fatSectors {
		fat = append(fat, 0xfffffffd)
	}
	h := make([]byte, 512)
	copy(h, Magic)
	le.PutUint16(h[24:], 0x3e)
	le.PutUint16(h[26:], 3)
	le.PutUint16(h[28:], 0xfffe)
	le.PutUint16(h[30:], 9)
	le.PutUint16(h[32:], 6)
	le.PutUint32(h[44:], uint32(fatSectors))
	le.PutUint32(h[48:], dirStart)
	le.PutUint32(h[56:], 4096)
	le.PutUint32(h[60:], miniStart)
	le.PutUint32(h[68:], endOfChain)
	for i := range 109 {
		v := uint32(noStream)
		if i < fatSectors {
			v = fatStart + uint32(i)
		}
		le.PutUint32(h[76+4*i:], v)
	}
	out := bytes.NewBuffer(h)
	out.Write(sectors.Bytes())
	for i := range fatSectors * 128 {
		v := uint32(noStream)
		if i < len(fat) {
			v = fat[i]
		}
		binary.Write(out, le, v)
	}
	return out.Bytes()
}

// object makes properties: strings and octets as streams, the rest in the table.
func object(header int, props map[uint32]any, more box) box {
	b := box{}
	for k, v := range more {
		b[k] = v
	}
	table := bytes.NewBuffer(make([]byte, header))
	var ids []uint32
	for id := range props {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	for _, id := range ids {
		var kind uint32
		var v [8]byte
		switch x := props[id].(type) {
		case string:
			kind = typeUnicode
			var s bytes.Buffer
			binary.Write(&s, binary.LittleEndian, utf16.Encode([]rune(x)))
			b[fmt.Sprintf("__substg1.0_%04X%04X", id, kind)] = s.Bytes()
		case []byte:
			kind = typeBinary
			b[fmt.Sprintf("__substg1.0_%04X%04X", id, kind)] = x
		case int:
			kind = typeLong
			binary.LittleEndian.PutUint32(v[:], uint32(x))
		case time.Time:
			kind = typeTime
			binary.LittleEndian.PutUint64(v[:], uint64(x.Unix()+11644473600)*1e7)
		}
		binary.Write(table, binary.LittleEndian, id<<16|kind)
		binary.Write(table, binary.LittleEndian, uint32(6))
		table.Write(v[:])
	}
	b[propertiesName] = table.Bytes()
	return b
}

var sent = time.Date(2023, 3, 2, 9, 12, 0, 0, time.UTC)

// invented is a message that was written in Outlook, with a table and a message in it.
func invented() box {
	inner := object(24, map[uint32]any{pidClass: "IPM.Note", pidHeaders: "Received: from a by b\r\nFrom: Ida <ida@alpenair.example>\r\nContent-Type: text/plain\r\nSubject: Seats\r\n\r\n", pidBody: "Seats 4A and 4B.\r\n"}, nil)
	return object(32, map[uint32]any{
		pidClass: "IPM.Note", pidSubject: "Vienna, März", pidSubmitTime: sent, pidFlags: flagRead, pidBody: "Book the flight.\nThank you – Martin\n", pidHTML: []byte("<html><head><meta charset=windows-1252></head><p>Book the flight.</p></html>"),
		pidMessageID: "<m1@halearchitects.example>", pidRepName: "Martin Häle", pidRepSMTP: "martin@halearchitects.example", pidRepType: "EX", pidRepAddress: "/O=HALE/CN=MARTIN", pidInternetCP: 1252,
	}, box{
		"__recip_version1.0_#00000000":  object(8, map[uint32]any{pidName: "Nora \"N\" Lind", pidAddrType: "SMTP", pidAddress: "nora@deskandco.example", pidRecipType: 1}, nil),
		"__recip_version1.0_#00000001":  object(8, map[uint32]any{pidName: "Ida Berg", pidAddrType: "EX", pidAddress: "/O=ALPENAIR/CN=IDA", pidRecipType: 2}, nil),
		"__attach_version1.0_#00000000": object(8, map[uint32]any{pidAttachLong: `..\fares.csv`, pidAttachMethod: 1, pidAttachData: []byte(strings.Repeat("Tue;260\r\n", 900))}, nil),
		"__attach_version1.0_#00000001": object(8, map[uint32]any{pidName: "Seats", pidAttachMethod: attachEmbedded}, box{"__substg1.0_3701000D": inner}),
		"__attach_version1.0_#00000002": object(8, map[uint32]any{pidAttachLong: "link.doc", pidAttachMethod: 4}, nil),
	})
}

// part is a MIME part, taken apart.
func walk(t *testing.T, header map[string][]string, body io.Reader, each func(kind, name string, text string)) {
	t.Helper()
	h := mail.Header(header)
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		t.Fatalf("Content-Type %q: %v", h.Get("Content-Type"), err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			walk(t, p.Header, p, each)
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, disposition, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	each(kind, disposition["filename"], string(b))
}

func TestConvert(t *testing.T) {
	file := compoundFile(invented())
	c, err := Convert(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Convert(file); err != nil || !bytes.Equal(again.Raw, c.Raw) {
		t.Error("a second time gives other octets")
	}
	if !c.Received.Equal(sent) || c.Class != "IPM.Note" || len(c.Flags) != 1 || len(c.Defects) != 1 || !strings.Contains(c.Defects[0], "link.doc") {
		t.Errorf("%v %q %v %v", c.Received, c.Class, c.Flags, c.Defects)
	}
	if bytes.Contains(bytes.ReplaceAll(c.Raw, []byte("\r\n"), nil), []byte("\n")) {
		t.Error("a line ends in LF alone")
	}
	m, err := mail.ReadMessage(bytes.NewReader(c.Raw))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"From": `=?utf-8?q?Martin_H=C3=A4le?= <martin@halearchitects.example>`, "To": `"Nora \"N\" Lind" <nora@deskandco.example>`, "Cc": `"Ida Berg":;`,
		"Date": "Thu, 02 Mar 2023 09:12:00 +0000", "Message-Id": "<m1@halearchitects.example>", "Subject": "=?utf-8?q?Vienna,_M=C3=A4rz?=",
		"X-Inwriting-Converted": fmt.Sprintf("from an Outlook .msg file; original sha256=%x", c.Original),
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var got []string
	walk(t, m.Header, m.Body, func(kind, name, text string) {
		got = append(got, kind+" "+name)
		switch kind {
		case "text/plain":
			if name == "" && !strings.Contains(text, "link.doc") && text != "Book the flight.\r\nThank you – Martin\r\n" {
				t.Errorf("text %q", text)
			}
		case "text/html":
			if !strings.Contains(text, "charset=utf-8") {
				t.Errorf("html %q", text)
			}
		case "message/rfc822":
			inner, err := mail.ReadMessage(strings.NewReader(text))
			if err != nil || inner.Header.Get("From") != "Ida <ida@alpenair.example>" || inner.Header.Get("Received") == "" || !strings.HasPrefix(inner.Header.Get("Content-Type"), "text/plain; charset=utf-8") {
				t.Errorf("inner: %v\n%s", err, text)
			}
		}
	})
	if want := "text/plain |text/html |text/csv fares.csv|message/rfc822 |text/plain "; strings.Join(got, "|") != want {
		t.Errorf("parts %q, want %q", strings.Join(got, "|"), want)
	}
}

// The file lies beside the test, so that other packages' tests have one to read.
func TestFixture(t *testing.T) {
	const path = "testdata/invented.msg"
	want := compoundFile(invented())
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the test makes: %v; go test -run Fixture -update", path, err)
	}
}

var update = flag.Bool("update", false, "write testdata")

func TestNotAMessage(t *testing.T) {
	for name, b := range map[string][]byte{
		"text":       []byte("From: x"),
		"a document": compoundFile(box{"WordDocument": []byte("x")}),
		"cut":        compoundFile(invented())[:700],
		"header":     compoundFile(invented())[:512],
	} {
		if c, err := Convert(b); !errors.Is(err, ErrNotMessage) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// Real files convert to something a mail parser reads, the same each time.
func TestCorpora(t *testing.T) {
	dir := corpora.Path(t, "corpora")
	var files []string
	for _, p := range []string{"attachments/msg/*.msg", "attachments/tika/msg/*.msg", "attachments/outlook/*.msg"} {
		f, _ := filepath.Glob(filepath.Join(dir, p))
		files = append(files, f...)
	}
	if len(files) == 0 {
		t.Fatal("no messages of Outlook in the corpora")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Convert(b)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
			continue
		}
		m, err := mail.ReadMessage(bytes.NewReader(c.Raw))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
			continue
		}
		var parts []string
		letters := 0
		if !strings.Contains(m.Header.Get("Content-Type"), "signed") {
			walk(t, m.Header, m.Body, func(kind, name, text string) {
				parts = append(parts, strings.TrimSpace(kind+" "+name))
				letters += len(text)
			})
		}
		if letters < 3 && len(parts) > 0 {
			t.Errorf("%s: nothing in it", filepath.Base(f))
		}
		t.Logf("%-60s %-14s from %q subject %q parts %d defects %q", filepath.Base(f), c.Class, m.Header.Get("From"), m.Header.Get("Subject"), len(parts), c.Defects)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(compoundFile(invented()))
	f.Add(compoundFile(box{"a": box{"b": []byte("x")}}))
	f.Add(compoundFile(object(32, map[uint32]any{pidClass: "IPM.Note", pidRTF: []byte("\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00 bw\x05\xb0ld}\x0a\x80\x0f\xa0")}, nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Convert(b)
		if err != nil {
			if !errors.Is(err, ErrNotMessage) {
				t.Errorf("%v", err)
			}
			return
		}
		if !bytes.HasPrefix(c.Raw, []byte("X-Inwriting-Converted: ")) {
			t.Error("it does not say that it is a conversion")
		}
		again, err := Convert(b)
		if err != nil || !bytes.Equal(again.Raw, c.Raw) {
			t.Error("a second time gives other octets")
		}
	})
}
