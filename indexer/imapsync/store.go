package imapsync

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
)

// State is how far one UID of a folder's epoch has come.
type State string

const (
	// Listed: the server has shown the UID and its message is not stored yet.
	// The row is written before any download; it is what makes a loss visible
	// after a crash.
	Listed State = "listed"
	// Stored: the message is durable in the archive.
	Stored State = "stored"
	// Quarantined: the server shows the UID but did not give its message.
	Quarantined State = "quarantined"
	// LeftOut: the settings do not want the message, for its date.
	LeftOut State = "left out"
	// NotChosen: the settings do not want the message, for its header.
	NotChosen State = "not chosen"
	// Vanished: two enumerations in different sessions did not show the UID.
	// What is stored of it stays.
	Vanished State = "vanished"
)

// Known is what the store holds about one UID of an open epoch.
type Known struct {
	UID          uint32
	State        State
	Size         int64 // RFC822.SIZE as last listed; the fingerprint, not the length of the blob
	InternalDate time.Time
	Flags        []string // in any order; nil is the same as empty
	// Missed is the session of the first enumeration that did not show the
	// UID, "" when the last enumeration showed it.
	Missed string
	// Due says of a quarantined UID that it is time to try it again. How often
	// that is, is the store's decision (once a day).
	Due   bool
	Tries int         // how often it was quarantined
	Ref   archive.Ref // of a stored one, for a Folder that is a Relinker
}

// FolderInfo is one line of LIST.
type FolderInfo struct {
	Name     string   // octets as on the wire, without quotes: the key, never decoded
	Display  string   // decoded for people; equal to Name when it cannot be decoded
	Delim    string   // hierarchy delimiter, "" when there is none
	Attrs    []string // as the server wrote them: \Noselect, \Sent …
	Use      string   // \Sent, \Drafts, \Junk, \Trash or \Archive (RFC 6154), as the server says or the name; "" else
	Excluded bool     // listed, but not collected: configuration says so
	ID       string   // MAILBOXID (RFC 8474), which a rename leaves; "" when it is not known, as in Store.Folders
}

// Selectable reports whether the folder can hold messages.
func (f FolderInfo) Selectable() bool {
	return !f.has(`\Noselect`) && !f.has(`\NonExistent`)
}

func (f FolderInfo) has(attr string) bool {
	return slices.ContainsFunc(f.Attrs, func(a string) bool { return strings.EqualFold(a, attr) })
}

// CleanState is what a folder looked like at the end of a pass that left
// nothing to do. A zero UIDNext or HighestModSeq means that the server did not
// say; it never compares equal to anything.
type CleanState struct {
	UIDValidity   uint32
	UIDNext       uint32
	Exists        uint32
	HighestModSeq uint64
	// Pending is filled by Store.LastClean only: rows of the open epoch that
	// still want work, which are those in Listed, those quarantined and Due,
	// and those with Missed set. A folder with pending rows is never skipped.
	Pending int
	// Quarantined is filled by Store.LastClean only: rows in that state, due or not.
	Quarantined int
	// Resets is filled by Store.LastClean only: how often the UIDVALIDITY changed, each
	// time within two days of the one before.
	Resets    int
	LastAudit time.Time // when the fingerprints of all UIDs were last compared
	At        time.Time // end of the pass
}

// ListedMessage is one UID as the server describes it, before its message is fetched.
type ListedMessage struct {
	UID          uint32
	Size         int64
	InternalDate time.Time // zero when the server's date cannot be read
	Flags        []string
	Object       Object // zero when the server names no messages
}

// Accepted is one complete message.
type Accepted struct {
	UID           uint32
	Blob          *archive.Blob // the octets of BODY[], nothing added or taken away
	InternalDate  time.Time
	Flags         []string
	SizeAnnounced int64 // RFC822.SIZE; may differ from Blob.Size, which is no error

	// StandIn says that these octets are the server's excuse for a message that it
	// cannot give. They are kept like any, and the UID stays Quarantined.
	StandIn bool
}

// FlagChange is the present set of flags of one UID.
type FlagChange struct {
	UID   uint32
	Flags []string
}

// Enumeration is one complete list of a folder's UIDs, told as what it lacks.
type Enumeration struct {
	Session string   // names the connection; differs in every connection ever made
	Exists  uint32   // messages on the server
	UIDNext uint32   // 0 when unknown
	Missing []uint32 // known UIDs, Listed, Stored or Quarantined, that were absent
}

// Store keeps what imapsync finds in one account. Its methods are called from
// one goroutine at a time. An error ends the pass.
type Store interface {
	// Folders records the folders the server lists in this pass, excluded and
	// unselectable ones among them. A folder that is not in it any more is an
	// event; nothing of it is deleted or closed.
	Folders(ctx context.Context, all []FolderInfo) error

	// Folder opens the epoch of the folder named info.Name with this
	// UIDVALIDITY and makes both if need be. If the folder's open epoch has
	// another UIDVALIDITY it is closed, with its rows and blobs kept, and the
	// change is recorded. uidValidity is never 0.
	Folder(ctx context.Context, info FolderInfo, uidValidity uint32) (Folder, error)

	// LastClean returns what Folder.Clean was last given for the folder, with
	// Pending counted now. False means that no pass was ever clean.
	LastClean(ctx context.Context, name string) (CleanState, bool, error)

	// Event appends to the record of collection, which is for people: logins,
	// refusals, retries, quarantines. folder is a Name or "". Kinds are the
	// Event… constants.
	Event(ctx context.Context, kind, folder, detail string)
}

// Folder is the open epoch of one folder. Its methods are called from one
// goroutine at a time; it is not used after Clean or after the next
// Store.Folder.
type Folder interface {
	// Known yields every row of the epoch in ascending order of UID, Vanished
	// ones may be left out. No other method is called while it runs.
	Known(ctx context.Context) iter.Seq2[Known, error]

	// List makes rows in state Listed, durable on return. A UID whose row is
	// Vanished becomes Listed again. A UID whose row is Stored or Quarantined
	// is listed again when its size or INTERNALDATE on the server is no longer
	// what it was: the server shows another message under an old UID. The store
	// keeps the old occurrence with its blob and opens another version of it.
	List(ctx context.Context, uids []ListedMessage) error

	// Accept hands over one message. It owns the blob from here on, also when
	// it returns an error. Grouping, commit and fsync are the store's; it may
	// block to keep the pace of the disk. The UID was given to List before.
	Accept(ctx context.Context, m Accepted) error

	// Flush makes everything accepted durable.
	Flush(ctx context.Context) error

	// Flags replaces the flags of stored UIDs and records the change.
	Flags(ctx context.Context, changes []FlagChange) error

	// Enumerated tells what a complete list of UIDs lacked, seen against what
	// Known yielded. A row that is missing for the first time gets Missed =
	// e.Session; one whose Missed names another session becomes Vanished; a
	// row that is not in e.Missing loses its Missed. It returns how many
	// became Vanished.
	Enumerated(ctx context.Context, e Enumeration) (gone int, err error)

	// Quarantine marks a listed or quarantined UID as not obtainable for now
	// and counts the attempt. why is for people and may quote the server.
	Quarantine(ctx context.Context, uid uint32, why string) error

	// Clean ends a pass over this folder that left nothing to do: everything
	// accepted is durable, nothing is Listed, the enumeration agreed with the
	// server's count, no error. c.Pending is not set.
	Clean(ctx context.Context, c CleanState) error
}

// Stager takes the octets of one message to a place from which the archive can
// take them over. *archive.Stage is one.
type Stager interface {
	Read(r io.Reader) (*archive.Blob, error)
}

// Kinds of events.
const (
	EventConnected   = "connected"     // greeting, TLS version
	EventLogin       = "login"         // who logged in, how
	EventRefused     = "refused"       // the server refused the login or a folder
	EventAlert       = "alert"         // the server has something to say to people
	EventBye         = "bye"           // the server ended the connection
	EventRetry       = "retry"         // a connection was lost and made again
	EventUIDValidity = "uidvalidity"   // missing or zero
	EventNotReadOnly = "not-read-only" // EXAMINE was not answered with READ-ONLY
	EventCount       = "count"         // enumeration and EXISTS disagree
	EventReused      = "uid-reused"    // a stored UID shows another message
	EventRelinked    = "relinked"      // stored messages were recognised under new UIDs
	EventRefetch     = "refetch"       // the server said OK and left messages out
	EventStandIn     = "stand-in"      // the server gave an excuse in place of a message
	EventQuarantined = "quarantined"
	EventMarksSeen   = "marks-seen"   // messages were read after they were fetched
	EventSizeDiffers = "size-differs" // RFC822.SIZE is not the length of the message
)
