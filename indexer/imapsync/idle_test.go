package imapsync

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// IDLE is renewed before it grows old, and ends with what ended it.
func TestIdleIsRenewed(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	served := make(chan error, 1)
	go func() {
		served <- func() error {
			r := bufio.NewReader(theirs)
			say := func(s string) error { _, err := theirs.Write([]byte(s + "\r\n")); return err }
			hear := func(suffix string) (string, error) {
				line, err := r.ReadString('\n')
				if line = strings.TrimSuffix(line, "\r\n"); err == nil && !strings.HasSuffix(line, suffix) {
					err = fmt.Errorf("%q, want %q", line, suffix)
				}
				tag, _, _ := strings.Cut(line, " ")
				return tag, err
			}
			tag, err := hear(`EXAMINE "INBOX"`)
			if err == nil {
				err = say("* 3 EXISTS\r\n" + tag + " OK [READ-ONLY] done")
			}
			for round := 0; round < 3 && err == nil; round++ {
				if tag, err = hear("IDLE"); err != nil {
					return err
				}
				if err = say("+ idling"); err != nil {
					return err
				}
				if round == 1 {
					err = say("* OK still here\r\n* 4 EXISTS")
				}
				if err == nil {
					_, err = hear("DONE")
				}
				if err == nil {
					err = say(tag + " OK IDLE ended")
				}
			}
			if tag, err2 := hear("IDLE"); err == nil {
				if err = err2; err == nil {
					err = say("* BYE going down\r\n" + tag + " NO IDLE refused")
				}
			}
			return err
		}()
	}()
	d := &dialer{account: Account{Address: "nora@deskandco.example"}, lim: testLimits, event: func(string, string, string) {}}
	s := &session{caps: map[string]bool{"IDLE": true}}
	s.hold(t.Context(), newGuard(ours, testLimits, new(transcript)))
	readies, changes := 0, 0
	err := d.watch(t.Context(), s, 20*time.Millisecond, func() { readies++ }, func() { changes++ })
	if !errors.Is(err, ErrCannotWatch) {
		t.Errorf("IDLE refused: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if readies != 1 || changes != 1 {
		t.Errorf("ready %d times, changed %d times, want 1 and 1", readies, changes)
	}
	s.unhook()

	if err := d.watch(context.Background(), &session{caps: map[string]bool{}}, time.Minute, nil, nil); !errors.Is(err, ErrCannotWatch) {
		t.Errorf("a server without IDLE: %v", err)
	}
}
