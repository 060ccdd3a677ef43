package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"inwriting/config"
	"inwriting/config/oauth"
	"inwriting/config/provider"
	"inwriting/indexer/imapsync"
)

// accountOf turns the settings of a mailbox into those of imapsync.
func accountOf(cfg *config.Config, m config.Mailbox, getenv func(string) string) imapsync.Account {
	a := imapsync.Account{Address: m.Address, Server: m.Server.String(), Username: m.User(), Include: m.Include, Exclude: m.Exclude, Compress: m.Compress, DailyBytes: int64(m.DailyBytes), AllowNotReadOnly: m.AllowNotReadOnly,
		Password: func(ctx context.Context) (string, error) {
			secret, err := cfg.Password(ctx, m.Address, getenv)
			return secret.Reveal(), err
		}}
	if loc, err := cfg.Location(); err == nil && !m.Since.IsZero() {
		a.Since = time.Date(m.Since.Year(), m.Since.Month(), m.Since.Day(), 0, 0, 0, 0, loc)
	}
	if chosen := cfg.Chosen(m); len(m.Only) > 0 {
		a.Want, a.Wanted = withSome(cfg, chosen)
	}
	if tokens := cfg.Tokens(m, getenv); tokens != nil {
		a.Token = func(ctx context.Context) (string, error) {
			t, err := tokens.Token(ctx)
			return t, kindOf(err)
		}
	}
	if m.CA != "" {
		a.TLS = trusting(cfg.Path(m.CA))
	}
	return a
}

// trusting returns settings that trust the certificates of a file. Where it cannot
// be read, no connection is made.
func trusting(path string) *tls.Config {
	pool := x509.NewCertPool()
	b, err := os.ReadFile(path)
	if err == nil && !pool.AppendCertsFromPEM(b) {
		err = fmt.Errorf("reading ca %q: it holds no certificate in PEM", path)
	}
	c := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if err != nil {
		c.InsecureSkipVerify = true // so that the refusal is ours, and says why
		c.VerifyConnection = func(tls.ConnectionState) error { return err }
	}
	return c
}

// kinded is an error of the authorisation server under the kind that imapsync and
// coverage have for it.
type kinded struct{ kind, err error }

func (k kinded) Error() string   { return k.err.Error() }
func (k kinded) Unwrap() []error { return []error{k.kind, k.err} }

func kindOf(err error) error {
	switch {
	case errors.Is(err, oauth.ErrSignIn):
		return kinded{imapsync.ErrAuth, err}
	case errors.Is(err, oauth.ErrUnreachable):
		return kinded{imapsync.ErrUnreachable, err}
	}
	return err
}

// advise says what to do about a failure of a mailbox, in the words of its provider
// where the table has them. A refused token is not used again.
func advise(cfg *config.Config, m config.Mailbox, getenv func(string) string, err error) string {
	var e *imapsync.Error
	if errors.As(err, &e) && e.Kind == imapsync.ErrAuth {
		if tokens := cfg.Tokens(m, getenv); tokens != nil {
			tokens.Forget()
		}
	}
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, imapsync.ErrStore):
		return ""
	case errors.Is(err, config.ErrNoPassword):
		return fmt.Sprintf("inwriting mailbox login %s", m.Address)
	}
	if text := provider.ByServer(m.Server.String(), m.Address).Advise(err.Error(), m.Address); text != "" {
		return text
	}
	if e != nil {
		return e.Hint
	}
	return ""
}

// permit records whose mailbox it is, and by what permission it is read, before
// anything of it is.
func (s *service) permit(ctx context.Context, m config.Mailbox) error {
	if m.Own() {
		return s.vault.Permit(ctx, s.account(m), "controller", "")
	}
	return s.vault.Permit(ctx, s.account(m), "processor", s.config().Path(m.Permission))
}
