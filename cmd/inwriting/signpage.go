package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"inwriting/config/oauth"
	"inwriting/search/web"
)

// signings are the sign-ins on a provider's own page that the pages began. At most one
// for a mailbox is under way: a later one ends an earlier one.
type signings struct {
	mu   sync.Mutex
	m    map[string]*signing
	wait sync.WaitGroup
}

type signing struct {
	web.Signing
	stop    context.CancelFunc
	shown   chan struct{} // closed once there is something to show, or it is over
	showing sync.Once
	ended   time.Time
}

// signingsKept is for how long the end of a sign-in can be looked at.
const signingsKept = time.Hour

// SignIn implements web.Mailboxes.
func (b boxes) SignIn(ctx context.Context, m web.NewMailbox, back func(string) string) (string, error) {
	id := rand.Text()
	sctx, stop := context.WithTimeout(b.d.ctx, signInTime)
	x := &signing{Signing: web.Signing{Schema: web.SigningSchema, State: "waiting", Address: m.Address, Provider: signsIn(m.OAuth), Asked: m}, stop: stop, shown: make(chan struct{})}
	x.Asked.Password = ""
	all := &b.d.signings
	all.mu.Lock()
	if all.m == nil {
		all.m = map[string]*signing{}
	}
	for old, o := range all.m {
		if strings.EqualFold(o.Address, m.Address) {
			o.stop()
		}
		if !o.ended.IsZero() && now().Sub(o.ended) > signingsKept {
			delete(all.m, old)
		}
	}
	all.m[id] = x
	all.mu.Unlock()
	all.wait.Go(func() {
		defer stop()
		tried, err := b.add(sctx, m, signingIn{secret: m.Password, back: back(id), show: func(p oauth.Prompt) {
			all.mu.Lock()
			x.URL, x.Code, x.Until = p.URL, p.Code, p.Until
			all.mu.Unlock()
			x.showing.Do(func() { close(x.shown) })
		}})
		all.mu.Lock()
		x.State, x.Tried, x.ended = "done", tried, now()
		if err != nil {
			x.State, x.Error = "failed", err.Error()
			var a advised
			if errors.As(err, &a) {
				x.Hint = a.hint
			}
			if errors.Is(err, context.Canceled) {
				x.Error = "it was begun again, or inwriting was stopped"
			}
		}
		all.mu.Unlock()
		x.showing.Do(func() { close(x.shown) })
	})
	select {
	case <-x.shown:
	case <-ctx.Done():
	}
	return id, nil
}

// Signing implements web.Mailboxes.
func (b boxes) Signing(id string) *web.Signing {
	all := &b.d.signings
	all.mu.Lock()
	defer all.mu.Unlock()
	x := all.m[id]
	if x == nil {
		return nil
	}
	v := x.Signing
	return &v
}

// signsIn is who gives a token, by name.
func signsIn(oauth string) string {
	switch oauth {
	case "google":
		return "Google"
	case "microsoft":
		return "Microsoft"
	}
	return oauth
}

// add is the verb "mailbox add" or "mailbox login" with a form in place of a terminal:
// it asks nothing and reads the password from its input.
func (b boxes) add(ctx context.Context, m web.NewMailbox, by signingIn) (*web.Tried, error) {
	a := *b.d.app
	a.in, a.out, a.err, a.noInput = strings.NewReader(m.Password+"\n"), io.Discard, io.Discard, true
	_, known := b.d.s.config().Mailbox(m.Address)
	t, err := a.addFromPage(ctx, m, by)
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
	if err := b.takeOver(); err != nil {
		return nil, err
	}
	if known { // with its new password it is read now, not when its long wait is over
		b.d.s.turns.of(m.Address).wake.tell()
	}
	return tried, nil
}

// takeOver has what was written to the configuration in force.
func (b boxes) takeOver() error {
	var needs restartError
	if err := b.d.s.reload(b.d.app); err != nil && !errors.As(err, &needs) {
		return err
	}
	return nil
}

// Choices implements web.Mailboxes.
func (b boxes) Choices(address string) []web.Choice {
	cfg := b.d.s.config()
	m, ok := cfg.Mailbox(address)
	if !ok || len(cfg.Clients)+len(cfg.Others) == 0 {
		return nil
	}
	every := slices.Contains(m.Only, "*")
	chosen := cfg.Chosen(m)
	out := []web.Choice{{Name: "*", Chosen: every}}
	for _, c := range cfg.Clients {
		out = append(out, web.Choice{Name: c.Name})
	}
	for _, o := range cfg.Others {
		out = append(out, web.Choice{Name: o.Name})
	}
	for i, c := range out {
		for _, p := range chosen {
			out[i].Chosen = c.Chosen || !every && c.Name == p.Name || out[i].Chosen
		}
	}
	return out
}

// Choose implements web.Mailboxes.
func (b boxes) Choose(_ context.Context, address string, names []string) error {
	e, cfg, err := b.d.app.editor()
	if err != nil {
		return err
	}
	if _, ok := cfg.Mailbox(address); !ok {
		return fmt.Errorf("there is no mailbox %q in the configuration", address)
	}
	if err := setList(e, address, "only", names); err != nil {
		return err
	}
	if err := e.Save(); err != nil {
		return err
	}
	return b.takeOver()
}
