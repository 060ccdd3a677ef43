package imapsync

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialer is what it takes to open sessions of one account.
type dialer struct {
	account Account
	lim     limits
	event   func(kind, folder, detail string)
}

// endpoint is a Server setting taken apart.
type endpoint struct {
	scheme string // "tls", "starttls" or "insecure"
	addr   string // host:port
	host   string
}

func parseServer(s string) (endpoint, error) {
	e := endpoint{scheme: "tls", addr: s}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		e.scheme, e.addr = strings.ToLower(scheme), rest
		if e.scheme == "imaps" {
			e.scheme = "tls"
		}
	}
	switch e.scheme {
	case "tls", "starttls", "insecure":
	default:
		return e, fmt.Errorf(`unknown scheme %q; use "host:port", "starttls://host:port" or "insecure://host:port"`, e.scheme)
	}
	host, port, err := net.SplitHostPort(e.addr)
	if err != nil || host == "" || port == "" {
		return e, fmt.Errorf(`want "host:port", got %q`, e.addr)
	}
	e.host = host
	if e.scheme == "insecure" && host != "localhost" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return e, fmt.Errorf("insecure:// sends the password in the clear and is for this machine only, not for %q", host)
		}
	}
	return e, nil
}

// dial connects, secures and logs in. The session ends at once when ctx does.
func (d *dialer) dial(ctx context.Context) (_ *session, err error) {
	e, err := parseServer(d.account.Server)
	if err != nil {
		return nil, d.err(ErrConfig, fmt.Sprintf("server %q", d.account.Server), err,
			`write "imap.example:993" for TLS or "starttls://imap.example:143"`)
	}
	doing := "connecting to " + e.addr
	conn, err := d.reach(ctx, e, doing)
	if err != nil {
		return nil, err
	}
	s := &session{name: strconv.FormatUint(rand.Uint64(), 36)}
	s.hold(ctx, d.guard(conn))
	defer func() {
		if err != nil {
			s.stop(errClosed)
			s.unhook()
			d.report(s)
			if ctx.Err() != nil {
				err = ctx.Err()
			}
		}
	}()
	greeting, err := d.greeted(ctx, s, e, doing)
	if err != nil {
		return nil, err
	}
	d.event(EventConnected, "", fmt.Sprintf("%s %s: %s", e.scheme, e.addr, greeting.text))
	if greeting.status != "PREAUTH" {
		if err := d.login(ctx, s, e); err != nil {
			return nil, err
		}
	}
	if s.caps == nil {
		if err := s.capability(); err != nil {
			return nil, d.connErr(s, "asking "+e.addr+" what it can do", err, "")
		}
	}
	if err := s.introduce(); err != nil {
		return nil, d.connErr(s, "introducing ourselves to "+e.addr, err, "")
	}
	s.info.Addr, s.info.Transport, s.info.Greeting = e.addr, e.scheme, greeting.text
	s.info.Capabilities = slices.Sorted(maps.Keys(s.caps))
	if tc, ok := s.g.conn.(*tls.Conn); ok {
		if certs := tc.ConnectionState().PeerCertificates; len(certs) > 0 {
			s.info.Certificate = fmt.Sprintf("%x", sha256.Sum256(certs[0].Raw))
		}
	}
	if d.account.Compress && s.caps["COMPRESS=DEFLATE"] {
		c, err := s.command("COMPRESS", nil, arg{text: "DEFLATE"})
		if err == nil && c.status == "OK" {
			err = s.g.compress()
		}
		if err != nil {
			return nil, d.connErr(s, "agreeing on compression with "+e.addr, err, "")
		}
	}
	s.start()
	return s, nil
}

// reach makes the connection, encrypted where that comes first.
func (d *dialer) reach(ctx context.Context, e endpoint, doing string) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialTimeout, KeepAlive: time.Minute}
	conn, err := nd.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		hint := dialHint(err)
		var op *net.OpError
		if errors.As(err, &op) { // which address it was, is said already
			err = op.Err
		}
		return nil, d.err(ErrUnreachable, doing, err, hint)
	}
	switch e.scheme {
	case "insecure":
		// A name may resolve to anything.
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			conn.Close()
			return nil, d.err(ErrConfig, doing, fmt.Errorf("%q is not loopback and insecure:// sends the password in the clear", e.host), "")
		}
	case "tls":
		return d.secure(ctx, conn, e, doing)
	}
	return conn, nil
}

// greeted reads the greeting and encrypts what follows where that is agreed on.
func (d *dialer) greeted(ctx context.Context, s *session, e endpoint, doing string) (condition, error) {
	greeting, err := s.greeting()
	if err != nil {
		hint := ""
		if e.scheme != "tls" {
			hint = "a server that says nothing here may expect TLS: leave the scheme away"
		}
		return greeting, d.connErr(s, doing, err, hint)
	}
	if e.scheme == "starttls" {
		// RFC 9051 section 7.1.4: PREAUTH before encryption is refused; what
		// follows would go over the wire in the clear.
		if greeting.status == "PREAUTH" {
			return greeting, d.err(ErrTLS, doing, errors.New("the server skips the login before encryption, STARTTLS is impossible"), "use the TLS port, usually 993")
		}
		if err := d.startTLS(ctx, s, e, doing); err != nil {
			return greeting, err
		}
		greeting.code = "" // capabilities told in the clear do not count
	}
	if greeting.code == "CAPABILITY" {
		s.setCaps(greeting.arg)
	}
	return greeting, nil
}

// introduce tells the server who we are, as 163.com and its kin refuse folders to
// clients without a name, and that it may say VANISHED. Whatever it answers, it goes
// on.
func (s *session) introduce() error {
	const id, enable = `ID ("name" "inwriting")`, "ENABLE QRESYNC"
	named, resync := s.caps["ID"], s.caps["QRESYNC"] && s.caps["ENABLE"]
	var err error
	switch {
	case named && resync:
		s.tags += 2
		_, _, err = s.g.pair(raw{"A" + strconv.Itoa(s.tags-1), id, nil}, raw{"A" + strconv.Itoa(s.tags), enable, nil})
	case named:
		_, err = s.command(id, nil)
	case resync:
		_, err = s.command(enable, nil) // RFC 7162 section 3.2.3
	}
	return err
}

func (d *dialer) guard(conn net.Conn) *guard {
	return newGuard(conn, d.lim, new(transcript))
}

// report makes events of what the server said to people since the last report.
func (d *dialer) report(s *session) {
	for _, c := range s.g.takeNews() {
		kind := EventAlert
		if c.status == "BYE" {
			kind = EventBye
		}
		d.event(kind, "", c.text)
	}
}

func (d *dialer) secure(ctx context.Context, conn net.Conn, e endpoint, doing string) (net.Conn, error) {
	conf := &tls.Config{}
	if d.account.TLS != nil {
		conf = d.account.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = e.host
	}
	if conf.MinVersion == 0 {
		conf.MinVersion = tls.VersionTLS12
	}
	tc := tls.Client(conn, conf)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, d.err(ErrTLS, doing, err, tlsHint(err, e))
	}
	return tc, nil
}

func (d *dialer) startTLS(ctx context.Context, s *session, e endpoint, doing string) error {
	c, err := s.command("STARTTLS", nil)
	if err != nil {
		return d.connErr(s, doing, err, "")
	}
	if c.status != "OK" {
		return d.serverErr(ErrTLS, doing+" with STARTTLS", c, "use the TLS port, usually 993")
	}
	// Anything already here came in the clear and would be taken as encrypted.
	if s.g.br.Buffered() > 0 {
		return d.err(ErrTLS, doing, errors.New("the server sent data in the clear after STARTTLS"),
			"somebody may be in the line; use the TLS port, usually 993")
	}
	tc, err := d.secure(ctx, s.g.conn, e, doing)
	if err != nil {
		return err
	}
	s.hold(ctx, d.guard(tc))
	s.caps = nil
	return nil
}

func (d *dialer) err(kind error, doing string, cause error, hint string) error {
	return &Error{Kind: kind, Account: d.account.Address, Doing: doing, Err: cause, Hint: hint}
}

func (d *dialer) serverErr(kind error, doing string, c condition, hint string) error {
	e := &Error{Kind: kind, Account: d.account.Address, Doing: doing, Server: c.text, Hint: hint}
	if kind == ErrBusy {
		e.Wait = waitFor(c.text)
	}
	return e
}

// connErr describes a failure of the connection of s.
func (d *dialer) connErr(s *session, doing string, err error, hint string) error {
	e := &Error{Kind: ErrUnreachable, Account: d.account.Address, Doing: doing, Err: err, Hint: hint, Server: s.g.farewell()}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errTooLong), errors.Is(err, errTag), errors.Is(err, errGarbled):
		e.Kind = ErrProtocol
	case errors.Is(err, errDrips): // Gmail throttles so
		e.Kind, e.Wait = ErrBusy, backOff
	case e.Server != "" && busy(condition{text: e.Server}):
		e.Kind, e.Wait = ErrBusy, waitFor(e.Server)
	}
	if e.Hint == "" && e.Kind != ErrProtocol {
		e.Hint = "try again later; what was collected is kept"
	}
	return e
}

func dialHint(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "check the server's name"
	case strings.Contains(err.Error(), "refused"):
		return "check the port: 993 is usual for TLS, 143 for STARTTLS"
	}
	return "check server, port and the network"
}

func tlsHint(err error, e endpoint) string {
	var (
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &record):
		return fmt.Sprintf(`the server does not speak TLS on this port; try "starttls://%s"`, e.addr)
	case errors.As(err, &unknown):
		return "the certificate is not signed by an authority this machine trusts; if the server is yours, add its authority to the system's"
	case errors.As(err, &name):
		return "the certificate is for another name; use the name it was made for"
	case errors.As(err, &invalid):
		return "check the clock of this machine, then the server's certificate"
	}
	return "check server and port"
}
