package trail

import (
	"sort"
	"strings"

	"inwriting/indexer/statement"
)

// slot is what kind of fact a question asks for.
type slot uint8

const (
	slotDate slot = 1 << iota
	slotTime
	slotMoney
	slotQuantity
)

// query is a question as understood: what it is about, whom it names, what it
// asks for. Nothing in it is a guess about the answer.
type query struct {
	text    string
	content map[term]float64 // content terms with their weight before rarity
	part    map[term]float64 // what a term counts that says part of a thing; absent is 1
	order   []term           // content terms in order of appearance
	values  []term           // numbers, days, weekdays among them

	people  map[string]bool // addresses of the people it names
	parties map[string]bool // client parties it names

	speaker Role                    // whose words it asks for; "" when it does not say
	kinds   map[statement.Kind]bool // what those words did
	slots   slot

	// What beside its own words speaks for a term when it is asked whether anything
	// was written: who bears a name, which slot or which kinds a word asks for.
	who    map[term]map[string]bool // addresses, or the name of a client
	asks   map[term]slot
	wants  map[term][]statement.Kind
	denial bool // it repeats somebody's denial: "he says he never …"
}

// kindCues are words of a question that ask for statements of some kinds.
var kindCues = []struct {
	words string
	kinds []statement.Kind
}{
	{"warn warned warning warnings caution cautioned advise advised disclaimer caveat risk risks", []statement.Kind{statement.Caveat}},
	{"promise promised promises promising commit committed commitment pledged", []statement.Kind{statement.Commitment}},
	{"agree agreed agreement settle settled deal included include included terms conditions", []statement.Kind{statement.Terms, statement.Approval, statement.Confirmation}},
	{"approve approved approval ok okay ok'd oked accept accepted allowed permission go signed sign authorised authorized authorise", []statement.Kind{statement.Approval, statement.Answer}},
	{"order ordered instruct instructed brief request requested want wanted wants asked ask told tell book booked", []statement.Kind{statement.Instruction, statement.Change, statement.Approval}},
	{"answer answered answers reply replied react reacted reaction respond responded response", []statement.Kind{statement.Question, statement.Answer, statement.Approval}},
	{"confirm confirmed confirmation acknowledged acknowledge", []statement.Kind{statement.Confirmation, statement.Question, statement.Delivery}},
	{"deliver delivered delivery deliver sent send done finished posted published booked", []statement.Kind{statement.Delivery}},
	{"change changed changes moved move cancel cancelled swap switched", []statement.Kind{statement.Change}},
	{"complain complained complaint claims claim claimed denies denied refuse refused refuses disputes", []statement.Kind{statement.Dispute}},
	{"price rate cost costs fee charge charged surcharge pay paying paid owe owes deduct refund", []statement.Kind{statement.Terms}},
}

func understand(text string, people People, pool *pool) *query {
	q := &query{text: text, content: map[term]float64{}, part: map[term]float64{}, people: map[string]bool{}, parties: map[string]bool{}, kinds: map[statement.Kind]bool{},
		who: map[term]map[string]bool{}, asks: map[term]slot{}, wants: map[term][]statement.Kind{}}
	ws := words(text)
	has := map[string]bool{}
	for _, w := range ws {
		has[w] = true
	}

	for i, w := range ws {
		base := strings.TrimSuffix(w, "'s")
		if addrs := pool.called(base); len(addrs) > 0 && !stopWords[base] {
			q.who[stem(base)] = map[string]bool{}
			for _, a := range addrs {
				q.people[a] = true
				q.who[stem(base)][a] = true
			}
			// A name is a weak content word: others speak of its bearer.
			q.add(stem(base), 0.35)
			continue
		}
		named := false
		for _, c := range people.Clients {
			if nameHas(c.Name, base) {
				q.parties[c.Name] = true
				q.who[stem(base)] = map[string]bool{c.Name: true}
				named = true
			}
		}
		if named {
			q.add(stem(base), 0.5)
			continue
		}
		ts := wordTerms(ws, i, w)
		for _, t := range ts {
			weight := 1.0
			q.halve(t, ts)
			if strings.Contains(t, ":") {
				q.values = append(q.values, t)
			} else if weakWords[t] {
				weight = 0.35
			}
			q.add(t, weight)
		}
	}

	q.speaker = askedSpeaker(ws, pool)
	for _, c := range kindCues {
		for _, w := range strings.Fields(c.words) {
			if has[w] {
				for _, k := range c.kinds {
					q.kinds[k] = true
				}
				q.wants[stem(w)] = append(q.wants[stem(w)], c.kinds...)
			}
		}
	}
	for i, w := range ws {
		next := ""
		if i+1 < len(ws) {
			next = ws[i+1]
		}
		before := q.slots
		q.slots = 0
		switch w {
		case "when", "date", "dates", "day", "days", "week", "deadline", "until":
			q.slots |= slotDate
		case "time", "o'clock":
			q.slots |= slotDate | slotTime
		case "by":
			if next == "when" {
				q.slots |= slotDate
			}
		case "many":
			q.slots |= slotQuantity
		case "price", "rate", "cost", "costs", "fee", "pay", "paying", "paid", "owe", "charge", "charged", "money", "budget", "amount", "refund", "deduct", "surcharge", "discount", "invoice", "bill", "pounds", "euros", "dollars":
			q.slots |= slotMoney
		case "much":
			q.slots |= slotMoney | slotQuantity
		case "never", "claims", "denies", "didn't":
			q.denial = true
		}
		if q.slots != 0 {
			q.asks[stem(w)] |= q.slots
		}
		q.slots |= before
	}
	for _, t := range q.values {
		switch {
		case strings.HasPrefix(t, "d:"), strings.HasPrefix(t, "dd:"), strings.HasPrefix(t, "w:"):
			q.slots |= slotDate
		}
	}
	if strings.ContainsAny(text, "£$€") {
		q.slots |= slotMoney
	}
	sort.Strings(q.values)
	return q
}

// halve notes which of the terms of one word say the same or little: of "19 April"
// its day says all, a month and a number in it next to nothing; small numbers are in
// every mail.
func (q *query) halve(t term, ts []term) {
	day, inMonth := false, false
	for _, o := range ts {
		day = day || strings.HasPrefix(o, "d:")
		inMonth = inMonth || strings.HasPrefix(o, "dd:")
	}
	switch {
	case day && strings.HasPrefix(t, "n:"), strings.HasPrefix(t, "md:"):
		q.part[t] = 0.15
	case inMonth, smallNumber(t):
		q.part[t] = 0.5
	}
}

func (q *query) add(t term, w float64) {
	if t == "" {
		return
	}
	if _, ok := q.content[t]; !ok {
		q.order = append(q.order, t)
	}
	if w > q.content[t] {
		q.content[t] = w
	}
}

// weakWords say what happened to a thing rather than which thing it was, or are
// common enough in any mail to say little.
var weakWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`agree agreed agreement settle promise write written answer reply react order warn approve ok okay ok'd oked accept allow confirm
 include use give gave put take took let new time date day days look find need come happen supposed original actual brief work deal long
 want see old count first second last third allowed decide order elsewhere lost lose while now early late next back again away around
 job task project matter case issue problem reason way part side place point end start begin begun open close keep kept leave left stay
 show try help call mean know hear heard read wait hold bring turn set run move change changed add added done finish ready full whole
 big small good bad right wrong great nice fine sure real true whole own different same other extra another together instead exactly
 pounds euros dollars euro dollar pound mail mails email emails message messages note today tomorrow yesterday week weeks month months year years
 morning evening afternoon night people person client customer guy man woman team company person number numbers amount total
 total answer question questions word words line chance idea fact sense
 send sent receive received get getting make made making done doing went`) {
		m[stem(w)] = true
	}
	return m
}()

// askedSpeaker reads whose words a question is after: "did I warn" ours, "did he
// say", "what did NAME order" theirs.
func askedSpeaker(ws []string, pool *pool) Role {
	for i, w := range ws {
		switch w {
		case "did", "do", "does", "has", "have", "had", "was", "were", "is", "are", "never":
		default:
			continue
		}
		if i+1 >= len(ws) {
			break
		}
		switch next := ws[i+1]; next {
		case "i", "we":
			if i+2 < len(ws) && passive[ws[i+2]] || w == "was" || w == "were" {
				return Client // "was I allowed", "was I told": somebody told us
			}
			return Us
		case "he", "she", "they", "client", "anybody", "anyone", "somebody":
			if w == "was" || w == "were" {
				return Us // "was he told": we told him
			}
			return Client
		case "the":
			return Client
		default:
			for _, a := range pool.called(next) {
				if pool.role(a) == Client {
					if w == "was" || w == "were" {
						return Us
					}
					return Client
				}
			}
		}
	}
	for i, w := range ws {
		switch w {
		case "who", "he", "she", "they":
			return Client
		case "i":
			if i > 0 {
				return Us
			}
		}
	}
	return ""
}

var passive = set(`told asked allowed supposed given instructed`)

// nameHas reports whether a word is a distinctive word of a party's name.
func nameHas(name, w string) bool {
	if len(w) < 4 || stopWords[w] || plainCompanyWords[w] {
		return false
	}
	for _, n := range words(name) {
		if n == w {
			return true
		}
	}
	return false
}

var plainCompanyWords = set(`group games limited company coaching interiors architects academy retreats college history oral
 translations services design designs studio studios agency consulting gmbh partners solutions foundation society club committee school
 dental marine surveyors shop store media marketing events photography bakery cafe restaurant clinic legal law accounting technologies technology`)
