package importer

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inwriting/indexer/archive"
	"inwriting/indexer/corpora"
)

func emlxFile(text, flags string) string {
	return strconv.Itoa(len(text)) + "       \n" + text + "<?xml version=\"1.0\"?><plist><dict><key>flags</key>\n<integer>" + flags + "</integer></dict></plist>"
}

// Apple Mail's messages keep their octets and lose what is between a folder and
// them on the disk.
func TestEMLX(t *testing.T) {
	const id = "/3C0A1E2B-0000-4000-8000-1234567890AB/Data"
	dir := plant(t, map[string]string{
		"INBOX.mbox" + id + "/Messages/1.emlx":                  emlxFile(mailA, "8590195713"),
		"Work.mbox/Hale.mbox" + id + "/3/1/Messages/2.emlx":     emlxFile(mailB, "84"),
		"Work.mbox/Hale.mbox" + id + "/Messages/3.partial.emlx": emlxFile("Subject: p\n\nx\n", "0"),
		"cut.emlx": "500\nSubject: c\n\nshort",
	})
	items, res, err := collect(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []got{
		{"INBOX.mbox" + id + "/Messages/1.emlx", "INBOX", `\Seen`, mailA},
		{"Work.mbox/Hale.mbox" + id + "/3/1/Messages/2.emlx", "Work/Hale", `\Answered \Flagged \Draft`, mailB},
		{"Work.mbox/Hale.mbox" + id + "/Messages/3.partial.emlx", "Work/Hale", "", "Subject: p\n\nx\n"},
		{"cut.emlx", filepath.Base(dir), "", "Subject: c\n\nshort"},
	}
	if d := cmp.Diff(want, items); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(res.Skipped) != 2 || !strings.Contains(res.Skipped[0].Reason, "attachments") || !strings.Contains(res.Skipped[1].Reason, "cut short") || res.Converted != 0 {
		t.Errorf("%+v", res)
	}
}

// originals are the items with what they were made from.
func originals(t *testing.T, path string) (items []Item, texts []string, res Result, err error) {
	t.Helper()
	stage, err := archive.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	res, err = Run(t.Context(), path, stage, Options{}, func(it Item) error {
		r, err := it.Blob.Open()
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		r.Close()
		it.Blob.Discard()
		if o := it.Original; o != nil && o.Blob != nil {
			if o.Blob.Ref().Hex() != o.Hash || o.Blob.Size() != o.Size {
				t.Errorf("%s: the original is another one", it.Path)
			}
			o.Blob.Discard()
		}
		items, texts = append(items, it), append(texts, string(b))
		return err
	})
	return items, texts, res, err
}

func TestMSG(t *testing.T) {
	file, err := os.ReadFile("../outlook/testdata/invented.msg")
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(file)
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	f, _ := w.Create("Export/Hale/1.msg")
	f.Write(file)
	w.Close()
	dir := plant(t, map[string]string{"a.msg": string(file), "b.doc": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "z.zip": z.String()})
	items, texts, res, err := originals(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if res.Messages != 2 || res.Converted != 2 || len(items) != 2 || texts[0] != texts[1] || items[1].Folder != "Export/Hale" || items[0].Date.IsZero() {
		t.Errorf("%+v %+v", res, items)
	}
	want := &Original{Hash: hex.EncodeToString(h[:]), Size: int64(len(file)), Form: "msg", By: "inwriting/outlook 1"}
	if d := cmp.Diff(want, items[0].Original, cmpopts.IgnoreFields(Original{}, "Blob")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if !strings.HasPrefix(texts[0], "X-Inwriting-Converted: ") || !strings.Contains(texts[0], want.Hash) {
		t.Errorf("it does not say that it is a conversion:\n%.300s", texts[0])
	}
	var reasons []string
	for _, s := range res.Skipped {
		reasons = append(reasons, s.Path+": "+s.Reason)
	}
	if all := strings.Join(reasons, "\n"); !strings.Contains(all, "link.doc") || !strings.Contains(all, "b.doc: not a message of Outlook") {
		t.Errorf("%s", all)
	}
}

func TestPST(t *testing.T) {
	pst := corpora.Path(t, "corpora", "attachments/outlook/testPST.pst")
	if _, err := exec.LookPath("readpst"); err != nil {
		t.Fatal("readpst is not installed; on Debian: apt-get install pst-utils")
	}
	items, texts, res, err := originals(t, pst)
	if err != nil {
		t.Fatal(err)
	}
	if res.Kind != PST || len(items) == 0 || res.Converted != len(items) {
		t.Fatalf("%+v", res)
	}
	// readpst draws its boundaries by the clock, in seconds.
	for first := time.Now().Unix(); time.Now().Unix() == first; {
		time.Sleep(10 * time.Millisecond)
	}
	again, texts2, _, err := originals(t, pst)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(texts, texts2); d != "" {
		t.Errorf("a second time gives other octets:\n%s", d)
	}
	for i, it := range items {
		if it.Original == nil || it.Original.Blob != nil || it.Original.Form != "pst" || it.Path != again[i].Path || !strings.HasPrefix(texts[i], "X-Inwriting-Converted: ") {
			t.Errorf("%+v", it)
		}
		t.Logf("%s in %q", it.Path, it.Folder)
	}
	// One without mail says so, and one that is cut short what to do; the rest comes.
	b, err := os.ReadFile(pst)
	if err != nil {
		t.Fatal(err)
	}
	dir := plant(t, map[string]string{"cut.pst": string(b[:len(b)/2]), "ok.eml": mailA})
	if items, _, err := collect(t, dir, Options{}); len(items) == 0 || err != nil && !strings.Contains(err.Error(), "scanpst") {
		t.Errorf("beside one that is cut short: %d items, %v", len(items), err)
	}
	_, _, res, err = originals(t, corpora.Path(t, "corpora", "attachments/outlook/32-bit.pst"))
	if res.Messages != 0 || len(res.Skipped) != 1 || !strings.Contains(res.Skipped[0].Reason, "no mail in it") {
		t.Errorf("one without mail: %+v, %v", res, err)
	}
}

// Without the program that reads it, a data file is named with what to do.
func TestNoReadpst(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := plant(t, map[string]string{"a.pst": "!BDN and more", "b.eml": mailA})
	items, _, err := collect(t, dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "apt-get install pst-utils") || len(items) != 1 {
		t.Errorf("%d items, %v", len(items), err)
	}
}

func FuzzEMLX(f *testing.F) {
	f.Add([]byte(emlxFile(mailA, "1")))
	f.Add([]byte("12\nSubject: x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, rest, ok := emlxLength(b)
		if ok && (n <= 0 || !bytes.HasSuffix(b, rest)) {
			t.Errorf("%d, %q of %q", n, rest, b)
		}
		emlxFlags(b)
	})
}
