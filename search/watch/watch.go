// Package watch keeps current what waits for somebody, over a whole vault:
// promises with a day, instructions never confirmed, questions nobody answered,
// recaps never acknowledged, for each client.
//
// It is a derived stage like the reader: a cursor in the catalog names the last
// message that was looked at, and each step looks only at the threads that new
// messages belong to, and at what was open with the same clients shortly before.
// What closes something is decided by the rules of trail's findings.
package watch

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// format counts the changes to the rules; the reader's own version resets the
// catalog's cursors, ours among them.
const format = "1"

const (
	step      = 500 // messages looked at before the cursor moves
	maxThread = 100
	maxAround = 150
	around    = 60 * 24 * time.Hour // mail outside the thread closes something within this time
)

// ErrMoved: the watch is not where its owner left it, since everything derived was
// made again in between.
var ErrMoved = errors.New("the watch has been moved")

// Message is one message by its number in the order of arrival.
type Message struct {
	N   int64
	Ref archive.Ref
}

// Step replaces what the messages Looked at left open by Open, and moves the watch
// From one number To another, all at once or not at all. Again has been seen to.
type Step struct {
	From, To int64
	Version  string
	Looked   []archive.Ref
	Again    []Message
	Open     []trail.Waiting
}

// Store keeps the list. All of it can be made again.
type Store interface {
	// Position returns the number of the last message that was looked at, that of
	// the last one that can be, and the version of Reset; 0 and "" before.
	Position() (at, read int64, version string, err error)
	// Reset forgets the list and begins at 0.
	Reset(version string) error
	// Next returns up to limit messages after at and not after read, and up to limit
	// behind at that are read differently since.
	Next(at, read int64, limit int) (fresh, again []Message, err error)
	// Save is durable on return. ErrMoved: From or Version are not what the store
	// has, and nothing was changed.
	Save(Step) error
	// Open returns the list by client and date, Since what one client's messages
	// from that time on left open.
	Open() ([]trail.Waiting, error)
	Since(client string, from time.Time) ([]trail.Waiting, error)
}

// Watcher keeps one vault's list. Its methods may be called at once.
type Watcher struct {
	Store  Store
	Source func(trail.People) trail.Source
	People func() trail.People
	// GiveWay is called between messages; it may wait a little, so that answers go
	// first. It may be nil.
	GiveWay func(context.Context)

	mu sync.Mutex // held by the one Update that runs
}

// Update looks at every message that was read since the last Update. It is durable
// step by step; cancelling loses the step in hand.
func (w *Watcher) Update(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		err := w.update(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			return nil
		case !errors.Is(err, ErrMoved): // else a rebuild got in between
			return fmt.Errorf("watching what is open: %w", err)
		}
	}
}

// Open returns what is open, after an Update, by client and date.
func (w *Watcher) Open(ctx context.Context) ([]trail.Waiting, error) {
	if err := w.Update(ctx); err != nil {
		return nil, err
	}
	return w.Store.Open()
}

// version changes when somebody else is a client: then everything is looked at
// again.
func version(p trail.People) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", p)
	return fmt.Sprintf("%s/%x", format, h.Sum64())
}

func (w *Watcher) update(ctx context.Context) error {
	people := w.People()
	r := &run{w: w, people: people, version: version(people), done: map[archive.Ref]bool{}, checked: map[string]bool{}, src: w.Source(people)}
	at, read, have, err := w.Store.Position()
	if err != nil {
		return err
	}
	if have != r.version {
		at = 0
		if err := w.Store.Reset(r.version); err != nil {
			return err
		}
	}
	for {
		fresh, again, err := w.Store.Next(at, read, step)
		if err != nil || len(fresh)+len(again) == 0 {
			return err
		}
		s := Step{From: at, To: at, Version: r.version, Again: again}
		if len(fresh) > 0 {
			s.To = fresh[len(fresh)-1].N
		}
		for _, m := range again {
			delete(r.done, m.Ref)
		}
		if err := r.look(ctx, &s, slices.Concat(again, fresh)); err != nil {
			return err
		}
		if err := w.Store.Save(s); err != nil {
			return err
		}
		at = s.To
	}
}

// run is one Update: every thread is looked at once, with all the mail there is.
type run struct {
	w       *Watcher
	src     trail.Source
	people  trail.People
	version string
	done    map[archive.Ref]bool
	checked map[string]bool      // earlier open statements
	theirs  map[archive.Ref]bool // mail that clients take part in, once many are looked at
}

const (
	many    = 64      // messages for which it is worth to ask whose they are
	maxMail = 1 << 20 // of clients
)

// ofClients leaves out the messages that no client takes part in: of a vault's first
// look most are somebody else's, and need not be read.
func (r *run) ofClients(ctx context.Context, refs []archive.Ref) ([]archive.Ref, error) {
	if r.theirs == nil {
		if len(refs) < many {
			return refs, nil
		}
		var all []string
		for _, c := range r.people.Clients {
			all = append(all, c.Addresses...)
			for _, d := range c.Domains {
				all = append(all, "@"+strings.ToLower(strings.TrimPrefix(d, "@")))
			}
		}
		list, err := r.src.Between(ctx, all, time.Time{}, time.Time{}, maxMail)
		if err != nil || len(list) == maxMail {
			return refs, err
		}
		r.theirs = make(map[archive.Ref]bool, len(list))
		for _, ref := range list {
			r.theirs[ref] = true
		}
	}
	return slices.DeleteFunc(refs, func(ref archive.Ref) bool { return !r.theirs[ref] }), nil
}

func (r *run) look(ctx context.Context, s *Step, messages []Message) error {
	refs := make([]archive.Ref, len(messages))
	for i, m := range messages {
		refs[i] = m.Ref
	}
	refs, err := r.ofClients(ctx, refs)
	if err != nil {
		return err
	}
	records, err := r.src.Records(ctx, refs)
	if err != nil {
		return err
	}
	for _, rec := range records {
		client := r.client(rec)
		if client == "" {
			continue
		}
		if r.w.GiveWay != nil {
			r.w.GiveWay(ctx)
		}
		if err := r.thread(ctx, s, rec.Ref); err != nil {
			return err
		}
		// It may close what was open before, in another thread.
		earlier, err := r.w.Store.Since(client, rec.Date.Add(-around))
		if err != nil {
			return err
		}
		for _, o := range earlier {
			if o.Date.After(rec.Date) || r.checked[o.Statement] {
				continue
			}
			r.checked[o.Statement] = true
			if err := r.thread(ctx, s, o.Ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// client names the client who takes part in a message, "" where none does.
func (r *run) client(rec *trail.Record) string {
	for _, list := range [][]message.Address{rec.From, rec.To, rec.Cc} {
		for _, a := range list {
			if role, party := r.people.Role(a.Address); role == trail.Client {
				return party
			}
		}
	}
	return ""
}

// thread works out what the thread of ref left open, unless that was done.
func (r *run) thread(ctx context.Context, s *Step, ref archive.Ref) error {
	if r.done[ref] {
		return nil
	}
	refs, err := r.src.Related(ctx, []archive.Ref{ref}, maxThread)
	if err != nil {
		return err
	}
	of := map[archive.Ref]bool{}
	for _, x := range append(refs, ref) {
		if !of[x] {
			s.Looked = append(s.Looked, x)
		}
		of[x], r.done[x] = true, true
	}
	records, err := r.src.Records(ctx, refs)
	if err != nil {
		return err
	}
	with, first, last := r.counterparts(records)
	if len(with) > 0 {
		more, err := r.src.Between(ctx, with, first, last.Add(around), maxAround)
		if err != nil {
			return err
		}
		more = slices.DeleteFunc(more, func(x archive.Ref) bool { return of[x] })
		beside, err := r.src.Records(ctx, more)
		if err != nil {
			return err
		}
		records = append(records, beside...)
	}
	s.Open = append(s.Open, trail.WaitingIn(records, of, r.people)...)
	return nil
}

// counterparts lists everybody but us who takes part in records, all addresses of
// a client together, and the time they span.
func (r *run) counterparts(records []*trail.Record) (with []string, first, last time.Time) {
	put := func(a string) {
		if a = strings.ToLower(a); a != "" && !slices.Contains(with, a) && len(with) < 50 {
			with = append(with, a)
		}
	}
	for _, rec := range records {
		if first.IsZero() || rec.Date.Before(first) {
			first = rec.Date
		}
		if rec.Date.After(last) {
			last = rec.Date
		}
		for _, list := range [][]message.Address{rec.From, rec.To, rec.Cc} {
			for _, a := range list {
				role, party := r.people.Role(a.Address)
				if role == trail.Us {
					continue
				}
				put(a.Address)
				for _, c := range r.people.Clients {
					if role == trail.Client && c.Name == party {
						for _, x := range c.Addresses {
							put(x)
						}
					}
				}
			}
		}
	}
	return with, first, last
}
