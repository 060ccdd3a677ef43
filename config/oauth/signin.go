package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
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

// Asking is how SignIn asks the user.
type Asking struct {
	// Secret is the client secret where the application has one, as those of Google
	// do; it is kept with the token. "" is the one that was kept for this
	// application before.
	Secret string
	// Show is called once, with what the user is to open.
	Show func(Prompt)
	// Back is the page to which a browser goes on from the answer (Browser); "" ends
	// there with a word.
	Back string
}

// SignIn has the user sign in, and keeps the refresh token in the Store. With Browser
// the browser must be on this machine. SignIn ends when ctx does.
func (s *Source) SignIn(ctx context.Context, ask Asking) error {
	doing := "signing in as " + s.Address
	if s.Flow == App {
		s.Forget()
		_, err := s.Token(ctx)
		return err
	}
	c, srv, err := s.config(ctx, ask.Secret)
	if err != nil {
		return err
	}
	if ask.Secret == "" {
		if k, err := s.load(ctx); err == nil && k.Client == s.Client && k.Token == srv.Token {
			ask.Secret, c.ClientSecret = k.Secret, k.Secret
		}
	}
	var t *oauth2.Token
	if s.Flow == Device {
		t, err = s.device(ctx, c, doing, ask.Show)
	} else {
		t, err = s.browser(ctx, c, srv, doing, ask)
	}
	if err != nil {
		return err
	}
	if t.RefreshToken == "" {
		return &Error{Kind: ErrSignIn, Doing: doing, Err: errors.New("the server gave no refresh token: the application must be allowed offline access")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.save(ctx, kept{Refresh: t.RefreshToken, Secret: ask.Secret, Client: s.Client, Token: srv.Token}); err != nil {
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

func (s *Source) browser(ctx context.Context, c *oauth2.Config, srv Server, doing string, ask Asking) (*oauth2.Token, error) {
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
		said := "Signed in."
		if a.code == "" {
			said = "The sign-in was refused."
		}
		if ask.Back != "" {
			// A page that leads on, and no redirect: what comes from the provider's site
			// would reach ours without its cookies.
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			back := html.EscapeString(ask.Back)
			fmt.Fprintf(w, "<!doctype html><html lang=en><title>%s</title><meta http-equiv=refresh content=\"0;url=%s\"><p>%s <a href=\"%s\">Back to inwriting</a></p>\n", said, back, said, back)
			return
		}
		fmt.Fprintln(w, said, "This page can be closed; go on in the terminal.")
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
	ask.Show(Prompt{URL: c.AuthCodeURL(state, opts...)})
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
