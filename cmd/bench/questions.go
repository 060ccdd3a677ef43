package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/textindex"
)

// asked is one question in both languages. Words are quoted for notmuch, which
// stems what is not.
type asked struct {
	shape   string
	ours    textindex.Query
	notmuch string
}

// answered is what libnotmuch says: how many fit, and the time of the newest 20.
type answered struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"` // ms
}

const repeats = 25

// questions times what people ask, newest 20, warm and in process on both sides,
// and compares counts on generated questions.
func questions(index, db, rc, mail string) error {
	var format struct{ Reader string }
	b, err := os.ReadFile(filepath.Join(index, "format.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &format); err != nil {
		return err
	}
	start := time.Now()
	ix, err := textindex.Open(index, textindex.Options{Reader: format.Reader})
	if err != nil {
		return err
	}
	defer ix.Close()
	fmt.Printf("opening the index: %.0f ms\n", float64(time.Since(start).Microseconds())/1e3)
	v, err := vocabulary(mail)
	if err != nil {
		return err
	}
	peer, err := startPeer(db, rc)
	if err != nil {
		return err
	}
	defer peer.close()

	fmt.Printf("%-22s %9s %9s %9s %9s %7s\n", "newest 20, ms", "hits", "p50", "p99", "notmuch", "ratio")
	for _, a := range v.shapes() {
		times := make([]float64, 0, repeats)
		total := 0
		for range repeats {
			start := time.Now()
			res, err := ix.Search(context.Background(), textindex.Request{Query: a.ours, Sort: textindex.Newest, Limit: 20})
			if err != nil {
				return fmt.Errorf("%s: %w", a.shape, err)
			}
			times = append(times, float64(time.Since(start).Microseconds())/1e3)
			total = res.Total
		}
		slices.Sort(times)
		theirs, err := peer.ask(a.notmuch, repeats)
		if err != nil {
			return fmt.Errorf("%s: %w", a.shape, err)
		}
		note := ""
		if theirs.Count != total {
			note = fmt.Sprintf("  notmuch: %d hits", theirs.Count)
		}
		p50 := times[len(times)/2]
		fmt.Printf("%-22s %9d %9.2f %9.2f %9.2f %7.2f%s\n", a.shape, total, p50, times[len(times)*99/100], theirs.P50, p50/theirs.P50, note)
	}
	for _, a := range v.statementShapes() {
		times := make([]float64, 0, repeats)
		total := 0
		for range repeats {
			start := time.Now()
			res, err := ix.Search(context.Background(), textindex.Request{Query: a.ours, Statements: true, Limit: 20})
			if err != nil {
				return fmt.Errorf("%s: %w", a.shape, err)
			}
			times = append(times, float64(time.Since(start).Microseconds())/1e3)
			total = res.Total
		}
		slices.Sort(times)
		fmt.Printf("%-22s %9d %9.2f %9.2f\n", a.shape, total, times[len(times)/2], times[len(times)*99/100])
	}

	equal, shown := 0, 0
	list := v.generated(600)
	for _, a := range list {
		res, err := ix.Search(context.Background(), textindex.Request{Query: a.ours})
		if err != nil {
			return fmt.Errorf("%s: %w", a.notmuch, err)
		}
		theirs, err := peer.ask(a.notmuch, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", a.notmuch, err)
		}
		if res.Total == theirs.Count {
			equal++
		} else if shown++; shown <= 10 {
			fmt.Printf("differs: %s: %d, notmuch %d\n", a.notmuch, res.Total, theirs.Count)
		}
	}
	fmt.Printf("counts equal to notmuch's on %d of %d generated AND, phrase and date questions\n", equal, len(list))
	return nil
}

// peer is a process that asks libnotmuch.
type peer struct {
	cmd *exec.Cmd
	in  *json.Encoder
	out *json.Decoder
	end func() error
}

//go:embed notmuch.py
var notmuchScript string

func startPeer(db, rc string) (*peer, error) {
	cmd := exec.Command("/usr/bin/python3", "-c", notmuchScript, db)
	cmd.Env = append(os.Environ(), "NOTMUCH_CONFIG="+rc, "TZ=UTC")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &peer{cmd, json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out)), in.Close}, nil
}

func (p *peer) close() error { return errors.Join(p.end(), p.cmd.Wait()) }

func (p *peer) ask(query string, times int) (answered, error) {
	var a answered
	if err := p.in.Encode(map[string]any{"query": query, "times": times}); err != nil {
		return a, err
	}
	return a, p.out.Decode(&a)
}

// words are the words of a corpus by how many messages hold them.
type words struct {
	byCount []string // of letters alone, the most frequent first
	count   map[string]int
	lines   [][]string // of plain text, each of three words and more
	prose   int        // messages looked at
	r       *rand.Rand
	from    string // a word of senders
	subject string
}

var plainWord = regexp.MustCompile(`^[a-z]{3,20}$`)

// vocabulary reads the words of up to 4,000 messages.
func vocabulary(mail string) (*words, error) {
	names, err := filepath.Glob(filepath.Join(mail, "cur", "*"))
	if err != nil {
		return nil, err
	}
	v := &words{count: map[string]int{}, r: rand.New(rand.NewPCG(5, 5))}
	from, subject := map[string]int{}, map[string]int{}
	for i := 0; i < len(names); i += max(1, len(names)/4000) {
		b, err := os.ReadFile(names[i])
		if err != nil {
			return nil, err
		}
		text := strings.ReplaceAll(string(b), "\r", "")
		head, body, _ := strings.Cut(text, "\n\n")
		v.prose++
		for line := range strings.SplitSeq(head, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			into := map[string]map[string]int{"From": from, "Subject": subject}[name]
			if into == nil {
				continue
			}
			for w := range strings.FieldsSeq(strings.ToLower(value)) {
				if plainWord.MatchString(w) {
					into[w]++
				}
			}
		}
		seen := map[string]bool{}
		for line := range strings.SplitSeq(body, "\n") {
			fields := strings.Fields(strings.ToLower(line))
			if len(fields) >= 3 && !slices.ContainsFunc(fields, func(w string) bool { return !plainWord.MatchString(w) }) {
				v.lines = append(v.lines, fields)
			}
			for _, w := range fields {
				if plainWord.MatchString(w) && !seen[w] {
					seen[w] = true
					v.count[w]++
				}
			}
		}
	}
	for w := range v.count {
		v.byCount = append(v.byCount, w)
	}
	slices.SortFunc(v.byCount, func(a, b string) int {
		if v.count[a] != v.count[b] {
			return v.count[b] - v.count[a]
		}
		return strings.Compare(a, b)
	})
	v.from, v.subject = most(from), most(subject)
	if len(v.lines) == 0 || v.from == "" || v.subject == "" {
		return nil, errors.New("no words to ask for")
	}
	return v, nil
}

func most(m map[string]int) string {
	best := ""
	for w, n := range m {
		if best == "" || n > m[best] || n == m[best] && w < best {
			best = w
		}
	}
	return best
}

// at returns a word that about this share of the messages holds; the nth of them.
func (v *words) at(share float64, n int) string {
	i, _ := slices.BinarySearchFunc(v.byCount, int(share*float64(v.prose)), func(w string, want int) int { return want - v.count[w] })
	return v.byCount[min(i+n, len(v.byCount)-1)]
}

func word(w string) textindex.Query { return textindex.Word{Text: w, Match: textindex.Exact} }
func quoted(w string) string        { return `"` + w + `"` }

func both(shape string, list ...string) asked {
	a := asked{shape: shape}
	var and textindex.And
	for i, w := range list {
		and = append(and, word(w))
		if i > 0 {
			a.notmuch += " and "
		}
		a.notmuch += quoted(w)
	}
	a.ours = and
	return a
}

func (v *words) shapes() []asked {
	common, mid, mid2, one, rare := v.at(.6, 0), v.at(.2, 0), v.at(.2, 1), v.at(.01, 0), v.at(.001, 0)
	var list []string
	for i := range 5 {
		list = append(list, v.at(.15, 3*i))
	}
	five := asked{shape: "OR of five"}
	var or textindex.Or
	for i, w := range list {
		or = append(or, word(w))
		if i > 0 {
			five.notmuch += " or "
		}
		five.notmuch += quoted(w)
	}
	five.ours = or
	line := v.lines[len(v.lines)/2]
	phrase2 := []string{"for", "the"}
	day := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	year := 2001
	if strings.Contains(v.from, "nora") || v.count["deskandco"] > 0 || slices.Contains(list, "invoice") {
		year = 2021
	}
	dates := textindex.Dates{From: day(year), To: day(year + 1)}
	span := fmt.Sprintf("date:%d-01-01..%d-12-31", year, year)
	return []asked{
		both("very common word", common),
		both("common word", mid),
		both("word of 1 %", one),
		both("rare word", rare),
		both("AND of two", mid, mid2),
		both("AND common and 1 %", common, one),
		both("AND of three", common, mid, mid2),
		five,
		{"phrase of stop words", textindex.Phrase{Text: strings.Join(phrase2, " ")}, quoted(strings.Join(phrase2, " "))},
		{"phrase of three", textindex.Phrase{Text: strings.Join(line[:3], " ")}, quoted(strings.Join(line[:3], " "))},
		{"from and word", textindex.And{textindex.Word{Fields: []string{textindex.FieldFrom}, Text: v.from}, word(one)}, "from:" + v.from + " and " + quoted(one)},
		{"from and phrase", textindex.And{textindex.Word{Fields: []string{textindex.FieldFrom}, Text: v.from}, textindex.Phrase{Text: strings.Join(phrase2, " ")}}, "from:" + v.from + " and " + quoted(strings.Join(phrase2, " "))},
		{"word in a year", textindex.And{word(mid), dates}, quoted(mid) + " and " + span},
		{"one year", dates, span},
		{"prefix", textindex.Word{Text: mid[:3], Match: textindex.Prefix}, mid[:3] + "*"},
		{"NOT", textindex.And{word(mid), textindex.Not{Query: word(mid2)}}, quoted(mid) + " and not " + quoted(mid2)},
		{"everything", textindex.All{}, "*"},
		{"word of the subject", textindex.Word{Fields: []string{textindex.FieldSubject}, Text: v.subject}, "subject:" + quoted(v.subject)},
	}
}

// statementShapes have no peer: nobody else knows statements.
func (v *words) statementShapes() []asked {
	best := textindex.Best{Min: 2}
	for _, w := range []string{v.at(.2, 0), v.at(.05, 0), v.at(.01, 0), v.at(.001, 0)} {
		best.Words = append(best.Words, textindex.Word{Text: w, Match: textindex.Forgiven})
	}
	wide := best
	wide.Min = 1
	return []asked{
		{"statements: question", best, ""},
		{"statements: any word", wide, ""},
		{"statements: phrase", textindex.Phrase{Text: "for the"}, ""},
		{"statements: kind", textindex.Key{Field: textindex.FieldKind, Values: []string{"question"}}, ""},
		{"statements: NEAR", textindex.Near{Words: []textindex.Word{{Text: v.at(.2, 0), Match: textindex.Forms}, {Text: v.at(.05, 0), Match: textindex.Forms}}, Within: 10}, ""},
	}
}

// generated makes questions of words, phrases and days as they occur.
func (v *words) generated(n int) []asked {
	var out []asked
	pick := func() string {
		line := v.lines[v.r.IntN(len(v.lines))]
		return line[v.r.IntN(len(line))]
	}
	for i := range n {
		switch i % 3 {
		case 0:
			list := []string{pick(), pick(), pick()}
			out = append(out, both("", list[:2+v.r.IntN(2)]...))
		case 1:
			line := v.lines[v.r.IntN(len(v.lines))]
			size := 2 + v.r.IntN(min(3, len(line)-1))
			at := v.r.IntN(len(line) - size + 1)
			text := strings.Join(line[at:at+size], " ")
			out = append(out, asked{ours: textindex.Phrase{Text: text}, notmuch: quoted(text)})
		default:
			from := time.Date(1998+v.r.IntN(25), time.Month(1+v.r.IntN(12)), 1+v.r.IntN(28), 0, 0, 0, 0, time.UTC)
			to := from.AddDate(v.r.IntN(4), 0, 1+v.r.IntN(300))
			w := pick()
			out = append(out, asked{ours: textindex.And{word(w), textindex.Dates{From: from, To: to}},
				notmuch: fmt.Sprintf("%s and date:@%d..@%d", quoted(w), from.Unix(), to.Unix()-1)})
		}
	}
	return out
}
