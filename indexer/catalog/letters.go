package catalog

import (
	"encoding/json"
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
		rows, err := c.r.Query(`SELECT DISTINCT blob FROM occurrence WHERE mailbox = ? AND blob IS NOT NULL`, m)
		if err != nil {
			return err
		}
		for rows.Next() {
			var b int64
			if err := rows.Scan(&b); err != nil {
				rows.Close()
				return err
			}
			mine[b] = true
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
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
	rows, err := c.r.Query(`SELECT blob, date, doc FROM message WHERE blob > ? ORDER BY blob LIMIT ?`, id, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Letter
	for rows.Next() {
		var l Letter
		var date int64
		var packed []byte
		if err := rows.Scan(&l.Blob, &date, &packed); err != nil {
			return nil, err
		}
		raw, err := decoder.DecodeAll(packed, nil)
		if err != nil {
			return nil, fmt.Errorf("reading message %d of the catalog: %w", l.Blob, err)
		}
		var d struct {
			From []message.Address `json:"from"`
			To   []message.Address `json:"to"`
			Cc   []message.Address `json:"cc"`
			Auto bool              `json:"auto"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("reading message %d of the catalog: %w", l.Blob, err)
		}
		l.Date, l.From, l.To, l.Cc, l.Auto = time.Unix(date, 0).UTC(), d.From, d.To, d.Cc, d.Auto
		out = append(out, l)
	}
	return out, rows.Err()
}
