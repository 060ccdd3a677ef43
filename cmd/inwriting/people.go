package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/config/provider"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/indexer/textindex"
	"inwriting/search/people"
	"inwriting/search/trail"
)

// peopleDoc is the document "inwriting.people/v1".
type peopleDoc struct {
	Schema    string         `json:"schema"`
	Authority []authorityDoc `json:"authority"`
	people.Found
}

// authorityDoc is one person's right to speak for a client.
type authorityDoc struct {
	Client  string `json:"client"`
	Address string `json:"address"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// learn is the action "people": what the mail says about who is who.
func (s *service) learn(ctx context.Context) (*peopleDoc, error) {
	l := people.New(s.peopleNow(), func(domain string) bool { return provider.ByAddress("x@"+domain) != nil })
	err := s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		sent, err := s.sentFolders(c)
		if err != nil {
			return err
		}
		return c.Letters(sent, func(m catalog.Letter) error {
			l.Add(people.Letter{Date: m.Date, From: sides(m.From), To: append(sides(m.To), sides(m.Cc)...), Auto: m.Auto, Sent: m.Sent})
			return ctx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	d := &peopleDoc{Schema: "inwriting.people/v1", Authority: []authorityDoc{}, Found: l.Found()}
	for _, c := range s.config().Clients {
		for _, a := range c.Authority {
			d.Authority = append(d.Authority, authorityDoc{c.Name, a.Address, a.From.String(), a.To.String()})
		}
	}
	return d, nil
}

func sides(list []message.Address) []people.Address {
	out := make([]people.Address, 0, len(list))
	for _, a := range list {
		out = append(out, people.Address{Name: a.Name, Address: a.Address})
	}
	return out
}

// sentFolders are the folders of sent mail of our own mailboxes.
func (s *service) sentFolders(c *catalog.Catalog) ([]int64, error) {
	accounts, err := c.Accounts()
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, a := range accounts {
		if m, ok := s.config().Mailbox(a.Address); ok && !m.Own() {
			continue
		}
		boxes, err := c.Mailboxes(a.ID)
		if err != nil {
			return nil, err
		}
		for _, m := range boxes {
			if imapsync.UseOf(m.Display) == `\Sent` {
				out = append(out, m.ID)
			}
		}
	}
	return out, nil
}

func (a *app) peopleCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "people", Short: "Who is who: what is known, and what the mail suggests",
		Long: `People lists those who are named in the configuration with what the mail has of
them, and what the mail suggests about others: second addresses, colleagues of a
client, addresses of your own, and those you write with and never named. Nothing is
assumed: a suggestion counts once it is confirmed, and then stands in the
configuration file like everything else there.`,
		Example: `  inwriting people
  inwriting people confirm p-3f2a91
  inwriting people confirm p-90c1d2 --as client --name "Webb & Co"
  inwriting people authority "Hale Architects" martin@halearchitects.example --to 2023-06-30`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := a.learnt(c.Context())
			if err != nil {
				return err
			}
			return a.printPeople(d)
		},
	}
	c.AddCommand(a.peopleConfirmCmd(), a.peopleAddCmd(), a.peopleAuthorityCmd())
	return c
}

func (a *app) learnt(ctx context.Context) (*peopleDoc, error) {
	b, err := a.openRead(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var d peopleDoc
	return &d, b.do(ctx, "people", struct{}{}, nil, &d)
}

func (a *app) printPeople(d *peopleDoc) error {
	switch {
	case a.json:
		return writeJSON(a.out, d)
	case a.plain:
		for _, p := range d.People {
			plainLine(a.out, "known", p.Address, p.Name, string(p.Role), p.Party, fmt.Sprint(p.Wrote), fmt.Sprint(p.Got))
		}
		for _, s := range d.Suggestions {
			plainLine(a.out, s.ID, strings.Join(s.Who, ","), s.Name, string(s.Role), s.Party, s.Kind, s.Why)
		}
		return nil
	}
	t := a.outTerm()
	party := ""
	for i, list := range [][]people.Person{of(d.People, trail.Us), of(d.People, trail.Client), of(d.People, trail.Other)} {
		if len(list) > 0 {
			fmt.Fprintln(a.out, t.bold([]string{"YOU", "CLIENTS", "OTHERS"}[i]))
		}
		for _, p := range list {
			if p.Party != party && p.Party != "" {
				fmt.Fprintf(a.out, " %s\n", clean(p.Party))
			}
			party = p.Party
			fmt.Fprintf(a.out, "  %s %s %s\n", pad(clean(p.Address), 34), pad(clean(p.Name), 22), letters(p))
			for _, r := range d.Authority {
				if strings.EqualFold(r.Address, p.Address) {
					fmt.Fprintf(a.out, "    speaks for %s%s\n", clean(r.Client), r.span())
				}
			}
		}
	}
	if len(d.Suggestions) == 0 {
		fmt.Fprintln(a.err, "The mail suggests nobody else.")
		return nil
	}
	fmt.Fprintf(a.out, "%s\n", t.bold("SUGGESTED BY THE MAIL, NOT CONFIRMED"))
	for _, s := range d.Suggestions {
		fmt.Fprintf(a.out, "  %s  %s\n", s.ID, clean(wouldBe(s)))
		fmt.Fprintln(a.out, wrap(clean(s.Why), t.width, "            ", "            "))
	}
	fmt.Fprintln(a.err, `"inwriting people confirm ID" writes one into the configuration.`)
	return nil
}

func of(list []people.Person, role trail.Role) (out []people.Person) {
	for _, p := range list {
		if p.Role == role {
			out = append(out, p)
		}
	}
	return out
}

func letters(p people.Person) string {
	if p.Wrote+p.Got == 0 {
		return "in copies only"
	}
	first, last := p.First.Format("2 Jan 2006"), p.Last.Format("2 Jan 2006")
	when := first + " to " + last
	if first == last {
		when = "on " + first
	}
	if p.Role == trail.Us { // what was got is what we wrote to somebody
		return fmt.Sprintf("wrote %s, %s", number(p.Wrote), when)
	}
	return fmt.Sprintf("wrote %s, got %s, %s", number(p.Wrote), number(p.Got), when)
}

func (r authorityDoc) span() string {
	var s string
	if r.From != "" {
		s += " from " + r.From
	}
	if r.To != "" {
		s += " to " + r.To
	}
	return s
}

// wouldBe says what a suggestion would make true.
func wouldBe(s people.Suggestion) string {
	who := strings.Join(s.Who, ", ")
	switch s.Kind {
	case people.Ours:
		return who + " is you"
	case people.Same, people.Domain:
		return who + " belongs to " + s.Party
	}
	return who + " is whom? (--as client|other --name NAME)"
}

func (a *app) peopleConfirmCmd() *cobra.Command {
	var as, name string
	c := &cobra.Command{
		Use: "confirm ID...", Short: "Write suggestions into the configuration",
		Example: "  inwriting people confirm p-3f2a91\n  inwriting people confirm p-90c1d2 --as other --name Alpenair",
		Args:    atLeast(1, "the id of a suggestion"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := a.learnt(c.Context())
			if err != nil {
				return err
			}
			var list []people.Suggestion
			for _, id := range args {
				i := -1
				for j, s := range d.Suggestions {
					if s.ID == id {
						i = j
					}
				}
				if i < 0 {
					return &exitError{status: exitNothing, err: fmt.Errorf("no suggestion %q", id), hint: `"inwriting people" lists them`}
				}
				list = append(list, d.Suggestions[i])
			}
			return a.confirm(c.Context(), list, as, name)
		},
	}
	c.Flags().StringVar(&as, "as", "", "`client`, other or me, where the suggestion does not say it")
	c.Flags().StringVar(&name, "name", "", "the `NAME` of the client or third party, a new or a known one")
	return c
}

func (a *app) confirm(ctx context.Context, list []people.Suggestion, as, name string) error {
	var facts []fact
	for _, s := range list {
		f := fact{section: "client", name: s.Party, who: s.Who}
		switch {
		case as != "":
			f.section = as
		case s.Role == trail.Us:
			f.section = "me"
		case s.Role == trail.Other:
			f.section = "other"
		case s.Role == trail.Unknown:
			return &exitError{status: exitUsage, err: fmt.Errorf("%s: who is %s?", s.ID, strings.Join(s.Who, ", ")), hint: "--as client --name NAME, or --as other --name NAME, or --as me"}
		}
		if name != "" {
			f.name = name
		}
		if f.name == "" && f.section != "me" {
			f.name = s.Name
		}
		facts = append(facts, f)
	}
	return a.learnFacts(ctx, facts)
}

// fact is one thing about people that the user says.
type fact struct {
	section string // client, other or me
	name    string
	who     []string // addresses, or "@domain"
}

// learnFacts writes facts into the configuration file, all or none.
func (a *app) learnFacts(ctx context.Context, facts []fact) error {
	e, _, err := a.editor()
	if err != nil {
		return err
	}
	for _, f := range facts {
		if err := f.write(e); err != nil {
			return err
		}
	}
	if err := e.Save(); err != nil {
		return err
	}
	a.tellDaemon(ctx, "")
	if a.json {
		return writeJSON(a.out, struct {
			Schema string `json:"schema"`
			Config string `json:"config"`
		}{"inwriting.people-confirm/v1", e.Path()})
	}
	fmt.Fprintf(a.out, "written to %s; it counts from now on\n", clean(e.Path()))
	return nil
}

func (f fact) write(e *config.Editor) error {
	for _, w := range f.who {
		domain, isDomain := strings.CutPrefix(w, "@")
		switch f.section {
		case "me":
			if isDomain {
				return usage("%q: you are addresses, not a whole domain", w)
			}
			if err := e.AddMe(w); err != nil {
				return err
			}
			continue
		case "client", "other":
		default:
			return usage("--as %q: want client, other or me", f.section)
		}
		if f.name == "" {
			return usage("%s has no name yet: --name NAME", w)
		}
		key, value := "addresses", w
		if isDomain {
			key, value = "domains", domain
		}
		err := e.AddToParty(f.section, f.name, key, value)
		if errors.Is(err, config.ErrNoSection) {
			p := config.Party{Name: f.name}
			if isDomain {
				p.Domains = []string{value}
			} else {
				p.Addresses = []string{value}
			}
			if f.section == "other" {
				err = e.AddOther(p)
			} else {
				err = e.AddClient(p)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) peopleAddCmd() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use: "add NAME ADDRESS|@DOMAIN...", Short: "Name a client or third party, or add to one",
		Example: "  inwriting people add \"Hale Architects\" martin@halearchitects.example @halearchitects.example\n  inwriting people add Alpenair @alpenair.example --as other",
		Args:    atLeast(2, "a name, and an address or @domain"),
		RunE: func(c *cobra.Command, args []string) error {
			if as != "client" && as != "other" {
				return usage("--as %q: want client or other", as)
			}
			return a.learnFacts(c.Context(), []fact{{section: as, name: args[0], who: args[1:]}})
		},
	}
	c.Flags().StringVar(&as, "as", "client", "`client` or other")
	return c
}

func (a *app) peopleAuthorityCmd() *cobra.Command {
	var from, to string
	c := &cobra.Command{
		Use: "authority CLIENT ADDRESS", Short: "Say who may give and change a client's instructions, and when",
		Long: `Authority names a person who may speak for a client, from one day to another. Once
one is named for a client, a change by anybody else of that client is shown and is
not taken as having replaced what was agreed.`,
		Example: `  inwriting people authority "Hale Architects" martin@halearchitects.example --from 2023-01-01 --to 2023-06-30`,
		Args:    exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			r := config.Authority{Address: args[1]}
			for _, d := range []struct {
				flag, text string
				into       *config.Date
			}{{"--from", from, &r.From}, {"--to", to, &r.To}} {
				if d.text != "" {
					if err := d.into.UnmarshalText([]byte(d.text)); err != nil {
						return usage("%s: %w", d.flag, err)
					}
				}
			}
			e, _, err := a.editor()
			if err != nil {
				return err
			}
			if err := e.AddAuthority(args[0], r); err != nil {
				if errors.Is(err, config.ErrNoSection) {
					return errors.Join(errNoClient, err)
				}
				return err
			}
			if err := e.Save(); err != nil {
				return err
			}
			a.tellDaemon(c.Context(), "")
			fmt.Fprintf(a.out, "%s speaks for %s%s\n", clean(r.Address), clean(args[0]), authorityDoc{From: r.From.String(), To: r.To.String()}.span())
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "the first `DAY`, as 2023-01-01")
	c.Flags().StringVar(&to, "to", "", "the last `DAY`")
	return c
}

// clientOf is a client of the configuration, with the mailboxes it lets us read.
func clientOf(cfg *config.Config, c config.Party) trail.Party {
	p := trail.Party{Name: c.Name, Addresses: c.Addresses, Domains: c.Domains}
	for _, r := range c.Authority {
		p.Authority = append(p.Authority, trail.Authority{Address: r.Address, From: r.From.String(), To: r.To.String()})
	}
	for _, m := range cfg.Mailboxes {
		if !m.Own() && strings.EqualFold(m.Client, c.Name) {
			p.Addresses = appendNew(p.Addresses, m.Address)
		}
	}
	return p
}
