package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"inwriting/indexer/durable"
)

// Key is a key that signs the states of a ledger with more than From entries, until
// the next key does.
type Key struct {
	VKey string
	From int64
}

// KeyChange is a change of the signing key.
type KeyChange struct {
	Old, New string // verifier keys
	Entry    int64  // index of the KeyAdded entry; that of KeyRetired follows
	Size     int64  // entries that Note commits to
	// Note is the state of the ledger with the change in it, signed by both keys: the
	// old one says which key follows it. Where the old key was lost only the new one
	// signed, and Vouched is false.
	Note    []byte
	Vouched bool
}

func keyChangePath(dir string, size int64) string {
	return filepath.Join(dir, "keys", strconv.FormatInt(size, 10))
}

func nextKeyPath(keysDir string) string { return filepath.Join(keysDir, "ed25519.next") }

// retiredKeyPath is where a retired key is kept for export --as-of.
func retiredKeyPath(keysDir, vkey string) string {
	return filepath.Join(keysDir, "ed25519."+keyID(vkey))
}

func keyID(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// keyAt is the verifier key in force for a state of size entries.
func keyAt(keys []Key, size int64) string {
	vkey := ""
	for _, k := range keys {
		if k.From < size || vkey == "" {
			vkey = k.VKey
		}
	}
	return vkey
}

// ParseSigned opens a checkpoint with the key that was in force for its size.
func ParseSigned(msg []byte, keys []Key) (Checkpoint, error) {
	size := int64(-1)
	if rows := strings.SplitN(string(msg), "\n", 3); len(rows) == 3 {
		if n, err := strconv.ParseInt(rows[1], 10, 64); err == nil {
			size = n
		}
	}
	return ParseCheckpoint(msg, keyAt(keys, size))
}

// addedKey reads a line that names a new key; ok is false for all others.
func addedKey(line []byte, index int64) (k Key, ok bool) {
	// A JSON string has no such octets: its quotation marks are escaped.
	if !bytes.Contains(line, []byte(`"type":"key.added"`)) {
		return k, false
	}
	e, err := Decode(line)
	f, ok := e.Fact.(KeyAdded)
	if err != nil || !ok {
		return k, false
	}
	_, _, err = parseVKey(f.VKey)
	return Key{f.VKey, index + 1}, err == nil
}

// ReadKeys lists the keys of the ledger in dir, which need not open, oldest first.
func ReadKeys(dir string) ([]Key, error) {
	f, err := os.Open(entriesPath(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var keys []Key
	r := newLines(f, 0, fi.Size())
	for index := int64(0); ; index++ {
		line, _, whole, err := r.next()
		if err == io.EOF || err == nil && !whole {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		if index == 0 {
			if e, err := Decode(line); err == nil {
				if first, ok := e.Fact.(VaultCreated); ok {
					keys = append(keys, Key{VKey: first.VKey})
				}
			}
		} else if k, ok := addedKey(line, index); ok {
			keys = append(keys, k)
		}
	}
}

// Keys lists the keys that signed, oldest first; the last one signs.
func (l *Ledger) Keys() []Key {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return append([]Key(nil), l.keys...)
}

// KeyChanges lists the changes of the signing key, oldest first.
func (l *Ledger) KeyChanges() ([]KeyChange, error) {
	keys := l.Keys()
	var out []KeyChange
	for i, k := range keys[min(1, len(keys)):] {
		c := KeyChange{Old: keys[i].VKey, New: k.VKey, Entry: k.From - 1}
		var err error
		c.Size = k.From + 1 // with the entry that retires the old key
		if c.Note, err = readOptional(keyChangePath(l.dir, c.Size)); err != nil {
			return nil, fmt.Errorf("reading the change to key %s: %w", keyID(k.VKey), err)
		}
		if c.Note == nil {
			return nil, fmt.Errorf("%w: the change to key %s has no signed state in %q", ErrAltered, keyID(k.VKey), filepath.Join(l.dir, "keys"))
		}
		if _, err := ParseCheckpoint(c.Note, c.New); err != nil {
			return nil, fmt.Errorf("%w: the change to key %s: %w", ErrAltered, keyID(k.VKey), err)
		}
		_, err = ParseCheckpoint(c.Note, c.Old)
		c.Vouched = err == nil
		out = append(out, c)
	}
	return out, nil
}

// ChangeKey has a new key sign from here on. The old key signs the ledger as it is;
// two entries then name the new key and retire the old one, and both keys sign the
// state with these entries in it: whoever trusts the old key can follow. Checkpoints,
// proofs and time stamps of before stay as they are, and are checked with the key of
// their time. A key that is missing can be changed too; then nobody vouches for the
// new one but the entries.
//
// With keep the old private key is kept in keys/ed25519.<id>: an export as of an
// earlier state is signed with it. Everything is durable on return; a crash in between
// leaves the old key in force, or the next Open goes on from where it ended.
func (l *Ledger) ChangeKey(keysDir, reason string, keep bool) (old, vkey string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fail := func(err error) (string, string, error) {
		return "", "", fmt.Errorf("changing the signing key: %w", err)
	}
	if l.failed != nil {
		return fail(fmt.Errorf("%w: %w", ErrFailed, l.failed))
	}
	if l.signer != nil {
		if _, err := l.checkpoint(); err != nil {
			return fail(err)
		}
	}
	key, err := l.newKey(nextKeyPath(keysDir))
	if err != nil {
		return fail(err)
	}
	old = l.vkey
	_, name, err := parseVKey(old)
	if err != nil {
		return fail(err)
	}
	if vkey, err = note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey)); err != nil {
		return fail(err)
	}
	_, oldPrint, err1 := SSHKey(old)
	_, newPrint, err2 := SSHKey(vkey)
	if err := errors.Join(err1, err2); err != nil {
		return fail(err)
	}
	first, err := l.append([]Fact{KeyAdded{VKey: vkey, Fingerprint: newPrint}, KeyRetired{VKey: old, Fingerprint: oldPrint, Reason: reason}})
	if err != nil {
		return fail(err)
	}
	was := l.key
	l.keys = append(l.keys, Key{vkey, first + 1})
	if err := l.settleKey(keysDir, was, key, keep); err != nil {
		l.failed = err
		return fail(err)
	}
	if _, err := l.checkpoint(); err != nil {
		return fail(err)
	}
	return old, vkey, nil
}

// newKey makes a signing key and writes it to path.
func (l *Ledger) newKey(path string) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(l.rand, seed); err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	return key, l.writeKey(path, key)
}

func (l *Ledger) writeKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return durable.WriteFileFS(l.fs, path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// settleKey does what follows once the entries of a change are durable. Each step may
// find the last run's.
func (l *Ledger) settleKey(keysDir string, was, key ed25519.PrivateKey, keep bool) error {
	k := l.keys[len(l.keys)-1]
	prior := l.keys[len(l.keys)-2].VKey
	signer, err := newSigner(key, k.VKey)
	if err != nil {
		return err
	}
	if l.edge.size == k.From { // a crash tore the second entry
		_, print, err := SSHKey(prior)
		if err != nil {
			return err
		}
		if _, err := l.append([]Fact{KeyRetired{VKey: prior, Fingerprint: print, Reason: "the change was broken off and went on"}}); err != nil {
			return err
		}
	}
	signers := []note.Signer{signer}
	if was != nil {
		before, err := newSigner(was, prior)
		if err != nil {
			return err
		}
		signers = []note.Signer{before, signer}
	}
	size := k.From + 1
	root, err := tlog.TreeHash(size, storedHashes{l.hashes})
	if err != nil {
		return err
	}
	msg, err := signCheckpoint(size, root, signers...)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Join(l.dir, "keys"), 0o700); err != nil {
		return err
	}
	if err := durable.WriteFileFS(l.fs, keyChangePath(l.dir, size), msg, 0o600); err != nil {
		return err
	}
	if was != nil && keep {
		if err := l.writeKey(retiredKeyPath(keysDir, prior), was); err != nil {
			return err
		}
	}
	if err := l.fs.Rename(nextKeyPath(keysDir), keyPath(keysDir)); err != nil {
		return err
	}
	if err := l.fs.SyncDir(keysDir); err != nil {
		return err
	}
	if err := durable.WriteFileFS(l.fs, vkeyPath(l.dir), []byte(k.VKey+"\n"), 0o644); err != nil {
		return err
	}
	l.vkey, l.signer, l.key = k.VKey, signer, key
	return nil
}

// takeKey finds the private key of l.vkey: keys/ed25519, or keys/ed25519.next when a
// change of keys was recorded and broken off. was is then the key before, if it is
// still there.
func (l *Ledger) takeKey(keysDir string, key ed25519.PrivateKey) (was, next ed25519.PrivateKey, err error) {
	if key != nil {
		if l.signer, err = newSigner(key, l.vkey); err == nil {
			l.key = key
			return nil, nil, nil
		}
	}
	if len(l.keys) > 1 {
		next, nerr := readKey(nextKeyPath(keysDir))
		if nerr != nil {
			return nil, nil, nerr
		}
		if next != nil {
			if _, nerr := newSigner(next, l.vkey); nerr == nil {
				return key, next, nil
			}
		}
	}
	if key != nil {
		return nil, nil, fmt.Errorf("%q: %w", keyPath(keysDir), err)
	}
	return nil, nil, nil
}
