package web

import (
	"html/template"
	"slices"
	"strings"

	"inwriting/indexer/statement"
)

// icons are drawn on a grid of 24, lines of 2, round ends. Each stands beside a
// word: none carries a meaning alone.
var icons = map[string]string{
	"search":       `<circle cx="10.5" cy="10.5" r="6.5"/><path d="m20 20-4.6-4.6"/>`,
	"instruction":  `<circle cx="12" cy="12" r="9"/><path d="M7.5 12h9M13 8l4 4-4 4"/>`,
	"change":       `<path d="M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19z"/><path d="M13 20h7"/>`,
	"question":     `<circle cx="12" cy="12" r="9"/><path d="M9.3 9.500a2.8 2.8 0 1 1 4 2.600c-.9.45-1.3 1-1.3 1.9"/><path d="M12 17h.01"/>`,
	"answer":       `<path d="M9 5 4 10l5 5"/><path d="M4 10h9a6 6 0 0 1 6 6v3"/>`,
	"approval":     `<path d="M7 11v9H4v-9z"/><path d="M7 11l4-7c1.7 0 2.5 1 2.5 2.500L13 10h5.500c1.2 0 1.9 1 1.6 2.200l-1.5 6c-.3 1.1-1 1.8-2.1 1.800H7"/>`,
	"confirmation": `<path d="m2 13 4 4L15.5 7"/><path d="m10.5 15.5 2 1.500L22 7"/>`,
	"terms":        `<path d="M8 4h11v13a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3v-1h10v1a3 3 0 0 0 3 3"/><path d="M8 16V4M11 8h5M11 12h5"/>`,
	"commitment":   `<path d="M2 8l4-2 5 2 2-1.5 4 .5 5-1"/><path d="M2 16h3l5 4c1 .6 2 .3 2.5-.5l4.5-4.500H22"/><path d="m11 8-3 4c1.5 1.5 3 1 4-.5l1-1 4.5 4.5"/>`,
	"assurance":    `<path d="M3 12a9 9 0 0 1 18 0z"/><path d="M12 3v-1M12 12v7a2 2 0 0 0 4 0"/>`,
	"delivery":     `<path d="m12 3 8 4.500v9L12 21l-8-4.500v-9z"/><path d="m4 7.5 8 4.5 8-4.500M12 12v9M8 5.200l8 4.6"/>`,
	"caveat":       `<path d="M12 4 2.5 20h19z"/><path d="M12 10v4.500M12 17.300h.01"/>`,
	"dispute":      `<path d="M4 4h16v12H9l-5 4z"/><path d="m9.5 7.5 5 5M14.5 7.500l-5 5"/>`,
	"link":         `<path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700L12 7"/><path d="M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700L12 17"/>`,
	"waiting":      `<path d="M6 3h12M6 21h12M7 3v3c0 3 5 4.5 5 6s-5 3-5 6v3M17 3v3c0 3-5 4.5-5 6s5 3 5 6v3"/>`,
	"contradicts":  `<path d="M5 9h14M5 15h14M16 4 8 20"/>`,
	"check":        `<path d="m4.5 12.5 5 5L19.5 7"/>`,
	"sealed":       `<circle cx="12" cy="12" r="9"/><path d="m8 12.5 3 3 5-6"/>`,
	"warning":      `<path d="M12 4 2.5 20h19z"/><path d="M12 10v4.500M12 17.300h.01"/>`,
	"unseen":       `<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.5"/><path d="M4 20 20 4"/>`,
	"dashed":       `<circle cx="12" cy="12" r="9" stroke-dasharray="3.5 3.5"/>`,
	"mailbox":      `<path d="M3 13 6 5h12l3 8v6H3z"/><path d="M3 13h5l1.5 3h5L16 13h5"/>`,
	"thread":       `<path d="M9 4h11v9h-3M4 9h11v9H9l-3 3v-3H4z"/>`,
	"file":         `<path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4"/>`,
	"download":     `<path d="M12 4v11M7 10.500l5 5 5-5M4 20h16"/>`,
	"print":        `<path d="M7 8V3h10v5M7 17H4V8h16v9h-3"/><path d="M7 14h10v7H7z"/>`,
	"chevron":      `<path d="m9 5 7 7-7 7"/>`,
}

// sprite holds every icon once a page; icon points into it.
var sprite = func() template.HTML {
	var names []string
	for n := range icons {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(`<svg class="sprite" aria-hidden="true" focusable="false">`)
	for _, n := range names {
		b.WriteString(`<symbol id="i-` + n + `" viewBox="0 0 24 24">` + icons[n] + `</symbol>`)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}()

func icon(name string) template.HTML {
	if _, ok := icons[name]; !ok {
		name = "dashed"
	}
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + name + `"/></svg>`)
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
