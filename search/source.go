package search

import (
	"context"
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
// statement among them comes from: those of mail with clients before any other, for
// a trail is about the work for them, and other mail may be many times as much. A
// trail decides itself what is near enough, so one word of the question suffices here.
func (s source) Search(ctx context.Context, question string, limit int) ([]trail.Hit, error) {
	q := query.Plain(question)
	if len(q.Words) == 0 || limit <= 0 {
		return nil, nil
	}
	among := []textindex.Query{nil}
	if who := s.e.clients(); len(who.Addresses) > 0 {
		among = []textindex.Query{who, nil}
	}
	var hits []trail.Hit
	seen := map[archive.Ref]bool{}
	said := map[string]bool{}
	for i, who := range among {
		n := limit
		if i > 0 {
			n = (limit + 3) / 4
		}
		more, err := s.search(ctx, q, who, n)
		if err != nil {
			return nil, err
		}
		for _, h := range more {
			if h.Statement == "" && !seen[h.Ref] || h.Statement != "" && !said[h.Statement] {
				hits = append(hits, h)
			}
		}
		for _, h := range more {
			seen[h.Ref] = true
			said[h.Statement] = true
		}
	}
	return hits, nil
}

// clients are the addresses of all clients, as authors or readers.
func (e *Engine) clients() textindex.Who {
	who := textindex.Who{From: true, To: true}
	for _, c := range e.people.Clients {
		who.Addresses = append(who.Addresses, addressesOf(c)...)
	}
	return who
}

// search is Search among the mail of some people, or where who is nil among all.
func (s source) search(ctx context.Context, q query.Question, who textindex.Query, limit int) ([]trail.Hit, error) {
	with := func(tree textindex.Query) textindex.Query {
		if who == nil {
			return tree
		}
		return textindex.And{tree, who}
	}
	found, err := s.e.find(ctx, textindex.Request{Query: with(s.e.question(q, 1)), Statements: true, Limit: limit})
	if err != nil {
		return nil, err
	}
	var refs []archive.Ref
	places := make([]Place, len(found.Hits))
	for i, h := range found.Hits {
		if places[i], err = placeOf(h); err != nil {
			return nil, err
		}
		refs = append(refs, places[i].Ref)
	}
	records, err := s.e.records(ctx, refs, false)
	if err != nil {
		return nil, err
	}
	var hits []trail.Hit
	seen := map[archive.Ref]bool{}
	for i, p := range places {
		if r := records[p.Ref]; r != nil && p.N < len(r.Statements) {
			seen[p.Ref] = true
			hits = append(hits, trail.Hit{Ref: p.Ref, Statement: r.Statements[p.N].ID, Score: found.Hits[i].Score})
		}
	}
	messages, err := s.e.find(ctx, textindex.Request{Query: with(s.e.question(q, least(len(q.Words)))), Limit: limit})
	if err != nil {
		return nil, err
	}
	for _, h := range messages.Hits {
		p, err := placeOf(h)
		if err != nil {
			return nil, err
		}
		if !seen[p.Ref] && len(hits) < 2*limit {
			hits = append(hits, trail.Hit{Ref: p.Ref, Score: h.Score})
		}
	}
	return hits, nil
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
