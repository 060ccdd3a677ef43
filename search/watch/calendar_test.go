package watch

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestCalendar(t *testing.T) {
	var b bytes.Buffer
	err := WriteCalendar(&b, []Event{{UID: "s-7k2q000000@inwriting", Stamp: time.Date(2023, 3, 2, 10, 12, 0, 0, time.FixedZone("", 3600)), Day: time.Date(2023, 3, 17, 0, 0, 0, 0, time.UTC),
		Summary: "You promised Hale, Architects; the “expense report” for the whole of February and more", Text: "one\r\ntwo \\ \x00three"}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//inwriting//open//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH", "X-WR-CALNAME:Promises",
		"BEGIN:VEVENT", "UID:s-7k2q000000@inwriting", "DTSTAMP:20230302T091200Z", "DTSTART;VALUE=DATE:20230317",
		`SUMMARY:You promised Hale\, Architects\; the “expense report” for the w`, ` hole of February and more`,
		`DESCRIPTION:one\ntwo \\ three`, "TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("calendar (-want +got):\n%s", d)
	}
}

// unfold and plainText read a calendar back, as RFC 5545 says.
func unfold(s string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n ", ""), "\r\n"), "\r\n")
}

func plainText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == 'n' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func FuzzCalendar(f *testing.F) {
	f.Add("You promised", "line\nline")
	f.Add(strings.Repeat("é", 200), "\\n;,\r\n\t")
	f.Add(strings.Repeat("\U0001F600", 60), "\xff\xfe")
	f.Fuzz(func(t *testing.T, summary, description string) {
		var b bytes.Buffer
		if err := WriteCalendar(&b, []Event{{UID: "u", Summary: summary, Text: description}}); err != nil {
			t.Fatal(err)
		}
		s := b.String()
		if !utf8.ValidString(s) {
			t.Error("not UTF-8")
		}
		for _, l := range strings.Split(strings.TrimSuffix(s, "\r\n"), "\r\n") {
			if len(l) > 75 || strings.ContainsAny(l, "\r\n") || !utf8.ValidString(l) {
				t.Errorf("content line of %d octets: %q", len(l), l)
			}
		}
		lines := unfold(s)
		if len(lines) != 15 {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ReplaceAll(string([]rune(summary)), "\r\n", "\n"))
		if got := plainText(strings.TrimPrefix(lines[10], "SUMMARY:")); got != want {
			t.Errorf("%q reads back as %q", want, got)
		}
	})
}
