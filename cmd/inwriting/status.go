package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

func (a *app) statusCmd() *cobra.Command {
	folders := false
	c := &cobra.Command{
		Use:     "status",
		Short:   "What is kept, how far back, and what is missing",
		Example: "  inwriting status\n  inwriting status --folders",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := a.open(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			cov, err := b.Coverage(c.Context())
			if err != nil {
				return err
			}
			a.addConfigured(cov)
			if err := a.printStatus(cov, folders); err != nil {
				return err
			}
			if a.strict {
				for _, m := range cov.Mailboxes {
					if !m.Complete() {
						return &exitError{status: exitIncomplete}
					}
				}
			}
			return nil
		},
	}
	a.strictFlag(c)
	c.Flags().BoolVar(&folders, "folders", false, "a line for each folder, too")
	return c
}

// addConfigured adds the mailboxes that were never read.
func (a *app) addConfigured(cov *trail.Coverage) {
	cfg, err := a.config()
	if err != nil {
		return
	}
next:
	for _, m := range cfg.Mailboxes {
		for _, have := range cov.Mailboxes {
			if strings.EqualFold(have.Address, m.Address) && have.State != "imported" {
				continue next
			}
		}
		cov.Mailboxes = append(cov.Mailboxes, trail.MailboxCoverage{Address: m.Address, State: "never read", Folders: []trail.FolderCoverage{}})
	}
}

func (a *app) printStatus(cov *trail.Coverage, folders bool) error {
	if a.json {
		return writeJSON(a.out, httpapi.Status{Schema: httpapi.StatusSchema, Coverage: *cov})
	}
	t := a.outTerm()
	if !a.plain {
		if len(cov.Mailboxes) == 0 {
			fmt.Fprintln(a.out, "Nothing is kept yet.")
			fmt.Fprintln(a.err, `inwriting: hint: "inwriting demo" shows what it does; "inwriting import PATH --mailbox ADDRESS" takes in mail that lies in files`)
			return nil
		}
		fmt.Fprintln(a.out, t.dim(pad("mailbox", 30)+pad("state", 17)+pad("read back to", 17)+pad("kept", 9)+"gaps"))
	}
	for _, m := range cov.Mailboxes {
		kept, unread, quarantined, excluded, older, others := 0, 0, 0, 0, 0, 0
		var from *time.Time
		for _, f := range m.Folders {
			kept += f.Stored
			unread += f.Stored - f.Indexed
			quarantined += f.Quarantined
			older += f.LeftOut
			others += f.NotChosen
			if f.Excluded {
				excluded++
			}
			if f.From != nil && (from == nil || f.From.Before(*from)) {
				from = f.From
			}
		}
		back := "-"
		if from != nil {
			back = shortDay(*from)
		}
		var gaps []string
		if quarantined > 0 {
			gaps = append(gaps, number(quarantined)+" not given by the server")
		}
		if unread > 0 {
			gaps = append(gaps, number(unread)+" not read yet")
		}
		if excluded > 0 {
			gaps = append(gaps, plural(excluded, "folder", "folders")+" left out")
		}
		if older > 0 {
			gaps = append(gaps, plural(older, "older message", "older messages")+" left out")
		}
		if others > 0 {
			gaps = append(gaps, number(others)+" not kept: not from or to a chosen client")
		}
		if !m.Complete() {
			gaps = append(gaps, m.State)
		}
		if len(gaps) == 0 {
			gaps = []string{"none"}
		}
		if a.plain && folders {
			a.plainFolders(m)
			continue
		}
		if a.plain {
			plainLine(a.out, m.Address, m.State, back, strconv.Itoa(kept), strings.Join(gaps, ", "))
			continue
		}
		fmt.Fprintf(a.out, "%s%s%s%s%s\n", pad(m.Address+" ", 30), pad(m.State, 17), pad(back, 17), pad(number(kept), 9), strings.Join(gaps, ", "))
		if m.Detail != "" {
			fmt.Fprintln(a.out, t.dim(wrap(clean(m.Detail), t.width, "  ", "  ")))
		}
		if folders {
			a.printFolders(m, t)
		}
	}
	if cp := cov.Checkpoint; cp != nil && !a.plain {
		fmt.Fprintf(a.out, "Ledger %s entries, root %s, signed %s\n", number(int(cp.Size)), cp.Root[:min(12, len(cp.Root))], moment(cp.Time.Local()))
	}
	return nil
}

// plainFolders writes a record a folder: address, folder, messages on the server,
// stored, indexed, quarantined, gone, left out for their date, whether it is excluded,
// from, to, left out because they are with nobody chosen.
func (a *app) plainFolders(m trail.MailboxCoverage) {
	for _, f := range m.Folders {
		plainLine(a.out, m.Address, f.Name, strconv.Itoa(f.Server), strconv.Itoa(f.Stored), strconv.Itoa(f.Indexed), strconv.Itoa(f.Quarantined),
			strconv.Itoa(f.Gone), strconv.Itoa(f.LeftOut), strconv.FormatBool(f.Excluded), timeText(f.From), timeText(f.To), strconv.Itoa(f.NotChosen))
	}
}

func (a *app) printFolders(m trail.MailboxCoverage, t terminal) {
	for _, f := range m.Folders {
		if f.Excluded {
			fmt.Fprintln(a.out, "  "+pad(clean(f.Name)+" ", 28)+"left out by choice")
			continue
		}
		words := []string{number(f.Stored) + " kept"}
		if m.State != "imported" {
			words = []string{number(f.Server) + " on the server", words[0]}
		}
		words = append(words, number(f.Indexed)+" searchable")
		for _, n := range []struct {
			count int
			what  string
		}{{f.Quarantined, "not given by the server"}, {f.Gone, "gone from the server, kept here"}, {f.LeftOut, "not kept: older than it is read"}, {f.NotChosen, "not kept: not from or to a chosen client"}, {f.Erased, "erased"}} {
			if n.count > 0 {
				words = append(words, number(n.count)+" "+n.what)
			}
		}
		if f.From != nil && f.To != nil {
			words = append(words, shortDay(*f.From)+" to "+shortDay(*f.To))
		}
		fmt.Fprintln(a.out, wrap(strings.Join(words, ", "), t.width, "  "+pad(clean(f.Name)+" ", 28), strings.Repeat(" ", 30)))
	}
}

func timeText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
