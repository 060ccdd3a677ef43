// Package pdf writes PDF files of shaped text: paragraphs, rows of columns and boxes
// that flow over A4 pages. It is small because it can do nothing else.
//
// Text is shaped with HarfBuzz's rules, runs in both directions, and takes glyphs
// from fallback fonts; what no font has is drawn as its name and number and searched
// as what it is. Characters that cannot be seen or turn the direction of others are
// drawn as their number. All fonts are embedded as subsets. The file is tagged,
// has bookmarks, links within itself and page numbers, and holds no program, no
// form, no attachment and no address of anything outside.
//
// Pages are written as they fill. What is held until Close grows with the pages by
// some hundred octets each and with links and bookmarks, not with the text. The same
// calls give the same bytes: no clock, no random number, no map order.
//
// Lengths are in points, 1/72 inch; y grows downwards.
package pdf

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Paper is the size of a page.
type Paper struct{ Width, Height float64 }

// The sizes there are.
var (
	A4     = Paper{595.28, 841.89}
	Letter = Paper{612, 792}
)

// The margins of a page; the foot stands within the lower one.
const marginLeft, marginRight, marginTop, marginBottom, footHeight = 51.0, 51.0, 50.0, 65.89, 41.89

// Options says what a document is.
type Options struct {
	Title    string
	Lang     string            // BCP 47; "" means en-GB
	Producer string            // the program
	Created  time.Time         // zero leaves it out
	Footer   string            // at the left of each page's foot
	Paper    Paper             // the zero Paper is A4
	First    int               // number of the first page; 0 means 1
	Number   string            // of a page at the right of its foot, from its number and the last one's; "" means "%d / %d"
	Inspect  func(text string) // sees the text of every paragraph, bookmark and title before it is written
}

// ErrNoDestination: a link leads to a name that nothing in the document has.
var ErrNoDestination = errors.New("link without destination")

// Document is a file being written. It is not safe for concurrent use.
type Document struct {
	o      *objects
	opt    Options
	ts     typesetter
	faces  map[int]*face
	pages  []ref
	groups []ref // of page tree nodes, one for each fan pages
	page   *canvas
	y      float64
	repeat *Row // drawn again at the top of each page

	root, resources, tree, structRoot ref
	open                              []*elem // from the document down
	pending                           []*elem // complete after this Add
	parents                           []ref   // by key of the parent tree
	dests                             []dest
	wanted                            map[string]bool
	marks                             []bookmark
	mark                              []bookmark // to be placed with the next block
	feet                              []foot
	closed                            bool
}

type dest struct {
	name string
	page int
	y    float64
}

type bookmark struct {
	level int
	title string
	page  int
	y     float64
}

// fan is how many kids a node of the page tree and the parent tree has.
const fan = 50

// New starts a document on w.
func New(w io.Writer, opt Options) *Document {
	if opt.Lang == "" {
		opt.Lang = "en-GB"
	}
	if opt.Paper == (Paper{}) {
		opt.Paper = A4
	}
	opt.First = max(opt.First, 1)
	if opt.Number == "" {
		opt.Number = "%d / %d"
	}
	d := &Document{o: newObjects(w), opt: opt, faces: map[int]*face{}, wanted: map[string]bool{}}
	d.ts.inspect = opt.Inspect
	d.inspect(opt.Title)
	d.inspect(opt.Producer)
	d.ts.face = func(id int) *face {
		f := d.faces[id]
		if f == nil {
			f = newFace(id, d.o.alloc())
			d.faces[id] = f
		}
		return f
	}
	d.root, d.resources, d.tree, d.structRoot = d.o.alloc(), d.o.alloc(), d.o.alloc(), d.o.alloc()
	d.open = []*elem{{ref: d.o.alloc(), parent: d.structRoot, tag: "Document"}}
	return d
}

// Pages is how many pages have been begun.
func (d *Document) Pages() int { return len(d.pages) }

// Unshown is how many characters no font had: they were drawn as name and number.
func (d *Document) Unshown() int { return d.ts.unshown }

// Destinations tells on which page each destination lies, by the number printed there.
func (d *Document) Destinations() map[string]int {
	out := map[string]int{}
	for _, x := range d.dests {
		if out[x.name] == 0 {
			out[x.name] = x.page + d.opt.First
		}
	}
	return out
}

func (d *Document) inspect(text string) {
	if d.opt.Inspect != nil && text != "" {
		d.opt.Inspect(text)
	}
}

// Mark puts a bookmark at what is added next.
func (d *Document) Mark(title string, level int) {
	d.inspect(title)
	d.mark = append(d.mark, bookmark{level: level, title: title})
}

func (d *Document) width() float64  { return d.opt.Paper.Width - marginLeft - marginRight }
func (d *Document) bottom() float64 { return d.opt.Paper.Height - marginBottom }

// Begin opens a structure element, such as Sect or Table, around the blocks up to
// End. A header is drawn again on each page that begins within.
func (d *Document) Begin(tag string, header *Row) {
	d.open = append(d.open, d.elem(d.top(), tag, ""))
	if header != nil {
		d.Add(header)
		d.repeat = header
	}
}

// End closes what Begin opened last.
func (d *Document) End() {
	if n := len(d.open) - 1; n > 0 {
		d.o.elem(d.open[n])
		d.open = d.open[:n]
		d.repeat = nil
	}
}

func (d *Document) top() *elem { return d.open[len(d.open)-1] }

// elem makes an element below parent. Those that Begin opened are written by End,
// all others when their block is drawn.
func (d *Document) elem(parent *elem, tag, attr string) *elem {
	e := &elem{ref: d.o.alloc(), parent: parent.ref, tag: tag, attr: attr}
	parent.kids = append(parent.kids, e.ref.String())
	return e
}

// Add lays a block out below what is there. It stays in one piece unless it is
// higher than a page.
func (d *Document) Add(b Block) error {
	f := &frame{lead: b.lead(), marks: d.mark}
	d.mark = nil
	f.height = b.layout(d, f, marginLeft, 0, d.width(), d.top())
	d.place(f)
	for _, e := range d.pending {
		d.o.elem(e)
	}
	d.pending = d.pending[:0]
	return d.o.err
}

// Room is what is free on the page.
func (d *Document) Room() float64 {
	if d.page == nil {
		return d.bottom() - marginTop
	}
	return d.bottom() - d.y
}

// NewPage begins a page unless nothing is on this one.
func (d *Document) NewPage() {
	if d.page != nil && d.y > marginTop {
		d.turn()
	}
}

func (d *Document) turn() {
	d.finishPage()
	if len(d.pages)%fan == 0 {
		d.groups = append(d.groups, d.o.alloc())
	}
	p := d.o.alloc()
	d.pages = append(d.pages, p)
	d.page = &canvas{ref: p, key: len(d.parents), head: marginTop, high: d.opt.Paper.Height}
	d.parents = append(d.parents, 0)
	d.y = marginTop
	if d.repeat != nil {
		head := d.repeat
		f := &frame{lead: head.Before}
		d.repeat = nil
		f.height = head.layout(d, f, marginLeft, 0, d.width(), nil)
		d.place(f)
		d.repeat = head
	}
	d.page.head = d.y
}

// finishPage writes a page but for its foot, which needs the number of pages.
func (d *Document) finishPage() {
	c := d.page
	if c == nil {
		return
	}
	content := d.o.alloc()
	d.o.stream(content, "", c.buf)
	foot := foot{d.o.alloc(), c.late}
	d.feet = append(d.feet, foot)
	d.parents[c.key] = d.o.add("[" + refs(c.tagged) + "]")
	annots := ""
	if len(c.annots) > 0 {
		annots = "/Annots[" + refs(c.annots) + "]"
	}
	d.o.put(c.ref, fmt.Sprintf("<</Type/Page/Parent %v/MediaBox[0 0 %v %v]/Resources %v/Contents[%v %v]/StructParents %d/Tabs/S%s>>",
		d.groups[len(d.groups)-1], num(d.opt.Paper.Width), num(d.opt.Paper.Height), d.resources, content, foot.ref, c.key, annots))
	d.page = nil
}

func refs(rs []ref) string {
	var b strings.Builder
	for i, r := range rs {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.String())
	}
	return b.String()
}

// Close writes everything that had to wait. It does not close the writer.
func (d *Document) Close() error {
	if d.closed {
		return d.o.err
	}
	d.closed = true
	if d.page == nil && len(d.pages) == 0 {
		d.turn()
	}
	d.finishPage()
	for len(d.open) > 1 {
		d.End()
	}
	o := d.o
	pageOf := d.Destinations()
	for i, f := range d.feet {
		d.footer(f, i+d.opt.First, pageOf)
	}
	d.pageTree()
	o.elem(d.open[0])
	var nums []string
	for k, r := range d.parents {
		nums = append(nums, fmt.Sprintf("%d %v", k, r))
	}
	parentTree := d.leaves(nums, "Nums", func(i int) string { return strconv.Itoa(i) })
	o.put(d.structRoot, fmt.Sprintf("<</Type/StructTreeRoot/K %v/ParentTree %v/ParentTreeNextKey %d>>", d.open[0].ref, parentTree, len(d.parents)))

	names, err := d.destinations()
	if err != nil {
		return err
	}
	outlines := d.outlines()
	var ids []int
	for id := range d.faces {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var fonts strings.Builder
	for _, id := range ids {
		if err := d.faces[id].write(o); err != nil {
			return err
		}
		fmt.Fprintf(&fonts, "/F%d %v", id, d.faces[id].ref)
	}
	o.put(d.resources, "<</Font<<"+fonts.String()+">>>>")
	date, xdate := "", ""
	if !d.opt.Created.IsZero() {
		date = "/CreationDate(D:" + d.opt.Created.UTC().Format("20060102150405") + "Z)"
		xdate = "<xmp:CreateDate>" + d.opt.Created.UTC().Format(time.RFC3339) + "</xmp:CreateDate>"
	}
	info := o.add("<</Title " + text(d.opt.Title) + "/Producer " + text(d.opt.Producer) + date + ">>")
	meta := o.alloc()
	o.rawStream(meta, "/Type/Metadata/Subtype/XML", []byte(fmt.Sprintf("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"+
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">`+
		`<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title><pdf:Producer>%s</pdf:Producer>%s</rdf:Description></rdf:RDF></x:xmpmeta>`+"\n<?xpacket end=\"r\"?>", xmlText(d.opt.Title), xmlText(d.opt.Producer), xdate)))
	o.put(d.root, fmt.Sprintf("<</Type/Catalog/Pages %v/Lang %s/MarkInfo<</Marked true>>/StructTreeRoot %v/Metadata %v%s%s/ViewerPreferences<</DisplayDocTitle true>>/PageLabels<</Nums[0<</S/D/St %d>>]>>/OpenAction[%v/XYZ null null 1]>>",
		d.tree, text(d.opt.Lang), d.structRoot, meta, names, outlines, d.opt.First, d.pages[0]))
	return o.finish(d.root, info)
}

// leaves writes a name or number tree with one level below its root. Entries are
// sorted; key is the key of entry i.
func (d *Document) leaves(entries []string, kind string, key func(i int) string) ref {
	var kids []ref
	for i := 0; i < len(entries); i += fan {
		end := min(len(entries), i+fan)
		kids = append(kids, d.o.add(fmt.Sprintf("<</Limits[%s %s]/%s[%s]>>", key(i), key(end-1), kind, strings.Join(entries[i:end], " "))))
	}
	return d.o.add("<</Kids[" + refs(kids) + "]>>")
}

func (d *Document) pageTree() {
	for i, g := range d.groups {
		kids := d.pages[i*fan : min(len(d.pages), (i+1)*fan)]
		d.o.put(g, fmt.Sprintf("<</Type/Pages/Parent %v/Count %d/Kids[%s]>>", d.tree, len(kids), refs(kids)))
	}
	d.o.put(d.tree, fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(d.pages), refs(d.groups)))
}

// name writes the name of a destination: letters and digits, whatever it is called.
func name(s string) string { return fmt.Sprintf("<%x>", s) }

func (d *Document) destinations() (string, error) {
	slices.SortFunc(d.dests, func(a, b dest) int { return cmp.Compare(a.name, b.name) })
	d.dests = slices.CompactFunc(d.dests, func(a, b dest) bool { return a.name == b.name })
	have := map[string]bool{}
	var entries []string
	for _, x := range d.dests {
		have[x.name] = true
		entries = append(entries, fmt.Sprintf("%s[%v/XYZ null %s null]", name(x.name), d.pages[x.page], num(d.opt.Paper.Height-x.y)))
	}
	var missing []string
	for n := range d.wanted {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%w: %q", ErrNoDestination, slices.Min(missing))
	}
	if len(entries) == 0 {
		return "", nil
	}
	return fmt.Sprintf("/Names<</Dests %v>>", d.leaves(entries, "Names", func(i int) string { return name(d.dests[i].name) })), nil
}

// outlines writes the bookmarks, each with its page number.
func (d *Document) outlines() string {
	if len(d.marks) == 0 {
		return ""
	}
	root := d.o.alloc()
	nodes := make([]ref, len(d.marks))
	for i := range nodes {
		nodes[i] = d.o.alloc()
	}
	type place struct{ parent, prev, next, first, last, kids int }
	at := make([]place, len(d.marks)+1) // the root is 0
	var stack []int
	for i, m := range d.marks {
		n := i + 1
		for len(stack) > 0 && d.marks[stack[len(stack)-1]-1].level >= m.level {
			stack = stack[:len(stack)-1]
		}
		up := 0
		if len(stack) > 0 {
			up = stack[len(stack)-1]
		}
		at[n].parent = up
		if prev := at[up].last; prev > 0 {
			at[prev].next, at[n].prev = n, prev
		} else {
			at[up].first = n
		}
		at[up].last = n
		at[up].kids++
		stack = append(stack, n)
	}
	for i, m := range d.marks {
		p := at[i+1]
		parent, rest := root, ""
		if p.parent > 0 {
			parent = nodes[p.parent-1]
		}
		if p.prev > 0 {
			rest += fmt.Sprintf("/Prev %v", nodes[p.prev-1])
		}
		if p.next > 0 {
			rest += fmt.Sprintf("/Next %v", nodes[p.next-1])
		}
		if p.first > 0 { // closed
			rest += fmt.Sprintf("/First %v/Last %v/Count %d", nodes[p.first-1], nodes[p.last-1], -p.kids)
		}
		d.o.put(nodes[i], fmt.Sprintf("<</Title %s/Parent %v/Dest[%v/XYZ null %s null]%s>>", text(fmt.Sprintf("%s, p. %d", m.title, m.page+d.opt.First)), parent, d.pages[m.page], num(d.opt.Paper.Height-m.y), rest))
	}
	d.o.put(root, fmt.Sprintf("<</Type/Outlines/First %v/Last %v/Count %d>>", nodes[at[0].first-1], nodes[at[0].last-1], at[0].kids))
	return fmt.Sprintf("/Outlines %v/PageMode/UseOutlines", root)
}

// foot is what of a page has to wait until all pages are known.
type foot struct {
	ref  ref
	late []late
}

// late is the number of a page that is not known yet, and where it is to stand.
type late struct {
	dest        string
	style       Style
	x, width, y float64
	right       bool // it ends at x+width instead of beginning at x
	id          int  // marked content; -1 for no part of the text
	tag         string
}

// footer writes page numbers: those that the page's text gives of others, and its
// own foot, which is an artifact.
func (d *Document) footer(f foot, n int, pageOf map[string]int) {
	c := &canvas{high: d.opt.Paper.Height}
	for _, t := range f.late {
		if t.id >= 0 {
			c.op("/%s<</MCID %d>>BDC\n", t.tag, t.id)
		} else {
			c.op("/Artifact BMC\n")
		}
		l := d.ts.split([]Span{{Text: strconv.Itoa(pageOf[t.dest]), Style: t.style}})[0].lines(1000)[0]
		x := t.x
		if t.right {
			x += t.width - l.width
		}
		c.line(d, l, x, c.high-t.y, nil, nil)
		c.op("EMC\n")
	}
	c.op("/Artifact<</Type/Pagination/Subtype/Footer>>BDC\n")
	style := Style{Font: Sans, Size: 7.5, Leading: 10, Color: RGB(0x6B645A)}
	for i, s := range []string{d.opt.Footer, fmt.Sprintf(d.opt.Number, n, len(d.pages)+d.opt.First-1)} {
		if s == "" {
			continue
		}
		ls := d.ts.split([]Span{{Text: s, Style: style}})[0].lines(d.width() - 100)
		x := marginLeft
		if i == 1 {
			x = d.opt.Paper.Width - marginRight - ls[0].width
		}
		c.line(d, ls[0], x, c.high-footHeight, nil, nil)
	}
	c.op("EMC\n")
	d.o.stream(f.ref, "", c.buf)
}

func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
