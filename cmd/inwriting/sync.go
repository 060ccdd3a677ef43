package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/imapsync"
)

type syncArgs struct {
	Mailboxes []string `json:"mailboxes"` // none: all
	NoRead    bool     `json:"no_read"`   // keep what is new, make it searchable later
}

// syncReport is the document "inwriting.sync/v1".
type syncReport struct {
	Schema      string        `json:"schema"`
	Mailboxes   []mailboxSync `json:"mailboxes"`
	CollectedMS int64         `json:"collected_ms"` // until all was durable in archive, ledger and catalog
	ReadMS      int64         `json:"read_ms"`      // until all was searchable
}

type mailboxSync struct {
	Address     string   `json:"address"`
	State       string   `json:"state"` // as in coverage
	New         int      `json:"new"`
	Relinked    int      `json:"relinked"` // known under new UIDs by size, date and header
	Gone        int      `json:"gone"`
	Flags       int      `json:"flags"`
	Quarantined int      `json:"quarantined"`
	Left        int      `json:"left"`
	Bytes       int64    `json:"bytes"`
	Error       string   `json:"error,omitempty"`
	Hint        string   `json:"hint,omitempty"`
	WaitMS      int64    `json:"wait_ms,omitempty"` // for how long the server wants to be left alone
	Folders     []string `json:"folders_with_trouble,omitempty"`
}

// errMailbox means that at least one mailbox was not read to its end.
var errMailbox = errors.New("not every mailbox was read to its end")

// sideBySide is how many mailboxes a sync reads at once.
const sideBySide = 10

// sync reads mailboxes side by side: one that is slow or broken holds no other up.
// events is called by one of them at a time.
func (s *service) sync(ctx context.Context, args syncArgs, always bool, events func(any)) (*syncReport, error) {
	boxes, err := named(s.config(), args.Mailboxes)
	if err != nil {
		return nil, err
	}
	r := &syncReport{Schema: "inwriting.sync/v1", Mailboxes: make([]mailboxSync, len(boxes))}
	started := now()
	errs := make([]error, len(boxes))
	var telling sync.Mutex
	tell := func(p progress) {
		telling.Lock()
		defer telling.Unlock()
		events(p)
	}
	var passes errgroup.Group // no error ends the others
	passes.SetLimit(sideBySide)
	for i, m := range boxes {
		passes.Go(func() error {
			turn := s.turns.of(m.Address)
			if err := turn.take(ctx); err != nil {
				r.Mailboxes[i], errs[i] = mailboxReport(m.Address, imapsync.Result{}, err), err
				return nil
			}
			defer turn.leave()
			if err := s.permit(ctx, m); err != nil {
				r.Mailboxes[i], errs[i] = mailboxReport(m.Address, imapsync.Result{}, err), err
				return nil
			}
			res, err := s.vault.Sync(ctx, s.account(m), always, imapsync.Options{Progress: func(p imapsync.Progress) {
				tell(progress{Label: p.Account, Done: p.Done, Total: p.Total, Tail: p.Folder})
			}})
			r.Mailboxes[i], errs[i] = mailboxReport(m.Address, res, err), err
			r.Mailboxes[i].Hint = advise(s.config(), m, s.getenv, err)
			s.alarm(ctx, s.config(), r.Mailboxes[i])
			return nil
		})
	}
	passes.Wait()
	r.CollectedMS = now().Sub(started).Milliseconds()
	started = now()
	if !args.NoRead {
		if err := s.read(ctx, events); err != nil {
			return r, err
		}
	}
	r.ReadMS = now().Sub(started).Milliseconds()
	if !args.NoRead { // a daemon does so by itself
		s.attest(ctx, events)
	}
	errs = append(errs, s.setPeople(s.peopleNow()))
	switch err := errors.Join(errs...); {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return r, ctx.Err()
	case errors.Is(err, imapsync.ErrStore):
		return r, err
	default:
		return r, errMailbox
	}
}

func mailboxReport(address string, res imapsync.Result, err error) mailboxSync {
	m := mailboxSync{Address: address, State: "up to date", Bytes: res.Bytes}
	for _, f := range res.Folders {
		m.New += f.New
		m.Relinked += f.Relinked
		m.Gone += f.Gone
		m.Flags += f.Flags
		m.Quarantined += f.Quarantined + f.Held
		m.Left += f.Left
		if f.Err != nil {
			m.Folders = append(m.Folders, f.Display)
		}
	}
	if m.Quarantined+m.Left > 0 {
		m.State = "incomplete"
	}
	if err != nil {
		m.State, m.Error = indexer.AccountState(err), err.Error()
		var e *imapsync.Error
		if errors.As(err, &e) {
			m.WaitMS = e.Wait.Milliseconds()
		}
	}
	return m
}

func (s *service) account(m config.Mailbox) imapsync.Account {
	return accountOf(s.config(), m, s.getenv)
}
