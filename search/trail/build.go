// Package trail goes from a question to a numbered, sourced trail: the
// statements that bear on one piece of work, in time order, what each later one
// does to an earlier one, what the numbered words show beside each other, and
// how long nothing was written.
//
// It works on values that a Source hands it and knows nothing of stores, clocks
// or files. The same records and the same question give the same bytes.
package trail

import (
	"context"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// Record is one message as a trail needs it.
type Record struct {
	Ref          archive.Ref
	Info         MessageInfo
	From, To, Cc []message.Address
	Subject      string
	MessageID    string   // without angle brackets; "" when absent
	Refs         []string // In-Reply-To and References, without angle brackets
	Date         time.Time
	Auto         bool // sent by a program
	Attachments  []message.Part
	NewHashes    []uint64 // hashes of the sentences its author wrote; optional
	QuotedHashes []uint64 // hashes of the sentences it repeats; optional
	Statements   []Statement
}

// Source is what a trail is drawn from. Answers must be the same for the same
// store; their order matters only for Search. Refs that are not known are left
// out of answers, without an error. What is named twice may be answered twice.
type Source interface {
	// Search returns the messages nearest to the question, by themselves or by limit
	// of the statements in them, best first.
	Search(ctx context.Context, question string, limit int) ([]archive.Ref, error)
	// Related returns messages of the same threads as refs.
	Related(ctx context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error)
	// Between returns mail between us and any of the addresses, both ends included.
	// A zero time leaves that end open.
	Between(ctx context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error)
	// Records returns the messages with their statements.
	Records(ctx context.Context, refs []archive.Ref) ([]*Record, error)
}

// Options bound the work. The zero value is what everybody should use.
type Options struct {
	Hits     int // how many hits to ask Search for; 0 means 200
	Messages int // how many messages to read at most; 0 means 600

	// Pinned statements are entries whatever the question says, Excluded ones are
	// none.
	Pinned, Excluded []Item

	// AsOf leaves out what was written later, and asks for Standings. A zero time
	// means everything.
	AsOf time.Time
	// Near is how many of the nearest statements that were left out to list.
	Near int
}

// Build answers a question with a trail. Coverage is left to the caller. A
// question that nothing in writing bears on gives a trail with no entries and no
// error. The slices of a trail are never nil.
func Build(ctx context.Context, src Source, people People, question string, opts Options) (*Trail, error) {
	t := &Trail{Schema: Schema, Question: question, Summary: Summary{Statements: []int{}}, Entries: []Entry{}, Findings: []Finding{}, Gaps: []Gap{}}
	t.Coverage.Mailboxes, t.Coverage.Absent = []MailboxCoverage{}, []string{}
	lex := lexicon{}
	records, err := gather(ctx, src, people, question, opts, lex)
	if err != nil {
		return nil, err
	}
	records = until(bounded(records), opts.AsOf)
	if !opts.AsOf.IsZero() {
		t.AsOf, t.Standings = &opts.AsOf, []Standing{}
	}
	p := lex.pool(records, people)
	q := understand(question, people, p)
	if party := q.choose(p); party != "" {
		if narrow := p.only(party); narrow.holds(p, opts.Pinned) {
			p = narrow
			q = understand(question, people, p)
		}
	}
	entries := p.decide(p.judge(q, q.selectFrom(p)), opts)
	t.Near = p.near(q, entries, opts)
	if len(entries) == 0 {
		t.Summary.Text = strings.TrimSpace("Nothing in writing about: " + strings.TrimSpace(question))
		return t, nil
	}
	p.lay(q, entries, t)
	if t.AsOf != nil {
		t.Standings = standings(entries, t.Findings)
	}
	return t, nil
}

// lay numbers the entries and says of them what the record shows.
func (p *pool) lay(q *query, entries []*item, t *Trail) *Trail {
	number := map[*item]int{}
	for i, it := range entries {
		number[it] = i + 1
	}
	ties := p.link(entries)
	for i, it := range entries {
		t.Entries = append(t.Entries, Entry{N: i + 1, Statement: it.shown(), Links: linksOf(it, ties, number), Pinned: it.pinned})
	}
	t.Findings = p.findings(entries, ties, number)
	t.Gaps = p.gaps(entries)
	t.Joined = p.join(entries)
	t.Summary = p.summary(q, entries, ties, t.Findings, number)
	return t
}

// shown is the statement as a document shows it: lists are never null in JSON.
func (it *item) shown() Statement {
	s := *it.s
	if s.Facts == nil {
		s.Facts = []statement.Fact{}
	}
	for i := range s.Facts {
		if s.Facts[i].Alternatives == nil {
			facts := append([]statement.Fact(nil), s.Facts...)
			for k := range facts {
				if facts[k].Alternatives == nil {
					facts[k].Alternatives = []string{}
				}
			}
			s.Facts = facts
			break
		}
	}
	if s.Flags == nil {
		s.Flags = []string{}
	}
	if s.Why == nil {
		s.Why = []statement.Reason{}
	}
	if s.Message.To == nil {
		s.Message.To = []string{}
	}
	if s.Message.Occurrences == nil {
		s.Message.Occurrences = []Occurrence{}
	}
	return s
}

// choose picks the client a question is about where the pool holds mail of
// several: one it names, else the one whose words it is nearest to.
func (q *query) choose(p *pool) string {
	if r := q.rank(p); len(r) > 0 {
		return r[0]
	}
	return ""
}

// rank lists the clients that a pool holds mail of, the likeliest to be meant first;
// none where there is nothing to choose.
func (q *query) rank(p *pool) []string {
	parties := map[string]bool{}
	strangers := false
	for _, m := range p.mails {
		if m.party != "" {
			parties[m.party] = true
		}
		strangers = strangers || m.party == "" && !p.known(m)
	}
	if len(parties) == 0 || len(parties) == 1 && !strangers {
		return nil
	}
	score := map[string]float64{}
	for _, party := range sortedKeys(parties) {
		score[party] = q.evidence(p, party)
		if q.parties[party] {
			score[party] += 10
		}
		for _, a := range sortedKeys(q.people) {
			if _, of := p.people.Role(a); of == party {
				score[party] += 1
				break
			}
		}
	}
	ranked := sortedKeys(parties)
	sort.SliceStable(ranked, func(i, j int) bool { return score[ranked[i]] > score[ranked[j]] })
	return ranked
}

// evidence is how much of the question the words of one client's work cover: the
// best statements count most, and the best thread as a whole.
func (q *query) evidence(p *pool, party string) float64 {
	var lex []float64
	for _, it := range p.items {
		if it.m.party == party {
			lex = append(lex, q.cover(p, it.terms, it.syn))
		}
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(lex)))
	sum := 0.0
	for i, x := range lex {
		if i == 5 {
			break
		}
		sum += x / 5
	}
	best := 0.0
	for _, m := range p.mails {
		if m.party == party {
			ts, syn := m.union()
			if c := q.cover(p, ts, syn); c > best {
				best = c
			}
		}
	}
	return sum + best + phraseWeight*q.phrased(p, party)
}

// phraseWeight is what words of the question count that stand together in a
// client's mail as they do in the question: "black friday" is neither word alone.
const phraseWeight = 0.5

// phrased is the share of the question's pairs of neighbouring content words that
// one client's mail has side by side.
func (q *query) phrased(p *pool, party string) float64 {
	ws := words(q.text)
	n, found := 0.0, 0.0
	for i := 1; i < len(ws); i++ {
		a, b := ws[i-1], ws[i]
		if !q.hasWord(a) || !q.hasWord(b) {
			continue
		}
		n++
		pair := " " + a + " " + b + " "
		for _, m := range p.mails {
			if m.party == party && m.says(pair) {
				found++
				break
			}
		}
	}
	if n == 0 {
		return 0
	}
	return found / n
}

// hasWord reports whether a word of the question is among its content terms.
func (q *query) hasWord(w string) bool {
	for _, t := range sortedTerms(terms(w)) {
		if q.content[t] > 0 {
			return true
		}
	}
	return false
}

// says reports whether a mail's subject or statements hold words, given between spaces.
func (m *mail) says(pair string) bool {
	if strings.Contains(" "+strings.Join(words(m.base), " ")+" ", pair) {
		return true
	}
	for _, it := range m.items {
		if strings.Contains(it.folds(), pair) {
			return true
		}
	}
	return false
}

// only narrows a pool to one client's mail.
func (p *pool) only(party string) *pool {
	var keep []*Record
	for _, m := range p.mails {
		if m.party == party {
			keep = append(keep, m.Record)
		}
	}
	people := p.people
	people.Clients = nil
	for _, c := range p.people.Clients {
		if c.Name == party {
			people.Clients = []Party{c}
		} else {
			people.Others = append(people.Others[:len(people.Others):len(people.Others)], c)
		}
	}
	return p.lex.pool(keep, people)
}

const (
	leastShown = 0.20 // no statement less relevant than this is ever shown
	maxEntries = 60
	// recallWeight is beta squared of the F measure that a selection maximises.
	recallWeight = 0.75
)

// selectFrom returns the statements that bear on the question, in time order;
// none where the question's words are not found together anywhere. Taking
// relevances for probabilities, it takes as many of the most relevant as give
// the greatest expected F measure: few for a narrow question, many for a wide one.
func (q *query) selectFrom(p *pool) []*item {
	if len(p.items) == 0 || !q.grounded(p) {
		return nil
	}
	q.score(p)
	return q.pick(p)
}

// pick selects by the relevances that score found.
func (q *query) pick(p *pool) []*item {
	out := append([]*item(nil), p.items...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].p2 > out[j].p2 })
	all := 0.0
	for _, it := range out {
		all += it.p2
	}
	best, n, sum := 0.0, 0, 0.0
	for k, it := range out {
		if it.p2 < leastShown || k == maxEntries {
			break
		}
		sum += it.p2
		if f := (1 + recallWeight) * sum / (float64(k+1) + recallWeight*all); f > best {
			best, n = f, k+1
		}
	}
	out = p.joined(q.connected(p, out[:n]))
	sort.SliceStable(out, func(i, j int) bool { return out[i].index < out[j].index })
	return out
}

// joined adds what third parties report of the same booking, order or document: a
// selected mail passes on their attachment or names their reference.
func (p *pool) joined(items []*item) []*item {
	in := map[*item]bool{}
	keys := map[string]bool{}
	for _, it := range items {
		in[it] = true
		if it.m.role == Us || it.m.role == Client {
			for _, k := range it.m.marks() {
				keys[k] = true
			}
		}
	}
	for _, it := range p.items {
		if in[it] || it.side() != Other || len(it.s.Facts) == 0 || it.s.Kind != statement.Delivery && it.s.Kind != statement.Confirmation {
			continue
		}
		for _, k := range it.m.marks() {
			if keys[k] {
				items = append(items, it)
				break
			}
		}
	}
	return items
}

func sortedKeys[V any](m map[string]V) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}
