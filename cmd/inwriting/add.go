package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/config/provider"
	"inwriting/config/secret"
)

// adding is one mailbox on its way into the configuration. Its fields are the
// flags of "mailbox add" and "init".
type adding struct {
	server, username              string
	discover                      bool
	passwordFile, passwordCommand string
	passwordStdin                 bool
	credential, tokenCommand      string
	keep                          string
	oauth, client, tenant, flow   string
	by                            signingIn
	ca                            string
	include, exclude, only        []string
	every, dailyBytes, since      string
	connections                   int
	of, permission                string
	noTest                        bool
	found                         *provider.Found
	provider                      *provider.Provider
	box                           config.Mailbox
	password                      string // typed in or read, to be kept
	store                         secret.Store
	storeName                     string
	test                          mailboxTest
	testedWithout                 bool
	network                       provider.Network
}

func (n *adding) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&n.server, "server", "", "`HOST:PORT` of the IMAP server; starttls://HOST:PORT")
	f.StringVar(&n.username, "username", "", "what to sign in as, when it is not the address")
	f.BoolVar(&n.discover, "discover", false, "ask the network where the server is: name servers, the domain, Mozilla; the address itself is not told")
	f.StringVar(&n.passwordFile, "password-file", "", "the `FILE` whose first line is the password; it stays there")
	f.BoolVar(&n.passwordStdin, "password-stdin", false, "read the password, or client secret, from stdin and keep it")
	f.StringVar(&n.passwordCommand, "password-command", "", "the `COMMAND` that prints the password")
	f.StringVar(&n.credential, "credential", "", "the `NAME` of a systemd credential that is the password")
	f.StringVar(&n.tokenCommand, "token-command", "", "the `COMMAND` that prints an OAuth access token")
	f.StringVar(&n.keep, "keep", "", "where a password or token is kept: `keyring` or sealed (a file encrypted with age)")
	f.StringVar(&n.oauth, "oauth", "", "sign in with a token of `microsoft`, google or an issuer's https address")
	f.StringVar(&n.client, "oauth-client", "", "the `ID` of your application there")
	f.StringVar(&n.tenant, "oauth-tenant", "", "Microsoft's `DIRECTORY`: id, domain, organizations, consumers or common")
	f.StringVar(&n.flow, "oauth-flow", "", "`device`, browser or app")
	f.StringVar(&n.by.secretFile, "client-secret-file", "", "a `FILE` with the application's secret, where it has one; it is kept with the token")
	f.StringVar(&n.ca, "ca", "", "a `FILE` of certificates to trust for this server, as Proton Bridge's")
	f.StringArrayVar(&n.include, "include", nil, "read only this `FOLDER`; may be repeated, * stands for anything")
	f.StringArrayVar(&n.exclude, "exclude", nil, `leave this `+"`FOLDER`"+` out; may be repeated, * stands for anything, "\Junk" for any junk folder`)
	f.StringArrayVar(&n.only, "only", nil, "keep only mail from or to this `CLIENT` or third party of the configuration; may be repeated, * stands for anything")
	f.StringVar(&n.since, "since", "", "read only what came from this `DAY` on, as 2021-01-01")
	f.StringVar(&n.every, "every", "", "how often the daemon reads it, as 5m")
	f.StringVar(&n.dailyBytes, "daily-bytes", "", "how much is fetched in a day at most, as 2GB")
	f.IntVar(&n.connections, "connections", 0, "1 for a server that allows few connections")
	f.StringVar(&n.of, "of", "", "the `CLIENT` whose mailbox it is, for one that is not yours")
	f.StringVar(&n.permission, "permission", "", "the `FILE` with that client's permission in writing")
	f.BoolVar(&n.noTest, "no-test", false, "write it down without signing in")
}

const addHelp = `The address is enough for the common providers; "inwriting help providers" lists
them. For any other, --discover asks the network, or --server names the server.
The password is asked for, or comes from --password-stdin, --password-file,
--password-command, --credential or INWRITING_PASSWORD; it is never an argument.
What was typed in is kept in the system keyring, or in a file encrypted with age.
The mailbox is tested before it is written down; nothing in it is changed.`

func (a *app) mailboxAddCmd() *cobra.Command {
	n := &adding{}
	c := &cobra.Command{
		Use: "add ADDRESS", Short: "Add a mailbox to the configuration",
		Long: "Add finds the server of an address, signs in once, and adds the mailbox to the\nconfiguration file, whose other lines stay as they are.\n\n" + addHelp,
		Example: `  inwriting mailbox add nora@deskandco.example
  inwriting mailbox add nora@deskandco.example --server imap.deskandco.example --password-stdin < password
  inwriting mailbox add nora@deskandco.example --oauth microsoft --oauth-client 1b2c3d4e-…`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, cfg, err := a.editor()
			if err != nil {
				return err
			}
			if _, there := cfg.Mailbox(args[0]); there {
				return &exitError{status: exitFailed, err: fmt.Errorf("%s is in the configuration already", args[0]), hint: fmt.Sprintf("inwriting mailbox login %s", args[0])}
			}
			if err := a.add(c.Context(), e, cfg, args[0], n); err != nil {
				return err
			}
			if err := a.printAdded(e, n); err != nil {
				return err
			}
			a.tellDaemon(c.Context(), "")
			return nil
		},
	}
	n.flags(c)
	return c
}

// mailboxAdded is the document "inwriting.mailbox-add/v1".
type mailboxAdded struct {
	Schema   string       `json:"schema"`
	Address  string       `json:"address"`
	Server   string       `json:"server"`
	Username string       `json:"username"`
	Provider string       `json:"provider,omitempty"`
	Found    string       `json:"found"`    // who said where the server is
	Password string       `json:"password"` // where it is kept
	Config   string       `json:"config"`
	Test     *mailboxTest `json:"test"` // null with --no-test
}

func (a *app) printAdded(e *config.Editor, n *adding) error {
	if a.json {
		d := mailboxAdded{Schema: "inwriting.mailbox-add/v1", Address: n.box.Address, Server: n.box.Server.String(), Username: n.box.User(), Found: n.found.From, Password: n.box.SignIn(), Config: e.Path()}
		if n.provider != nil {
			d.Provider = n.provider.ID
		}
		if !n.testedWithout {
			d.Test = &n.test
		}
		return writeJSON(a.out, d)
	}
	if a.plain {
		plainLine(a.out, n.box.Address, n.box.Server.String(), n.box.User(), n.box.SignIn())
		return nil
	}
	fmt.Fprintf(a.out, "%s added to %s\n", clean(n.box.Address), clean(e.Path()))
	return nil
}

// configPath is the file that commands change.
func (a *app) configPath() (string, error) {
	for _, f := range []string{a.configFile, a.getenv("INWRITING_CONFIG")} {
		if f != "" {
			return filepath.Abs(f)
		}
	}
	dir, err := a.userDir("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return "", usage("no configuration file: %w; give one with --config FILE", err)
	}
	return filepath.Join(dir, "inwriting", "inwriting.toml"), nil
}

// editor opens the configuration file to change it.
func (a *app) editor() (*config.Editor, *config.Config, error) {
	path, err := a.configPath()
	if err != nil {
		return nil, nil, err
	}
	e, err := config.Edit(path)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := e.Config()
	return e, cfg, err
}

// add takes one mailbox from its address into the configuration file.
func (a *app) add(ctx context.Context, e *config.Editor, cfg *config.Config, address string, n *adding) error {
	address = strings.TrimSpace(address)
	if err := a.find(ctx, address, n); err != nil {
		return err
	}
	if err := a.describeBox(cfg, address, n); err != nil {
		return err
	}
	if err := a.obtain(ctx, e, n); err != nil {
		return err
	}
	// The file is only written once all of it is known to be right.
	draft, err := config.Edit(e.Path())
	if err != nil {
		return err
	}
	if err := draft.AddMailbox(n.box); err != nil {
		return err
	}
	full, err := draft.Config()
	if err != nil {
		return err
	}
	if n.box.OAuth != "" && n.box.Flow() != "app" {
		if err := a.signIn(ctx, full, n.box, n.by); err != nil {
			return err
		}
	}
	if n.noTest {
		n.testedWithout = true
	} else if err := a.tryBox(ctx, full, n); err != nil {
		return err
	}
	if n.store != nil && n.password != "" {
		if err := n.store.Set(ctx, n.storeName, n.password); err != nil {
			return err
		}
	}
	if err := e.AddMailbox(n.box); err != nil {
		return err
	}
	return e.Save()
}

// find settles which server an address has.
func (a *app) find(ctx context.Context, address string, n *adding) error {
	if n.server != "" {
		s, err := config.ParseServer(n.server)
		if err != nil {
			return usage("--server: %w", err)
		}
		n.found = &provider.Found{Server: s.String(), From: "--server", Sure: true}
		n.found.Provider = provider.ByServer(n.found.Server, address)
		n.provider = n.found.Provider
		return nil
	}
	f := provider.Known(address)
	if f == nil {
		_, domain, _ := strings.Cut(address, "@")
		if domain == "" {
			return usage("%q is not a mail address", address)
		}
		ask := n.discover
		if !ask && a.asks() {
			var err error
			if ask, err = a.yes(ctx, fmt.Sprintf("%s is not in the table of providers. Ask the network where its server is (name servers, %s itself, Mozilla's database)?", domain, domain), true); err != nil {
				return err
			}
		}
		if ask {
			var err error
			f, err = provider.Discover(ctx, address, n.network)
			if err != nil && !errors.Is(err, provider.ErrNotFound) {
				return err
			}
			if err != nil {
				a.say("%v", err)
			}
		}
		if f == nil && a.asks() {
			line, err := a.question(ctx, "IMAP server, as imap.example.org:993", "")
			if err != nil {
				return err
			}
			s, err := config.ParseServer(line)
			if err != nil {
				return usage("%w", err)
			}
			f = &provider.Found{Server: s.String(), From: "you", Sure: true}
		}
		if f == nil {
			hint := "--discover asks the network, --server HOST names it"
			if ask {
				hint = "--server HOST names it; the provider's help pages do, under IMAP"
			}
			return &exitError{status: exitUsage, err: fmt.Errorf("where is the server of %s? The table of providers does not have %s", address, domain), hint: hint}
		}
	}
	n.found, n.provider = f, f.Provider
	if f.Server == "" {
		return &exitError{status: exitFailed, err: fmt.Errorf("%s offers no IMAP", f.Provider.Name), hint: strings.Join(f.Provider.Steps, " ")}
	}
	name := ""
	if n.provider != nil {
		name = n.provider.Name + ", "
	}
	fmt.Fprintf(a.err, "Server: %s%s (%s)\n", name, f.Server, f.From)
	if !f.Sure {
		// RFC 6186 section 6: nobody but the name servers says so.
		if !a.asks() {
			return &exitError{status: exitUsage, err: fmt.Errorf("the %s names a server outside the domain: %s", f.From, f.Server), hint: "if it is the right one, give it: --server " + f.Server}
		}
		ok, err := a.yes(ctx, "That server lies outside the domain. Is it the right one?", false)
		if err != nil {
			return err
		}
		if !ok {
			return &exitError{status: exitUsage, err: errors.New("not added"), hint: "name the server: --server HOST"}
		}
	}
	return nil
}

// describeBox makes the settings of the flags and what was found.
func (a *app) describeBox(cfg *config.Config, address string, n *adding) error {
	m := config.Mailbox{Address: address, Username: n.username, PasswordCommand: n.passwordCommand, Credential: n.credential, TokenCommand: n.tokenCommand,
		OAuth: n.oauth, OAuthClient: n.client, OAuthTenant: n.tenant, OAuthFlow: n.flow, Include: n.include, Exclude: n.exclude, Only: n.only, Connections: n.connections}
	if err := m.Server.UnmarshalText([]byte(n.found.Server)); err != nil {
		return usage("%w", err)
	}
	if m.Username == "" {
		m.Username = n.found.Username
	}
	if m.OAuth == "microsoft" && m.OAuthTenant == "" && n.provider != nil {
		m.OAuthTenant = n.provider.Tenant
	}
	for _, f := range []struct {
		flag, value string
		into        interface{ UnmarshalText([]byte) error }
	}{{"--every", n.every, &m.Every}, {"--daily-bytes", n.dailyBytes, &m.DailyBytes}, {"--since", n.since, &m.Since}} {
		if f.value != "" {
			if err := f.into.UnmarshalText([]byte(f.value)); err != nil {
				return usage("%s: %w", f.flag, err)
			}
		}
	}
	for _, p := range []struct {
		from string
		into *string
	}{{n.passwordFile, &m.PasswordFile}, {n.ca, &m.CA}, {n.permission, &m.Permission}} {
		if p.from == "" {
			continue
		}
		abs, err := absolute(p.from)
		if err != nil {
			return err
		}
		*p.into = abs
	}
	if n.of != "" {
		m.Role, m.Client = "client", n.of
		if m.Permission == "" {
			return usage("a client's mailbox needs the client's permission in writing: --permission FILE")
		}
		if _, err := os.Stat(m.Permission); err != nil {
			return usage("--permission: %w", err)
		}
	}
	n.box = m
	return nil
}

// obtain gets the password, unless the settings say where it is.
func (a *app) obtain(ctx context.Context, e *config.Editor, n *adding) error {
	if n.provider != nil {
		n.explain(a.err)
	}
	m := &n.box
	if err := a.askApplication(ctx, n); err != nil {
		return err
	}
	elsewhere := m.PasswordFile != "" || m.PasswordCommand != "" || m.Credential != "" || m.TokenCommand != ""
	if m.OAuth == "" && !elsewhere && n.provider != nil && n.provider.Secret == "token" {
		return &exitError{status: exitUsage, err: fmt.Errorf("%s takes no password, only a token", n.provider.Name), hint: fmt.Sprintf("--oauth %s --oauth-client ID; \"inwriting help %s\" tells where the id comes from", n.provider.OAuth, n.provider.ID)}
	}
	if elsewhere && m.Flow() != "device" && m.Flow() != "browser" {
		return nil
	}
	needs := m.OAuth == "" || m.Flow() == "app"
	if needs {
		what := "Password"
		switch {
		case m.OAuth != "":
			what = "Client secret"
		case n.provider != nil && n.provider.Secret != "password":
			what = strings.ToUpper(n.provider.Secret[:1]) + n.provider.Secret[1:]
		}
		var err error
		if n.password, err = a.newPassword(ctx, what, n.passwordStdin); err != nil {
			return err
		}
		if n.provider != nil && n.provider.ID == "google" && m.OAuth == "" {
			n.password = strings.ReplaceAll(n.password, " ", "") // as Google shows it
		}
	}
	cfg, err := e.Config()
	if err != nil {
		return err
	}
	return a.keepWhere(ctx, cfg, n)
}

// explain says what the provider wants, before it is asked for.
func (n *adding) explain(w io.Writer) {
	if n.box.OAuth != "" || n.box.TokenCommand != "" || n.provider.Secret == "password" && len(n.provider.Steps) == 0 {
		return
	}
	fmt.Fprintf(w, "%s wants a%s:\n", n.provider.Name, map[string]string{"app password": "n app password, not the password of the account", "token": " token", "bridge password": " password of the Bridge"}[n.provider.Secret]+
		map[bool]string{true: " password"}[n.provider.Secret == "password"])
	for i, s := range n.provider.Steps {
		fmt.Fprintln(w, wrap(fmt.Sprintf("%d. %s", i+1, strings.ReplaceAll(s, "ADDRESS", n.box.Address)), 100, "  ", "     "))
	}
}

// newPassword gets a password from INWRITING_PASSWORD, stdin or a person.
func (a *app) newPassword(ctx context.Context, what string, stdin bool) (string, error) {
	var p string
	var err error
	switch {
	case stdin:
		if p, err = firstLine(a.in); err != nil {
			return "", fmt.Errorf("reading the password from stdin: %w", err)
		}
	case a.getenv("INWRITING_PASSWORD") != "":
		p = a.getenv("INWRITING_PASSWORD")
	case a.asks():
		if p, err = a.typed(ctx, what); err != nil {
			return "", err
		}
	default:
		return "", &exitError{status: exitUsage, err: errors.New("there is no password"),
			hint: "--password-stdin, --password-file FILE, --password-command COMMAND, --credential NAME or INWRITING_PASSWORD"}
	}
	if p == "" {
		return "", &exitError{status: exitUsage, err: errors.New("the password is empty")}
	}
	return p, nil
}

// keepWhere settles where the secret is kept: the keyring where there is one.
func (a *app) keepWhere(ctx context.Context, cfg *config.Config, n *adding) error {
	switch n.keep {
	case "keyring", "sealed":
	case "":
		n.keep = "sealed"
		if (secret.Keyring{}).Works(ctx) {
			n.keep = "keyring"
			if a.asks() {
				ok, err := a.yes(ctx, "Keep passwords in the system keyring?", true)
				if err != nil {
					return err
				}
				if !ok {
					n.keep = "sealed"
				}
			}
		}
		if n.keep == "sealed" {
			a.say("No system keyring is used: it will be kept in %s, encrypted with age.", filepath.Join(cfg.Sealed(a.getenv).Dir, "secrets.age"))
		}
	default:
		return usage("--keep %q: want keyring or sealed", n.keep)
	}
	n.box.Keyring, n.box.Sealed = n.keep == "keyring", n.keep == "sealed"
	n.store, n.storeName = cfg.Store(n.box, a.getenv)
	return nil
}

func (a *app) mailboxRemoveCmd() *cobra.Command {
	yes := false
	c := &cobra.Command{
		Use: "remove ADDRESS", Short: "Take a mailbox out of the configuration; its mail stays",
		Long: `Remove cuts the mailbox out of the configuration file, whose other lines stay as
they are, and forgets its password where inwriting keeps it. What was collected
from it stays in the vault, is searched as before, and stands in coverage.`,
		Example: "  inwriting mailbox remove nora@deskandco.example",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			e, cfg, err := a.editor()
			if err != nil {
				return err
			}
			boxes, err := named(cfg, args)
			if err != nil {
				return err
			}
			m := boxes[0]
			if !yes {
				if !a.asks() {
					return &exitError{status: exitUsage, err: fmt.Errorf("remove %s?", m.Address), hint: "--yes says so"}
				}
				ok, err := a.yes(ctx, fmt.Sprintf("Remove %s? What was collected stays.", m.Address), false)
				if err != nil || !ok {
					return err
				}
			}
			if err := e.RemoveMailbox(m.Address); err != nil {
				return err
			}
			if err := e.Save(); err != nil {
				return err
			}
			if store, name := cfg.Store(m, a.getenv); store != nil {
				ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
				defer cancel()
				if err := errors.Join(store.Delete(ctx, name), store.Delete(ctx, config.TokenName(name))); err != nil {
					fmt.Fprintf(a.err, "inwriting: its password is still kept: %v\n", err)
				}
			}
			a.tellDaemon(ctx, "")
			if a.json {
				return writeJSON(a.out, struct {
					Schema  string `json:"schema"`
					Address string `json:"address"`
					Config  string `json:"config"`
				}{"inwriting.mailbox-remove/v1", m.Address, e.Path()})
			}
			fmt.Fprintf(a.out, "%s removed from %s; what was collected stays\n", clean(m.Address), clean(e.Path()))
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
