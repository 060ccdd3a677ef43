package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// This file knows what a segment is made of: tar entries in zstd frames.

const (
	block = 512 // tar's unit
	// A tar entry of USTAR has eleven octal digits for its size.
	maxEntry = 1<<33 - 1
	// What a frame may ask a reader to hold. The encoder's windows are smaller.
	maxWindow = 8 << 20
)

// header returns the USTAR header block of one message: <64 hex>.eml, mode 0400,
// owner and time zero. Every field is determined by ref and size, so a header
// can be checked by making it again.
func header(ref Ref, size int64) [block]byte {
	var h [block]byte
	hex.Encode(h[0:64], ref[:])
	copy(h[64:], ".eml")
	copy(h[100:], "0000400\x00") // mode
	copy(h[108:], "0000000\x00") // uid
	copy(h[116:], "0000000\x00") // gid
	octal(h[124:135], size)
	copy(h[136:], "00000000000\x00") // mtime
	copy(h[148:], "        ")        // checksum, as spaces while it is computed
	h[156] = '0'                     // regular file
	copy(h[257:], "ustar\x0000")
	copy(h[329:], "0000000\x00") // device major
	copy(h[337:], "0000000\x00") // device minor
	var sum int64
	for _, c := range h {
		sum += int64(c)
	}
	octal(h[148:154], sum)
	h[154] = 0
	return h
}

func octal(dst []byte, v int64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = '0' + byte(v&7)
		v >>= 3
	}
}

var errHeader = errors.New("not an entry header of this archive")

// parseHeader reads back what header wrote, and nothing else.
func parseHeader(h *[block]byte) (Ref, int64, error) {
	var ref Ref
	if _, err := hex.Decode(ref[:], h[:64]); err != nil {
		return Ref{}, 0, errHeader
	}
	size, err := strconv.ParseInt(string(h[124:135]), 8, 64)
	if err != nil || size < 0 {
		return Ref{}, 0, errHeader
	}
	if header(ref, size) != *h {
		return Ref{}, 0, errHeader
	}
	return ref, size, nil
}

func padding(size int64) int64 { return -size & (block - 1) }

// entrySpan is what an entry takes up in its frame.
func entrySpan(size int64) int64 { return block + size + padding(size) }

// level: on 97 MB of real mail the default stores 7 % less and takes a third
// more processor time (0.26 and 0.24 of the raw size; 0.73 and 0.96 s). Mail is
// collected once, and then somebody is waiting for it.
const level = zstd.SpeedFastest

// newEncoder returns an encoder for concurrency calls of EncodeAll at once. As a
// streaming encoder it should have concurrency 1, which holds one window only.
func newEncoder(concurrency int) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(concurrency), zstd.WithWindowSize(4<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // constant options
	}
	return e
}

// newStreamDecoder reads one frame of any size in bounded memory.
func newStreamDecoder() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.IgnoreChecksum(false))
	if err != nil {
		panic(err)
	}
	return d
}

var (
	errTorn  = errors.New("frame is cut short")
	errFrame = errors.New("not a zstd frame of this archive")
)

// frameLength finds the end of the frame at off by walking its block headers
// (RFC 8878 section 3.1.1), without decompressing. end bounds the segment.
// errTorn means that the segment ends inside the frame.
func frameLength(r io.ReaderAt, off, end int64) (int64, error) {
	var b [18]byte
	at := func(pos int64, n int) ([]byte, error) {
		if pos+int64(n) > end {
			return nil, errTorn
		}
		if _, err := r.ReadAt(b[:n], pos); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return nil, errTorn
			}
			return nil, err
		}
		return b[:n], nil
	}
	h, err := at(off, 5)
	if err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(h) != frameMagic {
		return 0, errFrame
	}
	d := h[4]
	if d&0x08 != 0 || d&0x10 != 0 || d&0x04 == 0 || d&0x03 != 0 {
		return 0, errFrame // reserved or unused bit, no checksum, or a dictionary: never ours
	}
	pos := off + 5
	single := d&0x20 != 0
	if !single {
		pos++ // window descriptor
	}
	switch d >> 6 {
	case 0:
		if single {
			pos++
		}
	case 1:
		pos += 2
	case 2:
		pos += 4
	case 3:
		pos += 8
	}
	for {
		h, err := at(pos, 3)
		if err != nil {
			return 0, err
		}
		v := uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16
		last, typ, size := v&1 != 0, v>>1&3, int64(v>>3)
		pos += 3
		switch typ {
		case 1: // RLE: one octet, repeated
			size = 1
		case 3:
			return 0, errFrame
		default:
			if size > 128<<10 {
				return 0, errFrame
			}
		}
		if pos += size; pos > end {
			return 0, errTorn
		}
		if last {
			break
		}
	}
	if pos += 4; pos > end { // content checksum
		return 0, errTorn
	}
	return pos - off, nil
}

const frameMagic = 0xFD2FB528

var magicBytes = []byte{0x28, 0xB5, 0x2F, 0xFD}

// nextMagic returns the offset of the next octets at or after off that look like
// the start of a frame, or end.
func nextMagic(r io.ReaderAt, off, end int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for off+4 <= end {
		n := min(int64(len(buf)), end-off)
		k, err := r.ReadAt(buf[:n], off)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.Index(buf[:k], magicBytes); i >= 0 {
			return off + int64(i), nil
		}
		if k < 4 {
			break
		}
		off += int64(k) - 3
	}
	return end, nil
}

// found is one entry of a decoded frame.
type found struct {
	ref    Ref // as its header names it
	size   int64
	offset int64 // of its header, in the decoded frame
	sum    Ref   // what its octets hash to
}

// readEntries walks the decoded octets of one frame. It calls each for every
// entry whose octets and padding are all there. The error says where the
// frame stopped making sense: nil only when it ended behind an entry.
func readEntries(r io.Reader, each func(found)) error {
	var (
		h    [block]byte
		buf  = walkBuffers.get()
		off  int64
		hash = sha256.New()
	)
	defer walkBuffers.put(buf)
	for {
		_, err := io.ReadFull(r, h[:])
		if err == io.EOF {
			if off == 0 {
				return fmt.Errorf("frame holds no entry: %w", errFrame)
			}
			return nil
		}
		if err != nil {
			return err
		}
		ref, size, err := parseHeader(&h)
		if err != nil {
			return fmt.Errorf("at %d of the decoded frame: %w", off, err)
		}
		hash.Reset()
		if err := hashN(hash, r, size, buf); err != nil {
			return err
		}
		pad := h[:padding(size)]
		if _, err := io.ReadFull(r, pad); err != nil {
			return unexpected(err)
		}
		for _, c := range pad {
			if c != 0 {
				return fmt.Errorf("padding of %s: %w", ref, errHeader)
			}
		}
		f := found{ref: ref, size: size, offset: off}
		hash.Sum(f.sum[:0])
		each(f)
		off += entrySpan(size)
	}
}

func hashN(h hash.Hash, r io.Reader, n int64, buf []byte) error {
	for n > 0 {
		k, err := r.Read(buf[:min(int64(len(buf)), n)])
		h.Write(buf[:k])
		n -= int64(k)
		if err != nil && n > 0 {
			return unexpected(err)
		}
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// group is a run of messages that share a frame.
type group struct {
	blobs []*Blob
	raw   int64
}

// groups splits blobs, in order, into runs of up to target raw octets; a message
// above 1 MiB, or one that is kept in a file, is alone.
func groups(blobs []*Blob, target int64) []group {
	var out []group
	var g group
	flush := func() {
		if len(g.blobs) > 0 {
			out = append(out, g)
			g = group{}
		}
	}
	for _, b := range blobs {
		span := entrySpan(b.size)
		if g.raw+span > target || b.path != "" || b.size > maxInMemory {
			flush()
		}
		g.blobs = append(g.blobs, b)
		g.raw += span
		if b.path != "" || b.size > maxInMemory {
			flush()
		}
	}
	flush()
	return out
}

// encode returns the group as one frame, appended to dst. raw is scratch.
func (g group) encode(e *zstd.Encoder, dst, raw []byte) (frame, scratch []byte) {
	raw = raw[:0]
	for _, b := range g.blobs {
		h := header(b.ref, b.size)
		raw = append(raw, h[:]...)
		raw = append(raw, b.mem...)
		raw = append(raw, zeros[:padding(b.size)]...)
	}
	return e.EncodeAll(raw, dst), raw
}

var zeros [block]byte

// writeLarge writes one message as a frame of its own without holding it.
func writeLarge(e *zstd.Encoder, w io.Writer, b *Blob) error {
	r, err := b.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	e.Reset(w)
	h := header(b.ref, b.size)
	if _, err := e.Write(h[:]); err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(e, hash), io.LimitReader(r, b.size))
	if err != nil {
		return err
	}
	// The staging file has been out of our hands: what goes in must be what was hashed.
	if n != b.size || Ref(hash.Sum(nil)) != b.ref {
		return fmt.Errorf("staged message %s changed before it was archived", b.ref)
	}
	if _, err := e.Write(zeros[:padding(b.size)]); err != nil {
		return err
	}
	return e.Close()
}

type bufferPool chan []byte

var walkBuffers = make(bufferPool, 4)

func (p bufferPool) get() []byte {
	select {
	case b := <-p:
		return b
	default:
		return make([]byte, 32<<10)
	}
}

func (p bufferPool) put(b []byte) {
	select {
	case p <- b:
	default:
	}
}

// large reports whether the group is one message with a frame written by the
// streaming encoder.
func (g group) large() bool {
	return len(g.blobs) == 1 && (g.blobs[0].path != "" || g.blobs[0].size > maxInMemory)
}
