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
	text    string
	lines   []line
	signers []string // lower-case words of the author's name
	fwd     bool     // the subject says that something is passed on
	hits    []hit    // legal and footer phrases in the stretch at hand
}

// zones cuts text. hints has at most one entry a line.
func zones(text string, hints []hint, signers []string, fwd bool) []Zone {
	if text == "" {
		return nil
	}
	z := &zoner{text: text, signers: signers, fwd: fwd}
	z.split(hints)
	z.structure()
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
	z.otherMarks()
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
		return true
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
	// Each program on the way has broken the line again: "> >> > to" / "connect".
	if between && n >= 40 && strings.Count(above[:min(n, 24)], ">") >= 2 && len(strings.Fields(s)) <= 3 && !strings.ContainsAny(above[n-1:], ".?!:") {
		return true
	}
	if n < 60 || n+1+len(first) < 70 || strings.ContainsAny(above[n-1:], ".?!:") {
		return false
	}
	switch strings.ToLower(strings.Trim(first, ",.!")) {
	case "yes", "no", "ok", "okay", "sure", "done", "agreed", "please", "will", "i", "we", "it's", "thanks":
		return false // an answer between the lines
	}
	if 'a' <= s[0] && s[0] <= 'z' {
		return true
	}
	return between && (len(s) <= 30 && n <= 82 || n >= 70 && n <= 100 && len(s) < n && !strings.ContainsAny(s[len(s)-1:], ".?!"))
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

var originals = []string{
	"original message", "original appointment", "reply message", "reply separator", "forward header", "original-nachricht", "originalnachricht", "ursprüngliche nachricht", "ursprünglicher termin",
	"message d'origine", "message d’origine", "message original", "mensaje original", "mensagem original", "messaggio originale",
	"oorspronkelijk bericht", "originele bericht", "origineel bericht", "originalmeddelande", "ursprungligt meddelande", "oprindelig meddelelse", "oprindelig besked", "original meddelelse", "original besked",
	"opprinnelig melding", "alkuperäinen viesti", "исходное сообщение", "original e-mail", "original email", "wiadomość oryginalna", "oryginalna wiadomość",
	"treść oryginalnej wiadomości", "původní zpráva", "eredeti üzenet", "mesaj original", "mesajul original", "orijinal mesaj", "原始邮件", "原始郵件", "元のメッセージ", "original text",
}

var forwards = []string{
	"forwarded message", "forwarded by", "forwarded mail", "forward message", "weitergeleitete nachricht", "weitergeleitet von", "message transféré", "message transmis", "mensaje reenviado", "messaggio inoltrato",
	"doorgestuurd bericht", "mensagem encaminhada", "mensagem reencaminhada", "vidarebefordrat meddelande", "videresendt meddelelse", "videresendt melding", "välitetty viesti",
	"пересылаемое сообщение", "wiadomość przekazana", "przekazana wiadomość", "přeposlaná zpráva", "továbbított üzenet", "begin forwarded message", "inline attachment follows", "転送メッセージ", "转发的邮件", "轉寄的郵件", "yönlendirilmiş mesaj",
}

var forwardLines = []string{
	"begin forwarded message", "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail", "début du message réexpédié", "début du message transféré",
	"inicio del mensaje reenviado", "inizio messaggio inoltrato", "begin doorgestuurd bericht", "início da mensagem encaminhada", "início da mensagem reencaminhada", "vidarebefordrat brev", "start of forwarded message",
	"start på videresendt meddelelse", "forwarded message", "weitergeleitete nachricht",
}

// What the fields of a quoted header block are called.
const (
	labelFrom = 1 << iota
	labelDate
	labelTo
	labelCc
	labelSubject
	labelOther
)

var labels = map[string]int{}

func init() {
	for kind, names := range map[int]string{
		labelFrom:    "from|author|von|de|da|van|från|fra|od|от|lähettäjä|差出人|发件人|寄件者|feladó|kimden|expéditeur|remitente|mittente|afzender|nadawca|de la",
		labelDate:    "sent|date|gesendet|datum|envoyé|fecha|enviado|enviado el|enviado em|enviada|data|inviato|verzonden|skickat|sendt|dato|wysłano|дата|отправлено|lähetetty|päiväys|päivämäärä|odesláno|送信日時|发送时间|日期|elküldve|dátum|tarih|gönderme tarihi|date sent|verzonden op|data wysłania|envoyé le|gesendet am|message du|date d'envoi|am",
		labelTo:      "to|an|à|a|para|aan|till|til|do|кому|vastaanottaja|宛先|收件人|címzett|kime|destinataire|destinatario|komu|empfänger|adresat",
		labelCc:      "cc|kopie|kopia|copie|копия|ccn|cópia|copia|kopi|dw|抄送|másolatot kap|bcc",
		labelSubject: "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat|тема|aihe|件名|主题|主旨|tárgy|konu|předmět|subj|sujet",
		labelOther:   "reply-to|importance|attachments|anlagen|wichtigkeit|antwort an|pièces jointes|bijlagen|resent-from|organization|organisation|newsgroups|priority|when|where|message-id|sent by|please respond to|sensitivity|allegati|adjuntos|anexos|bilagor|in-reply-to|x-mailer|mailed-by|signed-by|conversation|posted at|posted to",
	} {
		for _, n := range strings.Split(names, "|") {
			labels[n] |= kind
		}
	}
}

// label reads "From: …", "*Von:* …", "Subject:" and gives its kinds, or 0.
func label(s string) int {
	s = strings.TrimLeft(s, "*_|> \t")
	i := strings.IndexByte(s, ':')
	if i < 0 {
		if i = strings.Index(s, "："); i < 0 {
			return 0
		}
	}
	if i < 1 || i > 30 {
		return 0
	}
	var low [40]byte
	name := strings.TrimRight(s[:i], "* \t\u00a0")
	if isASCII([]byte(name)) && len(name) < len(low) {
		for j := range len(name) {
			c := name[j]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			low[j] = c
		}
		return labels[string(low[:len(name)])]
	}
	return labels[strings.ToLower(name)]
}

const maxHeaderLines = 60

// headerBlock finds the header of a quoted message at line i. start is where it
// begins, which is before i for Lotus Notes (name and date stand above "To:"), k how
// many lines from i on belong to it.
func (z *zoner) headerBlock(i int, s string) (start, k int) {
	first := label(s)
	if first&(labelFrom|labelTo|labelDate|labelSubject) == 0 {
		return 0, 0
	}
	got := first
	kinds := 1
	end := i + 1
	gap := 0
	wrapped, repeats := 0, 0
	for j := i + 1; j < len(z.lines) && j < i+maxHeaderLines; j++ {
		if z.lines[j].blank {
			// HTML gives each field a paragraph; a second blank line ends the block.
			if gap++; gap > 1 {
				break
			}
			continue
		}
		t := z.at(j)
		f := label(t)
		if f == 0 {
			if gap > 0 {
				break
			}
			// A field that is wrapped: addresses, or the rest of a subject.
			if wrapped++; wrapped > 40 || !continues(t, got) {
				break
			}
			continue
		}
		if gap > 0 && (f&^got == 0 || got&labelSubject != 0 && f&(labelCc|labelTo|labelDate|labelOther) == 0) {
			break
		}
		if f&^got != 0 {
			kinds++
		} else if repeats++; repeats > 10 {
			break // a list, not a header
		}
		got |= f
		gap, wrapped = 0, 0
		end = j + 1
	}
	// The last field may be wrapped.
	for got&labelSubject != 0 && end < len(z.lines) && !z.lines[end].blank && end < i+maxHeaderLines && label(z.at(end)) == 0 && continues(z.at(end), labelTo) {
		end++
	}
	start = i
	switch {
	case first&labelFrom != 0 && kinds >= 3, first&labelFrom != 0 && kinds == 2 && got&(labelDate|labelSubject) != 0 && hasDigit(z.span(i, end)) && strings.Contains(z.span(i, end), "@"):
	case first&labelTo != 0 && got&labelSubject != 0 && got&labelFrom != 0 && got&labelDate != 0:
	case first&labelTo != 0 && got&labelSubject != 0:
		// Lotus Notes: who and when stand above.
		if start = z.lotusHead(i); start < 0 {
			return 0, 0
		}
	case first&(labelDate|labelSubject) != 0 && got&labelFrom != 0 && kinds >= 3:
	default:
		return 0, 0
	}
	// A rule or a lone "Original message" above belongs to it.
	if j := z.previous(start); j >= 0 {
		t := z.at(j)
		if ruleOf(t) >= 4 || strings.HasPrefix(t, "---") && strings.HasSuffix(t, "---") || phraseIn(strings.ToLower(t), originals) && len(t) < 40 {
			start = j
		}
	}
	return start, end - i
}

func (z *zoner) span(a, b int) string { return z.text[z.lines[a].start:z.lines[b-1].end] }

func (z *zoner) previous(i int) int {
	for i--; i >= 0; i-- {
		if !z.lines[i].blank {
			return i
		}
	}
	return -1
}

// continues tells whether t can be the rest of a field above.
func continues(t string, got int) bool {
	if len(t) > 200 {
		return false
	}
	return strings.ContainsAny(t, "@;<>/") || strings.HasSuffix(t, ",") || strings.Count(t, ",") > 1 || got&labelSubject == 0 && got&(labelTo|labelCc) != 0
}

// ruleOf gives the length of a line of one repeated character, else 0.
func ruleOf(s string) int {
	if s == "" || !strings.ContainsRune("-_=*~#", rune(s[0])) {
		return 0
	}
	n := 0
	for i := range len(s) {
		if s[i] != ' ' {
			if s[i] != s[0] {
				return 0
			}
			n++
		}
	}
	return n
}

// lotusHead finds the line above "To:" with which a Lotus Notes header begins:
//
//	Ann Example                        Ann Example@DESK on 05/03/2001 09:15:00 AM
//	05/03/2001 09:15 AM
//	To: …                              To: …
func (z *zoner) lotusHead(i int) int {
	at := -1
	j := i
	for range 4 {
		if j = z.previous(j); j < 0 || z.lines[j].kind != isNew {
			break
		}
		t := z.at(j)
		if len(t) > 120 {
			break
		}
		if hasNumericDate(t) {
			at = j
			break
		}
	}
	if at < 0 {
		return -1
	}
	// A line of date and time alone has the name above it.
	if len(strings.Fields(z.at(at))) <= 4 && isDigit(z.at(at)[0]) {
		for range 2 {
			p := z.previous(at)
			if p < 0 || z.lines[p].kind != isNew || len(z.at(p)) > 80 || strings.HasSuffix(z.at(p), ".") && !strings.Contains(z.at(p), "@") {
				break
			}
			at = p
			if t := z.at(p); !strings.HasPrefix(t, "Sent by") && !strings.HasPrefix(t, "on ") {
				break
			}
		}
	}
	return at
}

// hasNumericDate finds 11/30/2000, 30.11.00 or 2000-11-30.
func hasNumericDate(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			continue
		}
		_, n := digits(s[i:])
		j := i + n
		if n <= 4 && j+1 < len(s) && (s[j] == '/' || s[j] == '.' || s[j] == '-') && isDigit(s[j+1]) {
			_, m := digits(s[j+1:])
			k := j + 1 + m
			if m <= 2 && k+1 < len(s) && s[k] == s[j] && isDigit(s[k+1]) {
				return true
			}
		}
		i = j
	}
	return false
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// attribution reads the line that introduces a quotation, which may be wrapped
// over four lines. sure says that it can be nothing else, whatever follows.
func (z *zoner) attribution(i int, s string) (k int, sure bool) {
	if len(s) > 400 {
		return 0, false
	}
	trigger := begins(s)
	if !trigger && !strings.ContainsAny(s, "@<:") {
		// "Ann Example wrote" may still come, but nothing on this line says so.
		if !strings.HasSuffix(s, "wrote") {
			return 0, false
		}
	}
	joined := s
	for k = 1; ; k++ {
		if strings.HasSuffix(joined, ":") || strings.HasSuffix(joined, "：") {
			break
		}
		if k < 4 && i+k < len(z.lines) && z.lines[i+k].mark && strings.Count(joined, "<") > strings.Count(joined, ">") {
			// "On … <ann@desk.example" "> wrote:": the bracket is no quotation mark.
			if t := z.at(i + k); len(t) < 40 && (t == ">:" || hasVerb(strings.ToLower(t))) {
				joined += t
				continue
			}
		}
		if k == 4 || i+k >= len(z.lines) || z.lines[i+k].blank || z.lines[i+k].mark {
			// "On … wrote" without a colon, or with the dots of a phone.
			if !trigger || !verbAtEnd(joined) {
				return 0, false
			}
			break
		}
		if !trigger && k == 2 {
			return 0, false
		}
		joined += " " + z.at(i+k)
		if len(joined) > 400 {
			return 0, false
		}
	}
	next := z.next(i + k)
	marked := next < len(z.lines) && (z.lines[next].mark || z.lines[next].hint == hintQuote)
	low := strings.ToLower(joined)
	verb := hasVerb(low)
	address := strings.Contains(low, "@")
	switch {
	case verb && trigger && dated(low):
		return k, true
	case isDigit(low[0]) && address && dated(low) && strings.HasSuffix(low, ">:"):
		return k, true
	case verb && address && k == 1 && strings.Contains(low, ">") && verbAtEnd(low) && (i == 0 || z.lines[i-1].blank) && i+1 < len(z.lines) && z.lines[i+1].blank:
		return k, true
	case verb && address && dated(low) && (k == 1 || marked):
		return k, k <= 2 && verbAtEnd(low)
	case verb && (marked || z.lines[i].hint == hintCite):
		return k, false
	case marked && address && k <= 2:
		return k, false
	case marked && trigger && dated(low):
		return k, false
	}
	return 0, false
}

// begins tells whether a line starts as attributions do.
func begins(s string) bool {
	s = strings.TrimLeft(s, "-* \t")
	i := strings.IndexAny(s, " ,.\u00a0")
	if i <= 0 || i > 14 {
		return false
	}
	switch strings.ToLower(s[:i]) {
	case "on", "am", "le", "op", "em", "el", "il", "den", "dne", "dnia", "w", "på", "at", "in", "de", "a", "pada", "vào", "quoting", "från", "fra", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
		"ср", "пн", "вт", "чт", "пт", "сб", "вс", "lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mo", "di", "mi", "do", "fr", "sa", "so", "ma", "ti", "ke", "to", "pe", "la", "su", "za", "zo", "wo", "vr", "lør", "tor", "ons", "man", "søn", "fre", "tir", "pt", "śr", "pon", "wt", "czw", "sob", "niedz":
		return true
	}
	// "2024-03-05 10:12 GMT+01:00 Name <…>:" begins with its date.
	return isDigit(s[0])
}

var verbs = []string{
	"wrote", "writes", "schrieb", "geschrieben", "a écrit", "a ecrit", "écrivait", "escribió", "escribio", "ha scritto", "scrive", "schreef", "geschreven",
	"escreveu", "skrev", "skreiv", "kirjoitti", "napisał", "napisał(a)", "napisała", "написал", "написала", "написал(а)", "пишет", "пише", "írta", "yazdı", "şunları yazdı", "a scris", "napsal", "napsal(a)", "said", "đã viết", "menulis", "έγραψε", "пиcал", "wrote the following", "написав",
	"寫道", "写道", "さんは書きました", "sent", "a scrie",
}

// hasVerb finds one of the verbs as a word of its own.
func hasVerb(low string) bool {
	for _, v := range verbs {
		for at := 0; ; {
			i := strings.Index(low[at:], v)
			if i < 0 {
				break
			}
			i += at
			at = i + len(v)
			if v == "sent" || v == "said" {
				// Only at the very end: "Ann said:".
				if strings.TrimRight(low[at:], " :") != "" {
					continue
				}
			}
			if (i == 0 || wordEdge(low[i-1])) && (at == len(low) || wordEdge(low[at])) || v[0] >= 0x80 {
				return true
			}
		}
	}
	return false
}

func wordEdge(c byte) bool { return !isLetter(c) && !isDigit(c) && c < 0x80 }

func verbAtEnd(low string) bool {
	low = strings.ToLower(strings.TrimRight(low, " :."))
	for _, v := range verbs {
		if strings.HasSuffix(low, v) {
			return true
		}
	}
	return false
}

// dated asks for more than any digit: a clock, a year or a numeric date.
func dated(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			continue
		}
		v, n := digits(s[i:])
		j := i + n
		if n == 4 && v > 1970 && v < 2100 {
			return true
		}
		if n <= 2 && j+1 < len(s) && (s[j] == ':' || s[j] == '.' || s[j] == '/' || s[j] == 'h' || s[j] == '-') && isDigit(s[j+1]) {
			return true
		}
		i = j
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
