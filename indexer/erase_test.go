package indexer

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/durable"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
)

// Check 15 in notes/evidence.md, section 12: blob and preimage are gone, all other
// proofs still hold.

const secretWord = "Zanzibar"

// secretVault imports 30 messages and one that is to go, and returns its ref and a
// proof of every entry.
func secretVault(t *testing.T, dir string) (v *Vault, ref archive.Ref, proofs map[int64][2][]byte) {
	t.Helper()
	mail := mailDir(t, 30)
	raw := "From: Martin Hale <martin@halearchitects.example>\r\nTo: nora@deskandco.example\r\nSubject: Trip to " + secretWord + "\r\nDate: Thu, 2 Mar 2023 09:12:00 +0000\r\nMessage-ID: <secret@halearchitects.example>\r\n\r\nPlease book me a flight to " + secretWord + " on Tuesday 14 March.\r\n"
	if err := os.WriteFile(filepath.Join(mail, "0015-secret.eml"), []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	v = openVault(t, dir)
	importAndRead(t, v, mail)
	st := (*archive.Stage)(nil).Bytes([]byte(raw))
	ref = st.Ref()
	var id string
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		m, err := c.Message(ref)
		if err == nil && len(m.Doc.Statements) > 0 {
			id = m.Doc.Statements[0].ID
		}
		return err
	})
	if err != nil || id == "" {
		t.Fatalf("statement %q, %v", id, err)
	}
	for _, f := range []ledger.Fact{
		ledger.MatterOpened{Matter: "trip", Title: "Trip", Question: "what?"},
		ledger.MatterItem{Matter: "trip", Item: id, Decision: catalog.Pinned},
		ledger.AuthResult{Blob: ref.Hex(), State: "not checked", Why: "it carries no signature"},
		ledger.Export{TagManifest: strings.Repeat("ab", 32)},
	} {
		if err := v.Decide(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Correct(ledger.Correction{Statement: id, Blob: ref.Hex(), Was: string(statement.Instruction), Kind: string(statement.Question)}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"archive/torn-000001-7", "ledger/torn-9"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return v, ref, proveAll(t, v)
}

func proveAll(t *testing.T, v *Vault) map[int64][2][]byte {
	t.Helper()
	proofs := map[int64][2][]byte{}
	err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		for i := range l.Size() {
			line, err := l.Line(i)
			if err != nil {
				return err
			}
			p, err := l.Prove(i)
			if err != nil {
				return err
			}
			proofs[i] = [2][]byte{line, p}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return proofs
}

// traces looks for a message in every file of a vault, through their compression.
func traces(t *testing.T, dir string, words ...string) (found []string) {
	t.Helper()
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	look := func(name string, b []byte) {
		for _, w := range words {
			if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(w))) {
				found = append(found, name+": "+w)
			}
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		look(path, b)
		if strings.HasSuffix(path, ".tar.zst") {
			if b, err = dec.DecodeAll(b, nil); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			look(path+" unpacked", b)
		}
		// Readings are zstd frames inside the catalog's pages.
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte{0x28, 0xB5, 0x2F, 0xFD})
			if i < 0 {
				return nil
			}
			at += i + 1
			if out, _ := dec.DecodeAll(b[at-1:], nil); len(out) > 0 {
				look(path+" a frame in it", out)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func checkErased(t *testing.T, v *Vault, dir string, ref archive.Ref, proofs map[int64][2][]byte, lines int) {
	t.Helper()
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if found := traces(t, dir, ref.Hex(), secretWord); len(found) > 0 {
		t.Errorf("left of it: %v", found)
	}
	gone := 0
	err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, ix *textindex.Index) error {
		for i, p := range proofs {
			if _, err := ledger.VerifyProof(p[1], p[0], l.VKey()); err != nil {
				t.Errorf("the old proof of entry %d: %v", i, err)
			}
			if _, err := l.Prove(i); errors.Is(err, ledger.ErrErased) {
				gone++
			} else if err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		if _, err := c.Blob(ref); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("the catalog still has it: %v", err)
		}
		n, err := ix.Count()
		if n != 30 {
			t.Errorf("the index has %d messages", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if gone != lines {
		t.Errorf("%d lines are gone, want %d", gone, lines)
	}
	r, err := v.Verify(context.Background())
	if err != nil || !r.OK || r.Messages != 30 || r.Intact != 30 || len(r.Erased) != 1 || r.Erased[0].Reason != "asked to" || len(r.Erased[0].Lines) != lines {
		t.Errorf("verify: %+v, %v", r, err)
	}
}

// What names the message: msg.seen, matter.item, auth.result and correction.
const secretLines = 4

func TestCheck15Erase(t *testing.T) {
	dir := t.TempDir()
	v, ref, proofs := secretVault(t, dir)
	if found := traces(t, dir, ref.Hex(), secretWord); len(found) < 5 {
		t.Fatalf("the test does not see what is there: %v", found)
	}
	req := EraseRequest{Refs: []archive.Ref{ref}, Reason: "asked to", By: "nora"}
	req.DryRun = true
	r, err := v.Erase(context.Background(), req)
	if err != nil || len(r.Messages) != 1 || !slices.Equal(r.Messages[0].Held, []string{"matter trip"}) || r.Messages[0].Lines != secretLines || len(r.Bundles) != 1 {
		t.Fatalf("dry run: %+v, %v", r, err)
	}
	req.DryRun = false
	if _, err := v.Erase(context.Background(), req); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "matter trip") {
		t.Fatalf("held: %v", err)
	}
	if rep, err := v.Verify(context.Background()); err != nil || !rep.OK || rep.Messages != 31 {
		t.Fatalf("after nothing was erased: %+v, %v", rep, err)
	}
	req.Force = true
	if r, err = v.Erase(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if len(r.Removed) != 2 || r.Messages[0].Subject != "Trip to "+secretWord {
		t.Errorf("%+v", r)
	}
	checkErased(t, v, dir, ref, proofs, secretLines)

	// Whoever has the nonce can show what it was; nobody else.
	nonce, err := hex.DecodeString(r.Messages[0].Nonce)
	if err != nil || Commitment(nonce, ref) != r.Messages[0].Commitment {
		t.Errorf("commitment %v", err)
	}
	if x := entriesOf[ledger.Erase](t, v); len(x) != 1 || x[0].Commitment != r.Messages[0].Commitment {
		t.Errorf("erase entries %v", x)
	}
	if found := traces(t, dir, r.Messages[0].Nonce); len(found) > 0 {
		t.Errorf("the nonce is kept: %v", found)
	}
	if _, err := v.Erase(context.Background(), req); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
	if err := v.RebuildCatalog(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	checkErased(t, v, dir, ref, proofs, secretLines)
	// New mail comes as before.
	importAndRead(t, v, mailDir(t, 33))
	if rep, err := v.Verify(context.Background()); err != nil || !rep.OK || rep.Messages != 33 {
		t.Errorf("after more mail: %+v, %v", rep, err)
	}
}

// A crash after any step is made good by the next start, also with a catalog that
// is made anew.
func TestCheck15EraseInterrupted(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for steps := range 10 {
			t.Run(fmt.Sprintf("%d steps, fresh catalog %v", steps, fresh), func(t *testing.T) {
				dir := t.TempDir()
				v, ref, proofs := secretVault(t, dir)
				r := &EraseReport{}
				job, err := v.planErase(context.Background(), EraseRequest{Refs: []archive.Ref{ref}, Reason: "asked to"}, r)
				if err != nil {
					t.Fatal(err)
				}
				b, err := json.Marshal(job)
				if err == nil {
					err = durable.WriteFile(jobPath(dir), b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				var removed []string
				all := v.eraseSteps(job, &removed)
				for _, step := range all[:min(steps, len(all))] {
					if err := step(); err != nil {
						t.Fatal(err)
					}
				}
				v.Close()
				v, err = Open(dir, Options{FreshCatalog: fresh})
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				checkErased(t, v, dir, ref, proofs, secretLines)
			})
		}
	}
}

// Messages of many frames and segments: those beside the erased ones move, the others
// stay where they are.
func TestCheck15EraseAmongFrames(t *testing.T) {
	dir := t.TempDir()
	opt := Options{Archive: archive.Options{GroupSize: 4 << 10, SegmentSize: 6 << 10}}
	open := func() *Vault {
		v, err := Open(dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		return v
	}
	v := open()
	importAndRead(t, v, mailDir(t, 100))
	var refs []archive.Ref
	for i, m := range entriesOf[ledger.MsgSeen](t, v) {
		if ref, err := archive.ParseRef(m.Blob); err == nil && (i == 0 || i == 7 || i == 8 || i == 50 || i == 99) {
			refs = append(refs, ref)
		}
	}
	proofs := proveAll(t, v)
	for i, some := range [][]archive.Ref{refs[:3], refs[3:]} {
		if r, err := v.Erase(t.Context(), EraseRequest{Refs: some, Reason: "asked to"}); err != nil || len(r.Messages) != len(some) {
			t.Fatalf("%+v, %v", r, err)
		}
		if i == 1 {
			if err := v.RebuildCatalog(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			v.Close()
			v = open()
		}
		r, err := v.Verify(t.Context())
		if err != nil || !r.OK || r.Messages != 100-3-2*i || r.Intact != r.Messages || len(r.Erased) != 3+2*i {
			t.Fatalf("verify: %+v, %v", r, err)
		}
	}
	err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		for i, p := range proofs {
			if _, err := ledger.VerifyProof(p[1], p[0], l.VKey()); err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A message that was made from another form: the report names the original, which is
// erased like a message.
func TestEraseConverted(t *testing.T) {
	v := openVault(t, t.TempDir())
	importAndRead(t, v, "outlook/testdata/invented.msg")
	x := entriesOf[ledger.Converted](t, v)[0]
	ref, err := archive.ParseRef(x.Blob)
	if err != nil {
		t.Fatal(err)
	}
	original, err := archive.ParseRef(x.Original)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Erase(t.Context(), EraseRequest{Refs: []archive.Ref{ref}})
	if err != nil || !slices.Equal(r.Messages[0].Originals, []archive.Ref{original}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := v.Erase(t.Context(), EraseRequest{Refs: []archive.Ref{original}}); err != nil {
		t.Fatal(err)
	}
	if found := traces(t, v.Dir(), ref.Hex(), original.Hex()); len(found) > 0 {
		t.Errorf("left of it: %v", found)
	}
	if rep, err := v.Verify(t.Context()); err != nil || !rep.OK || rep.Messages != 0 || len(rep.Erased) != 2 {
		t.Errorf("verify: %+v, %v", rep, err)
	}
}

// A server that still lists an erased message is not asked for it again, and the
// report says that it still has it.
func TestErasedIsNotFetchedAgain(t *testing.T) {
	s := imaptest.Dovecot(t)
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 5)
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	ref, err := archive.ParseRef(entriesOf[ledger.MsgSeen](t, v)[2].Blob)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Erase(t.Context(), EraseRequest{Refs: []archive.Ref{ref}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Messages[0].Listed) != 1 || !strings.HasSuffix(r.Messages[0].Listed[0], "/INBOX, UID 3") {
		t.Errorf("listed %v", r.Messages[0].Listed)
	}
	check := func(when string, want int) {
		t.Helper()
		f, _ := syncOnce(t, v, a)
		if f["INBOX"].New != want || f["INBOX"].Quarantined+f["INBOX"].Left != 0 {
			t.Errorf("%s: %+v", when, f["INBOX"])
		}
		if rep, err := v.Verify(t.Context()); err != nil || !rep.OK {
			t.Errorf("%s: %+v, %v", when, rep, err)
		}
	}
	check("the next pass", 0)
	if err := v.RebuildCatalog(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	check("with a catalog that was made again", 0)
	deliver(t, s, "nora", "INBOX", 5, 7)
	check("with new mail", 2)
}
