package imapsync

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"inwriting/indexer/archive"
)

const (
	dialTimeout = 30 * time.Second
	lineLimit   = 1 << 20
	searchLimit = 16 << 20
	smallLimit  = 64 << 10
)

// session is one logged-in connection. It is used by one goroutine; only stop
// may be called from others.
type session struct {
	name   string // unlike that of any other connection
	g      *guard
	client *imapclient.Client
	caps   map[string]bool // upper case
	tags   int
	info   ServerInfo
	bare   bool // the server refuses more than UID and BODY.PEEK[] in one FETCH
	unhook func() bool
}

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
	nd := net.Dialer{Timeout: dialTimeout, KeepAlive: time.Minute}
	conn, err := nd.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, d.err(ErrUnreachable, doing, err, dialHint(err))
	}
	if e.scheme == "insecure" {
		// A name may resolve to anything.
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			conn.Close()
			return nil, d.err(ErrConfig, doing, fmt.Errorf("%q is not loopback and insecure:// sends the password in the clear", e.host), "")
		}
	}
	if e.scheme == "tls" {
		if conn, err = d.secure(ctx, conn, e, doing); err != nil {
			return nil, err
		}
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

	greeting, err := s.greeting()
	if err != nil {
		hint := ""
		if e.scheme != "tls" {
			hint = "a server that says nothing here may expect TLS: leave the scheme away"
		}
		return nil, d.connErr(s, doing, err, hint)
	}
	if e.scheme == "starttls" {
		// RFC 9051 section 7.1.4: PREAUTH before encryption is refused; what
		// follows would go over the wire in the clear.
		if greeting.status == "PREAUTH" {
			return nil, d.err(ErrTLS, doing, errors.New("the server skips the login before encryption, STARTTLS is impossible"), "use the TLS port, usually 993")
		}
		if err := d.startTLS(ctx, s, e, doing); err != nil {
			return nil, err
		}
		greeting.code = "" // capabilities told in the clear do not count
	}
	if greeting.code == "CAPABILITY" {
		s.setCaps(greeting.arg)
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
	if s.caps["ID"] {
		// 163.com and its kin refuse folders to clients without a name.
		if _, err := s.command("ID", nil, arg{text: `("name" "inwriting")`}); err != nil {
			return nil, d.connErr(s, "introducing ourselves to "+e.addr, err, "")
		}
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

// hold gives the session its guard and ties the guard's life to ctx.
func (s *session) hold(ctx context.Context, g *guard) {
	if s.unhook != nil {
		s.unhook()
	}
	s.g = g
	s.unhook = context.AfterFunc(ctx, func() { g.fail(context.Cause(ctx)) })
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

func (d *dialer) login(ctx context.Context, s *session, e endpoint) error {
	user := d.account.Username
	if user == "" {
		user = d.account.Address
	}
	doing := fmt.Sprintf("logging in to %s as %q", e.addr, user)
	if s.caps == nil {
		if err := s.capability(); err != nil {
			return d.connErr(s, doing, err, "")
		}
	}
	if d.account.Password == nil {
		return d.err(ErrConfig, doing, errors.New("no password configured"), "")
	}
	pass, err := d.account.Password(ctx)
	if err != nil {
		return d.err(ErrConfig, doing, fmt.Errorf("password: %w", err), "")
	}
	var c condition
	how := "LOGIN"
	switch {
	case s.caps["AUTH=PLAIN"]:
		how = "AUTHENTICATE PLAIN"
		sasl := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + pass)) // RFC 4616 section 2
		a := arg{text: sasl, secret: true, answer: true}
		if s.caps["SASL-IR"] {
			a.answer = false
		}
		c, err = s.command("AUTHENTICATE", nil, arg{text: "PLAIN"}, a)
	case s.caps["LOGINDISABLED"]:
		return d.err(ErrAuth, doing, fmt.Errorf("the server takes no password here (it offers %s)", strings.Join(s.mechanisms(), ", ")),
			"the provider may want OAuth or an app password")
	default:
		p := astring(pass)
		p.secret = true
		c, err = s.command("LOGIN", nil, astring(user), p)
	}
	if err != nil {
		return d.connErr(s, doing, err, "")
	}
	if c.status != "OK" {
		d.event(EventRefused, "", doing+": "+c.text)
		if busy(c) || c.code == "UNAVAILABLE" { // RFC 5530: it passes
			return d.serverErr(ErrBusy, doing, c, "try again later")
		}
		return d.serverErr(ErrAuth, doing, c,
			"check username and password; many providers want an app password for IMAP")
	}
	s.info.User = user
	d.event(EventLogin, "", fmt.Sprintf("%s as %q with %s", e.addr, user, how))
	// RFC 9051 section 6.2.3: a login may change the capabilities.
	s.caps = nil
	if c.code == "CAPABILITY" {
		s.setCaps(c.arg)
	}
	return nil
}

// busy recognises a refusal that passes: RFC 5530 codes and the texts of
// Microsoft 365 and Gmail.
func busy(c condition) bool {
	switch c.code {
	case "INUSE", "LIMIT", "OVERQUOTA", "SERVERBUG", "THROTTLED":
		return true
	}
	t := strings.ToLower(c.text)
	for _, s := range []string{"throttl", "backoff time", "too many simultaneous", "temporarily unavailable", "bandwidth limit", "authenticated but not connected"} {
		if strings.Contains(t, s) {
			return true
		}
	}
	return false
}

func (s *session) mechanisms() []string {
	var m []string
	for c := range s.caps {
		if a, ok := strings.CutPrefix(c, "AUTH="); ok {
			m = append(m, a)
		}
	}
	slices.Sort(m)
	if len(m) == 0 {
		m = []string{"nothing else"}
	}
	return m
}

// stop ends the connection from any goroutine.
func (s *session) stop(err error) { s.g.fail(err) }

// close ends the session and waits for go-imap's goroutine.
func (s *session) close(polite bool) {
	if polite && s.g.failure() == nil {
		// The answer says nothing that is worth a round trip.
		s.g.hurry()
		s.tags++
		tag := "A" + strconv.Itoa(s.tags)
		if s.g.begin(tag, "LOGOUT", "LOGOUT", turnRaw) == nil {
			_ = s.g.write([]byte(tag + " LOGOUT\r\n")) // the connection ends either way
		}
	}
	s.unhook()
	s.stop(errClosed)
	if s.client != nil {
		<-s.client.Closed()
		s.client.Close() // its error repeats ours
	}
}

// start puts go-imap on top of the guard. It is told that the login is done and
// only those capabilities that change what it sends.
func (s *session) start() {
	caps := "IMAP4rev1"
	if s.caps["ESEARCH"] {
		caps += " ESEARCH"
	}
	s.g.pending = []byte("* PREAUTH [CAPABILITY " + caps + "] go on\r\n")
	s.client = imapclient.New(s.g, nil)
	_ = s.client.WaitGreeting() // its error would be the guard's
}

// --- raw commands

func (s *session) command(verb string, each func(response) error, args ...arg) (condition, error) {
	s.tags++
	return s.g.command("A"+strconv.Itoa(s.tags), verb, each, args...)
}

func (s *session) greeting() (condition, error) {
	for {
		r, err := s.g.readResponse()
		if err != nil {
			return condition{}, err
		}
		c := readCondition(r.conditionPart())
		switch {
		case r.word() == "PREAUTH":
			return c, nil
		case r.word() == "OK":
			// An alert may stand before the greeting: Courier says "* OK
			// [ALERT]" first and PREAUTH after it, if it does say more.
			if c.code == "ALERT" && s.g.br.Buffered() > 0 {
				continue
			}
			return c, nil
		case r.word() == "BYE":
			return c, s.g.fail(errCut)
		default:
			return c, s.g.fail(fmt.Errorf("not an IMAP greeting: %q", shorten(r)))
		}
	}
}

func (s *session) setCaps(list string) {
	s.caps = map[string]bool{}
	for _, c := range strings.Fields(list) {
		s.caps[strings.ToUpper(c)] = true
	}
}

func (s *session) capability() error {
	c, err := s.command("CAPABILITY", func(r response) error {
		if r.word() == "CAPABILITY" {
			s.setCaps(string(r.after()))
		}
		return nil
	})
	if err == nil && c.status != "OK" {
		err = s.g.fail(fmt.Errorf("CAPABILITY: %s %s", c.status, c.text))
	}
	if s.caps == nil {
		s.caps = map[string]bool{}
	}
	return err
}

// condstore reports whether HIGHESTMODSEQ can be relied on. Yahoo sends it
// without having the extension.
func (s *session) condstore() bool { return s.caps["CONDSTORE"] || s.caps["QRESYNC"] }

// status is the part of STATUS or EXAMINE that tells whether a folder changed;
// 0 is unknown.
type status struct {
	uidValidity, uidNext uint32
	exists               uint32
	hasExists            bool
	modSeq               uint64
}

// list returns the folders in the server's order and, if the server gives it
// along with them, the status of each by name.
func (s *session) list() ([]FolderInfo, map[string]status, error) {
	var args []arg
	args = append(args, arg{text: `"" "*"`})
	var ret []string
	if s.caps["SPECIAL-USE"] {
		ret = append(ret, "SPECIAL-USE")
	}
	if s.caps["LIST-STATUS"] && s.condstore() {
		ret = append(ret, "STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")
	}
	if len(ret) > 0 && (s.caps["LIST-EXTENDED"] || s.caps["LIST-STATUS"]) {
		args = append(args, arg{text: "RETURN (" + strings.Join(ret, " ") + ")"})
	}
	var folders []FolderInfo
	seen := map[string]bool{}
	stats := map[string]status{}
	each := func(r response) error {
		switch r.word() {
		case "LIST":
			f, ok := readList(r.after())
			if ok && !seen[f.Name] {
				seen[f.Name] = true
				folders = append(folders, f)
			}
		case "STATUS":
			if name, st, ok := readStatus(r.after()); ok {
				stats[name] = st
			}
		}
		return nil
	}
	c, err := s.command("LIST", each, args...)
	if err == nil && c.status != "OK" && len(args) > 1 {
		folders, seen = nil, map[string]bool{}
		c, err = s.command("LIST", each, args[0])
	}
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return folders, stats, err
}

// refusal is a tagged NO or BAD.
type refusal struct{ c condition }

func (r *refusal) Error() string {
	if r.c.code != "" {
		return fmt.Sprintf("%s [%s] %s", r.c.status, r.c.code, r.c.text)
	}
	return r.c.status + " " + r.c.text
}

// readList reads what follows "* LIST". A line that is no LIST response is
// passed over: one odd folder must not hide the others.
func readList(b []byte) (FolderInfo, bool) {
	v, _ := readValues(b)
	if len(v) < 3 || !v[0].isList || v[2].isList || v[2].isNil() {
		return FolderInfo{}, false
	}
	f := FolderInfo{Name: v[2].s}
	if !v[1].isNil() {
		f.Delim = v[1].s
	}
	for _, a := range v[0].list {
		f.Attrs = append(f.Attrs, a.s)
	}
	// RFC 9051 section 5.1: INBOX in any case is the same folder.
	if strings.EqualFold(f.Name, "INBOX") {
		f.Name = "INBOX"
	}
	f.Display, _ = displayName(f.Name)
	return f, true
}

func readStatus(b []byte) (name string, st status, ok bool) {
	v, _ := readValues(b)
	if len(v) < 2 || v[0].isList || !v[1].isList {
		return "", st, false
	}
	name = v[0].s
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	items := v[1].list
	for i := 0; i+1 < len(items); i += 2 {
		n, _ := strconv.ParseUint(items[i+1].s, 10, 64)
		switch strings.ToUpper(items[i].s) {
		case "MESSAGES":
			st.exists, st.hasExists = uint32(n), true
		case "UIDNEXT":
			st.uidNext = uint32(n)
		case "UIDVALIDITY":
			st.uidValidity = uint32(n)
		case "HIGHESTMODSEQ":
			st.modSeq = n
		}
	}
	return name, st, true
}

func (s *session) status(name string) (status, error) {
	var st status
	c, err := s.command("STATUS", func(r response) error {
		// One STATUS is in flight, so the answer is the answer, even when the
		// server spells the name in another way.
		if r.word() == "STATUS" {
			if _, got, ok := readStatus(r.after()); ok {
				st = got
			}
		}
		return nil
	}, astring(name), arg{text: "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return st, err
}

// examine opens a folder for reading. readOnly is what the server confirms.
func (s *session) examine(name string) (st status, readOnly bool, err error) {
	args := []arg{astring(name)}
	if s.condstore() {
		args = append(args, arg{text: "(CONDSTORE)"})
	}
	s.g.exists = 0
	c, err := s.command("EXAMINE", s.opened(&st), args...)
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	// The greatest or last EXISTS counts; Zimbra sends several.
	st.exists, st.hasExists = s.g.exists, true
	return st, c.code == "READ-ONLY", err
}

// examineAndDescribe is examine and describe of all messages in one round trip. ok
// is false when the server did not answer the second, or the name has to be a
// literal; what each was called for then counts for nothing, and without the first
// the folder is not open.
func (s *session) examineAndDescribe(name string, each func(ListedMessage)) (st status, readOnly, ok bool, err error) {
	q, quotable := quote(name)
	if !quotable {
		st, readOnly, err = s.examine(name)
		return st, readOnly, false, err
	}
	examine := "EXAMINE " + q
	if s.condstore() {
		examine += " (CONDSTORE)"
	}
	s.g.exists = 0
	s.tags += 2
	a, b, err := s.g.pair(
		raw{"A" + strconv.Itoa(s.tags-1), examine, s.opened(&st)},
		raw{"A" + strconv.Itoa(s.tags), "UID FETCH 1:* " + descriptionItems, described(each)})
	if err == nil && a.status != "OK" {
		err = &refusal{a}
	}
	st.exists, st.hasExists = s.g.exists, true
	return st, a.code == "READ-ONLY", err == nil && b.status == "OK", err
}

// opened reads what EXAMINE answers.
func (s *session) opened(st *status) func(response) error {
	return func(r response) error {
		if r.word() != "OK" {
			return nil
		}
		c := readCondition(r.conditionPart())
		n, _ := strconv.ParseUint(strings.TrimSpace(c.arg), 10, 64)
		switch c.code {
		case "UIDVALIDITY":
			st.uidValidity = uint32(n)
		case "UIDNEXT":
			st.uidNext = uint32(n)
		case "HIGHESTMODSEQ":
			if s.condstore() {
				st.modSeq = n
			}
		}
		return nil
	}
}

func (r response) conditionPart() []byte {
	if len(r) < 2 {
		return nil
	}
	return r[2:]
}

func (s *session) noop() error {
	_, err := s.command("NOOP", nil)
	return err
}

// describe fetches what the server says about UIDs without their messages, and
// calls each for every UID once per response. What it leaves out is left out.
// With since it is restricted to UIDs whose MODSEQ is greater.
func (s *session) describe(set string, since uint64, each func(ListedMessage)) error {
	args := []arg{{text: set}, {text: descriptionItems}}
	if since > 0 {
		args = append(args, arg{text: fmt.Sprintf("(CHANGEDSINCE %d)", since)})
	}
	c, err := s.command("UID FETCH", described(each), args...)
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

const descriptionItems = "(UID FLAGS INTERNALDATE RFC822.SIZE)"

func described(each func(ListedMessage)) func(response) error {
	return func(r response) error {
		if _, rest, ok := r.numbered("FETCH"); ok {
			if m, ok := readDescription(rest); ok {
				each(m)
			}
		}
		return nil
	}
}

// readDescription reads what follows "* n FETCH". A response without size is a
// flag change of another session and not an answer.
func readDescription(b []byte) (m ListedMessage, ok bool) {
	v, err := readValues(b)
	if err != nil || len(v) != 1 || !v[0].isList {
		return m, false
	}
	items := v[0].list
	hasSize := false
	for i := 0; i+1 < len(items); i += 2 {
		x := items[i+1]
		switch strings.ToUpper(items[i].s) {
		case "UID":
			m.UID, _ = number32(x.s)
		case "RFC822.SIZE":
			n, err := strconv.ParseInt(x.s, 10, 64)
			hasSize = err == nil && n >= 0
			m.Size = max(n, 0)
		case "INTERNALDATE":
			m.InternalDate = readInternalDate(x.s)
		case "FLAGS":
			m.Flags = flagNames(x.list)
		}
	}
	return m, m.UID != 0 && hasSize
}

// flagNames sorts the flags, without \Recent, which says something about the
// session and not about the message.
func flagNames(list []value) []string {
	var out []string
	for _, f := range list {
		if f.s != "" && !strings.EqualFold(f.s, `\Recent`) {
			out = append(out, f.s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uids fetches the UIDs of all messages with FETCH, for servers whose SEARCH
// does not add up.
func (s *session) uids(out map[uint32]bool) error {
	c, err := s.command("UID FETCH", func(r response) error {
		_, rest, ok := r.numbered("FETCH")
		if !ok {
			return nil
		}
		v, _ := readValues(rest)
		if len(v) == 1 && v[0].isList {
			for i := 0; i+1 < len(v[0].list); i += 2 {
				if strings.EqualFold(v[0].list[i].s, "UID") {
					if n, ok := number32(v[0].list[i+1].s); ok && n > 0 {
						out[n] = true
					}
				}
			}
		}
		return nil
	}, arg{text: "1:*"}, arg{text: "(UID)"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

// --- through go-imap

// search returns all UIDs of the folder in ascending order. It asks for "UID
// 1:*": a bare ALL gives wrong numbers on iCloud.
func (s *session) search() ([]uint32, error) {
	var opt *imap.SearchOptions
	if s.caps["ESEARCH"] {
		opt = &imap.SearchOptions{ReturnAll: true}
	}
	data, err := s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: 1, Stop: 0}}}}, opt).Wait()
	if err != nil {
		return nil, s.clientErr(err)
	}
	set, _ := data.All.(imap.UIDSet)
	var out []uint32
	for _, r := range set {
		lo, hi := uint32(r.Start), uint32(r.Stop)
		if lo > hi {
			lo, hi = hi, lo
		}
		if lo == 0 {
			continue // UID 0 does not exist; seen in practice
		}
		if uint64(hi)-uint64(lo)+uint64(len(out)) > maxUIDs {
			return nil, s.g.fail(fmt.Errorf("a folder of more than %d messages: %w", maxUIDs, errTooLong))
		}
		for u := uint64(lo); u <= uint64(hi); u++ {
			out = append(out, uint32(u))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// maxUIDs keeps one short ESEARCH line from filling the memory.
const maxUIDs = 10_000_000

// clientErr tells a refusal from a broken connection. go-imap's own words for
// the latter are of no use, the guard knows better.
func (s *session) clientErr(err error) error {
	var ie *imap.Error
	if errors.As(err, &ie) {
		return &refusal{condition{status: string(ie.Type), code: string(ie.Code), text: ie.Text}}
	}
	return s.broken(err)
}

// broken ends the connection and waits until go-imap has seen it. Only then is
// it safe to touch a command of go-imap's again.
func (s *session) broken(err error) error {
	garbled := fmt.Errorf("%w: %v", errGarbled, err)
	if err = s.g.fail(garbled); errors.Is(err, errClosed) {
		err = garbled // go-imap closed the connection over it
	}
	<-s.client.Closed()
	return err
}

// delivery is a message as FETCH gave it.
type delivery struct {
	uid          uint32
	blob         *archive.Blob
	size         int64 // RFC822.SIZE, -1 if not said
	internalDate time.Time
	flags        []string
	hasFlags     bool
}

// stageError is a failure on our side of the wire.
type stageError struct{ error }

func (e stageError) Unwrap() error { return e.error }

// fetch asks for the messages of uids and gives each that is complete to
// accept, one behind the wire: a message is final only when the next response
// has begun or the command has ended, because a server that announces a wrong
// length shows it only then. After a failure of the connection the last one is
// thrown away.
//
// The error is a *refusal, a stageError, an error of accept or the guard's.
// Messages may be missing whatever the error, nil included.
func (s *session) fetch(uids []uint32, bare bool, stage Stager, accept func(delivery) error) error {
	set := imap.UIDSet{}
	for _, u := range uids {
		set.AddNum(imap.UID(u))
	}
	opt := &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	if !bare {
		opt.Flags, opt.InternalDate, opt.RFC822Size = true, true, true
	}
	cmd := s.client.Fetch(set, opt)

	var last *delivery
	abort := func() {
		if last != nil {
			last.blob.Discard()
		}
		s.g.fail(errClosed)
		<-s.client.Closed()
		cmd.Close() // its error repeats ours
	}
	for {
		msg := cmd.Next()
		if last != nil && msg != nil {
			d := *last
			last = nil
			if err := accept(d); err != nil {
				s.g.fail(errClosed)
				discard(msg)
				abort()
				return err
			}
		}
		if msg == nil {
			break
		}
		d, err := s.receive(msg, stage)
		if err != nil {
			abort()
			return err
		}
		if d.uid != 0 && d.blob != nil {
			last = &d
		}
	}
	if err := cmd.Close(); err != nil {
		err = s.clientErr(err)
		var no *refusal
		if !errors.As(err, &no) {
			if last != nil {
				last.blob.Discard()
			}
			return err
		}
		if last != nil {
			if err := accept(*last); err != nil {
				return err
			}
		}
		return no
	}
	if last != nil {
		return accept(*last)
	}
	return nil
}

// receive reads one response. A body that is NIL counts as none.
func (s *session) receive(msg *imapclient.FetchMessageData, stage Stager) (d delivery, err error) {
	d.size = -1
	for {
		item := msg.Next()
		if item == nil {
			return d, nil
		}
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			d.uid = uint32(item.UID)
		case imapclient.FetchItemDataFlags:
			d.hasFlags = true
			for _, f := range item.Flags {
				if !strings.EqualFold(string(f), `\Recent`) {
					d.flags = append(d.flags, string(f))
				}
			}
			slices.Sort(d.flags)
			d.flags = slices.Compact(d.flags)
		case imapclient.FetchItemDataInternalDate:
			d.internalDate = item.Time
		case imapclient.FetchItemDataRFC822Size:
			d.size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || d.blob != nil {
				continue
			}
			want := item.Literal.Size()
			lit := &literalReader{r: item.Literal}
			blob, err := stage.Read(lit)
			if err == nil && blob.Size() == want {
				d.blob = blob
				continue
			}
			if blob != nil {
				blob.Discard()
			}
			failed := s.g.failure()
			if failed == nil && err == nil {
				// The guard makes an end inside a literal an error, so this
				// cannot happen; if it does, nothing of it is kept.
				failed = s.g.fail(fmt.Errorf("message of %d octets ended after %d", want, blob.Size()))
			}
			if failed == nil {
				failed = stageError{err}
			}
			s.g.fail(failed)
			// go-imap waits until the literal has been read to its end or error,
			// and from then on its reader must not be disturbed.
			if !lit.ended {
				_, _ = io.Copy(io.Discard, lit)
			}
			return d, failed
		}
	}
}

// fetchRaw fetches one message into memory, in whatever order its items come. A
// response without a UID counts when it is the only one with a body and has the
// size that was announced.
func (s *session) fetchRaw(it item) (body []byte, ok bool, err error) {
	bodies := 0
	err = s.fetchPart(strconv.FormatUint(uint64(it.uid), 10), "", rawOctets, func(uid uint32, octets []byte) {
		bodies++
		if uid == it.uid || uid == 0 && int64(len(octets)) == it.size && it.size > 0 {
			body, ok = octets, true
		}
	})
	return body, ok && bodies == 1, err
}

// fetchPart fetches a section of messages ("HEADER", "" for all) without go-imap,
// each at most limit octets, and calls each for every response that holds one. uid
// is 0 where the response does not say it; the octets are the callee's. What cannot
// be read is no answer.
func (s *session) fetchPart(set, section string, limit int64, each func(uid uint32, octets []byte)) error {
	usual := s.g.lim.small
	s.g.lim.small = limit
	defer func() { s.g.lim.small = usual }()
	c, err := s.command("UID FETCH", func(r response) error {
		_, rest, ok := r.numbered("FETCH")
		if !ok {
			return nil
		}
		v, err := readValues(rest)
		if err != nil || len(v) != 1 || !v[0].isList {
			return nil
		}
		uid, text, has := uint32(0), "", false
		for items := v[0].list; len(items) > 1; items = items[2:] {
			switch strings.ToUpper(items[0].s) {
			case "UID":
				uid, _ = number32(items[1].s)
			case "BODY[" + section + "]":
				text, has = items[1].s, items[1].quoted
			}
		}
		if has {
			each(uid, []byte(text))
		}
		return nil
	}, arg{text: set}, arg{text: "(UID BODY.PEEK[" + section + "])"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

// literalReader knows whether a literal was read to its end or error.
type literalReader struct {
	r     io.Reader
	ended bool
}

func (l *literalReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.ended = l.ended || err != nil
	return n, err
}

// discard reads a response nobody wants, so that go-imap can go on to its end.
func discard(msg *imapclient.FetchMessageData) {
	for msg.Next() != nil {
	}
}

// --- errors

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
