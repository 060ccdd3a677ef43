package message

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inwriting/indexer/corpora"
)

func squash(s string) string { return strings.Join(strings.Fields(s), " ") }

// newText gives what the author wrote, white space squashed.
func newText(m *Message) string {
	var b strings.Builder
	for _, z := range m.ZonesOf(New) {
		b.WriteString(m.ZoneText(z))
		b.WriteByte(' ')
	}
	return squash(b.String())
}

// TestGoldQuotes looks for every labelled sentence of the gold cases in the zones
// that hold the author's own words.
func TestGoldQuotes(t *testing.T) {
	dir := corpora.Path(t, "gold")
	cases, err := filepath.Glob(filepath.Join(dir, "*", "gold.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no gold cases in %s: %v", dir, err)
	}
	all, found, elsewhere := 0, 0, 0
	statements, lost := 0, 0
	for _, file := range cases {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g struct {
			Statements, None []struct{ File, Quote, Kind string }
		}
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		read := map[string]*Message{}
		for _, q := range append(g.Statements, g.None...) {
			m := read[q.File]
			if m == nil {
				raw, err := os.ReadFile(filepath.Join(filepath.Dir(file), "mail", q.File))
				if err != nil {
					t.Fatal(err)
				}
				m = Parse(raw)
				wellFormed(t, q.File, m, len(raw))
				read[q.File] = m
			}
			all++
			if q.Kind != "" {
				statements++
			}
			switch want := squash(q.Quote); {
			case strings.Contains(newText(m), want):
				found++
			case strings.Contains(squash(m.Text), want):
				elsewhere++
				if q.Kind == "" {
					continue // slogans, disclaimers and signatures are labelled "none"
				}
				lost++
				t.Logf("%s/%s: in another zone: %q (%s)", filepath.Base(filepath.Dir(file)), q.File, q.Quote, q.Kind)
			default:
				lost++
				t.Logf("%s/%s: not in the text: %q (%s)", filepath.Base(filepath.Dir(file)), q.File, q.Quote, q.Kind)
			}
		}
	}
	t.Logf("of %d quotes %d stand in new zones, %d in others, %d nowhere", all, found, elsewhere, all-found-elsewhere)
	if lost*500 > statements {
		t.Errorf("%d of %d statements do not stand in new zones", lost, statements)
	}
}

// TestGoldReal does the same for the labelled sentences of real mail.
func TestGoldReal(t *testing.T) {
	for _, set := range []struct{ file, archive string }{{"enron", "enron-inbox"}, {"ham", "spamassassin-ham"}} {
		b, err := os.ReadFile(corpora.Path(t, "gold", "real", set.file+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		type mail struct {
			Path      string
			Sentences []struct{ Text, Kind string }
		}
		mails := map[string]mail{}
		for _, l := range bytes.Split(bytes.TrimSpace(b), []byte{'\n'}) {
			var m mail
			if err := json.Unmarshal(l, &m); err != nil {
				t.Fatal(err)
			}
			mails[m.Path] = m
		}
		statements, lost := 0, 0
		eachTarred(t, corpora.Path(t, "corpora", "bulk", set.archive+".tar.zst"), func(name string, b []byte) bool {
			if _, ok := mails[name]; !ok {
				return true
			}
			text := newText(Parse(b))
			for _, s := range mails[name].Sentences {
				if s.Kind == "none" {
					continue
				}
				statements++
				if !strings.Contains(text, squash(s.Text)) {
					lost++
					t.Logf("%s: not in a new zone: %q (%s)", name, s.Text, s.Kind)
				}
			}
			return true
		})
		t.Logf("%s: of %d statements %d do not stand in new zones", set.file, statements, lost)
		if lost*200 > statements {
			t.Errorf("%s: that is too many", set.file)
		}
	}
}
