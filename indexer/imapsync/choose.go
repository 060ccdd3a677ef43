package imapsync

import (
	"context"
	"errors"
	"slices"
)

// Selector is a Folder that remembers which messages the settings leave out. Without
// it all are fetched.
type Selector interface {
	// LeaveOut records that the messages of uids, which are Listed, are not wanted: they
	// are LeftOut or NotChosen. It is durable on return.
	LeaveOut(ctx context.Context, uids []uint32, as State) error
}

// choose takes out of queue what the settings leave out: first by the server's date,
// which costs nothing, then by the header. What cannot be judged stays in, and so does
// what shows itself under the UID of a stored message.
func (p *pass) choose(ctx context.Context, r *folderRun, f Folder, all []item) ([]item, error) {
	s, ok := f.(Selector)
	if !ok || p.account.Since.IsZero() && p.account.Want == nil {
		return all, nil
	}
	var queue, kept []item
	for _, it := range all {
		if k := r.row(it.uid); k != nil && k.state == Stored {
			kept = append(kept, it)
		} else {
			queue = append(queue, it)
		}
	}
	if since := p.account.Since; !since.IsZero() {
		older := func(it item) bool { return !it.date.IsZero() && it.date.Before(since) }
		n, err := p.leaveOut(ctx, r, s, queue, LeftOut, older)
		if err != nil {
			return nil, err
		}
		r.res.LeftOut += n
		queue = slices.DeleteFunc(queue, older)
	}
	if p.account.Want == nil {
		return slices.Concat(kept, queue), nil
	}
	for batch := range slices.Chunk(queue, headersAtOnce) {
		unwanted, err := p.unwanted(r, batch)
		if err != nil {
			return nil, err
		}
		// Batch by batch, so that a lost connection does not ask for all of it again.
		no := func(it item) bool { return unwanted[it.uid] }
		n, err := p.leaveOut(ctx, r, s, batch, NotChosen, no)
		if err != nil {
			return nil, err
		}
		r.res.NotChosen += n
		kept = append(kept, slices.DeleteFunc(slices.Clone(batch), no)...)
	}
	return kept, nil
}

func (p *pass) leaveOut(ctx context.Context, r *folderRun, s Selector, items []item, as State, out func(item) bool) (int, error) {
	var uids []uint32
	for _, it := range items {
		if out(it) {
			uids = append(uids, it.uid)
		}
	}
	if len(uids) == 0 {
		return 0, nil
	}
	p.moved += len(uids)
	return len(uids), p.storing("leaving out messages of "+quoted(r), s.LeaveOut(ctx, uids, as))
}

// unwanted asks for the headers of items and returns those whose messages are not
// wanted. What spoils the answer for all is asked for in halves.
func (p *pass) unwanted(r *folderRun, items []item) (map[uint32]bool, error) {
	uids, left := make([]uint32, len(items)), map[uint32]bool{}
	for i, it := range items {
		uids[i], left[it.uid] = it.uid, true
	}
	out := map[uint32]bool{}
	err := p.s.headers(uids, func(uid uint32, header []byte) {
		if left[uid] && len(header) > 0 {
			delete(left, uid)
			if !p.account.Want(header) {
				out[uid] = true
			}
		}
	})
	var no *refusal
	if err != nil && (!errors.As(err, &no) || busy(no.c)) {
		return nil, p.folderErr(r, "reading the headers in", "", err)
	}
	if len(left) == 0 || len(items) == 1 {
		return out, nil
	}
	rest := slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !left[it.uid] })
	for half := range slices.Chunk(rest, (len(rest)+1)/2) {
		more, err := p.unwanted(r, half)
		if err != nil {
			return nil, err
		}
		for uid := range more {
			out[uid] = true
		}
	}
	return out, nil
}
