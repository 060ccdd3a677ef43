package search

import (
	"context"
	"io"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// Store is what the engine reads besides the text index: the catalog and the
// archive, by id. All methods may be called at once from several goroutines and
// return what was committed when they were called. A Store never searches text.
type Store interface {
	// Records returns what is kept of each ref, in the order of refs. A ref that
	// the catalog does not know yields a nil element, not an error: the index
	// may be a step ahead of or behind the catalog. Message.Text, Zones and
	// Defects, and Authenticity, are set only with full.
	Records(ctx context.Context, refs []archive.Ref, full bool) ([]*Record, error)

	// Place returns where the statement with this whole id stands. An unknown id
	// is ErrNotFound.
	Place(ctx context.Context, id string) (Place, error)

	// StatementIDs returns at most limit statement ids that begin with prefix
	// ("s-7k2q"), in ascending order.
	StatementIDs(ctx context.Context, prefix string, limit int) ([]string, error)

	// RefsByPrefix returns at most limit refs whose hexadecimal digits begin
	// with hex (lower-case, without "sha256-"), in ascending order.
	RefsByPrefix(ctx context.Context, hex string, limit int) ([]archive.Ref, error)

	// RefsByMessageID returns at most limit refs of messages that carry this
	// Message-ID (without angle brackets). It may be several: a Message-ID
	// identifies nothing.
	RefsByMessageID(ctx context.Context, id string, limit int) ([]archive.Ref, error)

	// Thread returns the refs of the messages of one conversation with any of
	// refs, these first, at most limit: those that reply links (Message-ID,
	// In-Reply-To, References, Thread-Index) join, then those joined by what
	// Links tells.
	Thread(ctx context.Context, refs []archive.Ref, limit int) ([]archive.Ref, error)

	// Links calls visit for at most limit links around refs, oldest first: msg
	// hangs together with the earlier parent, in one conversation, or, where
	// thread is false, in one piece of work, and reason says to people why
	// ("quotes 4 sentences or lines of it", "carries the same file, …").
	Links(ctx context.Context, refs []archive.Ref, limit int, visit func(msg, parent archive.Ref, thread bool, reason string)) error

	// Between returns the refs of messages dated from from to to, both
	// included, whose author is one of addresses or that were sent to one of
	// them, copies included, oldest first, at most limit. A zero time leaves
	// that end open.
	Between(ctx context.Context, addresses []string, from, to time.Time, limit int) ([]archive.Ref, error)

	// Coverage returns what the vault was filled from and what is missing.
	Coverage(ctx context.Context) (*trail.Coverage, error)

	// Raw opens the octets of a message as collected and tells their number.
	// The caller closes. It returns ErrNotFound for a ref that is not kept.
	Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error)
}

// Record is one message as the catalog keeps it.
type Record struct {
	Ref         archive.Ref
	Date        time.Time        // the author's, in the author's zone; where absent the server's; the moment that was indexed
	Message     *message.Message // never nil; see Store.Records for what is left out
	Statements  []Statement      // in text order
	Occurrences []Occurrence     // in order of collection, never empty
	LedgerIndex int64            // entry of the first collection; -1 when the ledger has none
	Size        int64            // raw octets
	Defect      string           // why the message could not be read; "" when it could

	// Authenticity is what signatures prove; nil where the store does not tell.
	Authenticity *Authenticity
	Signs        []Sign // only with full

	// Hashes of the sentences the author wrote and of those repeated from
	// earlier mail, as trail.Record wants them. Optional.
	NewHashes, QuotedHashes []uint64

	SecondHand []SecondHand // what it repeats of mail that it does not find kept
}

// SecondHand is a passage of a message that somebody else is said to have written.
type SecondHand struct {
	From       message.Address
	Date       time.Time // as the passage has it; zero when it does not
	DateRaw    string
	Forwarded  bool
	Hashes     []uint64 // of its sentences
	Statements []Statement
}

// Statement is a stored statement with its id. RuneStart and RuneEnd are the
// code point offsets into the message's text that answers carry; Start and End,
// of the embedded type, are bytes.
type Statement struct {
	statement.Statement
	ID                 string
	RuneStart, RuneEnd int
	Corrected          *trail.Correction // Kind is then the corrected one
	Answering          *trail.Quoted
}

// Occurrence is one place a message was found, and when.
type Occurrence struct {
	trail.Occurrence
	InternalDate time.Time // the server's receipt; zero for imports without one
	Collected    time.Time // our clock
}

// Place is where a statement stands: the Nth statement, from 0, of a message.
type Place struct {
	Ref archive.Ref
	N   int
}
