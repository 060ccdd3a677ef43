package imapsync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrCannotWatch: the server offers no IDLE; it has to be asked.
var ErrCannotWatch = errors.New("the server does not tell of changes by itself")

// idleRenew is how long one IDLE lasts. RFC 2177 allows 29 minutes; what stands
// between us and the server often forgets a silent connection after ten.
const idleRenew = 9 * time.Minute

// Watch holds a connection of its own on which the server tells that something
// changed: in INBOX by IDLE (RFC 2177), in all folders where it offers NOTIFY
// (RFC 5465). It calls ready once it listens and changed, from then on, for each
// thing it is told; neither may wait. What changed is Run's to find out: Watch
// fetches nothing.
//
// It returns when ctx is done, with its error, when the connection ends, and with
// ErrCannotWatch at once where there is nothing to listen to or it is refused.
func Watch(ctx context.Context, a Account, idle time.Duration, ready, changed func()) error {
	if idle <= 0 {
		idle = time.Minute
	}
	d := &dialer{account: a, lim: limits{idle: idle, line: lineLimit, search: searchLimit, literal: smallLimit, small: smallLimit},
		event: func(string, string, string) {}}
	s, err := d.dial(ctx)
	if err != nil {
		return err
	}
	err = d.watch(ctx, s, idleRenew, ready, changed)
	s.close(err == nil || errors.Is(err, ErrCannotWatch))
	if ctx.Err() != nil {
		return fmt.Errorf("watching %s: %w", a.Address, ctx.Err())
	}
	return err
}

func (d *dialer) watch(ctx context.Context, s *session, renew time.Duration, ready, changed func()) error {
	if !s.caps["IDLE"] {
		return ErrCannotWatch
	}
	doing := "watching " + d.account.Address
	if _, _, err := s.examine("INBOX"); err != nil {
		var no *refusal
		if errors.As(err, &no) && busy(no.c) {
			return d.serverErr(ErrBusy, doing, no.c, busyHint(no.c))
		}
		if errors.As(err, &no) {
			return fmt.Errorf("%s: %w: %w", doing, ErrCannotWatch, no)
		}
		return d.connErr(s, doing, err, "")
	}
	if s.caps["NOTIFY"] {
		// Refused or not: IDLE tells of INBOX either way.
		if _, err := s.command(notifyCommand, nil); err != nil {
			return d.connErr(s, doing, err, "")
		}
	}
	told := func(r response) {
		if word := r.word(); word == "STATUS" || word == "LIST" || word == "VANISHED" {
			changed()
			return
		}
		for _, word := range []string{"EXISTS", "EXPUNGE", "FETCH"} {
			if _, _, ok := r.numbered(word); ok {
				changed()
				return
			}
		}
	}
	for first := true; ctx.Err() == nil; first = false {
		s.tags++
		var begun func()
		if first {
			begun = ready
		}
		c, err := s.g.idleFor(fmt.Sprintf("A%d", s.tags), renew, begun, told)
		if err != nil {
			return d.connErr(s, doing, err, "")
		}
		if c.status != "OK" {
			return fmt.Errorf("%s: %w: %s", doing, ErrCannotWatch, c.text)
		}
	}
	return ctx.Err()
}

// notifyCommand asks for news of every folder of one's own. RFC 5465 section 5
// wants MessageExpunge beside MessageNew.
const notifyCommand = "NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange MailboxName))"

// idleFor runs one IDLE, which ends after a time; begun is called once the server
// listens. It returns the condition it ended with.
func (g *guard) idleFor(tag string, d time.Duration, begun func(), told func(response)) (condition, error) {
	if err := g.begin(tag, "IDLE", "IDLE", turnRaw); err != nil {
		return condition{}, err
	}
	if err := g.write([]byte(tag + " IDLE\r\n")); err != nil {
		return condition{}, err
	}
	each := func(r response) error { told(r); return nil }
	c, done, err := g.await(tag, each)
	if err != nil || done {
		return c, err
	}
	// Silence is what IDLE is made of. A connection that died without a word
	// is noticed when DONE gets no answer.
	usual := g.idle.Swap(int64(d) + g.idle.Load())
	end := time.AfterFunc(d, func() {
		g.idle.Store(usual)
		if err := g.conn.SetReadDeadline(g.deadline()); err != nil { // also of the read that waits
			g.fail(err)
			return
		}
		_ = g.write([]byte("DONE\r\n")) // its error is the guard's
	})
	defer end.Stop()
	if begun != nil {
		begun()
	}
	for {
		c, done, err := g.await(tag, each)
		if err != nil || done {
			g.idle.Store(usual)
			return c, err
		}
	}
}
