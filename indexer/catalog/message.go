package catalog

import (
	"cmp"
	"container/list"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/archive"
)

// Place is one place a message was found.
type Place struct {
	Mailbox, Folder string
	UID             uint32
	InternalDate    time.Time
	Flags           []string
	Gone            bool // not on the server any more, or of an earlier UIDVALIDITY
	Import          bool
	Path            string
}

// Message is a blob with its reading and the places it was found. The Doc is shared
// between answers: nobody may change it.
type Message struct {
	Blob
	Doc    *Doc
	Date   time.Time
	Places []Place
}

// Message returns the reading of one ref, or ErrNotFound.
func (c *Catalog) Message(ref archive.Ref) (*Message, error) {
	list, err := c.Messages([]archive.Ref{ref})
	if err == nil && list[0] == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Messages returns the readings of refs, in their order; nil for those that are not
// read, or not known.
func (c *Catalog) Messages(refs []archive.Ref) ([]*Message, error) {
	out := make([]*Message, 0, len(refs))
	for page := range slices.Chunk(refs, inPage) {
		list, err := c.messages(page)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (c *Catalog) messages(refs []archive.Ref) ([]*Message, error) {
	args := make([]any, len(refs))
	for i := range refs {
		args[i] = refs[i][:]
	}
	var ids []int64
	blobs := map[archive.Ref]Blob{}
	err := c.eachIn(blobsIn, args, func(rows *sql.Rows) error {
		b, err := scanBlob(rows)
		blobs[b.Ref] = b
		ids = append(ids, b.ID)
		return err
	})
	if err != nil || len(ids) == 0 {
		return make([]*Message, len(refs)), err
	}
	read, err := c.readings(ids)
	if err != nil {
		return nil, err
	}
	places := map[int64][]Place{}
	err = c.eachIn(placesQuery+`IN `+in, anys(ids), func(rows *sql.Rows) error {
		id, p, err := scanPlace(rows)
		places[id] = append(places[id], p)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]*Message, len(refs))
	for i, ref := range refs {
		b, ok := blobs[ref]
		if r := read[b.ID]; ok && r != nil {
			out[i] = &Message{Blob: b, Doc: r.doc, Date: time.Unix(r.date, 0).UTC(), Places: ordered(places[b.ID])}
		}
	}
	return out, nil
}

// inPage is how many rows are asked for by number at once.
const inPage = 64

// in is a list of so many parameters.
var in = "(?" + strings.Repeat(", ?", inPage-1) + ")"

func anys(ids []int64) []any {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return args
}

var (
	blobsIn = `SELECT ` + blobColumns + ` FROM blob WHERE ref IN ` + in
	readIn  = `SELECT m.blob, b.ref, m.date, m.doc FROM message m JOIN blob b ON b.id = m.blob WHERE m.blob IN ` + in
)

// eachIn calls fn for the rows of a query that ends with a list of inPage
// parameters, of which args are the first; the others repeat the last.
func (c *Catalog) eachIn(query string, args []any, fn func(*sql.Rows) error) error {
	full := make([]any, inPage)
	for i := range full {
		full[i] = args[min(i, len(args)-1)]
	}
	return c.each(fn, query, full...)
}

// readings returns what is kept of messages, by number; it may be any number of them.
func (c *Catalog) readings(ids []int64) (map[int64]*reading, error) {
	out := make(map[int64]*reading, len(ids))
	missing, gen := c.docs.get(ids, out)
	for page := range slices.Chunk(missing, inPage) {
		err := c.eachIn(readIn, anys(page), func(rows *sql.Rows) error {
			r := &reading{}
			var ref, packed []byte
			err := rows.Scan(&r.blob, &ref, &r.date, &packed)
			if err == nil {
				copy(r.ref[:], ref)
				r.doc, r.size, err = decodeDoc(packed)
			}
			if err != nil {
				return fmt.Errorf("catalog: reading of message %d: %w", r.blob, err)
			}
			out[r.blob] = r
			c.docs.put(r, gen)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reading is a row of table message.
type reading struct {
	blob int64
	ref  archive.Ref
	date int64
	doc  *Doc
	size int // octets in memory, about
}

// docMemory bounds what is kept of readings between answers, in octets: some
// thousand messages, of which answers about the same business need the same.
const docMemory = 48 << 20

// docCache keeps the readings that were used last. The zero value is empty.
type docCache struct {
	mu    sync.Mutex
	kept  map[int64]*list.Element // of *reading
	order list.List               // the last used first
	size  int
	// What was read from the table before gen changed is not kept: it may have been
	// replaced in between. top is the highest number ever saved; a message above it
	// replaces none.
	gen uint64
	top int64
}

// get puts what it has of ids into out and returns the others.
func (d *docCache) get(ids []int64, out map[int64]*reading) (missing []int64, gen uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if e := d.kept[id]; e != nil {
			d.order.MoveToFront(e)
			out[id] = e.Value.(*reading)
		} else {
			missing = append(missing, id)
		}
	}
	return missing, d.gen
}

func (d *docCache) put(r *reading, gen uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if gen != d.gen || d.kept[r.blob] != nil || r.size > docMemory/4 {
		return
	}
	if d.kept == nil {
		d.kept = map[int64]*list.Element{}
	}
	d.kept[r.blob] = d.order.PushFront(r)
	for d.size += r.size; d.size > docMemory; {
		d.drop(d.order.Back())
	}
}

func (d *docCache) drop(e *list.Element) {
	r := d.order.Remove(e).(*reading)
	delete(d.kept, r.blob)
	d.size -= r.size
}

// forget drops what has been saved anew.
func (d *docCache) forget(ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	top := d.top
	for _, id := range ids {
		if id <= top {
			d.gen++
		}
		if e := d.kept[id]; e != nil {
			d.drop(e)
		}
		d.top = max(d.top, id)
	}
}

func (d *docCache) forgetAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gen++
	d.kept, d.size = nil, 0
	d.order.Init()
}

const placesQuery = `SELECT o.blob, a.address, a.source, m.display, m.uidvalidity, o.uidvalidity, o.uid, o.internaldate, o.zone, o.flags, o.gone, o.path
	FROM occurrence o JOIN mailbox m ON m.id = o.mailbox JOIN account a ON a.id = m.account WHERE o.blob `

// Places returns where a blob was found, by mailbox, folder and UID.
func (c *Catalog) Places(blob int64) ([]Place, error) {
	var out []Place
	err := c.each(func(rows *sql.Rows) error {
		_, p, err := scanPlace(rows)
		out = append(out, p)
		return err
	}, placesQuery+`= ?`, blob)
	return ordered(out), err
}

func scanPlace(rows *sql.Rows) (blob int64, p Place, err error) {
	var source, flags string
	var now, then uint32
	var date, gone int64
	var zone int
	err = rows.Scan(&blob, &p.Mailbox, &source, &p.Folder, &now, &then, &p.UID, &date, &zone, &flags, &gone, &p.Path)
	p.InternalDate, p.Flags = dateIn(date, zone), flagList(flags)
	p.Gone, p.Import = gone != 0 || now != then, source == "import"
	return blob, p, err
}

func ordered(places []Place) []Place {
	slices.SortStableFunc(places, func(a, b Place) int {
		switch {
		case a.Gone && !b.Gone:
			return 1
		case b.Gone && !a.Gone:
			return -1
		}
		return cmp.Or(strings.Compare(a.Mailbox+"\x00"+a.Folder, b.Mailbox+"\x00"+b.Folder), cmp.Compare(a.UID, b.UID))
	})
	return places
}
