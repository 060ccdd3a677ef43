package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/cmd/inwriting/demomail"
)

// otherProcessor builds the program for arm64 and returns the command that runs it
// here. In CI it fails where it cannot; elsewhere the test is skipped.
func otherProcessor(t *testing.T) []string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH == "arm64" {
		t.Skipf("arm64 is compared with another processor on linux, this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	qemu := ""
	for _, name := range [...]string{"qemu-aarch64-static", "qemu-aarch64"} {
		if p, err := exec.LookPath(name); err == nil {
			qemu = p
			break
		}
	}
	if qemu == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no qemu-aarch64: install qemu-user-static")
		}
		t.Skip("no qemu-aarch64 here: install qemu-user-static")
	}
	program := filepath.Join(t.TempDir(), "inwriting.arm64")
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building for arm64: %v\n%s", err, out)
	}
	return []string{qemu, program}
}

// onBoth runs the program here and on the other processor and returns what each
// prints.
func onBoth(t *testing.T, other []string, here, there []string) (a, b []byte) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), here, os.Environ(), streams{bytes.NewReader(nil), &out, &errs}); code != 0 {
		t.Fatalf("inwriting %q exits with %d: %s", here, code, errs.Bytes())
	}
	c := exec.Command(other[0], append([]string{other[1]}, there...)...)
	errs.Reset()
	c.Stderr = &errs
	b, err := c.Output()
	if err != nil {
		t.Fatalf("inwriting %q for arm64: %v: %s", there, err, errs.Bytes())
	}
	return out.Bytes(), b
}

// TestSameBytesOnArm64 reads the same mail on two processors: a few hundred
// invented messages, or the mailbox file or folder of INWRITING_PROCESSOR_MAIL.
// A fused multiply and add, a map's order or a word's size would show here.
func TestSameBytesOnArm64(t *testing.T) {
	other := otherProcessor(t)
	dir := filepath.Join(t.TempDir(), "mail")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	n := 0
	seen := map[[sha256.Size]byte]bool{}
	for _, box := range demomail.Mailboxes() {
		for _, folder := range box.Folders {
			for _, m := range folder.Messages {
				if h := sha256.Sum256(m.Raw); seen[h] {
					continue
				} else {
					seen[h] = true
				}
				n++
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.eml", n)), m.Raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if n < 200 {
		t.Fatalf("%d messages, want a few hundred", n)
	}
	t.Run("reading", func(t *testing.T) {
		mail := dir
		if path := os.Getenv("INWRITING_PROCESSOR_MAIL"); path != "" {
			mail = path
		}
		args := []string{"explain", "--json", mail}
		here, there := onBoth(t, other, args, args)
		compareLines(t, here, there)
		t.Logf("%d messages, %d octets alike", bytes.Count(here, []byte("\n")), len(here))
	})
	t.Run("trail", func(t *testing.T) {
		a, b := filepath.Join(t.TempDir(), "here"), filepath.Join(t.TempDir(), "there")
		box := demomail.Mailboxes()[0].Address
		me, clients, _ := demomail.Config()
		who := []string{"--no-input"}
		for _, m := range me {
			who = append(who, "--me", m)
		}
		for _, c := range clients {
			addresses := c.Addresses
			for _, d := range c.Domains {
				addresses = append(addresses, "@"+d)
			}
			who = append(who, "--client", c.Name+"="+strings.Join(addresses, ","))
		}
		load := func(data string) []string {
			return append([]string{"import", dir, "--mailbox", box, "--data", data}, who...)
		}
		onBoth(t, other, load(a), load(b))
		for _, d := range demomail.Disputes {
			ask := func(data string) []string {
				return append([]string{"trail", d.Question, "--json", "--data", data}, who...)
			}
			here, there := onBoth(t, other, ask(a), ask(b))
			if diff := cmp.Diff(record(t, here), record(t, there)); diff != "" {
				t.Errorf("the trail of %q (-here +arm64):\n%s", d.Name, diff)
			}
		}
	})
}

// record is a trail without what depends on the vault: its signed checkpoint.
func record(t *testing.T, doc []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatalf("reading %.200s: %v", doc, err)
	}
	delete(m, "coverage")
	if len(m["entries"].([]any)) == 0 {
		t.Fatal("a trail without entries")
	}
	return m
}

func compareLines(t *testing.T, here, there []byte) {
	t.Helper()
	if bytes.Equal(here, there) && len(here) > 0 {
		return
	}
	a, b := bytes.Split(here, []byte("\n")), bytes.Split(there, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			t.Fatalf("message %d is read differently (-here +arm64):\n%s", i+1, cmp.Diff(string(a[i]), string(b[i])))
		}
	}
	t.Fatalf("%d messages here, %d on arm64", len(a), len(b))
}
