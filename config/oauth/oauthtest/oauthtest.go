// Package oauthtest is an authorisation server on loopback for tests: OpenID
// Connect discovery, codes with PKCE, device codes, refresh tokens that rotate,
// client credentials, and introspection as Dovecot asks for it.
package oauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Server is an authorisation server. Its fields are set before it is used, or
// under Lock.
type Server struct {
	sync.Mutex
	URL      string // the issuer
	Client   string // the only application
	Secret   string // of the application; "" for a public one
	User     string // who signs in
	Lifetime time.Duration
	Deny     string // error code that sign-ins get; "" for none
	Down     bool   // answers 503 to everything

	Refreshes int // refresh tokens that were used
	Log       []string

	http      *httptest.Server
	codes     map[string]url.Values // authorisation codes with the request they are for
	devices   map[string]string     // device codes: user code, "" once approved
	refresh   map[string]bool
	access    map[string]time.Time // access tokens and their end
	lastToken string
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{Client: "inwriting-test", User: "nora", Lifetime: time.Hour, codes: map[string]url.Values{}, devices: map[string]string{},
		refresh: map[string]bool{}, access: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /device", s.device)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("/introspect", s.introspect)
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Lock()
		defer s.Unlock()
		s.Log = append(s.Log, r.Method+" "+r.URL.Path)
		if s.Down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	s.URL = s.http.URL
	t.Cleanup(s.http.Close)
	return s
}

// Approve is the user typing in a code on the server's page.
func (s *Server) Approve(userCode string) bool {
	s.Lock()
	defer s.Unlock()
	for d, u := range s.devices {
		if u == userCode {
			s.devices[d] = ""
			return true
		}
	}
	return false
}

// Revoke ends all tokens, as a changed password does.
func (s *Server) Revoke() {
	s.Lock()
	defer s.Unlock()
	clear(s.refresh)
	clear(s.access)
}

// Last returns the access token that was given last.
func (s *Server) Last() string {
	s.Lock()
	defer s.Unlock()
	return s.lastToken
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code, said string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": said})
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]any{"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
		"device_authorization_endpoint": s.URL + "/device", "introspection_endpoint": s.URL + "/introspect"})
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != s.Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if s.Deny != "" {
		back.Set("error", s.Deny)
		back.Set("error_description", "The user said no.")
	} else {
		code := rand.Text()
		s.codes[code] = q
		back.Set("code", code)
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

func (s *Server) device(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != s.Client {
		refuse(w, "invalid_client", "AADSTS700016: no such application\r\nTrace ID: 1")
		return
	}
	d, u := rand.Text(), rand.Text()[:8]
	s.devices[d] = u
	answer(w, 200, map[string]any{"device_code": d, "user_code": u, "verification_uri": s.URL + "/activate", "expires_in": 900, "interval": 1})
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != s.Client || r.FormValue("client_secret") != s.Secret {
		refuse(w, "invalid_client", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1")
		return
	}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		q, ok := s.codes[r.FormValue("code")]
		delete(s.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || q.Get("redirect_uri") != r.FormValue("redirect_uri") {
			refuse(w, "invalid_grant", "the code does not fit")
			return
		}
		s.give(w, true)
	case "urn:ietf:params:oauth:grant-type:device_code":
		u, ok := s.devices[r.FormValue("device_code")]
		switch {
		case !ok:
			refuse(w, "expired_token", "no such code")
		case s.Deny != "":
			refuse(w, s.Deny, "The user said no.")
		case u != "":
			refuse(w, "authorization_pending", "")
		default:
			delete(s.devices, r.FormValue("device_code"))
			s.give(w, true)
		}
	case "refresh_token":
		if !s.refresh[r.FormValue("refresh_token")] {
			refuse(w, "invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.\r\nTrace ID: 1")
			return
		}
		delete(s.refresh, r.FormValue("refresh_token"))
		s.Refreshes++
		s.give(w, true)
	case "client_credentials":
		s.give(w, false)
	default:
		refuse(w, "unsupported_grant_type", "")
	}
}

func (s *Server) give(w http.ResponseWriter, refresh bool) {
	s.lastToken = "access-" + rand.Text()
	s.access[s.lastToken] = time.Now().Add(s.Lifetime)
	m := map[string]any{"access_token": s.lastToken, "token_type": "Bearer", "expires_in": int(s.Lifetime.Seconds())}
	if refresh {
		r := "refresh-" + rand.Text()
		s.refresh[r] = true
		m["refresh_token"] = r
	}
	answer(w, 200, m)
}

func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	end, ok := s.access[r.FormValue("token")]
	if !ok || time.Now().After(end) {
		answer(w, 200, map[string]any{"active": false})
		return
	}
	answer(w, 200, map[string]any{"active": true, "username": s.User, "email": s.User, "scope": "mail", "exp": end.Unix()})
}
