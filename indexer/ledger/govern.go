package ledger

// What was decided about the vault itself: its keys, its settings, who looked,
// what must stay and what had to go.

// KeyAdded names a key that signs from now on in place of the one before it. The
// fingerprint is as ssh-keygen -l prints it.
type KeyAdded struct {
	VKey        string `json:"vkey"`
	Fingerprint string `json:"fingerprint"`
}

// KeyRetired says that a key signs nothing any more.
type KeyRetired struct {
	VKey        string `json:"vkey"`
	Fingerprint string `json:"fingerprint"`
	Reason      string `json:"reason"`
}

// AccountRole says in which role an account is read and by whose permission. The
// permission itself lies in the archive.
type AccountRole struct {
	Account   int64  `json:"account"`
	Role      string `json:"role"`      // "controller" or "processor"
	Authority string `json:"authority"` // SHA-256 of the written permission; "" without one
}

// Access says that somebody looked at the vault's content or took it out.
type Access struct {
	By   string `json:"by"` // local user
	What string `json:"what"`
	Why  string `json:"why"`
}

// Hold says that what it names must not be erased, or, with Released, may be again.
type Hold struct {
	Scope    string `json:"scope"` // "sha256-…", or "client NAME"
	Reason   string `json:"reason"`
	By       string `json:"by"`
	Released bool   `json:"released,omitempty"`
}

// Erase says that a message was erased and which entries' lines went with it:
// their leaf hashes keep the tree whole. What it was cannot be told from here. Who
// has the nonce that was given out with the erasure can show that it was a
// certain message: Commitment is the SHA-256 of nonce and message hash.
type Erase struct {
	Commitment string   `json:"commitment"`
	Entries    []int64  `json:"entries"`
	Leaves     []string `json:"leaves"` // of Entries, base64
	Places     []string `json:"places"` // "mailbox/uidvalidity/uid": not to be fetched again
	Reason     string   `json:"reason"`
	By         string   `json:"by"` // who approved it
}

// Config says that a setting that bears on what is kept was changed.
type Config struct {
	Setting string `json:"setting"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// Erased is what is left of an entry that was erased. It cannot be appended: Blank
// makes it out of an entry.
type Erased struct {
	Leaf string `json:"erased"` // leaf hash of the line that was here, base64
}

func (KeyAdded) EntryType() string    { return "key.added" }
func (KeyRetired) EntryType() string  { return "key.retired" }
func (AccountRole) EntryType() string { return "account.role" }
func (Access) EntryType() string      { return "access" }
func (Hold) EntryType() string        { return "hold" }
func (Erase) EntryType() string       { return "erase" }
func (Config) EntryType() string      { return "config" }
func (Erased) EntryType() string      { return "erased" }

func (x KeyAdded) fields(f *fields) {
	f.str("fingerprint", x.Fingerprint)
	f.str("vkey", x.VKey)
}

func (x KeyRetired) fields(f *fields) {
	f.str("fingerprint", x.Fingerprint)
	f.str("reason", x.Reason)
	f.str("vkey", x.VKey)
}

func (x AccountRole) fields(f *fields) {
	f.num("account", x.Account)
	f.str("authority", x.Authority)
	f.str("role", x.Role)
}

func (x Access) fields(f *fields) {
	f.str("by", x.By)
	f.str("what", x.What)
	f.str("why", x.Why)
}

func (x Hold) fields(f *fields) {
	f.str("by", x.By)
	f.str("reason", x.Reason)
	if x.Released {
		f.yes("released")
	}
	f.str("scope", x.Scope)
}

func (x Erase) fields(f *fields) {
	f.str("by", x.By)
	f.str("commitment", x.Commitment)
	f.nums("entries", x.Entries)
	f.list("leaves", x.Leaves)
	f.list("places", x.Places)
	f.str("reason", x.Reason)
}

func (x Config) fields(f *fields) {
	f.str("new", x.New)
	f.str("old", x.Old)
	f.str("setting", x.Setting)
}

func (Erased) fields(*fields) {}
