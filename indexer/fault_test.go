package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/durable/durabletest"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// The disk is full, or fsync fails, at every write of archive and ledger in turn:
// the import or sync says so, what was acknowledged stays readable, and the next run on
// a healthy disk ends with every message once.
func TestFailingDisk(t *testing.T) {
	t.Run("import", func(t *testing.T) {
		mail := mailDir(t, 12)
		failEverywhere(t, func(v *Vault) error {
			_, err := v.Import(t.Context(), "nora@deskandco.example", []string{mail}, importer.Options{})
			return err
		})
	})
	t.Run("sync", func(t *testing.T) {
		s := imaptest.Dovecot(t)
		for n, folder := range []string{"INBOX", "Orders"} { // a commit for each at least
			if err := s.MakeFolder("nora", folder); err != nil {
				t.Fatal(err)
			}
			deliver(t, s, "nora", folder, 100*n, 100*n+6)
		}
		failEverywhere(t, func(v *Vault) error {
			_, err := v.Sync(t.Context(), s.Account("nora"), true, imapsync.Options{RetryDelay: 1})
			return err
		})
	})
}

// failEverywhere lets fill put 12 messages into vaults whose disks fail, each at
// another write or fsync, and then once more on a healthy disk.
func failEverywhere(t *testing.T, fill func(*Vault) error) {
	// The vault is made on a healthy disk.
	empty := memDir(t)
	if err := openVault(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	made := func(disk *durabletest.FS) (*Vault, string, error) {
		t.Helper()
		dir := filepath.Join(memDir(t), "vault")
		if err := os.CopyFS(dir, os.DirFS(empty)); err != nil {
			t.Fatal(err)
		}
		v, err := Open(dir, Options{Archive: archive.Options{FS: disk}, Ledger: ledger.Options{FS: disk}})
		return v, dir, err
	}
	var healthy durabletest.FS
	v, _, err := made(&healthy)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(v); err != nil {
		t.Fatal(err)
	}
	v.Close()
	writes, syncs := healthy.Counts()
	if writes < 4 || syncs < 3 {
		t.Errorf("%d writes and %d syncs went through the failing disk, which is not all of them", writes, syncs)
	}
	fail := func(name string, disk *durabletest.FS) {
		t.Run(name, func(t *testing.T) {
			v, dir, err := made(disk)
			if err == nil {
				err = fill(v)
				writes, syncs := disk.Counts()
				hit := disk.FailWrite > 0 && writes >= disk.FailWrite || disk.FailSync > 0 && syncs >= disk.FailSync
				if hit && err == nil {
					t.Errorf("the disk failed and nobody says so")
				}
				if !hit && err != nil {
					t.Fatal(err)
				}
				if err := v.Close(); err != nil {
					t.Logf("closing: %v", err)
				}
			}
			if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, durabletest.ErrSync) {
				t.Errorf("got %v, want the disk's own error in it", err)
			}
			v = openVault(t, dir)
			if err := fill(v); err != nil {
				t.Fatal(err)
			}
			eachOnce(t, v, 12)
		})
	}
	for n := 1; n <= writes; n++ {
		fail(fmt.Sprintf("full at write %d", n), &durabletest.FS{FailWrite: n, Short: n * 7})
	}
	for n := 1; n <= syncs; n++ {
		fail(fmt.Sprintf("fsync %d", n), &durabletest.FS{FailSync: n})
	}
}

// eachOnce checks that a vault holds n messages, intact, each in one place.
func eachOnce(t *testing.T, v *Vault, n int) {
	t.Helper()
	r, err := v.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK || r.Messages != n || r.Intact != n {
		t.Errorf("on a healthy disk: %+v, want %d of %d intact", r, n, n)
	}
	got := 0
	err = v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			got++
			places, err := c.Places(b.ID)
			if len(places) != 1 {
				t.Errorf("%v lies in %d places, want 1", b.Ref, len(places))
			}
			return err
		})
	})
	if err != nil || got != n {
		t.Errorf("%d messages, %v; want %d", got, err, n)
	}
}

// One flipped bit in each file of the vault: opening or verifying says so, and no
// answer is given from it as if nothing had happened.
func TestFlippedBit(t *testing.T) {
	mail := mailDir(t, 12)
	made := t.TempDir()
	v := openVault(t, made)
	importAndRead(t, v, mail)
	v.Close()
	for _, name := range []string{"archive/000001.tar.zst", "ledger/entries.jsonl", "ledger/hashes", "ledger/checkpoint", "ledger/log.vkey", "keys/ed25519", "catalog.db"} {
		for _, at := range []int{1, -20} {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
				t.Fatal(err)
			}
			flip(t, filepath.Join(dir, filepath.FromSlash(name)), at)
			v, err := Open(dir, Options{})
			var r *VerifyReport
			if err != nil {
				r, err = Verify(context.Background(), dir, err)
			} else {
				r, err = v.Verify(context.Background())
				v.Close()
			}
			switch {
			case err != nil:
				if !strings.Contains(err.Error(), filepath.Base(filepath.Dir(name))) && !strings.Contains(err.Error(), filepath.Base(name)) {
					t.Errorf("%s, octet %d: %v; want the place in it", name, at, err)
				}
			case r.OK && name != "ledger/hashes" && name != "catalog.db": // these two are made again from the rest, or hold slack
				t.Errorf("%s, octet %d: verify found nothing", name, at)
			case r.Messages != r.Intact && name != "archive/000001.tar.zst" && name != "ledger/entries.jsonl":
				t.Errorf("%s, octet %d: %d of %d intact; the messages were not touched", name, at, r.Intact, r.Messages)
			}
		}
	}
}
