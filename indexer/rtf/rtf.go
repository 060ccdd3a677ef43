// Package rtf takes the text out of rich text as Outlook keeps it: compressed
// (MS-OXRTFCP), and with HTML or plain text packed into it (MS-OXRTFEX). It takes
// octets and returns values, in memory that the caller bounds.
package rtf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// dictionary is what the dictionary begins with (MS-OXRTFCP section 2.1.2.1).
const dictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// maxText bounds what Text returns, in octets; it is seldom more than it was given.
const maxText = 64 << 20

var errCut = errors.New("compressed text is damaged or cut short")

// Unpack undoes the compression of MS-OXRTFCP, up to limit octets. What was read before
// the data ends too early is returned with the error.
func Unpack(b []byte, limit int) ([]byte, error) {
	le := binary.LittleEndian
	if len(b) < 16 {
		return nil, errors.New("compressed text is too short")
	}
	raw := int(le.Uint32(b[4:]))
	kind := string(b[8:12])
	b = b[16:]
	if raw < 0 || raw > limit {
		return nil, errors.New("compressed text is too large")
	}
	switch kind {
	case "MELA":
		return b[:min(raw, len(b))], nil
	case "LZFu":
	default:
		return nil, errors.New("compressed text of an unknown kind")
	}
	var dict [4096]byte
	w := copy(dict[:], dictionary)
	var out []byte
	put := func(c byte) {
		out = append(out, c)
		dict[w] = c
		w = (w + 1) % len(dict)
	}
	for len(b) > 0 && len(out) < raw+4096 {
		control := b[0]
		b = b[1:]
		for bit := range 8 {
			if control&(1<<bit) == 0 {
				if len(b) < 1 {
					return out, nil
				}
				put(b[0])
				b = b[1:]
				continue
			}
			if len(b) < 2 {
				return out, errCut
			}
			ref := binary.BigEndian.Uint16(b)
			b = b[2:]
			from, n := int(ref>>4), int(ref&15)+2
			if from == w { // the end
				return out, nil
			}
			for range n {
				put(dict[from])
				from = (from + 1) % len(dict)
			}
		}
	}
	return out, nil
}

// Page is the code page that b says its octets are in, otherwise where it does not.
func Page(b []byte, otherwise int) int {
	_, rest, ok := strings.Cut(string(b[:min(len(b), 512)]), `\ansicpg`)
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' || n > 1e6 {
			break
		}
		n = n*10 + int(c-'0')
	}
	if !ok || n == 0 {
		return otherwise
	}
	return n
}

// pages are the code pages of Windows by the names that htmlindex knows.
var pages = map[int]string{874: "windows-874", 932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5", 10000: "macintosh", 20866: "koi8-r", 21866: "koi8-u",
	28591: "windows-1252", 28592: "iso-8859-2", 28593: "iso-8859-3", 28594: "iso-8859-4", 28595: "iso-8859-5", 28596: "iso-8859-6", 28597: "iso-8859-7", 28598: "iso-8859-8", 28599: "windows-1254",
	28603: "iso-8859-13", 28605: "iso-8859-15", 50220: "iso-2022-jp", 51932: "euc-jp", 51936: "gbk", 51949: "euc-kr", 52936: "gbk", 54936: "gb18030"}

// Charset is the name of a code page; what is not known is read as Windows-1252.
func Charset(page int) string {
	switch name := pages[page]; {
	case page == 65001, page == 20127:
		return "utf-8"
	case page >= 1250 && page <= 1258:
		return fmt.Sprintf("windows-%d", page)
	case name != "":
		return name
	}
	return "windows-1252"
}

// Text takes the text out of b: the HTML or the plain text that Outlook packed into
// it (MS-OXRTFEX), which of the two isHTML says, or else the text as a reader sees it.
// decode reads octets of the code page.
func Text(b []byte, decode func([]byte) string) (text string, isHTML bool) {
	r := &reader{b: b, decode: decode}
	isHTML = bytes.Contains(b[:min(len(b), 2048)], []byte(`\fromhtml`))
	r.html = isHTML
	r.run()
	r.flush()
	return r.out.String(), isHTML
}

// state is what a group inherits and what ends with it.
type state struct {
	skip    bool // a destination that is no text
	hidden  bool // \htmlrtf: for readers of RTF only
	tag     bool // within \*\htmltag
	unicode int  // how many characters stand in for a \u
}

type reader struct {
	b      []byte
	decode func([]byte) string
	html   bool
	state  state
	stack  []state
	bytes  []byte // \'hh, in the code page
	out    strings.Builder
	high   rune // first half of a surrogate pair
	ignore int  // characters still standing in for a \u
}

const maxDepth = 10000

func (r *reader) flush() {
	if len(r.bytes) > 0 {
		r.out.WriteString(r.decode(r.bytes))
		r.bytes = r.bytes[:0]
	}
}

func (r *reader) text(s string) {
	if r.state.skip || r.state.hidden && r.html {
		return
	}
	r.flush()
	r.out.WriteString(s)
}

func (r *reader) run() {
	r.state.unicode = 1
	for len(r.b) > 0 && r.out.Len() < maxText {
		c := r.b[0]
		r.b = r.b[1:]
		switch c {
		case '{':
			r.ignore = 0
			if len(r.stack) < maxDepth {
				r.stack = append(r.stack, r.state)
			}
		case '}':
			r.ignore = 0
			if n := len(r.stack); n > 0 {
				r.state, r.stack = r.stack[n-1], r.stack[:n-1]
			}
		case '\\':
			r.control()
		case '\r', '\n':
		default:
			if r.ignore > 0 {
				r.ignore--
				continue
			}
			if c < utf8.RuneSelf {
				r.text(string(rune(c)))
			} else if !r.state.skip && !(r.state.hidden && r.html) {
				r.bytes = append(r.bytes, c)
			}
		}
	}
}

// control reads a control word or symbol.
func (r *reader) control() {
	switch {
	case len(r.b) == 0:
	case !isLetter(r.b[0]):
		r.symbol(r.b[0])
	default:
		word, n, given := r.word()
		r.keyword(word, n, given)
	}
}

// symbol reads a control symbol, which c begins.
func (r *reader) symbol(c byte) {
	r.b = r.b[1:]
	switch c {
	case '\'':
		if len(r.b) >= 2 {
			v, err := strconv.ParseUint(string(r.b[:2]), 16, 8)
			r.b = r.b[2:]
			if r.ignore > 0 {
				r.ignore--
			} else if err == nil && !r.state.skip && !(r.state.hidden && r.html) {
				r.bytes = append(r.bytes, byte(v))
			}
		}
	case '\\', '{', '}':
		if r.ignore > 0 {
			r.ignore--
			return
		}
		r.text(string(rune(c)))
	case '~':
		r.text("\u00a0")
	case '_':
		r.text("\u2011")
	case '\r', '\n':
		r.text("\r\n")
	case '*':
		r.state.skip = true // unless the word after it is one that is known
		if word, _ := r.peekWord(); word == "htmltag" && r.html {
			r.state.skip = false
		}
	}
}

// keyword acts on a control word.
func (r *reader) keyword(word string, n int, given bool) {
	switch word {
	case "u":
		if !given {
			return
		}
		if n < 0 {
			n += 65536
		}
		ru := rune(n)
		switch {
		case utf16.IsSurrogate(ru) && r.high == 0:
			r.high = ru
		case r.high != 0:
			r.text(string(utf16.DecodeRune(r.high, ru)))
			r.high = 0
		default:
			r.text(string(ru))
		}
		r.ignore = r.state.unicode
	case "uc":
		r.state.unicode = max(0, min(n, 16))
	case "par", "line", "sect", "page":
		if !(r.state.tag && r.html) || word == "par" || word == "line" {
			r.text("\r\n")
		}
	case "tab", "cell":
		r.text("\t")
	case "row":
		r.text("\r\n")
	case "lquote":
		r.text("‘")
	case "rquote":
		r.text("’")
	case "ldblquote":
		r.text("“")
	case "rdblquote":
		r.text("”")
	case "bullet":
		r.text("•")
	case "endash":
		r.text("–")
	case "emdash":
		r.text("—")
	case "htmltag":
		r.state.tag = true
		r.state.hidden = false
	case "htmlrtf":
		r.state.hidden = !given || n != 0
	case "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr", "footerl", "footerr", "listtable", "listoverridetable", "generator", "themedata", "datastore", "latentstyles", "xmlnstbl", "fldinst":
		r.state.skip = true
	case "bin":
		r.b = r.b[min(max(n, 0), len(r.b)):]
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// peekWord returns the control word that comes next, without taking it.
func (r *reader) peekWord() (string, bool) {
	b := bytes.TrimLeft(r.b, "\r\n ")
	if len(b) == 0 || b[0] != '\\' {
		return "", false
	}
	i := 1
	for i < len(b) && isLetter(b[i]) {
		i++
	}
	return string(b[1:i]), true
}

// word takes a control word with its number and the space that ends it.
func (r *reader) word() (word string, n int, given bool) {
	i := 0
	for i < len(r.b) && isLetter(r.b[i]) && i < 32 {
		i++
	}
	word = string(r.b[:i])
	j := i
	if j < len(r.b) && r.b[j] == '-' {
		j++
	}
	for j < len(r.b) && r.b[j] >= '0' && r.b[j] <= '9' && j-i < 11 {
		j++
	}
	if v, err := strconv.Atoi(string(r.b[i:j])); err == nil {
		n, given, i = v, true, j
	}
	r.b = r.b[i:]
	if len(r.b) > 0 && r.b[0] == ' ' {
		r.b = r.b[1:]
	}
	return word, n, given
}
