package imaptest

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Proxy stands between a client and an IMAP server without TLS.
type Proxy struct {
	Addr string

	server string
	ln     net.Listener
	wg     sync.WaitGroup
	stop   chan struct{}

	mu         sync.Mutex
	fault      Fault
	seen       map[place]int // what passed
	acted      int
	kinds      map[string]int
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
	p := &Proxy{Addr: ln.Addr().String(), server: server, ln: ln, fault: f, seen: map[place]int{}, kinds: map[string]int{}, conns: map[net.Conn]bool{}, stop: make(chan struct{})}
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

// Kinds returns how often each kind of fault acted.
func (p *Proxy) Kinds() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.kinds)
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
		if bytes.HasPrefix(line, []byte("* ")) {
			if line, err = l.untagged(line); err != nil {
				return
			}
			if len(line) > 0 && !l.send(line) {
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
