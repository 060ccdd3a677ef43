package main

import "inwriting/search/trail"

// reportedWords is "said by Martin Hale, client, as reported by you: “hold two
// rooms”". Who cannot be named is called what the statement calls them, with why.
func (t terminal) reportedWords(r *trail.Reported, by trail.Speaker) string {
	said := who(trail.Speaker{Name: r.Name, Address: r.Address, Role: r.Role})
	if r.Unresolved != "" {
		said = t.quote(clean(r.Who)) + " (" + r.Unresolved
		if r.Role != trail.Unknown {
			said += ", " + map[trail.Role]string{trail.Us: "of us", trail.Client: "client", trail.Other: "third party"}[r.Role]
		}
		said += ")"
	}
	reporter := who(by)
	if reporter == "" {
		reporter = "the author"
	}
	return "said by " + said + ", as reported by " + reporter + ": " + t.quote(clean(r.Text))
}
