package thread

import (
	"unicode"
	"unicode/utf8"
)

const (
	minWords    = 6
	maxShingles = 400 // of one text: a mail is known by its beginning
)

// Shingles hashes the sentences of text that have six words or more, and the
// lines. Case, punctuation, quotation marks at line starts and, for sentences, line
// wraps do not count, so a sentence hashes alike where its author wrote it and where
// another quotes it; lines are for quotations that cut sentences short. A blank line,
// a full stop, a question or exclamation mark end a sentence. The hashes are in
// order, each once.
func Shingles(text string) []uint64 {
	var (
		out      []uint64
		seen     map[uint64]bool
		sentence = run{h: offset64}
		line     = run{h: offset64}
		word     bool // within a word
	)
	emit := func(r *run) {
		if r.words >= minWords && len(out) < maxShingles && !seen[r.h] {
			if seen == nil {
				seen = make(map[uint64]bool)
			}
			seen[r.h] = true
			out = append(out, r.h)
		}
		*r = run{h: offset64}
	}
	start := true // at the start of a line, where quotation marks stand
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		i += n
		next := byte('\n')
		if i < len(text) {
			next = text[i]
		}
		switch {
		case r == '\n':
			if start { // nothing stood on the line
				emit(&sentence)
			}
			emit(&line)
			word, start = false, true
			continue
		case r == ' ' || r == '\t' || r == '\r':
			word = false
			continue
		case start && (r == '>' || r == '|'):
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if !word {
				sentence.word()
				line.word()
				word = true
			}
			r = unicode.ToLower(r)
			sentence.h, line.h = mix(sentence.h, r), mix(line.h, r)
		case r == '.' || r == '?' || r == '!' || r == ':' || r == ';':
			if next == ' ' || next == '\n' || next == '\r' || next == '\t' {
				emit(&sentence)
			}
			word = false
		case r == '\'' || r == '’':
			// "don't" is one word in whatever quotation mark.
		default:
			word = false
		}
		start = false
	}
	emit(&sentence)
	emit(&line)
	return out
}

// run is a stretch of words being hashed.
type run struct {
	h     uint64
	words int
}

func (r *run) word() {
	r.words++
	r.h = mix(r.h, ' ')
}

// FNV-1a over runes.
const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func mix(h uint64, r rune) uint64 { return (h ^ uint64(r)) * prime64 }
