package statement

import "sort"

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
	try := func(s start, at int) {
		if m.seen[s.rule] == m.turn {
			return
		}
		r := &v.rules[s.rule]
		if cond&r.must != r.must || cond&r.mustNot != 0 {
			m.seen[s.rule] = m.turn
			return
		}
		p := r.patterns[s.pattern]
		if p[0].start {
			p = p[1:]
		}
		if end := matchAt(p, toks, at, 0); end >= 0 {
			m.seen[s.rule] = m.turn
			dst = append(dst, hit{s.rule, s.pattern, at, max(end, at)})
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
			for _, s := range v.startByWord[t.id] {
				try(s, at)
			}
		}
		for k := range v.startByClass {
			if t.cls&v.startByClass[k].cls != 0 {
				for _, s := range v.startByClass[k].starts {
					try(s, at)
				}
			}
		}
	}
	for i := range toks {
		t := &toks[i]
		if t.id > 0 {
			for _, s := range v.byWord[t.id] {
				try(s, i)
			}
		}
		for k := range v.byClass {
			if t.cls&v.byClass[k].cls != 0 {
				for _, s := range v.byClass[k].starts {
					try(s, i)
				}
			}
		}
	}
	for _, r := range v.plain {
		if cond&v.rules[r].must == v.rules[r].must && cond&v.rules[r].mustNot == 0 {
			dst = append(dst, hit{r, 0, 0, 0})
		}
	}
	hits := dst[from:]
	sort.Slice(hits, func(i, j int) bool { return hits[i].rule < hits[j].rule })
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
