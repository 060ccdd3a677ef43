package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/imapsync"
)

func (a *app) mailboxCmd() *cobra.Command {
	c := &cobra.Command{Use: "mailbox", Short: "Add, list, test or remove mailboxes, choose what is kept, or sign in again", Args: exactly(0), RunE: func(c *cobra.Command, args []string) error { return c.Help() }}
	c.AddCommand(a.mailboxAddCmd(), a.mailboxListCmd(), a.mailboxChooseCmd(), a.mailboxLoginCmd(), a.mailboxTestCmd(), a.mailboxRefetchCmd(), a.mailboxRemoveCmd())
	return c
}

// mailboxInfo is one element of the document "inwriting.mailbox-list/v1".
type mailboxInfo struct {
	Address  string   `json:"address"`
	Server   string   `json:"server"`
	Username string   `json:"username"`
	Password string   `json:"password"` // where it comes from, never what it is
	Every    string   `json:"every"`
	Include  []string `json:"include"`
	Exclude  []string `json:"exclude"`
	Since    string   `json:"since,omitempty"`
	Role     string   `json:"role"` // own or client
	Client   string   `json:"client,omitempty"`
	Only     []string `json:"only"` // whose mail is kept; none: all
	choices  []string
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
				info := mailboxInfo{Address: m.Address, Server: m.Server.String(), Username: m.User(), Password: m.SignIn(), Role: "own", Client: m.Client, Since: m.Since.String(),
					Every: config.Duration(cfg.Interval(m)).String(), Include: append([]string{}, m.Include...), Exclude: append([]string{}, m.Exclude...), Only: append([]string{}, m.Only...), choices: choices(m)}
				if !m.Own() {
					info.Role = "client"
				}
				list = append(list, info)
			}
			if a.json {
				return writeJSON(a.out, struct {
					Schema    string        `json:"schema"`
					Mailboxes []mailboxInfo `json:"mailboxes"`
				}{"inwriting.mailbox-list/v1", list})
			}
			if len(list) == 0 && !a.plain {
				return &exitError{status: exitNothing, err: errors.New("there is no mailbox in the configuration"), hint: `"inwriting mailbox add ADDRESS" adds one`}
			}
			for _, m := range list {
				if a.plain {
					plainLine(a.out, m.Address, m.Server, m.Username, m.Password, m.Every, strings.Join(m.Exclude, ","))
					continue
				}
				fmt.Fprintf(a.out, "%s %s password: %s, every %s\n", pad(clean(m.Address), 30), pad(clean(m.Server), 40), m.Password, m.Every)
				if m.Client != "" {
					fmt.Fprintf(a.out, "  the mailbox of %s\n", clean(m.Client))
				}
				for _, words := range m.choices {
					fmt.Fprintf(a.out, "  %s\n", clean(words))
				}
			}
			return nil
		},
	}
}

// mailboxTest is one element of the document "inwriting.mailbox-test/v1".
type mailboxTest struct {
	Address      string   `json:"address"`
	OK           bool     `json:"ok"`
	ReadOnly     bool     `json:"read_only"`
	Folders      int      `json:"folders"`
	Excluded     int      `json:"excluded"`
	Messages     *int     `json:"messages"` // null when the server does not count them at once
	Sent         string   `json:"sent"`     // the folder of sent mail; "" when none was found
	Capabilities []string `json:"capabilities"`
	Error        string   `json:"error,omitempty"`
	Hint         string   `json:"hint,omitempty"`
	err          error
}

// line says what a test that went well found.
func (t mailboxTest) line() string {
	line := "signed in; " + plural(t.Folders, "folder", "folders")
	if t.Excluded > 0 {
		line += fmt.Sprintf(" (%d left out)", t.Excluded)
	}
	if t.Messages != nil {
		line += ", " + plural(*t.Messages, "message", "messages")
	}
	if t.ReadOnly {
		return line + "; read-only session confirmed"
	}
	return line + "; the server does not confirm that it is opened for reading only"
}

// warning says it when half of the record will be missing.
func (t mailboxTest) warning() string {
	if t.OK && t.Sent == "" {
		return "no folder of sent mail is read: what you wrote is half of every trail"
	}
	return ""
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
				fmt.Fprintf(a.out, "%s %s\n", pad(clean(t.Address), 30), t.line())
				if w := t.warning(); w != "" {
					fmt.Fprintf(a.out, "  %s\n", w)
				}
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
		return nil, &exitError{status: exitUsage, err: errors.New("there is no mailbox in the configuration"), hint: `"inwriting mailbox add ADDRESS" adds one`}
	}
	return boxes, nil
}

func (a *app) probe(ctx context.Context, cfg *config.Config, m config.Mailbox) mailboxTest {
	return a.probeAs(ctx, cfg, m, accountOf(cfg, m, a.getenv))
}

func (a *app) probeAs(ctx context.Context, cfg *config.Config, m config.Mailbox, account imapsync.Account) mailboxTest {
	t := mailboxTest{Address: m.Address, Capabilities: []string{}}
	r, err := imapsync.Probe(ctx, account, 0)
	if err != nil {
		t.Error, t.Hint, t.err = err.Error(), advise(cfg, m, a.getenv, err), err
		return t
	}
	t.OK, t.ReadOnly, t.Capabilities = true, r.ReadOnly, append(t.Capabilities, r.Capabilities...)
	for _, f := range r.Folders {
		switch {
		case f.Excluded:
			t.Excluded++
		case f.Selectable():
			t.Folders++
			// Gmail's All Mail holds what was sent as well.
			if t.Sent == "" && (f.Use == `\Sent` || slices.Contains(f.Attrs, `\All`)) {
				t.Sent = f.Display
			}
		}
	}
	if r.Messages >= 0 {
		t.Messages = &r.Messages
	}
	return t
}
