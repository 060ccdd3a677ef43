package statement

import "math/bits"

// hit is a rule that fired and the tokens it fired on.
type hit struct {
	rule     int
	pattern  int // of the rule; 0 for a rule of conditions alone
	from, to int // tokens, [from,to)
}

// matcher finds the rules that fire in one sentence. Its slices are scratch.
type matcher struct {
	seen []int32 // by rule: the sentence it last fired in
	turn int32
}

// match appends the rules of v that fire on toks to dst, in the order of the
// table. Each rule fires at most once, at its first place.
func (m *matcher) match(dst []hit, toks []token, starts [3]int, cond condition) []hit {
	v := vocabulary
	if m.seen == nil {
		m.seen = make([]int32, len(v.rules))
	}
	m.turn++
	from := len(dst)
	try := func(ss []start, at int) {
		for k := range ss {
			s := &ss[k]
			if m.seen[s.rule] == m.turn || cond&s.must != s.must || cond&s.mustNot != 0 {
				continue
			}
			end := at
			rest := s.rest
			if s.sure {
				if at >= len(toks) {
					continue
				}
				// What is filed under its first word or class need not look at it again
				end = s.first.after(toks, at)
				if len(rest) > 0 && !rest[0].open {
					if end >= len(toks) || !rest[0].matches(&toks[end]) {
						continue
					}
				}
			}
			if end = matchAt(rest, toks, end, 0); end >= 0 {
				m.seen[s.rule] = m.turn
				dst = append(dst, hit{int(s.rule), int(s.pattern), at, max(end, at)})
			}
		}
	}
	for k, at := range starts {
		if at < 0 || (k > 0 && at == starts[k-1]) {
			continue
		}
		var t token // past the end: only open patterns may match there
		t.cls = clsAny
		if at < len(toks) {
			t = toks[at]
		}
		if t.id > 0 {
			try(v.startByWord[t.id], at)
		}
		for c := t.cls & v.startClasses; c != 0; c &= c - 1 {
			try(v.startByClass[bits.TrailingZeros64(uint64(c))], at)
		}
	}
	for i := range toks {
		t := &toks[i]
		if t.id > 0 {
			try(v.byWord[t.id], i)
		}
		for c := t.cls & v.anyClasses; c != 0; c &= c - 1 {
			try(v.byClass[bits.TrailingZeros64(uint64(c))], i)
		}
	}
	for _, r := range v.plain {
		if cond&v.rules[r].must == v.rules[r].must && cond&v.rules[r].mustNot == 0 {
			dst = append(dst, hit{r, 0, 0, 0})
		}
	}
	hits := dst[from:]
	for i := range hits { // few, and half in order already
		for j := i; j > 0 && hits[j].rule < hits[j-1].rule; j-- {
			hits[j], hits[j-1] = hits[j-1], hits[j]
		}
	}
	return dst
}

const maxSteps = 12 // depth of pattern alternatives; patterns are short

// matchAt returns the token after the match of p at i, or -1.
func matchAt(p []element, toks []token, i, depth int) int {
	for k := range p {
		e := &p[k]
		switch {
		case e.end:
			for i < len(toks) && toks[i].shape == shapePunct || i < len(toks) && toks[i].shape == shapeSymbol && !toks[i].digits {
				i++
			}
			if i < len(toks) {
				return -1
			}
		case e.gap > 0:
			if depth > maxSteps {
				return -1
			}
			for n := 0; n <= e.gap && i+n <= len(toks); n++ {
				if k+1 < len(p) && !p[k+1].open && (i+n == len(toks) || !p[k+1].matches(&toks[i+n])) {
					continue
				}
				if end := matchAt(p[k+1:], toks, i+n, depth+1); end >= 0 {
					return end
				}
			}
			return -1
		case e.optional:
			if i < len(toks) && e.matches(&toks[i]) {
				if end := matchAt(p[k+1:], toks, e.after(toks, i), depth+1); end >= 0 {
					return end
				}
			}
		default:
			if i >= len(toks) || !e.matches(&toks[i]) {
				return -1
			}
			i = e.after(toks, i)
		}
	}
	return i
}

func (e *element) matches(t *token) bool {
	ok := t.cls&e.cls != 0
	if !ok && t.id > 0 {
		for _, id := range e.ids {
			if id == t.id {
				ok = true
				break
			}
		}
	}
	return ok != e.not
}

// after steps over the token at i, or over the whole fact where a fact class
// matched.
func (e *element) after(toks []token, i int) int {
	c := toks[i].cls & e.cls & factClasses
	i++
	if c == 0 || e.not {
		return i
	}
	for n := 0; n < maxFactTokens && i < len(toks) && toks[i].cls&c != 0; n++ {
		i++
	}
	return i
}

const maxFactTokens = 10
