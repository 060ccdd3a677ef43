package trail

import (
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

const leastGap = 5 * 24 * time.Hour

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
	least := last.Date.Sub(first.Date) / 12
	if least < leastGap {
		least = leastGap
	}
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
// findings and links, each with its numbers.
func (p *pool) summary(entries []*item, ties []tie, findings []Finding, number map[*item]int) Summary {
	var sentences []string
	var used []int
	use := func(ns ...int) {
		for _, n := range ns {
			have := n == 0
			for _, u := range used {
				have = have || u == n
			}
			if !have {
				used = append(used, n)
			}
		}
	}
	at := func(n int) *item { return entries[n-1] }
	say := func(s string, ns ...int) {
		if len(sentences) < 3 {
			sentences = append(sentences, upper(s))
			use(ns...)
		}
	}
	weight := func(f Finding) float64 {
		w := at(f.A).p2
		if f.B > 0 {
			w += at(f.B).p2
		} else {
			w *= 1.5
		}
		return w
	}
	best := func(t FindingType) *Finding {
		var b *Finding
		for i := range findings {
			if f := &findings[i]; f.Type == t && (b == nil || weight(*f) > weight(*b)) {
				b = f
			}
		}
		return b
	}
	if f := best(Changed); f != nil {
		a, b := at(f.A), at(f.B)
		what := "changed " + p.possessive(a) + " " + noun(a.s.Kind) + " (" + itoa(f.A) + ")"
		if fact, was, now := conflict(a, b); fact != "" {
			what = "changed " + showFact(was) + " (" + itoa(f.A) + ") to " + showFact(now)
		}
		say(p.name(b)+" "+what+" in writing on "+day(b.m.Date)+" ("+itoa(f.B)+").", f.A, f.B)
		for _, t := range ties {
			if t.to == b && (t.rel == Confirms || t.rel == Fulfils || t.rel == Approves) {
				verb := map[Rel]string{Confirms: "confirmed", Fulfils: "reported it done", Approves: "approved"}[t.rel]
				it := " it "
				if t.rel == Fulfils {
					it = " "
				}
				say(p.name(t.from)+" "+verb+it+ago(b.m.Date, t.from.m.Date)+" ("+itoa(number[t.from])+").", number[t.from])
				break
			}
		}
	}
	if f := best(Contradiction); f != nil {
		say(f.Text, f.A, f.B)
	}
	if f := best(Refuted); f != nil {
		a, b := at(f.A), at(f.B)
		say(p.possessive(a)+" dispute of "+day(a.m.Date)+" ("+itoa(f.A)+") stands against "+p.possessive(b)+" "+noun(b.s.Kind)+" of "+day(b.m.Date)+" ("+itoa(f.B)+").", f.A, f.B)
	}
	for _, t := range []FindingType{Missed, Unanswered, Unconfirmed, Unacknowledged} {
		if f := best(t); f != nil {
			say(f.Text, f.A, f.B)
		}
	}
	if len(sentences) == 0 {
		// Without a finding: what was confirmed or approved, the nearest to the
		// question first, each thing once.
		agreed := make([]tie, 0, len(ties))
		for _, t := range ties {
			if t.rel == Confirms || t.rel == Approves {
				agreed = append(agreed, t)
			}
		}
		sort.SliceStable(agreed, func(i, j int) bool { return agreed[i].from.p2+agreed[i].to.p2 > agreed[j].from.p2+agreed[j].to.p2 })
		told := map[*mail]bool{}
		for _, t := range agreed {
			if told[t.to.m] || told[t.from.m] || len(sentences) == 2 {
				continue
			}
			told[t.to.m], told[t.from.m] = true, true
			verb := map[Rel]string{Confirms: "confirmed", Approves: "approved"}[t.rel]
			say(p.name(t.from)+" "+verb+" "+p.possessive(t.to)+" "+noun(t.to.s.Kind)+" ("+itoa(number[t.to])+") "+ago(t.to.m.Date, t.from.m.Date)+", on "+day(t.from.m.Date)+" ("+itoa(number[t.from])+").", number[t.to], number[t.from])
		}
	}
	if len(sentences) == 0 {
		top := entries[0]
		for _, it := range entries {
			if it.p2 > top.p2 {
				top = it
			}
		}
		say("The record does not settle this.")
		say("Nearest to the question is "+p.possessive(top)+" "+noun(top.s.Kind)+" of "+day(top.m.Date)+" ("+itoa(number[top])+").", number[top])
	}
	if used == nil {
		used = []int{}
	}
	return Summary{Text: strings.Join(sentences, " "), Statements: used}
}

// upper puts a capital at the start of a sentence.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
