package bundle

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor/anchortest"
)

// keyChanged is mail of a ledger whose key was changed twice, the second time after it was
// lost, with a time stamp from under the first key.
func keyChanged(t *testing.T) (Input, *anchortest.TSA) {
	t.Helper()
	tsa := anchortest.Start(t, "one")
	in := stampedMail(t, tsa, note{raw: booking, said: "Please book the flight for Tuesday."})
	dir := t.TempDir()
	clock := time.Date(2023, 3, 13, 7, 0, 0, 0, time.UTC)
	opts := ledger.Options{Origin: "desk.example/vault1", Rand: rand.NewChaCha8([32]byte{1}), Now: func() time.Time { clock = clock.Add(time.Second); return clock }}
	ld, kd := filepath.Join(dir, "ledger"), filepath.Join(dir, "keys")
	open := func() *ledger.Ledger {
		l, err := ledger.Open(ld, kd, opts)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	seal := &sealer{t: t, l: l}
	x := &in.Exhibits[0]
	_, size, err := x.Open()
	if err != nil {
		t.Fatal(err)
	}
	x.LedgerIndex = seal.seen(x.Ref, int(size), 1)
	in.Anchors, in.Stamp = nil, nil
	seal.tsa = tsa
	seal.anchor(&in)
	seal.tsa = nil
	if _, _, err := l.ChangeKey(kd, "yearly", true); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(kd, "ed25519")); err != nil {
		t.Fatal(err)
	}
	l = open()
	defer l.Close()
	seal.l = l
	if _, _, err := l.ChangeKey(kd, "lost", true); err != nil {
		t.Fatal(err)
	}
	seal.finish(&in)
	seal.tsa = tsa // for the bundle's own stamp
	changes, err := l.KeyChanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		b := KeyChange{VKey: c.Old, Size: c.Size, Note: c.Note}
		if b.Consistency, err = l.Consistency(c.Size); err != nil {
			t.Fatal(err)
		}
		for i, e := range []*Entry{&b.Added, &b.Retired} {
			if e.Line, err = l.Line(c.Entry + int64(i)); err == nil {
				e.Proof, err = l.Prove(c.Entry + int64(i))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		in.Changes = append(in.Changes, b)
	}
	return in, tsa
}

// A bundle carries all keys that its ledger was signed with, and stock tools can
// follow from one to the next.
func TestKeyChanges(t *testing.T) {
	in, tsa := keyChanged(t)
	b, sum := written(t, in)
	r := verified(t, b)
	if !r.OK || len(r.Keys) != 2 || !r.Keys[0].Vouched || r.Keys[1].Vouched || r.Anchors != (Count{1, 1}) {
		t.Fatalf("%+v\n%s", r, strings.Join(r.Lines(), "\n"))
	}
	root, verify := unpacked(t, in)
	if strings.Count(verify, "Until the record had") != 2 || strings.Count(verify, "It was lost and signed no change") != 1 {
		t.Error(verify)
	}
	if err := run(t, root, "ROOT="+tsa.RootFile+"\n"+stock(t, verify)); err != nil {
		t.Error(err)
	}
	good := unzip(t, b)
	for i, f := range good {
		name := strings.TrimPrefix(f.name, sum.Root+"/")
		if !strings.HasPrefix(name, "proof/keys/") && !strings.HasPrefix(name, "seal/log-") {
			continue
		}
		bad := slices.Clone(good)
		bad[i].data = bytes.Clone(f.data)
		bad[i].data[len(f.data)/2] ^= 1
		if r := verified(t, rezip(t, bad)); r.OK {
			t.Errorf("%s flipped, and Verify is content", name)
		}
		if r := verified(t, rezip(t, slices.Delete(slices.Clone(good), i, i+1))); r.OK {
			t.Errorf("%s removed, and Verify is content", name)
		}
	}
	for what, change := range map[string]func(*Input){
		"another order":        func(in *Input) { slices.Reverse(in.Changes) },
		"one is missing":       func(in *Input) { in.Changes = in.Changes[:1] },
		"another note":         func(in *Input) { in.Changes[0].Note = in.Changes[1].Note },
		"another entry":        func(in *Input) { in.Changes[0].Added = in.Changes[0].Retired },
		"entries of the other": func(in *Input) { in.Changes[0].Retired = in.Changes[1].Retired },
	} {
		in := in
		in.Changes = slices.Clone(in.Changes)
		change(&in)
		if _, err := Write(io.Discard, in); !errors.Is(err, ErrUnsound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
