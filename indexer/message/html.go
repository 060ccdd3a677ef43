package message

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

const (
	maxOpenTags   = 400
	maxQuoteDepth = 12
	maxSearchTags = 60 // how far an end tag looks for its start tag
)

// htmlText converts HTML to text as people see it: blocks become lines, list
// items get "- " or their number, cells of a row are parted by a tab, quotations
// get "> ". What is not shown (style, script, preheader) is dropped. It reads
// tokens, builds no tree and takes time linear in the input.
func htmlText(s string) (string, marks) {
	w := &htmlWriter{fresh: true}
	z := html.NewTokenizer(strings.NewReader(s))
	for len(w.out) <= maxRaw {
		switch z.Next() {
		case html.ErrorToken:
			return w.close()
		case html.TextToken:
			if w.skip == "" && w.hidden == 0 {
				w.words(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := tagName(name)
			var at attrs
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				at.set(k, v)
			}
			w.open(tag, &at)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(tagName(name))
		}
	}
	return w.close()
}

// tagName gives the tags that matter without allocating.
func tagName(b []byte) string {
	switch string(b) {
	case "p":
		return "p"
	case "div":
		return "div"
	case "span":
		return "span"
	case "br":
		return "br"
	case "td":
		return "td"
	case "tr":
		return "tr"
	case "table":
		return "table"
	case "a":
		return "a"
	case "b":
		return "b"
	case "font":
		return "font"
	case "o:p":
		return "o:p"
	}
	return string(b)
}

type attrs struct {
	class, id, style, alt, typ, start string
	data                              string // data-marker, data-smartmail
	color, name                       string
	hidden                            bool
}

func (a *attrs) set(k, v []byte) {
	switch string(k) {
	case "class":
		a.class = string(v)
	case "id":
		a.id = string(v)
	case "style":
		a.style = string(v)
	case "alt":
		a.alt = string(v)
	case "type":
		a.typ = string(v)
	case "start":
		a.start = string(v)
	case "color":
		a.color = string(v)
	case "name":
		a.name = string(v)
	case "data-marker", "data-smartmail":
		a.data = string(v)
	case "hidden":
		a.hidden = true
	}
}

func (a *attrs) hasClass(names ...string) bool {
	for rest := a.class; rest != ""; {
		var c string
		c, rest, _ = strings.Cut(strings.TrimLeft(rest, " \t\n"), " ")
		for _, n := range names {
			if strings.EqualFold(c, n) {
				return true
			}
		}
	}
	return false
}

// invisible tells elements that mail programs do not show.
func (a *attrs) invisible() bool {
	if a.hidden || a.hasClass("preheader", "preview-text", "previewText") {
		return true
	}
	if a.style == "" {
		return false
	}
	s := strings.ToLower(strings.Map(dropSpace, a.style))
	return strings.Contains(s, "display:none") || strings.Contains(s, "visibility:hidden") || strings.Contains(s, "mso-hide:all") ||
		zeroProperty(s, "max-height:") || zeroProperty(s, "font-size:") || zeroProperty(s, "opacity:")
}

// zeroProperty tells whether a property is set to nought.
func zeroProperty(s, prop string) bool {
	i := strings.Index(s, prop)
	if i < 0 || i > 0 && s[i-1] == '-' {
		return false
	}
	v := s[i+len(prop):]
	return strings.HasPrefix(v, "0") && (len(v) == 1 || v[1] != '.' && !isDigit(v[1]))
}

type openTag struct {
	tag    string
	quote  bool
	hidden bool
	pre    bool
	hint   hint
	tint   tint
	tinted tint // which tints it speaks of
	list   int  // 0 none, -1 bullets, else the next number
	isList bool
	block  int
	cells  *row
}

type row struct {
	text  bool // the row has text
	multi bool // a cell of it has more than one line
}

type htmlWriter struct {
	out   []byte
	hints []hint
	stack []openTag

	fresh   bool // nothing written yet
	breaks  int  // line ends due before the next text
	space   bool // a space is due
	tab     bool // a cell boundary is due
	cell    bool // at the start of a cell that goes on with the row's line
	marker  string
	lineAt  int // where the text of the line begins, after the quote marks
	depth   int // blockquotes open
	last    int // depth of the last line
	hidden  int
	pre     int
	skip    string // raw text element whose content is not shown
	hint    hint   // of what is open
	tint    tint   // of what is open
	runs    []run
	sticky  hint // from here to the end
	lists   int
	dropped int // open tags beyond maxOpenTags
}

// marks are what the markup says of a text.
type marks struct {
	hints []hint // by line; nil for none
	runs  []run
}

func (w *htmlWriter) close() (string, marks) {
	w.trimLine()
	if len(w.out) > 0 && w.out[len(w.out)-1] != '\n' {
		w.out = append(w.out, '\n')
	}
	any := false
	for _, h := range w.hints {
		any = any || h != 0
	}
	if !any {
		w.hints = nil
	}
	return string(w.out), marks{w.hints, w.runs}
}

func (w *htmlWriter) trimLine() {
	n := len(w.out)
	for n > w.lineAt && w.out[n-1] == ' ' || n > w.lineAt && w.out[n-1] == '\t' {
		n--
	}
	// A quoted blank line is ">" alone.
	if n == w.lineAt && n > 0 && w.out[n-1] == ' ' {
		n--
	}
	w.out = w.out[:n]
}

// beginLine writes the line ends that are due and the quote marks.
func (w *htmlWriter) beginLine() {
	if !w.fresh {
		w.trimLine()
		between := min(w.last, w.depth)
		for i := range min(w.breaks, 3) {
			w.out = append(w.out, '\n')
			if i > 0 {
				// The blank line before belongs to what both sides have in common.
				w.hints = append(w.hints, w.lineHint())
			}
			if i < min(w.breaks, 3)-1 {
				for range min(between, maxQuoteDepth) {
					w.out = append(w.out, '>', ' ')
				}
				if between > 0 {
					w.out = w.out[:len(w.out)-1]
				}
			}
		}
	}
	w.hints = append(w.hints, w.lineHint())
	w.fresh, w.breaks, w.space, w.tab, w.cell = false, 0, false, false, false
	w.last = w.depth
	for range min(w.depth, maxQuoteDepth) {
		w.out = append(w.out, '>', ' ')
	}
	w.lineAt = len(w.out)
	if w.marker != "" {
		w.out = append(w.out, w.marker...)
		w.marker = ""
	}
}

func (w *htmlWriter) lineHint() hint {
	if w.sticky != 0 {
		return w.sticky
	}
	return w.hint
}

// due makes ready for text on the line.
func (w *htmlWriter) due() {
	broken := w.fresh || w.breaks > 0
	if broken {
		w.beginLine()
	}
	if w.marker != "" {
		w.out = append(w.out, w.marker...)
		w.marker = ""
	}
	if w.tab {
		w.out = append(w.out, '\t')
	} else if w.space && len(w.out) > w.lineAt && w.out[len(w.out)-1] != ' ' {
		w.out = append(w.out, ' ')
	}
	w.tab, w.space, w.cell = false, false, false
	if r := w.row(); r != nil {
		r.multi = r.multi || broken && r.text
		r.text = true
	}
}

// words writes text with white space folded.
func (w *htmlWriter) words(b []byte) {
	for len(b) > 0 {
		switch c := b[0]; {
		case c == '\n' && w.pre > 0:
			w.lineBreak()
			b = b[1:]
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			if w.pre > 0 && c != '\r' {
				w.due()
				w.out = append(w.out, ' ')
			} else if !w.fresh && w.breaks == 0 && !w.tab && !w.cell {
				w.space = true
			}
			b = b[1:]
		case c == 0xC2 && len(b) > 1 && b[1] == 0xA0: // no-break space: keeps a line open
			w.due()
			w.out = append(w.out, ' ')
			b = b[2:]
		default:
			n := 1
			for n < len(b) && b[n] > ' ' && !(b[n] == 0xC2 && n+1 < len(b) && b[n+1] == 0xA0) {
				n++
			}
			w.due()
			w.out = append(w.out, b[:n]...)
			w.ink(len(w.out) - n)
			b = b[n:]
		}
	}
}

func (w *htmlWriter) row() *row {
	for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-maxSearchTags; i-- {
		if w.stack[i].cells != nil {
			return w.stack[i].cells
		}
	}
	return nil
}

// block asks for n line ends before the next text.
func (w *htmlWriter) block(n int) {
	if w.fresh || w.cell || w.tab {
		return // blocks at the start of a cell do not break the row
	}
	w.space = false
	w.breaks = max(w.breaks, n)
}

func (w *htmlWriter) lineBreak() {
	if w.fresh {
		return
	}
	w.space = false
	w.breaks++
	if r := w.row(); r != nil && !w.cell {
		r.multi = true
	}
}

func (w *htmlWriter) open(tag string, a *attrs) {
	w.skip = ""
	switch tag {
	case "br":
		if w.hidden == 0 {
			w.lineBreak()
		}
		return
	case "hr":
		w.block(1)
		if a.data == "__DIVIDER__" {
			w.sticky = hintQuote // Zimbra
		}
		return
	case "img":
		// Emoji of web mailers are images.
		if w.hidden == 0 && a.alt != "" && len(a.alt) <= 16 && a.alt[0] >= 0x80 {
			w.due()
			w.out = append(w.out, a.alt...)
		}
		return
	case "area", "base", "col", "embed", "input", "link", "meta", "param", "source", "track", "wbr", "html", "body", "head":
		return
	case "style", "script", "title", "noscript", "iframe", "noembed", "noframes", "template", "object", "svg", "select":
		if tag != "template" && tag != "object" && tag != "svg" && tag != "select" {
			w.skip = tag // the tokenizer gives their content as one text
			return
		}
	}
	t := openTag{tag: tag}
	t.hidden = a.invisible() || tag == "template" || tag == "svg" || tag == "select"
	switch tag {
	case "p":
		w.autoClose("p", "p")
		t.block = 2
		if a.hasClass("MsoNormal", "MsoPlainText", "MsoListParagraph", "xmsonormal", "x_MsoNormal") || tightMargin(a.style) {
			t.block = 1
		}
		if w.lists > 0 && w.isOpen("li") {
			t.block = 1
		}
	case "div", "section", "article", "header", "footer", "center", "form", "address", "fieldset", "figure", "main", "nav", "dl", "dt", "dd", "caption", "table":
		t.block = 1
	case "h1", "h2", "h3", "h4", "h5", "h6":
		t.block = 2
	case "pre", "listing", "xmp", "plaintext":
		t.block, t.pre = 1, true
	case "ul", "ol":
		t.block, t.isList, t.list = 1, true, -1
		if tag == "ol" {
			t.list = 1
			if n, err := strconv.Atoi(a.start); err == nil && n > 0 && n < 1e6 {
				t.list = n
			}
		}
	case "li":
		w.autoClose("li", "ul", "ol")
		t.block = 1
	case "tr":
		w.autoClose("tr", "table", "tbody", "thead")
		t.block = 1
		t.cells = &row{}
	case "td", "th":
		w.autoClose("td", "tr", "table")
		w.autoClose("th", "tr", "table")
	case "blockquote":
		t.block = 1
		t.quote = quotes(a)
	}
	if t.block > 0 && w.hidden == 0 && !t.hidden {
		w.block(t.block)
	}
	if tag == "li" && w.hidden == 0 {
		w.item()
	}
	if (tag == "td" || tag == "th") && w.hidden == 0 {
		w.startCell()
	}
	t.hint = w.hintOf(a)
	t.tint, t.tinted = tintOf(tag, a)
	if len(w.stack) >= maxOpenTags {
		w.dropped++
		return
	}
	w.stack = append(w.stack, t)
	w.enter(&t)
}

func (w *htmlWriter) enter(t *openTag) {
	if t.hidden {
		w.hidden++
	}
	if t.pre {
		w.pre++
	}
	if t.quote {
		w.depth++
	}
	if t.isList {
		w.lists++
	}
	if t.hint != 0 {
		w.setHint()
	}
	w.tint = w.tint&^t.tinted | t.tint
}

func (w *htmlWriter) leave(t *openTag) {
	if t.hidden {
		w.hidden--
	} else if t.block > 0 && w.hidden == 0 {
		w.block(t.block)
	}
	if t.pre {
		w.pre--
	}
	if t.quote {
		w.depth--
	}
	if t.isList {
		w.lists--
	}
	if t.tag == "li" {
		w.marker = ""
	}
	if (t.tag == "td" || t.tag == "th") && w.hidden == 0 {
		w.endCell()
	}
	if t.hint != 0 {
		w.setHint()
	}
	if t.tinted != 0 {
		w.setTint()
	}
}

// setHint finds the hint of what is open: a quotation outweighs a signature in it.
func (w *htmlWriter) setHint() {
	w.hint = 0
	for i := range w.stack {
		if h := w.stack[i].hint; h != 0 && w.hint != hintQuote {
			w.hint = h
		}
	}
}

func (w *htmlWriter) end(tag string) {
	w.skip = ""
	switch tag {
	case "br":
		w.lineBreak()
		return
	case "p":
		if !w.isOpen("p") {
			w.block(2)
			return
		}
	}
	table := tag == "table" || tag == "tr" || tag == "td" || tag == "th" || tag == "tbody" || tag == "thead"
	for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-maxSearchTags; i-- {
		t := w.stack[i].tag
		if t == tag {
			w.popTo(i)
			return
		}
		// A lost end tag within a cell does not close the cell.
		if !table && (t == "td" || t == "th") || tag != "table" && t == "table" {
			return
		}
	}
}

func (w *htmlWriter) popTo(i int) {
	for len(w.stack) > i {
		t := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.leave(&t)
	}
}

func (w *htmlWriter) isOpen(tag string) bool {
	for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-maxSearchTags; i-- {
		if w.stack[i].tag == tag {
			return true
		}
		if t := w.stack[i].tag; t == "td" || t == "th" {
			return false
		}
	}
	return false
}

// autoClose closes an open tag whose end tag may be left out, if none of the
// fences was opened after it.
func (w *htmlWriter) autoClose(tag string, fences ...string) {
	for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-maxSearchTags; i-- {
		t := w.stack[i].tag
		if t == tag {
			w.popTo(i)
			return
		}
		for _, f := range fences {
			if t == f {
				return
			}
		}
		if tag == "p" && (t == "td" || t == "th" || t == "div" || t == "blockquote" || t == "li" || t == "table") {
			return
		}
	}
}

// item prepares the mark of a list item.
func (w *htmlWriter) item() {
	indent := strings.Repeat("  ", min(max(w.lists-1, 0), 8))
	for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-maxSearchTags; i-- {
		if l := &w.stack[i]; l.isList {
			if l.list < 0 {
				w.marker = indent + "- "
			} else {
				w.marker = indent + strconv.Itoa(l.list) + ". "
				l.list++
			}
			return
		}
	}
	w.marker = "- "
}

func (w *htmlWriter) startCell() {
	r := w.row()
	if r == nil || !r.text {
		w.cell = !w.fresh // margins at the start of a row part no rows
		return
	}
	if r.multi {
		w.block(1)
		return
	}
	w.breaks, w.space = 0, false
	w.tab, w.cell = true, true
}

func (w *htmlWriter) endCell() {
	if r := w.row(); r != nil && w.breaks > 1 && r.text {
		w.breaks = 1
	}
}

// metaCharset finds the charset that an HTML document gives itself.
func metaCharset(b []byte) string {
	b = b[:min(len(b), 2048)]
	i := bytes.Index(bytes.ToLower(b), []byte("charset="))
	if i < 0 {
		return ""
	}
	b = bytes.TrimLeft(b[i+len("charset="):], "\"' ")
	n := 0
	for n < len(b) && (isLetter(b[n]) || isDigit(b[n]) || b[n] == '-' || b[n] == '_' || b[n] == ':') {
		n++
	}
	return strings.ToLower(string(b[:n]))
}
