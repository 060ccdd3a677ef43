package statement

import (
	_ "embed"
	"fmt"
	"math/bits"
	"sort"
	"strconv"
	"strings"
)

// class is a set of word classes, one bit each.
type class uint64

// Classes that the code itself reads. The rule table names more of them; each
// gets the next free bit.
const (
	clsAny class = 1 << iota
	clsNumber
	clsVBN // participle: booked, sent, agreed
	clsVBD // past tense
	clsVBG // -ing
	clsNumWord
	clsWeekday
	clsMonth
	clsUnit     // of duration
	clsCurrency // words and codes
	clsRelDay   // today, tomorrow
	clsRefWord  // invoice, order, booking
	clsWithin   // words that may stand between a number and its noun, but are no nouns
	clsFunction // articles, prepositions, conjunctions, pronouns, auxiliaries
	clsPast     // marks a clause as past
	clsFuture   // marks a clause as future or as an order
	clsReport   // tells that something was said: the day it names may be any
	clsNoon
	clsEdge    // end: may open a date
	clsZone    // names of clocks: Eastern, London, GMT
	clsLeadIn  // and, but, so, ok, yes: words before what a sentence does
	clsJoin    // and, but, so, as: may open a second clause
	clsComma   // opens one only after a comma
	clsPronoun // may begin a clause: I, you, they, the
	clsFirst   // I, we and their contractions
	clsSecond  // you
	clsThird   // he, she, it, they, the
	clsPresent // is, are, have, has, do, does
	clsNegation
	clsDateFact
	clsTimeFact
	clsMoneyFact
	clsQuantityFact
	clsDurationFact
	clsReferenceFact
	clsFirstFree
)

var builtinClasses = map[string]class{
	"any": clsAny, "num": clsNumber | clsNumWord, "vbn": clsVBN, "vbd": clsVBD, "vbg": clsVBG, "numword": clsNumWord,
	"weekday": clsWeekday, "month": clsMonth, "unit": clsUnit, "currency": clsCurrency, "relday": clsRelDay,
	"refword": clsRefWord, "within": clsWithin, "function": clsFunction, "leadin": clsLeadIn, "join": clsJoin, "comma": clsComma, "pronoun": clsPronoun, "noon": clsNoon, "edge": clsEdge, "zone": clsZone, "first": clsFirst, "second": clsSecond, "third": clsThird, "present": clsPresent, "negation": clsNegation, "past": clsPast, "report": clsReport, "future": clsFuture,
	"date": clsDateFact, "time": clsTimeFact, "money": clsMoneyFact, "qty": clsQuantityFact,
	"dur": clsDurationFact, "ref": clsReferenceFact,
}

const factClasses = clsDateFact | clsTimeFact | clsMoneyFact | clsQuantityFact | clsDurationFact | clsReferenceFact

// entry is what the vocabulary knows about a word.
type entry struct {
	id  int32
	cls class
}

// lexicon is the compiled rule table: words, classes, rules, and for each word
// and class the rules that may begin there. It is built once and only read.
type lexicon struct {
	words        map[string]entry
	table        []known // the same, by hash, for the scanner: open addressing
	classes      map[string]class
	rules        []rule
	byWord       [][]start   // by word id
	byClass      [64][]start // by the class's bit
	startByWord  [][]start   // patterns tied to the start of a sentence, by their first word
	startByClass [64][]start // the same, by the first word's class
	anyClasses   class       // those with something in byClass
	startClasses class       // and in startByClass
	plain        []int       // rules with no pattern, only conditions
}

// known is a word of the vocabulary in its table; an empty word is an empty place.
type known struct {
	word string
	hash uint32
	entry
}

// fileWords builds the table.
func (l *lexicon) fileWords() {
	size := 1
	for size < 4*len(l.words) {
		size *= 2
	}
	l.table = make([]known, size)
	for w, e := range l.words {
		h := hashString(w)
		at := int(h) & (size - 1)
		for l.table[at].word != "" {
			at = (at + 1) & (size - 1)
		}
		l.table[at] = known{w, h, e}
	}
}

// look finds a word by its letters and their hash.
func (l *lexicon) look(w []byte, h uint32) entry {
	for at := int(h) & (len(l.table) - 1); ; at = (at + 1) & (len(l.table) - 1) {
		k := &l.table[at]
		if k.hash == h && k.word == string(w) || k.word == "" {
			return k.entry
		}
	}
}

// start is a pattern of a rule, filed under its first word or class, with what
// must be true before it is worth a look.
type start struct {
	rule, pattern int32
	must, mustNot condition
	sure          bool      // the first element has matched where it is filed
	first         *element  // when sure
	rest          []element // what is left to match
}

// condition is a property of a sentence that a rule asks for.
type condition uint32

const (
	condQuestion     condition = 1 << iota // ends in a question mark
	condExclaim                            // ends in an exclamation mark
	condColon                              // ends in a colon
	condShort                              // four words or fewer
	condLong                               // more than 25 words
	condFirst                              // the first sentence of its mail
	condLast                               // the last one
	condInline                             // directly below quoted words
	condInlineQ                            // directly below a quoted question
	condParentQ                            // the quoted mail asks something
	condParentOK                           // the quoted mail asks for approval
	condParent                             // something is quoted
	condAuto                               // sent by a program
	condAttach                             // the mail has an attachment
	condItem                               // a list item
	condAfterColon                         // the sentence before ends in a colon
	condAfterQ                             // the sentence before is a question
	condMoney                              // names a sum
	condDate                               // names a day
	condQuantity                           // names a quantity or duration
	condReference                          // names a reference
	condPast                               // its verbs are past
	condCaps                               // written in capitals
	condHalf                               // a part of a sentence that was cut
	condNoVerb                             // none of the words is a known verb form
	condLabel                              // "Label: value"
	condQuoteMarks                         // holds words in quotation marks
	condCivilMail                          // few words in the whole mail
	condFrom3rd                            // the sender's address is no person's
	condOnlySentence                       // it stands alone in its mail
	condBulk                               // the mail looks like one of many
)

var conditionNames = map[string]condition{
	"question": condQuestion, "exclaim": condExclaim, "colon": condColon, "short": condShort, "long": condLong,
	"first": condFirst, "last": condLast, "inline": condInline, "inlineq": condInlineQ, "parentq": condParentQ,
	"parentok": condParentOK, "parent": condParent, "auto": condAuto, "attach": condAttach, "item": condItem,
	"aftercolon": condAfterColon, "afterq": condAfterQ, "money": condMoney, "date": condDate, "quantity": condQuantity,
	"reference": condReference, "past": condPast, "caps": condCaps, "half": condHalf, "noverb": condNoVerb,
	"label": condLabel, "quotemarks": condQuoteMarks, "only": condOnlySentence, "bulk": condBulk,
}

// rule is one line of the table: any of its patterns, under its conditions,
// speaks for a kind with a weight in hundredths.
type rule struct {
	id       string
	kind     int // index into order
	weight   int
	patterns [][]element
	must     condition
	mustNot  condition
	hash     uint32 // the rule as a feature of the model
	flag     string // raises a flag instead of speaking for a kind
}

// element matches one token, or a gap.
type element struct {
	ids      []int32 // any of these words, sorted
	cls      class   // or any of these classes
	not      bool    // the token is none of them
	optional bool
	gap      int  // up to so many tokens of any sort
	open     bool // may match no token: optional, a gap, the end
	start    bool // the beginning of the sentence, lead-ins skipped
	end      bool // the end of the sentence, marks skipped
}

// order lists the kinds by precedence: the first wins where two weigh the same.
// None is last.
var order = []Kind{Dispute, Change, Approval, Instruction, Commitment, Confirmation,
	Assurance, Terms, Caveat, Delivery, Answer, Question, None}

const kindCount = 13

var kindIndex = func() map[Kind]int {
	m := map[Kind]int{}
	for i, k := range order {
		m[k] = i
	}
	return m
}()

//go:embed english.rules
var englishRules string

var vocabulary = func() *lexicon {
	l, err := compile(englishRules)
	if err != nil {
		panic(err) // the table is part of the program; a test compiles it
	}
	return l
}()

// compile reads a rule table. Its grammar, one item a line, "#" begins a comment:
//
//	class NAME word word …        members of a word class
//	KIND WEIGHT NAME [+cond -cond] : pattern / pattern …
//	flag FLAG NAME [+cond] : pattern / …
//
// A pattern is words and marks separated by blanks. a|b is either, @name a
// class, ~a not a, ?a optional, ..3 a gap of up to three tokens, ^ the start of
// the sentence, $ its end. A rule without a colon has conditions only. WEIGHT
// counts in hundredths and may be negative.
func compile(table string) (*lexicon, error) {
	l := &lexicon{words: map[string]entry{}, classes: map[string]class{}}
	for n, c := range builtinClasses {
		l.classes[n] = c
	}
	next := clsFirstFree
	lines := strings.Split(table, "\n")
	// Two passes: every class has its bit before a pattern names it.
	for n, text := range lines {
		f := strings.Fields(cutComment(text))
		if len(f) < 2 || f[0] != "class" {
			continue
		}
		c, ok := l.classes[f[1]]
		if !ok {
			if next == 0 {
				return nil, fmt.Errorf("compiling rules, line %d: too many classes", n+1)
			}
			c = next
			next <<= 1
			l.classes[f[1]] = c
		}
		for _, w := range f[2:] {
			e := l.words[w]
			e.cls |= c
			l.words[w] = e
		}
	}
	seen := map[string]bool{}
	for n, text := range lines {
		text = cutComment(text)
		f := strings.Fields(text)
		if len(f) == 0 || f[0] == "class" {
			continue
		}
		r, err := l.parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("compiling rules, line %d: %w", n+1, err)
		}
		if seen[r.id] {
			return nil, fmt.Errorf("compiling rules, line %d: rule %q given twice", n+1, r.id)
		}
		seen[r.id] = true
		r.hash = mix(saltRule, hashString(r.id))
		l.rules = append(l.rules, r)
	}
	l.index()
	l.fileWords()
	return l, nil
}

func cutComment(s string) string {
	if strings.HasPrefix(strings.TrimSpace(s), "#") {
		return ""
	}
	return s
}

func (l *lexicon) parseRule(text string) (rule, error) {
	head, body, hasBody := strings.Cut(text, " : ")
	f := strings.Fields(head)
	if len(f) < 3 {
		return rule{}, fmt.Errorf("want KIND WEIGHT NAME, got %q", head)
	}
	var r rule
	if f[0] == "flag" {
		r.flag = f[1]
		r.id = "flag." + f[1] + "." + f[2]
	} else {
		k, ok := kindIndex[Kind(f[0])]
		if !ok {
			return rule{}, fmt.Errorf("unknown kind %q", f[0])
		}
		w, err := strconv.Atoi(f[1])
		if err != nil {
			return rule{}, fmt.Errorf("weight %q: %w", f[1], err)
		}
		r.kind, r.weight = k, w
		r.id = f[0] + "." + f[2]
	}
	for _, c := range f[3:] {
		b, ok := conditionNames[strings.TrimLeft(c, "+-")]
		if !ok || (c[0] != '+' && c[0] != '-') {
			return rule{}, fmt.Errorf("unknown condition %q", c)
		}
		if c[0] == '+' {
			r.must |= b
		} else {
			r.mustNot |= b
		}
	}
	if !hasBody {
		if r.must == 0 {
			return rule{}, fmt.Errorf("rule %q has neither pattern nor condition", r.id)
		}
		return r, nil
	}
	for _, p := range strings.Split(body, " / ") {
		es, err := l.parsePattern(p)
		if err != nil {
			return rule{}, fmt.Errorf("rule %q: %w", r.id, err)
		}
		r.patterns = append(r.patterns, es)
	}
	return r, nil
}

func (l *lexicon) parsePattern(p string) ([]element, error) {
	var es []element
	for _, w := range strings.Fields(p) {
		switch {
		case w == "^":
			es = append(es, element{start: true})
			continue
		case w == "$":
			es = append(es, element{end: true, open: true})
			continue
		case strings.HasPrefix(w, "..") && len(w) > 2:
			n, err := strconv.Atoi(w[2:])
			if err != nil {
				return nil, fmt.Errorf("gap %q: %w", w, err)
			}
			es = append(es, element{gap: n, open: true})
			continue
		}
		var e element
		if len(w) > 1 && w[0] == '?' {
			e.optional, w = true, w[1:]
		}
		if len(w) > 1 && w[0] == '~' {
			e.not, w = true, w[1:]
		}
		for _, a := range strings.Split(w, "|") {
			if len(a) > 1 && a[0] == '@' {
				c, ok := l.classes[a[1:]]
				if !ok {
					return nil, fmt.Errorf("unknown class %q", a)
				}
				e.cls |= c
				continue
			}
			e.ids = append(e.ids, l.id(a))
		}
		e.open = e.optional
		sort.Slice(e.ids, func(i, j int) bool { return e.ids[i] < e.ids[j] })
		es = append(es, e)
	}
	if len(es) == 0 {
		return nil, fmt.Errorf("empty pattern")
	}
	return es, nil
}

func (l *lexicon) id(w string) int32 {
	e := l.words[w]
	if e.id == 0 {
		e.id = int32(len(l.byWord) + 1)
		l.byWord = append(l.byWord, nil)
		l.words[w] = e
	}
	return e.id
}

// index files each pattern under what may stand at its first place, or, for a
// pattern tied to the start of a sentence, at the place after the anchor.
func (l *lexicon) index() {
	n := len(l.byWord) + 1
	l.byWord, l.startByWord = make([][]start, n), make([][]start, n)
	for ri := range l.rules {
		r := &l.rules[ri]
		if len(r.patterns) == 0 {
			l.plain = append(l.plain, ri)
			continue
		}
		for pi, p := range r.patterns {
			s := start{rule: int32(ri), pattern: int32(pi), must: r.must, mustNot: r.mustNot}
			words, classes, used := l.byWord, &l.byClass, &l.anyClasses
			if p[0].start {
				p, words, classes, used = p[1:], l.startByWord, &l.startByClass, &l.startClasses
			}
			s.rest = p
			if len(p) == 0 || p[0].open || p[0].not {
				classes[0] = append(classes[0], s) // clsAny, which every token has
				*used |= clsAny
				continue
			}
			s.sure, s.first, s.rest = true, &p[0], p[1:]
			for _, id := range p[0].ids {
				words[id] = append(words[id], s)
			}
			for c := p[0].cls; c != 0; c &= c - 1 {
				k := bits.TrailingZeros64(uint64(c))
				classes[k] = append(classes[k], s)
				*used |= 1 << k
			}
		}
	}
}
