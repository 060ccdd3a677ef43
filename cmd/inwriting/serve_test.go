package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"inwriting/indexer/ledger"
)

// manager is a service manager that hears what the daemon tells.
func manager(t *testing.T) (socket string, heard func(want string)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // a short path: such names are
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return socket, func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		for {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("the daemon never told %q: %v", want, err)
			}
			if strings.Contains(string(buf[:n]), want) {
				return
			}
		}
	}
}

const loopback = "me = [\"nora@deskandco.example\"]\nlisten = \"127.0.0.1:0\"\n"

func TestServiceManager(t *testing.T) {
	socket, heard := manager(t)
	d := serveHere(t, loopback, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=300000")
	heard("READY=1")
	heard("WATCHDOG=1")

	hup := func(config string) {
		if err := os.WriteFile(d.file(), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		heard("RELOADING=1\nMONOTONIC_USEC=")
		heard("READY=1")
	}
	hup(loopback + "[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n")
	if !strings.Contains(d.said.String(), "the configuration was read again") {
		t.Errorf("after a reload: %s", d.said)
	}
	// Who is a client is in force: a matter of a client that nobody configured is refused.
	if status, out := d.run("", "matter", "new", "vienna", "the flight", "--of", "Hale Architects"); status != 0 {
		t.Errorf("a client of the new configuration is unknown: %s", out)
	}
	hup("me = [\"nora@deskandco.example\"]\nlisten = \"127.0.0.1:1\"\ntimezone = \"Europe/Dublin\"\n")
	if !strings.Contains(d.said.String(), "in force after a restart only: listen and timezone") {
		t.Errorf("what needs a restart is not said: %s", d.said)
	}
	hup("listen = 5\n")
	if !strings.Contains(d.said.String(), "not taken over") {
		t.Errorf("a broken configuration: %s", d.said)
	}
	heard("WATCHDOG=1")
}

// authority makes a certificate for a name and returns who trusts it.
func authority(t *testing.T, dir, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// visitor is somebody with a browser that keeps cookies and follows nothing.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
	cookie *http.Cookie
}

func (v *visitor) do(method, path, form string, header ...string) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.base+path, strings.NewReader(form))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != nil {
		req.AddCookie(v.cookie)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp, string(b)
}

func (v *visitor) signIn(name, password string) *http.Response {
	resp, _ := v.do("POST", "/sign-in", url.Values{"name": {name}, "password": {password}, "next": {"//evil.example/"}}.Encode())
	for _, c := range resp.Cookies() {
		v.cookie = c
	}
	return resp
}

// A record that others can reach: a certificate, people with roles, tokens, and an
// entry of the ledger for every look.
func TestOthersSignIn(t *testing.T) {
	const name = "record.deskandco.example"
	d := &daemon{t: t, home: t.TempDir(), said: &spoken{}}
	pool := authority(t, d.home, name)
	config := "me = [\"nora@deskandco.example\"]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\nhosts = [\"" + name + "\"]\n" +
		"[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n[[client]]\nname = \"Falk Dental\"\ndomains = [\"falkdental.example\"]\n"
	if err := os.WriteFile(d.file(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, who := range [][]string{{"nora"}, {"ben", "--role", "reviewer", "--of", "Falk Dental"}} {
		if status, out := d.run("correct horse battery\n", append([]string{"user", "add", "--password-stdin"}, who...)...); status != 0 {
			t.Fatal(out)
		}
	}
	status, token := d.run("", "token", "add", "script", "--scope", "read")
	if token = strings.TrimSpace(token); status != 0 {
		t.Fatal(token)
	}
	d.start(config, nil)
	mail := filepath.Join(d.home, "1.eml")
	if err := os.WriteFile(mail, []byte("From: Martin Hale <martin@halearchitects.example>\r\nTo: nora@deskandco.example\r\nSubject: Vienna\r\nDate: Thu, 2 Mar 2023 09:12:00 +0000\r\nMessage-ID: <m1@halearchitects.example>\r\n\r\nPlease book me a flight to Vienna on Tuesday 14 March.\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out := d.run("", "import", mail, "--mailbox", "nora@deskandco.example"); status != 0 {
		t.Fatal(out)
	}
	addr := strings.TrimPrefix(d.url, "https://")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: name}}).DialContext(ctx, network, addr)
		}}}
	visit := func() *visitor { return &visitor{t: t, client: client, base: "https://" + name} }

	stranger := visit()
	if resp, _ := stranger.do("GET", "/m/vienna", ""); resp.StatusCode != 303 || resp.Header.Get("Location") != "/sign-in?next=%2Fm%2Fvienna" {
		t.Errorf("a stranger: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	for _, path := range []string{"/api/v1/search?q=vienna", "/events", "/metrics", "/open.json", "/api/v1/export?q=vienna"} {
		if resp, body := stranger.do("GET", path, "", "Accept", "application/json"); resp.StatusCode != 401 || strings.Contains(body, "Vienna") {
			t.Errorf("a stranger at %s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, _ := stranger.do("GET", "/", "", "Host", "evil.example"); resp.StatusCode != 421 {
		t.Errorf("a foreign host: %d", resp.StatusCode)
	}
	if resp, _ := stranger.do("POST", "/sign-in", "name=nora&password=x", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("a form of another site: %d", resp.StatusCode)
	}
	if resp := stranger.signIn("nora", "wrong"); resp.StatusCode != 401 || stranger.cookie != nil {
		t.Errorf("a wrong password: %d", resp.StatusCode)
	}

	nora := visit()
	if resp := nora.signIn("nora", "correct horse battery"); resp.StatusCode != 303 || resp.Header.Get("Location") != "/" {
		t.Fatalf("signing in: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if c := nora.cookie; c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("the session's cookie: %v", c)
	}
	if resp, body := nora.do("GET", "/ask?q=vienna", ""); resp.StatusCode != 200 || !strings.Contains(body, "14 March") || !strings.Contains(body, "<bdi>nora</bdi>, owner") {
		t.Errorf("an owner asks: %d %s", resp.StatusCode, body)
	}
	if resp, body := nora.do("POST", "/new", "name=vienna&title=Vienna&question=the+flight+to+Vienna&client=Hale+Architects"); resp.StatusCode != 303 {
		t.Errorf("an owner keeps a matter: %d %s", resp.StatusCode, body)
	}

	ben := visit()
	ben.signIn("ben", "correct horse battery")
	if resp, body := ben.do("GET", "/ask?q=vienna", ""); resp.StatusCode != 200 || strings.Contains(body, "14 March") {
		t.Errorf("a reviewer of another client sees what is not theirs: %d %s", resp.StatusCode, body)
	}
	if resp, body := ben.do("GET", "/m/vienna", ""); resp.StatusCode != 404 || strings.Contains(body, "14 March") {
		t.Errorf("and its trail: %d %s", resp.StatusCode, body)
	}
	if _, body := ben.do("GET", "/", ""); strings.Contains(body, "Vienna") {
		t.Errorf("and its matter: %s", body)
	}
	if _, body := ben.do("GET", "/open.json", ""); strings.Contains(body, "Hale") {
		t.Errorf("and what is open in it: %s", body)
	}
	if resp, _ := ben.do("POST", "/new", "name=x&question=y"); resp.StatusCode != 403 {
		t.Errorf("a reviewer changes something: %d", resp.StatusCode)
	}

	program := visit()
	if resp, body := program.do("GET", "/api/v1/search?q=vienna", "", "Authorization", "Bearer "+token); resp.StatusCode != 200 || !strings.Contains(body, "14 March") {
		t.Errorf("a token: %d %s", resp.StatusCode, body)
	}
	if resp, _ := program.do("GET", "/api/v1/export?q=vienna", "", "Authorization", "Bearer "+token); resp.StatusCode != 403 {
		t.Errorf("a token without the scope takes a bundle: %d", resp.StatusCode)
	}
	if resp, _ := nora.do("POST", "/sign-out", "x=1"); resp.StatusCode != 303 {
		t.Errorf("signing out: %d", resp.StatusCode)
	}
	if resp, _ := nora.do("GET", "/", ""); resp.StatusCode != 303 {
		t.Errorf("after signing out: %d", resp.StatusCode)
	}
	looks(t, d)
}

// looks holds what the ledger has of who looked at what: never a word of the mail.
func looks(t *testing.T, d *daemon) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(d.data(), "ledger", "entries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, l := range bytes.Split(raw, []byte("\n")) {
		e, err := ledger.Decode(l)
		if err != nil {
			continue
		}
		if x, ok := e.Fact.(ledger.Access); ok {
			what, _, _ := strings.Cut(x.What, " ")
			found[x.By+" "+what+" "+x.Why] = true
			if strings.Contains(strings.ToLower(x.What), "vienna") && !strings.HasPrefix(x.What, "trail ") {
				t.Errorf("the ledger tells what was asked: %q", x.What)
			}
		}
	}
	for _, want := range []string{"nora search owner", "ben search reviewer", "ben trail reviewer", "token script search reviewer"} {
		if !found[want] {
			t.Errorf("the ledger lacks %q; it has %v", want, found)
		}
	}
}
