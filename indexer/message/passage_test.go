package message

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPassages(t *testing.T) {
	tests := []struct {
		name, body string
		want       []string // "name <address> date: words"
	}{
		{"Outlook", "Fine.\n\n-----Original Message-----\nFrom: Nora Lind [mailto:nora@deskandco.example]\nSent: Monday, 4 March 2024 10:00\nTo: Ben Ode\nSubject: Stone\n\nPlease cut the slabs.\n\nBest,\nNora Lind\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T10:00: Please cut the slabs."}},
		{"a chain", "Fine.\n\nFrom: Nora Lind <nora@deskandco.example>\nSent: Monday, 4 March 2024 10:00\nTo: Ben Ode\nSubject: Stone\n\nSee below.\n\nFrom: Ida Moss <ida@moss.example>\nSent: Friday, 1 March 2024 09:00\nTo: Nora Lind\nSubject: Stone\n\nForty slabs.\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T10:00: See below.", "Ida Moss <ida@moss.example> 2024-03-01T09:00: Forty slabs."}},
		{"attribution", "Fine.\n\nOn Mon, 4 Mar 2024 at 10:00, Nora Lind <nora@deskandco.example> wrote:\n> Please cut\n> the slabs.\n>\n> On Fri, 1 Mar 2024, Ida Moss wrote:\n>> Forty slabs.\n> No more.\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T10:00: Please cut the slabs. No more.", "Ida Moss <> 2024-03-01T00:00: Forty slabs."}},
		{"answers between", "On 4 Mar 2024, Nora Lind <nora@deskandco.example> wrote:\n> How many?\nForty.\n> When?\nNow.\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T00:00: How many? When?"}},
		{"German", "Gut.\n\nAm 04.03.2024 um 10:00 schrieb Nora Lind <nora@deskandco.example>:\n> Bitte schneiden.\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T10:00: Bitte schneiden."}},
		{"German header", "Gut.\n\nVon: Nora Lind <nora@deskandco.example>\nGesendet: Montag, 4. März 2024 10:00\nAn: Ben\nBetreff: Stein\n\nBitte schneiden.\n",
			[]string{"Nora Lind <nora@deskandco.example> 2024-03-04T10:00: Bitte schneiden."}},
		{"forwarded", "For you.\n\n---------- Forwarded message ---------\nFrom: Hotel Mar <stay@mar.example>\nDate: Mon, 4 Mar 2024 at 10:00\nSubject: Rates\nTo: Ben\n\nThe rate is EUR 90.\n",
			[]string{"Hotel Mar <stay@mar.example> 2024-03-04T10:00: The rate is EUR 90."}},
		{"nobody named", "Fine.\n\n> Please cut the slabs.\n", nil},
		{"the author himself", "Again:\n\nOn Mon, 4 Mar 2024, Ben Ode <ben@quarry.example> wrote:\n> I cut the slabs.\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Parse([]byte("From: Ben Ode <ben@quarry.example>\nSubject: Re: Stone\n\n" + tt.body))
			var got []string
			for _, p := range m.Passages() {
				got = append(got, p.From.Name+" <"+p.From.Address+"> "+p.Date.Format("2006-01-02T15:04")+": "+strings.Join(said(p.View), " "))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("passages (-want +got):\n%s", d)
			}
		})
	}
}

func FuzzPassages(f *testing.F) {
	f.Add("On Mon, 4 Mar 2024, Ida Moss wrote:\n>> Forty slabs.\n> No more.\n")
	f.Add("-----Original Message-----\nFrom: Nora\nSent: Monday\nTo: Ben\nSubject: Stone\n\nPlease cut.\n")
	f.Fuzz(func(t *testing.T, body string) {
		m := Parse([]byte("From: ben@quarry.example\nSubject: Fwd: x\n\n" + body))
		for _, p := range m.Passages() {
			if len(p.View.Text) > len(m.Text) {
				t.Fatal("the view is longer than the text")
			}
			checkZones(t, p.View)
			for _, z := range p.View.ZonesOf(New) {
				if strings.Count(m.Text[z.Start:z.End], "\n") != strings.Count(p.View.ZoneText(z), "\n") {
					t.Fatal("offsets differ")
				}
			}
		}
	})
}

func TestRepeated(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"On Tue, 1 Sep 2020 at 08:51, Ines Voss\n<ines@voss.example> wrote:\n> Book it: today.\n> Thanks\n", "> Book it: today.\n> Thanks\n"},
		{"-----Original Message-----\nFrom: Ines Voss\nSent: Tuesday\nTo: Nora Lindqvist;\nSubject: Rooms\n\nTwo rooms, please.\n", "\nTwo rooms, please.\n"},
		{"> Two rooms, please.\n", "> Two rooms, please.\n"},
		{"Two rooms, please.", "Two rooms, please."},
		{"", ""},
	} {
		m := &Message{Text: tt.text}
		if got := m.Repeated(Zone{Kind: Quoted, End: len(tt.text)}); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}
