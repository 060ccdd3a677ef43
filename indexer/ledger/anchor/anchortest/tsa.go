// Package anchortest runs a time-stamping authority for tests: openssl ts behind a
// loopback HTTP server, with a root and a certificate of its own.
package anchortest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"crypto/x509"
)

// TSA is a running authority.
type TSA struct {
	URL      string
	RootFile string // PEM
	Roots    *x509.CertPool
	Asked    atomic.Int64

	dir string
	mu  sync.Mutex // openssl keeps the serial number in a file
}

const config = `
[req]
distinguished_name = dn
prompt = no
[dn]
CN = %s
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = root.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// Start starts an authority that ends with the test. name goes into its
// certificates.
func Start(t testing.TB, name string) *TSA {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is needed; .ci/tools installs it")
	}
	a := &TSA{dir: t.TempDir()}
	conf := fmt.Sprintf(config, name)
	if err := os.WriteFile(filepath.Join(a.dir, "tsa.cnf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "serial"), []byte("01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-days", "3650", "-config", "tsa.cnf", "-extensions", "root", "-subj", "/CN=" + name + " root"},
		{"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-config", "tsa.cnf"},
		{"x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "365", "-extfile", "tsa.cnf", "-extensions", "signer"},
	} {
		a.openssl(t, args...)
	}
	a.RootFile = filepath.Join(a.dir, "root.pem")
	root, err := os.ReadFile(a.RootFile)
	if err != nil {
		t.Fatal(err)
	}
	a.Roots = x509.NewCertPool()
	a.Roots.AppendCertsFromPEM(root)
	srv := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(srv.Close)
	a.URL = srv.URL
	return a
}

func (a *TSA) openssl(t testing.TB, args ...string) {
	t.Helper()
	c := exec.Command("openssl", args...)
	c.Dir = a.dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}

func (a *TSA) serve(w http.ResponseWriter, r *http.Request) {
	a.Asked.Add(1)
	query, err := io.ReadAll(r.Body)
	if err == nil {
		query, err = a.Reply(query)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(query)
}

// Reply answers one request, DER to DER.
func (a *TSA) Reply(query []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := os.WriteFile(filepath.Join(a.dir, "query.tsq"), query, 0o600); err != nil {
		return nil, err
	}
	c := exec.Command("openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "here", "-queryfile", "query.tsq", "-out", "reply.tsr")
	c.Dir = a.dir
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openssl ts -reply: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.ReadFile(filepath.Join(a.dir, "reply.tsr"))
}
