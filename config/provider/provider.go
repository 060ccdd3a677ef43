// Package provider knows mail providers: where their IMAP servers are, what they
// want for a sign-in, and what their refusals mean. Table is embedded and needs no
// network; Discover asks it, and is only called when the user has allowed that.
package provider

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed providers.toml
var data []byte

// Provider is one provider of the table.
type Provider struct {
	ID          string    `toml:"id"`
	Name        string    `toml:"name"`
	Domains     []string  `toml:"domains"`
	MX          []string  `toml:"mx"`
	Server      string    `toml:"server"`     // as the configuration writes it; "" where there is no IMAP
	OwnServer   string    `toml:"own_server"` // for a domain of the customer's own; "" is Server
	Username    string    `toml:"username"`   // "address" or "local"
	Secret      string    `toml:"secret"`     // what to type in: "password", "app password", "bridge password", "token", "none"
	Page        string    `toml:"page"`
	Steps       []string  `toml:"steps"`
	OAuth       string    `toml:"oauth"`
	Application []string  `toml:"application"` // how to get an application for it, in one sentence each
	Tenant      string    `toml:"tenant"`
	Like        string    `toml:"like"`
	Refusals    []Refusal `toml:"refusal"`
}

// Refusal is what a server says and what that means for the user.
type Refusal struct {
	Words  []string `toml:"words"` // any of them, in small letters
	Advice string   `toml:"advice"`
	Page   string   `toml:"page"`
}

// Table returns all providers. The caller does not change them.
var Table = sync.OnceValue(func() []Provider {
	var t struct {
		Provider []Provider `toml:"provider"`
	}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&t); err != nil {
		panic(fmt.Sprintf("providers.toml: %v", err)) // a test reads it
	}
	return t.Provider
})

// ByID returns the provider of that id; nil for none.
func ByID(id string) *Provider {
	for i := range Table() {
		if Table()[i].ID == id {
			return &Table()[i]
		}
	}
	return nil
}

// ByAddress returns the provider whose addresses those are; nil for none.
func ByAddress(address string) *Provider {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for i := range Table() {
		for _, d := range Table()[i].Domains {
			if d == domain {
				return &Table()[i]
			}
		}
	}
	return nil
}

// ByMX returns the provider that runs an incoming server; nil for none.
func ByMX(host string) *Provider {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	var best *Provider
	n := 0
	for i := range Table() {
		for _, end := range Table()[i].MX {
			if len(end) > n && below(host, end) {
				best, n = &Table()[i], len(end)
			}
		}
	}
	return best
}

// ByServer returns the provider whose IMAP server that is, as "host:port"; where
// several share one, the one whose addresses those are. nil for none.
func ByServer(server, address string) *Provider {
	host := hostOf(server)
	var found *Provider
	for i := range Table() {
		p := &Table()[i]
		if p.Server == "" || hostOf(p.Server) != host && hostOf(p.OwnServer) != host {
			continue
		}
		// Loopback is Proton's Bridge only for Proton's addresses.
		if mine := ByAddress(address); mine == p {
			return p
		} else if host != "127.0.0.1" {
			found = p // the later of two is the one for domains of one's own
		}
	}
	return found
}

func hostOf(server string) string {
	if _, rest, ok := strings.Cut(server, "://"); ok {
		server = rest
	}
	if i := strings.LastIndexByte(server, ':'); i >= 0 {
		server = server[:i]
	}
	return strings.ToLower(server)
}

// below reports whether host is domain or lies below it.
func below(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// Advise translates what a server or an authorisation server said into what the
// user must do, with the page where it is done; "" when it says nothing to p.
// p may be nil: then what holds for all servers is said.
func (p *Provider) Advise(said, address string) string {
	said = strings.ToLower(said)
	lists := [][]Refusal{everywhere}
	if p != nil {
		lists = [][]Refusal{p.Refusals, everywhere}
		if like := ByID(p.Like); like != nil {
			lists = [][]Refusal{p.Refusals, like.Refusals, everywhere}
		}
	}
	for _, list := range lists {
		for _, r := range list {
			for _, w := range r.Words {
				if strings.Contains(said, w) {
					text := strings.ReplaceAll(r.Advice, "ADDRESS", address)
					if r.Page != "" {
						text += ": " + r.Page
					}
					return text
				}
			}
		}
	}
	return ""
}

// everywhere are refusals that mean the same at every server.
var everywhere = []Refusal{
	{Words: []string{"no such host", "server misbehaving"}, Advice: `there is no server of that name: check it, or whether this machine is on the network`},
	{Words: []string{"connection refused"}, Advice: `nothing listens there: check host and port; 993 is usual with TLS, 143 with starttls://`},
	{Words: []string{"i/o timeout", "no answer in time"}, Advice: `the server does not answer: a firewall may be in between, or the port is another one`},
	{Words: []string{"unknown authority", "certificate is valid for", "certificate has expired", "certificate is not trusted", "self-signed"},
		Advice: `the server's certificate does not prove whose it is. At a provider, check the name of the server. For a server of your own, get the file of its certificate from whoever runs it and give it with --ca FILE. Otherwise somebody may be listening in: go no further`},
	{Words: []string{"redirect_uri_mismatch", "aadsts50011"}, Advice: `the application does not send sign-ins back to this computer: at its provider it has to be of the type desktop, with the address http://localhost`},
	{Words: []string{"aadsts7000215", "aadsts7000222", "invalid_client", "unauthorized_client", "aadsts700016"}, Advice: `the sign-in server does not take the application: check its id, and its secret where it has one`},
	{Words: []string{"access_denied", "authorization_declined", "consent_required"}, Advice: `the sign-in was refused on the provider's page, or an administrator has to allow the application first`},
	{Words: []string{"expired_token", "the code was not used in time", "nobody signed in in time"}, Advice: `the code was not used in time: begin again`},
	{Words: []string{"aadsts", "invalid_grant"}, Advice: `the sign-in has expired: run "inwriting mailbox login ADDRESS"`},
	{Words: []string{"imap is disabled", "imap disabled", "imap access", "not enabled for imap"}, Advice: `IMAP is switched off for this mailbox: turn it on in the provider's settings`},
	{Words: []string{"application-specific password", "app password", "application password"}, Advice: `the provider wants an app password, made in its security settings, not the password of the account`},
	{Words: []string{"too many", "maximum number of connections"}, Advice: `the server limits connections: close other mail programs, or set connections = 1`},
	{Words: []string{"locked", "blocked", "suspended", "disabled"}, Advice: `the provider has locked the account or this way in: sign in with a browser and see what it says`},
	{Words: []string{"authenticationfailed", "authentication failed", "invalid credentials", "login failed", "incorrect password", "bad credentials", "login refused"},
		Advice: `username and password do not fit together. With two-factor sign-in most providers want an app password; some want the part before the "@" as username`},
}
