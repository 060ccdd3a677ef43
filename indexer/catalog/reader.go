package catalog

import (
	"database/sql"
	"sync"
	"sync/atomic"
)

// reader asks in SQL. SQLite takes longer to translate most of our questions than to
// answer them: each is prepared once.
type reader struct {
	*sql.DB
	kept sync.Map // text to *sql.Stmt
	n    atomic.Int32
}

// mostKept bounds what is prepared: a list of addresses of another length is another
// question.
const mostKept = 200

func (r *reader) stmt(text string) (*sql.Stmt, error) {
	if s, ok := r.kept.Load(text); ok {
		return s.(*sql.Stmt), nil
	}
	if r.n.Load() >= mostKept {
		return nil, nil
	}
	s, err := r.Prepare(text)
	if err != nil {
		return nil, err
	}
	have, loaded := r.kept.LoadOrStore(text, s)
	if loaded {
		s.Close()
	} else {
		r.n.Add(1)
	}
	return have.(*sql.Stmt), nil
}

// Query is sql.DB.Query.
func (r *reader) Query(text string, args ...any) (*sql.Rows, error) {
	s, err := r.stmt(text)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return r.DB.Query(text, args...)
	}
	return s.Query(args...)
}

// QueryRow is sql.DB.QueryRow.
func (r *reader) QueryRow(text string, args ...any) *sql.Row {
	if s, err := r.stmt(text); err == nil && s != nil {
		return s.QueryRow(args...)
	}
	return r.DB.QueryRow(text, args...) // which tells what is wrong
}
