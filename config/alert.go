package config

import (
	"strconv"
	"strings"
	"time"
)

// Alert is one way in which trouble reaches somebody: a command, a webhook, or
// mail through a relay. It is the only thing that ever leaves this machine.
type Alert struct {
	// After is for how long a mailbox must have been in trouble. Default 1h.
	After Duration `toml:"after"`

	// Command is run by the shell; INWRITING_MAILBOX, INWRITING_STATE,
	// INWRITING_SINCE and INWRITING_HINT are in its environment, and the same as
	// JSON on its stdin. It has 30 seconds.
	Command string `toml:"command"`

	// Webhook is an address that gets the same JSON by POST; https, or http on
	// loopback.
	Webhook string `toml:"webhook"`

	// MailTo gets a mail, from MailFrom, through Relay.
	MailTo   string `toml:"mail_to"`
	MailFrom string `toml:"mail_from"`

	// Relay is the SMTP server, "host:465" for TLS or "starttls://host:587";
	// "insecure://" on loopback only. Without a port it is 465, else 587.
	Relay Relay `toml:"relay"`

	// Username and the place of the password, where the relay wants them; with
	// keyring, the entry is the one of MailFrom.
	Username        string `toml:"username"`
	PasswordFile    string `toml:"password_file"`
	PasswordCommand string `toml:"password_command"`
	Keyring         bool   `toml:"keyring"`
}

// DefaultAlertAfter is for how long a mailbox is in trouble before anybody is told.
const DefaultAlertAfter = time.Hour

// Delay returns After, or the default.
func (a Alert) Delay() time.Duration {
	if a.After > 0 {
		return time.Duration(a.After)
	}
	return DefaultAlertAfter
}

// Relay is where mail is handed in.
type Relay struct{ Server }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Relay) UnmarshalText(b []byte) error {
	if err := r.Server.UnmarshalText(b); err != nil {
		return err
	}
	if !strings.HasSuffix(string(b), ":"+strconv.Itoa(r.Port)) { // none was given
		r.Port = 465
		if r.Security != TLS {
			r.Port = 587
		}
	}
	return nil
}
