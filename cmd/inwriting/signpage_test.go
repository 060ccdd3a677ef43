package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"inwriting/config/oauth/oauthtest"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/search/web"
	"inwriting/search/web/browser"
)

// tokenServers are Dovecot with its OAuth2 passdb and the authorisation server whose
// tokens it takes.
func tokenServers(t *testing.T) (*imaptest.Server, *oauthtest.Server) {
	t.Helper()
	s := imaptest.Dovecot(t)
	as := oauthtest.New(t)
	as.User, as.Secret = "user", "s3cret-of-the-app"
	if err := s.TakeTokens(as.URL + "/introspect"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := s.Deliver("user", "INBOX", invented(i)); err != nil {
			t.Fatal(err)
		}
	}
	return s, as
}

// noSecret looks for secrets in everything the daemon wrote and said.
func (d *daemon) noSecret(secrets ...string) {
	d.t.Helper()
	err := filepath.WalkDir(d.home, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range secrets {
			if strings.Contains(string(b), s) {
				d.t.Errorf("a secret lies in %s", path)
			}
		}
		return err
	})
	if err != nil {
		d.t.Error(err)
	}
	for _, s := range secrets {
		if strings.Contains(d.said.String(), s) {
			d.t.Errorf("a secret was printed: %s", d.said)
		}
	}
}

// A browser signs in on the provider's page and comes back to ours, where the mailbox
// is being read; later once more, after the token was revoked.
func TestSignInOnPages(t *testing.T) {
	b := browser.Start(t)
	s, as := tokenServers(t)
	d := serveHere(t, "listen = \"127.0.0.1:0\"\ntimezone = \"Europe/Dublin\"\n")
	p := b.Page(t, browser.Looks[0])
	p.Open(d.url + "/mailboxes/add?address=nora@deskandco.example")
	browser.Eval[bool](p, `document.querySelectorAll("details").forEach(d => { d.open = true }), true`)
	p.Type("form[action='/mailboxes/signin'] input[name=issuer]", as.URL)
	p.Type("form[action='/mailboxes/signin'] input[name=client]", as.Client)
	p.Type("form[action='/mailboxes/signin'] input[name=secret]", as.Secret)
	p.Type("form[action='/mailboxes/signin'] input[name=server]", "insecure://"+s.Addr)
	p.Type("form[action='/mailboxes/signin'] input[name=username]", "user")
	p.Axe()
	p.Press("form[action='/mailboxes/signin'] button")
	if h := p.Text("h1"); !strings.HasPrefix(h, "Sign in on") {
		t.Fatalf("after the form: %s", p.Text("main"))
	}
	p.Axe()
	p.Click("a.button.big")
	p.Wait("[data-mailbox]")
	if h := p.Text("h1"); h != "nora@deskandco.example is being read" || !strings.HasPrefix(p.Address(), d.url+"/mailboxes/signin/") {
		t.Fatalf("after the sign-in, at %s: %s", p.Address(), p.Text("main"))
	}
	d.becomes(2)

	as.Revoke()
	d.run("", "sync")
	if _, out := d.run("", "status", "--plain"); !strings.Contains(out, "sign-in refused") {
		d.run("", "sync") // the first one forgets the token it has
	}
	if err := s.Deliver("user", "INBOX", invented(7)); err != nil {
		t.Fatal(err)
	}
	p.Open(d.url + "/mailboxes")
	p.Press(".note a.button")
	if h := p.Text("h1"); h != "Sign in again" {
		t.Fatalf("a refused token: %s", p.Text("main"))
	}
	p.Press("form[action='/mailboxes/signin'] button") // the secret is kept
	p.Click("a.button.big")
	p.Wait("[data-mailbox]")
	d.becomes(3)
	if said := p.Said(); len(said) > 0 {
		t.Errorf("the pages said %q", said)
	}
	d.noSecret(as.Secret, as.Last(), "refresh-")
}

// becomes waits until that many messages are kept.
func (d *daemon) becomes(stored int) {
	d.t.Helper()
	var out string
	for range 300 {
		_, out = d.run("", "status", "--json")
		var doc struct {
			Mailboxes []struct{ Folders []struct{ Stored int } }
		}
		n := 0
		if json.Unmarshal([]byte(out), &doc) == nil {
			for _, m := range doc.Mailboxes {
				for _, f := range m.Folders {
					n += f.Stored
				}
			}
		}
		if n == stored {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.t.Fatalf("never %d messages: %s%s", stored, out, d.said)
}

// The code of the device flow stands on the page, which asks for itself again without a
// script; a refusal is told in words; an application signs in as itself.
func TestDeviceSignInOnPages(t *testing.T) {
	s, as := tokenServers(t)
	as.Secret = ""
	d := serveHere(t, "listen = \"127.0.0.1:0\"\n")
	begin := func(address, flow, client, secret string) string {
		t.Helper()
		c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := c.PostForm(d.url+"/mailboxes/signin", url.Values{"address": {address}, "issuer": {as.URL}, "client": {client}, "secret": {secret}, "flow": {flow},
			"server": {"insecure://" + s.Addr}, "username": {"user"}})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusSeeOther {
			b, _ := io.ReadAll(res.Body)
			t.Fatalf("%d: %s", res.StatusCode, b)
		}
		return d.url + res.Header.Get("Location")
	}
	page := func(at string) string {
		t.Helper()
		res, err := http.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ends := func(at, state string) web.Signing {
		t.Helper()
		var v web.Signing
		for range 300 {
			req, _ := http.NewRequest(http.MethodGet, at, nil)
			req.Header.Set("Accept", "application/json")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			err = json.NewDecoder(res.Body).Decode(&v)
			res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if v.State != "waiting" {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if v.State != state {
			t.Fatalf("it ends as %+v, want %s", v, state)
		}
		return v
	}
	at := begin("nora@deskandco.example", "device", as.Client, "")
	shown := page(at)
	code := regexp.MustCompile(`<strong>(\w+)</strong>`).FindStringSubmatch(shown)
	if code == nil || !strings.Contains(shown, `http-equiv="refresh" content="3"`) || !strings.Contains(shown, as.URL+"/activate") {
		t.Fatalf("the page of the code: %s", shown)
	}
	if !as.Approve(code[1]) {
		t.Fatal("the server does not know the code")
	}
	ends(at, "done")
	if shown := page(at); !strings.Contains(shown, "nora@deskandco.example is being read") {
		t.Errorf("after it: %s", shown)
	}
	d.becomes(2)

	// A refusal: the application is not known.
	v := ends(begin("ben@deskandco.example", "device", "nobody", ""), "failed")
	if !strings.Contains(v.Error, "AADSTS700016") {
		t.Errorf("an unknown application: %+v", v)
	}
	// Another sign-in for the same mailbox ends the one before it.
	first := begin("ben@deskandco.example", "device", as.Client, "")
	second := begin("ben@deskandco.example", "device", as.Client, "")
	ends(first, "failed")
	if shown := page(second); !strings.Contains(shown, "Type this code in") {
		t.Errorf("the second: %s", shown)
	}
	as.Lock()
	as.Secret = "s3cret-of-the-app"
	as.Unlock()
	if v := ends(begin("app@deskandco.example", "app", as.Client, "wr0ng-secret"), "failed"); !strings.Contains(v.Error, "AADSTS7000215") {
		t.Errorf("a wrong secret: %+v", v)
	}
	ends(begin("app@deskandco.example", "app", as.Client, as.Secret), "done")
	d.becomes(4)
	d.noSecret("s3cret-of-the-app", "wr0ng-secret", "refresh-", as.Last())
}
