package imapsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"inwriting/indexer/archive"
)

// Refetch fetches one message of a folder anew. name is the folder's name on the
// wire. Nothing is fetched when the folder's UIDs are not those of uidValidity any
// more. The caller compares the octets with what it expects. Errors are those of
// Run; ErrFolder when the server has no such message.
func Refetch(ctx context.Context, a Account, name string, uidValidity, uid uint32, stage Stager) (*archive.Blob, error) {
	p := &pass{log: slog.New(slog.DiscardHandler)}
	p.dialer = &dialer{account: a, lim: limits{idle: time.Minute, line: lineLimit, search: searchLimit, literal: 1 << 30, small: smallLimit},
		event: func(string, string, string) {}}
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	blob, err := p.refetch(name, uidValidity, uid, stage)
	p.hangUp(err == nil)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("fetching from %s: %w", a.Address, ctx.Err())
	}
	return blob, err
}

func (p *pass) refetch(name string, uidValidity, uid uint32, stage Stager) (*archive.Blob, error) {
	display, _ := displayName(name)
	run := &folderRun{info: FolderInfo{Name: name, Display: display}}
	st, readOnly, err := p.s.examine(name)
	if err != nil {
		return nil, p.folderErr(run, "opening folder", "check whether this login may read the folder", err)
	}
	if !readOnly && !p.account.AllowNotReadOnly {
		return nil, p.err(ErrFolder, "opening folder "+quoted(run), errors.New("the server does not confirm that it is opened for reading only"), "")
	}
	if st.uidValidity != uidValidity {
		return nil, p.err(ErrFolder, "opening folder "+quoted(run), fmt.Errorf("its messages have other numbers now (UIDVALIDITY %d, was %d)", st.uidValidity, uidValidity), "")
	}
	var got *archive.Blob
	err = p.s.fetch([]uint32{uid}, true, stage, func(d delivery) error {
		if d.uid != uid || got != nil {
			d.blob.Discard()
			return nil
		}
		got = d.blob
		return nil
	})
	if err != nil {
		if got != nil {
			got.Discard()
		}
		return nil, p.folderErr(run, "fetching a message of", "", err)
	}
	if got == nil {
		return nil, p.err(ErrFolder, "fetching from folder "+quoted(run), fmt.Errorf("the server has no message %d any more", uid), "")
	}
	return got, nil
}
