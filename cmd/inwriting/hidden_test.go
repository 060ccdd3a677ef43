package main

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inwriting/indexer/imapsync/imaptest"
)

// Passwords, the address of a webhook, the command of an alert and the password of a
// relay are in no output, log, error, ledger, catalog, index or bundle, whatever fails.
func TestSecretsStayHidden(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	if err := s.Deliver("user", "INBOX", invented(1)); err != nil {
		t.Fatal(err)
	}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such hook "+r.URL.Path, http.StatusForbidden)
	}))
	defer hook.Close()
	u.env = []string{"INWRITING_LOG=debug", "INWRITING_PASSWORD_BEN_DESKANDCO_EXAMPLE=s3cret-env"}
	u.write("password", "s3cret-password\n")
	u.write("relay", "s3cret-relay\n")
	server := "server = \"insecure://" + s.Addr + "\"\nusername = \"user\"\n"
	u.write(userConfig, "[[mailbox]]\naddress = \"nora@deskandco.example\"\n"+server+"password_file = \""+u.path("password")+"\"\n"+
		"[[mailbox]]\naddress = \"ben@deskandco.example\"\n"+server+
		"[[mailbox]]\naddress = \"zoe@deskandco.example\"\n"+server+"password_command = \"echo s3cret-command; true\"\n"+
		"[[mailbox]]\naddress = \"tom@deskandco.example\"\n"+server+"token_command = \"echo s3cret-token\"\n"+
		"[[mailbox]]\naddress = \"pia@deskandco.example\"\nserver = \"127.0.0.1:1\"\npassword_command = \"echo s3cret-command >&2; exit 3\"\n"+
		"[[alert]]\nafter = \"1ns\"\nwebhook = \""+hook.URL+"/s3cret-hook\"\n"+
		"[[alert]]\nafter = \"1ns\"\ncommand = \": s3cret-alert; exit 1\"\n"+
		"[[alert]]\nafter = \"1ns\"\nmail_to = \"x@y.example\"\nmail_from = \"z@y.example\"\nrelay = \"insecure://127.0.0.1:1\"\nusername = \"z\"\npassword_file = \""+u.path("relay")+"\"\n")
	for _, args := range [][]string{{"sync"}, {"sync", "--json"}, {"status", "--json"}, {"mailbox", "test"}, {"mailbox", "test", "--json"}, {"mailbox", "list", "--json"},
		{"config", "show"}, {"config", "show", "--json"}, {"config", "alert"}, {"config", "check"}, {"doctor"}, {"doctor", "--json"}, {"mailbox", "login", "zoe@deskandco.example"}} {
		u.run("", args...)
	}
	u.write("password", s.Password+"\n")
	u.run("", "sync", "nora@deskandco.example")
	u.must(0, "", "export", "which flight to Vienna", "-o", u.path("flight.zip"), "--for", "court")
	u.must(0, "", "verify", u.path("flight.zip"))
	secrets := []string{"s3cret-password", "s3cret-env", "s3cret-command", "s3cret-token", "s3cret-hook", "s3cret-alert", "s3cret-relay"}
	look := func(where string, b []byte) {
		t.Helper()
		for _, x := range secrets {
			if bytes.Contains(b, []byte(x)) {
				t.Errorf("%s is in %s", x, where)
			}
		}
	}
	look("what was printed", []byte(strings.Join(u.said, "\n")))
	if n := strings.Count(strings.Join(u.said, ""), "telling"); n < 6 {
		t.Errorf("the alerts did not fail as they should: %d", n)
	}
	err := filepath.WalkDir(u.path(".local"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	z, err := zip.OpenReader(u.path("flight.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		look("the bundle's "+f.Name, b)
	}
}
