// Package indexer is the pipeline: it takes messages from mailboxes and files
// into a vault and keeps everything derived from them current.
//
//	imapsync ─┐                       ┌─ read ── textindex
//	          ├─► commit ─► catalog ──┤
//	importer ─┘   archive             └─ message, statement, thread
//	              ledger
//
// A Vault owns the stores and the goroutines between them. Left of the catalog
// is evidence, written once in the order argued in commit.go; right of it
// everything follows from a cursor and can be made again (rebuild.go).
package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// ErrInUse means that another process has the vault open for writing.
var ErrInUse = errors.New("the vault is in use by another inwriting")

// ErrDiverged means that archive, ledger and catalog cannot all be true. Nothing
// was changed.
var ErrDiverged = errors.New("archive, ledger and catalog disagree")

// Options of a vault. The zero value is complete.
type Options struct {
	Logger *slog.Logger     // discards when nil
	Now    func() time.Time // time.Now when nil
	// FreshCatalog sets the catalog aside and makes it again from archive and
	// ledger: the way back from a catalog that cannot be opened.
	FreshCatalog bool
	Attest       Attest // whom to ask about signatures and the time
	// GiveWay is called between messages that are read. It may wait a little, so that
	// whoever waits for an answer goes first. Nil: nobody does.
	GiveWay func(context.Context)
	// Hooks of the stores, for tests that make disks fail.
	Archive archive.Options
	Ledger  ledger.Options
}

// Vault is an open data directory. There is one at a time for each directory, in
// whatever process. Its methods may be called at once; what they write is
// serialised.
type Vault struct {
	dir  string
	log  *slog.Logger
	now  func() time.Time
	lock *os.File
	opt  Options

	// write is held by whatever adds to archive and ledger, so that one group
	// commit is one run of entries: by the committer that joined passes share, and
	// by whoever must have the vault to itself.
	write    sync.Mutex
	joining  sync.Mutex // guards joint and joined
	joint    *committer
	joined   int
	ended    sync.Cond           // joined fell to 0
	waiting  atomic.Int32        // for the vault to themselves
	naming   sync.Mutex          // held from taking an id to recording it
	recorded map[int64]time.Time // by account: its last acquisition entry; guarded by naming
	// derive is held by whatever moves the read cursor.
	derive sync.Mutex
	attest attest
	asks   atomic.Pointer[Attest]
	past   sync.Mutex // held while an earlier state is made again

	// stores guards the handles below against a rebuild, which replaces them.
	stores  sync.RWMutex
	archive *archive.Archive
	stage   *archive.Stage
	ledger  *ledger.Ledger
	catalog *catalog.Catalog
	index   *textindex.Index
}

// Open opens the vault in dir, makes it when dir does not exist or is empty, and
// repairs what a crash left: see recover.
func Open(dir string, opt Options) (_ *Vault, err error) {
	v := newVault(dir, opt)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening vault: %w", err)
	}
	if v.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("opening vault %q: %w", dir, err)
	}
	defer func() {
		if err != nil {
			v.Close()
		}
	}()
	if opt.FreshCatalog {
		if err := setCatalogAside(dir); err != nil {
			return nil, fmt.Errorf("opening vault %q: %w", dir, err)
		}
	}
	if err := v.openStores(); err != nil {
		return nil, fmt.Errorf("opening vault %q: %w", dir, err)
	}
	if opt.FreshCatalog {
		if err := dropCatalogAside(dir); err != nil {
			return nil, fmt.Errorf("opening vault %q: %w", dir, err)
		}
	}
	return v, nil
}

// newVault is a vault without its stores, complete in everything else.
func newVault(dir string, opt Options) *Vault {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.GiveWay == nil {
		opt.GiveWay = func(context.Context) {}
	}
	opt.Ledger.Now = opt.Now
	v := &Vault{dir: dir, log: opt.Logger, now: opt.Now, opt: opt, recorded: map[int64]time.Time{}}
	v.ended.L = &v.joining
	v.SetAttest(opt.Attest)
	return v
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		by := make([]byte, 32)
		n, _ := f.ReadAt(by, 0)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (process %s)", ErrInUse, by[:n])
		}
		return nil, err
	}
	// The number is for people; the lock is the kernel's and ends with us.
	if err := f.Truncate(0); err == nil {
		f.WriteAt(fmt.Appendf(nil, "%d", os.Getpid()), 0)
	}
	return f, nil
}

func (v *Vault) openStores() error {
	var err error
	if v.ledger, err = ledger.Open(filepath.Join(v.dir, "ledger"), filepath.Join(v.dir, "keys"), v.opt.Ledger); err != nil {
		return err
	}
	for _, repair := range v.ledger.Repairs() {
		v.log.Warn("the ledger was put right", "repair", repair)
	}
	if v.archive, err = archive.Open(filepath.Join(v.dir, "archive"), v.opt.Archive); err != nil {
		return err
	}
	if v.stage, err = archive.NewStage(filepath.Join(v.dir, "stage")); err != nil {
		return err
	}
	if v.catalog, err = catalog.Open(filepath.Join(v.dir, "catalog.db")); err != nil {
		return err
	}
	if err := v.resumeLines(); err != nil {
		return err
	}
	if err := v.recover(); err != nil {
		return err
	}
	if err := v.resumeErase(); err != nil {
		return err
	}
	return v.openIndex()
}

// recover brings archive, ledger and catalog to one state. Each of the three
// only ever names what the one before made durable (commit.go), so a crash can
// leave, and nothing else:
//
//   - a torn frame or whole entries at the archive's end that nothing refers to:
//     the torn frame is set aside and cut off, whole entries are adopted;
//   - ledger entries that the catalog has not recorded: they are recorded now, by
//     the same function as ever. A missing catalog is the same case from 0 on.
//
// A catalog that is ahead of archive or ledger was never written by this order:
// something outside removed evidence. Then nothing is touched.
func (v *Vault) recover() error {
	end, entries, err := v.catalog.Position()
	if err != nil {
		return err
	}
	if have := v.ledger.Size(); have < entries {
		return fmt.Errorf("%w: the ledger has %d entries, the catalog has recorded %d; the vault may be an older copy with a newer catalog.db", ErrDiverged, have, entries)
	}
	adopted, torn, err := v.archive.Recover(end)
	if errors.Is(err, archive.ErrBeyond) {
		return fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	if err != nil {
		return err
	}
	if torn != nil {
		v.log.Warn("a torn frame at the archive's end was set aside", "torn", fmt.Sprint(*torn))
	}
	if len(adopted) == 0 && entries == v.ledger.Size() && entries > 0 {
		return nil
	}
	err = v.record(adopted, v.archive.End())
	if errors.Is(err, catalog.ErrNoBlob) {
		return fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	return err
}

// still waits until nothing writes to the vault, reads for the index or holds a
// store, and keeps it so until the function it returns is called.
func (v *Vault) still() func() {
	together, withdrawn := v.alone(), v.withdraw()
	return func() { withdrawn(); together() }
}

// withdraw takes the stores away from everybody who reads: archive and ledger may
// still grow. The function it returns gives them back.
func (v *Vault) withdraw() func() {
	v.derive.Lock()
	v.stores.Lock()
	return func() { v.stores.Unlock(); v.derive.Unlock() }
}

// Close stops the stores. What was acknowledged is durable already.
func (v *Vault) Close() error {
	defer v.still()()
	var errs []error
	if v.index != nil {
		errs = append(errs, v.index.Close())
	}
	if v.catalog != nil {
		errs = append(errs, v.catalog.Close())
	}
	if v.archive != nil {
		errs = append(errs, v.archive.Close())
	}
	if v.ledger != nil {
		errs = append(errs, v.ledger.Close())
	}
	v.index, v.catalog, v.archive, v.ledger = nil, nil, nil, nil
	if v.lock != nil {
		errs = append(errs, v.lock.Close()) // releases it
		v.lock = nil
	}
	return errors.Join(errs...)
}

// Dir returns the data directory.
func (v *Vault) Dir() string { return v.dir }

// Stores hands the open stores to fn, which must not keep them: a rebuild
// replaces them.
func (v *Vault) Stores(fn func(*archive.Archive, *ledger.Ledger, *catalog.Catalog, *textindex.Index) error) error {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return errors.New("the vault is closed")
	}
	return fn(v.archive, v.ledger, v.catalog, v.index)
}
