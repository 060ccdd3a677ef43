package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/zalando/go-keyring"

	"inwriting/config/oauth/oauthtest"
	"inwriting/indexer/imapsync/imaptest"
)

// user is somebody at a terminal that is none: a home, an environment, a stdin.
type user struct {
	t    *testing.T
	home string
	env  []string
	said []string // everything that was ever printed
}

func newUser(t *testing.T) *user {
	keyring.MockInit()
	return &user{t: t, home: t.TempDir()}
}

func (u *user) path(name string) string { return filepath.Join(u.home, name) }

func (u *user) read(name string) string {
	u.t.Helper()
	b, err := os.ReadFile(u.path(name))
	if err != nil {
		u.t.Fatal(err)
	}
	return string(b)
}

func (u *user) write(name, text string) {
	u.t.Helper()
	if err := os.MkdirAll(filepath.Dir(u.path(name)), 0o700); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(u.path(name), []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

const userConfig = ".config/inwriting/inwriting.toml"

func (u *user) run(stdin string, args ...string) (status int, stdout, stderr string) {
	u.t.Helper()
	var out, errb bytes.Buffer
	status = run(context.Background(), args, append([]string{"HOME=" + u.home}, u.env...), streams{strings.NewReader(stdin), &out, &errb})
	u.said = append(u.said, out.String(), errb.String())
	return status, out.String(), errb.String()
}

// must runs a command that ends with that status.
func (u *user) must(want int, stdin string, args ...string) (stdout, stderr string) {
	u.t.Helper()
	status, out, errs := u.run(stdin, args...)
	if status != want {
		u.t.Fatalf("%s: status %d, want %d\n%s%s", strings.Join(args, " "), status, want, out, errs)
	}
	return out, errs
}

// kept checks that no secret was printed or lies in a file in the clear.
func (u *user) kept(secrets ...string) {
	u.t.Helper()
	for _, s := range secrets {
		for _, said := range u.said {
			if strings.Contains(said, s) {
				u.t.Errorf("a secret was printed:\n%s", said)
			}
		}
		err := filepath.WalkDir(u.home, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(s)) {
				u.t.Errorf("a secret lies in %s", path)
			}
			return nil
		})
		if err != nil {
			u.t.Error(err)
		}
	}
}

// A mailbox is added, tested, given another password and removed without a
// terminal; the configuration keeps what its owner wrote.
func TestMailboxAddLoginRemove(t *testing.T) {
	for _, keep := range []string{"keyring", "sealed"} {
		t.Run(keep, func(t *testing.T) {
			u := newUser(t)
			s := imaptest.Dovecot(t)
			s.Password = "pass" // as Dovecot knows it
			if err := s.MakeFolder("user", "Gesendet"); err != nil {
				t.Fatal(err)
			}
			if err := s.Deliver("user", "INBOX", invented(1)); err != nil {
				t.Fatal(err)
			}
			server := "insecure://" + s.Addr
			u.write(userConfig, "# mine\nme = [\"hello@deskandco.example\"] # us\n")
			add := []string{"mailbox", "add", "nora@deskandco.example", "--server", server, "--username", "user", "--keep", keep, "--exclude", `\Junk`}
			if _, errs := u.must(2, "", add...); !strings.Contains(errs, "--password-stdin") {
				t.Errorf("no password: %s", errs)
			}
			if _, errs := u.must(6, "wr0ng-secret\n", append(add, "--password-stdin")...); !strings.Contains(errs, "AUTHENTICATIONFAILED") && !strings.Contains(errs, "two-factor") {
				t.Errorf("a wrong password: %s", errs)
			}
			if got := u.read(userConfig); strings.Contains(got, "mailbox") {
				t.Errorf("a mailbox that does not work was written down:\n%s", got)
			}
			out, errs := u.must(0, "pass\n", append(add, "--password-stdin", "--json")...)
			var d mailboxAdded
			if err := json.Unmarshal([]byte(out), &d); err != nil {
				t.Fatal(err)
			}
			if d.Schema != "inwriting.mailbox-add/v1" || d.Password != keep || d.Test == nil || !d.Test.OK || !d.Test.ReadOnly || d.Test.Sent != "Sent" && d.Test.Sent != "Gesendet" {
				t.Errorf("%+v\n%s", d, errs)
			}
			want := "# mine\nme = [\"hello@deskandco.example\"] # us\n\n[[mailbox]]\naddress = \"nora@deskandco.example\"\nserver = \"" + server + "\"\nusername = \"user\"\n" + keep + " = true\nexclude = [\"\\\\Junk\"]\n"
			if got := u.read(userConfig); got != want {
				t.Errorf("configuration:\n%s\nwant:\n%s", got, want)
			}
			if _, errs := u.must(1, "pass\n", append(add, "--password-stdin")...); !strings.Contains(errs, "already") {
				t.Errorf("twice: %s", errs)
			}
			if out, _ := u.must(0, "", "mailbox", "list"); !strings.Contains(out, "password: "+keep) {
				t.Error(out)
			}
			if out, _ := u.must(0, "", "mailbox", "test"); !strings.Contains(out, "read-only session confirmed") {
				t.Error(out)
			}
			u.must(0, "", "sync")
			// A password that does not work leaves the one that does.
			if _, errs := u.must(6, "wr0ng-secret\n", "mailbox", "login", "nora@deskandco.example", "--password-stdin"); !strings.Contains(errs, "hint:") {
				t.Error(errs)
			}
			u.must(0, "", "mailbox", "test")
			u.must(0, "pass\n", "mailbox", "login", "nora@deskandco.example", "--password-stdin")
			if _, errs := u.must(2, "", "mailbox", "remove", "nora@deskandco.example"); !strings.Contains(errs, "--yes") {
				t.Error(errs)
			}
			u.must(0, "", "mailbox", "remove", "nora@deskandco.example", "--yes")
			if got := u.read(userConfig); got != "# mine\nme = [\"hello@deskandco.example\"] # us\n" {
				t.Errorf("after remove:\n%s", got)
			}
			if out, _ := u.must(0, "", "search", "Vienna"); !strings.Contains(out, "Vienna") {
				t.Errorf("what was collected is gone: %s", out)
			}
			u.kept("wr0ng-secret")
		})
	}
}

func TestInit(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	for i := range 3 {
		if err := s.Deliver("user", "INBOX", invented(i)); err != nil {
			t.Fatal(err)
		}
	}
	u.env = []string{"INWRITING_PASSWORD=" + s.Password}
	if _, errs := u.must(2, "", "init"); !strings.Contains(errs, "inwriting init ADDRESS") {
		t.Error(errs)
	}
	if _, errs := u.must(2, "", "init", "nora@deskandco.example"); !strings.Contains(errs, "--discover") {
		t.Error(errs)
	}
	if _, errs := u.must(1, "", "init", "nora@tuta.com"); !strings.Contains(errs, "offers no IMAP") || !strings.Contains(errs, "inwriting import") {
		t.Error(errs)
	}
	if _, errs := u.must(2, "", "init", "nora@hotmail.com"); !strings.Contains(errs, "inwriting help outlook") {
		t.Error(errs)
	}
	args := []string{"init", "nora@deskandco.example", "--server", "insecure://" + s.Addr, "--username", "user", "--me", "billing@deskandco.example", "--timezone", "Europe/London"}
	out, _ := u.must(0, "", append(args, "--read", "--json")...)
	var d initDoc
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	if d.Sync == nil || len(d.Sync.Mailboxes) != 1 || d.Sync.Mailboxes[0].New != 3 || len(d.Me) != 2 || d.Test == nil || !d.Test.OK {
		t.Errorf("%s", out)
	}
	before := u.read(userConfig)
	if !strings.Contains(before, "timezone = \"Europe/London\"") {
		t.Error(before)
	}
	u.must(0, "", append(args, "--no-read")...)
	if got := u.read(userConfig); got != before {
		t.Errorf("a second time changed the file:\n%s", got)
	}
}

// Tokens: an application of its own, a command, and a token that is revoked.
func TestOAuth(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	as := oauthtest.New(t)
	as.User, as.Secret = "user", "s3cret-of-the-app"
	if err := s.TakeTokens(as.URL + "/introspect"); err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver("user", "INBOX", invented(1)); err != nil {
		t.Fatal(err)
	}
	server := "insecure://" + s.Addr
	oauth := []string{"--server", server, "--username", "user", "--oauth", as.URL, "--oauth-client", as.Client}
	if _, errs := u.must(6, "wr0ng-secret\n", append([]string{"mailbox", "add", "app@deskandco.example", "--oauth-flow", "app", "--password-stdin", "--keep", "sealed"}, oauth...)...); !strings.Contains(errs, "AADSTS7000215") {
		t.Errorf("a wrong secret: %s", errs)
	}
	u.must(0, "s3cret-of-the-app\n", append([]string{"mailbox", "add", "app@deskandco.example", "--oauth-flow", "app", "--password-stdin", "--keep", "sealed"}, oauth...)...)
	u.must(0, "", "sync")
	u.must(0, "", "mailbox", "add", "command@deskandco.example", "--server", server, "--username", "user", "--token-command", "echo "+as.Last())
	out, errs := u.must(0, "", "sync", "--json")
	if !strings.Contains(out, `"command@deskandco.example","state":"up to date"`) {
		t.Errorf("%s%s", out, errs)
	}
	as.Revoke()
	out, _ = u.must(6, "", "sync", "--json")
	if !strings.Contains(out, `"command@deskandco.example","state":"sign-in refused"`) {
		t.Errorf("a revoked token: %s", out)
	}
	// The refused token of the application was forgotten, another one is fetched.
	out, _ = u.must(6, "", "sync", "--json")
	if !strings.Contains(out, `"app@deskandco.example","state":"up to date"`) {
		t.Errorf("after a revoked token: %s", out)
	}
	u.kept("wr0ng-secret", "s3cret-of-the-app")
}

// The device flow signs in while somebody types the code in elsewhere.
func TestOAuthDevice(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	as := oauthtest.New(t)
	as.User = "user"
	if err := s.TakeTokens(as.URL + "/introspect"); err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver("user", "INBOX", invented(1)); err != nil {
		t.Fatal(err)
	}
	screen := &typist{server: as}
	login := func(args ...string) (int, string) {
		screen.Reset()
		status := run(context.Background(), args, []string{"HOME=" + u.home}, streams{strings.NewReader(""), &bytes.Buffer{}, screen})
		u.said = append(u.said, screen.String())
		return status, screen.String()
	}
	status, said := login("mailbox", "add", "nora@deskandco.example", "--server", "insecure://"+s.Addr, "--username", "user",
		"--oauth", as.URL, "--oauth-client", as.Client, "--oauth-flow", "device", "--keep", "sealed")
	if status != 0 || !strings.Contains(said, "Signed in; the token is kept.") {
		t.Fatalf("%d: %s", status, said)
	}
	u.must(0, "", "sync")
	as.Revoke()
	u.run("", "sync")
	if out, _ := u.must(6, "", "sync", "--json"); !strings.Contains(out, "sign-in refused") || !strings.Contains(out, "inwriting mailbox login nora@deskandco.example") {
		t.Errorf("revoked: %s", out)
	}
	if status, said := login("mailbox", "login", "nora@deskandco.example"); status != 0 {
		t.Fatalf("%d: %s", status, said)
	}
	u.must(0, "", "sync")
	u.kept("refresh-", "access-")
}

// typist is the user's screen and the user, who types in the code.
type typist struct {
	bytes.Buffer
	server *oauthtest.Server
}

func (s *typist) Write(b []byte) (int, error) {
	n, err := s.Buffer.Write(b)
	for _, w := range strings.Fields(string(b)) {
		s.server.Approve(w)
	}
	return n, err
}

// mailserver starts a mail server for a script, which finds it at $MAILSERVER; the
// user is "user", the password "pass".
func mailserver(ts *testscript.TestScript, neg bool, args []string) {
	dir, err := imaptest.TempDir("dovecot")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	s, err := imaptest.StartDovecot(dir)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	for n := range 3 {
		ts.Check(s.Deliver("user", "INBOX", invented(n)))
	}
	ts.Setenv("MAILSERVER", "insecure://"+s.Addr)
}

// A client's mailbox is read by the client's permission, which the vault keeps; who
// writes from it is the client and not us.
func TestClientsMailbox(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	if err := s.Deliver("user", "INBOX", invented(1)); err != nil {
		t.Fatal(err)
	}
	u.env = []string{"INWRITING_PASSWORD=" + s.Password}
	u.write(userConfig, "me = [\"nora@deskandco.example\"]\n[[client]]\nname = \"Hale Architects\"\ndomains = [\"other.example\"]\n")
	u.write("permission.txt", "You may read my mailbox. Martin Hale\n")
	add := []string{"mailbox", "add", "martin@halearchitects.example", "--server", "insecure://" + s.Addr, "--username", "user", "--keep", "sealed", "--of", "hale architects"}
	u.must(2, "", add...)
	u.must(2, "", append(add, "--permission", u.path("none.txt"))...)
	u.must(2, "", "mailbox", "add", "x@y.example", "--server", "insecure://"+s.Addr, "--of", "Nobody", "--permission", u.path("permission.txt"))
	u.must(0, "", append(add, "--permission", u.path("permission.txt"))...)
	u.must(0, "", "sync")
	out, _ := u.must(0, "", "search", "Vienna", "--json")
	if !strings.Contains(out, `"address":"martin@halearchitects.example","role":"client"`) {
		t.Errorf("who wrote: %s", out)
	}
	if b := u.read(".local/share/inwriting/ledger/entries.jsonl"); !strings.Contains(b, "processor") {
		t.Error("the ledger does not tell the permission")
	}
	if err := os.Remove(u.path("permission.txt")); err != nil {
		t.Fatal(err)
	}
	u.must(6, "", "sync")
	u.must(0, "", "verify", "--archive")
}

// A mailbox that is refused is told once it has been so long enough, once, and once
// more when it is over.
func TestAlerts(t *testing.T) {
	u := newUser(t)
	s := imaptest.Dovecot(t)
	u.write("password", "wr0ng-secret\n")
	u.write(userConfig, "[[mailbox]]\naddress = \"nora@deskandco.example\"\nusername = \"user\"\nserver = \"insecure://"+s.Addr+"\"\npassword_file = \""+u.path("password")+"\"\n"+
		"[[alert]]\nafter = \"1h\"\ncommand = 'echo \"$INWRITING_SUBJECT\" >> \""+u.path("told")+"\"'\n[[alert]]\ncommand = \"exit 1\"\n")
	told := func() string {
		b, _ := os.ReadFile(u.path("told"))
		return string(b)
	}
	clock := time.Now()
	now = func() time.Time { return clock }
	defer func() { now = time.Now }()
	u.must(6, "", "sync")
	clock = clock.Add(59 * time.Minute)
	u.must(6, "", "sync")
	if got := told(); got != "" {
		t.Errorf("too early: %s", got)
	}
	clock = clock.Add(time.Minute)
	u.must(6, "", "sync")
	clock = clock.Add(time.Hour)
	u.must(6, "", "sync")
	want := "inwriting cannot read nora@deskandco.example: sign-in refused\n"
	if got := told(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	u.write("password", s.Password+"\n")
	u.must(0, "", "sync")
	u.must(0, "", "sync")
	if got := told(); got != want+"inwriting reads nora@deskandco.example again\n" {
		t.Errorf("told %q", got)
	}
	if out, _ := u.must(1, "", "config", "alert"); !strings.Contains(out, "ok    command") || !strings.Contains(out, "fail  command") {
		t.Errorf("a trial: %s", out)
	}
	if out, _ := u.must(0, "", "config", "show"); !strings.Contains(out, "command after 1h0m0s") || strings.Contains(out, "told") {
		t.Errorf("settings: %s", out)
	}
}

// A message whose octets in the archive were changed comes again from its mailbox,
// with the octets that were sealed and no others.
func TestRefetch(t *testing.T) {
	m := newMailbox(t)
	for n := range 5 {
		if err := m.Deliver(m.User, "INBOX", invented(n)); err != nil {
			t.Fatal(err)
		}
	}
	m.sync()
	segment := filepath.Join(m.data, "archive", "000001.tar.zst")
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0x55
	os.Chmod(segment, 0o600)
	if err := os.WriteFile(segment, b, 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := m.run("verify", "--archive")
	if status != 4 {
		t.Fatalf("damage is not seen: %d\n%s%s", status, out, errs)
	}
	if status, out, errs = m.run("mailbox", "refetch", "--json"); status != 0 || !strings.Contains(out, `"schema":"inwriting.refetch/v1"`) || !strings.Contains(out, `"left":[]`) {
		t.Fatalf("refetch: %d\n%s%s", status, out, errs)
	}
	if status, out, errs = m.run("verify", "--archive"); status != 0 {
		t.Errorf("after refetch: %d\n%s%s", status, out, errs)
	}
	if status, _, errs = m.run("mailbox", "refetch"); status != 0 || !strings.Contains(errs, "nothing is damaged") {
		t.Errorf("a second time: %d %s", status, errs)
	}
	if files, _ := filepath.Glob(filepath.Join(m.data, "damaged", "*")); len(files) == 0 {
		t.Error("the damaged octets were not set aside")
	}
	// A vault made again from archive and ledger is the same.
	if status, _, errs = m.run("rebuild", "catalog"); status != 0 {
		t.Errorf("rebuild: %s", errs)
	}
	if status, out, errs = m.run("verify", "--archive"); status != 0 {
		t.Errorf("after rebuild: %d\n%s%s", status, out, errs)
	}
	blobs, live := m.kept()
	if blobs != 5 || len(live) != 5 {
		t.Errorf("%d messages, %d live", blobs, len(live))
	}
}

// What is older than a mailbox is to be read from is counted and not fetched; when
// the day is moved back it is fetched.
func TestSince(t *testing.T) {
	m := newMailbox(t)
	for n := range 6 {
		if err := m.Deliver(m.User, "INBOX", invented(n)); err != nil { // a second apart, from 14 November 2023 22:13:21 UTC on
			t.Fatal(err)
		}
	}
	file := func() string {
		b, err := os.ReadFile(m.config)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	whole := "timezone = \"UTC\"\n" + file()
	m.write("inwriting.toml", whole+"since = 2023-11-15\n")
	if r := m.sync(); r.Mailboxes[0].New != 0 || r.Mailboxes[0].State != "up to date" {
		t.Errorf("%+v", r.Mailboxes[0])
	}
	status, out, errs := m.run("status", "--json")
	if status != 0 || !strings.Contains(out, `"left_out":6`) || !strings.Contains(out, `"state":"up to date"`) {
		t.Errorf("status: %d %s%s", status, out, errs)
	}
	if _, out, _ := m.run("status"); !strings.Contains(out, "6 older messages left out") {
		t.Errorf("status: %s", out)
	}
	m.sync() // nothing changed
	m.write("inwriting.toml", whole+"since = 2023-11-14\n")
	if r := m.sync(); r.Mailboxes[0].New != 6 {
		t.Errorf("moved back: %+v", r.Mailboxes[0])
	}
	// What is kept stays when the day moves on.
	m.write("inwriting.toml", whole+"since = 2023-11-16\n")
	if r := m.sync(); r.Mailboxes[0].New != 0 || r.Mailboxes[0].Gone != 0 {
		t.Errorf("moved on: %+v", r.Mailboxes[0])
	}
	blobs, live := m.kept()
	if blobs != 6 || len(live) != 6 {
		t.Errorf("%d messages, %d live", blobs, len(live))
	}
	b, err := os.ReadFile(filepath.Join(m.data, "ledger", "entries.jsonl"))
	if err != nil || strings.Count(string(b), `"type":"config"`) != 3 {
		t.Errorf("the ledger tells %d changes: %v", strings.Count(string(b), `"type":"config"`), err)
	}
}

// A message that was converted says so wherever it is shown.
func TestConvertedIsSaid(t *testing.T) {
	u := newUser(t)
	u.must(0, "", "import", "../../indexer/outlook/testdata/invented.msg", "--mailbox", "nora@deskandco.example")
	for range 2 {
		out, _ := u.must(0, "", "search", "flight", "--messages", "--json")
		_, rest, ok := strings.Cut(out, `"ref":"`)
		if !ok {
			t.Fatal(out)
		}
		ref, _, _ := strings.Cut(rest, `"`)
		if out, _ = u.must(0, "", "show", ref); !strings.Contains(out, "converted from Outlook's .msg by inwriting/outlook 1") || !strings.Contains(out, "kept too") {
			t.Errorf("%s", out)
		}
		u.must(0, "", "verify", "--archive")
		u.must(0, "", "rebuild", "catalog") // the ledger says it again
	}
}
