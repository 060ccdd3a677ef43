package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"inwriting/indexer/message"
)

// zoneScore counts the mails of one set of ../shared/corpora/replies in which
// every line that is not blank stands in the right zone.
type zoneScore struct {
	set          string
	mails, right int
	below        int    // of those, mails with words of their own below a quotation, which the makers call history
	what         string // what is compared
	test         bool   // the set's makers keep it as a test part
}

// zoneSets scores every set of replies whose makers say what is right.
func zoneSets(corpora string, miss func(set, name, text string)) ([]zoneScore, error) {
	dir := filepath.Join(corpora, "replies")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var out []zoneScore
	for _, s := range [...]struct{ folder, half string }{{"quagga-enron", "train"}, {"quagga-enron", "eval"}, {"quagga-asf", "train"}, {"quagga-asf", "eval"}} {
		z, err := quaggaZones(dir, s.folder, s.half, miss)
		if err != nil {
			return nil, err
		}
		out = append(out, z)
	}
	for _, f := range [...]func(string, func(set, name, text string)) zoneScore{lineZones, signatureZones, trimmedZones, talonZones, crispZones} {
		if z := f(dir, miss); z.mails > 0 {
			out = append(out, z)
		}
	}
	return out, nil
}

// plainMail wraps a bare body.
func plainMail(from, subject, kind, body string) *message.Message {
	return message.Parse([]byte("From: " + from + "\nSubject: " + subject + "\nContent-Type: text/" + kind + "; charset=utf-8\n\n" + body))
}

// lineKinds gives the zone kind of each line of m.
func lineKinds(m *message.Message) []message.ZoneKind {
	var out []message.ZoneKind
	for _, z := range m.Zones {
		for range strings.Count(strings.TrimSuffix(m.ZoneText(z), "\n"), "\n") + 1 {
			out = append(out, z.Kind)
		}
	}
	return out
}

func history(k message.ZoneKind) bool { return k == message.Quoted || k == message.Forwarded }

// quaggaZones compares with the marks of Repke and Krestel: a mail's own words
// reach to the first header of a quoted mail.
func quaggaZones(dir, folder, half string, miss func(set, name, text string)) (zoneScore, error) {
	z := zoneScore{set: folder + "/" + half, what: "own or history", test: half == "eval"}
	files := map[string][]byte{}
	if err := fromTar(filepath.Join(dir, folder, half+".tar.zst"), func(name string, b []byte) { files[name] = b }, func(string) bool { return true }); err != nil {
		return z, err
	}
	for _, name := range sortedKeys(files) {
		base, marked := strings.CutSuffix(name, ".ann.json")
		raw, ok := files[base+".txt"]
		if !marked || !ok {
			continue
		}
		var ann struct {
			Text        string
			Denotations []struct {
				Start, End int
				Type       string
			}
		}
		if err := json.Unmarshal(files[name], &ann); err != nil {
			return z, err
		}
		text := []rune(ann.Text) // the marks count characters
		cut := len(text)
		for _, d := range ann.Denotations {
			if d.Type == "Header" && d.Start < cut {
				cut = d.Start
			}
		}
		from := ""
		for _, l := range strings.Split(string(raw), "\n") {
			if f, ok := strings.CutPrefix(l, "X-From: "); ok {
				from = strings.TrimRight(f, "\r")
			} else if strings.TrimSpace(l) == "" {
				break
			}
		}
		kinds := lineKinds(plainMail(from, message.Parse(raw).Subject, "plain", ann.Text))
		if answeredBelow(text, cut) {
			z.below++
		}
		at, good, shown := 0, true, ""
		for i, s := range strings.SplitAfter(string(text), "\n") {
			n := len([]rune(s))
			mark := "  "
			// Closing matter is neither: below a quotation it may be anybody's.
			if strings.TrimSpace(s) != "" && i < len(kinds) && (at+n/2 < cut && history(kinds[i]) || at+n/2 >= cut && kinds[i] == message.New) {
				good, mark = false, "! "
			}
			if i < len(kinds) {
				shown += mark + string(kinds[i]) + "\t" + s
			}
			at += n
		}
		z.count(good, miss, filepath.Base(name), shown)
	}
	return z, nil
}

func (z *zoneScore) count(good bool, miss func(set, name, text string), name, text string) {
	z.mails++
	if good {
		z.right++
	} else if miss != nil {
		miss(z.set, name, text)
	}
}

// answeredBelow reports whether words stand without a mark below words marked with
// ">": an answer, as a rule. The makers' marks call all of it history.
func answeredBelow(text []rune, cut int) bool {
	marked := 0
	for _, l := range strings.Split(string(text[cut:]), "\n") {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, ">"):
			marked++
		case marked > 1 && l != "" && !strings.HasSuffix(l, ":"):
			return true
		}
	}
	return false
}

// lineZones compares with Enron mails marked line by line: own words, headers of
// an embedded mail and what follows them, closing matter of the own words.
func lineZones(dir string, miss func(set, name, text string)) zoneScore {
	z := zoneScore{set: "enron-zone-lines", what: "own, closing or history"}
	for _, path := range globbed(dir, "enron-zone-lines", "*") {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var head, body strings.Builder
		var want []message.ZoneKind
		now := message.New
		for _, l := range strings.SplitAfter(string(b), "\n") {
			if len(l) < 2 || l[1] != '>' || !strings.ContainsAny(l[:1], "BHS") {
				if len(want) == 0 {
					head.WriteString(strings.ReplaceAll(l, "\r", ""))
				}
				continue
			}
			k := now
			switch {
			case l[0] == 'H':
				now, k = message.Quoted, message.Quoted
			case l[0] == 'S' && now == message.New:
				k = message.Signature
			}
			body.WriteString(strings.ReplaceAll(l[2:], "\r", ""))
			want = append(want, k)
		}
		m := message.Parse([]byte(strings.TrimRight(head.String(), "\n") + "\n\n" + body.String()))
		got := lineKinds(m)
		good, shown := true, ""
		for i, s := range strings.Split(m.Text, "\n") {
			if strings.TrimSpace(s) == "" || i >= len(want) || i >= len(got) {
				continue
			}
			g, mark := got[i], "  "
			if history(g) {
				g = message.Quoted
			} else if g == message.Legal {
				g = message.Signature
			}
			// A closing formula and a bare name may count either way.
			if g != want[i] && !(g == message.Signature && want[i] == message.New && len(strings.Fields(s)) <= 4) {
				good, mark = false, "! "
			}
			shown += mark + string(g) + "\t" + s + "\n"
		}
		z.count(good, miss, filepath.Base(path), shown)
	}
	return z
}

// signatureZones compares with Enron bodies whose signature lines are marked.
func signatureZones(dir string, miss func(set, name, text string)) zoneScore {
	z := zoneScore{set: "forge-signatures", what: "own or closing"}
	for _, path := range append(globbed(dir, "forge-signatures", "P", "*_body"), globbed(dir, "forge-signatures", "N", "*_body")...) {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		sender, _ := os.ReadFile(strings.TrimSuffix(path, "_body") + "_sender")
		lines := strings.Split(strings.ReplaceAll(string(b), "\r", ""), "\n")
		want := make([]bool, len(lines))
		for i, l := range lines {
			lines[i], want[i] = strings.CutPrefix(l, "#sig#")
		}
		got := lineKinds(plainMail(strconv.Quote(strings.TrimSpace(string(sender)))+" <someone@desk.example>", "x", "plain", strings.Join(lines, "\n")))
		good, shown := true, ""
		for i, l := range lines {
			if strings.TrimSpace(l) == "" || i >= len(got) || history(got[i]) {
				continue
			}
			mark := "  "
			if want[i] != (got[i] != message.New) {
				good, mark = false, "! "
			}
			shown += mark + string(got[i]) + "\t" + l + "\n"
		}
		z.count(good, miss, filepath.Base(path), shown)
	}
	return z
}

// sameWords compares what a mail says newly with what the makers of another
// program expect. Some keep a signature, some keep lines marked with ">", and some
// do not: these may stand or fall.
func sameWords(m *message.Message, want string) bool {
	bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var own, with strings.Builder
	for _, z := range m.Zones {
		switch z.Kind {
		case message.New:
			own.WriteString(m.ZoneText(z))
			with.WriteString(m.ZoneText(z))
		case message.Signature, message.Legal:
			with.WriteString(m.ZoneText(z))
		}
	}
	kept := ""
	for _, l := range strings.Split(want, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(l), ">") {
			kept += l + "\n"
		}
	}
	want = bare(kept)
	a, b := bare(own.String()), bare(with.String())
	return a == want || b == want || strings.HasPrefix(want, a) && strings.HasPrefix(b, want)
}

func trimmedZones(dir string, miss func(set, name, text string)) zoneScore {
	z := zoneScore{set: "email_reply_trimmer", what: "new words"}
	for _, u := range globbed(dir, "email_reply_trimmer", "*", "email.txt") {
		b, _ := os.ReadFile(u)
		want, err := os.ReadFile(filepath.Join(filepath.Dir(u), "trimmed.txt"))
		if err == nil {
			z.count(sameWords(plainMail("someone@desk.example", "x", "plain", string(b)), string(want)), miss, filepath.Base(filepath.Dir(u)), string(b))
		}
	}
	return z
}

func talonZones(dir string, miss func(set, name, text string)) zoneScore {
	z := zoneScore{set: "talon", what: "new words"}
	for _, u := range globbed(dir, "talon", "*", "reply.txt") {
		want, _ := os.ReadFile(u)
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(u), "email.eml")); err == nil {
			z.count(sameWords(message.Parse(b), string(want)), miss, filepath.Base(filepath.Dir(u)), string(b))
		} else if b, err := os.ReadFile(filepath.Join(filepath.Dir(u), "email.html")); err == nil {
			z.count(sameWords(plainMail("someone@desk.example", "x", "html", string(b)), string(want)), miss, filepath.Base(filepath.Dir(u)), string(b))
		}
	}
	return z
}

func crispZones(dir string, miss func(set, name, text string)) zoneScore {
	z := zoneScore{set: "crisp-email-reply-parser", what: "new words"}
	for _, u := range globbed(dir, "crisp-email-reply-parser", "*", "expected.json") {
		var x struct {
			First   string `json:"first_fragment"`
			Visible string `json:"visible_text"`
		}
		e, _ := os.ReadFile(u)
		b, err := os.ReadFile(filepath.Join(filepath.Dir(u), "email.txt"))
		if err != nil || json.Unmarshal(bytes.TrimSpace(e), &x) != nil || x.First+x.Visible == "" {
			continue
		}
		if x.Visible == "" {
			x.Visible = x.First
		}
		z.count(sameWords(plainMail("someone@desk.example", "x", "plain", string(b)), x.Visible), miss, filepath.Base(filepath.Dir(u)), string(b))
	}
	return z
}

func globbed(elem ...string) []string {
	out, _ := filepath.Glob(filepath.Join(elem...))
	sort.Strings(out)
	return out
}
