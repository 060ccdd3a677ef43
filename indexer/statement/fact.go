package statement

import (
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/message"
)

// factReader finds typed values in sentences of one message. It is the whole
// grammar's memory of that message: the day it was written, the order in which
// its author writes day and month, which dollar is meant.
type factReader struct {
	m      *message.Message
	text   string
	anchor time.Time // midnight of the author's day, in UTC; zero without a Date

	monthFirst   bool // 3/11 is 11 March
	orderCertain bool // an unambiguous date of the same mail says so
	orderKnown   bool
	dollar       string      // what "$" stands for; "" until asked
	crown        string      // what "kr" stands for; "" until asked
	explicit     time.Time   // the last day named in full in the author's words so far
	context      []time.Time // days named in full: by the author, in the subject, in what is quoted
	ownDates     int         // how many of them are the author's
	contextKnown bool
	sums         []sum
	counts       []count
	ownCounts    int // how many of them are the author's
	quotedKnown  bool
	counted      string // what most numbers of the mail count
	countedKnown bool

	scan scanner
	toks []token // scratch for other zones
}

// sum and count are what other words of the same mail call a bare number.
type sum struct {
	amount   int64
	currency string
}
type count struct {
	n    int64
	noun string
}

// found is a fact with the tokens it stands on.
type found struct {
	Fact
	from, to int
	day      time.Time // of dates
	full     bool      // a date with its month, as written
	clock    int       // minutes of the day, -1 when none
	loose    bool      // a time that is none without a day beside it: "at 4"
	named    bool      // a time that stands for a thing: "the 15:25"
}

func (f *factReader) reset(m *message.Message) {
	*f = factReader{m: m, text: m.Text, scan: f.scan, toks: f.toks[:0], context: f.context[:0], sums: f.sums[:0], counts: f.counts[:0]}
	if !m.Date.IsZero() {
		y, mo, d := m.Date.Date()
		f.anchor = time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
	}
}

// low returns a token's text in lower case with straight apostrophes.
func (f *factReader) low(t *token) string {
	s := f.text[t.start:t.end]
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || ('A' <= s[i] && s[i] <= 'Z') {
			return strings.ReplaceAll(strings.ToLower(s), "’", "'")
		}
	}
	return s
}

func (f *factReader) is(toks []token, i int, words ...string) bool {
	if i < 0 || i >= len(toks) {
		return false
	}
	w := f.low(&toks[i])
	for _, x := range words {
		if w == x {
			return true
		}
	}
	return false
}

// interesting classes: without one of them in a sentence there is no fact in it.
const factTriggers = clsNumber | clsNumWord | clsWeekday | clsRelDay | clsMonth | clsUnit | clsNoon | clsEdge

// read appends the facts of a sentence to dst, in order and disjoint, and marks
// their tokens.
func (f *factReader) read(dst []found, toks []token) []found {
	trigger := false
	for i := range toks {
		if toks[i].cls&factTriggers != 0 || toks[i].digits {
			trigger = true
			break
		}
	}
	if !trigger {
		return dst
	}
	from := len(dst)
	for i := 0; i < len(toks); {
		n := 0
		t := &toks[i]
		if t.digits || t.cls&(factTriggers|clsCurrency|clsRefWord) != 0 || t.shape == shapeSymbol {
			dst, n = f.at(dst, toks, i)
		} else if t.cls&(clsFunction|clsEdge) != 0 {
			dst, n = f.article(dst, toks, i)
		}
		if n > 0 {
			i += n
			dst = f.shifted(dst, toks)
		} else {
			i++
		}
	}
	got := f.joinTimes(dst[from:], toks)
	dst = dst[:from+len(got)]
	for k := range got {
		g := &got[k]
		c := classOf(g.Type)
		for i := g.from; i < g.to; i++ {
			toks[i].cls |= c
		}
		g.Start, g.End = toks[g.from].start, toks[g.to-1].end
		g.Text = f.text[g.Start:g.End]
		if g.Alternatives == nil {
			g.Alternatives = []string{}
		}
		if g.Type == Date || g.Type == DateTime {
			g.Deadline = f.deadline(toks, g.from)
		}
	}
	return dst
}

func classOf(t FactType) class {
	switch t {
	case Date, DateTime:
		return clsDateFact
	case Time:
		return clsTimeFact
	case Money:
		return clsMoneyFact
	case Quantity:
		return clsQuantityFact
	case Duration:
		return clsDurationFact
	}
	return clsReferenceFact
}

func (f *factReader) deadline(toks []token, i int) bool {
	if f.is(toks, i, "by", "until", "till", "before") {
		return true
	}
	for k := i - 1; k >= 0 && k >= i-2; k-- {
		if f.is(toks, k, "by", "until", "till", "til", "before", "due", "deadline", "latest") {
			return true
		}
		if k >= 2 && f.is(toks, k, "than") && f.is(toks, k-1, "later") {
			return true
		}
	}
	return false
}

// at tries every grammar at token i and returns how many tokens it took.
func (f *factReader) at(dst []found, toks []token, i int) ([]found, int) {
	if d, n := f.references(dst, toks, i); n > 0 {
		return d, n
	}
	if d, n := f.money(dst, toks, i); n > 0 {
		return d, n
	}
	if d, n := f.dates(dst, toks, i); n > 0 {
		return d, n
	}
	if d, n := f.times(dst, toks, i); n > 0 {
		return d, n
	}
	return f.quantities(dst, toks, i)
}

// article handles facts that begin with a small word: "the 14th", "this
// morning", "end of April", "an hour".
func (f *factReader) article(dst []found, toks []token, i int) ([]found, int) {
	switch f.low(&toks[i]) {
	case "the", "this", "last", "end", "a", "an":
	default:
		return dst, 0
	}
	if d, n := f.dates(dst, toks, i); n > 0 {
		return d, n
	}
	return f.anUnit(dst, toks, i)
}

// ---- numbers

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

// ---- money

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
		if cur == "$" && i > 0 && toks[i-1].end == toks[i].start {
			switch f.text[toks[i-1].start:toks[i-1].end] {
			case "A", "AU":
				cur, from = "AUD", i-1
			case "US":
				cur, from = "USD", i-1
			case "C", "CA":
				cur, from = "CAD", i-1
			case "NZ":
				cur, from = "NZD", i-1
			case "S":
				cur, from = "SGD", i-1
			case "HK":
				cur, from = "HKD", i-1
			}
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
		return append(dst, x), n
	}
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
	if cur, ok = f.currency(toks, i+n+extra); !ok {
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

func tld(address string) string {
	return address[strings.LastIndexByte(address, '.')+1:]
}

// ---- durations and quantities

var units = map[string]string{
	"minute": "minutes", "minutes": "minutes", "min": "minutes", "mins": "minutes", "hour": "hours", "hours": "hours", "hr": "hours",
	"hrs": "hours", "day": "days", "days": "days", "week": "weeks", "weeks": "weeks", "wk": "weeks", "wks": "weeks", "month": "months",
	"months": "months", "year": "years", "years": "years", "yr": "years", "yrs": "years", "mos": "months", "fortnight": "fortnights", "second": "seconds", "seconds": "seconds",
}

func span1(v int64, unit string) string {
	if v == unit4 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return plain(v) + " " + unit
}

// anUnit: "an hour after the call", "within a week"; not the rate "£26 an hour".
func (f *factReader) anUnit(dst []found, toks []token, i int) ([]found, int) {
	if !f.is(toks, i, "a", "an") || i+1 >= len(toks) || toks[i+1].cls&clsUnit == 0 {
		return dst, 0
	}
	ok := f.is(toks, i-1, "in", "within", "about", "after", "for", "under", "over", "half", "takes", "took", "least", "than") ||
		f.is(toks, i+2, "after", "before", "later", "ago", "early", "late", "earlier")
	if i > 0 && toks[i-1].cls&clsMoneyFact != 0 || !ok {
		return dst, 0
	}
	u, known := units[f.low(&toks[i+1])]
	if !known || u == "seconds" {
		return dst, 0
	}
	if f.is(toks, i-1, "half") {
		value := map[string]string{"hours": "30 minutes", "years": "6 months"}[u]
		if value == "" {
			return dst, 0 // "half a day" is no number of anything
		}
		return append(dst, found{Fact: Fact{Type: Duration, Value: value}, from: i - 1, to: i + 2, clock: -1}), 2
	}
	return append(dst, found{Fact: Fact{Type: Duration, Value: span1(unit4, u)}, from: i, to: i + 2, clock: -1}), 2
}

// quantities reads "24 hours", "18 to 20 hours", "14 double rooms", "five
// people", "both invoices".
func (f *factReader) quantities(dst []found, toks []token, i int) ([]found, int) {
	if f.isPartOfNumberedThing(toks, i) {
		return dst, 0
	}
	t := &toks[i]
	if t.shape == shapeNumber {
		// "108hrs", "75mw", "3-4 days"
		s := f.text[t.start:t.end]
		k := len(s)
		for k > 0 && isLetter(s[k-1]) {
			k--
		}
		if u, ok := measures[strings.ToLower(s[k:])]; ok && k > 0 && u != "" && u != "mm" {
			if v, good := amount(s[:k]); good {
				return append(dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " " + u}, from: i, to: i + 1, clock: -1}), 1
			}
		}
		if u, ok := units[strings.ToLower(s[k:])]; ok && k > 0 {
			if v, good := amount(s[:k]); good {
				return append(dst, found{Fact: Fact{Type: Duration, Value: span1(v, u)}, from: i, to: i + 1, clock: -1}), 1
			}
		}
		if lo, hi, two := strings.Cut(s, "-"); two {
			v, ok1 := amount(lo)
			w, ok2 := amount(hi)
			if ok1 && ok2 && w > v && i+1 < len(toks) {
				if f.headOf(&dst, toks, i, i+1, v, i+1) {
					at := dst[len(dst)-1].to
					f.headOf(&dst, toks, i, i+1, w, i+1)
					return dst, at - i
				}
			}
			return dst, 0
		}
	}
	v, n := f.number(toks, i)
	if n == 0 {
		return dst, 0
	}
	if f.is(toks, i+n, "%", "percent", "pct") || f.is(toks, i+n, "per") && f.is(toks, i+n+1, "cent") {
		if p, ok := priced("$", f.text[toks[i].start:toks[i].end]); ok {
			v = p // "2.902%": a share is not counted in thousands
		}
		if f.is(toks, i+n, "per") {
			n++
		}
		return append(dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + "%"}, from: i, to: i + n + 1, clock: -1}), n + 1
	}
	if d, ok := f.measured(dst, toks, i, n, v); ok {
		return d, d[len(d)-1].to - i
	}
	// "two or three options" is no number.
	if f.is(toks, i+n, "or") && i+n+1 < len(toks) && v < 10*unit4 {
		if w, n2 := f.number(toks, i+n+1); n2 > 0 && w == v+unit4 {
			return dst, n + 1 + n2
		}
	}
	// "18 to 20 hours", "10 or 12 weeks", "10 and 12 weeks" after "between"
	if f.is(toks, i+n, "to", "or", "-") || f.is(toks, i-1, "between") && f.is(toks, i+n, "and") {
		if i+n+1 < len(toks) {
			if w, n2 := f.number(toks, i+n+1); n2 > 0 && w > v {
				j := i + n + 1 + n2
				if f.headOf(&dst, toks, i, i+n, v, j) {
					to := dst[len(dst)-1].to
					f.headOf(&dst, toks, i, i+n, w, j)
					return dst, to - i
				}
			}
		}
	}
	if f.headOf(&dst, toks, i, i+n, v, i+n) {
		return dst, dst[len(dst)-1].to - i
	}
	return f.bareCount(dst, toks, i, v, n)
}

// measures are units of things that are measured and not counted, by how they
// are written; an empty name keeps the author's.
var measures = map[string]string{
	"mw": "MW", "mws": "MW", "mw's": "MW", "kw": "kW", "kwh": "kWh", "mwh": "MWh", "gj": "GJ", "gjs": "GJ", "mmbtu": "", "mmbtus": "", "mmcf": "", "mmcfd": "", "bcf": "",
	"kb": "kB", "mb": "MB", "gb": "GB", "tb": "TB", "hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz", "db": "dB", "dbm": "dBm",
	"km": "km", "kms": "km", "cm": "cm", "mm": "mm", "kg": "kg", "kgs": "kg", "kilos": "kg", "kilo": "kg", "lb": "lb", "lbs": "lb",
	"miles": "miles", "litres": "litres", "liters": "liters", "metres": "metres", "meters": "meters", "tonnes": "tonnes", "tons": "tons", "dpi": "dpi", "px": "px",
}

func isMeasure(noun string) bool {
	_, ok := measures[strings.ToLower(noun)]
	return ok
}

// measured reads "25 MW", "1 GB", "10,000 MMBtu/d", "45,000/day".
func (f *factReader) measured(dst []found, toks []token, i, n int, v int64) ([]found, bool) {
	j := i + n
	if toks[i].shape != shapeNumber || j >= len(toks) {
		return dst, false
	}
	unit := ""
	t := &toks[j]
	if m, ok := measures[f.low(t)]; ok && t.shape == shapeWord && !(f.is(toks, j, "mm") && toks[j].start == toks[j-1].end) {
		if unit = m; unit == "" {
			unit = f.text[t.start:t.end]
		}
		j++
	}
	if f.is(toks, j, "/", "per") && (unit != "" || f.is(toks, j, "/") && toks[j].start == toks[j-1].end) {
		per := ""
		switch {
		case f.is(toks, j+1, "day", "d"):
			per = "per day"
		case f.is(toks, j+1, "hour", "h", "hr"):
			per = "per hour"
		case f.is(toks, j+1, "week"):
			per = "per week"
		case f.is(toks, j+1, "month"):
			per = "per month"
		}
		if per != "" {
			unit = strings.TrimSpace(unit + " " + per)
			j += 2
		}
	}
	if unit == "" {
		return dst, false
	}
	if i > 0 && f.is(toks, i-1, "-") && toks[i-1].end == toks[i].start && (i == 1 || toks[i-2].end < toks[i-1].start) {
		return append(dst, found{Fact: Fact{Type: Quantity, Value: "-" + plain(v) + " " + unit}, from: i - 1, to: j, clock: -1}), true
	}
	return append(dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " " + unit}, from: i, to: j, clock: -1}), true
}

// isPartOfNumberedThing: "chapter 5", "option 2", "page 3", "24/7".
func (f *factReader) isPartOfNumberedThing(toks []token, i int) bool {
	if i == 0 {
		return false
	}
	p := &toks[i-1]
	if p.shape == shapeSymbol {
		switch f.text[p.start:p.end] {
		case "#", "+", "@", "=":
			return true
		}
	}
	return f.is(toks, i-1, "chapter", "chapters", "option", "page", "pages", "version", "draft", "step", "number", "no", "nr", "row", "unit", "line",
		"section", "article", "point", "room", "part", "level", "gate", "flight", "posts", "files", "transcripts", "item", "question", "phase", "stage", "quarter", "week", "episode", "ep", "paragraph", "exhibit", "ext", "suite", "floor")
}

// headOf appends a duration or quantity whose number stands on [from,numEnd)
// and whose noun is sought from token j on.
func (f *factReader) headOf(dst *[]found, toks []token, from, numEnd int, v int64, j int) bool {
	if j >= len(toks) {
		return false
	}
	business := ""
	if f.is(toks, j, "business", "working") && j+1 < len(toks) && toks[j+1].cls&clsUnit != 0 {
		business = f.low(&toks[j]) + " "
		j++
	}
	k := j
	if f.is(toks, k, "more", "full", "whole", "extra", "further", "additional") {
		k++
	}
	if k < len(toks) && toks[k].cls&clsUnit != 0 {
		u, ok := units[f.low(&toks[k])]
		if ok && u != "seconds" || u == "seconds" && v != 2*unit4 && v != unit4 {
			if u == "months" || u == "days" || u == "hours" || u == "weeks" || u == "minutes" || u == "years" || u == "fortnights" || u == "seconds" {
				*dst = append(*dst, found{Fact: Fact{Type: Duration, Value: plain(v) + " " + business + strings.TrimPrefix(span1(v, u), plain(v)+" ")}, from: from, to: k + 1, clock: -1})
				return true
			}
		}
	}
	// "500 an hour": a count per unit.
	if f.is(toks, j, "an", "per", "a") && j+1 < len(toks) && toks[j+1].cls&clsUnit != 0 && toks[from].shape == shapeNumber && v >= 20*unit4 {
		u := strings.TrimSuffix(units[f.low(&toks[j+1])], "s")
		*dst = append(*dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " per " + u}, from: from, to: j + 2, clock: -1})
		return true
	}
	if v > 1989*unit4 && v < 2040*unit4 && v%(100*unit4) != 0 && toks[from].shape == shapeNumber && !strings.ContainsAny(f.text[toks[from].start:toks[from].end], ",.") ||
		toks[from].shape == shapeWord && f.is(toks, from, "couple") {
		return false // a year; "a couple of options"
	}
	of := false
	if f.is(toks, j, "of") { // "six of the fourteen rooms", "20 of our own addresses"
		of = true
		j++
		for j < len(toks) && (f.is(toks, j, "the", "our", "your", "own", "my", "those", "these", "their") || toks[j].cls&(clsNumWord|clsNumber) != 0) {
			j++
		}
	}
	for k := j; k < len(toks) && k < j+3; k++ {
		t := &toks[k]
		if t.shape == shapeNumber && t.end-t.start <= 3 && t.digits && k == j {
			continue // "50 A3 posters" keeps its paper size in a word; "5 10kg bags"
		}
		if t.shape != shapeWord || t.cls&(clsUnit|clsWeekday|clsMonth|clsCurrency|clsNumWord) != 0 {
			return false
		}
		w := f.low(t)
		if isPluralNoun(w, t) {
			if v == unit4 {
				return false // "one of my colleagues", "one refers"
			}
			if k+1 < len(toks) && k+1 < j+3 && toks[k+1].shape == shapeWord && isPluralNoun(f.low(&toks[k+1]), &toks[k+1]) && isAttributivePlural(w) {
				continue
			}
			*dst = append(*dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " " + w}, from: from, to: k + 1, clock: -1})
			return true
		}
		if v == unit4 && k == j && singularNoun[w] {
			*dst = append(*dst, found{Fact: Fact{Type: Quantity, Value: "1 " + w}, from: from, to: k + 1, clock: -1})
			return true
		}
		if t.cls&clsFunction != 0 && !(t.cls&clsWithin != 0) {
			return false
		}
		if of || notPlural[w] && w[len(w)-1] == 's' {
			return false
		}
	}
	return false
}

func isAttributivePlural(w string) bool { return w == "sales" || w == "goods" }

var irregularPlurals = map[string]bool{"people": true, "persons": true, "men": true, "women": true, "children": true, "pax": true,
	"guests": true, "folk": true, "staff": true, "kids": true}

// singularNoun lists what is counted as one: "one seat", "one copy".
var singularNoun = map[string]bool{"seat": true, "room": true, "night": true, "person": true, "copy": true, "ticket": true, "place": true,
	"round": true, "page": true, "invoice": true, "file": true, "guest": true, "licence": true, "license": true, "post": true, "poster": true,
	"bag": true, "box": true, "table": true, "bed": true, "car": true, "unit": true, "pallet": true, "item": true}

// notPlural are words in -s that count nothing.
var notPlural = map[string]bool{"this": true, "is": true, "was": true, "has": true, "does": true, "as": true, "us": true, "its": true,
	"yes": true, "his": true, "hers": true, "ours": true, "yours": true, "theirs": true, "plus": true, "minus": true, "vs": true,
	"less": true, "across": true, "always": true, "perhaps": true, "things": true, "ways": true, "kinds": true, "sorts": true,
	"thanks": true, "regards": true, "cheers": true, "words'": true, "sides": true, "ones": true, "others": true, "makes": true,
	"means": true, "needs": true, "starts": true, "says": true, "works": true, "goes": true, "comes": true, "looks": true,
	"news": true, "series": true, "class": true, "business": true, "address": true, "express": true, "progress": true,
	"access": true, "process": true, "press": true, "pass": true, "gas": true, "bus": true, "hours'": true, "versus": true,
	"includes": true, "takes": true, "gets": true, "stays": true, "costs": true, "vegetarians": false, "options": false}

func isPluralNoun(w string, t *token) bool {
	if irregularPlurals[w] {
		return true
	}
	n := len(w)
	if n < 4 || w[n-1] != 's' || w[n-2] == 's' || w[n-2] == '\'' || w[n-2] == 'u' && w != "menus" || t.digits {
		return false
	}
	return !notPlural[w] && t.cls&clsFunction == 0
}

// ---- references

// references reads "invoice JF-118", "order no. 77120", "KX7P2L".
func (f *factReader) references(dst []found, toks []token, i int) ([]found, int) {
	t := &toks[i]
	if t.cls&clsRefWord != 0 {
		j := i + 1
		for n := 0; n < 3 && j < len(toks); n++ {
			if f.is(toks, j, "no", "number", "nr", "ref", "reference", "id", "code", "#", ":", "nos", "is") || j > i+1 && f.is(toks, j, ".") {
				j++
				continue
			}
			break
		}
		if j >= len(toks) || !toks[j].digits {
			return dst, 0
		}
		x := &toks[j]
		s := f.text[x.start:x.end]
		if x.shape == shapeNumber && !plainIdentifier(s, j > i+1) || f.looksLikeValue(toks, j) {
			return dst, 0
		}
		if x.shape == shapeWord && !hasCodeShape(s) && j == i+1 {
			return dst, 0
		}
		return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: j + 1, clock: -1}), j + 1 - i
	}
	if !t.digits {
		return dst, 0
	}
	s := f.text[t.start:t.end]
	if t.shape == shapeNumber && f.isNumberOfPaper(toks, i, s) {
		return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: i + 1, clock: -1}), 1
	}
	if t.shape == shapeSymbol || !standsAsCode(s) {
		return dst, 0
	}
	if i > 0 && toks[i-1].shape == shapeSymbol && toks[i-1].end == t.start && f.text[toks[i-1].start:toks[i-1].end] != "#" {
		return dst, 0
	}
	return append(dst, found{Fact: Fact{Type: Reference, Value: s}, from: i, to: i + 1, clock: -1}), 1
}

// isNumberOfPaper: "#2891", "DMS 10444", "Sitara 824147", and a long number
// where the sentence spoke of a deal, an order or the like before.
func (f *factReader) isNumberOfPaper(toks []token, i int, s string) bool {
	for k := 0; k < len(s); k++ {
		if !isDigit(s[k]) {
			return false
		}
	}
	if i == 0 || len(s) < 3 || f.looksLikeValue(toks, i) {
		return false
	}
	p := &toks[i-1]
	if p.shape == shapeSymbol && p.end == toks[i].start {
		return f.text[p.start:p.end] == "#"
	}
	if len(s) < 5 || len(s) > 10 {
		return false
	}
	if p.shape == shapeWord && (p.caps || p.upper && len(s) > 5) && i > 1 && p.cls&(clsFunction|clsMonth|clsWeekday|clsCurrency) == 0 {
		return true
	}
	for k := i - 1; k >= 0 && k >= i-8; k-- {
		if toks[k].cls&clsRefWord != 0 {
			return true
		}
	}
	return false
}

// standsAsCode: a code that needs no word to say so. A letter and a few digits
// name a model or an hour, not a paper.
func standsAsCode(s string) bool {
	letters, digits, turns := 0, 0, 0
	for k := 0; k < len(s); k++ {
		switch c := s[k]; {
		case c == '_':
			return false
		case isDigit(c):
			digits++
			if k > 0 && isLetter(s[k-1]) {
				turns++
			}
		case isLetter(c):
			letters++
			if k > 0 && isDigit(s[k-1]) {
				turns++
			}
		default:
			turns++
		}
	}
	if letters == 1 && digits >= 5 && isLetter(s[0]) && s[0]|0x20 != 'x' && turns == 1 {
		return true // "p505520", not the extension "x36007"
	}
	return hasCodeShape(s) && (turns > 1 || digits > 2 && letters+digits > 4)
}

// plainIdentifier tells the number of a paper from a count: "invoice 1187",
// "2024-011"; not "invoice 2 people", "order 14/3".
func plainIdentifier(s string, marked bool) bool {
	digits := 0
	if strings.Count(s, ".") > 1 {
		return false // an address of a machine
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case c == '-' || c == '.' && i > 2:
		default:
			return isLetter(c) && hasCodeShape(s)
		}
	}
	return digits >= 3 || marked && digits >= 1
}

// looksLikeValue: the number after "order" or "ticket" belongs to something
// else ("invoice 250 euros", "order 5,000 flyers").
func (f *factReader) looksLikeValue(toks []token, j int) bool {
	if j+1 >= len(toks) {
		return false
	}
	if _, ok := f.currency(toks, j+1); ok {
		return true
	}
	n := &toks[j+1]
	return n.shape == shapeWord && (n.cls&clsUnit != 0 || isPluralNoun(f.low(n), n) && !f.is(toks, j+1, "is", "was", "has"))
}

// hasCodeShape: capitals and digits mixed, four characters or more, not an
// ordinal, a time, a paper size, a version or a measure. "KX7P2L", "JF-118",
// "QI6807.1", "2024-011" is one only after a word that says so.
func hasCodeShape(s string) bool {
	upper, lower, digit := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digit++
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		case c == '-' || c == '_' || c == '.' || c == '/':
		default:
			return false
		}
	}
	return upper >= 1 && digit >= 2 && lower == 0 && upper+digit >= 4 && !timeLike(s)
}

// timeLike: "10AM", "330PM", "2000MW".
func timeLike(s string) bool {
	k := len(s)
	for k > 0 && isLetter(s[k-1]) {
		k--
	}
	if k == len(s) {
		return false
	}
	for i := 0; i < k; i++ {
		if !isDigit(s[i]) && s[i] != '.' && s[i] != ',' {
			return false
		}
	}
	return true // digits, then letters: a measure or a time
}
