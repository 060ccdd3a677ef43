package imapsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"inwriting/indexer/archive"
)

// A new UIDVALIDITY says that the UIDs of before mean nothing any more, and a
// renamed folder is a new one; the messages are mostly the same. Where one has the
// size, the INTERNALDATE and the header, octet for octet, of one that was stored
// before, it is taken for that and not downloaded again. So is one that has the name,
// where the server names its messages, and the header: a copy, a label, a message that
// was moved. The record says how it was known.

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

	// Named calls each for what the account's folders hold, or held, of what the
	// server calls by one of these ids (Object.ID).
	Named(ctx context.Context, ids []string, each func(id string, e Earlier)) error

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
	Size         int64  // RFC822.SIZE
	By           string // what was compared, in words
}

const (
	headerOctets = 1 << 20 // of a header; a longer one is downloaded with its message
	relinkTries  = 2       // before everything is downloaded

	headersAtOnce = 500
	maxAlike      = 20 // stored messages of one size and second; more are generated, and downloaded
)

type likeness struct{ size, date int64 }

// candidate is a stored message that a listed one may be.
type candidate struct {
	ref archive.Ref
	by  string // Relinked.By
}

// relink takes out of queue what is stored already. It returns the rest. fresh says
// that the folder was not known under these numbers.
func (p *pass) relink(ctx context.Context, r *folderRun, f Folder, queue []item, fresh bool) ([]item, error) {
	rl, ok := f.(Relinker)
	if !ok || len(queue) == 0 || r.relinks >= relinkTries {
		return queue, nil
	}
	maybe, err := p.candidates(ctx, rl, queue, fresh)
	if err != nil {
		return queue, p.storing("reading what is known of "+quoted(r), err)
	}
	ask := slices.DeleteFunc(slices.Clone(queue), func(it item) bool { return len(maybe[it.uid]) == 0 })
	if len(ask) > 0 {
		r.relinks++
	}
	known := map[uint32]bool{}
	for batch := range slices.Chunk(ask, headersAtOnce) {
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
			done, err := p.link(ctx, r, rl, it, header, maybe[it.uid])
			if err != nil {
				return queue, err
			}
			if done {
				known[it.uid] = true
			}
		}
	}
	if len(known) == 0 {
		return queue, nil
	}
	p.event(EventRelinked, r.info.Name, fmt.Sprintf("%d messages have the size, date or name, and the header, of stored ones; %d are fetched", len(known), len(queue)-len(known)))
	return slices.DeleteFunc(slices.Clone(queue), func(it item) bool { return known[it.uid] }), nil
}

// candidates returns the stored messages that each UID of queue may show: those that
// the server calls by the same name, and in a folder with new numbers those of the
// same size and date.
func (p *pass) candidates(ctx context.Context, rl Relinker, queue []item, fresh bool) (map[uint32][]candidate, error) {
	maybe := map[uint32][]candidate{}
	add := func(uid uint32, c candidate) {
		if cs := maybe[uid]; len(cs) < maxAlike && !slices.ContainsFunc(cs, func(o candidate) bool { return o.ref == c.ref }) {
			maybe[uid] = append(cs, c)
		}
	}
	named := map[string][]item{}
	alike := map[likeness][]item{}
	for _, it := range queue {
		if it.object != "" {
			named[it.object] = append(named[it.object], it)
		}
		if it.size > 0 && !it.date.IsZero() {
			k := likeness{it.size, it.date.Unix()}
			alike[k] = append(alike[k], it)
		}
	}
	if len(named) > 0 {
		by := "EMAILID and header"
		if p.s.objects() == gmail {
			by = "X-GM-MSGID and header"
		}
		err := rl.Named(ctx, slices.Collect(maps.Keys(named)), func(id string, e Earlier) {
			for _, it := range named[id] {
				if it.size == 0 || e.Size == 0 || it.size == e.Size {
					add(it.uid, candidate{e.Ref, by})
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if !fresh {
		return maybe, nil
	}
	return maybe, rl.Earlier(ctx, p.s.labels(), func(e Earlier) {
		for _, it := range alike[likeness{e.Size, e.InternalDate.Unix()}] {
			add(it.uid, candidate{e.Ref, "size, date and header"})
		}
	})
}

// link records that a UID shows the stored message that has its header, octet for
// octet, if there is one.
func (p *pass) link(ctx context.Context, r *folderRun, rl Relinker, it item, header []byte, maybe []candidate) (done bool, err error) {
	for _, c := range maybe {
		stored, err := rl.Header(ctx, c.ref)
		if err != nil {
			return false, p.storing("reading a stored message of "+quoted(r), err)
		}
		if len(stored) == 0 || !bytes.Equal(stored, header) {
			continue
		}
		if err := rl.Relink(ctx, Relinked{UID: it.uid, Ref: c.ref, InternalDate: it.date, Flags: it.flags, Size: it.size, By: c.by}); err != nil {
			return false, p.storing("storing messages of "+quoted(r), err)
		}
		p.moved++
		r.res.Relinked++
		return true, nil
	}
	return false, nil
}

// labels reports whether the server is Gmail, where a folder is a label and one
// message is in many.
func (s *session) labels() bool { return s.caps[gmail] }

// headers fetches the headers of uids.
func (s *session) headers(uids []uint32, each func(uid uint32, header []byte)) error {
	return s.fetchPart(uidText(uids), "HEADER", headerOctets, func(uid uint32, header []byte) {
		if uid != 0 {
			each(uid, header)
		}
	})
}
