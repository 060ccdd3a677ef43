//go:build unix

package imaptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
)

// Brands are the servers that Start knows.
var Brands = []string{"dovecot", "cyrus", "courier"}

// Server is a mail server of our own on loopback, run as an unprivileged user.
// Any user name logs in with Password. Folders are named as people see them, with
// "/" between levels.
type Server struct {
	Brand    string // one of Brands
	Addr     string // 127.0.0.1:port, without TLS; Dovecot offers STARTTLS there
	TLSAddr  string // localhost:port, TLS from the first octet; Dovecot only
	User     string
	Password string
	Roots    *x509.CertPool // trusts the certificate for localhost; Dovecot only

	brand     brand
	dir, run  string
	removeDir bool
	uid, gid  int
	user      string // who the server runs as
	group     string
	procs     []*process
	ln        net.Listener   // Courier's, which is started for each connection
	serving   sync.WaitGroup // those connections

	mu         sync.Mutex
	deliveries int64
	putters    map[string]*client // Cyrus: connections that put mail, by user
	conns      map[net.Conn]bool  // Courier: open connections
}

// brand is what each server does in its own way.
type brand interface {
	// name returns the name of a folder on the wire.
	name(folder string) string
	makeFolder(s *Server, user, folder string) error
	// put delivers a message, as new mail if flags is nil, otherwise with maildir's
	// letters for flags.
	put(s *Server, user, folder string, flags *string, raw []byte) error
	renumber(s *Server, user, folder string, uidValidity uint32) error
}

// Start starts a server that ends with the test. The test fails if it is not
// installed.
func Start(t testing.TB, brand string) *Server {
	t.Helper()
	dir, err := TempDir(brand)
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartIn(dir, brand)
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	s.removeDir = true
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s's log:\n%s", brand, s.Log())
		}
		s.Close()
	})
	return s
}

// TempDir makes a directory for StartIn. Cyrus makes durable each message it is
// given; in a test that is time lost, so it gets memory where there is some.
func TempDir(brand string) (string, error) {
	if brand == "cyrus" {
		if dir, err := os.MkdirTemp("/dev/shm", "imaptest-mail-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "imaptest-mail-")
}

// Dovecot is Start for Dovecot.
func Dovecot(t testing.TB) *Server {
	t.Helper()
	return Start(t, "dovecot")
}

// StartDovecot is StartIn for Dovecot.
func StartDovecot(dir string) (*Server, error) { return StartIn(dir, "dovecot") }

// StartIn starts a server that keeps its mail below dir. Run by root, the server
// runs as nobody, dir is given to nobody, and every directory above it must let
// nobody pass. The caller closes the server.
func StartIn(dir, brandName string) (_ *Server, err error) {
	start, ok := map[string]func(*Server) error{"dovecot": startDovecot, "cyrus": startCyrus, "courier": startCourier}[brandName]
	if !ok {
		return nil, fmt.Errorf("no server %q", brandName)
	}
	s := &Server{Brand: brandName, User: "user", Password: "pass", uid: os.Getuid(), gid: os.Getgid(),
		putters: map[string]*client{}, conns: map[net.Conn]bool{}}
	if s.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	// Sockets have short names, so they do not go below dir.
	if s.run, err = os.MkdirTemp("", "imaptest-run-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.uid == 0 {
		s.uid, s.gid = 65534, 65534
	}
	me, err := user.LookupId(strconv.Itoa(s.uid))
	if err != nil {
		return nil, fmt.Errorf("running %s needs a user with a name: %w", brandName, err)
	}
	group, err := user.LookupGroupId(strconv.Itoa(s.gid))
	if err != nil {
		return nil, fmt.Errorf("running %s needs a group with a name: %w", brandName, err)
	}
	s.user, s.group = me.Username, group.Name
	for _, d := range []string{s.dir, filepath.Join(s.dir, "mail")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(s.Own(s.dir), s.Own(s.run)); err != nil {
		return nil, err
	}
	if err := start(s); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := s.dial()
		if err == nil {
			c.close()
			return s, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s does not answer: %w\n%s", brandName, err, s.Log())
		}
		for _, p := range s.procs {
			select {
			case <-p.exited:
				return nil, fmt.Errorf("%s ended at once: %s", brandName, s.Log())
			default:
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// process is one that runs until it is stopped.
type process struct {
	cmd    *exec.Cmd
	out    lockedBuffer
	exited chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// command prepares a program that runs as the server's user and ends with us.
func (s *Server) command(env []string, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.run
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(cmd.SysProcAttr)
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid)}
	}
	return cmd
}

// spawn starts a program that runs as long as the server.
func (s *Server) spawn(env []string, path string, args ...string) error {
	p := &process{cmd: s.command(env, path, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.Brand, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	s.procs = append(s.procs, p)
	return nil
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
	}
	// What it started may outlive it.
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// Own gives path and what is below it to the user the server runs as. Whoever
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
	s.mu.Lock()
	if s.ln != nil {
		s.ln.Close()
	}
	for c := range s.conns {
		c.Close()
	}
	for _, c := range s.putters {
		c.close()
	}
	s.mu.Unlock()
	s.serving.Wait()
	for _, p := range slices.Backward(s.procs) {
		p.stop()
	}
	if s.removeDir {
		os.RemoveAll(s.dir)
	}
	return os.RemoveAll(s.run)
}

// Log returns what the server has logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.run, "log"))
	for _, p := range s.procs {
		b = append(b, p.out.String()...)
	}
	return string(b[max(0, len(b)-3000):])
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

// Name returns a folder's name on the wire.
func (s *Server) Name(folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return "INBOX"
	}
	return s.brand.name(folder)
}

// MakeFolder makes a folder.
func (s *Server) MakeFolder(user, folder string) error { return s.brand.makeFolder(s, user, folder) }

// Deliver puts one message into the folder as a mail server would, and makes the
// folder if need be. Wire tells what octets a client gets.
func (s *Server) Deliver(user, folder string, raw []byte) error {
	return s.brand.put(s, user, folder, nil, raw)
}

// DeliverSeen puts one message into the folder with maildir flags such as "S" or
// "FS".
func (s *Server) DeliverSeen(user, folder, flags string, raw []byte) error {
	return s.brand.put(s, user, folder, &flags, raw)
}

// Renumber gives a folder another UIDVALIDITY and its messages new UIDs, as a
// server does that lost its index. Cyrus chooses the UIDVALIDITY by itself and
// cannot renumber INBOX.
func (s *Server) Renumber(user, folder string, uidValidity uint32) error {
	return s.brand.renumber(s, user, folder, uidValidity)
}

// nth counts deliveries; the nth has a time of its own, which is its INTERNALDATE.
func (s *Server) nth() (n int64, when time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries++
	return s.deliveries, time.Unix(1700000000+s.deliveries, 0)
}

// Wire returns the octets a server sends for a message kept as raw: every line
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

// unpacked returns where .ci/tools unpacked the servers that cannot be installed
// beside Dovecot, and the environment in which they find their libraries.
func unpacked(file, brand string) (root string, env []string, err error) {
	var places []string
	if d, err := os.UserCacheDir(); err == nil && os.Getuid() != 0 {
		places = append(places, filepath.Join(d, "inwriting-tools", "root"))
	}
	for _, root := range append(places, "/var/cache/inwriting-tools/root", "/") {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			continue
		}
		if root == "/" {
			return root, nil, nil
		}
		libs := []string{filepath.Join(root, "usr/lib")}
		for _, pattern := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"} {
			found, _ := filepath.Glob(filepath.Join(root, pattern))
			libs = append(libs, found...)
		}
		sasl, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*/sasl2"))
		system, _ := filepath.Glob("/usr/lib/*-linux-gnu*/sasl2")
		return root, []string{"LD_LIBRARY_PATH=" + strings.Join(libs, ":"), "SASL_PATH=" + strings.Join(append(sasl, system...), ":")}, nil
	}
	return "", nil, fmt.Errorf("%s is not unpacked; on Debian: apt-get update && .ci/tools", brand)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

var _ io.Writer = (*lockedBuffer)(nil)
