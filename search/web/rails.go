package web

import (
	"fmt"
	"slices"
	"strings"

	"inwriting/search/trail"
)

// rows lays the trail out by day: letters hold the statements of one message,
// and silences stand between them.
func (w *site) rows(v *trailView, t *trail.Trail, views map[int]statementView) {
	var letters []*letter
	at := map[int]int{} // entry number to letter
	last := ""
	for _, e := range t.Entries {
		m := e.Statement.Message
		s := views[e.N]
		// Two authors can stand in one message: a forwarded statement is not the sender's.
		key := m.Ref.String() + e.Statement.Speaker.Address
		if key != last {
			letters = append(letters, &letter{Time: w.clock(m.Date), ISO: iso(m.Date), Address: messageURL(m), Who: s.Who, To: m.To, Own: s.Own,
				Subject: s.Subject, Place: s.Place, Gone: s.Gone, date: m.Date})
			last = key
		}
		l := letters[len(letters)-1]
		l.Rows = append(l.Rows, s)
		at[e.N] = len(letters) - 1
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
	for i, f := range v.Findings {
		tf := t.Findings[i]
		if n, ok := at[tf.A]; ok && f.Class == "waits" {
			letters[n].Notes = append(letters[n].Notes, note{f.Icon, f.Class, f.Title, f.Text})
		}
		if n, ok := at[tf.ExplainedBy]; ok && tf.ExplainedBy > 0 {
			letters[n].Notes = append(letters[n].Notes, note{"change", "warns", "This explains " + strings.ToLower(f.Title), f.Text})
		}
	}

	rails := lanes(t, at)
	between := func(i int) []lane { // what passes on the way from letter i-1 to i
		var out []lane
		for _, ra := range rails {
			if ra.from < i && ra.to >= i {
				out = append(out, lane{ra.class("pass")})
			}
		}
		return out
	}
	day, gap := "", 0
	for i, l := range letters {
		for gap < len(t.Gaps) && !t.Gaps[gap].To.After(l.date) {
			g := t.Gaps[gap]
			v.Rows = append(v.Rows, row{Gap: &gapView{g.Days, w.when(g.From), w.when(g.To), v.Coverage.Trouble}, Lanes: between(i)})
			gap++
		}
		if d := w.day(l.date); d != day && !l.date.IsZero() {
			day = d
			v.Rows = append(v.Rows, row{Day: d, Lanes: between(i)})
		}
		var ls []lane
		for _, ra := range rails {
			switch {
			case ra.from == i && ra.to == i:
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

// rail is a link drawn beside the trail, from letter to letter.
type rail struct {
	from, to, lane int
	family         string
}

func (r rail) class(state string) string { return fmt.Sprintf("l%d %s %s", r.lane, r.family, state) }

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
	slices.SortStableFunc(all, func(a, b rail) int {
		if a.family != b.family {
			return strings.Compare(b.family, a.family) // "warns" before "agrees"
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
