package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
)

// ErrNotAFile means that an exhibit is to be taken from something else than a
// file.
var ErrNotAFile = errors.New("not a file")

// AddExhibit takes a file from outside the mail into the archive and names it in
// the ledger, both durable on return. x names the matter; what is known of the
// file is filled in. Exhibits are never read as mail and never counted as such,
// unless the same octets are collected from a mailbox as well.
func (v *Vault) AddExhibit(ctx context.Context, path string, x ledger.MatterExhibit) (ledger.MatterExhibit, error) {
	f, err := os.Open(path)
	if err != nil {
		return x, fmt.Errorf("taking in an exhibit: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return x, fmt.Errorf("taking in an exhibit: %w", err)
	} else if !st.Mode().IsRegular() {
		return x, fmt.Errorf("taking in an exhibit: %q: %w", path, ErrNotAFile)
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return x, fmt.Errorf("taking in an exhibit: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return x, fmt.Errorf("taking in an exhibit: %w", err)
	}
	c, err := v.join()
	if err != nil {
		return x, err
	}
	blob, err := v.stage.Read(contextReader{ctx, f})
	if err == nil {
		x.Blob, x.Size = blob.Ref().Hex(), blob.Size()
		x.Name, x.Media = filepath.Base(path), http.DetectContentType(head[:n])
		err = c.add(blob, x)
	}
	if err = errors.Join(err, v.leave(c)); err != nil {
		return x, fmt.Errorf("taking in exhibit %q: %w", path, err)
	}
	return x, v.Sign()
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// Correct records how a person reads a statement. The message is read again with
// the next Read, so that the index finds it under the kind in force.
func (v *Vault) Correct(fact ledger.Correction) error {
	c, err := v.join()
	if err != nil {
		return err
	}
	// A message that is just being read again must not lose its mark.
	v.derive.Lock()
	err = errors.Join(c.add(nil, fact), c.flush())
	v.derive.Unlock()
	if err = errors.Join(err, v.leave(c)); err != nil {
		return fmt.Errorf("correcting %s: %w", fact.Statement, err)
	}
	return v.Sign()
}

// Decide records a decision about a matter, durable and signed on return.
func (v *Vault) Decide(fact ledger.Fact) error {
	if err := v.Note(fact); err != nil {
		return err
	}
	return v.Sign()
}

// Sign signs the ledger as it stands.
func (v *Vault) Sign() error {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.ledger == nil {
		return errClosed
	}
	_, err := v.ledger.Checkpoint()
	return err
}

// corrected are the kinds in force of corrected statements, by id.
func (v *Vault) corrected() (map[string]statement.Kind, error) {
	list, err := v.catalog.Corrections()
	if len(list) == 0 || err != nil {
		return nil, err
	}
	kinds := make(map[string]statement.Kind, len(list))
	for id, k := range list {
		kinds[id] = k.Kind
	}
	return kinds, nil
}

// exhibitOf returns the ref that an entry says an exhibit, a permission, or the
// original of a conversion has.
func exhibitOf(f ledger.Fact) (archive.Ref, bool) {
	hash := ""
	switch x := f.(type) {
	case ledger.MatterExhibit:
		hash = x.Blob
	case ledger.AccountRole:
		hash = x.Authority
	case ledger.Converted:
		if x.Kept {
			hash = x.Original
		}
	}
	if hash == "" {
		return archive.Ref{}, false
	}
	ref, err := archive.ParseRef(hash)
	return ref, err == nil
}
