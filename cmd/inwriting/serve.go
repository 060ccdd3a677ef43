package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search/httpapi"
	"inwriting/search/web"
)

func (a *app) serveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Keep the mailboxes current and answer questions",
		Long: `Serve is the daemon: it reads the configured mailboxes on a schedule, makes new
mail searchable, and answers on the pages, on the JSON API and, for the other
commands, on a socket in the data directory. It listens on loopback only.`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			cfg, err := a.config()
			if err != nil {
				return err
			}
			dir, err := a.data(cfg)
			if err != nil {
				return err
			}
			people, err := a.people(cfg)
			if err != nil {
				return err
			}
			s, err := openService(cfg, dir, people, a.getenv, a.logger(), false)
			if err != nil {
				return err
			}
			defer s.Close()
			ln, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return &exitError{status: exitFailed, err: fmt.Errorf("serving the pages: %w", err), hint: `another program may use the address; "listen" in the configuration sets another one`}
			}
			fmt.Fprintf(a.err, "inwriting answers at http://%s/ (Ctrl-C to stop)\n", ln.Addr())
			err = s.serve(ctx, ln, serveOptions{socket: filepath.Join(dir, socketName), schedule: true})
			if ctx.Err() != nil {
				messages, _, terr := s.totals()
				if terr == nil {
					fmt.Fprintf(a.err, "stopped; %s kept\n", plural(messages, "message", "messages"))
				}
				return nil
			}
			return err
		},
	}
}

type serveOptions struct {
	socket   string // "" for none
	schedule bool
	matters  []web.Matter
}

// serve answers on ln, and on the socket, until ctx ends. It closes ln. Stopping,
// in this order: no new requests; the pass in hand is cancelled and what it
// accepted committed; requests end; then the caller closes the vault.
func (s *service) serve(ctx context.Context, ln net.Listener, o serveOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	zone, err := s.cfg.Location()
	if err != nil {
		ln.Close()
		return err
	}
	ready := func(ctx context.Context) error {
		return s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, _ *catalog.Catalog, ix *textindex.Index) error {
			return ix.Err()
		})
	}
	m := newMetrics(s.Coverage)
	asked := timed{s, m}
	api := httpapi.New(asked, httpapi.Options{Ready: ready, Codes: codes, Logger: s.log})
	mux := http.NewServeMux()
	mux.Handle("/api/", api)
	mux.Handle("GET /metrics", m.handler)
	mux.Handle("GET /events", &s.feed)
	s.openPages(mux)
	mux.Handle("/healthz", api)
	mux.Handle("/readyz", api)
	mux.Handle("/", web.New(asked, web.Options{Matters: o.matters, Kept: s.keptMatters, Location: zone, Logger: s.log}))
	servers := []*http.Server{{Handler: httpapi.Loopback(ln.Addr(), mux), ReadHeaderTimeout: 10 * time.Second}}
	listeners := []net.Listener{ln}
	if o.socket != "" {
		sock, err := listenSocket(o.socket)
		if err != nil {
			ln.Close()
			return err
		}
		defer os.Remove(o.socket)
		servers = append(servers, &http.Server{Handler: httpapi.New(s, httpapi.Options{Actions: s, Ready: ready, Codes: codes, Logger: s.log}), ReadHeaderTimeout: 10 * time.Second})
		listeners = append(listeners, sock)
	}
	errc := make(chan error, len(servers)+1)
	var wg sync.WaitGroup
	for i, srv := range servers {
		srv.BaseContext = func(net.Listener) context.Context { return ctx }
		wg.Go(func() {
			if err := srv.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				errc <- fmt.Errorf("serving: %w", err)
			}
		})
	}
	if o.schedule {
		wg.Go(func() { s.follow(ctx) })
	}
	select {
	case <-ctx.Done():
	case err = <-errc:
	}
	cancel()
	stop, done := context.WithTimeout(context.Background(), 4*time.Second)
	defer done()
	for _, srv := range servers {
		if srv.Shutdown(stop) != nil {
			srv.Close()
		}
	}
	wg.Wait()
	return err
}

// listenSocket takes the socket's place; the vault's lock says that whoever left
// one behind is gone.
func listenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("making the socket %q: %w", path, err)
	}
	// The data directory is 0700 already; the socket says it again.
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("making the socket %q: %w", path, err)
	}
	return ln, nil
}

// follow keeps the mailboxes current, each by itself: one that fails or stalls
// holds up no other. A mailbox is read when its server tells of a change, and when
// its interval has passed in any case. One that fails is tried again after twice
// the time for each failure in a row, an hour at most.
func (s *service) follow(ctx context.Context) {
	unread := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if err := s.read(ctx, s.tellProgress); err != nil && ctx.Err() == nil {
				s.log.Error("reading", "err", err)
			}
			if err := s.watch.Update(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("watching", "err", err)
			}
			s.attest(ctx)
			select {
			case <-ctx.Done():
				return
			case <-unread:
			}
		}
	})
	for i, m := range s.cfg.Mailboxes {
		wg.Go(func() { s.followMailbox(ctx, s.log.With("mailbox", i+1), m, unread) })
	}
	wg.Wait()
}

func (s *service) followMailbox(ctx context.Context, log *slog.Logger, m config.Mailbox, unread chan<- struct{}) {
	told := make(chan struct{}, 1)
	ended := make(chan error, 1)
	watching, cannot := false, !m.Listens()
	fails, drops := 0, 0
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		started := now()
		r, err := s.sync(ctx, syncArgs{Mailboxes: []string{m.Address}, NoRead: true}, false, s.tellProgress)
		if ctx.Err() != nil {
			return
		}
		wait, news, over := s.cfg.Interval(m), told, ended
		if err != nil {
			fails++
			wait = min(wait<<min(fails, 10), max(time.Hour, wait))
			for _, b := range r.mailboxes() {
				asked := time.Duration(b.WaitMS) * time.Millisecond
				if b.State == "sign-in refused" {
					asked = time.Hour // providers lock accounts after a few wrong passwords
				}
				if asked > 0 {
					// News does not shorten what the server asks for.
					wait, news, over = max(wait, asked), nil, nil
				}
			}
			log.Error("mailbox not read", "fails", fails, "wait", wait, "err", err)
		} else {
			fails = 0
		}
		for _, b := range r.mailboxes() {
			log.Info("mailbox read", "new", b.New, "gone", b.Gone, "quarantined", b.Quarantined, "took", now().Sub(started))
			s.feed.tell("mailbox", b)
			if b.New+b.Relinked > 0 {
				nudge(unread)
			}
		}
		if err == nil && !watching && !cannot {
			// Only after a pass: a password that is refused is not tried twice.
			watching = true
			wg.Go(func() {
				// What came before it listened is asked for at once.
				change := func() { nudge(told) }
				ended <- imapsync.Watch(ctx, s.account(m), 0, change, change)
			})
		}
		next := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		case <-news:
			drops = 0
			// A burst of news is one pass, also when it is all our own reading.
			if !rest(ctx, settle) {
				return
			}
			drain(told)
		case err := <-over:
			watching = false
			cannot = errors.Is(err, imapsync.ErrCannotWatch)
			log.Info("the server is not listened to any more", "err", err)
			// What it would have told is asked for.
			drops++
			if !cannot && !rest(ctx, min(time.Second<<min(drops, 10), wait)) {
				return
			}
		}
		next.Stop()
	}
}

func (s *service) tellProgress(e any) {
	if p, ok := e.(progress); ok {
		s.feed.progress(p)
	}
}

// settle is how long news may follow news before the mailbox is read.
const settle = 100 * time.Millisecond

func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // somebody has said so already
	}
}

func drain(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// rest waits, and reports whether the whole time passed.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// totals counts what is kept and what was found in it.
func (s *service) totals() (messages, statements int, err error) {
	err = s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		messages, statements, err = c.Totals()
		return err
	})
	return messages, statements, err
}
