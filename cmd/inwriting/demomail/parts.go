package demomail

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"mime"
	"path"
	"strings"
	"time"
)

// attachment is a file made from a few lines.
type attachment struct {
	name  string
	lines []string
}

func (a attachment) part(e *entry) mimePart {
	var octets []byte
	contentType := ""
	switch path.Ext(a.name) {
	case ".pdf":
		octets, contentType = pdf(a.lines), "application/pdf"
	case ".csv":
		octets, contentType = []byte(strings.Join(a.lines, "\r\n")+"\r\n"), "text/csv; charset=utf-8"
	case ".txt":
		octets, contentType = []byte(strings.Join(a.lines, "\r\n")+"\r\n"), "text/plain; charset=utf-8"
	case ".ics":
		octets, contentType = calendar(e, a.lines), "text/calendar; charset=utf-8; method=REQUEST"
	case ".xlsx":
		octets, contentType = xlsx(a.lines), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".png":
		octets, contentType = dot, "image/png"
	default:
		panic(fmt.Sprintf("demomail: message %q: attachment %q", e.id, a.name))
	}
	name, file := `; name="`+a.name+`"`, `; filename="`+a.name+`"`
	if !isASCII(a.name) {
		// RFC 2231 section 4 for the one, the old habit of RFC 2047 words for the other.
		name = `; name="` + mime.QEncoding.Encode("utf-8", a.name) + `"`
		file = "; " + strings.TrimPrefix(mime.FormatMediaType("x", map[string]string{"filename": a.name}), "x; ")
	}
	return mimePart{
		[]string{"Content-Type: " + contentType + ";\r\n\t" + strings.TrimPrefix(name, "; "),
			"Content-Transfer-Encoding: base64",
			"Content-Disposition: attachment" + ";\r\n\t" + strings.TrimPrefix(file, "; ")},
		wrapBase64(string(octets)),
	}
}

// dot is a PNG image of one grey pixel: a logo in a signature, a photograph that
// is not worth its bytes here.
var dot, _ = base64.StdEncoding.DecodeString(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")

// pdf is a page of text.
func pdf(lines []string) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`, "€", `\200`, "£", `\243`, "–", "-", "ü", `\374`, "é", `\351`)
	var text strings.Builder
	text.WriteString("BT /F1 11 Tf 14 TL 56 780 Td\n")
	for _, l := range lines {
		text.WriteString("(" + escape.Replace(l) + ") Tj T*\n")
	}
	text.WriteString("ET\n")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}

// calendar is an invitation: begin, end, what, where.
func calendar(e *entry, lines []string) []byte {
	if len(lines) != 4 {
		panic(fmt.Sprintf("demomail: message %q: an invitation needs begin, end, what, where", e.id))
	}
	at := func(s string) string {
		t, err := time.Parse("2006-01-02 15:04", strings.TrimSpace(s))
		if err != nil {
			panic(fmt.Sprintf("demomail: message %q: %v", e.id, err))
		}
		return inZone(t, e.from.zone).UTC().Format("20060102T150405Z")
	}
	s := []string{"BEGIN:VCALENDAR", "PRODID:-//" + e.from.name + "//EN", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT",
		"UID:" + hash(32, "event", e.id) + "@" + domainOf(e.from.address), "DTSTAMP:" + e.date.UTC().Format("20060102T150405Z"),
		"DTSTART:" + at(lines[0]), "DTEND:" + at(lines[1]), "SUMMARY:" + lines[2], "LOCATION:" + lines[3],
		"ORGANIZER;CN=" + e.from.name + ":mailto:" + e.from.address}
	for _, p := range e.to {
		s = append(s, "ATTENDEE;RSVP=TRUE;CN="+p.name+":mailto:"+p.address)
	}
	s = append(s, "END:VEVENT", "END:VCALENDAR", "")
	return []byte(strings.Join(s, "\r\n"))
}

// xlsx is a workbook with one sheet of text cells. Its parts are stored, not
// compressed: a new compressor must not change the mail.
func xlsx(lines []string) []byte {
	var rows strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&rows, `<row r="%d">`, i+1)
		for k, cell := range strings.Split(l, ",") {
			var text bytes.Buffer
			_ = xml.EscapeText(&text, []byte(strings.TrimSpace(cell))) // a bytes.Buffer does not fail
			fmt.Fprintf(&rows, `<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+k, i+1, text.String())
		}
		rows.WriteString("</row>")
	}
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	files := []field{
		{"[Content_Types].xml", head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
		{"_rels/.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", head + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", head + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + rows.String() + `</sheetData></worksheet>`},
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(f.value))
		}
		if err != nil {
			panic(err) // a bytes.Buffer does not fail
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// bouncePart is a delivery status notification for the answered message, RFC
// 3464; the body's first line is the address that failed, the rest its reason.
func bouncePart(e *entry) mimePart {
	reporter := "mail." + domainOf(e.from.address)
	rcpt, reason := e.body[0], strings.Join(e.body[1:], " ")
	text := "This is the mail system at host " + reporter + ".\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<" + rcpt + ">: " + reason + "\n"
	status := "Reporting-MTA: dns; " + reporter + "\r\nArrival-Date: " + e.date.Format(time.RFC1123Z) +
		"\r\n\r\nFinal-Recipient: rfc822; " + rcpt + "\r\nAction: failed\r\nStatus: 5.4.4\r\nDiagnostic-Code: smtp; " + reason + "\r\n"
	p := multi(e, "report",
		mimePart{[]string{"Content-Type: text/plain; charset=us-ascii"}, strings.ReplaceAll(text, "\n", "\r\n")},
		mimePart{[]string{"Content-Type: message/delivery-status"}, status},
		mimePart{[]string{"Content-Type: message/rfc822"}, string(compose(e.parent))})
	p.header[0] += "; report-type=delivery-status"
	return p
}
