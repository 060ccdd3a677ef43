// Bench measures inwriting beside its peers, in one run and on the same mail, and
// prints the ratios that the README quotes:
//
//	bench sync     inwriting sync and mbsync from a Dovecot on loopback
//	bench index    inwriting import, until all is searchable, notmuch new and mu index;
//	               then questions to the index and to libnotmuch, and their counts
//	bench big      one message of 150 MB: archived, indexed, exported
//	bench bundle   a bundle of 1,000 messages and 200 MB, and one of 3,000 pages
//	bench web      the pages: a trail, its first paint, weights, 50 readers during a sync
//	bench memory   the peak memory of a sync: messages of 150 MB in ten folders, then
//	               ten accounts at once; fails where it is more than is allowed
//
// The peers are Debian's isync, notmuch and mu. Rounds are interleaved; the figures are
// medians. CPU seconds are user and system time of the whole process.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"inwriting/indexer/imapsync/imaptest"
)

var (
	count  = flag.Int("messages", 20000, "generated messages")
	rounds = flag.Int("rounds", 3, "interleaved rounds")
	binary = flag.String("inwriting", "bin/inwriting", "the program, as make build leaves it")
	slow   = flag.Bool("default-fsync", true, "sync: also mbsync with its default, an fsync for each message")
)

func main() {
	flag.Parse()
	if err := run(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(what string) error {
	if what == "bundle-write" {
		return writeBundle()
	}
	abs, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	*binary = abs
	if _, err := os.Stat(abs); err != nil {
		return fmt.Errorf("%w; run make build", err)
	}
	dir, err := os.MkdirTemp("", "inwriting-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the mail server is another user
		return err
	}
	switch what {
	case "sync":
		return benchSync(dir)
	case "index":
		return benchIndex(dir)
	case "big":
		return benchBig(dir)
	case "memory":
		return benchMemory(dir)
	case "bundle":
		return benchBundle(dir)
	case "web":
		return benchWeb(dir)
	}
	return errors.New("bench what? sync, index, big, memory, bundle or web")
}

// cost is what one run of a program took.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // peak, bytes
	out       []byte
}

func measure(env []string, name string, args ...string) (cost, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errb bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errb
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start), out: out.Bytes()}
	if cmd.ProcessState != nil {
		ru := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		c.cpu = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
		c.rss = ru.Maxrss * 1024
	}
	if err != nil {
		return c, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(errb.Bytes()))
	}
	return c, nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

func median(all []cost) cost {
	pick := func(f func(cost) int64) int64 {
		v := make([]int64, len(all))
		for i, c := range all {
			v[i] = f(c)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return cost{wall: time.Duration(pick(func(c cost) int64 { return int64(c.wall) })), cpu: time.Duration(pick(func(c cost) int64 { return int64(c.cpu) })),
		rss: pick(func(c cost) int64 { return c.rss })}
}

func report(w io.Writer, name string, c cost) {
	fmt.Fprintf(w, "%-34s wall %7.2f s   CPU %7.2f s   peak memory %5.0f MB\n", name, c.wall.Seconds(), c.cpu.Seconds(), float64(c.rss)/1e6)
}

func copyMaildir(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(dst, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, b, 0o644)
	})
}

func benchSync(dir string) error {
	srv, err := imaptest.StartDovecot(filepath.Join(dir, "dovecot"))
	if err != nil {
		return err
	}
	defer srv.Close()
	const user = "bench"
	size, err := corpus(filepath.Join(dir, "mail"), *count)
	if err != nil {
		return err
	}
	if err := copyMaildir(filepath.Join(dir, "mail"), srv.Maildir(user)); err != nil {
		return err
	}
	if err := srv.Own(srv.Maildir(user)); err != nil {
		return err
	}
	fmt.Printf("%d messages, %.1f MB, Dovecot on loopback\n", *count, float64(size)/1e6)
	if _, err := srv.Status(user, "INBOX"); err != nil { // the server reads its folder once before anybody is timed
		return err
	}
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(srv.Password+"\n"), 0o600); err != nil {
		return err
	}
	conf := filepath.Join(dir, "inwriting.toml")
	text := fmt.Sprintf("[[mailbox]]\naddress = \"%s@bench.example\"\nusername = %q\nserver = \"insecure://%s\"\npassword_file = %q\n", user, user, srv.Addr, pass)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	host, port, _ := strings.Cut(srv.Addr, ":")
	mbsync := func(round int, fsync bool) (cost, error) {
		store := filepath.Join(dir, fmt.Sprintf("mbsync-%v-%d", fsync, round))
		if err := os.MkdirAll(store, 0o755); err != nil {
			return cost{}, err
		}
		rc := filepath.Join(dir, "mbsyncrc")
		text := "IMAPStore far\nHost " + host + "\nPort " + port + "\nUser " + user + "\nPass " + srv.Password + "\nSSLType None\nAuthMechs LOGIN\n\n" +
			"MaildirStore near\nPath " + store + "/\nInbox " + store + "/INBOX\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nSync Pull\nCreate Near\nSyncState *\n"
		if !fsync {
			text = "FSync no\n\n" + text
		}
		if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
			return cost{}, err
		}
		c, err := measure(nil, "mbsync", "-q", "-c", rc, "c")
		if err != nil {
			return c, err
		}
		got, err := os.ReadDir(filepath.Join(store, "INBOX", "cur"))
		if err != nil {
			return c, err
		}
		fresh, err := os.ReadDir(filepath.Join(store, "INBOX", "new"))
		if err != nil {
			return c, err
		}
		if len(got)+len(fresh) != *count {
			return c, fmt.Errorf("mbsync pulled %d messages of %d", len(got)+len(fresh), *count)
		}
		return c, os.RemoveAll(store)
	}
	var ours, theirs, theirsFsync []cost
	var again cost
	for i := range *rounds {
		vault := filepath.Join(dir, fmt.Sprintf("vault-%d", i))
		// Collecting alone: what mbsync does. The reading that follows is in bench
		// import.
		c, err := measure(nil, *binary, "sync", "--no-read", "--json", "--config", conf, "--data", vault)
		if err != nil {
			return err
		}
		var r struct {
			CollectedMS int64 `json:"collected_ms"`
			Mailboxes   []struct{ New int }
		}
		if err := json.Unmarshal(c.out, &r); err != nil {
			return err
		}
		if r.Mailboxes[0].New != *count {
			return fmt.Errorf("inwriting collected %d messages of %d", r.Mailboxes[0].New, *count)
		}
		ours = append(ours, c)
		if again, err = measure(nil, *binary, "sync", "--no-read", "--json", "--config", conf, "--data", vault); err != nil {
			return err
		}
		if err := os.RemoveAll(vault); err != nil {
			return err
		}
		c, err = mbsync(i, false)
		if err != nil {
			return err
		}
		theirs = append(theirs, c)
		if *slow && i == 0 {
			if c, err = mbsync(i, true); err != nil {
				return err
			}
			theirsFsync = append(theirsFsync, c)
		}
	}
	o, m := median(ours), median(theirs)
	report(os.Stdout, "inwriting sync, all durable", o)
	report(os.Stdout, "inwriting sync again, nothing new", again)
	report(os.Stdout, "mbsync, FSync no", m)
	fmt.Printf("mbsync without fsync / inwriting, wall: %.1f\n", m.wall.Seconds()/o.wall.Seconds())
	if len(theirsFsync) > 0 {
		f := median(theirsFsync)
		report(os.Stdout, "mbsync, its default fsync, 1 round", f)
		fmt.Printf("mbsync by default / inwriting, wall: %.1f\n", f.wall.Seconds()/o.wall.Seconds())
	}
	return nil
}

func du(path string) (n int64) {
	filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if st, err := d.Info(); err == nil {
				n += st.Size()
			}
		}
		return nil
	})
	return n
}

// benchBig takes one message of 150 MB through the program.
func benchBig(dir string) error {
	file := filepath.Join(dir, "big.eml")
	if err := bigMessage(file, 150<<20, 0); err != nil {
		return err
	}
	vault := filepath.Join(dir, "vault")
	common := []string{"--data", vault, "--me", "nora@deskandco.example"}
	steps := []struct {
		name string
		args []string
	}{
		{"import", []string{"import", file, "--mailbox", "nora@deskandco.example"}},
		{"export", []string{"export", "the large brochure for Tuesday 14 March", "-o", filepath.Join(dir, "big.zip")}},
		{"verify BUNDLE", []string{"verify", filepath.Join(dir, "big.zip")}},
		{"verify --archive", []string{"verify", "--archive"}},
	}
	for _, s := range steps {
		c, err := measure(nil, *binary, append(s.args, common...)...)
		if err != nil {
			return err
		}
		report(os.Stdout, "150 MB message: "+s.name, c)
	}
	return nil
}

// bigMessage writes the nth large message.
func bigMessage(path string, size, n int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "From: Martin Hale <martin@halearchitects.example>\r\nTo: nora@deskandco.example\r\nSubject: The large brochure\r\nDate: Thu, 2 Mar 2023 09:12:00 +0000\r\nMessage-ID: <big%d@halearchitects.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain\r\n\r\nPlease print the large brochure by Tuesday 14 March.\r\n--b\r\nContent-Type: application/octet-stream; name=brochure.bin\r\nContent-Disposition: attachment; filename=brochure.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n", n)
	g := newGenerator(7 + uint64(n))
	line := make([]byte, 57)
	enc := make([]byte, 78)
	for done := 0; done < size; done += 78 {
		for i := range line {
			line[i] = byte(g.r.Uint32())
		}
		copy(enc, base64Line(line))
		enc[76], enc[77] = '\r', '\n'
		if _, err := w.Write(enc); err != nil {
			return err
		}
	}
	fmt.Fprint(w, "--b--\r\n")
	return w.Flush()
}
