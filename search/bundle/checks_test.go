package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger/anchor/anchortest"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// The acceptance checks of the evidence note that are a bundle's, by their numbers.
// Checks 1, 2, 4, 9 and 17 run what VERIFY.txt says: see also TestCheck17StockTools and
// TestCheck01EveryByte.

// note is one message of a fixture as a mailbox holds it.
type note struct {
	raw    string
	folder string
	said   string // the statement in it; "" for none
	kind   string
	role   trail.Role
}

// mailOf makes an input of whole messages, read as the vault reads them.
func mailOf(t testing.TB, notes ...note) Input { return stampedMail(t, nil, notes...) }

// stampedMail is mailOf with an authority that puts the time on ledger and bundle.
func stampedMail(t testing.TB, tsa *anchortest.TSA, notes ...note) Input {
	t.Helper()
	l, seal := testLedger(t)
	defer l.Close()
	seal.tsa = tsa
	tr := &trail.Trail{Schema: trail.Schema, Question: "what was agreed?", Summary: trail.Summary{Text: "Something was agreed.", Statements: []int{1}}, Findings: []trail.Finding{}, Gaps: []trail.Gap{},
		Coverage: trail.Coverage{Absent: []string{}, Mailboxes: []trail.MailboxCoverage{{Address: "nora@deskandco.example", State: "up to date", Folders: []trail.FolderCoverage{{Name: "INBOX", Stored: len(notes), Indexed: len(notes)}}}}}}
	in := Input{Trail: tr, Title: "What was agreed", Version: "0.1", Client: "Hale Architects", People: trail.People{Us: []string{"nora@deskandco.example"},
		Clients: []trail.Party{{Name: "Hale Architects", Domains: []string{"halearchitects.example"}}, {Name: "Falk Dental", Addresses: []string{"robert@falkdental.example"}, Domains: []string{"falkdental.example"}}},
		Others:  []trail.Party{{Name: "Alpenair", Domains: []string{"alpenair.example"}}}}}
	for i, n := range notes {
		raw := []byte(strings.ReplaceAll(n.raw, "\n", "\r\n"))
		m := message.Parse(raw)
		folder := n.folder
		if folder == "" {
			folder = "INBOX"
		}
		info := trail.MessageInfo{Ref: archive.Ref(sha256.Sum256(raw)), MessageID: m.MessageID, Date: m.Date, Subject: m.Subject, Occurrences: []trail.Occurrence{{Mailbox: "nora@deskandco.example", Folder: folder, UID: uint32(i + 1)}}}
		if len(m.From) > 0 {
			info.From = m.From[0].Address
		}
		for _, a := range m.To {
			info.To = append(info.To, a.Address)
		}
		for _, p := range m.Parts {
			info.Attachments = append(info.Attachments, trail.Attachment{Name: p.Name, Size: p.Size, SHA256: p.SHA256})
		}
		at := seal.seen(info.Ref, len(raw), i+1)
		in.Exhibits = append(in.Exhibits, Exhibit{Ref: info.Ref, Info: info, Text: m.Text, LedgerIndex: at,
			Open: func() (io.ReadCloser, int64, error) { return io.NopCloser(bytes.NewReader(raw)), int64(len(raw)), nil }})
		if n.said != "" {
			byteAt := strings.Index(m.Text, n.said)
			if byteAt < 0 {
				t.Fatalf("message %d does not say %q:\n%s", i, n.said, m.Text)
			}
			start := utf8.RuneCountInString(m.Text[:byteAt])
			kind, role := n.kind, n.role
			if kind == "" {
				kind = "instruction"
			}
			if role == "" {
				role = trail.Client
			}
			s := trail.Statement{ID: fmt.Sprintf("s-%d", i), Kind: kindOf(kind), Confidence: 0.9, Quote: n.said, Start: start, End: start + utf8.RuneCountInString(n.said),
				Speaker: trail.Speaker{Name: m.From[0].Name, Address: info.From, Role: role}, Message: info}
			tr.Entries = append(tr.Entries, trail.Entry{N: len(tr.Entries) + 1, Statement: s})
		}
	}
	seal.finish(&in)
	return in
}

const (
	booking = "From: Martin Hale <martin@halearchitects.example>\nTo: Nora Lindqvist <nora@deskandco.example>\nDate: Thu, 2 Mar 2023 09:12:00 +0000\nMessage-ID: <m1@halearchitects.example>\nSubject: Vienna trip\n\nPlease book the flight for Tuesday.\n\nMartin\n"
	reply   = "From: Nora Lindqvist <nora@deskandco.example>\nTo: Martin Hale <martin@halearchitects.example>\nDate: Thu, 2 Mar 2023 10:12:00 +0000\nMessage-ID: <m2@deskandco.example>\nIn-Reply-To: <m1@halearchitects.example>\nReferences: <m0@halearchitects.example> <m1@halearchitects.example>\nSubject: Re: Vienna trip\n\nBooked for Tuesday.\n\nOn 2 Mar 2023, Martin Hale wrote:\n> Please book the flight for Tuesday.\n"
)

// in unpacks a bundle by the paths below its folder.
func bagOf(t testing.TB, in Input) (map[string]string, Summary) {
	t.Helper()
	b, sum := written(t, in)
	if r := verified(t, b); !r.OK {
		t.Fatalf("%s", strings.Join(r.Lines(), "\n"))
	}
	out := map[string]string{}
	for _, f := range unzip(t, b) {
		out[strings.TrimPrefix(f.name, sum.Root+"/")] = string(f.data)
	}
	return out, sum
}

// everywhere is all that a bundle says, names and decoded pages included.
func everywhere(t testing.TB, bag map[string]string, root string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(root)
	for name, data := range bag {
		b.WriteString("\n" + name + "\n" + data)
		if strings.HasSuffix(name, ".pdf") {
			b.WriteString(stockPDF(t, []byte(data), "pdftotext", "FILE", "-"))
			b.WriteString(stockPDF(t, []byte(data), "qpdf", "--qdf", "--object-streams=disable", "FILE", "-"))
			b.WriteString(stockPDF(t, []byte(data), "qpdf", "--json", "--json-key=outlines", "FILE"))
			b.WriteString(stockPDF(t, []byte(data), "pdfinfo", "FILE"))
		}
		if strings.HasSuffix(name, ".eml") {
			m := message.Parse([]byte(data))
			b.WriteString("\n" + m.Text + m.Subject)
		}
	}
	return b.String()
}

func TestCheck02Seal(t *testing.T) {
	root, _ := unpacked(t, mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}))
	verify := func(origin, namespace string) error {
		return run(t, root, "ssh-keygen -Y verify -f seal/allowed_signers -I "+origin+" -n "+namespace+" -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt")
	}
	if err := verify("desk.example/vault1", Namespace); err != nil {
		t.Error(err)
	}
	if verify("desk.example/vault1", "file") == nil {
		t.Error("another namespace is accepted")
	}
	if verify("other.example/vault1", Namespace) == nil {
		t.Error("another signer is accepted")
	}
	if err := run(t, root, `ssh-keygen -q -t ed25519 -N '' -f "$TMP/k" && (printf 'desk.example/vault1 '; cat "$TMP/k.pub") > seal/allowed_signers`); err != nil {
		t.Fatal(err)
	}
	if verify("desk.example/vault1", Namespace) == nil {
		t.Error("another key is accepted")
	}
}

// Check 3 and 5: the times of others on the bundle and on an earlier state of the
// ledger, and that it only grew since, with stock tools and the script in the bundle.
func TestCheck03Times(t *testing.T) {
	tsa := anchortest.Start(t, "Example Time")
	in := stampedMail(t, tsa, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply})
	bag, _ := bagOf(t, in)
	r := verified(t, func() []byte { b, _ := written(t, in); return b }())
	if r.Anchors != (Count{1, 1}) || r.Stamps != 2 {
		t.Errorf("%+v", r)
	}
	root, verify := unpacked(t, in)
	script := "ROOT=" + tsa.RootFile + "\n" + stock(t, verify)
	if err := run(t, root, script); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	for name := range bag {
		if !strings.HasPrefix(name, "proof/anchors/") && !strings.HasSuffix(name, ".tsr") {
			continue
		}
		p := filepath.Join(root, name)
		data, err := os.ReadFile(p)
		if err != nil {
			data = nil // the stamp of another run
			continue
		}
		bad := bytes.Clone(data)
		bad[len(bad)/2] ^= 1
		os.WriteFile(p, bad, 0o600)
		if run(t, root, script) == nil {
			t.Errorf("%s: a flipped bit is not noticed", name)
		}
		os.WriteFile(p, data, 0o600)
	}
	// Another root is another authority.
	other := anchortest.Start(t, "Other Time")
	if run(t, root, "ROOT="+other.RootFile+"\n"+stock(t, verify)) == nil {
		t.Error("another authority's root is accepted")
	}
}

func TestCheck05SameBytes(t *testing.T) {
	make := func() []byte {
		b, _ := written(t, mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply}))
		return b
	}
	want := make()
	zone, procs := time.Local, runtime.GOMAXPROCS(1)
	defer func() { time.Local = zone; runtime.GOMAXPROCS(procs) }()
	manila, err := time.LoadLocation("Asia/Manila")
	if err != nil {
		t.Fatal(err)
	}
	time.Local = manila
	t.Setenv("TZ", "Asia/Manila")
	if !bytes.Equal(make(), want) {
		t.Error("two bundles of one state differ")
	}
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."})
	a, _ := written(t, in)
	if b, _ := written(t, in); !bytes.Equal(a, b) {
		t.Error("writing one input twice gives two bundles: the first changed it")
	}
}

func TestCheck06PageNumbers(t *testing.T) {
	var notes []note
	for i := range 25 {
		n := note{raw: strings.NewReplacer("m1@", fmt.Sprintf("m1-%d@", i), "Martin\n", strings.Repeat("A line of the letter, one of very many.\n", 30*(i%4))).Replace(booking)}
		if i%3 == 0 {
			n.said = "Please book the flight for Tuesday."
		}
		notes = append(notes, n)
	}
	for _, first := range []int{1, 101} {
		in := mailOf(t, notes...)
		in.First, in.Profile = first, "court-uk"
		bag, sum := bagOf(t, in)
		print := []byte(bag["data/bundle.pdf"])
		for n := 1; n <= sum.Pages; n++ {
			said := flat(stockPDF(t, print, "pdftotext", "-f", strconv.Itoa(n), "-l", strconv.Itoa(n), "FILE", "-"))
			if want := fmt.Sprintf("Bundle p. %d of %d", n+first-1, sum.Pages+first-1); !strings.Contains(said, want) {
				t.Fatalf("page %d does not say %q", n, want)
			}
		}
		// The tables give the page on which the message stands, and so do index and bookmarks.
		outline := stockPDF(t, print, "qpdf", "--json", "--json-key=outlines", "FILE")
		rows := tableOf(t, bag["data/exhibits.csv"])
		for _, row := range rows {
			p, _ := strconv.Atoi(row["first_page"])
			said := flat(stockPDF(t, print, "pdftotext", "-f", strconv.Itoa(p-first+1), "-l", strconv.Itoa(p-first+1), "FILE", "-"))
			if !strings.HasPrefix(said, row["exhibit"]) {
				t.Errorf("page %d does not begin with %s: %.40s", p, row["exhibit"], said)
			}
			if !regexp.MustCompile(`"title": "` + row["exhibit"] + `, [^"]*, p\. ` + row["first_page"] + `"`).MatchString(outline) {
				t.Errorf("no bookmark leads to %s on page %d", row["exhibit"], p)
			}
		}
		index := ""
		for n := 1; n < 6; n++ {
			index += flat(stockPDF(t, print, "pdftotext", "-layout", "-f", strconv.Itoa(n), "-l", strconv.Itoa(n), "FILE", "-")) + " "
		}
		for _, row := range rows {
			if !regexp.MustCompile(row["exhibit"] + ` 2 March 2023.*? Vienna trip ` + row["first_page"] + ` `).MatchString(index) {
				t.Errorf("the index does not give page %s for %s", row["first_page"], row["exhibit"])
			}
		}
		// Links lead to names, and names to the pages that the tables give.
		places, n := destinations(t, print)
		if n < len(rows)*2 {
			t.Errorf("%d links", n)
		}
		for _, row := range rows {
			if got := fmt.Sprint(places[row["exhibit"]] + first - 1); got != row["first_page"] {
				t.Errorf("links to %s lead to page %s, the table says %s", row["exhibit"], got, row["first_page"])
			}
		}
	}
}

// destinations are the named places of a PDF by page, counted from 1, and how many
// links there are. A link to a name that is not there is an error.
func destinations(t testing.TB, print []byte) (map[string]int, int) {
	t.Helper()
	out := stockPDF(t, print, "qpdf", "--qdf", "--object-streams=disable", "FILE", "-")
	pages := map[string]int{}
	for _, m := range regexp.MustCompile(`page (\d+): (\d+) 0 R`).FindAllStringSubmatch(stockPDF(t, []byte(out), "qpdf", "--show-pages", "FILE"), -1) {
		pages[m[2]], _ = strconv.Atoi(m[1])
	}
	names := map[string]int{}
	for _, m := range regexp.MustCompile(`\((\S[^()]*)\)\s+\[\s+(\d+) 0 R\s+/XYZ`).FindAllStringSubmatch(out, -1) {
		names[m[1]] = pages[m[2]]
	}
	n := 0
	for _, m := range regexp.MustCompile(`/Dest \(([^()]+)\)`).FindAllStringSubmatch(out, -1) {
		n++
		if names[m[1]] == 0 {
			t.Errorf("a link leads to %s, which is nowhere", m[1])
		}
	}
	return names, n
}

func TestCheck07CourtPDF(t *testing.T) {
	for _, profile := range []string{"court-uk", "court-us"} {
		in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply})
		in.Profile = profile
		bag, _ := bagOf(t, in)
		print := []byte(bag["data/bundle.pdf"])
		if out := stockPDF(t, print, "pdfdetach", "-list", "FILE"); !strings.Contains(out, "0 embedded files") {
			t.Error(out)
		}
		info := stockPDF(t, print, "pdfinfo", "FILE")
		size := map[string]string{"court-uk": "(A4)", "court-us": "(letter)"}[profile]
		for _, want := range []string{"Tagged:          yes", "JavaScript:      no", "Form:            none", "Encrypted:       no", size} {
			if !strings.Contains(info, want) {
				t.Errorf("%s: pdfinfo does not say %q:\n%s", profile, want, info)
			}
		}
		for i, l := range strings.Split(strings.TrimSpace(stockPDF(t, print, "pdffonts", "FILE")), "\n") {
			if i > 1 && !strings.Contains(l, " yes yes yes ") {
				t.Errorf("not embedded: %s", l)
			}
		}
		raw := stockPDF(t, print, "qpdf", "--qdf", "--object-streams=disable", "FILE", "-")
		for _, bad := range []string{"/JavaScript", "/JS ", "/AcroForm", "/Encrypt", "/EmbeddedFile", "/Launch", "/URI"} {
			if strings.Contains(raw, bad) {
				t.Errorf("%s: the file has %s", profile, bad)
			}
		}
		if !regexp.MustCompile(`/OpenAction \[\s+\d+ 0 R\s+/XYZ\s+null\s+null\s+1\s+\]`).MatchString(raw) {
			t.Error("it does not open at 100 %")
		}
	}
}

func TestCheck08Scripts(t *testing.T) {
	torture := []string{
		"سلام عليكم", "שלום עולם", "नमस्ते दुनिया", "สวัสดีชาวโลก", "東京へ飛行機", "你好，世界", "한국어 각 김", "Tiếng Việt rất đẹp", "👩‍💻", "🇦🇹", "👍",
		"Ωμέγα Привет", "é combining", strings.Repeat("x", 998), "a\u202Eb", "nul\x00here", "surrogate \xed\xa0\x80 alone",
	}
	raw := "From: =?utf-8?B?16nXnNeV150=?= <a@halearchitects.example>\nTo: nora@deskandco.example\nDate: Thu, 2 Mar 2023 09:12:00 +0000\nMessage-ID: <t@halearchitects.example>\nSubject: =?utf-8?B?2LPZhNin2YU=?= =?utf-8?B?4oCu?= end\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + strings.Join(torture, "\n") + "\n"
	empty := "From: a@halearchitects.example\nSubject: nothing\n\n"
	in := mailOf(t, note{raw: raw, said: "한국어 각 김"}, note{raw: empty})
	bag, sum := bagOf(t, in)
	print := []byte(bag["data/bundle.pdf"])
	if out := stockPDF(t, print, "qpdf", "--check", "FILE"); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Error(out)
	}
	said := bare(flat(stockPDF(t, print, "pdftotext", "FILE", "-")))
	for _, want := range append(slices.Clone(torture[:14]), "a[U+202E]b", "nulhere", "surrogate") {
		want = bare(want)
		switch want { // poppler takes lam-alef apart the wrong way round
		case bare("سلام عليكم"):
			want = "عليكم"
		}
		if !strings.Contains(said, want) {
			t.Errorf("pdftotext does not find %q", want)
		}
	}
	if strings.Contains(said, "\u202e") || strings.Contains(said, "\x00") {
		t.Error("the print turns the direction of text")
	}
	if sum.Unshown != 0 {
		t.Errorf("%d characters without a glyph", sum.Unshown)
	}
	if !strings.Contains(said, "The message has no text."[:3]) {
		t.Error("an empty message is not said to be empty")
	}
	// A box would be glyph 0 of a font.
	if raw := stockPDF(t, print, "qpdf", "--qdf", "--object-streams=disable", "FILE", "-"); regexp.MustCompile(`\[<0000`).MatchString(raw) {
		t.Error("a box is drawn")
	}
}

func TestCheck13RedactionGate(t *testing.T) {
	const secret = "Secretco"
	quoted := strings.Replace(reply, "> Please book", "> The Secret-\n> nothing. Secretco pays 4,250 GBP.\n> Please book", 1)
	planted := map[string]note{
		"text":            {raw: strings.Replace(booking, "Martin\n", "It is for Secretco.\n", 1)},
		"quoted reply":    {raw: quoted},
		"broken by quote": {raw: strings.Replace(reply, "> Please book", "> it is Secret Co\n> Ltd who pays", 1)},
		"subject":         {raw: strings.Replace(booking, "Vienna trip", "Vienna trip for SECRETCO", 1)},
		"encoded subject": {raw: strings.Replace(booking, "Vienna trip", "=?utf-8?B?U2VjcmV0Y28=?=", 1)},
		"display name":    {raw: strings.Replace(booking, "Martin Hale <", "Secretco Travel <", 1)},
		"address":         {raw: strings.Replace(booking, "To: ", "Cc: x@secretco.example\nTo: ", 1)},
		"header":          {raw: strings.Replace(booking, "To: ", "X-Client: secretco\nTo: ", 1)},
		"attachment name": {raw: attach("secretco.txt", "text/plain", "nothing")},
		"attachment":      {raw: attach("a.txt", "text/plain", "c2VjcmV0Y28gcGF5cw==")},
		"office file":     {raw: attach("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx(t, "<w:t>Secr</w:t></w:r><w:r><w:t>etco</w:t>"))},
		"html":            {raw: strings.Replace(booking, "Subject:", "Content-Type: text/html\nSubject:", 1) + "<p>Se<b>cret</b>co</p>"},
		"picture":         {raw: attach("a.png", "image/png", base64Of([]byte("\x89PNG tEXt Secretco")))},
		"preamble":        {raw: strings.Replace(attach("a.txt", "text/plain", "eA=="), "\n\n--b", "\n\nSecretco made this.\n--b", 1)},
		"part header":     {raw: strings.Replace(attach("a.txt", "text/plain", "eA=="), "; name=", "; x-owner=secretco; name=", 1)},
		"folder":          {raw: booking, folder: "Clients/Secretco"},
	}
	for name, n := range planted {
		t.Run(name, func(t *testing.T) {
			in := mailOf(t, note{raw: strings.Replace(booking, "m1@", "m9@", 1), said: "Please book the flight for Tuesday."}, n)
			in.Redactions = []Redaction{{Words: secret, Reason: "another client"}, {Words: "Secret Co Ltd", Reason: "another client"}, {Words: "4,250 GBP", Reason: "price"}}
			bag, sum := bagOf(t, in)
			if !strings.HasSuffix(sum.Root, "-redacted") {
				t.Errorf("folder %q", sum.Root)
			}
			if sum.Redacted != 1 || bag["data/eml/E0002.eml"] != "" || bag["data/eml/E0001.eml"] == "" {
				t.Errorf("%d messages redacted; the original of the second is there: %v", sum.Redacted, bag["data/eml/E0002.eml"] != "")
			}
			all := strings.ToLower(everywhere(t, bag, sum.Root))
			for _, s := range []string{"secretco", "secret co", "4,250 gbp"} {
				if strings.Contains(all, s) {
					t.Errorf("%q is still there", s)
				}
			}
			if !strings.Contains(bag["proof/E0002.entry"], in.Exhibits[1].Ref.Hex()) {
				t.Error("the ledger proof of the original is gone")
			}
			if strings.Contains(bag["bundle.json"], `"redacted": false`) {
				t.Error("bundle.json does not say that it is redacted")
			}
		})
	}
	// What cannot be rebuilt stops the export.
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."})
	in.Redactions = []Redaction{{Words: "nora@deskandco.example", Reason: "x"}}
	in.Profile = "client"
	in.Outside = nil
	in.VKey = strings.TrimSpace(in.VKey)
	if _, err := Write(io.Discard, in); err != nil && !errors.Is(err, ErrRedaction) {
		t.Errorf("%v", err)
	}
	in = mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."})
	in.Redactions = []Redaction{{Words: "desk.example", Reason: "the record's name"}} // it stands in the signed checkpoint
	if _, err := Write(io.Discard, in); !errors.Is(err, ErrRedaction) {
		t.Errorf("a word in the signed checkpoint: %v, want ErrRedaction", err)
	}
	in.Redactions = []Redaction{{Words: "ab", Reason: "x"}}
	if _, err := Write(io.Discard, in); err == nil {
		t.Error("two letters are taken")
	}
}

func TestCheck13QuoteIsRedacted(t *testing.T) {
	n := note{raw: strings.Replace(booking, "for Tuesday.", "for Tuesday, IBAN GB29 NWBK 6016 1331 9268 19.", 1)}
	n.said = "Please book the flight for Tuesday, IBAN GB29 NWBK 6016 1331 9268 19."
	in := mailOf(t, n)
	in.Redactions = Find("iban", in.Exhibits[0].Text)
	in.Trail.Summary.Text = "He named GB29NWBK60161331926819."
	bag, sum := bagOf(t, in)
	if len(in.Redactions) != 1 || !strings.Contains(bag["data/chronology.csv"], "Please book the flight for Tuesday, IBAN [REDACTED: bank details].") {
		t.Errorf("%q\n%s", in.Redactions, bag["data/chronology.csv"])
	}
	if all := everywhere(t, bag, sum.Root); strings.Contains(all, "GB29") || strings.Contains(all, "1331 9268") || strings.Contains(all, "60161331926819") {
		t.Error("the number is still there")
	}
}

func TestCheck14OtherClient(t *testing.T) {
	clean := note{raw: booking, said: "Please book the flight for Tuesday."}
	shared := note{raw: strings.Replace(booking, "To: ", "Cc: desk@alpenair.example\nTo: ", 1) + "x"} // both clients write to the airline
	if _, err := Write(io.Discard, mailOf(t, clean, shared)); err != nil {
		t.Fatalf("nothing of another client: %v", err)
	}
	for name, n := range map[string]note{
		"quoted history":  {raw: strings.Replace(reply, "> Please book", "> As for Falk\n> Dental, the receipts are done.\n> Please book", 1)},
		"attachment name": {raw: attach("Falk Dental receipts.pdf", "application/pdf", "eA==")},
		"attachment text": {raw: attach("list.txt", "text/plain", "cm9iZXJ0QGZhbGtkZW50YWwuZXhhbXBsZQ==")},
		"folder name":     {raw: booking + "y", folder: "Clients/Falk Dental"},
		"address":         {raw: strings.Replace(booking, "To: ", "Cc: robert@falkdental.example\nTo: ", 1)},
		"domain":          {raw: strings.Replace(booking, "Martin\n", "see mail.falkdental.example\n", 1)},
		"subject":         {raw: strings.Replace(booking, "Vienna trip", "FALK DENTAL", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			in := mailOf(t, clean, n)
			var w bytes.Buffer
			_, err := Write(&w, in)
			var held *HeldError
			if !errors.As(err, &held) || len(held.Holds) == 0 || held.Holds[0].Of != "Falk Dental" || held.Holds[0].Code != "OTHER-CLIENT" {
				t.Fatalf("%v, want a hold for Falk Dental", err)
			}
			if w.Len() != 0 {
				t.Errorf("%d octets were written before the decision", w.Len())
			}
			for _, h := range held.Holds {
				in.Decisions = append(in.Decisions, Decision{ID: h.ID, Withhold: true, Reason: "not theirs"})
			}
			bag, sum := bagOf(t, in)
			if all := strings.ToLower(everywhere(t, bag, sum.Root)); strings.Contains(all, "falk") {
				t.Error("the other client is named in the bundle")
			}
			if !strings.Contains(bag["data/withheld.csv"], `"OTHER-CLIENT","not theirs"`) || sum.Withheld != 1 {
				t.Errorf("%s", bag["data/withheld.csv"])
			}
			if !strings.Contains(bag["data/population.csv"], "withheld:OTHER-CLIENT") {
				t.Errorf("%s", bag["data/population.csv"])
			}
			in.Decisions = nil
			for _, h := range held.Holds {
				in.Decisions = append(in.Decisions, Decision{ID: h.ID, Reason: "they know of it"})
			}
			if _, err := Write(io.Discard, in); err != nil {
				t.Errorf("released: %v", err)
			}
		})
	}
	// Names of folders that hold nothing of the bundle are masked.
	in := mailOf(t, clean)
	in.Trail.Coverage.Mailboxes[0].Folders = append(in.Trail.Coverage.Mailboxes[0].Folders, trail.FolderCoverage{Name: "Clients/Falk Dental", Stored: 9})
	in.Trail.Coverage.Absent = []string{"<x@falkdental.example>"}
	bag, sum := bagOf(t, in)
	if all := strings.ToLower(everywhere(t, bag, sum.Root)); strings.Contains(all, "falk") {
		t.Error("a folder of the other client is named")
	}
	if !strings.Contains(bag["data/coverage.json"], "[WITHHELD: OTHER-CLIENT]") || len(sum.Warnings) == 0 {
		t.Errorf("%v", sum.Warnings)
	}
}

func TestPrivilegeHolds(t *testing.T) {
	for words, code := range map[string]string{"This is WITHOUT\nPREJUDICE.": "WP", "privileged and confidential": "PRIV", "our legal advice is": "PRIV"} {
		in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: strings.Replace(booking, "Martin\n", words+"\n", 1), said: words})
		_, err := Write(io.Discard, in)
		var held *HeldError
		if !errors.As(err, &held) || held.Holds[0].Code != code {
			t.Errorf("%q: %v", words, err)
			continue
		}
		in.Decisions = []Decision{{ID: in.Exhibits[1].Ref.Hex()[:8], Withhold: true, Code: code, Reason: "counsel wrote it"}}
		bag, sum := bagOf(t, in)
		if sum.Withheld != 1 || sum.Exhibits != 1 || strings.Contains(bag["data/trail.json"], "s-1") {
			t.Errorf("%q: %+v", words, sum)
		}
	}
	// A disclaimer below a message is not what it says.
	in := mailOf(t, note{raw: booking + "\n--\nMartin\n\nThis e-mail and any attachments are confidential and may be privileged. If you are not the intended recipient please delete it.\n", said: "Please book the flight for Tuesday."})
	if _, err := Write(io.Discard, in); err != nil {
		t.Errorf("a disclaimer: %v", err)
	}
	in.Lawyers = []string{"halearchitects.example"}
	if _, err := Write(io.Discard, in); !errors.Is(err, ErrHeld) {
		t.Errorf("a lawyer's mail: %v", err)
	}
	in.Decisions = []Decision{{ID: in.Exhibits[0].Ref.Hex()[:8]}}
	if _, err := Write(io.Discard, in); err == nil || !strings.Contains(err.Error(), "no reason") {
		t.Errorf("a decision without a reason: %v", err)
	}
}

func TestCore(t *testing.T) {
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply, said: "Booked for Tuesday.", kind: "confirmation", role: trail.Us})
	in.Core, in.Profile = true, "court"
	bag, sum := bagOf(t, in)
	if sum.Exhibits != 1 || !strings.Contains(sum.Root, "-core") || strings.Contains(bag["data/exhibits.csv"], "E0002") {
		t.Errorf("%+v", sum)
	}
	in.Population = []Listed{{Ref: in.Exhibits[1].Ref, Date: in.Exhibits[1].Info.Date, From: "nora@deskandco.example"}}
	if bag, _ := bagOf(t, in); !strings.Contains(bag["data/population.csv"], "not in this core") {
		t.Error(bag["data/population.csv"])
	}
}

// attach is a message with one attachment, base64.
func attach(name, typ, base64 string) string {
	return strings.Replace(strings.Replace(booking, "Subject:", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nSubject:", 1), "\n\nPlease", "\n\n--b\nContent-Type: text/plain\n\nPlease", 1) +
		"--b\nContent-Type: " + typ + "; name=\"" + name + "\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"" + name + "\"\n\n" + base64 + "\n--b--\n"
}

func docx(t testing.TB, body string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "<w:document><w:r>"+body+"</w:r></w:document>")
	z.Close()
	return base64Of(b.Bytes())
}

// The page in tools does in a browser what VERIFY.txt does; node runs its functions.
func TestCheck17OfflinePage(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not here to run the page's functions")
	}
	root, _ := unpacked(t, fixture(t))
	page, err := os.ReadFile(filepath.Join(root, "tools", "verify.html"))
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile(`(?s)<script>(.*)</script>`).FindSubmatch(page)[1]
	program := string(script) + `
const fs = require("fs"), path = require("path");
const files = new Map();
(function walk(d) { for (const n of fs.readdirSync(d)) { const p = path.join(d, n); if (fs.statSync(p).isDirectory()) walk(p); else files.set(path.relative(process.argv[2], p).split(path.sep).join("/"), async () => { const b = fs.readFileSync(p); return b.buffer.slice(b.byteOffset, b.byteOffset + b.length) }) } })(process.argv[2]);
check(files).then(r => { console.log(JSON.stringify(r)); process.exit(r.ok ? 0 : 1) }, e => { console.log(String(e)); process.exit(2) });
`
	file := filepath.Join(t.TempDir(), "page.js")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(node, file, root).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the checkpoint was signed") || !strings.Contains(string(out), "5 of 5 messages") {
		t.Errorf("%v: %s", err, out)
	}
	eml := filepath.Join(root, "data", "eml", "E0002.eml")
	data, _ := os.ReadFile(eml)
	data[len(data)/2] ^= 1
	os.WriteFile(eml, data, 0o600)
	if out, err := exec.Command(node, file, root).CombinedOutput(); err == nil || !strings.Contains(string(out), "E0002") {
		t.Errorf("a changed message is not noticed: %s", out)
	}
}
