package pdf

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansmono"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/klauspost/compress/zstd"
)

// The fonts are packed as Debian ships them; their licences lie beside them.
//
//go:embed fonts
var fontFiles embed.FS

// Font is a family with a weight. What it has no glyph for comes from the fallback
// fonts.
type Font int

// The fonts there are.
const (
	Sans Font = iota
	SansBold
	Serif
	Mono
)

// typeface is a font file. It is loaded when it is first needed and then shared by
// all documents.
type typeface struct {
	name string // PostScript name
	file string // in fonts; "" when data is set
	data []byte
	once sync.Once
	font *font.Font
	load *opentype.Loader
}

var typefaces = []*typeface{
	{name: "NotoSans-Regular", file: "NotoSans-Regular"},
	{name: "NotoSans-SemiBold", file: "NotoSans-SemiBold"},
	{name: "NotoSerif-Regular", file: "NotoSerif-Regular"},
	{name: "DejaVuSansMono", data: dejavusansmono.TTF},
	{name: "NotoSansHebrew-Regular", file: "NotoSansHebrew-Regular"},
	{name: "NotoSansArabic-Regular", file: "NotoSansArabic-Regular"},
	{name: "NotoSansDevanagari-Regular", file: "NotoSansDevanagari-Regular"},
	{name: "NotoSansThai-Regular", file: "NotoSansThai-Regular"},
	{name: "DejaVuSans", data: dejavusans.TTF},
	{name: "DroidSansFallback", file: "DroidSansFallbackFull"},
	{name: "NanumSquareR", file: "NanumSquareR"},
	{name: "Symbola", file: "Symbola"},
}

// fallbacks are tried in this order.
var fallbacks = []int{int(Sans), 4, 5, 6, 7, 8, 9, 10, 11}

// FontFile is a font that documents may embed parts of.
type FontFile struct {
	Name    string // PostScript name
	SHA256  string // of the whole file, hexadecimal
	Licence string
}

// Fonts lists the fonts whose glyphs the document used so far, by name.
func (d *Document) Fonts() []FontFile {
	var out []FontFile
	for _, f := range d.faces {
		sum := sha256.Sum256(f.data)
		licence := "OFL-1.1"
		switch {
		case strings.HasPrefix(f.name, "DejaVu"):
			licence = "Bitstream-Vera"
		case strings.HasPrefix(f.name, "Droid"):
			licence = "Apache-2.0"
		case f.name == "Symbola":
			licence = "free for any use"
		}
		out = append(out, FontFile{f.name, hex.EncodeToString(sum[:]), licence})
	}
	slices.SortFunc(out, func(a, b FontFile) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// get panics when the program was built with a damaged font: no input can bring
// that about.
func (t *typeface) get() *typeface {
	t.once.Do(func() {
		if t.file != "" {
			packed, err := fontFiles.ReadFile("fonts/" + t.file + ".ttf.zst")
			if err != nil {
				panic(err)
			}
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
			if err != nil {
				panic(err)
			}
			defer z.Close()
			if t.data, err = z.DecodeAll(packed, nil); err != nil {
				panic(err)
			}
		}
		var err error
		if t.load, err = opentype.NewLoader(bytes.NewReader(t.data)); err != nil {
			panic(err)
		}
		if t.font, err = font.NewFont(t.load); err != nil {
			panic(err)
		}
	})
	return t
}

// face is a typeface in one document: which of its glyphs are used, and what text
// each stands for.
type face struct {
	*typeface
	id     int // in typefaces
	ref    ref
	shape  *font.Face
	scale  float64 // from font units to thousandths
	widths map[font.GID]int
	means  map[font.GID]string // the text that ToUnicode gives a glyph
}

func newFace(id int, r ref) *face {
	t := typefaces[id].get()
	return &face{typeface: t, id: id, ref: r, shape: font.NewFace(t.font), scale: 1000 / float64(t.font.Upem()),
		widths: map[font.GID]int{}, means: map[font.GID]string{}}
}

// use notes a glyph and returns its width in thousandths, as the file states it.
func (f *face) use(g font.GID) int {
	w, ok := f.widths[g]
	if !ok {
		w = int(float64(f.shape.HorizontalAdvance(g))*f.scale + 0.5)
		f.widths[g] = w
	}
	return w
}

// mean says that a glyph stands for text; false when it stands for another already.
func (f *face) mean(g font.GID, s string) bool {
	m, ok := f.means[g]
	if !ok {
		f.means[g] = s
		return true
	}
	return m == s
}

// write writes the font with the glyphs that were used (ISO 32000-1 section 9.7).
func (f *face) write(o *objects) error {
	var used []font.GID
	for g := range f.widths {
		used = append(used, g)
	}
	slices.Sort(used)
	data, err := f.subset(used)
	if err != nil {
		return fmt.Errorf("embedding font %s: %w", f.name, err)
	}
	// A subset is named by six letters, section 9.6.4.
	h := sha256.New()
	for _, g := range used {
		fmt.Fprintf(h, "%d ", g)
	}
	tag := make([]byte, 6)
	for i, b := range h.Sum(nil)[:6] {
		tag[i] = 'A' + b%26
	}
	name := string(tag) + "+" + f.name

	file := o.alloc()
	o.stream(file, fmt.Sprintf("/Length1 %d", len(data)), data)
	head, err := f.load.RawTable(opentype.MustNewTag("head"))
	if err != nil || len(head) < 54 {
		return fmt.Errorf("embedding font %s: no head table", f.name)
	}
	em := func(off int) int { return int(float64(int16(binary.BigEndian.Uint16(head[off:]))) * f.scale) }
	ext, _ := f.shape.FontHExtents()
	flags := 4 // symbolic: the glyphs are numbered, not named
	if f.font.IsMonospace() {
		flags |= 1
	}
	desc := o.add(fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags %d/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %v>>",
		name, flags, em(36), em(38), em(40), em(42), int(float64(ext.Ascender)*f.scale), int(float64(ext.Descender)*f.scale), int(f.shape.LineMetric(font.CapHeight)*float32(f.scale)), file))
	var w strings.Builder
	for i := 0; i < len(used); {
		fmt.Fprintf(&w, "%d[", used[i])
		for j := i; ; {
			fmt.Fprintf(&w, "%d ", f.widths[used[i]])
			i++
			j++
			if i == len(used) || used[i] != used[i-1]+1 {
				break
			}
		}
		w.WriteString("]")
	}
	cid := o.add(fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %v/DW 0/W[%s]/CIDToGIDMap/Identity>>", name, desc, w.String()))
	to := o.alloc()
	o.stream(to, "", f.toUnicode())
	o.put(f.ref, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%v]/ToUnicode %v>>", name, cid, to))
	return o.err
}

// toUnicode is the table by which text is searched and copied, section 9.10.3.
func (f *face) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	var gs []font.GID
	for g := range f.means {
		gs = append(gs, g)
	}
	slices.Sort(gs)
	for len(gs) > 0 {
		n := min(100, len(gs))
		fmt.Fprintf(&b, "%d beginbfchar\n", n)
		for _, g := range gs[:n] {
			fmt.Fprintf(&b, "<%04X> <", g)
			for _, u := range utf16.Encode([]rune(f.means[g])) {
				fmt.Fprintf(&b, "%04X", u)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
		gs = gs[n:]
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// subset makes a font file of the glyphs in used and their components. They keep
// their numbers; those between are empty, those behind the last are cut off.
func (f *face) subset(used []font.GID) ([]byte, error) {
	table := func(tag string) []byte {
		b, err := f.load.RawTable(opentype.MustNewTag(tag))
		if err != nil {
			return nil
		}
		return slices.Clone(b)
	}
	head, hhea, hmtx, loca, glyf, maxp := table("head"), table("hhea"), table("hmtx"), table("loca"), table("glyf"), table("maxp")
	if len(head) < 54 || len(hhea) < 36 || len(maxp) < 6 {
		return nil, fmt.Errorf("a table is missing or short")
	}
	total := int(binary.BigEndian.Uint16(maxp[4:]))
	long := binary.BigEndian.Uint16(head[50:]) != 0
	outline := func(g int) ([]byte, error) {
		var from, to int
		switch {
		case g >= total:
			return nil, fmt.Errorf("glyph %d of %d", g, total)
		case long && len(loca) >= 4*g+8:
			from, to = int(binary.BigEndian.Uint32(loca[4*g:])), int(binary.BigEndian.Uint32(loca[4*g+4:]))
		case !long && len(loca) >= 2*g+4:
			from, to = 2*int(binary.BigEndian.Uint16(loca[2*g:])), 2*int(binary.BigEndian.Uint16(loca[2*g+2:]))
		default:
			return nil, fmt.Errorf("loca ends before glyph %d", g)
		}
		if from > to || to > len(glyf) {
			return nil, fmt.Errorf("glyph %d lies outside glyf", g)
		}
		return glyf[from:to], nil
	}
	keep := map[int]bool{0: true}
	todo := []int{0}
	for _, g := range used {
		if !keep[int(g)] {
			keep[int(g)] = true
			todo = append(todo, int(g))
		}
	}
	last := 0
	for len(todo) > 0 {
		g := todo[0]
		todo = todo[1:]
		last = max(last, g)
		b, err := outline(g)
		if err != nil {
			return nil, err
		}
		for _, c := range components(b) {
			if !keep[c] {
				keep[c] = true
				todo = append(todo, c)
			}
		}
	}
	n := last + 1
	var outGlyf []byte
	outLoca := make([]byte, 0, 4*n+4)
	for g := range n {
		outLoca = binary.BigEndian.AppendUint32(outLoca, uint32(len(outGlyf)))
		if keep[g] {
			b, err := outline(g)
			if err != nil {
				return nil, err
			}
			outGlyf = pad(append(outGlyf, b...))
		}
	}
	outLoca = binary.BigEndian.AppendUint32(outLoca, uint32(len(outGlyf)))

	// hmtx gives the last advance to all glyphs behind it.
	metrics := int(binary.BigEndian.Uint16(hhea[34:]))
	outHmtx := make([]byte, 4*n)
	for g := range n {
		if !keep[g] {
			continue
		}
		at := 4 * min(g, metrics-1)
		if at < 0 || at+4 > len(hmtx) {
			return nil, fmt.Errorf("hmtx ends before glyph %d", g)
		}
		copy(outHmtx[4*g:], hmtx[at:at+4])
		if at = 4*metrics + 2*(g-metrics); g >= metrics && at+2 <= len(hmtx) {
			copy(outHmtx[4*g+2:], hmtx[at:at+2])
		}
	}
	binary.BigEndian.PutUint16(hhea[34:], uint16(n))
	binary.BigEndian.PutUint16(maxp[4:], uint16(n))
	binary.BigEndian.PutUint16(head[50:], 1)
	clear(head[8:12]) // the sum over the file, of which nobody reading a PDF makes use

	var tables []opentype.Table
	for _, t := range []struct {
		tag  string
		data []byte
	}{{"cvt ", table("cvt ")}, {"fpgm", table("fpgm")}, {"glyf", outGlyf}, {"head", head}, {"hhea", hhea}, {"hmtx", outHmtx}, {"loca", outLoca}, {"maxp", maxp}, {"prep", table("prep")}} {
		if t.data != nil {
			tables = append(tables, opentype.Table{Tag: opentype.MustNewTag(t.tag), Content: pad(t.data)})
		}
	}
	return opentype.WriteTTF(tables), nil
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// components lists the glyphs that a composite glyph is made of (OpenType, glyf,
// "Composite Glyph Description").
func components(b []byte) []int {
	if len(b) < 10 || int16(binary.BigEndian.Uint16(b)) >= 0 {
		return nil
	}
	var out []int
	for at := 10; at+4 <= len(b); {
		flags := binary.BigEndian.Uint16(b[at:])
		out = append(out, int(binary.BigEndian.Uint16(b[at+2:])))
		at += 6
		if flags&1 != 0 { // ARG_1_AND_2_ARE_WORDS
			at += 2
		}
		switch {
		case flags&0x08 != 0: // WE_HAVE_A_SCALE
			at += 2
		case flags&0x40 != 0: // WE_HAVE_AN_X_AND_Y_SCALE
			at += 4
		case flags&0x80 != 0: // WE_HAVE_A_TWO_BY_TWO
			at += 8
		}
		if flags&0x20 == 0 { // MORE_COMPONENTS
			break
		}
	}
	return out
}
