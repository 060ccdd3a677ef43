package imaptest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is one way to spoil the conversation. The messages that pass the proxy
// in FETCH responses are counted over all connections, from 1; At says at which
// the fault begins to act, Times how often it acts from there on (0: once), and
// UID that it acts on that UID only, whenever it passes.
type Fault struct {
	Kind  string // one of Faults
	At    int
	Times int
	UID   uint32
}

// Faults are the kinds of Fault.
var Faults = []string{
	"cut", "rst", "cut-literal", "rst-literal", "cut-tag", "stall", "stall-literal", "swallow-ok", "bye", "no", "no-early",
	"drop", "nil-body", "no-body", "empty-body", "flags-first", "flags-after", "wrong-uid", "uid-last", "no-uid", "dup", "lie-long", "lie-short",
	"huge-literal", "garbage", "unknown", "vanished", "blank", "bad-date", "long-line", "slow",
}

// Proxy stands between a client and an IMAP server without TLS.
type Proxy struct {
	Addr string

	server string
	ln     net.Listener
	wg     sync.WaitGroup
	stop   chan struct{}

	mu         sync.Mutex
	fault      Fault
	seen       int // messages that passed
	acted      int
	violations []string
	conns      map[net.Conn]bool
	octets     int64 // to the client
}

// NewProxy starts a proxy to server ("host:port") that ends with the test and
// fails it if a client sent a command that is not read-only.
func NewProxy(t testing.TB, server string, f Fault) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: ln.Addr().String(), server: server, ln: ln, fault: f, conns: map[net.Conn]bool{}, stop: make(chan struct{})}
	p.wg.Add(1)
	go p.serve()
	t.Cleanup(func() {
		p.Close()
		for _, v := range p.Violations() {
			t.Errorf("not read-only: %s", v)
		}
	})
	return p
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.ln.Close()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// Violations returns the commands that could have changed a mailbox.
func (p *Proxy) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.violations...)
}

// Acted returns how often the fault acted.
func (p *Proxy) Acted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acted
}

// Octets returns how many octets went to clients.
func (p *Proxy) Octets() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.octets
}

// Heal takes the fault away.
func (p *Proxy) Heal() {
	p.mu.Lock()
	p.fault = Fault{}
	p.mu.Unlock()
}

func (p *Proxy) serve() {
	defer p.wg.Done()
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", p.server)
		if err != nil {
			c.Close()
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[s] = true, true
		p.mu.Unlock()
		l := &link{p: p, client: c, server: s, fetches: map[string]bool{}}
		p.wg.Add(2)
		go l.up()
		go l.down()
	}
}

// link is one connection through the proxy.
type link struct {
	p              *Proxy
	client, server net.Conn

	mu      sync.Mutex
	fetches map[string]bool // tags of FETCH commands with a body, in flight
	refuse  bool            // the next tagged OK of a FETCH becomes NO
	swallow bool            // … is left out
	cutTag  bool            // … is cut
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
	l.p.mu.Lock()
	delete(l.p.conns, l.client)
	delete(l.p.conns, l.server)
	l.p.mu.Unlock()
}

// harmless are the commands that cannot change a mailbox.
var harmless = regexp.MustCompile(`(?i)^(CAPABILITY|NOOP|LOGOUT|ID|STARTTLS|LOGIN|AUTHENTICATE|COMPRESS|ENABLE|NAMESPACE|LIST|STATUS|EXAMINE|UNSELECT|UID SEARCH|SEARCH|UID FETCH|FETCH|IDLE)( |$)`)

func (l *link) up() {
	defer l.p.wg.Done()
	defer l.close()
	br := bufio.NewReader(l.client)
	inside := false // what follows a literal
	for {
		line, err := br.ReadBytes('\n')
		if err != nil {
			return
		}
		s := strings.TrimRight(string(line), "\r\n")
		if tag, cmd, ok := strings.Cut(s, " "); ok && !inside {
			up := strings.ToUpper(cmd)
			if !harmless.MatchString(cmd) || strings.Contains(up, "BODY[") || strings.Contains(up, "RFC822 ") ||
				strings.Contains(up, "RFC822)") || strings.Contains(up, "RFC822.TEXT") || strings.Contains(up, "RFC822.HEADER") {
				l.p.mu.Lock()
				l.p.violations = append(l.p.violations, cmd)
				l.p.mu.Unlock()
			}
			if strings.Contains(up, "BODY.PEEK[") {
				l.mu.Lock()
				if len(l.fetches) > 0 {
					l.p.mu.Lock()
					l.p.violations = append(l.p.violations, "FETCH in flight twice: "+cmd)
					l.p.mu.Unlock()
				}
				l.fetches[tag] = true
				l.mu.Unlock()
			}
		}
		if _, err := l.server.Write(line); err != nil {
			return
		}
		var n int64
		if n, inside = literal(line); inside {
			if _, err := io.CopyN(l.server, br, n); err != nil {
				return
			}
		}
	}
}

var literalRE = regexp.MustCompile(`\{(\d+)\+?\}\r?\n$`)

func literal(line []byte) (int64, bool) {
	m := literalRE.FindSubmatch(line)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	return n, err == nil
}

var (
	uidRE  = regexp.MustCompile(`\(UID (\d+) ?`)
	dateRE = regexp.MustCompile(`INTERNALDATE "[^"]*"`)
)

// acts counts a message and says whether the fault acts on it.
func (p *Proxy) acts(uid uint32) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	f := p.fault
	if f.Kind == "" || f.UID != 0 && f.UID != uid || f.UID == 0 && (p.seen < f.At || p.acted >= max(f.Times, 1)) {
		return "", false
	}
	p.acted++
	return f.Kind, true
}

func (l *link) send(b ...[]byte) bool {
	all := bytes.Join(b, nil)
	l.p.mu.Lock()
	l.p.octets += int64(len(all))
	l.p.mu.Unlock()
	_, err := l.client.Write(all)
	return err == nil
}

// hang keeps the connection open and silent until the client gives up.
func (l *link) hang() {
	io.Copy(io.Discard, l.server) // ends when either side closes
}

func (l *link) down() {
	defer l.p.wg.Done()
	defer l.close()
	br := bufio.NewReader(l.server)
	for {
		line, err := br.ReadBytes('\n')
		if err != nil {
			return
		}
		n, hasLiteral := literal(line)
		isFetch := bytes.HasPrefix(line, []byte("* ")) && bytes.Contains(line, []byte(" FETCH ("))
		if isFetch && (hasLiteral || bytes.Contains(line, []byte("BODY[] "))) {
			body := make([]byte, n)
			if _, err := io.ReadFull(br, body); err != nil {
				return
			}
			var tail []byte
			if hasLiteral {
				if tail, err = br.ReadBytes('\n'); err != nil {
					return
				}
			}
			if !l.message(line, body, tail) {
				return
			}
			continue
		}
		if hasLiteral {
			body := make([]byte, n)
			if _, err := io.ReadFull(br, body); err != nil || !l.send(line, body) {
				return
			}
			continue
		}
		if !l.tagged(line) {
			return
		}
	}
}

func (l *link) tagged(line []byte) bool {
	tag, _, _ := strings.Cut(string(line), " ")
	l.mu.Lock()
	mine := l.fetches[tag]
	delete(l.fetches, tag)
	refuse, swallow, cut := l.refuse && mine, l.swallow && mine, l.cutTag && mine
	if mine {
		l.refuse, l.swallow, l.cutTag = false, false, false
	}
	l.mu.Unlock()
	switch {
	case refuse:
		return l.send([]byte(tag + " NO Some messages could not be FETCHed (Failure)\r\n"))
	case swallow:
		l.hang()
		return false
	case cut:
		l.send(line[:len(line)/2])
		return false
	}
	return l.send(line)
}

func (l *link) reset() {
	if tc, ok := l.client.(*net.TCPConn); ok {
		tc.SetLinger(0)
	}
}

// message passes on one message, or does to it what the fault says. It returns
// false when the connection is to end.
func (l *link) message(line, body, tail []byte) bool {
	var uid uint64
	if m := uidRE.FindSubmatch(line); m != nil {
		uid, _ = strconv.ParseUint(string(m[1]), 10, 32)
	}
	kind, ok := l.p.acts(uint32(uid))
	if !ok {
		return l.send(line, body, tail)
	}
	seq, _, _ := strings.Cut(string(line[2:]), " ")
	short := func(items string) []byte { return fmt.Appendf(nil, "* %s FETCH (%s)\r\n", seq, items) }
	announce := func(n int64) []byte {
		return literalRE.ReplaceAll(line, fmt.Appendf(nil, "{%d}\r\n", n))
	}
	later := func(set *bool) bool {
		l.mu.Lock()
		*set = true
		l.mu.Unlock()
		return l.send(line, body, tail)
	}
	half := body[:len(body)/2]
	switch kind {
	case "cut":
		return false
	case "rst":
		l.reset()
		return false
	case "cut-literal":
		l.send(line, half)
		return false
	case "rst-literal":
		l.send(line, half)
		time.Sleep(5 * time.Millisecond)
		l.reset()
		return false
	case "stall":
		l.hang()
		return false
	case "stall-literal":
		l.send(line, half)
		l.hang()
		return false
	case "cut-tag":
		return later(&l.cutTag)
	case "swallow-ok":
		return later(&l.swallow)
	case "no":
		return later(&l.refuse)
	case "no-early":
		l.mu.Lock()
		l.refuse = true
		l.mu.Unlock()
		return true
	case "bye":
		l.send([]byte("* BYE Session expired, come again\r\n"))
		return false
	case "drop":
		return true
	case "nil-body":
		return l.send(short(fmt.Sprintf("UID %d BODY[] NIL", uid)))
	case "no-body":
		return l.send(short(fmt.Sprintf("UID %d", uid)))
	case "empty-body":
		return l.send(short(fmt.Sprintf(`UID %d BODY[] ""`, uid)))
	case "flags-first":
		return l.send(short(fmt.Sprintf(`UID %d FLAGS (\Seen)`, uid)), line, body, tail)
	case "flags-after":
		return l.send(line, body, tail, short(fmt.Sprintf(`UID %d FLAGS (\Seen)`, uid)))
	case "wrong-uid":
		return l.send(uidRE.ReplaceAll(line, fmt.Appendf(nil, "(UID %d ", uid+100000)), body, tail)
	case "no-uid":
		return l.send(uidRE.ReplaceAll(line, []byte("(")), body, tail)
	case "uid-last":
		return l.send(uidRE.ReplaceAll(line, []byte("(")), body, fmt.Appendf(nil, " UID %d)\r\n", uid))
	case "dup":
		return l.send(line, body, tail, line, body, tail)
	case "lie-long":
		return l.send(announce(int64(len(body))+10), body, tail)
	case "lie-short":
		return l.send(announce(max(int64(len(body))-10, 0)), body, tail)
	case "huge-literal":
		l.send(announce(1<<40), body, tail)
		l.hang()
		return false
	case "garbage":
		return l.send([]byte("* 5 FETCH (UID ((( %%\r\n"), line, body, tail)
	case "unknown":
		return l.send([]byte("* XFOO (bar baz)\r\n"), line, body, tail)
	case "vanished":
		return l.send([]byte("* VANISHED 999991:999999\r\n"), line, body, tail)
	case "blank":
		return l.send([]byte("\r\n"), line, body, tail)
	case "bad-date":
		return l.send(dateRE.ReplaceAll(line, []byte(`INTERNALDATE ""`)), body, tail)
	case "long-line":
		if !l.send([]byte("* OK ")) {
			return false
		}
		for range 64 {
			if !l.send(bytes.Repeat([]byte("x"), 1<<20)) {
				return false
			}
		}
		return l.send([]byte("\r\n"), line, body, tail)
	case "slow":
		l.send(line)
		step := max(len(body)/20, 1)
		for len(body) > 0 {
			k := min(step, len(body))
			if !l.send(body[:k]) {
				return false
			}
			body = body[k:]
			time.Sleep(10 * time.Millisecond)
		}
		return l.send(tail)
	}
	panic("imaptest: unknown fault " + kind)
}
