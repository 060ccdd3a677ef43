package imapsync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// BODY.PEEK[] does not set \Seen (RFC 9051 section 6.4.5), and there are servers on
// which it does. So the first fetch of a pass is a small one and is looked at: of
// the messages that were unread and were fetched, which are read now, and of those
// that were not fetched?

const (
	seenSample = 3 // unread messages in the fetch that is looked at, and in what it is held against
	// SeenProven is the Result.Seen of a pass that leaves no doubt, and the sum of
	// those of several that does not either.
	SeenProven = 3
)

// seenLook is one such look.
type seenLook struct {
	end              int // of the batch in the queue
	fetched, control []uint32
}

func unread(flags []string) bool {
	return !slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, `\Seen`) })
}

// lookAtSeen prepares a look at the first n items of queue, if one is to be made and
// there is something to see; the batch then ends at look.end.
func (d *download) lookAtSeen(queue []item, n int) *seenLook {
	if d.seenLooked || d.account.AllowNotReadOnly {
		return nil
	}
	look := &seenLook{end: n}
	for i, it := range queue {
		switch {
		case i >= look.end && len(look.fetched) == 0:
			return nil
		case len(look.control) == seenSample:
			return look
		case !unread(it.flags):
		case i >= look.end:
			look.control = append(look.control, it.uid)
		default:
			if look.fetched = append(look.fetched, it.uid); len(look.fetched) == seenSample {
				look.end = i + 1
			}
		}
	}
	if len(look.fetched) == 0 {
		return nil
	}
	return look
}

// seenBy ends a look. It is an error when the server marks what it gives as read.
func (d *download) seenBy(look *seenLook) error {
	for _, u := range look.fetched {
		if _, missing := d.wanted[u]; missing {
			return nil // the next fetch is looked at
		}
	}
	now := map[uint32]bool{}
	err := d.s.describe(uidText(slices.Concat(look.fetched, look.control)), 0, func(m ListedMessage) { now[m.UID] = !unread(m.Flags) })
	var no *refusal
	if errors.As(err, &no) && !busy(no.c) {
		return nil
	}
	if err != nil {
		return d.folderErr(d.r, "looking at the flags of", "", err)
	}
	read := func(uids []uint32) (n int) {
		for _, u := range uids {
			if now[u] {
				n++
			}
		}
		return n
	}
	d.seenLooked = true
	switch fetched, control := read(look.fetched), read(look.control); {
	case fetched < len(look.fetched):
		d.result.Seen = -1 // somebody else read some, if any
	case control > 0:
		d.seenLooked = false // somebody reads the folder; the next fetch tells more
	case len(look.fetched) > 1 && len(look.control) > 1:
		d.result.Seen = SeenProven
		return d.marksSeen(d.r)
	default:
		d.result.Seen = 1
		d.event(EventMarksSeen, d.r.info.Name, fmt.Sprintf("%d unread messages were read after they were fetched; it may be that somebody read them", fetched))
	}
	return nil
}

// marksSeen is what a pass ends a folder with on such a server.
func (p *pass) marksSeen(r *folderRun) error {
	p.event(EventMarksSeen, r.info.Name, `the server sets \Seen for BODY.PEEK[]`)
	return p.err(ErrFolder, "fetching messages of "+quoted(r), errors.New("the server marks messages as read when they are fetched, although it is asked not to"),
		"collect this mailbox in another way, or allow it with allow_not_read_only in its settings")
}

// uidText writes UIDs as an IMAP sequence set.
func uidText(uids []uint32) string {
	var ranges []uidRange
	for _, u := range uids {
		if n := len(ranges); n > 0 && ranges[n-1].hi+1 == u {
			ranges[n-1].hi = u
		} else {
			ranges = append(ranges, uidRange{u, u})
		}
	}
	return setText(ranges)
}
