package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed state of the ledger.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   string // base64, as in the note
	// Time is that of the newest entry the checkpoint commits to. A C2SP
	// checkpoint has no time of its own; this one is sealed with the entries.
	// ParseCheckpoint leaves it zero.
	Time time.Time
	Note []byte // the C2SP tlog-checkpoint, with its signature
}

// ErrProof: a proof, a checkpoint or a signature does not hold.
var ErrProof = errors.New("does not verify")

// ParseCheckpoint opens a signed checkpoint with a C2SP verifier key.
func ParseCheckpoint(msg []byte, vkey string) (Checkpoint, error) {
	v, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint key %q: %w", vkey, err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: %w", ErrProof, err)
	}
	c := Checkpoint{Note: bytes.Clone(msg)}
	// C2SP tlog-checkpoint: origin, size, root; this log writes no extension lines.
	parts := strings.Split(n.Text, "\n")
	if len(parts) != 4 || parts[3] != "" {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: want 3 lines", ErrProof)
	}
	c.Origin, c.Root = parts[0], parts[2]
	c.Size, err = strconv.ParseInt(parts[1], 10, 64)
	if err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != parts[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: size %q", ErrProof, parts[1])
	}
	if _, err := parseHash(c.Root); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: root %q", ErrProof, c.Root)
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: origin %q, key of %q", ErrProof, c.Origin, v.Name())
	}
	return c, nil
}

func parseHash(s string) (tlog.Hash, error) {
	var h tlog.Hash
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(h) || strings.ContainsAny(s, "\r\n") {
		return h, fmt.Errorf("hash %q is not 32 octets in base64", s)
	}
	copy(h[:], b)
	return h, nil
}

func signCheckpoint(size int64, root tlog.Hash, by ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", by[0].Name(), size, root)}, by...)
}

const proofHeader = "c2sp.org/tlog-proof@v1"

func formatProof(index int64, p tlog.RecordProof, checkpoint []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, index)
	for _, h := range p {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(checkpoint)
	return b.Bytes()
}

// Proof is what a verified proof says.
type Proof struct {
	Index      int64
	Checkpoint Checkpoint
}

// VerifyProof checks offline that line (without its line feed) is an entry of the
// ledger that vkey signs for: proof is C2SP tlog-proof@v1 text, which holds the
// signed checkpoint. Where it does not hold, the error is an ErrProof.
func VerifyProof(proof, line []byte, vkey string) (Proof, error) {
	fail := func(format string, args ...any) (Proof, error) {
		return Proof{}, fmt.Errorf("proof %w: %w", ErrProof, fmt.Errorf(format, args...))
	}
	head, cp, ok := bytes.Cut(proof, []byte("\n\n"))
	if !ok {
		return fail("it has no checkpoint")
	}
	rows := strings.Split(string(head), "\n")
	if rows[0] != proofHeader {
		return fail("it does not start with %q", proofHeader)
	}
	rows = rows[1:]
	if len(rows) > 0 && strings.HasPrefix(rows[0], "extra ") {
		rows = rows[1:]
	}
	if len(rows) == 0 {
		return fail("it has no index")
	}
	index, ok := proofNumber(rows[0], "index ")
	if !ok {
		return fail("index line %q", rows[0])
	}
	p, err := proofHashes(rows[1:], 63)
	if err != nil {
		return fail("%w", err)
	}
	c, err := ParseCheckpoint(cp, vkey)
	if err != nil {
		return Proof{}, err
	}
	root, err := parseHash(c.Root)
	if err != nil {
		return fail("%w", err)
	}
	if index < 0 || index >= c.Size {
		return fail("index %d of %d entries", index, c.Size)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p), c.Size, root, index, tlog.RecordHash(line)); err != nil {
		return fail("entry %d: %w", index, err)
	}
	return Proof{index, c}, nil
}

// proofNumber reads a row of a proof that is a name and a number.
func proofNumber(row, name string) (n int64, ok bool) {
	digits, ok := strings.CutPrefix(row, name)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && strconv.FormatInt(n, 10) == digits
}

// proofHashes reads the rows of a proof that are hashes, as many as its tree can need.
func proofHashes(rows []string, most int) ([]tlog.Hash, error) {
	if len(rows) > most {
		return nil, fmt.Errorf("%d hashes are more than any tree needs", len(rows))
	}
	var p []tlog.Hash
	for _, r := range rows {
		h, err := parseHash(r)
		if err != nil {
			return nil, err
		}
		p = append(p, h)
	}
	return p, nil
}

// PublicKeyPEM returns the Ed25519 key of a C2SP verifier key as openssl reads it.
func PublicKeyPEM(vkey string) ([]byte, error) {
	pub, _, err := parseVKey(vkey)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func parseVKey(vkey string) (pub ed25519.PublicKey, name string, err error) {
	if _, err := note.NewVerifier(vkey); err != nil {
		return nil, "", fmt.Errorf("verifier key %q: %w", vkey, err)
	}
	parts := strings.SplitN(vkey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 1 {
		return nil, "", fmt.Errorf("verifier key %q: not an Ed25519 key", vkey)
	}
	return ed25519.PublicKey(key[1:]), parts[0], nil
}

// newSigner joins a private key with the name and key id of vkey.
func newSigner(key ed25519.PrivateKey, vkey string) (note.Signer, error) {
	pub, name, err := parseVKey(vkey)
	if err != nil {
		return nil, err
	}
	if !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("the signing key is not the one that verifier key %q belongs to", vkey)
	}
	id := strings.SplitN(vkey, "+", 3)[1]
	secret := append([]byte{1}, key.Seed()...)
	return note.NewSigner("PRIVATE+KEY+" + name + "+" + id + "+" + base64.StdEncoding.EncodeToString(secret))
}
