package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"inwriting/indexer/durable"
)

// ErrKeyGone: the key that signed at a time is not kept.
var ErrKeyGone = errors.New("the private key of that time is not kept")

// CopyPrefix writes the first size entries as a ledger of its own into dir and keysDir,
// which must be empty: with what lies beside them that these entries name, and with
// the key that signed then, of which keys has the retired ones. Opened and signed, it
// has the very checkpoint that this ledger had or could have had at that size. Lines
// that were erased since are erased in the copy too.
func (l *Ledger) CopyPrefix(size int64, keys, dir, keysDir string) error {
	fail := func(err error) error { return fmt.Errorf("copying the ledger as of %d entries: %w", size, err) }
	changes, err := l.KeyChanges()
	if err != nil {
		return fail(err)
	}
	kept, err := l.Anchors()
	if err != nil {
		return fail(err)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if size < 1 || size > l.edge.size {
		return fail(fmt.Errorf("the ledger has %d entries", l.edge.size))
	}
	key := l.key
	if vkey := keyAt(l.keys, size); vkey != l.vkey {
		if key, err = readKey(retiredKeyPath(keys, vkey)); err != nil {
			return fail(err)
		}
		if key == nil {
			return fail(fmt.Errorf("%w: %s", ErrKeyGone, vkey))
		}
	}
	if key == nil {
		return fail(ErrNoKey)
	}
	for _, d := range []string{dir, keysDir, filepath.Join(dir, "keys")} {
		if err := durable.MkdirAll(d, 0o700); err != nil {
			return fail(err)
		}
	}
	if err := l.writeKey(keyPath(keysDir), key); err != nil {
		return fail(err)
	}
	end, err := l.offset(size)
	if err != nil {
		return fail(err)
	}
	if err := copyStart(entriesPath(dir), l.entries, end); err != nil {
		return fail(err)
	}
	for _, c := range changes {
		if c.Size <= size {
			if err := os.WriteFile(keyChangePath(dir, c.Size), c.Note, 0o600); err != nil {
				return fail(err)
			}
		}
	}
	into := &Ledger{dir: dir, fs: durable.OS}
	for _, a := range kept {
		if a.Size <= size {
			if err := into.KeepAnchor(a); err != nil {
				return fail(err)
			}
		}
	}
	return nil
}

// copyStart copies the first n octets of a file.
func copyStart(name string, from durable.File, n int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for at := int64(0); at < n; {
		k, err := from.ReadAt(buf[:min(int64(len(buf)), n-at)], at)
		if k == 0 && err != nil {
			f.Close()
			return err
		}
		if _, err := f.Write(buf[:k]); err != nil {
			f.Close()
			return err
		}
		at += int64(k)
	}
	return f.Close()
}
