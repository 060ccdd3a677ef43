package web

import (
	"errors"
	"net/http"
	"strings"

	"inwriting/search/access"
)

type signInView struct {
	Page  head
	Next  string
	Name  string
	Error string
}

// next is where a sign-in leads: an address of ours, never another's.
func next(r *http.Request) string {
	n := r.FormValue("next")
	if !strings.HasPrefix(n, "/") || strings.HasPrefix(n, "//") || strings.ContainsAny(n, "\\\r\n\t") {
		return "/"
	}
	return n
}

func (w *site) signIn(rw http.ResponseWriter, r *http.Request) {
	if access.PersonOf(r.Context()) != nil || !w.o.Access.Needed() {
		http.Redirect(rw, r, next(r), http.StatusSeeOther)
		return
	}
	v := signInView{Page: w.head(r, "Sign in"), Next: next(r)}
	v.Page.Outside, v.Page.Slim = true, true
	w.page(rw, r, http.StatusOK, "signin", v, nil)
}

func (w *site) signInSend(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 16<<10)
	name := strings.TrimSpace(r.PostFormValue("name"))
	secret, err := w.o.Access.SignIn(name, r.PostFormValue("password"), access.From(r))
	if err == nil {
		http.SetCookie(rw, access.SessionCookie(secret, r.TLS != nil))
		http.Redirect(rw, r, next(r), http.StatusSeeOther)
		return
	}
	v := signInView{Page: w.head(r, "Sign in"), Next: next(r), Name: clip(name, 64), Error: upper(err.Error()) + "."}
	v.Page.Outside, v.Page.Slim = true, true
	status := http.StatusUnauthorized
	switch {
	case errors.Is(err, access.ErrTooMany):
		status = http.StatusTooManyRequests
		rw.Header().Set("Retry-After", "900")
	case !errors.Is(err, access.ErrRefused):
		w.o.Logger.Error("signing in", "err", err)
		status, v.Error = http.StatusInternalServerError, "Nobody can sign in just now; the log says why."
	}
	w.page(rw, r, status, "signin", v, nil)
}

func (w *site) signOut(rw http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(access.Cookie); err == nil {
		w.o.Access.SignOut(c.Value)
	}
	http.SetCookie(rw, access.SessionCookie("", r.TLS != nil))
	http.Redirect(rw, r, "/sign-in", http.StatusSeeOther)
}

type settingsView struct {
	Page     head
	Settings []Setting
	People   []access.Person
	Tokens   []access.Token
	Signed   bool // somebody has to sign in
	Owner    bool
	Saved    bool
}

func (w *site) settings(rw http.ResponseWriter, r *http.Request) {
	v := settingsView{Page: w.head(r, "Settings"), Owner: mayChange(r.Context()), Saved: r.URL.Query().Get("saved") != ""}
	v.Page.Crumbs = []crumb{{"Matters", "/"}, {"Settings", ""}}
	w.corner(r.Context(), &v.Page)
	if v.Owner && w.o.Desk != nil {
		v.Settings = w.o.Desk.Settings(r.Context())
	}
	if v.Owner && w.o.Access != nil {
		var err error
		if v.People, err = w.o.Access.People(); err == nil {
			v.Tokens, err = w.o.Access.Tokens()
		}
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		v.Signed = len(v.People) > 0
	}
	w.page(rw, r, http.StatusOK, "settings", v, nil)
}

// setLook keeps in the browser how the pages look in it; it is nobody else's affair.
func (w *site) setLook(rw http.ResponseWriter, r *http.Request) {
	var parts []string
	if s := r.PostFormValue("scheme"); s == "light" || s == "dark" {
		parts = append(parts, s)
	}
	if r.PostFormValue("keys") == "" {
		parts = append(parts, "nokeys")
	}
	http.SetCookie(rw, &http.Cookie{Name: look, Value: strings.Join(parts, "."), Path: "/", MaxAge: 5 * 365 * 24 * 3600, SameSite: http.SameSiteStrictMode, HttpOnly: true, Secure: r.TLS != nil})
	http.Redirect(rw, r, "/settings?saved=1", http.StatusSeeOther)
}

type keyboardView struct{ Page head }

func (w *site) keyboard(rw http.ResponseWriter, r *http.Request) {
	v := keyboardView{w.head(r, "Keyboard")}
	v.Page.Slim = true
	v.Page.Crumbs = []crumb{{"Matters", "/"}, {"Keyboard", ""}}
	w.corner(r.Context(), &v.Page)
	w.page(rw, r, http.StatusOK, "keyboard", v, nil)
}
