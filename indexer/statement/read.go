package statement

import (
	"strings"
	"sync"

	"inwriting/indexer/message"
)

var readers = sync.Pool{New: func() any { return new(reader) }}

// Read finds the sentences, statements and facts of what m's author wrote in it.
// It looks at nothing but m: no clock, no configuration; two calls with equal
// messages give equal readings, on every machine. It may be called from several
// goroutines at once. A nil or empty message gives an empty Reading.
func Read(m *message.Message) Reading { return ReadWith(theModel, m) }

// ReadWith is Read with another model; an empty Model reads by the rules alone.
// It is there to measure models.
func ReadWith(model *Model, m *message.Message) Reading {
	var out Reading
	if m == nil || m.Text == "" {
		return out
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.model = model
	for _, g := range r.read(m) {
		x := Sentence{Start: g.start, End: g.end, Text: m.Text[g.start:g.end], Kind: order[g.kind], Language: g.lang}
		if g.lang == "" && len(model.rows) > 0 && !r.ctx.silenced {
			x.Asks = float64(confidence(g.asks)) / 100
		}
		out.Sentences = append(out.Sentences, x)
		if order[g.kind] == None {
			continue
		}
		conf := g.conf
		if len(model.rows) > 0 {
			conf = confidence(g.margin - caution)
		}
		s := Statement{
			Kind:       order[g.kind],
			Confidence: float64(conf) / 100,
			Start:      g.start,
			End:        g.end,
			Quote:      m.Text[g.start:g.end],
			Facts:      make([]Fact, 0, len(g.facts)),
			Flags:      r.flags(&g),
			Why:        r.reasons(&g),
		}
		for i := range g.facts {
			s.Facts = append(s.Facts, g.facts[i].Fact)
		}
		out.Statements = append(out.Statements, s)
	}
	r.m = nil
	return out
}

// read cuts m into segments and decides each.
func (r *reader) read(m *message.Message) []segment {
	r.m = m
	r.toks = r.toks[:0]
	r.facts.reset(m)
	r.ctx = r.contextOf(m)
	spans := sentences(m)
	whole := make([]segment, 0, len(spans))
	zone := 0
	for i, s := range spans {
		for m.Zones[zone].End <= s.start {
			zone++
		}
		var extra condition
		if i == 0 {
			extra |= condFirst
		}
		if i == len(spans)-1 {
			extra |= condLast
		}
		if len(spans) == 1 {
			extra |= condOnlySentence
		}
		if s.start > 0 && isItem(m.Text, m.Zones[zone].Start, s.start) {
			extra |= condItem
		}
		var prev *segment
		if i > 0 {
			prev = &whole[i-1]
		}
		whole = append(whole, r.segmentOf(s, zone, extra, prev))
	}
	meet(whole)
	out := make([]segment, 0, len(spans)+4)
	for i := range whole {
		g := &whole[i]
		if g.lang == "" {
			r.decide(g)
			if r.each != nil {
				r.each(g, false)
			}
		}
		if order[g.kind] != None && r.each == nil {
			g.why = r.reasons(g)
		}
		var prev *segment
		if i > 0 {
			prev = &whole[i-1]
		}
		out = r.cut(out, g, prev)
	}
	return out
}

// meet tells each sentence of a mail of the others.
func meet(whole []segment) {
	var clear [kindCount]int
	for i := range whole {
		g := &whole[i]
		g.near = neighbours{prev: -1, next: -1, before: i, after: len(whole) - 1 - i}
		if i > 0 {
			g.near.prev = whole[i-1].first
		}
		if i+1 < len(whole) {
			g.near.next = whole[i+1].first
		}
		if g.lead >= 2 {
			clear[g.first]++
		}
	}
	for i := range whole {
		g := &whole[i]
		for k, n := range clear {
			if n > 1 || n == 1 && !(g.lead >= 2 && g.first == k) {
				g.near.mail |= 1 << k
			}
		}
	}
}

// Example is a sentence, or a part of one that could be cut off, as the model sees
// it: the hashes of its features.
type Example struct {
	Start, End int
	Half       bool
	Features   []uint32
	Sorts      []FeatureSort // of each feature
}

// Examples lists what a model may learn from in m.
func Examples(m *message.Message) []Example {
	var out []Example
	if m == nil || m.Text == "" {
		return nil
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.model = &Model{}
	r.each = func(g *segment, half bool) {
		e := Example{Start: g.start, End: g.end, Half: half}
		r.feats = r.features(r.feats[:0], g)
		for _, f := range r.feats {
			e.Features = append(e.Features, f.hash)
			e.Sorts = append(e.Sorts, f.sort)
		}
		out = append(out, e)
	}
	r.read(m)
	r.each = nil
	r.m = nil
	return out
}

// RuleFeatures maps the features of each rule, one for itself and one for each of
// its patterns, to its kind and a half of its weight in hundredths: what a model
// starts from. The kind indexes KindOrder.
func RuleFeatures() map[uint32][2]int {
	out := map[uint32][2]int{}
	for _, x := range vocabulary.rules {
		if x.flag == "" {
			out[x.hash] = [2]int{x.kind, x.weight / 2}
			for i := range max(1, len(x.patterns)) {
				out[patternHash(x.hash, i)] = [2]int{x.kind, x.weight - x.weight/2}
			}
		}
	}
	return out
}

// Prior is the hash of the feature that every sentence has.
var Prior = mix(saltPrior, 1)

// KindOrder lists the thirteen kinds, None last, in the order of a model's rows,
// which is the order of precedence.
func KindOrder() []Kind { return append([]Kind(nil), order...) }

// isItem reports whether a list mark stands before i on its line.
func isItem(text string, from, i int) bool {
	k := i
	for k > from && text[k-1] != '\n' {
		if i-k > maxMark {
			return false
		}
		k--
	}
	return k < i && bullet(text[k:]) == i-k || k < i && bullet(strings.TrimLeft(text[k:], " \t")) > 0 && len(strings.TrimSpace(text[k:i])) <= 3
}

const maxMark = 16 // bytes of a list mark and its blanks

// contextOf looks at what is quoted and at who sent the mail.
func (r *reader) contextOf(m *message.Message) mailContext {
	c := mailContext{zone: make([]condition, len(m.Zones))}
	if m.Auto {
		c.mail |= condAuto
		c.silenced = !listPost(m) && !transactional(m)
	}
	if len(m.Parts) > 0 {
		c.mail |= condAttach
	}
	if bulk(m) {
		c.mail |= condBulk
	}
	seen := false
	for i, z := range m.Zones {
		if z.Start < 0 || z.End > len(m.Text) || z.Start > z.End {
			continue
		}
		switch z.Kind {
		case message.Quoted, message.Forwarded:
			if !seen {
				seen = true
				c.mail |= condParent
				q, ok := asks(m.Text[z.Start:min(z.End, z.Start+parentReach)])
				if q {
					c.mail |= condParentQ
				}
				if ok {
					c.mail |= condParentOK
				}
			}
		case message.New:
			if i > 0 && m.Zones[i-1].Kind == message.Quoted {
				above := m.Text[m.Zones[i-1].Start:m.Zones[i-1].End]
				c.zone[i] |= condInline
				if strings.HasSuffix(strings.TrimRight(above, " \t\r\n>\"')"), "?") {
					c.zone[i] |= condInlineQ
				}
			}
		}
	}
	return c
}

const parentReach = 2500 // bytes of the quoted mail that are asked about

// roleNames are the local parts that newsletters and shops write from. People use
// some of them too: alone they prove nothing.
var roleNames = map[string]bool{"news": true, "newsletter": true, "newsletters": true, "bulletin": true, "events": true, "event": true,
	"daily": true, "weekly": true, "offers": true, "offer": true, "digest": true, "editor": true, "marketing": true, "promo": true,
	"deals": true, "team": true, "hello": true, "noreply": true, "no-reply": true, "updates": true, "update": true, "post": true,
	"mailer": true, "notifications": true, "notification": true, "rundbrief": true, "support": true, "info": true, "community": true,
	"members": true, "shop": true, "store": true, "extra": true, "donotreply": true, "contact": true, "invitations": true}

// bulk reports whether a mail looks like one of many: a role's address that
// answers nobody, and words that only lists need.
func bulk(m *message.Message) bool {
	n := 0
	if len(m.From) > 0 {
		local, _, _ := strings.Cut(m.From[0].Address, "@")
		if roleNames[local] {
			n++
		}
	}
	if len(m.InReplyTo) == 0 && len(m.References) == 0 {
		n++
	}
	if m.Auto {
		n++
	}
	if n < 2 && !m.FromHTML {
		return false
	}
	tail := m.Text
	if len(tail) > 1500 {
		tail = tail[len(tail)-1500:]
	}
	low := strings.ToLower(tail)
	for _, w := range [...]string{"unsubscribe", "you receive", "you're getting", "you are receiving", "no longer wish", "because you", "sent to you by", "preferences",
		"in your settings", "share this", "forward this to", "tell a friend", "follow us", "tag us", "view in browser", "sign up", "start your trial", "join us", "subscribe", "our guide"} {
		if strings.Contains(low, w) {
			n++
			break
		}
	}
	return n >= 3 || n == 2 && m.FromHTML
}

// asks reports whether quoted words ask something, and whether they ask for a
// yes.
func asks(s string) (question, approval bool) {
	for from := 0; ; {
		k := strings.IndexByte(s[from:], '?')
		if k < 0 {
			return question, approval
		}
		k += from
		question = true
		a := k
		for a > 0 && k-a < 160 && s[a-1] != '.' && s[a-1] != '?' && s[a-1] != '!' {
			a--
		}
		q := strings.ToLower(s[a:k])
		for _, w := range [...]string{"shall i", "shall we", "should i", "should we", "is that", "all right", "ok", "go ahead", "would you like",
			"approve", "which one", "can i", "do you want", "may i", "want me to", "happy with", "can we", "will i", "agree", "acceptable", "proceed", "ready to"} {
			if strings.Contains(q, w) {
				approval = true
				break
			}
		}
		from = k + 1
	}
}

// listPost reports whether a person wrote to a discussion list: a program passed
// it on, but the words are somebody's.
func listPost(m *message.Message) bool {
	if len(m.InReplyTo) == 0 && len(m.References) == 0 && !strings.HasPrefix(m.Subject, "[") {
		return false
	}
	for _, as := range [...][]message.Address{m.To, m.Cc, m.From, m.ReplyTo} {
		for _, a := range as {
			if _, domain, _ := strings.Cut(a.Address, "@"); strings.HasPrefix(domain, "lists.") || strings.HasPrefix(domain, "list.") {
				return true
			}
		}
	}
	return strings.Contains(m.Subject, "[") && strings.Contains(m.Subject, "]")
}

// transactional tells a booking engine's or a shop's own notice from a
// newsletter and from an absence note: it speaks of the reader's booking, order,
// payment or account, and offers no way to leave a list.
func transactional(m *message.Message) bool {
	sub := strings.ToLower(m.Subject)
	for _, w := range [...]string{"out of office", "automatic reply", "auto reply", "auto-reply", "autoreply", "away", "automat", "abwesen", "absence", "vacation", "on leave", "on holiday"} {
		if strings.Contains(sub, w) {
			return false
		}
	}
	text := m.Text
	if len(text) > parentReach {
		text = text[:parentReach]
	}
	low := strings.ToLower(text)
	for _, w := range [...]string{"unsubscribe", "you receive this", "you're getting this", "you are receiving", "no longer wish", "view in browser", "view this email", "newsletter", "out of the office", "on leave", "webinar"} {
		if strings.Contains(low, w) {
			return false
		}
	}
	for _, w := range [...]string{"your booking", "your order", "your invoice", "your reservation", "your payment", "your ticket", "your account", "your quotation", "booking reference",
		"order number", "transferred", "payable", "invoice", "ticket", "confirmed", "suspended", "has accepted", "quotation", "delivered", "shipped", "deducted"} {
		if strings.Contains(low, w) || strings.Contains(sub, w) {
			return true
		}
	}
	return false
}

// cut appends g, or its two halves where they do different things.
func (r *reader) cut(out []segment, g *segment, prev *segment) []segment {
	if r.ctx.silenced || g.lang != "" || len(g.toks) < 7 || len(g.toks) > maxCutTokens || order[g.kind] == None && g.conf >= surelyNone && r.each == nil {
		return append(out, *g)
	}
	best := -1
	var left, right segment
	bestScore := 0
	tries := 0
	for i := 2; i < len(g.toks)-2 && tries < maxCuts; i++ {
		k := r.cutPoint(g, i)
		if k < 0 || !g.hinted(k) && r.each == nil {
			continue
		}
		tries++
		a := r.half(g, 0, k, prev)
		b := r.half(g, k, len(g.toks), &a)
		if r.each != nil {
			r.each(&a, true)
			r.each(&b, true)
		}
		none := kindIndex[None]
		if a.kind == b.kind || a.kind == none || b.kind == none || min(a.conf, b.conf) < cutConfidence {
			continue
		}
		if s := min(a.conf, b.conf); s > bestScore {
			best, bestScore, left, right = k, s, a, b
		}
	}
	if best < 0 {
		return append(out, *g)
	}
	return append(out, left, right)
}

// hinted: on each side of token k some rule speaks for a kind.
func (g *segment) hinted(k int) bool {
	left, right := false, false
	for _, h := range g.hits {
		if h.from == h.to || vocabulary.rules[h.rule].flag != "" || order[vocabulary.rules[h.rule].kind] == None {
			continue
		}
		left = left || h.from < k
		right = right || h.to > k
	}
	return left && right
}

const (
	maxCuts       = 6
	maxCutTokens  = 90 // a longer sentence is a list or worse; its halves would be no clearer
	cutConfidence = 75
	surelyNone    = 90 // neither half of such a sentence is likely to be a statement
)

// inFact reports whether token i stands inside a fact, not at its edge.
func (g *segment) inFact(i int) bool {
	for _, f := range g.facts {
		if i > f.from && i < f.to {
			return true
		}
	}
	return false
}

// cutPoint returns the token at which a second clause begins when i is the mark
// or word that joins it, else -1.
func (r *reader) cutPoint(g *segment, i int) int {
	t := &g.toks[i]
	if t.shape != shapePunct && t.cls&clsJoin == 0 || t.cls&factClasses != 0 && g.inFact(i) {
		return -1
	}
	if t.shape == shapePunct {
		switch r.m.Text[t.start] {
		case ';':
			return i + 1
		case ',':
			n := &g.toks[i+1]
			if n.cls&(clsJoin|clsPronoun) != 0 {
				return i + 1
			}
		}
		return -1
	}
	if t.cls&clsJoin != 0 && i+1 < len(g.toks) && g.toks[i-1].shape != shapePunct && g.toks[i+1].cls&clsPronoun != 0 && t.cls&clsComma == 0 {
		return i
	}
	return -1
}
