package statement

const tenseReach = 40 // tokens

// past reports whether the clause around [from,to) tells of the past.
func (f *factReader) past(toks []token, from, to int) bool { return f.clauseTense(toks, from, to) < 0 }

// clauseTense says whether the clause around [from,to) tells of the past (-1), of
// what is to come (1) or of neither. The nearest tell-tale word before the date
// decides, then the nearest after it. "I never said the 15th" and "you asked for
// Friday" tell when it was said, not when the day is; "you told me on Friday"
// does both.
func (f *factReader) clauseTense(toks []token, from, to int) int {
	if f.is(toks, from-1, "of", "from") && f.is(toks, from-2, papers...) {
		return -1 // "in my mail of Friday"
	}
	if f.is(toks, to, "has", "have", "had", "is", "was") && f.is(toks, to+1, "passed", "gone", "past", "over", "been") {
		return -1
	}
	for k := from - 1; k >= max(0, from-tenseReach); k-- {
		t := &toks[k]
		if n := f.tense(toks, k); n != 0 {
			if n < 0 && f.retold(toks, k, from) {
				return 0
			}
			return n
		}
		if t.shape == shapePunct && f.is(toks, k, ";", ":", ",", ".", "?", "!") {
			break
		}
	}
	for k := to; k < min(len(toks), to+tenseReach); k++ {
		if n := f.tense(toks, k); n != 0 && !f.is(toks, k-1, "as") { // "on Wednesday as promised"
			return n
		}
		if f.is(toks, k, ";", ",", ".", "?", "!", "and", "but") {
			break
		}
	}
	return 0
}

// retold: the word at k tells that something was said, and the day at from is
// what was said, not when.
func (f *factReader) retold(toks []token, k, from int) bool {
	return toks[k].cls&clsReport != 0 && !(f.is(toks, from-1, "on", "last") && from-k <= 4)
}

// isRetold looks for a word of saying before from in its clause.
func (f *factReader) isRetold(toks []token, from int) bool {
	for k := from - 1; k >= max(0, from-tenseReach); k-- {
		if f.tense(toks, k) != 0 {
			return f.retold(toks, k, from)
		}
	}
	return false
}

// isSet: something is put to a day in the words before it.
func (f *factReader) isSet(toks []token, from int) bool {
	for k := max(0, from-8); k < from; k++ {
		if f.is(toks, k, "moved", "scheduled", "rescheduled", "booked", "rebooked", "set", "postponed", "planned", "arranged", "pushed", "reserved", "ordered", "delayed", "deferred", "brought", "changed", "invited", "delivery") {
			return true
		}
	}
	return false
}

// tense: -1 past, +1 future or order, 0 says nothing.
func (f *factReader) tense(toks []token, k int) int {
	t := &toks[k]
	switch {
	case t.cls&clsFuture != 0:
		return 1
	case t.cls&clsPast != 0 && k > 0 && f.is(toks, k, "got") && f.is(toks, k-1, "have", "has", "i've", "we've", "you've", "they've", "he's", "she's", "it's"):
		return 0 // has
	case t.cls&clsPast != 0:
		return -1
	case t.cls&clsReport != 0 && !f.is(toks, k+1, "to") && !f.is(toks, k-1, "is", "are", "be"):
		return -1
	case t.cls&clsVBD != 0 && k > 0 && f.is(toks, k-1, "i", "we", "you", "he", "she", "they", "it", "who", "and", "never", "also", "only", "just"):
		return -1
	}
	return 0
}
