package bundle

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"inwriting/indexer/ledger"
)

// Check 12: with the keys in the bundle a stranger repeats what was found at arrival,
// years after they were published.
func TestCheck12KeysInBundle(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has Debian's python3-dkim
	if exec.Command(python, "-c", "import dkim").Run() != nil {
		t.Skip("python3-dkim is not here to check signatures with")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var signed bytes.Buffer
	if err := dkim.Sign(&signed, strings.NewReader(strings.ReplaceAll(booking, "\n", "\r\n")), &dkim.SignOptions{Domain: "halearchitects.example", Selector: "s", Signer: key}); err != nil {
		t.Fatal(err)
	}
	in := mailOf(t, note{raw: strings.ReplaceAll(signed.String(), "\r\n", "\n"), said: "Please book the flight for Tuesday."}, note{raw: reply})
	line, err := json.Marshal(map[string]any{"type": "dns.key", "name": "s._domainkey.halearchitects.example", "records": []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(pub)}})
	if err != nil {
		t.Fatal(err)
	}
	in.Exhibits[0].Keys = [][]byte{line}
	in.Exhibits[0].Auth = &ledger.AuthResult{State: "verified", Signatures: []ledger.Signature{{Domain: "halearchitects.example", Selector: "s", State: "verified", Headers: "from:to:subject", Uncovered: "reply-to"}}}
	root, verify := unpacked(t, in)
	if !strings.Contains(verify, "python3 tools/check_dkim.py data/eml/E*.eml") {
		t.Error("VERIFY.txt does not say how to check signatures")
	}
	check := func() string {
		c := exec.Command(python, "tools/check_dkim.py", "data/eml/E0001.eml", "data/eml/E0002.eml")
		c.Dir = root
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := check(); got != "OK   data/eml/E0001.eml: signature of halearchitects.example\nnone data/eml/E0002.eml: it carries no signature\n" {
		t.Error(got)
	}
	if err := run(t, root, `sed -i s/Tuesday/Thursday/ data/eml/E0001.eml`); err != nil {
		t.Fatal(err)
	}
	if got := check(); !strings.HasPrefix(got, "BAD  data/eml/E0001.eml: signature of halearchitects.example, ") {
		t.Error(got)
	}
	bag, _ := bagOf(t, in)
	said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "FILE", "-"))
	if want := "verified, by the domain halearchitects.example; not covered: reply-to. It vouches for a domain, not for a person."; !strings.Contains(said, want) {
		t.Errorf("the page does not say %q", want)
	}
}
