package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"inwriting/indexer/ledger"
	"inwriting/search/access"
)

// recording writes into the ledger what a signed-in person, or a token, looked at,
// searched for and exported. Where nobody signs in nobody is named, and nothing
// is written. An answer is only sent once its entry is durable.
func (s *service) recording(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := access.PersonOf(r.Context())
		what := looked(r)
		if p == nil || what == "" {
			next.ServeHTTP(w, r)
			return
		}
		by := p.Name
		if p.Token {
			by = "token " + by
		}
		if err := s.vault.Note(ledger.Access{By: by, What: what, Why: string(p.Role)}); err != nil {
			s.note(err)
			s.log.Error("recording an access", "err", err)
			http.Error(w, "this look could not be recorded, and nothing is shown without a record of it", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// looked is what a request looks at, in the words of the ledger: a question is
// only named by its SHA-256, since it may hold words of the mail. "" for pages
// that show none of it.
func looked(r *http.Request) string {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/")
	verb, rest, _ := strings.Cut(path, "/")
	q := func() string {
		sum := sha256.Sum256([]byte(r.URL.Query().Get("q") + "\n" + rest))
		return "sha256 " + hex.EncodeToString(sum[:])
	}
	switch verb {
	case "ask", "search":
		if r.URL.RawQuery == "" {
			return ""
		}
		return "search " + q()
	case "m", "trail":
		if rest != "" && r.URL.Query().Get("q") == "" {
			return "trail " + rest
		}
		return "trail " + q()
	case "message":
		id, part, _ := strings.Cut(rest, "/")
		if part == "raw" {
			return "original " + id
		}
		return "message " + id
	case "statement":
		return "statement " + strings.TrimSuffix(rest, "/correct")
	case "bundle", "export":
		if r.Method == http.MethodPost || verb == "export" {
			return "export " + q()
		}
		if strings.Count(rest, "/") == 2 {
			return "fetch bundle " + rest[strings.IndexByte(rest, '/')+1:]
		}
		return "bundle page " + q()
	case "open.json", "open.ics":
		return "what is open"
	case "":
		return "matters"
	}
	return ""
}
