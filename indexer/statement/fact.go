package statement

import (
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
	known        []string // identifiers named so far
	opened       int      // the year that a bracket or a list opens with: "for 2002 (from …"
	last         lastDay  // the days of the sentence before
	ofSubject    time.Time
	subjectKnown bool

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
	half     int       // of times: 1 am, 2 pm, 0 when not written
}

func (f *factReader) reset(m *message.Message) {
	*f = factReader{m: m, text: m.Text, scan: f.scan, toks: f.toks[:0], context: f.context[:0], sums: f.sums[:0], counts: f.counts[:0], known: f.known[:0]}
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
		f.last = lastDay{}
		return dst
	}
	from := len(dst)
	addressed := 0 // where the address ends that the tokens stand in
	f.opened = 0
	for i := 0; i < len(toks); {
		n := 0
		t := &toks[i]
		if t.start < addressed {
			i++
			continue
		}
		if t.shape == shapePunct {
			f.opens(toks, i)
		}
		if t.digits || t.shape == shapeSymbol {
			if addressed = f.addressEnd(t.start); addressed > t.start {
				i++
				continue
			}
		}
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
	f.remember(got, toks[len(toks)-1].end)
	return dst
}

// opens notes the year that a bracket or a colon follows, for the days behind it.
func (f *factReader) opens(toks []token, i int) {
	switch {
	case f.is(toks, i, ")"):
		f.opened = 0
	case f.is(toks, i, "(", ":") && f.is(toks, i-2, "for", "in", "of", "during"):
		if y, n := f.yearAt(toks, i-1, false); n == 1 {
			f.opened = y
		}
	}
}

// addressEnd returns where the link, mail address or path of a file ends that the
// text at i is part of, else 0: what stands in one is no fact.
func (f *factReader) addressEnd(i int) int {
	from, to := i, i
	for from > 0 && f.text[from-1] > ' ' && i-from < maxAddress {
		from--
	}
	for to < len(f.text) && f.text[to] > ' ' && to-i < maxAddress {
		to++
	}
	word := f.text[from:to]
	if strings.Contains(word, "://") || strings.Contains(word, "www.") || strings.Contains(word, ":\\") {
		return to
	}
	if at := strings.IndexByte(word, '@'); at > 0 && strings.IndexByte(word[at:], '.') > 1 && !isDigit(word[at+1]) {
		return to
	}
	return 0
}

const maxAddress = 200 // bytes on either side

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
		if k == i-2 && f.is(toks, k, "by") && f.is(toks, i-1, "at") {
			break // "drop by at 9"
		}
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
