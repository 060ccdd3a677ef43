package importer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	"inwriting/indexer/corpora"
)

const mailA = "From: Nora <nora@deskandco.example>\nTo: Martin <martin@hale.example>\nSubject: a\n\nbody a\n"
const mailB = "Message-ID: <b@hale.example>\r\nDate: Thu, 2 Mar 2023 18:47:09 +0000\r\nSubject: b\r\n\r\nbody b\r\n>From x\r\n"
const box = fromA + mailA + "\n" + fromB + "Subject: c\nStatus: RO\n\n>From c\n\n"

func zstded(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

func gzipped1(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// zipFile and tarFile take names and contents in turn.
func zipFile(t *testing.T, kv ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(kv); i += 2 {
		f, err := w.Create(kv[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, kv[i+1])
	}
	w.Close()
	return b.String()
}

func tarFile(t *testing.T, kv ...string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(kv); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: kv[i], Size: int64(len(kv[i+1])), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, kv[i+1])
	}
	w.Close()
	return b.String()
}

// plant writes files below a new folder; a name that ends in "/" is a folder.
func plant(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// got is an item with its octets.
type got struct {
	Path, Folder, Flags, Text string
}

func collect(t testing.TB, path string, opts Options) ([]got, Result, error) {
	t.Helper()
	stage, err := archive.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var items []got
	res, err := Run(context.Background(), path, stage, opts, func(it Item) error {
		defer it.Blob.Discard()
		r, err := it.Blob.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		items = append(items, got{it.Path, it.Folder, strings.Join(it.Flags, " "), string(b)})
		return err
	})
	return items, res, err
}

func TestRun(t *testing.T) {
	boxes := func(path, folder string) []got {
		return []got{{path + ":1", folder, "", mailA}, {path + ":2", folder, `\Seen`, "Subject: c\nStatus: RO\n\nFrom c\n"}}
	}
	takeout := "From 17@xxx Mon Nov 11 08:23:01 +0000 2019\r\nX-GM-THRID: 17\r\nX-Gmail-Labels: Sent,Opened\r\nSubject: t\r\n\r\nx\r\n\r\n"
	tests := []struct {
		name  string
		files map[string]string
		path  string // "" is the folder itself
		kind  Kind
		want  []got
		skip  []string // path: a word of the reason
	}{
		{"mbox", map[string]string{"Inbox.mbox": box}, "Inbox.mbox", Mbox, boxes("Inbox.mbox", "Inbox"), nil},
		{"mbox without a telling name", map[string]string{"old mail": box}, "old mail", Mbox, boxes("old mail", "old mail"), nil},
		{"mbox called eml", map[string]string{"x.eml": box}, "x.eml", Mbox, boxes("x.eml", "x.eml"), nil},
		{"mbox.gz", map[string]string{"Work.mbox.gz": gzipped1(box)}, "Work.mbox.gz", Mbox, boxes("Work.mbox.gz", "Work"), nil},
		{"mbox.zst", map[string]string{"Work.mbox.zst": zstded(box)}, "Work.mbox.zst", Mbox, boxes("Work.mbox.zst", "Work"), nil},
		{"packed without a telling name", map[string]string{"Work": zstded(box)}, "Work", Mbox, boxes("Work", "Work"), nil},
		{"empty mbox", map[string]string{"Work.mbox": ""}, "Work.mbox", Mbox, nil, nil},
		{"eml", map[string]string{"in/a.eml": mailB}, "in/a.eml", EML, []got{{"a.eml", "in", "", mailB}}, nil},
		{"eml without a telling name", map[string]string{"in/1.": mailA}, "in/1.", EML, []got{{"1.", "in", "", mailA}}, nil},
		{"eml.gz", map[string]string{"in/a.eml.gz": gzipped1(mailB)}, "in/a.eml.gz", EML, []got{{"a.eml.gz", "in", "", mailB}}, nil},
		{"malformed, but called eml", map[string]string{"in/a.eml": "hello\n"}, "in/a.eml", EML, []got{{"a.eml", "in", "", "hello\n"}}, nil},
		{"a folder as the old archives have it", map[string]string{
			"hale-m/inbox/2.": mailB, "hale-m/inbox/1.": mailA, "hale-m/sent/1.": mailA, "readme.txt": "Just a text\nwith lines\n", "x.pdf": "%PDF-1.4\n", "none": "", "logo.png": "\x89PNG\r\n",
			"bin": "a\x00b"}, "", Directory,
			[]got{{"hale-m/inbox/1.", "hale-m/inbox", "", mailA}, {"hale-m/inbox/2.", "hale-m/inbox", "", mailB}, {"hale-m/sent/1.", "hale-m/sent", "", mailA}},
			[]string{"bin: not text", "logo.png: picture", "none: empty", "readme.txt: no header", "x.pdf: PDF"}},
		{"a mail program's folder", map[string]string{"Inbox": box, "Inbox.msf": "// <!-- <mdb:mork -->", "Archives.sbd/2020": box, "Work.mbox/mbox": box}, "", Directory,
			slices.Concat(boxes("Archives.sbd/2020", "Archives/2020"), boxes("Inbox", "Inbox"), boxes("Work.mbox/mbox", "Work")), []string{"Inbox.msf: index of Thunderbird"}},
		{"maildir", map[string]string{
			"cur/2:2,FRS": mailA, "cur/1:2,": "not even a header", "new/3": mailB, "tmp/4": "half", "cur/.x": "x", "cur/5;2,T": gzipped1(mailB), "dovecot.index": "\x00",
			".Sent/cur/1:2,S": mailA, ".Sent/new/": "", ".Archive.2020/cur/1:2,S": mailA, ".Archive.2020/tmp/": "", ".K&APw-che/cur/1:2,": mailA, ".K&APw-che/new/": "", ".hidden/x": mailA, "Work/cur/1:2,D": mailA, "Work/new/": ""}, "", Maildir,
			[]got{{"cur/1:2,", "INBOX", "", "not even a header"}, {"cur/2:2,FRS", "INBOX", `\Flagged \Answered \Seen`, mailA}, {"cur/5;2,T", "INBOX", `\Deleted`, mailB}, {"new/3", "INBOX", "", mailB},
				{".Archive.2020/cur/1:2,S", "Archive/2020", `\Seen`, mailA}, {".K&APw-che/cur/1:2,", "Küche", "", mailA}, {".Sent/cur/1:2,S", "Sent", `\Seen`, mailA}, {"Work/cur/1:2,D", "Work", `\Draft`, mailA}}, nil},
		{"maildir that a copy took the empty folders from", map[string]string{"cur/1:2,S": mailA}, "", Maildir, []got{{"cur/1:2,S", "INBOX", `\Seen`, mailA}}, nil},
		{"a folder of maildirs", map[string]string{"nora/cur/1:2,S": mailA, "nora/new/": "", "x/.Sent/cur/1:2,S": mailB, "x/.Sent/tmp/": "", "x/cur/": "", "x/new/": ""}, "", Directory,
			[]got{{"nora/cur/1:2,S", "nora", `\Seen`, mailA}, {"x/.Sent/cur/1:2,S", "x/Sent", `\Seen`, mailB}}, nil},
		{"empty maildir", map[string]string{"cur/": "", "new/": ""}, "", Maildir, nil, nil},
		{"zip of eml", map[string]string{"mails.zip": zipFile(t, "b/2.eml", mailB, "1.eml", mailA, "b/", "", "../up.eml", mailA, "/abs.eml", mailA, `c\..\..\x.eml`, mailA, "__MACOSX/._1.eml", "\x00", "note.txt", "hi")}, "mails.zip", Zip,
			[]got{{"mails.zip/1.eml", "mails", "", mailA}, {"mails.zip/b/2.eml", "b", "", mailB}},
			[]string{`mails.zip/"../up.eml": leads out`, `mails.zip/"/abs.eml": leads out`, "mails.zip/__MACOSX/._1.eml: macOS", `mails.zip/"c/../../x.eml": leads out`, "mails.zip/note.txt: no header"}},
		{"takeout", map[string]string{"takeout-1.zip": zipFile(t, "Takeout/archive_browser.html", "<html>", "Takeout/Mail/All mail.mbox", takeout)}, "takeout-1.zip", Takeout,
			[]got{{"takeout-1.zip/Takeout/Mail/All mail.mbox:1", "Sent", `\Seen`, strings.TrimSuffix(takeout[strings.Index(takeout, "X-GM"):], "\r\n")}},
			[]string{"takeout-1.zip/Takeout/archive_browser.html: no header"}},
		{"tar.zst", map[string]string{"a.tar.zst": zstded(tarFile(t, "hale/inbox/1.", mailA, "hale/box.mbox", box, "../x", mailA))}, "a.tar.zst", Tar,
			slices.Concat([]got{{"a.tar.zst/hale/inbox/1.", "hale/inbox", "", mailA}}, boxes("a.tar.zst/hale/box.mbox", "hale/box")), []string{`a.tar.zst/"../x": leads out`}},
		{"a zip in a folder, a zip in a zip", map[string]string{"a.zip": zipFile(t, "1.eml", mailA, "in.zip", zipFile(t, "x.eml", mailA))}, "", Directory,
			[]got{{"a.zip/1.eml", "a", "", mailA}, {"a.zip/in.zip/x.eml", "in", "", mailA}}, nil},
		{"zips in one another without end", map[string]string{"a.zip": zipFile(t, "1.eml", mailA, "b.zip", zipFile(t, "c.zip", zipFile(t, "d.zip", zipFile(t, "e.zip", zipFile(t, "x.eml", mailA)))))}, "a.zip", Zip,
			[]got{{"a.zip/1.eml", "a", "", mailA}}, []string{"a.zip/b.zip/c.zip/d.zip/e.zip: too many times"}},
		{"half-written", map[string]string{"b.mbox": box + fromA + "Subject: d\n\nhal"}, "b.mbox", Mbox,
			append(boxes("b.mbox", "b"), got{"b.mbox:3", "b", "", "Subject: d\n\nhal"}), []string{"b.mbox:3: may be incomplete"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := plant(t, tt.files)
			var last Progress
			items, res, err := collect(t, filepath.Join(dir, tt.path), Options{Progress: func(p Progress) {
				if p.Done < last.Done || p.Bytes < last.Bytes || p.TotalBytes > 0 && p.Bytes > p.TotalBytes {
					t.Errorf("progress went from %+v to %+v", last, p)
				}
				last = p
			}})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, items); d != "" {
				t.Errorf("items (-want +got):\n%s", d)
			}
			if res.Kind != tt.kind || res.Messages != len(items) || last.Done != len(items) {
				t.Errorf("kind %q, %d messages, progress %d; want %q, %d", res.Kind, res.Messages, last.Done, tt.kind, len(items))
			}
			checkSkips(t, res.Skipped, tt.skip)
		})
	}
}

func checkSkips(t *testing.T, have []Skip, want []string) {
	t.Helper()
	slices.SortFunc(have, func(a, b Skip) int { return strings.Compare(strings.Trim(a.Path, `"`), strings.Trim(b.Path, `"`)) })
	if len(have) != len(want) {
		t.Fatalf("skipped %v, want %q", have, want)
	}
	for _, w := range want {
		path, word, _ := strings.Cut(w, ": ")
		if !slices.ContainsFunc(have, func(s Skip) bool { return s.Path == path && strings.Contains(s.Reason, word) }) {
			t.Errorf("no skip of %q that says %q in %v", path, word, have)
		}
	}
}

func TestDates(t *testing.T) {
	dir := plant(t, map[string]string{"b.mbox": box, "c/1.eml": mailA})
	stage, _ := archive.NewStage(t.TempDir())
	var dates []time.Time
	if _, err := Run(context.Background(), dir, stage, Options{}, func(it Item) error { dates = append(dates, it.Date); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []time.Time{time.Date(2023, 3, 2, 9, 12, 7, 0, time.UTC), time.Date(2023, 3, 2, 18, 47, 9, 0, time.UTC), {}}
	if !cmp.Equal(want, dates) {
		t.Error(cmp.Diff(want, dates))
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, path, content string
		word                string
	}{
		{"text", "a.txt", "Dear all,\n\nhello\n", "no header"},
		{"empty", "a", "", "empty"},
		{"msg", "a.msg", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "not a message of Outlook"},
		{"bz2", "a.bz2", "BZh91AY", "unpack"},
		{"zip of nothing", "a.zip", zipFile(t, "x.txt", "hello"), "no header"},
		{"program", "a.py", "from x import y\nto: z\n", "no header"},
		{"notes", "notes.md", "Subject: plans\n\nnothing\n", "no header"},
	} {
		dir := plant(t, map[string]string{tt.path: tt.content})
		items, _, err := collect(t, filepath.Join(dir, tt.path), Options{})
		if !errors.Is(err, ErrNotMail) || !strings.Contains(err.Error(), tt.word) || len(items) > 0 {
			t.Errorf("%s: %v, want ErrNotMail that says %q", tt.name, err, tt.word)
		}
		if _, _, err := collect(t, dir, Options{}); !errors.Is(err, ErrNotMail) {
			t.Errorf("%s in a folder: %v", tt.name, err)
		}
	}
	if _, _, err := collect(t, filepath.Join(t.TempDir(), "gone"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// What cannot be read does not stop the rest, and is named.
func TestUnreadable(t *testing.T) {
	gz := gzipped1(box)
	damaged := zipFile(t, "1.eml", mailA, "2.eml", mailB)
	dir := plant(t, map[string]string{"1.eml": mailA, "short.mbox.gz": gz[:len(gz)-12], "z.zip": damaged[:len(damaged)-30], "9.eml": mailB})
	items, _, err := collect(t, dir, Options{})
	if err == nil || len(items) < 2 || items[0].Text != mailA {
		t.Fatalf("got %d items, %v", len(items), err)
	}
	for _, s := range []string{"short.mbox.gz", "z.zip", "damaged"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not name %s: %v", s, err)
		}
	}
	for _, it := range items {
		if strings.HasPrefix(it.Path, "z.zip") {
			t.Errorf("from a broken zip: %+v", it)
		}
	}
}

func TestPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root can read everything: nothing to refuse")
	}
	dir := plant(t, map[string]string{"a/1.eml": mailA, "b/1.eml": mailA, "c/1.eml": mailB, "c/2.eml": mailB})
	for path, mode := range map[string]os.FileMode{"b": 0, "c/1.eml": 0} {
		full := filepath.Join(dir, path)
		if err := os.Chmod(full, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(full, 0o700) })
	}
	items, _, err := collect(t, dir, Options{})
	if len(items) != 2 || !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for _, s := range []string{filepath.Join(dir, "b"), filepath.Join("c", "1.eml"), "the right to read"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error lacks %q: %v", s, err)
		}
	}
}

// TestReadable stands in for TestPermission where the tests run as root.
func TestReadable(t *testing.T) {
	err := readable(&fs.PathError{Op: "open", Path: "/mail/b", Err: fs.ErrPermission})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "/mail/b") || !strings.Contains(err.Error(), "the right to read") {
		t.Error(err)
	}
}

func TestStops(t *testing.T) {
	dir := plant(t, map[string]string{"b.mbox": box + box, "c.eml": mailA})
	full := errors.New("no space left on device")
	stage, _ := archive.NewStage(t.TempDir())
	for name, tt := range map[string]struct {
		stage  Stager
		accept func(int) error
		cancel int
		want   error
	}{
		"accept fails": {stage, func(n int) error {
			if n == 2 {
				return full
			}
			return nil
		}, 0, full},
		"stage fails": {brokenStage{full}, nil, 0, full},
		"cancelled":   {stage, nil, 2, context.Canceled},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		res, err := Run(ctx, dir, tt.stage, Options{}, func(it Item) error {
			it.Blob.Discard()
			if n++; n == tt.cancel {
				cancel()
			}
			if tt.accept != nil {
				return tt.accept(n)
			}
			return nil
		})
		cancel()
		if !errors.Is(err, tt.want) || n > 2 || res.Messages > 2 {
			t.Errorf("%s: %v after %d messages", name, err, n)
		}
	}
}

type brokenStage struct{ err error }

func (s brokenStage) Read(io.Reader) (*archive.Blob, error) { return nil, s.err }

// A bomb costs little and is named; the mail around it is imported.
func TestBomb(t *testing.T) {
	zeros := strings.Repeat("\n", 66<<20)
	dir := plant(t, map[string]string{"a.eml": mailA, "bomb.mbox.gz": gzipped1(fromA + "S: x\n\n" + zeros), "z.zip": zipFile(t, "1.eml", mailB, "2.eml", mailA+zeros)})
	items, _, err := collect(t, dir, Options{})
	if err == nil || strings.Count(err.Error(), "no mail does") != 2 {
		t.Errorf("error: %v", err)
	}
	if len(items) != 2 || items[0].Path != "a.eml" || items[1].Path != "z.zip/1.eml" {
		t.Errorf("items: %d", len(items))
	}
}

func TestMaxMessage(t *testing.T) {
	big := fromB + "Subject: big\n\n" + strings.Repeat("line\n", 1000) + "\n"
	dir := plant(t, map[string]string{"b.mbox": fromA + mailA + "\n" + big + fromA + mailA + "\n", "c.eml": mailA + strings.Repeat("line\n", 1000)})
	items, res, err := collect(t, dir, Options{MaxMessage: 1000})
	if err != nil || len(items) != 2 || items[1].Path != "b.mbox:3" {
		t.Errorf("items %v, %v", items, err)
	}
	checkSkips(t, res.Skipped, []string{"b.mbox:2: larger", "c.eml: larger"})
}

func TestSymlink(t *testing.T) {
	dir := plant(t, map[string]string{"real/1.eml": mailA})
	if err := os.Symlink(dir, filepath.Join(dir, "real", "loop")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	items, res, err := collect(t, dir, Options{})
	if err != nil || len(items) != 1 {
		t.Errorf("%d items, %v", len(items), err)
	}
	checkSkips(t, res.Skipped, []string{"real/loop: link"})
	if err := os.Symlink(filepath.Join(dir, "real", "1.eml"), filepath.Join(dir, "named")); err != nil {
		t.Fatal(err)
	}
	if items, _, err := collect(t, filepath.Join(dir, "named"), Options{}); err != nil || len(items) != 1 {
		t.Errorf("a link that was named itself: %d items, %v", len(items), err)
	}
}

func TestUTF7(t *testing.T) {
	for in, want := range map[string]string{"Sent": "Sent", "K&APw-che": "Küche", "R&-D": "R&D", "&ZeVnLIqe-": "日本語", "&bad": "&bad", "&!!-": "&!!-", "&2D3eAA-": "😀"} {
		if got := decodeUTF7(in); got != want {
			t.Errorf("decodeUTF7(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzSniff: whatever lies in a folder, a run ends, and everything is imported
// byte for byte, skipped with a reason, or named in the error.
func FuzzSniff(f *testing.F) {
	f.Add("a.eml", []byte(mailA))
	f.Add("b", []byte(box))
	f.Add("b.zst", []byte(zstded(box)))
	f.Add("x.zip", []byte("PK\x03\x04"))
	f.Add("x.tar", []byte(strings.Repeat("a", 257)+"ustar"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		name = strings.Map(func(r rune) rune {
			if r < '!' || r > '~' || r == '/' {
				return -1
			}
			return r
		}, name)
		if name == "" || name == "." || name == ".." || len(name) > 100 {
			return
		}
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		items, res, err := collect(t, file, Options{})
		if len(items) == 0 && err == nil && !(res.Kind == Mbox && len(data) == 0) {
			t.Fatalf("nothing came of it and nothing was said: %+v", res)
		}
		if res.Kind == EML && len(items) == 1 && items[0].Text != string(data) && !bytes.HasPrefix(data, []byte("\x1f\x8b")) && !bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")) {
			t.Fatalf("octets changed: %q became %q", data, items[0].Text)
		}
		if res.Messages != len(items) {
			t.Fatalf("%d messages, %d items", res.Messages, len(items))
		}
	})
}

// TestCorpora counts what the makers of the corpora counted.
func TestCorpora(t *testing.T) {
	for _, tt := range []struct {
		path []string
		kind Kind
		want int
	}{
		{[]string{"corpora", "threads", "usrp-users.mbox.zst"}, Mbox, 1529},
		{[]string{"corpora", "threads", "linux-mips.mbox.zst"}, Mbox, 1624},
		{[]string{"corpora", "threads", "openbmc.mbox.zst"}, Mbox, 1215},
		{[]string{"corpora", "threads", "linux-raid.mbox.zst"}, Mbox, 815},
		{[]string{"corpora", "threads", "util-linux.mbox.zst"}, Mbox, 457},
		{[]string{"corpora", "threads", "linaro-mm-sig.mbox.zst"}, Mbox, 396},
		{[]string{"corpora", "bulk", "spamassassin-ham.tar.zst"}, Tar, 2490},
		{[]string{"corpora", "bulk", "spamassassin-spam.tar.zst"}, Tar, 300},
		{[]string{"corpora", "bulk", "enron-edrm.tar.zst"}, Tar, 1964},
		{[]string{"corpora", "bulk", "enron-inbox.tar.zst"}, Tar, 27390},
	} {
		t.Run(tt.path[len(tt.path)-1], func(t *testing.T) {
			if testing.Short() && tt.want > 20000 {
				t.Skip("-short: a large one")
			}
			path := corpora.Path(t, tt.path...)
			stage, _ := archive.NewStage(t.TempDir())
			folders := map[string]int{}
			res, err := Run(context.Background(), path, stage, Options{}, func(it Item) error {
				folders[it.Folder]++
				it.Blob.Discard()
				return nil
			})
			if err != nil || res.Messages != tt.want || res.Kind != tt.kind {
				t.Errorf("%d messages of kind %q, want %d of %q: %v; first skips %v", res.Messages, res.Kind, tt.want, tt.kind, err, res.Skipped[:min(3, len(res.Skipped))])
			}
			t.Logf("%d messages, %d octets, %d folders, %d skipped %v", res.Messages, res.Bytes, len(folders), len(res.Skipped), res.Skipped[:min(3, len(res.Skipped))])
		})
	}
}

// TestMIMECorpus: what its makers call a mail is taken as one, and what
// they call an mbox is one.
func TestMIMECorpus(t *testing.T) {
	root := corpora.Path(t, "corpora", "mime")
	var eml, odd int
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".mbox"):
			items, res, err := collect(t, path, Options{})
			if err != nil || res.Kind != Mbox {
				t.Errorf("%s: kind %q, %v", path, res.Kind, err)
			}
			t.Logf("%s: %d messages, skipped %v", filepath.Base(path), len(items), res.Skipped)
		case strings.HasSuffix(path, ".eml") && !strings.Contains(path, ".expected"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			eml++
			if f, why := sniff(b[:min(len(b), sniffLen)], strings.TrimSuffix(path, ".eml")); f != mail && f != mboxed {
				odd++ // would be skipped in a folder if it were not called .eml
				if testing.Verbose() {
					t.Logf("%s: %s: %.60q", path[len(root):], why, b)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mails, %d only known by their names", eml, odd)
	if odd*20 > eml {
		t.Errorf("%d of %d mails are not known by their content", odd, eml)
	}
}
