package trail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"mime"
	netmail "net/mail"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/corpora"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

// The gold cases are not part of the repository; tests that need them skip.

type goldRef struct{ File, Quote string }

type goldFinding struct {
	Type string
	A, B *goldRef
}

type goldQuestion struct {
	Ask      string
	Must     []goldRef
	May      []goldRef
	Findings []goldFinding
}

type goldCase struct {
	ID string
	Us []struct {
		Name   string
		Emails []string
	}
	Client struct {
		Name    string
		Emails  []string
		Domains []string
	}
	Account, Timezone string
	Questions         []goldQuestion
	Statements        []struct {
		File, Quote, Kind, Speaker string
		Facts                      []struct{ Type, Text, Value string }
	}

	dir     string
	records []*Record // statements as labelled
	read    []*Record // statements as the reader finds them
	files   map[archive.Ref]string
}

// loadGold reads every case; the records' statements come from the labels.
func loadGold(t testing.TB) []*goldCase {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(corpora.Path(t, "gold"), "*", "gold.json"))
	sort.Strings(paths)
	var cases []*goldCase
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c := &goldCase{dir: filepath.Dir(path), files: map[archive.Ref]string{}}
		if err := json.Unmarshal(b, c); err != nil {
			t.Fatalf("reading %s: %v", path, err)
		}
		c.load(t)
		cases = append(cases, c)
	}
	return cases
}

func (c *goldCase) people() People {
	var p People
	for _, u := range c.Us {
		p.Us = append(p.Us, u.Emails...)
	}
	p.Clients = []Party{{Name: c.Client.Name, Addresses: c.Client.Emails, Domains: c.Client.Domains}}
	return p
}

func (c *goldCase) load(t testing.TB) {
	files, _ := filepath.Glob(filepath.Join(c.dir, "mail", "*.eml"))
	sort.Strings(files)
	people := c.people()
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r := headerRecord(raw)
		name := filepath.Base(f)
		c.files[r.Ref] = name
		for i, s := range c.Statements {
			if s.File != name {
				continue
			}
			st := Statement{ID: fmt.Sprintf("s-%s-%d", c.ID, i), Kind: statement.Kind(s.Kind), Confidence: 1, Quote: s.Quote,
				Start: 100 * i, End: 100*i + len(s.Quote), Message: r.Info}
			st.Speaker = Speaker{Name: r.From[0].Name, Address: r.From[0].Address}
			st.Speaker.Role, _ = people.Role(r.From[0].Address)
			for _, x := range s.Facts {
				st.Facts = append(st.Facts, statement.Fact{Type: statement.FactType(x.Type), Text: x.Text, Value: x.Value})
			}
			r.Statements = append(r.Statements, st)
		}
		c.records = append(c.records, r)
		c.read = append(c.read, readRecord(raw, people))
	}
}

// readRecord reads a message as the indexer does.
func readRecord(raw []byte, people People) *Record {
	m := message.Parse(raw)
	r := &Record{Ref: sha256.Sum256(raw), From: m.From, To: m.To, Cc: m.Cc, Subject: m.Subject, MessageID: m.MessageID,
		Refs: append(append([]string(nil), m.InReplyTo...), m.References...), Date: m.Date, Auto: m.Auto, Attachments: m.Parts}
	r.Info = MessageInfo{Ref: r.Ref, MessageID: m.MessageID, Date: m.Date, Subject: m.Subject}
	var speaker Speaker
	if len(m.From) > 0 {
		r.Info.From = m.From[0].Address
		speaker = Speaker{Name: m.From[0].Name, Address: m.From[0].Address}
	}
	for _, a := range m.To {
		r.Info.To = append(r.Info.To, a.Address)
	}
	speaker.Role, _ = people.Role(speaker.Address)
	for _, z := range m.Zones {
		text := m.Text[z.Start:z.End]
		switch z.Kind {
		case message.New:
			r.NewHashes = append(r.NewHashes, thread.Shingles(text)...)
		case message.Quoted, message.Forwarded:
			r.QuotedHashes = append(r.QuotedHashes, thread.Shingles(text)...)
		}
	}
	for i, s := range statement.Read(m).Statements {
		r.Statements = append(r.Statements, Statement{ID: fmt.Sprintf("s-%x-%d", r.Ref[:4], i), Kind: s.Kind, Confidence: s.Confidence, Quote: s.Quote,
			Start: s.Start, End: s.End, Speaker: speaker, Message: r.Info, Facts: s.Facts, Flags: s.Flags, Why: s.Why})
	}
	return r
}

// headerRecord reads as much of a message's header as a trail needs.
func headerRecord(raw []byte) *Record {
	r := &Record{Ref: sha256.Sum256(raw)}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return r
	}
	dec := new(mime.WordDecoder)
	r.Subject, _ = dec.DecodeHeader(m.Header.Get("Subject"))
	r.MessageID = strings.Trim(m.Header.Get("Message-ID"), "<> ")
	for _, h := range []string{"In-Reply-To", "References"} {
		for _, id := range strings.Fields(m.Header.Get(h)) {
			r.Refs = append(r.Refs, strings.Trim(id, "<>"))
		}
	}
	r.Date, _ = m.Header.Date()
	r.Auto = m.Header.Get("Auto-Submitted") != "" && m.Header.Get("Auto-Submitted") != "no" || m.Header.Get("List-Unsubscribe") != "" || m.Header.Get("Precedence") == "bulk"
	list := func(h string) (out []message.Address) {
		as, err := m.Header.AddressList(h)
		if err != nil {
			return nil
		}
		for _, a := range as {
			out = append(out, message.Address{Name: a.Name, Address: strings.ToLower(a.Address)})
		}
		return out
	}
	r.From, r.To, r.Cc = list("From"), list("To"), list("Cc")
	r.Info = MessageInfo{Ref: r.Ref, MessageID: r.MessageID, Date: r.Date, Subject: r.Subject}
	if len(r.From) > 0 {
		r.Info.From = r.From[0].Address
	} else {
		r.From = []message.Address{{}}
	}
	for _, a := range r.To {
		r.Info.To = append(r.Info.To, a.Address)
	}
	return r
}

// memory is a Source over records, good enough to develop against: BM25 over
// statements, synonyms left to the trail.
type memory struct {
	records []*Record
	byRef   map[archive.Ref]*Record
	pool    *pool
}

func newMemory(records []*Record) *memory {
	m := &memory{records: records, byRef: map[archive.Ref]*Record{}, pool: newPool(records, People{})}
	for _, r := range records {
		m.byRef[r.Ref] = r
	}
	return m
}

func (m *memory) Search(_ context.Context, question string, limit int) ([]archive.Ref, error) {
	type hit struct {
		ref   archive.Ref
		score float64
	}
	p := m.pool
	var hits []hit
	qt := terms(question)
	qs := synonyms(qt)
	for _, it := range p.items {
		score := 0.0
		for _, t := range sortedTerms(qt) {
			if n := it.terms[t] + it.m.subject[t]; n > 0 {
				score += p.idf(t) * n * 2.2 / (n + 1.2)
			}
		}
		for c := range qs {
			if it.syn[c] {
				score += 0.5
			}
		}
		if score > 0 {
			hits = append(hits, hit{it.m.Ref, score})
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].score > hits[j].score })
	var refs []archive.Ref
	for _, h := range hits[:min(len(hits), limit)] {
		refs = append(refs, h.ref)
	}
	return refs, nil
}

func (m *memory) Related(_ context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error) {
	p := m.pool
	threads := map[int]bool{}
	want := map[archive.Ref]bool{}
	for _, r := range refs {
		want[r] = true
	}
	for _, x := range p.mails {
		if want[x.Ref] {
			threads[x.thread] = true
		}
	}
	var out []archive.Ref
	for _, x := range p.mails {
		if threads[x.thread] && len(out) < limit {
			out = append(out, x.Ref)
		}
	}
	return out, nil
}

func (m *memory) Between(_ context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error) {
	want := map[string]bool{}
	for _, a := range addresses {
		want[strings.ToLower(a)] = true
	}
	var out []archive.Ref
	for _, r := range m.records {
		hit := false
		for _, list := range [][]message.Address{r.From, r.To, r.Cc} {
			for _, a := range list {
				hit = hit || want[a.Address]
			}
		}
		if hit && (from.IsZero() || !r.Date.Before(from)) && (to.IsZero() || !r.Date.After(to)) && len(out) < limit {
			out = append(out, r.Ref)
		}
	}
	return out, nil
}

func (m *memory) Records(_ context.Context, refs []archive.Ref) ([]*Record, error) {
	var out []*Record
	for _, r := range refs {
		if x := m.byRef[r]; x != nil {
			out = append(out, x)
		}
	}
	return out, nil
}

func squash(s string) string { return strings.Join(strings.Fields(s), "") }

// covers is the match of gold/README.md: the same file, and the quote covers at
// least 60 % of the label's characters, and is at most three times as long.
func covers(quote, label string, long bool) bool {
	a, b := []rune(squash(quote)), []rune(squash(label))
	if len(b) == 0 || long && len(a) > 3*len(b) {
		return false
	}
	return float64(overlap(a, b)) >= 0.6*float64(len(b))
}

// overlap is the length of the longest common run of two quotes of one text.
func overlap(a, b []rune) int {
	as, bs := string(a), string(b)
	if strings.Contains(as, bs) {
		return len(b)
	}
	if strings.Contains(bs, as) {
		return len(a)
	}
	best := 0
	prev := make([]int, len(b)+1)
	for i := range a {
		cur := make([]int, len(b)+1)
		for j := range b {
			if a[i] == b[j] {
				cur[j+1] = prev[j] + 1
				if cur[j+1] > best {
					best = cur[j+1]
				}
			}
		}
		prev = cur
	}
	return best
}

func (c *goldCase) has(list []goldRef, file, quote string) bool {
	for _, g := range list {
		if g.File == file && covers(quote, g.Quote, false) {
			return true
		}
	}
	return false
}
