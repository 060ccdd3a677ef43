package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// reloadArgs: the configuration changed, by a command or by hand.
type reloadArgs struct {
	Config  string `json:"config"`  // the file that changed
	Mailbox string `json:"mailbox"` // one whose sign-in changed: it is read at once; "" for none
}

// reloadReport is what a daemon made of it.
type reloadReport struct {
	Restart []string `json:"restart"` // settings that are in force after a restart only
}

var (
	errOtherFile = errors.New("the daemon was started with another configuration")
	errNoReload  = errors.New("this daemon takes no configuration over")
)

// reloadFor is the action "reload" of a daemon; the file is read again by it, with the
// flags and the environment it was started with.
func (s *service) reloadFor(args reloadArgs) (*reloadReport, error) {
	a := s.owner
	if a == nil {
		return nil, errNoReload
	}
	path, err := a.configPath()
	if err != nil {
		return nil, err
	}
	if !sameFile(path, args.Config) {
		return nil, fmt.Errorf("%w: %q, not %q", errOtherFile, path, args.Config)
	}
	r := &reloadReport{Restart: []string{}}
	var needs restartError
	if err := s.reload(a); errors.As(err, &needs) {
		r.Restart = needs
	} else if err != nil {
		return nil, err
	}
	if args.Mailbox != "" {
		s.turns.of(args.Mailbox).wake.tell()
	}
	return r, nil
}

// sameFile compares where two paths lead; the file need not exist.
func sameFile(a, b string) bool {
	for _, p := range []*string{&a, &b} {
		if real, err := filepath.EvalSymlinks(*p); err == nil {
			*p = real
		}
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// tellDaemon has a running daemon take the changed configuration over, and says what
// came of it; without a daemon there is nothing to do and to say. mailbox is one whose
// sign-in changed, or "".
func (a *app) tellDaemon(ctx context.Context, mailbox string) {
	_, dir, err := a.place()
	if err != nil {
		return
	}
	path, err := a.configPath()
	if err != nil {
		return
	}
	b := dial(ctx, dir)
	if b == nil {
		return
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var r reloadReport
	switch err := b.do(ctx, "reload", reloadArgs{Config: path, Mailbox: mailbox}, nil, &r); {
	case err != nil:
		a.say("The running daemon did not take it over: %v", err)
		a.say("It goes on as before until it is restarted.")
	case len(r.Restart) > 0:
		a.say("The running daemon took it over, but for %s: in force after a restart.", list(r.Restart))
	case mailbox != "":
		a.say("The running daemon took it over and reads the mailbox now.")
	default:
		a.say("The running daemon took it over.")
	}
}
