package dkim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"
)

// field is a header field as it stands, with all its lines.
type field struct {
	name  string
	value string // unfolded
	raw   string // without the line end behind it
}

// maxHeader bounds a header section; an honest one has a few thousand octets.
const maxHeader = 1 << 20

// readHeader reads up to the empty line, which it takes. Line ends are made CRLF:
// mail that was stored with others was signed with these (RFC 6376 section 5.3).
func readHeader(r io.Reader) ([]field, io.Reader, error) {
	br := bufio.NewReaderSize(r, 32<<10)
	var lines []string
	for size := 0; size < maxHeader; {
		line, err := br.ReadString('\n')
		size += len(line)
		if err != nil && err != io.EOF {
			return nil, nil, err
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if line == "" {
			break
		}
		if lines == nil && strings.HasPrefix(line, "From ") {
			continue // the line between messages of an mbox file
		}
		if (line[0] == ' ' || line[0] == '\t') && len(lines) > 0 {
			lines[len(lines)-1] += "\r\n" + line
		} else {
			lines = append(lines, line)
		}
		if err == io.EOF {
			break
		}
	}
	out := make([]field, 0, len(lines))
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			continue // no field; seen in practice between others
		}
		out = append(out, field{strings.TrimRight(name, " \t"), strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "")), l})
	}
	return out, &crlf{r: br}, nil
}

func headerText(head []field) string {
	var b strings.Builder
	for _, f := range head {
		b.WriteString(f.raw)
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// crlf gives every line end as CRLF.
type crlf struct {
	r    *bufio.Reader
	last byte
	buf  []byte
}

func (c *crlf) Read(p []byte) (int, error) {
	for len(c.buf) == 0 {
		line, err := c.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			err = nil
		}
		if n := len(line); n > 0 {
			if line[n-1] == '\n' && !bytes.HasSuffix(line, []byte("\r\n")) && !(n == 1 && c.last == '\r') {
				c.buf = append(append(c.buf[:0], line[:n-1]...), '\r', '\n')
			} else {
				c.buf = append(c.buf[:0], line...)
			}
			c.last = line[n-1]
		} else if err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}

// onceError keeps an error of r, and ends what the library reads: of an error the
// library leaves goroutines behind that wait for the rest.
type onceError struct {
	r   io.Reader
	err error
}

func (o *onceError) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF {
		o.err, err = err, io.EOF
	}
	return n, err
}

// Statement is what a receiving server said of a message when it took it in (RFC
// 8601). It is that server's word, no check of ours.
type Statement struct {
	Server  string // authserv-id
	Header  string // SHA-256 of the field as it stands, hexadecimal
	Results string // as "dkim=pass spf=none"
}

// statementOf reads the topmost Authentication-Results field. Fields below it may
// have come with the message; so may the topmost, where the receiving server writes
// none: that is what receivers is for.
func statementOf(head []field, receivers []string) *Statement {
	for _, f := range head {
		if !strings.EqualFold(f.name, "Authentication-Results") {
			continue
		}
		id, results := readResults(f.value)
		if id == "" || len(receivers) > 0 && !slices.ContainsFunc(receivers, func(r string) bool { return strings.EqualFold(r, id) }) {
			return nil
		}
		sum := sha256.Sum256([]byte(f.raw))
		return &Statement{Server: id, Header: hex.EncodeToString(sum[:]), Results: results}
	}
	return nil
}

func readResults(value string) (id, results string) {
	defer func() {
		if recover() != nil { // the parser is not ours, and the field is anybody's
			results = ""
		}
	}()
	id, _, _ = strings.Cut(value, ";")
	id, _, _ = strings.Cut(strings.TrimSpace(id), " ") // a version may follow
	_, list, err := authres.Parse(value)
	if err != nil {
		return id, ""
	}
	var out []string
	for _, r := range list {
		method, value, about := "", authres.ResultValue(""), ""
		switch r := r.(type) {
		case *authres.DKIMResult:
			method, value, about = "dkim", r.Value, r.Domain
		case *authres.SPFResult:
			method, value = "spf", r.Value
		case *authres.DMARCResult:
			method, value = "dmarc", r.Value
		case *authres.ARCResult:
			method, value = "arc", r.Value
		case *authres.IPRevResult:
			method, value = "iprev", r.Value
		case *authres.AuthResult:
			method, value = "auth", r.Value
		case *authres.GenericResult:
			method, value = r.Method, r.Value
		default:
			continue
		}
		if method == "" || value == "" {
			continue
		}
		s := fmt.Sprintf("%s=%s", method, value)
		if about != "" {
			s += " (" + about + ")"
		}
		out = append(out, s)
	}
	return id, strings.Join(out, " ")
}
