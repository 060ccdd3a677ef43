package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Erasing a message overwrites its frame in place with a zstd skippable frame of the
// same length (RFC 8878 section 3.1.2), which stock tools step over: no other frame
// moves, no place but those of the frame's other messages changes, and there is
// never a second copy of a segment. The caller has first appended those others anew.
// Copying the segment without the frame would have moved every row behind it.

const (
	skipMagic  = 0x184D2A50
	skipHeader = 8
	maxSkip    = 1 << 30 // of one skippable frame; its length field has 32 bits
)

// skipLength returns the length of the skippable frame at off, 0 where there is none
// or it does not end before end.
func skipLength(r io.ReaderAt, off, end int64) (int64, error) {
	var h [skipHeader]byte
	if off+skipHeader > end {
		return 0, nil
	}
	if _, err := r.ReadAt(h[:], off); err != nil {
		if err == io.EOF {
			err = nil
		}
		return 0, err
	}
	n := skipHeader + int64(binary.LittleEndian.Uint32(h[4:]))
	if binary.LittleEndian.Uint32(h[:]) != skipMagic || off+n > end {
		return 0, nil
	}
	return n, nil
}

// blankAt is skipLength for frames that Blank finished: nothing but zeros in them.
func blankAt(r io.ReaderAt, off, end int64) (int64, error) {
	n, err := skipLength(r, off, end)
	if n == 0 || err != nil {
		return 0, err
	}
	buf := walkBuffers.get()
	defer walkBuffers.put(buf)
	for at := off + skipHeader; at < off+n; {
		b := buf[:min(int64(len(buf)), off+n-at)]
		if _, err := r.ReadAt(b, at); err != nil {
			return 0, err
		}
		for _, c := range b {
			if c != 0 {
				return 0, nil
			}
		}
		at += int64(len(b))
	}
	return n, nil
}

// Blank overwrites frames, given as places of messages in them, so that nothing of
// their messages is left in the archive. It is durable on return; a repetition does no
// harm, and makes good what a crash left half done. Nobody may name the frames any
// more.
func (a *Archive) Blank(frames []Range) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return fmt.Errorf("%w: %w", ErrFailed, a.failed)
	}
	if !a.recovered {
		return fmt.Errorf("erasing from archive: %w", ErrNotRecovered)
	}
	defer a.cache.clear()
	for _, f := range frames {
		if err := a.blank(f); err != nil {
			return fmt.Errorf("erasing %d octets at %d of archive segment %06d: %w", f.Length, f.Offset, f.Segment, err)
		}
	}
	return nil
}

func (a *Archive) blank(r Range) (err error) {
	path := a.path(r.Segment)
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if r.Offset < 0 || r.Length < skipHeader || r.Offset+r.Length > fi.Size() {
		return fmt.Errorf("the segment has %d octets", fi.Size())
	}
	if fi.Mode().Perm()&0o200 == 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
		defer func() {
			if cerr := os.Chmod(path, fi.Mode().Perm()); err == nil {
				err = cerr
			}
		}()
	}
	f, err := a.fs.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := a.isFrame(f, r, fi.Size()); err != nil {
		return err
	}
	// The headers are on the disk before anything else changes: whatever a crash
	// leaves behind them, readers step over it.
	for off := int64(0); off < r.Length; {
		n := min(r.Length-off, maxSkip)
		if rest := r.Length - off - n; rest > 0 && rest < skipHeader {
			n -= skipHeader
		}
		var h [skipHeader]byte
		binary.LittleEndian.PutUint32(h[:], skipMagic)
		binary.LittleEndian.PutUint32(h[4:], uint32(n-skipHeader))
		if _, err := f.WriteAt(h[:], r.Offset+off); err != nil {
			return err
		}
		off += n
	}
	if err := f.Sync(); err != nil {
		return err
	}
	zero := make([]byte, 64<<10)
	for off := int64(0); off < r.Length; {
		n, err := skipLength(f, r.Offset+off, r.Offset+r.Length)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("what was written is not there")
		}
		for at := off + skipHeader; at < off+n; {
			k, err := f.WriteAt(zero[:min(int64(len(zero)), off+n-at)], r.Offset+at)
			if err != nil {
				return err
			}
			at += int64(k)
		}
		off += n
	}
	return f.Sync()
}

// isFrame says no to a range that is neither a frame nor what a crash within blank
// can have made of one.
func (a *Archive) isFrame(f io.ReaderAt, r Range, size int64) error {
	starts := func(at int64) (bool, error) {
		if at == size {
			return true, nil
		}
		var h [4]byte
		if _, err := f.ReadAt(h[:], at); err != nil {
			return false, err
		}
		var skip [4]byte
		binary.LittleEndian.PutUint32(skip[:], skipMagic)
		for i, c := range h {
			if c != magicBytes[i] && c != skip[i] { // octets of both: half written
				return false, nil
			}
		}
		return true, nil
	}
	for _, at := range []int64{r.Offset, r.Offset + r.Length} {
		if ok, err := starts(at); err != nil {
			return err
		} else if !ok {
			return errFrame
		}
	}
	return nil
}

// RemoveTorn removes the files that Recover set aside: they may hold octets of any
// message, and none that anybody was told was stored. It returns their names.
func (a *Archive) RemoveTorn() ([]string, error) {
	des, err := os.ReadDir(a.dir)
	if err != nil {
		return nil, fmt.Errorf("listing archive: %w", err)
	}
	var names []string
	for _, de := range des {
		var seg int
		var off int64
		if n, _ := fmt.Sscanf(de.Name(), "torn-%06d-%d", &seg, &off); n != 2 {
			continue
		}
		if err := os.Remove(a.dir + string(os.PathSeparator) + de.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return names, fmt.Errorf("removing what a crash left: %w", err)
		}
		names = append(names, de.Name())
	}
	return names, a.fs.SyncDir(a.dir)
}
