package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Loopback guards what is served on a loopback TCP port. Whoever can reach the
// port is let in, so two ways in from a browser are shut: a page of another
// site whose name was pointed at 127.0.0.1 (a foreign Host is refused), and
// one that sends a form here (http.CrossOriginProtection). addr is the
// listener's address. A unix socket needs neither.
func Loopback(addr net.Addr, next http.Handler) http.Handler {
	port := ""
	if t, ok := addr.(*net.TCPAddr); ok {
		port = strconv.Itoa(t.Port)
	}
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours(r.Host, port) {
			h := w.Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "no-store")
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Frame-Options", "DENY")
			WriteProblem(w, &Problem{Code: "foreign-host", Status: http.StatusMisdirectedRequest, Exit: 2, Title: "Foreign host",
				Detail: fmt.Sprintf("this is not %.100q: open it as http://127.0.0.1:%s", r.Host, port)})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a Host field names this listener: a loopback address or
// "localhost", with its port. Port 80 may go without (RFC 9110 section 7.2).
func ours(host, port string) bool {
	name, p, err := net.SplitHostPort(host)
	if err != nil {
		name, p = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
	}
	if p != port {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Zone() == "" && a.Unmap().IsLoopback()
}
