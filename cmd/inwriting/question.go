package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asks reports whether questions can be asked: stdin is a terminal, and nobody
// said --no-input.
func (a *app) asks() bool {
	f, ok := a.in.(*os.File)
	return ok && !a.noInput && term.IsTerminal(int(f.Fd()))
}

// say writes a sentence to whoever watches; at a terminal no line is cut in a word.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.err, a.broken("", fmt.Sprintf(format, args...)))
}

// broken is text behind a mark, in lines as wide as the terminal has them.
func (a *app) broken(mark, text string) string {
	if t := a.errTerm(); t.tty {
		first, rest, more := strings.Cut(text, "\n") // an excerpt of a file keeps its lines
		first = wrap(first, t.width, mark, "")
		if more {
			return first + "\n" + rest
		}
		return first
	}
	return mark + text
}

// question asks for a line; an empty one is what stands in brackets.
func (a *app) question(ctx context.Context, text, otherwise string) (string, error) {
	if otherwise != "" {
		text += " [" + otherwise + "]"
	}
	fmt.Fprint(a.err, a.broken("", text+":"), " ")
	line, err := a.readLine(ctx)
	if line = strings.TrimSpace(line); line == "" {
		line = otherwise
	}
	return line, err
}

// yes asks a question that yes or no answers.
func (a *app) yes(ctx context.Context, text string, otherwise bool) (bool, error) {
	choice := "Y/n"
	if !otherwise {
		choice = "y/N"
	}
	for {
		fmt.Fprint(a.err, a.broken("", text+" ["+choice+"]"), " ")
		line, err := a.readLine(ctx)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "":
			return otherwise, nil
		case "y", "yes", "j", "ja", "o", "oui", "s", "si", "sí":
			return true, nil
		case "n", "no", "nein", "non":
			return false, nil
		}
	}
}

// typed asks for a secret, which is not shown.
func (a *app) typed(ctx context.Context, text string) (string, error) {
	f, ok := a.in.(*os.File)
	if !ok {
		return "", errors.New("reading a password: stdin is no terminal")
	}
	fmt.Fprintf(a.err, "%s (not shown): ", text)
	state, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("reading a password: %w", err)
	}
	type answer struct {
		b   []byte
		err error
	}
	c := make(chan answer, 1)
	go func() {
		b, err := term.ReadPassword(int(f.Fd()))
		c <- answer{b, err}
	}()
	select {
	case got := <-c:
		fmt.Fprintln(a.err)
		if got.err != nil {
			return "", fmt.Errorf("reading a password: %w", got.err)
		}
		return strings.TrimSuffix(string(got.b), "\r"), nil
	case <-ctx.Done():
		// The goroutine ends with the process; what it switched off is on again.
		_ = term.Restore(int(f.Fd()), state)
		fmt.Fprintln(a.err)
		return "", ctx.Err()
	}
}

// readLine reads to the end of a line and no further: what follows may be a
// password, and belongs to whoever reads it.
func (a *app) readLine(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	c := make(chan answer, 1)
	go func() {
		line, err := firstLine(a.in)
		c <- answer{line, err}
	}()
	select {
	case got := <-c:
		return got.line, got.err
	case <-ctx.Done():
		fmt.Fprintln(a.err)
		return "", ctx.Err()
	}
}

// firstLine reads the first line of r, without its end, one octet at a time.
func firstLine(r io.Reader) (string, error) {
	var line bytes.Buffer
	b := make([]byte, 1)
	for line.Len() < 64<<10 {
		n, err := r.Read(b)
		if n > 0 && b[0] == '\n' {
			break
		}
		if n > 0 {
			line.WriteByte(b[0])
		}
		if err == io.EOF && line.Len() > 0 {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSuffix(line.String(), "\r"), nil
}
