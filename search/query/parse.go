package query

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds on what is read. What people paste by accident is longer.
const (
	MaxText  = 4096 // bytes
	MaxDepth = 32   // parentheses
	maxWords = 32   // words of a question that count
	minStar  = 3    // letters before a *

	nearby  = 10  // words apart, where NEAR does not say
	maxNear = 100 // words apart: further is the whole statement
)

// Options are what a query depends on besides its text.
type Options struct {
	Now time.Time // today, in the zone that days are meant in
}

// Parse reads a query. Its error is an *Error.
func Parse(text string, opts Options) (Node, error) {
	if len(text) > MaxText {
		return nil, &Error{Column: 1, Text: "the query is longer than " + strconv.Itoa(MaxText) + " bytes"}
	}
	p := &parser{opts: opts}
	if err := p.lex(text); err != nil {
		return nil, err
	}
	p.plain()
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.items) { // only a ")" stops early
		return nil, &Error{Column: p.items[p.at].column, Text: `")" without "("`}
	}
	switch n := n.(type) {
	case nil:
		return All{}, nil
	case Word:
		if !n.Prefix && !n.Fuzzy {
			return Question{Words: []string{n.Text}}, nil
		}
	}
	return n, nil
}

// ParseField reads the value of a field that stands outside a text, as in a
// flag. Its error is an *Error whose column counts in value.
func ParseField(name, value string, opts Options) (Field, error) {
	info, ok := fieldNamed(name)
	if !ok {
		return Field{}, &Error{Column: 1, Text: "unknown field " + strconv.Quote(name)}
	}
	if len(value) > MaxText {
		return Field{}, &Error{Column: 1, Text: "the value is longer than " + strconv.Itoa(MaxText) + " bytes"}
	}
	f := Field{Name: name, Text: strings.Join(strings.Fields(strings.ReplaceAll(value, `"`, " ")), " ")}
	p := &parser{opts: opts}
	if err := p.value(&f, info, 1); err != nil {
		return Field{}, err
	}
	return f, nil
}

// Plain reads text as a question whatever stands in it: there is no mistake to
// make.
func Plain(text string) Question {
	var words []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()"“”`, r) }) {
		if w = strings.TrimFunc(w, func(r rune) bool { return !wordRune(r) }); w != "" {
			words = append(words, w)
		}
	}
	return Question{Words: content(words)}
}

type kind int

const (
	kWord kind = iota
	kTerm      // anything but a bare word: a node of its own
	kAnd
	kOr
	kNot
	kMinus
	kNear
	kOpen
	kClose
)

type item struct {
	kind   kind
	column int
	text   string // as typed, for messages
	node   Node   // kWord, kTerm
	within int    // kNear
}

type parser struct {
	opts   Options
	items  []item
	at     int
	strict bool
}

// lex cuts the text into items.
func (p *parser) lex(text string) error {
	column := 1
	rest := text
	skip := func(n int) {
		column += utf8.RuneCountInString(rest[:n])
		rest = rest[n:]
	}
	add := func(k kind, text string, n Node) {
		p.items = append(p.items, item{kind: k, column: column, text: text, node: n})
	}
	boundary := true // a "-" here negates
	for rest != "" {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r):
			boundary = true
			skip(size)
			continue
		case r == '(':
			add(kOpen, "(", nil)
			boundary = true
			skip(size)
			continue
		case r == ')':
			add(kClose, ")", nil)
			boundary = false
			skip(size)
			continue
		case r == '"' || r == '“':
			phrase, n, ok := quoted(rest)
			if !ok {
				return &Error{Column: column, Text: "the quotation does not end", Hint: `write a " after its last word`}
			}
			if hasWord(phrase) {
				add(kTerm, rest[:n], Phrase{Text: phrase})
			}
			boundary = false
			skip(n)
			continue
		case r == '-' && boundary && size < len(rest) && negates(rest[size:]):
			add(kMinus, "-", nil)
			boundary = false
			skip(size)
			continue
		}
		boundary = false
		n := tokenEnd(rest)
		token := rest[:n]
		if name, ok := fieldName(token); ok {
			used, err := p.field(name, rest, n, column, add)
			if err != nil {
				return err
			}
			if used > 0 {
				skip(used)
				continue
			}
		}
		if err := p.word(token, column, add); err != nil {
			return err
		}
		skip(n)
	}
	return nil
}

// quoted reads a quotation at the beginning of s.
func quoted(s string) (phrase string, n int, ok bool) {
	closer := `"`
	size := 1
	if strings.HasPrefix(s, "“") {
		closer, size = "”", len("“")
	}
	i := strings.Index(s[size:], closer)
	if i < 0 {
		return "", 0, false
	}
	phrase = strings.ReplaceAll(s[size:size+i], `"`, " ")
	return strings.Join(strings.Fields(phrase), " "), size + i + len(closer), true
}

// negates reports whether what follows a minus is something to leave out.
func negates(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '(' || r == '"' || r == '“' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// tokenEnd returns where the token at the beginning of s ends.
func tokenEnd(s string) int {
	for i, r := range s {
		if i > 0 && (unicode.IsSpace(r) || strings.ContainsRune(`()"“”`, r)) {
			return i
		}
	}
	return len(s)
}

// fieldName returns the lower-case letters before the first colon.
func fieldName(token string) (string, bool) {
	name, _, ok := strings.Cut(token, ":")
	if !ok || name == "" {
		return "", false
	}
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return "", false
		}
	}
	return strings.ToLower(name), true
}

func hasWord(s string) bool { return strings.IndexFunc(s, wordRune) >= 0 }

func wordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// word reads a token that is no field.
func (p *parser) word(token string, column int, add func(kind, string, Node)) error {
	switch token {
	case "AND":
		add(kAnd, token, nil)
		return nil
	case "OR":
		add(kOr, token, nil)
		return nil
	case "NOT":
		add(kNot, token, nil)
		return nil
	case "*":
		add(kTerm, token, All{})
		return nil
	}
	if n, ok := strings.CutPrefix(token, "NEAR"); ok && (n == "" || n[0] == '/') {
		within := nearby
		if n != "" {
			var err error
			if within, err = strconv.Atoi(n[1:]); err != nil || within < 1 || within > maxNear {
				return &Error{Column: column, Text: token + ": how many words apart?", Hint: "from 1 to " + strconv.Itoa(maxNear) + ", as in flight NEAR/5 vienna"}
			}
		}
		add(kNear, token, nil)
		p.items[len(p.items)-1].within = within
		return nil
	}
	word := strings.TrimFunc(token, func(r rune) bool { return !wordRune(r) })
	if word == "" {
		return nil
	}
	before, after, _ := strings.Cut(token, word)
	// What the punctuation hid must not come to light when printed.
	switch name, _ := fieldName(word); {
	case word == "AND" || word == "OR" || word == "NOT" || word == "NEAR" || strings.HasPrefix(word, "NEAR/"):
		word = strings.ToLower(word)
	case before != "" && name != "":
		for part := range strings.SplitSeq(word, ":") {
			if err := p.word(part, column, add); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case strings.Contains(word, "*"):
		return &Error{Column: column, Text: "a * can only stand at the end of a word"}
	case strings.Contains(before, "*") && strings.Contains(after, "*"):
		// **urgent**: emphasis, not a wildcard.
	case strings.Contains(before, "*"):
		return &Error{Column: column, Text: "a word cannot begin with *", Hint: "write the first letters of the word, then *"}
	case strings.HasPrefix(after, "*"):
		if err := starred(word, column); err != nil {
			return err
		}
		add(kTerm, token, Word{Text: word, Prefix: true})
		return nil
	case strings.HasPrefix(after, "~"):
		add(kTerm, token, Word{Text: word, Fuzzy: true})
		return nil
	}
	add(kWord, token, Word{Text: word})
	return nil
}

func starred(word string, column int) error {
	letters := 0
	for _, r := range word {
		if wordRune(r) {
			letters++
		}
	}
	if letters < minStar {
		return &Error{Column: column, Text: strconv.Quote(word+"*") + " would fit too many words", Hint: "give at least three letters before the *"}
	}
	return nil
}

// field reads a field and its value. It returns 0 when the token only looks
// like one: "https://…", "note:this".
func (p *parser) field(name, rest string, n, column int, add func(kind, string, Node)) (int, error) {
	colon := len(name) + 1
	info, ok := fieldNamed(name)
	if !ok {
		names := make([]string, len(Fields))
		for i, f := range Fields {
			names[i] = f.Name
		}
		// A slip is worth an error; anything else is somebody's text.
		if near := nearest(name, names); near != "" && n > colon && rest[colon] != '/' && wordRune(rune(rest[colon])) {
			return 0, &Error{Column: column, Text: "unknown field " + strconv.Quote(name), Hint: "did you mean " + near + ":?"}
		}
		return 0, nil
	}
	f := Field{Name: name}
	valueColumn := column + colon
	switch {
	case n == colon && len(rest) > n && rest[n] == '"' || strings.HasPrefix(rest[colon:], "“"):
		text, used, ok := quoted(rest[colon:])
		if !ok {
			return 0, &Error{Column: valueColumn, Text: "the quotation does not end", Hint: `write a " after its last word`}
		}
		f.Text, f.Quoted = text, true
		n = colon + used
	case n == colon && len(rest) > n && rest[n] == '(':
		return 0, &Error{Column: valueColumn, Text: name + ": takes one value", Hint: "write (" + name + ":one OR " + name + ":other)"}
	default:
		open := (info.Takes == Day || info.Takes == Money) && strings.HasSuffix(rest[colon:n], "..")
		f.Text = strings.TrimRightFunc(rest[colon:n], func(r rune) bool { return !closes(r) && !(open && r == '.') })
	}
	if err := p.value(&f, info, valueColumn); err != nil {
		return 0, err
	}
	add(kTerm, rest[:n], f)
	return n, nil
}

// closes reports whether a value may end in r: what else stands there is the
// sentence's punctuation.
func closes(r rune) bool { return wordRune(r) || strings.ContainsRune("*£€$¥", r) }

// value checks and reads the value of a field.
func (p *parser) value(f *Field, info FieldInfo, column int) error {
	if f.Text == "" || info.Takes != Money && info.Takes != Day && !hasWord(f.Text) {
		return &Error{Column: column, Text: f.Name + ": needs a value", Hint: "as in " + info.Example}
	}
	if i := strings.IndexByte(f.Text, '*'); i >= 0 && !f.Quoted {
		switch {
		case info.Takes != Words && info.Takes != Person:
			return &Error{Column: column + utf8.RuneCountInString(f.Text[:i]), Text: f.Name + ": takes no *"}
		case i == 0:
			return &Error{Column: column, Text: "a word cannot begin with *", Hint: "write the first letters of the word, then *"}
		case i != len(f.Text)-1:
			return &Error{Column: column, Text: "a * can only stand at the end of a word"}
		}
		f.Text, f.Prefix = f.Text[:i], true
		if strings.TrimRightFunc(f.Text, func(r rune) bool { return !wordRune(r) }) != f.Text {
			return &Error{Column: column, Text: "a * can only stand at the end of a word"}
		}
		return starred(f.Text, column)
	}
	switch info.Takes {
	case Words, Person:
		return nil
	case Choice:
		f.Text = strings.ToLower(f.Text)
		if !slices.Contains(info.Values, f.Text) {
			e := &Error{Column: column, Text: "unknown " + f.Name + " " + strconv.Quote(f.Text), Hint: "one of " + strings.Join(info.Values, ", ")}
			if near := nearest(f.Text, info.Values); near != "" {
				e.Hint = "did you mean " + near + "?"
			}
			return e
		}
	case Day:
		from, to, err := Days(f.Text, p.opts.Now)
		if err != nil {
			return &Error{Column: column, Text: err.Error(), Hint: "as in 2023-03-14, 2023-03, march 2023, last week"}
		}
		switch f.Name {
		case "since":
			to = time.Time{}
		case "until":
			from = time.Time{}
		}
		f.From, f.To = from, to
	case Money:
		if err := amount(f); err != nil {
			return &Error{Column: column, Text: err.Error(), Hint: "as in 120, >100, 100..260, £120"}
		}
	}
	f.Quoted = false
	return nil
}

// plain decides what the text is. Parentheses alone do not make an expression
// of a question: "the flight (the one on the 15th)".
func (p *parser) plain() {
	terms, parens, operators := false, false, false
	for _, it := range p.items {
		switch it.kind {
		case kAnd, kOr, kNot, kNear:
			operators = true
		case kTerm, kMinus:
			terms = true
		case kOpen, kClose:
			parens = true
		}
	}
	p.strict = operators || parens && terms
	if p.strict {
		return
	}
	p.items = slices.DeleteFunc(p.items, func(it item) bool { return it.kind == kOpen || it.kind == kClose })

	// The bare words that nothing negates become one Question.
	var words []string
	var rest []item
	for i, it := range p.items {
		if it.kind == kWord && !(i > 0 && p.items[i-1].kind == kMinus) {
			words = append(words, it.node.(Word).Text)
		} else {
			rest = append(rest, it)
		}
	}
	if words = content(words); len(words) > 0 {
		rest = append([]item{{kind: kTerm, column: 1, node: Question{Words: words}}}, rest...)
	}
	p.items = rest
}

// expression: conjunction (OR conjunction)*
func (p *parser) expression(depth int) (Node, error) {
	var any Or
	for {
		n, err := p.conjunction(depth)
		if err != nil {
			return nil, err
		}
		more := p.at < len(p.items) && p.items[p.at].kind == kOr
		if n == nil && (more || len(any) > 0) {
			return nil, p.lacks(more)
		}
		if o, ok := n.(Or); ok {
			any = append(any, o...)
		} else if n != nil {
			any = append(any, n)
		}
		if !more {
			break
		}
		p.at++
	}
	switch len(any) {
	case 0:
		return nil, nil
	case 1:
		return any[0], nil
	}
	return any, nil
}

// lacks is the error about an operator with nothing on one side: the next item
// when left, otherwise the one before.
func (p *parser) lacks(left bool) error {
	it := p.items[max(0, p.at-1)]
	side := "after"
	if left {
		it, side = p.items[p.at], "before"
	}
	return &Error{Column: it.column, Text: it.text + " needs something " + side + " it", Hint: "to look for the word itself write \"" + strings.ToLower(it.text) + "\""}
}

// conjunction: operand ((AND)? operand)*
func (p *parser) conjunction(depth int) (Node, error) {
	var all And
	add := func(n Node) {
		if a, ok := n.(And); ok {
			all = append(all, a...)
		} else if n != nil {
			all = append(all, n)
		}
	}
	pending := false // an AND waits for its right side
	for p.at < len(p.items) {
		it := p.items[p.at]
		if it.kind == kOr || it.kind == kClose {
			break
		}
		if it.kind == kNear {
			return nil, p.lacks(true)
		}
		if it.kind == kAnd {
			if pending || len(all) == 0 {
				return nil, p.lacks(true)
			}
			pending = true
			p.at++
			continue
		}
		n, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		pending = false
		add(n)
	}
	if pending {
		return nil, p.lacks(false)
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return all, nil
}

// operand: (NOT | -)* ( "(" expression ")" | term )
func (p *parser) operand(depth int) (Node, error) {
	it := p.items[p.at]
	p.at++
	switch it.kind {
	case kNot, kMinus:
		if p.at >= len(p.items) || p.items[p.at].kind == kAnd || p.items[p.at].kind == kOr || p.items[p.at].kind == kClose {
			if it.kind == kMinus { // a dash
				return nil, nil
			}
			return nil, p.lacks(false)
		}
		if depth >= MaxDepth {
			return nil, &Error{Column: it.column, Text: "too deeply nested"}
		}
		n, err := p.operand(depth + 1)
		if err != nil || n == nil {
			return nil, err
		}
		if not, ok := n.(Not); ok {
			return not.Node, nil
		}
		return Not{Node: n}, nil
	case kOpen:
		if depth >= MaxDepth {
			return nil, &Error{Column: it.column, Text: "too deeply nested"}
		}
		n, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.at >= len(p.items) {
			return nil, &Error{Column: it.column, Text: `"(" without ")"`}
		}
		p.at++
		return n, nil
	}
	return p.near(it)
}

// near: word (NEAR word)*
func (p *parser) near(it item) (Node, error) {
	n := Near{Within: nearby}
	for p.at < len(p.items) && p.items[p.at].kind == kNear {
		op := p.items[p.at]
		if it.kind != kWord {
			return nil, &Error{Column: it.column, Text: op.text + " stands between words", Hint: "as in flight NEAR/5 vienna"}
		}
		if p.at++; p.at >= len(p.items) {
			return nil, p.lacks(false)
		}
		if p.items[p.at].kind != kWord {
			return nil, &Error{Column: p.items[p.at].column, Text: op.text + " stands between words", Hint: "as in flight NEAR/5 vienna"}
		}
		switch {
		case len(n.Words) == 0:
			n.Words, n.Within = []string{it.node.(Word).Text}, op.within
		case op.within != n.Within:
			return nil, &Error{Column: op.column, Text: op.text + " beside NEAR/" + strconv.Itoa(n.Within), Hint: "one number for all of the words"}
		}
		it = p.items[p.at]
		n.Words = append(n.Words, it.node.(Word).Text)
		p.at++
	}
	if len(n.Words) > 0 {
		return n, nil
	}
	return it.node, nil
}

// amount reads "120", "£1,162.00", "GBP 120", ">100", "<=50", "100..260".
func amount(f *Field) error {
	s := strings.TrimSpace(f.Text)
	f.Min, f.Max = math.Inf(-1), math.Inf(1)
	var err error
	switch lo, hi, ranged := strings.Cut(s, ".."); {
	case ranged:
		if lo == "" && hi == "" {
			return errAmount(s)
		}
		if lo != "" {
			if f.Min, err = number(lo); err != nil {
				return err
			}
		}
		if hi != "" {
			if f.Max, err = number(hi); err != nil {
				return err
			}
		}
	case strings.HasPrefix(s, ">="):
		f.Min, err = number(s[2:])
	case strings.HasPrefix(s, "<="):
		f.Max, err = number(s[2:])
	case strings.HasPrefix(s, ">"):
		f.Min, err = number(s[1:])
		f.Min = math.Nextafter(f.Min, math.Inf(1))
	case strings.HasPrefix(s, "<"):
		f.Max, err = number(s[1:])
		f.Max = math.Nextafter(f.Max, math.Inf(-1))
	default:
		var digits string
		digits, f.Currency = currency(s)
		if f.Min, err = number(digits); err != nil {
			err = errAmount(s)
		}
		f.Max = f.Min
	}
	return err
}

var symbols = map[string]string{"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY"}

func currency(s string) (rest, code string) {
	for sym, code := range symbols {
		if r, ok := strings.CutPrefix(s, sym); ok {
			return strings.TrimSpace(r), code
		}
		if r, ok := strings.CutSuffix(s, sym); ok {
			return strings.TrimSpace(r), code
		}
	}
	letters := func(s string) bool {
		return strings.IndexFunc(s, func(r rune) bool { r |= 0x20; return r < 'a' || r > 'z' }) < 0
	}
	if len(s) > 3 && letters(s[:3]) {
		return strings.TrimSpace(s[3:]), strings.ToUpper(s[:3])
	}
	if len(s) > 3 && letters(s[len(s)-3:]) {
		return strings.TrimSpace(s[:len(s)-3]), strings.ToUpper(s[len(s)-3:])
	}
	return s, ""
}

type errAmount string

func (e errAmount) Error() string { return strconv.Quote(string(e)) + " is no amount" }

func number(s string) (float64, error) {
	t := strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	if strings.IndexFunc(t, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) >= 0 {
		return 0, errAmount(s)
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil || math.IsInf(n, 0) {
		return 0, errAmount(s)
	}
	return n, nil
}
