package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"inwriting/indexer/ledger"
)

// A ledger may have changed its signing key. A bundle then carries every key that
// signed, and ties each to the next: two entries of the ledger name the new key and
// retire the old one, and both keys signed the state with these entries in it.

// KeyChange is a change of the ledger's signing key.
type KeyChange struct {
	VKey        string // that signed until then
	Size        int64  // entries that Note commits to
	Note        []byte // signed by this key, unless it was lost, and by the next
	Consistency []byte // that the bundle's checkpoint extends Note; C2SP add-checkpoint body
	Added       Entry  // the entry that names the next key
	Retired     Entry  // the entry that retires this one
}

// Entry is a ledger entry with the proof that it is under the bundle's checkpoint.
type Entry struct{ Line, Proof []byte }

// nextKey is the key after change i.
func (b *bag) nextKey(i int) string {
	if i+1 < len(b.in.Changes) {
		return b.in.Changes[i+1].VKey
	}
	return b.in.VKey
}

// checkChanges sees to it that the keys hang together.
func (b *bag) checkChanges() error {
	for i, c := range b.in.Changes {
		if _, err := checkChange(c, b.nextKey(i), b.in.VKey, b.cp); err != nil {
			return unsound("change %d of the key: %v", i+1, err)
		}
	}
	return nil
}

// checkChange checks one change of the key in a bundle whose checkpoint key signed.
// It returns the index of the entry that names the next key.
func checkChange(c KeyChange, next, key string, cp ledger.Checkpoint) (added int64, err error) {
	old, err := ledger.ParseCheckpoint(c.Note, next)
	if err != nil {
		return 0, err
	}
	now, err := ledger.VerifyConsistency(c.Consistency, old, key)
	if err == nil && !bytes.Equal(now.Note, cp.Note) {
		err = errors.New("it ends in another checkpoint")
	}
	if err != nil {
		return 0, err
	}
	read := func(e Entry) (fact ledger.Fact, index int64, err error) {
		p, err := ledger.VerifyProof(e.Proof, e.Line, key)
		if err == nil && !bytes.Equal(p.Checkpoint.Note, cp.Note) {
			err = errors.New("its proof ends in another checkpoint")
		}
		if err != nil {
			return nil, 0, err
		}
		d, err := ledger.Decode(e.Line)
		return d.Fact, p.Index, err
	}
	fact, added, err := read(c.Added)
	if err != nil {
		return 0, err
	}
	if f, ok := fact.(ledger.KeyAdded); !ok || f.VKey != next {
		return 0, errors.New("its entry does not name the next key")
	}
	fact, retired, err := read(c.Retired)
	if err != nil {
		return 0, err
	}
	if f, ok := fact.(ledger.KeyRetired); !ok || f.VKey != c.VKey || retired != added+1 || retired >= old.Size {
		return 0, errors.New("its entry does not retire this key")
	}
	return added, nil
}

// vouched tells whether the old key signed the state that names the next one.
func vouched(c KeyChange) bool {
	_, err := ledger.ParseCheckpoint(c.Note, c.VKey)
	return err == nil
}

func (b *bag) keyChanges() error {
	for i, c := range b.in.Changes {
		pem, err := ledger.PublicKeyPEM(c.VKey)
		if err != nil {
			return err
		}
		seal, base := fmt.Sprintf("seal/log-%d", i+1), fmt.Sprintf("proof/keys/%d", i+1)
		for _, f := range []struct {
			path string
			data []byte
		}{
			{seal + ".vkey", []byte(c.VKey + "\n")}, {seal + ".pub.pem", pem},
			{base + ".checkpoint", c.Note}, {base + ".consistency", c.Consistency},
			{base + "-added.entry", c.Added.Line}, {base + "-added.tlog-proof", c.Added.Proof},
			{base + "-retired.entry", c.Retired.Line}, {base + "-retired.tlog-proof", c.Retired.Proof},
		} {
			if err := b.add(f.path, f.data); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeWords is a change as VERIFY.txt tells it.
type changeWords struct {
	N       int
	Size    int64
	VKey    string
	Vouched bool
}

func (b *bag) changeWords() []changeWords {
	var out []changeWords
	for i, c := range b.in.Changes {
		out = append(out, changeWords{i + 1, c.Size, c.VKey, vouched(c)})
	}
	return out
}

// changes checks the changes of the key, and returns all keys.
func (v *verifier) changes(cp ledger.Checkpoint) []ledger.Key {
	var list []KeyChange
	for i := 1; v.files[fmt.Sprintf("seal/log-%d.vkey", i)] != nil; i++ {
		base := fmt.Sprintf("proof/keys/%d", i)
		list = append(list, KeyChange{VKey: strings.TrimSpace(string(v.read(fmt.Sprintf("seal/log-%d.vkey", i)))), Note: v.read(base + ".checkpoint"), Consistency: v.read(base + ".consistency"),
			Added:   Entry{v.read(base + "-added.entry"), v.read(base + "-added.tlog-proof")},
			Retired: Entry{v.read(base + "-retired.entry"), v.read(base + "-retired.tlog-proof")}})
	}
	var keys []ledger.Key
	from := int64(0)
	for i, c := range list {
		next := v.report.Key
		if i+1 < len(list) {
			next = list[i+1].VKey
		}
		file := fmt.Sprintf("seal/log-%d.pub.pem", i+1)
		if pem, err := ledger.PublicKeyPEM(c.VKey); err != nil || !bytes.Equal(pem, v.read(file)) {
			v.problem("checkpoint", file, "it is not the key in seal/log-%d.vkey", i+1)
		}
		keys = append(keys, ledger.Key{VKey: c.VKey, From: from})
		added, err := checkChange(c, next, v.report.Key, cp)
		if err != nil {
			v.problem("proof", fmt.Sprintf("proof/keys/%d.checkpoint", i+1), "the change of the key does not hold: %v", err)
			continue
		}
		from = added + 1
		v.report.Keys = append(v.report.Keys, OldKey{Key: c.VKey, Vouched: vouched(c)})
	}
	return append(keys, ledger.Key{VKey: v.report.Key, From: from})
}

// OldKey is a key that signed the ledger before the one that signs it now.
type OldKey struct {
	Key     string `json:"key"`
	Vouched bool   `json:"vouched"` // it signed the state that names the next key
}

func (k OldKey) line() string {
	s := "the key " + keyID(k.Key) + " signed before"
	if k.Vouched {
		return "keys      " + s + ", and signed the change to the next"
	}
	return "keys      " + s + "; it was lost and did not sign the change: only the record names the next key"
}
