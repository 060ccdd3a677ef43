package catalog

import (
	"database/sql"
	"time"
)

// Counts is what one mailbox holds.
type Counts struct {
	Stored, Indexed, Listed, Quarantined int
	Gone                                 int       // kept, and no longer on the server
	Erased                               int       // and not to be fetched again
	LeftOut                              int       // older than wanted
	NotChosen                            int       // with nobody whose mail is wanted
	From, To                             time.Time // by the server's date, else the author's
}

type countKey struct {
	mailbox     int64
	uidValidity uint32
}

// counted are counts and how many transactions there had been at least.
type counted struct {
	changes uint64
	indexed int64
	Counts
}

// Changes counts the transactions so far, those that failed among them: as long as it
// stays the same, so do all answers.
func (c *Catalog) Changes() uint64 { return c.changes.Load() }

// Count counts one mailbox's current epoch. indexed is the index's cursor. It walks
// all messages of the mailbox; until something changes the same is answered again.
func (c *Catalog) Count(mailbox int64, uidValidity uint32, indexed int64) (Counts, error) {
	key, changes := countKey{mailbox, uidValidity}, c.changes.Load()
	if kept, ok := c.counts.Load(key); ok {
		if k := kept.(counted); k.changes == changes && k.indexed == indexed {
			return k.Counts, nil
		}
	}
	n, err := c.count(mailbox, uidValidity, indexed)
	if err == nil {
		c.counts.Store(key, counted{changes, indexed, n})
	}
	return n, err
}

func (c *Catalog) count(mailbox int64, uidValidity uint32, indexed int64) (Counts, error) {
	var n Counts
	var from, to sql.NullInt64
	err := c.r.QueryRow(`SELECT count(CASE WHEN o.state = 'stored' AND o.gone = 0 THEN 1 END),
			count(CASE WHEN o.state = 'stored' AND o.gone = 0 AND o.blob <= ? THEN 1 END),
			count(CASE WHEN o.gone <> 0 AND o.blob IS NOT NULL THEN 1 END),
			count(CASE WHEN o.state = 'listed' THEN 1 END), count(CASE WHEN o.state = 'quarantined' THEN 1 END), count(CASE WHEN o.state = 'erased' THEN 1 END),
			count(CASE WHEN o.state = 'left out' AND o.gone = 0 THEN 1 END), count(CASE WHEN o.state = 'not chosen' AND o.gone = 0 THEN 1 END),
			min(CASE WHEN o.state = 'stored' THEN coalesce(nullif(o.internaldate, 0), m.date) END), max(CASE WHEN o.state = 'stored' THEN coalesce(nullif(o.internaldate, 0), m.date) END)
		FROM occurrence o LEFT JOIN message m ON m.blob = o.blob WHERE o.mailbox = ? AND o.uidvalidity = ? AND o.version = 0`, indexed, mailbox, uidValidity).
		Scan(&n.Stored, &n.Indexed, &n.Gone, &n.Listed, &n.Quarantined, &n.Erased, &n.LeftOut, &n.NotChosen, &from, &to)
	if from.Valid {
		n.From, n.To = time.Unix(from.Int64, 0).UTC(), time.Unix(to.Int64, 0).UTC()
	}
	return n, err
}

// Totals returns how many messages and statements are kept.
func (c *Catalog) Totals() (messages, statements int, err error) {
	err = c.r.QueryRow(`SELECT (SELECT count(*) FROM blob WHERE entry >= 0), (SELECT count(*) FROM statement)`).Scan(&messages, &statements)
	return
}
