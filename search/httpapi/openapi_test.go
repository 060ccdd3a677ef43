package httpapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"inwriting/search"
	"inwriting/search/query"
	"inwriting/search/trail"
)

var update = flag.Bool("update", false, "write openapi.json")

// TestOpenAPI holds openapi.json to the types and the addresses.
func TestOpenAPI(t *testing.T) {
	want, err := json.MarshalIndent(describe(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		openapi = want
	}
	if d := cmp.Diff(string(want), string(openapi)); d != "" {
		t.Errorf("openapi.json is not what the types say; run go test ./search/httpapi -run OpenAPI -update (-want +got):\n%s", d)
	}

	// Each address of the description is served, and each that is served but for
	// the socket's is in it.
	a := New(nil, Options{})
	for address := range describe().Paths {
		r := httptest.NewRequest(http.MethodGet, strings.NewReplacer("{id}", "x").Replace(address), nil)
		if _, pattern := a.mux.Handler(r); pattern != "GET "+address {
			t.Errorf("%s is described and served as %q", address, pattern)
		}
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), openapi) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
}

// TestOpenAPIParameters holds the described parameters of a search to those that
// DecodeQuery reads.
func TestOpenAPIParameters(t *testing.T) {
	for _, p := range describe().Paths["/api/v1/search"].Get.Parameters {
		value := map[string]string{"string": "2023", "boolean": "1", "integer": "3", "array": "x"}[p.Schema.Type]
		if p.Name == "sort" {
			value = "newest"
		}
		q, err := DecodeQuery(map[string][]string{p.Name: {value}})
		if err != nil || reflect.DeepEqual(q, search.Query{}) {
			t.Errorf("%s=%s: %+v, %v", p.Name, value, q, err)
		}
	}
}

func describe() *huma.OpenAPI {
	huma.DefaultArrayNullable = false // what is empty is sent as []
	schemas := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, _ string) string {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		pkg := path.Base(t.PkgPath())
		return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
	})
	content := func(kind string, s *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{kind: {Schema: s}}
	}
	problem := &huma.Response{Description: "what went wrong, as RFC 9457 has it", Content: content("application/problem+json", schemas.Schema(reflect.TypeFor[Problem](), true, ""))}
	get := func(name, summary string, answer reflect.Type, params ...*huma.Param) *huma.PathItem {
		ok := &huma.Response{Description: "the document"}
		if answer != nil {
			ok.Content = content("application/json", schemas.Schema(answer, true, ""))
		}
		return &huma.PathItem{Get: &huma.Operation{OperationID: name, Summary: summary, Parameters: params,
			Responses: map[string]*huma.Response{"200": ok, "default": problem}}}
	}
	id := &huma.Param{Name: "id", In: "path", Required: true, Description: "whole, or its first digits; a message also by its Message-ID", Schema: &huma.Schema{Type: "string"}}
	question := &huma.Param{Name: "q", In: "query", Required: true, Description: "the question", Schema: &huma.Schema{Type: "string"}}

	raw := get("raw", "The octets of a message as collected", nil, id)
	raw.Get.Responses["200"].Content = content("message/rfc822", &huma.Schema{Type: "string", Format: "binary"})
	param := func(name, help string, s *huma.Schema) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: help, Schema: s}
	}
	several := &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"}}
	export := get("export", "The bundle of the trail that answers a question", nil, question,
		param("for", "whom it is for: client, insurer, court-uk, court-us, solicitor", &huma.Schema{Type: "string"}), param("title", "on its first page", &huma.Schema{Type: "string"}),
		param("leave_out", "N=REASON: the message of statement N goes without its words", several), param("release", "ID=REASON: a place that is held leaves", several),
		param("withhold", "ID=CODE:REASON: it does not", several), param("black_out", "a form that is blacked out, as iban", several),
		param("redact", "REASON: WORDS: words that are blacked out wherever they stand", several), param("cover", "words of whoever makes it, for the first page", &huma.Schema{Type: "string"}))
	export.Get.Responses["200"].Content = content("application/zip", &huma.Schema{Type: "string", Format: "binary"})
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "inwriting", Version: "1",
			Description: "What was said in the mail, by whom, when. Within version 1 fields are only added. Everything is read; nothing changes a mailbox or a vault."},
		Paths: map[string]*huma.PathItem{
			"/api/v1/search": get("search", "Statements, or messages, by what they say", reflect.TypeFor[search.Results](), searchParams()...),
			"/api/v1/trail": get("trail", "The trail that answers a question", reflect.TypeFor[trail.Trail](), question,
				&huma.Param{Name: "as_of", In: "query", Description: "a date as in the query language: what was in force at its end", Schema: &huma.Schema{Type: "string"}},
				&huma.Param{Name: "near", In: "query", Description: "how many of the nearest statements that were left out to list", Schema: &huma.Schema{Type: "integer"}}),
			"/api/v1/message/{id}":     get("message", "One message, as read", reflect.TypeFor[search.MessageDoc](), id),
			"/api/v1/message/{id}/raw": raw,
			"/api/v1/statement/{id}":   get("statement", "One statement", reflect.TypeFor[Statement](), id),
			"/api/v1/export":           export,
			"/api/v1/status":           get("status", "What is kept, and what is missing", reflect.TypeFor[Status]()),
		},
		Components: &huma.Components{Schemas: schemas},
	}
	for _, s := range schemas.Map() {
		if s.AdditionalProperties == false {
			s.AdditionalProperties = nil // fields are added: whoever reads must not refuse a new one
		}
	}
	return doc
}

func searchParams() []*huma.Param {
	param := func(name, help string, s *huma.Schema) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: help, Schema: s}
	}
	params := []*huma.Param{param("q", "words: a plain question, or the query language", &huma.Schema{Type: "string"})}
	lists := queryLists(&search.Query{})
	for _, f := range query.Fields {
		s := &huma.Schema{Type: "string"}
		for _, v := range f.Values {
			s.Enum = append(s.Enum, v)
		}
		if _, ok := lists[f.Name]; ok {
			params = append(params, param(f.Name, f.Help+"; repeated: any of them", &huma.Schema{Type: "array", Items: s}))
		} else if f.Name == "since" || f.Name == "until" {
			params = append(params, param(f.Name, f.Help, s))
		}
	}
	one := 1.0
	for _, flag := range [][2]string{{"messages", "messages instead of statements"}, {"facets", "count who, what, when, which values and mailboxes"}, {"explain", "tell how the words were read"}} {
		params = append(params, param(flag[0], flag[1], &huma.Schema{Type: "boolean"}))
	}
	most := float64(search.MaxLimit)
	params = append(params,
		param("limit", "how many; 20 when it is not given", &huma.Schema{Type: "integer", Minimum: &one, Maximum: &most}),
		param("offset", "how many to skip", &huma.Schema{Type: "integer"}),
		param("sort", "", &huma.Schema{Type: "string", Enum: []any{string(search.Closest), string(search.Newest), string(search.Oldest)}}))
	slices.SortStableFunc(params, func(a, b *huma.Param) int { return strings.Compare(a.Name, b.Name) })
	return params
}
