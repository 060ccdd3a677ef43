package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"inwriting/search/trail"
)

// index is bundle.json.
type index struct {
	Format  string `json:"format"`
	Tool    tool   `json:"tool"`
	Title   string `json:"title"`
	Profile string `json:"profile"`
	AsOf    string `json:"as_of"`

	Question   string            `json:"question"`
	Cover      string            `json:"cover,omitempty"` // words of whoever made the bundle
	Summary    trail.Summary     `json:"summary"`
	Vault      string            `json:"vault"` // its id, the last part of the origin
	Origin     string            `json:"origin"`
	Checkpoint *trail.Checkpoint `json:"checkpoint"`
	Key        string            `json:"key"`
	Parties    []indexParty      `json:"parties"`
	Claim      *indexClaim       `json:"claim,omitempty"`
	Chosen     indexSelection    `json:"selection"`
	Selection  string            `json:"selection_sha256"`
	Exhibits   []indexExhibit    `json:"exhibits"`
	Rows       int               `json:"chronology_rows"`
	Chronology []indexRow        `json:"chronology"`
	Findings   []trail.Finding   `json:"findings"`
	Against    []trail.Finding   `json:"contradictions"`
	Gaps       []trail.Gap       `json:"gaps"`
	Redacted   bool              `json:"redacted"`
	Reasons    []string          `json:"redaction_reasons,omitempty"`
	Unsearched []string          `json:"attachments_not_searched,omitempty"` // when redacted: words in them would not be found, and somebody looked
	Pages      int               `json:"pages"`
	FirstPage  int               `json:"first_page"`
	PageSize   string            `json:"page_size"`
	TZ         string            `json:"tz"`
	Fonts      []indexFont       `json:"fonts"`
	Unshown    int               `json:"characters_without_glyph"`
	Outside    []indexOutside    `json:"outside,omitempty"`
	LeftOut    []trail.LeftOut   `json:"left_out,omitempty"`
}

type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go,omitempty"`
}

type indexParty struct {
	ID        string   `json:"id"`
	Label     string   `json:"label"`
	Addresses []string `json:"addresses"`
}

type indexClaim struct {
	Text    string `json:"text"`
	Exhibit string `json:"exhibit"`
	Page    int    `json:"page"`
}

type indexSelection struct {
	Rule     string `json:"rule"`
	Query    string `json:"query"`
	Window   string `json:"window,omitempty"`
	Exhibits int    `json:"exhibits"`
	Withheld int    `json:"withheld"`
	Messages int    `json:"population"`
}

type indexExhibit struct {
	Exhibit     string `json:"exhibit"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	LedgerIndex int64  `json:"ledger_index"`
	Characters  int    `json:"text_characters"`
	FirstPage   int    `json:"first_page"`
	LastPage    int    `json:"last_page"`
	Redacted    bool   `json:"redacted,omitempty"`
}

type indexRow struct {
	Row     int    `json:"row"`
	Exhibit string `json:"exhibit"`
	Page    int    `json:"page"`
	Kind    string `json:"kind"`
}

type indexFont struct {
	Name    string `json:"name"`
	SHA256  string `json:"sha256"`
	Licence string `json:"licence"`
}

const rule = "every message with a statement that bears on the question, adverse ones included; what a person took out is listed"

func (b *bag) index() index {
	t := b.in.Trail
	chosen := rule
	if b.in.Core {
		chosen = "the messages that the summary and the findings rest on; the full bundle has the others"
	}
	idx := index{Format: Format, Tool: build(b.in.Version), Title: b.in.Title, Profile: b.in.Profile, AsOf: utc(b.time),
		Question: t.Question, Cover: b.in.Cover, Summary: t.Summary, Vault: b.cp.Origin[strings.LastIndexByte(b.cp.Origin, '/')+1:], Origin: b.cp.Origin, Checkpoint: t.Coverage.Checkpoint, Key: b.in.VKey, Parties: b.parties(),
		Chosen:    indexSelection{Rule: chosen, Query: t.Question, Window: b.in.Window, Exhibits: len(b.exhibits), Withheld: len(b.withheld), Messages: len(b.in.Population)},
		Selection: b.sum.Selection, Exhibits: []indexExhibit{}, Rows: len(t.Entries), Chronology: []indexRow{}, Findings: t.Findings, Against: []trail.Finding{}, Gaps: t.Gaps,
		Redacted: len(b.redact) > 0, Pages: b.sum.Pages, FirstPage: b.in.First, PageSize: b.paperName(), TZ: "each writer's own, with its offset; UTC beside it", Fonts: b.fonts,
		Unshown: b.sum.Unshown, LeftOut: t.LeftOut}
	for _, f := range t.Findings {
		if f.Type == trail.Contradiction || f.Type == trail.Refuted {
			idx.Against = append(idx.Against, f)
		}
	}
	if e := b.claim(); e != nil {
		x := b.byRef[e.Statement.Message.Ref]
		idx.Claim = &indexClaim{e.Statement.Quote, x.name, b.pageOf(e.N, x)}
	}
	for _, e := range t.Entries {
		x := b.byRef[e.Statement.Message.Ref]
		idx.Chronology = append(idx.Chronology, indexRow{e.N, x.name, b.pageOf(e.N, x), string(e.Statement.Kind)})
	}
	for _, x := range b.outside {
		idx.Outside = append(idx.Outside, indexOutside{x.name, x.path(), x.Ref.Hex(), x.size, x.LedgerIndex})
	}
	for _, x := range b.exhibits {
		idx.Exhibits = append(idx.Exhibits, indexExhibit{x.name, x.Ref.Hex(), x.size, x.LedgerIndex, x.runes, x.first, x.last, x.redacted})
	}
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		for _, d := range x.dark {
			if d.kept {
				idx.Unsearched = append(idx.Unsearched, x.name+": "+plain(b.hide(d.name)))
			}
		}
	}
	for _, r := range b.redact {
		if !slices.Contains(idx.Reasons, r.token) {
			idx.Reasons = append(idx.Reasons, r.token)
		}
	}
	return idx
}

// build is what this program is made from, as far as it knows.
func build(version string) tool {
	t := tool{Name: "inwriting", Version: version}
	if i, ok := debug.ReadBuildInfo(); ok {
		t.Go = i.GoVersion
		for _, s := range i.Settings {
			if s.Key == "vcs.revision" {
				t.Commit = s.Value
			}
		}
	}
	return t
}

// parties are those who wrote or were written to, by side.
func (b *bag) parties() []indexParty {
	by := map[string]*indexParty{}
	for _, x := range b.exhibits {
		for _, a := range append([]string{x.Info.From}, x.Info.To...) {
			a = bareAddress(a)
			role, name := b.in.People.Role(a)
			id := string(role)
			if name != "" {
				id += ":" + name
			}
			id = b.hide(id)
			if by[id] == nil {
				by[id] = &indexParty{ID: id, Label: b.hide(name)}
				if name == "" {
					by[id].Label = roleWords[role]
				}
			}
			if p := by[id]; a != "" && !slices.Contains(p.Addresses, a) {
				p.Addresses = append(p.Addresses, a)
			}
		}
	}
	out := []indexParty{}
	for _, p := range by {
		slices.Sort(p.Addresses)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b indexParty) int { return strings.Compare(a.ID, b.ID) })
	return out
}

var profileNotes = map[string]string{
	"client":    "",
	"insurer":   "It is made for your insurer. Do not send it to the other side before your insurer\nagrees. It states no opinion on liability. The claim comes first.",
	"court-uk":  "It is made for a court. Check the page limits and the form that your court asks for.\nThe drafts of certificates at its end are for a person to read, correct and sign.",
	"court-us":  "It is made for a court in the United States. The draft of a certificate under FRE\n902(11), (13) and (14) at its end is for a person to read, correct and sign.",
	"solicitor": "It is made for a solicitor: everything is in here, including the load file, the list of\nall messages in the window and the privilege log.",
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// tags writes what is not payload, the manifests last.
func (b *bag) tags() error {
	b.tell("sealing", len(b.exhibits), len(b.exhibits))
	for _, step := range []func() error{b.proofs, b.keys, b.keyChanges, b.mailbag} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, n := range []string{"check_proof.py", "check_quotes.py", "check_consistency.py", "check_dkim.py", "verify.html"} {
		data, err := files.ReadFile("files/" + n)
		if err != nil {
			return err
		}
		if err := b.p.add("tools/"+n, data); err != nil {
			return err
		}
	}
	if err := b.addJSON("bundle.json", b.index()); err != nil {
		return err
	}
	// RFC 8493 section 2.1.1, 2.2.2.
	if err := b.add("bagit.txt", []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")); err != nil {
		return err
	}
	if err := b.add("bag-info.txt", b.info()); err != nil {
		return err
	}
	if err := b.add("manifest-sha256.txt", b.p.manifest(func(p string) bool { return strings.HasPrefix(p, "data/") })); err != nil {
		return err
	}
	if err := b.words(); err != nil {
		return err
	}
	tags := b.p.manifest(func(p string) bool { return !strings.HasPrefix(p, "data/") })
	if err := b.add(tagManifest, tags); err != nil {
		return err
	}
	if err := b.seals(tags); err != nil {
		return err
	}
	b.sum.TagManifest = b.p.files[tagManifest].String()
	b.sum.Octets, _ = b.p.payload()
	b.sum.Rows, b.sum.Findings = len(b.in.Trail.Entries), len(b.in.Trail.Findings)
	b.sum.Files, b.sum.Exhibits, b.sum.Withheld = len(b.p.files), len(b.exhibits), len(b.withheld)
	b.warn()
	return nil
}

func (b *bag) proofs() error {
	if err := b.add("proof/checkpoint", b.in.Checkpoint); err != nil {
		return err
	}
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		if err := b.add("proof/"+x.name+".entry", x.Line); err != nil {
			return err
		}
		if err := b.add("proof/"+x.name+".tlog-proof", x.Proof); err != nil {
			return err
		}
	}
	for _, a := range b.in.Anchors {
		base := fmt.Sprintf("proof/anchors/%d", a.Size)
		if _, ok := b.p.files[base+".checkpoint"]; !ok {
			if err := b.add(base+".checkpoint", a.Checkpoint); err != nil {
				return err
			}
			if err := b.add(base+".consistency", a.Consistency); err != nil {
				return err
			}
		}
		if err := b.p.add(base+"."+a.Authority+".tsr", a.Token); err != nil {
			return err
		}
	}
	return nil
}

func (b *bag) keys() error {
	if err := b.add("seal/log.vkey", []byte(b.in.VKey+"\n")); err != nil {
		return err
	}
	if err := b.add("seal/log.pub.pem", b.in.PublicKeyPEM); err != nil {
		return err
	}
	pub, err := sshKey(b.in.PublicKeyPEM)
	if err != nil {
		return err
	}
	if b.in.Signer != nil {
		if err := b.add("seal/allowed_signers", allowedSigners(b.cp.Origin, pub)); err != nil {
			return err
		}
	}
	chains := map[string][]byte{}
	for _, a := range b.in.Anchors {
		if len(a.Chain) > 0 {
			chains[a.Authority] = a.Chain // the newest is the last
		}
	}
	for _, name := range sortedKeys(chains) {
		if err := b.add("seal/tsa-"+name+".pem", chains[name]); err != nil {
			return err
		}
	}
	return b.dnsKeys()
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// dnsKeys writes the key records that the exhibits' signatures were checked with.
func (b *bag) dnsKeys() error {
	var buf bytes.Buffer
	seen := map[string]bool{}
	for _, x := range b.exhibits {
		for _, line := range x.Keys {
			if !seen[string(line)] {
				seen[string(line)] = true
				buf.Write(line)
				buf.WriteByte('\n')
			}
		}
	}
	return b.add("seal/dns-keys.jsonl", buf.Bytes())
}

// sshKey is a key as SSH writes it.
func sshKey(key []byte) (ssh.PublicKey, error) {
	p, _ := pem.Decode(key)
	if p == nil {
		return nil, errors.New("no public key")
	}
	pub, err := x509.ParsePKIXPublicKey(p.Bytes)
	if err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(pub)
}

func allowedSigners(origin string, key ssh.PublicKey) []byte {
	return fmt.Appendf(nil, "%s namespaces=\"%s\" %s", origin, Namespace, ssh.MarshalAuthorizedKey(key))
}

// seals signs the tag manifest and has its time put on it.
func (b *bag) seals(tags []byte) error {
	if b.in.Signer != nil {
		signer, err := ssh.NewSignerFromSigner(b.in.Signer)
		if err != nil {
			return fmt.Errorf("sealing: %w", err)
		}
		if want, err := sshKey(b.in.PublicKeyPEM); err != nil || !bytes.Equal(want.Marshal(), signer.PublicKey().Marshal()) {
			return unsound("the seal's key is not the one of %q", b.in.VKey)
		}
		sig, err := sshsig.Sign(bytes.NewReader(tags), signer, sshsig.HashSHA512, Namespace)
		if err != nil {
			return fmt.Errorf("sealing: %w", err)
		}
		if err := b.p.add(tagManifest+".sig", sshsig.Armor(sig)); err != nil {
			return err
		}
	}
	if b.in.Stamp != nil {
		tokens, err := b.in.Stamp(tags)
		if err != nil {
			return fmt.Errorf("asking for a time stamp: %w", err)
		}
		for _, t := range tokens {
			if err := b.p.add(tagManifest+"."+t.Authority+".tsr", t.TSR); err != nil {
				return err
			}
		}
	}
	// The certificates in a time stamp are not signed by it: a list makes damage to
	// them seen too.
	return b.p.add(sealList, b.p.manifest(func(p string) bool { return strings.HasPrefix(p, tagManifest+".") }))
}

// sealList has the hashes of what was made after the tag manifest.
const sealList = "seals-sha256.txt"

// mailbag writes the tag files of the Mailbag specification, version 1.0.
func (b *bag) mailbag() error {
	var m, folders, gone table
	m.row("Error", "Mailbag-Message-ID", "Message-ID", "Original-File", "Message-Path", "Derivatives-Path", "Attachments", "Date", "From", "To", "Cc", "Bcc", "Subject", "Content-Type")
	for i, x := range b.exhibits {
		var defects []string
		for _, d := range x.m.Defects {
			defects = append(defects, d.Code)
		}
		folder, derived := "", "eml/"+x.name+".eml"
		if o := x.Info.Occurrences; len(o) > 0 {
			folder = o[0].Folder
		}
		if x.redacted {
			derived = "text/" + x.name + ".txt"
		}
		m.row(strings.Join(defects, " "), fmt.Sprint(i+1), plain(x.m.MessageID), "", plain(folder), derived, fmt.Sprint(len(x.files)), plain(x.m.DateRaw), addressList(x.m.From),
			addressList(x.m.To), addressList(x.m.Cc), addressList(x.m.Bcc), plain(x.m.Subject), plain(b.hide(field(x.head, "Content-Type"))))
	}
	folders.row("Folder", "Mailbox", "Reason")
	for _, c := range b.in.Trail.Coverage.Mailboxes {
		for _, f := range c.Folders {
			if f.Excluded {
				folders.row(plain(f.Name), plain(c.Address), "excluded by its owner's settings")
			}
		}
	}
	gone.row("SHA-256", "Date", "Reason")
	for _, w := range b.withheld {
		gone.row(w.Ref.Hex(), utc(w.date), w.Code)
	}
	for _, f := range []struct {
		path string
		t    *table
	}{{"mailbag.csv", &m}, {"folders_not_retained.txt", &folders}, {"messages_not_retained.txt", &gone}} {
		if err := b.add(f.path, []byte(f.t.b.String())); err != nil {
			return err
		}
	}
	return nil
}

// info is bag-info.txt. IMAP-Host and IMAP-User are left out: coverage.json says
// which mailboxes, and nobody needs to know where to try passwords.
func (b *bag) info() []byte {
	octets, n := b.p.payload()
	var s strings.Builder
	for _, l := range [][2]string{
		{"Bag-Type", "Mailbag"}, {"Mailbag-Source", "imap"}, {"Mailbag-Specification-Version", "1.0"}, {"Original-Included", "False"},
		{"Bagging-Timestamp", b.time.Format("2006-01-02T15:04:05")}, {"Bagging-Date", b.time.Format(time.DateOnly)},
		{"Source-Organization", b.cp.Origin}, {"External-Description", b.in.Title}, {"External-Identifier", fmt.Sprintf("%s/%d/%s", b.cp.Origin, b.cp.Size, b.sum.Selection[:16])},
		{"BagIt-Profile-Identifier", Format},
		{"Bag-Software-Agent", "inwriting " + b.in.Version}, {"Mailbag-Agent", "inwriting"}, {"Mailbag-Agent-Version", b.in.Version},
		{"Capture-Agent", "inwriting"}, {"Capture-Agent-Version", b.in.Version},
		{"EML-Format-Details", "the octets of each message as the server gave them, RFC 5322"}, {"PDF-Format-Details", "PDF 1.7, tagged, fonts embedded, no active content, no files in it"},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", octets, n)},
	} {
		fmt.Fprintf(&s, "%s: %s\n", l[0], plain(l[1]))
	}
	return []byte(s.String())
}

// words writes READ-ME-FIRST.txt and VERIFY.txt.
func (b *bag) words() error {
	title := plain(b.in.Title)
	_, payload := b.p.payload()
	more := 4 // these two, the tagmanifest and the list of seals
	print := ""
	if b.in.Signer != nil {
		more++
		pub, err := sshKey(b.in.PublicKeyPEM)
		if err != nil {
			return err
		}
		print = ssh.FingerprintSHA256(pub)
	}
	var chains []string
	for p := range b.p.files {
		if n, ok := strings.CutPrefix(p, "seal/tsa-"); ok {
			chains = append(chains, strings.TrimSuffix(n, ".pem"))
		}
	}
	slices.Sort(chains)
	claim := b.in.Trail.Coverage.Checkpoint
	words := map[string]any{
		"Title": title, "Rule": strings.Repeat("=", min(72, utf8.RuneCountInString(title))),
		"Outside": len(b.outside), "Exhibits": plural(len(b.exhibits), "message", "messages"), "Version": b.in.Version, "Messages": len(b.exhibits), "Originals": b.sum.Originals, "Redacted": b.sum.Redacted,
		"AsOf": b.time.Format("2 January 2006, 15:04") + " UTC", "Note": profileNotes[b.in.Profile], "Profile": b.in.Profile,
		"VKey": b.in.VKey, "Rows": len(b.in.Trail.Entries), "Token": visible("\u202E", ""), "Origin": b.cp.Origin, "Namespace": Namespace, "Fingerprint": print,
		"PayloadFiles": payload, "AllFiles": len(b.p.files) + more, "Signed": b.in.Signer != nil, "Stamped": b.in.Stamp != nil, "Anchors": len(b.in.Anchors), "Chains": chains,
		"Pages": b.sum.Pages, "Withheld": len(b.withheld), "Size": claim.Size, "Attached": b.hasAttachments(), "Unsigned": !b.hasKeys(),
		"Dark": b.hasDark(), "Certified": b.hasCertificates(), "Changes": b.changeWords(),
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
		if err := b.add(n, buf.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (b *bag) hasKeys() bool { return b.p.files["seal/dns-keys.jsonl"].size > 0 }

func (b *bag) hasAttachments() bool {
	for p := range b.p.files {
		if strings.HasPrefix(p, "data/attachments/") && !strings.HasSuffix(p, ".csv") {
			return true
		}
	}
	return false
}

// warn tells whoever sends the bundle what courts and insurers have sent back.
func (b *bag) warn() {
	say := func(format string, args ...any) {
		b.sum.Warnings = append(b.sum.Warnings, fmt.Sprintf(format, args...))
	}
	mb := float64(b.sum.PDFSize) / 1e6
	switch b.in.Profile {
	case "court-uk":
		if b.sum.Pages > 50 || mb > 10 {
			say("%d pages, %.1f MB: for filing by e-mail the County Court takes at most 25 sheets printed on both sides (50 pages) and 10 MB; courts vary, ask yours", b.sum.Pages, mb)
		}
		if mb > 36 {
			say("%.1f MB: justice.gov.uk takes e-mails of at most 36 MB", mb)
		}
	case "insurer":
		if b.claim() == nil {
			say("no claim by the other side was found to put first")
		}
	}
	if b.masked > 0 {
		say("%s of other clients' folders and messages: a mark stands for each", plural(b.masked, "name", "names"))
	}
	b.warnDark(say)
	if b.sum.Unshown > 0 {
		say("%s no font has: they are drawn as their name and number", plural(b.sum.Unshown, "character that", "characters that"))
	}
}
