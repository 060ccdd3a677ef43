package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
	"inwriting/indexer/thread"
)

// readerFormat counts the changes to what the reader keeps; statement.Version
// changes with the rules. Together they are the version that readings carry: a
// vault read by another version is read again from the beginning.
const readerFormat = "3"

func readerVersion() string { return readerFormat + "/" + statement.Version }

// readStage is the one derived stage: its cursor is the last blob whose reading is
// in the catalog and in the index.
const readStage = "read"

// openIndex opens the index, and begins it anew when it was made by another
// version or cannot be opened: it holds nothing that cannot be made again.
func (v *Vault) openIndex() error {
	dir := filepath.Join(v.dir, "index")
	opt := textindex.Options{Reader: readerVersion()}
	cursor, version, err := v.catalog.Cursor(readStage)
	if err != nil {
		return err
	}
	if cursor > 0 && version == readerVersion() {
		v.index, err = textindex.Open(dir, opt)
		if err == nil {
			if err = v.compareIndex(cursor); err == nil {
				return nil
			}
			v.index.Close()
		}
		if err != nil && !errors.Is(err, textindex.ErrFormat) && !errors.Is(err, textindex.ErrDamaged) && !errors.Is(err, errForeign) {
			return err
		}
		v.log.Warn("the index is made again", "reason", fmt.Sprint(err))
	}
	return v.resetIndex()
}

// errForeign is an index that holds what the catalog has not read: it belongs to
// another catalog.
var errForeign = errors.New("index holds messages that the catalog has not read")

// compareIndex looks whether the index holds every message up to cursor, and has
// those read again that it does not. A crash cannot part the two, since the cursor
// follows the index; a disk that lost writes, or a copy put back, can.
func (v *Vault) compareIndex(cursor int64) error {
	total, err := v.catalog.CountAfter(0)
	if err != nil {
		return err
	}
	waiting, err := v.catalog.CountAfter(cursor)
	if err != nil {
		return err
	}
	n, err := v.index.Count()
	switch want := total - waiting; {
	case err != nil || n == want:
		return err
	case n == 0 || n > total:
		return errForeign
	case n > want:
		// A batch of the last run, durable before its cursor moved; it is read again.
		return nil
	}
	missing := 0
	for at := int64(0); ; {
		blobs, err := v.catalog.BlobsAfter(at, readAhead)
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(blobs))
		byID := make(map[string]catalog.Blob, len(blobs))
		for _, b := range blobs {
			if at = b.ID; at <= cursor {
				ids = append(ids, b.Ref.Hex())
				byID[b.Ref.Hex()] = b
			}
		}
		if len(ids) == 0 {
			break
		}
		gone, err := v.index.Missing(ids)
		if err != nil {
			return err
		}
		again := make([]catalog.Blob, len(gone))
		for i, id := range gone {
			again[i] = byID[id]
		}
		if err := v.catalog.Update(func(t *catalog.Tx) error { return t.MarkStale(again) }); err != nil {
			return err
		}
		missing += len(gone)
	}
	v.log.Warn("messages are missing in the index and are read again", "messages", missing)
	return nil
}

func (v *Vault) resetIndex() error {
	if err := v.catalog.ResetDerived(); err != nil {
		return err
	}
	dir := filepath.Join(v.dir, "index")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	var err error
	v.index, err = textindex.Open(dir, textindex.Options{Reader: readerVersion()})
	return err
}

// ReadProgress tells how many of the messages that wait have been read.
type ReadProgress struct{ Done, Total int }

// How much text goes into the index at once. With the large batch the same takes an
// eighth less processor time and twice the memory (go run ./cmd/bench index).
const (
	smallBatch = 1 << 20 // octets
	largeBatch = 4 << 20
)

// Read reads every message that waits: parses it, finds its statements, keeps the
// reading in the catalog and puts it into the index. Each batch is durable before
// the cursor moves over it. Cancelling ends it after the batch in hand.
func (v *Vault) Read(ctx context.Context, progress func(ReadProgress)) error {
	return v.readWaiting(ctx, smallBatch, progress)
}

// ReadFast is Read for when somebody waits for it: it takes more memory.
func (v *Vault) ReadFast(ctx context.Context, progress func(ReadProgress)) error {
	return v.readWaiting(ctx, largeBatch, progress)
}

func (v *Vault) readWaiting(ctx context.Context, text int, progress func(ReadProgress)) error {
	v.derive.Lock()
	defer v.derive.Unlock()
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return errClosed
	}
	cursor, _, err := v.catalog.Cursor(readStage)
	if err != nil {
		return err
	}
	p := ReadProgress{}
	if p.Total, err = v.catalog.CountAfter(cursor); err != nil {
		return err
	}
	for ctx.Err() == nil {
		blobs, err := v.catalog.BlobsAfter(cursor, readAhead)
		if err != nil {
			return err
		}
		if len(blobs) == 0 {
			break
		}
		err = v.read(ctx, text, blobs, true, func(n int, last int64) error {
			cursor = last
			p.Done += n
			if progress != nil {
				progress(p)
			}
			return v.catalog.SetCursor(readStage, last, readerVersion())
		})
		if err != nil {
			return err
		}
	}
	// Messages found in another place since, and those that were read before others
	// that they depend on.
	for ctx.Err() == nil {
		if _, err := v.catalog.Unsettled(); err != nil {
			return err
		}
		stale, err := v.catalog.Stale(cursor, readAhead)
		if err != nil || len(stale) == 0 {
			return err
		}
		if err := v.read(ctx, text, stale, false, func(int, int64) error { return nil }); err != nil {
			return err
		}
		if ctx.Err() == nil {
			if err := v.catalog.ClearStale(stale); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// readAhead bounds the list of blobs in hand; batches are smaller.
const readAhead = 5000

type reading struct {
	blob catalog.Blob
	read catalog.Read
	doc  *textindex.Message
	err  error
}

// read reads blobs in order; done is called after each durable batch. Reading, keeping
// in the catalog and putting into the index go on at once, each a batch behind the
// one before it: what the index holds the catalog knows. first says that mail which
// they cite may be among those that come after them.
func (v *Vault) read(ctx context.Context, text int, blobs []catalog.Blob, first bool, done func(n int, last int64) error) error {
	corrected, err := v.corrected()
	if err != nil {
		return err
	}
	g, stop := errgroup.WithContext(context.WithoutCancel(ctx))
	read, kept := make(chan *readBatch), make(chan *readBatch)
	g.Go(func() error {
		defer close(read)
		return v.gather(stop, text, v.readAll(ctx, stop, g, blobs, first, corrected), read)
	})
	g.Go(func() error {
		defer close(kept)
		for b := range read {
			if err := v.catalog.SaveReadings(b.reads); err != nil {
				return err
			}
			b.reads = nil
			if !send(stop, kept, b) {
				return nil
			}
		}
		return nil
	})
	g.Go(func() error {
		for b := range kept {
			if err := b.index.Commit(); err != nil {
				return fmt.Errorf("index: %w", err)
			}
			if err := done(b.n, b.last); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// readBatch is on its way into catalog and index.
type readBatch struct {
	reads []catalog.Read
	index *textindex.Batch
	n     int   // messages
	last  int64 // the last of them
}

// send reports that b was taken before stop ended.
func send[T any](stop context.Context, to chan<- T, b T) bool {
	select {
	case to <- b:
		return true
	case <-stop.Done():
		return false
	}
}

// readAll reads blobs side by side until ctx or stop ends. The readings come in
// order, each in a channel of its own, so that memory is bounded by the queue.
func (v *Vault) readAll(ctx, stop context.Context, g *errgroup.Group, blobs []catalog.Blob, first bool, corrected map[string]statement.Kind) <-chan chan reading {
	workers := min(runtime.GOMAXPROCS(0), 4)
	queue := make(chan chan reading, 4*workers)
	slots := make(chan struct{}, workers)
	g.Go(func() error {
		defer close(queue)
		for _, b := range blobs {
			v.opt.GiveWay(ctx)
			out := make(chan reading, 1)
			if ctx.Err() != nil || !send(stop, slots, struct{}{}) || !send(stop, queue, out) {
				return nil
			}
			g.Go(func() error {
				out <- v.readOne(b, first, corrected)
				<-slots
				return nil
			})
		}
		return nil
	})
	return queue
}

// gather makes batches of readings.
func (v *Vault) gather(stop context.Context, text int, queue <-chan chan reading, to chan<- *readBatch) error {
	b := &readBatch{index: v.index.NewBatch()}
	for out := range queue {
		r := <-out
		if r.err != nil {
			return r.err
		}
		if err := b.index.Put(r.doc); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		b.reads = append(b.reads, r.read)
		b.n, b.last = b.n+1, r.blob.ID
		if b.index.Full(text) {
			if !send(stop, to, b) {
				return nil
			}
			b = &readBatch{index: v.index.NewBatch()}
		}
	}
	if b.n > 0 {
		send(stop, to, b)
	}
	return nil
}

func (v *Vault) readOne(b catalog.Blob, first bool, corrected map[string]statement.Kind) reading {
	r := reading{blob: b}
	places, err := v.catalog.Places(b.ID)
	if err != nil {
		return reading{err: err}
	}
	body, _, err := v.archive.OpenAt(b.Ref, b.Place)
	if err != nil {
		return reading{err: fmt.Errorf("reading %v: %w", b.Ref, err)}
	}
	m, err := message.Read(body)
	if e := body.Close(); err == nil {
		err = e
	}
	switch {
	case errors.Is(err, archive.ErrAltered):
		// The archive's damage is verify's to report; the other messages stay
		// readable.
		v.log.Error("a message does not match its hash and is left out of the index", "ref", b.Ref, "err", err)
		m = &message.Message{}
	case err != nil:
		return reading{err: fmt.Errorf("reading %v: %w", b.Ref, err)}
	}
	alone := standingAlone(m)
	x, kept, err := v.contextOf(b, m, alone)
	if err != nil {
		return reading{err: err}
	}
	known := message.Context{Closing: x.Closing}
	answered := answeredOf(x, kept)
	told := catalog.Told(alone.open, alone.quoted, answered)
	if !told {
		if known.Parents, err = v.parents(answered); err != nil {
			return reading{err: err}
		}
	}
	bare := len(m.Defects)
	changed := m.InContext(known)
	r.read, r.doc = derive(b, m, statement.Read(m), places, corrected)
	d := &r.read.Doc
	d.New, d.Quoted, d.Open = alone.fresh, alone.quoted, alone.open
	if changed {
		d.Zones, d.Notes = m.Zones, m.Defects[bare:]
	}
	x.Postponed = first && !told && len(kept) < len(x.Cited)
	if !told && !x.Postponed {
		d.Second = secondHand(b, m, x, kept)
	}
	r.read.Context = x
	return r
}

// derive is what the catalog and the index keep of a reading. The catalog keeps
// the kinds as they were read, the index those in force.
func derive(b catalog.Blob, m *message.Message, s statement.Reading, places []catalog.Place, corrected map[string]statement.Kind) (catalog.Read, *textindex.Message) {
	d := catalog.Doc{From: m.From, Sender: m.Sender, To: m.To, Cc: append(m.Cc[:len(m.Cc):len(m.Cc)], m.Bcc...), Subject: m.Subject, MessageID: m.MessageID,
		InReplyTo: m.InReplyTo, References: m.References, ThreadIndex: m.ThreadIndex, Date: saneDate(m.Date), Auto: m.Auto, Parts: m.Parts}
	date := bestDate(b, m, places)
	doc := &textindex.Message{ID: b.Ref.Hex(), Date: date, Subject: m.Subject, Text: m.Text}
	for _, a := range m.From {
		doc.From = append(doc.From, textindex.Address{Name: a.Name, Address: a.Address})
	}
	for _, list := range [][]message.Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			doc.To = append(doc.To, textindex.Address{Name: a.Name, Address: a.Address})
		}
	}
	for _, p := range places {
		doc.Mailboxes = appendNew(doc.Mailboxes, p.Mailbox)
		doc.Folders = appendNew(doc.Folders, p.Folder)
	}
	for _, p := range m.Parts {
		if !p.Inline {
			doc.Attachments = append(doc.Attachments, p.Name)
		}
	}
	if m.Auto {
		doc.Is = append(doc.Is, "auto")
	}
	runes := runeCounter{text: m.Text}
	for _, st := range s.Statements {
		start := runes.at(st.Start)
		end := runes.at(st.End)
		id := catalog.StatementID(b.Ref, start, end)
		d.Statements = append(d.Statements, catalog.Statement{ID: id, Kind: st.Kind, Confidence: st.Confidence, Start: start, End: end,
			Quote: st.Quote, Facts: st.Facts, Flags: st.Flags, Why: st.Why, Answers: answered(m, st.Start)})
		ix := textindex.Statement{Start: st.Start, End: st.End, Kind: string(st.Kind), Is: st.Flags}
		if k, ok := corrected[id]; ok {
			ix.Kind = string(k)
		}
		if ix.Kind == string(statement.None) {
			continue // somebody said that it is no statement: nothing finds it but its id
		}
		for _, f := range st.Facts {
			ix.Facts = append(ix.Facts, textindex.Fact{Type: string(f.Type), Value: f.Value})
		}
		doc.Statements = append(doc.Statements, ix)
	}
	base, _, _ := thread.BaseSubject(m.Subject)
	return catalog.Read{Blob: b.ID, Doc: d, Subject: strings.ToLower(base), Date: date}, doc
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// bestDate orders messages: the author's date, else the server's, else a
// Received field, else when we took it in.
func bestDate(b catalog.Blob, m *message.Message, places []catalog.Place) time.Time {
	if d := saneDate(m.Date); !d.IsZero() {
		return d
	}
	for _, p := range places {
		if !p.InternalDate.IsZero() {
			return p.InternalDate
		}
	}
	if d := saneDate(m.Received); !d.IsZero() {
		return d
	}
	return b.Seen
}

// saneDate drops what no calendar of ours can hold ("year 2 of the export").
func saneDate(t time.Time) time.Time {
	if y := t.Year(); t.IsZero() || y < 1970 || y > 9999 {
		return time.Time{}
	}
	if _, off := t.Zone(); off < -86399 || off > 86399 {
		return t.UTC()
	}
	return t
}

// runeCounter turns ascending byte offsets into code point offsets in one walk.
type runeCounter struct {
	text         string
	bytes, runes int
}

func (c *runeCounter) at(offset int) int {
	if offset < c.bytes {
		c.bytes, c.runes = 0, 0
	}
	c.runes += message.CodePoints(c.text[c.bytes:], offset-c.bytes)
	c.bytes = offset
	return c.runes
}
