package message

import (
	"strings"
)

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
			if short := k == 1 && i+k < len(z.lines) && z.lines[i+k].mark && len(strings.Fields(s)) <= 6; !trigger && !short || !verbAtEnd(joined) && !isoHead(joined) {
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
	case verb && trigger && dated(low), isoHead(joined) && (marked || strings.Contains(joined, "GMT")):
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

// isoHead tells "2016-03-03 17:21 GMT+01:00 Ann Example" and "2013/7/20 Ann <ann@desk.example>",
// with which some web mailers introduce a quotation, without a verb.
func isoHead(s string) bool {
	y, n := digits(s)
	if n != 4 || y < 1970 || y > 2100 || n >= len(s) || s[n] != '-' && s[n] != '/' || !hasNumericDate(s[:min(len(s), 10)]) {
		return false
	}
	low := strings.TrimRight(s, " :")
	return strings.Contains(s, " GMT") && len(strings.Fields(s)) <= 8 || strings.HasSuffix(low, ">") && strings.Contains(low, "@")
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
