//go:build linux

package imapsync_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// The mailbox of notes/imap.md section 5: 20,000 messages, 268 MB.
const (
	benchMessages = 20000
	benchMean     = 13400
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPass measures a first pass and a pass without a change, with a store
// that keeps nothing but hashes: what imapsync itself costs.
func BenchmarkPass(b *testing.B) {
	s := imaptest.Dovecot(b)
	line := strings.Repeat("The drawings of the north side follow tomorrow, as agreed. ", 2) + "\r\n"
	if err := s.MakeFolder("bench", "INBOX"); err != nil {
		b.Fatal(err)
	}
	for n := range benchMessages {
		size := benchMean/4 + (n*7919)%(benchMean*3/2)
		raw := fmt.Sprintf("From: nora@deskandco.example\r\nSubject: %d\r\n\r\n%s", n, strings.Repeat(line, size/len(line)+1))
		name := fmt.Sprintf("%s/cur/%d.M%dP1.imaptest:2,S", s.Maildir("bench"), 1700000000+n, n)
		if err := os.WriteFile(name, []byte(raw), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Own(s.Maildir("bench")); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Status("bench", "INBOX"); err != nil { // builds Dovecot's index
		b.Fatal(err)
	}
	stage := newStage(b)
	st := imaptest.NewStore()
	pass := func(b *testing.B) imapsync.Result {
		res, err := imapsync.Run(b.Context(), s.Account("bench"), st, stage, imapsync.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return res
	}
	b.Run("first", func(b *testing.B) {
		before := cpu()
		for range b.N {
			st = imaptest.NewStore()
			if res := pass(b); res.Folders[0].New != benchMessages {
				b.Fatalf("%+v", res)
			}
		}
		sec := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(benchMessages/sec, "msg/s")
		b.ReportMetric((cpu()-before).Seconds()/float64(b.N), "cpu-s/op")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/1e6, "MB-sys")
	})
	b.Run("unchanged", func(b *testing.B) {
		for range b.N {
			if res := pass(b); !res.Folders[0].Unchanged {
				b.Fatalf("%+v", res)
			}
		}
	})
}

// peak returns the greatest resident set of this process so far, in octets.
func peak(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb * 1024
}

// BenchmarkLarge fetches one message of 150 MB.
func BenchmarkLarge(b *testing.B) {
	s := imaptest.Dovecot(b)
	if err := s.MakeFolder("large", "INBOX"); err != nil {
		b.Fatal(err)
	}
	name := s.Maildir("large") + "/cur/1700000000.M1P1.imaptest:2,S"
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 76) + "\r\n")
	fmt.Fprintf(f, "Subject: plans\r\n\r\n")
	for n := 0; n < 150<<20; n += len(line) {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	if err := s.Own(s.Maildir("large")); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		res, err := imapsync.Run(b.Context(), s.Account("large"), imaptest.NewStore(), newStage(b), imapsync.Options{})
		if err != nil || res.Bytes < 150<<20 {
			b.Fatal(err, res)
		}
	}
	b.SetBytes(150 << 20)
	b.ReportMetric(peak(b)/1e6, "MB-peak")
}
