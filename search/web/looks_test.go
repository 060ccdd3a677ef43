package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/access"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
	"inwriting/search/web/browser"
)

// desk is a Desk over values.
type desk struct {
	open    *Open
	last    *Checked
	kept    []Matter
	order   BundleOrder
	correct []Correction
	err     error
	tried   NewMailbox
	chosen  []string
	named   Naming
}

func (d *desk) Open(context.Context) (*Open, error)    { return d.open, d.err }
func (d *desk) Keep(_ context.Context, m Matter) error { d.kept = append(d.kept, m); return d.err }
func (d *desk) Correct(_ context.Context, c Correction) error {
	d.correct = append(d.correct, c)
	return d.err
}
func (d *desk) Bundle(_ context.Context, o BundleOrder) (*Bundle, error) {
	d.order = o
	return madeBundle(), d.err
}
func (d *desk) Made(_ context.Context, id, part string) (*Bundle, io.ReadCloser, error) {
	if id != "b1" {
		return nil, nil, search.ErrNotFound
	}
	return madeBundle(), io.NopCloser(strings.NewReader("PK" + part)), nil
}
func (d *desk) Check(context.Context) error { return d.err }
func (d *desk) Last() *Checked              { return d.last }
func (d *desk) Settings(context.Context) []Setting {
	return []Setting{{"listen", "127.0.0.1:8417", "default"}}
}
func (d *desk) Mailboxes() Mailboxes                 { return d }
func (d *desk) CanDemo() bool                        { return true }
func (d *desk) Demo(context.Context) (string, error) { return "/", d.err }
func (d *desk) Ask(_ context.Context, address string) Provider {
	if name, _, _ := strings.Cut(address, "@"); name == "token" || name == "both" {
		return Provider{Name: "Red Post", Server: "imap.redpost.example:993", OAuth: "microsoft", Signs: "Red Post", OnlyOne: name == "token",
			Steps: []string{"Register an application: https://redpost.example/apps.", "Under API permissions add IMAP & nothing else."}}
	}
	return Provider{Name: "Blue Post", Server: "imap.bluepost.example:993", Wants: "An app password: make one in the settings of Blue Post.", Link: "https://bluepost.example/app-passwords"}
}
func (d *desk) Add(_ context.Context, m NewMailbox) (*Tried, error) {
	d.tried = m
	return &Tried{ReadOnly: true, Folders: 6, Messages: 4870}, d.err
}

func (d *desk) SignIn(_ context.Context, m NewMailbox, back func(string) string) (string, error) {
	d.tried = m
	return "waiting?" + back("x"), d.err
}
func (d *desk) Signing(id string) *Signing {
	s := &Signing{Schema: SigningSchema, State: "waiting", Address: "nora@redpost.example", Provider: "Red Post", Asked: NewMailbox{Address: "nora@redpost.example", Client: "1b2c"}}
	switch id {
	case "code":
		s.URL, s.Code, s.Until = "https://redpost.example/device", "BXQ7-RT2M", at("2023-03-13 08:27")
	case "page":
		s.URL = "https://redpost.example/authorize?state=1&scope=mail"
	case "begun":
	case "failed":
		s.State, s.Error, s.Hint = "failed", "signing in as nora@redpost.example: the server says access_denied", "the application does not let this address sign in"
	case "done":
		s.State, s.Tried = "done", &Tried{ReadOnly: true, Folders: 6, Messages: 4870}
	default:
		return nil
	}
	return s
}
func (d *desk) Choices(address string) []Choice {
	if address != "nora@deskandco.example" {
		return nil
	}
	return []Choice{{"*", false}, {"Hale Architects", true}, {"Alpenair", false}}
}
func (d *desk) People(context.Context) (*People, error) {
	return &People{Known: []KnownPerson{{Role: trail.Us, Address: "nora@deskandco.example", Name: "Nora", Says: "wrote 24"},
		{Role: trail.Client, Party: "Hale Architects", Address: "martin@halearchitects.example", Name: "Martin Hale", Says: "wrote 6, got 6", Authority: "speaks for Hale Architects to 2023-06-30"}},
		Suggested: []SuggestedPerson{{ID: "p-1", Who: "m.hale@gmail.example", Why: "writes under the name \"Martin Hale\"", Party: "Hale Architects", Role: trail.Client},
			{ID: "p-2", Who: "@alpenair.example", Why: "12 messages both ways", Name: "Alpenair", Role: trail.Unknown}}}, nil
}
func (d *desk) Name(_ context.Context, n Naming) error {
	d.named = n
	return d.err
}
func (d *desk) Choose(_ context.Context, address string, names []string) error {
	d.chosen = append([]string{address}, names...)
	return d.err
}

func madeBundle() *Bundle {
	return &Bundle{ID: "b1", Name: "vienna-flight.zip", Title: "Vienna flight, March", For: "court", Size: 1 << 20, SHA256: strings.Repeat("9f2c", 16), Messages: 8, Pages: 23,
		Inside: []string{"chronology.pdf", "8 original .eml", "manifests", "VERIFY.txt"}, Ledger: 18413, Made: at("2023-03-13 08:10"), Checked: true}
}

func waiting() *Open {
	item := func(list, quote string, who trail.Speaker, kind statement.Kind, waits trail.Role, state, due string, days int, facts ...statement.Fact) OpenItem {
		e := said(20, who, kind, "2023-03-01 10:00", "Receipts", quote, nil, facts...)
		e.Statement.ID = fmt.Sprintf("s-%s%d", list[:2], days)
		return OpenItem{"Hale Architects", list, e.Statement, waits, due, state, days}
	}
	return &Open{AsOf: at("2023-03-13 08:12"), Items: []OpenItem{
		item("promise", "I will transfer the €1,162 by 15 February.", martin, statement.Commitment, trail.Client, "overdue", "2023-02-15", 26,
			statement.Fact{Type: statement.Money, Text: "€1,162", Value: "EUR 1162.00"}, statement.Fact{Type: statement.Date, Text: "15 February", Value: "2023-02-15"}),
		item("promise", "The corrected list will be with you by Tuesday.", nora, statement.Commitment, trail.Us, "due", "2023-03-14", 0, day("Tuesday", "2023-03-14")),
		item("instruction", "Something sexy for the landing page, you know what I mean.", martin, statement.Instruction, trail.Us, "waiting", "", 4),
		item("recap", "As just discussed on the phone: episode 41 goes out without the interview.", nora, statement.Confirmation, trail.Client, "waiting", "", 5),
		item("question", "The tool mails twice to anyone who is on two lists. Shall I still start it?", nora, statement.Question, trail.Client, "waiting", "", 6),
		item("question", "Can you tell me what we paid the editor in January?", martin, statement.Question, trail.Us, "waiting", "", 2),
	}}
}

// pagesNow are the pages on the morning of the dispute, with a desk.
func pagesNow() (*fake, *desk, http.Handler) {
	f := &fake{results: results(), doc: doc(), trail: dispute(), cov: coverage()}
	d := &desk{open: waiting(), last: &Checked{At: at("2023-03-13 04:00"), OK: true, Messages: 18412}}
	h := New(f, Options{Location: time.UTC, Now: func() time.Time { return at("2023-03-13 08:12") }, Desk: d,
		Matters: []Matter{{Name: "vienna-flight", Title: "Vienna flight, March", Question: "which day was the Vienna flight for", Client: "Hale Architects"},
			{Name: "receipts", Title: "Receipts, September to February", Question: "what did Falk agree to pay for the receipts?", Client: "Falk Dental"}}})
	return f, d, h
}

// serve serves pages on loopback, guarded as the daemon does it.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	srv.Config.Handler = httpapi.Hosts(srv.Listener.Addr(), nil, mux)
	srv.Start()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

// Every page in every state has to be in order for axe-core, in light and dark, wide
// and narrow, and must not scroll sideways. With INWRITING_SCREENSHOTS=DIR
// pictures of all of them are written there.
func TestLooks(t *testing.T) {
	b := browser.Start(t)
	f, _, h := pagesNow()
	base := serve(t, h)
	none := &fake{results: &search.Results{Schema: search.ResultsSchema, Query: "refund for the hotel", Coverage: coverage()}, trail: &trail.Trail{Question: "refund", Coverage: coverage()}, cov: coverage()}
	empty := serve(t, New(none, Options{Location: time.UTC, Now: func() time.Time { return at("2023-03-13 08:12") }, Desk: &desk{open: &Open{}}}))
	first := serve(t, New(&fake{}, Options{Location: time.UTC, Desk: &desk{open: &Open{}}}))
	broken := serve(t, New(f, Options{Location: time.UTC, Desk: &desk{open: waiting(), last: &Checked{At: at("2023-03-13 04:00"), Altered: []string{"sha256-9f2c71d0"}, Problems: []string{"sha256-9f2c71d0: the octets are not those that were sealed"}}}}))
	book, err := access.Open(filepath.Join(t.TempDir(), "access.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Add(access.Person{Name: "nora", Role: access.Owner}, "a long password"); err != nil {
		t.Fatal(err)
	}
	locked := serve(t, book.Guard(New(f, Options{Location: time.UTC, Access: book})))
	reviewer := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(access.As(r.Context(), &access.Person{Name: "ben", Role: access.Reviewer})))
	}))
	pages := []struct{ name, url string }{
		{"01-home", base + "/"},
		{"01-home-reviewer", reviewer + "/"},
		{"02-ask", base + "/ask?q=vienna+flight"},
		{"02-ask-empty", base + "/ask"},
		{"03-trail", base + "/m/vienna-flight"},
		{"03-trail-filtered", base + "/m/vienna-flight?only=date"},
		{"03-trail-whole", base + "/m/vienna-flight?whole=1"},
		{"06-message", base + "/message/" + ref(4).String()},
		{"06-message-sent", base + "/message/" + ref(4).String() + "?view=sent"},
		{"06-message-source", base + "/message/" + ref(4).String() + "?view=source"},
		{"07-bundle", base + "/bundle/vienna-flight?for=court"},
		{"07-bundle-made", base + "/bundle/vienna-flight/b1"},
		{"08-first", first + "/"},
		{"08-first-add", first + "/mailboxes/add?address=nora@bluepost.example"},
		{"08-first-token", first + "/mailboxes/add?address=token@redpost.example"},
		{"08-first-both", first + "/mailboxes/add?address=both@redpost.example&client=1b2c"},
		{"08-signing-code", first + "/mailboxes/signin/code"},
		{"08-signing-page", first + "/mailboxes/signin/page"},
		{"08-signing-failed", first + "/mailboxes/signin/failed"},
		{"08-nothing", empty + "/ask?q=did+Martin+promise+a+refund+for+the+hotel"},
		{"08-nothing-trail", empty + "/m/refund"},
		{"09-mailboxes", base + "/mailboxes"},
		{"09-people", base + "/people"},
		{"09-mailboxes-none", first + "/mailboxes"},
		{"09-mailboxes-altered", broken + "/mailboxes"},
		{"settings", base + "/settings"},
		{"keyboard", base + "/keyboard"},
		{"new", base + "/new?q=what+date+did+Martin+want"},
		{"sign-in", locked + "/sign-in"},
		{"error", base + "/nowhere"},
		{"bad-question", base + "/ask?q=x&limit=y"},
	}
	for _, look := range browser.Looks {
		t.Run(look.String(), func(t *testing.T) {
			p := b.Page(t, look)
			for _, pg := range pages {
				p.Open(pg.url)
				p.Axe()
				p.Shot(pg.name)
			}
			if look == browser.Looks[0] {
				p.Open(base + "/m/vienna-flight")
				if pdf := p.Print("11-print"); !bytes.HasPrefix(pdf, []byte("%PDF")) {
					t.Error("the trail does not print")
				}
			}
			for _, u := range p.Requests() {
				if !strings.HasPrefix(u, "http://127.0.0.1:") && !strings.HasPrefix(u, "data:") {
					t.Errorf("asked for %s", u)
				}
			}
			if said := p.Said(); len(said) > 0 {
				t.Errorf("the pages said %q", said)
			}
		})
	}
}
