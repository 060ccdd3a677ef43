package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"inwriting/search"
	"inwriting/search/trail"
)

type coverageSearcher struct{ search.Searcher }

func (coverageSearcher) Search(context.Context, search.Query) (*search.Results, error) {
	return &search.Results{}, nil
}

func TestMetrics(t *testing.T) {
	early, late := time.Unix(1_700_000_000, 0), time.Unix(1_700_003_600, 0)
	cov := &trail.Coverage{Checkpoint: &trail.Checkpoint{Size: 42}, Mailboxes: []trail.MailboxCoverage{
		{Address: "nora@deskandco.example", State: "incomplete", Folders: []trail.FolderCoverage{
			{Name: "INBOX", Server: 12, Stored: 10, Indexed: 9, Quarantined: 2, LastSync: &late}, {Name: "Sent", Server: 3, Stored: 3, Indexed: 3, LastSync: &early},
			{Name: "Spam", Server: 100, Excluded: true}}},
		{Address: "travel@deskandco.example", State: "imported", Folders: []trail.FolderCoverage{{Name: "mbox", Stored: 7, Indexed: 7}}},
	}}
	var fails error
	m := newMetrics(func(context.Context) (*trail.Coverage, error) { return cov, fails })
	if _, err := (timed{coverageSearcher{}, m}).Search(context.Background(), search.Query{}); err != nil {
		t.Fatal(err)
	}
	get := func() (int, string) {
		w := httptest.NewRecorder()
		m.handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Code, w.Body.String()
	}
	code, body := get()
	for _, want := range []string{
		`inwriting_messages{mailbox="1",state="server"} 15`, `inwriting_messages{mailbox="1",state="stored"} 13`, `inwriting_messages{mailbox="1",state="indexed"} 12`,
		`inwriting_messages{mailbox="1",state="quarantined"} 2`, `inwriting_messages{mailbox="2",state="stored"} 7`, `inwriting_mailbox_synced_timestamp_seconds{mailbox="1"} 1.7e+09`,
		`inwriting_mailbox_up_to_date{mailbox="1"} 0`, `inwriting_mailbox_up_to_date{mailbox="2"} 1`, "inwriting_ledger_entries 42", `inwriting_question_seconds_count{question="search"} 1`, "go_goroutines",
	} {
		if !strings.Contains(body, want+"\n") && !strings.Contains(body, want+" ") {
			t.Errorf("no %s", want)
		}
	}
	if code != 200 || strings.Contains(body, "deskandco") {
		t.Errorf("status %d; addresses are told: %v", code, strings.Contains(body, "deskandco"))
	}
	fails = errors.New("the catalog is closed")
	if code, body := get(); code != 500 || !strings.Contains(body, "the catalog is closed") {
		t.Errorf("without coverage: status %d, %s", code, body)
	}
}
