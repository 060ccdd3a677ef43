package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"inwriting/search/bundle"
)

// What a killed export left is removed by a later one; what another one writes is not.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	make := func(name string, at time.Time) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.Name(), at, at); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	left, held, fresh, other := make(".inwriting-1", old), make(".inwriting-2", old), make(".inwriting-3", time.Now()), make("bundle.zip", old)
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	f, err := beside(filepath.Join(dir, "out.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Stat(left.Name()); err == nil {
		t.Error("what was left is still there")
	}
	for _, x := range []*os.File{held, fresh, other, f} {
		if _, err := os.Stat(x.Name()); err != nil {
			t.Errorf("%s: %v", x.Name(), err)
		}
	}
}

func TestKeeps(t *testing.T) {
	for arg, want := range map[string]bundle.Keep{
		"7b7b98eb83399465":              {SHA256: "7b7b98eb83399465", Reason: "looked at"},
		"sha256-7B7B98EB=a logo, no = ": {SHA256: "7b7b98eb", Reason: "a logo, no ="},
		"7b7b98e":                       {},
		"zzzzzzzz":                      {},
		"=why":                          {},
	} {
		got, err := keeps([]string{arg})
		if want == (bundle.Keep{}) {
			if err == nil {
				t.Errorf("%q is taken: %+v", arg, got)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, %v, want %+v", arg, got, err, want)
		}
	}
}
