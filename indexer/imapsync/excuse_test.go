package imapsync_test

import (
	"errors"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// A busy server is left alone for as long as it says, and for a while when it does
// not say.
func testWait(t *testing.T) {
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

// What Exchange sends in place of a message that it cannot convert is kept, and
// told from a message.
func testStandIn(t *testing.T) {
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
