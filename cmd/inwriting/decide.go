package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/trail"
	"inwriting/search/web"
)

// What people decide: matters and corrections. Each action is recorded in the
// ledger and answered with what is in force afterwards.

var (
	errNoMatter     = errors.New("no such matter")
	errMatterExists = errors.New("there is a matter of this name already")
	errMatterName   = errors.New("not a name for a matter")
	errNoQuestion   = errors.New("it needs the question that it keeps")
	errNoClient     = errors.New("no such client is configured")
	errNoKind       = errors.New("not a kind of statement")
	errNotCorrected = errors.New("it is not corrected")
)

// matterArgs are the arguments of the action "matter".
type matterArgs struct {
	Do       string   `json:"do"` // new, list, add, drop, note, close
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Question string   `json:"question"`
	Client   string   `json:"client"`
	Items    []string `json:"items"`  // ids
	Files    []string `json:"files"`  // absolute
	Reason   string   `json:"reason"` // why, or the text of a note
	Undo     bool     `json:"undo"`
}

// matterDoc is the document "inwriting.matter/v1".
type matterDoc struct {
	Schema   string          `json:"schema,omitempty"`
	Name     string          `json:"name"`
	Title    string          `json:"title"`
	Question string          `json:"question"`
	Client   string          `json:"client"`
	State    string          `json:"state"` // open | closed
	Opened   time.Time       `json:"opened"`
	Closed   *time.Time      `json:"closed"`
	Reason   string          `json:"reason,omitempty"` // of closing
	Pinned   []decisionDoc   `json:"pinned"`
	LeftOut  []decisionDoc   `json:"left_out"`
	Exhibits []trail.Exhibit `json:"exhibits"`
	Notes    []trail.Note    `json:"notes"`
}

type decisionDoc struct {
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// mattersDoc is the document "inwriting.matters/v1".
type mattersDoc struct {
	Schema  string      `json:"schema"`
	Matters []matterDoc `json:"matters"`
}

func newMatterDoc(m *catalog.Matter) matterDoc {
	d := matterDoc{Name: m.Name, Title: m.Title, Question: m.Question, Client: m.Client, State: "open", Opened: m.Opened, Reason: m.Reason,
		Pinned: []decisionDoc{}, LeftOut: []decisionDoc{}, Exhibits: []trail.Exhibit{}, Notes: []trail.Note{}}
	if !m.Closed.IsZero() {
		d.State, d.Closed = "closed", &m.Closed
	}
	for _, it := range m.Items {
		if x := (decisionDoc{it.ID, it.Reason, it.By, it.At}); it.Decision == catalog.Pinned {
			d.Pinned = append(d.Pinned, x)
		} else {
			d.LeftOut = append(d.LeftOut, x)
		}
	}
	for i, x := range m.Exhibits {
		d.Exhibits = append(d.Exhibits, trail.Exhibit{N: i + 1, Ref: x.Ref, Name: x.Name, Media: x.Media, Size: x.Size, Note: x.Note, By: x.By, At: x.At, LedgerIndex: x.Entry})
	}
	for _, n := range m.Notes {
		d.Notes = append(d.Notes, trail.Note(n))
	}
	return d
}

// matterName is what may stand in an address and after a verb.
var matterName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (s *service) catalog(fn func(*catalog.Catalog) error) error {
	return s.vault.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error { return fn(c) })
}

func (s *service) keptMatter(name string) (m *catalog.Matter, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		m, err = c.Matter(name)
		return err
	})
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, fmt.Errorf("matter %q: %w", name, errNoMatter)
	}
	return m, err
}

// by names who decides: the first of our addresses.
func (s *service) by() string {
	if us := s.peopleNow().Us; len(us) > 0 {
		return us[0]
	}
	return "us"
}

func (s *service) matter(ctx context.Context, args matterArgs) (any, error) {
	switch args.Do {
	case "list":
		return s.matters()
	case "new":
		return s.newMatter(args)
	}
	m, err := s.keptMatter(args.Name)
	if err != nil {
		return nil, err
	}
	switch args.Do {
	case "show":
	case "add":
		err = s.addToMatter(ctx, m, args)
	case "drop":
		err = s.dropFromMatter(ctx, m, args)
	case "note":
		err = s.vault.Decide(ledger.MatterNote{Matter: m.Name, Text: args.Reason, By: s.by()})
	case "close":
		var f ledger.Fact = ledger.MatterClosed{Matter: m.Name, Reason: args.Reason, By: s.by()}
		if args.Undo {
			f = ledger.MatterOpened{Matter: m.Name, Title: m.Title, Question: m.Question, Client: m.Client, By: s.by()}
		}
		err = s.vault.Decide(f)
	default:
		err = usage("matter %q: want new, list, add, drop, note or close", args.Do)
	}
	if err != nil {
		return nil, err
	}
	if m, err = s.keptMatter(m.Name); err != nil {
		return nil, err
	}
	d := newMatterDoc(m)
	d.Schema = "inwriting.matter/v1"
	return d, nil
}

func (s *service) matters() (*mattersDoc, error) {
	doc := &mattersDoc{Schema: "inwriting.matters/v1", Matters: []matterDoc{}}
	err := s.catalog(func(c *catalog.Catalog) error {
		list, err := c.Matters()
		if err != nil {
			return err
		}
		for _, m := range list {
			whole, err := c.Matter(m.Name)
			if err != nil {
				return err
			}
			doc.Matters = append(doc.Matters, newMatterDoc(whole))
		}
		return nil
	})
	return doc, err
}

// keptMatters are the matters as the pages list them.
func (s *service) keptMatters(context.Context) (out []web.Matter, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		list, err := c.Matters()
		for _, m := range list {
			state := ""
			if !m.Closed.IsZero() {
				state = "closed"
			}
			out = append(out, web.Matter{Name: m.Name, Title: m.Title, Question: m.Question, Client: m.Client, State: state, Kept: true})
		}
		return err
	})
	return out, err
}

func (s *service) newMatter(args matterArgs) (any, error) {
	if !matterName.MatchString(args.Name) || len(args.Name) > 80 || strings.HasPrefix(args.Name, "s-") || strings.HasPrefix(args.Name, "sha256-") {
		return nil, fmt.Errorf("matter %q: %w", args.Name, errMatterName)
	}
	if strings.TrimSpace(args.Question) == "" {
		return nil, fmt.Errorf("matter %q: %w", args.Name, errNoQuestion)
	}
	client, err := s.clientNamed(args.Client)
	if err != nil {
		return nil, err
	}
	switch _, err := s.keptMatter(args.Name); {
	case err == nil:
		return nil, fmt.Errorf("matter %q: %w", args.Name, errMatterExists)
	case !errors.Is(err, errNoMatter):
		return nil, err
	}
	if args.Title == "" {
		args.Title = args.Question
	}
	if err := s.vault.Decide(ledger.MatterOpened{Matter: args.Name, Title: args.Title, Question: args.Question, Client: client, By: s.by()}); err != nil {
		return nil, err
	}
	m, err := s.keptMatter(args.Name)
	if err != nil {
		return nil, err
	}
	d := newMatterDoc(m)
	d.Schema = "inwriting.matter/v1"
	return d, nil
}

// clientNamed finds a configured client by its name, in whatever case.
func (s *service) clientNamed(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	for _, c := range s.peopleNow().Clients {
		if strings.EqualFold(c.Name, name) {
			return c.Name, nil
		}
	}
	return "", fmt.Errorf("client %q: %w", name, errNoClient)
}

// itemID completes what somebody typed: a statement, a message, or an exhibit of
// the matter.
func (s *service) itemID(ctx context.Context, m *catalog.Matter, id string) (string, error) {
	if strings.HasPrefix(id, "s-") && !strings.Contains(id, "@") {
		st, err := s.Statement(ctx, id)
		if errors.Is(err, search.ErrNotFound) && slices.ContainsFunc(m.Items, func(it catalog.MatterItem) bool { return it.ID == id }) {
			return id, nil // read differently since
		}
		if err != nil {
			return "", err
		}
		return st.ID, nil
	}
	if hex, ok := strings.CutPrefix(id, "sha256-"); ok && len(hex) >= 6 {
		for _, x := range m.Exhibits {
			if strings.HasPrefix(x.Ref.Hex(), hex) {
				return x.Ref.String(), nil
			}
		}
	}
	doc, err := s.Message(ctx, id)
	if err != nil {
		return "", err
	}
	return doc.Message.Ref.String(), nil
}

func (s *service) itemIDs(ctx context.Context, m *catalog.Matter, items []string) ([]string, error) {
	ids := make([]string, len(items))
	for i, id := range items {
		var err error
		if ids[i], err = s.itemID(ctx, m, id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (s *service) addToMatter(ctx context.Context, m *catalog.Matter, args matterArgs) error {
	decision := catalog.Pinned
	if args.Undo {
		decision = ""
	}
	ids, err := s.itemIDs(ctx, m, args.Items)
	if err != nil {
		return err
	}
	for _, id := range ids {
		d := decision
		if slices.ContainsFunc(m.Exhibits, func(x catalog.Exhibit) bool { return x.Ref.String() == id }) {
			d = "" // an exhibit that is not left out is in
		}
		if err := s.vault.Decide(ledger.MatterItem{Matter: m.Name, Item: id, Decision: d, Reason: args.Reason, By: s.by()}); err != nil {
			return err
		}
	}
	for _, path := range args.Files {
		x, err := s.vault.AddExhibit(ctx, path, ledger.MatterExhibit{Matter: m.Name, Note: args.Reason, By: s.by()})
		if err != nil {
			return err
		}
		id := "sha256-" + x.Blob
		if !slices.ContainsFunc(m.Items, func(it catalog.MatterItem) bool { return it.ID == id }) {
			continue
		}
		// It was left out; whoever takes it in again wants it in.
		if err := s.vault.Decide(ledger.MatterItem{Matter: m.Name, Item: id, By: s.by()}); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) dropFromMatter(ctx context.Context, m *catalog.Matter, args matterArgs) error {
	decision := catalog.Excluded
	if args.Undo {
		decision = ""
	}
	ids, err := s.itemIDs(ctx, m, args.Items)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.vault.Decide(ledger.MatterItem{Matter: m.Name, Item: id, Decision: decision, Reason: args.Reason, By: s.by()}); err != nil {
			return err
		}
	}
	return nil
}

// correctArgs are the arguments of the action "correct".
type correctArgs struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Note string `json:"note"`
	Undo bool   `json:"undo"`
}

// correctDoc is the document "inwriting.correct/v1".
type correctDoc struct {
	Schema    string          `json:"schema"`
	Statement trail.Statement `json:"statement"`
}

func kindList() string {
	all := make([]string, len(statement.Kinds))
	for i, k := range statement.Kinds {
		all[i] = string(k)
	}
	return strings.Join(all, ", ")
}

func (s *service) correct(ctx context.Context, args correctArgs) (*correctDoc, error) {
	st, err := s.Statement(ctx, args.ID)
	if err != nil {
		return nil, err
	}
	was := st.Kind
	if st.Corrected != nil {
		was = st.Corrected.Was
	}
	switch {
	case args.Undo && st.Corrected == nil:
		return nil, fmt.Errorf("statement %q: %w", st.ID, errNotCorrected)
	case args.Undo:
		args.Kind = ""
	case args.Kind != string(statement.None) && !slices.Contains(statement.Kinds, statement.Kind(args.Kind)):
		return nil, fmt.Errorf("kind %q: %w", args.Kind, errNoKind)
	}
	if err := s.vault.Correct(ledger.Correction{Statement: st.ID, Blob: st.Message.Ref.Hex(), Was: string(was), Kind: args.Kind, Note: args.Note, By: s.by()}); err != nil {
		return nil, err
	}
	// The index is to find it under the kind in force at once.
	if err := s.read(ctx, func(any) {}); err != nil {
		return nil, err
	}
	if st, err = s.Statement(ctx, st.ID); err != nil {
		return nil, err
	}
	return &correctDoc{Schema: "inwriting.correct/v1", Statement: *st}, nil
}

// fileOrID sorts what "matter add" was given: ids as they are, files with their
// whole path. What looks like an id is one.
func fileOrID(args []string) (ids, files []string, err error) {
	for _, x := range args {
		if statementID.MatchString(x) || strings.HasPrefix(x, "sha256-") || strings.HasPrefix(x, "<") {
			ids = append(ids, x)
			continue
		}
		path, err := filepath.Abs(x)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, path)
	}
	return ids, files, nil
}

var statementID = regexp.MustCompile(`^s-[0-9a-z]{1,10}$`)
