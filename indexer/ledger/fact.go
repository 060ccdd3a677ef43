package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Fact is one thing that was observed or done. An entry holds what a catalog
// needs to be made again from archive and ledger alone, and never a subject, a
// body or a correspondent.
//
// Strings may hold any octets, as servers and file names do; what is not
// UTF-8 comes back unchanged from Decode. Times are RFC 3339 strings.
type Fact interface {
	// EntryType is the entry's "type".
	EntryType() string
	fields(*fields)
}

// VaultCreated is the first entry of every ledger; the ledger writes it itself.
type VaultCreated struct {
	Vault string `json:"vault"`
	VKey  string `json:"vkey"` // C2SP signed-note verifier key
}

// AccountAdded says that mail of an account is kept from now on.
type AccountAdded struct {
	Account int64  `json:"account"`
	Address string `json:"address"`
	Host    string `json:"host"`
	Source  string `json:"source"` // "imap" or "import"
}

// MailboxAdded names a mailbox of an account.
type MailboxAdded struct {
	Mailbox int64  `json:"mailbox"`
	Account int64  `json:"account"`
	Name    string `json:"name"`    // octets as the server sent them
	Display string `json:"display"` // decoded
	Delim   string `json:"delim"`   // hierarchy delimiter; "" when there is none
}

// MailboxReset records a new UIDVALIDITY.
type MailboxReset struct {
	Mailbox int64  `json:"mailbox"`
	Old     uint32 `json:"old"`
	New     uint32 `json:"new"`
}

// MailboxListed says that the server began or ceased to list a mailbox, or that the
// settings began or ceased to leave it out. Without one it is listed and read.
type MailboxListed struct {
	Mailbox  int64 `json:"mailbox"`
	Listed   bool  `json:"listed,omitempty"`
	Excluded bool  `json:"excluded,omitempty"`
}

// MailboxRenamed says that the server shows under a new name what a mailbox held:
// nearly all messages, with the same UIDVALIDITY and UIDs.
type MailboxRenamed struct {
	Mailbox     int64  `json:"mailbox"`
	From        int64  `json:"from"`
	UIDValidity uint32 `json:"uidvalidity"`
	Messages    int64  `json:"messages"`
}

// MsgSeen is one occurrence of a message.
type MsgSeen struct {
	Blob         string   `json:"blob"` // SHA-256, 64 hexadecimal digits
	Size         int64    `json:"size"`
	Mailbox      int64    `json:"mailbox"`
	UIDValidity  uint32   `json:"uidvalidity"`
	UID          uint32   `json:"uid"`
	InternalDate string   `json:"internaldate"`
	Flags        []string `json:"flags"`
	Path         string   `json:"path,omitempty"` // imports: where in the source

	// Relinked says by what a message was known that was not fetched again; ""
	// when its octets were.
	Relinked string `json:"relinked,omitempty"`

	// StandIn says that the octets are the server's excuse for a message that it
	// cannot give.
	StandIn bool `json:"standin,omitempty"`
}

// MsgFlags records changed flags.
type MsgFlags struct {
	Mailbox     int64    `json:"mailbox"`
	UIDValidity uint32   `json:"uidvalidity"`
	UID         uint32   `json:"uid"`
	Flags       []string `json:"flags"`
}

// MsgGone says that the server no longer lists an occurrence.
type MsgGone struct {
	Mailbox     int64  `json:"mailbox"`
	UIDValidity uint32 `json:"uidvalidity"`
	UID         uint32 `json:"uid"`
	Blob        string `json:"blob"`
	LastSeen    string `json:"last_seen"`
	FirstMissed string `json:"first_missed"`
}

// MsgQuarantined says that the server lists a message and does not give it.
type MsgQuarantined struct {
	Mailbox      int64  `json:"mailbox"`
	UIDValidity  uint32 `json:"uidvalidity"`
	UID          uint32 `json:"uid"`
	Size         int64  `json:"size"` // as announced; 0 when not
	InternalDate string `json:"internaldate"`
	Why          string `json:"why"` // the server's words, mostly
}

// Acquisition is one pass over an account: whom we asked, what the server said of
// itself, and what came of it.
type Acquisition struct {
	Account      int64    `json:"account"`
	Server       string   `json:"server"`      // host:port
	Transport    string   `json:"transport"`   // "tls", "starttls" or "insecure"
	Certificate  string   `json:"certificate"` // SHA-256 of the server's certificate (DER), hexadecimal; "" without TLS
	User         string   `json:"user"`
	Greeting     string   `json:"greeting"`
	Capabilities []string `json:"capabilities"`

	Folders     int64 `json:"folders"`            // collected or compared
	Exists      int64 `json:"exists"`             // messages in them, by the server's count
	Asked       int64 `json:"asked"`              // messages asked for
	Stored      int64 `json:"stored"`             // messages received whole
	Relinked    int64 `json:"relinked"`           // known by size, date and header, not asked for
	Quarantined int64 `json:"quarantined"`        // messages that the server did not give, those of earlier passes among them
	Left        int64 `json:"left"`               // messages listed and not yet asked for with an outcome
	LeftOut     int64 `json:"left_out,omitempty"` // messages that this pass did not ask for because the settings leave them out
	Connections int64 `json:"connections"`
	Received    int64 `json:"received"` // octets
	Bytes       int64 `json:"bytes"`    // octets of messages

	State   string `json:"state"` // "" when the pass was clean, else in one word why not
	Started string `json:"started"`
	Ended   string `json:"ended"`
}

// Sync is one clean pass over a mailbox.
type Sync struct {
	Mailbox     int64  `json:"mailbox"`
	UIDValidity uint32 `json:"uidvalidity"`
	UIDNext     uint32 `json:"uidnext"`
	// A string in JSON: MODSEQ has 63 bits, a JSON number is only sure of 53.
	HighestModSeq uint64 `json:"highestmodseq,string"`
	Exists        int64  `json:"exists"`
	New           int64  `json:"new"`
	Gone          int64  `json:"gone"`
	Started       string `json:"started"`
	Ended         string `json:"ended"`
}

// Import is one finished import.
type Import struct {
	Account    int64  `json:"account"`
	Kind       string `json:"kind"`
	Messages   int64  `json:"messages"`
	Duplicates int64  `json:"duplicates"`
	Skipped    int64  `json:"skipped"`
	Started    string `json:"started"`
	Ended      string `json:"ended"`
}

// Export is one bundle that was given out.
type Export struct {
	TagManifest string `json:"tagmanifest"` // SHA-256 of the bundle's tagmanifest
	Selection   string `json:"selection"`   // SHA-256 of what was asked for
	// Decisions are what a person decided about other clients' names, privilege and
	// redaction: ids, codes and reasons, no words of the mail.
	Decisions []string `json:"decisions,omitempty"`
}

// Unknown is an entry of a type that this version does not know: a vault written
// by a later one. It cannot be appended.
type Unknown struct {
	Type string          `json:"-"`
	Raw  json.RawMessage `json:"-"`
}

func (VaultCreated) EntryType() string   { return "vault.created" }
func (AccountAdded) EntryType() string   { return "account.added" }
func (MailboxAdded) EntryType() string   { return "mailbox.added" }
func (MailboxReset) EntryType() string   { return "mailbox.reset" }
func (MailboxRenamed) EntryType() string { return "mailbox.renamed" }
func (MailboxListed) EntryType() string  { return "mailbox.listed" }
func (MsgSeen) EntryType() string        { return "msg.seen" }
func (MsgFlags) EntryType() string       { return "msg.flags" }
func (MsgGone) EntryType() string        { return "msg.gone" }
func (MsgQuarantined) EntryType() string { return "msg.quarantined" }
func (Acquisition) EntryType() string    { return "acquisition" }
func (Sync) EntryType() string           { return "sync" }
func (Import) EntryType() string         { return "import" }
func (Export) EntryType() string         { return "export" }
func (u Unknown) EntryType() string      { return u.Type }

func (x VaultCreated) fields(f *fields) { f.str("vault", x.Vault); f.str("vkey", x.VKey) }

func (x AccountAdded) fields(f *fields) {
	f.num("account", x.Account)
	f.str("address", x.Address)
	f.str("host", x.Host)
	f.str("source", x.Source)
}

func (x MailboxAdded) fields(f *fields) {
	f.num("account", x.Account)
	f.str("delim", x.Delim)
	f.str("display", x.Display)
	f.num("mailbox", x.Mailbox)
	f.str("name", x.Name)
}

func (x MailboxReset) fields(f *fields) {
	f.num("mailbox", x.Mailbox)
	f.num("new", int64(x.New))
	f.num("old", int64(x.Old))
}

func (x MailboxListed) fields(f *fields) {
	if x.Excluded {
		f.yes("excluded")
	}
	if x.Listed {
		f.yes("listed")
	}
	f.num("mailbox", x.Mailbox)
}

func (x MailboxRenamed) fields(f *fields) {
	f.num("from", x.From)
	f.num("mailbox", x.Mailbox)
	f.num("messages", x.Messages)
	f.num("uidvalidity", int64(x.UIDValidity))
}

func (x MsgSeen) fields(f *fields) {
	f.str("blob", x.Blob)
	f.list("flags", x.Flags)
	f.str("internaldate", x.InternalDate)
	f.num("mailbox", x.Mailbox)
	if x.Path != "" {
		f.str("path", x.Path)
	}
	if x.Relinked != "" {
		f.str("relinked", x.Relinked)
	}
	if x.StandIn {
		f.yes("standin")
	}
	f.num("size", x.Size)
	f.num("uid", int64(x.UID))
	f.num("uidvalidity", int64(x.UIDValidity))
}

func (x MsgFlags) fields(f *fields) {
	f.list("flags", x.Flags)
	f.num("mailbox", x.Mailbox)
	f.num("uid", int64(x.UID))
	f.num("uidvalidity", int64(x.UIDValidity))
}

func (x MsgGone) fields(f *fields) {
	f.str("blob", x.Blob)
	f.str("first_missed", x.FirstMissed)
	f.str("last_seen", x.LastSeen)
	f.num("mailbox", x.Mailbox)
	f.num("uid", int64(x.UID))
	f.num("uidvalidity", int64(x.UIDValidity))
}

func (x MsgQuarantined) fields(f *fields) {
	f.str("internaldate", x.InternalDate)
	f.num("mailbox", x.Mailbox)
	f.num("size", x.Size)
	f.num("uid", int64(x.UID))
	f.num("uidvalidity", int64(x.UIDValidity))
	f.str("why", x.Why)
}

func (x Acquisition) fields(f *fields) {
	f.num("account", x.Account)
	f.num("asked", x.Asked)
	f.num("bytes", x.Bytes)
	f.list("capabilities", x.Capabilities)
	f.str("certificate", x.Certificate)
	f.num("connections", x.Connections)
	f.str("ended", x.Ended)
	f.num("exists", x.Exists)
	f.num("folders", x.Folders)
	f.str("greeting", x.Greeting)
	f.num("left", x.Left)
	if x.LeftOut != 0 {
		f.num("left_out", x.LeftOut)
	}
	f.num("quarantined", x.Quarantined)
	f.num("received", x.Received)
	f.num("relinked", x.Relinked)
	f.str("server", x.Server)
	f.str("started", x.Started)
	f.str("state", x.State)
	f.num("stored", x.Stored)
	f.str("transport", x.Transport)
	f.str("user", x.User)
}

func (x Sync) fields(f *fields) {
	f.str("ended", x.Ended)
	f.num("exists", x.Exists)
	f.num("gone", x.Gone)
	f.str("highestmodseq", fmt.Sprint(x.HighestModSeq))
	f.num("mailbox", x.Mailbox)
	f.num("new", x.New)
	f.str("started", x.Started)
	f.num("uidnext", int64(x.UIDNext))
	f.num("uidvalidity", int64(x.UIDValidity))
}

func (x Import) fields(f *fields) {
	f.num("account", x.Account)
	f.num("duplicates", x.Duplicates)
	f.str("ended", x.Ended)
	f.str("kind", x.Kind)
	f.num("messages", x.Messages)
	f.num("skipped", x.Skipped)
	f.str("started", x.Started)
}

func (x Export) fields(f *fields) {
	if len(x.Decisions) > 0 {
		f.list("decisions", x.Decisions)
	}
	f.str("selection", x.Selection)
	f.str("tagmanifest", x.TagManifest)
}

func (Unknown) fields(*fields) {}

// timeFormat is UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// version is the "v" of the entries this package writes.
const version = 1

// appendEntry writes one line without its line feed.
func appendEntry(b []byte, f *fields, fact Fact, t string, salt []byte) ([]byte, error) {
	f.all, f.err = f.all[:0], nil
	switch fact.(type) {
	case nil, Unknown, Erased:
		return b, fmt.Errorf("an entry of type %T cannot be written", fact)
	}
	fact.fields(f)
	f.num("v", version)
	f.str("t", t)
	f.str("type", fact.EntryType())
	f.str("salt", base64.StdEncoding.EncodeToString(salt))
	if f.err != nil {
		return b, fmt.Errorf("entry %s: %w", fact.EntryType(), f.err)
	}
	return f.appendTo(b), nil
}

// Entry is a decoded line.
type Entry struct {
	Version int
	Type    string
	Time    time.Time
	Fact    Fact
}

var decoders = map[string]func([]byte) (Fact, error){
	VaultCreated{}.EntryType():   decodeAs[VaultCreated],
	AccountAdded{}.EntryType():   decodeAs[AccountAdded],
	MailboxAdded{}.EntryType():   decodeAs[MailboxAdded],
	MailboxReset{}.EntryType():   decodeAs[MailboxReset],
	MailboxRenamed{}.EntryType(): decodeAs[MailboxRenamed],
	MailboxListed{}.EntryType():  decodeAs[MailboxListed],
	MsgSeen{}.EntryType():        decodeAs[MsgSeen],
	MsgFlags{}.EntryType():       decodeAs[MsgFlags],
	MsgGone{}.EntryType():        decodeAs[MsgGone],
	MsgQuarantined{}.EntryType(): decodeAs[MsgQuarantined],
	Acquisition{}.EntryType():    decodeAs[Acquisition],
	Sync{}.EntryType():           decodeAs[Sync],
	Import{}.EntryType():         decodeAs[Import],
	Export{}.EntryType():         decodeAs[Export],
	MatterOpened{}.EntryType():   decodeAs[MatterOpened],
	MatterItem{}.EntryType():     decodeAs[MatterItem],
	MatterExhibit{}.EntryType():  decodeAs[MatterExhibit],
	MatterNote{}.EntryType():     decodeAs[MatterNote],
	MatterClosed{}.EntryType():   decodeAs[MatterClosed],
	Correction{}.EntryType():     decodeAs[Correction],
	Anchor{}.EntryType():         decodeAs[Anchor],
	ClockSkew{}.EntryType():      decodeAs[ClockSkew],
	DNSKey{}.EntryType():         decodeAs[DNSKey],
	AuthResult{}.EntryType():     decodeAs[AuthResult],
	KeyAdded{}.EntryType():       decodeAs[KeyAdded],
	KeyRetired{}.EntryType():     decodeAs[KeyRetired],
	AccountRole{}.EntryType():    decodeAs[AccountRole],
	Converted{}.EntryType():      decodeAs[Converted],
	Restored{}.EntryType():       decodeAs[Restored],
	Access{}.EntryType():         decodeAs[Access],
	Hold{}.EntryType():           decodeAs[Hold],
	Erase{}.EntryType():          decodeAs[Erase],
	Config{}.EntryType():         decodeAs[Config],
}

func decodeAs[T Fact](line []byte) (Fact, error) {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, err
	}
	if err := restore(reflect.ValueOf(&v).Elem()); err != nil {
		return nil, err
	}
	return v, nil
}

// restore gives the strings in v their octets back.
func restore(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		s, err := octets(v.String())
		if err != nil {
			return err
		}
		v.SetString(s)
	case reflect.Slice:
		for i := range v.Len() {
			if err := restore(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := restore(v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func octets(s string) (string, error) {
	e, ok := strings.CutPrefix(s, octetsPrefix)
	if !ok {
		return s, nil
	}
	b, err := base64.StdEncoding.DecodeString(e)
	return string(b), err
}

// Decode reads one line, with or without its line feed. A type that is not known
// gives a Fact of type Unknown, a line that was erased one of type Erased and no
// time.
func Decode(line []byte) (Entry, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if h, ok := erasedLeaf(line); ok {
		return Entry{Version: version, Type: Erased{}.EntryType(), Fact: Erased{Leaf: h.String()}}, nil
	}
	var c struct {
		V    int    `json:"v"`
		T    string `json:"t"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return Entry{}, fmt.Errorf("decoding ledger entry: %w", err)
	}
	t, err := time.Parse(timeFormat, c.T)
	if err != nil {
		return Entry{}, fmt.Errorf("decoding ledger entry: time %q: want %s", c.T, timeFormat)
	}
	e := Entry{Version: c.V, Type: c.Type, Time: t}
	dec := decoders[c.Type]
	if dec == nil || c.V != version {
		e.Fact = Unknown{Type: c.Type, Raw: bytes.Clone(line)}
		return e, nil
	}
	if e.Fact, err = dec(line); err != nil {
		return Entry{}, fmt.Errorf("decoding ledger entry %s: %w", c.Type, err)
	}
	return e, nil
}
