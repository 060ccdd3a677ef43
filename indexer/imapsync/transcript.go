package imapsync

import (
	"bytes"
	"strings"
	"sync"
)

// transcript keeps the last lines of a conversation for the log. Octets of
// literals are never in it, nor what a command marks as secret.
type transcript struct {
	mu    sync.Mutex
	lines []string
	size  int
}

const (
	transcriptSize = 64 << 10
	transcriptLine = 200
)

func (t *transcript) in(line []byte) { t.add("< " + shorten(line)) }

func (t *transcript) add(line string) {
	if len(line) > transcriptLine {
		line = line[:transcriptLine] + "…"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	t.size += len(line)
	drop := 0
	for t.size > transcriptSize {
		t.size -= len(t.lines[drop])
		drop++
	}
	t.lines = t.lines[drop:]
}

// String returns the last lines, oldest first.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

func shorten(b []byte) string {
	b = bytes.TrimRight(b, "\r\n")
	if len(b) > transcriptLine {
		return string(b[:transcriptLine]) + "…"
	}
	return string(b)
}
