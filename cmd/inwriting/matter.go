package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/search/trail"
)

func (a *app) matterCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "matter",
		Short: "Keep a question, with what belongs to it",
		Long: `A matter is a question with a name. Statements and messages can be pinned to its
trail or left out of it, with the reason; notes and files from outside the mail (a
screenshot, a chat export, a contract) are kept with it. "inwriting trail NAME" and
"inwriting export NAME" use it. Everything is recorded in the ledger, and nothing
that is left out is left out silently.`,
		Example: `  inwriting matter new vienna-flight what date did Martin want to fly --of "Hale Architects"
  inwriting matter add vienna-flight s-7k2q chat.png --reason "sent by phone"
  inwriting matter drop vienna-flight s-4m9d --reason "private, not about the work"
  inwriting trail vienna-flight`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &exitError{status: exitUsage, err: fmt.Errorf("unknown command %q", "matter "+args[0]), hint: "want new, list, add, drop, note or close"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return c.Help() },
	}
	c.AddCommand(a.matterNewCmd(), a.matterListCmd(), a.matterAddCmd(), a.matterDropCmd(), a.matterNoteCmd(), a.matterCloseCmd())
	return c
}

// matterDo runs one action and shows the matter as it is then.
func (a *app) matterDo(c *cobra.Command, args matterArgs) error {
	b, err := a.openRead(c.Context())
	if err != nil {
		return err
	}
	defer b.Close()
	var d matterDoc
	if err := b.do(c.Context(), "matter", args, nil, &d); err != nil {
		return err
	}
	switch {
	case a.json:
		return writeJSON(a.out, d)
	case a.plain:
		plainMatter(a.out, d)
		return nil
	}
	renderMatter(a.out, a.outTerm(), d)
	return nil
}

func (a *app) matterNewCmd() *cobra.Command {
	var args matterArgs
	c := &cobra.Command{
		Use: "new NAME QUESTION...", Short: "Keep a question under a name", Args: atLeast(2, "a name and a question"),
		Example: `  inwriting matter new vienna-flight what date did Martin want to fly --title "Vienna flight, March" --of "Hale Architects"`,
		RunE: func(c *cobra.Command, words []string) error {
			args.Do, args.Name, args.Question = "new", words[0], strings.Join(words[1:], " ")
			return a.matterDo(c, args)
		},
	}
	c.Flags().StringVar(&args.Title, "title", "", "`WORDS` for people; the question when none are given")
	c.Flags().StringVar(&args.Client, "of", "", "the configured `CLIENT` it is for")
	return c
}

func (a *app) matterListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list [NAME]", Short: "List the matters, newest first, or show one whole",
		Example: "  inwriting matter list\n  inwriting matter list vienna-flight --json",
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) > 1 {
				return usage("matter list takes one name")
			}
			if len(words) == 1 {
				return a.matterDo(c, matterArgs{Do: "show", Name: words[0]})
			}
			b, err := a.open(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var d mattersDoc
			if err := b.do(c.Context(), "matter", matterArgs{Do: "list"}, nil, &d); err != nil {
				return err
			}
			switch {
			case a.json:
				err = writeJSON(a.out, d)
			case a.plain:
				for _, m := range d.Matters {
					plainMatter(a.out, m)
				}
			case len(d.Matters) == 0:
				fmt.Fprintln(a.out, "No matter is kept yet.")
				fmt.Fprintln(a.err, `inwriting: hint: "inwriting matter new NAME QUESTION" keeps one`)
			default:
				t := a.outTerm()
				for _, m := range d.Matters {
					fmt.Fprintf(a.out, "%s %s %s\n", pad(t.bold(m.Name), 24), pad(m.State, 7), wrap(clean(m.Title), t.width-33, "", strings.Repeat(" ", 33)))
				}
			}
			return err
		},
	}
}

func (a *app) matterAddCmd() *cobra.Command {
	args := matterArgs{Do: "add"}
	c := &cobra.Command{
		Use: "add NAME ID|FILE...", Short: "Pin statements or messages, or take in a file from outside the mail", Args: atLeast(2, "a matter, and ids or files"),
		Long: `Add pins statements (s-…) and messages (sha256-…, or <Message-ID>) to a matter's
trail, whatever its question finds. A file is taken into the archive with its hash,
listed in the trail and packed into the bundle. --undo takes a pin away again.`,
		Example: "  inwriting matter add vienna-flight s-7k2q\n  inwriting matter add vienna-flight contract.pdf --reason \"signed on paper\"",
		RunE: func(c *cobra.Command, words []string) error {
			var err error
			args.Name = words[0]
			if args.Items, args.Files, err = fileOrID(words[1:]); err != nil {
				return err
			}
			if args.Undo && len(args.Files) > 0 {
				return &exitError{status: exitUsage, err: errors.New("--undo takes ids"), hint: `"inwriting matter drop" leaves an exhibit out; its hash is in "inwriting matter list NAME"`}
			}
			return a.matterDo(c, args)
		},
	}
	c.Flags().StringVar(&args.Reason, "reason", "", "`WORDS` that go with it")
	c.Flags().BoolVar(&args.Undo, "undo", false, "take the pin away")
	return c
}

func (a *app) matterDropCmd() *cobra.Command {
	args := matterArgs{Do: "drop"}
	c := &cobra.Command{
		Use: "drop NAME ID...", Short: "Leave statements, messages or exhibits out, with the reason", Args: atLeast(2, "a matter and ids"),
		Long: `Drop leaves statements (s-…), messages or exhibits (sha256-…) out of a matter's
trail and bundle. Both say that something was left out, of which day and why.
Nothing is deleted. --undo puts it back.`,
		Example: "  inwriting matter drop vienna-flight s-4m9d --reason \"private, not about the work\"",
		RunE: func(c *cobra.Command, words []string) error {
			args.Name, args.Items = words[0], words[1:]
			if strings.TrimSpace(args.Reason) == "" && !args.Undo {
				return &exitError{status: exitUsage, err: errors.New("what is left out is left out for a reason"), hint: "give --reason WORDS"}
			}
			return a.matterDo(c, args)
		},
	}
	c.Flags().StringVar(&args.Reason, "reason", "", "`WORDS` that say why; they stand in trail and bundle")
	c.Flags().BoolVar(&args.Undo, "undo", false, "put it back")
	return c
}

func (a *app) matterNoteCmd() *cobra.Command {
	return &cobra.Command{
		Use: "note NAME WORDS...", Short: "Add a note to a matter", Args: atLeast(2, "a matter and the note"),
		Example: "  inwriting matter note vienna-flight Martin will call on Monday",
		RunE: func(c *cobra.Command, words []string) error {
			return a.matterDo(c, matterArgs{Do: "note", Name: words[0], Reason: strings.Join(words[1:], " ")})
		},
	}
}

func (a *app) matterCloseCmd() *cobra.Command {
	args := matterArgs{Do: "close"}
	c := &cobra.Command{
		Use: "close NAME", Short: "Close a matter; its trail can still be asked for", Args: exactly(1),
		Example: "  inwriting matter close vienna-flight --reason \"settled by phone\"\n  inwriting matter close vienna-flight --undo",
		RunE: func(c *cobra.Command, words []string) error {
			args.Name = words[0]
			return a.matterDo(c, args)
		},
	}
	c.Flags().StringVar(&args.Reason, "reason", "", "`WORDS` that say why")
	c.Flags().BoolVar(&args.Undo, "undo", false, "open it again")
	return c
}

// plainMatter is a line for the matter and one for each thing decided.
func plainMatter(w io.Writer, d matterDoc) {
	plainLine(w, d.Name, d.State, d.Client, d.Title, d.Question)
	for _, x := range d.Pinned {
		plainLine(w, d.Name, "pinned", x.ID, x.Reason, x.By)
	}
	for _, x := range d.LeftOut {
		plainLine(w, d.Name, "left out", x.ID, x.Reason, x.By)
	}
	for _, x := range d.Exhibits {
		plainLine(w, d.Name, "exhibit", x.Ref.String(), x.Name, x.Note, x.By)
	}
	for _, n := range d.Notes {
		plainLine(w, d.Name, "note", n.Text, n.By)
	}
}

func renderMatter(w io.Writer, t terminal, d matterDoc) {
	head := t.bold(clean(d.Title))
	if d.Client != "" {
		head += " · " + clean(d.Client)
	}
	fmt.Fprintln(w, head)
	state := d.Name + ", opened " + shortDay(d.Opened)
	if d.Closed != nil {
		state += ", closed " + shortDay(*d.Closed)
		if d.Reason != "" {
			state += ": " + clean(d.Reason)
		}
	}
	fmt.Fprintln(w, wrap(state, t.width, "  ", "  "))
	if d.Question != d.Title {
		fmt.Fprintln(w, wrap(clean(d.Question), t.width, "  ", "  "))
	}
	line := func(word, what, why string) {
		if why != "" {
			what += ": " + clean(why)
		}
		fmt.Fprintln(w, wrap(what, t.width, "  "+pad(word, 12), strings.Repeat(" ", 14)))
	}
	for _, x := range d.Pinned {
		line("pinned", x.ID, x.Reason)
	}
	for _, x := range d.LeftOut {
		line("left out", x.ID, x.Reason)
	}
	for _, x := range d.Exhibits {
		line(fmt.Sprintf("exhibit X%d", x.N), exhibitWords(x), x.Note)
	}
	for _, n := range d.Notes {
		line("note", shortDay(n.At), n.Text)
	}
	fmt.Fprintf(w, "%s\n", t.dim("inwriting trail "+d.Name))
}

func exhibitWords(x trail.Exhibit) string {
	return fmt.Sprintf("%s, %s, %s, taken in %s", clean(x.Name), bytesText(x.Size), x.Ref.String(), shortDay(x.At))
}

// renderDecided says what people decided about a trail: never silently.
func renderDecided(w io.Writer, t terminal, tr *trail.Trail) {
	if len(tr.Exhibits) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("FROM OUTSIDE THE MAIL"))
		for _, x := range tr.Exhibits {
			s := exhibitWords(x)
			if x.Note != "" {
				s += ": " + clean(x.Note)
			}
			fmt.Fprintln(w, wrap(s, t.width, fmt.Sprintf("  X%d ", x.N), "     "))
		}
	}
	if len(tr.LeftOut) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("LEFT OUT"))
		for _, x := range tr.LeftOut {
			fmt.Fprintln(w, wrap(leftOutWords(x), t.width, "  ", "    "))
		}
	}
	if m := tr.Matter; m != nil && len(m.Notes) > 0 {
		fmt.Fprintf(w, "\n%s\n", t.bold("NOTES"))
		for _, n := range m.Notes {
			fmt.Fprintln(w, wrap(clean(n.Text), t.width, "  "+t.dim(shortDay(n.At))+" ", "    "))
		}
	}
}

func leftOutWords(x trail.LeftOut) string {
	what := "a statement, " + x.Statement
	switch {
	case x.Statement == "" && x.Date.IsZero():
		what = "an exhibit, " + x.Ref
	case x.Statement == "":
		what = "a message, " + x.Ref
	}
	if !x.Date.IsZero() {
		what += ", of " + shortDay(x.Date)
	}
	return what + ": " + clean(x.Reason)
}
