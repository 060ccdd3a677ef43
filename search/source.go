package search

import (
	"context"
	"fmt"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/textindex"
	"inwriting/search/query"
	"inwriting/search/trail"
)

// Source returns what trails are drawn from.
func (e *Engine) Source() trail.Source { return source{e} }

type source struct{ e *Engine }

// Search returns statements, nearest first, and then the messages that no
// statement among them comes from. A trail decides itself what is near enough, so
// one word of the question suffices here.
func (s source) Search(ctx context.Context, question string, limit int) ([]trail.Hit, error) {
	q := query.Plain(question)
	if len(q.Words) == 0 || limit <= 0 {
		return nil, nil
	}
	tree := s.e.question(q, 1)
	found, err := s.e.find(ctx, textindex.Request{Query: tree, Statements: true, Limit: limit})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found.Hits))
	for i, h := range found.Hits {
		ids[i] = h.ID
	}
	places, err := s.e.store.Places(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("placing %d statements: %w", len(ids), err)
	}
	var hits []trail.Hit
	seen := map[archive.Ref]bool{}
	for i, h := range found.Hits {
		if ref := places[i].Ref; !ref.IsZero() {
			seen[ref] = true
			hits = append(hits, trail.Hit{Ref: ref, Statement: h.ID, Score: h.Score})
		}
	}
	messages, err := s.e.find(ctx, textindex.Request{Query: s.e.question(q, least(len(q.Words))), Limit: limit})
	if err != nil {
		return nil, err
	}
	for _, h := range messages.Hits {
		ref, err := archive.ParseRef(h.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		if !seen[ref] && len(hits) < 2*limit {
			hits = append(hits, trail.Hit{Ref: ref, Score: h.Score})
		}
	}
	return hits, nil
}

// Related implements trail.Source.
func (s source) Related(ctx context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error) {
	return s.e.store.Thread(ctx, refs, limit)
}

// Between implements trail.Source.
func (s source) Between(ctx context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error) {
	return s.e.store.Between(ctx, addresses, from, to, limit)
}

// Records implements trail.Source.
func (s source) Records(ctx context.Context, refs []archive.Ref) ([]*trail.Record, error) {
	list, err := s.e.records(ctx, refs, false)
	if err != nil {
		return nil, err
	}
	out := make([]*trail.Record, 0, len(list))
	seen := map[archive.Ref]bool{}
	for _, ref := range refs {
		if r := list[ref]; r != nil && !seen[ref] {
			seen[ref] = true
			out = append(out, s.e.trailRecord(r))
		}
	}
	return out, nil
}
