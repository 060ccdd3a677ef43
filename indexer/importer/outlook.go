package importer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"inwriting/indexer/outlook"
)

// maxMSG is the largest .msg file that is read: it is held in memory.
const maxMSG = 256 << 20

// converter is what .msg files are converted by. The number changes when the same
// file would become other octets.
const converter = "inwriting/outlook 1"

// msg imports a message that Outlook saved. The file itself is the original and
// goes along.
func (r *run) msg(p place, br *bufio.Reader) error {
	b, err := io.ReadAll(io.LimitReader(br, min(maxMSG, r.opts.MaxMessage)+1))
	if err != nil {
		r.cannotRead(fmt.Errorf("reading %q: %w", p.path, err))
		return nil
	}
	if int64(len(b)) > min(maxMSG, r.opts.MaxMessage) {
		r.skip(p.path, fmt.Sprintf("larger than %d octets", min(maxMSG, r.opts.MaxMessage)))
		return nil
	}
	c, err := outlook.Convert(b)
	if errors.Is(err, outlook.ErrNotMessage) {
		r.skip(p.path, err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("converting %q: %w", p.path, err)
	}
	r.kind(Outlook)
	original, err := r.stage.Read(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("staging %q: %w", p.path, err)
	}
	taken, err := r.message(bytes.NewReader(c.Raw), Item{Folder: p.loose, Path: p.path, Flags: c.Flags, Date: c.Received,
		Original: &Original{Blob: original, Hash: hex.EncodeToString(c.Original[:]), Size: int64(len(b)), Form: "msg", By: converter}}, nil)
	if !taken && err == nil {
		original.Discard()
	}
	if taken && len(c.Defects) > 0 {
		r.skip(p.path, "imported, but not whole: "+strings.Join(c.Defects, "; "))
	}
	return err
}

// readpst is the program of Debian's pst-utils.
const readpst = "readpst"

// pst imports an Outlook data file through readpst, which writes each message into
// a file of its own.
func (r *run) pst(in *input) error {
	p := in.place
	program, err := exec.LookPath(readpst)
	if err != nil {
		r.cannotRead(fmt.Errorf("reading %q: an Outlook data file is read through readpst, which is not installed: on Debian and Ubuntu apt-get install pst-utils, on Fedora dnf install libpst, on macOS brew install libpst; or export its folders as mbox or .msg", p.path))
		return nil
	}
	hash, size, err := sum(r.ctx, in.file)
	if err != nil {
		r.cannotRead(fmt.Errorf("reading %q: %w", p.path, err))
		return nil
	}
	dir, err := os.MkdirTemp("", "inwriting-pst-")
	if err != nil {
		return fmt.Errorf("unpacking %q: %w", p.path, err)
	}
	defer os.RemoveAll(dir)
	by := readpstVersion(r.ctx, program)
	// -t e: mail only; -e: a file each, in folders; -D: deleted items too; -j 0: one
	// process, so that the same file gives the same octets; -b: no RTF beside the text.
	cmd := exec.CommandContext(r.ctx, program, "-t", "e", "-e", "-D", "-b", "-8", "-q", "-j", "0", "-o", dir, in.file.Name())
	cmd.WaitDelay = time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC", "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if err != nil {
		// What it wrote until then is imported all the same.
		r.cannotRead(fmt.Errorf("reading %q with %s: %w: %.300q: the file is damaged, cut short or no data file of Outlook; copy it again, or mend it with Outlook's scanpst", p.path, by, err, strings.TrimSpace(string(out))))
	}
	before := r.res.Messages
	if e := r.pstDir(dir, p, &Original{Hash: hash, Size: size, Form: "pst", By: by}); e != nil {
		return e
	}
	if err == nil && r.res.Messages == before {
		r.skip(p.path, "no mail in it that "+by+" finds")
	}
	return nil
}

// pstDir imports what readpst wrote, in the order of the names.
func (r *run) pstDir(dir string, p place, o *Original) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading what %s wrote: %w", o.By, err)
	}
	for _, e := range entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		q := p.below(e.Name())
		full := filepath.Join(dir, e.Name())
		if e.IsDir() {
			q.folder = strings.TrimPrefix(p.folder+"/"+e.Name(), "/")
			if err := r.pstDir(full, q, o); err != nil {
				return err
			}
			continue
		}
		if err := r.pstMessage(full, q, p.folder, o); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pstMessage(file string, p place, folder string, o *Original) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("reading what %s wrote: %w", o.By, err)
	}
	defer f.Close()
	mark := fmt.Sprintf("X-Inwriting-Converted: from an Outlook data file by %s;\n original sha256=%s\n", o.By, o.Hash)
	original := *o
	_, err = r.message(io.MultiReader(strings.NewReader(mark), &settled{r: bufio.NewReaderSize(f, 64<<10), seen: map[string]string{}}), Item{Folder: folder, Path: p.path, Original: &original}, nil)
	return err
}

// settled is what readpst wrote with its boundaries, which it draws at random each
// time, numbered in the order in which they come: the same file gives the same octets.
type settled struct {
	r    *bufio.Reader
	seen map[string]string
	line []byte // still to be given
	err  error
}

// drawn is a boundary of readpst.
var drawn = regexp.MustCompile(`boundary-LibPST-iamunique-[0-9]+`)

func (s *settled) Read(p []byte) (int, error) {
	for len(s.line) == 0 && s.err == nil {
		var line []byte
		line, s.err = s.r.ReadSlice('\n')
		if errors.Is(s.err, bufio.ErrBufferFull) {
			s.err = nil
		}
		s.line = drawn.ReplaceAllFunc(line, func(b []byte) []byte {
			to, ok := s.seen[string(b)]
			if !ok {
				to = fmt.Sprintf("boundary-LibPST-iamunique-%d", len(s.seen)+1)
				s.seen[string(b)] = to
			}
			return []byte(to)
		})
	}
	if len(s.line) == 0 {
		return 0, s.err
	}
	n := copy(p, s.line)
	s.line = s.line[n:]
	return n, nil
}

// sum hashes a file and leaves it where it stood.
func sum(ctx context.Context, f *os.File) (hash string, size int64, err error) {
	g, err := os.Open(f.Name())
	if err != nil {
		return "", 0, err
	}
	defer g.Close()
	h := sha256.New()
	n, err := io.Copy(h, &watched{ctx: ctx, r: g, room: 1 << 62})
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// readpstVersion returns "readpst 0.6.76", as it says it.
func readpstVersion(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "-V").CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	for _, w := range strings.Fields(line) {
		if err == nil && len(w) > 2 && (w[0] >= '0' && w[0] <= '9' || w[0] == 'v') && strings.Contains(w, ".") {
			return readpst + " " + strings.TrimLeft(w, "v")
		}
	}
	return readpst
}
