// Package durable holds writes that survive a power cut. It is the one place
// where the archive and the ledger touch the disk to write, so that a test can
// put a full disk or a failing fsync under both of them (see durabletest).
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is an open file as the append-only stores use it. Reads and writes name
// their offset: after a failed write the caller still knows where its file ends.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
	Chmod(mode fs.FileMode) error
}

// FS opens and renames files and makes directory entries durable.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Rename(from, to string) error
	// SyncDir makes the creation, renaming and removal of dir's entries durable.
	SyncDir(dir string) error
}

// OS is the real file system.
var OS FS = osFS{}

// Or returns fsys, or OS where fsys is nil.
func Or(fsys FS) FS {
	if fsys == nil {
		return OS
	}
	return fsys
}

type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // a nil *os.File must not become a non-nil File
	}
	return f, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) SyncDir(dir string) error { return SyncDir(dir) }

// SyncDir makes the creation, renaming and removal of dir's entries durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing directory: %w", err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("syncing directory %q: %w", dir, err)
	}
	return nil
}

// MkdirAll creates dir and what is missing above it, and makes the new entries
// durable. Existing directories keep their mode.
func MkdirAll(dir string, perm fs.FileMode) error {
	var made []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, perm); err != nil {
		return fmt.Errorf("creating directory: %w", err)
	}
	for _, d := range made {
		if err := SyncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile replaces the file name with data in one step: after a crash either
// the old content or the new is there, whole. On return the new content is durable.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	return WriteFileFS(OS, name, data, perm)
}

// WriteFileFS is WriteFile on a given file system; nil means OS.
func WriteFileFS(fsys FS, name string, data []byte, perm fs.FileMode) (err error) {
	fsys = Or(fsys)
	tmp := name + ".tmp" // one writer a vault: the name needs no random part, and a leftover is overwritten
	f, err := fsys.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
			err = fmt.Errorf("writing %q: %w", name, err)
		}
	}()
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Chmod(perm) // a leftover keeps its mode, and umask may have taken bits away
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err = fsys.Rename(tmp, name); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// Aside copies n octets of f from offset into the new file name and makes the
// copy durable. It is called before a torn tail is cut off: what was there may
// still be of use to a person. An existing name gets a numbered suffix; the name
// that was used is returned.
func Aside(fsys FS, f io.ReaderAt, offset, n int64, name string) (string, error) {
	fsys = Or(fsys)
	used := name
	var out File
	for i := 1; ; i++ {
		var err error
		out, err = fsys.OpenFile(used, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) || i > 1000 {
			return "", fmt.Errorf("copying a torn tail aside: %w", err)
		}
		used = fmt.Sprintf("%s.%d", name, i)
	}
	_, err := io.Copy(io.NewOffsetWriter(out, 0), io.NewSectionReader(f, offset, n))
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.SyncDir(filepath.Dir(used))
	}
	if err != nil {
		os.Remove(used)
		return "", fmt.Errorf("copying a torn tail aside to %q: %w", used, err)
	}
	return used, nil
}
