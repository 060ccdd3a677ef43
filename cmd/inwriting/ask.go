package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/search"
	"inwriting/search/httpapi"
	"inwriting/search/query"
	"inwriting/search/trail"
)

func (a *app) searchCmd() *cobra.Command {
	var q search.Query
	var sort string
	var all, language bool
	c := &cobra.Command{
		Use:   "search WORDS...",
		Short: "Find statements, or messages, by what they say",
		Long: `Search finds statements: one person's words that instruct, confirm, change,
promise, deliver, warn or dispute. A plain question works as it is typed. Fields
narrow it: from: to: by: client: kind: date: since: until: mailbox: folder:
subject: names: amount: ref: thread: has:attachment is:; "phrases", AND, OR, NOT,
NEAR/5, prefix* and fuzzy~ work too. "inwriting search --language" prints them all.`,
		Example: `  inwriting search what date did Martin want to fly
  inwriting search --from Martin --kind change --since 2023-03-01
  inwriting search --messages 'invoice has:attachment'`,
		RunE: func(c *cobra.Command, args []string) error {
			if language {
				fmt.Fprint(a.out, query.Help())
				return nil
			}
			q.Text = strings.Join(args, " ")
			q.Sort = search.Sort(sort)
			if !q.Asks() {
				return &exitError{status: exitUsage, err: errors.New("search for what?"), hint: c.UseLine()}
			}
			switch q.Sort {
			case search.Closest, search.Newest, search.Oldest:
			default:
				return usage("--sort %q: want closest, newest or oldest", sort)
			}
			if q.Limit < 0 || q.Limit > search.MaxLimit || q.Offset < 0 {
				return usage("--limit goes from 1 to %d, --offset from 0", search.MaxLimit)
			}
			if all {
				q.Limit = search.MaxLimit
			}
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			r, err := b.Search(c.Context(), q)
			if err != nil {
				return err
			}
			switch {
			case a.json:
				err = writeJSON(a.out, r)
			case a.plain:
				for _, h := range r.Hits {
					if m := h.Message; m != nil {
						plainLine(a.out, m.Ref.String(), m.Date.UTC().Format(time.RFC3339), m.From, m.Subject)
						continue
					}
					s := h.Statement
					plainLine(a.out, s.ID, string(s.Kind), s.Message.Date.UTC().Format(time.RFC3339), s.Speaker.Address, string(s.Speaker.Role), s.Quote)
				}
			default:
				err = a.paged(func(w io.Writer) error {
					renderExplanation(w, a.outTerm(), r.Explain)
					renderHits(w, a.outTerm(), r, q.Offset+len(r.Hits))
					return nil
				})
				if len(r.Corrected) > 0 {
					for from, to := range r.Corrected {
						fmt.Fprintf(a.err, "nobody wrote %q; searched for %q\n", from, to)
					}
				}
			}
			if err == nil && r.Total == 0 {
				if !a.json && !a.plain {
					t := a.outTerm()
					fmt.Fprintf(a.out, "Nothing in writing about: %s\n%s\n", q.Text, wrap(searched(r.Coverage), t.width, "", ""))
				}
				return &exitError{status: exitNothing}
			}
			return err
		},
	}
	f := c.Flags()
	f.StringArrayVar(&q.From, "from", nil, "messages from this `ADDRESS` or name")
	f.StringArrayVar(&q.To, "to", nil, "messages to this `ADDRESS` or name")
	f.StringArrayVar(&q.By, "by", nil, "said by this `PERSON`")
	f.StringArrayVar(&q.Client, "of", nil, "with this configured `CLIENT`")
	f.StringArrayVar(&q.Kind, "kind", nil, "statements of this `KIND`")
	f.StringArrayVar(&q.Mailbox, "mailbox", nil, "found in this `MAILBOX`")
	f.StringArrayVar(&q.Folder, "folder", nil, "found in this `FOLDER`")
	f.StringArrayVar(&q.Names, "names", nil, "naming a value of this `TYPE`: money, date, reference ...")
	f.StringArrayVar(&q.Date, "date", nil, "of this `DAY`, month, year or range")
	f.StringVar(&q.Since, "since", "", "from this `DATE` on")
	f.StringVar(&q.Until, "until", "", "up to and with this `DATE`")
	f.BoolVar(&q.Messages, "messages", false, "messages instead of statements")
	f.IntVar(&q.Limit, "limit", 20, "how many to show")
	f.IntVar(&q.Offset, "offset", 0, "how many to skip")
	f.BoolVar(&all, "all", false, "show as many as there may be")
	f.StringVar(&sort, "sort", "closest", "closest, newest or oldest")
	f.BoolVar(&q.Facets, "facets", false, "count who, what, when, which values and mailboxes")
	f.BoolVar(&q.Explain, "explain", false, "tell how the words were read")
	f.BoolVar(&language, "language", false, "print the query language")
	return c
}

func (a *app) showCmd() *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one message or statement",
		Long: `Show prints one statement (s-…) or message (sha256-…, or its Message-ID), as read.
Ids may be shortened. --raw gives a message's octets exactly as collected.`,
		Example: "  inwriting show s-7k2q\n  inwriting show sha256-9f2c41 --raw > message.eml",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, id := c.Context(), args[0]
			b, err := a.openRead(ctx)
			if err != nil {
				return err
			}
			defer b.Close()
			if strings.HasPrefix(id, "s-") && !strings.Contains(id, "@") {
				st, err := b.Statement(ctx, id)
				if err != nil {
					return err
				}
				switch {
				case raw:
					return a.copyRaw(c, b, st.Message)
				case a.json:
					return writeJSON(a.out, httpapi.Statement{Schema: httpapi.StatementSchema, Statement: *st})
				}
				renderStatement(a.out, a.outTerm(), *st)
				return nil
			}
			m, err := b.Message(ctx, id)
			if err != nil {
				return err
			}
			switch {
			case raw:
				return a.copyRaw(c, b, m.Message)
			case a.json:
				return writeJSON(a.out, m)
			case a.plain:
				_, err = io.WriteString(a.out, m.Text)
				return err
			}
			return a.paged(func(w io.Writer) error {
				renderMessage(w, a.outTerm(), m)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "the message's octets")
	return c
}

func (a *app) copyRaw(c *cobra.Command, b backend, m trail.MessageInfo) error {
	body, _, err := b.Raw(c.Context(), m.Ref)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(a.out, body); err != nil {
		return fmt.Errorf("writing %v: %w", m.Ref, err)
	}
	return nil
}

func renderStatement(w io.Writer, t terminal, s trail.Statement) {
	fmt.Fprintf(w, "%s  %s  %s  %s\n", s.ID, t.bold(kindName(s.Kind)), who(s.Speaker), moment(s.Message.Date))
	text, reading := t.quoteText(s)
	fmt.Fprintln(w, wrap(text, t.width, "  ", "   "))
	if reading != "" {
		fmt.Fprintln(w, "   "+t.dim(reading))
	}
	fmt.Fprintf(w, "  %s\n", t.dim(subject(s.Message.Subject)+" · "+place(s.Message)))
	fmt.Fprintf(w, "  %s\n", t.dim(s.Message.Ref.String()))
	if s.Corrected != nil {
		fmt.Fprintln(w, wrap(correctedWords(*s.Corrected), t.width, "  ", "  "))
	}
	fmt.Fprintf(w, "  confidence %.2f, because:\n", s.Confidence)
	for _, y := range s.Why {
		fmt.Fprintf(w, "    %s %+.2f  %s\n", pad(y.Rule, 24), y.Weight, clean(y.Text))
	}
}

func renderMessage(w io.Writer, t terminal, m *search.MessageDoc) {
	head := func(name, value string) {
		if value != "" {
			fmt.Fprintln(w, wrap(clean(value), t.width, t.dim(pad(name, 10)), strings.Repeat(" ", 10)))
		}
	}
	head("From", m.Message.From)
	head("To", strings.Join(m.Message.To, ", "))
	head("Cc", strings.Join(m.Cc, ", "))
	head("Date", m.Message.Date.Format("Monday 2 January 2006, 15:04 -0700"))
	head("Subject", subject(m.Message.Subject))
	for _, o := range m.Message.Occurrences {
		where := fmt.Sprintf("%s/%s, UID %d", o.Mailbox, o.Folder, o.UID)
		if o.Gone {
			where += ", gone from the server, kept here"
		}
		head("Found in", where)
	}
	for _, p := range m.Parts {
		if !p.Inline {
			head("Attached", fmt.Sprintf("%s, %s, %s", p.Name, p.ContentType, bytesText(p.Size)))
		}
	}
	head("Kept as", fmt.Sprintf("%s, %s, ledger entry %s", m.Message.Ref, bytesText(m.Size), number(int(m.LedgerIndex))))
	for _, line := range authenticityLines(m.Authenticity) {
		head("Signature", line)
	}
	for _, sign := range m.Signs {
		head("Note", sign.Text)
	}
	if m.Dates.Disagree {
		head("Times", timesDisagree(m.Dates))
	}
	for _, d := range m.Defects {
		head("Defect", d.Text)
	}
	fmt.Fprintln(w)
	runes := []rune(m.Text)
	for _, z := range m.Zones {
		text := string(runes[z.Start:z.End])
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			line = cleanLine(line)
			if z.Kind != "new" {
				line = t.dim(line)
			}
			fmt.Fprintln(w, line)
		}
	}
	if len(m.Statements) > 0 {
		fmt.Fprintln(w)
		for _, s := range m.Statements {
			text, _ := t.quoteText(s)
			fmt.Fprintln(w, wrap(text, t.width, fmt.Sprintf(" %s  %s ", t.dim(s.ID), pad(t.bold(kindName(s.Kind)), 13)), strings.Repeat(" ", 28)))
			if s.Answering != nil {
				fmt.Fprintln(w, wrap(t.dim("under: "+unmarked(s.Answering.Quote)), t.width, strings.Repeat(" ", 28), strings.Repeat(" ", 28)))
			}
		}
	}
	renderSecondHand(w, t, "SECOND-HAND, FROM MAIL THAT IS NOT KEPT", m.SecondHand)
}

// cleanLine is clean for text whose white space means something.
func cleanLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteString("    ")
			continue
		}
		if r == ' ' || clean(string(r)) != "" {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (a *app) trailCmd() *cobra.Command {
	var q search.TrailQuery
	c := &cobra.Command{
		Use:   "trail QUESTION|MATTER",
		Short: "The written trail behind a piece of work",
		Long: `Trail gathers the statements that bear on a question, within threads and across
them, in order and numbered, with what each later one does to an earlier one,
what they contradict, what was never answered, and what could not be seen. The name
of a matter stands for its question, with what was pinned to it and left out.
--as-of shows it as it stood at the end of a day, and what was in force then.`,
		Example: "  inwriting trail what date did Martin want to fly\n  inwriting trail 'who agreed to the hourly rate' --json\n  inwriting trail 'when does Martin fly' --as-of 2023-03-02",
		Args:    atLeast(1, "a question"),
		RunE: func(c *cobra.Command, args []string) error {
			question := strings.Join(args, " ")
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			q.Question = question
			tr, err := b.Trail(c.Context(), q)
			if err != nil {
				return err
			}
			switch {
			case a.json:
				err = writeJSON(a.out, tr)
			case a.plain:
				for _, x := range tr.LeftOut {
					fmt.Fprintf(a.err, "left out: %s\n", leftOutWords(x))
				}
				for _, e := range tr.Entries {
					s := e.Statement
					plainLine(a.out, strconv.Itoa(e.N), s.ID, string(s.Kind), s.Message.Date.UTC().Format(time.RFC3339), s.Speaker.Address, string(s.Speaker.Role), s.Quote)
				}
			default:
				err = a.paged(func(w io.Writer) error {
					renderTrail(w, a.outTerm(), question, tr)
					return nil
				})
			}
			if err == nil && len(tr.Entries) == 0 {
				return &exitError{status: exitNothing}
			}
			return err
		},
	}
	c.Flags().StringVar(&q.AsOf, "as-of", "", "as it stood at the end of this `DATE`")
	c.Flags().IntVar(&q.Near, "near", 5, "how many near matches that were left out to name")
	return c
}
