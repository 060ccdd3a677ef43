package textindex

import "time"

// Fields. To a search for statements the text is what the statement says, and
// subject, names, mailbox and folder are its message's; to a search for messages
// the text is the whole of it, subject and names included.
const (
	FieldText    = "text"
	FieldSubject = "subject"
	FieldFrom    = "from" // words of names and addresses, whole addresses, "@domain"
	FieldTo      = "to"   // the same
	FieldMailbox = "mailbox"
	FieldFolder  = "folder"
	FieldKind    = "kind" // of the statement, or of any statement of the message
	FieldIs      = "is"   // of the statement or its message, or of any statement of the message
	FieldHas     = "has"
	FieldNames   = "names"  // types of the facts that the statement, or any of the message's, names
	FieldAuthor  = "author" // the author's address, whole; for facets
	FieldMonth   = "month"  // "2006-01", UTC; for facets

	fieldSpan   = "span" // the statements, each as a range of positions in the text
	fieldFact   = "fact"
	fieldAmount = "amount"
	fieldDate   = "date"
	fieldWhen   = "when"

	spanTerm = "s"
)

// Query is one of the types below. A tree of them is what a request asks for.
type Query interface{ query() }

type (
	// All fits everything.
	All struct{}

	// And fits what fits each, Or what fits any. An empty And fits everything,
	// an empty Or nothing.
	And []Query
	Or  []Query

	// Not fits what does not fit Query.
	Not struct{ Query Query }

	// Best fits what fits at least Min of its words (1 where Min is less), and
	// ranks by how many.
	Best struct {
		Words []Word
		Min   int
	}

	// Word fits what holds Text, or any of Also, in any of Fields; no Fields are
	// the usual ones: text, and for statements subject and speaker too. Text that
	// falls into several terms is a phrase of them.
	Word struct {
		Fields    []string
		Text      string
		Also      []string // other words for the same thing
		Addresses []string // whose it is: to be from or to one of them counts as holding it
		Match     Match
	}

	// Phrase fits what holds the words of Text in this order.
	Phrase struct {
		Fields []string
		Text   string
	}

	// Near fits what holds all of Words in the text, in any order, the first and
	// the last of them at most Within words apart: side by side is 1.
	Near struct {
		Words  []Word // of one term each; Fields and Addresses are ignored
		Within int
	}

	// Key fits what has one of Values in a field of keys. Case is ignored.
	Key struct {
		Field  string
		Values []string
	}

	// Who fits what was written by one of the addresses (From), or sent to one
	// (To). "@domain" stands for a domain and those below it.
	Who struct {
		From, To  bool
		Addresses []string
	}

	// Messages fits the messages with these ids, or their statements.
	Messages struct{ IDs []string }

	// Dates fits what is dated in [From, To). A zero time is an open end.
	Dates struct{ From, To time.Time }

	// Amounts fits what names an amount of money in [Min, Max].
	Amounts struct{ Min, Max float64 }

	// FactIs fits what names one of the facts.
	FactIs []Fact
)

func (All) query()      {}
func (And) query()      {}
func (Or) query()       {}
func (Not) query()      {}
func (Best) query()     {}
func (Word) query()     {}
func (Phrase) query()   {}
func (Near) query()     {}
func (Key) query()      {}
func (Who) query()      {}
func (Messages) query() {}
func (Dates) query()    {}
func (Amounts) query()  {}
func (FactIs) query()   {}

// Match says which words count as the word.
type Match int

const (
	Exact    Match = iota // the word as written
	Forms                 // also its inflected forms: book, books, booked, booking
	Forgiven              // as Forms; where nobody ever wrote one, the words one slip away
	Prefix                // whatever begins so
	Fuzzy                 // words one slip away, too
)

// Request asks for messages or for statements.
type Request struct {
	Query      Query
	Statements bool // statements instead of messages
	Sort       Sort
	Limit      int // 0 only counts
	Offset     int

	// Facets are the fields whose values are counted over everything that fits:
	// FieldKind, FieldNames, FieldMailbox, FieldAuthor, FieldMonth.
	Facets []string
}

// Sort is the order of hits. Ties fall to the newer, then to the lesser id, then
// to the statement that stands first.
type Sort int

const (
	ByScore Sort = iota
	Newest
	Oldest
)

// Result is the answer to a Request.
type Result struct {
	Total     int // how many fit, whatever the limit
	Hits      []Hit
	Facets    map[string]map[string]int // by field and value, how much of what fits has it
	Corrected map[string]string         // Forgiven words that nobody wrote, and the nearest that somebody did
}

// Hit is a message or a statement that fits.
type Hit struct {
	ID    string  // of the message
	N     int     // of the statement, in the order they were put; 0 for a message
	Score float64 // a multiple of 0.0001; 0 unless ByScore
	Words int     // how many of the query's words it holds; 0 unless ByScore
}
