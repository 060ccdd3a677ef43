package trail

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// Reported is what a statement says that somebody said: its speaker reports it, and
// Name, Address and Role are of the one who is reported to have said it. Where the
// words do not tell who that is, Unresolved says why and nobody is guessed; Role
// stands if all who could be meant share it. Start and End count code points of the
// message's text, as those of the statement do.
type Reported struct {
	Who        string         `json:"who"` // as the statement calls them: "you", "Martin"
	Name       string         `json:"name"`
	Address    string         `json:"address"`
	Role       Role           `json:"role"`
	Kind       statement.Kind `json:"kind,omitempty"` // what the reported words do, where the verb says so
	Text       string         `json:"text"`           // the reported words, verbatim
	Start      int            `json:"start"`
	End        int            `json:"end"`
	Unresolved string         `json:"unresolved,omitempty"`
}

// Attribute finds what s reports and who is reported to have said it, among those
// whom the message is from and to; nil when s reports nothing.
func (p People) Attribute(s *Statement, to, cc []message.Address) *Reported {
	r, ok := statement.ReportOf(s.Quote)
	if !ok {
		return nil
	}
	start := s.Start + utf8.RuneCountInString(s.Quote[:r.Start])
	text := s.Quote[r.Start:r.End]
	out := &Reported{Who: r.Who, Role: Unknown, Kind: r.Kind, Text: text, Start: start, End: start + utf8.RuneCountInString(text)}
	is := func(x Speaker) { out.Name, out.Address, out.Role = x.Name, x.Address, x.Role }
	switch r.Person {
	case statement.Self:
		is(s.Speaker)
	case statement.OurOwn:
		out.Role, out.Unresolved = s.Speaker.Role, "somebody of the author's side"
	case statement.Reader:
		meant := p.across(s.Speaker, to)
		if len(meant) == 1 {
			is(meant[0])
			break
		}
		out.Unresolved = "no addressee"
		if len(meant) > 1 {
			out.Unresolved = fmt.Sprintf("one of %d addressees", len(meant))
			out.Role = sharedRole(meant)
		}
	case statement.Named:
		out.Name = r.Who
		var meant []Speaker
		for _, x := range p.others(s.Speaker, append(to[:len(to):len(to)], cc...)) {
			if calls(r.Who, x.Name) {
				meant = append(meant, x)
			}
		}
		switch {
		case len(meant) == 1:
			is(meant[0])
		case len(meant) > 1:
			out.Unresolved = fmt.Sprintf("one of %d people of that name", len(meant))
			out.Role = sharedRole(meant)
		default:
			out.Unresolved = "nobody of that name in this mail"
			for _, c := range p.Clients {
				if strings.EqualFold(c.Name, r.Who) {
					out.Role, out.Unresolved = Client, "somebody of that client"
				}
			}
		}
	default:
		out.Unresolved = "the statement names nobody"
	}
	return out
}

// others are the people of list but the author, each once, with their roles.
func (p People) others(author Speaker, list []message.Address) []Speaker {
	var out []Speaker
	seen := map[string]bool{strings.ToLower(author.Address): true}
	for _, x := range list {
		if k := strings.ToLower(x.Address); k != "" && !seen[k] {
			seen[k] = true
			role, _ := p.Role(x.Address)
			out = append(out, Speaker{Name: x.Name, Address: x.Address, Role: role})
		}
	}
	return out
}

// across are the addressees on another side than the author's; where none is, all.
func (p People) across(author Speaker, to []message.Address) []Speaker {
	all := p.others(author, to)
	var out []Speaker
	for _, x := range all {
		if x.Role != author.Role {
			out = append(out, x)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

func sharedRole(list []Speaker) Role {
	for _, x := range list {
		if x.Role != list[0].Role {
			return Unknown
		}
	}
	return list[0].Role
}

// calls reports whether a sentence that says who may mean somebody of this name:
// "Martin" or "Martin Hale" for Martin Hale, or for "Hale, Martin".
func calls(who, name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == ',' || r == '"' })
	for _, w := range strings.Fields(strings.ToLower(who)) {
		found := false
		for _, x := range words {
			found = found || x == w
		}
		if !found {
			return false
		}
	}
	return who != ""
}
