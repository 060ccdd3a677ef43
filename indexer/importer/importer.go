// Package importer reads mail that lies in files: mbox, maildir, single
// messages (.eml, Apple Mail's .emlx, Outlook's .msg), folders of them, zip or tar
// archives, among them what Google Takeout gives, and Outlook's data files. It hands each message's octets to a Stager and the staged blob
// to the caller; it stores nothing itself and never changes what it reads.
//
//	path ─► what is it? ─┬─ file ──► unpack ──► mbox ──► message ─┐
//	                     ├─ maildir ──────────────────► message ──┼─► Stager ─► accept
//	                     └─ folder ──► each file in it ──► …  ────┘
//
// What a thing is, is told from its content; a name only settles doubt.
// Memory does not grow with the size of a source: a message passes through as a
// stream.
//
// Octets. A message of a maildir, of a folder or in a file of its own is taken
// byte for byte. Of an mbox the From_ line before a message and the one empty
// line after it are the container's; see mbox.go for the rest.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
)

// ErrNotMail means that the path that was named holds no mail. The error
// wrapping it says what was found instead.
var ErrNotMail = errors.New("not mail")

// Stager takes the octets of one message.
type Stager interface {
	// Read stages everything r gives. An error of r is returned wrapped.
	Read(r io.Reader) (*archive.Blob, error)
}

// Item is one message found.
type Item struct {
	// Blob holds the octets. Whoever gets the item puts it away or discards it.
	Blob *archive.Blob

	// Folder is the name to show for where the message lay: a maildir's folder,
	// an mbox's name, a folder's path below the one that was named, a label.
	Folder string

	// Also are further places of the same message: Gmail's other labels.
	Also []string

	// Path says where in the source: "inbox.mbox:117" is the 117th message.
	Path string

	// Flags are IMAP flags as far as the source knows them.
	Flags []string

	// Date is the one in the From_ line of an mbox, or what Outlook says of when the
	// message was received, else zero.
	Date time.Time

	// Original is what the message was made from, where it is a conversion; nil
	// where the octets are the source's.
	Original *Original
}

// Original is something in another form, of which a message was made.
type Original struct {
	Blob *archive.Blob // its octets; nil when it is too large to be kept beside its messages
	Hash string        // SHA-256, 64 hexadecimal digits
	Size int64
	Form string // "msg" or "pst"
	By   string // the program that converted it, with its version
}

// Kind says what the named path turned out to be.
type Kind string

const (
	Mbox      Kind = "mbox"
	Maildir   Kind = "maildir"
	EML       Kind = "eml"
	Directory Kind = "directory"
	Takeout   Kind = "takeout"
	Zip       Kind = "zip"
	Tar       Kind = "tar"
	Outlook   Kind = "msg"
	PST       Kind = "pst"
	EMLX      Kind = "emlx"
)

// Progress is how far a run has come.
type Progress struct {
	Path       string // what is being read
	Done       int    // messages accepted
	Bytes      int64  // octets of the source that were read, packed where it is packed
	TotalBytes int64  // how many there are; 0 when unknown
}

// Options tune a run. The zero value is ready to use.
type Options struct {
	// Progress is called from the goroutine of Run after each message and each
	// file. Nil is allowed.
	Progress func(Progress)

	// Logger hears about what was skipped, by path. Nil is silent.
	Logger *slog.Logger

	// MaxMessage is the largest message taken, in octets. 0 is 1 GiB.
	MaxMessage int64
}

// Result is what a run did, valid beside an error as well.
type Result struct {
	Kind      Kind
	Messages  int   // accepted
	Converted int   // of these, made from another form
	Bytes     int64 // their octets
	Skipped   []Skip
}

// Skip is something that was not imported, or imported with a doubt, and why.
type Skip struct {
	Path   string
	Reason string
}

// Run imports what lies at source, in a fixed order: names ascending, what
// lies in an mbox or tar as it stands there. It calls accept for each message, which then owns
// the blob; an error of accept or of stage ends the run and is returned.
//
// What cannot be read does not stop the rest: the run goes on, and the returned
// error joins one error for each such path, saying what to do. What is not mail
// is listed in Skipped, except that a source without any mail is an error
// that is ErrNotMail. On cancellation the error is the context's.
func Run(ctx context.Context, source string, stage Stager, opts Options, accept func(Item) error) (Result, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.MaxMessage <= 0 {
		opts.MaxMessage = 1 << 30
	}
	r := &run{ctx: ctx, source: source, stage: stage, opts: opts, accept: accept}
	err := r.source0()
	if err == nil {
		err = errors.Join(r.unread...)
	}
	return r.res, err
}

// run is the state of one Run.
type run struct {
	ctx    context.Context
	source string
	stage  Stager
	opts   Options
	accept func(Item) error

	res    Result
	prog   Progress
	unread []error // what could not be read, one error a path
}

func (r *run) source0() error {
	fi, err := os.Stat(r.source)
	if err != nil {
		return fmt.Errorf("importing: %w", readable(err))
	}
	base := filepath.Base(absolute(r.source))
	if !fi.IsDir() {
		if !fi.Mode().IsRegular() {
			return fmt.Errorf("importing %q: %w: %s", r.source, ErrNotMail, describeMode(fi.Mode()))
		}
		r.prog.TotalBytes = fi.Size()
		if err := r.diskFile(r.source, place{path: base, folder: stem(base), loose: looseFolder(r.source), named: true}); err != nil {
			return err
		}
	} else {
		r.res.Kind = Directory
		if isMaildir(r.source) {
			r.res.Kind = Maildir
		}
		if r.opts.Progress != nil {
			r.prog.TotalBytes = sizeOf(r.source)
		}
		if err := r.dir(r.source, place{path: "", folder: "", loose: base}); err != nil {
			return err
		}
	}
	r.report(base)
	if r.res.Messages == 0 && len(r.unread) == 0 && r.res.Kind != Maildir && !(r.res.Kind == Mbox && len(r.res.Skipped) == 0) {
		reason := "nothing in it looks like a message"
		if n := len(r.res.Skipped); n > 0 && (!fi.IsDir() || n == 1) {
			reason = r.res.Skipped[0].Reason
		}
		return fmt.Errorf("importing %q: %w: %s", r.source, ErrNotMail, reason)
	}
	return nil
}

// place is where the walk is, in words for people.
type place struct {
	path   string // below the source
	folder string // display folder of an mbox at this place, and the parent of what lies below
	loose  string // display folder of single messages at this place
	named  bool   // the user named this very file
	depth  int    // containers around it
}

// below enters a folder or archive entry of that name.
func (p place) below(name string) place {
	q := p
	q.named = false
	q.path = path.Join(p.path, name)
	return q
}

func (r *run) skip(p, reason string) {
	r.res.Skipped = append(r.res.Skipped, Skip{p, reason})
	r.opts.Logger.Debug("import skipped", "path", p, "reason", reason)
}

func (r *run) cannotRead(err error) { r.unread = append(r.unread, readable(err)) }

func (r *run) report(p string) {
	if r.opts.Progress != nil {
		r.prog.Path = p
		if r.prog.TotalBytes > 0 { // an archive's directory is read besides
			r.prog.Bytes = min(r.prog.Bytes, r.prog.TotalBytes)
		}
		r.opts.Progress(r.prog)
	}
}

// dir imports the files of a folder and of the folders in it, sorted by name.
func (r *run) dir(dir string, p place) error {
	if isMaildir(dir) {
		return r.maildir(dir, p)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.cannotRead(fmt.Errorf("reading folder: %w", err))
		// ReadDir gives what it got before the failure.
	}
	for _, e := range entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		full, q := filepath.Join(dir, e.Name()), p.below(e.Name())
		switch {
		case e.IsDir():
			q.folder = path.Join(p.folder, folderName(e.Name()))
			q.loose = q.folder
			if err := r.dir(full, q); err != nil {
				return err
			}
		case e.Type().IsRegular():
			q.folder = mboxFolder(p.folder, e.Name())
			if err := r.diskFile(full, q); err != nil {
				return err
			}
		default:
			r.skip(q.path, describeMode(e.Type()))
		}
	}
	return nil
}

// diskFile imports a file, whatever it is.
func (r *run) diskFile(file string, p place) error {
	f, err := os.Open(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !p.named {
			r.skip(p.path, "gone while the folder was read") // a maildir at work renames all the time
			return nil
		}
		r.cannotRead(fmt.Errorf("reading: %w", err))
		return nil
	}
	defer f.Close()
	in := &input{r: &counted{r: f, n: &r.prog.Bytes}, file: f, place: p}
	if err := r.read(in); err != nil {
		return err
	}
	r.report(p.path)
	return nil
}

// message stages what rd gives and hands it on. A failure to read rd costs this
// message alone: it is noted, and message reports false. fill completes the item
// from what was seen of the message and may be nil. An error stops the run.
func (r *run) message(rd io.Reader, it Item, fill func(*Item)) (taken bool, err error) {
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	src := &watched{ctx: r.ctx, r: rd, room: r.opts.MaxMessage}
	blob, err := r.stage.Read(src)
	if err == nil && src.err != nil { // a Stager that forgives must not keep half a message
		blob.Discard()
		err = src.err
	}
	if err != nil {
		if cerr := r.ctx.Err(); cerr != nil {
			return false, cerr
		}
		if src.err == nil {
			return false, fmt.Errorf("staging %q: %w", it.Path, err)
		}
		if errors.Is(src.err, errTooLarge) {
			r.skip(it.Path, fmt.Sprintf("larger than %d octets", r.opts.MaxMessage))
			return false, nil
		}
		r.cannotRead(fmt.Errorf("reading %q: %w", it.Path, src.err))
		return false, nil
	}
	if blob.Size() == 0 {
		blob.Discard()
		r.skip(it.Path, "empty")
		return false, nil
	}
	size := blob.Size() // the blob is accept's from here on
	if fill != nil {
		fill(&it)
	}
	it.Blob = blob
	if err := r.accept(it); err != nil {
		return false, err
	}
	if it.Original != nil {
		r.res.Converted++
	}
	r.res.Messages++
	r.res.Bytes += size
	r.prog.Done++
	r.report(it.Path)
	return true, nil
}

var errTooLarge = errors.New("message too large")

// watched is the source of one message. It remembers whether it was the source
// that failed: a full disk behind the Stager must stop the run, a bad sector
// under one message must not.
type watched struct {
	ctx  context.Context
	r    io.Reader
	room int64
	err  error
}

func (w *watched) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(b)
	if w.room -= int64(n); w.room < 0 {
		err = errTooLarge
	}
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// counted adds what is read to n.
type counted struct {
	r io.Reader
	n *int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

// countedAt is counted for io.ReaderAt.
type countedAt struct {
	r io.ReaderAt
	n *int64
}

func (c *countedAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(b, off)
	*c.n += int64(n)
	return n, err
}

// readable adds to an error of the file system what to do about it.
func readable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: give yourself the right to read it (for a folder also to enter it) and import again", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: check the name", err)
	}
	return err
}

func describeMode(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link, which is not followed"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a file"
}

// sizeOf adds up the files below dir, for the progress bar; what cannot be read
// is missing from it.
func sizeOf(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if fi, err := d.Info(); err == nil {
				total += fi.Size()
			}
		}
		return nil
	})
	return total
}

func absolute(p string) string {
	if a, err := filepath.Abs(p); err == nil {
		return a
	}
	return p
}

// looseFolder names the folder of a single message that the user named.
func looseFolder(file string) string {
	base := filepath.Base(filepath.Dir(absolute(file)))
	if base == string(filepath.Separator) || base == "." {
		return "Imported"
	}
	return base
}

// stem takes the endings off that say how a file is kept, not what it is.
func stem(name string) string {
	for {
		ext := path.Ext(name)
		if len(ext) == len(name) || !slices.Contains([]string{".gz", ".zst", ".mbox", ".mbx", ".mboxrd", ".mboxo", ".tar", ".tgz", ".zip", ".pst", ".ost"}, strings.ToLower(ext)) {
			return name
		}
		name = strings.TrimSuffix(name, ext)
	}
}

// folderName takes off what mail programs add to the names of folders.
func folderName(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".sbd", ".mbox": // Thunderbird's subfolders, Apple Mail's exports
		if s := strings.TrimSuffix(name, path.Ext(name)); s != "" {
			return s
		}
	}
	return name
}

// mboxFolder names the folder of an mbox in a folder. Apple Mail exports
// "Work.mbox/mbox", where the folder already has the name.
func mboxFolder(parent, name string) string {
	if name == "mbox" && parent != "" {
		return parent
	}
	return path.Join(parent, stem(name))
}
