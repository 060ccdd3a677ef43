package message

import (
	"bytes"
	"strings"
)

// A decoder undoes a content transfer encoding (RFC 2045 section 6) as octets
// stream by, in pieces of any size. It never fails: what cannot be decoded is
// passed over or passed on, and bad tells.
type decoder interface {
	write(b []byte, out func([]byte))
	close(out func([]byte))
	bad() string
}

func newDecoder(name string) (d decoder, known bool) {
	switch name {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "none", "7bits", "8bits":
		return plain{}, true
	case "base64", "base-64":
		return &base64Decoder{}, true
	case "quoted-printable":
		return &qpDecoder{}, true
	case "x-uuencode", "uuencode", "x-uue", "x-uu":
		return &uuDecoder{}, true
	}
	return plain{}, false
}

func (h *mimeHeader) plainEncoding() bool {
	d, _ := newDecoder(h.encoding)
	_, ok := d.(plain)
	return ok
}

type plain struct{}

func (plain) write(b []byte, out func([]byte)) { out(b) }
func (plain) close(func([]byte))               {}
func (plain) bad() string                      { return "" }

const (
	b64Skip = 0xff
	b64Pad  = 0xfe
)

var b64Table = func() (t [256]byte) {
	for i := range t {
		t[i] = b64Skip
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	t['='] = b64Pad
	return t
}()

// base64Decoder passes over foreign octets (RFC 2045 section 6.8) and goes on
// after padding: some mailers encode in chunks, some lists append clear text.
type base64Decoder struct {
	acc   uint32
	n     int
	buf   [3072]byte
	alien int
	cut   bool
}

func (d *base64Decoder) write(b []byte, out func([]byte)) {
	o := 0
	for _, c := range b {
		v := b64Table[c]
		if v >= b64Pad {
			if v == b64Pad {
				o = d.flush(o)
			} else if c > ' ' {
				d.alien++
			}
			if o > len(d.buf)-4 {
				out(d.buf[:o])
				o = 0
			}
			continue
		}
		d.acc = d.acc<<6 | uint32(v)
		if d.n++; d.n == 4 {
			d.buf[o], d.buf[o+1], d.buf[o+2] = byte(d.acc>>16), byte(d.acc>>8), byte(d.acc)
			o += 3
			d.n, d.acc = 0, 0
			if o > len(d.buf)-4 {
				out(d.buf[:o])
				o = 0
			}
		}
	}
	if o > 0 {
		out(d.buf[:o])
	}
}

// flush writes the octets of an unfinished group.
func (d *base64Decoder) flush(o int) int {
	switch d.n {
	case 2:
		d.buf[o] = byte(d.acc >> 4)
		o++
	case 3:
		d.buf[o], d.buf[o+1] = byte(d.acc>>10), byte(d.acc>>2)
		o += 2
	}
	d.n, d.acc = 0, 0
	return o
}

func (d *base64Decoder) close(out func([]byte)) {
	d.cut = d.n == 1
	if o := d.flush(0); o > 0 {
		out(d.buf[:o])
	}
}

func (d *base64Decoder) bad() string {
	switch {
	case d.alien > 0:
		return "characters outside the base64 alphabet"
	case d.cut:
		return "base64 ends within a group"
	}
	return ""
}

// qpDecoder leaves an "=" that starts no valid sequence as it is (RFC 2045
// section 6.7 calls that reasonable) and drops white space at line ends.
type qpDecoder struct {
	pend   []byte // "=" and what may complete it
	space  []byte // white space that may prove to be trailing
	broken bool
	buf    []byte
}

func (d *qpDecoder) write(b []byte, out func([]byte)) {
	if len(d.pend) == 0 && len(d.space) == 0 && bytes.IndexByte(b, '=') < 0 {
		// Nothing to undo but white space at the end, which the loop below holds back.
		if c := b[len(b)-1]; c != ' ' && c != '\t' {
			out(b)
			return
		}
	}
	o := d.buf[:0]
	for _, c := range b {
		if len(d.pend) > 0 {
			o = d.escape(o, c)
			continue
		}
		switch c {
		case '=':
			o = append(o, d.space...)
			d.space = d.space[:0]
			d.pend = append(d.pend[:0], '=')
		case ' ', '\t':
			if len(d.space) > 1000 {
				o = append(o, d.space...)
				d.space = d.space[:0]
			}
			d.space = append(d.space, c)
		case '\r', '\n':
			d.space = d.space[:0]
			o = append(o, c)
		default:
			o = append(o, d.space...)
			d.space = d.space[:0]
			o = append(o, c)
		}
	}
	if len(o) > 0 {
		out(o)
	}
	d.buf = o[:0]
}

// escape takes an octet after "=".
func (d *qpDecoder) escape(o []byte, c byte) []byte {
	first := d.pend[len(d.pend)-1]
	switch {
	case first == '=' && hexValue(c) >= 0:
		d.pend = append(d.pend, c)
	case hexValue(first) >= 0 && hexValue(c) >= 0:
		o = append(o, byte(hexValue(first)<<4|hexValue(c)))
		d.pend = d.pend[:0]
	case c == '\n' && hexValue(first) < 0: // soft line break
		d.pend = d.pend[:0]
	case (c == '\r' || c == ' ' || c == '\t') && hexValue(first) < 0 && len(d.pend) < 100:
		d.pend = append(d.pend, c)
	case first == '\r':
		// CR alone ended the line.
		d.pend = d.pend[:0]
		return d.plainOctet(o, c)
	default:
		d.broken = true
		o = append(o, d.pend...)
		d.pend = d.pend[:0]
		return d.plainOctet(o, c)
	}
	return o
}

func (d *qpDecoder) plainOctet(o []byte, c byte) []byte {
	if c == '=' {
		d.pend = append(d.pend[:0], '=')
		return o
	}
	return append(o, c)
}

func (d *qpDecoder) close(out func([]byte)) {
	if len(d.pend) > 0 && hexValue(d.pend[len(d.pend)-1]) >= 0 {
		d.broken = true
		out(d.pend)
	}
	d.pend, d.space = nil, nil
}

func (d *qpDecoder) bad() string {
	if d.broken {
		return `"=" without two hexadecimal digits`
	}
	return ""
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// uuDecoder undoes uuencode, which is no MIME encoding but seen in practice.
type uuDecoder struct {
	line  []byte
	begun bool
	ended bool
}

func (d *uuDecoder) write(b []byte, out func([]byte)) {
	for _, c := range b {
		if c == '\n' || c == '\r' {
			d.flush(out)
		} else if len(d.line) < 1000 {
			d.line = append(d.line, c)
		}
	}
}

func (d *uuDecoder) flush(out func([]byte)) {
	l := d.line
	d.line = d.line[:0]
	switch {
	case len(l) == 0 || d.ended:
	case !d.begun:
		d.begun = strings.HasPrefix(string(l), "begin ")
	case string(l) == "end":
		d.ended = true
	default:
		n := int(l[0]-' ') & 63
		var o []byte
		for l = l[1:]; len(l) >= 2 && len(o) < n; l = l[min(4, len(l)):] {
			var g [4]byte
			for i := range min(4, len(l)) {
				g[i] = (l[i] - ' ') & 63
			}
			o = append(o, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2, g[2]<<6|g[3])
		}
		if o = o[:min(n, len(o))]; len(o) > 0 {
			out(o)
		}
	}
}

func (d *uuDecoder) close(out func([]byte)) { d.flush(out) }

func (d *uuDecoder) bad() string {
	if !d.begun {
		return `uuencode without a "begin" line`
	}
	return ""
}
