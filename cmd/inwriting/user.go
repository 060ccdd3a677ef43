package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/search/access"
)

// accessFile is where those who may sign in are listed, in the data directory.
const accessFile = "access.json"

// book opens the list of those who may sign in. A running daemon reads it again.
func (a *app) book() (*access.Book, error) {
	_, dir, err := a.place()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	return access.Open(filepath.Join(dir, accessFile))
}

func (a *app) userCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "user", Short: "Say who may sign in to the pages", Args: exactly(0),
		Long: `As long as nobody is listed nobody has to sign in, and the pages are served on
loopback only. An owner does everything; a reviewer reads and exports. What they
look at, search for and export is written into the ledger.`,
		RunE: func(c *cobra.Command, args []string) error { return c.Help() },
	}
	var role string
	var clients []string
	var stdin bool
	add := &cobra.Command{
		Use: "add NAME", Short: "Let somebody sign in", Args: exactly(1),
		Long: `Add asks for the password twice, or reads it from stdin with --password-stdin; it is
never an argument. It is kept as an argon2id hash.`,
		Example: "  inwriting user add nora\n  inwriting user add ben --role reviewer --of \"Hale Architects\"",
		RunE: func(c *cobra.Command, args []string) error {
			b, err := a.book()
			if err != nil {
				return err
			}
			password, err := a.chosenPassword(c.Context(), stdin)
			if err != nil {
				return err
			}
			if err := b.Add(access.Person{Name: args[0], Role: access.Role(role), Clients: clients}, password); err != nil {
				return &exitError{status: exitUsage, err: err}
			}
			fmt.Fprintf(a.err, "%s may sign in as %s\n", clean(args[0]), role)
			return nil
		},
	}
	add.Flags().StringVar(&role, "role", string(access.Owner), "`ROLE`: owner or reviewer")
	add.Flags().StringArrayVar(&clients, "of", nil, "only what is with this configured `CLIENT`; may be repeated")
	add.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from stdin")
	c.AddCommand(add, a.userListCmd(), &cobra.Command{
		Use: "remove NAME", Short: "Let somebody sign in no more; their sessions end", Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := a.book()
			if err != nil {
				return err
			}
			if err := b.Remove(args[0]); err != nil {
				return accessError(err)
			}
			fmt.Fprintf(a.err, "%s may not sign in any more\n", clean(args[0]))
			return nil
		},
	})
	return c
}

func accessError(err error) error {
	if errors.Is(err, access.ErrUnknown) {
		return &exitError{status: exitNothing, err: err}
	}
	return err
}

func (a *app) chosenPassword(ctx context.Context, stdin bool) (string, error) {
	if stdin || !a.asks() {
		return a.newPassword(ctx, "Password", stdin)
	}
	p, err := a.typed(ctx, "Password, at least 10 characters")
	if err != nil {
		return "", err
	}
	again, err := a.typed(ctx, "The same again")
	if err != nil {
		return "", err
	}
	if p != again {
		return "", usage("the two are not the same")
	}
	return p, nil
}

// userInfo is one element of the document "inwriting.users/v1".
type userInfo struct {
	Name    string      `json:"name"`
	Role    access.Role `json:"role"`
	Clients []string    `json:"clients"`
}

func (a *app) userListCmd() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List who may sign in", Args: exactly(0), RunE: func(*cobra.Command, []string) error {
		b, err := a.book()
		if err != nil {
			return err
		}
		people, err := b.People()
		if err != nil {
			return err
		}
		list := []userInfo{}
		for _, p := range people {
			list = append(list, userInfo{p.Name, p.Role, append([]string{}, p.Clients...)})
		}
		if a.json {
			return writeJSON(a.out, struct {
				Schema string     `json:"schema"`
				Users  []userInfo `json:"users"`
			}{"inwriting.users/v1", list})
		}
		if len(list) == 0 && !a.plain {
			fmt.Fprintln(a.out, "Nobody has to sign in: whoever uses this computer reads the record.")
		}
		for _, u := range list {
			if a.plain {
				plainLine(a.out, u.Name, string(u.Role), strings.Join(u.Clients, ","))
				continue
			}
			fmt.Fprintf(a.out, "%s %s %s\n", pad(clean(u.Name), 24), pad(string(u.Role), 9), clean(strings.Join(u.Clients, ", ")))
		}
		return nil
	}}
}

func (a *app) tokenCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Give programs a key to the API", Args: exactly(0),
		Long: `A token is sent as "Authorization: Bearer TOKEN". Its scopes say what it is for:
read asks questions, export also takes bundles, metrics reads /metrics alone.`,
		RunE: func(c *cobra.Command, args []string) error { return c.Help() },
	}
	var scopes, clients []string
	add := &cobra.Command{
		Use: "add NAME", Short: "Make a token; it is printed once and not kept", Args: exactly(1),
		Example: "  inwriting token add prometheus --scope metrics\n  inwriting token add script --scope read --of \"Hale Architects\"",
		RunE: func(c *cobra.Command, args []string) error {
			b, err := a.book()
			if err != nil {
				return err
			}
			var list []access.Scope
			for _, s := range scopes {
				list = append(list, access.Scope(s))
			}
			secret, err := b.AddToken(args[0], list, clients)
			if err != nil {
				return &exitError{status: exitUsage, err: err}
			}
			if a.json {
				return writeJSON(a.out, struct {
					Schema string   `json:"schema"`
					Name   string   `json:"name"`
					Scopes []string `json:"scopes"`
					Token  string   `json:"token"`
				}{"inwriting.token/v1", args[0], scopes, secret})
			}
			_, err = fmt.Fprintln(a.out, secret)
			return err
		},
	}
	add.Flags().StringSliceVar(&scopes, "scope", []string{string(access.Read)}, "`SCOPES`: read, export, metrics")
	add.Flags().StringArrayVar(&clients, "of", nil, "only what is with this configured `CLIENT`; may be repeated")
	c.AddCommand(add, &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: exactly(0), RunE: func(*cobra.Command, []string) error {
			b, err := a.book()
			if err != nil {
				return err
			}
			tokens, err := b.Tokens()
			if err != nil {
				return err
			}
			for _, t := range tokens {
				words := make([]string, len(t.Scopes))
				for i, s := range t.Scopes {
					words[i] = string(s)
				}
				plainLine(a.out, t.Name, strings.Join(words, ","), t.Made.Format(time.RFC3339), strings.Join(t.Clients, ","))
			}
			return nil
		}}, &cobra.Command{
		Use: "remove NAME", Short: "End a token", Args: exactly(1), RunE: func(c *cobra.Command, args []string) error {
			b, err := a.book()
			if err != nil {
				return err
			}
			return accessError(b.RemoveToken(args[0]))
		}})
	return c
}
