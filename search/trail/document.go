package trail

import (
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

// Role says on which side somebody stands. It is never guessed: an address that
// nobody configured is Unknown. Other is a configured third party.
type Role string

const (
	Us      Role = "us"
	Client  Role = "client"
	Other   Role = "other"
	Unknown Role = "unknown"
)

// Speaker is the author of a statement.
type Speaker struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Role    Role   `json:"role"`
}

// Occurrence is one place a message was found.
type Occurrence struct {
	Mailbox string `json:"mailbox"` // the account's address
	Folder  string `json:"folder"`
	UID     uint32 `json:"uid"`
	Gone    bool   `json:"gone,omitempty"` // no longer on the server; kept here
}

// MessageInfo names the message a statement stands in.
type MessageInfo struct {
	Ref         archive.Ref  `json:"ref"`
	MessageID   string       `json:"message_id"`
	Date        time.Time    `json:"date"` // the author's, in the author's zone; falls back to the server's
	From        string       `json:"from"`
	To          []string     `json:"to"`
	Subject     string       `json:"subject"`
	Occurrences []Occurrence `json:"occurrences"`
	Attachments []Attachment `json:"attachments,omitempty"` // in the message's order; pictures within its text are none
}

// Attachment is a file that came with a message.
type Attachment struct {
	Name   string `json:"name,omitempty"` // as the sender wrote it
	Size   int64  `json:"size"`           // octets, decoded
	SHA256 string `json:"sha256"`         // of the decoded octets, hexadecimal
}

// Statement is a statement as every answer shows it. Start and End count
// Unicode code points of the text that "show --json" gives.
type Statement struct {
	ID         string             `json:"id"`
	Kind       statement.Kind     `json:"kind"`
	Confidence float64            `json:"confidence"`
	Quote      string             `json:"quote"`
	Start      int                `json:"start"`
	End        int                `json:"end"`
	Speaker    Speaker            `json:"speaker"`
	Message    MessageInfo        `json:"message"`
	Facts      []statement.Fact   `json:"facts"`
	Flags      []string           `json:"flags"`
	Why        []statement.Reason `json:"why"`
	Corrected  *Correction        `json:"corrected,omitempty"` // somebody reads it differently; Kind is then theirs
	Answering  *Quoted            `json:"answering,omitempty"` // the quoted sentence that it was written under
	SecondHand *SecondHand        `json:"second_hand,omitempty"`
	Reported   *Reported          `json:"reported,omitempty"` // what it says that somebody said; Speaker reports it
}

// Quoted is a sentence that a message repeats, in code points of its text.
type Quoted struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Quote string `json:"quote"`
}

// SecondHand marks a statement that is known only from a message of somebody else, who
// quoted or forwarded it: Speaker is the one who is said to have written it, Message
// the one that says so.
type SecondHand struct {
	Date      *time.Time `json:"date"`    // when it is said to have been written; null when that is not said
	Written   string     `json:"written"` // the same in the words of the quotation
	Forwarded bool       `json:"forwarded,omitempty"`
}

// Rel is how a later statement bears on an earlier one.
type Rel string

const (
	Confirms Rel = "confirms"
	Approves Rel = "approves"
	Answers  Rel = "answers"
	Changes  Rel = "changes"
	Fulfils  Rel = "fulfils"
	Disputes Rel = "disputes"
	Refers   Rel = "refers"
)

// Link points from an entry to the earlier entry N.
type Link struct {
	Rel Rel `json:"rel"`
	N   int `json:"n"`
}

// Entry is one numbered statement of a trail.
type Entry struct {
	N         int       `json:"n"`
	Statement Statement `json:"statement"`
	Links     []Link    `json:"links"`
	Pinned    bool      `json:"pinned,omitempty"` // somebody wants it here
}

// FindingType names a finding; gold/SPEC.md defines what a and b are.
type FindingType string

const (
	Contradiction  FindingType = "contradiction"
	Changed        FindingType = "changed"
	Unconfirmed    FindingType = "unconfirmed"
	Unanswered     FindingType = "unanswered"
	Unacknowledged FindingType = "unacknowledged"
	Missed         FindingType = "missed"
	Refuted        FindingType = "refuted"
)

// Finding is something the numbered statements show. A, B and ExplainedBy are
// entry numbers; B and ExplainedBy are 0 when there is none.
type Finding struct {
	Type        FindingType        `json:"type"`
	A           int                `json:"a"`
	B           int                `json:"b,omitempty"`
	ExplainedBy int                `json:"explained_by,omitempty"`
	Fact        statement.FactType `json:"fact,omitempty"`
	Text        string             `json:"text"`
	// NotApplied marks a change by somebody without authority over what it changes:
	// it is told, and what it would change stays in force.
	NotApplied bool `json:"not_applied,omitempty"`
}

// Gap is a silence between two entries' mail.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Days int       `json:"days"`
}

// Summary is what the record shows, in one to three sentences, with the numbers
// of the statements each rests on.
type Summary struct {
	Text       string `json:"text"`
	Statements []int  `json:"statements"`
}

// Schema is the first field of every trail document.
const Schema = "inwriting.trail/v1"

// Trail is the answer to a question about one piece of work. With no entries it
// is the answer "nothing in writing", which Coverage makes worth something.
type Trail struct {
	Schema   string    `json:"schema"`
	Question string    `json:"question"`
	Summary  Summary   `json:"summary"`
	Entries  []Entry   `json:"entries"`
	Findings []Finding `json:"findings"`
	Gaps     []Gap     `json:"gaps"`
	Coverage Coverage  `json:"coverage"`

	AsOf      *time.Time  `json:"as_of,omitempty"`       // nothing written later was looked at
	Standings []Standing  `json:"standings,omitempty"`   // with AsOf: what held then
	Joined    []Joined    `json:"joined,omitempty"`      // what ties conversations of one piece of work, in time order
	Second    []Statement `json:"second_hand,omitempty"` // repeated in messages of the entries from mail that is not kept; no entries
	Near      []Statement `json:"near,omitempty"`        // the nearest that were left out, where asked for; no entries

	// Of a kept question.
	Matter   *Matter   `json:"matter,omitempty"`
	LeftOut  []LeftOut `json:"left_out,omitempty"`
	Exhibits []Exhibit `json:"exhibits,omitempty"`
}

// Coverage says what an answer was drawn from, and what could not be seen.
type Coverage struct {
	Mailboxes  []MailboxCoverage `json:"mailboxes"`
	Absent     []string          `json:"absent"` // Message-IDs cited by kept mail, in angle brackets, that are not kept
	Checkpoint *Checkpoint       `json:"checkpoint"`
}

// MailboxCoverage is one account.
type MailboxCoverage struct {
	Address string           `json:"address"`
	State   string           `json:"state"` // "up to date", "never read", "incomplete", "sign-in refused", "unreachable", "imported"
	Detail  string           `json:"detail,omitempty"`
	Folders []FolderCoverage `json:"folders"`
}

// Complete reports whether nothing of the account is missing, as far as it was to
// be read.
func (m MailboxCoverage) Complete() bool { return m.State == "up to date" || m.State == "imported" }

// FolderCoverage is one folder of an account. Server is 0 for imports.
type FolderCoverage struct {
	Name        string     `json:"name"`
	Server      int        `json:"server"`
	Stored      int        `json:"stored"`
	Indexed     int        `json:"indexed"`
	Quarantined int        `json:"quarantined"`
	Gone        int        `json:"gone"`                 // kept, and no longer on the server
	Erased      int        `json:"erased,omitempty"`     // taken out for good; the server may still have them
	LeftOut     int        `json:"left_out,omitempty"`   // older than the settings want; not fetched
	NotChosen   int        `json:"not_chosen,omitempty"` // not from or to anybody whose mail the settings want; not fetched
	Excluded    bool       `json:"excluded"`
	From        *time.Time `json:"from"`
	To          *time.Time `json:"to"`
	LastSync    *time.Time `json:"last_sync"`

	// What only the ledger tells; a bundle has it.
	FirstSync *time.Time `json:"first_sync,omitempty"` // first clean pass, or import
	GoneSince *time.Time `json:"gone_since,omitempty"` // when the first of what is kept was missed on the server
	Reason    string     `json:"reason,omitempty"`     // of being excluded
}

// Checkpoint is the signed state of the ledger.
type Checkpoint struct {
	Origin string    `json:"origin"`
	Size   int64     `json:"size"`
	Root   string    `json:"root"` // base64, as in the note
	Time   time.Time `json:"time"`
}
