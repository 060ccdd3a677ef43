package pdf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

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
