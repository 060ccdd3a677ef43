package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
)

// attested records what was found of signatures, what is held and what was erased;
// the other entries say nothing that the catalog keeps.
func (t *Tx) attested(index int64, e ledger.Entry) error {
	switch f := e.Fact.(type) {
	case ledger.DNSKey:
		records, err := json.Marshal(f.Records)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO dns_key VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, index, f.Name, string(records))
	case ledger.AuthResult:
		ref, err := archive.ParseRef(f.Blob)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO auth SELECT id, ? FROM blob WHERE ref = ? ON CONFLICT DO UPDATE SET entry = excluded.entry`, index, ref[:])
	case ledger.Hold:
		if f.Released {
			return t.exec(`DELETE FROM hold WHERE scope = ?`, f.Scope)
		}
		return t.exec(`INSERT INTO hold VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason, by = excluded.by, at = excluded.at`,
			f.Scope, f.Reason, f.By, e.Time.UnixMilli())
	case ledger.Config:
		return t.SetMeta("config "+f.Setting, f.New)
	case ledger.Erase:
		return t.erased(f)
	case ledger.Converted:
		return t.converted(f)
	}
	return nil
}

// Auth returns the ledger index of the newest auth.result of a blob, or ErrNotFound.
func (c *Catalog) Auth(blob int64) (entry int64, err error) {
	err = c.r.QueryRow(`SELECT entry FROM auth WHERE blob = ?`, blob).Scan(&entry)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return entry, err
}

// DNSKey returns the newest kept records of a key and their ledger index, or
// ErrNotFound.
func (c *Catalog) DNSKey(name string) (records []string, entry int64, err error) {
	var text string
	err = c.r.QueryRow(`SELECT entry, records FROM dns_key WHERE name = ? ORDER BY entry DESC LIMIT 1`, name).Scan(&entry, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &records)
	}
	return records, entry, err
}

// Hold is what must not be erased.
type Hold struct {
	Scope, Reason, By string
	At                time.Time
}

// OnHold returns the holds in force, by scope.
func (c *Catalog) OnHold() (out []Hold, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var h Hold
		var at int64
		err := rows.Scan(&h.Scope, &h.Reason, &h.By, &at)
		h.At = milli(at)
		out = append(out, h)
		return err
	}, `SELECT scope, reason, by, at FROM hold ORDER BY scope`)
	return out, err
}

// StatementsOf returns the ids of all statements of a message that the catalog or
// a decision knows.
func (c *Catalog) StatementsOf(ref archive.Ref) (out []string, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	}, `SELECT s.id FROM statement s JOIN blob b ON b.id = s.blob WHERE b.ref = ?1 UNION SELECT statement FROM correction WHERE ref = ?1`, ref[:])
	return out, err
}

// Holders returns the names of open matters that hold a message: that have it, or one
// of its statements, pinned, or have it as an exhibit.
func (c *Catalog) Holders(ref archive.Ref) (out []string, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		out = append(out, name)
		return err
	}, `SELECT m.name FROM matter m WHERE m.closed = 0 AND (
			EXISTS (SELECT 1 FROM matter_exhibit x WHERE x.matter = m.name AND x.ref = ?1)
			OR EXISTS (SELECT 1 FROM matter_item i WHERE i.matter = m.name AND i.decision = 'pinned'
				AND (i.item = ?2 OR i.item IN (SELECT s.id FROM statement s JOIN blob b ON b.id = s.blob WHERE b.ref = ?1))))
		ORDER BY m.name`, ref[:], ref.String())
	return out, err
}

// InFrame returns the blobs that lie in a frame of the archive, in order.
func (c *Catalog) InFrame(segment int, offset int64) ([]Blob, error) {
	return c.blobs(`WHERE segment = ? AND frame_offset = ? ORDER BY entry_offset`, segment, offset)
}

// Move records new places of blobs that the archive made durable up to end.
func (c *Catalog) Move(end archive.End, blobs []archive.Entry) error {
	return c.Update(func(t *Tx) error {
		for _, b := range blobs {
			if err := t.exec(`UPDATE blob SET segment = ?, frame_offset = ?, frame_length = ?, entry_offset = ? WHERE ref = ?`,
				b.Place.Segment, b.Place.FrameOffset, b.Place.FrameLength, b.Place.EntryOffset, b.Ref[:]); err != nil {
				return fmt.Errorf("moving %v: %w", b.Ref, err)
			}
		}
		return t.SetMeta("archive_end", fmt.Sprintf("%d %d", end.Segment, end.Offset))
	})
}

// erased marks places whose message was erased: the server may list them, and they are
// not fetched again.
func (t *Tx) erased(f ledger.Erase) error {
	for _, place := range f.Places {
		var mailbox int64
		var validity, uid uint32
		if _, err := fmt.Sscanf(place, "%d/%d/%d", &mailbox, &validity, &uid); err != nil {
			return fmt.Errorf("place %q: %w", place, err)
		}
		err := t.exec(`INSERT INTO occurrence (mailbox, uidvalidity, uid, state, size, internaldate, zone, flags) VALUES (?, ?, ?, 'erased', 0, 0, 0, '')
			ON CONFLICT DO UPDATE SET state = 'erased', blob = NULL, size = 0, internaldate = 0, zone = 0, flags = '', path = '', error = ''`, mailbox, validity, uid)
		if err != nil {
			return err
		}
	}
	return nil
}

// Erase forgets blobs and all that was read of them or decided about them, the
// statements named among it. Compact takes what is left of them out of the file.
func (c *Catalog) Erase(refs []archive.Ref, statements []string) error {
	return c.Update(func(t *Tx) error {
		for _, ref := range refs {
			if err := t.forget(ref); err != nil {
				return fmt.Errorf("forgetting a message: %w", err)
			}
		}
		for _, id := range statements {
			if err := t.exec(`DELETE FROM matter_item WHERE item = ?`, id); err != nil {
				return fmt.Errorf("forgetting a message: %w", err)
			}
		}
		return nil
	})
}

// Compact writes the file anew, so that nothing that was deleted is left in free
// pages or in the journal.
func (c *Catalog) Compact() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := c.wc.ExecContext(context.Background(), text); err != nil {
			return fmt.Errorf("catalog: writing it anew: %w", err)
		}
	}
	return nil
}

func (t *Tx) forget(ref archive.Ref) error {
	if err := t.exec(`DELETE FROM matter_item WHERE item = ?`, ref.String()); err != nil {
		return err
	}
	for _, table := range []string{"correction", "matter_exhibit"} {
		if err := t.exec(`DELETE FROM `+table+` WHERE ref = ?`, ref[:]); err != nil {
			return err
		}
	}
	if err := t.exec(`DELETE FROM object WHERE EXISTS (SELECT 1 FROM occurrence o JOIN blob b ON b.id = o.blob
		WHERE b.ref = ? AND o.mailbox = object.mailbox AND o.uidvalidity = object.uidvalidity AND o.uid = object.uid)`, ref[:]); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM occurrence WHERE version > 0 AND blob = (SELECT id FROM blob WHERE ref = ?)`, ref[:]); err != nil {
		return err
	}
	if err := t.exec(`UPDATE occurrence SET state = 'erased', blob = NULL, size = 0, internaldate = 0, zone = 0, flags = '', path = ''
		WHERE blob = (SELECT id FROM blob WHERE ref = ?)`, ref[:]); err != nil {
		return err
	}
	if err := t.unsettleAround(ref[:]); err != nil {
		return err
	}
	for _, table := range []string{"message", "mention", "participant", "statement", "closing", "postponed", "unsettled", "stale", "open_item", "watch_again", "auth"} {
		if err := t.exec(`DELETE FROM `+table+` WHERE blob = (SELECT id FROM blob WHERE ref = ?)`, ref[:]); err != nil {
			return err
		}
	}
	if err := t.forgetConverted(ref); err != nil {
		return err
	}
	return t.exec(`DELETE FROM blob WHERE ref = ?`, ref[:])
}

// Unattested returns up to limit messages with an id above id of whose signatures
// nothing is recorded, in order of arrival.
func (c *Catalog) Unattested(id int64, limit int) ([]Blob, error) {
	return c.blobs(`WHERE id > ? AND entry >= 0 AND id NOT IN (SELECT blob FROM auth) ORDER BY id LIMIT ?`, id, limit)
}

// PlaceKeys returns the places of a blob as ledger.Erase names them, and for each
// whether the server still lists it.
func (c *Catalog) PlaceKeys(blob int64) (keys []string, listed []bool, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var mailbox int64
		var validity, uid uint32
		var here bool
		err := rows.Scan(&mailbox, &validity, &uid, &here)
		keys = append(keys, fmt.Sprintf("%d/%d/%d", mailbox, validity, uid))
		listed = append(listed, here)
		return err
	}, `SELECT o.mailbox, o.uidvalidity, o.uid, o.gone = 0 AND o.uidvalidity = m.uidvalidity AND a.source <> 'import'
		FROM occurrence o JOIN mailbox m ON m.id = o.mailbox JOIN account a ON a.id = m.account
		WHERE o.blob = ? AND o.version = 0 ORDER BY o.mailbox, o.uidvalidity, o.uid`, blob)
	return keys, listed, err
}

// CountUnattested counts all messages of whose signatures nothing is recorded.
func (c *Catalog) CountUnattested() (n int, err error) {
	err = c.r.QueryRow(`SELECT count(*) FROM blob WHERE entry >= 0 AND id NOT IN (SELECT blob FROM auth)`).Scan(&n)
	return n, err
}

// BlobsByPlace calls fn for every blob in order of its place in the archive, which is
// that of arrival until something was erased.
func (c *Catalog) BlobsByPlace(fn func(Blob) error) error {
	return c.each(func(rows *sql.Rows) error {
		b, err := scanBlob(rows)
		if err != nil {
			return err
		}
		return fn(b)
	}, `SELECT `+blobColumns+` FROM blob ORDER BY segment, frame_offset, entry_offset`)
}

// Setting returns a setting as the ledger recorded it last, "" when it never did.
func (c *Catalog) Setting(name string) (string, error) { return c.Meta("config " + name) }
