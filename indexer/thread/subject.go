package thread

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks that mail programs put before a subject, beyond the "re", "fw" and "fwd"
// of RFC 5256 section 2.1. Lower-case.
var (
	replyMarks = map[string]bool{
		"re": true, "aw": true, "antw": true, "antwort": true, "sv": true, "vs": true, "odp": true, "ref": true, "rif": true, "res": true,
		"回复": true, "回覆": true, "答复": true, "отв": true, "ynt": true, "bls": true, "ats": true, "atb": true, "vá": true, "r": true,
	}
	forwardMarks = map[string]bool{
		"fw": true, "fwd": true, "wg": true, "tr": true, "rv": true, "enc": true, "doorst": true, "vb": true, "vl": true, "pd": true, "转发": true, "轉寄": true,
		"i": true, "trs": true, "továbbítás": true, "ilt": true, "пересл": true, "vidarebefordrat": true, "weitergeleitet": true, "doorgestuurd": true,
	}
)

// BaseSubject strips reply and forward marks, list tags and white space from a
// subject (RFC 5256 section 2.1, with the marks of other languages) and says which
// marks stood there. The base keeps its case; "" is a subject with nothing in it.
func BaseSubject(s string) (base string, reply bool, fwd bool) {
	s = strings.Join(strings.Fields(s), " ") // step 1
	for {
		before := s
		// Step 2: "(fwd)" at the end.
		for {
			t := strings.TrimSpace(s)
			if n := len(t) - len("(fwd)"); n >= 0 && strings.EqualFold(t[n:], "(fwd)") {
				s, fwd = t[:n], true
				continue
			}
			s = t
			break
		}
		// Steps 3 to 5: blobs and marks at the front, as long as something is left.
		for {
			if rest, r, ok := mark(s); ok {
				s = rest
				reply, fwd = reply || r, fwd || !r
				continue
			}
			if rest, ok := blob(s); ok && strings.TrimSpace(rest) != "" {
				s = rest
				continue
			}
			break
		}
		// Step 6: "[fwd: … ]" around the whole.
		if len(s) > len("[fwd:]") && strings.EqualFold(s[:len("[fwd:")], "[fwd:") && s[len(s)-1] == ']' {
			s, fwd = s[len("[fwd:"):len(s)-1], true
		}
		if s == before {
			return s, reply, fwd
		}
	}
}

// mark takes one "Re: ", "AW [2]: ", "Re[3]: " off the front.
func mark(s string) (rest string, reply, ok bool) {
	i := 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsLetter(r) {
			break
		}
		if i += n; i > 30 {
			return s, false, false
		}
	}
	word := strings.ToLower(s[:i])
	reply = replyMarks[word]
	if !reply && !forwardMarks[word] {
		return s, false, false
	}
	t := strings.TrimLeft(s[i:], " ")
	// "Re(2):", "Re^2:", "Re[2]:".
	if strings.HasPrefix(t, "^") {
		t = strings.TrimLeft(t[1:], "0123456789")
	} else if strings.HasPrefix(t, "(") || strings.HasPrefix(t, "[") {
		j := strings.IndexAny(t, ")]")
		if j < 0 || strings.Trim(t[1:j], "0123456789") != "" && t[0] == '(' {
			return s, false, false
		}
		t = t[j+1:]
	}
	t = strings.TrimLeft(t, " ")
	for _, colon := range []string{":", "："} {
		if strings.HasPrefix(t, colon) {
			return strings.TrimLeft(t[len(colon):], " "), reply, true
		}
	}
	return s, false, false
}

// blob takes one "[list tag]" off the front.
func blob(s string) (string, bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	j := strings.IndexAny(s[1:], "[]")
	if j < 0 || s[1+j] != ']' || hasPrefixFold(s, "[fwd:") {
		return s, false
	}
	return strings.TrimLeft(s[j+2:], " "), true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// subject is a subject as threading looks at it.
type subject struct {
	base       string
	reply, fwd bool
	key        string // base, folded for comparison
	words      int    // in it that mean something
	tagged     string // key with the tags at the front that base leaves out
	tags       string // these without the number in a series
	part, of   int    // "2/5" in a tag; of is 0 where there is none
}

func readSubject(s string) subject {
	var out subject
	out.base, out.reply, out.fwd = BaseSubject(s)
	out.key, out.words = subjectKey(out.base)
	for s = strings.Join(strings.Fields(s), " "); ; {
		if rest, _, ok := mark(s); ok {
			s = rest
			continue
		}
		rest, ok := blob(s)
		if !ok || rest == "" || len(out.tagged) > 500 {
			break
		}
		tag := s[1:strings.IndexByte(s, ']')]
		s = rest
		for _, w := range strings.Fields(strings.ToLower(tag)) {
			if part, of, ok := partOf(w); ok {
				out.part, out.of = part, of
				out.tagged += w + " "
				continue
			}
			if !strings.Contains(out.tags, w+" ") { // a list puts its tag before each mark anew
				out.tags += w + " "
				out.tagged += w + " "
			}
		}
	}
	out.tagged += out.key
	return out
}

// partOf reads "2/5".
func partOf(w string) (part, of int, ok bool) {
	a, b, ok := strings.Cut(w, "/")
	if !ok || len(a) > 3 || len(b) > 3 {
		return 0, 0, false
	}
	part, err := strconv.Atoi(a)
	if err != nil {
		return 0, 0, false
	}
	of, err = strconv.Atoi(b)
	return part, of, err == nil && 0 <= part && part <= of
}

// subjectKey folds a base subject for comparison and counts the words in it
// that mean something.
func subjectKey(base string) (key string, words int) {
	fs := strings.FieldsFunc(strings.ToLower(base), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range fs {
		if utf8.RuneCountInString(w) > 2 && !dullWords[w] {
			words++
		}
	}
	return strings.Join(fs, " "), words
}

// Words that join nothing: every mailbox has them in a hundred subjects.
var dullWords = map[string]bool{
	"the": true, "and": true, "for": true, "your": true, "our": true, "you": true, "with": true, "about": true, "from": true, "this": true, "that": true, "new": true,
	"hello": true, "hey": true, "invoice": true, "booking": true, "question": true, "quick": true, "one": true, "update": true, "meeting": true, "tomorrow": true, "today": true, "urgent": true,
	"info": true, "information": true, "request": true, "reminder": true, "thanks": true, "thank": true, "help": true, "please": true, "order": true, "test": true, "news": true, "newsletter": true,
	"der": true, "die": true, "das": true, "und": true, "für": true, "les": true, "des": true, "une": true, "het": true, "een": true, "frage": true, "rechnung": true,
}
