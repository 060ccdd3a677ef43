package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const edited = `# who is who
me = ["n@x.example"] # us

# the first
[[mailbox]]
address = "n@x.example"      # the desk
server = "imap.x.example:993"
password_file = "a" # keep
exclude = [
  "Spam", # noise
]

# architects
[[client]]
name = "Hale"
addresses = ["k@hale2.example"]
domains = [] # none yet

# the second, "odd" one
[[mailbox]]
address = "b@x.example"
server = "imap.x.example:993"
keyring = true
# an end
`

func editor(t *testing.T, src string) *Editor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inwriting.toml")
	if src != "" {
		if err := os.WriteFile(path, []byte(src), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	e, err := Edit(path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEdit(t *testing.T) {
	second := "# the second, \"odd\" one\n[[mailbox]]\naddress = \"b@x.example\"\nserver = \"imap.x.example:993\"\nkeyring = true\n"
	first := edited[strings.Index(edited, "[[mailbox]]"):strings.Index(edited, "# architects")]
	for _, tt := range []struct {
		name string
		do   func(*Editor) error
		want string
	}{
		{"remove the first", func(e *Editor) error { return e.RemoveMailbox("N@x.example") }, strings.Replace(edited, first, "", 1)},
		{"remove the last", func(e *Editor) error { return e.RemoveMailbox("b@x.example") },
			strings.Replace(edited, strings.TrimPrefix(second, "# the second, \"odd\" one\n"), "", 1)},
		{"change", func(e *Editor) error { return e.SetMailbox("n@x.example", "password_file", "b") }, strings.Replace(edited, `"a" # keep`, `"b" # keep`, 1)},
		{"take out", func(e *Editor) error { return e.SetMailbox("b@x.example", "keyring", nil) }, strings.Replace(edited, "keyring = true\n", "", 1)},
		{"add a setting", func(e *Editor) error { return e.SetMailbox("n@x.example", "username", "n") }, strings.Replace(edited, "]\n\n# arch", "]\nusername = \"n\"\n\n# arch", 1)},
		{"add us", func(e *Editor) error { return e.AddMe("hello@x.example") }, strings.Replace(edited, `"n@x.example"] #`, `"n@x.example", "hello@x.example"] #`, 1)},
		{"add a domain", func(e *Editor) error { return e.AddToParty("client", "hale", "domains", "hale.example") }, strings.Replace(edited, "[] #", `["hale.example"] #`, 1)},
		{"add an address", func(e *Editor) error { return e.AddToParty("client", "Hale", "addresses", "m@post.example") },
			strings.Replace(edited, `"k@hale2.example"]`, `"k@hale2.example", "m@post.example"]`, 1)},
		{"set a top one", func(e *Editor) error { return e.SetTop("timezone", "Europe/London") }, strings.Replace(edited, "# who is who\n", "# who is who\ntimezone = \"Europe/London\"\n", 1)},
		{"add a client", func(e *Editor) error {
			return e.AddClient(Party{Name: "Falk \"& Co\"", Domains: []string{"falk.example"}, Authority: []Authority{{Address: "a@falk.example"}}})
		}, edited + "\n[[client]]\nname = \"Falk \\\"& Co\\\"\"\ndomains = [\"falk.example\"]\n[[client.authority]]\naddress = \"a@falk.example\"\n"},
		{"add authority", func(e *Editor) error {
			if err := e.AddAuthority("Hale", Authority{Address: "k@hale2.example"}); err != nil {
				return err
			}
			var to Date
			if err := to.UnmarshalText([]byte("2023-06-30")); err != nil {
				return err
			}
			return e.AddAuthority("Hale", Authority{Address: "K@hale2.example", To: to})
		}, strings.Replace(edited, "none yet\n", "none yet\n[[client.authority]]\naddress = \"k@hale2.example\"\n[[client.authority]]\naddress = \"K@hale2.example\"\nto = \"2023-06-30\"\n", 1)},
		{"add a mailbox", func(e *Editor) error {
			return e.AddMailbox(Mailbox{Address: "c@x.example", Server: Server{TLS, "imap.x.example", 993}, Keyring: true, DailyBytes: 2e9, Connections: 1})
		}, edited + "\n[[mailbox]]\naddress = \"c@x.example\"\nserver = \"imap.x.example:993\"\nkeyring = true\ndaily_bytes = \"2GB\"\nconnections = 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := editor(t, edited)
			if err := tt.do(e); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(e.Bytes())); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if err := e.Save(); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(e.path)
			if fi, _ := os.Stat(e.path); err != nil || string(b) != tt.want || fi.Mode().Perm() != 0o640 {
				t.Errorf("on disk: %v, %v\n%s", err, fi.Mode(), b)
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	for name, do := range map[string]func(*Editor) error{
		"a mailbox twice": func(e *Editor) error {
			return e.AddMailbox(Mailbox{Address: "n@x.example", Server: Server{TLS, "x.example", 993}})
		},
		"a client that is us": func(e *Editor) error { return e.AddClient(Party{Name: "X", Addresses: []string{"n@x.example"}}) },
		"a stranger":          func(e *Editor) error { return e.RemoveMailbox("z@x.example") },
		"a list":              func(e *Editor) error { return e.SetMailbox("n@x.example", "exclude", "x") },
	} {
		e := editor(t, edited)
		if err := do(e); err == nil {
			t.Errorf("%s: no error", name)
		}
		if string(e.Bytes()) != edited {
			t.Errorf("%s: the file changed", name)
		}
	}
	e := editor(t, "mailbox = [{ address = \"n@x.example\", server = \"x.example\" }]\n")
	if err := e.RemoveMailbox("n@x.example"); !errors.Is(err, ErrByHand) {
		t.Errorf("an inline mailbox: %v", err)
	}
}

// A new file begins with nothing and is readable by its owner alone.
func TestEditNew(t *testing.T) {
	e := editor(t, "")
	for _, do := range []func() error{
		func() error {
			return e.AddMailbox(Mailbox{Address: "n@x.example", Server: Server{TLS, "x.example", 993}, Sealed: true})
		},
		func() error { return e.AddMe("hello@x.example") },
		e.Save,
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	want := "me = [\"hello@x.example\"]\n[[mailbox]]\naddress = \"n@x.example\"\nserver = \"x.example:993\"\nsealed = true\n"
	if d := cmp.Diff(want, string(e.Bytes())); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if fi, err := os.Stat(e.path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}

// What is taken out of a file that was just added leaves the file as it was.
func FuzzEdit(f *testing.F) {
	f.Add(edited)
	f.Add("")
	f.Add("me = []\n[[client]]\nname = '''a\n#b'''\naddresses = [\"c@x.example\"]")
	f.Add("mailbox = [{ address = \"n@x.example\", server = \"x.example\" }]\n")
	f.Fuzz(func(t *testing.T, src string) {
		if _, err := Parse("x.toml", []byte(src)); err != nil {
			return
		}
		e := &Editor{path: "x.toml", src: []byte(src)}
		if err := e.AddMailbox(Mailbox{Address: "zz@zz.example", Server: Server{TLS, "zz.example", 993}}); err != nil {
			return // it is there already, or the list is inline
		}
		before, _ := Parse("x.toml", []byte(src))
		if err := e.RemoveMailbox("zz@zz.example"); err != nil {
			t.Fatalf("what was added cannot be removed: %v\n%s", err, e.src)
		}
		after, err := e.Config()
		if err != nil || len(after.Mailboxes) != len(before.Mailboxes) {
			t.Fatalf("%v: %d mailboxes, were %d", err, len(after.Mailboxes), len(before.Mailboxes))
		}
		if got := strings.TrimRight(string(e.src), "\n"); got != strings.TrimRight(src, "\n") {
			t.Errorf("the file changed:\n%q\n%q", src, e.src)
		}
	})
}
