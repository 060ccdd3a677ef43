package message

import (
	"bytes"
	"strings"
)

// headerReader gathers the fields of one header section. Its buffers serve
// message after message.
type headerReader struct {
	line   []byte // the line being gathered
	text   []byte // names and unfolded values, one after the other
	fields []field
	stray  [][]byte // malformed lines since the last field
	size   int
	over   bool // too long: the rest is passed over
	seen   bool // anything stood there
	spaced bool // the line before was white space
}

type field struct{ name, start, end int } // offsets in text: name, value, end

func (h *headerReader) reset() {
	h.line, h.text, h.fields, h.stray = h.line[:0], h.text[:0], h.fields[:0], nil
	h.size, h.over, h.seen, h.spaced = 0, false, false, false
}

func (h *headerReader) empty() bool { return !h.seen }

// piece takes a line or a part of one.
func (h *headerReader) piece(p *parser, line []byte, start bool) {
	h.seen = true
	h.size += len(line)
	if h.size > maxHeader && !h.over {
		h.over = true
		p.defect("header-too-long", "a header section of more than %d octets was cut", maxHeader)
	}
	whole := endsLine(line)
	if !(start && whole) {
		if !h.over {
			h.line = append(h.line, line...)
		}
		if !whole {
			return
		}
		line = h.line
		if h.over {
			line = nil
			if !start {
				h.line = h.line[:0]
				return
			}
		}
	}
	l := trimEnd(line)
	if len(l) == 0 && start && whole {
		h.end(p)
		return
	}
	if !h.over {
		// CR alone within the section: some program has rewritten the line ends.
		for len(l) > 0 {
			i := bytes.IndexByte(l, '\r')
			if i < 0 {
				i = len(l)
			} else {
				p.defect("line-end-mixed", "a CR stands alone in a header section")
			}
			if i > 0 {
				h.logical(p, l[:i])
				if p.state != inHeader {
					break // the body had begun
				}
			}
			l = l[min(i+1, len(l)):]
		}
	}
	h.line = h.line[:0]
}

// logical takes one line of the section without its end.
func (h *headerReader) logical(p *parser, l []byte) {
	if l[0] == ' ' || l[0] == '\t' {
		switch {
		case len(h.stray) > 0:
			h.astray(p, l)
		case len(h.fields) > 0:
			h.spaced = len(bytes.TrimSpace(l)) == 0
			// RFC 5322 section 2.2.3: only the line end goes.
			h.text = append(h.text, l...)
			h.fields[len(h.fields)-1].end = len(h.text)
		case len(bytes.TrimSpace(l)) > 0:
			h.astray(p, l)
		}
		return
	}
	n := fieldName(l)
	if n == 0 {
		h.astray(p, l)
		return
	}
	h.spaced = false
	h.dropStray(p)
	if len(h.fields) >= maxFields {
		p.defect("too-many-fields", "a header section of more than %d fields was cut", maxFields)
		return
	}
	f := field{name: len(h.text)}
	for _, c := range bytes.TrimRight(l[:n], " \t") {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h.text = append(h.text, c)
	}
	f.start = len(h.text)
	h.text = append(h.text, l[n+1:]...)
	f.end = len(h.text)
	h.fields = append(h.fields, f)
}

// fieldName gives the length of the field name that l begins with, white space
// before the colon included (RFC 5322 section 4.5), or 0.
func fieldName(l []byte) int {
	for i, c := range l {
		switch {
		case c == ':':
			if i > 200 {
				return 0
			}
			return i
		case c == ' ' || c == '\t':
			rest := bytes.TrimLeft(l[i:], " \t")
			if i > 0 && len(rest) > 0 && rest[0] == ':' {
				return len(l) - len(rest)
			}
			return 0
		case c < '!' || c > '~':
			return 0
		}
	}
	return 0
}

// astray takes a line that is neither field nor continuation. It is passed over
// when fields follow; a run of them, or one below a line of white space, is a body
// whose empty line was lost.
func (h *headerReader) astray(p *parser, l []byte) {
	if n := len(h.fields); n > 0 && len(h.stray) == 0 && !h.spaced {
		// A continuation that lost its indent.
		v := bytes.TrimSpace(h.text[:h.fields[n-1].end])
		if c := v[len(v)-1]; c == ';' && bytes.IndexByte(l, '=') > 0 || c == ',' && bytes.IndexByte(l, '@') > 0 {
			p.defect("header-line-malformed", "header line taken as continuation: %q", l[:min(len(l), 60)])
			h.text = append(append(h.text, ' '), l...)
			h.fields[n-1].end = len(h.text)
			return
		}
	}
	if n := len(h.stray); n > 0 && (l[0] == ' ' || l[0] == '\t') && private(h.stray[n-1]) {
		h.stray[n-1] = append(append(h.stray[n-1], '\n'), l...)
		return
	}
	h.stray = append(h.stray, append([]byte(nil), l...))
	if len(h.stray) < maxStrayBody && !(h.spaced && len(h.fields) > 0) || h.allPrivate() {
		return
	}
	h.startBody(p)
}

// private tells a line that means to be a field of somebody's own, whatever is wrong
// with its name: no body begins like that.
func private(l []byte) bool {
	return len(l) > 2 && (l[0] == 'X' || l[0] == 'x') && l[1] == '-' && bytes.IndexByte(l, ':') > 0
}

func (h *headerReader) allPrivate() bool {
	for _, l := range h.stray {
		if !private(l) {
			return false
		}
	}
	return len(h.stray) < maxFields
}

// startBody ends the section and gives the stray lines to the body.
func (h *headerReader) startBody(p *parser) {
	lines := h.stray
	h.stray = nil
	p.defect("header-unclosed", "no empty line stands between header section and body")
	p.headerDone()
	for _, s := range lines {
		p.feed(append(s, '\n'), true)
	}
}

func (h *headerReader) dropStray(p *parser) {
	for _, s := range h.stray {
		p.defect("header-line-malformed", "header line passed over: %q", s[:min(len(s), 60)])
	}
	h.stray = nil
}

// end is called at the empty line.
func (h *headerReader) end(p *parser) {
	h.line = h.line[:0]
	if len(h.stray) > 0 && !h.allPrivate() {
		// The body began without an empty line, and here is its first.
		h.startBody(p)
		p.feed([]byte{'\n'}, true)
		return
	}
	h.dropStray(p)
	p.headerDone()
}

// flush is called where the message or part ends within the section; it tells
// whether the section was thereby closed.
func (h *headerReader) flush(p *parser) {
	if l := trimEnd(h.line); len(l) > 0 && !h.over {
		line := append([]byte(nil), l...)
		h.line = h.line[:0]
		h.logical(p, line)
		if p.state != inHeader {
			return
		}
	}
	if len(h.stray) > 0 {
		h.startBody(p)
		return
	}
	if h.seen {
		p.defect("body-missing", "the header section is not followed by a body")
	}
	p.headerDone()
}

// all calls f for each field in order, with lower-case name and raw value.
func (h *headerReader) all(f func(name, value []byte)) {
	for _, d := range h.fields {
		f(h.text[d.name:d.start], bytes.TrimSpace(h.text[d.start:d.end]))
	}
}

// outerHeader holds the raw fields of the outermost section that the envelope
// is made of.
type outerHeader struct {
	from, sender, replyTo, to, cc, bcc string
	subject, messageID, inReplyTo      string
	references, date, threadIndex      string
	mailer                             string
	received                           []string
	auto                               bool
}

// mimeHeader is what the Content fields of a section say.
type mimeHeader struct {
	typ        string // lower-case type/subtype
	multipart  bool
	boundary   string
	charset    string // lower-case
	flowed     bool
	delsp      bool
	protocol   string
	smime      string
	name       string
	cid        string
	encoding   string // lower-case
	attachment bool
	inline     bool
}

func (h *mimeHeader) subtype() string {
	_, s, _ := strings.Cut(h.typ, "/")
	return s
}

// fill reads the section into e and, for the outermost section, into p.header.
func (h *headerReader) fill(p *parser, e *entity, outer bool) {
	var ctype, cdisp, seenType = "", "", false
	o := &p.header
	once := func(dst *string, name, value []byte) {
		if *dst != "" {
			p.defect("field-repeated", "%s stands there more than once; the first was taken", name)
			return
		}
		*dst = string(value)
	}
	more := func(dst *string, value []byte) {
		if *dst != "" {
			*dst += ", "
		}
		*dst += string(value)
	}
	h.all(func(name, value []byte) {
		switch string(name) {
		case "content-type":
			if !seenType {
				ctype, seenType = string(value), true
			}
		case "content-disposition":
			if cdisp == "" {
				cdisp = string(value)
			}
		case "content-transfer-encoding":
			if e.encoding == "" {
				// Some mailers add a comment or a semicolon.
				enc, _, _ := strings.Cut(string(value), ";")
				enc, _, _ = strings.Cut(enc, "(")
				e.encoding = strings.ToLower(strings.Trim(enc, " \t\"'"))
			}
		case "content-id":
			e.cid = clip(strings.Trim(string(value), "<> \t"), 500)
		}
		if !outer {
			return
		}
		switch string(name) {
		case "from":
			once(&o.from, name, value)
		case "sender":
			once(&o.sender, name, value)
		case "reply-to":
			more(&o.replyTo, value)
		case "to":
			more(&o.to, value)
		case "cc":
			more(&o.cc, value)
		case "bcc":
			more(&o.bcc, value)
		case "subject":
			once(&o.subject, name, value)
		case "message-id":
			once(&o.messageID, name, value)
		case "in-reply-to":
			once(&o.inReplyTo, name, value)
		case "references":
			more(&o.references, value)
		case "date":
			once(&o.date, name, value)
		case "thread-index":
			once(&o.threadIndex, name, value)
		case "x-mailer", "user-agent":
			if o.mailer == "" {
				o.mailer = string(value)
			}
		case "received":
			if len(o.received) < 4 {
				o.received = append(o.received, string(value))
			}
		case "auto-submitted":
			if len(value) > 0 && !strings.EqualFold(firstWord(string(value)), "no") {
				o.auto = true // RFC 3834 section 5
			}
		case "precedence":
			switch strings.ToLower(firstWord(string(value))) {
			case "bulk", "list", "junk", "auto_reply":
				o.auto = true
			}
		case "list-id", "list-unsubscribe", "x-autoreply", "x-autorespond":
			o.auto = o.auto || len(value) > 0
		case "return-path":
			if string(value) == "<>" {
				o.auto = true // RFC 5321 section 4.5.5
			}
		}
	})
	if outer && len(h.fields) == 0 {
		p.defect("header-missing", "the message has no header section")
	}
	h.contentType(p, e, ctype)
	if cdisp != "" {
		kind, ps := parseParams(cdisp)
		switch kind = strings.ToLower(kind); kind {
		case "inline":
			e.inline = true
		case "":
		default:
			e.attachment = true // RFC 2183 section 2.8: unknown kinds too
		}
		if n := ps.text(p, "filename"); n != "" {
			e.name = n
		}
	}
	e.name = clip(e.name, 500)
}

func (h *headerReader) contentType(p *parser, e *entity, v string) {
	if v == "" {
		return
	}
	typ, ps := parseParams(v)
	typ = strings.ToLower(typ)
	main, sub, ok := strings.Cut(typ, "/")
	if !ok || main == "" || sub == "" || strings.ContainsAny(typ, " \t") {
		p.defect("content-type-malformed", "content type %q", clip(v, 60))
		// "text" is seen in practice, as are lone subtypes; RFC 2045 section 5.2.
		if typ != "" && typ != "text" && typ != "plain" && ps.get("boundary") == "" {
			typ = "application/octet-stream"
		} else {
			typ = "text/plain"
		}
		if typ == "text/plain" && ps.get("boundary") != "" {
			typ, main = "multipart/mixed", "multipart"
		}
	}
	e.typ = clip(typ, 200)
	e.multipart = main == "multipart"
	e.charset = strings.ToLower(firstWord(ps.get("charset")))
	e.flowed = strings.EqualFold(ps.get("format"), "flowed")
	e.delsp = strings.EqualFold(ps.get("delsp"), "yes")
	e.protocol = clip(ps.get("protocol"), 100)
	e.smime = clip(ps.get("smime-type"), 100)
	e.name = ps.text(p, "name")
	if e.multipart {
		e.boundary = strings.TrimRight(ps.get("boundary"), " \t")
	}
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t;,("); i >= 0 {
		return s[:i]
	}
	return s
}

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// cleanLine makes one line of s: control characters go, tabs and line ends
// become spaces.
func cleanLine(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0 {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, s))
}
