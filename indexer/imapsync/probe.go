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

// Report is what a Probe found.
type Report struct {
	Folders      []FolderInfo // in the server's order
	Messages     int          // in the folders that would be collected; -1 when the server does not count them at once
	Capabilities []string     // in alphabetical order
	ReadOnly     bool         // the server confirms that INBOX is open for reading only
}

// Probe signs in, lists the folders, opens INBOX for reading only and signs out
// again. It fetches nothing and changes nothing, here or there. Its errors are
// those of Run, with what to do about them.
func Probe(ctx context.Context, a Account, idle time.Duration) (Report, error) {
	if idle <= 0 {
		idle = 20 * time.Second
	}
	p := &pass{log: slog.New(slog.DiscardHandler)}
	p.dialer = &dialer{account: a, lim: limits{idle: idle, line: lineLimit, search: searchLimit, literal: smallLimit, small: smallLimit},
		event: func(string, string, string) {}}
	if err := p.connect(ctx); err != nil {
		return Report{}, err
	}
	r, err := p.probe()
	p.hangUp(err == nil)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("testing %s: %w", a.Address, ctx.Err())
	}
	return r, err
}

func (p *pass) probe() (Report, error) {
	var r Report
	for c := range p.s.caps {
		r.Capabilities = append(r.Capabilities, c)
	}
	slices.Sort(r.Capabilities)
	folders, stats, err := p.s.list()
	if err != nil {
		return r, p.sessionErr("listing the folders", err)
	}
	inbox := ""
	for i, f := range folders {
		folders[i].Excluded = excluded(f, p.account)
		if strings.EqualFold(f.Name, "INBOX") {
			inbox = f.Name
		}
		if !f.Selectable() || folders[i].Excluded {
			continue
		}
		if st, ok := stats[f.Name]; ok && st.hasExists && r.Messages >= 0 {
			r.Messages += int(st.exists)
		} else {
			r.Messages = -1
		}
	}
	r.Folders = folders
	if inbox == "" {
		return r, p.err(ErrFolder, "looking for INBOX", errors.New("the server lists no such folder"), "")
	}
	run := &folderRun{info: FolderInfo{Name: inbox, Display: inbox}}
	if _, r.ReadOnly, err = p.s.examine(inbox); err != nil {
		return r, p.folderErr(run, "opening folder", "check whether this login may read the folder", err)
	}
	return r, nil
}
