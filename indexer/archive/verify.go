package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Known is a message that somebody relies on: the catalog's row.
type Known struct {
	Ref   Ref
	Size  int64
	Place Place
}

// DamageKind says what became of a run of octets.
type DamageKind string

const (
	Altered DamageKind = "altered" // there, but not what was sealed
	Missing DamageKind = "missing" // not there
	Added   DamageKind = "added"   // there, but known to nobody
)

// Damage is one run of octets of a segment that is not as it was sealed.
type Damage struct {
	Kind DamageKind `json:"kind"`
	Range
	// Messages are those the octets belong to and that cannot be read back
	// unaltered. Where every message of a damaged frame still reads back (the
	// octets were the frame's own, such as its checksum), all of the frame's
	// messages are listed and Intact is set. For Added octets these are the
	// messages in them, if they can be read.
	Messages []Ref  `json:"messages"`
	Intact   bool   `json:"intact,omitempty"`
	Found    *Ref   `json:"found,omitempty"` // what the first of Messages hashes to now, where it can be read at all
	Text     string `json:"text"`            // for people: what is wrong there
}

// Stats is what Verify went through.
type Stats struct {
	Segments int
	Frames   int
	Messages int   // that are as they were sealed
	Lost     int   // known messages that cannot be read back unaltered
	Octets   int64 // of segments
	Damages  int
}

// Verify reads every octet of the archive, in order, and recomputes every hash.
// known yields what the archive must hold, ordered by place; it may be read twice.
// An error of known ends the work. With a nil known the archive is compared with
// itself: every entry with its own name, and nothing counts as added.
//
// A frame has a few bits that zstd leaves unused; a change to one of those
// changes no message and no checksum, and goes unnoticed. Damage in one frame hides no other: known places lead past it, and where there
// are none, the next frame is searched for. report is called in order of place,
// from one goroutine. Two goroutines work at most; memory is bounded. Nothing may
// be appended meanwhile that known does not name.
func (a *Archive) Verify(ctx context.Context, known iter.Seq2[Known, error], report func(Damage)) (Stats, error) {
	segs, err := a.segments()
	if err != nil {
		return Stats{}, err
	}
	v := &verifier{a: a, ctx: ctx, report: report, own: known == nil}
	if known == nil {
		known = func(func(Known, error) bool) {}
	}
	next, stop := iter.Pull2(byFrame(known))
	defer stop()
	v.start()
	err = v.walk(segs, &wanted{next: next})
	if ferr := v.finish(); err == nil {
		err = ferr
	}
	if err == nil {
		err = v.settleAdded(known)
	}
	if err != nil {
		return v.stats, fmt.Errorf("verifying archive: %w", err)
	}
	return v.stats, nil
}

// wanted are the known frames, in order of place.
type wanted struct {
	next func() (knownFrame, error, bool)
	cur  knownFrame
	err  error
	more bool
}

func (w *wanted) advance() { w.cur, w.err, w.more = w.next() }

// in reports whether the next known frame lies in the segments up to number.
func (w *wanted) in(number int) bool { return w.more && w.err == nil && w.cur.segment <= number }

func (w *wanted) pop() knownFrame {
	k := w.cur
	w.advance()
	return k
}

// walk goes through all segments, and reports what is known to lie in none.
func (v *verifier) walk(segs []segment, w *wanted) error {
	w.advance()
	number := 1
	for _, s := range segs {
		for ; number < s.number; number++ {
			missing := 0
			for w.in(number) {
				v.lost(w.pop(), 0)
				missing++
			}
			if missing == 0 {
				v.deliver(outcome{damage: []Damage{{Kind: Missing, Range: Range{Segment: number}, Text: "the segment is not there"}}})
			}
		}
		number++
		v.stats.Segments++
		v.stats.Octets += s.size
		if err := v.walkSegment(s, w); err != nil {
			return err
		}
	}
	for w.more && w.err == nil {
		v.lost(w.pop(), 0)
	}
	return w.err
}

func (v *verifier) walkSegment(s segment, w *wanted) error {
	f, err := v.a.files.get(s.number)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	off := int64(0)
	for off < s.size || w.more && w.err == nil && w.cur.segment == s.number {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if w.err != nil {
			return w.err
		}
		if !w.more || w.cur.segment != s.number {
			off = v.unknown(f, s.number, off, s.size)
			continue
		}
		switch {
		case w.cur.offset < off:
			// Two rows claim overlapping octets; the frame was already read.
			v.deliver(outcome{damage: []Damage{w.cur.damage(Missing, "the frame overlaps another one")}, lost: len(w.cur.entries)})
			w.pop()
		case w.cur.offset > off && off < s.size:
			off = v.unknown(f, s.number, off, min(w.cur.offset, s.size))
		case w.cur.offset >= s.size:
			v.lost(w.pop(), s.size)
		default:
			k := w.pop()
			v.known(f, k, s.size)
			off = min(k.offset+k.length, s.size)
		}
	}
	return nil
}

// knownFrame is what must be in one frame.
type knownFrame struct {
	segment        int
	offset, length int64
	entries        []Known
}

func (k knownFrame) damage(kind DamageKind, text string) Damage {
	d := Damage{Kind: kind, Range: Range{k.segment, k.offset, k.length}, Text: text, Messages: []Ref{}}
	for _, e := range k.entries {
		d.Messages = append(d.Messages, e.Ref)
	}
	return d
}

// byFrame gathers consecutive rows of one frame.
func byFrame(known iter.Seq2[Known, error]) iter.Seq2[knownFrame, error] {
	return func(yield func(knownFrame, error) bool) {
		var cur knownFrame
		for k, err := range known {
			if err != nil {
				yield(knownFrame{}, err)
				return
			}
			p := k.Place
			if len(cur.entries) > 0 && (p.Segment != cur.segment || p.FrameOffset != cur.offset) {
				if (End{p.Segment, p.FrameOffset}).Compare(End{cur.segment, cur.offset}) < 0 {
					yield(knownFrame{}, fmt.Errorf("places out of order: %v after %v", p, cur))
					return
				}
				if !yield(cur, nil) {
					return
				}
				cur = knownFrame{}
			}
			cur.segment, cur.offset, cur.length = p.Segment, p.FrameOffset, p.FrameLength
			cur.entries = append(cur.entries, k)
		}
		if len(cur.entries) > 0 {
			yield(cur, nil)
		}
	}
}

// outcome is what one step found.
type outcome struct {
	damage  []Damage
	frames  int
	sound   int
	lost    int
	err     error
	strange []stranger
}

// stranger is a whole entry that no row names at its place. It is a harmless
// repetition when some row names its content elsewhere.
type stranger struct {
	Entry
	damage Damage
}

type verifier struct {
	a      *Archive
	ctx    context.Context
	report func(Damage)
	own    bool
	stats  Stats

	queue   chan chan outcome // in order of place
	slots   chan *zstd.Decoder
	done    chan error
	strange []stranger
}

func (v *verifier) start() {
	v.slots = make(chan *zstd.Decoder, 2)
	for range cap(v.slots) {
		v.slots <- newStreamDecoder()
	}
	v.queue = make(chan chan outcome, 4)
	v.done = make(chan error, 1)
	go func() {
		var first error
		for c := range v.queue {
			o := <-c
			v.stats.Frames += o.frames
			v.stats.Messages += o.sound
			v.stats.Lost += o.lost
			if o.err != nil && first == nil {
				first = o.err
			}
			v.strange = append(v.strange, o.strange...)
			for _, d := range o.damage {
				v.stats.Damages++
				v.report(d)
			}
		}
		v.done <- first
	}()
}

func (v *verifier) finish() error {
	close(v.queue)
	err := <-v.done
	for range cap(v.slots) {
		(<-v.slots).Close()
	}
	return err
}

func (v *verifier) deliver(o outcome) {
	c := make(chan outcome, 1)
	c <- o
	v.queue <- c
}

// lost reports a known frame that lies wholly past the end of its segment.
func (v *verifier) lost(k knownFrame, size int64) {
	text := fmt.Sprintf("the segment ends at %d", size)
	if size == 0 {
		text = "the segment is not there"
	}
	v.deliver(outcome{damage: []Damage{k.damage(Missing, text)}, lost: len(k.entries)})
}

// known checks a frame against its rows, on one of two goroutines.
func (v *verifier) known(f io.ReaderAt, k knownFrame, size int64) {
	c := make(chan outcome, 1)
	v.queue <- c
	dec := <-v.slots
	go func() {
		defer func() { v.slots <- dec }()
		c <- checkFrame(f, dec, k, size, v.own)
	}()
}

func checkFrame(f io.ReaderAt, dec *zstd.Decoder, k knownFrame, size int64, own bool) outcome {
	o := outcome{frames: 1}
	var why error
	n, err := frameLength(f, k.offset, size)
	switch {
	case err != nil && isIO(err):
		return outcome{err: err}
	case err != nil:
		why = err
	case n != k.length:
		why = fmt.Errorf("the frame has %d octets", n)
	}
	want := map[int64]*Known{}
	for i := range k.entries {
		want[k.entries[i].Place.EntryOffset] = &k.entries[i]
	}
	good := map[Ref]bool{}
	sums := map[Ref]Ref{}
	var others []found
	var unnamed bool
	avail := min(k.length, size-k.offset)
	err = dec.Reset(io.NewSectionReader(f, k.offset, avail))
	if err == nil {
		err = readEntries(dec, func(e found) {
			w := want[e.offset]
			switch {
			case w != nil && w.Ref == e.sum && e.ref == w.Ref && w.Size == e.size:
				good[w.Ref] = true
			case w != nil:
				sums[w.Ref] = e.sum
			case e.sum == e.ref:
				others = append(others, e)
			default:
				unnamed = true
			}
		})
	}
	if err != nil && isIO(err) {
		return outcome{err: err}
	}
	if why == nil {
		why = err
	}
	if why == nil && unnamed {
		why = errors.New("an entry differs from its name")
	}
	o.judge(k, good, sums, why, avail, size)
	for _, e := range others {
		o.strange = append(o.strange, stranger{
			Entry: Entry{e.ref, e.size, Place{k.segment, k.offset, k.length, e.offset}},
			damage: Damage{Kind: Added, Range: Range{k.segment, k.offset, k.length}, Messages: []Ref{e.ref},
				Text: "the frame holds a message that nothing refers to"},
		})
	}
	return o
}

// judge says which of a frame's messages are sound, and what is wrong with the others.
func (o *outcome) judge(k knownFrame, good map[Ref]bool, sums map[Ref]Ref, why error, avail, size int64) {
	var bad []Ref
	for _, e := range k.entries {
		if good[e.Ref] {
			o.sound++
		} else if !slices.Contains(bad, e.Ref) {
			bad = append(bad, e.Ref)
		}
	}
	o.lost = len(bad)
	if why == nil && len(bad) > 0 {
		why = errors.New("the octets of the message differ")
	}
	if why != nil {
		kind := Altered
		rng := Range{k.segment, k.offset, k.length}
		if avail < k.length {
			kind, rng.Offset, rng.Length = Missing, k.offset+avail, k.length-avail
			why = fmt.Errorf("the segment ends at %d, inside the frame at %d", size, k.offset)
		}
		d := k.damage(kind, "")
		d.Range = rng
		if len(bad) == 0 {
			d.Intact = true
		} else {
			d.Messages = bad
			if s, ok := sums[bad[0]]; ok {
				d.Found = &s
			}
		}
		d.Text = describe(why)
		o.damage = append(o.damage, d)
	}
}

func describe(err error) string {
	switch {
	case errors.Is(err, errTorn), errors.Is(err, io.ErrUnexpectedEOF):
		return "the frame is cut short"
	case errors.Is(err, errFrame):
		return "there is no frame"
	case errors.Is(err, zstd.ErrCRCMismatch):
		return "the frame does not match its checksum"
	case errors.Is(err, errHeader):
		return "an entry header differs"
	}
	return err.Error()
}

// unknown reads what no row names, from off up to end, and returns where it
// stopped. In an archive that is compared with itself this is everything.
func (v *verifier) unknown(f io.ReaderAt, seg int, off, end int64) int64 {
	dec := <-v.slots
	defer func() { v.slots <- dec }()
	var o outcome
	if n, err := blankAt(f, off, end); n > 0 || err != nil {
		v.deliver(outcome{err: err})
		if err != nil {
			return end
		}
		return off + n
	}
	var entries []found
	n, err := wholeFrame(f, dec, off, end, &entries)
	next := off + n
	switch {
	case err != nil && isIO(err):
		o.err = err
		next = end
	case err != nil:
		at, rerr := resync(f, dec, off, n, end)
		if rerr != nil {
			o.err = rerr
		}
		next = at
		d := Damage{Kind: Added, Range: Range{seg, off, at - off}, Messages: []Ref{}, Text: "octets that are no frame, and that nothing refers to"}
		if v.own {
			d.Kind, d.Text = Altered, describe(err)
		}
		var ae *AlteredError
		for _, e := range entries {
			if e.sum != e.ref {
				d.Messages = append(d.Messages, e.ref)
				o.lost++
			}
		}
		if len(d.Messages) == 0 {
			d.Intact = len(entries) > 0
			for _, e := range entries {
				d.Messages = append(d.Messages, e.ref)
			}
		}
		if errors.As(err, &ae) {
			d.Found = &ae.Found
			d.Text = "the octets of the message differ"
		}
		o.damage = append(o.damage, d)
	case v.own:
		o.frames, o.sound = 1, len(entries)
	default:
		o.frames = 1
		for _, e := range entries {
			o.strange = append(o.strange, stranger{
				Entry: Entry{e.ref, e.size, Place{seg, off, n, e.offset}},
				damage: Damage{Kind: Added, Range: Range{seg, off, n}, Messages: []Ref{e.ref},
					Text: "a frame that nothing refers to"},
			})
		}
	}
	v.deliver(o)
	return next
}

// settleAdded tells repetitions from additions, with a second look at what is known.
func (v *verifier) settleAdded(known iter.Seq2[Known, error]) error {
	if len(v.strange) == 0 {
		return nil
	}
	open := map[Ref]bool{}
	for _, s := range v.strange {
		open[s.Ref] = true
	}
	for k, err := range known {
		if err != nil {
			return err
		}
		delete(open, k.Ref)
	}
	var last *Damage
	for _, s := range v.strange {
		if !open[s.Ref] {
			continue
		}
		if last != nil && last.Range == s.damage.Range {
			last.Messages = append(last.Messages, s.Ref)
			continue
		}
		if last != nil {
			v.stats.Damages++
			v.report(*last)
		}
		d := s.damage
		last = &d
	}
	if last != nil {
		v.stats.Damages++
		v.report(*last)
	}
	return nil
}
