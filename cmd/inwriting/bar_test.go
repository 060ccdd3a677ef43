package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBars shows two mailboxes that are read side by side, on a terminal and in a
// log.
func TestBars(t *testing.T) {
	play := func(term terminal) string {
		var out strings.Builder
		b := newBars(&out, term)
		at := time.Unix(0, 0)
		b.now = func() time.Time { return at }
		b.show("one", 0, 100, "")
		for _, seconds := range []time.Duration{1, 61, 122} {
			at = time.Unix(0, 0).Add(seconds * time.Second)
			b.show("one", int(seconds), 200, "IN\x1b[2JBOX")
			at = at.Add(time.Second)
			b.show("two\nlines", int(seconds), 200, "a folder with a name that does not fit on the line any more")
		}
		b.done()
		return out.String()
	}

	// The first minute of a label says nothing.
	if diff := cmp.Diff("one 61/200 eta=3min\ntwo lines 61/200 eta=3min\none 122/200 eta=2min\ntwo lines 122/200 eta=2min\n", play(terminal{width: 80})); diff != "" {
		t.Error("in a log (-want +got):", diff)
	}

	screen := play(terminal{width: 80, tty: true})
	last := screen[strings.LastIndex(screen, "\x1b[1A\r\x1b[K"):]
	want := "\x1b[1A\r\x1b[K" + pad("one", 26) + " " + strings.Repeat("=", 18) + strings.Repeat("-", 12) + "  122/200  about 2 min\n" +
		"\r\x1b[K" + pad("two lines", 26) + " " + strings.Repeat("=", 18) + strings.Repeat("-", 12) + "  122/200  about 2 min\n"
	want = strings.TrimSuffix(want, "\n") + "\x1b[1A\r\x1b[J"
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error("on a terminal (-want +got):", diff)
	}
}
