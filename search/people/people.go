// Package people learns from mail who writes to whom, and what that suggests about
// who is who: a client's further people, second addresses, domains, addresses that
// are our own. It only suggests. What it says is decided by nobody but the user,
// and nothing is treated as known before.
package people

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	"inwriting/search/trail"
)

// Address is one side of a letter.
type Address struct{ Name, Address string }

// Letter is who wrote to whom.
type Letter struct {
	Date     time.Time
	From, To []Address // To with the copies
	Auto     bool      // sent by a program
	Sent     bool      // lies in our folder of sent mail
}

// Person is an address in the mail.
type Person struct {
	Address string     `json:"address"`
	Name    string     `json:"name,omitempty"` // the one used most
	Role    trail.Role `json:"role"`
	Party   string     `json:"party,omitempty"`
	Wrote   int        `json:"wrote"`   // messages from it
	Got     int        `json:"got"`     // messages of ours to it
	First   time.Time  `json:"first"`   // the first of both
	Last    time.Time  `json:"last"`    //
	BySent  int        `json:"by_sent"` // messages from it that lie in our sent mail

	names  map[string]int
	copied map[string]int // parties of the messages it was in
	auto   int
	toUs   int
}

// What a suggestion says.
const (
	Ours    = "me"      // the address is one of ours
	Same    = "address" // it is another address of a known party
	Domain  = "domain"  // a known party's domain, of which only addresses are configured
	Unknown = "unknown" // somebody we write with and nobody has named
)

// Suggestion is something that the mail suggests and nobody has confirmed.
type Suggestion struct {
	ID      string     `json:"id"` // p- and six characters, the same as long as it says the same
	Kind    string     `json:"kind"`
	Who     []string   `json:"who"` // addresses, or "@domain"
	Name    string     `json:"name,omitempty"`
	Party   string     `json:"party,omitempty"` // the party it would belong to
	Role    trail.Role `json:"role"`            // us, client, other, or unknown where the user has to say
	Why     string     `json:"why"`
	Letters int        `json:"letters"`
}

// Found is what the mail says about people.
type Found struct {
	People      []Person     `json:"people"` // those that are configured, most letters first
	Suggestions []Suggestion `json:"suggestions"`
}

// Learner reads letters, one by one.
type Learner struct {
	known  trail.People
	public func(domain string) bool
	all    map[string]*Person
}

// New returns a Learner. public says of a domain that everybody can have an
// address there, so that it belongs to nobody.
func New(known trail.People, public func(domain string) bool) *Learner {
	return &Learner{known: known, public: public, all: map[string]*Person{}}
}

func (l *Learner) person(a Address) *Person {
	key := strings.ToLower(strings.TrimSpace(a.Address))
	if !strings.Contains(key, "@") {
		return nil
	}
	p := l.all[key]
	if p == nil {
		p = &Person{Address: key, names: map[string]int{}, copied: map[string]int{}}
		p.Role, p.Party = l.known.Role(key)
		l.all[key] = p
	}
	if n := tidy(a.Name); n != "" && !strings.Contains(n, "@") {
		p.names[n]++
	}
	return p
}

// Add reads one letter.
func (l *Learner) Add(m Letter) {
	var from, to []*Person
	parties := map[string]bool{}
	ours := false
	for _, a := range m.From {
		if p := l.person(a); p != nil {
			from = append(from, p)
			ours = ours || p.Role == trail.Us
			parties[p.Party] = true
		}
	}
	reachesUs := false
	for _, a := range m.To {
		if p := l.person(a); p != nil {
			to = append(to, p)
			reachesUs = reachesUs || p.Role == trail.Us
			parties[p.Party] = true
		}
	}
	delete(parties, "")
	seen := func(p *Person) {
		if p.First.IsZero() || m.Date.Before(p.First) {
			p.First = m.Date
		}
		if m.Date.After(p.Last) {
			p.Last = m.Date
		}
		for party := range parties {
			p.copied[party]++
		}
	}
	for _, p := range from {
		p.Wrote++
		if m.Sent {
			p.BySent++
		}
		if m.Auto {
			p.auto++
		}
		if reachesUs {
			p.toUs++
		}
		seen(p)
	}
	for _, p := range to {
		if ours || m.Sent {
			p.Got++
		}
		seen(p)
	}
}

// Found returns what was learnt, in a fixed order.
func (l *Learner) Found() Found {
	f := Found{People: []Person{}, Suggestions: []Suggestion{}}
	var list []*Person
	for _, p := range l.all {
		p.Name = most(p.names)
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *Person) int {
		return cmp.Or((b.Wrote+b.Got)-(a.Wrote+a.Got), strings.Compare(a.Address, b.Address))
	})
	for _, p := range list {
		if p.Role != trail.Unknown {
			f.People = append(f.People, *p)
		}
	}
	taken := map[string]bool{}
	add := func(s Suggestion) {
		for _, w := range s.Who {
			taken[w] = true
		}
		h := sha256.Sum256([]byte(s.Kind + "\x00" + s.Party + "\x00" + strings.Join(s.Who, "\x00")))
		s.ID = "p-" + hex.EncodeToString(h[:3])
		f.Suggestions = append(f.Suggestions, s)
	}
	l.ours(list, add)
	l.same(list, taken, add)
	l.domains(list, add)
	l.unknown(list, taken, add)
	return f
}

// ours: an address in our sent mail that is not named as ours.
func (l *Learner) ours(list []*Person, add func(Suggestion)) {
	for _, p := range list {
		if p.Role == trail.Unknown && p.BySent >= 1 {
			add(Suggestion{Kind: Ours, Who: []string{p.Address}, Name: p.Name, Role: trail.Us, Letters: p.BySent,
				Why: fmt.Sprintf("%s in your sent mail from it", count(p.BySent, "message lies", "messages lie"))})
		}
	}
}

// same: an unknown address under the name of somebody who is known, in letters with
// that party or with us.
func (l *Learner) same(list []*Person, taken map[string]bool, add func(Suggestion)) {
	type owner struct {
		*Person
		name string
	}
	byName := map[string][]owner{}
	for _, p := range list {
		if p.Role == trail.Unknown {
			continue
		}
		for n := range p.names {
			if k := nameKey(n); k != "" {
				byName[k] = append(byName[k], owner{p, n})
			}
		}
	}
	for _, p := range list {
		if p.Role != trail.Unknown || taken[p.Address] {
			continue
		}
		parties := map[string]owner{}
		for n := range p.names {
			for _, o := range byName[nameKey(n)] {
				parties[string(o.Role)+o.Party] = o
			}
		}
		if len(parties) != 1 { // a name that two sides have says nothing
			continue
		}
		for _, o := range parties {
			s := Suggestion{Kind: Same, Who: []string{p.Address}, Name: p.Name, Party: o.Party, Role: o.Role, Letters: p.Wrote + p.Got,
				Why: fmt.Sprintf("writes under the name %q, as %s does; %s", o.name, o.Address, count(p.Wrote+p.Got, "message", "messages"))}
			if o.Role == trail.Us {
				s.Kind = Ours
			} else if n := p.copied[o.Party]; n > 0 {
				s.Why += fmt.Sprintf(", %d of them with %s", n, o.Party)
			}
			add(s)
		}
	}
}

// domains: of a party only addresses are named, and others of its domain write too.
func (l *Learner) domains(list []*Person, add func(Suggestion)) {
	parties := func(role trail.Role, all []trail.Party) {
		for _, party := range all {
			mine := map[string]bool{}
			for _, a := range party.Addresses {
				if d := domainOf(a); !l.public(d) {
					mine[d] = true
				}
			}
			for _, d := range sorted(mine) {
				var names []string
				letters := 0
				for _, p := range list {
					if p.Role == trail.Unknown && domainOf(p.Address) == d {
						names = append(names, p.Address)
						letters += p.Wrote + p.Got
					}
				}
				if len(names) > 0 {
					add(Suggestion{Kind: Domain, Who: []string{"@" + d}, Party: party.Name, Role: role, Letters: letters,
						Why: fmt.Sprintf("%s of it in the mail too: %s", count(len(names), "other address", "other addresses"), few(names))})
				}
			}
		}
	}
	parties(trail.Client, l.known.Clients)
	parties(trail.Other, l.known.Others)
}

// leastWritten is how often each side must have written before somebody unknown is
// worth a question.
const leastWritten = 2

// unknown: those we write with and whom nobody has named, by domain.
func (l *Learner) unknown(list []*Person, taken map[string]bool, add func(Suggestion)) {
	groups := map[string][]*Person{}
	for _, p := range list {
		if p.Role != trail.Unknown || taken[p.Address] || p.auto*2 > p.Wrote {
			continue
		}
		d := domainOf(p.Address)
		if taken["@"+d] {
			continue
		}
		key := "@" + d
		if l.public(d) {
			key = p.Address
		}
		groups[key] = append(groups[key], p)
	}
	var keys []string
	sum := map[string]int{}
	for k, g := range groups {
		wrote, got := 0, 0
		for _, p := range g {
			wrote += p.toUs
			got += p.Got
		}
		if wrote >= leastWritten && got >= leastWritten {
			keys = append(keys, k)
			sum[k] = wrote + got
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return sum[keys[i]] > sum[keys[j]] || sum[keys[i]] == sum[keys[j]] && keys[i] < keys[j]
	})
	for _, k := range keys {
		g := groups[k]
		var who []string
		first, last := g[0].First, g[0].Last
		for _, p := range g {
			who = append(who, show(p))
			if p.First.Before(first) {
				first = p.First
			}
			if p.Last.After(last) {
				last = p.Last
			}
		}
		name := g[0].Name
		if k[0] == '@' {
			name = ""
		}
		add(Suggestion{Kind: Unknown, Who: []string{k}, Name: name, Role: trail.Unknown, Letters: sum[k],
			Why: fmt.Sprintf("%s both ways, %s to %s: %s", count(sum[k], "message", "messages"), first.Format("2 Jan 2006"), last.Format("2 Jan 2006"), few(who))})
	}
}

func show(p *Person) string {
	if p.Name == "" {
		return p.Address
	}
	return p.Name + " <" + p.Address + ">"
}

// few names the first three.
func few(list []string) string {
	if len(list) > 3 {
		return strings.Join(list[:3], ", ") + fmt.Sprintf(" and %d more", len(list)-3)
	}
	return strings.Join(list, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func domainOf(address string) string {
	_, d, _ := strings.Cut(strings.ToLower(address), "@")
	return d
}

// tidy makes a display name one line without control characters.
func tidy(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// nameKey folds the ways a person's name is written: "Hale, Martin (Architects)"
// is "hale martin". One word alone names nobody.
func nameKey(name string) string {
	if i := strings.IndexAny(name, "(["); i > 0 {
		name = name[:i]
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' })
	if len(words) < 2 {
		return ""
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// most returns the name used most, the first in the alphabet of several.
func most(names map[string]int) string {
	best := ""
	for n, k := range names {
		if best == "" || k > names[best] || k == names[best] && n < best {
			best = n
		}
	}
	return best
}

func sorted(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
