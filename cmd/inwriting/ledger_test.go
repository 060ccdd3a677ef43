package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inwriting/indexer/ledger/anchor/anchortest"
)

// The ledger is stamped by the configured authorities after an import, a receipt says
// so, and one that is down is named and stops nothing.
func TestLedgerIsStamped(t *testing.T) {
	tsa := anchortest.Start(t, "Example Time")
	dir := t.TempDir()
	conf := fmt.Sprintf("me = [\"nora@deskandco.example\"]\n[[timestamp]]\nname = \"one\"\nurl = %q\nroots = %q\n[[timestamp]]\nname = \"down\"\nurl = \"http://127.0.0.1:1/\"\n", tsa.URL, tsa.RootFile)
	for name, text := range map[string]string{"inwriting.toml": conf,
		"1.eml": "From: martin@halearchitects.example\r\nTo: nora@deskandco.example\r\nSubject: Trip\r\n\r\nPlease book.\r\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inwriting := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		args = append(args, "--config", filepath.Join(dir, "inwriting.toml"), "--data", filepath.Join(dir, "vault"))
		if got := run(context.Background(), args, []string{"HOME=" + dir}, streams{strings.NewReader(""), &out, &errs}); got != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, got, want, &out, &errs)
		}
		return out.String(), errs.String()
	}
	inwriting(0, "import", filepath.Join(dir, "1.eml"), "--mailbox", "nora@deskandco.example")
	if tsa.Asked.Load() != 1 {
		t.Errorf("after the import the authority was asked %d times", tsa.Asked.Load())
	}
	out, errs := inwriting(exitMailbox, "ledger", "anchor")
	if !strings.Contains(errs, "down gave no time") || strings.Contains(out, "one") {
		t.Errorf("anchor: %q %q", out, errs)
	}
	if out, _ := inwriting(0, "ledger", "receipt"); !strings.Contains(out, "entries by one, ") {
		t.Errorf("receipt: %s", out)
	}
	if out, _ := inwriting(0, "ledger", "list", "--type", "anchor"); !strings.Contains(out, "one time-stamped") {
		t.Errorf("list: %s", out)
	}
	if out, _ := inwriting(0, "verify", "--archive"); !strings.Contains(out, "STAMPED") || !strings.Contains(out, "OK\n") {
		t.Errorf("verify: %s", out)
	}
}
