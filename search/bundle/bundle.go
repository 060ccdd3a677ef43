// Package bundle writes a trail as something that can be given away, and checks
// one without a vault.
//
// A bundle is a BagIt 1.0 bag (RFC 8493), laid out as a Mailbag, in a zip: the
// messages as they came, their attachments and the text that quotes were taken
// from, everything on numbered pages in one PDF, the chronology as a page and as
// tables, what was and was not searched, what was left out and why, and for every
// message a proof that it lay unchanged in the ledger when the checkpoint was
// signed. VERIFY.txt says how to check all of it with stock tools. The same input
// gives the same bytes, time stamps of others excepted: all times are the
// checkpoint's.
//
// Nothing leaves by accident. Before a byte is written every message is looked
// through for other clients' names and for words that may mean privilege; a person
// decides about each. A redacted bundle is made anew from the text, and is refused
// while a redacted word stands anywhere in it.
package bundle

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/search/trail"
)

// Format is the bundle's format, as bundle.json names it.
const Format = "inwriting.bundle/v1"

// Profiles lists whom a bundle may be for. "court" is another word for "court-uk".
var Profiles = []string{"client", "insurer", "court", "court-uk", "court-us", "solicitor"}

// Namespace is what the seal signs for (ssh-keygen -n).
const Namespace = "email-trail-bundle"

// Input is everything a bundle is made of.
type Input struct {
	// Trail's Coverage.Checkpoint must be the one in Checkpoint; its Time dates
	// the bundle.
	Trail    *trail.Trail
	Profile  string // one of Profiles; "" means "client"
	Title    string // on the first page; "" means the question
	Cover    string // words of whoever makes it, for the first page; "" for none
	Exhibits []Exhibit
	Outside  []Outside // files from outside the mail
	// Checkpoint is the signed note that every proof ends in.
	Checkpoint   []byte
	VKey         string
	PublicKeyPEM []byte
	Version      string // of inwriting

	// Who is who. Client names the one client the bundle is about; everybody else's
	// names, addresses and domains are looked for before anything is written.
	People  trail.People
	Client  string
	Lawyers []string // domains of lawyers: their mail waits for a decision

	// Core leaves only the messages that the summary and the findings rest on: for
	// courts that take few pages by e-mail.
	Core bool

	Decisions  []Decision
	Redactions []Redaction
	Keep       []Keep   // attachments that somebody looked at; only a redacted bundle asks
	Population []Listed // every message between the parties in the window, oldest first
	Window     string   // which that is, in words

	Accounts []Account // what is known of the mailboxes in the coverage
	Skews    []Skew    // when our clock was found to be off

	First  int           // number of the first page; 0 means 1
	Signer crypto.Signer // seals the bundle; it must be the key of VKey. nil leaves the seal out
	// Stamp asks for time stamps (RFC 3161) of the tag manifest; nil asks nobody.
	Stamp   func(tagManifest []byte) ([]Token, error)
	Anchors []Anchor
	Changes []KeyChange // of the key that signs the ledger, oldest first; VKey follows the last

	// Progress is told how far the work is; nil tells nobody.
	Progress func(label string, done, total int)
}

// Exhibit is one message. Exhibits are numbered E0001, E0002, … in the order given.
type Exhibit struct {
	Ref  archive.Ref
	Info trail.MessageInfo
	Text string // what the offsets of its statements count in
	// Open reads the octets and tells how many there are. It is called more than once.
	Open        func() (io.ReadCloser, int64, error)
	LedgerIndex int64
	Line        []byte // the ledger entry, without its line feed
	Proof       []byte // C2SP tlog-proof text

	Auth *ledger.AuthResult // what was found of its signatures at arrival; nil for nothing recorded
	Keys [][]byte           // the ledger's entries of the keys that they were checked with
}

// Outside is a file from outside the mail: a screenshot, a chat export, a contract.
// They are numbered X0001, X0002, … in the order given.
type Outside struct {
	Ref         archive.Ref
	Name        string // of the file as it was taken in
	Media, Note string
	Taken       time.Time // by the clock of the machine that keeps the record
	Open        func() (io.ReadCloser, int64, error)
	LedgerIndex int64
	Line, Proof []byte // as of an Exhibit
}

// Listed is a message of the population: what may be told of a message that is not
// in the bundle.
type Listed struct {
	Ref         archive.Ref
	Date        time.Time
	From        string
	To          []string // To and Cc
	MessageID   string
	Refs        []string // In-Reply-To and References, oldest first
	Attachments int
}

// Account is how a mailbox was read.
type Account struct {
	Address   string    `json:"address"`
	Host      string    `json:"host"`
	Source    string    `json:"source"`              // imap or import
	Role      string    `json:"role,omitempty"`      // controller or processor; "" for not stated
	Authority string    `json:"authority,omitempty"` // SHA-256 of the written permission
	Stated    time.Time `json:"stated,omitzero"`     // when role and authority were recorded
	First     time.Time `json:"first_sync,omitzero"` // passes over it
	Last      time.Time `json:"last_sync,omitzero"`
	Passes    int       `json:"passes"`
	// Gaps are stretches of more than a day without a clean pass. What arrived and was
	// deleted within one was never seen; UIDs tell how many that could be.
	Gaps []SyncGap `json:"sync_gaps"`
}

// SyncGap is a stretch of time in which a mailbox was not read.
type SyncGap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Continuous says that the numbers of the messages went on without a hole over the
	// gap: nothing came and went in it. Unseen is how many numbers nobody saw; false and
	// 0 where the numbering began anew or nothing is known.
	Continuous bool  `json:"uids_continuous"`
	Unseen     int64 `json:"uids_unseen"`
}

// Skew is a difference between our clock and an authority's.
type Skew struct {
	Authority    string    `json:"authority"`
	Milliseconds int64     `json:"ours_minus_theirs_ms"`
	At           time.Time `json:"at"`
}

// Anchor is a checkpoint with the time stamp of an authority.
type Anchor struct {
	Size        int64
	Authority   string // ASCII letters, digits and hyphens
	Checkpoint  []byte
	Token       []byte // DER, as in a .tsr file
	Chain       []byte // PEM
	Consistency []byte // that the bundle's checkpoint extends this one; C2SP add-checkpoint body
	GenTime     time.Time
}

// Token is an authority's time stamp.
type Token struct {
	Authority string // ASCII letters, digits and hyphens
	TSR       []byte
	Chain     []byte // PEM
}

// Summary is what Write wrote.
type Summary struct {
	Root        string // the folder inside the zip
	Files       int
	Exhibits    int
	Octets      int64  // of payload
	TagManifest string // SHA-256 of tagmanifest-sha256.txt, hexadecimal: it stands for the whole bundle

	Rows      int // of the chronology
	Findings  int
	Pages     int
	PDFSize   int64
	Originals int      // messages that are in it as they came
	Redacted  int      // messages whose octets stay with their owner
	Withheld  int      // messages that are listed only
	Unshown   int      // characters that no font had
	Selection string   // SHA-256 of what was chosen, hexadecimal
	Warnings  []string // for whoever sends it
}

// ErrUnsound: the input contradicts itself, and no bundle that would not verify
// is written.
var ErrUnsound = errors.New("the bundle would not verify")

// ErrRefused: a file is not a bundle that can be checked at all.
var ErrRefused = errors.New("not a bundle")

// ErrHeld: a person has to decide first. The error is a *HeldError.
var ErrHeld = errors.New("a decision is needed before anything leaves")

// ErrRedaction: a redacted word would still leave.
var ErrRedaction = errors.New("a redacted word is still in the bundle")

// Hold is a place that waits for a person's decision.
type Hold struct {
	ID    string // the same for the same place at every export
	Code  string // OTHER-CLIENT, PRIV or WP
	Ref   archive.Ref
	Where string // subject, text, quoted history, attachment name, folder, …
	Words string // what was found
	Of    string // the other client; "" for privilege
}

// HeldError lists what waits.
type HeldError struct{ Holds []Hold }

func (e *HeldError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s", ErrHeld, plural(len(e.Holds), "place waits", "places wait"))
	for _, h := range e.Holds {
		fmt.Fprintf(&b, "\n  %s", h)
	}
	return b.String()
}

func (e *HeldError) Unwrap() error { return ErrHeld }

func (h Hold) String() string {
	s := fmt.Sprintf("%s  %-12s %q in the %s", h.ID, h.Code, h.Words, h.Where)
	if h.Ref != (archive.Ref{}) {
		s += " of " + h.Ref.String()[:19]
	}
	if h.Of != "" {
		s += ", of " + h.Of
	}
	return s
}

// Decision settles a Hold, or withholds a message of its own accord.
type Decision struct {
	ID       string // of a Hold, or a message's ref or at least six digits of it
	Withhold bool   // the message is listed only; otherwise it may leave
	Code     string // of what is withheld, one of Codes; "" is the Hold's
	Reason   string // in words; it is printed
}

// Codes are the reasons for which a message may be withheld.
var Codes = map[string]string{
	"PRIV":             "legal advice or litigation privilege",
	"WP":               "without prejudice",
	"OTHER-CLIENT":     "it belongs to another client",
	"PERSONAL":         "personal, not about the work",
	"SPECIAL-CATEGORY": "data of a special category",
	"NOT-SEARCHED":     "words to redact cannot be searched for in it",
}
