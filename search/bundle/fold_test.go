package bundle

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFind(t *testing.T) {
	for _, test := range []struct {
		words, text string
		whole, want bool
	}{
		{"Falk Dental", "from Falk\n> > Dental today", true, true},
		{"Falk Dental", "FALK  DENTAL", true, true},
		{"Falk Dental", "Falk\u00a0Den\u00adtal", true, true},
		{"Falk", "Falkland", true, false},
		{"Falk", "Falkland", false, true},
		{"Ann", "wan nice", false, false},
		{"GB29 NWBK 6016", "gb29nwbk 60-16", false, true},
		{"07700 900123", "0770\n>0900123", false, true},
		{"Ｆａｌｋ", "falk", true, true},
		{"falk.example", "x@falk.example.", true, true},
		{"falk.example", "x@notfalk.example", true, false},
		{"", "anything", false, false},
	} {
		if got := (&haystack{text: test.text}).has(newNeedle(test.words, test.whole)); got != test.want {
			t.Errorf("%q in %q: %v, want %v", test.words, test.text, got, test.want)
		}
	}
}

func TestForms(t *testing.T) {
	for form, test := range map[string]struct {
		text string
		want []string
	}{
		"iban":      {"Pay GB29 NWBK 6016 1331 9268 19 by Friday, not GB29 NWBK 6016 1331 9268 18; DE89370400440532013000.", []string{"GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000"}},
		"card":      {"4111 1111 1111 1111 or 4111 1111 1111 1112", []string{"4111 1111 1111 1111"}},
		"sort-code": {"60-16-13", []string{"60-16-13"}},
	} {
		var got []string
		for _, r := range Find(form, test.text) {
			got = append(got, strings.TrimSpace(r.Words))
		}
		if strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("%s: %q, want %q", form, got, test.want)
		}
	}
}

func TestReadRedactions(t *testing.T) {
	got, err := ReadRedactions(strings.NewReader("\uFEFF# a list\n\nprice: 4:30, £5\n"))
	if err != nil || len(got) != 1 || got[0] != (Redaction{"4:30, £5", "price"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"no reason", ": words", "reason:"} {
		if _, err := ReadRedactions(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Nothing of the words is left, and every place of the old text has one in the new.
func FuzzRedact(f *testing.F) {
	f.Add("It is for Secretco, or Secret\n> co.", "Secretco")
	f.Add("GB29 NWBK 6016", "29NWBK")
	f.Add("aaaa aaaa", "aaa")
	f.Add("İstanbul ﬁ", "fi")
	f.Fuzz(func(t *testing.T, text, words string) {
		if !utf8.ValidString(text) || !utf8.ValidString(words) || len(text) > 10_000 {
			return
		}
		list, err := redactions([]Redaction{{Words: words, Reason: "x"}})
		if err != nil {
			return
		}
		b := &bag{redact: list}
		out, to := b.redacted(text)
		h := haystack{text: strings.ReplaceAll(out, list[0].token, "\x00")}
		if h.has(list[0].needles[0]) {
			t.Errorf("%q is left in %q", words, out)
		}
		last := 0
		for at := range text + "." {
			n := to(at, false)
			if n < last || n > len(out) || !utf8.ValidString(out[last:n]) {
				t.Fatalf("place %d of %q becomes %d of %q after %d", at, text, n, out, last)
			}
			last = n
		}
	})
}
