package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"inwriting/search/access"
	"inwriting/search/trail"
)

// matters are those that are kept, newest first, and those known from the start, as
// far as whoever asks may see them.
func (w *site) matters(ctx context.Context) ([]Matter, error) {
	var all []Matter
	if w.o.Kept != nil {
		kept, err := w.o.Kept(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the matters: %w", err)
		}
		all = kept
	}
	for _, m := range w.o.Matters {
		if !slices.ContainsFunc(all, func(k Matter) bool { return k.Name == m.Name }) {
			all = append(all[:len(all):len(all)], m)
		}
	}
	if p := access.PersonOf(ctx); p != nil && len(p.Clients) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(m Matter) bool {
			return !slices.ContainsFunc(p.Clients, func(c string) bool { return strings.EqualFold(c, m.Client) })
		})
	}
	return all, nil
}

// newView is the form that keeps a question.
type newView struct {
	Page                  head
	Question, Title, Name string
	Client                string
	Error                 string
}

func (w *site) newMatter(rw http.ResponseWriter, r *http.Request) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	v := newView{Page: w.head(r, "New matter"), Question: q, Title: clip(upper(strings.TrimRight(q, "?! ")), 80), Name: shortName(q)}
	v.Page.Crumbs, v.Page.Slim = []crumb{{"Matters", "/"}, {"New matter", ""}}, true
	w.corner(r.Context(), &v.Page)
	w.page(rw, r, http.StatusOK, "new", v, nil)
}

// shortName proposes a name for an address: the words that are not everywhere.
func shortName(q string) string {
	var out []string
	for _, f := range strings.Split(slug(q), "-") {
		if len(f) > 3 && len(out) < 4 && !slices.Contains([]string{"what", "when", "which", "where", "that", "this", "with", "from", "want", "wanted", "about", "have", "were", "does"}, f) && ascii(f) {
			out = append(out, f)
		}
	}
	return strings.Join(out, "-")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 'z' || r < '0' })
}

func (w *site) keepMatter(rw http.ResponseWriter, r *http.Request) {
	m := Matter{Name: strings.TrimSpace(r.FormValue("name")), Title: strings.TrimSpace(r.FormValue("title")), Question: strings.TrimSpace(r.FormValue("question")), Client: strings.TrimSpace(r.FormValue("client"))}
	if err := w.o.Desk.Keep(r.Context(), m); err != nil {
		v := newView{Page: w.head(r, "New matter"), Question: m.Question, Title: m.Title, Name: m.Name, Client: m.Client, Error: upper(err.Error()) + "."}
		v.Page.Crumbs, v.Page.Slim = []crumb{{"Matters", "/"}, {"New matter", ""}}, true
		w.corner(r.Context(), &v.Page)
		w.page(rw, r, http.StatusUnprocessableEntity, "new", v, nil)
		return
	}
	http.Redirect(rw, r, "/m/"+url.PathEscape(m.Name), http.StatusSeeOther)
}

func (w *site) correct(rw http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	st, err := w.s.Statement(r.Context(), id)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	err = w.o.Desk.Correct(r.Context(), Correction{Statement: st.ID, Kind: r.FormValue("kind"), Note: strings.TrimSpace(r.FormValue("note")), Undo: r.FormValue("undo") != ""})
	if err != nil {
		w.refuse(rw, r, "The correction was not kept", err, messageURL(st.Message))
		return
	}
	http.Redirect(rw, r, messageURL(st.Message)+"#"+st.ID, http.StatusSeeOther)
}

func (w *site) demo(rw http.ResponseWriter, r *http.Request) {
	to, err := w.o.Desk.Demo(r.Context())
	if err != nil {
		w.refuse(rw, r, "The demo did not start", err, "/")
		return
	}
	// It answers on another port, and no form of a page leads to another origin.
	v := demoView{Page: w.head(r, "Demo"), URL: to}
	v.Page.BigBox, v.Page.Slim = true, true
	w.page(rw, r, http.StatusOK, "demo", v, nil)
}

type demoView struct {
	Page head
	URL  string
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
