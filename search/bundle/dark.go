package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"fmt"
	"hash"
	"html"
	"io"
	"mime"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"

	"inwriting/indexer/message"
)

// Words can be found in text and in office files that are nothing but text. What
// they cannot be found in is dark: pictures, sound, PDF files, archives, encrypted
// parts. In a redacted bundle whatever is dark is withheld, with its hash, and so are
// the octets of the message that holds it, unless a person has looked at it and says
// so: a gate that cannot read must not open.

// Keep says that somebody looked at an attachment of a redacted bundle and that it may
// leave.
type Keep struct {
	SHA256 string // of the attachment, or at least eight digits of it
	Reason string
}

const darkReason = "words in it cannot be searched for"

// dark is something that could not be looked into.
type dark struct {
	number, name, media string
	sum                 string // SHA-256, hexadecimal
	size                int64
	kept                bool
}

// scanned is a leaf of a message as far as it is looked through.
type scanned struct {
	message.Leaf
	data []byte
	over bool      // there is more, or nothing can be read
	sum  hash.Hash // of all of it; nil where nobody asks
	n    int64
}

const maxScanned = 16 << 20

func (s *scanned) Write(b []byte) (int, error) {
	if s.sum != nil {
		s.sum.Write(b)
		s.n += int64(len(b))
	}
	if !searchable(s.Leaf) {
		return len(b), nil
	}
	n := min(len(b), maxScanned-len(s.data))
	s.data = append(s.data, b[:n]...)
	s.over = s.over || n < len(b)
	return len(b), nil
}

// dark notes a leaf that could not be looked into, once.
func (s *scanner) dark(l *scanned) {
	if l.sum == nil {
		return
	}
	d := dark{number: l.Number, name: l.Name, media: l.ContentType, sum: hex.EncodeToString(l.sum.Sum(nil)), size: l.n}
	if !slices.ContainsFunc(s.x.dark, func(o dark) bool { return o.sum == d.sum && o.number == d.number }) {
		s.x.dark = append(s.x.dark, d)
	}
}

// opened tells whether the parts of a nested message were looked at one by one.
func (s *scanner) opened(l *scanned) bool {
	return slices.ContainsFunc(s.leaves, func(o *scanned) bool { return o.Foreign && strings.HasPrefix(o.Number, l.Number+".") })
}

// lock settles whether the octets of a message may leave.
func (x *exhibit) lock(b *bag) {
	x.redacted = x.blacked
	if len(b.redact) == 0 {
		return
	}
	if x.m != nil {
		for _, d := range x.m.Defects {
			switch d.Code {
			case "encrypted", "too-deep", "too-many-parts", "too-many-fields":
				x.redacted, x.unread = true, d.Text // there is more than was looked at
			}
		}
	}
	for i := range x.dark {
		d := &x.dark[i]
		d.kept = slices.ContainsFunc(b.in.Keep, func(k Keep) bool { return k.names(d.sum) })
		x.redacted = x.redacted || !d.kept
		for j := range x.files {
			if f := &x.files[j]; f.Number == d.number && f.SHA256 == d.sum {
				f.dark = d
			}
		}
	}
}

func (k Keep) names(sum string) bool {
	id := strings.ToLower(strings.TrimPrefix(k.SHA256, "sha256-"))
	return len(id) >= 8 && strings.HasPrefix(sum, id)
}

// keeps refuses to be told of attachments that are not there: whoever mistypes a hash
// must not think that a picture is in the bundle.
func (b *bag) keeps() error {
	for _, k := range b.in.Keep {
		if !slices.ContainsFunc(slices.Concat(b.taken, b.outside), func(x *exhibit) bool {
			return slices.ContainsFunc(x.dark, func(d dark) bool { return k.names(d.sum) })
		}) {
			return fmt.Errorf("keeping %q: no attachment with this SHA-256 would be withheld because words in it cannot be searched for", k.SHA256)
		}
	}
	return nil
}

func (b *bag) hasDark() bool {
	return slices.ContainsFunc(slices.Concat(b.exhibits, b.outside), func(x *exhibit) bool { return len(x.dark) > 0 })
}

// darkRows lists what is withheld because it could not be looked into.
func (b *bag) darkRows() []byte {
	var t table
	t.row("exhibit", "part", "name", "media_type", "size", "sha256", "disposition", "reason")
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		for _, d := range x.dark {
			disposition, reason := "withheld", darkReason
			if d.kept {
				disposition, reason = "kept", "somebody looked at it"
				for _, k := range b.in.Keep {
					if k.names(d.sum) && k.Reason != "" {
						reason = k.Reason
					}
				}
			}
			t.row(x.name, d.number, plain(b.hide(d.name)), plain(d.media), strconv.FormatInt(d.size, 10), d.sum, disposition, plain(b.hide(reason)))
		}
	}
	return []byte(t.b.String())
}

// searchable tells what words can be found in: text, and office files, which are zips.
func searchable(l message.Leaf) bool {
	return strings.HasPrefix(l.ContentType, "text/") || l.ContentType == "message/rfc822" || office(l) ||
		slices.Contains([]string{"application/json", "application/xml", "application/rtf"}, l.ContentType)
}

func office(l message.Leaf) bool {
	return strings.Contains(l.ContentType, "officedocument") || strings.Contains(l.ContentType, "opendocument") ||
		slices.Contains([]string{".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"}, strings.ToLower(path.Ext(l.Name)))
}

var tags = regexp.MustCompile(`<[^>]*>`)

// words is what a leaf says, as far as it can be told. ok is false when it says
// nothing that can be read, whole when it says nothing else.
func (s *scanned) words() (text string, ok, whole bool) {
	switch {
	case s.over:
		return "", false, false
	case office(s.Leaf):
		return officeWords(s.data)
	}
	t, whole := decoded(s.data, s.Charset)
	whole = whole && !strings.Contains(s.ContentType, "rtf") && (s.ContentType == "message/rfc822" || !wrapped(t, s.Text))
	if strings.Contains(s.ContentType, "html") || strings.Contains(s.ContentType, "xml") {
		t = html.UnescapeString(tags.ReplaceAllString(t, " ")) + "\n" + html.UnescapeString(tags.ReplaceAllString(t, "")) + "\n" + t
	}
	return t, true, whole
}

// officeWords reads the text of an office file. A picture in it is as dark as one
// beside it.
func officeWords(data []byte) (text string, ok, whole bool) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", false, false
	}
	whole = true
	var b strings.Builder
	left := int64(4 * maxScanned)
	for _, f := range z.File {
		b.WriteString(f.Name + "\n")
		if !strings.HasSuffix(f.Name, ".xml") && !strings.HasSuffix(f.Name, ".rels") {
			whole = whole && (strings.HasSuffix(f.Name, "/") || f.Name == "mimetype")
			continue
		}
		r, err := f.Open()
		if err != nil {
			return "", false, false
		}
		data, err := io.ReadAll(io.LimitReader(r, left+1))
		r.Close()
		if left -= int64(len(data)); err != nil || left < 0 {
			return "", false, false
		}
		// Word cuts words into runs: with and without what stands between.
		b.WriteString(html.UnescapeString(tags.ReplaceAllString(string(data), "")) + "\n" + string(data) + "\n")
	}
	return b.String(), true, whole
}

// decoded is text in UTF-8; ok is false where it is not in the charset that it claims,
// or in none that is known.
func decoded(data []byte, label string) (text string, ok bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		label = "utf-16le"
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		label = "utf-16be"
	case utf8.Valid(data) && !strings.HasPrefix(strings.ToLower(label), "utf-16") && !strings.HasPrefix(strings.ToLower(label), "utf-7") && !strings.HasPrefix(strings.ToLower(label), "iso-2022"):
		return string(data), bytes.Count(data, []byte{0}) == 0
	}
	r, err := charset.NewReaderLabel(label, bytes.NewReader(data))
	if err != nil {
		return string(data), false
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return string(data), false
	}
	return string(out) + "\n" + string(data), !bytes.ContainsRune(out, utf8.RuneError) && bytes.Count(out, []byte{0}) == 0
}

var (
	dataURI   = regexp.MustCompile(`(?i)data:[^"'\s>]{0,80};\s*base64`)
	packedRun = regexp.MustCompile(`[A-Za-z0-9+/]{60}\r?\n\s?[A-Za-z0-9+/=]`)
	packedBy  = regexp.MustCompile(`(?i)encoding=("?b\b|"?base64)|content-transfer-encoding:\s*base64|^begin [0-7]{3} |\\u[0-9a-f]{4}`)
)

// wrapped tells text that carries something else in it, in letters and digits.
func wrapped(t string, body bool) bool {
	return dataURI.MatchString(t) || !body && (packedRun.MatchString(t) || packedBy.MatchString(t))
}

var encodedWord = regexp.MustCompile(`=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=(?:\s+=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)*`)

// unencoded is what the encoded words of header fields say (RFC 2047); "" for none.
func unencoded(s string) string {
	if !strings.Contains(s, "=?") {
		return ""
	}
	dec := mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	var b strings.Builder
	for _, w := range encodedWord.FindAllString(s, -1) {
		if t, err := dec.DecodeHeader(w); err == nil {
			b.WriteString(t + "\n")
		}
	}
	return b.String()
}

// warnDark names what was withheld, and what was not.
func (b *bag) warnDark(say func(string, ...any)) {
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		if x.unread != "" {
			say("%s: the original is withheld, since not all of it can be searched for words: %s", x.name, plain(x.unread))
		}
		for _, d := range x.dark {
			name := plain(b.hide(d.name))
			if name == "" {
				name = "part " + d.number
			}
			if d.kept {
				say("%s: %s is in it, since somebody looked at it: %s", x.name, name, darkReason)
			} else {
				say("%s: %s (%s) is withheld, and so is the original: %s. If you looked at it: --keep-attachment %s", x.name, name, plain(d.media), darkReason, d.sum[:16])
			}
		}
	}
}
