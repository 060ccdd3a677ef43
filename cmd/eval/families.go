package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// How words are divided into families, see statement.AppendFamilies.
const (
	vectorWords    = 20000 // the most frequent of the file
	vectorFamilies = 255
	mailFamilies   = 200
	mailWordMin    = 12  // occurrences of a word in the mail
	neighbourWords = 250 // the most frequent words that count as neighbours
	rounds         = 15  // of k-means
	longSentence   = 400 // bytes; longer ones are tables and worse
)

// familiesCommand makes the word families from a file of word vectors, a word a
// line with its numbers after it, the most frequent first, and from the mail in
// the corpora, whose sentences count once each. One machine gives the same file
// each time.
func familiesCommand(vectors, corpora, out string, w io.Writer) error {
	words, vs, err := readVectors(vectors)
	if err != nil {
		return err
	}
	var d [2]map[string]uint8
	d[0] = divide(words, vs, vectorFamilies)
	words, vs, err = neighbourVectors(corpora)
	if err != nil {
		return err
	}
	d[1] = divide(words, vs, mailFamilies)
	b := statement.AppendFamilies(nil, d)
	fmt.Fprintf(w, "word families: %d words by vectors, %d by their neighbours in mail, %d octets\n", len(d[0]), len(d[1]), len(b))
	return os.WriteFile(out, b, 0o644)
}

func readVectors(path string) (words []string, vs [][]float32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() && len(words) < vectorWords {
		p := strings.Fields(s.Text())
		if len(p) < 2 || len(vs) > 0 && len(p)-1 != len(vs[0]) {
			return nil, nil, fmt.Errorf("reading %q, word %d: %d numbers", path, len(words)+1, len(p)-1)
		}
		v := make([]float32, len(p)-1)
		for i, x := range p[1:] {
			y, err := strconv.ParseFloat(x, 32)
			if err != nil {
				return nil, nil, fmt.Errorf("reading %q, word %q: %w", path, p[0], err)
			}
			v[i] = float32(y)
		}
		words, vs = append(words, p[0]), append(vs, v)
	}
	return words, vs, s.Err()
}

// neighbourVectors gives each word of the corpora's mail what stands one and two
// places before and after it: for each frequent word, how much likelier it is
// there than anywhere, as a logarithm.
func neighbourVectors(corpora string) ([]string, [][]float32, error) {
	var sentences [][]string
	seen := map[string]bool{}
	count := map[string]int{}
	for _, a := range [...]string{"bulk/enron-inbox.tar.zst", "bulk/spamassassin-ham.tar.zst"} {
		err := fromTar(filepath.Join(corpora, a), func(_ string, octets []byte) {
			for _, s := range statement.ReadWith(&statement.Model{}, message.Parse(octets)).Sentences {
				text := squash(s.Text)
				ws := plainWords(text)
				if len(text) >= longSentence || seen[text] || len(ws) < 3 {
					continue
				}
				seen[text] = true
				sentences = append(sentences, ws)
				for _, w := range ws {
					count[w]++
				}
			}
		}, func(string) bool { return true })
		if err != nil {
			return nil, nil, err
		}
	}
	if len(sentences) == 0 {
		return nil, nil, errors.New("dividing words: no mail in the corpora")
	}
	var words []string
	for w, n := range count {
		if n >= mailWordMin {
			words = append(words, w)
		}
	}
	sort.Slice(words, func(i, j int) bool {
		if count[words[i]] != count[words[j]] {
			return count[words[i]] > count[words[j]]
		}
		return words[i] < words[j]
	})
	number := map[string]int{}
	for i, w := range words {
		number[w] = i
	}
	const edge, other, width = neighbourWords, neighbourWords + 1, neighbourWords + 2
	places := [...]struct {
		at     int
		weight float32
	}{{-1, 1}, {1, 1}, {-2, 0.5}, {2, 0.5}}
	vs := make([][]float32, len(words))
	for i := range vs {
		vs[i] = make([]float32, len(places)*width)
	}
	total, column := 0.0, make([]float64, len(places)*width)
	for _, s := range sentences {
		for i, w := range s {
			n, ok := number[w]
			if !ok {
				continue
			}
			for p, place := range places {
				c := edge
				if k := i + place.at; k >= 0 && k < len(s) {
					c = other
					if x, ok := number[s[k]]; ok && x < neighbourWords {
						c = x
					}
				}
				vs[n][p*width+c] += place.weight
				column[p*width+c] += float64(place.weight)
				total += float64(place.weight)
			}
		}
	}
	for _, v := range vs {
		row := 0.0
		for _, x := range v {
			row += float64(x)
		}
		for c, x := range v {
			if x > 0 { // seldom seen together says little
				v[c] = float32(max(0, math.Log(float64(x)*total/(row*column[c]))) * min(1, float64(x)/3))
			}
		}
	}
	return words, vs, nil
}

// plainWords cuts text into words and marks, in lower case, numbers as 0.
func plainWords(text string) (out []string) {
	var b strings.Builder
	end := func() {
		if w := strings.Trim(b.String(), "'-"); w != "" {
			out = append(out, w)
		}
		b.Reset()
	}
	for _, r := range text {
		switch {
		case r == '’':
			b.WriteByte('\'')
		case unicode.IsLetter(r) || r == '\'' || r == '-':
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsDigit(r):
			if b.String() != "0" {
				end()
				b.WriteByte('0')
			}
		case unicode.IsSpace(r):
			end()
		default:
			end()
			out = append(out, string(r))
		}
	}
	end()
	return out
}

// divide deals words into n families by the direction of their vectors: k-means
// from a fixed seed.
func divide(words []string, vs [][]float32, n int) map[string]uint8 {
	unit := func(v []float32) bool {
		s := float32(0)
		for _, x := range v {
			s += x * x
		}
		if s == 0 {
			return false
		}
		s = float32(1 / math.Sqrt(float64(s)))
		for i := range v {
			v[i] *= s
		}
		return true
	}
	for _, v := range vs {
		unit(v)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	middle := make([][]float32, n)
	for i, k := range rng.Perm(min(len(vs), 5*n))[:n] { // from among the frequent
		middle[i] = append([]float32(nil), vs[k]...)
	}
	at := make([]int, len(vs))
	for range rounds {
		var g sync.WaitGroup
		for part := range 2 {
			g.Go(func() {
				for i := part; i < len(vs); i += 2 {
					best := float32(math.Inf(-1))
					for k, m := range middle {
						s := float32(0)
						for j, x := range vs[i] {
							s += x * m[j]
						}
						if s > best {
							at[i], best = k, s
						}
					}
				}
			})
		}
		g.Wait()
		for _, m := range middle {
			clear(m)
		}
		for i, k := range at {
			for j, x := range vs[i] {
				middle[k][j] += x
			}
		}
		for _, m := range middle {
			if !unit(m) {
				copy(m, vs[rng.IntN(len(vs))])
			}
		}
	}
	out := map[string]uint8{}
	for i, w := range words {
		out[w] = uint8(at[i] + 1)
	}
	return out
}
