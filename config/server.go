package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Security is how the connection to a server is protected.
type Security string

const (
	TLS      Security = "tls"      // from the first octet (RFC 8314)
	StartTLS Security = "starttls" // upgraded before anything is said (RFC 9051 section 6.2.1)
	Insecure Security = "insecure" // not at all; loopback only
)

// Server is where an IMAP server listens and how it is spoken to.
type Server struct {
	Security Security
	Host     string
	Port     int
}

// IsZero reports whether no server is named.
func (s Server) IsZero() bool { return s == Server{} }

// Addr returns "host:port" as net.Dial takes it.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// String returns the form that the file uses; ParseServer reads it back.
func (s Server) String() string {
	switch {
	case s.IsZero():
		return ""
	case s.Security == TLS:
		return s.Addr()
	}
	return string(s.Security) + "://" + s.Addr()
}

// MarshalText implements encoding.TextMarshaler.
func (s Server) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Server) UnmarshalText(b []byte) error {
	v, err := ParseServer(string(b))
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// ParseServer reads "host:port", "starttls://host:port" and, for loopback hosts
// alone, "insecure://host:port". A missing port is 993 for TLS and 143 else.
func ParseServer(s string) (Server, error) {
	v := Server{Security: TLS}
	rest := s
	if scheme, r, ok := strings.Cut(s, "://"); ok {
		rest = r
		switch scheme {
		case "tls":
		case "starttls":
			v.Security = StartTLS
		case "insecure":
			v.Security = Insecure
		default:
			return Server{}, fmt.Errorf("unknown scheme %q; write \"host:993\" for TLS or \"starttls://host:143\"", scheme)
		}
	}
	// Said without the value: what stands before the "@" is a password as likely as not.
	if strings.Contains(rest, "@") {
		return Server{}, errors.New("holds an \"@\"; give only host and port, and the user as username")
	}
	host, port := rest, ""
	if h, p, err := net.SplitHostPort(rest); err == nil {
		host, port = h, p
	} else if strings.Count(rest, ":") == 1 || strings.HasPrefix(rest, "[") && !strings.HasSuffix(rest, "]") {
		return Server{}, fmt.Errorf("%q is not host:port", s)
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	}
	if host == "" {
		return Server{}, fmt.Errorf("%q names no host", s)
	}
	if strings.ContainsAny(host, "/?#% \t\r\n\"\\[]") || !isHost(host) {
		return Server{}, fmt.Errorf("%q is not a host name", host)
	}
	v.Host = host
	switch {
	case port != "":
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Server{}, fmt.Errorf("port %q is not a number from 1 to 65535", port)
		}
		v.Port = int(n)
	case v.Security == TLS:
		v.Port = 993
	default:
		v.Port = 143
	}
	if v.Security == Insecure && !IsLoopback(host) {
		return Server{}, fmt.Errorf("without encryption the password and all mail would cross the network in the clear; "+
			"\"insecure://\" is only for loopback, and %q is not", host)
	}
	return v, nil
}

func isHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	if len(h) > 253 || strings.Contains(h, ":") {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f) {
				return false
			}
		}
	}
	return true
}

// IsLoopback accepts addresses of this machine and the one name that RFC 6761 section 6.3 keeps
// on the machine. Any other name would have to be looked up, and could move.
func IsLoopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Zone() == "" && a.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
