package imapsync

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (d *dialer) login(ctx context.Context, s *session, e endpoint) error {
	user := d.account.Username
	if user == "" {
		user = d.account.Address
	}
	doing := fmt.Sprintf("logging in to %s as %q", e.addr, user)
	if s.caps == nil {
		if err := s.capability(); err != nil {
			return d.connErr(s, doing, err, "")
		}
	}
	if d.account.Password == nil {
		return d.err(ErrConfig, doing, errors.New("no password configured"), "")
	}
	pass, err := d.account.Password(ctx)
	if err != nil {
		return d.err(ErrConfig, doing, fmt.Errorf("password: %w", err), "")
	}
	var c condition
	how := "LOGIN"
	switch {
	case s.caps["AUTH=PLAIN"]:
		how = "AUTHENTICATE PLAIN"
		sasl := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + pass)) // RFC 4616 section 2
		a := arg{text: sasl, secret: true, answer: true}
		if s.caps["SASL-IR"] {
			a.answer = false
		}
		c, err = s.command("AUTHENTICATE", nil, arg{text: "PLAIN"}, a)
	case s.caps["LOGINDISABLED"]:
		return d.err(ErrAuth, doing, fmt.Errorf("the server takes no password here (it offers %s)", strings.Join(s.mechanisms(), ", ")),
			"the provider may want OAuth or an app password")
	default:
		p := astring(pass)
		p.secret = true
		c, err = s.command("LOGIN", nil, astring(user), p)
	}
	if err != nil {
		return d.connErr(s, doing, err, "")
	}
	if c.status != "OK" {
		d.event(EventRefused, "", doing+": "+c.text)
		if busy(c) || c.code == "UNAVAILABLE" { // RFC 5530: it passes
			return d.serverErr(ErrBusy, doing, c, "try again later")
		}
		return d.serverErr(ErrAuth, doing, c,
			"check username and password; many providers want an app password for IMAP")
	}
	s.info.User = user
	d.event(EventLogin, "", fmt.Sprintf("%s as %q with %s", e.addr, user, how))
	// RFC 9051 section 6.2.3: a login may change the capabilities.
	s.caps = nil
	if c.code == "CAPABILITY" {
		s.setCaps(c.arg)
	}
	return nil
}

// busy recognises a refusal that passes: RFC 5530 codes and the texts of
// Microsoft 365 and Gmail.
func busy(c condition) bool {
	switch c.code {
	case "INUSE", "LIMIT", "OVERQUOTA", "SERVERBUG", "THROTTLED":
		return true
	}
	t := strings.ToLower(c.text)
	for _, s := range []string{"throttl", "backoff time", "too many simultaneous", "temporarily unavailable", "bandwidth limit", "authenticated but not connected"} {
		if strings.Contains(t, s) {
			return true
		}
	}
	return false
}

func (s *session) mechanisms() []string {
	var m []string
	for c := range s.caps {
		if a, ok := strings.CutPrefix(c, "AUTH="); ok {
			m = append(m, a)
		}
	}
	slices.Sort(m)
	if len(m) == 0 {
		m = []string{"nothing else"}
	}
	return m
}
