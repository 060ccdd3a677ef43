package imapsync_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// What servers do, row by row of shared/notes/imap.md section 4. Gmail's labels, the
// names of RFC 8474 and the unstable UIDVALIDITY of Courier need a catalog and are in
// package indexer.
func TestQuirks(t *testing.T) {
	const two = "BODY[] {5}\r\ntwo\r\n"
	for _, p := range []personality{
		{name: "Gmail: the day's download is used up", over: toBodies("$T NO [OVERQUOTA] no more today\r\n"),
			want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "no more today"},
		{name: "Gmail: the same without the code", over: toBodies("$T NO Account exceeded command or bandwidth limits.\r\n"),
			want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "bandwidth"},
		{name: "Gmail: session expired", over: times(1, toBodies("* BYE Session expired, please login again.\r\n$END")), want: all, event: imapsync.EventBye},
		{name: "Gmail: one message spoils the batch", over: withNo(2, "NO Some messages could not be FETCHed (Failure)"), want: "stored 1 5, quarantined 2"},
		{name: "Gmail: HIGHESTMODSEQ without words", caps: "CONDSTORE", over: prefixed(map[string]string{
			"EXAMINE": "* FLAGS (\\Answered)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 7] UIDs valid.\r\n* OK [UIDNEXT 9] Predicted next UID.\r\n* OK [HIGHESTMODSEQ 1234567]\r\n$T OK [READ-ONLY] INBOX selected. (Success)\r\n"}), want: all, quiet: true},

		{name: "Microsoft 365: no passwords", caps: "LOGINDISABLED AUTH=XOAUTH2", kind: imapsync.ErrAuth, words: "XOAUTH2", never: "LOGIN"},
		{name: "Microsoft 365: an access token", caps: "AUTH=PLAIN AUTH=XOAUTH2 SASL-IR", edit: withToken, want: all,
			sent: "AUTHENTICATE XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=nora\x01auth=Bearer wrong-secret\x01\x01"))},
		{name: "Microsoft 365: a token for another service", caps: "AUTH=XOAUTH2 SASL-IR", edit: withToken,
			over: prefixed(map[string]string{"AUTHENTICATE": "$T NO AUTHENTICATE failed.\r\n"}), kind: imapsync.ErrAuth, words: "for another service"},
		{name: "Microsoft 365: signed in and not connected", over: prefixed(map[string]string{"EXAMINE": "$T BAD User is authenticated but not connected.\r\n"}),
			kind: imapsync.ErrBusy, words: "may use IMAP"},
		{name: "Microsoft 365: throttled with NO", over: toBodies("$T NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n$END"),
			want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "299961"},
		{name: "Microsoft 365: throttled with BAD", over: toBodies("$T BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n$END"),
			want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "299961"},
		{name: "Microsoft 365: throttled with BYE", over: toBodies("* BYE Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n$END"),
			want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "299961", event: imapsync.EventBye},
		{name: "Microsoft 365: no extensions", caps: "IMAP4 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
			want: all, quiet: true, sent: `LIST "" "*"`},
		{name: "Microsoft 365: Error and Proxy in the code", over: prefixed(map[string]string{
			"AUTHENTICATE": "$T OK [Error=\"x y\" Proxy=AB1PR01] done\r\n", "LOGIN": "$T OK LOGIN completed. [Error=\"x\" Proxy=AB1PR01.example:1993:SSL]\r\n",
			"UID FETCH 1:5 (UID FLAGS INTERNALDATE RFC822.SIZE BODY": strings.TrimSuffix((&box{msgs: three()}).answerBodies(1, 2, 5), "$T OK done\r\n") +
				"$T OK [Error=\"None\" Proxy=AB1PR01.example:1993:SSL] FETCH completed.\r\n"}), want: all, quiet: true},
		{name: "Exchange: the UID behind the literal", over: withTwo("* 2 FETCH (" + two + " UID 2 FLAGS (\\Seen))\r\n"), want: all},

		{name: "Yahoo: a message that is never to be had", over: withNo(2, "NO [UNAVAILABLE] UID FETCH Server error - Please try again later"),
			want: "stored 1 5, quarantined 2"},
		{name: "Yahoo: an answer that leaves some out", over: times(2, withTwo("")), want: all, event: imapsync.EventRefetch},
		{name: "Yahoo: fewer listed than counted", over: prefixed(map[string]string{"UID SEARCH": "* SEARCH 1 2\r\n$T OK\r\n"}), want: all, event: imapsync.EventCount},
		{name: "Yahoo: UIDVALIDITY missing once", over: times(1, prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDNEXT 9]\r\n$T OK [READ-ONLY]\r\n"})),
			kind: imapsync.ErrFolder, words: "UIDVALIDITY", never: "UID"},

		{name: "iCloud: ESEARCH with wrong numbers", caps: "ESEARCH", over: prefixed(map[string]string{"UID SEARCH RETURN": "* ESEARCH (TAG \"$T\") UID ALL 1:2\r\n$T OK\r\n"}), want: all, sent: "UID SEARCH UID 1:*"},
		{name: "iCloud: ESEARCH without an answer", caps: "ESEARCH", over: prefixed(map[string]string{"UID SEARCH RETURN": "$T OK\r\n"}), want: all, sent: "UID SEARCH UID 1:*"},
		{name: "iCloud: ESEARCH refused", caps: "ESEARCH", over: prefixed(map[string]string{"UID SEARCH RETURN": "$T BAD what\r\n"}), want: all, sent: "UID SEARCH UID 1:*"},
		{name: "iCloud: SEARCH with sequence numbers", over: prefixed(map[string]string{"UID SEARCH": "* SEARCH 1 2 3\r\n$T OK\r\n", "UID FETCH 1:3 (UID FLAGS": (&box{msgs: three()}).describe(1, 2)}),
			want: "stored 1 2, quarantined 3"},
		{name: "iCloud: unavailable after much", over: toBodies("$T NO Service temporarily unavailable\r\n"), want: "listed 1 2 5", kind: imapsync.ErrBusy, words: "temporarily"},

		{name: "Dovecot: a size in the file's name is wrong", over: withTwo("* 2 FETCH (UID 2 BODY[] {900}\r\ntwo\r\n* BYE FETCH failed: Cached message size larger than expected\r\n$END"),
			want: "stored 1 5, quarantined 2", event: imapsync.EventQuarantined},
		{name: "Dovecot: an internal error for one message", over: withNo(2, "NO [SERVERBUG] Internal error occurred"), want: "stored 1 5, quarantined 2"},
		{name: "Cyrus: flags of another session between the messages", over: withTwo("* 3 FETCH (FLAGS (\\Flagged) UID 5)\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 " + two + ")\r\n"), want: all, quiet: true},
		{name: "Courier: EXAMINE without UIDNEXT", over: prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] Ok\r\n$T OK [READ-ONLY] Ok\r\n"}), want: all, quiet: true},
		{name: "Courier: an alert before PREAUTH", greeting: "* OK [ALERT] Filesystem notification initialization error\r\n* PREAUTH Ready.\r\n", want: all, event: imapsync.EventAlert, never: "LOGIN"},
		{name: "DavMail: FETCH in fragments", over: withTwo("* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 RFC822.SIZE 5)\r\n* 2 FETCH (UID 2 " + two + ")\r\n"), want: all, quiet: true},
		{name: "163, 126, QQ: no folders before ID", caps: "ID", over: unsafeLogin(), want: all, quiet: true},
		{name: "Zimbra: several EXISTS", over: prefixed(map[string]string{"EXAMINE": "* 1 EXISTS\r\n* 2 EXISTS\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n$T OK [READ-ONLY]\r\n"}), want: all, quiet: true},
		{name: "Zimbra, UW: no UIDVALIDITY of an empty folder", over: prefixed(map[string]string{"EXAMINE": "* 0 EXISTS\r\n* OK [UIDNEXT 1]\r\n$T OK [READ-ONLY]\r\n"}), never: "UID"},
		{name: "263.net: NIL and OK", over: withTwo("* 2 FETCH (UID 2 FLAGS () BODY[] NIL)\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "Xeams: items behind the parenthesis", over: withTwo("* 2 FETCH (UID 2 " + two + ") FLAGS (\\Seen)\r\n"), want: all},
		{name: "Exchange: the UID behind the parenthesis", over: withTwo("* 2 FETCH (" + two + ") UID 2 FLAGS (\\Seen))\r\n"), want: all},
		{name: "Exchange: another UID behind the parenthesis", over: withTwo("* 2 FETCH (" + two + ") UID 3 FLAGS (\\Seen))\r\n"), want: "stored 1 5, quarantined 2"},
		{name: "Xeams: no UID", over: withTwo("* 2 FETCH (" + two + ")\r\n"), want: all},
		{name: "IONOS: items refused", over: func(cmd string) string {
			if isBodies(cmd) && strings.Contains(cmd, "FLAGS") {
				return "$T BAD expected fetch-att\r\n"
			}
			return ""
		}, want: all, quiet: true},
		{name: "IONOS: names of messages offered and refused", caps: "OBJECTID", over: func(cmd string) string {
			if strings.Contains(cmd, "EMAILID") {
				return "$T BAD expected fetch-att\r\n"
			}
			return ""
		}, want: all, quiet: true, sent: "UID FETCH 1:5 (UID FLAGS INTERNALDATE RFC822.SIZE EMAILID THREADID)"},
	} {
		t.Run(p.name, p.play)
	}
	t.Run("Gmail: an expunge that MODSEQ does not tell", testExpungeWithoutModSeq)
	t.Run("Gmail: a day's budget", testBudget)
	t.Run("Gmail: few commands for a spoilt batch", testSpoiltBatch)
	t.Run("Microsoft 365: for how long", testWait)
	t.Run("Microsoft 365: why a token is refused", testTokenRefused)
	t.Run("Microsoft 365: a token that grows old", testTokenGrowsOld)
	t.Run("Exchange: a stand-in", testStandIn)
	t.Run("Yahoo: HIGHESTMODSEQ without CONDSTORE", testModSeqWithoutCondStore)
	t.Run("IONOS: CONDSTORE offered and not kept", testCondStoreNotKept)
	t.Run("Dovecot: one UIDVALIDITY for all folders", testSameUIDValidity)
	t.Run("Courier: provisional UIDs", testReusedUID)
	t.Run("DavMail: a description in fragments", testFragments)
	t.Run("DavMail and others: PEEK marks as read", testMarksSeen)
	t.Run("hMailServer: a wrong RFC822.SIZE", testWrongSize)
	t.Run("VANISHED is a hint", testVanished)
}

// withNo refuses every FETCH of messages in which a UID is.
func withNo(uid uint32, words string) func(string) string {
	return func(cmd string) string {
		if isBodies(cmd) && inSet(strings.Fields(cmd)[2], uid) {
			return "$T " + words + "\r\n"
		}
		return ""
	}
}

// describe answers a FETCH without bodies with these UIDs and no others.
func (b *box) describe(uids ...uint32) string {
	out := ""
	for i, m := range b.msgs {
		if slices.Contains(uids, m.uid) {
			out += fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d)\r\n", i+1, m.uid, len(m.body))
		}
	}
	return out + "$T OK done\r\n"
}

func withToken(a *imapsync.Account) {
	a.Password = nil
	a.Token = func(context.Context) (string, error) { return "wrong-secret", nil }
}

// unsafeLogin refuses folders until the client has a name.
func unsafeLogin() func(string) string {
	named := false
	return func(cmd string) string {
		if strings.HasPrefix(cmd, "ID ") {
			named = true
			return "* ID NIL\r\n$T OK done\r\n"
		}
		if strings.HasPrefix(cmd, "EXAMINE") && !named {
			return "$T NO SELECT Unsafe Login. Please contact the provider\r\n"
		}
		return ""
	}
}

func testTokenRefused(t *testing.T) {
	leakCheck(t)
	why := base64.StdEncoding.EncodeToString([]byte(`{"status":"400","schemes":"bearer","scope":"imap"}`))
	for _, caps := range []string{"AUTH=XOAUTH2", "AUTH=XOAUTH2 SASL-IR", "AUTH=OAUTHBEARER", "AUTH=OAUTHBEARER SASL-IR"} {
		challenges := 0
		ir := strings.Contains(caps, "SASL-IR")
		s, a := scripted(t, &box{msgs: three(), over: func(cmd string) string {
			switch {
			case cmd == "CAPABILITY":
				return "* CAPABILITY IMAP4rev1 " + caps + "\r\n$T OK done\r\n"
			case strings.HasPrefix(cmd, "AUTHENTICATE") && !ir:
				return "+ \r\n"
			case strings.HasPrefix(cmd, "AUTHENTICATE"), !ir && challenges == 0:
				challenges++
				return "+ " + why + "\r\n"
			}
			return "A2 NO SASL authentication failed\r\n"
		}}, "")
		withToken(&a)
		_, err := imapsync.Run(t.Context(), a, imaptest.NewStore(), newStage(t), imapsync.Options{})
		wantError(t, err, imapsync.ErrAuth, "SASL authentication failed", "status", "400")
		if last := s.Commands()[len(s.Commands())-1]; last != "" { // the "*" line has no command after its tag
			t.Errorf("%s: last sent %q", caps, last)
		}
	}
}

// A session that ends with its token is gone on with, with another token.
func testTokenGrowsOld(t *testing.T) {
	leakCheck(t)
	tokens, ended := 0, false
	s, a := scripted(t, &box{three(), func(cmd string) string {
		switch {
		case cmd == "CAPABILITY":
			return "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n$T OK done\r\n"
		case isBodies(cmd) && !ended:
			ended = true
			return "* 1 FETCH (UID 1 BODY[] {5}\r\none\r\n)\r\n* BYE Session invalidated - AccessTokenExpired\r\n$END"
		}
		return ""
	}}, "")
	withToken(&a)
	a.Token = func(context.Context) (string, error) { tokens++; return fmt.Sprint("token ", tokens), nil }
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	if got := states(st, "INBOX"); got != all || tokens != 2 {
		t.Errorf("got %s, want %s; %d tokens, want 2", got, all, tokens)
	}
	second := "AUTHENTICATE XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=nora\x01auth=Bearer token 2\x01\x01"))
	if !slices.Contains(s.Commands(), second) {
		t.Errorf("sent %q", s.Commands())
	}
}

func testExpungeWithoutModSeq(t *testing.T) {
	b := &box{msgs: three()}
	withStatus(b, nil)
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	b.msgs = b.msgs[:2]
	if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.Gone != 1 || !f.Clean {
		t.Errorf("%s", counts(f))
	}
	if got, want := states(st, "INBOX"), "stored 1 2, vanished 5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// HIGHESTMODSEQ means something only where CONDSTORE is offered.
func testModSeqWithoutCondStore(t *testing.T) {
	b := &box{}
	for i := range 60 { // more than are compared in any case
		b.msgs = append(b.msgs, message{uid: uint32(i + 1), body: fmt.Sprintf("message %d\r\n", i)})
	}
	withStatus(b, prefixed(map[string]string{"CAPABILITY": "* CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS\r\n$T OK done\r\n"}))
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	b.msgs[0].flags = `\Flagged`
	if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.Unchanged || f.Flags != 1 {
		t.Errorf("%s", counts(f))
	}
}

// A server that offers CONDSTORE and refuses what comes with it is one without.
func testCondStoreNotKept(t *testing.T) {
	const list = "* LIST () \"/\" INBOX\r\n$T OK done\r\n"
	for _, answers := range []map[string]string{
		{`EXAMINE "INBOX" (CONDSTORE)`: "$T BAD expected end of command\r\n"},
		{"LIST": list, "STATUS": "$T BAD unknown item\r\n"},
		{"LIST": list, "STATUS": "$T NO not now\r\n"},
		{"LIST": list, `LIST "" "*" RETURN`: "$T BAD what\r\n", `EXAMINE "INBOX" (CONDSTORE)`: "$T BAD what\r\n", "STATUS": "$T BAD what\r\n"},
	} {
		b := &box{msgs: three()}
		withStatus(b, prefixed(answers))
		_, a := scripted(t, b, "")
		st := imaptest.NewStore()
		run(t, a, st, imapsync.Options{})
		b.msgs[1].flags = `\Flagged`
		b.msgs = append(b.msgs, message{uid: 9, body: "nine\r\n"})
		if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.New != 1 || f.Flags != 1 || !f.Clean {
			t.Errorf("%v: %s", answers, counts(f))
		}
	}
}

func testSameUIDValidity(t *testing.T) {
	b := &box{three(), prefixed(map[string]string{"LIST": "* LIST () \"/\" A\r\n* LIST () \"/\" B\r\n$T OK\r\n"})}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	for _, name := range []string{"A", "B"} {
		holds(t, st, name, []archive.Ref{ref([]byte("one\r\n")), ref([]byte("two\r\n")), ref([]byte("five\r\n"))})
	}
}

// What is said of a UID in several responses is put together; another session's flags
// beside it are none.
func testFragments(t *testing.T) {
	out := ""
	for i, m := range three() {
		out += fmt.Sprintf("* %d FETCH (UID %d FLAGS (\\Seen))\r\n* %d FETCH (UID %d INTERNALDATE \"01-Mar-2024 10:00:00 +0000\")\r\n* %d FETCH (UID %d RFC822.SIZE %d)\r\n",
			i+1, m.uid, i+1, m.uid, i+1, m.uid, len(m.body))
	}
	_, a := scripted(t, &box{three(), func(cmd string) string {
		switch {
		case isBodies(cmd):
			return (&box{msgs: three()}).answerBodies(1, 2, 5)
		case strings.HasPrefix(cmd, "UID FETCH"):
			return out + "$T OK done\r\n"
		}
		return ""
	}}, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.Flags+f.Reused > 0 {
		t.Errorf("%s", counts(f))
	}
	for u, r := range st.Rows("INBOX") {
		if r.Size == 0 || r.InternalDate.IsZero() || !slices.Equal(r.Flags, []string{`\Seen`}) {
			t.Errorf("UID %d: %+v", u, r)
		}
	}
}

// marking is a box of n messages that marks as read what it gives, and more as other
// says.
func marking(n int, gives bool, other func(given int) []uint32) *box {
	b := &box{}
	for i := range n {
		b.msgs = append(b.msgs, message{uid: uint32(i + 1), body: fmt.Sprintf("message %d\r\n", i)})
	}
	given := 0
	b.over = func(cmd string) string {
		if !isBodies(cmd) {
			return ""
		}
		a := (&box{msgs: b.msgs}).answer(0, cmd)
		for i, m := range b.msgs {
			if inSet(strings.Fields(cmd)[2], m.uid) {
				given++
				if gives {
					b.msgs[i].flags = `\Seen`
				}
			}
		}
		if other != nil {
			for _, u := range other(given) {
				b.msgs[u-1].flags = `\Seen`
			}
		}
		return a
	}
	return b
}

func readUpTo(b *box, n int) *box {
	for i := range n {
		b.msgs[i].flags = `\Seen`
	}
	return b
}

// A server that marks messages as read when they are fetched is noticed at the first
// three, and left alone from then on; somebody who reads beside us is not taken for it.
func testMarksSeen(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    *box
		edit func(*imapsync.Account)
		opt  imapsync.Options
		kind error
		want int // stored
		seen int // Result.Seen
	}{
		{name: "it does", b: marking(10, true, nil), kind: imapsync.ErrFolder, want: 3, seen: imapsync.SeenProven},
		{name: "it does not", b: marking(10, false, nil), want: 10, seen: -1},
		{name: "it does, and that is all right", b: marking(10, true, nil), edit: func(a *imapsync.Account) { a.AllowNotReadOnly = true }, want: 10},
		{name: "one message, which is read", b: marking(1, true, nil), want: 1, seen: 1},
		{name: "all are read by somebody", b: marking(10, false, func(int) []uint32 { return []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10} }), want: 10, seen: 1},
		{name: "one is read by somebody", b: marking(10, false, func(int) []uint32 { return []uint32{2} }), want: 10, seen: -1},
		{name: "the first batch is read already", b: readUpTo(marking(1010, false, nil), 1001), want: 1010, seen: -1},
		{name: "it is known to", b: marking(10, true, nil), opt: imapsync.Options{MarksSeen: true}, kind: imapsync.ErrFolder, want: 0},
		{name: "it is known to, and that is all right", b: marking(10, true, nil), opt: imapsync.Options{MarksSeen: true},
			edit: func(a *imapsync.Account) { a.AllowNotReadOnly = true }, want: 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			_, a := scripted(t, tt.b, "")
			if tt.edit != nil {
				tt.edit(&a)
			}
			st := imaptest.NewStore()
			res, err := imapsync.Run(t.Context(), a, st, newStage(t), tt.opt)
			noProblems(t, st)
			if tt.kind == nil && err != nil {
				t.Fatal(err)
			}
			if tt.kind != nil {
				wantError(t, err, tt.kind, "marks messages as read")
			}
			if got := len(st.Refs("INBOX")); got != tt.want || res.Seen != tt.seen {
				t.Errorf("%d messages stored, Seen %d; want %d and %d", got, res.Seen, tt.want, tt.seen)
			}
		})
	}
}

// What VANISHED says is gone is not asked for one by one, and is gone only when two
// lists say so.
func testVanished(t *testing.T) {
	for _, tt := range []struct {
		name string
		lies bool
		want string
	}{
		{"it is gone", false, "stored 1 5, vanished 2"},
		{"it is not", true, "stored 1 5, quarantined 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			b := &box{msgs: three()}
			asked := 0
			b.over = func(cmd string) string {
				switch {
				case cmd == "CAPABILITY":
					return "* CAPABILITY IMAP4rev1 ENABLE QRESYNC CONDSTORE\r\n$T OK done\r\n"
				case cmd == "ENABLE QRESYNC":
					return "* ENABLED QRESYNC\r\n$T OK done\r\n"
				case isBodies(cmd) && inSet(strings.Fields(cmd)[2], 2):
					asked++
					if !tt.lies {
						b.msgs = slices.DeleteFunc(three(), func(m message) bool { return m.uid == 2 })
					}
					return "* VANISHED (EARLIER) 300:310\r\n* VANISHED 2\r\n" + (&box{msgs: three()}).answerBodies(1, 5)
				}
				return ""
			}
			s, a := scripted(t, b, "")
			st := imaptest.NewStore()
			_, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{RetryDelay: time.Millisecond})
			if tt.lies != errors.Is(err, imapsync.ErrFolder) && err != nil {
				t.Errorf("first pass: %v", err)
			}
			if asked != 1 {
				t.Errorf("it was asked for %d times", asked)
			}
			if _, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{RetryDelay: time.Millisecond}); err != nil && !tt.lies {
				t.Errorf("second pass: %v", err)
			}
			noProblems(t, st)
			if got := states(st, "INBOX"); got != tt.want {
				t.Errorf("got %s, want %s; events %v", got, tt.want, st.Events)
			}
			if !slices.Contains(s.Commands(), "ENABLE QRESYNC") {
				t.Errorf("sent %q", s.Commands())
			}
		})
	}
}
