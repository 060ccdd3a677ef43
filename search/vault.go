package search

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
	"inwriting/search/trail"
)

// Stores lends the open stores of a vault for the length of a call.
// *indexer.Vault is one; search does not know it.
type Stores interface {
	Stores(func(*archive.Archive, *ledger.Ledger, *catalog.Catalog, *textindex.Index) error) error
}

// VaultStore is the Store over a vault's own stores.
type VaultStore struct {
	Vault   Stores
	counted *counted // nil: the coverage is counted each time
}

func (s VaultStore) catalog(fn func(*catalog.Catalog) error) error {
	return s.Vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		err := fn(c)
		if errors.Is(err, catalog.ErrNotFound) {
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return err
	})
}

// Records implements Store.
func (s VaultStore) Records(ctx context.Context, refs []archive.Ref, full bool) ([]*Record, error) {
	out := make([]*Record, len(refs))
	err := s.catalog(func(c *catalog.Catalog) error {
		corrections, err := c.Corrections()
		if err != nil {
			return err
		}
		calibration := learned(corrections)
		at := 0
		for page := range slices.Chunk(refs, 256) {
			if err := ctx.Err(); err != nil {
				return err
			}
			list, err := c.Messages(page)
			if err != nil {
				return err
			}
			for i, m := range list {
				if m != nil {
					out[at+i] = record(m)
					inForce(out[at+i], corrections, calibration)
				}
			}
			at += len(page)
		}
		return nil
	})
	if err != nil || !full {
		return out, err
	}
	for i, r := range out {
		if r == nil {
			continue
		}
		if err := s.readFull(ctx, refs[i], r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s VaultStore) readFull(ctx context.Context, ref archive.Ref, r *Record) error {
	body, _, err := s.Raw(ctx, ref)
	if err != nil {
		return err
	}
	defer body.Close()
	m, err := message.Read(body)
	if err != nil {
		return fmt.Errorf("reading %v: %w", ref, err)
	}
	// What other mail told about it was kept with the reading.
	if len(r.Message.Zones) > 0 {
		m.Zones = r.Message.Zones
		m.Defects = append(m.Defects, r.Message.Defects...)
	}
	r.Message = m
	from := ""
	if len(m.From) > 0 {
		from = m.From[0].Address
	}
	if r.Authenticity, err = s.authenticity(ref, from); err != nil {
		return err
	}
	r.Signs, err = s.signs(ref, m)
	return err
}

func record(m *catalog.Message) *Record {
	d := m.Doc
	r := &Record{Ref: m.Ref, Date: d.Date, LedgerIndex: m.Entry, Size: m.Size, NewHashes: d.New, QuotedHashes: d.Quoted,
		Message: &message.Message{From: d.From, Sender: d.Sender, To: d.To, Cc: d.Cc, Subject: d.Subject, MessageID: d.MessageID,
			InReplyTo: d.InReplyTo, References: d.References, ThreadIndex: d.ThreadIndex, Date: d.Date, Auto: d.Auto, Parts: d.Parts, Size: m.Size,
			Zones: d.Zones, Defects: d.Notes}}
	if r.Date.IsZero() {
		r.Date = m.Date
	}
	for i := range d.Statements {
		r.Statements = append(r.Statements, kept(&d.Statements[i]))
	}
	for i := range d.Second {
		x := &d.Second[i]
		h := SecondHand{From: x.From, Date: x.Date, DateRaw: x.DateRaw, Forwarded: x.Forwarded, Hashes: x.Hashes}
		for k := range x.Statements {
			h.Statements = append(h.Statements, kept(&x.Statements[k]))
		}
		r.SecondHand = append(r.SecondHand, h)
	}
	for _, p := range m.Places {
		o := Occurrence{InternalDate: p.InternalDate, Collected: m.Seen}
		o.Mailbox, o.Folder, o.UID, o.Gone = p.Mailbox, p.Folder, p.UID, p.Gone
		r.Occurrences = append(r.Occurrences, o)
	}
	return r
}

func kept(st *catalog.Statement) Statement {
	s := Statement{ID: st.ID, RuneStart: st.Start, RuneEnd: st.End,
		Statement: statement.Statement{Kind: st.Kind, Confidence: st.Confidence, Quote: st.Quote, Facts: st.Facts, Flags: st.Flags, Why: st.Why}}
	if a := st.Answers; a.Quote != "" {
		s.Answering = &trail.Quoted{Start: a.Start, End: a.End, Quote: a.Quote}
	}
	return s
}

// Place implements Store.
func (s VaultStore) Place(ctx context.Context, id string) (p Place, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		p.Ref, p.N, err = c.Statement(id)
		return err
	})
	return p, err
}

// StatementIDs implements Store.
func (s VaultStore) StatementIDs(ctx context.Context, prefix string, limit int) (out []string, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		out, err = c.StatementsWithPrefix(prefix, limit)
		return err
	})
	return out, err
}

// RefsByPrefix implements Store.
func (s VaultStore) RefsByPrefix(ctx context.Context, hex string, limit int) (out []archive.Ref, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		out, err = c.RefsWithPrefix(hex, limit)
		return err
	})
	return out, err
}

// RefsByMessageID implements Store.
func (s VaultStore) RefsByMessageID(ctx context.Context, id string, limit int) (out []archive.Ref, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		out, err = c.RefsOfMessageID(id, limit)
		return err
	})
	return out, err
}

// Thread implements Store.
func (s VaultStore) Thread(ctx context.Context, refs []archive.Ref, limit int) (out []archive.Ref, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		out, err = c.Related(refs, limit)
		return err
	})
	return out, err
}

// Links implements Store.
func (s VaultStore) Links(ctx context.Context, refs []archive.Ref, limit int, visit func(msg, parent archive.Ref, thread bool, reason string)) error {
	return s.catalog(func(c *catalog.Catalog) error {
		links, err := c.Links(refs, limit)
		for _, l := range links {
			visit(l.Msg, l.Parent, l.Thread, l.Reason)
		}
		return err
	})
}

// Between implements Store.
func (s VaultStore) Between(ctx context.Context, addresses []string, from, to time.Time, limit int) (out []archive.Ref, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		var all []string
		for _, a := range addresses {
			if !strings.HasPrefix(a, "@") {
				all = append(all, a)
				continue
			}
			for _, suffix := range []string{a, "." + a[1:]} {
				more, err := c.Addresses(strings.ToLower(suffix))
				if err != nil {
					return err
				}
				all = append(all, more...)
			}
		}
		out, err = c.With(all, from, to, limit)
		return err
	})
	return out, err
}

// Raw implements Store. The octets are checked against their hash as they are
// read: the reader fails at its end when they were altered.
func (s VaultStore) Raw(ctx context.Context, ref archive.Ref) (body io.ReadCloser, size int64, err error) {
	err = s.Vault.Stores(func(a *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		b, err := c.Blob(ref)
		if errors.Is(err, catalog.ErrNotFound) {
			return fmt.Errorf("%v: %w", ref, ErrNotFound)
		}
		if err != nil {
			return err
		}
		body, size, err = a.OpenAt(b.Ref, b.Place)
		return err
	})
	return body, size, err
}

// NewVaultSearcher returns the Searcher over a vault. people is asked for each
// answer: who is who may change while the vault is open. It closes nothing.
func NewVaultSearcher(v Stores, people func() trail.People, opts Options) Searcher {
	return vaultSearcher{v, people, opts, &counted{}}
}

type vaultSearcher struct {
	v      Stores
	people func() trail.People
	opts   Options

	counted *counted
}

// engine borrows the stores call by call, so that a rebuild can replace them in
// between.
func (s vaultSearcher) engine() *Engine {
	return NewEngine(s.store(), vaultIndex{s.v}, s.people(), s.opts)
}

func (s vaultSearcher) Search(ctx context.Context, q Query) (*Results, error) {
	return s.engine().Search(ctx, q)
}

func (s vaultSearcher) Message(ctx context.Context, id string) (*MessageDoc, error) {
	return s.engine().Message(ctx, id)
}

func (s vaultSearcher) Statement(ctx context.Context, id string) (*trail.Statement, error) {
	return s.engine().Statement(ctx, id)
}

func (s vaultSearcher) Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	return s.engine().Raw(ctx, ref)
}

// Trail says, beside the trail, which messages its own messages cite that nobody
// collected. A question that is the name of a matter means the matter.
func (s vaultSearcher) Trail(ctx context.Context, q TrailQuery) (*trail.Trail, error) {
	m, err := s.matter(q.Question)
	if err != nil {
		return nil, err
	}
	var tr *trail.Trail
	if m != nil {
		tr, err = s.matterTrail(ctx, m, q)
	} else {
		tr, err = s.engine().Trail(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	refs := make([]archive.Ref, len(tr.Entries))
	for i, e := range tr.Entries {
		refs[i] = e.Statement.Message.Ref
	}
	if tr.Second, err = s.engine().secondHandIn(ctx, slices.Clone(refs)); err != nil {
		return nil, err
	}
	err = s.store().catalog(func(c *catalog.Catalog) error {
		ids, err := c.AbsentFrom(refs)
		tr.Coverage.Absent = bracketed(ids)
		return err
	})
	return tr, err
}

func (s vaultSearcher) Coverage(ctx context.Context) (*trail.Coverage, error) {
	cov, err := s.store().covered(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	return cov, nil
}

// vaultIndex is the Index of a vault, whichever it has at the time.
type vaultIndex struct{ v Stores }

func (x vaultIndex) Search(ctx context.Context, req textindex.Request) (r *textindex.Result, err error) {
	err = x.v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, _ *catalog.Catalog, ix *textindex.Index) error {
		r, err = ix.Search(ctx, req)
		return err
	})
	return r, err
}
