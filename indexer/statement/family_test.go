package statement

import "testing"

func TestFamilies(t *testing.T) {
	b := AppendFamilies(nil, [2]map[string]uint8{{"send": 3, "hotel": 9}, {"send": 200}})
	f, err := parseFamilies(b)
	if err != nil {
		t.Fatal(err)
	}
	for w, want := range map[string]families{"send": {3, 200}, "hotel": {9, 0}, "nowhere": {}} {
		if got := f.of[f.place(hashString(w))]; got != want {
			t.Errorf("families of %q: got %v, want %v", w, got, want)
		}
	}
	for n := range b {
		if _, err := parseFamilies(b[:n]); err == nil {
			t.Errorf("a file cut at %d octets: got no error", n)
		}
	}
}

// What is used alike in business mail is of one family.
func TestWordsUsedAlikeAreFamily(t *testing.T) {
	of := func(w string) families { return theFamilies.of[theFamilies.place(hashString(w))] }
	for _, c := range [][2]string{{"monday", "tuesday"}, {"send", "forward"}, {"approved", "paid"}} {
		if a, b := of(c[0]), of(c[1]); a[1] == 0 || a[1] != b[1] {
			t.Errorf("%q and %q: families %v and %v, want the same by their neighbours", c[0], c[1], a, b)
		}
	}
	if a, b := of("monday"), of("send"); a[1] == b[1] {
		t.Errorf("monday and send: both of family %d", a[1])
	}
}

func FuzzParseFamilies(f *testing.F) {
	f.Add(AppendFamilies(nil, [2]map[string]uint8{{"a": 1}, {"b": 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := parseFamilies(b); err == nil {
			got.place(hashString("a"))
		}
	})
}
