package web

import (
	"net/http"
	"strings"

	"inwriting/search/trail"
)

type peopleView struct {
	Page   head
	Groups []peopleGroup
	List   []SuggestedPerson
	Error  string
	Form   Naming // as it was filled in
	Names  []string
}

type peopleGroup struct {
	Title   string
	Parties []peopleParty
}

type peopleParty struct {
	Name   string
	People []KnownPerson
}

// people shows who is who; nothing that the mail suggests counts before it is confirmed.
func (w *site) people(rw http.ResponseWriter, r *http.Request) {
	w.peoplePage(rw, r, http.StatusOK, peopleView{})
}

func (w *site) peoplePage(rw http.ResponseWriter, r *http.Request, status int, v peopleView) {
	v.Page = w.head(r, "People")
	v.Page.Nav = "mailboxes"
	v.Page.Crumbs = []crumb{{"Mailboxes", "/mailboxes"}, {"People", ""}}
	w.corner(r.Context(), &v.Page)
	boxes := w.o.Desk.Mailboxes()
	if boxes == nil {
		w.addMailbox(rw, r)
		return
	}
	all, err := boxes.People(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	for _, side := range []struct {
		title string
		role  trail.Role
	}{{"You", trail.Us}, {"Clients", trail.Client}, {"Third parties", trail.Other}} {
		g := peopleGroup{Title: side.title}
		for _, p := range all.Known {
			if p.Role != side.role {
				continue
			}
			if n := len(g.Parties); n == 0 || g.Parties[n-1].Name != p.Party {
				g.Parties = append(g.Parties, peopleParty{Name: p.Party})
				if p.Party != "" {
					v.Names = append(v.Names, p.Party)
				}
			}
			last := &g.Parties[len(g.Parties)-1]
			last.People = append(last.People, p)
		}
		v.Groups = append(v.Groups, g)
	}
	v.List = all.Suggested
	w.page(rw, r, status, "people", v, nil)
}

func (w *site) namePerson(rw http.ResponseWriter, r *http.Request) {
	boxes := w.o.Desk.Mailboxes()
	if boxes == nil {
		w.addMailbox(rw, r)
		return
	}
	n := Naming{ID: r.PostFormValue("id"), Who: strings.FieldsFunc(r.PostFormValue("who"), func(c rune) bool { return c == ' ' || c == ',' || c == '\n' || c == '\r' }),
		As: r.PostFormValue("as"), Name: strings.TrimSpace(r.PostFormValue("name"))}
	if err := boxes.Name(r.Context(), n); err != nil {
		w.peoplePage(rw, r, http.StatusUnprocessableEntity, peopleView{Error: sentence(err.Error()), Form: n})
		return
	}
	http.Redirect(rw, r, "/people", http.StatusSeeOther)
}
