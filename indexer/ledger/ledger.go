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
//	ledger/torn-<offset>   what a crash left behind the last whole line, kept aside
//	keys/ed25519           the signing key, PKCS #8, 0600
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
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	dir    string
	fs     durable.FS
	now    func() time.Time
	rand   io.Reader
	vkey   string
	signer note.Signer // nil without a key
	key    ed25519.PrivateKey

	mu      sync.RWMutex
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

// Open opens the ledger in dir with the key in keysDir, and creates both on first
// use: key, name and the first entry are durable on return. A torn last line is
// copied aside and cut off; a hashes file that is missing, short or long is made again; what
// was done about that is in Repairs. Contradictions are errors and change nothing.
// Open looks for the traces of crashes and of a mixed-up copy; only Verify reads
// every line.
func Open(dir, keysDir string, opts Options) (*Ledger, error) {
	l := &Ledger{dir: dir, fs: durable.Or(opts.FS), now: opts.Now, rand: opts.Rand}
	if l.now == nil {
		l.now = time.Now
	}
	if l.rand == nil {
		l.rand = rand.Reader
	}
	err := l.open(keysDir, opts.Origin)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	return l, nil
}

func (l *Ledger) open(keysDir, origin string) (err error) {
	for _, d := range []string{l.dir, keysDir} {
		if err := durable.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	if l.entries, err = l.openFile(entriesPath(l.dir)); err != nil {
		return err
	}
	if l.hashes, err = l.openFile(hashesPath(l.dir)); err != nil {
		return err
	}
	size, err := fileSize(l.entries)
	if err != nil {
		return err
	}
	key, err := readKey(keyPath(keysDir))
	if err != nil {
		return err
	}
	vkey, err := readOptional(vkeyPath(l.dir))
	if err != nil {
		return err
	}
	cp, err := readOptional(checkpointPath(l.dir))
	if err != nil {
		return err
	}
	l.vkey = strings.TrimSpace(string(vkey))

	s, err := l.survey(size)
	if err != nil {
		return err
	}
	if s.whole == 0 && len(cp) == 0 {
		// A new ledger, or one whose first Append never came back.
		if hs, err := fileSize(l.hashes); err != nil {
			return err
		} else if hs >= tlog.HashSize {
			return fmt.Errorf("%w: %q is empty, but %q holds the hashes of %d entries",
				ErrShort, entriesPath(l.dir), hashesPath(l.dir), leavesOf(hs))
		}
		if s.torn {
			if err := l.cutEntries(s); err != nil {
				return err
			}
		}
		return l.create(keysDir, origin, key)
	}
	if s.whole > 0 {
		if err := l.checkName(); err != nil {
			return err
		}
	}
	if key != nil {
		if l.signer, err = newSigner(key, l.vkey); err != nil {
			return fmt.Errorf("%q: %w", keyPath(keysDir), err)
		}
		l.key = key
	}
	if len(cp) > 0 {
		if l.signed, err = ParseCheckpoint(cp, l.vkey); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrAltered, checkpointPath(l.dir), err)
		}
	}
	if s.whole < l.signed.Size {
		if s.torn && s.index < s.total {
			return fmt.Errorf("%w: entry %d, at octet %d of %q, is no entry any more (the checkpoint commits to %d entries)",
				ErrAltered, s.index, s.length, entriesPath(l.dir), l.signed.Size)
		}
		return fmt.Errorf("%w: ledger has %d entries, checkpoint commits to %d; the data directory may be an older copy, or %q was cut",
			ErrShort, s.whole, l.signed.Size, entriesPath(l.dir))
	}
	if s.torn {
		// What was fsynced has its hash in the hashes file; a line that was
		// recorded once is not a torn one.
		hs, err := fileSize(l.hashes)
		if err != nil {
			return err
		}
		if leavesOf(hs) > s.whole {
			h, err := storedHashes{l.hashes}.ReadHashes([]int64{tlog.StoredHashIndex(0, s.whole)})
			if err != nil {
				return err
			}
			if h[0] != (tlog.Hash{}) {
				return fmt.Errorf("%w: entry %d, at octet %d of %q, is not what was recorded (its hash was %v)",
					ErrAltered, s.whole, s.length, entriesPath(l.dir), h[0])
			}
		}
		if err := l.cutEntries(s); err != nil {
			return err
		}
	}
	l.length, l.sparse = s.length, s.sparse
	if err := l.settleHashes(s.whole); err != nil {
		return err
	}
	if l.signed.Size > 0 {
		l.signed.Time, err = l.timeOf(l.signed.Size - 1)
	}
	return err
}

func (l *Ledger) openFile(name string) (durable.File, error) {
	_, err := os.Stat(name)
	f, oerr := l.fs.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if oerr != nil {
		return nil, oerr
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := l.fs.SyncDir(filepath.Dir(name)); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

func fileSize(f durable.File) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func readOptional(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func readKey(name string) (ed25519.PrivateKey, error) {
	b, err := readOptional(name)
	if err != nil || b == nil {
		return nil, err
	}
	p, _ := pem.Decode(b)
	if p == nil {
		return nil, fmt.Errorf("reading %q: no PEM block; restore it from a backup", name)
	}
	k, err := x509.ParsePKCS8PrivateKey(p.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	e, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading %q: want an Ed25519 key, got %T", name, k)
	}
	return e, nil
}

// survey is what a first pass over the entries file finds.
type survey struct {
	whole  int64   // lines before the first that is no entry
	length int64   // octets of these
	sparse []int64 // offsets
	size   int64   // of the file
	torn   bool    // something follows that is no entry
	index  int64   // of it
	total  int64   // lines with a line feed in all
}

// looksWhole tells a line from what a power cut leaves: holes of NULs, halves.
func looksWhole(line []byte) bool {
	return len(line) > 2 && line[0] == '{' && line[len(line)-1] == '}' && bytes.IndexByte(line, 0) < 0
}

func (l *Ledger) survey(size int64) (survey, error) {
	s := survey{size: size}
	r := newLines(l.entries, 0, size)
	for {
		line, off, whole, err := r.next()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("reading %q: %w", entriesPath(l.dir), err)
		}
		if whole {
			s.total++
		}
		if s.torn {
			continue
		}
		if !whole || !looksWhole(line) {
			s.torn, s.index = true, s.whole
			continue
		}
		if s.whole%sparseStep == 0 {
			s.sparse = append(s.sparse, off)
		}
		s.whole++
		s.length = off + int64(len(line)) + 1
	}
}

// cutEntries copies what follows the whole lines aside and cuts it off.
func (l *Ledger) cutEntries(s survey) error {
	aside, err := durable.Aside(l.fs, l.entries, s.length, s.size-s.length,
		filepath.Join(l.dir, fmt.Sprintf("torn-%d", s.length)))
	if err != nil {
		return err
	}
	if err := l.entries.Truncate(s.length); err != nil {
		return fmt.Errorf("cutting a torn line off the ledger: %w", err)
	}
	if err := l.entries.Sync(); err != nil {
		return fmt.Errorf("cutting a torn line off the ledger: %w", err)
	}
	l.repaired("cut %d octets off the ledger's end that were no whole entry; they are kept in %q", s.size-s.length, aside)
	return nil
}

func (l *Ledger) repaired(format string, args ...any) {
	l.repairs = append(l.repairs, fmt.Sprintf(format, args...))
}

// create makes key, name and first entry. Each step may find the last run's.
func (l *Ledger) create(keysDir, origin string, key ed25519.PrivateKey) error {
	if key == nil {
		var err error
		seed := make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(l.rand, seed); err != nil {
			return fmt.Errorf("making a signing key: %w", err)
		}
		key = ed25519.NewKeyFromSeed(seed)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := durable.WriteFileFS(l.fs, keyPath(keysDir), b, 0o600); err != nil {
			return err
		}
	}
	if pub, _, err := parseVKey(l.vkey); err != nil || !pub.Equal(key.Public()) {
		var id [8]byte
		if _, err := io.ReadFull(l.rand, id[:]); err != nil {
			return fmt.Errorf("naming the ledger: %w", err)
		}
		if origin == "" {
			origin = "inwriting"
		}
		if !strings.Contains(origin, "/") {
			origin += "/" + hex.EncodeToString(id[:])
		}
		l.vkey, err = note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
		if err == nil {
			_, err = note.NewVerifier(l.vkey)
		}
		if err != nil {
			return fmt.Errorf("ledger origin %q: spaces and plus signs are not allowed: %w", origin, err)
		}
		if err := durable.WriteFileFS(l.fs, vkeyPath(l.dir), []byte(l.vkey+"\n"), 0o644); err != nil {
			return err
		}
	}
	var err error
	if l.signer, err = newSigner(key, l.vkey); err != nil {
		return err
	}
	l.key = key
	_, name, _ := parseVKey(l.vkey)
	_, err = l.Append([]Fact{VaultCreated{Vault: name[strings.LastIndexByte(name, '/')+1:], VKey: l.vkey}})
	return err
}

// checkName compares log.vkey with the first entry, and writes it again when it
// is missing.
func (l *Ledger) checkName() error {
	line, _, _, err := newLines(l.entries, 0, maxLine).next()
	if err != nil {
		return err
	}
	e, err := Decode(line)
	first, ok := e.Fact.(VaultCreated)
	if err != nil || !ok {
		return fmt.Errorf("%w: the first line of %q is not the entry that created the vault", ErrAltered, entriesPath(l.dir))
	}
	if l.vkey == "" {
		if _, _, err := parseVKey(first.VKey); err != nil {
			return fmt.Errorf("%w: first entry: %w", ErrAltered, err)
		}
		l.vkey = first.VKey
		if err := durable.WriteFileFS(l.fs, vkeyPath(l.dir), []byte(l.vkey+"\n"), 0o644); err != nil {
			return err
		}
		l.repaired("wrote %q again from the first entry", vkeyPath(l.dir))
	}
	if l.vkey != first.VKey {
		return fmt.Errorf("%w: %q holds %q, the first entry says %q", ErrAltered, vkeyPath(l.dir), l.vkey, first.VKey)
	}
	return nil
}

// settleHashes brings the hashes file in line with n whole entries, and sets the edge.
func (l *Ledger) settleHashes(n int64) error {
	hs, err := fileSize(l.hashes)
	if err != nil {
		return err
	}
	stored := storedHashes{l.hashes}
	good := int64(0) // leaves whose hashes are vouched for by the checkpoint
	if l.signed.Size > 0 && leavesOf(hs) >= l.signed.Size {
		e, err := edgeAt(l.signed.Size, stored)
		if err != nil {
			return err
		}
		if e.root().String() == l.signed.Root {
			good, l.edge = l.signed.Size, e
		}
	}
	if good == 0 {
		l.edge = edge{}
	}
	// Every entry the checkpoint does not vouch for is hashed again and compared.
	// Hashes are written without fsync: a hole is filled, a different hash is not.
	start := good
	off, err := l.offset(start)
	if err != nil {
		return err
	}
	r := newLines(l.entries, off, l.length)
	var fresh []tlog.Hash
	for i := start; i < n; i++ {
		line, _, _, err := r.next()
		if err != nil {
			return fmt.Errorf("reading entry %d: %w", i, err)
		}
		fresh = l.edge.add(leafHash(line), fresh)
		if i+1 == l.signed.Size && l.edge.root().String() != l.signed.Root {
			return fmt.Errorf("%w: the first %d entries do not give the checkpoint's root", ErrAltered, l.signed.Size)
		}
	}
	if leavesOf(hs) > n {
		// Hashes are written after their entries are on the disk.
		h, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		if h[0] != (tlog.Hash{}) {
			return fmt.Errorf("%w: it has %d entries, but %q holds the hashes of %d; the data directory may be a mixture of two copies, or entries were removed",
				ErrShort, n, hashesPath(l.dir), leavesOf(hs))
		}
	}
	if good > 0 {
		// One look at the place where a removed or an inserted line shows. Whether
		// every line is what was signed is for Check to say: it takes a second for
		// every million entries, and Open is part of every command.
		line, err := l.lineAt(good - 1)
		if err != nil {
			return err
		}
		h, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, good-1)})
		if err != nil {
			return err
		}
		if h[0] != leafHash(line) {
			return fmt.Errorf("%w: entry %d is not the one that was signed", ErrAltered, good-1)
		}
	}
	base := tlog.StoredHashCount(start)
	want := tlog.StoredHashCount(n) * tlog.HashSize
	have := make([]byte, max(0, min(hs, want)-base*tlog.HashSize))
	if _, err := l.hashes.ReadAt(have, base*tlog.HashSize); err != nil && err != io.EOF {
		return err
	}
	raw := hashBytes(fresh)
	if bytes.Equal(have, raw) && hs == want {
		return nil
	}
	for i := 0; i+tlog.HashSize <= len(have) && i+tlog.HashSize <= len(raw); i += tlog.HashSize {
		h := have[i : i+tlog.HashSize]
		if bytes.Equal(h, raw[i:i+tlog.HashSize]) || bytes.Equal(h, make([]byte, tlog.HashSize)) {
			continue
		}
		level, k := tlog.SplitStoredHashIndex(base + int64(i/tlog.HashSize))
		last := (k+1)<<level - 1
		if last < l.signed.Size {
			continue // the entries gave the signed root: the hashes file is what is wrong
		}
		return fmt.Errorf("%w: entry %d or %q was changed: its recorded hash differs, and no checkpoint commits to it yet",
			ErrAltered, last, hashesPath(l.dir))
	}
	if _, err := l.hashes.WriteAt(raw, base*tlog.HashSize); err != nil {
		return fmt.Errorf("writing ledger hashes: %w", err)
	}
	if err := l.hashes.Truncate(want); err != nil {
		return fmt.Errorf("writing ledger hashes: %w", err)
	}
	l.repaired("made the hashes of entries %d to %d again", start, n-1)
	return nil
}

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
	msg, err := signCheckpoint(l.signer, l.edge.size, root)
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
func (l *Ledger) VKey() string { return l.vkey }

// Origin returns the log's name.
func (l *Ledger) Origin() string {
	_, name, _ := parseVKey(l.vkey)
	return name
}

// KeyFingerprint returns the short id under which the key signs, in hexadecimal.
func (l *Ledger) KeyFingerprint() string {
	v, err := note.NewVerifier(l.vkey)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(nil, v.KeyHash()))
}

// PublicKeyPEM returns the public key as openssl reads it.
func (l *Ledger) PublicKeyPEM() []byte {
	b, _ := PublicKeyPEM(l.vkey) // the key was parsed when the ledger was opened
	return b
}

// Verify checks everything against everything; see Check.
func (l *Ledger) Verify(report func(Problem)) (Stats, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return check(l.dir, l.length, report)
}
