package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	body  = Style{Font: Sans, Size: 9.5, Leading: 14}
	quote = Style{Font: Serif, Size: 11, Leading: 16, Color: RGB(0x1E1B17)}
	card  = &Box{Fill: RGB(0xF2EEE6), Stroke: RGB(0xCFC7B9), Radius: 6}
	day   = time.Date(2023, 3, 13, 8, 0, 0, 0, time.UTC)
)

// drawn makes a document of what f adds.
func drawn(t testing.TB, f func(d *Document)) []byte {
	t.Helper()
	var b bytes.Buffer
	d := New(&b, Options{Title: "Vienna flight (\u202e\\", Producer: "inwriting 0.1", Created: day, Footer: "Vienna flight"})
	f(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var scripts = []string{
	"Plain words: fi ffi AV To £260, naïve café Ωμέγα Привет",
	"سلام علیکم، می\u200cخواهم پرواز را یک روز به تعویق بیندازم 123",
	"שלום עולם 14 במרץ (09:12)",
	"नमस्ते दुनिया क्षत्रिय",
	"สวัสดีชาวโลก",
	"東京へ飛行機 你好，世界",
	"한국어",
	"👍 👩‍💻 ❤️ 😀 ✓ → ≠ ☎ 🇦🇹",
	"a\u202Ereversed\u2069 tab\there soft\u00ADhyphen \x00 \xff \U0010FFFF",
	"é combining, x̄, ﷺ",
	"Mixed: Nora אמרה Tuesday 14 ואז Wednesday.",
	strings.Repeat("wide", 100),
	"two\nlines\r\nand\u2028more\n\n",
}

// sample has everything in it that the package can draw.
func sample(d *Document) {
	d.Begin("Sect", nil)
	d.Add(&Para{Style: Style{SansBold, 16, 22, 0}, Tag: "H1", Spans: []Span{{Text: "Vienna flight, March"}}, Bookmark: "Start", Dest: "start", Keep: 60})
	for i, s := range scripts {
		d.Add(&Group{Box: card, Pad: [4]float64{8, 10, 8, 10}, Before: 6, After: 4, Tag: "BlockQuote", Bookmark: fmt.Sprint(i), Level: 1 + i%2, Blocks: []Block{
			&Row{Gap: 10, Cols: []Col{
				{Width: 26, Blocks: []Block{&Para{Style: body, Box: &Box{Stroke: RGB(0xCFC7B9), Dashed: true, Radius: 4}, Align: Center, Spans: []Span{{Text: fmt.Sprint(i)}}}}},
				{Blocks: []Block{&Para{Style: quote, Spans: []Span{{Text: "“"}, {Text: s, Isolate: true}, {Text: "”"}}}}},
				{Width: 110, Blocks: []Block{
					&Para{Style: body, Hug: true, Pad: [2]float64{5, 1}, Box: &Box{Fill: RGB(0xEAF0F7), Radius: 4}, Spans: []Span{{Text: "Change"}}},
					&Para{Style: body, Spans: []Span{{Text: "Confirmed by "}, {Text: "6", Link: "start"}, {Text: ", was "}, {Text: "Tue 14", Mark: RGB(0xFCE8A2), Strike: true}}}}},
			}}}})
	}
	d.End()
	d.Add(&Rule{Color: RGB(0xCFC7B9), Before: 8, After: 8})
	cell := func(tag, s string) Col {
		return Col{Tag: tag, Blocks: []Block{&Para{Style: body, Spans: []Span{{Text: s}}}}}
	}
	d.Begin("Table", &Row{Tag: "TR", Gap: 8, Rule: RGB(0xCFC7B9), Cols: []Col{cell("TH", "No."), cell("TH", "Date")}})
	for i := range 70 {
		d.Add(&Row{Tag: "TR", Gap: 8, Rule: RGB(0xE6E0D5), Before: 2, Dest: fmt.Sprintf("E%04d", i), Cols: []Col{cell("TD", fmt.Sprintf("E%04d", i)), cell("TD", "2 March 2023")}})
	}
	d.End()
	d.Add(&Group{Box: &Box{Bar: RGB(0x7E4C00), Stroke: RGB(0), Radius: 5}, Pad: [4]float64{5, 5, 5, 5}, Blocks: []Block{&Para{Style: quote, Spans: []Span{{Text: strings.Repeat("A letter that is longer than a page. ", 300)}}}}})
}

// active is what a PDF could do something with. A font's name may begin with JS.
var active = regexp.MustCompile(`/(JavaScript|JS|A<</S|AA|Launch|URI|EmbeddedFiles?|AcroForm|SubmitForm|GoToR|GoToE|RichMedia)([^+A-Za-z]|$)`)

// checked reads the file as a stranger would: the cross-reference table must lead to
// every object, and every object must be reached from the trailer. It returns the
// objects without their streams.
func checked(t testing.TB, b []byte) map[int]string {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(b)
	if m == nil {
		t.Fatal("no end")
	}
	at, _ := strconv.Atoi(string(m[1]))
	lines := bytes.SplitAfter(b[at:], []byte("\n"))
	if string(lines[0]) != "xref\n" {
		t.Fatalf("startxref leads to %q", lines[0])
	}
	var n int
	if _, err := fmt.Sscanf(string(lines[1]), "0 %d\n", &n); err != nil {
		t.Fatal(err)
	}
	objs := map[int]string{}
	refer := regexp.MustCompile(`(\d+) 0 R`)
	for i := 1; i < n; i++ {
		l := string(lines[i+2])
		if len(l) != 20 || !strings.HasSuffix(l, " 00000 n \n") {
			t.Fatalf("line of object %d is %q", i, l)
		}
		pos, _ := strconv.Atoi(l[:10])
		head := fmt.Sprintf("%d 0 obj\n", i)
		if !bytes.HasPrefix(b[pos:], []byte(head)) {
			t.Fatalf("object %d is not at %d", i, pos)
		}
		o := b[pos+len(head):]
		end := bytes.Index(o, []byte("\nendobj\n"))
		if s := bytes.Index(o, []byte(">>\nstream\n")); s >= 0 && s < end {
			long := regexp.MustCompile(`/Length (\d+)>>\nstream\n`).FindSubmatch(o[:s+10])
			k, _ := strconv.Atoi(string(long[1]))
			if !bytes.HasPrefix(o[s+10+k:], []byte("\nendstream\nendobj\n")) {
				t.Fatalf("the stream of object %d is not %d octets long", i, k)
			}
			end = s + 2
		}
		objs[i] = string(o[:end])
	}
	seen := map[int]bool{}
	var walk func(string)
	walk = func(s string) {
		for _, m := range refer.FindAllStringSubmatch(s, -1) {
			if k, _ := strconv.Atoi(m[1]); !seen[k] {
				seen[k] = true
				if _, ok := objs[k]; !ok {
					t.Fatalf("object %d is referred to and not there", k)
				}
				walk(objs[k])
			}
		}
	}
	walk(string(bytes.Join(lines[n+2:], nil)))
	for k := range objs {
		if !seen[k] {
			t.Errorf("nothing leads to object %d: %s", k, objs[k])
		}
	}
	for k, o := range objs {
		if bad := active.FindString(o); bad != "" {
			t.Errorf("object %d has %s", k, bad)
		}
	}
	return objs
}

func TestStructure(t *testing.T) {
	objs := checked(t, drawn(t, sample))
	count := map[string]int{}
	for _, o := range objs {
		for _, k := range []string{"/Type/Page/", "/S/H1", "/S/BlockQuote", "/S/Link", "/S/TH", "/S/TR", "/S/Table", "/Subtype/Link", "/FontFile2", "/Type/OBJR", "/Lang <FEFF0065006E002D00470042>", "/MarkInfo<</Marked true>>", "/Scope/Column"} {
			count[k] += strings.Count(o, k)
		}
	}
	want := map[string]int{"/Type/Page/": 6, "/S/H1": 1, "/S/BlockQuote": len(scripts), "/S/Link": len(scripts), "/S/TH": 2, "/S/TR": 71, "/S/Table": 1, "/Subtype/Link": len(scripts), "/FontFile2": 11,
		"/Type/OBJR": len(scripts), "/Lang <FEFF0065006E002D00470042>": 1, "/MarkInfo<</Marked true>>": 1, "/Scope/Column": 2}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
}

func TestSameBytes(t *testing.T) {
	want := drawn(t, sample)
	zone, procs := time.Local, runtime.GOMAXPROCS(0)
	defer func() { time.Local = zone; runtime.GOMAXPROCS(procs) }()
	for i, z := range []*time.Location{time.UTC, time.FixedZone("far", 13*3600)} {
		time.Local = z
		runtime.GOMAXPROCS(1 + 3*i)
		if got := drawn(t, sample); !bytes.Equal(got, want) {
			t.Errorf("zone %v: the file is another", z)
		}
	}
}

func TestDestinations(t *testing.T) {
	d := New(io.Discard, Options{})
	d.Add(&Para{Style: body, Spans: []Span{{Text: "see 7", Link: "n7"}}})
	if err := d.Close(); !errors.Is(err, ErrNoDestination) || !strings.Contains(err.Error(), `"n7"`) {
		t.Errorf("a link to nowhere: %v", err)
	}
}

type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, os.ErrClosed
	}
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	size := len(drawn(t, sample))
	for _, left := range []int{0, 10, size / 3, size - 20} {
		d := New(&failing{left}, Options{Title: "Vienna flight (\u202e\\", Producer: "inwriting 0.1", Created: day, Footer: "Vienna flight"})
		sample(d)
		if err := d.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%d octets written: %v", left, err)
		}
	}
}

func TestNum(t *testing.T) {
	for in, want := range map[float64]string{0: "0", 1: "1", 1.5: "1.5", -1.25: "-1.25", 0.004: "0", -0.004: "0", 841.89: "841.89", 0.05: "0.05"} {
		if got := num(in); got != want {
			t.Errorf("num(%v) = %q, want %q", in, got, want)
		}
	}
}

// paragraphs must not lose a character at any width, and not pass the width where a
// space would have allowed it.
func TestLines(t *testing.T) {
	d := New(io.Discard, Options{})
	for _, s := range scripts {
		for _, w := range []float64{1, 40, 200, 2000} {
			for _, p := range d.ts.split([]Span{{Text: s, Style: quote, Isolate: true}}) {
				at := 0
				for _, l := range p.lines(w) {
					cs := slices.Clone(l.clusters)
					slices.SortFunc(cs, func(a, b cluster) int { return a.start - b.start })
					for _, c := range cs {
						if c.start != at {
							t.Fatalf("%q at %v: a line goes on with character %d, want %d", s, w, c.start, at)
						}
						at = c.end
					}
					if l.width > w+0.1 && len(cs) > 1 && strings.TrimSpace(string(p.runes[cs[0].end:at])) != "" && w > 20 {
						t.Errorf("%q: a line is %v wide, want %v", s, l.width, w)
					}
				}
				if at != len(p.runes) {
					t.Errorf("%q at %v: %d of %d characters", s, w, at, len(p.runes))
				}
			}
		}
	}
}

// A text of many lines must come out line by line, whatever scripts are in it.
func TestManyLines(t *testing.T) {
	d := New(io.Discard, Options{})
	whole := strings.Join(scripts[:9], "\n")
	var got []string
	for _, p := range d.ts.split([]Span{{Text: "x\n", Style: body}, {Text: whole, Style: quote}, {Text: "\nend"}}) {
		got = append(got, string(p.runes))
	}
	want := []string{"x"}
	for _, s := range scripts[:9] {
		for _, p := range d.ts.split([]Span{{Text: s, Style: quote}}) {
			want = append(want, string(p.runes))
		}
	}
	if diff := cmp.Diff(append(want, "end"), got); diff != "" {
		t.Error(diff)
	}
}

func TestTokens(t *testing.T) {
	d := New(io.Discard, Options{})
	for in, want := range map[string]string{
		"ok":         "ok",
		"a\u202Eb":   "a[U+202E]b",
		"👍":          "👍 [thumbs up sign, U+1F44D]",
		"👩‍💻":        "👩💻 [woman + personal computer, U+1F469 U+200D U+1F4BB]",
		"각":          "각",
		"🫡":          "[saluting face, U+1FAE1]",
		"\u1000":     "[U+1000]",
		"\x00":       "[U+0000]",
		"東":          "東",
		"\u2066x":    "[U+2066]x",
		"می\u200cخ":  "می\u200cخ",
		"a\tb\u00a0": "a    b\u00a0",
	} {
		var got string
		for _, p := range d.ts.split([]Span{{Text: in, Style: body}}) {
			got += string(p.runes)
		}
		if got != want {
			t.Errorf("%q is drawn as %q, want %q", in, got, want)
		}
	}
}

// tool runs a program of Debian's on a file with these bytes.
func tool(t testing.TB, b []byte, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("this test needs %s: apt-get install qpdf poppler-utils", name)
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		if a == "FILE" {
			args[i] = file
		}
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func TestStockTools(t *testing.T) {
	b := drawn(t, sample)
	if dir := os.Getenv("INWRITING_KEEP"); dir != "" {
		os.WriteFile(filepath.Join(dir, "sample.pdf"), b, 0o644)
	}
	if out := tool(t, b, "qpdf", "--check", "FILE"); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Error(out)
	}
	info := tool(t, b, "pdfinfo", "FILE")
	for _, want := range []string{`Tagged: +yes`, `JavaScript: +no`, `Form: +none`, `Page size: .*A4`, `Creat.*2023`} {
		if !regexp.MustCompile(want).MatchString(info) {
			t.Errorf("pdfinfo does not say %s:\n%s", want, info)
		}
	}
	for i, l := range strings.Split(strings.TrimSpace(tool(t, b, "pdffonts", "FILE")), "\n") {
		if i > 1 && !strings.Contains(l, " yes yes yes ") {
			t.Errorf("not embedded as a subset that can be searched: %s", l)
		}
	}
	// Direction marks are pdftotext's own; line breaks are those of the page.
	text := strings.Join(strings.Fields(strings.NewReplacer("\u202a", "", "\u202b", "", "\u202c", "", "\u200e", "", "\u200f", "").Replace(tool(t, b, "pdftotext", "FILE", "-"))), " ")
	for _, want := range []string{"fi ffi AV To £260, naïve café", "Ωμέγα", "Привет", "می\u200cخواهم", "پرواز", "שלום עולם", "नमस्ते दुनिया क्षत्रिय", "สวัสดีชาวโลก", "東京へ飛行機", "你好，世界",
		"한국어", "👍", "👩‍💻", "❤️", "😀", "✓", "→", "≠", "🇦🇹", "a[U+202E]reversed", "[U+10FFFF]", "é combining", "Wednesday.", "E0069"} {
		if !strings.Contains(text, want) {
			t.Errorf("pdftotext does not find %q in\n%s", want, text)
		}
	}
	for _, bad := range []string{"thumbs", "U+AE40"} {
		if strings.Contains(text, bad) {
			t.Errorf("pdftotext finds %q, which only stands for something", bad)
		}
	}
	if outline := tool(t, b, "qpdf", "--json", "--json-key=outlines", "FILE"); !strings.Contains(outline, `"title": "Start, p. 1"`) {
		t.Error(outline)
	}
}

func FuzzPara(f *testing.F) {
	for i, s := range scripts {
		f.Add(s, "title\u202e", uint8(i*20), uint8(i))
	}
	f.Fuzz(func(t *testing.T, a, b string, width, style uint8) {
		if len(a) > 20_000 || len(b) > 20_000 {
			return
		}
		draw := func(d *Document) {
			s := Style{Font: Font(style % 4), Size: 9, Leading: 13}
			d.Add(&Row{Gap: 5, Cols: []Col{{Width: 1 + float64(width)*1.5, Blocks: []Block{&Para{Style: s, Align: Align(style / 4 % 3), Hug: style&16 > 0, Box: card, Bookmark: b, Dest: b + "x",
				Spans: []Span{{Text: a, Isolate: style&32 > 0}, {Text: b, Isolate: true, Mark: RGB(0xFFFF00), Link: b + "x"}, {Text: a, Style: quote, Strike: true}}}}}, {Blocks: []Block{&Para{Style: s, Spans: []Span{{Text: b}}}}}}})
		}
		var one, two bytes.Buffer
		for _, w := range []*bytes.Buffer{&one, &two} {
			d := New(w, Options{Title: b, Footer: a, Producer: a})
			draw(d)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Error("two runs differ")
		}
		checked(t, one.Bytes())
	})
}

// BenchmarkPages writes 3,000 pages of letters as the chronology has them.
func BenchmarkPages(b *testing.B) {
	words := strings.Fields("please book me London to Vienna on Tuesday 14 March first flight out and keep it under £260 confirming that flight a day later שלום 東京 سلام the return stays as it is")
	var size int
	var pages int
	for b.Loop() {
		rng := rand.New(rand.NewPCG(1, 2))
		w := &counter{}
		d := New(w, Options{Title: "Bench", Footer: "Bench"})
		for i := 0; d.Pages() < 3000; i++ {
			var said []string
			for range 40 + rng.IntN(60) {
				said = append(said, words[rng.IntN(len(words))])
			}
			d.Add(&Group{Box: card, Pad: [4]float64{8, 10, 8, 10}, After: 8, Tag: "Sect", Bookmark: fmt.Sprintf("E%04d", i), Dest: fmt.Sprint(i), Blocks: []Block{
				&Para{Style: body, Spans: []Span{{Text: "Martin Hale to Nora Lindqvist, Thursday 2 March 2023, 09:12 UTC"}}},
				&Row{Gap: 10, Cols: []Col{{Width: 26, Blocks: []Block{&Para{Style: body, Spans: []Span{{Text: fmt.Sprint(i)}}}}},
					{Blocks: []Block{&Para{Style: quote, Tag: "BlockQuote", Spans: []Span{{Text: strings.Join(said, " "), Isolate: true}}}}},
					{Width: 110, Blocks: []Block{&Para{Style: body, Spans: []Span{{Text: "Confirms "}, {Text: fmt.Sprint(max(0, i-1)), Link: fmt.Sprint(max(0, i-1))}}}}}}}}})
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		pages, size = d.Pages(), w.n
	}
	b.ReportMetric(float64(pages), "pages")
	b.ReportMetric(float64(size)/1e6, "MB")
	if s, err := os.ReadFile("/proc/self/status"); err == nil {
		if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(s); m != nil {
			kb, _ := strconv.Atoi(string(m[1]))
			b.ReportMetric(float64(kb)/1000, "peak-MB")
		}
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }
