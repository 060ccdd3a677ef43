package imapsync

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"inwriting/indexer/archive"
)

// sameUnderOtherUIDs reports whether a folder whose UIDVALIDITY changes again and again
// holds what it held at the end of the last clean pass: as many messages, of the same
// sizes and dates in the order of their UIDs, the last ones with the headers of those
// that are stored. Courier numbers a folder anew in each session until somebody selects
// it; without this each pass would open an epoch and record every message in it once
// more. Once in AuditEvery it does, and compares all headers.
//
// If it is the same, the folder is clean under the UIDs of before.
func (p *pass) sameUnderOtherUIDs(ctx context.Context, r *folderRun, last CleanState) (bool, error) {
	if last.Pending > 0 || p.auditDue(last) || int(p.s.g.exists) != int(last.Exists) {
		return false, nil
	}
	f, err := p.store.Folder(ctx, r.info, last.UIDValidity)
	if err != nil {
		return false, p.storing("opening the records of "+quoted(r), err)
	}
	rl, ok := f.(Relinker)
	if !ok {
		return false, nil
	}
	if r.known, err = load(ctx, f); err != nil {
		return false, p.storing("reading what is known of "+quoted(r), err)
	}
	listed := map[uint32]ListedMessage{}
	if len(r.known) > 0 {
		if err := p.s.describe("1:*", 0, func(m ListedMessage) { listed[m.UID] = m }); err != nil {
			return false, p.unlessRefused(r, err)
		}
	}
	now := make([]ListedMessage, 0, len(listed))
	for _, m := range listed {
		now = append(now, m)
	}
	slices.SortFunc(now, func(a, b ListedMessage) int { return int(int64(a.UID) - int64(b.UID)) })
	var flags []FlagChange
	if len(now) != len(r.known) {
		return false, nil
	}
	for i, m := range now {
		k := &r.known[i]
		if k.size != m.Size || k.date != seconds(m.InternalDate) {
			return false, nil
		}
		if k.state == Stored && m.Flags != nil && flagKey(m.Flags) != k.flags {
			flags = append(flags, FlagChange{k.uid, m.Flags})
		}
	}
	if same, err := p.sameHeaders(ctx, r, f, rl, now); err != nil || !same {
		return false, err
	}
	if len(flags) > 0 {
		if err := f.Flags(ctx, flags); err != nil {
			return false, p.storing("recording flags of "+quoted(r), err)
		}
		r.res.Flags += len(flags)
	}
	r.res.Held = last.Quarantined
	r.clean = CleanState{UIDValidity: last.UIDValidity, Exists: last.Exists, LastAudit: last.LastAudit}
	return true, p.markClean(ctx, r, f)
}

// sameHeaders compares the headers of the last messages with the stored ones.
func (p *pass) sameHeaders(ctx context.Context, r *folderRun, f Folder, rl Relinker, now []ListedMessage) (bool, error) {
	from := max(len(now)-recentUIDs, 0)
	if from == len(now) {
		return true, nil
	}
	var refs []archive.Ref // of the rows that load keeps
	for k, err := range f.Known(ctx) {
		if err != nil {
			return false, p.storing("reading what is known of "+quoted(r), err)
		}
		if k.State != Vanished {
			refs = append(refs, k.Ref)
		}
	}
	var uids []uint32
	for _, m := range now[from:] {
		uids = append(uids, m.UID)
	}
	headers := map[uint32][]byte{}
	if err := p.s.headers(uids, func(uid uint32, header []byte) { headers[uid] = header }); err != nil {
		return false, p.unlessRefused(r, err)
	}
	for i := from; i < len(now); i++ {
		if r.known[i].state != Stored {
			continue // there is nothing to hold it against
		}
		stored, err := rl.Header(ctx, refs[i])
		if err != nil {
			return false, p.storing("reading a stored message of "+quoted(r), err)
		}
		if len(stored) == 0 || !bytes.Equal(stored, headers[now[i].UID]) {
			return false, nil
		}
	}
	return true, nil
}

// unlessRefused is the error of a command without which one can do, nil when the server
// refused it.
func (p *pass) unlessRefused(r *folderRun, err error) error {
	var no *refusal
	if errors.As(err, &no) && !busy(no.c) {
		return nil
	}
	return p.folderErr(r, "comparing the messages of", "", err)
}
