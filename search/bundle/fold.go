package bundle

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// folded is a text in the form in which words are looked for: lower case, compatible
// characters as one, what cannot be seen left out, white space as one space also where
// a quoted reply broke the line, or with tight no white space and no hyphens at all.
type folded struct {
	s         string
	from, end []int // by byte of s: the character of the text that it came from
}

func fold(text string, tight bool) folded {
	var f folded
	var b strings.Builder
	b.Grow(len(text))
	put := func(s string, from, end int) {
		b.WriteString(s)
		for range len(s) {
			f.from, f.end = append(f.from, from), append(f.end, end)
		}
	}
	space, fresh := false, false // fresh: nothing but marks of quotation on this line yet
	last := 0
	for i, r := range text {
		n := i + len(string(r))
		switch {
		case r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029:
			space, fresh = true, true
			continue
		case unicode.IsSpace(r):
			space = true
			continue
		case fresh && (r == '>' || r == '|'):
			continue
		case r == 0xAD || unicode.In(r, unicode.Cf):
			continue
		case tight && (r == '-' || unicode.In(r, unicode.Pd)):
			continue
		}
		fresh = false
		if space && !tight && b.Len() > 0 {
			put(" ", last, i)
		}
		space, last = false, n
		switch {
		case r < 0x80:
			put(string(unicode.ToLower(r)), i, n)
		default:
			put(strings.ToLower(norm.NFKC.String(string(r))), i, n)
		}
	}
	f.s = b.String()
	return f
}

// needle is a word that is looked for.
type needle struct {
	s     string // folded
	tight bool   // without white space and hyphens
	whole bool   // only where no letter or digit stands on either side
}

// newNeedle makes one; numbers are found however they are grouped.
func newNeedle(words string, whole bool) needle {
	n := needle{tight: strings.ContainsFunc(words, unicode.IsDigit), whole: whole}
	n.s = fold(words, n.tight).s
	return n
}

// haystack is a text that several needles are looked for in.
type haystack struct {
	text         string
	loose, tight *folded
}

func (h *haystack) in(tight bool) *folded {
	f := &h.loose
	if tight {
		f = &h.tight
	}
	if *f == nil {
		x := fold(h.text, tight)
		*f = &x
	}
	return *f
}

// find returns where n stands in the text, in bytes.
func (h *haystack) find(n needle) [][2]int {
	if n.s == "" {
		return nil
	}
	f := h.in(n.tight)
	var out [][2]int
	for at := 0; at < len(f.s); {
		i := strings.Index(f.s[at:], n.s)
		if i < 0 {
			break
		}
		a, z := at+i, at+i+len(n.s)
		at = a + 1
		if n.whole && (wordBefore(f.s[:a]) && wordAfter(n.s) || wordAfter(f.s[z:]) && wordBefore(n.s)) {
			continue
		}
		out = append(out, [2]int{f.from[a], f.end[z-1]})
		at = z
	}
	return out
}

func (h *haystack) has(n needle) bool { return len(h.find(n)) > 0 }

func wordBefore(s string) bool {
	last := ' '
	for _, r := range s[max(0, len(s)-4):] {
		last = r
	}
	return unicode.IsLetter(last) || unicode.IsDigit(last)
}

func wordAfter(s string) bool {
	for _, r := range s {
		return unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	return false
}
