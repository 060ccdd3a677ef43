package outlook

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// writer writes RFC 5322.
type writer struct {
	b    bytes.Buffer
	id   string // of the file, in boundaries
	next int    // number of the next boundary
}

// field writes a header field; what is not ASCII is encoded as RFC 2047 says.
func (w *writer) field(name, value string) {
	value = oneLine(value)
	if !ascii(value) {
		value = mime.QEncoding.Encode("utf-8", value)
	}
	fold(&w.b, name+": "+value)
}

// raw writes a field whose value is in its final form.
func (w *writer) raw(name, value string) { fold(&w.b, name+": "+oneLine(value)) }

// fold breaks a field at spaces, so that its lines are shorter than 78 where they
// can be (RFC 5322 section 2.1.1).
func fold(b *bytes.Buffer, s string) {
	for len(s) > 76 {
		i := strings.LastIndexByte(s[:76], ' ')
		if i <= 1 || strings.TrimSpace(s[:i]) == "" || strings.HasSuffix(s[:i], ":") {
			if i = strings.IndexByte(s[76:], ' '); i < 0 {
				break
			}
			i += 76
		}
		b.WriteString(s[:i] + "\r\n")
		s = s[i:]
	}
	b.WriteString(s + "\r\n")
}

func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// message writes header section and body.
func (w *writer) message(m *message) {
	if fields := arrived(m.headers); len(fields) > 0 {
		for _, f := range fields {
			w.b.WriteString(f)
		}
	} else {
		w.header(m)
	}
	w.raw("MIME-Version", "1.0")
	w.body(m)
}

// arrived returns the fields a message arrived with, each with its line ends, but
// for those that say how the body was packed: it is packed anew.
func arrived(text string) []string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var out []string
	keep := false
	for _, l := range strings.Split(text, "\n") {
		if strings.TrimSpace(l) == "" {
			if len(out) > 0 {
				break // what follows belongs to the body
			}
			continue
		}
		if l[0] == ' ' || l[0] == '\t' {
			if keep {
				out[len(out)-1] += l + "\r\n"
			}
			continue
		}
		name, _, ok := strings.Cut(l, ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		// "Microsoft Mail Internet Headers Version 2.0" is no field.
		keep = ok && name != "" && !strings.ContainsAny(name, " \t") && !strings.HasPrefix(name, "content-") && name != "mime-version"
		if keep {
			out = append(out, l+"\r\n")
		}
	}
	return out
}

func (w *writer) header(m *message) {
	when := m.sent
	if when.IsZero() {
		when = m.received
	}
	if when.IsZero() && m.flags&flagUnsent != 0 {
		when = m.created
	}
	if !when.IsZero() {
		w.raw("Date", when.Format(time.RFC1123Z))
	}
	if m.from != (person{}) {
		w.raw("From", m.from.String())
	}
	if m.sender.address != "" && m.sender.address != m.from.address {
		w.raw("Sender", m.sender.String())
	}
	for kind, name := range []string{1: "To", 2: "Cc", 3: "Bcc"} {
		var list []string
		for _, r := range m.recipients {
			if int(r.kind) == kind && kind > 0 || kind == 1 && (r.kind < 1 || r.kind > 3) {
				list = append(list, r.String())
			}
		}
		if len(list) > 0 {
			w.raw(name, strings.Join(list, ", "))
		}
	}
	w.field("Subject", m.subject)
	for _, f := range [][2]string{{"Message-ID", m.messageID}, {"In-Reply-To", m.inReplyTo}, {"References", m.references}} {
		if f[1] != "" {
			w.field(f[0], f[1])
		}
	}
	if len(m.index) > 0 && len(m.index) < 1024 {
		w.raw("Thread-Index", base64.StdEncoding.EncodeToString(m.index))
	}
	if m.class != "" && !strings.EqualFold(m.class, "IPM.Note") {
		w.field("X-Outlook-Class", m.class)
	}
}

// String writes somebody as RFC 5322 section 3.4 does; without an address as an
// empty group, which names and does not address.
func (p person) String() string {
	name := oneLine(p.name)
	if strings.EqualFold(name, p.address) {
		name = ""
	}
	switch {
	case p.address == "":
		return phrase(name) + ":;"
	case name == "":
		return "<" + oneLine(p.address) + ">"
	}
	return phrase(name) + " <" + oneLine(p.address) + ">"
}

func phrase(name string) string {
	if !ascii(name) {
		return mime.QEncoding.Encode("utf-8", name)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// signedMIME is the class of a message whose one attachment is its whole body, as
// it was signed (MS-OXOSMIME section 2.1.2).
const signedMIME = "ipm.note.smime.multipartsigned"

func (w *writer) body(m *message) {
	if strings.EqualFold(m.class, signedMIME) && len(m.files) == 1 {
		if b := m.files[0].data; looksLikeEntity(b) {
			w.b.Write(b)
			return
		}
	}
	bodies := 0
	if m.text != "" || m.html == "" {
		bodies++
	}
	if m.html != "" {
		bodies++
	}
	if len(m.files) == 0 {
		w.texts(m, bodies)
		return
	}
	mixed := w.boundary()
	w.raw("Content-Type", `multipart/mixed; boundary="`+mixed+`"`)
	w.b.WriteString("\r\n--" + mixed + "\r\n")
	w.texts(m, bodies)
	for _, a := range m.files {
		w.b.WriteString("\r\n--" + mixed + "\r\n")
		w.attachment(a)
	}
	w.b.WriteString("\r\n--" + mixed + "--\r\n")
}

var entity = regexp.MustCompile(`(?is)\A\s*(?:mime-version:[^\n]*\n)?content-type:\s*multipart/signed`)

// looksLikeEntity reports whether octets begin with the header of a MIME entity.
func looksLikeEntity(b []byte) bool { return entity.Match(b[:min(len(b), 512)]) }

func (w *writer) boundary() string {
	w.next++
	return fmt.Sprintf("=_outlook_%s_%d", w.id, w.next)
}

func (w *writer) texts(m *message, bodies int) {
	if bodies < 2 {
		kind, text := "plain", m.text
		if m.html != "" {
			kind, text = "html", m.html
		}
		w.text(kind, text)
		return
	}
	b := w.boundary()
	w.raw("Content-Type", `multipart/alternative; boundary="`+b+`"`)
	w.b.WriteString("\r\n--" + b + "\r\n")
	w.text("plain", m.text)
	w.b.WriteString("\r\n--" + b + "\r\n")
	w.text("html", m.html)
	w.b.WriteString("\r\n--" + b + "--\r\n")
}

// charset is what a page says of itself. The text is UTF-8 now.
var charset = regexp.MustCompile(`(?i)(<meta[^>]*charset\s*=\s*["']?)[a-z0-9_:.-]+`)

func (w *writer) text(kind, text string) {
	if kind == "html" {
		text = charset.ReplaceAllString(text, "${1}utf-8")
	}
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	w.raw("Content-Type", "text/"+kind+"; charset=utf-8")
	w.raw("Content-Transfer-Encoding", "quoted-printable")
	w.b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&w.b)
	_, _ = q.Write([]byte(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n"))) // a Buffer takes everything
	_ = q.Close()
	if !bytes.HasSuffix(w.b.Bytes(), []byte("\r\n")) {
		w.b.WriteString("\r\n")
	}
}

func (w *writer) attachment(a attachment) {
	name := path.Base(strings.ReplaceAll(oneLine(a.name), `\`, "/"))
	if name == "." || name == "/" {
		name = ""
	}
	if a.message != nil {
		w.raw("Content-Type", "message/rfc822")
		w.raw("Content-Disposition", "attachment")
		w.b.WriteString("\r\n")
		w.message(a.message)
		return
	}
	if a.missing != "" {
		w.raw("Content-Type", "text/plain; charset=utf-8")
		w.b.WriteString("\r\n")
		fmt.Fprintf(&w.b, "[Attachment %q: %s.]\r\n", name, a.missing)
		return
	}
	kind := strings.ToLower(oneLine(a.media))
	if !mediaType.MatchString(kind) || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
		if kind = mediaTypes[strings.ToLower(path.Ext(name))]; kind == "" {
			kind, _, _ = strings.Cut(http.DetectContentType(a.data), ";")
		}
	}
	disposition := "attachment"
	if a.id != "" {
		disposition = "inline"
	}
	if p := mime.FormatMediaType(disposition, map[string]string{"filename": name}); name != "" && p != "" {
		disposition = p
	}
	w.raw("Content-Type", kind)
	w.raw("Content-Transfer-Encoding", "base64")
	w.raw("Content-Disposition", disposition)
	if a.id != "" && ascii(a.id) {
		w.raw("Content-ID", "<"+strings.Trim(oneLine(a.id), "<>")+">")
	}
	w.b.WriteString("\r\n")
	for b := a.data; len(b) > 0; {
		n := min(57, len(b)) // 76 characters, RFC 2045 section 6.8
		w.b.WriteString(base64.StdEncoding.EncodeToString(b[:n]) + "\r\n")
		b = b[n:]
	}
}

var mediaType = regexp.MustCompile(`^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$`)

// mediaTypes are here so that they are the same on every machine.
var mediaTypes = map[string]string{".html": "text/html", ".htm": "text/html", ".txt": "text/plain", ".csv": "text/csv", ".ics": "text/calendar", ".pdf": "application/pdf", ".png": "image/png",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".xml": "application/xml", ".json": "application/json", ".zip": "application/zip", ".p7m": "application/pkcs7-mime",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation"}
