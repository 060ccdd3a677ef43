package indexer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// memDir is a directory that ends with the test, in memory where there is some: a
// storm commits often, and that a commit is durable is for other tests.
func memDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "inwriting-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// The storm of imapsync on a whole vault, which is closed and opened in between:
// each message of the mailbox is in the archive once, each UID of the server's has
// one live occurrence, and no message is there that never was in the mailbox. A
// catalog made again from archive and ledger says the same.
func TestStorm(t *testing.T) {
	faults, seed := imaptest.StormSize(t, 60)
	for i, brand := range imaptest.Brands {
		t.Run(brand, func(t *testing.T) {
			s := imaptest.Start(t, brand)
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			share := faults / len(imaptest.Brands)
			acted, kinds := 0, map[string]int{}
			for n := 0; acted < share && !t.Failed(); n++ {
				acted += vaultStorm(t, imaptest.NewStorm(t, s, fmt.Sprintf("vault%d", n), rnd), min(share-acted, 400), kinds)
			}
			t.Logf("%d faults: %v", acted, kinds)
		})
	}
}

// vaultStorm lets faults act on the passes into one vault until they are enough, and
// returns how many acted.
func vaultStorm(t *testing.T, w *imaptest.Storm, enough int, kinds map[string]int) int {
	dir := memDir(t)
	now := time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC)
	var v *Vault
	open := func(fresh bool) {
		t.Helper()
		for tries := 0; ; tries++ {
			got, err := Open(dir, Options{FreshCatalog: fresh, Now: func() time.Time { return now }})
			if err == nil {
				v = got
				return
			}
			// A server that is being started at this moment has our files until its exec.
			if !errors.Is(err, ErrInUse) || tries == 100 {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	open(false)
	defer func() { v.Close() }()
	acted, passes := 0, 0
	var log []string
	for acted < enough && !t.Failed() {
		log = log[:0]
		for range 1 + w.Rand.IntN(4) {
			change := func() {
				what, err := w.Change()
				if log = append(log, what); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			for range w.Rand.IntN(4) {
				change()
			}
			if err := w.Deliver(w.Rand.IntN(16)); err != nil {
				t.Fatal(err)
			}
			a, p := w.Account(t, 20)
			ctx, cancel := context.WithCancel(t.Context())
			if w.Rand.IntN(8) == 0 {
				time.AfterFunc(time.Duration(w.Rand.IntN(60))*time.Millisecond, cancel)
			}
			_, err := v.Sync(ctx, a, false, imapsync.Options{Idle: 100 * time.Millisecond, RetryDelay: time.Millisecond,
				Progress: func(imapsync.Progress) { // while the pass runs, too
					if w.Rand.IntN(40) == 0 {
						change()
					}
				}})
			cancel()
			p.Close()
			log = append(log, fmt.Sprintf("%v: %v", slices.Sorted(maps.Keys(p.Kinds())), err))
			for k, n := range p.Kinds() {
				kinds[k] += n
			}
			acted += p.Acted()
			passes++
			now = now.Add(time.Minute)
			if w.Rand.IntN(10) == 0 {
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
				open(false)
			}
		}
		if err := w.Settle(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(retryStandIn + time.Hour) // what is quarantined is due
		for range 2 {
			if _, err := v.Sync(t.Context(), w.Server.Account(w.User), false, imapsync.Options{RetryDelay: time.Millisecond}); err != nil {
				t.Errorf("clean pass: %v", err)
			}
		}
		vaultCalm(t, w, v)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	onceInArchive(t, dir)
	open(true)
	vaultCalm(t, w, v)
	if r, err := v.Verify(t.Context()); err != nil || !r.OK {
		t.Errorf("verify: %+v, %v", r, err)
	}
	if t.Failed() {
		t.Logf("after %d faults; the last rounds:\n%s", acted, strings.Join(log, "\n"))
	}
	t.Logf("%s: %d faults in %d passes, %d messages", w.User, acted, passes, w.Delivered())
	return acted
}

// vaultCalm checks what must hold after a clean pass.
func vaultCalm(t *testing.T, w *imaptest.Storm, v *Vault) {
	t.Helper()
	held, err := w.Held()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[uint32]archive.Ref{}
	for name := range held {
		got[name] = map[uint32]archive.Ref{}
	}
	err = v.Stores(func(a *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			r, _, err := a.OpenAt(b.Ref, b.Place)
			if err != nil {
				return err
			}
			defer r.Close()
			h := sha256.New()
			if _, err := io.Copy(h, r); err != nil {
				return err
			}
			if ref := archive.Ref(h.Sum(nil)); ref != b.Ref || !w.Known(ref) {
				t.Errorf("%v was never on the server", ref)
			}
			places, err := c.Places(b.ID)
			for _, p := range places {
				in, ok := got[p.Folder]
				if !ok || p.Gone {
					continue
				}
				if other, twice := in[p.UID]; twice {
					t.Errorf("UID %d of %s is live twice: %v and %v", p.UID, p.Folder, other, b.Ref)
				}
				in[p.UID] = b.Ref
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(held, got); d != "" {
		t.Errorf("live occurrences (-server +vault):\n%s", d)
	}
}

// onceInArchive reads the archive with zstd and tar alone.
func onceInArchive(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "archive", "*.tar.zst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archive: %v", err)
	}
	times := map[string]int{}
	for _, f := range files {
		out, err := exec.Command("sh", "-c", `zstd -dc "$1" | tar -tf -`, "sh", f).Output()
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for name := range bytes.Lines(out) {
			times[string(name)]++
		}
	}
	for name, n := range times {
		if n > 1 {
			t.Errorf("%s is in the archive %d times", strings.TrimSpace(name), n)
		}
	}
}
