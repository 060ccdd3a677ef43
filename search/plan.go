package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/textindex"
	"inwriting/search/query"
	"inwriting/search/trail"
)

// maxThread bounds how many messages of a thread a thread: field looks at.
const maxThread = 5000

// planner turns a query's tree into the index's request.
type planner struct {
	e    *Engine
	ctx  context.Context
	text string // for columns
}

func (p *planner) node(n query.Node) (textindex.Query, error) {
	switch n := n.(type) {
	case query.All:
		return textindex.All{}, nil
	case query.Question:
		return p.e.question(n, least(len(n.Words))), nil
	case query.And:
		list, err := p.nodes(n)
		return textindex.And(list), err
	case query.Or:
		list, err := p.nodes(n)
		return textindex.Or(list), err
	case query.Not:
		q, err := p.node(n.Node)
		return textindex.Not{Query: q}, err
	case query.Word:
		m := textindex.Forms
		switch {
		case n.Prefix:
			m = textindex.Prefix
		case n.Fuzzy:
			m = textindex.Fuzzy
		}
		return textindex.Word{Text: n.Text, Match: m}, nil
	case query.Phrase:
		return textindex.Phrase{Text: n.Text}, nil
	case query.Near:
		near := textindex.Near{Within: n.Within}
		for _, w := range n.Words {
			near.Words = append(near.Words, textindex.Word{Text: w, Match: textindex.Forms})
		}
		return near, nil
	case query.Field:
		return p.field(n)
	}
	return nil, fmt.Errorf("unknown query %T", n)
}

func (p *planner) nodes(list []query.Node) ([]textindex.Query, error) {
	out := make([]textindex.Query, len(list))
	for i, n := range list {
		q, err := p.node(n)
		if err != nil {
			return nil, err
		}
		out[i] = q
	}
	return out, nil
}

// least is how many words of a question a hit has to hold: of two both, of more
// the greater half.
func least(words int) int {
	if words <= 2 {
		return words
	}
	return (words + 1) / 2
}

// question makes a ranked choice of the words: each with what people say
// instead, with the addresses of whoever it names, and forgiven one slip.
func (e *Engine) question(q query.Question, min int) textindex.Best {
	best := textindex.Best{Min: min}
	for _, w := range q.Words {
		best.Words = append(best.Words, textindex.Word{
			Text:      w,
			Also:      synonyms(w),
			Addresses: e.named(w),
			Match:     textindex.Forgiven,
		})
	}
	return best
}

// named returns the addresses of the configured parties whose name holds w.
func (e *Engine) named(w string) []string {
	if utf8.RuneCountInString(w) < 3 {
		return nil
	}
	w, _, _ = strings.Cut(strings.ReplaceAll(w, "’", "'"), "'")
	var out []string
	for _, list := range [][]trail.Party{e.people.Clients, e.people.Others} {
		for _, party := range list {
			for _, part := range strings.Fields(party.Name) {
				if strings.EqualFold(strings.Trim(part, ".,&"), w) {
					out = append(out, addressesOf(party)...)
					break
				}
			}
		}
	}
	return out
}

func addressesOf(p trail.Party) []string {
	var out []string
	for _, a := range p.Addresses {
		out = append(out, strings.ToLower(a))
	}
	for _, d := range p.Domains {
		out = append(out, "@"+strings.ToLower(strings.TrimPrefix(d, "@")))
	}
	return out
}

func (p *planner) field(f query.Field) (textindex.Query, error) {
	switch f.Name {
	case "from", "by":
		return p.person(f, textindex.FieldFrom), nil
	case "to":
		return p.person(f, textindex.FieldTo), nil
	case "client":
		return p.client(f)
	case "subject":
		return text(f, textindex.FieldSubject), nil
	case "kind", "mailbox", "folder", "has", "is", "names":
		return textindex.Key{Field: f.Name, Values: []string{f.Text}}, nil
	case "date", "since", "until":
		return textindex.Dates{From: f.From, To: f.To}, nil
	case "amount":
		if f.Currency != "" {
			return textindex.FactIs{{Type: "money", Value: f.Currency + " " + strconv.FormatFloat(f.Min, 'f', 2, 64)}}, nil
		}
		return textindex.Amounts{Min: f.Min, Max: f.Max}, nil
	case "ref":
		if strings.HasPrefix(strings.ToLower(f.Text), "sha256-") {
			ref, err := p.e.ref(p.ctx, f.Text)
			if err != nil {
				return p.unknown(f, err)
			}
			return textindex.Messages{IDs: []string{ref.Hex()}}, nil
		}
		// Also where reading did not take it for a reference.
		return textindex.Or{
			textindex.FactIs{{Type: "reference", Value: f.Text}},
			textindex.Phrase{Text: f.Text},
			textindex.Word{Text: f.Text},
		}, nil
	case "thread":
		ref, err := p.e.ref(p.ctx, f.Text)
		if err != nil {
			return p.unknown(f, err)
		}
		refs, err := p.e.store.Thread(p.ctx, []archive.Ref{ref}, maxThread)
		if err != nil {
			return nil, fmt.Errorf("finding the thread of %s: %w", ref, err)
		}
		ids := make([]string, len(refs))
		for i, r := range refs {
			ids[i] = r.Hex()
		}
		return textindex.Messages{IDs: ids}, nil
	}
	return nil, fmt.Errorf("field %q has no plan", f.Name)
}

// text looks for a value in a field of words.
func text(f query.Field, field string) textindex.Query {
	fields := []string{field}
	switch {
	case f.Prefix:
		return textindex.Word{Fields: fields, Text: f.Text, Match: textindex.Prefix}
	case f.Quoted:
		return textindex.Phrase{Fields: fields, Text: f.Text}
	}
	return textindex.Word{Fields: fields, Text: f.Text, Match: textindex.Forms}
}

// person looks for us, a side, an address, a domain, or somebody's name.
func (p *planner) person(f query.Field, field string) textindex.Query {
	who := textindex.Who{From: field == textindex.FieldFrom, To: field == textindex.FieldTo}
	switch name := strings.ToLower(f.Text); {
	case f.Prefix:
		return text(f, field)
	case name == "us" || name == "me":
		for _, a := range p.e.people.Us {
			who.Addresses = append(who.Addresses, strings.ToLower(a))
		}
		return who
	case name == "client" || name == "clients":
		for _, c := range p.e.people.Clients {
			who.Addresses = append(who.Addresses, addressesOf(c)...)
		}
		return who
	case strings.Contains(name, "@"):
		who.Addresses = []string{name}
		return who
	}
	var words textindex.Query = textindex.Phrase{Fields: []string{field}, Text: f.Text}
	for _, list := range [][]trail.Party{p.e.people.Clients, p.e.people.Others} {
		for _, party := range list {
			if strings.EqualFold(party.Name, f.Text) {
				who.Addresses = append(who.Addresses, addressesOf(party)...)
			}
		}
	}
	if len(who.Addresses) > 0 {
		return textindex.Or{words, who}
	}
	return words
}

func (p *planner) client(f query.Field) (textindex.Query, error) {
	who := textindex.Who{From: true, To: true}
	var names []string
	want := strings.ToLower(f.Text)
	for _, exact := range []bool{true, false} {
		for _, c := range p.e.people.Clients {
			name := strings.ToLower(c.Name)
			if exact && name == want || !exact && holdsWords(name, want) {
				who.Addresses = append(who.Addresses, addressesOf(c)...)
				names = append(names, c.Name)
			}
		}
		if len(names) > 0 {
			return who, nil
		}
	}
	hint := "no clients are configured"
	for i, c := range p.e.people.Clients {
		if i == 0 {
			hint = "the clients are "
		} else {
			hint += ", "
		}
		hint += c.Name
	}
	return nil, &query.Error{Column: p.column(f), Text: "no client is called " + strconv.Quote(f.Text), Hint: hint}
}

// holdsWords reports whether name holds the words of want.
func holdsWords(name, want string) bool {
	words := strings.Fields(name)
	for _, w := range strings.Fields(want) {
		found := false
		for _, n := range words {
			found = found || n == w
		}
		if !found {
			return false
		}
	}
	return want != ""
}

// unknown turns an id that names nothing into a mistake in the query.
func (p *planner) unknown(f query.Field, err error) (textindex.Query, error) {
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, &query.Error{Column: p.column(f), Text: "no message is called " + strconv.Quote(f.Text)}
	case errors.Is(err, ErrAmbiguous):
		return nil, &query.Error{Column: p.column(f), Text: "more than one message is called " + strconv.Quote(f.Text), Hint: "give more of it"}
	}
	return nil, err
}

// column finds where the value of a field stands in the text, 1 when it came
// with a filter.
func (p *planner) column(f query.Field) int {
	lower := strings.ToLower(p.text)
	for from := 0; ; {
		i := strings.Index(lower[from:], f.Name+":")
		if i < 0 {
			return 1
		}
		at := from + i + len(f.Name) + 1
		if rest := strings.TrimPrefix(strings.TrimPrefix(lower[at:], `"`), "“"); strings.HasPrefix(rest, strings.ToLower(f.Text)) {
			return utf8.RuneCountInString(lower[:at]) + 1
		}
		from = at
	}
}

// filters are the fields of q that stand outside its text.
func filters(q Query, opts query.Options) ([]query.Node, error) {
	var all []query.Node
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"from", q.From}, {"to", q.To}, {"by", q.By}, {"client", q.Client}, {"kind", q.Kind},
		{"date", q.Date}, {"since", nonEmpty(q.Since)}, {"until", nonEmpty(q.Until)}, {"mailbox", q.Mailbox}, {"folder", q.Folder}, {"names", q.Names},
	} {
		var any query.Or
		for _, v := range f.values {
			field, err := query.ParseField(f.name, v, opts)
			if err != nil {
				return nil, &FilterError{Name: f.name, Value: v, Err: err}
			}
			any = append(any, field)
		}
		switch len(any) {
		case 0:
		case 1:
			all = append(all, any[0])
		default:
			all = append(all, any)
		}
	}
	return all, nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// finite keeps infinities out of documents.
func finite(f float64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
}
