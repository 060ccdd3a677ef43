package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Ref is the content address of a message: the SHA-256 of its octets. It is
// the only thing that identifies a message; a Message-ID never does.
type Ref [sha256.Size]byte

const refPrefix = "sha256-"

// String returns the form used everywhere a person or a program sees a ref:
// "sha256-" and 64 lower-case hexadecimal digits.
func (r Ref) String() string { return refPrefix + r.Hex() }

// Hex returns the 64 digits alone, as sha256sum(1) prints them.
func (r Ref) Hex() string { return hex.EncodeToString(r[:]) }

// IsZero reports whether r is the zero Ref, which names no message.
func (r Ref) IsZero() bool { return r == Ref{} }

// ParseRef reads a full ref, with or without its prefix.
func ParseRef(s string) (Ref, error) {
	var r Ref
	h := strings.TrimPrefix(s, refPrefix)
	if len(h) != 2*len(r) {
		return Ref{}, fmt.Errorf("parsing ref %q: want %d hexadecimal digits, got %d characters", s, 2*len(r), len(h))
	}
	if _, err := hex.Decode(r[:], []byte(h)); err != nil {
		return Ref{}, fmt.Errorf("parsing ref %q: %w", s, err)
	}
	return r, nil
}

// MarshalText implements encoding.TextMarshaler.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Ref) UnmarshalText(b []byte) error {
	p, err := ParseRef(string(b))
	if err == nil {
		*r = p
	}
	return err
}
