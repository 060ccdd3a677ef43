package web

import (
	"fmt"
	"net/http"
	"strings"
)

type addView struct {
	Page     head
	Address  string
	Server   string
	Username string
	Provider Provider
	Asked    bool // the provider was looked up
	Again    bool // a mailbox that is there already gets a new password
	Error    string
	Hint     string
	Tried    *Tried
}

func (w *site) addView(r *http.Request) addView {
	v := addView{Page: w.head(r, "Add a mailbox"), Address: strings.ToLower(strings.TrimSpace(r.FormValue("address"))), Server: strings.TrimSpace(r.FormValue("server")), Username: strings.TrimSpace(r.FormValue("username"))}
	v.Page.Nav, v.Page.Slim = "mailboxes", true
	v.Page.Crumbs = []crumb{{"Mailboxes", "/mailboxes"}, {"Add a mailbox", ""}}
	w.corner(r.Context(), &v.Page)
	if v.Address == "" || !strings.Contains(v.Address, "@") || w.o.Desk.Mailboxes() == nil {
		return v
	}
	v.Asked = true
	v.Provider = w.o.Desk.Mailboxes().Ask(r.Context(), v.Address)
	if v.Server == "" {
		v.Server = v.Provider.Server
	}
	return v
}

func (w *site) addMailbox(rw http.ResponseWriter, r *http.Request) {
	if w.o.Desk.Mailboxes() == nil {
		w.refuse(rw, r, "Mailboxes are not added here", fmt.Errorf("the configuration was given in a way that this program does not change; “inwriting mailbox add” says more"), "/mailboxes")
		return
	}
	w.page(rw, r, http.StatusOK, "add", w.addView(r), nil)
}

// addMailboxSend tries a mailbox, and keeps it when it opens. The password is in
// no page and no log.
func (w *site) addMailboxSend(rw http.ResponseWriter, r *http.Request) {
	boxes := w.o.Desk.Mailboxes()
	if boxes == nil {
		w.addMailbox(rw, r)
		return
	}
	v := w.addView(r)
	m := NewMailbox{Address: v.Address, Server: v.Server, Username: v.Username, Password: r.PostFormValue("password")}
	tried, err := boxes.Add(r.Context(), m)
	if err != nil {
		v.Error = sentence(err.Error())
		if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
			v.Hint = sentence(h.Hint())
		}
		w.page(rw, r, http.StatusUnprocessableEntity, "add", v, nil)
		return
	}
	v.Tried = tried
	v.Page.Live, v.Page.Refresh = true, false
	w.page(rw, r, http.StatusOK, "added", v, nil)
}

func (w *site) checkArchive(rw http.ResponseWriter, r *http.Request) {
	if err := w.o.Desk.Check(r.Context()); err != nil {
		w.refuse(rw, r, "The archive was not checked", err, "/mailboxes")
		return
	}
	http.Redirect(rw, r, "/mailboxes#archive", http.StatusSeeOther)
}

// sentence makes one of an error's words; an address at its beginning stays as it is.
func sentence(s string) string {
	if first, _, _ := strings.Cut(s, " "); !strings.Contains(first, "@") {
		s = upper(s)
	}
	return strings.TrimSuffix(s, ".") + "."
}
