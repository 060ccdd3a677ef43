package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"inwriting/indexer/durable"
)

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

func (l *Ledger) open(keysDir, origin string) error {
	key, cp, err := l.openFiles(keysDir)
	if err != nil {
		return err
	}
	size, err := fileSize(l.entries)
	if err != nil {
		return err
	}
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
	l.keys = []Key{{VKey: l.vkey}}
	if s.whole > 0 {
		if err := l.checkName(s.keys); err != nil {
			return err
		}
	}
	was, next, err := l.takeKey(keysDir, key)
	if err != nil {
		return err
	}
	if len(cp) > 0 {
		if l.signed, err = ParseSigned(cp, l.keys); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrAltered, checkpointPath(l.dir), err)
		}
	}
	if err := l.settleTail(s); err != nil {
		return err
	}
	l.length, l.sparse = s.length, s.sparse
	if err := l.settleHashes(s.whole); err != nil {
		return err
	}
	if next != nil {
		if err := l.settleKey(keysDir, was, next, true); err != nil {
			return err
		}
		l.repaired("went on with a change of the signing key that was broken off; the key is %s now", l.vkey)
	}
	if l.signed.Size > 0 {
		l.signed.Time, err = l.timeOf(l.signed.Size - 1)
	}
	return err
}

// openFiles opens entries and hashes and reads the small files.
func (l *Ledger) openFiles(keysDir string) (key ed25519.PrivateKey, checkpoint []byte, err error) {
	for _, d := range []string{l.dir, keysDir} {
		if err := durable.MkdirAll(d, 0o700); err != nil {
			return nil, nil, err
		}
	}
	if l.entries, err = l.openFile(entriesPath(l.dir)); err != nil {
		return nil, nil, err
	}
	if l.hashes, err = l.openFile(hashesPath(l.dir)); err != nil {
		return nil, nil, err
	}
	if key, err = readKey(keyPath(keysDir)); err != nil {
		return nil, nil, err
	}
	vkey, err := readOptional(vkeyPath(l.dir))
	if err != nil {
		return nil, nil, err
	}
	l.vkey = strings.TrimSpace(string(vkey))
	checkpoint, err = readOptional(checkpointPath(l.dir))
	return key, checkpoint, err
}

// settleTail compares the end of the entries with the checkpoint and the recorded
// hashes, and cuts off what a crash left behind it.
func (l *Ledger) settleTail(s survey) error {
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
	return nil
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
	keys   []Key   // that follow the first
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
		if k, ok := addedKey(line, s.whole); ok {
			s.keys = append(s.keys, k)
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
		if key, err = l.newKey(keyPath(keysDir)); err != nil {
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
	l.key, l.keys = key, []Key{{VKey: l.vkey}}
	_, name, _ := parseVKey(l.vkey)
	_, err = l.Append([]Fact{VaultCreated{Vault: name[strings.LastIndexByte(name, '/')+1:], VKey: l.vkey}})
	return err
}

// checkName compares log.vkey with the entries, of which later names the keys behind
// the first, and writes it again when it is missing or when a change of keys was
// broken off.
func (l *Ledger) checkName(later []Key) error {
	line, _, _, err := newLines(l.entries, 0, maxLine).next()
	if err != nil {
		return err
	}
	e, err := Decode(line)
	first, ok := e.Fact.(VaultCreated)
	if err != nil || !ok {
		return fmt.Errorf("%w: the first line of %q is not the entry that created the vault", ErrAltered, entriesPath(l.dir))
	}
	l.keys = append([]Key{{VKey: first.VKey}}, later...)
	current := l.keys[len(l.keys)-1].VKey
	if l.vkey == current {
		return nil
	}
	if l.vkey != "" && !slices.ContainsFunc(l.keys, func(k Key) bool { return k.VKey == l.vkey }) {
		return fmt.Errorf("%w: %q holds %q, the entries say %q", ErrAltered, vkeyPath(l.dir), l.vkey, current)
	}
	if _, _, err := parseVKey(current); err != nil {
		return fmt.Errorf("%w: the entries name a key: %w", ErrAltered, err)
	}
	l.vkey = current
	if err := durable.WriteFileFS(l.fs, vkeyPath(l.dir), []byte(l.vkey+"\n"), 0o644); err != nil {
		return err
	}
	l.repaired("wrote %q again from the entries", vkeyPath(l.dir))
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
	if err := l.compareHashes(n, good, hs, stored); err != nil {
		return err
	}
	return l.writeHashes(start, n, hs, fresh)
}

// compareHashes looks whether the hashes file, of hs octets, can belong to n entries of
// which the first good are vouched for.
func (l *Ledger) compareHashes(n, good, hs int64, stored storedHashes) error {
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
	return nil
}

// writeHashes compares the hashes from leaf start on with what the entries give, and
// fills in what is missing.
func (l *Ledger) writeHashes(start, n, hs int64, fresh []tlog.Hash) error {
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
