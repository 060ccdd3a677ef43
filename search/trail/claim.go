package trail

import (
	"math"
	"strings"

	"inwriting/indexer/statement"
)

const (
	ownWords    = "own"    // about what the speaker's side said: "I never ordered", "I asked for"
	anyWords    = "any"    // about what either said: "nobody ever said that"
	othersWords = "others" // about what the other side said or did not say: "you never told me"
)

// claim is what a dispute says about words.
type claim struct {
	whose   string           // ownWords, othersWords, "" where it speaks of no words
	deny    bool             // it says that they were not said
	deeds   []statement.Kind // what they were, by the verb; nil where it does not tell
	ever    bool             // "never", "nobody", "at no point"
	refuses bool             // it says what its speaker will or will not do
	blames  bool             // it says whose fault something is
}

// claimOf reads a dispute's claim.
func (it *item) claimOf() claim {
	if it.claimed == nil {
		c := readClaim(it.bag.words, it.folds())
		it.claimed = &c
	}
	return *it.claimed
}

func readClaim(ws []string, folded string) (c claim) {
	negated := false
	for i, w := range ws {
		c.ever = c.ever || w == "never" || w == "nobody" || w == "ever" || w == "once"
		c.deeds = append(c.deeds, deeds[w]...)
		negated = negated || deniesWord(w)
		for k := max(0, i-5); k < i && (sayWords[w] || sayWords[stem(w)]); k++ {
			c.deny = c.deny || deniesWord(ws[k]) // "I wrote that I had never" denies no writing
		}
	}
	c.ever = c.ever || strings.Contains(folded, " no one ") || strings.Contains(folded, " at no ")
	for _, w := range refusals {
		c.refuses = c.refuses || strings.Contains(folded, w)
	}
	for _, w := range blaming {
		c.blames = c.blames || strings.Contains(folded, w)
	}
	c.whose = whoseWords(ws)
	if c.whose == "" {
		c.deny = negated
	}
	return c
}

// deniesSomething reports whether a statement has a word of denial.
func deniesSomething(it *item) bool {
	for _, w := range it.bag.words {
		if deniesWord(w) {
			return true
		}
	}
	return false
}

func deniesWord(w string) bool { return denials[w] || strings.HasSuffix(w, "n't") }

// whoseWords finds the subject of the first verb of saying.
func whoseWords(ws []string) string {
	for i, w := range ws {
		if !sayWords[stem(w)] && !sayWords[w] {
			continue
		}
		passive := func(j int) bool { // "was I given", "I was never asked"
			if j > 0 && beWords[ws[j-1]] {
				return true
			}
			for k := j + 1; k < i; k++ {
				if beWords[ws[k]] {
					return true
				}
			}
			return false
		}
		for j := i - 1; j >= 0 && j >= i-6; j-- {
			switch ws[j] {
			case "he", "she", "they":
				if reports(ws) {
					return ownWords
				}
			case "i", "we", "i'd", "i've", "we've", "we'd":
				if i > 1 && ws[i-1] == "to" && (ws[i-2] == "have" || ws[i-2] == "need" || ws[i-2] == "want") {
					break // "I have to mention that …" claims nothing said
				}
				if getWords[w] && !passive(j) {
					break // whether something came is no claim about words
				}
				if passive(j) {
					return othersWords
				}
				return ownWords
			case "you", "you'd", "you've":
				return othersWords
			case "nobody", "none":
				for k := j + 1; k < len(ws); k++ {
					switch ws[k] {
					case "me", "us":
						return othersWords
					case "in", "here", "of":
						if k == j+1 {
							return ownWords // "nobody in this company"
						}
					}
				}
				if ws[j+1] == w {
					return ownWords // "nobody asked for"
				}
				return anyWords
			}
		}
	}
	for _, w := range ws {
		if w == "chance" || w == "warning" || w == "notice" || w == "idea" {
			return othersWords
		}
	}
	return ""
}

// reports reports whether a sentence passes on what somebody of its speaker's side
// says: "Ann says that she never agreed".
func reports(ws []string) bool {
	for i := 1; i < len(ws) && i < 4; i++ {
		switch ws[i] {
		case "says", "said", "tells", "claims", "thinks", "believes":
			return true
		}
	}
	return false
}

var (
	getWords = set(`receive received get got see saw seen given`)
	beWords  = set(`was were been being am are is be`)
	denials  = set(`not no never nobody nothing neither nor none cannot without deny`)
	refusals = []string{" won't ", " will not ", " not paying ", " not going to ", " want ", " taking ", " i shall ", " we shall ", " refuse ", " expect ", " demand ", " we will ", " i'll ", " i will "}
	blaming  = []string{" you must have ", " your mistake ", " your fault ", " your error ", " your end ", " you put ", " you clicked ", " wrong ", " by accident ", " on you ", " you should "}
)

var sayWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`say said tell told ask asked order ordered approve approved agree agreed write wrote warn warned mention mentioned
 want wanted request requested instruct instructed book booked authorise authorised confirm confirmed promise promised mean meant give given gave
 receive received see saw know knew accept accepted sign signed choose chose pick picked allow allowed permit decide decided inform informed`) {
		m[w] = true
		m[stem(w)] = true
	}
	return m
}()

// bearsOut reports whether b bears out what d claims was said: by whom d says, of
// the same thing, every value that d names and no other.
func (p *pool) bearsOut(d, b *item) bool {
	c := d.claimOf()
	if c.whose == "" || c.whose == anyWords || c.deny || (c.whose == ownWords) != (b.side() == d.side()) || b.s.Kind == statement.Dispute {
		return false
	}
	if differs(d, b) || differs(b, d) || deniesSomething(d) != deniesSomething(b) {
		return false
	}
	near := math.Max(p.similar(d, b), p.alikeAbout(d, b))
	all := true
	for _, f := range d.s.Facts {
		all = all && hasFact(b, f)
	}
	switch {
	case !all:
		return near >= 0.35
	case len(d.s.Facts) > 0:
		return near > 0.1
	}
	return near >= 0.3
}

// borneOut reports whether what d claims was said, and still held when d was written.
func (f *finder) borneOut(d *item) bool {
	held := false
	for _, b := range f.p.items[:d.index] {
		if b.m == d.m || b.p2 < leastPaired {
			continue
		}
		switch {
		case f.p.bearsOut(d, b):
			held = true
		case held && b.side() == d.side() && samePerson(d, b) && binds(b.s.Kind) && differs(d, b):
			held = false
		}
	}
	return held
}

// refutes reports whether b speaks against what d claims, and how surely: the claim is
// about words, and b is what answers to it restate, or is plainly about the same. What
// asserts one's own words has to name a value that others may be set against. What
// claims nothing of words has to deny or to blame, and to be answered with b.
func (f *finder) refutes(d, b *item) (score float64, ok bool) {
	c := d.claimOf()
	restated := f.p.restatedTo(d, b)
	near := math.Max(f.p.alikeAbout(d, b), f.p.similar(d, b))
	switch {
	case c.whose == "":
		return restated, !(c.refuses && !c.blames) && restated >= leastAnswered || f.p.deniesDeed(d, b)
	case c.whose == ownWords && !c.deny && d.slots() == 0:
		return 0, false
	}
	return restated + near, restated >= leastRestated || near >= leastNearby || typed(d, b) && restated+near > 0.1
}
