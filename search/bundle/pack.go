package bundle

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	fast "github.com/klauspost/compress/flate"
)

// packer writes the files of a bag into a zip, one after the other, and remembers
// what they were. The first error stays.
type packer struct {
	z         *zip.Writer
	root      string
	time      time.Time
	files     map[string]digest
	level     int
	deflaters map[int]*fast.Writer
	watch     func(path string, b []byte) // sees what is written; nil for nobody
}

// digest is what a manifest says of a file.
type digest struct {
	sum  [sha256.Size]byte
	size int64
}

func (d digest) String() string { return hex.EncodeToString(d.sum[:]) }

// What is large is attachments, which compress badly and take long.
const (
	tight = flate.DefaultCompression
	quick = flate.BestSpeed
)

func newPacker(w io.Writer, root string, at time.Time) *packer {
	p := &packer{z: zip.NewWriter(w), root: root, time: at, files: map[string]digest{}, level: tight, deflaters: map[int]*fast.Writer{}}
	p.z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return p.deflater(w) })
	return p
}

// deflater is made once for each level: it is large, and files are many and small.
// One file is written at a time.
func (p *packer) deflater(w io.Writer) (io.WriteCloser, error) {
	if d := p.deflaters[p.level]; d != nil {
		d.Reset(w)
		return d, nil
	}
	d, err := fast.NewWriter(w, p.level)
	if err == nil {
		p.deflaters[p.level] = d
	}
	return d, err
}

// entry is the file being written; the next create ends it.
type entry struct {
	p    *packer
	path string
	w    io.Writer
	h    hash.Hash
	n    int64
}

func (e *entry) Write(b []byte) (int, error) {
	n, err := e.w.Write(b)
	e.h.Write(b[:n])
	e.n += int64(n)
	if e.p.watch != nil {
		e.p.watch(e.path, b[:n])
	}
	return n, err
}

// done notes the file and returns what it was.
func (e *entry) done() digest {
	d := digest{[sha256.Size]byte(e.h.Sum(nil)), e.n}
	e.p.files[e.path] = d
	return d
}

// create begins a file. method is zip.Store for what is packed already.
func (p *packer) create(path string, level int, method uint16) (*entry, error) {
	if _, ok := p.files[path]; ok {
		return nil, fmt.Errorf("%s is written twice", path)
	}
	p.files[path] = digest{}
	p.level = level
	h := &zip.FileHeader{Name: p.root + "/" + path, Method: method, Modified: p.time}
	h.SetMode(0o644)
	w, err := p.z.CreateHeader(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &entry{p: p, path: path, w: w, h: sha256.New()}, nil
}

// add writes a whole file.
func (p *packer) add(path string, data []byte) error {
	e, err := p.create(path, tight, zip.Deflate)
	if err != nil {
		return err
	}
	if _, err := e.Write(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	e.done()
	return nil
}

func (p *packer) paths() []string {
	var out []string
	for f := range p.files {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}

// manifest lists files as sha256sum does (RFC 8493 section 2.1.3).
func (p *packer) manifest(in func(path string) bool) []byte {
	var b []byte
	for _, f := range p.paths() {
		if in(f) {
			b = fmt.Appendf(b, "%s  %s\n", p.files[f], f)
		}
	}
	return b
}

// payload is how many octets in how many files are payload.
func (p *packer) payload() (octets int64, files int) {
	for f, d := range p.files {
		if strings.HasPrefix(f, "data/") {
			octets += d.size
			files++
		}
	}
	return octets, files
}
