package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"inwriting/config/oauth"
	"inwriting/config/oauth/oauthtest"
)

func TestTokens(t *testing.T) {
	keyring.MockInit()
	srv := oauthtest.New(t)
	file := filepath.Join(t.TempDir(), "inwriting.toml")
	for _, where := range []string{"keyring", "sealed"} {
		c, err := Parse(file, []byte(box+"oauth = \""+srv.URL+"\"\noauth_client = \"inwriting-test\"\noauth_flow = \"device\"\n"+where+" = true\n"))
		if err != nil {
			t.Fatal(err)
		}
		m := c.Mailboxes[0]
		s := c.OAuth(m, nil)
		if c.OAuth(m, nil) != s {
			t.Error("another source for the same mailbox")
		}
		if err := s.SignIn(t.Context(), oauth.Asking{Show: func(p oauth.Prompt) { srv.Approve(p.Code) }}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Tokens(m, nil).Token(t.Context()); err != nil || got != srv.Last() {
			t.Errorf("%s: %q, %v", where, got, err)
		}
	}
	c, err := Parse(file, []byte(box+"token_command = \"echo tok; echo more\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Tokens(c.Mailboxes[0], nil).Token(t.Context()); err != nil || got != "tok" {
		t.Errorf("command: %q, %v", got, err)
	}
	c, err = Parse(file, []byte(box+"token_command = \"echo 0auth-hunter2; exit 3\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tokens(c.Mailboxes[0], nil).Token(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "token_command") {
		t.Errorf("a command that fails: %v", err)
	}
	// The secret of an application of its own is the password.
	srv.Secret = "app-secret"
	c, err = Parse(file, []byte(box+"oauth = \""+srv.URL+"\"\noauth_client = \"inwriting-test\"\noauth_flow = \"app\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	env := func(k string) string {
		if k == PasswordEnv("n@x.example") {
			return "app-secret"
		}
		return ""
	}
	if got, err := c.Tokens(c.Mailboxes[0], env).Token(t.Context()); err != nil || got != srv.Last() {
		t.Errorf("app: %q, %v", got, err)
	}
	if c, _ = Parse(file, []byte(box)); c.Tokens(c.Mailboxes[0], nil) != nil {
		t.Error("a token for a mailbox with a password")
	}
}
