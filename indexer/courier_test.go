package indexer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// eachOnceLive checks that a vault holds n messages, each with one live occurrence.
func eachOnceLive(t *testing.T, v *Vault, n int) {
	t.Helper()
	got := 0
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			got++
			places, err := c.Places(b.ID)
			alive := 0
			for _, p := range places {
				if !p.Gone {
					alive++
				}
			}
			if alive != 1 {
				t.Errorf("%v has %d live occurrences, want 1", b.Ref, alive)
			}
			return err
		})
	})
	if err != nil || got != n {
		t.Errorf("%d messages, %v; want %d", got, err, n)
	}
}

// In a mailbox that no mail program has opened yet Courier tells another UIDVALIDITY
// and other UIDs in each session. Each message is kept once, fetched once, and has
// one live occurrence.
func TestCourierNeverOpened(t *testing.T) {
	s := imaptest.Start(t, "courier")
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 20)
	v := openVault(t, t.TempDir())
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 20 {
		t.Fatalf("first pass: %+v", f["INBOX"])
	}
	numbers := map[uint64]bool{}
	for range 3 {
		st, err := s.Status("nora", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		numbers[st.UIDValidity] = true
		time.Sleep(1100 * time.Millisecond) // it is the time in seconds
		if f, res := syncOnce(t, v, a); f["INBOX"].New != 0 || res.Bytes != 0 {
			t.Errorf("another pass: %+v, %d octets of messages", f["INBOX"], res.Bytes)
		}
		if got := live(t, v); fmt.Sprint(got) != "map[INBOX:20]" {
			t.Errorf("live: %v", got)
		}
	}
	if len(numbers) < 2 {
		t.Error("the server keeps its UIDVALIDITY, so this shows nothing")
	}
	eachOnceLive(t, v, 20)

	// A program opens it: the numbers are lasting from now on.
	if _, err := s.Do("nora", "INBOX", "NOOP"); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "nora", "INBOX", 20, 22)
	for i := range 2 {
		f, _ := syncOnce(t, v, a)
		if want := 2 - 2*i; f["INBOX"].New != want {
			t.Errorf("opened: %+v, want %d new", f["INBOX"], want)
		}
	}
	if got := live(t, v); fmt.Sprint(got) != "map[INBOX:22]" {
		t.Errorf("live: %v", got)
	}
	eachOnceLive(t, v, 22)
}

// Courier numbers new mail as it stands in new/ and again when a program opens the
// folder: a UID then shows another message under the same UIDVALIDITY.
func TestCourierNumbersAgain(t *testing.T) {
	s := imaptest.Start(t, "courier")
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 5)
	open := func() {
		t.Helper()
		if _, err := s.Do("nora", "INBOX", "NOOP"); err != nil {
			t.Fatal(err)
		}
	}
	open()
	v := openVault(t, t.TempDir())
	deliver(t, s, "nora", "INBOX", 6, 7)
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 6 {
		t.Fatalf("first pass: %+v", f["INBOX"])
	}
	before, err := s.Held("nora", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeliverEarlier("nora", "INBOX", order(5)); err != nil {
		t.Fatal(err)
	}
	open()
	for range 2 {
		if f, _ := syncOnce(t, v, a); !f["INBOX"].Clean {
			t.Errorf("%+v", f["INBOX"])
		}
	}
	if got := live(t, v); fmt.Sprint(got) != "map[INBOX:7]" {
		t.Errorf("live: %v", got)
	}
	held, err := s.Held("nora", "INBOX")
	if err != nil || len(held) != 7 {
		t.Errorf("%d on the server, %v", len(held), err)
	}
	if bytes.Equal(before[6], held[6]) || !bytes.Equal(before[6], held[7]) {
		t.Error("the server did not number again, so this shows nothing")
	}
	eachOnceLive(t, v, 7)
}
