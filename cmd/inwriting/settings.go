package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"inwriting/config"
)

func (a *app) configCmd() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check or show the configuration", Args: exactly(0), RunE: func(c *cobra.Command, args []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{Use: "check", Short: "Check the configuration file", Args: exactly(0), RunE: func(*cobra.Command, []string) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		if cfg.File() == "" {
			fmt.Fprintln(a.err, "there is no configuration file; the defaults hold")
			return nil
		}
		fmt.Fprintf(a.err, "%s: in order\n", cfg.File())
		return nil
	}}, &cobra.Command{Use: "example", Short: "Print an example configuration", Args: exactly(0), RunE: func(*cobra.Command, []string) error {
		_, err := a.out.Write(config.Example)
		return err
	}}, a.configShowCmd(), a.configAlertCmd())
	return c
}

// setting is one element of the document "inwriting.config/v1".
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"` // flag, environment, default, or the file with its line
}

func (a *app) configShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show every setting in force, and where it comes from", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			list, err := a.settings(cfg)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, struct {
					Schema   string    `json:"schema"`
					Settings []setting `json:"settings"`
				}{"inwriting.config/v1", list})
			}
			for _, s := range list {
				if a.plain {
					plainLine(a.out, s.Name, s.Value, s.From)
					continue
				}
				fmt.Fprintf(a.out, "%s %s  %s\n", pad(s.Name, 20), clean(s.Value), a.outTerm().dim("("+clean(s.From)+")"))
			}
			return nil
		},
	}
}

func (a *app) settings(cfg *config.Config) ([]setting, error) {
	from := func(path string) string {
		if line := cfg.Line(path); line > 0 {
			return fmt.Sprintf("%s:%d", cfg.File(), line)
		}
		return "default"
	}
	dir, err := a.data(cfg)
	if err != nil {
		return nil, err
	}
	data := from("data")
	switch {
	case a.dataDir != "":
		data = "--data"
	case a.getenv("INWRITING_DATA") != "":
		data = "INWRITING_DATA"
	}
	zone := cfg.Timezone
	if zone == "" {
		zone = "of this machine"
	}
	file, source := cfg.File(), "default"
	switch {
	case file == "":
		file = "none"
	case a.configFile != "":
		source = "--config"
	case a.getenv("INWRITING_CONFIG") != "":
		source = "INWRITING_CONFIG"
	}
	list := []setting{
		{"file", file, source},
		{"data", dir, data},
		{"listen", cfg.Listen, from("listen")},
		{"timezone", zone, from("timezone")},
		{"every", time.Duration(cfg.Every).String(), from("every")},
		{"me", strings.Join(cfg.Us(), ", "), from("me")},
	}
	parties := func(name string, all []config.Party) {
		for i, p := range all {
			who := append([]string{}, p.Addresses...)
			for _, d := range p.Domains {
				who = append(who, "@"+strings.TrimPrefix(d, "@"))
			}
			list = append(list, setting{name, p.Name + ": " + strings.Join(who, ", "), from(fmt.Sprintf("%s[%d]", name, i))})
		}
	}
	parties("client", cfg.Clients)
	parties("other", cfg.Others)
	for i, m := range cfg.Mailboxes {
		value := fmt.Sprintf("%s at %s as %s, password from %s, every %s", m.Address, m.Server, m.User(), m.SignIn(), cfg.Interval(m))
		if !m.Own() {
			value += ", the mailbox of " + m.Client
		}
		for _, words := range choices(m) {
			value += "; " + words
		}
		list = append(list, setting{"mailbox", value, from(fmt.Sprintf("mailbox[%d]", i))})
	}
	for i, w := range cfg.Alerts {
		list = append(list, setting{"alert", fmt.Sprintf("%s after %s", alertName(w), w.Delay()), from(fmt.Sprintf("alert[%d]", i))})
	}
	return list, nil
}

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a folder", Args: exactly(1),
		Example: "  inwriting man ~/.local/share/man/man1",
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			c.Root().DisableAutoGenTag = true // the same bytes every time
			if err := doc.GenManTree(c.Root(), &doc.GenManHeader{Section: "1", Source: "inwriting " + Version, Manual: "inwriting", Date: &versionMonth}, args[0]); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			pages, err := filepath.Glob(filepath.Join(args[0], "inwriting*.1"))
			if err != nil {
				return err
			}
			fmt.Fprintf(a.err, "%s written to %s\n", plural(len(pages), "page", "pages"), args[0])
			return nil
		},
	}
}
