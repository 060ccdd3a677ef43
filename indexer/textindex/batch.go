package textindex

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"
)

// A batch is committed when it holds this much. Memory follows the batch; what is
// too small is paid for in merges: at 13 statements a message, 500 documents cost
// twice the CPU of 4,000 (cmd/bench import).
const (
	MaxBatchText = 4 << 20 // bytes
	MaxBatchDocs = 4000    // messages and statements
)

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
	ID    string // "s-…"
	Kind  string
	Quote string
	Is    []string // its flags
	Facts []Fact
}

// Fact is a typed value: "money", "GBP 120.00".
type Fact struct {
	Type, Value string
}

// Batch gathers messages until Commit. It belongs to one goroutine; several
// batches may be filled and committed at once.
type Batch struct {
	ix         *Index
	messages   *bleve.Batch
	statements *bleve.Batch
	deletes    []string
	docs, text int
}

// NewBatch returns an empty batch.
func (ix *Index) NewBatch() *Batch {
	return &Batch{ix: ix, messages: ix.messages.NewBatch(), statements: ix.statements.NewBatch()}
}

// Full reports that it is time to commit.
func (b *Batch) Full() bool { return b.docs >= MaxBatchDocs || b.text >= MaxBatchText }

// Len returns how many messages and statements the batch holds.
func (b *Batch) Len() int { return b.docs }

// Put adds a message and its statements, or replaces what is indexed of it: a
// message found in one more folder is put again. Under one Options.Reader a
// message always has the same statements, so none is left over.
func (b *Batch) Put(m *Message) error {
	if len(m.ID) == 0 {
		return errors.New("indexing a message: no id")
	}
	who := shared{
		from: addressTokens(m.From),
		to:   addressTokens(m.To),
		when: whenKey(m.Date),
		date: float64(m.Date.Unix()),
		box:  keywordTokens(m.Mailboxes),
		fold: keywordTokens(folderNames(m.Folders)),
	}
	if m.Date.IsZero() {
		who.date = 0
	}
	if len(m.Attachments) > 0 {
		who.has = append(who.has, "attachment")
	}

	kinds := make([]string, 0, len(m.Statements))
	is := slices.Clone(m.Is)
	facts := []Fact{}
	for i := range m.Statements {
		s := &m.Statements[i]
		kinds = append(kinds, s.Kind)
		facts = append(facts, s.Facts...)
		is = append(is, s.Is...)
		d := document.NewDocument(s.ID)
		d.AddField(textField(FieldText, []byte(s.Quote)))
		d.AddField(textField(FieldSubject, []byte(m.Subject)))
		addKeywords(d, fieldMessage, []string{m.ID})
		addKeywords(d, FieldKind, []string{s.Kind})
		addKeywords(d, FieldIs, slices.Concat(s.Is, m.Is))
		addFacts(d, s.Facts)
		who.add(d)
		if err := b.statements.IndexAdvanced(d); err != nil {
			return fmt.Errorf("indexing statement %s: %w", s.ID, err)
		}
		b.text += len(s.Quote) + len(m.Subject)
		b.docs++
	}

	d := document.NewDocument(m.ID)
	text := make([]byte, 0, len(m.Subject)+len(m.Text)+256)
	text = append(text, m.Subject...)
	for _, list := range [][]Address{m.From, m.To} {
		for _, a := range list {
			text = append(append(text, gap), a.Name...)
			text = append(append(text, gap), a.Address...)
		}
	}
	text = append(append(text, gap), m.Text...)
	for _, name := range m.Attachments {
		text = append(append(text, gap), name...)
	}
	b.text += len(text)
	d.AddField(textField(FieldText, text))
	d.AddField(textField(FieldSubject, []byte(m.Subject)))
	addKeywords(d, FieldKind, kinds)
	addKeywords(d, FieldIs, is)
	addFacts(d, facts)
	who.add(d)
	if err := b.messages.IndexAdvanced(d); err != nil {
		return fmt.Errorf("indexing message %s: %w", m.ID, err)
	}
	b.docs++
	return nil
}

// Delete removes a message and its statements. An id that is not indexed is no
// error.
func (b *Batch) Delete(id string) {
	b.messages.Delete(id)
	b.deletes = append(b.deletes, id)
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
	for _, id := range b.deletes {
		ids, err := ix.statementsOf(id)
		if err != nil {
			return fmt.Errorf("deleting message %s: %w", id, err)
		}
		for _, s := range ids {
			b.statements.Delete(s)
		}
	}
	if err := ix.begin(); err != nil {
		return err
	}
	defer ix.mu.RUnlock()
	// Statements before messages: a crash between leaves statements whose
	// message Missing reports, and putting it again replaces them. The other
	// order would leave a message that seems complete.
	for _, w := range []struct {
		name  string
		index bleve.Index
		batch *bleve.Batch
	}{
		{statementsName, ix.statements, b.statements},
		{messagesName, ix.messages, b.messages},
	} {
		if w.batch.Size() == 0 {
			continue
		}
		// scorch waits for the segment's fsync, but leaves the directory entry
		// to the system.
		err := ix.write(w.index, w.batch)
		if err == nil {
			err = syncDir(filepath.Join(ix.dir, w.name, "store"))
		}
		if err != nil {
			return fmt.Errorf("writing index %q: %w", filepath.Join(ix.dir, w.name), err)
		}
	}
	if err := ix.Err(); err != nil {
		return err
	}
	b.messages.Reset()
	b.statements.Reset()
	b.deletes, b.docs, b.text = nil, 0, 0
	return nil
}

// write hands a batch to bleve. Once a background part has died bleve may never
// answer again; then the batch is given up, and with it the index.
func (ix *Index) write(bi bleve.Index, b *bleve.Batch) error {
	done := make(chan error, 1)
	go func() { done <- bi.Batch(b) }()
	select {
	case err := <-done:
		return err
	case <-ix.failed:
		return ix.Err()
	}
}

func (ix *Index) statementsOf(message string) ([]string, error) {
	var ids []string
	err := ix.read(ix.statements, func(r index.IndexReader) error {
		tfr, err := r.TermFieldReader(context.Background(), []byte(message), fieldMessage, false, false, false)
		if err != nil {
			return err
		}
		defer tfr.Close()
		for {
			d, err := tfr.Next(nil)
			if err != nil || d == nil {
				return err
			}
			id, err := r.ExternalID(d.ID)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
	})
	return ids, err
}

const (
	textOptions    = index.IndexField | index.IncludeTermVectors
	keywordOptions = index.IndexField | index.SkipFreqNorm
	sortOptions    = keywordOptions | index.DocValues // zap keeps doc values of indexed terms only
)

// shared are the fields a message and its statements have in common.
type shared struct {
	from, to  []token
	box, fold []token
	has       []string
	when      string
	date      float64
}

func (w *shared) add(d *document.Document) {
	addTokens(d, FieldFrom, w.from, textOptions)
	addTokens(d, FieldTo, w.to, textOptions)
	addTokens(d, FieldMailbox, w.box, keywordOptions)
	addTokens(d, FieldFolder, w.fold, keywordOptions)
	addKeywords(d, FieldHas, w.has)
	addTokens(d, fieldWhen, []token{{[]byte(w.when), 1}}, sortOptions)
	d.AddField(document.NewNumericFieldWithIndexingOptions(fieldDate, nil, w.date, keywordOptions))
}

func textField(name string, text []byte) document.Field {
	return &field{name: name, options: textOptions, text: text}
}

func addKeywords(d *document.Document, name string, values []string) {
	addTokens(d, name, keywordTokens(values), keywordOptions)
}

func addTokens(d *document.Document, name string, ts []token, o index.FieldIndexingOptions) {
	if len(ts) > 0 {
		d.AddField(&field{name: name, options: o, ready: ts})
	}
}

func addFacts(d *document.Document, facts []Fact) {
	var keys []string
	for _, f := range facts {
		keys = append(keys, factKey(f.Type, f.Value))
		if f.Type != "money" {
			continue
		}
		if n, ok := amountOf(f.Value); ok {
			d.AddField(document.NewNumericFieldWithIndexingOptions(fieldAmount, nil, n, keywordOptions))
		}
	}
	addKeywords(d, fieldFact, keys)
}

func factKey(typ, value string) string {
	return typ + ":" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// amountOf reads "GBP 120.00".
func amountOf(value string) (float64, bool) {
	n, err := strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
	return n, err == nil && n-n == 0
}

// whenKey orders like the time it stands for; forged dates are held inside the
// 34,000 years that fit.
func whenKey(t time.Time) string {
	const bias = 1 << 39
	var s int64
	if !t.IsZero() {
		s = min(max(t.Unix(), -bias), bias-1)
	}
	return fmt.Sprintf("%010x", s+bias)
}

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
