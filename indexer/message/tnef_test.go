package message

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"inwriting/indexer/corpora"
)

// containerOf makes an Outlook container.
func containerOf(attrs ...any) []byte {
	b := binary.LittleEndian.AppendUint32(nil, tnefSignature)
	b = append(b, 1, 0)
	for i := 0; i < len(attrs); i += 2 {
		data := attrs[i+1].(string)
		b = append(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(attrs[i].(int)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(append(b, data...), 0, 0)
	}
	return b
}

func TestOutlookContainerIsOpened(t *testing.T) {
	raw := "From: nora@deskandco.example\r\nSubject: Rooms\r\nMIME-Version: 1.0\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(containerOf(tnefBody, "Please book two rooms.\x00", tnefRender, "", tnefTitle, "rooms.csv\x00", tnefData, "a,b\n"))
	m := Parse([]byte(raw))
	if m.Text != "Please book two rooms." && m.Text != "Please book two rooms.\n" {
		t.Errorf("text: got %q", m.Text)
	}
	if len(m.Parts) != 2 || m.Parts[0].Name != "winmail.dat" || m.Parts[1].Name != "rooms.csv" || m.Parts[1].Number != "1.1" || m.Parts[1].Size != 4 {
		t.Errorf("parts: got %+v", m.Parts)
	}
	var got bytes.Buffer
	if _, err := ReadLeaves(strings.NewReader(raw), func(l Leaf) io.Writer {
		if l.Number == "1.1" {
			return &got
		}
		return nil
	}); err != nil || got.String() != "a,b\n" {
		t.Errorf("leaf 1.1: got %q, %v", got.String(), err)
	}
	m = Parse([]byte("Content-Type: application/ms-tnef\r\n\r\nnot one\r\n"))
	found := false
	for _, d := range m.Defects {
		found = found || d.Code == "tnef-broken"
	}
	if !found {
		t.Errorf("defects: got %v", m.Defects)
	}
}

func TestCorpusTNEF(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpora.Path(t, "corpora", "attachments", "tnef"), "*.tnef"))
	texts, inside := 0, 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := readTNEF(b)
		if !ok {
			t.Logf("%s is no container", filepath.Base(f))
		}
		if c.text != "" || c.html != "" {
			texts++
		}
		inside += len(c.files)
		for _, x := range c.files {
			t.Logf("%s: %q, %d octets", filepath.Base(f), x.name, len(x.data))
		}
	}
	t.Logf("%d containers, %d with text, %d files", len(files), texts, inside)
	if inside < len(files) {
		t.Errorf("%d files in %d containers", inside, len(files))
	}
}

func FuzzTNEF(f *testing.F) {
	f.Add(containerOf(tnefBody, "x", tnefMessage, "\x01\x00\x00\x00\x1f\x00\x00\x10\x01\x00\x00\x00\x04\x00\x00\x00a\x00b\x00"))
	f.Add(containerOf(tnefRender, "", tnefTitle, "a\x00", tnefAttachment, "\x02\x00\x00\x00\x1e\x10\x07\x37"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		c, _ := readTNEF(b)
		if !bytes.Equal(b, before) {
			t.Error("the octets were changed")
		}
		if !utf8.ValidString(cleanName(c.text)) {
			t.Errorf("no UTF-8: %q", c.text)
		}
		for _, x := range c.files {
			if len(x.data) > len(b) {
				t.Error("a file larger than its container")
			}
		}
	})
}

// A body that is there as compressed rich text alone becomes text, with the HTML
// that was packed into it.
func TestRichBody(t *testing.T) {
	for _, tt := range []struct{ name, rich, want string }{
		{"rich text", `{\rtf1\ansi\ansicpg1250 Pros\'edm rezervujte dva pokoje.\par Nora}`, "Prosím rezervujte dva pokoje.\nNora"},
		{"HTML in it", `{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Please book {\*\htmltag84 <b>}two{\*\htmltag92 </b>} rooms.{\*\htmltag72 </p>}}`, "Please book two rooms."},
	} {
		packed := binary.LittleEndian.AppendUint32(nil, uint32(len(tt.rich)+12))
		packed = binary.LittleEndian.AppendUint32(packed, uint32(len(tt.rich)))
		packed = append(append(packed, "MELA\x00\x00\x00\x00"...), tt.rich...)
		prop := []byte{1, 0, 0, 0, 0x02, 0x01, 0x09, 0x10, 1, 0, 0, 0}
		prop = binary.LittleEndian.AppendUint32(prop, uint32(len(packed)))
		prop = append(prop, packed...)
		for len(prop)%4 != 0 {
			prop = append(prop, 0)
		}
		m := Parse([]byte("From: nora@deskandco.example\r\nContent-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString(containerOf(tnefMessage, string(prop)))))
		if got := strings.TrimSpace(m.Text); got != tt.want {
			t.Errorf("%s: %q, want %q; %v", tt.name, got, tt.want, m.Defects)
		}
	}
}
