package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"inwriting/indexer/durable/durabletest"
)

type vault struct{ dir, keys string }

func newVault(t testing.TB) vault {
	d := t.TempDir()
	return vault{filepath.Join(d, "ledger"), filepath.Join(d, "keys")}
}

func (v vault) options() Options {
	clock := time.Date(2023, 3, 2, 9, 12, 0, 7e6, time.UTC)
	return Options{Origin: "desk.example", Rand: rand.NewChaCha8([32]byte{1}), Now: func() time.Time {
		clock = clock.Add(1500 * time.Millisecond)
		return clock
	}}
}

func (v vault) open(t testing.TB) *Ledger {
	t.Helper()
	l, err := Open(v.dir, v.keys, v.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (v vault) read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(v.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vault) write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copy gives a vault with the same files, to be spoilt.
func (v vault) copy(t testing.TB) vault {
	t.Helper()
	c := newVault(t)
	for from, to := range map[string]string{v.dir: c.dir, v.keys: c.keys} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func seen(i int) Fact {
	return MsgSeen{Blob: fmt.Sprintf("%064x", i), Size: int64(i), Mailbox: 3, UIDValidity: 1700000001, UID: uint32(i + 1),
		InternalDate: "2023-03-02T09:12:00+01:00", Flags: []string{`\Seen`}}
}

func mustAppend(t testing.TB, l *Ledger, facts ...Fact) int64 {
	t.Helper()
	n, err := l.Append(facts)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func problems(t testing.TB, v vault) []Problem {
	t.Helper()
	var got []Problem
	stats, err := Check(v.dir, func(p Problem) { got = append(got, p) })
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	if stats.Problems != len(got) {
		t.Errorf("Check counts %d problems, reported %d", stats.Problems, len(got))
	}
	return got
}

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

func TestLedger(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	if !strings.HasPrefix(l.Origin(), "desk.example/") {
		t.Errorf("origin %q", l.Origin())
	}
	if fi, _ := os.Stat(filepath.Join(v.keys, "ed25519")); fi.Mode() != 0o600 {
		t.Errorf("key has mode %v", fi.Mode())
	}
	if first := mustAppend(t, l, seen(1), seen(2)); first != 1 {
		t.Errorf("first index %d, want 1", first)
	}
	c, err := l.Checkpoint()
	if err != nil || c.Size != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	again, err := l.Checkpoint()
	if err != nil || !bytes.Equal(again.Note, c.Note) {
		t.Errorf("a second checkpoint of the same tree: %q, %v", again.Note, err)
	}
	mustAppend(t, l, seen(3))
	for i := 4; i < 100; i++ {
		mustAppend(t, l, seen(i))
	}
	vkey := l.VKey()
	l.Close()
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, ErrFailed) {
		t.Errorf("Append after Close: %v", err)
	}

	l = v.open(t)
	if l.VKey() != vkey || l.Size() != 100 || len(l.Repairs()) != 0 {
		t.Errorf("reopened: %q, %d entries, repairs %q", l.VKey(), l.Size(), l.Repairs())
	}
	if d := cmp.Diff(c, l.Signed()); d != "" {
		t.Errorf("Signed (-want +got):\n%s", d)
	}
	for _, from := range []int64{0, 1, 31, 32, 33, 64, 99, 100} {
		n := from
		err := l.Entries(from, func(i int64, line []byte) error {
			e, err := Decode(line)
			if err != nil || i != n {
				t.Errorf("entry %d: index %d, %v", n, i, err)
			}
			if m, ok := e.Fact.(MsgSeen); ok && m.Size != i {
				t.Errorf("entry %d is %+v", i, m)
			}
			got, err := l.Line(i)
			if err != nil || !bytes.Equal(got, line) {
				t.Errorf("Line(%d) = %s, %v", i, got, err)
			}
			n++
			return nil
		})
		if err != nil || n != 100 {
			t.Errorf("Entries(%d) ended at %d, %v", from, n, err)
		}
	}
	for _, bad := range []int64{-1, 101} {
		if err := l.Entries(bad, nil); err == nil {
			t.Errorf("Entries(%d): no error", bad)
		}
		if _, err := l.Line(bad); err == nil {
			t.Errorf("Line(%d): no error", bad)
		}
	}
	if _, err := l.Prove(50); err == nil {
		t.Error("Prove of an entry that no checkpoint commits to: no error")
	}
	if c, err = l.Checkpoint(); err != nil || c.Size != 100 {
		t.Fatalf("%+v, %v", c, err)
	}
	last, _ := l.Line(99)
	e, _ := Decode(last)
	if !c.Time.Equal(e.Time) {
		t.Errorf("checkpoint time %v, newest entry %v", c.Time, e.Time)
	}
	stats, err := l.Verify(func(p Problem) { t.Errorf("Verify: %+v", p) })
	if err != nil || stats.Entries != 100 || stats.Signed != 100 {
		t.Errorf("Verify: %+v, %v", stats, err)
	}
	if err := l.Entries(0, func(i int64, line []byte) error { canonical(t, line); return nil }); err != nil {
		t.Error(err)
	}
}

// Tree, stored hashes and proofs agree with x/mod's own.
func TestTreeAgainstTlog(t *testing.T) {
	var e edge
	var mine, theirs []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, theirs[i])
		}
		return out, nil
	})
	for n := int64(0); n < 300; n++ {
		line := fmt.Appendf(nil, "line %d", n)
		mine = e.add(tlog.RecordHash(line), mine)
		hs, err := tlog.StoredHashes(n, line, reader)
		if err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, hs...)
		if !slices.Equal(theirs, mine) {
			t.Fatalf("stored hashes differ at %d", n)
		}
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || root != e.root() {
			t.Fatalf("root at %d: %v, want %v (%v)", n+1, e.root(), root, err)
		}
		at, err := edgeAt(n+1, storedHashes{bytes.NewReader(hashBytes(mine))})
		if err != nil || at.root() != root {
			t.Fatalf("edgeAt(%d): %v, %v", n+1, at.root(), err)
		}
		for k := range int64(tlog.HashSize) {
			if got := leavesOf(int64(len(mine))*tlog.HashSize + k); got != n+1 {
				t.Fatalf("leavesOf %d hashes = %d, want %d", len(mine), got, n+1)
			}
		}
	}
}

func TestProofs(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	for n := 1; n <= 20; n++ {
		c, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		for i := range l.Size() {
			proof, err := l.Prove(i)
			if err != nil {
				t.Fatal(err)
			}
			line, _ := l.Line(i)
			p, err := VerifyProof(proof, line, l.VKey())
			if err != nil || p.Index != i || p.Checkpoint.Size != c.Size || p.Checkpoint.Root != c.Root {
				t.Fatalf("entry %d of %d: %+v, %v\n%s", i, n, p, err, proof)
			}
			for name, bad := range map[string][]byte{
				"line": append(bytes.Clone(line), ' '),
			} {
				if _, err := VerifyProof(proof, bad, l.VKey()); !errors.Is(err, ErrProof) {
					t.Errorf("another %s: %v", name, err)
				}
			}
		}
		mustAppend(t, l, seen(n))
	}
	// Every single changed octet of a proof is noticed.
	l.Checkpoint()
	proof, err := l.Prove(5)
	if err != nil {
		t.Fatal(err)
	}
	line, _ := l.Line(5)
	for i := range proof {
		for _, x := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(proof)
			bad[i] ^= x
			if _, err := VerifyProof(bad, line, l.VKey()); err == nil {
				t.Errorf("octet %d changed to %q: no error", i, bad[i])
			}
		}
		if _, err := VerifyProof(proof[:i], line, l.VKey()); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	other := newVault(t)
	o := other.options()
	o.Rand = rand.NewChaCha8([32]byte{2})
	k, err := Open(other.dir, other.keys, o)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := VerifyProof(proof, line, k.VKey()); !errors.Is(err, ErrProof) {
		t.Errorf("another key: %v", err)
	}
	if _, err := VerifyProof(proof, line, "nonsense"); err == nil {
		t.Error("no key: no error")
	}
}

// A program killed at any octet of a write leaves a prefix of it, and no hashes.
func TestKilledAtEveryOctet(t *testing.T) {
	v := newVault(t)
	l := v.open(t)
	mustAppend(t, l, seen(1), seen(2))
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before, hashes := v.read(t, "entries.jsonl"), v.read(t, "hashes")
	mustAppend(t, l, seen(3), seen(4))
	l.Close()
	after, full := v.read(t, "entries.jsonl"), v.read(t, "hashes")
	for cut := len(before); cut <= len(after); cut++ {
		if cut%3 != 0 && after[cut-1] != '\n' && (cut == len(after) || after[cut] != '\n') {
			continue // every third octet and all around line feeds
		}
		for _, zeros := range []int{0, 9} { // a file system may also leave NULs
			c := v.copy(t)
			c.write(t, "entries.jsonl", append(bytes.Clone(after[:cut]), make([]byte, zeros)...))
			c.write(t, "hashes", hashes)
			l := c.open(t)
			want := int64(3 + bytes.Count(after[len(before):cut], []byte("\n")))
			if l.Size() != want {
				t.Fatalf("cut at %d: %d entries, want %d", cut, l.Size(), want)
			}
			whole := bytes.LastIndexByte(after[:cut], '\n') + 1
			if tail := append(bytes.Clone(after[whole:cut]), make([]byte, zeros)...); len(tail) > 0 {
				aside, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("torn-%d", whole)))
				if err != nil || !bytes.Equal(aside, tail) {
					t.Fatalf("cut at %d: kept aside %q, %v; want %q", cut, aside, err, tail)
				}
				if len(l.Repairs()) == 0 {
					t.Errorf("cut at %d: nothing said about it", cut)
				}
			}
			if cut%15 == 0 || cut == len(after) {
				mustAppend(t, l, seen(9))
				if _, err := l.Checkpoint(); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Verify(func(p Problem) { t.Errorf("cut at %d: %+v", cut, p) }); err != nil {
					t.Fatal(err)
				}
			}
			l.Close()
		}
	}
	// The hashes are written last and without fsync: any prefix, or a hole.
	for cut := len(hashes); cut <= len(full); cut += 8 {
		for name, h := range map[string][]byte{
			"cut":  full[:cut],
			"hole": append(append(bytes.Clone(hashes), make([]byte, (cut-len(hashes))/32*32)...), full[len(hashes)+(cut-len(hashes))/32*32:]...),
			"long": append(bytes.Clone(full), make([]byte, cut)...),
		} {
			c := v.copy(t)
			c.write(t, "hashes", h)
			l := c.open(t)
			if l.Size() != 5 {
				t.Fatalf("%s at %d: %d entries", name, cut, l.Size())
			}
			l.Close()
			if got := c.read(t, "hashes"); !bytes.Equal(got, full) {
				t.Fatalf("%s at %d: hashes were not made again", name, cut)
			}
		}
	}
	c := v.copy(t)
	os.Remove(filepath.Join(c.dir, "hashes"))
	l = c.open(t)
	if !bytes.Equal(c.read(t, "hashes"), full) || len(l.Repairs()) != 1 {
		t.Errorf("hashes missing: repairs %q", l.Repairs())
	}
}

func TestDiskFull(t *testing.T) {
	for n := 1; n <= 2; n++ {
		for _, short := range []int{0, 1, 200, 700} {
			v := newVault(t)
			fs := &durabletest.FS{}
			o := v.options()
			o.FS = fs
			l, err := Open(v.dir, v.keys, o)
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, l, seen(1))
			if _, err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
			w, _ := fs.Counts()
			fs.FailWrite, fs.Short = w+n, short
			_, err = l.Append([]Fact{seen(2), seen(3)})
			durable := n == 2 // the entries are written and synced; only their hashes are not
			if durable != (err == nil) {
				t.Errorf("write %d: %v", n, err)
			}
			fs.Heal()
			if _, err := l.Append([]Fact{seen(4)}); !errors.Is(err, ErrFailed) {
				t.Errorf("write %d: second Append: %v, want ErrFailed", n, err)
			}
			if line, err := l.Line(1); err != nil || !bytes.Contains(line, []byte("msg.seen")) {
				t.Errorf("write %d: earlier entry: %s, %v", n, line, err)
			}
			l.Close()
			l = v.open(t)
			size := l.Size()
			if durable && size != 4 || size < 2 {
				t.Errorf("write %d, short %d: %d entries after reopening", n, short, size)
			}
			mustAppend(t, l, seen(5))
			if _, err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Verify(func(p Problem) { t.Errorf("write %d: %+v", n, p) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFsyncFails(t *testing.T) {
	v := newVault(t)
	fs := &durabletest.FS{}
	o := v.options()
	o.FS = fs
	l, err := Open(v.dir, v.keys, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, s := fs.Counts()
	fs.FailSync = s + 1
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, durabletest.ErrSync) {
		t.Errorf("Append: %v", err)
	}
	if _, err := l.Append([]Fact{seen(1)}); !errors.Is(err, ErrFailed) || !errors.Is(err, durabletest.ErrSync) {
		t.Errorf("second Append: %v", err)
	}
	if _, err := l.Checkpoint(); !errors.Is(err, ErrFailed) {
		t.Errorf("Checkpoint: %v", err)
	}
	if l.Size() != 1 {
		t.Errorf("size %d", l.Size())
	}
}

// A crash while the ledger is being created leaves something that opens.
func TestKilledWhileCreating(t *testing.T) {
	for n := 1; ; n++ {
		v := newVault(t)
		fs := &durabletest.FS{FailWrite: n, Short: n % 3}
		o := v.options()
		o.FS = fs
		l, err := Open(v.dir, v.keys, o)
		if err == nil {
			l.Close()
			if n < 4 {
				t.Errorf("only %d writes", n)
			}
			return
		}
		l = v.open(t)
		mustAppend(t, l, seen(1))
		l.Close()
	}
}

// signedVault has 12 entries; a checkpoint commits to 10 of them.
func signedVault(t testing.TB) vault {
	t.Helper()
	v := newVault(t)
	l := v.open(t)
	for i := 1; i < 10; i++ {
		mustAppend(t, l, seen(i))
	}
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, seen(10), seen(11))
	l.Close()
	return v
}

func TestCheckNames(t *testing.T) {
	v := signedVault(t)
	entries := v.read(t, "entries.jsonl")
	lines := bytes.SplitAfter(entries, []byte("\n"))[:12]
	offset := func(i int) (n int64) {
		for _, l := range lines[:i] {
			n += int64(len(l))
		}
		return n
	}
	join := func(ls ...[]byte) []byte { return bytes.Join(ls, nil) }
	change := func(line []byte) []byte { return bytes.Replace(line, []byte(`\\Seen`), []byte(`\\Sean`), 1) }
	foreign := change(lines[3])
	type p struct {
		Kind   ProblemKind
		Index  int64
		Offset int64
		Length int64
	}
	for _, test := range []struct {
		name    string
		file    string
		content []byte
		want    []p
		open    error // nil: opens all the same
	}{
		{"as written", "entries.jsonl", entries, nil, nil},
		{"altered", "entries.jsonl", join(join(lines[:4]...), change(lines[4]), join(lines[5:]...)),
			[]p{{Altered, 4, offset(4), int64(len(lines[4]))}}, nil},
		{"two altered", "entries.jsonl", join(join(lines[:4]...), change(lines[4]), lines[5], change(lines[6]), join(lines[7:]...)),
			[]p{{Altered, 4, offset(4), int64(len(lines[4]))}, {Altered, 6, offset(6), int64(len(lines[6]))}}, nil},
		{"first altered", "entries.jsonl", join(bytes.Replace(lines[0], []byte(`"v":1`), []byte(`"v":2`), 1), join(lines[1:]...)),
			[]p{{Altered, 0, 0, int64(len(lines[0]))}}, ErrAltered},
		{"missing", "entries.jsonl", join(join(lines[:4]...), join(lines[6:]...)),
			[]p{{Missing, 4, offset(4), 0}, {Missing, 5, offset(4), 0}}, ErrShort},
		{"missing, and others in their place", "entries.jsonl", join(join(lines[:4]...), join(lines[6:]...), lines[10], lines[11]),
			[]p{{Missing, 4, offset(4), 0}, {Missing, 5, offset(4), 0}}, ErrAltered},
		{"added", "entries.jsonl", join(join(lines[:4]...), foreign, join(lines[4:]...)),
			[]p{{Added, 4, offset(4), int64(len(foreign))}}, ErrAltered},
		{"repeated", "entries.jsonl", join(join(lines[:4]...), lines[2], join(lines[4:]...)),
			[]p{{Added, 4, offset(4), int64(len(lines[2]))}}, ErrAltered},
		{"unsigned line altered", "entries.jsonl", join(join(lines[:11]...), change(lines[11])),
			[]p{{Altered, 11, offset(11), int64(len(lines[11]))}}, ErrAltered},
		{"unsigned line missing", "entries.jsonl", join(lines[:11]...),
			[]p{{Missing, 11, offset(11), 0}}, ErrShort},
		{"cut below the checkpoint", "entries.jsonl", join(lines[:8]...),
			[]p{{Missing, 8, offset(8), 0}, {Missing, 9, offset(8), 0}, {Missing, 10, offset(8), 0}, {Missing, 11, offset(8), 0}}, ErrShort},
		{"torn", "entries.jsonl", join(entries, []byte(`{"half`)), []p{{Torn, -1, int64(len(entries)), 6}}, nil},
		{"all gone", "entries.jsonl", nil, nil, ErrShort},
		{"hash altered", "hashes", func() []byte { b := v.read(t, "hashes"); b[5*32+3] ^= 1; return b }(), []p{{Hashes, -1, 5 * 32, 32}}, nil},
		{"hashes of the tail altered", "hashes", func() []byte { b := v.read(t, "hashes"); b[len(b)-1] ^= 1; return b }(), nil, ErrAltered},
		{"checkpoint altered", "checkpoint", bytes.Replace(v.read(t, "checkpoint"), []byte("\n10\n"), []byte("\n11\n"), 1), []p{{BadCheckpoint, -1, 0, int64(len(v.read(t, "checkpoint")))}}, ErrAltered},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := v.copy(t)
			c.write(t, test.file, test.content)
			var got []p
			for _, x := range problems(t, c) {
				got = append(got, p{x.Kind, x.Index, x.Offset, x.Length})
			}
			switch test.name {
			case "all gone":
				if len(got) != 12 {
					t.Errorf("%+v", got)
				}
			case "hashes of the tail altered":
				if len(got) == 0 {
					t.Error("nothing found")
				}
			default:
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
			l, err := Open(c.dir, c.keys, c.options())
			if err == nil {
				l.Close()
			} else if now := c.read(t, test.file); !bytes.Equal(now, test.content) {
				t.Errorf("Open refused, but changed %s", test.file)
			}
			if !errors.Is(err, test.open) {
				t.Errorf("Open: %v, want %v", err, test.open)
			}
		})
	}
	t.Run("a proof from altered hashes is not given out", func(t *testing.T) {
		c := v.copy(t)
		h := c.read(t, "hashes")
		h[tlog.StoredHashIndex(1, 1)*32] ^= 1
		c.write(t, "hashes", h)
		l := c.open(t)
		if _, err := l.Prove(0); !errors.Is(err, ErrAltered) {
			t.Errorf("Prove: %v", err)
		}
	})
	t.Run("both numbers are printed", func(t *testing.T) {
		c := v.copy(t)
		c.write(t, "entries.jsonl", join(lines[:8]...))
		_, err := Open(c.dir, c.keys, c.options())
		if err == nil || !strings.Contains(err.Error(), "ledger has 8 entries, checkpoint commits to 10") {
			t.Errorf("%v", err)
		}
	})
	t.Run("lines and hashes altered together", func(t *testing.T) {
		c := v.copy(t)
		bad := slices.Clone(lines)
		bad[4] = change(lines[4])
		c.write(t, "entries.jsonl", join(bad...))
		var e edge
		var hs []tlog.Hash
		for _, l := range bad {
			hs = e.add(tlog.RecordHash(bytes.TrimSuffix(l, []byte("\n"))), hs)
		}
		c.write(t, "hashes", hashBytes(hs))
		got := problems(t, c)
		if len(got) != 1 || got[0].Kind != Unsound {
			t.Errorf("%+v", got)
		}
		if _, err := Open(c.dir, c.keys, c.options()); !errors.Is(err, ErrAltered) {
			t.Errorf("Open: %v", err)
		}
	})
}

// Every flipped bit in every file of the ledger is found.
func TestFlippedBits(t *testing.T) {
	v := signedVault(t)
	for _, name := range []string{"entries.jsonl", "hashes", "checkpoint", "log.vkey"} {
		good := v.read(t, name)
		for i := range good {
			if name == "log.vkey" && i == len(good)-1 {
				continue // its final line feed means nothing
			}
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			v.write(t, name, bad)
			if got := problems(t, v); len(got) == 0 {
				t.Errorf("%s: octet %d, %q to %q: not found", name, i, good[i], bad[i])
			}
		}
		v.write(t, name, good)
	}
}

func TestKeys(t *testing.T) {
	v := signedVault(t)
	t.Run("missing key", func(t *testing.T) {
		c := v.copy(t)
		os.Remove(filepath.Join(c.keys, "ed25519"))
		l := c.open(t)
		mustAppend(t, l, seen(50))
		if _, err := l.Checkpoint(); !errors.Is(err, ErrNoKey) {
			t.Errorf("Checkpoint: %v", err)
		}
	})
	t.Run("another key", func(t *testing.T) {
		c, o := v.copy(t), newVault(t)
		opts := o.options()
		opts.Rand = rand.NewChaCha8([32]byte{5})
		l, err := Open(o.dir, o.keys, opts)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		b, _ := os.ReadFile(filepath.Join(o.keys, "ed25519"))
		os.WriteFile(filepath.Join(c.keys, "ed25519"), b, 0o600)
		if _, err := Open(c.dir, c.keys, c.options()); err == nil || !strings.Contains(err.Error(), "not the one") {
			t.Errorf("Open: %v", err)
		}
	})
	t.Run("vkey missing", func(t *testing.T) {
		c := v.copy(t)
		want := c.read(t, "log.vkey")
		os.Remove(filepath.Join(c.dir, "log.vkey"))
		c.open(t)
		if !bytes.Equal(c.read(t, "log.vkey"), want) {
			t.Error("not written again")
		}
	})
	t.Run("bad origin", func(t *testing.T) {
		c := newVault(t)
		o := c.options()
		o.Origin = "two words"
		if _, err := Open(c.dir, c.keys, o); err == nil || !strings.Contains(err.Error(), "two words") {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	l := newVault(t).open(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := l.Append([]Fact{seen(g*100 + i), seen(i)}); err != nil {
					t.Error(err)
				}
				if i%7 == 0 {
					l.Checkpoint()
				}
			}
		})
		wg.Go(func() {
			for range 10 {
				n := int64(0)
				if err := l.Entries(0, func(i int64, line []byte) error { n++; return nil }); err != nil {
					t.Error(err)
				}
				l.Line(n - 1)
				l.Signed()
			}
		})
	}
	wg.Wait()
	if l.Size() != 161 {
		t.Errorf("%d entries", l.Size())
	}
	if _, err := l.Verify(func(p Problem) { t.Errorf("%+v", p) }); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	v := signedVault(f)
	e, h, c := v.read(f, "entries.jsonl"), v.read(f, "hashes"), v.read(f, "checkpoint")
	f.Add(e, h, c)
	f.Add(e[:len(e)-5], h, c)
	f.Add(e, h[:40], c)
	f.Add([]byte("{}\n"), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, entries, hashes, checkpoint []byte) {
		c := v.copy(t)
		c.write(t, "entries.jsonl", entries)
		c.write(t, "hashes", hashes)
		c.write(t, "checkpoint", checkpoint)
		stats, err := Check(c.dir, func(Problem) {})
		if err != nil {
			t.Fatalf("Check: %v", err)
		}
		if stats.Problems == 0 && stats.Signed == 10 && !bytes.HasPrefix(entries, bytes.Join(bytes.SplitAfter(e, []byte("\n"))[:10], nil)) {
			t.Fatal("Check is content with entries that nobody signed")
		}
		l, err := Open(c.dir, c.keys, c.options())
		if err != nil {
			return
		}
		defer l.Close()
		// What opens works, and is sound if it was sound.
		mustAppend(t, l, seen(77))
		if _, err := l.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		for i := range l.Size() {
			line, err := l.Line(i)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := l.Prove(i)
			if err != nil {
				if !errors.Is(err, ErrAltered) {
					t.Fatal(err)
				}
				continue
			}
			if _, err := VerifyProof(proof, line, l.VKey()); err != nil {
				t.Fatalf("a proof that does not hold: %v", err)
			}
		}
		after, err := l.Verify(func(p Problem) {
			if stats.Problems == 0 {
				t.Errorf("%+v", p)
			}
		})
		if err != nil {
			t.Fatalf("Verify: %+v, %v", after, err)
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	l := newVault(f).open(f)
	mustAppend(f, l, seen(1), seen(2), seen(3))
	l.Checkpoint()
	proof, _ := l.Prove(2)
	line, _ := l.Line(2)
	f.Add(proof, line)
	f.Fuzz(func(t *testing.T, p, ln []byte) {
		got, err := VerifyProof(p, ln, l.VKey())
		if err != nil {
			return
		}
		want, err := l.Line(got.Index)
		if err != nil || !bytes.Equal(want, ln) {
			t.Errorf("%q is proved to be entry %d, which is %q", ln, got.Index, want)
		}
	})
}

func BenchmarkAppend20000(b *testing.B) {
	v := newVault(b)
	l, err := Open(v.dir, v.keys, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var facts []Fact
	for i := range 500 {
		facts = append(facts, seen(i))
	}
	for b.Loop() {
		for range 40 {
			if _, err := l.Append(facts); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	v := newVault(b)
	l := v.open(b)
	var facts []Fact
	for i := range 100000 {
		facts = append(facts, seen(i))
	}
	mustAppend(b, l, facts...)
	l.Checkpoint()
	l.Close()
	for b.Loop() {
		l, err := Open(v.dir, v.keys, v.options())
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
