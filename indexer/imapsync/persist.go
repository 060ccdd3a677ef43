package imapsync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func (p *pass) connect(ctx context.Context) error {
	s, err := p.dial(ctx)
	if err == nil {
		p.s = s
		p.result.Server = s.info
		p.result.Connections++
	}
	return err
}

func (p *pass) hangUp(polite bool) {
	if p.s == nil {
		return
	}
	p.result.Received += p.s.g.received.Load()
	p.report(p.s)
	p.s.close(polite)
	p.s = nil
}

// persist calls work until it ends otherwise than by a lost connection. Work
// starts from what the store knows each time, so that the way back after a
// failure is the normal way. r is the folder worked on, or nil.
func (p *pass) persist(ctx context.Context, r *folderRun, work func() error) error {
	for {
		before := p.moved
		var err error
		if p.s == nil {
			err = p.connect(ctx)
		}
		connected := err == nil
		if connected {
			err = work()
		}
		lost := p.s == nil || p.s.g.failure() != nil
		if p.s != nil && lost {
			p.log.Debug("connection lost", "err", p.s.g.failure(), "transcript", p.s.g.trace.String())
			p.hangUp(false)
		}
		if err == nil {
			p.stalls, p.dead = 0, 0
			return nil
		}
		if ctx.Err() != nil || !lost || !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrProtocol) {
			return err
		}
		if p.stalls++; p.moved != before {
			p.stalls = 0
		}
		if p.stalls >= maxStalls {
			// The server is there and this folder ends the connection: the
			// others get their turn, unless it is so with all of them.
			if p.dead++; connected && r != nil && p.dead < maxDead {
				p.stalls = 0
				return p.err(ErrFolder, fmt.Sprintf("collecting folder %s, %d connections in a row", quoted(r), maxStalls), err,
					"exclude the folder if it stays so")
			}
			return err
		}
		p.result.Reconnects++
		p.event(EventRetry, "", err.Error())
		p.log.Info("connecting again", "err", err, "stalls", p.stalls)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.opt.RetryDelay << p.stalls / 2):
		}
	}
}
