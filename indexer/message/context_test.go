package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said lists the author's own words, a zone an element, white space folded.
func said(m *Message) []string {
	var out []string
	for _, z := range m.ZonesOf(New) {
		if s := strings.Join(strings.Fields(strings.TrimLeft(m.ZoneText(z), "> ")), " "); s != "" {
			out = append(out, s)
		}
	}
	return out
}

const asked = `Hi Ben,

Three things before I book the offsite:

1. Which of the two hotels do you prefer?
2. On what day do you want to arrive in Porto?
3. Shall I order the coach for twelve people as well?

The fee for the whole trip is 400 pounds as agreed in June.

Best,
Nora
`

func quoteOf(text, mark string, answers map[string]string) string {
	var b strings.Builder
	for _, l := range strings.SplitAfter(text, "\n") {
		if strings.TrimSpace(l) == "" {
			b.WriteString(strings.TrimSpace(mark) + l)
		} else {
			b.WriteString(mark + l)
		}
		for k, a := range answers {
			if strings.Contains(l, k) {
				b.WriteString(mark + a + "\n")
			}
		}
	}
	return b.String()
}

const outlookHead = "\n-----Original Message-----\nFrom: Nora Lind [mailto:nora@deskandco.example]\nSent: Monday, 4 March 2024 10:00\nTo: Ben Ode\nSubject: Offsite\n\n"

func TestTypedIn(t *testing.T) {
	head := "From: Ben Ode <ben@quarry.example>\nTo: nora@deskandco.example\nSubject: Re: Offsite\nDate: Mon, 4 Mar 2024 12:00:00 +0000\n\n"
	answers := map[string]string{"hotels": "The Grand please.", "what day": "Tuesday evening.", "coach": "Yes, go ahead with the coach."}
	tests := []struct {
		name, body string
		parents    []string
		want       []string
		differs    int
	}{
		{"no marks", "Please see below.\n" + outlookHead + quoteOf(asked, "", answers), []string{asked},
			[]string{"Please see below.", "The Grand please.", "Tuesday evening.", "Yes, go ahead with the coach."}, 0},
		{"marked like the rest", "Please see below.\n\nOn Mon, 4 Mar 2024 at 10:00, Nora Lind <nora@deskandco.example> wrote:\n" + quoteOf(asked, "> ", answers), []string{asked},
			[]string{"Please see below.", "The Grand please.", "Tuesday evening.", "Yes, go ahead with the coach."}, 0},
		{"nothing said above", "Hi Nora\n" + outlookHead + quoteOf(asked, "", answers), []string{asked},
			[]string{"Hi Nora", "The Grand please.", "Tuesday evening.", "Yes, go ahead with the coach."}, 0},
		{"on the line of the question", "See below\n" + outlookHead + strings.ReplaceAll(strings.ReplaceAll(asked, "prefer?", "prefer? The Grand"), "Porto?", "Porto? On Tuesday, please"), []string{asked},
			[]string{"See below", "The Grand", "On Tuesday, please"}, 0},
		{"nothing typed", "All fine.\n" + outlookHead + asked, []string{asked}, []string{"All fine."}, 0},
		{"another parent", "All fine.\n" + outlookHead + quoteOf(asked, "", answers), []string{"Dear all,\n\nthe office is closed on Friday for the works on the roof and opens again on Monday.\n"}, []string{"All fine."}, 0},
		{"no parent", "All fine.\n" + outlookHead + quoteOf(asked, "", answers), nil, []string{"All fine."}, 0},
		{"wrapped anew", "All fine.\n\n" + quoteOf(strings.ReplaceAll(asked, " do you", "\ndo you"), "> ", nil), []string{asked}, []string{"All fine."}, 0},
		{"a banner and a list's footer", "All fine.\n" + outlookHead + "CAUTION: external mail\n\n" + asked + "\n____________\nWalks mailing list\nwalks@lists.example\n", []string{asked}, []string{"All fine."}, 0},
		{"a banner in the middle", "All fine.\n" + outlookHead + strings.Replace(asked, "1. Which", "CAUTION: This email originated from outside the organisation.\n\n1. Which", 1), []string{asked}, []string{"All fine."}, 0},
		{"a picture", "All fine.\n" + outlookHead + strings.Replace(asked, "1. Which", "[image: a map of the town]\n1. Which", 1), []string{asked}, []string{"All fine."}, 0},
		{"put another way", "All fine.\n" + outlookHead + strings.Replace(asked, "On what day do you want to arrive in Porto?", "Arrival?", 1), []string{asked}, []string{"All fine."}, 0},
		{"a day was changed", "As agreed.\n" + outlookHead + "Please meet the guests at the station on Friday at noon and bring the keys.\n", []string{"Please meet the guests at the station on Thursday at noon and bring the keys.\n"}, []string{"As agreed."}, 1},
		{"a word that weighs nothing", "As agreed.\n" + outlookHead + "Please meet the visitors at the station on Thursday at noon and bring the keys.\n", []string{"Please meet the guests at the station on Thursday at noon and bring the keys.\n"}, []string{"As agreed."}, 0},
		{"a figure was changed", "As agreed.\n" + outlookHead + strings.ReplaceAll(asked, "400", "450"), []string{asked}, []string{"As agreed."}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Parse([]byte(head + tt.body))
			text := m.Text
			m.InContext(Context{Parents: tt.parents})
			if d := cmp.Diff(tt.want, said(m)); d != "" {
				t.Errorf("own words (-want +got):\n%s", d)
			}
			n := 0
			for _, d := range m.Defects {
				if d.Code == "quote-differs" {
					n++
				}
			}
			if n != tt.differs {
				t.Errorf("%d lines differ, want %d: %v", n, tt.differs, m.Defects)
			}
			checkZones(t, m)
			if m.Text != text {
				t.Error("the text was changed")
			}
		})
	}
}

func checkZones(t *testing.T, m *Message) {
	t.Helper()
	at := 0
	for _, z := range m.Zones {
		if z.Start != at || z.End <= z.Start {
			t.Fatalf("zone [%d,%d) after %d", z.Start, z.End, at)
		}
		at = z.End
	}
	if at != len(m.Text) {
		t.Fatalf("zones cover %d of %d bytes", at, len(m.Text))
	}
}

func TestTinted(t *testing.T) {
	mail := func(top, answer string) *Message {
		return Parse([]byte("From: Ben Ode <ben@quarry.example>\nSubject: Re: Offsite\nContent-Type: text/html\n\n<p>" + top + `</p>
<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Nora Lind<br><b>Sent:</b> Monday, 4 March 2024 10:00<br><b>To:</b> Ben Ode<br><b>Subject:</b> Offsite</p></div>
<p>Which hotel do you prefer? ` + fmt.Sprintf(answer, "The Grand") + `</p><p>On what day do you arrive?</p><p>` + fmt.Sprintf(answer, "On Tuesday.") + `</p><p style="color:#1F497D">Thanks</p>`))
	}
	tests := []struct {
		name, top, answer string
		want              []string
	}{
		{"red", "My answers are in red below.", `<span style="color:red">%s</span>`, []string{"My answers are in red below.", "The Grand", "On Tuesday."}},
		{"red as figures", "See in red", `<font color="#C00000">%s</font>`, []string{"See in red", "The Grand", "On Tuesday."}},
		{"blue takes blue only", "Comments in blue", `<span style="color: rgb(0, 0, 255)">%s</span>`, []string{"Comments in blue", "The Grand", "On Tuesday. Thanks"}},
		{"German", "Meine Antworten in rot", `<span style="color:#ff0000">%s</span>`, []string{"Meine Antworten in rot", "The Grand", "On Tuesday."}},
		{"bold", "I have answered in bold.", `<b>%s</b>`, []string{"I have answered in bold.", "The Grand", "On Tuesday."}},
		{"nothing said", "Fine.", `<span style="color:red">%s</span>`, []string{"Fine."}},
		{"another colour", "My answers are in green.", `<span style="color:red">%s</span>`, []string{"My answers are in green."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := mail(tt.top, tt.answer)
			if d := cmp.Diff(tt.want, said(m)); d != "" {
				t.Errorf("own words (-want +got):\n%s", d)
			}
			checkZones(t, m)
		})
	}
}

func TestClosingLines(t *testing.T) {
	mail := func(body string) *Message {
		return Parse([]byte("From: bd77@quarry.example\nSubject: Stone\nDate: Mon, 4 Mar 2024 12:00:00 +0000\n\n" + body))
	}
	known := map[uint64]bool{}
	for _, h := range mail("x\n\nQuarry and Daughters, stone since 1911\nAsk for our samples\nPlease confirm receipt.\nThe payment terms are 14 days\n").ClosingLines() {
		known[h] = true
	}
	tests := []struct {
		name, body string
		want       string
	}{
		{"slogan", "The slabs are cut.\n\nQuarry and Daughters, stone since 1911\nAsk for our samples\n", "The slabs are cut."},
		{"case and blanks do not count", "The slabs are cut.\n\n quarry  and daughters, Stone since 1911\n\n", "The slabs are cut."},
		{"a request stays", "The slabs are cut.\n\nPlease confirm receipt.\n", "The slabs are cut. Please confirm receipt."},
		{"a request above goes on", "The slabs are cut.\n\nPlease confirm receipt.\nQuarry and Daughters, stone since 1911\n", "The slabs are cut. Please confirm receipt."},
		{"terms stay", "The slabs are cut.\n\nThe payment terms are 14 days\nAsk for our samples\n", "The slabs are cut. The payment terms are 14 days Ask for our samples"},
		{"nothing else was said", "Ask for our samples\n", "Ask for our samples"},
		{"not at the end", "Ask for our samples\nThe slabs are cut.\n", "Ask for our samples The slabs are cut."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := mail(tt.body)
			m.InContext(Context{Closing: known})
			if got := strings.Join(said(m), "|"); got != tt.want {
				t.Errorf("own words %q, want %q", got, tt.want)
			}
			checkZones(t, m)
		})
	}
}

func FuzzInContext(f *testing.F) {
	f.Add("See below\n"+outlookHead+asked, asked)
	f.Add("> a\nb\n> c", "a b c")
	f.Fuzz(func(t *testing.T, body, parent string) {
		m := Parse([]byte("From: ben@quarry.example\nSubject: Re: x\n\n" + body))
		known := map[uint64]bool{}
		for _, h := range m.ClosingLines()[:min(2, len(m.ClosingLines()))] {
			known[h] = true
		}
		m.InContext(Context{Parents: []string{parent, m.Text}, Closing: known})
		if len(m.Text) > 0 {
			checkZones(t, m)
		}
	})
}
