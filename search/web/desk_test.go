package web

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/search/access"
	"inwriting/search/bundle"
)

// post sends a form.
func post(t *testing.T, h http.Handler, path string, form url.Values, who ...*access.Person) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(who) > 0 {
		r = r.WithContext(access.As(r.Context(), who[0]))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Everything works as forms and links: this is a browser without a script.
func TestForms(t *testing.T) {
	_, d, h := pagesNow()
	if w := post(t, h, "/new", url.Values{"name": {"refund"}, "title": {"Refund"}, "question": {"did Martin promise a refund"}}); w.Code != 303 || w.Header().Get("Location") != "/m/refund" || len(d.kept) != 1 || d.kept[0].Question != "did Martin promise a refund" {
		t.Errorf("keeping a question: %d to %q, kept %+v", w.Code, w.Header().Get("Location"), d.kept)
	}
	in := url.Values{"for": {"court"}, "in": {"1", "2", "4", "5", "6", "7", "8"}, "reason-10": {"private"}, "black": {"iban"}, "cover": {" We agreed\r\nin March. "}, "redact": {"home address: 14 Mill Lane\r\n"}, "held": {"h1", "h2", "h3"},
		"do-h1": {"release"}, "why-h1": {"it is theirs"}, "do-h2": {"PRIV"}, "why-h2": {"advice"}, "do-h3": {"release"}}
	w := post(t, h, "/bundle/vienna-flight", in)
	want := BundleOrder{Question: "which day was the Vienna flight for", Title: "Vienna flight, March", For: "court", LeaveOut: []string{"10=private"}, BlackOut: []string{"iban"},
		Cover: "We agreed\nin March.", Redact: []bundle.Redaction{{Words: "14 Mill Lane", Reason: "home address"}},
		Release: []string{"h1=it is theirs"}, Withhold: []string{"h2=PRIV:advice"}}
	if w.Code != 303 || w.Header().Get("Location") != "/bundle/vienna-flight/b1" {
		t.Errorf("a bundle: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if diff := cmp.Diff(want, d.order); diff != "" {
		t.Errorf("what was ordered (-want +got):\n%s", diff)
	}
	in.Del("reason-10")
	if w := post(t, h, "/bundle/vienna-flight", in); w.Code != 409 || !strings.Contains(w.Body.String(), "write one beside 10") || !strings.Contains(w.Body.String(), `value="court" checked`) {
		t.Errorf("left out without a reason: %d", w.Code)
	}
	in.Set("reason-10", "private")
	in.Set("redact", "14 Mill Lane")
	if w := post(t, h, "/bundle/vienna-flight", in); w.Code != 409 || !strings.Contains(w.Body.String(), "Words to black out, line 1: want") || !strings.Contains(w.Body.String(), ">14 Mill Lane</textarea>") || !strings.Contains(w.Body.String(), "We agreed\nin March.</textarea>") {
		t.Errorf("words without a reason: %d", w.Code)
	}
	in.Del("redact")
	d.err = &HeldError{[]Held{{ID: "h9", Code: "PRIV", Ref: ref(4).String(), Where: "text", Words: "my solicitor <says>"}}}
	w = post(t, h, "/bundle/vienna-flight", in)
	for _, want := range []string{"Decide about these first", "my solicitor &lt;says&gt;", `name="held" value="h9"`, `value="private"`} {
		if w.Code != 409 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("what is held: %d, the page lacks %q", w.Code, want)
		}
	}
	checkHTML(t, w.Body.String())
	d.err = nil

	if w := post(t, h, "/statement/s-0004/correct", url.Values{"kind": {"question"}}); w.Code != 404 {
		t.Errorf("correcting what is not there: %d", w.Code)
	}
	if w := post(t, h, "/mailboxes/check", nil); w.Code != 303 {
		t.Errorf("checking: %d", w.Code)
	}
	w = post(t, h, "/mailboxes/add", url.Values{"address": {"nora@bluepost.example"}, "password": {"sesame open"}, "server": {"imap.bluepost.example:993"}})
	if w.Code != 200 || d.tried != (NewMailbox{Address: "nora@bluepost.example", Server: "imap.bluepost.example:993", Password: "sesame open"}) {
		t.Errorf("adding a mailbox: %d, tried %+v", w.Code, d.tried)
	}
	d.err = errors.New("nora@bluepost.example: logging in: refused")
	w = post(t, h, "/mailboxes/add", url.Values{"address": {"nora@bluepost.example"}, "password": {"sesame open"}})
	if w.Code != 422 || strings.Contains(w.Body.String(), "sesame") || !strings.Contains(w.Body.String(), "nora@bluepost.example: logging in: refused.") {
		t.Errorf("a refused mailbox: %d %s", w.Code, w.Body)
	}
	checkHTML(t, w.Body.String())

	d.err = nil
	reviewer := &access.Person{Name: "ben", Role: access.Reviewer}
	for _, path := range []string{"/new", "/statement/x/correct", "/mailboxes/check", "/mailboxes/add", "/mailboxes/signin", "/mailboxes/choose", "/people", "/demo"} {
		if w := post(t, h, path, url.Values{"name": {"x"}, "question": {"y"}}, reviewer); w.Code != 403 {
			t.Errorf("a reviewer at %s: %d", path, w.Code)
		}
	}
	if w := post(t, h, "/bundle/vienna-flight", in, reviewer); w.Code != 303 {
		t.Errorf("a reviewer exports: %d", w.Code)
	}
}

// A sign-in on the provider's page: what is asked, each state of it, and no secret in
// any page.
func TestSignIn(t *testing.T) {
	_, d, h := pagesNow()
	w := get(t, h, "/mailboxes/add?address=token@redpost.example")
	if body := w.Body.String(); strings.Contains(body, `name="password"`) || !strings.Contains(body, `<a href="https://redpost.example/apps" rel="noreferrer noopener" target="_blank">https://redpost.example/apps</a>.`) || !strings.Contains(body, "IMAP &amp; nothing else.") {
		t.Errorf("where only a token is taken: %s", body)
	}
	checkHTML(t, w.Body.String())
	w = get(t, h, "/mailboxes/add?address=both@redpost.example")
	if body := w.Body.String(); !strings.Contains(body, `name="password"`) || !strings.Contains(body, "Or sign in with Red Post") {
		t.Errorf("where both are: %s", body)
	}
	checkHTML(t, w.Body.String())
	form := url.Values{"address": {"Token@redpost.example"}, "client": {" 1b2c "}, "secret": {"sesame open"}, "flow": {"app"}, "tenant": {"t"}}
	w = post(t, h, "/mailboxes/signin", form)
	want := NewMailbox{Address: "token@redpost.example", Server: "imap.redpost.example:993", Password: "sesame open", OAuth: "microsoft", Client: "1b2c", Tenant: "t", Flow: "app"}
	if w.Code != 303 || w.Header().Get("Location") != "/mailboxes/signin/waiting?http://example.com/mailboxes/signin/x" || d.tried != want {
		t.Errorf("a sign-in: %d to %q, %+v", w.Code, w.Header().Get("Location"), d.tried)
	}
	form.Del("client")
	if w := post(t, h, "/mailboxes/signin", form); w.Code != 422 || strings.Contains(w.Body.String(), "sesame") || !strings.Contains(w.Body.String(), "needs the id of an application") {
		t.Errorf("without an application: %d", w.Code)
	}
	for id, want := range map[string]string{"code": "BXQ7-RT2M", "page": `href="https://redpost.example/authorize?state=1&amp;scope=mail"`, "begun": "Asking Red Post", "failed": "does not let this address sign in.", "done": "is being read"} {
		w := get(t, h, "/mailboxes/signin/"+id)
		waits := strings.Contains(w.Body.String(), `http-equiv="refresh" content="3"`)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || waits != (id == "code" || id == "page" || id == "begun") {
			t.Errorf("%s: %d, loads itself again %t: %s", id, w.Code, waits, w.Body)
		}
		checkHTML(t, w.Body.String())
	}
	if w := get(t, h, "/mailboxes/signin/none"); w.Code != 404 {
		t.Errorf("one that is not known: %d", w.Code)
	}
	if w := get(t, h, "/mailboxes/signin/code", "Accept", "application/json"); !strings.Contains(w.Body.String(), `"schema":"inwriting.signin/v1","state":"waiting"`) {
		t.Errorf("its document: %s", w.Body)
	}
}

// Who is who is confirmed and named on a page.
func TestPeople(t *testing.T) {
	_, d, h := pagesNow()
	w := get(t, h, "/people")
	for _, want := range []string{"<bdi>m.hale@gmail.example</bdi> belongs to <bdi>Hale Architects</bdi>", `name="id" value="p-2"`, "speaks for Hale Architects to 2023-06-30"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q: %s", want, w.Body)
		}
	}
	checkHTML(t, w.Body.String())
	if w := post(t, h, "/people", url.Values{"id": {"p-2"}, "as": {"other"}, "name": {" Alpenair "}}); w.Code != 303 || d.named.ID != "p-2" || d.named.As != "other" || d.named.Name != "Alpenair" {
		t.Errorf("a suggestion: %d %+v", w.Code, d.named)
	}
	d.err = errors.New("\"x\" is not a mail address")
	w = post(t, h, "/people", url.Values{"as": {"client"}, "name": {"Webb"}, "who": {"x, @webb.example"}})
	if w.Code != 422 || strings.Join(d.named.Who, " ") != "x @webb.example" || !strings.Contains(w.Body.String(), `value="x @webb.example"`) || !strings.Contains(w.Body.String(), "is not a mail address") {
		t.Errorf("one that is refused: %d %+v %s", w.Code, d.named, w.Body)
	}
}

// Whose mail is kept is chosen on the page of the mailboxes.
func TestChoose(t *testing.T) {
	_, d, h := pagesNow()
	if w := get(t, h, "/mailboxes"); !strings.Contains(w.Body.String(), `name="only" value="Hale Architects" checked`) || !strings.Contains(w.Body.String(), `value="only" checked`) {
		t.Errorf("the choices: %s", w.Body)
	}
	form := url.Values{"address": {"nora@deskandco.example"}, "keep": {"only"}, "only": {"Alpenair", "*"}}
	if w := post(t, h, "/mailboxes/choose", form); w.Code != 303 || strings.Join(d.chosen, " ") != "nora@deskandco.example Alpenair *" {
		t.Errorf("some: %d %q", w.Code, d.chosen)
	}
	form.Set("keep", "all")
	if w := post(t, h, "/mailboxes/choose", form); w.Code != 303 || len(d.chosen) != 1 {
		t.Errorf("all: %d %q", w.Code, d.chosen)
	}
	d.chosen = nil
	form.Set("keep", "only")
	form.Del("only")
	if w := post(t, h, "/mailboxes/choose", form); w.Code < 400 || d.chosen != nil || !strings.Contains(w.Body.String(), "obody was chosen") {
		t.Errorf("nobody: %d %q", w.Code, d.chosen)
	}
}

func TestBundleFiles(t *testing.T) {
	_, _, h := pagesNow()
	w := get(t, h, "/bundle/vienna-flight/b1/vienna-flight.zip")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/zip" || !strings.Contains(w.Header().Get("Content-Disposition"), "vienna-flight.zip") {
		t.Errorf("the file: %d %v", w.Code, w.Header())
	}
	if w := get(t, h, "/bundle/vienna-flight/b1/chronology.pdf"); w.Code != 200 || w.Header().Get("Content-Type") != "application/pdf" || w.Body.String() != "PKpdf" {
		t.Errorf("the PDF: %d %v", w.Code, w.Header())
	}
	for _, path := range []string{"/bundle/vienna-flight/b2", "/bundle/vienna-flight/b2/x.zip"} {
		if w := get(t, h, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// A message whose octets are not those that were sealed is called altered wherever it
// is shown; a check that found it says so on every page.
func TestAltered(t *testing.T) {
	f, d, h := pagesNow()
	f.octets = []byte("Subject: another\r\n\r\nother words\r\n")
	for path, want := range map[string]string{"/m/vienna-flight": ">Altered<", "/ask?q=vienna+flight": ">Altered<", "/message/" + ref(4).String(): "These are not the bytes that were sealed"} {
		if w := get(t, h, path); !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), ">Verified<") {
			t.Errorf("%s does not say that it was altered", path)
		}
	}
	d.last = &Checked{At: at("2023-03-13 04:00"), Altered: []string{"sha256-9f2c71d0"}}
	for _, path := range []string{"/", "/ask", "/m/vienna-flight", "/settings", "/nowhere"} {
		if w := get(t, h, path); !strings.Contains(w.Body.String(), `class="alarm" role="alert"`) || !strings.Contains(w.Body.String(), "sha256-9f2c71d0") {
			t.Errorf("%s does not tell what the check found", path)
		}
	}
}

func TestFilterKeepsNumbers(t *testing.T) {
	_, _, h := pagesNow()
	body := get(t, h, "/m/vienna-flight?only=money").Body.String()
	for n, want := range map[string]bool{`id="s1"`: true, `id="s4"`: false, `id="s9"`: true, `id="s10"`: false} {
		if strings.Contains(body, n) != want {
			t.Errorf("only the amounts: %s is %v, want %v", n, !want, want)
		}
	}
	if body := get(t, h, "/m/vienna-flight?whole=1").Body.String(); !strings.Contains(body, "Thanks for sorting the restaurant.") || strings.Contains(body, "Booked at the Blue Pike") {
		t.Error("whole messages: without the author's text, or with what it quotes")
	}
}

// What ui.md section 11 allows.
func TestBudget(t *testing.T) {
	for name, most := range map[string]int{"app.css": 10 << 10, "app.js": 6 << 10, "icons.svg": 12 << 10} {
		a := assets[name]
		size := len(a.body)
		if name == "app.css" {
			size = len(a.packed)
		}
		if size > most {
			t.Errorf("%s has %d octets, %d are allowed", name, size, most)
		}
	}
	_, _, h := pagesNow()
	w := get(t, h, "/m/vienna-flight", "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 10<<10 {
		t.Errorf("the trail's page: %q, %d octets", w.Header().Get("Content-Encoding"), w.Body.Len())
	}
	if css := assets["app.css"].body; bytes.Contains(css, []byte("url(http")) || !bytes.Contains(css, []byte("url(/static/fonts/inter.woff2?v=")) {
		t.Error("the stylesheet's typefaces have no address that can be kept")
	}
}

func TestPrintFoot(t *testing.T) {
	_, _, h := pagesNow()
	w := get(t, h, "/print.css?foot="+url.QueryEscape("A \"\\ } · <b>\n"))
	if want := `content: "A \22 \5c  \7d  \b7  \3c b\3e \20 "`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("foot %s, want %s", w.Body, want)
	}
}

func TestLookOfTheReader(t *testing.T) {
	_, _, h := pagesNow()
	w := post(t, h, "/settings", url.Values{"scheme": {"dark"}})
	c := w.Result().Cookies()
	if w.Code != 303 || len(c) != 1 || c[0].Value != "dark.nokeys" {
		t.Fatalf("settings: %d %v", w.Code, c)
	}
	if body := get(t, h, "/", "Cookie", c[0].String()).Body.String(); !strings.Contains(body, `class="dark"`) || !strings.Contains(body, `data-keys="off"`) {
		t.Error("the pages look as before")
	}
}

func TestSealerForgets(t *testing.T) {
	f := &fake{doc: doc()}
	now := at("2023-03-13 08:00")
	s := newSealer(f, func() time.Time { return now })
	if x, ok := s.check(t.Context(), ref(4), 1<<20); !ok || x.altered {
		t.Errorf("%+v %v", x, ok)
	}
	f.octets = []byte("changed since")
	if x, _ := s.check(t.Context(), ref(4), 1<<20); x.altered {
		t.Error("what was compared a moment ago is read again")
	}
	now = now.Add(sealGood)
	if x, _ := s.check(t.Context(), ref(4), 1<<20); !x.altered {
		t.Error("what was compared an hour ago counts for ever")
	}
	if _, ok := s.check(t.Context(), ref(5), 100); ok {
		t.Error("a message that is too large for the page was read")
	}
}

func TestHomograph(t *testing.T) {
	for from, want := range map[string]bool{"Martin <martin@halearchitects.example>": false, "<martin@h\u0430le.example>": true, "x@xn--80ak6aa92e.example": true, "x@пример.example": true, "nobody": false} {
		if got := homograph(from) != ""; got != want {
			t.Errorf("%q: %v, want %v", from, got, want)
		}
	}
}
