package ledger

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Consistency returns the text of a C2SP tlog-witness add-checkpoint request: the
// tree of the last signed checkpoint, which the text contains, grew out of the
// tree of its first old entries by appending only.
func (l *Ledger) Consistency(old int64) ([]byte, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.hashes == nil {
		return nil, fmt.Errorf("proving growth from %d entries: %w", old, fs.ErrClosed)
	}
	if old < 1 || old > l.signed.Size {
		return nil, fmt.Errorf("proving growth from %d entries: the last checkpoint commits to %d entries", old, l.signed.Size)
	}
	p, err := tlog.ProveTree(l.signed.Size, old, storedHashes{l.hashes})
	if err == nil {
		// A proof is given to others: it is checked here first.
		var was, is tlog.Hash
		if was, err = tlog.TreeHash(old, storedHashes{l.hashes}); err == nil {
			if is, err = parseHash(l.signed.Root); err == nil {
				if err = tlog.CheckTree(p, l.signed.Size, is, old, was); err != nil {
					err = fmt.Errorf("%w: %w", ErrAltered, err)
				}
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("proving growth from %d entries: %w", old, err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range p {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(l.signed.Note)
	return b.Bytes(), nil
}

// VerifyConsistency checks offline that the checkpoint in proof, which is a text
// as Consistency writes it, continues the tree of old. It returns that checkpoint.
// Where it does not hold, the error is an ErrProof.
func VerifyConsistency(proof []byte, old Checkpoint, vkey string) (Checkpoint, error) {
	fail := func(format string, args ...any) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("consistency proof %w: %w", ErrProof, fmt.Errorf(format, args...))
	}
	head, cp, ok := bytes.Cut(proof, []byte("\n\n"))
	if !ok {
		return fail("it has no checkpoint")
	}
	rows := strings.Split(string(head), "\n")
	size, ok := proofNumber(rows[0], "old ")
	if !ok {
		return fail("first line %q", rows[0])
	}
	if size != old.Size {
		return fail("it starts at %d entries, the checkpoint has %d", size, old.Size)
	}
	p, err := proofHashes(rows[1:], 64)
	if err != nil {
		return fail("%w", err)
	}
	c, err := ParseCheckpoint(cp, vkey)
	if err != nil {
		return Checkpoint{}, err
	}
	was, err := parseHash(old.Root)
	if err != nil {
		return fail("%w", err)
	}
	is, err := parseHash(c.Root)
	if err != nil {
		return fail("%w", err)
	}
	if size < 1 || size > c.Size {
		return fail("from %d to %d entries", size, c.Size)
	}
	if err := tlog.CheckTree(tlog.TreeProof(p), c.Size, is, size, was); err != nil {
		return fail("%w", err)
	}
	return c, nil
}

// RootAt returns the root, in base64, of the tree of the first size entries: what a
// checkpoint of that size must say.
func (l *Ledger) RootAt(size int64) (string, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.hashes == nil {
		return "", fs.ErrClosed
	}
	if size < 1 || size > l.edge.size {
		return "", fmt.Errorf("the ledger has %d entries, not %d", l.edge.size, size)
	}
	h, err := tlog.TreeHash(size, storedHashes{l.hashes})
	return h.String(), err
}
