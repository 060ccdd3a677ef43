package imapsync

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

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
// responses and continuations go to each, which may be nil; they are valid only
// during the call.
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
			if each != nil {
				if err := each(r); err != nil {
					return c, false, g.fail(err)
				}
			}
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
