package web

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/access"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

type homeView struct {
	Page    head
	Asked   []string // questions to begin with
	Cards   []cardView
	Closed  []Matter // kept and not shown as a card
	Open    []openList
	CanKeep bool
}

// cardView is an open matter with what its trail shows.
type cardView struct {
	Matter
	Claim   template.HTML
	ClaimBy string
	Spark   *sparkView
	Shows   string
	Icon    string
	Tally   []coverageLine
}

type openList struct {
	Icon, Title, None, MoreWord string
	Count                       int
	Items, More                 []openItem
}

type openItem struct {
	S                statementView
	From, To         string
	Since, Late      string
	Recap, RecapWord string
}

type firstView struct {
	Page   head
	Lead   string
	How    string // how a mailbox is added where the pages cannot
	CanAdd bool
	Demo   bool
}

const (
	cardsMost = 6 // trails are worked out for so many
	cardsTime = 3 * time.Second
	openMost  = 4 // of a list at once
	openMore  = 20
)

func (w *site) home(rw http.ResponseWriter, r *http.Request) {
	cov, err := w.s.Coverage(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	matters, err := w.matters(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	doc := &httpapi.Status{Schema: httpapi.StatusSchema, Coverage: *cov}
	c := w.coverage(*cov)
	if c.Mailboxes == 0 && len(matters) == 0 {
		v := firstView{Page: w.head(r, "Welcome"), How: "“inwriting init” asks for it and writes the configuration.",
			Lead: "Connect a mailbox and inwriting keeps a sealed copy of what you and your clients wrote, sorted into who asked for what, and when."}
		v.Page.Nav, v.Page.BigBox, v.Page.Slim = "home", true, true
		v.Page.stands(c, true)
		if w.o.Desk != nil && mayChange(r.Context()) {
			v.CanAdd, v.Demo = w.o.Desk.Mailboxes() != nil, w.o.Desk.CanDemo()
		}
		w.page(rw, r, http.StatusOK, "first", v, doc)
		return
	}
	v := homeView{Page: w.head(r, "Matters"), CanKeep: w.o.Desk != nil && mayChange(r.Context())}
	v.Page.Nav, v.Page.BigBox, v.Page.Live = "home", true, true
	v.Page.stands(c, true)
	for _, m := range matters {
		if len(v.Asked) < 3 && m.Question != "" && !slices.Contains(v.Asked, m.Question) {
			v.Asked = append(v.Asked, m.Question)
		}
		if m.State != "" || len(v.Cards) == cardsMost {
			v.Closed = append(v.Closed, m)
			continue
		}
		v.Cards = append(v.Cards, cardView{Matter: m})
	}
	if !wantsJSON(r) {
		w.cards(r.Context(), v.Cards)
		if w.o.Desk != nil {
			open, err := w.o.Desk.Open(r.Context())
			if err != nil {
				w.fail(rw, r, err)
				return
			}
			v.Open = w.openLists(open)
			v.Page.Refresh = open.Pending
		}
	}
	w.page(rw, r, http.StatusOK, "home", v, doc)
}

// mayChange reports whether whoever asks may change anything.
func mayChange(ctx context.Context) bool {
	p := access.PersonOf(ctx)
	return p == nil || p.Role == access.Owner
}

// cards works the trails out, two at a time; one that takes too long, or fails,
// leaves its card without one.
func (w *site) cards(ctx context.Context, cards []cardView) {
	ctx, cancel := context.WithTimeout(ctx, cardsTime)
	defer cancel()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range cards {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			q := cards[i].Question
			if cards[i].Kept {
				q = cards[i].Name
			}
			t, err := w.s.Trail(ctx, search.TrailQuery{Question: q})
			if err != nil {
				w.o.Logger.Debug("a matter's card", "err", err)
				return
			}
			w.card(&cards[i], t)
		})
	}
	wg.Wait()
}

func (w *site) card(c *cardView, t *trail.Trail) {
	if c.Client == "" && t.Matter != nil {
		c.Client = t.Matter.Client
	}
	if len(t.Entries) == 0 {
		c.Shows, c.Icon = "Nothing in writing about this so far.", "dashed"
		return
	}
	var claim *trail.Statement
	for i := range t.Entries {
		if s := &t.Entries[i].Statement; s.Kind == statement.Dispute {
			claim = s
		}
	}
	if claim != nil {
		c.Claim = quote(claim.Quote, nil, w.o.Location, nil)
		c.ClaimBy = speaker(claim.Speaker).Name + ", " + w.lately(claim.Message.Date)
	}
	first, _ := sentences(t.Summary.Text)
	c.Shows = strings.TrimSpace(refs.ReplaceAllString(first, ""))
	c.Shows = strings.NewReplacer(" .", ".", " ,", ",", "  ", " ").Replace(c.Shows)
	c.Icon = "quote"
	if c.Shows == "" {
		c.Shows, c.Icon = "The record does not settle this.", "dashed"
	}
	counts := map[string]int{}
	explained := 0
	for _, f := range t.Findings {
		switch f.Type {
		case trail.Contradiction, trail.Refuted:
			counts["contradiction"]++
			if f.ExplainedBy > 0 {
				explained++
				c.Icon = "change"
			}
		case trail.Unanswered:
			counts["unanswered"]++
		case trail.Unconfirmed, trail.Unacknowledged:
			counts["unconfirmed"]++
		case trail.Missed:
			counts["missed"]++
		}
	}
	say := func(icon, what string, n int, one, many string) {
		if n > 0 {
			c.Tally = append(c.Tally, line(icon, "", plural(n, one, many)+what))
		}
	}
	n := counts["contradiction"]
	suffix := ""
	if n > 0 && explained == n {
		suffix = ", explained"
	}
	say("contradicts", suffix, n, "contradiction", "contradictions")
	say("waiting", "", counts["unanswered"], "request unanswered", "requests unanswered")
	say("dashed", "", counts["unconfirmed"], "never confirmed", "never confirmed")
	say("commitment", "", counts["missed"], "promise missed", "promises missed")
	mails := map[string]bool{}
	for _, e := range t.Entries {
		mails[e.Statement.Message.Ref.String()] = true
	}
	say("", "", len(mails), "message", "messages")
	c.Spark = spark(t)
}

// sparkView is a trail as a line: the client above, we below, time to the right.
type sparkView struct {
	Words string
	Marks []sparkMark
	Gaps  []sparkGap
}

type sparkMark struct{ X, Y, R, Class string }
type sparkGap struct{ X1, X2 string }

func spark(t *trail.Trail) *sparkView {
	if len(t.Entries) < 2 {
		return nil
	}
	// Even steps by message with the silences drawn wide: true to time alone, a day
	// with ten mails would be one blot.
	type mail struct {
		at    time.Time
		class string
		gap   bool
	}
	var mails []mail
	seen := map[string]int{}
	for _, e := range t.Entries {
		s := e.Statement
		class := string(s.Speaker.Role)
		if class == string(trail.Unknown) {
			class = "other"
		}
		switch s.Kind {
		case statement.Change:
			class = "change"
		case statement.Dispute:
			class = "dispute"
		}
		key := s.Message.Ref.String()
		if i, ok := seen[key]; ok {
			if class == "change" || class == "dispute" {
				mails[i].class = class
			}
			continue
		}
		seen[key] = len(mails)
		gap := false
		for _, g := range t.Gaps {
			gap = gap || !g.To.Before(s.Message.Date) && !g.To.After(s.Message.Date)
		}
		mails = append(mails, mail{s.Message.Date, class, gap})
	}
	const wide = 5.0
	total := 0.0
	pos := make([]float64, len(mails))
	for i := 1; i < len(mails); i++ {
		d := 1.0
		if mails[i].gap {
			d = wide
		}
		total += d
		pos[i] = total
	}
	if total == 0 {
		return nil
	}
	v := &sparkView{Words: plural(len(mails), "message", "messages") + " from " + mails[0].at.Format("2 January 2006") + " to " + mails[len(mails)-1].at.Format("2 January 2006")}
	if n := len(t.Gaps); n > 0 {
		v.Words += ", " + plural(n, "silence", "silences")
	}
	f := func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }
	x := func(i int) float64 { return 1 + 97*pos[i]/total }
	for i, m := range mails {
		y, r := "9", "2.5"
		switch m.class {
		case "us":
			y = "18"
		case "dispute":
			r = "0"
		}
		v.Marks = append(v.Marks, sparkMark{f(x(i)), y, r, m.class})
		if m.gap && i > 0 {
			v.Gaps = append(v.Gaps, sparkGap{f(x(i-1) + 3), f(x(i) - 3)})
		}
	}
	return v
}

// openLists are the three lists of what waits.
func (w *site) openLists(o *Open) []openList {
	lists := []openList{
		{Icon: "commitment", Title: "Promises due", None: "No promise is due."},
		{Icon: "dashed", Title: "Instructions never confirmed", None: "Every instruction was confirmed in writing."},
		{Icon: "question", Title: "Questions waiting", None: "No question waits for an answer."},
	}
	for _, it := range o.Items {
		l := &lists[0]
		switch it.List {
		case "instruction", "recap":
			l = &lists[1]
		case "question":
			l = &lists[2]
		}
		l.Count++
		switch {
		case len(l.Items) < openMost:
			l.Items = append(l.Items, w.openItem(it))
		case len(l.More) < openMore:
			l.More = append(l.More, w.openItem(it))
		}
	}
	for i := range lists {
		lists[i].MoreWord = fmt.Sprintf("%d more", len(lists[i].More))
		if rest := lists[i].Count - len(lists[i].Items); rest > len(lists[i].More) {
			lists[i].MoreWord = fmt.Sprintf("%d of %s more; “inwriting open” lists all", len(lists[i].More), thousands(rest))
		}
		if o.Pending {
			lists[i].None = "Being worked out for the first time; look again in a minute."
		}
	}
	return lists
}

func (w *site) openItem(it OpenItem) openItem {
	s := it.Statement
	v := openItem{S: w.statement(s, nil), From: speaker(s.Speaker).Name, To: "you"}
	if s.Speaker.Role == trail.Us {
		v.From, v.To = "You", it.Client
		if len(s.Message.To) > 0 {
			v.To = personal(s.Message.To[0])
		}
	}
	days := plural(it.Days, "day", "days")
	switch {
	case it.State == "overdue":
		v.Late = days + " overdue"
	case it.State == "due":
		v.Since = "due " + w.dueWords(it.Due)
	case it.List == "question" && it.WaitsFor == trail.Us:
		v.Late = "waiting on you for " + days
	case it.List == "question":
		v.Late = "no reply for " + days
	case it.List == "recap":
		v.Since = "recap, " + days + " ago"
	default:
		v.Since = days + " ago"
		if len(s.Facts) == 0 {
			v.Late = "nothing measurable in it"
		}
	}
	v.Recap, v.RecapWord = w.recap(it, v)
	return v
}

func (w *site) dueWords(due string) string {
	day, err := time.ParseInLocation(time.DateOnly, due, w.o.Location)
	if err != nil {
		return due
	}
	switch w.o.Now().In(w.o.Location).Format(time.DateOnly) {
	case due:
		return "today"
	case day.AddDate(0, 0, -1).Format(time.DateOnly):
		return "tomorrow"
	}
	return day.Format("Mon 2\u00a0January")
}

// recap is a polite text about what waits; "" where there is nothing to send.
// The program itself sends no mail.
func (w *site) recap(it OpenItem, v openItem) (text, word string) {
	s := it.Statement
	said := clip(strings.Join(strings.Fields(s.Quote), " "), 600)
	on := s.Message.Date.In(w.o.Location).Format("Monday 2 January")
	hello := "Hello"
	switch {
	case it.List == "instruction" && s.Speaker.Role != trail.Us:
		if f := strings.Fields(s.Speaker.Name); len(f) > 0 {
			hello += " " + f[0]
		}
		return fmt.Sprintf("%s,\n\nso that we mean the same: on %s you wrote\n\n> %s\n\nI take it as it stands there and go ahead on that basis. If you want something else, please tell me in a line.\n", hello, on, said), "Copy a recap to send"
	case it.List == "recap", it.List == "question" && it.WaitsFor != trail.Us, it.List == "promise" && it.State == "overdue" && s.Speaker.Role != trail.Us:
		who := v.To
		verb := "I wrote"
		if s.Speaker.Role != trail.Us {
			who, verb = s.Speaker.Name, "you wrote"
		}
		if f := strings.Fields(who); len(f) > 0 && !strings.Contains(who, "@") {
			hello += " " + f[0]
		}
		ask := "I have not heard from you about it yet. Could you answer in a line?"
		if it.List == "promise" {
			ask = "I have not seen it yet. Could you tell me when it will come?"
		}
		return fmt.Sprintf("%s,\n\non %s %s\n\n> %s\n\n%s\n", hello, on, verb, said, ask), "Copy a reminder to send"
	}
	return "", ""
}

// personal is the name in "Name <address>", or the address.
func personal(s string) string {
	name, address, ok := strings.Cut(s, "<")
	if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
		return name
	}
	if ok {
		return strings.TrimSuffix(address, ">")
	}
	return s
}
