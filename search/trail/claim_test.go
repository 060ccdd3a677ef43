package trail

import (
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	for _, tt := range []struct {
		quote string
		whose string
		deny  bool
	}{
		{"I never ordered the second desk.", ownWords, true},
		{"We had agreed 300 for everything.", ownWords, false},
		{"Nobody asked for a banner.", ownWords, true},
		{"Nobody ever said that visits were extra.", anyWords, true},
		{"Nobody warned us.", othersWords, true},
		{"You never told me about the deposit.", othersWords, true},
		{"You said that it could be returned.", othersWords, false},
		{"At no point was I given the chance to see it.", othersWords, true},
		{"I wrote that I had never used it.", ownWords, false},
		{"Ann says you billed her the higher rate that she never agreed to.", ownWords, true},
		{"I have to mention that nothing arrived.", "", true},
		{"I never received your letter.", "", true},
		{"The chairs are broken.", "", false},
	} {
		c := readClaim(words(tt.quote), " "+strings.Join(words(tt.quote), " ")+" ")
		if c.whose != tt.whose || c.deny != tt.deny {
			t.Errorf("%q: whose %q, deny %v; want %q, %v", tt.quote, c.whose, c.deny, tt.whose, tt.deny)
		}
	}
}

func FuzzClaim(f *testing.F) {
	f.Add("Nobody ever said that.")
	f.Add("nobody")
	f.Add("said I to")
	f.Fuzz(func(t *testing.T, s string) {
		c := readClaim(words(s), " "+strings.Join(words(s), " ")+" ")
		switch c.whose {
		case "", ownWords, anyWords, othersWords:
		default:
			t.Errorf("%q: whose %q", s, c.whose)
		}
	})
}

func TestSameWords(t *testing.T) {
	for _, tt := range []struct {
		quote, folded string
		want          float64
	}{
		{"two desks please", " i need two desks please by noon ", 1},
		{"yes take the blue one it is cheaper", " take the blue one ", 1},
		{"take the blue one and the red", " take the blue lamp ", 0.9},
		{"two", " two desks ", 0},
		{"the green one", " take the blue one ", 0},
	} {
		if got := sameWords(tt.quote, tt.folded); got != tt.want {
			t.Errorf("%q in %q: %v, want %v", tt.quote, tt.folded, got, tt.want)
		}
	}
}
