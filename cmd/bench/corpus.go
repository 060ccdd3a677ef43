package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// corpus writes n generated messages as a maildir and returns their octets in
// all. The same n gives the same mail. The mix is that of notes: mean about 13 kB,
// median 8 kB, a quarter with an attachment, half with an HTML alternative, words
// by a Zipf law, threads with quoted history, ids and dates between the words.
func corpus(dir string, n int) (int64, error) {
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return 0, err
		}
	}
	g := newGenerator(1)
	var total int64
	for i := range n {
		raw := g.message(i)
		total += int64(len(raw))
		// Maildir files have bare LF; the wire form has CRLF.
		name := filepath.Join(dir, "cur", fmt.Sprintf("%d.M%06d.bench:2,S", 1600000000+i*600, i))
		if err := os.WriteFile(name, []byte(raw), 0o644); err != nil {
			return 0, err
		}
	}
	return total, nil
}

type generator struct {
	r     *rand.Rand
	zipf  *rand.Zipf
	words []string
	body  []string // of recent messages, for quoting
	ids   []string
	subj  []string
}

func newGenerator(seed uint64) *generator {
	r := rand.New(rand.NewPCG(seed, 42))
	g := &generator{r: r, zipf: rand.NewZipf(r, 1.07, 2.5, 39999)}
	// Real English first, so that the reader meets the words its rules know.
	g.words = strings.Fields(`the to and of a in is for you on it that we this with be have at as will are your not if please can I our from was by or so do
		me no just up but out get one two send need know date time day week invoice meeting book flight hotel confirm confirmed attached draft price rate
		change instead could would should let tomorrow today Monday Tuesday Wednesday Thursday Friday March April client call email list file order booking
		page room hours thanks regards question answer agree fine good go ahead check review update version report budget payment paid due deadline contract
		terms delivery shipping office team project plan site design copy text image logo print number name address phone message reply`)
	syl := []string{"ba", "ren", "tor", "mi", "sa", "lek", "dor", "vin", "ta", "po", "gra", "sel", "ni", "cor", "ha", "mur", "el", "os", "it", "ul"}
	for len(g.words) < 40000 {
		w := ""
		for range 2 + r.IntN(3) {
			w += syl[r.IntN(len(syl))]
		}
		g.words = append(g.words, w)
	}
	return g
}

func (g *generator) sentence() string {
	var b strings.Builder
	n := 4 + g.r.IntN(18)
	for i := range n {
		w := g.words[g.zipf.Uint64()]
		if i == 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		switch g.r.IntN(120) {
		case 0:
			fmt.Fprintf(&b, " %d March", 1+g.r.IntN(28))
		case 1:
			fmt.Fprintf(&b, " £%d.%02d", g.r.IntN(900), g.r.IntN(100))
		case 2:
			fmt.Fprintf(&b, " INV-20%02d-%05d", g.r.IntN(24), g.r.IntN(99999))
		case 3:
			b.WriteByte(',')
		}
	}
	b.WriteByte(".?!."[g.r.IntN(4)])
	return b.String()
}

func (g *generator) text(size int) string {
	var b strings.Builder
	line := 0
	for b.Len() < size {
		for _, w := range strings.Fields(g.sentence()) {
			if line+len(w) > 72 {
				b.WriteByte('\n')
				line = 0
			} else if line > 0 {
				b.WriteByte(' ')
				line++
			}
			b.WriteString(w)
			line += len(w)
		}
		if g.r.IntN(5) == 0 {
			b.WriteString("\n\n")
			line = 0
		}
	}
	return b.String() + "\n"
}

var people = []string{"Nora Lind <nora@deskandco.example>", "Martin Hale <martin@halearchitects.example>", "Robert Falk <rf@falk.example>", "Ines Voss <ines@voss.example>",
	"Tom Berg <tom@berg.example>", "Alpenair <booking@alpenair.example>", "Printshop <orders@inkwell.example>", "Asha Raman <asha@raman.example>"}

func (g *generator) message(i int) string {
	r := g.r
	date := time.Date(2020, 9, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * 37 * time.Minute)
	id := fmt.Sprintf("%d.%x@bench.example", i, r.Uint64())
	size := int(math.Exp(7.6 + 0.8*r.NormFloat64()))
	text := g.text(min(max(size, 80), 24000))
	subject := strings.TrimRight(g.sentence(), ".?!")
	subject = subject[:min(len(subject), 60)]
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <bounce@bench.example>\nReceived: from mx.bench.example ([192.0.2.7]) by mail.deskandco.example with ESMTPS id %x;\n\t%s\n", r.Uint64(), date.Format(time.RFC1123Z))
	fmt.Fprintf(&b, "From: %s\nTo: %s\nDate: %s\nMessage-ID: <%s>\n", people[r.IntN(len(people))], people[r.IntN(len(people))], date.Format(time.RFC1123Z), id)
	if len(g.ids) > 0 && r.IntN(100) < 60 {
		k := len(g.ids) - 1 - r.IntN(min(len(g.ids), 40))
		subject = "Re: " + strings.TrimPrefix(g.subj[k], "Re: ")
		fmt.Fprintf(&b, "In-Reply-To: <%s>\nReferences: <%s>\n", g.ids[k], g.ids[k])
		quoted := "> " + strings.ReplaceAll(strings.TrimRight(g.body[k], "\n"), "\n", "\n> ")
		text += fmt.Sprintf("\nOn %s, %s wrote:\n%s\n", date.Add(-time.Hour).Format("Mon, 2 Jan 2006 at 15:04"), people[r.IntN(len(people))], wholeLines(quoted, 8000))
	}
	fmt.Fprintf(&b, "Subject: %s\nMIME-Version: 1.0\n", subject)
	g.ids, g.body, g.subj = append(g.ids, id), append(g.body, wholeLines(text, 3000)), append(g.subj, subject)
	if len(g.ids) > 200 {
		g.ids, g.body, g.subj = g.ids[100:], g.body[100:], g.subj[100:]
	}
	html, attach := r.IntN(100) < 45, r.IntN(100) < 25
	bound := fmt.Sprintf("b%x", r.Uint64())
	if attach {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=%q\n\n--%s\n", bound, bound)
	}
	if html {
		fmt.Fprintf(&b, "Content-Type: multipart/alternative; boundary=\"%sa\"\n\n--%sa\n", bound, bound)
	}
	fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n%s\n", text)
	if html {
		fmt.Fprintf(&b, "--%sa\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n<html><body><div style=\"font-family:Calibri\"><p>%s</p></div></body></html>\n--%sa--\n", bound,
			strings.ReplaceAll(text, "\n\n", "</p>\n<p>"), bound)
	}
	if attach {
		data := make([]byte, 2000+r.IntN(24000))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		fmt.Fprintf(&b, "--%s\nContent-Type: application/pdf; name=\"file%d.pdf\"\nContent-Disposition: attachment; filename=\"file%d.pdf\"\nContent-Transfer-Encoding: base64\n\n", bound, i, i)
		e := base64.StdEncoding.EncodeToString(data)
		for len(e) > 76 {
			b.WriteString(e[:76] + "\n")
			e = e[76:]
		}
		b.WriteString(e + "\n--" + bound + "--\n")
	}
	return b.String()
}

func base64Line(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// wholeLines cuts s to at most so many octets, after a line.
func wholeLines(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:strings.LastIndexByte(s[:most], '\n')+1]
}
