package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"inwriting/config"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search/access"
	"inwriting/search/httpapi"
	"inwriting/search/web"
)

func (a *app) serveCmd() *cobra.Command {
	var unit bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep the mailboxes current and answer questions",
		Long: `Serve is the daemon: it reads the configured mailboxes on a schedule, makes new
mail searchable, and answers on the pages, on the JSON API and, for the other
commands, on a socket in the data directory. On loopback nobody has to sign in
until "inwriting user add" names somebody; any other address needs a certificate
and a sign-in. What the other commands change is in force at once; after a change by
hand SIGHUP has the configuration read again. Under systemd it tells when
it is ready and keeps the watchdog quiet; --unit prints a unit for it.`,
		Example: "  inwriting serve\n  inwriting serve --unit > ~/.config/systemd/user/inwriting.service",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, args []string) error {
			if unit {
				return a.printUnit()
			}
			return a.serve(c.Context())
		},
	}
	c.Flags().BoolVar(&unit, "unit", false, "print a systemd unit and exit")
	return c
}

func (a *app) serve(ctx context.Context) error {
	cfg, dir, err := a.place()
	if err != nil {
		return err
	}
	s, err := a.openVault(cfg, dir, false)
	if err != nil {
		return err
	}
	defer s.Close()
	book, err := access.Open(filepath.Join(dir, accessFile))
	if err != nil {
		return err
	}
	o := serveOptions{socket: filepath.Join(dir, socketName), schedule: true, app: a, book: book, hosts: cfg.Hosts, tell: tellSystemd(a.getenv("NOTIFY_SOCKET"))}
	if usec, err := strconv.ParseInt(a.getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		o.watchdog = time.Duration(usec) * time.Microsecond
	}
	ln, scheme, err := a.listen(cfg, book)
	if err != nil {
		return err
	}
	if scheme == "https" {
		cert := &certificate{cert: cfg.Path(cfg.TLSCert), key: cfg.Path(cfg.TLSKey)}
		if err := cert.load(); err != nil {
			ln.Close()
			return err
		}
		ln = tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get, NextProtos: []string{"http/1.1"}})
	}
	fmt.Fprintf(a.err, "inwriting answers at %s://%s/ (Ctrl-C to stop)\n", scheme, ln.Addr())
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	o.hup = hup
	err = s.serve(ctx, ln, o)
	if ctx.Err() != nil {
		messages, _, terr := s.totals()
		if terr == nil {
			fmt.Fprintf(a.err, "stopped; %s kept\n", plural(messages, "message", "messages"))
		}
		return nil
	}
	return err
}

// listen opens the address of the pages. One that others can reach is refused
// unless they have to sign in, under a certificate.
func (a *app) listen(cfg *config.Config, book *access.Book) (net.Listener, string, error) {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, "", err
	}
	open := !config.IsLoopback(host) || len(cfg.Hosts) > 0
	if open && !book.Needed() {
		return nil, "", &exitError{status: exitUsage, err: fmt.Errorf("listen %q: others can reach it, and nobody would have to sign in: whoever reaches it would read the mail", cfg.Listen),
			hint: "inwriting user add NAME"}
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, "", &exitError{status: exitFailed, err: fmt.Errorf("serving the pages: %w", err), hint: `another program may use the address; "listen" in the configuration sets another one`}
	}
	if cfg.TLSCert != "" {
		return ln, "https", nil
	}
	return ln, "http", nil
}

// certificate is a certificate that is read again when its file changed.
type certificate struct {
	cert, key string

	mu   sync.Mutex
	at   time.Time
	pair *tls.Certificate
}

func (c *certificate) load() error {
	fi, err := os.Stat(c.cert)
	if err == nil && fi.ModTime().Equal(c.at) {
		return nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.at = &pair, fi.ModTime()
			return nil
		}
	}
	return &exitError{status: exitUsage, err: fmt.Errorf("reading the certificate: %w", err), hint: "tls_cert and tls_key name two files in PEM"}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil && c.pair == nil { // the old one serves while the new one is being written
		return nil, err
	}
	return c.pair, nil
}

type serveOptions struct {
	socket   string // "" for none
	schedule bool
	matters  []web.Matter
	app      *app         // whose configuration the pages may change; nil: they change nothing of it
	book     *access.Book // nil: nobody has to sign in
	hosts    []string
	tell     func(state string) // systemd; nil tells nobody
	watchdog time.Duration      // how long it waits to hear that all is well; 0 for ever
	hup      <-chan os.Signal
}

// serve answers on ln, and on the socket, until ctx ends. It closes ln. Stopping,
// in this order: no new requests; the pass in hand is cancelled and what it
// accepted committed; requests end; then the caller closes the vault.
func (s *service) serve(ctx context.Context, ln net.Listener, o serveOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.owner = o.app
	handler, desk, err := s.handler(ctx, ln, &o)
	if err != nil {
		ln.Close()
		return err
	}
	defer desk.close()
	servers := []*http.Server{{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}}
	listeners := []net.Listener{ln}
	if o.socket != "" {
		sock, err := listenSocket(o.socket)
		if err != nil {
			ln.Close()
			return err
		}
		defer os.Remove(o.socket)
		servers = append(servers, &http.Server{Handler: httpapi.New(s, httpapi.Options{Actions: s, Ready: s.ready, Healthy: s.healthy, Codes: codes, Logger: s.log}), ReadHeaderTimeout: 10 * time.Second})
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
	wg.Go(func() { s.keepTelling(ctx, o) })
	select {
	case <-ctx.Done():
	case err = <-errc:
	}
	cancel()
	if o.tell != nil {
		o.tell("STOPPING=1")
	}
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

// ready reports whether questions are answered from an index that is whole.
func (s *service) ready(context.Context) error {
	return s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, _ *catalog.Catalog, ix *textindex.Index) error {
		return ix.Err()
	})
}

// handler is everything that is served on the port.
func (s *service) handler(ctx context.Context, ln net.Listener, o *serveOptions) (http.Handler, *desk, error) {
	zone, err := s.config().Location()
	if err != nil {
		return nil, nil, err
	}
	m := newMetrics(s.Coverage)
	asked := access.Restrict(timed{&remembered{Searcher: s, people: s.peopleNow, decided: &s.decided}, m})
	d, err := newDesk(ctx, s, asked, o.app)
	if err != nil {
		return nil, nil, err
	}
	d.bundled = m.bundled
	api := httpapi.New(asked, httpapi.Options{Export: d.stream, Ready: s.ready, Healthy: s.healthy, Codes: codes, Logger: s.log})
	mux := http.NewServeMux()
	mux.Handle("/api/", api)
	mux.Handle("GET /metrics", m.handler)
	mux.Handle("GET /events", &s.feed)
	s.openPages(mux)
	mux.Handle("/healthz", api)
	mux.Handle("/readyz", api)
	mux.Handle("/", web.New(asked, web.Options{Matters: o.matters, Kept: s.keptMatters, Desk: d, Access: o.book, Location: zone, Logger: s.log}))
	var h http.Handler = s.recording(mux)
	if o.book != nil {
		h = o.book.Guard(h)
	}
	return httpapi.Hosts(tcpAddr(ln), o.hosts, s.gate.passing(h)), d, nil
}

// tcpAddr is the address of a listener, also under TLS.
func tcpAddr(ln net.Listener) net.Addr { return ln.Addr() }

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
// the time for each failure in a row, an hour at most. A changed configuration
// begins and ends the reading of mailboxes.
func (s *service) follow(ctx context.Context) {
	unread := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.followReading(ctx, unread) })
	wg.Go(func() { s.followAttest(ctx) })
	type following struct {
		box  config.Mailbox
		stop func()
	}
	running := map[string]following{}
	for {
		boxes := s.config().Mailboxes
		for address, f := range running {
			if !slices.ContainsFunc(boxes, func(m config.Mailbox) bool { return reflect.DeepEqual(m, f.box) }) {
				f.stop()
				delete(running, address)
			}
		}
		for i, m := range boxes {
			if _, ok := running[m.Address]; ok {
				continue
			}
			fctx, stop := context.WithCancel(ctx)
			done := make(chan struct{})
			wg.Go(func() {
				defer close(done)
				s.followMailbox(fctx, s.log.With("mailbox", i+1), m, unread)
			})
			running[m.Address] = following{m, func() { stop(); <-done }}
		}
		select {
		case <-ctx.Done():
			for _, f := range running {
				f.stop()
			}
			return
		case <-s.changed.c:
		}
	}
}

// followReading reads what was collected, and looks at what is open in it.
func (s *service) followReading(ctx context.Context, unread <-chan struct{}) {
	for {
		if err := s.read(ctx, s.tellProgress); err != nil && ctx.Err() == nil {
			s.note(err)
			s.log.Error("reading", "err", err)
		}
		if err := s.watch.Update(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("watching", "err", err)
		}
		s.arrived.tell()
		select {
		case <-ctx.Done():
			return
		case <-unread:
		}
	}
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
		wait, news, over := s.config().Interval(m), told, ended
		s.note(err)
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
		case <-s.turns.of(m.Address).wake.c:
			fails = 0
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
