package web

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// rows lays the trail out by day: letters hold the statements of one message,
// and silences stand between them.
func (w *site) rows(ctx context.Context, v *trailView, t *trail.Trail, views map[int]statementView, show func(trail.Entry) bool) {
	letters, at, shown := group(w, v, t, views, show)
	for i, tf := range t.Findings {
		f := v.Findings[i]
		if n, ok := at[tf.A]; ok && f.Class == "waits" {
			letters[n].Notes = append(letters[n].Notes, note{f.Icon, f.Class, f.Title, f.Text})
		}
		if n, ok := at[tf.ExplainedBy]; ok && tf.ExplainedBy > 0 {
			letters[n].Notes = append(letters[n].Notes, note{"change", "warns", "This explains " + strings.ToLower(f.Title), f.Text})
		}
	}

	rails := lanes(t, at)
	rails = slices.DeleteFunc(rails, func(ra rail) bool { return !shown[ra.from] || !shown[ra.to] })
	seals := w.sealing(ctx, t.Coverage)
	for i, l := range letters {
		if !shown[i] {
			continue
		}
		l.Seal = seals.seal(l.info)
		if v.whole() {
			l.Whole = w.text(ctx, l.info)
		}
	}
	faded := map[int]bool{}
	between := func(i int) []lane { // what passes on the way from letter i-1 to i
		var out []lane
		for _, ra := range rails {
			if ra.family == "waits" {
				if ra.to == i && !faded[ra.from] {
					faded[ra.from] = true // it leads nowhere
					out = append(out, lane{ra.class("fade")})
				}
				continue
			}
			if ra.from < i && ra.to >= i {
				out = append(out, lane{ra.class("pass")})
			}
		}
		return out
	}
	day, gap := "", 0
	for i, l := range letters {
		if !shown[i] {
			continue
		}
		for gap < len(t.Gaps) && !t.Gaps[gap].To.After(l.date) {
			g := t.Gaps[gap]
			v.Rows = append(v.Rows, row{Gap: &gapView{g.Days, w.when(g.From), w.when(g.To), v.Coverage.Trouble}, Lanes: between(i)})
			gap++
		}
		if d := w.day(l.date); d != day && !l.date.IsZero() {
			day = d
			v.Rows = append(v.Rows, row{Day: d, Ago: w.today(l.date), Lanes: between(i)})
		}
		var ls []lane
		for _, ra := range rails {
			switch {
			case ra.from == i && ra.to == i, ra.family == "waits" && ra.from != i:
			case ra.from == i:
				ls = append(ls, lane{ra.class("from")})
			case ra.to == i:
				ls = append(ls, lane{ra.class("to")})
			case ra.from < i && i < ra.to:
				ls = append(ls, lane{ra.class("pass")})
			}
		}
		v.Rows = append(v.Rows, row{Letter: l, Lanes: ls})
	}
	for ; gap < len(t.Gaps); gap++ {
		g := t.Gaps[gap]
		v.Rows = append(v.Rows, row{Gap: &gapView{g.Days, w.when(g.From), w.when(g.To), v.Coverage.Trouble}})
	}
}

// group makes letters of the entries: at is the letter of an entry, shown are the
// letters that are seen.
func group(w *site, v *trailView, t *trail.Trail, views map[int]statementView, show func(trail.Entry) bool) (letters []*letter, at map[int]int, shown map[int]bool) {
	at = map[int]int{} // entry number to letter
	last := ""
	shown = map[int]bool{} // letters
	for _, e := range t.Entries {
		m := e.Statement.Message
		s := views[e.N]
		// Two authors can stand in one message: a forwarded statement is not the sender's.
		key := m.Ref.String() + e.Statement.Speaker.Address
		if key != last {
			letters = append(letters, &letter{Time: w.clock(m.Date), Address: messageURL(m), Who: s.Who, To: names(m.To), Own: s.Own,
				Subject: s.Subject, Place: s.Place, Gone: s.Gone, date: m.Date, info: m})
			last = key
		}
		l := letters[len(letters)-1]
		l.Rows = append(l.Rows, s)
		l.Claims = l.Claims || e.Statement.Kind == statement.Dispute
		at[e.N] = len(letters) - 1
		shown[at[e.N]] = shown[at[e.N]] || show(e)
	}
	// The change that everybody overlooked tends to stand under another subject.
	subjects, most := map[string]int{}, ""
	for _, l := range letters {
		b := baseSubject(l.Subject)
		if subjects[b]++; subjects[b] > subjects[most] {
			most = b
		}
	}
	mails := map[string]bool{}
	for _, l := range letters {
		l.Other = baseSubject(l.Subject) != most
		mails[l.Address] = true
	}
	v.Mails = len(mails)
	ties(letters, at, t)
	return letters, at, shown
}

// ties tells what came with each letter and what ties it to earlier ones.
func ties(letters []*letter, at map[int]int, t *trail.Trail) {
	first, listed := map[string]int{}, map[string]bool{}
	for _, l := range letters {
		if listed[l.Address] {
			continue
		}
		listed[l.Address] = true
		for _, a := range l.info.Attachments {
			name := a.Name
			if name == "" {
				name = "a file without a name"
			}
			l.Files = append(l.Files, fileView{name, octets(a.Size), first[a.SHA256]})
			if first[a.SHA256] == 0 {
				first[a.SHA256] = l.Rows[0].N
			}
		}
	}
	for _, j := range t.Joined {
		l := letters[at[j.B]]
		l.Joined = append(l.Joined, joinedView{j.A, j.Reason})
	}
}

// rail is a link drawn beside the trail, from letter to letter.
type rail struct {
	from, to, lane int
	family         string
}

func (r rail) class(state string) string {
	return fmt.Sprintf("l%d %s %s", r.lane, r.family, state)
}

// lanes draws what fits into two lanes; a third link at the same height is told
// in words only. Changes come first: they are what is looked for.
func lanes(t *trail.Trail, at map[int]int) []rail {
	var all []rail
	for _, e := range t.Entries {
		for _, l := range e.Links {
			from, ok := at[l.N]
			to, ok2 := at[e.N]
			if !ok || !ok2 || from >= to {
				continue
			}
			switch l.Rel {
			case trail.Changes:
				all = append(all, rail{from, to, 0, "warns"})
			case trail.Confirms, trail.Approves, trail.Answers, trail.Fulfils:
				all = append(all, rail{from, to, 0, "agrees"})
			}
		}
	}
	for _, f := range t.Findings {
		if from, ok := at[f.A]; ok && f.Type == trail.Unanswered && from < len(at) {
			all = append(all, rail{from, from + 1, 0, "waits"})
		}
	}
	slices.SortStableFunc(all, func(a, b rail) int {
		if a.family != b.family {
			return strings.Compare(a.order(), b.order())
		}
		if d := (a.to - a.from) - (b.to - b.from); d != 0 {
			return d
		}
		return a.from - b.from
	})
	var out []rail
	for _, r := range all {
		order := []int{0, 1}
		if r.family == "warns" {
			order = []int{1, 0}
		}
		for _, n := range order {
			free := true
			for _, o := range out {
				if o.lane == n && r.from < o.to && o.from < r.to {
					free = false
				}
				if o.from == r.from && o.to == r.to { // two links between the same letters are one line
					free, n = false, 2
				}
			}
			if free {
				r.lane = n
				out = append(out, r)
				break
			}
			if n == 2 {
				break
			}
		}
	}
	return out
}

// baseSubject takes reply and forward marks off, for comparing.
func baseSubject(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	for {
		head, rest, ok := strings.Cut(s, ":")
		if !ok || !slices.Contains([]string{"re", "fw", "fwd", "aw", "wg", "sv", "vs", "tr", "antw"}, strings.TrimSpace(head)) {
			return s
		}
		s = strings.TrimSpace(rest)
	}
}

// whole reports whether whole messages are asked for.
func (v *trailView) whole() bool {
	return slices.ContainsFunc(v.Filters, func(f filterView) bool { return f.Text == "Whole messages" && f.On })
}

// wholeMost bounds a letter's full text on a trail's page, in characters.
const wholeMost = 4000

// text is what a message's author wrote, without what it quotes.
func (w *site) text(ctx context.Context, m trail.MessageInfo) template.HTML {
	doc, err := w.s.Message(ctx, m.Ref.String())
	if err != nil {
		return ""
	}
	all := []rune(doc.Text)
	var own strings.Builder
	for _, z := range doc.Zones {
		if z.Kind == message.New && z.Start >= 0 && z.Start <= z.End && z.End <= len(all) {
			own.WriteString(string(all[z.Start:z.End]))
		}
	}
	var b strings.Builder
	verbatim(&b, clip(strings.Trim(own.String(), "\n"), wholeMost))
	return template.HTML(b.String())
}

// order says which rails find a place first.
func (r rail) order() string {
	return map[string]string{"warns": "1", "agrees": "2", "waits": "3"}[r.family]
}

// names are whom a message went to, without their addresses.
func names(to []string) []string {
	out := make([]string, len(to))
	for i, t := range to {
		out[i] = personal(t)
	}
	return out
}
