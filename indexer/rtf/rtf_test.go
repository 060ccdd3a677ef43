package rtf

import "testing"

// latin decodes Latin-1.
func latin(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		html           bool
	}{
		{"plain", `{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Caf\'e9 \b on\b0  Tuesday\par {\*\unknown gone}Yes\u8211\'96no}`, "Café on Tuesday\r\nYes–no", false},
		{"html", `{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Book it{\*\htmltag84 <b>}\htmlrtf \b \htmlrtf0 now{\*\htmltag92 </b>}\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}}`, "<p>Book it<b>now</b></p>", true},
		{"surrogates", `{\rtf1 \u-10179?\u-8704?}`, "😀", false},
		{"braces", `{\rtf1 \{a\}\\}`, `{a}\`, false},
	} {
		got, html := Text([]byte(tt.in), latin)
		if got != tt.want || html != tt.html {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, html, tt.want)
		}
	}
	// MS-OXRTFCP section 3.1.1: the example of the specification.
	packed := []byte{0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 'L', 'Z', 'F', 'u', 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 'r', 'c', 'p', 'g', '1', '2', '5', 0x42, 0x32, 0x0a, 0xf3, 0x20, 'h', 'e', 'l', 0x09, 0x00, 0x20, 'b', 'w', 0x05, 0xb0, 'l', 'd', '}', 0x0a, 0x80, 0x0f, 0xa0}
	got, err := Unpack(packed, 1<<20)
	if want := "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func FuzzRTF(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 x}}`))
	f.Add([]byte(`{\rtf1 \u-10179?\'e9\bin3 abc}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, _ := Text(b, latin)
		if len(text) > 16*len(b)+64 {
			t.Errorf("%d octets became %d", len(b), len(text))
		}
		Unpack(b, 1<<20)
	})
}
