package httpapi

import (
	_ "embed"
	"net/http"
)

// openapi is the API's description, OpenAPI 3.1, generated from the types that the
// API sends: go test ./search/httpapi -run OpenAPI -update writes it.
//
//go:embed openapi.json
var openapi []byte

func (a *API) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openapi)
}
