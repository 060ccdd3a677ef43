package query

import (
	"fmt"
	"strings"
)

// Takes says what the value of a field is.
type Takes int

const (
	Words   Takes = iota // words: the value is looked for as the text itself is
	Person               // an address, "@domain", a name, or us
	Party                // the name of a configured client
	Choice               // one of FieldInfo.Values
	Name                 // a mailbox, a folder: the whole name
	Day                  // a date, a month, a year, or a range of them
	Money                // an amount, a bound, or a range
	Message              // a message: its ref, a prefix of it, or its Message-ID
	Ref                  // a reference as written, or a message's ref
)

// FieldInfo is one field of the query language: what the parser accepts and the
// help and the pages show.
type FieldInfo struct {
	Name    string
	Takes   Takes
	Values  []string // for Choice
	Help    string
	Example string
}

// Fields is the table that parser, help and pages are made from, in the order
// in which people are told.
var Fields = []FieldInfo{
	{Name: "from", Takes: Person, Help: "written by: a name, an address, a @domain, or us", Example: "from:martin"},
	{Name: "to", Takes: Person, Help: "sent to, copies included", Example: "to:nora@deskandco.example"},
	{Name: "by", Takes: Person, Help: "said by; the same as from: for messages", Example: "by:us"},
	{Name: "client", Takes: Party, Help: "to or from anyone of a client", Example: `client:"Hale Architects"`},
	{Name: "kind", Takes: Choice, Help: "what a statement does", Example: "kind:change", Values: []string{
		"instruction", "change", "approval", "confirmation", "question", "answer",
		"commitment", "delivery", "terms", "caveat", "assurance", "dispute"}},
	{Name: "date", Takes: Day, Help: "on a day, in a month, a year, or a range", Example: "date:2023-03-01..2023-03-14"},
	{Name: "since", Takes: Day, Help: "on or after", Example: "since:2023-03"},
	{Name: "until", Takes: Day, Help: "on or before", Example: `until:"last March"`},
	{Name: "subject", Takes: Words, Help: "words of the subject", Example: "subject:invoice"},
	{Name: "mailbox", Takes: Name, Help: "kept from this account", Example: "mailbox:nora@deskandco.example"},
	{Name: "folder", Takes: Name, Help: "found in this folder", Example: "folder:INBOX"},
	{Name: "thread", Takes: Message, Help: "in one thread with a message", Example: "thread:sha256-9f2c41"},
	{Name: "has", Takes: Choice, Help: "with an attachment", Example: "has:attachment", Values: []string{"attachment"}},
	{Name: "amount", Takes: Money, Help: "names an amount of money", Example: "amount:100..260"},
	{Name: "names", Takes: Choice, Help: "names a value of this type", Example: "names:money", Values: []string{
		"money", "date", "datetime", "time", "duration", "quantity", "reference"}},
	{Name: "ref", Takes: Ref, Help: "names a reference, or is the message with this ref", Example: "ref:INV-2023-14"},
	{Name: "is", Takes: Choice, Help: "how a statement is put, or a message was sent", Example: "is:conditional", Values: []string{
		"negative", "conditional", "hedged", "reported", "auto"}},
}

// Operators are the other forms, with what each does.
var Operators = [][2]string{
	{"what did Martin say about the flight", "a plain question: what holds most of its words comes first"},
	{`"make that flight"`, "these words in this order, as written"},
	{"hotel AND (refund OR credit)", "both, either; capitals make it an operator"},
	{"NOT train   -train", "without"},
	{"invoi*", "words that begin so; three letters at least"},
	{"vienna~", "also words one slip away"},
	{"flight NEAR/5 vienna", "both, at most so many words apart; NEAR alone is 10"},
}

// Help is the query language on a screen.
func Help() string {
	var b strings.Builder
	for _, o := range Operators {
		fmt.Fprintf(&b, "  %-38s %s\n", o[0], o[1])
	}
	b.WriteByte('\n')
	for _, f := range Fields {
		fmt.Fprintf(&b, "  %-38s %s\n", f.Example, f.Help)
		if len(f.Values) > 1 {
			fmt.Fprintf(&b, "  %-38s one of %s\n", "", strings.Join(f.Values, ", "))
		}
	}
	return b.String()
}

func fieldNamed(name string) (FieldInfo, bool) {
	for _, f := range Fields {
		if f.Name == name {
			return f, true
		}
	}
	return FieldInfo{}, false
}

// nearest returns the word of list that s is a slip away from, or "".
func nearest(s string, list []string) string {
	best, at := "", 3
	for _, w := range list {
		// In a word of four letters two slips make another word.
		if d := distance(s, w); d < at && (d < 2 || len(w) > 4) {
			best, at = w, d
		}
	}
	return best
}

// distance counts letters added, left out, changed or swapped with the next.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	var before []int
	prev := make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range s {
		cur := make([]int, len(t)+1)
		cur[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev = prev, cur
	}
	return prev[len(t)]
}
