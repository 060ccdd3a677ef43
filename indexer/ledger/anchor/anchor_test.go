package anchor_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"inwriting/indexer/ledger/anchor"
	"inwriting/indexer/ledger/anchor/anchortest"
)

// These tests are check 3 in notes/evidence.md, section 12: a local openssl ts
// authority, a wrong imprint, a wrong nonce, and an ended certificate with and
// without -attime.

// openssl runs openssl ts -verify and returns what it says.
func openssl(t testing.TB, s *anchor.Stamp, data []byte, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, b := range map[string][]byte{"data": data, "token.tsr": s.Response, "chain.pem": s.PEM(), "root.pem": pemOf(s.Chain[len(s.Chain)-1])} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("openssl", append([]string{"ts", "-verify", "-data", "data", "-in", "token.tsr", "-CAfile", "root.pem", "-untrusted", "chain.pem"}, args...)...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

func pemOf(c *x509.Certificate) []byte { return (&anchor.Stamp{Chain: []*x509.Certificate{c}}).PEM() }

func TestCheck3Stamp(t *testing.T) {
	tsa := anchortest.Start(t, "Example Time")
	a := anchor.Authority{Name: "one", URL: tsa.URL, Roots: tsa.Roots}
	data := []byte("desk.example/1\n7\nroot\n")
	s, err := a.Stamp(context.Background(), nil, data)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(s.Time); d < -time.Minute || d > time.Minute {
		t.Errorf("stamped at %v", s.Time)
	}
	if s.Serial == "" || s.Policy != "1.2.3.4.1" || s.Subject != "CN=Example Time" || len(s.Chain) != 2 || s.Accuracy != time.Second {
		t.Errorf("%q %q %q %d %v", s.Serial, s.Policy, s.Subject, len(s.Chain), s.Accuracy)
	}
	if out, err := openssl(t, s, data); err != nil || !strings.Contains(out, "Verification: OK") {
		t.Errorf("openssl: %v\n%s", err, out)
	}
	// As it is kept, and years later.
	again, err := anchor.Read(s.Response, data, s.PEM())
	if err != nil || !again.Time.Equal(s.Time) {
		t.Errorf("read again: %v, %v", again, err)
	}
	flipped := append([]byte(nil), data...)
	flipped[3] ^= 1
	if _, err := anchor.Read(s.Response, flipped, s.PEM()); !errors.Is(err, anchor.ErrImprint) {
		t.Errorf("another file: %v", err)
	}
	if out, err := openssl(t, s, flipped); err == nil {
		t.Errorf("openssl takes another file: %s", out)
	}
	if _, err := anchor.Check(s.Response, data, anchor.Options{Roots: tsa.Roots, Nonce: big.NewInt(7)}); !errors.Is(err, anchor.ErrNonce) {
		t.Errorf("another nonce: %v", err)
	}
	other := anchortest.Start(t, "Other Time")
	if _, err := anchor.Check(s.Response, data, anchor.Options{Roots: other.Roots}); !errors.Is(err, anchor.ErrChain) {
		t.Errorf("another root: %v", err)
	}
	for i := range s.Response {
		b := append([]byte(nil), s.Response...)
		b[i] ^= 0x40
		c, err := anchor.Read(b, data, s.PEM())
		if err == nil && (!c.Time.Equal(s.Time) || c.Serial != s.Serial) {
			t.Fatalf("octet %d flipped: says %v, %s", i, c.Time, c.Serial)
		}
	}
}

// answers is an authority that gives answer(query).
func answers(t testing.TB, answer func([]byte) []byte) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		q, _ := io.ReadAll(r.Body)
		w.Write(answer(q))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestCheck3WrongAnswers(t *testing.T) {
	tsa := anchortest.Start(t, "Example Time")
	data := []byte("checkpoint")
	first := []byte(nil)
	reply := func(q []byte) []byte {
		b, err := tsa.Reply(q)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	for _, tt := range []struct {
		name   string
		answer func([]byte) []byte
		want   error
	}{
		{"as it should be", func(q []byte) []byte { first = reply(q); return first }, nil},
		{"an answer of before", func([]byte) []byte { return first }, anchor.ErrNonce},
		{"over another hash", func(q []byte) []byte {
			r, err := timestamp.ParseRequest(q)
			if err != nil {
				t.Fatal(err)
			}
			r.HashedMessage[0] ^= 1
			q, err = r.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return reply(q)
		}, anchor.ErrImprint},
		{"rejection", func([]byte) []byte {
			r, _ := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadRequest)
			return r
		}, anchor.ErrRefused},
		{"granted with changes", func(q []byte) []byte {
			return bytes.Replace(reply(q), []byte{0x30, 3, 2, 1, 0}, []byte{0x30, 3, 2, 1, 1}, 1)
		}, nil},
		{"granted, and no token", func([]byte) []byte { return []byte{0x30, 5, 0x30, 3, 2, 1, 0} }, anchor.ErrToken},
		{"rejected, in words", func([]byte) []byte {
			return append([]byte{0x30, 11, 0x30, 9, 2, 1, 2, 0x30, 4, 0x0c, 2}, "no"...)
		}, anchor.ErrRefused},
		{"a page", func([]byte) []byte { return []byte("<html>") }, anchor.ErrToken},
		{"nothing", func([]byte) []byte { return nil }, anchor.ErrToken},
		{"far too much", func([]byte) []byte { return make([]byte, 2<<20) }, anchor.ErrToken},
	} {
		a := anchor.Authority{Name: "one", URL: answers(t, tt.answer), Roots: tsa.Roots}
		if _, err := a.Stamp(context.Background(), nil, data); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	if _, err := (anchor.Authority{Name: "one", URL: srv.URL}).Stamp(context.Background(), nil, data); !errors.Is(err, anchor.ErrRefused) {
		t.Errorf("404: %v", err)
	}
}

// own makes an authority whose certificate is valid from and to, by template.
func own(t testing.TB, from, to time.Time, change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey, *x509.CertPool) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: from.AddDate(-1, 0, 0), NotAfter: to.AddDate(30, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	must(err)
	root, err = x509.ParseCertificate(der)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	eku, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	must(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "time"}, NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: eku}}}
	if change != nil {
		change(c)
	}
	der, err = x509.CreateCertificate(rand.Reader, c, root, key.Public(), rootKey)
	must(err)
	c, err = x509.ParseCertificate(der)
	must(err)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return c, key, pool
}

func token(t testing.TB, data []byte, at time.Time, c *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	sum := sha256.Sum256(data)
	ts := &timestamp.Timestamp{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at, Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true}
	b, err := ts.CreateResponseWithOpts(c, key, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The certificate of a token made today ends tomorrow; what is then said of it,
// openssl can be asked today.
func TestCheck3EndedCertificate(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Second)
	from, to := at.AddDate(0, 0, -1), at.AddDate(0, 0, 1)
	c, key, roots := own(t, from, to, nil)
	data := []byte("checkpoint")
	s, err := anchor.Check(token(t, data, at, c, key), data, anchor.Options{Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Time.Equal(at) || !s.Expires().Equal(to) {
		t.Errorf("stamped %v, ends %v", s.Time, s.Expires())
	}
	if out, err := openssl(t, s, data, "-attime", fmt.Sprint(to.AddDate(1, 0, 0).Unix())); err == nil || !strings.Contains(out, "expired") {
		t.Errorf("openssl a year later: %v\n%s", err, out)
	}
	if out, err := openssl(t, s, data, "-attime", fmt.Sprint(at.Unix())); err != nil || !strings.Contains(out, "Verification: OK") {
		t.Errorf("openssl with -attime of the stamp: %v\n%s", err, out)
	}
	// A time outside the certificate's own is never believed, nor is one before it.
	for _, at := range []time.Time{to.AddDate(0, 0, 1), from.AddDate(0, 0, -1)} {
		if _, err := anchor.Check(token(t, data, at, c, key), data, anchor.Options{Roots: roots}); !errors.Is(err, anchor.ErrChain) {
			t.Errorf("stamped %v: %v", at, err)
		}
	}
}

func TestCertificateNotForTime(t *testing.T) {
	from, to := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	data := []byte("checkpoint")
	for name, change := range map[string]func(*x509.Certificate){
		"for servers": func(c *x509.Certificate) {
			c.ExtraExtensions = nil
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		},
		"not critical": func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false },
		"any use":      func(c *x509.Certificate) { c.ExtraExtensions = nil },
	} {
		c, key, roots := own(t, from, to, change)
		if _, err := anchor.Check(token(t, data, from.AddDate(1, 0, 0), c, key), data, anchor.Options{Roots: roots}); !errors.Is(err, anchor.ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	from := time.Now().AddDate(-1, 0, 0).UTC().Truncate(time.Second)
	c, key, roots := own(f, from, from.AddDate(20, 0, 0), nil)
	data := []byte("checkpoint")
	at := from.AddDate(1, 0, 0)
	f.Add(token(f, data, at, c, key))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := anchor.Check(b, data, anchor.Options{Roots: roots})
		if err == nil && !s.Time.Equal(at) {
			t.Errorf("a token nobody made says %v", s.Time)
		}
	})
}
