package message

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const invitation = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Site visit\\, second \r\n floor\r\n" +
	"DTSTART;TZID=\"Europe/London\":20230314T160000\r\nDTEND;TZID=\"Europe/London\":20230314T170000\r\nLOCATION:12 High Street\r\n" +
	"ORGANIZER;CN=Nora Lindqvist:mailto:nora@deskandco.example\r\nDESCRIPTION:Please bring the plans.\\nParking is behind the house.\r\n" +
	"BEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestCalendarAloneIsTheText(t *testing.T) {
	head := "From: nora@deskandco.example\r\nSubject: Visit\r\n"
	m := Parse([]byte(head + "Content-Type: text/calendar; charset=utf-8\r\n\r\n" + invitation))
	want := "Site visit, second floor\nWhen: 2023-03-14 16:00 Europe/London to 17:00 Europe/London\nWhere: 12 High Street\nOrganizer: Nora Lindqvist\n\nPlease bring the plans.\nParking is behind the house."
	if got := strings.TrimSpace(m.Text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m = Parse([]byte(head + "Content-Type: text/calendar\r\n\r\n" + strings.Replace(invitation, "REQUEST", "CANCEL", 1)))
	if !strings.HasPrefix(m.Text, "Cancelled: Site visit") {
		t.Errorf("cancelled: got %q", m.Text)
	}
}

func TestCalendarBesideTextIsAPart(t *testing.T) {
	m := Parse([]byte("From: nora@deskandco.example\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease come.\r\n" +
		"--b\r\nContent-Type: text/calendar\r\n\r\n" + invitation + "--b--\r\n"))
	if strings.TrimSpace(m.Text) != "Please come." {
		t.Errorf("text: got %q", m.Text)
	}
	if len(m.Parts) != 1 || m.Parts[0].ContentType != "text/calendar" || len(m.Parts[0].SHA256) != 64 {
		t.Errorf("parts: got %+v", m.Parts)
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add(invitation)
	f.Add("BEGIN:VEVENT\nSUMMARY;X=\":a\nEND:VEVENT")
	f.Fuzz(func(t *testing.T, s string) {
		got := calendarText(s)
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("no UTF-8 of %q: %q", s, got)
		}
	})
}
