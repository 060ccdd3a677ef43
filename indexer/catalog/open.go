package catalog

import (
	"database/sql"
	"errors"
	"time"
)

// watchStage is the derived stage that keeps what is open: its cursor is the last
// blob that was looked at.
const watchStage = "watch"

// ErrMoved means that a derived stage's cursor is not where its owner left it: the
// catalog was made again in between.
var ErrMoved = errors.New("the cursor has been moved")

// OpenItem is a statement after which something is missing.
type OpenItem struct {
	Statement string
	Blob      int64
	Type      string
	Client    string
	Due       string // YYYY-MM-DD, "" without
	Date      time.Time
}

// Watched returns how far the watch has come and with which version.
func (c *Catalog) Watched() (cursor int64, version string, err error) { return c.Cursor(watchStage) }

// ResetOpen forgets what is open and begins the watch from the beginning.
func (c *Catalog) ResetOpen(version string) error {
	return c.Update(func(t *Tx) error {
		for _, table := range []string{"open_item", "watch_again"} {
			if err := t.exec(`DELETE FROM ` + table); err != nil {
				return err
			}
		}
		return t.exec(`INSERT INTO cursor VALUES (?, 0, ?) ON CONFLICT DO UPDATE SET value = 0, version = excluded.version`, watchStage, version)
	})
}

// SaveOpen replaces what is open in blobs and moves the watch from one cursor to
// the next, together. ErrMoved: somebody else did, and nothing was changed.
func (c *Catalog) SaveOpen(from, to int64, version string, blobs, again []int64, items []OpenItem) error {
	return c.Update(func(t *Tx) error {
		n, err := t.change(`UPDATE cursor SET value = ? WHERE stage = ? AND value = ? AND version = ?`, to, watchStage, from, version)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrMoved
		}
		for _, b := range blobs {
			if err := t.exec(`DELETE FROM open_item WHERE blob = ?`, b); err != nil {
				return err
			}
		}
		for _, b := range again {
			if err := t.exec(`DELETE FROM watch_again WHERE blob = ?`, b); err != nil {
				return err
			}
		}
		for _, o := range items {
			if err := t.exec(`INSERT INTO open_item VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, o.Statement, o.Blob, o.Type, o.Client, o.Due, o.Date.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Opens returns everything that is open, by client and date.
func (c *Catalog) Opens() ([]OpenItem, error) {
	return c.opens(`ORDER BY client, date, statement`)
}

// OpensOf returns what has been open with a client since a time.
func (c *Catalog) OpensOf(client string, since time.Time) ([]OpenItem, error) {
	return c.opens(`WHERE client = ? AND date >= ? ORDER BY date, statement`, client, since.Unix())
}

func (c *Catalog) opens(where string, args ...any) (out []OpenItem, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var o OpenItem
		var date int64
		err := rows.Scan(&o.Statement, &o.Blob, &o.Type, &o.Client, &o.Due, &date)
		o.Date = time.Unix(date, 0).UTC()
		out = append(out, o)
		return err
	}, `SELECT statement, blob, type, client, due, date FROM open_item `+where, args...)
	return out, err
}

// WatchAgain returns up to limit blobs behind the watch that are read differently
// since it passed.
func (c *Catalog) WatchAgain(cursor int64, limit int) ([]Blob, error) {
	return c.blobs(`WHERE id IN (SELECT blob FROM watch_again WHERE blob <= ? ORDER BY blob LIMIT ?) ORDER BY id`, cursor, limit)
}

// BlobByID returns the blob of that number, or ErrNotFound.
func (c *Catalog) BlobByID(id int64) (Blob, error) {
	return scanBlob(c.r.QueryRow(`SELECT `+blobColumns+` FROM blob WHERE id = ?`, id))
}
