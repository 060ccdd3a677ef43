package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Hosts guards what is served on a TCP port. Two ways in from a browser are shut: a
// page of another site whose name was pointed here (a Host that is none of names,
// nor this listener's own address, is refused), and one that sends a form here
// (http.CrossOriginProtection). addr is the listener's address. A unix socket
// needs neither.
func Hosts(addr net.Addr, names []string, next http.Handler) http.Handler {
	port := ""
	if t, ok := addr.(*net.TCPAddr); ok {
		port = strconv.Itoa(t.Port)
	}
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours(r.Host, port) && !named(r.Host, names) && !itself(r) {
			h := w.Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "no-store")
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Frame-Options", "DENY")
			open := "http://127.0.0.1:" + port
			if len(names) > 0 {
				open = "https://" + names[0]
			}
			WriteProblem(w, &Problem{Code: "foreign-host", Status: http.StatusMisdirectedRequest, Exit: 2, Title: "Foreign host",
				Detail: fmt.Sprintf("this is not %.100q: open it as %s", r.Host, open)})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// named reports whether a Host field is one of names, on whatever port: a proxy may
// stand in front.
func named(host string, names []string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// itself reports whether a Host field is the address that the connection came to: a
// name that was pointed here is never one.
func itself(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	t, ok := local.(*net.TCPAddr)
	if !ok || t.IP.IsLoopback() {
		return false
	}
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = strings.Trim(r.Host, "[]")
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap() == t.AddrPort().Addr().Unmap().WithZone("")
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
