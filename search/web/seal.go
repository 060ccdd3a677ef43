package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/trail"
)

// sealer compares messages with their names: the octets in the archive must hash
// to the SHA-256 under which they were sealed. What it found is good for an hour.
type sealer struct {
	s   search.Searcher
	now func() time.Time

	mu    sync.Mutex
	known map[archive.Ref]sealed
}

type sealed struct {
	at      time.Time
	altered bool
	size    int64
	ledger  int64 // entry of the ledger, -1 when there is none
}

const (
	sealGood = time.Hour
	sealMost = 20_000 // kept
	// What one page reads to compare at most; the rest is said to be unchecked.
	sealPage    = 24 << 20
	sealMessage = 8 << 20
)

func newSealer(s search.Searcher, now func() time.Time) *sealer {
	return &sealer{s: s, now: now, known: map[archive.Ref]sealed{}}
}

func (c *sealer) get(ref archive.Ref) (sealed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.known[ref]
	return s, ok && c.now().Sub(s.at) < sealGood
}

// check compares one message; ok is false where it is larger than most octets or
// cannot be read just now.
func (c *sealer) check(ctx context.Context, ref archive.Ref, most int64) (s sealed, ok bool) {
	if s, ok := c.get(ref); ok {
		return s, true
	}
	doc, err := c.s.Message(ctx, ref.String())
	if err != nil || doc.Size > most {
		return sealed{}, false
	}
	s = sealed{at: c.now(), size: doc.Size, ledger: doc.LedgerIndex}
	rc, size, err := c.s.Raw(ctx, ref)
	if err == nil {
		h := sha256.New()
		var n int64
		n, err = io.Copy(h, rc)
		rc.Close()
		s.altered = err == nil && (n != size || archive.Ref(h.Sum(nil)) != ref)
	}
	switch {
	case errors.Is(err, archive.ErrAltered):
		s.altered = true
	case err != nil:
		return sealed{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= sealMost {
		clear(c.known)
	}
	c.known[ref] = s
	return s, true
}

// sealView is what a page says of a message's proof.
type sealView struct {
	Class, Icon, Word string
	Answer, Unaltered string
	Signed            string
	Places            []string
	MessageID         string
	SHA               []string
	Ledger, Paper     string
}

// sealing makes the seals of one page within its bounds.
type sealing struct {
	w     *site
	ctx   context.Context
	total int64 // entries under the last checkpoint
	left  int64
}

func (w *site) sealing(ctx context.Context, c trail.Coverage) *sealing {
	s := &sealing{w: w, ctx: ctx, left: sealPage}
	if c.Checkpoint != nil {
		s.total = c.Checkpoint.Size
	}
	return s
}

func (p *sealing) seal(m trail.MessageInfo) *sealView {
	v := &sealView{Class: "plainly", Icon: "dashed", Word: "Kept", Answer: "Not compared here.", Unaltered: "Open the message to have it read again and compared.", MessageID: m.MessageID, SHA: []string{m.Ref.Hex()}}
	for _, o := range m.Occurrences {
		s := o.Mailbox + " › " + o.Folder
		if o.UID > 0 {
			s += ", UID " + strconv.Itoa(int(o.UID))
		}
		if o.Gone {
			s += " · no longer on the server, kept here"
		}
		v.Places = append(v.Places, s)
	}
	s, ok := p.w.seals.check(p.ctx, m.Ref, min(p.left, sealMessage))
	if !ok {
		return v
	}
	p.left -= s.size
	v.Class, v.Icon, v.Word, v.Answer = "", "sealed", "Verified", "Yes."
	v.Unaltered = "Read again at " + p.w.clock(s.at) + " and equal to what was sealed."
	if s.altered {
		v.Class, v.Icon, v.Word, v.Answer = "altered", "warning", "Altered", "No."
		v.Unaltered = "These octets are not those that were sealed. Do not rely on this message; restore the archive from a backup and check it again."
	}
	if s.ledger >= 0 {
		v.Ledger = "entry " + thousands(int(s.ledger))
		v.Paper = v.Ledger
		if p.total > 0 {
			v.Ledger += " of " + thousands(int(p.total))
		}
	}
	return v
}

// groups are a SHA-256 in groups of four digits.
func groups(ref archive.Ref) []string {
	var out []string
	for hex := ref.Hex(); hex != ""; hex = hex[4:] {
		out = append(out, hex[:4])
	}
	return out
}
