package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/query"
	"inwriting/search/trail"
)

var when = time.Date(2023, 3, 2, 18, 47, 9, 0, time.FixedZone("", 3600))

// fake answers from values and remembers what it was asked.
type fake struct {
	mu    sync.Mutex
	asked []string
	query search.Query
	err   error
	raw   string
	size  int64
}

func (f *fake) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, s)
}

func (f *fake) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) == 0 {
		return ""
	}
	return f.asked[len(f.asked)-1]
}

func aStatement() trail.Statement {
	return trail.Statement{
		ID: "s-7k2q", Kind: statement.Change, Confidence: 0.97, Quote: "make that flight a day later <now> & \u2028", Start: 3, End: 9,
		Speaker: trail.Speaker{Name: "Martin Hale", Address: "martin@halearchitects.example", Role: trail.Client},
		Message: trail.MessageInfo{Ref: archive.Ref{0x9f, 0x2c}, MessageID: "a/b%c@hale.example", Date: when, From: "Martin", To: []string{"Nora"}, Subject: "Lunch",
			Occurrences: []trail.Occurrence{{Mailbox: "nora@deskandco.example", Folder: "INBOX", UID: 7}}},
		Facts: []statement.Fact{{Type: statement.Date, Text: "a day later", Value: "2023-03-15", Alternatives: []string{}}},
		Flags: []string{}, Why: []statement.Reason{{Rule: "chg.make-that", Weight: 1.9, Text: "make that"}},
	}
}

func aCoverage() *trail.Coverage {
	return &trail.Coverage{Mailboxes: []trail.MailboxCoverage{{Address: "nora@deskandco.example", State: "up to date",
		Folders: []trail.FolderCoverage{{Name: "INBOX", Server: 120, Stored: 120, Indexed: 120, From: &when, To: &when}}}},
		Absent: []string{"<x@y.example>"}, Checkpoint: &trail.Checkpoint{Origin: "o", Size: 3, Root: "r", Time: when}}
}

func aMessage() *search.MessageDoc {
	return &search.MessageDoc{Schema: search.MessageSchema, Message: aStatement().Message, Cc: []string{}, Dates: search.Dates{Date: &when}, Text: "Hi <b>\n",
		Zones: []search.Zone{{Kind: message.New, Start: 0, End: 7}}, Statements: []trail.Statement{aStatement()}, Parts: []message.Part{}, Defects: []message.Defect{}, LedgerIndex: -1, Size: 12}
}

func someResults() *search.Results {
	s := aStatement()
	return &search.Results{Schema: search.ResultsSchema, Query: "q", Total: 2, Coverage: *aCoverage(),
		Hits: []search.Hit{{Score: 1.25, Statement: &s}, {Message: &search.MessageHit{MessageInfo: s.Message, Excerpt: "e"}}}}
}

func aTrail() *trail.Trail {
	return &trail.Trail{Schema: trail.Schema, Question: "q", Summary: trail.Summary{Text: "x (1).", Statements: []int{1}},
		Entries:  []trail.Entry{{N: 1, Statement: aStatement(), Links: []trail.Link{}}},
		Findings: []trail.Finding{{Type: trail.Unanswered, A: 1, Text: "t"}}, Gaps: []trail.Gap{{From: when, To: when, Days: 9}}, Coverage: *aCoverage()}
}

func (f *fake) Search(_ context.Context, q search.Query) (*search.Results, error) {
	f.mu.Lock()
	f.query = q
	f.mu.Unlock()
	return someResults(), f.err
}

func (f *fake) Message(_ context.Context, id string) (*search.MessageDoc, error) {
	f.note("message " + id)
	return aMessage(), f.err
}

func (f *fake) Statement(_ context.Context, id string) (*trail.Statement, error) {
	f.note("statement " + id)
	s := aStatement()
	return &s, f.err
}

func (f *fake) Raw(_ context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	f.note("raw " + ref.String())
	if f.err != nil {
		return nil, 0, f.err
	}
	return io.NopCloser(strings.NewReader(f.raw)), f.size, nil
}

func (f *fake) Trail(_ context.Context, q search.TrailQuery) (*trail.Trail, error) {
	f.note(fmt.Sprintf("trail %+v", q))
	return aTrail(), f.err
}

func (f *fake) Coverage(context.Context) (*trail.Coverage, error) { return aCoverage(), f.err }

// serve puts an API on a unix socket and returns a client for it.
func serve(t *testing.T, s search.Searcher, o Options) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "iw") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	srv := &http.Server{Handler: New(s, o)}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	c := Unix(path)
	c.Codes = o.Codes
	t.Cleanup(func() { c.Close(); srv.Close(); <-done; os.RemoveAll(dir) })
	return c
}

// Whatever a Searcher answers, its client answers the same.
func TestRoundTrip(t *testing.T) {
	f := &fake{raw: "Subject: x\r\n\r\n\x00\xff", size: 16}
	c := serve(t, f, Options{})
	ctx := context.Background()
	check := func(name string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if err := c.Alive(ctx); err != nil {
		t.Errorf("alive: %v", err)
	}

	q := search.Query{Text: "flight & day", From: []string{"a@b.example", "@c.example"}, To: []string{"x"}, By: []string{"y"}, Client: []string{"Hale + Co"}, Kind: []string{"change", "dispute"},
		Mailbox: []string{"m"}, Folder: []string{"Lists/go"}, Since: "2023-03-01", Until: "2023-03-31", Messages: true, Limit: 7, Offset: 14, Sort: search.Oldest,
		Names: []string{"money"}, Date: []string{"2023-03", "2023-04"}, Facets: true, Explain: true}
	res, err := c.Search(ctx, q)
	check("search", someResults(), res, err)
	check("query", q, f.query, nil)
	if _, err := c.Search(ctx, search.Query{}); err != nil {
		t.Errorf("empty query: %v", err)
	}
	check("empty query", search.Query{}, f.query, nil)

	for _, id := range []string{"sha256-9f2c41", "a/b%c@hale.example", "<x?y#z@hale.example>", "..", ".", "a b+c", "Grüße@x.example", "//"} {
		doc, err := c.Message(ctx, id)
		check("message "+id, aMessage(), doc, err)
		check("id", "message "+id, f.last(), nil)
	}
	st, err := c.Statement(ctx, "s-7k2q")
	want := aStatement()
	check("statement", &want, st, err)
	tr, err := c.Trail(ctx, search.TrailQuery{Question: "which day & why?", AsOf: "14 march 2023", Near: 5})
	check("trail", aTrail(), tr, err)
	check("question", "trail {Question:which day & why? AsOf:14 march 2023 Near:5}", f.last(), nil)
	cov, err := c.Coverage(ctx)
	check("coverage", aCoverage(), cov, err)

	rc, n, err := c.Raw(ctx, archive.Ref{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(rc)
	rc.Close()
	if err != nil || string(b) != f.raw || n != int64(len(f.raw)) {
		t.Errorf("raw: %q, %d, %v", b, n, err)
	}
	check("ref", "raw "+archive.Ref{1, 2}.String(), f.last(), nil)
}

// A raw message that ends early or goes on too long is an error to the reader.
func TestRawBroken(t *testing.T) {
	for _, size := range []int64{1000, 5} {
		c := serve(t, &fake{raw: "Subject: x\r\n", size: size}, Options{})
		rc, _, err := c.Raw(context.Background(), archive.Ref{1})
		if err == nil {
			_, err = io.Copy(io.Discard, rc)
			rc.Close()
		}
		if size == 1000 && err == nil {
			t.Error("a short message came through as whole")
		}
	}
}

var errInUse = errors.New("vault in use")

func TestErrorsKeepTheirKind(t *testing.T) {
	f := &fake{}
	codes := []Code{{Code: "in-use", Err: errInUse, Status: http.StatusConflict, Exit: 1, Title: "In use"}}
	c := serve(t, f, Options{Codes: codes})
	ctx := context.Background()
	for _, tt := range []struct {
		err    error
		is     error
		code   string
		status int
		exit   int
	}{
		{fmt.Errorf("looking for %q: %w", "s-1", search.ErrNotFound), search.ErrNotFound, "not-found", 404, 3},
		{fmt.Errorf("x: %w", search.ErrAmbiguous), search.ErrAmbiguous, "ambiguous", 409, 2},
		{search.ErrTooBroad, search.ErrTooBroad, "too-broad", 422, 2},
		{search.ErrTimeout, search.ErrTimeout, "timeout", 504, 1},
		{context.DeadlineExceeded, nil, "timeout", 504, 1},
		{fmt.Errorf("y: %w", errInUse), errInUse, "in-use", 409, 1},
		{errors.New("disk on fire"), nil, "internal", 500, 1},
	} {
		f.err = tt.err
		calls := map[string]func() error{
			"search":    func() error { _, err := c.Search(ctx, search.Query{Text: "x"}); return err },
			"message":   func() error { _, err := c.Message(ctx, "x"); return err },
			"statement": func() error { _, err := c.Statement(ctx, "x"); return err },
			"raw":       func() error { _, _, err := c.Raw(ctx, archive.Ref{}); return err },
			"trail":     func() error { _, err := c.Trail(ctx, search.TrailQuery{Question: "x"}); return err },
			"coverage":  func() error { _, err := c.Coverage(ctx); return err },
		}
		for name, call := range calls {
			err := call()
			var p *Problem
			if !errors.As(err, &p) {
				t.Fatalf("%s with %v: %v is no problem document", name, tt.err, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) || p.Code != tt.code || p.Status != tt.status || p.Exit != tt.exit || err.Error() != tt.err.Error() {
				t.Errorf("%s with %v: got %+v", name, tt.err, p)
			}
			if p.Type != "urn:inwriting:problem:"+tt.code || p.Title == "" {
				t.Errorf("%s: type %q, title %q", name, p.Type, p.Title)
			}
		}
	}
	f.err = fmt.Errorf("reading the question: %w", &query.Error{Column: 7, Text: "no such field", Hint: "did you mean from?"})
	_, err := c.Search(ctx, search.Query{Text: "x"})
	var qe *query.Error
	if !errors.As(err, &qe) || *qe != (query.Error{Column: 7, Text: "no such field", Hint: "did you mean from?"}) {
		t.Errorf("query error: %v", err)
	}
}

// Every code is one word for one thing.
func TestCodes(t *testing.T) {
	seen := map[string]int{}
	for _, c := range Codes {
		if s, ok := seen[c.Code]; ok && s != c.Status {
			t.Errorf("code %q has two statuses", c.Code)
		}
		seen[c.Code] = c.Status
		p := ProblemOf(fmt.Errorf("x: %w", c.Err), nil)
		if p.Code != c.Code || p.Status != c.Status || p.Exit != c.Exit {
			t.Errorf("%v became %+v", c.Err, p)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	c := Unix(filepath.Join(t.TempDir(), "s"))
	if err := c.Alive(context.Background()); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("alive: %v", err)
	}
	if _, err := c.Do(context.Background(), "sync", nil, nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("do: %v", err)
	}
}

func TestRefused(t *testing.T) {
	api := New(&fake{}, Options{Ready: func(context.Context) error { return errors.New("indexing 3 of 9") }})
	for _, tt := range []struct {
		method, path string
		status       int
		words        string
	}{
		{"GET", "/api/v1/search?q=x&form=y", 400, `unknown parameter \"form\"`},
		{"GET", "/api/v1/search?q=x&limit=-1", 400, "limit: want a number"},
		{"GET", "/api/v1/search?q=x&sort=best", 400, "sort: want closest"},
		{"GET", "/api/v1/search?q=x&messages=perhaps", 400, "messages: want 1 or 0"},
		{"GET", "/api/v1/trail", 400, "needs a question"},
		{"GET", "/api/v1/nothing", 404, "no-such-address"},
		{"GET", "/api/v2/search", 404, "no-such-address"},
		{"DELETE", "/api/v1/message/x", 405, "method-not-allowed"},
		{"POST", "/api/v1/search?q=x", 405, "method-not-allowed"},
		{"GET", "/api/v1/do/sync", 405, "method-not-allowed"},
		{"POST", "/api/v1/do/sync", 403, "no-actions"},
		{"POST", "/api/v1/cancel/x", 403, "no-actions"},
		{"GET", "/readyz", 503, "indexing 3 of 9"},
		{"GET", "/healthz", 200, "ok"},
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.words) {
			t.Errorf("%s %s: %d %s; want %d and %q", tt.method, tt.path, w.Code, w.Body, tt.status, tt.words)
		}
		if w.Code == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.path)
		}
		for k, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if got := w.Header().Get(k); got != want {
				t.Errorf("%s %s: %s %q", tt.method, tt.path, k, got)
			}
		}
		if strings.HasPrefix(tt.path, "/api/") && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: Content-Type %q", tt.method, tt.path, w.Header().Get("Content-Type"))
		}
	}
}

func TestLoopback(t *testing.T) {
	h := Hosts(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8417}, nil, New(&fake{}, Options{}))
	for _, tt := range []struct {
		method, host, origin, site string
		status                     int
	}{
		{"GET", "127.0.0.1:8417", "", "", 200},
		{"GET", "[::ffff:127.0.0.1]:8417", "", "", 200},
		{"GET", "127.0.0.1:8417", "https://evil.example", "cross-site", 200}, // may be asked, not read: no CORS
		{"GET", "rebound.example:8417", "", "", 421},
		{"GET", "127.0.0.1.evil.example:8417", "", "", 421},
		{"GET", "127.0.0.1:8418", "", "", 421},
		{"POST", "127.0.0.1:8417", "https://evil.example", "cross-site", 403},
		{"POST", "127.0.0.1:8417", "https://evil.example", "", 403},
		{"POST", "127.0.0.1:8417", "", "same-origin", 403}, // passes the guard; then there are no actions
	} {
		r := httptest.NewRequest(tt.method, "/api/v1/do/sync", nil)
		if tt.method == "GET" {
			r = httptest.NewRequest(tt.method, "/api/v1/status", nil)
		}
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		if tt.site != "" {
			r.Header.Set("Sec-Fetch-Site", tt.site)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "no-actions") != (tt.site == "same-origin") {
			t.Errorf("%+v: went past the guard, or not: %s", tt, w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%+v: other sites may read", tt)
		}
	}
}

// acts is Actions with a script for each verb.
type acts map[string]func(ctx context.Context, args json.RawMessage, events func(any)) (any, error)

func (a acts) Do(ctx context.Context, verb string, args json.RawMessage, events func(any)) (any, error) {
	f, ok := a[verb]
	if !ok {
		return nil, fmt.Errorf("action %q: %w", verb, ErrBadRequest)
	}
	return f(ctx, args, events)
}

type body struct {
	io.Reader
	closed chan struct{}
}

func (b body) Close() error { b.closed <- struct{}{}; return nil }

func TestActions(t *testing.T) {
	closed := make(chan struct{}, 10)
	started := make(chan struct{}, 1)
	file := bytes.Repeat([]byte("PK\x03\x04\n{\"done\":true}\n"), 20000)
	a := acts{
		"import": func(_ context.Context, args json.RawMessage, events func(any)) (any, error) {
			var wg sync.WaitGroup
			for i := range 20 { // from several goroutines at once
				wg.Go(func() { events(map[string]int{"n": i}) })
			}
			wg.Wait()
			return map[string]any{"got": args}, nil
		},
		"nothing": func(context.Context, json.RawMessage, func(any)) (any, error) { return nil, nil },
		"sync": func(ctx context.Context, _ json.RawMessage, events func(any)) (any, error) {
			events("reading")
			started <- struct{}{}
			<-ctx.Done()
			return map[string]int{"kept": 12}, fmt.Errorf("syncing: %w", ctx.Err())
		},
		"fail": func(context.Context, json.RawMessage, func(any)) (any, error) {
			return map[string]int{"kept": 3}, fmt.Errorf("importing: %w", errInUse)
		},
		"export": func(context.Context, json.RawMessage, func(any)) (any, error) {
			return &Download{Result: map[string]string{"name": "x.zip"}, Size: int64(len(file)), Body: body{bytes.NewReader(file), closed}}, nil
		},
		"short": func(context.Context, json.RawMessage, func(any)) (any, error) {
			return &Download{Size: int64(len(file)) + 1, Body: body{bytes.NewReader(file), closed}}, nil
		},
		"late": func(context.Context, json.RawMessage, func(any)) (any, error) {
			return &Download{Size: 4, Body: body{strings.NewReader("file"), closed}}, errInUse
		},
		"unsayable": func(context.Context, json.RawMessage, func(any)) (any, error) { return func() {}, nil },
	}
	codes := []Code{{Code: "in-use", Err: errInUse, Status: http.StatusConflict, Exit: 1, Title: "In use"}}
	c := serve(t, &fake{}, Options{Actions: a, Codes: codes})
	ctx := context.Background()

	var events []string
	res, err := c.Do(ctx, "import", map[string]string{"path": "x"}, func(e json.RawMessage) { events = append(events, string(e)) }, nil)
	if err != nil || string(res) != `{"got":{"path":"x"}}` || len(events) != 20 {
		t.Errorf("import: %s, %d events, %v", res, len(events), err)
	}
	if res, err := c.Do(ctx, "nothing", nil, nil, nil); err != nil || len(res) > 0 {
		t.Errorf("nothing: %q, %v", res, err)
	}
	if res, err := c.Do(ctx, "fail", nil, nil, nil); !errors.Is(err, errInUse) || string(res) != `{"kept":3}` || err.Error() != "importing: vault in use" {
		t.Errorf("fail: %s, %v", res, err)
	}
	if _, err := c.Do(ctx, "fly", nil, nil, nil); !errors.Is(err, ErrBadRequest) {
		t.Errorf("unknown verb: %v", err)
	}
	if _, err := c.Do(ctx, "unsayable", nil, nil, nil); err == nil {
		t.Error("a result that JSON cannot hold passed in silence")
	}

	var out bytes.Buffer
	res, err = c.Do(ctx, "export", nil, nil, &out)
	if err != nil || string(res) != `{"name":"x.zip"}` || !bytes.Equal(out.Bytes(), file) {
		t.Errorf("export: %s, %d octets of %d, %v", res, out.Len(), len(file), err)
	}
	select {
	case <-closed: // by the server, when the client may have all octets already
	case <-time.After(10 * time.Second):
		t.Error("export: the file was not closed")
	}
	if _, err := c.Do(ctx, "export", nil, nil, nil); err == nil {
		t.Error("a file that nobody takes passed in silence")
	}
	if _, err := c.Do(ctx, "short", nil, nil, io.Discard); err == nil {
		t.Error("a short file came through as whole")
	}
	out.Reset()
	if _, err := c.Do(ctx, "late", nil, nil, &out); !errors.Is(err, errInUse) || out.Len() > 0 {
		t.Errorf("a file beside an error: %v, %d octets", err, out.Len())
	}

	// Interrupted, the client asks the daemon to stop and hears what was kept.
	ictx, cancel := context.WithCancel(ctx)
	go func() { <-started; cancel() }()
	res, err = c.Do(ictx, "sync", nil, nil, nil)
	if !errors.Is(err, context.Canceled) || string(res) != `{"kept":12}` {
		t.Errorf("interrupted: %s, %v", res, err)
	}
	if _, err := c.Do(ictx, "sync", nil, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("already interrupted: %v", err)
	}
}

// A client that vanishes ends its run.
func TestVanished(t *testing.T) {
	ended := make(chan error, 1)
	started := make(chan struct{})
	a := acts{"sync": func(ctx context.Context, _ json.RawMessage, _ func(any)) (any, error) {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}}
	srv := httptest.NewServer(New(&fake{}, Options{Actions: a}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /api/v1/do/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	<-started
	conn.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// FuzzQuery: what DecodeQuery accepts, EncodeQuery gives back.
func FuzzQuery(f *testing.F) {
	f.Add("q=a&from=b&from=c&limit=3&messages=1&sort=newest")
	f.Add("kind=&since=x&offset=0&limit=")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		q, err := DecodeQuery(v)
		if err != nil {
			if !errors.Is(err, ErrBadRequest) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := DecodeQuery(EncodeQuery(q))
		if err != nil || !cmp.Equal(q, again) {
			t.Fatalf("%q: %v\n%s", s, err, cmp.Diff(q, again))
		}
	})
}
