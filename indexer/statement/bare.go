package statement

import (
	"strings"

	"inwriting/indexer/message"
)

// bareSum reads a number without a currency as a sum where the same mail, or the
// mail it quotes, names that very sum with one.
func (f *factReader) bareSum(dst []found, toks []token, i int, v int64, n int) ([]found, int) {
	s := f.text[toks[i].start:toks[i].end]
	priced := len(s) > 3 && s[len(s)-3] == '.' // "add 2.00": cents are written of sums alone
	if toks[i].shape != shapeNumber || v < 10*unit4 && v%unit4 == 0 && !priced || n != 1 || !f.standsAlone(toks, i) {
		return dst, 0
	}
	f.gatherQuoted()
	for _, c := range f.counts {
		if c.n == v {
			return dst, 0
		}
	}
	for _, s := range f.sums {
		if s.amount == v {
			return append(dst, f.sum(s.currency, v, i, i+1)), 1
		}
	}
	// "I pay 600, all in": a haggler's number, in the currency of the haggling.
	if len(f.sums) > 0 && (v >= 10*unit4 || priced) && v < 1e5*unit4 && !(v >= 1900*unit4 && v < 2100*unit4) && f.payWord(toks, i) {
		return append(dst, f.sum(f.sums[0].currency, v, i, i+1)), 1
	}
	return dst, 0
}

// payWord: a word of price beside the number.
func (f *factReader) payWord(toks []token, i int) bool {
	for k := max(0, i-3); k < i; k++ {
		if f.is(toks, k, "pay", "paid", "agreed", "charge", "charged", "invoice", "budget", "offer", "offered", "fee", "cost", "costs", "deal", "me", "transferred", "owe", "remain", "add", "adds", "plus") {
			return true
		}
	}
	return f.is(toks, i+1, "all", "is", "without", "with", "i", "for") && f.is(toks, i+2, "in", "too", "ok", "fine", "training", "have", "the")
}

// bareCount reads "make it 85", "500 of course", "72 it is" as a quantity where
// the mail or the mail it quotes says what is counted.
func (f *factReader) bareCount(dst []found, toks []token, i int, v int64, n int) ([]found, int) {
	if !f.standsAlone(toks, i) || v < 2*unit4 {
		return dst, 0
	}
	if toks[i].shape == shapeNumber {
		s := f.text[toks[i].start:toks[i].end]
		if strings.ContainsAny(s, ":/-") || v > 1900*unit4 && v < 2100*unit4 && !strings.Contains(s, ",") {
			return dst, 0
		}
	}
	if f.is(toks, i-1, "to", "-") && i > 1 && toks[i-2].shape == shapeNumber || f.is(toks, i+n, "to", "-") && i+n+1 < len(toks) && toks[i+n+1].shape == shapeNumber {
		return dst, 0 // "chapters 1 to 4", "posts 1 - 3": places in a row
	}
	if f.is(toks, i-1, "is", "was", ":") && f.is(toks, i-2, "number", "numbers", "headcount", "count") && f.is(toks, i-3, "final", "the", "our", "guest", "new") {
		return append(dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " people"}, from: i, to: i + n, clock: -1}), n
	}
	f.gatherQuoted()
	noun := ""
	for _, c := range f.counts {
		if c.n == v {
			noun = c.noun
			break
		}
	}
	if noun == "" && f.setsNumber(toks, i, n) {
		noun = f.countedNoun(dst)
	}
	if noun == "" {
		return dst, 0
	}
	return append(dst, found{Fact: Fact{Type: Quantity, Value: plain(v) + " " + noun}, from: i, to: i + n, clock: -1}), n
}

// setsNumber: the words beside the number say that it counts what was counted
// before: "make it 85", "all four", "72 instead of 85", "nine of them".
func (f *factReader) setsNumber(toks []token, i, n int) bool {
	j := i + n
	if i == 0 && j == len(toks) || f.is(toks, j, "of") && f.is(toks, j+1, "them", "these", "those", "which", "whom") {
		return true
	}
	if f.is(toks, i-1, "all", "other", "remaining", "only", "down") || f.is(toks, j, "instead", "left", "more", "extra", "fewer", "remain", "stay") {
		return true
	}
	closed := j == len(toks) || toks[j].shape == shapePunct || toks[j].cls&(clsFunction|clsPast|clsFuture) != 0
	if f.is(toks, i-1, "of", "the", "than", "as", "that", "which") && closed {
		return f.is(toks, i-1, "of", "than") || f.is(toks, i-2, "on", "of", "for", "outside", "all", "take", "want") || f.is(toks, j, "are", "were", "have", "was", "is")
	}
	if toks[i].shape != shapeNumber {
		return false
	}
	return closed && (f.is(toks, i-1, "it", "at", "is", "was", "were", "be", "to", "for", "or", "us", "you", "not", "number", "given", "wanted", "asked", "ordered", "approved", "booked", "said", "say", "says", "wrote") ||
		f.is(toks, j, "it", "or", "each"))
}

// countedNoun is what numbers count in this sentence, else mostly in this mail,
// else in what it quotes; people, where the mail speaks of guests.
func (f *factReader) countedNoun(dst []found) string {
	for k := len(dst) - 1; k >= 0; k-- {
		if dst[k].Type == Quantity {
			if _, noun, _ := strings.Cut(dst[k].Value, " "); noun != "" && !strings.HasPrefix(noun, "per ") {
				return noun
			}
		}
	}
	if f.countedKnown {
		return f.counted
	}
	f.countedKnown = true
	best, most := "", 0
	for i, c := range f.counts {
		n := 0
		for _, d := range f.counts {
			if d.noun == c.noun {
				n += 2
			}
		}
		if i < f.ownCounts {
			n++
		}
		if n > most {
			best, most = c.noun, n
		}
	}
	if best == "" && f.speaksOfGuests() {
		best = "people"
	}
	f.counted = best
	return best
}

// speaksOfGuests: the mail, its subject or what it quotes counts people who come.
func (f *factReader) speaksOfGuests() bool {
	text := f.text
	if len(text) > parentReach {
		text = text[:parentReach]
	}
	low := strings.ToLower(f.m.Subject[:min(len(f.m.Subject), maxSubject)] + "\n" + text)
	for _, w := range [...]string{" a head", "per head", "guest", "headcount", "head count", "final number", "attendee", "people", "dinners", "vegan", "how many will you be"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// standsAlone: the number is not part of a larger expression.
func (f *factReader) standsAlone(toks []token, i int) bool {
	if i+1 < len(toks) {
		t := &toks[i+1]
		if t.shape == shapeSymbol && f.text[t.start:t.end] != "+" && t.start == toks[i].end || t.shape == shapeNumber ||
			t.cls&(clsUnit|clsMonth|clsCurrency) != 0 || f.is(toks, i+1, "am", "pm", "th", "%", "percent", "o'clock") {
			return false
		}
		if f.is(toks, i+1, "%") {
			return false
		}
	}
	if i > 0 {
		t := &toks[i-1]
		if t.shape == shapeSymbol || t.shape == shapeNumber || t.cls&(clsMonth|clsCurrency|clsWeekday) != 0 || f.isPartOfNumberedThing(toks, i) {
			return false
		}
	}
	return true
}

const maxCounted = 6 << 10 // bytes of the author's words, and of others, that are looked through for numbers

// gatherQuoted lists the sums and counts of the whole mail: the author's own
// words first, then what is quoted below, nearest first.
func (f *factReader) gatherQuoted() {
	if f.quotedKnown {
		return
	}
	f.quotedKnown = true
	for _, own := range [...]bool{true, false} {
		if !own {
			f.ownCounts = len(f.counts)
		}
		budget := maxCounted
		for _, z := range f.m.Zones {
			if (z.Kind == message.New) != own || z.Kind == message.Legal || z.Kind == message.Signature || budget <= 0 {
				continue
			}
			end := min(z.End, z.Start+budget)
			budget -= end - z.Start
			toks := f.scan.scan(nil, f.text, z.Start, end)
			for i := 0; i < len(toks); i++ {
				if toks[i].shape == shapeSymbol || toks[i].cls&clsCurrency != 0 {
					got, n := f.money(nil, toks, i)
					if n > 0 {
						f.keepSum(got)
						i += n - 1
					}
					continue
				}
				if toks[i].cls&(clsNumber|clsNumWord) == 0 {
					continue
				}
				v, n := f.number(toks, i)
				if n == 0 {
					continue
				}
				if _, ok := f.currency(toks, i+n); ok {
					got, m := f.money(nil, toks, i)
					f.keepSum(got)
					i += max(m, n) - 1
					continue
				}
				if f.isPartOfNumberedThing(toks, i) || v < 2*unit4 {
					continue
				}
				var got []found
				if f.headOf(&got, toks, i, i+n, v, i+n) && got[0].Type == Quantity && !strings.Contains(got[0].Value, " per ") {
					_, noun, _ := strings.Cut(got[0].Value, " ")
					if len(f.counts) < 64 && noun != "" && !isMeasure(noun) {
						f.counts = append(f.counts, count{v, noun})
					}
					i = got[0].to - 1
				}
			}
		}
	}
}

func (f *factReader) keepSum(got []found) {
	for _, g := range got {
		cur, val, _ := strings.Cut(g.Value, " ")
		if v, ok := amount(val); ok && len(f.sums) < 64 {
			f.sums = append(f.sums, sum{v, cur})
		}
	}
}
