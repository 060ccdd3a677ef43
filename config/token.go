package config

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"inwriting/config/oauth"
)

// TokenSource gives access tokens for a mailbox.
type TokenSource interface {
	// Token returns one that is good for a sign-in now.
	Token(context.Context) (string, error)
	// Forget makes Token fetch another: the last one was refused.
	Forget()
}

// sources keeps one source for each mailbox of the process, and with it the access
// token: passes follow one another, and a refresh for each would have the
// authorisation server slow us down.
var sources = struct {
	sync.Mutex
	m map[string]*oauth.Source
}{m: map[string]*oauth.Source{}}

// Tokens returns the source of m's access tokens; nil when m signs in with a
// password. The same source is returned each time.
func (c *Config) Tokens(m Mailbox, getenv func(string) string) TokenSource {
	if m.TokenCommand != "" {
		return tokenCommand(m.TokenCommand)
	}
	if m.OAuth == "" {
		return nil
	}
	return c.OAuth(m, getenv)
}

// OAuth returns the source of m's access tokens, to sign in with; m.OAuth is set.
func (c *Config) OAuth(m Mailbox, getenv func(string) string) *oauth.Source {
	key := fmt.Sprintf("%q", []string{c.file, m.Address, m.OAuth, m.OAuthClient, m.OAuthTenant, m.Flow(), fmt.Sprint(m.OAuthScopes, m.Keyring)})
	sources.Lock()
	defer sources.Unlock()
	if s := sources.m[key]; s != nil {
		return s
	}
	s := &oauth.Source{Address: m.Address, Client: m.OAuthClient, Flow: oauth.Flow(m.Flow()), Server: issuer(m)}
	if s.Flow == oauth.App {
		s.Secret = func(ctx context.Context) (string, error) {
			v, err := c.Password(ctx, m.Address, getenv)
			return v.Reveal(), err
		}
	} else {
		store, name := c.Store(m, getenv)
		s.Store, s.Name = store, TokenName(name)
	}
	sources.m[key] = s
	return s
}

// TokenName is under which name the refresh token of a mailbox is kept.
func TokenName(address string) string { return address + " oauth" }

// issuer returns the addresses of m's authorisation server; those that have to be
// asked for are asked for once.
func issuer(m Mailbox) func(context.Context) (oauth.Server, error) {
	var mu sync.Mutex
	var found *oauth.Server
	return func(ctx context.Context) (oauth.Server, error) {
		mu.Lock()
		defer mu.Unlock()
		if found != nil {
			return *found, nil
		}
		var srv oauth.Server
		var err error
		switch m.OAuth {
		case "microsoft":
			srv = oauth.Microsoft(m.OAuthTenant)
		case "google":
			srv = oauth.Google()
		default:
			if srv, err = oauth.Discover(ctx, &http.Client{Timeout: 30 * time.Second}, m.OAuth); err != nil {
				return srv, err
			}
		}
		if len(m.OAuthScopes) > 0 {
			srv.Scopes, srv.AppScopes = m.OAuthScopes, m.OAuthScopes
		}
		found = &srv
		return srv, nil
	}
}

// tokenCommand is a command that prints an access token.
type tokenCommand string

func (t tokenCommand) Token(ctx context.Context) (string, error) {
	s, err := runCommand(ctx, "token_command", string(t))
	return s.Reveal(), err
}

func (tokenCommand) Forget() {}
