package imapsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// enumerate returns the UIDs of the open folder, ascending, and whether their
// number is what the server counts.
func (p *pass) enumerate(r *folderRun) (uids []uint32, agreed bool, err error) {
	s := p.s
	if r.pre != nil {
		return slices.Sorted(maps.Keys(r.pre)), true, nil
	}
	for range 3 {
		if s.g.exists == 0 {
			return nil, true, nil
		}
		uids, err = s.search()
		var no *refusal
		switch {
		case errors.As(err, &no) && s.caps["ESEARCH"]:
			delete(s.caps, "ESEARCH") // offered, and not kept
			continue
		case err != nil:
			return nil, false, p.folderErr(r, "listing the messages of", "", err)
		case len(uids) == int(s.g.exists):
			return uids, true, nil
		}
		delete(s.caps, "ESEARCH") // broken on iCloud
		if err := s.noop(); err != nil {
			return nil, false, p.folderErr(r, "listing the messages of", "", err)
		}
	}
	all := map[uint32]bool{}
	for _, u := range uids {
		all[u] = true
	}
	if err := s.uids(all); err != nil {
		return nil, false, p.folderErr(r, "listing the messages of", "", err)
	}
	p.event(EventCount, r.info.Name, fmt.Sprintf("the server counts %d messages, SEARCH lists %d, with FETCH %d", s.g.exists, len(uids), len(all)))
	uids = uids[:0]
	for u := range all {
		uids = append(uids, u)
	}
	slices.Sort(uids)
	return uids, len(uids) == int(s.g.exists), nil
}

// missing tells the store which known UIDs this enumeration lacked.
func (p *pass) missing(ctx context.Context, r *folderRun, f Folder, uids []uint32, st status) (gone int, err error) {
	e := Enumeration{Session: p.s.name, Exists: uint32(len(uids)), UIDNext: st.uidNext}
	marked := false
	r.missed = 0
	for _, k := range r.known {
		marked = marked || k.missed != ""
		if _, on := slices.BinarySearch(uids, k.uid); !on {
			e.Missing = append(e.Missing, k.uid)
			if k.missed == "" || k.missed == p.s.name {
				r.missed++
			}
		}
	}
	if len(e.Missing) == 0 && !marked {
		return 0, nil
	}
	gone, err = f.Enumerated(ctx, e)
	r.res.Gone += gone
	return gone, p.storing("recording what is gone from "+quoted(r), err)
}

// confirm lists again, over a second connection, the folders that missed
// something for the first time: gone is only what two sessions agree on.
func (p *pass) confirm(ctx context.Context, runs []*folderRun) error {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *folderRun) bool { return r.missed == 0 || r.res.Err != nil })
	if len(runs) == 0 {
		return nil
	}
	p.hangUp(true)
	for _, r := range runs {
		err := p.persist(ctx, r, func() error {
			st, err := p.examine(r)
			if err != nil || st.uidValidity == 0 {
				return err
			}
			f, err := p.epoch(ctx, r, st)
			if err != nil {
				return err
			}
			if r.known, err = load(ctx, f); err != nil {
				return p.storing("reading what is known of "+quoted(r), err)
			}
			uids, agreed, err := p.enumerate(r)
			if err != nil || !agreed {
				return err // the next pass asks again
			}
			if _, err := p.missing(ctx, r, f, uids, st); err != nil {
				return err
			}
			listed := slices.ContainsFunc(r.known, func(k row) bool { // and was not on the server before
				_, on := slices.BinarySearch(uids, k.uid)
				return on && k.state == Listed
			})
			if r.ready && r.missed == 0 && !listed && r.clean.UIDValidity == st.uidValidity {
				return p.markClean(ctx, r, f)
			}
			return nil
		})
		if err := p.settle(ctx, r, err); err != nil {
			return err
		}
	}
	return nil
}
