// Package message turns the octets of a mail into what people read: header
// fields, text, parts and zones (RFC 5322, RFC 2045 to 2049).
//
// Malformed mail is data, not failure: every input yields a usable Message, and
// whatever was departed from is listed in its Defects. The package takes octets and
// returns values; it opens no file, asks no clock and logs nothing, so the same
// octets give the same Message everywhere. It never changes the octets it reads:
// repairs (line ends, charset labels, boundaries) concern the view only.
//
// A message is read in one pass, line by line. Open multiparts stand on a stack;
// leaves are decoded and hashed as they stream by and only the text is kept, so
// an attachment costs no memory. Then the text is chosen among its alternatives,
// converted (charset, format=flowed, HTML) and cut into zones.
package message

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Bounds on what one message may cost. They are far above honest mail.
const (
	bufferSize   = 32 << 10    // longest line seen in one piece
	maxHeader    = 256 << 10   // one header section
	maxFields    = 2000        // fields in one header section
	maxDepth     = 40          // open multiparts and messages
	maxParts     = 1000        // parts listed
	maxRaw       = 4 * MaxText // octets of text kept before conversion, in all
	maxNested    = 3           // messages within messages looked into
	maxDefects   = 100
	maxStrayBody = 3 // malformed header lines in a row that mean the body has begun
)

// Read reads one message from r to its end. An error is r's own; whatever is
// wrong with the message itself becomes a Defect of the Message, which is always
// usable. Memory stays at a few megabytes however long the message is.
func Read(r io.Reader) (*Message, error) {
	p := parsers.Get().(*parser)
	defer p.release()
	p.m = &Message{}
	p.br.Reset(r)
	if err := p.run(); err != nil {
		return nil, fmt.Errorf("reading message: %w", err)
	}
	p.finish()
	return p.m, nil
}

// Parse reads the message in b, which it neither keeps nor changes.
func Parse(b []byte) *Message {
	m, _ := Read(bytes.NewReader(b)) // a bytes.Reader does not fail
	return m
}

var parsers = sync.Pool{New: func() any {
	return &parser{br: bufio.NewReaderSize(nil, bufferSize)}
}}

type state uint8

const (
	inHeader   state = iota // of the innermost entity
	inLeaf                  // body of the innermost entity
	inPreamble              // of the innermost multipart, before its first part
	inEpilogue              // of the innermost multipart, after its closing delimiter
)

// An entity is a header section with its body (RFC 2045 section 2.4).
type entity struct {
	mimeHeader
	number   string // as in IMAP; "" for the outermost and for the body of a nested message
	alt      int    // the multipart/alternative it stands in, 0 for none
	branch   int    // which alternative it belongs to
	foreign  bool   // inside a nested message: its words are not this author's
	kids     int
	closed   bool
	nested   bool // a message/rfc822 whose inside is being read
	preamble []byte

	// Leaves and nested messages.
	dec  decoder
	sink func([]byte) // takes what dec gives; made once, it is called a line
	hash hash.Hash
	size int64
	text bool   // candidate for Message.Text
	data []byte // decoded octets when text or container

	container bool      // of Outlook (TNEF)
	held      []byte    // line end that belongs to a delimiter, if one follows (RFC 2046 section 5.1.1)
	out       io.Writer // of ReadLeaves; nil for none
}

// A textLeaf is a candidate for Message.Text.
type textLeaf struct {
	typ         string
	charset     string
	flowed      bool
	delsp       bool
	data        []byte
	alt, branch int
	part        Part // how it is listed when it is not the text
	named       bool
	inside      bool // of an Outlook container, which is listed itself
}

type parser struct {
	br   *bufio.Reader
	cr   bool // lines end in CR alone
	m    *Message
	leaf func(Leaf) io.Writer // of ReadLeaves

	stack  []*entity
	state  state
	leaves []textLeaf
	alts   int
	kept   int // octets of text kept
	nested int
	parts  int

	hdr      headerReader
	header   outerHeader
	epilogue bool
}

func (p *parser) release() {
	p.br.Reset(nil)
	p.hdr.reset()
	*p = parser{br: p.br, hdr: p.hdr}
	parsers.Put(p)
}

// defect notes a departure once per code and text, in bounded number.
func (p *parser) defect(code, format string, args ...any) {
	if len(p.m.Defects) >= maxDefects {
		return
	}
	d := Defect{Code: code, Text: fmt.Sprintf(format, args...)}
	d.Text = strings.ToValidUTF8(d.Text, "\uFFFD")
	for _, old := range p.m.Defects {
		if old == d {
			return
		}
	}
	p.m.Defects = append(p.m.Defects, d)
}

// next gives the next line with its end, or a piece of a line longer than the
// buffer; start says whether the piece begins a line. The bytes hold until the
// next call.
func (p *parser) next() (line []byte, err error) {
	delim := byte('\n')
	if p.cr {
		delim = '\r'
	}
	line, err = p.br.ReadSlice(delim)
	if err == bufio.ErrBufferFull {
		err = nil
	}
	p.m.Size += int64(len(line))
	if len(line) > 0 && err == io.EOF {
		err = nil
	}
	return line, err
}

func (p *parser) run() error {
	head, err := p.br.Peek(4096)
	if err != nil && err != io.EOF {
		return err
	}
	if bytes.IndexByte(head, '\n') < 0 && bytes.Count(head, []byte{'\r'}) > 1 {
		p.cr = true
		p.defect("line-end-cr", "lines end in CR alone")
	}
	if len(head) == 0 {
		p.defect("empty", "the message has no octets")
	}
	top := &entity{}
	p.push(top)
	p.begin()
	start, first := true, true
	for {
		line, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		whole := endsLine(line)
		if first && start && isMboxFrom(line) {
			// A From_ line, or one that an mbox writer quoted, is no header field.
			p.defect("mbox-from-line", "a mailbox separator line stands before the header section")
		} else {
			p.line(line, start)
		}
		first = false
		start = whole
	}
}

func endsLine(b []byte) bool {
	c := b[len(b)-1]
	return c == '\n' || c == '\r'
}

func isMboxFrom(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// line takes one line, or a piece of one.
func (p *parser) line(line []byte, start bool) {
	if start && len(line) > 2 && line[0] == '-' && line[1] == '-' {
		if at, last := p.delimiter(line); at >= 0 {
			p.tee(line, at)
			p.delimit(at, last)
			return
		}
	}
	p.tee(line, len(p.stack))
	p.feed(line, start)
}

// feed takes a line that is no delimiter.
func (p *parser) feed(line []byte, start bool) {
	top := p.stack[len(p.stack)-1]
	switch p.state {
	case inHeader:
		p.hdr.piece(p, line, start)
	case inLeaf:
		top.write(line)
	case inPreamble:
		if start && top.boundary == "" {
			// No boundary parameter: the first line that looks like a delimiter tells it.
			if b := trimEnd(line); len(b) > 6 && b[0] == '-' && b[1] == '-' && bytes.IndexByte(b, ' ') < 0 {
				top.boundary = string(b[2:])
				p.defect("boundary-missing", "multipart without a boundary parameter; %q was taken", top.boundary)
				p.delimit(len(p.stack)-1, false)
				return
			}
		}
		if room := MaxText - len(top.preamble); room > 0 && p.keep(len(line)) {
			top.preamble = append(top.preamble, line[:min(room, len(line))]...)
		}
	case inEpilogue:
		if !p.epilogue && len(bytes.TrimSpace(line)) > 0 {
			p.epilogue = true
			p.defect("epilogue", "text after the last delimiter of a multipart is not shown")
		}
	}
}

// keep asks for room for n octets of text.
func (p *parser) keep(n int) bool {
	if p.kept+n > maxRaw {
		p.kept = maxRaw + 1 // nothing more: text has no holes
		p.m.Truncated = true
		return false
	}
	p.kept += n
	return true
}

// tee gives a line to the nested messages that it belongs to: those below the
// stack position upTo.
func (p *parser) tee(line []byte, upTo int) {
	if p.nested == 0 {
		return
	}
	for _, e := range p.stack[:upTo] {
		if e.nested {
			e.write(line)
		}
	}
}

// delimiter finds the open multipart that line delimits, innermost first.
func (p *parser) delimiter(line []byte) (at int, last bool) {
	b := trimEnd(line)[2:]
	for i := len(p.stack) - 1; i >= 0; i-- {
		e := p.stack[i]
		if !e.multipart || e.boundary == "" || len(b) < len(e.boundary) || string(b[:len(e.boundary)]) != e.boundary {
			continue
		}
		switch rest := bytes.TrimRight(b[len(e.boundary):], " \t"); {
		case len(rest) == 0:
			return i, false
		case string(rest) == "--":
			return i, true
		}
	}
	return -1, false
}

// delimit closes what stands inside the multipart at position at and, unless
// the delimiter is the last, opens its next part.
func (p *parser) delimit(at int, last bool) {
	if p.state == inHeader && p.hdr.empty() && len(p.stack)-1 > at {
		e := p.stack[len(p.stack)-1]
		if e != p.stack[0] && !last {
			p.defect("boundary-doubled", "part %s is empty: a delimiter follows the other", e.number)
		}
		p.stack = p.stack[:len(p.stack)-1]
		p.state = inEpilogue
	}
	for len(p.stack)-1 > at {
		p.pop(true)
	}
	mp := p.stack[at]
	if last {
		mp.closed = true
		p.state = inEpilogue
		return
	}
	if mp.closed {
		mp.closed = false
		p.defect("part-after-close", "a part follows the closing delimiter")
	}
	mp.kids++
	kid := &entity{alt: mp.alt, branch: mp.branch, foreign: mp.foreign}
	kid.number = strconv.Itoa(mp.kids)
	if mp.number != "" {
		kid.number = mp.number + "." + kid.number
	}
	if mp.subtype() == "alternative" && !mp.foreign {
		if mp.alt == 0 {
			p.alts++
			mp.alt = p.alts
		}
		kid.alt = mp.alt
		kid.branch = mp.branch*maxParts + mp.kids
	}
	if mp.subtype() == "digest" {
		kid.typ = "message/rfc822" // RFC 2046 section 5.1.5
	}
	p.push(kid)
	p.begin()
}

func (p *parser) push(e *entity) { p.stack = append(p.stack, e) }

// begin starts the header section of the innermost entity.
func (p *parser) begin() {
	p.state = inHeader
	p.hdr.reset()
}

// headerDone is called at the end of the innermost entity's header section.
func (p *parser) headerDone() {
	e := p.stack[len(p.stack)-1]
	outer := len(p.stack) == 1
	p.hdr.fill(p, e, outer)
	if e.typ == "" {
		e.typ = "text/plain"
	}
	if e.multipart && len(p.stack) >= maxDepth {
		p.defect("too-deep", "multiparts nest deeper than %d", maxDepth)
		e.multipart = false
		e.typ = "application/octet-stream"
	}
	switch {
	case e.multipart:
		p.state = inPreamble
		switch e.subtype() {
		case "encrypted":
			p.defect("encrypted", "the message is encrypted (%s)", orElse(e.protocol, "multipart/encrypted"))
		}
	case e.typ == "message/rfc822" || e.typ == "message/global":
		p.openLeaf(e)
		if p.nested < maxNested && len(p.stack) < maxDepth && e.plainEncoding() {
			e.nested = true
			p.nested++
			p.push(&entity{number: e.number, foreign: true})
			p.begin()
			return
		}
		p.state = inLeaf
	default:
		p.openLeaf(e)
		p.state = inLeaf
	}
}

func (p *parser) openLeaf(e *entity) {
	if e.number == "" {
		e.number = "1"
	} else if len(p.stack) > 1 && p.stack[len(p.stack)-2].nested {
		e.number += ".1" // the single body of a nested message
	}
	var ok bool
	e.sink = func(b []byte) { e.take(p, b) }
	if e.dec, ok = newDecoder(e.encoding); !ok {
		p.defect("encoding-unknown", "part %s: unknown transfer encoding %q", e.number, e.encoding)
	}
	switch e.typ {
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		p.defect("smime", "part %s is S/MIME (%s), its inside is not shown", e.number, orElse(e.smime, "enveloped or signed"))
	case "application/pgp-encrypted":
	case "application/ms-tnef", "application/vnd.ms-tnef":
		p.defect("tnef", "part %s is an Outlook container (TNEF)", e.number)
		e.container = !e.foreign
	case "message/partial":
		p.defect("partial", "the message is one fragment of a longer one (RFC 2046 section 5.2.2)")
	}
	e.text = !e.foreign && !e.attachment && isText(e.typ)
	if !e.text || e.name != "" {
		e.hash = sha256.New()
	}
	p.offer(e)
}

// calendarType is text where a message has no other.
const calendarType = "text/calendar"

func isText(typ string) bool {
	switch typ {
	case "text/plain", "text/html", "text/enriched", "text/richtext", calendarType:
		return true
	}
	return false
}

// write decodes octets of the body. The last line end is held back: it may
// belong to a delimiter.
func (e *entity) write(line []byte) {
	if len(e.held) > 0 {
		e.dec.write(e.held, e.sink)
		e.held = e.held[:0]
	}
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
	}
	if n > 0 && line[n-1] == '\r' {
		n--
	}
	e.held = append(e.held, line[n:]...)
	if n > 0 {
		e.dec.write(line[:n], e.sink)
	}
}

func (e *entity) take(p *parser, b []byte) {
	e.size += int64(len(b))
	if e.hash != nil {
		e.hash.Write(b)
	}
	if e.out != nil {
		e.out.Write(b)
	}
	if e.container && len(e.data)+len(b) <= maxContainer {
		e.data = append(e.data, b...)
	}
	if e.text {
		if p.keep(len(b)) {
			e.data = append(e.data, b...)
		} else if e.hash == nil {
			e.hash = sha256.New()
			e.hash.Write(e.data)
			e.hash.Write(b)
		}
	}
}

// pop closes the innermost entity. A delimiter, if one follows, owns the last
// line end.
func (p *parser) pop(delimited bool) {
	for p.state == inHeader {
		p.hdr.flush(p) // may open a nested message, which has nothing in it
	}
	e := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	p.state = inEpilogue
	switch {
	case e.multipart:
		if !e.closed {
			p.defect("boundary-unclosed", "multipart %s lacks its closing delimiter", orElse(e.number, "body"))
		}
		if e.kids == 0 {
			p.defect("multipart-empty", "multipart %s has no parts; its text was taken as it stands", orElse(e.number, "body"))
			if !e.foreign && len(bytes.TrimSpace(e.preamble)) > 0 && len(p.leaves) < maxParts {
				p.leaves = append(p.leaves, textLeaf{typ: "text/plain", charset: e.charset, data: e.preamble, alt: e.alt, branch: e.branch})
			}
		}
	case e.dec != nil:
		if e.nested {
			p.nested--
		}
		if len(e.held) > 0 && !delimited {
			e.dec.write(e.held, e.sink)
		}
		e.dec.close(e.sink)
		if bad := e.dec.bad(); bad != "" {
			p.defect("encoding-broken", "part %s: %s", e.number, bad)
		}
		p.list(e)
	}
}

// list files a finished leaf: among the texts or among the parts.
func (p *parser) list(e *entity) {
	part := Part{
		Number: e.number, ContentType: e.typ, Name: e.name, ContentID: e.cid,
		Inline: e.inline || !e.attachment && e.cid != "", Size: e.size,
	}
	if e.hash != nil {
		part.SHA256 = hex.EncodeToString(e.hash.Sum(nil))
	}
	if e.text && len(p.leaves) < maxParts {
		p.leaves = append(p.leaves, textLeaf{
			typ: e.typ, charset: e.charset, flowed: e.flowed, delsp: e.delsp, data: e.data,
			alt: e.alt, branch: e.branch, part: part, named: e.name != "" || e.typ == calendarType,
		})
		return
	}
	if e.text {
		p.defect("too-many-parts", "more than %d text parts; the rest is not shown", maxParts)
		return
	}
	if e.foreign && isText(e.typ) && !e.attachment && e.name == "" {
		return // the nested message stands for its own text
	}
	p.addPart(part)
	if e.container {
		p.openContainer(e)
		e.data = nil
	}
}

func (p *parser) addPart(part Part) {
	if p.parts++; p.parts > maxParts {
		p.defect("too-many-parts", "more than %d parts; the rest is not listed", maxParts)
		return
	}
	p.m.Parts = append(p.m.Parts, part)
}

// finish closes what is open and makes the text.
func (p *parser) finish() {
	for len(p.stack) > 0 {
		p.pop(false)
	}
	p.envelope()
	p.compose()
}

func orElse(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// trimEnd takes the line end off.
func trimEnd(b []byte) []byte {
	for n := len(b); n > 0 && (b[n-1] == '\n' || b[n-1] == '\r'); n-- {
		b = b[:n-1]
	}
	return b
}
