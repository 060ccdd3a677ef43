package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"
)

func stores(t *testing.T) map[string]Store {
	keyring.MockInit()
	return map[string]Store{"keyring": Keyring{}, "sealed": Sealed{Dir: filepath.Join(t.TempDir(), "config")}}
}

func TestStores(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if _, err := s.Get(ctx, "a"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get before Set: %v", err)
			}
			if err := s.Delete(ctx, "a"); err != nil {
				t.Errorf("Delete of nothing: %v", err)
			}
			for _, v := range []string{"one", "two \"\n\x00é"} {
				if err := s.Set(ctx, "a", v); err != nil {
					t.Fatal(err)
				}
				if got, err := s.Get(ctx, "a"); err != nil || got != v {
					t.Errorf("Get = %q, %v; want %q", got, err, v)
				}
			}
			if err := s.Set(ctx, "b", "other"); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(ctx, "a"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, "a"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get after Delete: %v", err)
			}
			if got, err := s.Get(ctx, "b"); err != nil || got != "other" {
				t.Errorf("Get = %q, %v", got, err)
			}
		})
	}
}

// The file shows nothing, is its owner's alone, and says nothing when it cannot be
// opened.
func TestSealed(t *testing.T) {
	ctx := t.Context()
	s := Sealed{Dir: t.TempDir()}
	if err := s.Set(ctx, "n@x.example", "hunter2hunter2"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"secrets.age", "secrets.key"} {
		fi, err := os.Stat(filepath.Join(s.Dir, f))
		if err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, fi, err)
		}
	}
	b, err := os.ReadFile(s.file())
	if err != nil || bytes.Contains(b, []byte("hunter2")) || bytes.Contains(b, []byte("n@x.example")) {
		t.Errorf("the file tells: %v %q", err, b)
	}
	other := Sealed{Dir: t.TempDir()}
	if err := other.Set(ctx, "x", "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := (Sealed{Dir: s.Dir, Key: other.keyFile()}).Get(ctx, "n@x.example"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with another key: %v", err)
	}
	if err := (Sealed{Dir: s.Dir, Key: filepath.Join(s.Dir, "none")}).Set(ctx, "a", "b"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key that was to be elsewhere and is not: %v", err)
	}
	if err := os.Chmod(s.keyFile(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "n@x.example"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a key for everybody: %v", err)
	}
}

func TestSealedAtOnce(t *testing.T) {
	s := Sealed{Dir: t.TempDir()}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Set(context.Background(), fmt.Sprint(i), "v"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if v, err := s.Get(t.Context(), fmt.Sprint(i)); err != nil || v != "v" {
			t.Errorf("%d: %q, %v", i, v, err)
		}
	}
}

func TestNoKeyring(t *testing.T) {
	keyring.MockInitWithError(errors.New("no bus"))
	defer keyring.MockInit()
	if _, err := (Keyring{}).Get(t.Context(), "a"); !errors.Is(err, ErrNoKeyring) {
		t.Errorf("Get: %v", err)
	}
	if (Keyring{}).Works(t.Context()) {
		t.Error("it works")
	}
}

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nora"), []byte("pass word \r\nmore\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	if v, err := Credential(dir, "nora"); err != nil || v != "pass word " {
		t.Errorf("%q, %v", v, err)
	}
	for _, name := range []string{"none", "../nora", "", "."} {
		if v, err := Credential(dir, name); err == nil {
			t.Errorf("%q: %q", name, v)
		}
	}
	if _, err := Credential("", "nora"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without systemd: %v", err)
	}
}
