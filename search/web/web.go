// Package web is the pages: matters, ask, trail, message, bundle, mailboxes and
// what belongs to them, as plain HTML that works without a script.
//
//	/                 the box, the matters, and what waits for somebody
//	/ask?q=…          statements or messages; parameters as in /api/v1/search
//	/m/NAME           the trail of a matter, or of the words in NAME; ?q= asks in full
//	/message/REF      one message, with what was read in it and why; ?view=sent|headers|source
//	/bundle/NAME      makes a bundle of that trail
//	/mailboxes        what is read, how far, and what cannot be seen
//	/settings, /keyboard, /sign-in
//
// Each address answers "Accept: application/json" with the document that it
// shows. A message's own HTML is served in a sandboxed frame alone, sanitised,
// under a policy that loads nothing. What the record says is set in serif, what
// the program says in sans. The one script adds keys and live progress; nothing
// depends on it.
package web

import (
	"bytes"
	"compress/gzip"
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
	"inwriting/search/access"
	"inwriting/search/httpapi"
)

// Policy is the content security policy of every page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Options tune the pages. The zero value is ready to use.
type Options struct {
	// Location is the zone in which days are counted and times are shown.
	// Nil is time.Local.
	Location *time.Location

	// Now is the clock; nil is time.Now.
	Now func() time.Time

	// Matters are the pieces of work that have a name. Others are reached by
	// asking.
	Matters []Matter

	// Kept lists those that people keep, newest first. It may be nil.
	Kept func(context.Context) ([]Matter, error)

	// Desk does what is more than asking. Without one the pages offer nothing of it.
	Desk Desk

	// Access knows who may sign in. Nil: nobody has to.
	Access *access.Book

	// Logger hears of errors that are nobody's input. Nil is silent.
	Logger *slog.Logger
}

// Matter is a named piece of work.
type Matter struct {
	Name     string // in the address: "vienna-flight"
	Title    string // for people: "Vienna flight, March"
	Question string // what its trail answers
	Client   string // whom it is with, "" when nobody said
	State    string // "closed", or ""
	Kept     bool   // the Searcher knows it by its name
}

// site is the handler's state. What is not a cache is fixed at the start.
type site struct {
	s     search.Searcher
	o     Options
	tmpl  *template.Template
	seals *sealer
}

// New returns the pages over s. Serve them behind httpapi.Hosts.
func New(s search.Searcher, o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &site{s: s, o: o, seals: newSealer(s, o.Now)}
	w.tmpl = template.Must(template.New("").Funcs(w.funcs()).ParseFS(files, "templates/*.html"))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.home)
	mux.HandleFunc("GET /ask", w.ask)
	mux.HandleFunc("GET /m/{name}", w.trail)
	mux.HandleFunc("GET /mailboxes", w.mailboxes)
	mux.HandleFunc("GET /message/{ref}", w.message)
	mux.HandleFunc("GET /message/{ref}/raw", w.raw)
	mux.HandleFunc("GET /message/{ref}/frame", w.frame)
	mux.HandleFunc("GET /settings", w.settings)
	mux.HandleFunc("POST /settings", w.setLook)
	mux.HandleFunc("GET /keyboard", w.keyboard)
	mux.Handle("GET /static/", assets)
	mux.HandleFunc("GET /print.css", printFoot)
	if o.Access != nil {
		mux.HandleFunc("GET /sign-in", w.signIn)
		mux.HandleFunc("POST /sign-in", w.signInSend)
		mux.HandleFunc("POST /sign-out", w.signOut)
	}
	if o.Desk != nil {
		w.deskPages(mux)
	}
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

// deskPages are the addresses that change something, or show what would.
func (w *site) deskPages(mux *http.ServeMux) {
	owner := func(fn http.HandlerFunc) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			if p := access.PersonOf(r.Context()); p != nil && p.Role != access.Owner {
				w.problem(rw, r, &httpapi.Problem{Code: "not-yours", Status: http.StatusForbidden, Exit: 2, Title: "Only an owner does this",
					Detail: "you are signed in as a reviewer: you read and export, and change nothing"})
				return
			}
			fn(rw, r)
		}
	}
	mux.HandleFunc("GET /new", owner(w.newMatter))
	mux.HandleFunc("POST /new", owner(w.keepMatter))
	mux.HandleFunc("POST /statement/{id}/correct", owner(w.correct))
	mux.HandleFunc("GET /bundle/{name}", w.bundle)
	mux.HandleFunc("POST /bundle/{name}", w.makeBundle)
	mux.HandleFunc("GET /bundle/{name}/{id}", w.bundleMade)
	mux.HandleFunc("GET /bundle/{name}/{id}/{file}", w.bundleFile)
	mux.HandleFunc("POST /mailboxes/check", owner(w.checkArchive))
	mux.HandleFunc("GET /mailboxes/add", owner(w.addMailbox))
	mux.HandleFunc("POST /mailboxes/add", owner(w.addMailboxSend))
	mux.HandleFunc("POST /mailboxes/signin", owner(w.signInMailbox))
	mux.HandleFunc("GET /mailboxes/signin/{id}", owner(w.signing))
	mux.HandleFunc("GET /people", owner(w.people))
	mux.HandleFunc("POST /people", owner(w.namePerson))
	mux.HandleFunc("POST /mailboxes/choose", owner(w.chooseMail))
	mux.HandleFunc("POST /demo", owner(w.demo))
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
	rw.Header().Add("Vary", "Accept, Accept-Encoding")
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
	body := reveal(b.Bytes())
	// No page holds a secret beside what somebody else wrote, so packing gives
	// nothing away.
	if len(body) > 1400 && gzips(r) {
		rw.Header().Set("Content-Encoding", "gzip")
		rw.WriteHeader(status)
		z, _ := gzip.NewWriterLevel(rw, gzip.BestCompression)
		_, _ = z.Write(body)
		_ = z.Close()
		return
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(body)
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
		rw.Header().Add("Vary", "Accept")
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
	case "not-yours", "not-done":
		v.Means = upper(p.Error()) + "."
	default:
		v.What = "This could not be shown"
		v.Means = "The record itself is not touched by this. Try again; when it stays like this, run “inwriting status”."
	}
	w.page(rw, r, p.Status, "error", v, nil)
}

// refuse says in words why something was not done; what was typed is in form.
func (w *site) refuse(rw http.ResponseWriter, r *http.Request, what string, err error, back string) {
	p := httpapi.ProblemOf(err, nil)
	if p.Status >= 500 {
		p.Status = http.StatusUnprocessableEntity
	}
	if wantsJSON(r) {
		httpapi.WriteProblem(rw, p)
		return
	}
	v := errorView{Page: w.head(r, what), What: what, Means: upper(err.Error()) + ".", Line: err.Error(), Back: back, BackWord: "Back"}
	w.page(rw, r, p.Status, "error", v, nil)
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
