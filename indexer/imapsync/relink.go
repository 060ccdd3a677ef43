package imapsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inwriting/indexer/archive"
)

// A new UIDVALIDITY says that the UIDs of before mean nothing any more, and a
// renamed folder is a new one; the messages are mostly the same. Where one has the
// size, the INTERNALDATE and the header, octet for octet, of one that was stored
// before, it is taken for that and not downloaded again. The record says how it was
// known.

// Earlier is a message that a folder may show under a new UID.
type Earlier struct {
	Ref          archive.Ref
	Size         int64 // RFC822.SIZE as it was announced
	InternalDate time.Time
}

// Relinker is a Folder that knows its closed epochs and the folders that are not
// listed any more. A Folder that is none has everything downloaded again after a
// change of UIDVALIDITY or of its name.
type Relinker interface {
	// Earlier calls each for what they hold, but for what was gone from the
	// server before. With labels it does so for all folders of the account.
	Earlier(ctx context.Context, labels bool, each func(Earlier)) error

	// Header returns the header of a stored message, with the empty line that
	// ends it.
	Header(ctx context.Context, ref archive.Ref) ([]byte, error)

	// Relink records that a listed UID shows the stored message, as Accept does
	// for one that was fetched.
	Relink(ctx context.Context, m Relinked) error
}

// Relinked is a message that was known without its octets.
type Relinked struct {
	UID          uint32
	Ref          archive.Ref
	InternalDate time.Time
	Flags        []string
	Size         int64 // RFC822.SIZE
}

const (
	headerOctets = 1 << 20 // of a header; a longer one is downloaded with its message
	relinkTries  = 2       // before everything is downloaded

	headersAtOnce = 500
	maxAlike      = 20 // stored messages of one size and second; more are generated, and downloaded
)

type likeness struct{ size, date int64 }

// relink takes out of queue what the folder held before. It returns the rest.
func (p *pass) relink(ctx context.Context, r *folderRun, f Folder, queue []item) ([]item, error) {
	rl, ok := f.(Relinker)
	if !ok || len(queue) == 0 || r.relinks >= relinkTries {
		return queue, nil
	}
	alike := make(map[likeness][]archive.Ref, len(queue))
	for _, it := range queue {
		if it.size > 0 && !it.date.IsZero() {
			alike[likeness{it.size, it.date.Unix()}] = nil
		}
	}
	err := rl.Earlier(ctx, p.s.labels(), func(e Earlier) {
		k := likeness{e.Size, e.InternalDate.Unix()}
		if refs, wanted := alike[k]; wanted && len(refs) < maxAlike && !slices.Contains(refs, e.Ref) {
			alike[k] = append(refs, e.Ref)
		}
	})
	if err != nil {
		return queue, p.storing("reading what is known of "+quoted(r), err)
	}
	var ask []item
	for _, it := range queue {
		if !it.date.IsZero() && len(alike[likeness{it.size, it.date.Unix()}]) > 0 {
			ask = append(ask, it)
		}
	}
	r.relinks++
	known := map[uint32]bool{}
	for len(ask) > 0 {
		batch := ask[:min(len(ask), headersAtOnce)]
		ask = ask[len(batch):]
		uids := make([]uint32, len(batch))
		for i, it := range batch {
			uids[i] = it.uid
		}
		headers := map[uint32][]byte{}
		if err := p.s.headers(uids, func(uid uint32, header []byte) { headers[uid] = header }); err != nil {
			var no *refusal
			if errors.As(err, &no) && !busy(no.c) {
				break // what was not compared is downloaded
			}
			return queue, p.folderErr(r, "comparing headers in", "", err)
		}
		for _, it := range batch {
			header, ok := headers[it.uid]
			if !ok {
				continue
			}
			for _, ref := range alike[likeness{it.size, it.date.Unix()}] {
				stored, err := rl.Header(ctx, ref)
				if err != nil {
					return queue, p.storing("reading a stored message of "+quoted(r), err)
				}
				if len(stored) == 0 || !bytes.Equal(stored, header) {
					continue
				}
				if err := rl.Relink(ctx, Relinked{UID: it.uid, Ref: ref, InternalDate: it.date, Flags: it.flags, Size: it.size}); err != nil {
					return queue, p.storing("storing messages of "+quoted(r), err)
				}
				known[it.uid] = true
				p.moved++
				r.res.Relinked++
				break
			}
		}
	}
	if len(known) == 0 {
		return queue, nil
	}
	p.event(EventRelinked, r.info.Name, fmt.Sprintf("%d messages have the size, date and header of stored ones; %d are fetched", len(known), len(queue)-len(known)))
	return slices.DeleteFunc(slices.Clone(queue), func(it item) bool { return known[it.uid] }), nil
}

// labels reports whether the server is Gmail, where a folder is a label and one
// message is in many.
func (s *session) labels() bool { return s.caps["X-GM-EXT-1"] }

// headers fetches the headers of uids.
func (s *session) headers(uids []uint32, each func(uid uint32, header []byte)) error {
	var ranges []uidRange
	for _, u := range uids {
		if n := len(ranges); n > 0 && ranges[n-1].hi+1 == u {
			ranges[n-1].hi = u
		} else {
			ranges = append(ranges, uidRange{u, u})
		}
	}
	return s.fetchPart(setText(ranges), "HEADER", headerOctets, func(uid uint32, header []byte) {
		if uid != 0 {
			each(uid, header)
		}
	})
}
