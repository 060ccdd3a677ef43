package web

import (
	"context"
	"io"
	"time"

	"inwriting/search/bundle"
	"inwriting/search/trail"
)

// Desk is what the pages do beside asking. All of it is done by whoever the
// context says (access.PersonOf); errors have words for people.
type Desk interface {
	// Open lists what waits for somebody.
	Open(ctx context.Context) (*Open, error)

	// Keep keeps a question under a name.
	Keep(ctx context.Context, m Matter) error

	// Correct says what a statement is, or takes that back.
	Correct(ctx context.Context, c Correction) error

	// Bundle makes a bundle and checks it. The file is kept for a while. The error
	// is a *HeldError when a person has to decide about something first.
	Bundle(ctx context.Context, o BundleOrder) (*Bundle, error)

	// Made returns a bundle made earlier; part is "" for the whole file or "pdf"
	// for the chronology alone. The error is search.ErrNotFound when it is not kept.
	Made(ctx context.Context, id, part string) (*Bundle, io.ReadCloser, error)

	// Check begins to read the archive again and to compare it with the ledger.
	// Last is what the last check found, nil before the first.
	Check(ctx context.Context) error
	Last() *Checked

	// Settings are the settings in force.
	Settings(ctx context.Context) []Setting

	// Mailboxes is nil where mailboxes cannot be added through the pages.
	Mailboxes() Mailboxes

	// Demo starts the demo beside this record and returns its address; it is
	// offered while CanDemo.
	CanDemo() bool
	Demo(ctx context.Context) (string, error)
}

// Open is what waits for somebody.
type Open struct {
	AsOf    time.Time
	Pending bool // it is being worked out for the first time
	Items   []OpenItem
}

// OpenItem is one statement that something is missing after.
type OpenItem struct {
	Client    string
	List      string // promise, instruction, question, recap
	Statement trail.Statement
	WaitsFor  trail.Role
	Due       string // of a promise, YYYY-MM-DD
	State     string // due, overdue, waiting
	Days      int
}

// Correction says what a statement is.
type Correction struct {
	Statement, Kind, Note string
	Undo                  bool
}

// BundleOrder says what goes into a bundle.
type BundleOrder struct {
	Question string // or a matter's name
	Title    string
	For      string   // one of bundle.Profiles
	LeaveOut []string // N=REASON: the message of statement N goes without its words
	Release  []string // ID=REASON: what is held leaves
	Withhold []string // ID=CODE:REASON: it does not
	BlackOut []string // forms, as bundle.Forms lists them
	Cover    string   // words of whoever makes it, for the first page
	Redact   []bundle.Redaction
}

// HeldError lists places that a person has to decide about before a bundle leaves.
type HeldError struct{ Held []Held }

func (e *HeldError) Error() string {
	return plural(len(e.Held), "place waits", "places wait") + " for your decision; nothing was written"
}

// Held is one of them.
type Held struct{ ID, Code, Ref, Where, Words, Of string }

// Bundle is a bundle that was made.
type Bundle struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"` // of the file
	Question string    `json:"question"`
	Title    string    `json:"title"`
	For      string    `json:"for"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
	Messages int       `json:"messages"`
	Pages    int       `json:"pages,omitempty"` // of the chronology
	Inside   []string  `json:"inside"`
	Ledger   int64     `json:"ledger"` // its entry
	Made     time.Time `json:"made"`
	Checked  bool      `json:"checked"` // read back and found in order
}

// Checked is what a check of the archive found.
type Checked struct {
	At       time.Time
	Running  bool
	OK       bool
	Messages int
	Altered  []string // refs
	Problems []string
}

// Setting is a setting in force and where it comes from.
type Setting struct{ Name, Value, From string }

// Mailboxes adds mailboxes.
type Mailboxes interface {
	// Ask says what the provider of an address wants.
	Ask(ctx context.Context, address string) Provider

	// Add signs in and looks, changing nothing there; then keeps the mailbox in the
	// configuration, or its new password, and begins to read it.
	Add(ctx context.Context, m NewMailbox) (*Tried, error)

	// SignIn begins a sign-in on the provider's own page, for a mailbox that is to be
	// added or is there. It goes on when SignIn returns, and ends as Add does. back is
	// our page of the sign-in, by its id, to which a browser comes back.
	SignIn(ctx context.Context, m NewMailbox, back func(id string) string) (id string, err error)

	// Signing is how a sign-in stands; nil when it is not known, or no more.
	Signing(id string) *Signing

	// Choices are the clients and third parties to whose mail a mailbox can be
	// limited; none for one that is not in the configuration.
	Choices(address string) []Choice

	// People is who is who, and what the mail suggests about others.
	People(ctx context.Context) (*People, error)

	// Name writes down who somebody is: a suggestion by its id, or addresses and
	// "@domain"s. as is client, other, me, or "" where a suggestion says it.
	Name(ctx context.Context, n Naming) error

	// Choose keeps only what is from or to those named, all when nobody is.
	Choose(ctx context.Context, address string, names []string) error
}

// Choice is somebody to whose mail a mailbox can be limited; the name "*" is everybody
// who has one, now or later.
type Choice struct {
	Name   string
	Chosen bool
}

// People is who is named, and who might be.
type People struct {
	Known     []KnownPerson
	Suggested []SuggestedPerson
}

// KnownPerson is somebody who is named, with what the mail has of them.
type KnownPerson struct {
	Role                 trail.Role
	Party, Address, Name string
	Says                 string // how much they wrote, and from when to when
	Authority            string // for whom they may speak, and when
}

// SuggestedPerson is what the mail suggests about somebody.
type SuggestedPerson struct {
	ID, Who, Why string
	Name         string     // what they might be called
	Party        string     // whom they would belong to; "" when nothing says it
	Role         trail.Role // Unknown when nothing says it
}

// Naming says who somebody is.
type Naming struct {
	ID       string // of a suggestion; or
	Who      []string
	As, Name string
}

// Signing is a sign-in under way or over.
type Signing struct {
	Schema   string    `json:"schema"` // SigningSchema
	State    string    `json:"state"`  // waiting, done, failed
	Address  string    `json:"address"`
	Provider string    `json:"provider"`       // who signs in, by name
	URL      string    `json:"url,omitempty"`  // to be opened
	Code     string    `json:"code,omitempty"` // to be typed in there; "" when there is none
	Until    time.Time `json:"until,omitzero"` // when the code ends
	Error    string    `json:"error,omitempty"`
	Hint     string    `json:"hint,omitempty"`

	Asked NewMailbox `json:"-"` // without its secrets
	Tried *Tried     `json:"-"`
}

// SigningSchema names the document of a sign-in.
const SigningSchema = "inwriting.signin/v1"

// Provider is what is known of an address's provider.
type Provider struct {
	Name   string // "" when unknown
	Server string // as in the configuration; "" when not known
	Wants  string // what to type, in a sentence
	Link   string // where such a password is made; "" when there is none
	Cannot string // why it cannot be added here; "" when it can

	Known   bool     // the mailbox is there already
	OAuth   string   // microsoft, google or an issuer, where a token is taken; "" when none is known
	Signs   string   // who gives it, by name
	Client  string   // the application that a known mailbox signs in with
	OnlyOne bool     // no password is taken
	Secret  bool     // its applications have a secret
	Steps   []string // how to get an application there
}

// NewMailbox is a mailbox to be added. With OAuth a token is asked for: Client is the
// user's own application, Password its secret.
type NewMailbox struct {
	Address, Server, Username, Password string
	OAuth, Client, Tenant, Flow         string
}

// Tried is what a look at a mailbox found.
type Tried struct {
	ReadOnly bool
	Folders  int
	Messages int // -1 when the server does not count them at once
}
