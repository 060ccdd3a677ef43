package indexer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
)

// VerifySchema is the first field of a VerifyReport.
const VerifySchema = "inwriting.verify/v1"

// VerifyReport is what a recomputation of everything found.
type VerifyReport struct {
	Schema   string           `json:"schema"`
	OK       bool             `json:"ok"`
	Messages int              `json:"messages"` // that the ledger names
	Intact   int              `json:"intact"`   // of them, as they were sealed
	Entries  int64            `json:"entries"`
	Signed   int64            `json:"signed"` // entries under the signed checkpoint
	Root     string           `json:"root"`   // of the checkpoint, base64
	Erased   []Erasure        `json:"erased"` // messages that were erased on purpose; they are not counted above
	Anchors  []Anchor         `json:"anchors"`
	Damage   []Damage         `json:"damage"`
	Ledger   []ledger.Problem `json:"ledger"`
	Notes    []string         `json:"notes"` // what else does not agree
}

// Erasure is a message of which the ledger says that it was erased, and not what it
// was.
type Erasure struct {
	Entry      int64     `json:"entry"`
	Time       time.Time `json:"time"`
	Reason     string    `json:"reason"`
	By         string    `json:"by"`
	Lines      []int64   `json:"lines"` // entries whose lines went
	Commitment string    `json:"commitment"`
}

// Anchor is a time that an authority put on the ledger.
type Anchor struct {
	Authority string    `json:"authority"`
	Size      int64     `json:"size"`          // entries under it
	Time      time.Time `json:"time,omitzero"` // zero when the token does not hold
}

// Damage is a run of octets of the archive that is not as it was sealed, with the
// messages it belongs to.
type Damage struct {
	archive.Damage
	Names []Named `json:"names"`
}

// Named is a message as people know it.
type Named struct {
	Ref     archive.Ref `json:"ref"`
	Entry   int64       `json:"entry"` // ledger index
	Subject string      `json:"subject"`
	Date    *time.Time  `json:"date"`
}

// Verify recomputes every hash of the archive and the ledger's tree against the
// signed checkpoint. It changes nothing; the vault stays in use.
func (v *Vault) Verify(ctx context.Context) (*VerifyReport, error) {
	// Nothing is added meanwhile: what is read would otherwise be half a group.
	defer v.alone()()
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return nil, errClosed
	}
	return verify(ctx, v.dir, v.archive, v.catalog)
}

// Verify does the same for a vault that cannot be opened. cause is why: it is
// noted, and the report is never OK.
func Verify(ctx context.Context, dir string, cause error) (*VerifyReport, error) {
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	a, err := archive.Open(filepath.Join(dir, "archive"), archive.Options{})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	notes := []string{cause.Error()}
	c, err := catalog.Open(filepath.Join(dir, "catalog.db"))
	if err != nil {
		c = nil
		notes = append(notes, err.Error(), `the catalog can be made again: "inwriting rebuild catalog"`)
	} else {
		defer c.Close()
	}
	r, err := verify(ctx, dir, a, c)
	if err != nil {
		return nil, err
	}
	r.OK = false
	r.Notes = append(notes, r.Notes...)
	return r, nil
}

// verify checks the stores; c may be nil.
func verify(ctx context.Context, dir string, a *archive.Archive, c *catalog.Catalog) (*VerifyReport, error) {
	r := &VerifyReport{Schema: VerifySchema, Erased: []Erasure{}, Anchors: []Anchor{}, Damage: []Damage{}, Ledger: []ledger.Problem{}, Notes: []string{}}
	ledgerDir := filepath.Join(dir, "ledger")
	ls, err := ledger.Check(ledgerDir, func(p ledger.Problem) { r.Ledger = append(r.Ledger, p) })
	if err != nil {
		return nil, err
	}
	r.Entries, r.Signed = ls.Entries, ls.Signed
	if cp, err := readCheckpoint(ledgerDir); err == nil {
		r.Root = cp.Root
	}

	// The ledger says which messages there must be; the catalog only where.
	said, err := readSaid(filepath.Join(ledgerDir, "entries.jsonl"))
	if err != nil {
		return nil, err
	}
	sealed := said.sealed
	r.Messages, r.Erased = len(sealed), append(r.Erased, said.erased...)
	if err := r.checkAnchors(ledgerDir, said.anchors); err != nil {
		return nil, err
	}

	recorded := map[archive.Ref]bool{}
	known, c := r.recorded(c, sealed, recorded)
	lost := map[archive.Ref]bool{}
	_, err = a.Verify(ctx, known, func(d archive.Damage) {
		out := Damage{Damage: d, Names: []Named{}}
		for _, ref := range d.Messages {
			if !d.Intact && d.Kind != archive.Added {
				lost[ref] = true
			}
			out.Names = append(out.Names, name(c, ref, sealed))
		}
		r.Damage = append(r.Damage, out)
	})
	if err != nil {
		return nil, err
	}
	if c == nil {
		// Without places the archive tells what it holds; the ledger what is
		// missing from that.
		if _, err := a.Scan(archive.End{}, func(e archive.Entry) error { recorded[e.Ref] = true; return nil }); err != nil {
			r.Notes = append(r.Notes, err.Error())
		}
	}
	for ref, index := range sealed {
		if !recorded[ref] && !lost[ref] {
			lost[ref] = true
			r.Damage = append(r.Damage, Damage{Damage: archive.Damage{Kind: archive.Missing, Messages: []archive.Ref{ref},
				Text: fmt.Sprintf("ledger entry %d seals it, the archive does not have it", index)}, Names: []Named{name(c, ref, sealed)}})
		}
	}
	for ref := range lost {
		if _, ok := sealed[ref]; !ok {
			delete(lost, ref)
		}
	}
	r.Intact = r.Messages - len(lost)
	r.OK = len(r.Damage)+len(r.Ledger)+len(r.Notes) == 0
	return r, nil
}

// recorded reads what the catalog has, into have, and returns it in order of place. A
// catalog that cannot be read is none.
func (r *VerifyReport) recorded(c *catalog.Catalog, sealed map[archive.Ref]int64, have map[archive.Ref]bool) (iter.Seq2[archive.Known, error], *catalog.Catalog) {
	if c == nil {
		return nil, nil
	}
	known := func(yield func(archive.Known, error) bool) {
		stop := errors.New("stop")
		err := c.BlobsByPlace(func(b catalog.Blob) error {
			if !yield(archive.Known{Ref: b.Ref, Size: b.Size, Place: b.Place}, nil) {
				return stop
			}
			return nil
		})
		if err != nil && err != stop {
			yield(archive.Known{}, err)
		}
	}
	err := c.Blobs(func(b catalog.Blob) error {
		have[b.Ref] = true
		if _, ok := sealed[b.Ref]; !ok && b.Entry >= 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("the catalog says that entry %d seals %v; the ledger does not", b.Entry, b.Ref))
		}
		return nil
	})
	if err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf(`%v; the catalog can be made again: "inwriting rebuild catalog"`, err))
		return nil, nil
	}
	return known, c
}

func name(c *catalog.Catalog, ref archive.Ref, sealed map[archive.Ref]int64) Named {
	n := Named{Ref: ref, Entry: -1}
	if i, ok := sealed[ref]; ok {
		n.Entry = i
	}
	if c != nil {
		if m, err := c.Message(ref); err == nil {
			n.Subject, n.Date = m.Doc.Subject, &m.Date
		}
	}
	return n
}

func readCheckpoint(dir string) (ledger.Checkpoint, error) {
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	keys, err := ledger.ReadKeys(dir)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	return ledger.ParseSigned(msg, keys)
}

// checkAnchors compares the tokens that are kept with those that the ledger names,
// and each with the certificates that are kept with it. That the tree still has the
// stamped roots is for ledger.Check.
func (r *VerifyReport) checkAnchors(ledgerDir string, named []ledger.Anchor) error {
	kept, err := ledger.ReadAnchors(ledgerDir)
	if err != nil {
		return err
	}
	said, have := map[string]bool{}, map[string]bool{} // by hash of the token
	for _, n := range named {
		said[n.Token] = true
	}
	for _, k := range kept {
		sum := sha256.Sum256(k.Token)
		if have[hex.EncodeToString(sum[:])] = true; !said[hex.EncodeToString(sum[:])] {
			continue // of a run that was broken off, or put there by somebody: it vouches for nothing
		}
		a := Anchor{Authority: k.Authority, Size: k.Size}
		s, err := anchor.Read(k.Token, k.Checkpoint, k.Chain)
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("the time stamp of %d entries by %q does not hold: %v", k.Size, k.Authority, err))
		} else {
			a.Time = s.Time
		}
		r.Anchors = append(r.Anchors, a)
	}
	for _, n := range named {
		if !have[n.Token] {
			r.Notes = append(r.Notes, fmt.Sprintf("the time stamp of %d entries by %q, which the ledger names, is not there", n.Size, n.Authority))
		}
	}
	return nil
}

// said is what the ledger says of the rest of the vault.
type said struct {
	sealed  map[archive.Ref]int64 // messages, each with its first entry
	anchors []ledger.Anchor
	erased  []Erasure
}

// readSaid reads the file as it lies there: a ledger that does not open is read as
// well.
func readSaid(path string) (said, error) {
	s := said{sealed: map[archive.Ref]int64{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil // ledger.Check has said so
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for index := int64(0); ; index++ {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		e, err := ledger.Decode(line)
		if err != nil {
			continue // an altered line, which ledger.Check has named
		}
		ref, named := exhibitOf(e.Fact)
		switch m := e.Fact.(type) {
		case ledger.MsgSeen:
			ref, err = archive.ParseRef(m.Blob)
			named = err == nil
		case ledger.Anchor:
			s.anchors = append(s.anchors, m)
		case ledger.Erase:
			s.erased = append(s.erased, Erasure{Entry: index, Time: e.Time, Reason: m.Reason, By: m.By, Lines: m.Entries, Commitment: m.Commitment})
		}
		if _, have := s.sealed[ref]; named && !have {
			s.sealed[ref] = index
		}
	}
}
