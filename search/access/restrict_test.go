package access

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/trail"
)

// shelf has two messages, one with each of two clients.
type shelf struct{ search.Searcher }

var (
	hales = archive.Ref{1}
	falks = archive.Ref{2}
	owner = map[string]string{hales.String(): "Hale", falks.String(): "Falk"}
)

func (shelf) Search(_ context.Context, q search.Query) (*search.Results, error) {
	r := &search.Results{}
	for ref, client := range owner {
		if (len(q.Client) == 0 || contains(q.Client, client)) && (q.Text == "" || strings.Contains(q.Text, ref)) {
			r.Total++
		}
	}
	return r, nil
}

func (shelf) Message(_ context.Context, id string) (*search.MessageDoc, error) {
	ref, err := archive.ParseRef(id)
	return &search.MessageDoc{Message: trail.MessageInfo{Ref: ref}}, err
}

func (shelf) Raw(context.Context, archive.Ref) (io.ReadCloser, int64, error) {
	return io.NopCloser(strings.NewReader("x")), 1, nil
}

func (shelf) Trail(_ context.Context, q search.TrailQuery) (*trail.Trail, error) {
	t := &trail.Trail{}
	for i, ref := range []archive.Ref{hales, falks} {
		if q.Question == "both" || q.Question == owner[ref.String()] {
			t.Entries = append(t.Entries, trail.Entry{N: i + 1, Statement: trail.Statement{Message: trail.MessageInfo{Ref: ref}}})
		}
	}
	return t, nil
}

func TestRestrict(t *testing.T) {
	s := Restrict(shelf{})
	all := context.Background()
	some := As(all, &Person{Name: "ben", Role: Reviewer, Clients: []string{"hale"}})
	for _, tt := range []struct {
		what string
		ctx  context.Context
		do   func(context.Context) error
		want error
	}{
		{"a message of another client", some, func(c context.Context) error { _, err := s.Message(c, falks.String()); return err }, search.ErrNotFound},
		{"a message of theirs", some, func(c context.Context) error { _, err := s.Message(c, hales.String()); return err }, nil},
		{"octets of another client's", some, func(c context.Context) error { _, _, err := s.Raw(c, falks); return err }, search.ErrNotFound},
		{"a trail across clients", some, func(c context.Context) error { _, err := s.Trail(c, search.TrailQuery{Question: "both"}); return err }, search.ErrNotFound},
		{"a trail of theirs", some, func(c context.Context) error { _, err := s.Trail(c, search.TrailQuery{Question: "Hale"}); return err }, nil},
		{"another client by name", some, func(c context.Context) error {
			_, err := s.Search(c, search.Query{Client: []string{"Falk"}})
			return err
		}, search.ErrNotFound},
		{"everything, unrestricted", all, func(c context.Context) error { _, err := s.Message(c, falks.String()); return err }, nil},
	} {
		if err := tt.do(tt.ctx); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, err, tt.want)
		}
	}
	r, err := s.Search(some, search.Query{})
	if err != nil || r.Total != 1 {
		t.Errorf("a search found %v (%v), want theirs alone", r, err)
	}
}
