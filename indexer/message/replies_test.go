package message

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// ownLines tells for each line of m whether it is the author's: no history.
func ownLines(m *Message) []bool {
	var own []bool
	for _, z := range m.Zones {
		s := strings.TrimSuffix(m.ZoneText(z), "\n")
		for range strings.Count(s, "\n") + 1 {
			own = append(own, z.Kind != Quoted && z.Kind != Forwarded)
		}
	}
	return own
}

// TestRepliesQuagga counts the mails in which every line that is not blank is
// rightly told to be the author's or history (Repke and Krestel's marks).
func TestRepliesQuagga(t *testing.T) {
	for _, set := range []struct {
		folder, half string
		want         int // right mails of 100 at least
	}{{"quagga-enron", "train", 80}, {"quagga-enron", "eval", 85}, {"quagga-asf", "train", 0}, {"quagga-asf", "eval", 0}} {
		path := shared(t, "corpora", "replies", set.folder, set.half+".tar.zst")
		files := map[string][]byte{}
		eachTarred(t, path, func(name string, b []byte) bool {
			files[name] = b
			return true
		})
		var names []string
		for name := range files {
			if strings.HasSuffix(name, ".ann.json") {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		mails, right, lines, rightLines := 0, 0, 0, 0
		for _, name := range names {
			raw, ok := files[strings.TrimSuffix(name, ".ann.json")+".txt"]
			if !ok {
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
				t.Fatal(err)
			}
			// The marks count characters of ann.Text.
			text := []rune(ann.Text)
			cut := len(text)
			for _, d := range ann.Denotations {
				if d.Type == "Header" && d.Start < cut {
					cut = d.Start
				}
			}
			m := Parse(raw)
			subject := m.Subject
			m = Parse([]byte("From: " + headerOf(raw, "X-From") + "\nSubject: " + subject + "\nContent-Type: text/plain; charset=utf-8\n\n" + ann.Text))
			own := ownLines(m)
			at, good := 0, true
			wrong := -1
			for i, s := range strings.SplitAfter(string(text), "\n") {
				n := len([]rune(s))
				if strings.TrimSpace(s) != "" && i < len(own) {
					want := at+n/2 < cut
					lines++
					if want == own[i] {
						rightLines++
					} else {
						good = false
						if wrong < 0 {
							wrong = i
						}
					}
				}
				at += n
			}
			mails++
			if good {
				right++
			} else if testing.Verbose() && os.Getenv("MISSES") == set.folder+"/"+set.half {
				t.Logf("MISS %s line %d want own before %d\n%s", filepath.Base(name), wrong, cut, numbered(ann.Text, own))
			}
		}
		t.Logf("%s/%s: every line right in %d of %d mails (%.1f %%), line accuracy %.3f", set.folder, set.half, right, mails, 100*float64(right)/float64(mails), float64(rightLines)/float64(lines))
		if right*100 < set.want*mails {
			t.Errorf("%s/%s: want %d %%", set.folder, set.half, set.want)
		}
	}
}

func numbered(text string, own []bool) string {
	var b strings.Builder
	for i, s := range strings.SplitAfter(text, "\n") {
		c := "- "
		if i < len(own) && own[i] {
			c = "O "
		}
		b.WriteString(c + s)
		if i > 80 {
			break
		}
	}
	return b.String()
}

func headerOf(raw []byte, name string) string {
	for _, l := range strings.Split(string(raw), "\n") {
		if strings.HasPrefix(l, name+": ") {
			return strings.TrimRight(l[len(name)+2:], "\r")
		}
		if strings.TrimSpace(l) == "" {
			break
		}
	}
	return ""
}

// TestRepliesTrimmers compares the new text with what other programs' makers
// expect. Their policies differ from ours (a lone forward, "Sent from my phone"), so
// this prints figures and fails only on a collapse.
func TestRepliesTrimmers(t *testing.T) {
	dir := shared(t, "corpora", "replies")
	type unit struct {
		name, want string
		raw        []byte
	}
	sets := map[string][]unit{}
	read := func(elem ...string) []byte {
		b, _ := os.ReadFile(filepath.Join(elem...))
		return b
	}
	text := func(kind string, b []byte) []byte {
		return append([]byte("From: someone@desk.example\nSubject: x\nContent-Type: text/"+kind+"; charset=utf-8\n\n"), b...)
	}
	list := func(set string) []os.DirEntry {
		es, err := os.ReadDir(filepath.Join(dir, set))
		if err != nil {
			t.Skipf("no %s: %v", set, err)
		}
		return es
	}
	for _, e := range list("email_reply_trimmer") {
		u := filepath.Join(dir, "email_reply_trimmer", e.Name())
		sets["trimmer"] = append(sets["trimmer"], unit{e.Name(), string(read(u, "trimmed.txt")), text("plain", read(u, "email.txt"))})
	}
	for _, e := range list("talon") {
		u := filepath.Join(dir, "talon", e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "plain-"):
			sets["talon"] = append(sets["talon"], unit{e.Name(), string(read(u, "reply.txt")), read(u, "email.eml")})
		case strings.HasPrefix(e.Name(), "html-"):
			sets["talon"] = append(sets["talon"], unit{e.Name(), string(read(u, "reply.txt")), text("html", read(u, "email.html"))})
		}
	}
	for _, e := range list("crisp-email-reply-parser") {
		u := filepath.Join(dir, "crisp-email-reply-parser", e.Name())
		var x struct {
			First   string `json:"first_fragment"`
			Visible string `json:"visible_text"`
		}
		if json.Unmarshal(read(u, "expected.json"), &x) == nil && x.First+x.Visible != "" {
			want := x.Visible
			if want == "" {
				want = x.First
			}
			sets["crisp"] = append(sets["crisp"], unit{e.Name(), want, text("plain", read(u, "email.txt"))})
		}
	}
	bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for _, set := range []string{"trimmer", "talon", "crisp"} {
		exact, signed := 0, 0
		for _, u := range sets[set] {
			m := Parse(u.raw)
			wellFormed(t, u.name, m, len(u.raw))
			var with strings.Builder
			for _, z := range m.Zones {
				if z.Kind == New || z.Kind == Signature || z.Kind == Legal {
					with.WriteString(m.ZoneText(z))
				}
			}
			want := bare(u.want)
			switch {
			case bare(newText(m)) == want:
				exact++
			case bare(with.String()) == want || strings.HasPrefix(want, bare(newText(m))) && strings.HasPrefix(bare(with.String()), want):
				signed++
			default:
				if os.Getenv("MISSES") == set {
					t.Logf("MISS %s\nwant %q\n got %q\nwith %q", u.name, u.want, newText(m), with.String())
				}
			}
		}
		t.Logf("%s: of %d units %d equal, %d more up to the signature", set, len(sets[set]), exact, signed)
		if (exact+signed)*2 < len(sets[set]) {
			t.Errorf("%s: fewer than half", set)
		}
	}
}
