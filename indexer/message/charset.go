package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// What toUTF8 found wrong; the empty string is nothing.
const (
	charsetFalse     = "charset-false-label"
	charsetUnlabeled = "charset-8bit-unlabelled"
	charsetUnknown   = "charset-unknown"
	charsetBroken    = "charset-broken"
)

// toUTF8 decodes b. Labels are believed as far as the octets allow: mail is full
// of labels that some default wrote.
func toUTF8(b []byte, label string) (text, wrong string) {
	label = strings.Trim(label, "\"' \t")
	if i := strings.IndexByte(label, '*'); i > 0 {
		label = label[:i] // RFC 2231 section 5: language
	}
	if isASCII(b) && !shifts(label) {
		if label != "" && !knownCharset(label) {
			wrong = charsetUnknown
		}
		return string(b), wrong
	}
	switch label {
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "7bit", "8bit", "default", "x-unknown", "unknown", "unknown-8bit", "_autodetect", "x-user-defined":
		if utf8.Valid(b) {
			return string(b), charsetUnlabeled
		}
		return windows1252(b), charsetUnlabeled
	case "utf-8", "utf8", "unicode-1-1-utf-8", "x-utf-8":
		if utf8.Valid(b) {
			return string(b), ""
		}
		// Cut or damaged UTF-8 has more good sequences than bad octets.
		if good, bad := sequences(b); good > 2*bad {
			return strings.ToValidUTF8(string(b), "\uFFFD"), charsetBroken
		}
		return windows1252(b), charsetFalse
	case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "iso_8859-1", "iso88591", "windows-1252", "cp1252", "cp-1252", "x-ansi", "ansi", "iso-8859-15", "windows-1250", "iso-8859-2":
		// Two characters that are UTF-8 by chance do not happen.
		if good, bad := sequences(b); bad == 0 && good > 0 {
			return string(b), charsetFalse
		}
		if label != "iso-8859-15" && label != "windows-1250" && label != "iso-8859-2" {
			return windows1252(b), "" // WHATWG: octets 80 to 9f are the quotation marks of Windows
		}
	case "utf-7", "unicode-1-1-utf-7":
		return utf7(b), ""
	}
	r, err := charset.Reader(label, bytes.NewReader(b))
	if err != nil {
		if utf8.Valid(b) {
			return string(b), charsetUnknown
		}
		return windows1252(b), charsetUnknown
	}
	out, err := io.ReadAll(r)
	if err != nil || !utf8.Valid(out) {
		return strings.ToValidUTF8(string(out), "\uFFFD"), charsetBroken
	}
	if bytes.Contains(out, []byte("\uFFFD")) && utf8.Valid(b) {
		return string(b), charsetFalse
	}
	return string(out), ""
}

func knownCharset(label string) bool {
	switch label {
	case "us-ascii", "utf-8", "iso-8859-1", "windows-1252", "ascii", "utf8", "utf-7", "unicode-1-1-utf-7", "ansi_x3.4-1968":
		return true
	}
	_, err := charset.Reader(label, strings.NewReader(""))
	return err == nil
}

// shifts tells whether a charset gives ASCII octets other meanings.
func shifts(label string) bool {
	return strings.HasPrefix(label, "iso-2022") || strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf-32") ||
		label == "utf-7" || label == "unicode-1-1-utf-7" || label == "hz-gb-2312" || strings.HasPrefix(label, "ibm037") || label == "unicode"
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func windows1252(b []byte) string {
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// sequences counts the well-formed UTF-8 sequences beyond ASCII and the octets
// that belong to none.
func sequences(b []byte) (good, bad int) {
	for len(b) > 0 {
		if b[0] < 0x80 {
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
		} else {
			good++
		}
		b = b[n:]
	}
	return good, bad
}

// utf7 decodes RFC 2152.
func utf7(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		i := bytes.IndexByte(b, '+')
		if i < 0 {
			break
		}
		out.Write(b[:i])
		b = b[i+1:]
		j := 0
		for j < len(b) && b64Table[b[j]] < 64 {
			j++
		}
		if j == 0 {
			out.WriteByte('+')
		}
		units, _ := base64.RawStdEncoding.DecodeString(string(b[:j]))
		for k := 0; k+1 < len(units); k += 2 {
			u := rune(units[k])<<8 | rune(units[k+1])
			if u >= 0xD800 && u < 0xDC00 && k+3 < len(units) {
				u = (u-0xD800)<<10 + (rune(units[k+2])<<8 | rune(units[k+3])) - 0xDC00 + 0x10000
				k += 2
			}
			out.WriteRune(u)
		}
		if b = b[j:]; len(b) > 0 && b[0] == '-' {
			b = b[1:]
		}
	}
	out.Write(b)
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// decodeText decodes an unstructured field value: encoded words (RFC 2047) and
// raw octets beyond ASCII.
func (p *parser) decodeText(s string) string {
	if !strings.Contains(s, "=?") && isASCII([]byte(s)) {
		return s
	}
	var out strings.Builder
	var run []byte // octets of adjacent words in one charset: some mailers cut within a character
	runSet := ""
	flush := func() {
		if run == nil {
			return
		}
		t, wrong := toUTF8(run, runSet)
		p.charsetDefect(wrong, runSet, "a header field")
		out.WriteString(t)
		run = nil
	}
	plain := func(t string) {
		if t == "" {
			return
		}
		if isASCII([]byte(t)) {
			out.WriteString(t)
			return
		}
		p.defect("header-8bit", "a header field has octets beyond ASCII")
		t, _ = toUTF8([]byte(t), "")
		out.WriteString(t)
	}
	for len(s) > 0 {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		set, raw, n, ok := encodedWord(s[i:])
		if !ok {
			flush()
			plain(s[:i+2])
			s = s[i+2:]
			continue
		}
		// RFC 2047 section 6.2: white space between words is not shown.
		if run == nil || strings.TrimSpace(s[:i]) != "" {
			flush()
			plain(s[:i])
		}
		if run != nil && set != runSet {
			flush()
		}
		if run == nil {
			run = make([]byte, 0, len(raw))
		}
		run, runSet = append(run, raw...), set
		s = s[i+n:]
	}
	flush()
	plain(s)
	return out.String()
}

const maxWord = 8 << 10 // RFC 2047 section 2 says 75; some mailers make one word of all

// encodedWord reads the encoded word that s begins with.
func encodedWord(s string) (charset string, octets []byte, n int, ok bool) {
	set, rest, ok := strings.Cut(s[2:min(len(s), maxWord)], "?")
	if !ok || len(set) == 0 || len(set) > 60 || strings.ContainsAny(set, " \t=") || len(rest) < 2 || rest[1] != '?' {
		return "", nil, 0, false
	}
	text := rest[2:]
	end := strings.Index(text, "?=")
	if end < 0 {
		return "", nil, 0, false
	}
	n = 2 + len(set) + 1 + 2 + end + 2
	text = text[:end]
	set = strings.ToLower(set)
	switch rest[0] {
	case 'b', 'B':
		var d base64Decoder
		octets = []byte{}
		add := func(b []byte) { octets = append(octets, b...) }
		d.write([]byte(text), add)
		d.close(add)
		if d.alien > 0 {
			return "", nil, 0, false
		}
	case 'q', 'Q':
		octets = make([]byte, 0, len(text))
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '_':
				octets = append(octets, ' ')
			case c == '=' && i+2 < len(text) && hexValue(text[i+1]) >= 0 && hexValue(text[i+2]) >= 0:
				octets = append(octets, byte(hexValue(text[i+1])<<4|hexValue(text[i+2])))
				i += 2
			default:
				octets = append(octets, c)
			}
		}
	default:
		return "", nil, 0, false
	}
	return set, octets, n, true
}

func (p *parser) charsetDefect(wrong, label, where string) {
	switch wrong {
	case charsetFalse:
		p.defect(wrong, "%s says charset %q and is not", where, clip(label, 40))
	case charsetUnlabeled:
		p.defect(wrong, "%s has octets beyond ASCII without a charset", where)
	case charsetUnknown:
		p.defect(wrong, "%s has the unknown charset %q", where, clip(label, 40))
	case charsetBroken:
		p.defect(wrong, "%s has octets that are no characters in %q", where, clip(label, 40))
	}
}
