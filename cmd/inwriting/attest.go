package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger/anchor"
	"inwriting/search"
)

// attestOf says whom the configuration allows to be asked.
func attestOf(cfg *config.Config) (indexer.Attest, error) {
	a := indexer.Attest{Receivers: cfg.Receivers}
	if cfg.DKIM {
		a.Lookup = dkim.System
	}
	for _, t := range cfg.Timestamps {
		au := anchor.Authority{Name: t.Name, URL: t.URL}
		if file := cfg.RootsFile(t); file != "" {
			b, err := os.ReadFile(file)
			if err != nil {
				return a, fmt.Errorf("reading the roots of timestamp %q: %w", t.Name, err)
			}
			certs, err := anchor.ParseChain(b)
			if err != nil {
				return a, fmt.Errorf("reading the roots of timestamp %q in %q: %w", t.Name, file, err)
			}
			au.Roots = x509.NewCertPool()
			for _, c := range certs {
				au.Roots.AddCert(c)
			}
		}
		a.Authorities = append(a.Authorities, au)
	}
	return a, nil
}

// attest has new mail's signatures looked at and the ledger stamped, as far as the
// configuration allows. What others do not answer is asked again later.
func (s *service) attest(ctx context.Context, events func(any)) {
	_, err := s.vault.Attest(ctx, false, func(p indexer.ReadProgress) {
		events(progress{Label: "checking signatures", Done: p.Done, Total: p.Total})
	})
	if err != nil && ctx.Err() == nil {
		s.note(err)
		s.log.Error("attesting", "err", err)
	}
}

// followAttest does so for a daemon, beside everything else: after new mail was read,
// and every hour for what was not answered.
func (s *service) followAttest(ctx context.Context) {
	for {
		s.attest(ctx, s.tellProgress)
		select {
		case <-ctx.Done():
			return
		case <-s.arrived.c:
		case <-time.After(time.Hour):
		}
	}
}

// authenticityLines says in plain words what signatures prove.
func authenticityLines(a *search.Authenticity) []string {
	if a == nil {
		return nil
	}
	var lines []string
	if len(a.Signatures) == 0 {
		lines = append(lines, a.State+": "+a.Why)
	}
	for _, s := range a.Signatures {
		line := s.State
		if s.Why != "" {
			line += ": " + s.Why
		}
		line += "; by " + s.Domain
		if !s.Aligned {
			line += ", which is not the sender's domain"
		}
		if a.Checked != nil {
			line += ", checked on " + a.Checked.Format("2 January 2006")
		}
		if len(s.Uncovered) > 0 && s.State == "verified" {
			line += "; not covered: " + strings.Join(s.Uncovered, ", ")
		}
		lines = append(lines, line)
	}
	if r := a.Received; r != nil {
		words := r.Results
		if words == "" {
			words = "nothing"
		}
		lines = append(lines, fmt.Sprintf("%s said on receipt: %s", r.Server, words))
	}
	return lines
}

func (s *service) recheck(ctx context.Context, events func(any)) (*indexer.RecheckReport, error) {
	return s.vault.Recheck(ctx, func(p indexer.ReadProgress) {
		events(progress{Label: "checking signatures", Done: p.Done, Total: p.Total})
	})
}

// verifySignatures checks the signatures of the vault's messages again.
func (a *app) verifySignatures(c *cobra.Command) error {
	b, err := a.open(c.Context())
	if err != nil {
		return err
	}
	defer b.Close()
	var r indexer.RecheckReport
	show, bar := a.bars()
	err = b.do(c.Context(), "signatures", struct{}{}, show, &r)
	bar.done()
	if err != nil {
		return err
	}
	if a.json {
		err = writeJSON(a.out, r)
	} else {
		for _, d := range r.Differ {
			fmt.Fprintf(a.out, "DIFFERS   message %s: recorded %q in entry %s, now %q: %s\n", d.Ref, d.Was, number(int(d.Entry)), d.Now, clean(d.Why))
		}
		fmt.Fprintf(a.out, "%s of %s with a kept key give what was recorded; %s verified. Nobody was asked.\n",
			number(r.Same), plural(r.Messages, "message", "messages"), number(r.Verified))
		if r.OK {
			fmt.Fprintln(a.out, "OK")
		}
	}
	if err == nil && !r.OK {
		return &exitError{status: exitVerification}
	}
	return err
}

// newestAnchors are the last sound time stamps, one of each authority.
func newestAnchors(all []indexer.Anchor) []indexer.Anchor {
	var out []indexer.Anchor
	for _, x := range all {
		if x.Time.IsZero() {
			continue // a note says so
		}
		if i := slices.IndexFunc(out, func(y indexer.Anchor) bool { return y.Authority == x.Authority }); i >= 0 {
			out[i] = x
		} else {
			out = append(out, x)
		}
	}
	return out
}
