package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"inwriting/config"
	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
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
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	dir, err := a.data(cfg)
	if err != nil {
		return nil, err
	}
	if c := dial(ctx, dir); c != nil {
		if len(a.me)+len(a.clients) > 0 {
			fmt.Fprintln(a.err, "inwriting: a daemon answers; who is who is in its own configuration, --me and --client are not used")
		}
		return c, nil
	}
	people, err := a.people(cfg)
	if err != nil {
		return nil, err
	}
	return openService(cfg, dir, people, a.getenv, a.logger(), false)
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
	{Code: "not-a-file", Err: indexer.ErrNotAFile, Status: http.StatusUnprocessableEntity, Exit: exitFailed, Title: "Not a file"},
	{Code: "archive-failed", Err: archive.ErrFailed, Status: http.StatusInsufficientStorage, Exit: exitFailed, Title: "Storing failed"},
}

// errNothing means that a question has no answer in writing.
var errNothing = errors.New("nothing in writing")

// service is an open vault with everything that answers over it.
type service struct {
	search.Searcher
	cfg    *config.Config
	vault  *indexer.Vault
	getenv func(string) string
	log    *slog.Logger
	feed   feed
	watch  *watch.Watcher

	mu     sync.Mutex
	people trail.People // as configured and as kept in the vault
}

func openService(cfg *config.Config, dir string, people trail.People, getenv func(string) string, log *slog.Logger, freshCatalog bool) (*service, error) {
	v, err := indexer.Open(dir, indexer.Options{Logger: log, FreshCatalog: freshCatalog})
	if err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, vault: v, getenv: getenv, log: log}
	if err := s.setPeople(people); err != nil {
		v.Close()
		return nil, err
	}
	s.Searcher = search.NewVaultSearcher(v, s.peopleNow, search.Options{})
	s.watch = search.NewVaultWatcher(v, s.peopleNow)
	return s, nil
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
			people.Us = appendNew(people.Us, a.Address)
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
	switch verb {
	case "sync":
		return act(args, func(a syncArgs) (any, error) { return s.sync(ctx, a, true, events) })
	case "import":
		return act(args, func(a importArgs) (any, error) { return s.importFiles(ctx, a, events) })
	case "export":
		return act(args, func(a exportArgs) (any, error) { return s.export(ctx, a) })
	case "verify":
		return act(args, func(struct{}) (any, error) { return s.vault.Verify(ctx) })
	case "rebuild":
		return act(args, func(a rebuildArgs) (any, error) { return nil, s.rebuild(ctx, a, events) })
	case "matter":
		return act(args, func(a matterArgs) (any, error) { return s.matter(ctx, a) })
	case "open":
		return act(args, func(a openArgs) (any, error) { return s.open(ctx, a) })
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

type syncArgs struct {
	Mailboxes []string `json:"mailboxes"` // none: all
	NoRead    bool     `json:"no_read"`   // keep what is new, make it searchable later
}

// syncReport is the document "inwriting.sync/v1".
type syncReport struct {
	Schema      string        `json:"schema"`
	Mailboxes   []mailboxSync `json:"mailboxes"`
	CollectedMS int64         `json:"collected_ms"` // until all was durable in archive, ledger and catalog
	ReadMS      int64         `json:"read_ms"`      // until all was searchable
}

type mailboxSync struct {
	Address     string   `json:"address"`
	State       string   `json:"state"` // as in coverage
	New         int      `json:"new"`
	Relinked    int      `json:"relinked"` // known under new UIDs by size, date and header
	Gone        int      `json:"gone"`
	Flags       int      `json:"flags"`
	Quarantined int      `json:"quarantined"`
	Left        int      `json:"left"`
	Bytes       int64    `json:"bytes"`
	Error       string   `json:"error,omitempty"`
	Hint        string   `json:"hint,omitempty"`
	WaitMS      int64    `json:"wait_ms,omitempty"` // for how long the server wants to be left alone
	Folders     []string `json:"folders_with_trouble,omitempty"`
}

// errMailbox means that at least one mailbox was not read to its end.
var errMailbox = errors.New("not every mailbox was read to its end")

func (s *service) sync(ctx context.Context, args syncArgs, always bool, events func(any)) (*syncReport, error) {
	boxes := s.cfg.Mailboxes
	if len(args.Mailboxes) > 0 {
		boxes = nil
		for _, address := range args.Mailboxes {
			m, ok := s.cfg.Mailbox(address)
			if !ok {
				return nil, usage("no mailbox %q in the configuration", address)
			}
			boxes = append(boxes, m)
		}
	}
	if len(boxes) == 0 {
		return nil, &exitError{status: exitUsage, err: errors.New("there is no mailbox in the configuration"), hint: `"inwriting config example" shows one`}
	}
	r := &syncReport{Schema: "inwriting.sync/v1", Mailboxes: []mailboxSync{}}
	started := now()
	var errs []error
	for _, m := range boxes {
		res, err := s.vault.Sync(ctx, s.account(m), always, imapsync.Options{Progress: func(p imapsync.Progress) {
			events(progress{Label: p.Account, Done: p.Done, Total: p.Total, Tail: p.Folder})
		}})
		r.Mailboxes = append(r.Mailboxes, mailboxReport(m.Address, res, err))
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.CollectedMS = now().Sub(started).Milliseconds()
	started = now()
	if !args.NoRead {
		if err := s.read(ctx, events); err != nil {
			return r, err
		}
	}
	r.ReadMS = now().Sub(started).Milliseconds()
	if err := s.setPeople(s.peopleNow()); err != nil {
		errs = append(errs, err)
	}
	switch err := errors.Join(errs...); {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return r, ctx.Err()
	case errors.Is(err, imapsync.ErrStore):
		return r, err
	default:
		return r, errMailbox
	}
}

func mailboxReport(address string, res imapsync.Result, err error) mailboxSync {
	m := mailboxSync{Address: address, State: "up to date", Bytes: res.Bytes}
	for _, f := range res.Folders {
		m.New += f.New
		m.Relinked += f.Relinked
		m.Gone += f.Gone
		m.Flags += f.Flags
		m.Quarantined += f.Quarantined + f.Held
		m.Left += f.Left
		if f.Err != nil {
			m.Folders = append(m.Folders, f.Display)
		}
	}
	if m.Quarantined+m.Left > 0 {
		m.State = "incomplete"
	}
	if err != nil {
		m.State, m.Error = indexer.AccountState(err), err.Error()
		var e *imapsync.Error
		if errors.As(err, &e) {
			m.Hint, m.WaitMS = e.Hint, e.Wait.Milliseconds()
		}
	}
	return m
}

func (s *service) account(m config.Mailbox) imapsync.Account { return accountOf(s.cfg, m, s.getenv) }

func accountOf(cfg *config.Config, m config.Mailbox, getenv func(string) string) imapsync.Account {
	return imapsync.Account{Address: m.Address, Server: m.Server.String(), Username: m.User(), Exclude: m.Exclude, Compress: m.Compress,
		Password: func(ctx context.Context) (string, error) {
			secret, err := cfg.Password(ctx, m.Address, getenv)
			return secret.Reveal(), err
		}}
}

func (s *service) read(ctx context.Context, events func(any)) error {
	return s.vault.Read(ctx, func(p indexer.ReadProgress) {
		events(progress{Label: "reading", Done: p.Done, Total: p.Total})
	})
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
	if e := s.read(ctx, events); e != nil {
		err = errors.Join(err, e)
	}
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
	show := func(p indexer.ReadProgress) { events(progress{Label: "reading", Done: p.Done, Total: p.Total}) }
	switch args.What {
	case "index":
		return s.vault.RebuildIndex(ctx, show)
	case "catalog", "":
		return s.vault.RebuildCatalog(ctx, show)
	}
	return usage("rebuild what? index or catalog, not %q", args.What)
}

type exportArgs struct {
	Question string `json:"question"`
	Title    string `json:"title"`
	For      string `json:"for"`
	Out      string `json:"out"` // absolute
	Force    bool   `json:"force"`
}

// exportReport is the document "inwriting.export/v1".
type exportReport struct {
	Schema   string `json:"schema"`
	File     string `json:"file"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Messages int    `json:"messages"`
	Entries  int    `json:"entries"`
	Findings int    `json:"findings"`
}

// export writes the bundle beside its final name and renames it: a bundle is
// there whole or not at all.
func (s *service) export(ctx context.Context, args exportArgs) (*exportReport, error) {
	if !args.Force {
		if _, err := os.Lstat(args.Out); err == nil {
			return nil, &exitError{status: exitFailed, err: fmt.Errorf("writing %q: the file exists", args.Out), hint: "choose another name, or give --force to replace it"}
		}
	}
	tr, err := s.Trail(ctx, search.TrailQuery{Question: args.Question})
	if err != nil {
		return nil, err
	}
	if len(tr.Entries) == 0 {
		return nil, fmt.Errorf("%w about: %s", errNothing, args.Question)
	}
	if args.Title == "" {
		args.Title = args.Question
		if tr.Matter != nil {
			args.Title = tr.Matter.Title
		}
	}
	in := bundle.Input{Trail: tr, Profile: args.For, Title: args.Title, Version: Version}
	seen := map[archive.Ref]bool{}
	for _, e := range tr.Entries {
		ref := e.Statement.Message.Ref
		if seen[ref] {
			continue
		}
		seen[ref] = true
		doc, err := s.Message(ctx, ref.String())
		if err != nil {
			return nil, fmt.Errorf("gathering the bundle: %w", err)
		}
		in.Exhibits = append(in.Exhibits, bundle.Exhibit{Ref: ref, Info: doc.Message, Text: doc.Text, LedgerIndex: doc.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, ref) }})
	}
	for _, x := range tr.Exhibits {
		in.Outside = append(in.Outside, bundle.Outside{Ref: x.Ref, Name: x.Name, Media: x.Media, Note: x.Note, Taken: x.At, LedgerIndex: x.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, x.Ref) }})
	}
	if err := s.seal(&in); err != nil {
		return nil, fmt.Errorf("sealing the bundle: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(args.Out), ".inwriting-*")
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	h := sha256.New()
	sum, err := bundle.Write(io.MultiWriter(f, h), in)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), args.Out); err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	selection := sha256.Sum256([]byte(strings.Join([]string{args.Question, args.For, args.Title}, "\n")))
	if err := s.vault.Note(ledger.Export{TagManifest: sum.TagManifest, Selection: hex.EncodeToString(selection[:])}); err != nil {
		return nil, err
	}
	return &exportReport{Schema: "inwriting.export/v1", File: args.Out, Size: size, SHA256: hex.EncodeToString(h.Sum(nil)),
		Messages: len(in.Exhibits), Entries: len(tr.Entries), Findings: len(tr.Findings)}, nil
}

// seal adds what proves that the exhibits lie in the ledger. It is signed first:
// every exhibit lies under the checkpoint that the bundle carries.
func (s *service) seal(in *bundle.Input) error {
	return s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		cp, err := l.Checkpoint()
		if err != nil {
			return err
		}
		in.Trail.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
		in.Checkpoint, in.VKey = cp.Note, l.VKey()
		in.PublicKeyPEM = l.PublicKeyPEM()
		for i := range in.Exhibits {
			e := &in.Exhibits[i]
			if e.Line, err = l.Line(e.LedgerIndex); err != nil {
				return err
			}
			if e.Proof, err = l.Prove(e.LedgerIndex); err != nil {
				return err
			}
		}
		for i := range in.Outside {
			x := &in.Outside[i]
			if x.Line, err = l.Line(x.LedgerIndex); err != nil {
				return err
			}
			if x.Proof, err = l.Prove(x.LedgerIndex); err != nil {
				return err
			}
		}
		return nil
	})
}
