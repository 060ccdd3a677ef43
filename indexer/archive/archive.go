// Package archive keeps the octets of messages for good. It knows nothing of
// mail: a message is a run of octets, named by its SHA-256.
//
//	archive/000001.tar.zst   closed, 0400
//	archive/000002.tar.zst   the newest, 0600: the only one that grows
//	archive/torn-000002-734  what a crash left behind the last whole frame, kept aside
//
// A segment is a sequence of zstd frames with content checksums; a frame holds
// one or more USTAR entries <64 hex>.eml and nothing else, so that
//
//	tar --zstd -xf archive/000001.tar.zst
//
// gives every message back with stock tools. There are no end-of-archive blocks:
// segments may be concatenated. Where a message was erased, a skippable frame of
// zeros has taken its frame's place (blank.go). A message is reached by its Place, or, where
// nobody knows the places any more, by Scan.
//
// The order of writes: Append returns when the frames are on the disk, and only
// then may anybody else name them. What lies behind the last frame that
// somebody names was never acknowledged: Recover returns what is whole there and
// cuts off what is not, before anything is appended. A torn frame in front of
// a whole one would hide it from stock tar.
package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/durable"
)

// Place is where a message lies. It stays valid until the segment is rewritten.
type Place struct {
	Segment     int   `json:"segment"`
	FrameOffset int64 `json:"frame_offset"` // octets from the start of the segment
	FrameLength int64 `json:"frame_length"` // compressed octets
	EntryOffset int64 `json:"entry_offset"` // of the tar header, within the decompressed frame
}

// End is a position just past a frame. The zero End is the start of the archive.
type End struct {
	Segment int   `json:"segment"`
	Offset  int64 `json:"offset"`
}

func (e End) normal() End {
	if e.Segment == 0 {
		return End{Segment: 1}
	}
	return e
}

// Compare orders ends by their position.
func (e End) Compare(o End) int {
	e, o = e.normal(), o.normal()
	return cmp.Or(cmp.Compare(e.Segment, o.Segment), cmp.Compare(e.Offset, o.Offset))
}

func (e End) String() string { return fmt.Sprintf("segment %06d, octet %d", e.Segment, e.Offset) }

// EndOf returns the position just past the frame that p lies in.
func EndOf(p Place) End { return End{p.Segment, p.FrameOffset + p.FrameLength} }

// Entry is one whole message found in the archive; its name has been compared
// with the hash of its octets.
type Entry struct {
	Ref   Ref
	Size  int64
	Place Place
}

var (
	// ErrFailed: an earlier write or fsync failed. The kernel may have dropped
	// what it could not write, so nothing more is written until the archive has
	// been opened and recovered again.
	ErrFailed = errors.New("archive stopped writing after a failed write")
	// ErrNotRecovered: Append before Recover.
	ErrNotRecovered = errors.New("archive has not been recovered yet")
	// ErrBeyond: somebody knows frames that the archive does not have.
	ErrBeyond = errors.New("the archive is shorter than the catalog says")
)

// Options of an archive. The zero value is ready to use.
type Options struct {
	FS          durable.FS // nil: the real one
	SegmentSize int64      // a segment that reached it is closed; 0: 1 GiB
	GroupSize   int64      // raw octets of a frame that several messages share; 0: 1 MiB
	CacheFrames int        // decoded frames kept for reading neighbours; 0: 8
}

// Archive is an open archive. Any number of goroutines may read it; Append and
// Recover take turns.
type Archive struct {
	dir  string
	opts Options
	fs   durable.FS

	mu        sync.Mutex // the writer's state
	end       End
	cur       durable.File // newest segment, open for writing; nil until it is needed
	recovered bool
	failed    error
	enc       *zstd.Encoder // EncodeAll, two at once
	stream    *zstd.Encoder

	files readers
	cache frameCache
}

// Open opens the archive in dir, creating the directory when it is missing. It
// changes nothing else and reads no message: an archive with damage opens, so
// that Verify can name it.
func Open(dir string, opts Options) (*Archive, error) {
	if opts.SegmentSize <= 0 {
		opts.SegmentSize = 1 << 30
	}
	if opts.GroupSize <= 0 {
		opts.GroupSize = 1 << 20
	}
	if opts.CacheFrames <= 0 {
		opts.CacheFrames = 8
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening archive: %w", err)
	}
	a := &Archive{dir: dir, opts: opts, fs: durable.Or(opts.FS)}
	a.files = readers{dir: dir, open: map[int]*os.File{}}
	a.cache.max = opts.CacheFrames
	segs, err := a.segments()
	if err != nil {
		return nil, err
	}
	a.end = End{Segment: 1}
	if n := len(segs); n > 0 {
		a.end = End{segs[n-1].number, segs[n-1].size}
	}
	return a, nil
}

// Close releases the files. Readers that are still open fail.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var err error
	if a.cur != nil {
		err = a.cur.Close()
		a.cur = nil
	}
	a.recovered = false
	if a.failed == nil {
		a.failed = fs.ErrClosed
	}
	return errors.Join(err, a.files.close())
}

// End returns the position just past the last frame that is known to be whole:
// after Recover, the end of the archive.
func (a *Archive) End() End {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.end
}

type segment struct {
	number int
	size   int64
}

const suffix = ".tar.zst"

func segmentName(n int) string { return fmt.Sprintf("%06d%s", n, suffix) }

func (a *Archive) path(n int) string { return filepath.Join(a.dir, segmentName(n)) }

// segments lists the segments there are, in order.
func (a *Archive) segments() ([]segment, error) {
	des, err := os.ReadDir(a.dir)
	if err != nil {
		return nil, fmt.Errorf("listing archive: %w", err)
	}
	var out []segment
	for _, de := range des {
		digits, ok := strings.CutSuffix(de.Name(), suffix)
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n < 1 || segmentName(n) != de.Name() {
			continue
		}
		fi, err := de.Info()
		if err != nil {
			return nil, fmt.Errorf("listing archive: %w", err)
		}
		out = append(out, segment{n, fi.Size()})
	}
	slices.SortFunc(out, func(x, y segment) int { return cmp.Compare(x.number, y.number) })
	return out, nil
}

// Append writes the blobs behind the last frame, in order, as one group commit,
// and returns their places. On return they are durable. The caller sees to it
// that no message is appended twice; if it happens it does no harm.
//
// After an error nothing of the group may be named: the archive refuses further
// writes with ErrFailed, what was there before can still be read, and what was
// half written is cut off by the next Recover.
func (a *Archive) Append(blobs []*Blob) ([]Place, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, a.failed)
	}
	if !a.recovered {
		return nil, fmt.Errorf("appending to archive: %w", ErrNotRecovered)
	}
	if len(blobs) == 0 {
		return nil, nil
	}
	for _, b := range blobs {
		if b.size > maxEntry {
			return nil, fmt.Errorf("appending to archive: message %s has %d octets, a tar entry holds at most %d", b.ref, b.size, int64(maxEntry))
		}
	}
	places, end, err := a.append(blobs)
	if err != nil {
		a.failed = err
		return nil, fmt.Errorf("appending %d messages to archive segment %06d: %w", len(blobs), a.end.Segment, err)
	}
	a.end = end
	return places, nil
}

func (a *Archive) append(blobs []*Blob) ([]Place, End, error) {
	end := a.end
	if a.cur == nil {
		if err := a.openNewest(end.Segment); err != nil {
			return nil, end, err
		}
	}
	gs := groups(blobs, a.opts.GroupSize)
	frames, stop := a.compress(gs)
	defer stop()

	places := make([]Place, 0, len(blobs))
	for i, g := range gs {
		if end.Offset >= a.opts.SegmentSize {
			if err := a.roll(end.Segment); err != nil {
				return nil, end, err
			}
			end = End{Segment: end.Segment + 1}
		}
		length, err := int64(0), error(nil)
		if g.large() {
			w := &countingWriter{w: io.NewOffsetWriter(a.cur, end.Offset)}
			err = writeLarge(a.stream, w, g.blobs[0])
			length = w.n
		} else {
			frame := <-frames[i]
			_, err = a.cur.WriteAt(frame.data, end.Offset)
			length = int64(len(frame.data))
			frame.done()
		}
		if err != nil {
			return nil, end, err
		}
		entry := int64(0)
		for _, b := range g.blobs {
			places = append(places, Place{end.Segment, end.Offset, length, entry})
			entry += entrySpan(b.size)
		}
		end.Offset += length
	}
	if err := a.cur.Sync(); err != nil {
		return nil, end, err
	}
	return places, end, nil
}

func (a *Archive) encoders() {
	if a.enc != nil {
		return
	}
	a.enc = newEncoder(2)
	a.stream = newEncoder(1)
}

type frame struct {
	data []byte
	done func()
}

// compress encodes the small groups on two goroutines, at most two frames ahead
// of the writer. stop waits for them.
func (a *Archive) compress(gs []group) (frames []chan frame, stop func()) {
	a.encoders()
	frames = make([]chan frame, len(gs))
	var work []int
	for i, g := range gs {
		if !g.large() {
			frames[i] = make(chan frame, 1)
			work = append(work, i)
		}
	}
	type scratch struct{ dst, raw []byte }
	var (
		wg   sync.WaitGroup
		quit = make(chan struct{})
		next = make(chan int)
		free = make(chan *scratch, 3)
	)
	for range cap(free) {
		free <- new(scratch)
	}
	wg.Go(func() {
		defer close(next)
		for _, i := range work {
			select {
			case next <- i:
			case <-quit:
				return
			}
		}
	})
	for range min(2, len(work)) {
		wg.Go(func() {
			for {
				// The buffer comes before the index: whoever holds the lowest index
				// can always finish, so the writer never waits for a frame that
				// waits for a buffer.
				var s *scratch
				select {
				case s = <-free:
				case <-quit:
					return
				}
				i, ok := <-next
				if !ok {
					return
				}
				s.dst, s.raw = gs[i].encode(a.enc, s.dst[:0], s.raw)
				frames[i] <- frame{s.dst, func() { free <- s }}
			}
		})
	}
	return frames, func() { close(quit); wg.Wait() }
}

// openNewest opens segment n for writing, creating it when it is not there.
func (a *Archive) openNewest(n int) error {
	f, err := a.fs.OpenFile(a.path(n), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		// A copy of the vault may have been made read-only as a whole.
		if os.Chmod(a.path(n), 0o600) == nil {
			f, err = a.fs.OpenFile(a.path(n), os.O_RDWR, 0)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		f, err = a.fs.OpenFile(a.path(n), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			if err = a.fs.SyncDir(a.dir); err != nil {
				f.Close()
			}
		}
	}
	if err != nil {
		return err
	}
	a.cur = f
	return nil
}

// roll closes segment n for good and starts the next. The old one is on the disk
// before the new one exists: only the newest segment can ever be torn.
func (a *Archive) roll(n int) error {
	if err := a.cur.Sync(); err != nil {
		return err
	}
	if err := a.cur.Chmod(0o400); err != nil {
		return err
	}
	err := a.cur.Close()
	a.cur = nil
	if err != nil {
		return err
	}
	return a.openNewest(n + 1)
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// readers are the segments open for reading.
type readers struct {
	dir string
	mu  sync.Mutex
	// open is keyed by segment number; nil after close.
	open map[int]*os.File
}

func (r *readers) get(n int) (*os.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		return nil, fs.ErrClosed
	}
	if f := r.open[n]; f != nil {
		return f, nil
	}
	f, err := os.Open(filepath.Join(r.dir, segmentName(n)))
	if err != nil {
		return nil, err
	}
	r.open[n] = f
	return f, nil
}

// forget drops the handle of a segment that was replaced.
func (r *readers) forget(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.open[n]; f != nil {
		f.Close()
		delete(r.open, n)
	}
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, f := range r.open {
		errs = append(errs, f.Close())
	}
	r.open = nil
	return errors.Join(errs...)
}
