package pdf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

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

func (d *Document) draw(f *frame) {
	c := d.page
	if len(f.boxes) > 0 {
		c.buf = append(c.buf, "/Artifact BMC\n"...)
		for _, b := range f.boxes {
			b.top += d.y
			c.box(b)
		}
		c.buf = append(c.buf, "EMC\n"...)
	}
	for _, l := range f.lines {
		c.line(d, l.l, l.x, d.y+l.top+l.base, l.elem, d.page)
	}
	n := len(d.pages) - 1
	for _, x := range f.dests {
		d.dests = append(d.dests, dest{x.name, n, d.y + x.y})
	}
	for _, m := range f.marks {
		d.marks = append(d.marks, bookmark{m.level, m.title, n, d.y + m.y})
	}
}

// canvas is the content of a page.
type canvas struct {
	ref    ref
	key    int // in the parent tree
	buf    []byte
	head   float64 // where the text begins below a repeated header
	high   float64 // of the page
	late   []late
	tagged []ref // by marked-content identifier
	annots []ref
}

func (c *canvas) op(format string, args ...any) { c.buf = fmt.Appendf(c.buf, format, args...) }

func (c *canvas) color(x Color, op string) {
	for _, shift := range []uint{16, 8, 0} {
		c.buf = strconv.AppendFloat(c.buf, math.Round(float64(x>>shift&0xFF)/255*1000)/1000, 'f', -1, 64)
		c.buf = append(c.buf, ' ')
	}
	c.buf = append(c.buf, op...)
	c.buf = append(c.buf, '\n')
}

// box draws a rectangle, with round corners where it is not cut.
func (c *canvas) box(b drawnBox) {
	if b.Bar != 0 {
		c.color(b.Bar, "RG")
		c.op("1.5 w %s %s m %s %s l S\n", num(b.x), num(c.high-b.top), num(b.x), num(c.high-b.top-b.h))
	}
	if b.Fill == 0 && b.Stroke == 0 {
		return
	}
	op := "f"
	if b.Fill != 0 {
		c.color(b.Fill, "rg")
	}
	if b.Stroke != 0 {
		c.color(b.Stroke, "RG")
		op = "B"
		if b.Fill == 0 {
			op = "S"
		}
		dash := "[]0 d"
		if b.Dashed {
			dash = "[2 2]0 d"
		}
		c.op("0.7 w %s\n", dash)
	}
	x0, x1, y0, y1 := b.x, b.x+b.w, c.high-b.top-b.h, c.high-b.top
	r := min(b.Radius, b.w/2, b.h/2)
	if r <= 0 {
		c.op("%s %s %s %s re %s\n", num(x0), num(y0), num(b.w), num(b.h), op)
		return
	}
	k := r * 0.4477 // what makes a Bézier curve a quarter of a circle
	up, low := r, r
	if b.openTop {
		up = 0
	}
	if b.openBottom {
		low = 0
	}
	corner := func(cond float64, ax, ay, bx, by, cx, cy float64) {
		if cond > 0 {
			c.op("%s %s %s %s %s %s c\n", num(ax), num(ay), num(bx), num(by), num(cx), num(cy))
		}
	}
	c.op("%s %s m %s %s l\n", num(x0), num(y0+low), num(x0), num(y1-up))
	corner(up, x0, y1-k, x0+k, y1, x0+r, y1)
	c.op("%s %s l\n", num(x1-up), num(y1))
	corner(up, x1-k, y1, x1, y1-k, x1, y1-r)
	c.op("%s %s l\n", num(x1), num(y0+low))
	corner(low, x1, y0+k, x1-k, y0, x1-r, y0)
	c.op("%s %s l\n", num(x0+low), num(y0))
	corner(low, x0+k, y0, x0, y0+k, x0, y0+r)
	c.op("h %s\n", op)
	if b.Dashed {
		c.op("[]0 d\n")
	}
}

// line draws text with its baseline at y. Without an element it is marked as no
// part of the text, unless page is nil: then whoever called has done so.
func (c *canvas) line(d *Document, l *line, x, y float64, e *elem, page *canvas) {
	if len(l.clusters) == 0 {
		return
	}
	y = c.high - y
	type piece struct {
		from, to int
		x, w     float64
	}
	var pieces []piece
	at := x
	for i := 0; i < len(l.clusters); {
		p := piece{from: i, x: at}
		for i < len(l.clusters) && l.clusters[i].face == l.clusters[p.from].face && l.clusters[i].span == l.clusters[p.from].span {
			p.w += l.clusters[i].width
			i++
		}
		p.to = i
		at += p.w
		pieces = append(pieces, p)
	}
	marked := false
	for _, p := range pieces {
		s := &l.p.spans[l.clusters[p.from].span]
		if s.Mark == 0 && !s.Strike {
			continue
		}
		for j := p.to - 1; j >= p.from && p.to == len(l.clusters) && !l.rtl && l.clusters[j].space; j-- {
			p.w -= l.clusters[j].width
		}
		if !marked && page != nil {
			c.op("/Artifact BMC\n")
		}
		marked = true
		if s.Mark != 0 {
			pad := 1.0
			if s.Mark&0xFF00 < 0x8000 { // dark: what stands beside it would be hidden
				pad = 0
			}
			c.color(s.Mark, "rg")
			c.op("%s %s %s %s re f\n", num(p.x-pad), num(y-0.28*s.Style.Size), num(p.w+2*pad), num(1.22*s.Style.Size))
			c.color(RGB(0x8A6A00), "RG")
			c.op("0.6 w [1 1.2]0 d %s %s m %s %s l S []0 d\n", num(p.x-1), num(y-0.28*s.Style.Size), num(p.x+p.w+1), num(y-0.28*s.Style.Size))
		}
		if s.Strike {
			c.color(s.Style.Color, "RG")
			c.op("0.7 w %s %s m %s %s l S\n", num(p.x), num(y+0.3*s.Style.Size), num(p.x+p.w), num(y+0.3*s.Style.Size))
		}
	}
	if marked && page != nil {
		c.op("EMC\n")
	}
	// Spans with a link are elements of their own.
	for i := 0; i < len(pieces); {
		link := l.p.spans[l.clusters[pieces[i].from].span].Link
		j := i
		for j < len(pieces) && l.p.spans[l.clusters[pieces[j].from].span].Link == link {
			j++
		}
		owner := e
		switch {
		case page == nil:
		case e == nil:
			c.op("/Artifact BMC\n")
		default:
			tag := e.tag
			if link != "" {
				owner = d.elem(e, "Link", "")
				d.pending = append(d.pending, owner)
				tag = "Link"
			}
			c.op("/%s<</MCID %d>>BDC\n", tag, len(c.tagged))
			owner.mark(c.ref, len(c.tagged))
			c.tagged = append(c.tagged, owner.ref)
		}
		c.op("BT\n")
		for _, p := range pieces[i:j] {
			s := &l.p.spans[l.clusters[p.from].span]
			if s.Page != "" && page != nil {
				t := late{dest: s.Page, style: s.Style, x: p.x, width: p.w, y: y, id: -1, right: l.right}
				if owner != nil {
					t.id, t.tag = len(c.tagged), owner.tag
					owner.mark(c.ref, t.id)
					c.tagged = append(c.tagged, owner.ref)
				}
				c.late = append(c.late, t)
				d.wanted[s.Page] = true
				continue
			}
			if s.Style.Color == 0 {
				c.op("0 0 0 rg\n")
			} else {
				c.color(s.Style.Color, "rg")
			}
			c.show(l.p, l.clusters[p.from:p.to], p.x, y)
		}
		c.op("ET\n")
		if page != nil {
			c.op("EMC\n")
		}
		if link != "" && page != nil && e != nil {
			first, last := pieces[i], pieces[j-1]
			size := l.p.spans[l.clusters[first.from].span].Style.Size
			var said []rune
			cs := slices.Clone(l.clusters[first.from:last.to])
			slices.SortFunc(cs, func(a, b cluster) int { return cmp.Compare(a.start, b.start) })
			for _, k := range cs {
				if l.p.spans[k.span].Page == "" {
					said = append(said, l.p.runes[k.start:k.end]...)
				}
			}
			if len(said) == 0 {
				said = []rune("page")
			}
			a := d.o.add(fmt.Sprintf("<</Type/Annot/Subtype/Link/Rect[%s %s %s %s]/Border[0 0 0]/F 4/Dest %s/Contents %s/P %v/StructParent %d>>",
				num(first.x-1), num(y-0.3*size), num(last.x+last.w+1), num(y+0.95*size), name(link), text("Go to "+string(said)), c.ref, len(d.parents)))
			d.parents = append(d.parents, owner.ref)
			owner.object(c.ref, a)
			c.annots = append(c.annots, a)
			d.wanted[link] = true
		}
		i = j
	}
}

// elem is a structure element (ISO 32000-1 section 14.7.2).
type elem struct {
	ref, parent ref
	tag, attr   string
	page        ref // of its first content
	kids        []string
}

func (e *elem) mark(page ref, id int) {
	if e.page == 0 {
		e.page = page
	}
	if e.page == page {
		e.kids = append(e.kids, strconv.Itoa(id))
		return
	}
	e.kids = append(e.kids, fmt.Sprintf("<</Type/MCR/Pg %v/MCID %d>>", page, id))
}

func (e *elem) object(page, obj ref) {
	e.kids = append(e.kids, fmt.Sprintf("<</Type/OBJR/Pg %v/Obj %v>>", page, obj))
}

func (o *objects) elem(e *elem) {
	b := fmt.Appendf(nil, "<</S/%s/P %v%s", e.tag, e.parent, e.attr)
	if e.page != 0 {
		b = fmt.Appendf(b, "/Pg %v", e.page)
	}
	b = append(b, "/K["...)
	for i, k := range e.kids {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, k...)
	}
	o.put(e.ref, string(append(b, "]>>"...)))
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func appendHex(b []byte, n uint16) []byte {
	const hex = "0123456789ABCDEF"
	return append(b, hex[n>>12], hex[n>>8&15], hex[n>>4&15], hex[n&15])
}

func round(f float64) int { return int(math.Floor(f + 0.5)) }
