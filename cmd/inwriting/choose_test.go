package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/imapsync/imaptest"
	"inwriting/search/httpapi"
)

func private(n int) []byte {
	return fmt.Appendf(nil, "From: The Clinic <desk@clinic.example>\nTo: nora@deskandco.example\nSubject: Result %d\nDate: Thu, 2 Mar 2023 09:12:00 +0000\nMessage-ID: <p%d@clinic.example>\n\nPlease call us about the xylophone on Friday 3 March.\n", n, n)
}

// A mailbox of which only the mail with some clients is kept, from the command line.
func TestMailboxOnly(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	for i := range 3 {
		if err := s.Deliver("user", "INBOX", invented(i)); err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver("user", "INBOX", private(i)); err != nil {
			t.Fatal(err)
		}
	}
	u.env = []string{"INWRITING_PASSWORD=" + s.Password}
	u.write(userConfig, "[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n")
	add := []string{"mailbox", "add", "nora@deskandco.example", "--server", "insecure://" + s.Addr, "--username", "user"}
	if _, errs := u.must(2, "", append(add, "--only", "Hale Architekts")...); !strings.Contains(errs, `did you mean "Hale Architects"?`) {
		t.Error(errs)
	}
	u.must(0, "", append(add, "--only", "Hale Architects")...)
	u.must(0, "", "sync")
	words := "3 not kept: not from or to a chosen client"
	if out, _ := u.must(0, "", "status"); !strings.Contains(out, words) {
		t.Error(out)
	}
	if out, _ := u.must(0, "", "status", "--folders"); !strings.Contains(out, "6 on the server, 3 kept") || !strings.Contains(out, words) {
		t.Error(out)
	}
	if out, _ := u.must(0, "", "mailbox", "list"); !strings.Contains(out, "only from or to: Hale Architects") {
		t.Error(out)
	}
	out, _ := u.must(3, "", "search", "xylophone")
	if !strings.Contains(out, "3 messages not kept by choice") {
		t.Errorf("a search for what was left out: %s", out)
	}
	// A third party is named later, and chosen.
	u.must(0, "", "people", "add", "The Clinic", "desk@clinic.example", "--as", "other")
	u.must(0, "", "sync")
	u.must(3, "", "search", "xylophone")
	if out, _ := u.must(0, "", "mailbox", "choose", "nora@deskandco.example", "--only", "*"); out != "nora@deskandco.example: only from or to: *\n" {
		t.Error(out)
	}
	u.must(0, "", "sync")
	u.must(0, "", "search", "xylophone")
	out, _ = u.must(0, "", "status", "--json")
	var d httpapi.Status
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	if f := d.Coverage.Mailboxes[0].Folders[0]; f.Stored != 6 || f.NotChosen != 0 || d.Coverage.Mailboxes[0].State != "up to date" {
		t.Errorf("%+v", f)
	}
	if out, _ := u.must(0, "", "mailbox", "choose", "nora@deskandco.example", "--all", "--plain"); out != "nora@deskandco.example\t\t\t\t\n" {
		t.Errorf("%q", out)
	}
	if strings.Contains(u.read(userConfig), "only") {
		t.Error(u.read(userConfig))
	}
	if _, errs := u.must(2, "", "mailbox", "choose", "nora@deskandco.example"); !strings.Contains(errs, "--only") {
		t.Error(errs)
	}
}

// A running daemon takes over what the command line changes, by itself.
func TestDaemonIsTold(t *testing.T) {
	s := imaptest.Dovecot(t)
	for i := range 2 {
		if err := s.Deliver("user", "INBOX", invented(i)); err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver("user", "INBOX", private(i)); err != nil {
			t.Fatal(err)
		}
	}
	d := serveHere(t, "listen = \"127.0.0.1:0\"\n[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n")
	must := func(want string, in string, args ...string) {
		t.Helper()
		status, out := d.run(in, args...)
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: status %d: %s", strings.Join(args, " "), status, out)
		}
	}
	becomes := func(stored int) {
		t.Helper()
		var out string
		for range 200 {
			_, out = d.run("", "status", "--plain")
			if f := strings.Split(out, "\t"); len(f) > 3 && f[3] == fmt.Sprint(stored) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Errorf("not %d messages kept: %s", stored, out)
	}
	must("The running daemon took it over.", s.Password+"\n", "mailbox", "add", "nora@deskandco.example", "--server", "insecure://"+s.Addr, "--username", "user",
		"--password-stdin", "--keep", "sealed", "--only", "*")
	becomes(2)
	// Who is named now is let in now, not after the interval.
	must("The running daemon took it over.", "", "people", "add", "The Clinic", "@clinic.example")
	becomes(4)
	// The pages name people too.
	name := func(want int, form url.Values) {
		t.Helper()
		res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).PostForm(d.url+"/people", form)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%v: %s", form, res.Status)
		}
	}
	name(303, url.Values{"as": {"other"}, "name": {"Webb"}, "who": {"@webb.example jo@webb-private.example"}})
	name(422, url.Values{"as": {"client"}, "name": {"Webb"}, "who": {"not an address"}})
	name(422, url.Values{"id": {"p-none"}})
	if _, out := d.run("", "config", "show"); !strings.Contains(out, "Webb: jo@webb-private.example, @webb.example") {
		t.Errorf("named on the page: %s", out)
	}
	must("reads the mailbox now", s.Password+"\n", "mailbox", "login", "nora@deskandco.example", "--password-stdin")
	must("The running daemon took it over.", "", "people", "authority", "The Clinic", "desk@clinic.example")
	must("The running daemon took it over.", "", "mailbox", "remove", "nora@deskandco.example", "--yes")
	// Another file than the daemon's is not its business, and it says so.
	u := &user{t: t, home: t.TempDir()}
	if _, errs := u.must(0, "", "people", "add", "Alpenair", "@alpenair.example", "--as", "other", "--data", d.data()); !strings.Contains(errs, "did not take it over") || !strings.Contains(errs, "another configuration") {
		t.Errorf("another file: %s", errs)
	}
}
