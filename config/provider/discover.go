package provider

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Found is where an address's IMAP server may be.
type Found struct {
	Provider *Provider // nil when the table does not know it
	Server   string    // as the configuration writes it: "host:993" or "starttls://host:143"
	Username string    // "" is the address
	From     string    // who said so, for people: "the table of providers", "SRV record of x.example" …

	// Sure is false when what said so could be somebody else than the owner of the
	// domain: the user should see the server before a password goes there
	// (RFC 6186 section 6).
	Sure bool
}

// Resolver is what Discover asks of the name system; net.DefaultResolver has it.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Network is what Discover may use. The zero value is the real one.
type Network struct {
	Resolver Resolver     // nil: the system's
	Client   *http.Client // nil: one of its own
	ISPDB    string       // Mozilla's database; "" is https://autoconfig.thunderbird.net/v1.1/
	Scheme   string       // "" is https; tests serve in the clear
}

// ErrNotFound means that nobody says where the server is.
var ErrNotFound = errors.New("no IMAP server found")

// ErrNoIMAP means that the provider offers none.
var ErrNoIMAP = errors.New("the provider offers no IMAP")

// Known returns what the table says about an address, without the network; nil
// when it says nothing.
func Known(address string) *Found {
	p := ByAddress(address)
	if p == nil {
		return nil
	}
	return p.found(address, "the table of providers", false)
}

func (p *Provider) found(address, from string, own bool) *Found {
	f := &Found{Provider: p, Server: p.Server, From: from, Sure: true}
	if own && p.OwnServer != "" {
		f.Server = p.OwnServer
	}
	if p.Username == "local" {
		f.Username, _, _ = strings.Cut(address, "@")
	}
	return f
}

// discoverTime is how long the network may take in all.
const discoverTime = 20 * time.Second

// Discover asks the network where an address's IMAP server is: who takes the
// domain's mail (MX), then the domain itself (Mozilla autoconfig over https), SRV
// records (RFC 6186, RFC 8314), then Mozilla's database. Only the domain is told
// to anybody, never the address. The error is ErrNotFound, with what was tried.
func Discover(ctx context.Context, address string, n Network) (*Found, error) {
	if f := Known(address); f != nil {
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, discoverTime)
	defer cancel()
	if n.Resolver == nil {
		n.Resolver = net.DefaultResolver
	}
	if n.Client == nil {
		n.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if n.ISPDB == "" {
		n.ISPDB = "https://autoconfig.thunderbird.net/v1.1/"
	}
	if n.Scheme == "" {
		n.Scheme = "https"
	}
	local, domain, ok := strings.Cut(strings.ToLower(address), "@")
	if !ok || domain == "" {
		return nil, fmt.Errorf("%q is not a mail address", address)
	}
	var tried []string
	mx, err := n.Resolver.LookupMX(ctx, domain)
	tried = append(tried, "MX")
	slices.SortStableFunc(mx, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	for _, m := range mx {
		if p := ByMX(m.Host); p != nil {
			return p.found(address, fmt.Sprintf("the mail of %s lies with %s", domain, strings.TrimSuffix(m.Host, ".")), true), nil
		}
	}
	for _, url := range []string{
		n.Scheme + "://autoconfig." + domain + "/mail/config-v1.1.xml",
		n.Scheme + "://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		if f := n.autoconfig(ctx, url, local, domain); f != nil {
			f.From, f.Sure = "autoconfig of "+domain, true // https: it is the domain's own word
			return f.named(address), nil
		}
	}
	tried = append(tried, "autoconfig")
	if f := n.srv(ctx, domain); f != nil {
		return f.named(address), nil
	}
	tried = append(tried, "SRV")
	if f := n.autoconfig(ctx, n.ISPDB+domain, local, domain); f != nil {
		f.From, f.Sure = "Mozilla's database of providers", true
		return f.named(address), nil
	}
	tried = append(tried, "Mozilla's database")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	why := strings.Join(tried, ", ")
	var dns *net.DNSError
	if errors.As(err, &dns) && !dns.IsNotFound {
		why += "; " + err.Error()
	}
	return nil, fmt.Errorf("%w for %s (asked: %s)", ErrNotFound, domain, why)
}

// named adds the provider that the table has for the server.
func (f *Found) named(address string) *Found {
	if f.Provider == nil {
		f.Provider = ByServer(f.Server, address)
	}
	return f
}

// srv asks for RFC 6186's records, TLS before STARTTLS (RFC 8314 section 5.1).
func (n Network) srv(ctx context.Context, domain string) *Found {
	for _, s := range []struct{ service, scheme string }{{"imaps", ""}, {"imap", "starttls://"}} {
		_, list, err := n.Resolver.LookupSRV(ctx, s.service, "tcp", domain)
		if err != nil {
			continue
		}
		for _, r := range list {
			host := strings.TrimSuffix(strings.ToLower(r.Target), ".")
			if host == "" || r.Port == 0 { // section 3.4: "." says that there is none
				continue
			}
			return &Found{Server: s.scheme + net.JoinHostPort(host, strconv.Itoa(int(r.Port))),
				From: fmt.Sprintf("SRV record of %s", domain), Sure: below(host, domain)}
		}
	}
	return nil
}

// clientConfig is the part of Mozilla's format that is used.
type clientConfig struct {
	Servers []struct {
		Type     string `xml:"type,attr"`
		Host     string `xml:"hostname"`
		Port     int    `xml:"port"`
		Socket   string `xml:"socketType"`
		Username string `xml:"username"`
	} `xml:"emailProvider>incomingServer"`
}

func (n Network) autoconfig(ctx context.Context, url, local, domain string) *Found {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil
	}
	res, err := n.Client.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Scheme != n.Scheme && !strings.HasPrefix(url, "http://127.") {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 256<<10))
	if err != nil {
		return nil
	}
	return parseAutoconfig(b, local, domain)
}

// parseAutoconfig reads Mozilla's format and takes the first IMAP server with
// encryption; nil when there is none.
func parseAutoconfig(b []byte, local, domain string) *Found {
	var c clientConfig
	if xml.Unmarshal(b, &c) != nil {
		return nil
	}
	fill := strings.NewReplacer("%EMAILADDRESS%", local+"@"+domain, "%EMAILLOCALPART%", local, "%EMAILDOMAIN%", domain)
	for _, want := range []struct{ socket, scheme string }{{"SSL", ""}, {"STARTTLS", "starttls://"}} {
		for _, s := range c.Servers {
			host := strings.ToLower(strings.TrimSpace(fill.Replace(s.Host)))
			if !strings.EqualFold(s.Type, "imap") || !strings.EqualFold(strings.TrimSpace(s.Socket), want.socket) || s.Port < 1 || s.Port > 65535 || !isName(host) {
				continue
			}
			f := &Found{Server: want.scheme + net.JoinHostPort(host, strconv.Itoa(s.Port))}
			if u := strings.TrimSpace(fill.Replace(s.Username)); u != local+"@"+domain && !strings.ContainsAny(u, "%\r\n\x00") {
				f.Username = u
			}
			return f
		}
	}
	return nil
}

// isName accepts what may stand in a name of a host.
func isName(s string) bool {
	if s == "" || len(s) > 253 || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "-") || !strings.Contains(s, ".") {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}
