package ledger

import (
	"testing"
	"time"
)

// BenchmarkMillion is check 16 in notes/evidence.md, section 12, as far as it is the
// ledger's: a million entries are appended in less than 5 s, and a proof takes less
// than 10 ms. Run it with "make bench-ledger".
func BenchmarkMillion(b *testing.B) {
	v := newVault(b)
	l, err := Open(v.dir, v.keys, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	const group = 5000
	facts := make([]Fact, group)
	for i := range facts {
		facts[i] = seen(i)
	}
	start := time.Now()
	for range 1_000_000 / group {
		if _, err := l.Append(facts); err != nil {
			b.Fatal(err)
		}
	}
	appended := time.Since(start)
	start = time.Now()
	old, err := l.Checkpoint()
	if err != nil {
		b.Fatal(err)
	}
	signed := time.Since(start)
	n := int64(0)
	var worst time.Duration
	for b.Loop() {
		at := n * 7919 % old.Size
		start := time.Now()
		if _, err := l.Prove(at); err != nil {
			b.Fatal(err)
		}
		if n%10 == 0 {
			if _, err := l.Consistency(1 + at); err != nil {
				b.Fatal(err)
			}
		}
		worst = max(worst, time.Since(start))
		n++
	}
	b.ReportMetric(appended.Seconds(), "s/million-appended")
	b.ReportMetric(float64(signed.Microseconds())/1000, "ms/checkpoint")
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms/slowest-proof")
}
