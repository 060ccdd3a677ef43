package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/search"
	"inwriting/search/trail"
)

// eraseArgs are the arguments of the action "erase".
type eraseArgs struct {
	IDs    []string `json:"ids"`
	Reason string   `json:"reason"`
	By     string   `json:"by"`
	Force  bool     `json:"force"`
	DryRun bool     `json:"dry_run"`
}

func (a *app) eraseCmd() *cobra.Command {
	var args eraseArgs
	yes := false
	c := &cobra.Command{
		Use: "erase MESSAGE… [--reason TEXT]", Short: "Erase messages for good, and say in the ledger that something was erased", Args: atLeast(1, "a message"),
		Long: `Erase takes a message's octets, every ledger line that names it, and all that was read
of it out of the vault. The ledger keeps an entry that says when, why and by whom
something was erased, and a hash that nobody can tie to the message but who has the
nonce that is printed here, once. All other proofs, receipts and time stamps stay valid.

It is not undone. What other messages quote of it, backups, disk snapshots and bundles
already given out are not touched; delete it in the mailbox too. A message that an open
matter holds (pinned, or as an exhibit) or that is on hold is not erased without --force.`,
		Example: "  inwriting erase sha256-9f2c41 --reason \"erasure request of 3 March\" --dry-run\n  inwriting erase sha256-9f2c41 --reason \"erasure request of 3 March\" --yes",
		RunE: func(c *cobra.Command, ids []string) error {
			if args.IDs = ids; strings.TrimSpace(args.Reason) == "" {
				args.Reason = "no reason given"
			}
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var r indexer.EraseReport
			plan := args
			plan.DryRun = true
			if err := b.do(c.Context(), "erase", plan, nil, &r); err != nil {
				return err
			}
			if !args.DryRun {
				if err := a.confirmErase(c.Context(), &r, yes, args.Force); err != nil {
					return err
				}
				r = indexer.EraseReport{}
				show, bar := a.bars()
				err := b.do(c.Context(), "erase", args, show, &r)
				bar.done()
				if err != nil {
					return err
				}
			}
			if a.json {
				return writeJSON(a.out, r)
			}
			a.printErase(&r)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&args.Reason, "reason", "", "why, kept in the ledger; it should not say what the message was")
	f.StringVar(&args.By, "by", "", "who approved it; you when none is given")
	f.BoolVar(&args.Force, "force", false, "although a matter or a hold holds it")
	f.BoolVar(&args.DryRun, "dry-run", false, "say what would be erased, and erase nothing")
	f.BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// confirmErase asks, unless --yes was given. What is held is refused before.
func (a *app) confirmErase(ctx context.Context, r *indexer.EraseReport, yes, force bool) error {
	for _, m := range r.Messages {
		if len(m.Held) > 0 && !force {
			return fmt.Errorf("%s: %w by %s", m.Ref, indexer.ErrHeld, strings.Join(m.Held, ", "))
		}
	}
	if yes {
		return nil
	}
	if !a.asks() {
		return usage("erase asks first: give --yes to erase %s without being asked", plural(len(r.Messages), "message", "messages"))
	}
	for _, m := range r.Messages {
		fmt.Fprintf(a.err, "%s\n", erasedName(m))
	}
	ok, err := a.yes(ctx, fmt.Sprintf("Erase %s for good?", plural(len(r.Messages), "message", "messages")), false)
	if err == nil && !ok {
		err = errors.New("nothing was erased")
	}
	return err
}

func erasedName(m indexer.ErasedMessage) string {
	name := m.Ref.String()
	if m.Date != nil {
		name = fmt.Sprintf("%s  (%s)", subject(m.Subject), shortDay(*m.Date))
	}
	return name
}

func (a *app) printErase(r *indexer.EraseReport) {
	word := "Erased"
	if r.DryRun {
		word = "Would erase"
	}
	for _, m := range r.Messages {
		if a.plain {
			plainLine(a.out, m.Ref.String(), fmt.Sprint(m.Entry), fmt.Sprint(m.Lines), m.Commitment, m.Nonce)
			continue
		}
		fmt.Fprintf(a.out, "%s  %s\n", word, erasedName(m))
		fmt.Fprintf(a.out, "  %s of the ledger; entry %s says that something was erased\n", plural(m.Lines, "line", "lines"), number(int(m.Entry)))
		if !r.DryRun {
			fmt.Fprintf(a.out, "  nonce %s  (kept nowhere else: it shows that this was it)\n", m.Nonce)
		}
		for _, h := range m.Held {
			fmt.Fprintf(a.out, "  it is held by %s\n", clean(h))
		}
		for _, ref := range m.Originals {
			fmt.Fprintf(a.out, "  it was made from %s, which is kept and holds the same words: erase that too\n", ref)
		}
		for _, l := range m.Listed {
			fmt.Fprintf(a.out, "  the server still has it: %s; delete it there too\n", clean(l))
		}
	}
	if a.plain {
		return
	}
	for _, b := range r.Bundles {
		fmt.Fprintf(a.out, "A bundle made on %s may hold it: tagmanifest %s\n", shortDay(b.Time), shortHash(b.TagManifest))
	}
	for _, name := range r.Removed {
		fmt.Fprintf(a.out, "%s, set aside after a crash, was removed\n", name)
	}
	fmt.Fprintln(a.out, "Not touched: what other messages quote of it, backups, and bundles already given out.")
}

func (s *service) erase(ctx context.Context, args eraseArgs, events func(any)) (*indexer.EraseReport, error) {
	req := indexer.EraseRequest{Reason: args.Reason, By: args.By, Force: args.Force, DryRun: args.DryRun}
	if req.By == "" {
		req.By = s.by()
	}
	held := map[archive.Ref][]string{}
	for _, id := range args.IDs {
		ref, err := s.refOf(ctx, id, held)
		if err != nil {
			return nil, err
		}
		req.Refs = append(req.Refs, ref)
	}
	if !req.Force && !req.DryRun {
		for ref, by := range held {
			return nil, fmt.Errorf("%v: %w by %s", ref, indexer.ErrHeld, strings.Join(by, ", "))
		}
	}
	r, err := s.vault.Erase(ctx, req)
	if errors.Is(err, catalog.ErrNotFound) {
		err = fmt.Errorf("erasing %s: %w", strings.Join(args.IDs, ", "), search.ErrNotFound)
	}
	if err != nil {
		return r, err
	}
	for i := range r.Messages {
		r.Messages[i].Held = append(r.Messages[i].Held, held[r.Messages[i].Ref]...)
	}
	if !req.DryRun {
		err = s.read(ctx, events)
	}
	return r, err
}

// refOf finds a message or an exhibit, and notes the holds on a client of its.
func (s *service) refOf(ctx context.Context, id string, held map[archive.Ref][]string) (archive.Ref, error) {
	doc, err := s.Message(ctx, id)
	if errors.Is(err, search.ErrNotFound) {
		if ref, perr := archive.ParseRef(id); perr == nil {
			return ref, nil // an exhibit is no message
		}
	}
	if err != nil {
		return archive.Ref{}, err
	}
	var holds []catalog.Hold
	if err := s.catalog(func(c *catalog.Catalog) error { holds, err = c.OnHold(); return err }); err != nil {
		return archive.Ref{}, err
	}
	people := s.peopleNow()
	m := doc.Message
	for _, h := range holds {
		name, ok := strings.CutPrefix(h.Scope, "client ")
		if !ok {
			continue
		}
		for _, address := range append(append([]string{m.From}, m.To...), doc.Cc...) {
			if role, of := people.Role(address); role == trail.Client && strings.EqualFold(of, name) {
				held[m.Ref] = append(held[m.Ref], "a hold on "+name+": "+h.Reason)
				break
			}
		}
	}
	return m.Ref, nil
}

// holdArgs are the arguments of the action "hold".
type holdArgs struct {
	IDs     []string `json:"ids"`
	Client  string   `json:"client"`
	Reason  string   `json:"reason"`
	Release bool     `json:"release"`
}

// holdsDoc is the document "inwriting.holds/v1".
type holdsDoc struct {
	Schema string    `json:"schema"`
	Holds  []holdDoc `json:"holds"`
}

type holdDoc struct {
	Scope  string `json:"scope"` // "sha256-…" or "client NAME"
	Reason string `json:"reason"`
	By     string `json:"by"`
	Since  string `json:"since"`
}

func (a *app) holdCmd() *cobra.Command {
	var args holdArgs
	c := &cobra.Command{
		Use: "hold [MESSAGE…] [--of CLIENT]", Short: "Keep messages, or all of a client's, from being erased",
		Long: `Hold records that messages must stay, as for a claim that may come. Without arguments
it lists what is held. --release lets go of it again.`,
		Example: "  inwriting hold --of \"Hale Architects\" --reason \"claim of 13 March\"\n  inwriting hold sha256-9f2c41 --release --reason settled",
		RunE: func(c *cobra.Command, ids []string) error {
			if args.IDs = ids; len(ids) > 0 || args.Client != "" {
				if strings.TrimSpace(args.Reason) == "" {
					return usage("hold needs --reason TEXT, which is kept in the ledger")
				}
			}
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var d holdsDoc
			if err := b.do(c.Context(), "hold", args, nil, &d); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			for _, h := range d.Holds {
				if a.plain {
					plainLine(a.out, h.Scope, h.Since, h.By, h.Reason)
				} else {
					fmt.Fprintf(a.out, "%s  held since %s by %s: %s\n", clean(h.Scope), h.Since, clean(h.By), clean(h.Reason))
				}
			}
			if len(d.Holds) == 0 && !a.plain {
				fmt.Fprintln(a.out, "Nothing is held.")
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&args.Client, "of", "", "everything of a `CLIENT`")
	f.StringVar(&args.Reason, "reason", "", "why, kept in the ledger")
	f.BoolVar(&args.Release, "release", false, "let go of it")
	return c
}

func (s *service) hold(ctx context.Context, args holdArgs) (*holdsDoc, error) {
	var scopes []string
	for _, id := range args.IDs {
		ref, err := s.refOf(ctx, id, map[archive.Ref][]string{})
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, ref.String())
	}
	if args.Client != "" {
		name := ""
		for _, c := range s.peopleNow().Clients {
			if strings.EqualFold(c.Name, args.Client) {
				name = c.Name
			}
		}
		if name == "" {
			return nil, fmt.Errorf("client %q: %w", args.Client, errNoClient)
		}
		scopes = append(scopes, "client "+name)
	}
	for _, scope := range scopes {
		if err := s.vault.Decide(ledger.Hold{Scope: scope, Reason: args.Reason, By: s.by(), Released: args.Release}); err != nil {
			return nil, err
		}
	}
	d := &holdsDoc{Schema: "inwriting.holds/v1", Holds: []holdDoc{}}
	err := s.catalog(func(c *catalog.Catalog) error {
		holds, err := c.OnHold()
		for _, h := range holds {
			d.Holds = append(d.Holds, holdDoc{h.Scope, h.Reason, h.By, h.At.Format("2006-01-02")})
		}
		return err
	})
	return d, err
}
