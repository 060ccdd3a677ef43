package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/search/trail"
)

// withOutside is an input of no message and one file from outside.
func withOutside(t *testing.T) Input {
	t.Helper()
	dir := t.TempDir()
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw := []byte("Martin: make it the 15th\n")
	ref := archive.Ref(sha256.Sum256(raw))
	at, err := l.Append([]ledger.Fact{ledger.MatterExhibit{Matter: "vienna-flight", Blob: ref.Hex(), Size: int64(len(raw)), Name: "../chat é (1).txt", Media: "text/plain"}})
	if err != nil {
		t.Fatal(err)
	}
	cp, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	x := Outside{Ref: ref, Name: "../chat é (1).txt", Note: "=sent <by> phone", Taken: time.Date(2023, 3, 13, 7, 0, 0, 0, time.UTC), LedgerIndex: at,
		Open: func() (io.ReadCloser, int64, error) { return io.NopCloser(bytes.NewReader(raw)), int64(len(raw)), nil }}
	if x.Line, err = l.Line(at); err != nil {
		t.Fatal(err)
	}
	if x.Proof, err = l.Prove(at); err != nil {
		t.Fatal(err)
	}
	tr := &trail.Trail{Schema: trail.Schema, Question: "which day?", Entries: []trail.Entry{}, Findings: []trail.Finding{}, Gaps: []trail.Gap{},
		LeftOut:  []trail.LeftOut{{Statement: "s-7k2q000000", Ref: ref.String(), Date: time.Date(2023, 3, 2, 9, 12, 0, 0, time.UTC), Reason: "private & not about the work"}},
		Coverage: trail.Coverage{Checkpoint: &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}}}
	return Input{Trail: tr, Title: "Vienna flight", Version: "0.1", Outside: []Outside{x}, Checkpoint: cp.Note, VKey: l.VKey(), PublicKeyPEM: l.PublicKeyPEM()}
}

// Files from outside are looked through like messages.
func TestCheck14Outside(t *testing.T) {
	in := withOutside(t)
	in.Outside[0].Media = "text/plain"
	in.People.Clients = []trail.Party{{Name: "Martin"}, {Name: "Hale Architects"}}
	in.Client = "Hale Architects"
	_, err := Write(io.Discard, in)
	var held *HeldError
	if !errors.As(err, &held) || held.Holds[0].Where != "file from outside" {
		t.Fatalf("%v", err)
	}
	in.Decisions = []Decision{{ID: held.Holds[0].ID, Withhold: true, Reason: "theirs"}}
	b, sum := written(t, in)
	if r := verified(t, b); !r.OK || r.Originals.Total != 0 || sum.Withheld != 1 {
		t.Errorf("%v", r.Lines())
	}
	in.Decisions = nil
	in.People.Clients = nil
	in.Redactions = []Redaction{{Words: "the 15th", Reason: "date"}}
	if _, err := Write(io.Discard, in); !errors.Is(err, ErrRedaction) {
		t.Errorf("%v, want ErrRedaction", err)
	}
}

func TestOutside(t *testing.T) {
	b, _ := written(t, withOutside(t))
	if r := verified(t, b); !r.OK || r.Originals != (Count{1, 1}) || r.Proofs != (Count{1, 1}) {
		t.Fatalf("%v", r.Lines())
	}
	good := unzip(t, b)
	find := func(part string) int {
		i := slices.IndexFunc(good, func(f zipFile) bool { return strings.Contains(f.name, part) })
		if i < 0 {
			t.Fatalf("no file %q in the bundle", part)
		}
		return i
	}
	if name := good[find("data/outside/")].name; !strings.HasSuffix(name, "/data/outside/X0001-chat----1.txt") {
		t.Errorf("the file is called %q", name)
	}
	page := string(good[find("chronology.html")].data)
	for _, want := range []string{"../chat é (1).txt", "=sent &lt;by&gt; phone", "A statement of 2 March 2023, 09:12 UTC was left out: private &amp; not about the work"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if idx := string(good[find("bundle.json")].data); !strings.Contains(idx, `"left_out"`) || !strings.Contains(idx, `"X0001"`) {
		t.Errorf("bundle.json: %s", idx)
	}

	// Other octets under the same number, with list and manifests made to agree.
	fs := slices.Clone(good)
	file, table := find("data/outside/"), find("outside.csv")
	was := sha256.Sum256(fs[file].data)
	fs[file].data = []byte("Martin: make it the 14th\n")
	now := sha256.Sum256(fs[file].data)
	oldTable := sha256.Sum256(fs[table].data)
	fs[table].data = bytes.ReplaceAll(fs[table].data, fmt.Appendf(nil, "%x", was), fmt.Appendf(nil, "%x", now))
	newTable := sha256.Sum256(fs[table].data)
	m := slices.IndexFunc(fs, func(f zipFile) bool { return strings.HasSuffix(f.name, "/manifest-sha256.txt") })
	for _, x := range [][2][32]byte{{was, now}, {oldTable, newTable}} {
		fs[m].data = bytes.ReplaceAll(fs[m].data, fmt.Appendf(nil, "%x", x[0]), fmt.Appendf(nil, "%x", x[1]))
	}
	r := verified(t, rezip(t, fs))
	if r.OK || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Kind == "proof" && strings.Contains(p.File, "X0001") }) {
		t.Errorf("another file under the same number: %v", r.Lines())
	}
	// One that no list names.
	extra := append(slices.Clone(good), zipFile{strings.Replace(good[file].name, "X0001", "X0002", 1), []byte("more")})
	if r := verified(t, rezip(t, extra)); r.OK {
		t.Error("a file that was added is not noticed")
	}
}

func TestOutsideIsNoMessage(t *testing.T) {
	in := withOutside(t)
	x := in.Outside[0]
	in.Outside = nil
	in.Exhibits = []Exhibit{{Ref: x.Ref, Open: x.Open, LedgerIndex: x.LedgerIndex, Line: x.Line, Proof: x.Proof}}
	if _, err := Write(io.Discard, in); err == nil || !strings.Contains(err.Error(), "not of a message") {
		t.Errorf("a file from outside as a message: %v", err)
	}
}

func TestOutsideWithStockTools(t *testing.T) {
	root, verify := unpacked(t, withOutside(t))
	n := 0
	for line := range strings.Lines(verify) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "for e in proof/X") {
			n++
			if err := run(t, root, `out=$(`+line+` 2>&1); case "$out" in *BAD*) echo "$out"; exit 1;; esac`); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d commands for files from outside in VERIFY.txt, want 2:\n%s", n, verify)
	}
}

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"chat.png": "chat.png", "Chat export (2).PDF": "Chat-export--2.PDF", ".hidden": "file.hidden", "": "file", "名前": "file",
		"a" + strings.Repeat("b", 200) + ".txt": "a" + strings.Repeat("b", 59) + ".txt", "x.tar.gz": "x-tar.gz",
	} {
		if got := safeName(in); got != want || !safePath("r/data/outside/X0001-"+got) {
			t.Errorf("safeName(%q) = %q, want %q", in, got, want)
		}
	}
}
