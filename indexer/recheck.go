package indexer

import (
	"context"
	"errors"
	"fmt"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger"
)

// RecheckSchema is the first field of a RecheckReport.
const RecheckSchema = "inwriting.signatures/v1"

// RecheckReport says whether the kept keys still give what was recorded.
type RecheckReport struct {
	Schema   string      `json:"schema"`
	OK       bool        `json:"ok"`
	Messages int         `json:"messages"` // with a recorded finding and a kept key
	Verified int         `json:"verified"` // of them, as recorded and again
	Same     int         `json:"same"`     // of them, with the same result as recorded
	Differ   []Rechecked `json:"differ"`
}

// Rechecked is a message of which the kept keys say something else than was recorded.
type Rechecked struct {
	Ref   archive.Ref `json:"ref"`
	Entry int64       `json:"entry"` // of the finding
	Was   string      `json:"was"`
	Now   string      `json:"now"`
	Why   string      `json:"why"`
}

// Recheck checks the signatures of all messages again, from the octets and the key
// records that were kept, as of the time when they were checked first. Nobody is asked.
func (v *Vault) Recheck(ctx context.Context, progress func(ReadProgress)) (*RecheckReport, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return nil, errClosed
	}
	r := &RecheckReport{Schema: RecheckSchema, Differ: []Rechecked{}}
	p := ReadProgress{}
	var err error
	if p.Total, err = v.catalog.CountAfter(0); err != nil {
		return nil, err
	}
	err = v.catalog.Blobs(func(b catalog.Blob) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.Entry >= 0 {
			p.Done++
		}
		if progress != nil && p.Done%500 == 0 {
			progress(p)
		}
		entry, err := v.catalog.Auth(b.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = v.recheck(ctx, b, entry, r)
		}
		if err != nil {
			return fmt.Errorf("checking the signatures of %v again: %w", b.Ref, err)
		}
		return nil
	})
	r.OK = len(r.Differ) == 0
	return r, err
}

func (v *Vault) recheck(ctx context.Context, b catalog.Blob, entry int64, r *RecheckReport) error {
	e, err := v.entry(entry)
	if err != nil {
		return err
	}
	was, ok := e.Fact.(ledger.AuthResult)
	if !ok {
		return fmt.Errorf("%w: entry %d is not about signatures", ErrDiverged, entry)
	}
	var keys []dkim.Record
	for _, s := range was.Signatures {
		if s.Key < 0 {
			continue
		}
		k, err := v.entry(s.Key)
		if err != nil {
			return err
		}
		if d, ok := k.Fact.(ledger.DNSKey); ok {
			keys = append(keys, dkim.Record{Name: d.Name, Texts: d.Records, Resolver: d.Resolver, AD: d.AD})
		}
	}
	if len(keys) == 0 {
		return nil // nothing was found out that a key could show again
	}
	body, _, err := v.archive.OpenAt(b.Ref, b.Place)
	if err != nil {
		return err
	}
	defer body.Close()
	now, err := dkim.Check(ctx, body, dkim.Options{Lookup: dkim.Kept(keys), At: e.Time})
	if errors.Is(err, archive.ErrAltered) {
		now, err = dkim.Result{State: dkim.Failed, Why: "its octets are not those that were sealed"}, nil
	}
	if err != nil {
		return err
	}
	r.Messages++
	switch {
	case string(now.State) != was.State:
		r.Differ = append(r.Differ, Rechecked{Ref: b.Ref, Entry: entry, Was: was.State, Now: string(now.State), Why: now.Why})
	case now.State == dkim.Verified:
		r.Verified++
		r.Same++
	default:
		r.Same++
	}
	return nil
}

func (v *Vault) entry(index int64) (ledger.Entry, error) {
	line, err := v.ledger.Line(index)
	if err != nil {
		return ledger.Entry{}, err
	}
	return ledger.Decode(line)
}
