//go:build unix

package imaptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
)

// Server is a Dovecot of our own on loopback. Any user name logs in with
// Password. It serves Addr in the clear and with STARTTLS, and TLSAddr with TLS
// from the first octet, under a certificate for localhost that Roots trusts.
type Server struct {
	Addr     string // 127.0.0.1:port
	TLSAddr  string // localhost:port
	User     string
	Password string
	Roots    *x509.CertPool

	dir, run   string
	removeDir  bool
	uid, gid   int
	cmd        *exec.Cmd
	exited     chan struct{}
	deliveries atomic.Int64
}

// Dovecot starts a server that ends with the test. The test fails if Dovecot is
// not installed.
func Dovecot(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "imaptest-mail-")
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartDovecot(dir)
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	s.removeDir = true
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("dovecot's log:\n%s", s.Log())
		}
		s.Close()
	})
	return s
}

// StartDovecot starts a server that keeps its mail below dir, which must exist.
// Run by root, Dovecot runs as nobody, dir is given to nobody, and every
// directory above it must let nobody pass. The caller closes the server.
func StartDovecot(dir string) (_ *Server, err error) {
	path, err := exec.LookPath("dovecot")
	if err != nil {
		path = "/usr/sbin/dovecot" // not in every user's PATH
		if _, err := os.Stat(path); err != nil {
			return nil, errors.New("dovecot is not installed; on Debian: apt-get install dovecot-imapd")
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	// Sockets have short names, so they do not go below dir.
	run, err := os.MkdirTemp("", "imaptest-run-")
	if err != nil {
		return nil, err
	}
	s := &Server{User: "user", Password: "pass", dir: dir, run: run, uid: os.Getuid(), gid: os.Getgid(), exited: make(chan struct{})}
	defer func() {
		if err != nil {
			os.RemoveAll(run)
		}
	}()
	if s.uid == 0 {
		s.uid, s.gid = 65534, 65534
	}
	me, err := user.LookupId(strconv.Itoa(s.uid))
	if err != nil {
		return nil, fmt.Errorf("running dovecot needs a user with a name: %w", err)
	}
	group, err := user.LookupGroupId(strconv.Itoa(s.gid))
	if err != nil {
		return nil, fmt.Errorf("running dovecot needs a group with a name: %w", err)
	}
	if err := s.certificate(); err != nil {
		return nil, err
	}
	for _, d := range []string{s.dir, filepath.Join(s.dir, "mail"), s.run} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	plain, err := freePort()
	if err != nil {
		return nil, err
	}
	secure, err := freePort()
	if err != nil {
		return nil, err
	}
	s.Addr = fmt.Sprintf("127.0.0.1:%d", plain)
	s.TLSAddr = fmt.Sprintf("localhost:%d", secure)
	conf := strings.NewReplacer("$RUN", run, "$DIR", dir, "$USER", me.Username, "$GROUP", group.Name,
		"$UID", strconv.Itoa(s.uid), "$GID", strconv.Itoa(s.gid), "$PLAIN", strconv.Itoa(plain),
		"$SECURE", strconv.Itoa(secure), "$PASS", s.Password).Replace(dovecotConf)
	if err := os.WriteFile(filepath.Join(run, "conf"), []byte(conf), 0o644); err != nil {
		return nil, err
	}
	for _, d := range []string{s.dir, s.run} {
		if err := s.Own(d); err != nil {
			return nil, err
		}
	}
	s.cmd = exec.Command(path, "-F", "-c", filepath.Join(run, "conf"))
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(s.cmd.SysProcAttr)
	if os.Getuid() == 0 {
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid)}
	}
	s.cmd.Dir = run
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting dovecot: %w", err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if c, err := s.dial(); err == nil {
			c.close()
			return s, nil
		} else if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("dovecot does not answer: %w\n%s%s", err, out.String(), s.Log())
		}
		select {
		case <-s.exited:
			return nil, fmt.Errorf("dovecot ended at once: %s%s", out.String(), s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Dovecot 2.3; the syntax of 2.4 is another.
const dovecotConf = `
base_dir = $RUN/base
state_dir = $RUN/state
log_path = $RUN/log
protocols = imap
listen = 127.0.0.1
default_internal_user = $USER
default_internal_group = $GROUP
default_login_user = $USER
first_valid_uid = 1
first_valid_gid = 1
mail_uid = $UID
mail_gid = $GID
mail_location = maildir:$DIR/mail/%n
mail_max_userip_connections = 1000
maildir_very_dirty_syncs = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
ssl = yes
ssl_cert = <$RUN/cert.pem
ssl_key = <$RUN/key.pem
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $PLAIN
  }
  inet_listener imaps {
    port = $SECURE
    ssl = yes
  }
}
service stats {
  chroot =
}
passdb {
  driver = static
  args = password=$PASS
}
userdb {
  driver = static
  args = uid=$UID gid=$GID home=$DIR/home/%n
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \Sent
  }
  mailbox Junk {
    special_use = \Junk
  }
}
`

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// certificate makes an authority of its own that signs one for localhost.
func (s *Server) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "imaptest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(cert)
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(s.run, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(s.run, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk}), 0o600))
}

// Own gives path and what is below it to the user Dovecot runs as. Whoever
// writes into a maildir by other means than Deliver calls it afterwards.
func (s *Server) Own(path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, s.uid, s.gid)
	})
}

// Close stops the server and waits until it is gone.
func (s *Server) Close() error {
	s.stop()
	if s.removeDir {
		os.RemoveAll(s.dir)
	}
	return os.RemoveAll(s.run)
}

func (s *Server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.exited
	}
}

// Log returns what Dovecot has logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.run, "log"))
	return string(b)
}

// Account returns settings with which imapsync collects a user over the plain
// port.
func (s *Server) Account(user string) imapsync.Account {
	return imapsync.Account{
		Address: user + "@imaptest.example", Server: "insecure://" + s.Addr, Username: user,
		Password: func(context.Context) (string, error) { return s.Password, nil },
	}
}

// TLSConfig trusts the server's certificate.
func (s *Server) TLSConfig() *tls.Config { return &tls.Config{RootCAs: s.Roots} }

// Maildir returns the directory of a user's INBOX; other folders are its
// subdirectories ".Name" and ".Name.Child".
func (s *Server) Maildir(user string) string { return filepath.Join(s.dir, "mail", user) }

func (s *Server) folderDir(user, folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return s.Maildir(user)
	}
	return filepath.Join(s.Maildir(user), "."+strings.ReplaceAll(folder, "/", "."))
}

// MakeFolder makes the folder's maildir.
func (s *Server) MakeFolder(user, folder string) error {
	dir := s.folderDir(user, folder)
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		return nil
	}
	for _, d := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	if dir != s.Maildir(user) {
		if err := os.WriteFile(filepath.Join(dir, "maildirfolder"), nil, 0o600); err != nil {
			return err
		}
	}
	return s.Own(s.Maildir(user))
}

// Deliver puts one message into new/ of the folder, as a mail server would, and
// makes the folder if need be. Wire tells what octets a client gets.
func (s *Server) Deliver(user, folder string, raw []byte) error {
	return s.put(user, folder, "new", "", raw)
}

// DeliverSeen puts one message into cur/ with maildir flags such as "S" or "FS".
func (s *Server) DeliverSeen(user, folder, flags string, raw []byte) error {
	return s.put(user, folder, "cur", ":2,"+flags, raw)
}

func (s *Server) put(user, folder, sub, suffix string, raw []byte) error {
	if err := s.MakeFolder(user, folder); err != nil {
		return err
	}
	n := s.deliveries.Add(1)
	name := fmt.Sprintf("%d.M%06dP1.imaptest", 1700000000+n, n)
	dir := s.folderDir(user, folder)
	tmp := filepath.Join(dir, "tmp", name)
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	if err := s.Own(tmp); err != nil {
		return err
	}
	// The file's time is the message's INTERNALDATE.
	when := time.Unix(1700000000+n, 0)
	if err := os.Chtimes(tmp, when, when); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, sub, name+suffix))
}

// Wire returns the octets Dovecot sends for a message kept as raw: every line
// end is CRLF and NUL, which IMAP cannot carry, is 0x80.
func Wire(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/40)
	for i, c := range raw {
		switch {
		case c == 0:
			c = 0x80
		case c == '\n' && (i == 0 || raw[i-1] != '\r'):
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// New returns the names of the files in new/ of a folder: mail no client has
// opened for writing.
func (s *Server) New(user, folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.folderDir(user, folder), "new"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Status is what STATUS tells.
type Status struct {
	Messages, Unseen, UIDNext, UIDValidity, HighestModSeq uint64
}

// Status asks the server for the state of a folder.
func (s *Server) Status(user, folder string) (Status, error) {
	var st Status
	c, err := s.login(user)
	if err != nil {
		return st, err
	}
	defer c.close()
	lines, err := c.do(`STATUS "` + folder + `" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)`)
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
		commands = append([]string{`SELECT "` + folder + `"`}, commands...)
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

func (c *client) do(cmd string) ([]string, error) {
	c.tag++
	tag := fmt.Sprintf("X%d ", c.tag)
	if _, err := fmt.Fprintf(c.conn, "%s%s\r\n", tag, cmd); err != nil {
		return nil, err
	}
	var lines []string
	for {
		l, err := c.br.ReadString('\n')
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

// Renumber gives a folder another UIDVALIDITY and its messages new UIDs, as a
// server does that lost its index.
func (s *Server) Renumber(user, folder string, uidValidity uint32) error {
	dir := s.folderDir(user, folder)
	for _, name := range []string{"dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot.index.log.2", "dovecot.list.index", "dovecot.list.index.log"} {
		for _, d := range []string{dir, s.Maildir(user)} {
			if err := os.Remove(filepath.Join(d, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	list := filepath.Join(dir, "dovecot-uidlist")
	if err := os.WriteFile(list, fmt.Appendf(nil, "3 V%d N1\n", uidValidity), 0o600); err != nil {
		return err
	}
	return s.Own(list)
}
