package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// check is one line of doctor, and one element of "inwriting.doctor/v1".
type check struct {
	Result string `json:"result"` // ok, warn or fail
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

func (a *app) doctorCmd() *cobra.Command {
	offline := false
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that could be wrong, and say what to do",
		Long: `Doctor looks at the configuration, the data folder, the parts of the vault and,
unless --offline is given, at every mailbox. It changes nothing.`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			checks := a.examine(c.Context(), offline)
			worst := "ok"
			for _, k := range checks {
				if k.Result == "fail" || k.Result == "warn" && worst == "ok" {
					worst = k.Result
				}
				switch {
				case a.json:
				case a.plain:
					plainLine(a.out, k.Result, k.Text, k.Hint)
				default:
					fmt.Fprintf(a.out, "%s %s\n", pad(k.Result, 5), clean(k.Text))
					if k.Hint != "" {
						fmt.Fprintln(a.out, wrap(clean(k.Hint), a.outTerm().width, "      ", "      "))
					}
				}
			}
			if a.json {
				if err := writeJSON(a.out, struct {
					Schema string  `json:"schema"`
					Checks []check `json:"checks"`
				}{"inwriting.doctor/v1", checks}); err != nil {
					return err
				}
			}
			if worst == "fail" {
				return &exitError{status: exitFailed}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "leave the mailboxes alone")
	return c
}

func (a *app) examine(ctx context.Context, offline bool) []check {
	var out []check
	add := func(result, hint, format string, args ...any) {
		out = append(out, check{result, fmt.Sprintf(format, args...), hint})
	}
	fail := func(err error) {
		_, hint := statusOf(ctx, err)
		add("fail", hint, "%v", err)
	}
	cfg, err := a.config()
	if err != nil {
		fail(err)
		return out
	}
	if cfg.File() == "" {
		add("ok", "", "no configuration file; the defaults hold")
	} else {
		add("ok", "", "configuration %s", cfg.File())
	}
	dir, err := a.data(cfg)
	if err != nil {
		fail(err)
		return out
	}
	switch st, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
		add("ok", `"inwriting import" or "inwriting sync" begins one`, "no vault yet in %s", dir)
	case err != nil:
		fail(err)
	case !st.IsDir():
		add("fail", "give another one with --data DIR", "%s is no folder", dir)
	default:
		if st.Mode().Perm()&0o077 != 0 {
			add("warn", "chmod 700 "+dir, "data folder %s can be read by others on this machine", dir)
		} else {
			add("ok", "", "data folder readable and writable by you only")
		}
		a.examineVault(ctx, dir, add, fail)
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(dir), &disk) == nil {
		if free := disk.Bavail * uint64(disk.Bsize); free < 1<<30 {
			add("warn", "a full disk stops collecting; nothing that is kept gets lost", "%d MB free on the disk of the data folder", free>>20)
		}
	}
	if len(cfg.Mailboxes) > 0 && len(cfg.Alerts) == 0 {
		add("ok", `an [[alert]] in the configuration tells it by command, webhook or mail; "inwriting config example" shows one`, "nobody is told when a mailbox is not read any more")
	}
	for _, m := range cfg.Mailboxes {
		if offline || ctx.Err() != nil {
			break
		}
		t := a.probe(ctx, cfg, m)
		switch {
		case !t.OK:
			add("fail", t.Hint, "%s: %s", m.Address, t.Error)
		case !t.ReadOnly:
			add("warn", "folders that are not confirmed as read-only are not collected", "%s: the server does not confirm that it opens folders for reading only", m.Address)
		default:
			add("ok", "", "%s: signed in, %s, read-only session confirmed", m.Address, plural(t.Folders, "folder", "folders"))
			if w := t.warning(); w != "" {
				add("warn", `"inwriting mailbox list" shows what is left out; a provider may also hide the folder from IMAP`, "%s: %s", m.Address, w)
			}
		}
	}
	return out
}

func (a *app) examineVault(ctx context.Context, dir string, add func(string, string, string, ...any), fail func(error)) {
	if _, err := os.Stat(filepath.Join(dir, "archive")); errors.Is(err, os.ErrNotExist) {
		add("ok", `"inwriting import" or "inwriting sync" begins one`, "no vault yet in %s", dir)
		return
	}
	b, err := a.open(ctx)
	if err != nil {
		fail(err)
		return
	}
	defer b.Close()
	s, ok := b.(*service)
	if !ok {
		add("ok", "", "a daemon owns the vault and answers")
	} else if err := s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
		messages, _, err := c.Totals()
		if err != nil {
			return err
		}
		indexed, err := ix.Count()
		if err != nil {
			return err
		}
		if indexed < messages {
			add("warn", `"inwriting rebuild index" makes it again, the next question also reads what waits`, "%d of %s not read yet", messages-indexed, plural(messages, "message", "messages"))
		} else {
			add("ok", "", "archive, ledger, catalog and index agree (%s, %s)", plural(messages, "message", "messages"), plural(int(l.Size()), "ledger entry", "ledger entries"))
		}
		return nil
	}); err != nil {
		fail(err)
	}
	cov, err := b.Coverage(ctx)
	if err != nil {
		fail(err)
		return
	}
	for _, m := range cov.Mailboxes {
		var oldest time.Time
		lost := 0
		for _, f := range m.Folders {
			lost += f.Quarantined
			if f.LastSync != nil && (oldest.IsZero() || f.LastSync.Before(oldest)) {
				oldest = *f.LastSync
			}
		}
		if lost > 0 {
			add("warn", `"inwriting status" tells the folders; they are asked for again every day`, "%s: %s the server did not give", m.Address, plural(lost, "message", "messages"))
		}
		if m.State != "imported" && !oldest.IsZero() && now().Sub(oldest) > 48*time.Hour {
			add("warn", `"inwriting sync", or "inwriting serve" to keep it current`, "%s was last read to its end on %s", m.Address, moment(oldest.Local()))
		}
	}
	if cp := cov.Checkpoint; cp != nil && cp.Time.After(now().Add(5*time.Minute)) {
		add("warn", "set the clock: sealed times follow it", "the last checkpoint is dated %s, which is still to come", moment(cp.Time.Local()))
	}
}
