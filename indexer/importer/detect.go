package importer

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"inwriting/indexer/outlook"
)

// form is how a stream of octets is written down.
type form int

const (
	unknown form = iota
	empty
	gzipped
	zstandard
	zipped
	tarred
	mboxed
	mail
	emlx        // Apple Mail: the length, the message, a property list
	compound    // Outlook's .msg, and Office documents
	outlookData // .pst and .ost
)

// sniffLen is how much of a stream is looked at.
const sniffLen = 16 << 10

// sniff tells what begins with head, and for unknown what it might be. The name
// only settles doubt.
func sniff(head []byte, name string) (form, string) {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	ext := strings.ToLower(path.Ext(name))
	switch {
	case len(head) == 0:
		return empty, "empty"
	case has("\x1f\x8b"):
		return gzipped, ""
	case has("\x28\xb5\x2f\xfd"):
		return zstandard, ""
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return zipped, ""
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return tarred, ""
	case has(outlook.Magic):
		return compound, ""
	case has("!BDN"):
		return outlookData, ""
	case has("BZh"), has("\xfd7zXZ\x00"), has("7z\xbc\xaf\x27\x1c"), has("Rar!"):
		return unknown, "packed in a way that is not read; unpack it first, or use .gz, .zst or .zip"
	case has("%PDF-"):
		return unknown, "a PDF file"
	case has("\x89PNG"), has("\xff\xd8\xff"), has("GIF8"):
		return unknown, "a picture"
	}

	if _, rest, ok := emlxLength(head); ok && (ext == ".emlx" || looksLikeMail(rest)) {
		return emlx, ""
	}
	start := bytes.TrimLeft(head, "\r\n")
	if line, _, _ := bytes.Cut(start, []byte("\n")); bytes.HasPrefix(start, []byte("From ")) {
		if from, ok := parseFrom(line); ok && (from.dated || ext == ".mbox" || headerLike(after(start))) {
			return mboxed, ""
		}
	}
	// Text with zero bytes near its start is not text. Mail has them seldom, and
	// then deep inside.
	binary := bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0
	if !binary && looksLikeMail(head) {
		return mail, ""
	}
	switch {
	case ext == ".msf":
		return unknown, "an index of Thunderbird's"
	case binary:
		return unknown, NotText
	case ext == ".eml":
		return mail, "" // malformed mail is data
	}
	return unknown, NoHeader
}

// after returns what follows the first line.
func after(b []byte) []byte {
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	return rest
}

// Fields that only mail has at its very start, and fields that other files have
// as well. One of the first kind or two of either make a message.
var (
	strongFields = []string{"message-id", "received", "return-path", "delivered-to", "mime-version", "dkim-signature", "x-gm-thrid", "envelope-to", "x-originating-ip"}
	weakFields   = []string{"from", "to", "cc", "bcc", "date", "subject", "sender", "reply-to", "content-type", "content-transfer-encoding",
		"in-reply-to", "references", "status", "x-status", "x-mailer", "user-agent", "content-disposition"}
)

// looksLikeMail judges the first lines: header fields, continuation lines and a
// few spoiled ones, up to an empty line.
func looksLikeMail(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, "\r\n")
	strong, weak, other := 0, 0, 0
	for n := 0; n < 200 && len(head) > 0; n++ {
		var line []byte
		line, head = cutLine(head)
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if n == 0 {
				return false
			}
			continue
		}
		name, ok := fieldName(line)
		switch {
		case ok && slices.Contains(strongFields, name):
			strong++
		case ok && name == "content-type" && bytes.Contains(bytes.ToLower(line), []byte("multipart/")):
			strong++
		case ok && slices.Contains(weakFields, name):
			weak++
		case ok:
		case n == 0 && bytes.HasPrefix(line, []byte(">From ")): // seen in practice
		default:
			if other++; other > 2 {
				n = 200
			}
		}
	}
	return strong > 0 && strong+weak > 1 || weak > 1 || strong > 0 && other == 0
}

// cutLine cuts at CRLF, LF or a CR alone: there is mail with nothing else.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil
	}
	if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
		return b[:i], b[i+2:]
	}
	return b[:i], b[i+1:]
}

// fieldName returns the lower-case name of a header field (RFC 5322 section
// 2.2, and the space before the colon of section 4.5.8).
func fieldName(line []byte) (string, bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i > 76 {
		return "", false
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return strings.ToLower(string(name)), len(name) > 0
}

// headerLike reports whether b begins with a header field.
func headerLike(b []byte) bool {
	line, _ := cutLine(b)
	_, ok := fieldName(line)
	return ok || bytes.HasPrefix(line, []byte(">From "))
}

// Reasons to pass over a file that was never mail.
const (
	NotText  = "not text"
	NoHeader = "no header of a message at its start"
)
