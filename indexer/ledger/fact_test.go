package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var facts = []Fact{
	VaultCreated{Vault: "4f0c", VKey: "a+b+c"},
	AccountAdded{Account: 1, Address: "nora@deskandco.example", Host: "imap.deskandco.example:993", Source: "imap"},
	MailboxAdded{Mailbox: 2, Account: 1, Name: "INBOX", Display: "INBOX", Delim: "/"},
	MailboxAdded{Mailbox: 3, Account: 1, Name: "Entw\xfcrfe", Display: "Entw�rfe", Delim: `\`},
	MailboxAdded{Mailbox: 4, Account: 1, Name: "base64:QQ==", Display: "base64:QQ==", Delim: ""},
	MailboxReset{Mailbox: 2, Old: 1, New: 4294967295},
	MsgSeen{Blob: strings.Repeat("ab", 32), Size: 1 << 40, Mailbox: 2, UIDValidity: 1, UID: 7, InternalDate: "2023-03-02T09:12:00Z",
		Flags: []string{`\Seen`, "$Junk", "bad\xff"}, Path: "old mail.mbox \"1\"\n<b>&</b> \u2028\u202e\x00\x1f\x7f"},
	MsgSeen{Blob: strings.Repeat("ab", 32), Size: 7, Mailbox: 2, UIDValidity: 2, UID: 1, Flags: []string{}, Relinked: "size, date and header"},
	MsgSeen{Blob: strings.Repeat("ab", 32), Size: 7, Mailbox: 2, UIDValidity: 2, UID: 2, Flags: []string{}, StandIn: true},
	MailboxListed{Mailbox: 3, Listed: true, Excluded: true},
	MailboxListed{Mailbox: 3},
	MailboxRenamed{Mailbox: 3, From: 2, UIDValidity: 1, Messages: 20},
	MsgQuarantined{Mailbox: 2, UIDValidity: 1, UID: 9, Size: 70, InternalDate: "2023-03-02T09:12:00Z", Why: "NO [SERVERBUG] it's \xff"},
	Acquisition{Account: 1, Server: "imap.deskandco.example:993", Transport: "tls", Certificate: strings.Repeat("0a", 32), User: "nora",
		Greeting: "ready", Capabilities: []string{"IDLE", "IMAP4rev1"}, Folders: 3, Exists: 9, Asked: 8, Stored: 7, Relinked: 1, Quarantined: 1,
		Left: 2, Connections: 1, Received: 900, Bytes: 800, State: "incomplete", Started: "2023-03-02T09:12:00Z", Ended: "2023-03-02T09:12:01Z"},
	MsgFlags{Mailbox: 2, UIDValidity: 1, UID: 7, Flags: []string{}},
	MsgGone{Mailbox: 2, UIDValidity: 1, UID: 7, Blob: strings.Repeat("cd", 32), LastSeen: "2023-03-02T09:12:00Z", FirstMissed: "2023-03-03T09:12:00Z"},
	Sync{Mailbox: 2, UIDValidity: 1, UIDNext: 8, HighestModSeq: 1<<63 - 1, Exists: 7, New: 7, Started: "2023-03-02T09:12:00Z", Ended: "2023-03-02T09:12:01Z"},
	Import{Account: 5, Kind: "mbox", Messages: 3, Duplicates: 1, Skipped: 0, Started: "a", Ended: "b"},
	Export{TagManifest: strings.Repeat("ef", 32), Selection: strings.Repeat("01", 32)},
	MatterOpened{Matter: "vienna-flight", Title: "Vienna flight, March", Question: "what date?", Client: "Hale Architects", By: "nora@deskandco.example"},
	MatterItem{Matter: "vienna-flight", Item: "s-7k2q000000", Decision: "excluded", Reason: "private", By: "nora@deskandco.example"},
	MatterExhibit{Matter: "vienna-flight", Blob: strings.Repeat("ab", 32), Size: 7, Name: "chat\xff.png", Media: "image/png", Note: "seen", By: "us"},
	MatterNote{Matter: "vienna-flight", Text: "ask again\non Monday", By: "us"},
	MatterClosed{Matter: "vienna-flight", Reason: "settled", By: "us"},
	Correction{Statement: "s-7k2q000000", Blob: strings.Repeat("ab", 32), Was: "instruction", Kind: "question", Note: "", By: "us"},
	Anchor{Authority: "one", Size: 7, Checkpoint: strings.Repeat("ab", 32), Token: strings.Repeat("cd", 32), GenTime: "2023-03-02T09:12:00Z", Serial: "0a", Clock: -41000},
	ClockSkew{Authority: "one", Clock: 41000},
	DNSKey{Name: "s1._domainkey.hale.example", Records: []string{"v=DKIM1; p=\"x\xff"}, Resolver: "192.0.2.1:53", AD: "yes"},
	AuthResult{Blob: strings.Repeat("ab", 32), State: "verified", AuthServ: "mx.deskandco.example", AuthHeader: strings.Repeat("cd", 32), Stated: "dkim=pass",
		Signatures: []Signature{{Domain: "hale.example", Selector: "s1\xff", Algorithm: "rsa-sha256", Canon: "relaxed/relaxed", Headers: "from:subject", Uncovered: "to",
			Signed: 1, Expires: 2, Length: -1, State: "verified", Key: 9}, {Domain: "two.example", Length: 7, Key: -1}}},
	AuthResult{Blob: strings.Repeat("ab", 32), State: "not checked", Why: "unsigned"},
	KeyAdded{VKey: "a+b+c", Fingerprint: "SHA256:x"},
	KeyRetired{VKey: "a+b+c", Fingerprint: "SHA256:x", Reason: "lost"},
	AccountRole{Account: 1, Role: "processor", Authority: strings.Repeat("ab", 32)},
	Restored{Blob: strings.Repeat("ab", 32), Mailbox: 2, UIDValidity: 1700000001, UID: 7},
	Converted{Blob: strings.Repeat("ab", 32), Original: strings.Repeat("cd", 32), Size: 7, Form: "msg", By: "inwriting/outlook 1", Path: "a.msg", Kept: true},
	Access{By: "nora", What: "export", Why: "claim"},
	Hold{Scope: "client Hale Architects", Reason: "claim", By: "nora"},
	Hold{Scope: "client Hale Architects", Reason: "settled", By: "nora", Released: true},
	Erase{Commitment: strings.Repeat("ab", 32), Entries: []int64{3, 1 << 40}, Leaves: []string{"a", "b"}, Places: []string{"2/1/7"}, Reason: "asked", By: "nora"},
	Config{Setting: "dkim", Old: "off", New: "on"},
}

func TestFactsRoundTrip(t *testing.T) {
	now := time.Date(2023, 3, 2, 9, 12, 0, 7e6, time.UTC)
	types := map[string]bool{}
	for _, f := range facts {
		types[f.EntryType()] = true
		line, err := appendEntry(nil, new(fields), f, now.Format(timeFormat), make([]byte, 16))
		if err != nil {
			t.Fatalf("%T: %v", f, err)
		}
		e, err := Decode(line)
		if err != nil {
			t.Fatalf("%T: %v\n%s", f, err, line)
		}
		want := Entry{Version: 1, Type: f.EntryType(), Time: now, Fact: f}
		if d := cmp.Diff(want, e); d != "" {
			t.Errorf("%T (-want +got):\n%s\n%s", f, d, line)
		}
		canonical(t, line)
	}
	for name := range decoders {
		if !types[name] {
			t.Errorf("no case for %s", name)
		}
	}
}

// canonical checks a line against RFC 8785 by another road: encoding/json sorts
// the keys of a map and writes no white space.
func canonical(t testing.TB, line []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	// encoding/json escapes U+2028, U+2029 for JavaScript; RFC 8785 does not.
	want := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
	if string(line) != want {
		t.Errorf("not canonical:\n got %s\nwant %s", line, want)
	}
	for _, k := range []string{"v", "t", "type", "salt"} {
		if m[k] == nil {
			t.Errorf("no %q in %s", k, line)
		}
	}
}

func TestLineAsWritten(t *testing.T) {
	line, err := appendEntry(nil, new(fields), seen(6), "2023-03-02T09:12:00.007Z", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"blob":"0000000000000000000000000000000000000000000000000000000000000006","flags":["\\Seen"],` +
		`"internaldate":"2023-03-02T09:12:00+01:00","mailbox":3,"salt":"MDEyMzQ1Njc4OWFiY2RlZg==","size":6,` +
		`"t":"2023-03-02T09:12:00.007Z","type":"msg.seen","uid":7,"uidvalidity":1700000001,"v":1}`
	if string(line) != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

func TestRefusedFacts(t *testing.T) {
	l := newVault(t).open(t)
	for _, f := range []Fact{nil, Unknown{Type: "x"}, MsgSeen{Size: 1<<53 + 1}, Export{Selection: strings.Repeat("x", maxLine)}} {
		if _, err := l.Append([]Fact{seen(1), f}); err == nil {
			t.Errorf("%T: no error", f)
		}
	}
	if l.Size() != 1 {
		t.Errorf("size %d after refusals, want 1", l.Size())
	}
	mustAppend(t, l, seen(1))
}

func TestDecodeUnknown(t *testing.T) {
	e, err := Decode([]byte(`{"salt":"","t":"2023-03-02T09:12:00.007Z","type":"later.kind","v":1,"x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := e.Fact.(Unknown); !ok || u.Type != "later.kind" {
		t.Errorf("%+v", e)
	}
}
