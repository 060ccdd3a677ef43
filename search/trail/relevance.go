package trail

import (
	"math"
	"sort"
	"strings"

	"inwriting/indexer/statement"
)

// Relevance is two small linear models over named features, one after the other:
// the first sees a statement beside the question (asked.go: what sort of question,
// what traits), the second also sees what the first thought of its neighbours, its
// parent mail, the statements that share its facts, and of all that share its words
// (feedback.go). The weights are in weights.go; fit_test.go makes them.

type feature int

const (
	fBias feature = iota
	fLex
	fLexAny
	fSubject
	fMail
	fParent
	fThread
	fValue
	fSlot
	fSlotMiss
	fKind
	fKindLex
	fSpeaker
	fSpeakerMiss
	fPerson
	fPersonMiss
	fDenial
	fAuto
	fThird
	fSiblings
	fMailDay
	fShort
	fRarest
	fTwo
	fMailRarest
	fThreadRarest
	fShare
	fShareThread
	fMass
	fKind0 // twelve kinds follow, in statement.Kinds order
)

const (
	fAsked0       = fKind0 + 12 // each sort of question beside each trait of a statement
	firstFeatures = fAsked0 + sorts*traits
)

// features of the second model, after those of the first
const (
	gOwn feature = firstFeatures + iota
	gOwnRel
	gMail
	gPrev
	gNext
	gParent
	gChild
	gThread
	gLike
	gFacts
	gReply
	gAsked
	gPoints
	gPointed
	gDispute
	gRank
	gBreadth
	gOwnBreadth
	gQuoted
	gNear
	gBest
	gLast
	gShortPrev
	gShortNext
	gShortParent
	gShortChild
	gReplyAsk
	gLexMail
	gDisputeNear
	gTie
	gTied
	gPair
	gWords
	gWordsRel
	gWordsRank
	allFeatures
)

// question terms against terms, as a share of the question's weight
func (q *query) cover(p *pool, own map[term]float64, syn map[term]bool) float64 {
	sum := 0.0
	for _, t := range q.order {
		sum += q.weight(p, t) * termMatch(t, own, syn)
	}
	if total := q.total(p); total > 0 {
		return sum / total
	}
	return 0
}

func (q *query) weight(p *pool, t term) float64 {
	w := q.content[t] * p.idf(t)
	if part, ok := q.part[t]; ok {
		w *= part
	}
	return w
}

func (q *query) total(p *pool) float64 {
	sum := 0.0
	for _, t := range q.order {
		sum += q.weight(p, t)
	}
	return sum
}

func termMatch(t term, own map[term]float64, syn map[term]bool) float64 {
	if own[t] > 0 {
		return 1
	}
	if c, ok := synonymOf[t]; ok && syn[c] {
		return 0.4
	}
	if n, ok := strings.CutPrefix(t, "m:"); ok {
		if own["md:"+n] > 0 {
			return 0.25
		}
		return 0
	}
	if n, ok := strings.CutPrefix(t, "n:"); ok {
		if own["r:"+n] > 0 {
			return 1
		}
		return 0
	}
	// Two words of one family that stemming keeps apart: "restore", "restoration".
	if len(t) >= 5 && !strings.Contains(t, ":") {
		for o := range own {
			if akin(t, o) {
				return 0.7
			}
		}
	}
	return 0
}

// akin reports whether two stems begin alike for five letters and most of the shorter.
func akin(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n >= 5 && n >= len(a)-1 && len(b)-n <= 4
}

// union adds up the terms of a mail's statements and its subject. It is shared.
func (m *mail) union() (map[term]float64, map[term]bool) {
	if m.whole != nil {
		return m.whole, m.wholeSyn
	}
	ts, syn := map[term]float64{}, map[term]bool{}
	for t, n := range m.subject {
		ts[t] += n
	}
	for _, it := range m.items {
		for t, n := range it.terms {
			ts[t] += n
		}
	}
	for t := range ts {
		if c, ok := synonymOf[t]; ok {
			syn[c] = true
		}
	}
	m.whole, m.wholeSyn = ts, syn
	return ts, syn
}

// score fills in the relevance of every item of the pool.
func (q *query) score(p *pool) {
	f := q.alone(p, firstWeights)
	p.advance()
	q.context(p, f, secondWeights)
}

// advance makes the relevance found so far the prior of the next model.
func (p *pool) advance() {
	for _, it := range p.items {
		it.prior = it.p2
	}
}

// alone fills in lex and p2 of every item as it stands beside the question. It
// returns the features, in pool order, as context does, for whoever fits the weights.
func (q *query) alone(p *pool, weights []float64) [][]float64 {
	n := len(p.items)
	mailCover := make([]float64, len(p.mails))
	threadCover := map[int]float64{}
	subjCover := make([]float64, len(p.mails))
	maxLex, maxMail := 0.0, 0.0
	for i, m := range p.mails {
		ts, syn := m.union()
		mailCover[i] = q.cover(p, ts, syn)
		subjCover[i] = q.cover(p, m.subject, m.subjSyn)
		threadCover[m.thread] = math.Max(threadCover[m.thread], mailCover[i])
		maxMail = math.Max(maxMail, mailCover[i])
	}
	for _, it := range p.items {
		it.lex = q.cover(p, it.terms, it.syn)
		maxLex = math.Max(maxLex, it.lex)
	}
	rarest := q.rarest(p)
	mailRarest, threadRarest := make([]bool, len(p.mails)), map[int]bool{}
	for i, m := range p.mails {
		if ts, syn := m.union(); rarest != "" && termMatch(rarest, ts, syn) == 1 {
			mailRarest[i], threadRarest[m.thread] = true, true
		}
	}
	share, threadShare := make([]float64, len(p.mails)), map[int]float64{}
	for i, m := range p.mails {
		if len(m.items) > 0 {
			share[i] = q.share(p, m)
			threadShare[m.thread] = math.Max(threadShare[m.thread], share[i])
		}
	}
	var asked []int
	for s, is := range q.sorts() {
		if is {
			asked = append(asked, s)
		}
	}
	f1, rows := make([][]float64, n), make([]float64, n*int(firstFeatures))
	for i, it := range p.items {
		f := rows[i*int(firstFeatures) : (i+1)*int(firstFeatures)]
		f[fBias] = 1
		f[fLex] = rel(it.lex, maxLex)
		if it.lex > 0 {
			f[fLexAny] = 1
		}
		f[fSubject] = rel(subjCover[it.m.index], maxMail)
		f[fMail] = rel(mailCover[it.m.index], maxMail)
		if it.m.parent != nil {
			f[fParent] = rel(mailCover[it.m.parent.index], maxMail)
		}
		f[fThread] = rel(threadCover[it.m.thread], maxMail)
		if len(q.values) > 0 {
			hit := 0.0
			for _, v := range q.values {
				if it.terms[v] > 0 {
					hit++
				}
			}
			f[fValue] = hit / float64(len(q.values))
		}
		if q.slots != 0 {
			if q.slots&it.slots() != 0 {
				f[fSlot] = 1
			} else {
				f[fSlotMiss] = 1
			}
		}
		if q.kinds[it.s.Kind] {
			f[fKind] = 1
			f[fKindLex] = f[fLex]
		}
		if q.speaker != "" {
			if it.role == q.speaker {
				f[fSpeaker] = 1
			} else {
				f[fSpeakerMiss] = 1
			}
		}
		if len(q.people) > 0 {
			if q.people[it.m.author] {
				f[fPerson] = 1
			} else if it.role == Client {
				f[fPersonMiss] = 1
			}
		}
		if d := dayTerm(int(it.m.Date.Month()), it.m.Date.Day()); q.content[d] > 0 {
			f[fMailDay] = 1
		}
		if it.short() {
			f[fShort] = 1
		}
		if rarest != "" {
			if termMatch(rarest, it.terms, it.syn) == 1 {
				f[fRarest] = 1
			}
			if mailRarest[it.m.index] {
				f[fMailRarest] = 1
			}
			if threadRarest[it.m.thread] {
				f[fThreadRarest] = 1
			}
		}
		f[fShare], f[fShareThread] = share[it.m.index], threadShare[it.m.thread]
		strong := 0
		for _, t := range q.order {
			if q.content[t] >= 1 && termMatch(t, it.terms, it.syn) > 0 {
				strong++
			}
		}
		if strong >= 2 {
			f[fTwo] = 1
		}
		if q.denial && it.s.Kind == statement.Dispute {
			f[fDenial] = 1
		}
		if it.m.Auto {
			f[fAuto] = 1
		}
		if it.role != Us && it.role != Client {
			f[fThird] = 1
		}
		f[fSiblings] = math.Min(float64(len(it.m.items)), 8) / 8
		f[fMass] = math.Log1p(p.mass(it))
		for k, kind := range statement.Kinds {
			if it.s.Kind == kind {
				f[int(fKind0)+k] = 1
			}
		}
		for k, has := range it.traits(it.lex > 0) {
			if has {
				for _, s := range asked {
					f[int(fAsked0)+s*traits+k] = askedShare
				}
			}
		}
		it.p2 = logistic(dot(f, weights))
		f1[i] = f
	}

	return f1
}

// context fills in p2 of every item from its prior and what the priors of others
// say of it: its neighbours, the mail it answers, the statements it shares facts
// or words with. It returns the features.
func (q *query) context(p *pool, f1 [][]float64, weights []float64) [][]float64 {
	n := len(p.items)
	maxPrior := 0.0
	mailP := make([]float64, len(p.mails))
	threadSum, threadN := map[int]float64{}, map[int]float64{}
	for _, it := range p.items {
		maxPrior = math.Max(maxPrior, it.prior)
		mailP[it.m.index] = math.Max(mailP[it.m.index], it.prior)
		threadSum[it.m.thread] += it.prior
		threadN[it.m.thread]++
	}
	top := make([]*item, n)
	copy(top, p.items)
	sort.SliceStable(top, func(i, j int) bool { return top[i].prior > top[j].prior })
	rank := make([]int, n)
	for r, it := range top {
		rank[it.index] = r
	}
	if len(top) > 8 {
		top = top[:8]
	}
	pointed := make([]float64, len(p.mails))
	points := make([]float64, n)
	for i, it := range p.items {
		for _, m := range p.pointsAt(it) {
			points[i] = math.Max(points[i], mailP[m.index])
			pointed[m.index] = math.Max(pointed[m.index], it.prior)
		}
	}
	quoted := make([]float64, n)
	breadth, middle, mass := 0.0, 0.0, 0.0
	for _, it := range p.items {
		if b := p.quotedBy(it, p.items[:it.index]); b != nil {
			quoted[b.index] = math.Max(quoted[b.index], it.prior)
			quoted[it.index] = math.Max(quoted[it.index], b.prior)
		}
		if it.prior > 0.5 {
			breadth++
		}
		middle += it.prior * it.prior * float64(it.m.index)
		mass += it.prior * it.prior
	}
	breadth /= float64(n)
	if mass > 0 {
		middle /= mass
	}
	tie, tied, pair := make([]float64, n), make([]float64, n), make([]float64, n)
	bonds := map[[2]int]float64{}
	for i, it := range p.items {
		for _, c := range p.tiesBack(it) {
			w := math.Min(1, c.score/3)
			if k := [2]int{c.to.index, i}; w > bonds[k] {
				bonds[k] = w
			}
			tie[i] = math.Max(tie[i], w*c.to.prior)
			tied[c.to.index] = math.Max(tied[c.to.index], w*it.prior)
			pair[i] = math.Max(pair[i], it.prior*c.to.prior)
			pair[c.to.index] = math.Max(pair[c.to.index], it.prior*c.to.prior)
		}
	}
	smooth := p.smooth(bonds)
	most := 0.0
	for i := range smooth {
		most = math.Max(most, logistic(smooth[i]))
	}
	after := ranks(smooth)
	f2, rows := make([][]float64, n), make([]float64, n*int(allFeatures))
	for i, it := range p.items {
		f := rows[i*int(allFeatures) : (i+1)*int(allFeatures)]
		copy(f, f1[i])
		f[gWords], f[gWordsRel], f[gWordsRank] = smooth[i], rel(logistic(smooth[i]), most), 1/(1+float64(after[i]))
		f[gBreadth] = breadth
		f[gOwnBreadth] = it.prior * breadth
		f[gQuoted] = quoted[i]
		f[gNear] = math.Abs(float64(it.m.index)-middle) / float64(len(p.mails))
		if it.prior == maxPrior {
			f[gBest] = 1
		}
		f[gLast] = float64(it.m.index) / float64(len(p.mails))
		f[gOwn] = logit(it.prior)
		f[gOwnRel] = rel(it.prior, maxPrior)
		for _, sib := range it.m.items {
			if sib != it {
				f[gMail] = math.Max(f[gMail], sib.prior)
			}
		}
		if it.pos > 0 {
			f[gPrev] = it.m.items[it.pos-1].prior
		}
		if it.pos+1 < len(it.m.items) {
			f[gNext] = it.m.items[it.pos+1].prior
		}
		if it.m.parent != nil {
			f[gParent] = mailP[it.m.parent.index]
			switch it.s.Kind {
			case statement.Approval, statement.Answer, statement.Confirmation, statement.Change:
				f[gReply] = f[gParent]
			}
		}
		for _, c := range it.m.children {
			f[gChild] = math.Max(f[gChild], mailP[c.index])
		}
		if it.s.Kind == statement.Question {
			f[gAsked] = f[gChild]
		}
		ask := 0.0
		if it.m.parent != nil {
			for _, x := range it.m.parent.items {
				switch x.s.Kind {
				case statement.Question, statement.Terms, statement.Caveat, statement.Instruction, statement.Change:
					ask = math.Max(ask, x.prior)
				}
			}
		}
		if it.short() {
			f[gShortPrev], f[gShortNext], f[gShortParent], f[gShortChild] = f[gPrev], f[gNext], ask, f[gChild]
		}
		if f[gReply] > 0 {
			f[gReplyAsk] = ask
		}
		f[gLexMail] = it.prior * f[gMail]
		if it.s.Kind == statement.Dispute {
			f[gDisputeNear] = math.Max(f[gMail], f[gParent])
		}
		f[gThread] = threadSum[it.m.thread] / threadN[it.m.thread]
		like, weight := 0.0, 0.0
		for _, t := range top {
			if t != it {
				like += t.prior * p.similar(it, t)
				weight += t.prior
				if s := p.sharedFacts(it, t); s > 0 {
					f[gFacts] = math.Max(f[gFacts], t.prior*s)
				}
			}
		}
		if weight > 0 {
			f[gLike] = like / weight
		}
		f[gPoints] = points[i]
		f[gPointed] = pointed[it.m.index]
		if it.s.Kind == statement.Dispute {
			f[gDispute] = f[gThread]
		}
		f[gTie], f[gTied], f[gPair] = tie[i], tied[i], pair[i]
		f[gRank] = 1 / (1 + float64(rank[i]))
		it.p2 = logistic(dot(f, weights))
		f2[i] = f
	}
	return f2
}

// askedShare holds the many weights of sorts and traits back beside the others.
const askedShare = 0.5

// ranks gives each of some values its place, the greatest first.
func ranks(xs []float64) []int {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return xs[order[i]] > xs[order[j]] })
	place := make([]int, len(xs))
	for r, i := range order {
		place[i] = r
	}
	return place
}

func rel(x, max float64) float64 {
	if max <= 0 {
		return 0
	}
	return x / max
}

// short reports whether a statement has too few words of its own to be found by
// them: "Yes, all of them.", "Shall I?"
func (it *item) short() bool { return len(it.terms) <= 3 }

// rarest is the question's term that few statements have but some do.
func (q *query) rarest(p *pool) term {
	best := ""
	for _, t := range q.order {
		if p.df[t] > 0 && q.content[t] >= 0.5 && (best == "" || q.weight(p, t) > q.weight(p, best)) {
			best = t
		}
	}
	return best
}

func dot(f, w []float64) float64 {
	sum := 0.0
	for i := range w {
		sum += float64(f[i] * w[i]) // the conversion forbids a fused multiply-add: the same sum on every machine
	}
	return sum
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func logit(p float64) float64 {
	p = math.Min(math.Max(p, 0.001), 0.999)
	return math.Log(p / (1 - p))
}
