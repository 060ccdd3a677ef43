// Package bundle writes a trail as something that can be given away, and checks
// one without a vault.
//
// A bundle is a BagIt 1.0 bag (RFC 8493) in a zip: the messages as they came, the
// text their quotes were taken from, the chronology as a page and as tables, what
// was and was not searched, and for every message a proof that it lay unchanged in
// the ledger when the checkpoint was signed. VERIFY.txt says how to check all of it
// with stock tools. The same input gives the same bytes: all times are the
// checkpoint's.
package bundle

import (
	"errors"
	"io"
	"time"

	"inwriting/indexer/archive"
	"inwriting/search/trail"
)

// Format is the bundle's format, as bundle.json names it.
const Format = "inwriting.bundle/v1"

// Profiles lists whom a bundle may be for.
var Profiles = []string{"client", "insurer", "court", "court-us", "solicitor"}

// Input is everything a bundle is made of.
type Input struct {
	// Trail's Coverage.Checkpoint must be the one in Checkpoint; its Time dates
	// the bundle.
	Trail    *trail.Trail
	Profile  string // one of Profiles; "" means "client"
	Title    string // on the first page; "" means the question
	Exhibits []Exhibit
	Outside  []Outside // files from outside the mail
	// Checkpoint is the signed note that every proof ends in.
	Checkpoint   []byte
	VKey         string
	PublicKeyPEM []byte
	Version      string // of inwriting
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

// Summary is what Write wrote.
type Summary struct {
	Root        string // the folder inside the zip
	Files       int
	Exhibits    int
	Octets      int64  // of payload
	TagManifest string // SHA-256 of tagmanifest-sha256.txt, hexadecimal: it stands for the whole bundle
}

// ErrUnsound: the input contradicts itself, and no bundle that would not verify
// is written.
var ErrUnsound = errors.New("the bundle would not verify")

// ErrRefused: a file is not a bundle that can be checked at all.
var ErrRefused = errors.New("not a bundle")
