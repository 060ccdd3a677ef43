// Package httpapi is a search.Searcher over HTTP: API serves one, Client is
// one. The documents are those that the command line prints with --json, so a
// program does not care which of the two it talks to.
//
//	GET  /api/v1/search?q=…&from=…&kind=…&limit=…   search.Results
//	GET  /api/v1/message/{id}                       search.MessageDoc
//	GET  /api/v1/message/{id}/raw                   the octets, message/rfc822
//	GET  /api/v1/statement/{id}                     Statement
//	GET  /api/v1/trail?q=…&as_of=…&near=…           trail.Trail
//	GET  /api/v1/status                             Status
//	GET  /api/v1/export?q=…&for=…                   the bundle of a trail, application/zip
//	GET  /api/openapi.json                          these, as OpenAPI 3.1
//	GET  /healthz  /readyz
//	POST /api/v1/do/{verb}                          actions, over the unix socket only: see do.go
//	POST /api/v1/cancel/{id}
//
// An error is a problem document (RFC 9457) with a code from the table in
// problem.go. Nothing here changes a vault but what Actions do.
package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/trail"
)

// StatusSchema is the first field of Status.
const StatusSchema = "inwriting.status/v1"

// Status is the coverage document as it is served on its own.
type Status struct {
	Schema string `json:"schema"`
	trail.Coverage
}

// StatementSchema is the first field of Statement.
const StatementSchema = "inwriting.statement/v1"

// Statement is a statement as it is served on its own.
type Statement struct {
	Schema string `json:"schema"`
	trail.Statement
}

// Options tune an API. The zero value serves the questions and no actions.
type Options struct {
	// Actions are offered under /api/v1/do/ when they are set. Whoever reaches
	// them changes the vault, so they belong on a socket that only its owner
	// can open, never on a port.
	Actions Actions

	// Export answers /api/v1/export with a bundle; nil: none are made here.
	Export http.HandlerFunc

	// Ready tells /readyz what is missing, Healthy tells /healthz what is broken for
	// good; nil means nothing.
	Ready, Healthy func(context.Context) error

	// Codes are error kinds beside those of this package; see Codes.
	Codes []Code

	// Logger hears of errors that are nobody's input. Nil is silent.
	Logger *slog.Logger
}

// API serves a Searcher. It is safe for concurrent use.
type API struct {
	s    search.Searcher
	o    Options
	mux  *http.ServeMux
	runs runs
}

// New returns the API over s.
func New(s search.Searcher, o Options) *API {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{s: s, o: o, mux: http.NewServeMux(), runs: runs{cancel: map[string]context.CancelFunc{}}}
	a.mux.HandleFunc("GET /api/v1/search", a.search)
	a.mux.HandleFunc("GET /api/v1/message/{id}", a.message)
	a.mux.HandleFunc("GET /api/v1/message/{id}/raw", a.raw)
	a.mux.HandleFunc("GET /api/v1/statement/{id}", a.statement)
	a.mux.HandleFunc("GET /api/v1/trail", a.trail)
	a.mux.HandleFunc("GET /api/v1/status", a.status)
	a.mux.HandleFunc("GET /api/v1/export", func(w http.ResponseWriter, r *http.Request) {
		if o.Export == nil {
			a.fail(w, r, ErrNoActions)
			return
		}
		o.Export(w, r)
	})
	a.mux.HandleFunc("GET /api/openapi.json", a.openapi)
	a.mux.HandleFunc("POST /api/v1/do/{verb}", a.do)
	a.mux.HandleFunc("POST /api/v1/cancel/{id}", a.cancelRun)
	a.mux.HandleFunc("GET /healthz", probe(o.Healthy, "ok", "broken"))
	a.mux.HandleFunc("GET /readyz", probe(o.Ready, "ready", "not ready"))
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if len(a.allowed(r)) > 0 {
			w.Header().Set("Allow", strings.Join(a.allowed(r), ", "))
			a.problem(w, r, &Problem{Code: "method-not-allowed", Status: http.StatusMethodNotAllowed, Exit: 2,
				Title: "Method not allowed", Detail: fmt.Sprintf("%s is not for %s", r.URL.Path, r.Method)})
			return
		}
		a.problem(w, r, &Problem{Code: "no-such-address", Status: http.StatusNotFound, Exit: 2,
			Title: "No such address", Detail: fmt.Sprintf("nothing is served at %s", r.URL.Path)})
	})
	return a
}

// allowed lists the methods under which the mux knows the path; the catch-all
// above would hide its own answer.
func (a *API) allowed(r *http.Request) []string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); strings.HasPrefix(pattern, m+" ") {
			out = append(out, m)
		}
	}
	return out
}

// ServeHTTP implements http.Handler. Every answer forbids sniffing, framing and
// caching: it is somebody's mail.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	a.mux.ServeHTTP(w, r)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

func probe(check func(context.Context) error, good, bad string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if check != nil {
			if err := check(r.Context()); err != nil {
				plain(w, http.StatusServiceUnavailable, bad+": "+err.Error())
				return
			}
		}
		plain(w, http.StatusOK, good)
	}
}

func (a *API) search(w http.ResponseWriter, r *http.Request) {
	q, err := DecodeQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	res, err := a.s.Search(r.Context(), q)
	a.answer(w, r, res, err)
}

func (a *API) message(w http.ResponseWriter, r *http.Request) {
	doc, err := a.s.Message(r.Context(), r.PathValue("id"))
	a.answer(w, r, doc, err)
}

func (a *API) statement(w http.ResponseWriter, r *http.Request) {
	st, err := a.s.Statement(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, r, &Statement{StatementSchema, *st}, nil)
}

func (a *API) trail(w http.ResponseWriter, r *http.Request) {
	q, err := DecodeTrailQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if q.Question == "" {
		a.fail(w, r, BadRequest("a trail needs a question: ?q=…"))
		return
	}
	tr, err := a.s.Trail(r.Context(), q)
	a.answer(w, r, tr, err)
}

// EncodeTrailQuery turns a query into the parameters of /api/v1/trail;
// DecodeTrailQuery reads them back.
func EncodeTrailQuery(q search.TrailQuery) url.Values {
	v := url.Values{"q": {q.Question}}
	if q.AsOf != "" {
		v.Set("as_of", q.AsOf)
	}
	if q.Near != 0 {
		v.Set("near", strconv.Itoa(q.Near))
	}
	return v
}

// DecodeTrailQuery reads the parameters of /api/v1/trail. A parameter nobody knows
// is an error.
func DecodeTrailQuery(v url.Values) (search.TrailQuery, error) {
	q := search.TrailQuery{Question: strings.TrimSpace(v.Get("q")), AsOf: strings.TrimSpace(v.Get("as_of"))}
	for k := range v {
		if k != "q" && k != "as_of" && k != "near" {
			return q, BadRequest(fmt.Sprintf("unknown parameter %q", k))
		}
	}
	var err error
	q.Near, err = number("near", v.Get("near"))
	return q, err
}

func (a *API) status(w http.ResponseWriter, r *http.Request) {
	cov, err := a.s.Coverage(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, r, &Status{StatusSchema, *cov}, nil)
}

func (a *API) raw(w http.ResponseWriter, r *http.Request) {
	ref, err := archive.ParseRef(r.PathValue("id"))
	if err != nil { // a prefix or a Message-ID
		doc, err := a.s.Message(r.Context(), r.PathValue("id"))
		if err != nil {
			a.fail(w, r, err)
			return
		}
		ref = doc.Message.Ref
	}
	rc, size, err := a.s.Raw(r.Context(), ref)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	defer rc.Close()
	h := w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"%s.eml\"", ref.Hex()))
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(ref[:])+":") // RFC 9530
	if r.Method == http.MethodHead {
		return
	}
	n, err := io.Copy(w, rc)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		// The status is sent; a broken connection is the only way left to say that
		// these are not all the octets.
		a.o.Logger.Error("sending raw message", "ref", ref.String(), "err", err)
		panic(http.ErrAbortHandler)
	}
}

// answer sends a document or the error.
func (a *API) answer(w http.ResponseWriter, r *http.Request, doc any, err error) {
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := Encode(w, doc); err != nil {
		a.o.Logger.Debug("sending answer", "path", r.URL.Path, "err", err)
	}
}

// Encode writes a document as the API does: one line of JSON, with "<" and its
// like as they are. The command line's --json uses it too.
func Encode(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

// EncodeQuery turns a query into the parameters of /api/v1/search; DecodeQuery
// reads them back.
func EncodeQuery(q search.Query) url.Values {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	set("q", q.Text)
	for k, list := range queryLists(&q) {
		if len(*list) > 0 {
			v[k] = *list
		}
	}
	set("since", q.Since)
	set("until", q.Until)
	set("sort", string(q.Sort))
	if q.Messages {
		v.Set("messages", "1")
	}
	if q.Facets {
		v.Set("facets", "1")
	}
	if q.Explain {
		v.Set("explain", "1")
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Offset != 0 {
		v.Set("offset", strconv.Itoa(q.Offset))
	}
	return v
}

// DecodeQuery reads the parameters of /api/v1/search. Lists are repeated
// parameters. Empty values are as good as none: forms send them. A parameter
// nobody knows is an error, so that a misspelt filter does not widen an answer.
func DecodeQuery(v url.Values) (search.Query, error) {
	q := search.Query{}
	lists := queryLists(&q)
	for k, vals := range v {
		if list, ok := lists[k]; ok {
			for _, s := range vals {
				if s != "" {
					*list = append(*list, s)
				}
			}
			continue
		}
		s := vals[len(vals)-1]
		var err error
		switch k {
		case "q":
			q.Text = s
		case "since":
			q.Since = s
		case "until":
			q.Until = s
		case "sort":
			switch q.Sort = search.Sort(s); q.Sort {
			case "", search.Closest, search.Newest, search.Oldest:
			default:
				err = BadRequest(fmt.Sprintf("sort: want closest, newest or oldest, got %q", s))
			}
		case "messages":
			q.Messages, err = yes(k, s)
		case "facets":
			q.Facets, err = yes(k, s)
		case "explain":
			q.Explain, err = yes(k, s)
		case "limit":
			q.Limit, err = number(k, s)
		case "offset":
			q.Offset, err = number(k, s)
		default:
			err = BadRequest(fmt.Sprintf("unknown parameter %q", k))
		}
		if err != nil {
			return search.Query{}, err
		}
	}
	return q, nil
}

func queryLists(q *search.Query) map[string]*[]string {
	return map[string]*[]string{
		"from": &q.From, "to": &q.To, "by": &q.By, "client": &q.Client, "kind": &q.Kind,
		"mailbox": &q.Mailbox, "folder": &q.Folder, "names": &q.Names, "date": &q.Date,
	}
}

func yes(name, s string) (bool, error) {
	if s == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, BadRequest(fmt.Sprintf("%s: want 1 or 0, got %q", name, s))
	}
	return b, nil
}

func number(name, s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, BadRequest(fmt.Sprintf("%s: want a number, got %q", name, s))
	}
	return n, nil
}

// runs are the actions under way, by id.
type runs struct {
	mu     sync.Mutex
	cancel map[string]context.CancelFunc
}
