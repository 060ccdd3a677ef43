package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"inwriting/search/httpapi"
)

type addView struct {
	Page     head
	Address  string
	Server   string
	Username string
	Provider Provider
	Asked    bool   // the provider was looked up
	Client   string // the application, with a token
	Tenant   string
	Flow     string
	Issuer   string // of a token, where the table has none
	Error    string
	Hint     string
	Tried    *Tried
}

func (w *site) addView(r *http.Request) addView {
	v := addView{Page: w.head(r, "Add a mailbox"), Address: strings.ToLower(strings.TrimSpace(r.FormValue("address"))), Server: strings.TrimSpace(r.FormValue("server")), Username: strings.TrimSpace(r.FormValue("username")),
		Client: strings.TrimSpace(r.FormValue("client")), Tenant: strings.TrimSpace(r.FormValue("tenant")), Flow: r.FormValue("flow"), Issuer: strings.TrimSpace(r.FormValue("issuer"))}
	w.frameAdd(r, &v.Page)
	if v.Address == "" || !strings.Contains(v.Address, "@") || w.o.Desk.Mailboxes() == nil {
		return v
	}
	v.Asked = true
	v.Provider = w.o.Desk.Mailboxes().Ask(r.Context(), v.Address)
	if v.Client == "" {
		v.Client = v.Provider.Client
	}
	if v.Server == "" {
		v.Server = v.Provider.Server
	}
	return v
}

func (w *site) frameAdd(r *http.Request, h *head) {
	h.Nav, h.Slim = "mailboxes", true
	h.Crumbs = []crumb{{"Mailboxes", "/mailboxes"}, {h.Title, ""}}
	w.corner(r.Context(), h)
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

// signInMailbox begins a sign-in on the provider's page. The answer of a browser comes
// to a port of this computer, and from there back to the page of the sign-in.
func (w *site) signInMailbox(rw http.ResponseWriter, r *http.Request) {
	boxes := w.o.Desk.Mailboxes()
	if boxes == nil {
		w.addMailbox(rw, r)
		return
	}
	v := w.addView(r)
	m := NewMailbox{Address: v.Address, Server: v.Server, Username: v.Username, Password: r.PostFormValue("secret"), OAuth: v.Provider.OAuth, Client: v.Client, Tenant: v.Tenant, Flow: v.Flow}
	if v.Issuer != "" {
		m.OAuth = v.Issuer
	}
	if v.Address == "" || m.OAuth == "" || m.Client == "" {
		v.Error = "The sign-in needs the id of an application of yours."
		w.page(rw, r, http.StatusUnprocessableEntity, "add", v, nil)
		return
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	id, err := boxes.SignIn(r.Context(), m, func(id string) string { return scheme + r.Host + "/mailboxes/signin/" + id })
	if err != nil {
		w.refuse(rw, r, "The sign-in was not begun", err, "/mailboxes")
		return
	}
	http.Redirect(rw, r, "/mailboxes/signin/"+id, http.StatusSeeOther)
}

type signingView struct {
	Page head
	Signing
	Here  bool   // the page is open on the computer of inwriting
	Until string // when the code ends
	Again string // the form, as it was filled in
}

func (w *site) signing(rw http.ResponseWriter, r *http.Request) {
	boxes := w.o.Desk.Mailboxes()
	var s *Signing
	if boxes != nil {
		s = boxes.Signing(r.PathValue("id"))
	}
	if s == nil {
		w.problem(rw, r, &httpapi.Problem{Code: "no-such-signin", Status: http.StatusNotFound, Exit: 3, Title: "This sign-in is over", Detail: "it is kept for an hour; “Mailboxes” shows what came of it"})
		return
	}
	if s.State == "done" && s.Tried != nil && !wantsJSON(r) {
		v := addView{Page: w.head(r, "Signed in"), Address: s.Address, Tried: s.Tried}
		w.frameAdd(r, &v.Page)
		v.Page.Live = true
		w.page(rw, r, http.StatusOK, "added", v, nil)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip := net.ParseIP(host)
	v := signingView{Page: w.head(r, "Sign in with "+s.Provider), Signing: *s, Here: host == "localhost" || ip != nil && ip.IsLoopback()}
	w.frameAdd(r, &v.Page)
	v.Page.Soon = s.State == "waiting"
	if !s.Until.IsZero() {
		v.Until = s.Until.In(w.o.Location).Format("15:04")
	}
	q := url.Values{"address": {s.Address}, "server": {s.Asked.Server}, "username": {s.Asked.Username}, "client": {s.Asked.Client}, "tenant": {s.Asked.Tenant}, "flow": {s.Asked.Flow}}
	v.Again = "/mailboxes/add?" + q.Encode()
	v.Error, v.Hint = sentence(s.Error), sentence(s.Hint)
	w.page(rw, r, http.StatusOK, "signing", v, s)
}

// chooseMail limits a mailbox to the mail with some clients and third parties.
func (w *site) chooseMail(rw http.ResponseWriter, r *http.Request) {
	boxes := w.o.Desk.Mailboxes()
	if boxes == nil {
		w.addMailbox(rw, r)
		return
	}
	var names []string
	if r.FormValue("keep") == "only" {
		names = r.PostForm["only"]
		if len(names) == 0 {
			w.refuse(rw, r, "Nothing was changed", errors.New("nobody was chosen; choose somebody, or keep all mail"), "/mailboxes")
			return
		}
	}
	if err := boxes.Choose(r.Context(), r.PostFormValue("address"), names); err != nil {
		w.refuse(rw, r, "Nothing was changed", err, "/mailboxes")
		return
	}
	http.Redirect(rw, r, "/mailboxes", http.StatusSeeOther)
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
	if s == "" {
		return ""
	}
	if first, _, _ := strings.Cut(s, " "); !strings.Contains(first, "@") {
		s = upper(s)
	}
	return strings.TrimSuffix(s, ".") + "."
}
