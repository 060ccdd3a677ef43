package imapsync_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// message is one message of a scripted mailbox.
type message struct {
	uid   uint32
	body  string
	date  string // INTERNALDATE, "" for a fixed one
	flags string
}

// box is a scripted server with one set of messages in every folder. over
// answers commands by their beginning before box does; "" in it means that box
// answers after all, "-" that the connection ends.
type box struct {
	msgs []message
	over func(command string) string
}

func (b *box) answer(_ int, cmd string) string {
	if b.over != nil {
		switch a := b.over(cmd); a {
		case "":
		case "-":
			return ""
		default:
			return a
		}
	}
	var out strings.Builder
	switch {
	case cmd == "CAPABILITY":
		out.WriteString("* CAPABILITY IMAP4rev1\r\n")
	case strings.HasPrefix(cmd, "LIST"):
		out.WriteString("* LIST () \"/\" INBOX\r\n")
	case strings.HasPrefix(cmd, "EXAMINE"):
		fmt.Fprintf(&out, "* %d EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 100] next\r\n$T OK [READ-ONLY] opened\r\n", len(b.msgs))
		return out.String()
	case strings.HasPrefix(cmd, "UID SEARCH"):
		out.WriteString("* SEARCH")
		for _, m := range b.msgs {
			fmt.Fprintf(&out, " %d", m.uid)
		}
		out.WriteString("\r\n")
	case strings.HasPrefix(cmd, "UID FETCH"):
		f := strings.SplitN(cmd, " ", 4)
		for i, m := range b.msgs {
			if !inSet(f[2], m.uid) {
				continue
			}
			date := m.date
			if date == "" {
				date = "01-Mar-2024 10:00:00 +0000"
			}
			fmt.Fprintf(&out, "* %d FETCH (UID %d", i+1, m.uid)
			if strings.Contains(f[3], "FLAGS") {
				fmt.Fprintf(&out, " FLAGS (%s) INTERNALDATE \"%s\" RFC822.SIZE %d", m.flags, date, len(m.body))
			}
			if strings.Contains(f[3], "BODY.PEEK[]") {
				fmt.Fprintf(&out, " BODY[] {%d}\r\n%s", len(m.body), m.body)
			}
			out.WriteString(")\r\n")
		}
	case cmd == "LOGOUT":
		out.WriteString("* BYE bye\r\n")
	}
	out.WriteString("$T OK done\r\n")
	return out.String()
}

func inSet(set string, uid uint32) bool {
	for part := range strings.SplitSeq(set, ",") {
		lo, hi, ok := strings.Cut(part, ":")
		if !ok {
			hi = lo
		}
		a, _ := strconv.ParseUint(lo, 10, 32)
		b, err := strconv.ParseUint(hi, 10, 32)
		if err != nil {
			b = 1<<32 - 1
		}
		if uint64(uid) >= a && uint64(uid) <= b {
			return true
		}
	}
	return false
}

func three() []message {
	return []message{{uid: 1, body: "one\r\n"}, {uid: 2, body: "two\r\n"}, {uid: 5, body: "five\r\n"}}
}

// prefixed answers by the longest matching beginning of a command.
func prefixed(answers map[string]string) func(string) string {
	return func(cmd string) string {
		best := ""
		for p := range answers {
			if strings.HasPrefix(cmd, p) && len(p) >= len(best) {
				best = p
			}
		}
		return answers[best]
	}
}

func scripted(t *testing.T, b *box, greeting string) (*imaptest.Script, imapsync.Account) {
	t.Helper()
	s := (&imaptest.Script{Greeting: greeting, Answer: b.answer}).Start(t)
	return s, imapsync.Account{
		Address: "nora@deskandco.example", Server: "insecure://" + s.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "wrong-secret", nil },
	}
}

func isBodies(cmd string) bool {
	return strings.HasPrefix(cmd, "UID FETCH") && strings.Contains(cmd, "BODY.PEEK[]")
}

// What servers do, and what a pass makes of it.
func TestServers(t *testing.T) {
	tests := []struct {
		name     string
		greeting string
		over     func(string) string
		edit     func(*imapsync.Account)
		want     string // counts of INBOX, "" if it was not reached
		kind     error
		words    []string // in the error and its hint
		event    string   // kind that must be recorded
		never    string   // beginning of a command that must not be sent
	}{
		{name: "plain", want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "preauth", greeting: "* PREAUTH hello\r\n", never: "LOGIN",
			want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "greeting without text", greeting: "* OK\r\n",
			want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "not imap", greeting: "220 smtp.example ESMTP\r\n", kind: imapsync.ErrUnreachable, words: []string{"greeting", "220 smtp.example"}},
		{name: "too many connections", greeting: "* BYE Too many simultaneous connections\r\n", kind: imapsync.ErrBusy,
			words: []string{"Too many simultaneous connections"}, event: imapsync.EventBye},
		{name: "wrong password", over: prefixed(map[string]string{"LOGIN": "$T NO [AUTHENTICATIONFAILED] no such user\r\n"}),
			kind: imapsync.ErrAuth, words: []string{"no such user", `"nora"`}, event: imapsync.EventRefused},
		{name: "login limit", over: prefixed(map[string]string{"LOGIN": "$T NO [LIMIT] slow down\r\n"}), kind: imapsync.ErrBusy, words: []string{"slow down"}},
		{name: "login disabled", over: prefixed(map[string]string{"CAPABILITY": "* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2\r\n$T OK\r\n"}),
			kind: imapsync.ErrAuth, words: []string{"XOAUTH2"}, never: "LOGIN"},
		{name: "starttls after preauth", greeting: "* PREAUTH hello\r\n", edit: toStartTLS, kind: imapsync.ErrTLS, words: []string{"993"}, never: "LIST"},
		{name: "starttls refused", edit: toStartTLS, over: prefixed(map[string]string{"STARTTLS": "$T NO not here\r\n"}),
			kind: imapsync.ErrTLS, words: []string{"not here"}, never: "LOGIN"},
		{name: "starttls with data behind", edit: toStartTLS, over: prefixed(map[string]string{"STARTTLS": "$T OK go\r\n* CAPABILITY IMAP4rev1\r\n"}),
			kind: imapsync.ErrTLS, words: []string{"in the clear"}, never: "LOGIN"},
		{name: "list refused", over: prefixed(map[string]string{"LIST": "$T NO not now\r\n"}), kind: imapsync.ErrProtocol, words: []string{"not now"}},
		{name: "read-write", over: prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n$T OK [READ-WRITE]\r\n"}),
			want: "server 3 new 0 gone 0 flags 0 reused 0 quarantined 0 left 0", kind: imapsync.ErrFolder, words: []string{"reading only"}, event: imapsync.EventNotReadOnly, never: "UID"},
		{name: "read-write allowed", over: prefixed(map[string]string{"EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n$T OK [READ-WRITE]\r\n"}),
			edit: func(a *imapsync.Account) { a.AllowNotReadOnly = true }, event: imapsync.EventNotReadOnly,
			want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "folder refused", over: prefixed(map[string]string{"EXAMINE": "$T NO [NOPERM] denied\r\n"}),
			want: "server -1 new 0 gone 0 flags 0 reused 0 quarantined 0 left 0", kind: imapsync.ErrFolder, words: []string{"INBOX", "denied", "exclude"}, event: imapsync.EventRefused},
		{name: "count too high", over: prefixed(map[string]string{"EXAMINE": "* 4 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n$T OK [READ-ONLY]\r\n"}), event: imapsync.EventCount,
			want: "server 4 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0", kind: imapsync.ErrFolder, words: []string{"counts 4 messages and lists 3"}},
		{name: "search in any order, with UID 0", over: prefixed(map[string]string{"UID SEARCH": "* SEARCH 5 0 1 2 1\r\n$T OK\r\n"}),
			want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "esearch", over: prefixed(map[string]string{"CAPABILITY": "* CAPABILITY IMAP4rev1 ESEARCH\r\n$T OK\r\n", "UID SEARCH RETURN": "* ESEARCH (TAG \"$T\") UID ALL 1:2,5\r\n$T OK\r\n"}),
			never: "UID SEARCH UID", want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
		{name: "descriptions refused", over: func(cmd string) string {
			if strings.HasPrefix(cmd, "UID FETCH") && !isBodies(cmd) {
				return "$T NO some messages could not be fetched\r\n"
			}
			return ""
		}, want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean", event: imapsync.EventRefetch},
		{name: "one response of many lines", over: prefixed(map[string]string{"NOOP": strings.Repeat("* 3 EXISTS\r\n", 1000) + "$T OK\r\n"}),
			want: "server 3 new 3 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leakCheck(t)
			s, a := scripted(t, &box{three(), tt.over}, tt.greeting)
			if tt.edit != nil {
				tt.edit(&a)
			}
			st := imaptest.NewStore()
			var log bytes.Buffer
			opt := imapsync.Options{Idle: 2 * time.Second, RetryDelay: time.Millisecond,
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			res, err := imapsync.Run(t.Context(), a, st, newStage(t), opt)
			noProblems(t, st)
			if tt.kind == nil && err != nil {
				t.Fatalf("Run: %v", err)
			}
			if tt.kind != nil {
				if tt.kind != imapsync.ErrProtocol {
					wantError(t, err, tt.kind, tt.words...)
				} else if !strings.Contains(fmt.Sprint(err), tt.words[0]) {
					t.Errorf("error %v, want %q in it", err, tt.words[0])
				}
			}
			got := ""
			if len(res.Folders) > 0 {
				got = counts(res.Folders[0])
			}
			if got != tt.want {
				t.Errorf("got %s, want %s\nevents: %v", got, tt.want, st.Events)
			}
			if tt.event != "" && st.Kinds()[tt.event] == 0 {
				t.Errorf("no event %q in %v", tt.event, st.Events)
			}
			for _, c := range s.Commands() {
				if tt.never != "" && strings.HasPrefix(c, tt.never) {
					t.Errorf("sent %q", c)
				}
			}
			if n := len(slices.DeleteFunc(s.Commands(), func(c string) bool { return !strings.HasPrefix(c, "LOGIN") })); n > 1 && tt.kind == imapsync.ErrAuth {
				t.Errorf("logged in %d times after a refusal", n)
			}
			if all := fmt.Sprint(st.Events, log.String(), err); strings.Contains(all, "wrong-secret") {
				t.Errorf("the password is in %s", all)
			}
		})
	}
}

func toStartTLS(a *imapsync.Account) {
	a.Server = strings.Replace(a.Server, "insecure://", "starttls://", 1)
}

// Names are octets: what LIST gave is what EXAMINE gets, and one odd name does
// not hide the others.
func testNames(t *testing.T) {
	names := []struct{ list, raw, display, examine string }{
		{`INBOX`, "INBOX", "INBOX", `EXAMINE "INBOX"`},
		{`"Sent Items"`, "Sent Items", "Sent Items", `EXAMINE "Sent Items"`},
		{`"Entw&APw-rfe"`, "Entw&APw-rfe", "Entwürfe", `EXAMINE "Entw&APw-rfe"`},
		{`"&BBAEMQQyACYEMwQ0BDU-"`, "&BBAEMQQyACYEMwQ0BDU-", "Абв&где", `EXAMINE "&BBAEMQQyACYEMwQ0BDU-"`},
		{`"R&D"`, "R&D", "R&D", `EXAMINE "R&D"`},
		{`"a & b"`, "a & b", "a & b", `EXAMINE "a & b"`},
		{`"say \"hi\" \\o/"`, `say "hi" \o/`, `say "hi" \o/`, `EXAMINE "say \"hi\" \\o/"`},
		{"{7}\r\nL\xe4ngs\r\t", "L\xe4ngs\r\t", "L\uFFFDngs\r\t", "EXAMINE {7}L\xe4ngs\r\t"},
		{`plain]name`, "plain]name", "plain]name", `EXAMINE "plain]name"`},
	}
	var list strings.Builder
	for _, n := range names {
		fmt.Fprintf(&list, "* LIST (\\HasNoChildren) \"/\" %s\r\n", n.list)
	}
	list.WriteString("* LIST garbage\r\n* LIST (\\Noselect) NIL \"\"\r\n$T OK done\r\n")
	b := &box{three(), prefixed(map[string]string{"LIST": list.String()})}
	s, a := scripted(t, b, "")
	st := imaptest.NewStore()
	res := run(t, a, st, imapsync.Options{})
	for _, n := range names {
		if f := folder(t, res, n.raw); f.Display != n.display || f.New != 3 {
			t.Errorf("%q: display %q, want %q; %s", n.raw, f.Display, n.display, counts(f))
		}
		if !slices.Contains(s.Commands(), n.examine) {
			t.Errorf("%q: not asked with %q", n.raw, n.examine)
		}
	}
}

// A folder that ends every connection does not keep the others from being
// collected.
func TestDeadlyFolder(t *testing.T) {
	leakCheck(t)
	b := &box{three(), prefixed(map[string]string{
		"LIST":             "* LIST () NIL A\r\n* LIST () NIL Deadly\r\n* LIST () NIL Z\r\n$T OK\r\n",
		`EXAMINE "Deadly"`: "-",
	})}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	res, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{RetryDelay: time.Microsecond})
	wantError(t, err, imapsync.ErrFolder, `"Deadly"`)
	for _, name := range []string{"A", "Z"} {
		if f := folder(t, res, name); !f.Clean || f.New != 3 {
			t.Errorf("%s: %s", name, counts(f))
		}
	}
}

// A server without CONDSTORE: nothing is ever skipped, and flags are compared.
func TestWithoutModSeq(t *testing.T) {
	b := &box{msgs: three()}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	if got, want := counts(folder(t, run(t, a, st, imapsync.Options{}), "INBOX")), "server 3 new 0 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
		t.Errorf("no change: got %s, want %s", got, want)
	}
	b.msgs[1].flags = `\Seen`
	b.msgs = append(b.msgs[:2:2], message{uid: 9, body: "nine\r\n"}) // 5 goes, 9 comes: the count stays
	if got, want := counts(folder(t, run(t, a, st, imapsync.Options{}), "INBOX")), "server 3 new 1 gone 1 flags 1 reused 0 quarantined 0 left 0 clean"; got != want {
		t.Errorf("changes: got %s, want %s", got, want)
	}
}

// Courier under EXAMINE gives a UID to another message with the same
// UIDVALIDITY. Both messages are kept.
func testReusedUID(t *testing.T) {
	b := &box{msgs: []message{{uid: 6, body: "message B\r\n", date: "02-Mar-2024 10:00:00 +0000"}}}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	b.msgs = []message{
		{uid: 6, body: "message A, which came first\r\n", date: "01-Mar-2024 10:00:00 +0000"},
		{uid: 7, body: "message B\r\n", date: "02-Mar-2024 10:00:00 +0000"},
	}
	if got, want := counts(folder(t, run(t, a, st, imapsync.Options{}), "INBOX")), "server 2 new 2 gone 0 flags 0 reused 1 quarantined 0 left 0 clean"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got := st.Refs("INBOX")
	want := map[uint32][]archive.Ref{6: {ref([]byte("message B\r\n")), ref([]byte("message A, which came first\r\n"))}, 7: {ref([]byte("message B\r\n"))}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
}

// A UID that comes back after one enumeration without it was never gone.
func TestComesBack(t *testing.T) {
	b := &box{msgs: three()}
	s, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	all := b.msgs
	conns := 0
	b.msgs = all[:2]
	b.over = func(cmd string) string {
		if cmd == "CAPABILITY" {
			if conns++; conns == 3 { // LOGIN's and the plain one of the first session
				b.msgs = all
			}
		}
		return ""
	}
	res := run(t, a, st, imapsync.Options{})
	if got, want := counts(folder(t, res, "INBOX")), "server 3 new 0 gone 0 flags 0 reused 0 quarantined 0 left 0 clean"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r := st.Rows("INBOX")[5]; r.State != imapsync.Stored || r.Missed != "" {
		t.Errorf("row %+v", r)
	}
	_ = s
}

// A message of no octets is a message when the server says so beforehand.
func TestEmptyMessage(t *testing.T) {
	b := &box{msgs: []message{{uid: 1, body: ""}, {uid: 2, body: "two\r\n"}}}
	_, a := scripted(t, b, "")
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	holds(t, st, "INBOX", []archive.Ref{ref(nil), ref([]byte("two\r\n"))})
}

// The size on the server may be wrong, and the message is right all the same.
func testWrongSize(t *testing.T) {
	b := &box{msgs: three()}
	inner := b.answer
	s := (&imaptest.Script{Answer: func(n int, cmd string) string {
		return strings.ReplaceAll(inner(n, cmd), "RFC822.SIZE 5", "RFC822.SIZE 50")
	}}).Start(t)
	_, a := scripted(t, b, "")
	a.Server = "insecure://" + s.Addr
	st := imaptest.NewStore()
	run(t, a, st, imapsync.Options{})
	holds(t, st, "INBOX", []archive.Ref{ref([]byte("one\r\n")), ref([]byte("two\r\n")), ref([]byte("five\r\n"))})
	if st.Kinds()[imapsync.EventSizeDiffers] != 1 {
		t.Errorf("events %v", st.Events)
	}
	if f := folder(t, run(t, a, st, imapsync.Options{}), "INBOX"); f.New != 0 || f.Reused != 0 {
		t.Errorf("second pass: %s", counts(f))
	}
}

// A message over the limit is not even asked for.
func TestTooLarge(t *testing.T) {
	b := &box{msgs: append(three(), message{uid: 8, body: strings.Repeat("x", 2000)})}
	s, a := scripted(t, b, "")
	st := imaptest.NewStore()
	res := run(t, a, st, imapsync.Options{MaxMessage: 1000})
	if got, want := counts(folder(t, res, "INBOX")), "server 4 new 3 gone 0 flags 0 reused 0 quarantined 1 left 0 clean"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range s.Commands() {
		if isBodies(c) && strings.Contains(c, "8") && !strings.Contains(c, "822") {
			t.Errorf("sent %q", c)
		}
	}
}
