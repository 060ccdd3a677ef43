package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is one line of the text while zones are sought.
type line struct {
	start, end int32 // the end is that of the line end
	kind       lineKind
	blank      bool
	mark       bool // begins with ">"
	hint       hint
}

// lineKind is a ZoneKind in one octet: a text may have a million lines.
type lineKind uint8

const (
	isNew lineKind = iota
	isQuoted
	isForwarded
	isSignature
	isLegal
)

var zoneKinds = [...]ZoneKind{New, Quoted, Forwarded, Signature, Legal}

// zoner labels lines. Structure goes first (quotation marks, attribution lines,
// header blocks of quoted mail), then each stretch of own words loses its
// signature and its legal matter.
type zoner struct {
	text  string
	lines []line
	author
	fwd  bool  // the subject says that something is passed on
	hits []hit // legal and footer phrases in the stretch at hand
}

// zones cuts text. hints has at most one entry a line.
func zones(text string, hints []hint, by author, fwd bool) []Zone {
	if text == "" {
		return nil
	}
	z := &zoner{text: text, author: by, fwd: fwd}
	z.split(hints)
	z.structure()
	z.listed()
	z.capitals()
	for a := 0; a < len(z.lines); {
		b := a
		for b < len(z.lines) && z.lines[b].kind == isNew {
			b++
		}
		if b > a {
			z.own(a, b)
		}
		a = max(b, a+1)
	}
	z.blanks()
	return z.merge()
}

func (z *zoner) split(hints []hint) {
	z.lines = make([]line, 0, strings.Count(z.text, "\n")+1)
	for at := 0; at < len(z.text); {
		end := len(z.text)
		if i := strings.IndexByte(z.text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		l := line{start: int32(at), end: int32(end), kind: isNew}
		if n := len(z.lines); n < len(hints) {
			l.hint = hints[n]
		}
		s := z.trim(l.start, l.end)
		l.blank = s == ""
		l.mark = isMarked(s)
		z.lines = append(z.lines, l)
		at = end
	}
	z.escapes()
	z.otherMarks()
}

// escapes tells ">From " within a quotation from what mailbox files make of a line that
// begins with "From ": that one stands among lines without marks.
func (z *zoner) escapes() {
	for i := range z.lines {
		if l := &z.lines[i]; !l.blank && !l.mark && strings.HasPrefix(z.at(i), ">From ") {
			p, n := z.previous(i), z.next(i+1)
			l.mark = p >= 0 && z.lines[p].mark && p == i-1 || n < len(z.lines) && z.lines[n].mark && n == i+1
		}
	}
}

// otherMarks knows quotations that are not marked with ">": three lines or more,
// one below the other, that all begin with ": " or "| ", and two that begin with
// the same letter and ">".
func (z *zoner) otherMarks() {
	mark := func(i int) byte {
		s := z.at(i)
		switch {
		case s == ":" || s == "|" || strings.HasPrefix(s, ": ") || strings.HasPrefix(s, "| "):
			return s[0]
		case len(s) > 1 && 'A' <= s[0] && s[0] <= 'Z' && s[1] == '>' && (len(s) == 2 || s[2] == ' '):
			return s[0]
		}
		return 0
	}
	for i := 0; i < len(z.lines); {
		c := mark(i)
		if c == 0 {
			i++
			continue
		}
		j := i + 1
		for j < len(z.lines) && mark(j) == c {
			j++
		}
		table := c == '|' && strings.HasSuffix(z.at(i), "|") && len(z.at(i)) > 1
		if j-i >= 3 && !table || j-i >= 2 && c >= 'A' && c <= 'Z' {
			for k := i; k < j; k++ {
				z.lines[k].mark = true
			}
		}
		i = j
	}
}

func (z *zoner) trim(start, end int32) string {
	s := strings.Trim(z.text[start:end], " \t\n\r\v\f")
	for strings.HasPrefix(s, "\u00a0") || strings.HasPrefix(s, "\u200b") || strings.HasPrefix(s, "\ufeff") {
		_, n := utf8.DecodeRuneInString(s)
		s = strings.TrimLeft(s[n:], " \t")
	}
	for strings.HasSuffix(s, "\u00a0") || strings.HasSuffix(s, "\u200b") {
		_, n := utf8.DecodeLastRuneInString(s)
		s = strings.TrimRight(s[:len(s)-n], " \t")
	}
	return s
}

// at gives a line without white space around it.
func (z *zoner) at(i int) string {
	if i < 0 || i >= len(z.lines) {
		return ""
	}
	return z.trim(z.lines[i].start, z.lines[i].end)
}

// isMarked tells quoted lines: "> text", "JB> text", but not "->" or ">>> print(1)"
// alone, which nobody can tell from a quotation and which counts as one.
func isMarked(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '>' {
		return !strings.HasPrefix(s, ">From ")
	}
	// Initials of the quoted person (RFC 3676 section 4.5 knows them as a habit).
	n := 0
	for n < len(s) && n < 4 && 'A' <= s[n] && s[n] <= 'Z' {
		n++
	}
	return n >= 2 && n < 4 && len(s) > n && s[n] == '>' && (len(s) == n+1 || s[n+1] == ' ' || s[n+1] == '>')
}

// next gives the first line from i on that is not blank, or the number of lines.
func (z *zoner) next(i int) int {
	for i < len(z.lines) && z.lines[i].blank {
		i++
	}
	return i
}

func (z *zoner) set(a, b int, kind lineKind) {
	for i := max(a, 0); i < min(b, len(z.lines)); i++ {
		z.lines[i].kind = kind
	}
}

// history is the kind of a quoted message without a mark that says more.
func (z *zoner) history() lineKind {
	if z.fwd {
		return isForwarded
	}
	return isQuoted
}

// structure labels what comes from other messages.
func (z *zoner) structure() {
	n := len(z.lines)
	for i := 0; i < n; {
		l := &z.lines[i]
		switch {
		case l.blank:
			i++
			continue
		case l.mark && strings.HasPrefix(z.at(i), ">>> ") && strings.HasSuffix(z.at(i), ">>>") && hasDigit(z.at(i)):
			// GroupWise: ">>> Ann Example 12/11/00 03:54PM >>>", the rest unmarked.
			z.set(i, n, z.history())
			return
		case l.mark, l.hint == hintQuote:
			l.kind = isQuoted
			if l.hint == hintQuote {
				l.kind = z.history()
			}
			i++
			continue
		}
		s := z.at(i)
		if k, kind := z.separator(i, s); k > 0 {
			if h := z.next(i + k); h < n && !z.lines[h].mark {
				if start, more := z.headerBlock(h, z.at(h)); more > 0 && start >= i {
					k = h + more - i
				}
			}
			if from, ok := z.passedOn(i, i+k, kind); ok {
				z.set(i, n, kind)
				return
			} else {
				i = from
				continue
			}
		}
		if start, k := z.headerBlock(i, s); k > 0 {
			kind := z.history()
			if from, ok := z.passedOn(start, i+k, kind); ok {
				z.set(start, n, kind)
				return
			} else {
				i = from
				continue
			}
		}
		if k, sure := z.attribution(i, s); k > 0 {
			next := z.next(i + k)
			switch {
			case next < n && (z.lines[next].mark || z.lines[next].hint == hintQuote), l.hint == hintCite:
				z.set(i, i+k, isQuoted)
				i += k
				continue
			case sure && next < n:
				// Nothing marks the quotation: it reaches to the end.
				z.set(i, n, z.history())
				return
			case sure:
				z.set(i, i+k, isQuoted)
				i += k
				continue
			}
		}
		if l.hint == hintCite || z.wrapped(i, s) {
			l.kind = isQuoted
		}
		i++
	}
}

// wrapped tells the rest of a quoted line that some program has broken at the
// margin: it would not have fitted on the quoted line above, which ends no sentence.
func (z *zoner) wrapped(i int, s string) bool {
	if i == 0 || z.lines[i-1].blank || z.lines[i-1].kind != isQuoted || isAttributionEnd(z.at(i-1)) {
		return false
	}
	above := z.at(i - 1)
	first, _, _ := strings.Cut(s, " ")
	n := len(above)
	between := z.lines[i-1].mark && i+1 < len(z.lines) && z.lines[i+1].mark
	if between && ruleOf(s) >= 10 {
		return true // a rule of the quoted mail that lost its mark
	}
	if answers(first) {
		return false
	}
	ends := strings.ContainsAny(above[n-1:], ".?!:")
	lower := 'a' <= s[0] && s[0] <= 'z'
	// Each program on the way has broken the line again: "> >> > to" / "connect".
	if between && strings.Count(above[:min(n, 24)], ">") >= 2 && !strings.ContainsAny(s[len(s)-1:], ".?!:") {
		words := len(strings.Fields(s))
		if words <= 2 || n >= 40 && !ends && (words <= 3 || lower && words <= 6) {
			return true
		}
	}
	if n < 60 || n+1+len(first) < 70 || ends {
		return false
	}
	if lower || z.unwrapped(i) {
		return true
	}
	return between && (len(s) <= 30 && n <= 82 || n >= 70 && n <= 100 && len(s) < n && !strings.ContainsAny(s[len(s)-1:], ".?!"))
}

// answers tells the words with which answers between the lines begin.
func answers(first string) bool {
	switch strings.ToLower(strings.Trim(first, ",.!")) {
	case "yes", "no", "ok", "okay", "sure", "done", "agreed", "please", "will", "i", "we", "it's", "thanks":
		return true
	}
	return false
}

// wideLine is longer than people let their programs break lines.
const wideLine = 80

// unwrapped tells whether line i and what follows up to the next mark is the rest of a
// paragraph that was marked at its beginning alone: its lines are as wide as the one
// above, as programs break what came as one line.
func (z *zoner) unwrapped(i int) bool {
	if len(z.at(i-1)) < wideLine {
		return false
	}
	for j := i; j < len(z.lines) && j < i+maxClosing; j++ {
		if next := j + 1; next < len(z.lines) && z.lines[next].mark {
			return true
		}
		if z.lines[j].blank || len(z.at(j)) < wideLine {
			return false
		}
	}
	return false
}

func isAttributionEnd(s string) bool { return strings.HasSuffix(s, ":") }

// passedOn decides how far the message reaches whose header stands in [a,b): to
// the end, unless every line of it is marked with ">". It then labels the header and
// tells where to go on.
func (z *zoner) passedOn(a, b int, kind lineKind) (from int, toEnd bool) {
	next := z.next(b)
	if next < len(z.lines) && z.lines[next].mark && kind == isQuoted {
		z.set(a, b, kind)
		return b, false
	}
	return 0, true
}

// listed gives the names of attachments at the end of the text to the history above them:
// Lotus Notes lists the files of a message it passes on below it.
func (z *zoner) listed() {
	i := len(z.lines)
	for i > 0 && (z.lines[i-1].blank || z.lines[i-1].kind == isNew && attachmentLine(z.at(i-1))) {
		i--
	}
	if i > 0 && z.lines[i-1].kind != isNew {
		z.set(i, len(z.lines), z.lines[i-1].kind)
	}
}

// capitals gives back to the author what he wrote in capitals into a quotation
// without marks, if he says above that he did.
func (z *zoner) capitals() {
	unmarked := false
	for i := range z.lines {
		unmarked = unmarked || z.lines[i].kind == isQuoted && !z.lines[i].mark && !z.lines[i].blank
	}
	if !unmarked {
		return
	}
	top, says := 0, false
	for top < len(z.lines) && z.lines[top].kind == isNew {
		if !z.lines[top].blank && !says {
			low := strings.ToLower(z.at(top))
			says = strings.Contains(low, "capital") || strings.Contains(low, " caps") || strings.Contains(low, "upper case") || strings.Contains(low, "uppercase") || strings.Contains(low, "großbuchstaben") || strings.Contains(low, "majuscule")
		}
		top++
	}
	if !says {
		return
	}
	for i := top; i < len(z.lines); i++ {
		if l := &z.lines[i]; !l.blank && !l.mark && l.kind == isQuoted && label(z.at(i)) == 0 && (shouted(z.at(i), 8) || z.lines[i-1].kind == isNew && shouted(z.at(i), 3)) {
			l.kind = isNew
		}
	}
}

// shouted tells lines of at least n letters that are all capitals.
func shouted(s string, n int) bool {
	for _, r := range s {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			n--
		}
	}
	return n <= 0
}

// separator knows the lines that mail programs put between a message and the one
// it answers or passes on. k is how many lines it takes.
func (z *zoner) separator(i int, s string) (k int, kind lineKind) {
	if len(s) > 200 {
		return 0, 0
	}
	c := s[0]
	if c == '-' || c == '_' || c == '=' || c == '*' || c == '~' {
		inner := strings.Trim(s, "-_=*~ \t")
		ruled := leading(s, c) >= 3 || leading(s, c) >= 1 && strings.HasSuffix(s, string(c))
		if inner != "" && ruled {
			low := strings.ToLower(inner)
			if phraseIn(low, originals) || strings.HasPrefix(low, "on ") && dated(low) && verbAtEnd(low) {
				return 1, z.history()
			}
			if phraseIn(low, forwards) {
				// Lotus Notes wraps its long line: "--- Forwarded by X on DATE" "TIME ---".
				for k = 1; k < 3 && !strings.HasSuffix(z.at(i+k-1), "--"); k++ {
					if t := z.at(i + k); !strings.HasSuffix(t, "---") || strings.Trim(t, "-") == "" && k > 1 {
						break
					}
				}
				if !strings.HasSuffix(s, "--") && strings.HasSuffix(z.at(i+1), "--") {
					return 2, isForwarded
				}
				return 1, isForwarded
			}
		}
		return 0, 0
	}
	if len(s) > 80 {
		return 0, 0
	}
	low := strings.ToLower(strings.TrimRight(s, ": "))
	for _, p := range forwardLines {
		if low == p {
			return 1, isForwarded
		}
	}
	return 0, 0
}

func leading(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}

// phraseIn tells whether low begins with one of the phrases.
func phraseIn(low string, phrases []string) bool {
	for _, p := range phrases {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return false
}

// blanks gives blank lines the kind of what stands before them; those at the
// top follow what comes, and those within a quotation stay in it.
func (z *zoner) blanks() {
	n := len(z.lines)
	for i := 0; i < n; i++ {
		if !z.lines[i].blank {
			continue
		}
		j := z.next(i)
		kind := isNew
		switch {
		case i > 0:
			kind = z.lines[i-1].kind
		case j < n:
			kind = z.lines[j].kind
		}
		z.set(i, j, kind)
		i = j
	}
}

func (z *zoner) merge() []Zone {
	var zs []Zone
	for i := range z.lines {
		l := &z.lines[i]
		if i > 0 && l.kind == z.lines[i-1].kind {
			zs[len(zs)-1].End = int(l.end)
		} else {
			zs = append(zs, Zone{Kind: zoneKinds[l.kind], Start: int(l.start), End: int(l.end)})
		}
	}
	return zs
}
