package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/search/trail"
)

const (
	maxSecondHand  = 12 // beside a trail
	originalWindow = 36 * time.Hour
	maxOriginals   = 50 // messages that are compared with a passage
)

// secondHand lists what r repeats of others' mail that is not kept. The reader left out
// passages of mail that r cites; here go those of mail that is kept without r citing
// it, as what is forwarded mostly is.
func (e *Engine) secondHand(ctx context.Context, r *Record) ([]trail.Statement, error) {
	var out []trail.Statement
	for i := range r.SecondHand {
		h := &r.SecondHand[i]
		if found, err := e.original(ctx, h); err != nil || found {
			if err != nil {
				return nil, err
			}
			continue
		}
		for k := range h.Statements {
			s := e.shown(r, &h.Statements[k])
			s.Speaker = trail.Speaker{Name: h.From.Name, Address: h.From.Address}
			s.Speaker.Role, _ = e.people.Role(h.From.Address)
			s.SecondHand = &trail.SecondHand{Date: known(h.Date), Written: h.DateRaw, Forwarded: h.Forwarded}
			out = append(out, s)
		}
	}
	return out, nil
}

// original reports whether the mail that h repeats is kept.
func (e *Engine) original(ctx context.Context, h *SecondHand) (bool, error) {
	if h.From.Address == "" || h.Date.IsZero() || len(h.Hashes) == 0 {
		return false, nil
	}
	refs, err := e.store.Between(ctx, []string{h.From.Address}, h.Date.Add(-originalWindow), h.Date.Add(originalWindow), maxOriginals)
	if err != nil || len(refs) == 0 {
		return false, err
	}
	records, err := e.store.Records(ctx, refs, false)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if r == nil || !slices.ContainsFunc(r.NewHashes, func(n uint64) bool { return slices.Contains(h.Hashes, n) }) {
			continue
		}
		return true, nil
	}
	return false, nil
}

// secondHandIn is secondHand for the messages of a trail, each statement once, oldest
// first.
func (e *Engine) secondHandIn(ctx context.Context, refs []archive.Ref) ([]trail.Statement, error) {
	slices.SortFunc(refs, func(a, b archive.Ref) int { return slices.Compare(a[:], b[:]) })
	refs = slices.Compact(refs)
	records, err := e.store.Records(ctx, refs, false)
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(r *Record) bool { return r == nil || len(r.SecondHand) == 0 })
	slices.SortStableFunc(records, func(a, b *Record) int { return a.Date.Compare(b.Date) })
	var out []trail.Statement
	seen := map[string]bool{}
	for _, r := range records {
		list, err := e.secondHand(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			key := s.Speaker.Address + "\n" + strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(s.Quote, ">", " ")), " "))
			if !seen[key] {
				seen[key] = true
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b trail.Statement) int {
		return cmp.Or(writtenAt(a).Compare(writtenAt(b)), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), maxSecondHand)], nil
}

func writtenAt(s trail.Statement) time.Time {
	if s.SecondHand.Date != nil {
		return *s.SecondHand.Date
	}
	return s.Message.Date
}
