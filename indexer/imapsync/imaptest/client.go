//go:build unix

package imaptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status is what STATUS tells.
type Status struct {
	Messages, Unseen, UIDNext, UIDValidity, HighestModSeq uint64
}

// Status asks the server for the state of a folder. HighestModSeq is 0 where the
// server has none.
func (s *Server) Status(user, folder string) (Status, error) {
	c, err := s.login(user)
	if err != nil {
		return Status{}, err
	}
	defer c.close()
	return c.status(s, folder)
}

func (c *client) status(s *Server, folder string) (Status, error) {
	var st Status
	items := "MESSAGES UNSEEN UIDNEXT UIDVALIDITY"
	if s.ModSeq() {
		items += " HIGHESTMODSEQ"
	}
	lines, err := c.do(`STATUS "` + s.Name(folder) + `" (` + items + `)`)
	if err != nil {
		return st, err
	}
	for _, l := range lines {
		_, items, ok := strings.Cut(l, "(")
		if !ok || !strings.HasPrefix(l, "* STATUS") {
			continue
		}
		f := strings.Fields(strings.Trim(items, ") \r\n"))
		for i := 0; i+1 < len(f); i += 2 {
			n, _ := strconv.ParseUint(f[i+1], 10, 64)
			switch f[i] {
			case "MESSAGES":
				st.Messages = n
			case "UNSEEN":
				st.Unseen = n
			case "UIDNEXT":
				st.UIDNext = n
			case "UIDVALIDITY":
				st.UIDValidity = n
			case "HIGHESTMODSEQ":
				st.HighestModSeq = n
			}
		}
	}
	return st, nil
}

// ModSeq says whether the server counts changes (CONDSTORE).
func (s *Server) ModSeq() bool { return s.Brand != "courier" }

// Do acts as another mail program of the user: it SELECTs the folder, unless
// that is "", sends the commands one after the other and returns the lines of
// all answers. A command that is not answered with OK is an error.
func (s *Server) Do(user, folder string, commands ...string) ([]string, error) {
	c, err := s.login(user)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if folder != "" {
		commands = append([]string{`SELECT "` + s.Name(folder) + `"`}, commands...)
	}
	var all []string
	for _, cmd := range commands {
		lines, err := c.do(cmd)
		all = append(all, lines...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Expunge deletes messages of a folder as another mail program does; uids is a set
// such as "3,7:9".
func (s *Server) Expunge(user, folder, uids string) error {
	_, err := s.Do(user, folder, "UID STORE "+uids+` +FLAGS (\Deleted)`, "EXPUNGE")
	return err
}

// Move takes messages to another folder.
func (s *Server) Move(user, folder, uids, to string) error {
	if s.Brand != "courier" {
		_, err := s.Do(user, folder, "UID MOVE "+uids+` "`+s.Name(to)+`"`)
		return err
	}
	if _, err := s.Do(user, folder, "UID COPY "+uids+` "`+s.Name(to)+`"`); err != nil {
		return err
	}
	return s.Expunge(user, folder, uids)
}

// Held returns the messages of a folder, as a client of its own fetches them.
func (s *Server) Held(user, folder string) (map[uint32][]byte, error) {
	c, err := s.login(user)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if _, err := c.do(`EXAMINE "` + s.Name(folder) + `"`); err != nil {
		return nil, err
	}
	lines, err := c.do("UID FETCH 1:* (UID BODY.PEEK[])")
	if err != nil {
		return nil, err
	}
	held := map[uint32][]byte{}
	for _, l := range lines {
		m := heldRE.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		uid, _ := strconv.ParseUint(m[1], 10, 32)
		size, _ := strconv.Atoi(m[2])
		held[uint32(uid)] = []byte(l[len(m[0]) : len(m[0])+size])
	}
	return held, nil
}

var heldRE = regexp.MustCompile(`^\* \d+ FETCH \(UID (\d+) BODY\[\] \{(\d+)\}\r\n`)

// Snapshot describes all that is visible of a user's folders: numbers, flags and,
// where mail is files, their names. Two snapshots are equal if nobody changed anything
// between them.
func (s *Server) Snapshot(user string, folders ...string) (string, error) {
	c, err := s.login(user)
	if err != nil {
		return "", err
	}
	defer c.close()
	var b strings.Builder
	for _, folder := range folders {
		st, err := c.status(s, folder)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s: %+v\n", folder, st)
		if _, err := c.do(`EXAMINE "` + s.Name(folder) + `"`); err != nil {
			return "", err
		}
		if st.Messages == 0 {
			continue
		}
		lines, err := c.do("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")
		if err != nil {
			return "", err
		}
		for _, l := range lines {
			if strings.Contains(l, "FETCH (") {
				b.WriteString(l)
			}
		}
	}
	if s.Brand == "cyrus" {
		return b.String(), nil
	}
	var files []string
	err = filepath.WalkDir(s.Maildir(user), func(path string, d os.DirEntry, err error) error {
		if in := filepath.Base(filepath.Dir(path)); err == nil && !d.IsDir() && (in == "new" || in == "cur") {
			files = append(files, strings.TrimPrefix(path, s.dir))
		}
		return err
	})
	slices.Sort(files)
	return b.String() + strings.Join(files, "\n"), err
}

// client is the smallest IMAP client that serves a test.
type client struct {
	conn net.Conn
	br   *bufio.Reader
	tag  int
}

func (s *Server) dial() (*client, error) {
	conn, err := net.DialTimeout("tcp", s.Addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &client{conn: conn, br: bufio.NewReader(conn)}
	line, err := c.br.ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "* OK") {
		err = fmt.Errorf("greeting %q", line)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (s *Server) login(user string) (*client, error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	if _, err := c.do(fmt.Sprintf("LOGIN %q %q", user, s.Password)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// do sends a command and returns the lines of its answer. A line goes on behind a
// literal, which stands in it as it came.
func (c *client) do(cmd string) ([]string, error) {
	c.tag++
	tag := fmt.Sprintf("X%d ", c.tag)
	c.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c.conn, tag+cmd+"\r\n"); err != nil {
		return nil, err
	}
	var lines []string
	for {
		l, err := c.line()
		if err != nil {
			return lines, err
		}
		lines = append(lines, l)
		if rest, ok := strings.CutPrefix(l, tag); ok {
			if !strings.HasPrefix(rest, "OK") {
				return lines, fmt.Errorf("%s: %s", strings.Fields(cmd)[0], strings.TrimSpace(rest))
			}
			return lines, nil
		}
	}
}

func (c *client) line() (string, error) {
	l, err := c.br.ReadString('\n')
	for err == nil {
		n, ok := literal([]byte(l))
		if !ok {
			break
		}
		octets := make([]byte, n)
		if _, err = io.ReadFull(c.br, octets); err != nil {
			break
		}
		var rest string
		rest, err = c.br.ReadString('\n')
		l += string(octets) + rest
		if _, more := literal([]byte(rest)); !more {
			break
		}
	}
	return l, err
}

// append puts a message into a folder, by its name on the wire.
func (c *client) append(name string, flags []string, when time.Time, raw []byte) error {
	c.tag++
	c.conn.SetDeadline(time.Now().Add(time.Minute))
	tag := fmt.Sprintf("X%d ", c.tag)
	if _, err := fmt.Fprintf(c.conn, "%sAPPEND %q (%s) %q {%d+}\r\n%s\r\n", tag, name, strings.Join(flags, " "),
		when.UTC().Format("_2-Jan-2006 15:04:05 -0700"), len(raw), raw); err != nil {
		return err
	}
	for {
		l, err := c.line()
		if err != nil {
			return err
		}
		if rest, ok := strings.CutPrefix(l, tag); ok {
			if !strings.HasPrefix(rest, "OK") {
				return errors.New("APPEND: " + strings.TrimSpace(rest))
			}
			return nil
		}
	}
}
