// Package notify tells somebody outside that a mailbox is not read any more: a
// command, a webhook, or mail through a relay. What is told names the mailbox, its
// state, since when, and what to do; never anything that stands in a mail.
package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Trouble is what is told.
type Trouble struct {
	Mailbox string    `json:"mailbox"`
	State   string    `json:"state"` // as in coverage: "sign-in refused", "unreachable", "incomplete"; "up to date" when it is over
	Since   time.Time `json:"since"`
	Hint    string    `json:"hint,omitempty"`
	Over    bool      `json:"over"` // it is read again
}

// Way is a way to tell it. Tell has succeeded when somebody else has it.
type Way interface {
	Tell(context.Context, Trouble) error
}

// wait is how long a way may take.
const wait = 30 * time.Second

// Subject is a line that says it.
func (t Trouble) Subject() string {
	if t.Over {
		return fmt.Sprintf("inwriting reads %s again", t.Mailbox)
	}
	return fmt.Sprintf("inwriting cannot read %s: %s", t.Mailbox, t.State)
}

// Text says it in a few lines.
func (t Trouble) Text() string {
	if t.Over {
		return fmt.Sprintf("%s is read again. Since %s it was not; what came in the meantime is being collected.\n", t.Mailbox, t.Since.Format("2 January 2006 15:04 MST"))
	}
	text := fmt.Sprintf("%s has not been read since %s: %s.\n", t.Mailbox, t.Since.Format("2 January 2006 15:04 MST"), t.State)
	if t.Hint != "" {
		text += "\nWhat to do: " + t.Hint + "\n"
	}
	return text + "\nWhat is kept stays. Answers say that this mailbox is not complete.\n"
}

// Command is run by the shell, with the trouble in its environment and as JSON on
// its stdin.
type Command string

// Tell implements Way.
func (c Command) Tell(ctx context.Context, t Trouble) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, string(c))
	cmd.WaitDelay = time.Second
	cmd.Stdin = bytes.NewReader(append(b, '\n'))
	cmd.Env = append(withoutSecrets(os.Environ()), "INWRITING_MAILBOX="+t.Mailbox, "INWRITING_STATE="+t.State, "INWRITING_SINCE="+t.Since.Format(time.RFC3339), "INWRITING_HINT="+t.Hint, "INWRITING_SUBJECT="+t.Subject())
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		// The command itself may hold a secret, so it is not repeated.
		return fmt.Errorf("telling by command: %w: %.200q", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// withoutSecrets takes our own passwords out of an environment.
func withoutSecrets(environ []string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, "INWRITING_PASSWORD") })
}

// Webhook is an address that gets the JSON by POST.
type Webhook string

// Tell implements Way.
func (w Webhook) Tell(ctx context.Context, t Trouble) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	b, err := json.Marshal(struct {
		Schema string `json:"schema"`
		Text   string `json:"text"` // what most chat programs show
		Trouble
	}{"inwriting.trouble/v1", t.Subject(), t})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(w), bytes.NewReader(b))
	if err != nil {
		return errors.New("telling by webhook: the address is none") // it may hold a secret
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("telling by webhook at %s: %w", req.URL.Host, err)
	}
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("telling by webhook at %s: it answers %s", req.URL.Host, res.Status)
	}
	return nil
}

// Mail is a mail through a relay.
type Mail struct {
	From, To string
	Addr     string // host:port
	Security string // "tls", "starttls" or "insecure", the last on loopback only
	Username string // "" for a relay that wants none
	Password func(context.Context) (string, error)
	TLS      *tls.Config // nil: the system's roots
	Now      func() time.Time
}

// Tell implements Way.
func (m Mail) Tell(ctx context.Context, t Trouble) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := m.send(ctx, t); err != nil {
		return fmt.Errorf("telling by mail through %s: %w", m.Addr, err)
	}
	return nil
}

func (m Mail) send(ctx context.Context, t Trouble) error {
	host, _, err := net.SplitHostPort(m.Addr)
	if err != nil {
		return err
	}
	conf := &tls.Config{}
	if m.TLS != nil {
		conf = m.TLS.Clone()
	}
	conf.MinVersion = tls.VersionTLS12
	if conf.ServerName == "" {
		conf.ServerName = host
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if m.Security == "tls" {
		conn = tls.Client(conn, conf)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		conn.Close()
		return err
	}
	defer c.Close()
	if m.Security == "starttls" {
		if err := c.StartTLS(conf); err != nil {
			return err
		}
	}
	if m.Username != "" {
		password, err := m.Password(ctx)
		if err != nil {
			return err
		}
		// It refuses an unencrypted connection, but for loopback.
		if err := c.Auth(smtp.PlainAuth("", m.Username, password, host)); err != nil {
			return err
		}
	}
	if err := c.Mail(m.From); err != nil {
		return err
	}
	if err := c.Rcpt(m.To); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.message(t)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func (m Mail) message(t Trouble) []byte {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	_, domain, _ := strings.Cut(m.From, "@")
	var b bytes.Buffer
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, line(value)) }
	field("From", m.From)
	field("To", m.To)
	field("Subject", mime.QEncoding.Encode("utf-8", line(t.Subject())))
	field("Date", now().Format(time.RFC1123Z))
	field("Message-ID", "<"+rand.Text()+"@"+domain+">")
	field("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday notice answers
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "8bit")
	b.WriteString("\r\n" + strings.ReplaceAll(t.Text(), "\n", "\r\n"))
	return b.Bytes()
}

// line keeps a value from becoming two header fields.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}
