//go:build unix

package imaptest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cyrus is Cyrus IMAP. Its store is its own, so mail is put by APPEND.
type cyrus struct{}

func startCyrus(s *Server) error {
	root, env, err := unpacked("usr/lib/cyrus/bin/master", "cyrus-imapd")
	if err != nil {
		return err
	}
	s.brand = cyrus{}
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Addr = fmt.Sprintf("127.0.0.1:%d", port)
	bin := filepath.Join(root, "usr/lib/cyrus/bin")
	conf := filepath.Join(s.run, "imapd.conf")
	fill := strings.NewReplacer("$RUN", s.run, "$DIR", s.dir, "$USER", s.user, "$BIN", bin, "$PORT", strconv.Itoa(port))
	for _, d := range []string{filepath.Join(s.dir, "conf"), filepath.Join(s.dir, "proc"), filepath.Join(s.dir, "lock"), filepath.Join(s.dir, "tmp")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(conf, []byte(fill.Replace(cyrusConf)), 0o644),
		os.WriteFile(filepath.Join(s.run, "cyrus.conf"), []byte(fill.Replace(cyrusServices)), 0o644), s.Own(s.run), s.Own(s.dir)); err != nil {
		return err
	}
	if out, err := s.command(env, filepath.Join(bin, "ctl_cyrusdb"), "-C", conf, "-r").CombinedOutput(); err != nil {
		return fmt.Errorf("making cyrus's databases: %w\n%s", err, out)
	}
	return s.spawn(env, filepath.Join(bin, "master"), "-D", "-C", conf, "-M", filepath.Join(s.run, "cyrus.conf"),
		"-p", filepath.Join(s.run, "pid"), "-L", filepath.Join(s.run, "log"))
}

const cyrusConf = `
configdirectory: $DIR/conf
partition-default: $DIR/mail
defaultpartition: default
mboxname_lockpath: $DIR/lock
proc_path: $DIR/proc
temp_path: $DIR/tmp
cyrus_user: $USER
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
unixhierarchysep: yes
altnamespace: yes
munge8bit: no
autocreate_quota: 0
imapidlepoll: 1
delete_mode: immediate
maxlogins_per_host: 1000
maxlogins_per_user: 1000
`

const cyrusServices = `
SERVICES {
  imap cmd="$BIN/imapd -C $RUN/imapd.conf -U 100" listen="127.0.0.1:$PORT" prefork=2
}
`

func (cyrus) name(folder string) string { return folder }

func (cyrus) makeFolder(s *Server, user, folder string) error {
	_, err := s.Do(user, "", fmt.Sprintf("CREATE %q", folder))
	if err != nil && strings.Contains(err.Error(), "exists") {
		return nil
	}
	return err
}

var systemFlag = map[rune]string{'S': `\Seen`, 'F': `\Flagged`, 'R': `\Answered`, 'T': `\Deleted`, 'D': `\Draft`}

func (c cyrus) put(s *Server, user, folder string, flags *string, raw []byte) error {
	var words []string
	if flags != nil {
		for _, f := range *flags {
			words = append(words, systemFlag[f])
		}
	}
	_, when := s.nth()
	return c.append(s, user, folder, words, when, Wire(raw))
}

// append uses one connection for each user, and again a new one if that has ended.
func (c cyrus) append(s *Server, user, folder string, flags []string, when time.Time, raw []byte) error {
	for fresh := false; ; fresh = true {
		s.mu.Lock()
		cl := s.putters[user]
		delete(s.putters, user)
		s.mu.Unlock()
		if cl == nil || fresh {
			var err error
			if cl, err = s.login(user); err != nil {
				return err
			}
		}
		err := cl.append(folder, flags, when, raw)
		if err != nil && strings.Contains(err.Error(), "not exist") {
			if err = c.makeFolder(s, user, folder); err == nil {
				err = cl.append(folder, flags, when, raw)
			}
		}
		if err != nil {
			cl.close()
			if fresh || strings.HasPrefix(err.Error(), "APPEND") {
				return err
			}
			continue
		}
		s.mu.Lock()
		if other := s.putters[user]; other != nil {
			other.close()
		}
		s.putters[user] = cl
		s.mu.Unlock()
		return nil
	}
}

// renumber makes the folder again with what it holds.
func (c cyrus) renumber(s *Server, user, folder string, _ uint32) error {
	held, err := s.Held(user, folder)
	if err != nil {
		return err
	}
	lines, err := s.Do(user, folder, "UID FETCH 1:* (UID FLAGS INTERNALDATE)")
	if err != nil {
		return err
	}
	if _, err := s.Do(user, "", fmt.Sprintf("DELETE %q", folder), fmt.Sprintf("CREATE %q", folder)); err != nil {
		return err
	}
	for _, uid := range slices.Sorted(maps.Keys(held)) {
		for _, l := range lines {
			if !strings.Contains(l, fmt.Sprintf("(UID %d ", uid)) && !strings.Contains(l, fmt.Sprintf(" UID %d ", uid)) && !strings.Contains(l, fmt.Sprintf(" UID %d)", uid)) {
				continue
			}
			var flags []string
			for _, f := range []string{`\Seen`, `\Flagged`, `\Answered`, `\Draft`} {
				if strings.Contains(l, f) {
					flags = append(flags, f)
				}
			}
			_, rest, _ := strings.Cut(l, `INTERNALDATE "`)
			date, _, _ := strings.Cut(rest, `"`)
			when, err := time.Parse("_2-Jan-2006 15:04:05 -0700", date)
			if err != nil {
				return err
			}
			if err := c.append(s, user, folder, flags, when, held[uid]); err != nil {
				return err
			}
			break
		}
	}
	return nil
}
