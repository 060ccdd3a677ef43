package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/search/bundle"
)

func (a *app) exportCmd() *cobra.Command {
	var args exportArgs
	var out, redact string
	c := &cobra.Command{
		Use:   "export QUESTION|MATTER -o FILE.zip",
		Short: "Write the bundle: trail, original messages and proofs",
		Long: `Export writes a zip that can be checked without inwriting: every message on
numbered pages and as it came, the trail, what was and was not covered, and proofs
that nothing was altered since it was collected. VERIFY.txt in it says how.

Before anything is written the messages are looked through for names of other
clients and for words that may mean privilege. Where one is found nothing is written
until each place is decided: --release ID=REASON lets it leave, --withhold ID=REASON
lists the message without its words. What was decided is recorded in the ledger.

--redact FILE makes a redacted bundle: a line of the file is "reason: words", and
where the words stood the bundle says [REDACTED: reason]. Of a message that holds
them the original stays here. Nothing is written while they are left anywhere.
Pictures, PDF files, archives and whatever else words cannot be searched for in are
withheld with their message, unless --keep-attachment names them as looked at.`,
		Example: "  inwriting export what date did Martin want to fly -o flight.zip --for client\n  inwriting export receipts-falk -o r.zip --for court --black-out iban --leave-out 8=\"private, not about the work\"\n  inwriting verify flight.zip",
		Args:    atLeast(1, "a question"),
		RunE: func(c *cobra.Command, words []string) error {
			if out == "" {
				return usage("export needs -o FILE.zip")
			}
			if !slices.Contains(bundle.Profiles, args.For) {
				return usage("--for %q: want one of %s", args.For, strings.Join(bundle.Profiles, ", "))
			}
			for _, form := range args.BlackOut {
				if !slices.Contains(bundle.Forms(), form) {
					return usage("--black-out %q: want one of %s", form, strings.Join(bundle.Forms(), ", "))
				}
			}
			if redact != "" {
				list, err := readRedactions(redact)
				if err != nil {
					return err
				}
				args.Redact = list
			}
			if args.AsOf < 0 || args.AsOf == 0 && c.Flags().Changed("as-of") {
				return usage("--as-of %d: want a number of ledger entries", args.AsOf)
			}
			var err error
			if args.Out, err = absolute(out); err != nil {
				return err
			}
			args.Question = strings.Join(words, " ")
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var r exportReport
			show, bar := a.bars()
			err = b.do(c.Context(), "export", args, show, &r)
			bar.done()
			return a.printExport(out, &r, err)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "the `FILE.zip` to write")
	f.StringVar(&args.For, "for", "client", strings.Join(bundle.Profiles, ", "))
	f.StringVar(&args.Title, "title", "", "`WORDS` for the cover; the matter's title or the question when none are given")
	f.StringVar(&args.Cover, "cover", "", "your own `WORDS` on the first page, marked as yours")
	f.BoolVar(&args.Force, "force", false, "replace the file if it exists")
	f.StringVar(&args.Client, "about", "", "the `CLIENT` it is about, where the trail does not tell")
	f.StringVar(&redact, "redact", "", "a `FILE` of words to redact, a line each: \"reason: words\"")
	f.StringSliceVar(&args.BlackOut, "black-out", nil, "redact what has the `FORM`: "+strings.Join(bundle.Forms(), ", "))
	f.StringArrayVar(&args.Keep, "keep-attachment", nil, "`SHA256[=REASON]`: you looked at this attachment of a redacted bundle, and it may leave")
	f.StringArrayVar(&args.Release, "release", nil, "`ID=REASON`: this place may leave")
	f.StringArrayVar(&args.Withhold, "withhold", nil, "`ID=REASON` or ID=CODE:REASON: list the message without its words; an id of a place or a message")
	f.StringArrayVar(&args.LeaveOut, "leave-out", nil, "`N=REASON`: withhold the message of statement N")
	f.StringSliceVar(&args.Lawyers, "lawyer", nil, "`DOMAIN` of a lawyer: their mail waits for a decision")
	f.Int64Var(&args.AsOf, "as-of", 0, "the bundle as of the ledger's first `N` entries, whatever came later; the same N gives the same octets")
	f.BoolVar(&args.Core, "core", false, "only the messages that the summary and the findings rest on")
	f.IntVar(&args.First, "continue-from", 0, "number of the first `PAGE`, when the bundle continues an earlier one")
	return c
}

func readRedactions(path string) ([]bundle.Redaction, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the list of words to redact: %w", err)
	}
	defer f.Close()
	list, err := bundle.ReadRedactions(f)
	if err == nil && len(list) == 0 {
		err = errors.New("it names no words")
	}
	if err != nil {
		return nil, &exitError{status: exitUsage, err: fmt.Errorf("reading %q: %w", path, err), hint: "a line is \"reason: words to redact\""}
	}
	return list, nil
}

func (a *app) printExport(out string, r *exportReport, err error) error {
	switch {
	case err != nil && a.json && len(r.Holds) > 0:
		return errors.Join(err, writeJSON(a.out, r))
	case err != nil:
		return err
	case a.json:
		return writeJSON(a.out, r)
	case a.plain:
		plainLine(a.out, r.File, fmt.Sprint(r.Size), r.SHA256)
		return nil
	}
	fmt.Fprintf(a.out, "%s   %s   %s, %s, %s, %s", out, bytesText(r.Size), plural(r.Pages, "page", "pages"), plural(r.Messages, "message", "messages"), plural(r.Entries, "statement", "statements"), plural(r.Findings, "finding", "findings"))
	if r.Redacted > 0 {
		fmt.Fprintf(a.out, "; %s as they came, %d redacted", plural(r.Originals, "original", "originals"), r.Redacted)
	}
	if r.Withheld > 0 {
		fmt.Fprintf(a.out, "; %d withheld and listed", r.Withheld)
	}
	fmt.Fprintf(a.out, "\nsha256 %s\nas of  %s; --as-of %d gives the same again\n", r.SHA256, plural(int(r.LedgerSize), "ledger entry", "ledger entries"), r.LedgerSize)
	for _, w := range r.Warnings {
		fmt.Fprintf(a.err, "note: %s\n", clean(w))
	}
	return nil
}

func (a *app) verifyCmd() *cobra.Command {
	var whole, signatures bool
	c := &cobra.Command{
		Use:   "verify [BUNDLE|--archive|--signatures]",
		Short: "Recompute everything and say what is altered or missing",
		Long: `Verify with a bundle, as a zip or unpacked, checks every file, hash, proof and quote
in it; it needs no vault. Verify --archive recomputes every hash of the vault and the ledger's tree
against the signed checkpoint, and names what is altered, missing or added. Verify
--signatures checks DKIM signatures again, from the keys kept when mail arrived.`,
		Example: "  inwriting verify flight.zip\n  inwriting verify --archive",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case signatures && !whole && len(args) == 0:
				return a.verifySignatures(c)
			case len(args) == 1 && !whole:
				return a.verifyBundle(args[0])
			case len(args) == 0:
				return a.verifyArchive(c)
			}
			return usage("verify takes one bundle, or --archive")
		},
	}
	c.Flags().BoolVar(&whole, "archive", false, "the whole vault")
	c.Flags().BoolVar(&signatures, "signatures", false, "the signatures of its messages, from the kept keys")
	return c
}

func (a *app) verifyBundle(path string) error {
	r, err := checkBundle(path)
	if err != nil {
		return err
	}
	if a.json {
		err = writeJSON(a.out, r)
	} else {
		for _, line := range r.Lines() {
			fmt.Fprintln(a.out, line)
		}
	}
	if err == nil && !r.OK {
		return &exitError{status: exitVerification}
	}
	return err
}

// checkBundle checks a bundle file. What it finds is in the report; an error means
// that it could not be checked.
func checkBundle(path string) (*bundle.Report, error) {
	f, err := os.Open(path)
	if err == nil {
		if st, e := f.Stat(); e == nil && st.IsDir() {
			f.Close()
			f, err = repack(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the bundle: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the bundle: %w", err)
	}
	r, err := bundle.Verify(f, st.Size())
	if err != nil {
		return nil, &exitError{status: exitVerification, err: fmt.Errorf("checking %q: %w", path, err)}
	}
	return r, nil
}

func (a *app) verifyArchive(c *cobra.Command) error {
	var r indexer.VerifyReport
	b, err := a.open(c.Context())
	if err == nil {
		defer b.Close()
		err = b.do(c.Context(), "verify", struct{}{}, nil, &r)
	} else if !errors.Is(err, indexer.ErrInUse) {
		_, dir, perr := a.place()
		if perr != nil {
			return err
		}
		if _, serr := os.Stat(dir); serr != nil {
			return err
		}
		var rep *indexer.VerifyReport
		if rep, err = indexer.Verify(c.Context(), dir, err); err == nil {
			r = *rep
		}
	}
	if err != nil {
		return err
	}
	if a.json {
		err = writeJSON(a.out, r)
	} else {
		a.printVerify(&r)
	}
	if err == nil && !r.OK {
		hint := ""
		if len(r.Damage) > 0 {
			hint = `"inwriting mailbox refetch" gets damaged messages from their mailboxes, as they were sealed`
		}
		return &exitError{status: exitVerification, hint: hint}
	}
	return err
}

func (a *app) printVerify(r *indexer.VerifyReport) {
	for _, d := range r.Damage {
		where := ""
		if d.Segment > 0 {
			where = fmt.Sprintf("  archive/%06d.tar.zst, octets %d to %d", d.Segment, d.Offset, d.Offset+d.Length)
		}
		word := strings.ToUpper(string(d.Kind))
		if len(d.Names) == 0 {
			fmt.Fprintf(a.out, "%s %s\n", pad(word, 9), d.Text)
		}
		for _, n := range d.Names {
			title := n.Ref.String()
			if n.Date != nil {
				title = fmt.Sprintf("%s  (%s)", subject(n.Subject), shortDay(*n.Date))
			}
			entry := ""
			if n.Entry >= 0 {
				entry = fmt.Sprintf(" %s", number(int(n.Entry)))
			}
			state := d.Text
			if d.Intact {
				state = "the message itself is intact; " + state
			}
			fmt.Fprintf(a.out, "%s message%s  %s: %s\n", pad(word, 9), entry, title, state)
			fmt.Fprintf(a.out, "          sealed %s", n.Ref.Hex())
			if d.Found != nil && d.Kind == archive.Altered {
				fmt.Fprintf(a.out, "   found %s", d.Found.Hex())
			}
			fmt.Fprintln(a.out)
		}
		if where != "" {
			fmt.Fprintln(a.out, "        "+where)
		}
	}
	for _, p := range r.Ledger {
		fmt.Fprintf(a.out, "%s ledger: %s  (%s, octets %d to %d)\n", pad(strings.ToUpper(string(p.Kind)), 9), p.Text, p.File, p.Offset, p.Offset+p.Length)
	}
	for _, e := range r.Erased {
		fmt.Fprintf(a.out, "%s a message, on %s, by %s: %s  (entry %s; %s of the ledger)\n", pad("ERASED", 9), day(e.Time), clean(e.By), clean(e.Reason), number(int(e.Entry)), plural(len(e.Lines), "line", "lines"))
	}
	for _, x := range newestAnchors(r.Anchors) {
		fmt.Fprintf(a.out, "%s %s entries at %s, by %s\n", pad("STAMPED", 9), number(int(x.Size)), x.Time.Format("2006-01-02T15:04:05Z"), x.Authority)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(a.out, "NOTE      %s\n", clean(n))
	}
	fmt.Fprintf(a.out, "%s of %s messages intact. Ledger: %s entries, %s of them under the signed checkpoint %s\n",
		number(r.Intact), number(r.Messages), number(int(r.Entries)), number(int(r.Signed)), r.Root)
	if r.OK {
		fmt.Fprintln(a.out, "OK")
	}
}
