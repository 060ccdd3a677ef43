package message

import (
	"slices"
	"strings"
)

// tail takes list footers and legal paragraphs off the end and gives the new end.
func (z *zoner) tail(a, b int) int {
	z.hits = legalSet.hits(z.hits[:0], z.span(a, b), int(z.lines[a].start))
	if len(z.hits) == 0 {
		return b
	}
	end := b
	for i := a; i < b; i++ {
		if z.lines[i].blank {
			continue
		}
		s := z.at(i)
		rule := ruleOf(s) >= 3
		if !rule && (len(s) > 200 || b-i >= 15 || i > a && !z.lines[i-1].blank && ruleOf(z.at(i-1)) == 0) {
			continue
		}
		// List footers stand below a rule; other lines of the kind by themselves.
		if rule && b-i <= 16 && (ruleOf(s) >= 10 && z.any(i+1, b, footerPhrase) || z.next(i+1) < b && unsubscribes(strings.ToLower(z.at(z.next(i+1))))) || !rule && unsubscribes(strings.ToLower(s)) {
			z.set(i, b, isLegal)
			end = i
			break
		}
	}
	// Legal paragraphs, wherever they stand.
	for i := a; i < end; {
		if z.lines[i].blank {
			i++
			continue
		}
		j := i
		for j < end && !z.lines[j].blank {
			j++
		}
		// Unwrapped text has a paragraph a line: a disclaimer may follow the name.
		for k := i + 1; k < j; k++ {
			if z.lines[k].end-z.lines[k].start > 60 && z.legal(k, k+1) || phraseIn(strings.ToLower(z.at(k)), legalStarts) && z.legal(k, j) {
				i = k
				break
			}
		}
		if z.legal(i, j) {
			// A rule above belongs to it.
			k := i
			if p := z.previous(i); p >= a && ruleOf(z.at(p)) >= 3 {
				k = p
			}
			z.set(k, j, isLegal)
			// What is left below it is more of the same, unless it is long.
			if end-j < 12 && z.wordsIn(j, end) < 60 {
				z.set(j, end, isLegal)
				end = k
				break
			}
		}
		i = j
	}
	return end
}

// phrases gives the kinds of the phrases that stand in the lines [a,b), and how
// many different ones of them speak of legal matter.
func (z *zoner) phrases(a, b int) (kinds phraseKind, legal int) {
	if a >= b {
		return 0, 0
	}
	var seen [4]uint64
	for _, h := range z.hitsIn(a, b) {
		if seen[h.id/64]&(1<<(h.id%64)) != 0 {
			continue
		}
		seen[h.id/64] |= 1 << (h.id % 64)
		k := legalKinds[h.id]
		kinds |= k
		if k&legalPhrase != 0 {
			legal++
		}
	}
	return kinds, legal
}

// hitsIn gives the hits in the lines [a,b).
func (z *zoner) hitsIn(a, b int) []hit {
	at := func(end int32) int {
		i, _ := slices.BinarySearchFunc(z.hits, int(end), func(h hit, end int) int { return h.at - end })
		return i
	}
	return z.hits[at(z.lines[a].start):at(z.lines[b-1].end)]
}

func (z *zoner) any(a, b int, kind phraseKind) bool {
	kinds, _ := z.phrases(a, b)
	return kinds&kind != 0
}

func (z *zoner) wordsIn(a, b int) int {
	n := 0
	for i := a; i < b; i++ {
		n += len(strings.Fields(z.at(i)))
	}
	return n
}

func unsubscribes(low string) bool {
	return strings.Contains(low, "unsubscribe") && (strings.Contains(low, "http") || strings.Contains(low, "@") || strings.HasPrefix(low, "unsubscribe") || strings.Contains(low, "to unsubscribe")) ||
		strings.Contains(low, "you received this message because") || strings.Contains(low, "manage your preferences") || strings.Contains(low, "abmelden") && strings.Contains(low, "newsletter") || strings.Contains(low, "do you yahoo!?") ||
		strings.Contains(low, "prefer not to receive future") || strings.HasPrefix(low, "you are currently subscribed to ") || strings.HasPrefix(low, "this message was sent by ") && strings.Contains(low, " using ")
}

type phraseKind uint8

const (
	legalPhrase  phraseKind = 1 << iota // disclaimers are made of these
	footerPhrase                        // lists and free mailers add these below a rule
	conditional                         // disclaimers speak of what might be
	caseOfError                         // and of what to do then: counts with a conditional
	printPhrase                         // a plea for trees: two of them suffice
	firmPhrase                          // what law makes firms state
)

var legalKinds []phraseKind

var legalSet = func() *phraseSet {
	var phrases []string
	for _, group := range []struct {
		kind    phraseKind
		phrases []string
	}{
		{legalPhrase, []string{
			"confidential", "privileged", "intended recipient", "intended only", "intended solely", "solely for", "addressee", "disclos", "unauthorized", "unauthorised",
			"if you have received", "if you are not", "received this", "in error", "notify the sender", "notify us", "delete", "prohibited", "copying", "distribution", "dissemination",
			"virus", "liability", "does not constitute", "not necessarily", "registered in england", "company number", "registered office", "vertraulich", "irrtümlich", "empfänger", "confidentiel", "destinataire",
			"vertrouwelijk", "confidenciais", "confidencial", "destinatário", "affiliate", "estoppel", "reserves the right", "monitor", "warrant",
			"handelsregister", "geschäftsführer", "registergericht",
		}},
		// These count beside the shorter phrases in them.
		{legalPhrase, []string{"intended only for", "intended solely for", "intended for the", "the intended recipient"}},
		{legalPhrase | printPhrase, []string{"consider the environment", "before printing", "before you print", "the environment before"}},
		{legalPhrase | firmPhrase, []string{"registered number", "registered no", "vat number", "vat no", "vat reg", "amtsgericht", "company registration", "registered company"}},
		{footerPhrase, []string{"mailing list", "listinfo", "unsubscribe", "you received this message because", "manage your preferences", "abmelden", "sourceforge.net/", "do you yahoo", "get your free", "msn messenger", "free email", "to post a message", "msn explorer", "msn hotmail"}},
		{conditional, []string{"if ", "falls sie", "wenn sie", "si vous", "indien u", "se você"}},
		{caseOfError, []string{"error", "delete it", "delete the", "falsch", "richtige adressat", "vernichten", "vertrauliche", "par erreur", "abusievelijk", "por engano"}},
	} {
		for _, p := range group.phrases {
			phrases = append(phrases, p)
			legalKinds = append(legalKinds, group.kind)
		}
	}
	return newPhraseSet(phrases)
}()

// How disclaimers begin.
var legalStarts = []string{
	"this e-mail", "this email", "this message", "this communication", "the information", "confidential", "disclaimer", "important notice", "legal notice", "diese e-mail", "ce message", "ce courriel",
	"este e-mail", "esta mensagem", "dit bericht", "deze e-mail", "privileged", "notice:", "please consider", "please note that this e-mail", "the contents of this",
}

// legal tells whether the paragraph [a,b) is a disclaimer.
func (z *zoner) legal(a, b int) bool {
	size := z.lines[b-1].end - z.lines[a].start
	if b-a > 40 || size > 6000 {
		return false
	}
	kinds, n := z.phrases(a, b)
	if n == 0 && kinds&caseOfError == 0 {
		return false
	}
	// A person may well write of one confidential thing, or say "please delete".
	first := strings.ToLower(strings.TrimLeft(z.at(a), "*-_ "))
	starts := phraseIn(first, legalStarts)
	if starts {
		n++
	}
	// Who writes "I sent this in error, please delete it" means one thing;
	// disclaimers speak of what might be.
	if kinds&conditional != 0 {
		n += z.count(a, b, caseOfError)
	}
	switch {
	case n >= 4:
		return true
	case n == 3:
		return size < 1500 && (starts || kinds&conditional != 0)
	case n == 2:
		return size < 400 && (z.count(a, b, printPhrase) > 1 || kinds&firmPhrase != 0 && hasDigit(z.span(a, b)))
	}
	return false
}

// count gives how many different phrases of a kind stand in [a,b).
func (z *zoner) count(a, b int, kind phraseKind) int {
	var seen [4]uint64
	n := 0
	for _, h := range z.hitsIn(a, b) {
		if legalKinds[h.id]&kind != 0 && seen[h.id/64]&(1<<(h.id%64)) == 0 {
			seen[h.id/64] |= 1 << (h.id % 64)
			n++
		}
	}
	return n
}

func countPhrases(s string, phrases ...string) int {
	n := 0
	for _, p := range phrases {
		if strings.Contains(s, p) {
			n++
		}
	}
	return n
}
