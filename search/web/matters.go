package web

import (
	"context"
	"fmt"

	"inwriting/search/trail"
)

// matters are those that are kept, newest first, and those known from the start.
func (w *site) matters(ctx context.Context) ([]Matter, error) {
	if w.o.Kept == nil {
		return w.o.Matters, nil
	}
	kept, err := w.o.Kept(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the matters: %w", err)
	}
	for _, m := range w.o.Matters {
		known := false
		for _, k := range kept {
			known = known || k.Name == m.Name
		}
		if !known {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

// decidedView is what people decided about a trail.
type decidedView struct {
	State    string // of a matter that is closed
	LeftOut  []string
	Exhibits []outsideView
	Notes    []noteView
}

type outsideView struct{ Name, About, Ref string }

type noteView struct{ Text, When string }

func (w *site) decided(t *trail.Trail) decidedView {
	var v decidedView
	for _, x := range t.LeftOut {
		what := "A statement"
		switch {
		case x.Statement == "" && x.Date.IsZero():
			what = "An exhibit"
		case x.Statement == "":
			what = "A message"
		}
		if !x.Date.IsZero() {
			what += " of " + w.date(x.Date)
		}
		v.LeftOut = append(v.LeftOut, what+": "+x.Reason)
	}
	for _, x := range t.Exhibits {
		about := fmt.Sprintf("X%d, taken in %s", x.N, w.when(x.At))
		if x.Note != "" {
			about += ": " + x.Note
		}
		v.Exhibits = append(v.Exhibits, outsideView{x.Name, about, x.Ref.String()})
	}
	if m := t.Matter; m != nil {
		if m.Closed != nil {
			v.State = "Closed " + w.date(*m.Closed)
			if m.Reason != "" {
				v.State += ": " + m.Reason
			}
		}
		for _, n := range m.Notes {
			v.Notes = append(v.Notes, noteView{n.Text, w.when(n.At)})
		}
	}
	return v
}
