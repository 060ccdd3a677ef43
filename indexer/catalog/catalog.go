// Package catalog is the vault's map: what was found where, how far each stage
// has come, and what the reader made of each message. It lies in one SQLite
// file. Recorded tables hold the state of collection and are changed only by
// Apply, in the transaction that also moves the cursors into archive and ledger;
// derived tables hold readings and can be dropped at any time.
//
// A catalog is never evidence. Delete it, and opening the vault makes it again
// from archive and ledger, by the same functions that wrote it first.
package catalog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"modernc.org/sqlite" // driver "sqlite", pure Go
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Format is the newest catalog format this program writes: the number of the
// last migration.
const Format = 5

// ErrNewer means that a newer program wrote the catalog.
var ErrNewer = errors.New("catalog was written by a newer inwriting")

// ErrNotFound means that no row has the name asked for.
var ErrNotFound = errors.New("not found")

// ErrNoBlob means that the ledger names a message that the archive does not have.
var ErrNoBlob = errors.New("the ledger names it and the archive does not have it")

// Catalog is an open catalog. Reading methods may be called at once from many
// goroutines; writing methods are serialised here. Every writing method is
// durable on return.
type Catalog struct {
	path string
	r    *reader

	changes atomic.Uint64 // transactions so far
	counts  sync.Map      // countKey to counted
	docs    docCache

	mu sync.Mutex // serialises writers; guards what follows
	w  *sql.DB
	wc *sql.Conn // the one writing connection, so that prepared statements live as long as the catalog
	st map[string]*sql.Stmt
}

// Open opens the catalog in file path, creates it when absent and brings an
// older one up to Format.
func Open(path string) (*Catalog, error) {
	// SQLite would create it 0644.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening catalog: %w", err)
	}
	f.Close()
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(-8000)" + extra
	}
	w, err := sql.Open("sqlite", dsn(""))
	if err != nil {
		return nil, fmt.Errorf("opening catalog %q: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	c := &Catalog{path: path, w: w, st: map[string]*sql.Stmt{}}
	err = c.migrate()
	if err == nil {
		c.wc, err = w.Conn(context.Background())
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("opening catalog %q: %w", path, err)
	}
	db, err := sql.Open("sqlite", dsn("&_pragma=query_only(1)"))
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("opening catalog %q: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	c.r = &reader{DB: db}
	if err := c.r.QueryRow(`SELECT coalesce(max(blob), 0) FROM message`).Scan(&c.docs.top); err != nil {
		return nil, errors.Join(fmt.Errorf("opening catalog %q: %w", path, err), c.r.Close(), c.wc.Close(), w.Close())
	}
	return c, nil
}

// Close closes the catalog. No method may be called afterwards.
func (c *Catalog) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.st {
		s.Close()
	}
	c.st = nil
	return errors.Join(c.r.Close(), c.wc.Close(), c.w.Close())
}

func (c *Catalog) migrate() error {
	var have int
	if err := c.w.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > Format {
		return fmt.Errorf("%w: it has format %d, this program knows %d; use the newer program", ErrNewer, have, Format)
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql"))
		if err != nil {
			return err
		}
		if n <= have {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		tx, err := c.w.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.Exec(string(text)); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", n)); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// Tx is a writing transaction.
type Tx struct{ c *Catalog }

// stmt returns the prepared statement for text. c.mu is held.
func (t *Tx) stmt(text string) (*sql.Stmt, error) {
	s, ok := t.c.st[text]
	if !ok {
		var err error
		if s, err = t.c.wc.PrepareContext(context.Background(), text); err != nil {
			return nil, fmt.Errorf("catalog: preparing %q: %w", text, err)
		}
		t.c.st[text] = s
	}
	return s, nil
}

func (t *Tx) exec(text string, args ...any) error {
	s, err := t.stmt(text)
	if err != nil {
		return err
	}
	_, err = s.Exec(args...)
	return err
}

// change is exec for a statement that may find nothing to change; it returns how
// many rows it did.
func (t *Tx) change(text string, args ...any) (int64, error) {
	s, err := t.stmt(text)
	if err != nil {
		return 0, err
	}
	r, err := s.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// scan reads the first row into dest; a missing row is ErrNotFound.
func (t *Tx) scan(text string, args []any, dest ...any) error {
	s, err := t.stmt(text)
	if err != nil {
		return err
	}
	err = s.QueryRow(args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Update runs fn in one writing transaction, committed and durable on return
// unless fn fails. A disk that is full is syscall.ENOSPC.
func (c *Catalog) Update(fn func(*Tx) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := context.Background() // half a commit helps nobody: a cancelled caller waits
	if _, err := c.wc.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	defer c.changes.Add(1)
	err := fn(&Tx{c})
	if err == nil {
		_, err = c.wc.ExecContext(ctx, "COMMIT")
		if err != nil {
			err = fmt.Errorf("catalog: committing: %w", err)
		}
	}
	if err != nil {
		c.wc.ExecContext(ctx, "ROLLBACK") // fails when SQLite rolled back by itself
	}
	return full(err)
}

// full makes the error of a disk that is full the one that other stores give.
func full(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", err, syscall.ENOSPC)
	}
	return err
}

// SetMeta keeps a value under key.
func (t *Tx) SetMeta(key, value string) error {
	return t.exec("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", key, value)
}

// Meta returns the value kept under key, "" when there is none.
func (c *Catalog) Meta(key string) (string, error) {
	var v string
	err := c.r.QueryRow("SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}
