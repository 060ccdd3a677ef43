package textindex

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxTerm = 64   // bytes; what is longer is encoded data, not words
	gap     = 0x1f // in analysed text: what follows is another text, no phrase crosses
	gapSize = 16
)

// keywordTokens makes a term of each value, all at the same position.
func keywordTokens(pos int, values ...string) []token {
	var ts []token
	for _, v := range values {
		if v != "" {
			ts = append(ts, token{[]byte(strings.ToLower(v)), pos})
		}
	}
	return ts
}

// addressTokens gives the words of the name and of the address, the whole
// address, and "@domain" for its domain and the domains above.
func addressTokens(list []Address) []token {
	var ts []token
	base := 0
	for _, a := range list {
		last := base
		addr := strings.ToLower(a.Address)
		whole := false
		add := func(term []byte, pos, _ int) {
			whole = whole || string(term) == addr
			last = max(last, base+pos)
			ts = append(ts, token{term, base + pos})
		}
		scan(append(append([]byte(a.Name), gap), addr...), add, nil)
		if !whole && addr != "" {
			add([]byte(addr), last-base+1, 0) // an address may hold characters that part words
		}
		at := strings.LastIndexByte(addr, '@')
		for d := addr[at+1:]; at >= 0 && len(d) > 0; _, d, _ = strings.Cut(d, ".") {
			add([]byte("@"+d), last-base+1, 0)
		}
		base = last + gapSize
	}
	return ts
}

// run is a stretch of words that hang together.
type run struct {
	parts []string
	whole string // as one term; "" when the run is not one
	plain string // a number without grouping and empty cents; "" when there is none or it is whole
}

// runsOf analyses what somebody asked for. It holds exactly the terms that
// scan makes of the same text.
func runsOf(text string) []run {
	var runs []run
	var cur run
	scan([]byte(text), func(term []byte, _, _ int) {
		cur.parts = append(cur.parts, string(term))
	}, func(whole, plain []byte, parts int) {
		// The terms of the run as a whole came last, after its parts.
		cur.parts = cur.parts[:parts]
		cur.whole, cur.plain = string(whole), string(plain)
		if parts > 0 || cur.whole != "" {
			runs = append(runs, cur)
		}
		cur = run{}
	})
	return runs
}

type class uint8

const (
	other class = iota
	letter
	digit
	joiner // between two words it may hang them together
)

var ascii = func() (t [utf8.RuneSelf]class) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		case strings.IndexByte("-_./@:+&',", byte(c)) >= 0:
			t[c] = joiner
		}
	}
	return t
}()

// scan splits text into terms: runs of letters and digits, lower-case, without
// accents, every Chinese or Japanese character by itself. Stop words stay, so
// that "for the" is a phrase. Words that hang together around a digit or an @
// (inv-2018-52225, nora@deskandco.example, 1,162.00) also become one term at the
// place of their first part; a number also in its plain form (1162).
//
// It calls emit with every term, its position, from 1, and the offset of its
// first byte in b, which ascends but for terms of a whole run; and endRun, which may be nil, after each run with the terms that stand for the whole of it and
// the number of its parts. It works in b, and terms are slices of b where they
// can be.
func scan(b []byte, emit func(term []byte, pos, at int), endRun func(whole, plain []byte, parts int)) {
	pos := 0
	for i := 0; i < len(b); {
		c, size := classAt(b, i)
		if c != letter && c != digit {
			if b[i] == gap {
				pos += gapSize
			}
			i += size
			continue
		}
		// A run: word (joiner word)*.
		start, first := i, pos+1
		parts, slashes := 0, 0
		hasDigit, hasAt, hasIdeograph, pureNumber, plainASCII := false, false, false, true, true
		for {
			w := i
			asciiWord, ideographs := true, false
			for i < len(b) {
				if x := b[i]; x < utf8.RuneSelf {
					switch ascii[x] {
					case digit:
						hasDigit = true
						i++
						continue
					case letter:
						if x < 'a' {
							b[i] = x + 'a' - 'A'
						}
						pureNumber = false
						i++
						continue
					}
					break
				}
				r, size := utf8.DecodeRune(b[i:])
				if wordRune(r, size) == other {
					break
				}
				if ideograph(r) {
					ideographs = true
				}
				hasDigit = hasDigit || unicode.IsDigit(r)
				asciiWord, pureNumber = false, false
				i += size
			}
			switch {
			case asciiWord:
				if i-w <= maxTerm {
					pos++
					parts++
					emit(b[w:i:i], pos, w)
				}
			case ideographs:
				hasIdeograph, plainASCII = true, false
				for _, t := range splitIdeographs(fold(b[w:i])) {
					if len(t) <= maxTerm {
						pos++
						parts++
						emit(t, pos, w)
					}
				}
			default:
				plainASCII = false
				if t := fold(b[w:i]); len(t) > 0 && len(t) <= maxTerm {
					pos++
					parts++
					emit(t, pos, w)
				}
			}
			if i+1 >= len(b) || b[i] >= utf8.RuneSelf || ascii[b[i]] != joiner {
				break
			}
			next, _ := classAt(b, i+1)
			if next != letter && next != digit {
				break
			}
			if b[i] == ',' || b[i] == ':' {
				if before, _ := classAt(b, i-1); before != digit || next != digit {
					break
				}
				if b[i] == ':' {
					pureNumber = false
				}
			} else if b[i] != '.' {
				pureNumber = false
			}
			switch b[i] {
			case '/':
				slashes++
			case '@':
				hasAt = true
			}
			i++
		}
		var whole, plain []byte
		// More than two slashes is a path of the web, whose parts are enough.
		if parts > 0 && i-start <= maxTerm && slashes <= 2 && (hasDigit || hasAt) && !hasIdeograph {
			if parts > 1 {
				whole = b[start:i:i]
				if !plainASCII {
					whole = fold(whole)
				}
				emit(whole, first, start)
			}
			if pureNumber && parts > 1 {
				if plain = plainNumber(whole); plain != nil {
					emit(plain, first, start)
				}
			}
		}
		if endRun != nil {
			endRun(whole, plain, parts)
		}
	}
}

// classAt classifies the rune at b[i] and tells its length.
func classAt(b []byte, i int) (class, int) {
	if b[i] < utf8.RuneSelf {
		return ascii[b[i]], 1
	}
	r, size := utf8.DecodeRune(b[i:])
	return wordRune(r, size), size
}

// wordRune classifies a rune outside ASCII. Marks and invisible characters
// count as letters, so that they do not break the word they stand in.
func wordRune(r rune, size int) class {
	switch {
	case r == utf8.RuneError && size == 1:
		return other
	case unicode.IsLetter(r), unicode.IsMark(r), invisible(r):
		return letter
	case unicode.IsDigit(r):
		return digit
	}
	return other
}

// invisible are the soft hyphen, zero-width spaces and joiners that mailers put
// into words.
func invisible(r rune) bool {
	return r == 0xad || r >= 0x200b && r <= 0x200d || r == 0x2060 || r == 0xfeff
}

func ideograph(r rune) bool {
	return r >= 0x2e80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

func splitIdeographs(b []byte) [][]byte {
	var out [][]byte
	start := 0
	for i, r := range string(b) {
		if ideograph(r) {
			if i > start {
				out = append(out, b[start:i])
			}
			start = i + utf8.RuneLen(r)
			out = append(out, b[i:start])
		}
	}
	if start < len(b) {
		out = append(out, b[start:])
	}
	return out
}

// fold returns b in lower case, composed characters apart, without accents and
// invisible characters. Letters that have no such form get their usual spelling.
func fold(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(norm.NFKD.Bytes(b)) {
		switch {
		case unicode.Is(unicode.Mn, r) || invisible(r):
			continue
		case r == 'ß' || r == 'ẞ':
			out = append(out, "ss"...)
		case r == 'ø' || r == 'Ø':
			out = append(out, 'o')
		case r == 'ł' || r == 'Ł':
			out = append(out, 'l')
		case r == 'đ' || r == 'Đ':
			out = append(out, 'd')
		case r == 'æ' || r == 'Æ':
			out = append(out, "ae"...)
		case r == 'œ' || r == 'Œ':
			out = append(out, "oe"...)
		default:
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
	}
	return out
}

// plainNumber returns 1162 for 1,162.00, or nil when there is no other form or b
// is not grouped as a number (192.168.0.1, 1,2,3).
func plainNumber(b []byte) []byte {
	s := string(b)
	whole, cents, hasCents := strings.Cut(s, ".")
	groups := strings.Split(whole, ",")
	if len(groups[0]) > 3 && len(groups) > 1 {
		return nil
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return nil
		}
	}
	out := strings.Join(groups, "")
	if hasCents {
		if strings.ContainsAny(cents, ".,") {
			return nil
		}
		if strings.Trim(cents, "0") != "" {
			out += "." + cents
		}
	}
	if out == s {
		return nil
	}
	return []byte(out)
}
