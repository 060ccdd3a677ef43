//go:build unix

package imaptest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Maildir returns the directory of a user's INBOX; other folders are its
// subdirectories ".Name" and ".Name.Child". Cyrus has none.
func (s *Server) Maildir(user string) string { return filepath.Join(s.dir, "mail", user) }

func (s *Server) folderDir(user, folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return s.Maildir(user)
	}
	return filepath.Join(s.Maildir(user), "."+strings.ReplaceAll(folder, "/", "."))
}

func (s *Server) makeMaildir(user, folder string) error {
	dir := s.folderDir(user, folder)
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		return nil
	}
	for _, d := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	if dir != s.Maildir(user) {
		if err := os.WriteFile(filepath.Join(dir, "maildirfolder"), nil, 0o600); err != nil {
			return err
		}
	}
	return s.Own(s.Maildir(user))
}

// intoMaildir puts new mail into new/ and mail with flags into cur/.
func (s *Server) intoMaildir(user, folder string, flags *string, raw []byte) error {
	if err := s.makeMaildir(user, folder); err != nil {
		return err
	}
	n, when := s.nth()
	return s.maildirFile(user, folder, fmt.Sprintf("%d.M%06dP1.imaptest", when.Unix(), n), when, flags, raw)
}

// DeliverEarlier is Deliver of a message that sorts before those already there, as one
// that was under way for longer. Cyrus has no such order.
func (s *Server) DeliverEarlier(user, folder string, raw []byte) error {
	n, when := s.nth()
	if s.Brand == "courier" {
		raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	}
	return s.maildirFile(user, folder, fmt.Sprintf("1600000000.M%06dP1.imaptest", n), when, nil, raw)
}

func (s *Server) maildirFile(user, folder, name string, when time.Time, flags *string, raw []byte) error {
	dir := s.folderDir(user, folder)
	tmp := filepath.Join(dir, "tmp", name)
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	if err := s.Own(tmp); err != nil {
		return err
	}
	// The file's time is the message's INTERNALDATE.
	if err := os.Chtimes(tmp, when, when); err != nil {
		return err
	}
	if flags == nil {
		return os.Rename(tmp, filepath.Join(dir, "new", name))
	}
	return os.Rename(tmp, filepath.Join(dir, "cur", name+":2,"+*flags))
}

// New returns the names of the files in new/ of a folder: mail no client has
// opened for writing. Cyrus has none.
func (s *Server) New(user, folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.folderDir(user, folder), "new"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
