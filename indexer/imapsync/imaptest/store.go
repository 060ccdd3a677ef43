package imaptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"crypto/sha256"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
)

// Store is an imapsync.Store in memory. It checks what the interface promises
// and keeps breaches in Problems.
type Store struct {
	mu       sync.Mutex
	folders  map[string]*MemFolder
	clean    map[string]imapsync.CleanState
	problems []string

	Events []Event
	// Fail, when set, is asked before each Accept and its error returned.
	Fail func(folder string, uid uint32) error
	// OnAccept is called after each Accept, outside the lock.
	OnAccept func(folder string, uid uint32)
	// Octets, when set, is given each message that is accepted.
	Octets func(folder string, uid uint32, octets []byte)
}

// Event is one recorded event.
type Event struct{ Kind, Folder, Detail string }

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{folders: map[string]*MemFolder{}, clean: map[string]imapsync.CleanState{}}
}

// MemFolder is one folder with its epochs.
type MemFolder struct {
	store  *Store
	info   imapsync.FolderInfo
	epochs []*epoch // the last one is open
}

type epoch struct {
	f           *MemFolder
	uidValidity uint32
	rows        map[uint32]*memRow
	pending     []uint32 // accepted, not flushed
	closed      bool
}

type memRow struct {
	imapsync.Known
	refs []archive.Ref // of every version stored under the UID
}

func (s *Store) problem(format string, a ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, a...))
}

// Problems returns the breaches of the contract so far.
func (s *Store) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Rows returns the rows of the open epoch of a folder with what was stored.
func (s *Store) Rows(folder string) map[uint32]imapsync.Known {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[uint32]imapsync.Known{}
	if f := s.folders[folder]; f != nil {
		for u, r := range f.open().rows {
			out[u] = r.Known
		}
	}
	return out
}

// Refs returns the content stored under each UID of the open epoch, oldest
// version first.
func (s *Store) Refs(folder string) map[uint32][]archive.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[uint32][]archive.Ref{}
	if f := s.folders[folder]; f != nil {
		for u, r := range f.open().rows {
			if len(r.refs) > 0 {
				out[u] = slices.Clone(r.refs)
			}
		}
	}
	return out
}

// Epochs returns the UIDVALIDITY values of a folder, the open one last.
func (s *Store) Epochs(folder string) []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint32
	if f := s.folders[folder]; f != nil {
		for _, e := range f.epochs {
			out = append(out, e.uidValidity)
		}
	}
	return out
}

// Kinds returns how often each kind of event was recorded.
func (s *Store) Kinds() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for _, e := range s.Events {
		out[e.Kind]++
	}
	return out
}

// MakeDue lets every quarantined row be tried again.
func (s *Store) MakeDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.folders {
		for _, r := range f.open().rows {
			r.Due = r.State == imapsync.Quarantined
		}
	}
}

// Folders implements imapsync.Store.
func (s *Store) Folders(_ context.Context, all []imapsync.FolderInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for _, f := range all {
		if names[f.Name] {
			s.problem("Folders: %q twice", f.Name)
		}
		names[f.Name] = true
	}
	return nil
}

// Folder implements imapsync.Store.
func (s *Store) Folder(_ context.Context, info imapsync.FolderInfo, uidValidity uint32) (imapsync.Folder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uidValidity == 0 {
		s.problem("Folder %q: UIDVALIDITY 0", info.Name)
	}
	f := s.folders[info.Name]
	if f == nil {
		f = &MemFolder{store: s}
		s.folders[info.Name] = f
	}
	f.info = info
	if len(f.epochs) == 0 || f.open().uidValidity != uidValidity {
		if len(f.epochs) > 0 {
			f.open().closed = true
		}
		f.epochs = append(f.epochs, &epoch{f: f, uidValidity: uidValidity, rows: map[uint32]*memRow{}})
	}
	return f.open(), nil
}

func (f *MemFolder) open() *epoch { return f.epochs[len(f.epochs)-1] }

// LastClean implements imapsync.Store.
func (s *Store) LastClean(_ context.Context, name string) (imapsync.CleanState, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clean[name]
	if f := s.folders[name]; f != nil {
		for _, r := range f.open().rows {
			if r.State == imapsync.Listed || r.State == imapsync.Quarantined && r.Due || r.Missed != "" && r.State != imapsync.Vanished {
				c.Pending++
			}
		}
	}
	return c, ok, nil
}

// Event implements imapsync.Store.
func (s *Store) Event(_ context.Context, kind, folder, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Events = append(s.Events, Event{kind, folder, detail})
}

// Known implements imapsync.Folder.
func (e *epoch) Known(context.Context) iter.Seq2[imapsync.Known, error] {
	e.f.store.mu.Lock()
	defer e.f.store.mu.Unlock()
	if len(e.pending) > 0 {
		e.f.store.problem("Known of %q with %d messages not flushed", e.f.info.Name, len(e.pending))
	}
	var rows []imapsync.Known
	for _, u := range slices.Sorted(maps.Keys(e.rows)) {
		rows = append(rows, e.rows[u].Known)
	}
	return func(yield func(imapsync.Known, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// List implements imapsync.Folder.
func (e *epoch) List(_ context.Context, uids []imapsync.ListedMessage) error {
	s := e.f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	e.usable("List")
	for _, m := range uids {
		if m.UID == 0 {
			s.problem("List: UID 0 in %q", e.f.info.Name)
		}
		r := e.rows[m.UID]
		if r == nil {
			r = &memRow{}
			e.rows[m.UID] = r
		}
		r.Known = imapsync.Known{UID: m.UID, State: imapsync.Listed, Size: m.Size, InternalDate: m.InternalDate, Flags: slices.Clone(m.Flags)}
	}
	return nil
}

func (e *epoch) usable(what string) {
	if e.closed {
		e.f.store.problem("%s on the closed epoch %d of %q", what, e.uidValidity, e.f.info.Name)
	}
}

// Accept implements imapsync.Folder.
func (e *epoch) Accept(ctx context.Context, m imapsync.Accepted) error {
	defer m.Blob.Discard()
	s := e.f.store
	if s.Fail != nil {
		if err := s.Fail(e.f.info.Name, m.UID); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := m.Blob.Open()
	if err != nil {
		return err
	}
	h := sha256.New()
	var octets bytes.Buffer
	to := io.Writer(h)
	if s.Octets != nil {
		to = io.MultiWriter(h, &octets)
	}
	n, err := io.Copy(to, r)
	r.Close()
	if err != nil {
		return err
	}
	if s.Octets != nil {
		s.Octets(e.f.info.Name, m.UID, octets.Bytes())
	}
	s.mu.Lock()
	e.usable("Accept")
	row := e.rows[m.UID]
	switch {
	case row == nil:
		s.problem("Accept: UID %d of %q was never listed", m.UID, e.f.info.Name)
		row = &memRow{Known: imapsync.Known{UID: m.UID}}
		e.rows[m.UID] = row
	case row.State == imapsync.Stored:
		s.problem("Accept: UID %d of %q twice", m.UID, e.f.info.Name)
	}
	if n != m.Blob.Size() || archive.Ref(h.Sum(nil)) != m.Blob.Ref() {
		s.problem("Accept: UID %d of %q: blob is not what its ref says", m.UID, e.f.info.Name)
	}
	row.State, row.Due = imapsync.Stored, false
	if m.Flags != nil {
		row.Flags = slices.Clone(m.Flags)
	}
	row.refs = append(row.refs, m.Blob.Ref())
	e.pending = append(e.pending, m.UID)
	s.mu.Unlock()
	if s.OnAccept != nil {
		s.OnAccept(e.f.info.Name, m.UID)
	}
	return nil
}

// Flush implements imapsync.Folder.
func (e *epoch) Flush(ctx context.Context) error {
	e.f.store.mu.Lock()
	defer e.f.store.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	e.pending = nil
	return nil
}

// Flags implements imapsync.Folder.
func (e *epoch) Flags(_ context.Context, changes []imapsync.FlagChange) error {
	s := e.f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		r := e.rows[c.UID]
		if r == nil || r.State != imapsync.Stored {
			s.problem("Flags: UID %d of %q is not stored", c.UID, e.f.info.Name)
			continue
		}
		r.Flags = slices.Clone(c.Flags)
	}
	return nil
}

// Enumerated implements imapsync.Folder.
func (e *epoch) Enumerated(_ context.Context, x imapsync.Enumeration) (int, error) {
	s := e.f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	e.usable("Enumerated")
	if x.Session == "" {
		s.problem("Enumerated: no session")
	}
	missing := map[uint32]bool{}
	for _, u := range x.Missing {
		missing[u] = true
	}
	gone := 0
	for u, r := range e.rows {
		switch {
		case !missing[u]:
			r.Missed = ""
		case r.State == imapsync.Vanished:
		case r.Missed == "":
			r.Missed = x.Session
		case r.Missed != x.Session:
			r.State = imapsync.Vanished
			gone++
		}
	}
	return gone, nil
}

// Quarantine implements imapsync.Folder.
func (e *epoch) Quarantine(_ context.Context, uid uint32, why string) error {
	s := e.f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	r := e.rows[uid]
	if r == nil || r.State != imapsync.Listed && r.State != imapsync.Quarantined {
		s.problem("Quarantine: UID %d of %q is neither listed nor quarantined", uid, e.f.info.Name)
		return nil
	}
	r.State, r.Due = imapsync.Quarantined, false
	r.Tries++
	return nil
}

// Clean implements imapsync.Folder.
func (e *epoch) Clean(_ context.Context, c imapsync.CleanState) error {
	s := e.f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	e.usable("Clean")
	if len(e.pending) > 0 {
		s.problem("Clean of %q with %d messages not flushed", e.f.info.Name, len(e.pending))
	}
	for u, r := range e.rows {
		if r.State == imapsync.Listed {
			s.problem("Clean of %q with UID %d listed", e.f.info.Name, u)
		}
		if r.Missed != "" && r.State != imapsync.Vanished {
			s.problem("Clean of %q with UID %d missed", e.f.info.Name, u)
		}
	}
	if c.UIDValidity != e.uidValidity || c.At.IsZero() || c.LastAudit.IsZero() || c.LastAudit.After(time.Now().Add(time.Hour*24*365)) {
		s.problem("Clean of %q: %+v", e.f.info.Name, c)
	}
	s.clean[e.f.info.Name] = c
	return nil
}

// ErrFull is a disk without room, for Store.Fail.
var ErrFull = errors.New("no space left on device")

var (
	_ imapsync.Store  = (*Store)(nil)
	_ imapsync.Folder = (*epoch)(nil)
)
