package bundle

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// Files from outside the mail lie in data/outside under a number and as much of
// their name as is safe on every system; outside.csv has the whole name.

const outsideTable = "data/outside.csv"

// indexOutside is a file from outside in bundle.json.
type indexOutside struct {
	Exhibit     string `json:"exhibit"`
	File        string `json:"file"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	LedgerIndex int64  `json:"ledger_index"`
}

func (b *bag) takeOutside(i int) error {
	o := b.in.Outside[i]
	x := &exhibit{Exhibit: Exhibit{Ref: o.Ref, Open: o.Open, LedgerIndex: o.LedgerIndex, Line: o.Line, Proof: o.Proof}, name: fmt.Sprintf("X%04d", i+1)}
	x.Info.Subject = o.Name
	if _, err := checkEntry(x.Line, x.Proof, b.in.VKey, x.Ref.Hex(), b.cp, true); err != nil {
		return unsound("%s: %v", x.Ref, err)
	}
	r, size, err := x.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", x.Ref, err)
	}
	defer r.Close()
	x.size = size
	b.outside = append(b.outside, x)
	return b.lookInto(x, o, r)
}

// lookInto looks through a file from outside as far as words can be found in it.
func (b *bag) lookInto(x *exhibit, o Outside, r io.Reader) error {
	if len(b.foreign)+len(b.redact) == 0 {
		return nil
	}
	s := &scanned{Leaf: message.Leaf{ContentType: o.Media, Name: o.Name}}
	if !searchable(s.Leaf) {
		s.over = true
	} else if _, err := io.Copy(s, r); err != nil {
		return fmt.Errorf("reading %s: %w", x.Ref, err)
	}
	words, _, whole := s.words()
	if !whole && len(b.redact) > 0 {
		x.dark = []dark{{name: o.Name, media: o.Media, sum: x.Ref.Hex(), size: x.size}}
		x.lock(b)
		x.redacted = !x.dark[0].kept
	}
	h := haystack{text: words}
	for _, f := range b.foreign {
		if h.has(f.needle) {
			b.hold("OTHER-CLIENT", x.Ref, "file from outside", f.s, f.of)
		}
	}
	for i, r := range b.redact {
		if slices.ContainsFunc(r.needles, h.has) {
			return fmt.Errorf("%w: number %d of the list stands in the file %q from outside; drop it from the matter", ErrRedaction, i+1, o.Name)
		}
	}
	return nil
}

// path is where a file from outside lies in the bag.
func (x *exhibit) path() string { return "data/outside/" + x.name + "-" + safeName(x.Info.Subject) }

// safeName keeps of a file's name what may stand in a zip that anybody unpacks.
func safeName(name string) string {
	clean := func(s string, limit int) string {
		s = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
				return r
			}
			return '-'
		}, s)
		return strings.Trim(s[:min(len(s), limit)], "-")
	}
	ext := path.Ext(name)
	base := clean(strings.TrimSuffix(name, ext), 60)
	if base == "" {
		base = "file"
	}
	if ext = clean(strings.TrimPrefix(ext, "."), 10); ext != "" {
		base += "." + ext
	}
	return base
}

func (b *bag) outsideRows() []byte {
	var t table
	t.row("exhibit", "file", "sha256", "size", "name", "media_type", "note", "taken_utc", "ledger_index")
	for i, x := range b.outside {
		o := b.in.Outside[i]
		t.row(x.name, x.path(), x.Ref.Hex(), strconv.FormatInt(x.size, 10), plain(o.Name), plain(o.Media), plain(o.Note), utc(o.Taken), strconv.FormatInt(o.LedgerIndex, 10))
	}
	return []byte(t.b.String())
}

// leftOut says what a person took out.
func leftOut(x trail.LeftOut) string {
	what := "A statement"
	switch {
	case x.Statement == "" && x.Date.IsZero():
		what = "An exhibit"
	case x.Statement == "":
		what = "A message"
	}
	if !x.Date.IsZero() {
		what += " of " + moment(x.Date)
	}
	return plain(what + " was left out: " + x.Reason)
}

// outside checks the files from outside as seal does the messages.
func (v *verifier) outside(cp ledger.Checkpoint, listed map[string]bool) {
	if v.files[outsideTable] == nil {
		return
	}
	r := v.report
	for i, row := range v.table(outsideTable) {
		name, file := row["exhibit"], row["file"]
		if name != fmt.Sprintf("X%04d", i+1) || !strings.HasPrefix(file, "data/outside/"+name+"-") {
			v.problem("bag", outsideTable, "row %d is exhibit %q in %q", i+1, name, file)
			continue
		}
		listed[name], listed[file] = true, true
		r.Originals.Total++
		r.Proofs.Total++
		sum, _, err := v.hashOf(file)
		switch {
		case err != nil:
			v.problem("missing", file, "%v", err)
		case sum != row["sha256"]:
			v.problem("altered", file, "its hash is %s, the list says %s", sum, row["sha256"])
		}
		if _, err := checkEntry(v.read("proof/"+name+".entry"), v.read("proof/"+name+".tlog-proof"), r.Key, row["sha256"], cp, true); err != nil {
			v.problem("proof", "proof/"+name+".tlog-proof", "%v", err)
			continue
		}
		r.Proofs.OK++
		if sum == row["sha256"] {
			r.Originals.OK++
		}
	}
}
