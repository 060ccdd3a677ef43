package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/indexer/importer"
)

// now is the program's clock.
var now = time.Now

// bars shows progress events on stderr, where people are.
func (a *app) bars() (func(json.RawMessage), *bars) {
	b := newBars(a.err, a.errTerm())
	return func(raw json.RawMessage) {
		var p progress
		if json.Unmarshal(raw, &p) == nil {
			b.show(p.Label, p.Done, p.Total, p.Tail)
		}
	}, b
}

func (a *app) syncCmd() *cobra.Command {
	noRead := false
	c := &cobra.Command{
		Use:   "sync [MAILBOX]...",
		Short: "Read the mailboxes once, to their end",
		Long: `Sync reads the configured mailboxes, or those named, once: every message that is
new is kept byte for byte and made searchable. The mailboxes are not changed.`,
		Example: "  inwriting sync\n  inwriting sync nora@deskandco.example",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			b, err := a.open(ctx)
			if err != nil {
				return err
			}
			defer b.Close()
			events, bar := a.bars()
			var r syncReport
			err = b.do(ctx, "sync", syncArgs{Mailboxes: args, NoRead: noRead}, events, &r)
			bar.done()
			if r.Schema == "" {
				return err
			}
			if e := a.printSync(r); e != nil {
				return e
			}
			if err != nil && ctx.Err() != nil {
				n := 0
				for _, m := range r.Mailboxes {
					n += m.New
				}
				fmt.Fprintf(a.err, "stopped; %s kept, the rest comes with the next sync\n", plural(n, "new message is", "new messages are"))
			}
			if err == nil && a.strict {
				for _, m := range r.Mailboxes {
					if m.State != "up to date" {
						return &exitError{status: exitIncomplete}
					}
				}
			}
			return err
		},
	}
	a.strictFlag(c)
	c.Flags().BoolVar(&noRead, "no-read", false, "keep what is new and make it searchable with the next sync")
	return c
}

func (a *app) strictFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.strict, "strict", false, "end with 5 when coverage is incomplete")
}

func (a *app) printSync(r syncReport) error {
	if a.json {
		return writeJSON(a.out, r)
	}
	for _, m := range r.Mailboxes {
		if a.plain {
			plainLine(a.out, m.Address, m.State, fmt.Sprint(m.New), fmt.Sprint(m.Gone), fmt.Sprint(m.Flags), fmt.Sprint(m.Quarantined), fmt.Sprint(m.Bytes), m.Error)
			continue
		}
		words := []string{m.State, number(m.New) + " new"}
		if m.Gone > 0 {
			words = append(words, number(m.Gone)+" gone from the server, kept here")
		}
		if m.Flags > 0 {
			words = append(words, plural(m.Flags, "flag change", "flag changes"))
		}
		if m.Quarantined > 0 {
			words = append(words, plural(m.Quarantined, "message", "messages")+" that the server would not give")
		}
		fmt.Fprintf(a.out, "%s %s\n", pad(m.Address, 26), strings.Join(words, ", "))
		if m.Error != "" {
			fmt.Fprintf(a.err, "inwriting: %s\n", m.Error)
			if m.Hint != "" {
				fmt.Fprintf(a.err, "inwriting: hint: %s\n", m.Hint)
			}
		}
	}
	return nil
}

func (a *app) importCmd() *cobra.Command {
	var address string
	c := &cobra.Command{
		Use:   "import PATH... --mailbox ADDRESS",
		Short: "Take in mail that lies in files",
		Long: `Import takes mbox files (also .gz and .zst), maildirs, single messages (.eml, Apple
Mail's .emlx, Outlook's .msg), folders of mail files with or without extension such
as a Thunderbird or Apple Mail profile, zip archives of these such as a Google
Takeout, and Outlook's data files (.pst, through readpst of pst-utils). What it is,
is told from its content. Doing it again adds nothing. What Outlook kept in a form
of its own is converted, says so, and its original is kept with it or named by its
hash.
--mailbox names the account the mail is from; its address counts as ours.`,
		Example: `  inwriting import ~/inbox.mbox --mailbox nora@deskandco.example
  inwriting import takeout.zip --mailbox nora@deskandco.example --client "Hale Architects=@halearchitects.example"`,
		Args: atLeast(1, "the path of a mail file or folder"),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			address = strings.ToLower(strings.TrimSpace(address))
			if !strings.Contains(address, "@") {
				return usage("import needs --mailbox ADDRESS: whose mail it is")
			}
			var paths []string
			for _, p := range args {
				abs, err := absolute(p)
				if err != nil {
					return err
				}
				paths = append(paths, abs)
			}
			people, err := a.flagPeople()
			if err != nil {
				return err
			}
			b, err := a.open(ctx)
			if err != nil {
				return err
			}
			defer b.Close()
			events, bar := a.bars()
			var r importReport
			err = b.do(ctx, "import", importArgs{Address: address, Paths: paths, People: people}, events, &r)
			bar.done()
			if r.Schema == "" || err != nil && r.Messages == 0 {
				return err
			}
			if e := a.printImport(r); e != nil {
				return e
			}
			if err != nil && ctx.Err() != nil {
				fmt.Fprintf(a.err, "stopped; %s kept, importing again takes the rest\n", plural(r.New, "new message is", "new messages are"))
			}
			return err
		},
	}
	c.Flags().StringVar(&address, "mailbox", "", "the `ADDRESS` whose mail it is")
	return c
}

func (a *app) printImport(r importReport) error {
	if a.json {
		return writeJSON(a.out, r)
	}
	if a.plain {
		plainLine(a.out, fmt.Sprint(r.Messages), fmt.Sprint(r.New), fmt.Sprint(r.Duplicates), fmt.Sprint(len(r.Skipped)))
		return nil
	}
	fmt.Fprintf(a.out, "%s read, %s new", plural(r.Messages, "message", "messages"), number(r.New))
	if r.Duplicates > 0 {
		fmt.Fprintf(a.out, ", %s kept already", number(r.Duplicates))
	}
	if r.Converted > 0 {
		fmt.Fprintf(a.out, ", %s converted from Outlook's form", number(r.Converted))
	}
	fmt.Fprintln(a.out)
	// What may be lost mail stands before what was never mail.
	never := func(reason string) int {
		if reason == importer.NotText || reason == importer.NoHeader {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(r.Skipped, func(x, y importer.Skip) int { return never(x.Reason) - never(y.Reason) })
	for i, s := range r.Skipped {
		if i == 10 {
			fmt.Fprintf(a.err, "… and %d more (--json lists them)\n", len(r.Skipped)-i)
			break
		}
		fmt.Fprintln(a.err, a.broken("inwriting: ", s.Path+": "+s.Reason))
	}
	return nil
}

func (a *app) rebuildCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild [index|catalog]",
		Short: "Make catalog and index again from archive and ledger",
		Long: `Rebuild makes what is derived again: the index from the archive, or the catalog
and the index from archive and ledger alone. The answers are the same afterwards.`,
		ValidArgs: []string{"index", "catalog"},
		RunE: func(c *cobra.Command, args []string) error {
			what := ""
			if len(args) > 0 {
				what = args[0]
			}
			if len(args) > 1 || what != "" && what != "index" && what != "catalog" {
				return usage("rebuild what? index or catalog, not %q", strings.Join(args, " "))
			}
			ctx := c.Context()
			events, bar := a.bars()
			defer bar.done()
			b, err := a.openForRebuild(c, what)
			if err != nil {
				return err
			}
			defer b.Close()
			if err := b.do(ctx, "rebuild", rebuildArgs{What: what}, events, nil); err != nil {
				return err
			}
			bar.done()
			cov, err := b.Coverage(ctx)
			if err != nil {
				return err
			}
			n := 0
			for _, m := range cov.Mailboxes {
				for _, f := range m.Folders {
					n += f.Indexed
				}
			}
			fmt.Fprintf(a.err, "rebuilt from archive and ledger, %s\n", plural(n, "message", "messages"))
			return nil
		},
	}
}

// openForRebuild opens the vault also when the catalog is what is broken.
func (a *app) openForRebuild(c *cobra.Command, what string) (backend, error) {
	b, err := a.open(c.Context())
	if err == nil || what == "index" {
		return b, err
	}
	cfg, dir, perr := a.place()
	if perr != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "inwriting: %v\ninwriting: making the catalog again\n", err)
	return a.openVault(cfg, dir, true)
}
