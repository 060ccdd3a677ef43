package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strconv"
	"unicode/utf16"
)

// ref is the number of an indirect object (ISO 32000-1 section 7.3.10). All are of
// generation 0.
type ref int

func (r ref) String() string { return strconv.Itoa(int(r)) + " 0 R" }

// objects writes a file's indirect objects one behind the other, and in the end
// where each of them lies. It keeps eight octets of each. The first error stays.
type objects struct {
	w    io.Writer
	sum  hash.Hash
	at   int64
	pos  []int64 // by object number; 0 is not written yet
	err  error
	pack bytes.Buffer
	zw   *zlib.Writer
}

func newObjects(w io.Writer) *objects {
	o := &objects{w: w, sum: sha256.New(), pos: []int64{0}}
	// The comment tells mail programs that the file is not text, section 7.5.2.
	o.print("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	return o
}

func (o *objects) print(s string) { o.write([]byte(s)) }

func (o *objects) write(b []byte) {
	if o.err != nil {
		return
	}
	n, err := o.w.Write(b)
	o.sum.Write(b[:n])
	o.at += int64(n)
	o.err = err
}

// alloc gives a number to an object that is written later.
func (o *objects) alloc() ref {
	o.pos = append(o.pos, 0)
	return ref(len(o.pos) - 1)
}

func (o *objects) put(r ref, body string) {
	o.pos[r] = o.at
	o.print(strconv.Itoa(int(r)) + " 0 obj\n" + body + "\nendobj\n")
}

func (o *objects) add(body string) ref {
	r := o.alloc()
	o.put(r, body)
	return r
}

// stream writes data packed; dict is the rest of its dictionary.
func (o *objects) stream(r ref, dict string, data []byte) {
	o.pack.Reset()
	if o.zw == nil {
		o.zw, _ = zlib.NewWriterLevel(&o.pack, zlib.DefaultCompression)
	} else {
		o.zw.Reset(&o.pack)
	}
	o.zw.Write(data)
	o.zw.Close()
	o.rawStream(r, dict+"/Filter/FlateDecode", o.pack.Bytes())
}

func (o *objects) rawStream(r ref, dict string, data []byte) {
	o.pos[r] = o.at
	o.print(fmt.Sprintf("%d 0 obj\n<<%s/Length %d>>\nstream\n", r, dict, len(data)))
	o.write(data)
	o.print("\nendstream\nendobj\n")
}

// finish writes the cross-reference table and the trailer. The file's identifier is
// the hash of what it holds.
func (o *objects) finish(root, info ref) error {
	id := o.sum.Sum(nil)[:16]
	start := o.at
	var b bytes.Buffer
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(o.pos))
	for n, p := range o.pos[1:] {
		if p == 0 && o.err == nil {
			o.err = fmt.Errorf("object %d was promised and not written", n+1)
		}
		fmt.Fprintf(&b, "%010d 00000 n \n", p)
		if b.Len() > 1<<16 {
			o.write(b.Bytes())
			b.Reset()
		}
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root %v/Info %v/ID[<%x><%x>]>>\nstartxref\n%d\n%%%%EOF\n", len(o.pos), root, info, id, id, start)
	o.write(b.Bytes())
	return o.err
}

// text writes a text string as UTF-16 (section 7.9.2.2), in hexadecimal: nothing in
// it can be taken for syntax.
func text(s string) string {
	const hex = "0123456789ABCDEF"
	b := []byte("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	return string(append(b, '>'))
}

// num writes a length with at most two digits behind the point.
func num(f float64) string {
	return string(appendNum(nil, f))
}

func appendNum(b []byte, f float64) []byte {
	n := int64(f*100 + 0.5)
	if f < 0 {
		n = -int64(-f*100 + 0.5)
	}
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendInt(b, n/100, 10)
	if n %= 100; n > 0 {
		b = append(b, '.', byte('0'+n/10))
		if n%10 > 0 {
			b = append(b, byte('0'+n%10))
		}
	}
	return b
}
