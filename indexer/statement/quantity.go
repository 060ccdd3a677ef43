package statement

import (
	"strings"
)

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
