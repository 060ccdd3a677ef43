package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inwriting/search/trail"
)

func TestCorrectedStatement(t *testing.T) {
	s := trail.Statement{ID: "s-7k2q000000", Kind: "question", Confidence: 0.3, Quote: "Please book it?",
		Corrected: &trail.Correction{Kind: "question", Was: "instruction", Note: "she <asks>", By: "nora@deskandco.example", At: at("2023-03-04 10:00")}}
	f := &fake{trail: &trail.Trail{Question: "it", Entries: []trail.Entry{{N: 1, Statement: s}}}}
	rec := httptest.NewRecorder()
	New(f, Options{}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/m/it", nil))
	body := rec.Body.String()
	for _, want := range []string{"Question", "read as instruction, corrected by nora@deskandco.example on 4", "March 2023: she &lt;asks&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, ">perhaps<") {
		t.Error("what somebody has looked at is called unsure")
	}
}

func TestKeptMatters(t *testing.T) {
	closed := at("2023-04-01 10:00")
	f := &fake{trail: &trail.Trail{Question: "what date did Martin want to fly",
		Matter:   &trail.Matter{Name: "vienna-flight", Title: "Vienna flight", State: "closed", Closed: &closed, Reason: "settled", Notes: []trail.Note{{Text: "ask <again>", At: closed}}},
		LeftOut:  []trail.LeftOut{{Statement: "s-7k2q000000", Date: at("2023-03-02 09:12"), Reason: "private"}},
		Exhibits: []trail.Exhibit{{N: 1, Name: "chat.png", Note: "by phone", At: closed}}}}
	var fail error
	h := New(f, Options{
		Matters: []Matter{{Name: "hotel", Title: "Hotel", Question: "the hotel?"}},
		Kept: func(context.Context) ([]Matter, error) {
			return []Matter{{Name: "vienna-flight", Title: "Vienna flight", Question: "what date did Martin want to fly", State: "closed", Kept: true}}, fail
		}})
	get := func(path string) (int, string) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec.Code, rec.Body.String()
	}
	code, body := get("/")
	if i, j := strings.Index(body, "Vienna flight"), strings.Index(body, "Hotel"); code != 200 || i < 0 || j < 0 || j > i || !strings.Contains(body, "Vienna flight</bdi></a> (closed)") {
		t.Errorf("home, status %d: the open matter is not before the closed one:\n%s", code, body)
	}
	code, body = get("/m/vienna-flight")
	if code != 200 || f.quest != "vienna-flight" {
		t.Errorf("status %d, asked for %q, want the matter by its name", code, f.quest)
	}
	for _, want := range []string{"settled", "ask &lt;again&gt;", "private", "chat.png", "X1, taken in", "by phone"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if get("/m/hotel"); f.quest != "the hotel?" {
		t.Errorf("asked for %q, want the question of a matter that is not kept", f.quest)
	}
	fail = errors.New("disk")
	if code, _ := get("/"); code != 500 {
		t.Errorf("status %d when the matters cannot be listed, want 500", code)
	}
}
