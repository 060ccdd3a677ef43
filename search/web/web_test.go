package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/bundle"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

// fake is a Searcher over values.
type fake struct {
	mu      sync.Mutex // of quest: cards are worked out side by side
	results *search.Results
	doc     *search.MessageDoc
	trail   *trail.Trail
	cov     trail.Coverage
	err     error
	asked   search.Query
	quest   string
	octets  []byte // of every message, where set
}

func (f *fake) Search(_ context.Context, q search.Query) (*search.Results, error) {
	f.asked = q
	return f.results, f.err
}
func (f *fake) Message(context.Context, string) (*search.MessageDoc, error) {
	if f.doc == nil && f.err == nil {
		return nil, search.ErrNotFound
	}
	return f.doc, f.err
}
func (f *fake) Statement(context.Context, string) (*trail.Statement, error) {
	return nil, search.ErrNotFound
}
func (f *fake) Raw(_ context.Context, r archive.Ref) (io.ReadCloser, int64, error) {
	for n := byte(0); n < 30; n++ {
		if ref(n) == r {
			b := raw(n)
			if f.octets != nil {
				b = f.octets
			}
			return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
		}
	}
	return nil, 0, search.ErrNotFound
}
func (f *fake) Trail(_ context.Context, asked search.TrailQuery) (*trail.Trail, error) {
	q := asked.Question
	f.mu.Lock()
	f.quest = q
	f.mu.Unlock()
	return f.trail, f.err
}
func (f *fake) Coverage(context.Context) (*trail.Coverage, error) { return &f.cov, nil }

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// raw is the nth message's octets, ref their hash.
func raw(n byte) []byte { return fmt.Appendf(nil, "Subject: x\r\nX-N: %d\r\n\r\nraw <b>\r\n", n) }

func ref(n byte) archive.Ref { return sha256.Sum256(raw(n)) }

var (
	martin = trail.Speaker{Name: "Martin Hale", Address: "martin@halearchitects.example", Role: trail.Client}
	nora   = trail.Speaker{Name: "Nora Lindqvist", Address: "nora@deskandco.example", Role: trail.Us}
	airl   = trail.Speaker{Name: "Alpenair Bookings", Address: "bookings@alpenair.example", Role: trail.Other}
)

func said(n int, who trail.Speaker, kind statement.Kind, when, subject, quote string, links []trail.Link, facts ...statement.Fact) trail.Entry {
	to := []string{"Nora Lindqvist <nora@deskandco.example>"}
	if who.Role == trail.Us {
		to = []string{"Martin Hale <martin@halearchitects.example>"}
	}
	r := ref(byte(n))
	if n == 3 || n == 9 { // the same letter as the one before
		r = ref(byte(n - 1))
	}
	return trail.Entry{N: n, Links: links, Statement: trail.Statement{
		ID: fmt.Sprintf("s-%04d", n), Kind: kind, Confidence: 0.9, Quote: quote, Speaker: who, Facts: facts,
		Message: trail.MessageInfo{Ref: r, Date: at(when), From: who.Name + " <" + who.Address + ">", To: to, Subject: subject,
			Occurrences: []trail.Occurrence{{Mailbox: "nora@deskandco.example", Folder: "INBOX", UID: uint32(n)}}},
		Why: []statement.Reason{{Rule: "req.please", Weight: 1.9, Text: "please"}},
	}}
}

func day(text, value string) statement.Fact {
	return statement.Fact{Type: statement.Date, Text: text, Value: value}
}

// coverage has three whole mailboxes and one that could not be read to the end.
func coverage() trail.Coverage {
	from, to, sync := at("2020-02-02 08:00"), at("2023-03-13 07:41"), at("2023-03-09 14:02")
	f := func(n int) []trail.FolderCoverage {
		return []trail.FolderCoverage{{Name: "INBOX", Server: n, Stored: n, Indexed: n, From: &from, To: &to, LastSync: &to}}
	}
	old := f(1204)
	old[0].Server, old[0].LastSync = 1300, &sync
	return trail.Coverage{
		Mailboxes: []trail.MailboxCoverage{
			{Address: "nora@deskandco.example", State: "up to date", Folders: append(f(11726), trail.FolderCoverage{Name: "Spam", Excluded: true})},
			{Address: "billing@deskandco.example", State: "up to date", Folders: f(3371)},
			{Address: "nora.l@oldprovider.example", State: "sign-in refused", Folders: old},
		},
		Absent:     []string{"<lost@alpenair.example>"},
		Checkpoint: &trail.Checkpoint{Origin: "inwriting", Size: 18412, Time: at("2023-03-13 04:00")},
	}
}

// dispute is a flight booked for the day that the client says he never named.
func dispute() *trail.Trail {
	link := func(rel trail.Rel, n int) []trail.Link { return []trail.Link{{Rel: rel, N: n}} }
	return &trail.Trail{
		Schema: trail.Schema, Question: "vienna flight",
		Summary: trail.Summary{Text: "Martin moved the flight from Tue 14 March to Wed 15 March in writing on 2 March 2023 (4). You confirmed the new date 14 minutes later (5).", Statements: []int{1, 4, 5, 6, 10}},
		Entries: []trail.Entry{
			said(1, martin, statement.Instruction, "2023-03-02 09:12", "Vienna trip", "Please book me London to Vienna on Tuesday 14 March, first flight out, and keep it under £260.", nil,
				day("Tuesday 14 March", "2023-03-14"), statement.Fact{Type: statement.Money, Text: "£260", Value: "GBP 260.00"}),
			said(2, nora, statement.Confirmation, "2023-03-02 09:53", "Re: Vienna trip", "Confirming: London–Vienna on Tuesday 14 March, first flight out.", link(trail.Confirms, 1), day("Tuesday 14 March", "2023-03-14")),
			said(3, nora, statement.Question, "2023-03-02 09:53", "Re: Vienna trip", "Shall I put it on the company card?", nil),
			said(4, martin, statement.Change, "2023-03-02 18:47", "Lunch with Kessler", "Kessler has moved to Thursday lunch, so make that flight a day later. Same times otherwise.", link(trail.Changes, 1), day("a day later", "2023-03-15")),
			said(5, nora, statement.Confirmation, "2023-03-02 19:01", "Re: Lunch with Kessler", "Will do: Wednesday 15 March instead.", link(trail.Confirms, 4), day("Wednesday 15 March", "2023-03-15")),
			said(6, airl, statement.Delivery, "2023-03-03 16:20", "Your booking QX7T2L", "Booking QX7T2L is confirmed. Outbound Wed 15 Mar 2023, 06:50.", link(trail.Fulfils, 5), day("Wed 15 Mar 2023", "2023-03-15")),
			said(7, nora, statement.Delivery, "2023-03-03 16:31", "Re: Vienna trip", "Booked, ticket attached.", link(trail.Fulfils, 1)),
			said(8, nora, statement.Question, "2023-03-03 16:35", "Re: Vienna trip", "Please check the details and tell me by tomorrow noon if anything is off.", nil,
				statement.Fact{Type: statement.DateTime, Text: "tomorrow noon", Value: "2023-03-04T12:00"}),
			said(9, nora, statement.Caveat, "2023-03-03 16:35", "Re: Vienna trip", "Changes are free for 24 hours; after that they cost £85.", nil, statement.Fact{Type: statement.Money, Text: "£85", Value: "GBP 85.00"}),
			said(10, martin, statement.Dispute, "2023-03-13 07:41", "Re: Vienna trip", "I never said the 15th. This is not what I asked for.", link(trail.Disputes, 6), day("the 15th", "2023-03-15")),
		},
		Findings: []trail.Finding{
			{Type: trail.Contradiction, A: 1, B: 6, ExplainedBy: 4, Fact: statement.Date, Text: "1 says Tue 14 March, 6 says Wed 15 March"},
			{Type: trail.Unanswered, A: 8, Text: "No reply in writing to the request to check the ticket (8)."},
		},
		Gaps:     []trail.Gap{{From: at("2023-03-03 16:35"), To: at("2023-03-13 07:41"), Days: 9}},
		Coverage: coverage(),
	}
}

func results() *search.Results {
	r := &search.Results{Schema: search.ResultsSchema, Query: "vienna flight", Total: 31, Corrected: map[string]string{"viena": "vienna"}, Coverage: coverage()}
	for _, e := range dispute().Entries {
		s := e.Statement
		r.Hits = append(r.Hits, search.Hit{Score: 1, Statement: &s})
	}
	return r
}

func doc() *search.MessageDoc {
	text := "Hi Nora,\n\nThanks for sorting the restaurant. Kessler has moved to Thursday lunch, so make that flight a day later. Same times otherwise.\n\nM.\n\n> Booked at the Blue Pike,\n> Wednesday 13:00.\n"
	start := strings.Index(text, "Kessler")
	end := strings.Index(text, " Same")
	cut := strings.Index(text, "> Booked")
	s := dispute().Entries[3].Statement
	s.Start, s.End, s.Quote = start, end, text[start:end]
	d, c := at("2023-03-02 18:47"), at("2023-03-02 18:49")
	return &search.MessageDoc{
		Schema: search.MessageSchema, Message: s.Message, Cc: []string{}, Dates: search.Dates{Date: &d, Collected: &c}, Text: text,
		Zones:      []search.Zone{{Kind: message.New, Start: 0, End: cut}, {Kind: message.Quoted, Start: cut, End: len(text)}},
		Statements: []trail.Statement{s}, Parts: []message.Part{{Number: "2", ContentType: "text/calendar", Name: "invite.ics", Size: 2048}},
		Defects: []message.Defect{{Code: "no-mime-version", Text: "there is no MIME-Version"}}, LedgerIndex: 11874, Size: 4120,
	}
}

func pages() (*fake, http.Handler) {
	f := &fake{results: results(), doc: doc(), trail: dispute(), cov: coverage()}
	return f, New(f, Options{Location: time.UTC, Matters: []Matter{{Name: "vienna-flight", Title: "Vienna flight, March", Question: "which day was the Vienna flight for"}}})
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A letter names the files that came with it, the earlier one that had the same file,
// and what ties it to another conversation.
func TestFilesOfLetters(t *testing.T) {
	f, h := pages()
	give := func(i int, files ...trail.Attachment) { f.trail.Entries[i].Statement.Message.Attachments = files }
	ticket := trail.Attachment{Name: "ticket <1>.pdf", Size: 84 << 10, SHA256: "aa"}
	give(3, ticket)
	give(9, trail.Attachment{Size: 10, SHA256: "bb"}, ticket)
	f.trail.Joined = []trail.Joined{{A: 4, B: 10, Reason: "carries the same file, \"ticket.pdf\""}}
	body := get(t, h, "/m/vienna-flight").Body.String()
	for _, want := range []string{"<bdi>ticket &lt;1&gt;.pdf</bdi>, 84 KB</span>", "<bdi>a file without a name</bdi>, 10 bytes</span>",
		`<bdi>ticket &lt;1&gt;.pdf</bdi>, 84 KB: the same file as with <a class="ref" href="#s4">4</a>`, `<bdi>carries the same file, &#34;ticket.pdf&#34;</bdi> as <a class="ref" href="#s4">4</a>`} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	checkHTML(t, body)
}

func TestPages(t *testing.T) {
	tests := []struct {
		path   string
		status int
		want   []string
	}{
		{"/", 200, []string{`<h1 class="serif">What was said?`, `href="/m/vienna-flight"`, "2 mailboxes read, 1 needs you", "I never said the 15th", "1 contradiction, explained", `class="change"`, "8 messages"}},
		{"/ask", 200, []string{"Searched 16,301 messages in 3 mailboxes"}},
		{"/ask?q=vienna+flight", 200, []string{"<strong>31 statements</strong>", `<mark class="fact">a day later</mark> <span class="read">= Wed 15` + "\u00a0" + `March</span>`,
			"Nobody wrote “viena”; searched for “vienna”", `href="/m/vienna-flight?q=vienna&#43;flight"`, "offset=10", "20 more"}},
		{"/m/vienna-flight", 200, []string{"Vienna flight, March", "I never said <mark", `<a class="ref" href="#s4">4</a>`, "explained by 4", "Two dates in writing",
			"No mail between you for 9 days", "other subject: <bdi>Lunch with Kessler</bdi>", "Confirmed by <a class=\"ref\" href=\"#s2\">2</a><small>41 minutes later</small>",
			`<mark class="fact hot">Tuesday 14 March</mark>`, "nora.l@oldprovider.example is not complete", `class="held old">Tue 14`, `class="lane l1 warns from"`, "Thursday 2\u00a0March 2023"}},
		{"/message/" + ref(4).String(), 200, []string{`id="s-0004"`, "Quoted from an earlier message, 2 lines", "invite.ics", "<span>" + ref(4).Hex()[:4] + "</span><span>", "Same bytes as when archived.", "Entry 11,874", `/raw" download`}},
		{"/mailboxes", 200, []string{">Mailboxes</h1>", "nora.l@oldprovider.example", "is missing from every trail", "Cannot sign in since 9\u00a0March 2023", "What is covered, and when", "Phone calls and meetings", "Ledger of 18,412 entries"}},
		{"/nowhere", 404, []string{"There is no page here"}},
		{"/message/x/y/z", 404, []string{"There is no page here"}},
	}
	_, h := pages()
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			w := get(t, h, tt.path)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			body := w.Body.String()
			for _, s := range tt.want {
				if !strings.Contains(body, s) {
					t.Errorf("page lacks %q", s)
				}
			}
			checkHTML(t, body)
			checkHeaders(t, w)
		})
	}
}

var (
	tag    = regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^">])*)>`)
	id     = regexp.MustCompile(` id="([^"]*)"`)
	anchor = regexp.MustCompile(`href="#([^"]+)"`)
)

// ownScript is the one script that a page has.
var ownScript = `<script src="` + assets.url("app.js") + `" defer></script>`

// checkHTML holds what every page must keep: balanced elements, ids given once,
// links inside the page that lead somewhere, one h1, nothing inline that the
// content policy would block.
func checkHTML(t *testing.T, body string) {
	t.Helper()
	void := map[string]bool{"meta": true, "link": true, "input": true, "br": true, "path": true, "circle": true, "use": true, "rect": true, "line": true}
	body = strings.Replace(body, ownScript, "", 1)
	var open []string
	ids := map[string]bool{}
	for _, m := range tag.FindAllStringSubmatch(body, -1) {
		name := m[2]
		switch {
		case void[name]:
		case m[1] == "/":
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		default:
			open = append(open, name)
		}
		if i := id.FindStringSubmatch(m[3]); i != nil {
			if ids[i[1]] {
				t.Errorf("id %q is given twice", i[1])
			}
			ids[i[1]] = true
		}
		if strings.Contains(m[3], " style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(m[3]) || name == "script" || name == "style" || name == "iframe" {
			t.Errorf("inline style, script or frame: %s", m[0])
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	for _, m := range anchor.FindAllStringSubmatch(body, -1) {
		if !ids[m[1]] {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%d h1, want 1", n)
	}
}

func checkHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for k, want := range map[string]string{
		"Content-Security-Policy": Policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := w.Header().Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if got := w.Header().Get("Content-Type"); got == "" {
		t.Error("no Content-Type")
	}
}

func TestTwins(t *testing.T) {
	f, h := pages()
	for path, schema := range map[string]string{
		"/":                                "inwriting.status/v1",
		"/mailboxes":                       "inwriting.status/v1",
		"/ask?q=x":                         "inwriting.search/v1",
		"/m/a-b":                           "inwriting.trail/v1",
		"/message/" + ref(4).String() + "": "inwriting.message/v1",
	} {
		for _, accept := range []string{"application/json", "application/json, text/html;q=0.5"} {
			w := get(t, h, path, "Accept", accept)
			var doc struct{ Schema string }
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Schema != schema {
				t.Errorf("%s with %q: schema %q (%v), want %q", path, accept, doc.Schema, err, schema)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("%s: Content-Type %q", path, ct)
			}
			checkHeaders(t, w)
		}
		for _, accept := range []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*", ""} {
			if w := get(t, h, path, "Accept", accept); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				t.Errorf("%s with %q: not a page", path, accept)
			}
		}
	}
	if get(t, h, "/m/a-b"); f.quest != "a b" {
		t.Errorf("asked %q for /m/a-b", f.quest)
	}
	f.err = fmt.Errorf("%w: sha256-00", search.ErrNotFound)
	w := get(t, h, "/message/x", "Accept", "application/json")
	if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"not-found"`) {
		t.Errorf("problem: %d %s", w.Code, w.Body)
	}
}

func TestQuestionOfAMatter(t *testing.T) {
	f, h := pages()
	for path, want := range map[string]string{
		"/m/vienna-flight":         "which day was the Vienna flight for",
		"/m/vienna-flight?q=other": "other",
		"/m/paper-boxes":           "paper boxes",
	} {
		get(t, h, path)
		if f.quest != want {
			t.Errorf("%s asked %q, want %q", path, f.quest, want)
		}
	}
}

// What a trail gives in another order, or in pieces, the page puts right: steps
// in time order, one claim for one message, the odd subject named as such.
func TestTrailLayout(t *testing.T) {
	f, h := pages()
	f.trail.Summary.Statements = []int{10, 4, 1}
	again := f.trail.Entries[9]
	again.N, again.Statement.ID, again.Statement.Quote, again.Statement.Facts = 11, "s-0011", "You will pay for it.", nil
	f.trail.Entries = append(f.trail.Entries, again)
	odd := said(12, martin, statement.Question, "2023-01-02 09:12", "Glasgow", "And Glasgow?", nil)
	f.trail.Entries = append([]trail.Entry{odd}, f.trail.Entries...)
	body := get(t, h, "/m/x").Body.String()
	checkHTML(t, body)
	steps := body[strings.Index(body, `<ol class="steps">`):]
	steps = steps[:strings.Index(steps, "</ol>")]
	if a, b, c := strings.Index(steps, "#s1\""), strings.Index(steps, "#s4\""), strings.Index(steps, "#s10\""); a < 0 || !(a < b && b < c) {
		t.Errorf("steps at %d, %d, %d", a, b, c)
	}
	claim := body[strings.Index(body, `<div class="claim">`):]
	claim = claim[:strings.Index(claim, "</div>")]
	for _, s := range []string{"I never said", "You will pay for it.", "#s10\"", "#s11\""} {
		if !strings.Contains(claim, s) {
			t.Errorf("the claim lacks %q: %s", s, claim)
		}
	}
	for subject, want := range map[string]bool{"Glasgow": true, "Lunch with Kessler": true, "Vienna trip": false, "Re: Vienna trip": false} {
		if got := strings.Contains(body, "other subject: <bdi>"+subject+"</bdi>"); got != want {
			t.Errorf("other subject %q: %v, want %v", subject, got, want)
		}
	}
}

func TestFilters(t *testing.T) {
	f, h := pages()
	get(t, h, "/ask?q=x&by=martin&kind=change&kind=dispute&since=2023-03-01&until=&messages=1")
	if f.asked.Text != "x" || strings.Join(f.asked.Kind, " ") != "change dispute" || f.asked.Since != "2023-03-01" || !f.asked.Messages || f.asked.By[0] != "martin" {
		t.Errorf("asked %+v", f.asked)
	}
	if w := get(t, h, "/ask?q=x&form=martin"); w.Code != 400 || !strings.Contains(w.Body.String(), "form") {
		t.Errorf("a misspelt filter: %d", w.Code)
	}
}

func TestStates(t *testing.T) {
	f, h := pages()
	f.results.Hits, f.results.Total = nil, 0
	f.trail = &trail.Trail{Schema: trail.Schema, Question: "refund hotel", Coverage: coverage()}
	for _, path := range []string{"/ask?q=refund+hotel", "/m/refund-hotel"} {
		w := get(t, h, path)
		checkHTML(t, w.Body.String())
		for _, s := range []string{"Nothing in writing about", "Searched 16,301 messages", "sign-in refused", "mail after 9\u00a0March 2023 is missing here"} {
			if !strings.Contains(w.Body.String(), s) {
				t.Errorf("%s lacks %q", path, s)
			}
		}
	}
	for _, err := range []error{errors.New("disk on fire"), search.ErrTimeout, search.ErrAmbiguous} {
		f.err = err
		w := get(t, h, "/ask?q=keep+me")
		if w.Code < 400 || !strings.Contains(w.Body.String(), `value="keep me"`) || !strings.Contains(w.Body.String(), err.Error()) {
			t.Errorf("%v: status %d, or the question or the technical line is lost", err, w.Code)
		}
		checkHTML(t, w.Body.String())
		checkHeaders(t, w)
	}
	f.err, f.cov = nil, trail.Coverage{}
	if w := get(t, h, "/"); !strings.Contains(w.Body.String(), "No mailbox yet") {
		t.Error("home without a mailbox")
	}
}

// hostile text in every place that the sender of a mail chooses.
func TestHostile(t *testing.T) {
	evil := "</span><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe\u2066\x00\x1b[31m\xff {{.}} javascript:alert(3)"
	f, h := pages()
	for i := range f.trail.Entries {
		s := &f.trail.Entries[i].Statement
		s.Quote, s.Speaker.Name, s.Speaker.Address, s.Message.Subject = evil, evil, evil, evil
		s.Message.To, s.Message.From = []string{evil}, evil
		s.Message.Occurrences[0].Folder, s.Message.Occurrences[0].Mailbox = evil, evil
		s.Facts = []statement.Fact{{Type: statement.FactType(evil), Text: "<script>", Value: evil}, {Type: statement.Date, Text: "onerror", Value: evil, Alternatives: []string{evil}}}
		s.ID, s.Kind = evil, statement.Kind(evil)
		s.Why = []statement.Reason{{Rule: evil, Text: evil}}
		f.results.Hits[i] = search.Hit{Statement: s}
	}
	f.trail.Question, f.trail.Summary.Text, f.trail.Findings[0].Text = evil, evil, evil
	f.trail.Coverage.Mailboxes[0].Address, f.trail.Coverage.Mailboxes[2].Detail, f.trail.Coverage.Mailboxes[2].State = evil, evil, evil
	f.results.Coverage, f.cov = f.trail.Coverage, f.trail.Coverage
	f.results.Corrected = map[string]string{evil: evil}
	f.results.Hits = append(f.results.Hits, search.Hit{Message: &search.MessageHit{MessageInfo: f.trail.Entries[0].Statement.Message, Excerpt: evil}})
	d := f.doc
	d.Text, d.Message = evil+strings.Repeat("\n<script>x</script> "+evil, 5000), f.trail.Entries[0].Statement.Message
	d.Message.MessageID = evil
	d.Cc, d.Parts[0].Name, d.Parts[0].ContentType, d.Defects[0].Text = []string{evil}, evil, evil, evil
	d.Zones = []search.Zone{{Kind: message.New, Start: 0, End: 100}, {Kind: message.Quoted, Start: 100, End: len([]rune(d.Text))}, {Kind: message.Legal, Start: 5, End: 1 << 30}}
	d.Statements = []trail.Statement{f.trail.Entries[0].Statement}
	d.Statements[0].Start, d.Statements[0].End = 3, 30

	for _, path := range []string{"/", "/ask?q=%3Cscript%3Ealert(1)%3C/script%3E&by=%22%3E%3Cscript%3E", "/m/x?q=%3Cscript%3E", "/message/x", "/%3Cscript%3Ealert(1)"} {
		w := get(t, h, path)
		body := strings.Replace(w.Body.String(), ownScript, "", 1)
		if w.Code >= 500 {
			t.Fatalf("%s: %d %s", path, w.Code, body)
		}
		for _, bad := range []string{"<script", "<img", "\u202e", "\u2066", "\x00", "\x1b"} {
			if strings.Contains(strings.ToLower(body), bad) {
				i := strings.Index(strings.ToLower(body), bad)
				t.Errorf("%s: %q came through: …%q…", path, bad, body[max(0, i-60):min(len(body), i+40)])
			}
		}
		for _, m := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("%s: link to %q", path, m[1])
			}
		}
	}
}

func TestLongText(t *testing.T) {
	f, h := pages()
	f.doc.Text = strings.Repeat("é<b>", message.MaxText/5)
	f.doc.Zones, f.doc.Statements = nil, nil
	f.trail.Entries[0].Statement.Quote = f.doc.Text
	if w := get(t, h, "/message/x"); w.Code != 200 || strings.Count(w.Body.String(), "é&lt;b&gt;") != message.MaxText/5 {
		t.Errorf("message: %d, text not whole", w.Code)
	}
	if w := get(t, h, "/m/x"); w.Code != 200 || w.Body.Len() > 1<<18 {
		t.Errorf("trail: %d, %d octets for one long statement", w.Code, w.Body.Len())
	}
}

func TestHost(t *testing.T) {
	_, h := pages()
	g := httpapi.Hosts(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8417}, nil, h)
	for host, want := range map[string]int{
		"127.0.0.1:8417": 200, "localhost:8417": 200, "[::1]:8417": 200, "LOCALHOST:8417": 200,
		"evil.example:8417": 421, "evil.example": 421, "127.0.0.1": 421, "127.0.0.1:80": 421, "": 421, "localhost.evil.example:8417": 421, "10.0.0.1:8417": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
		if w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("Host %q: strict headers are missing", host)
		}
	}
}

func TestStylesheet(t *testing.T) {
	_, h := pages()
	page := get(t, h, "/").Body.String()
	href := regexp.MustCompile(`/static/app\.css\?v=[0-9a-f]+`).FindString(page)
	w := get(t, h, href)
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s: %d %v", href, w.Code, w.Header())
	}
	if w := get(t, h, "/static/app.css?v=0"); strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error("a stale address is kept for a year")
	}
	// Every class the pages use exists; a renamed one would show only to the eye.
	css := w.Body.String()
	for _, c := range []string{"card", "hit", "kind", "fact", "hot", "silence", "lane", "finding", "sides", "seen", "nothing", "unseen", "st", "zone"} {
		if !strings.Contains(css, "."+c) {
			t.Errorf("stylesheet lacks .%s", c)
		}
	}
}

func TestRaw(t *testing.T) {
	_, h := pages()
	w := get(t, h, "/message/"+ref(4).String()+"/raw")
	if w.Code != 200 || w.Header().Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("raw: %d %v", w.Code, w.Header())
	}
	if w.Body.String() != string(raw(4)) {
		t.Errorf("octets: %q", w.Body)
	}
}

// TestShow serves the pages for a look with a browser: INWRITING_SHOW=127.0.0.1:9999.
func TestShow(t *testing.T) {
	addr := os.Getenv("INWRITING_SHOW")
	if addr == "" {
		t.Skip("INWRITING_SHOW is not set: nothing to look at")
	}
	f, h := pages()
	none := &fake{results: &search.Results{Coverage: coverage()}, trail: &trail.Trail{Question: "refund hotel", Coverage: coverage()}, cov: coverage()}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/none/", http.StripPrefix("/none", New(none, Options{Location: time.UTC})))
	_ = f
	t.Log(http.ListenAndServe(addr, mux))
}

// Every reader that the pages offer is one that bundles know.
func TestReaders(t *testing.T) {
	for _, r := range readers {
		if !slices.Contains(bundle.Profiles, r.Value) {
			t.Errorf("%q is offered, and no bundle is made for it", r.Value)
		}
	}
}

// What a message repeats of mail that is not kept stands apart, with the one who is said
// to have written it.
func TestSecondHand(t *testing.T) {
	f, h := pages()
	f.doc.SecondHand = []trail.Statement{{ID: "s-1", Kind: "instruction", Quote: "Send the <deposit>.", Speaker: trail.Speaker{Name: "Hotel Mar"}, Message: f.doc.Message,
		SecondHand: &trail.SecondHand{Written: "Mon, 4 Mar 2024"}}}
	body := get(t, h, messageURL(f.doc.Message)).Body.String()
	for _, want := range []string{"Second-hand", "instruction, said to be of Hotel Mar (Mon, 4 Mar 2024)", "Send the &lt;deposit&gt;."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
