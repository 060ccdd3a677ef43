package trail

import (
	"bytes"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

// item is one statement of the pool with everything that is compared of it.
type item struct {
	s     *Statement
	bag   *bag // what s says in words
	m     *mail
	pos   int // position within its mail's statements
	index int // position within the pool, in time order
	terms map[term]float64
	syn   map[term]bool // synonym classes of its terms
	role  Role          // Unknown counts as Other where sides are compared

	day  *statement.Fact // the day it moves to, counted from another statement's
	base *item           // that other statement

	pinned bool // an entry because somebody said so

	// filled by relevance
	lex, prior, p2 float64

	// filled when first asked for
	pointed bool
	points  []*mail
	quoted  bool
	quotes  []string // quotations, their words joined by one space
	about   map[term]float64
	// about as it is compared, and the sum of the squares
	aboutMarks measured
	sorted     []term // terms in order
	measured   measured
	number     string // the bare number; "-" where there is none
	no, yes    map[term]bool
	neg        int8 // 1 negative, -1 not, 0 not asked yet
	cue        int8 // of a change, likewise
	claimed    *claim
	replied    bool
	replies    []reply // what restates something in answer to it
	answered   int8    // 1 answered, -1 open, 0 not asked yet
}

// mail is one message of the pool.
type mail struct {
	*Record
	index    int // in time order
	author   string
	role     Role
	speaks   bool   // its author might give and change instructions then
	party    string // the client party it concerns; "" when nothing says
	base     string // subject without reply prefixes, folded
	reply    bool   // the subject bears a reply prefix
	parent   *mail
	children []*mail
	thread   int
	items    []*item
	subject  map[term]float64
	subjSyn  map[term]bool

	// filled by union, and emptied when a statement changes
	whole    map[term]float64
	wholeSyn map[term]bool
}

// pool is what one question is answered from.
type pool struct {
	mails  []*mail
	items  []*item
	people People
	df     map[term]int
	counts int                 // changes of df
	names  map[string][]string // first and last names, folded, to addresses
	roles  map[string]Role     // asked for before
	lex    lexicon
	judged judged
	pairs  map[[2]int]*pair
	citing []*item // what quotes or cites earlier mail
	sought bool    // citing was found
}

func newPool(records []*Record, people People) *pool { return lexicon{}.pool(records, people) }

// lexicon keeps what was made of statements for the pools that one answer takes.
type lexicon map[*Statement]*bag

// bag is a statement in comparable terms. Who changes a statement makes another.
type bag struct {
	words  []string
	terms  map[term]float64
	syn    map[term]bool
	sorted []term
	folded string // filled when first asked for
}

func (l lexicon) bag(s *Statement) *bag {
	b := l[s]
	if b == nil {
		b = &bag{words: words(s.Quote)}
		b.terms = termsOf(b.words)
		for _, f := range s.Facts {
			for _, t := range factTerms(f) {
				if b.terms[t] == 0 {
					b.terms[t] = 1
				}
			}
		}
		b.syn, b.sorted = synonyms(b.terms), sortedTerms(b.terms)
		l[s] = b
	}
	return b
}

func (l lexicon) pool(records []*Record, people People) *pool {
	p := l.sketch(records, people)
	p.settle()
	return p
}

// sketch is a pool in which days that need other messages are not settled.
func (l lexicon) sketch(records []*Record, people People) *pool {
	p := &pool{people: people, df: map[term]int{}, names: map[string][]string{}, roles: map[string]Role{}, lex: l}
	seen := map[archive.Ref]bool{}
	for _, r := range records {
		if r == nil || seen[r.Ref] {
			continue
		}
		seen[r.Ref] = true
		m := &mail{Record: r}
		if len(r.From) > 0 {
			m.author = strings.ToLower(r.From[0].Address)
		}
		m.role, _ = people.Role(m.author)
		m.speaks = people.Speaks(m.author, r.Date)
		m.base, m.reply = baseSubject(r.Subject)
		m.subject = terms(m.base)
		m.subjSyn = synonyms(m.subject)
		p.mails = append(p.mails, m)
	}
	sort.Slice(p.mails, func(i, j int) bool {
		a, b := p.mails[i], p.mails[j]
		if !a.Date.Equal(b.Date) {
			return a.Date.Before(b.Date)
		}
		return bytes.Compare(a.Ref[:], b.Ref[:]) < 0
	})
	p.fold()
	for i, m := range p.mails {
		m.index = i
		order := make([]int, len(m.Statements))
		for k := range order {
			order[k] = k
		}
		sort.SliceStable(order, func(a, b int) bool { return m.Statements[order[a]].Start < m.Statements[order[b]].Start })
		for pos, k := range order {
			s := &m.Statements[k]
			if s.Kind == statement.None {
				continue // somebody said that it is no statement
			}
			it := &item{s: s, m: m, pos: pos, index: len(p.items), role: s.Speaker.Role}
			if it.role == "" {
				it.role = m.role
			}
			p.describe(it)
			m.items = append(m.items, it)
			p.items = append(p.items, it)
		}
		for _, list := range [][]addr{addrs(m.From), addrs(m.To), addrs(m.Cc)} {
			for _, a := range list {
				p.learnName(a)
			}
		}
	}
	for _, list := range p.names {
		sort.Strings(list)
	}
	p.joinThreads()
	p.assignParties()
	return p
}

// describe takes down what is compared of an item, anew where its facts changed.
func (p *pool) describe(it *item) {
	p.counts++
	it.m.whole = nil
	for _, t := range it.sorted {
		p.df[t]--
	}
	for t := range it.syn {
		p.df[t]--
	}
	b := p.lex.bag(it.s)
	it.bag, it.terms, it.syn, it.sorted = b, b.terms, b.syn, b.sorted
	for _, t := range it.sorted {
		p.df[t]++
	}
	for t := range it.syn {
		p.df[t]++
	}
}

type addr struct{ name, address string }

func (p *pool) learnName(a addr) {
	if a.address == "" {
		return
	}
	put := func(w string) {
		if len([]rune(w)) < 3 || isNumber(w) || plainCompanyWords[w] {
			return
		}
		for _, have := range p.names[w] {
			if have == a.address {
				return
			}
		}
		p.names[w] = append(p.names[w], a.address)
	}
	for _, w := range words(a.name) {
		put(w)
	}
	// The local part often is the name, and short names start it ("ros" for Rosalind).
	local, _, _ := strings.Cut(a.address, "@")
	for _, w := range strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' }) {
		if !mailboxWords[w] {
			put(strings.ToLower(w))
		}
	}
}

var mailboxWords = set(`info office accounts accounting billing mail post hello contact sales support admin noreply no-reply notify news team
 bookings booking reservations reservas service orders order events editor offers abuse extra reply list desk shop press invoices`)

// called returns the addresses of the people of the pool who bear a name. Words
// of businesses ("NorFly Bookings") count for those who are configured only.
func (p *pool) called(w string) []string {
	var out []string
	for _, a := range p.names[w] {
		if r := p.role(a); r == Client || r == Us || r == Other {
			out = append(out, a)
		}
	}
	return out
}

func (p *pool) role(address string) Role {
	r, ok := p.roles[address]
	if !ok {
		r, _ = p.people.Role(address)
		p.roles[address] = r
	}
	return r
}

func (p *pool) idf(t term) float64 {
	// What every one of five statements says is not a common word for that.
	n := math.Max(float64(len(p.items)), 40)
	return math.Log(1 + (n-float64(p.df[t])+0.5)/(float64(p.df[t])+0.5))
}

func synonyms(ts map[term]float64) map[term]bool {
	m := map[term]bool{}
	for t := range ts {
		if c, ok := synonymOf[t]; ok {
			m[c] = true
		}
	}
	return m
}

// factTerms makes a fact comparable with the words of a question.
func factTerms(f statement.Fact) []term {
	switch f.Type {
	case statement.Date, statement.DateTime:
		if len(f.Value) < 10 {
			return nil
		}
		d, err := time.Parse("2006-01-02", f.Value[:10])
		if err != nil {
			return nil
		}
		return []term{dayTerm(int(d.Month()), d.Day()), "dd:" + itoa(d.Day()), "w:" + itoa(int(d.Weekday())), "md:" + itoa(int(d.Month()))}
	case statement.Money:
		if _, amount, ok := strings.Cut(f.Value, " "); ok {
			if n := plainNumber(amount); isNumber(n) {
				return []term{"n:" + n}
			}
		}
	case statement.Quantity, statement.Duration:
		n, _, _ := strings.Cut(f.Value, " ")
		if n = plainNumber(n); isNumber(n) {
			return []term{"n:" + n}
		}
	case statement.Reference:
		return []term{"r:" + strings.ToLower(f.Value)}
	}
	return nil
}

// baseSubject strips reply and forward prefixes and list tags, as RFC 5256
// section 2.1 does, with the prefixes of other languages that are seen in practice.
func baseSubject(s string) (string, bool) {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	reply := false
	for {
		t := strings.TrimSpace(s)
		for _, p := range []string{"re:", "aw:", "antw:", "sv:", "vs:", "fw:", "fwd:", "wg:", "tr:", "rv:", "res:", "enc:"} {
			if strings.HasPrefix(t, p) {
				t = strings.TrimSpace(t[len(p):])
				reply = true
			}
		}
		if strings.HasPrefix(t, "[") {
			if i := strings.IndexByte(t, ']'); i > 0 && i < len(t)-1 {
				t = strings.TrimSpace(t[i+1:])
			}
		}
		if i := strings.Index(t, "(was:"); i > 0 {
			t = strings.TrimSpace(t[:i])
		}
		if t == s {
			return t, reply
		}
		s = t
	}
}

// joinThreads finds each message's parent and numbers the threads: by the
// Message-ID graph, then by quoted sentences, then by subject, last and guarded.
func (p *pool) joinThreads() {
	byID := map[string]*mail{}
	for _, m := range p.mails {
		if m.MessageID != "" && byID[m.MessageID] == nil {
			byID[m.MessageID] = m
		}
	}
	byHash := map[uint64]*mail{}
	bySubject := map[string][]*mail{}
	for _, m := range p.mails {
		for i := len(m.Refs) - 1; i >= 0 && m.parent == nil; i-- {
			if q := byID[m.Refs[i]]; q != nil && q.index < m.index {
				if m.parent == nil || q.index > m.parent.index {
					m.parent = q
				}
			}
		}
		if m.parent == nil && len(m.QuotedHashes) > 0 {
			votes := map[*mail]int{}
			for _, h := range m.QuotedHashes {
				if q := byHash[h]; q != nil {
					votes[q]++
				}
			}
			for _, q := range p.mails[:m.index] {
				if v := votes[q]; v > 0 && (m.parent == nil || v >= votes[m.parent]) {
					m.parent = q
				}
			}
		}
		if m.parent == nil && m.base != "" && !m.Auto {
			same := bySubject[m.base]
			for i := len(same) - 1; i >= 0; i-- {
				q := same[i]
				if m.Date.Sub(q.Date) > 45*24*time.Hour {
					break
				}
				// A second address of somebody shares no party; a reply under a
				// subject of several words to whoever wrote before is one all the same.
				foreign := m.reply && len(m.subject) >= 3 && m.Date.Sub(q.Date) < 14*24*time.Hour && slices.Contains(m.everybody(), q.author)
				if (m.reply || len(m.subject) >= 2) && p.shareParty(m, q) || foreign {
					m.parent = q
					break
				}
			}
		}
		for _, h := range m.NewHashes {
			if byHash[h] == nil {
				byHash[h] = m
			}
		}
		bySubject[m.base] = append(bySubject[m.base], m)
		if m.parent != nil {
			m.parent.children = append(m.parent.children, m)
			m.thread = m.parent.thread
		} else {
			m.thread = m.index
		}
	}
}

// shareParty reports whether two mails have two sides in common: all addresses of
// a client count as one, as do ours.
func (p *pool) shareParty(a, b *mail) bool {
	in := map[string]bool{}
	for _, x := range a.everybody() {
		in[p.standing(x)] = true
	}
	seen := map[string]bool{}
	for _, x := range b.everybody() {
		if s := p.standing(x); in[s] {
			seen[s] = true
		}
	}
	return len(seen) >= 2
}

// standing is what an address counts as where only sides matter.
func (p *pool) standing(address string) string {
	switch r, party := p.people.Role(address); r {
	case Us:
		return "us"
	case Client, Other:
		return string(r) + " " + party
	}
	return address
}

// everybody lists the addresses of a mail's author and readers, in order, once each.
func (m *mail) everybody() []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range [][]addr{addrs(m.From), addrs(m.To), addrs(m.Cc)} {
		for _, a := range list {
			if a.address != "" && !seen[a.address] {
				seen[a.address] = true
				out = append(out, a.address)
			}
		}
	}
	return out
}

// assignParties says which client a mail concerns: one who takes part in it, else
// the one its thread, a shared reference, a passed-on attachment or a repeated
// sentence leads to.
func (p *pool) assignParties() {
	byThread := map[int]map[string]int{}
	byKey := map[string]map[string]int{}
	vote := func(m map[string]map[string]int, k, party string) {
		if m[k] == nil {
			m[k] = map[string]int{}
		}
		m[k][party]++
	}
	wanted := map[string]bool{} // keys that may lead somewhere
	for _, m := range p.mails {
		for _, a := range m.everybody() {
			if p.role(a) == Client {
				_, m.party = p.people.Role(a)
				break
			}
		}
		if m.party == "" {
			for _, k := range m.keys() {
				wanted[k] = true
			}
		}
	}
	for _, m := range p.mails {
		if m.party == "" {
			continue
		}
		if byThread[m.thread] == nil {
			byThread[m.thread] = map[string]int{}
		}
		byThread[m.thread][m.party]++
		if len(wanted) == 0 {
			continue
		}
		for _, k := range m.keys() {
			if wanted[k] {
				vote(byKey, k, m.party)
			}
		}
	}
	for _, m := range p.mails {
		if m.party != "" {
			continue
		}
		if best := only(byThread[m.thread]); best != "" {
			m.party = best
			continue
		}
		votes := map[string]int{}
		for _, k := range m.keys() {
			if len(byKey[k]) == 1 {
				votes[only(byKey[k])]++
			}
		}
		m.party = only(votes)
	}
	if len(p.people.Clients) == 1 {
		for _, m := range p.mails {
			if m.party == "" && !m.Auto && p.known(m) {
				m.party = p.people.Clients[0].Name
			}
		}
		return
	}
	// A thread of third-party mail follows its first mail that is known to concern somebody.
	for _, m := range p.mails {
		if m.party == "" && m.parent != nil {
			m.party = m.parent.party
		}
	}
	for i := len(p.mails) - 1; i >= 0; i-- {
		if m := p.mails[i]; m.party == "" {
			for _, c := range m.children {
				if c.party != "" {
					m.party = c.party
					break
				}
			}
		}
	}
}

// known reports whether anybody configured takes part in a mail; everybody does
// where nobody has said which addresses are ours.
func (p *pool) known(m *mail) bool {
	if len(p.people.Us) == 0 {
		return true
	}
	for _, a := range m.everybody() {
		if p.role(a) != Unknown {
			return true
		}
	}
	return false
}

// keys are what two mails of the same piece of work share and others do not:
// references, attachments, sentences passed on.
func (m *mail) keys() []string {
	ks := m.marks()
	for _, h := range m.NewHashes {
		ks = append(ks, "h:"+itoa(int(h)))
	}
	for _, h := range m.QuotedHashes {
		ks = append(ks, "h:"+itoa(int(h)))
	}
	return ks
}

// marks are the references and attachments of a mail.
func (m *mail) marks() []string {
	var ks []string
	for _, it := range m.items {
		for _, f := range it.s.Facts {
			if f.Type == statement.Reference {
				ks = append(ks, "r:"+strings.ToLower(f.Value))
			}
		}
	}
	for _, a := range m.Attachments {
		if !a.Inline && a.SHA256 != "" {
			ks = append(ks, "a:"+a.SHA256)
		}
	}
	return ks
}

// only returns the key with the most votes, the first by name where two are level.
func only(votes map[string]int) string {
	best, n := "", 0
	for k, v := range votes {
		if v > n || v == n && k < best {
			best, n = k, v
		}
	}
	return best
}
