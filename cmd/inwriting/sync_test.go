package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search/httpapi"
)

// mailbox is a real Dovecot with an account that a configuration names.
type mailbox struct {
	*imaptest.Server
	t      *testing.T
	dir    string
	config string
	data   string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	m := &mailbox{Server: imaptest.Dovecot(t), t: t, dir: t.TempDir()}
	m.config, m.data = filepath.Join(m.dir, "inwriting.toml"), filepath.Join(m.dir, "vault")
	m.write("password", m.Password+"\n")
	m.configure("insecure://"+m.Addr, "password")
	return m
}

func (m *mailbox) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailbox) configure(server, passwordFile string) {
	m.t.Helper()
	m.write("inwriting.toml", fmt.Sprintf("[[mailbox]]\naddress = \"nora@deskandco.example\"\nusername = %q\nserver = %q\npassword_file = %q\n", m.User, server, passwordFile))
}

// run runs the program on the mailbox's vault.
func (m *mailbox) run(args ...string) (status int, stdout, stderr string) {
	m.t.Helper()
	var out, errb bytes.Buffer
	status = run(context.Background(), append(args, "--config", m.config, "--data", m.data), []string{"HOME=" + m.dir}, streams{strings.NewReader(""), &out, &errb})
	return status, out.String(), errb.String()
}

func (m *mailbox) sync() syncReport {
	m.t.Helper()
	status, out, errs := m.run("sync", "--json")
	if status != 0 {
		m.t.Fatalf("sync: status %d: %s", status, errs)
	}
	var r syncReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		m.t.Fatal(err)
	}
	return r
}

// invented is the nth message of a test.
func invented(n int) []byte {
	return fmt.Appendf(nil, "From: Martin Hale <martin@halearchitects.example>\nTo: nora@deskandco.example\nSubject: Trip %d\nDate: Thu, 2 Mar 2023 09:12:00 +0000\nMessage-ID: <m%d@halearchitects.example>\n\nPlease book flight %d to Vienna on Tuesday 14 March.\n%s", n, n, n, strings.Repeat("Thank you. ", n%50))
}

// kept returns how often each message is kept: live occurrences by hash, and
// checks that every message reads back as its hash says.
func (m *mailbox) kept() (blobs int, live map[archive.Ref]int) {
	m.t.Helper()
	v, err := indexer.Open(m.data, indexer.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer v.Close()
	live = map[archive.Ref]int{}
	err = v.Stores(func(a *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			blobs++
			places, err := c.Places(b.ID)
			if err != nil {
				return err
			}
			for _, p := range places {
				if !p.Gone {
					live[b.Ref]++
				}
			}
			r, _, err := a.OpenAt(b.Ref, b.Place)
			if err != nil {
				return err
			}
			defer r.Close()
			h := sha256.New()
			if _, err := io.Copy(h, r); err != nil {
				return err
			}
			if archive.Ref(h.Sum(nil)) != b.Ref {
				m.t.Errorf("%v reads back as another message", b.Ref)
			}
			return nil
		})
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return blobs, live
}

// A folder whose UIDs mean something else now is not downloaded again: what has
// the size, date and header of a stored message is that message.
func TestSyncAfterRenumbering(t *testing.T) {
	m := newMailbox(t)
	want := map[archive.Ref]int{}
	put := func(raw []byte) {
		t.Helper()
		if err := m.Deliver(m.User, "INBOX", raw); err != nil {
			t.Fatal(err)
		}
		want[sha256.Sum256(imaptest.Wire(raw))]++
	}
	for n := range 40 {
		put(invented(n))
	}
	put(invented(7)) // the same octets twice
	m.sync()
	st, err := m.Status(m.User, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Renumber(m.User, "INBOX", uint32(st.UIDValidity)+5); err != nil {
		t.Fatal(err)
	}
	put(invented(99))
	r := m.sync().Mailboxes[0]
	if r.New != 1 || r.Relinked != 41 || r.State != "up to date" {
		t.Errorf("after renumbering: %+v, want 1 new and 41 relinked", r)
	}
	blobs, live := m.kept()
	if blobs != 41 || !equalCounts(live, want) {
		t.Errorf("%d messages kept, live %d, want 41 and %d", blobs, total(live), total(want))
	}
	if r := m.sync().Mailboxes[0]; r.New+r.Relinked+r.Gone != 0 {
		t.Errorf("once more: %+v", r)
	}
	// A catalog made again from the ledger says the same.
	if status, _, errs := m.run("rebuild", "catalog"); status != 0 {
		t.Fatal(errs)
	}
	if again, liveAgain := m.kept(); again != blobs || !equalCounts(live, liveAgain) {
		t.Errorf("rebuilt: %d messages, %d live", again, total(liveAgain))
	}
	if status, out, errs := m.run("verify", "--archive"); status != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
}

func TestSyncFollowsARealServer(t *testing.T) {
	m := newMailbox(t)
	want := map[archive.Ref]int{}
	deliver := func(folder string, n int) {
		t.Helper()
		if err := m.Deliver(m.User, folder, invented(n)); err != nil {
			t.Fatal(err)
		}
		want[archive.Ref(sha256.Sum256(imaptest.Wire(invented(n))))]++
	}
	for n := range 40 {
		deliver("INBOX", n)
	}
	for n := range 10 {
		deliver("Sent", 100+n)
	}
	before, err := m.Status(m.User, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	unread, err := m.New(m.User, "INBOX")
	if err != nil {
		t.Fatal(err)
	}

	if r := m.sync(); r.Mailboxes[0].New != 50 {
		t.Fatalf("first sync: %d new, want 50", r.Mailboxes[0].New)
	}
	if _, live := m.kept(); !equalCounts(live, want) {
		t.Errorf("kept %d messages, want %d, each once", len(live), len(want))
	}
	after, err := m.Status(m.User, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	stillUnread, _ := m.New(m.User, "INBOX")
	if after != before || len(stillUnread) != len(unread) {
		t.Errorf("the mailbox was changed: STATUS %+v, new/ %d; before %+v, %d", after, len(stillUnread), before, len(unread))
	}

	if r := m.sync(); r.Mailboxes[0].New != 0 || r.Mailboxes[0].Bytes != 0 {
		t.Errorf("second sync: %d new, %d bytes, want nothing", r.Mailboxes[0].New, r.Mailboxes[0].Bytes)
	}

	// New mail, a flag, an expunge and a move, by another mail program.
	deliver("INBOX", 200)
	if err := m.MakeFolder(m.User, "Hale"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Do(m.User, "INBOX", `UID STORE 3 +FLAGS (\Flagged)`, `UID STORE 5 +FLAGS (\Deleted)`, `EXPUNGE`, `UID MOVE 7 Hale`); err != nil {
		t.Fatal(err)
	}
	r := m.sync().Mailboxes[0]
	if r.New != 2 || r.Gone != 2 || r.Flags < 1 {
		t.Errorf("after new mail, a flag, an expunge and a move: %d new, %d gone, %d flags; want 2, 2 and at least 1", r.New, r.Gone, r.Flags)
	}
	blobs, live := m.kept()
	if blobs != len(want) {
		t.Errorf("%d messages in the archive, want %d: nothing is forgotten, nothing doubled", blobs, len(want))
	}
	if n := total(live); n != 50 {
		t.Errorf("%d live occurrences, want 50", n)
	}
	if r := m.sync().Mailboxes[0]; r.New+r.Gone+r.Flags != 0 {
		t.Errorf("a last sync found %+v, want nothing", r)
	}
	_, out, _ := m.run("status", "--json")
	var cov httpapi.Status
	if err := json.Unmarshal([]byte(out), &cov); err != nil {
		t.Fatal(err)
	}
	gone := 0
	for _, f := range cov.Mailboxes[0].Folders {
		gone += f.Gone
		if f.Server != f.Stored || f.Stored != f.Indexed {
			t.Errorf("status: %+v", f)
		}
	}
	if gone != 2 {
		t.Errorf("status tells of %d gone, want 2", gone)
	}
}

// A process that is killed at any moment loses nothing that it had, doubles
// nothing, and the next run finishes the work.
func TestKillSync(t *testing.T) {
	m := newMailbox(t)
	const messages = 300
	want := map[archive.Ref]int{}
	for n := range messages {
		folder := []string{"INBOX", "Sent", "Archive"}[n%3]
		if err := m.DeliverSeen(m.User, folder, "S", invented(n)); err != nil {
			t.Fatal(err)
		}
		want[archive.Ref(sha256.Sum256(imaptest.Wire(invented(n))))]++
	}
	// The program as it is shipped: the race detector would only slow it down.
	exe := filepath.Join(m.dir, "inwriting")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(exe, "sync", "--config", m.config, "--data", m.data)
		cmd.Env = append(os.Environ(), "HOME="+m.dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	// How long a whole run takes here, to spread the kills over it.
	began := time.Now()
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	rounds, finished := 60, 0
	if testing.Short() {
		rounds = 10
	}
	if v := os.Getenv("INWRITING_KILLS"); v != "" { // make faults
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("INWRITING_KILLS: %v", err)
		}
		rounds = n
	}
	for range rounds {
		if r.IntN(3) == 0 {
			os.RemoveAll(m.data) // from the beginning
		}
		cmd := start()
		time.Sleep(time.Duration(r.Int64N(int64(whole))))
		cmd.Process.Kill()
		if cmd.Wait() == nil {
			finished++
		}
		if _, err := os.Stat(m.data); err != nil {
			continue // killed before it began
		}
		// Whatever is kept is whole, wanted, and there once.
		_, live := m.kept()
		for ref, n := range live {
			if want[ref] != 1 || n != 1 {
				t.Fatalf("after a kill %v is kept %d times, want %d", ref, n, want[ref])
			}
		}
	}
	t.Logf("%d rounds, a whole run takes %v, %d ended before they were killed", rounds, whole, finished)
	m.sync()
	if blobs, live := m.kept(); blobs != messages || !equalCounts(live, want) {
		t.Errorf("at the end %d messages, %d of them live, want each of %d once", blobs, len(live), messages)
	}
	if status, out, errs := m.run("verify", "--archive"); status != 0 {
		t.Errorf("verify: status %d\n%s%s", status, out, errs)
	}
	if status, out, _ := m.run("status"); status != 0 || !strings.Contains(out, "none") {
		t.Errorf("status: %d\n%s", status, out)
	}
}

func TestSyncTrouble(t *testing.T) {
	m := newMailbox(t)
	m.Deliver(m.User, "INBOX", invented(1))
	for _, c := range []struct {
		name, server, password, want string
		status                       int
	}{
		{"wrong port", "insecure://127.0.0.1:1", "password", "127.0.0.1:1", exitMailbox},
		{"wrong server", "nowhere.invalid:993", "password", "nowhere.invalid", exitMailbox},
		{"wrong password", "insecure://" + m.Addr, "wrong", "", exitMailbox},
		{"unknown certificate", m.TLSAddr, "password", "certificate", exitMailbox},
		{"no password file", "insecure://" + m.Addr, "missing", "missing", exitMailbox},
	} {
		m.write("wrong", "not the password\n")
		m.configure(c.server, c.password)
		status, _, stderr := m.run("sync")
		if status != c.status || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "nora@deskandco.example") {
			t.Errorf("%s: status %d, %q; want status %d and words on %q", c.name, status, stderr, c.status, c.want)
		}
		if strings.Contains(stderr, "not the password") {
			t.Errorf("%s: the password was printed", c.name)
		}
	}
	m.configure("insecure://"+m.Addr, "password")
	if r := m.sync(); r.Mailboxes[0].New != 1 {
		t.Errorf("after the trouble: %d new, want 1", r.Mailboxes[0].New)
	}
}

func equalCounts(a, b map[archive.Ref]int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, n := range a {
		if b[k] != n {
			return false
		}
	}
	return true
}

func total(m map[archive.Ref]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// The daemon finds new mail by itself, answers while it reads, and stops within
// seconds. New mail is found because the server tells of it, long before the next turn; a
// mailbox whose server says nothing at all holds nobody up.
func TestServeFollows(t *testing.T) {
	m := newMailbox(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	m.write("inwriting.toml", fmt.Sprintf("listen = \"127.0.0.1:0\"\nevery = \"1h\"\n[[mailbox]]\naddress = \"mute@deskandco.example\"\nserver = \"insecure://"+mute.Addr().String()+"\"\npassword_file = \"password\"\n[[mailbox]]\naddress = \"nora@deskandco.example\"\nusername = %q\nserver = %q\npassword_file = \"password\"\n", m.User, "insecure://"+m.Addr))
	if err := m.Deliver(m.User, "INBOX", invented(1)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan int, 1)
	var serveErr bytes.Buffer
	go func() {
		var out bytes.Buffer
		done <- run(ctx, []string{"serve", "--config", m.config, "--data", m.data}, []string{"HOME=" + m.dir}, streams{strings.NewReader(""), &out, &serveErr})
	}()
	waitFor := func(what string) {
		t.Helper()
		for range 200 {
			if _, err := os.Stat(filepath.Join(m.data, socketName)); err == nil {
				if status, out, _ := m.run("search", "--plain", "flight", what); status == 0 && out != "" {
					return
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("the daemon does not find %q", what)
	}
	waitFor("1")
	if err := m.Deliver(m.User, "INBOX", invented(77)); err != nil {
		t.Fatal(err)
	}
	delivered := time.Now()
	waitFor("77")
	t.Logf("found %v after it was delivered", time.Since(delivered).Round(time.Millisecond))
	asked := time.Now()
	stop()
	select {
	case status := <-done:
		if status != 0 {
			t.Errorf("serve ended with %d: %s", status, serveErr.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("serve does not stop")
	}
	if took := time.Since(asked); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if blobs, _ := m.kept(); blobs != 2 {
		t.Errorf("%d messages kept, want 2", blobs)
	}
}
