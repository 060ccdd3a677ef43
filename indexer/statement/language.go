package statement

import (
	_ "embed"
	"strings"
)

//go:embed languages.txt
var languagesText string

const maxLanguages = 8

// foreign knows the small words of other languages: a bit for each language by the
// hash of the word.
var foreign, languageCodes = func() (map[uint32]uint8, []string) {
	words := map[uint32]uint8{}
	var codes []string
	for line := range strings.SplitSeq(languagesText, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(codes) == maxLanguages {
			panic("languages.txt: too many languages for a byte of bits")
		}
		for _, w := range f[1:] {
			words[hashString(w)] |= 1 << len(codes)
		}
		codes = append(codes, f[0])
	}
	return words, codes
}()

// tally counts the different small words of each language, and of English.
type tally struct {
	of      [maxLanguages]int
	english int
}

func (n *tally) add(toks []token) {
	var seen [24]uint32
	k := 0
next:
	for i := range toks {
		t := &toks[i]
		if t.shape != shapeWord {
			continue
		}
		for _, h := range seen[:k] {
			if h == t.hash {
				continue next
			}
		}
		bits := foreign[t.hash]
		if bits == 0 {
			if t.cls&clsFunction != 0 {
				n.english++
			}
			continue
		}
		for l := range languageCodes {
			if bits>>l&1 != 0 {
				n.of[l]++
			}
		}
		if k < len(seen) {
			seen[k] = t.hash
			k++
		}
	}
}

// language returns the code of the language whose small words stand there and
// outnumber the English ones; "" for English and where nothing can be said. The
// earlier line of languages.txt settles a tie.
func (n *tally) language() string {
	best := 0
	for l := range languageCodes {
		if n.of[l] > n.of[best] {
			best = l
		}
	}
	if n.of[best] < 2 || n.of[best] <= n.english {
		return ""
	}
	return languageCodes[best]
}

// languageOf returns the language of a sentence that is not English, else "". A
// sentence without English words that holds a small word of the language of the
// sentence before goes with it.
func languageOf(toks []token, prev *segment) string {
	var n tally
	n.add(toks)
	if l := n.language(); l != "" || prev == nil || prev.lang == "" || n.english > 0 {
		return l
	}
	for i, c := range languageCodes {
		if c == prev.lang && n.of[i] > 0 {
			return c
		}
	}
	return ""
}
