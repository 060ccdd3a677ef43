package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/notify"
	"inwriting/indexer/textindex"
)

// troubled is what is remembered of a mailbox that is not read, so that a restart,
// or a sync that a timer runs, tells it once.
type troubled struct {
	State string    `json:"state"`
	Since time.Time `json:"since"`
	Told  []string  `json:"told"` // the ways that have told it
}

func troubleKey(address string) string { return "trouble " + address }

// alarm looks at what a pass over a mailbox ended with and tells it where the
// configuration says so, once, and once when it is over. A way that fails is tried
// again with the next pass.
func (s *service) alarm(ctx context.Context, cfg *config.Config, m mailboxSync) {
	if ctx.Err() != nil || m.State == "interrupted" {
		return
	}
	was, err := s.trouble(m.Address)
	if err != nil {
		s.log.Error("reading what was told", "err", err)
		return
	}
	bad := m.Error != ""
	switch {
	case !bad && was == nil:
		return
	case bad && was == nil:
		was = &troubled{State: m.State, Since: now().UTC().Truncate(time.Second)}
	}
	t := notify.Trouble{Mailbox: m.Address, State: was.State, Since: was.Since, Hint: m.Hint}
	if bad {
		was.State, t.State = m.State, m.State
	} else {
		t.Over, t.State, t.Hint = true, "up to date", ""
	}
	left := []string{}
	for _, a := range cfg.Alerts {
		key := alertKey(a)
		told := slices.Contains(was.Told, key)
		if bad && (told || now().Sub(was.Since) < a.Delay()) || !bad && !told {
			continue
		}
		if err := alertWay(cfg, a, s.getenv).Tell(ctx, t); err != nil {
			s.log.Error("telling that a mailbox is not read", "err", err)
			left = append(left, key)
			continue
		}
		if bad {
			was.Told = append(was.Told, key)
		}
	}
	if !bad {
		was.Told = left
		if len(left) == 0 {
			was = nil
		}
	}
	if err := s.setTrouble(m.Address, was); err != nil {
		s.log.Error("keeping what was told", "err", err)
	}
}

// trouble returns what is remembered of a mailbox; nil for nothing.
func (s *service) trouble(address string) (t *troubled, err error) {
	err = s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		text, err := c.Meta(troubleKey(address))
		if err != nil || text == "" {
			return err
		}
		t = &troubled{}
		return json.Unmarshal([]byte(text), t)
	})
	return t, err
}

func (s *service) setTrouble(address string, t *troubled) error {
	text := ""
	if t != nil {
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		text = string(b)
	}
	return s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Update(func(x *catalog.Tx) error { return x.SetMeta(troubleKey(address), text) })
	})
}

// alertKey names a way without telling what it is: a webhook's address is a secret.
func alertKey(a config.Alert) string {
	h := sha256.Sum256([]byte(a.Command + "\x00" + a.Webhook + "\x00" + a.MailTo))
	return fmt.Sprintf("%x", h[:4])
}

func alertWay(cfg *config.Config, a config.Alert, getenv func(string) string) notify.Way {
	switch {
	case a.Command != "":
		return notify.Command(a.Command)
	case a.Webhook != "":
		return notify.Webhook(a.Webhook)
	}
	return notify.Mail{From: a.MailFrom, To: a.MailTo, Addr: a.Relay.Addr(), Security: string(a.Relay.Security), Username: a.Username,
		Password: func(ctx context.Context) (string, error) {
			p, err := cfg.RelayPassword(ctx, a, getenv)
			return p.Reveal(), err
		}}
}

// alertName says which way it is, without what may be secret in it.
func alertName(a config.Alert) string {
	switch {
	case a.Command != "":
		return "command"
	case a.Webhook != "":
		return "webhook"
	}
	return "mail to " + a.MailTo
}

func (a *app) configAlertCmd() *cobra.Command {
	return &cobra.Command{
		Use: "alert", Short: "Send a trial message through every [[alert]]",
		Long: `Alert tells a made-up trouble through every [[alert]] of the configuration, so that
it is known to arrive before it is needed. Without an [[alert]] nothing ever leaves
this machine.`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if len(cfg.Alerts) == 0 {
				return &exitError{status: exitNothing, err: fmt.Errorf("there is no [[alert]] in the configuration"), hint: `"inwriting config example" shows one`}
			}
			t := notify.Trouble{Mailbox: "trial@inwriting.example", State: "this is a trial", Since: now().Truncate(time.Second), Hint: "nothing: the message has arrived"}
			failed := 0
			for _, w := range cfg.Alerts {
				if err := alertWay(cfg, w, a.getenv).Tell(c.Context(), t); err != nil {
					failed++
					fmt.Fprintf(a.out, "fail  %s: %s\n", clean(alertName(w)), clean(err.Error()))
					continue
				}
				fmt.Fprintf(a.out, "ok    %s\n", clean(alertName(w)))
			}
			if failed > 0 {
				return &exitError{status: exitFailed}
			}
			return nil
		},
	}
}
