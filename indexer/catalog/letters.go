package catalog

import (
	"database/sql"
	"fmt"
	"time"

	"inwriting/indexer/message"
)

// Letter is who wrote a message to whom.
type Letter struct {
	Blob         int64
	Date         time.Time
	From, To, Cc []message.Address
	Auto         bool // sent by a program
	Sent         bool // lies in one of the mailboxes that Letters was given
}

// Letters calls fn for every message that was read, in order of arrival. sent are
// the mailboxes in which lies what was sent.
func (c *Catalog) Letters(sent []int64, fn func(Letter) error) error {
	mine := map[int64]bool{}
	for _, m := range sent {
		err := c.each(func(rows *sql.Rows) error {
			var b int64
			err := rows.Scan(&b)
			mine[b] = true
			return err
		}, `SELECT DISTINCT blob FROM occurrence WHERE mailbox = ? AND blob IS NOT NULL`, m)
		if err != nil {
			return err
		}
	}
	for id := int64(0); ; {
		page, err := c.lettersAfter(id, 2000)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, l := range page {
			id = l.Blob
			l.Sent = mine[id]
			if err := fn(l); err != nil {
				return err
			}
		}
	}
}

func (c *Catalog) lettersAfter(id int64, limit int) ([]Letter, error) {
	var out []Letter
	err := c.each(func(rows *sql.Rows) error {
		var l Letter
		var date int64
		var packed []byte
		if err := rows.Scan(&l.Blob, &date, &packed); err != nil {
			return err
		}
		d, _, err := decodeDoc(packed)
		if err != nil {
			return fmt.Errorf("reading message %d of the catalog: %w", l.Blob, err)
		}
		l.Date, l.From, l.To, l.Cc, l.Auto = time.Unix(date, 0).UTC(), d.From, d.To, d.Cc, d.Auto
		out = append(out, l)
		return nil
	}, `SELECT blob, date, doc FROM message WHERE blob > ? ORDER BY blob LIMIT ?`, id, limit)
	return out, err
}
