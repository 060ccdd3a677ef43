package web

import (
	"regexp"
	"strings"
	"testing"

	"inwriting/indexer/statement"
)

// FuzzVerbatim: whatever goes in, no markup and no hidden mark comes out, and
// what can be seen is all there.
func FuzzVerbatim(f *testing.F) {
	f.Add("a <b> \u202e & \x00\xff")
	f.Add("\ufffd\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		verbatim(&b, s)
		out := b.String()
		plain := regexp.MustCompile(`<span class="unseen" title="a character that cannot be seen">U\+[0-9A-F]{4}</span>`).ReplaceAllString(out, "")
		if strings.ContainsAny(plain, "<>\"'\x00\x1b\u202e\u2066") {
			t.Fatalf("%q became %q", s, out)
		}
		letters := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r > ' ' && r < 0x7f && !strings.ContainsRune(`<>"'&;#`, r) {
					return r
				}
				return -1
			}, s)
		}
		if !strings.ContainsAny(s, `<>"'&`) && letters(plain) != letters(s) {
			t.Fatalf("%q lost something: %q", s, out)
		}
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{"Vienna flight, March!": "vienna-flight-march", "¿?": "trail", "Ü 5": "ü-5"} {
		if got := slug(in); got != want {
			t.Errorf("slug(%q) = %q, want %q", in, got, want)
		}
	}
	for _, tt := range []struct{ in, first, rest string }{
		{"One thing. Two things.", "One thing.", "Two things."},
		{"Only one.", "Only one.", ""},
		{"At 15.30 on 2 March. Then.", "At 15.30 on 2 March.", "Then."},
	} {
		if a, b := sentences(tt.in); a != tt.first || b != tt.rest {
			t.Errorf("sentences(%q) = %q, %q", tt.in, a, b)
		}
	}
	for _, tt := range []struct {
		f    statement.Fact
		want string
	}{
		{day("Tuesday 14 March", "2023-03-14"), ""},
		{day("the 14th", "2023-03-14"), "= Tue 14\u00a0March"},
		{day("a day later", "2023-03-15"), "= Wed 15\u00a0March"},
		{statement.Fact{Type: statement.Date, Text: "3/4", Value: "2023-04-03", Alternatives: []string{"2023-03-04"}}, "= Mon 3\u00a0April or Sat 4\u00a0March"},
		{statement.Fact{Type: statement.Money, Text: "£5", Value: "GBP 5.00"}, ""},
	} {
		if got := gloss(tt.f); got != tt.want {
			t.Errorf("gloss(%q) = %q, want %q", tt.f.Text, got, tt.want)
		}
	}
	if got := string(numbered("Moved <b> (5), see (1, 7) and (99).", 7)); got != `Moved &lt;b&gt; (<a class="ref" href="#s5">5</a>), see (<a class="ref" href="#s1">1</a>, <a class="ref" href="#s7">7</a>) and (99).` {
		t.Errorf("numbered: %s", got)
	}
}
