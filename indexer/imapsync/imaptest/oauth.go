//go:build unix

package imaptest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// TakeTokens makes a running Dovecot also take OAuth access tokens, by XOAUTH2 and
// OAUTHBEARER. It asks the authorisation server at introspection (RFC 7662) about
// each; the answer names the user as "username".
func (s *Server) TakeTokens(introspection string) error {
	if s.Brand != "dovecot" {
		return fmt.Errorf("%s takes no tokens", s.Brand)
	}
	path := filepath.Join(s.run, "conf")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	conf := strings.Replace(string(b), "auth_mechanisms = plain login", "auth_mechanisms = plain login xoauth2 oauthbearer", 1)
	conf = strings.Replace(conf, "passdb {\n", "passdb {\n  mechanisms = plain login\n", 1)
	conf += fmt.Sprintf("passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = %s/oauth2.conf\n}\n", s.run)
	oauth2 := fmt.Sprintf("introspection_url = %s\nintrospection_mode = post\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n", introspection)
	if err := errors.Join(os.WriteFile(path, []byte(conf), 0o644), os.WriteFile(filepath.Join(s.run, "oauth2.conf"), []byte(oauth2), 0o644), s.Own(s.run)); err != nil {
		return err
	}
	for _, p := range s.procs {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil { // Dovecot reads its configuration anew
			return err
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", s.Addr, time.Second); err == nil {
			c.SetDeadline(time.Now().Add(time.Second))
			greeting, _ := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if strings.Contains(greeting, "AUTH=XOAUTH2") {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("dovecot offers no XOAUTH2: %s", s.Log())
		}
	}
}
