package archive

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrAltered: octets of the archive are not what was sealed. The error carries
// an *AlteredError.
var ErrAltered = errors.New("octets differ from what was sealed")

// AlteredError says which message was altered. Found is zero where the octets
// cannot be decoded any more; Cause then says why.
type AlteredError struct {
	Sealed Ref
	Found  Ref
	Cause  error
}

func (e *AlteredError) Error() string {
	if e.Found.IsZero() {
		return fmt.Sprintf("message %s: %v: %v", e.Sealed, ErrAltered, e.Cause)
	}
	return fmt.Sprintf("message %s: %v: found %s", e.Sealed, ErrAltered, e.Found)
}

// Is makes errors.Is(err, ErrAltered) true.
func (e *AlteredError) Is(target error) bool { return target == ErrAltered }

// Unwrap returns the cause.
func (e *AlteredError) Unwrap() error { return e.Cause }

// OpenAt reads the message ref at p and returns its size. The reader compares
// the octets with ref on the way: where they differ, an *AlteredError comes
// instead of io.EOF, so a caller that reads to the end has read the message that
// was sealed. Memory does not depend on the message's size. The caller closes
// the reader. Any number may be open at once.
func (a *Archive) OpenAt(ref Ref, p Place) (io.ReadCloser, int64, error) {
	f, err := a.files.get(p.Segment)
	if err != nil {
		return nil, 0, fmt.Errorf("opening message %s: %w", ref, err)
	}
	if p.FrameLength <= maxCached {
		raw, err := a.cache.get(p, func() ([]byte, error) {
			b := make([]byte, p.FrameLength)
			if _, err := f.ReadAt(b, p.FrameOffset); err != nil {
				return nil, err
			}
			return decodeSmall(b)
		})
		if err == nil {
			r := bytes.NewReader(raw)
			if _, err := r.Seek(p.EntryOffset, io.SeekStart); err != nil || p.EntryOffset > int64(len(raw)) {
				return nil, 0, &AlteredError{Sealed: ref, Cause: io.ErrUnexpectedEOF}
			}
			return openEntry(ref, r, nil)
		}
		if err != errNotSmall && isIO(err) {
			return nil, 0, fmt.Errorf("opening message %s: %w", ref, err)
		}
		// A damaged frame may still give up what lies before the damage.
	}
	dec, _ := decoders.Get().(*zstd.Decoder)
	if dec == nil {
		dec = newStreamDecoder()
	}
	release := func() {
		dec.Reset(nil)
		decoders.Put(dec)
	}
	err = dec.Reset(io.NewSectionReader(f, p.FrameOffset, p.FrameLength))
	if err == nil {
		_, err = io.CopyN(io.Discard, dec, p.EntryOffset)
	}
	if err != nil {
		release()
		return nil, 0, altered(ref, err)
	}
	return openEntry(ref, dec, release)
}

var decoders sync.Pool

// altered tells the disk's errors from the content's.
func altered(ref Ref, err error) error {
	if isIO(err) {
		return fmt.Errorf("reading message %s: %w", ref, err)
	}
	return &AlteredError{Sealed: ref, Cause: unexpected(err)}
}

// openEntry reads the entry at the front of r. release is called once, on Close
// or when there is nothing to close.
func openEntry(ref Ref, r io.Reader, release func()) (io.ReadCloser, int64, error) {
	var h [block]byte
	_, err := io.ReadFull(r, h[:])
	var size int64
	if err == nil {
		var name Ref
		name, size, err = parseHeader(&h)
		if err == nil && name != ref {
			err = fmt.Errorf("another message lies there: %s", name)
		}
	}
	if err != nil {
		if release != nil {
			release()
		}
		return nil, 0, altered(ref, err)
	}
	return &entryReader{ref: ref, r: r, left: size, h: sha256.New(), release: release}, size, nil
}

type entryReader struct {
	ref     Ref
	r       io.Reader
	left    int64
	h       hash.Hash
	err     error
	release func()
}

func (e *entryReader) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	if e.left == 0 {
		e.err = io.EOF
		if sum := Ref(e.h.Sum(nil)); sum != e.ref {
			e.err = &AlteredError{Sealed: e.ref, Found: sum}
		}
		return 0, e.err
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.h.Write(p[:n])
	e.left -= int64(n)
	if err != nil && e.left > 0 {
		e.err = altered(e.ref, err)
		return n, e.err
	}
	return n, nil
}

func (e *entryReader) Close() error {
	if e.release != nil {
		e.release()
		e.release = nil
	}
	e.err = errors.New("read after close")
	return nil
}

const (
	// A frame that several messages share holds at most one group and one
	// message more.
	maxRaw    = 2*maxInMemory + 4*block
	maxCached = maxRaw + 64<<10 // incompressible
)

var errNotSmall = errors.New("frame does not belong in the cache")

var smallDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxRaw))
	if err != nil {
		panic(err)
	}
	return d
})

// decodeSmall decodes a frame that says how large it is and may be held whole.
func decodeSmall(b []byte) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, err
	}
	if !h.HasFCS || h.FrameContentSize > maxRaw {
		return nil, errNotSmall
	}
	return smallDecoder().DecodeAll(b, make([]byte, 0, h.FrameContentSize))
}

// frameCache keeps the frames decoded last: a trail reads neighbours.
type frameCache struct {
	mu    sync.Mutex
	max   int
	order list.List // of *cached, newest first
	byKey map[End]*list.Element
}

type cached struct {
	key  End
	once sync.Once
	raw  []byte
	err  error
}

// get returns the decoded frame at p. Callers who ask for the same frame at once
// wait for one decoding.
func (c *frameCache) get(p Place, load func() ([]byte, error)) ([]byte, error) {
	key := End{p.Segment, p.FrameOffset}
	c.mu.Lock()
	if c.byKey == nil {
		c.byKey = map[End]*list.Element{}
	}
	el := c.byKey[key]
	if el == nil {
		el = c.order.PushFront(&cached{key: key})
		c.byKey[key] = el
		for c.order.Len() > c.max {
			old := c.order.Remove(c.order.Back()).(*cached)
			delete(c.byKey, old.key)
		}
	} else {
		c.order.MoveToFront(el)
	}
	e := el.Value.(*cached)
	c.mu.Unlock()
	e.once.Do(func() { e.raw, e.err = load() })
	if e.err != nil {
		c.mu.Lock()
		if c.byKey[key] == el {
			delete(c.byKey, key)
			c.order.Remove(el)
		}
		c.mu.Unlock()
	}
	return e.raw, e.err
}

func (c *frameCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	c.byKey = nil
}
