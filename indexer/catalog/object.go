package catalog

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
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
	for _, id := range ids {
		rows, err := s.Query(id, mailbox)
		if err != nil {
			return err
		}
		if err := each(rows, func(rows *sql.Rows) error {
			u, err := scanStored(rows)
			if err == nil {
				fn(id, u)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// scanStored reads size, internal date and ref of a stored message.
func scanStored(rows *sql.Rows) (UIDState, error) {
	u := UIDState{State: Stored}
	var date int64
	var ref []byte
	if err := rows.Scan(&u.Size, &date, &ref); err != nil {
		return u, err
	}
	u.InternalDate = dateIn(date, 0)
	copy(u.Ref[:], ref)
	return u, nil
}

// ServerThread returns the blobs that the server puts into one thread with any of
// blobs, in ascending order; none when it knows no threads. It is a claim of the
// server's.
func (c *Catalog) ServerThread(blobs ...int64) ([]int64, error) {
	var out []int64
	if len(blobs) == 0 {
		return nil, nil
	}
	err := c.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	}, `SELECT DISTINCT p.blob FROM occurrence o
			JOIN object x ON x.mailbox = o.mailbox AND x.uidvalidity = o.uidvalidity AND x.uid = o.uid AND x.thread <> ''
			JOIN mailbox m ON m.id = x.mailbox
			JOIN object y ON y.thread = x.thread AND y.thread <> '' JOIN mailbox n ON n.id = y.mailbox AND n.account = m.account
			JOIN occurrence p ON p.mailbox = y.mailbox AND p.uidvalidity = y.uidvalidity AND p.uid = y.uid AND p.version = 0 AND p.blob IS NOT NULL
		WHERE o.blob IN (?`+strings.Repeat(", ?", len(blobs)-1)+`) AND o.version = 0 ORDER BY p.blob`, anys(blobs)...)
	return out, err
}

// threadsOf calls fn for each thread that a server puts one of blobs into.
func (c *Catalog) threadsOf(blobs []int64, fn func(blob int64, thread string)) error {
	if len(blobs) == 0 {
		return nil
	}
	return c.each(func(rows *sql.Rows) error {
		var blob, account int64
		var thread string
		err := rows.Scan(&blob, &account, &thread)
		if err == nil {
			fn(blob, strconv.FormatInt(account, 10)+" "+thread)
		}
		return err
	}, `SELECT DISTINCT o.blob, m.account, x.thread FROM occurrence o
			JOIN object x ON x.mailbox = o.mailbox AND x.uidvalidity = o.uidvalidity AND x.uid = o.uid AND x.thread <> ''
			JOIN mailbox m ON m.id = x.mailbox
		WHERE o.blob IN (?`+strings.Repeat(", ?", len(blobs)-1)+`) AND o.version = 0 ORDER BY o.blob, m.account, x.thread`, anys(blobs)...)
}

// Earlier calls fn for what a mailbox may hold under new numbers: the messages that
// its closed epochs hold, and those of the account's mailboxes that the server does
// not list any more, or of all with everywhere, but for what was gone from the server
// before. Of each it tells size, internal date and ref.
func (c *Catalog) Earlier(mailbox int64, uidValidity uint32, everywhere bool, fn func(UIDState)) error {
	return c.each(func(rows *sql.Rows) error {
		u, err := scanStored(rows)
		if err == nil {
			fn(u)
		}
		return err
	}, `SELECT o.size, o.internaldate, b.ref FROM occurrence o JOIN blob b ON b.id = o.blob
			WHERE o.mailbox = ?1 AND o.uidvalidity <> ?2 AND o.state = 'stored' AND o.gone = 0
		UNION ALL SELECT o.size, o.internaldate, b.ref FROM mailbox n JOIN mailbox m ON m.account = n.account AND (m.listed = 0 OR ?3) AND m.id <> n.id
			JOIN occurrence o ON o.mailbox = m.id JOIN blob b ON b.id = o.blob WHERE n.id = ?1 AND o.state = 'stored' AND o.gone = 0`, mailbox, uidValidity, everywhere)
}

// RenamedFrom returns the mailbox whose name the server no longer lists and that has
// the MAILBOXID of a mailbox or whose messages, 95 of 100 at least, it shows under the
// same UIDVALIDITY and UIDs; 0 when there is none. Courier takes another UIDVALIDITY with
// the name: then all messages, three at least, are under the same UIDs.
func (c *Catalog) RenamedFrom(mailbox int64, uidValidity uint32) (old int64, messages int, err error) {
	err = c.r.QueryRow(`SELECT m.id, count(o.uid) AS had FROM mailbox n
			JOIN mailbox m ON m.account = n.account AND m.id <> n.id AND m.listed = 0
			JOIN occurrence o ON o.mailbox = m.id AND o.uidvalidity = m.uidvalidity AND o.version = 0 AND o.state = 'stored' AND o.gone = 0
			LEFT JOIN occurrence p ON p.mailbox = n.id AND p.uidvalidity = ?2 AND p.uid = o.uid AND p.version = 0 AND p.blob = o.blob
		WHERE n.id = ?1 GROUP BY m.id HAVING m.objectid <> '' AND m.objectid = n.objectid
			OR m.uidvalidity = ?2 AND count(p.uid) * 100 >= had * 95 OR had >= 3 AND count(p.uid) = had
		ORDER BY m.objectid <> '' AND m.objectid = n.objectid DESC, m.uidvalidity = ?2 DESC, had DESC LIMIT 1`, mailbox, uidValidity).
		Scan(&old, &messages)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return old, messages, err
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
