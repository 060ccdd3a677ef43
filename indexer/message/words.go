package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Span is a stretch of Message.Text in bytes, [Start,End).
type Span struct{ Start, End int }

// A word of a text that is compared with another: where it stands, and its letters
// without regard to case and apostrophes.
type word struct {
	start, end int
	hash       uint64
}

// wordsOf appends the words of text[from:to] to dst. What mail programs write anew
// when they quote is passed over: quotation marks, addresses and links.
func wordsOf(dst []word, text string, from, to int) []word {
	begins := true // of a line
	for i := from; i < to; {
		c := text[i]
		switch {
		case c == '\n':
			begins = true
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case begins && (c == '>' || c == '|'):
			i++
			continue
		}
		begins = false
		end := i
		for end < to && text[end] != ' ' && text[end] != '\n' && text[end] != '\t' && text[end] != '\r' {
			end++
		}
		if !rewritten(text[i:end]) {
			dst = wordsIn(dst, text, i, end)
		}
		i = end
	}
	return dst
}

// rewritten tells what stands differently in each program's quotation.
func rewritten(chunk string) bool {
	if i := strings.LastIndexByte(chunk, '.'); i > 0 && i+1 < len(chunk) && isLetter(chunk[i-1]) && isLetter(chunk[i+1]) || len(chunk) > 40 {
		return true // "desk.example"
	}
	return strings.Contains(chunk, "&gt;") || strings.ContainsRune(chunk, '@') || strings.Contains(chunk, "://") || strings.HasPrefix(chunk, "www.") || strings.Contains(chunk, "cid:")
}

func wordsIn(dst []word, text string, from, to int) []word {
	w := word{start: -1}
	for i := from; i < to; {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:to])
		}
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if w.start < 0 {
				w = word{start: i, hash: hashSeed}
			}
			w.hash = hashStep(w.hash, uint64(unicode.ToLower(r)))
			w.end = i + n
		case w.start >= 0 && (r == '\'' || r == '’'):
		case w.start >= 0:
			dst = append(dst, w)
			w.start = -1
		}
		i += n
	}
	if w.start >= 0 {
		dst = append(dst, w)
	}
	return dst
}

// FNV-1a over runes and words.
const (
	hashSeed  = 14695981039346656037
	hashPrime = 1099511628211
)

func hashStep(h, v uint64) uint64 { return (h ^ v) * hashPrime }

// A unit is what lies in one line and one sentence: the piece that somebody
// inserts into a quotation, or leaves as it was.
type unit struct {
	from, to int // words
	line     int
	depth    int // quotation marks before the line
}

// unitsOf cuts words at line ends, sentence ends, colons, dashes and tabs.
func unitsOf(text string, words []word) []unit {
	var out []unit
	line, depth := 0, 0
	for i := range words {
		cut, fresh := i == 0, i == 0
		at := 0
		if i > 0 {
			at = words[i-1].end
			between := text[at:words[i].start]
			if n := strings.Count(between, "\n"); n > 0 {
				cut, fresh = true, true
				line += n
				at += strings.LastIndexByte(between, '\n') + 1
			} else {
				cut = divides(between)
			}
		} else {
			at = strings.LastIndexByte(text[:words[0].start], '\n') + 1
		}
		if fresh {
			head := text[at:words[i].start]
			depth = strings.Count(head[:len(head)-len(strings.TrimLeft(head, "> |\t"))], ">")
		}
		if cut {
			out = append(out, unit{from: i, line: line, depth: depth})
		}
		out[len(out)-1].to = i + 1
	}
	return out
}

// divides tells whether what stands between two words of a line parts sentences.
func divides(between string) bool {
	for i := range len(between) - 1 {
		switch c := between[i]; {
		case c == '.' || c == '?' || c == '!' || c == ':' || c == ';':
			if between[i+1] == ' ' || between[i+1] == '\t' {
				return true
			}
		}
	}
	return strings.ContainsAny(between, "\t[]") || strings.Contains(between, " - ") || strings.Contains(between, " – ") || strings.Contains(between, " — ") || strings.Contains(between, "->") || strings.Contains(between, "=>")
}
