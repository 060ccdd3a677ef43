package imapsync

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// A response is one whole server response as it came: lines with their CRLF,
// and after a line that ends in "{n}" the n octets of the literal.
type response []byte

// word returns the first word of an untagged response in upper case ("LIST",
// "OK"; "12" for "* 12 EXISTS"), or "" for anything else.
func (r response) word() string {
	rest, ok := bytes.CutPrefix(r, []byte("* "))
	if !ok {
		return ""
	}
	return strings.ToUpper(string(rest[:endOfWord(rest)]))
}

// numbered reports "* n WORD" and returns n and what follows WORD.
func (r response) numbered(word string) (n uint32, rest []byte, ok bool) {
	b, found := bytes.CutPrefix(r, []byte("* "))
	if !found {
		return 0, nil, false
	}
	i := endOfWord(b)
	n, ok = number32(string(b[:i]))
	b = bytes.TrimLeft(b[i:], " ")
	i = endOfWord(b)
	if !ok || !strings.EqualFold(string(b[:i]), word) {
		return 0, nil, false
	}
	return n, b[i:], true
}

// after returns what follows the first word of an untagged response.
func (r response) after() []byte {
	b, _ := bytes.CutPrefix(r, []byte("* "))
	return b[endOfWord(b):]
}

func endOfWord(b []byte) int {
	if i := bytes.IndexAny(b, " \r\n("); i >= 0 {
		return i
	}
	return len(b)
}

func number32(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// condition is the OK, NO, BAD, BYE or PREAUTH of a response.
type condition struct {
	status string // upper case
	code   string // first word inside the brackets, upper case; "" without
	arg    string // the rest inside the brackets
	text   string // for people
}

// readCondition reads "STATUS [CODE arg] text". The text may be missing (seen
// in practice), as may the space after the bracket.
func readCondition(b []byte) condition {
	s := strings.TrimRight(string(b), "\r\n")
	status, rest, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	c := condition{status: strings.ToUpper(status)}
	if strings.HasPrefix(rest, "[") {
		if end := strings.IndexByte(rest, ']'); end > 0 {
			code, arg, _ := strings.Cut(rest[1:end], " ")
			c.code, c.arg = strings.ToUpper(code), arg
			rest = strings.TrimLeft(rest[end+1:], " ")
		}
	}
	c.text = rest
	return c
}

// value is one datum of a response: a list, a string, an atom or NIL.
type value struct {
	list   []value
	isList bool
	closed bool // the list, by its parenthesis
	quoted bool // quoted string or literal; an unquoted NIL is nil
	s      string
}

func (v value) isNil() bool { return !v.isList && !v.quoted && strings.EqualFold(v.s, "NIL") }

// maxDepth keeps a hostile server from overflowing the stack.
const maxDepth = 32

// readValues reads data to the end of b. It takes what real servers send:
// several spaces, any octet in an atom, "]" and "\" among them.
func readValues(b []byte) ([]value, error) {
	p := &parser{b: b}
	var out []value
	for {
		p.space()
		if p.end() {
			return out, nil
		}
		v, err := p.value(0)
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
}

type parser struct {
	b []byte
	i int
}

func (p *parser) space() {
	for p.i < len(p.b) && p.b[p.i] == ' ' {
		p.i++
	}
}

func (p *parser) end() bool {
	return p.i >= len(p.b) || p.b[p.i] == '\r' || p.b[p.i] == '\n'
}

func (p *parser) value(depth int) (value, error) {
	if p.end() {
		return value{}, fmt.Errorf("response ends at octet %d where a value is expected", p.i)
	}
	switch c := p.b[p.i]; c {
	case '(':
		if depth >= maxDepth {
			return value{}, fmt.Errorf("lists nested deeper than %d", maxDepth)
		}
		p.i++
		v := value{isList: true}
		for {
			p.space()
			if p.end() {
				return v, fmt.Errorf("unterminated list")
			}
			if p.b[p.i] == ')' {
				p.i++
				v.closed = true
				return v, nil
			}
			e, err := p.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.list = append(v.list, e)
		}
	case ')':
		return value{}, fmt.Errorf("unexpected %q at octet %d", c, p.i)
	case '"':
		return p.quoted()
	case '{':
		return p.literal()
	}
	start := p.i
	for p.i < len(p.b) && !strings.ContainsRune(" ()\r\n", rune(p.b[p.i])) {
		p.i++
	}
	return value{s: string(p.b[start:p.i])}, nil
}

func (p *parser) quoted() (value, error) {
	var s []byte
	for p.i++; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; c {
		case '"':
			p.i++
			return value{s: string(s), quoted: true}, nil
		case '\\':
			if p.i++; p.i == len(p.b) {
				return value{}, fmt.Errorf("unterminated string")
			}
			s = append(s, p.b[p.i])
		case '\r', '\n':
			return value{}, fmt.Errorf("unterminated string")
		default:
			s = append(s, c)
		}
	}
	return value{}, fmt.Errorf("unterminated string")
}

func (p *parser) literal() (value, error) {
	rest := p.b[p.i:]
	eol := bytes.IndexByte(rest, '\n')
	if eol < 0 {
		return value{}, fmt.Errorf("literal without its octets")
	}
	n, ok := literalLength(rest[:eol+1])
	if !ok || n > int64(len(rest)-eol-1) {
		return value{}, fmt.Errorf("literal without its octets")
	}
	p.i += eol + 1 + int(n)
	return value{s: string(rest[eol+1 : eol+1+int(n)]), quoted: true}, nil
}

// openQuote reports whether a line ends within a quoted string, which has no line ends
// (RFC 9051 section 9, quoted).
func openQuote(line []byte) bool {
	in := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			in = !in
		case '\\':
			if in {
				i++
			}
		}
	}
	return in
}

// literalLength returns n if the line, with its line end, closes in "{n}" or
// "{n+}". A length that does not fit is returned as the greatest there is, so
// that a limit refuses it.
func literalLength(line []byte) (int64, bool) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < 3 || line[len(line)-1] != '}' {
		return 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false
	}
	digits := bytes.TrimSuffix(line[open+1:len(line)-1], []byte("+"))
	if len(digits) == 0 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

// RFC 9051 section 9, date-time.
const internalDateLayout = "_2-Jan-2006 15:04:05 -0700"

// readInternalDate returns the zero time for a date it cannot read; servers
// send "" and worse, and the message matters more.
func readInternalDate(s string) time.Time {
	t, err := time.Parse(internalDateLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// quote returns s as a quoted string, or ok = false when it has octets that
// only a literal can carry (RFC 9051 section 9, quoted).
func quote(s string) (q string, ok bool) {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c >= 0x7f {
			return "", false
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String(), true
}

// displayName decodes modified UTF-7 (RFC 3501 section 5.1.3) for people. A
// name that is not modified UTF-7 is shown as it is, octets that are not UTF-8
// replaced; ok tells which it was.
func displayName(raw string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '&' {
			if c < 0x20 || c >= 0x7f {
				return strings.ToValidUTF8(raw, "\uFFFD"), false
			}
			b.WriteByte(c)
			i++
			continue
		}
		end := strings.IndexByte(raw[i:], '-')
		if end < 0 {
			return raw, false
		}
		if end == 1 {
			b.WriteByte('&')
		} else if s, ok := decodeShift(raw[i+1 : i+end]); ok {
			b.WriteString(s)
		} else {
			return strings.ToValidUTF8(raw, "\uFFFD"), false
		}
		i += end + 1
	}
	return b.String(), true
}

const utf7Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

// decodeShift decodes what stands between "&" and "-": UTF-16 in base64.
func decodeShift(s string) (string, bool) {
	var acc, bits uint32
	var units []uint16
	for i := range len(s) {
		d := strings.IndexByte(utf7Alphabet, s[i])
		if d < 0 {
			return "", false
		}
		acc = acc<<6 | uint32(d)
		if bits += 6; bits >= 16 {
			bits -= 16
			units = append(units, uint16(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	if bits >= 6 || acc != 0 || len(units) == 0 {
		return "", false
	}
	for _, r := range utf16.Decode(units) {
		if r == utf8.RuneError {
			return "", false
		}
	}
	return string(utf16.Decode(units)), true
}

// uidRange is a closed range of UIDs.
type uidRange struct{ lo, hi uint32 }

// readUIDSet reads a set of UIDs without "*"; what it cannot read it passes over.
func readUIDSet(s string) (out []uidRange) {
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		from, to, ok := strings.Cut(part, ":")
		if !ok {
			to = from
		}
		lo, ok1 := number32(from)
		hi, ok2 := number32(to)
		if ok1 && ok2 && lo > 0 && hi > 0 {
			out = append(out, uidRange{min(lo, hi), max(lo, hi)})
		}
	}
	return out
}

// setText writes ranges as an IMAP sequence set.
func setText(ranges []uidRange) string {
	var b []byte
	for i, r := range ranges {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.lo), 10)
		if r.hi != r.lo {
			b = append(b, ':')
			b = strconv.AppendUint(b, uint64(r.hi), 10)
		}
	}
	return string(b)
}
