package imapsync

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

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
	return n, g.flows(n)
}

// flows is an error when the literal has been coming too slowly for a window.
func (g *guard) flows(n int) error {
	g.came += int64(n)
	window := g.lim.window
	if window == 0 {
		window = dripWindow
	}
	d := time.Since(g.since)
	if d < window {
		return nil
	}
	if float64(g.came) < slowest*d.Seconds() {
		return g.fail(fmt.Errorf("%w: %d octets of a message in %v", errDrips, g.came, d.Round(time.Second)))
	}
	g.since, g.came = time.Now(), 0
	return nil
}

// wait blocks go-imap's reader until a command of its own is in flight. Coming
// back here with the tagged response handed out is what ends that command.
func (g *guard) wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last {
		g.last, g.tag, g.turn = false, "", turnRaw
		g.changed.Broadcast()
		if g.open {
			// If go-imap did not take the tagged response for what it is, neither it
			// nor its user would ever stop waiting.
			g.late = time.AfterFunc(time.Duration(g.idle.Load()), func() { g.fail(fmt.Errorf("%w: the end of it was lost", errGarbled)) })
		}
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
	if !g.drop && !last && openQuote(line) {
		// go-imap would look for its end in the lines that follow, and find it in
		// another message or never.
		return g.fail(fmt.Errorf("%w: a string without end in %q", errGarbled, shorten(line)))
	}
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
	g.since, g.came = time.Now(), 0
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

func (g *guard) LocalAddr() net.Addr { return g.conn.LocalAddr() }

func (g *guard) RemoteAddr() net.Addr { return g.conn.RemoteAddr() }

// go-imap's deadlines are for a whole literal; ours are for silence.
func (g *guard) SetDeadline(time.Time) error { return nil }

func (g *guard) SetReadDeadline(time.Time) error { return nil }

func (g *guard) SetWriteDeadline(time.Time) error { return nil }
