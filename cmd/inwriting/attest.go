package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger/anchor"
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
func (s *service) attest(ctx context.Context) {
	if _, err := s.vault.Attest(ctx, false); err != nil && ctx.Err() == nil {
		s.log.Error("attesting", "err", err)
	}
}
