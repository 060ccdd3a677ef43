package search

import (
	"context"
	"errors"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// matter returns the matter that a question names, nil when it names none.
func (s vaultSearcher) matter(question string) (m *catalog.Matter, err error) {
	name := strings.TrimSpace(question)
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return nil, nil
	}
	err = s.store().catalog(func(c *catalog.Catalog) error {
		m, err = c.Matter(name)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return m, err
}

func (s vaultSearcher) store() VaultStore { return VaultStore{s.v, s.counted} }

// matterTrail is the trail of a kept question, with what was decided about it.
func (s vaultSearcher) matterTrail(ctx context.Context, m *catalog.Matter, q TrailQuery) (*trail.Trail, error) {
	opts, err := s.engine().trailOptions(q)
	if err != nil {
		return nil, err
	}
	exhibits := map[string]bool{}
	for _, x := range m.Exhibits {
		exhibits[x.Ref.String()] = true
	}
	var left []trail.LeftOut
	gone := map[string]bool{} // exhibits that are left out
	for _, it := range m.Items {
		out := trail.LeftOut{Reason: it.Reason, By: it.By, At: it.At}
		item, err := s.item(it.ID)
		switch {
		case exhibits[it.ID] && it.Decision == catalog.Excluded:
			gone[it.ID] = true
			out.Ref = it.ID
			left = append(left, out)
			continue
		case errors.Is(err, ErrNotFound):
			out.Statement = it.ID
			if it.Decision == catalog.Pinned {
				out.Reason = "pinned, and not read as a statement any more"
			}
			left = append(left, out)
			continue
		case err != nil:
			return nil, err
		}
		if it.Decision == catalog.Pinned {
			opts.Pinned = append(opts.Pinned, item)
			continue
		}
		opts.Excluded = append(opts.Excluded, item)
		out.Statement, out.Ref = item.Statement, item.Ref.String()
		records, err := s.store().Records(ctx, []archive.Ref{item.Ref}, false)
		if err != nil {
			return nil, err
		}
		if records[0] != nil {
			out.Date = records[0].Date
		}
		left = append(left, out)
	}
	tr, err := s.engine().trail(ctx, m.Question, opts)
	if err != nil {
		return nil, err
	}
	tr.LeftOut = left
	tr.Matter = &trail.Matter{Name: m.Name, Title: m.Title, Client: m.Client, State: "open", Opened: m.Opened, Reason: m.Reason}
	if !m.Closed.IsZero() {
		tr.Matter.State, tr.Matter.Closed = "closed", &m.Closed
	}
	for _, n := range m.Notes {
		tr.Matter.Notes = append(tr.Matter.Notes, trail.Note(n))
	}
	for _, x := range m.Exhibits {
		if !gone[x.Ref.String()] {
			tr.Exhibits = append(tr.Exhibits, trail.Exhibit{N: len(tr.Exhibits) + 1, Ref: x.Ref, Name: x.Name, Media: x.Media, Size: x.Size, Note: x.Note, By: x.By, At: x.At, LedgerIndex: x.Entry})
		}
	}
	return tr, nil
}

// item is what a decision is about.
func (s vaultSearcher) item(id string) (it trail.Item, err error) {
	if strings.HasPrefix(id, "s-") {
		p, err := s.store().Place(context.Background(), id)
		return trail.Item{Ref: p.Ref, Statement: id}, err
	}
	it.Ref, err = archive.ParseRef(id)
	return it, err
}

// inForce puts what people read in the place of what the program read, and makes
// what it reads in the same way less sure.
func inForce(r *Record, corrections map[string]catalog.Correction, learned statement.Calibration) {
	for i := range r.Statements {
		s := &r.Statements[i]
		if k, ok := corrections[s.ID]; ok {
			s.Corrected = &trail.Correction{Kind: k.Kind, Was: s.Kind, Note: k.Note, By: k.By, At: k.At}
			s.Kind = k.Kind
			continue
		}
		learned.Adjust(&s.Statement)
	}
}

// learned is what a vault's corrections say of the program's readings.
func learned(corrections map[string]catalog.Correction) statement.Calibration {
	c := statement.Calibration{}
	for _, k := range corrections {
		if k.Kind != k.Was {
			c[k.Was]++
		}
	}
	return c
}
