package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer"
)

// files hashes all that is in a vault but the index, at which its owner is at work.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == "index" {
			return fs.SkipDir
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused checks that a command says who has the vault, and that it changed nothing.
func (m *mailbox) refused(args ...string) {
	m.t.Helper()
	before := files(m.t, m.data)
	status, _, stderr := m.run(args...)
	if status != exitFailed {
		m.t.Errorf("%s: status %d, want %d", args[0], status, exitFailed)
	}
	for _, want := range []string{"the vault is in use by another inwriting", "(process " + strconv.Itoa(os.Getpid()) + ")", "hint: "} {
		if !strings.Contains(stderr, want) {
			m.t.Errorf("%s says %q, want %q in it", args[0], stderr, want)
		}
	}
	if d := cmp.Diff(before, files(m.t, m.data)); d != "" {
		m.t.Errorf("%s altered the vault (-before +after):\n%s", args[0], d)
	}
}

// Only one writes to a vault: a second program is refused with words and alters
// nothing, and what it would have done is done by the first or later.
func TestTwoOnOneVault(t *testing.T) {
	m := newMailbox(t)
	put := func(n int) {
		t.Helper()
		if err := m.Deliver(m.User, "INBOX", invented(n)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		put(n)
	}
	m.sync()
	put(5)
	v, err := indexer.Open(m.data, indexer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.refused("sync")
	m.refused("serve")
	m.refused("rebuild", "catalog")
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}

	// A daemon has it: another daemon is refused, and a sync is the daemon's.
	m.write("inwriting.toml", fmt.Sprintf("listen = \"127.0.0.1:0\"\nevery = \"1h\"\n[[mailbox]]\naddress = \"nora@deskandco.example\"\nusername = %q\nserver = \"insecure://%s\"\npassword_file = \"password\"\n", m.User, m.Addr))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan int, 1)
	var out, errs bytes.Buffer
	go func() {
		done <- run(ctx, []string{"serve", "--config", m.config, "--data", m.data}, []string{"HOME=" + m.dir}, streams{strings.NewReader(""), &out, &errs})
	}()
	for range 400 {
		if _, err := os.Stat(filepath.Join(m.data, socketName)); err == nil {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	for range 400 {
		if status, found, _ := m.run("search", "--plain", "flight", "5"); status == 0 && found != "" {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	status, _, stderr := m.run("serve")
	if status != exitFailed || !strings.Contains(stderr, "in use by another inwriting") {
		t.Errorf("a second daemon: status %d, %q", status, stderr)
	}
	put(6)
	var asked sync.WaitGroup
	for range 3 {
		asked.Add(1)
		go func() {
			defer asked.Done()
			if status, _, stderr := m.run("sync"); status != 0 {
				t.Errorf("a sync beside the daemon: status %d, %q", status, stderr)
			}
		}()
	}
	asked.Wait()
	stop()
	select {
	case status := <-done:
		if status != 0 {
			t.Errorf("serve ended with %d: %s", status, errs.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("serve does not stop")
	}
	if blobs, live := m.kept(); blobs != 7 || total(live) != 7 {
		t.Errorf("%d messages, %d live; want 7 and 7", blobs, total(live))
	}
	if status, out, errs := m.run("verify", "--archive"); status != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
}
