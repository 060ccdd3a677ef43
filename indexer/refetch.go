package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/durable"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
)

// RefetchSchema is the first field of a RefetchReport.
const RefetchSchema = "inwriting.refetch/v1"

// RefetchReport says what became of damaged messages.
type RefetchReport struct {
	Schema   string        `json:"schema"`
	Intact   []archive.Ref `json:"intact"`   // asked for, and not damaged
	Restored []archive.Ref `json:"restored"` // with the octets that were sealed
	Left     []NotRestored `json:"left"`
	Aside    []string      `json:"aside"` // files with the damaged octets
}

// NotRestored is a message that no mailbox gave as it was sealed.
type NotRestored struct {
	Ref archive.Ref `json:"ref"`
	Why string      `json:"why"`
}

// Place is where on a server a message is to be fetched from.
type Place struct {
	Address     string // of the account
	Mailbox     int64
	Folder      string // on the wire
	UIDValidity uint32
	UID         uint32
}

// Fetch gets the message at a place into a stage.
type Fetch func(context.Context, Place, imapsync.Stager) (*archive.Blob, error)

// Refetch makes good messages whose octets in the archive are damaged. fetch gets
// each from its mailbox; what it gives counts only with the hash that was sealed.
// Messages beside a damaged one, which a damaged frame may hide, are looked at as
// well. The damaged octets are set aside. What is restored is durable on return,
// recorded and signed.
func (v *Vault) Refetch(ctx context.Context, refs []archive.Ref, fetch Fetch) (*RefetchReport, error) {
	r := &RefetchReport{Schema: RefetchSchema, Intact: []archive.Ref{}, Restored: []archive.Ref{}, Left: []NotRestored{}, Aside: []string{}}
	done := map[[2]int64]bool{}
	for _, ref := range refs {
		v.stores.RLock()
		if v.catalog == nil {
			v.stores.RUnlock()
			return r, errClosed
		}
		b, err := v.catalog.Blob(ref)
		v.stores.RUnlock()
		if err != nil {
			return r, fmt.Errorf("restoring %v: %w", ref, err)
		}
		frame := [2]int64{int64(b.Place.Segment), b.Place.FrameOffset}
		if done[frame] {
			continue
		}
		done[frame] = true
		if err := v.mend(ctx, b, fetch, r); err != nil {
			return r, fmt.Errorf("restoring %v: %w", ref, err)
		}
	}
	return r, nil
}

// mending is the work on one frame.
type mending struct {
	in    []catalog.Blob
	blobs []*archive.Blob // of those of in that are whole, nil for others
	facts []ledger.Fact
	bad   int
}

func (m *mending) discard() {
	for _, b := range m.blobs {
		if b != nil {
			b.Discard()
		}
	}
}

// mend restores the messages of one frame.
func (v *Vault) mend(ctx context.Context, b catalog.Blob, fetch Fetch, r *RefetchReport) error {
	m, err := v.sift(ctx, b, fetch, r)
	if err != nil || m.bad == 0 {
		m.discard()
		return err
	}
	defer v.alone()()
	v.stores.Lock()
	defer v.stores.Unlock()
	defer m.discard()
	if v.catalog == nil {
		return errClosed
	}
	var blobs []*archive.Blob
	var moved []archive.Entry
	for i, blob := range m.blobs {
		if blob != nil {
			blobs = append(blobs, blob)
			moved = append(moved, archive.Entry{Ref: m.in[i].Ref, Size: m.in[i].Size})
		}
	}
	if len(m.facts) == 0 {
		return nil // nothing was given
	}
	// In this order a crash leaves at most a second copy in the archive.
	places, err := v.archive.Append(blobs)
	if err != nil {
		return err
	}
	for i := range moved {
		moved[i].Place = places[i]
	}
	if _, err := v.ledger.Append(m.facts); err != nil {
		return err
	}
	if err := v.record(nil, v.archive.End()); err != nil {
		return err
	}
	if err := v.catalog.Move(v.archive.End(), moved); err != nil {
		return err
	}
	if len(moved) == len(m.in) {
		if err := v.setAside(b.Place, r); err != nil {
			return err
		}
	}
	for _, f := range m.facts {
		ref, err := archive.ParseRef(f.(ledger.Restored).Blob)
		if err != nil {
			return err
		}
		r.Restored = append(r.Restored, ref)
	}
	_, err = v.ledger.Checkpoint()
	return err
}

// sift reads what of a frame is whole and fetches what is not.
func (v *Vault) sift(ctx context.Context, of catalog.Blob, fetch Fetch, r *RefetchReport) (*mending, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	m := &mending{}
	if v.catalog == nil {
		return m, errClosed
	}
	var err error
	if m.in, err = v.catalog.InFrame(of.Place.Segment, of.Place.FrameOffset); err != nil {
		return m, err
	}
	m.blobs = make([]*archive.Blob, len(m.in))
	for i, b := range m.in {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if m.blobs[i], err = v.whole(b); err == nil {
			if b.Ref == of.Ref {
				r.Intact = append(r.Intact, b.Ref)
			}
			continue
		}
		m.bad++
		blob, place, err := v.obtain(ctx, b, fetch)
		if err != nil {
			if ctx.Err() != nil {
				return m, ctx.Err()
			}
			r.Left = append(r.Left, NotRestored{b.Ref, err.Error()})
			continue
		}
		m.blobs[i] = blob
		m.facts = append(m.facts, ledger.Restored{Blob: b.Ref.Hex(), Mailbox: place.Mailbox, UIDValidity: place.UIDValidity, UID: place.UID})
	}
	return m, nil
}

// whole stages a message of the archive, if it reads back as it was sealed.
func (v *Vault) whole(b catalog.Blob) (*archive.Blob, error) {
	body, _, err := v.archive.OpenAt(b.Ref, b.Place)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	blob, err := v.stage.Read(body)
	if err == nil && blob.Ref() != b.Ref {
		blob.Discard()
		err = archive.ErrAltered
	}
	return blob, err
}

// obtain fetches a message from the first mailbox that gives the octets sealed.
func (v *Vault) obtain(ctx context.Context, b catalog.Blob, fetch Fetch) (*archive.Blob, Place, error) {
	places, err := v.fetchPlaces(b.ID)
	if err != nil {
		return nil, Place{}, err
	}
	if len(places) == 0 {
		return nil, Place{}, errors.New("no mailbox lists it any more; import it from where it came, or restore the data directory from a backup")
	}
	var errs []error
	for _, p := range places {
		blob, err := fetch(ctx, p, v.stage)
		if err == nil && blob.Ref() != b.Ref {
			blob.Discard()
			err = fmt.Errorf("%s gives other octets than were sealed", p.Address)
		}
		if err == nil {
			return blob, p, nil
		}
		errs = append(errs, err)
	}
	return nil, Place{}, errors.Join(errs...)
}

// fetchPlaces are those of a blob's places that a server still lists.
func (v *Vault) fetchPlaces(blob int64) ([]Place, error) {
	keys, listed, err := v.catalog.PlaceKeys(blob)
	if err != nil {
		return nil, err
	}
	accounts, err := v.catalog.Accounts()
	if err != nil {
		return nil, err
	}
	var out []Place
	for i, key := range keys {
		var p Place
		if _, err := fmt.Sscanf(key, "%d/%d/%d", &p.Mailbox, &p.UIDValidity, &p.UID); err != nil {
			return nil, fmt.Errorf("place %q: %w", key, err)
		}
		if !listed[i] {
			continue
		}
		for _, a := range accounts {
			boxes, err := v.catalog.Mailboxes(a.ID)
			if err != nil {
				return nil, err
			}
			for _, m := range boxes {
				if m.ID == p.Mailbox {
					p.Address, p.Folder = a.Address, string(m.Name)
					out = append(out, p)
				}
			}
		}
	}
	return out, nil
}

// setAside copies the octets of a frame that nothing refers to any more, and takes
// them out of the archive.
func (v *Vault) setAside(p archive.Place, r *RefetchReport) error {
	dir := filepath.Join(v.dir, "damaged")
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(v.dir, "archive", fmt.Sprintf("%06d.tar.zst", p.Segment)))
	if err != nil {
		return err
	}
	defer f.Close()
	name, err := durable.Aside(nil, io.ReaderAt(f), p.FrameOffset, p.FrameLength, filepath.Join(dir, fmt.Sprintf("%06d-%d", p.Segment, p.FrameOffset)))
	if err != nil {
		return err
	}
	r.Aside = append(r.Aside, strings.TrimPrefix(name, v.dir+string(filepath.Separator)))
	return v.archive.Blank([]archive.Range{{Segment: p.Segment, Offset: p.FrameOffset, Length: p.FrameLength}})
}
