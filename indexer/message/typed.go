package message

import "strings"

const (
	minKnown   = 8   // words that a quotation must have in common with its parent
	maxCompare = 200 // kilobytes of parents that are compared
	maxPlaces  = 60  // of one word in the parents
	nearWords  = 3   // on each side of what was typed
)

// parentText is what is known of the mails that a message answers: their words one
// after the other.
type parentText struct {
	text   string
	words  []word
	at     map[uint64][]int32 // where each word stands
	three  map[uint64]bool    // three words on end
	units  map[uint64]bool
	heads  int // different threes of the beginnings
	isHead map[uint64]bool
}

func readParents(texts []string) parentText {
	p := parentText{at: map[uint64][]int32{}, three: map[uint64]bool{}, units: map[uint64]bool{}, isHead: map[uint64]bool{}}
	var all strings.Builder
	for _, t := range texts {
		all.WriteString(t[:min(len(t), maxCompare<<10)])
		all.WriteString("\n\n")
	}
	p.text = all.String()
	p.words = wordsOf(nil, p.text, 0, len(p.text))
	for i, w := range p.words {
		if list := p.at[w.hash]; len(list) < maxPlaces {
			p.at[w.hash] = append(list, int32(i))
		}
		if i+2 < len(p.words) {
			h := three(p.words[i:])
			p.three[h] = true
			if i < 200 {
				p.isHead[h] = true
			}
		}
	}
	for _, u := range unitsOf(p.text, p.words) {
		p.units[unitHash(p.words[u.from:u.to])] = true
	}
	p.heads = len(p.isHead)
	return p
}

func three(w []word) uint64 {
	return hashStep(hashStep(hashStep(hashSeed, w[0].hash), w[1].hash), w[2].hash)
}

func unitHash(words []word) uint64 {
	h := uint64(hashSeed)
	for _, w := range words {
		h = hashStep(h, w.hash)
	}
	return h
}

// between gives the numbers of parent words that lie between what stands left and right
// of a place: 0 where the two meet. Negative: they do not stand together.
func (p *parentText) between(left, right []word) (from, to int) {
	if len(left) == 0 || len(right) == 0 {
		return 0, -1
	}
	best, at := -1, 0
	for _, e := range p.at[left[len(left)-1].hash] {
		if !p.match(int(e)-len(left)+1, left) {
			continue
		}
		for _, q := range p.at[right[0].hash] {
			if gap := int(q - e - 1); gap >= 0 && (best < 0 || gap < best) && p.match(int(q), right) {
				best, at = gap, int(e)+1
			}
		}
	}
	return at, at + best
}

func (p *parentText) match(i int, words []word) bool {
	if i < 0 || i+len(words) > len(p.words) {
		return false
	}
	for k, w := range words {
		if p.words[i+k].hash != w.hash {
			return false
		}
	}
	return true
}

// fate is what became of a unit of the parent.
type fate uint8

const (
	same  fate = iota // as the parent has it
	part              // some words of it are the parent's
	own               // the parent has nothing like it
	noise             // written by a program
)

// typedIn finds what the author typed into the quotation of a parent: pieces that stand
// between words of it which follow one another there. It also finds the pieces in
// which a figure, a day or a "not" of the parent was changed. A quotation that is not
// of these parents says nothing.
func (m *Message) typedIn(parents []string) (typed, differs []Span) {
	if len(parents) == 0 {
		return nil, nil
	}
	var p parentText
	for _, z := range m.Zones {
		if z.Kind != Quoted && z.Kind != Forwarded {
			continue
		}
		if p.three == nil {
			p = readParents(parents)
		}
		q := m.comparison(&p, z)
		a, b := q.result()
		typed, differs = append(typed, a...), append(differs, b...)
	}
	if len(differs) > 3 {
		differs = nil // another wording throughout is another version, not a changed line
	}
	return typed, differs
}

// comparison is of one zone with the parents.
type comparison struct {
	m       *Message
	p       *parentText
	words   []word
	covered []bool // the word stands among words of the parent
	units   []unit
	fates   []fate
	heads   map[uint64]bool
}

func (m *Message) comparison(p *parentText, z Zone) *comparison {
	q := &comparison{m: m, p: p, words: wordsOf(nil, m.Text, z.Start, z.End), heads: map[uint64]bool{}}
	q.units = unitsOf(m.Text, q.words)
	q.covered = make([]bool, len(q.words))
	for i := 0; i+2 < len(q.words); i++ {
		if h := three(q.words[i:]); p.three[h] {
			q.covered[i], q.covered[i+1], q.covered[i+2] = true, true, true
			if p.isHead[h] {
				q.heads[h] = true
			}
		}
	}
	q.fates = make([]fate, len(q.units))
	for i, u := range q.units {
		if q.fates[i] = q.fateOf(u); q.fates[i] == same {
			for k := u.from; k < u.to; k++ {
				q.covered[k] = true
			}
		}
	}
	return q
}

func (q *comparison) fateOf(u unit) fate {
	if q.p.units[unitHash(q.words[u.from:u.to])] {
		return same
	}
	n, hit := u.to-u.from, 0
	for i := u.from; i < u.to; i++ {
		if q.covered[i] {
			hit++
		}
	}
	switch {
	case hit == n:
		return same
	case 3*hit > n:
		return part
	}
	return own
}

func (q *comparison) result() (typed, differs []Span) {
	first, last, depth, known := -1, -1, 0, 0
	for i, u := range q.units {
		if q.fates[i] != same && q.fates[i] != part {
			continue
		}
		for _, c := range q.covered[u.from:u.to] {
			if c {
				known++
			}
		}
		if u.to-u.from >= 3 || first >= 0 {
			if first < 0 {
				first, depth = i, u.depth
			}
			last = i
		}
	}
	if first < 0 || known < minKnown {
		return nil, nil
	}
	foreign := 0
	for i := first; i < len(q.units); i++ {
		if u := q.units[i]; q.fates[i] == own {
			if u.depth > depth || q.m.programs(q.words[u.from].start) || !q.lettered(u) {
				q.fates[i] = noise
				continue
			}
			foreign += u.to - u.from
		}
	}
	if 2*len(q.heads) < q.p.heads && 2*known < foreign {
		return nil, nil
	}
	for i := first; i < len(q.units); i++ {
		switch q.fates[i] {
		case part:
			if q.changed(q.units[i]) {
				differs = append(differs, q.span(i, i))
			}
		case own:
			j := i
			for j+1 < len(q.units) && q.fates[j+1] == own {
				j++
			}
			// Below the last line of the parent stands what a list or a gateway added as
			// easily as an answer.
			if j < last && q.inserted(i, j) || j > last && q.m.PointsBelow() && len(q.before(i)) > 0 {
				typed = append(typed, q.m.wholeLines(q.span(i, j)))
			}
			i = j
		}
	}
	return typed, differs
}

func (q *comparison) span(i, j int) Span {
	return Span{q.words[q.units[i].from].start, q.words[q.units[j].to-1].end}
}

// lettered: a unit without a word of letters is the number of a list, or a figure of a
// table that was laid out in another way.
func (q *comparison) lettered(u unit) bool {
	for _, w := range q.words[u.from:u.to] {
		if w.end-w.start > 1 && !isDigit(q.m.Text[w.start]) {
			return true
		}
	}
	return false
}

// before and after are the nearest words of the parent on each side of units.
func (q *comparison) before(i int) []word {
	e := q.units[i].from
	a := e
	for a > 0 && e-a < nearWords && q.covered[a-1] {
		a--
	}
	return q.words[a:e]
}

func (q *comparison) after(j int) []word {
	a := q.units[j].to
	e := a
	for e < len(q.words) && e-a < nearWords && q.covered[e] {
		e++
	}
	return q.words[a:e]
}

// inserted tells whether what stands around the units i to j follows on in the parent.
func (q *comparison) inserted(i, j int) bool {
	from, to := q.p.between(q.before(i), q.after(j))
	return from == to
}

// changed tells whether a unit is the parent's but for a word or two that weigh: a
// figure, a day, a "not".
func (q *comparison) changed(u unit) bool {
	if u.to-u.from < 4 {
		return false
	}
	for i := u.from + 1; i < u.to-1; i++ {
		if q.covered[i] {
			continue
		}
		j := i
		for j < u.to && !q.covered[j] {
			j++
		}
		left, right := q.words[max(u.from, i-2):i], q.words[j:min(u.to, j+2)]
		if from, to := q.p.between(left, right); j < u.to && j-i <= 2 && to-from == j-i || j < u.to && to >= from && to-from <= 2 && j-i <= 2 {
			a := strings.ToLower(q.m.Text[q.words[i].start:q.words[j-1].end])
			b := ""
			if to > from {
				b = strings.ToLower(q.p.text[q.p.words[from].start:q.p.words[to-1].end])
			}
			if weighs(a, b) {
				return true
			}
		}
		i = j
	}
	return false
}

// weighs tells whether it matters that a stands where b did.
func weighs(a, b string) bool {
	for _, pair := range [...][2]string{{a, b}, {b, a}} {
		for _, w := range strings.Fields(pair[0]) {
			switch w {
			case "not", "no", "never", "don't", "can't", "won't":
				return pair[1] == "" || !strings.Contains(pair[1], w)
			}
		}
	}
	plain := func(s string) bool {
		return s != "" && strings.Trim(s, "0123456789.,: ") == ""
	}
	return plain(a) && plain(b) && strings.Trim(a, "0., ") != strings.Trim(b, "0., ") || days[a] && days[b]
}

var days = map[string]bool{"monday": true, "tuesday": true, "wednesday": true, "thursday": true, "friday": true, "saturday": true, "sunday": true}

// programs tells whether the line at a byte offset is one that mail programs write into a
// quotation: headers, attributions, pictures, notices.
func (m *Message) programs(at int) bool {
	a := strings.LastIndexByte(m.Text[:at], '\n') + 1
	b := len(m.Text)
	if i := strings.IndexByte(m.Text[a:], '\n'); i >= 0 {
		b = a + i
	}
	s := strings.TrimRight(strings.TrimLeft(m.Text[a:b], " \t>|*"), " \t\r*")
	if s == "" || ruleOf(s) >= 3 || mobile(s) || attachmentLine(s) || s[0] == '[' && s[len(s)-1] == ']' && !strings.Contains(s, ": ") || s[0] == '<' && s[len(s)-1] == '>' {
		return true
	}
	low := strings.ToLower(s)
	if strings.HasPrefix(low, "[image") || strings.HasPrefix(low, "[cid") {
		return true
	}
	if isAttributionEnd(low) && hasVerb(low) || label(s)&(labelFrom|labelTo|labelCc|labelSubject) != 0 || label(s) == labelDate && dated(low) && strings.Count(s, ":") > 1 {
		return true
	}
	if s[0] == '-' && (phraseIn(strings.Trim(low, "- "), originals) || phraseIn(strings.Trim(low, "- "), forwards)) {
		return true
	}
	if warned := strings.HasPrefix(low, "caution") || strings.HasPrefix(low, "warning") || strings.HasPrefix(low, "[ext"); strings.Contains(low, "external") && (warned || strings.Contains(low, "mail") || len(s) < 30) ||
		warned && (strings.Contains(low, "originat") || strings.Contains(low, "untrusted") || strings.Contains(low, "outside")) {
		return true
	}
	for _, h := range legalSet.hits(nil, s, 0) {
		if legalKinds[h.id]&(legalPhrase|footerPhrase) != 0 {
			return true
		}
	}
	return unsubscribes(low)
}
