package importer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf16"
)

// isMaildir reports whether dir is a maildir folder: it has "cur" and "new".
// "tmp" may be missing: copies lose empty folders, and a copy may have lost
// "new" the same way, so "cur" with a maildir name in it is enough.
func isMaildir(dir string) bool {
	is := func(name string) bool {
		fi, err := os.Lstat(filepath.Join(dir, name))
		return err == nil && fi.IsDir()
	}
	if !is("cur") {
		return is("new") && is("tmp")
	}
	if is("new") || is("tmp") {
		return true
	}
	d, err := os.Open(filepath.Join(dir, "cur"))
	if err != nil {
		return false
	}
	defer d.Close()
	names, _ := d.Readdirnames(16)
	for _, n := range names {
		if _, ok := maildirFlags(n); ok {
			return true
		}
	}
	return false
}

// maildir imports a maildir folder and the folders in it: Maildir++ keeps them
// beside "cur" as ".Archive.2020", the file system layout as "Archive/2020".
// "tmp" holds deliveries that never finished and is left alone.
func (r *run) maildir(dir string, p place) error {
	folder := p.folder
	if folder == "" {
		folder = "INBOX"
	}
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.cannotRead(fmt.Errorf("reading folder: %w", err))
		}
		for _, e := range entries {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			q := p.below(sub).below(e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "."):
				// Names that begin with a dot are not messages, by the format.
			case !e.Type().IsRegular():
				r.skip(q.path, describeMode(e.Type()))
			default:
				q.folder, q.loose = folder, folder
				if err := r.maildirFile(filepath.Join(dir, sub, e.Name()), q, e.Name()); err != nil {
					return err
				}
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.cannotRead(fmt.Errorf("reading folder: %w", err))
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || name == "cur" || name == "new" || name == "tmp" {
			continue // "dovecot.index.cache" and its like are not mail and not worth a word
		}
		full := filepath.Join(dir, name)
		q := p.below(name)
		if strings.HasPrefix(name, ".") {
			// Maildir++ separates levels by dots and writes names in modified UTF-7.
			q.folder = path.Join(p.folder, strings.ReplaceAll(decodeUTF7(strings.TrimPrefix(name, ".")), ".", "/"))
			if !isMaildir(full) {
				continue
			}
		} else {
			q.folder = path.Join(p.folder, decodeUTF7(name))
		}
		q.loose = q.folder
		if err := r.dir(full, q); err != nil {
			return err
		}
	}
	return nil
}

// maildirFile takes a file as the message it is by its place, whatever it looks
// like. Only compression is undone: Dovecot can keep messages packed.
func (r *run) maildirFile(file string, p place, name string) error {
	f, err := os.Open(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			r.skip(p.path, "gone while the folder was read")
			return nil
		}
		r.cannotRead(fmt.Errorf("reading: %w", err))
		return nil
	}
	defer f.Close()
	flags, _ := maildirFlags(name)
	rd, done, err := unpackMessage(&counted{r: f, n: &r.prog.Bytes})
	if err != nil {
		r.cannotRead(fmt.Errorf("reading %q: %w", file, err))
		return nil
	}
	defer done()
	_, err = r.message(rd, Item{Folder: p.loose, Path: p.path, Flags: flags}, nil)
	return err
}

// maildirFlags reads the flags after ":2," (";2," and "!2," on file systems
// that refuse a colon). ok is false when the name has no such part.
func maildirFlags(name string) (flags []string, ok bool) {
	i := max(strings.LastIndex(name, ":2,"), strings.LastIndex(name, ";2,"), strings.LastIndex(name, "!2,"))
	if i < 0 {
		return nil, false
	}
	for _, c := range name[i+3:] {
		switch c {
		case 'D':
			flags = append(flags, `\Draft`)
		case 'F':
			flags = append(flags, `\Flagged`)
		case 'P':
			flags = append(flags, `$Forwarded`)
		case 'R':
			flags = append(flags, `\Answered`)
		case 'S':
			flags = append(flags, `\Seen`)
		case 'T':
			flags = append(flags, `\Deleted`)
		}
	}
	return flags, true
}

// decodeUTF7 reads modified UTF-7 (RFC 3501 section 5.1.3). A name that is not
// valid in it is taken as it stands.
func decodeUTF7(s string) string {
	enc := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
	var b strings.Builder
	for rest := s; ; {
		before, after, ok := strings.Cut(rest, "&")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		code, next, ok := strings.Cut(after, "-")
		if !ok {
			return s
		}
		rest = next
		if code == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := enc.DecodeString(code)
		if err != nil || len(raw)%2 != 0 {
			return s
		}
		u := make([]uint16, len(raw)/2)
		for i := range u {
			u[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		b.WriteString(string(utf16.Decode(u)))
	}
}
