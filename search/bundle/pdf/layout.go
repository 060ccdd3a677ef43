package pdf

import "math"

// Color is 24 bits of red, green and blue; the zero Color is none.
type Color uint32

// RGB makes a Color.
func RGB(rgb uint32) Color { return Color(rgb&0xFFFFFF | 1<<24) }

// Style is how text looks. Size and Leading, the height of a line, are in points.
type Style struct {
	Font          Font
	Size, Leading float64
	Color         Color // none is black
}

// Span is a stretch of a paragraph.
type Span struct {
	Text    string
	Style   Style  // the zero Style is the paragraph's
	Mark    Color  // behind it, with a dotted line below for grey printers
	Strike  bool   // struck through
	Link    string // the Dest it leads to
	Page    string // a Dest: the number of its page is written here, over a text as wide as it may get
	Isolate bool   // its direction is its own, as of a name between our words
}

// Box is drawn behind a block.
type Box struct {
	Fill, Stroke Color
	Dashed       bool
	Radius       float64
	Bar          Color // a line along the left side only
}

// Align is where the lines of a paragraph stand.
type Align int

// Start is the left, for text from right to left the right.
const (
	Start Align = iota
	End
	Center
)

// Block is something that can be laid out.
type Block interface {
	// layout puts the block into f at x, y, w wide, and returns its height. The
	// parent is nil for what is no part of the text.
	layout(d *Document, f *frame, x, y, w float64, parent *elem) float64
	// lead is the space above.
	lead() float64
}

// Para is a paragraph. Line breaks in its spans break its lines.
type Para struct {
	Style         Style
	Spans         []Span
	Tag           string // of the structure; "" is P, Artifact is no part of the text
	Dest          string
	Bookmark      string
	Level         int // of the bookmark, 0 the highest
	Align         Align
	Box           *Box
	Pad           [2]float64 // between box and text: left and right, above and below
	Hug           bool       // the box is as wide as the text
	Before, After float64
	Keep          float64 // that must be free below on the same page
}

// Group is blocks below each other that are kept together.
type Group struct {
	Blocks        []Block
	Tag           string // "" is no element of its own
	Box           *Box
	Pad           [4]float64 // above, right, below, left
	Before, After float64
	Keep          float64
	Dest          string
	Bookmark      string
	Level         int
}

// Row is columns beside each other.
type Row struct {
	Cols          []Col
	Gap           float64 // between columns
	Tag           string  // "" is no element of its own
	Rule          Color   // a line below
	Before, After float64
	Dest          string
}

// Col is a column; its Width in points, 0 is a share of what is left.
type Col struct {
	Width  float64
	Blocks []Block
	Tag    string
}

// frame is a block laid out: what may be cut between two lines but not in one.
type frame struct {
	height float64
	lead   float64 // space above, not wanted at the top of a page
	keep   float64
	lines  []placed
	boxes  []drawnBox
	dests  []dest
	marks  []bookmark
}

type placed struct {
	l         *line
	x, top, h float64
	base      float64 // from top to baseline
	elem      *elem
}

type drawnBox struct {
	Box
	x, top, w, h        float64
	openTop, openBottom bool
}

func (f *frame) anchor(y float64, name, title string, level int) {
	if name != "" {
		f.dests = append(f.dests, dest{name: name, y: y})
	}
	if title != "" {
		f.marks = append(f.marks, bookmark{level: level, title: title, y: y})
	}
}

func (p *Para) layout(d *Document, f *frame, x, y, w float64, parent *elem) float64 {
	top := y + p.Before
	f.keep = max(f.keep, p.Keep)
	f.anchor(top, p.Dest, p.Bookmark, p.Level)
	d.inspect(p.Bookmark)
	spans := make([]Span, len(p.Spans))
	for i, s := range p.Spans {
		if s.Style == (Style{}) {
			s.Style = p.Style
		}
		if s.Page != "" {
			s.Text = "0000"
		}
		spans[i] = s
	}
	e := d.child(parent, p.Tag, "P")
	at, wide := top+p.Pad[1], 0.0
	first := len(f.lines)
	room := max(w-2*p.Pad[0], 1)
	for _, para := range d.ts.split(spans) {
		for _, l := range para.lines(room) {
			wide = max(wide, l.width)
			f.lines = append(f.lines, placed{l: l, x: x + p.Pad[0], top: at, h: p.Style.Leading, base: p.Style.Leading/2 + 0.355*p.Style.Size, elem: e})
			at += p.Style.Leading
		}
	}
	if p.Hug {
		room = min(room, wide)
	}
	for i := first; i < len(f.lines); i++ {
		l := f.lines[i].l
		l.right = p.Align == End
		end := p.Align == End
		if p.Align == Start {
			end = l.rtl
		}
		switch {
		case p.Align == Center:
			f.lines[i].x += (room - l.width) / 2
		case end:
			f.lines[i].x += room - l.width
		}
		f.lines[i].x -= l.lead
	}
	at += p.Pad[1]
	if p.Box != nil {
		f.boxes = append(f.boxes, drawnBox{Box: *p.Box, x: x, top: top, w: room + 2*p.Pad[0], h: at - top})
	}
	return at + p.After - y
}

// child makes an element, unless this is no part of the text.
func (d *Document) child(parent *elem, tag, otherwise string) *elem {
	if tag == "" {
		tag = otherwise
	}
	switch {
	case tag == "Artifact":
		return nil
	case parent == nil || tag == "":
		return parent
	}
	attr := ""
	if tag == "TH" {
		attr = "/A<</O/Table/Scope/Column>>"
	}
	e := d.elem(parent, tag, attr)
	d.pending = append(d.pending, e)
	return e
}

func (g *Group) layout(d *Document, f *frame, x, y, w float64, parent *elem) float64 {
	top := y + g.Before
	f.keep = max(f.keep, g.Keep)
	f.anchor(top, g.Dest, g.Bookmark, g.Level)
	d.inspect(g.Bookmark)
	e := d.child(parent, g.Tag, "")
	box := len(f.boxes)
	if g.Box != nil {
		f.boxes = append(f.boxes, drawnBox{})
	}
	at := top + g.Pad[0]
	for _, b := range g.Blocks {
		at += b.layout(d, f, x+g.Pad[3], at, w-g.Pad[1]-g.Pad[3], e)
	}
	at += g.Pad[2]
	if g.Box != nil {
		f.boxes[box] = drawnBox{Box: *g.Box, x: x, top: top, w: w, h: at - top}
	}
	return at + g.After - y
}

func (r *Row) layout(d *Document, f *frame, x, y, w float64, parent *elem) float64 {
	top := y + r.Before
	f.anchor(top, r.Dest, "", 0)
	e := d.child(parent, r.Tag, "")
	free, shares := w-r.Gap*float64(len(r.Cols)-1), 0
	for _, c := range r.Cols {
		free -= c.Width
		if c.Width == 0 {
			shares++
		}
	}
	h := 0.0
	at := x
	for _, c := range r.Cols {
		cw := c.Width
		if cw == 0 {
			cw = max(free/float64(shares), 1)
		}
		ce := d.child(e, c.Tag, "")
		cy := top
		for _, b := range c.Blocks {
			cy += b.layout(d, f, at, cy, cw, ce)
		}
		h = max(h, cy-top)
		at += cw + r.Gap
	}
	if r.Rule != 0 {
		f.boxes = append(f.boxes, drawnBox{Box: Box{Fill: r.Rule}, x: x, top: top + h, w: w, h: 0.5})
		h += 0.5
	}
	return r.Before + h + r.After
}

// Rule is a line across.
type Rule struct {
	Color         Color
	Before, After float64
}

func (r *Rule) layout(d *Document, f *frame, x, y, w float64, parent *elem) float64 {
	f.boxes = append(f.boxes, drawnBox{Box: Box{Fill: r.Color}, x: x, top: y + r.Before, w: w, h: 0.5})
	return r.Before + 0.5 + r.After
}

func (p *Para) lead() float64 { return p.Before }
func (g *Group) lead() float64 {
	if g.Box == nil && g.Pad[0] == 0 && len(g.Blocks) > 0 {
		return g.Before + g.Blocks[0].lead()
	}
	return g.Before
}
func (r *Row) lead() float64  { return r.Before }
func (r *Rule) lead() float64 { return r.Before }

// place draws a frame on this page and as many as it needs.
func (d *Document) place(f *frame) {
	if d.page == nil {
		d.turn()
	}
	for {
		start := d.page.head
		fresh := d.y <= start+0.01
		if fresh {
			f.shift(f.lead)
		}
		room, full := d.bottom()-d.y, d.bottom()-start
		need := f.height
		if !fresh {
			need = min(f.height+f.keep, full)
		}
		if need <= room+0.01 {
			d.draw(f)
			d.y += f.height
			return
		}
		if !fresh && (f.height <= full || room < full/4) {
			d.turn()
			continue
		}
		rest := f.cut(room, fresh)
		if rest != nil {
			d.draw(f)
		}
		if rest == nil {
			if fresh { // boxes only, higher than a page
				d.draw(f)
				d.y = d.bottom()
				return
			}
			rest = f
		}
		f = rest
		d.turn()
	}
}

// shift takes the space above away.
func (f *frame) shift(by float64) {
	f.lead = 0
	if by == 0 {
		return
	}
	f.height -= by
	for i := range f.lines {
		f.lines[i].top -= by
	}
	for i := range f.boxes {
		f.boxes[i].top -= by
	}
	for i := range f.dests {
		f.dests[i].y -= by
	}
	for i := range f.marks {
		f.marks[i].y -= by
	}
}

// cut leaves in f what fits into room and returns the rest; nil when no line fits.
// must leaves at least one line, whether it fits or not.
func (f *frame) cut(room float64, must bool) *frame {
	rest := &frame{keep: f.keep}
	var fit []placed
	end, base := 0.0, math.Inf(1)
	for _, l := range f.lines {
		if l.top+l.h <= room || must && len(fit) == 0 {
			fit = append(fit, l)
			end = max(end, l.top+l.h)
		} else {
			rest.lines = append(rest.lines, l)
			base = min(base, l.top)
		}
	}
	if len(fit) == 0 || len(rest.lines) == 0 {
		return nil
	}
	var boxes []drawnBox
	for _, b := range f.boxes {
		low := b.top + b.h
		if b.top < end && b.top < base || low <= base {
			a := b
			if low > end {
				a.h, a.openBottom = min(low, end+3)-b.top, low > base
			}
			boxes = append(boxes, a)
		}
		if low > base {
			a := b
			if b.top < base {
				a.top, a.openTop = base-3, true
				a.h = low - a.top
			}
			rest.boxes = append(rest.boxes, a)
		}
	}
	var dests []dest
	for _, x := range f.dests {
		if x.y < base {
			dests = append(dests, x)
		} else {
			rest.dests = append(rest.dests, x)
		}
	}
	var marks []bookmark
	for _, x := range f.marks {
		if x.y < base {
			marks = append(marks, x)
		} else {
			rest.marks = append(rest.marks, x)
		}
	}
	f.lines, f.boxes, f.dests, f.marks = fit, boxes, dests, marks
	rest.height = f.height
	rest.shift(base - 3)
	return rest
}
