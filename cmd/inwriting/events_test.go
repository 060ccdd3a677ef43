package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestEvents(t *testing.T) {
	var f feed
	f.tell("mailbox", "nobody listens")
	srv := httptest.NewServer(&f)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		var event []string
		for lines.Scan() && lines.Text() != "" {
			event = append(event, lines.Text())
		}
		return strings.Join(event, "|")
	}
	if got := next(); got != ": inwriting" {
		t.Fatalf("begins with %q", got)
	}
	f.progress(progress{Label: "nora", Done: 1, Total: 9})
	f.progress(progress{Label: "nora", Done: 2, Total: 9}) // too soon
	f.progress(progress{Label: "nora", Done: 9, Total: 9}) // the end is always told
	f.tell("mailbox", mailboxSync{Address: "nora@deskandco.example", State: "up to date", New: 3})
	for _, want := range []string{
		`event: progress|data: {"label":"nora","done":1,"total":9}`,
		`event: progress|data: {"label":"nora","done":9,"total":9}`,
	} {
		if got := next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := next(); !strings.HasPrefix(got, `event: mailbox|data: {"address":"nora@deskandco.example","state":"up to date","new":3`) {
		t.Errorf("got %s", got)
	}
	cancel()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		n := len(f.listeners)
		f.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a listener that went is kept")
		}
	}
}
