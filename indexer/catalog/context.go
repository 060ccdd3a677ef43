package catalog

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"inwriting/indexer/message"
)

// A message is read in the light of others: the mails that it cites, and how other mail of
// its author ends. Which of them had arrived must not show. So each reading says what
// it went by, and whenever a transaction that keeps readings finds that more is there
// now, for the new ones or for old ones, it notes those messages as unsettled. They
// are read again; when nothing is unsettled, every reading is what it would be had
// all the others been there first.

// Context is what a reading went by.
type Context struct {
	Cited   []string        // Message-IDs, the nearest first
	Direct  int             // so many of them are of what the message answers
	Kept    map[int64]bool  // blobs with these ids that were known
	Author  string          // whose ClosingLines these are; "" for none
	Lines   []uint64        // message.ClosingLines
	Closing map[uint64]bool // of Lines, those taken for a signature
	History bool            // the message repeats other mail

	// Postponed: mail that it cites was not there and may be read next, so what it
	// repeats was not taken for second-hand. Unsettled comes back to it.
	Postponed bool
}

// SecondHand is what a message repeats of another mail that is not kept: another
// author's words, on the word of whoever passed them on.
type SecondHand struct {
	From       message.Address
	Date       time.Time // as the quotation has it; zero when it does not
	DateRaw    string    // as written
	Forwarded  bool
	Hashes     []uint64 // thread.Shingles of its words
	Statements []Statement
}

// maxCopies bounds the messages of one Message-ID that are looked at.
const maxCopies = 4

// MinClosing is in how many mails of one author a line ends the author's words before
// it counts as part of a signature.
const MinClosing = 3

// Kept is a message that another one cites.
type Kept struct {
	Blob        Blob
	MessageID   string
	New, Quoted []uint64
}

// Hashes are the sentences and lines of all of kept.
func Hashes(kept []Kept) map[uint64]bool {
	all := map[uint64]bool{}
	for _, k := range kept {
		for _, list := range [][]uint64{k.New, k.Quoted} {
			for _, h := range list {
				all[h] = true
			}
		}
	}
	return all
}

const keptQuery = `SELECT b.id FROM mention m JOIN blob b ON b.id = m.blob JOIN message x ON x.blob = b.id WHERE m.mid = ? AND m.own = 1 AND b.id <> ? ORDER BY b.ref LIMIT ?`

// Kept returns the messages with one of these Message-IDs that have been read, but
// for one blob.
func (c *Catalog) Kept(mids []string, besides int64) ([]Kept, error) {
	var out []Kept
	seen := map[int64]bool{}
	for _, mid := range mids {
		rows, err := c.r.Query(keptQuery, mid, besides, maxCopies)
		if err != nil {
			return nil, err
		}
		ids, err := numbers(rows)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			k, err := c.kept(id)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	return out, nil
}

func numbers(rows *sql.Rows) (out []int64, err error) {
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func (c *Catalog) kept(id int64) (k Kept, err error) {
	if k.Blob, err = c.BlobByID(id); err != nil {
		return k, err
	}
	read, err := c.readings([]int64{id})
	if err == nil && read[id] == nil {
		err = ErrNotFound
	}
	if err != nil {
		return k, err
	}
	d := read[id].doc
	k.MessageID, k.New, k.Quoted = d.MessageID, d.New, d.Quoted
	return k, nil
}

// Closes returns which of lines end the own words in enough other mail of address.
func (c *Catalog) Closes(address string, lines []uint64, besides int64) (map[uint64]bool, error) {
	var known map[uint64]bool
	for _, h := range lines {
		var n int
		if err := c.r.QueryRow(`SELECT count(*) FROM (SELECT 1 FROM closing WHERE address = ? AND line = ? AND blob <> ? LIMIT ?)`, address, int64(h), besides, MinClosing-1).Scan(&n); err != nil {
			return nil, err
		}
		if n < MinClosing-1 {
			continue
		}
		if known == nil {
			known = map[uint64]bool{}
		}
		known[h] = true
	}
	return known, nil
}

// settle compares what a reading went by with what is there now, and notes what has to be
// read again. first says that the message was not read before.
func (t *Tx) settle(r *Read, first bool) error {
	if err := t.settleClosing(r); err != nil {
		return err
	}
	if err := t.settleCited(r); err != nil {
		return err
	}
	if !first || r.Doc.MessageID == "" {
		return nil
	}
	return t.settleCiting(r)
}

func (t *Tx) unsettled(blob int64) error {
	return t.exec(`INSERT INTO unsettled VALUES (?) ON CONFLICT DO NOTHING`, blob)
}

// settleClosing counts the lines that end the message: when one becomes part of a
// signature, all mail that it ends is read again.
func (t *Tx) settleClosing(r *Read) error {
	x := &r.Context
	for _, h := range x.Lines {
		line := int64(h)
		fresh, err := t.change(`INSERT INTO closing VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, x.Author, line, r.Blob)
		if err != nil {
			return err
		}
		var n int64
		if err := t.scan(`SELECT count(*) FROM (SELECT 1 FROM closing WHERE address = ? AND line = ? LIMIT ?)`, []any{x.Author, line, MinClosing + 1}, &n); err != nil {
			return err
		}
		if n >= MinClosing && !x.Closing[h] {
			err = t.unsettled(r.Blob)
		}
		if err == nil && n == MinClosing && fresh > 0 {
			err = t.exec(`INSERT INTO unsettled SELECT blob FROM closing WHERE address = ? AND line = ? AND blob <> ? ON CONFLICT DO NOTHING`, x.Author, line, r.Blob)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settleCited looks for cited mail that was kept since the message was read.
func (t *Tx) settleCited(r *Read) error {
	x := &r.Context
	if !x.History {
		return nil
	}
	for i, mid := range x.Cited {
		ids, err := t.numbers(keptQuery, mid, r.Blob, maxCopies)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if x.Kept[id] {
				continue
			}
			other, err := t.history(id)
			if err != nil {
				return err
			}
			if r.Doc.dependsOn(other, i < x.Direct) {
				if err := t.unsettled(r.Blob); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// settleCiting looks for mail that cites the message and was read before it.
func (t *Tx) settleCiting(r *Read) error {
	ids, err := t.numbers(`SELECT m.blob FROM mention m JOIN message x ON x.blob = m.blob WHERE m.mid = ? AND m.own = 0 AND m.blob <> ? LIMIT ?`, r.Doc.MessageID, r.Blob, maxChildren)
	if err != nil {
		return err
	}
	for _, id := range ids {
		child, err := t.history(id)
		if err != nil {
			return err
		}
		if len(child.Quoted) == 0 && !child.Open && len(child.Second) == 0 {
			continue
		}
		if child.dependsOn(&r.Doc, slices.Contains(Answered(child.InReplyTo, child.References), r.Doc.MessageID)) {
			if err := t.unsettled(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxChildren bounds the messages that are looked at again when one that they cite
// comes: a constant id of a broken program is cited by everything.
const maxChildren = 5000

// Answered returns the Message-IDs of what a message answers.
func Answered(inReplyTo, references []string) []string {
	if len(inReplyTo) > 0 {
		return inReplyTo[:min(len(inReplyTo), 2)]
	}
	return references[max(0, len(references)-1):]
}

// maxCited bounds the cited messages that are looked up: the nearest.
const maxCited = 12

// Cited returns the Message-IDs that a message cites, the nearest first; the first
// direct of them are of what it answers.
func Cited(inReplyTo, references []string) (mids []string, direct int) {
	mids = slices.Clone(Answered(inReplyTo, references))
	direct = len(mids)
	for _, mid := range slices.Backward(references) {
		if len(mids) >= maxCited {
			break
		}
		if !slices.Contains(mids, mid) {
			mids = append(mids, mid)
		}
	}
	return mids, direct
}

// Told tells whether all that a message quotes stands in the mail that it answers:
// then nothing was typed between, and nothing is second-hand.
func Told(open bool, quoted []uint64, answered []Kept) bool {
	return len(answered) > 0 && !open && !Untold(quoted, Hashes(answered))
}

// dependsOn tells whether reading d with other at hand could be another reading.
func (d *Doc) dependsOn(other *Doc, answers bool) bool {
	has := Hashes([]Kept{{New: other.New, Quoted: other.Quoted}})
	if answers && (d.Open || len(d.Second) > 0 || Untold(d.Quoted, has)) {
		return true
	}
	for _, s := range d.Second {
		if len(s.Hashes) == 0 {
			return true
		}
		for _, h := range s.Hashes {
			if has[h] {
				return true
			}
		}
	}
	return false
}

// Untold tells whether one of the quoted sentences and lines is not in has.
func Untold(quoted []uint64, has map[uint64]bool) bool {
	for _, h := range quoted {
		if !has[h] {
			return true
		}
	}
	return false
}

func (t *Tx) numbers(query string, args ...any) ([]int64, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return nil, err
	}
	return numbers(rows)
}

func (t *Tx) history(id int64) (*Doc, error) {
	var packed []byte
	if err := t.scan(`SELECT doc FROM message WHERE blob = ?`, []any{id}, &packed); err != nil {
		return nil, err
	}
	d, _, err := decodeDoc(packed)
	if err != nil {
		return nil, fmt.Errorf("catalog: reading of blob %d: %w", id, err)
	}
	return d, nil
}

// untold lists the postponed messages that have to be read again, and the last of
// those that were looked at.
func (c *Catalog) untold() (again []int64, last int64, err error) {
	rows, err := c.r.Query(`SELECT blob FROM postponed ORDER BY blob`)
	if err != nil {
		return nil, 0, err
	}
	ids, err := numbers(rows)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		last = id
		read, err := c.readings([]int64{id})
		if err != nil {
			return nil, 0, err
		}
		if read[id] == nil {
			continue
		}
		d := read[id].doc
		answered, err := c.Kept(Answered(d.InReplyTo, d.References), id)
		if err != nil {
			return nil, 0, err
		}
		if !Told(d.Open, d.Quoted, answered) {
			again = append(again, id)
		}
	}
	return again, last, nil
}

// Unsettled moves what is unsettled among what Stale returns: it is read again.
func (c *Catalog) Unsettled() (n int64, err error) {
	again, last, err := c.untold()
	if err != nil {
		return 0, err
	}
	if last > 0 {
		err := c.Update(func(t *Tx) error {
			for _, id := range again {
				if err := t.unsettled(id); err != nil {
					return err
				}
			}
			return t.exec(`DELETE FROM postponed WHERE blob <= ?`, last)
		})
		if err != nil {
			return 0, err
		}
	}
	var some int
	if err := c.r.QueryRow(`SELECT EXISTS (SELECT 1 FROM unsettled)`).Scan(&some); err != nil || some == 0 {
		return 0, err
	}
	err = c.Update(func(t *Tx) error {
		if err := t.exec(`INSERT INTO stale SELECT blob FROM unsettled WHERE true ON CONFLICT DO NOTHING`); err != nil {
			return err
		}
		n, err = t.change(`DELETE FROM unsettled`)
		return err
	})
	return n, err
}

// unsettleAround notes what was read in the light of a blob that goes away.
func (t *Tx) unsettleAround(ref []byte) error {
	for _, q := range [...]string{
		`INSERT INTO unsettled SELECT m.blob FROM mention o JOIN mention m ON m.mid = o.mid AND m.own = 0 WHERE o.blob = (SELECT id FROM blob WHERE ref = ?) AND o.own = 1 ON CONFLICT DO NOTHING`,
		`INSERT INTO unsettled SELECT m.blob FROM closing o JOIN closing m ON m.address = o.address AND m.line = o.line WHERE o.blob = (SELECT id FROM blob WHERE ref = ?) ON CONFLICT DO NOTHING`,
	} {
		if err := t.exec(q, ref); err != nil {
			return err
		}
	}
	return nil
}
