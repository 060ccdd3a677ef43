package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
)

// reload takes a changed configuration over: mailboxes, people, intervals, alerts.
// The error says what needs a restart; everything else is in force on return.
func (s *service) reload(a *app) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	cfg, err := a.config()
	if err != nil {
		return fmt.Errorf("the configuration was not taken over: %w", err)
	}
	people, err := a.people(cfg)
	if err != nil {
		return fmt.Errorf("the configuration was not taken over: %w", err)
	}
	dir, err := a.data(cfg)
	if err != nil {
		return fmt.Errorf("the configuration was not taken over: %w", err)
	}
	attest, err := attestOf(cfg)
	if err != nil {
		return fmt.Errorf("the configuration was not taken over: %w", err)
	}
	old := s.config()
	s.mu.Lock()
	s.cfg, s.named = cfg, people
	s.mu.Unlock()
	if err := s.setPeople(people); err != nil {
		return err
	}
	s.vault.SetAttest(attest)
	for _, m := range cfg.Mailboxes {
		if len(m.Only) > 0 { // who is to be kept may have changed
			s.turns.of(m.Address).wake.tell()
		}
	}
	s.changed.tell()
	s.arrived.tell()
	var needs restartError
	if dir != s.vault.Dir() {
		needs = append(needs, "data")
	}
	for name, differs := range map[string]bool{"listen": old.Listen != cfg.Listen, "timezone": old.Timezone != cfg.Timezone, "tls_cert": old.TLSCert != cfg.TLSCert,
		"tls_key": old.TLSKey != cfg.TLSKey, "hosts": !slices.Equal(old.Hosts, cfg.Hosts)} {
		if differs {
			needs = append(needs, name)
		}
	}
	if len(needs) > 0 {
		slices.Sort(needs)
		return needs
	}
	return nil
}

// restartError names the settings that are only read at the start.
type restartError []string

func (e restartError) Error() string { return "in force after a restart only: " + list(e) }

func list(words []string) string {
	out := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			out += " and "
		default:
			out += ", "
		}
		out += w
	}
	return out
}

// bell tells one listener that something changed; more rings than it hears are one.
type bell struct{ c chan struct{} }

func newBell() bell  { return bell{make(chan struct{}, 1)} }
func (b bell) tell() { nudge(b.c) }
func (s *service) broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// note keeps an error after which nothing can be stored until a restart.
func (s *service) note(err error) {
	if errors.Is(err, archive.ErrFailed) || errors.Is(err, ledger.ErrFailed) {
		s.mu.Lock()
		s.failed = err
		s.mu.Unlock()
	}
}

// healthy reports what only a restart, or a person, mends: storing failed, or the
// record does not answer in time.
func (s *service) healthy(ctx context.Context) error {
	if err := s.broken(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := s.Coverage(ctx)
	return err
}
