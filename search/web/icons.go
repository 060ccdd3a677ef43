package web

import (
	"html/template"
	"regexp"

	"inwriting/indexer/statement"
)

// known are the icons of static/icons.svg (Lucide). Each stands beside a word: none
// carries a meaning alone.
var known = func() map[string]bool {
	out := map[string]bool{}
	for _, m := range symbol.FindAllSubmatch(mustRead("static/icons.svg"), -1) {
		out[string(m[1])] = true
	}
	return out
}()

var symbol = regexp.MustCompile(`<symbol id="([a-z]+)"`)

func icon(name string) template.HTML {
	if !known[name] {
		name = "dashed"
	}
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="` + assets.url("icons.svg") + `#` + name + `"/></svg>`)
}

// family groups the kinds by what they do; it chooses the colour of a badge.
func family(k statement.Kind) string {
	switch k {
	case statement.Instruction, statement.Change, statement.Question:
		return "asks"
	case statement.Approval, statement.Confirmation, statement.Terms, statement.Answer:
		return "agrees"
	case statement.Commitment, statement.Assurance:
		return "promises"
	case statement.Delivery:
		return "hands"
	}
	return "warns"
}

// did is a kind as a step of the short version.
func did(k statement.Kind) string {
	switch k {
	case statement.Instruction:
		return "Asked"
	case statement.Change:
		return "Changed"
	case statement.Approval:
		return "Approved"
	case statement.Confirmation:
		return "Confirmed"
	case statement.Question:
		return "Asked back"
	case statement.Answer:
		return "Answered"
	case statement.Commitment:
		return "Promised"
	case statement.Delivery:
		return "Delivered"
	case statement.Terms:
		return "Terms"
	case statement.Caveat:
		return "Warned"
	case statement.Assurance:
		return "Assured"
	case statement.Dispute:
		return "Disputed"
	}
	return upper(string(k))
}
