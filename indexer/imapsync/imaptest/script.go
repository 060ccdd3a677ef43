package imaptest

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Script is a server that answers each command with what Answer returns.
type Script struct {
	Addr string

	// Greeting is sent first, "* OK ready\r\n" if empty.
	Greeting string
	// Answer gets a command without its tag and line end, its literals as
	// "{n}octets", and returns what to send; "$T" in it becomes the command's
	// tag. An empty answer, or "$END" behind one, closes the connection. LOGOUT
	// is answered without it. Connections are served one at a time.
	Answer func(conn int, command string) string

	mu       sync.Mutex
	commands []string
	ln       net.Listener
	conn     net.Conn
	closed   bool
	done     chan struct{}
}

// Start serves s until the test ends.
func (s *Script) Start(t testing.TB) *Script {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.ln, s.Addr, s.done = ln, ln.Addr().String(), make(chan struct{})
	go s.serve()
	t.Cleanup(func() {
		s.mu.Lock()
		s.closed = true
		ln.Close()
		if s.conn != nil {
			s.conn.Close()
		}
		s.mu.Unlock()
		<-s.done
	})
	return s
}

// Commands returns all commands received, without tags.
func (s *Script) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

func (s *Script) serve() {
	defer close(s.done)
	for n := 0; ; n++ {
		conn, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conn = conn
		if s.closed {
			conn.Close()
		}
		s.mu.Unlock()
		s.talk(conn, n)
		conn.Close()
	}
}

func (s *Script) talk(conn net.Conn, n int) {
	greeting := s.Greeting
	if greeting == "" {
		greeting = "* OK ready\r\n"
	}
	if _, err := conn.Write([]byte(greeting)); err != nil {
		return
	}
	br := bufio.NewReader(conn)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return
		}
		for n, more := literal([]byte(line)); more; n, more = literal([]byte(line)) {
			octets := make([]byte, n)
			if _, err := conn.Write([]byte("+ go on\r\n")); err != nil {
				return
			}
			if _, err := io.ReadFull(br, octets); err != nil {
				return
			}
			rest, err := br.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n") + string(octets) + rest
		}
		tag, cmd, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		s.mu.Lock()
		s.commands = append(s.commands, cmd)
		s.mu.Unlock()
		if cmd == "LOGOUT" {
			// Nobody waits for this answer, so that Answer must not be called: what
			// it looks at may be the test's again.
			conn.Write([]byte("* BYE bye\r\n" + tag + " OK done\r\n"))
			return
		}
		answer, last := strings.CutSuffix(s.Answer(n, cmd), "$END")
		if answer == "" {
			return
		}
		if _, err := conn.Write([]byte(strings.ReplaceAll(answer, "$T", tag))); err != nil || last {
			return
		}
	}
}
