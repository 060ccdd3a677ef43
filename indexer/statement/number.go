package statement

import (
	"strconv"
	"strings"
)

var numberWords = map[string]int64{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
	"eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
	"eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12, "both": 2, "couple": 2,
	"twenty-five": 25, "thirty-five": 35, "forty-five": 45, "twenty-four": 24, "forty-eight": 48,
}

const unit4 = 10000 // amounts are counted in ten-thousandths

// amount reads a number token as written in English or on the Continent:
// "1,200.50", "1.200,50", "3.200", "24.5", "2k". It returns ten-thousandths.
func amount(s string) (int64, bool) {
	mult := int64(1)
	low := s
	for len(low) > 0 && isLetter(low[len(low)-1]) {
		low = low[:len(low)-1]
	}
	switch strings.ToLower(s[len(low):]) {
	case "":
	case "k":
		mult = 1000
	case "m", "mm", "mil", "mio", "mn":
		mult = 1000000
	case "bn":
		mult = 1000000000
	default:
		return 0, false
	}
	if low == "" {
		return 0, false
	}
	for i := 0; i < len(low); i++ {
		if c := low[i]; !isDigit(c) && c != '.' && c != ',' {
			return 0, false // "2x6", "10:30"
		}
	}
	// The last separator is a decimal mark unless exactly three digits follow and
	// nothing speaks against thousands.
	lastDot, lastComma := strings.LastIndexByte(low, '.'), strings.LastIndexByte(low, ',')
	dec := max(lastDot, lastComma)
	if dec >= 0 {
		tail := len(low) - dec - 1
		sep := low[dec]
		same := strings.Count(low, string(sep))
		other := lastDot >= 0 && lastComma >= 0
		if tail == 3 && !other && low[0] != '0' && (sep == ',' || dec <= 3) {
			dec = -1 // "28,400", "3.200", "1,234,567"
		} else if same > 1 {
			if tail != 3 && !other || strings.Count(low, ".")+strings.Count(low, ",") > 4 {
				return 0, false // "192.168.30.30", "14.3.23"
			}
			dec = -1
		}
		if tail == 3 && !other && sep == '.' && low[0] != '0' && mult == 1 && dec == -1 && same == 1 && dec > 3 {
			dec = lastDot
		}
	}
	var whole, frac int64
	fdigits := 0
	for i := 0; i < len(low); i++ {
		c := low[i]
		if !isDigit(c) {
			continue
		}
		if dec >= 0 && i > dec {
			if fdigits < 4 {
				frac = frac*10 + int64(c-'0')
				fdigits++
			}
			continue
		}
		if whole > 1e12 {
			return 0, false
		}
		whole = whole*10 + int64(c-'0')
	}
	for ; fdigits < 4; fdigits++ {
		frac *= 10
	}
	v := whole*unit4 + frac
	if v > 9e17/mult {
		return 0, false
	}
	return v * mult, true
}

// number reads a count at i: digits or words ("28,400", "twenty four", "two
// hundred"). It returns ten-thousandths and the tokens taken.
func (f *factReader) number(toks []token, i int) (int64, int) {
	t := &toks[i]
	if t.shape == shapeNumber {
		v, ok := amount(f.text[t.start:t.end])
		if !ok {
			return 0, 0
		}
		if f.is(toks, i+1, "hundred") {
			return v * 100, 2
		}
		if f.is(toks, i+1, "thousand") {
			return v * 1000, 2
		}
		return v, 1
	}
	if t.cls&clsNumWord == 0 {
		return 0, 0
	}
	v, ok := numberWords[f.low(t)]
	if !ok {
		return 0, 0
	}
	n := 1
	for i+n < len(toks) && toks[i+n].cls&clsNumWord != 0 {
		w, ok := numberWords[f.low(&toks[i+n])]
		if !ok {
			break
		}
		switch {
		case w == 100 || w == 1000:
			v *= w
		case v >= 20 && v < 100 && w < 10, v >= 100 && w < 100:
			v += w
		default:
			return v * unit4, n
		}
		n++
	}
	return v * unit4, n
}

// plain prints ten-thousandths with no trailing zeros.
func plain(v int64) string {
	s := strconv.FormatInt(v/unit4, 10)
	if r := v % unit4; r != 0 {
		fr := strconv.FormatInt(unit4+r, 10)[1:]
		s += "." + strings.TrimRight(fr, "0")
	}
	return s
}

// cents prints ten-thousandths with two decimals, or more where they say
// something.
func cents(v int64) string {
	fr := strconv.FormatInt(unit4+v%unit4, 10)[1:]
	for len(fr) > 2 && fr[len(fr)-1] == '0' {
		fr = fr[:len(fr)-1]
	}
	return strconv.FormatInt(v/unit4, 10) + "." + fr
}
