package web

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"encoding/base64"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html/charset"

	"inwriting/indexer/archive"
	"inwriting/search"
)

// FramePolicy is the policy of the one page that is made of a stranger's HTML: no
// script, no address but inline pictures, no form, an origin of its own.
const FramePolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"

// leaves are what a message is made of, as its own octets say.
type leaves struct {
	header, source       string
	headerCut, sourceCut bool
	html, text           string // decoded; "" when there is none
}

const (
	octetsMost = 256 << 10 // of header section and source that a page shows
	htmlMost   = 1 << 20
	partsMost  = 200
)

func (w *site) leaves(ctx context.Context, ref archive.Ref) (*leaves, error) {
	rc, _, err := w.s.Raw(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	raw, err := io.ReadAll(io.LimitReader(rc, 32<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the original: %w", err)
	}
	l := &leaves{}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	if len(head) == len(raw) {
		head, _, _ = bytes.Cut(raw, []byte("\n\n"))
	}
	l.header, l.headerCut = cut(head)
	l.source, l.sourceCut = cut(raw)
	if m, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		n := 0
		l.walk(m.Header.Get, m.Body, 0, &n)
	}
	return l, nil
}

func cut(b []byte) (string, bool) {
	if len(b) > octetsMost {
		return strings.ToValidUTF8(string(b[:octetsMost]), "\uFFFD"), true
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), false
}

// walk finds the first HTML and the first plain text that is no attachment.
func (l *leaves) walk(field func(string) string, body io.Reader, depth int, n *int) {
	if *n++; *n > partsMost || depth > 20 {
		return
	}
	typ, params, err := mime.ParseMediaType(field("Content-Type"))
	if err != nil {
		typ = "text/plain"
	}
	if strings.HasPrefix(typ, "multipart/") && params["boundary"] != "" {
		mr := multipart.NewReader(body, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err != nil {
				return
			}
			l.walk(p.Header.Get, p, depth+1, n)
		}
	}
	if d, _, _ := mime.ParseMediaType(field("Content-Disposition")); d == "attachment" {
		return
	}
	into := &l.text
	switch typ {
	case "text/html":
		into = &l.html
	case "text/plain":
	default:
		return
	}
	if *into != "" {
		return
	}
	switch strings.ToLower(strings.TrimSpace(field("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		if r, err := charset.NewReaderLabel(cs, body); err == nil {
			body = r
		}
	}
	b, _ := io.ReadAll(io.LimitReader(body, htmlMost)) // what there is, is shown
	*into = strings.ToValidUTF8(string(b), "\uFFFD")
}

var small = regexp.MustCompile(`^(?:\d|1[0-2])$`)

// mailPolicy lets through what lays text out and nothing that acts or loads.
var mailPolicy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "div", "span", "br", "hr", "b", "strong", "i", "em", "u", "s", "small", "big", "sub", "sup", "blockquote", "pre", "code", "tt", "center", "font",
		"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption")
	p.AllowAttrs("align", "dir").Matching(bluemonday.Paragraph).Globally()
	p.AllowAttrs("cellpadding", "cellspacing", "border").Matching(small).OnElements("table")
	// Cells that span thousands of others keep a browser busy for minutes.
	p.AllowAttrs("colspan", "rowspan").Matching(small).OnElements("td", "th")
	p.AllowAttrs("alt").Matching(bluemonday.Paragraph).OnElements("img")
	return p
}()

// sanitise makes somebody's HTML harmless, and counts the pictures it would have
// loaded from elsewhere. Each is named in its place.
func sanitise(s string) (string, int) {
	remote := 0
	var b strings.Builder
	rest := s
	lower := asciiLower(s)
	for {
		i := strings.Index(lower, "<img")
		if i < 0 {
			break
		}
		j := strings.IndexByte(lower[i:], '>')
		if j < 0 {
			break
		}
		tag := lower[i : i+j+1]
		b.WriteString(rest[:i])
		switch {
		case strings.Contains(tag, "http:") || strings.Contains(tag, "https:") || strings.Contains(tag, "\"//") || strings.Contains(tag, "'//"):
			remote++
			b.WriteString("<span>[remote picture, not loaded]</span>")
		default:
			b.WriteString("<span>[picture]</span>")
		}
		rest, lower = rest[i+j+1:], lower[i+j+1:]
	}
	b.WriteString(rest)
	return mailPolicy.Sanitize(b.String()), remote
}

// asciiLower keeps every offset, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// frame is a message's own HTML, for the sandboxed frame alone.
func (w *site) frame(rw http.ResponseWriter, r *http.Request) {
	ref, err := archive.ParseRef(r.PathValue("ref"))
	if err != nil {
		w.fail(rw, r, search.ErrNotFound)
		return
	}
	l, err := w.leaves(r.Context(), ref)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	body, _ := sanitise(l.html)
	if l.html == "" {
		body = "<pre>" + html.EscapeString(l.text) + "</pre>"
	}
	h := rw.Header()
	h.Set("Content-Security-Policy", FramePolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	page := `<!doctype html><html lang="und"><head><meta charset="utf-8"><title>A message, as sent</title><style>body{font:15px/1.5 Georgia,serif;margin:22px 28px;color:#1e1b17;background:#fff;overflow-wrap:anywhere}table{max-width:100%;border-collapse:collapse}pre{white-space:pre-wrap}span:empty{display:none}</style></head><body><main>` + body + `</main></body></html>`
	_, _ = rw.Write(reveal([]byte(page)))
}

// visible names the characters that cannot be seen; lines stay lines.
func visible(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// homograph says that a sender's domain has letters of several scripts, or of one
// that looks like Latin: "раypal" is not "paypal". "" when it does not.
func homograph(from string) string {
	_, domain, ok := strings.Cut(from, "@")
	if !ok {
		return ""
	}
	domain = strings.TrimRight(domain, "> ")
	if strings.Contains(strings.ToLower(domain), "xn--") {
		return "the domain is written in another script: " + clip(domain, 80)
	}
	latin, other := false, false
	for _, r := range domain {
		switch {
		case r == utf8.RuneError:
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.IsLetter(r):
			other = true
		}
	}
	switch {
	case latin && other:
		return "the domain mixes letters of several scripts"
	case other:
		return "the domain is not written in Latin letters"
	}
	return ""
}
