// Package outlook reads messages as Outlook saves them (.msg: MS-CFB, MS-OXMSG) and
// writes them as RFC 5322, always to the same octets. The result is a conversion
// and says so in a header field of its own; the file itself is the original.
//
// A received message carries the header section that it arrived with, and that is
// used as it stands. What was written in Outlook has none, and gets one from its
// properties. Exchange addresses of the kind "/O=…" stand for people whose mail
// address the file does not know; they are named without one and never made up.
package outlook

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/htmlindex"

	"inwriting/indexer/rtf"
)

// ErrNotMessage means that a compound file is none of a message: a document, a
// template, or too damaged to tell.
var ErrNotMessage = errors.New("not a message of Outlook")

// Converted is a message as RFC 5322.
type Converted struct {
	Raw      []byte    // the message; every line ends in CRLF
	Original [32]byte  // SHA-256 of the file
	Class    string    // "IPM.Note", "IPM.Appointment" …
	Received time.Time // when it was received or sent; zero if the file does not say
	Flags    []string  // IMAP flags
	Defects  []string  // what the file did not give; empty when it gave all
}

// maxNested is how many messages may lie in one another.
const maxNested = 8

// Convert reads the octets of a .msg file.
func Convert(b []byte) (*Converted, error) {
	f, err := openCompound(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotMessage, err)
	}
	if f.root.child(propertiesName) == nil {
		return nil, fmt.Errorf("%w: it holds no properties, so it may be a document of Office", ErrNotMessage)
	}
	c := &Converted{Original: sha256.Sum256(b)}
	r := &reader{f: f, c: c, id: hex.EncodeToString(c.Original[:12])}
	m := r.message(f.root, 32, 0)
	c.Class, c.Received = m.class, m.when()
	if m.flags&flagRead != 0 {
		c.Flags = append(c.Flags, `\Seen`)
	}
	if m.flags&flagUnsent != 0 {
		c.Flags = append(c.Flags, `\Draft`)
	}
	w := &writer{id: r.id}
	w.field("X-Inwriting-Converted", "from an Outlook .msg file; original sha256="+hex.EncodeToString(c.Original[:]))
	w.message(m)
	c.Raw = w.b.Bytes()
	return c, nil
}

const propertiesName = "__properties_version1.0"

// Property ids (MS-OXPROPS).
const (
	pidClass         = 0x001a
	pidSubject       = 0x0037
	pidSubmitTime    = 0x0039
	pidRepName       = 0x0042
	pidRepType       = 0x0064
	pidRepAddress    = 0x0065
	pidThreadIndex   = 0x0071
	pidHeaders       = 0x007d
	pidSenderName    = 0x0c1a
	pidSenderType    = 0x0c1e
	pidSenderAddress = 0x0c1f
	pidRecipType     = 0x0c15
	pidDelivery      = 0x0e06
	pidFlags         = 0x0e07
	pidSubjectPrefix = 0x003d
	pidNormalSubject = 0x0e1d
	pidBody          = 0x1000
	pidRTF           = 0x1009
	pidHTML          = 0x1013
	pidMessageID     = 0x1035
	pidReferences    = 0x1039
	pidInReplyTo     = 0x1042
	pidName          = 0x3001
	pidAddrType      = 0x3002
	pidAddress       = 0x3003
	pidCreated       = 0x3007
	pidAttachData    = 0x3701
	pidAttachShort   = 0x3704
	pidAttachMethod  = 0x3705
	pidAttachLong    = 0x3707
	pidAttachType    = 0x370e
	pidContentID     = 0x3712
	pidSMTP          = 0x39fe
	pidInternetCP    = 0x3fde
	pidMessageCP     = 0x3ffd
	pidSenderSMTP    = 0x5d01
	pidRepSMTP       = 0x5d02
)

// Property types.
const (
	typeLong    = 0x0003
	typeObject  = 0x000d
	typeString8 = 0x001e
	typeUnicode = 0x001f
	typeTime    = 0x0040
	typeBinary  = 0x0102
)

const (
	flagRead   = 1
	flagUnsent = 8

	attachEmbedded = 5
	attachOLE      = 6
)

// message is what a file says of a message.
type message struct {
	class      string
	headers    string // as they arrived; "" when it was written here
	subject    string
	from       person
	sender     person
	recipients []recipient
	sent       time.Time
	received   time.Time
	created    time.Time
	messageID  string
	inReplyTo  string
	references string
	index      []byte
	flags      uint32
	text       string
	html       string
	files      []attachment
}

type person struct{ name, address string }

type recipient struct {
	person
	kind uint32 // 1 To, 2 Cc, 3 Bcc
}

type attachment struct {
	name, media, id string
	data            []byte
	message         *message
	missing         string // why there is neither
}

func (m *message) when() time.Time {
	if !m.received.IsZero() {
		return m.received
	}
	return m.sent
}

type reader struct {
	f  *compound
	c  *Converted
	id string
}

func (r *reader) defect(format string, args ...any) {
	if len(r.c.Defects) < 100 {
		r.c.Defects = append(r.c.Defects, fmt.Sprintf(format, args...))
	}
}

// properties are those of one object.
type properties struct {
	r     *reader
	n     *node
	fixed map[uint32][8]byte // by id<<16 | type
	cp    int
}

// properties reads the table of an object (MS-OXMSG section 2.4), behind a header
// of that many octets.
func (r *reader) properties(n *node, header, cp int) properties {
	p := properties{r: r, n: n, fixed: map[uint32][8]byte{}, cp: cp}
	s := n.child(propertiesName)
	if s == nil {
		return p
	}
	b, err := r.f.data(s)
	if err != nil {
		r.defect("the properties of %q: %v", n.name, err)
		return p
	}
	for i := header; i+16 <= len(b); i += 16 {
		var v [8]byte
		copy(v[:], b[i+8:])
		p.fixed[binary.LittleEndian.Uint32(b[i:])] = v
	}
	return p
}

func (p properties) long(id uint32) uint32 {
	v := p.fixed[id<<16|typeLong]
	return binary.LittleEndian.Uint32(v[:])
}

// time converts 100 ns since 1601.
func (p properties) time(id uint32) time.Time {
	v, ok := p.fixed[id<<16|typeTime]
	n := binary.LittleEndian.Uint64(v[:])
	if !ok || n == 0 || n >= 0x0cb34557a3dd4000 { // "no date" is the year 4501
		return time.Time{}
	}
	const to1970 = 11644473600
	t := time.Unix(int64(n/1e7)-to1970, 0).UTC()
	if t.Year() < 1970 {
		return time.Time{}
	}
	return t
}

func (p properties) bytes(id, kind uint32) ([]byte, bool) {
	s := p.n.child(fmt.Sprintf("__substg1.0_%04X%04X", id, kind))
	if s == nil || s.folder {
		return nil, false
	}
	b, err := p.r.f.data(s)
	if err != nil {
		p.r.defect("property %04x of %q: %v", id, p.n.name, err)
		return nil, false
	}
	return b, true
}

func (p properties) binary(id uint32) []byte {
	b, _ := p.bytes(id, typeBinary)
	return b
}

func (p properties) text(id uint32) string {
	if b, ok := p.bytes(id, typeUnicode); ok {
		u := make([]uint16, len(b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		return strings.TrimRight(string(utf16.Decode(u)), "\x00")
	}
	if b, ok := p.bytes(id, typeString8); ok {
		return strings.TrimRight(decodePage(b, p.cp), "\x00")
	}
	return ""
}

// first returns the first text that is not empty.
func (p properties) first(ids ...uint32) string {
	for _, id := range ids {
		if s := strings.TrimSpace(p.text(id)); s != "" {
			return s
		}
	}
	return ""
}

// address returns the mail address of somebody: the SMTP one, or the one of that
// type; "" where the file has only an Exchange name.
func (p properties) address(smtp, kind, address uint32) string {
	for _, a := range []string{p.text(smtp), p.text(address)} {
		a = strings.Trim(strings.TrimSpace(a), "<>'\"")
		if strings.Contains(a, "@") && !strings.ContainsAny(a, " \r\n\t/") && !strings.EqualFold(p.text(kind), "EX") || strings.Contains(a, "@") && a == strings.TrimSpace(p.text(smtp)) {
			return a
		}
	}
	return ""
}

func (r *reader) message(n *node, header, depth int) *message {
	p := r.properties(n, header, 1252)
	if cp := p.long(pidMessageCP); cp != 0 {
		p.cp = int(cp)
	} else if cp := p.long(pidInternetCP); cp != 0 {
		p.cp = int(cp)
	}
	m := &message{class: p.text(pidClass), headers: p.text(pidHeaders), subject: p.text(pidSubject), sent: p.time(pidSubmitTime), received: p.time(pidDelivery), created: p.time(pidCreated),
		messageID: p.first(pidMessageID), inReplyTo: p.first(pidInReplyTo), references: p.first(pidReferences), index: p.binary(pidThreadIndex), flags: p.long(pidFlags)}
	if m.subject == "" {
		m.subject = p.text(pidSubjectPrefix) + p.text(pidNormalSubject)
	}
	m.from = person{p.first(pidRepName, pidSenderName), p.address(pidRepSMTP, pidRepType, pidRepAddress)}
	m.sender = person{p.first(pidSenderName), p.address(pidSenderSMTP, pidSenderType, pidSenderAddress)}
	if m.from.address == "" && (m.from.name == m.sender.name || m.from.name == "") {
		m.from.address = m.sender.address
	}
	r.body(p, m)
	r.people(n, m)
	r.files(n, p, m, depth)
	return m
}

// maxRich is how large a text may become when it is unpacked.
const maxRich = 64 << 20

func (r *reader) body(p properties, m *message) {
	m.text = p.text(pidBody)
	if b := p.binary(pidHTML); len(b) > 0 {
		cp := int(p.long(pidInternetCP))
		if cp == 0 {
			cp = p.cp
		}
		m.html = decodePage(b, cp)
	} else {
		m.html = p.text(pidHTML)
	}
	if m.html != "" {
		return
	}
	packed := p.binary(pidRTF)
	if len(packed) == 0 {
		return
	}
	rich, err := rtf.Unpack(packed, maxRich)
	if err != nil {
		r.defect("the formatted text: %v", err)
	}
	page := rtf.Page(rich, p.cp)
	text, isHTML := rtf.Text(rich, func(b []byte) string { return decodePage(b, page) })
	switch {
	case isHTML:
		m.html = text
	case m.text == "":
		m.text = text
	}
}

func (r *reader) people(n *node, m *message) {
	for _, s := range sortedChildren(n, "__recip_version1.0_") {
		p := r.properties(s, 8, 1252)
		who := recipient{person{p.first(pidName), p.address(pidSMTP, pidAddrType, pidAddress)}, p.long(pidRecipType) & 0xf}
		if who.name == "" && who.address == "" {
			r.defect("a recipient without name and address")
			continue
		}
		m.recipients = append(m.recipients, who)
	}
}

// sortedChildren are the folders whose names begin so, by number.
func sortedChildren(n *node, prefix string) []*node {
	var out []*node
	for _, c := range n.order {
		if c.folder && strings.HasPrefix(strings.ToLower(c.name), prefix) {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

func (r *reader) files(n *node, of properties, m *message, depth int) {
	for _, s := range sortedChildren(n, "__attach_version1.0_") {
		p := r.properties(s, 8, of.cp)
		a := attachment{name: p.first(pidAttachLong, pidAttachShort, pidName), media: p.first(pidAttachType), id: p.first(pidContentID)}
		switch method := p.long(pidAttachMethod); {
		case method == attachEmbedded:
			inner := s.child(fmt.Sprintf("__substg1.0_%04X%04X", pidAttachData, typeObject))
			switch {
			case inner == nil:
				a.missing = "the message it was is not in the file"
			case depth >= maxNested:
				a.missing = "messages lie in one another too deep"
			default:
				a.message = r.message(inner, 24, depth+1)
			}
		case method == attachOLE:
			a.missing = "an object of another program, which only Outlook shows"
		default:
			data, ok := p.bytes(pidAttachData, typeBinary)
			if !ok {
				a.missing = "its octets are not in the file"
				if method > 1 {
					a.missing = "it was a link, and its octets are not in the file"
				}
			}
			a.data = data
		}
		if a.missing != "" {
			r.defect("attachment %q: %s", a.name, a.missing)
		}
		m.files = append(m.files, a)
	}
}

// decodePage decodes octets of a code page.
func decodePage(b []byte, page int) string {
	name := rtf.Charset(page)
	if name == "utf-8" {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(s)
}
