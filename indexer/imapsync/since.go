package imapsync

import "context"

// Selector is a Folder that remembers which messages the settings leave out by
// their date. Without it all are fetched.
type Selector interface {
	// LeaveOut records that the messages of uids, which are Listed, are not wanted.
	// It is durable on return.
	LeaveOut(ctx context.Context, uids []uint32) error
}

// choose takes out of queue what was received before the account's Since. A message
// whose date the server does not say stays in.
func (p *pass) choose(ctx context.Context, r *folderRun, f Folder, queue []item) ([]item, error) {
	s, ok := f.(Selector)
	if !ok || p.account.Since.IsZero() {
		return queue, nil
	}
	var kept []item
	var out []uint32
	for _, it := range queue {
		if !it.date.IsZero() && it.date.Before(p.account.Since) {
			out = append(out, it.uid)
			continue
		}
		kept = append(kept, it)
	}
	if len(out) == 0 {
		return queue, nil
	}
	if err := s.LeaveOut(ctx, out); err != nil {
		return nil, p.storing("leaving out messages of "+quoted(r), err)
	}
	r.res.LeftOut += len(out)
	p.moved += len(out)
	return kept, nil
}
