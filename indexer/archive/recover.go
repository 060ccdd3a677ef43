package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/durable"
)

// Range is a run of octets of a segment.
type Range struct {
	Segment int   `json:"segment"`
	Offset  int64 `json:"offset"`
	Length  int64 `json:"length"`
}

// TornError says which octets are not part of a whole frame.
type TornError struct {
	Ranges []Range
}

func (e *TornError) Error() string {
	r := e.Ranges[0]
	s := fmt.Sprintf("archive segment %06d: %d octets at %d are no whole frame", r.Segment, r.Length, r.Offset)
	if n := len(e.Ranges) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more places)", n)
	}
	return s
}

// Torn is what Recover did about octets that are no whole frame.
type Torn struct {
	Range          // what was copied aside from the newest segment; Length 0 when nothing was
	Aside  string  // the file that keeps it
	Kept   int64   // of these, the octets of whole frames behind the torn one, which were moved up
	Closed []Range // damage in closed segments, left as it is: Verify names it
}

// Scan calls fn for every whole entry behind from, in order, and returns the
// position just past the last whole frame. It reads a frame to its end before it
// calls fn for what is in it. Octets that are no whole frame are stepped over
// where whole frames follow; they are listed in a *TornError, which comes after
// everything else has been scanned. An error of fn ends the scan.
func (a *Archive) Scan(from End, fn func(Entry) error) (End, error) {
	segs, err := a.segments()
	if err != nil {
		return from, err
	}
	from = from.normal()
	end := from
	var torn []Range
	for _, s := range segs {
		if s.number < from.Segment {
			continue
		}
		off := int64(0)
		if s.number == from.Segment {
			off = from.Offset
		}
		bad, last, err := a.scan(s, off, fn)
		if last > off || s.number > from.Segment {
			end = End{s.number, last}
		}
		torn = append(torn, bad...)
		if err != nil {
			return end, err
		}
	}
	if torn != nil {
		return end, &TornError{torn}
	}
	return end, nil
}

// scan walks one segment. It returns what is not part of a whole frame, and where
// the last whole frame ends.
func (a *Archive) scan(s segment, off int64, fn func(Entry) error) (bad []Range, last int64, err error) {
	last = off
	if off >= s.size {
		return nil, last, nil
	}
	f, err := a.files.get(s.number)
	if err != nil {
		return nil, last, fmt.Errorf("scanning archive segment %06d: %w", s.number, err)
	}
	dec := newStreamDecoder()
	defer dec.Close()
	var entries []found
	for off < s.size {
		if n, err := skipLength(f, off, s.size); err != nil {
			return bad, last, fmt.Errorf("scanning archive segment %06d at %d: %w", s.number, off, err)
		} else if n > 0 { // erased
			off += n
			last = off
			continue
		}
		n, err := wholeFrame(f, dec, off, s.size, &entries)
		if err != nil {
			if isIO(err) {
				return bad, last, fmt.Errorf("scanning archive segment %06d at %d: %w", s.number, off, err)
			}
			next, err := resync(f, dec, off, n, s.size)
			if err != nil {
				return bad, last, fmt.Errorf("scanning archive segment %06d at %d: %w", s.number, off, err)
			}
			bad = append(bad, Range{s.number, off, next - off})
			off = next
			continue
		}
		for _, e := range entries {
			if err := fn(Entry{e.ref, e.size, Place{s.number, off, n, e.offset}}); err != nil {
				return bad, last, err
			}
		}
		off += n
		last = off
	}
	return bad, last, nil
}

// wholeFrame decodes the frame at off and compares every entry in it with its
// name. It returns the frame's length, which is also known for some frames
// that are not whole.
func wholeFrame(f io.ReaderAt, dec *zstd.Decoder, off, end int64, entries *[]found) (int64, error) {
	*entries = (*entries)[:0]
	n, err := frameLength(f, off, end)
	if err != nil {
		return 0, err
	}
	if err := dec.Reset(io.NewSectionReader(f, off, n)); err != nil {
		return n, err
	}
	var wrong error
	err = readEntries(dec, func(e found) {
		if e.sum != e.ref && wrong == nil {
			wrong = &AlteredError{Sealed: e.ref, Found: e.sum}
		}
		*entries = append(*entries, e)
	})
	if err == nil {
		err = wrong
	}
	return n, err
}

// resync finds where whole frames go on behind a bad one at off, or end. length
// is that of the bad frame where its blocks still add up, else 0.
func resync(f io.ReaderAt, dec *zstd.Decoder, off, length, end int64) (int64, error) {
	var entries []found
	whole := func(at int64) (bool, error) {
		_, err := wholeFrame(f, dec, at, end, &entries)
		if err != nil && isIO(err) {
			return false, err
		}
		return err == nil, nil
	}
	// First where the bad frame says it ends: a message may hold octets that
	// look like a frame of ours, and must not be taken for one.
	if length > 0 {
		if off+length == end {
			return end, nil
		}
		if ok, err := whole(off + length); ok || err != nil {
			return off + length, err
		}
	}
	for at := off + 1; ; at++ {
		var err error
		at, err = nextMagic(f, at, end)
		if err != nil || at == end {
			return end, err
		}
		if ok, err := whole(at); ok || err != nil {
			return at, err
		}
	}
}

// isIO reports whether err is the disk's, not the content's.
func isIO(err error) bool {
	var pe *os.PathError
	return errors.As(err, &pe)
}

// Recover makes the archive ready for Append. from is just past the last frame
// that the catalog knows. What lies behind it was written but never acknowledged,
// or the catalog is older than the archive: whole entries are returned for
// adoption; a torn tail is first copied to archive/torn-<segment>-<offset>, then
// cut off, and both are durable on return. Whole frames behind a torn one (a
// power cut may write later pages before earlier ones) are kept and moved up.
//
// Torn is nil when there was nothing to cut. The error is ErrBeyond, with both
// positions, when from lies behind the archive's end.
func (a *Archive) Recover(from End) ([]Entry, *Torn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from = from.normal()
	segs, err := a.segments()
	if err != nil {
		return nil, nil, err
	}
	if err := known(from, segs); err != nil {
		return nil, nil, err
	}
	if a.cur != nil {
		a.cur.Close()
		a.cur = nil
	}
	a.recovered, a.failed = false, nil
	a.cache.clear()

	var entries []Entry
	var torn Torn
	end := End{Segment: 1}
	for i, s := range segs {
		newest := i == len(segs)-1
		if !newest {
			// A crash between the last fsync and chmod leaves a closed segment writable.
			os.Chmod(a.path(s.number), 0o400)
		}
		if s.number < from.Segment {
			continue
		}
		off := int64(0)
		if s.number == from.Segment {
			off = from.Offset
		}
		adopted := len(entries)
		adopt := func(e Entry) error { entries = append(entries, e); return nil }
		bad, last, err := a.scan(s, off, adopt)
		if err != nil {
			return nil, nil, err
		}
		if !newest {
			torn.Closed = append(torn.Closed, bad...)
			continue
		}
		if len(bad) > 0 {
			if err := a.cut(s, bad, last, &torn); err != nil {
				return nil, nil, err
			}
			if torn.Kept > 0 { // places have changed
				entries = entries[:adopted]
				fi, err := os.Stat(a.path(s.number))
				if err != nil {
					return nil, nil, fmt.Errorf("recovering archive: %w", err)
				}
				if bad, last, err = a.scan(segment{s.number, fi.Size()}, off, adopt); err != nil {
					return nil, nil, err
				}
				if len(bad) > 0 {
					return nil, nil, fmt.Errorf("recovering archive: %w", &TornError{bad})
				}
			}
		}
		end = End{s.number, last}
	}
	a.end = end
	a.recovered = true
	if torn.Length == 0 && torn.Closed == nil {
		return entries, nil, nil
	}
	return entries, &torn, nil
}

// known checks that the archive has all that from implies.
func known(from End, segs []segment) error {
	for i, s := range segs {
		if s.number != i+1 {
			return fmt.Errorf("archive segment %06d is missing, segment %06d is there: %w", i+1, s.number, ErrBeyond)
		}
	}
	have := End{Segment: 1}
	if n := len(segs); n > 0 {
		have = End{segs[n-1].number, segs[n-1].size}
	}
	if from.Segment <= len(segs) {
		if s := segs[from.Segment-1]; from.Offset > s.size {
			have = End{s.number, s.size}
		}
	}
	if from.Compare(have) > 0 {
		return fmt.Errorf("%w: the catalog knows frames up to %v, the archive ends at %v", ErrBeyond, from, have)
	}
	return nil
}

// cut takes what is not whole out of the newest segment.
func (a *Archive) cut(s segment, bad []Range, last int64, torn *Torn) error {
	first := bad[0].Offset
	f, err := a.files.get(s.number)
	if err != nil {
		return fmt.Errorf("recovering archive: %w", err)
	}
	torn.Range = Range{s.number, first, s.size - first}
	torn.Aside, err = durable.Aside(a.fs, f, first, s.size-first,
		filepath.Join(a.dir, fmt.Sprintf("torn-%06d-%d", s.number, first)))
	if err != nil {
		return fmt.Errorf("recovering archive segment %06d: %w", s.number, err)
	}
	fail := func(err error) error {
		return fmt.Errorf("cutting a torn frame off archive segment %06d at %d: %w", s.number, first, err)
	}
	if last <= first {
		if err := a.openNewest(s.number); err != nil {
			return fail(err)
		}
		if err := a.cur.Truncate(first); err != nil {
			return fail(err)
		}
		if err := a.cur.Sync(); err != nil {
			return fail(err)
		}
		return nil
	}
	// Whole frames follow. They go into a new file without the torn ones; the
	// rename leaves either the old segment or the new, never less.
	tmp := a.path(s.number) + ".tmp"
	out, err := a.fs.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fail(err)
	}
	w := io.NewOffsetWriter(out, 0)
	pos := int64(0)
	for _, b := range append(bad, Range{Offset: s.size}) {
		if err == nil {
			_, err = io.Copy(w, io.NewSectionReader(f, pos, b.Offset-pos))
		}
		if b.Offset > first {
			torn.Kept += b.Offset - pos
		}
		pos = b.Offset + b.Length
	}
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = a.fs.Rename(tmp, a.path(s.number))
	}
	if err == nil {
		err = a.fs.SyncDir(a.dir)
	}
	if err != nil {
		os.Remove(tmp)
		return fail(err)
	}
	a.files.forget(s.number)
	return nil
}
