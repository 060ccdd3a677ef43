package statement

// Kind is what a statement does. The definitions are SPEC's; the order here is
// the order of the documentation, not of precedence.
type Kind string

const (
	Instruction  Kind = "instruction"
	Change       Kind = "change"
	Approval     Kind = "approval"
	Confirmation Kind = "confirmation"
	Question     Kind = "question"
	Answer       Kind = "answer"
	Commitment   Kind = "commitment"
	Delivery     Kind = "delivery"
	Terms        Kind = "terms"
	Caveat       Kind = "caveat"
	Assurance    Kind = "assurance"
	Dispute      Kind = "dispute"
	None         Kind = "none" // an ordinary sentence; never the kind of a Statement
)

// Kinds lists the twelve kinds in documentation order.
var Kinds = []Kind{Instruction, Change, Approval, Confirmation, Question, Answer,
	Commitment, Delivery, Terms, Caveat, Assurance, Dispute}

// FactType says what a fact measures.
type FactType string

const (
	Date      FactType = "date"      // 2023-03-14
	DateTime  FactType = "datetime"  // 2023-03-14T16:00
	Time      FactType = "time"      // 16:00, no day near it
	Money     FactType = "money"     // GBP 120.00
	Quantity  FactType = "quantity"  // 15000 people
	Duration  FactType = "duration"  // 7 days
	Reference FactType = "reference" // the identifier itself
)

// Fact is a typed value that a sentence names. Value is normalised; where more
// than one reading stands, Alternatives holds the others and nobody chooses.
// Start and End are bytes of Message.Text.
type Fact struct {
	Type         FactType `json:"type"`
	Text         string   `json:"text"` // the words as written
	Value        string   `json:"value"`
	Alternatives []string `json:"alternatives"`
	Deadline     bool     `json:"deadline,omitempty"` // "by", "until", "no later than"
	Mismatch     bool     `json:"mismatch,omitempty"` // weekday and date disagree as written
	Start        int      `json:"-"`
	End          int      `json:"-"`
}

// Reason is one summand of a decision: the rule that fired, its weight, and the
// words it fired on.
type Reason struct {
	Rule   string  `json:"rule"`
	Weight float64 `json:"weight"`
	Text   string  `json:"text,omitempty"`
}

// Flags of a statement.
const (
	Negative    = "negative"    // "do not book"
	Conditional = "conditional" // "if the 6.40 is gone"
	Hedged      = "hedged"      // "should be fine"
	Reported    = "reported"    // words of another, retold: "you asked me to hold two rooms"
	SecondHand  = "second-hand" // words of another, quoted or forwarded, whose mail is not kept
)

// Sentence is one sentence or list item of the author's new text. Start and
// End are bytes of Message.Text; Text is exactly Message.Text[Start:End].
type Sentence struct {
	Start, End int
	Text       string
	Kind       Kind    // None for an ordinary sentence
	Asks       float64 // how likely it asks something of the reader, whatever its kind: [0,1], a multiple of 0.01
	Language   string  // ISO 639 code of a sentence that is not English and was not read; else ""
}

// Statement is a span of one author's new text that does one of twelve things.
// Start and End are bytes of Message.Text; Quote is exactly
// Message.Text[Start:End], line breaks included.
type Statement struct {
	Kind       Kind
	Confidence float64 // (0,1], a multiple of 0.01
	Start, End int
	Quote      string
	Facts      []Fact
	Flags      []string
	Why        []Reason // never empty; heaviest first
}

// Reading is everything read in one message, in text order.
type Reading struct {
	Sentences  []Sentence
	Statements []Statement
}
