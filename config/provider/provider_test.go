package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table says what it must, once, and only https pages.
func TestTable(t *testing.T) {
	ids, domains := map[string]bool{}, map[string]string{}
	for _, p := range Table() {
		if p.ID == "" || p.Name == "" || len(p.Steps) == 0 || ids[p.ID] {
			t.Errorf("%q: incomplete, or there twice", p.ID)
		}
		ids[p.ID] = true
		if (p.Server == "") != (p.Secret == "none") {
			t.Errorf("%s: server %q with secret %q", p.ID, p.Server, p.Secret)
		}
		switch p.Secret {
		case "password", "app password", "bridge password", "token", "none":
		default:
			t.Errorf("%s: secret %q", p.ID, p.Secret)
		}
		pages := []string{p.Page}
		for _, r := range p.Refusals {
			pages = append(pages, r.Page)
			if r.Advice == "" || len(r.Words) == 0 {
				t.Errorf("%s: an empty refusal", p.ID)
			}
			for _, w := range r.Words {
				if w != strings.ToLower(w) || len(w) < 6 {
					t.Errorf("%s: word %q", p.ID, w)
				}
			}
		}
		for _, page := range pages {
			if u, err := url.Parse(page); err != nil || u.Scheme != "https" || u.Host == "" {
				t.Errorf("%s: page %q", p.ID, page)
			}
		}
		for _, d := range p.Domains {
			if other := domains[d]; other != "" {
				t.Errorf("%s belongs to %s and %s", d, other, p.ID)
			}
			domains[d] = p.ID
		}
		if p.Like != "" && ByID(p.Like) == nil {
			t.Errorf("%s is like %q, which is not there", p.ID, p.Like)
		}
	}
	for _, id := range []string{"google", "microsoft", "outlook", "yahoo", "aol", "icloud", "fastmail", "zoho", "gmx", "webde", "ionos", "ovh", "proton"} {
		if !ids[id] {
			t.Errorf("no provider %q", id)
		}
	}
}

func TestKnown(t *testing.T) {
	for _, tt := range []struct{ address, id, server, username string }{
		{"Nora@GMail.com", "google", "imap.gmail.com:993", ""},
		{"n@hotmail.co.uk", "outlook", "outlook.office365.com:993", ""},
		{"n@pm.me", "proton", "starttls://127.0.0.1:1143", ""},
		{"n@126.com", "netease-126", "imap.126.com:993", ""},
		{"nora@free.fr", "free-fr", "imap.free.fr:993", "nora"},
	} {
		f := Known(tt.address)
		if f == nil || f.Provider.ID != tt.id || f.Server != tt.server || f.Username != tt.username || !f.Sure {
			t.Errorf("%s: %+v", tt.address, f)
		}
	}
	if f := Known("nora@deskandco.example"); f != nil {
		t.Errorf("a domain of one's own: %+v", f)
	}
}

func TestByMX(t *testing.T) {
	for host, id := range map[string]string{
		"ASPMX.L.Google.com.": "google", "deskandco-example.mail.protection.outlook.com.": "microsoft", "outlook-com.olc.protection.outlook.com": "outlook",
		"mx.zoho.eu": "zoho-eu", "in1-smtp.messagingengine.com": "fastmail", "mx00.kundenserver.de": "ionos-de", "mx1.mail.ovh.net": "ovh", "notgoogle.com": "", "mx.deskandco.example": "",
	} {
		got := ""
		if p := ByMX(host); p != nil {
			got = p.ID
		}
		if got != id {
			t.Errorf("%s: %q, want %q", host, got, id)
		}
	}
}

func TestAdvise(t *testing.T) {
	for _, tt := range []struct{ server, address, said, want string }{
		{"imap.gmail.com:993", "n@gmail.com", "[ALERT] Application-specific password required: https://x (Failure)", "myaccount.google.com/apppasswords"},
		{"imap.gmail.com:993", "n@gmail.com", "[ALERT] Your account is not enabled for IMAP use.", "turn it on"},
		{"outlook.office365.com:993", "n@hotmail.com", "LOGIN failed.", "inwriting help outlook"},
		{"outlook.office365.com:993", "n@deskandco.example", "LOGIN failed.", "inwriting help microsoft"},
		{"outlook.office365.com:993", "n@deskandco.example", "AADSTS65001: The user or administrator has not consented", "administrator has to consent"},
		{"outlook.office365.com:993", "n@deskandco.example", "User is authenticated but not connected.", "enable-or-disable"},
		{"outlook.office365.com:993", "n@deskandco.example", "AADSTS700082: the refresh token has expired", `"inwriting mailbox login n@deskandco.example"`},
		{"imap.web.de:993", "n@web.de", "authentication failed", "hilfe.web.de"},
		{"imappro.zoho.eu:993", "n@deskandco.example", "You are yet to enable IMAP for your account", "switched off"},
		{"starttls://127.0.0.1:1143", "n@proton.me", "dial tcp 127.0.0.1:1143: connect: connection refused", "start the Bridge"},
		{"insecure://127.0.0.1:1143", "n@x.example", "dial tcp 127.0.0.1:1143: connect: connection refused", "nothing listens"},
		{"imap.deskandco.example:993", "n@deskandco.example", "[AUTHENTICATIONFAILED] no", "do not fit together"},
		{"imap.deskandco.example:993", "n@deskandco.example", "moon in the wrong house", ""},
	} {
		got := ByServer(tt.server, tt.address).Advise(tt.said, tt.address)
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q\n got %q\nwant %q", tt.server, tt.said, got, tt.want)
		}
	}
}

// names is a name system of its own.
type names struct {
	mx  map[string][]*net.MX
	srv map[string][]*net.SRV // "imaps x.example"
}

func (n names) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if l, ok := n.mx[name]; ok {
		return l, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (n names) LookupSRV(_ context.Context, service, _, name string) (string, []*net.SRV, error) {
	if l, ok := n.srv[service+" "+name]; ok {
		return "", l, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

const autoconfig = `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">
<incomingServer type="pop3"><hostname>pop.x.example</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
<incomingServer type="imap"><hostname>plain.x.example</hostname><port>143</port><socketType>plain</socketType></incomingServer>
<incomingServer type="imap"><hostname>later.x.example</hostname><port>143</port><socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username></incomingServer>
<incomingServer type="imap"><hostname>Imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
</emailProvider></clientConfig>`

func TestDiscover(t *testing.T) {
	var asked []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Host+r.URL.RequestURI())
		switch {
		case r.Host == "autoconfig.auto.example" && r.URL.Path == "/mail/config-v1.1.xml",
			r.Host == "known.example" && r.URL.Path == "/.well-known/autoconfig/mail/config-v1.1.xml",
			r.URL.Path == "/db/ispdb.example":
			w.Write([]byte(autoconfig))
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	// Every name leads to this server.
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", web.Listener.Addr().String())
	}}}
	dns := names{
		mx: map[string][]*net.MX{
			"ws.example":   {{Host: "backup.ws.example.", Pref: 90}, {Host: "aspmx.l.google.com.", Pref: 1}},
			"zoho.example": {{Host: "mx.zoho.com.", Pref: 1}},
		},
		srv: map[string][]*net.SRV{
			"imaps srv.example":   {{Target: "mail.srv.example.", Port: 993}},
			"imaps none.example":  {{Target: ".", Port: 0}},
			"imap none.example":   {{Target: "mail.none.example.", Port: 143}},
			"imaps other.example": {{Target: "mail.elsewhere.example.", Port: 993}},
		},
	}
	net := Network{Resolver: dns, Client: client, Scheme: "http", ISPDB: web.URL + "/db/"}
	type found struct {
		Server, Username, Provider string
		Sure                       bool
	}
	for _, tt := range []struct {
		address string
		want    found
	}{
		{"n@gmail.com", found{"imap.gmail.com:993", "", "google", true}},
		{"n@ws.example", found{"imap.gmail.com:993", "", "google", true}},
		{"n@zoho.example", found{"imappro.zoho.com:993", "", "zoho", true}},
		{"Nora@auto.example", found{"imap.auto.example:993", "nora", "", true}},
		{"nora@known.example", found{"imap.known.example:993", "nora", "", true}},
		{"n@srv.example", found{"mail.srv.example:993", "", "", true}},
		{"n@none.example", found{"starttls://mail.none.example:143", "", "", true}},
		{"n@other.example", found{"mail.elsewhere.example:993", "", "", false}},
		{"n@ispdb.example", found{"imap.ispdb.example:993", "n", "", true}},
	} {
		f, err := Discover(t.Context(), tt.address, net)
		if err != nil {
			t.Errorf("%s: %v", tt.address, err)
			continue
		}
		got := found{f.Server, f.Username, "", f.Sure}
		if f.Provider != nil {
			got.Provider = f.Provider.ID
		}
		if d := cmp.Diff(tt.want, got); d != "" || f.From == "" {
			t.Errorf("%s: from %q, -want +got:\n%s", tt.address, f.From, d)
		}
	}
	if _, err := Discover(t.Context(), "n@nowhere.example", net); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "SRV") {
		t.Errorf("nowhere: %v", err)
	}
	for _, a := range asked {
		if strings.Contains(a, "@") || strings.Contains(strings.ToLower(a), "nora") {
			t.Errorf("the address was told: %s", a)
		}
	}
}

func FuzzAutoconfig(f *testing.F) {
	f.Add([]byte(autoconfig))
	f.Add([]byte("<clientConfig><emailProvider><incomingServer type='imap'><hostname>a.b</hostname><port>1</port><socketType>SSL</socketType></incomingServer></emailProvider></clientConfig>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		found := parseAutoconfig(b, "nora", "x.example")
		if found == nil {
			return
		}
		_, rest, tls := strings.Cut(found.Server, "starttls://")
		if !tls {
			rest = found.Server
		}
		host, port, err := net.SplitHostPort(rest)
		if err != nil || !isName(host) || port == "" || strings.ContainsAny(found.Username, "\r\n\x00") {
			t.Errorf("%+v: %v", found, err)
		}
	})
}
