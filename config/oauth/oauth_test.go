package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"inwriting/config/oauth/oauthtest"
	"inwriting/config/secret"
)

// memory is a secret.Store that can be made to fail.
type memory struct {
	mu   sync.Mutex
	m    map[string]string
	fail error
}

func (s *memory) Get(_ context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.m[name]; ok {
		return v, nil
	}
	return "", secret.ErrNotFound
}

func (s *memory) Set(_ context.Context, name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.m[name] = value
	return nil
}

func (s *memory) Delete(_ context.Context, name string) error {
	delete(s.m, name)
	return nil
}

func source(srv *oauthtest.Server, flow Flow) (*Source, *memory) {
	store := &memory{m: map[string]string{}}
	return &Source{Address: "nora@deskandco.example", Client: srv.Client, Flow: flow, Store: store, Name: "nora oauth",
		Secret: func(context.Context) (string, error) { return srv.Secret, nil },
		Server: func(ctx context.Context) (Server, error) { return Discover(ctx, http.DefaultClient, srv.URL) }}, store
}

// visit is the user's browser.
func visit(t *testing.T, address string) string {
	res, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

func TestBrowser(t *testing.T) {
	srv := oauthtest.New(t)
	srv.Secret = "client-secret"
	s, store := source(srv, Browser)
	if _, err := s.Token(t.Context()); !errors.Is(err, ErrSignIn) {
		t.Fatalf("before the sign-in: %v", err)
	}
	err := s.SignIn(t.Context(), Asking{Secret: "client-secret", Back: "http://127.0.0.1:8417/mailboxes/signin/x?a=b&c=\"d", Show: func(p Prompt) {
		u, _ := url.Parse(p.URL)
		if q := u.Query(); q.Get("login_hint") != s.Address || q.Get("code_challenge") == "" || len(q.Get("state")) < 20 {
			t.Errorf("asked for %s", p.URL)
		}
		go func() {
			to := u.Query().Get("redirect_uri")
			// Somebody else on this machine is quicker, and does not know the state.
			if said := visit(t, to+"?code=stolen&state=guess"); !strings.Contains(said, "not the answer") {
				t.Errorf("a stranger is told %q", said)
			}
			if said := visit(t, p.URL); !strings.Contains(said, "Signed in") || !strings.Contains(said, `<a href="http://127.0.0.1:8417/mailboxes/signin/x?a=b&amp;c=&#34;d">`) {
				t.Errorf("the browser shows %q", said)
			}
		}()
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Token(t.Context())
	if err != nil || got != srv.Last() {
		t.Errorf("Token = %q, %v; want %q", got, err, srv.Last())
	}
	if v := store.m["nora oauth"]; !strings.Contains(v, "refresh-") || strings.Contains(v, "access-") {
		t.Errorf("kept: %s", v)
	}
}

func TestBrowserRefused(t *testing.T) {
	srv := oauthtest.New(t)
	srv.Deny = "access_denied"
	s, store := source(srv, Browser)
	err := s.SignIn(t.Context(), Asking{Show: func(p Prompt) { go visit(t, p.URL) }})
	if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "access_denied") || len(store.m) != 0 {
		t.Errorf("%v, kept %v", err, store.m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.SignIn(ctx, Asking{Show: func(Prompt) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestDevice(t *testing.T) {
	srv := oauthtest.New(t)
	s, _ := source(srv, Device)
	err := s.SignIn(t.Context(), Asking{Show: func(p Prompt) {
		if p.URL != srv.URL+"/activate" || p.Code == "" || p.Until.IsZero() {
			t.Errorf("prompt %+v", p)
		}
		if !srv.Approve(p.Code) {
			t.Error("the server does not know the code")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Token(t.Context()); err != nil || got != srv.Last() {
		t.Errorf("Token = %q, %v", got, err)
	}
	srv.Deny = "authorization_declined"
	if err := s.SignIn(t.Context(), Asking{Show: func(Prompt) {}}); !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "authorization_declined") {
		t.Errorf("declined: %v", err)
	}
	s.Client = "stranger"
	err = s.SignIn(t.Context(), Asking{Show: func(Prompt) {}})
	if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "AADSTS700016") || strings.Contains(err.Error(), "Trace") {
		t.Errorf("an unknown application: %v", err)
	}
}

// A token is fetched anew five minutes before its end, with the refresh token of
// the last time, which is kept before it is used.
// A sign-in anew has the secret that was kept for the application, and no other
// application is given it.
func TestKeptSecret(t *testing.T) {
	srv := oauthtest.New(t)
	srv.Secret = "client-secret"
	s, store := source(srv, Device)
	approve := func(p Prompt) { srv.Approve(p.Code) }
	if err := s.SignIn(t.Context(), Asking{Secret: "client-secret", Show: approve}); err != nil {
		t.Fatal(err)
	}
	if err := s.SignIn(t.Context(), Asking{Show: approve}); err != nil {
		t.Errorf("with the kept secret: %v", err)
	}
	other := oauthtest.New(t)
	o, _ := source(other, Device)
	o.Store = store
	if err := o.SignIn(t.Context(), Asking{Show: func(p Prompt) { other.Approve(p.Code) }}); err != nil {
		t.Errorf("another server, which wants none: %v", err)
	}
}

func TestRotation(t *testing.T) {
	srv := oauthtest.New(t)
	s, store := source(srv, Device)
	if err := s.SignIn(t.Context(), Asking{Show: func(p Prompt) { srv.Approve(p.Code) }}); err != nil {
		t.Fatal(err)
	}
	first, _ := s.Token(t.Context())
	now := time.Now()
	s.Now = func() time.Time { return now }
	now = now.Add(54 * time.Minute)
	if again, err := s.Token(t.Context()); err != nil || again != first || srv.Refreshes != 0 {
		t.Errorf("six minutes before its end: %v, %d refreshes", err, srv.Refreshes)
	}
	for i := range 3 {
		now = now.Add(58 * time.Minute)
		was := store.m["nora oauth"]
		got, err := s.Token(t.Context())
		if err != nil || got != srv.Last() || srv.Refreshes != i+1 || store.m["nora oauth"] == was {
			t.Fatalf("refresh %d: %q, %v, %d refreshes", i+1, got, err, srv.Refreshes)
		}
	}
	// Another process has the same store.
	other, _ := source(srv, Device)
	other.Store = store
	if _, err := other.Token(t.Context()); err != nil {
		t.Errorf("another process: %v", err)
	}
	s.Forget()
	if got, err := s.Token(t.Context()); err != nil || got != srv.Last() {
		t.Errorf("after the other one's rotation: %v", err)
	}
	// What cannot be kept is not used: the next start would be without.
	store.fail = errors.New("disk full")
	s.Forget()
	if got, err := s.Token(t.Context()); err == nil || got != "" || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a store that fails: %q, %v", got, err)
	}
	store.fail = nil
	srv.Revoke()
	s.Forget()
	_, err := s.Token(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Kind != ErrSignIn || e.Code != "invalid_grant" || strings.Contains(e.Said, "Trace") {
		t.Errorf("revoked: %v", err)
	}
	srv.Lock()
	srv.Down = true
	srv.Unlock()
	if _, err := s.Token(t.Context()); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrSignIn) {
		t.Errorf("down: %v", err)
	}
}

func TestApp(t *testing.T) {
	srv := oauthtest.New(t)
	srv.Secret = "s3cret-of-the-app"
	s, store := source(srv, App)
	got, err := s.Token(t.Context())
	if err != nil || got != srv.Last() || len(store.m) != 0 {
		t.Errorf("Token = %q, %v", got, err)
	}
	s.Secret = func(context.Context) (string, error) { return "wr0ng-secret", nil }
	s.Forget()
	_, err = s.Token(t.Context())
	if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "AADSTS7000215") || strings.Contains(fmt.Sprintf("%v %+v", err, err), "wr0ng-secret") {
		t.Errorf("a wrong secret: %v", err)
	}
	s.Secret = nil
	if _, err := s.Token(t.Context()); !errors.Is(err, ErrSignIn) {
		t.Errorf("no secret: %v", err)
	}
}

// Many at once make one refresh.
func TestAtOnce(t *testing.T) {
	srv := oauthtest.New(t)
	s, _ := source(srv, Device)
	if err := s.SignIn(t.Context(), Asking{Show: func(p Prompt) { srv.Approve(p.Code) }}); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Token(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if srv.Refreshes != 1 {
		t.Errorf("%d refreshes", srv.Refreshes)
	}
}

func TestServers(t *testing.T) {
	if m := Microsoft(""); m.Token != "https://login.microsoftonline.com/common/oauth2/v2.0/token" || m.AppScopes[0] != "https://outlook.office365.com/.default" {
		t.Errorf("%+v", m)
	}
	if m := Microsoft("../x"); strings.Contains(m.Token, "/../") {
		t.Errorf("a tenant leads elsewhere: %s", m.Token)
	}
	if g := Google(); g.Device != "" {
		t.Errorf("Google gives no mail to the device flow: %+v", g)
	}
	for name, doc := range map[string]map[string]string{
		"another issuer": {"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"},
		"in the clear":   {"issuer": "SELF", "token_endpoint": "http://evil.example/token"},
		"no token":       {"issuer": "SELF"},
	} {
		var self string
		web := http.NewServeMux()
		web.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			for k, v := range doc {
				doc[k] = strings.ReplaceAll(v, "SELF", self)
			}
			json.NewEncoder(w).Encode(doc)
		})
		srv := newServer(t, web)
		self = srv
		if got, err := Discover(t.Context(), http.DefaultClient, srv); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func newServer(t *testing.T, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}
