package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
)

// Check 13 in notes/evidence.md, section 12, for what no gate can read: in a redacted
// bundle it is withheld, with its hash, and the message that holds it is given as text.
func TestCheck13WhatCannotBeRead(t *testing.T) {
	utf16 := func(s string) []byte {
		out := []byte{0xff, 0xfe}
		for _, r := range s {
			out = append(out, byte(r), byte(r>>8))
		}
		return out
	}
	picture := []byte("\x89PNG\r\n\x1a\n a scan of words")
	clear := []byte("just words, nothing else\n")
	for name, c := range map[string]struct {
		file, media string
		data        []byte
		dark        bool
	}{
		"picture":                {"scan.png", "image/png", picture, true},
		"PDF":                    {"terms.pdf", "application/pdf", []byte("%PDF-1.7 compressed"), true},
		"archive":                {"all.zip", "application/zip", []byte("PK\x03\x04 packed"), true},
		"sound":                  {"voice.ogg", "audio/ogg", []byte("OggS"), true},
		"unknown":                {"x.bin", "application/octet-stream", []byte("who knows"), true},
		"rich text":              {"a.rtf", "text/rtf", []byte(`{\rtf1 {\pict 89504e47}}`), true},
		"picture in office file": {"a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", zipOf(t, "word/document.xml", "<w:t>text</w:t>", "word/media/image1.png", "words in a picture"), true},
		"damaged office file":    {"a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", []byte("PK\x03\x04"), true},
		"picture in a page":      {"a.html", "text/html", []byte(`<p>hello <img src="data:image/png;base64,iVBORw0KGgo=">`), true},
		"packed text":            {"key.txt", "text/plain", []byte(strings.Repeat(strings.Repeat("QUJD", 16)+"\n", 3)), true},
		"escaped words":          {"a.json", "application/json", []byte(`{"a":"\u0053ecretco"}`), true},
		"no charset":             {"a.txt", "text/plain", []byte("caf\xe9"), true},
		"office file":            {"a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", zipOf(t, "word/document.xml", "<w:t>text</w:t>"), false},
		"text":                   {"a.txt", "text/plain", clear, false},
		"UTF-16":                 {"a.txt", "text/plain", utf16("plain words"), false},
		"page":                   {"a.html", "text/html", []byte("<p>hello <b>there</b></p>"), false},
	} {
		t.Run(name, func(t *testing.T) {
			in := mailOf(t, note{raw: attach(c.file, c.media, base64Of(c.data)), said: "Please book the flight for Tuesday."})
			in.Redactions, in.Profile = []Redaction{{Words: "Secretco", Reason: "another client"}}, "court-uk"
			bag, sum := bagOf(t, in)
			hash := sha256.Sum256(c.data)
			id := hex.EncodeToString(hash[:])
			list := bag["data/attachments-withheld.csv"]
			if eml := bag["data/eml/E0001.eml"] != ""; eml == c.dark {
				t.Errorf("the original is in the bundle: %v", eml)
			}
			if holds(bag, c.data) == c.dark {
				t.Errorf("the attachment is in the bundle: %v", !c.dark)
			}
			if strings.Contains(list, id) != c.dark || strings.Contains(bag["data/attachments/E0001/sums.csv"], id) == false {
				t.Errorf("its hash is not where it must be:\n%s\n%s", list, bag["data/attachments/E0001/sums.csv"])
			}
			if !c.dark {
				return
			}
			if !slices.ContainsFunc(sum.Warnings, func(s string) bool { return strings.Contains(s, "--keep-attachment "+id[:16]) }) {
				t.Errorf("warnings %q", sum.Warnings)
			}
			if !strings.Contains(bag["data/text/E0001.txt"], "Please book the flight") {
				t.Error("the text of the message is gone")
			}
			if name != "picture" && name != "picture in a page" {
				return
			}
			// Somebody looked at it.
			in.Keep = []Keep{{SHA256: id[:16], Reason: "a logo"}}
			bag, sum = bagOf(t, in)
			if bag["data/eml/E0001.eml"] == "" || !holds(bag, c.data) || !strings.Contains(bag["data/attachments-withheld.csv"], `"kept","a logo"`) || sum.Redacted != 0 {
				t.Errorf("kept, and not in the bundle: %+v\n%s", sum, bag["data/attachments-withheld.csv"])
			}
			in.Keep = []Keep{{SHA256: "00000000", Reason: "?"}}
			if _, err := Write(io.Discard, in); err == nil || !strings.Contains(err.Error(), "no attachment") {
				t.Errorf("a hash of nothing: %v", err)
			}
		})
	}
}

func holds(bag map[string]string, data []byte) bool {
	for name, s := range bag {
		if strings.HasPrefix(name, "data/attachments/") && !strings.HasSuffix(name, ".csv") && s == string(data) {
			return true
		}
	}
	return false
}

func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	z.Close()
	return b.Bytes()
}

// Words in forms that a look at the octets does not find.
func TestCheck13HiddenForms(t *testing.T) {
	wide := "\xff\xfe"
	for _, r := range "it is Secretco" {
		wide += string([]byte{byte(r), 0})
	}
	nested := "From: a@halearchitects.example\nSubject: inner\nMIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
	for name, raw := range map[string]string{
		"UTF-16 attachment":           attach("a.txt", "text/plain", base64.StdEncoding.EncodeToString([]byte(wide))),
		"encoded header":              strings.Replace(booking, "To: ", "Thread-Topic: =?utf-8?B?U2VjcmV0?= =?utf-8?B?Y28=?=\nTo: ", 1),
		"encoded part header":         strings.Replace(attach("a.txt", "text/plain", "eA=="), "Content-Disposition:", "Content-Description: =?utf-8?Q?Secret=63o?=\nContent-Disposition:", 1),
		"picture in a nested message": strings.Replace(strings.Replace(attach("m.eml", "message/rfc822", ""), "Content-Transfer-Encoding: base64\n", "", 1), "\n\n\n--b--", "\n\n"+nested+"--b--", 1),
		"picture without a name":      strings.ReplaceAll(attach("x", "image/png", "iVBORw0KGgo="), ` name="x"`, ""),
	} {
		t.Run(name, func(t *testing.T) {
			in := mailOf(t, note{raw: raw, said: "Please book the flight for Tuesday."})
			in.Redactions = []Redaction{{Words: "Secretco", Reason: "another client"}}
			if bag, sum := bagOf(t, in); bag["data/eml/E0001.eml"] != "" || sum.Redacted != 1 {
				t.Errorf("the original is in the bundle:\n%s", raw)
			}
		})
	}
	in := withOutside(t)
	in.Outside[0].Media, in.Outside[0].Name = "image/png", "screen.png"
	in.Redactions = []Redaction{{Words: "Secretco", Reason: "another client"}}
	if bag, sum := bagOf(t, in); sum.Withheld != 1 || !strings.Contains(bag["data/withheld.csv"], `"NOT-SEARCHED"`) || bag["data/outside.csv"] != "" {
		t.Errorf("a picture from outside: %+v\n%s", sum, bag["data/withheld.csv"])
	}
	in.Keep = []Keep{{SHA256: in.Outside[0].Ref.Hex()[:12]}}
	if bag, sum := bagOf(t, in); sum.Withheld != 0 || bag["data/outside.csv"] == "" {
		t.Errorf("a picture from outside that was looked at: %+v", sum)
	}
}

// Of a file of few words the hash says as much as the words: a redacted bundle does not
// have it either.
func TestCheck13NoHashOfFewWords(t *testing.T) {
	const secret = "Secretco 4021\n"
	in := mailOf(t, note{raw: attach("pin.txt", "text/plain", base64Of([]byte(secret))), said: "Please book the flight for Tuesday."})
	in.Redactions = []Redaction{{Words: "Secretco", Reason: "another client"}}
	bag, sum := bagOf(t, in)
	hash := sha256.Sum256([]byte(secret))
	if strings.Contains(everywhere(t, bag, sum.Root), hex.EncodeToString(hash[:])) {
		t.Error("the hash of the attachment is in the bundle")
	}
	if !strings.Contains(bag["data/trail.json"], `"name": "pin.txt"`) {
		t.Errorf("the fixture's trail does not name the attachment:\n%s", bag["data/trail.json"])
	}
}
