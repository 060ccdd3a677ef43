package imapsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

const (
	chunkUIDs  = 5000    // UIDs described at a time
	setOctets  = 4 << 10 // of a UID set in a command
	recentUIDs = 50      // fingerprints compared in every pass
	maxStalls  = 6       // connections in a row that bring nothing, before the folder is left
	maxDead    = 3       // such folders in a row before the pass ends
)

// Run makes one pass over all folders of the account: it lists them, compares
// each with the store, fetches what is missing and records the rest. It returns
// when the pass is over, when ctx is done, or at an error that ends it; what
// the store accepted until then is durable. A folder that fails does not keep
// the others from being collected: Run then returns an error of kind ErrFolder
// and Result tells which.
//
// Run may be called at once for different accounts, not twice for one.
func Run(ctx context.Context, a Account, st Store, stage Stager, opt Options) (Result, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	orDefault(&opt.MaxMessage, 1<<30)
	orDefault(&opt.Idle, time.Minute)
	orDefault(&opt.AuditEvery, 24*time.Hour)
	orDefault(&opt.RetryDelay, time.Second)
	p := &pass{store: st, stage: stage, opt: opt, log: opt.Logger.With("account", a.Address)}
	p.dialer = &dialer{
		account: a,
		lim:     limits{idle: opt.Idle, line: lineLimit, search: searchLimit, literal: opt.MaxMessage, small: smallLimit},
		event: func(kind, folder, detail string) {
			st.Event(context.WithoutCancel(ctx), kind, folder, detail)
		},
	}
	err := p.run(ctx)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("collecting %s: %w", a.Address, ctx.Err())
	}
	p.hangUp(err == nil)
	return p.result, err
}

func orDefault[T int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// pass is one run over an account.
type pass struct {
	*dialer
	store Store
	stage Stager
	opt   Options
	log   *slog.Logger

	s      *session // nil when there is no connection
	moved  int      // grows with everything that brings the pass forward
	stalls int      // connections in a row that did not
	dead   int      // folders in a row that were given up for that
	result Result

	seenLooked bool // it was looked whether fetching marks as read
}

// folderRun is the work on one folder. It outlives connections.
type folderRun struct {
	info  FolderInfo
	st    *status // from LIST-STATUS, nil if not known
	res   *FolderResult
	known []row // of the attempt under way

	uidValidity uint32          // what audited, kills and gaveUp are of
	audited     bool            // all fingerprints were compared in this pass
	kills       map[uint32]int  // connections that ended while a UID was fetched alone
	gaveUp      map[uint32]bool // quarantined in this pass

	limit   int                      // UIDs in the next batch
	killed  int                      // UIDs quarantined for that since the last message given
	given   int                      // messages accepted in this pass
	missed  int                      // rows first missed by this pass
	clean   CleanState               // what to record once the folder is clean
	ready   bool                     // clean, but for missed
	pre     map[uint32]ListedMessage // all messages, described as the folder was opened; nil if they were not
	tried   bool                     // an attempt was made
	relinks int                      // attempts to know messages by their headers
	differ  int                      // messages whose length is not RFC822.SIZE
}

func (p *pass) run(ctx context.Context) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	var runs []*folderRun
	err := p.persist(ctx, nil, func() error {
		folders, stats, err := p.s.list()
		if err != nil {
			return p.sessionErr("listing the folders", err)
		}
		runs = runs[:0]
		p.result.Folders = make([]FolderResult, len(folders))
		for i, f := range folders {
			f.Excluded = excluded(f, p.account)
			folders[i] = f
			r := &folderRun{info: f, res: &p.result.Folders[i], limit: batchUIDs, kills: map[uint32]int{}, gaveUp: map[uint32]bool{}}
			*r.res = FolderResult{Name: f.Name, Display: f.Display, Excluded: f.Excluded, Noselect: !f.Selectable(), Server: -1}
			if st, ok := stats[f.Name]; ok {
				r.st = &st
			}
			if f.Selectable() && !f.Excluded {
				runs = append(runs, r)
			} else {
				r.res.Clean = true
			}
		}
		if p.s.labels() {
			// What has all messages comes first: the others are known by them.
			slices.SortStableFunc(runs, func(a, b *folderRun) int {
				switch all, other := a.info.has(`\All`), b.info.has(`\All`); {
				case all && !other:
					return -1
				case other && !all:
					return 1
				}
				return 0
			})
		}
		return p.storing("recording the folders", p.store.Folders(ctx, folders))
	})
	if err != nil {
		return err
	}
	for _, r := range runs {
		err := p.persist(ctx, r, func() error { return p.folder(ctx, r) })
		if err := p.settle(ctx, r, err); err != nil {
			return err
		}
	}
	if err := p.confirm(ctx, runs); err != nil {
		return err
	}
	return p.folderErrors()
}

// settle keeps a folder's own failure with the folder and returns what ends the
// pass.
func (p *pass) settle(ctx context.Context, r *folderRun, err error) error {
	if r.differ > 0 {
		p.event(EventSizeDiffers, r.info.Name, fmt.Sprintf("%d messages are not as long as RFC822.SIZE says", r.differ))
		r.differ = 0
	}
	if err != nil && ctx.Err() == nil && errors.Is(err, ErrFolder) {
		r.res.Err = err
		p.event(EventRefused, r.info.Name, err.Error())
		return nil
	}
	return err
}

func (p *pass) folderErrors() error {
	var bad []string
	var first error
	for _, f := range p.result.Folders {
		if f.Err != nil {
			bad = append(bad, fmt.Sprintf("%q", f.Display))
			if first == nil {
				first = f.Err
			}
		}
	}
	if len(bad) < 2 {
		return first
	}
	var e *Error
	hint := ""
	if errors.As(first, &e) {
		hint = e.Hint
	}
	return p.err(ErrFolder, fmt.Sprintf("collecting %d folders (%s)", len(bad), strings.Join(bad, ", ")), first, hint)
}

// sessionErr names what was being done when a command failed. A refusal of a
// command that concerns no folder ends the pass.
func (p *pass) sessionErr(doing string, err error) error {
	var no *refusal
	if errors.As(err, &no) {
		if busy(no.c) {
			return &Error{Kind: ErrBusy, Account: p.account.Address, Doing: doing, Err: no, Wait: waitFor(no.c.text), Hint: busyHint(no.c)}
		}
		return p.err(ErrProtocol, doing, no, "")
	}
	return p.connErr(p.s, doing, err, "")
}

// folderErr is sessionErr for a command that concerns one folder: a refusal
// leaves the connection and the other folders alone.
func (p *pass) folderErr(r *folderRun, doing, hint string, err error) error {
	doing = fmt.Sprintf("%s %q", doing, r.info.Display)
	var no *refusal
	if errors.As(err, &no) && !busy(no.c) {
		return p.err(ErrFolder, doing, no, hint)
	}
	return p.sessionErr(doing, err)
}

// storing makes an error of the store one of ours.
func (p *pass) storing(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return p.err(ErrStore, doing, err, "")
}

func quoted(r *folderRun) string { return fmt.Sprintf("%q", r.info.Display) }
