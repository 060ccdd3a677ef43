package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// Ask looks an address up in the table of providers; the network is not asked.
func (boxes) Ask(_ context.Context, address string) web.Provider {
	f := provider.Known(address)
	if f == nil {
		return web.Provider{}
	}
	v := web.Provider{Server: f.Server}
	p := f.Provider
	if p == nil {
		return v
	}
	v.Name, v.Link = p.Name, p.Page
	steps := strings.ReplaceAll(strings.Join(p.Steps, " "), "ADDRESS", address)
	switch {
	case f.Server == "":
		v.Cannot = p.Name + " offers no IMAP. " + steps
	case p.Secret == "token":
		v.Cannot = fmt.Sprintf("%s takes no password, only a sign-in on its own page: “inwriting mailbox add %s --oauth %s” leads through it at a terminal.", p.Name, address, p.OAuth)
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
	// The verb, with a form in place of a terminal: it asks nothing and reads the
	// password from its input.
	a := *b.d.app
	a.in, a.out, a.err, a.noInput = strings.NewReader(m.Password+"\n"), io.Discard, io.Discard, true
	t, err := a.addFromPage(ctx, m)
	if err != nil {
		var exit *exitError
		if errors.As(err, &exit) && !strings.HasPrefix(exit.hint, "--") {
			return nil, advised{err, exit.hint}
		}
		return nil, err
	}
	tried := &web.Tried{ReadOnly: t.ReadOnly, Folders: t.Folders, Messages: -1}
	if t.Messages != nil {
		tried.Messages = *t.Messages
	}
	_, known := b.d.s.config().Mailbox(m.Address)
	var needs restartError
	if err := b.d.s.reload(b.d.app); err != nil && !errors.As(err, &needs) {
		return nil, err
	}
	if known { // with its new password it is read now, not when its long wait is over
		b.d.s.turns.of(m.Address).wake.tell()
	}
	return tried, nil
}

func (a *app) addFromPage(ctx context.Context, m web.NewMailbox) (mailboxTest, error) {
	e, cfg, err := a.editor()
	if err != nil {
		return mailboxTest{}, err
	}
	if have, ok := cfg.Mailbox(m.Address); ok {
		return a.login(ctx, cfg, have, true, "")
	}
	n := &adding{server: m.Server, username: m.Username, passwordStdin: true}
	if err := a.add(ctx, e, cfg, m.Address, n); err != nil {
		return n.test, err
	}
	return n.test, nil
}
