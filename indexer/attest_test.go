package indexer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
	"inwriting/indexer/ledger/anchor/anchortest"
	"inwriting/indexer/textindex"
)

// signedMail writes a signed, an altered and an unsigned message and returns their
// folder and the signer's key record.
func signedMail(t *testing.T) (dir string, record dkim.Record) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	record = dkim.Record{Name: "s1._domainkey.halearchitects.example", Texts: []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)}}
	sign := func(id int) []byte {
		raw := fmt.Sprintf("From: Martin Hale <martin@halearchitects.example>\r\nTo: nora@deskandco.example\r\nSubject: Trip %d\r\nDate: Thu, 2 Mar 2023 09:12:00 +0000\r\nMessage-ID: <s%d@halearchitects.example>\r\n\r\nPlease book Tuesday 14 March.\r\n", id, id)
		var b bytes.Buffer
		opt := &msgauth.SignOptions{Domain: "halearchitects.example", Selector: "s1", Signer: crypto.Signer(key), HeaderKeys: []string{"From", "Subject", "Date"}}
		if err := msgauth.Sign(&b, strings.NewReader(raw), opt); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	dir = mailDir(t, 1)
	for name, b := range map[string][]byte{"a.eml": sign(100), "b.eml": bytes.Replace(sign(101), []byte("Tuesday"), []byte("Monday"), 1)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, record
}

func TestSignaturesAtArrival(t *testing.T) {
	mail, record := signedMail(t)
	dir := t.TempDir()
	asked := 0
	answer := error(&net.DNSError{IsTimeout: true})
	open := func(lookup dkim.Lookup) *Vault {
		v, err := Open(dir, Options{Attest: Attest{Lookup: lookup}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		return v
	}
	v := open(nil)
	importAndRead(t, v, mail)
	if r, err := v.Attest(context.Background(), false, nil); err != nil || r.Checked != 0 || len(entriesOf[ledger.AuthResult](t, v)) != 0 {
		t.Fatalf("name servers are asked although nobody allowed it: %+v, %v", r, err)
	}
	v.Close()
	v = open(func(_ context.Context, name string) (dkim.Record, error) {
		asked++
		if answer != nil {
			return dkim.Record{}, answer
		}
		return record, nil
	})
	// The name server is down: only what needs none is recorded.
	if r, err := v.Attest(context.Background(), false, nil); err != nil || r.Checked != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	answer = nil
	r, err := v.Attest(context.Background(), false, nil)
	if err != nil || r.Checked != 2 || r.Verified != 1 || r.Failed != 1 || asked != 2 {
		t.Fatalf("asked %d times: %+v, %v", asked, r, err)
	}
	if r, err := v.Attest(context.Background(), false, nil); err != nil || r.Checked != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
	if keys := entriesOf[ledger.DNSKey](t, v); len(keys) != 1 || cmp.Diff(record.Texts, keys[0].Records) != "" {
		t.Errorf("keys %v", keys)
	}
	states := map[string]int{}
	for _, x := range entriesOf[ledger.AuthResult](t, v) {
		states[x.State]++
		if len(x.Signatures) == 1 && x.Signatures[0].Uncovered != "To, Message-ID" {
			t.Errorf("uncovered: %q", x.Signatures[0].Uncovered)
		}
	}
	if d := cmp.Diff(map[string]int{"verified": 1, "failed": 1, "not checked": 1}, states); d != "" {
		t.Error(d)
	}
	if r, err := v.Verify(context.Background()); err != nil || !r.OK {
		t.Errorf("verify: %+v, %v", r, err)
	}
	// Years later, when the DNS knows nothing any more and nobody may be asked.
	v.SetAttest(Attest{})
	again, err := v.Recheck(context.Background(), nil)
	if err != nil || !again.OK || again.Messages != 2 || again.Same != 2 || again.Verified != 1 {
		t.Errorf("from the kept key: %+v, %v", again, err)
	}
	v.SetAttest(Attest{Lookup: dkim.Kept(nil)})
	// What was found is not looked for again after a rebuild.
	if err := v.RebuildCatalog(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if r, err := v.Attest(context.Background(), false, nil); err != nil || r.Checked != 0 {
		t.Errorf("after a rebuild: %+v, %v", r, err)
	}
}

func TestStamps(t *testing.T) {
	tsa := anchortest.Start(t, "Example Time")
	down := httptest.NewServer(http.NotFoundHandler())
	defer down.Close()
	dir := t.TempDir()
	at := time.Now()
	open := func() *Vault {
		v, err := Open(dir, Options{Now: func() time.Time { return at }, Attest: Attest{Authorities: []anchor.Authority{
			{Name: "down", URL: down.URL}, {Name: "one", URL: tsa.URL, Roots: tsa.Roots}}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		return v
	}
	v := open()
	importAndRead(t, v, mailDir(t, 5))
	attest := func(now bool, want int) Attested {
		t.Helper()
		r, err := v.Attest(context.Background(), now, nil)
		if err != nil || len(r.Stamps) != want {
			t.Fatalf("%+v, %v, want %d stamps", r, err, want)
		}
		return r
	}
	r := attest(false, 2)
	if r.Stamps[0].Error == "" || r.Stamps[1].Error != "" || time.Since(r.Stamps[1].Time).Abs() > time.Minute {
		t.Errorf("%+v", r)
	}
	if got := entriesOf[ledger.Anchor](t, v); len(got) != 1 {
		t.Errorf("anchors %v", got)
	}
	attest(true, 1)  // there is nothing new for the one that answered
	attest(false, 0) // an hour has not passed
	importAndRead(t, v, mailDir(t, 6))
	attest(false, 0)
	at = at.Add(2 * time.Hour)
	attest(false, 2)
	if got := entriesOf[ledger.ClockSkew](t, v); len(got) != 1 || got[0].Clock < 7100*1000 {
		t.Errorf("clock: %v", got)
	}
	v.Close()
	v = open()
	attest(false, 1) // what was stamped is known; the one that is down has never answered
	if tsa.Asked.Load() != 2 {
		t.Errorf("asked %d times", tsa.Asked.Load())
	}
	rep, err := v.Verify(context.Background())
	if err != nil || !rep.OK || len(rep.Anchors) != 2 || rep.Anchors[1].Authority != "one" || rep.Anchors[1].Time.IsZero() {
		t.Errorf("verify: %+v, %v", rep, err)
	}
	// Renewed when its certificates near their end, without anything new.
	at = at.AddDate(0, 0, 300)
	attest(false, 2)

	spoiltStamps(t, v, dir, tsa)
}

// spoiltStamps adds a token, changes one and takes one away.
func spoiltStamps(t *testing.T, v *Vault, dir string, tsa *anchortest.TSA) {
	t.Run("foreign", func(t *testing.T) {
		// A token that the ledger does not name counts for nothing.
		err := v.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
			kept, err := l.Anchors()
			if err != nil {
				return err
			}
			foreign := kept[0]
			s, err := (anchor.Authority{Name: "one", URL: tsa.URL, Roots: tsa.Roots}).Stamp(t.Context(), nil, foreign.Checkpoint)
			if err != nil {
				return err
			}
			foreign.Authority, foreign.Token, foreign.Chain = "foreign", s.Response, s.PEM()
			return l.KeepAnchor(foreign)
		})
		if err != nil {
			t.Fatal(err)
		}
		if rep, err := v.Verify(context.Background()); err != nil || !rep.OK || len(rep.Anchors) != 3 {
			t.Errorf("a foreign token: %+v, %v", rep, err)
		}
		for _, name := range []string{"tsr", "pem"} {
			files, err := filepath.Glob(filepath.Join(dir, "ledger", "anchors", "*.foreign."+name))
			if err != nil || len(files) != 1 || os.Remove(files[0]) != nil {
				t.Fatal(files, err)
			}
		}
	})
	t.Run("damaged", func(t *testing.T) {
		kept, err := filepath.Glob(filepath.Join(dir, "ledger", "anchors", "*.tsr"))
		if err != nil || len(kept) != 3 {
			t.Fatalf("%v, %v", kept, err)
		}
		flip(t, kept[0], -10)
		if rep, err := v.Verify(context.Background()); err != nil || rep.OK {
			t.Errorf("a flipped token: %+v, %v", rep, err)
		}
		flip(t, kept[0], -10)
		if err := os.Rename(kept[1], kept[1]+".away"); err != nil {
			t.Fatal(err)
		}
		if rep, err := v.Verify(context.Background()); err != nil || rep.OK {
			t.Errorf("a missing token: %+v, %v", rep, err)
		}
	})
}

// Whom the vault may ask is recorded when it changes, also over a rebuild.
func TestAskedIsRecorded(t *testing.T) {
	v := openVault(t, t.TempDir())
	attest := func(a Attest) []ledger.Config {
		t.Helper()
		v.SetAttest(a)
		if _, err := v.Attest(t.Context(), false, nil); err != nil {
			t.Fatal(err)
		}
		return entriesOf[ledger.Config](t, v)
	}
	if got := attest(Attest{}); len(got) != 0 {
		t.Errorf("nobody may be asked, and it is recorded: %v", got)
	}
	lookup := dkim.Kept(nil)
	attest(Attest{Lookup: lookup, Receivers: []string{"mx.deskandco.example"}})
	if err := v.RebuildCatalog(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	attest(Attest{Lookup: lookup, Receivers: []string{"mx.deskandco.example"}})
	want := []ledger.Config{{Setting: "dkim", New: "true"}, {Setting: "receivers", New: "mx.deskandco.example"}, {Setting: "dkim", Old: "true"}}
	if d := cmp.Diff(want, attest(Attest{Receivers: []string{"mx.deskandco.example"}})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAttestOnAClosedVault(t *testing.T) {
	v, err := Open(t.TempDir(), Options{Attest: Attest{Lookup: dkim.Kept(nil), Authorities: []anchor.Authority{{Name: "one"}}}})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	if _, err := v.Attest(context.Background(), true, nil); !errors.Is(err, errClosed) {
		t.Errorf("%v", err)
	}
}
