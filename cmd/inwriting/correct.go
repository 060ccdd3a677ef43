package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"inwriting/search/trail"
)

func (a *app) correctCmd() *cobra.Command {
	var args correctArgs
	c := &cobra.Command{
		Use:   "correct ID",
		Short: "Say that a statement is of another kind, or none",
		Long: `Correct records in the ledger that a statement was read wrongly. Trails and
searches use the corrected kind from then on; the original reading stays beside it.
--kind none says that it is no statement at all: only its id finds it then. --undo
takes the correction back.

What you correct makes this vault less sure of other readings as the same kind, and
"explain" says so. The model that reads mail is never changed.`,
		Example: "  inwriting correct s-7k2q --kind question --note \"she asks, she does not order\"\n  inwriting correct s-7k2q --undo",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, words []string) error {
			args.ID = words[0]
			if args.Kind == "" && !args.Undo {
				return &exitError{status: exitUsage, err: fmt.Errorf("correct %s to what?", args.ID), hint: "--kind takes one of " + kindList() + ", none"}
			}
			if args.Kind != "" && args.Undo {
				return usage("--kind and --undo exclude each other")
			}
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var d correctDoc
			if err := b.do(c.Context(), "correct", args, nil, &d); err != nil {
				return err
			}
			s := d.Statement
			switch {
			case a.json:
				return writeJSON(a.out, d)
			case a.plain:
				plainLine(a.out, s.ID, string(s.Kind), s.Quote)
				return nil
			}
			fmt.Fprintf(a.out, "%s  %s\n", s.ID, a.outTerm().bold(kindName(s.Kind)))
			if s.Corrected != nil {
				fmt.Fprintln(a.out, "  "+correctedWords(*s.Corrected))
			}
			return nil
		},
	}
	c.Flags().StringVar(&args.Kind, "kind", "", "the `KIND` it is: "+kindList()+", none")
	c.Flags().StringVar(&args.Note, "note", "", "`WORDS` that say why")
	c.Flags().BoolVar(&args.Undo, "undo", false, "take the correction back")
	return c
}

func correctedWords(k trail.Correction) string {
	s := fmt.Sprintf("read as %s, corrected by %s on %s", k.Was, clean(k.By), shortDay(k.At))
	if k.Note != "" {
		s += ": " + clean(k.Note)
	}
	return s
}
