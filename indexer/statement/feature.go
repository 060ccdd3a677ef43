package statement

import "math/bits"

// FeatureSort says what sort of thing a feature is.
type FeatureSort uint8

const (
	RuleFeature   FeatureSort = iota // a rule, or one pattern of it
	WordFeature                      // one word
	PairFeature                      // two words
	FormFeature                      // two or three words by their class alone
	PlaceFeature                     // where it stands, its length, its marks
	PriorFeature                     // true of every sentence
	RuleKind                         // what the rules' hand weights come to
	FamilyFeature                    // one word by its family
	FamilyPair                       // two words, one of them by its family
	NearFeature                      // what stands before and after it, and in the rest of the mail
	AskingFeature                    // how likely something is asked of the reader
)

var featureNames = [...]string{"", "word", "words", "form", "place", "prior", "rules", "like", "like", "near", "asks"}

// feature is something true of a sentence: a rule, a word, a pair of words, the
// form of three words in a row, or a condition.
type feature struct {
	hash     uint32
	sort     FeatureSort
	from, to int // tokens; for a rule, from is the rule
	hit      int // of a rule: its place in segment.hits
	row      *[Columns]int8
}

// name is how a reason names the feature. Rules go by their own names.
func (f *feature) name() string {
	if f.sort == RuleFeature {
		return vocabulary.rules[f.from].id
	}
	return featureNames[f.sort]
}

func (f *feature) words(r *reader, g *segment) string {
	switch f.sort {
	case RuleFeature:
		h := g.hits[f.hit]
		return r.words(g, h.from, h.to)
	case WordFeature, PairFeature, FormFeature, FamilyFeature, FamilyPair:
		return r.words(g, f.from, f.to)
	case PlaceFeature:
		for n, c := range conditionNames {
			if condHash(c) == f.hash {
				return n
			}
		}
	case NearFeature:
		if f.from > 0 {
			return [...]string{"after ", "before ", "beside "}[f.to] + string(order[f.from-1])
		}
	}
	return ""
}

// Salts keep the hashes of the different sorts apart.
const (
	saltRule   = 0x9E3779B1
	saltPair   = 0x85EBCA6B
	saltSkip   = 0xC2B2AE35
	saltForm   = 0x27D4EB2F
	saltPlace  = 0x165667B1
	saltFirst  = 0x2545F491
	saltPrior  = 0x51ED270B
	saltRules  = 0x7FEB352D
	saltNear   = 0x846CA68B
	saltFamily = 0x3C6EF372
	saltAsking = 0xA54FF53A
	saltClause = 0x1B873593
	saltRuled  = 0xCC9E2D51
)

func mix(a, b uint32) uint32 {
	h := a*0x01000193 ^ (b + 0x9E3779B9 + a<<6 + a>>2)
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	if h == 0 {
		return 1
	}
	return h
}

func hashString(s string) uint32 {
	h := uint32(fnvOffset)
	for i := 0; i < len(s); i++ {
		h = fnv(h, s[i])
	}
	return h
}

func condHash(c condition) uint32 { return mix(saltPlace, uint32(bits.TrailingZeros32(uint32(c)))+1) }

// patternHash is one pattern of a rule: some are surer than others.
func patternHash(rule uint32, pattern int) uint32 { return mix(rule, uint32(pattern)+1) }

// Stand-ins for words whose own letters say nothing about what a sentence does.
var (
	symDate     = hashString("<date>")
	symTime     = hashString("<time>")
	symMoney    = hashString("<money>")
	symQuantity = hashString("<quantity>")
	symDuration = hashString("<duration>")
	symRef      = hashString("<reference>")
	symNumber   = hashString("<number>")
	symName     = hashString("<name>")
	symBegin    = hashString("<begin>")
	symEnd      = hashString("<end>")
)

// unit is a token, or a whole fact, as the features see it.
type unit struct {
	word, form uint32
	kin        [2]uint32 // the word's family in each division, or the word itself where it has none to speak of
	from, to   int
}

// form is the coarse sort of a token: small words and marks stand for
// themselves, the rest for their class.
func formOf(t *token, word uint32) uint32 {
	switch {
	case word == symName || t.cls&clsFunction != 0 || t.shape == shapePunct:
		return word
	case t.shape == shapeNumber:
		return symNumber
	}
	c := t.cls &^ (clsAny | clsLeadIn | clsWithin)
	if c == 0 {
		return 7
	}
	return 100 + uint32(bits.TrailingZeros64(uint64(c)))
}

// clause says who acts in g, whether in the past, now or to come, and whether it
// is denied: "I did not", "you will", "it is".
func (g *segment) clause() uint32 {
	who, when, denied := uint32(0), uint32(0), uint32(0)
	for i := range g.toks {
		t := &g.toks[i]
		if i > 12 && who != 0 {
			break
		}
		if who == 0 {
			switch {
			case t.cls&clsFirst != 0:
				who = 1
			case t.cls&clsSecond != 0:
				who = 2
			case t.cls&clsThird != 0:
				who = 3
			case t.shape == shapeWord && t.cls&(clsFunction|clsVBD|clsVBG) == 0 && t.cls&clsPast == 0:
				if i == 0 {
					who = 4
				}
			}
		}
		if when == 0 {
			switch {
			case t.cls&clsPast != 0:
				when = 1
			case t.cls&clsFuture != 0:
				when = 2
			case t.cls&clsPresent != 0:
				when = 3
			}
		}
		if t.cls&clsNegation != 0 {
			denied = 1
		}
	}
	return who*100 + when*10 + denied
}

// features appends what is true of g. Rules must have fired already.
func (r *reader) features(fs []feature, g *segment) []feature {
	fs = append(fs, feature{hash: mix(saltPrior, 1), sort: PriorFeature})
	for i, h := range g.hits {
		if vocabulary.rules[h.rule].flag == "" {
			x := vocabulary.rules[h.rule].hash
			fs = append(fs, feature{hash: x, sort: RuleFeature, from: h.rule, hit: i},
				feature{hash: patternHash(x, h.pattern), sort: RuleFeature, from: h.rule, hit: i})
		} else {
			fs = append(fs, feature{hash: vocabulary.rules[h.rule].hash, sort: PlaceFeature})
		}
	}
	for c := g.cond; c != 0; c &= c - 1 {
		fs = append(fs, feature{hash: condHash(c & -c), sort: PlaceFeature})
	}
	fs = append(fs, feature{hash: mix(mix(saltRules, uint32(g.first)), 9), sort: RuleKind},
		feature{hash: mix(mix(saltRules, uint32(g.first)), uint32(g.lead)), sort: RuleKind})
	for k, w := range g.ruled {
		if w > 0 {
			fs = append(fs, feature{hash: mix(mix(saltRuled, uint32(k)), uint32(min(w/60, 3))), sort: RuleKind})
		}
	}
	fs = g.near.features(fs, g.first)
	fs = append(fs, feature{hash: mix(saltClause, 1000+g.clause()), sort: PlaceFeature})
	fs = r.wordFeatures(fs, g)
	// How long it is, and the first words once more: what opens a sentence weighs
	// more than the same word in its middle.
	fs = append(fs, feature{hash: mix(saltFirst, uint32(bits.Len(uint(len(r.units))))), sort: PlaceFeature})
	k := r.leadIns(g.toks)
	for _, i := range k {
		if i >= 0 && i < len(g.toks) {
			fs = append(fs, feature{hash: mix(mix(saltFirst, 77), g.toks[i].hash), sort: WordFeature, from: i, to: i + 1})
		}
	}
	return fs
}

// features appends what stands around a sentence that the rules read as first.
func (n *neighbours) features(fs []feature, first int) []feature {
	near := func(which, what uint32, kind, side int) {
		fs = append(fs, feature{hash: mix(mix(saltNear, which), what), sort: NearFeature, from: kind + 1, to: side})
	}
	const after, before, beside = 0, 1, 2
	near(1, uint32(n.prev+1), n.prev, after)
	near(2, uint32(n.next+1), n.next, before)
	near(3, uint32((n.prev+1)<<8|first), n.prev, after)
	near(4, uint32((n.next+1)<<8|first), n.next, before)
	near(5, uint32(min(n.before, 3)), -1, after)
	near(6, uint32(min(n.after, 3)), -1, before)
	near(7, uint32(bits.Len(uint(n.before+n.after))), -1, beside)
	for k := range kindCount {
		if n.mail>>k&1 != 0 {
			near(8, uint32(k), k, beside)
		}
	}
	return fs
}

// unitsOf cuts g into units, with what stands for facts, numbers and names.
func (r *reader) unitsOf(g *segment) []unit {
	us := r.units[:0]
	for i := 0; i < len(g.toks); {
		t := &g.toks[i]
		j := i + 1
		var u unit
		if c := t.cls & factClasses; c != 0 {
			switch {
			case c&clsDateFact != 0:
				u.word = symDate
			case c&clsTimeFact != 0:
				u.word = symTime
			case c&clsMoneyFact != 0:
				u.word = symMoney
			case c&clsQuantityFact != 0:
				u.word = symQuantity
			case c&clsDurationFact != 0:
				u.word = symDuration
			default:
				u.word = symRef
			}
			u.form = u.word
			for j < len(g.toks) && g.toks[j].cls&factClasses == c {
				j++
			}
		} else {
			u.word = t.hash
			switch {
			case t.shape == shapeNumber:
				u.word = symNumber
			case t.shape == shapeWord && t.upper && t.id == 0 && t.cls&^clsAny == 0 && i > 0 && !t.caps:
				u.word = symName
			case t.digits && t.shape == shapeWord:
				u.word = symRef
			}
			u.form = formOf(t, u.word)
		}
		u.kin = [2]uint32{u.word, u.word}
		if u.word == t.hash && t.cls&clsFunction == 0 && t.shape == shapeWord {
			for d, k := range t.kin {
				u.kin[d] = familyHash(d, k)
			}
		}
		u.from, u.to = i, j
		us = append(us, u)
		i = j
	}
	r.units = us
	return us
}

// familyHash stands for the words of a family; those in none are alike too.
func familyHash(division int, number uint8) uint32 {
	return mix(saltFamily, uint32(division)<<8|uint32(number))
}

// wordFeatures appends the words, alone and two or three in a row. Most of them
// have no row in the model and are passed over.
func (r *reader) wordFeatures(fs []feature, g *segment) []feature {
	us := r.unitsOf(g)
	n := len(us)
	begin := unit{symBegin, symBegin, [2]uint32{symBegin, symBegin}, 0, 0}
	end := unit{symEnd, symEnd, [2]uint32{symEnd, symEnd}, len(g.toks), len(g.toks)}
	at := func(i int) *unit {
		switch {
		case i < 0:
			return &begin
		case i >= n:
			return &end
		}
		return &us[i]
	}
	add := func(hash uint32, sort FeatureSort, from, to *unit) {
		if r.each != nil || r.model.may(hash) {
			fs = append(fs, feature{hash: hash, sort: sort, from: from.from, to: to.to})
		}
	}
	for i := range us {
		u := &us[i]
		add(mix(u.word, 0), WordFeature, u, u)
		for d, k := range u.kin {
			if k != u.word && k != noFamily[d] {
				add(mix(k, 1), FamilyFeature, u, u)
			}
		}
	}
	for i := -1; i < n; i++ {
		a, b, c := at(i), at(i+1), at(i+2)
		add(mix(mix(a.word, saltPair), b.word), PairFeature, a, b)
		add(mix(mix(a.word, saltSkip), c.word), PairFeature, a, c)
		form := mix(mix(a.form, saltForm), b.form)
		add(form, FormFeature, a, b)
		add(mix(form, c.form), FormFeature, a, c)
		for d := range a.kin {
			if a.kin[d] != a.word || b.kin[d] != b.word {
				add(mix(mix(a.kin[d], saltPair), b.kin[d]), FamilyPair, a, b)
			}
			if a.kin[d] != a.word || c.kin[d] != c.word {
				add(mix(mix(a.kin[d], saltSkip), c.kin[d]), FamilyPair, a, c)
			}
		}
	}
	return fs
}

// noFamily stands for the words of no family.
var noFamily = [2]uint32{familyHash(0, 0), familyHash(1, 0)}

// askingSteps are the scores of asking, in thousandths of a natural logarithm, at
// which the kinds take notice.
var askingSteps = [...]int{-3000, -2000, -1000, 0, 1000, 2000, 3000}

// AskingFeatures lists the features of a sentence whose asking column comes to
// this much: one for each step that it reaches.
func AskingFeatures(asks int) []uint32 {
	n := 0
	for n < len(askingSteps) && asks >= askingSteps[n] {
		n++
	}
	return askingFeatures[:n:n]
}

var askingFeatures = func() (fs []uint32) {
	for i := range askingSteps {
		fs = append(fs, mix(saltAsking, uint32(i)))
	}
	return fs
}()
