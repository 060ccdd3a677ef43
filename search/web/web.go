// Package web is the pages: ask, trail, message and mailboxes, as plain HTML that
// works without a script.
//
//	/                 the box, and the matters that are known
//	/ask?q=…          statements or messages; parameters as in /api/v1/search
//	/m/NAME           the trail of a matter, or of the words in NAME; ?q= asks in full
//	/mailboxes        what is read, how far, and what cannot be seen
//	/message/REF      one message, with what was read in it and why
//
// Each address answers "Accept: application/json" with the document that it
// shows. A message's own HTML is never served: pages show text, escaped. What
// the record says is set in serif, what the program says in sans.
package web

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/httpapi"
)

// Policy is the content security policy of every page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Options tune the pages. The zero value is ready to use.
type Options struct {
	// Location is the zone in which days are counted and times are shown.
	// Nil is time.Local.
	Location *time.Location

	// Matters are the pieces of work that have a name. Others are reached by
	// asking.
	Matters []Matter

	// Kept lists those that people keep, newest first. It may be nil.
	Kept func(context.Context) ([]Matter, error)

	// Logger hears of errors that are nobody's input. Nil is silent.
	Logger *slog.Logger
}

// Matter is a named piece of work.
type Matter struct {
	Name     string // in the address: "vienna-flight"
	Title    string // for people: "Vienna flight, March"
	Question string // what its trail answers
	State    string // "closed", or ""
	Kept     bool   // the Searcher knows it by its name
}

// site is the handler's state; all of it is fixed at the start.
type site struct {
	s    search.Searcher
	o    Options
	tmpl *template.Template
}

// New returns the pages over s. Serve them behind httpapi.Loopback.
func New(s search.Searcher, o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	w := &site{s: s, o: o}
	w.tmpl = template.Must(template.New("").Funcs(w.funcs()).ParseFS(files, "templates/*.html"))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.home)
	mux.HandleFunc("GET /ask", w.ask)
	mux.HandleFunc("GET /m/{name}", w.trail)
	mux.HandleFunc("GET /mailboxes", w.mailboxes)
	mux.HandleFunc("GET /message/{ref}", w.message)
	mux.HandleFunc("GET /message/{ref}/raw", w.raw)
	mux.Handle("GET /static/", assets)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		w.problem(rw, r, &httpapi.Problem{Code: "no-such-address", Status: http.StatusNotFound, Exit: 2,
			Title: "There is no page here", Detail: "nothing is served at " + r.URL.Path})
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // it is somebody's mail
		mux.ServeHTTP(rw, r)
	})
}

// wantsJSON reports whether the client prefers the document to the page. Only
// one that names JSON, before any HTML, does: browsers do not.
func wantsJSON(r *http.Request) bool {
	for _, a := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		typ, params, err := mime.ParseMediaType(a)
		if err != nil || params["q"] == "0" {
			continue
		}
		switch typ {
		case "application/json", "application/problem+json":
			return true
		case "text/html", "application/xhtml+xml":
			return false
		}
	}
	return false
}

// page renders a template, or the document in its place. The page is made in
// full before a byte is sent: half a page with a status of 200 would be a lie.
func (w *site) page(rw http.ResponseWriter, r *http.Request, status int, name string, view any, doc any) {
	rw.Header().Set("Vary", "Accept")
	if doc != nil && wantsJSON(r) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_ = httpapi.Encode(rw, doc)
		return
	}
	var b bytes.Buffer
	if err := w.tmpl.ExecuteTemplate(&b, name, view); err != nil {
		w.o.Logger.Error("rendering page", "page", name, "err", err)
		http.Error(rw, "this page could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write(reveal(b.Bytes()))
}

func (w *site) fail(rw http.ResponseWriter, r *http.Request, err error) {
	p := httpapi.ProblemOf(err, nil)
	if p.Status >= 500 {
		w.o.Logger.Error("answering", "path", r.URL.Path, "err", err)
	}
	w.problem(rw, r, p)
}

// problem shows what happened, what it means and what to press. What was typed
// stays in the box.
func (w *site) problem(rw http.ResponseWriter, r *http.Request, p *httpapi.Problem) {
	if wantsJSON(r) {
		rw.Header().Set("Vary", "Accept")
		httpapi.WriteProblem(rw, p)
		return
	}
	v := errorView{Page: w.head(r, "Not shown"), What: p.Title, Line: p.Error()}
	v.Page.Question = r.URL.Query().Get("q")
	switch p.Code {
	case "not-found":
		v.Means = "The record has nothing under this address. It may have been shortened on the way."
	case "ambiguous":
		v.Means = "The address is too short: more than one message begins like this."
	case "bad-query", "bad-request":
		v.What = "This question cannot be read"
		v.Means = p.Error()
		if p.Query != nil {
			v.Means = upper(p.Query.Text) + "."
			if p.Query.Hint != "" {
				v.Means += " " + upper(p.Query.Hint) + "."
			}
		}
	case "timeout", "too-broad":
		v.Means = "The words fit too much of the record. Add a name, a date or one more word."
	case "no-such-address":
		v.Means = "Nothing in the record has this address."
	default:
		v.What = "This could not be shown"
		v.Means = "The record itself is not touched by this. Try again; when it stays like this, run “inwriting status”."
	}
	w.page(rw, r, p.Status, "error", v, nil)
}

func (w *site) home(rw http.ResponseWriter, r *http.Request) {
	cov, err := w.s.Coverage(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	matters, err := w.matters(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	v := homeView{Page: w.head(r, "Matters"), Matters: matters, Coverage: w.coverage(*cov)}
	v.Page.Nav, v.Page.State = "home", v.Coverage.short()
	w.page(rw, r, http.StatusOK, "home", v, &httpapi.Status{Schema: httpapi.StatusSchema, Coverage: *cov})
}

func (w *site) ask(rw http.ResponseWriter, r *http.Request) {
	q, err := httpapi.DecodeQuery(r.URL.Query())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if !q.Asks() && !wantsJSON(r) { // the empty box
		cov, err := w.s.Coverage(r.Context())
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		v := askView{Page: w.head(r, "Ask"), Coverage: w.coverage(*cov), Empty: true}
		v.Page.Nav, v.Page.State = "ask", v.Coverage.short()
		w.page(rw, r, http.StatusOK, "ask", v, nil)
		return
	}
	if q.Limit == 0 {
		q.Limit = 20
	}
	q.Facets = true
	res, err := w.s.Search(r.Context(), q)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	w.page(rw, r, http.StatusOK, "ask", w.askView(r, q, res), res)
}

func (w *site) trail(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	title, question := "", strings.TrimSpace(r.URL.Query().Get("q"))
	if question == "" {
		question = strings.TrimSpace(strings.ReplaceAll(name, "-", " "))
		matters, err := w.matters(r.Context())
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		for _, m := range matters {
			if m.Name == name {
				if title, question = m.Title, m.Question; m.Kept {
					question = m.Name // with what was decided about it
				}
			}
		}
	}
	tr, err := w.s.Trail(r.Context(), search.TrailQuery{Question: question, AsOf: strings.TrimSpace(r.URL.Query().Get("as_of"))})
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	w.page(rw, r, http.StatusOK, "trail", w.trailView(r, title, tr), tr)
}

func (w *site) message(rw http.ResponseWriter, r *http.Request) {
	doc, err := w.s.Message(r.Context(), r.PathValue("ref"))
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	w.page(rw, r, http.StatusOK, "message", w.messageView(r, doc), doc)
}

// raw sends the octets to be saved, never to be shown.
func (w *site) raw(rw http.ResponseWriter, r *http.Request) {
	if _, err := archive.ParseRef(r.PathValue("ref")); err != nil {
		w.fail(rw, r, search.ErrNotFound)
		return
	}
	r = r.Clone(r.Context())
	r.URL = &url.URL{Path: "/api/v1/message/" + r.PathValue("ref") + "/raw"}
	httpapi.New(w.s, httpapi.Options{Logger: w.o.Logger}).ServeHTTP(rw, r)
}

// Coverage of a page that shows nothing else still needs a deadline of its own:
// the state in the corner must not hold up an error page.
const cornerTime = 2 * time.Second

// corner returns the few words about coverage in the page's corner.
func (w *site) corner(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, cornerTime)
	defer cancel()
	cov, err := w.s.Coverage(ctx)
	if err != nil {
		return ""
	}
	return w.coverage(*cov).short()
}
