package textindex

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"
)

// maxBatchDocs is how many messages a batch holds at most.
const maxBatchDocs = 1000

// Address is a name and an address as a header field gives them.
type Address struct {
	Name, Address string
}

// Message is what is indexed of one message.
type Message struct {
	ID          string    // the ref's 64 hexadecimal digits
	Date        time.Time // the moment it sorts by; the author's, or the server's where that is absent
	Subject     string
	From, To    []Address // To holds Cc and Bcc too
	Text        string    // the whole body as read, quoted history included
	Mailboxes   []string
	Folders     []string
	Attachments []string // file names; an attachment without one is ""
	Is          []string // short words: "auto", "html", …
	Statements  []Statement
}

// Statement is what is indexed of one statement; the rest is its message's.
type Statement struct {
	Start, End int // bytes of the message's Text
	Kind       string
	Is         []string // its flags
	Facts      []Fact
}

// Fact is a typed value: "money", "GBP 120.00".
type Fact struct {
	Type, Value string
}

// Batch gathers messages until Commit. It belongs to one goroutine; several
// batches may be filled and committed at once.
type Batch struct {
	ix         *Index
	bleve      *bleve.Batch
	docs, text int
}

// NewBatch returns an empty batch.
func (ix *Index) NewBatch() *Batch {
	return &Batch{ix: ix, bleve: ix.bleve.NewBatch()}
}

// Full reports that it is time to commit a batch that is to hold so many octets of
// text. Memory follows them, about a hundred for one; what is too small is paid for
// in merges.
func (b *Batch) Full(text int) bool { return b.docs >= maxBatchDocs || b.text >= text }

// Len returns how many messages the batch holds.
func (b *Batch) Len() int { return b.docs }

// Put adds a message and its statements, or replaces what is indexed of it: a
// message found in one more folder is put again.
func (b *Batch) Put(m *Message) error {
	if len(m.ID) == 0 {
		return errors.New("indexing a message: no id")
	}
	d := document.NewDocument(m.ID)
	text, body := textOf(m)
	b.text += len(text.text)
	d.AddField(text)
	if len(m.Statements) > 0 {
		said := &spans{field: field{name: fieldSpan, options: wordOptions}, of: text}
		for i, s := range m.Statements {
			if s.Start < 0 || s.End < s.Start || s.End > len(m.Text) {
				return fmt.Errorf("indexing message %s: statement %d is at bytes %d to %d of %d", m.ID, i, s.Start, s.End, len(m.Text))
			}
			said.bounds = append(said.bounds, [2]int{body + s.Start, body + s.End})
			text.cuts = append(text.cuts, body+s.Start, body+s.End)
		}
		slices.Sort(text.cuts)
		d.AddField(said) // after the text, whose positions it takes
	}
	d.AddField(&field{name: FieldSubject, options: wordOptions, text: []byte(m.Subject)})
	addTokens(d, FieldFrom, addressTokens(m.From), wordOptions)
	addTokens(d, FieldTo, addressTokens(m.To), wordOptions)
	addTokens(d, FieldMailbox, keywordTokens(1, m.Mailboxes...), keyOptions)
	addTokens(d, FieldFolder, keywordTokens(1, folderNames(m.Folders)...), keyOptions)
	if len(m.From) > 0 {
		addTokens(d, FieldAuthor, keywordTokens(1, m.From[0].Address), sortOptions)
	}
	if len(m.Attachments) > 0 {
		addTokens(d, FieldHas, keywordTokens(1, "attachment"), keyOptions)
	}
	addTokens(d, fieldWhen, keywordTokens(1, whenKey(m.Date)), sortOptions)
	date := 0.0
	if !m.Date.IsZero() {
		date = float64(m.Date.Unix())
	}
	d.AddField(document.NewNumericFieldWithIndexingOptions(fieldDate, nil, date, keyOptions))

	// What is said of one statement stands at its number, from 1; what is said of
	// the message at 0.
	var kinds, names, amounts, facts []token
	is := keywordTokens(0, m.Is...)
	for i, s := range m.Statements {
		kinds = append(kinds, keywordTokens(i+1, s.Kind)...)
		is = append(is, keywordTokens(i+1, s.Is...)...)
		for _, f := range s.Facts {
			names = append(names, keywordTokens(i+1, f.Type)...)
			facts = append(facts, token{[]byte(factKey(f.Type, f.Value)), i + 1})
			if n, ok := amountOf(f.Value); ok && f.Type == "money" {
				amounts = append(amounts, token{[]byte(amountKey(n)), i + 1})
			}
		}
	}
	addTokens(d, FieldKind, kinds, wordOptions)
	addTokens(d, FieldIs, is, wordOptions)
	addTokens(d, FieldNames, names, wordOptions)
	addTokens(d, fieldFact, facts, wordOptions)
	addTokens(d, fieldAmount, amounts, wordOptions)
	if err := b.bleve.IndexAdvanced(d); err != nil {
		return fmt.Errorf("indexing message %s: %w", m.ID, err)
	}
	b.docs++
	return nil
}

// textOf makes the text of a message, and tells where its Text begins in it.
func textOf(m *Message) (*field, int) {
	text := make([]byte, 0, len(m.Subject)+len(m.Text)+256)
	text = append(text, m.Subject...)
	for _, list := range [][]Address{m.From, m.To} {
		for _, a := range list {
			text = append(append(text, gap), a.Name...)
			text = append(append(text, gap), a.Address...)
		}
	}
	text = append(text, gap)
	body := len(text)
	text = append(text, m.Text...)
	for _, name := range m.Attachments {
		text = append(append(text, gap), name...)
	}
	return &field{name: FieldText, options: wordOptions, text: text}, body
}

// Delete removes a message and its statements. An id that is not indexed is no
// error.
func (b *Batch) Delete(id string) {
	b.bleve.Delete(id)
	b.docs++
}

// Commit writes the batch. When it returns nil, everything in it is found by
// searches and survives a crash, and the batch is empty and may be filled
// again. When it returns an error, the batch is as it was: putting or
// committing the same again does no harm.
func (b *Batch) Commit() error {
	if b.docs == 0 {
		return nil
	}
	ix := b.ix
	if err := ix.Err(); err != nil {
		return err
	}
	if err := ix.begin(); err != nil {
		return err
	}
	defer ix.mu.RUnlock()
	// scorch waits for the segment's fsync, but leaves the directory entry to the
	// system.
	err := ix.write(b.bleve)
	if err == nil {
		err = syncDir(filepath.Join(ix.dir, bleveName, "store"))
	}
	if err != nil {
		return fmt.Errorf("writing index %q: %w", filepath.Join(ix.dir, bleveName), err)
	}
	if err := ix.Err(); err != nil {
		return err
	}
	b.bleve.Reset()
	b.docs, b.text = 0, 0
	return nil
}

// write hands a batch to bleve. Once a background part has died bleve may never
// answer again; then the batch is given up, and with it the index.
func (ix *Index) write(b *bleve.Batch) error {
	done := make(chan error, 1)
	go func() { done <- ix.bleve.Batch(b) }()
	select {
	case err := <-done:
		return err
	case <-ix.failed:
		return ix.Err()
	}
}

const (
	wordOptions = index.IndexField | index.IncludeTermVectors
	keyOptions  = index.IndexField | index.SkipFreqNorm
	sortOptions = keyOptions | index.DocValues // zap keeps doc values of indexed terms only
)

func addTokens(d *document.Document, name string, ts []token, o index.FieldIndexingOptions) {
	if len(ts) > 0 {
		d.AddField(&field{name: name, options: o, ready: ts})
	}
}

func factKey(typ, value string) string {
	return typ + ":" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// amountOf reads "GBP 120.00".
func amountOf(value string) (float64, bool) {
	n, err := strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
	return n, err == nil && n-n == 0
}

// amountKey orders like the amount it stands for: the bits of a float do, but for
// the sign.
func amountKey(n float64) string {
	bits := math.Float64bits(n)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return fmt.Sprintf("%016x", bits)
}

// whenKey orders like the time it stands for; forged dates are held inside the
// 34,000 years that fit.
func whenKey(t time.Time) string {
	var s int64
	if !t.IsZero() {
		s = min(max(t.Unix(), -whenBias), whenBias-1)
	}
	return fmt.Sprintf("%010x", s+whenBias)
}

const whenBias = 1 << 39

// folderNames gives each folder whole and by its last name: "Clients/Hale" is
// also "Hale".
func folderNames(folders []string) []string {
	var names []string
	for _, f := range folders {
		names = append(names, f)
		if i := strings.LastIndexAny(f, "/."); i >= 0 && i+1 < len(f) {
			names = append(names, f[i+1:])
		}
	}
	return names
}
