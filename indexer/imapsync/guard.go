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
	"regexp"
	"strings"
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
	errTooLong  = errors.New("over the limit")
	errClosed   = errors.New("connection closed")
	errNotRead  = errors.New("command not on the read-only list")
	errInFlight = errors.New("another command is in flight")
	errTag      = errors.New("answer to a command that was not sent")
	errGarbled  = errors.New("answer of the server not understood")
)

// afterBye is how long a server may take to close once it has said BYE.
const afterBye = 2 * time.Second

type limits struct {
	idle    time.Duration // silence while a command runs
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
	inside  bool          // the next line goes on a response that a literal interrupted
	drop    bool          // that response is not for go-imap
	exists  uint32        // greatest message count of the selected folder, less expunges
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
	if r.g.inflate != nil {
		n, err := r.g.inflate.Read(p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF // of the connection; what it was in the middle of, its reader knows
		}
		return n, err
	}
	return wireReader(r).Read(p)
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

// --- raw commands

// readResponse reads one whole response into memory, its literals included,
// each at most lim.small octets.
func (g *guard) readResponse() (response, error) {
	var r response
	for {
		line, err := g.readLine()
		if err != nil {
			return nil, err
		}
		if !g.inside {
			g.note(line)
		}
		r = append(r, line...)
		g.trace.in(line)
		n, ok := literalLength(line)
		if g.inside = ok; !ok {
			return r, nil
		}
		if n > g.lim.small || int64(len(r))+n > g.lim.small+int64(g.lim.line) {
			return nil, g.fail(fmt.Errorf("literal of %d octets in a short response: %w", n, errTooLong))
		}
		have := len(r)
		r = append(r, make([]byte, n)...)
		if _, err := io.ReadFull(g.br, r[have:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return nil, g.readFailed(err, true)
		}
	}
}

// arg is one argument of a raw command.
type arg struct {
	text    string
	literal bool // sent as {n} CRLF, and the octets once the server asks
	answer  bool // sent as a line of its own once the server asks
	secret  bool // kept out of the transcript
}

// astring quotes s, or makes it a literal where a quoted string cannot hold it.
func astring(s string) arg {
	if q, ok := quote(s); ok {
		return arg{text: q}
	}
	return arg{text: s, literal: true}
}

// command sends a command and reads responses up to its tagged one. Untagged
// responses go to each, which may be nil; they are valid only during the call.
// The error is the connection's; NO and BAD are in the condition.
func (g *guard) command(tag, verb string, each func(response) error, args ...arg) (condition, error) {
	// The parts between which the server is waited for, and the command as
	// permit and the transcript see it.
	parts := [][]byte{[]byte(tag + " " + verb)}
	whole, shown := verb, verb
	add := func(b ...byte) { parts[len(parts)-1] = append(parts[len(parts)-1], b...) }
	for _, a := range args {
		switch {
		case a.answer:
			add('\r', '\n')
			parts = append(parts, []byte(a.text))
			shown += " …"
			continue
		case a.literal:
			n := fmt.Sprintf(" {%d}", len(a.text))
			add([]byte(n + "\r\n")...)
			parts = append(parts, []byte(a.text))
			whole += n
		default:
			add([]byte(" " + a.text)...)
			whole += " " + a.text
		}
		if a.secret {
			shown += " …"
		} else {
			shown += " " + a.text
		}
	}
	add('\r', '\n')

	if err := g.begin(tag, whole, shown, turnRaw); err != nil {
		return condition{}, err
	}
	for i, part := range parts {
		if err := g.write(part); err != nil {
			return condition{}, err
		}
		c, done, err := g.await(tag, each)
		for err == nil && !done && i == len(parts)-1 {
			// The server wants more than we have, as an XOAUTH2 refusal does;
			// RFC 9051 section 6.2.2 lets the client give up with "*".
			if err = g.write([]byte("*\r\n")); err == nil {
				c, done, err = g.await(tag, each)
			}
		}
		if err != nil || done {
			return c, err
		}
	}
	panic("unreachable: the last part is awaited to its end")
}

// pair sends two commands, whose arguments hold no literal, in one go and reads the
// answers to both: one round trip where the second does not depend on what the
// first is answered. No body may be fetched so (see guard). A failure of the first
// does not keep the second from being answered.
func (g *guard) pair(first, second raw) (a, b condition, err error) {
	if err := permit(second.command); err != nil {
		return a, b, g.fail(err)
	}
	if err := g.begin(first.tag, first.command, first.command, turnRaw); err != nil {
		return a, b, err
	}
	if err := g.write([]byte(first.tag + " " + first.command + "\r\n" + second.tag + " " + second.command + "\r\n")); err != nil {
		return a, b, err
	}
	a, done, err := g.await(first.tag, first.each)
	if err == nil && done {
		if err := g.begin(second.tag, second.command, second.command, turnRaw); err != nil {
			return a, b, err
		}
		b, done, err = g.await(second.tag, second.each)
	}
	if err == nil && !done {
		err = g.fail(fmt.Errorf("%w: a continuation nobody waits for", errTag))
	}
	return a, b, err
}

// raw is a command for pair.
type raw struct {
	tag, command string
	each         func(response) error
}

// await reads responses to the tagged one (done) or to a continuation.
func (g *guard) await(tag string, each func(response) error) (c condition, done bool, err error) {
	for {
		r, err := g.readResponse()
		if err != nil {
			return c, false, err
		}
		switch {
		case bytes.HasPrefix(r, []byte("+")):
			return c, false, nil
		case bytes.HasPrefix(r, []byte("* ")):
			if each != nil {
				if err := each(r); err != nil {
					return c, false, g.fail(err)
				}
			}
		case bytes.HasPrefix(r, []byte(tag+" ")):
			g.end()
			return readCondition(r[len(tag)+1:]), true, nil
		case len(bytes.TrimSpace(r)) == 0: // a blank line, seen in practice
		default:
			return c, false, g.fail(fmt.Errorf("%w: %q", errTag, shorten(r)))
		}
	}
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
	g.tag, g.turn = tag, t
	g.changed.Broadcast()
	return nil
}

// end gives the connection back after a raw command.
func (g *guard) end() {
	g.mu.Lock()
	g.tag = ""
	g.mu.Unlock()
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

// allowed are the commands that read. Those with arguments of ours are spelled
// out, so that neither STORE nor BODY[] without PEEK can pass. A folder's name
// and the login are the only free texts, and they are quoted or literals.
var allowed = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`CAPABILITY|NOOP|LOGOUT|STARTTLS|UNSELECT|IDLE|COMPRESS DEFLATE`,
	regexp.QuoteMeta(notifyCommand),
	`ID \("name" "[a-z]+"\)`,
	`LOGIN ` + astringPattern + ` ` + astringPattern,
	`AUTHENTICATE PLAIN(?: [A-Za-z0-9+/=]+)?`,
	`LIST "" "\*"(?: RETURN \([A-Z0-9 ()-]+\))?`,
	`STATUS ` + astringPattern + ` \([A-Z ]+\)`,
	`EXAMINE ` + astringPattern + `(?: \(CONDSTORE\))?`,
	`UID SEARCH (?:RETURN \(ALL\) )?UID [0-9:*,]+`,
	`UID FETCH [0-9:*,]+ \(` + fetchItem + `(?: ` + fetchItem + `)*\)(?: \(CHANGEDSINCE [0-9]+\))?`,
}, `|`) + `)$`)

const (
	astringPattern = `(?:"(?:[^"\\\x00-\x1f]|\\["\\])*"|\{[0-9]+\})`
	fetchItem      = `(?:UID|FLAGS|INTERNALDATE|RFC822\.SIZE|MODSEQ|BODY\.PEEK\[(?:HEADER)?\])`
)

// permit refuses any command that is not on the list. command is without its
// tag and line end; an argument that is a literal stands as "{n}".
func permit(command string) error {
	if allowed.MatchString(command) {
		return nil
	}
	verb, _, _ := strings.Cut(command, " ") // the rest may be a password
	return fmt.Errorf("%w: %q", errNotRead, shorten([]byte(verb)))
}

// --- net.Conn for go-imap

// Read serves go-imap's reader: whole lines and the octets of literals that
// belong to the command in flight, and nothing while there is none.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.pending) == 0 && g.body == 0 {
		if err := g.wait(); err != nil {
			return 0, err
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.pending) > 0 {
		n := copy(p, g.pending)
		g.pending = g.pending[n:]
		return n, nil
	}
	if err := g.failure(); err != nil {
		return 0, err
	}
	n, err := g.br.Read(p[:min(int64(len(p)), g.body)])
	g.body -= int64(n)
	if err != nil && n == 0 {
		return 0, g.readFailed(err, true)
	}
	return n, nil
}

// wait blocks go-imap's reader until a command of its own is in flight. Coming
// back here with the tagged response handed out is what ends that command.
func (g *guard) wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last {
		g.last, g.tag, g.turn = false, "", turnRaw
		g.changed.Broadcast()
	}
	for g.err == nil && g.turn != turnClient {
		g.changed.Wait()
	}
	return g.err
}

// next reads one line for go-imap into pending, or passes over one that is not
// for it. A literal after the line is left to Read, or skipped with it.
func (g *guard) next() error {
	line, err := g.readLine()
	if err != nil {
		return err
	}
	last := false
	if !g.inside {
		if g.drop, last, err = g.sort(line); err != nil {
			return g.fail(err)
		}
	}
	g.trace.in(line)
	n, ok := literalLength(line)
	if g.inside = ok; ok && n > g.lim.literal {
		return g.fail(fmt.Errorf("message of %d octets: %w of %d", n, errTooLong, g.lim.literal))
	}
	if g.drop {
		if _, err := io.CopyN(io.Discard, g.br, n); err != nil {
			return g.readFailed(err, true)
		}
		return nil
	}
	g.pending, g.body = line, n
	if last {
		g.mu.Lock()
		g.last = true
		g.mu.Unlock()
	}
	return nil
}

// sort looks at the first line of a response and decides whether go-imap gets
// it. It gets its tagged response, search results, and those FETCH responses
// that carry a body: another session's flag change, sent as "FETCH (UID 7 FLAGS
// …)" just before the body of UID 7, would make go-imap throw the body away;
// and any response it does not know makes it close the connection.
func (g *guard) sort(line []byte) (drop, last bool, err error) {
	r := response(line)
	switch {
	case bytes.HasPrefix(line, []byte("* ")):
		g.note(line)
		if _, rest, ok := r.numbered("FETCH"); ok {
			_, literal := literalLength(line)
			return !literal && !bytes.Contains(bytes.ToUpper(rest), []byte("BODY[")), false, nil
		}
		w := r.word()
		return w != "SEARCH" && w != "ESEARCH", false, nil
	case bytes.HasPrefix(line, []byte("+")), len(bytes.TrimSpace(line)) == 0:
		return true, false, nil
	}
	g.mu.Lock()
	tag := g.tag
	g.mu.Unlock()
	if !bytes.HasPrefix(line, []byte(tag+" ")) {
		return false, false, fmt.Errorf("%w: %q", errTag, shorten(line))
	}
	return false, true, nil
}

// Write takes go-imap's commands. They arrive in pieces when they are long and
// go out whole. None of those we ask of it has a literal.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.failure(); err != nil {
		return 0, err
	}
	g.out = append(g.out, p...)
	if !bytes.HasSuffix(g.out, []byte("\r\n")) {
		if len(g.out) > g.lim.line {
			return 0, g.fail(fmt.Errorf("command: %w", errTooLong))
		}
		return len(p), nil
	}
	tag, whole, _ := strings.Cut(strings.TrimSuffix(string(g.out), "\r\n"), " ")
	if err := g.begin(tag, whole, whole, turnClient); err != nil {
		return 0, g.fail(err)
	}
	err := g.write(g.out)
	g.out = g.out[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close ends the connection without a word.
func (g *guard) Close() error {
	g.fail(errClosed)
	return nil
}

func (g *guard) LocalAddr() net.Addr  { return g.conn.LocalAddr() }
func (g *guard) RemoteAddr() net.Addr { return g.conn.RemoteAddr() }

// go-imap's deadlines are for a whole literal; ours are for silence.
func (g *guard) SetDeadline(time.Time) error      { return nil }
func (g *guard) SetReadDeadline(time.Time) error  { return nil }
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

// --- transcript

// transcript keeps the last lines of a conversation for the log. Octets of
// literals are never in it, nor what a command marks as secret.
type transcript struct {
	mu    sync.Mutex
	lines []string
	size  int
}

const (
	transcriptSize = 64 << 10
	transcriptLine = 200
)

func (t *transcript) in(line []byte) { t.add("< " + shorten(line)) }

func (t *transcript) add(line string) {
	if len(line) > transcriptLine {
		line = line[:transcriptLine] + "…"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	t.size += len(line)
	drop := 0
	for t.size > transcriptSize {
		t.size -= len(t.lines[drop])
		drop++
	}
	t.lines = t.lines[drop:]
}

// String returns the last lines, oldest first.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

func shorten(b []byte) string {
	b = bytes.TrimRight(b, "\r\n")
	if len(b) > transcriptLine {
		return string(b[:transcriptLine]) + "…"
	}
	return string(b)
}
