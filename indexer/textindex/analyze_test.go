package textindex

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func terms(s string) string {
	var out []string
	scan([]byte(s), func(term []byte, pos, _ int) { out = append(out, fmt.Sprintf("%d:%s", pos, term)) }, nil)
	return strings.Join(out, " ")
}

func TestAnalyze(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"Please book me London–Vienna, for the 14th.", "1:please 2:book 3:me 4:london 5:vienna 6:for 7:the 8:14th"},
		{"see inv-2018-52225.", "1:see 2:inv 3:2018 4:52225 2:inv-2018-52225"},
		{"nora.l+x@Desk-and-Co.example", "1:nora 2:l 3:x 4:desk 5:and 6:co 7:example 1:nora.l+x@desk-and-co.example"},
		{"£1,162.00 or 15.000 or 12.50", "1:1 2:162 3:00 1:1,162.00 1:1162 4:or 5:15 6:000 5:15.000 5:15 7:or 8:12 9:50 8:12.50"},
		{"at 9:30, note: this", "1:at 2:9 3:30 2:9:30 4:note 5:this"},
		{"don't, O'Brien", "1:don 2:t 3:o 4:brien"},
		{"Zürich Ærø STRASSE Straße cafe\u0301", "1:zurich 2:aero 3:strasse 4:strasse 5:cafe"},
		{"soft\u00adhyphen zero\u200bwidth", "1:softhyphen 2:zerowidth"},
		{"会議は3月", "1:会 2:議 3:は 4:3 5:月"},
		{"one\x1ftwo", "1:one 18:two"},
		{strings.Repeat("x", 64) + " " + strings.Repeat("y", 65) + " z", "1:" + strings.Repeat("x", 64) + " 2:z"},
		{"https://www.deskandco.example/a/b/c/1", "1:https 2:www 3:deskandco 4:example 5:a 6:b 7:c 8:1"},
		{"14/03/2023 192.168.0.1", "1:14 2:03 3:2023 1:14/03/2023 4:192 5:168 6:0 7:1 4:192.168.0.1"},
		{"a\xffb \xc3(", "1:a 2:b"},
	} {
		if got := terms(tt.in); got != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

func TestAddressTokens(t *testing.T) {
	var got []string
	for _, tok := range addressTokens([]Address{{"Martin Hale", "Martin@mail.HaleArchitects.example"}, {"", "odd!name@x.example"}}) {
		got = append(got, fmt.Sprintf("%d:%s", tok.pos, tok.term))
	}
	want := strings.Fields("1:martin 2:hale 19:martin 20:mail 21:halearchitects 22:example 19:martin@mail.halearchitects.example " +
		"23:@mail.halearchitects.example 24:@halearchitects.example 25:@example")
	if d := cmp.Diff(want, got[:len(want)]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if s := strings.Join(got[len(want):], " "); !strings.Contains(s, ":odd!name@x.example") || !strings.Contains(s, ":@x.example") {
		t.Errorf("an address with an unusual character: %s", s)
	}
}

// What is asked for is cut exactly as what was indexed.
func FuzzAnalyze(f *testing.F) {
	for _, s := range []string{"inv-2018-52225 £1,162.00", "会議 a@b.example", "a\x1fb\xff", "x’y ß\u0301 1:2,3.4/5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		indexed := map[string]int{}
		last := 0
		f := &field{options: wordOptions, text: []byte(s), cuts: []int{0, len(s) / 2, len(s)}}
		f.Analyze()
		scan([]byte(s), func(b []byte, pos, at int) {
			if len(f.at) < len(f.cuts) {
				t.Fatalf("%q: %d of %d cuts placed", s, len(f.at), len(f.cuts))
			}
			if at < 0 || at >= len(s) {
				t.Fatalf("%q: term %q at byte %d", s, b, at)
			}
			term := string(b)
			if term == "" || len(term) > maxTerm && !strings.ContainsFunc(term, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Fatalf("%q: term %q", s, term)
			}
			if strings.ToLower(term) != term && utf8.ValidString(s) && isASCII(s) {
				t.Fatalf("%q: term %q is not lower-case", s, term)
			}
			if pos < 1 || pos > last+1 && !strings.Contains(s, "\x1f") {
				t.Fatalf("%q: term %q at %d after %d", s, term, pos, last)
			}
			last = max(last, pos)
			indexed[term]++
		}, nil)
		total := 0
		for term, tf := range f.freqs {
			total += tf.Frequency()
			if string(tf.Term) != term || tf.Frequency() != indexed[term] || len(tf.Locations) != indexed[term] {
				t.Fatalf("%q: term %q counted %d times, placed %d times, met %d times", s, term, tf.Frequency(), len(tf.Locations), indexed[term])
			}
		}
		if total != f.length {
			t.Fatalf("%q: %d terms, length %d", s, total, f.length)
		}
		asked := map[string]int{}
		for _, r := range runsOf(s) {
			for _, p := range r.parts {
				asked[p]++
			}
			if len(r.parts) > 1 && r.whole != "" {
				asked[r.whole]++
			}
			if r.plain != "" {
				asked[r.plain]++
			}
		}
		if d := cmp.Diff(indexed, asked); d != "" {
			t.Fatalf("%q (-indexed +asked):\n%s", s, d)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
