//go:build unix

package imaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type dovecot struct{}

func startDovecot(s *Server) error {
	path, err := exec.LookPath("dovecot")
	if err != nil {
		path = "/usr/sbin/dovecot" // not in every user's PATH
		if _, err := os.Stat(path); err != nil {
			return errors.New("dovecot is not installed; on Debian: apt-get install dovecot-imapd")
		}
	}
	s.brand = dovecot{}
	if err := s.certificate(); err != nil {
		return err
	}
	plain, err := freePort()
	if err != nil {
		return err
	}
	secure, err := freePort()
	if err != nil {
		return err
	}
	s.Addr = fmt.Sprintf("127.0.0.1:%d", plain)
	s.TLSAddr = fmt.Sprintf("localhost:%d", secure)
	conf := strings.NewReplacer("$RUN", s.run, "$DIR", s.dir, "$USER", s.user, "$GROUP", s.group,
		"$UID", strconv.Itoa(s.uid), "$GID", strconv.Itoa(s.gid), "$PLAIN", strconv.Itoa(plain),
		"$SECURE", strconv.Itoa(secure), "$PASS", s.Password).Replace(dovecotConf)
	if err := os.WriteFile(filepath.Join(s.run, "conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	if err := s.Own(s.run); err != nil {
		return err
	}
	return s.spawn(nil, path, "-F", "-c", filepath.Join(s.run, "conf"))
}

// Dovecot 2.3; the syntax of 2.4 is another.
const dovecotConf = `
base_dir = $RUN/base
state_dir = $RUN/state
log_path = $RUN/log
protocols = imap
listen = 127.0.0.1
default_internal_user = $USER
default_internal_group = $GROUP
default_login_user = $USER
first_valid_uid = 1
first_valid_gid = 1
mail_uid = $UID
mail_gid = $GID
mail_location = maildir:$DIR/mail/%n
mail_max_userip_connections = 1000
maildir_very_dirty_syncs = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
ssl = yes
ssl_cert = <$RUN/cert.pem
ssl_key = <$RUN/key.pem
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $PLAIN
  }
  inet_listener imaps {
    port = $SECURE
    ssl = yes
  }
}
service stats {
  chroot =
}
passdb {
  driver = static
  args = password=$PASS
}
userdb {
  driver = static
  args = uid=$UID gid=$GID home=$DIR/home/%n
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \Sent
  }
  mailbox Junk {
    special_use = \Junk
  }
}
`

// certificate makes an authority of its own that signs one for localhost.
func (s *Server) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "imaptest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(cert)
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(s.run, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(s.run, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk}), 0o600))
}

func (dovecot) name(folder string) string { return folder }

func (dovecot) makeFolder(s *Server, user, folder string) error { return s.makeMaildir(user, folder) }

func (dovecot) put(s *Server, user, folder string, flags *string, raw []byte) error {
	return s.intoMaildir(user, folder, flags, raw)
}

// renumber takes Dovecot's index away.
func (dovecot) renumber(s *Server, user, folder string, uidValidity uint32) error {
	dir := s.folderDir(user, folder)
	for _, name := range []string{"dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot.index.log.2", "dovecot.list.index", "dovecot.list.index.log"} {
		for _, d := range []string{dir, s.Maildir(user)} {
			if err := os.Remove(filepath.Join(d, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	list := filepath.Join(dir, "dovecot-uidlist")
	if err := os.WriteFile(list, fmt.Appendf(nil, "3 V%d N1\n", uidValidity), 0o600); err != nil {
		return err
	}
	return s.Own(list)
}
