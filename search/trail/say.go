package trail

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"inwriting/indexer/statement"
)

// possessive is "your" for us, "Martin's" for everybody else.
func (p *pool) possessive(it *item) string {
	if it.side() == Us {
		return "your"
	}
	n := p.name(it)
	if strings.HasSuffix(n, "s") {
		return n + "'"
	}
	return n + "'s"
}

// name is how a speaker is called in a sentence: "you", or the first name.
func (p *pool) name(it *item) string {
	if it.side() == Us {
		return "you"
	}
	n := it.s.Speaker.Name
	if n == "" && len(it.m.From) > 0 {
		n = it.m.From[0].Name
	}
	if n == "" {
		return it.m.author
	}
	if _, given, ok := strings.Cut(n, ", "); ok && given != "" {
		n = given // "Wendt, Klaus-Dieter"
	}
	if it.side() == Client {
		if f := strings.Fields(n); len(f) > 0 && len([]rune(strings.Trim(f[0], "."))) > 1 {
			return f[0]
		}
	}
	return n
}

func noun(k statement.Kind) string {
	switch k {
	case statement.Terms:
		return "terms"
	case statement.Delivery:
		return "delivery"
	}
	return string(k)
}

// day is a day as a sentence names it, in the writer's zone.
func day(t time.Time) string { return t.Format("2 January 2006") }

// showFact is a fact's value as a sentence names it.
func showFact(f statement.Fact) string {
	switch f.Type {
	case statement.Date:
		if d, err := time.Parse("2006-01-02", f.Value); err == nil {
			return d.Format("Mon 2 January")
		}
	case statement.DateTime:
		if d, err := time.Parse("2006-01-02T15:04", f.Value); err == nil {
			return d.Format("Mon 2 January 15:04")
		}
	case statement.Money:
		cur, amount, ok := strings.Cut(f.Value, " ")
		if ok {
			sign := map[string]string{"GBP": "£", "EUR": "€", "USD": "$"}[cur]
			if sign == "" {
				sign = cur + " "
			}
			return sign + group(strings.TrimSuffix(amount, ".00"))
		}
	case statement.Quantity:
		n, u, _ := strings.Cut(f.Value, " ")
		return strings.TrimSpace(group(n) + " " + u)
	}
	return f.Value
}

// group puts commas between thousands.
func group(n string) string {
	whole, rest, frac := strings.Cut(n, ".")
	if _, err := strconv.Atoi(whole); err != nil || len(whole) < 5 && len(whole) != 4 {
		return n
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac {
		return whole + "." + rest
	}
	return whole
}

// ago is a short span between two mails: "14 minutes later", "9 days later".
func ago(from, to time.Time) string {
	d := to.Sub(from)
	unit, n := "minute", int(d.Minutes())
	switch {
	case d >= 48*time.Hour:
		unit, n = "day", int(d.Hours()/24)
	case d >= 2*time.Hour:
		unit, n = "hour", int(d.Hours())
	}
	if n != 1 {
		unit += "s"
	}
	return itoa(n) + " " + unit + " later"
}

// A silence counts from a share of the time that the trail spans, within bounds.
const (
	leastGap = 5 * 24 * time.Hour
	mostGap  = 9 * 24 * time.Hour
)

// gaps lists the silences between two consecutive mails of the trail that passed
// between us and a client, where no other mail between them is known.
func (p *pool) gaps(entries []*item) []Gap {
	out := []Gap{}
	in := map[*mail]bool{}
	var first, last *mail
	for _, it := range entries {
		in[it.m] = true
		if first == nil {
			first = it.m
		}
		last = it.m
	}
	if first == nil {
		return out
	}
	least := min(max(last.Date.Sub(first.Date)/12, leastGap), mostGap)
	var prev *mail
	for _, m := range p.mails {
		if m.Auto || !p.between(m) {
			continue
		}
		if prev != nil && in[prev] && in[m] && m.Date.Sub(prev.Date) >= least {
			out = append(out, Gap{prev.Date, m.Date, int(m.Date.Sub(prev.Date).Hours() / 24)})
		}
		prev = m
	}
	return out
}

// between reports whether a mail passed between us and a client; where no client
// is configured, between us and anybody.
func (p *pool) between(m *mail) bool {
	us, them := false, false
	for _, a := range m.everybody() {
		switch r := p.role(a); {
		case r == Us:
			us = true
		case r == Client || len(p.people.Clients) == 0:
			them = true
		}
	}
	return us && them
}

// summary says what the record shows in one to three sentences, each resting on
// findings and links, each with its numbers. It reports and does not judge.
func (p *pool) summary(q *query, entries []*item, ties []tie, findings []Finding, number map[*item]int) Summary {
	w := &writer{p: p, q: q, entries: entries, ties: ties, number: number}
	first, last := entries[0].m.Date, entries[len(entries)-1].m.Date
	w.layout = "2 January"
	if first.Year() != last.Year() {
		w.layout = "2 January 2006"
	}
	at := func(n int) *item { return entries[n-1] }
	best := func(t FindingType) *Finding {
		var b *Finding
		top := 0.0
		for i := range findings {
			f := &findings[i]
			if f.Type != t || f.ExplainedBy > 0 || f.NotApplied {
				continue
			}
			weight := 2 * at(f.A).p2
			if f.B > 0 {
				weight = at(f.A).p2 + at(f.B).p2
			}
			if b == nil || weight > top {
				b, top = f, weight
			}
		}
		return b
	}
	var changed *item
	if f := best(Changed); f != nil {
		changed = at(f.B)
		w.changed(f, at(f.A), changed, findings)
	}
	for _, f := range findings {
		if f.NotApplied {
			w.say(f.Text, f.B, f.A)
			break
		}
	}
	if f := best(Contradiction); f != nil {
		w.say(upper(w.said(at(f.A)))+"; "+w.said(at(f.B))+".", f.A, f.B)
	}
	if f := best(Refuted); f != nil {
		d, b := at(f.A), at(f.B)
		if b == changed {
			w.say(p.possessive(d)+" dispute of "+w.day(d)+" ("+itoa(f.A)+") stands against it.", f.A)
		} else {
			w.say(p.possessive(d)+" dispute of "+w.day(d)+" ("+itoa(f.A)+") stands against "+w.words(b)+".", f.A, f.B)
		}
	}
	if f := best(Missed); f != nil {
		a := at(f.A)
		due, _ := dueDay(a)
		s := w.said(a) + "; "
		if f.B > 0 {
			s += "it came on " + w.day(at(f.B)) + " (" + itoa(f.B) + ")."
		} else {
			s += "nothing in the record shows it done by " + due.Add(-24*time.Hour).Format(w.layout) + "."
		}
		w.say(s, f.A, f.B)
	}
	if f := best(Unanswered); f != nil {
		w.say("no reply to "+w.words(at(f.A))+" is in the record.", f.A)
	}
	if f := best(Unconfirmed); f != nil {
		w.say("the record holds no confirmation of "+w.words(at(f.A))+".", f.A)
	}
	if f := best(Unacknowledged); f != nil {
		w.say("no reply to "+w.words(at(f.A))+" is in the record.", f.A)
	}
	if len(w.sentences) == 0 {
		w.agreed()
	}
	if len(w.sentences) == 0 {
		top := entries[0]
		for _, it := range entries {
			if it.p2 > top.p2 {
				top = it
			}
		}
		w.say("the record does not settle this; nearest to the question is "+w.words(top)+".", number[top])
	}
	return Summary{Text: strings.Join(w.sentences, " "), Statements: w.used}
}

// writer puts a summary's sentences together.
type writer struct {
	p         *pool
	q         *query
	entries   []*item
	ties      []tie
	number    map[*item]int
	layout    string // of days: with the year where a trail spans several
	sentences []string
	used      []int
}

// say adds a sentence and the numbers in it; a summary has three at most.
func (w *writer) say(s string, numbers ...int) {
	if len(w.sentences) == 3 {
		return
	}
	w.sentences = append(w.sentences, upper(s))
	for _, n := range numbers {
		if n > 0 && !slices.Contains(w.used, n) {
			w.used = append(w.used, n)
		}
	}
}

func (w *writer) day(it *item) string { return it.m.Date.Format(w.layout) }

// words names a statement: whose, what, when, its first words and its number.
func (w *writer) words(it *item) string {
	return w.p.possessive(it) + " " + noun(it.s.Kind) + " of " + w.day(it) + ", “" + short(it.s.Quote) + "” (" + itoa(w.number[it]) + ")"
}

// said is "Martin wrote on 2 March “…” (3)".
func (w *writer) said(it *item) string {
	return w.p.name(it) + " wrote on " + w.day(it) + " “" + short(it.s.Quote) + "” (" + itoa(w.number[it]) + ")"
}

// changed says what took the place of what, and who took note of it when.
func (w *writer) changed(f *Finding, a, b *item, findings []Finding) {
	was, now := (&finder{p: w.p}).facts(a, b)
	number := itoa(f.B)
	what := "new words"
	switch f.Fact {
	case statement.Date:
		what = "new date"
		from, to := showDays(was, now)
		verb := "changed the date"
		if thing := w.q.named(a, b); thing != "" {
			verb = "moved the " + thing
		}
		w.say(w.p.name(b)+" "+verb+" from "+from+" to "+to+" in writing on "+w.day(b)+" ("+number+").", f.B)
	case statement.Money, statement.Quantity, statement.DateTime:
		what = map[statement.FactType]string{statement.Money: "new sum", statement.Quantity: "new number", statement.DateTime: "new time"}[f.Fact]
		w.say(w.p.name(b)+" changed "+showFact(was)+" ("+itoa(f.A)+") to "+showFact(now)+" in writing on "+w.day(b)+" ("+number+").", f.A, f.B)
	default:
		what = "change"
		w.say(w.p.name(b)+" changed "+w.p.possessive(a)+" "+noun(a.s.Kind)+" ("+itoa(f.A)+") in writing on "+w.day(b)+": “"+short(b.s.Quote)+"” ("+number+").", f.A, f.B)
	}
	for _, t := range w.ties {
		if t.to != b || t.rel != Confirms && t.rel != Fulfils && t.rel != Approves {
			continue
		}
		n := w.number[t.from]
		verb := map[Rel]string{Confirms: "confirmed the " + what, Fulfils: "reported it done", Approves: "approved it"}[t.rel]
		w.say(w.p.name(t.from)+" "+verb+" "+ago(b.m.Date, t.from.m.Date)+" ("+itoa(n)+").", n)
		break
	}
}

// agreed says, where nothing was found, what was confirmed or approved: the
// nearest to the question first, each thing once.
func (w *writer) agreed() {
	agreed := make([]tie, 0, len(w.ties))
	for _, t := range w.ties {
		if t.rel == Confirms || t.rel == Approves {
			agreed = append(agreed, t)
		}
	}
	sort.SliceStable(agreed, func(i, j int) bool { return agreed[i].from.p2+agreed[i].to.p2 > agreed[j].from.p2+agreed[j].to.p2 })
	told := map[*mail]bool{}
	for _, t := range agreed {
		if told[t.to.m] || told[t.from.m] || len(w.sentences) == 2 {
			continue
		}
		told[t.to.m], told[t.from.m] = true, true
		verb := map[Rel]string{Confirms: "confirmed", Approves: "approved"}[t.rel]
		w.say(w.p.name(t.from)+" "+verb+" "+w.words(t.to)+" "+ago(t.to.m.Date, t.from.m.Date)+" ("+itoa(w.number[t.from])+").", w.number[t.to], w.number[t.from])
	}
}

// named returns the word by which the later of two statements calls what both and
// the question are about: "that flight".
func (q *query) named(a, b *item) string {
	ws := words(b.s.Quote)
	for i := 1; i < len(ws); i++ {
		switch ws[i-1] {
		case "the", "that", "this", "my", "our", "your":
		default:
			continue
		}
		// The last word of the noun phrase is its head: "that Vienna flight".
		head := ""
		for j := i; j < len(ws) && j < i+3 && !stopWords[ws[j]]; j++ {
			t := stem(ws[j])
			if c := synonymOf[t]; q.content[t] >= 1 || c != "" && q.near(c) || a.terms[t] > 0 && q.content[t] > 0 {
				head = ws[j]
			}
		}
		if head != "" {
			return head
		}
	}
	return ""
}

// near reports whether a question has a thing of a synonym class.
func (q *query) near(class string) bool {
	for _, t := range q.order {
		if synonymOf[t] == class && q.thing(t) {
			return true
		}
	}
	return false
}

// short is the start of a quotation, cut at a word.
func short(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), " .,;:")
	rs := []rune(s)
	if len(rs) <= 72 {
		return s
	}
	cut := strings.TrimRight(string(rs[:72]), " ")
	if i := strings.LastIndexByte(cut, ' '); i > 40 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " .,;:") + " …"
}

// showDays names two days, the month once where they share it: "Tuesday 14",
// "Wednesday 15 March".
func showDays(was, now statement.Fact) (from, to string) {
	a, errA := time.Parse("2006-01-02", was.Value[:min(10, len(was.Value))])
	b, errB := time.Parse("2006-01-02", now.Value[:min(10, len(now.Value))])
	if errA != nil || errB != nil {
		return showFact(was), showFact(now)
	}
	to = b.Format("Monday 2 January")
	if a.Year() == b.Year() && a.Month() == b.Month() {
		return a.Format("Monday 2"), to
	}
	return a.Format("Monday 2 January"), to
}

// upper puts a capital at the start of a sentence.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
