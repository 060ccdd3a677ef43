package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inwriting/config"
	"inwriting/search/trail"
)

// TestOpenPages asks the daemon's addresses of what is open.
func TestOpenPages(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "1.eml")
	raw := "From: Nora <nora@deskandco.example>\r\nTo: martin@halearchitects.example\r\nSubject: Expenses\r\nDate: Fri, 3 Mar 2023 09:12:00 +0000\r\n\r\nI will send you the expense report by Friday 17 March.\r\n"
	if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	people := trail.People{Us: []string{"nora@deskandco.example"}, Clients: []trail.Party{{Name: "Hale Architects", Domains: []string{"halearchitects.example"}}}}
	a := &app{}
	s, err := openService(config.Default(), filepath.Join(dir, "vault"), people, a.getenv, (&app{streams: streams{err: os.Stderr}}).logger(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.importFiles(context.Background(), importArgs{Address: "nora@deskandco.example", Paths: []string{file}}, func(any) {}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.openPages(mux)
	get := func(path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec
	}
	rec := get("/open.ics")
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.Contains(rec.Body.String(), "DTSTART;VALUE=DATE:20230317\r\n") {
		t.Errorf("/open.ics: %d %v\n%s", rec.Code, rec.Header(), rec.Body)
	}
	if again := get("/open.ics"); again.Body.String() != rec.Body.String() {
		t.Error("the feed is not the same when it is asked for again")
	}
	var d openDoc
	rec = get("/open.json?client=hale+architects")
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || d.Schema != "inwriting.open/v1" || d.Total != 1 || len(d.Clients[0].Promises) != 1 {
		t.Errorf("/open.json: %v, %s", err, rec.Body)
	}
	if rec := get("/open.json?client=nobody"); rec.Code != http.StatusBadRequest {
		t.Errorf("a client that nobody configured: status %d, want 400", rec.Code)
	}
}

func TestOpenItem(t *testing.T) {
	st := func(role trail.Role) trail.Statement {
		return trail.Statement{Speaker: trail.Speaker{Role: role}, Message: trail.MessageInfo{Date: time.Date(2023, 3, 3, 9, 12, 0, 0, time.UTC)}}
	}
	promise := trail.Waiting{Type: trail.Promise, Due: "2023-03-17"}
	question := trail.Waiting{Type: trail.NoAnswer}
	for _, test := range []struct {
		o           trail.Waiting
		role        trail.Role
		now         string
		waits       trail.Role
		state, said string
		days        int
	}{
		{promise, trail.Us, "2023-03-17T23:59:00Z", trail.Us, "due", "due 2023-03-17", 0},
		{promise, trail.Client, "2023-03-18T00:00:00Z", trail.Client, "overdue", "due 2023-03-17, 1 day ago", 1},
		{question, trail.Client, "2023-03-05T09:11:00Z", trail.Us, "waiting", "waits for you, 1 day", 1},
		{question, trail.Us, "2023-03-05T09:12:00Z", trail.Client, "waiting", "waits for them, 2 days", 2},
	} {
		at, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		it := newOpenItem(test.o, st(test.role), at)
		if it.WaitsFor != test.waits || it.State != test.state || it.Days != test.days || openState(it) != test.said {
			t.Errorf("%v of %s at %s: got %s, %s, %d, %q", test.o.Type, test.role, test.now, it.WaitsFor, it.State, it.Days, openState(it))
		}
	}
}
