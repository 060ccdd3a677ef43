package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// letter is one message of the fixture: the statements are words of its text.
type letter struct {
	from, subject, text string
	role                trail.Role
	date                string
	said                []string
	kind                statement.Kind
	fact                string
}

var letters = []letter{
	{"Martin Hale", "Vienna trip", "Hello Nora,\n\nPlease book me London to Vienna on Tuesday 14 March,\nfirst flight out. Keep it under £260.\n\nMartin\n", trail.Client,
		"2023-03-02T09:12:00Z", []string{"Please book me London to Vienna on Tuesday 14 March,\nfirst flight out.", "Keep it under £260."}, statement.Instruction, "Tuesday 14 March"},
	{"Nora Lindqvist", "Re: Vienna trip", "Confirming: Tuesday 14 March.\n", trail.Us, "2023-03-02T09:53:00Z", []string{"Confirming: Tuesday 14 March."}, statement.Confirmation, "Tuesday 14 March"},
	{"Martin \u202eelaH", "=HYPERLINK(\"http://evil.example\")", "=1+1 is what it costs 👩\u200d💻.\nSo make that flight a day later. سلام\n", trail.Client,
		"2023-03-02T18:47:00+01:00", []string{"=1+1 is what it costs 👩\u200d💻.", "So make that flight a day later. سلام"}, statement.Change, "a day later"},
	{"Alpenair", "Your booking <script>alert(1)</script>", "'Quoted' & <b>booked</b>: Wed 15 March \u200e\u202e.\n", trail.Other, "2023-03-12T16:20:00Z",
		[]string{"'Quoted' & <b>booked</b>: Wed 15 March \u200e\u202e."}, statement.Delivery, "Wed 15 March"},
	{"", "", "", trail.Unknown, "", nil, "", ""},
}

// fixture is an input whose ledger, messages and times are always the same.
func fixture(t testing.TB) Input {
	t.Helper()
	dir := t.TempDir()
	clock := time.Date(2023, 3, 13, 7, 0, 0, 0, time.UTC)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{
		Origin: "desk.example/vault1", Rand: rand.NewChaCha8([32]byte{1}), Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(2023, 3, 13, 0, 0, 0, 0, time.UTC)
	tr := &trail.Trail{Schema: trail.Schema, Question: "which day did Martin want to fly?", Summary: trail.Summary{Text: "Martin moved the flight in writing on 2 March.", Statements: []int{1, 4}},
		Findings: []trail.Finding{{Type: trail.Contradiction, A: 1, B: 6, ExplainedBy: 5, Fact: statement.Date, Text: "1 says Tue 14 March, 6 says Wed 15 March."},
			{Type: trail.Unanswered, A: 2, Text: "No reply to 2 in the record."}},
		Gaps: []trail.Gap{{From: time.Date(2023, 3, 2, 18, 0, 0, 0, time.UTC), To: time.Date(2023, 3, 12, 16, 20, 0, 0, time.UTC), Days: 9}},
		Coverage: trail.Coverage{Absent: []string{"<gone@halearchitects.example>"}, Mailboxes: []trail.MailboxCoverage{{Address: "nora@deskandco.example", State: "up to date",
			Folders: []trail.FolderCoverage{{Name: "INBOX", Server: 5, Stored: 5, Indexed: 5, From: &first, To: &last, LastSync: &last}, {Name: "Spam", Excluded: true}}}}}}
	in := Input{Trail: tr, Title: "Vienna flight, March", Version: "0.1"}
	for i, x := range letters {
		var raw []byte
		if x.text != "" {
			raw = fmt.Appendf(nil, "From: %s <a%d@halearchitects.example>\r\nSubject: %s\r\n\r\n%s", x.from, i, x.subject, strings.ReplaceAll(x.text, "\n", "\r\n"))
		}
		ref := archive.Ref(sha256.Sum256(raw))
		date, _ := time.Parse(time.RFC3339, x.date)
		info := trail.MessageInfo{Ref: ref, MessageID: fmt.Sprintf("<m%d@halearchitects.example>", i), Date: date, From: x.from, To: []string{"nora@deskandco.example"},
			Subject: x.subject, Occurrences: []trail.Occurrence{{Mailbox: "nora@deskandco.example", Folder: "INBOX", UID: uint32(i + 1), Gone: i == 3}}}
		at, err := l.Append([]ledger.Fact{ledger.MsgSeen{Blob: ref.Hex(), Size: int64(len(raw)), Mailbox: 1, UIDValidity: 1, UID: uint32(i + 1), InternalDate: x.date}})
		if err != nil {
			t.Fatal(err)
		}
		in.Exhibits = append(in.Exhibits, Exhibit{Ref: ref, Info: info, Text: x.text, LedgerIndex: at,
			Open: func() (io.ReadCloser, int64, error) { return io.NopCloser(bytes.NewReader(raw)), int64(len(raw)), nil }})
		for _, q := range x.said {
			start := utf8.RuneCountInString(x.text[:strings.Index(x.text, q)])
			s := trail.Statement{ID: fmt.Sprintf("s-%d", len(tr.Entries)), Kind: x.kind, Confidence: 0.9, Quote: q, Start: start, End: start + utf8.RuneCountInString(q),
				Speaker: trail.Speaker{Name: x.from, Address: fmt.Sprintf("a%d@halearchitects.example", i), Role: x.role}, Message: info,
				Why: []statement.Reason{{Rule: "req.please", Weight: 1}}}
			if strings.Contains(q, x.fact) {
				s.Facts = []statement.Fact{{Type: statement.Date, Text: x.fact, Value: "2023-03-14"}}
			}
			e := trail.Entry{N: len(tr.Entries) + 1, Statement: s}
			if e.N > 2 {
				e.Links = []trail.Link{{Rel: trail.Confirms, N: 1}}
			}
			tr.Entries = append(tr.Entries, e)
		}
	}
	cp, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	tr.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
	in.Checkpoint, in.VKey, in.PublicKeyPEM = cp.Note, l.VKey(), l.PublicKeyPEM()
	if in.Signer, err = l.Signer(); err != nil {
		t.Fatal(err)
	}
	in.Client = "Hale Architects"
	in.People = trail.People{Us: []string{"nora@deskandco.example"}, Clients: []trail.Party{{Name: "Hale Architects", Domains: []string{"halearchitects.example"}}}}
	for i := range in.Exhibits {
		x := &in.Exhibits[i]
		if x.Line, err = l.Line(x.LedgerIndex); err != nil {
			t.Fatal(err)
		}
		if x.Proof, err = l.Prove(x.LedgerIndex); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func written(t testing.TB, in Input) ([]byte, Summary) {
	t.Helper()
	var b bytes.Buffer
	s, err := Write(&b, in)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), s
}

func verified(t testing.TB, b []byte) *Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type zipFile struct {
	name string
	data []byte
}

func unzip(t testing.TB, b []byte) []zipFile {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out []zipFile
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, zipFile{f.Name, data})
	}
	return out
}

func rezip(t testing.TB, fs []zipFile) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range fs {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(f.data)
	}
	z.Close()
	return b.Bytes()
}

// unpack lays a bundle out as a person would, and returns its folder.
func unpack(t testing.TB, fs []zipFile) string {
	t.Helper()
	dir := t.TempDir()
	root := ""
	for _, f := range fs {
		p := filepath.Join(dir, f.name)
		root = filepath.Join(dir, strings.SplitN(f.name, "/", 2)[0])
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, f.data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// stock makes a shell script of the commands for Linux in a bundle's VERIFY.txt.
// The script ends with status 0 when each prints what VERIFY.txt says it must.
func stock(t testing.TB, verify string) string {
	t.Helper()
	var s strings.Builder
	n := 0
	add := func(format string, args ...any) { n++; fmt.Fprintf(&s, format+" || exit 1\n", args...) }
	counts := regexp.MustCompile(`(find \S+ -type f .*\| wc -l)\s+must print (\d+)`)
	loop := regexp.MustCompile(`^for [a-z] in `)
	var rows string
	if m := regexp.MustCompile(`prints (\d+) of \d+`).FindStringSubmatch(verify); m != nil {
		rows = m[1]
	}
	for _, line := range strings.Split(verify, "\n") {
		line = strings.TrimSpace(line)
		cmd, linux := strings.CutPrefix(line, "Linux     ")
		switch m := counts.FindStringSubmatch(line); {
		case m != nil:
			add(`[ "$(%s)" -eq %s ]`, m[1], m[2])
		case linux && strings.Contains(cmd, "--quiet"):
			add(`out=$(%s 2>&1) && [ -z "$out" ]`, cmd)
		case loop.MatchString(line) && strings.Contains(line, "tools/check_"):
			files := regexp.MustCompile(`^for . in (\S+);`).FindStringSubmatch(line)[1]
			add(`out=$(%s 2>&1) && [ "$(echo "$out" | grep -c '^OK')" -eq "$(ls %s | wc -l)" ]`, line, files)
		case loop.MatchString(line) && strings.Contains(line, "openssl ts"):
			files := regexp.MustCompile(`^for . in (\S+);`).FindStringSubmatch(line)[1]
			add(`out=$(%s 2>&1); [ "$(echo "$out" | grep -c '^Verification: OK')" -eq "$(ls %s | wc -l)" ]`, strings.ReplaceAll(line, "root.pem", "$ROOT"), files)
		case strings.HasPrefix(line, "ssh-keygen"):
			add(`%s | grep -q '^Good "email-trail-bundle" signature for '`, line)
		case strings.HasPrefix(line, "qpdf "):
			add(`%s | grep -q 'No syntax or stream encoding errors found'`, line)
		case strings.HasPrefix(line, "pdfdetach "):
			add(`[ "$(%s)" = "0 embedded files" ]`, line)
		case strings.HasPrefix(line, "pdffonts "):
			add(`[ "$(%s | tail -n +3 | grep -vc ' yes yes yes ')" -eq 0 ]`, line)
		case strings.HasPrefix(line, "pdfinfo "):
			add(`[ "$(%s | grep -cE '^(Tagged: +yes|JavaScript: +no|Form: +none|Encrypted: +no)')" -eq 4 ]`, line)
		case loop.MatchString(line):
			add(`out=$(%s 2>&1); [ -z "$out" ]`, line)
		case strings.HasPrefix(line, "head -n 3 proof/"), strings.HasPrefix(line, "tail -n 1 proof/checkpoint"), strings.HasPrefix(line, "sed -n 5p proof/"):
			add("%s", strings.ReplaceAll(strings.ReplaceAll(line, "note.tmp", "$TMP/note"), "sig.tmp", "$TMP/sig"))
		case strings.HasPrefix(line, "openssl"):
			add(`%s | grep -q 'Signature Verified Successfully'`, strings.ReplaceAll(strings.ReplaceAll(line, "note.tmp", "$TMP/note"), "sig.tmp", "$TMP/sig"))
		case strings.HasPrefix(line, "python3 tools/check_quotes.py"):
			add(`[ "$(%s)" = "%s of %s quotes found word for word" ]`, line, rows, rows)
		}
	}
	if n < 14 {
		t.Fatalf("%d commands found in VERIFY.txt, want 14 or more:\n%s", n, &s)
	}
	return s.String()
}

func run(t testing.TB, dir, script string) error {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMP="+t.TempDir(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func tools(t testing.TB) {
	for _, n := range []string{"sha256sum", "python3", "openssl", "ssh-keygen", "qpdf", "pdfinfo", "find", "awk", "base64", "cmp", "unzip"} {
		if _, err := exec.LookPath(n); err != nil {
			t.Fatalf("this test needs %s: apt-get install coreutils findutils diffutils python3 openssl openssh-client qpdf poppler-utils unzip", n)
		}
	}
}

func TestWriteAndVerify(t *testing.T) {
	in := fixture(t)
	b, sum := written(t, in)
	r := verified(t, b)
	if !r.OK {
		t.Errorf("%s", strings.Join(r.Lines(), "\n"))
	}
	n := len(letters)
	if r.Originals != (Count{n, n}) || r.Proofs != (Count{n, n}) || r.Quotes.OK != len(in.Trail.Entries) || r.Files.Total != sum.Files-3 || !r.Sealed || r.TagSHA256 != sum.TagManifest {
		t.Errorf("%+v; summary %+v", r, sum)
	}
	if !strings.HasPrefix(sum.Root, "vienna-flight-march_2023-03-13_") || len(sum.Root) > 60 {
		t.Errorf("root %q", sum.Root)
	}
	files := map[string][]byte{}
	for _, f := range unzip(t, b) {
		files[strings.TrimPrefix(f.name, sum.Root+"/")] = f.data
	}
	for i, x := range in.Exhibits {
		rd, _, _ := x.Open()
		want, _ := io.ReadAll(rd)
		if got := files[fmt.Sprintf("data/eml/E%04d.eml", i+1)]; !bytes.Equal(got, want) {
			t.Errorf("exhibit %d: %q, want %q", i+1, got, want)
		}
	}
	for name, data := range files {
		if (strings.HasSuffix(name, ".json")) && !json.Valid(data) {
			t.Errorf("%s is not JSON", name)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(files["data/chronology.csv"])).ReadAll()
	if err != nil || len(rows) != len(in.Trail.Entries)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, name := range []string{"data/chronology.csv", "data/exhibits.csv"} {
		rows, err := csv.NewReader(bytes.NewReader(files[name])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, c := range row {
				if c != "" && strings.ContainsRune("=+-@", rune(c[0])) {
					t.Errorf("%s: the cell %q is a formula", name, c)
				}
			}
		}
	}
}

// unpacked writes a bundle, unpacks it with a stock tool and returns its folder and
// its VERIFY.txt.
func unpacked(t *testing.T, in Input) (root, verify string) {
	t.Helper()
	tools(t)
	b, sum := written(t, in)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.zip"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t, dir, "unzip -q b.zip"); err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(dir, sum.Root)
	text, err := os.ReadFile(filepath.Join(root, "VERIFY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return root, string(text)
}

// Check 17: VERIFY.txt from top to bottom, line by line, as it stands in the bundle.
func TestCheck17StockTools(t *testing.T) {
	root, verify := unpacked(t, fixture(t))
	if err := run(t, root, stock(t, verify)); err != nil {
		t.Error(err)
	}
}

// Check 1: whatever is changed, taken away or added is noticed by us and by stock tools.
func TestCheck01EveryByte(t *testing.T) {
	tools(t)
	b, _ := written(t, fixture(t))
	good := unzip(t, b)
	var verify string
	for _, f := range good {
		if strings.HasSuffix(f.name, "/VERIFY.txt") {
			verify = string(f.data)
		}
	}
	// The commands come from the good VERIFY.txt: who checks has read it once.
	script := stock(t, verify)
	root := strings.SplitN(good[0].name, "/", 2)[0]
	check := func(what string, fs []zipFile) {
		t.Helper()
		z := rezip(t, fs)
		r, err := Verify(bytes.NewReader(z), int64(len(z)))
		if err == nil && r.OK {
			t.Errorf("%s: Verify is content", what)
		}
		if err == nil && len(r.Problems) == 0 {
			t.Errorf("%s: nothing named", what)
		}
		if err := run(t, unpack(t, fs), script); err == nil {
			t.Errorf("%s: stock tools are content", what)
		}
	}
	for i, f := range good {
		if len(f.data) > 0 {
			bad := slices.Clone(good)
			bad[i].data = bytes.Clone(f.data)
			bad[i].data[len(f.data)/2] ^= 1
			check("flipped "+f.name, bad)
		}
		check("removed "+f.name, slices.Delete(slices.Clone(good), i, i+1))
	}
	for _, name := range []string{"data/eml/E0099.eml", "data/note.txt", "note.txt", "proof/E0099.entry", "seal/x"} {
		check("added "+name, append(slices.Clone(good), zipFile{root + "/" + name, []byte("x")}))
	}
}

// Every bit of the zip itself may be flipped: either it is refused, or the report
// says so, or no file has changed.
func TestFlippedZip(t *testing.T) {
	b, _ := written(t, fixture(t))
	for i := 0; i < len(b); i += 1499 {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		r, err := Verify(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("octet %d: %v", i, err)
			}
			continue
		}
		if r.OK && !cmp.Equal(unzip(t, bad), unzip(t, b), cmp.AllowUnexported(zipFile{})) {
			t.Errorf("octet %d: other files, and nothing said", i)
		}
	}
}

// Check 4 and 9: what a forger who makes the lists agree cannot do.
func TestCheck04Forgeries(t *testing.T) {
	b, _ := written(t, fixture(t))
	good := unzip(t, b)
	// rebag makes the manifests agree with what a forger put in.
	rebag := func(change func(name string, data []byte) []byte) []zipFile {
		fs := slices.Clone(good)
		root := strings.SplitN(fs[0].name, "/", 2)[0]
		for i := range fs {
			fs[i].data = change(strings.TrimPrefix(fs[i].name, root+"/"), fs[i].data)
		}
		list := func(payload bool) []byte {
			var m bytes.Buffer
			sorted := slices.Clone(fs)
			slices.SortFunc(sorted, func(a, b zipFile) int { return strings.Compare(a.name, b.name) })
			for _, f := range sorted {
				n := strings.TrimPrefix(f.name, root+"/")
				if strings.HasPrefix(n, "data/") == payload && n != tagManifest && n != tagManifest+".sig" && n != sealList {
					fmt.Fprintf(&m, "%x  %s\n", sha256.Sum256(f.data), n)
				}
			}
			return m.Bytes()
		}
		for _, m := range []string{"manifest-sha256.txt", tagManifest} {
			for i := range fs {
				if fs[i].name == root+"/"+m {
					fs[i].data = list(m == "manifest-sha256.txt")
				}
			}
		}
		return fs
	}
	for _, test := range []struct {
		name, kind string
		change     func(name string, data []byte) []byte
	}{
		{"message and its hash in the list", "proof", func(n string, d []byte) []byte {
			was := sha256.Sum256(good[slices.IndexFunc(good, func(f zipFile) bool { return strings.HasSuffix(f.name, "E0002.eml") })].data)
			swap := func(d []byte) []byte { return bytes.Replace(d, []byte("14 March"), []byte("15 March"), 1) }
			switch n {
			case "data/eml/E0002.eml":
				return swap(d)
			case "data/exhibits.csv":
				src := good[slices.IndexFunc(good, func(f zipFile) bool { return strings.HasSuffix(f.name, "E0002.eml") })].data
				return bytes.ReplaceAll(d, fmt.Appendf(nil, "%x", was), fmt.Appendf(nil, "%x", sha256.Sum256(swap(src))))
			}
			return d
		}},
		{"message alone", "altered", func(n string, d []byte) []byte {
			if n == "data/eml/E0002.eml" {
				return bytes.Replace(d, []byte("14 March"), []byte("15 March"), 1)
			}
			return d
		}},
		{"quote", "quote", func(n string, d []byte) []byte {
			if n == "data/chronology.csv" {
				return bytes.Replace(d, []byte("Confirming: Tuesday 14"), []byte("Confirming: Tuesday 15"), 1)
			}
			return d
		}},
		{"quote and text", "quote", func(n string, d []byte) []byte {
			if n == "data/chronology.csv" || n == "data/text/E0002.txt" {
				return bytes.Replace(d, []byte("Confirming: Tuesday 14"), []byte("Confirming: Tuesday 15"), 1)
			}
			return d
		}},
		{"checkpoint size", "checkpoint", func(n string, d []byte) []byte {
			if n == "proof/checkpoint" {
				return bytes.Replace(d, []byte("\n6\n"), []byte("\n7\n"), 1)
			}
			return d
		}},
		{"entry", "proof", func(n string, d []byte) []byte {
			if n == "proof/E0001.entry" {
				return bytes.Replace(d, []byte(`"uid":1`), []byte(`"uid":9`), 1)
			}
			return d
		}},
		{"added line in a manifest", "bag", func(n string, d []byte) []byte {
			if n == "bagit.txt" {
				return []byte("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")
			}
			return d
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := verified(t, rezip(t, rebag(test.change)))
			if r.OK || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Kind == test.kind }) {
				t.Errorf("%s", strings.Join(r.Lines(), "\n"))
			}
		})
	}
	if r := verified(t, rezip(t, rebag(func(_ string, d []byte) []byte { return d }))); !r.OK {
		t.Errorf("unchanged: %s", strings.Join(r.Lines(), "\n"))
	}
}

func TestDeterministic(t *testing.T) {
	a, _ := written(t, fixture(t))
	t.Setenv("TZ", "Asia/Manila")
	b, _ := written(t, fixture(t))
	if !bytes.Equal(a, b) {
		t.Error("two bundles of the same state differ")
	}
	in := fixture(t)
	in.Profile = "insurer"
	if c, _ := written(t, in); bytes.Equal(a, c) {
		t.Error("another profile gives the same bytes")
	} else if r := verified(t, c); !r.OK {
		t.Errorf("%v", r.Lines())
	}
}

func TestRefusesToWrite(t *testing.T) {
	for name, spoil := range map[string]func(*Input){
		"a quote that is not there":    func(in *Input) { in.Trail.Entries[0].Statement.Quote = "Please do not book" },
		"a quote elsewhere":            func(in *Input) { in.Trail.Entries[0].Statement.Start++ },
		"a message that is no exhibit": func(in *Input) { in.Exhibits = in.Exhibits[1:] },
		"the same message twice":       func(in *Input) { in.Exhibits = append(in.Exhibits, in.Exhibits[0]) },
		"another message's entry":      func(in *Input) { in.Exhibits[0].Line, in.Exhibits[0].Proof = in.Exhibits[1].Line, in.Exhibits[1].Proof },
		"no proof":                     func(in *Input) { in.Exhibits[0].Proof = nil },
		"another checkpoint":           func(in *Input) { in.Trail.Coverage.Checkpoint.Size++ },
		"no checkpoint":                func(in *Input) { in.Trail.Coverage.Checkpoint = nil },
		"another key":                  func(in *Input) { in.PublicKeyPEM = []byte("x") },
		"an altered message": func(in *Input) {
			in.Exhibits[0].Open = func() (io.ReadCloser, int64, error) { return io.NopCloser(strings.NewReader("x")), 1, nil }
		},
		"text that is not UTF-8": func(in *Input) { in.Exhibits[4].Text = "\xff" },
	} {
		in := fixture(t)
		spoil(&in)
		if _, err := Write(io.Discard, in); !errors.Is(err, ErrUnsound) {
			t.Errorf("%s: %v, want ErrUnsound", name, err)
		}
	}
	in := fixture(t)
	in.Profile = "press"
	if _, err := Write(io.Discard, in); err == nil || !strings.Contains(err.Error(), "court-us") {
		t.Errorf("profile: %v", err)
	}
}

func TestEmptyTrail(t *testing.T) {
	in := fixture(t)
	in.Trail.Entries, in.Trail.Findings, in.Trail.Gaps, in.Exhibits = []trail.Entry{}, []trail.Finding{}, []trail.Gap{}, nil
	in.Title = "名前"
	b, sum := written(t, in)
	if r := verified(t, b); !r.OK {
		t.Errorf("%v", r.Lines())
	}
	if !strings.HasPrefix(sum.Root, "trail_") {
		t.Errorf("root %q", sum.Root)
	}
}

func TestPage(t *testing.T) {
	in := fixture(t)
	b, sum := written(t, in)
	var page, readme string
	var print []byte
	for _, f := range unzip(t, b) {
		switch strings.TrimPrefix(f.name, sum.Root+"/") {
		case "data/chronology.html":
			page = string(f.data)
		case "data/bundle.pdf":
			print = f.data
		case "READ-ME-FIRST.txt":
			readme = string(f.data)
		}
	}
	for _, want := range []string{
		"<mark title=\"2023-03-14\">Tuesday 14 March</mark>", "explained by 5", "No mail between the people of this trail for 9 days",
		"Thursday 2 March 2023", ">09:12<", "⟨U&#43;202E⟩", "👩\u200d💻", "E0003", "third party", "Left out on purpose", "no longer on the server",
		"1 message that kept mail refers to is not kept", "desk.example/vault1", "&lt;script&gt;", "&lt;b&gt;booked&lt;/b&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "\u202e", "ZgotmplZ", "<img", "<link", "javascript:"} {
		if strings.Contains(strings.ReplaceAll(page, "http://evil.example", ""), never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if !strings.Contains(readme, "5 messages") || !strings.Contains(readme, "13 March 2023, 07:00 UTC") {
		t.Errorf("%s", readme)
	}
	if p := os.Getenv("INWRITING_PAGE"); p != "" {
		os.WriteFile(p, []byte(page), 0o644)
		os.WriteFile(p+".pdf", print, 0o644)
	}
}
