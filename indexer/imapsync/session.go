package imapsync

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
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

	noObjects bool // the server refuses the items for which it has the capability
	unhook    func() bool
}

// hold gives the session its guard and ties the guard's life to ctx.
func (s *session) hold(ctx context.Context, g *guard) {
	if s.unhook != nil {
		s.unhook()
	}
	s.g = g
	s.unhook = context.AfterFunc(ctx, func() { g.fail(context.Cause(ctx)) })
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

// notKept notes that a command was refused that CONDSTORE should make good, and reports
// whether it is worth asking without.
func (s *session) notKept(c condition) bool {
	if c.status != "BAD" || busy(c) || !s.condstore() {
		return false
	}
	delete(s.caps, "CONDSTORE")
	delete(s.caps, "QRESYNC")
	return true
}
