package imapsync_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// A personality is a server that is a box but for some answers, and what a pass over
// it comes to.
type personality struct {
	name     string
	greeting string
	caps     string // of CAPABILITY, besides IMAP4rev1
	msgs     []message
	over     func(command string) string
	edit     func(*imapsync.Account)
	max      int64 // Options.MaxMessage

	want  string // states of INBOX, as states writes them
	kind  error  // of the pass
	words string // in the error and its hint
	event string // kind that is recorded
	tells string // in the words of an event
	quiet bool   // nothing has to be asked for again
	sent  string // beginning of a command that is sent
	never string // beginning of one that is not
}

const all = "stored 1 2 5"

func (p personality) play(t *testing.T) {
	leakCheck(t)
	b := &box{p.msgs, p.over}
	if b.msgs == nil {
		b.msgs = three()
	}
	if p.caps != "" {
		inner := b.over
		b.over = func(cmd string) string {
			if inner != nil {
				if a := inner(cmd); a != "" {
					return a
				}
			}
			if cmd == "CAPABILITY" {
				return "* CAPABILITY IMAP4rev1 " + p.caps + "\r\n$T OK done\r\n"
			}
			return ""
		}
	}
	s, a := scripted(t, b, p.greeting)
	if p.edit != nil {
		p.edit(&a)
	}
	st := imaptest.NewStore()
	_, err := imapsync.Run(t.Context(), a, st, newStage(t), imapsync.Options{Idle: 10 * time.Second, RetryDelay: time.Millisecond, MaxMessage: p.max})
	noProblems(t, st)
	if p.kind == nil && err != nil {
		t.Fatalf("Run: %v\nevents: %v", err, st.Events)
	}
	if p.kind != nil && !errors.Is(err, p.kind) {
		t.Errorf("error %v, want one of kind %q", err, p.kind)
	}
	var e *imapsync.Error
	if errors.As(err, &e) && !strings.Contains(e.Error()+e.Hint, p.words) {
		t.Errorf("error %v (%s), want %q in it", err, e.Hint, p.words)
	}
	if got := states(st, "INBOX"); got != p.want {
		t.Errorf("got %s, want %s\nevents: %v", got, p.want, st.Events)
	}
	onlyTheirs(t, st, b.msgs)
	if p.event != "" && st.Kinds()[p.event] == 0 {
		t.Errorf("no event %q in %v", p.event, st.Events)
	}
	if !slices.ContainsFunc(st.Events, func(e imaptest.Event) bool { return strings.Contains(e.Detail, p.tells) }) {
		t.Errorf("no event tells %q in %v", p.tells, st.Events)
	}
	if n := st.Kinds()[imapsync.EventRefetch] + st.Kinds()[imapsync.EventRetry]; p.quiet && n > 0 {
		t.Errorf("something was asked for again: %v", st.Events)
	}
	readOnly(t, s)
	starts := func(with string) bool {
		return slices.ContainsFunc(s.Commands(), func(c string) bool { return strings.HasPrefix(c, with) })
	}
	if p.never != "" && starts(p.never) || p.sent != "" && !starts(p.sent) {
		t.Errorf("sent %q; want %q in it and not %q", s.Commands(), p.sent, p.never)
	}
}

// states tells how far the UIDs of a folder have come: "stored 1 5, quarantined 2".
func states(st *imaptest.Store, name string) string {
	by := map[imapsync.State][]string{}
	rows := st.Rows(name)
	for _, u := range slices.Sorted(maps.Keys(rows)) {
		by[rows[u].State] = append(by[rows[u].State], fmt.Sprint(u))
	}
	var out []string
	for _, s := range []imapsync.State{imapsync.Listed, imapsync.Stored, imapsync.Quarantined, imapsync.Vanished} {
		if len(by[s]) > 0 {
			out = append(out, string(s)+" "+strings.Join(by[s], " "))
		}
	}
	return strings.Join(out, ", ")
}

// onlyTheirs checks that under each UID there is its message, once, and nothing else.
func onlyTheirs(t *testing.T, st *imaptest.Store, msgs []message) {
	t.Helper()
	for u, refs := range st.Refs("INBOX") {
		i := slices.IndexFunc(msgs, func(m message) bool { return m.uid == u })
		if i < 0 || len(refs) != 1 || refs[0] != ref([]byte(msgs[i].body)) {
			t.Errorf("UID %d holds what is not its message, or more than once", u)
		}
	}
}

// readOnly checks that nothing was asked for that changes a mailbox, or that servers
// answer badly.
func readOnly(t *testing.T, s *imaptest.Script) {
	t.Helper()
	for _, c := range s.Commands() {
		verb, _, _ := strings.Cut(c, " ")
		if slices.Contains([]string{"SELECT", "CLOSE", "STORE", "EXPUNGE", "COPY", "MOVE", "APPEND", "CREATE", "DELETE", "RENAME"}, verb) {
			t.Errorf("sent %q", c)
		}
		for _, no := range []string{"BODY[", "ENVELOPE", "BODYSTRUCTURE", "MODSEQ)", "]<", "(RFC822)", "UTF8=ACCEPT", "IMAP4rev2", "SMALLER", "LARGER"} {
			if strings.Contains(c, no) && verb != "LIST" && verb != "STATUS" {
				t.Errorf("sent %q with %q", c, no)
			}
		}
	}
}

// times lets an answer be given n times; then the box answers.
func times(n int, over func(string) string) func(string) string {
	return func(cmd string) string {
		a := ""
		if n > 0 {
			if a = over(cmd); a != "" {
				n--
			}
		}
		return a
	}
}

// toBodies answers the fetching of messages.
func toBodies(answer string) func(string) string {
	return func(cmd string) string {
		if isBodies(cmd) {
			return answer
		}
		return ""
	}
}

// withTwo answers every FETCH of messages in which UID 2 is with the messages that were
// asked for, and with second in the place of that one; "$END" behind it ends the
// connection there.
func withTwo(second string) func(string) string {
	return func(cmd string) string {
		if !isBodies(cmd) || !inSet(strings.Fields(cmd)[2], 2) {
			return ""
		}
		out := ""
		for i, m := range three() {
			switch {
			case !inSet(strings.Fields(cmd)[2], m.uid):
			case m.uid == 2:
				out += second
				if strings.HasSuffix(out, "$END") {
					return out
				}
			default:
				out += fmt.Sprintf("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, m.uid, len(m.body), m.body)
			}
		}
		return out + "$T OK done\r\n"
	}
}

// full is withTwo for a FETCH that asks for FLAGS, INTERNALDATE and RFC822.SIZE too.
func full(second string) func(string) string {
	over := withTwo(second)
	return func(cmd string) string {
		if strings.Contains(cmd, "FLAGS") {
			return over(cmd)
		}
		return ""
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
