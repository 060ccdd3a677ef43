package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/trail"
)

func TestReasonsAddUp(t *testing.T) {
	got := reasons([]statement.Reason{{Rule: "a", Weight: 0.5}, {Rule: "b", Weight: 0.75, Text: "b"}, {Rule: "a", Weight: 0.5, Text: "a"}})
	want := []statement.Reason{{Rule: "a", Weight: 1, Text: "a"}, {Rule: "b", Weight: 0.75, Text: "b"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLongLinesKeepTheirMargin(t *testing.T) {
	text := "Please book two rooms for Friday. Ünderlinedwordlongerthanalinecouldbe x\n> why\n"
	runes := []rune(text)
	at := len([]rune("Please book two rooms for Friday."))
	end := len(runes) - len("> why\n")
	d := &explainDoc{Text: text, Statements: []trail.Statement{{Start: 0, End: at}},
		Zones: []search.Zone{{Kind: message.New, Start: 0, End: end}, {Kind: message.Quoted, Start: end, End: len(runes)}}}
	var b bytes.Buffer
	renderZones(&b, terminal{width: marginWidth + 20}, d)
	want := "new       | _Please book two_\n" +
		"new       | _rooms for Friday._ (1)\n" +
		"new       | Ünderlinedwordlongerthanalinecouldbe\n" +
		"new       | x\n" +
		"quoted    | > why\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
