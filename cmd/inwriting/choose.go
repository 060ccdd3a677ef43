package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/message"
)

// withSome returns what wants mail from or to these parties, told by a header, and
// the words for it.
func withSome(cfg *config.Config, parties []config.Party) (want func(header []byte) bool, words string) {
	var names []string
	var all []config.Party
	for _, p := range parties {
		c := clientOf(cfg, p) // with the mailboxes that it lets us read
		p.Addresses = c.Addresses
		all = append(all, p)
		who := slices.Clone(p.Addresses)
		for _, d := range p.Domains {
			who = append(who, "@"+strings.TrimPrefix(d, "@"))
		}
		names = append(names, fmt.Sprintf("%q (%s)", p.Name, strings.Join(who, " ")))
	}
	want = func(header []byte) bool {
		m := message.Parse(header)
		for _, list := range [][]message.Address{m.From, m.Sender, m.ReplyTo, m.To, m.Cc, m.Bcc} {
			for _, a := range list {
				if slices.ContainsFunc(all, func(p config.Party) bool { return p.Has(a.Address) }) {
					return true
				}
			}
		}
		return false
	}
	return want, "only from or to " + strings.Join(names, ", ")
}

// mailboxChoice is the document "inwriting.mailbox-choose/v1".
type mailboxChoice struct {
	Schema  string   `json:"schema"`
	Address string   `json:"address"`
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
	Since   string   `json:"since"`
	Only    []string `json:"only"`
	Config  string   `json:"config"`
}

func (a *app) mailboxChooseCmd() *cobra.Command {
	var include, exclude, only []string
	var since string
	var all bool
	c := &cobra.Command{
		Use: "choose ADDRESS", Short: "Choose what of a mailbox is kept: folders, from which day, with whom",
		Long: `Choose sets which folders of a mailbox are read, from which day on, and whose mail
is kept. Each flag replaces what was set before; one with an empty value lifts that
limit, --all lifts every one. What is left out is counted and named in every answer's
coverage. What is kept already stays, and what a wider choice lets in comes with the
next sync, as does mail with people who are added to a chosen client later.`,
		Example: `  inwriting mailbox choose nora@deskandco.example --only "Hale Architects" --only Alpenair
  inwriting mailbox choose nora@deskandco.example --since 2021-01-01 --exclude '\Junk'
  inwriting mailbox choose nora@deskandco.example --all`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, cfg, err := a.editor()
			if err != nil {
				return err
			}
			boxes, err := named(cfg, args)
			if err != nil {
				return err
			}
			address, changed := boxes[0].Address, all
			for _, s := range []struct {
				flag string
				list []string
			}{{"include", include}, {"exclude", exclude}, {"only", only}} {
				if !all && !c.Flags().Changed(s.flag) {
					continue
				}
				changed = true
				if err := setList(e, address, s.flag, s.list); err != nil {
					return err
				}
			}
			if all || c.Flags().Changed("since") {
				changed = true
				var value any
				if since != "" {
					value = since
				}
				if err := e.SetMailbox(address, "since", value); err != nil {
					return err
				}
			}
			if !changed {
				return usage("choose what? --include, --exclude, --since, --only or --all")
			}
			if err := e.Save(); err != nil {
				return err
			}
			if cfg, err = e.Config(); err != nil {
				return err
			}
			if err := a.printChoice(cfg, address, e.Path()); err != nil {
				return err
			}
			a.tellDaemon(c.Context(), "")
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&include, "include", nil, "read only this `FOLDER`; may be repeated, * stands for anything")
	f.StringArrayVar(&exclude, "exclude", nil, `leave this `+"`FOLDER`"+` out; may be repeated, "\Junk" for any junk folder`)
	f.StringArrayVar(&only, "only", nil, "keep only mail from or to this `CLIENT` or third party; may be repeated, * stands for anything")
	f.StringVar(&since, "since", "", "read only what came from this `DAY` on, as 2021-01-01")
	f.BoolVar(&all, "all", false, "keep everything")
	return c
}

// setList sets a list of a mailbox's settings; one without items is taken out.
func setList(e *config.Editor, address, key string, list []string) error {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	if len(list) == 0 {
		return e.SetMailbox(address, key, nil)
	}
	return e.SetMailbox(address, key, list)
}

func (a *app) printChoice(cfg *config.Config, address, path string) error {
	m, _ := cfg.Mailbox(address)
	if a.json {
		return writeJSON(a.out, mailboxChoice{"inwriting.mailbox-choose/v1", m.Address, append([]string{}, m.Include...), append([]string{}, m.Exclude...), m.Since.String(), append([]string{}, m.Only...), path})
	}
	if a.plain {
		plainLine(a.out, m.Address, strings.Join(m.Include, ","), strings.Join(m.Exclude, ","), m.Since.String(), strings.Join(m.Only, ","))
		return nil
	}
	words := choices(m)
	if len(words) == 0 {
		words = []string{"everything is kept"}
	}
	fmt.Fprintf(a.out, "%s: %s\n", clean(m.Address), clean(strings.Join(words, "; ")))
	return nil
}

// choices says what is left out of a mailbox, nothing when all of it is kept.
func choices(m config.Mailbox) (words []string) {
	if m.Since != (config.Date{}) {
		words = append(words, "only what came from "+m.Since.String()+" on")
	}
	if len(m.Include) > 0 {
		words = append(words, "read only: "+strings.Join(m.Include, ", "))
	}
	if len(m.Exclude) > 0 {
		words = append(words, "not read: "+strings.Join(m.Exclude, ", "))
	}
	if len(m.Only) > 0 {
		words = append(words, "only from or to: "+strings.Join(m.Only, ", "))
	}
	return words
}
