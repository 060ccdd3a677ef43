package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/search"
	"inwriting/search/httpapi"
	"inwriting/search/query"
	"inwriting/search/trail"
)

// Version is the program's version, as bundles name it.
const Version = "0.1.0"

// versionMonth dates the manual pages.
var versionMonth = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// Exit statuses, as every help text lists them.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitNothing      = 3
	exitVerification = 4
	exitIncomplete   = 5
	exitMailbox      = 6
	exitInterrupted  = 130
)

const exitHelp = `
Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 nothing found,
4 verification failed, 5 coverage incomplete (with --strict), 6 a mailbox or
server could not be reached or refused, 130 interrupted.`

// exitError ends the program with a status and, where err is set, says why.
type exitError struct {
	status int
	err    error
	hint   string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{status: exitUsage, err: fmt.Errorf(format, args...)}
}

// statusOf is the one table from kinds of errors to exit statuses and hints.
func statusOf(ctx context.Context, err error) (int, string) {
	var exit *exitError
	var syntax *query.Error
	var problem *httpapi.Problem
	switch {
	case errors.As(err, &exit):
		return exit.status, exit.hint
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return exitInterrupted, ""
	case errors.Is(err, config.ErrInvalid), errors.As(err, &syntax):
		return exitUsage, ""
	case errors.Is(err, search.ErrNotFound), errors.Is(err, errNothing):
		return exitNothing, ""
	case errors.Is(err, errNoMatter):
		return exitNothing, `"inwriting matter list" names those that are kept`
	case errors.Is(err, errMatterExists):
		return exitFailed, `choose another name; "inwriting matter list NAME" shows what is kept under this one`
	case errors.Is(err, errMatterName):
		return exitUsage, "small letters, digits and single hyphens, as in vienna-flight"
	case errors.Is(err, errNoQuestion):
		return exitUsage, `as in "inwriting matter new vienna-flight what date did Martin want to fly"`
	case errors.Is(err, errNoClient):
		return exitUsage, `"inwriting config show" lists the clients`
	case errors.Is(err, errNoKind):
		return exitUsage, "want one of " + kindList()
	case errors.Is(err, errNotCorrected):
		return exitNothing, ""
	case errors.Is(err, indexer.ErrNotAFile):
		return exitFailed, "an exhibit is one file; pack a folder into a zip first"
	case errors.Is(err, errNoEntry), errors.Is(err, ledger.ErrErased):
		return exitNothing, ""
	case errors.Is(err, errNobodyElse):
		return exitUsage, "[[timestamp]] in the configuration names one, with its url"
	case errors.Is(err, indexer.ErrHeld):
		return exitFailed, "close the matter or let go of the hold first; --force erases it all the same"
	case errors.Is(err, search.ErrAmbiguous):
		return exitUsage, "give more of the id"
	case errors.Is(err, indexer.ErrInUse):
		return exitFailed, "if a daemon is running, it answers through its socket in the data directory; otherwise wait for the other command to end"
	case errors.Is(err, indexer.ErrDiverged):
		return exitVerification, `nothing was changed; run "inwriting verify --archive" to see what differs, and restore the data directory from a backup`
	case errors.Is(err, catalog.ErrNewer):
		return exitFailed, "use the program that wrote the vault, or a later one; this one changed nothing"
	case errors.Is(err, errMailbox), errors.Is(err, imapsync.ErrAuth), errors.Is(err, imapsync.ErrUnreachable), errors.Is(err, imapsync.ErrTLS), errors.Is(err, imapsync.ErrBusy), errors.Is(err, imapsync.ErrFolder), errors.Is(err, imapsync.ErrProtocol):
		return exitMailbox, ""
	case errors.Is(err, syscall.ENOSPC):
		return exitFailed, "what was kept is safe; make room on the disk of the data directory and do the same again"
	case errors.Is(err, importer.ErrNotMail):
		return exitFailed, "inwriting import takes mbox, maildir, .eml, .emlx, .msg, .pst, a directory of mail files and zip archives of these"
	case errors.As(err, &problem):
		return problem.Exit, "" // told by a daemon
	}
	return exitFailed, ""
}

// app is one run of the program.
type app struct {
	streams
	env map[string]string

	configFile, dataDir string
	json, plain         bool
	noInput, noPager    bool
	color               string
	strict              bool
	me, clients         []string
}

func (a *app) getenv(key string) string { return a.env[key] }

// run runs one command line and returns the exit status.
func run(ctx context.Context, args, environ []string, s streams) int {
	a := &app{streams: s, env: map[string]string{}}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			a.env[k] = v
		}
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	status, hint := statusOf(ctx, err)
	if msg := err.Error(); msg != "" && !(status == exitInterrupted && errors.Is(err, context.Canceled)) {
		fmt.Fprintln(s.err, a.broken("inwriting: ", msg))
	}
	if hint != "" {
		fmt.Fprintln(s.err, a.broken("inwriting: hint: ", hint))
	}
	return status
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "inwriting",
		Short: "Get it in writing. Find it in seconds.",
		Long: `Inwriting reads mailboxes without changing them, keeps every message byte for
byte, and shows what was said about a piece of work: by whom, when, word for
word, what changed it, who confirmed it, and what was never answered.`,
		Example: `  inwriting demo
  inwriting import ~/mail.mbox --mailbox nora@deskandco.example
  inwriting trail what date did Martin want to fly`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: false},
		SuggestionsMinimumDistance: 2,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			msg := fmt.Sprintf("unknown command %q", args[0])
			if s := config.Nearest(args[0], c.SuggestionsFor(args[0])); s != "" {
				msg += fmt.Sprintf("; did you mean %q?", s)
			}
			return usage("%s", msg)
		},
		RunE: func(c *cobra.Command, args []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &exitError{status: exitUsage, err: err, hint: fmt.Sprintf("%q lists the flags", c.CommandPath()+" -h")}
	})
	c.SetHelpTemplate(`{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}{{end}}
{{if .Example}}
Examples:
{{.Example}}
{{end}}{{if or .Runnable .HasSubCommands}}
{{.UsageString | trimTrailingWhitespaces}}
{{end}}` + exitHelp + "\n")
	// Examples stand in the help text above; the usage text has the rest.
	c.SetUsageTemplate(strings.Replace(c.UsageTemplate(), `{{if .HasExample}}

Examples:
{{.Example}}{{end}}`, "", 1))
	f := c.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "configuration `FILE` (default ~/.config/inwriting/inwriting.toml)")
	f.StringVar(&a.dataDir, "data", "", "data `DIR`, the vault (default ~/.local/share/inwriting)")
	f.BoolVar(&a.json, "json", false, "one JSON document on stdout")
	f.BoolVar(&a.plain, "plain", false, "one record a line, tab-separated")
	f.BoolVar(&a.noInput, "no-input", false, "never ask")
	f.BoolVar(&a.noPager, "no-pager", false, "long output straight to the terminal")
	f.StringVar(&a.color, "color", "auto", "auto, always or never")
	f.StringArrayVar(&a.me, "me", nil, "an `ADDRESS` that is us")
	f.StringArrayVar(&a.clients, "client", nil, `a client, "NAME=ADDR,@domain"`)
	c.AddCommand(providerTopics()...)
	c.AddCommand(a.demoCmd(), a.initCmd(), a.serveCmd(), a.syncCmd(), a.importCmd(), a.statusCmd(), a.searchCmd(), a.showCmd(), a.explainCmd(),
		a.trailCmd(), a.exportCmd(), a.verifyCmd(), a.rebuildCmd(), a.matterCmd(), a.openCmd(), a.correctCmd(), a.ledgerCmd(), a.eraseCmd(), a.holdCmd(), a.mailboxCmd(), a.peopleCmd(), a.userCmd(), a.tokenCmd(), a.backupCmd(), a.doctorCmd(), a.configCmd(), a.manCmd(), a.versionCmd())
	return c
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: exactly(0), RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(a.out, "inwriting "+Version)
		return err
	}}
}

func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return &exitError{status: exitUsage, err: fmt.Errorf("%s takes %d arguments, got %d", c.CommandPath(), n, len(args)), hint: c.UseLine()}
		}
		return nil
	}
}

func atLeast(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return &exitError{status: exitUsage, err: fmt.Errorf("%s needs %s", c.CommandPath(), what), hint: c.UseLine()}
		}
		return nil
	}
}

// config loads the configuration: the file that --config or INWRITING_CONFIG
// names, else the user's own when there is one, else the defaults.
func (a *app) config() (*config.Config, error) {
	file := a.configFile
	if file == "" {
		file = a.getenv("INWRITING_CONFIG")
	}
	if file != "" {
		cfg, err := config.Load(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &exitError{status: exitUsage, err: err}
		}
		return cfg, err
	}
	dir, err := a.userDir("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return config.Default(), nil
	}
	cfg, err := config.Load(filepath.Join(dir, "inwriting", "inwriting.toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	return cfg, err
}

// data returns the data directory: flag beats environment beats file beats
// default.
func (a *app) data(cfg *config.Config) (string, error) {
	for _, d := range []string{a.dataDir, a.getenv("INWRITING_DATA"), cfg.DataDir()} {
		if d != "" {
			return filepath.Abs(d)
		}
	}
	dir, err := a.userDir("XDG_DATA_HOME", ".local/share")
	if err != nil {
		return "", usage("no data directory: %w; give one with --data DIR", err)
	}
	return filepath.Join(dir, "inwriting"), nil
}

func (a *app) userDir(variable, below string) (string, error) {
	if d := a.getenv(variable); d != "" {
		return d, nil
	}
	if d := a.getenv("HOME"); d != "" {
		return filepath.Join(d, below), nil
	}
	return "", errors.New("HOME is not set")
}

// people are the configured ones and those of the command line.
func (a *app) people(cfg *config.Config) (trail.People, error) {
	p := trail.People{Us: cfg.Us()}
	for _, c := range cfg.Clients {
		p.Clients = append(p.Clients, clientOf(cfg, c))
	}
	for _, c := range cfg.Others {
		p.Others = append(p.Others, trail.Party{Name: c.Name, Addresses: c.Addresses, Domains: c.Domains})
	}
	flags, err := a.flagPeople()
	return mergePeople(p, flags), err
}

// flagPeople reads --me and --client.
func (a *app) flagPeople() (trail.People, error) {
	var p trail.People
	for _, list := range a.me {
		for _, m := range strings.Split(list, ",") {
			if m = strings.ToLower(strings.TrimSpace(m)); m != "" {
				if !strings.Contains(m, "@") {
					return p, usage("--me %q: not an address", m)
				}
				p.Us = append(p.Us, m)
			}
		}
	}
	for _, c := range a.clients {
		name, list, ok := strings.Cut(c, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return p, usage(`--client %q: want "NAME=ADDRESS,@domain"`, c)
		}
		party := trail.Party{Name: strings.TrimSpace(name)}
		for _, w := range strings.Split(list, ",") {
			switch w = strings.ToLower(strings.TrimSpace(w)); {
			case w == "":
			case strings.HasPrefix(w, "@"):
				party.Domains = append(party.Domains, w[1:])
			case strings.Contains(w, "@"):
				party.Addresses = append(party.Addresses, w)
			default:
				return p, usage(`--client %q: %q is neither an address nor "@domain"`, c, w)
			}
		}
		p.Clients = append(p.Clients, party)
	}
	return p, nil
}

// mergePeople adds b to a; a party of the same name is one party.
func mergePeople(a, b trail.People) trail.People {
	for _, m := range b.Us {
		a.Us = appendNew(a.Us, m)
	}
	a.Clients = mergeParties(a.Clients, b.Clients)
	a.Others = mergeParties(a.Others, b.Others)
	return a
}

func mergeParties(a, b []trail.Party) []trail.Party {
next:
	for _, p := range b {
		for i := range a {
			if a[i].Name == p.Name {
				for _, x := range p.Addresses {
					a[i].Addresses = appendNew(a[i].Addresses, x)
				}
				for _, x := range p.Domains {
					a[i].Domains = appendNew(a[i].Domains, x)
				}
				continue next
			}
		}
		a = append(a, p)
	}
	return a
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if strings.EqualFold(have, s) {
			return list
		}
	}
	return append(list[:len(list):len(list)], s)
}

func (a *app) outTerm() terminal { return terminalOf(a.out, a.getenv, a.color) }
func (a *app) errTerm() terminal { return terminalOf(a.err, a.getenv, a.color) }

// absolute resolves a path where the command line was typed: the daemon that may
// act on it stands elsewhere.
func absolute(path string) (string, error) {
	if path == "" {
		return "", usage("an empty path")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return abs, nil
}
