// Package config is inwriting.toml as one documented type.
//
// Each field's comment is its manual entry. Parse refuses what it does not know
// and reports every problem of a file at once, each with its place and, where
// there is one, the way out. Passwords never stand in the file: it says where
// they are, and Password fetches one when it is needed. Only cmd imports this
// package; it turns settings into each package's own options.
package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a zone that is right on one machine is right on every machine
)

// DefaultListen is where pages and API are served unless the file says otherwise.
const DefaultListen = "127.0.0.1:8417"

// DefaultEvery is how long the daemon waits between two passes over a mailbox.
const DefaultEvery = 5 * time.Minute

// Example is the shipped inwriting.example.toml, in full.
//
//go:embed inwriting.example.toml
var Example []byte

// Config is one configuration file.
type Config struct {
	// Me lists the addresses that are "us". The address of every mailbox is
	// added to it; see Us.
	Me []string `toml:"me"`

	// Timezone is the IANA name of the zone in which days are counted and times
	// are shown to people, such as "Europe/London". Empty means the machine's
	// own zone.
	Timezone string `toml:"timezone"`

	// Listen is the address of the pages and the API, "host:port". Default
	// 127.0.0.1:8417. Port 0 takes any free port. On loopback nobody has to sign in
	// until "inwriting user add" names somebody. Any other address needs TLSCert,
	// TLSKey and somebody who may sign in.
	Listen string `toml:"listen"`

	// TLSCert and TLSKey are the files, in PEM, of the certificate chain and its
	// key. A relative path starts at the folder of the configuration file. They are
	// read again on SIGHUP and when they change.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`

	// Hosts are the names under which the pages are opened, when that is not a
	// loopback address: of the certificate, or of a proxy in front. Requests for
	// other names are refused. With a name somebody has to sign in.
	Hosts []string `toml:"hosts"`

	// Data is the folder of the vault. A relative path starts at the folder of
	// the configuration file. Empty leaves the choice to the command line.
	Data string `toml:"data"`

	// Every is how long the daemon waits between two passes over a mailbox, as
	// "30s", "5m" or "1h". Default 5m, least 1s.
	Every Duration `toml:"every"`

	// Clients are the people and companies we work for.
	Clients []Party `toml:"client"`

	// Others are third parties: suppliers, carriers, agents. Who is neither
	// listed here nor above stays "unknown"; roles are never guessed.
	Others []Party `toml:"other"`

	// Mailboxes are the IMAP accounts that are read. They are only ever read.
	Mailboxes []Mailbox `toml:"mailbox"`

	// Alerts say who is told when a mailbox is not read any more. Without one
	// nothing leaves the machine.
	Alerts []Alert `toml:"alert"`

	// DKIM says whether name servers may be asked for the keys of signatures when a
	// message arrives. The domain names of senders leave the machine that way, so
	// the default is false; then signatures are "not checked".
	DKIM bool `toml:"dkim"`

	// Receivers are the servers whose Authentication-Results about a message are
	// kept as their statement, as "mx.example.com". Empty takes the topmost field of
	// a message for that of the server that it names.
	Receivers []string `toml:"receivers"`

	// Timestamps are the authorities that put an outside time on the ledger, once an
	// hour at most. Without one nothing leaves the machine.
	Timestamps []Timestamp `toml:"timestamp"`

	file  string          // where it came from; "" when it was built in code
	src   []byte          // for excerpts
	spans map[string]span // where each setting stands, by path such as "mailbox[0].server"
}

// Party is a client or third party: who they are and where they write from.
type Party struct {
	// Name is how they are named in answers.
	Name string `toml:"name"`
	// Addresses are whole mail addresses.
	Addresses []string `toml:"addresses"`
	// Domains cover every address at and below them, as "hale.example".
	Domains []string `toml:"domains"`
	// Authority says who of a client may give and change instructions, and from
	// when to when. Without one, everybody who writes for the client may.
	Authority []Authority `toml:"authority"`
}

// Authority is one person's right to speak for a client: [[client.authority]].
type Authority struct {
	// Address is whose right it is.
	Address string `toml:"address"`
	// From is the first day, To the last; empty leaves that end open.
	From Date `toml:"from"`
	To   Date `toml:"to"`
}

// Duration is a time.Duration that is written "5m" in the file.
type Duration time.Duration

// String returns the form that the file uses.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it as \"30s\", \"5m\" or \"1h\"", b)
	}
	*d = Duration(v)
	return nil
}

// Default returns the settings that hold without a file: no people, no
// mailboxes, the default address and interval.
func Default() *Config {
	return &Config{Listen: DefaultListen, Every: Duration(DefaultEvery)}
}

// Load reads and checks the file at path. The error is an *Error (see
// ErrInvalid) when the file could be read but not accepted; a file that is not
// there satisfies errors.Is(err, fs.ErrNotExist).
func Load(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
		return nil, fmt.Errorf("reading configuration %q: %w", path, err)
	}
	return Parse(path, b)
}

// File returns the name the configuration was parsed under; "" when it was
// built in code.
func (c *Config) File() string { return c.file }

// Line returns the line of the file on which a setting stands, as "listen" or
// "mailbox[0]"; 0 when the file does not set it.
func (c *Config) Line(setting string) int {
	at, ok := c.spans[setting]
	if !ok || at.start > len(c.src) {
		return 0
	}
	return 1 + bytes.Count(c.src[:at.start], []byte("\n"))
}

// Has reports whether an address is the party's.
func (p Party) Has(address string) bool {
	address = strings.ToLower(strings.TrimSpace(address))
	if slices.ContainsFunc(p.Addresses, func(a string) bool { return strings.EqualFold(a, address) }) {
		return true
	}
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(p.Domains, func(d string) bool {
		d = strings.ToLower(strings.TrimPrefix(d, "@"))
		return domain == d || strings.HasSuffix(domain, "."+d)
	})
}

// Location returns the configured zone; time.Local when none is set.
func (c *Config) Location() (*time.Location, error) {
	if c.Timezone == "" {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("reading timezone %q: %w", c.Timezone, err)
	}
	return loc, nil
}

// Us returns Me and the address of every mailbox of our own, lower-case, each once.
func (c *Config) Us() []string {
	var us []string
	add := func(a string) {
		if a = strings.ToLower(strings.TrimSpace(a)); a != "" && !slices.Contains(us, a) {
			us = append(us, a)
		}
	}
	for _, a := range c.Me {
		add(a)
	}
	for _, m := range c.Mailboxes {
		if m.Own() {
			add(m.Address)
		}
	}
	return us
}

// DataDir returns Data, resolved against the folder of the file; "" when the
// file does not set it.
func (c *Config) DataDir() string { return c.resolve(c.Data) }

// Mailbox returns the mailbox with that address, ignoring case.
func (c *Config) Mailbox(address string) (Mailbox, bool) {
	for _, m := range c.Mailboxes {
		if strings.EqualFold(m.Address, strings.TrimSpace(address)) {
			return m, true
		}
	}
	return Mailbox{}, false
}

// Interval returns how long the daemon waits between passes over m.
func (c *Config) Interval(m Mailbox) time.Duration {
	switch {
	case m.Every > 0:
		return time.Duration(m.Every)
	case c.Every > 0:
		return time.Duration(c.Every)
	}
	return DefaultEvery
}

// Redacted returns a copy that is safe to show: where passwords lie stays, a
// command that might hold one does not.
func (c *Config) Redacted() *Config {
	r := *c
	r.src, r.spans = nil, nil
	r.Me = slices.Clone(c.Me)
	r.Clients, r.Others = slices.Clone(c.Clients), slices.Clone(c.Others)
	r.Mailboxes = slices.Clone(c.Mailboxes)
	hide := func(s *string) {
		if *s != "" {
			*s = hidden
		}
	}
	for i := range r.Mailboxes {
		hide(&r.Mailboxes[i].PasswordCommand)
		hide(&r.Mailboxes[i].TokenCommand)
	}
	r.Alerts = slices.Clone(c.Alerts)
	for i := range r.Alerts {
		hide(&r.Alerts[i].Command)
		hide(&r.Alerts[i].Webhook)
		hide(&r.Alerts[i].PasswordCommand)
	}
	return &r
}

// resolve makes a path of the file absolute in meaning: relative ones start at
// the file's folder, not at whatever the working folder happens to be.
func (c *Config) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) || c.file == "" {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}
