package ledger

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"inwriting/indexer/durable"
)

// Anchored is a checkpoint that an authority put a time on, as it is kept. What the
// token says is for package anchor to read.
type Anchored struct {
	Size       int64
	Authority  string
	Checkpoint []byte // the stamped file
	Token      []byte // RFC 3161 TimeStampResp, DER
	Chain      []byte // PEM: the authority's certificate first, its root last
}

func checkpointsDir(dir string) string { return filepath.Join(dir, "checkpoints") }
func anchorsDir(dir string) string     { return filepath.Join(dir, "anchors") }

// AuthorityName reports whether s can be an authority's name: it is part of file
// names, in the vault and in bundles.
func AuthorityName(s string) bool {
	if s == "" || len(s) > 40 || s[0] == '-' {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// KeepAnchor keeps a token with the checkpoint that it stamps; both are durable on
// return. The caller has checked the token, and appends the Anchor entry next.
func (l *Ledger) KeepAnchor(a Anchored) error {
	fail := func(err error) error { return fmt.Errorf("keeping the time stamp of %q: %w", a.Authority, err) }
	if !AuthorityName(a.Authority) {
		return fail(errors.New("the name holds other characters than a-z, 0-9 and -"))
	}
	for _, d := range []string{checkpointsDir(l.dir), anchorsDir(l.dir)} {
		if err := durable.MkdirAll(d, 0o700); err != nil {
			return fail(err)
		}
	}
	base := filepath.Join(anchorsDir(l.dir), fmt.Sprintf("%d.%s", a.Size, a.Authority))
	for _, f := range []struct {
		path string
		b    []byte
	}{
		{filepath.Join(checkpointsDir(l.dir), strconv.FormatInt(a.Size, 10)), a.Checkpoint},
		{base + ".pem", a.Chain},
		{base + ".tsr", a.Token}, // last: where it is, the others are
	} {
		if err := durable.WriteFileFS(l.fs, f.path, f.b, 0o600); err != nil {
			return fail(err)
		}
	}
	return nil
}

// Anchors returns what KeepAnchor kept, by size and name.
func (l *Ledger) Anchors() ([]Anchored, error) { return ReadAnchors(l.dir) }

// ReadAnchors is Anchors for the ledger in dir, which need not open.
func ReadAnchors(dir string) ([]Anchored, error) {
	des, err := os.ReadDir(anchorsDir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing time stamps: %w", err)
	}
	var out []Anchored
	for _, de := range des {
		base, ok := strings.CutSuffix(de.Name(), ".tsr")
		digits, name, dot := strings.Cut(base, ".")
		size, err := strconv.ParseInt(digits, 10, 64)
		if !ok || !dot || err != nil || !AuthorityName(name) {
			continue
		}
		a := Anchored{Size: size, Authority: name}
		if a.Token, err = os.ReadFile(filepath.Join(anchorsDir(dir), de.Name())); err == nil {
			if a.Chain, err = os.ReadFile(filepath.Join(anchorsDir(dir), base+".pem")); err == nil {
				a.Checkpoint, err = os.ReadFile(filepath.Join(checkpointsDir(dir), digits))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("reading the time stamp of %d entries by %q: %w", size, name, err)
		}
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Size != out[j].Size {
			return out[i].Size < out[j].Size
		}
		return out[i].Authority < out[j].Authority
	})
	return out, nil
}

// Signer returns the vault's Ed25519 key, for seals that others check with stock
// tools, or ErrNoKey.
func (l *Ledger) Signer() (crypto.Signer, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.key == nil {
		return nil, fmt.Errorf("%w; restore keys/ed25519 from a backup", ErrNoKey)
	}
	return l.key, nil
}

// sshWire is the public key as RFC 8709 section 4 writes it.
func sshWire(pub ed25519.PublicKey) []byte {
	const kind = "ssh-ed25519"
	b := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
	b = append(b, kind...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(pub)))
	return append(b, pub...)
}

// SSHKey returns the key of a C2SP verifier key as a line of authorized_keys,
// without a comment, and its fingerprint as ssh-keygen -l prints it.
func SSHKey(vkey string) (line, fingerprint string, err error) {
	pub, _, err := parseVKey(strings.TrimSpace(vkey))
	if err != nil {
		return "", "", err
	}
	wire := sshWire(pub)
	sum := sha256.Sum256(wire)
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(wire), "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}
