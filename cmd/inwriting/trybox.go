package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"inwriting/config"
	"inwriting/indexer/imapsync"
)

// tries is how often a person may type a password before the provider might lock
// the account.
const tries = 3

// tryBox signs in once. At a terminal a person may correct what was refused: the
// password, or the server.
func (a *app) tryBox(ctx context.Context, cfg *config.Config, n *adding) error {
	for try := 1; ; try++ {
		account := accountOf(cfg, n.box, a.getenv)
		if n.password != "" && n.box.OAuth == "" {
			account.Password = func(context.Context) (string, error) { return n.password, nil }
		}
		if n.box.Flow() == "app" && n.password != "" {
			// The source of tokens asks the store, so the secret has to lie there.
			if err := n.store.Set(ctx, n.storeName, n.password); err != nil {
				return err
			}
		}
		n.test = a.probeAs(ctx, cfg, n.box, account)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n.test.OK {
			line := n.test.line()
			a.say("%s.", strings.ToUpper(line[:1])+line[1:])
			if w := n.test.warning(); w != "" {
				a.say("Note: %s.", w)
			}
			return nil
		}
		again := try < tries && a.asks()
		if again {
			var err error
			if again, err = a.correctBox(ctx, n); err != nil {
				return err
			}
		}
		if !again {
			if n.box.Flow() == "app" && n.password != "" {
				if err := n.store.Delete(ctx, n.storeName); err != nil {
					fmt.Fprintf(a.err, "inwriting: the secret that was tried is still kept: %v\n", err)
				}
			}
			return &exitError{status: exitMailbox, err: errors.New(n.test.Error), hint: n.test.Hint}
		}
	}
}

// correctBox asks for what may have been wrong about the last try; false when that is
// nothing that a person types in.
func (a *app) correctBox(ctx context.Context, n *adding) (bool, error) {
	err := n.test.err
	server := errors.Is(err, imapsync.ErrUnreachable) || errors.Is(err, imapsync.ErrTLS)
	if !server && (n.password == "" || !errors.Is(err, errSignIn)) {
		return false, nil
	}
	a.say("%s", n.test.Error)
	if n.test.Hint != "" {
		a.say("%s", strings.ToUpper(n.test.Hint[:1])+n.test.Hint[1:]+".")
	}
	if !server {
		p, err := a.typed(ctx, "Password once more; Enter alone tries the same again, Ctrl-C ends")
		if err == nil && p != "" {
			n.password = p
		}
		return err == nil, err
	}
	for {
		line, err := a.question(ctx, "Server; Enter alone tries the same again, Ctrl-C ends", n.box.Server.String())
		if err != nil {
			return false, err
		}
		s, err := config.ParseServer(line)
		if err == nil && s.Security == config.Insecure && !config.IsLoopback(s.Host) {
			err = errors.New("without TLS the password would cross the network in the clear")
		}
		if err == nil {
			n.box.Server = s
			return true, nil
		}
		a.say("%v", err)
	}
}

// askApplication asks at a terminal for the application that a provider's tokens are
// for, where nothing else will do.
func (a *app) askApplication(ctx context.Context, n *adding) error {
	m := &n.box
	p := n.provider
	if p == nil || p.Secret != "token" || p.OAuth == "" || m.OAuth != "" && m.OAuthClient != "" || m.TokenCommand != "" || m.PasswordFile+m.PasswordCommand+m.Credential != "" || !a.asks() {
		return nil
	}
	a.say("That application is registered in this way:")
	for i, s := range p.Application {
		fmt.Fprintln(a.err, wrap(fmt.Sprintf("%d. %s", i+1, s), a.errTerm().width, "  ", "     "))
	}
	id, err := a.question(ctx, "Id of that application; Enter alone ends", "")
	if err != nil || id == "" {
		return err
	}
	m.OAuth, m.OAuthClient = p.OAuth, id
	if m.OAuth == "microsoft" && m.OAuthTenant == "" {
		m.OAuthTenant = p.Tenant
	}
	return nil
}
