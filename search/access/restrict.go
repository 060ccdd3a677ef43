package access

import (
	"context"
	"fmt"
	"io"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/trail"
)

// Restrict returns s for people who see some clients only. Whatever is not with
// one of theirs is not found; a trail that draws on other mail is not shown in
// part, for half a trail would mislead. Others ask s as it is.
func Restrict(s search.Searcher) search.Searcher { return restricted{s} }

type restricted struct{ search.Searcher }

func clientsOf(ctx context.Context) []string {
	if p := PersonOf(ctx); p != nil {
		return p.Clients
	}
	return nil
}

func (r restricted) Search(ctx context.Context, q search.Query) (*search.Results, error) {
	mine := clientsOf(ctx)
	if len(mine) == 0 {
		return r.Searcher.Search(ctx, q)
	}
	var both []string
	for _, c := range mine {
		if len(q.Client) == 0 || contains(q.Client, c) {
			both = append(both, c)
		}
	}
	if q.Client = both; len(both) == 0 {
		return nil, search.ErrNotFound
	}
	return r.Searcher.Search(ctx, q)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// sees reports an error that is search.ErrNotFound unless all messages are with
// clients of whoever asks.
func (r restricted) sees(ctx context.Context, refs map[archive.Ref]bool) error {
	mine := clientsOf(ctx)
	if len(mine) == 0 {
		return nil
	}
	for ref := range refs {
		res, err := r.Searcher.Search(ctx, search.Query{Text: "ref:" + ref.String(), Client: mine, Messages: true, Limit: 1})
		if err != nil {
			return err
		}
		if res.Total == 0 {
			return fmt.Errorf("%w among the mail that you may see", search.ErrNotFound)
		}
	}
	return nil
}

func (r restricted) Message(ctx context.Context, id string) (*search.MessageDoc, error) {
	doc, err := r.Searcher.Message(ctx, id)
	if err == nil {
		err = r.sees(ctx, map[archive.Ref]bool{doc.Message.Ref: true})
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

func (r restricted) Statement(ctx context.Context, id string) (*trail.Statement, error) {
	st, err := r.Searcher.Statement(ctx, id)
	if err == nil {
		err = r.sees(ctx, map[archive.Ref]bool{st.Message.Ref: true})
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (r restricted) Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	if err := r.sees(ctx, map[archive.Ref]bool{ref: true}); err != nil {
		return nil, 0, err
	}
	return r.Searcher.Raw(ctx, ref)
}

func (r restricted) Trail(ctx context.Context, q search.TrailQuery) (*trail.Trail, error) {
	t, err := r.Searcher.Trail(ctx, q)
	if err != nil || len(clientsOf(ctx)) == 0 {
		return t, err
	}
	refs := map[archive.Ref]bool{}
	for _, e := range t.Entries {
		refs[e.Statement.Message.Ref] = true
	}
	for _, s := range t.Near {
		refs[s.Message.Ref] = true
	}
	if err := r.sees(ctx, refs); err != nil {
		return nil, err
	}
	return t, nil
}
