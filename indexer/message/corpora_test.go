package message

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/corpora"
)

// eachTarred calls f for each file of a .tar.zst archive until f returns false.
func eachTarred(tb testing.TB, path string, f func(name string, b []byte) bool) {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	z, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			tb.Fatal(err)
		}
		if !f(h.Name, b) {
			return
		}
	}
}

// wellFormed checks what holds of every Message.
func wellFormed(tb testing.TB, name string, m *Message, size int) {
	tb.Helper()
	if m.Size != int64(size) {
		tb.Errorf("%s: Size = %d, want %d", name, m.Size, size)
	}
	if !utf8.ValidString(m.Text) || !utf8.ValidString(m.Subject) {
		tb.Errorf("%s: text or subject is not UTF-8", name)
	}
	if strings.ContainsAny(m.Text, "\r\x00") {
		tb.Errorf("%s: the text has CR or NUL", name)
	}
	if len(m.Text) > MaxText {
		tb.Errorf("%s: %d octets of text", name, len(m.Text))
	}
	at := 0
	for i, z := range m.Zones {
		if z.Start != at || z.End <= z.Start || z.End > len(m.Text) {
			tb.Fatalf("%s: zone %d is %+v after offset %d of %d", name, i, z, at, len(m.Text))
		}
		if z.Start > 0 && m.Text[z.Start-1] != '\n' {
			tb.Errorf("%s: zone %d begins within a line", name, i)
		}
		if i > 0 && m.Zones[i-1].Kind == z.Kind {
			tb.Errorf("%s: zones %d and %d are both %s", name, i-1, i, z.Kind)
		}
		at = z.End
	}
	if at != len(m.Text) {
		tb.Errorf("%s: zones end at %d of %d", name, at, len(m.Text))
	}
	for _, p := range m.Parts {
		if p.Number == "" || len(p.SHA256) != 64 || !strings.Contains(p.ContentType, "/") {
			tb.Errorf("%s: part %+v", name, p)
		}
	}
	for _, as := range [][]Address{m.From, m.Sender, m.ReplyTo, m.To, m.Cc, m.Bcc} {
		for _, a := range as {
			if a == (Address{}) || !utf8.ValidString(a.Name) || !utf8.ValidString(a.Address) || a.Address != strings.ToLower(a.Address) {
				tb.Errorf("%s: address %q", name, a)
			}
		}
	}
}

// splitMbox gives the messages of an mboxrd or mboxo file, separator lines taken off.
func splitMbox(b []byte) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		if i := bytes.IndexByte(b, '\n'); bytes.HasPrefix(b, []byte("From ")) && i >= 0 {
			b = b[i+1:]
		}
		i := bytes.Index(b, []byte("\n\nFrom "))
		if i < 0 {
			return append(out, b)
		}
		out = append(out, b[:i+1])
		b = b[i+2:]
	}
	return out
}

func TestCorpusMIME(t *testing.T) {
	dir := corpora.Path(t, "corpora", "mime")
	n, empty := 0, 0
	defects := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && strings.HasSuffix(path, ".expected") {
				return fs.SkipDir
			}
			return err
		}
		if ext := filepath.Ext(path); ext != ".eml" && ext != ".mbox" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mails := [][]byte{b}
		if strings.HasSuffix(path, ".mbox") {
			mails = splitMbox(b)
		}
		for _, b := range mails {
			m := Parse(b)
			wellFormed(t, path, m, len(b))
			n++
			if m.Text == "" && len(m.Parts) == 0 && len(b) > 0 {
				empty++
			}
			for _, d := range m.Defects {
				defects[d.Code]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mails, %d with neither text nor parts; defects: %v", n, empty, defects)
}

func TestCorpusBulk(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for _, name := range []string{"enron-inbox", "enron-edrm", "spamassassin-ham", "spamassassin-spam"} {
		path := corpora.Path(t, "corpora", "bulk", name+".tar.zst")
		n, undated, empty, fromless := 0, 0, 0, 0
		eachTarred(t, path, func(file string, b []byte) bool {
			m := Parse(b)
			wellFormed(t, file, m, len(b))
			n++
			if m.Date.IsZero() {
				undated++
			}
			if m.Text == "" {
				empty++
			}
			if len(m.From) == 0 {
				fromless++
			}
			return n < 6000
		})
		t.Logf("%s: %d mails, %d without date, %d without author, %d without text", name, n, undated, fromless, empty)
	}
}
