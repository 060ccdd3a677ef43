package bundle

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/textproto"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// exhibit is a message of the bundle, as read, with its number.
type exhibit struct {
	Exhibit
	name  string // E0001
	size  int64
	md5   string // hexadecimal
	m     *message.Message
	head  []byte // its header section, as much as is looked at
	html  bool   // it has an HTML part
	other otherwise
	// What it was made from, when it is no message as a server had it; "" else.
	converted string
	seen      ledger.MsgSeen
	logged    time.Time // of its ledger entry
	textSum   [sha256.Size]byte
	runes     int

	files       []attached
	redacted    bool   // its octets stay with their owner
	blacked     bool   // a redacted word stands in it
	dark        []dark // what in it could not be looked into
	unread      string // why not all of it was looked at
	first, last int    // pages
}

// attached is an attachment as it lies in the bag.
type attached struct {
	message.Part
	file string // in data/attachments/E0001; "" when it is left in the message only
	why  string // of being left there
	dark *dark  // it cannot be looked into, and is withheld
}

const maxHead = 256 << 10

// headOf keeps a message's header section as it streams by.
type headOf struct {
	b    []byte
	done bool
}

func (h *headOf) Write(b []byte) (int, error) {
	if !h.done {
		from := max(0, len(h.b)-3)
		h.b = append(h.b, b[:min(len(b), maxHead-len(h.b))]...)
		for _, end := range []string{"\r\n\r\n", "\n\n"} {
			if i := bytes.Index(h.b[from:], []byte(end)); i >= 0 {
				h.b, h.done = h.b[:from+i+len(end)], true
			}
		}
		h.done = h.done || len(h.b) == maxHead
	}
	return len(b), nil
}

// field is the first field of that name, unfolded; "" when there is none.
func field(head []byte, name string) string {
	var value []string
	in := false
	for line := range bytes.Lines(head) {
		s := strings.TrimRight(string(line), "\r\n")
		switch {
		case in && s != "" && (s[0] == ' ' || s[0] == '\t'):
			value = append(value, strings.TrimSpace(s))
			continue
		case in:
			return strings.Join(value, " ")
		}
		if k, v, ok := strings.Cut(s, ":"); ok && textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(k)) == name {
			in = true
			value = append(value, strings.TrimSpace(v))
		}
	}
	return strings.Join(value, " ")
}

// take reads a message once: what it is, and every word in it that is looked for.
func (b *bag) take(in Exhibit) (*exhibit, error) {
	x := &exhibit{Exhibit: in}
	x.Info.To, x.Info.Occurrences = slices.Clone(x.Info.To), slices.Clone(x.Info.Occurrences)
	if !utf8.ValidString(x.Text) {
		return nil, unsound("the text of message %s is not UTF-8", x.Ref) // its offsets would mean nothing
	}
	fact, err := checkEntry(x.Line, x.Proof, b.in.VKey, x.Ref.Hex(), b.cp, false)
	if err != nil {
		return nil, unsound("%s: %v", x.Ref, err)
	}
	x.seen, x.logged = fact.Fact.(ledger.MsgSeen), fact.Time
	r, size, err := x.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", x.Ref, err)
	}
	defer r.Close()
	x.size = size
	sum, old, head := sha256.New(), md5.New(), &headOf{}
	scan := &scanner{b: b, x: x}
	see := []io.Writer{sum, old, head}
	if len(b.redact) > 0 {
		see = append(see, &raw{b: b, x: x})
	}
	x.m, err = message.ReadLeaves(io.TeeReader(r, io.MultiWriter(see...)), scan.leaf)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", x.Ref, err)
	}
	if x.m.Size != size || [sha256.Size]byte(sum.Sum(nil)) != x.Ref {
		return nil, unsound("message %s is not what was sealed: %d octets with the hash %x", x.Ref, x.m.Size, sum.Sum(nil))
	}
	x.m.Text = "" // x.Text stands for it
	x.converted = plain(field(head.b, "X-Inwriting-Converted"))
	x.md5, x.head = hex.EncodeToString(old.Sum(nil)), head.b
	for _, p := range x.m.Parts {
		x.files = append(x.files, attached{Part: p})
	}
	scan.finish()
	return x, nil
}

// named gives an exhibit its number, and its attachments their names in the bag.
func (b *bag) number(x *exhibit, i int) {
	x.name = fmt.Sprintf("E%04d", i+1)
	x.textSum = sha256.Sum256([]byte(x.Text))
	x.runes = utf8.RuneCountInString(x.Text)
	for j := range x.files {
		a := &x.files[j]
		switch {
		case a.dark != nil && !a.dark.kept:
			a.why = darkReason
		case x.blacked && a.dark == nil:
			a.why = "redacted"
		case b.in.Profile == "client" && program(a.Name):
			a.why = "it may be a program"
		default:
			a.file = fmt.Sprintf("%03d-%s", j+1, safeName(a.Name))
			if a.Name == "" {
				a.file = fmt.Sprintf("%03d%s", j+1, extension(a.ContentType))
			}
		}
	}
	b.exhibits = append(b.exhibits, x)
	b.byRef[x.Ref] = x
}

// program tells files that a system may run when somebody opens them.
func program(name string) bool {
	return slices.Contains([]string{".exe", ".com", ".scr", ".pif", ".bat", ".cmd", ".msi", ".jar", ".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".ps1", ".lnk",
		".cpl", ".dll", ".reg", ".apk", ".app", ".dmg", ".iso", ".img", ".docm", ".xlsm", ".pptm", ".xll", ".html", ".htm", ".svg"}, strings.ToLower(path.Ext(strings.TrimRight(name, ". "))))
}

func extension(typ string) string {
	for t, e := range map[string]string{"message/rfc822": ".eml", "text/plain": ".txt", "text/html": ".html.txt", "application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "text/calendar": ".ics"} {
		if t == typ {
			return e
		}
	}
	return ".bin"
}

// checkEntry checks that line is the entry of a message with this hash, or of a file
// from outside, and is proved to be in the tree of cp.
func checkEntry(line, proof []byte, vkey, hash string, cp ledger.Checkpoint, outside bool) (ledger.Entry, error) {
	p, err := ledger.VerifyProof(proof, line, vkey)
	if err != nil {
		return ledger.Entry{}, err
	}
	if !bytes.Equal(p.Checkpoint.Note, cp.Note) {
		return ledger.Entry{}, fmt.Errorf("its proof ends in another checkpoint, of %d entries", p.Checkpoint.Size)
	}
	e, err := ledger.Decode(line)
	if err != nil {
		return e, err
	}
	blob, want := "", "a message"
	switch f := e.Fact.(type) {
	case ledger.MsgSeen:
		if !outside {
			blob = f.Blob
		}
	case ledger.MatterExhibit:
		if outside {
			blob = f.Blob
		}
	}
	if outside {
		want = "an exhibit"
	}
	switch blob {
	case hash:
		return e, nil
	case "":
		return e, fmt.Errorf("its ledger entry is of type %q, not of %s", e.Type, want)
	}
	return e, fmt.Errorf("its ledger entry is that of another, %s", blob)
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

// direction is how a message went, as seen from us.
func (b *bag) direction(from string, to []string) string {
	role := func(a string) trail.Role { r, _ := b.in.People.Role(bareAddress(a)); return r }
	if role(from) != trail.Us {
		return "in"
	}
	for _, a := range to {
		if role(a) != trail.Us {
			return "out"
		}
	}
	return "internal"
}

// bareAddress is the address in "Name <address>".
func bareAddress(s string) string {
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s = strings.TrimSuffix(strings.TrimSpace(s[i+1:]), ">")
	}
	return strings.ToLower(strings.TrimSpace(s))
}
