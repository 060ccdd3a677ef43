package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/imapsync"
)

func (a *app) mailboxCmd() *cobra.Command {
	c := &cobra.Command{Use: "mailbox", Short: "List or test the configured mailboxes", Args: exactly(0), RunE: func(c *cobra.Command, args []string) error { return c.Help() }}
	c.AddCommand(a.mailboxListCmd(), a.mailboxTestCmd())
	return c
}

// mailboxInfo is one element of the document "inwriting.mailbox-list/v1".
type mailboxInfo struct {
	Address  string   `json:"address"`
	Server   string   `json:"server"`
	Username string   `json:"username"`
	Password string   `json:"password"` // where it comes from, never what it is
	Every    string   `json:"every"`
	Exclude  []string `json:"exclude"`
}

func (a *app) mailboxListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the configured mailboxes", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			list := []mailboxInfo{}
			for _, m := range cfg.Mailboxes {
				list = append(list, mailboxInfo{Address: m.Address, Server: m.Server.String(), Username: m.User(), Password: passwordSource(m),
					Every: config.Duration(cfg.Interval(m)).String(), Exclude: append([]string{}, m.Exclude...)})
			}
			if a.json {
				return writeJSON(a.out, struct {
					Schema    string        `json:"schema"`
					Mailboxes []mailboxInfo `json:"mailboxes"`
				}{"inwriting.mailbox-list/v1", list})
			}
			if len(list) == 0 && !a.plain {
				return &exitError{status: exitNothing, err: errors.New("there is no mailbox in the configuration"), hint: `"inwriting config example" shows one`}
			}
			for _, m := range list {
				if a.plain {
					plainLine(a.out, m.Address, m.Server, m.Username, m.Password, m.Every, strings.Join(m.Exclude, ","))
					continue
				}
				fmt.Fprintf(a.out, "%s %s password: %s, every %s\n", pad(clean(m.Address), 30), pad(clean(m.Server), 40), m.Password, m.Every)
				if len(m.Exclude) > 0 {
					fmt.Fprintf(a.out, "  not read: %s\n", clean(strings.Join(m.Exclude, ", ")))
				}
			}
			return nil
		},
	}
}

// passwordSource says where a password comes from.
func passwordSource(m config.Mailbox) string {
	switch {
	case m.PasswordFile != "":
		return "file"
	case m.PasswordCommand != "":
		return "command"
	case m.Keyring:
		return "keyring"
	}
	return "environment"
}

// mailboxTest is one element of the document "inwriting.mailbox-test/v1".
type mailboxTest struct {
	Address      string   `json:"address"`
	OK           bool     `json:"ok"`
	ReadOnly     bool     `json:"read_only"`
	Folders      int      `json:"folders"`
	Excluded     int      `json:"excluded"`
	Messages     *int     `json:"messages"` // null when the server does not count them at once
	Capabilities []string `json:"capabilities"`
	Error        string   `json:"error,omitempty"`
	Hint         string   `json:"hint,omitempty"`
}

func (a *app) mailboxTestCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "test [MAILBOX]...",
		Short: "Sign in, look, and sign out; nothing is fetched or changed",
		Long: `Test signs in to the configured mailboxes, or those named, counts folders and
messages, confirms that the server opens them for reading only, and signs out.`,
		Example: "  inwriting mailbox test\n  inwriting mailbox test nora@deskandco.example",
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			boxes, err := named(cfg, args)
			if err != nil {
				return err
			}
			list := []mailboxTest{}
			failed := false
			for _, m := range boxes {
				t := a.probe(c.Context(), cfg, m)
				failed = failed || !t.OK
				list = append(list, t)
				if c.Context().Err() != nil {
					return c.Context().Err()
				}
				if a.json {
					continue
				}
				if a.plain {
					plainLine(a.out, t.Address, strconv.FormatBool(t.OK), strconv.Itoa(t.Folders), t.Error)
					continue
				}
				if !t.OK {
					fmt.Fprintf(a.out, "%s %s\n", pad(clean(t.Address), 30), clean(t.Error))
					if t.Hint != "" {
						fmt.Fprintf(a.out, "  %s\n", clean(t.Hint))
					}
					continue
				}
				line := "signed in; " + plural(t.Folders, "folder", "folders")
				if t.Excluded > 0 {
					line += fmt.Sprintf(" (%d left out)", t.Excluded)
				}
				if t.Messages != nil {
					line += ", " + plural(*t.Messages, "message", "messages")
				}
				if t.ReadOnly {
					line += "; read-only session confirmed"
				} else {
					line += "; the server does not confirm that it is opened for reading only"
				}
				fmt.Fprintf(a.out, "%s %s\n", pad(clean(t.Address), 30), line)
			}
			if a.json {
				if err := writeJSON(a.out, struct {
					Schema    string        `json:"schema"`
					Mailboxes []mailboxTest `json:"mailboxes"`
				}{"inwriting.mailbox-test/v1", list}); err != nil {
					return err
				}
			}
			if failed {
				return &exitError{status: exitMailbox}
			}
			return nil
		},
	}
}

// named returns the mailboxes with these addresses, all when none is named.
func named(cfg *config.Config, addresses []string) ([]config.Mailbox, error) {
	boxes := cfg.Mailboxes
	if len(addresses) > 0 {
		boxes = nil
	}
	for _, address := range addresses {
		m, ok := cfg.Mailbox(address)
		if !ok {
			var known []string
			for _, m := range cfg.Mailboxes {
				known = append(known, m.Address)
			}
			hint := `"inwriting mailbox list" lists them`
			if near := config.Nearest(address, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, &exitError{status: exitUsage, err: fmt.Errorf("no mailbox %q in the configuration", address), hint: hint}
		}
		boxes = append(boxes, m)
	}
	if len(boxes) == 0 {
		return nil, &exitError{status: exitUsage, err: errors.New("there is no mailbox in the configuration"), hint: `"inwriting config example" shows one`}
	}
	return boxes, nil
}

func (a *app) probe(ctx context.Context, cfg *config.Config, m config.Mailbox) mailboxTest {
	t := mailboxTest{Address: m.Address, Capabilities: []string{}}
	r, err := imapsync.Probe(ctx, accountOf(cfg, m, a.getenv), 0)
	if err != nil {
		t.Error = err.Error()
		var e *imapsync.Error
		if errors.As(err, &e) {
			t.Hint = e.Hint
		}
		return t
	}
	t.OK, t.ReadOnly, t.Capabilities = true, r.ReadOnly, append(t.Capabilities, r.Capabilities...)
	for _, f := range r.Folders {
		switch {
		case f.Excluded:
			t.Excluded++
		case f.Selectable():
			t.Folders++
		}
	}
	if r.Messages >= 0 {
		t.Messages = &r.Messages
	}
	return t
}
