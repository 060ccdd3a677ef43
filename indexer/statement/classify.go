package statement

import (
	"sort"

	"inwriting/indexer/message"
)

// segment is a sentence, or a half of one, with everything found in it.
type segment struct {
	span
	toks   []token
	facts  []found
	cond   condition
	hits   []hit
	score  [kindCount]int // hundredths in rules alone, thousandths with the model
	kind   int            // index into order
	margin int            // of the kind over the runner-up, in thousandths of a natural logarithm
	conf   int            // the same as hundredths, as the model has it
	ruled  [kindCount]int // what the rules' hand weights come to, in hundredths
	first  int            // the kind by them
	lead   int            // how clearly they say so, 0 to 3
	why    []Reason       // for a whole sentence, while its features are at hand
	near   neighbours
	asks   int    // how clearly something is asked of the reader, in thousandths of a natural logarithm
	lang   string // of a sentence that is not English and is not read
}

// neighbours is what stands around a sentence.
type neighbours struct {
	prev, next int    // the kind by rules of the sentences before and after; -1 where there is none
	before     int    // how many sentences stand before it in its mail
	after      int    // and after it
	mail       uint32 // a bit for each kind that the rules find clearly elsewhere in the mail
}

// mailContext is what a sentence's mail says about it.
type mailContext struct {
	zone     []condition // by zone: what stands right above it
	mail     condition
	silenced bool // nothing in an automatic mail of this sort is a statement
}

// reader holds the scratch of one Read.
type reader struct {
	m       *message.Message
	scan    scanner
	facts   factReader
	match   matcher
	ctx     mailContext
	feats   []feature
	featsOf span // whose they are
	units   []unit
	toks    []token
	model   *Model
	each    func(g *segment, half bool) // sees every segment that is weighed; nil but for Examples
}

// segmentOf reads one span. prev is the segment before it, or nil.
func (r *reader) segmentOf(s span, zone int, extra condition, prev *segment) segment {
	g := segment{span: s}
	from := len(r.toks)
	r.toks = r.scan.scan(r.toks, r.m.Text, s.start, s.end)
	g.toks = r.toks[from:len(r.toks):len(r.toks)]
	if g.lang = languageOf(g.toks, prev); g.lang != "" {
		g.kind, g.conf, g.first = kindIndex[None], 99, kindIndex[None]
		return g
	}
	g.facts = r.facts.read(nil, g.toks)
	g.cond = extra | r.ctx.mail | r.ctx.zone[zone]
	r.weigh(&g, prev)
	return g
}

// half reads the tokens [a,b) of g as a segment of their own.
func (r *reader) half(g *segment, a, b int, prev *segment) segment {
	h := segment{toks: g.toks[a:b:b]}
	h.start, h.end = g.toks[a].start, g.toks[b-1].end
	if b == len(g.toks) {
		h.end = g.end
	}
	if a == 0 {
		h.start = g.start
	}
	for _, x := range g.facts {
		if x.from >= a && x.to <= b {
			x.from, x.to = x.from-a, x.to-a
			h.facts = append(h.facts, x)
		}
	}
	h.near = g.near
	if a == 0 {
		h.near.next = -1
	} else {
		h.near.prev = prev.first
	}
	h.cond = g.cond&^sentenceConditions | condHalf
	r.weigh(&h, prev)
	r.decide(&h)
	return h
}

// sentenceConditions are those that conditionsOf computes anew for each half.
const sentenceConditions = condQuestion | condExclaim | condColon | condShort | condLong | condMoney | condDate | condQuantity |
	condReference | condPast | condCaps | condNoVerb | condLabel | condQuoteMarks | condAfterColon | condAfterQ

func (r *reader) weigh(g *segment, prev *segment) {
	g.cond |= r.conditionsOf(g)
	if prev != nil {
		if prev.cond&condColon != 0 {
			g.cond |= condAfterColon
		}
		if prev.cond&condQuestion != 0 {
			g.cond |= condAfterQ
		}
	}
	g.hits = r.match.match(nil, g.toks, r.leadIns(g.toks), g.cond)
	if r.ctx.silenced {
		g.kind, g.conf, g.first = kindIndex[None], 99, kindIndex[None]
		return
	}
	g.byRules()
}

func (r *reader) conditionsOf(g *segment) condition {
	var c condition
	words, caps, lettered := 0, 0, 0
	verb := false
	quotes := 0
	past := 0
	for i := range g.toks {
		t := &g.toks[i]
		switch t.shape {
		case shapeWord:
			words++
			if t.end-t.start > 1 {
				lettered++
				if t.caps {
					caps++
				}
			}
			if t.cls&(clsPast|clsFuture|clsVBD|clsVBN|clsVBG) != 0 {
				verb = true
			}
			if t.cls&clsPast != 0 {
				past++
			}
		case shapeNumber:
			words++
		case shapePunct:
			if t.hash == hashOf('"') {
				quotes++
			}
		}
	}
	if words <= 4 {
		c |= condShort
	}
	if words > 25 {
		c |= condLong
	}
	if caps >= 2 && caps*2 > lettered {
		c |= condCaps
	}
	if !verb {
		c |= condNoVerb
	}
	if quotes >= 2 {
		c |= condQuoteMarks
	}
	if past > 0 {
		c |= condPast
	}
	for i := len(g.toks) - 1; i >= 0 && i >= len(g.toks)-3; i-- {
		t := &g.toks[i]
		if t.shape != shapePunct {
			if t.shape == shapeSymbol {
				continue
			}
			break
		}
		switch r.m.Text[t.start] {
		case '?':
			c |= condQuestion
		case '!':
			c |= condExclaim
		case ':':
			c |= condColon
		}
	}
	for i := 1; i < len(g.toks) && i <= 3; i++ {
		if r.m.Text[g.toks[i].start] == ':' && g.toks[i].shape == shapePunct && i+1 < len(g.toks) {
			c |= condLabel
		}
	}
	for i := range g.facts {
		switch g.facts[i].Type {
		case Money:
			c |= condMoney
		case Date, DateTime:
			c |= condDate
		case Quantity, Duration:
			c |= condQuantity
		case Reference:
			c |= condReference
		}
	}
	return c
}

func hashOf(b byte) uint32 { return fnv(fnvOffset, b) }

// leadIns returns where a sentence may be said to begin: its first word, the
// word after "and", "so", "yes," and the like, and the word after an address
// ("Anna, could you …").
func (r *reader) leadIns(toks []token) [3]int {
	at := [3]int{0, -1, -1}
	i := 0
	for i < len(toks) && (toks[i].shape == shapePunct || toks[i].shape == shapeSymbol && !toks[i].digits) {
		i++
	}
	at[0] = i
	k := i
	for k < len(toks) && k < i+4 && (toks[k].cls&clsLeadIn != 0 || toks[k].shape == shapePunct && k > i) {
		k++
	}
	if k > i {
		at[1] = k
	}
	// "Anna, could you": up to three words, a comma.
	for j := i + 1; j < len(toks) && j <= i+3; j++ {
		if toks[j].shape == shapePunct {
			if r.m.Text[toks[j].start] == ',' && toks[i].upper {
				at[2] = j + 1
			}
			break
		}
	}
	return at
}

// threshold is what a kind must weigh in rules alone, in hundredths.
const threshold = 75

// decide chooses the kind of g by the model's weights, where there are any.
func (r *reader) decide(g *segment) {
	r.featsOf = span{-1, -1}
	if len(r.model.rows) > 0 && !r.ctx.silenced {
		r.score(g)
		g.choose(1)
	}
}

// byRules decides g by the hand weights of the rules alone.
func (g *segment) byRules() {
	g.score = [kindCount]int{}
	var best [kindCount]int
	for _, h := range g.hits {
		x := &vocabulary.rules[h.rule]
		if x.flag != "" {
			continue
		}
		// The heaviest rule of a kind counts in full, the others by a third: they
		// mostly say the same thing again.
		w := x.weight
		if w > best[x.kind] {
			g.score[x.kind] += (best[x.kind] + 2) / 3
			g.score[x.kind] += w - best[x.kind]
			best[x.kind] = w
		} else {
			g.score[x.kind] += w / 3
		}
	}
	g.ruled = g.score
	none := kindIndex[None]
	g.score[none] = max(g.score[none], threshold)
	g.choose(10)
	g.first, g.lead = g.kind, min(3, (g.conf-50)/15)
}

// choose takes the heaviest kind; the order of precedence settles a tie.
func (g *segment) choose(thousandths int) {
	top, second := 0, -1
	for k := 1; k < kindCount; k++ {
		if g.score[k] > g.score[top] {
			second, top = top, k
		} else if second < 0 || g.score[k] > g.score[second] {
			second = k
		}
	}
	g.kind = top
	g.margin = (g.score[top] - g.score[second]) * thousandths
	g.conf = confidence(g.margin)
}

// caution is what is taken off a lead before it is shown as a confidence, in
// thousandths: of mail that the model has not seen it is that much too sure.
// "eval" prints how well the confidences hold.
const caution = 1200

// Firm is the confidence from which a statement is shown as firm: of those, 95 in
// a hundred or more had the right kind, in cases and in real mail held out.
const Firm = 0.90

// confidence turns the lead over the runner-up, in thousandths of a natural
// logarithm, into hundredths. It is the logistic function in whole numbers, so
// that every machine prints the same.
func confidence(lead int) int {
	if lead < 0 {
		return max(1, 100-confidence(-lead))
	}
	// logit(c/100)*1000 for c = 50 … 99
	c := sort.SearchInts(logits[:], lead+1)
	return 50 + max(0, c-1)
}

var logits = [50]int{0, 40, 80, 120, 160, 201, 241, 282, 323, 364, 405, 447, 490, 532, 575, 619, 663, 708, 754, 800,
	847, 895, 944, 994, 1046, 1099, 1153, 1208, 1266, 1325, 1386, 1450, 1516, 1586, 1658, 1735, 1815, 1901, 1992, 2091,
	2197, 2314, 2442, 2587, 2752, 2944, 3178, 3476, 3892, 4595}

// reasons lists the summands that spoke for g's kind, heaviest first; of two that
// weigh the same, the earlier one.
func (r *reader) reasons(g *segment) []Reason {
	if g.why != nil {
		return g.why
	}
	type summand struct {
		f feature
		w int // thousandths
	}
	var top [maxReasons]summand
	n := 0
	add := func(f feature, w int) {
		i := n
		for i > 0 && top[i-1].w < w {
			i--
		}
		if i == maxReasons {
			return
		}
		n = min(n+1, maxReasons)
		copy(top[i+1:n], top[i:n-1])
		top[i] = summand{f, w}
	}
	if len(r.model.rows) > 0 {
		fs := r.evidence(g)
		for i := range fs {
			f := &fs[i]
			if f.sort == FormFeature || f.sort == PriorFeature || f.sort == NearFeature && f.from == 0 {
				continue // true, but nothing a reader could check
			}
			if w := int(f.row[g.kind]); w > 0 {
				add(*f, w*r.model.scale)
			}
		}
	} else {
		for i, h := range g.hits {
			if x := &vocabulary.rules[h.rule]; x.kind == g.kind && x.flag == "" && x.weight > 0 {
				add(feature{sort: RuleFeature, from: h.rule, hit: i}, x.weight*10)
			}
		}
	}
	why := make([]Reason, 0, max(1, n))
	for _, s := range top[:n] {
		x := Reason{Rule: s.f.name(), Text: s.f.words(r, g), Weight: float64((s.w+5)/10) / 100}
		// A rule and its pattern, a word at the start and anywhere: one reason.
		if k := len(why) - 1; k >= 0 && why[k].Rule == x.Rule && why[k].Text == x.Text {
			continue
		}
		why = append(why, x)
	}
	if len(why) == 0 {
		why = append(why, Reason{Rule: "prior." + string(order[g.kind])})
	}
	return why
}

const maxReasons = 6

func (r *reader) words(g *segment, from, to int) string {
	if from >= to || to > len(g.toks) {
		return ""
	}
	return r.m.Text[g.toks[from].start:g.toks[to-1].end]
}

// flags lists the flags of g in a fixed order.
func (r *reader) flags(g *segment) []string {
	var has [4]bool
	names := [...]string{Negative, Conditional, Hedged, Reported}
	for _, h := range g.hits {
		for i, n := range names {
			if vocabulary.rules[h.rule].flag == n && (h.from >= len(g.toks) || g.toks[h.from].cls&clsReferenceFact == 0) { // "invoice no. 1187" denies nothing
				has[i] = true
			}
		}
	}
	if !has[3] {
		_, has[3] = reportIn(r.m.Text, g.toks)
	}
	out := []string{}
	for i, n := range names {
		if has[i] {
			out = append(out, n)
		}
	}
	return out
}
