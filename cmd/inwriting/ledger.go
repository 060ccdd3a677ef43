package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) ledgerCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "ledger", Short: "Look at the ledger, prove entries, have it time-stamped, give receipts", Args: exactly(0),
		Long: `The ledger records what was collected when, entry by entry, under one signed tree
(RFC 6962). Changing, dropping or adding an entry shows. "inwriting verify --archive"
checks all of it.`,
		Example: "  inwriting ledger list --type anchor\n  inwriting ledger prove sha256-9f2c41 -o proof/\n  inwriting ledger receipt -o receipt.txt\n  inwriting ledger check receipt.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			var d checkpointDoc
			if err := a.askLedger(c, ledgerArgs{Do: "checkpoint"}, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			io.WriteString(a.out, ledgerState(d))
			fmt.Fprintf(a.err, "inwriting: hint: %q lists what can be done with it\n", "inwriting ledger -h")
			return nil
		},
	}
	c.AddCommand(a.ledgerListCmd(), a.ledgerShowCmd(), a.ledgerCheckpointCmd(), a.ledgerProveCmd(), a.ledgerAnchorCmd(), a.ledgerReceiptCmd(), a.ledgerCheckCmd(),
		a.ledgerKeysCmd(), a.ledgerRotateCmd())
	return c
}

// askLedger has the vault's owner do one ledger action.
func (a *app) askLedger(c *cobra.Command, args ledgerArgs, result any) error {
	b, err := a.open(c.Context())
	if err != nil {
		return err
	}
	defer b.Close()
	return b.do(c.Context(), "ledger", args, nil, result)
}

func (a *app) ledgerListCmd() *cobra.Command {
	args := ledgerArgs{Do: "list"}
	all := false
	c := &cobra.Command{
		Use: "list", Short: "List entries, the newest last", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if all {
				args.Limit = 0
			}
			var d ledgerDoc
			if err := a.askLedger(c, args, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			for _, e := range d.Entries {
				when := "erased"
				if e.Time != nil {
					when = e.Time.Format("2006-01-02T15:04:05Z")
				}
				if a.plain {
					plainLine(a.out, fmt.Sprint(e.Index), when, e.Type, e.Text)
					continue
				}
				fmt.Fprintf(a.out, "%7s  %s  %s %s\n", number(int(e.Index)), pad(when, 20), pad(e.Type, 15), clean(e.Text))
			}
			if !a.plain {
				fmt.Fprintf(a.out, "%s of %s\n", plural(len(d.Entries), "entry", "entries"), number(int(d.Size)))
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&args.Type, "type", "", "only entries of a `TYPE`, as msg.seen, anchor or erase")
	f.Int64Var(&args.From, "from", 0, "from entry `N` on")
	f.Int64Var(&args.Limit, "limit", 40, "at most `N`, the newest")
	f.BoolVar(&all, "all", false, "without a limit")
	return c
}

func (a *app) ledgerShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show N|MESSAGE", Short: "Show one entry as it is kept", Args: exactly(1),
		Example: "  inwriting ledger show 17\n  inwriting ledger show sha256-9f2c41",
		RunE: func(c *cobra.Command, args []string) error {
			var e entryDoc
			if err := a.askLedger(c, ledgerArgs{Do: "show", Item: args[0]}, &e); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, e)
			}
			fmt.Fprintf(a.out, "entry %s, %s: %s\n", number(int(e.Index)), e.Type, clean(e.Text))
			if e.Time != nil {
				fmt.Fprintf(a.out, "recorded  %s\n", e.Time.Format("2 January 2006 15:04:05.000 MST"))
			}
			fmt.Fprintf(a.out, "leaf      %s\n%s\n", e.Leaf, e.Line)
			return nil
		},
	}
}

func (a *app) ledgerCheckpointCmd() *cobra.Command {
	return &cobra.Command{
		Use: "checkpoint", Short: "Sign the ledger as it is and print the checkpoint (C2SP)", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			var d checkpointDoc
			if err := a.askLedger(c, ledgerArgs{Do: "checkpoint"}, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			_, err := io.WriteString(a.out, d.Note)
			return err
		},
	}
}

func (a *app) ledgerProveCmd() *cobra.Command {
	args := ledgerArgs{Do: "prove"}
	out := ""
	c := &cobra.Command{
		Use: "prove N|MESSAGE | --since N", Short: "Write the proof that an entry is in the ledger, or that it only grew", Args: cobra.MaximumNArgs(1),
		Long: `Prove writes C2SP proof files: N.entry and N.tlog-proof for an entry (the octets of
.entry are the leaf), or OLD-NEW.consistency for the ledger's growth since it had OLD
entries. tools/check_proof.py and check_consistency.py in every bundle check them.`,
		Example: "  inwriting ledger prove 17 -o proof/\n  inwriting ledger prove --since 12000",
		RunE: func(c *cobra.Command, items []string) error {
			if (len(items) == 1) == (args.Old > 0) {
				return usage("prove takes an entry or a message, or --since N")
			}
			if len(items) == 1 {
				args.Item = items[0]
			}
			var d proofDoc
			if err := a.askLedger(c, args, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			files := map[string]string{fmt.Sprintf("%d-%d.consistency", d.Old, d.Size): d.Proof}
			if d.Entry != "" {
				files = map[string]string{fmt.Sprintf("%d.entry", d.Index): d.Entry, fmt.Sprintf("%d.tlog-proof", d.Index): d.Proof}
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return fmt.Errorf("writing the proof: %w", err)
			}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				path := filepath.Join(out, name)
				if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
					return fmt.Errorf("writing the proof: %w", err)
				}
				fmt.Fprintln(a.out, path)
			}
			return nil
		},
	}
	c.Flags().Int64Var(&args.Old, "since", 0, "growth since the ledger had `N` entries")
	c.Flags().StringVarP(&out, "output", "o", ".", "the `FOLDER` to write to")
	return c
}

func (a *app) ledgerAnchorCmd() *cobra.Command {
	return &cobra.Command{
		Use: "anchor", Short: "Have the ledger time-stamped now by the configured authorities", Args: exactly(0),
		Long: `Anchor asks every [[timestamp]] of the configuration to put its time on the ledger
(RFC 3161), unless it did since the last entry. Only a hash leaves the machine. It is
done after every sync by itself, once an hour at most.`,
		RunE: func(c *cobra.Command, _ []string) error {
			var r anchorReport
			if err := a.askLedger(c, ledgerArgs{Do: "anchor"}, &r); err != nil {
				return err
			}
			failed := false
			if a.json {
				if err := writeJSON(a.out, r); err != nil {
					return err
				}
			}
			for _, s := range r.Stamps {
				failed = failed || s.Error != ""
				switch {
				case a.json:
				case s.Error != "":
					fmt.Fprintf(a.err, "inwriting: %s gave no time: %s\n", s.Authority, clean(s.Error))
				default:
					fmt.Fprintf(a.out, "%s time-stamped %s at %s\n", s.Authority, plural(int(s.Size), "entry", "entries"), s.Time.Format("2006-01-02T15:04:05Z"))
				}
			}
			if len(r.Stamps) == 0 && !a.json {
				fmt.Fprintf(a.out, "Every authority has stamped the %s that there are.\n", plural(int(r.Size), "entry", "entries"))
			}
			if failed {
				return &exitError{status: exitMailbox}
			}
			return nil
		},
	}
}

func (a *app) ledgerReceiptCmd() *cobra.Command {
	out := ""
	c := &cobra.Command{
		Use: "receipt", Short: "Print a receipt of the ledger to mail or to keep on paper", Args: exactly(0),
		Long: `A receipt says what the ledger was at a time. Kept where you cannot change it, by a
client, an accountant or on paper, it shows later that the ledger then was the one
that is shown now: "inwriting ledger check FILE".`,
		Example: "  inwriting ledger receipt | mail -s \"Ledger receipt\" accountant@firm.example\n  inwriting ledger receipt -o receipt.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			var d checkpointDoc
			if err := a.askLedger(c, ledgerArgs{Do: "checkpoint"}, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			text := receipt(d)
			if out == "" {
				_, err := io.WriteString(a.out, text)
				return err
			}
			if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
				return fmt.Errorf("writing the receipt: %w", err)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "write to a `FILE`")
	return c
}

const (
	receiptStart = "-----BEGIN CHECKPOINT-----"
	receiptEnd   = "-----END CHECKPOINT-----"
)

// receipt is text that survives mail programs: nothing outside the marks matters, and
// checkpointIn takes quoted and broken lines.
func receipt(d checkpointDoc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Receipt of a ledger of collected mail\n\n%s", ledgerState(d))
	b.WriteString(`
It holds no mail and tells nothing of its content. Keep it where the ledger's
owner cannot change it. Whoever has it can later ask that the ledger be shown
to continue this one:

  inwriting ledger check FILE

`)
	fmt.Fprintf(&b, "%s\n%s%s\n", receiptStart, d.Note, receiptEnd)
	fmt.Fprintf(&b, "Verifier key  %s\n", d.VKey)
	return b.String()
}

// ledgerState says in a few lines what the ledger is, and who put a time on it.
func ledgerState(d checkpointDoc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  Ledger   %s\n", d.Origin)
	fmt.Fprintf(&b, "  Entries  %s\n", number(int(d.Size)))
	fmt.Fprintf(&b, "  Newest   %s\n", d.Time.UTC().Format("2 January 2006 15:04:05 MST"))
	fmt.Fprintf(&b, "  Head     %s\n", d.Head)
	fmt.Fprintf(&b, "  Key      %s\n", d.Fingerprint)
	for _, x := range d.Anchors[max(0, len(d.Anchors)-2):] {
		fmt.Fprintf(&b, "  Stamped  %s entries by %s, %s\n", number(int(x.Size)), x.Authority, x.Time.UTC().Format("2 January 2006 15:04:05 MST"))
	}
	switch {
	case len(d.Anchors) == 0:
		fmt.Fprintf(&b, "  Stamped  by no outside authority\n")
	case d.Unanchored > 0:
		fmt.Fprintf(&b, "           %s since\n", plural(int(d.Unanchored), "entry", "entries"))
	}
	return b.String()
}

// checkpointIn finds the checkpoint in a receipt, also in one that was mailed and
// quoted, or that is nothing but a checkpoint.
func checkpointIn(b []byte) ([]byte, error) {
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	_, rest, ok := strings.Cut(text, receiptStart)
	if !ok {
		if strings.Count(text, "\n") >= 4 {
			return []byte(text), nil
		}
		return nil, errNoReceipt
	}
	body, _, ok := strings.Cut(rest, receiptEnd)
	if !ok {
		return nil, errNoReceipt
	}
	var lines []string
	signatures := false
	for _, l := range strings.Split(body, "\n")[1:] {
		l = strings.TrimSpace(strings.TrimLeft(l, "> \t"))
		if signatures && l != "" && !strings.HasPrefix(l, "—") && len(lines) > 0 {
			// A mail program broke it, at a space or within the signature.
			if last := &lines[len(lines)-1]; len(strings.Fields(*last)) >= 3 {
				*last += l
			} else {
				*last += " " + l
			}
			continue
		}
		lines = append(lines, l)
		signatures = signatures || l == ""
	}
	return []byte(strings.TrimSuffix(strings.Join(lines, "\n"), "\n") + "\n"), nil
}

func (a *app) ledgerCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE|-", Short: "Check that the ledger continues the one that a receipt is of", Args: exactly(1),
		RunE: func(c *cobra.Command, files []string) error {
			var b []byte
			var err error
			if files[0] == "-" {
				b, err = io.ReadAll(io.LimitReader(a.in, 1<<20))
			} else {
				b, err = os.ReadFile(files[0])
			}
			if err != nil {
				return fmt.Errorf("reading the receipt: %w", err)
			}
			note, err := checkpointIn(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
			if err != nil {
				return fmt.Errorf("reading the receipt in %q: %w", files[0], err)
			}
			var r receiptCheck
			if err := a.askLedger(c, ledgerArgs{Do: "check", Note: note}, &r); err != nil {
				return err
			}
			switch {
			case a.json:
				err = writeJSON(a.out, r)
			case r.OK:
				when := ""
				if r.Time != nil {
					when = ", the newest of " + r.Time.UTC().Format("2 January 2006 15:04:05 MST")
				}
				fmt.Fprintf(a.out, "OK  the ledger of %s holds, unchanged, the %s that the receipt is of%s\n",
					plural(int(r.Now), "entry", "entries"), number(int(r.Size)), when)
			}
			if err == nil && !r.OK {
				err = &exitError{status: exitVerification}
				if !a.json {
					err = &exitError{status: exitVerification, err: fmt.Errorf("%w: %s", errNotOurs, r.Problem)}
				}
			}
			return err
		},
	}
}
