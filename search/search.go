// Package search is the contract between whoever asks and what answers: the
// command line, the HTTP API, the pages and the tests all hold a Searcher.
//
// Engine is the Searcher over a text index (words to ids), a Store (ids to
// what is kept) and the configured people. It writes nothing.
//
//	question ─► query ─► textindex ─► ids ─► Store ─► documents
//	                 └─► trail.Build, which asks the Engine back
package search

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// Errors that callers act on.
var (
	ErrNotFound  = errors.New("not found")
	ErrAmbiguous = errors.New("more than one fits")
	ErrTimeout   = errors.New("the search took too long")
	ErrTooBroad  = errors.New("too many different words fit")
	ErrRange     = errors.New("out of range")
)

// Searcher answers questions about one vault. Implementations are safe for
// concurrent use.
type Searcher interface {
	// Search returns statements, or messages, that fit q. No hit is not an
	// error. A mistake in q.Text is a *query.Error with its column.
	Search(ctx context.Context, q Query) (*Results, error)

	// Message returns one message. id is a ref, a prefix of one with at least
	// six digits ("sha256-9f2c41"), or a Message-ID. It returns an error that
	// is ErrNotFound or ErrAmbiguous.
	Message(ctx context.Context, id string) (*MessageDoc, error)

	// Statement returns one statement. id is a statement's id or a prefix of one.
	Statement(ctx context.Context, id string) (*trail.Statement, error)

	// Raw opens a message's octets as collected and tells their number.
	Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error)

	// Trail builds the trail that answers question.
	Trail(ctx context.Context, q TrailQuery) (*trail.Trail, error)

	// Coverage says what answers are drawn from.
	Coverage(ctx context.Context) (*trail.Coverage, error)
}

// Sort is the order of hits. Ties fall to the newer, then to the lesser id, so
// that the same vault always gives the same bytes.
type Sort string

const (
	Closest Sort = "closest" // most distinct words first, then BM25; the default
	Newest  Sort = "newest"
	Oldest  Sort = "oldest"
)

// Query asks for statements or messages. The filters are joined with what Text
// says; empty ones do not filter. Each takes what the field of the same name
// takes in the query language.
type Query struct {
	Text            string
	From, To, By    []string // each list is an OR
	Client, Kind    []string
	Mailbox, Folder []string
	Names           []string // types of facts: money, date, reference …
	Date            []string // days, months, years or ranges
	Since, Until    string   // dates as in the query language; Until includes its day
	Messages        bool     // messages instead of statements
	Limit, Offset   int      // Limit 0 is 20, at most MaxLimit
	Sort            Sort
	Explain         bool // tell how the text was read
	Facets          bool // count the values of the fields that narrow an answer
}

// Asks reports whether q asks for anything: words, or a filter.
func (q Query) Asks() bool {
	return strings.TrimSpace(q.Text) != "" || q.Since != "" || q.Until != "" ||
		len(q.From)+len(q.To)+len(q.By)+len(q.Client)+len(q.Kind)+len(q.Mailbox)+len(q.Folder)+len(q.Names)+len(q.Date) > 0
}

// TrailQuery asks for a trail.
type TrailQuery struct {
	Question string // in one's own words, or the name of a matter
	AsOf     string // a date as in the query language: what was in force at its end; "" is now
	Near     int    // how many of the nearest statements that were left out to list, at most MaxNear
}

// MaxNear bounds TrailQuery.Near.
const MaxNear = 100

// MaxLimit bounds Query.Limit, and Limit+Offset is bounded by ten times as many.
const MaxLimit = 1000

// ResultsSchema is the first field of Results.
const ResultsSchema = "inwriting.search/v1"

// Results is the document of an answered Query.
type Results struct {
	Schema    string            `json:"schema"`
	Query     string            `json:"query"`
	Total     int               `json:"total"`
	Hits      []Hit             `json:"hits"`
	Facets    []Facet           `json:"facets,omitempty"`
	Explain   *Explanation      `json:"explain,omitempty"`
	Corrected map[string]string `json:"corrected,omitempty"` // words nobody wrote, and what was searched instead
	Coverage  trail.Coverage    `json:"coverage"`
}

// Explanation tells how a Query was read.
type Explanation struct {
	Tree  string     `json:"tree"`            // in the query language, filters included
	Least int        `json:"least,omitempty"` // of the words of a question, how many a hit has to hold
	Words []WordRead `json:"words,omitempty"` // of the question
	Took  string     `json:"took"`            // by the index, "3.2ms"
}

// WordRead is a word of a question with all that counts as it.
type WordRead struct {
	Word      string   `json:"word"`
	Also      []string `json:"also,omitempty"`      // what people say instead; inflected forms count always
	Addresses []string `json:"addresses,omitempty"` // whose name it is
	Corrected string   `json:"corrected,omitempty"` // nobody wrote it; the nearest that somebody did
}

// Facet counts, over everything that fits, what a filter of the Query could narrow
// it to. A filter in use is left out of its own count, so that what else could be
// chosen stays in sight.
type Facet struct {
	Field  string       `json:"field"` // by, kind, date (months), names or mailbox: a list of the Query
	Values []FacetValue `json:"values"`
}

// FacetValue is a value of a Facet; the most frequent come first, months in order.
type FacetValue struct {
	Value string     `json:"value"`
	Count int        `json:"count"`
	Name  string     `json:"name,omitempty"` // of by: as a hit on this page gives it
	Role  trail.Role `json:"role,omitempty"` // of by
}

// Hit is one statement or one message.
type Hit struct {
	Score     float64          `json:"score"` // four decimals; 0 when sorted by date
	Statement *trail.Statement `json:"statement,omitempty"`
	Message   *MessageHit      `json:"message,omitempty"`
}

// MessageHit is a message among hits.
type MessageHit struct {
	trail.MessageInfo
	Excerpt string `json:"excerpt"` // one line of the author's words nearest to the query
}

// MessageSchema is the first field of a MessageDoc.
const MessageSchema = "inwriting.message/v1"

// MessageDoc is one message as read. Offsets count Unicode code points of Text.
type MessageDoc struct {
	Schema      string            `json:"schema"`
	Message     trail.MessageInfo `json:"message"`
	Cc          []string          `json:"cc"`
	Dates       Dates             `json:"dates"`
	Text        string            `json:"text"`
	Truncated   bool              `json:"truncated,omitempty"`
	Zones       []Zone            `json:"zones"`
	Statements  []trail.Statement `json:"statements"`
	SecondHand  []trail.Statement `json:"second_hand,omitempty"` // of others, repeated here, whose mail is not kept
	Parts       []message.Part    `json:"parts"`
	Defects     []message.Defect  `json:"defects"`
	LedgerIndex int64             `json:"ledger_index"` // -1 when the ledger has no entry
	Size        int64             `json:"size"`         // raw octets

	Authenticity *Authenticity `json:"authenticity,omitempty"`
	Signs        []Sign        `json:"signs,omitempty"`
}

// Dates keeps apart what must never be merged: the author's claim, the server's
// receipts, and our clock. Unknown ones are null.
type Dates struct {
	Date         *time.Time `json:"date"`
	Received     *time.Time `json:"received"`
	InternalDate *time.Time `json:"internal_date"`      // of the first occurrence
	Collected    *time.Time `json:"collected"`          // first time
	Disagree     bool       `json:"disagree,omitempty"` // they lie more than a day apart, or one after Collected
}

// Zone is a stretch of MessageDoc.Text, in code points.
type Zone struct {
	Kind  message.ZoneKind `json:"kind"`
	Start int              `json:"start"`
	End   int              `json:"end"`
}
