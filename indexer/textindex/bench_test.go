package textindex

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mailgen makes mail of invented words: Zipf over 90,000 of them, ids that occur
// once, 3.8 KB of text and three statements a message on average. Message n is
// the same every time.
type mailgen struct{ pool string }

func newMailgen() *mailgen {
	rnd := rand.New(rand.NewPCG(7, 7))
	zipf := rand.NewZipf(rnd, 1.1, 4, 90_000-1)
	var b strings.Builder
	for b.Len() < 8<<20 {
		b.WriteString(benchWord(zipf.Uint64()))
		switch rnd.IntN(12) {
		case 0:
			b.WriteString(". ")
		case 1:
			b.WriteString(",\n")
		default:
			b.WriteByte(' ')
		}
	}
	return &mailgen{pool: b.String()}
}

// benchWord spells a number as a word; common words are short.
func benchWord(n uint64) string {
	syllables := []string{"ba", "re", "ti", "no", "lu", "ka", "me", "si", "do", "fu", "ga", "he", "vi", "po", "zu", "la"}
	s := syllables[n%16]
	for n /= 16; n > 0; n /= 16 {
		s += syllables[n%16]
	}
	return s
}

func (g *mailgen) text(rnd *rand.Rand, n int) string {
	at := rnd.IntN(len(g.pool) - n)
	return g.pool[at : at+n]
}

func (g *mailgen) message(n int) Message {
	rnd := rand.New(rand.NewPCG(uint64(n), 3))
	person := func() Address {
		p := benchWord(uint64(500 + rnd.ExpFloat64()*400))
		return Address{Name: p + " " + benchWord(uint64(rnd.IntN(3000))), Address: p + "@" + benchWord(uint64(rnd.IntN(200))) + ".example"}
	}
	size := int(600 + rnd.ExpFloat64()*3200)
	m := Message{
		ID: fmt.Sprintf("%032x%032x", rnd.Uint64(), n), Date: time.Unix(1_500_000_000+int64(rnd.IntN(200_000_000)), 0),
		Subject: g.text(rnd, 30), From: []Address{person()}, To: []Address{person(), person()},
		Text:      g.text(rnd, min(size, 1<<20)) + fmt.Sprintf(" inv-%d-%05d", 2010+n%15, n),
		Mailboxes: []string{"nora@deskandco.example"}, Folders: []string{"INBOX"},
	}
	for k := range rnd.IntN(7) {
		m.Statements = append(m.Statements, Statement{Start: 80 * k, End: min(80*k+40+rnd.IntN(40), len(m.Text)), Kind: "terms",
			Facts: []Fact{{"money", fmt.Sprintf("GBP %d.00", rnd.IntN(900))}, {"date", fmt.Sprintf("2023-03-%02d", 1+rnd.IntN(28))}}})
	}
	return m
}

// fill indexes messages from to to with two workers and returns the bytes of text.
func fill(tb testing.TB, ix *Index, g *mailgen, from, to int) int64 {
	var wg sync.WaitGroup
	sizes := [2]int64{}
	for w := range 2 {
		wg.Go(func() {
			b := ix.NewBatch()
			for n := from + w; n < to; n += 2 {
				m := g.message(n)
				sizes[w] += int64(len(m.Text))
				if err := b.Put(&m); err != nil {
					tb.Error(err)
					return
				}
				if b.Full(4 << 20) {
					if err := b.Commit(); err != nil {
						tb.Error(err)
						return
					}
				}
			}
			if err := b.Commit(); err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	return sizes[0] + sizes[1]
}

// benchMessages is how much mail the benchmarks index; BENCH_MESSAGES overrides.
func benchMessages() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_MESSAGES")); err == nil {
		return n
	}
	return 4000
}

// BenchmarkIndex indexes benchMessages messages with two workers, closing included.
func BenchmarkIndex(b *testing.B) {
	g := newMailgen()
	n := benchMessages()
	for b.Loop() {
		dir := b.TempDir()
		ix, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		start, cpu := time.Now(), cpuTime()
		text := fill(b, ix, g, 0, n)
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start).Seconds()
		b.ReportMetric(float64(n)/took, "msg/s")
		b.ReportMetric((cpuTime()-cpu).Seconds()*1e3/float64(n), "cpu-ms/msg")
		b.ReportMetric(float64(text)/1e6/took, "MB/s")
		b.ReportMetric(float64(diskUse(b, dir))/1e6, "MB-disk")
		b.ReportMetric(peakMB(), "MB-peak")
	}
}

// cpuTime is the user and system time of the process.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func diskUse(tb testing.TB, dir string) (n int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			n += i.Size()
		}
		return err
	})
	if err != nil {
		tb.Error(err)
	}
	return n
}

// peakMB is the most memory the process ever had resident, 0 where the system
// does not tell.
func peakMB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(fields[0], 64)
	return kb / 1e3
}

// BenchmarkSearch times the shapes people send, newest or nearest 20.
func BenchmarkSearch(b *testing.B) {
	g := newMailgen()
	ix := open(b, b.TempDir())
	fill(b, ix, g, 0, benchMessages())
	common, mid, rare := benchWord(0), benchWord(40), benchWord(5000)
	for _, s := range []struct {
		name string
		req  Request
	}{
		{"common/newest", Request{Query: Word{Text: common}, Sort: Newest}},
		{"common/score", Request{Query: Word{Text: common}}},
		{"rare/score", Request{Query: Word{Text: rare}}},
		{"forms/score", Request{Query: Word{Text: mid, Match: Forms}}},
		{"and/newest", Request{Query: And{Word{Text: common}, Word{Text: mid}}, Sort: Newest}},
		{"phrase/newest", Request{Query: Phrase{Text: common + " " + benchWord(1)}, Sort: Newest}},
		{"phrase+from/newest", Request{Query: And{Phrase{Text: common + " " + benchWord(1)}, Phrase{Fields: []string{FieldFrom}, Text: benchWord(600)}}, Sort: Newest}},
		{"prefix/score", Request{Query: Word{Text: "kab", Match: Prefix}}},
		{"year/newest", Request{Query: Dates{From: time.Unix(1_550_000_000, 0), To: time.Unix(1_581_000_000, 0)}, Sort: Newest}},
		{"question/statements", Request{Query: Best{Min: 2, Words: []Word{{Text: common, Match: Forgiven}, {Text: mid, Match: Forgiven}, {Text: rare, Match: Forgiven}, {Text: "inexistent", Match: Forgiven}}}, Statements: true}},
		{"question/messages", Request{Query: Best{Min: 2, Words: []Word{{Text: common, Match: Forgiven}, {Text: mid, Match: Forgiven}, {Text: rare, Match: Forgiven}, {Text: "inexistent", Match: Forgiven}}}}},
	} {
		b.Run(s.name, func(b *testing.B) {
			s.req.Limit = 20
			total := 0
			for b.Loop() {
				res, err := ix.Search(context.Background(), s.req)
				if err != nil {
					b.Fatal(err)
				}
				total = res.Total
			}
			b.ReportMetric(float64(total), "hits")
		})
	}
}
