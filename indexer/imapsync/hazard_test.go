package imapsync_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// What go-imap does not do for us, by the numbers of shared/notes/imap.md section 1.2.
// Those that are the guard's alone are in TestGuardHazards. The requirements of section
// 7 are held by
//
//	R1, R13   TestPermit, TestGuardRefuses, and readOnly after each transcript
//	R2        TestGuardHazards, TestTranscript
//	R3, R8    here, and TestFaults and TestStorm on real servers
//	R4, R6    imaptest.Store, which looks at each call; indexer.TestRelink, TestUnstableUIDValidity
//	R5        the fault tests of indexer and of cmd/inwriting
//	R7        testMarksSeen, testStandIn, indexer.TestQuarantineIsRecorded
//	R9        indexer.TestEmailID: only octets make one message of two
//	R10, R11  testBudget, testWait, testTokenRefused, testTokenGrowsOld
//	R12       TestServers, TestTLS, TestParseServer
//	R14       BenchmarkPass, TestRoundTrips, TestRoundTripsUnchanged
//	R15       indexer.TestAcquisition
func TestHazards(t *testing.T) {
	const two = "* 2 FETCH (UID 2 BODY[] {5}\r\ntwo\r\n)\r\n"
	for _, p := range []personality{
		{name: "H1 the end within a literal", over: times(1, withTwo("* 2 FETCH (UID 2 BODY[] {5}\r\ntw$END")), want: all, event: imapsync.EventRetry},
		{name: "H2 flags before the body", over: withTwo("* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n" + two), want: all, quiet: true},
		{name: "H2 flags after the body", over: withTwo(two + "* 2 FETCH (FLAGS (\\Seen) UID 2)\r\n"), want: all, quiet: true},
		{name: "H3 UID behind the body", over: withTwo("* 2 FETCH (BODY[] {5}\r\ntwo\r\n UID 2)\r\n"), want: all},
		{name: "H3 no UID", over: withTwo("* 2 FETCH (BODY[] {5}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H3 no UID and another size", over: withTwo("* 2 FETCH (BODY[] {6}\r\nthree\n)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H3 two without UID", over: withTwo(strings.Repeat("* 2 FETCH (BODY[] {5}\r\ntwo\r\n)\r\n", 2)), want: "stored 1 5, quarantined 2"},
		{name: "H3 a UID that was not asked for", over: withTwo("* 9 FETCH (UID 77 BODY[] {5}\r\nxxx\r\n)\r\n" + two), want: all},
		{name: "H3 only another UID", over: withTwo("* 2 FETCH (UID 77 BODY[] {5}\r\ntwo\r\n)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H3 twice", over: withTwo(two + two), want: all, quiet: true},
		{name: "H4 announced too long", over: times(1, withTwo("* 2 FETCH (UID 2 BODY[] {7}\r\ntwo\r\n)\r\n")), want: all, event: imapsync.EventRetry},
		{name: "H4 announced too short", over: times(1, withTwo("* 2 FETCH (UID 2 BODY[] {3}\r\ntwo\r\n)\r\n")), want: all, event: imapsync.EventRetry},
		{name: "H4 always too long", over: withTwo("* 2 FETCH (UID 2 BODY[] {7}\r\ntwo\r\n)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H5 left out", over: withTwo(""), want: "stored 1 5, quarantined 2", event: imapsync.EventRefetch},
		{name: "H5 left out once", over: times(1, withTwo("")), want: all, event: imapsync.EventRefetch},
		{name: "H5 NIL", over: withTwo("* 2 FETCH (UID 2 BODY[] NIL)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H5 empty", over: withTwo("* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H5 no body", over: withTwo("* 2 FETCH (UID 2)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H5 OK and nothing", over: toBodies("$T OK done\r\n"), want: "quarantined 1 2 5"},
		{name: "H6 lines that nobody knows", over: withTwo("* VANISHED 99\r\n* XFOO (bar)\r\n\r\n* 3 XBAR\r\n" + two), want: all, quiet: true},
		{name: "H6 an item that nobody knows", over: withTwo("* 2 FETCH (UID 2 X-FOO 7 BODY[] {5}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H6 nil in lower case", over: withTwo("* 2 FETCH (UID 2 BODY[] nil)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H6 no date in INTERNALDATE", over: full("* 2 FETCH (UID 2 INTERNALDATE \"\" BODY[] {5}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H6 a size below zero", over: full("* 2 FETCH (UID 2 RFC822.SIZE -1 BODY[] {5}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H6 a flag with a bracket", over: full("* 2 FETCH (UID 2 FLAGS (a]b) BODY[] {5}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H6 a literal of another kind", over: withTwo("* 2 FETCH (UID 2 BODY[] {5+}\r\ntwo\r\n)\r\n"), want: all},
		{name: "H6 a string without end", over: full("* 2 FETCH (UID 2 INTERNALDATE \"01-Mar-2024 BODY[] {5}\r\ntwo\r\n)\r\n"), want: all, tells: "a string without end"},
		{name: "H6 a string that is never closed", over: withTwo("* 2 FETCH (UID 2 BODY[] \"two\r\n)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "H12 a literal of 1 TB", max: 1000, over: withTwo("* 2 FETCH (UID 2 BODY[] {1099511627776}\r\nx"), want: "stored 1 5, quarantined 2", tells: "over the limit of 1000"},
		{name: "H13 the words of a BYE", caps: "ID", over: toBodies("* BYE down for maintenance\r\n$END"), want: "quarantined 1 2 5", tells: "closed by the server: down for maintenance",
			kind: imapsync.ErrFolder, words: "down for maintenance", event: imapsync.EventBye},
		{name: "H14 a line without end", over: prefixed(map[string]string{"LIST": "* LIST () \"/\" " + strings.Repeat("x", 2<<20)}),
			kind: imapsync.ErrProtocol, words: "longer than"},
		{name: "H15 no UIDVALIDITY", over: prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDNEXT 9]\r\n$T OK [READ-ONLY]\r\n"}),
			kind: imapsync.ErrFolder, words: "UIDVALIDITY", event: imapsync.EventUIDValidity, never: "UID"},
		{name: "H15 UIDVALIDITY 0", over: prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 0]\r\n$T OK [READ-ONLY]\r\n"}),
			kind: imapsync.ErrFolder, words: "UIDVALIDITY", event: imapsync.EventUIDValidity, never: "UID"},
		{name: "H16 an alert before PREAUTH", greeting: "* OK [ALERT] disk nearly full\r\n* PREAUTH hello\r\n", want: all, event: imapsync.EventAlert, never: "LOGIN"},
	} {
		t.Run(p.name, p.play)
	}
	t.Run("H7 names", testNames)
	t.Run("H8 a silent server", testSilence)
	t.Run("H10 H11 stopped within a literal", testStopInLiteral)
	t.Run("H15 nothing said is nothing equal", testNothingSaid)
}

// A server that stops talking is left, and the error says why.
func testSilence(t *testing.T) {
	leakCheck(t)
	silent := make(chan struct{})
	_, a := scripted(t, &box{three(), func(cmd string) string {
		if strings.HasPrefix(cmd, "EXAMINE") {
			<-silent
		}
		return ""
	}}, "")
	t.Cleanup(func() { close(silent) })
	st := imaptest.NewStore()
	_, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{Idle: 30 * time.Millisecond, RetryDelay: time.Millisecond})
	wantError(t, err, imapsync.ErrUnreachable, "no answer in time")
}

// go-imap waits for the reader of a literal when it is closed, and its own reader must
// not run beside it: twenty stops within one, under -race, leave nothing behind.
func testStopInLiteral(t *testing.T) {
	leakCheck(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		_, a := scripted(t, &box{three(), func(cmd string) string {
			if isBodies(cmd) {
				time.AfterFunc(5*time.Millisecond, cancel)
				return "* 1 FETCH (UID 1 BODY[] {5}\r\none\r\n)\r\n* 2 FETCH (UID 2 BODY[] {5}\r\ntw" // and nothing more
			}
			return ""
		}}, "")
		st := imaptest.NewStore()
		began := time.Now()
		_, err := imapsync.Run(ctx, a, st, newStage(t), imapsync.Options{})
		if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		onlyTheirs(t, st, three()[:1])
		cancel()
	}
}

// A folder of which STATUS leaves something out is never taken for unchanged, and the
// name in STATUS may be spelled in another way.
func testNothingSaid(t *testing.T) {
	for _, tt := range []struct {
		status string
		same   bool
	}{
		{"* STATUS INBOX (MESSAGES 3 UIDNEXT 100 UIDVALIDITY 7 HIGHESTMODSEQ 9)", true},
		{"* STATUS \"Inbox \" (MESSAGES 3 UIDNEXT 100 UIDVALIDITY 7 HIGHESTMODSEQ 9)", true},
		{"* STATUS INBOX (MESSAGES 3 UIDVALIDITY 7 HIGHESTMODSEQ 9)", false},
		{"* STATUS INBOX (MESSAGES 3 UIDNEXT 100 HIGHESTMODSEQ 9)", false},
		{"* STATUS INBOX (MESSAGES 3 UIDNEXT 100 UIDVALIDITY 7)", false},
		{"* STATUS INBOX (UIDNEXT 100 UIDVALIDITY 7 HIGHESTMODSEQ 9)", false},
		{"* STATUS INBOX (MESSAGES 3 UIDNEXT 0 UIDVALIDITY 7 HIGHESTMODSEQ 9)", false},
		{"* OK nothing", false},
	} {
		b := &box{msgs: three()}
		withStatus(b, prefixed(map[string]string{
			"CAPABILITY": "* CAPABILITY IMAP4rev1 CONDSTORE\r\n$T OK done\r\n",
			"LIST":       "* LIST () \"/\" INBOX\r\n$T OK done\r\n",
			"STATUS":     tt.status + "\r\n$T OK done\r\n",
		}))
		_, a := scripted(t, b, "")
		st := imaptest.NewStore()
		run(t, a, st, imapsync.Options{})
		if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.Unchanged != tt.same || !f.Clean {
			t.Errorf("%s: unchanged %v, clean %v; want unchanged %v", tt.status, f.Unchanged, f.Clean, tt.same)
		}
	}
}
