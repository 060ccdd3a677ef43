package catalog

import (
	"fmt"
	"strings"
	"time"
)

// Object is what a server calls a message wherever it is in an account.
type Object struct {
	UID    uint32
	ID     string   // EMAILID or X-GM-MSGID
	Thread string   // THREADID or X-GM-THRID, "" when there is none
	Labels []string // X-GM-LABELS, as on the wire
}

// SetObjects keeps what the server calls messages of one epoch, in place of what it
// called them before.
func (c *Catalog) SetObjects(mailbox int64, uidValidity uint32, objects []Object) error {
	return c.Update(func(t *Tx) error {
		for _, o := range objects {
			err := t.exec(`INSERT INTO object VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET id = excluded.id, thread = excluded.thread, labels = excluded.labels
				WHERE id <> excluded.id OR thread <> excluded.thread OR labels <> excluded.labels`,
				mailbox, uidValidity, o.UID, o.ID, o.Thread, strings.Join(o.Labels, "\n"))
			if err != nil {
				return fmt.Errorf("naming UID %d: %w", o.UID, err)
			}
		}
		return nil
	})
}

// Named calls fn for the stored messages of a mailbox's account that the server calls,
// or called, by one of ids. Of each it tells size, internal date and ref.
func (c *Catalog) Named(mailbox int64, ids []string, fn func(id string, u UIDState)) error {
	s, err := c.r.Prepare(`SELECT DISTINCT o.size, o.internaldate, b.ref FROM object x JOIN mailbox m ON m.id = x.mailbox
		JOIN occurrence o ON o.mailbox = x.mailbox AND o.uidvalidity = x.uidvalidity AND o.uid = x.uid AND o.version = 0 JOIN blob b ON b.id = o.blob
		WHERE x.id = ? AND m.account = (SELECT account FROM mailbox WHERE id = ?) AND o.state IN ('stored', 'vanished')`)
	if err != nil {
		return err
	}
	defer s.Close()
	one := func(id string) error {
		rows, err := s.Query(id, mailbox)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			u := UIDState{State: Stored}
			var date int64
			var ref []byte
			if err := rows.Scan(&u.Size, &date, &ref); err != nil {
				return err
			}
			u.InternalDate = dateIn(date, 0)
			copy(u.Ref[:], ref)
			fn(id, u)
		}
		return rows.Err()
	}
	for _, id := range ids {
		if err := one(id); err != nil {
			return err
		}
	}
	return nil
}

// ServerThread returns the blobs that the server puts into one thread with a blob, in
// ascending order; none when it knows no threads. It is a claim of the server's.
func (c *Catalog) ServerThread(blob int64) ([]int64, error) {
	rows, err := c.r.Query(`SELECT DISTINCT p.blob FROM occurrence o
			JOIN object x ON x.mailbox = o.mailbox AND x.uidvalidity = o.uidvalidity AND x.uid = o.uid AND x.thread <> ''
			JOIN mailbox m ON m.id = x.mailbox
			JOIN object y ON y.thread = x.thread JOIN mailbox n ON n.id = y.mailbox AND n.account = m.account
			JOIN occurrence p ON p.mailbox = y.mailbox AND p.uidvalidity = y.uidvalidity AND p.uid = y.uid AND p.version = 0 AND p.blob IS NOT NULL
		WHERE o.blob = ? AND o.version = 0 ORDER BY p.blob`, blob)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// SetMailboxID keeps the MAILBOXID of a mailbox, which a rename leaves as it is.
func (c *Catalog) SetMailboxID(mailbox int64, id string) error {
	return c.Update(func(t *Tx) error { return t.exec(`UPDATE mailbox SET objectid = ? WHERE id = ?`, id, mailbox) })
}

// reset records a new UIDVALIDITY. The first one, of a mailbox that had none, is no
// change.
func (t *Tx) reset(mailbox int64, from, to uint32, at time.Time) error {
	ms := at.UnixMilli()
	if from == 0 {
		return t.exec(`UPDATE mailbox SET uidvalidity = ?, clean = 0 WHERE id = ?`, to, mailbox)
	}
	return t.exec(`UPDATE mailbox SET uidvalidity = ?, clean = 0, resets = CASE WHEN ? - reset_at < 172800000 THEN resets + 1 ELSE 1 END, reset_at = ? WHERE id = ?`,
		to, ms, ms, mailbox)
}
