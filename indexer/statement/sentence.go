package statement

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"inwriting/indexer/message"
)

// span is a stretch of Message.Text in bytes, [start,end).
type span struct {
	start, end int
}

// line is one line of a zone without its end-of-line and outer blanks.
type line struct {
	start, end int
	width      int // code points
	bullet     int // bytes of list mark and blanks before the item's words
	zone       int
	blank      bool
}

const (
	maxWrap       = 130 // a longer line was not wrapped by a mail program
	minWrap       = 50  // nor was a text whose longest line is shorter than this
	maxQuoted     = 400 // words in quotation marks stay one sentence up to here
	maxSentence   = 1500
	maxSentences  = 5000
	wrapTolerance = 2
)

// sentences cuts the new zones of m. The spans are in order, disjoint, inside
// zones of kind New, and begin and end with something that is not a blank.
// Greeting lines and bare closing lines are left out.
func sentences(m *message.Message) []span {
	lines := newLines(m)
	wrap := 0
	for _, l := range lines {
		if l.width <= maxWrap && l.width > wrap {
			wrap = l.width
		}
	}
	if wrap < minWrap {
		wrap = 0
	}
	var out []span
	for i := 0; i < len(lines) && len(out) < maxSentences; {
		if lines[i].blank {
			i++
			continue
		}
		j := i + 1
		for j < len(lines) && !lines[j].blank && joins(m.Text, lines[j-1], lines[j], wrap) {
			j++
		}
		first, last := lines[i], lines[j-1]
		start := first.start + first.bullet
		if start < last.end && !(j == i+1 && isSalutation(m.Text[start:last.end])) {
			out = cutBlock(out, m.Text, start, last.end)
		}
		i = j
	}
	return out
}

// newLines lists the lines of all zones of kind New.
func newLines(m *message.Message) []line {
	var lines []line
	for zi, z := range m.Zones {
		if z.Kind != message.New || z.Start < 0 || z.End > len(m.Text) || z.Start >= z.End {
			continue
		}
		for at := z.Start; at < z.End; {
			end := strings.IndexByte(m.Text[at:z.End], '\n')
			next := z.End
			if end < 0 {
				end = z.End
			} else {
				end += at
				next = end + 1
			}
			s, e := trim(m.Text, at, end)
			l := line{start: s, end: e, zone: zi, blank: s >= e}
			if !l.blank {
				l.width = utf8.RuneCountInString(m.Text[at:e])
				l.bullet = bullet(m.Text[s:e])
				if isRule(m.Text[s:e]) {
					l.blank = true
				}
			}
			lines = append(lines, l)
			at = next
		}
		lines = append(lines, line{blank: true, zone: zi})
	}
	return lines
}

func trim(text string, s, e int) (int, int) {
	for s < e {
		r, n := utf8.DecodeRuneInString(text[s:e])
		if !unicode.IsSpace(r) && r != '\u200b' && r != '\ufeff' {
			break
		}
		s += n
	}
	for e > s {
		r, n := utf8.DecodeLastRuneInString(text[s:e])
		if !unicode.IsSpace(r) && r != '\u200b' && r != '\ufeff' {
			break
		}
		e -= n
	}
	return s, e
}

// isRule reports whether a line is ornament: no letter, no digit, no emoji.
func isRule(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r > 0x2190 {
			return false
		}
	}
	return true
}

// bullet returns the length of a list mark and the blanks after it: "- ",
// "* ", "• ", "1. ", "2) ", "(3) ", "a) ".
func bullet(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if strings.ContainsRune("-*•·‣▪◦–—>+o", r) {
		if r == 'o' && !strings.HasPrefix(s, "o  ") {
			return 0
		}
		k := n
		for k < len(s) && (s[k] == ' ' || s[k] == '\t') {
			k++
		}
		if k > n && k < len(s) {
			return k
		}
		return 0
	}
	i := 0
	if s[0] == '(' {
		i++
	}
	j := i
	for j < len(s) && j-i < 2 && isDigit(s[j]) {
		j++
	}
	if j == i && j < len(s) && isLetter(s[j]) {
		j++
		if j >= len(s) || s[j] != ')' {
			return 0
		}
	}
	if j == i || j >= len(s) {
		return 0
	}
	if s[j] != ')' && s[j] != '.' {
		return 0
	}
	k := j + 1
	for k < len(s) && (s[k] == ' ' || s[k] == '\t') {
		k++
	}
	if k == j+1 || k >= len(s) {
		return 0
	}
	return k
}

// joins reports whether b goes on with the sentence of a: a was broken by a mail
// program at the wrap column, or a cannot be the end of anything.
func joins(text string, a, b line, wrap int) bool {
	if b.bullet > 0 {
		return false
	}
	as, bs := text[a.start:a.end], text[b.start:b.end]
	if a.bullet == 0 && isSalutation(as) {
		return false
	}
	if wrap > 0 && a.width <= maxWrap {
		first := bs
		if k := strings.IndexAny(bs, " \t"); k >= 0 {
			first = bs[:k]
		}
		if a.width+1+utf8.RuneCountInString(first) > wrap-wrapTolerance {
			return true // the first word of b would not have fitted
		}
	}
	return dangling(as)
}

// dangling reports whether a line ends in a word or mark that cannot close a
// sentence.
func dangling(s string) bool {
	switch s[len(s)-1] {
	case ',':
		return true
	case '.', '!', '?', ':', ';', ')', '"':
		return false
	}
	k := strings.LastIndexAny(s, " \t")
	switch strings.ToLower(s[k+1:]) {
	case "a", "an", "the", "and", "or", "of", "to", "for", "with", "by", "in", "at", "from",
		"your", "my", "our", "their", "his", "her", "its", "is", "are", "was", "were", "be", "that", "if", "which":
		return true
	}
	return false
}

var salutations = map[string]bool{
	"hi": true, "hello": true, "dear": true, "hey": true, "hiya": true, "morning": true, "afternoon": true,
	"evening": true, "greetings": true, "good": true, "hallo": true, "liebe": true, "lieber": true, "g'day": true, "gday": true,
	"beste": true, "bonjour": true, "ola": true, "olá": true, "guten": true, "noswaith": true, "ciao": true,
}

var closings = map[string]bool{
	"regards": true, "thanks": true, "cheers": true, "best": true, "kind regards": true, "best regards": true, "warm regards": true,
	"many thanks": true, "thank you": true, "yours": true, "sincerely": true, "best wishes": true, "warmly": true, "love": true,
	"yours sincerely": true, "yours truly": true, "all the best": true, "thx": true, "ta": true, "x": true, "xx": true, "xxx": true,
	"kindest regards": true, "with kind regards": true, "warmest": true, "all best": true, "take care": true, "thks": true, "rgds": true,
	"best, regards": true, "thanks again": true, "thanks so much": true, "yours faithfully": true, "sincerely yours": true, "cordially": true,
	"respectfully": true, "mit freundlichen grüßen": true, "viele grüße": true, "groetjes": true, "hugs": true, "bises": true,
}

// isSalutation reports whether a whole line is a greeting, a closing formula or
// a bare name: words that address or sign and say nothing.
func isSalutation(s string) bool {
	if len(s) > 60 {
		return false
	}
	t := strings.TrimRight(s, " ,.!-–—:;)(")
	if t == "" {
		return true
	}
	low := strings.ToLower(t)
	if closings[low] {
		return true
	}
	words := strings.Fields(t)
	if len(words) == 0 {
		return true
	}
	last := s[len(s)-1]
	w0 := strings.ToLower(strings.Trim(words[0], ",.!-"))
	if salutations[w0] {
		if len(words) <= 5 && (last == ',' || last == '-' || last == ':' || last == '!' || isLetter(last)) && !strings.ContainsAny(t, ".?") {
			return true
		}
	}
	// A bare name: one to three capitalised words, no digit. A line that closes
	// like a sentence is one.
	if len(words) <= 3 && last != '.' && last != '?' && last != '!' && last != ':' {
		for _, w := range words {
			r, _ := utf8.DecodeRuneInString(w)
			if !unicode.IsUpper(r) && !(len(words) > 1 && (w == "/" || w == "&" || w == "x" || w == "xx")) {
				return false
			}
			if strings.ContainsAny(w, "0123456789") || commonWord[strings.ToLower(strings.Trim(w, ",'"))] {
				return false
			}
		}
		return !allCaps(t) || len(t) <= 3
	}
	return false
}

func allCaps(s string) bool {
	for _, r := range s {
		if unicode.IsLower(r) {
			return false
		}
	}
	return true
}

// commonWord holds words that no bare name is made of: a one-word line "Approved"
// or "Agreed" is a sentence, "Marisa" is not.
var commonWord = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`approved agreed confirmed noted done booked ok okay yes no yep nope sure fine great perfect lovely
		received sent understood cancelled canceled rejected denied accepted paid correct wrong never please will go ahead proceed
		good sounds looks both all none neither this that it we i you they the a an is are was were not to for of in on at by
		attached enclosed here see thanks thank sorry yeah yup nah absolutely definitely certainly agree approve confirm cancel stop
		delivered posted uploaded updated changed moved chased completed finished print hold wait today tomorrow tonight urgent`) {
		m[w] = true
	}
	return m
}()

// abbreviations end in a full stop that ends no sentence.
var abbreviations = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`mr mrs ms dr prof st sr jr vs etc e.g i.e eg ie no nos ref approx incl excl ext tel fax
		inc ltd co corp dept est fig figs vol pp para cl art min max jan feb mar apr jun jul aug sep sept oct nov dec
		mon tue tues wed thu thur thurs fri sat sun hon rev gen col capt lt sgt messrs att attn cf resp temp
		u.s u.k p.o ave blvd rd bldg apt qty amt avg nr kr z.b bzw usw ca`) {
		m[w] = true
	}
	return m
}()

// notFinal are abbreviations that may well end a sentence too; they do so before
// a capital.
var mayEnd = map[string]bool{"etc": true, "no": true, "inc": true, "ltd": true, "co": true, "corp": true, "p.m": true, "a.m": true,
	"sat": true, "sun": true, "mar": true, "max": true, "min": true, "fig": true, "art": true, "ext": true, "ca": true, "est": true, "dec": true, "wed": true, "u.s": true, "u.k": true}

// cutBlock cuts one paragraph at its sentence ends.
func cutBlock(out []span, text string, start, end int) []span {
	s := start
	quote, paren := 0, 0 // where an open quotation or bracket ends; 0 when none is open
	emit := func(e int) {
		a, b := trim(text, s, e)
		if a < b && len(out) < maxSentences && hasWord(text[a:b]) {
			out = append(out, span{a, b})
		}
		s = e
	}
	for i := start; i < end; {
		c := text[i]
		switch {
		case i-s > maxSentence && (c == ' ' || c == '\n'):
			emit(i)
			quote, paren = 0, 0
		case (c == '"' || c == 0xE2) && quote <= i:
			// An opening mark: the matching one closes it, if it is near.
			if n, ok := openingQuote(text, i, start); ok {
				if k := closingQuote(text, i+n, end); k > 0 {
					quote = k
				}
				i += n
				continue
			}
		case c == '(' && paren <= i:
			limit := min(end, i+maxQuoted)
			if k := strings.IndexByte(text[i:limit], ')'); k > 0 {
				paren = i + k
			}
		case c == '.' || c == '!' || c == '?':
			if i < quote || i < paren {
				break
			}
			j, ends := sentenceEnd(text, s, i, end)
			if ends {
				emit(j)
			}
			i = j
			continue
		}
		if c == 0xE2 && strings.HasPrefix(text[i:end], "…") && i >= quote && i >= paren {
			j, ends := sentenceEnd(text, s, i, end)
			if ends {
				emit(j)
			}
			i = j
			continue
		}
		if c < utf8.RuneSelf {
			i++
			continue
		}
		if n := smiley(text[i:end]); n > 0 && i >= quote && i >= paren {
			// An emoji closes a sentence when a capital follows.
			i += n
			k := i
			for k < end && text[k] == ' ' {
				k++
			}
			if r, _ := utf8.DecodeRuneInString(text[k:end]); k > i && k < end && unicode.IsUpper(r) {
				emit(i)
			}
			continue
		}
		_, n := utf8.DecodeRuneInString(text[i:end])
		i += n
	}
	emit(end)
	return out
}

func hasWord(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r >= 0x1F300 {
			return true
		}
	}
	return false
}

func openingQuote(text string, i, start int) (int, bool) {
	before := i == start || text[i-1] == ' ' || text[i-1] == '\n' || text[i-1] == '(' || text[i-1] == ':'
	if text[i] == '"' {
		return 1, before
	}
	if strings.HasPrefix(text[i:], "“") || strings.HasPrefix(text[i:], "„") {
		return 3, true
	}
	return 0, false
}

// closingQuote finds the mark that closes a quotation that begins before i, or 0.
func closingQuote(text string, i, end int) int {
	end = min(end, i+maxQuoted)
	for j := i; j < end; j++ {
		if text[j] == '"' || (text[j] == 0xE2 && (strings.HasPrefix(text[j:end], "”") || strings.HasPrefix(text[j:end], "“"))) {
			return j
		}
	}
	return 0
}

// sentenceEnd looks at a run of end marks at i. It returns the byte after the
// run and what belongs to it (closing quotes, smileys, emoji), and whether a
// sentence ends there.
func sentenceEnd(text string, s, i, end int) (int, bool) {
	j := i
	dots, other := 0, false
	for j < end {
		if text[j] == '.' {
			dots++
			j++
		} else if text[j] == '!' || text[j] == '?' {
			other = true
			j++
		} else if strings.HasPrefix(text[j:end], "…") {
			dots += 3
			j += 3
		} else {
			break
		}
	}
	for j < end && (text[j] == '"' || text[j] == ')' || text[j] == '\'' || text[j] == ']' || text[j] == '*') {
		j++
	}
	for j < end && (strings.HasPrefix(text[j:end], "”") || strings.HasPrefix(text[j:end], "’")) {
		j += 3
	}
	if j >= end {
		return end, true
	}
	if text[j] != ' ' && text[j] != '\n' && text[j] != '\t' {
		r, _ := utf8.DecodeRuneInString(text[j:end])
		if r == 0xA0 || r >= 0x2600 {
			// an emoji right after the mark, or a no-break space
		} else if (dots == 1 || other) && unicode.IsUpper(r) && i > s+2 && !other {
			// "done.Thanks": a full stop without its blank, unless it is an
			// abbreviation or an address.
			if prevWordLen(text, s, i) < 3 || strings.ContainsAny(text[max(s, i-20):i], "@/") {
				return j, false
			}
			return j, true
		} else {
			return j, false
		}
	}
	k := smileys(text, j, end)
	if k > j {
		return k, true
	}
	n := j
	for n < end && (text[n] == ' ' || text[n] == '\n' || text[n] == '\t') {
		n++
	}
	if n >= end {
		return end, true
	}
	r, _ := utf8.DecodeRuneInString(text[n:end])
	if other {
		return j, !(unicode.IsLower(r) && strings.IndexByte(text[i:j], '"') > 0)
	}
	if dots >= 2 {
		return j, unicode.IsUpper(r) && !startsWithI(text, n, end)
	}
	w := strings.ToLower(prevWord(text, s, i))
	switch {
	case abbreviations[w]:
		if mayEnd[w] && unicode.IsUpper(r) {
			return j, true
		}
		return j, false
	case w == "p.m" || w == "a.m":
		return j, unicode.IsUpper(r) && !placeFollows(text, n, end)
	case len(w) == 1 && isLetter(w[0]) && w != "i" && unicode.IsUpper(r):
		return j, false // an initial
	case isListNumber(text, s, i):
		return j, false
	}
	return j, true
}

// startsWithI tells "so... I thought" from "so... The".
func startsWithI(text string, n, end int) bool {
	return text[n] == 'I' && (n+1 >= end || text[n+1] == ' ' || text[n+1] == '\'')
}

// placeFollows: "5 p.m. Eastern on Monday" goes on.
func placeFollows(text string, n, end int) bool {
	e := n
	for e < end && isLetter(text[e]) {
		e++
	}
	switch text[n:e] {
	case "Eastern", "Pacific", "Central", "Mountain", "London", "New", "GMT", "BST", "EST", "EDT", "CET", "CEST", "UTC", "PST", "PDT", "CST", "ET", "PT", "CT",
		"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday":
		return true
	}
	return false
}

// isListNumber: "3. leave them out" at the start of a sentence.
func isListNumber(text string, s, i int) bool {
	a, b := trim(text, s, i)
	return b-a <= 2 && b > a && isDigit(text[a]) && isDigit(text[b-1])
}

func prevWord(text string, s, i int) string {
	a := i
	for a > s && a > i-24 {
		c := text[a-1]
		if c == ' ' || c == '\n' || c == '\t' || c == '(' || c == '"' || c == '/' {
			break
		}
		a--
	}
	return text[a:i]
}

func prevWordLen(text string, s, i int) int { return len(prevWord(text, s, i)) }

// smileys returns the end of the smileys, emoji and kisses that follow an end
// mark on the same line, or j.
func smileys(text string, j, end int) int {
	at := j
	for {
		k := at
		for k < end && text[k] == ' ' {
			k++
		}
		n := smiley(text[k:end])
		if n == 0 {
			return at
		}
		at = k + n
	}
}

func smiley(s string) int {
	for _, m := range [...]string{":-)", ";-)", ":)", ";)", ":-(", ":(", ":D", ":-D", ":P", ":-/", "xx"} {
		if strings.HasPrefix(s, m) && (len(s) == len(m) || !isLetter(s[len(m)])) {
			return len(m)
		}
	}
	n := 0
	for n < len(s) {
		r, k := utf8.DecodeRuneInString(s[n:])
		if (r >= 0x2600 && r <= 0x27BF) || r >= 0x1F300 || (n > 0 && (r == 0xFE0F || r == 0x200D)) {
			n += k
			continue
		}
		break
	}
	return n
}
