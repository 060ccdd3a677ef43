package indexer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// namedMail is a message in a folder of a server that names its messages.
type namedMail struct {
	uid        int
	id, thread string
	labels     string
	body       string
}

// namingServer is a scripted server with OBJECTID or X-GM-EXT-1.
type namingServer struct {
	caps        string
	order       []string // folders, with attributes before the name
	folders     map[string][]namedMail
	ids         map[string]string // MAILBOXID
	uidValidity map[string]int    // 7 if none
	open        string
	fetched     int // bodies given
}

func (s *namingServer) account(t *testing.T) imapsync.Account {
	t.Helper()
	script := (&imaptest.Script{Answer: func(_ int, cmd string) string { return s.answer(cmd) + "$T OK [READ-ONLY] done\r\n" }}).Start(t)
	return imapsync.Account{Address: "nora@deskandco.example", Server: "insecure://" + script.Addr, Username: "nora",
		Password: func(context.Context) (string, error) { return "secret", nil }}
}

func (s *namingServer) answer(cmd string) (out string) {
	verb, rest, _ := strings.Cut(cmd, " ")
	switch verb {
	case "CAPABILITY":
		return "* CAPABILITY IMAP4rev1 " + s.caps + "\r\n"
	case "LIST":
		for _, name := range s.order {
			attrs, name, ok := strings.Cut(name, " ")
			if !ok {
				attrs, name = "", attrs
			}
			out += fmt.Sprintf("* LIST (%s) \"/\" %q\r\n", attrs, name)
		}
	case "EXAMINE":
		s.open = strings.Trim(strings.TrimSuffix(rest, " (CONDSTORE)"), `"`)
		validity := s.uidValidity[s.open]
		if validity == 0 {
			validity = 7
		}
		out = fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY %d] valid\r\n", len(s.folders[s.open]), validity)
		if id := s.ids[s.open]; id != "" {
			out += "* OK [MAILBOXID (" + id + ")] id\r\n"
		}
	case "UID":
		return s.uid(rest)
	}
	return out
}

func (s *namingServer) uid(cmd string) string {
	if strings.HasPrefix(cmd, "SEARCH") {
		out := "* SEARCH"
		for _, m := range s.folders[s.open] {
			out += fmt.Sprint(" ", m.uid)
		}
		return out + "\r\n"
	}
	out := ""
	set, items, _ := strings.Cut(strings.TrimPrefix(cmd, "FETCH "), " ")
	for i, m := range s.folders[s.open] {
		if !uidIn(set, m.uid) {
			continue
		}
		out += fmt.Sprintf("* %d FETCH (UID %d", i+1, m.uid)
		if strings.Contains(items, "RFC822.SIZE") {
			out += fmt.Sprintf(" FLAGS () INTERNALDATE \"01-Mar-2024 10:00:00 +0000\" RFC822.SIZE %d", len(m.body))
		}
		if strings.Contains(items, "EMAILID") {
			out += fmt.Sprintf(" EMAILID (%s) THREADID (%s)", m.id, m.thread)
		}
		if strings.Contains(items, "X-GM-MSGID") {
			out += fmt.Sprintf(" X-GM-THRID %s X-GM-MSGID %s X-GM-LABELS (%s)", m.thread, m.id, m.labels)
		}
		header, _, _ := strings.Cut(m.body, "\r\n\r\n")
		if header += "\r\n\r\n"; strings.Contains(items, "PEEK[HEADER]") {
			out += fmt.Sprintf(" BODY[HEADER] {%d}\r\n%s", len(header), header)
		}
		if strings.Contains(items, "PEEK[]") {
			s.fetched++
			out += fmt.Sprintf(" BODY[] {%d}\r\n%s", len(m.body), m.body)
		}
		out += ")\r\n"
	}
	return out
}

func uidIn(set string, uid int) bool {
	for part := range strings.SplitSeq(set, ",") {
		from, to, ok := strings.Cut(part, ":")
		if !ok {
			to = from
		}
		lo, _ := strconv.Atoi(from)
		hi, err := strconv.Atoi(to)
		if uid >= lo && (err != nil || uid <= hi) {
			return true
		}
	}
	return false
}

// letter makes a message; all of them are of one size.
func letter(n int) string {
	return fmt.Sprintf("From: ben@quarry.example\r\nSubject: order %02d\r\n\r\nOrder %02d is on its way.\r\n", n, n)
}

// want checks what a pass downloaded and what lies where.
func (s *namingServer) want(t *testing.T, v *Vault, fetched int, lies string) {
	t.Helper()
	if s.fetched != fetched {
		t.Errorf("%d messages downloaded, want %d", s.fetched, fetched)
	}
	s.fetched = 0
	if got := fmt.Sprint(live(t, v)); got != lies {
		t.Errorf("live occurrences %s, want %s", got, lies)
	}
	if text := fmt.Sprint(entriesOf[ledger.MsgSeen](t, v)); strings.Contains(text, "size, date") {
		t.Errorf("known by something other than the name: %s", text)
	}
}

// With X-GM-MSGID a label costs nothing but its header, also when it is put on later and
// when messages look alike; and labels and threads are kept.
func TestGmailNames(t *testing.T) {
	mail := []namedMail{{1, "1001", "900", `\Inbox Orders`, letter(1)}, {2, "1002", "900", `"Stone \"grey\"" \Inbox`, letter(2)}, {3, "1003", "901", "", letter(3)}}
	s := &namingServer{caps: "X-GM-EXT-1", order: []string{"INBOX", "Orders", `\All [Gmail]/All`},
		folders: map[string][]namedMail{"[Gmail]/All": mail, "INBOX": {{11, "1001", "900", "", letter(1)}, {12, "1002", "900", "", letter(2)}}, "Orders": {{5, "1001", "900", "", letter(1)}}}}
	a := s.account(t)
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	s.want(t, v, 3, "map[INBOX:2 Orders:1 [Gmail]/All:3]")

	// New mail, and a label put on old mail.
	s.folders["[Gmail]/All"] = append(mail, namedMail{4, "1004", "901", `\Inbox`, letter(4)})
	s.folders["INBOX"] = append(s.folders["INBOX"], namedMail{13, "1004", "901", "", letter(4)})
	s.folders["Orders"] = append(s.folders["Orders"], namedMail{6, "1003", "901", "", letter(3)})
	syncOnce(t, v, a)
	s.want(t, v, 1, "map[INBOX:3 Orders:2 [Gmail]/All:4]")

	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		for n, want := range map[int]int{1: 2, 3: 2} {
			b, err := c.Blob(sha256.Sum256([]byte(letter(n))))
			if err != nil {
				return err
			}
			if got, err := c.ServerThread(b.ID); err != nil || len(got) != want || !slices.Contains(got, b.ID) {
				t.Errorf("thread of letter %d: %v, %v; want %d", n, got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A user may hide the folder that has all messages from IMAP. The others then hold each
// once.
func TestGmailHidesAll(t *testing.T) {
	s := &namingServer{caps: "X-GM-EXT-1", order: []string{"INBOX", "Orders", `\Trash [Gmail]/Trash`},
		folders: map[string][]namedMail{"INBOX": {{11, "1001", "900", "", letter(1)}, {12, "1002", "900", "", letter(2)}},
			"Orders": {{5, "1001", "900", "", letter(1)}, {6, "1003", "901", "", letter(3)}}, "[Gmail]/Trash": {{1, "1004", "901", "", letter(4)}}}}
	a := s.account(t)
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	s.want(t, v, 4, "map[INBOX:2 Orders:2 [Gmail]/Trash:1]")
}

// With OBJECTID copies and moves are linked, but only when the header agrees, whatever
// the name says.
func TestEmailID(t *testing.T) {
	s := &namingServer{caps: "OBJECTID", order: []string{"INBOX", "Archive"},
		folders: map[string][]namedMail{"INBOX": {{1, "M1", "T1", "", letter(1)}, {2, "M2", "T1", "", letter(2)}, {3, "M3", "T3", "", letter(3)}}}}
	a := s.account(t)
	v := openVault(t, t.TempDir())
	syncOnce(t, v, a)
	s.want(t, v, 3, "map[INBOX:3]")

	// One moved, one copied, one that has another's name, and one with another's
	// header, too.
	s.folders["Archive"] = []namedMail{{1, "M1", "T1", "", letter(1)}, {2, "M2", "T1", "", letter(2)}, {3, "M3", "T3", "", letter(4)}, {4, "M2", "T1", "", letter(2) + "Or not.\r\n"}}
	s.folders["INBOX"] = s.folders["INBOX"][1:]
	syncOnce(t, v, a)
	s.want(t, v, 2, "map[Archive:4 INBOX:2]")
	var by []string
	for _, f := range entriesOf[ledger.MsgSeen](t, v) {
		by = append(by, f.Relinked)
	}
	if want := []string{"", "", "", "EMAILID and header", "EMAILID and header", "", ""}; !slices.Equal(by, want) {
		t.Errorf("known by %q, want %q", by, want)
	}
}

// MAILBOXID tells a rename from a new folder also when half of its messages changed
// with it; without it that is a new folder.
func TestMailboxID(t *testing.T) {
	for _, named := range []bool{true, false} {
		s := &namingServer{caps: "OBJECTID", order: []string{"Orders"}, ids: map[string]string{},
			folders: map[string][]namedMail{"Orders": {{1, "M1", "", "", letter(1)}, {2, "M2", "", "", letter(2)}}}}
		if named {
			s.ids = map[string]string{"Orders": "F1", "Orders-2024": "F1"}
		}
		a := s.account(t)
		v := openVault(t, t.TempDir())
		syncOnce(t, v, a)
		s.order = []string{"Orders-2024"}
		s.uidValidity = map[string]int{"Orders-2024": 8}
		s.folders["Orders-2024"] = []namedMail{{2, "M2", "", "", letter(2)}, {3, "M3", "", "", letter(3)}}
		syncOnce(t, v, a)
		renames := len(entriesOf[ledger.MailboxRenamed](t, v))
		if want := map[bool]int{true: 1, false: 0}[named]; renames != want {
			t.Errorf("named %v: %d entries about a rename, want %d", named, renames, want)
		}
		if s.fetched != 3 {
			t.Errorf("named %v: %d messages downloaded, want 3", named, s.fetched)
		}
	}
}

// A folder whose UIDVALIDITY changes in each session is called so. As long as its
// messages look the same they are not recorded again; once a day, and when anything is
// new, they are known by size, date and header.
func TestUnstableUIDValidity(t *testing.T) {
	s := &namingServer{order: []string{"INBOX"}, uidValidity: map[string]int{},
		folders: map[string][]namedMail{"INBOX": {{uid: 1, body: letter(1)}, {uid: 2, body: letter(2)}}}}
	a := s.account(t)
	now := time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC)
	v, err := Open(t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	mail := s.folders["INBOX"]
	for n, step := range []struct {
		mail     []namedMail
		wait     time.Duration
		fetched  int
		seen     int // entries of messages, all of them
		unstable bool
	}{
		{mail: mail, fetched: 2, seen: 2},
		{mail: mail, seen: 4},
		{mail: mail, seen: 6},
		{mail: mail, seen: 6, unstable: true},
		{mail: []namedMail{{uid: 1, body: letter(1)}, {uid: 2, body: letter(2) + "Or not.\r\n"}}, fetched: 1, seen: 8, unstable: true},
		{mail: mail, seen: 10, unstable: true},
		{mail: []namedMail{{uid: 8, body: letter(1)}, {uid: 9, body: letter(2)}}, seen: 10, unstable: true},
		{mail: []namedMail{{uid: 1, body: letter(1)}, {uid: 2, body: letter(3)}}, fetched: 1, seen: 12, unstable: true},
		{mail: []namedMail{{uid: 1, body: letter(1)}, {uid: 2, body: letter(3)}, {uid: 3, body: letter(4)}}, fetched: 1, seen: 15, unstable: true},
		{mail: []namedMail{{uid: 5, body: letter(3)}, {uid: 6, body: letter(4)}}, seen: 17, unstable: true},
		{mail: []namedMail{{uid: 1, body: letter(3)}, {uid: 2, body: letter(4)}}, wait: 25 * time.Hour, seen: 19, unstable: true},
		{mail: nil, seen: 19, unstable: true},
		{mail: nil, seen: 19, unstable: true},
	} {
		now = now.Add(step.wait + time.Minute)
		s.uidValidity["INBOX"] = 100 + n
		s.folders["INBOX"], s.fetched = step.mail, 0
		f, _ := syncOnce(t, v, a)
		if got := f["INBOX"]; got.Unstable != step.unstable || !got.Clean || s.fetched != step.fetched || got.Server != len(step.mail) {
			t.Errorf("pass %d: %+v, %d messages downloaded; want %+v", n+1, got, s.fetched, step)
		}
		if got := len(entriesOf[ledger.MsgSeen](t, v)); got != step.seen {
			t.Errorf("pass %d: %d messages recorded, want %d", n+1, got, step.seen)
		}
		if got := live(t, v)["INBOX"]; got != len(step.mail) {
			t.Errorf("pass %d: %d live, want %d", n+1, got, len(step.mail))
		}
	}
}

// A server that marks messages as read, one by one, is believed to do so after three
// passes, and is then left alone.
func TestMarksSeenIsKept(t *testing.T) {
	v := openVault(t, t.TempDir())
	for _, step := range []struct{ says, want int }{{1, 1}, {1, 2}, {-1, 0}, {0, 0}, {1, 1}, {1, 2}, {1, imapsync.SeenProven}} {
		before, err := v.seen(1)
		if err == nil {
			err = v.keepSeen(1, before, step.says)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.seen(1); err != nil || got != step.want {
			t.Errorf("after %d: %d, %v; want %d", step.says, got, err, step.want)
		}
	}
	s := &namingServer{order: []string{"INBOX"}, folders: map[string][]namedMail{"INBOX": {{uid: 1, body: letter(1)}}}}
	a := s.account(t)
	if _, err := v.Sync(t.Context(), a, true, imapsync.Options{}); !errors.Is(err, imapsync.ErrFolder) || s.fetched > 0 {
		t.Errorf("got %v, %d messages downloaded", err, s.fetched)
	}
	a.AllowNotReadOnly = true
	if _, err := v.Sync(t.Context(), a, true, imapsync.Options{}); err != nil || s.fetched != 1 {
		t.Errorf("when it is allowed: %v, %d messages downloaded", err, s.fetched)
	}
}

// A stand-in for a message is asked for again after a week, and the message itself takes
// its place; what the server would not give at all is asked for after a day.
func TestStandInIsAskedForWeekly(t *testing.T) {
	excuse := "From: server@unknown.example\r\n\r\nRetrieval using the IMAP4 protocol failed for the following message: 752\r\n"
	s := &namingServer{order: []string{"INBOX"}, folders: map[string][]namedMail{"INBOX": {{uid: 1, body: letter(1)}, {uid: 2, body: excuse}}}}
	a := s.account(t)
	now := time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC)
	v, err := Open(t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, _ := syncOnce(t, v, a)
	if f["INBOX"].New != 2 || f["INBOX"].Quarantined != 1 {
		t.Errorf("first pass: %+v", f["INBOX"])
	}
	for _, step := range []struct{ days, fetched int }{{0, 0}, {2, 0}, {4, 0}, {2, 1}, {2, 0}} {
		now = now.Add(time.Duration(step.days) * 24 * time.Hour)
		s.fetched = 0
		f, _ := syncOnce(t, v, a)
		if s.fetched != step.fetched || f["INBOX"].Quarantined+f["INBOX"].Held != 1 {
			t.Errorf("%s: %d messages downloaded, want %d; %+v", now.Format(time.DateOnly), s.fetched, step.fetched, f["INBOX"])
		}
	}
	// It has the size that the server says, or one that the server says for both.
	s.folders["INBOX"][1].body = letter(2) + strings.Repeat("x", len(excuse)-len(letter(2)))
	now = now.Add(8 * 24 * time.Hour)
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 1 || f["INBOX"].Quarantined+f["INBOX"].Held != 0 {
		t.Errorf("when it came: %+v", f["INBOX"])
	}
	if got := fmt.Sprint(live(t, v)); got != "map[INBOX:2]" {
		t.Errorf("live occurrences %s", got)
	}
}

// Cyrus has OBJECTID (RFC 8474): what is copied there is not downloaded again.
func TestCyrusNames(t *testing.T) {
	s := imaptest.Start(t, "cyrus")
	a := s.Account("nora")
	deliver(t, s, "nora", "INBOX", 0, 10)
	if err := s.MakeFolder("nora", "Orders"); err != nil {
		t.Fatal(err)
	}
	v := openVault(t, t.TempDir())
	if f, _ := syncOnce(t, v, a); f["INBOX"].New != 10 {
		t.Fatalf("first pass: %+v", f)
	}
	if _, err := s.Do("nora", "INBOX", `UID COPY 1:5 Orders`); err != nil {
		t.Fatal(err)
	}
	f, res := syncOnce(t, v, a)
	if o := f["Orders"]; o.Relinked != 5 || o.New != 0 || !o.Clean || res.Bytes != 0 {
		t.Errorf("after copying: %+v, %d octets of messages; want 5 known", o, res.Bytes)
	}
	if got := fmt.Sprint(live(t, v)); got != "map[INBOX:10 Orders:5]" {
		t.Errorf("live occurrences %s", got)
	}
}
