package indexer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/durable"
	"inwriting/indexer/ledger"
)

// Erasing a message takes away its octets, every ledger line that names it, and all
// that was derived from it; what is left says that something was erased, when, why
// and by whom, and cannot be tied to the message. The tree, its anchors and all other
// proofs stay as they are: an erased line leaves its leaf hash.
//
// The order, and why:
//
//  1. the job is written down; from here on a start finishes what a crash broke off;
//  2. the ledger appends the erase entries, signed: nothing goes unannounced;
//  3. other messages of the same frames are appended to the archive anew, and the
//     catalog moves to the new places;
//  4. the catalog forgets the message, the ledger's lines are overwritten, then the
//     archive's frames. In this order a catalog made again at any point finds in the
//     archive whatever the ledger still names;
//  5. index and readings, which hold words of the message, are made anew, the
//     catalog's file too; then the job is taken off.
//
// Every step may find the last run's and does no harm again.

// ErrHeld means that something holds the message.
var ErrHeld = errors.New("it is held")

// EraseRequest says what is to be erased.
type EraseRequest struct {
	Refs   []archive.Ref `json:"refs"`
	Reason string        `json:"reason"` // kept in the ledger: it should not say what the message was
	By     string        `json:"by"`     // who approves
	Force  bool          `json:"force"`  // although something holds it
	DryRun bool          `json:"dry_run"`
}

// EraseSchema is the first field of an EraseReport.
const EraseSchema = "inwriting.erase/v1"

// EraseReport says what was, or with a dry run would be, erased.
type EraseReport struct {
	Schema   string          `json:"schema"`
	DryRun   bool            `json:"dry_run"`
	Messages []ErasedMessage `json:"messages"`
	Bundles  []GivenOut      `json:"bundles"` // made since the first of them came: they may hold it
	Removed  []string        `json:"removed"` // files that a crash had set aside
}

// ErasedMessage is one of them. What it was is said here for the last time.
type ErasedMessage struct {
	Ref     archive.Ref `json:"ref"`
	Subject string      `json:"subject"`
	Date    *time.Time  `json:"date"`
	Entry   int64       `json:"entry"` // of the erase entry
	Lines   int         `json:"lines"` // ledger lines that went
	// SHA-256 of Nonce and Ref is Commitment, which the ledger keeps. The nonce is
	// kept nowhere: whoever has it can show what was erased.
	Nonce      string   `json:"nonce"`
	Commitment string   `json:"commitment"`
	Listed     []string `json:"listed"`  // where the server still has it
	Held       []string `json:"held_by"` // matters and holds
	// Originals are what it was made from, where that is kept: it holds the same words.
	Originals []archive.Ref `json:"originals,omitempty"`
}

// GivenOut is a bundle that was exported.
type GivenOut struct {
	Entry       int64     `json:"entry"`
	Time        time.Time `json:"time"`
	TagManifest string    `json:"tagmanifest"`
}

// eraseJob is what erasing.json holds while it is done.
type eraseJob struct {
	First      int64           `json:"first"` // index of the first erase entry
	Facts      []ledger.Erase  `json:"facts"`
	Refs       []archive.Ref   `json:"refs"`
	Statements []string        `json:"statements"`
	Frames     []archive.Range `json:"frames"`
}

func jobPath(dir string) string { return filepath.Join(dir, "erasing.json") }

// Erase erases messages for good. Readings and index are made anew by the next Read,
// which the caller runs.
func (v *Vault) Erase(ctx context.Context, req EraseRequest) (*EraseReport, error) {
	r, err := v.erase(ctx, req)
	if err != nil {
		return r, fmt.Errorf("erasing: %w", err)
	}
	return r, nil
}

func (v *Vault) erase(ctx context.Context, req EraseRequest) (*EraseReport, error) {
	defer v.still()()
	if v.catalog == nil {
		return nil, errClosed
	}
	r := &EraseReport{Schema: EraseSchema, DryRun: req.DryRun, Messages: []ErasedMessage{}, Bundles: []GivenOut{}, Removed: []string{}}
	job, err := v.planErase(ctx, req, r)
	if err != nil {
		return r, err
	}
	if req.DryRun {
		return r, nil
	}
	if !req.Force {
		for _, m := range r.Messages {
			if len(m.Held) > 0 {
				return r, fmt.Errorf("%v: %w by %s", m.Ref, ErrHeld, strings.Join(m.Held, ", "))
			}
		}
	}
	if _, err := v.ledger.Signer(); err != nil {
		return r, err
	}
	b, err := json.Marshal(job)
	if err != nil {
		return r, err
	}
	if err := durable.WriteFile(jobPath(v.dir), b, 0o600); err != nil {
		return r, err
	}
	if r.Removed, err = v.doErase(job); err != nil {
		return r, err
	}
	// The index that was open is away; an empty one stands in until it is read anew.
	v.index.Close()
	return r, errors.Join(v.resetIndex(), v.endErase())
}

// planErase works out everything that names the messages.
func (v *Vault) planErase(ctx context.Context, req EraseRequest, r *EraseReport) (*eraseJob, error) {
	job := &eraseJob{First: v.ledger.Size()}
	first := job.First
	var needles [][][]byte // of each message
	for i, ref := range req.Refs {
		if slices.Contains(req.Refs[:i], ref) {
			continue
		}
		b, err := v.catalog.Blob(ref)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", ref, err)
		}
		statements, err := v.catalog.StatementsOf(ref)
		if err != nil {
			return nil, err
		}
		m, fact, err := v.planMessage(b, req)
		if err != nil {
			return nil, err
		}
		m.Entry = job.First + int64(len(job.Facts))
		r.Messages = append(r.Messages, m)
		job.Facts = append(job.Facts, fact)
		job.Refs = append(job.Refs, ref)
		job.Statements = append(job.Statements, statements...)
		frame := archive.Range{Segment: b.Place.Segment, Offset: b.Place.FrameOffset, Length: b.Place.FrameLength}
		if !slices.Contains(job.Frames, frame) {
			job.Frames = append(job.Frames, frame)
		}
		words := [][]byte{[]byte(ref.Hex())}
		for _, id := range statements {
			words = append(words, []byte(`"`+id+`"`))
		}
		needles = append(needles, words)
		if b.Entry >= 0 {
			first = min(first, b.Entry)
		}
	}
	if len(job.Refs) == 0 {
		return nil, errors.New("nothing to erase")
	}
	err := v.ledger.Entries(1, func(index int64, line []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if index > first && bytes.Contains(line, []byte(`"type":"export"`)) {
			if e, err := ledger.Decode(line); err == nil {
				if x, ok := e.Fact.(ledger.Export); ok {
					r.Bundles = append(r.Bundles, GivenOut{Entry: index, Time: e.Time, TagManifest: x.TagManifest})
				}
			}
		}
		for i, words := range needles {
			if slices.ContainsFunc(words, func(w []byte) bool { return bytes.Contains(line, w) }) {
				leaf, erased := ledger.LeafHash(line)
				if !erased {
					r.Messages[i].noteOriginal(line, job.Refs)
					job.Facts[i].Entries = append(job.Facts[i].Entries, index)
					job.Facts[i].Leaves = append(job.Facts[i].Leaves, leaf)
					r.Messages[i].Lines++
				}
				return nil
			}
		}
		return nil
	})
	return job, err
}

func (m *ErasedMessage) noteOriginal(line []byte, going []archive.Ref) {
	e, err := ledger.Decode(line)
	if x, ok := e.Fact.(ledger.Converted); ok && err == nil && x.Kept && x.Blob == m.Ref.Hex() {
		if ref, err := archive.ParseRef(x.Original); err == nil && !slices.Contains(going, ref) && !slices.Contains(m.Originals, ref) {
			m.Originals = append(m.Originals, ref)
		}
	}
}

func (v *Vault) planMessage(b catalog.Blob, req EraseRequest) (ErasedMessage, ledger.Erase, error) {
	m := ErasedMessage{Ref: b.Ref, Listed: []string{}, Held: []string{}}
	fact := ledger.Erase{Entries: []int64{}, Leaves: []string{}, Reason: req.Reason, By: req.By}
	if read, err := v.catalog.Message(b.Ref); err == nil {
		m.Subject, m.Date = read.Doc.Subject, &read.Date
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return m, fact, err
	}
	m.Nonce = hex.EncodeToString(nonce)
	m.Commitment = Commitment(nonce, b.Ref)
	fact.Commitment = m.Commitment
	keys, listed, err := v.catalog.PlaceKeys(b.ID)
	if err != nil {
		return m, fact, err
	}
	fact.Places = keys
	if keys == nil {
		fact.Places = []string{}
	}
	if slices.Contains(listed, true) {
		places, err := v.catalog.Places(b.ID)
		if err != nil {
			return m, fact, err
		}
		for _, p := range places {
			if !p.Gone && !p.Import {
				m.Listed = append(m.Listed, fmt.Sprintf("%s/%s, UID %d", p.Mailbox, p.Folder, p.UID))
			}
		}
	}
	holders, err := v.catalog.Holders(b.Ref)
	if err != nil {
		return m, fact, err
	}
	for _, h := range holders {
		m.Held = append(m.Held, "matter "+h)
	}
	holds, err := v.catalog.OnHold()
	for _, h := range holds {
		if h.Scope == b.Ref.String() {
			m.Held = append(m.Held, "a hold: "+h.Reason)
		}
	}
	return m, fact, err
}

// Commitment is what an erase entry keeps of a message.
func Commitment(nonce []byte, ref archive.Ref) string {
	h := sha256.New()
	h.Write(nonce)
	h.Write(ref[:])
	return hex.EncodeToString(h.Sum(nil))
}

// doErase does steps 2 to 5 up to the index; v is held alone.
func (v *Vault) doErase(job *eraseJob) (removed []string, err error) {
	for _, step := range v.eraseSteps(job, &removed) {
		if err := step(); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (v *Vault) eraseSteps(job *eraseJob, removed *[]string) []func() error {
	return []func() error{
		func() error { return v.announce(job) },
		func() error { return v.record(nil, v.archive.End()) },
		func() error {
			for _, f := range job.Frames {
				if err := v.rescue(f, job.Refs); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return v.catalog.Erase(job.Refs, job.Statements) },
		func() error { return v.blankLines(job) },
		func() error { return v.archive.Blank(job.Frames) },
		func() error {
			octets, err := v.archive.RemoveTorn()
			lines, lerr := v.ledger.RemoveTorn()
			*removed = append(append(*removed, octets...), lines...)
			return errors.Join(err, lerr)
		},
		func() error { return v.catalog.ResetDerived() },
		func() error { return v.catalog.Compact() },
	}
}

func (v *Vault) blankLines(job *eraseJob) error {
	for i := range job.Facts {
		if err := v.ledger.Blank(job.First + int64(i)); err != nil {
			return err
		}
	}
	return nil
}

// announce appends the erase entries, unless the last run did, and signs.
func (v *Vault) announce(job *eraseJob) error {
	if v.ledger.Size() > job.First {
		line, err := v.ledger.Line(job.First)
		if err != nil {
			return err
		}
		e, err := ledger.Decode(line)
		if err != nil {
			return err
		}
		if x, ok := e.Fact.(ledger.Erase); !ok || x.Commitment != job.Facts[0].Commitment || v.ledger.Size() < job.First+int64(len(job.Facts)) {
			return fmt.Errorf("%w: ledger entry %d is not the one that %q announces", ErrDiverged, job.First, jobPath(v.dir))
		}
	} else {
		facts := make([]ledger.Fact, len(job.Facts))
		for i, x := range job.Facts {
			facts[i] = x
		}
		if _, err := v.ledger.Append(facts); err != nil {
			return err
		}
	}
	_, err := v.ledger.Checkpoint()
	return err
}

// rescue appends the messages of a frame anew, but those that are to go.
func (v *Vault) rescue(f archive.Range, refs []archive.Ref) error {
	in, err := v.catalog.InFrame(f.Segment, f.Offset)
	if err != nil {
		return err
	}
	in = slices.DeleteFunc(in, func(b catalog.Blob) bool { return slices.Contains(refs, b.Ref) })
	if len(in) == 0 {
		return nil
	}
	var blobs []*archive.Blob
	defer func() {
		for _, b := range blobs {
			b.Discard()
		}
	}()
	for _, b := range in {
		body, _, err := v.archive.OpenAt(b.Ref, b.Place)
		if err != nil {
			return err
		}
		blob, err := v.stage.Read(body)
		body.Close()
		if err != nil {
			return err
		}
		blobs = append(blobs, blob)
	}
	places, err := v.archive.Append(blobs)
	if err != nil {
		return err
	}
	moved := make([]archive.Entry, len(in))
	for i, b := range in {
		moved[i] = archive.Entry{Ref: b.Ref, Size: b.Size, Place: places[i]}
	}
	return v.catalog.Move(v.archive.End(), moved)
}

func (v *Vault) endErase() error {
	if err := os.Remove(jobPath(v.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(v.dir)
}

// resumeLines makes good, before anybody reads the ledger's lines, those that a crash
// left half overwritten.
func (v *Vault) resumeLines() error {
	job, err := readJob(v.dir)
	if job == nil || err != nil || v.ledger.Size() <= job.First {
		return err
	}
	if err := v.announce(job); err != nil {
		return err
	}
	return v.blankLines(job)
}

// resumeErase finishes, when the vault is opened, what a crash broke off. It runs
// between recover and openIndex: the readings are reset, so the index is made anew.
func (v *Vault) resumeErase() error {
	job, err := readJob(v.dir)
	if job == nil || err != nil {
		return err
	}
	v.log.Warn("an erasure that was broken off is finished")
	if _, err := v.doErase(job); err != nil {
		return fmt.Errorf("finishing an erasure: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(v.dir, "index")); err != nil {
		return err
	}
	return v.endErase()
}

func readJob(dir string) (*eraseJob, error) {
	b, err := os.ReadFile(jobPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var job eraseJob
	if err == nil {
		err = json.Unmarshal(b, &job)
	}
	if err == nil && (len(job.Facts) == 0 || len(job.Facts) != len(job.Refs)) {
		err = errors.New("it names nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", jobPath(dir), err)
	}
	return &job, nil
}
