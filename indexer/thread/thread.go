// Package thread finds how messages hang together: which answers which, and
// which belong to one conversation. It takes values and returns values, and gives
// the same answer for the same messages in whatever order they come, but for
// identical ones.
//
// Evidence is used in order of its strength, and each join names its own: what a
// message cites (References, In-Reply-To), Outlook's Thread-Index, sentences that it
// quotes from an earlier message, and last, guarded, its subject. A message whose
// citations lead somewhere is not joined by weaker evidence, because people start new
// work by answering an old mail and quoting is then the noise.
package thread

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Info is what threading needs to know of one message.
type Info struct {
	MessageID    string
	Refs         []string // References, then In-Reply-To, without angle brackets
	ThreadIndex  string   // hexadecimal, as message.Message has it
	Server       []string // the threads that servers put it into, by names that no two accounts share
	Subject      string
	Participants []string // addresses, lower-case: the sender first, then receivers
	Date         time.Time
	NewHashes    []uint64 // Shingles of the text its author wrote
	QuotedHashes []uint64 // Shingles of the text it quotes or forwards
	Files        []File   // attachments, for Ties
	Named        []string // references it names ("4711-B"), for Ties
}

// Link says that one message follows another in a conversation. Both are
// positions in the slice that was given to Links.
type Link struct {
	Msg, Parent int
	Reason      string // for people, e.g. "cites <id>"
}

const (
	subjectWindow = 60 * 24 * time.Hour
	clockSkew     = 24 * time.Hour   // by which an answer may be dated before its question
	seriesPause   = 30 * time.Minute // between the parts of a series
	letterPause   = 15 * time.Second // between a covering letter and its part 1
	minQuoted     = 3                // sentences and lines quoted from one message that prove an answer
	minShare      = 8                // and one in so many of what is quoted, or of what was written
	maxRefs       = 200
	maxCommon     = 3  // messages that may share a sentence that proves anything
	maxWriters    = 20 // messages that are remembered for one sentence
	threadHead    = 44 // hexadecimal digits of a conversation in Thread-Index: 22 octets
)

// Index groups messages into conversations: each group in order of Date, the
// groups in order of their first message. Every message is in one group.
func Index(msgs []Info) [][]int { return Groups(msgs, Links(msgs)) }

// Groups makes the groups that links join.
func Groups(msgs []Info, links []Link) [][]int {
	f := newForest(len(msgs))
	for _, l := range links {
		f.join(l.Msg, l.Parent)
	}
	at := map[int]int{}
	var groups [][]int
	for _, i := range order(msgs) {
		root := f.find(i)
		g, ok := at[root]
		if !ok {
			g = len(groups)
			at[root] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// Links joins messages. No message has two links to the same parent, and the
// links make no circle.
func Links(msgs []Info) []Link {
	l := &linker{msgs: msgs, forest: newForest(len(msgs)), order: order(msgs), cited: make([]bool, len(msgs)), subject: make([]subject, len(msgs))}
	for i := range msgs {
		l.subject[i] = readSubject(msgs[i].Subject)
	}
	l.citations()
	l.threadIndex()
	l.serverThreads()
	l.quotations()
	l.series()
	l.subjects()
	slices.SortStableFunc(l.links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Msg, b.Msg), cmp.Compare(a.Parent, b.Parent))
	})
	return l.links
}

// order sorts positions by date; messages without one come last.
func order(msgs []Info) []int {
	is := make([]int, len(msgs))
	for i := range is {
		is[i] = i
	}
	slices.SortStableFunc(is, func(a, b int) int {
		x, y := msgs[a].Date, msgs[b].Date
		if x.IsZero() != y.IsZero() {
			if x.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(x.Compare(y), strings.Compare(msgs[a].MessageID, msgs[b].MessageID))
	})
	return is
}

type linker struct {
	msgs   []Info
	forest forest
	order  []int
	links  []Link
	cited  []bool // the message's citations led to a message

	subject []subject
}

// join links msg to parent unless they are together already, which also keeps
// circles out.
func (l *linker) join(msg, parent int, format string, args ...any) bool {
	if !l.forest.join(msg, parent) {
		return false
	}
	l.links = append(l.links, Link{Msg: msg, Parent: parent, Reason: fmt.Sprintf(format, args...)})
	return true
}

// citations follows References and In-Reply-To (JWZ's algorithm; RFC 5256, THREAD
// REFERENCES). A cited message that is not here still holds those together that cite
// it: the first of them stands for it.
func (l *linker) citations() {
	byID := map[string]int{}
	for _, i := range l.order {
		if id := l.msgs[i].MessageID; id != "" {
			if _, twice := byID[id]; !twice { // an identifier may be repeated or forged: the earliest holds it
				byID[id] = i
			}
		}
	}
	absent := map[string]int{} // cited, not here: who cited it first
	for _, i := range l.order {
		m := &l.msgs[i]
		refs := m.Refs[max(0, len(m.Refs)-maxRefs):]
		// Parents cite before children: the last that is here is the nearest.
		for k := len(refs) - 1; k >= 0; k-- {
			p, ok := byID[refs[k]]
			if !ok || p == i {
				continue
			}
			l.cited[i] = true
			l.join(i, p, "cites <%s>", refs[k])
			break
		}
		for k := len(refs) - 1; k >= 0; k-- {
			id := refs[k]
			if _, here := byID[id]; here || id == "" {
				continue
			}
			first, ok := absent[id]
			if !ok {
				absent[id] = i
				continue
			}
			if first != i {
				l.cited[i] = true
				l.join(i, first, "cites <%s>, as an earlier message does", id)
			}
		}
	}
}

// Conversation returns the part of a Thread-Index that names the conversation, or
// "" when it names none.
func Conversation(threadIndex string) string {
	if len(threadIndex) < threadHead || strings.Trim(threadIndex[2:threadHead], "0") == "" {
		return ""
	}
	return threadIndex[:threadHead]
}

// threadIndex joins messages of one Outlook conversation. Its first 22 octets
// name the conversation; five more come with each answer.
func (l *linker) threadIndex() {
	first := map[string]int{}
	whole := map[string]int{}
	for _, i := range l.order {
		t := l.msgs[i].ThreadIndex
		head := Conversation(t)
		if head == "" {
			continue
		}
		parent, ok := first[head]
		if !ok {
			first[head] = i
		} else {
			for n := len(t) - 10; n >= threadHead; n -= 10 {
				if p, ok := whole[t[:n]]; ok {
					parent = p
					break
				}
			}
			if l.join(i, parent, "has the Thread-Index of the conversation") {
				l.cited[i] = true
			}
		}
		if _, ok := whole[t]; !ok {
			whole[t] = i
		}
	}
}

// serverThreads joins a message to the latest before it that its server puts into the
// same thread (RFC 8474 THREADID, Gmail's X-GM-THRID). It is a claim: where a
// message's own fields lead elsewhere, they count.
func (l *linker) serverThreads() {
	last := map[string]int{}
	for _, i := range l.order {
		for _, t := range l.msgs[i].Server {
			if p, ok := last[t]; ok && !l.cited[i] && l.join(i, p, "stands in one thread with it on the server") {
				l.cited[i] = true
			}
		}
		for _, t := range l.msgs[i].Server {
			last[t] = i
		}
	}
}

// quotations joins a message to the one whose sentences it quotes.
func (l *linker) quotations() {
	writers := map[uint64][]int{} // who wrote a sentence, in order of date
	for _, i := range l.order {
		m := &l.msgs[i]
		if len(m.QuotedHashes) > 0 && !l.cited[i] {
			count := map[int]int{}
			for _, h := range m.QuotedHashes {
				// What several mails say alike (a slogan, a disclaimer) proves nothing,
				// unless they are versions of the one that is answered.
				ws := writers[h]
				for _, w := range ws {
					if len(ws) <= maxCommon || l.alike(i, w) == sameTagged {
						count[w]++
					}
				}
			}
			// A history holds the history before it: the latest mail that is quoted
			// well enough is the direct parent. Of several versions of one text it is
			// the one whose subject, tags and all, is answered.
			best := -1
			for w, n := range count {
				if l.enough(i, w, n) && (best < 0 || cmp.Or(cmp.Compare(l.alike(i, w), l.alike(i, best)), l.compare(w, best)) > 0) {
					best = w
				}
			}
			if best >= 0 && l.join(i, best, "quotes %s of it", plural(count[best])) {
				l.cited[i] = true
			}
		}
		for _, h := range m.NewHashes {
			if len(writers[h]) <= maxWriters {
				writers[h] = append(writers[h], i)
			}
		}
	}
}

// enough tells whether n quoted sentences and lines prove that message i quotes
// message w: any do under the same subject, all that w says do, and elsewhere a
// handful that is not lost in the rest. Long reports of programs share lines.
func (l *linker) enough(i, w, n int) bool {
	if n > 0 && (n == len(l.msgs[w].NewHashes) || l.alike(i, w) != differ) {
		return true
	}
	return n >= minQuoted && n*minShare >= min(len(l.msgs[i].QuotedHashes), len(l.msgs[w].NewHashes))
}

// How much two subjects have in common.
const (
	differ = iota
	sameBase
	sameTagged
)

func (l *linker) alike(a, b int) int {
	x, y := &l.subject[a], &l.subject[b]
	switch {
	case x.key == "" || x.key != y.key:
		return differ
	case x.tagged == y.tagged:
		return sameTagged
	}
	return sameBase
}

// compare orders messages by date.
func (l *linker) compare(a, b int) int {
	x, y := &l.msgs[a], &l.msgs[b]
	return cmp.Or(x.Date.Compare(y.Date), strings.Compare(x.MessageID, y.MessageID), cmp.Compare(a, b))
}

func plural(n int) string {
	if n == 1 {
		return "a sentence"
	}
	return fmt.Sprintf("%d sentences or lines", n)
}

// series joins the parts of one numbered series: "2/5" and "3/5" from one sender,
// one soon after the other, no number twice. What the sender wrote to the same person
// within seconds before part 1 is its covering letter where it has no part 0.
func (l *linker) series() {
	type run struct {
		first int
		last  time.Time
		tags  string
		parts map[int]bool
	}
	type key struct {
		sender string
		of     int
	}
	open := map[key][]*run{}
	letter := map[string]int{} // the sender's last message, where it stands in no series
	for _, i := range l.order {
		m, s := &l.msgs[i], &l.subject[i]
		if m.Date.IsZero() || len(m.Participants) == 0 {
			continue
		}
		sender := m.Participants[0]
		before, ok := letter[sender]
		delete(letter, sender)
		if s.reply || s.fwd {
			continue
		}
		if s.of == 0 {
			letter[sender] = i
			continue
		}
		k := key{sender, s.of}
		var best *run
		runs := open[k][:0]
		for _, r := range open[k] {
			if m.Date.Sub(r.last) > seriesPause {
				continue
			}
			runs = append(runs, r)
			if !r.parts[s.part] && (best == nil || r.tags == s.tags || best.tags != s.tags) {
				best = r
			}
		}
		if best == nil {
			r := &run{first: i, last: m.Date, tags: s.tags, parts: map[int]bool{s.part: true}}
			open[k] = append(runs, r)
			if ok && s.part == 1 && s.of > 1 && m.Date.Sub(l.msgs[before].Date) <= letterPause && share(m.Participants[1:], l.msgs[before].Participants[1:]) {
				r.first = before
				if !l.cited[i] {
					l.join(i, before, "is part 1 of %d and followed it at once, to the same people", s.of)
				}
			}
			continue
		}
		open[k] = runs
		best.last, best.parts[s.part], best.tags = m.Date, true, s.tags
		if !l.cited[i] {
			l.join(i, best.first, "is part %d of %d of one series", s.part, s.of)
		}
	}
}

// subjects joins answers to the latest message of the same subject, if the
// subject says something, somebody takes part in both, and not too long has passed
// since. It never looks at two messages that only share a subject: "Invoice" would
// join a year's mail.
func (l *linker) subjects() {
	same := map[string][]int{}
	for _, i := range l.order {
		if s := &l.subject[i]; s.words >= 2 {
			same[s.key] = append(same[s.key], i)
		}
	}
	for _, i := range l.order {
		s := &l.subject[i]
		if s.words < 2 || !s.reply && !s.fwd || l.cited[i] {
			continue
		}
		list := same[s.key]
		at, _ := slices.BinarySearchFunc(list, i, l.byOrder)
		if p := l.answered(i, list, at); p >= 0 {
			l.join(i, p, "answers under the subject %q", s.base)
		}
	}
}

// byOrder compares as order sorts.
func (l *linker) byOrder(a, b int) int {
	x, y := l.msgs[a].Date, l.msgs[b].Date
	if x.IsZero() != y.IsZero() {
		if x.IsZero() {
			return 1
		}
		return -1
	}
	return l.compare(a, b)
}

// answered returns which of list, the messages of i's subject among which it stands
// at at, it answers: the latest before it with the same tags, else the latest, else,
// clocks being wrong, the first one soon after. It returns -1 for none.
func (l *linker) answered(i int, list []int, at int) int {
	m := &l.msgs[i]
	found := -1
	for k := at - 1; k >= max(0, at-50); k-- {
		p := &l.msgs[list[k]]
		if !m.Date.IsZero() && !p.Date.IsZero() && m.Date.Sub(p.Date) > subjectWindow {
			break
		}
		if !share(m.Participants, p.Participants) {
			continue
		}
		if l.alike(i, list[k]) == sameTagged {
			return list[k]
		}
		if found < 0 {
			found = list[k]
		}
	}
	if found >= 0 {
		return found
	}
	for k := at + 1; k < min(len(list), at+50); k++ {
		p := &l.msgs[list[k]]
		if m.Date.IsZero() || p.Date.IsZero() || p.Date.Sub(m.Date) > clockSkew {
			break
		}
		if l.alike(i, list[k]) == sameTagged && share(m.Participants, p.Participants) {
			return list[k]
		}
	}
	return -1
}

func share(a, b []string) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// forest is a union of sets with the smallest position as root.
type forest []int

func newForest(n int) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = i
	}
	return f
}

func (f forest) find(i int) int {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

// join unites two sets and tells whether they were apart.
func (f forest) join(a, b int) bool {
	a, b = f.find(a), f.find(b)
	if a == b {
		return false
	}
	f[max(a, b)] = min(a, b)
	return true
}
