package statement

import (
	"unicode"
	"unicode/utf8"
)

// shape says what a token is made of.
type shape uint8

const (
	shapeWord   shape = iota // letters, possibly with apostrophes, hyphens and digits
	shapeNumber              // begins with a digit
	shapePunct               // one mark, or a run of the same mark
	shapeSymbol              // currency signs, emoji, everything else
)

// token is one word, number or mark of Message.Text. hash is FNV-1a over its
// lower-case form with straight apostrophes; word is its entry in the
// vocabulary, or nil.
type token struct {
	start, end int
	shape      shape
	upper      bool // begins with a capital
	caps       bool // two or more letters, all capital
	digits     bool // holds a digit
	kin        families
	hash       uint32
	cls        class
	id         int32 // of the vocabulary; 0 when the word is in no rule
}

const (
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

func fnv(h uint32, b byte) uint32 { return (h ^ uint32(b)) * fnvPrime }

// scanner cuts text into tokens. buf is scratch for the lower-case form of one
// word, so that looking a word up allocates nothing.
type scanner struct {
	buf []byte
}

// scan appends the tokens of text[start:end] to dst. It reads each byte once.
func (s *scanner) scan(dst []token, text string, start, end int) []token {
	i := start
	for i < end {
		c := text[i]
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			i++
		case isDigit(c):
			dst = append(dst, s.number(text, i, end))
			i = dst[len(dst)-1].end
		case c < utf8.RuneSelf && !isLetter(c):
			j := i + 1
			if c != '"' && c != '$' && c != '(' && c != ')' {
				for j < end && text[j] == c {
					j++
				}
			}
			sh := shapePunct
			if c == '$' || c == '%' || c == '#' || c == '@' || c == '+' || c == '=' || c == '&' || c == '*' || c == '~' || c == '^' || c == '|' || c == '<' || c == '>' {
				sh = shapeSymbol
			}
			t := token{start: i, end: j, shape: sh}
			s.buf = append(s.buf[:0], c)
			s.finish(&t)
			dst = append(dst, t)
			i = j
		default:
			r, n := utf8.DecodeRuneInString(text[i:end])
			if unicode.IsLetter(r) {
				dst = append(dst, s.word(text, i, end))
				i = dst[len(dst)-1].end
				continue
			}
			if unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' || r == '\u00ad' {
				i += n
				continue
			}
			t := token{start: i, end: i + n, shape: shapeSymbol}
			s.buf = s.buf[:0]
			switch r {
			case '“', '”', '„', '«', '»':
				t.shape = shapePunct
				s.buf = append(s.buf, '"')
			case '‘', '’':
				t.shape = shapePunct
				s.buf = append(s.buf, '\'')
			case '–', '—', '−':
				t.shape = shapePunct
				s.buf = append(s.buf, '-')
			case '…':
				t.shape = shapePunct
				s.buf = append(s.buf, '.')
			case '•', '·', '‣', '▪', '◦':
				t.shape = shapePunct
				s.buf = append(s.buf, '*')
			default:
				s.buf = utf8.AppendRune(s.buf, r)
			}
			s.finish(&t)
			dst = append(dst, t)
			i += n
		}
	}
	return dst
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// word reads letters; apostrophes, hyphens, digits, underscores and inner dots
// before a letter or digit belong to it ("don't", "non-refundable", "Q-3381",
// "a.m").
func (s *scanner) word(text string, start, end int) token {
	t := token{start: start, shape: shapeWord}
	s.buf = s.buf[:0]
	letters, uppers := 0, 0
	i := start
	for i < end { // most words are plain
		c := text[i]
		if !isLetter(c) {
			break
		}
		letters++
		if c < 'a' {
			uppers++
			if i == start {
				t.upper = true
			}
			c |= 0x20
		}
		s.buf = append(s.buf, c)
		i++
	}
	for i < end {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:end])
		}
		switch {
		case unicode.IsLetter(r):
			letters++
			if unicode.IsUpper(r) {
				uppers++
				if i == start {
					t.upper = true
				}
				r = unicode.ToLower(r)
			}
			s.buf = utf8.AppendRune(s.buf, r)
		case '0' <= r && r <= '9':
			t.digits = true
			s.buf = append(s.buf, byte(r))
		case r == '\'' || r == '’' || r == '-' || r == '_' || r == '.':
			nr, _ := utf8.DecodeRuneInString(text[i+n : end])
			inner := unicode.IsLetter(nr) || unicode.IsDigit(nr)
			if r == '.' && inner {
				// "p.m", "e.g", "www.x": a dot joins single letters and addresses
				// only; "done.Thanks" is two words.
				inner = letters == 1 || (i-start >= 3 && text[i-1] != '.' && unicode.IsLower(nr)) || t.digits
			}
			if r == '-' && (string(s.buf) == "am" || string(s.buf) == "pm") {
				inner = false // "1:00 PM-2:00 PM"
			}
			if !inner {
				goto done
			}
			if r == '’' {
				r = '\''
			}
			s.buf = append(s.buf, byte(r))
		case unicode.IsMark(r):
			s.buf = utf8.AppendRune(s.buf, r)
		default:
			goto done
		}
		i += n
	}
done:
	t.end = i
	t.caps = letters >= 2 && uppers == letters
	s.finish(&t)
	return t
}

// number reads digits with inner separators and the letters that follow at
// once: "1,200.50", "14/03/2023", "10.30am", "14th", "2k", "3-4", "2024-011".
func (s *scanner) number(text string, start, end int) token {
	t := token{start: start, shape: shapeNumber, digits: true}
	s.buf = s.buf[:0]
	i := start
	for i < end {
		c := text[i]
		switch {
		case isDigit(c):
		case isLetter(c):
			c |= 0x20
		case (c == '.' || c == ',' || c == ':' || c == '/' || c == '-') && i+1 < end && isDigit(text[i+1]):
		default:
			goto done
		}
		s.buf = append(s.buf, c)
		i++
	}
done:
	t.end = i
	s.finish(&t)
	return t
}

func (s *scanner) finish(t *token) {
	h := uint32(fnvOffset)
	for _, b := range s.buf {
		h = fnv(h, b)
	}
	t.hash = h
	e := vocabulary.look(s.buf, h)
	t.id, t.cls = e.id, e.cls
	if t.shape == shapeWord && t.cls&clsFunction == 0 {
		t.kin = theFamilies.of[theFamilies.place(h)]
	}
	switch {
	case t.shape == shapeNumber:
		t.cls |= clsNumber
	case t.shape == shapeWord && t.id == 0 && t.cls == 0:
		t.cls |= guessClass(s.buf)
	}
	t.cls |= clsAny
}

// guessClass reads a word's ending where the vocabulary does not know it.
func guessClass(w []byte) class {
	n := len(w)
	switch {
	case n > 4 && w[n-1] == 'd' && w[n-2] == 'e':
		return clsVBN | clsVBD
	case n > 4 && w[n-1] == 'g' && w[n-2] == 'n' && w[n-3] == 'i':
		return clsVBG
	}
	return 0
}
