package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config"
)

// initDoc is the document "inwriting.init/v1".
type initDoc struct {
	Schema  string       `json:"schema"`
	Config  string       `json:"config"`
	Data    string       `json:"data"`
	Address string       `json:"address"`
	Me      []string     `json:"me"`
	Test    *mailboxTest `json:"test"`
	Sync    *syncReport  `json:"sync"` // null when reading was left for later
}

func (a *app) initCmd() *cobra.Command {
	n := &adding{}
	read, noRead := false, false
	zone := ""
	c := &cobra.Command{
		Use: "init [ADDRESS]", Short: "Set inwriting up, from a mail address",
		Long: "Init makes the configuration file and the data folder, adds the first mailbox and\nbegins to read it. It can be run again: what is there stays.\n\n" + addHelp,
		Example: `  inwriting init
  inwriting init nora@deskandco.example --password-stdin --read < password`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1)(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if read && noRead {
				return usage("--read or --no-read, not both")
			}
			return a.init(c.Context(), args, n, read, noRead, zone)
		},
	}
	n.flags(c)
	c.Flags().BoolVar(&read, "read", false, "begin to read without asking")
	c.Flags().BoolVar(&noRead, "no-read", false, "do not begin to read")
	c.Flags().StringVar(&zone, "timezone", "", "the `ZONE` in which days are counted, as Europe/London")
	return c
}

func (a *app) init(ctx context.Context, args []string, n *adding, read, noRead bool, zone string) error {
	e, cfg, err := a.editor()
	if err != nil {
		return err
	}
	dir, err := a.data(cfg)
	if err != nil {
		return err
	}
	a.say("This sets up inwriting in %s. It reads your mail and never changes it.", dir)
	address := strings.Join(args, "")
	if address == "" {
		if !a.asks() {
			return &exitError{status: exitUsage, err: errors.New("whose mail is to be read?"), hint: "inwriting init ADDRESS"}
		}
		if address, err = a.question(ctx, "Mail address", ""); err != nil {
			return err
		}
	}
	d := initDoc{Schema: "inwriting.init/v1", Config: e.Path(), Data: dir, Address: address}
	if m, there := cfg.Mailbox(address); there {
		t := a.probe(ctx, cfg, m)
		if !t.OK {
			return &exitError{status: exitMailbox, err: errors.New(t.Error), hint: t.Hint}
		}
		a.say("%s is in the configuration already: %s.", m.Address, t.line())
		d.Test = &t
	} else {
		if err := a.add(ctx, e, cfg, address, n); err != nil {
			return err
		}
		if !n.testedWithout {
			d.Test = &n.test
		}
	}
	if err := a.who(ctx, e, address); err != nil {
		return err
	}
	if zone != "" {
		if err := e.SetTop("timezone", zone); err != nil {
			return err
		}
	}
	if err := e.Save(); err != nil {
		return err
	}
	if cfg, err = e.Config(); err != nil {
		return err
	}
	d.Me = cfg.Us()
	a.tellDaemon(ctx, "")
	if !read && !noRead && a.asks() {
		if read, err = a.yes(ctx, "Start reading now?", true); err != nil {
			return err
		}
	}
	if read {
		if d.Sync, err = a.firstSync(ctx, address); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.out, d)
	}
	fmt.Fprintf(a.out, "Done. Configuration: %s\n", clean(e.Path()))
	next := `"inwriting serve" keeps it current and answers at http://` + cfg.Listen
	if !read {
		next = `"inwriting sync" reads it once; ` + next
	}
	a.say("Next: %s", next)
	return nil
}

// who asks which other addresses are the user's. With --me nobody is asked.
func (a *app) who(ctx context.Context, e *config.Editor, address string) error {
	more := a.me
	if len(more) == 0 && a.asks() {
		line, err := a.question(ctx, `Who is "you"? Further addresses of yours, with spaces between`, "only "+address)
		if err != nil {
			return err
		}
		if line != "only "+address {
			more = []string{line}
		}
	}
	cfg, err := e.Config()
	if err != nil {
		return err
	}
	us := cfg.Us()
	for _, list := range more {
		for _, m := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }) {
			m = strings.TrimPrefix(m, "+")
			if next := appendNew(us, m); len(next) > len(us) {
				us = next
				if err := e.AddMe(m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// firstSync reads the mailbox once.
func (a *app) firstSync(ctx context.Context, address string) (*syncReport, error) {
	b, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if _, remote := b.(remote); remote {
		fmt.Fprintln(a.err, "The daemon that is running reads it.")
		return nil, nil
	}
	events, bar := a.bars()
	var r syncReport
	err = b.do(ctx, "sync", syncArgs{Mailboxes: []string{address}}, events, &r)
	bar.done()
	if err == nil && !a.json {
		err = a.printSync(r)
	}
	return &r, err
}
