package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var trouble = Trouble{Mailbox: "nora@deskandco.example", State: "sign-in refused", Since: time.Date(2023, 3, 9, 14, 2, 0, 0, time.UTC), Hint: "inwriting mailbox login nora@deskandco.example"}

func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := Command(`cat > "`+out+`"; echo "$INWRITING_MAILBOX $INWRITING_STATE" >> "`+out+`"`).Tell(t.Context(), trouble); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	doc, rest, _ := strings.Cut(string(b), "\n")
	var got Trouble
	if err := json.Unmarshal([]byte(doc), &got); err != nil || got != trouble || rest != "nora@deskandco.example sign-in refused\n" {
		t.Errorf("%v: %s", err, b)
	}
	err = Command("echo no such door >&2; exit 3 # hunter2").Tell(t.Context(), trouble)
	if err == nil || !strings.Contains(err.Error(), "no such door") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a command that fails: %v", err)
	}
	t.Setenv("INWRITING_PASSWORD_NORA_DESKANDCO_EXAMPLE", "hunter2")
	if err := Command("! env | grep -q hunter2").Tell(t.Context(), trouble); err != nil {
		t.Errorf("a command is given our passwords: %v", err)
	}
}

func TestWebhook(t *testing.T) {
	status := 200
	var got []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	if err := Webhook(srv.URL+"/hunter2").Tell(t.Context(), trouble); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), `"schema":"inwriting.trouble/v1"`) || !strings.Contains(string(got), `"text":"inwriting cannot read nora@deskandco.example: sign-in refused"`) {
		t.Errorf("%s", got)
	}
	for _, status = range []int{404, 302} {
		if err := Webhook(srv.URL+"/hunter2").Tell(t.Context(), trouble); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%d: %v", status, err)
		}
	}
	srv.Close()
	if err := Webhook(srv.URL+"/hunter2").Tell(t.Context(), trouble); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("nobody there: %v", err)
	}
}

// relay is an SMTP server that keeps one mail.
func relay(t *testing.T, auth string) (addr string, got <-chan string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c := make(chan string, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		say := func(s string) { io.WriteString(conn, s+"\r\n") }
		say("220 relay.example ESMTP")
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb, _, _ := strings.Cut(strings.TrimSpace(l), " "); strings.ToUpper(verb) {
			case "EHLO":
				say("250-relay.example")
				say("250 AUTH PLAIN")
			case "AUTH":
				if strings.TrimSpace(l) != auth {
					say("535 no")
					continue
				}
				say("235 ok")
			case "DATA":
				say("354 go on")
				var b strings.Builder
				for {
					l, err := r.ReadString('\n')
					if err != nil || l == ".\r\n" {
						break
					}
					b.WriteString(l)
				}
				c <- b.String()
				say("250 kept")
			case "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return ln.Addr().String(), c
}

func TestMail(t *testing.T) {
	addr, got := relay(t, "AUTH PLAIN AG5vcmEAaHVudGVyMg==")
	m := Mail{From: "inwriting@deskandco.example", To: "nora@deskandco.example", Addr: addr, Security: "insecure", Username: "nora",
		Password: func(context.Context) (string, error) { return "hunter2", nil }}
	odd := trouble
	odd.Hint = "one\nBcc: x@y.example\n.\nend"
	odd.State = "refused\r\nBcc: x@y.example"
	if err := m.Tell(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	text := <-got
	msg, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(msg.Body)
	if msg.Header.Get("To") != "nora@deskandco.example" || msg.Header.Get("Auto-Submitted") != "auto-generated" || msg.Header.Get("Bcc") != "" || !strings.Contains(string(body), "9 March 2023 14:02 UTC") || !strings.Contains(string(body), "end") {
		t.Errorf("%s", text)
	}
	addr, _ = relay(t, "none")
	m.Addr = addr
	if err := m.Tell(t.Context(), trouble); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a refused password: %v", err)
	}
	// A password does not go over the wire in the clear.
	m.Security = "starttls"
	addr, _ = relay(t, "none")
	m.Addr = addr
	if err := m.Tell(t.Context(), trouble); err == nil {
		t.Error("a relay without STARTTLS was used")
	}
}
