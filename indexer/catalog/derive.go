package catalog

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

// Doc is what the reader made of one message, as answers need it. The text is
// not in it: it is read again from the octets.
type Doc struct {
	From        []message.Address
	Sender      []message.Address
	To          []message.Address
	Cc          []message.Address
	Subject     string
	MessageID   string
	InReplyTo   []string
	References  []string
	ThreadIndex string
	Date        time.Time // author's; zero when absent
	Auto        bool
	Parts       []message.Part
	New         []uint64 // hashes of new sentences
	Quoted      []uint64 // hashes of quoted ones
	Statements  []Statement

	// What other mail told about this one. New and Quoted are hashed as it stands alone.
	Zones  []message.Zone   // where they differ from those that message.Read gives
	Notes  []message.Defect // likewise, beside its own
	Open   bool             // says that answers stand in what it quotes
	Second []SecondHand
}

// Statement is a statement with its id and its place in code points.
type Statement struct {
	ID         string
	Kind       statement.Kind
	Confidence float64
	Start      int
	End        int
	Quote      string
	Facts      []statement.Fact
	Flags      []string
	Why        []statement.Reason
	Answers    Passage // what stands right above it, quoted; zero for nothing
}

// Passage is a stretch of the message's text, in code points.
type Passage struct {
	Start, End int
	Quote      string
}

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// StatementID names the span [start,end) of a message, in code points, for
// good: "s-" and 10 characters, 50 bits of a SHA-256. It does not depend on how
// the span is read.
func StatementID(ref archive.Ref, start, end int) string {
	var b [len(ref) + 8]byte
	copy(b[:], ref[:])
	binary.BigEndian.PutUint32(b[len(ref):], uint32(start))
	binary.BigEndian.PutUint32(b[len(ref)+4:], uint32(end))
	h := sha256.Sum256(b[:])
	return "s-" + idAlphabet.EncodeToString(h[:7])[:10]
}

// Read is a reading to keep.
type Read struct {
	Blob    int64
	Doc     Doc
	Subject string    // base subject, lower case
	Date    time.Time // best date known, for order
	Context Context
}

// SaveReadings keeps readings, in one transaction. Keeping one again replaces it.
func (c *Catalog) SaveReadings(reads []Read) error {
	docs := make([][]byte, len(reads))
	ids := make([]int64, len(reads))
	for i := range reads {
		docs[i], ids[i] = reads[i].Doc.encode(), reads[i].Blob
	}
	defer c.docs.forget(ids)
	return c.Update(func(t *Tx) error {
		for i := range reads {
			if err := t.saveReading(&reads[i], docs[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Tx) saveReading(r *Read, doc []byte) error {
	d := &r.Doc
	date := r.Date.Unix()
	var was []byte
	err := t.scan(`SELECT doc FROM message WHERE blob = ?`, []any{r.Blob}, &was)
	first := errors.Is(err, ErrNotFound)
	if err != nil && !first {
		return err
	}
	if !first && !bytes.Equal(was, doc) {
		if err := t.replaced(r.Blob, was); err != nil {
			return err
		}
	}
	if err := t.exec(`INSERT INTO message VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET date = excluded.date, subject = excluded.subject, doc = excluded.doc`,
		r.Blob, date, r.Subject, doc); err != nil {
		return err
	}
	if d.MessageID != "" {
		if err := t.exec(`INSERT INTO mention VALUES (?, ?, 1) ON CONFLICT DO NOTHING`, d.MessageID, r.Blob); err != nil {
			return err
		}
	}
	for _, list := range [][]string{d.InReplyTo, d.References} {
		for _, mid := range list {
			if err := t.exec(`INSERT INTO mention VALUES (?, ?, 0) ON CONFLICT DO NOTHING`, mid, r.Blob); err != nil {
				return err
			}
		}
	}
	if head := thread.Conversation(d.ThreadIndex); head != "" {
		if err := t.exec(`INSERT INTO mention VALUES (?, ?, 2) ON CONFLICT DO NOTHING`, "thread-index:"+head, r.Blob); err != nil {
			return err
		}
	}
	for _, list := range [][]message.Address{d.From, d.To, d.Cc} {
		for _, a := range list {
			if a.Address == "" {
				continue
			}
			if err := t.exec(`INSERT INTO participant VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.Address, date, r.Blob); err != nil {
				return err
			}
		}
	}
	for i, s := range d.Statements {
		if err := t.exec(`INSERT INTO statement VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET blob = excluded.blob, ord = excluded.ord`, s.ID, r.Blob, i); err != nil {
			return err
		}
	}
	if r.Context.Postponed {
		if err := t.exec(`INSERT INTO postponed VALUES (?) ON CONFLICT DO NOTHING`, r.Blob); err != nil {
			return err
		}
	}
	return t.settle(r, first)
}

// replaced forgets the statements of a reading that gives way to another one.
func (t *Tx) replaced(blob int64, was []byte) error {
	if err := t.exec(`INSERT INTO watch_again VALUES (?) ON CONFLICT DO NOTHING`, blob); err != nil {
		return err
	}
	d, _, err := decodeDoc(was)
	if err != nil {
		return fmt.Errorf("catalog: reading of blob %d: %w", blob, err)
	}
	for _, s := range d.Statements {
		if err := t.exec(`DELETE FROM statement WHERE id = ? AND blob = ?`, s.ID, blob); err != nil {
			return err
		}
	}
	return nil
}

// Cursor returns how far a derived stage has come and the version that it came
// there with.
func (c *Catalog) Cursor(stage string) (value int64, version string, err error) {
	err = c.r.QueryRow(`SELECT value, version FROM cursor WHERE stage = ?`, stage).Scan(&value, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return
}

// SetCursor moves a derived stage's cursor.
func (c *Catalog) SetCursor(stage string, value int64, version string) error {
	return c.Update(func(t *Tx) error {
		return t.exec(`INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version`, stage, value, version)
	})
}

// ResetDerived drops all readings, so that the reader starts from the beginning.
func (c *Catalog) ResetDerived() error {
	defer c.docs.forgetAll()
	return c.Update(func(t *Tx) error {
		for _, table := range []string{"message", "mention", "participant", "statement", "closing", "postponed", "unsettled", "stale", "cursor"} {
			if err := t.exec(`DELETE FROM ` + table); err != nil {
				return err
			}
		}
		return nil
	})
}

// Stale returns up to limit messages that were found in another place since
// they were read, and ClearStale forgets them.
func (c *Catalog) Stale(upTo int64, limit int) ([]Blob, error) {
	return c.blobs(`WHERE id IN (SELECT blob FROM stale WHERE blob <= ? ORDER BY blob LIMIT ?) ORDER BY id`, upTo, limit)
}

// MarkStale has blobs read again, as those found in another place since are.
func (t *Tx) MarkStale(blobs []Blob) error {
	for _, b := range blobs {
		if err := t.markStale(b.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) markStale(blob int64) error {
	return t.exec(`INSERT INTO stale VALUES (?) ON CONFLICT DO NOTHING`, blob)
}

// ClearStale forgets that blobs are stale.
func (c *Catalog) ClearStale(blobs []Blob) error {
	return c.Update(func(t *Tx) error {
		for _, b := range blobs {
			if err := t.exec(`DELETE FROM stale WHERE blob = ?`, b.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

const blobColumns = `id, ref, size, segment, frame_offset, frame_length, entry_offset, entry, seen`

func scanBlob(row interface{ Scan(...any) error }) (Blob, error) {
	var b Blob
	var ref []byte
	var seen int64
	err := row.Scan(&b.ID, &ref, &b.Size, &b.Place.Segment, &b.Place.FrameOffset, &b.Place.FrameLength, &b.Place.EntryOffset, &b.Entry, &seen)
	copy(b.Ref[:], ref)
	b.Seen = milli(seen)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return b, err
}

func (c *Catalog) blobs(where string, args ...any) ([]Blob, error) {
	rows, err := c.r.Query(`SELECT `+blobColumns+` FROM blob `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Blob
	for rows.Next() {
		b, err := scanBlob(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// BlobsAfter returns up to limit blobs with an id above id that the ledger has
// seen, in order of arrival.
func (c *Catalog) BlobsAfter(id int64, limit int) ([]Blob, error) {
	return c.blobs(`WHERE id > ? AND entry >= 0 ORDER BY id LIMIT ?`, id, limit)
}

// CountAfter counts what BlobsAfter would go through.
func (c *Catalog) CountAfter(id int64) (n int, err error) {
	err = c.r.QueryRow(`SELECT count(*) FROM blob WHERE id > ? AND entry >= 0`, id).Scan(&n)
	return n, err
}

// Blob returns the blob of ref, or ErrNotFound.
func (c *Catalog) Blob(ref archive.Ref) (Blob, error) {
	return scanBlob(c.r.QueryRow(`SELECT `+blobColumns+` FROM blob WHERE ref = ?`, ref[:]))
}

// Have returns which of refs are recorded.
func (c *Catalog) Have(refs []archive.Ref) (map[archive.Ref]bool, error) {
	have := make(map[archive.Ref]bool, len(refs))
	for len(refs) > 0 {
		page := refs[:min(len(refs), 500)]
		refs = refs[len(page):]
		args := make([]any, len(page))
		for i := range page {
			args[i] = page[i][:]
		}
		found, err := c.refs(`SELECT ref FROM blob WHERE ref IN (?`+strings.Repeat(", ?", len(page)-1)+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			have[r] = true
		}
	}
	return have, nil
}

// RefsWithPrefix returns up to limit refs whose hexadecimal form, in lower case,
// begins with prefix.
func (c *Catalog) RefsWithPrefix(prefix string, limit int) ([]archive.Ref, error) {
	// The first and the last ref that do, for the index.
	var from, to archive.Ref
	digits := 2 * len(from)
	if len(prefix) > digits {
		return nil, nil
	}
	if _, err := hex.Decode(from[:], []byte(prefix+strings.Repeat("0", digits-len(prefix)))); err != nil || strings.ToLower(prefix) != prefix {
		return nil, nil // no ref begins with what is not hexadecimal
	}
	if _, err := hex.Decode(to[:], []byte(prefix+strings.Repeat("f", digits-len(prefix)))); err != nil {
		return nil, nil
	}
	return c.refs(`SELECT ref FROM blob WHERE entry >= 0 AND ref BETWEEN ? AND ? ORDER BY ref LIMIT ?`, from[:], to[:], limit)
}

// RefsOfMessageID returns up to limit messages that carry a Message-ID: often one, but
// the field may be repeated or forged.
func (c *Catalog) RefsOfMessageID(mid string, limit int) ([]archive.Ref, error) {
	return c.refs(`SELECT b.ref FROM mention m JOIN blob b ON b.id = m.blob WHERE m.mid = ? AND m.own = 1 ORDER BY b.id LIMIT ?`, mid, limit)
}

func (c *Catalog) refs(query string, args ...any) ([]archive.Ref, error) {
	rows, err := c.r.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []archive.Ref
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		var r archive.Ref
		copy(r[:], b)
		out = append(out, r)
	}
	return out, rows.Err()
}

// StatementsWithPrefix returns up to limit ids of statements that begin with
// prefix, in order.
func (c *Catalog) StatementsWithPrefix(prefix string, limit int) ([]string, error) {
	return c.texts(`SELECT id FROM statement WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, prefix, prefix+"\x7f", limit)
}

// Statement returns where a statement stands: its message, and its ordinal there
// from 0.
func (c *Catalog) Statement(id string) (ref archive.Ref, n int, err error) {
	var b []byte
	err = c.r.QueryRow(`SELECT b.ref, s.ord FROM statement s JOIN blob b ON b.id = s.blob WHERE s.id = ?`, id).Scan(&b, &n)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	copy(ref[:], b)
	return ref, n, err
}

// Related returns up to limit messages that hang together with refs in a
// conversation, refs among them: by Message-ID and References, nearest first, then
// those that only Links finds.
func (c *Catalog) Related(refs []archive.Ref, limit int) ([]archive.Ref, error) {
	out, err := c.mentioned(refs, limit)
	if err != nil || len(out) >= limit {
		return out, err
	}
	links, err := c.links(refs, out, maxLinked)
	if err != nil {
		return nil, err
	}
	seen := map[archive.Ref]bool{}
	for _, r := range out {
		seen[r] = true
	}
	for _, l := range links {
		for _, r := range []archive.Ref{l.Parent, l.Msg} {
			if l.Thread && !seen[r] && len(out) < limit {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// mentioned follows Message-ID, References and Thread-Index alone.
func (c *Catalog) mentioned(refs []archive.Ref, limit int) ([]archive.Ref, error) {
	seen := map[archive.Ref]bool{}
	var out []archive.Ref
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	for i := 0; i < len(out) && len(out) < limit; i++ {
		// Whoever mentions an id that this one mentions. A hub id (a broken
		// program's constant References) is cut by the limit.
		next, err := c.refs(`SELECT DISTINCT b2.ref FROM blob b1 JOIN mention m1 ON m1.blob = b1.id JOIN mention m2 ON m2.mid = m1.mid JOIN blob b2 ON b2.id = m2.blob
			WHERE b1.ref = ? ORDER BY b2.id LIMIT ?`, out[i][:], limit)
		if err != nil {
			return nil, err
		}
		for _, r := range next {
			if !seen[r] && len(out) < limit {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// Addresses returns the addresses seen in mail that end in suffix ("@x.example",
// ".x.example"), for clients that are configured by domain.
func (c *Catalog) Addresses(suffix string) ([]string, error) {
	rows, err := c.r.Query(`SELECT DISTINCT address FROM participant WHERE substr(address, -length(?1)) = ?1 ORDER BY address`, suffix)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Absent returns up to limit Message-IDs that kept mail cites and no kept mail
// has.
func (c *Catalog) Absent(limit int) ([]string, error) {
	return c.texts(`SELECT DISTINCT mid FROM mention m WHERE own = 0 AND NOT EXISTS (SELECT 1 FROM mention o WHERE o.mid = m.mid AND o.own = 1) ORDER BY mid LIMIT ?`, limit)
}

// AbsentFrom is Absent for the citations of some messages.
func (c *Catalog) AbsentFrom(refs []archive.Ref) ([]string, error) {
	set := map[string]bool{}
	for _, r := range refs {
		mids, err := c.texts(`SELECT m.mid FROM blob b JOIN mention m ON m.blob = b.id WHERE b.ref = ? AND m.own = 0
			AND NOT EXISTS (SELECT 1 FROM mention o WHERE o.mid = m.mid AND o.own = 1)`, r[:])
		if err != nil {
			return nil, err
		}
		for _, m := range mids {
			set[m] = true
		}
	}
	out := make([]string, 0, len(set))
	for m := range set {
		out = append(out, m)
	}
	sort.Strings(out)
	return out, nil
}

func (c *Catalog) texts(query string, args ...any) ([]string, error) {
	rows, err := c.r.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Blobs calls fn for every blob in order of arrival.
func (c *Catalog) Blobs(fn func(Blob) error) error {
	for id := int64(0); ; {
		page, err := c.blobs(`WHERE id > ? ORDER BY id LIMIT 5000`, id)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := fn(b); err != nil {
				return err
			}
			id = b.ID
		}
	}
}
