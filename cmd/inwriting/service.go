package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/bundle"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
	"inwriting/search/watch"
)

// backend answers the verbs: a vault that this process opened, or the daemon that
// owns it.
type backend interface {
	search.Searcher
	do(ctx context.Context, verb string, args any, events func(json.RawMessage), result any) error
	Close() error
}

// socketName is the daemon's unix socket in the data directory.
const socketName = "socket"

// open returns the daemon that owns the vault, or opens the vault.
func (a *app) open(ctx context.Context) (backend, error) {
	cfg, dir, err := a.place()
	if err != nil {
		return nil, err
	}
	if c := dial(ctx, dir); c != nil {
		if len(a.me)+len(a.clients) > 0 {
			fmt.Fprintln(a.err, "inwriting: a daemon answers; who is who is in its own configuration, --me and --client are not used")
		}
		return c, nil
	}
	return a.openVault(cfg, dir, false)
}

// place is the configuration and the data directory in force.
func (a *app) place() (*config.Config, string, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, "", err
	}
	dir, err := a.data(cfg)
	return cfg, dir, err
}

// openVault opens the vault in dir, with the people whom cfg and the command line name.
func (a *app) openVault(cfg *config.Config, dir string, freshCatalog bool) (*service, error) {
	people, err := a.people(cfg)
	if err != nil {
		return nil, err
	}
	return openService(cfg, dir, people, a.getenv, a.logger(), freshCatalog)
}

// openRead is open for verbs that ask what was said: messages that wait, as all do
// after an update of the program, are read first. A daemon does so by itself.
func (a *app) openRead(ctx context.Context) (backend, error) {
	b, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	if s, ok := b.(*service); ok {
		show, bar := a.bars()
		err = s.read(ctx, func(e any) {
			if raw, err := json.Marshal(e); err == nil {
				show(raw)
			}
		})
		bar.done()
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if a.getenv("INWRITING_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// remote is a backend over the daemon's socket.
type remote struct{ *httpapi.Client }

func dial(ctx context.Context, dir string) backend {
	path := filepath.Join(dir, socketName)
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	c := httpapi.Unix(path)
	c.Codes = codes
	if c.Alive(ctx) != nil {
		c.Close()
		return nil // left behind by a daemon that was killed
	}
	return remote{c}
}

func (r remote) do(ctx context.Context, verb string, args any, events func(json.RawMessage), result any) error {
	out, err := r.Client.Do(ctx, verb, args, events, nil)
	if len(out) > 0 && string(out) != "null" {
		if e := json.Unmarshal(out, result); e != nil && err == nil {
			err = e
		}
	}
	return err
}

// codes are the kinds of errors that actions end with, so that they are the same
// through the socket.
var codes = []httpapi.Code{
	{Code: "mailbox", Err: errMailbox, Status: http.StatusBadGateway, Exit: exitMailbox, Title: "Mailbox not read"},
	{Code: "not-mail", Err: importer.ErrNotMail, Status: http.StatusUnprocessableEntity, Exit: exitFailed, Title: "Not mail"},
	{Code: "nothing", Err: errNothing, Status: http.StatusNotFound, Exit: exitNothing, Title: "Nothing in writing"},
	{Code: "no-such-matter", Err: errNoMatter, Status: http.StatusNotFound, Exit: exitNothing, Title: "No such matter"},
	{Code: "matter-exists", Err: errMatterExists, Status: http.StatusConflict, Exit: exitFailed, Title: "The name is taken"},
	{Code: "matter-name", Err: errMatterName, Status: http.StatusBadRequest, Exit: exitUsage, Title: "Not a name for a matter"},
	{Code: "no-question", Err: errNoQuestion, Status: http.StatusBadRequest, Exit: exitUsage, Title: "A matter needs a question"},
	{Code: "no-such-client", Err: errNoClient, Status: http.StatusBadRequest, Exit: exitUsage, Title: "No such client"},
	{Code: "no-such-kind", Err: errNoKind, Status: http.StatusBadRequest, Exit: exitUsage, Title: "No such kind"},
	{Code: "not-corrected", Err: errNotCorrected, Status: http.StatusNotFound, Exit: exitNothing, Title: "Not corrected"},
	{Code: "on-hold", Err: indexer.ErrHeld, Status: http.StatusConflict, Exit: exitFailed, Title: "Held"},
	{Code: "erased", Err: ledger.ErrErased, Status: http.StatusGone, Exit: exitNothing, Title: "Erased"},
	{Code: "no-such-entry", Err: errNoEntry, Status: http.StatusNotFound, Exit: exitNothing, Title: "No such entry"},
	{Code: "no-authority", Err: errNobodyElse, Status: http.StatusConflict, Exit: exitUsage, Title: "No authority"},
	{Code: "not-a-file", Err: indexer.ErrNotAFile, Status: http.StatusUnprocessableEntity, Exit: exitFailed, Title: "Not a file"},
	{Code: "held", Err: bundle.ErrHeld, Status: http.StatusConflict, Exit: exitFailed, Title: "A decision is needed"},
	{Code: "redaction", Err: bundle.ErrRedaction, Status: http.StatusConflict, Exit: exitFailed, Title: "A redacted word is still there"},
	{Code: "other-configuration", Err: errOtherFile, Status: http.StatusConflict, Exit: exitFailed, Title: "Another configuration"},
	{Code: "no-reload", Err: errNoReload, Status: http.StatusConflict, Exit: exitFailed, Title: "Nothing to take over"},
	{Code: "archive-failed", Err: archive.ErrFailed, Status: http.StatusInsufficientStorage, Exit: exitFailed, Title: "Storing failed"},
}

// errNothing means that a question has no answer in writing.
var errNothing = errors.New("nothing in writing")

// service is an open vault with everything that answers over it.
type service struct {
	search.Searcher
	vault  *indexer.Vault
	getenv func(string) string
	log    *slog.Logger
	feed   feed
	gate   gate
	watch  *watch.Watcher

	owner     *app // whose configuration a daemon follows; nil: none
	turns     turns
	reloading sync.Mutex

	mu     sync.Mutex
	named  trail.People // as configured
	people trail.People // and as kept in the vault
	cfg    *config.Config
	failed error // storing stopped; see note

	changed bell         // the configuration did
	decided atomic.Int64 // how often somebody decided something
	arrived bell         // new mail was read
}

func openService(cfg *config.Config, dir string, people trail.People, getenv func(string) string, log *slog.Logger, freshCatalog bool) (*service, error) {
	attest, err := attestOf(cfg)
	if err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, named: people, changed: newBell(), arrived: newBell(), getenv: getenv, log: log}
	v, err := indexer.Open(dir, indexer.Options{Logger: log, FreshCatalog: freshCatalog, Attest: attest, GiveWay: s.gate.giveWay})
	if err != nil {
		return nil, err
	}
	s.vault = v
	if err := s.setPeople(people); err != nil {
		v.Close()
		return nil, err
	}
	s.Searcher = search.NewVaultSearcher(v, s.peopleNow, search.Options{})
	s.watch = search.NewVaultWatcher(v, s.peopleNow)
	s.watch.GiveWay = s.gate.giveWay
	return s, nil
}

// config is the configuration in force.
func (s *service) config() *config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

func (s *service) Close() error { return s.vault.Close() }

func (s *service) peopleNow() trail.People {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people
}

// keptPeople are those whom earlier imports named.
func (s *service) keptPeople() (trail.People, error) {
	var p trail.People
	kept, err := s.vault.People()
	if err == nil && kept != "" {
		if err = json.Unmarshal([]byte(kept), &p); err != nil {
			err = fmt.Errorf("reading who is who from the vault: %w", err)
		}
	}
	return p, err
}

// setPeople adds those whom an earlier import named, and the owners of imported
// mailboxes, to people.
func (s *service) setPeople(people trail.People) error {
	kept, err := s.keptPeople()
	if err != nil {
		return err
	}
	people = mergePeople(people, kept)
	err = s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		accounts, err := c.Accounts()
		for _, a := range accounts {
			if m, ok := s.config().Mailbox(a.Address); !ok || m.Own() {
				people.Us = appendNew(people.Us, a.Address)
			}
		}
		return err
	})
	s.mu.Lock()
	s.people = people
	s.mu.Unlock()
	return err
}

// Do implements httpapi.Actions.
func (s *service) Do(ctx context.Context, verb string, args json.RawMessage, events func(any)) (any, error) {
	defer s.decided.Add(1) // most verbs change something
	switch verb {
	case "sync":
		return act(args, func(a syncArgs) (any, error) { return s.sync(ctx, a, true, events) })
	case "import":
		return act(args, func(a importArgs) (any, error) { return s.importFiles(ctx, a, events) })
	case "export":
		return act(args, func(a exportArgs) (any, error) { return s.export(ctx, a, events) })
	case "verify":
		return act(args, func(struct{}) (any, error) { return s.vault.Verify(ctx) })
	case "backup":
		return act(args, func(a backupArgs) (any, error) { return s.backup(ctx, a, events) })
	case "rebuild":
		return act(args, func(a rebuildArgs) (any, error) { return nil, s.rebuild(ctx, a, events) })
	case "matter":
		return act(args, func(a matterArgs) (any, error) { return s.matter(ctx, a) })
	case "open":
		return act(args, func(a openArgs) (any, error) { return s.open(ctx, a) })
	case "refetch":
		return act(args, func(a refetchArgs) (any, error) { return s.refetch(ctx, a) })
	case "reload":
		return act(args, func(a reloadArgs) (any, error) { return s.reloadFor(a) })
	case "people":
		return act(args, func(struct{}) (any, error) { return s.learn(ctx) })
	case "signatures":
		return act(args, func(struct{}) (any, error) { return s.recheck(ctx, events) })
	case "ledger":
		return act(args, func(a ledgerArgs) (any, error) { return s.ledger(ctx, a) })
	case "erase":
		return act(args, func(a eraseArgs) (any, error) { return s.erase(ctx, a, events) })
	case "hold":
		return act(args, func(a holdArgs) (any, error) { return s.hold(ctx, a) })
	case "correct":
		return act(args, func(a correctArgs) (any, error) { return s.correct(ctx, a) })
	}
	return nil, fmt.Errorf("action %q: %w", verb, httpapi.ErrBadRequest)
}

func act[A any](raw json.RawMessage, fn func(A) (any, error)) (any, error) {
	var a A
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("%w: %w", httpapi.ErrBadRequest, err)
	}
	return fn(a)
}

// do is Do as a backend has it.
func (s *service) do(ctx context.Context, verb string, args any, events func(json.RawMessage), result any) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	out, err := s.Do(ctx, verb, raw, func(v any) {
		if events == nil {
			return
		}
		if b, err := json.Marshal(v); err == nil {
			mu.Lock()
			defer mu.Unlock()
			events(b)
		}
	})
	if out != nil {
		b, e := json.Marshal(out)
		if e == nil {
			e = json.Unmarshal(b, result)
		}
		if e != nil && err == nil {
			err = e
		}
	}
	return err
}

// progress is the one event of all actions.
type progress struct {
	Label string `json:"label"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
	Tail  string `json:"tail,omitempty"`
}

func (s *service) read(ctx context.Context, events func(any)) error {
	return s.vault.Read(ctx, tellRead(events))
}

func tellRead(events func(any)) func(indexer.ReadProgress) {
	return func(p indexer.ReadProgress) {
		events(progress{Label: "reading", Done: p.Done, Total: p.Total})
	}
}

type importArgs struct {
	Address string       `json:"address"`
	Paths   []string     `json:"paths"`
	People  trail.People `json:"people"` // named on the command line
}

// importReport is the document "inwriting.import/v1".
type importReport struct {
	Schema string `json:"schema"`
	indexer.ImportResult
}

func (s *service) importFiles(ctx context.Context, args importArgs, events func(any)) (*importReport, error) {
	label := ""
	res, err := s.vault.Import(ctx, args.Address, args.Paths, importer.Options{Progress: func(p importer.Progress) {
		label = filepath.Base(p.Path)
		events(progress{Label: label, Done: int(p.Bytes / 1024), Total: int(max(p.TotalBytes, p.Bytes) / 1024), Tail: plural(p.Done, "message", "messages")})
	}})
	r := &importReport{Schema: "inwriting.import/v1", ImportResult: res}
	if e := s.keepPeople(args.People); e != nil {
		err = errors.Join(err, e)
	}
	if e := s.vault.ReadFast(ctx, tellRead(events)); e != nil {
		err = errors.Join(err, e)
	}
	s.attest(ctx, events)
	return r, err
}

// keepPeople remembers in the vault whom the command line named.
func (s *service) keepPeople(p trail.People) error {
	if len(p.Us)+len(p.Clients) > 0 {
		kept, err := s.keptPeople()
		if err != nil {
			return err
		}
		b, err := json.Marshal(mergePeople(kept, p))
		if err != nil {
			return err
		}
		if err := s.vault.SetPeople(string(b)); err != nil {
			return err
		}
	}
	return s.setPeople(s.peopleNow())
}

type rebuildArgs struct {
	What string `json:"what"` // index | catalog | "" for both
}

func (s *service) rebuild(ctx context.Context, args rebuildArgs, events func(any)) error {
	show := tellRead(events)
	switch args.What {
	case "index":
		return s.vault.RebuildIndex(ctx, show)
	case "catalog", "":
		return s.vault.RebuildCatalog(ctx, show)
	}
	return usage("rebuild what? index or catalog, not %q", args.What)
}
