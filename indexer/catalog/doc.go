package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// A Doc is stored packed by zstd:
//
//	doc     = version new quoted from sender to cc subject mid irt refs ti date auto parts statements
//	          zones notes open second
//	list    = count element…        string = length octets       number = varint (Go's encoding/binary)
//	date    = seconds nanoseconds zone, all 0 when absent; zone is seconds east of UTC
//	hash    = 8 octets, little endian; so is a float64
//
// It is read some hundred times for an answer: ten times as fast as JSON.
const docVersion = 2

var errDoc = errors.New("not a reading of this format")

var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
)

// encode returns the stored form of a Doc; it may be called from many goroutines.
func (d *Doc) encode() []byte {
	w := docWriter{b: make([]byte, 0, 512+8*(len(d.New)+len(d.Quoted))+300*len(d.Statements))}
	w.number(docVersion)
	w.hashes(d.New)
	w.hashes(d.Quoted)
	for _, list := range [][]message.Address{d.From, d.Sender, d.To, d.Cc} {
		w.number(len(list))
		for _, a := range list {
			w.text(a.Name)
			w.text(a.Address)
		}
	}
	w.text(d.Subject)
	w.text(d.MessageID)
	w.texts(d.InReplyTo)
	w.texts(d.References)
	w.text(d.ThreadIndex)
	w.date(d.Date)
	w.bool(d.Auto)
	w.number(len(d.Parts))
	for _, p := range d.Parts {
		w.text(p.Number)
		w.text(p.ContentType)
		w.text(p.Name)
		w.text(p.ContentID)
		w.bool(p.Inline)
		w.number(int(p.Size))
		w.text(p.SHA256)
	}
	w.number(len(d.Statements))
	for i := range d.Statements {
		w.statement(&d.Statements[i])
	}
	w.number(len(d.Zones))
	for _, z := range d.Zones {
		w.text(string(z.Kind))
		w.number(z.Start)
		w.number(z.End)
	}
	w.number(len(d.Notes))
	for _, n := range d.Notes {
		w.text(n.Code)
		w.text(n.Text)
	}
	w.bool(d.Open)
	w.number(len(d.Second))
	for i := range d.Second {
		w.secondHand(&d.Second[i])
	}
	return encoder.EncodeAll(w.b, nil)
}

// decodeDoc reads what encode wrote, and tells about how much memory it takes. The
// Doc's lists of alternatives are never nil: it is shared, and nobody may put that
// right later.
func decodeDoc(packed []byte) (*Doc, int, error) {
	raw, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, 0, err
	}
	r := docReader{b: raw}
	if v := r.number(); v != docVersion {
		return nil, 0, fmt.Errorf("version %d: %w", v, errDoc)
	}
	d := &Doc{}
	d.New, d.Quoted = r.hashes(), r.hashes()
	r.b, r.at = r.b[r.at:], 0
	r.s = string(r.b) // without the hashes, which would be kept twice
	for _, list := range []*[]message.Address{&d.From, &d.Sender, &d.To, &d.Cc} {
		*list = listOf(&r, 2, func(a *message.Address) { a.Name, a.Address = r.text(), r.text() })
	}
	d.Subject, d.MessageID = r.text(), r.text()
	d.InReplyTo, d.References = r.texts(), r.texts()
	d.ThreadIndex = r.text()
	d.Date = r.date()
	d.Auto = r.bool()
	d.Parts = listOf(&r, 7, func(p *message.Part) {
		p.Number, p.ContentType, p.Name, p.ContentID = r.text(), r.text(), r.text(), r.text()
		p.Inline, p.Size, p.SHA256 = r.bool(), int64(r.number()), r.text()
	})
	d.Statements = listOf(&r, 15, r.statement)
	d.Zones = listOf(&r, 3, func(z *message.Zone) { z.Kind, z.Start, z.End = message.ZoneKind(r.text()), r.number(), r.number() })
	d.Notes = listOf(&r, 2, func(n *message.Defect) { n.Code, n.Text = r.text(), r.text() })
	d.Open = r.bool()
	d.Second = listOf(&r, 9, r.secondHand)
	if r.bad || r.at != len(r.b) {
		return nil, 0, errDoc
	}
	return d, 1<<10 + 2*len(raw), nil
}

type docWriter struct{ b []byte }

func (w *docWriter) number(n int) { w.b = binary.AppendVarint(w.b, int64(n)) }
func (w *docWriter) text(s string) {
	w.number(len(s))
	w.b = append(w.b, s...)
}

func (w *docWriter) texts(list []string) {
	w.number(len(list))
	for _, s := range list {
		w.text(s)
	}
}

func (w *docWriter) bool(v bool) {
	n := byte(0)
	if v {
		n = 1
	}
	w.b = append(w.b, n)
}

func (w *docWriter) float(v float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
}

func (w *docWriter) hashes(list []uint64) {
	w.number(len(list))
	for _, h := range list {
		w.b = binary.LittleEndian.AppendUint64(w.b, h)
	}
}

func (w *docWriter) date(t time.Time) {
	if t.IsZero() {
		w.b = append(w.b, 0, 0, 0)
		return
	}
	_, zone := t.Zone()
	w.number(int(t.Unix()))
	w.number(t.Nanosecond() + 1) // never as when it is absent
	w.number(zone)
}

func (w *docWriter) statement(s *Statement) {
	w.text(s.ID)
	w.text(string(s.Kind))
	w.float(s.Confidence)
	w.number(s.Start)
	w.number(s.End)
	w.text(s.Quote)
	w.number(len(s.Facts))
	for _, f := range s.Facts {
		w.text(string(f.Type))
		w.text(f.Text)
		w.text(f.Value)
		w.texts(f.Alternatives)
		w.bool(f.Deadline)
		w.bool(f.Mismatch)
	}
	w.texts(s.Flags)
	w.number(len(s.Why))
	for _, y := range s.Why {
		w.text(y.Rule)
		w.float(y.Weight)
		w.text(y.Text)
	}
	w.number(s.Answers.Start)
	w.number(s.Answers.End)
	w.text(s.Answers.Quote)
}

func (w *docWriter) secondHand(s *SecondHand) {
	w.text(s.From.Name)
	w.text(s.From.Address)
	w.date(s.Date)
	w.text(s.DateRaw)
	w.bool(s.Forwarded)
	w.hashes(s.Hashes)
	w.number(len(s.Statements))
	for i := range s.Statements {
		w.statement(&s.Statements[i])
	}
}

// docReader reads from b; after what cannot be read bad is set and everything is
// zero. Strings are parts of s, which are the same octets.
type docReader struct {
	b   []byte
	s   string
	at  int
	bad bool
}

func (r *docReader) number() int {
	v, n := binary.Varint(r.b[r.at:])
	if n <= 0 {
		r.bad, r.at = true, len(r.b)
		return 0
	}
	r.at += n
	return int(v)
}

// take moves over n octets and returns where they begin.
func (r *docReader) take(n int) (from int) {
	if n < 0 || n > len(r.b)-r.at {
		r.bad, r.at = true, len(r.b)
		return -1
	}
	from = r.at
	r.at += n
	return from
}

func (r *docReader) text() string {
	n := r.number()
	if from := r.take(n); from >= 0 {
		return r.s[from : from+n]
	}
	return ""
}

func (r *docReader) bool() bool {
	from := r.take(1)
	return from >= 0 && r.b[from] != 0
}

func (r *docReader) float() float64 {
	if from := r.take(8); from >= 0 {
		return math.Float64frombits(binary.LittleEndian.Uint64(r.b[from:]))
	}
	return 0
}

func (r *docReader) texts() []string { return listOf(r, 1, func(s *string) { *s = r.text() }) }

func (r *docReader) hashes() []uint64 {
	return listOf(r, 8, func(h *uint64) {
		if from := r.take(8); from >= 0 {
			*h = binary.LittleEndian.Uint64(r.b[from:])
		}
	})
}

func (r *docReader) date() time.Time {
	sec, nsec, zone := r.number(), r.number(), r.number()
	if nsec == 0 {
		return time.Time{}
	}
	t := time.Unix(int64(sec), int64(nsec-1))
	if zone == 0 {
		return t.UTC()
	}
	return t.In(time.FixedZone("", zone))
}

func (r *docReader) statement(s *Statement) {
	s.ID, s.Kind = r.text(), statement.Kind(r.text())
	s.Confidence = r.float()
	s.Start, s.End = r.number(), r.number()
	s.Quote = r.text()
	s.Facts = listOf(r, 6, func(f *statement.Fact) {
		f.Type, f.Text, f.Value = statement.FactType(r.text()), r.text(), r.text()
		f.Alternatives = r.texts()
		if f.Alternatives == nil {
			f.Alternatives = []string{}
		}
		f.Deadline, f.Mismatch = r.bool(), r.bool()
	})
	s.Flags = r.texts()
	s.Why = listOf(r, 10, func(y *statement.Reason) { y.Rule, y.Weight, y.Text = r.text(), r.float(), r.text() })
	s.Answers.Start, s.Answers.End, s.Answers.Quote = r.number(), r.number(), r.text()
}

func (r *docReader) secondHand(s *SecondHand) {
	s.From.Name, s.From.Address = r.text(), r.text()
	s.Date, s.DateRaw = r.date(), r.text()
	s.Forwarded = r.bool()
	s.Hashes = r.hashes()
	s.Statements = listOf(r, 15, r.statement)
}

// listOf reads a list of elements that take at least size octets each; nil when empty.
func listOf[T any](r *docReader, size int, read func(*T)) []T {
	n := r.number()
	if n <= 0 || n > (len(r.b)-r.at)/size {
		r.bad = r.bad || n != 0
		return nil
	}
	out := make([]T, n)
	for i := range out {
		read(&out[i])
	}
	return out
}
