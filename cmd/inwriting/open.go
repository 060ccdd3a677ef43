package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/indexer/durable"
	"inwriting/search"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
	"inwriting/search/watch"
)

// openDoc is the document "inwriting.open/v1": what waits for somebody.
type openDoc struct {
	Schema   string         `json:"schema"`
	AsOf     time.Time      `json:"as_of"`
	Total    int            `json:"total"`
	Clients  []openClient   `json:"clients"`
	Coverage trail.Coverage `json:"coverage"`
}

type openClient struct {
	Client       string     `json:"client"`
	Promises     []openItem `json:"promises"`     // with a day, and not kept in the record
	Instructions []openItem `json:"instructions"` // never confirmed, carried out or declined
	Questions    []openItem `json:"questions"`    // nobody came back to them
	Recaps       []openItem `json:"recaps"`       // ours, never acknowledged
}

// openItem is one of them. Days counts from the message, of a promise from its day.
type openItem struct {
	Statement trail.Statement `json:"statement"`
	WaitsFor  trail.Role      `json:"waits_for"` // us or client; whoever it is, where a third party is asked
	Due       string          `json:"due,omitempty"`
	State     string          `json:"state"` // "due", "overdue", "waiting"
	Days      int             `json:"days"`  // 0 for a promise whose day has not passed
}

type openArgs struct {
	Client string `json:"client"` // "" for all
}

// open answers what waits, first looking at what was read since the last time.
func (s *service) open(ctx context.Context, args openArgs) (*openDoc, error) {
	client, err := s.clientNamed(args.Client)
	if err != nil {
		return nil, err
	}
	zone, err := s.config().Location()
	if err != nil {
		return nil, err
	}
	list, err := s.watch.Open(ctx)
	if err != nil {
		return nil, err
	}
	cov, err := s.Coverage(ctx)
	if err != nil {
		return nil, err
	}
	d := &openDoc{Schema: "inwriting.open/v1", AsOf: now().In(zone).Truncate(time.Second), Clients: []openClient{}, Coverage: *cov}
	for _, o := range list {
		if client != "" && o.Client != client || !sees(ctx, o.Client) {
			continue
		}
		st, err := s.Statement(ctx, o.Statement)
		if errors.Is(err, search.ErrNotFound) {
			continue // read differently since
		}
		if err != nil {
			return nil, err
		}
		if n := len(d.Clients); n == 0 || d.Clients[n-1].Client != o.Client {
			d.Clients = append(d.Clients, openClient{o.Client, []openItem{}, []openItem{}, []openItem{}, []openItem{}})
		}
		c := &d.Clients[len(d.Clients)-1]
		it := newOpenItem(o, *st, d.AsOf)
		switch o.Type {
		case trail.Promise:
			c.Promises = append(c.Promises, it)
		case trail.NoConfirm:
			c.Instructions = append(c.Instructions, it)
		case trail.NoAnswer:
			c.Questions = append(c.Questions, it)
		case trail.NoAcknowledge:
			c.Recaps = append(c.Recaps, it)
		}
		d.Total++
	}
	return d, nil
}

func newOpenItem(o trail.Waiting, st trail.Statement, asOf time.Time) openItem {
	it := openItem{Statement: st, WaitsFor: trail.Client, State: "waiting", Due: o.Due}
	days := func(from time.Time) int { return max(0, int(asOf.Sub(from).Hours()/24)) }
	it.Days = days(st.Message.Date)
	if st.Speaker.Role != trail.Us {
		it.WaitsFor = trail.Us
	}
	if o.Type == trail.Promise {
		it.WaitsFor, it.State, it.Days = st.Speaker.Role, "due", 0
		// Its day is a whole one, wherever whoever looks is.
		if day, err := time.ParseInLocation(time.DateOnly, o.Due, asOf.Location()); err == nil && !asOf.Before(day.AddDate(0, 0, 1)) {
			it.State, it.Days = "overdue", days(day)
		}
	}
	return it
}

// calendar are the promises of d, as an iCalendar object.
func (d *openDoc) calendar() ([]byte, error) {
	var events []watch.Event
	for _, c := range d.Clients {
		for _, it := range c.Promises {
			s := it.Statement
			day, err := time.Parse(time.DateOnly, it.Due)
			if err != nil {
				continue
			}
			who := "you promised " + c.Client
			if s.Speaker.Role != trail.Us {
				who = c.Client + " promised"
			}
			events = append(events, watch.Event{UID: s.ID + "@inwriting", Stamp: s.Message.Date, Day: day, Summary: strings.ToUpper(who[:1]) + who[1:] + ": " + clean(s.Quote),
				Text: fmt.Sprintf("“%s”\n%s, %s\n%s\n%s", clean(s.Quote), signed(s.Speaker), moment(s.Message.Date), s.Message.Subject, s.ID)})
		}
	}
	var b bytes.Buffer
	err := watch.WriteCalendar(&b, events)
	return b.Bytes(), err
}

func signed(s trail.Speaker) string {
	if s.Name == "" {
		return s.Address
	}
	return s.Name + " <" + s.Address + ">"
}

// openPages are the addresses of what is open: a feed that calendar programs
// subscribe to, and the document.
func (s *service) openPages(mux *http.ServeMux) {
	answer := func(contentType string, make func(*openDoc) ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			d, err := s.open(r.Context(), openArgs{Client: r.URL.Query().Get("client")})
			var b []byte
			if err == nil {
				b, err = make(d)
			}
			if err != nil {
				httpapi.WriteProblem(w, httpapi.ProblemOf(err, codes))
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(b)
		}
	}
	mux.HandleFunc("GET /open.ics", answer("text/calendar; charset=utf-8", (*openDoc).calendar))
	mux.HandleFunc("GET /open.json", answer("application/json", func(d *openDoc) ([]byte, error) {
		var b bytes.Buffer
		err := writeJSON(&b, d)
		return b.Bytes(), err
	}))
}

func (a *app) openCmd() *cobra.Command {
	var args openArgs
	var ics string
	c := &cobra.Command{
		Use:   "open",
		Short: "What waits: promises, instructions, questions, recaps",
		Long: `Open lists, for each client and over everything that was read, promises that name a
day and were not kept in the record, instructions that were never confirmed,
questions nobody came back to, and recaps of yours that were never acknowledged.
The daemon serves the promises as a calendar at /open.ics.`,
		Example: "  inwriting open\n  inwriting open --of \"Hale Architects\" --json\n  inwriting open --ics promises.ics",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := a.openRead(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			var d openDoc
			if err := b.do(c.Context(), "open", args, nil, &d); err != nil {
				return err
			}
			if ics != "" {
				cal, err := d.calendar()
				if err != nil {
					return err
				}
				if ics == "-" {
					_, err = a.out.Write(cal)
					return err
				}
				path, err := absolute(ics)
				if err != nil {
					return err
				}
				if err := durable.WriteFile(path, cal, 0o600); err != nil {
					return fmt.Errorf("writing the calendar %q: %w", filepath.Base(path), err)
				}
				if !a.json && !a.plain {
					n := 0
					for _, x := range d.Clients {
						n += len(x.Promises)
					}
					fmt.Fprintf(a.err, "%s written to %s\n", plural(n, "promise", "promises"), ics)
					return nil
				}
			}
			switch {
			case a.json:
				return writeJSON(a.out, d)
			case a.plain:
				for _, x := range d.Clients {
					x.each(func(word string, it openItem) {
						s := it.Statement
						plainLine(a.out, x.Client, word, s.ID, it.Due, it.State, fmt.Sprint(it.Days), s.Message.Date.UTC().Format(time.RFC3339), s.Speaker.Address, string(s.Speaker.Role), s.Quote)
					})
				}
				return nil
			}
			return a.paged(func(w io.Writer) error {
				renderOpen(w, a.outTerm(), &d)
				return nil
			})
		},
	}
	c.Flags().StringVar(&args.Client, "of", "", "only what is open with this configured `CLIENT`")
	c.Flags().StringVar(&ics, "ics", "", "write the promises as a calendar to `FILE`; - is stdout")
	return c
}

func (c *openClient) each(fn func(word string, it openItem)) {
	for _, l := range []struct {
		word  string
		items []openItem
	}{{"promise", c.Promises}, {"instruction", c.Instructions}, {"question", c.Questions}, {"recap", c.Recaps}} {
		for _, it := range l.items {
			fn(l.word, it)
		}
	}
}

var openTitles = map[string]string{"promise": "Promises due", "instruction": "Instructions never confirmed", "question": "Questions waiting", "recap": "Recaps never acknowledged"}

func renderOpen(w io.Writer, t terminal, d *openDoc) {
	if d.Total == 0 {
		fmt.Fprintln(w, "Nothing is open: no promise due, no instruction without a confirmation, no question waiting.")
	}
	for i, c := range d.Clients {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, t.bold(clean(c.Client)))
		last := ""
		c.each(func(word string, it openItem) {
			if word != last {
				fmt.Fprintln(w, "  "+t.dim(openTitles[word]))
				last = word
			}
			s := it.Statement
			fmt.Fprintf(w, "   %s  %s  %s  %s\n", s.ID, pad(who(s.Speaker), 26), moment(s.Message.Date), openState(it))
			text, reading := t.quoteText(s)
			fmt.Fprintln(w, wrap(text, t.width, "     ", "      "))
			if reading != "" {
				fmt.Fprintln(w, "      "+t.dim(reading))
			}
		})
	}
	fmt.Fprintf(w, "\n%s\n", wrap(searched(d.Coverage), t.width, "", ""))
}

func openState(it openItem) string {
	since := plural(it.Days, "day", "days")
	switch it.State {
	case "overdue":
		return "due " + it.Due + ", " + since + " ago"
	case "due":
		return "due " + it.Due
	}
	if it.WaitsFor == trail.Us {
		return "waits for you, " + since
	}
	return "waits for them, " + since
}
