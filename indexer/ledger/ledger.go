// Package ledger is the tamper-evident record of what was collected and when:
// an append-only list of entries under an RFC 6962 Merkle tree.
//
//	ledger/entries.jsonl   one entry a line, canonical JSON, salted: the record
//	ledger/hashes          the tree's hashes in tlog order; made again from the entries when it is short
//	ledger/checkpoint      C2SP tlog-checkpoint: origin, size, root, signature
//	ledger/checkpoints/<size>            the checkpoints that were time-stamped
//	ledger/anchors/<size>.<name>.tsr     their RFC 3161 tokens, as authorities gave them
//	ledger/anchors/<size>.<name>.pem     and the certificates that these rest on
//	ledger/log.vkey        the public key, as C2SP signed notes write it
//	ledger/keys/<size>     the state in which the key was changed, signed by both keys
//	ledger/torn-<offset>   what a crash left behind the last whole line, kept aside
//	keys/ed25519           the signing key, PKCS #8, 0600; ed25519.<id> are those before it
//
// What entries say, by type:
//
//	vault.created key.added key.retired account.added account.role config
//	    whose vault it is, which keys sign, what is read as whom, how it is set
//	mailbox.added mailbox.listed mailbox.reset mailbox.renamed acquisition sync import
//	    what was looked at, when, and what the server said of itself
//	msg.seen msg.flags msg.gone msg.quarantined msg.converted msg.restored
//	    one occurrence of a message, and what became of it
//	dns.key auth.result anchor clock.skew
//	    what outsiders said: keys, signatures, the time
//	matter.… correction hold erase export access
//	    what people decided, took out, looked at, had erased
//
// A type that a version does not know is kept and passed over.
//
// A leaf is a line without its line feed. The salt in it makes the leaf's hash
// disclose nothing: a bundle shows the lines of its own exhibits, and for all
// others only hashes.
//
// The order of writes: the entries are written and fsynced; then Append returns
// and the caller may act on them; the hashes follow without fsync, since they can be
// computed again. A checkpoint therefore never commits to an entry that is not on
// the disk, and an entry that a checkpoint commits to is never cut off: a ledger
// that is shorter than its checkpoint stops the program. Erasing is the one thing
// that changes a line (blank.go).
package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"inwriting/indexer/durable"
)

var (
	// ErrFailed: an earlier write or fsync failed; the ledger writes no more
	// until it is opened again.
	ErrFailed = errors.New("ledger stopped writing after a failed write")
	// ErrShort: a checkpoint commits to entries that are not there.
	ErrShort = errors.New("the ledger is shorter than its checkpoint")
	// ErrAltered: entries, hashes or checkpoint contradict one another.
	ErrAltered = errors.New("the ledger was altered")
	// ErrErased: of the entry only its leaf hash is left.
	ErrErased = errors.New("the entry was erased")
	// ErrNoKey: the signing key is missing.
	ErrNoKey = errors.New("the signing key is missing")
)

// Options of a ledger. The zero value is ready to use.
type Options struct {
	// Origin names a new log. Without a "/" the vault's id is added:
	// "desk.example" becomes "desk.example/4f0c…". "" means "inwriting". A log
	// that exists keeps its name.
	Origin string
	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // salts and keys; nil: crypto/rand
	FS     durable.FS       // nil: the real one
}

// Ledger is an open ledger. Its methods may be called at once; appends take turns.
type Ledger struct {
	dir  string
	fs   durable.FS
	now  func() time.Time
	rand io.Reader

	mu      sync.RWMutex
	vkey    string      // of the key that signs; also the last of keys
	signer  note.Signer // nil without a key
	key     ed25519.PrivateKey
	keys    []Key // that signed, oldest first
	entries durable.File
	hashes  durable.File
	edge    edge
	length  int64   // octets of whole entries
	sparse  []int64 // offset of every sparseStep'th line
	signed  Checkpoint
	failed  error
	repairs []string
}

const sparseStep = 32

// maxLine bounds an entry; the longest honest one has a few hundred octets.
const maxLine = 1 << 20

func entriesPath(dir string) string    { return filepath.Join(dir, "entries.jsonl") }
func hashesPath(dir string) string     { return filepath.Join(dir, "hashes") }
func checkpointPath(dir string) string { return filepath.Join(dir, "checkpoint") }
func vkeyPath(dir string) string       { return filepath.Join(dir, "log.vkey") }
func keyPath(keysDir string) string    { return filepath.Join(keysDir, "ed25519") }

func hashBytes(hs []tlog.Hash) []byte {
	b := make([]byte, 0, len(hs)*tlog.HashSize)
	for i := range hs {
		b = append(b, hs[i][:]...)
	}
	return b
}

// Close closes the files. It writes nothing.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, f := range []durable.File{l.entries, l.hashes} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	l.entries, l.hashes = nil, nil
	if l.failed == nil {
		l.failed = fs.ErrClosed
	}
	return errors.Join(errs...)
}

// Repairs says what Open put right, a sentence each.
func (l *Ledger) Repairs() []string { return l.repairs }

// Append records the facts as consecutive entries and returns the index of the
// first. They share the time of the call. On return they are durable: one write,
// one fsync. After a failed write or fsync nothing of the batch counts, and the
// ledger refuses more with ErrFailed.
func (l *Ledger) Append(facts []Fact) (first int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(facts)
}

func (l *Ledger) append(facts []Fact) (first int64, err error) {
	if l.failed != nil {
		return 0, fmt.Errorf("%w: %w", ErrFailed, l.failed)
	}
	first = l.edge.size
	if len(facts) == 0 {
		return first, nil
	}
	salts := make([]byte, 16*len(facts))
	if _, err := io.ReadFull(l.rand, salts); err != nil {
		return 0, fmt.Errorf("appending to ledger: salt: %w", err)
	}
	var (
		t      = l.now().UTC().Format(timeFormat)
		buf    = make([]byte, 0, 400*len(facts))
		fresh  = make([]tlog.Hash, 0, 2*len(facts)+64)
		next   = l.edge.clone()
		sparse []int64
		f      fields
		msg    []byte // 0x00 and the line: what a leaf hash is the hash of
	)
	for i, fact := range facts {
		start := len(buf)
		if next.size%sparseStep == 0 {
			sparse = append(sparse, l.length+int64(start))
		}
		if buf, err = appendEntry(buf, &f, fact, t, salts[16*i:16*i+16]); err != nil {
			return 0, fmt.Errorf("appending to ledger: %w", err)
		}
		if n := len(buf) - start; n > maxLine {
			return 0, fmt.Errorf("appending to ledger: entry %s has %d octets, at most %d are allowed", fact.EntryType(), n, maxLine)
		}
		msg = append(append(msg[:0], 0), buf[start:]...) // RFC 6962 section 2.1
		fresh = next.add(sha256.Sum256(msg), fresh)
		buf = append(buf, '\n')
	}
	fail := func(err error) (int64, error) {
		l.failed = err
		return 0, fmt.Errorf("appending %d entries to ledger: %w", len(facts), err)
	}
	if _, err := l.entries.WriteAt(buf, l.length); err != nil {
		return fail(err)
	}
	if err := l.entries.Sync(); err != nil {
		return fail(err)
	}
	base := tlog.StoredHashCount(l.edge.size) * tlog.HashSize
	l.edge = next
	l.length += int64(len(buf))
	l.sparse = append(l.sparse, sparse...)
	if _, err := l.hashes.WriteAt(hashBytes(fresh), base); err != nil {
		// The entries are on the disk and count; the hashes are made again when
		// the ledger is next opened.
		l.failed = err
	}
	return first, nil
}

// Size returns the number of entries.
func (l *Ledger) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.edge.size
}

// offset finds where entry i starts; i may be the number of entries.
func (l *Ledger) offset(i int64) (int64, error) {
	if i/sparseStep >= int64(len(l.sparse)) {
		if i == 0 || i%sparseStep == 0 {
			return l.length, nil
		}
		return 0, fmt.Errorf("ledger has no entry %d", i)
	}
	r, err := l.linesAt(i)
	return r.off, err
}

// linesAt reads from entry i on, which a sparse offset lies before.
func (l *Ledger) linesAt(i int64) (*lines, error) {
	r := newLinesBuffer(l.entries, l.sparse[i/sparseStep], l.length, 16<<10)
	for range i % sparseStep {
		if _, _, _, err := r.next(); err != nil {
			return r, fmt.Errorf("reading entry %d: %w", i, err)
		}
	}
	return r, nil
}

// Entries calls fn for every entry from index from on, in order. line is without
// its line feed and valid during the call only; Decode reads it. Entries that are
// appended meanwhile are not seen.
func (l *Ledger) Entries(from int64, fn func(index int64, line []byte) error) error {
	l.mu.RLock()
	if l.entries == nil {
		l.mu.RUnlock()
		return fmt.Errorf("reading ledger: %w", fs.ErrClosed)
	}
	size := l.edge.size
	if from < 0 || from > size {
		l.mu.RUnlock()
		return fmt.Errorf("reading ledger: entry %d of %d", from, size)
	}
	off, err := l.offset(from)
	r := newLines(l.entries, off, l.length)
	l.mu.RUnlock()
	if err != nil {
		return err
	}
	for i := from; i < size; i++ {
		line, _, _, err := r.next()
		if err != nil {
			return fmt.Errorf("reading entry %d: %w", i, err)
		}
		if err := fn(i, line); err != nil {
			return err
		}
	}
	return nil
}

// Line returns entry index without its line feed.
func (l *Ledger) Line(index int64) ([]byte, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.line(index)
}

func (l *Ledger) line(index int64) ([]byte, error) {
	if l.entries == nil {
		return nil, fmt.Errorf("reading ledger: %w", fs.ErrClosed)
	}
	if index < 0 || (l.edge.size > 0 && index >= l.edge.size) {
		return nil, fmt.Errorf("reading ledger: entry %d of %d", index, l.edge.size)
	}
	return l.lineAt(index)
}

func (l *Ledger) lineAt(index int64) ([]byte, error) {
	if index/sparseStep >= int64(len(l.sparse)) {
		return nil, fmt.Errorf("ledger has no entry %d", index)
	}
	r, err := l.linesAt(index)
	if err != nil {
		return nil, err
	}
	line, _, _, err := r.next()
	if err != nil {
		return nil, fmt.Errorf("reading entry %d: %w", index, err)
	}
	return bytes.Clone(line), nil
}

func (l *Ledger) timeOf(index int64) (time.Time, error) {
	line, err := l.line(index)
	if err != nil {
		return time.Time{}, err
	}
	e, err := Decode(line)
	return e.Time, err
}

// Checkpoint signs the ledger as it is and returns the checkpoint, which is
// durable. Where nothing was appended since the last one, that one is returned.
// Without a signing key the error is ErrNoKey.
func (l *Ledger) Checkpoint() (Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkpoint()
}

func (l *Ledger) checkpoint() (Checkpoint, error) {
	if l.signed.Size == l.edge.size && l.signed.Size > 0 {
		return l.signed, nil
	}
	fail := func(err error) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("signing ledger checkpoint of %d entries: %w", l.edge.size, err)
	}
	if l.failed != nil {
		return fail(fmt.Errorf("%w: %w", ErrFailed, l.failed))
	}
	if l.signer == nil {
		return fail(fmt.Errorf("%w; restore keys/ed25519 from a backup", ErrNoKey))
	}
	root := l.edge.root()
	msg, err := signCheckpoint(l.edge.size, root, l.signer)
	if err != nil {
		return fail(err)
	}
	c, err := ParseCheckpoint(msg, l.vkey)
	if err != nil {
		return fail(err)
	}
	if c.Time, err = l.timeOf(c.Size - 1); err != nil {
		return fail(err)
	}
	if err := durable.WriteFileFS(l.fs, checkpointPath(l.dir), msg, 0o644); err != nil {
		return fail(err) // the old checkpoint stays, and stays true
	}
	l.signed = c
	return c, nil
}

// Signed returns the last checkpoint; its Size is 0 before the first one.
func (l *Ledger) Signed() Checkpoint {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.signed
}

// Prove returns C2SP tlog-proof text: entry index is in the tree of the last
// signed checkpoint, which the text contains. A ledger whose entry or hashes were
// altered gives no proof but ErrAltered.
func (l *Ledger) Prove(index int64) ([]byte, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.hashes == nil {
		return nil, fmt.Errorf("proving entry %d: %w", index, fs.ErrClosed)
	}
	if index < 0 || index >= l.signed.Size {
		return nil, fmt.Errorf("proving entry %d: the last checkpoint commits to %d entries", index, l.signed.Size)
	}
	p, err := tlog.ProveRecord(l.signed.Size, index, storedHashes{l.hashes})
	if err != nil {
		return nil, fmt.Errorf("proving entry %d: %w", index, err)
	}
	// A proof is given to others: it is checked here first.
	line, err := l.lineAt(index)
	if err != nil {
		return nil, err
	}
	if _, ok := erasedLeaf(line); ok {
		return nil, fmt.Errorf("proving entry %d: %w", index, ErrErased)
	}
	root, err := parseHash(l.signed.Root)
	if err == nil {
		err = tlog.CheckRecord(p, l.signed.Size, root, index, tlog.RecordHash(line))
	}
	if err != nil {
		return nil, fmt.Errorf("proving entry %d: %w: %w", index, ErrAltered, err)
	}
	return formatProof(index, p, l.signed.Note), nil
}

// VKey returns the log's public key as a C2SP verifier key: name, id and key.
func (l *Ledger) VKey() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.vkey
}

// Origin returns the log's name.
func (l *Ledger) Origin() string {
	_, name, _ := parseVKey(l.VKey())
	return name
}

// KeyFingerprint returns the short id under which the key signs, in hexadecimal.
func (l *Ledger) KeyFingerprint() string {
	v, err := note.NewVerifier(l.VKey())
	if err != nil {
		return ""
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(nil, v.KeyHash()))
}

// PublicKeyPEM returns the public key as openssl reads it.
func (l *Ledger) PublicKeyPEM() []byte {
	b, _ := PublicKeyPEM(l.VKey()) // the key was parsed when the ledger was opened
	return b
}

// Verify checks everything against everything; see Check.
func (l *Ledger) Verify(report func(Problem)) (Stats, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return check(l.dir, l.length, report)
}
