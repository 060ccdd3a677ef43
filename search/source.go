package search

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"inwriting/indexer/archive"
	"inwriting/indexer/textindex"
	"inwriting/search/query"
	"inwriting/search/trail"
)

// Source returns what trails are drawn from.
func (e *Engine) Source() trail.Source { return source{e} }

type source struct{ e *Engine }

// trailPatience is how many times as long a trail may search as a page of results:
// it is worked out once and remembered, and nothing may be missing from it.
const trailPatience = 10

// Search returns the messages of the nearest statements and then those that are near
// as a whole: mail with clients before any other, for a trail is about the work for
// them, and other mail may be many times as much. A trail decides itself what is near
// enough, so one word of the question suffices here for a statement.
func (s source) Search(ctx context.Context, question string, limit int) ([]archive.Ref, error) {
	q := query.Plain(question)
	if len(q.Words) == 0 || limit <= 0 {
		return nil, nil
	}
	said, whole := s.e.question(q, 1), s.e.question(q, least(len(q.Words)))
	asked := []textindex.Request{{Query: said, Statements: true, Limit: limit}, {Query: whole, Limit: limit}}
	if who := s.e.clients(); len(who.Addresses) > 0 {
		few := (limit + 3) / 4
		asked[0].Limit, asked[1].Limit = few, few
		asked = append([]textindex.Request{{Query: textindex.And{said, who}, Statements: true, Limit: limit}, {Query: textindex.And{whole, who}, Limit: limit}}, asked...)
	}
	found := make([][]archive.Ref, len(asked))
	g, ctx := errgroup.WithContext(ctx)
	for i, req := range asked {
		g.Go(func() error {
			res, err := s.e.find(ctx, trailPatience*s.e.opts.Timeout, req)
			if err != nil {
				return err
			}
			for _, h := range res.Hits {
				p, err := placeOf(h)
				if err != nil {
					return err
				}
				found[i] = append(found[i], p.Ref)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// clients are the addresses of all clients, as authors or readers.
func (e *Engine) clients() textindex.Who {
	who := textindex.Who{From: true, To: true}
	for _, c := range e.people.Clients {
		who.Addresses = append(who.Addresses, addressesOf(c)...)
	}
	return who
}

// Related implements trail.Source.
func (s source) Related(ctx context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error) {
	return s.e.store.Thread(ctx, refs, limit)
}

// Links tells why messages around refs hang together; see Store.Links.
func (s source) Links(ctx context.Context, refs []archive.Ref, limit int, visit func(msg, parent archive.Ref, thread bool, reason string)) error {
	return s.e.store.Links(ctx, refs, limit, visit)
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
