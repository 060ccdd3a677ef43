package imapsync

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"
)

var testLimits = limits{idle: 5 * time.Second, line: lineLimit, search: searchLimit, literal: 1 << 20, small: smallLimit}

func TestPermit(t *testing.T) {
	for _, c := range []string{
		"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "UNSELECT", `ID ("name" "inwriting")`,
		`LOGIN "nora" "p\"w\\"`, "LOGIN {4} {3}", "AUTHENTICATE PLAIN", "AUTHENTICATE PLAIN AG5vcmE=",
		`LIST "" "*"`, `LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))`,
		`STATUS "INBOX" (MESSAGES UIDNEXT)`, "STATUS {3} (MESSAGES)", `EXAMINE "a (b) SELECT c"`, `EXAMINE {5} (CONDSTORE)`,
		"UID SEARCH UID 1:*", "UID SEARCH RETURN (ALL) UID 1:*", "UID FETCH 1:* (UID)",
		"ENABLE QRESYNC", "AUTHENTICATE XOAUTH2", "AUTHENTICATE OAUTHBEARER AAA=", "UID FETCH 1:* (UID EMAILID THREADID)", "UID FETCH 1 (UID X-GM-MSGID X-GM-THRID X-GM-LABELS)",
		"IDLE", notifyCommand, "UID FETCH 1,3:9 (UID RFC822.SIZE BODY.PEEK[])", "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 12)",
	} {
		if err := permit(c); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
	for _, c := range []string{
		"", " ", "SELECT INBOX", `SELECT "INBOX"`, "CLOSE", "EXPUNGE", "UID EXPUNGE 1", "UID STORE 1 +FLAGS (\\Seen)", "STORE 1 FLAGS ()",
		"COPY 1 x", "UID COPY 1 x", "UID MOVE 1 x", `CREATE "x"`, `DELETE "x"`, `RENAME "x" "y"`, `APPEND "x" {5}`, `SUBSCRIBE "x"`,
		"UID FETCH 1 (UID BODY[])", "UID FETCH 1 BODY[]", "UID FETCH 1 (RFC822)", "UID FETCH 1 (UID RFC822.TEXT)", "UID FETCH 1 (BODY.PEEK[]) BODY[]",
		"UID FETCH 1 (BINARY[1])", "FETCH 1 (BODY[])", "NOOP\r\nA2 EXPUNGE", "EXAMINE \"x\r\nA2 EXPUNGE\"", `EXAMINE "x" "y"`, `EXAMINE x`,
		"examine \"x\" (CONDSTORE) EXPUNGE", "IDLE 1", "DONE", "NOTIFY SET", notifyCommand + " (x)", "SETACL x", "SETQUOTA x", "UNAUTHENTICATE", "ENABLE UTF8=ACCEPT", "ENABLE QRESYNC UTF8=ACCEPT", "AUTHENTICATE CRAM-MD5", "UID STORE 1 +X-GM-LABELS (x)",
		"LOGIN nora wrong-secret", `AUTHENTICATE PLAIN AAA BBB`,
	} {
		err := permit(c)
		if !errors.Is(err, errNotRead) {
			t.Errorf("%q is let through", c)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%v tells the password", err)
		}
	}
}

// wire is a net.Conn whose server says what is given and never more.
type wire struct {
	net.Conn
	in   io.Reader
	end  error // of reading, if not io.EOF
	mu   sync.Mutex
	sent bytes.Buffer
	done chan struct{}
	once sync.Once
}

func newWire(in string) *wire {
	return &wire{in: strings.NewReader(in), done: make(chan struct{})}
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if n == 0 && err != nil && w.end != nil {
		err = w.end
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.Write(p)
}

func (w *wire) Close() error { w.once.Do(func() { close(w.done) }); return nil }

func (w *wire) SetReadDeadline(time.Time) error { return nil }

func (w *wire) SetWriteDeadline(time.Time) error { return nil }

func newSession(in string) (*session, *wire) {
	w := newWire(in)
	s := &session{name: "test", caps: map[string]bool{}, unhook: func() bool { return true }, g: newGuard(w, testLimits, new(transcript))}
	s.start()
	return s, w
}

// Whatever is asked of go-imap, nothing that could change a mailbox gets out.
func TestGuardRefuses(t *testing.T) {
	one := imap.UIDSetNum(1)
	tests := map[string]func(*imapclient.Client) error{
		"SELECT": func(c *imapclient.Client) error { _, err := c.Select("INBOX", nil).Wait(); return err },
		"STORE": func(c *imapclient.Client) error {
			return c.Store(one, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
		},
		"EXPUNGE":     func(c *imapclient.Client) error { return c.Expunge().Close() },
		"UID EXPUNGE": func(c *imapclient.Client) error { return c.UIDExpunge(one).Close() },
		"COPY":        func(c *imapclient.Client) error { _, err := c.Copy(one, "x").Wait(); return err },
		"MOVE":        func(c *imapclient.Client) error { _, err := c.Move(one, "x").Wait(); return err },
		"CREATE":      func(c *imapclient.Client) error { return c.Create("x", nil).Wait() },
		"DELETE":      func(c *imapclient.Client) error { return c.Delete("x").Wait() },
		"CLOSE":       func(c *imapclient.Client) error { return c.UnselectAndExpunge().Wait() },
		"BODY[]": func(c *imapclient.Client) error {
			return c.Fetch(one, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{}}}).Close()
		},
		"ENVELOPE": func(c *imapclient.Client) error { return c.Fetch(one, &imap.FetchOptions{Envelope: true}).Close() },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			s, w := newSession("")
			if err := f(s.client); err == nil {
				t.Error("no error")
			}
			if err := s.g.failure(); !errors.Is(err, errNotRead) {
				t.Errorf("guard's error: %v", err)
			}
			if w.sent.Len() > 0 {
				t.Errorf("sent %q", w.sent.String())
			}
			s.close(false)
		})
	}
}

// Those of the hazards (see TestHazards) that are the guard's alone.
func TestGuardHazards(t *testing.T) {
	t.Run("H9 a deadline is for silence", testDeadlines)
	t.Run("H9 a literal that drips", testDrip)
	t.Run("H12 H14 errors stick", testSticky)
	t.Run("H12 the tagged response is lost", testLateEnd)
	t.Run("H17 one command in flight", testInFlight)
}

// watched is a wire that keeps what deadlines it was given.
type watched struct {
	*wire
	reads     int
	deadlines []time.Time
}

func (w *watched) Read(p []byte) (int, error) {
	w.reads++
	return w.wire.Read(p[:min(len(p), 3)])
}

func (w *watched) SetReadDeadline(t time.Time) error {
	w.deadlines = append(w.deadlines, t)
	return nil
}

// Each read has the whole time of silence to itself, so that a literal may take as
// long as it moves, and what go-imap sets for a whole literal is not heard.
func testDeadlines(t *testing.T) {
	w := &watched{wire: newWire("* OK a response that comes in many pieces\r\nA1 OK done\r\n")}
	g := newGuard(w, testLimits, new(transcript))
	before := time.Now()
	for _, set := range []func(time.Time) error{g.SetDeadline, g.SetReadDeadline, g.SetWriteDeadline} {
		if err := set(before); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.command("A1", "NOOP", nil); err != nil {
		t.Fatal(err)
	}
	if w.reads < 10 || len(w.deadlines) != w.reads {
		t.Errorf("%d reads and %d deadlines", w.reads, len(w.deadlines))
	}
	for _, d := range w.deadlines {
		if d.Before(before.Add(testLimits.idle)) {
			t.Errorf("a deadline %v after the beginning, want %v at least", d.Sub(before), testLimits.idle)
		}
	}
}

// drip gives an octet at a time, and not at once.
type drip struct{ *wire }

func (w drip) Read(p []byte) (int, error) {
	time.Sleep(3 * time.Millisecond)
	return w.wire.Read(p[:1])
}

// A server that sends an octet now and then is never silent, and is left all the same;
// a slow line is not.
func testDrip(t *testing.T) {
	const in = "* 1 FETCH (UID 1 BODY[] {40}\r\n0123456789012345678901234567890123456789)\r\nT1 OK done\r\n"
	for window, want := range map[time.Duration]error{20 * time.Millisecond: errDrips, 0: nil} {
		lim := testLimits
		lim.window = window
		s := &session{name: "test", caps: map[string]bool{}, unhook: func() bool { return true }, g: newGuard(drip{newWire(in)}, lim, new(transcript))}
		s.start()
		got := 0
		err := s.fetch([]uint32{1}, true, memStage{}, func(delivery) error { got++; return nil })
		if !errors.Is(err, want) || (got == 1) != (want == nil) {
			t.Errorf("window %v: %d messages, %v; want %v", window, got, err, want)
		}
		if want != nil {
			// The server is busy, and the message is not to blame.
			d := &download{pass: &pass{dialer: &dialer{}, s: s}, r: &folderRun{kills: map[uint32]int{}}, wanted: map[uint32]item{1: {uid: 1}}}
			var e *Error
			if err := d.broke(t.Context(), []item{{uid: 1}}, err); !errors.As(err, &e) || e.Kind != ErrBusy || e.Wait == 0 || len(d.r.kills) > 0 {
				t.Errorf("%+v, kills %v", e, d.r.kills)
			}
		}
		s.close(false)
	}
}

// A second command while one is in flight is refused: Cyrus loses bodies of pipelined
// FETCHes, Dovecot holds their answers back.
func testInFlight(t *testing.T) {
	g := newGuard(newWire(""), testLimits, new(transcript))
	if err := g.begin("A1", "NOOP", "NOOP", turnRaw); err != nil {
		t.Fatal(err)
	}
	if err := g.begin("A2", "NOOP", "NOOP", turnRaw); !errors.Is(err, errInFlight) {
		t.Errorf("got %v", err)
	}
	s, w := newSession("")
	if err := s.g.begin("A1", "NOOP", "NOOP", turnRaw); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Noop().Wait(); err == nil || !errors.Is(s.g.failure(), errInFlight) || w.sent.Len() > 0 {
		t.Errorf("through go-imap: %v, %v, sent %q", err, s.g.failure(), w.sent.String())
	}
	s.close(false)
}

// When go-imap asks for more after the tagged response and its command does not end,
// the connection does.
func testLateEnd(t *testing.T) {
	for _, ended := range []bool{false, true} {
		lim := testLimits
		lim.idle = 20 * time.Millisecond
		g := newGuard(newWire("T1 OK done\r\n"), lim, new(transcript))
		if _, err := g.Write([]byte("T1 NOOP\r\n")); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 100)
		if n, err := g.Read(p); err != nil || string(p[:n]) != "T1 OK done\r\n" {
			t.Fatalf("%q, %v", p[:n], err)
		}
		done := make(chan error)
		go func() { _, err := g.Read(p); done <- err }()
		want := errGarbled
		if ended {
			want = errClosed
			g.settled()
			time.AfterFunc(100*time.Millisecond, func() { g.Close() })
		}
		if err := <-done; !errors.Is(err, want) {
			t.Errorf("ended %v: %v, want %v", ended, err, want)
		}
	}
}

// Errors stick, whatever follows.
func testSticky(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
	}{
		{"end", "", errCut},
		{"end in a line", "* OK he", errCutShort},
		{"end in a literal", "* LIST () NIL {10}\r\nabc", errCutShort},
		{"long line", "* " + strings.Repeat("x", lineLimit+100<<10), errTooLong},
		{"long search", "* SEARCH " + strings.Repeat("1 ", searchLimit), errTooLong},
		{"huge literal", "* LIST () NIL {99999999999999999999}\r\n", errTooLong},
		{"strange tag", "B7 OK done\r\n", errTag},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} { // TLS with and without close_notify
				w := newWire(tt.in)
				w.end = end
				g := newGuard(w, testLimits, new(transcript))
				for range 3 {
					_, err := g.command("A1", "NOOP", nil)
					if !errors.Is(err, tt.want) {
						t.Errorf("%v: got %v, want %v", end, err, tt.want)
					}
				}
			}
		})
	}
}

// Credentials are not in the transcript, in any form.
func TestTranscript(t *testing.T) {
	const pass = "wrong \"secret\" \xff"
	s, w := newSession("+ go\r\nA1 NO no\r\n+ go\r\nA2 NO no\r\n")
	p := astring(pass)
	p.secret = true
	if _, err := s.command("LOGIN", nil, astring("nora"), p); err != nil {
		t.Fatal(err)
	}
	if _, err := s.command("AUTHENTICATE", nil, arg{text: "PLAIN"}, arg{text: "c2VjcmV0", answer: true, secret: true}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.sent.String(), "A1 LOGIN \"nora\" {16}\r\n"+pass+"\r\nA2 AUTHENTICATE PLAIN\r\nc2VjcmV0\r\n"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if tr := s.g.trace.String(); strings.Contains(tr, "secret") || strings.Contains(tr, "c2Vj") || !strings.Contains(tr, `LOGIN "nora" …`) {
		t.Errorf("transcript:\n%s", tr)
	}
	s.close(false)
}

// The count of a folder follows VANISHED as it does EXPUNGE.
func TestVanishedCounts(t *testing.T) {
	for _, tt := range []struct {
		in     string
		exists uint32
		gone   []uint32
		there  []uint32
	}{
		{"* VANISHED 3\r\n", 9, []uint32{3}, []uint32{2, 4}},
		{"* VANISHED 3,5:7\r\n* VANISHED 9:8\r\n", 4, []uint32{3, 5, 6, 7, 8, 9}, []uint32{4, 10}},
		{"* VANISHED (EARLIER) 1:100\r\n", 10, []uint32{1, 100}, []uint32{101}},
		{"* VANISHED 1:4294967295\r\n", 0, []uint32{1}, nil},
		{"* VANISHED\r\n* VANISHED x,0,*:4,1:*\r\n* VANISHED ()\r\n", 10, nil, []uint32{1, 4}},
	} {
		g := newGuard(newWire(tt.in+"A1 OK done\r\n"), testLimits, new(transcript))
		g.exists = 10
		if _, err := g.command("A1", "NOOP", nil); err != nil {
			t.Fatal(err)
		}
		if g.exists != tt.exists {
			t.Errorf("%q: %d messages, want %d", tt.in, g.exists, tt.exists)
		}
		for _, u := range tt.gone {
			if !g.hasVanished(u) {
				t.Errorf("%q: UID %d is there", tt.in, u)
			}
		}
		for _, u := range tt.there {
			if g.hasVanished(u) {
				t.Errorf("%q: UID %d is gone", tt.in, u)
			}
		}
		if g.opening(); g.hasVanished(3) || g.exists != 0 {
			t.Errorf("%q: the next folder has it, too", tt.in)
		}
	}
}

// What a server calls its messages, as RFC 8474 section 6 and Gmail write it.
func TestReadObject(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Object
	}{
		{` (UID 1 EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))`, Object{ID: "M6d99ac3275bb4e", Thread: "T64b478a75b7ea9"}},
		{` (UID 1 EMAILID (M1) THREADID NIL)`, Object{ID: "M1"}},
		{` (X-GM-THRID 1278455344230334865 X-GM-MSGID 1278455344230334866 X-GM-LABELS (\Sent "My \"own\"" &BB8EQA- \Inbox) UID 1)`,
			Object{ID: "1278455344230334866", Thread: "1278455344230334865", Labels: []string{"&BB8EQA-", `My "own"`, `\Inbox`, `\Sent`}}},
		{" (UID 1 X-GM-LABELS ({3}\r\na\rb) X-GM-MSGID 7)", Object{ID: "7", Labels: []string{"a\rb"}}},
		{` (UID 1 X-GM-LABELS NIL X-GM-MSGID 7)`, Object{ID: "7"}},
		{` (UID 1 EMAILID () THREADID (a b))`, Object{}},
	} {
		var m ListedMessage
		readDescription([]byte(tt.in), &m)
		if d := cmp.Diff(tt.want, m.Object); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, d)
		}
	}
}

func TestParseServer(t *testing.T) {
	for in, want := range map[string]endpoint{
		"imap.deskandco.example:993":              {"tls", "imap.deskandco.example:993", "imap.deskandco.example"},
		"imaps://imap.deskandco.example:993":      {"tls", "imap.deskandco.example:993", "imap.deskandco.example"},
		"starttls://imap.deskandco.example:143":   {"starttls", "imap.deskandco.example:143", "imap.deskandco.example"},
		"insecure://127.0.0.1:1143":               {"insecure", "127.0.0.1:1143", "127.0.0.1"},
		"insecure://[::1]:1143":                   {"insecure", "[::1]:1143", "::1"},
		"insecure://localhost:1143":               {"insecure", "localhost:1143", "localhost"},
		"imap.deskandco.example":                  {},
		":993":                                    {},
		"imap://imap.deskandco.example:143":       {},
		"insecure://imap.deskandco.example:143":   {},
		"insecure://127.0.0.1.evil.example:143":   {},
		"insecure://localhost.evil.example:143":   {},
		"insecure://10.0.0.1:143":                 {},
		"starttls://imap.deskandco.example:":      {},
		"https://imap.deskandco.example:443/path": {},
	} {
		got, err := parseServer(in)
		if (err != nil) != (want == endpoint{}) || err == nil && got != want {
			t.Errorf("parseServer(%q) = %+v, %v", in, got, err)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"Junk", "Junk", true}, {"Junk", "Junk/a", false}, {"*", "", true}, {"*", "x", true}, {"a*", "ab", true}, {"a*", "ba", false},
		{"*a", "ba", true}, {"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "a1b2c", true}, {"a*b*c", "a1c2b", false}, {"", "x", false},
	} {
		if got := glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

func TestBatchLen(t *testing.T) {
	sizes := func(n ...int64) (q []item) {
		for i, s := range n {
			q = append(q, item{uid: uint32(i + 1), size: s})
		}
		return q
	}
	const mb = 1 << 20
	for _, tt := range []struct {
		q     []item
		limit int
		want  int
	}{
		{sizes(1, 2, 3), 250, 3}, {sizes(1, 2, 3), 2, 2}, {sizes(1), 1, 1},
		{sizes(5*mb, 1), 250, 1}, {sizes(1, 5*mb), 250, 1}, {sizes(150 * mb), 250, 1},
		{sizes(slices.Repeat([]int64{4 * mb}, 9)...), 250, 4},
		{sizes(make([]int64, 1000)...), 250, 250},
	} {
		if got := batchLen(tt.q, tt.limit); got != tt.want {
			t.Errorf("batchLen of %d items, limit %d: got %d, want %d", len(tt.q), tt.limit, got, tt.want)
		}
	}
}
