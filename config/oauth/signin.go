package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// Prompt is what SignIn shows the user.
type Prompt struct {
	// URL is to be opened in a browser; Code is to be typed in there, "" when
	// there is none.
	URL, Code string
	// Until is when it ends; zero when the server does not say.
	Until time.Time
}

// SignIn has the user sign in, and keeps the refresh token in the Store. secret is
// the client secret where the application has one, as those of Google do; it is
// kept with the token. show is called once; with Browser the browser must be on
// this machine. SignIn ends when ctx does.
func (s *Source) SignIn(ctx context.Context, secret string, show func(Prompt)) error {
	doing := "signing in as " + s.Address
	if s.Flow == App {
		s.Forget()
		_, err := s.Token(ctx)
		return err
	}
	c, srv, err := s.config(ctx, secret)
	if err != nil {
		return err
	}
	var t *oauth2.Token
	if s.Flow == Device {
		t, err = s.device(ctx, c, doing, show)
	} else {
		t, err = s.browser(ctx, c, srv, doing, show)
	}
	if err != nil {
		return err
	}
	if t.RefreshToken == "" {
		return &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New("the server gave no refresh token: the application must be allowed offline access")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.save(ctx, kept{Refresh: t.RefreshToken, Secret: secret}); err != nil {
		return err
	}
	s.token = t
	return nil
}

func (s *Source) device(ctx context.Context, c *oauth2.Config, doing string, show func(Prompt)) (*oauth2.Token, error) {
	if c.Endpoint.DeviceAuthURL == "" {
		return nil, &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New(`the server has no sign-in by code; use the flow "browser"`)}
	}
	d, err := c.DeviceAuth(s.context(ctx))
	if err != nil {
		return nil, failed(doing, err)
	}
	show(Prompt{URL: d.VerificationURI, Code: d.UserCode, Until: d.Expiry})
	t, err := c.DeviceAccessToken(s.context(ctx), d)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New("the code was not used in time")}
	}
	return t, failed(doing, err)
}

func (s *Source) browser(ctx context.Context, c *oauth2.Config, srv Server, doing string, show func(Prompt)) (*oauth2.Token, error) {
	if c.Endpoint.AuthURL == "" {
		return nil, &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New("the server has no sign-in page")}
	}
	// RFC 8252 section 7.3: loopback, any port. By number, because "localhost" may
	// be somebody else's; Microsoft wants the name and ignores the port.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("%s: waiting for the browser: %w", doing, err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	c.RedirectURL = fmt.Sprintf("http://127.0.0.1:%d/", port)
	if srv.localhost {
		c.RedirectURL = fmt.Sprintf("http://localhost:%d/", port)
	}
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	type answer struct{ code, failed, said string }
	got := make(chan answer, 1)
	page := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		// What does not know the state comes from somebody else (RFC 6749 section 10.12).
		if r.Method != http.MethodGet || r.URL.Path != "/" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
			http.Error(w, "This is not the answer that inwriting waits for.", http.StatusBadRequest)
			return
		}
		a := answer{q.Get("code"), q.Get("error"), q.Get("error_description")}
		select {
		case got <- a:
		default: // the first answer counts
		}
		if a.code == "" {
			fmt.Fprintln(w, "The sign-in was refused. The terminal says why; this page can be closed.")
			return
		}
		fmt.Fprintln(w, "Signed in. This page can be closed; go on in the terminal.")
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = page.Serve(ln) // ends with Shutdown
	}()
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if page.Shutdown(stop) != nil {
			page.Close()
		}
		<-served
	}()
	opts := append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("login_hint", s.Address)}, srv.params...)
	show(Prompt{URL: c.AuthCodeURL(state, opts...)})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-got:
		if a.code == "" {
			return nil, &Error{Kind: ErrSignIn, Doing: doing, Code: a.failed, Said: a.said}
		}
		t, err := c.Exchange(s.context(ctx), a.code, oauth2.VerifierOption(verifier))
		return t, failed(doing, err)
	}
}
