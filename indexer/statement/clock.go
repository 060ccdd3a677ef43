package statement

import (
	"fmt"
	"strings"
)

// times reads a clock time at i. A number that is one only beside a day is
// marked loose.
func (f *factReader) times(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	x := found{Fact: Fact{Type: Time}, from: i, to: i + 1, clock: -1}
	if t.shape == shapeWord {
		if t.cls&clsNoon == 0 {
			return dst, 0
		}
		x.clock, x.Value = 12*60, "12:00"
		if f.is(toks, i, "midnight") {
			x.clock, x.Value = 0, "00:00"
		}
		return append(dst, x), 1
	}
	s := strings.ToLower(f.text[t.start:t.end])
	if f.text[t.end-1] == 'H' {
		return dst, 0 // "1H", a half of a year
	}
	h, m, half, shape := clock(s)
	if shape == notClock && len(s) >= 3 && f.is(toks, i+1, "am", "pm", "a.m", "p.m") {
		h, m, _, shape = clock(s + "am") // "730 am"
	}
	if shape == notClock {
		return dst, 0
	}
	n := 1
	if half == 0 {
		var ok bool
		if n, half, shape, ok = f.halfBehind(toks, i, shape); !ok {
			return dst, 0
		}
	}
	switch half {
	case 1:
		if h > 12 {
			return dst, 0
		}
		h %= 12
	case 2:
		if h < 12 {
			h += 12
		}
	default:
		if shape == colon && h > 0 && h < 6 && s[0] != '0' && n == 1 {
			// "from 2:00 until 3:00": office hours, though the night is meant now and then.
			x.Alternatives = []string{fmt.Sprintf("%02d:%02d", h, m)}
			h += 12
		}
		switch shape {
		case bare:
			if !f.is(toks, i-1, "at", "by", "@", "around") && !(i+1 < len(toks) && toks[i+1].cls&clsRelDay != 0) {
				return dst, 0
			}
			if i+1 < len(toks) {
				nx := &toks[i+1]
				if nx.cls&(clsUnit|clsMonth|clsCurrency) != 0 || nx.shape == shapeWord && isPluralNoun(f.low(nx), nx) || nx.shape == shapeSymbol {
					return dst, 0
				}
			}
			x.loose = true
			fallthrough
		case dotted:
			if shape == dotted && !f.is(toks, i-1, "at", "by", "the", "from", "until", "till", "@", "-", "to", "before", "after") {
				return dst, 0
			}
			if h < 8 && h > 0 && (shape == bare || h < 6) {
				h += 12 // "at 4", "at 4.30": office hours
			}
			if shape == dotted {
				x.loose = true
			}
		}
	}
	if h > 23 || m > 59 {
		return dst, 0
	}
	if f.is(toks, i-1, "the") && half == 0 {
		x.named = true
	}
	x.clock, x.half = h*60+m, half
	x.Value = fmt.Sprintf("%02d:%02d", h, m)
	x.to = i + n
	return append(dst, x), n
}

// halfBehind reads "am", "p.m.", "o'clock" behind the number at i: the tokens that
// the time takes, its half, its shape. "24 hrs" is none.
func (f *factReader) halfBehind(toks []token, i int, as clockShape) (n, half int, shape clockShape, ok bool) {
	n, shape = 1, as
	switch {
	case f.is(toks, i+1, "am", "a.m"):
		half, n = 1, 2
	case f.is(toks, i+1, "pm", "p.m"):
		half, n = 2, 2
	case f.is(toks, i+1, "hrs") && shape == bare:
		return 0, 0, shape, false
	case f.is(toks, i+1, "o'clock", "uhr", "hrs"):
		n, shape = 2, colon
	}
	if n == 2 && f.is(toks, i+2, ".") && toks[i+2].start == toks[i+1].end && f.is(toks, i+1, "a.m", "p.m") && i+3 < len(toks) {
		n = 3
	}
	return n, half, shape, true
}

type clockShape int

const (
	notClock clockShape = iota
	bare                // 4
	dotted              // 8.30
	colon               // 8:30, 10am
)

// clock reads "10am", "10.30am", "10:30", "830pm", "16h", "14h30", "8.30", "4".
// half is 1 for am, 2 for pm.
func clock(s string) (h, m, half int, shape clockShape) {
	switch {
	case strings.HasSuffix(s, "am"):
		half, s = 1, s[:len(s)-2]
	case strings.HasSuffix(s, "pm"):
		half, s = 2, s[:len(s)-2]
	}
	var part [2]int
	var size [2]int
	p := 0
	var sep byte
	for k := 0; k < len(s); k++ {
		c := s[k]
		switch {
		case isDigit(c):
			part[p] = part[p]*10 + int(c-'0')
			size[p]++
			if size[p] > 4 {
				return 0, 0, 0, notClock
			}
		case (c == ':' || c == '.' || c == 'h') && p == 0 && size[0] > 0:
			sep = c
			p = 1
		case c == ':' && p == 1: // seconds
			k = len(s)
		default:
			return 0, 0, 0, notClock
		}
	}
	if size[0] == 0 {
		return 0, 0, 0, notClock
	}
	switch {
	case p == 0 && half > 0 && size[0] >= 3:
		h, m = part[0]/100, part[0]%100
	case p == 0 && size[0] <= 2:
		h = part[0]
	case p == 1 && size[0] <= 2 && (size[1] == 2 || sep == 'h' && size[1] == 0):
		h, m = part[0], part[1]
	default:
		return 0, 0, 0, notClock
	}
	if h > 24 || m > 59 {
		return 0, 0, 0, notClock
	}
	switch {
	case half > 0 || sep == ':' || sep == 'h':
		shape = colon
	case sep == '.':
		shape = dotted
	default:
		shape = bare
	}
	return h, m, half, shape
}

// joinTimes makes a datetime of a day and a time that stand together, drops
// loose times without a day, and keeps the rest as times.
func (f *factReader) joinTimes(in []found, toks []token) []found {
	f.halves(in, toks)
	for k := 0; k+1 < len(in); k++ {
		a, b := &in[k], &in[k+1]
		var d, t *found
		switch {
		case a.Type == Date && b.Type == Time:
			d, t = a, b
		case a.Type == Time && b.Type == Date:
			d, t = b, a
		default:
			continue
		}
		if t.named || !f.bridge(toks, a.to, b.from) {
			continue
		}
		// "Tuesday 9am, Wednesday 10am": a time between two days belongs to the
		// one before it unless "on" leads to the one after.
		if a.Type == Time && k > 0 && in[k-1].Type == DateTime && in[k-1].to == a.to {
			continue
		}
		x := *d
		x.Type = DateTime
		x.Value = d.Value + "T" + t.Value
		x.Alternatives = bothReadings(d, t)
		x.from, x.to = min(a.from, b.from), max(a.to, b.to)
		x.clock, x.half = t.clock, t.half
		if strings.HasSuffix(f.text[toks[d.from].start:toks[d.to-1].end], "night") || f.is(toks, d.from, "tonight") {
			if t.loose && t.clock < 12*60 && t.clock >= 6*60 {
				x.Value = d.Value + fmt.Sprintf("T%02d:%02d", (t.clock+720)/60, t.clock%60)
			}
		}
		in[k] = x
		in = append(in[:k+1], in[k+2:]...)
	}
	f.lendDays(in, toks)
	out := in[:0]
	for _, x := range in {
		if x.Type == Time && x.loose {
			continue
		}
		out = append(out, x)
	}
	return out
}

// bothReadings lists the other readings of a day with a time.
func bothReadings(d, t *found) []string {
	alts := make([]string, 0, len(d.Alternatives)+len(t.Alternatives))
	for _, alt := range d.Alternatives {
		alts = append(alts, alt+"T"+t.Value)
	}
	for _, alt := range t.Alternatives {
		alts = append(alts, d.Value+"T"+alt)
	}
	return alts
}

// bridge reports whether the tokens between a day and a time only join them.
func (f *factReader) bridge(toks []token, i, j int) bool {
	if j-i > 4 {
		return false
	}
	for k := i; k < j; k++ {
		if toks[k].cls&clsZone != 0 || f.is(toks, k, "at", "on", "by", ",", "from", "-", "(", "@", "around", "about", ".", "this", "next", "the", "before", "until", "for", "your", "my", "his", "her", "our", "time") {
			continue
		}
		return false
	}
	return true
}
