package importer

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// input is a stream of octets that has not been looked at yet.
type input struct {
	r     io.Reader
	file  *os.File // the same octets; nil for what comes out of a container
	place place
}

// maxDepth is how many containers may lie in one another: a packed archive of
// packed messages is three.
const maxDepth = 3

// Mail packs to a tenth; a source that unpacks to more than bombRatio times its
// size is made to do harm. Below bombFloor it does none.
const (
	bombRatio = 200
	bombFloor = 64 << 20
)

var errBomb = errors.New("it unpacks to more than 200 times its size, which no mail does")

// guard stops reading from what unpacks to too much.
type guard struct {
	r   io.Reader
	in  *int64 // packed octets
	out *int64 // unpacked so far
}

func (g *guard) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	*g.out += int64(n)
	if *g.out > bombFloor && *g.out/bombRatio > *g.in {
		return n, errBomb
	}
	return n, err
}

// kind notes what the source is; the outermost container says.
func (r *run) kind(k Kind) {
	if r.res.Kind == "" {
		r.res.Kind = k
	}
}

// read finds out what in is and imports it. Its error stops the run.
func (r *run) read(in *input) error {
	br := bufio.NewReaderSize(in.r, bufLen)
	head, err := br.Peek(sniffLen)
	if err != nil && err != io.EOF {
		r.cannotRead(fmt.Errorf("reading %q: %w", in.place.path, err))
		return nil
	}
	name := strings.ToLower(in.place.path)
	for strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst") {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	f, what := sniff(head, name)
	switch f {
	case mboxed:
		r.kind(Mbox)
		return r.mbox(&input{file: in.file, place: in.place}, br)
	case mail:
		r.kind(EML)
		_, err := r.message(br, Item{Folder: in.place.loose, Path: in.place.path}, nil)
		return err
	case gzipped, zstandard:
		return r.unpack(in, br)
	case tarred:
		r.kind(Tar)
		return r.tar(in, br)
	case zipped:
		return r.spooled(in, br, r.zip)
	case emlx:
		r.kind(EMLX)
		return r.emlx(in.place, br)
	case compound:
		return r.msg(in.place, br)
	case outlookData:
		r.kind(PST)
		return r.spooled(in, br, r.pst)
	case empty:
		if in.place.named && path.Ext(name) == ".mbox" {
			r.kind(Mbox) // a mailbox without messages is a mailbox
			return nil
		}
	}
	r.skip(in.place.path, what)
	return nil
}

func (r *run) unpack(in *input, br *bufio.Reader) error {
	if in.place.depth >= maxDepth {
		r.skip(in.place.path, "packed too many times over")
		return nil
	}
	rd, done, err := unpackMessage(br)
	if err != nil {
		r.cannotRead(fmt.Errorf("unpacking %q: %w", in.place.path, err))
		return nil
	}
	defer done()
	inner := &input{r: rd, place: in.place}
	inner.place.depth++
	return r.read(inner)
}

// unpackMessage undoes gzip and zstd and leaves everything else as it is. done
// must be called when rd is no longer needed.
func unpackMessage(src io.Reader) (rd io.Reader, done func(), err error) {
	var in, out int64
	br := bufio.NewReaderSize(&counted{r: src, n: &in}, 32<<10)
	head, _ := br.Peek(4)
	switch f, _ := sniff(head, ""); f {
	case gzipped:
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, err
		}
		return &guard{zr, &in, &out}, func() { zr.Close() }, nil
	case zstandard:
		zr, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, err
		}
		return &guard{zr, &in, &out}, zr.Close, nil
	}
	return br, func() {}, nil
}

// entryPlace turns the name of an archive's entry into a place. Nothing is ever
// written under such a name; one that leads out of the archive is still refused,
// because it says what the archive was made for.
func (p place) entryPlace(name string, takeout bool) (q place, reason string) {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, `\`, "/"), "\uFFFD")
	if strings.HasPrefix(name, "/") || strings.Contains(name, "\x00") || slices.Contains(strings.Split(name, "/"), "..") {
		q = p
		q.path += fmt.Sprintf("/%q", name) // as it stands: path.Join would follow it
		return q, "its name leads out of the archive"
	}
	name = path.Clean(name)
	q = p.below(name)
	q.depth++
	if base := path.Base(name); strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._") {
		return q, "a file that macOS adds to archives"
	}
	dirs := strings.Split(path.Dir(name), "/")
	if takeout { // Takeout/Mail/…
		dirs = dirs[min(2, len(dirs)):]
	}
	if strings.HasSuffix(strings.ToLower(name), ".emlx") {
		dirs = appleDirs(dirs)
	}
	for i := range dirs {
		dirs[i] = folderName(dirs[i])
	}
	parent := path.Join(dirs...)
	if parent == "." {
		parent = ""
	}
	q.folder = mboxFolder(parent, path.Base(name))
	q.loose = parent
	if parent == "" {
		q.loose = stem(path.Base(p.path))
	}
	return q, ""
}

// spooled gives fn a file of the disk: what lies in another archive is written to
// one that is gone afterwards.
func (r *run) spooled(in *input, br *bufio.Reader, fn func(*input) error) error {
	if in.file != nil {
		return fn(in)
	}
	if in.place.depth > maxDepth {
		r.skip(in.place.path, "packed too many times over")
		return nil
	}
	f, err := os.CreateTemp("", "inwriting-import-")
	if err != nil {
		return fmt.Errorf("unpacking %q: %w", in.place.path, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	src := &watched{ctx: r.ctx, r: br, room: maxSpool}
	_, err = io.Copy(f, src)
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case errors.Is(src.err, errTooLarge):
		r.skip(in.place.path, fmt.Sprintf("larger than %d GB inside another archive; unpack it first", maxSpool>>30))
		return nil
	case src.err != nil:
		r.cannotRead(fmt.Errorf("unpacking %q: %w", in.place.path, src.err))
		return nil
	case err != nil:
		return fmt.Errorf("unpacking %q: %w", in.place.path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("unpacking %q: %w", in.place.path, err)
	}
	return fn(&input{file: f, place: in.place})
}

// maxSpool is the largest archive in an archive that is read.
const maxSpool = 16 << 30

func (r *run) zip(in *input) error {
	fi, err := in.file.Stat()
	if err != nil {
		r.cannotRead(fmt.Errorf("reading: %w", err))
		return nil
	}
	zr, err := zip.NewReader(&countedAt{r: in.file, n: &r.prog.Bytes}, fi.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		r.kind(Zip)
		r.cannotRead(fmt.Errorf("reading zip %q: %w: it may be damaged or only half downloaded", in.place.path, err))
		return nil
	}
	takeout := slices.ContainsFunc(zr.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, "Takeout/") })
	if takeout {
		r.kind(Takeout)
	} else {
		r.kind(Zip)
	}
	files := slices.Clone(zr.File)
	slices.SortStableFunc(files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	packed, out := fi.Size(), int64(0) // of the whole archive: entries may share their octets
	for _, f := range files {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		q, reason := in.place.entryPlace(f.Name, takeout)
		switch {
		case reason != "":
			r.skip(q.path, reason)
			continue
		case !f.Mode().IsRegular():
			r.skip(q.path, describeMode(f.Mode()))
			continue
		case f.Flags&1 != 0:
			r.cannotRead(fmt.Errorf("reading %q: it is encrypted: unpack the archive with its password and import the folder", q.path))
			continue
		}
		rc, err := f.Open()
		if err != nil {
			r.cannotRead(fmt.Errorf("reading %q: %w", q.path, err))
			continue
		}
		err = r.read(&input{r: &guard{rc, &packed, &out}, place: q})
		rc.Close()
		if err != nil {
			return err
		}
		if out > bombFloor && out/bombRatio > packed {
			return nil // read has said why
		}
	}
	return nil
}

func (r *run) tar(in *input, br *bufio.Reader) error {
	tr := tar.NewReader(br)
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			r.cannotRead(fmt.Errorf("reading tar %q: %w: it may be damaged or cut short", in.place.path, err))
			return nil
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		q, reason := in.place.entryPlace(h.Name, false)
		if reason == "" && h.Typeflag != tar.TypeReg {
			reason = "not a file"
		}
		if reason != "" {
			r.skip(q.path, reason)
			continue
		}
		if err := r.read(&input{r: tr, place: q}); err != nil {
			return err
		}
	}
}
