package imapsync

import (
	"bytes"
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
	var c condition
	var how string
	var err error
	if d.account.Token != nil {
		c, how, err = d.bearer(ctx, s, e, user, doing)
	} else {
		c, how, err = d.password(ctx, s, user, doing)
	}
	if err != nil {
		return err
	}
	if c.status != "OK" {
		d.event(EventRefused, "", doing+": "+c.text)
		if busy(c) || c.code == "UNAVAILABLE" || c.code == "SERVERBUG" { // RFC 5530: it passes
			return d.serverErr(ErrBusy, doing, c, busyHint(c))
		}
		hint := "check username and password; many providers want an app password for IMAP"
		if d.account.Token != nil {
			hint = "sign in again; if it stays so, the token may be for another service or this login may not use IMAP"
		}
		return d.serverErr(ErrAuth, doing, c, hint)
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

// password signs in with a password.
func (d *dialer) password(ctx context.Context, s *session, user, doing string) (c condition, how string, err error) {
	if d.account.Password == nil {
		return c, "", d.err(ErrConfig, doing, errors.New("no password configured"), "")
	}
	pass, err := d.account.Password(ctx)
	if err != nil {
		return c, "", d.err(ErrConfig, doing, fmt.Errorf("password: %w", err), "")
	}
	switch {
	case s.caps["AUTH=PLAIN"]:
		c, err = s.authenticate("PLAIN", "\x00"+user+"\x00"+pass) // RFC 4616 section 2
		how = "AUTHENTICATE PLAIN"
	case s.caps["LOGINDISABLED"]:
		return c, "", d.err(ErrAuth, doing, fmt.Errorf("the server takes no password here (it offers %s)", strings.Join(s.mechanisms(), ", ")),
			"the provider may want OAuth or an app password")
	default:
		p := astring(pass)
		p.secret = true
		c, err = s.command("LOGIN", nil, astring(user), p)
		how = "LOGIN"
	}
	if err != nil {
		err = d.connErr(s, doing, err, "")
	}
	return c, how, err
}

// bearer signs in with an access token (RFC 7628), in Google's older form where the
// server knows it, as most do.
func (d *dialer) bearer(ctx context.Context, s *session, e endpoint, user, doing string) (c condition, how string, err error) {
	token, err := d.account.Token(ctx)
	if err != nil {
		return c, "", d.err(ErrConfig, doing, fmt.Errorf("access token: %w", err), "")
	}
	switch {
	case s.caps["AUTH=XOAUTH2"]:
		c, err = s.authenticate("XOAUTH2", "user="+user+"\x01auth=Bearer "+token+"\x01\x01")
		how = "AUTHENTICATE XOAUTH2"
	case s.caps["AUTH=OAUTHBEARER"]:
		_, port, _ := strings.Cut(e.addr, e.host+":")
		port = strings.TrimPrefix(port, "]:")
		name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user) // RFC 5801 section 4, saslname
		c, err = s.authenticate("OAUTHBEARER", "n,a="+name+",\x01host="+e.host+"\x01port="+port+"\x01auth=Bearer "+token+"\x01\x01")
		how = "AUTHENTICATE OAUTHBEARER"
	default:
		return c, "", d.err(ErrAuth, doing, fmt.Errorf("the server takes no access token here (it offers %s)", strings.Join(s.mechanisms(), ", ")),
			"use a password for this mailbox")
	}
	if err != nil {
		err = d.connErr(s, doing, err, "")
	}
	return c, how, err
}

// authenticate runs AUTHENTICATE with one response of the client. What the server
// says of a refusal in a challenge becomes a part of its words.
func (s *session) authenticate(mechanism, answer string) (condition, error) {
	a := arg{text: base64.StdEncoding.EncodeToString([]byte(answer)), secret: true, answer: !s.caps["SASL-IR"]}
	said := ""
	c, err := s.command("AUTHENTICATE", func(r response) error {
		if text, ok := bytes.CutPrefix(r, []byte("+ ")); ok {
			if plain, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text))); err == nil && len(plain) > 0 {
				said = " " + strings.ToValidUTF8(string(plain), "\uFFFD")
			}
		}
		return nil
	}, arg{text: mechanism}, a)
	if c.status != "OK" {
		c.text += said
	}
	return c, err
}

// busy recognises a refusal that passes: RFC 5530 codes and the texts of
// Microsoft 365 and Gmail.
func busy(c condition) bool {
	switch c.code {
	case "INUSE", "LIMIT", "OVERQUOTA", "THROTTLED":
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

// busyHint is what people can do about it.
func busyHint(c condition) string {
	if strings.Contains(strings.ToLower(c.text), "authenticated but not connected") {
		return "it passes, as a rule; if it stays so for an hour, see whether this login may use IMAP in this mailbox"
	}
	return "try again later; what was collected is kept"
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
