package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hiddeco/sshsig"

	"inwriting/indexer/ledger"
)

// Report is what a check of a bundle found.
type Report struct {
	Schema     string      `json:"schema"`
	OK         bool        `json:"ok"`
	Root       string      `json:"root"`
	Files      Count       `json:"files"`              // that match the manifests, of all that must be there
	Originals  Count       `json:"originals"`          // messages whose octets are those that were recorded
	Proofs     Count       `json:"proofs"`             // entries that are in the ledger under the checkpoint
	Quotes     Count       `json:"quotes"`             // found word for word
	Redacted   int         `json:"redacted,omitempty"` // messages whose octets are not in the bundle
	Withheld   int         `json:"withheld,omitempty"` // messages that are listed only
	Anchors    Count       `json:"anchors"`            // earlier states of the record that it grew out of
	Stamps     int         `json:"stamps,omitempty"`   // time stamps of others; openssl checks them, see VERIFY.txt
	Sealed     bool        `json:"sealed"`             // signed as a whole with the key
	Checkpoint *Checkpoint `json:"checkpoint"`
	Key        string      `json:"key"` // the verifier key in the bundle: compare it with one from elsewhere
	Keys       []OldKey    `json:"old_keys,omitempty"`
	TagSHA256  string      `json:"tagmanifest_sha256"`
	Problems   []Problem   `json:"problems"`
}

// Count is how many of how many.
type Count struct {
	OK    int `json:"ok"`
	Total int `json:"total"`
}

func (c Count) String() string { return fmt.Sprintf("%4d of %4d", c.OK, c.Total) }

// Checkpoint is the signed state of the ledger that the proofs end in.
type Checkpoint struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
}

// Problem is one thing that is not as it must be.
type Problem struct {
	Kind string `json:"kind"` // altered, missing, added, bag, checkpoint, proof, quote, seal
	File string `json:"file"`
	Text string `json:"text"`
}

// ReportSchema is the first field of a report.
const ReportSchema = "inwriting.verify/v1"

// Lines says it for people.
func (r *Report) Lines() []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%-9s %s: %s", strings.ToUpper(p.Kind), p.File, p.Text))
	}
	out = append(out,
		fmt.Sprintf("files     %s match the manifests", r.Files),
		fmt.Sprintf("originals %s are the octets that were recorded", r.Originals),
		fmt.Sprintf("proofs    %s hold", r.Proofs),
		fmt.Sprintf("quotes    %s found word for word", r.Quotes))
	if c := r.Checkpoint; c != nil {
		out = append(out, fmt.Sprintf("ledger    %s, %d entries, signed with key %s: compare it with one that did not come with the bundle", c.Origin, c.Size, keyID(r.Key)))
	}
	for _, k := range r.Keys {
		out = append(out, k.line())
	}
	if r.Redacted+r.Withheld > 0 {
		out = append(out, fmt.Sprintf("left out  %s redacted, %d withheld: both are listed in it", plural(r.Redacted, "message is", "messages are"), r.Withheld))
	}
	if r.Anchors.Total > 0 {
		out = append(out, fmt.Sprintf("history   %s earlier states grew into this one", r.Anchors))
	}
	if r.Sealed {
		out = append(out, "seal      the whole bundle was signed with that key")
	} else {
		out = append(out, "seal      none: the messages are proved, the rest is as its maker left it")
	}
	if r.Stamps > 0 {
		out = append(out, fmt.Sprintf("time      %s of others: VERIFY.txt says how openssl checks them", plural(r.Stamps, "stamp", "stamps")))
	}
	if r.OK {
		return append(out, "OK")
	}
	return append(out, "NOT OK")
}

// Limits of what is looked at. An honest bundle is far inside them.
const (
	maxFiles    = 200_000
	maxHeld     = 64 << 20 // of a file that is read whole
	maxRatio    = 400      // octets unpacked for one packed octet, on the whole
	freeOctets  = 64 << 20 // not counted in the ratio
	maxUnpacked = 1 << 40
)

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Verify checks a bundle offline: the bag is complete, every file matches, nothing
// was added, every message is the one that its ledger entry names, every entry is
// proved to be under the signed checkpoint, and every quote stands in the text of
// its message. The key is the bundle's own: whose it is, somebody else has to say.
//
// A zip that is no bundle, or that does harm when it is unpacked, is an error,
// ErrRefused; everything else is in the report. Messages are never held in memory.
func Verify(r io.ReaderAt, size int64) (*Report, error) {
	v, err := open(r, size)
	if err != nil {
		return nil, err
	}
	v.bag()
	v.signature()
	v.seal()
	v.history()
	v.quotes()
	v.report.OK = len(v.report.Problems) == 0
	return v.report, nil
}

type verifier struct {
	report *Report
	files  map[string]*zip.File
	sums   map[string]string // of files that could be read
	held   map[string][]byte
}

func open(r io.ReaderAt, size int64) (*verifier, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, refused("it cannot be read as a zip: %v", err)
	}
	if len(z.File) == 0 {
		return nil, refused("it is empty")
	}
	if len(z.File) > maxFiles {
		return nil, refused("it holds %d files", len(z.File))
	}
	v := &verifier{report: &Report{Schema: ReportSchema, Problems: []Problem{}}, files: map[string]*zip.File{}, sums: map[string]string{}, held: map[string][]byte{}}
	folded := map[string]bool{}
	var unpacked uint64
	for _, f := range z.File {
		root, name, ok := strings.Cut(f.Name, "/")
		if !ok || !safePath(f.Name) {
			return nil, refused("it holds a file with the name %q", f.Name)
		}
		if v.report.Root == "" {
			v.report.Root = root
		}
		if root != v.report.Root {
			return nil, refused("it holds more than one folder: %q and %q", v.report.Root, root)
		}
		if fold := strings.ToLower(name); folded[fold] {
			return nil, refused("it holds %q twice", f.Name)
		} else {
			folded[fold] = true
		}
		if !f.Mode().IsRegular() {
			return nil, refused("%q is not a regular file", f.Name)
		}
		if f.Flags&1 != 0 {
			return nil, refused("%q is encrypted", f.Name)
		}
		if unpacked += f.UncompressedSize64; unpacked > maxUnpacked || f.UncompressedSize64 > maxUnpacked {
			return nil, refused("it unpacks to more than %d octets", uint64(maxUnpacked))
		}
		v.files[name] = f
	}
	if unpacked > freeOctets && unpacked/maxRatio > uint64(size) {
		return nil, refused("%d octets unpack to %d: such a file is made to do harm", size, unpacked)
	}
	if v.files["bagit.txt"] == nil || v.files["bundle.json"] == nil {
		return nil, refused("it has no bagit.txt and bundle.json")
	}
	return v, nil
}

func safePath(p string) bool {
	if len(p) > 240 || path.Clean(p) != p || path.IsAbs(p) {
		return false
	}
	for _, r := range p {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._/-", r) {
			return false
		}
	}
	for _, part := range strings.Split(p, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

func (v *verifier) problem(kind, file, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Problem{kind, file, fmt.Sprintf(format, args...)})
}

// hash reads one file to its end.
func (v *verifier) hash(name string) (sum string, size int64, err error) {
	f, err := v.files[name].Open()
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	limit := int64(v.files[name].UncompressedSize64)
	size, err = io.Copy(h, io.LimitReader(f, limit+1))
	if err == nil && size > limit {
		err = errors.New("longer than it says")
	}
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// read holds a file whole; nil when it is not there, or damaged.
func (v *verifier) read(name string) []byte {
	if b, ok := v.held[name]; ok {
		return b
	}
	f := v.files[name]
	if f == nil {
		return nil
	}
	if f.UncompressedSize64 > maxHeld {
		v.problem("bag", name, "%d octets are too many for such a file", f.UncompressedSize64)
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxHeld+1))
	if err != nil || len(b) > maxHeld {
		return nil // its hash says so too
	}
	if b == nil {
		b = []byte{}
	}
	v.held[name] = b
	return b
}

// bag checks RFC 8493 section 3: complete and valid.
func (v *verifier) bag() {
	r := v.report
	if got := string(v.read("bagit.txt")); got != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" {
		v.problem("bag", "bagit.txt", "this is not the declaration of a BagIt 1.0 bag")
	}
	listed := map[string]bool{}
	var payload, octets int64
	for _, m := range []struct {
		name    string
		payload bool
	}{{"manifest-sha256.txt", true}, {tagManifest, false}} {
		if v.files[m.name] == nil {
			v.problem("missing", m.name, "the list of files is not there")
			continue
		}
		for i, line := range strings.Split(strings.TrimSuffix(string(v.read(m.name)), "\n"), "\n") {
			sum, name, ok := strings.Cut(line, "  ")
			if !ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" || !safePath(name) || strings.HasPrefix(name, "data/") != m.payload {
				v.problem("bag", m.name, "line %d is not a hash and a name", i+1)
				continue
			}
			if listed[name] {
				v.problem("bag", m.name, "%s is listed twice", name)
				continue
			}
			listed[name] = true
			r.Files.Total++
			if v.files[name] == nil {
				v.problem("missing", name, "it is listed in %s and not there", m.name)
				continue
			}
			got, n, err := v.hash(name)
			if m.payload {
				payload++
				octets += n
			}
			switch {
			case err != nil:
				v.problem("altered", name, "it cannot be read: %v", err)
			case got != sum:
				v.problem("altered", name, "its hash is %s, listed %s", got, sum)
			default:
				v.sums[name] = got
				r.Files.OK++
			}
		}
	}
	for _, name := range v.names() {
		switch {
		case listed[name] || name == tagManifest || name == tagManifest+".sig" || name == sealList:
		case stampName.MatchString(name):
			r.Stamps++
		default:
			v.problem("added", name, "no manifest lists it")
		}
	}
	if sum, _, err := v.hashOf(tagManifest); err == nil {
		r.TagSHA256 = sum
	}
	oxum := ""
	for _, line := range strings.Split(string(v.read("bag-info.txt")), "\n") {
		if s, ok := strings.CutPrefix(line, "Payload-Oxum: "); ok {
			oxum = s
		}
	}
	if want := fmt.Sprintf("%d.%d", octets, payload); oxum != want {
		v.problem("bag", "bag-info.txt", "Payload-Oxum is %q; the payload has %s", oxum, want)
	}
}

// stampName is a time stamp of the whole bundle. It comes after the lists, and cannot
// stand in them.
var stampName = regexp.MustCompile(`^tagmanifest-sha256\.txt\.[A-Za-z0-9-]+\.tsr$`)

// signature checks the seal, which signs the list of all other files.
func (v *verifier) signature() {
	var list strings.Builder
	for _, n := range v.names() {
		if strings.HasPrefix(n, tagManifest+".") {
			sum, _, _ := v.hashOf(n)
			fmt.Fprintf(&list, "%s  %s\n", sum, n)
		}
	}
	if string(v.read(sealList)) != list.String() {
		v.problem("altered", sealList, "it does not list the seals that are here")
	}
	sig, signers := v.read(tagManifest+".sig"), v.read("seal/allowed_signers")
	if sig == nil && signers == nil {
		return
	}
	key, err := sshKey(v.read("seal/log.pub.pem"))
	if err != nil {
		return // seal says so
	}
	origin, _, _ := strings.Cut(string(v.read("proof/checkpoint")), "\n")
	if !bytes.Equal(signers, allowedSigners(origin, key)) {
		v.problem("seal", "seal/allowed_signers", "it names another signer than the key in seal/log.pub.pem")
	}
	s, err := sshsig.Unarmor(sig)
	if err == nil {
		err = sshsig.Verify(bytes.NewReader(v.read(tagManifest)), s, key, s.HashAlgorithm, Namespace)
	}
	if err == nil && !bytes.Equal(sshsig.Armor(s), sig) {
		err = errors.New("it is not written as it was made")
	}
	if err != nil {
		v.problem("seal", tagManifest+".sig", "the seal does not hold: %v", err)
		return
	}
	v.report.Sealed = true
}

// history checks that earlier states of the record, which others put a time on, are
// the beginning of this one.
func (v *verifier) history() {
	cp, _ := ledger.ParseCheckpoint(v.read("proof/checkpoint"), v.report.Key) // seal says where it does not hold
	keys := v.changes(cp)
	for _, n := range v.names() {
		base, ok := strings.CutSuffix(n, ".consistency")
		if !strings.HasPrefix(n, "proof/anchors/") {
			continue
		}
		if strings.HasSuffix(n, ".tsr") {
			v.report.Stamps++
		}
		if !ok {
			continue
		}
		v.report.Anchors.Total++
		old, err := ledger.ParseSigned(v.read(base+".checkpoint"), keys)
		if err == nil {
			var now ledger.Checkpoint
			if now, err = ledger.VerifyConsistency(v.read(n), old, v.report.Key); err == nil && !bytes.Equal(now.Note, v.read("proof/checkpoint")) {
				err = errors.New("it ends in another checkpoint")
			}
		}
		if err != nil {
			v.problem("proof", n, "%v", err)
			continue
		}
		v.report.Anchors.OK++
	}
}

func (v *verifier) hashOf(name string) (string, int64, error) {
	if v.files[name] == nil {
		return "", 0, errors.New("not there")
	}
	return v.hash(name)
}

func (v *verifier) names() []string {
	var out []string
	for n := range v.files {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// seal checks checkpoint, proofs, and that entries and messages belong together.
func (v *verifier) seal() {
	r := v.report
	r.Key = strings.TrimSpace(string(v.read("seal/log.vkey")))
	cp, err := ledger.ParseCheckpoint(v.read("proof/checkpoint"), r.Key)
	if err != nil {
		v.problem("checkpoint", "proof/checkpoint", "%v", err)
	} else {
		r.Checkpoint = &Checkpoint{cp.Origin, cp.Size, cp.Root}
	}
	if pem, err := ledger.PublicKeyPEM(r.Key); err != nil || !bytes.Equal(pem, v.read("seal/log.pub.pem")) {
		v.problem("checkpoint", "seal/log.pub.pem", "it is not the key in seal/log.vkey")
	}
	rows := v.table("data/exhibits.csv")
	listed := map[string]bool{}
	for i, row := range rows {
		name := row["exhibit"]
		if name != fmt.Sprintf("E%04d", i+1) {
			v.problem("bag", "data/exhibits.csv", "row %d is exhibit %q", i+1, name)
			continue
		}
		listed[name] = true
		r.Originals.Total++
		r.Proofs.Total++
		eml := "data/eml/" + name + ".eml"
		redacted := row["redacted"] == "true"
		if redacted {
			r.Originals.Total--
			r.Redacted++
			if v.files[eml] != nil {
				v.problem("bag", eml, "the list says that this message is redacted")
			}
		}
		sum, _, err := v.hashOf(eml)
		line, proof := v.read("proof/"+name+".entry"), v.read("proof/"+name+".tlog-proof")
		switch {
		case redacted:
		case err != nil:
			v.problem("missing", eml, "%v", err)
		case sum != row["sha256"]:
			v.problem("altered", eml, "its hash is %s, the list of exhibits says %s", sum, row["sha256"])
		}
		if line == nil || proof == nil {
			v.problem("missing", "proof/"+name, "entry or proof are not there")
			continue
		}
		if _, err := checkEntry(line, proof, r.Key, row["sha256"], cp, false); err != nil {
			v.problem("proof", "proof/"+name+".tlog-proof", "%v", err)
			continue
		}
		r.Proofs.OK++
		if sum == row["sha256"] && !redacted {
			r.Originals.OK++
		}
	}
	r.Withheld = len(v.table("data/withheld.csv"))
	v.outside(cp, listed)
	for _, n := range v.names() {
		dir, base := path.Split(n)
		name := strings.TrimSuffix(base, path.Ext(base))
		if dir == "data/outside/" {
			name = n
		}
		if strings.HasPrefix(dir, "data/attachments/") && !listed[path.Base(dir)] {
			v.problem("added", n, "it belongs to no exhibit")
		}
		if (dir == "data/eml/" || dir == "data/text/" || dir == "data/outside/" || dir == "proof/") && n != "proof/checkpoint" && !listed[name] {
			v.problem("added", n, "it belongs to no exhibit")
		}
	}
}

// table reads a CSV file with a header row.
func (v *verifier) table(name string) []map[string]string {
	b := v.read(name)
	if b == nil {
		v.problem("missing", name, "it is not there")
		return nil
	}
	c := csv.NewReader(bytes.NewReader(b))
	all, err := c.ReadAll()
	if err != nil || len(all) == 0 {
		v.problem("bag", name, "it cannot be read as a table: %v", err)
		return nil
	}
	var out []map[string]string
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, k := range all[0] {
			row[k] = uncell(rec[i])
		}
		out = append(out, row)
	}
	return out
}

// quotes looks for the words of each row where the row says that they are.
func (v *verifier) quotes() {
	texts := map[string]bool{}
	for _, row := range v.table("data/chronology.csv") {
		v.report.Quotes.Total++
		file := "data/text/" + row["exhibit"] + ".txt"
		text := v.read(file)
		start, err1 := strconv.Atoi(row["start"])
		end, err2 := strconv.Atoi(row["end"])
		got, ok := runeSlice(string(text), start, end)
		// encoding/csv reads CRLF inside a cell as LF.
		got = strings.ReplaceAll(got, "\r\n", "\n")
		sum := sha256.Sum256(text)
		switch {
		case text == nil || !utf8.Valid(text):
			v.problem("quote", "data/chronology.csv", "row %s: %s is not there", row["row"], file)
		case err1 != nil || err2 != nil || !ok || got != row["quote"]:
			v.problem("quote", "data/chronology.csv", "row %s: the words are not in %s", row["row"], file)
		case hex.EncodeToString(sum[:]) != row["text_sha256"]:
			v.problem("quote", "data/chronology.csv", "row %s: %s is not the text that was quoted from", row["row"], file)
		default:
			v.report.Quotes.OK++
		}
		texts[file] = true
	}
}
