package config

import (
	"cmp"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check returns what is wrong with the values, wherever they came from.
func (c *Config) check() []located {
	var out []located
	say := func(path, message, hint string) {
		at, known := c.spans[path]
		// What is missing is reported where its section begins.
		for p := path; !known && p != ""; {
			i := strings.LastIndexAny(p, ".[")
			if i < 0 {
				break
			}
			p = p[:i]
			at, known = c.spans[p]
		}
		out = append(out, located{path, at, known, message, hint})
	}

	if _, err := c.Location(); err != nil {
		say("timezone", fmt.Sprintf("timezone: unknown zone %q", c.Timezone), `use an IANA name such as "Europe/London"`)
	}
	c.checkListen(say)
	if c.Every != 0 && time.Duration(c.Every) < time.Second {
		say("every", fmt.Sprintf("every: %v is too short", c.Every), "the least is 1s")
	}

	for i, m := range c.Mailboxes {
		c.checkMailbox(i, m, say)
	}
	c.checkPeople(say)
	for i, a := range c.Alerts {
		checkAlert(fmt.Sprintf("alert[%d]", i), a, say)
	}
	c.checkTimestamps(say)
	return out
}

// checkPeople wants one answer to who is who.
func (c *Config) checkPeople(say func(path, message, hint string)) {
	side := map[string]string{}
	claim := func(path, what, owner string) {
		key := strings.ToLower(what)
		if other, taken := side[key]; taken && other != owner {
			say(path, fmt.Sprintf("%q already belongs to %s", what, other), "each address and domain stands on one side only")
			return
		}
		side[key] = owner
	}
	for i, a := range c.Me {
		path := fmt.Sprintf("me[%d]", i)
		if msg := badAddress(a); msg != "" {
			say(path, "me: "+msg, "")
			continue
		}
		claim(path, a, "us")
	}
	for i, m := range c.Mailboxes {
		if badAddress(m.Address) == "" && m.Own() {
			claim(fmt.Sprintf("mailbox[%d].address", i), m.Address, "us")
		}
	}
	parties := func(section string, list []Party) {
		for i, p := range list {
			path := fmt.Sprintf("%s[%d]", section, i)
			if strings.TrimSpace(p.Name) == "" {
				say(path+".name", fmt.Sprintf("[[%s]] has no name", section), "")
			}
			if len(p.Addresses) == 0 && len(p.Domains) == 0 {
				say(path+".addresses", fmt.Sprintf("[[%s]] %q has neither addresses nor domains", section, p.Name), "")
			}
			owner := fmt.Sprintf("%s %q", section, p.Name)
			for j, a := range p.Addresses {
				at := fmt.Sprintf("%s.addresses[%d]", path, j)
				if msg := badAddress(a); msg != "" {
					say(at, "addresses: "+msg, "")
					continue
				}
				claim(at, a, owner)
			}
			for j, dom := range p.Domains {
				at := fmt.Sprintf("%s.domains[%d]", path, j)
				bare := strings.TrimPrefix(dom, "@")
				if bare == "" || strings.Contains(bare, "@") || !isHost(bare) {
					say(at, fmt.Sprintf("domains: %q is not a domain", dom), `write it as "hale.example"`)
					continue
				}
				claim(at, "@"+bare, owner)
			}
			for j, a := range p.Authority {
				checkAuthority(fmt.Sprintf("%s.authority[%d]", path, j), section, p, a, say)
			}
		}
	}
	parties("client", c.Clients)
	parties("other", c.Others)
}

func checkAuthority(path, section string, p Party, a Authority, say func(path, message, hint string)) {
	switch {
	case section != "client":
		say(path, fmt.Sprintf("[[%s]] %q: only a client gives instructions", section, p.Name), "")
	case badAddress(a.Address) != "":
		say(path+".address", "authority: "+badAddress(a.Address), "")
	case !p.Has(a.Address):
		say(path+".address", fmt.Sprintf("authority: %q is neither among the addresses nor in the domains of %q", a.Address, p.Name), "add it there first")
	case !a.From.IsZero() && !a.To.IsZero() && a.To.Before(a.From.Time):
		say(path+".to", "authority: it ends before it begins", "")
	}
}

func checkAlert(path string, a Alert, say func(path, message, hint string)) {
	ways := 0
	for _, w := range []string{a.Command, a.Webhook, a.MailTo} {
		if w != "" {
			ways++
		}
	}
	if ways != 1 {
		say(path, "[[alert]] wants one of command, webhook and mail_to", "write one [[alert]] for each")
		return
	}
	if a.Webhook != "" {
		u, err := url.Parse(a.Webhook)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && IsLoopback(u.Hostname())) {
			say(path+".webhook", "webhook: want an address that begins with https://", "http:// is only for loopback")
		}
	}
	if a.MailTo != "" {
		for _, f := range []struct{ key, address string }{{"mail_to", a.MailTo}, {"mail_from", a.MailFrom}} {
			if msg := badAddress(f.address); msg != "" {
				say(path+"."+f.key, f.key+": "+msg, "")
			}
		}
		if a.Relay.IsZero() {
			say(path+".relay", "[[alert]] with mail_to has no relay", `write it as relay = "smtp.example.org:465"`)
		}
	}
	if a.After < 0 {
		say(path+".after", fmt.Sprintf("after: %v is less than nothing", a.After), "")
	}
}

func (c *Config) checkListen(say func(path, message, hint string)) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		say("listen", fmt.Sprintf("listen: %q is not host:port", c.Listen), fmt.Sprintf("the default is %q", DefaultListen))
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		say("listen", fmt.Sprintf("listen: port %q is not a number from 0 to 65535", port), "")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		say("tls_cert", "tls_cert and tls_key go together", "")
	}
	if !IsLoopback(host) && c.TLSCert == "" {
		say("listen", fmt.Sprintf("listen: %q is not a loopback address, and without a certificate passwords and mail would cross the network in the clear", host),
			"give tls_cert and tls_key, or use 127.0.0.1 or [::1] and a tunnel from elsewhere")
	}
	for i, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/: ") {
			say(fmt.Sprintf("hosts[%d]", i), fmt.Sprintf("hosts: %q is not a name", h), "without https:// and without a port")
		}
	}
}

func (c *Config) checkMailbox(i int, m Mailbox, say func(path, message, hint string)) {
	path := fmt.Sprintf("mailbox[%d]", i)
	if m.Address == "" {
		say(path+".address", "[[mailbox]] has no address", "")
	} else if msg := badAddress(m.Address); msg != "" {
		say(path+".address", "address: "+msg, "")
	}
	for j, o := range c.Mailboxes[:i] {
		if m.Address != "" && strings.EqualFold(o.Address, m.Address) {
			say(path+".address", fmt.Sprintf("mailbox %q is configured twice", m.Address), fmt.Sprintf("the first is [[mailbox]] number %d", j+1))
		}
	}
	if m.Server.IsZero() {
		say(path+".server", fmt.Sprintf("mailbox %q has no server", m.Address), `write it as server = "imap.example.org:993"`)
	} else if s := m.Server; s.Security == Insecure && !IsLoopback(s.Host) {
		say(path+".server", fmt.Sprintf("server: %q is not loopback, and \"insecure://\" is only for loopback", s.Host), "")
	}
	c.checkSignIn(path, m, say)
	for j, name := range m.Only {
		if len(c.Chosen(Mailbox{Only: m.Only[j : j+1]})) > 0 {
			continue
		}
		var known []string
		for _, p := range slices.Concat(c.Clients, c.Others) {
			known = append(known, p.Name)
		}
		hint := "name a [[client]] or [[other]] of this file"
		if near := Nearest(name, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		say(fmt.Sprintf("%s.only[%d]", path, j), fmt.Sprintf("only: %q is the name of no client and no third party", name), hint)
	}
	for _, l := range []struct {
		key   string
		names []string
	}{{"include", m.Include}, {"exclude", m.Exclude}} {
		for j, p := range l.names {
			if p == "" {
				say(fmt.Sprintf("%s.%s[%d]", path, l.key, j), l.key+": a folder has no empty name", "")
			}
		}
	}
	switch {
	case m.Role != "" && m.Role != "own" && m.Role != "client":
		say(path+".role", fmt.Sprintf("role: %q is neither \"own\" nor \"client\"", m.Role), "")
	case m.Role == "client" && !slices.ContainsFunc(c.Clients, func(p Party) bool { return strings.EqualFold(p.Name, m.Client) }):
		say(path+".client", fmt.Sprintf("mailbox %q is a client's, but client = %q is the name of none", m.Address, m.Client), "name a [[client]] of this file")
	case m.Role == "client" && m.Permission == "":
		say(path+".role", fmt.Sprintf("mailbox %q is a client's, and there is no permission", m.Address), `keep the client's permission in writing as a file and name it: permission = "…"`)
	case m.Role != "client" && m.Client+m.Permission != "":
		say(path, fmt.Sprintf("mailbox %q names a client or a permission, which only goes with role = \"client\"", m.Address), "")
	}
	if m.Connections < 0 || m.Connections > 2 {
		say(path+".connections", fmt.Sprintf("connections: %d; 1 or 2 are used", m.Connections), "")
	}
	if m.Every != 0 && time.Duration(m.Every) < time.Second {
		say(path+".every", fmt.Sprintf("every: %v is too short", m.Every), "the least is 1s")
	}
}

// checkSignIn wants one place for a mailbox's secret, and the settings of OAuth
// together.
func (c *Config) checkSignIn(path string, m Mailbox, say func(path, message, hint string)) {
	var sources []string
	for name, set := range map[string]bool{"password_file": m.PasswordFile != "", "password_command": m.PasswordCommand != "",
		"keyring": m.Keyring, "sealed": m.Sealed, "credential": m.Credential != "", "token_command": m.TokenCommand != ""} {
		if set {
			sources = append(sources, name)
		}
	}
	// In the order of the file, so that the later one is reported.
	slices.SortFunc(sources, func(a, b string) int {
		return cmp.Or(c.spans[path+"."+a].start-c.spans[path+"."+b].start, strings.Compare(a, b))
	})
	if len(sources) > 1 {
		say(path+"."+sources[1], fmt.Sprintf("mailbox %q names two places for its password: %s", m.Address, strings.Join(sources, " and ")), "keep one")
		return
	}
	if m.OAuth == "" {
		if m.OAuthClient+m.OAuthTenant+m.OAuthFlow != "" {
			say(path, fmt.Sprintf("mailbox %q has settings of OAuth without oauth", m.Address), `add oauth = "microsoft", "google" or an issuer`)
		}
		return
	}
	if m.OAuth != "microsoft" && m.OAuth != "google" {
		u, err := url.Parse(m.OAuth)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && IsLoopback(u.Hostname())) {
			say(path+".oauth", fmt.Sprintf("oauth: %q is neither \"microsoft\", \"google\" nor the https:// address of an issuer", m.OAuth), "")
		}
	}
	if m.OAuthTenant != "" && m.OAuth != "microsoft" {
		say(path+".oauth_tenant", "oauth_tenant: only Microsoft has tenants", "")
	}
	switch m.Flow() {
	case "device":
		if m.OAuth == "google" {
			say(path+".oauth_flow", "oauth_flow: Google does not give mail to the device flow", `use "browser"`)
		}
	case "browser", "app":
	default:
		say(path+".oauth_flow", fmt.Sprintf("oauth_flow: %q is not one of \"device\", \"browser\" and \"app\"", m.OAuthFlow), "")
	}
	if m.OAuthClient == "" {
		say(path+".oauth_client", fmt.Sprintf("mailbox %q has no oauth_client", m.Address), `it is the id of an application that you register; "inwriting help microsoft" and "inwriting help google" tell how`)
	}
	if m.Flow() != "app" && !m.Keyring && !m.Sealed {
		say(path+".oauth", fmt.Sprintf("mailbox %q has nowhere to keep its token", m.Address), "set keyring = true or sealed = true")
	}
}

// badAddress says what is wrong with a bare mail address; "" when nothing is.
func badAddress(a string) string {
	p, err := mail.ParseAddress(a)
	if err != nil || p.Name != "" || !strings.EqualFold(p.Address, a) {
		return fmt.Sprintf("%q is not a mail address", a)
	}
	if _, domain, _ := strings.Cut(a, "@"); strings.HasPrefix(domain, "[") || !isHost(domain) {
		return fmt.Sprintf("%q is not a mail address: bad domain", a)
	}
	return ""
}
