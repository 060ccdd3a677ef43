package indexer

import (
	"fmt"
	"path/filepath"
)

// ChangeKey has a new key sign from here on: see ledger.Ledger.ChangeKey. The catalog
// has recorded the entries on return.
func (v *Vault) ChangeKey(reason string, keep bool) (old, vkey string, err error) {
	defer v.alone()()
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return "", "", errClosed
	}
	if old, vkey, err = v.ledger.ChangeKey(filepath.Join(v.dir, "keys"), reason, keep); err != nil {
		return "", "", err
	}
	if err := v.record(nil, v.archive.End()); err != nil {
		return "", "", fmt.Errorf("recording the change of the signing key: %w", err)
	}
	return old, vkey, nil
}
