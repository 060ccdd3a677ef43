package main

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"inwriting/cmd/inwriting/demomail"
	"inwriting/search/web/browser"
)

// spoken is what a program said so far.
type spoken struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// daemon is "inwriting serve" in this process.
type daemon struct {
	t    *testing.T
	home string
	said *spoken
	url  string
}

func serveHere(t *testing.T, config string, environ ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, home: t.TempDir(), said: &spoken{}}
	d.start(config, environ)
	return d
}

// start starts it, and waits until it answers; it stops with the test.
func (d *daemon) start(config string, environ []string) {
	t := d.t
	t.Helper()
	if err := os.WriteFile(d.file(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--config", d.file(), "--data", d.data()}, append(environ, "HOME="+d.home), streams{strings.NewReader(""), d.said, d.said})
	}()
	t.Cleanup(func() {
		stop()
		if status := <-done; status != 0 {
			t.Errorf("serve ended with %d: %s", status, d.said)
		}
	})
	at := regexp.MustCompile(`answers at (https?://[^ ]+)/ `)
	for range 600 {
		_, err := os.Stat(filepath.Join(d.data(), socketName))
		if m := at.FindStringSubmatch(d.said.String()); m != nil && err == nil {
			d.url = m[1]
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("serve does not answer: %s", d.said)
}

func (d *daemon) file() string { return filepath.Join(d.home, "inwriting.toml") }
func (d *daemon) data() string { return filepath.Join(d.home, "vault") }

// run runs another verb on the same vault.
func (d *daemon) run(in string, args ...string) (int, string) {
	var out, errs bytes.Buffer
	status := run(context.Background(), append(args, "--config", d.file(), "--data", d.data()), []string{"HOME=" + d.home}, streams{strings.NewReader(in), &out, &errs})
	return status, out.String() + errs.String()
}

// Somebody who uses no terminal: from the first page over a mailbox and a question to
// a bundle that was downloaded and verifies. Nothing is asked of any other host.
func TestFirstRunToBundle(t *testing.T) {
	b := browser.Start(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mail, err := demomail.Serve(ln)
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	d := serveHere(t, "# mine, keep this line\nlisten = \"127.0.0.1:0\"\ntimezone = \"Europe/Dublin\"\n[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n")
	p := b.Page(t, browser.Looks[0])

	p.Open(d.url + "/")
	if s := p.Text("h1"); s != "Get it in writing. Find it in seconds." {
		t.Fatalf("the first page says %q", s)
	}
	p.Axe()
	p.Shot("journey-1-first")
	p.Type("#address", demomail.Mailboxes()[0].Address)
	p.Press("form[action='/mailboxes/add'] button")
	p.Axe()

	// A wrong password is told in words, and what was typed stays.
	p.Type("input[name=server]", "insecure://"+mail.Addr())
	p.Type("input[name=password]", "wrong")
	p.PressTo("form.form button", 422)
	if !p.Has("[role=alert]") || browser.Eval[string](p, "document.querySelector('input[name=server]').value") != "insecure://"+mail.Addr() {
		t.Errorf("after a wrong password: %s", p.Text("main"))
	}
	p.Axe()
	p.Shot("journey-2-wrong-password")
	p.Type("input[name=password]", demomail.Password)
	p.Press("form.form button")
	if s := p.Text("h1"); !strings.Contains(s, "is being read") {
		t.Fatalf("after adding: %s", p.Text("main"))
	}
	p.Shot("journey-3-added")
	raw, err := os.ReadFile(d.file())
	if err != nil || !strings.Contains(string(raw), "# mine, keep this line") || strings.Contains(string(raw), demomail.Password+`"`) {
		t.Errorf("the configuration (%v):\n%s", err, raw)
	}

	// It fills by itself.
	for n := 0; ; n++ {
		p.Open(d.url + "/mailboxes")
		if strings.Contains(p.Text("main"), "Up to date") {
			break
		}
		if n > 120 {
			t.Fatalf("the mailbox is never read: %s\n%s", p.Text("main"), d.said)
		}
		time.Sleep(250 * time.Millisecond)
	}
	for n := 0; ; n++ { // kept is not yet read
		p.Open(d.url + "/ask?q=" + url.QueryEscape("what date did Martin want to fly to Vienna"))
		if p.Has(".hits") {
			break
		}
		if n > 120 {
			t.Fatalf("nothing is found: %s", p.Text("main"))
		}
		time.Sleep(250 * time.Millisecond)
	}
	p.Axe()
	p.Shot("journey-4-ask")
	p.Press(".answers .actions a.button:last-child")
	if !p.Has("#s1") || !p.Has(".verdict") {
		t.Fatalf("no trail: %s", p.Text("main"))
	}
	p.Axe()
	p.Shot("journey-5-trail")
	if n := browser.Eval[int](p, "document.querySelectorAll('.seal.altered').length"); n != 0 {
		t.Errorf("%d letters are called altered", n)
	}

	// Keys: down two, verification, its message and back, then the bundle.
	p.Key("j")
	p.Key("j")
	if !p.Has(".say.at-hand") {
		t.Error("j moves to no statement")
	}
	p.Key("v")
	if !p.Has(".seal[open]") {
		t.Error("v opens no verification")
	}
	p.Press("[data-export]")
	p.Axe()
	p.Shot("journey-6-bundle")
	p.Press("button.big")
	for p.Has("ul.held") { // places that somebody has to decide about
		browser.Eval[bool](p, `document.querySelectorAll("ul.held li").forEach(l => { l.querySelector("select").value = "release"; l.querySelector("input[type=text]").value = "it is theirs to see" }), true`)
		p.Shot("journey-7-held")
		p.Press("button.big")
	}
	if s := p.Text("h1"); !strings.HasPrefix(s, "Your bundle for the client") {
		t.Fatalf("no bundle: %s", p.Text("main"))
	}
	p.Axe()
	p.Shot("journey-8-made")
	dir := t.TempDir()
	p.Save(dir)
	p.Click(".made a.button")
	zip := waitForZip(t, dir)
	if status, out := d.run("", "verify", zip); status != 0 {
		t.Errorf("the downloaded bundle, status %d: %s", status, out)
	}
	for _, u := range p.Requests() {
		if !strings.HasPrefix(u, d.url) && !strings.HasPrefix(u, "data:") {
			t.Errorf("asked for %s", u)
		}
	}
	if said := p.Said(); len(said) > 0 {
		t.Errorf("the pages said %q", said)
	}
}

func waitForZip(t *testing.T, dir string) string {
	t.Helper()
	for range 300 {
		if found, _ := filepath.Glob(filepath.Join(dir, "*.zip")); len(found) == 1 {
			return found[0]
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("nothing was downloaded")
	return ""
}
