// Package corpora finds the real and the labelled mail that tests read. It lies
// beside the repository, or where INWRITING_SHARED says, and is never part of it.
package corpora

import (
	"os"
	"path/filepath"
	"testing"
)

// Path is a file or folder of the mail, as Path(t, "gold") or Path(t, "corpora",
// "mime"). The test is skipped where it is not there.
func Path(tb testing.TB, elem ...string) string {
	tb.Helper()
	root := os.Getenv("INWRITING_SHARED")
	if root == "" {
		root = filepath.Join(repository(tb), "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("the shared mail is not here (%v): set INWRITING_SHARED to the folder that holds it", err)
	}
	return path
}

// repository is the folder of go.mod above the package under test.
func repository(tb testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatal("no go.mod above the test")
		}
		dir = up
	}
}
