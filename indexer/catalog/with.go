package catalog

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
)

// dated is a message and its date, Unix seconds.
type dated struct {
	date, blob int64
	ref        archive.Ref
}

var errEnough = errors.New("enough rows")

// With returns up to limit messages that any of addresses takes part in, with a
// date in [from, to), oldest first. A zero time is an open end.
func (c *Catalog) With(addresses []string, from, to time.Time, limit int) ([]archive.Ref, error) {
	begin, end := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		begin = from.Unix()
	}
	if !to.IsZero() {
		end = to.Unix() - 1
	}
	if limit <= 0 {
		return nil, nil
	}
	// One address after the other, each in the order of its index: SQLite would sort
	// all mail of all of them.
	var found []dated
	seen := map[dated]bool{}
	lowered := make([]string, len(addresses))
	for i, a := range addresses {
		lowered[i] = strings.ToLower(a)
	}
	slices.Sort(lowered)
	for _, address := range slices.Compact(lowered) {
		n, last := 0, int64(0)
		err := c.each(func(rows *sql.Rows) error {
			var d dated
			if err := rows.Scan(&d.date, &d.blob); err != nil {
				return err
			}
			if n++; n > limit && d.date > last {
				return errEnough
			}
			if last = d.date; !seen[d] {
				seen[d] = true
				found = append(found, d)
			}
			return nil
		}, `SELECT date, blob FROM participant WHERE address = ? AND date BETWEEN ? AND ? ORDER BY date, blob`, address, begin, end)
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		if len(found) > limit { // later ones do not matter any more
			slices.SortFunc(found, func(a, b dated) int { return cmp.Compare(a.date, b.date) })
			end = found[limit-1].date
			past := slices.IndexFunc(found, func(d dated) bool { return d.date > end })
			if past > 0 {
				found = found[:past]
			}
		}
	}
	if err := c.refsOf(found); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b dated) int {
		return cmp.Or(cmp.Compare(a.date, b.date), bytes.Compare(a.ref[:], b.ref[:]))
	})
	out := make([]archive.Ref, min(len(found), limit))
	for i := range out {
		out[i] = found[i].ref
	}
	return out, nil
}

// refsOf fills in the refs.
func (c *Catalog) refsOf(list []dated) error {
	at := map[int64]archive.Ref{}
	for page := range slices.Chunk(list, inPage) {
		ids := make([]int64, len(page))
		for i, d := range page {
			ids[i] = d.blob
		}
		err := c.eachIn(`SELECT id, ref FROM blob WHERE id IN `+in, anys(ids), func(rows *sql.Rows) error {
			var id int64
			var b []byte
			err := rows.Scan(&id, &b)
			var r archive.Ref
			copy(r[:], b)
			at[id] = r
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range list {
		list[i].ref = at[list[i].blob]
	}
	return nil
}
