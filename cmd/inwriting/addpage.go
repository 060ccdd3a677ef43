package main

import (
	"context"
	"fmt"
	"strings"

	"inwriting/config/provider"
	"inwriting/search/web"
)

// Mailboxes adds mailboxes through the pages, with the same steps as the verb
// "mailbox add"; nil where the configuration is not a file that may be changed.
func (d *desk) Mailboxes() web.Mailboxes {
	if d.app == nil {
		return nil
	}
	return boxes{d}
}

type boxes struct{ d *desk }

// Ask looks an address up in the configuration and in the table of providers; the
// network is not asked.
func (b boxes) Ask(_ context.Context, address string) web.Provider {
	v := web.Provider{}
	if m, ok := b.d.s.config().Mailbox(address); ok {
		v.Known, v.Server, v.OAuth, v.Client, v.OnlyOne = true, m.Server.String(), m.OAuth, m.OAuthClient, m.OAuth != ""
		v.Signs, v.Secret = signsIn(v.OAuth), m.Flow() == "app"
	}
	f := provider.Known(address)
	if f == nil {
		return v
	}
	if !v.Known {
		v.Server = f.Server
	}
	p := f.Provider
	if p == nil || v.Known && v.OAuth != "" {
		return v
	}
	if p.OAuth != "" && !v.Known {
		v.OAuth, v.Signs, v.Secret, v.OnlyOne = p.OAuth, signsIn(p.OAuth), p.OAuth == "google", p.Secret == "token"
		v.Steps = p.Application
	}
	v.Name, v.Link = p.Name, p.Page
	steps := strings.ReplaceAll(strings.Join(p.Steps, " "), "ADDRESS", address)
	switch {
	case f.Server == "":
		v.Cannot = p.Name + " offers no IMAP. " + steps
	case p.Secret == "token":
	case p.Secret != "password":
		v.Wants = p.Name + " wants an " + p.Secret + ", not the password of the account."
		if strings.HasPrefix(p.Secret, "bridge") {
			v.Wants = p.Name + " wants the password that its Bridge shows."
		}
	}
	return v
}

// advised is an error with what to do about it.
type advised struct {
	error
	hint string
}

func (e advised) Hint() string  { return e.hint }
func (e advised) Unwrap() error { return e.error }

func (b boxes) Add(ctx context.Context, m web.NewMailbox) (*web.Tried, error) {
	return b.add(ctx, m, signingIn{})
}

func (a *app) addFromPage(ctx context.Context, m web.NewMailbox, by signingIn) (mailboxTest, error) {
	e, cfg, err := a.editor()
	if err != nil {
		return mailboxTest{}, err
	}
	if have, ok := cfg.Mailbox(m.Address); ok {
		if have.OAuth == "" && m.OAuth != "" {
			return mailboxTest{}, fmt.Errorf("%s signs in with a password: remove it from the configuration and add it again to sign in with a token; what was collected stays", m.Address)
		}
		return a.login(ctx, cfg, have, true, by)
	}
	n := &adding{server: m.Server, username: m.Username, passwordStdin: true, oauth: m.OAuth, client: m.Client, tenant: m.Tenant, flow: m.Flow, by: by}
	if err := a.add(ctx, e, cfg, m.Address, n); err != nil {
		return n.test, err
	}
	return n.test, nil
}
