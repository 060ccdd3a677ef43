// Package query is the query language: text to a tree and back.
//
// Whoever knows no language types a question, and the question is the query:
// its punctuation and question words are dropped, the rest is a Question, which
// fits what holds many of the words. Fields, phrases and -words beside it narrow
// it down. AND, OR, NOT or parentheses around such terms make the text an
// expression, in which words side by side must all be there.
//
//	what did Martin say about the flight
//	flight by:client since:2023-03
//	"first flight out" -train
//	hotel AND (refund OR credit)
//
// Printing a tree and parsing it again, at the same Now, gives the same tree.
// The package takes values and returns values; it knows no index.
package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Node is a tree: All, Question, And, Or, Not, Word, Phrase, Near or Field.
type Node interface {
	// String prints the node so that Parse reads it.
	String() string
}

// All fits everything: the empty query, or *.
type All struct{}

// Question is what a person asks: words of which not all have to be there.
// It is the whole tree or a direct child of an And that is the whole tree.
type Question struct{ Words []string }

// And fits what fits each, Or what fits any of at least two nodes.
type (
	And []Node
	Or  []Node
)

// Not fits what does not fit Node.
type Not struct{ Node Node }

// Word is a word that has to be there. Prefix and Fuzzy exclude each other.
type Word struct {
	Text   string
	Prefix bool // or one that begins so
	Fuzzy  bool // or one a slip away
}

// Phrase is words in this order, as written. It may be a single word.
type Phrase struct{ Text string }

// Near is at least two words, in any order, the outermost at most Within words
// apart.
type Near struct {
	Words  []string
	Within int
}

// Field is a field with its value.
type Field struct {
	Name   string
	Text   string // the value as given, trimmed
	Quoted bool   // for Words and Person: as written, not its inflected forms
	Prefix bool   // for Words and Person

	From, To time.Time // for Day: [From, To), open where zero
	Min, Max float64   // for Money: infinite where open
	Currency string    // for Money: ISO 4217, or "" for any
}

// Error is a mistake in a query.
type Error struct {
	Column int    // of the text, in characters, from 1
	Text   string // what is wrong
	Hint   string // what to do; may be ""
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("column %d: %s", e.Column, e.Text)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// String implements Node.
func (All) String() string { return "*" }

// String implements Node.
func (q Question) String() string { return strings.Join(q.Words, " ") }

// String implements Node.
func (a And) String() string {
	sep := " "
	if strict(a) {
		sep = " AND "
	}
	return join(a, sep)
}

// String implements Node.
func (o Or) String() string { return join(o, " OR ") }

// String implements Node.
func (n Not) String() string {
	if _, ok := n.Node.(All); ok {
		return "NOT *"
	}
	return "-" + operand(n.Node)
}

// String implements Node.
func (w Word) String() string {
	switch {
	case w.Prefix:
		return w.Text + "*"
	case w.Fuzzy:
		return w.Text + "~"
	}
	return w.Text
}

// String implements Node.
func (p Phrase) String() string { return `"` + p.Text + `"` }

// String implements Node.
func (n Near) String() string {
	return strings.Join(n.Words, " NEAR/"+strconv.Itoa(n.Within)+" ")
}

// String implements Node.
func (f Field) String() string {
	switch {
	case f.Prefix:
		return f.Name + ":" + f.Text + "*"
	case f.Quoted || strings.ContainsAny(f.Text, " ()*“”") || !closes(last(f.Text)) && !strings.HasSuffix(f.Text, ".."):
		return f.Name + `:"` + f.Text + `"`
	}
	return f.Name + ":" + f.Text
}

func last(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func join(list []Node, sep string) string {
	s := make([]string, len(list))
	for i, n := range list {
		s[i] = operand(n)
	}
	return strings.Join(s, sep)
}

func operand(n Node) string {
	switch n.(type) {
	case And, Or:
		return "(" + n.String() + ")"
	}
	return n.String()
}

// strict reports whether the children of a have to be joined with AND to be
// read as they are: side by side, a plain word would be part of a Question.
func strict(a And) bool {
	for _, n := range a {
		switch n := n.(type) {
		case Word:
			if !n.Prefix && !n.Fuzzy {
				return true
			}
		case Or, And:
			return true
		case Not:
			switch n.Node.(type) {
			case Or, And:
				return true
			}
		}
	}
	return false
}
