package demomail

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// manner is how a mail program writes: what differs between programs and makes
// quoted text hard to tell from new text.
type manner struct {
	width   int    // plain text is wrapped to this; 0 leaves a paragraph a line
	flowed  bool   // format=flowed, RFC 3676
	html    string // the look of the HTML alternative; "" sends plain text alone
	only    bool   // HTML without a plain alternative
	charset string
	cte     string // for text that is not ASCII
	sigSep  bool   // "-- " before the signature
	mailer  []string
	mime    string // MIME-Version's value
}

var manners = map[string]manner{
	"outlook":     {html: "word", charset: "windows-1252", cte: "quoted-printable", mailer: []string{"X-Mailer: Microsoft Outlook 16.0", "Content-Language: en-gb"}},
	"outlook-de":  {html: "word", charset: "iso-8859-1", cte: "quoted-printable", mailer: []string{"X-Mailer: Microsoft Outlook 16.0", "Content-Language: de-AT"}},
	"gmail":       {width: 76, html: "gmail", charset: "utf-8", cte: "quoted-printable"},
	"apple":       {html: "apple", charset: "utf-8", cte: "quoted-printable", mime: "1.0 (Mac OS X Mail)"},
	"iphone":      {charset: "utf-8", cte: "quoted-printable", mime: "1.0 (1.0)"},
	"samsung":     {charset: "utf-8", cte: "base64"},
	"thunderbird": {width: 72, flowed: true, charset: "utf-8", cte: "8bit", sigSep: true, mailer: []string{"Content-Language: en-GB"}},
	"roundcube":   {width: 72, charset: "utf-8", cte: "8bit", sigSep: true, mailer: []string{"User-Agent: Roundcube Webmail/1.5.3"}},
	"webmail":     {html: "gmail", only: true, charset: "utf-8", cte: "quoted-printable"},
	"html":        {html: "table", only: true, charset: "utf-8", cte: "quoted-printable"},
	"news":        {html: "table", charset: "utf-8", cte: "quoted-printable"},
	"bot":         {width: 76, charset: "utf-8", cte: "quoted-printable"},
	"ooo":         {charset: "utf-8", cte: "base64", mailer: []string{"Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"}},
	"bounce":      {charset: "utf-8", cte: "7bit", mailer: []string{"Auto-Submitted: auto-replied"}},
}

// hash gives as many hexadecimal digits as asked for, from the words alone: it
// stands in for everything a real program would draw at random.
func hash(n int, words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	h := hex.EncodeToString(sum[:])
	for len(h) < n {
		sum = sha256.Sum256(sum[:])
		h += hex.EncodeToString(sum[:])
	}
	return h[:n]
}

func hashInt(limit int, words ...string) int {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return (int(sum[0])<<16 | int(sum[1])<<8 | int(sum[2])) % limit
}

func domainOf(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return d
}

func messageID(e *entry) string {
	domain := domainOf(e.from.address)
	switch e.via() {
	case "gmail":
		token := base64.RawURLEncoding.EncodeToString([]byte(hash(36, "gmail", e.id)))
		return "<CA" + token[:2] + "+" + token[2:48] + "@mail.gmail.example>"
	case "outlook", "outlook-de":
		return "<" + hash(16, "o1", e.id) + "$" + hash(8, "o2", e.id) + "$" + hash(8, "o3", e.id) + "$@" + domain + ">"
	case "apple", "iphone":
		return "<" + strings.ToUpper(uuid(e.id)) + "@" + domain + ">"
	case "thunderbird":
		return "<" + uuid(e.id) + "@" + domain + ">"
	case "roundcube":
		return "<" + hash(32, "rc", e.id) + "@" + domain + ">"
	default:
		return "<" + e.date.UTC().Format("20060102150405") + "." + hash(12, "id", e.id) + "@" + domain + ">"
	}
}

func uuid(id string) string {
	h := hash(32, "uuid", id)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// version is the program's name and the version it had then: the programs were
// updated in these months, as everybody's are.
func version(e *entry) []string {
	for _, v := range []struct{ until, iphone, apple, thunderbird string }{
		{"2022-10-10", "19H12", "3696.120.41.1.1", "102.2.2"},
		{"2022-12-05", "20A392", "3696.120.41.1.1", "102.4.1"},
		{"2023-02-13", "20B110", "3731.200.110.1.12", "102.6.0"},
		{"2024-01-01", "20D67", "3731.300.101.1.3", "102.8.0"},
	} {
		if e.date.Format("2006-01-02") >= v.until {
			continue
		}
		switch e.via() {
		case "iphone":
			return []string{"X-Mailer: iPhone Mail (" + v.iphone + ")"}
		case "apple":
			return []string{"X-Mailer: Apple Mail (2." + v.apple + ")"}
		case "thunderbird":
			return []string{"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Thunderbird/" + v.thunderbird}
		}
	}
	return nil
}

// references are the ids that an answer cites: the whole way back, oldest first.
func references(e *entry) []string {
	p := e.parent
	if p == nil {
		return nil
	}
	var out []string
	if p.fields["refs"] == "" {
		out = references(p)
	}
	if p.fields["mid"] == "none" {
		return out
	}
	return append(out, messageID(p))
}

// compose gives the message as its writer's program handed it over: header and
// body, without the lines that servers on the way put on top.
func compose(e *entry) []byte {
	m := manners[e.via()]
	var h strings.Builder
	line := func(name, value string) { h.WriteString(fold(name+": "+value) + "\r\n") }

	from := displayAddress(e.from, e.via())
	if e.via() == "bounce" {
		from = "MAILER-DAEMON@" + domainOf(e.from.address) + " (Mail Delivery System)"
	}
	line("From", from)
	if len(e.to) == 0 {
		line("To", "undisclosed-recipients:;")
	} else {
		line("To", addressList(e.to, e.via()))
	}
	if len(e.cc) > 0 {
		line("Cc", addressList(e.cc, e.via()))
	}
	if e.fields["raw"] == "yes" {
		line("Subject", e.subject) // seen in practice: mass mailers that never encode
	} else {
		line("Subject", encodeHeader(e.subject, m.charset))
	}
	if e.via() == "iphone" || e.via() == "samsung" {
		line("Date", e.date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	} else {
		line("Date", e.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	}
	if e.fields["mid"] != "none" {
		line("Message-ID", messageID(e))
	}
	switch e.fields["refs"] {
	case "":
		if refs := references(e); len(refs) > 0 {
			line("In-Reply-To", refs[len(refs)-1])
			line("References", strings.Join(refs, " "))
		}
	case "reply":
		if refs := references(e); len(refs) > 0 {
			line("In-Reply-To", refs[len(refs)-1])
		}
	case "broken":
		// Seen in practice: a gateway that writes its own ids and loses the real ones.
		line("In-Reply-To", "<"+hash(24, "lost", e.id)+"@gateway."+domainOf(e.from.address)+">")
	}
	for _, l := range append(version(e), m.mailer...) {
		h.WriteString(l + "\r\n")
	}
	if strings.HasPrefix(e.via(), "outlook") {
		raw := hash(44, "thread", baseSubject(e.subject))
		line("Thread-Index", base64.StdEncoding.EncodeToString([]byte("\x01\xd9" + raw))[:30]+"==")
	}
	if l := e.fields["list"]; l != "" {
		d := domainOf(e.from.address)
		line("List-Id", l+" <list."+d+">")
		line("List-Unsubscribe", "<https://"+d+"/u/"+hash(20, "unsub", e.id)+">, <mailto:leave@"+d+">")
		line("Precedence", "bulk")
	}
	line("MIME-Version", cmp.Or(m.mime, "1.0"))

	part := bodyPart(e, m)
	for _, p := range part.header {
		h.WriteString(p + "\r\n")
	}
	h.WriteString("\r\n")
	h.WriteString(part.body)
	return []byte(strings.TrimRight(h.String(), "\r\n") + "\r\n")
}

// mimePart is one MIME entity: header lines, and a body with CRLF line ends.
type mimePart struct {
	header []string
	body   string
}

func bodyPart(e *entry, m manner) mimePart {
	if e.via() == "bounce" {
		return bouncePart(e)
	}
	charset, cte := m.charset, m.cte
	if c := e.fields["charset"]; c != "" {
		charset = c
	}
	var body mimePart
	switch {
	case m.only:
		body = textPart(e, "html", htmlDocument(e), charset, cte)
	case m.html != "":
		body = multi(e, "alternative",
			textPart(e, "plain", strings.Join(plainLines(e), "\n")+"\n", charset, cte),
			textPart(e, "html", htmlDocument(e), charset, cte))
	default:
		body = textPart(e, "plain", strings.Join(plainLines(e), "\n")+"\n", charset, cte)
	}
	if len(e.attach) == 0 {
		return body
	}
	parts := []mimePart{body}
	for _, a := range e.attach {
		parts = append(parts, a.part(e))
	}
	return multi(e, "mixed", parts...)
}

func boundary(e *entry, kind string) string {
	switch e.via() {
	case "gmail":
		return "000000000000" + hash(16, "b", kind, e.id)
	case "outlook", "outlook-de":
		return "----=_NextPart_000_" + strings.ToUpper(hash(4, "b", kind, e.id)+"_01D9"+hash(4, "c", kind, e.id)+"."+hash(8, "d", kind, e.id))
	case "apple", "iphone":
		return "Apple-Mail=_" + strings.ToUpper(uuid(kind+e.id))
	case "thunderbird":
		return "------------" + base64.RawURLEncoding.EncodeToString([]byte(hash(18, "b", kind, e.id)))
	default:
		return "=_" + hash(32, "b", kind, e.id)
	}
}

func multi(e *entry, kind string, parts ...mimePart) mimePart {
	b := boundary(e, kind)
	var s strings.Builder
	if strings.HasPrefix(e.via(), "outlook") {
		s.WriteString("This is a multipart message in MIME format.\r\n\r\n")
	}
	for _, p := range parts {
		s.WriteString("--" + b + "\r\n" + strings.Join(p.header, "\r\n") + "\r\n\r\n" + strings.TrimRight(p.body, "\r\n") + "\r\n")
		if strings.HasPrefix(e.via(), "outlook") {
			s.WriteString("\r\n")
		}
	}
	s.WriteString("--" + b + "--\r\n")
	return mimePart{[]string{"Content-Type: multipart/" + kind + ";\r\n\tboundary=\"" + b + "\""}, s.String()}
}

// textPart encodes text with LF line ends. A charset that lacks a letter, or an
// encoding that cannot carry the text, gives way to UTF-8 or quoted-printable.
func textPart(e *entry, subtype, text, charset, cte string) mimePart {
	octets, ok := encodeCharset(text, charset)
	if !ok {
		charset, octets = "utf-8", text
	}
	ascii, longest := true, 0
	for l := range strings.SplitSeq(octets, "\n") {
		longest = max(longest, len(l))
	}
	for i := range len(octets) {
		ascii = ascii && octets[i] < 0x80
	}
	if forced := e.fields["cte"]; forced != "" {
		cte = forced
	} else if ascii && !strings.HasPrefix(e.via(), "outlook") && cte != "base64" {
		cte = "7bit"
	}
	if (cte == "7bit" || cte == "8bit") && (longest > 900 || !ascii && cte == "7bit") {
		cte = "quoted-printable"
	}
	if ascii && (e.via() == "roundcube" || e.via() == "bot") {
		charset = "us-ascii"
	}
	charset = cmp.Or(e.fields["label"], charset)
	contentType := "Content-Type: text/" + subtype + "; charset=" + charset
	if subtype == "plain" && manners[e.via()].flowed {
		contentType += "; format=flowed"
	}
	var body string
	switch cte {
	case "quoted-printable":
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(octets)) // a strings.Builder does not fail
		_ = w.Close()
		body = b.String()
	case "base64":
		body = wrapBase64(strings.ReplaceAll(octets, "\n", "\r\n"))
	default:
		body = strings.ReplaceAll(octets, "\n", "\r\n")
	}
	return mimePart{[]string{contentType, "Content-Transfer-Encoding: " + cte}, body}
}

func encodeCharset(text, charset string) (string, bool) {
	var table *charmap.Charmap
	switch charset {
	case "windows-1252":
		table = charmap.Windows1252
	case "iso-8859-1":
		table = charmap.ISO8859_1
	default:
		return text, true
	}
	s, err := table.NewEncoder().String(text)
	return s, err == nil
}

func wrapBase64(octets string) string {
	s := base64.StdEncoding.EncodeToString([]byte(octets))
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	b.WriteString(s + "\r\n")
	return b.String()
}

// plainLines is the plain text of a message, as sent: new text, signature,
// history.
func plainLines(e *entry) []string {
	m := manners[e.via()]
	var out []string
	said := false
	for _, p := range e.body {
		if words, ok := strings.CutPrefix(p, "> "); ok {
			if !said { // a greeting goes above the quotation
				out, said = append(out, attribution(e, e.parent)...), true
			}
			for _, l := range wrap(quotedWords(e, words), max(m.width-2, 0), false) {
				out = append(out, "> "+l)
			}
			continue
		}
		out = append(out, wrap(p, m.width, m.flowed)...)
	}
	if sign := signature(e); len(sign) > 0 {
		out = append(out, "")
		if m.sigSep {
			out = append(out, "-- ")
		}
		out = append(out, sign...)
	}
	return append(out, plainHistory(e)...)
}

// quotes reports whether the writer answers point by point.
func quotes(e *entry) bool {
	for _, p := range e.body {
		if strings.HasPrefix(p, "> ") {
			return true
		}
	}
	return false
}

// quotedWords is the stretch of the answered message from the words on, up to
// the paragraph's end or to the next stretch that the writer answers.
func quotedWords(e *entry, words string) string {
	if e.parent != nil {
		for _, p := range e.parent.body {
			i := strings.Index(p, words)
			if i < 0 {
				continue
			}
			p = p[i:]
			for _, l := range e.body {
				next, ok := strings.CutPrefix(l, "> ")
				if k := strings.Index(p, next); ok && k > 0 {
					p = strings.TrimSpace(p[:k])
				}
			}
			return p
		}
	}
	panic(fmt.Sprintf("demomail: message %q quotes %q, which nobody wrote", e.id, words))
}

func signature(e *entry) []string {
	if e.no("sign") {
		return nil
	}
	switch e.via() {
	case "iphone":
		return []string{"Sent from my iPhone"}
	case "samsung":
		return []string{"Sent from my Galaxy"}
	}
	return e.from.sign
}

func who(p *person) string { return p.name + " <" + p.address + ">" }

func names(people []*person) string {
	var s []string
	for _, p := range people {
		s = append(s, who(p))
	}
	return strings.Join(s, "; ")
}

func attribution(e, p *entry) []string {
	at := p.date.In(e.date.Location())
	switch e.via() {
	case "gmail":
		return []string{at.Format("On Mon, 2 Jan 2006 at 15:04, ") + who(p.from), "wrote:", ""}
	case "apple", "iphone":
		return []string{at.Format("On 2 Jan 2006, at 15:04, ") + who(p.from) + " wrote:", ""}
	case "roundcube":
		return []string{at.Format("On 2006-01-02 15:04, ") + p.from.name + " wrote:", ""}
	default:
		return []string{at.Format("On 02/01/2006 15:04, ") + p.from.name + " wrote:"}
	}
}

var germanDays = [...]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}
var germanMonths = [...]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}

// headerBlock is the older message's header as Outlook and others repeat it.
func headerBlock(e, p *entry) []field {
	at := p.date.In(e.date.Location())
	switch e.via() {
	case "outlook-de":
		return []field{{"Von", who(p.from)},
			{"Gesendet", fmt.Sprintf("%s, %d. %s %d %s", germanDays[at.Weekday()], at.Day(), germanMonths[at.Month()-1], at.Year(), at.Format("15:04"))},
			{"An", names(p.to)}, {"Betreff", p.subject}}
	case "outlook":
		return []field{{"From", who(p.from)}, {"Sent", at.Format("02 January 2006 15:04")}, {"To", names(p.to)}, {"Subject", p.subject}}
	case "samsung":
		return []field{{"From", who(p.from)}, {"Date", at.Format("02/01/2006 15:04 (GMT-07:00)")}, {"To", names(p.to)}, {"Subject", p.subject}}
	case "thunderbird":
		return []field{{"Subject", p.subject}, {"Date", at.Format("Mon, 2 Jan 2006 15:04:05 -0700")}, {"From", who(p.from)}, {"To", names(p.to)}}
	default:
		return []field{{"From", who(p.from)}, {"Date", at.Format("Mon, 2 Jan 2006 at 15:04")}, {"Subject", p.subject}, {"To", names(p.to)}}
	}
}

func blockLines(fields []field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name+": "+f.value)
	}
	return append(out, "")
}

func plainHistory(e *entry) []string {
	m := manners[e.via()]
	if e.fwd != nil {
		older := unflowed(plainLines(e.fwd))
		block := blockLines(headerBlock(e, e.fwd))
		switch e.via() {
		case "gmail":
			return append(append([]string{"", "", "---------- Forwarded message ---------"}, block...), older...)
		case "thunderbird":
			return append(append([]string{"", "", "-------- Forwarded Message --------"}, block...), older...)
		case "roundcube":
			return append(append([]string{"", "-------- Original Message --------"}, block...), older...)
		case "apple", "iphone":
			return append([]string{"", "Begin forwarded message:", ""}, prefix(append(block, older...), 0)...)
		default:
			return append(append([]string{""}, block...), older...)
		}
	}
	if e.parent == nil || e.no("quote") || quotes(e) || e.via() == "ooo" {
		return nil
	}
	older := unflowed(plainLines(e.parent))
	switch e.via() {
	case "outlook", "outlook-de":
		return append(append([]string{"", ""}, blockLines(headerBlock(e, e.parent))...), older...)
	case "samsung":
		return append(append([]string{"", "", "-------- Original message --------"}, blockLines(headerBlock(e, e.parent))...), older...)
	case "apple", "iphone":
		return append([]string{""}, prefix(append(attribution(e, e.parent), older...), 0)...)
	case "gmail":
		return append(append([]string{"", ""}, attribution(e, e.parent)...), prefix(older, 78)...)
	default:
		return append(append([]string{""}, attribution(e, e.parent)...), prefix(older, m.width+6)...)
	}
}

func unflowed(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		if l != "-- " {
			l = strings.TrimRight(l, " ")
		}
		out[i] = l
	}
	return out
}

// prefix quotes lines. A width makes it break long ones the way programs do,
// into a full line and a short one.
func prefix(lines []string, width int) []string {
	var out []string
	for _, l := range lines {
		mark := "> "
		if strings.HasPrefix(l, ">") {
			mark = ">"
		}
		parts := []string{l}
		if width > 0 && len(l)+2 > width && !strings.HasPrefix(l, ">") {
			parts = wrap(l, width-2, false)
		}
		for _, p := range parts {
			out = append(out, strings.TrimRight(mark+p, " "))
		}
	}
	return out
}

// wrap breaks a paragraph at spaces. Flowed lines keep the space they were
// broken at, RFC 3676 section 4.2, and are stuffed, section 4.4.
func wrap(paragraph string, width int, flowed bool) []string {
	if width <= 0 || len(paragraph) <= width {
		return []string{paragraph}
	}
	var out []string
	line := ""
	for w := range strings.SplitSeq(paragraph, " ") {
		switch {
		case line == "":
			line = w
		case len([]rune(line))+1+len([]rune(w)) > width:
			out = append(out, line)
			line = w
		default:
			line += " " + w
		}
	}
	out = append(out, line)
	if flowed {
		for i := range out {
			if i < len(out)-1 {
				out[i] += " "
			}
			if strings.HasPrefix(out[i], ">") || strings.HasPrefix(out[i], "From ") || strings.HasPrefix(out[i], " ") {
				out[i] = " " + out[i]
			}
		}
	}
	return out
}

// htmlDocument is the HTML of a message, as sent.
func htmlDocument(e *entry) string {
	inner := htmlBody(e)
	switch manners[e.via()].html {
	case "word":
		return "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\" xmlns=\"http://www.w3.org/TR/REC-html40\"><head>" +
			"<meta name=Generator content=\"Microsoft Word 15 (filtered medium)\"><style><!--\n" +
			"p.MsoNormal {margin:0cm;font-size:11.0pt;font-family:\"Calibri\",sans-serif;}\n--></style></head>\n" +
			"<body lang=EN-GB link=\"#0563C1\" vlink=\"#954F72\"><div class=WordSection1>" + inner + "</div></body></html>\n"
	case "apple":
		return "<html><head></head><body style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">" + inner + "</body></html>\n"
	case "table":
		return "<!DOCTYPE html>\n<html><head><title>" + html.EscapeString(e.subject) + "</title><style>td{font-family:Arial,sans-serif;font-size:14px;line-height:20px}</style></head>\n" +
			"<body bgcolor=\"#f4f4f4\"><table width=\"600\" align=\"center\" cellpadding=\"12\" bgcolor=\"#ffffff\">\n" + inner + "</table>\n" +
			"<img src=\"https://" + domainOf(e.from.address) + "/o/" + hash(16, "pixel", e.id) + ".gif\" width=\"1\" height=\"1\" alt=\"\"></body></html>\n"
	}
	return inner + "\n"
}

func htmlBody(e *entry) string {
	look := manners[e.via()].html
	var b strings.Builder
	lines := e.body
	if sign := signature(e); len(sign) > 0 {
		lines = append(append(append([]string{}, lines...), ""), sign...)
	}
	said := false
	for _, l := range lines {
		if words, ok := strings.CutPrefix(l, "> "); ok {
			if !said {
				b.WriteString("<div>" + html.EscapeString(strings.TrimSpace(strings.Join(attribution(e, e.parent), " "))) + "</div>\n")
				said = true
			}
			b.WriteString("<blockquote type=\"cite\">" + html.EscapeString(quotedWords(e, words)) + "</blockquote>\n")
			continue
		}
		text := html.EscapeString(l)
		switch {
		case look == "word" && l == "":
			b.WriteString("<p class=MsoNormal><o:p>&nbsp;</o:p></p>\n")
		case look == "word":
			b.WriteString("<p class=MsoNormal>" + text + "<o:p></o:p></p>\n")
		case look == "table" && l == "":
		case look == "table":
			b.WriteString("<tr><td>" + text + "</td></tr>\n")
		case l == "":
			b.WriteString("<div><br></div>\n")
		default:
			b.WriteString("<div>" + text + "</div>\n")
		}
	}
	if look == "gmail" {
		return "<div dir=\"ltr\">" + b.String() + "</div>" + htmlHistory(e)
	}
	return b.String() + htmlHistory(e)
}

func htmlHistory(e *entry) string {
	older, forwarded := e.parent, false
	if e.fwd != nil {
		older, forwarded = e.fwd, true
	}
	if older == nil || e.no("quote") || quotes(e) {
		return ""
	}
	var block strings.Builder
	for _, f := range headerBlock(e, older) {
		block.WriteString("<b>" + f.name + ":</b> " + html.EscapeString(f.value) + "<br>")
	}
	said := html.EscapeString(strings.TrimSpace(strings.Join(attribution(e, older), " ")))
	switch manners[e.via()].html {
	case "word":
		return "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>" +
			block.String() + "</p></div>\n" + htmlBody(older)
	case "gmail":
		if forwarded {
			return "<br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">---------- Forwarded message ---------<br>" + block.String() + "</div><br>" + htmlBody(older) + "</div>"
		}
		return "<br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">" + said +
			"<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex\">" +
			htmlBody(older) + "</blockquote></div>"
	case "apple":
		if forwarded {
			return "<br><div>Begin forwarded message:</div><br><blockquote type=\"cite\"><div>" + block.String() + "</div><br>" + htmlBody(older) + "</blockquote>"
		}
		return "<br><div><br><blockquote type=\"cite\"><div>" + said + "</div><br>" + htmlBody(older) + "</blockquote></div>"
	}
	return ""
}

// displayAddress writes an address the way the program does: Outlook quotes
// every name, others only names that need it.
func displayAddress(p *person, via string) string {
	name := p.name
	switch {
	case name == "":
		return p.address
	case !isASCII(name):
		name = mime.QEncoding.Encode("utf-8", name)
	case strings.HasPrefix(via, "outlook") || strings.ContainsAny(name, ",.@&()"):
		name = `"` + name + `"`
	}
	return name + " <" + p.address + ">"
}

func addressList(people []*person, via string) string {
	var s []string
	for _, p := range people {
		s = append(s, displayAddress(p, via))
	}
	return strings.Join(s, ", ")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func encodeHeader(s, charset string) string {
	if isASCII(s) {
		return s
	}
	if octets, ok := encodeCharset(s, charset); ok && charset != "utf-8" {
		return mime.QEncoding.Encode(charset, octets)
	}
	return mime.BEncoding.Encode("utf-8", s)
}

// fold breaks a header line at spaces before column 78, RFC 5322 section 2.2.3.
func fold(line string) string {
	var out strings.Builder
	col := 0
	for i, w := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case col+1+len(w) > 78 && i > 1:
			out.WriteString("\r\n ")
			col = 1
		default:
			out.WriteString(" ")
			col++
		}
		out.WriteString(w)
		col += len(w)
	}
	return out.String()
}

// arrival is when our server had the message.
func arrival(e *entry) time.Time {
	if d := e.fields["delay"]; d != "" {
		var seconds int
		if _, err := fmt.Sscan(d, &seconds); err != nil {
			panic(fmt.Sprintf("demomail: message %q: delay %q", e.id, d))
		}
		return e.date.Add(time.Duration(seconds) * time.Second)
	}
	return e.date.Add(time.Duration(2+hashInt(9, "delay", e.id)) * time.Second)
}
