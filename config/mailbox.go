package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mailbox is one IMAP account.
type Mailbox struct {
	// Address is the account's mail address. It names the mailbox everywhere.
	Address string `toml:"address"`

	// Server is "host:port" for TLS, "starttls://host:port", or
	// "insecure://127.0.0.1:1143", which is without encryption and therefore
	// only accepted on loopback. Without a port it is 993, else 143.
	Server Server `toml:"server"`

	// Username is what the server wants to hear when it is not the address.
	Username string `toml:"username"`

	// PasswordFile is a file whose first line is the password. A relative path
	// starts at the folder of the configuration file. A file that everybody on
	// the machine can read is refused.
	PasswordFile string `toml:"password_file"`

	// PasswordCommand is run by the shell when the password is needed; the first
	// line of its output is the password. It has 30 seconds.
	PasswordCommand string `toml:"password_command"`

	// Keyring takes the password from the system's keyring, where it is stored
	// for the service "inwriting" under the mailbox's address.
	Keyring bool `toml:"keyring"`

	// Sealed takes the password from secrets.age beside the configuration file,
	// which is encrypted to the key in secrets.key.
	Sealed bool `toml:"sealed"`

	// Credential takes the password from the systemd credential of that name, as
	// LoadCredential= gives it to a service.
	Credential string `toml:"credential"`

	// OAuth signs in with a token instead of a password: "microsoft", "google",
	// or the address of another OpenID Connect issuer. The refresh token is kept
	// where keyring or sealed says; "inwriting mailbox login" fetches it.
	OAuth string `toml:"oauth"`

	// OAuthClient is the id of the application that is registered with the issuer.
	OAuthClient string `toml:"oauth_client"`

	// OAuthTenant is the Microsoft directory: its id or domain, "organizations",
	// "consumers" for personal accounts, or "common", the default.
	OAuthTenant string `toml:"oauth_tenant"`

	// OAuthFlow is how the first token is fetched: "device", a code typed in on any
	// machine (the default with Microsoft); "browser" on this one (the default
	// else); "app" for an application of its own, whose secret is the password.
	OAuthFlow string `toml:"oauth_flow"`

	// OAuthScopes is what the token is to be good for, where it is not the issuer's
	// usual.
	OAuthScopes []string `toml:"oauth_scopes"`

	// TokenCommand is run by the shell at each sign-in; the first line of its
	// output is an access token. It has 30 seconds.
	TokenCommand string `toml:"token_command"`

	// CA is a PEM file of certificates that are trusted for this server instead
	// of the system's, as Proton Bridge needs it. Relative to the file's folder.
	CA string `toml:"ca"`

	// Include lists the only folders that are read; empty is all. Patterns and
	// names are those of Exclude.
	Include []string `toml:"include"`

	// Exclude lists folders that are not read, by their full names as the server
	// shows them, or by use as "\\Junk". "*" stands for any number of characters:
	// "Lists/*". Excluded folders are named in every answer's coverage.
	Exclude []string `toml:"exclude"`

	// Since is the first day that is read, as 2021-01-01, by when the server received
	// a message; what is older is counted in coverage and not fetched.
	Since Date `toml:"since"`

	// Only limits what is kept to mail from or to these clients and third parties, by
	// the names they have in this file; "*" stands for any number of characters. It is
	// told by the header, which is asked for first. The rest is counted in coverage
	// and not fetched; what an address that is added to one of them brings in comes
	// with the next sync. What is kept already stays. Empty keeps all.
	Only []string `toml:"only"`

	// Every overrides the setting of the same name for this mailbox.
	Every Duration `toml:"every"`

	// DailyBytes is how much mail is fetched in a day at most, as "500MB" or
	// "2GB"; the rest comes the next day. Without it the provider's own limit
	// holds where it is known.
	DailyBytes Bytes `toml:"daily_bytes"`

	// Connections is how many connections are held at once: 2, the default, one
	// for reading and one that listens for new mail, or 1, where news waits for
	// the next pass.
	Connections int `toml:"connections"`

	// Role is whose mailbox it is: "own", the default, or "client" for one that a
	// client lets us read. Its address then counts as the client's.
	Role string `toml:"role"`

	// Client names the [[client]] whose mailbox it is, with role "client".
	Client string `toml:"client"`

	// Permission is the file with the client's permission in writing, needed with
	// role "client"; its hash goes into the ledger. Relative to the file's folder.
	Permission string `toml:"permission"`

	// AllowNotReadOnly collects also where the server does not confirm that a folder
	// is open for reading only, or marks messages as read when they are fetched
	// although it is asked not to. inwriting itself never writes to a mailbox.
	AllowNotReadOnly bool `toml:"allow_not_read_only"`

	// Compress asks the server to compress what it sends, where it can. That
	// helps on lines slower than some 20 Mbit/s, and costs time on faster ones.
	Compress bool `toml:"compress"`
}

// Chosen returns the clients and third parties whose mail is kept of m; none when all
// is (see Mailbox.Only).
func (c *Config) Chosen(m Mailbox) []Party {
	var out []Party
	for _, p := range slices.Concat(c.Clients, c.Others) {
		if slices.ContainsFunc(m.Only, func(name string) bool { return wildcard(strings.ToLower(name), strings.ToLower(p.Name)) }) {
			out = append(out, p)
		}
	}
	return out
}

// User returns what to sign in as: Username, or else the address.
func (m Mailbox) User() string {
	if m.Username != "" {
		return m.Username
	}
	return m.Address
}

// Own reports whether the mailbox is ours, not a client's.
func (m Mailbox) Own() bool { return m.Role != "client" }

// Listens reports whether a second connection may wait for news.
func (m Mailbox) Listens() bool { return m.Connections != 1 }

// Flow returns OAuthFlow, or the provider's usual one; "" without OAuth.
func (m Mailbox) Flow() string {
	switch {
	case m.OAuth == "":
		return ""
	case m.OAuthFlow != "":
		return m.OAuthFlow
	case m.OAuth == "microsoft":
		return "device"
	}
	return "browser"
}

// SignIn says in a word how the mailbox is signed in to and where the secret is:
// "file", "command", "keyring", "sealed", "credential", "token command" or
// "environment"; with OAuth its name stands before it.
func (m Mailbox) SignIn() string {
	where := "environment"
	switch {
	case m.TokenCommand != "":
		return "token command"
	case m.PasswordFile != "":
		where = "file"
	case m.PasswordCommand != "":
		where = "command"
	case m.Keyring:
		where = "keyring"
	case m.Sealed:
		where = "sealed"
	case m.Credential != "":
		where = "credential"
	}
	if m.OAuth != "" {
		return m.OAuth + ", " + where
	}
	return where
}

// Excluded reports whether the folder is not to be read. INBOX is matched
// without regard to case (RFC 9051 section 5.1), every other name exactly.
func (m Mailbox) Excluded(folder string) bool {
	matches := func(p string) bool {
		return strings.EqualFold(p, "INBOX") && strings.EqualFold(folder, "INBOX") || wildcard(p, folder)
	}
	return slices.ContainsFunc(m.Exclude, matches) || len(m.Include) > 0 && !slices.ContainsFunc(m.Include, matches)
}

// wildcard matches "*" against any run of characters, the hierarchy separator
// among them: what that separator is, only the server knows.
func wildcard(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// Date is a day, written 2023-03-14, with or without quotes; zero is none.
type Date struct{ time.Time }

// String returns the form that the file uses; "" for none.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("%q is not a day; write it as 2023-03-14", b)
	}
	d.Time = t
	return nil
}

// Bytes is a number of octets, written "500MB" or "2GB" (powers of ten).
type Bytes int64

var byteUnits = []struct {
	name string
	n    int64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// String returns the form that the file uses; "" for 0.
func (n Bytes) String() string {
	if n == 0 {
		return ""
	}
	for _, u := range byteUnits {
		if int64(n)%u.n == 0 {
			return strconv.FormatInt(int64(n)/u.n, 10) + u.name
		}
	}
	return ""
}

// MarshalText implements encoding.TextMarshaler.
func (n Bytes) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Bytes) UnmarshalText(b []byte) error {
	s := strings.ToUpper(strings.ReplaceAll(string(b), " ", ""))
	for _, u := range byteUnits {
		if d, ok := strings.CutSuffix(s, u.name); ok {
			v, err := strconv.ParseInt(d, 10, 64)
			if err != nil || v <= 0 || v > (1<<62)/u.n {
				break
			}
			*n = Bytes(v * u.n)
			return nil
		}
	}
	return fmt.Errorf("%q is not an amount; write it as \"500MB\" or \"2GB\"", b)
}
