package imapsync

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Failures of a connection. They stick: after the first one every call on the
// guard returns the same error, because go-imap's decoder tries a failed Read
// again and would swallow it.
var (
	errCut      = errors.New("connection closed by the server")
	errCutShort = errors.New("connection closed in the middle of a response")
	errSilent   = errors.New("no answer in time")
	errDrips    = errors.New("the server sends too slowly")
	errTooLong  = errors.New("over the limit")
	errClosed   = errors.New("connection closed")
	errNotRead  = errors.New("command not on the read-only list")
	errInFlight = errors.New("another command is in flight")
	errTag      = errors.New("answer to a command that was not sent")
	errGarbled  = errors.New("answer of the server not understood")
)

// afterBye is how long a server may take to close once it has said BYE.
const afterBye = 2 * time.Second

// A literal that comes slower than slowest octets a second for all of a window will not
// end before the day does: the server holds us, or is held.
const (
	slowest    = 512
	dripWindow = 2 * time.Minute
)

type limits struct {
	idle    time.Duration // silence while a command runs
	window  time.Duration // see dripWindow, which it is if 0
	line    int           // octets of a line
	search  int           // octets of a SEARCH or ESEARCH line
	literal int64         // octets of a literal in a FETCH
	small   int64         // octets of any other literal: names, mostly
}

// turn says whose reads the guard serves.
type turn int

const (
	turnRaw    turn = iota // command
	turnClient             // go-imap, until the tagged response of its command
)

// guard is a connection that can only read mailboxes. It serves two users in
// turn: raw commands, read by their caller, and go-imap's client, for which it
// is the net.Conn. go-imap's reader is let through only while a command of its
// own runs, so the two never read at the same time, and go-imap sees only what
// belongs to that command.
//
// One command is in flight at most. Real Cyrus loses bodies, without an error,
// from FETCHes in a pipeline; real Dovecot deadlocks on them.
type guard struct {
	conn  net.Conn
	lim   limits
	trace *transcript

	received atomic.Int64
	idle     atomic.Int64 // lim.idle, or less once the end is near

	mu      sync.Mutex
	changed sync.Cond // turn or err
	turn    turn
	tag     string      // of the command in flight, "" if none
	open    bool        // go-imap has not yet said that its command has ended
	late    *time.Timer // ends the connection if it does not; nil if it need not
	err     error       // sticky
	bye     string      // text of the server's BYE
	news    []condition // BYE and ALERT, not yet taken

	out []byte // go-imap's command up to its CRLF; under go-imap's encoder lock

	// The rest belongs to whoever's turn it is.
	br      *bufio.Reader
	inflate io.Reader     // nil without compression
	deflate *flate.Writer // the same
	long    []byte        // a line that did not fit br
	pending []byte        // line for go-imap, being handed out
	last    bool          // pending is the tagged response
	body    int64         // octets of the current literal still to hand out
	since   time.Time     // beginning of the window in it
	came    int64         // octets since then
	inside  bool          // the next line goes on a response that a literal interrupted
	drop    bool          // that response is not for go-imap
	exists  uint32        // greatest message count of the selected folder, less expunges
	gone    []uidRange    // what VANISHED told of it: a hint
}

func newGuard(conn net.Conn, lim limits, trace *transcript) *guard {
	g := &guard{conn: conn, lim: lim, trace: trace}
	g.changed.L = &g.mu
	g.idle.Store(int64(lim.idle))
	g.br = bufio.NewReaderSize(connReader{g}, 64<<10)
	return g
}

// fail makes err the connection's error, unless it has one, and closes it. It
// may be called from any goroutine and wakes whoever waits.
func (g *guard) fail(err error) error {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	err = g.err
	g.settle()
	g.changed.Broadcast()
	g.mu.Unlock()
	g.conn.Close()
	return err
}

func (g *guard) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *guard) farewell() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bye
}

// connReader is what bufio reads: the connection with its deadline and count.
type connReader struct{ g *guard }

func (r connReader) Read(p []byte) (int, error) {
	// Per read, not per literal: a slow line may take as long as it moves.
	if err := r.g.conn.SetReadDeadline(r.g.deadline()); err != nil {
		return 0, err
	}
	from := io.Reader(wireReader(r))
	if r.g.inflate != nil {
		from = r.g.inflate
	}
	n, err := from.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		// TLS without close_notify, or DEFLATE in the middle of a block: the end of the
		// connection. What it was in the middle of, its reader knows.
		err = io.EOF
	}
	return n, err
}

// wireReader reads and counts what comes over the network.
type wireReader struct{ g *guard }

func (r wireReader) Read(p []byte) (int, error) {
	n, err := r.g.conn.Read(p)
	r.g.received.Add(int64(n))
	return n, err
}

// compress turns both directions to DEFLATE (RFC 4978). The server has agreed, and
// has sent nothing since.
func (g *guard) compress() error {
	if g.br.Buffered() > 0 {
		return g.fail(errors.New("the server sent something between agreeing to compression and compressing"))
	}
	w, err := flate.NewWriter(g.conn, flate.BestSpeed)
	if err != nil {
		return g.fail(err)
	}
	g.deflate, g.inflate = w, flate.NewReader(wireReader{g})
	return nil
}

// readFailed turns an error of the connection into the guard's.
func (g *guard) readFailed(err error, midway bool) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w (%v)", errSilent, time.Duration(g.idle.Load()))
	case errors.Is(err, io.EOF) && midway:
		err = errCutShort
	case errors.Is(err, io.EOF):
		err = errCut
	}
	return g.fail(err)
}

// readLine reads one line with its line end. It is valid until the next call.
func (g *guard) readLine() ([]byte, error) {
	if err := g.failure(); err != nil {
		return nil, err
	}
	g.long = g.long[:0]
	for {
		part, err := g.br.ReadSlice('\n')
		if err == nil && len(g.long) == 0 {
			return part, nil
		}
		g.long = append(g.long, part...)
		if err == nil {
			return g.long, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, g.readFailed(err, len(g.long) > 0 || g.inside)
		}
		limit := g.lim.line
		if w := response(g.long).word(); w == "SEARCH" || w == "ESEARCH" {
			limit = g.lim.search
		}
		if len(g.long) > limit {
			return nil, g.fail(fmt.Errorf("line of the server longer than %d octets: %w", limit, errTooLong))
		}
	}
}

// note keeps what every response may tell, whoever it is for.
func (g *guard) note(line []byte) {
	r := response(line)
	if n, _, ok := r.numbered("EXISTS"); ok {
		g.exists = n
	} else if _, _, ok := r.numbered("EXPUNGE"); ok && g.exists > 0 {
		g.exists--
	}
	switch r.word() {
	case "VANISHED":
		g.vanished(r.after())
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		c := readCondition(r.conditionPart())
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.status == "BYE" {
			// Nothing but the end of the connection follows.
			g.bye = c.text
			g.hurry()
		}
		if (c.status == "BYE" || c.code == "ALERT") && len(g.news) < 100 {
			g.news = append(g.news, c)
		}
	}
}

// vanished keeps what follows "* VANISHED" (RFC 7162 section 3.2.10). It is not
// believed: what a folder lacks, two lists of it tell.
func (g *guard) vanished(rest []byte) {
	set, earlier := bytes.CutPrefix(bytes.TrimSpace(rest), []byte("(EARLIER) "))
	ranges := readUIDSet(string(set))
	if !earlier {
		for _, r := range ranges {
			g.exists -= uint32(min(uint64(r.hi)-uint64(r.lo)+1, uint64(g.exists)))
		}
	}
	if len(g.gone) < goneLimit {
		g.gone = append(g.gone, ranges...)
	}
}

const goneLimit = 10_000 // ranges that VANISHED may add to

// hasVanished reports whether the server said that a UID of the selected folder is
// gone.
func (g *guard) hasVanished(uid uint32) bool {
	return slices.ContainsFunc(g.gone, func(r uidRange) bool { return r.lo <= uid && uid <= r.hi })
}

// opening forgets the folder that was selected.
func (g *guard) opening() { g.exists, g.gone = 0, nil }

// deadline is when the silence that begins now ends the connection.
func (g *guard) deadline() time.Time { return time.Now().Add(time.Duration(g.idle.Load())) }

// hurry shortens what is waited for to the time a farewell may take.
func (g *guard) hurry() { g.idle.Store(int64(min(g.lim.idle, afterBye))) }

// takeNews returns what the server wants people to know.
func (g *guard) takeNews() []condition {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.news
	g.news = nil
	return n
}

// begin is the gate for every command: it waits until go-imap's reader has let
// go of the last one, refuses what is not on the read-only list or would be a
// second command in flight, and takes the connection.
func (g *guard) begin(tag, whole, shown string, t turn) error {
	if err := permit(whole); err != nil {
		return g.fail(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.err == nil && g.turn == turnClient && g.last {
		g.changed.Wait()
	}
	switch {
	case g.err != nil:
		return g.err
	case g.tag != "":
		return fmt.Errorf("%w: %s", errInFlight, g.tag)
	}
	g.trace.add("> " + tag + " " + shown)
	g.tag, g.turn, g.open = tag, t, t == turnClient
	g.changed.Broadcast()
	return nil
}

// end gives the connection back after a raw command.
func (g *guard) end() {
	g.mu.Lock()
	g.tag = ""
	g.mu.Unlock()
}

// settled notes that a command of go-imap's has ended for its user, too.
func (g *guard) settled() {
	g.mu.Lock()
	g.settle()
	g.mu.Unlock()
}

func (g *guard) settle() {
	g.open = false
	if g.late != nil {
		g.late.Stop()
		g.late = nil
	}
}

// write sends a part of the command that begin let through; it is the only
// place that writes to the connection.
func (g *guard) write(b []byte) error {
	g.mu.Lock()
	err, open := g.err, g.tag != ""
	g.mu.Unlock()
	if err != nil {
		return err
	}
	if !open {
		return g.fail(errNotRead)
	}
	if err := g.conn.SetWriteDeadline(g.deadline()); err != nil {
		return g.fail(err)
	}
	var out io.Writer = g.conn
	if g.deflate != nil {
		out = g.deflate
	}
	_, err = out.Write(b)
	if err == nil && g.deflate != nil {
		err = g.deflate.Flush()
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("%w (%v)", errSilent, time.Duration(g.idle.Load()))
		}
		return g.fail(err)
	}
	return nil
}
