package imapsync_test

import (
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// deflating serves b with COMPRESS=DEFLATE (RFC 4978). cut, if not 0, is after how
// many compressed octets the connection ends, the first time.
func deflating(t *testing.T, b *box, cut int) (imapsync.Account, func() []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var commands []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			limit := 0
			if n == 0 {
				limit = cut
			}
			talk(conn, b, limit, func(c string) { mu.Lock(); commands = append(commands, c); mu.Unlock() })
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	a := imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + ln.Addr().String(), Username: "nora", Compress: true,
		Password: func(context.Context) (string, error) { return "secret", nil }}
	return a, func() []string { mu.Lock(); defer mu.Unlock(); return commands }
}

// cutter fails after left octets; 0 is never.
type cutter struct {
	w    io.Writer
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.left == 0 {
		return c.w.Write(p)
	}
	n, err := c.w.Write(p[:min(len(p), c.left-1)])
	if c.left -= n; err == nil && n < len(p) {
		err = errors.New("cut")
	}
	return n, err
}

func talk(conn net.Conn, b *box, cut int, note func(string)) {
	in, out := bufio.NewReader(conn), io.Writer(conn)
	var z *flate.Writer
	fmt.Fprintf(out, "* OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		note(cmd)
		answer := b.answer(0, cmd)
		if strings.HasPrefix(cmd, "LOGIN") {
			answer = "$T OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] done\r\n"
		}
		if _, err := io.WriteString(out, strings.ReplaceAll(answer, "$T", tag)); err != nil {
			return
		}
		if z != nil && z.Flush() != nil {
			return
		}
		if cmd == "COMPRESS DEFLATE" {
			z, _ = flate.NewWriter(&cutter{conn, cut}, flate.DefaultCompression)
			in, out = bufio.NewReader(flate.NewReader(conn)), z
		}
	}
}

func TestCompress(t *testing.T) {
	b := &box{}
	var refs []archive.Ref
	for i := range 200 {
		body := fmt.Sprintf("Subject: %d\r\n\r\n%s", i, strings.Repeat("The drawings follow tomorrow.\r\n", 50))
		b.msgs = append(b.msgs, message{uid: uint32(i + 1), body: body})
		refs = append(refs, ref([]byte(body)))
	}
	for _, cut := range []int{0, 20, 200, 2000, 6000} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			leakCheck(t)
			a, commands := deflating(t, b, cut)
			st := imaptest.NewStore()
			res := run(t, a, st, imapsync.Options{RetryDelay: time.Millisecond})
			noProblems(t, st)
			holds(t, st, "INBOX", refs)
			if cut == 0 && res.Received > res.Bytes/4 {
				t.Errorf("%d octets over the network for %d of messages", res.Received, res.Bytes)
			}
			if !strings.Contains(strings.Join(commands(), "\n"), "COMPRESS DEFLATE") {
				t.Error("it was not asked for")
			}
		})
	}
}

// A pass ends when its share of the day is used up; what is left stays listed and
// comes with the next.
func testBudget(t *testing.T) {
	leakCheck(t)
	b := &box{}
	for i := range 3000 {
		b.msgs = append(b.msgs, message{uid: uint32(i + 1), body: fmt.Sprintf("message %04d\r\n", i)})
	}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	now := time.Date(2024, 3, 4, 23, 0, 0, 0, time.UTC)
	res, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{Budget: 100, Now: func() time.Time { return now }})
	var e *imapsync.Error
	if !errors.As(err, &e) || !errors.Is(err, imapsync.ErrBusy) || e.Wait != 61*time.Minute {
		t.Errorf("got %v, %+v; want to wait for the next day", err, e)
	}
	if f := res.Folders[0]; f.New == 0 || f.New == 3000 || f.Left != 3000-f.New {
		t.Errorf("%+v", f)
	}
	if _, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{Budget: -1}); !errors.Is(err, imapsync.ErrBusy) {
		t.Errorf("with nothing left: %v", err)
	}
	if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); !f.Clean || f.New != 3000-res.Folders[0].New {
		t.Errorf("the next day: %+v", f)
	}
	noProblems(t, st)
}
