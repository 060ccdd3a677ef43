package search

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/textindex"
	"inwriting/search/trail"
)

// memory is a Store in memory.
type memory struct {
	records  []*Record
	raw      map[archive.Ref][]byte
	coverage trail.Coverage
}

func (m *memory) byRef(ref archive.Ref) *Record {
	for _, r := range m.records {
		if r.Ref == ref {
			return r
		}
	}
	return nil
}

func (m *memory) Records(_ context.Context, refs []archive.Ref, full bool) ([]*Record, error) {
	out := make([]*Record, len(refs))
	for i, ref := range refs {
		r := m.byRef(ref)
		if r == nil {
			continue
		}
		c := *r
		if !full {
			msg := *r.Message
			msg.Text, msg.Zones, msg.Defects = "", nil, nil
			c.Message = &msg
		}
		out[i] = &c
	}
	return out, nil
}

func (m *memory) Place(_ context.Context, id string) (Place, error) {
	for _, r := range m.records {
		for n, s := range r.Statements {
			if s.ID == id {
				return Place{Ref: r.Ref, N: n}, nil
			}
		}
	}
	return Place{}, ErrNotFound
}

func (m *memory) StatementIDs(_ context.Context, prefix string, limit int) ([]string, error) {
	var out []string
	for _, r := range m.records {
		for _, s := range r.Statements {
			if strings.HasPrefix(s.ID, prefix) {
				out = append(out, s.ID)
			}
		}
	}
	slices.Sort(out)
	return out[:min(limit, len(out))], nil
}

func (m *memory) refs(limit int, fits func(*Record) bool) ([]archive.Ref, error) {
	var out []archive.Ref
	for _, r := range m.records {
		if fits(r) && len(out) < limit {
			out = append(out, r.Ref)
		}
	}
	return out, nil
}

func (m *memory) RefsByPrefix(_ context.Context, hex string, limit int) ([]archive.Ref, error) {
	return m.refs(limit, func(r *Record) bool { return strings.HasPrefix(r.Ref.Hex(), hex) })
}

func (m *memory) RefsByMessageID(_ context.Context, id string, limit int) ([]archive.Ref, error) {
	return m.refs(limit, func(r *Record) bool { return r.Message.MessageID == id })
}

func (m *memory) Thread(_ context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error) {
	ids := map[string]bool{}
	for _, ref := range refs {
		if r := m.byRef(ref); r != nil {
			ids[r.Message.MessageID] = true
			for _, id := range r.Message.References {
				ids[id] = true
			}
		}
	}
	return m.refs(limit, func(r *Record) bool {
		return ids[r.Message.MessageID] || slices.ContainsFunc(r.Message.References, func(id string) bool { return ids[id] })
	})
}

func (m *memory) Links(context.Context, []archive.Ref, int, func(msg, parent archive.Ref, thread bool, reason string)) error {
	return nil
}

func (m *memory) Between(_ context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error) {
	return m.refs(limit, func(r *Record) bool {
		for _, list := range [][]message.Address{r.Message.From, r.Message.To, r.Message.Cc} {
			for _, a := range list {
				if slices.Contains(addresses, a.Address) {
					return (from.IsZero() || !r.Date.Before(from)) && (to.IsZero() || !r.Date.After(to))
				}
			}
		}
		return false
	})
}

func (m *memory) Coverage(context.Context) (*trail.Coverage, error) { c := m.coverage; return &c, nil }

func (m *memory) Raw(_ context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	b, ok := m.raw[ref]
	if !ok {
		return nil, 0, fmt.Errorf("%s: %w", ref, ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

// mail is how fixtures are written. Statements are "kind|quote|fact type=value;…".
type mail struct {
	id, from, to, date, subject, folder, refs, text string
	statements                                      []string
}

var people = trail.People{
	Us:      []string{"nora@deskandco.example"},
	Clients: []trail.Party{{Name: "Hale Architects", Addresses: []string{"martin.private@post.example"}, Domains: []string{"halearchitects.example"}}, {Name: "Brook & Sons", Domains: []string{"brook.example"}}},
	Others:  []trail.Party{{Name: "Alpenair", Domains: []string{"alpenair.example"}}},
}

var zone = time.FixedZone("", 0)

// vault is an engine over an invented dispute and some noise.
func vault(t testing.TB) (*Engine, *memory) {
	t.Helper()
	mails := []mail{
		{"trip-1@hale", "Martin Hale <martin@halearchitects.example>", "nora@deskandco.example", "2023-03-02T09:12:00Z", "Vienna trip", "INBOX", "",
			"Hi Nora,\n\nPlease book me London to Vienna on Tuesday 14 March, first flight out. Keep it under £260.\n\nMartin\n",
			[]string{"instruction|Please book me London to Vienna on Tuesday 14 March, first flight out.|date=2023-03-14", "terms|Keep it under £260.|money=GBP 260.00"}},
		{"trip-2@desk", "Nora Lind <nora@deskandco.example>", "martin@halearchitects.example", "2023-03-02T09:53:00Z", "Re: Vienna trip", "Sent", "trip-1@hale",
			"Confirming: London–Vienna on Tuesday 14 March, first flight out.\n",
			[]string{"confirmation|Confirming: London–Vienna on Tuesday 14 March, first flight out.|date=2023-03-14"}},
		{"lunch-1@hale", "Martin Hale <martin.private@post.example>", "nora@deskandco.example", "2023-03-02T18:47:09Z", "Lunch with Kessler", "INBOX", "",
			"Kessler has moved to Thursday lunch, so make that flight a day later. Same times otherwise.\n",
			[]string{"change|Kessler has moved to Thursday lunch, so make that flight a day later.|date=2023-03-15"}},
		{"air-1@alpenair", "Alpenair <bookings@alpenair.example>", "nora@deskandco.example", "2023-03-03T16:20:00Z", "Booking ALP-77120", "Travel/Bookings", "",
			"Your flight to Vienna is booked for Wednesday 15 March. Total GBP 248.00.\n",
			[]string{"confirmation|Your flight to Vienna is booked for Wednesday 15 March.|date=2023-03-15", "terms|Total GBP 248.00.|money=GBP 248.00;reference=ALP-77120"}},
		{"trip-3@hale", "Martin Hale <martin@halearchitects.example>", "nora@deskandco.example", "2023-03-13T07:41:00Z", "Re: Vienna trip", "INBOX", "trip-1@hale trip-2@desk",
			"This is not what I asked for. I never said the 15th.\n\nOn 2 March Nora wrote:\n> Confirming: London–Vienna on Tuesday 14 March\n",
			[]string{"dispute|I never said the 15th.|date=2023-03-15"}},
		{"brook-1@brook", "Ada Brook <ada@brook.example>", "nora@deskandco.example", "2023-02-20T10:00:00Z", "Receipts", "INBOX", "",
			"Could you reserve the small hotel for the receipts workshop? I will pay the invoice on Friday.\n",
			[]string{"question|Could you reserve the small hotel for the receipts workshop?|", "commitment|I will pay the invoice on Friday.|date=2023-02-24"}},
		{"same@id", "Ada Brook <ada@brook.example>", "nora@deskandco.example", "2023-02-21T10:00:00Z", "Twice", "INBOX", "", "First with this id.\n", nil},
		{"same@id", "Ada Brook <ada@brook.example>", "nora@deskandco.example", "2023-02-22T10:00:00Z", "Twice", "INBOX", "", "Second with this id.\n", nil},
	}
	store := &memory{raw: map[archive.Ref][]byte{}}
	store.coverage.Mailboxes = []trail.MailboxCoverage{{Address: "nora@deskandco.example", State: "up to date"}}
	ix, err := textindex.Open(t.TempDir(), textindex.Options{Reader: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	batch := ix.NewBatch()
	ids := 0
	for i, m := range mails {
		raw := []byte("Message-ID: <" + m.id + ">\r\n\r\n" + m.text)
		r := &Record{Ref: sha256.Sum256(raw), LedgerIndex: int64(i), Size: int64(len(raw))}
		r.Date, err = time.Parse(time.RFC3339, m.date)
		if err != nil {
			t.Fatal(err)
		}
		name, address, _ := strings.Cut(strings.TrimSuffix(m.from, ">"), " <")
		r.Message = &message.Message{From: []message.Address{{Name: name, Address: address}}, To: []message.Address{{Address: m.to}}, Subject: m.subject,
			MessageID: m.id, References: strings.Fields(m.refs), Date: r.Date, Text: m.text}
		quoted := len(m.text)
		if i := strings.Index(m.text, "On 2 March"); i >= 0 {
			quoted = i
			r.Message.Zones = []message.Zone{{Kind: message.New, Start: 0, End: i}, {Kind: message.Quoted, Start: i, End: len(m.text)}}
		} else {
			r.Message.Zones = []message.Zone{{Kind: message.New, Start: 0, End: quoted}}
		}
		r.Occurrences = []Occurrence{{Occurrence: trail.Occurrence{Mailbox: "nora@deskandco.example", Folder: m.folder, UID: uint32(i + 1)}, Collected: r.Date.Add(time.Hour)}}
		doc := textindex.Message{ID: r.Ref.Hex(), Date: r.Date, Subject: m.subject, From: []textindex.Address{{Name: name, Address: address}},
			To: []textindex.Address{{Address: m.to}}, Text: m.text, Mailboxes: []string{"nora@deskandco.example"}, Folders: []string{m.folder}}
		for _, s := range m.statements {
			parts := strings.Split(s, "|")
			start := strings.Index(m.text, parts[1])
			if start < 0 {
				t.Fatalf("%q is not in its message", parts[1])
			}
			st := Statement{ID: fmt.Sprintf("s-7k%02dxx", ids)}
			ids++
			st.Kind, st.Quote, st.Confidence, st.Start, st.End = statement.Kind(parts[0]), parts[1], 0.9, start, start+len(parts[1])
			st.RuneStart = utf8.RuneCountInString(m.text[:start])
			st.RuneEnd = st.RuneStart + utf8.RuneCountInString(parts[1])
			st.Why = []statement.Reason{{Rule: "test", Weight: 1}}
			ts := textindex.Statement{Start: st.Start, End: st.End, Kind: parts[0]}
			for f := range strings.SplitSeq(parts[2], ";") {
				if typ, value, ok := strings.Cut(f, "="); ok {
					st.Facts = append(st.Facts, statement.Fact{Type: statement.FactType(typ), Value: value})
					ts.Facts = append(ts.Facts, textindex.Fact{Type: typ, Value: value})
				}
			}
			r.Statements = append(r.Statements, st)
			doc.Statements = append(doc.Statements, ts)
		}
		store.records = append(store.records, r)
		store.raw[r.Ref] = raw
		if err := batch.Put(&doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2023, 3, 15, 12, 0, 0, 0, zone) }
	return NewEngine(store, ix, people, Options{Now: now}), store
}
