package statement

import (
	"strings"
	"unicode/utf8"
)

// Report is what a sentence says that somebody said: "you asked me to hold two
// rooms". Whoever wrote the sentence reports it; Who is the one who is reported to
// have said it, as the sentence calls them. Start and End are bytes of the quote.
type Report struct {
	Who        string // "you", "I", "he", "Martin Hale", as written
	Person     Person
	Kind       Kind // what the reported words do, where the verb says so; else ""
	Start, End int  // the reported words
}

// Person is how a report calls the one who spoke.
type Person int

const (
	Self   Person = 1 + iota // I: the author, at another time
	OurOwn                   // we: somebody of the author's side
	Reader                   // you: the addressee, or somebody of that side
	Absent                   // he, she, they: nobody the sentence names
	Named                    // by name
)

// reporting are the verbs that retell, with what the words they retell do.
var reporting = map[string]Kind{
	"said": "", "says": "", "wrote": "", "writes": "", "told": "", "mentioned": "", "stated": "", "replied": Answer, "answered": Answer, "explained": "",
	"asked": Instruction, "instructed": Instruction, "requested": Instruction, "wanted": Instruction, "ordered": Instruction, "insisted": Instruction,
	"promised": Commitment, "offered": Commitment, "undertook": Commitment, "agreed": Approval, "approved": Approval, "accepted": Approval, "authorised": Approval, "authorized": Approval,
	"confirmed": Confirmation, "acknowledged": Confirmation, "assured": Assurance, "guaranteed": Assurance, "warned": Caveat, "complained": Dispute, "denied": Dispute,
	"emailed": "", "texted": "", "indicated": "", "suggested": "", "advised": "", "quoted": Terms,
}

// tellsSomebody lists the verbs whose object is the one who was spoken to: without one
// nothing was said to anybody ("he told", "they assured").
var tellsSomebody = map[string]bool{"told": true, "assured": true, "emailed": true, "texted": true, "instructed": true}

var persons = map[string]Person{"i": Self, "i've": Self, "i'd": Self, "we": OurOwn, "we've": OurOwn, "we'd": OurOwn, "you": Reader, "you've": Reader, "you'd": Reader,
	"he": Absent, "she": Absent, "they": Absent, "he's": Absent, "she's": Absent, "they've": Absent, "he'd": Absent, "she'd": Absent, "they'd": Absent}

// papers hold somebody's words: "per your email of 3 May".
var papers = []string{"email", "e-mail", "mail", "message", "letter", "note", "text", "call", "voicemail", "instructions", "instruction", "request", "reply", "fax"}

// ReportOf finds the first report in the words of a statement. Denials ("I never
// said"), questions ("did you say?") and conditions ("if he agreed") report nothing.
func ReportOf(quote string) (Report, bool) {
	var s scanner
	return reportIn(quote, s.scan(nil, quote, 0, len(quote)))
}

func reportIn(text string, toks []token) (Report, bool) {
	f := &factReader{text: text}
	for i := range toks {
		if i > maxReport {
			break
		}
		if r, ok := f.paperAt(toks, i); ok {
			return r, true
		}
		r, to, ok := f.speakerAt(toks, i)
		if !ok || f.doubts(toks, i) {
			continue
		}
		k := to
		for k < len(toks) && f.is(toks, k, "have", "had", "has", "also", "just", "then", "clearly", "specifically", "expressly", "already", "first", "later", "only", "both", "all") {
			k++
		}
		if k >= len(toks) {
			continue
		}
		verb := f.low(&toks[k])
		kind, tells := reporting[verb]
		if !tells {
			continue
		}
		r.Kind = kind
		if r.Person == Named && f.isThing(toks, k) || verb == "wanted" && r.Person != Reader && f.is(toks, k+1, "to") { // "I wanted to ask" asks
			continue
		}
		if f.reported(&r, toks, i, k+1, verb) {
			return r, true
		}
	}
	return Report{}, false
}

const maxReport = 60 // tokens into a sentence; what comes later is a list

// speakerAt reads who is said to have spoken at token i and returns the token
// after.
func (f *factReader) speakerAt(toks []token, i int) (Report, int, bool) {
	t := &toks[i]
	w := f.low(t)
	if p, ok := persons[w]; ok {
		who, _, _ := strings.Cut(f.word(toks, i), "'")
		who, _, _ = strings.Cut(who, "’")
		return Report{Who: who, Person: p}, i + 1, true
	}
	if !isName(f, toks, i) {
		return Report{}, 0, false
	}
	to := f.nameEnd(toks, i)
	if to+1 < len(toks) && f.is(toks, to, "and", "&") && isName(f, toks, to+1) {
		to = f.nameEnd(toks, to+1) // "Anna and Tom said"
	}
	who := f.text[t.start:toks[to-1].end]
	if to+1 < len(toks) && f.is(toks, to, "of", "at", "from") && isName(f, toks, to+1) {
		to = f.nameEnd(toks, to+1) // "Anna Hale of Hale Architects said"
	}
	return Report{Who: who, Person: Named}, to, true
}

func (f *factReader) nameEnd(toks []token, i int) int {
	to := i + 1
	for to < len(toks) && to < i+3 && isName(f, toks, to) {
		to++
	}
	return to
}

// isName: a capital that is no acronym, on no word of grammar.
func isName(f *factReader, toks []token, i int) bool {
	t := &toks[i]
	if t.shape != shapeWord || !t.upper || t.caps || t.digits || utf8.RuneCountInString(f.word(toks, i)) < 2 || strings.HasSuffix(f.low(t), "'s") {
		return false
	}
	return t.cls&(clsFunction|clsWeekday|clsMonth|clsRelDay|clsNumWord|clsRefWord|clsCurrency|clsPast|clsFuture|clsVBN|clsVBD|clsVBG|clsLeadIn|clsReport) == 0
}

// isThing: "Itinerary confirmed on Friday" has no speaker: after a verb that may
// be a participle no object stands.
func (f *factReader) isThing(toks []token, k int) bool {
	return toks[k].cls&clsVBN != 0 && (k+1 >= len(toks) || toks[k+1].shape == shapePunct || f.is(toks, k+1, "for", "on", "by", "in", "at", "and", "with", "as", "from", "until", "yesterday", "today"))
}

// doubts: a word before the speaker that asks, supposes or denies.
func (f *factReader) doubts(toks []token, i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		if toks[k].shape == shapePunct && !f.is(toks, k, "\"") {
			return false
		}
		if f.is(toks, k, "did", "do", "does", "didn't", "has", "if", "whether", "unless", "who", "until", "when", "what", "which", "case", "nobody", "can", "could", "would", "should") {
			return true
		}
	}
	return false
}

// reported finds the reported words: behind the verb, or before "…, you said".
func (f *factReader) reported(r *Report, toks []token, from, k int, verb string) bool {
	object := false
	for k < len(toks) && f.is(toks, k, "me", "us", "him", "her", "them", "you", "everybody", "everyone") && !(f.is(toks, k, "you") && k+1 < len(toks) && toks[k+1].cls&(clsPast|clsVBD|clsFuture|clsPresent) != 0) {
		object = true
		k++
	}
	if !object && k < len(toks) && tellsSomebody[verb] && isName(f, toks, k) {
		object = true
		k++
	}
	if tellsSomebody[verb] && !object {
		return false
	}
	// "As you told us on Monday, the blue one stays."
	if f.is(toks, from-1, "as") {
		for j := k; j < len(toks) && from <= 2; j++ {
			if f.is(toks, j, ",", ":", "-", "--", "–", "—") {
				return f.span(r, toks, j+1)
			}
		}
		return false
	}
	end := f.restOf(toks)
	if k >= end { // "Two rooms, you said."
		if from > 1 && f.is(toks, from-1, ",") {
			r.Start, r.End = toks[0].start, toks[from-2].end
			return true
		}
		return false
	}
	for k < end && f.is(toks, k, ":", ",", "that", "\"") {
		k++
	}
	return f.span(r, toks, k)
}

// restOf is the number of tokens without the mark that ends the sentence.
func (f *factReader) restOf(toks []token) int {
	n := len(toks)
	for n > 0 && f.is(toks, n-1, ".", "!", "?", "\"", ")", "(", ",", ";", ":", "-") {
		n--
	}
	return n
}

// span takes the words from token k to the end of the sentence.
func (f *factReader) span(r *Report, toks []token, k int) bool {
	end := f.restOf(toks)
	if k >= end {
		return false
	}
	r.Start, r.End = toks[k].start, toks[end-1].end
	return true
}

// paperAt reads "per your email of 3 May", "according to Martin": the words behind
// the comma are reported.
func (f *factReader) paperAt(toks []token, i int) (Report, bool) {
	k := i + 1
	switch {
	case f.is(toks, i, "per"):
	case f.is(toks, i, "according") && f.is(toks, i+1, "to"):
		k++
	default:
		return Report{}, false
	}
	var r Report
	switch {
	case f.is(toks, k, "your"):
		r = Report{Who: "you", Person: Reader}
	case f.is(toks, k, "his", "her", "their"):
		r = Report{Who: f.word(toks, k), Person: Absent}
	case f.is(toks, k, "my"):
		r = Report{Who: "I", Person: Self}
	case f.is(toks, k, "you", "him", "them") && f.is(toks, i, "according"):
		x, _, _ := f.speakerAt(toks, k)
		if x.Person == 0 {
			x = Report{Who: f.word(toks, k), Person: Absent}
		}
		r = x
	case k < len(toks) && isPossessive(f, toks, k):
		r = Report{Who: possessor(f.word(toks, k)), Person: Named}
	case k < len(toks) && isName(f, toks, k) && f.is(toks, i, "according"):
		x, _, _ := f.speakerAt(toks, k)
		r = x
	default:
		return Report{}, false
	}
	if f.is(toks, i, "per") && !f.is(toks, k+1, papers...) && !f.is(toks, k+2, papers...) {
		return Report{}, false
	}
	for j := k + 1; j < len(toks) && j < k+12; j++ {
		if f.is(toks, j, ",", ":") {
			ok := f.span(&r, toks, j+1)
			return r, ok
		}
		// "per your email of 3 May you wanted two rooms"
		if x, to, ok := f.speakerAt(toks, j); ok && to < len(toks) {
			verb := f.low(&toks[to])
			if kind, tells := reporting[verb]; tells && x.Person != Named {
				r.Kind = kind
				ok := f.reported(&r, toks, j, to+1, verb)
				return r, ok
			}
		}
	}
	if i > 1 { // "The blue one stays, per your email."
		end := i
		for end > 1 && f.is(toks, end-1, ",", "as", "-", "(") {
			end--
		}
		r.Start, r.End = toks[0].start, toks[end-1].end
		return r, true
	}
	return Report{}, false
}

func isPossessive(f *factReader, toks []token, k int) bool {
	t := &toks[k]
	return t.shape == shapeWord && t.upper && strings.HasSuffix(f.low(t), "'s") && t.cls&(clsWeekday|clsRelDay) == 0
}

func possessor(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "'s"), "’s") }
