package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/search/trail"
)

//go:embed files
var files embed.FS

// Write writes the bundle as a zip to w. Messages are streamed: one of 150 MB is
// never in memory. Everything that Verify will look at is checked first or on the
// way; where it does not hold, the error is ErrUnsound and what was written is
// not a bundle.
func Write(w io.Writer, in Input) (Summary, error) {
	b, err := gather(in)
	if err != nil {
		return Summary{}, fmt.Errorf("writing bundle: %w", err)
	}
	if err := b.write(w); err != nil {
		return Summary{}, fmt.Errorf("writing bundle: %w", err)
	}
	return b.sum, nil
}

// file is one file of the bag: its content, or where to read it.
type file struct {
	path string
	data []byte
	ex   *exhibit // for .eml, and files from outside
	sum  [sha256.Size]byte
	size int64
}

// exhibit is an Exhibit with its number.
type exhibit struct {
	Exhibit
	name    string // E0001
	size    int64
	textSum [sha256.Size]byte
	runes   int
}

type bag struct {
	in       Input
	time     time.Time
	cp       ledger.Checkpoint
	exhibits []*exhibit
	outside  []*exhibit // Ref, Open, Line and Proof are set
	byRef    map[archive.Ref]*exhibit
	files    map[string]*file
	sum      Summary
}

func unsound(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsound, fmt.Sprintf(format, args...))
}

func gather(in Input) (*bag, error) {
	if in.Profile == "" {
		in.Profile = "client"
	}
	if !slices.Contains(Profiles, in.Profile) {
		return nil, fmt.Errorf("profile %q: want one of %s", in.Profile, strings.Join(Profiles, ", "))
	}
	if in.Trail == nil || in.Trail.Coverage.Checkpoint == nil {
		return nil, unsound("the trail has no checkpoint in its coverage")
	}
	if in.Title == "" {
		in.Title = in.Trail.Question
	}
	in.VKey = strings.TrimSpace(in.VKey)
	b := &bag{in: in, byRef: map[archive.Ref]*exhibit{}, files: map[string]*file{}}
	var err error
	if b.cp, err = ledger.ParseCheckpoint(in.Checkpoint, in.VKey); err != nil {
		return nil, unsound("%v", err)
	}
	pem, err := ledger.PublicKeyPEM(in.VKey)
	if err != nil || !bytes.Equal(pem, in.PublicKeyPEM) {
		return nil, unsound("the public key is not the one of %q", in.VKey)
	}
	// The size a zip can date: 1980 is the first year of its clock.
	b.time = in.Trail.Coverage.Checkpoint.Time.UTC().Truncate(time.Second)
	if b.time.Year() < 1980 {
		return nil, unsound("the checkpoint has no time")
	}
	if c := in.Trail.Coverage.Checkpoint; c.Size != b.cp.Size || c.Root != b.cp.Root || c.Origin != b.cp.Origin {
		return nil, unsound("the coverage names another checkpoint (%d entries) than the one that is signed (%d)", c.Size, b.cp.Size)
	}
	for i := range in.Exhibits {
		if err := b.exhibit(i); err != nil {
			return nil, err
		}
	}
	for i := range in.Outside {
		if err := b.takeOutside(i); err != nil {
			return nil, err
		}
	}
	for _, e := range in.Trail.Entries {
		s := &e.Statement
		x := b.byRef[s.Message.Ref]
		if x == nil {
			return nil, unsound("entry %d quotes message %s, which is no exhibit", e.N, s.Message.Ref)
		}
		if got, ok := runeSlice(x.Text, s.Start, s.End); !ok || got != s.Quote {
			return nil, unsound("the quote of entry %d is not in the text of message %s at characters %d to %d", e.N, s.Message.Ref, s.Start, s.End)
		}
	}
	if err := b.payload(); err != nil {
		return nil, err
	}
	return b, b.tags()
}

func (b *bag) exhibit(i int) error {
	x := &exhibit{Exhibit: b.in.Exhibits[i], name: fmt.Sprintf("E%04d", i+1)}
	if !utf8.ValidString(x.Text) {
		return unsound("the text of message %s is not UTF-8", x.Ref) // its offsets would mean nothing
	}
	x.runes = utf8.RuneCountInString(x.Text)
	x.textSum = sha256.Sum256([]byte(x.Text))
	if b.byRef[x.Ref] != nil {
		return unsound("message %s is an exhibit twice", x.Ref)
	}
	if err := checkEntry(x.Line, x.Proof, b.in.VKey, x.Ref.Hex(), b.cp, false); err != nil {
		return unsound("%s: %v", x.Ref, err)
	}
	r, size, err := x.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", x.Ref, err)
	}
	r.Close()
	x.size = size
	b.exhibits = append(b.exhibits, x)
	b.byRef[x.Ref] = x
	return nil
}

// checkEntry checks that line is the entry of a message with this hash, or of a file
// from outside, and is proved to be in the tree of cp.
func checkEntry(line, proof []byte, vkey, hash string, cp ledger.Checkpoint, outside bool) error {
	p, err := ledger.VerifyProof(proof, line, vkey)
	if err != nil {
		return err
	}
	if !bytes.Equal(p.Checkpoint.Note, cp.Note) {
		return fmt.Errorf("its proof ends in another checkpoint, of %d entries", p.Checkpoint.Size)
	}
	e, err := ledger.Decode(line)
	if err != nil {
		return err
	}
	if outside {
		x, ok := e.Fact.(ledger.MatterExhibit)
		if !ok {
			return fmt.Errorf("its ledger entry is of type %q, not of an exhibit", e.Type)
		}
		if x.Blob != hash {
			return fmt.Errorf("its ledger entry is that of another exhibit, %s", x.Blob)
		}
		return nil
	}
	seen, ok := e.Fact.(ledger.MsgSeen)
	if !ok {
		return fmt.Errorf("its ledger entry is of type %q, not of a message", e.Type)
	}
	if seen.Blob != hash {
		return fmt.Errorf("its ledger entry is that of another message, %s", seen.Blob)
	}
	return nil
}

// runeSlice cuts s by code points.
func runeSlice(s string, start, end int) (string, bool) {
	if start < 0 || end < start {
		return "", false
	}
	from, n := -1, 0
	for i := range s {
		if n == start {
			from = i
		}
		if n == end {
			return s[from:i], true
		}
		n++
	}
	if n == start {
		from = len(s)
	}
	if n == end && from >= 0 {
		return s[from:], true
	}
	return "", false
}

func (b *bag) add(path string, data []byte) {
	b.files[path] = &file{path: path, data: data, sum: sha256.Sum256(data), size: int64(len(data))}
}

func (b *bag) addJSON(path string, v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	b.add(path, buf.Bytes())
	return nil
}

func (b *bag) payload() error {
	for _, x := range b.exhibits {
		b.files["data/eml/"+x.name+".eml"] = &file{path: "data/eml/" + x.name + ".eml", ex: x, sum: x.Ref, size: x.size}
		b.add("data/text/"+x.name+".txt", []byte(x.Text))
	}
	if len(b.outside) > 0 {
		for _, x := range b.outside {
			b.files[x.path()] = &file{path: x.path(), ex: x, sum: x.Ref, size: x.size}
		}
		b.add(outsideTable, b.outsideRows())
	}
	b.add("data/chronology.csv", b.chronology())
	b.add("data/exhibits.csv", b.exhibitTable())
	view := b.view()
	page, err := b.page(view)
	if err != nil {
		return err
	}
	b.add("data/chronology.html", page)
	print, err := b.printed(view)
	if err != nil {
		return err
	}
	b.add("data/chronology.pdf", print)
	if err := b.addJSON("data/coverage.json", b.in.Trail.Coverage); err != nil {
		return err
	}
	return b.addJSON("data/trail.json", b.in.Trail)
}

var chronologyColumns = []string{"row", "when_utc", "when_local", "who", "address", "role", "kind", "quote", "exhibit",
	"text_sha256", "start", "end", "links", "facts", "by"}

func (b *bag) chronology() []byte {
	var t table
	t.row(chronologyColumns...)
	for _, e := range b.in.Trail.Entries {
		s := e.Statement
		x := b.byRef[s.Message.Ref]
		var links, facts, rules []string
		for _, l := range e.Links {
			links = append(links, fmt.Sprintf("%s %d", l.Rel, l.N))
		}
		for _, f := range s.Facts {
			facts = append(facts, plain(fmt.Sprintf("%s: %s", f.Type, f.Value)))
		}
		for _, w := range s.Why {
			rules = append(rules, w.Rule)
		}
		t.row(strconv.Itoa(e.N), utc(s.Message.Date), local(s.Message.Date), plain(s.Speaker.Name), plain(s.Speaker.Address), string(s.Speaker.Role),
			string(s.Kind), s.Quote, x.name, hex.EncodeToString(x.textSum[:]), strconv.Itoa(s.Start), strconv.Itoa(s.End),
			strings.Join(links, "; "), strings.Join(facts, "; "), strings.Join(rules, " "))
	}
	return []byte(t.b.String())
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (b *bag) exhibitTable() []byte {
	var t table
	t.row("exhibit", "sha256", "size", "message_id", "from", "to", "subject", "date_utc", "date_local", "mailbox", "folder", "uid",
		"gone_from_server", "places", "ledger_index", "entry_sha256", "text_sha256")
	for _, x := range b.exhibits {
		var mailbox, folder, uid, gone string
		if o := x.Info.Occurrences; len(o) > 0 {
			mailbox, folder, uid, gone = o[0].Mailbox, o[0].Folder, fmt.Sprint(o[0].UID), fmt.Sprint(o[0].Gone)
		}
		entry := sha256.Sum256(x.Line)
		t.row(x.name, x.Ref.Hex(), strconv.FormatInt(x.size, 10), plain(x.Info.MessageID), plain(x.Info.From), plain(strings.Join(x.Info.To, ", ")),
			plain(x.Info.Subject), utc(x.Info.Date), local(x.Info.Date), plain(mailbox), plain(folder), uid, gone, strconv.Itoa(len(x.Info.Occurrences)),
			strconv.FormatInt(x.LedgerIndex, 10), hex.EncodeToString(entry[:]), hex.EncodeToString(x.textSum[:]))
	}
	return []byte(t.b.String())
}

// index is bundle.json.
type index struct {
	Format  string `json:"format"`
	Tool    tool   `json:"tool"`
	Title   string `json:"title"`
	Profile string `json:"profile"`
	AsOf    string `json:"as_of"`

	Question   string            `json:"question"`
	Summary    trail.Summary     `json:"summary"`
	Checkpoint *trail.Checkpoint `json:"checkpoint"`
	Key        string            `json:"key"`
	Selection  string            `json:"selection_sha256"`
	Exhibits   []indexExhibit    `json:"exhibits"`
	Rows       int               `json:"chronology_rows"`
	Findings   []trail.Finding   `json:"findings"`
	Gaps       []trail.Gap       `json:"gaps"`
	Redacted   bool              `json:"redacted"`
	Outside    []indexOutside    `json:"outside,omitempty"`
	LeftOut    []trail.LeftOut   `json:"left_out,omitempty"`
}

type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type indexExhibit struct {
	Exhibit     string `json:"exhibit"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	LedgerIndex int64  `json:"ledger_index"`
	Characters  int    `json:"text_characters"`
}

// selection names what was chosen: the question, whom it is for, and the messages.
func (b *bag) selection() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n%q\n%q\n", b.in.Trail.Question, b.in.Title, b.in.Profile)
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		fmt.Fprintln(h, x.Ref.Hex())
	}
	return [sha256.Size]byte(h.Sum(nil))
}

var profileNotes = map[string]string{
	"client":    "",
	"insurer":   "It is made for your insurer. Do not send it to the other side before your insurer\nagrees. It states no opinion on liability.",
	"court":     "It is made for a court. Check the page limits and the form that your court asks for;\nthe chronology is a paginated PDF, the messages are not.",
	"court-us":  "It is made for a court in the United States. A certificate under FRE 902(13) or (14)\nhas to be written and signed by a person; it is not in here.",
	"solicitor": "It is made for a solicitor: everything is in here, including the tables.",
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (b *bag) tags() error {
	cp := b.in.Trail.Coverage.Checkpoint
	sel := b.selection()
	name := fmt.Sprintf("%s_%s_%x", slug(b.in.Title, 36), b.time.Format(time.DateOnly), sel[:4])
	b.sum.Root = name

	b.add("proof/checkpoint", b.in.Checkpoint)
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		b.add("proof/"+x.name+".entry", x.Line)
		b.add("proof/"+x.name+".tlog-proof", x.Proof)
	}
	b.add("seal/log.vkey", []byte(b.in.VKey+"\n"))
	b.add("seal/log.pub.pem", b.in.PublicKeyPEM)
	for _, n := range []string{"check_proof.py", "check_quotes.py"} {
		data, err := files.ReadFile("files/" + n)
		if err != nil {
			return err
		}
		b.add("tools/"+n, data)
	}
	idx := index{Format: Format, Tool: tool{"inwriting", b.in.Version}, Title: b.in.Title, Profile: b.in.Profile, AsOf: utc(b.time),
		Question: b.in.Trail.Question, Summary: b.in.Trail.Summary, Checkpoint: cp, Key: b.in.VKey, Selection: hex.EncodeToString(sel[:]),
		Exhibits: []indexExhibit{}, Rows: len(b.in.Trail.Entries), Findings: b.in.Trail.Findings, Gaps: b.in.Trail.Gaps, LeftOut: b.in.Trail.LeftOut}
	for _, x := range b.outside {
		idx.Outside = append(idx.Outside, indexOutside{x.name, x.path(), x.Ref.Hex(), x.size, x.LedgerIndex})
	}
	for _, x := range b.exhibits {
		idx.Exhibits = append(idx.Exhibits, indexExhibit{x.name, x.Ref.Hex(), x.size, x.LedgerIndex, x.runes})
	}
	if err := b.addJSON("bundle.json", idx); err != nil {
		return err
	}

	var payload []string
	var octets int64
	for p, f := range b.files {
		if strings.HasPrefix(p, "data/") {
			payload = append(payload, p)
			octets += f.size
		}
	}
	// RFC 8493 section 2.1.1, 2.2.2.
	b.add("bagit.txt", []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"))
	var info strings.Builder
	for _, l := range [][2]string{
		{"Bag-Software-Agent", "inwriting " + b.in.Version},
		{"Bagging-Date", b.time.Format(time.DateOnly)},
		{"External-Description", plain(b.in.Title)},
		{"External-Identifier", fmt.Sprintf("%s/%d", b.cp.Origin, b.cp.Size)},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", octets, len(payload))},
	} {
		fmt.Fprintf(&info, "%s: %s\n", l[0], plain(l[1]))
	}
	b.add("bag-info.txt", []byte(info.String()))
	b.add("manifest-sha256.txt", b.manifest(func(p string) bool { return strings.HasPrefix(p, "data/") }))

	title := plain(b.in.Title)
	words := map[string]any{
		"Title": title, "Rule": strings.Repeat("=", min(72, utf8.RuneCountInString(title))),
		"Outside": len(b.outside), "Exhibits": plural(len(b.exhibits), "message", "messages"), "Version": b.in.Version,
		"AsOf": b.time.Format("2 January 2006, 15:04") + " UTC", "Note": profileNotes[b.in.Profile],
		"VKey": b.in.VKey, "Rows": len(b.in.Trail.Entries), "Token": visible("\u202E", ""),
		"PayloadFiles": len(payload), "AllFiles": len(b.files) + 3, // these two and the tagmanifest
	}
	for _, n := range []string{"READ-ME-FIRST.txt", "VERIFY.txt"} {
		t, err := template.ParseFS(files, "files/"+n)
		if err != nil {
			return err
		}
		var buf bytes.Buffer
		if err := t.Execute(&buf, words); err != nil {
			return err
		}
		b.add(n, buf.Bytes())
	}
	b.add(tagManifest, b.manifest(func(p string) bool { return !strings.HasPrefix(p, "data/") }))

	tag := b.files[tagManifest].sum
	b.sum.TagManifest = hex.EncodeToString(tag[:])
	b.sum.Files, b.sum.Exhibits, b.sum.Octets = len(b.files), len(b.exhibits), octets
	return nil
}

const tagManifest = "tagmanifest-sha256.txt"

func (b *bag) manifest(in func(path string) bool) []byte {
	var buf bytes.Buffer
	for _, p := range b.paths() {
		if in(p) {
			fmt.Fprintf(&buf, "%x  %s\n", b.files[p].sum, p)
		}
	}
	return buf.Bytes()
}

func (b *bag) paths() []string {
	var out []string
	for p := range b.files {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (b *bag) write(w io.Writer) error {
	z := zip.NewWriter(w)
	level := flate.DefaultCompression
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) })
	for _, p := range b.paths() {
		f := b.files[p]
		h := &zip.FileHeader{Name: b.sum.Root + "/" + p, Method: zip.Deflate, Modified: b.time}
		h.SetMode(0o644)
		// A large message is attachments, which compress badly and take long.
		if level = flate.DefaultCompression; f.size > 4<<20 {
			level = flate.BestSpeed
		}
		out, err := z.CreateHeader(h)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if f.ex == nil {
			_, err = out.Write(f.data)
		} else {
			err = copyExhibit(out, f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return z.Close()
}

// copyExhibit copies the octets of a message, and checks that they are its.
func copyExhibit(w io.Writer, f *file) error {
	r, _, err := f.ex.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), r)
	if err != nil {
		return err
	}
	if n != f.size || [sha256.Size]byte(h.Sum(nil)) != f.sum {
		return unsound("message %s is not what was sealed: %d octets with the hash %x", f.ex.Ref, n, h.Sum(nil))
	}
	return nil
}
