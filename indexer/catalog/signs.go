package catalog

import (
	"database/sql"
	"time"

	"inwriting/indexer/archive"
)

// Sighting is one place a message was or is in, with what tells whether it still is.
type Sighting struct {
	Account, Folder string
	Import          bool
	UID             uint32
	InternalDate    time.Time // zero when unknown
	Gone            time.Time // missed since; zero while there
	OldNumbers      bool      // of an earlier UIDVALIDITY
	Replaced        bool      // the server shows another message under this number now
	// Newer is the date of a message with a lower number in the same folder that was
	// received more than a day later; zero without.
	Newer time.Time
}

// orderLook is how many lower numbers are looked at: enough to see a message that
// stands among newer ones, and no more than a look costs.
const orderLook = 200

// Sightings returns where a blob was found, in order of folder and number.
func (c *Catalog) Sightings(blob int64) (out []Sighting, err error) {
	err = c.each(func(rows *sql.Rows) error {
		var s Sighting
		var date, gone int64
		var zone int
		var source string
		var version int
		var newer int64
		err := rows.Scan(&s.Account, &source, &s.Folder, &s.UID, &date, &zone, &gone, &s.OldNumbers, &version, &newer)
		s.Import, s.Replaced = source == "import", version > 0
		s.InternalDate, s.Gone = dateIn(date, zone), milli(gone)
		if newer > 0 {
			s.Newer = time.Unix(newer, 0).UTC()
		}
		out = append(out, s)
		return err
	}, `SELECT a.address, a.source, m.display, o.uid, o.internaldate, o.zone, o.gone, o.uidvalidity <> m.uidvalidity, o.version,
			CASE WHEN a.source = 'import' OR o.internaldate = 0 THEN 0 ELSE coalesce((SELECT max(q.internaldate) FROM (
				SELECT p.internaldate FROM occurrence p WHERE p.mailbox = o.mailbox AND p.uidvalidity = o.uidvalidity AND p.uid < o.uid AND p.version = 0
				ORDER BY p.uid DESC LIMIT ?) q WHERE q.internaldate > o.internaldate + 86400), 0) END
		FROM occurrence o JOIN mailbox m ON m.id = o.mailbox JOIN account a ON a.id = m.account
		WHERE o.blob = ? ORDER BY a.address, m.display, o.uidvalidity, o.uid, o.version`, orderLook, blob)
	return out, err
}

// SameMessageID returns the other messages that carry a blob's Message-ID.
func (c *Catalog) SameMessageID(blob int64) ([]archive.Ref, error) {
	return c.refs(`SELECT DISTINCT b.ref FROM mention a JOIN mention o ON o.mid = a.mid AND o.own = 1 JOIN blob b ON b.id = o.blob
		WHERE a.blob = ? AND a.own = 1 AND o.blob <> a.blob ORDER BY b.id LIMIT 20`, blob)
}

// UnderSameNumber returns the other messages that the server showed under a number of
// a blob.
func (c *Catalog) UnderSameNumber(blob int64) ([]archive.Ref, error) {
	return c.refs(`SELECT DISTINCT b.ref FROM occurrence a JOIN occurrence o ON o.mailbox = a.mailbox AND o.uidvalidity = a.uidvalidity AND o.uid = a.uid JOIN blob b ON b.id = o.blob
		WHERE a.blob = ? AND o.blob <> a.blob ORDER BY b.id LIMIT 20`, blob)
}
