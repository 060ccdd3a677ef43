package statement

import (
	"strings"
)

var currencyWords = map[string]string{
	"euro": "EUR", "euros": "EUR", "eur": "EUR", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "gbp": "GBP", "sterling": "GBP",
	"dollar": "$", "dollars": "$", "bucks": "$", "usd": "USD", "aud": "AUD", "cad": "CAD", "nzd": "NZD", "chf": "CHF",
	"nok": "NOK", "sek": "SEK", "dkk": "DKK", "zar": "ZAR", "inr": "INR", "jpy": "JPY", "pln": "PLN", "sgd": "SGD", "hkd": "HKD",
	"aed": "AED", "czk": "CZK", "rand": "ZAR", "francs": "CHF", "kroner": "NOK", "rupees": "INR", "zloty": "PLN", "pkr": "PKR",
	"kr": "kr", "kronor": "SEK", "isk": "ISK",
}

func (f *factReader) currency(toks []token, i int) (string, bool) {
	if i < 0 || i >= len(toks) {
		return "", false
	}
	t := &toks[i]
	if t.shape == shapeSymbol {
		switch f.text[t.start:t.end] {
		case "£":
			return "GBP", true
		case "€":
			return "EUR", true
		case "$":
			return "$", true
		case "¥":
			return "JPY", true
		case "₹":
			return "INR", true
		}
		return "", false
	}
	if t.cls&clsCurrency == 0 {
		return "", false
	}
	c, ok := currencyWords[f.low(t)]
	if ok && c == "kr" {
		c = f.crowns()
	}
	return c, ok
}

// crowns says which crowns "kr" are: those of the author's country, else those
// that the mail names, else the Norwegian.
func (f *factReader) crowns() string {
	if f.crown != "" {
		return f.crown
	}
	f.crown = "NOK"
	for _, a := range f.m.From {
		if c, ok := crownsOf[tld(a.Address)]; ok {
			f.crown = c
			return c
		}
	}
	for _, c := range [...]string{"SEK", "DKK", "ISK"} {
		if strings.Contains(f.text, c) {
			f.crown = c
			break
		}
	}
	return f.crown
}

var crownsOf = map[string]string{"se": "SEK", "dk": "DKK", "no": "NOK", "is": "ISK"}

// dashed says in which currency "489,-" is: that of the author's country, else
// the first that the mail names; "" when nothing says it.
func (f *factReader) dashed() string {
	for _, a := range f.m.From {
		switch tld(a.Address) {
		case "se", "dk", "no", "is":
			return f.crowns()
		case "ch", "li":
			return "CHF"
		case "de", "at", "nl", "be", "lu", "fi":
			return "EUR"
		}
	}
	f.gatherQuoted()
	if len(f.sums) > 0 {
		return f.sums[0].currency
	}
	if _, off := f.m.Date.Zone(); !f.m.Date.IsZero() && (off == 3600 || off == 7200) {
		return "EUR"
	}
	return ""
}

func (f *factReader) money(dst []found, toks []token, i int) ([]found, int) {
	cur, ok := f.currency(toks, i)
	from, k := i, i
	if ok {
		k = i + 1
		if f.is(toks, i, "kr") && f.is(toks, k, ".") && toks[k].start == toks[i].end {
			k++
		}
		if code := dollarPrefix[f.wordAt(toks, i-1)]; cur == "$" && code != "" && toks[i-1].end == toks[i].start {
			cur, from = code, i-1
		}
		if toks[i].shape == shapeWord && (len(f.low(&toks[i])) > 3 || f.low(&toks[i]) == "pound") {
			return dst, 0 // "euro 60" is rare, "pounds 5" rarer
		}
		tenth := false
		if k+1 < len(toks) && f.is(toks, k, ".") && toks[k].end == toks[k+1].start {
			k, tenth = k+1, true
		}
		if k >= len(toks) || toks[k].shape != shapeNumber {
			return dst, 0
		}
		text := f.text[toks[k].start:toks[k].end]
		if tenth {
			text = "0." + text
		}
		lo, hi, two := strings.Cut(text, "-")
		v, good := priced(cur, lo)
		if !good {
			return dst, 0
		}
		n := k + 1 - i
		mult, extra := f.multiplier(toks, k+1)
		n += extra
		if extra > 0 && mult > 1 && v >= mult*unit4 && strings.Count(lo, ",") > 1 {
			mult, n = 1, n-extra // "$2,627,000 million": written out, and said again
		}
		if two {
			if w, ok := priced(cur, hi); ok {
				if last := hi[len(hi)-1]; isLetter(last) && w > v*100 {
					if u, ok := amount(lo + strings.TrimLeft(hi, "0123456789.,")); ok {
						v = u
					}
				}
				dst = append(dst, f.sum(cur, v*mult, from, i+n), f.sum(cur, w*mult, from, i+n))
				return dst, n
			}
		}
		x := f.sum(cur, v*mult, from, i+n)
		if from > 0 && f.is(toks, from-1, "-") && toks[from-1].end == toks[from].start && (from == 1 || toks[from-2].end < toks[from-1].start) {
			cur, value, _ := strings.Cut(x.Value, " ")
			x.Value, x.from = cur+" -"+value, from-1
		}
		if from > 0 && f.inTheRed(toks, from-1, i+n) {
			cur, value, _ := strings.Cut(x.Value, " ")
			x.Value, x.from = cur+" -"+value, from-1
			n++
		}
		return append(dst, x), n
	}
	return f.numberFirst(dst, toks, i)
}

// numberFirst reads sums with the currency behind the number, or without one.
func (f *factReader) numberFirst(dst []found, toks []token, i int) ([]found, int) {
	if toks[i].shape != shapeNumber && toks[i].cls&clsNumWord == 0 {
		return dst, 0
	}
	v, n := f.number(toks, i)
	if n == 0 {
		return dst, 0
	}
	// "489,-": sometimes with the currency before or after it.
	if t := &toks[i]; n == 1 && f.is(toks, i+1, ",") && f.is(toks, i+2, "-") && toks[i+1].start == t.end && toks[i+2].start == toks[i+1].end {
		end := i + 3
		cur, ok := f.currency(toks, end)
		if ok {
			end++
		} else if cur = f.dashed(); cur == "" {
			return dst, 0
		}
		return append(dst, f.sum(cur, v, i, end)), end - i
	}
	mult, extra := f.multiplier(toks, i+n)
	cur, ok := f.currency(toks, i+n+extra)
	if !ok {
		if code := countryDollar[f.wordAt(toks, i+n)]; code != "" && strings.Contains(f.text[toks[i].start:toks[i].end], ".") {
			return append(dst, f.sum(code, v, i, i+n+1)), n + 1
		}
		return f.bareSum(dst, toks, i, v, n)
	}
	if c := toks[i+n+extra]; c.shape == shapeSymbol && c.start > toks[i+n+extra-1].end && cur != "EUR" {
		return dst, 0 // "by 5 £120 is due": the sign belongs to what follows
	}
	if nx := i + n + extra + 1; cur == "EUR" && nx < len(toks) && toks[nx].shape == shapeNumber && toks[nx].start == toks[nx-1].end {
		return dst, 0
	}
	dst = append(dst, f.sum(cur, v*mult, i, i+n+extra+1))
	return dst, n + extra + 1
}

// inTheRed: brackets around a sum and nothing else, where the sum stands and not
// beside it, are how an account writes a minus: "the total is ($2,332.94)".
func (f *factReader) inTheRed(toks []token, open, end int) bool {
	return f.is(toks, open, "(") && toks[open].end == toks[open+1].start && f.is(toks, end, ")") &&
		(open == 0 || f.is(toks, open-1, "is", "was", "of", ":", "=", "at", "are", "to"))
}

// priced is amount, but in dollars and pounds a single dot is a decimal point:
// "$3.145" is the price of a unit.
func priced(cur, s string) (int64, bool) {
	if (cur == "$" || cur == "USD" || cur == "GBP") && strings.Count(s, ".") == 1 && !strings.Contains(s, ",") && len(s)-strings.IndexByte(s, '.') == 4 && isDigit(s[len(s)-1]) {
		s += "0" // four decimals are no group of three
	}
	return amount(s)
}

func (f *factReader) multiplier(toks []token, i int) (int64, int) {
	switch {
	case f.is(toks, i, "thousand", "k"):
		return 1000, 1
	case f.is(toks, i, "million", "mm", "mio", "mil"):
		return 1000000, 1
	case f.is(toks, i, "billion", "bn"):
		return 1000000000, 1
	}
	return 1, 0
}

func (f *factReader) sum(cur string, v int64, from, to int) found {
	if v < 0 {
		v = 0
	}
	var alts []string
	if cur == "$" {
		cur = f.dollars()
	}
	return found{Fact: Fact{Type: Money, Value: cur + " " + cents(v), Alternatives: alts}, from: from, to: to, clock: -1}
}

// dollars says which dollar the author means: named in the same mail, else by
// the author's address or clock, else the American.
func (f *factReader) dollars() string {
	if f.dollar != "" {
		return f.dollar
	}
	f.dollar = "USD"
	named := ""
	for _, c := range [...]string{"AUD", "NZD", "CAD", "SGD", "HKD", "USD"} {
		if strings.Contains(f.text, c) {
			if named != "" {
				named = ""
				break
			}
			named = c
		}
	}
	if named != "" {
		f.dollar = named
		return named
	}
	for _, a := range f.m.From {
		switch tld(a.Address) {
		case "au":
			f.dollar = "AUD"
			return f.dollar
		case "nz":
			f.dollar = "NZD"
			return f.dollar
		case "ca":
			f.dollar = "CAD"
			return f.dollar
		case "sg":
			f.dollar = "SGD"
			return f.dollar
		case "hk":
			f.dollar = "HKD"
			return f.dollar
		}
	}
	if !f.m.Date.IsZero() {
		_, off := f.m.Date.Zone()
		switch h := off / 1800; {
		case h >= 19 && h <= 22: // +09:30 to +11:00
			f.dollar = "AUD"
		case h >= 24 && h <= 26: // +12:00, +13:00
			f.dollar = "NZD"
		}
	}
	return f.dollar
}

// dollarPrefix is what stands before the sign: "A$50", "US$50".
var dollarPrefix = map[string]string{"A": "AUD", "AU": "AUD", "US": "USD", "C": "CAD", "CA": "CAD", "NZ": "NZD", "S": "SGD", "HK": "HKD"}

// countryDollar: "0.26 US", "3.10 Cdn": the dollar by its country alone.
var countryDollar = map[string]string{"US": "USD", "Cdn": "CAD", "CDN": "CAD", "Can": "CAD"}

// wordAt is token i as written, "" before the first and past the last.
func (f *factReader) wordAt(toks []token, i int) string {
	if i < 0 || i >= len(toks) {
		return ""
	}
	return f.word(toks, i)
}

func tld(address string) string {
	return address[strings.LastIndexByte(address, '.')+1:]
}
