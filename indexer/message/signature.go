package message

import (
	"slices"
	"strings"
	"unicode"
)

// author is what the header tells of how the author may sign.
type author struct {
	signers []string // parts of the display name and of the address, lower-case
	lone    bool     // the display name has no two words: the first name is not known
}

func authorOfMail(from []Address) author {
	if len(from) == 0 {
		return author{lone: true}
	}
	var words []string
	local, _, _ := strings.Cut(from[0].Address, "@")
	for _, w := range strings.FieldsFunc(strings.ToLower(from[0].Name+" "+local), func(r rune) bool {
		return r == ' ' || r == '.' || r == ',' || r == '_' || r == '-' || r == '"' || r == '\'' || r == '(' || r == ')'
	}) {
		if len(w) > 1 {
			words = append(words, w)
		}
	}
	return author{words, len(strings.Fields(from[0].Name)) < 2}
}

// loneName tells a line of one word that looks like a first name.
func loneName(s string) bool {
	if len(s) < 3 || len(s) > 12 || s[0] < 'A' || s[0] > 'Z' || strings.HasSuffix(s, "ed") || answers(s) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// own labels the signature and the legal matter of the stretch [a,b) of the
// author's own words.
func (z *zoner) own(a, b int) {
	b = z.tail(a, b)
	z.signature(a, b, 0)
}

const maxSignatures = 4 // that stand one above the other

// signature labels the closing lines of [a,b).
func (z *zoner) signature(a, b, depth int) {
	if depth > maxSignatures {
		return
	}
	// What the markup calls a signature is one.
	for i := a; i < b; i++ {
		if z.lines[i].hint == hintSignature {
			z.lines[i].kind = isSignature
		}
	}
	for i := a; i < b; i++ {
		if z.lines[i].kind == isSignature && !z.lines[i].blank {
			z.signature(a, i, depth+1)
			return
		}
	}
	for a < b && z.lines[a].blank {
		a++
	}
	for b > a && z.lines[b-1].blank {
		b--
	}
	if a == b {
		return
	}
	// Below a quotation the signature may stand alone.
	if a > 0 && z.lines[a-1].kind != isNew && b-a <= maxClosing && z.signs(z.at(a)) && z.cardBelow(a+1, b) {
		z.set(a, b, isSignature)
		return
	}
	if at := z.delimiterLine(a, b); at >= 0 {
		z.set(at, b, isSignature)
		z.signature(a, at, depth+1)
		return
	}
	// Lines that a telephone adds.
	for i := b - 1; i >= a && i >= b-6; i-- {
		if !z.lines[i].blank && mobile(z.at(i)) {
			z.set(i, b, isSignature)
			z.signature(a, i, depth+1)
			return
		}
	}
	if at := z.closing(a, b); at >= 0 {
		if low := strings.ToLower(z.at(at)); at == a && (strings.HasPrefix(low, "th") || strings.HasPrefix(low, "dank") || strings.HasPrefix(low, "merci") || strings.HasPrefix(low, "vielen")) {
			at++ // thanks alone are the message
		}
		z.set(at, z.postscript(at, b), isSignature)
		return
	}
	if at := z.card(a, b); at >= 0 {
		z.set(at, b, isSignature)
	}
}

// card finds a visiting card below the text whose name is not the author's as the
// header spells it: a paragraph of its own that begins with a name and holds two
// ways to reach somebody or more. Names of attachments may follow it.
func (z *zoner) card(a, b int) int {
	end := b
	for end > a && (z.lines[end-1].blank || attachmentLine(z.at(end-1))) {
		end--
	}
	at := end
	for at > a && !z.lines[at-1].blank {
		at--
	}
	if end-at < 3 || end-at > maxClosing || at == a {
		return -1
	}
	if above := z.at(z.previous(at)); strings.HasSuffix(above, ":") {
		return -1 // somebody else's address
	}
	words := strings.Fields(z.at(at))
	if len(words) < 2 || len(words) > 4 {
		return -1
	}
	for _, w := range words {
		if !unicode.IsUpper(rune(w[0])) || hasDigit(w) || strings.ContainsAny(w, ":@") {
			return -1
		}
	}
	ways := 0
	for i := at; i < end; i++ {
		s := z.at(i)
		if len(s) > 70 || sentence(s) && !contact(s) || speaks(s) {
			return -1
		}
		if contact(s) {
			ways++
		}
	}
	if ways < 2 {
		return -1
	}
	return at
}

// attachmentLine tells the lines in which mail programs list what is attached:
// " - report.xls", "(See attached file: report.xls)".
func attachmentLine(s string) bool {
	low := strings.ToLower(s)
	if strings.HasPrefix(low, "(see attached file:") || strings.HasPrefix(low, "<<") && strings.HasSuffix(low, ">>") {
		return true
	}
	if !strings.HasPrefix(low, "- ") || len(low) > 90 {
		return false
	}
	k := strings.LastIndexByte(low, '.')
	return k > 2 && len(low)-k >= 3 && len(low)-k <= 5 && !strings.Contains(low[k:], " ")
}

// delimiterLine finds "-- " (RFC 3676 section 4.3) or a short rule above a few
// short lines.
func (z *zoner) delimiterLine(a, b int) int {
	for i := b - 1; i >= a && i >= b-25; i-- {
		raw := strings.TrimRight(z.text[z.lines[i].start:z.lines[i].end], "\r\n")
		s := z.at(i)
		exact := raw == "-- " || raw == "--" || s == "--"
		if exact {
			if i == a {
				return a
			}
			return i
		}
		if n := ruleOf(s); (n >= 2 && n < 80 || s == "—" || s == "––") && b-i <= 10 && i > a && z.contactLines(i+1, b) {
			return i
		}
	}
	return -1
}

// contactLines tells whether all of [a,b) is short and some of it is how to
// reach somebody.
func (z *zoner) contactLines(a, b int) bool {
	found, n := false, 0
	for i := a; i < b; i++ {
		s := z.at(i)
		if s == "" {
			continue
		}
		n++
		if len(s) > 90 || sentence(s) {
			return false
		}
		found = found || contact(s) || z.signs(s)
	}
	return found && n > 0
}

// sentence tells running text from the lines of a card.
func sentence(s string) bool {
	words := len(strings.Fields(s))
	last := s[len(s)-1]
	return last == '?' || (last == '.' || last == '!') && words > 6 || words > 14
}

// contact finds telephone numbers, addresses and links.
func contact(s string) bool {
	low := strings.ToLower(s)
	if strings.Contains(low, "www.") || strings.Contains(low, "http://") || strings.Contains(low, "https://") {
		return len(s) < 80
	}
	if i := strings.IndexByte(low, '@'); i > 0 && strings.IndexByte(low[i:], '.') > 0 {
		return len(strings.Fields(s)) <= 6
	}
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			run++
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '+' || c == '/':
		default:
			if run >= 7 {
				return true
			}
			run = 0
		}
	}
	if run >= 7 {
		return true
	}
	for _, p := range []string{"tel", "phone", "fax", "mobile", "cell", "office:", "direct:", "pager", "mobil", "telefon", "tél", "ext.", "ext "} {
		if strings.HasPrefix(low, p) && hasDigit(s) {
			return true
		}
	}
	return false
}

var mobilePhrases = []string{
	"sent from my ", "sent from mail for ", "sent from outlook for ", "sent from yahoo ", "sent from samsung ", "sent from proton", "sent via ", "sent with ", "sent using ", "sent by my ", "get outlook for ", "sent wirelessly", "sent from aol", "sent from gmail mobile", "sent from a ", "sent on the go",
	"von meinem ", "gesendet von ", "gesendet mit ", "diese nachricht wurde von meinem", "holen sie sich outlook", "outlook für ", "envoyé de mon ", "envoyé depuis ", "envoyé à partir ", "télécharger outlook", "obtenir outlook", "provenance : courrier",
	"enviado desde mi ", "enviado desde ", "enviado do meu ", "enviado a partir do ", "obter o outlook", "obtener outlook", "inviato da ", "inviato dal mio ", "verzonden vanaf mijn ", "verstuurd vanaf mijn ", "verzonden vanuit ", "verzonden met ", "skickat från min ", "sendt fra min ", "lähetetty ", "wysłane z ", "wysłano z ", "отправлено с ", "отправлено из ", "iphone'umdan gönderildi",
}

// mobile knows the lines that telephones and web mailers sign with.
func mobile(s string) bool {
	if len(s) > 100 {
		return false
	}
	s = strings.ToLower(strings.Trim(s, "*_-–—[]() \t"))
	for _, p := range mobilePhrases {
		if strings.HasPrefix(s, p) {
			if p == "sent via " || p == "sent with " || p == "sent using " || p == "sent from a " || p == "sent by my " || strings.HasPrefix(p, "lähetetty") {
				// Also how a sentence may begin.
				return len(strings.Fields(s)) <= 8 && !strings.HasSuffix(s, ".")
			}
			return true
		}
	}
	return false
}

var closings = []string{
	"best regards", "kind regards", "warm regards", "warmest regards", "kindest regards", "with kind regards", "with best regards", "best wishes", "warm wishes", "with best wishes", "all the best", "many thanks", "thanks again", "thanks so much", "thanks very much", "thank you very much", "thank you so much", "thanks in advance", "thank you in advance", "thanks and regards", "thanks & regards", "thanks and best regards", "thanks a lot", "thanks a million", "thank you again", "thank you", "thanks", "regards", "best", "cheers", "sincerely", "sincerely yours", "yours sincerely", "yours faithfully", "yours truly", "very truly yours", "respectfully", "cordially", "yours", "love", "take care", "talk soon", "speak soon", "cheers and thanks", "ta", "thx", "tia", "rgds", "br", "kr", "bests", "warmly", "have a great day", "have a good day", "have a great weekend", "have a good weekend", "have a lovely weekend", "have a lovely day", "have a nice day", "have a nice weekend", "bye", "bye for now", "see you", "see you soon", "hope this helps", "xx", "x", "xo", "xoxo", "faithfully", "in haste", "hugs", "later", "ciao", "best to all", "all best", "my best", "with thanks", "with gratitude", "gratefully", "peace", "much appreciated", "with appreciation", "very best", "very best wishes", "sent with thanks", "as ever", "as always",
	"mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "mit freundlichem gruss", "freundliche grüße", "freundliche grüsse", "viele grüße", "viele grüsse", "liebe grüße", "liebe grüsse", "beste grüße", "beste grüsse", "herzliche grüße", "herzliche grüsse", "schöne grüße", "gruß", "gruss", "grüße", "grüsse", "lg", "vg", "mfg", "danke", "vielen dank", "besten dank", "danke und gruß", "mit besten grüßen", "mit besten grüssen", "hochachtungsvoll",
	"cordialement", "bien cordialement", "bien à vous", "bien à toi", "merci", "merci d'avance", "merci beaucoup", "salutations", "sincères salutations", "amicalement", "bonne journée", "bonne soirée", "à bientôt", "cdlt", "bises", "meilleures salutations",
	"met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet", "vriendelijke groeten", "met groet", "groet", "groeten", "groetjes", "mvg", "hartelijke groet", "bedankt", "alvast bedankt", "dank je wel",
	"atenciosamente", "cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos", "abraço", "abraços", "um abraço", "obrigado", "obrigada", "beijinhos", "att", "grata", "grato",
	"saludos", "un saludo", "saludos cordiales", "atentamente", "gracias", "muchas gracias", "un abrazo", "cordiales saludos", "cordialmente", "cordiali saluti", "distinti saluti", "saluti", "grazie", "un saluto",
	"med vänliga hälsningar", "vänliga hälsningar", "hälsningar", "mvh", "med venlig hilsen", "venlig hilsen", "hilsen", "med vennlig hilsen", "vennlig hilsen", "tack", "tak", "takk", "terveisin", "ystävällisin terveisin", "pozdrawiam", "z poważaniem", "dziękuję", "с уважением", "спасибо",
}

var closingSet = func() map[string]bool {
	m := make(map[string]bool, len(closings))
	for _, c := range closings {
		m[c] = true
	}
	return m
}()

// formula tells a closing formula that has its line to itself.
func (z *zoner) formula(s string) bool {
	if len(s) > 60 {
		return false
	}
	low := strings.ToLower(strings.Trim(s, " \t,.!;:~*-–—_"))
	low = strings.Join(strings.Fields(low), " ")
	if closingSet[low] {
		return true
	}
	// "Mit freundlichen Grüßen / best regards".
	if head, rest, ok := strings.Cut(low, "/"); ok && closingSet[strings.TrimSpace(head)] && closingSet[strings.TrimSpace(rest)] {
		return true
	}
	// "Thanks, Nora" and "Best regards from Lisbon, Nora".
	if i := strings.IndexAny(low, ",.-–—!"); i > 0 {
		head, name := strings.TrimSpace(low[:i]), strings.Trim(low[i:], " ,.-–—!")
		if closingSet[head] && (name == "" || z.signs(name) || closingSet[name]) {
			return true
		}
	}
	for _, w := range z.signers {
		if strings.HasSuffix(low, " "+w) && closingSet[strings.TrimSpace(strings.TrimSuffix(low, w))] {
			return true
		}
	}
	return false
}

// signs tells a line that is the author's name, or a form of it, perhaps with
// post and firm after a bar.
func (z *zoner) signs(s string) bool {
	if i := strings.IndexAny(s, "|•·"); i > 3 && len(s) < 160 {
		head := strings.TrimSpace(s[:i])
		return len(strings.Fields(head)) > 1 && z.signs(head)
	}
	if len(s) > 60 || len(z.signers) == 0 {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r == ' ' || r == '.' || r == ',' || r == '-' || r == '\t' || r == '"' || r == '*' || r == '/' || r == '(' || r == ')' || r == '~' || r == '–' || r == '—' || r == '!'
	})
	words = slices.DeleteFunc(words, func(w string) bool { return strings.Trim(w, "0123456789") == "" })
	if len(words) == 0 || len(words) > 5 {
		return false
	}
	// "M x" of Marcus.
	for len(words) > 1 && strings.Trim(words[len(words)-1], "xo") == "" {
		words = words[:len(words)-1]
		if len(words) == 1 && len(words[0]) == 1 && words[0][0] == z.signers[0][0] {
			return true
		}
	}
	hits := 0
	for _, w := range words {
		for _, n := range z.signers {
			if w == n || len(w) >= 3 && strings.HasPrefix(n, w) || len(w) == 1 && strings.HasPrefix(n, w) && len(words) > 1 {
				hits++
				break
			}
		}
	}
	if hits == len(words) {
		return true
	}
	if len(words) == 1 && len(words[0]) >= 1 && len(words[0]) <= 3 {
		return z.initials(words[0])
	}
	if len(words) == 2 && hits == 1 && len(z.signers) <= 2 {
		// The header has the family name alone, or another form of the first.
		return capitalised(s) && slices.ContainsFunc(words, func(w string) bool { return len(w) > 3 && slices.Contains(z.signers, w) })
	}
	return hits >= 2 && hits >= len(words)-2
}

func capitalised(s string) bool {
	for _, w := range strings.Fields(s) {
		if w[0] < 'A' || w[0] > 'Z' {
			return false
		}
	}
	return true
}

// initials tells "jd" of Jane Doe, also where the header has Doe first.
func (z *zoner) initials(w string) bool {
	n := len(z.signers)
	if n < 2 || len(w) > n {
		return false
	}
	straight, turned := true, len(w) == 2
	for i := range len(w) {
		straight = straight && z.signers[i] != "" && z.signers[i][0] == w[i]
		turned = turned && z.signers[1-i%2] != "" && z.signers[1-i%2][0] == w[i]
	}
	return straight || turned
}

const maxClosing = 14 // lines that a closing with its card may take

// closing finds where the closing formula, the name and the card begin, or -1.
func (z *zoner) closing(a, b int) int {
	at := -1
	n := 0
	for i := b - 1; i >= a; i-- {
		s := z.at(i)
		if s == "" {
			continue
		}
		if n++; n > maxClosing {
			break
		}
		if z.formula(s) {
			if z.cardBelow(i+1, b) && (i > a || n > 1) {
				at = i
			}
			continue
		}
		if (z.signs(s) || n == 1 && z.lone && loneName(s)) && i > a {
			if z.cardBelow(i+1, b) {
				at = i
			}
			continue
		}
		if at >= 0 && at-i <= 2 {
			break // own words above the closing
		}
	}
	if at > a && z.lines[at].blank {
		at++
	}
	return at
}

// cardBelow tells whether [a,b) can all be name, post, address: short lines that
// are no sentences, but for a postscript.
func (z *zoner) cardBelow(a, b int) bool {
	// Right below a full name anything short goes: a post, a slogan.
	named := a > 0 && z.signs(z.at(a-1))
	for i := a; i < b; i++ {
		s := z.at(i)
		if s == "" {
			named = false
			continue
		}
		if bargains(s) {
			return false // a footer that holds terms is something said
		}
		if speaks(s) && !(named && i == a) {
			return false
		}
		named = named || i == a && z.signs(s)
		if named && i-a < 8 && len(strings.Fields(s)) <= 16 && !strings.HasSuffix(s, "?") {
			continue
		}
		if isPostscript(s) {
			return true
		}
		if len(s) > 90 && !contact(s) && !strings.Contains(s, "|") || sentence(s) && !contact(s) && !strings.Contains(s, "|") && !strings.HasPrefix(s, `"`) {
			return false
		}
	}
	return true
}

// bargains tells lines that speak of terms.
func bargains(s string) bool {
	return countPhrases(strings.ToLower(s), "price", "payment", "conditions", "terms", "deposit", "invoice", "preise", "zahlung") > 0 && !contact(s)
}

// speaks tells lines that begin as sentences do and cards do not.
func speaks(s string) bool {
	first, rest, _ := strings.Cut(s, " ")
	if strings.Count(rest, " ") < 1 || strings.Contains(s, "|") {
		return false
	}
	switch strings.ToLower(first) {
	case "i", "i'm", "i’m", "i'll", "i’ll", "i've", "i’ve", "we", "we'll", "we’ll", "you", "please", "can", "could", "would", "do", "did", "is", "are", "let", "also", "but", "if", "when", "what", "how", "why", "there", "it", "ich", "wir", "bitte", "können":
		return true
	}
	return false
}

func isPostscript(s string) bool {
	return hasPrefixFold(s, "p.s.") || hasPrefixFold(s, "ps:") || hasPrefixFold(s, "ps ") || hasPrefixFold(s, "ps.") || hasPrefixFold(s, "p.s ") || hasPrefixFold(s, "p.p.s")
}

// postscript gives where the signature that begins at line at ends: at b or at a
// postscript, which is the author's words again.
func (z *zoner) postscript(at, b int) int {
	for i := at + 1; i < b; i++ {
		if isPostscript(z.at(i)) {
			return i
		}
	}
	return b
}
