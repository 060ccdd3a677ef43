package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/cmd/inwriting/demomail"
	"inwriting/config"
	"inwriting/search"
	"inwriting/search/trail"
	"inwriting/search/web"
)

func (a *app) demoCmd() *cobra.Command {
	var once bool
	var out string
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work on invented mail",
		Long: `Demo starts a mail server on this machine with the invented mail of a small
agency, reads it, shows what the record says about one dispute, writes its bundle
and checks it, and serves the pages until Ctrl-C. Your own vault is not touched.`,
		Example: "  inwriting demo\n  inwriting demo --once",
		Args:    exactly(0),
		RunE:    func(c *cobra.Command, args []string) error { return a.demo(c.Context(), once, out) },
	}
	c.Flags().BoolVar(&once, "once", false, "end after the bundle is checked")
	c.Flags().StringVarP(&out, "output", "o", "", "the bundle's `FILE.zip` (default demo-NAME.zip here)")
	return c
}

func (a *app) demo(ctx context.Context, once bool, out string) error {
	t := a.outTerm()
	// The user's own vault is never used, whatever flags and environment say.
	dir, err := os.MkdirTemp("", "inwriting-demo-")
	if err != nil {
		return fmt.Errorf("making the demo's folder: %w", err)
	}
	defer os.RemoveAll(dir)

	s, server, total, err := openDemo(dir, a.logger())
	if err != nil {
		return err
	}
	defer server.Close()
	defer s.Close()
	boxes := s.config().Mailboxes
	fmt.Fprintf(a.out, "Starting a demo mail server with %d clients, %d disputes and %d messages %s ready\n", len(s.peopleNow().Clients), len(demomail.Disputes), total, t.glyph("…", "..."))

	started := time.Now()
	bar := newBars(a.err, a.errTerm())
	done := map[string]int{}
	report, err := s.sync(ctx, syncArgs{}, true, func(v any) {
		p := v.(progress)
		if p.Label == "reading" {
			return
		}
		done[p.Label+"\x00"+p.Tail] = p.Done
		n := 0
		for _, d := range done {
			n += d
		}
		bar.show(fmt.Sprintf("Reading %d mailboxes", len(boxes)), n, total, "")
	})
	bar.done()
	if err != nil {
		for _, m := range report.mailboxes() {
			if m.Error != "" {
				fmt.Fprintln(a.err, m.Error)
			}
		}
		return err
	}
	spent := time.Since(started)
	got := 0
	for _, m := range report.Mailboxes {
		got += m.New
	}
	fmt.Fprintf(a.out, "Reading %d mailboxes  %s  %d/%d  %.1f s\n", len(boxes), strings.Repeat(t.glyph("━", "="), 30), got, total, spent.Seconds())

	dispute := demomail.Disputes[0]
	findings := 0
	var tr *trail.Trail
	for i, d := range demomail.Disputes {
		x, err := s.Trail(ctx, search.TrailQuery{Question: d.Question})
		if err != nil {
			return err
		}
		findings += len(x.Findings)
		if i == 0 {
			tr = x
		}
	}
	messages, statements, err := s.totals()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Sealed %s in the ledger. Found %s and %s.\n\n", plural(messages, "message", "messages"), plural(statements, "statement", "statements"), plural(findings, "finding", "findings"))
	fmt.Fprintf(a.out, "  A client has just written: %s\n\n", t.quote(dispute.Claim))
	if a.json {
		if err := writeJSON(a.out, tr); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.out, "  %s\n", t.bold("What the record shows"))
	fmt.Fprintf(a.out, "%s\n\n", wrap(tr.Summary.Text, t.width, "  ", "  "))
	renderSteps(a.out, t, tr)
	fmt.Fprintln(a.out)

	if out == "" {
		out = "demo-" + dispute.Name + ".zip"
	}
	abs, err := absolute(out)
	if err != nil {
		return err
	}
	r, err := s.export(ctx, exportArgs{Question: dispute.Question, Title: dispute.Title, For: "client", Out: abs, Force: true}, func(any) {})
	if errors.Is(err, os.ErrPermission) {
		// A folder that is not ours to write: the demo still shows its bundle.
		abs = filepath.Join(dir, filepath.Base(out))
		out = abs
		r, err = s.export(ctx, exportArgs{Question: dispute.Question, Title: dispute.Title, For: "client", Out: abs, Force: true}, func(any) {})
	}
	if err != nil {
		return err
	}
	checked, err := checkBundle(abs)
	if err != nil {
		return err
	}
	if !checked.OK {
		return &exitError{status: exitVerification, err: fmt.Errorf("the bundle does not verify: %s", strings.Join(checked.Lines(), "; "))}
	}
	fmt.Fprintf(a.out, "  Bundle   %s   %s, %s, checked\n", out, plural(r.Messages, "message", "messages"), bytesText(r.Size))
	if once {
		return nil
	}
	ln, err := net.Listen("tcp", config.DefaultListen)
	if err != nil {
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("serving the pages: %w", err)
		}
	}
	fmt.Fprintf(a.out, "  Look     http://%s/m/%s     (Ctrl-C to stop)\n", ln.Addr(), dispute.Name)
	fmt.Fprintf(a.out, "  Next     inwriting config example     to read your own mail\n")
	err = s.serve(ctx, ln, serveOptions{matters: demoMatters()})
	if ctx.Err() != nil {
		fmt.Fprintln(a.err, "stopped; the demo's vault is removed, the bundle stays")
		return nil
	}
	return err
}

// openDemo starts the demo's mail server and opens an empty vault in dir that is
// configured to read it. total is how many messages it has.
func openDemo(dir string, log *slog.Logger) (s *service, server *demomail.Server, total int, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		server, err = demomail.Serve(ln)
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("starting the demo mail server: %w", err)
	}
	us, clients, others := demomail.Config()
	cfg := config.Default()
	cfg.Me, cfg.Timezone = us, demomail.Timezone
	env := map[string]string{}
	for _, b := range demomail.Mailboxes() {
		for _, f := range b.Folders {
			total += len(f.Messages)
		}
		var host config.Server
		if host, err = config.ParseServer("insecure://" + server.Addr()); err != nil {
			server.Close()
			return nil, nil, 0, err
		}
		cfg.Mailboxes = append(cfg.Mailboxes, config.Mailbox{Address: b.Address, Server: host})
		env[config.PasswordEnv(b.Address)] = demomail.Password
	}
	people := trail.People{Us: us, Clients: demoParties(clients), Others: demoParties(others)}
	s, err = openService(cfg, filepath.Join(dir, "vault"), people, func(k string) string { return env[k] }, log, false)
	if err != nil {
		server.Close()
	}
	return s, server, total, err
}

func demoMatters() (out []web.Matter) {
	for _, d := range demomail.Disputes {
		out = append(out, web.Matter{Name: d.Name, Title: d.Title, Question: d.Question, Client: d.Client})
	}
	return out
}

func demoParties(all []demomail.Party) []trail.Party {
	var out []trail.Party
	for _, p := range all {
		out = append(out, trail.Party{Name: p.Name, Addresses: p.Addresses, Domains: p.Domains})
	}
	return out
}

func (r *syncReport) mailboxes() []mailboxSync {
	if r == nil {
		return nil
	}
	return r.Mailboxes
}
