package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/config/oauth"
	"inwriting/config/provider"
	"inwriting/indexer/imapsync"
)

// errSignIn is what a refused sign-in is.
var errSignIn = imapsync.ErrAuth

func (a *app) mailboxLoginCmd() *cobra.Command {
	var stdin bool
	var by signingIn
	c := &cobra.Command{
		Use: "login ADDRESS", Short: "Give a mailbox a new password, or sign in anew",
		Long: `Login replaces the password that is kept for a mailbox, or signs in on the page of
its provider where the mailbox has a token, and tests it. A password that lies in
a file or comes from a command is changed there.`,
		Example: "  inwriting mailbox login nora@deskandco.example\n  inwriting mailbox login nora@deskandco.example --password-stdin < password",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			cfg, err := a.config()
			if err != nil {
				return err
			}
			boxes, err := named(cfg, args)
			if err != nil {
				return err
			}
			m := boxes[0]
			t, err := a.login(ctx, cfg, m, stdin, by)
			if err != nil {
				return err
			}
			a.tellDaemon(ctx, m.Address)
			if a.json {
				return writeJSON(a.out, struct {
					Schema string `json:"schema"`
					mailboxTest
				}{"inwriting.mailbox-login/v1", t})
			}
			fmt.Fprintf(a.out, "%s %s\n", pad(clean(m.Address), 30), t.line())
			return nil
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password, or client secret, from stdin")
	c.Flags().StringVar(&by.secretFile, "client-secret-file", "", "a `FILE` with the application's secret, where it has one")
	return c
}

func (a *app) login(ctx context.Context, cfg *config.Config, m config.Mailbox, stdin bool, by signingIn) (mailboxTest, error) {
	if m.OAuth != "" && m.Flow() != "app" {
		if err := a.signIn(ctx, cfg, m, by); err != nil {
			return mailboxTest{}, err
		}
		return a.tested(ctx, cfg, m, accountOf(cfg, m, a.getenv))
	}
	store, name := cfg.Store(m, a.getenv)
	if store == nil {
		t, err := a.tested(ctx, cfg, m, accountOf(cfg, m, a.getenv))
		if err != nil {
			fmt.Fprintf(a.err, "inwriting: the password comes from: %s\n", m.SignIn())
		}
		return t, err
	}
	p := provider.ByServer(m.Server.String(), m.Address)
	what := "Password"
	if m.OAuth != "" {
		what = "Client secret"
	} else if p != nil && p.Secret != "password" && p.Secret != "token" {
		what = strings.ToUpper(p.Secret[:1]) + p.Secret[1:]
		fmt.Fprintf(a.err, "%s wants a fresh %s: %s\n", p.Name, p.Secret, p.Page)
	}
	password, err := a.newPassword(ctx, what, stdin)
	if err != nil {
		return mailboxTest{}, err
	}
	if p != nil && p.ID == "google" && m.OAuth == "" {
		password = strings.ReplaceAll(password, " ", "")
	}
	account := accountOf(cfg, m, a.getenv)
	if m.OAuth == "" {
		account.Password = func(context.Context) (string, error) { return password, nil }
	} else if err := store.Set(ctx, name, password); err != nil {
		return mailboxTest{}, err
	}
	t, err := a.tested(ctx, cfg, m, account)
	if err != nil {
		return t, err // the old password stays: this one is no better
	}
	return t, store.Set(ctx, name, password)
}

func (a *app) tested(ctx context.Context, cfg *config.Config, m config.Mailbox, account imapsync.Account) (mailboxTest, error) {
	t := a.probeAs(ctx, cfg, m, account)
	switch {
	case ctx.Err() != nil:
		return t, ctx.Err()
	case !t.OK:
		return t, &exitError{status: exitMailbox, err: errors.New(t.Error), hint: t.Hint}
	}
	return t, nil
}

// signInTime is how long a person has to sign in on the provider's page.
const signInTime = 15 * time.Minute

// signingIn is how the user is led to the provider's page. The zero value does so at
// the terminal.
type signingIn struct {
	secret, secretFile string             // of the application, where it has one
	show               func(oauth.Prompt) // nil: on stderr
	back               string             // page of ours that a browser goes on to
}

// secretOf returns the application's secret; "" where it has none.
func (a *app) secretOf(ctx context.Context, m config.Mailbox, by signingIn) (string, error) {
	switch {
	case by.secret != "":
		return by.secret, nil
	case by.secretFile != "":
		f, err := os.Open(by.secretFile)
		if err != nil {
			return "", usage("--client-secret-file: %w", err)
		}
		defer f.Close()
		secret, err := firstLine(f)
		if err != nil {
			return "", usage("--client-secret-file: %w", err)
		}
		return secret, nil
	case m.OAuth == "google" && a.asks():
		return a.typed(ctx, "Client secret of your Google application")
	}
	return "", nil
}

// signIn has the user sign in at the provider and keeps the refresh token.
func (a *app) signIn(ctx context.Context, cfg *config.Config, m config.Mailbox, by signingIn) error {
	secret, err := a.secretOf(ctx, m, by)
	if err != nil {
		return err
	}
	show := by.show
	if show == nil {
		show = func(p oauth.Prompt) {
			if p.Code != "" {
				fmt.Fprintf(a.err, "Open %s on any device and type in\n\n  %s\n\n", p.URL, p.Code)
			} else {
				fmt.Fprintf(a.err, "Open this in a browser on this machine:\n\n%s\n\n", p.URL)
			}
			fmt.Fprintf(a.err, "Sign in there as %s. Waiting … (Ctrl-C to stop)\n", m.Address)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	err = cfg.OAuth(m, a.getenv).SignIn(ctx, oauth.Asking{Secret: secret, Show: show, Back: by.back})
	switch {
	case err == nil:
		fmt.Fprintln(a.err, "Signed in; the token is kept.")
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{status: exitMailbox, err: errors.New("nobody signed in in time"), hint: fmt.Sprintf("inwriting mailbox login %s", m.Address)}
	case errors.Is(err, context.Canceled):
		return err
	}
	return &exitError{status: exitMailbox, err: err, hint: advise(cfg, m, a.getenv, err)}
}
