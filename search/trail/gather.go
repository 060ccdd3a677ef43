package trail

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// gathered is what a source has told so far: which messages a trail may need, the
// nearest first, and as many of them as can be compared.
type gathered struct {
	src        Source
	most       int // messages
	refs       []archive.Ref
	seen       map[archive.Ref]bool
	read       int // of refs
	records    []*Record
	statements int // in records
}

func (g *gathered) add(list []archive.Ref) {
	for _, r := range list {
		if !g.seen[r] && len(g.refs) < g.most {
			g.seen[r] = true
			g.refs = append(g.refs, r)
		}
	}
}

// page is how many messages are read at once.
const page = 60

// fetch reads what was added, the first ones at least, up to the message that
// bounded ends before: what comes after it would not be looked at.
func (g *gathered) fetch(ctx context.Context, least int) error {
	for g.read < len(g.refs) && (g.read < least || g.statements <= maxStatements) {
		refs := g.refs[g.read:min(g.read+page, len(g.refs))]
		more, err := g.src.Records(ctx, refs)
		if err != nil {
			return fmt.Errorf("reading %d messages: %w", len(refs), err)
		}
		for _, r := range more {
			if r != nil {
				g.statements += len(r.Statements)
			}
		}
		g.records, g.read = append(g.records, more...), g.read+len(refs)
	}
	return nil
}

// search adds what is near to words.
func (g *gathered) search(ctx context.Context, words string, limit int) error {
	near, err := g.src.Search(ctx, words, limit)
	if err != nil {
		return fmt.Errorf("searching for %q: %w", words, err)
	}
	g.add(near)
	return nil
}

// between adds mail with people.
func (g *gathered) between(ctx context.Context, addresses []string, from, to time.Time) error {
	if len(addresses) == 0 {
		return nil
	}
	list, err := g.src.Between(ctx, addresses, from, to, g.most)
	if err != nil {
		return fmt.Errorf("finding mail with %d people: %w", len(addresses), err)
	}
	g.add(list)
	return nil
}

// maxNear is how many of the nearest messages the rest is looked for around.
const maxNear = 60

// gather asks the source for everything a trail may need: what is near the
// question, the threads around it, and the mail with the same people in the same
// weeks, in which an answer without the question's words would lie.
func gather(ctx context.Context, src Source, people People, question string, opts Options, lex lexicon) ([]*Record, error) {
	if opts.Hits <= 0 {
		opts.Hits = 200
	}
	if opts.Messages <= 0 {
		opts.Messages = 600
	}
	g := &gathered{src: src, most: opts.Messages, seen: map[archive.Ref]bool{}}
	for _, it := range opts.Pinned {
		g.add([]archive.Ref{it.Ref})
	}
	if err := g.search(ctx, question, opts.Hits); err != nil {
		return nil, err
	}
	if len(g.refs) == 0 {
		// A question about people alone finds none of its words in what they wrote.
		var all []string
		for _, c := range people.Clients {
			all = append(all, c.Addresses...)
		}
		if err := g.between(ctx, all, time.Time{}, time.Time{}); err != nil || len(g.refs) == 0 {
			return nil, err
		}
	}
	if err := g.fetch(ctx, max(maxNear, len(opts.Pinned))); err != nil {
		return nil, err
	}
	// Threads of the nearest first: there may be more than can be read. Mail with
	// nobody who may be meant, though it holds the question's words, comes last: much
	// of it would leave no room for what lies around the nearest.
	near := nearest(g.records, g.refs, question, people, len(opts.Pinned), lex)
	rest, err := g.aside(ctx, near, people)
	if err != nil {
		return nil, err
	}
	near = slices.Clone(near[:min(len(near), maxNear)])
	related, err := src.Related(ctx, near, opts.Messages)
	if err != nil {
		return nil, fmt.Errorf("finding the threads of %d messages: %w", len(near), err)
	}
	g.add(related)
	if err := g.fetch(ctx, 0); err != nil {
		return nil, err
	}
	if names := namedIn(g.records, near); names != "" {
		// What others wrote of the same booking or invoice need not hold the question's words.
		if err := g.search(ctx, names, 40); err != nil {
			return nil, err
		}
		if err := g.fetch(ctx, 0); err != nil {
			return nil, err
		}
	}
	counter, from, to := counterparts(g.records, near, people)
	const around = 60 * 24 * time.Hour
	if err := g.between(ctx, counter, from.Add(-around), to.Add(around)); err != nil {
		return nil, err
	}
	err = g.fetch(ctx, 0)
	return append(g.records, rest...), err
}

// aside takes the hits that are not among the nearest out of what was read, and
// returns them. Of the hits that were not read yet those stay that are with clients:
// they come before any other.
func (g *gathered) aside(ctx context.Context, near []archive.Ref, people People) (rest []*Record, err error) {
	of := map[archive.Ref]bool{}
	for _, r := range near {
		of[r] = true
	}
	if len(of) == len(g.refs) {
		return nil, nil
	}
	part := func(keep func(*Record) bool, records []*Record) (kept bool) {
		for _, r := range records {
			switch {
			case r == nil:
			case keep(r):
				g.records, kept = append(g.records, r), true
				g.statements += len(r.Statements)
			default:
				rest = append(rest, r)
			}
		}
		return kept
	}
	read, unread := g.records, g.refs[g.read:]
	g.records, g.statements = nil, 0
	part(func(r *Record) bool { return of[r.Ref] }, read)
	g.refs = slices.Clip(g.refs[:g.read])
	for more := true; more && len(unread) > 0 && g.statements <= maxStatements; {
		refs := unread[:min(page, len(unread))]
		list, err := g.src.Records(ctx, refs)
		if err != nil {
			return nil, fmt.Errorf("reading %d messages: %w", len(refs), err)
		}
		more = part(func(r *Record) bool { return people.takePart(r, Client) }, list)
		unread = unread[len(refs):]
		g.refs = append(g.refs, refs...)
		g.read += len(refs)
	}
	// Third parties' mail with us before mail of strangers.
	slices.SortStableFunc(rest, func(a, b *Record) int {
		x, y := people.takePart(a, Us, Other), people.takePart(b, Us, Other)
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	// Threads and people may bring them back.
	for _, r := range unread {
		delete(g.seen, r)
	}
	for _, r := range rest {
		delete(g.seen, r.Ref)
	}
	return rest, nil
}

// takePart reports whether somebody of one of these roles takes part in a message.
func (p People) takePart(r *Record, roles ...Role) bool {
	for _, list := range [][]message.Address{r.From, r.To, r.Cc} {
		for _, a := range list {
			if role, _ := p.Role(a.Address); slices.Contains(roles, role) {
				return true
			}
		}
	}
	return false
}

// mayBeMeant is how many clients are read around: the hits alone do not tell surely.
const mayBeMeant = 3

// nearest keeps the messages that concern the clients the question may be about, where
// the hits hold mail of many: what lies around the others' need not be read.
func nearest(records []*Record, refs []archive.Ref, question string, people People, pinned int, lex lexicon) []archive.Ref {
	p := lex.sketch(bounded(records), people)
	ranked := understand(question, people, p).rank(p)
	if len(ranked) == 0 {
		return refs
	}
	of := map[archive.Ref]bool{}
	for _, m := range p.mails {
		of[m.Ref] = m.party != "" && slices.Contains(ranked[:min(mayBeMeant, len(ranked))], m.party)
	}
	var out []archive.Ref
	for i, r := range refs {
		if of[r] || i < pinned {
			out = append(out, r)
		}
	}
	return out
}

// maxStatements bounds what is compared: newsletters of others hold hundreds each.
const maxStatements = 3000

// bounded keeps the nearest records, as many as hold no more than that together.
func bounded(records []*Record) []*Record {
	n := 0
	for i, r := range records {
		if r == nil {
			continue
		}
		if n += len(r.Statements); n > maxStatements && i > 0 {
			return records[:i]
		}
	}
	return records
}

// namedIn lists the references and the names of attachments with a number in them
// that the nearest messages bear, as words to search for.
func namedIn(records []*Record, near []archive.Ref) string {
	nearest := map[archive.Ref]bool{}
	for _, r := range near {
		nearest[r] = true
	}
	var names []string
	put := func(s string) {
		if len(names) < 12 && len(s) >= 5 && len(s) <= 40 && strings.ContainsAny(s, "0123456789") && !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	for _, r := range records {
		if r == nil || !nearest[r.Ref] {
			continue
		}
		for _, s := range r.Statements {
			for _, f := range s.Facts {
				if f.Type == statement.Reference {
					put(f.Value)
				}
			}
		}
		for _, a := range r.Attachments {
			if name := strings.TrimSuffix(a.Name, path.Ext(a.Name)); !a.Inline && !strings.HasPrefix(strings.ToLower(name), "image") {
				put(name)
			}
		}
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// counterparts lists the clients and third parties of the nearest messages, all
// addresses of a client together, and the time they span.
func counterparts(records []*Record, near []archive.Ref, people People) (list []string, from, to time.Time) {
	nearest := map[archive.Ref]bool{}
	for _, r := range near {
		nearest[r] = true
	}
	seen := map[string]bool{}
	put := func(a string) {
		if a = strings.ToLower(a); a != "" && !seen[a] {
			seen[a] = true
			list = append(list, a)
		}
	}
	for _, r := range records {
		if r == nil || !nearest[r.Ref] {
			continue
		}
		if from.IsZero() || r.Date.Before(from) {
			from = r.Date
		}
		if r.Date.After(to) {
			to = r.Date
		}
		for _, as := range [][]message.Address{r.From, r.To, r.Cc} {
			for _, a := range as {
				role, party := people.Role(a.Address)
				if role == Us || r.Auto && role != Client {
					continue
				}
				put(a.Address)
				for _, c := range people.Clients {
					if role == Client && c.Name == party {
						for _, x := range c.Addresses {
							put(x)
						}
					}
				}
			}
		}
	}
	sort.Strings(list)
	return list, from, to
}
