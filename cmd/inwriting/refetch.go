package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

type refetchArgs struct {
	Messages []string `json:"messages"` // ids or ledger entries; none: all that are damaged
}

// refetch is the action "refetch": it makes good what is damaged.
func (s *service) refetch(ctx context.Context, args refetchArgs) (*indexer.RefetchReport, error) {
	var refs []archive.Ref
	if len(args.Messages) == 0 {
		report, err := s.vault.Verify(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range report.Damage {
			if d.Kind != archive.Added {
				refs = append(refs, d.Messages...)
			}
		}
	}
	for _, id := range args.Messages {
		ref, err := s.messageOf(id)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	cfg := s.config()
	return s.vault.Refetch(ctx, refs, func(ctx context.Context, p indexer.Place, stage imapsync.Stager) (*archive.Blob, error) {
		m, ok := cfg.Mailbox(p.Address)
		if !ok {
			return nil, fmt.Errorf("%s is not in the configuration", p.Address)
		}
		return imapsync.Refetch(ctx, accountOf(cfg, m, s.getenv), p.Folder, p.UIDValidity, p.UID, stage)
	})
}

// messageOf finds a message by the beginning of its id, or by the number of the
// ledger entry that sealed it.
func (s *service) messageOf(id string) (ref archive.Ref, err error) {
	err = s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		if n, err := strconv.ParseInt(strings.ReplaceAll(id, ",", ""), 10, 64); err == nil && len(id) < 16 {
			line, err := l.Line(n)
			if err != nil {
				return fmt.Errorf("ledger entry %d: %w", n, err)
			}
			e, err := ledger.Decode(line)
			if err != nil {
				return err
			}
			seen, ok := e.Fact.(ledger.MsgSeen)
			if !ok {
				return fmt.Errorf("ledger entry %d seals no message: %w", n, errNothing)
			}
			ref, err = archive.ParseRef(seen.Blob)
			return err
		}
		list, err := c.RefsWithPrefix(strings.TrimPrefix(strings.ToLower(id), "sha256-"), 2)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return fmt.Errorf("message %q: %w", id, errNothing)
		}
		ref = list[0]
		return nil
	})
	return ref, err
}

func (a *app) mailboxRefetchCmd() *cobra.Command {
	return &cobra.Command{
		Use: "refetch [MESSAGE]...", Short: "Fetch damaged messages again from their mailboxes",
		Long: `Refetch makes good messages whose octets in the archive are not what was sealed:
it fetches them from the mailboxes that still list them, and keeps only what has
the hash that was sealed. Without MESSAGE, "verify" says which ones are damaged.
MESSAGE is an id or the number of the ledger entry. The damaged octets are set
aside, and the ledger records it.`,
		Example: "  inwriting mailbox refetch\n  inwriting mailbox refetch sha256-9f2c71d0",
		RunE: func(c *cobra.Command, args []string) error {
			b, err := a.open(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var r indexer.RefetchReport
			err = b.do(c.Context(), "refetch", refetchArgs{args}, nil, &r)
			if r.Schema == "" {
				return err
			}
			if e := a.printRefetch(r); e != nil {
				return e
			}
			if err == nil && len(r.Left) > 0 {
				err = &exitError{status: exitVerification}
			}
			return err
		},
	}
}

func (a *app) printRefetch(r indexer.RefetchReport) error {
	if a.json {
		return writeJSON(a.out, r)
	}
	for _, ref := range r.Restored {
		fmt.Fprintf(a.out, "restored  %v\n", ref)
	}
	for _, ref := range r.Intact {
		fmt.Fprintf(a.out, "intact    %v\n", ref)
	}
	for _, l := range r.Left {
		fmt.Fprintf(a.out, "damaged   %v: %s\n", l.Ref, clean(l.Why))
	}
	for _, f := range r.Aside {
		fmt.Fprintf(a.err, "the damaged octets are in %s\n", f)
	}
	if len(r.Restored)+len(r.Intact)+len(r.Left) == 0 {
		fmt.Fprintln(a.err, "nothing is damaged")
	}
	return nil
}
