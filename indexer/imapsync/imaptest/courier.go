//go:build unix

package imaptest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// courier is Courier-IMAP. Its imapd serves one connection that is logged in
// already; we do what its couriertcpd, imaplogin and authdaemond do. Locks need
// its file monitor, gam_server.
type courier struct {
	imapd string
	env   []string
}

func startCourier(s *Server) error {
	root, env, err := unpacked("usr/libexec/gam_server", "courier-imap")
	if err != nil {
		return err
	}
	monitor := filepath.Base(s.run) // its socket is named by it
	c := courier{imapd: filepath.Join(root, "usr/bin/imapd"), env: append(env, "GAM_CLIENT_ID="+monitor,
		"IMAP_CAPABILITY=IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE",
		"IMAP_KEYWORDS=1", "IMAP_ACL=1", "IMAP_IDLE_TIMEOUT=60", "IMAP_USELOCKS=1", "IMAP_MAILBOX_SANITY_CHECK=1",
		"IMAP_TRASHFOLDERNAME=Trash", "IMAP_ENHANCEDIDLE=1", "TCPREMOTEIP=127.0.0.1", "PROTOCOL=IMAP", "TZ=UTC")}
	s.brand = c
	if err := s.spawn(env, filepath.Join(root, "usr/libexec/gam_server"), "--notimeout", monitor); err != nil {
		return err
	}
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.Addr = s.ln.Addr().String()
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		for {
			conn, err := s.ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.serving.Add(1)
			go func() {
				defer s.serving.Done()
				c.serve(s, conn)
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
				conn.Close()
			}()
		}
	}()
	return nil
}

// serve lets a client log in and hands its connection to imapd, which answers the
// login.
func (c courier) serve(s *Server, conn net.Conn) {
	const caps = "CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA AUTH=PLAIN IDLE"
	fmt.Fprintf(conn, "* OK [%s] Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc.  See COPYING for distribution information.\r\n", caps)
	br := bufio.NewReader(conn)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		verb, args, _ := strings.Cut(cmd, " ")
		var user, password string
		switch strings.ToUpper(verb) {
		case "CAPABILITY":
			fmt.Fprintf(conn, "* %s\r\n%s OK CAPABILITY completed\r\n", caps, tag)
			continue
		case "NOOP":
			fmt.Fprintf(conn, "%s OK NOOP completed\r\n", tag)
			continue
		case "LOGOUT":
			fmt.Fprintf(conn, "* BYE Courier-IMAP server shutting down\r\n%s OK LOGOUT completed\r\n", tag)
			return
		case "LOGIN":
			if f := strings.Fields(args); len(f) == 2 {
				user, password = strings.Trim(f[0], `"`), strings.Trim(f[1], `"`)
			}
		case "AUTHENTICATE":
			fmt.Fprintf(conn, "+ \r\n")
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			plain, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
			if f := bytes.Split(plain, []byte{0}); len(f) == 3 {
				user, password = string(f[1]), string(f[2])
			}
		default:
			fmt.Fprintf(conn, "%s BAD Error in IMAP command received by server.\r\n", tag)
			continue
		}
		if user == "" || password != s.Password || strings.ContainsAny(user, "/.") {
			fmt.Fprintf(conn, "%s NO Login failed.\r\n", tag)
			continue
		}
		if err := c.imap(s, conn, br, tag, user); err != nil {
			fmt.Fprintln(&s.procs[0].out, user, err)
		}
		return
	}
}

// imap runs imapd between the login and the end of the connection. It takes the
// client for logged in and greets with PREAUTH, which is here the answer to the
// login.
func (c courier) imap(s *Server, conn net.Conn, br *bufio.Reader, tag, user string) error {
	if err := s.makeMaildir(user, "INBOX"); err != nil {
		return err
	}
	cmd := s.command(append(c.env, "AUTHENTICATED="+user, "AUTHADDR="+user, "HOME="+s.Maildir(user)), c.imapd, ".")
	cmd.Dir = s.Maildir(user)
	cmd.Stderr = &s.procs[0].out // beside the monitor's
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		io.Copy(in, br)
		in.Close() // which ends imapd
	}()
	lines := bufio.NewReader(out)
	for greeted := false; !greeted; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if greeted = strings.HasPrefix(line, "* PREAUTH"); greeted {
			line = tag + " OK LOGIN Ok.\r\n"
		}
		io.WriteString(conn, line)
	}
	io.Copy(conn, lines)
	// The client or imapd is gone: neither shall wait for the other.
	out.Close()
	conn.Close()
	return cmd.Wait()
}

func (courier) name(folder string) string { return "INBOX." + strings.ReplaceAll(folder, "/", ".") }

func (courier) makeFolder(s *Server, user, folder string) error { return s.makeMaildir(user, folder) }

// put leaves out the CRs that Courier adds.
func (courier) put(s *Server, user, folder string, flags *string, raw []byte) error {
	return s.intoMaildir(user, folder, flags, bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")))
}

// renumber leaves an index that knows no message.
func (courier) renumber(s *Server, user, folder string, uidValidity uint32) error {
	list := filepath.Join(s.folderDir(user, folder), "courierimapuiddb")
	if err := os.WriteFile(list, fmt.Appendf(nil, "1 %d 1\n", uidValidity), 0o600); err != nil {
		return err
	}
	return s.Own(list)
}
