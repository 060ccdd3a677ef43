package message

import "strings"

// A hint is what the markup says of a line.
type hint uint8

const (
	hintQuote     hint = 1 + iota // history repeated by a mail program
	hintCite                      // attribution line
	hintSignature                 // signature block
)

// quotes tells a quotation from an indented paragraph: editors indent with a
// blockquote that has neither border nor type.
func quotes(a *attrs) bool {
	if strings.EqualFold(a.typ, "cite") || a.hasClass("gmail_quote", "protonmail_quote", "zmail_extra") {
		return true
	}
	s := strings.ToLower(strings.Map(dropSpace, a.style))
	return !strings.Contains(s, "border:none") && !strings.Contains(s, "border:0")
}

func tightMargin(style string) bool {
	if style == "" {
		return false
	}
	s := strings.ToLower(strings.Map(dropSpace, style))
	return strings.HasPrefix(s, "margin:0") || strings.Contains(s, ";margin:0") || strings.Contains(s, "margin-bottom:0") || strings.Contains(s, "margin-top:0")
}

// hintOf knows the marks that mail programs leave in their HTML.
func (w *htmlWriter) hintOf(a *attrs) hint {
	switch a.name {
	case "quote", "messageReplySection": // GMX and web.de; Spark
		return hintQuote
	case "messageSignatureSection":
		return hintSignature
	}
	if a.class == "" && a.id == "" && a.data == "" {
		return 0
	}
	id := strings.TrimPrefix(strings.ToLower(a.id), "x_")
	switch id {
	case "divrplyfwdmsg": // Outlook on the web: header block, then the history without an element of its own
		w.sticky = hintQuote
		return hintQuote
	case "olk_src_body_section", "isreplycontent", "mail-editor-reference-message-container":
		return hintQuote
	case "reply-intro": // Roundcube
		return hintCite
	case "signature", "applemailsignature", "ms-outlook-mobile-signature", "ms-outlook-mobile-body-separator-line":
		return hintSignature
	}
	switch {
	case a.hasClass("gmail_attr", "moz-cite-prefix", "moz-email-headers-table"):
		return hintCite
	case a.hasClass("yahoo_quoted", "protonmail_quote", "moz-forward-container", "zmail_extra", "OutlookMessageHeader", "sh-quoted-content"),
		strings.HasSuffix(a.class, "yahoo_quoted"): // Yahoo puts its own prefix before its names
		return hintQuote
	case a.hasClass("gmail_signature", "moz-signature", "AppleMailSignature", "protonmail_signature_block", "gmail_signature_prefix"), a.data == "gmail_signature":
		return hintSignature
	}
	return 0
}
