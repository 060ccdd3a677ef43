// Package oauth fetches access tokens for IMAP from authorisation servers: the
// first one by a code that the user types in on the server's page (RFC 8628), in
// a browser on this machine (RFC 8252 with PKCE, RFC 7636), or for an application
// of its own without anybody (RFC 6749 section 4.4); the later ones by refresh
// tokens, which are kept in a secret.Store and replaced there when the server
// rotates them, before the access token is used.
//
// No error and no log holds a token, a code or a client secret.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"inwriting/config/secret"
)

// The kinds of failure that callers act on.
var (
	// ErrSignIn: the user, or an administrator, has to do something: sign in
	// again, or consent.
	ErrSignIn = errors.New("sign-in needed")
	// ErrUnreachable: the authorisation server does not answer; later it may.
	ErrUnreachable = errors.New("authorisation server not reachable")
)

// Error is what an authorisation server said.
type Error struct {
	Kind  error  // one of the Err… values
	Doing string // "refreshing the token of nora@deskandco.example"
	Code  string // "invalid_grant", as RFC 6749 section 5.2 names it; may be empty
	Said  string // the server's own words, one line; may be empty
	Err   error  // cause, may be nil
}

func (e *Error) Error() string {
	text := e.Doing
	switch {
	case e.Code != "" || e.Said != "":
		text += ": the server says " + strings.TrimSpace(e.Code+" "+fmt.Sprintf("%.300q", e.Said))
	case e.Err != nil:
		text += ": " + e.Err.Error()
	default:
		text += ": " + e.Kind.Error()
	}
	return text
}

// Unwrap makes errors.Is and errors.As see the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Server are the addresses of an authorisation server and what is asked of it.
type Server struct {
	Auth, Device, Token string
	Scopes              []string
	AppScopes           []string // for an application of its own
	params              []oauth2.AuthCodeOption
	localhost           bool // wants loopback by name, not by number
}

// Microsoft are the addresses of a directory: its id or domain, "organizations",
// "consumers" or "common". The scope is Outlook's: a token for another service is
// refused by IMAP with no reason given.
func Microsoft(tenant string) Server {
	if tenant == "" {
		tenant = "common"
	}
	base := "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/oauth2/v2.0/"
	return Server{Auth: base + "authorize", Device: base + "devicecode", Token: base + "token",
		Scopes: []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"}, AppScopes: []string{"https://outlook.office365.com/.default"}, localhost: true}
}

// Google has no device flow for mail. Without prompt=consent it gives a refresh
// token the first time only.
func Google() Server {
	return Server{Auth: "https://accounts.google.com/o/oauth2/v2/auth", Token: "https://oauth2.googleapis.com/token",
		Scopes: []string{"https://mail.google.com/"}, params: []oauth2.AuthCodeOption{oauth2.AccessTypeOffline, oauth2.ApprovalForce}}
}

// Discover reads the addresses of an OpenID Connect issuer (OpenID Connect
// Discovery section 4) or an OAuth server (RFC 8414).
func Discover(ctx context.Context, client *http.Client, issuer string) (Server, error) {
	doing := fmt.Sprintf("asking %q for its addresses", issuer)
	base := strings.TrimSuffix(issuer, "/")
	var last error
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			return Server{}, fmt.Errorf("%s: %w", doing, err)
		}
		res, err := client.Do(req)
		if err != nil {
			return Server{}, &Error{Kind: ErrUnreachable, Doing: doing, Err: bare(err)}
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, 256<<10))
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			last = fmt.Errorf("it answers %s", res.Status)
			continue
		}
		var d struct {
			Issuer string `json:"issuer"`
			Auth   string `json:"authorization_endpoint"`
			Token  string `json:"token_endpoint"`
			Device string `json:"device_authorization_endpoint"`
		}
		if err := json.Unmarshal(b, &d); err != nil || d.Token == "" {
			last = errors.New("its answer is not what it should be")
			continue
		}
		if strings.TrimSuffix(d.Issuer, "/") != base { // OpenID Connect Discovery section 4.3
			last = fmt.Errorf("it calls itself %q", d.Issuer)
			continue
		}
		for _, u := range []string{d.Auth, d.Token, d.Device} {
			if err := safe(u); err != nil {
				return Server{}, fmt.Errorf("%s: %w", doing, err)
			}
		}
		return Server{Auth: d.Auth, Token: d.Token, Device: d.Device, Scopes: []string{"openid", "email", "offline_access"}}, nil
	}
	return Server{}, &Error{Kind: ErrUnreachable, Doing: doing, Err: last}
}

// safe wants https, or loopback: tokens and secrets go there.
func safe(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")) {
		return fmt.Errorf("%q is not an https address", address)
	}
	return nil
}

// Flow is how the first token is fetched.
type Flow string

const (
	Device  Flow = "device"
	Browser Flow = "browser"
	App     Flow = "app"
)

// Source gives access tokens for one mailbox. It may be used by several goroutines.
type Source struct {
	Address string // of the mailbox, for messages and as a hint to the server
	Client  string // id of the application
	Flow    Flow

	// Server returns the addresses; it is called when they are needed.
	Server func(context.Context) (Server, error)

	// Secret returns the client secret; nil or "" for an application without one.
	// With App it is required.
	Secret func(context.Context) (string, error)

	// Store keeps the refresh token under Name. It is not used with App.
	Store secret.Store
	Name  string

	HTTP *http.Client     // nil: one of its own
	Now  func() time.Time // nil: time.Now

	mu    sync.Mutex
	token *oauth2.Token
}

// kept is what lies in the store.
type kept struct {
	Refresh string `json:"refresh_token"`
	Secret  string `json:"client_secret,omitempty"` // one that was typed in at sign-in
	// Whose secret it is: it goes to nobody else.
	Client string `json:"client_id,omitempty"`
	Token  string `json:"token_endpoint,omitempty"`
}

// early is for how long a token must still be good: a long download may begin
// with it.
const early = 5 * time.Minute

// requestTime is how long an authorisation server may take to answer.
const requestTime = 30 * time.Second

func (s *Source) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// context carries the HTTP client to the library.
func (s *Source) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, s.client())
}

func (s *Source) client() *http.Client {
	if s.HTTP != nil {
		return s.HTTP
	}
	return defaultClient
}

// A redirect of the token endpoint would send secrets elsewhere.
var defaultClient = &http.Client{Timeout: requestTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Token returns an access token that is good for five minutes at least. A rotated
// refresh token is in the store, durable, before Token returns.
func (s *Source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && (s.token.Expiry.IsZero() || s.now().Add(early).Before(s.token.Expiry)) {
		return s.token.AccessToken, nil
	}
	s.token = nil
	var t *oauth2.Token
	var err error
	if s.Flow == App {
		t, err = s.app(ctx)
	} else {
		t, err = s.refresh(ctx)
	}
	if err != nil {
		return "", err
	}
	s.token = t
	return t.AccessToken, nil
}

// Forget makes the next Token ask the server: the last one was refused.
func (s *Source) Forget() {
	s.mu.Lock()
	s.token = nil
	s.mu.Unlock()
}

func (s *Source) config(ctx context.Context, secret string) (*oauth2.Config, Server, error) {
	srv, err := s.Server(ctx)
	if err != nil {
		return nil, srv, err
	}
	return &oauth2.Config{ClientID: s.Client, ClientSecret: secret, Scopes: srv.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: srv.Auth, DeviceAuthURL: srv.Device, TokenURL: srv.Token, AuthStyle: oauth2.AuthStyleInParams}}, srv, nil
}

func (s *Source) app(ctx context.Context) (*oauth2.Token, error) {
	doing := "fetching a token for " + s.Address
	secret, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New("there is no client secret")}
	}
	srv, err := s.Server(ctx)
	if err != nil {
		return nil, err
	}
	scopes := srv.AppScopes
	if len(scopes) == 0 {
		scopes = srv.Scopes
	}
	c := clientcredentials.Config{ClientID: s.Client, ClientSecret: secret, TokenURL: srv.Token, Scopes: scopes, AuthStyle: oauth2.AuthStyleInParams}
	t, err := c.Token(s.context(ctx))
	return t, failed(doing, err)
}

func (s *Source) secret(ctx context.Context) (string, error) {
	if s.Secret == nil {
		return "", nil
	}
	return s.Secret(ctx)
}

func (s *Source) load(ctx context.Context) (kept, error) {
	var k kept
	text, err := s.Store.Get(ctx, s.Name)
	if errors.Is(err, secret.ErrNotFound) {
		return k, &Error{Kind: ErrSignIn, Doing: "fetching the token of " + s.Address, Err: err}
	}
	if err != nil {
		return k, err
	}
	if json.Unmarshal([]byte(text), &k) != nil || k.Refresh == "" {
		return k, &Error{Kind: ErrSignIn, Doing: "fetching the token of " + s.Address, Err: errors.New("what is kept is no token of inwriting")}
	}
	return k, nil
}

func (s *Source) save(ctx context.Context, k kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := s.Store.Set(ctx, s.Name, string(b)); err != nil {
		return fmt.Errorf("keeping the token of %s: %w", s.Address, err)
	}
	return nil
}

func (s *Source) refresh(ctx context.Context) (*oauth2.Token, error) {
	doing := "refreshing the token of " + s.Address
	k, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	for {
		secret := k.Secret
		if secret == "" {
			if secret, err = s.secret(ctx); err != nil {
				return nil, err
			}
		}
		c, _, err := s.config(ctx, secret)
		if err != nil {
			return nil, err
		}
		t, err := c.TokenSource(s.context(ctx), &oauth2.Token{RefreshToken: k.Refresh}).Token()
		if err != nil {
			err = failed(doing, err)
			// Another process may have rotated it in the meantime.
			if again, lerr := s.load(ctx); errors.Is(err, ErrSignIn) && lerr == nil && again.Refresh != k.Refresh {
				k = again
				continue
			}
			return nil, err
		}
		if t.RefreshToken != "" && t.RefreshToken != k.Refresh {
			k.Refresh = t.RefreshToken
			if err := s.save(ctx, k); err != nil {
				return nil, err
			}
		}
		return t, nil
	}
}

// failed turns the library's error into ours, without the response, which may hold
// what must not be shown.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		kind := ErrSignIn
		status := 0
		if r.Response != nil {
			status = r.Response.StatusCode
		}
		if status >= 500 || status == http.StatusTooManyRequests || r.ErrorCode == "temporarily_unavailable" {
			kind = ErrUnreachable
		}
		said, _, _ := strings.Cut(r.ErrorDescription, "\r\n") // Microsoft adds trace ids in further lines
		said, _, _ = strings.Cut(said, " Trace ID:")
		if r.ErrorCode == "" && said == "" {
			said = http.StatusText(status)
		}
		return &Error{Kind: kind, Doing: doing, Code: r.ErrorCode, Said: said}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{Kind: ErrUnreachable, Doing: doing, Err: bare(err)}
}

// bare takes the address off an error of net/http: it may hold a code.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
