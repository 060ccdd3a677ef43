package access

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"inwriting/search/httpapi"
)

type key struct{}

// PersonOf returns who asks; nil where nobody has to sign in.
func PersonOf(ctx context.Context) *Person {
	p, _ := ctx.Value(key{}).(*Person)
	return p
}

// As returns a context in which p asks.
func As(ctx context.Context, p *Person) context.Context { return context.WithValue(ctx, key{}, p) }

// Cookie is the name of a session's cookie.
const Cookie = "inwriting"

// SessionCookie is a cookie for a session's secret; "" takes it back.
func SessionCookie(secret string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: Cookie, Value: secret, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife.Seconds())}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// open are the addresses that need no sign-in: the sign-in page with what it is
// made of, and whether the daemon lives.
func open(path string) bool {
	return path == "/sign-in" || path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/static/")
}

// Guard lets through who is signed in, by session or by token, and those whom
// the book does not ask to. A person without a session is sent to the sign-in
// page; a program gets a problem document.
func (b *Book) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			p := b.Bearer(token)
			switch {
			case p == nil:
				refuse(w, http.StatusUnauthorized, "bad-token", "This token is not known", "it may have been removed")
			case !p.May(scopeOf(r)):
				refuse(w, http.StatusForbidden, "scope", "The token is not for this", "it lacks the scope “"+string(scopeOf(r))+"”")
			default:
				next.ServeHTTP(w, r.WithContext(As(r.Context(), p)))
			}
			return
		}
		if c, err := r.Cookie(Cookie); err == nil {
			if p := b.Session(c.Value); p != nil {
				if !p.May(scopeOf(r)) {
					refuse(w, http.StatusForbidden, "not-yours", "Only an owner sees this", "sign in as an owner")
					return
				}
				next.ServeHTTP(w, r.WithContext(As(r.Context(), p)))
				return
			}
		}
		if open(r.URL.Path) || !b.Needed() {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			to := "/sign-in"
			if r.URL.Path != "/" {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="inwriting"`)
		refuse(w, http.StatusUnauthorized, "sign-in", "Sign in first", "this record is kept from those who are not signed in")
	})
}

func refuse(w http.ResponseWriter, status int, code, title, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	httpapi.WriteProblem(w, &httpapi.Problem{Code: code, Status: status, Exit: 2, Title: title, Detail: detail})
}

// scopeOf is the scope that a request needs.
func scopeOf(r *http.Request) Scope {
	switch {
	case r.URL.Path == "/metrics":
		return Metrics
	case strings.HasPrefix(r.URL.Path, "/bundle/"), r.URL.Path == "/api/v1/export":
		return Export
	}
	return Read
}

// From is the address that a request comes from.
func From(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
