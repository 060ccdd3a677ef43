package durable_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"inwriting/indexer/durable"
	"inwriting/indexer/durable/durabletest"
)

func TestWriteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, data := range []string{"", "one", "two and more"} {
		if err := durable.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != data {
			t.Errorf("read %q, %v; want %q", got, err, data)
		}
	}
	if fi, _ := os.Stat(name); fi.Mode() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if err := durable.WriteFile(filepath.Join(name, "x"), nil, 0o600); err == nil {
		t.Error("writing below a file: no error")
	}
}

func TestWriteFileKeepsTheOldContent(t *testing.T) {
	for _, test := range []struct {
		fs   *durabletest.FS
		want error
	}{
		{&durabletest.FS{FailWrite: 1, Short: 2}, syscall.ENOSPC},
		{&durabletest.FS{Space: 2}, syscall.ENOSPC},
		{&durabletest.FS{FailSync: 1}, durabletest.ErrSync},
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, "f")
		if err := durable.WriteFile(name, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := durable.WriteFileFS(test.fs, name, []byte("new"), 0o644); !errors.Is(err, test.want) {
			t.Errorf("error %v, want %v", err, test.want)
		}
		if got, _ := os.ReadFile(name); string(got) != "old" {
			t.Errorf("content %q", got)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		test.fs.Heal()
		if err := durable.WriteFileFS(test.fs, name, []byte("new"), 0o644); err != nil {
			t.Errorf("after healing: %v", err)
		}
	}
}

func TestMkdirAll(t *testing.T) {
	d := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := durable.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if fi, err := os.Stat(d); err != nil || !fi.IsDir() {
		t.Errorf("%v, %v", fi, err)
	}
}

func TestAside(t *testing.T) {
	name := filepath.Join(t.TempDir(), "torn")
	src := bytes.NewReader([]byte("0123456789"))
	for i, want := range []string{name, name + ".1", name + ".2"} {
		got, err := durable.Aside(nil, src, int64(i), 3, name)
		if err != nil || got != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		b, _ := os.ReadFile(got)
		if string(b) != "0123456789"[i:i+3] {
			t.Errorf("%q holds %q", got, b)
		}
	}
	if _, err := durable.Aside(&durabletest.FS{Space: 1}, src, 0, 3, name+"x"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %v", err)
	}
	if _, err := os.Stat(name + "x"); err == nil {
		t.Error("half a copy was left behind")
	}
}
