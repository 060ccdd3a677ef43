package bundle

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
	"inwriting/indexer/ledger/anchor/anchortest"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// sealer is a ledger that is always the same.
type sealer struct {
	t   testing.TB
	l   *ledger.Ledger
	tsa *anchortest.TSA // stamps the ledger before the last checkpoint; nil for nobody
}

func testLedger(t testing.TB) (*ledger.Ledger, *sealer) {
	t.Helper()
	dir := t.TempDir()
	clock := time.Date(2023, 3, 13, 7, 0, 0, 0, time.UTC)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{
		Origin: "desk.example/vault1", Rand: rand.NewChaCha8([32]byte{1}), Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	if err != nil {
		t.Fatal(err)
	}
	return l, &sealer{t: t, l: l}
}

// seen records a message.
func (s *sealer) seen(ref archive.Ref, size, uid int) int64 {
	at, err := s.l.Append([]ledger.Fact{ledger.MsgSeen{Blob: ref.Hex(), Size: int64(size), Mailbox: 1, UIDValidity: 7, UID: uint32(uid), InternalDate: "2023-03-02T09:12:30Z"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// finish signs the ledger and gives in what proves its exhibits.
func (s *sealer) finish(in *Input) {
	if s.tsa != nil {
		s.anchor(in)
	}
	cp, err := s.l.Checkpoint()
	if err != nil {
		s.t.Fatal(err)
	}
	in.Trail.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
	for i := range in.Anchors {
		if in.Anchors[i].Consistency, err = s.l.Consistency(in.Anchors[i].Size); err != nil {
			s.t.Fatal(err)
		}
	}
	in.Checkpoint, in.VKey, in.PublicKeyPEM = cp.Note, s.l.VKey(), s.l.PublicKeyPEM()
	if in.Signer, err = s.l.Signer(); err != nil {
		s.t.Fatal(err)
	}
	for i := range in.Exhibits {
		x := &in.Exhibits[i]
		if x.Line, err = s.l.Line(x.LedgerIndex); err != nil {
			s.t.Fatal(err)
		}
		if x.Proof, err = s.l.Prove(x.LedgerIndex); err != nil {
			s.t.Fatal(err)
		}
	}
}

// anchor has the ledger as it is stamped, and the bundle too.
func (s *sealer) anchor(in *Input) {
	stamp := func(data []byte) *anchor.Stamp {
		t, err := anchor.Authority{Name: "one", URL: s.tsa.URL, Roots: s.tsa.Roots}.Stamp(context.Background(), nil, data)
		if err != nil {
			s.t.Fatal(err)
		}
		return t
	}
	cp, err := s.l.Checkpoint()
	if err != nil {
		s.t.Fatal(err)
	}
	t := stamp(cp.Note)
	if _, err := s.l.Append([]ledger.Fact{ledger.Anchor{Authority: "one", Size: cp.Size}}); err != nil {
		s.t.Fatal(err)
	}
	in.Anchors = []Anchor{{Size: cp.Size, Authority: "one", Checkpoint: cp.Note, Token: t.Response, Chain: t.PEM(), GenTime: t.Time}}
	in.Stamp = func(tags []byte) ([]Token, error) { return []Token{{Authority: "one", TSR: stamp(tags).Response}}, nil }
}

func kindOf(s string) statement.Kind { return statement.Kind(s) }

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// tableOf reads a table by the names of its columns.
func tableOf(t testing.TB, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, k := range all[0] {
			row[k] = uncell(rec[i])
		}
		out = append(out, row)
	}
	return out
}
