package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"inwriting/search"
	"inwriting/search/query"
)

// Code ties a kind of error to what is said of it on the wire, so that
// errors.Is gives the same answer on both sides of the socket.
type Code struct {
	Code   string // stable; "not-found"
	Err    error  // what errors.Is is asked for, and what the client gets back
	Status int    // HTTP
	Exit   int    // of the command line, as in its help
	Title  string // the same for every problem of the kind
}

// ErrBadRequest is a question that cannot be understood.
var ErrBadRequest = errors.New("bad request")

// ErrNoActions means that actions are not offered where they were asked for.
var ErrNoActions = errors.New("actions are only offered on the vault's own socket")

// Codes is the table for what this package can meet. Callers add the kinds that
// their actions return through Options.Codes and Client.Codes; those come first.
var Codes = []Code{
	{"not-found", search.ErrNotFound, http.StatusNotFound, 3, "Not found"},
	{"ambiguous", search.ErrAmbiguous, http.StatusConflict, 2, "More than one fits"},
	{"too-broad", search.ErrTooBroad, http.StatusUnprocessableEntity, 2, "Too many different words fit"},
	{"timeout", search.ErrTimeout, http.StatusGatewayTimeout, 1, "The search took too long"},
	{"bad-request", ErrBadRequest, http.StatusBadRequest, 2, "Bad request"},
	{"no-actions", ErrNoActions, http.StatusForbidden, 2, "Not offered here"},
	{"interrupted", context.Canceled, 499, 130, "Interrupted"}, // nginx's number: the client went away
	{"timeout", context.DeadlineExceeded, http.StatusGatewayTimeout, 1, "Took too long"},
}

// problemType is a URI in the sense of RFC 9457 section 3.1.1 that needs no
// domain of ours to stay online.
const problemType = "urn:inwriting:problem:"

// Problem is an error on the wire (RFC 9457), and on the client's side an error
// that is whatever kind its code stands for.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`          // the error's own words
	Code   string `json:"code"`            // the last part of Type
	Exit   int    `json:"exit"`            // the status a command line ends with
	Query  *Query `json:"query,omitempty"` // with "bad-query": the mistake
	err    error
}

// Query is a *query.Error on the wire.
type Query struct {
	Column int    `json:"column"` // in characters, from 1
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// Error returns the words of the error at its origin.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// Unwrap returns the error value of the kind, so that errors.Is works across the
// wire; nil for kinds that nobody named.
func (p *Problem) Unwrap() error { return p.err }

// ProblemOf describes err, with extra kinds tried before Codes. A kind that is in
// neither is "internal": the exit status is 1 and the words are kept.
func ProblemOf(err error, extra []Code) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	p = &Problem{Code: "internal", Status: http.StatusInternalServerError, Exit: 1, Title: "Failed", Detail: err.Error(), err: err}
	for _, c := range slices.Concat(extra, Codes) {
		if errors.Is(err, c.Err) {
			p.Code, p.Status, p.Exit, p.Title = c.Code, c.Status, c.Exit, c.Title
			break
		}
	}
	var qe *query.Error
	if errors.As(err, &qe) {
		p.Code, p.Status, p.Exit, p.Title = "bad-query", http.StatusBadRequest, 2, "The question cannot be read"
		p.Query = &Query{qe.Column, qe.Text, qe.Hint}
	}
	p.Type = problemType + p.Code
	return p
}

// restore gives a problem that came over the wire the error value of its code.
func (p *Problem) restore(extra []Code) *Problem {
	if p.Code == "bad-query" && p.Query != nil {
		p.err = &query.Error{Column: p.Query.Column, Text: p.Query.Text, Hint: p.Query.Hint}
		return p
	}
	for _, c := range slices.Concat(extra, Codes) {
		if c.Code == p.Code {
			p.err = c.Err
			break
		}
	}
	return p
}

// BadRequest is a mistake of whoever asks, in words for them.
func BadRequest(detail string) error {
	return &Problem{Type: problemType + "bad-request", Code: "bad-request", Status: http.StatusBadRequest, Exit: 2,
		Title: "Bad request", Detail: detail, err: ErrBadRequest}
}

// fail sends err as a problem. What is not the asker's doing is logged.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err, a.o.Codes)
	if p.Status >= 500 {
		a.o.Logger.Error("answering", "path", r.URL.Path, "err", err)
	}
	a.problem(w, r, p)
}

func (a *API) problem(w http.ResponseWriter, _ *http.Request, p *Problem) {
	WriteProblem(w, p)
}

// WriteProblem sends a problem document.
func WriteProblem(w http.ResponseWriter, p *Problem) {
	if p.Type == "" {
		p.Type = problemType + p.Code
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = Encode(w, p)
}
