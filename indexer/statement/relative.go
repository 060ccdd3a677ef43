package statement

import "time"

// relative reads "today", "tomorrow evening", "this morning", "the day after
// tomorrow", "last night", "end of April".
func (f *factReader) relative(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	if t.cls&clsRelDay != 0 {
		off := 0
		n := 1
		switch f.low(t) {
		case "tomorrow", "tmrw", "tomorow", "tommorow", "tomorrow's", "tmr", "2moro", "tmw", "tommorrow":
			off = 1
		case "yesterday", "yesterday's":
			off = -1
		}
		if off != 0 || f.is(toks, i, "today") {
			if f.is(toks, i+1, "morning", "afternoon", "evening", "night", "lunchtime") {
				n = 2
			}
		}
		from := i
		if off == 1 && f.is(toks, i-1, "after") && f.is(toks, i-2, "day") {
			off, from = 2, i-2
		}
		if off == -1 && f.is(toks, i-1, "before") && f.is(toks, i-2, "day") {
			off, from = -2, i-2
		}
		return append(dst, f.dated(f.anchor.Add(time.Duration(off)*day), from, i+n)), n
	}
	if f.is(toks, i, "this") && f.is(toks, i+1, "morning", "afternoon", "evening", "lunchtime", "am", "pm", "a.m", "p.m") {
		return append(dst, f.dated(f.anchor, i, i+2)), 2
	}
	if f.is(toks, i, "the") {
		n, off := 0, 0
		switch {
		case f.is(toks, i+1, "following", "next", "same") && f.is(toks, i+2, "day"):
			n, off = 3, 1
			if f.is(toks, i+1, "same") {
				off = 0
			}
		case f.is(toks, i+1, "day") && f.is(toks, i+2, "after", "before"):
			n, off = 3, 1
			if f.is(toks, i+2, "before") {
				off = -1
			}
			if f.is(toks, i+3, "that") {
				n++
			} else if i+3 < len(toks) && toks[i+3].shape != shapePunct && !f.is(toks, i+3, "and", "but", "or", "instead", "at", "please", "too", "in", "so", "if", "because", "with", "for") {
				n = 0 // the day after something
			}
		}
		if n > 0 {
			if t, ok := f.base(dst); ok {
				return append(dst, f.dated(t.Add(time.Duration(off)*day), i, i+n)), n
			}
		}
	}
	if f.is(toks, i, "last") && f.is(toks, i+1, "night") {
		return append(dst, f.dated(f.anchor.Add(-day), i, i+2)), 2
	}
	if f.is(toks, i, "end") && f.is(toks, i+1, "of") {
		j := i + 2
		if f.is(toks, j, "the", "this") {
			j++
		}
		y, m := f.anchor.Year(), int(f.anchor.Month())
		switch {
		case f.is(toks, j, "month"):
		case f.is(toks, j, "year"):
			m = 12
		default:
			mo := f.monthName(toks, j)
			if mo == 0 || f.calendar(toks, j).n > 0 {
				return dst, 0
			}
			c, _ := f.year(0, int(mo), 15, -1, f.past(toks, i, j+1))
			y, m = c.Year(), int(mo)
		}
		last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC)
		return append(dst, f.dated(last, i, j+1)), j + 1 - i
	}
	return dst, 0
}
