package demomail

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Password opens every mailbox of the demo server. It protects nothing: the
// mail is invented and part of the program.
const Password = "demo"

// Server is a running demo mail server. Its accounts are the addresses of
// Mailboxes, their password is Password. It speaks IMAP without TLS, for
// loopback only.
type Server struct {
	imap *imapserver.Server
	ln   net.Listener
	once sync.Once
	err  error         // set under once
	done chan struct{} // closed when the accept loop has ended
}

// Serve fills a memory server with the demo mail and answers on ln, which it
// owns from then on. It returns when the mail is in place; one goroutine accepts
// connections until Close.
func Serve(ln net.Listener) (*Server, error) {
	host, _, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("reading the demo server's address %q: %w", ln.Addr(), err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("serving demo mail on %q: only loopback is served without TLS", host)
	}
	memory := imapmemserver.New()
	for _, box := range Mailboxes() {
		user := imapmemserver.NewUser(box.Address, Password)
		for _, folder := range box.Folders {
			if err := fill(user, folder); err != nil {
				return nil, fmt.Errorf("filling %s/%s: %w", box.Address, folder.Name, err)
			}
		}
		memory.AddUser(user)
	}
	s := &Server{
		imap: imapserver.New(&imapserver.Options{
			NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
				return memory.NewSession(), nil, nil
			},
			Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
			Logger:       log.New(io.Discard, "", 0), // a client that hangs up is not news
			InsecureAuth: true,
		}),
		ln:   ln,
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.imap.Serve(ln) // it ends when Close closes ln; a listener that fails earlier shows at the client
	}()
	return s, nil
}

func fill(user *imapmemserver.User, folder Folder) error {
	if err := user.Create(folder.Name, nil); err != nil {
		return err
	}
	for _, m := range folder.Messages {
		flags := make([]imap.Flag, len(m.Flags))
		for i, f := range m.Flags {
			flags[i] = imap.Flag(f)
		}
		_, err := user.Append(folder.Name, bytes.NewReader(m.Raw), &imap.AppendOptions{Flags: flags, Time: m.InternalDate})
		if err != nil {
			return err
		}
	}
	return user.Subscribe(folder.Name)
}

// Addr is the host and port that the server answers on.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Close hangs up every connection and waits for the accept loop to end. It may
// be called again, to no effect.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.err = s.imap.Close()
		_ = s.ln.Close() // in case the accept loop had not begun: then imap does not know it
		<-s.done
	})
	return s.err
}
