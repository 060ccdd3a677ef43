package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zalando/go-keyring"
)

func TestExample(t *testing.T) {
	c, err := Parse("inwriting.example.toml", Example)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Us(), []string{"nora@deskandco.example", "hello@deskandco.example", "billing@deskandco.example"}; !cmp.Equal(got, want) {
		t.Errorf("Us() = %q, want %q", got, want)
	}
	want := []Mailbox{
		{Address: "nora@deskandco.example", Server: Server{TLS, "imap.deskandco.example", 993}, PasswordFile: "nora.password"},
		{Address: "billing@deskandco.example", Server: Server{StartTLS, "imap.deskandco.example", 143}, Username: "billing",
			PasswordCommand: "pass show mail/billing", Exclude: []string{"Spam", "Lists/*"}, Every: Duration(time.Hour)},
	}
	if d := cmp.Diff(want, c.Mailboxes); d != "" {
		t.Errorf("mailboxes (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]Party{{Name: "Alpenair", Domains: []string{"alpenair.example"}}}, c.Others); d != "" {
		t.Errorf("others (-want +got):\n%s", d)
	}
	if loc, err := c.Location(); err != nil || loc.String() != "Europe/London" {
		t.Errorf("Location() = %v, %v", loc, err)
	}
	if a, b := c.Interval(c.Mailboxes[0]), c.Interval(c.Mailboxes[1]); a != 5*time.Minute || b != time.Hour {
		t.Errorf("intervals %v and %v", a, b)
	}
	if a, b := c.Mailboxes[0].User(), c.Mailboxes[1].User(); a != "nora@deskandco.example" || b != "billing" {
		t.Errorf("users %q and %q", a, b)
	}
}

func TestDefault(t *testing.T) {
	c, err := Parse("x.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8417" || c.Interval(Mailbox{}) != 5*time.Minute || c.DataDir() != "" {
		t.Errorf("defaults: %+v", c)
	}
	if err := Default().Validate(); err != nil {
		t.Errorf("Default is not valid: %v", err)
	}
}

// The refusal of a misspelt key is the one that design/cli.md ends with.
func TestExcerpt(t *testing.T) {
	in := "me = [\"nora@deskandco.example\"]\n\n[[mailbox]]\naddress = \"nora@deskandco.example\"\nsever = \"imap.deskandco.example\"\n"
	want := `bad.toml:5:1: unknown setting "sever" in [[mailbox]]; did you mean "server"?
   4 | address = "nora@deskandco.example"
   5 | sever = "imap.deskandco.example"
     | ^^^^^`
	_, err := Parse("bad.toml", []byte(in))
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if !errors.Is(err, ErrInvalid) {
		t.Error("the error is not ErrInvalid")
	}
}

// The address of a webhook is a secret, and so is not repeated.
func TestExcerptOfAWebhook(t *testing.T) {
	_, err := Parse("f.toml", []byte("[[alert]]\nwebhook = \"http://hooks.example/hunter2\"\n"))
	if err == nil || !strings.Contains(err.Error(), "f.toml:2:") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

const box = "[[mailbox]]\naddress = \"n@x.example\"\nserver = \"s.x.example:993\"\n"

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string // "line:column: words", one a problem
	}{
		{"unknown at the top", "lisen = \"x\"\n", []string{`1:1: unknown setting "lisen"; did you mean "listen"?`}},
		{"unknown and like nothing", "colour = 1\n", []string{`1:1: unknown setting "colour"; known here: alert, client, data`}},
		{"unknown section", "[[clent]]\nname = \"x\"\n", []string{`1:3: unknown setting "clent"; did you mean "client"?`}},
		{"neighbours swapped", box + "usernmae = \"x\"\n", []string{`4:1: unknown setting "usernmae" in [[mailbox]]; did you mean "username"?`}},
		{"a longer word", box + "exclude_folders = []\n", []string{`4:1: unknown setting "exclude_folders" in [[mailbox]]; did you mean "exclude"?`}},
		{"all at once, in order", "listen = \"0.0.0.0:1\"\ntimezone = \"Mars\"\nfoo_bar = 1\n" + box + "every = \"1ms\"\n",
			[]string{"1:10: listen: \"0.0.0.0\" is not a loopback", "2:12: timezone: unknown zone \"Mars\"", "3:1: unknown setting", "7:9: every: 1ms is too short"}},
		{"syntax", "me = [\"a@x.example\"\nlisten = 1\n", []string{"2:1: "}},
		{"twice", "listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n", []string{"2:1: "}},
		{"not UTF-8", "me = [\"\xff\"]\n", []string{"1:8: "}},
		{"types", "me = \"a@x.example\"\nlisten = 5\nevery = 5\n", []string{"1:6: me: want a list", "2:10: listen: want text in quotes, got a number", "3:9: every: want text in quotes"}},
		{"type in a list", "me = [1, \"a@x.example\"]\n", []string{"1:7: me: want text in quotes, got a number"}},
		{"type of a flag", box + "keyring = \"yes\"\n", []string{"4:11: keyring: want true or false, got text"}},
		{"authority's name", "[[timestamp]]\nname = \"Free TSA\"\nurl = \"https://tsa.example/\"\n", []string{`2:8: timestamp: "Free TSA" is not a name for files`}},
		{"authority's address", "[[timestamp]]\nname = \"one\"\nurl = \"tsa.example\"\n", []string{`3:7: url: "tsa.example" is not where requests can be sent`}},
		{"authority twice", "[[timestamp]]\nname = \"one\"\nurl = \"https://tsa.example/\"\n[[timestamp]]\nname = \"one\"\nurl = \"https://tsa.example/\"\n", []string{`5:8: timestamp: there are two of the name "one"`}},
		{"duration", "every = \"5 minutes\"\n", []string{`1:9: every: "5 minutes" is not a duration`}},
		{"one bracket", "[mailbox]\naddress = \"n@x.example\"\n", []string{"1:2: mailbox: there may be several, so each begins with [[mailbox]]"}},
		{"password in the file", box + "password = \"hunter2\"\n", []string{`4:1: "password" in [[mailbox]]: a password does not belong in this file`}},
		{"oauth", box + "oauth = true\n", []string{"4:9: oauth: want text in quotes, got true or false"}},
		{"oauth without the rest", box + "oauth = \"microsoft\"\n", []string{"1:3: mailbox \"n@x.example\" has no oauth_client", "4:9: mailbox \"n@x.example\" has nowhere to keep its token"}},
		{"a client's mailbox", box + "role = \"client\"\n", []string{"1:3: mailbox \"n@x.example\" is a client's, but client = \"\" is the name of none"}},
		{"authority of a stranger", "[[client]]\nname = \"A\"\ndomains = [\"a.example\"]\n[[client.authority]]\naddress = \"b@b.example\"\n", []string{"5:11: authority: \"b@b.example\" is neither"}},
		{"two alerts in one", "[[alert]]\ncommand = \"x\"\nwebhook = \"https://x.example/\"\n", []string{"1:3: [[alert]] wants one of"}},
		{"a token in the file", box + "token = \"x\"\n", []string{"4:1: \"token\" in [[mailbox]]: a token does not belong"}},
		{"two places for a password", box + "password_file = \"a\"\nkeyring = true\n", []string{"5:11: mailbox \"n@x.example\" names two places"}},
		{"no address, no server", "[[mailbox]]\nusername = \"x\"\n", []string{"1:3: [[mailbox]] has no address", "1:3: mailbox \"\" has no server"}},
		{"twice the same mailbox", box + strings.ToUpper(box[:11]) + "\n", []string{"4:3: unknown setting \"MAILBOX\"; did you mean \"mailbox\"?"}},
		{"the same mailbox twice", box + strings.Replace(box, "n@x", "N@x", 1), []string{"5:11: mailbox \"N@x.example\" is configured twice"}},
		{"bad addresses", "me = [\"nora\", \"Nora <n@x.example>\"]\n", []string{"1:7: me: \"nora\" is not a mail address", "1:15: me: \"Nora <n@x.example>\" is not a mail address"}},
		{"us and client", "me = [\"n@x.example\"]\n[[client]]\nname = \"X\"\naddresses = [\"N@X.example\"]\n", []string{`4:14: "N@X.example" already belongs to us`}},
		{"two clients", "[[client]]\nname = \"A\"\ndomains = [\"x.example\"]\n[[other]]\nname = \"B\"\ndomains = [\"@x.example\"]\n", []string{`6:12: "@x.example" already belongs to client "A"`}},
		{"nobody", "[[client]]\n", []string{"1:3: [[client]] has no name", `1:3: [[client]] "" has neither`}},
		{"bad domain", "[[client]]\nname = \"A\"\ndomains = [\"a@b.example\", \"x y\"]\n", []string{"3:12: domains: \"a@b.example\"", "3:27: domains: \"x y\""}},
		{"insecure", strings.Replace(box, "s.x.example:993", "insecure://s.x.example:143", 1), []string{"3:10: server: without encryption"}},
		{"listen", "listen = \"8417\"\n", []string{"1:10: listen: \"8417\" is not host:port"}},
		{"listen on a name", "listen = \"desk.example:80\"\n", []string{"1:10: listen: \"desk.example\" is not a loopback"}},
		{"listen on all", "listen = \":8417\"\n", []string{"1:10: listen: \"\" is not a loopback"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f.toml", []byte(tt.in))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if len(e.Problems) != len(tt.want) {
				t.Fatalf("%d problems, want %d:\n%v", len(e.Problems), len(tt.want), err)
			}
			for i, p := range e.Problems {
				if got := p.String(); !strings.HasPrefix(got, "f.toml:"+tt.want[i]) {
					t.Errorf("problem %d:\n%s\nwant it to begin with %s", i, got, tt.want[i])
				}
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	for _, in := range []string{
		"listen = \"[::1]:0\"\n", "listen = \"localhost:80\"\n",
		"mailbox = [{ address = \"n@x.example\", server = \"x.example\" }]\n",
		box + "exclude = []\n", "\"me\" = []\n",
		"[[client]]\nname = \"A\"\naddresses = [\"a@x.example\"]\ndomains = [\"x.example\"]\n",
		"[[client]]\nname = \"A\"\ndomains = [\"müller.example\"]\n",
	} {
		if _, err := Parse("f.toml", []byte(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestServer(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Server
		bad  string
	}{
		{"imap.x.example:993", Server{TLS, "imap.x.example", 993}, ""},
		{"imap.x.example", Server{TLS, "imap.x.example", 993}, ""},
		{"tls://imap.x.example:10993", Server{TLS, "imap.x.example", 10993}, ""},
		{"starttls://imap.x.example", Server{StartTLS, "imap.x.example", 143}, ""},
		{"insecure://127.0.0.1:1143", Server{Insecure, "127.0.0.1", 1143}, ""},
		{"insecure://localhost:1143", Server{Insecure, "localhost", 1143}, ""},
		{"insecure://[::1]:1143", Server{Insecure, "::1", 1143}, ""},
		{"[2001:db8::1]:993", Server{TLS, "2001:db8::1", 993}, ""},
		{"2001:db8::1", Server{TLS, "2001:db8::1", 993}, ""},
		{"insecure://10.0.0.1:143", Server{}, "only for loopback"},
		{"insecure://127.0.0.1.x.example:143", Server{}, "only for loopback"},
		{"imap://x.example", Server{}, "unknown scheme"},
		{"x.example:0", Server{}, "port"}, {"x.example:imap", Server{}, "port"}, {"x.example:65536", Server{}, "port"}, {"x.example:", Server{TLS, "x.example", 993}, ""},
		{"", Server{}, "names no host"}, {":993", Server{}, "names no host"},
		{"x.example/inbox", Server{}, "not a host name"}, {"x..example", Server{}, "not a host name"}, {"-x.example", Server{}, "not a host name"},
		{"nora:hunter2@x.example", Server{}, "holds an"},
	} {
		got, err := ParseServer(tt.in)
		if tt.bad != "" {
			if err == nil || !strings.Contains(err.Error(), tt.bad) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("ParseServer(%q) = %v, want an error that says %q and no secret", tt.in, err, tt.bad)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("ParseServer(%q) = %+v, %v", tt.in, got, err)
		}
		if again, err := ParseServer(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q, which reads as %+v, %v", tt.in, got, again, err)
		}
	}
}

func TestExcluded(t *testing.T) {
	m := Mailbox{Exclude: []string{"Spam", "Lists/*", "*.old", "inbox", "a*b*c"}}
	for folder, want := range map[string]bool{"Spam": true, "spam": false, "Lists/go": true, "Lists/a/b": true, "Lists": false, "x.old": true, "INBOX": true, "Inbox": true, "abc": true, "axbxc": true, "acb": false, "Sent": false} {
		if got := m.Excluded(folder); got != want {
			t.Errorf("Excluded(%q) = %v", folder, got)
		}
	}
}

func TestPassword(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", " from file \r\nsecond line\n", 0o640)
	write("open", "x\n", 0o644)
	write("none", "\n", 0o600)
	if err := keyring.Set("inwriting", "k@x.example", "from keyring"); err != nil {
		t.Fatal(err)
	}
	conf := func(how string) string {
		return fmt.Sprintf("[[mailbox]]\naddress = \"k@x.example\"\nserver = \"x.example\"\n%s\n", how)
	}
	other := "[[mailbox]]\naddress = \"o@x.example\"\nserver = \"x.example\"\n"
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		name, conf string
		env        func(string) string
		want, bad  string
	}{
		{"file, relative to the configuration", conf(`password_file = "good"`), nil, " from file ", ""},
		{"file that everybody reads", conf(`password_file = "open"`), nil, "", "chmod 600"},
		{"empty file", conf(`password_file = "none"`), nil, "", "first line is empty"},
		{"missing file", conf(`password_file = "gone"`), nil, "", "gone"},
		{"folder", conf(`password_file = "."`), nil, "", "folder"},
		{"command", conf(`password_command = "printf 'from command\nrest'"`), nil, "from command", ""},
		{"command that fails", conf(`password_command = "echo hunter2; echo locked >&2; exit 3"`), nil, "", "exit status 3: \"locked\""},
		{"command that says nothing", conf(`password_command = "true"`), nil, "", "printed nothing"},
		{"keyring", conf(`keyring = true`), nil, "from keyring", ""},
		{"keyring without an entry", strings.Replace(conf(`keyring = true`), "k@", "q@", 1), nil, "", "no password"},
		{"nothing", conf(""), env(), "", "INWRITING_PASSWORD_K_X_EXAMPLE"},
		{"environment beats the file", conf(`password_file = "good"`), env("INWRITING_PASSWORD", "from env"), "from env", ""},
		{"the longer name beats the shorter", conf(""), env("INWRITING_PASSWORD", "a", "INWRITING_PASSWORD_K_X_EXAMPLE", "b"), "b", ""},
		{"one password is not for two mailboxes", conf("") + other, env("INWRITING_PASSWORD", "a"), "", "no password"},
		{"one of two by name", conf("") + other, env("INWRITING_PASSWORD_K_X_EXAMPLE", "b"), "b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (strings.Contains(tt.conf, "command") || strings.Contains(tt.conf, "open")) {
				t.Skip("needs a Unix shell and modes")
			}
			c, err := Parse(filepath.Join(dir, "inwriting.toml"), []byte(tt.conf))
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Password(context.Background(), c.Mailboxes[0].Address, tt.env)
			if tt.bad != "" {
				if err == nil || !strings.Contains(err.Error(), tt.bad) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error %v, want one that says %q and no secret", err, tt.bad)
				}
				return
			}
			if err != nil || s.Reveal() != tt.want {
				t.Errorf("got %q, %v; want %q", s.Reveal(), err, tt.want)
			}
		})
	}
	c := Default()
	if _, err := c.Password(context.Background(), "x@x.example", nil); err == nil {
		t.Error("a mailbox that is not configured has a password")
	}
}

func TestPasswordCommandCancelled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, err := Parse("f.toml", []byte(box+"password_command = \"sleep 600\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Password(ctx, "n@x.example", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// A secret shows up in no printing, encoding or logging of it or what holds it.
func TestSecret(t *testing.T) {
	s := NewSecret("hunter2")
	var out strings.Builder
	fmt.Fprintf(&out, "%v %s %q %x %X %d %+v %#v %T", s, s, s, s, s, s, s, s, s)
	fmt.Fprintf(&out, "%v %#v %+v", struct{ P Secret }{s}, &struct{ P Secret }{s}, []Secret{s})
	b, err := json.Marshal(map[string]any{"p": s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "p", s, "q", struct{ P Secret }{s})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "p", s)
	for _, bad := range []string{"hunter2", "68756e746572", "104 117"} {
		if strings.Contains(strings.ToLower(out.String()), bad) {
			t.Errorf("%q came through: %s", bad, out.String())
		}
	}
	if s.IsZero() || s.Reveal() != "hunter2" {
		t.Error("the secret itself is lost")
	}
}

func TestRedacted(t *testing.T) {
	c, err := Parse("f.toml", []byte(box+"password_command = \"echo hunter2\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%+v", c.Redacted()); strings.Contains(s, "hunter2") || !strings.Contains(s, "s.x.example:993") {
		t.Errorf("redacted: %s", s)
	}
	if c.Mailboxes[0].PasswordCommand != "echo hunter2" {
		t.Error("Redacted changed the original")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "inwriting.toml")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(path, []byte("data = \"vault\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil || c.DataDir() != filepath.Join(dir, "vault") || c.File() != path {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := Load(dir); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("a folder: %v", err)
	}
}

// FuzzParse: an answer is a valid configuration or problems that lie inside the
// file; what stands for a password in it is never repeated.
func FuzzParse(f *testing.F) {
	f.Add(string(Example))
	f.Add("me = [1]\n[mailbox]\nx.y = {a=1}\n")
	f.Add("[[client]]\nname=\"a\"\n[[client.x]]\n[[mailbox]]\nserver = 'x'\n")
	f.Add("mailbox = [{a=1},2]\n[other.x]\n")
	f.Fuzz(func(t *testing.T, in string) {
		const secret = "hUnTeR2sEcReT"
		if strings.Contains(in, "s") && len(in) < 1<<16 {
			in += "\n[[mailbox]]\npassword = \"" + secret + "\"\n"
		}
		c, err := Parse("f.toml", []byte(in))
		if err == nil {
			if err := c.Validate(); err != nil {
				t.Fatalf("parsed and not valid: %v", err)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || c != nil {
			t.Fatalf("error %T with no problems", err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Fatalf("the secret came through:\n%v", err)
		}
		lines := strings.Split(in, "\n")
		for _, p := range e.Problems {
			if p.Message == "" || p.Line < 0 || p.Line > len(lines) || p.Line > 0 && p.Column < 1 {
				t.Fatalf("problem out of the file: %+v", p)
			}
			if p.Line > 0 && p.Column > len(lines[p.Line-1])+1 {
				t.Fatalf("column %d of a line of %d octets", p.Column, len(lines[p.Line-1]))
			}
		}
	})
}
