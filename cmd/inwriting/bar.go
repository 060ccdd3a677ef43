package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bars draws progress, a line for each label, at most ten times a second. Where err
// is no terminal it writes a line a label and minute.
type bars struct {
	w     io.Writer
	t     terminal
	now   func() time.Time
	lines []*barLine
	drawn int // lines on the screen
	last  time.Time
}

type barLine struct {
	label       string
	began, told time.Time
	done, total int
	tail        string
}

func newBars(w io.Writer, t terminal) *bars { return &bars{w: w, t: t, now: time.Now} }

// show draws label's progress. tail is said behind the numbers.
func (b *bars) show(label string, done, total int, tail string) {
	now := b.now()
	l := b.line(label, now)
	l.done, l.total, l.tail = done, total, tail
	if !b.t.tty {
		b.tell(l, now)
		return
	}
	if done < total && now.Sub(b.last) < 100*time.Millisecond {
		return
	}
	b.last = now
	b.draw(now)
}

func (b *bars) line(label string, now time.Time) *barLine {
	for _, l := range b.lines {
		if l.label == label {
			return l
		}
	}
	l := &barLine{label: label, began: now, told: now} // short runs say nothing
	b.lines = append(b.lines, l)
	return l
}

// tell writes a line of a log once a minute.
func (b *bars) tell(l *barLine, now time.Time) {
	if now.Sub(l.told) < time.Minute {
		return
	}
	l.told = now
	fmt.Fprintf(b.w, "%s %d/%d", clean(l.label), l.done, l.total)
	if eta := l.eta(now); eta != "" {
		fmt.Fprintf(b.w, " eta=%s", strings.ReplaceAll(eta, " ", ""))
	}
	fmt.Fprintln(b.w)
}

// draw writes all lines over those on the screen.
func (b *bars) draw(now time.Time) {
	var out strings.Builder
	b.up(&out)
	for i, l := range b.lines {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString("\r\x1b[K" + l.text(b.t, now))
	}
	b.drawn = len(b.lines)
	io.WriteString(b.w, out.String())
}

func (b *bars) up(out *strings.Builder) {
	if b.drawn > 1 {
		fmt.Fprintf(out, "\x1b[%dA", b.drawn-1)
	}
}

func (l *barLine) text(t terminal, now time.Time) string {
	const w = 30
	n := w
	if l.total > 0 {
		n = max(0, min(w, l.done*w/l.total))
	}
	text := pad(clean(l.label), 26) + " " + strings.Repeat(t.glyph("━", "="), n) + t.dim(strings.Repeat(t.glyph("─", "-"), w-n)) + "  " + number(l.done) + "/" + number(l.total)
	var more []string
	if eta := l.eta(now); eta != "" {
		more = append(more, "about "+eta)
	}
	if l.tail != "" {
		more = append(more, clean(l.tail)) // a folder's name is whatever a server says
	}
	for _, m := range more { // a line that wraps could not be drawn over
		if columns(text)+2+columns(m) < t.width {
			text += "  " + m
		}
	}
	return text
}

// done takes the lines off the screen.
func (b *bars) done() {
	if b.drawn == 0 {
		return
	}
	var out strings.Builder
	b.up(&out)
	out.WriteString("\r\x1b[J")
	b.drawn, b.lines = 0, nil
	io.WriteString(b.w, out.String())
}

func (l *barLine) eta(now time.Time) string {
	spent := now.Sub(l.began)
	if l.done <= 0 || l.total <= l.done || spent <= 2*time.Second {
		return ""
	}
	left := time.Duration(float64(spent) / float64(l.done) * float64(l.total-l.done))
	if left < time.Minute {
		return fmt.Sprintf("%d s", int(left.Seconds())+1)
	}
	return fmt.Sprintf("%d min", int(left.Minutes())+1)
}
