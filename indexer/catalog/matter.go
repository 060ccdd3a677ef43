package catalog

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
)

// Decisions about an item of a matter.
const (
	Pinned   = "pinned"
	Excluded = "excluded"
)

// Matter is a kept question with what was decided about it.
type Matter struct {
	Name, Title, Question, Client string
	Opened                        time.Time
	Closed                        time.Time // zero while open
	Reason                        string    // of closing
	Items                         []MatterItem
	Exhibits                      []Exhibit
	Notes                         []MatterNote
}

// MatterItem is a decision about a statement ("s-…") or a message ("sha256-…").
// Of an exhibit it can only say that it is left out.
type MatterItem struct {
	ID, Decision, Reason, By string
	At                       time.Time
}

// Exhibit is a file from outside the mail. Its octets lie in the archive.
type Exhibit struct {
	Ref               archive.Ref
	Size              int64
	Name, Media, Note string
	By                string
	At                time.Time
	Entry             int64 // ledger index of the entry that names it
}

// MatterNote is a note to a matter.
type MatterNote struct {
	Text, By string
	At       time.Time
}

// decided records the entries in which people decide something.
func (t *Tx) decided(index int64, e ledger.Entry) error {
	at := e.Time.UnixMilli()
	switch f := e.Fact.(type) {
	case ledger.MatterOpened:
		return t.exec(`INSERT INTO matter (name, title, question, client, opened) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET title = excluded.title, question = excluded.question, client = excluded.client, closed = 0, reason = ''`,
			f.Matter, f.Title, f.Question, f.Client, at)
	case ledger.MatterItem:
		if f.Decision == "" {
			return t.exec(`DELETE FROM matter_item WHERE matter = ? AND item = ?`, f.Matter, f.Item)
		}
		return t.exec(`INSERT INTO matter_item VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET decision = excluded.decision, reason = excluded.reason,
			by = excluded.by, at = excluded.at, entry = excluded.entry`, f.Matter, f.Item, f.Decision, f.Reason, f.By, at, index)
	case ledger.MatterExhibit:
		ref, err := archive.ParseRef(f.Blob)
		if err != nil {
			return err
		}
		var id int64
		if err := t.scan(`SELECT id FROM blob WHERE ref = ?`, []any{ref[:]}, &id); errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%v: %w", ref, ErrNoBlob)
		} else if err != nil {
			return err
		}
		return t.exec(`INSERT INTO matter_exhibit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name, media = excluded.media,
			note = excluded.note, by = excluded.by, at = excluded.at, entry = excluded.entry`, f.Matter, ref[:], f.Size, f.Name, f.Media, f.Note, f.By, at, index)
	case ledger.MatterNote:
		return t.exec(`INSERT INTO matter_note VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, index, f.Matter, f.Text, f.By, at)
	case ledger.MatterClosed:
		return t.exec(`UPDATE matter SET closed = ?, reason = ? WHERE name = ?`, at, f.Reason, f.Matter)
	case ledger.Correction:
		return t.corrected(at, f)
	}
	return t.attested(index, e)
}

func (t *Tx) corrected(at int64, f ledger.Correction) error {
	ref, err := archive.ParseRef(f.Blob)
	if err != nil {
		return err
	}
	if f.Kind == "" {
		err = t.exec(`DELETE FROM correction WHERE statement = ?`, f.Statement)
	} else {
		err = t.exec(`INSERT INTO correction VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET was = excluded.was, kind = excluded.kind, note = excluded.note,
			by = excluded.by, at = excluded.at`, f.Statement, ref[:], f.Was, f.Kind, f.Note, f.By, at)
	}
	if err != nil {
		return err
	}
	// The index finds it under its kind, and what it left open is worked out anew.
	for _, table := range []string{"stale", "watch_again"} {
		if err := t.exec(`INSERT INTO `+table+` SELECT id FROM blob WHERE ref = ? ON CONFLICT DO NOTHING`, ref[:]); err != nil {
			return err
		}
	}
	return nil
}

// Matters returns all matters, newest first, without their items, exhibits and
// notes.
func (c *Catalog) Matters() ([]Matter, error) {
	rows, err := c.r.Query(`SELECT name, title, question, client, opened, closed, reason FROM matter ORDER BY opened DESC, name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Matter
	for rows.Next() {
		m, err := scanMatter(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, *m)
	}
	return out, rows.Err()
}

func scanMatter(row interface{ Scan(...any) error }) (*Matter, error) {
	var m Matter
	var opened, closed int64
	err := row.Scan(&m.Name, &m.Title, &m.Question, &m.Client, &opened, &closed, &m.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	m.Opened, m.Closed = milli(opened), milli(closed)
	return &m, err
}

// Matter returns the matter of that name, whole, or ErrNotFound. Items and
// exhibits are in the order of their entries.
func (c *Catalog) Matter(name string) (*Matter, error) {
	m, err := scanMatter(c.r.QueryRow(`SELECT name, title, question, client, opened, closed, reason FROM matter WHERE name = ?`, name))
	if err != nil {
		return nil, err
	}
	err = c.each(func(rows *sql.Rows) error {
		var it MatterItem
		var at int64
		err := rows.Scan(&it.ID, &it.Decision, &it.Reason, &it.By, &at)
		it.At = milli(at)
		m.Items = append(m.Items, it)
		return err
	}, `SELECT item, decision, reason, by, at FROM matter_item WHERE matter = ? ORDER BY entry`, name)
	if err != nil {
		return nil, err
	}
	err = c.each(func(rows *sql.Rows) error {
		var x Exhibit
		var ref []byte
		var at int64
		err := rows.Scan(&ref, &x.Size, &x.Name, &x.Media, &x.Note, &x.By, &at, &x.Entry)
		copy(x.Ref[:], ref)
		x.At = milli(at)
		m.Exhibits = append(m.Exhibits, x)
		return err
	}, `SELECT ref, size, name, media, note, by, at, entry FROM matter_exhibit WHERE matter = ? ORDER BY entry`, name)
	if err != nil {
		return nil, err
	}
	err = c.each(func(rows *sql.Rows) error {
		var n MatterNote
		var at int64
		err := rows.Scan(&n.Text, &n.By, &at)
		n.At = milli(at)
		m.Notes = append(m.Notes, n)
		return err
	}, `SELECT text, by, at FROM matter_note WHERE matter = ? ORDER BY entry`, name)
	return m, err
}

func (c *Catalog) each(fn func(*sql.Rows) error, query string, args ...any) error {
	rows, err := c.r.Query(query, args...)
	if err != nil {
		return err
	}
	return each(rows, fn)
}

// each calls fn for each of rows and closes them.
func each(rows *sql.Rows, fn func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Correction is what a person reads a statement as.
type Correction struct {
	Statement string
	Ref       archive.Ref    // of its message
	Was, Kind statement.Kind // as it was read, and as it is to be read
	Note, By  string
	At        time.Time
}

// Corrections returns all corrections in force, by statement.
func (c *Catalog) Corrections() (map[string]Correction, error) {
	var out map[string]Correction
	err := c.each(func(rows *sql.Rows) error {
		var k Correction
		var ref []byte
		var at int64
		if err := rows.Scan(&k.Statement, &ref, &k.Was, &k.Kind, &k.Note, &k.By, &at); err != nil {
			return err
		}
		copy(k.Ref[:], ref)
		k.At = milli(at)
		if out == nil {
			out = map[string]Correction{}
		}
		out[k.Statement] = k
		return nil
	}, `SELECT statement, ref, was, kind, note, by, at FROM correction`)
	return out, err
}
