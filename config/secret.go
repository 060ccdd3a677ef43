package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"inwriting/config/secret"
)

const hidden = "(hidden)"

// Secret is a password that does not print: every verb of fmt, every encoder
// that asks for text, and slog see "(hidden)". Only Reveal gives it away.
type Secret struct{ v string }

// NewSecret wraps s.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal returns the secret itself. The caller hands it to the server and to
// nobody else.
func (s Secret) Reveal() string { return s.v }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.v == "" }

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, hidden) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }

// ErrNoPassword means that nothing says where a mailbox's password is.
var ErrNoPassword = errors.New("no password")

// commandTime is how long a password command may take: a password manager may
// have to ask a person.
const commandTime = 30 * time.Second

// Password fetches the password of the mailbox with that address. The
// environment comes first (getenv is os.Getenv; nil means none):
// INWRITING_PASSWORD_<ADDRESS>, the address in capitals with every character
// but letters and digits as "_", then INWRITING_PASSWORD when it is the only
// mailbox, so that one account's password never goes to another's server. Then
// what the mailbox says: file, command, keyring, sealed file or credential. Nothing is kept between
// calls. The error never holds the password; it is ErrNoPassword when no source
// is named or holds one.
func (c *Config) Password(ctx context.Context, address string, getenv func(string) string) (Secret, error) {
	m, ok := c.Mailbox(address)
	if !ok {
		return Secret{}, fmt.Errorf("fetching the password of %q: no such mailbox is configured", address)
	}
	if getenv != nil {
		if v := getenv(PasswordEnv(m.Address)); v != "" {
			return Secret{v}, nil
		}
		if v := getenv("INWRITING_PASSWORD"); v != "" && len(c.Mailboxes) == 1 {
			return Secret{v}, nil
		}
	}
	var s Secret
	var err error
	store, name := c.Store(m, getenv)
	switch {
	case m.PasswordFile != "":
		s, err = passwordFile(c.resolve(m.PasswordFile))
	case m.PasswordCommand != "":
		s, err = runCommand(ctx, "password_command", m.PasswordCommand)
	case store != nil:
		s.v, err = store.Get(ctx, name)
	case m.Credential != "":
		dir := ""
		if getenv != nil {
			dir = getenv("CREDENTIALS_DIRECTORY")
		}
		s.v, err = secret.Credential(dir, m.Credential)
	default:
		err = fmt.Errorf("%w: set password_file, password_command, keyring, sealed or credential, or %s in the environment", ErrNoPassword, PasswordEnv(m.Address))
	}
	if errors.Is(err, secret.ErrNotFound) {
		err = fmt.Errorf("%w: %w", ErrNoPassword, err)
	} else if err == nil && s.IsZero() {
		err = fmt.Errorf("%w: what is kept is empty", ErrNoPassword)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("fetching the password of %s: %w", m.Address, err)
	}
	return s, nil
}

// RelayPassword fetches the password of an alert's relay, from where the alert says
// it is, or from INWRITING_PASSWORD_<ADDRESS> of MailFrom.
func (c *Config) RelayPassword(ctx context.Context, a Alert, getenv func(string) string) (Secret, error) {
	relay := *c
	relay.Mailboxes = []Mailbox{{Address: a.MailFrom, PasswordFile: a.PasswordFile, PasswordCommand: a.PasswordCommand, Keyring: a.Keyring}}
	env := func(key string) string {
		if getenv == nil || key == "INWRITING_PASSWORD" { // that is a mailbox's
			return ""
		}
		return getenv(key)
	}
	return relay.Password(ctx, a.MailFrom, env)
}

// PasswordEnv returns the environment variable that holds the password of one
// mailbox: "nora@deskandco.example" is INWRITING_PASSWORD_NORA_DESKANDCO_EXAMPLE.
func PasswordEnv(address string) string {
	return "INWRITING_PASSWORD_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, address)
}

func passwordFile(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("reading password_file: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return Secret{}, fmt.Errorf("reading password_file: %w", err)
	}
	if fi.IsDir() {
		return Secret{}, fmt.Errorf("reading password_file %q: it is a folder", path)
	}
	// Group-readable is how secrets are mounted for services; everybody is nobody's intention.
	if runtime.GOOS != "windows" && fi.Mode().IsRegular() && fi.Mode().Perm()&0o004 != 0 {
		return Secret{}, fmt.Errorf("reading password_file %q: everybody on this machine can read it (mode %v): chmod 600 %q: %w",
			path, fi.Mode().Perm(), path, fs.ErrPermission)
	}
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return Secret{}, fmt.Errorf("reading password_file: %w", err)
	}
	s := firstLine(b)
	if s.IsZero() {
		return Secret{}, fmt.Errorf("reading password_file %q: its first line is empty", path)
	}
	return s, nil
}

func runCommand(ctx context.Context, name, command string) (Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command)
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{b: &out}, &limited{b: &errs}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		// What the command says is worth showing, what it prints on stdout never is.
		// Neither is the command itself: it may hold the password.
		if said := strings.TrimSpace(errs.String()); said != "" {
			return Secret{}, fmt.Errorf("running %s: %w: %.200q", name, err, said)
		}
		return Secret{}, fmt.Errorf("running %s: %w", name, err)
	}
	s := firstLine(out.Bytes())
	if s.IsZero() {
		return Secret{}, fmt.Errorf("running %s: it printed nothing", name)
	}
	return s, nil
}

// Store returns where the password of m is kept and can be replaced, and under
// which name: the keyring or the sealed file; nil when m says neither.
func (c *Config) Store(m Mailbox, getenv func(string) string) (secret.Store, string) {
	switch {
	case m.Keyring:
		return secret.Keyring{}, m.Address
	case m.Sealed:
		return c.Sealed(getenv), m.Address
	}
	return nil, ""
}

// Sealed returns the encrypted file of secrets, which lies beside the
// configuration file. Its key is in the file that INWRITING_SECRETS_KEY names, or
// the systemd credential "inwriting-secrets-key", or else lies beside it.
func (c *Config) Sealed(getenv func(string) string) secret.Sealed {
	s := secret.Sealed{Dir: filepath.Dir(c.file)}
	if getenv == nil {
		return s
	}
	s.Key = getenv("INWRITING_SECRETS_KEY")
	if dir := getenv("CREDENTIALS_DIRECTORY"); s.Key == "" && dir != "" {
		if path := filepath.Join(dir, "inwriting-secrets-key"); fileExists(path) {
			s.Key = path
		}
	}
	return s
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Path returns a path of the configuration, resolved against the file's folder.
func (c *Config) Path(path string) string { return c.resolve(path) }

// firstLine takes the line end off and nothing else: a password may begin or
// end with a space.
func firstLine(b []byte) Secret {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return Secret{string(bytes.TrimSuffix(line, []byte("\r")))}
}

// limited keeps the first 64 KB and swallows the rest.
type limited struct{ b *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := 64<<10 - l.b.Len(); room > 0 {
		l.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
