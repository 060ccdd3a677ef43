package pdf

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	xbidi "golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/runenames"
)

// em is the size that all text is shaped at: one unit is a thousandth of the type
// size, as in a PDF. go-text rounds sizes up to whole ones, so that text shaped at
// 8.5 points would come out loose.
const em = 1000

// typesetter holds what shaping needs over and over.
type typesetter struct {
	shaper shaping.HarfbuzzShaper
	seg    segmenter.Segmenter
	bidi   bidi.Paragraph
	face   func(id int) *face
	chosen [4]map[rune]int // by Font: the typeface for a character, -1 for none

	unshown int               // characters that no font has
	inspect func(text string) // sees every paragraph
}

// glyphs is a cluster: characters that are drawn as one, and how.
type cluster struct {
	start, end int // in the paragraph's runes
	glyphs     []shaping.Glyph
	face       *face
	span       int
	level      bidi.Level
	width      float64 // points
	token      int     // 1 and up when it is part of a token
	space      bool
}

// token is a stretch of characters that stands for others: those that no font has.
type token struct {
	start  int
	actual string // what is searched and copied instead of what is drawn; "" for what is drawn
}

// paragraph is shaped text, in the order of reading.
type paragraph struct {
	spans    []Span
	runes    []rune
	tokens   []token
	clusters []cluster
	breaks   []bool // by rune: a line may end behind it
	rtl      bool
}

// line is clusters from left to right.
type line struct {
	p        *paragraph
	clusters []cluster
	width    float64 // without the spaces at the end
	lead     float64 // width of end spaces that stand on the left of a line from right to left
	rtl      bool
	right    bool // it stands at the right, and so do numbers of pages in it
}

// split cuts spans at line breaks into paragraphs of characters that are safe to draw.
func (ts *typesetter) split(spans []Span) []*paragraph {
	if ts.inspect != nil {
		var all strings.Builder
		for _, s := range spans {
			all.WriteString(s.Text)
		}
		ts.inspect(all.String())
	}
	p := &paragraph{spans: spans}
	out := []*paragraph{p}
	var faces []int
	var owner []int
	flush := func() {
		ts.shape(p, faces, owner)
		faces, owner = nil, nil
	}
	for i, s := range spans {
		cur := -1 // the typeface of the character before
		add := func(r rune, f int) {
			p.runes = append(p.runes, r)
			faces = append(faces, f)
			owner = append(owner, i)
			cur = f
		}
		stand := func(text, actual string) {
			p.tokens = append(p.tokens, token{len(p.runes), actual})
			for _, r := range text {
				f := ts.choose(s.Style.Font, r)
				if f < 0 { // not with the names and numbers that tokens are made of
					f, r = int(s.Style.Font), '?'
				}
				add(r, f)
			}
			p.tokens = append(p.tokens, token{len(p.runes), ""})
		}
		graphemes(&ts.seg, []rune(strings.ToValidUTF8(s.Text, "\uFFFD")), func(g []rune) {
			switch {
			case g[0] == '\n' || g[0] == '\r' || g[0] == 0x2028 || g[0] == 0x2029 || g[0] == 0x85 || g[0] == '\v' || g[0] == '\f':
				flush()
				p = &paragraph{spans: spans}
				out = append(out, p)
				cur = -1
				return
			case g[0] == '\t':
				for range 4 {
					add(' ', max(cur, int(s.Style.Font)))
				}
				return
			case slices.ContainsFunc(g, hidden):
				for _, r := range g {
					if f := ts.choose(s.Style.Font, r); !hidden(r) && f >= 0 {
						add(r, f)
					} else {
						stand(fmt.Sprintf("[U+%04X]", r), "")
					}
				}
				return
			}
			f := ts.chooseAll(s.Style.Font, g, cur)
			if f < 0 || pictured(g) {
				name := nameOf(g)
				if pictured(g) {
					var drawn []rune
					for _, r := range g {
						if unicode.In(r, unicode.So, unicode.Sk) && ts.choose(s.Style.Font, r) >= 0 {
							drawn = append(drawn, r)
						}
					}
					if len(drawn) > 0 {
						name = string(drawn) + " " + name
					}
				}
				if f < 0 {
					ts.unshown++
				}
				stand(name, string(g))
				return
			}
			for _, r := range g {
				add(r, f)
			}
		})
	}
	flush()
	return out
}

// graphemes calls f for what a reader takes for one character.
func graphemes(seg *segmenter.Segmenter, rs []rune, f func([]rune)) {
	if !slices.ContainsFunc(rs, func(r rune) bool { return r >= 0x300 || r == '\r' }) {
		for i := range rs {
			f(rs[i : i+1])
		}
		return
	}
	seg.Init(rs)
	// The segmenter keeps a copy of the text, which what f does may overwrite: only
	// the ends are taken from it.
	var ends []int
	for it := seg.GraphemeIterator(); it.Next(); {
		g := it.Grapheme()
		ends = append(ends, g.Offset+len(g.Text))
	}
	at := 0
	for _, end := range ends {
		f(rs[at:end])
		at = end
	}
}

// hidden tells what cannot be seen or turns the direction of what follows. Joiners
// stay: Persian words and emoji are made with them.
func hidden(r rune) bool {
	switch r {
	case 0x200C, 0x200D:
		return false
	case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F, 0x17B4, 0x17B5:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) || r&0xFFFE == 0xFFFE
}

// pictured tells what is drawn with its name beside it: a picture in one colour is
// easily taken for another, and what a 👍 meant may be what is argued about.
func pictured(g []rune) bool { return g[0] >= 0x1F000 && unicode.In(g[0], unicode.So, unicode.Sk) }

// nameOf writes what no font can draw: [thumbs up sign, U+1F44D], [U+AE40].
func nameOf(g []rune) string {
	var names, numbers []string
	for _, r := range g {
		numbers = append(numbers, fmt.Sprintf("U+%04X", r))
		if unicode.In(r, unicode.So, unicode.Sk) {
			names = append(names, strings.ToLower(runenames.Name(r)))
		}
	}
	s := strings.Join(numbers, " ")
	if len(names) > 0 {
		s = strings.Join(names, " + ") + ", " + s
	}
	return "[" + s + "]"
}

// choose finds the typeface for one character, -1 for none.
func (ts *typesetter) choose(f Font, r rune) int {
	if ts.chosen[f] == nil {
		ts.chosen[f] = map[rune]int{}
	}
	if id, ok := ts.chosen[f][r]; ok {
		return id
	}
	id := -1
	for _, c := range append([]int{int(f)}, fallbacks...) {
		if _, ok := typefaces[c].get().font.NominalGlyph(r); ok {
			id = c
			break
		}
	}
	ts.chosen[f][r] = id
	return id
}

// chooseAll finds the typeface for a grapheme. What is shared between scripts, such
// as a space or a comma, stays with the typeface before.
func (ts *typesetter) chooseAll(f Font, g []rune, cur int) int {
	has := func(id int) bool {
		for _, r := range g {
			if r == 0x200C || r == 0x200D || unicode.Is(unicode.Variation_Selector, r) {
				continue
			}
			if _, ok := typefaces[id].get().font.NominalGlyph(r); !ok {
				return false
			}
		}
		return true
	}
	if cur > int(Mono) && !language.LookupScript(g[0]).Strong() && !unicode.In(g[0], unicode.Nd) && has(cur) {
		return cur
	}
	id := ts.choose(f, g[0])
	if len(g) == 1 {
		if id < 0 && (g[0] == 0x200C || g[0] == 0x200D || unicode.Is(unicode.Variation_Selector, g[0])) {
			return int(f)
		}
		return id
	}
	for _, c := range append([]int{int(f)}, fallbacks...) {
		if has(c) {
			return c
		}
	}
	return -1
}

// shape fills a paragraph's clusters. faces and owner are by rune.
func (ts *typesetter) shape(p *paragraph, faces, owner []int) {
	n := len(p.runes)
	if n == 0 {
		return
	}
	levels := ts.levels(p, owner)
	p.breaks = make([]bool, n)
	if !slices.ContainsFunc(p.runes, func(r rune) bool { return r == ' ' || r > 0x7F || r == '-' || r == '/' }) {
		p.breaks[n-1] = true
	} else {
		ts.seg.Init(p.runes)
		for it := ts.seg.LineIterator(); it.Next(); {
			l := it.Line()
			if end := l.Offset + len(l.Text); end > 0 {
				p.breaks[end-1] = true
			}
		}
	}
	inToken := make([]int, n)
	for i := 0; i+1 < len(p.tokens); i += 2 {
		for at := p.tokens[i].start; at < p.tokens[i+1].start; at++ {
			inToken[at] = i + 1
			if at+1 < p.tokens[i+1].start {
				p.breaks[at] = false
			}
		}
	}
	scripts := make([]language.Script, n)
	script := language.Common
	for i, r := range p.runes {
		if s := language.LookupScript(r); s.Strong() {
			if script == language.Common { // what stands before the first letter goes with it
				for j := range i {
					scripts[j] = s
				}
			}
			script = s
		}
		scripts[i] = script
	}
	for a := 0; a < n; {
		b := a + 1
		for b < n && levels[b] == levels[a] && scripts[b] == scripts[a] && faces[b] == faces[a] && owner[b] == owner[a] && inToken[b] == inToken[a] {
			b++
		}
		f := ts.face(faces[a])
		in := shaping.Input{Text: p.runes, RunStart: a, RunEnd: b, Face: f.shape, Size: fixed.I(em), Script: scripts[a], Language: "en"}
		if levels[a]%2 == 1 {
			in.Direction = di.DirectionRTL
		}
		gs := ts.shaper.ShapeNoExtents(in).Glyphs
		from := len(p.clusters)
		size := p.spans[owner[a]].Style.Size
		for i := 0; i < len(gs); {
			k := max(1, gs[i].GlyphsCount())
			c := cluster{start: gs[i].TextIndex(), glyphs: gs[i : i+k], face: f, span: owner[a], level: levels[a], token: inToken[a]}
			for _, g := range c.glyphs {
				c.width += float64(g.Advance) / 64 * size / em
			}
			p.clusters = append(p.clusters, c)
			i += k
		}
		run := p.clusters[from:]
		if in.Direction == di.DirectionRTL {
			slices.Reverse(run)
		}
		for i := range run {
			run[i].end = b
			if i+1 < len(run) {
				run[i].end = run[i+1].start
			}
			run[i].space = !slices.ContainsFunc(p.runes[run[i].start:run[i].end], func(r rune) bool { return !unicode.IsSpace(r) })
		}
		a = b
	}
}

// levels are the embedding levels of UAX #9, by rune. An isolated span is put
// between FSI and PDI, which are not drawn.
func (ts *typesetter) levels(p *paragraph, owner []int) []bidi.Level {
	out := make([]bidi.Level, len(p.runes))
	if !slices.ContainsFunc(p.runes, func(r rune) bool { return r >= 0x590 }) {
		return out
	}
	var all []rune
	var at []int // index in p.runes, or -1
	for i, r := range p.runes {
		if s := owner[i]; p.spans[s].Isolate && (i == 0 || owner[i-1] != s) {
			all, at = append(all, 0x2068), append(at, -1)
		}
		all, at = append(all, r), append(at, i)
		if s := owner[i]; p.spans[s].Isolate && (i+1 == len(owner) || owner[i+1] != s) {
			all, at = append(all, 0x2069), append(at, -1)
		}
	}
	// UAX #9, rules P2 and P3.
	depth := 0
first:
	for _, r := range all {
		switch props, _ := xbidi.LookupRune(r); props.Class() {
		case xbidi.FSI, xbidi.LRI, xbidi.RLI:
			depth++
		case xbidi.PDI:
			depth--
		case xbidi.L:
			if depth <= 0 {
				break first
			}
		case xbidi.R, xbidi.AL:
			if depth <= 0 {
				p.rtl = true
				break first
			}
		}
	}
	base := bidi.LeftToRight
	if p.rtl {
		base = bidi.RightToLeft
	}
	runs := ts.bidi.Segment(all, base)
	for i := range runs.NumRuns() {
		r := runs.Run(i)
		for j := r.Start; j < r.End && j < len(at); j++ {
			if at[j] >= 0 {
				out[at[j]] = r.Level
			}
		}
	}
	return out
}

// lines breaks a paragraph into lines of at most width points. A word that is wider
// is broken where it must be.
func (p *paragraph) lines(width float64) []*line {
	if len(p.clusters) == 0 {
		return []*line{{p: p}}
	}
	var out []*line
	for a := 0; a < len(p.clusters); {
		w, b, good := 0.0, a, -1
		for b < len(p.clusters) {
			c := &p.clusters[b]
			if w+c.width > width+0.01 && !c.space && b > a {
				break
			}
			w += c.width
			b++
			if p.breaks[c.end-1] {
				good = b
			}
		}
		if b < len(p.clusters) && good > a {
			b = good
		}
		out = append(out, p.line(a, b))
		a = b
	}
	return out
}

// line puts clusters in the order of drawing (UAX #9, rules L1 and L2).
func (p *paragraph) line(a, b int) *line {
	l := &line{p: p, clusters: slices.Clone(p.clusters[a:b]), rtl: p.rtl}
	base := bidi.Level(0)
	if p.rtl {
		base = 1
	}
	end := len(l.clusters)
	for end > 0 && l.clusters[end-1].space {
		end--
	}
	high, low := base, bidi.Level(127)
	for i := range l.clusters {
		c := &l.clusters[i]
		if i >= end {
			c.level = base
			if p.rtl {
				l.lead += c.width
			}
		} else {
			l.width += c.width
		}
		high = max(high, c.level)
		if c.level%2 == 1 {
			low = min(low, c.level)
		}
	}
	for level := high; level >= low; level-- {
		for i := 0; i < len(l.clusters); i++ {
			j := i
			for j < len(l.clusters) && l.clusters[j].level >= level {
				j++
			}
			if j > i {
				slices.Reverse(l.clusters[i:j])
				i = j
			}
		}
	}
	return l
}

// show writes the clusters of a stretch of a line with one face and span at x, y.
func (c *canvas) show(p *paragraph, cs []cluster, x, y float64) {
	f, s := cs[0].face, &p.spans[cs[0].span]
	b := c.buf
	b = append(b, "/F"...)
	b = appendInt(b, f.id)
	b = append(b, ' ')
	b = appendNum(b, s.Style.Size)
	b = append(b, " Tf 1 0 0 1 "...)
	b = appendNum(b, x)
	b = append(b, ' ')
	b = appendNum(b, y)
	b = append(b, " Tm\n"...)
	open, rise := false, 0
	finish := func() {
		if open {
			b = append(b, ">]TJ\n"...)
			open = false
		}
	}
	at, want := 0, 0.0 // where the pen is, and where it should be, in thousandths
	token := 0
	for i := range cs {
		k := &cs[i]
		actual := ""
		marked := false
		if k.token == 0 || p.tokens[k.token-1].actual == "" {
			said := string(p.runes[k.start:k.end])
			first := k.glyphs[0].GlyphID
			switch {
			case first == font.EmptyGlyph:
			case len(k.glyphs) == 1 && f.mean(first, said):
			default:
				actual, marked = said, true
			}
		}
		if k.token != token {
			finish()
			if token > 0 && p.tokens[token-1].actual != "" {
				b = append(b, "EMC\n"...)
			}
			if token = k.token; token > 0 {
				if t := p.tokens[token-1]; t.actual != "" {
					whole := t.actual
					// The part of a broken token that does not hold its beginning says nothing.
					if !slices.ContainsFunc(cs, func(c cluster) bool { return c.start == t.start }) {
						whole = ""
					}
					b = append(b, "/Span<</ActualText"+text(whole)+">>BDC\n"...)
				}
			}
		}
		if marked {
			finish()
			b = append(b, "/Span<</ActualText"+text(actual)+">>BDC\n"...)
		}
		for _, g := range k.glyphs {
			if g.GlyphID != font.EmptyGlyph {
				if up := round(float64(g.YOffset) / 64); up != rise {
					finish()
					rise = up
					b = appendNum(b, float64(up)*s.Style.Size/em)
					b = append(b, " Ts\n"...)
				}
				if !open {
					b = append(b, "[<"...)
					open = true
				}
				if move := at - round(want+float64(g.XOffset)/64); move != 0 {
					b = append(b, '>')
					b = appendInt(b, move)
					b = append(b, '<')
					at -= move
				}
				b = appendHex(b, uint16(g.GlyphID))
				at += f.use(g.GlyphID)
			}
			want += float64(g.Advance) / 64
		}
		if marked {
			finish()
			b = append(b, "EMC\n"...)
		}
	}
	finish()
	if token > 0 && p.tokens[token-1].actual != "" {
		b = append(b, "EMC\n"...)
	}
	if rise != 0 {
		b = append(b, "0 Ts\n"...)
	}
	c.buf = b
}
