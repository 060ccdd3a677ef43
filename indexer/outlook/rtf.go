package outlook

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// rtfDictionary is what the dictionary begins with (MS-OXRTFCP section 2.1.2.1).
const rtfDictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// maxRTF is how large a text may become.
const maxRTF = 64 << 20

// unpackRTF undoes the compression of MS-OXRTFCP. What was read before the data
// ends too early is returned with the error.
func unpackRTF(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	if len(b) < 16 {
		return nil, errors.New("compressed text is too short")
	}
	raw := int(le.Uint32(b[4:]))
	kind := string(b[8:12])
	b = b[16:]
	if raw > maxRTF {
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
	w := copy(dict[:], rtfDictionary)
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

// rtfText takes the text out of RTF: the HTML or the plain text that Outlook packed
// into it (MS-OXRTFEX), which of the two isHTML says, or else the text as a reader
// sees it.
func rtfText(b []byte, decode func([]byte) string) (text string, isHTML bool) {
	r := &rtfReader{b: b, decode: decode}
	isHTML = bytes.Contains(b[:min(len(b), 2048)], []byte(`\fromhtml`))
	r.html = isHTML
	r.run()
	r.flush()
	return r.out.String(), isHTML
}

// rtfState is what a group inherits and what ends with it.
type rtfState struct {
	skip    bool // a destination that is no text
	hidden  bool // \htmlrtf: for readers of RTF only
	tag     bool // within \*\htmltag
	unicode int  // how many characters stand in for a \u
}

type rtfReader struct {
	b      []byte
	decode func([]byte) string
	html   bool
	state  rtfState
	stack  []rtfState
	bytes  []byte // \'hh, in the code page
	out    strings.Builder
	high   rune // first half of a surrogate pair
	ignore int  // characters still standing in for a \u
}

const maxRTFDepth = 10000

func (r *rtfReader) flush() {
	if len(r.bytes) > 0 {
		r.out.WriteString(r.decode(r.bytes))
		r.bytes = r.bytes[:0]
	}
}

func (r *rtfReader) text(s string) {
	if r.state.skip || r.state.hidden && r.html {
		return
	}
	r.flush()
	r.out.WriteString(s)
}

func (r *rtfReader) run() {
	r.state.unicode = 1
	for len(r.b) > 0 && r.out.Len() < maxRTF {
		c := r.b[0]
		r.b = r.b[1:]
		switch c {
		case '{':
			r.ignore = 0
			if len(r.stack) < maxRTFDepth {
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
func (r *rtfReader) control() {
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
func (r *rtfReader) symbol(c byte) {
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
func (r *rtfReader) keyword(word string, n int, given bool) {
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
func (r *rtfReader) peekWord() (string, bool) {
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
func (r *rtfReader) word() (word string, n int, given bool) {
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
