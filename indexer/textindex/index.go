// Package textindex is the full-text index: words in, ids out.
//
//	index/format.json     what wrote it; written last, so that its absence means "not finished"
//	index/bleve/          one document a message; its id is the ref's 64 hexadecimal digits
//
// A statement is no document of its own: it is a range of positions in its
// message's text, and what is known of it (its kind, flags and facts) are terms
// placed at its number. So its words are indexed once, as the message's, and so
// are the fields it shares with the message; documents of their own cost twice
// the time and the space (cmd/bench import). A search for statements asks for the
// messages that may hold one that fits, and then looks at the positions.
//
// Nothing is stored but ids. Everything here can be made again from the archive
// and the catalog, so nothing here is repaired: an index of another format, or
// one that does not open, is removed and rebuilt by the caller.
//
// The answer to a request depends on the documents alone, never on the order or
// the batches in which they came: bleve's own scores do not promise that (its
// average field length counts terms per segment), so hits are scored here, with
// BM25 over fixed average lengths, rounded, and ties fall to date and id.
package textindex

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	index "github.com/blevesearch/bleve_index_api"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Format is the number of the document shape and the analyzers. It changes
// whenever the same mail would be indexed differently.
const Format = 3

// Errors that callers act on.
var (
	// ErrFormat: another format or reader wrote the index, or it was never
	// finished. Remove the directory and rebuild.
	ErrFormat = errors.New("index of another format")
	// ErrDamaged: the index does not open. Remove the directory and rebuild;
	// trying again changes nothing.
	ErrDamaged = errors.New("index is damaged")
	// ErrLocked: another process has the index open.
	ErrLocked = errors.New("index is in use by another process")
	// ErrClosed: the index was closed.
	ErrClosed = errors.New("index is closed")
	// ErrTooBroad: a prefix or a misspelt word stands for too many words.
	ErrTooBroad = errors.New("too many different words fit")
	// ErrNotOneWord: nearness is asked of what is several words.
	ErrNotOneWord = errors.New("is more than one word")
)

// Options say what the index is built from.
type Options struct {
	// Reader is the version of whatever made messages and statements of the
	// octets. An index that another Reader filled is ErrFormat.
	Reader string
}

// Index is an open index. All methods may be called at once from several
// goroutines. One process at a time has an index open.
type Index struct {
	dir   string
	bleve bleve.Index

	callback string // our name in scorch's registry
	failOnce sync.Once
	failed   chan struct{}
	err      atomic.Pointer[error]

	mu     sync.RWMutex // held for reading while an operation runs, for writing by Close
	closed bool
}

type formatFile struct {
	Format int    `json:"format"`
	Reader string `json:"reader"`
}

const (
	formatName = "format.json"
	bleveName  = "bleve"
)

// scorch reads its registry of callbacks whenever an index opens, without a
// lock of its own.
var (
	registryMu  sync.Mutex
	registrySeq int
)

// Open opens the index in dir, or creates it when dir is absent or empty. What
// it creates is durable on return.
func Open(dir string, opts Options) (*Index, error) {
	ix := &Index{dir: dir, failed: make(chan struct{})}
	create, err := ix.check(opts)
	if err != nil {
		return nil, err
	}

	registryMu.Lock()
	defer registryMu.Unlock()
	registrySeq++
	ix.callback = fmt.Sprintf("inwriting-%d", registrySeq)
	// A panic in a merge is swallowed without a callback: batches would go on
	// succeeding while nothing merges any more.
	scorch.RegistryAsyncErrorCallbacks[ix.callback] = func(err error, path string) {
		ix.fail(fmt.Errorf("keeping index %q in order: %w", path, err))
	}

	ix.bleve, err = ix.open(create)
	if err == nil && create {
		if err = writeFormat(dir, formatFile{Format: Format, Reader: opts.Reader}); err != nil {
			err = errors.Join(err, ix.bleve.Close())
		}
	}
	if err != nil {
		delete(scorch.RegistryAsyncErrorCallbacks, ix.callback)
		return nil, err
	}
	return ix, nil
}

// check compares the format file and reports whether the index is to be created.
func (ix *Index) check(opts Options) (create bool, err error) {
	b, err := os.ReadFile(filepath.Join(ix.dir, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(ix.dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := os.MkdirAll(ix.dir, 0o700); err != nil {
				return false, fmt.Errorf("creating index: %w", err)
			}
			return true, nil
		case err != nil:
			return false, fmt.Errorf("opening index: %w", err)
		case len(entries) > 0:
			return false, fmt.Errorf("opening index %q: no %s, it was never finished: %w", ix.dir, formatName, ErrFormat)
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening index: %w", err)
	}
	var f formatFile
	if err := json.Unmarshal(b, &f); err != nil {
		return false, fmt.Errorf("reading %q: %v: %w", filepath.Join(ix.dir, formatName), err, ErrFormat)
	}
	if f.Format != Format || f.Reader != opts.Reader {
		return false, fmt.Errorf("opening index %q: written by format %d, reader %q; this is format %d, reader %q: %w",
			ix.dir, f.Format, f.Reader, Format, opts.Reader, ErrFormat)
	}
	return false, nil
}

func (ix *Index) open(create bool) (bleve.Index, error) {
	path := filepath.Join(ix.dir, bleveName)
	config := map[string]any{
		// With one snapshot, a newest one that does not load leaves nothing.
		"numSnapshotsToKeep":     2,
		"asyncErrorCallbackName": ix.callback,
		"bolt_timeout":           "2s",
	}
	if create {
		// Documents are built here, field by field; the mapping only has to
		// keep bleve from guessing.
		m := mapping.NewIndexMapping()
		m.DefaultMapping = mapping.NewDocumentStaticMapping()
		m.DefaultMapping.Enabled = false
		bi, err := bleve.NewUsing(path, m, scorch.Name, scorch.Name, config)
		if err != nil {
			return nil, fmt.Errorf("creating index %q: %w", path, err)
		}
		return bi, nil
	}
	bi, err := bleve.OpenUsing(path, config)
	switch {
	case err == nil:
		return bi, nil
	case errors.Is(err, bolterrors.ErrTimeout) || strings.Contains(err.Error(), "timeout"):
		return nil, fmt.Errorf("opening index %q: %w", path, ErrLocked)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("opening index %q: %w", path, err)
	}
	return nil, fmt.Errorf("opening index %q: %v: %w", path, err, ErrDamaged)
}

// writeFormat puts the file in place whole or not at all.
func writeFormat(dir string, f formatFile) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, formatName+".tmp")
	err = func() error {
		w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if _, err = w.Write(append(b, '\n')); err == nil {
			err = w.Sync()
		}
		if err = errors.Join(err, w.Close()); err != nil {
			return err
		}
		if err := syncDir(filepath.Join(dir, bleveName)); err != nil {
			return err
		}
		if err := os.Rename(tmp, filepath.Join(dir, formatName)); err != nil {
			return err
		}
		return syncDir(dir)
	}()
	if err != nil {
		return fmt.Errorf("creating index: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (ix *Index) fail(err error) {
	ix.failOnce.Do(func() {
		ix.err.Store(&err)
		close(ix.failed)
	})
}

// Failed is closed when something went wrong behind the caller's back, as in a
// background merge. Err then tells what; every later Commit fails with it. The
// pipeline should stop: what was committed is safe, what comes may not be.
func (ix *Index) Failed() <-chan struct{} { return ix.failed }

// Err returns why Failed is closed, or nil.
func (ix *Index) Err() error {
	if p := ix.err.Load(); p != nil {
		return *p
	}
	return nil
}

// Close waits for running operations and closes the index. Committed batches
// are durable already. Closing twice does nothing.
func (ix *Index) Close() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.closed {
		return nil
	}
	ix.closed = true
	err := ix.bleve.Close()
	registryMu.Lock()
	delete(scorch.RegistryAsyncErrorCallbacks, ix.callback)
	registryMu.Unlock()
	if err != nil {
		return fmt.Errorf("closing index %q: %w", ix.dir, err)
	}
	return nil
}

// Count returns how many messages are indexed.
func (ix *Index) Count() (int, error) {
	if err := ix.begin(); err != nil {
		return 0, err
	}
	defer ix.mu.RUnlock()
	n, err := ix.bleve.DocCount()
	if err != nil {
		return 0, fmt.Errorf("counting messages of index %q: %w", ix.dir, err)
	}
	return int(n), nil
}

// Missing returns those of the messages' ids that are not indexed, in their
// order.
func (ix *Index) Missing(ids []string) ([]string, error) {
	var missing []string
	err := ix.read(func(r index.IndexReader) error {
		for _, id := range ids {
			n, err := r.InternalID(id)
			if err != nil {
				return err
			}
			if n == nil {
				missing = append(missing, id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for messages in index %q: %w", ix.dir, err)
	}
	return missing, nil
}

// Has reports whether the message with this id is indexed.
func (ix *Index) Has(id string) (bool, error) {
	m, err := ix.Missing([]string{id})
	return len(m) == 0 && err == nil, err
}

func (ix *Index) begin() error {
	ix.mu.RLock()
	if ix.closed {
		ix.mu.RUnlock()
		return ErrClosed
	}
	return nil
}

// read calls f with a snapshot of the index.
func (ix *Index) read(f func(index.IndexReader) error) (err error) {
	if err := ix.begin(); err != nil {
		return err
	}
	defer ix.mu.RUnlock()
	adv, err := ix.bleve.Advanced()
	if err != nil {
		return err
	}
	r, err := adv.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return f(r)
}
