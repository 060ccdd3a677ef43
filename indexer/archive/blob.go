package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// maxInMemory is the size up to which a staged message stays in memory, and up
// to which messages share a frame.
const maxInMemory = 1 << 20

// Blob is a message that is complete in staging: hashed and sized, but not yet
// in the archive. It is in memory up to 1 MiB, in a temporary file above that.
// All methods but Discard may be called at once.
type Blob struct {
	ref  Ref
	size int64
	mem  []byte
	path string // temporary file; "" when in memory
}

// Ref returns the content address.
func (b *Blob) Ref() Ref { return b.ref }

// Size returns the number of octets.
func (b *Blob) Size() int64 { return b.size }

// Bytes returns the octets, which must not be changed, or nil and false for a
// message that is kept in a file.
func (b *Blob) Bytes() ([]byte, bool) {
	if b.path != "" {
		return nil, false
	}
	return b.mem, true
}

// Open reads the message from its start; it may be called any number of times.
// The caller closes the reader.
func (b *Blob) Open() (io.ReadCloser, error) {
	if b.path == "" {
		return io.NopCloser(bytes.NewReader(b.mem)), nil
	}
	f, err := os.Open(b.path)
	if err != nil {
		return nil, fmt.Errorf("opening staged message %s: %w", b.ref, err)
	}
	return f, nil
}

// Discard removes the temporary file, if there is one. A second call does nothing.
func (b *Blob) Discard() {
	if b.path != "" {
		os.Remove(b.path)
	}
}

// Stage holds messages between the wire and the archive. Nothing in it is
// durable. It is safe for concurrent use.
type Stage struct {
	dir string
}

const stagePrefix = "blob-"

var stageBuffers = sync.Pool{New: func() any { return new([maxInMemory + 1]byte) }}

// NewStage returns a stage that spills into dir, which it creates. What a killed
// run left there is removed: such a message was never acknowledged.
func NewStage(dir string) (*Stage, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating staging directory: %w", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading staging directory: %w", err)
	}
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), stagePrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("clearing staging directory: %w", err)
		}
	}
	return &Stage{dir: dir}, nil
}

// Read takes in one message up to io.EOF. Any other error of r is returned and
// leaves nothing behind: a message is complete or it is not there.
func (s *Stage) Read(r io.Reader) (*Blob, error) {
	buf := stageBuffers.Get().(*[maxInMemory + 1]byte)
	defer stageBuffers.Put(buf)
	// Not io.ReadFull: it cannot tell the end of a message from a reader's own
	// io.ErrUnexpectedEOF, which is a message cut short.
	n := 0
	for n < len(buf) {
		k, err := r.Read(buf[n:])
		n += k
		if err == io.EOF {
			if n == len(buf) {
				break
			}
			return s.Bytes(bytes.Clone(buf[:n])), nil
		}
		if err != nil {
			return nil, fmt.Errorf("staging a message: %w", err)
		}
	}
	return s.spill(io.MultiReader(bytes.NewReader(buf[:]), r))
}

// Bytes stages a message that is in memory. It keeps b, which must not change
// until the blob is in the archive.
func (s *Stage) Bytes(b []byte) *Blob {
	if b == nil {
		b = []byte{}
	}
	return &Blob{ref: sha256.Sum256(b), size: int64(len(b)), mem: b}
}

func (s *Stage) spill(r io.Reader) (_ *Blob, err error) {
	f, err := os.CreateTemp(s.dir, stagePrefix)
	if err != nil {
		return nil, fmt.Errorf("staging a message: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("staging a message: %w", err)
		}
	}()
	b := &Blob{path: f.Name()}
	h := sha256.New()
	b.size, err = io.Copy(io.MultiWriter(f, h), r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	h.Sum(b.ref[:0])
	return b, nil
}
