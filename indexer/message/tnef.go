package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"inwriting/indexer/rtf"
)

// maxContainer bounds the octets of an Outlook container that are looked into.
const maxContainer = 16 << 20

// Attributes of an Outlook container and properties in it, as [MS-OXTNEF] section
// 2.1.3 numbers them.
const (
	tnefSignature  = 0x223E9F78
	tnefBody       = 0x0002800C
	tnefMessage    = 0x00069003 // properties of the message
	tnefRender     = 0x00069002 // a new attachment begins
	tnefTitle      = 0x00018010
	tnefData       = 0x0006800F
	tnefAttachment = 0x00069005 // properties of the attachment

	propBody     = 0x1000
	propRich     = 0x1009
	propHTML     = 0x1013
	propLongName = 0x3707
)

// container is what winmail.dat holds beside what Outlook alone can use.
type container struct {
	text, html string
	rich       []byte // compressed
	files      []containerFile
}

type containerFile struct {
	name string
	data []byte
}

// readTNEF reads an Outlook container as far as it goes; ok tells whether it is
// one.
func readTNEF(b []byte) (c container, ok bool) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefSignature {
		return c, false
	}
	b = b[6:]
	var file *containerFile
	for len(b) >= 11 && len(c.files) <= maxParts {
		id, size := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint32(b[5:])
		b = b[9:]
		if uint64(size) > uint64(len(b)) {
			break
		}
		data := b[:size]
		b = b[size:]
		b = b[min(2, len(b)):] // a checksum
		if id == tnefRender || file == nil && (id == tnefTitle || id == tnefData || id == tnefAttachment) {
			c.files = append(c.files, containerFile{})
			file = &c.files[len(c.files)-1]
		}
		switch id {
		case tnefBody:
			c.text = orElse(c.text, narrow(data))
		case tnefMessage:
			properties(data, func(prop, kind uint16, v []byte) {
				switch prop {
				case propBody:
					c.text = orElse(c.text, propertyText(kind, v))
				case propHTML:
					c.html = orElse(c.html, propertyText(kind, v))
				case propRich:
					c.rich = v
				}
			})
		case tnefTitle:
			file.name = orElse(file.name, narrow(data))
		case tnefData:
			file.data = data
		case tnefAttachment:
			properties(data, func(prop, kind uint16, v []byte) {
				if prop == propLongName {
					file.name = orElse(propertyText(kind, v), file.name)
				}
			})
		}
	}
	return c, true
}

// properties hands each the properties of a list ([MS-OXTNEF] section 2.1.3.4)
// that have one value, until it meets what it cannot step over.
func properties(b []byte, each func(prop, kind uint16, v []byte)) {
	if len(b) < 4 {
		return
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	skip := func(n uint64) bool {
		if n > uint64(len(b)) {
			return false
		}
		b = b[n:]
		return true
	}
	for ; n > 0 && len(b) >= 4; n-- {
		kind, prop := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		b = b[4:]
		if prop >= 0x8000 { // named: a GUID, then a number or a name
			if len(b) < 24 {
				return
			}
			named, size := binary.LittleEndian.Uint32(b[16:]), uint64(binary.LittleEndian.Uint32(b[20:]))
			b = b[24:]
			if named != 0 && !skip(padded(size)) {
				return
			}
		}
		count := uint64(1)
		counted := kind&0x1000 != 0 || kind == 0x1E || kind == 0x1F || kind == 0x0D || kind == 0x102
		if counted {
			if len(b) < 4 {
				return
			}
			count = uint64(binary.LittleEndian.Uint32(b))
			b = b[4:]
		}
		for i := uint64(0); i < count; i++ {
			size := uint64(0)
			switch kind &^ 0x1000 {
			case 0x02, 0x03, 0x04, 0x0A, 0x0B:
				size = 4
			case 0x05, 0x06, 0x07, 0x14, 0x40:
				size = 8
			case 0x48:
				size = 16
			case 0x1E, 0x1F, 0x0D, 0x102:
				if len(b) < 4 {
					return
				}
				size = uint64(binary.LittleEndian.Uint32(b))
				b = b[4:]
				if size > uint64(len(b)) {
					return
				}
				if i == 0 && kind&0x1000 == 0 {
					each(prop, kind, b[:size])
				}
			default:
				return
			}
			if !skip(padded(size)) {
				return
			}
		}
	}
}

func padded(n uint64) uint64 { return (n + 3) &^ 3 }

// propertyText is a property as text: UTF-16, or octets in some code page.
func propertyText(kind uint16, v []byte) string {
	if kind != 0x1F {
		return narrow(v)
	}
	u := make([]uint16, len(v)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(v[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(u)), "\x00")
}

func narrow(b []byte) string {
	b = bytes.TrimRight(b, "\x00")
	if utf8.Valid(b) {
		return string(b)
	}
	s, _ := toUTF8(b, "windows-1252")
	return s
}

// openContainer lists what an Outlook container holds as parts of its own, and
// keeps its text for a message that has no other.
func (p *parser) openContainer(e *entity) {
	c, ok := readTNEF(e.data)
	if !ok {
		p.defect("tnef-broken", "part %s is no Outlook container (TNEF), though it says so", e.number)
		return
	}
	for i, f := range c.files {
		sum := sha256.Sum256(f.data)
		part := Part{Number: fmt.Sprintf("%s.%d", e.number, i+1), ContentType: "application/octet-stream", Name: cleanName(f.name),
			Size: int64(len(f.data)), SHA256: hex.EncodeToString(sum[:])}
		p.addPart(part)
		if p.leaf != nil {
			if w := p.leaf(Leaf{Number: part.Number, ContentType: part.ContentType, Name: part.Name}); w != nil {
				w.Write(f.data) // errors are the writer's business
			}
		}
	}
	if strings.TrimSpace(c.text+c.html) == "" && len(c.rich) > 0 {
		p.unpackRich(e, &c)
	}
	for _, l := range [...]textLeaf{{typ: "text/plain", data: []byte(c.text)}, {typ: "text/html", data: []byte(c.html)}} {
		if len(bytes.TrimSpace(l.data)) > 0 && len(p.leaves) < maxParts && p.keep(len(l.data)) {
			l.charset, l.named, l.inside = "utf-8", true, true
			p.leaves = append(p.leaves, l)
			return
		}
	}
}

// unpackRich makes text of a body that is there as compressed rich text alone.
func (p *parser) unpackRich(e *entity, c *container) {
	rich, err := rtf.Unpack(c.rich, maxRaw)
	rich = bytes.TrimRight(rich, "\x00")
	if err != nil {
		p.defect("tnef-broken", "part %s: the formatted text: %v", e.number, err)
	}
	charset := rtf.Charset(rtf.Page(rich, 1252))
	text, isHTML := rtf.Text(rich, func(b []byte) string {
		s, _ := toUTF8(b, charset)
		return s
	})
	if isHTML {
		c.html = text
	} else {
		c.text = text
	}
}

// cleanName is the last element of a name, on one line.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	return s[strings.LastIndexAny(s, `/\`)+1:]
}
