package imapsync

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"
)

// Account is one login on one server.
type Account struct {
	Address string // names the account in messages and errors

	// Server is "host:port" for TLS from the first octet, "starttls://host:port",
	// or "insecure://host:port", which is refused unless host is loopback.
	Server   string
	Username string // Address if empty

	// Password is called before each login; what it returns is not kept.
	Password func(context.Context) (string, error)

	// Token, where it is not nil, is called in place of Password and returns an
	// access token (OAuth 2.0) that is good for some minutes at least.
	Token func(context.Context) (string, error)

	// Exclude lists folders that are not collected: a display name in which
	// "*" stands for any run of characters, or an attribute such as "\Junk", which
	// also finds a folder of that name in the common languages.
	Exclude []string

	// Include lists the only folders that are collected, in the same way; none: all.
	Include []string

	// Since leaves out what the server received before it, where the Folder can
	// remember that (Selector); zero: nothing.
	Since time.Time

	// Want decides by its header whether a message is kept, where the Folder can
	// remember that (Selector); nil: all are. What it leaves out is not fetched. A
	// message whose header the server does not give is wanted.
	Want func(header []byte) bool

	// Wanted says in words what Want lets through, for the record. When it changes,
	// what was left out is looked at again.
	Wanted string

	TLS *tls.Config // nil: system roots, TLS 1.2 or later

	// Compress asks for compression where the server has it. On lines faster than
	// some 20 Mbit/s it costs more time than it saves.
	Compress bool

	// DailyBytes is how many octets of messages may be fetched in a day; 0: no
	// limit but that of the provider, where it is known.
	DailyBytes int64

	// AllowNotReadOnly collects folders although the server does not confirm
	// EXAMINE with READ-ONLY, and although it marks what it gives as read. Nothing
	// is ever written either way.
	AllowNotReadOnly bool
}

// Options are what Run needs besides the account. The zero value works.
type Options struct {
	Logger   *slog.Logger   // nil: none
	Progress func(Progress) // called often, from Run's goroutine; nil: not at all
	Now      func() time.Time

	MaxMessage int64         // octets; larger messages are quarantined; 0: 1 GiB
	Idle       time.Duration // silence that ends a connection; 0: 60 s
	AuditEvery time.Duration // how often all fingerprints are compared; 0: 24 h

	// Budget is how many octets of messages this pass may fetch, a batch more or
	// less; 0: any number, negative: none.
	Budget int64

	// MarksSeen says that the server marks messages as read when they are fetched
	// (see Result.Seen): none are then, unless the account allows it.
	MarksSeen bool

	// RetryDelay is the wait before the first reconnection, doubled for each
	// further one without progress; 0: 1 s.
	RetryDelay time.Duration
}

// Progress tells how far one folder is. Total counts the messages this pass
// fetches from the folder, not those it holds.
type Progress struct {
	Account string
	Folder  string // display name
	Done    int
	Total   int
	Bytes   int64 // octets of messages accepted in this pass, all folders
}

// FolderResult is what a pass did in one folder.
type FolderResult struct {
	Name        string
	Display     string
	Excluded    bool
	Noselect    bool // holds folders only
	Unstable    bool // the UIDVALIDITY changes again and again
	Unchanged   bool // STATUS equalled the last clean pass, the folder was not opened
	Server      int  // messages the server counts; -1 when it did not say
	New         int  // messages handed to the store
	Relinked    int  // stored messages recognised under new UIDs
	Gone        int  // rows that became Vanished
	Flags       int  // UIDs whose flags changed
	Reused      int  // stored UIDs that show another message now
	Asked       int  // messages asked for, each counted once
	Quarantined int  // UIDs on the server that did not give their message in this pass
	Held        int  // UIDs quarantined in earlier passes, not tried in this one
	Left        int  // UIDs still Listed at the end
	LeftOut     int  // UIDs that this pass found to be older than the account's Since
	NotChosen   int  // UIDs that this pass found not to be wanted by their headers (Account.Want)
	Bytes       int64
	Clean       bool
	Err         error // why the folder is not clean; wraps ErrFolder
}

// Result is what a pass did.
type Result struct {
	Folders     []FolderResult
	Bytes       int64 // octets of messages accepted
	Received    int64 // octets read from the network
	Reconnects  int
	Connections int        // logins, the first one among them
	Server      ServerInfo // zero when no connection was made

	// Seen is what became of the unread messages that were fetched first: -1, they
	// are unread still; above 0, they are read now. SeenProven means that the server
	// did it, less that somebody may have read them; 0, nobody looked.
	Seen int
}

// ServerInfo is what the last connection of a pass showed of the server.
type ServerInfo struct {
	Addr         string // host:port
	Transport    string // "tls", "starttls" or "insecure"
	Certificate  string // SHA-256 of the server's certificate (DER), hexadecimal; "" without TLS
	User         string
	Greeting     string
	Capabilities []string // after the login, in alphabetical order
}
