package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHostileZips(t *testing.T) {
	b, _ := written(t, fixture(t))
	good := unzip(t, b)
	with := func(name string) []byte { return rezip(t, append(slices.Clone(good), zipFile{name, []byte("x")})) }
	root := strings.SplitN(good[0].name, "/", 2)[0]
	link := func() []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, f := range good {
			w, _ := z.Create(f.name)
			w.Write(f.data)
		}
		h := &zip.FileHeader{Name: root + "/link"}
		h.SetMode(os.ModeSymlink | 0o777)
		w, _ := z.CreateHeader(h)
		w.Write([]byte("/etc/passwd"))
		z.Close()
		return b.Bytes()
	}
	bomb := func() []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, f := range good {
			w, _ := z.Create(f.name)
			w.Write(f.data)
		}
		w, _ := z.Create(root + "/data/eml/E0009.eml")
		zero := make([]byte, 1<<20)
		for range 100 {
			w.Write(zero)
		}
		z.Close()
		return b.Bytes()
	}
	for name, z := range map[string][]byte{
		"nothing":            nil,
		"no zip":             []byte("hello"),
		"empty zip":          rezip(t, nil),
		"another zip":        rezip(t, []zipFile{{"a/b", nil}}),
		"traversal":          with(root + "/../../etc/passwd"),
		"absolute":           with("/etc/passwd"),
		"backslash":          with(root + "\\data\\x"),
		"colon":              with(root + "/C:x"),
		"two roots":          with("other/x"),
		"folder":             with(root + "/data/x/"),
		"duplicate":          with(good[3].name),
		"duplicate by case":  with(strings.ToUpper(good[3].name[:0]) + root + "/" + strings.ToUpper(strings.SplitN(good[3].name, "/", 2)[1])),
		"control characters": with(root + "/a\nb"),
		"no folder":          with("x"),
		"symbolic link":      link(),
		"bomb":               bomb(),
	} {
		if r, err := Verify(bytes.NewReader(z), int64(len(z))); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %+v, %v; want ErrRefused", name, r, err)
		}
	}
}

func TestVisible(t *testing.T) {
	for _, test := range []struct{ in, keep, want string }{
		{"Martin Hale", "", "Martin Hale"},
		{"a\u202eb", "", "a⟨U+202E⟩b"},
		{"a\nb\tc\x00\x7f", "\n\t", "a\nb\tc⟨U+0000⟩⟨U+007F⟩"},
		{"a\nb", "", "a⟨U+000A⟩b"},
		{"\xffa\xc3", "", "⟨FF⟩a⟨C3⟩"},
		{"\uFFFD", "", "\uFFFD"},
		{"👩\u200d💻 سلام नमस्ते", "", "👩\u200d💻 سلام नमस्ते"},
		{"a\u2066b\u2069\u200b\ufeff\u2028", "", "a⟨U+2066⟩b⟨U+2069⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+2028⟩"},
		{"\u3164", "", "⟨U+3164⟩"},
	} {
		if got := visible(test.in, test.keep); got != test.want {
			t.Errorf("visible(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestKeyID(t *testing.T) {
	if got := keyID("desk.example/v+0d1e2f3a+AS2t+66Y8jqA6/iglM="); got != "0d1e2f3a" {
		t.Errorf("%q", got)
	}
}

func TestCell(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", `""`}, {"a", `"a"`}, {`say "x"`, `"say ""x"""`}, {"=1+1", `"'=1+1"`}, {" \t=1", "\"' \t=1\""}, {"'tis", `"''tis"`},
		{"+44", `"'+44"`}, {"-", `"'-"`}, {"@a", `"'@a"`}, {"\tx", "\"'\tx\""}, {"＝1", `"'＝1"`}, {"a=1", `"a=1"`}, {"a\nb", "\"a\nb\""},
	} {
		if got := cell(test.in); got != test.want {
			t.Errorf("cell(%q) = %s, want %s", test.in, got, test.want)
		}
	}
}

func TestRuneSlice(t *testing.T) {
	const s = "aé👍b"
	for start := -1; start <= 5; start++ {
		for end := -1; end <= 5; end++ {
			got, ok := runeSlice(s, start, end)
			rs := []rune(s)
			want := start >= 0 && end >= start && end <= len(rs)
			if ok != want || ok && got != string(rs[start:end]) {
				t.Errorf("runeSlice(%d, %d) = %q, %v", start, end, got, ok)
			}
		}
	}
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "a", "=1", "'=1", "\"", "a\r\nb", "\t"} {
		f.Add(s, "b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		var tab table
		tab.row("x", "y")
		tab.row(a, b)
		rows, err := csv.NewReader(strings.NewReader(tab.b.String())).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q: %v, %v", tab.b.String(), rows, err)
		}
		for i, want := range []string{a, b} {
			got := rows[1][i]
			if uncell(got) != strings.ReplaceAll(want, "\r\n", "\n") {
				t.Errorf("%q came back as %q", want, uncell(got))
			}
			if guarded(got) && got[0] != '\'' {
				t.Errorf("%q is still a formula", got)
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	b, _ := written(f, fixture(f))
	f.Add(b)
	f.Fuzz(func(t *testing.T, z []byte) {
		r, err := Verify(bytes.NewReader(z), int64(len(z)))
		if err != nil && !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		if err == nil && r.OK {
			dir := unpack(t, unzip(t, z))
			if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
				t.Fatal("content with a bundle that has no payload")
			}
		}
	})
}
