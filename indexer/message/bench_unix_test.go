//go:build unix

package message

import (
	"syscall"
	"testing"
	"time"

	"inwriting/indexer/corpora"
)

// cpu is the processor time of this process: a shared machine makes wall time
// worthless.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkParseEnron(b *testing.B) {
	path := corpora.Path(b, "corpora", "bulk", "enron-inbox.tar.zst")
	var mails [][]byte
	size := 0
	eachTarred(b, path, func(_ string, m []byte) bool {
		mails = append(mails, m)
		size += len(m)
		return len(mails) < 2000
	})
	b.ReportAllocs()
	b.SetBytes(int64(size / len(mails)))
	b.ResetTimer()
	start := cpu()
	for i := range b.N {
		Parse(mails[i%len(mails)])
	}
	if used := cpu() - start; used > 0 {
		b.ReportMetric(float64(b.N)/used.Seconds(), "mails/cpu-s")
	}
}

func BenchmarkZones(b *testing.B) {
	path := corpora.Path(b, "corpora", "bulk", "enron-inbox.tar.zst")
	var texts []string
	eachTarred(b, path, func(_ string, m []byte) bool {
		texts = append(texts, Parse(m).Text)
		return len(texts) < 2000
	})
	names := []string{"ann", "example"}
	b.ResetTimer()
	start := cpu()
	for i := range b.N {
		zones(texts[i%len(texts)], nil, author{signers: names}, false)
	}
	if used := cpu() - start; used > 0 {
		b.ReportMetric(float64(b.N)/used.Seconds(), "mails/cpu-s")
	}
}
