package imapsync_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// A busy server is left alone for as long as it says, and for a while when it does
// not say.
func TestWait(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"NO Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299961 * time.Millisecond},
		{"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299961 * time.Millisecond},
		{"NO Request is throttled. Suggested backoff time: 90 seconds", 90 * time.Second},
		{"NO Request is throttled. Suggested Backoff Time: 999999999999 milliseconds", 24 * time.Hour},
		{"NO [LIMIT] slow down", 15 * time.Minute},
		{"BAD User is authenticated but not connected.", 15 * time.Minute},
	} {
		for _, verb := range []string{"LOGIN", "EXAMINE", "UID FETCH"} {
			t.Run(verb+" "+tt.text, func(t *testing.T) {
				leakCheck(t)
				b := &box{msgs: three(), over: prefixed(map[string]string{verb: "$T " + tt.text + "\r\n"})}
				_, a := scripted(t, b, "")
				_, err := imapsync.Run(t.Context(), a, imaptest.NewStore(), newStage(t), imapsync.Options{})
				var e *imapsync.Error
				if !errors.As(err, &e) || !errors.Is(err, imapsync.ErrBusy) || e.Wait != tt.want {
					t.Errorf("got %v, %+v; want it to wait %v", err, e, tt.want)
				}
			})
		}
	}
	leakCheck(t)
	_, a := scripted(t, &box{msgs: three(), over: prefixed(map[string]string{"UID SEARCH": "* BYE Request is throttled. Suggested Backoff Time: 5000 milliseconds\r\n$END"})}, "")
	_, err := imapsync.Run(t.Context(), a, imaptest.NewStore(), newStage(t), imapsync.Options{RetryDelay: 1})
	var e *imapsync.Error
	if !errors.As(err, &e) || e.Wait != 5*time.Second {
		t.Errorf("with BYE: %v, %+v", err, e)
	}
}

// A message whose UID comes after its octets, or not at all, is read without
// go-imap; one of another size or with another UID is not taken for it.
func TestRawPath(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		stored       bool
	}{
		{"UID behind", "* 2 FETCH (BODY[] {5}\r\ntwo\r\n UID 2)\r\n$T OK done\r\n", true},
		{"no UID", "* 2 FETCH (BODY[] {5}\r\ntwo\r\n)\r\n$T OK done\r\n", true},
		{"no UID and another size", "* 2 FETCH (BODY[] {6}\r\nthree\n)\r\n$T OK done\r\n", false},
		{"another UID", "* 2 FETCH (UID 3 BODY[] {5}\r\ntwo\r\n)\r\n$T OK done\r\n", false},
		{"two without UID", strings.Repeat("* 2 FETCH (BODY[] {5}\r\ntwo\r\n)\r\n", 2) + "$T OK done\r\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			b := &box{msgs: three()}
			b.over = func(cmd string) string {
				if isBodies(cmd) && strings.Fields(cmd)[2] == "2" {
					return tt.answer
				}
				if isBodies(cmd) && inSet(strings.Fields(cmd)[2], 2) {
					return b.answerBodies(1, 5)
				}
				return ""
			}
			_, a := scripted(t, b, "")
			st := imaptest.NewStore()
			run(t, a, st, imapsync.Options{})
			noProblems(t, st)
			row, refs := st.Rows("INBOX")[2], st.Refs("INBOX")[2]
			if tt.stored && (row.State != imapsync.Stored || len(refs) != 1 || refs[0] != ref([]byte("two\r\n"))) {
				t.Errorf("row %+v, %d contents; want it stored", row, len(refs))
			}
			if !tt.stored && (row.State != imapsync.Quarantined || len(refs) != 0) {
				t.Errorf("row %+v, %d contents; want it quarantined", row, len(refs))
			}
		})
	}
}

// answerBodies gives the messages with these UIDs and no others.
func (b *box) answerBodies(uids ...uint32) string {
	var out strings.Builder
	for i, m := range b.msgs {
		for _, u := range uids {
			if m.uid == u {
				fmt.Fprintf(&out, "* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, u, len(m.body), m.body)
			}
		}
	}
	return out.String() + "$T OK done\r\n"
}

// What Exchange sends in place of a message that it cannot convert is kept, and
// told from a message.
func TestStandIn(t *testing.T) {
	leakCheck(t)
	body := "From: server@unknown.example\r\nSubject: Retrieval using the IMAP4 protocol failed\r\n\r\nRetrieval using the IMAP4 protocol failed for the following message: 752\r\n"
	_, a := scripted(t, &box{msgs: append(three(), message{uid: 9, body: body})}, "")
	st := imaptest.NewStore()
	res := run(t, a, st, imapsync.Options{})
	if f := folder(t, res, "INBOX"); f.New != 4 || f.Quarantined != 1 {
		t.Errorf("%+v", f)
	}
	if st.Kinds()[imapsync.EventStandIn] != 1 {
		t.Errorf("events %v", st.Events)
	}
	holds(t, st, "INBOX", []archive.Ref{ref([]byte("one\r\n")), ref([]byte("two\r\n")), ref([]byte("five\r\n")), ref([]byte(body))})
}
