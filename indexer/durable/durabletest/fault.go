// Package durabletest puts failing disks under the stores that write through
// package durable.
package durabletest

import (
	"errors"
	"io/fs"
	"sync"
	"syscall"

	"inwriting/indexer/durable"
)

// ErrSync is what an injected fsync failure returns.
var ErrSync = errors.New("injected fsync failure")

// FS is a file system that fails on demand. The zero value never fails. Counts
// start at 1; a count of 0 means never. After the first failing write every
// later write fails too, as on a disk that is full, until Heal is called.
type FS struct {
	mu        sync.Mutex
	FailWrite int   // which WriteAt call fails with ENOSPC
	Short     int   // how many octets of that call still reach the file
	FailSync  int   // which Sync of a file fails with ErrSync
	Space     int64 // > 0: octets that fit before the disk is full

	writes, syncs int
	written       int64
	full          bool
}

// Heal makes every later call succeed.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.FailWrite, f.FailSync, f.Space, f.full = 0, 0, 0, false
}

// Counts returns how many writes and file syncs were asked for so far.
func (f *FS) Counts() (writes, syncs int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes, f.syncs
}

// OpenFile implements durable.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	file, err := durable.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &failing{File: file, fs: f}, nil
}

// Rename implements durable.FS.
func (f *FS) Rename(from, to string) error { return durable.OS.Rename(from, to) }

// SyncDir implements durable.FS.
func (f *FS) SyncDir(dir string) error { return durable.OS.SyncDir(dir) }

type failing struct {
	durable.File
	fs *FS
}

func (f *failing) WriteAt(p []byte, off int64) (int, error) {
	d := f.fs
	d.mu.Lock()
	d.writes++
	fit := len(p)
	switch {
	case d.full:
		fit = 0
	case d.FailWrite > 0 && d.writes >= d.FailWrite:
		d.full, fit = true, min(d.Short, len(p))
	case d.Space > 0 && d.written+int64(len(p)) > d.Space:
		d.full, fit = true, int(d.Space-d.written)
	}
	full := d.full
	d.written += int64(fit)
	d.mu.Unlock()
	n, err := f.File.WriteAt(p[:fit], off)
	if err == nil && full {
		err = &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return n, err
}

func (f *failing) Sync() error {
	d := f.fs
	d.mu.Lock()
	d.syncs++
	fail := d.FailSync > 0 && d.syncs == d.FailSync
	d.mu.Unlock()
	if fail {
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: ErrSync}
	}
	return f.File.Sync()
}
